/*
 * tests/interop/mls/mls_peer.h - what mls-peer knows of itself, and its commands.
 */
#ifndef DT_TESTS_MLS_PEER_H
#define DT_TESTS_MLS_PEER_H

#include "crypto/suite.h"
#include "mls/outside.h"

#include "mls_words.h"

#define LINE_MAX_BYTES (16u << 20)
#define LIFETIME_S     UINT64_C(604800)
#define PAD            3

/* Keys for one leaf. */
struct keys {
    const struct dt_suite *suite;
    struct dt_secret seed;
    uint8_t pub[DT_SIG_PUB_MAX];
    struct dt_buf key_package;
    struct mls_key_bundle bundle;
};
void keys_clear(struct keys *k);
void keys_move(struct keys *to, struct keys *from);
/* New keys for the suite of ${k}; the key package as hex appended to ${out}. */
DT_MUST_CHECK enum dt_err keys_make(struct keys *k, struct dt_buf *out);

/* The one member that the process is. */
struct peer {
    struct keys now;
    struct keys next; /* for the group that succeeds this one */
    struct dt_buf identity;
    struct dt_secret rotated; /* the group has its own copy */
    uint8_t rotated_pub[DT_SIG_PUB_MAX];
    struct mls_group *group;
    struct psk_store psks;
    struct dt_buf private_use; /* what the last Commit had of it, as text */
};
extern struct peer me;

void forget(void);
/* ${group} in the place of the one before. */
void become(struct mls_group *group);
uint64_t now_ms(void);
struct mls_time_policy lifetime(void);
struct mls_group_policy policy(void);
struct mls_leaf_params leaf(const struct keys *k);

/* Does ${a} have its words, and is there a group, or at least a suite? USAGE. */
DT_MUST_CHECK enum dt_err need(const struct args *a, size_t least, bool group);
DT_MUST_CHECK enum dt_err number(struct dt_view text, uint64_t max, uint64_t *out);

/* ${a}: the words after the command; the answer is appended to ${out}. */
struct command {
    const char *name;
    enum dt_err (*run)(const struct args *a, struct dt_buf *out);
};
DT_MUST_CHECK enum dt_err do_gi(const struct args *a, struct dt_buf *out);
DT_MUST_CHECK enum dt_err do_extjoin(const struct args *a, struct dt_buf *out);
DT_MUST_CHECK enum dt_err do_tree(const struct args *a, struct dt_buf *out);
DT_MUST_CHECK enum dt_err do_addself(const struct args *a, struct dt_buf *out);
extern const struct command commands[];
extern const size_t n_commands;

#endif
