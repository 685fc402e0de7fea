/*
 * bench/register.h - what the program `register` measures: a register of the relay, at several
 * sizes.
 *
 * One store grows from size to size. What appends works on a copy of it, so that a size is that
 * size.
 */
#ifndef DT_BENCH_REGISTER_H
#define DT_BENCH_REGISTER_H

#include "log/policy.h"
#include "measure.h"
#include "relay/store/store.h"

#define REGISTER_WITNESSES 3u
#define REGISTER_PATH_MAX  512u

/* A folder with the store that grows, and who may append to its one register. */
struct register_world {
    char dir[REGISTER_PATH_MAX];
    char store[REGISTER_PATH_MAX]; /* the one that grows */
    char work[REGISTER_PATH_MAX];  /* the copy that is appended to */
    char files[REGISTER_PATH_MAX]; /* the register as files */
    const char *program;           /* this one, to start it anew */
    struct tlog_signer witness[REGISTER_WITNESSES];
    struct dt_grant grant;
    uint64_t entries;
    uint64_t seals; /* given out: no two entries are alike */
};

/* ${w} is all zero. The folder is made in ${parent}. */
DT_MUST_CHECK enum dt_err register_world_init(struct register_world *w, const char *parent);
void register_world_clear(struct register_world *w);

/* Take an open store's register and the hash of the key that may append to it. */
DT_MUST_CHECK enum dt_err register_find(struct dt_relay_store *s, const struct register_world *w,
                                        struct dt_relay_store_register *out);
DT_MUST_CHECK enum dt_err register_seal_new(struct register_world *w, uint8_t seal[static 32]);

/* Copy the store to w->work, or take that away. */
DT_MUST_CHECK enum dt_err register_copy(const struct register_world *w);
void register_copy_remove(const struct register_world *w);

/* Bytes of the store at ${path} with all that lies beside it. */
uint64_t register_bytes(const char *path);

/* ---- results ---- */

struct register_row {
    const char *op;
    uint64_t entries;    /* of the register; 0: a primitive */
    uint32_t submitters; /* 0: not of that kind */
    size_t samples;
    double per_s; /* 0: not of that kind */
    double p50_us, p99_us;
    uint64_t bytes, kib;
};

/* Samples of microseconds, and what becomes of them. */
struct register_samples {
    double *us;
    size_t n, room;
};
DT_MUST_CHECK enum dt_err register_samples_init(struct register_samples *s, size_t room);
void register_samples_add(struct register_samples *s, double us);
/* Median and 99th percentile into ${row}; sorts. */
void register_samples_take(struct register_samples *s, struct register_row *row);
void register_samples_clear(struct register_samples *s);

struct register_results {
    struct register_row *v;
    size_t n;
};
DT_MUST_CHECK enum dt_err register_results_add(struct register_results *r,
                                               const struct register_row *row);
void register_results_clear(struct register_results *r);
void register_print_table(const struct register_results *r);
void register_print_json(const struct register_results *r);

/* ---- what is measured ---- */

struct register_plan {
    double seconds; /* for one operation */
    uint32_t submitters;
};

typedef enum dt_err (*register_fn)(struct register_world *w, const struct register_plan *plan,
                                   struct register_row *row);
struct register_op {
    const char *name;
    const char *what;
    register_fn fn;
    bool by_submitters; /* once for each number of them */
};
extern const struct register_op register_primitives[];
extern const size_t register_n_primitives;
extern const struct register_op register_operations[];
extern const size_t register_n_operations;

/* Grow the store to ${entries}; how fast that went into ${row}. */
DT_MUST_CHECK enum dt_err register_grow(struct register_world *w, uint64_t entries,
                                        struct register_row *row);

enum dt_err register_append(struct register_world *w, const struct register_plan *plan,
                            struct register_row *row);
enum dt_err register_append_http(struct register_world *w, const struct register_plan *plan,
                                 struct register_row *row);

/* In a process of its own: start the relay on ${store} and say when it served and in how much
 * memory. */
int register_started(const char *store);

#endif
