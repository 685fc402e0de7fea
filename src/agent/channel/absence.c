/*
 * agent/channel/absence.c - when a channel was read last, and what follows when that is long ago.
 *
 * Source: DESIGN "Credentials and vouchers"; docs/protocol-agent.md "Channel".
 */
#include "agent/sync/flows.h"

enum dt_err
dt_channel_note_absence(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint64_t now = dt_agent_now(a);
    uint8_t id[16];
    bool has = false;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_row(a, group_id, &ch)) != DT_OK || ch.state != DT_CHANNEL_LIVE ||
        now <= ch.last_read_ms || now - ch.last_read_ms <= DT_VOUCHER_LIFE_MAX_MS)
        goto done;
    ch.confirmed = dt_channel_parties(&ch) == UINT32_C(1) << a->party;
    ch.here = 0;
    ch.here_due = true;
    /* The time stays until the queue was read to its end: what stands in it was made after that
     * time. */
    if ((err = dt_here_forget(a, group_id)) != DT_OK ||
        (err = dt_intent_has(a, group_id, DT_INTENT_ROTATE, &has)) != DT_OK ||
        (err = dt_random(id, sizeof id)) != DT_OK ||
        (!has &&
         (err = dt_intent_add(a, group_id, DT_INTENT_ROTATE, id, dt_view(NULL, 0))) != DT_OK))
        goto done;
    err = dt_channel_save(a, &ch, false);

done:
    return dt_store_end(a->store, err);
}

enum dt_err
dt_channel_note_read(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint64_t now = dt_agent_now(a);
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    /* An hour's grain spares a write at every poll. */
    if ((err = dt_channel_load_row(a, group_id, &ch)) == DT_OK &&
        (now > ch.last_read_ms + DT_MS_HOUR || now < ch.last_read_ms)) {
        ch.last_read_ms = now;
        err = dt_channel_save(a, &ch, false);
    }
    return dt_store_end(a->store, err);
}
