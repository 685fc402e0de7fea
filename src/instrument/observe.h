/*
 * instrument/observe.h - what someone without any key can say of a register: how many entries were
 * made and when, what was promised and not kept, and who lags.
 *
 * Source: docs/protocol-register.md, "Observers"; DESIGN "Countable in public, silent on content".
 * Layer: instrument: pure, no clock, no I/O. What was seen comes in, counts and words come out.
 *
 * An entry's time here is an upper bound: the earliest time at which any checkpoint that holds it
 * was shown to us, or had its quorum. What is said of a promise holds whatever lies between two
 * looks: a period is called missed only when it cannot have been kept.
 */
#ifndef DT_INSTRUMENT_OBSERVE_H
#define DT_INSTRUMENT_OBSERVE_H

#include "base/bytes.h"
#include "base/cadence.h"
#include "base/time.h"

#define DT_OBSERVE_NAME_MAX    255u
#define DT_OBSERVE_PERIODS_MAX (UINT64_C(1) << 22) /* of a cadence, between first and last look */
#define DT_OBSERVE_CLOCK_MS    (5 * DT_MS_MINUTE)  /* DESIGN: a time off by more is flagged */
#define DT_OBSERVE_SVG_MAX     (256u << 10)

struct dt_line_test; /* instrument/line_test.h */
struct dt_line_station;

/* The newest checkpoint shown had ${size} entries at every look from first_ms to last_ms, by our
 * clock. */
struct dt_shown {
    uint64_t size, first_ms, last_ms;
};

/* A checkpoint with the quorum of the policy: since time_ms by the witnesses' clocks; we saw it at
 * seen_ms by ours. */
struct dt_attested {
    uint64_t size, time_ms, seen_ms;
};

/* The largest tree that a group of witnesses cosigned, as far as we saw; size 0 with time 0: none.
 */
struct dt_observed_group {
    char name[DT_OBSERVE_NAME_MAX + 1];
    uint64_t size, time_ms;
};

/* All that was seen; borrows. */
struct dt_observed {
    const struct dt_shown *shown; /* sizes and times grow */
    size_t n_shown;
    const struct dt_attested *attested; /* sizes grow, none above the last shown */
    size_t n_attested;
    const struct dt_observed_group *groups; /* the policy's sides */
    size_t n_groups;
    uint64_t now_ms;
    uint64_t behind_size, behind_since_ms; /* it shows fewer entries than it did; 0: it does not */
    uint64_t split_ms;                     /* since when a split view is known; 0: none */
    const struct dt_line_test *tests;      /* that were opened, in any order */
    size_t n_tests;
    /* What to hold against it. */
    struct dt_cadence cadence;
    uint64_t late_after_ms;
};

/* Entries of one time. */
struct dt_entry_run {
    uint64_t first, n, time_ms;
    bool attested;
};

/* A day, week (from Monday) or month of UTC with entries. */
struct dt_period {
    uint64_t start_ms, end_ms;
    uint64_t entries, attested;
};

enum dt_period_unit { DT_PERIOD_DAY = 0, DT_PERIOD_WEEK, DT_PERIOD_MONTH, DT_PERIOD_UNITS };

enum dt_flag_kind {
    DT_FLAG_SPLIT = 1, /* from_ms */
    DT_FLAG_BEHIND,    /* since from_ms only n entries are shown, of those seen */
    DT_FLAG_GAP,       /* from from_ms to to_ms, n periods in a row, at most `of` entries in all */
    DT_FLAG_LATE,      /* group lags by n entries since from_ms */
    DT_FLAG_AHEAD,     /* n cosigned checkpoints, first one seen at from_ms, bear later times */
    DT_FLAG_HIDDEN,    /* n checkpoints cosigned from from_ms on were not shown to us till to_ms */
    /* Of station `group`; `of` is the number of a test: */
    DT_FLAG_LINE_TEST,  /* after it n were missed, from from_ms on when one was due, till to_ms */
    DT_FLAG_LINE_ANSWER /* it was made by from_ms, and not answered before to_ms */
};

struct dt_flag {
    enum dt_flag_kind kind;
    uint64_t from_ms, to_ms;
    uint64_t n, of;
    size_t group; /* of LATE: place in groups; of LINE_...: in stations */
};

/* What was promised, period by period; those that cannot be told are in neither. */
struct dt_cadence_count {
    uint64_t judged, kept, missed, above;
};

struct dt_timeline {
    uint64_t entries, attested;
    struct dt_entry_run *runs; /* entry by entry; times grow */
    size_t n_runs;
    struct dt_period *periods[DT_PERIOD_UNITS]; /* those with entries, in order */
    size_t n_periods[DT_PERIOD_UNITS];
    struct dt_cadence_count cadence;
    struct dt_line_station *stations; /* in the order of their names */
    size_t n_stations;
    struct dt_flag *flags;
    size_t n_flags;
};
void dt_timeline_clear(struct dt_timeline *t);

/* Make ${out} of ${in}. RANGE: a cadence with more than DT_OBSERVE_PERIODS_MAX periods; NOMEM. */
DT_MUST_CHECK enum dt_err dt_timeline_fold(const struct dt_observed *in, struct dt_timeline *out);

/* Entries whose time is from ${from_ms} on and below ${to_ms}. Since times are upper bounds: of all
 * entries made at or after ${from_ms}, none is missing in a count up to UINT64_MAX. */
uint64_t dt_timeline_count(const struct dt_timeline *t, uint64_t from_ms, uint64_t to_ms);

/* How many entries group ${i} has not cosigned, and since when there are any; 0 and 0: none. */
void dt_group_lag(const struct dt_observed *in, size_t i, uint64_t *out_n, uint64_t *out_since_ms);

/* ---- words ---- */

/* "day", "week", "month". Static. */
const char *dt_period_unit_name(enum dt_period_unit unit);

/* The period of ${unit} that ${ms} lies in. */
void dt_period_at(enum dt_period_unit unit, uint64_t ms, uint64_t *out_start, uint64_t *out_end);

/* "2026-11-29", "week of 2026-11-23", "2026-11". ${out} holds DT_TIME_STR bytes. */
void dt_period_str(char *out, enum dt_period_unit unit, uint64_t start_ms);

/* A word for programs: "gap", "late witness", "split view", ... Static. */
const char *dt_flag_name(enum dt_flag_kind kind);

/* Append one line in plain English, without LF. */
DT_MUST_CHECK enum dt_err dt_flag_say(const struct dt_observed *in, const struct dt_timeline *t,
                                      const struct dt_flag *flag, struct dt_buf *out);

/* Is it about line tests? */
bool dt_flag_of_line(const struct dt_flag *flag);

/* Add a flag: for what is folded elsewhere. NOMEM. */
DT_MUST_CHECK enum dt_err dt_timeline_flag(struct dt_timeline *t, const struct dt_flag *flag);

/* ---- the picture ---- */

/* An opened record as far as the picture shows it; views borrow. */
struct dt_seen_opening {
    uint64_t entry, time_ms; /* its entry's time, or a bound; 0: unknown */
    struct dt_view kind;     /* template */
    struct dt_view verdict;  /* in words */
    struct dt_view more;     /* what other openings show of the same record; may be empty */
};

/**
 * dt_timeline_svg(in, t, openings, n, title, out):
 * Append the timeline as an SVG document: bars of entries (attested ones full, others hollow),
 * openings, line tests made and missed, and flags below them, and the same in words, in the picture
 * and as its description. Readable at 400 pixels; no script, no style sheet, no meaning in colour
 * alone. ${title} and the openings may hold any text: it is made harmless. LIMIT
 * (DT_OBSERVE_SVG_MAX), NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_timeline_svg(const struct dt_observed *in, const struct dt_timeline *t,
                                          const struct dt_seen_opening *openings, size_t n,
                                          struct dt_view title, struct dt_buf *out);

#endif
