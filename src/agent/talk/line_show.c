/*
 * agent/talk/line_show.c - what people are shown of the lines of a channel.
 *
 * Source: docs/protocol-channel.md, "Line tests".
 */
#include <string.h>

#include "base/mem.h"
#include "record/charter_rules.h"

#include "agent/talk/line_internal.h"

static enum dt_err
misses_load(struct dt_agent *a, const struct dt_line_key *k, uint64_t every,
            struct dt_line_info *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t at = 0;
    enum dt_err err = DT_OK;

    while (out->n_misses < DT_LINE_MISSES &&
           (err = dt_store_next(a->store, "line_miss", dt_view_of(k->bytes), at, &row)) == DT_OK) {
        size_t i = out->n_misses++;

        if (row.value.n != 1 || row.value.p[0] == 0 || row.value.p[0] >= DT_LINE_WHYS)
            return dt_fail(DT_ERR_FORMAT, "a row of the store is damaged");
        out->misses[i].number = row.seq;
        out->misses[i].from_ms = row.seq * every;
        out->misses[i].to_ms = (row.seq + 1) * every;
        out->misses[i].why = (enum dt_line_why)row.value.p[0];
        at = row.seq + 1;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static void
judge(struct dt_line_info *x, const struct dt_line_watch *w, uint64_t now, uint64_t slot)
{
    if (w->last != 0 && w->last + 1 >= slot)
        x->state = DT_LINE_TESTED;
    else if (w->outage_until_ms > now && w->outage_from_ms <= now)
        x->state = DT_LINE_OUT;
    else if (w->since == 0 || w->since >= slot)
        x->state = DT_LINE_QUIET;
    else {
        x->state = DT_LINE_LOST;
        x->why = DT_LINE_UNREACHED; /* until a sync counts that slot */
        if (x->n_misses > 0 && x->misses[x->n_misses - 1].number + 1 == slot)
            x->why = x->misses[x->n_misses - 1].why;
    }
}

/* A person's word, that waits or lacks. */
static enum dt_err
describe_word(struct dt_agent *a, const uint8_t group_id[static 32], size_t party,
              const struct dt_line_watch *w, struct dt_line_info *out)
{
    struct dt_line_ask ask;
    enum dt_err err = dt_line_ask_get(a, group_id, party, &ask);

    if (err != DT_OK || ask.slot == 0)
        return err;
    out->asked_number = ask.slot;
    out->asked_ms = ask.ms;
    out->confirm_by_ms = dt_line_ask_until(w, ask.ms);
    out->unconfirmed = dt_agent_now(a) > out->confirm_by_ms;
    return DT_OK;
}

static enum dt_err
describe(struct dt_agent *a, const struct dt_seat *s, const uint8_t group_id[static 32],
         uint64_t every, struct dt_line_info *out)
{
    const struct dt_line_key k = dt_line_key(group_id, s->voucher.invitation_id);
    uint64_t now = dt_agent_now(a);
    struct dt_line_row x;
    enum dt_err err;

    *out = (struct dt_line_info){0};
    if ((err = dt_line_row_load(a, &k, &x)) != DT_OK ||
        (err = misses_load(a, &k, every, out)) != DT_OK)
        return err;
    dt_person_from(a, &s->letter, s->party, &out->who);
    out->number = x.w.last;
    out->last_ms = x.w.last_ms;
    out->heard = x.w.heard;
    out->late = x.w.late;
    memcpy(out->missed, x.w.missed, sizeof out->missed);
    out->outage_from_ms = x.w.outage_from_ms;
    out->outage_until_ms = x.w.outage_until_ms;
    memcpy(out->outage_text, x.text, sizeof x.text);
    out->confirmed_number = x.confirmed;
    out->confirmed_ms = x.confirmed_ms;
    judge(out, &x.w, now, dt_line_slot(now, every));
    return s->party == a->party ? DT_OK : describe_word(a, group_id, s->party, &x.w, out);
}

/* Its agent has receipted our test: nothing more is asked of it, and no alarm is raised when it
 * does not, for its own tests say whether it is there. */
static enum dt_err
has_ours(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t seat[static 16],
         const struct dt_line_own_row *own, size_t *arrived)
{
    struct dt_receipt_seat r;
    enum dt_err err = dt_receipt_seat_get(a, group_id, seat, &r);

    if (err == DT_OK)
        *arrived += r.has_ms != 0 && own->place.position != 0 && !dt_place_after(own->place, r.has);
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static void
describe_own(const struct dt_agent *a, const struct dt_line_own_row *own,
             const struct dt_line_rule *rule, struct dt_line_own *out)
{
    uint64_t slot = dt_line_slot(dt_agent_now(a), rule->every_ms);

    *out = (struct dt_line_own){.every_ms = rule->every_ms,
                                .sealed = rule->sealed,
                                .number = own->sent,
                                .sent_ms = own->sent_ms,
                                .next_ms = (own->sent >= slot ? slot + 1 : slot) * rule->every_ms,
                                .outage_from_ms = own->outage_from_ms,
                                .outage_until_ms = own->outage_until_ms,
                                .confirmed = own->confirmed};
}

/* What a person here could confirm now: as long as dt_agent_line_confirm() takes it. */
static void
note_to_confirm(const struct dt_agent *a, const struct dt_line_info *x, uint64_t every,
                struct dt_line_own *own)
{
    if (x->who.party == a->party || x->number <= own->confirmed || x->number <= own->to_confirm ||
        x->number + 1 < dt_line_slot(dt_agent_now(a), every))
        return;
    own->to_confirm = x->number;
    own->to_confirm_ms = x->last_ms;
}

enum dt_err
dt_agent_line(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_line_own *own,
              struct dt_line_info **out, size_t *out_n)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_line_rule rule = dt_charter_line_test(&a->charter);
    struct dt_line_info *v;
    struct dt_line_own_row ours;
    struct dt_rules rules;
    uint32_t leaves;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_line_need_rule(a, &rule.every_ms)) != DT_OK ||
        (err = dt_channel_load_live(a, group_id, &ch)) != DT_OK ||
        (err = dt_line_own_load(a, group_id, &ours)) != DT_OK)
        return err;
    describe_own(a, &ours, &rule, own);
    rules = dt_channel_rules(a, &ch);
    leaves = mls_group_n_leaves(ch.group);
    if ((v = dt_alloc(leaves, sizeof *v)) == NULL)
        return dt_nomem();
    for (uint32_t leaf = 0; err == DT_OK && leaf < leaves; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};

        if (leaf == mls_group_own_leaf(ch.group))
            continue;
        err = dt_seat_of(&rules, ch.group, leaf, &s);
        if (err == DT_ERR_NOT_FOUND) {
            err = DT_OK;
            continue;
        }
        if (err == DT_OK && (err = describe(a, &s, group_id, rule.every_ms, &v[n])) == DT_OK &&
            (err = has_ours(a, group_id, s.voucher.invitation_id, &ours, &own->arrived)) == DT_OK)
            note_to_confirm(a, &v[n++], rule.every_ms, own);
    }
    if (err != DT_OK) {
        dt_free(v);
        return err;
    }
    own->members = n;
    *out = v;
    *out_n = n;
    return DT_OK;
}
