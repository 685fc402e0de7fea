/*
 * bench/report.h - results, the ratios between them, and how they are printed.
 */
#ifndef DT_BENCH_REPORT_H
#define DT_BENCH_REPORT_H

#include <stdbool.h>

#include "measure.h"

struct bench_result {
    uint16_t suite;
    uint32_t n;
    bool full;
    bool primitive;
    const char *op;
    const char *what;
    struct bench_stats stats;
};

struct bench_results {
    struct bench_result *v;
    size_t n;
};
void bench_results_clear(struct bench_results *r);
DT_MUST_CHECK enum dt_err bench_results_add(struct bench_results *r,
                                            const struct bench_result *one);

/* The results, then what each operation costs in primitives of the same case. */
void bench_print_table(const struct bench_results *r);
void bench_print_json(const struct bench_results *r);

#endif
