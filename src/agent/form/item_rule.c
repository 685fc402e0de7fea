/*
 * agent/form/item_rule.c - see item_rule.h.
 */
#include "agent/form/item_rule.h"

void
dt_item_rule_write(struct dt_writer *w, const struct dt_item_rule *rule)
{
    if (rule->what == DT_ITEM_AS_CHANNEL)
        return;
    dt_write_u8(w, (uint8_t)rule->what);
    if (rule->what == DT_ITEM_DESTROY)
        dt_write_u64(w, rule->after_ms);
}

enum dt_err
dt_item_rule_read(struct dt_reader *r, struct dt_item_rule *out)
{
    struct dt_item_rule x = {0};
    uint8_t what = 0;
    enum dt_err err;

    if (r->n > 0) {
        if ((err = dt_read_u8(r, &what)) != DT_OK)
            return err;
        if (what != DT_ITEM_KEEP && what != DT_ITEM_DESTROY)
            return dt_fail(DT_ERR_FORMAT, "how long it is kept is said in a way not known here");
        x.what = (enum dt_item_rule_what)what;
        if (what == DT_ITEM_DESTROY && ((err = dt_read_u64(r, &x.after_ms)) != DT_OK ||
                                        (err = dt_destroy_after_check(x.after_ms)) != DT_OK))
            return err;
    }
    *out = x;
    return DT_OK;
}
