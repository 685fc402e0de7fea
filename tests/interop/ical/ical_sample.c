/*
 * tests/interop/ical/ical_sample.c - a calendar of random events, and what was put in, for a parser
 * that others wrote.
 *
 * Use: ical-sample CALENDAR JSON
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "instrument/ical.h"

#define EVENTS 400u

static uint64_t state = 88172645463325252u;

static uint64_t
below(uint64_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % n;
}

/* Pieces that a writer gets wrong: marks, line ends, folds within characters of several bytes. */
static struct dt_view
text(char *out, size_t size, size_t pieces)
{
    static const char *const piece[] = {"a",
                                        "bc ",
                                        ",",
                                        ";",
                                        "\\",
                                        "\n",
                                        ":",
                                        "\"",
                                        "\t",
                                        "\x01",
                                        "\\n",
                                        "\xc3\xa9",
                                        "\xd8\xa7",
                                        "\xe4\xb8\xad",
                                        "\xf0\x9f\x95\x8a",
                                        "\xc2\x85",
                                        "=",
                                        "BEGIN:VEVENT",
                                        "\xe2\x80\xa8",
                                        " "};
    size_t n = 0;

    for (size_t i = 0; i < pieces; i++) {
        const char *p = piece[below(sizeof piece / sizeof piece[0])];

        if (n + strlen(p) >= size)
            break;
        memcpy(out + n, p, strlen(p));
        n += strlen(p);
    }
    return dt_view((const uint8_t *)out, n);
}

static enum dt_err
one(unsigned int i, struct dt_buf *calendar, struct dt_buf *json)
{
    static const uint64_t alarms[] = {0, DT_MS_HOUR, DT_MS_DAY, 90 * DT_MS_MINUTE};
    char summary[2048], description[4096], uid[64], quoted[3][16384];
    struct dt_ical_event e = {.stamp_ms = 1764500000123 + i,
                              /* Leap days and ends of years, too. */
                              .at_ms = 1582934400000 + below(6 * 365 * DT_MS_DAY)};
    size_t n_alarms = 0;
    enum dt_err err;

    (void)snprintf(uid, sizeof uid, "%08x%08x@detente", (unsigned int)below(UINT32_MAX), i);
    e.uid = dt_view_str(uid);
    summary[0] = 'x'; /* a value of blanks alone is another matter */
    e.summary = text(summary + 1, sizeof summary - 1, below(90));
    e.summary = dt_view((const uint8_t *)summary, e.summary.n + 1);
    e.description = text(description, sizeof description, below(4) == 0 ? 0 : below(200));
    if (!dt_json_str(quoted[0], sizeof quoted[0], e.uid) ||
        !dt_json_str(quoted[1], sizeof quoted[1], e.summary) ||
        !dt_json_str(quoted[2], sizeof quoted[2], e.description))
        return DT_ERR_LIMIT;
    if ((err = dt_buf_printf(json,
                             "{\"uid\":%s,\"summary\":%s,\"description\":%s,\"at\":%llu,\"stamp\":%"
                             "llu,\"alarms\":[",
                             quoted[0], quoted[1], quoted[2], (unsigned long long)e.at_ms,
                             (unsigned long long)e.stamp_ms)) != DT_OK)
        return err;
    for (size_t k = 0; k < DT_ICAL_ALARMS && err == DT_OK; k++) {
        e.alarm_ms[k] = alarms[below(4)];
        if (e.alarm_ms[k] != 0)
            err = dt_buf_printf(json, "%s%llu", n_alarms++ == 0 ? "" : ",",
                                (unsigned long long)e.alarm_ms[k]);
    }
    if (err != DT_OK || (err = dt_buf_printf(json, "]}\n")) != DT_OK)
        return err;
    return dt_ical_event(calendar, &e);
}

int
main(int argc, char *argv[])
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf calendar = DT_BUF_INIT(16u << 20), json = DT_BUF_INIT(16u << 20);
    enum dt_err err = argc == 3 ? DT_OK : DT_ERR_USAGE;

    if (err == DT_OK)
        err = dt_ical_begin(&calendar, dt_view_str("A name; with, marks\\"));
    for (unsigned int i = 0; i < EVENTS && err == DT_OK; i++)
        err = one(i, &calendar, &json);
    if (err == DT_OK && (err = dt_ical_end(&calendar)) == DT_OK &&
        (err = dt_file_write(argv[1], dt_buf_view(&calendar), 0600)) == DT_OK)
        err = dt_file_write(argv[2], dt_buf_view(&json), 0600);
    if (err != DT_OK)
        (void)fprintf(stderr, "ical-sample: %s\n", dt_err_message());
    return err == DT_OK ? 0 : 1;
}
