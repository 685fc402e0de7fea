/*
 * base/cadence.c - a promised rhythm as text, and where its periods begin.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"

#include "base/cadence.h"

#define WEEK   (7 * DT_MS_DAY)
#define MONDAY (4 * DT_MS_DAY) /* 1970-01-05 */

static const struct {
    char letter;
    uint64_t ms;
} units[] = {{'m', DT_MS_MINUTE}, {'h', DT_MS_HOUR}, {'d', DT_MS_DAY}, {'w', WEEK}};

#define N_UNITS (sizeof units / sizeof units[0])

enum dt_err
dt_cadence_read(struct dt_view text, struct dt_cadence *out)
{
    struct dt_view rest = text, part = {0};
    struct dt_cadence c = {0};
    uint64_t n = 0;

    if (dt_text_split(&rest, '/', &part) && rest.p != NULL && rest.n > 1 &&
        dt_decimal_read(part, DT_CADENCE_ENTRIES_MAX, &c.k) == DT_OK && c.k > 0)
        for (size_t i = 0; i < N_UNITS; i++)
            if (rest.p[rest.n - 1] == (uint8_t)units[i].letter &&
                dt_decimal_read(dt_view(rest.p, rest.n - 1), DT_CADENCE_PERIOD_MAX / units[i].ms,
                                &n) == DT_OK &&
                n > 0)
                c.period_ms = n * units[i].ms;
    if (c.period_ms == 0)
        return dt_fail(DT_ERR_FORMAT, "a cadence is entries a period: 4/1d, 10/1w, 1/12h or 1/30m");
    *out = c;
    return DT_OK;
}

void
dt_cadence_str(char *out, const struct dt_cadence *c)
{
    size_t i = N_UNITS - 1;

    out[0] = '\0';
    if (c->period_ms == 0)
        return;
    while (i > 0 && c->period_ms % units[i].ms != 0)
        i--;
    (void)snprintf(out, DT_CADENCE_STR, "%" PRIu64 "/%" PRIu64 "%c", c->k,
                   c->period_ms / units[i].ms, units[i].letter);
}

/* Where periods are counted from. */
static uint64_t
origin_of(const struct dt_cadence *c)
{
    return c->period_ms % WEEK == 0 ? MONDAY : 0;
}

uint64_t
dt_cadence_start_from(const struct dt_cadence *c, uint64_t ms)
{
    uint64_t origin = origin_of(c);

    if (ms <= origin)
        return origin;
    return origin + (ms - origin + c->period_ms - 1) / c->period_ms * c->period_ms;
}

uint64_t
dt_cadence_period(const struct dt_cadence *c, uint64_t ms)
{
    uint64_t origin = origin_of(c);

    return ms <= origin ? origin : ms - (ms - origin) % c->period_ms;
}

/* j * period_ms stays below 2^55: both have their maxima. */
uint64_t
dt_cadence_slot(const struct dt_cadence *c, uint64_t start, uint64_t j)
{
    return start + j / c->k * c->period_ms + (j % c->k * c->period_ms + c->k - 1) / c->k;
}

uint64_t
dt_cadence_due(const struct dt_cadence *c, uint64_t start, uint64_t ms)
{
    if (ms < start)
        return 0;
    return ms - start >= c->period_ms ? c->k : (ms - start) * c->k / c->period_ms + 1;
}
