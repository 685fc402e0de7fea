/*
 * record/value_text.c - values from what people write; value_show.c is the way back.
 *
 * Source: docs/protocol-record.md, "Text of values". Layer: record. What is read here comes from
 * command lines, CSV and pages; each refusal names the field and the form that was expected.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "base/wire.h"
#include "record/charter.h"
#include "record/limits.h"

#include "record/value_internal.h"

#define FIELD(hint) ((hint)->field != NULL ? (hint)->field : "value")

/* ---- small readers ---- */

static bool
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* "-12.50" as ${scale} decimal places of an integer, |x| <= max. */
static bool
read_scaled(struct dt_view t, unsigned int scale, int64_t max, int64_t *out)
{
    int64_t x = 0;
    size_t i = 0, from;
    bool minus = t.n > 0 && t.p[0] == '-';

    if (t.n > 0 && (t.p[0] == '-' || t.p[0] == '+'))
        i = 1;
    from = i;
    for (; i < t.n && is_digit(t.p[i]); i++) {
        x = x * 10 + (t.p[i] - '0');
        if (x > max)
            return false;
    }
    if (i == from)
        return false;
    if (i < t.n) {
        if (t.p[i++] != '.' || i == t.n)
            return false;
    }
    for (; i < t.n; i++) {
        if (!is_digit(t.p[i]) || (scale == 0 && t.p[i] != '0'))
            return false;
        if (scale > 0) {
            x = x * 10 + (t.p[i] - '0');
            scale--;
        }
        if (x > max)
            return false;
    }
    for (; scale > 0; scale--) {
        if (x > max / 10)
            return false;
        x *= 10;
    }
    *out = minus ? -x : x;
    return x <= max;
}

static enum dt_err
put_decimal(const struct dt_value_hint *hint, struct dt_view t, struct dt_buf *out)
{
    bool minus = t.n > 0 && t.p[0] == '-', zero = true;
    size_t i = 0, from, whole_end, end;
    enum dt_err err = DT_OK;

    if (t.n > 0 && (t.p[0] == '-' || t.p[0] == '+'))
        i = 1;
    from = i;
    while (i < t.n && is_digit(t.p[i]))
        i++;
    whole_end = i;
    if (whole_end == from)
        return dt_value_expected(hint, "a decimal number");
    end = whole_end;
    if (i < t.n) {
        if (t.p[i] != '.' || i + 1 == t.n)
            return dt_value_expected(hint, "a decimal number");
        for (i++; i < t.n; i++) {
            if (!is_digit(t.p[i]))
                return dt_value_expected(hint, "a decimal number");
            if (t.p[i] != '0')
                end = i + 1;
        }
    }
    while (from + 1 < whole_end && t.p[from] == '0')
        from++;
    for (i = from; i < end; i++)
        zero = zero && (t.p[i] == '0' || t.p[i] == '.');
    if (end - from + 1 > DT_DECIMAL_MAX)
        return dt_value_expected(hint, "a decimal number of at most 39 characters");
    if (minus && !zero)
        err = dt_buf_append(out, dt_view_str("-"));
    return err != DT_OK ? err : dt_buf_append(out, dt_view(t.p + from, end - from));
}

static enum dt_err
put_u32(struct dt_buf *out, int64_t x)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u32(&w, (uint32_t)x);
    return dt_writer_end(&w);
}

static enum dt_err
put_latlon(const struct dt_value_hint *hint, struct dt_view t, struct dt_buf *out)
{
    struct dt_view rest = t, lat = {0}, lon = {0}, more = {0};
    int64_t a = 0, o = 0;
    enum dt_err err;

    if (t.n > 0 && t.p[0] == '{' && dt_type_item(hint->type) == DT_TYPE_LATLON)
        return dt_value_geojson(hint, t, out);
    if (!dt_text_split(&rest, ',', &lat) || !dt_text_split(&rest, ',', &lon) ||
        dt_text_split(&rest, ',', &more))
        return dt_value_expected(hint,
                                 "a place as latitude,longitude in degrees, or as a GeoJSON Point");
    while (lon.n > 0 && lon.p[0] == ' ')
        lon = dt_view(lon.p + 1, lon.n - 1);
    if (!read_scaled(lat, 7, 900000000, &a) || !read_scaled(lon, 7, 1800000000, &o))
        return dt_value_expected(
            hint, "latitude -90 to 90, longitude -180 to 180, at most 7 decimal places");
    if (o == -1800000000)
        o = 1800000000;
    if ((err = put_u32(out, a)) != DT_OK)
        return err;
    return put_u32(out, o);
}

static enum dt_err
put_area(const struct dt_value_hint *hint, struct dt_view t, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf points = DT_BUF_INIT(8 * DT_LIST_MAX);
    struct dt_view rest = t, part = {0};
    struct dt_writer w = dt_writer_init(out);
    int64_t radius = 0;
    enum dt_err err;

    if (t.n > 0 && t.p[0] == '{')
        return dt_value_geojson(hint, t, out);
    while (dt_text_split(&rest, ' ', &part)) {
        if (part.n == 0)
            continue;
        if (part.p[0] == 'r') {
            /* A radius in km, kept in whole metres. */
            if (points.n != 8 || radius != 0 ||
                !read_scaled(dt_view(part.p + 1, part.n - 1), 3, 21000000, &radius) || radius <= 0)
                return dt_value_expected(hint, "a circle as 'lat,lon r<km>'");
            continue;
        }
        if (radius != 0)
            return dt_value_expected(hint, "nothing after the radius");
        if ((err = put_latlon(hint, part, &points)) != DT_OK)
            return err;
    }
    if (radius != 0) {
        dt_write_u8(&w, 2);
        dt_write_view(&w, dt_buf_view(&points));
        dt_write_u32(&w, (uint32_t)radius);
    } else {
        if (points.n < 24)
            return dt_value_expected(
                hint,
                "three or more points as 'lat,lon lat,lon lat,lon', 'lat,lon r<km>', or a GeoJSON "
                "Polygon");
        /* An outline that was closed by hand closes by itself. */
        if (points.n > 24 && memcmp(points.p, points.p + points.n - 8, 8) == 0)
            points.n -= 8;
        dt_write_u8(&w, 1);
        dt_write_vec(&w, dt_buf_view(&points));
    }
    return dt_writer_end(&w);
}

static enum dt_err
put_lang(struct dt_view t, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_LANG_MAX);
    size_t from = 0, part = 0;
    enum dt_err err = dt_buf_append(&b, t);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i <= b.n; i++) {
        if (i < b.n && b.p[i] != '-') {
            if (b.p[i] >= 'A' && b.p[i] <= 'Z')
                b.p[i] = (uint8_t)(b.p[i] - 'A' + 'a');
            continue;
        }
        if (part > 0 && i - from == 1)
            part = 100; /* what follows a singleton stays in lower case */
        if (part > 0 && part < 100 && i - from == 2)
            for (size_t k = from; k < i; k++)
                if (b.p[k] >= 'a' && b.p[k] <= 'z')
                    b.p[k] = (uint8_t)(b.p[k] - 'a' + 'A');
        if (part > 0 && part < 100 && i - from == 4 && b.p[from] >= 'a' && b.p[from] <= 'z')
            b.p[from] = (uint8_t)(b.p[from] - 'a' + 'A');
        part++;
        from = i + 1;
    }
    return dt_buf_append(out, dt_buf_view(&b));
}

static enum dt_err
put_party(const struct dt_value_hint *hint, struct dt_view t, struct dt_buf *out)
{
    uint8_t root_id[32];
    size_t place = 0;
    enum dt_err err;

    if (dt_view_equal(t, dt_view_str("both")))
        return dt_buf_append(out, dt_view((const uint8_t *)"\x02", 1));
    if (dt_view_equal(t, dt_view_str("mediator")))
        return dt_buf_append(out, dt_view((const uint8_t *)"\x03", 1));
    if (hint->charter != NULL && dt_charter_party_by_name(hint->charter, t, &place) == DT_OK)
        memcpy(root_id, hint->charter->parties[place].root_id, 32);
    else if (dt_hex_read_fixed(root_id, 32, t) != DT_OK)
        return dt_value_expected(
            hint, "a party's name as in the charter, 'both', 'mediator', or a root id in hex");
    if ((err = dt_buf_append(out, dt_view((const uint8_t *)"\x01", 1))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_view(root_id, 32));
}

static bool
read_int(struct dt_view t, int64_t *out)
{
    return read_scaled(t, 0, INT64_MAX / 10 - 1, out) && memchr(t.p, '.', t.n) == NULL;
}

static enum dt_err
put_enum(const struct dt_value_hint *hint, struct dt_view t, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf names = DT_BUF_INIT(400);
    struct dt_view near;

    for (size_t i = 0; i < hint->n_values; i++) {
        if (dt_view_equal(hint->values[i], t))
            return dt_value_put_enum(out, (uint16_t)(i + 1));
        dt_ignore(dt_buf_printf(&names, "%s%.*s", i > 0 ? ", " : "", (int)hint->values[i].n,
                                (const char *)hint->values[i].p),
                  "a list cut short still helps");
    }
    near = dt_value_near(t, hint->values, hint->n_values);
    if (near.n > 0)
        return dt_fail(DT_ERR_FORMAT, "%s: did you mean %.*s? expected one of: %.*s", FIELD(hint),
                       (int)near.n, (const char *)near.p, (int)names.n, (const char *)names.p);
    return dt_fail(DT_ERR_FORMAT, "%s: expected one of: %.*s", FIELD(hint), (int)names.n,
                   (const char *)names.p);
}

static enum dt_err
put_date(const struct dt_value_hint *hint, struct dt_view t, struct dt_buf *out)
{
    int64_t year = 0, month = 0, day = 0;
    int32_t days = 0;

    if (t.n != 10 || t.p[4] != '-' || t.p[7] != '-' || !is_digit(t.p[0]) || !is_digit(t.p[5]) ||
        !is_digit(t.p[8]) || !read_int(dt_view(t.p, 4), &year) ||
        !read_int(dt_view(t.p + 5, 2), &month) || !read_int(dt_view(t.p + 8, 2), &day))
        return dt_value_expected(hint, "a date as YYYY-MM-DD");
    if (dt_days_from_date((int)year, (int)month, (int)day, &days) != DT_OK)
        return dt_value_expected(hint, "a day that exists, as YYYY-MM-DD");
    return put_u32(out, days);
}

/* ---- items of lists and pairs of maps, with '\' before what should stand for itself ---- */

/* The next part of *${rest} up to an unescaped ${sep}. */
static bool
next_part(struct dt_view *rest, uint8_t sep, struct dt_view *out)
{
    size_t i;

    if (rest->p == NULL)
        return false;
    for (i = 0; i < rest->n && rest->p[i] != sep; i++)
        if (rest->p[i] == '\\' && i + 1 < rest->n)
            i++;
    *out = dt_view(rest->p, i);
    *rest = i < rest->n ? dt_view(rest->p + i + 1, rest->n - i - 1) : dt_view(NULL, 0);
    return true;
}

static enum dt_err
unescape(const struct dt_value_hint *hint, struct dt_view t, struct dt_buf *out)
{
    enum dt_err err;

    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] == '\\') {
            if (++i == t.n || strchr("\\;,='", t.p[i]) == NULL || t.p[i] == '\0')
                return dt_value_expected(hint, "'\\' only before one of \\ ; , = '");
        }
        if ((err = dt_buf_append(out, dt_view(t.p + i, 1))) != DT_OK)
            return err;
    }
    return DT_OK;
}

uint8_t
dt_value_guess(struct dt_view t)
{
    struct dt_value_hint any = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_DECIMAL_MAX);
    int64_t x;

    if (dt_view_equal(t, dt_view_str("true")) || dt_view_equal(t, dt_view_str("false")))
        return DT_TYPE_BOOL;
    if (t.n > 0 && (is_digit(t.p[0]) || t.p[0] == '-')) {
        if (read_int(t, &x))
            return DT_TYPE_INT;
        if (put_decimal(&any, t, &b) == DT_OK)
            return DT_TYPE_DECIMAL;
    }
    return DT_TYPE_TEXT;
}

static enum dt_err put_scalar(const struct dt_value_hint *hint, uint8_t type, struct dt_view t,
                              struct dt_buf *out);

struct text_pair {
    struct dt_buf key, value;
    uint8_t type;
};

static void
text_pairs_free(struct text_pair *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dt_buf_clear(&p[i].key);
        dt_buf_clear(&p[i].value);
    }
    dt_free(p);
}

static enum dt_err
read_pair(const struct dt_value_hint *hint, struct dt_view part, struct text_pair *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(DT_TEXT_MAX);
    struct dt_view rest = part, key = {0}, value = {0};
    bool forced;
    enum dt_err err;

    dt_buf_init(&out->key, DT_FIELD_NAME_MAX);
    dt_buf_init(&out->value, DT_VALUE_MAX);
    if (!next_part(&rest, '=', &key) || !next_part(&rest, '=', &value) || rest.p != NULL ||
        key.n == 0)
        return dt_value_expected(hint, "pairs as key=value,key=value");
    forced = value.n > 0 && value.p[0] == '\'';
    if (forced)
        value = dt_view(value.p + 1, value.n - 1);
    if ((err = unescape(hint, key, &out->key)) != DT_OK ||
        (err = unescape(hint, value, &text)) != DT_OK)
        return err;
    out->type = forced ? DT_TYPE_TEXT : dt_value_guess(dt_buf_view(&text));
    if (out->type == DT_TYPE_DECIMAL) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf plain = DT_BUF_INIT(DT_DECIMAL_MAX);
        int64_t x = 0;

        /* "2.00" is shown as "2" and must read as what it was. */
        if ((err = put_decimal(hint, dt_buf_view(&text), &plain)) != DT_OK)
            return err;
        if (read_int(dt_buf_view(&plain), &x)) {
            out->type = DT_TYPE_INT;
            return dt_value_put_u64(&out->value, (uint64_t)x);
        }
    }
    return put_scalar(hint, out->type, dt_buf_view(&text), &out->value);
}

static enum dt_err
put_map(const struct dt_value_hint *hint, struct dt_view t, struct dt_buf *out)
{
    struct text_pair *pairs = NULL, swap;
    struct dt_view rest = t, part = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_VALUE_MAX);
    size_t n = 0, max = 1;
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < t.n; i++)
        max += t.p[i] == ',';
    if (max > DT_LIST_MAX)
        return dt_fail(DT_ERR_LIMIT, "%s: more than %u pairs", FIELD(hint), DT_LIST_MAX);
    if (t.n == 0)
        return DT_OK;
    pairs = dt_alloc(max, sizeof *pairs);
    if (pairs == NULL)
        return dt_nomem();
    while (next_part(&rest, ',', &part)) {
        if ((err = read_pair(hint, part, &pairs[n++])) != DT_OK)
            goto done;
        for (size_t i = n - 1; i > 0; i--) {
            int cmp = dt_view_cmp(dt_buf_view(&pairs[i - 1].key), dt_buf_view(&pairs[i].key));

            if (cmp == 0) {
                err = dt_value_expected(hint, "each key once");
                goto done;
            }
            if (cmp < 0)
                break;
            swap = pairs[i];
            pairs[i] = pairs[i - 1];
            pairs[i - 1] = swap;
        }
    }
    struct dt_writer w = dt_writer_init(&b);
    for (size_t i = 0; i < n; i++) {
        dt_write_vec(&w, dt_buf_view(&pairs[i].key));
        dt_write_u8(&w, pairs[i].type);
        dt_write_vec(&w, dt_buf_view(&pairs[i].value));
    }
    err = dt_writer_end(&w);
    if (err == DT_OK)
        err = dt_buf_append(out, dt_buf_view(&b));
done:
    text_pairs_free(pairs, n);
    return err;
}

static enum dt_err
put_scalar(const struct dt_value_hint *hint, uint8_t type, struct dt_view t, struct dt_buf *out)
{
    uint64_t ms = 0;
    int64_t x = 0;

    switch (type) {
    case DT_TYPE_TEXT:
    case DT_TYPE_LTEXT:
        return dt_buf_append(out, t);
    case DT_TYPE_INT:
        if (!read_int(dt_value_without_unit(hint, t), &x))
            return dt_value_expected(hint, "a whole number");
        return dt_value_put_u64(out, (uint64_t)x);
    case DT_TYPE_DECIMAL:
        return put_decimal(hint, dt_value_without_unit(hint, t), out);
    case DT_TYPE_BOOL:
        if (dt_view_equal(t, dt_view_str("true")))
            return dt_buf_append(out, dt_view((const uint8_t *)"\x01", 1));
        if (dt_view_equal(t, dt_view_str("false")))
            return dt_buf_append(out, dt_view((const uint8_t *)"\0", 1));
        return dt_value_expected(hint, "true or false");
    case DT_TYPE_ENUM:
        return put_enum(hint, t, out);
    case DT_TYPE_DATE:
        return put_date(hint, t, out);
    case DT_TYPE_DATETIME:
        if (dt_time_read(t, &ms) != DT_OK)
            return dt_value_expected(hint, "a time in UTC, with seconds and a Z at its end");
        return dt_value_put_u64(out, ms);
    case DT_TYPE_DURATION:
        if (dt_duration_read(t, &ms) != DT_OK)
            return dt_value_expected(
                hint, "an ISO 8601 duration: P and days, then T and hours, minutes, seconds");
        return dt_value_put_u64(out, ms);
    case DT_TYPE_LATLON:
        return put_latlon(hint, t, out);
    case DT_TYPE_AREA:
        return put_area(hint, t, out);
    case DT_TYPE_LANG:
        return t.n > DT_LANG_MAX ? dt_value_expected(hint, "a language tag (BCP 47)")
                                 : put_lang(t, out);
    case DT_TYPE_PARTY:
        return put_party(hint, t, out);
    case DT_TYPE_REF:
        if ((t.n != 64 && t.n != 32) || dt_hex_read(out, t) != DT_OK)
            return dt_value_expected(hint, "64 hex digits of a record or 32 of a talk");
        return DT_OK;
    case DT_TYPE_HASH:
        if (t.n != 64 || dt_hex_read(out, t) != DT_OK)
            return dt_value_expected(hint, "64 hex digits");
        return DT_OK;
    case DT_TYPE_BYTES:
        return dt_hex_read(out, t) == DT_OK ? DT_OK : dt_value_expected(hint, "hex digits");
    case DT_TYPE_MAP:
        return put_map(hint, t, out);
    default:
        return dt_fail(DT_ERR_UNSUPPORTED, "%s: cannot be given as text", FIELD(hint));
    }
}

/* Append what ${b} holds to ${out} after the strict check that receivers make. */
static enum dt_err
finish(const struct dt_value_hint *hint, const struct dt_buf *b, struct dt_buf *out)
{
    enum dt_err err = dt_value_check(hint->type, hint->n_values, dt_buf_view(b));
    DT_CLEANUP(dt_buf_clear) struct dt_buf example = DT_BUF_INIT(400);
    char why[160];

    if (err == DT_OK)
        return dt_buf_append(out, dt_buf_view(b));
    (void)snprintf(why, sizeof why, "%s", dt_err_message());
    dt_ignore(dt_value_example(hint, &example), "an example cut short still helps");
    return dt_fail(err, "%s: %s; for example %.*s", FIELD(hint), why, (int)example.n,
                   (const char *)example.p);
}

static enum dt_err
put_item(const struct dt_value_hint *hint, struct dt_view text, struct dt_buf *list)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf item = DT_BUF_INIT(DT_VALUE_MAX);
    enum dt_err err = put_scalar(hint, dt_type_item(hint->type), text, &item);

    return err != DT_OK ? err : dt_value_put_item(list, dt_buf_view(&item));
}

static struct dt_view
trim(struct dt_view t)
{
    while (t.n > 0 && t.p[0] == ' ')
        t = dt_view(t.p + 1, t.n - 1);
    while (t.n > 0 && t.p[t.n - 1] == ' ')
        t.n--;
    return t;
}

enum dt_err
dt_value_from_text(const struct dt_value_hint *hint, struct dt_view text, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_VALUE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf plain = DT_BUF_INIT(DT_VALUE_MAX);
    struct dt_view rest = text, part = {0};
    size_t n = 0;
    enum dt_err err;

    if (!dt_type_is_list(hint->type)) {
        if ((err = put_scalar(hint, hint->type, text, &b)) != DT_OK)
            return err;
        return finish(hint, &b, out);
    }
    while (text.n > 0 && next_part(&rest, ';', &part)) {
        if (++n > DT_LIST_MAX)
            return dt_fail(DT_ERR_LIMIT, "%s: more than %u items", FIELD(hint), DT_LIST_MAX);
        part = trim(part);
        plain.n = 0;
        if (dt_type_item(hint->type) == DT_TYPE_MAP)
            err = dt_buf_append(&plain, part); /* pairs undo their own escapes */
        else
            err = unescape(hint, part, &plain);
        if (err != DT_OK || (err = put_item(hint, dt_buf_view(&plain), &b)) != DT_OK)
            return err;
    }
    return finish(hint, &b, out);
}

enum dt_err
dt_value_from_items(const struct dt_value_hint *hint, const struct dt_view *items, size_t n,
                    struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_VALUE_MAX);
    enum dt_err err;

    if (!dt_type_is_list(hint->type))
        return dt_value_expected(hint, "one value, not a list");
    if (n > DT_LIST_MAX)
        return dt_fail(DT_ERR_LIMIT, "%s: more than %u items", FIELD(hint), DT_LIST_MAX);
    for (size_t i = 0; i < n; i++)
        if ((err = put_item(hint, items[i], &b)) != DT_OK)
            return err;
    return finish(hint, &b, out);
}
