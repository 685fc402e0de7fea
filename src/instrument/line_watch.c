/*
 * instrument/line_watch.c - see line_watch.h.
 */
#include "instrument/line_watch.h"

/* So many slots are looked at one by one; of a longer absence the older ones are counted at once.
 */
#define SLOTS_MAX 4096u

uint64_t
dt_line_slot(uint64_t ms, uint64_t every_ms)
{
    return every_ms == 0 ? 0 : ms / every_ms;
}

static bool
reached_in(const struct dt_line_reached *r, uint64_t slot)
{
    size_t low = 0, high = r->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (r->slots[mid] == slot)
            return true;
        if (r->slots[mid] < slot)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

enum dt_line_why
dt_line_reason(const struct dt_line_watch *w, uint64_t slot, uint64_t every_ms,
               const struct dt_line_reached *reached)
{
    uint64_t from = slot * every_ms, to = from + every_ms;

    /* Any part of a slot that an outage takes away may be the part in which the test was due. */
    if (w->outage_until_ms > from && w->outage_from_ms < to)
        return DT_LINE_PLANNED;
    return reached_in(reached, slot) ? DT_LINE_SILENT : DT_LINE_UNREACHED;
}

bool
dt_line_heard(struct dt_line_watch *w, uint64_t slot, uint64_t now_slot, uint64_t ms,
              enum dt_line_why counted_as, bool *out_late)
{
    *out_late = false;
    if (slot == 0 || slot > now_slot + 1) /* one clock may be a little ahead of the other */
        return false;
    /* The first one, which may stand in the slot that was on when we began to listen. */
    if (w->since == 0 || (slot + 1 == w->since && w->settled == w->since))
        w->since = w->settled = slot;
    if (slot < w->since)
        return false;
    if (slot < w->settled) {
        if (counted_as == 0 || w->missed[counted_as] == 0)
            return false;
        w->missed[counted_as]--;
        w->late++;
        *out_late = true;
    }
    w->heard++;
    if (slot > w->last) {
        w->last = slot;
        w->last_ms = ms;
    }
    return true;
}

void
dt_line_settle(struct dt_line_watch *w, uint64_t now_slot, uint64_t every_ms,
               bool (*has_test)(void *ctx, uint64_t slot), void *ctx,
               const struct dt_line_reached *reached, struct dt_line_miss *missed, size_t max,
               size_t *out_n)
{
    *out_n = 0;
    if (w->since == 0) {
        /* Nothing was heard yet: the first whole slot from now on is the first that is owed. */
        w->since = w->settled = now_slot + 1;
        return;
    }
    if (now_slot > SLOTS_MAX && w->settled < now_slot - SLOTS_MAX) {
        w->missed[DT_LINE_UNREACHED] += now_slot - SLOTS_MAX - w->settled;
        w->settled = now_slot - SLOTS_MAX;
    }
    for (; w->settled < now_slot; w->settled++) {
        enum dt_line_why why;

        if (has_test(ctx, w->settled))
            continue;
        why = dt_line_reason(w, w->settled, every_ms, reached);
        w->missed[why]++;
        if (max == 0)
            continue;
        if (*out_n == max) { /* the latest ones stay */
            for (size_t i = 1; i < max; i++)
                missed[i - 1] = missed[i];
            --*out_n;
        }
        missed[(*out_n)++] = (struct dt_line_miss){w->settled, why};
    }
}
