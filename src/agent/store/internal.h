/*
 * agent/store/internal.h - the inside of struct dt_store, for store.c and open.c.
 *
 * Layer: agent, internal.
 */
#ifndef DT_AGENT_STORE_INTERNAL_H
#define DT_AGENT_STORE_INTERNAL_H

#include "agent/store/spans.h"
#include "agent/store/store.h"
#include "crypto/crypto.h"
#include "db/db.h"

#define DT_STORE_APP_ID 0x64744147u /* "dtAG" */

struct dt_store {
    struct dt_db *db;
    char *path;
    struct dt_secret head_key;
    struct dt_secret value_key;
    struct dt_keyed name_key;
    struct dt_spans spans;
    /* The name of its key in the kernel's keyring, which opened it; "": a passphrase did. */
    char kept_name[96];
    uint64_t seen; /* the highest transaction number seen by this process */

    /* Valid while a transaction is open. */
    struct dt_tx tx;
    unsigned int depth;
    bool failed; /* a nested rollback */
    bool changed;
    bool rekeyed; /* an epoch key was replaced: empty the -wal afterwards */
    /* What the head said last: in a transaction, what it says. */
    uint64_t number; /* of the last committed transaction */
    uint8_t digest[DT_SHA256];
};

/* Keys from the store key: HKDF-Expand (RFC 5869) with "detente 1 store head", "... value", "...
 * name". */
DT_MUST_CHECK enum dt_err dt_store_keys(struct dt_store *s, struct dt_view store_key);

/* The file of the store in ${home}, without its keys: NOT_FOUND, UNSUPPORTED, FORMAT. */
DT_MUST_CHECK enum dt_err dt_store_file_open(const char *home, struct dt_store **out);

/* The store key, by the passphrase. LOCKED, FORMAT. */
DT_MUST_CHECK enum dt_err dt_store_unwrap(struct dt_store *s, struct dt_view passphrase,
                                          struct dt_secret *out);

/* Bring a store of schema 1 up to this one, and look at the head and what stands under it first.
 * What each caller who opens a store does when it has the keys. AUTH, FORMAT. */
DT_MUST_CHECK enum dt_err dt_store_start(struct dt_store *s);

/* A store of schema 1 becomes one of this, in one transaction. AUTH. */
DT_MUST_CHECK enum dt_err dt_store_upgrade(struct dt_store *s);

/* "a row of table ... was altered". */
enum dt_err dt_store_altered(const struct dt_store *s, const char *table);

/* Each value opens at its place. AUTH. */
DT_MUST_CHECK enum dt_err dt_store_values_check(struct dt_store *s);

/* Read and open the head row; seal and write it. The first takes any schema that a head ever had.
 */
DT_MUST_CHECK enum dt_err dt_store_head_any(struct dt_store *s, uint32_t *schema, uint64_t *number,
                                            uint8_t digest[static DT_SHA256]);
DT_MUST_CHECK enum dt_err dt_store_head_read(struct dt_store *s, uint64_t *number,
                                             uint8_t digest[static DT_SHA256]);
DT_MUST_CHECK enum dt_err dt_store_head_seal(struct dt_store *s, uint64_t number,
                                             const uint8_t digest[static DT_SHA256],
                                             struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_store_head_write(struct dt_store *s);

/* The tables of schema 2 that schema 1 has not, and the index that it has otherwise. */
#define DT_STORE_SPANS_SQL                                                                         \
    "CREATE INDEX row_list ON row(tab, parent, seq, name, version);"                               \
    "CREATE TABLE span(level INTEGER NOT NULL, lo BLOB NOT NULL, blob BLOB NOT NULL,"              \
    " PRIMARY KEY (level, lo)) WITHOUT ROWID;"

#endif
