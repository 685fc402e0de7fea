/*
 * instrument/observe_say.c - periods and flags in words; see observe.h. Layer: instrument: pure.
 */
#include <stdio.h>
#include <string.h>

#include "instrument/line_test.h"
#include "instrument/observe.h"

const char *
dt_period_unit_name(enum dt_period_unit unit)
{
    return unit == DT_PERIOD_DAY ? "day" : unit == DT_PERIOD_WEEK ? "week" : "month";
}

/* The first millisecond of a month; ${month} may be 13. */
static uint64_t
month_start(int year, int month)
{
    char text[DT_TIME_STR];
    uint64_t ms = 0;

    if (month == 13) {
        year++;
        month = 1;
    }
    (void)snprintf(text, sizeof text, "%04d-%02d-01", year, month);
    /* Past the last day that has a name here. */
    return dt_date_read(dt_view_str(text), &ms) == DT_OK ? ms : DT_TIME_MAX_MS + 1;
}

void
dt_period_at(enum dt_period_unit unit, uint64_t ms, uint64_t *out_start, uint64_t *out_end)
{
    uint64_t day = ms / DT_MS_DAY;
    int year = 0, month = 0;

    switch (unit) {
    case DT_PERIOD_WEEK:
        /* 1970-01-01 was a Thursday; the week it lies in begins before all times here. */
        *out_end = (day + 3) / 7 * 7 + 4;
        *out_start = *out_end >= 7 ? (*out_end - 7) * DT_MS_DAY : 0;
        *out_end *= DT_MS_DAY;
        return;
    case DT_PERIOD_MONTH:
        dt_time_year_month(ms, &year, &month);
        *out_start = month_start(year, month);
        *out_end = month_start(year, month + 1);
        return;
    case DT_PERIOD_DAY:
    case DT_PERIOD_UNITS:
        break;
    }
    *out_start = day * DT_MS_DAY;
    *out_end = *out_start + DT_MS_DAY;
}

void
dt_period_str(char *out, enum dt_period_unit unit, uint64_t start_ms)
{
    char date[DT_TIME_STR];

    dt_date_str(date, start_ms);
    if (unit == DT_PERIOD_MONTH)
        (void)snprintf(out, DT_TIME_STR, "%.7s", date);
    else if (unit == DT_PERIOD_WEEK)
        (void)snprintf(out, DT_TIME_STR, "week of %.10s", date);
    else
        (void)snprintf(out, DT_TIME_STR, "%.10s", date);
}

const char *
dt_flag_name(enum dt_flag_kind kind)
{
    switch (kind) {
    case DT_FLAG_SPLIT:
        return "split view";
    case DT_FLAG_BEHIND:
        return "fewer entries";
    case DT_FLAG_GAP:
        return "gap";
    case DT_FLAG_LATE:
        return "late witness";
    case DT_FLAG_AHEAD:
        return "clock ahead";
    case DT_FLAG_LINE_TEST:
        return "missed line test";
    case DT_FLAG_LINE_ANSWER:
        return "line test answered late";
    case DT_FLAG_HIDDEN:
        break;
    }
    return "shown late";
}

bool
dt_flag_of_line(const struct dt_flag *flag)
{
    return flag->kind == DT_FLAG_LINE_TEST || flag->kind == DT_FLAG_LINE_ANSWER;
}

static const char *
s(uint64_t n)
{
    return n == 1 ? "" : "s";
}

enum dt_err
dt_flag_say(const struct dt_observed *in, const struct dt_timeline *t, const struct dt_flag *f,
            struct dt_buf *out)
{
    const unsigned long long n = f->n, of = f->of;
    char from[DT_TIME_STR], to[DT_TIME_STR];

    dt_time_str(from, f->from_ms / DT_MS_SECOND * DT_MS_SECOND);
    dt_time_str(to, f->to_ms / DT_MS_SECOND * DT_MS_SECOND);
    switch (f->kind) {
    case DT_FLAG_SPLIT:
        return dt_buf_printf(out,
                             "split view, known since %s: the register's key signed two registers "
                             "that cannot both be true",
                             from);
    case DT_FLAG_BEHIND:
        return dt_buf_printf(out,
                             "since %s the register shows %llu of the %llu entries that it showed "
                             "before: an old one, or it was put back",
                             from, n, of);
    case DT_FLAG_GAP:
        return dt_buf_printf(out,
                             "promised entries are missing from %s to %s: %llu period%s in a row, "
                             "with %llu entr%s at most in all",
                             from, to, n, s(n), of, of == 1 ? "y" : "ies");
    case DT_FLAG_LATE:
        if (in->groups[f->group].size == 0)
            return dt_buf_printf(out,
                                 "%s has cosigned nothing yet; the first entries are there "
                                 "since %s",
                                 in->groups[f->group].name, from);
        return dt_buf_printf(out, "%s lags: %llu entr%s not cosigned, since %s",
                             in->groups[f->group].name, n, n == 1 ? "y is" : "ies are", from);
    case DT_FLAG_AHEAD:
        return dt_buf_printf(out,
                             "cosignatures on %llu checkpoint%s, first seen %s, bear times that "
                             "had not come: a witness's clock is ahead, or ours is behind",
                             n, s(n), from);
    case DT_FLAG_LINE_TEST:
    case DT_FLAG_LINE_ANSWER:
        return dt_line_flag_say(&t->stations[f->group], f, out);
    case DT_FLAG_HIDDEN:
        break;
    }
    return dt_buf_printf(out,
                         "%llu checkpoint%s, cosigned from %s on, %s not shown to us until after "
                         "%s: a witness's clock is behind, or we were shown an old register",
                         n, s(n), from, n == 1 ? "was" : "were", to);
}
