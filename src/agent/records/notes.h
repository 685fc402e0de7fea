/*
 * agent/records/notes.h - what this home alone keeps about contacts: private notes, and tables of
 * claims.
 *
 * Source: docs/protocol-record.md, "Contacts", "Claims". Layer: agent. Nothing here is sent, signed
 * or sealed in a register; it lies in the store, sealed like everything there.
 */
#ifndef DT_AGENT_RECORDS_NOTES_H
#define DT_AGENT_RECORDS_NOTES_H

#include "instrument/contact_notes.h"
#include "record/template.h"

struct dt_agent;

#define DT_SOURCE_NAME_MAX 64u /* of an import: a line of text */
#define DT_SOURCES_MAX     256u

/* What was imported under one name. */
struct dt_source_info {
    char name[DT_SOURCE_NAME_MAX + 1];
    uint64_t kept_ms; /* when, by our clock */
    uint64_t n;       /* notes, or claims */
};

/**
 * dt_agent_notes_keep(a, source, notes, out_before):
 * Keep ${notes} under the name ${source}, all or none, in place of what was there under it;
 * *${out_before} is how many that was. FORMAT (the name), LIMIT.
 */
DT_MUST_CHECK enum dt_err dt_agent_notes_keep(struct dt_agent *a, const char *source,
                                              const struct dt_notes *notes, size_t *out_before);

/* All notes of this home. Owner: dt_agent_notes_free(). */
struct dt_agent_notes {
    struct dt_contact_note *notes; /* each with its source */
    size_t n;
    struct dt_buf *stores; /* what they borrow from */
    struct dt_source_info *sources;
    size_t n_sources;
};
DT_MUST_CHECK enum dt_err dt_agent_notes(struct dt_agent *a, struct dt_agent_notes *out);
void dt_agent_notes_free(struct dt_agent_notes *n);

/* Forget the notes of ${source}; NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_agent_notes_forget(struct dt_agent *a, const char *source);

/**
 * dt_agent_claims_keep(a, source, csv, n), dt_agent_claims(a, source, out):
 * Keep a table of ${n} claims, as text that was read without an error, under a name, in place of
 * what was there; and append it to ${out}. NULL: the only one there is. NOT_FOUND, CONFLICT (there
 * are several), LIMIT.
 */
DT_MUST_CHECK enum dt_err dt_agent_claims_keep(struct dt_agent *a, const char *source,
                                               struct dt_view csv, size_t n);
DT_MUST_CHECK enum dt_err dt_agent_claims(struct dt_agent *a, const char *source,
                                          struct dt_buf *out);

#endif
