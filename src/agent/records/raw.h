/*
 * agent/records/raw.h - templates that a forum has of its own, and records of kinds that are not
 * known here.
 *
 * A charter that all parties signed names a template by its hash (rule template.<id>); its text
 * comes as a file. Until it is there, records of the kind are kept as they came and shown raw.
 *
 * Source: docs/protocol-record.md "Charter"; docs/protocol-agent.md "Templates of a forum's own".
 * Layer: agent.
 */
#ifndef DT_AGENT_RECORDS_RAW_H
#define DT_AGENT_RECORDS_RAW_H

#include "agent/records/records.h"

struct dt_incoming;

/**
 * dt_agent_template_add(a, json, out_taken):
 * Take in the template whose JSON is ${json}, and what came of its kind before: ${out_taken} counts
 * these records. Errors: those of dt_template_from_json(); REFUSED (the charter names no template
 * of this id, or another hash), EXISTS (every agent knows one of this id, or it is there).
 */
DT_MUST_CHECK enum dt_err dt_agent_template_add(struct dt_agent *a, struct dt_view json,
                                                size_t *out_taken);

/* A record of a kind that is not known here. Nothing of it was checked but who sent it. */
struct dt_raw_info {
    uint8_t id[32]; /* SHA-256 of its bytes */
    uint8_t group_id[32];
    struct dt_person from; /* the member who sent it */
    uint64_t received_ms;
    char kind[DT_TEMPLATE_ID_MAX + 1]; /* the template it names */
    uint8_t template_hash[32];
    size_t size;
};

/* All of them, oldest first; ${group_id} NULL: of all channels. Owner: dt_free(*out). */
DT_MUST_CHECK enum dt_err dt_agent_raw_records(struct dt_agent *a, const uint8_t *group_id,
                                               struct dt_raw_info **out, size_t *out_n);

/* The bytes of the one with ${id}, appended to ${out}. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_agent_raw_record(struct dt_agent *a, const uint8_t id[static 32],
                                              struct dt_buf *out);

/* ---- inside the agent ---- */

/* The templates that this home has taken in, put behind those that every agent knows. */
DT_MUST_CHECK enum dt_err dt_templates_of_home(struct dt_agent *a);

/* Keep a record whose kind is not known here. *${out_known}: it is, since another process of this
 * home took the template in: then nothing was kept. LIMIT: too many are kept. */
DT_MUST_CHECK enum dt_err dt_raw_keep(struct dt_agent *a, const struct dt_incoming *in,
                                      bool *out_known);

#endif
