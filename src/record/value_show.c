/*
 * record/value_show.c - values as people read them, in the form that value_text.c takes back.
 *
 * Source: docs/protocol-record.md, "Text of values". Layer: record.
 */
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "base/wire.h"
#include "record/charter.h"
#include "record/limits.h"

#include "record/value_internal.h"

/* Put a backslash before what would end an item or a pair. */
static enum dt_err
escape(struct dt_view t, const char *special, struct dt_buf *out)
{
    enum dt_err err;

    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] != '\0' && strchr(special, t.p[i]) != NULL &&
            (err = dt_buf_append(out, dt_view_str("\\"))) != DT_OK)
            return err;
        if ((err = dt_buf_append(out, dt_view(t.p + i, 1))) != DT_OK)
            return err;
    }
    return DT_OK;
}

static int64_t
view_int(struct dt_view v)
{
    uint64_t x = 0;

    for (size_t i = 0; i < v.n; i++)
        x = x << 8 | v.p[i];
    if (v.n == 4 && x > INT32_MAX)
        return (int64_t)x - ((int64_t)1 << 32);
    if (v.n == 8 && x > INT64_MAX)
        return -(int64_t)(UINT64_MAX - x) - 1;
    return (int64_t)x;
}

static enum dt_err
degrees_text(struct dt_view v, struct dt_buf *out)
{
    int64_t x = view_int(v), whole, part;
    enum dt_err err;

    if (x < 0 && (err = dt_buf_append(out, dt_view_str("-"))) != DT_OK)
        return err;
    whole = (x < 0 ? -x : x) / 10000000;
    part = (x < 0 ? -x : x) % 10000000;
    if (part == 0)
        return dt_buf_printf(out, "%lld", (long long)whole);
    if ((err = dt_buf_printf(out, "%lld.%07lld", (long long)whole, (long long)part)) != DT_OK)
        return err;
    while (out->p[out->n - 1] == '0')
        out->n--;
    return DT_OK;
}

static enum dt_err
latlon_text(struct dt_view v, struct dt_buf *out)
{
    enum dt_err err;

    if ((err = degrees_text(dt_view(v.p, 4), out)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(","))) != DT_OK)
        return err;
    return degrees_text(dt_view(v.p + 4, 4), out);
}

static enum dt_err
area_text(struct dt_view v, struct dt_buf *out)
{
    struct dt_reader r = dt_reader_init(dt_view(v.p + 1, v.n - 1));
    struct dt_view points = {0};
    enum dt_err err;

    if (v.p[0] == 2) {
        int64_t metres = view_int(dt_view(v.p + 9, 4));

        if ((err = latlon_text(dt_view(v.p + 1, 8), out)) != DT_OK)
            return err;
        if ((err = dt_buf_printf(out, " r%lld", (long long)(metres / 1000))) != DT_OK)
            return err;
        if (metres % 1000 == 0)
            return DT_OK;
        if ((err = dt_buf_printf(out, ".%03lld", (long long)(metres % 1000))) != DT_OK)
            return err;
        while (out->p[out->n - 1] == '0')
            out->n--;
        return DT_OK;
    }
    if ((err = dt_read_vec(&r, 8 * DT_LIST_MAX, &points)) != DT_OK)
        return err;
    for (size_t i = 0; i < points.n; i += 8) {
        if (i > 0 && (err = dt_buf_append(out, dt_view_str(" "))) != DT_OK)
            return err;
        if ((err = latlon_text(dt_view(points.p + i, 8), out)) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
duration_text(uint64_t ms, struct dt_buf *out)
{
    uint64_t days = ms / DT_MS_DAY, hours = ms % DT_MS_DAY / DT_MS_HOUR;
    uint64_t minutes = ms % DT_MS_HOUR / DT_MS_MINUTE, seconds = ms % DT_MS_MINUTE / DT_MS_SECOND;
    enum dt_err err = dt_buf_append(out, dt_view_str("P"));

    if (err == DT_OK && days > 0)
        err = dt_buf_printf(out, "%lluD", (unsigned long long)days);
    if (err == DT_OK && (ms % DT_MS_DAY != 0 || days == 0))
        err = dt_buf_append(out, dt_view_str("T"));
    if (err == DT_OK && hours > 0)
        err = dt_buf_printf(out, "%lluH", (unsigned long long)hours);
    if (err == DT_OK && minutes > 0)
        err = dt_buf_printf(out, "%lluM", (unsigned long long)minutes);
    if (err == DT_OK && (seconds > 0 || ms < DT_MS_SECOND))
        err = dt_buf_printf(out, "%lluS", (unsigned long long)seconds);
    return err;
}

static enum dt_err
party_text(const struct dt_value_hint *hint, struct dt_view v, struct dt_buf *out)
{
    size_t place = 0;

    if (v.p[0] == 2)
        return dt_buf_append(out, dt_view_str("both"));
    if (v.p[0] == 3)
        return dt_buf_append(out, dt_view_str("mediator"));
    if (hint->charter != NULL && dt_charter_party_by_id(hint->charter, v.p + 1, &place) == DT_OK)
        return dt_buf_append(out, hint->charter->parties[place].name);
    return dt_hex_write(out, dt_view(v.p + 1, 32));
}

static enum dt_err
reference_text(struct dt_view v, struct dt_buf *out)
{
    static const char *const what[] = {"", "record ", "talk ", "claim "};
    struct dt_view bytes = dt_view(v.p + 2, v.n - 2);
    enum dt_err err;

    if (v.p[1] >= 0x40)
        bytes = dt_view(v.p + 3, v.n - 3); /* 64 bytes have a length of two */
    if ((err = dt_buf_append(out, dt_view_str(what[v.p[0]]))) != DT_OK)
        return err;
    return v.p[0] == 3 ? dt_buf_append(out, bytes) : dt_hex_write(out, bytes);
}

static enum dt_err
scalar_text(const struct dt_value_hint *hint, uint8_t type, struct dt_view v, struct dt_buf *out)
{
    char text[DT_TIME_STR];
    int year, month, day;
    uint16_t place = 0;
    enum dt_err err;

    switch (type) {
    case DT_TYPE_TEXT:
    case DT_TYPE_LTEXT:
    case DT_TYPE_DECIMAL:
    case DT_TYPE_LANG:
        return dt_buf_append(out, v);
    case DT_TYPE_INT:
        return dt_buf_printf(out, "%lld", (long long)view_int(v));
    case DT_TYPE_BOOL:
        return dt_buf_append(out, dt_view_str(v.p[0] ? "true" : "false"));
    case DT_TYPE_ENUM:
        if ((err = dt_value_enum(v, &place)) != DT_OK)
            return err;
        if (place > hint->n_values)
            return dt_buf_printf(out, "#%u", place);
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): place > 0, so there are values */
        return dt_buf_append(out, hint->values[place - 1]);
    case DT_TYPE_DATE:
        dt_date_from_days((int32_t)view_int(v), &year, &month, &day);
        return dt_buf_printf(out, "%04d-%02d-%02d", year, month, day);
    case DT_TYPE_DATETIME:
        dt_time_str(text, (uint64_t)view_int(v));
        return dt_buf_append(out, dt_view_str(text));
    case DT_TYPE_DURATION:
        return duration_text((uint64_t)view_int(v), out);
    case DT_TYPE_LATLON:
        return latlon_text(v, out);
    case DT_TYPE_AREA:
        return area_text(v, out);
    case DT_TYPE_PARTY:
        return party_text(hint, v, out);
    case DT_TYPE_REFERENCE:
        return reference_text(v, out);
    default:
        return dt_hex_write(out, v); /* ref, hash, author, bytes */
    }
}

static enum dt_err
map_text(struct dt_view v, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(DT_VALUE_MAX * 2);
    struct dt_value_pair pair = {0};
    bool first = true;
    enum dt_err err;

    while (dt_value_map_next(&v, &pair)) {
        struct dt_value_hint hint = {.type = pair.type};

        text.n = 0;
        if ((!first && (err = dt_buf_append(out, dt_view_str(","))) != DT_OK) ||
            (err = escape(pair.key, "\\;,=", out)) != DT_OK ||
            (err = dt_buf_append(out, dt_view_str("="))) != DT_OK)
            return err;
        first = false;
        if (pair.value.n == 0)
            continue; /* an account's "absent"; a map's text is never empty */
        if ((err = dt_value_to_text(&hint, pair.value, &text)) != DT_OK)
            return err;
        if (pair.type == DT_TYPE_TEXT &&
            (dt_value_guess(dt_buf_view(&text)) != DT_TYPE_TEXT ||
             (text.n > 0 && text.p[0] == '\'')) &&
            (err = dt_buf_append(out, dt_view_str("'"))) != DT_OK)
            return err;
        if ((err = escape(dt_buf_view(&text), "\\;,=", out)) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
dt_value_to_text(const struct dt_value_hint *hint, struct dt_view value, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(DT_VALUE_MAX * 4);
    struct dt_view rest = value, item = {0};
    bool first = true;
    enum dt_err err;

    /* A display shows only what a receiver would accept; so nothing below reads past a value. */
    err = dt_value_check(hint->type, hint->n_values > 0 ? hint->n_values : UINT16_MAX, value);
    if (err != DT_OK)
        return err;
    if (hint->type == DT_TYPE_MAP || hint->type == DT_TYPE_ACCOUNT)
        return map_text(value, out);
    if (!dt_type_is_list(hint->type))
        return scalar_text(hint, hint->type, value, out);
    while (dt_value_list_next(&rest, &item)) {
        text.n = 0;
        if (!first && (err = dt_buf_append(out, dt_view_str(";"))) != DT_OK)
            return err;
        first = false;
        if (dt_type_item(hint->type) == DT_TYPE_MAP) {
            if ((err = map_text(item, out)) != DT_OK)
                return err;
        } else if ((err = scalar_text(hint, dt_type_item(hint->type), item, &text)) != DT_OK ||
                   (err = escape(dt_buf_view(&text), "\\;", out)) != DT_OK) {
            return err;
        }
    }
    return DT_OK;
}
