/*
 * cli/observe_seen.h - what detente observe makes of one observer: what was seen, its fold, and the
 * openings as far as the picture and the line tests need them.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_OBSERVE_SEEN_H
#define DT_CLI_OBSERVE_SEEN_H

#include "agent/observer/observer.h"
#include "instrument/line_test.h"

/* What to hold against what was seen. */
struct observe_rules {
    struct dt_cadence cadence;
    uint64_t late_after_ms;
    uint64_t line_tests_ms; /* one owed in every so long; 0: as the template says */
};

/* What one opening shows of its record, which others of the same record may not show yet. */
struct observe_account {
    uint64_t entry;
    bool withdrawn, disputed;
};

/* One observer with what is made of what it saw. */
struct observe_view {
    struct dt_observer *observer;
    struct dt_observed seen;
    struct dt_timeline timeline;
    struct dt_seen_opening *openings; /* that hold */
    size_t n_openings;
    struct observe_account *accounts; /* one for each of them */
    struct dt_line_test *tests;       /* those of them that are line tests */
    size_t n_tests;
    struct dt_buf text; /* owns their words */
};
void observe_view_clear(struct observe_view *v);

/* Make ${out}, empty, of what ${observer} saw. */
DT_MUST_CHECK enum dt_err observe_view_make(struct dt_observer *observer,
                                            const struct observe_rules *rules,
                                            struct observe_view *out);

/* Of the record of ${verdict}: is it withdrawn or disputed by what another opening of it shows, and
 * not by this one? */
void observe_elsewhere(const struct observe_view *v, const struct dt_verdict *verdict,
                       struct observe_account *out);

#endif
