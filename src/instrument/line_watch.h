/*
 * instrument/line_watch.h - the line tests of one station as another one hears them: which slots of
 * time had a test, which had none, and what is known of why not.
 *
 * Source: docs/protocol-channel.md, "Line tests". Layer: instrument: pure, no clock, no I/O.
 *
 * Time is cut into slots of one length, slot n beginning n lengths after 1970-01-01T00:00:00Z. A
 * station owes one test in each slot; the slot is its number, so that a test left out shows as a
 * gap whatever became of the station meanwhile.
 */
#ifndef DT_INSTRUMENT_LINE_WATCH_H
#define DT_INSTRUMENT_LINE_WATCH_H

#include "base/bytes.h"

/* Why a slot had no test. "Not answered" is never said without one of these. */
enum dt_line_why {
    DT_LINE_PLANNED = 1, /* it lies in an outage that was announced */
    DT_LINE_UNREACHED,   /* we did not reach the relay in it either: it may be the relay */
    DT_LINE_SILENT       /* we reached the relay in it: their agent was silent, or cut off */
};
#define DT_LINE_WHYS 4 /* 0: none of them */

/* What is known of a station. All zero is a station of which nothing is known. */
struct dt_line_watch {
    uint64_t since;                /* the first slot that is owed to us; 0: none yet */
    uint64_t settled;              /* slots before this one are counted */
    uint64_t last;                 /* the latest slot with a test; 0: none */
    uint64_t last_ms;              /* when it was taken in here */
    uint64_t heard;                /* slots with a test, of those counted or later */
    uint64_t missed[DT_LINE_WHYS]; /* slots counted without one, by why */
    uint64_t late;                 /* tests that came after their slot was counted as missed */
    uint64_t outage_from_ms, outage_until_ms; /* the announced outage; until 0: none */
};

/* A slot that was counted as missed. */
struct dt_line_miss {
    uint64_t slot;
    enum dt_line_why why;
};

/* Which slots we reached the relay in: sorted, each once. */
struct dt_line_reached {
    const uint64_t *slots;
    size_t n;
};

uint64_t dt_line_slot(uint64_t ms, uint64_t every_ms);

/* Why a slot of ${every_ms} had no test. */
enum dt_line_why dt_line_reason(const struct dt_line_watch *w, uint64_t slot, uint64_t every_ms,
                                const struct dt_line_reached *reached);

/**
 * dt_line_heard(w, slot, now_slot, ms, counted_as, out_late):
 * A test with number ${slot} was taken in at ${ms}, which lies in slot ${now_slot}; ${counted_as}:
 * what its slot was counted as, when it was counted as missed, else 0. One from the
 * future counts for nothing (the message is talk; its number is its sender's word). *${out_late}:
 * the slot was counted as missed, and is not any more. False: it says nothing new.
 */
bool dt_line_heard(struct dt_line_watch *w, uint64_t slot, uint64_t now_slot, uint64_t ms,
                   enum dt_line_why counted_as, bool *out_late);

/**
 * dt_line_settle(w, now_slot, every_ms, has_test, ctx, reached, missed, max, out_n):
 * Count the slots before ${now_slot} that are over. ${has_test}(ctx, slot) says whether a test of
 * that slot was taken in. Up to ${max} of the latest misses go to ${missed}; *${out_n} of them.
 */
void dt_line_settle(struct dt_line_watch *w, uint64_t now_slot, uint64_t every_ms,
                    bool (*has_test)(void *ctx, uint64_t slot), void *ctx,
                    const struct dt_line_reached *reached, struct dt_line_miss *missed, size_t max,
                    size_t *out_n);

#endif
