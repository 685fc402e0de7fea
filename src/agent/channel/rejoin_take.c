/*
 * agent/channel/rejoin_take.c - others' requests to be put in anew, until we commit one.
 *
 * Source: DESIGN "Warrants"; docs/protocol-agent.md "Removal, leaving, re-join".
 */
#include <string.h>

#include "base/wire.h"

#include "agent/sync/flows.h"

#define REJOIN_MAX (DT_KEY_PACKAGE_MAX + 1024u)

void
dt_rejoin_row_clear(struct dt_rejoin_row *x)
{
    if (x == NULL)
        return;
    dt_buf_clear(&x->request);
    dt_buf_clear(&x->key_package);
}

static enum dt_err
read_row(struct dt_view v, bool whose, struct dt_rejoin_row *x)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view request, kp;
    enum dt_err err;

    if ((err = dt_read_fixed(&r, x->group_id, 32)) != DT_OK ||
        (whose && (err = dt_read_u64(&r, &x->number)) != DT_OK) ||
        (whose && (err = dt_read_fixed(&r, x->sender, 32)) != DT_OK) ||
        (err = dt_read_vec(&r, 1024, &request)) != DT_OK ||
        (err = dt_read_vec(&r, DT_KEY_PACKAGE_MAX, &kp)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "re-join row");
    x->request.max = 1024;
    x->key_package.max = DT_KEY_PACKAGE_MAX;
    err = dt_buf_set(&x->request, request);
    return err != DT_OK ? err : dt_buf_set(&x->key_package, kp);
}

/* NOT_FOUND for what cannot be read: the member who asked asks again, and nothing else stops for
 * it. The version before kept no number and no sender. */
static enum dt_err
decode(struct dt_view v, struct dt_rejoin_row *x)
{
    enum dt_err err = read_row(v, true, x);

    if (err == DT_OK || dt_err_is_local(err))
        return err;
    x->number = 0;
    memset(x->sender, 0, sizeof x->sender);
    err = read_row(v, false, x);
    if (err == DT_OK || dt_err_is_local(err))
        return err;
    return dt_fail(DT_ERR_NOT_FOUND, "a row of the store is damaged");
}

enum dt_err
dt_rejoin_row_load(struct dt_agent *a, const uint8_t invitation_id[static 16],
                   struct dt_rejoin_row *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(REJOIN_MAX);
    enum dt_err err = dt_store_get_blob(a->store, "rejoin", dt_view(invitation_id, 16), &value);

    if (err != DT_OK)
        return err;
    memcpy(out->invitation_id, invitation_id, 16);
    return decode(dt_buf_view(&value), out);
}

static enum dt_err
rejoin_save(struct dt_agent *a, const struct dt_rejoin_row *x)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(REJOIN_MAX);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    dt_write_view(&w, dt_view_of(x->group_id));
    dt_write_u64(&w, x->number);
    dt_write_view(&w, dt_view_of(x->sender));
    dt_write_vec(&w, dt_buf_view(&x->request));
    dt_write_vec(&w, dt_buf_view(&x->key_package));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put(a->store, "rejoin", dt_view_of(x->invitation_id), dt_view(NULL, 0),
                        x->number, dt_buf_view(&value));
}

/* ---- few are kept ---- */

/* Is its Commit of ours on its way? Then the Welcome will need the row. */
static enum dt_err
is_pending(struct dt_agent *a, const struct dt_rejoin_row *x, bool *out)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err = dt_channel_load_row(a, x->group_id, &ch);

    *out = err == DT_OK && ch.pending && ch.pending_kind == DT_INTENT_REJOIN &&
           memcmp(ch.pending_intent, x->invitation_id, 16) == 0;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
drop(struct dt_agent *a, const struct dt_rejoin_row *x)
{
    enum dt_err err = dt_intent_del(a, x->group_id, x->invitation_id);

    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    return dt_store_del(a->store, "rejoin", dt_view_of(x->invitation_id));
}

/* What is to go for one more: of all, or of one sender. */
struct oldest {
    size_t n;
    bool any;
    struct dt_rejoin_row row; /* its ids alone */
};

static enum dt_err
count(struct dt_agent *a, const struct dt_rejoin_row *x, struct oldest *o)
{
    bool pending = false;
    enum dt_err err = DT_OK;

    o->n++;
    if (o->any || (err = is_pending(a, x, &pending)) != DT_OK || pending)
        return err;
    o->any = true;
    memcpy(o->row.invitation_id, x->invitation_id, 16);
    memcpy(o->row.group_id, x->group_id, 32);
    return DT_OK;
}

/* Make room for ${more} of its sender's, whose own oldest in that channel goes first: a member that
 * asks again and again takes the place of nobody else before all the room is used. */
static enum dt_err
make_room(struct dt_agent *a, const struct dt_rejoin_row *more)
{
    static const uint8_t nobody[32];
    struct oldest all = {0}, its = {0};
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        DT_CLEANUP(dt_rejoin_row_clear) struct dt_rejoin_row x = {0};

        if ((err = dt_store_next(a->store, "rejoin", dt_view(NULL, 0), at, &row)) != DT_OK)
            break;
        at = row.seq;
        if (row.key.n != 16)
            return dt_fail(DT_ERR_FORMAT, "a row of the store is damaged");
        memcpy(x.invitation_id, row.key.p, 16);
        err = decode(dt_buf_view(&row.value), &x);
        if (err == DT_ERR_NOT_FOUND) { /* its channel stands first in every version */
            if ((err = drop(a, &x)) != DT_OK)
                return err;
            continue;
        }
        if (err == DT_OK && row.seq == 0 && memcmp(x.sender, nobody, 32) == 0) {
            /* Rows of the version before all stand in one place. */
            if ((err = dt_store_next_seq(a->store, "rejoin", dt_view(NULL, 0), &x.number)) !=
                    DT_OK ||
                (err = rejoin_save(a, &x)) != DT_OK)
                return err;
            continue;
        }
        at = row.seq + 1;
        if (err != DT_OK || (err = count(a, &x, &all)) != DT_OK)
            return err;
        if (memcmp(x.sender, more->sender, 32) == 0 &&
            memcmp(x.group_id, more->group_id, 32) == 0 && (err = count(a, &x, &its)) != DT_OK)
            return err;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    if (its.n >= DT_REJOINS_SENDER && its.any)
        return drop(a, &its.row);
    return all.n >= DT_REJOINS_KEPT && all.any ? drop(a, &all.row) : DT_OK;
}

/* ---- requests, and the key packages that follow them ---- */

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
    if (memcmp(q.forum, a->forum, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "a re-join request is for something else");
    row.request.max = 1024;
    row.key_package.max = DT_KEY_PACKAGE_MAX;
    memcpy(row.invitation_id, q.invitation_id, 16);
    memcpy(row.group_id, q.group_id, 32);
    memcpy(row.sender, s.letter.key, 32);
    if ((err = make_room(a, &row)) != DT_OK ||
        (err = dt_store_next_seq(a->store, "rejoin", dt_view(NULL, 0), &row.number)) != DT_OK ||
        (err = dt_buf_set(&row.request, m->rejoin)) != DT_OK)
        return err;
    return rejoin_save(a, &row);
}

/* The seat is given up for one of the same delegate, by the same party: a Commit with another is
 * passed over by all, and none is made. */
static enum dt_err
same_delegate(const struct dt_rules *rules, const struct dt_channel *ch, const struct dt_rejoin *q,
              const struct dt_letter *l, size_t party)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    uint32_t leaf = 0;
    enum dt_err err;

    if (!dt_seat_find(ch->group, q->old_invitation_id, &leaf))
        return dt_fail(DT_ERR_REFUSED, "a request to re-join by someone who has no seat");
    if ((err = dt_seat_of(rules, ch->group, leaf, &s)) != DT_OK)
        return err;
    if (s.party != party || memcmp(s.letter.key, l->key, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "a re-join would seat another delegate");
    return DT_OK;
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
    if ((err = same_delegate(&rules, &ch, &q, &l, party)) != DT_OK ||
        (err = dt_letter_keep(a, &l, party, m->sender_letter)) != DT_OK ||
        (err = dt_buf_set(&row.key_package, m->key_package)) != DT_OK ||
        (err = rejoin_save(a, &row)) != DT_OK)
        return err;
    return dt_intent_add(a, row.group_id, DT_INTENT_REJOIN, row.invitation_id, dt_view(NULL, 0));
}

/* ---- committing one although the channel is not confirmed ---- */

/* The seats that requests waiting for a Commit of ours give up: 16 bytes each, into ${out}. */
static enum dt_err
seats_given_up(struct dt_agent *a, const struct dt_channel *ch, struct dt_buf *out)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_intent_clear) struct dt_intent x = {0};
        DT_CLEANUP(dt_rejoin_row_clear) struct dt_rejoin_row row = {0};
        struct dt_rejoin q;

        if ((err = dt_intent_next(a, ch->group_id, at, &x)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = x.seq + 1;
        if (x.kind != DT_INTENT_REJOIN)
            continue;
        err = dt_rejoin_row_load(a, x.id, &row);
        if (err == DT_ERR_NOT_FOUND)
            continue; /* its Commit will find that, too */
        if (err != DT_OK || (err = dt_rejoin_decode(dt_buf_view(&row.request), &q)) != DT_OK ||
            (err = dt_buf_append(out, dt_view_of(q.old_invitation_id))) != DT_OK)
            return err;
    }
}

static bool
is_given_up(const struct dt_buf *seats, const uint8_t seat[static 16])
{
    for (size_t i = 0; i < seats->n; i += 16)
        if (memcmp(seats->p + i, seat, 16) == 0)
            return true;
    return false;
}

enum dt_err
dt_rejoin_unblocks(struct dt_agent *a, const struct dt_channel *ch, bool *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf seats = DT_BUF_INIT(DT_REJOINS_KEPT * 16u);
    struct dt_rules rules = dt_channel_rules(a, ch);
    uint32_t missing = dt_channel_parties(ch) & ~ch->here & ~(UINT32_C(1) << a->party);
    uint32_t asks = 0, waits = 0, n = mls_group_n_leaves(ch->group);
    enum dt_err err = seats_given_up(a, ch, &seats);

    *out = false;
    if (err != DT_OK || seats.n == 0)
        return err;
    for (uint32_t leaf = 0; leaf < n; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};

        err = dt_seat_of(&rules, ch->group, leaf, &s);
        if (err == DT_ERR_NOT_FOUND)
            continue;
        if (err != DT_OK)
            return err;
        if (is_given_up(&seats, s.voucher.invitation_id))
            asks |= UINT32_C(1) << s.party;
        else
            waits |= UINT32_C(1) << s.party;
    }
    *out = (missing & ~(asks & ~waits)) == 0;
    return DT_OK;
}
