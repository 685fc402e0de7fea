/*
 * agent/channel_leave.c - removal, leaving, rotation on demand, and coming back after lost state.
 *
 * Source: DESIGN "Warrants"; docs/protocol-agent.md "Removal", "Re-join".
 */
#include <string.h>

#include "base/wire.h"

#include "agent/flows.h"

#define REJOIN_MAX (DT_KEY_PACKAGE_MAX + 1024u)

/* ---- removal ---- */

/* A removal intent that waits with a ground for this seat (a `leave`): then there is nothing to
 * add. */
static enum dt_err
removal_waits(struct dt_agent *a, const uint8_t group_id[static 32],
              const uint8_t invitation_id[static 16], bool *out)
{
    uint64_t at = 0;
    enum dt_err err;

    *out = false;
    for (;;) {
        DT_CLEANUP(dt_intent_clear) struct dt_intent x = {0};
        struct dt_warrant w;

        if ((err = dt_intent_next(a, group_id, at, &x)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = x.seq + 1;
        if (x.kind == DT_INTENT_REMOVE && dt_warrant_decode(dt_buf_view(&x.body), &w) == DT_OK &&
            memcmp(w.grounds[0].invitation_id, invitation_id, 16) == 0)
            *out = true;
    }
}

static enum dt_err
remove_seat(struct dt_agent *a, const struct dt_channel *ch, uint32_t leaf)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_WARRANT_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf revocation = DT_BUF_INIT(1024);
    struct dt_rules rules = dt_channel_rules(a, ch);
    struct dt_warrant w = {.n_grounds = 1};
    bool waits = false, revoked = false;
    uint8_t id[16];
    enum dt_err err;

    if ((err = dt_seat_of(&rules, ch->group, leaf, &s)) != DT_OK)
        return err;
    if (leaf == mls_group_own_leaf(ch->group))
        return dt_fail(DT_ERR_REFUSED, "nobody removes itself: say that you leave instead");
    if ((err = removal_waits(a, ch->group_id, s.voucher.invitation_id, &waits)) != DT_OK || waits)
        return err;
    if ((err = dt_letter_revoked(a, &s.letter, &revoked, &revocation)) != DT_OK)
        return err;
    if (s.party == a->party) {
        w.grounds[0].kind = DT_GROUND_OWN;
    } else if (revoked) {
        w.grounds[0].kind = DT_GROUND_REVOCATION;
        w.grounds[0].body = dt_buf_view(&revocation);
    } else {
        return dt_fail(DT_ERR_REFUSED,
                       "a member of another party is removed only when it leaves or its "
                       "root revokes its letter; a channel that must go on without it is "
                       "founded anew");
    }
    memcpy(w.grounds[0].invitation_id, s.voucher.invitation_id, 16);
    memcpy(w.grounds[0].letter_hash, s.letter.hash, 32);
    if ((err = dt_warrant_encode(&w, &body)) != DT_OK || (err = dt_random(id, sizeof id)) != DT_OK)
        return err;
    return dt_intent_add(a, ch->group_id, DT_INTENT_REMOVE, id, dt_buf_view(&body));
}

enum dt_err
dt_agent_remove(struct dt_agent *a, const uint8_t group_id[static 32], uint32_t leaf)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_live(a, group_id, &ch)) == DT_OK)
        err = remove_seat(a, &ch, leaf);
    return dt_store_end(a->store, err);
}

enum dt_err
dt_agent_leave(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(512);
    struct dt_payload p = {.kind = DT_PAYLOAD_LEAVE, .sent_ms = dt_agent_now(a)};
    struct dt_leave l;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_live(a, group_id, &ch)) != DT_OK)
        goto done;
    memcpy(l.forum, a->forum, 32);
    memcpy(l.group_id, group_id, 32);
    memcpy(l.invitation_id, ch.invitation_id, 16);
    if ((err = dt_leave_sign(&l, dt_secret_view(&a->delegate_seed))) != DT_OK ||
        (err = dt_leave_encode(&l, &body)) != DT_OK ||
        (err = dt_random(p.id, sizeof p.id)) != DT_OK)
        goto done;
    p.leave = dt_buf_view(&body);
    err = dt_channel_send(a, group_id, &p);

done:
    return dt_store_end(a->store, err);
}

enum dt_err
dt_agent_rotate(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint8_t id[16];
    bool has = false;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_live(a, group_id, &ch)) == DT_OK &&
        (err = dt_intent_has(a, group_id, DT_INTENT_ROTATE, &has)) == DT_OK && !has &&
        (err = dt_random(id, sizeof id)) == DT_OK)
        err = dt_intent_add(a, group_id, DT_INTENT_ROTATE, id, dt_view(NULL, 0));
    return dt_store_end(a->store, err);
}

/* ---- re-join: asking ---- */

/* The request and a new key package go to every other member; whoever is first commits. */
static enum dt_err
ask_members(struct dt_agent *a, const struct dt_channel *ch, const struct dt_invitation *x,
            struct dt_view request)
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    uint32_t n = mls_group_n_leaves(ch->group);
    enum dt_err err;

    for (uint32_t leaf = 0; leaf < n; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
        struct dt_inbox_message m = {.kind = DT_INBOX_REJOIN, .rejoin = request};
        struct dt_inbox_message kp = {.kind = DT_INBOX_KEY_PACKAGE,
                                      .sender_letter = dt_buf_view(&a->letter_bytes),
                                      .key_package = dt_buf_view(&x->key_package)};

        if (leaf == mls_group_own_leaf(ch->group) ||
            dt_seat_of(&rules, ch->group, leaf, &s) != DT_OK)
            continue;
        memcpy(m.group_id, ch->group_id, 32);
        memcpy(kp.group_id, ch->group_id, 32);
        memcpy(kp.invitation_id, x->invitation_id, 16);
        if ((err = dt_outbox_to_inbox(a, &s.letter, &m)) != DT_OK ||
            (err = dt_outbox_to_inbox(a, &s.letter, &kp)) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
rejoin(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_invitation_clear)
    struct dt_invitation x = {.state = DT_INVITATION_ACCEPTED, .rejoin = true};
    DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
    DT_CLEANUP(mls_key_bundle_clear) struct mls_key_bundle bundle = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);
    struct mls_leaf_params leaf;
    struct mls_member own;
    struct dt_rejoin q;
    enum dt_err err;

    x.founding.max = DT_FOUNDING_MAX;
    x.letters.max = DT_FOUNDING_MEMBERS * (DT_LETTER_MAX + 4u);
    x.key_package.max = DT_KEY_PACKAGE_MAX;
    if ((err = dt_channel_load(a, group_id, &ch)) != DT_OK)
        return err;
    if (ch.group == NULL || ch.state == DT_CHANNEL_LEFT ||
        !mls_group_member(ch.group, mls_group_own_leaf(ch.group), &own))
        return dt_fail(DT_ERR_STATE, "we are not a member of that channel");
    memcpy(q.forum, a->forum, 32);
    memcpy(q.group_id, group_id, 32);
    memcpy(q.old_session_key, own.signature_key.p, 32);
    memcpy(q.old_invitation_id, ch.invitation_id, 16);
    memcpy(q.letter_hash, a->letter.hash, 32);
    if ((err = dt_random(q.invitation_id, sizeof q.invitation_id)) != DT_OK ||
        (err = dt_rejoin_sign(&q, dt_secret_view(&a->delegate_seed))) != DT_OK ||
        (err = dt_rejoin_encode(&q, &body)) != DT_OK ||
        (err = dt_session_new(a, group_id, q.invitation_id, &s)) != DT_OK)
        return err;
    leaf = dt_session_leaf(&s);
    if ((err = mls_key_package_new(&leaf, s.voucher.not_before_ms / 1000,
                                   s.voucher.not_after_ms / 1000, (struct mls_typed_list){0},
                                   &x.key_package, &bundle)) != DT_OK ||
        (err = dt_founding_encode(&ch.founding, &x.founding)) != DT_OK ||
        (err = dt_buf_set(&x.letters, dt_buf_view(&ch.letters))) != DT_OK)
        return err;
    memcpy(x.invitation_id, q.invitation_id, 16);
    memcpy(x.group_id, group_id, 32);
    memcpy(x.from_hash, a->letter.hash, 32);
    dt_secret_move(&x.session_seed, &s.seed);
    dt_secret_move(&x.init_priv, &bundle.init_priv);
    dt_secret_move(&x.leaf_priv, &bundle.leaf_priv);
    /* From here on nothing is sent under the old state. */
    ch.state = DT_CHANNEL_BROKEN;
    ch.confirmed = false;
    if ((err = ask_members(a, &ch, &x, dt_buf_view(&body))) != DT_OK ||
        (err = dt_invitation_save(a, &x)) != DT_OK)
        return err;
    return dt_channel_save(a, &ch, false);
}

enum dt_err
dt_agent_rejoin(struct dt_agent *a, const uint8_t group_id[static 32])
{
    enum dt_err err;

    if ((err = dt_agent_need_letter(a)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, rejoin(a, group_id));
}

/* ---- re-join: others' requests ---- */

void
dt_rejoin_row_clear(struct dt_rejoin_row *x)
{
    if (x == NULL)
        return;
    dt_buf_clear(&x->request);
    dt_buf_clear(&x->key_package);
}

enum dt_err
dt_rejoin_row_load(struct dt_agent *a, const uint8_t invitation_id[static 16],
                   struct dt_rejoin_row *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(REJOIN_MAX);
    struct dt_reader r;
    struct dt_view request, kp;
    enum dt_err err = dt_store_get_blob(a->store, "rejoin", dt_view(invitation_id, 16), &value);

    if (err != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&value));
    if ((err = dt_read_fixed(&r, out->group_id, 32)) != DT_OK ||
        (err = dt_read_vec(&r, 1024, &request)) != DT_OK ||
        (err = dt_read_vec(&r, DT_KEY_PACKAGE_MAX, &kp)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "re-join row");
    memcpy(out->invitation_id, invitation_id, 16);
    out->request.max = 1024;
    out->key_package.max = DT_KEY_PACKAGE_MAX;
    err = dt_buf_set(&out->request, request);
    return err != DT_OK ? err : dt_buf_set(&out->key_package, kp);
}

static enum dt_err
rejoin_save(struct dt_agent *a, const struct dt_rejoin_row *x)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(REJOIN_MAX);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    dt_write_view(&w, dt_view_of(x->group_id));
    dt_write_vec(&w, dt_buf_view(&x->request));
    dt_write_vec(&w, dt_buf_view(&x->key_package));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "rejoin", dt_view_of(x->invitation_id), dt_buf_view(&value));
}

/* The request must be by the holder of the seat that it gives up. */
enum dt_err
dt_rejoin_take(struct dt_agent *a, const struct dt_inbox_message *m)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    DT_CLEANUP(dt_rejoin_row_clear) struct dt_rejoin_row row = {0};
    struct dt_rules rules;
    struct dt_rejoin q;
    uint32_t leaf = 0;
    bool there = false;
    enum dt_err err;

    /* The first counts: a copy of it, which any member can send, must not undo what it began. */
    if ((err = dt_rejoin_decode(m->rejoin, &q)) != DT_OK ||
        (err = dt_store_has(a->store, "rejoin", dt_view_of(q.invitation_id), &there)) != DT_OK ||
        there || (err = dt_channel_load_live(a, q.group_id, &ch)) != DT_OK)
        return err;
    rules = dt_channel_rules(a, &ch);
    if (!dt_seat_find(ch.group, q.old_invitation_id, &leaf))
        return dt_fail(DT_ERR_REFUSED, "a request to re-join by someone who has no seat");
    if ((err = dt_seat_of(&rules, ch.group, leaf, &s)) != DT_OK ||
        (err = dt_rejoin_verify(&q, dt_view_of(s.letter.key))) != DT_OK)
        return err;
    row.request.max = 1024;
    row.key_package.max = DT_KEY_PACKAGE_MAX;
    memcpy(row.invitation_id, q.invitation_id, 16);
    memcpy(row.group_id, q.group_id, 32);
    if ((err = dt_buf_set(&row.request, m->rejoin)) != DT_OK)
        return err;
    return rejoin_save(a, &row);
}

enum dt_err
dt_rejoin_key_package(struct dt_agent *a, const struct dt_inbox_message *m)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_rejoin_row_clear) struct dt_rejoin_row row = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct dt_rules rules;
    struct dt_rejoin q;
    size_t party = 0;
    enum dt_err err = dt_rejoin_row_load(a, m->invitation_id, &row);

    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_REFUSED, "a key package that nobody asked for");
    if (err != DT_OK || (err = dt_rejoin_decode(dt_buf_view(&row.request), &q)) != DT_OK ||
        (err = dt_channel_load_live(a, row.group_id, &ch)) != DT_OK)
        return err;
    if (row.key_package.n > 0)
        return DT_OK;
    rules = dt_channel_rules(a, &ch);
    if ((err = dt_key_package_check(a, &rules, m->key_package, q.letter_hash, q.invitation_id)) !=
            DT_OK ||
        (err = dt_letter_take(a, m->sender_letter, &l, &party)) != DT_OK)
        return err;
    if (memcmp(l.hash, q.letter_hash, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "a request to re-join comes with another letter");
    if ((err = dt_letter_keep(a, &l, party, m->sender_letter)) != DT_OK ||
        (err = dt_buf_set(&row.key_package, m->key_package)) != DT_OK ||
        (err = rejoin_save(a, &row)) != DT_OK)
        return err;
    return dt_intent_add(a, row.group_id, DT_INTENT_REJOIN, row.invitation_id, dt_view(NULL, 0));
}
