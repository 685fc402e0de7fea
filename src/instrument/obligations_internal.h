/*
 * instrument/obligations_internal.h - what the files of the fold share.
 *
 * Layer: instrument, for obligations*.c alone.
 */
#ifndef DT_INSTRUMENT_OBLIGATIONS_INTERNAL_H
#define DT_INSTRUMENT_OBLIGATIONS_INTERNAL_H

#include "instrument/obligations.h"

/* Items by commitment, and who names whom. */
struct dt_due_index {
    uint32_t *slots; /* a power of two of them; item + 1, or 0 */
    size_t n_slots;
    uint32_t *head; /* of each item: the first reference to it + 1, or 0 */
    uint32_t *next; /* of each reference: the next one to the same item + 1, or 0 */
    uint32_t *from; /* of each reference: the item that makes it */
    bool *copy;     /* of each item: the same commitment was there before */
};
void dt_due_index_clear(struct dt_due_index *x);
DT_MUST_CHECK enum dt_err dt_due_index_make(const struct dt_due_state *s, struct dt_due_index *out);
/* The item with this commitment; DT_DUE_NONE. */
size_t dt_due_find(const struct dt_due_state *s, const struct dt_due_index *x,
                   const uint8_t commitment[static 32]);

/* When each item was there: 0 where no time is known. */
DT_MUST_CHECK enum dt_err dt_due_times(const struct dt_due_state *s,
                                       const struct dt_due_channel *channels, size_t n_channels,
                                       uint32_t sides, uint64_t **out);
DT_MUST_CHECK enum dt_err dt_due_times_by(const struct dt_due_state *s,
                                          const struct dt_due_index *x,
                                          const struct dt_due_channel *channels, size_t n_channels,
                                          uint32_t sides, uint64_t **out);

/* A reply, and the template whose records ask for it. */
struct dt_due_asking {
    const struct dt_template *reply, *asks;
};

/* The list that is being made. */
struct dt_due_making {
    const struct dt_due_state *s;
    const struct dt_due_question *q;
    struct dt_due_index index;
    uint64_t *times;
    struct dt_due_asking *asking;
    size_t n_asking;
    struct dt_due *list;
    size_t n, room;
};
/* Decide the state of ${d} from by_ms and met_ms, and put it in the list unless it is settled and
 * that was not asked for. ${waived_ms}: since when nothing is owed any more; UINT64_MAX: it is. */
DT_MUST_CHECK enum dt_err dt_due_put(struct dt_due_making *m, struct dt_due *d, uint64_t waived_ms);

/* Is item ${a}, of time ${a_ms}, before ${b}? By time, entry, commitment. */
bool dt_due_earlier(const struct dt_due_state *s, size_t a, uint64_t a_ms, size_t b, uint64_t b_ms);

/* Is anything owed of item ${i}? */
bool dt_due_counts(const struct dt_due_making *m, size_t i);

/* Everything that is owed of the rules `every` and `each`. */
DT_MUST_CHECK enum dt_err dt_due_series(struct dt_due_making *m);

#endif
