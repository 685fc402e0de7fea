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

#define DT_RULE_TEMPLATE                                                                           \
    "template." /* with an id behind it: the hash of a template of the forum's */
#define DT_RULE_LINE_TEST "line_test" /* "12h", or "12h sealed": struct dt_line_rule */

#define DT_RULE_FILE_MAX "file_max" /* "16": how many MiB a file may have */

#define DT_RULE_SUCCESSOR                                                                          \
    "successor." /* with a party's place from 1 behind it: the root id of its root's successor */

/* And "open", "open.<template id>": record/open_rule.h. */

/* Is ${rule} known, and its value of the form that its name asks? FORMAT, UNSUPPORTED. */
DT_MUST_CHECK enum dt_err dt_charter_rule_check(const struct dt_charter_rule *rule);

/* The hash of the template ${id} that the parties of ${c} agreed on for this forum; false when they
 * named none. */
bool dt_charter_template(const struct dt_charter *c, struct dt_view id, uint8_t out[static 32]);

/* Is ${rule} one that announces a successor? Then of which party (its place from 0), and whom.
 * False also when it is not well formed. */
bool dt_successor_rule(const struct dt_charter_rule *rule, size_t *out_party,
                       uint8_t out_id[static 32]);

/* The value of the rule ${name}; false when ${c} has none. */
bool dt_charter_rule(const struct dt_charter *c, const char *name, struct dt_view *out);

/* What each party of ${c}, which was checked, promised; nothing when it has no such rule. */
struct dt_cadence dt_charter_cadence(const struct dt_charter *c);

/* How often every member's agent tests its line, and whether each test is a sealed record too. */
struct dt_line_rule {
    uint64_t every_ms; /* 0: not at all */
    bool sealed;
};
#define DT_LINE_EVERY_MIN (UINT64_C(60) * 1000)
#define DT_LINE_EVERY_MAX (UINT64_C(7) * 24 * 3600 * 1000)

/* "90m", "12h", "1d": the largest of the units that divides it; then nothing, or " sealed". FORMAT,
 * RANGE. */
DT_MUST_CHECK enum dt_err dt_line_rule_read(struct dt_view text, struct dt_line_rule *out);

/* What ${c}, which was checked, says; nothing when it has no such rule. */
struct dt_line_rule dt_charter_line_test(const struct dt_charter *c);

/* The longest file that ${c}, which was checked, lets its channels take, in bytes: as its rule
 * says, 1 to DT_FILE_MAX_MIB MiB, or that much when it has none. */
uint64_t dt_charter_file_max(const struct dt_charter *c);

#endif
