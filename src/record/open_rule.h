/*
 * record/open_rule.h - whose consent it takes to open a record: the rules `open` and
 * `open.<template id>` of a charter.
 *
 * Source: docs/protocol-record.md, "Rules of opening". Layer: record. What opens (an agent) and
 * what verifies ask the same function, so that they cannot come to differ.
 */
#ifndef DT_RECORD_OPEN_RULE_H
#define DT_RECORD_OPEN_RULE_H

#include "record/charter.h"

#define DT_RULE_OPEN "open" /* of all templates; "open.contact": of that one */

enum dt_open_who {
    DT_OPEN_BOTH = 0, /* every party of kind 1, and the author's; so too without a rule */
    DT_OPEN_AUTHOR,   /* the author's alone */
    DT_OPEN_ALL,      /* every party of the charter, mediator and monitors too */
    DT_OPEN_AFTER     /* as BOTH before a day, from its begin any one of these */
};

/* A rule as it is for one record at one time. */
struct dt_open_rule {
    enum dt_open_who who;
    bool stated;                    /* the charter says so; else it is what holds without a rule */
    uint64_t after_ms;              /* AFTER: the begin of that day, UTC */
    bool any_one;                   /* AFTER, and the day has come: one of those asked is enough */
    bool asked[DT_CHARTER_PARTIES]; /* whose consent */
};

/* Is ${rule}, whose name is "open" or begins with "open.", of the one form there is of it?
 * FORMAT. */
DT_MUST_CHECK enum dt_err dt_open_rule_check(const struct dt_charter_rule *rule);
bool dt_open_rule_is(struct dt_view name);

/* The rule of ${c}, which was checked, for records of the template ${template_id} by the party at
 * place ${author}, at ${now_ms}. */
void dt_open_rule(const struct dt_charter *c, struct dt_view template_id, size_t author,
                  uint64_t now_ms, struct dt_open_rule *out);

/* Does a rule ask ${consents}, bit per party, for no more? */
bool dt_open_rule_met(const struct dt_open_rule *rule, const bool consents[DT_CHARTER_PARTIES]);

/* Append, with no line feed: "the charter lets the author's party alone open a record of kind
 * 'notice'". */
DT_MUST_CHECK enum dt_err dt_open_rule_say(const struct dt_open_rule *rule,
                                           struct dt_view template_id, uint64_t now_ms,
                                           struct dt_buf *out);

/* Append what ${value} of a rule asks, for who reads the charter: "the author's party alone". */
DT_MUST_CHECK enum dt_err dt_open_rule_words(struct dt_view value, struct dt_buf *out);

#endif
