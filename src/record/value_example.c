/*
 * record/value_example.c - what is said of a value that is not as its field wants it: the form, an
 * example, and what was probably meant.
 *
 * Source: docs/protocol-record.md, "Text of values". Layer: record.
 */
#include <string.h>

#include "record/charter.h"
#include "record/limits.h"

#include "record/value_internal.h"

#define NEAR_MAX 40 /* bytes of a word that is compared letter by letter */

/* One value of a scalar type, as people write it. */
static const char *
scalar_example(uint8_t type)
{
    switch (type) {
    case DT_TYPE_LTEXT:
        return "Some words.";
    case DT_TYPE_INT:
        return "3";
    case DT_TYPE_DECIMAL:
        return "12.5";
    case DT_TYPE_BOOL:
        return "true";
    case DT_TYPE_DATE:
        return "2025-02-12";
    case DT_TYPE_DATETIME:
        return "2025-02-12T15:04:05Z";
    case DT_TYPE_DURATION:
        return "PT30M";
    case DT_TYPE_LATLON:
        return "52.08,4.31";
    case DT_TYPE_AREA:
        return "52.08,4.31 r5";
    case DT_TYPE_LANG:
        return "zh-Hant";
    case DT_TYPE_PARTY:
        return "both";
    case DT_TYPE_REF:
    case DT_TYPE_HASH:
        return "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    case DT_TYPE_BYTES:
        return "68656c6c6f";
    case DT_TYPE_MAP:
    case DT_TYPE_ACCOUNT:
        return "trucks=4,ambulance=true";
    default:
        return "a few words";
    }
}

/* A second item, where a list of two says more than one of one. */
static const char *
second_example(uint8_t type)
{
    switch (type) {
    case DT_TYPE_INT:
        return "4";
    case DT_TYPE_DECIMAL:
        return "14";
    case DT_TYPE_LATLON:
        return "52.1,4.35";
    case DT_TYPE_LANG:
        return "en";
    case DT_TYPE_TEXT:
        return "a few more";
    case DT_TYPE_DATE:
        return "2025-03-01";
    default:
        return NULL;
    }
}

static bool
measured(uint8_t type)
{
    return dt_type_item(type) == DT_TYPE_INT || dt_type_item(type) == DT_TYPE_DECIMAL;
}

enum dt_err
dt_value_example(const struct dt_value_hint *hint, struct dt_buf *out)
{
    const uint8_t item = dt_type_item(hint->type);
    const char *first = scalar_example(item), *second = second_example(item);
    enum dt_err err;

    if (item == DT_TYPE_ENUM && hint->n_values > 0) {
        if ((err = dt_buf_append(out, hint->values[0])) != DT_OK || !dt_type_is_list(hint->type) ||
            hint->n_values == 1)
            return err;
        return dt_buf_printf(out, "; %.*s", (int)hint->values[1].n,
                             (const char *)hint->values[1].p);
    }
    if (item == DT_TYPE_PARTY && hint->charter != NULL && hint->charter->n_parties > 0) {
        const struct dt_charter_party *p = hint->charter->parties;

        if ((err = dt_buf_append(out, p[0].name)) != DT_OK || !dt_type_is_list(hint->type) ||
            hint->charter->n_parties == 1)
            return err;
        return dt_buf_printf(out, "; %.*s", (int)p[1].name.n, (const char *)p[1].name.p);
    }
    if ((err = dt_buf_append(out, dt_view_str(first))) == DT_OK && dt_type_is_list(hint->type) &&
        second != NULL)
        err = dt_buf_printf(out, "; %s", second);
    if (err == DT_OK && measured(hint->type) && hint->unit.n > 0 && !dt_type_is_list(hint->type))
        err = dt_buf_printf(out, " %.*s", (int)hint->unit.n, (const char *)hint->unit.p);
    return err;
}

struct dt_view
dt_value_without_unit(const struct dt_value_hint *hint, struct dt_view text)
{
    struct dt_view t = text;

    if (!measured(hint->type) || hint->unit.n == 0 || t.n <= hint->unit.n ||
        !dt_view_equal(dt_view(t.p + t.n - hint->unit.n, hint->unit.n), hint->unit))
        return text;
    t.n -= hint->unit.n;
    while (t.n > 0 && t.p[t.n - 1] == ' ')
        t.n--;
    return t;
}

enum dt_err
dt_value_expected(const struct dt_value_hint *hint, const char *form)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf example = DT_BUF_INIT(400);
    const char *field = hint->field != NULL ? hint->field : "value";

    dt_ignore(dt_value_example(hint, &example), "an example cut short still helps");
    if (measured(hint->type) && hint->unit.n > 0)
        return dt_fail(DT_ERR_FORMAT, "%s: expected %s, in %.*s; for example %.*s", field, form,
                       (int)hint->unit.n, (const char *)hint->unit.p, (int)example.n,
                       (const char *)example.p);
    return dt_fail(DT_ERR_FORMAT, "%s: expected %s; for example %.*s", field, form, (int)example.n,
                   (const char *)example.p);
}

/* ---- what was meant ---- */

/* As enum names are written: lower case, '_' for what else may stand between words. */
static uint8_t
plain(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A' + 'a');
    return c == ' ' || c == '-' || c == '.' ? '_' : c;
}

/* How many letters have to be put in, left out, or exchanged. */
static size_t
distance(struct dt_view a, struct dt_view b)
{
    size_t row[NEAR_MAX + 1], left, above;

    for (size_t k = 0; k <= b.n; k++)
        row[k] = k;
    for (size_t i = 0; i < a.n; i++) {
        left = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < b.n; k++) {
            size_t best = left + (plain(a.p[i]) != plain(b.p[k]));

            above = row[k + 1];
            if (above + 1 < best)
                best = above + 1;
            if (row[k] + 1 < best)
                best = row[k] + 1;
            left = above;
            row[k + 1] = best;
        }
    }
    return row[b.n];
}

struct dt_view
dt_value_near(struct dt_view word, const struct dt_view *names, size_t n)
{
    struct dt_view best = {0};
    size_t least = SIZE_MAX;

    if (word.n == 0 || word.n > NEAR_MAX)
        return best;
    for (size_t i = 0; i < n; i++) {
        size_t d;

        if (names[i].n > NEAR_MAX)
            continue;
        d = distance(word, names[i]);
        /* A third of the word may be wrong; or it is the beginning of one name. */
        if (d * 3 > names[i].n + 1 &&
            !(word.n >= 3 && word.n < names[i].n && memcmp(word.p, names[i].p, word.n) == 0))
            continue;
        if (d < least) {
            least = d;
            best = names[i];
        }
    }
    return best;
}
