/*
 * instrument/claims_room.c - claims that count contacts, held against how many entries a register
 * shows.
 *
 * Source: docs/protocol-record.md, "Claims"; docs/protocol-register.md, "Observers". Layer:
 * instrument: pure.
 */
#include "instrument/claims.h"

void
dt_claim_room(const struct dt_claim *c, const struct dt_timeline *t, struct dt_claim_room *out)
{
    *out = (struct dt_claim_room){0};
    if (!c->has_count || c->count == 0 || !c->has_from || c->stance == DT_STANCE_DENIED ||
        c->stance == DT_STANCE_NEITHER)
        return;
    out->counted = true;
    out->since_ms = c->from_day > 0 ? (uint64_t)c->from_day * DT_MS_DAY : 0;
    /* A record may be entered long after its contact: so all entries since, not those of a period.
     */
    out->entries = dt_timeline_count(t, out->since_ms, UINT64_MAX);
    out->enough = out->entries >= c->count;
}

enum dt_err
dt_claims_write_room(const struct dt_claims *claims, const struct dt_timeline *t,
                     struct dt_buf *out)
{
    enum dt_err err;

    for (size_t i = 0; i < claims->n; i++) {
        const struct dt_claim *c = &claims->claims[i];
        struct dt_claim_room room;
        char since[DT_TIME_STR];

        dt_claim_room(c, t, &room);
        if (!room.counted)
            continue;
        dt_date_str(since, room.since_ms);
        if ((err = dt_buf_append(out, c->id)) != DT_OK ||
            (err = dt_buf_printf(
                 out,
                 ": claims %llu; since %s the register shows %llu (entries, not contacts): %s\n",
                 (unsigned long long)c->count, since, (unsigned long long)room.entries,
                 room.enough ? "there is room for as many, which supports nothing"
                             : "not each can have its record there")) != DT_OK)
            return err;
    }
    return DT_OK;
}
