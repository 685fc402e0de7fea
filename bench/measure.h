/*
 * bench/measure.h - clocks, samples and memory of the benchmark.
 */
#ifndef DT_BENCH_MEASURE_H
#define DT_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BENCH_SAMPLES_MAX 2000u

/* One sample is what lies between start and stop; what an operation prepares lies outside. */
struct bench_timer {
    uint64_t cpu_ns; /* of all threads of the process */
    uint64_t wall_ns;
    uint64_t rss_kib; /* at the start */
    double cpu_us[BENCH_SAMPLES_MAX];
    double wall_us[BENCH_SAMPLES_MAX];
    size_t n;
    uint32_t reps; /* how often the sample repeats what it measures; 0 is 1 */
    size_t peak_kib;
    size_t bytes; /* what the operation sends or writes */
};

/* Ready for another operation. */
void bench_timer_reset(struct bench_timer *t);
void bench_start(struct bench_timer *t);
void bench_stop(struct bench_timer *t);

struct bench_stats {
    size_t samples;
    double cpu_us;  /* median */
    double p95_us;  /* of processor time */
    double wall_us; /* median */
    size_t bytes;
    size_t peak_kib; /* most memory that one sample added to what was there before it */
};
/* Sorts the samples of ${t}. */
void bench_stats(struct bench_timer *t, struct bench_stats *out);

uint64_t bench_now_ns(void);

/* Memory of this process that is in use, 0 when that cannot be seen. */
uint64_t bench_resident_kib(void);

/* Bytes that the heap has given out (secrets have pages of their own, which are not counted). */
size_t bench_heap(void);

#endif
