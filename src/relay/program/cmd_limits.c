/*
 * relay/program/cmd_limits.c - `detente-relay limits`: what grants may use and use, shown or
 * changed; and the options that say so, which `grant` has as well.
 *
 * Source: docs/limits.md. Layer: relay.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "relay/program/program.h"

#define BYTES_STANDARD (UINT64_C(8) << 30)
#define CELLS_STANDARD UINT64_C(10000000)
#define POLLS_STANDARD UINT64_C(16384)
/* Of a relay that takes tens of thousands a second: a forum's people write a few, and what waited
 * for days while an agent was away fits the burst. */
#define RATE_STANDARD        UINT64_C(1000)
#define BURST_FACTOR         10u
#define DAY_S                (UINT64_C(24) * 3600)
#define KEEP_STANDARD        (90 * DAY_S)
#define KEEP_UNREAD_STANDARD (365 * DAY_S)
#define KEEP_MAX             (36500 * DAY_S)

const struct dt_relay_bounds program_bounds_standard = {.queues = DT_RELAY_QUEUES_MAX,
                                                        .queue_cells = DT_RELAY_QUEUE_CELLS_MAX,
                                                        .bytes = BYTES_STANDARD,
                                                        .cells = CELLS_STANDARD,
                                                        .rate = RATE_STANDARD,
                                                        .burst = BURST_FACTOR * RATE_STANDARD,
                                                        .polls = POLLS_STANDARD,
                                                        .keep_s = KEEP_STANDARD,
                                                        .keep_unread_s = KEEP_UNREAD_STANDARD};

const struct option program_limits_options[] = {
    PROGRAM_CONFIG,
    PROGRAM_STORE,
    {"--register", "ID", "the grant of this register alone (32 hex digits)", false, false},
    PROGRAM_BOUNDS,
    PROGRAM_JSON,
    PROGRAM_QUIET,
    PROGRAM_END,
};

/* ---- reading options ---- */

/* A number with one of ${units} behind it, "none" as 0. ${max} is of the number times its unit. */
struct unit {
    char letter; /* '\0': no letter */
    uint64_t factor;
};

static const struct unit plain_units[] = {{'\0', 1}};
static const struct unit size_units[] = {{'\0', 1},
                                         {'K', UINT64_C(1) << 10},
                                         {'M', UINT64_C(1) << 20},
                                         {'G', UINT64_C(1) << 30},
                                         {'T', UINT64_C(1) << 40}};

static const struct unit span_units[] = {
    {'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY_S}, {'w', 7 * DAY_S}};

static enum dt_err
read_units(const char *name, const char *text, const struct unit *units, size_t n_units,
           uint64_t max, const char *expected, uint64_t *out)
{
    struct dt_view v = dt_view_str(text);
    uint64_t x = 0;

    if (strcmp(text, "none") == 0) {
        *out = 0;
        return DT_OK;
    }
    for (size_t i = 0; i < n_units; i++) {
        bool letter = units[i].letter != '\0';

        if (letter && (v.n == 0 || text[v.n - 1] != units[i].letter))
            continue;
        if (dt_decimal_read(dt_view(v.p, v.n - letter), max / units[i].factor, &x) == DT_OK &&
            x != 0) {
            *out = x * units[i].factor;
            return DT_OK;
        }
    }
    return dt_fail(DT_ERR_USAGE, "%s: expected %s, or none", name, expected);
}

static enum dt_err
read_bound(const struct options *o, const char *name, const struct unit *units, size_t n_units,
           uint64_t max, const char *expected, uint64_t *out)
{
    const char *text = option_value(o, name, 0);

    return text == NULL ? DT_OK : read_units(name, text, units, n_units, max, expected, out);
}

#define PLAIN  plain_units, sizeof(plain_units) / sizeof(plain_units[0])
#define SIZES  size_units, sizeof(size_units) / sizeof(size_units[0])
#define SPANS  span_units, sizeof(span_units) / sizeof(span_units[0])
#define NUMBER "a number from 1"
#define SIZE   "a number of bytes as 500M or 8G"
#define SPAN   "a span of time as 90d, 12h or 30m"

enum dt_err
program_size(const struct options *o, const char *name, uint64_t least, uint64_t standard,
             uint64_t *out)
{
    uint64_t x = standard;
    enum dt_err err = read_bound(o, name, SIZES, INT64_MAX, SIZE, &x);

    if (err != DT_OK)
        return err;
    if (option_value(o, name, 0) != NULL && x < least)
        return dt_fail(DT_ERR_USAGE, "%s: at least %llu bytes", name, (unsigned long long)least);
    *out = x;
    return DT_OK;
}

enum dt_err
program_bounds(const struct options *o, const struct dt_relay_bounds *standard,
               struct dt_relay_bounds *out)
{
    struct dt_relay_bounds b = *standard;
    enum dt_err err;

    if ((err = program_number(o, "--queues", INT32_MAX, b.queues, &b.queues)) != DT_OK ||
        (err = program_number(o, "--queue-cells", UINT32_MAX - 1, b.queue_cells, &b.queue_cells)) !=
            DT_OK ||
        (err = read_bound(o, "--bytes", SIZES, INT64_MAX, SIZE, &b.bytes)) != DT_OK ||
        (err = read_bound(o, "--cells", PLAIN, INT64_MAX, NUMBER, &b.cells)) != DT_OK ||
        (err = read_bound(o, "--append-rate", PLAIN, UINT32_MAX, NUMBER, &b.rate)) != DT_OK)
        return err;
    if (option_value(o, "--append-rate", 0) != NULL)
        b.burst = BURST_FACTOR * b.rate;
    if ((err = read_bound(o, "--append-burst", PLAIN, UINT32_MAX, NUMBER, &b.burst)) != DT_OK ||
        (err = read_bound(o, "--polls", PLAIN, UINT32_MAX, NUMBER, &b.polls)) != DT_OK ||
        (err = read_bound(o, "--keep", SPANS, KEEP_MAX, SPAN, &b.keep_s)) != DT_OK ||
        (err = read_bound(o, "--keep-unread", SPANS, KEEP_MAX, SPAN, &b.keep_unread_s)) != DT_OK ||
        (err = read_bound(o, "--keep-cells", PLAIN, UINT32_MAX, NUMBER, &b.keep_cells)) != DT_OK)
        return err;
    *out = b;
    return DT_OK;
}

/* ---- the command ---- */

/* The limits by the names of their options, in order. */
struct line {
    const char *key, *words;
    uint64_t value;
    bool has_use;
    uint64_t use;
};

#define LINES 10u

static void
make_lines(const struct dt_relay_bounds *b, const struct dt_relay_usage *use,
           struct line out[static LINES])
{
    const struct line lines[LINES] = {
        {"queues", "queues", b->queues, true, use->queues},
        {"queue_cells", "cells in one queue", b->queue_cells, false, 0},
        {"bytes", "bytes", b->bytes, true, use->bytes},
        {"cells", "cells", b->cells, true, use->cells},
        {"append_rate", "appends a second", b->rate, false, 0},
        {"append_burst", "appends at once", b->burst, false, 0},
        {"polls", "long polls", b->polls, false, 0},
        {"keep_s", "seconds before which no cell goes", b->keep_s, false, 0},
        {"keep_unread_s", "seconds after which any does", b->keep_unread_s, false, 0},
        {"keep_cells", "cells after which an older one does", b->keep_cells, false, 0},
    };

    memcpy(out, lines, sizeof(lines));
}

static void
print_json(const char *id, const struct line *lines, bool first)
{
    printf("%s\n  {\"register\": \"%s\", \"limits\": {", first ? "" : ",", id);
    for (size_t i = 0; i < LINES; i++) {
        printf("%s\"%s\": ", i == 0 ? "" : ", ", lines[i].key);
        if (lines[i].value == 0)
            printf("null");
        else
            printf("%llu", (unsigned long long)lines[i].value);
    }
    printf("}, \"used\": {");
    for (size_t i = 0, n = 0; i < LINES; i++)
        if (lines[i].has_use)
            printf("%s\"%s\": %llu", n++ == 0 ? "" : ", ", lines[i].key,
                   (unsigned long long)lines[i].use);
    printf("}}");
}

static void
print_text(const char *id, const struct line *lines)
{
    printf("register %s\n", id);
    for (size_t i = 0; i < LINES; i++) {
        char most[32] = "no limit";

        if (lines[i].value != 0)
            (void)snprintf(most, sizeof(most), "%llu", (unsigned long long)lines[i].value);
        if (lines[i].has_use)
            printf("  %s: %llu of %s\n", lines[i].words, (unsigned long long)lines[i].use, most);
        else
            printf("  %s: %s\n", lines[i].words, most);
    }
}

/* The grant of the register ${id}: changed as the options say, and shown. */
static enum dt_err
one_grant(const struct options *o, struct dt_relay_store *s,
          const uint8_t id[static DT_REGISTER_ID], bool first)
{
    bool json = option_value(o, "--json", 0) != NULL, quiet = option_value(o, "--quiet", 0) != NULL;
    struct dt_relay_bounds was, bounds;
    struct dt_relay_usage use;
    struct line lines[LINES];
    char hex[2 * DT_REGISTER_ID + 1];
    uint64_t grant = 0;
    enum dt_err err;

    if ((err = dt_relay_store_grant_of(s, id, &grant)) != DT_OK ||
        (err = dt_relay_store_bounds(s, grant, &was, &use)) != DT_OK ||
        (err = program_bounds(o, &was, &bounds)) != DT_OK)
        return err;
    if (memcmp(&was, &bounds, sizeof(was)) != 0 &&
        (err = dt_relay_store_set_bounds(s, grant, &bounds)) != DT_OK)
        return err;
    dt_hex_str(hex, dt_view(id, DT_REGISTER_ID));
    make_lines(&bounds, &use, lines);
    if (json)
        print_json(hex, lines, first);
    else if (!quiet)
        print_text(hex, lines);
    return DT_OK;
}

static enum dt_err
all_grants(const struct options *o, struct dt_relay_store *s)
{
    int64_t reg = 0;
    bool first = true;
    enum dt_err err;

    for (; (err = dt_relay_store_next_register(s, reg, &reg)) == DT_OK; first = false) {
        uint8_t id[DT_REGISTER_ID];

        if ((err = dt_relay_store_register_id(s, reg, id)) != DT_OK ||
            (err = one_grant(o, s, id, first)) != DT_OK)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

int
program_set_limits(const struct options *o)
{
    struct dt_relay_store_config config = {.path = option_value(o, "--store", 0)};
    const char *one = option_value(o, "--register", 0);
    bool json = option_value(o, "--json", 0) != NULL;
    struct dt_relay_store *s = NULL;
    uint8_t id[DT_REGISTER_ID];
    enum dt_err err;

    if (one != NULL && dt_hex_read_fixed(id, sizeof(id), dt_view_str(one)) != DT_OK)
        return program_finish(dt_fail(DT_ERR_USAGE, "--register: expected 32 hex digits"));
    if ((err = dt_relay_store_open(&config, &s)) != DT_OK)
        return program_finish(err);
    if (json)
        printf("{\"format\": 1, \"grants\": [");
    err = one != NULL ? one_grant(o, s, id, true) : all_grants(o, s);
    if (json)
        printf("\n]}\n");
    dt_relay_store_close(s);
    return program_finish(err);
}
