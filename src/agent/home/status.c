/*
 * agent/home/status.c - what people are shown: channels, roster, ourselves.
 *
 * Source: docs/protocol-agent.md "Status".
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"

#include "agent/sync/flows.h"

/* How many alarms concern the channel. */
static enum dt_err
count_alarms(struct dt_agent *a, const uint8_t group_id[static 32], size_t *out)
{
    struct dt_alarm_info *v = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_alarms(a, &v, &n);

    if (err != DT_OK)
        return err;
    *out = 0;
    for (size_t i = 0; i < n; i++)
        *out += v[i].has_group && memcmp(v[i].group_id, group_id, 32) == 0;
    dt_free(v);
    return DT_OK;
}

/* ---- here ---- */

static void
seat_key(uint8_t out[static 48], const uint8_t group_id[static 32],
         const uint8_t invitation_id[static 16])
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, invitation_id, 16);
}

enum dt_err
dt_here_note(struct dt_agent *a, const uint8_t group_id[static 32],
             const uint8_t invitation_id[static 16])
{
    uint8_t key[48];

    seat_key(key, group_id, invitation_id);
    return dt_store_put(a->store, "here", dt_view_of(key), dt_view(group_id, 32), 0,
                        dt_view(NULL, 0));
}

enum dt_err
dt_here_forget(struct dt_agent *a, const uint8_t group_id[static 32])
{
    enum dt_err err = dt_store_del(a->store, "here_early", dt_view(group_id, 32));

    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    return dt_store_del_parent(a->store, "here", dt_view(group_id, 32));
}

static enum dt_err
early(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(8);
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "here_early", dt_view(group_id, 32), &value);

    *out = 0;
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    r = dt_reader_init(dt_buf_view(&value));
    err = dt_read_u64(&r, out);
    return err != DT_OK ? err : dt_read_end(&r);
}

/* When voucher and letter of ${s} have both begun, by our clock. */
static uint64_t
begins(const struct dt_seat *s)
{
    uint64_t voucher = s->voucher.not_before_ms > DT_CLOCK_SKEW_MS
                           ? s->voucher.not_before_ms - DT_CLOCK_SKEW_MS
                           : 0;

    return voucher > s->letter.not_before_ms ? voucher : s->letter.not_before_ms;
}

/* The earliest is kept: one that never begins must not keep us from asking for the others. */
enum dt_err
dt_here_early(struct dt_agent *a, const struct dt_channel *ch, const struct dt_seat *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(8);
    struct dt_writer w = dt_writer_init(&value);
    uint64_t at = 0;
    enum dt_err err;

    if (ch->confirmed || dt_agent_now(a) >= begins(s))
        return DT_OK;
    if ((err = early(a, ch->group_id, &at)) != DT_OK || (at != 0 && at <= begins(s)))
        return err;
    dt_write_u64(&w, begins(s));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "here_early", dt_view_of(ch->group_id), dt_buf_view(&value));
}

enum dt_err
dt_here_again(struct dt_agent *a, const struct dt_channel *ch, bool *out)
{
    uint64_t at = 0;
    enum dt_err err = ch->confirmed ? DT_OK : early(a, ch->group_id, &at);

    *out = at != 0 && dt_agent_now(a) >= at;
    return err;
}

enum dt_err
dt_here_asked(struct dt_agent *a, const struct dt_channel *ch)
{
    enum dt_err err = dt_store_del(a->store, "here_early", dt_view_of(ch->group_id));

    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- channels ---- */

static void
describe_group(const struct dt_channel *ch, struct dt_channel_info *out)
{
    struct dt_view auth = mls_group_epoch_authenticator(ch->group);

    out->epoch = mls_group_epoch(ch->group);
    out->own_leaf = mls_group_own_leaf(ch->group);
    out->members = mls_group_n_members(ch->group);
    out->epoch_authenticator_len = auth.n <= DT_AUTHENTICATOR_MAX ? auth.n : 0;
    if (out->epoch_authenticator_len > 0)
        memcpy(out->epoch_authenticator, auth.p, out->epoch_authenticator_len);
}

static enum dt_err
describe_lapse(struct dt_agent *a, const struct dt_channel *ch, struct dt_channel_info *out)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err = dt_lapse_load(a, ch->group_id, &x);

    out->lapse = x.why;
    out->rejoin_wanted = x.wants || dt_lapse_hints_due(a, &x);
    out->rejoin_asked_ms = x.asked_ms;
    return err;
}

static enum dt_err
describe(struct dt_agent *a, const struct dt_channel *ch, struct dt_channel_info *out)
{
    uint64_t rows = 0, intents = 0, answers = 0;
    enum dt_err err;

    *out = (struct dt_channel_info){.state = ch->state,
                                    .kind = ch->founding.kind,
                                    .confirmed = ch->confirmed,
                                    .destroy_after_ms = ch->founding.destroy_after_ms,
                                    .parties = dt_channel_parties(ch),
                                    .here = ch->here,
                                    .position = ch->position,
                                    .queue_number = ch->queue_number,
                                    .last_read_ms = ch->last_read_ms,
                                    .commit_pending = ch->pending};
    memcpy(out->group_id, ch->group_id, 32);
    memcpy(out->name, ch->founding.name, sizeof out->name);
    memcpy(out->queue, ch->queue.address, 32);
    if (ch->group != NULL)
        describe_group(ch, out);
    if ((ch->state == DT_CHANNEL_BROKEN && (err = describe_lapse(a, ch, out)) != DT_OK) ||
        (err = dt_outbox_count(a, ch->group_id, &rows)) != DT_OK ||
        (err = dt_store_count(a->store, "intent", dt_view_of(ch->group_id), &intents)) != DT_OK ||
        (err = dt_store_count(a->store, "answer", dt_view_of(ch->group_id), &answers)) != DT_OK ||
        (err = count_alarms(a, ch->group_id, &out->alarms)) != DT_OK)
        return err;
    out->to_send = (size_t)(rows + intents);
    if (ch->state == DT_CHANNEL_FOUNDING)
        out->answers_missing = (uint32_t)(ch->founding.n_members - 1 - (size_t)answers);
    return DT_OK;
}

enum dt_err
dt_agent_channel(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_channel_info *out)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err = dt_channel_load(a, group_id, &ch);

    return err != DT_OK ? err : describe(a, &ch, out);
}

enum dt_err
dt_agent_channels(struct dt_agent *a, struct dt_channel_info **out, size_t *out_n)
{
    struct dt_channel_info *v = NULL;
    size_t n = 0;
    uint64_t at = 0;
    uint8_t group_id[32];
    enum dt_err err;

    while ((err = dt_channel_next(a, &at, group_id)) == DT_OK) {
        struct dt_channel_info *grown = dt_realloc(v, n + 1, sizeof *v);

        if (grown == NULL) {
            err = dt_nomem();
            break;
        }
        v = grown;
        if ((err = dt_agent_channel(a, group_id, &v[n])) != DT_OK)
            break;
        n++;
    }
    if (err != DT_ERR_NOT_FOUND) {
        dt_free(v);
        return err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}

/* The one channel that is live. */
static enum dt_err
only_live(const struct dt_channel_info *v, size_t n, size_t *out)
{
    size_t live = 0;

    for (size_t i = 0; i < n; i++)
        if (v[i].state == DT_CHANNEL_LIVE) {
            *out = i;
            live++;
        }
    return live == 1
               ? DT_OK
               : dt_fail(live == 0 ? DT_ERR_NOT_FOUND : DT_ERR_CONFLICT,
                         "%zu channels of this home are open: name the one that is meant", live);
}

enum dt_err
dt_agent_channel_find(struct dt_agent *a, const char *name_or_hex, uint8_t out_group_id[static 32])
{
    struct dt_channel_info *v = NULL;
    size_t n = 0, len = name_or_hex == NULL ? 0 : strlen(name_or_hex), found = SIZE_MAX;
    enum dt_err err = dt_agent_channels(a, &v, &n);

    if (err != DT_OK)
        return err;
    if (name_or_hex == NULL) {
        if ((err = only_live(v, n, &found)) == DT_OK)
            memcpy(out_group_id, v[found].group_id, 32);
        dt_free(v);
        return err;
    }
    for (size_t i = 0; i < n; i++) /* the newest of that name; a live one before any other */
        if (strcmp(v[i].name, name_or_hex) == 0 &&
            (found == SIZE_MAX || v[i].state == DT_CHANNEL_LIVE ||
             v[found].state != DT_CHANNEL_LIVE))
            found = i;
    for (size_t i = 0; i < n && found == SIZE_MAX && len >= 4; i++) {
        char hex[65];

        dt_hex_str(hex, dt_view_of(v[i].group_id));
        if (len <= 64 && strncmp(hex, name_or_hex, len) == 0)
            found = i;
    }
    if (found == SIZE_MAX)
        err = dt_fail(DT_ERR_NOT_FOUND, "there is no channel of that name in this home");
    else
        memcpy(out_group_id, v[found].group_id, 32);
    dt_free(v);
    return err;
}

/* ---- roster ---- */

static enum dt_err
describe_seat(struct dt_agent *a, const struct dt_channel *ch, const struct dt_seat *s,
              struct dt_roster_entry *out)
{
    uint64_t now = dt_agent_now(a);
    uint8_t key[48];
    enum dt_err err;

    *out = (struct dt_roster_entry){.leaf = s->leaf,
                                    .serial = s->voucher.serial,
                                    .voucher_not_after_ms = s->voucher.not_after_ms};
    dt_person_from(a, &s->letter, s->party, &out->who);
    memcpy(out->invitation_id, s->voucher.invitation_id, 16);
    out->expired =
        !dt_voucher_valid_at(&s->voucher, now) || dt_letter_check_now(a, &s->letter) != DT_OK;
    seat_key(key, ch->group_id, s->voucher.invitation_id);
    err = dt_store_has(a->store, "here", dt_view_of(key), &out->here);
    out->here = out->here || out->who.self;
    return err;
}

enum dt_err
dt_agent_roster(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_roster_entry **out,
                size_t *out_n)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_roster_entry *v = NULL;
    struct dt_rules rules;
    size_t n = 0;
    uint32_t leaves;
    enum dt_err err = dt_channel_load(a, group_id, &ch);

    if (err != DT_OK)
        return err;
    if (ch.group == NULL) {
        *out = NULL;
        *out_n = 0;
        return DT_OK;
    }
    rules = dt_channel_rules(a, &ch);
    leaves = mls_group_n_leaves(ch.group);
    v = dt_alloc(leaves, sizeof *v);
    if (v == NULL)
        return dt_nomem();
    for (uint32_t leaf = 0; leaf < leaves; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};

        err = dt_seat_of(&rules, ch.group, leaf, &s);
        if (err == DT_ERR_NOT_FOUND)
            continue;
        if (err != DT_OK || (err = describe_seat(a, &ch, &s, &v[n])) != DT_OK) {
            dt_free(v);
            return err;
        }
        n++;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}

/* ---- ourselves ---- */

enum dt_err
dt_agent_info(struct dt_agent *a, struct dt_agent_info *out)
{
    struct dt_agent_info x = {0};
    uint64_t position = 0;
    enum dt_err err;

    if ((err = dt_agent_refresh(a)) != DT_OK ||
        (err = dt_inbox_state(a, &x.inbox_ready, &position)) != DT_OK)
        return err;
    memcpy(x.forum, a->forum, 32);
    x.has_letter = a->has_letter;
    if (a->has_letter) {
        dt_person_from(a, &a->letter, a->party, &x.self);
    } else {
        x.self.party = (uint8_t)a->party;
        x.self.self = true;
        dt_party_name(a, a->party, x.self.party_name);
        memcpy(x.self.name, a->name, sizeof x.self.name);
        memcpy(x.self.title, a->title, sizeof x.self.title);
        memcpy(x.self.delegate_key, a->delegate_pub, 32);
    }
    (void)snprintf(x.relay, sizeof x.relay, "%.255s", a->grant.relay);
    *out = x;
    return DT_OK;
}
