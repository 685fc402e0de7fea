/*
 * instrument/line_test.h - line tests that were opened to everyone: which were missed.
 *
 * Source: data/templates/heartbeat.json; docs/protocol-register.md, "Observers". Layer: instrument:
 * pure.
 *
 * A station owes a test every so often, numbers its tests without gaps, and the other side answers.
 * An observer sees those that were opened, and when their entries cannot have been made and when
 * they must have been: what is called missed here was missed whatever lies between. A number that
 * was not opened is no miss: nobody owes that it is shown.
 */
#ifndef DT_INSTRUMENT_LINE_TEST_H
#define DT_INSTRUMENT_LINE_TEST_H

#include "base/bytes.h"

struct dt_observed;
struct dt_timeline;
struct dt_flag;

#define DT_LINE_TEST_TEMPLATE "heartbeat"
#define DT_LINE_STATION_MAX   512u

/* Places of "status" in the template. */
enum dt_line_status {
    DT_LINE_NORMAL = 1,
    DT_LINE_DEGRADED,
    DT_LINE_PLANNED_OUTAGE,
    DT_LINE_RESUMED
};

/* A line test that was opened, with its station and number. */
struct dt_line_test {
    struct dt_view station; /* its name and its party's, as one; at most DT_LINE_STATION_MAX */
    uint64_t number, entry;
    uint64_t time_ms;         /* its entry's time or a bound: it was made by then */
    uint64_t stated_ms;       /* when its author says that it was written; 0: not opened */
    uint64_t status;          /* enum dt_line_status; 0: not opened */
    uint64_t outage_until_ms; /* of a planned outage; 0: not opened */
    uint64_t every_ms;        /* what the station owes: a test in every so long */
    bool answered;            /* another party's receipt or answer is shown with it, */
    bool answer_held;         /* which has an entry: */
    uint64_t answer_entry;
    uint64_t answer_within_ms; /* and is owed within; 0: not */
};

/* What one station's tests come to. */
struct dt_line_station {
    struct dt_view station;    /* borrowed from its tests */
    uint64_t first, last;      /* numbers */
    uint64_t opened, unopened; /* numbers from first to last */
    uint64_t missed;           /* tests that cannot have been made in time */
    uint64_t late;             /* answers that cannot have been given in time */
    uint64_t unanswered;       /* tests with which no answer is shown */
    uint64_t every_ms;
};

/* Append one line about station ${s}, without LF. */
DT_MUST_CHECK enum dt_err dt_line_station_say(const struct dt_line_station *s, struct dt_buf *out);

/* Append one line about a flag of kind DT_FLAG_LINE_TEST or DT_FLAG_LINE_ANSWER. */
DT_MUST_CHECK enum dt_err dt_line_flag_say(const struct dt_line_station *s,
                                           const struct dt_flag *flag, struct dt_buf *out);

/* Fold in->tests into t->stations and t->flags. For dt_timeline_fold(). */
DT_MUST_CHECK enum dt_err dt_line_tests_fold(const struct dt_observed *in, struct dt_timeline *t);

#endif
