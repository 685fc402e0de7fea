/*
 * record/charter_rules.c - the rules of a charter: a table of names and of the values they take.
 *
 * Source: docs/protocol-record.md, "Charter". Layer: record.
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/time.h"

#include "record/charter_rules.h"
#include "record/open_rule.h"
#include "record/template.h"

static enum dt_err
cadence_check(struct dt_view value)
{
    struct dt_cadence c;
    char one[DT_CADENCE_STR];
    enum dt_err err = dt_cadence_read(value, &c);

    if (err != DT_OK)
        return err;
    dt_cadence_str(one, &c);
    if (!dt_view_equal(value, dt_view_str(one)))
        return dt_fail(DT_ERR_FORMAT, "this cadence is written %s", one);
    return DT_OK;
}

static enum dt_err
read_key_check(struct dt_view value)
{
    if (!dt_view_equal(value, dt_view_str("required")))
        return dt_fail(DT_ERR_FORMAT, "the rule read_key says 'required' and nothing else");
    return DT_OK;
}

/* The id behind the prefix; false when it is another rule. */
static bool
template_rule(struct dt_view name, struct dt_view *out_id)
{
    const size_t n = strlen(DT_RULE_TEMPLATE);

    if (name.n <= n || memcmp(name.p, DT_RULE_TEMPLATE, n) != 0)
        return false;
    *out_id = dt_view(name.p + n, name.n - n);
    return true;
}

/* One spelling of a hash: 64 digits, letters in lower case. */
static bool
hash_in_lower_case(struct dt_view value, uint8_t out[static 32])
{
    char hex[65];

    if (dt_hex_read_fixed(out, 32, value) != DT_OK)
        return false;
    dt_hex_str(hex, dt_view(out, 32));
    return dt_view_equal(value, dt_view_str(hex));
}

static enum dt_err
template_check(struct dt_view id, struct dt_view value)
{
    uint8_t hash[32];

    if (!dt_template_id_valid(id))
        return dt_fail(DT_ERR_FORMAT, "a rule template names a template's id");
    if (!hash_in_lower_case(value, hash))
        return dt_fail(DT_ERR_FORMAT,
                       "a rule template gives a hash of 64 hex digits, in lower case");
    return DT_OK;
}

static bool
is_successor_rule(struct dt_view name)
{
    const size_t n = strlen(DT_RULE_SUCCESSOR);

    return name.n > n && memcmp(name.p, DT_RULE_SUCCESSOR, n) == 0;
}

bool
dt_successor_rule(const struct dt_charter_rule *rule, size_t *out_party, uint8_t out_id[static 32])
{
    const size_t n = strlen(DT_RULE_SUCCESSOR);
    uint64_t place = 0;

    if (!is_successor_rule(rule->name) || rule->name.p[n] == '0' ||
        dt_decimal_read(dt_view(rule->name.p + n, rule->name.n - n), DT_CHARTER_PARTIES, &place) !=
            DT_OK ||
        !hash_in_lower_case(rule->value, out_id))
        return false;
    *out_party = (size_t)place - 1;
    return true;
}

static enum dt_err
successor_check(const struct dt_charter_rule *rule)
{
    uint8_t id[32];
    size_t party;

    return dt_successor_rule(rule, &party, id)
               ? DT_OK
               : dt_fail(DT_ERR_FORMAT, "a rule successor names a party's place, from 1 on, and a "
                                        "root id of 64 hex digits, in lower case");
}

enum dt_err
dt_line_rule_read(struct dt_view text, struct dt_line_rule *out)
{
    static const struct {
        char unit;
        uint64_t ms;
    } units[] = {{'d', DT_MS_DAY}, {'h', DT_MS_DAY / 24}, {'m', DT_MS_DAY / 24 / 60}};
    const struct dt_view sealed = dt_view_str(" sealed");
    struct dt_line_rule x = {0};
    uint64_t n = 0;
    size_t u = 0;

    if (text.n > sealed.n && dt_view_equal(dt_view(text.p + text.n - sealed.n, sealed.n), sealed)) {
        x.sealed = true;
        text.n -= sealed.n;
    }
    while (u < 3 && (text.n == 0 || text.p[text.n - 1] != (unsigned char)units[u].unit))
        u++;
    if (u == 3 || dt_decimal_read(dt_view(text.p, text.n - 1), 10080, &n) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "line tests are said as 90m, 12h or 1d, and ' sealed' behind "
                                      "it or nothing");
    x.every_ms = n * units[u].ms;
    if (x.every_ms < DT_LINE_EVERY_MIN || x.every_ms > DT_LINE_EVERY_MAX)
        return dt_fail(DT_ERR_RANGE, "line tests are made every minute at most, and every week at "
                                     "least");
    if (u > 0 && x.every_ms % units[u - 1].ms == 0)
        return dt_fail(DT_ERR_FORMAT, "this span of line tests is written %llu%c",
                       (unsigned long long)(x.every_ms / units[u - 1].ms), units[u - 1].unit);
    *out = x;
    return DT_OK;
}

static enum dt_err
line_test_check(struct dt_view value)
{
    struct dt_line_rule x;

    return dt_line_rule_read(value, &x);
}

struct dt_line_rule
dt_charter_line_test(const struct dt_charter *c)
{
    struct dt_line_rule x = {0};
    struct dt_view value;

    if (!dt_charter_rule(c, DT_RULE_LINE_TEST, &value) || dt_line_rule_read(value, &x) != DT_OK)
        return (struct dt_line_rule){0};
    return x;
}

/* In decimal without a zero before it, so that one limit has one form. */
static enum dt_err
file_max_check(struct dt_view value)
{
    uint64_t mib = 0;

    if (dt_decimal_read(value, DT_FILE_MAX_MIB, &mib) != DT_OK || mib == 0)
        return dt_fail(DT_ERR_FORMAT, "the longest file is said in MiB, 1 to %u", DT_FILE_MAX_MIB);
    return DT_OK;
}

uint64_t
dt_charter_file_max(const struct dt_charter *c)
{
    uint64_t mib = DT_FILE_MAX_MIB;
    struct dt_view value;

    if (dt_charter_rule(c, DT_RULE_FILE_MAX, &value) &&
        dt_decimal_read(value, DT_FILE_MAX_MIB, &mib) != DT_OK)
        mib = DT_FILE_MAX_MIB;
    return mib << 20;
}

static const struct {
    const char *name;
    enum dt_err (*check)(struct dt_view value);
} known[] = {{DT_RULE_CADENCE, cadence_check},
             {DT_RULE_FILE_MAX, file_max_check},
             {DT_RULE_LINE_TEST, line_test_check},
             {DT_RULE_READ_KEY, read_key_check}};

enum dt_err
dt_charter_rule_check(const struct dt_charter_rule *rule)
{
    struct dt_view id;

    if (dt_open_rule_is(rule->name))
        return dt_open_rule_check(rule);
    if (template_rule(rule->name, &id))
        return template_check(id, rule->value);
    if (is_successor_rule(rule->name))
        return successor_check(rule);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (dt_view_equal(rule->name, dt_view_str(known[i].name)))
            return known[i].check(rule->value);
    return dt_fail(DT_ERR_UNSUPPORTED, "not known to this version");
}

bool
dt_charter_rule(const struct dt_charter *c, const char *name, struct dt_view *out)
{
    for (size_t i = 0; i < c->n_rules; i++)
        if (dt_view_equal(c->rules[i].name, dt_view_str(name))) {
            *out = c->rules[i].value;
            return true;
        }
    return false;
}

bool
dt_charter_template(const struct dt_charter *c, struct dt_view id, uint8_t out[static 32])
{
    struct dt_view named;

    for (size_t i = 0; i < c->n_rules; i++)
        if (template_rule(c->rules[i].name, &named) && dt_view_equal(named, id))
            return dt_hex_read_fixed(out, 32, c->rules[i].value) == DT_OK;
    return false;
}

struct dt_cadence
dt_charter_cadence(const struct dt_charter *c)
{
    struct dt_cadence cadence = {0};
    struct dt_view value;

    if (!dt_charter_rule(c, DT_RULE_CADENCE, &value) || dt_cadence_read(value, &cadence) != DT_OK)
        return (struct dt_cadence){0};
    return cadence;
}
