/*
 * record/tally.c - see tally.h.
 */
#include "record/tally.h"
#include "record/value.h"

enum { FIRST = DT_ENVELOPE_SLOTS, LAST, COUNT, COUNTED };

bool
dt_template_is_tally(const struct dt_template *t)
{
    /* A carried template may have the same id; what it means is its author's to say. */
    return dt_template_builtin(t) && dt_view_equal(dt_template_id(t), dt_view_str("tally"));
}

enum dt_err
dt_tally_read(const struct dt_slot slots[static DT_SLOTS_MAX], struct dt_tally_stated *out)
{
    struct dt_tally_stated s = {.counted = slots[COUNTED].value};

    if (dt_value_u64(slots[FIRST].value, &s.first) != DT_OK ||
        dt_value_u64(slots[LAST].value, &s.last) != DT_OK ||
        dt_value_u64(slots[COUNT].value, &s.count) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "a number of the tally is none from 0 up");
    if (s.first > s.last)
        return dt_fail(DT_ERR_FORMAT, "the tally's range ends before it begins");
    if (s.count > 0 && s.count - 1 > s.last - s.first)
        return dt_fail(DT_ERR_FORMAT, "the tally counts more than there are entries in its range");
    *out = s;
    return DT_OK;
}
