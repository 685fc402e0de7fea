/*
 * bench/ops.h - what is measured: the primitives, and the operations of a group.
 */
#ifndef DT_BENCH_OPS_H
#define DT_BENCH_OPS_H

#include "measure.h"
#include "world.h"

/* What the operations work on; each fills what it needs on its first call. */
struct bench_case {
    struct bench_world *world;
    /* For the primitives. */
    struct dt_secret sig_priv, hpke_priv, key;
    uint8_t hpke_pub[MLS_PUB_MAX];
    uint8_t enc[MLS_PUB_MAX];
    struct dt_buf sealed, box;
    /* For joining. */
    struct dt_buf welcome;
};
void bench_case_clear(struct bench_case *c);

/* One sample: prepares, measures between bench_start() and bench_stop(), and puts back. */
typedef enum dt_err (*bench_fn)(struct bench_case *c, struct bench_timer *t);

struct bench_op {
    const char *name;
    const char *what;
    bench_fn fn;
    bool once; /* the number of members does not matter: measured for the smallest group alone */
};

extern const struct bench_op bench_primitives[];
extern const size_t bench_n_primitives;
extern const struct bench_op bench_operations[];
extern const size_t bench_n_operations;

#endif
