/*
 * agent/store/spans.h - the digest of a store's rows, in parts: what is read is checked when it is
 * read, and opening a store does not go over its rows.
 *
 * Source: docs/protocol-agent.md "Spans". Layer: agent, internal to store/.
 *
 * Each row has two places, each in an order of its own (keys in the order of their bytes):
 *
 *   name key   'n' tab 00 name                     that there is such a row, or none
 *   list key   'l' tab 00 parent seq name          what is in a list, and which version of a row
 *
 *                       head                       hash over all spans of level 3
 *              span        |      span             level 3: hash over the spans of level 2 in it
 *        span  |  span     | span  |  span         level 2: hash over the leaves in it
 *      leaf | leaf | ...                           level 1: XOR of the tags of its rows, and how
 *                                                  many; sealed
 *
 * A span reaches from its own first key to that of the next one. Whoever looks for a key checks the
 * spans above it, from the head down, and its leaf against the rows in the file: once for the time
 * that no other connection writes. A write changes the digest by what it writes alone, never by
 * what it finds in the file, so that what was altered there is not vouched for by a later write.
 */
#ifndef DT_AGENT_STORE_SPANS_H
#define DT_AGENT_STORE_SPANS_H

#include "base/bytes.h"
#include "crypto/crypto.h"

#define DT_SPAN_LEVELS    3
#define DT_SPAN_TABLE_MAX 64u
#define DT_SPAN_NAME      DT_SHA256
#define DT_SPAN_KEY_MAX   (1u + DT_SPAN_TABLE_MAX + 1u + DT_SHA256 + 8u + DT_SHA256)

/* How many rows a leaf and how many spans a span has before it is cut: no part of the format. */
#define DT_SPAN_LEAF_MAX 32u
#define DT_SPAN_NODE_MAX 128u

struct dt_store;
struct dt_span_change;

struct dt_span_key {
    uint8_t p[DT_SPAN_KEY_MAX];
    size_t n;
};

/* Of an open store. All zero is nothing known. */
struct dt_spans {
    size_t leaf_max, node_max;
    /* What was checked, as fingerprints of level and first key; 0 is a free place. */
    uint64_t *seen;
    size_t n_seen, room;
    uint64_t data_version; /* SQLite's, of which that is true */
    bool known;
    /* What the open transaction does to leaves, in the order of their keys. */
    struct dt_span_change **changes;
    size_t n_changes, changes_room;
};

void dt_spans_init(struct dt_spans *p);
void dt_spans_clear(struct dt_spans *p);

/* ---- keys; ${tab} has at most DT_SPAN_TABLE_MAX bytes. ${parent}, ${name} NULL: all zero ---- */

void dt_span_name_key(const char *tab, const uint8_t *name, struct dt_span_key *out);
void dt_span_list_key(const char *tab, const uint8_t *parent, uint64_t seq, const uint8_t *name,
                      struct dt_span_key *out);

/* The last key that a row of ${tab}, or of ${parent} in it, could have. */
void dt_span_name_last(const char *tab, struct dt_span_key *out);
void dt_span_list_last(const char *tab, const uint8_t *parent, struct dt_span_key *out);

/* ---- reading ---- */

/* Another connection wrote, or this is the first look: what was checked counts no more, and the
 * head is read anew. Call inside a transaction, of either kind, before the others of this part. */
DT_MUST_CHECK enum dt_err dt_spans_renew(struct dt_store *s);

/* Nothing counts as checked any more. */
void dt_spans_forget(struct dt_store *s);

/* What stands in the file between ${from} and ${to}, both included, is what was written there: row
 * for row, with none missing and none too many. AUTH. */
DT_MUST_CHECK enum dt_err dt_spans_check(struct dt_store *s, const struct dt_span_key *from,
                                         const struct dt_span_key *to);

/* All rows, and all spans, whether checked before or not. AUTH. */
DT_MUST_CHECK enum dt_err dt_spans_check_all(struct dt_store *s);

/* ---- writing, inside a write transaction ---- */

/* A row is put at ${key} (${there}), or taken away from it, in ${version}, which name keys pass
 * over. What is noted and not written is dropped with dt_spans_drop(). */
DT_MUST_CHECK enum dt_err dt_spans_note(struct dt_store *s, const struct dt_span_key *key,
                                        uint64_t version, bool there);
void dt_spans_drop(struct dt_store *s);

/* Bring the spans up to what was noted; s->digest goes from the head's to the new one. AUTH: they
 * were altered. After an error the transaction is to be rolled back. */
DT_MUST_CHECK enum dt_err dt_spans_write(struct dt_store *s);

/* The spans of a store without rows, into their empty table; s->digest becomes theirs. */
DT_MUST_CHECK enum dt_err dt_spans_make(struct dt_store *s);

/* ---- shared by spans.c and spans_write.c ---- */

#define DT_SPAN_BLOB (DT_XCHACHA_NONCE + DT_SHA256 + 8u + DT_XCHACHA_TAG)

/* A row of the table of spans. A leaf's blob is sealed, another's is a hash. */
struct dt_span {
    struct dt_span_key lo;
    uint8_t blob[DT_SPAN_BLOB];
    size_t blob_n;
};

struct dt_span_list {
    struct dt_span *v;
    size_t n, room;
};
void dt_span_list_clear(struct dt_span_list *l);
DT_MUST_CHECK enum dt_err dt_span_list_add(struct dt_span_list *l, const struct dt_span *x);

/* What a leaf says of its rows. */
struct dt_span_rows {
    uint8_t digest[DT_SHA256];
    uint64_t n;
};

/* Rows in the order of their keys. */
struct dt_span_scan {
    struct dt_stmt *st;
    struct dt_span_key key;
    uint64_t version;
};

struct dt_span_change {
    struct dt_span_key lo; /* of the leaf */
    uint8_t flips[DT_SHA256];
    int64_t more;
};

int dt_span_key_cmp(const struct dt_span_key *a, const struct dt_span_key *b);
static inline struct dt_view
dt_span_key_view(const struct dt_span_key *k)
{
    return dt_view(k->p, k->n);
}

/* "rows were altered, ..." */
enum dt_err dt_span_altered(const struct dt_store *s);

/* digest ^= the tag of a row at ${key}. */
DT_MUST_CHECK enum dt_err dt_span_flip(struct dt_store *s, const struct dt_span_key *key,
                                       uint64_t version, uint8_t digest[static DT_SHA256]);

/* From ${lo} on; then row for row until *${more} is false, before ${hi} (NULL: no end). */
DT_MUST_CHECK enum dt_err dt_span_scan_begin(struct dt_store *s, const struct dt_span_key *lo,
                                             struct dt_span_scan *out);
DT_MUST_CHECK enum dt_err dt_span_scan_next(struct dt_store *s, struct dt_span_scan *x,
                                            const struct dt_span_key *hi, bool *more);
void dt_span_scan_end(struct dt_span_scan *x);

/* The span of ${level} in which ${key} is. */
DT_MUST_CHECK enum dt_err dt_span_find(struct dt_store *s, unsigned int level,
                                       const struct dt_span_key *key, struct dt_span *out);

/* The spans of ${level} from ${lo} to before ${hi} (NULL: no end), and their hash. */
DT_MUST_CHECK enum dt_err dt_span_children(struct dt_store *s, unsigned int level,
                                           const struct dt_span_key *lo,
                                           const struct dt_span_key *hi, struct dt_span_list *out);
DT_MUST_CHECK enum dt_err dt_span_hash(unsigned int level, const struct dt_span *v, size_t n,
                                       uint8_t out[static DT_SHA256]);

DT_MUST_CHECK enum dt_err dt_span_leaf_open(const struct dt_store *s, const struct dt_span *leaf,
                                            struct dt_span_rows *out);
DT_MUST_CHECK enum dt_err dt_span_leaf_seal(const struct dt_store *s,
                                            const struct dt_span_rows *rows, struct dt_span *leaf);

/* What the open transaction does to the leaf at ${lo}; NULL: nothing. */
const struct dt_span_change *dt_span_change_of(const struct dt_store *s,
                                               const struct dt_span_key *lo);

#endif
