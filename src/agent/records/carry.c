/*
 * agent/records/carry.c - see carry.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "record/amendment.h"

#include "agent/core.h"
#include "agent/records/carry.h"
#include "agent/records/opening.h"

#define PROOF_SLOT DT_ENVELOPE_SLOTS /* the one field of the template */

void
dt_carry_audience(const uint8_t group_id[static 32], char out[static DT_CARRY_AUDIENCE])
{
    char hex[65];

    dt_hex_str(hex, dt_view(group_id, 32));
    (void)snprintf(out, DT_CARRY_AUDIENCE, "channel %s", hex);
}

void
dt_carried_clear(struct dt_carried *c)
{
    if (c == NULL)
        return;
    dt_verdict_clear(&c->verdict);
    memset(c, 0, sizeof *c);
}

static bool
is_carried(const struct dt_record *r)
{
    return dt_view_equal(r->header.template_id, dt_view_str(DT_CARRIED_TEMPLATE));
}

static void
broken(struct dt_carried *c, const char *why, struct dt_view more)
{
    c->leave = DT_LEAVE_BROKEN;
    (void)snprintf(c->why, sizeof c->why, "%s%.*s", why, (int)(more.n < 120 ? more.n : 120),
                   (const char *)more.p);
}

/* What ${r} holds, by a clock that says ${at_ms}. */
static enum dt_err
look(struct dt_agent *a, const struct dt_record *r, uint64_t at_ms, struct dt_carried *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf amendments = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    char audience[DT_CARRY_AUDIENCE];
    struct dt_verify_in in = {
        .forum = a->forum, .now_ms = at_ms, .audience = audience, .templates = a->templates};
    const struct dt_slot *from = &r->slots[DT_SLOT_CARRIED];
    size_t party = 0;
    enum dt_err err;

    dt_carry_audience(r->channel, audience);
    if (dt_charter_party_by_id(&a->charter, r->author.party, &party) == DT_OK)
        dt_party_name(a, party, out->by);
    /* A proof may leave out what an amendment says of its key or root; we know. */
    if ((err = dt_charter_amendments(&a->charter, &amendments)) != DT_OK)
        return err;
    in.amendments = dt_buf_view(&amendments);
    if ((err = dt_proof_verify(r->slots[PROOF_SLOT].value, &in, &out->verdict)) != DT_OK)
        return err;
    if (out->verdict.code == DT_VERDICT_REFUSED) {
        broken(out, "its proof is refused: ", dt_buf_view(&out->verdict.reason));
        return DT_OK;
    }
    if (from->kind != DT_SLOT_VALUE ||
        !dt_view_equal(from->value, dt_view_of(out->verdict.records[0].commitment))) {
        broken(out, "its proof is of another record than it says", dt_view_str(""));
        return DT_OK;
    }
    dt_party_name(a, out->verdict.records[0].party, out->of);
    if (out->verdict.parties[out->verdict.records[0].party].consent) {
        out->leave = DT_LEAVE_GIVEN;
        return DT_OK;
    }
    out->leave = DT_LEAVE_MISSING;
    (void)snprintf(out->why, sizeof out->why,
                   "%s gave no leave that it shows to tell all of this in this channel", out->of);
    return DT_OK;
}

enum dt_err
dt_agent_carried(struct dt_agent *a, const struct dt_record *r, struct dt_carried *out)
{
    DT_CLEANUP(dt_carried_clear) struct dt_carried c = {0};
    uint64_t at_ms = 0;
    enum dt_err err;

    if (!is_carried(r))
        return dt_fail(DT_ERR_NOT_FOUND, "no carried record");
    if ((err = dt_agent_record_received(a, r->commitment, &at_ms)) != DT_OK ||
        (err = look(a, r, at_ms, &c)) != DT_OK)
        return err;
    *out = c;
    memset(&c, 0, sizeof c);
    return DT_OK;
}

/* ---- carrying ---- */

/* The slots that the newest leave of ${subject}'s author's party for ${audience} names. */
static enum dt_err
find_leave(struct dt_agent *a, const struct dt_record *subject, const char *audience,
           uint64_t *out_slots)
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
    const uint64_t now_ms = dt_agent_now(a);
    bool found = false, ended = false;
    enum dt_err err = dt_agent_facts(a, &f);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < f.n; i++) { /* the order in which they came */
        const struct dt_record *r = &f.records[i];
        const struct dt_slot *s = r->slots + DT_ENVELOPE_SLOTS;
        const uint8_t *about = NULL;
        uint64_t slots = 0, expires = 0;

        if (dt_record_answer(r, &about) != DT_ANSWER_CONSENT ||
            memcmp(about, subject->commitment, 32) != 0 ||
            memcmp(r->author.party, subject->author.party, 32) != 0 ||
            !dt_view_equal(s[2].value, dt_view_str(audience)))
            continue;
        if ((err = dt_slots_read(s[1].value, &slots)) != DT_OK ||
            (err = dt_value_u64(s[3].value, &expires)) != DT_OK)
            return err;
        ended = ended || now_ms > expires;
        if (now_ms > expires)
            continue;
        found = true;
        *out_slots = slots;
    }
    if (found)
        return DT_OK;
    return dt_fail(DT_ERR_REFUSED,
                   ended ? "the author's leave to tell this in that channel has ended"
                         : "the author gave no leave to tell this in that channel; ask for it "
                           "(detente carry leave)");
}

enum dt_err
dt_agent_carry_draft(struct dt_agent *a, const uint8_t commitment[static 32],
                     const uint8_t group_id[static 32], struct dt_record_draft *out)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf report = DT_BUF_INIT(4u << 20);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf file = DT_BUF_INIT(DT_BYTES_MAX);
    char audience[DT_CARRY_AUDIENCE];
    /* The charter's rule of opening is about the world: here it is the author's leave that counts,
     * and dt_carried_check_own() looks at that. */
    struct dt_opening_params p = {.without_consent = true, .audience = audience};
    enum dt_err err;

    dt_carry_audience(group_id, audience);
    memcpy(p.commitment, commitment, sizeof p.commitment);
    if ((err = dt_agent_record(a, commitment, &subject)) != DT_OK)
        return err;
    if (memcmp(subject.channel, group_id, 32) == 0)
        return dt_fail(DT_ERR_REFUSED, "the record is in that channel already");
    if ((err = find_leave(a, &subject, audience, &p.slots)) != DT_OK ||
        (err = dt_agent_open_record(a, &p, &report, &file)) != DT_OK ||
        (err = dt_agent_record_draft(a, group_id, DT_CARRIED_TEMPLATE, &d)) != DT_OK ||
        (err = dt_record_draft_set(&d, DT_SLOT_CARRIED, dt_view(commitment, 32))) != DT_OK ||
        (err = dt_record_draft_destroy(&d, subject.destroy_after_ms)) != DT_OK ||
        (err = dt_record_draft_set(&d, PROOF_SLOT, dt_buf_view(&file))) != DT_OK)
        return err;
    *out = d;
    memset(&d, 0, sizeof d);
    return DT_OK;
}

enum dt_err
dt_carried_check_own(struct dt_agent *a, const struct dt_record *r)
{
    DT_CLEANUP(dt_carried_clear) struct dt_carried c = {0};
    enum dt_err err;

    if (!is_carried(r))
        return DT_OK;
    if ((err = look(a, r, dt_agent_now(a), &c)) != DT_OK)
        return err;
    if (c.leave == DT_LEAVE_GIVEN)
        return DT_OK;
    return dt_fail(DT_ERR_REFUSED, "nothing is carried without leave of its author: %s", c.why);
}

enum dt_err
dt_carried_received(struct dt_agent *a, const struct dt_record *r, const struct dt_person *who,
                    uint64_t position)
{
    DT_CLEANUP(dt_carried_clear) struct dt_carried c = {0};
    enum dt_err err;

    if (!is_carried(r))
        return DT_OK;
    if ((err = look(a, r, dt_agent_now(a), &c)) != DT_OK || c.leave == DT_LEAVE_GIVEN)
        return err;
    return dt_alarm_add(a, DT_ALARM_CELL, r->channel, position, who,
                        "a record was carried here without leave of its author: %s", c.why);
}
