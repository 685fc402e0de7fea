/*
 * record/value.c - the canonical byte form of every type, checked by one strict function each.
 *
 * Source: docs/protocol-record.md, "Values". Layer: record.
 */
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "base/wire.h"

#include "record/limits.h"
#include "record/value.h"

#define LAT_MAX  900000000
#define LON_MAX  1800000000
#define DAYS_MIN (-719162) /* 0001-01-01 */
#define DAYS_MAX 2932896   /* 9999-12-31 */

static const struct {
    const char *name;
    uint8_t type;
} type_names[] = {
    {"text", DT_TYPE_TEXT},       {"ltext", DT_TYPE_LTEXT},       {"int", DT_TYPE_INT},
    {"decimal", DT_TYPE_DECIMAL}, {"bool", DT_TYPE_BOOL},         {"enum", DT_TYPE_ENUM},
    {"date", DT_TYPE_DATE},       {"datetime", DT_TYPE_DATETIME}, {"duration", DT_TYPE_DURATION},
    {"latlon", DT_TYPE_LATLON},   {"area", DT_TYPE_AREA},         {"lang", DT_TYPE_LANG},
    {"party", DT_TYPE_PARTY},     {"ref", DT_TYPE_REF},           {"hash", DT_TYPE_HASH},
    {"map", DT_TYPE_MAP},         {"author", DT_TYPE_AUTHOR},     {"reference", DT_TYPE_REFERENCE},
    {"bytes", DT_TYPE_BYTES},     {"account", DT_TYPE_ACCOUNT},
};
#define N_TYPES (sizeof type_names / sizeof type_names[0])

static const char *
type_name(uint8_t type)
{
    for (size_t i = 0; i < N_TYPES; i++)
        if (type_names[i].type == type)
            return type_names[i].name;
    return NULL;
}

bool
dt_type_valid(uint8_t type)
{
    return type_name(dt_type_item(type)) != NULL && type != (DT_TYPE_LIST | DT_TYPE_ACCOUNT);
}

enum dt_err
dt_type_read(struct dt_view text, uint8_t *out)
{
    uint8_t list = 0;

    if (text.n > 6 && memcmp(text.p, "list<", 5) == 0 && text.p[text.n - 1] == '>') {
        list = DT_TYPE_LIST;
        text = dt_view(text.p + 5, text.n - 6);
    }
    for (size_t i = 0; i < N_TYPES; i++)
        if (dt_view_equal(dt_view_str(type_names[i].name), text)) {
            *out = (uint8_t)(type_names[i].type | list);
            return DT_OK;
        }
    return dt_fail(DT_ERR_NOT_FOUND, "no type of this name");
}

void
dt_type_str(uint8_t type, char out[static 32])
{
    const char *name = type_name(dt_type_item(type));
    struct dt_buf b = DT_BUF_INIT(31);

    out[0] = '\0';
    if (name == NULL)
        name = "none";
    if (dt_buf_printf(&b, dt_type_is_list(type) ? "list<%s>" : "%s", name) == DT_OK && b.n < 32) {
        memcpy(out, b.p, b.n);
        out[b.n] = '\0';
    }
    dt_buf_clear(&b);
}

/* ---- dates: the proleptic Gregorian calendar by whole eras of 400 years ---- */

static int
month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

enum dt_err
dt_days_from_date(int year, int month, int day, int32_t *out)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month))
        return dt_fail(DT_ERR_RANGE, "there is no such day");

    /* Count from 1 March, so that the leap day is the last of its year. */
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400;
    int of_era = y - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    *out = (int32_t)(era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468);
    return DT_OK;
}

void
dt_date_from_days(int32_t days, int *year, int *month, int *day)
{
    int z = days + 719468;
    int era = (z >= 0 ? z : z - 146096) / 146097;
    int doe = z - era * 146097;
    int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int mp = (5 * doy + 2) / 153;

    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2 ? 1 : 0);
}

/* ---- scalars ---- */

static enum dt_err
check_decimal(struct dt_view v)
{
    size_t i = 0, digits, last = 0;

    if (v.n == 0 || v.n > DT_DECIMAL_MAX)
        return dt_fail(DT_ERR_FORMAT, "a decimal has 1 to %u characters", DT_DECIMAL_MAX);
    if (v.p[0] == '-')
        i = 1;
    digits = i;
    while (i < v.n && v.p[i] >= '0' && v.p[i] <= '9')
        i++;
    if (i == digits || (v.p[digits] == '0' && i - digits > 1))
        return dt_fail(DT_ERR_FORMAT, "a decimal has digits and no leading zero");
    if (i < v.n) {
        if (v.p[i] != '.')
            return dt_fail(DT_ERR_FORMAT, "a decimal has one point and digits");
        last = ++i;
        while (i < v.n && v.p[i] >= '0' && v.p[i] <= '9')
            i++;
        if (i == last || i != v.n || v.p[i - 1] == '0')
            return dt_fail(DT_ERR_FORMAT, "a decimal's fraction has digits and no zero at its end");
    } else if (v.p[0] == '-' && v.p[1] == '0') {
        return dt_fail(DT_ERR_FORMAT, "zero has no sign");
    }
    return DT_OK;
}

static bool
is_alpha(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* One part of a language tag in the case RFC 5646 section 2.1.1 recommends: all lower ('l'), title
 * ('t') or upper ('u'). */
static bool
lang_part(struct dt_view v, char form, bool digits_too)
{
    for (size_t i = 0; i < v.n; i++) {
        bool upper = form == 'u' || (form == 't' && i == 0);
        uint8_t c = v.p[i];

        if (is_digit(c) ? !digits_too : !is_alpha(c) || (upper ? c > 'Z' : c < 'a'))
            return false;
    }
    return true;
}

/* RFC 5646 section 2.1 as far as langtag goes: language, script, region, variants, private use. */
static enum dt_err
check_lang(struct dt_view v)
{
    struct dt_view rest = v, part;
    int stage = 0; /* 0 language, 1 script may follow, 2 region, 3 variants, 4 private */
    size_t in_private = 0;

    if (v.n == 0 || v.n > DT_LANG_MAX)
        return dt_fail(DT_ERR_FORMAT, "a language tag has 2 to %u characters", DT_LANG_MAX);
    while (dt_text_split(&rest, '-', &part)) {
        if (part.n == 0 || part.n > 8)
            goto bad;
        if (stage == 0) {
            if (part.n < 2 || !lang_part(part, 'l', false))
                goto bad;
            stage = 1;
        } else if (stage == 4) {
            if (!lang_part(part, 'l', true))
                goto bad;
            in_private++;
        } else if (part.n == 1) {
            if (part.p[0] != 'x')
                goto bad;
            stage = 4;
        } else if (stage <= 1 && part.n == 4 && !is_digit(part.p[0])) {
            if (!lang_part(part, 't', false))
                goto bad;
            stage = 2;
        } else if (stage <= 2 && part.n == 2) {
            if (!lang_part(part, 'u', false))
                goto bad;
            stage = 3;
        } else if (stage <= 2 && part.n == 3 && is_digit(part.p[0]) && is_digit(part.p[1]) &&
                   is_digit(part.p[2])) {
            stage = 3;
        } else {
            if (!lang_part(part, 'l', true) ||
                (part.n < 5 && !(part.n == 4 && is_digit(part.p[0]))))
                goto bad;
            stage = 3;
        }
    }
    if (stage == 0 || (stage == 4 && in_private == 0))
        goto bad;
    return DT_OK;
bad:
    return dt_fail(DT_ERR_FORMAT,
                   "not a language tag in its canonical case, as in 'en', 'zh-Hant', 'pt-BR'");
}

static enum dt_err
read_i32(struct dt_reader *r, int32_t *out)
{
    uint32_t u = 0;
    enum dt_err err = dt_read_u32(r, &u);

    if (err != DT_OK)
        return err;
    *out = u > INT32_MAX ? (int32_t)(-(int64_t)(UINT32_MAX - u) - 1) : (int32_t)u;
    return DT_OK;
}

static enum dt_err
read_latlon(struct dt_reader *r)
{
    int32_t lat = 0, lon = 0;
    enum dt_err err;

    if ((err = read_i32(r, &lat)) != DT_OK || (err = read_i32(r, &lon)) != DT_OK)
        return err;
    /* The meridian opposite Greenwich is +180, never -180. */
    if (lat < -LAT_MAX || lat > LAT_MAX || lon <= -LON_MAX || lon > LON_MAX)
        return dt_fail(DT_ERR_RANGE, "latitude is -90 to 90, longitude above -180 to 180");
    return DT_OK;
}

static enum dt_err
check_area(struct dt_view v)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_reader points;
    uint8_t form = 0;
    uint32_t radius = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &form)) != DT_OK)
        return err;
    if (form == 2) {
        if ((err = read_latlon(&r)) != DT_OK || (err = dt_read_u32(&r, &radius)) != DT_OK)
            return err;
        if (radius == 0 || radius > 21000000)
            return dt_fail(DT_ERR_RANGE, "a radius is 1 m to 21,000 km");
        return dt_read_end(&r);
    }
    if (form != 1)
        return dt_fail(DT_ERR_FORMAT, "an area is points or a circle");
    if ((err = dt_read_sub(&r, 8 * DT_LIST_MAX, &points)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    if (points.n % 8 != 0 || points.n < 24)
        return dt_fail(DT_ERR_FORMAT, "an area has three or more points");

    struct dt_view all = dt_view(points.p, points.n);
    for (size_t i = 0; i < all.n; i += 8) {
        size_t next = i + 8 == all.n ? 0 : i + 8;

        if ((err = read_latlon(&points)) != DT_OK)
            return err;
        if (memcmp(all.p + i, all.p + next, 8) == 0)
            return dt_fail(DT_ERR_FORMAT,
                           "an area's outline repeats a point (it closes by itself)");
    }
    return DT_OK;
}

static enum dt_err
check_party(struct dt_view v)
{
    if (v.n == 33 && v.p[0] == 1)
        return DT_OK;
    if (v.n == 1 && (v.p[0] == 2 || v.p[0] == 3))
        return DT_OK;
    return dt_fail(DT_ERR_FORMAT, "a party is a root id, 'both' or 'mediator'");
}

static enum dt_err
check_reference(struct dt_view v)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view bytes = {0};
    uint8_t what = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &what)) != DT_OK || (err = dt_read_vec(&r, 64, &bytes)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    if ((what == 1 && bytes.n == 32) || (what == 2 && bytes.n == 16))
        return DT_OK;
    if (what == 3 && bytes.n > 0 && dt_utf8_line(bytes))
        return DT_OK;
    return dt_fail(DT_ERR_FORMAT, "a reference is a commitment, a talk id or the id of a claim");
}

static enum dt_err
check_number(uint8_t type, struct dt_view v)
{
    struct dt_reader r = dt_reader_init(v);
    uint64_t x = 0;
    int32_t days = 0;
    enum dt_err err;

    if (type == DT_TYPE_DATE) {
        if ((err = read_i32(&r, &days)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
            return err;
        if (days < DAYS_MIN || days > DAYS_MAX)
            return dt_fail(DT_ERR_RANGE, "a date lies in the years 1 to 9999");
        return DT_OK;
    }
    if ((err = dt_read_u64(&r, &x)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    if (type != DT_TYPE_INT && x > DT_TIME_MAX_MS)
        return dt_fail(DT_ERR_RANGE, "a time lies before the year 10000");
    return DT_OK;
}

static enum dt_err
check_scalar(uint8_t type, size_t n_enum, struct dt_view v, bool in_list)
{
    switch (type) {
    case DT_TYPE_TEXT:
    case DT_TYPE_LTEXT:
        if (v.n > DT_TEXT_MAX)
            return dt_fail(DT_ERR_LIMIT, "a text has at most %u bytes", DT_TEXT_MAX);
        if (v.n == 0 && !in_list)
            return dt_fail(DT_ERR_FORMAT, "an empty text: leave the field absent instead");
        if (!(type == DT_TYPE_TEXT ? dt_utf8_line(v) : dt_utf8_lines(v)))
            return dt_fail(DT_ERR_FORMAT,
                           type == DT_TYPE_TEXT
                               ? "not one line of UTF-8 without control characters"
                               : "not UTF-8 with line feeds as its only control characters");
        return DT_OK;
    case DT_TYPE_INT:
    case DT_TYPE_DATE:
    case DT_TYPE_DATETIME:
    case DT_TYPE_DURATION:
        return check_number(type, v);
    case DT_TYPE_DECIMAL:
        return check_decimal(v);
    case DT_TYPE_BOOL:
        if (v.n != 1 || v.p[0] > 1)
            return dt_fail(DT_ERR_FORMAT, "a truth value is one byte, 0 or 1");
        return DT_OK;
    case DT_TYPE_ENUM:
        if (v.n != 2)
            return dt_fail(DT_ERR_FORMAT, "an enum value is two bytes");
        if ((v.p[0] == 0 && v.p[1] == 0) || (size_t)v.p[0] * 256 + v.p[1] > n_enum)
            return dt_fail(DT_ERR_RANGE, "an enum value is a place from 1 to %zu", n_enum);
        return DT_OK;
    case DT_TYPE_LATLON: {
        struct dt_reader r = dt_reader_init(v);
        enum dt_err err = read_latlon(&r);

        return err != DT_OK ? err : dt_read_end(&r);
    }
    case DT_TYPE_AREA:
        return check_area(v);
    case DT_TYPE_LANG:
        return check_lang(v);
    case DT_TYPE_PARTY:
        return check_party(v);
    case DT_TYPE_REF:
        if (v.n != 32 && v.n != 16)
            return dt_fail(DT_ERR_FORMAT, "a reference has 32 or 16 bytes");
        return DT_OK;
    case DT_TYPE_HASH:
        if (v.n != 32)
            return dt_fail(DT_ERR_FORMAT, "a hash has 32 bytes");
        return DT_OK;
    case DT_TYPE_AUTHOR:
        if (v.n != 96)
            return dt_fail(DT_ERR_FORMAT, "an author has 96 bytes");
        return DT_OK;
    case DT_TYPE_REFERENCE:
        return check_reference(v);
    case DT_TYPE_BYTES:
        if (v.n > DT_BYTES_MAX)
            return dt_fail(DT_ERR_LIMIT, "at most %u bytes", DT_BYTES_MAX);
        return DT_OK;
    default:
        return dt_fail(DT_ERR_FORMAT, "no such type");
    }
}

/*
 * Pairs sorted by key bytes, each key once. A map holds scalars; an account (the own values of a
 * dispute) lists of scalars too. An enum inside has any place from 1, since no names go with it.
 */
static enum dt_err
check_map(struct dt_view v, bool account)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view last = {0};
    size_t n = 0;
    enum dt_err err;

    while (r.n > 0) {
        struct dt_view key = {0}, value = {0};
        uint8_t type = 0;

        if (++n > DT_LIST_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %u pairs", DT_LIST_MAX);
        if ((err = dt_read_vec(&r, DT_FIELD_NAME_MAX, &key)) != DT_OK ||
            (err = dt_read_u8(&r, &type)) != DT_OK ||
            (err = dt_read_vec(&r, DT_VALUE_MAX, &value)) != DT_OK)
            return err;
        if (key.n == 0 || !dt_utf8_line(key) || (n > 1 && dt_view_cmp(last, key) >= 0))
            return dt_fail(DT_ERR_FORMAT,
                           "keys are lines of text, sorted by their bytes, each once");
        if (!dt_type_valid(type) || type == DT_TYPE_MAP || type == DT_TYPE_ACCOUNT ||
            (!account && dt_type_is_list(type)) || type == (DT_TYPE_LIST | DT_TYPE_MAP))
            return dt_fail(DT_ERR_FORMAT, "a type that may not stand here");
        /* An account may say "absent": its type with no bytes. */
        if (!(account && value.n == 0) && (err = dt_value_check(type, UINT16_MAX, value)) != DT_OK)
            return err;
        last = key;
    }
    return DT_OK;
}

enum dt_err
dt_value_check(uint8_t type, size_t n_enum, struct dt_view value)
{
    uint8_t item_type = dt_type_item(type);
    enum dt_err err;

    if (!dt_type_valid(type))
        return dt_fail(DT_ERR_FORMAT, "no such type");
    if (value.n > DT_VALUE_MAX)
        return dt_fail(DT_ERR_LIMIT, "a value has at most %u bytes", DT_VALUE_MAX);
    if (type == DT_TYPE_MAP || type == DT_TYPE_ACCOUNT)
        return check_map(value, type == DT_TYPE_ACCOUNT);
    if (!dt_type_is_list(type))
        return check_scalar(type, n_enum, value, false);

    struct dt_reader r = dt_reader_init(value);
    for (size_t n = 1; r.n > 0; n++) {
        struct dt_view item = {0};

        if (n > DT_LIST_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %u items", DT_LIST_MAX);
        if ((err = dt_read_vec(&r, DT_VALUE_MAX, &item)) != DT_OK)
            return err;
        err = item_type == DT_TYPE_MAP ? check_map(item, false)
                                       : check_scalar(item_type, n_enum, item, true);
        if (err != DT_OK)
            return dt_fail_context(err, "item %zu", n);
    }
    return DT_OK;
}

/* ---- reading and building ---- */

enum dt_err
dt_value_u64(struct dt_view value, uint64_t *out)
{
    struct dt_reader r = dt_reader_init(value);
    uint64_t x = 0;
    enum dt_err err;

    if ((err = dt_read_u64(&r, &x)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    if (x > INT64_MAX)
        return dt_fail(DT_ERR_RANGE, "a number below zero");
    *out = x;
    return DT_OK;
}

enum dt_err
dt_value_enum(struct dt_view value, uint16_t *out)
{
    struct dt_reader r = dt_reader_init(value);
    uint16_t x = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &x)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

bool
dt_value_list_next(struct dt_view *rest, struct dt_view *out_item)
{
    struct dt_reader r = dt_reader_init(*rest);

    if (rest->n == 0)
        return false;
    if (dt_read_vec(&r, DT_VALUE_MAX, out_item) != DT_OK)
        return false;
    *rest = dt_view(r.p, r.n);
    return true;
}

bool
dt_value_map_next(struct dt_view *rest, struct dt_value_pair *out)
{
    struct dt_reader r = dt_reader_init(*rest);
    struct dt_value_pair p = {0};

    if (rest->n == 0)
        return false;
    if (dt_read_vec(&r, DT_FIELD_NAME_MAX, &p.key) != DT_OK || dt_read_u8(&r, &p.type) != DT_OK ||
        dt_read_vec(&r, DT_VALUE_MAX, &p.value) != DT_OK)
        return false;
    *rest = dt_view(r.p, r.n);
    *out = p;
    return true;
}

enum dt_err
dt_value_put_u64(struct dt_buf *out, uint64_t x)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u64(&w, x);
    return dt_writer_end(&w);
}

enum dt_err
dt_value_put_enum(struct dt_buf *out, uint16_t place)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u16(&w, place);
    return dt_writer_end(&w);
}

enum dt_err
dt_value_put_item(struct dt_buf *out, struct dt_view item)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_vec(&w, item);
    return dt_writer_end(&w);
}

enum dt_err
dt_value_put_pair(struct dt_buf *out, const struct dt_value_pair *pair)
{
    struct dt_writer w = dt_writer_init(out);
    struct dt_view rest = dt_buf_view(out);
    struct dt_value_pair last = {0};

    while (dt_value_map_next(&rest, &last))
        ;
    if (out->n > 0 && dt_view_cmp(last.key, pair->key) >= 0)
        return dt_fail(DT_ERR_RANGE, "pairs are written sorted by their keys");
    dt_write_vec(&w, pair->key);
    dt_write_u8(&w, pair->type);
    dt_write_vec(&w, pair->value);
    return dt_writer_end(&w);
}
