/*
 * record/charter_rules.c - the rules of a charter: a table of names and of the values they take.
 *
 * Source: docs/protocol-record.md, "Charter". Layer: record.
 */
#include "base/err.h"

#include "record/charter_rules.h"
#include "record/open_rule.h"

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

static const struct {
    const char *name;
    enum dt_err (*check)(struct dt_view value);
} known[] = {{DT_RULE_CADENCE, cadence_check}, {DT_RULE_READ_KEY, read_key_check}};

enum dt_err
dt_charter_rule_check(const struct dt_charter_rule *rule)
{
    if (dt_open_rule_is(rule->name))
        return dt_open_rule_check(rule);
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

struct dt_cadence
dt_charter_cadence(const struct dt_charter *c)
{
    struct dt_cadence cadence = {0};
    struct dt_view value;

    if (!dt_charter_rule(c, DT_RULE_CADENCE, &value) || dt_cadence_read(value, &cadence) != DT_OK)
        return (struct dt_cadence){0};
    return cadence;
}
