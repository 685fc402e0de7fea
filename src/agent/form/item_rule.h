/*
 * agent/form/item_rule.h - how long one thing that is said is kept: its own rule, before the
 * channel's.
 *
 * Source: docs/protocol-channel.md "Keep or destroy". Layer: agent; pure, no I/O.
 */
#ifndef DT_AGENT_FORM_ITEM_RULE_H
#define DT_AGENT_FORM_ITEM_RULE_H

#include "agent/limits.h"
#include "base/wire.h"
#include "record/fields.h" /* dt_destroy_after_check() */

enum dt_item_rule_what {
    DT_ITEM_AS_CHANNEL = 0, /* it has none of its own */
    DT_ITEM_KEEP = 1,
    DT_ITEM_DESTROY = 2
};

struct dt_item_rule {
    enum dt_item_rule_what what;
    uint64_t after_ms; /* DESTROY: so long after it came; else 0 */
};

/* At the end of what carries it: nothing where it has none of its own. */
void dt_item_rule_write(struct dt_writer *w, const struct dt_item_rule *rule);
/* From all that is left of ${r}. FORMAT, RANGE. */
DT_MUST_CHECK enum dt_err dt_item_rule_read(struct dt_reader *r, struct dt_item_rule *out);

#endif
