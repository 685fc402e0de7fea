/*
 * bench/args.h - what the benchmarks' command lines have in common.
 */
#ifndef DT_BENCH_ARGS_H
#define DT_BENCH_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_NUMBERS_MAX 16u

/* Numbers from ${least} to ${most} with commas between, each above the last when ${rising}, into
 * ${v} (room for BENCH_NUMBERS_MAX) and *${n}. False: it is no such list. */
bool bench_numbers(const char *s, uint32_t least, uint32_t most, bool rising, uint32_t *v,
                   size_t *n);

/* Is each of the names in ${list}, with commas between, one of the ${n} that ${name} gives? */
bool bench_known(const char *list, const char *(*name)(size_t i), size_t n);

#endif
