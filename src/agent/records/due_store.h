/*
 * agent/records/due_store.h - the snapshot of what is due, in the store; for due*.c alone.
 *
 * Layer: agent.
 *
 * Table "due": "head" -> format, hash of what the items were read by, channels, next record;
 * parent "items", seq n -> items 256n and on.
 */
#ifndef DT_AGENT_RECORDS_DUE_STORE_H
#define DT_AGENT_RECORDS_DUE_STORE_H

#include "agent/records/due.h"

#define DT_DUE_CHUNK    256u
#define DT_DUE_CHANNELS 4096u

/* What is kept, in memory. */
struct dt_due_kept {
    struct dt_due_state state;
    uint8_t *group_ids; /* owned, 32 bytes each */
    size_t n_channels;
    uint64_t next;    /* seq of the next record in table "record" */
    uint64_t version; /* of the head that was read; counts writes */
    bool loaded;      /* state is that of this version */
    bool fresh;       /* nothing of it is in the store */
    uint8_t *changed; /* owned: of each chunk, whether it is to be written */
    size_t n_changed;
};
void dt_due_kept_clear(struct dt_due_kept *k);

/* Read the snapshot, unless ${k} is what the store holds. One that is of another program's format,
 * of other templates, or damaged, counts as none. Inside a transaction. */
DT_MUST_CHECK enum dt_err dt_due_kept_load(struct dt_agent *a, struct dt_due_kept *k);

/* Item ${i} has changed, or is new. NOMEM. */
DT_MUST_CHECK enum dt_err dt_due_kept_touch(struct dt_due_kept *k, size_t i);

/* The number of the channel; a new one where it was not seen. LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err dt_due_kept_channel(struct dt_due_kept *k,
                                              const uint8_t group_id[static 32], uint16_t *out);

/* Write what has changed. Inside the transaction of dt_due_kept_load(). */
DT_MUST_CHECK enum dt_err dt_due_kept_save(struct dt_agent *a, struct dt_due_kept *k);

#endif
