/*
 * agent/talk/line_say.c - what is said about a line: tests, a person's confirmation, outages.
 *
 * Source: docs/protocol-channel.md, "Line tests".
 */
#include <string.h>

#include "base/text.h"
#include "record/charter_rules.h"

#include "agent/talk/line_internal.h"

enum dt_err
dt_line_send(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_payload *p)
{
    enum dt_err err;

    p->kind = DT_PAYLOAD_LINE;
    p->sent_ms = dt_agent_now(a);
    if ((err = dt_random(p->id, sizeof p->id)) != DT_OK)
        return err;
    return dt_channel_send(a, group_id, p);
}

enum dt_err
dt_line_need_rule(const struct dt_agent *a, uint64_t *out_every)
{
    *out_every = dt_charter_line_test(&a->charter).every_ms;
    return *out_every != 0 ? DT_OK
                           : dt_fail(DT_ERR_STATE, "the charter of this forum has no line tests");
}

static enum dt_err
confirm(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t every)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint64_t slot = dt_line_slot(dt_agent_now(a), every), heard = 0;
    struct dt_payload p = {.line_what = DT_LINE_CONFIRM};
    struct dt_line_own_row own;
    uint32_t leaves;
    enum dt_err err;

    if ((err = dt_channel_load_live(a, group_id, &ch)) != DT_OK ||
        (err = dt_line_own_load(a, group_id, &own)) != DT_OK)
        return err;
    leaves = mls_group_n_leaves(ch.group);
    for (uint32_t leaf = 0; leaf < leaves; leaf++) {
        struct mls_member m;
        struct dt_voucher v;
        struct dt_view letter;
        struct dt_line_key k;
        struct dt_line_row x;

        if (leaf == mls_group_own_leaf(ch.group) || !mls_group_member(ch.group, leaf, &m))
            continue;
        if ((err = dt_credential_decode(m.identity, &letter, &v)) != DT_OK)
            return err;
        k = dt_line_key(group_id, v.invitation_id);
        if ((err = dt_line_row_load(a, &k, &x)) != DT_OK)
            return err;
        if (x.w.last > heard)
            heard = x.w.last;
    }
    if (heard == 0 || heard + 1 < slot)
        return dt_fail(DT_ERR_STATE, "no line test of this time was heard: sync, and see detente "
                                     "line");
    p.line_slot = own.confirmed = heard;
    if ((err = dt_line_own_save(a, group_id, &own)) != DT_OK)
        return err;
    return dt_line_send(a, group_id, &p);
}

enum dt_err
dt_agent_line_confirm(struct dt_agent *a, const uint8_t group_id[static 32])
{
    uint64_t every = 0;
    enum dt_err err;

    if ((err = dt_line_need_rule(a, &every)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, confirm(a, group_id, every));
}

static enum dt_err
outage(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_payload *p)
{
    struct dt_line_own_row own;
    enum dt_err err = dt_line_own_load(a, group_id, &own);

    if (err != DT_OK)
        return err;
    own.outage_from_ms = p->line_from_ms;
    own.outage_until_ms = p->line_until_ms;
    if ((err = dt_line_own_save(a, group_id, &own)) != DT_OK)
        return err;
    return dt_line_send(a, group_id, p);
}

enum dt_err
dt_agent_line_outage(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t from_ms,
                     uint64_t until_ms, struct dt_view text)
{
    struct dt_payload p = {.line_what = DT_LINE_OUTAGE,
                           .line_from_ms = from_ms,
                           .line_until_ms = until_ms,
                           .line_text = text};
    uint64_t every = 0;
    enum dt_err err;

    if ((err = dt_line_need_rule(a, &every)) != DT_OK)
        return err;
    if (until_ms != 0 && (until_ms <= from_ms || until_ms <= dt_agent_now(a)))
        return dt_fail(DT_ERR_RANGE, "an outage ends after it begins, and after now");
    if (text.n > DT_LINE_TEXT_MAX || !dt_utf8_line(text))
        return dt_fail(DT_ERR_RANGE,
                       "what an outage is announced with is one line of at most %u "
                       "bytes",
                       DT_LINE_TEXT_MAX);
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, outage(a, group_id, &p));
}
