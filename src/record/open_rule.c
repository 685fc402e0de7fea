/*
 * record/open_rule.c - see open_rule.h.
 *
 * Four values and no way to combine them: a charter is read aloud before it is signed, and each
 * value says all of it in a word or two. What is to be opened later by one party alone was agreed
 * on by both before, so `after` needs no word on what holds until then.
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/time.h"

#include "record/charter_rules.h"
#include "record/open_rule.h"
#include "record/template.h"

#define PREFIX "open."
#define AFTER  "after "

static const struct {
    const char *value, *words;
    enum dt_open_who who;
} whole[] = {
    {"author", "the author's party alone", DT_OPEN_AUTHOR},
    {"both", "every side and the author's party", DT_OPEN_BOTH},
    {"all", "every party of the charter", DT_OPEN_ALL},
};

static bool
begins(struct dt_view v, const char *with)
{
    size_t n = strlen(with);

    return v.n >= n && memcmp(v.p, with, n) == 0;
}

static struct dt_view
rest_of(struct dt_view v, const char *after)
{
    size_t n = strlen(after);

    return dt_view(v.p + n, v.n - n);
}

/* One text a value: dt_date_read() takes one spelling of a day, and there is one space. */
static enum dt_err
value_read(struct dt_view value, struct dt_open_rule *out)
{
    struct dt_open_rule rule = {.stated = true};

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (dt_view_equal(value, dt_view_str(whole[i].value))) {
            rule.who = whole[i].who;
            *out = rule;
            return DT_OK;
        }
    if (begins(value, AFTER) && dt_date_read(rest_of(value, AFTER), &rule.after_ms) == DT_OK) {
        rule.who = DT_OPEN_AFTER;
        *out = rule;
        return DT_OK;
    }
    return dt_fail(DT_ERR_FORMAT,
                   "a rule of opening says 'author', 'both', 'all' or 'after YYYY-MM-DD'");
}

bool
dt_open_rule_is(struct dt_view name)
{
    return dt_view_equal(name, dt_view_str(DT_RULE_OPEN)) || begins(name, PREFIX);
}

enum dt_err
dt_open_rule_check(const struct dt_charter_rule *rule)
{
    struct dt_open_rule read;

    if (begins(rule->name, PREFIX) && !dt_template_id_valid(rest_of(rule->name, PREFIX)))
        return dt_fail(DT_ERR_FORMAT, "behind 'open.' there is the id of a template");
    return value_read(rule->value, &read);
}

/* The rule with this template's id, else that of all. */
static bool
find(const struct dt_charter *c, struct dt_view template_id, struct dt_view *out)
{
    for (size_t i = 0; i < c->n_rules; i++)
        if (begins(c->rules[i].name, PREFIX) &&
            dt_view_equal(rest_of(c->rules[i].name, PREFIX), template_id)) {
            *out = c->rules[i].value;
            return true;
        }
    return dt_charter_rule(c, DT_RULE_OPEN, out);
}

void
dt_open_rule(const struct dt_charter *c, struct dt_view template_id, size_t author, uint64_t now_ms,
             struct dt_open_rule *out)
{
    struct dt_open_rule rule = {.who = DT_OPEN_BOTH};
    struct dt_view value = {0};

    if (find(c, template_id, &value) && value_read(value, &rule) != DT_OK)
        rule = (struct dt_open_rule){.who = DT_OPEN_ALL}; /* never: the charter was checked */
    rule.any_one = rule.who == DT_OPEN_AFTER && now_ms >= rule.after_ms;
    for (size_t i = 0; i < c->n_parties; i++)
        rule.asked[i] = i == author || rule.who == DT_OPEN_ALL ||
                        (rule.who != DT_OPEN_AUTHOR && c->parties[i].kind == DT_PARTY_PARTY);
    *out = rule;
}

bool
dt_open_rule_met(const struct dt_open_rule *rule, const bool consents[DT_CHARTER_PARTIES])
{
    bool any = false;
    bool all = true;

    for (size_t i = 0; i < DT_CHARTER_PARTIES; i++) {
        any = any || (rule->asked[i] && consents[i]);
        all = all && (!rule->asked[i] || consents[i]);
    }
    return rule->any_one ? any : all;
}

enum dt_err
dt_open_rule_say(const struct dt_open_rule *rule, struct dt_view template_id, uint64_t now_ms,
                 struct dt_buf *out)
{
    const int n = (int)template_id.n;
    const char *id = (const char *)template_id.p;
    char day[DT_TIME_STR];
    char now[DT_TIME_STR];

    dt_date_str(day, rule->after_ms);
    dt_time_str(now, now_ms);
    if (!rule->stated)
        return dt_buf_printf(out,
                             "the charter has no rule on opening a record of kind '%.*s', so it "
                             "takes the consent of every side and of the author's party",
                             n, id);
    switch (rule->who) {
    case DT_OPEN_AUTHOR:
        return dt_buf_printf(
            out, "the charter lets the author's party alone open a record of kind '%.*s'", n, id);
    case DT_OPEN_ALL:
        return dt_buf_printf(out,
                             "to open a record of kind '%.*s' the charter asks for the consent of "
                             "every party, mediator and monitors too",
                             n, id);
    case DT_OPEN_AFTER:
        if (rule->any_one)
            return dt_buf_printf(out,
                                 "from %s on the charter lets any one side, or the author's "
                                 "party, open a record of kind '%.*s' alone; by the clock of "
                                 "this check it is %s",
                                 day, n, id, now);
        return dt_buf_printf(out,
                             "before %s the charter asks for the consent of every side and of "
                             "the author's party to open a record of kind '%.*s'; by the clock "
                             "of this check it is %s",
                             day, n, id, now);
    case DT_OPEN_BOTH:
    default:
        return dt_buf_printf(out,
                             "to open a record of kind '%.*s' the charter asks for the consent of "
                             "every side and of the author's party",
                             n, id);
    }
}

enum dt_err
dt_open_rule_words(struct dt_view value, struct dt_buf *out)
{
    struct dt_open_rule rule;
    char day[DT_TIME_STR];
    enum dt_err err = value_read(value, &rule);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (whole[i].who == rule.who)
            return dt_buf_printf(out, "%s", whole[i].words);
    dt_date_str(day, rule.after_ms);
    return dt_buf_printf(
        out, "every side and the author's party; from %s on any one of these alone", day);
}
