/*
 * bench/world.h - a group of any size with the private keys of all, for the benchmark alone.
 *
 * flat: the creator added all others; no parent node has a key. full: every member made a path
 * once, in the order of their leaves, so every parent node has one. A full tree is made without the
 * messages (each of N members would have to follow N Commits): the library makes each path on the
 * one tree, and the private keys of all nodes are kept, from which any member's view can be put
 * together. That such a tree is a valid one shows when a new member joins it through the ordinary
 * checks.
 */
#ifndef DT_BENCH_WORLD_H
#define DT_BENCH_WORLD_H

#include "mls/group.h"
#include "mls/group_internal.h"

#define BENCH_NOW_S UINT64_C(1760000000)

struct bench_member {
    struct dt_secret sig_priv;
    uint8_t sig_pub[MLS_PUB_MAX];
    char identity[24];
    struct dt_buf key_package;
    struct mls_key_bundle bundle;
};

struct bench_world {
    const struct dt_suite *suite;
    uint32_t n; /* members */
    bool full;
    struct bench_member *m; /* n + 1: the last one is who is added and joins */
    struct mls_group *sender;
    struct mls_group *receiver;
    uint32_t receiver_index;
};

struct mls_leaf_params bench_leaf(const struct bench_world *w, const struct bench_member *m);
struct mls_group_params bench_group_params(const struct bench_world *w,
                                           const struct bench_member *m);
struct mls_time_policy bench_clock(void);
DT_MUST_CHECK enum dt_err bench_key_package(const struct bench_world *w,
                                            const struct bench_member *m, struct dt_buf *out,
                                            struct mls_key_bundle *bundle);
DT_MUST_CHECK enum dt_err bench_join(const struct bench_world *w, const struct bench_member *m,
                                     struct dt_view welcome, uint32_t threads,
                                     struct mls_group **out);

/* ${g} adds all members but the first, in as few Commits as the library allows, and takes them; the
 * last Welcome goes to ${welcome}. */
DT_MUST_CHECK enum dt_err bench_add_all(const struct bench_world *w, struct mls_group *g,
                                        struct dt_buf *welcome, size_t *commit_bytes);

/* ${w} is all zero. */
DT_MUST_CHECK enum dt_err bench_world_init(struct bench_world *w, const struct dt_suite *suite,
                                           uint32_t n, bool full);
void bench_world_clear(struct bench_world *w);

#endif
