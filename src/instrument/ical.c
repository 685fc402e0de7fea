/*
 * instrument/ical.c - see ical.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "instrument/ical.h"

#define FOLD 75u /* octets of a line without its CRLF (RFC 5545 section 3.1) */

/* One content line, folded: never within a character. */
struct line {
    struct dt_buf *out;
    size_t n; /* octets in the present line */
    enum dt_err err;
};

static void
put_bytes(struct line *l, const char *p, size_t n)
{
    if (l->err == DT_OK)
        l->err = dt_buf_append(l->out, dt_view((const uint8_t *)p, n));
}

/* ${n} octets that stay together. */
static void
put_whole(struct line *l, const char *p, size_t n)
{
    if (l->n + n > FOLD) {
        put_bytes(l, "\r\n ", 3);
        l->n = 1;
    }
    put_bytes(l, p, n);
    l->n += n;
}

static void
put_ascii(struct line *l, struct dt_view v)
{
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] >= 0x20 && v.p[i] < 0x7f)
            put_whole(l, (const char *)v.p + i, 1);
}

/* How long the character that begins with ${b} is. */
static size_t
length_of(uint8_t b)
{
    return b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
}

/* TEXT (RFC 5545 section 3.3.11). */
static void
put_text(struct line *l, struct dt_view v)
{
    for (size_t i = 0; i < v.n;) {
        const char *p = (const char *)v.p + i;
        size_t n = length_of(v.p[i]);

        if (n > v.n - i)
            n = v.n - i;
        if (*p == '\n')
            put_whole(l, "\\n", 2);
        else if (*p == '\\' || *p == ';' || *p == ',')
            put_whole(l, (const char[2]){'\\', *p}, 2);
        else if (v.p[i] >= 0x20 && v.p[i] != 0x7f &&
                 !(n == 2 && v.p[i] == 0xc2 && v.p[i + 1] < 0xa0))
            put_whole(l, p, n);
        i += n;
    }
}

static enum dt_err
end(struct line *l)
{
    put_bytes(l, "\r\n", 2);
    return l->err;
}

static enum dt_err
put_plain(struct dt_buf *out, const char *text)
{
    struct line l = {.out = out, .err = DT_OK};

    put_ascii(&l, dt_view_str(text));
    return end(&l);
}

static enum dt_err
put_property(struct dt_buf *out, const char *name, struct dt_view text)
{
    struct line l = {.out = out, .err = DT_OK};

    put_ascii(&l, dt_view_str(name));
    put_whole(&l, ":", 1);
    put_text(&l, text);
    return end(&l);
}

/* DATE-TIME in UTC (RFC 5545 section 3.3.5): "20261130T193000Z". */
static enum dt_err
put_time(struct dt_buf *out, const char *name, uint64_t ms)
{
    char iso[DT_TIME_STR], text[64];
    size_t n = 0;

    dt_time_str(iso, ms - ms % 1000);
    n = (size_t)snprintf(text, sizeof text, "%s:", name);
    for (size_t i = 0; iso[i] != '\0' && n + 1 < sizeof text; i++)
        if (iso[i] != '-' && iso[i] != ':')
            text[n++] = iso[i];
    text[n] = '\0';
    return put_plain(out, text);
}

enum dt_err
dt_ical_begin(struct dt_buf *out, struct dt_view name)
{
    enum dt_err err;

    if ((err = put_plain(out, "BEGIN:VCALENDAR")) != DT_OK ||
        (err = put_plain(out, "VERSION:2.0")) != DT_OK ||
        (err = put_plain(out, "PRODID:-//detente//detente due//EN")) != DT_OK ||
        (err = put_plain(out, "CALSCALE:GREGORIAN")) != DT_OK ||
        (err = put_plain(out, "METHOD:PUBLISH")) != DT_OK)
        return err;
    return put_property(out, "X-WR-CALNAME", name);
}

static enum dt_err
put_alarm(struct dt_buf *out, uint64_t before_ms, struct dt_view summary)
{
    char trigger[48];
    enum dt_err err;

    (void)snprintf(trigger, sizeof trigger, "TRIGGER:-PT%lluM",
                   (unsigned long long)(before_ms / DT_MS_MINUTE));
    if ((err = put_plain(out, "BEGIN:VALARM")) != DT_OK ||
        (err = put_plain(out, "ACTION:DISPLAY")) != DT_OK ||
        (err = put_plain(out, trigger)) != DT_OK ||
        (err = put_property(out, "DESCRIPTION", summary)) != DT_OK)
        return err;
    return put_plain(out, "END:VALARM");
}

enum dt_err
dt_ical_event(struct dt_buf *out, const struct dt_ical_event *e)
{
    enum dt_err err;

    if ((err = put_plain(out, "BEGIN:VEVENT")) != DT_OK ||
        (err = put_property(out, "UID", e->uid)) != DT_OK ||
        (err = put_time(out, "DTSTAMP", e->stamp_ms)) != DT_OK ||
        (err = put_time(out, "DTSTART", e->at_ms)) != DT_OK ||
        (err = put_property(out, "SUMMARY", e->summary)) != DT_OK ||
        (e->description.n > 0 &&
         (err = put_property(out, "DESCRIPTION", e->description)) != DT_OK) ||
        (err = put_plain(out, "TRANSP:TRANSPARENT")) != DT_OK ||
        (err = put_plain(out, "CLASS:CONFIDENTIAL")) != DT_OK)
        return err;
    for (size_t i = 0; i < DT_ICAL_ALARMS && err == DT_OK; i++)
        if (e->alarm_ms[i] != 0)
            err = put_alarm(out, e->alarm_ms[i], e->summary);
    return err != DT_OK ? err : put_plain(out, "END:VEVENT");
}

enum dt_err
dt_ical_end(struct dt_buf *out)
{
    return put_plain(out, "END:VCALENDAR");
}
