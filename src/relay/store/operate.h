/*
 * relay/store/operate.h - what an operator does with a store: look at its numbers, take access
 * back, copy it while it is served, and put a copy in its place.
 *
 * Source: docs/operating.md. Layer: relay.
 */
#ifndef DT_RELAY_STORE_OPERATE_H
#define DT_RELAY_STORE_OPERATE_H

#include "relay/store/store.h"

/* ---- numbers ---- */

struct dt_stats_grant {
    uint64_t id, created_ms, queues, queues_max, cells, bytes;
    bool revoked;
};

struct dt_stats_register {
    uint64_t grant, size, keys, keys_revoked, openings;
    bool attested, final; /* is there a size that is? */
    uint64_t attested_size, final_size;
    bool restored; /* not signed until dt_relay_store_resume() */
};

/* The grant after ${after} (0: the first). NOT_FOUND after the last. */
DT_MUST_CHECK enum dt_err dt_relay_store_stats_grant(struct dt_relay_store *s, uint64_t after,
                                                     struct dt_stats_grant *out);
DT_MUST_CHECK enum dt_err dt_relay_store_stats_register(struct dt_relay_store *s, int64_t reg,
                                                        struct dt_stats_register *out);

/* ---- taking access back ---- */

struct dt_revoked {
    uint64_t queues, keys;
};

/**
 * dt_relay_store_revoke_grant(s, reg, out):
 * Nothing more is taken under the grant of register ${reg}: its queue token, the write tokens of
 * its queues and all append keys fit no more. What is stored stays, and is read as before. In the
 * store another hash stands in the place of each token's, and the table "revoked" says which it
 * was. STATE: it is revoked already.
 */
DT_MUST_CHECK enum dt_err dt_relay_store_revoke_grant(struct dt_relay_store *s, int64_t reg,
                                                      struct dt_revoked *out);

/* The append key of ${reg} with ${hash} is taken no more. NOT_FOUND, STATE. */
DT_MUST_CHECK enum dt_err dt_relay_store_revoke_key(struct dt_relay_store *s, int64_t reg,
                                                    const uint8_t hash[static 32],
                                                    struct dt_revoked *out);

/* ---- copies ---- */

/* A whole copy of the store, as it is at one moment, into the new file ${path} (0600), while it is
 * served. EXISTS, IO. */
DT_MUST_CHECK enum dt_err dt_relay_store_backup(struct dt_relay_store *s, const char *path);

/* The store is a copy put back: no register in it is signed until dt_relay_store_resume(). */
DT_MUST_CHECK enum dt_err dt_relay_store_mark_restored(struct dt_relay_store *s);

/**
 * dt_relay_store_resume(s, reg, known_size, known_root, entries, out_size):
 * Register ${reg} may be signed again. ${known_size} is the largest size that anybody has seen of
 * it, and ${known_root} the root of that checkpoint (NULL: not known). A smaller or equal size is
 * one that the store holds, and must have this root. A larger one needs ${entries}: all of the
 * register, 33 bytes each, ${known_size} of them at least; the store's must be the first of them,
 * what is missing is appended, and a checkpoint of ${known_size} is signed, which must have
 * ${known_root}: that is then not NULL.
 *
 * For a program that does not serve. Errors: STATE (it was not restored), RANGE (the register was
 * larger, and its entries are not given), CONFLICT (another history), USAGE (no root), FORMAT, IO.
 */
DT_MUST_CHECK enum dt_err dt_relay_store_resume(struct dt_relay_store *s, int64_t reg,
                                                uint64_t known_size,
                                                const struct tlog_hash *known_root,
                                                struct dt_view entries, uint64_t *out_size);

#endif
