/*
 * base/time.h - UTC times as text and numbers, and the clock as an argument.
 *
 * Source: RFC 3339 (profile: UTC, ends in Z); ISO 8601 durations as far as the templates use them.
 * Layer: base. Times are uint64_t milliseconds since 1970-01-01T00:00:00Z; no leap seconds.
 */
#ifndef DT_BASE_TIME_H
#define DT_BASE_TIME_H

#include <time.h>

#include "base/bytes.h"

#define DT_MS_SECOND   UINT64_C(1000)
#define DT_MS_MINUTE   (60 * DT_MS_SECOND)
#define DT_MS_HOUR     (60 * DT_MS_MINUTE)
#define DT_MS_DAY      (24 * DT_MS_HOUR)
#define DT_TIME_MAX_MS UINT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define DT_TIME_STR    32                        /* room for any text form here, with its NUL */

/* Where "now" comes from: tests own it. now_ms is called with ctx. */
struct dt_clock {
    uint64_t (*now_ms)(void *ctx);
    void *ctx;
};

/* The system's clock (CLOCK_REALTIME). */
struct dt_clock dt_clock_system(void);

/* What ${clock} shows now. */
uint64_t dt_clock_now(const struct dt_clock *clock);

/* Milliseconds and microseconds of CLOCK_MONOTONIC, for time-outs and measuring only; and the
 * moment in ${ms}, for pthread_cond_timedwait(3) on that clock. */
uint64_t dt_monotonic_ms(void);
uint64_t dt_monotonic_us(void);
struct timespec dt_monotonic_after(uint64_t ms);

/* "2025-02-12T15:04:05Z", with ".123" before the Z only when ms is not whole seconds.
 * ${out} holds DT_TIME_STR bytes. */
void dt_time_str(char *out, uint64_t ms);

/* "2025-02-12" of the day that ${ms} lies in, UTC. */
void dt_date_str(char *out, uint64_t ms);

/* Parse exactly what dt_time_str() writes (seconds required, optional .mmm with 3 digits not all
 * zero, 'T' and 'Z' capitals). FORMAT, RANGE (no such day). */
DT_MUST_CHECK enum dt_err dt_time_read(struct dt_view text, uint64_t *out_ms);

/* Parse "YYYY-MM-DD" to the day's first millisecond. FORMAT, RANGE. */
DT_MUST_CHECK enum dt_err dt_date_read(struct dt_view text, uint64_t *out_ms);

/* Parse an ISO 8601 duration of weeks, days, hours, minutes and seconds ("P14D", "PT30M",
 * "P1DT12H"). Years and months are refused (FORMAT): their length is not fixed. */
DT_MUST_CHECK enum dt_err dt_duration_read(struct dt_view text, uint64_t *out_ms);

/* A span in words for people: "3 h 12 min", "641 days", "12 s". ${out} holds DT_TIME_STR bytes. */
void dt_span_str(char *out, uint64_t ms);

/* The calendar year and month (1 to 12) of ${ms}. */
void dt_time_year_month(uint64_t ms, int *out_year, int *out_month);

#endif
