/*
 * tests/relay/work.h - some work for a relay's store, the same each time, in steps that are done or
 * not: making the store, a grant, and then batches of queues, cells of many lengths, entries,
 * cosignatures and openings, with the -wal moved into the file now and then, and a clean stop in
 * between; then a time to keep cells, readers' acknowledgements, cells and append ids that expire,
 * and a backup in the middle of it. And what has to be there after each step.
 *
 * For cmocka tests.
 */
#ifndef DT_TESTS_RELAY_WORK_H
#define DT_TESTS_RELAY_WORK_H

#include "place.h"

#define WORK_STEPS     30
#define WORK_KEEP      12 /* the step that states how long cells are kept; after it they go */
#define WORK_BACKUP    20 /* the step that makes a copy of the store, beside it */
#define WORK_QUEUES    3
#define WORK_CELLS_MAX 128
#define WORK_BEGUN                                                                                 \
    1000u /* in a mark of the disk: the step is tried; without it, it is acknowledged */

/* A cell that was taken: in which step, and what it was made of. */
struct work_cell {
    unsigned int step, number;
    size_t n;
};

struct work {
    struct place place;
    struct dt_relay_store *s; /* NULL before the first step, and when it could not be opened */
    uint64_t now_ms;
    uint8_t address[WORK_QUEUES][32];
    struct work_cell cells[WORK_QUEUES][WORK_CELLS_MAX];
    unsigned int n_cells[WORK_QUEUES];
    uint8_t after[WORK_STEPS][32]; /* what is in the store after each step, as work_look() says */
    unsigned int done;             /* steps */
    unsigned int n_moves, n_part_moves;  /* of the -wal into the file, or of its beginning alone */
    unsigned int n_unsynced;             /* moves whose sync failed */
    unsigned int n_expired, n_forgotten; /* cells and append ids, in steps done */
    bool told_full; /* the last batch that was refused was told that the disk is full */
};

/* Is ${step} a batch of jobs? */
static inline bool
work_is_batch(unsigned int step)
{
    return step > 1 && step != WORK_KEEP && step != WORK_BACKUP;
}

void work_begin(struct work *w);
void work_end(struct work *w);

/* Do the next step. What is not DT_OK is no step done: it may be tried again, in the same words. */
DT_MUST_CHECK enum dt_err work_step(struct work *w);

/* All steps that are left, each marked on the disk when it begins and when it is done. One that
 * fails is as if it had not been tried; ${refused} (may be NULL) is told of the ${n}-th such, and
 * it is tried again. How many there were. */
unsigned int work_all(struct work *w,
                      void (*refused)(const struct work *w, enum dt_err err, unsigned int n));

/* All that ${s} shows of what the work put there, in one hash. The steps done count for cells. */
void work_look(const struct work *w, struct dt_relay_store *s, uint8_t hash[static 32]);

/**
 * work_judge(w, path, least, most):
 * The store at ${path}, which may have to be recovered, opens and is sound; what it holds is what
 * stood there after one of the steps ${least} to ${most} (-1: before the first, when it may also
 * not be there), and it takes a cell and an entry more. The step is returned. NULL in ${out_wrong},
 * or a word on what is wrong.
 */
int work_judge(const struct work *w, const char *path, int least, int most, const char **out_wrong);

/* Where the backup of the store at ${path} is. */
void work_copy_path(const char *path, char out[static FIXTURE_STORE]);

/* The backup beside the store at ${path}, of which ${least} steps and those before were
 * acknowledged: it is there if it was acknowledged; if it is there it is whole, and holds what
 * stood in the store. As work_judge(). */
void work_judge_copy(const struct work *w, const char *path, int least, const char **out_wrong);

#endif
