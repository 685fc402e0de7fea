/*
 * record/charter_rules.h - the rules that a charter may hold, and what each of them asks.
 *
 * Source: docs/protocol-record.md, "Charter". Layer: record. A rule is a name and a line of text;
 * a name that this version does not know is refused, for what it asks would not be done.
 */
#ifndef DT_RECORD_CHARTER_RULES_H
#define DT_RECORD_CHARTER_RULES_H

#include "base/cadence.h"
#include "record/charter.h"

#define DT_RULE_CADENCE  "cadence"  /* K/PERIOD: how many entries each party makes in each period */
#define DT_RULE_READ_KEY "read_key" /* "required": the register is read with a key alone */

/* And "open", "open.<template id>": record/open_rule.h. */

/* Is ${rule} known, and its value of the form that its name asks? FORMAT, UNSUPPORTED. */
DT_MUST_CHECK enum dt_err dt_charter_rule_check(const struct dt_charter_rule *rule);

/* The value of the rule ${name}; false when ${c} has none. */
bool dt_charter_rule(const struct dt_charter *c, const char *name, struct dt_view *out);

/* What each party of ${c}, which was checked, promised; nothing when it has no such rule. */
struct dt_cadence dt_charter_cadence(const struct dt_charter *c);

#endif
