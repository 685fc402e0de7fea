/*
 * agent/records/trace.h - records that were destroyed by their own rule: what is left of them, and
 * who says that it destroyed them.
 *
 * Source: docs/protocol-record.md, "Destroyed by rule". Layer: agent.
 */
#ifndef DT_AGENT_RECORDS_TRACE_H
#define DT_AGENT_RECORDS_TRACE_H

#include "agent/records/records.h"
#include "record/trace.h"

struct dt_trace_info {
    uint64_t number; /* that the record had */
    uint8_t group_id[32];
    struct dt_person author;
    uint64_t received_ms;  /* when it came, by our clock */
    uint64_t destroyed_ms; /* likewise */
    struct dt_trace trace;
    struct dt_entry_info entry;
};
/* Those of ${group_id} (NULL: of all channels), oldest first. Owner: dt_free(*out). */
DT_MUST_CHECK enum dt_err dt_agent_traces(struct dt_agent *a, const uint8_t *group_id,
                                          struct dt_trace_info **out, size_t *out_n);

/* One delegate's word that the record is destroyed. */
struct dt_trace_word {
    struct dt_person who;
    struct dt_destroyed word;
};
/* Of the record with ${commitment}, our own first of all. Owner: dt_free(*out). */
DT_MUST_CHECK enum dt_err dt_agent_trace_words(struct dt_agent *a,
                                               const uint8_t commitment[static 32],
                                               struct dt_trace_word **out, size_t *out_n);

/**
 * dt_agent_trace_proof(a, commitment, out):
 * Append a file that shows to a stranger that the record was there and is destroyed, by its rule
 * and the words of those who say so (record/trace_proof.h). NOT_FOUND: no such record was
 * destroyed here.
 */
DT_MUST_CHECK enum dt_err
dt_agent_trace_proof(struct dt_agent *a, const uint8_t commitment[static 32], struct dt_buf *out);

/* The commitment of the destroyed record that was number ${text}, or whose commitment begins so.
 * NOT_FOUND, CONFLICT. */
DT_MUST_CHECK enum dt_err dt_agent_trace_find(struct dt_agent *a, const char *text,
                                              uint8_t out_commitment[static 32]);

/* ---- for the flows of this room ---- */

struct dt_incoming;

/* Is the record with ${commitment} one that was destroyed? */
DT_MUST_CHECK enum dt_err dt_trace_is(struct dt_agent *a, const uint8_t commitment[static 32],
                                      bool *out);

/* The first number that neither a record nor a destroyed one has, less 1. */
DT_MUST_CHECK enum dt_err dt_record_next_seq(struct dt_agent *a, uint64_t *out);

/**
 * dt_record_destroy(a, commitment, due_ms, owed, out_again_ms):
 * Wipe the record but for its trace, sign that it was, and have that sent; inside a transaction.
 * While something is owed about it, or its entry is not in the register, it waits, no longer than
 * as long again as it was kept: then *${out_again_ms} is when to try again, else 0. ${owed} begins
 * empty and serves all calls of one transaction: what is owed about is found once. NOT_FOUND.
 */
DT_MUST_CHECK enum dt_err dt_record_destroy(struct dt_agent *a, struct dt_view commitment,
                                            uint64_t due_ms, struct dt_buf *owed,
                                            uint64_t *out_again_ms);

/* A member's word came. REFUSED: it is not its sender's; AUTH. */
DT_MUST_CHECK enum dt_err dt_trace_word_take(struct dt_agent *a, const struct dt_incoming *in);

#endif
