/*
 * base/time.c - see time.h. The calendar is computed here, so that no locale, time zone or leap
 * second of the machine can change what is signed.
 */
#include <stdio.h>
#include <time.h>

#include "base/text.h"
#include "base/time.h"

static uint64_t
system_now(void *ctx)
{
    struct timespec ts = {0};

    (void)ctx;
    if (clock_gettime(CLOCK_REALTIME, &ts) != 0 || ts.tv_sec < 0)
        return 0;
    return (uint64_t)ts.tv_sec * DT_MS_SECOND + (uint64_t)ts.tv_nsec / 1000000;
}

struct dt_clock
dt_clock_system(void)
{
    struct dt_clock clock = {system_now, NULL};
    return clock;
}

uint64_t
dt_clock_now(const struct dt_clock *clock)
{
    return clock->now_ms(clock->ctx);
}

uint64_t
dt_monotonic_ms(void)
{
    return dt_monotonic_us() / 1000;
}

uint64_t
dt_monotonic_us(void)
{
    struct timespec ts = {0};

    if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
        return 0;
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

struct timespec
dt_monotonic_after(uint64_t ms)
{
    uint64_t us = dt_monotonic_us() + ms * 1000;

    return (struct timespec){.tv_sec = (time_t)(us / 1000000),
                             .tv_nsec = (long)(us % 1000000) * 1000};
}

static bool
leap(unsigned int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned int
month_days(unsigned int year, unsigned int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && leap(year) ? 1u : 0u);
}

/* Days from 0000-03-01 to the first of ${year}-${month}: years begin in March, leap days end them.
 */
static uint64_t
days_to(unsigned int year, unsigned int month, unsigned int day)
{
    uint64_t y = month <= 2 ? year - 1u : year;
    uint64_t m = month <= 2 ? month + 9u : month - 3u;

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
}

#define DAYS_TO_1970 719468u /* days_to(1970, 1, 1) */

static void
civil(uint64_t ms, unsigned int *year, unsigned int *month, unsigned int *day)
{
    uint64_t z = ms / DT_MS_DAY + DAYS_TO_1970;
    uint64_t era = z / 146097;
    uint64_t doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint64_t mp = (5 * doy + 2) / 153;

    *day = (unsigned int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (unsigned int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (unsigned int)(yoe + era * 400 + (*month <= 2 ? 1 : 0));
}

static uint64_t
clamp(uint64_t ms)
{
    return ms > DT_TIME_MAX_MS ? DT_TIME_MAX_MS : ms;
}

void
dt_time_str(char *out, uint64_t ms)
{
    unsigned int year, month, day;
    unsigned int second, milli;

    ms = clamp(ms);
    civil(ms, &year, &month, &day);
    second = (unsigned int)(ms % DT_MS_DAY / DT_MS_SECOND);
    milli = (unsigned int)(ms % DT_MS_SECOND);
    if (milli != 0)
        (void)snprintf(out, DT_TIME_STR, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year % 10000,
                       month % 100, day % 100, second / 3600 % 100, second / 60 % 60, second % 60,
                       milli);
    else
        (void)snprintf(out, DT_TIME_STR, "%04u-%02u-%02uT%02u:%02u:%02uZ", year % 10000,
                       month % 100, day % 100, second / 3600 % 100, second / 60 % 60, second % 60);
}

void
dt_date_str(char *out, uint64_t ms)
{
    unsigned int year, month, day;

    civil(clamp(ms), &year, &month, &day);
    (void)snprintf(out, DT_TIME_STR, "%04u-%02u-%02u", year % 10000, month, day);
}

static bool
digits(struct dt_view text, size_t at, size_t n, unsigned int *out)
{
    unsigned int x = 0;

    for (size_t i = at; i < at + n; i++) {
        if (i >= text.n || text.p[i] < '0' || text.p[i] > '9')
            return false;
        x = x * 10 + (unsigned int)(text.p[i] - '0');
    }
    *out = x;
    return true;
}

static bool
is_at(struct dt_view text, size_t at, char c)
{
    return at < text.n && text.p[at] == (uint8_t)c;
}

/* The ten characters YYYY-MM-DD at the start of ${text}. */
static enum dt_err
read_day(struct dt_view text, uint64_t *out_ms)
{
    unsigned int year = 0, month = 0, day = 0;

    if (!digits(text, 0, 4, &year) || !is_at(text, 4, '-') || !digits(text, 5, 2, &month) ||
        !is_at(text, 7, '-') || !digits(text, 8, 2, &day))
        return dt_fail(DT_ERR_FORMAT, "not a date of the form YYYY-MM-DD");
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return dt_fail(DT_ERR_RANGE, "no such day since 1970");
    *out_ms = (days_to(year, month, day) - DAYS_TO_1970) * DT_MS_DAY;
    return DT_OK;
}

enum dt_err
dt_date_read(struct dt_view text, uint64_t *out_ms)
{
    if (text.n != 10)
        return dt_fail(DT_ERR_FORMAT, "not a date of the form YYYY-MM-DD");
    return read_day(text, out_ms);
}

enum dt_err
dt_time_read(struct dt_view text, uint64_t *out_ms)
{
    unsigned int hour = 0, minute = 0, second = 0, milli = 0;
    uint64_t ms = 0;
    bool plain = text.n == 20 && is_at(text, 19, 'Z');
    bool fine = text.n == 24 && is_at(text, 19, '.') && digits(text, 20, 3, &milli) &&
                is_at(text, 23, 'Z') && milli != 0;
    enum dt_err err;

    if (!(plain || fine) || !is_at(text, 10, 'T') || !digits(text, 11, 2, &hour) ||
        !is_at(text, 13, ':') || !digits(text, 14, 2, &minute) || !is_at(text, 16, ':') ||
        !digits(text, 17, 2, &second))
        return dt_fail(DT_ERR_FORMAT, "not a time of the form YYYY-MM-DDThh:mm:ssZ");
    err = read_day(text, &ms);
    if (err != DT_OK)
        return err;
    /* RFC 3339 allows second 60; this profile has no leap seconds. */
    if (hour > 23 || minute > 59 || second > 59)
        return dt_fail(DT_ERR_RANGE, "no such time of day");
    *out_ms = ms + hour * DT_MS_HOUR + minute * DT_MS_MINUTE + second * DT_MS_SECOND + milli;
    return DT_OK;
}

/* One form only: units in order, each once, weeks alone (as ISO 8601 has it), no leading zeros. */
enum dt_err
dt_duration_read(struct dt_view text, uint64_t *out_ms)
{
    static const struct {
        char unit;
        bool time;
        uint64_t ms;
    } units[] = {{'W', false, 7 * DT_MS_DAY},
                 {'D', false, DT_MS_DAY},
                 {'H', true, DT_MS_HOUR},
                 {'M', true, DT_MS_MINUTE},
                 {'S', true, DT_MS_SECOND}};
    uint64_t total = 0;
    size_t next = 0; /* the first unit that may still come */
    size_t n_parts = 0;
    size_t n_time = 0;
    bool time = false;
    bool weeks = false;
    size_t i = 1;

    if (!is_at(text, 0, 'P'))
        return dt_fail(DT_ERR_FORMAT, "not a duration such as P14D or PT30M");
    while (i < text.n) {
        size_t begin = i;
        uint64_t x = 0;
        size_t u;
        enum dt_err err;

        if (text.p[i] == 'T' && !time) {
            time = true;
            i++;
            continue;
        }
        while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
            i++;
        err =
            dt_decimal_read(dt_view(text.p + begin, i - begin), DT_TIME_MAX_MS / DT_MS_SECOND, &x);
        if (err != DT_OK)
            return err;
        for (u = next; u < sizeof units / sizeof units[0]; u++)
            if (is_at(text, i, units[u].unit) && units[u].time == time)
                break;
        if (u == sizeof units / sizeof units[0] || weeks)
            return dt_fail(DT_ERR_FORMAT,
                           "not a duration of weeks, or of days, hours, minutes and seconds");
        if (x > (DT_TIME_MAX_MS - total) / units[u].ms)
            return dt_fail(DT_ERR_RANGE, "duration too long");
        total += x * units[u].ms;
        weeks = u == 0;
        next = u + 1;
        n_parts++;
        n_time += time ? 1 : 0;
        i++;
    }
    if (n_parts == 0 || (time && n_time == 0))
        return dt_fail(DT_ERR_FORMAT, "not a duration such as P14D or PT30M");
    *out_ms = total;
    return DT_OK;
}

void
dt_span_str(char *out, uint64_t ms)
{
    unsigned long long days = ms / DT_MS_DAY;
    unsigned int hours = (unsigned int)(ms % DT_MS_DAY / DT_MS_HOUR);
    unsigned int minutes = (unsigned int)(ms % DT_MS_HOUR / DT_MS_MINUTE);

    if (days >= 3 || (days > 0 && hours == 0))
        (void)snprintf(out, DT_TIME_STR, "%llu day%s", days, days == 1 ? "" : "s");
    else if (days > 0)
        (void)snprintf(out, DT_TIME_STR, "%llu day%s %u h", days, days == 1 ? "" : "s", hours);
    else if (hours > 0 && minutes > 0)
        (void)snprintf(out, DT_TIME_STR, "%u h %u min", hours, minutes);
    else if (hours > 0)
        (void)snprintf(out, DT_TIME_STR, "%u h", hours);
    else if (minutes > 0)
        (void)snprintf(out, DT_TIME_STR, "%u min", minutes);
    else
        (void)snprintf(out, DT_TIME_STR, "%u s", (unsigned int)(ms / DT_MS_SECOND));
}

void
dt_time_year_month(uint64_t ms, int *out_year, int *out_month)
{
    unsigned int year, month, day;

    civil(clamp(ms), &year, &month, &day);
    *out_year = (int)year;
    *out_month = (int)month;
}
