/*
 * agent/talk/session.c - releasing session keys: when, and what follows; see session.h.
 *
 * Source: docs/protocol-channel.md "Session keys"; DESIGN "Two lanes".
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/talk/session_internal.h"

/* ---- how often ---- */

enum dt_err
dt_agent_rotate_every(struct dt_agent *a, uint64_t ms)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(8);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    if (ms < DT_ROTATE_EVERY_MIN_MS || ms > DT_ROTATE_EVERY_MAX_MS)
        return dt_fail(DT_ERR_RANGE, "session keys are replaced every 1 hour to 3 days");
    dt_write_u64(&w, ms);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "self", dt_view_str("rotate_every"), dt_buf_view(&value));
}

enum dt_err
dt_agent_rotates_every(struct dt_agent *a, uint64_t *out_ms)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(8);
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "self", dt_view_str("rotate_every"), &value);

    *out_ms = DT_ROTATE_EVERY_MS;
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    r = dt_reader_init(dt_buf_view(&value));
    err = dt_read_u64(&r, out_ms);
    return err != DT_OK ? err : dt_read_end(&r);
}

/* ---- what a release waits for ---- */

/* The member at ${leaf}, which was checked when it came in; false: none. */
static bool
voucher_at(const struct mls_group *g, uint32_t leaf, struct dt_voucher *out)
{
    struct mls_member m;
    struct dt_view letter;

    return mls_group_member(g, leaf, &m) && dt_credential_decode(m.identity, &letter, out) == DT_OK;
}

/* The first leaf from *${leaf} on that has not closed ${epoch}; NOT_FOUND: all have. */
static enum dt_err
next_open(struct dt_agent *a, const struct dt_channel *ch, uint64_t epoch, uint32_t *leaf)
{
    uint32_t n = mls_group_n_leaves(ch->group);

    for (; *leaf < n; (*leaf)++) {
        struct dt_voucher v;
        uint64_t closed = 0;
        enum dt_err err;

        if (!voucher_at(ch->group, *leaf, &v))
            continue;
        err = dt_closing_of_seat(a, ch->group_id, v.invitation_id, &closed);
        if (err != DT_OK || closed <= epoch)
            return err;
    }
    return DT_ERR_NOT_FOUND;
}

/* The end of its voucher, and the hour by which clocks may differ. */
static uint64_t
until(const struct dt_voucher *v)
{
    return v->not_after_ms + DT_RELEASE_AFTER_MS;
}

/* Is it on a leaf? Then it is not replaced, whatever is kept of it. */
static bool
is_seated(const struct mls_group *g, const uint8_t pub[static 32])
{
    uint32_t n = mls_group_n_leaves(g);

    for (uint32_t leaf = 0; leaf < n; leaf++) {
        struct mls_member m;

        if (mls_group_member(g, leaf, &m) && dt_view_equal(m.signature_key, dt_view(pub, 32)))
            return true;
    }
    return false;
}

static enum dt_err
may_release(struct dt_agent *a, const struct dt_channel *ch, const struct dt_spent *x, bool *out)
{
    uint32_t leaf = 0;
    enum dt_err err;

    *out = false;
    /* Sent once more when it did not come back: it may have been lost with a relay or a home. */
    if (x->seed.n == 0 || dt_agent_now(a) <= until(&x->voucher) ||
        (x->sent_ms != 0 && dt_agent_now(a) < x->sent_ms + DT_CALL_AGAIN_MS) ||
        x->epoch >= mls_group_epoch(ch->group) || is_seated(ch->group, x->pub))
        return DT_OK;
    err = next_open(a, ch, x->epoch, &leaf);
    *out = err == DT_ERR_NOT_FOUND;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- giving it away ---- */

static enum dt_err
give(struct dt_agent *a, const struct dt_channel *ch, struct dt_spent *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf voucher = DT_BUF_INIT(DT_VOUCHER_MAX);
    struct dt_payload p = {.kind = DT_PAYLOAD_RELEASED,
                           .sent_ms = dt_agent_now(a),
                           .key = dt_secret_view(&x->seed),
                           .leaf = x->leaf,
                           .epoch = x->epoch};
    enum dt_err err;

    if ((err = dt_voucher_encode(&x->voucher, &voucher)) != DT_OK ||
        (err = dt_random(p.id, sizeof p.id)) != DT_OK)
        return err;
    p.voucher = dt_buf_view(&voucher);
    if ((err = dt_channel_send(a, ch->group_id, &p)) != DT_OK)
        return err;
    x->sent_ms = dt_agent_now(a);
    return dt_spent_put(a, ch->group_id, x);
}

enum dt_err
dt_release_step(struct dt_agent *a, const struct dt_channel *ch)
{
    uint64_t at = 0;
    bool doubt = false;
    enum dt_err err = dt_closing_doubt(a, ch, &doubt);

    while (err == DT_OK && !doubt) {
        DT_CLEANUP(dt_spent_clear) struct dt_spent x = {0};
        bool may = false;

        if ((err = dt_spent_next(a, ch->group_id, at, &x)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = x.seq + 1;
        if ((err = may_release(a, ch, &x, &may)) == DT_OK && may)
            err = give(a, ch, &x);
    }
    return err;
}

/* ---- taking it ---- */

/* AUTH, REFUSED, FORMAT unless it is what its sender may release. */
static enum dt_err
check(struct dt_agent *a, const struct dt_channel *ch, const struct dt_incoming *in,
      struct dt_voucher *v)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    const struct dt_payload *p = in->payload;
    uint8_t pub[32];
    enum dt_err err;

    if ((err = dt_voucher_decode(p->voucher, v)) != DT_OK ||
        (err = dt_voucher_verify(v, dt_view_of(in->letter->key))) != DT_OK ||
        (err = dt_secret_set(&seed, p->key)) != DT_OK ||
        (err = dt_ed25519_pub(dt_secret_view(&seed), pub)) != DT_OK)
        return err;
    if (memcmp(v->forum, a->forum, 32) != 0 || memcmp(v->group_id, ch->group_id, 32) != 0 ||
        memcmp(v->session_key, pub, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "a session key that is not what its voucher says");
    if (p->epoch >= in->epoch || is_seated(ch->group, pub))
        return dt_fail(DT_ERR_REFUSED, "a session key that is not replaced");
    return DT_OK;
}

/* What was wrong with the time of a release that stands all the same: the key is out. */
static enum dt_err
note_early(struct dt_agent *a, const struct dt_channel *ch, const struct dt_incoming *in,
           const struct dt_voucher *v)
{
    struct dt_person who;
    uint64_t closed = 0;
    enum dt_err err = dt_closing_own(a, ch->group_id, &closed);

    if (err != DT_OK || in->own)
        return err;
    dt_person_from(a, in->letter, in->party, &who);
    if (closed <= in->payload->epoch)
        err = dt_alarm_add(a, DT_ALARM_RELAY, ch->group_id, in->position, &who,
                           "a session key was released before we had closed epoch %llu: what we "
                           "hold of that epoch under it may be anybody's",
                           (unsigned long long)in->payload->epoch);
    if (err == DT_OK && dt_agent_now(a) <= v->not_after_ms)
        err = dt_alarm_add(a, DT_ALARM_RELAY, ch->group_id, in->position, &who,
                           "a session key was released before its voucher had run out: until then "
                           "others can be shown a channel in which it speaks");
    return err;
}

/* The key is no secret any more: it is kept as it came, and our own copy of it goes. */
static enum dt_err
keep(struct dt_agent *a, const struct dt_channel *ch, const struct dt_payload *p,
     const uint8_t pub[static 32])
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(1024);
    struct dt_view parent = dt_view_of(ch->group_id);
    uint8_t key[64];
    uint64_t seq = 0;
    bool has = false;
    enum dt_err err;

    memcpy(key, ch->group_id, 32);
    memcpy(key + 32, pub, 32);
    err = dt_store_del(a->store, "spent", dt_view_of(key));
    if ((err != DT_OK && err != DT_ERR_NOT_FOUND) ||
        (err = dt_store_has(a->store, "released", dt_view_of(key), &has)) != DT_OK || has ||
        (err = dt_payload_encode(p, &value)) != DT_OK ||
        (err = dt_store_next_seq(a->store, "released", parent, &seq)) != DT_OK)
        return err;
    return dt_store_put(a->store, "released", dt_view_of(key), parent, seq, dt_buf_view(&value));
}

enum dt_err
dt_release_take(struct dt_agent *a, struct dt_channel *ch, const struct dt_incoming *in,
                bool *out_forgot)
{
    struct dt_voucher v;
    enum dt_err err;

    if ((err = check(a, ch, in, &v)) != DT_OK || (err = note_early(a, ch, in, &v)) != DT_OK ||
        (err = keep(a, ch, in->payload, v.session_key)) != DT_OK)
        return err;
    mls_group_forget_past(ch->group, in->payload->epoch);
    *out_forgot = true;
    return DT_OK;
}

/* ---- for people ---- */

/* Has the delegate a seat? */
static bool
has_seat(const struct mls_group *g, const uint8_t delegate[static 32])
{
    uint32_t n = mls_group_n_leaves(g);

    for (uint32_t leaf = 0; leaf < n; leaf++) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
        struct dt_voucher v;
        struct dt_view letter;
        struct mls_member m;

        if (mls_group_member(g, leaf, &m) &&
            dt_credential_decode(m.identity, &letter, &v) == DT_OK &&
            dt_letter_decode(letter, &l) == DT_OK && memcmp(l.key, delegate, 32) == 0)
            return true;
    }
    return false;
}

static enum dt_err
waits_for(struct dt_agent *a, const struct dt_channel *ch, uint64_t epoch,
          struct dt_unreleased *out)
{
    uint32_t leaf = 0;
    enum dt_err err;

    for (; (err = next_open(a, ch, epoch, &leaf)) == DT_OK; leaf++) {
        struct dt_voucher v;
        bool known = false;

        if (out->n_waits < DT_UNRELEASED_WAITS && voucher_at(ch->group, leaf, &v) &&
            (err = dt_person_by_hash(a, v.letter_hash, &known, &out->waits[out->n_waits])) != DT_OK)
            return err;
        out->n_waits++;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
describe(struct dt_agent *a, const struct dt_channel *ch, const struct dt_spent *x,
         struct dt_unreleased *out)
{
    enum dt_err err;

    *out = (struct dt_unreleased){.serial = x->voucher.serial,
                                  .epoch = x->epoch,
                                  .replaced_ms = x->replaced_ms,
                                  .until_ms = until(&x->voucher),
                                  .gone = !has_seat(ch->group, x->delegate)};
    if ((err = dt_person_by_hash(a, x->letter_hash, &out->known, &out->who)) != DT_OK)
        return err;
    out->lost = memcmp(x->delegate, a->delegate_pub, 32) == 0 && x->seed.n == 0;
    return out->gone ? DT_OK : waits_for(a, ch, x->epoch, out);
}

static enum dt_err
list(struct dt_agent *a, const struct dt_channel *ch, struct dt_unreleased **v, size_t *n)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_spent_clear) struct dt_spent x = {0};
        struct dt_unreleased *grown;

        if ((err = dt_spent_next(a, ch->group_id, at, &x)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = x.seq + 1;
        grown = dt_realloc(*v, *n + 1, sizeof *grown);
        if (grown == NULL)
            return dt_nomem();
        *v = grown;
        if ((err = describe(a, ch, &x, &grown[*n])) != DT_OK)
            return err;
        (*n)++;
    }
}

enum dt_err
dt_agent_unreleased(struct dt_agent *a, const uint8_t group_id[static 32],
                    struct dt_unreleased **out, size_t *out_n)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_unreleased *v = NULL;
    size_t n = 0;
    enum dt_err err = dt_channel_load(a, group_id, &ch);

    if (err == DT_OK && ch.group != NULL && mls_group_is_member(ch.group))
        err = list(a, &ch, &v, &n);
    if (err != DT_OK) {
        dt_free(v);
        return err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}
