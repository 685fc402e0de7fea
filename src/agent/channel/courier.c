/*
 * agent/channel/courier.c - see courier.h.
 *
 * Rows: "courier" (group id, key id): a key that is not committed; "courier_ack" (group id, key id,
 * invitation id): who confirmed it; "courier_done" (group id): when the last one was committed.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/channel/courier.h"
#include "agent/sync/flows.h"

#define ROW_MAX   128u
#define RENEW_MAX (UINT64_C(36525) * 24 * 3600 * 1000) /* a century; a member's word */
#define ACKS_MAX  64u /* of one seat, for keys that are not committed */

/* ---- rows ---- */

struct key_name {
    uint8_t group_id[32], id[DT_COURIER_ID];
};

static struct key_name
name_of(const uint8_t group_id[static 32], const uint8_t id[static DT_COURIER_ID])
{
    struct key_name n;

    memcpy(n.group_id, group_id, 32);
    memcpy(n.id, id, DT_COURIER_ID);
    return n;
}

static struct dt_view
name_view(const struct key_name *n)
{
    return dt_view((const uint8_t *)n, sizeof *n);
}

struct key_row {
    uint64_t since_ms;
    bool confirmed;
    struct dt_secret key;
};

static void
key_row_clear(struct key_row *x)
{
    dt_secret_clear(&x->key);
}

static enum dt_err
key_decode(struct dt_view bytes, struct key_row *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    uint8_t confirmed = 0;
    struct dt_view key;
    enum dt_err err;

    if ((err = dt_read_u64(&r, &out->since_ms)) == DT_OK &&
        (err = dt_read_u8(&r, &confirmed)) == DT_OK &&
        (err = dt_read_vec(&r, DT_COURIER_KEY, &key)) == DT_OK && (err = dt_read_end(&r)) == DT_OK)
        err = dt_secret_set(&out->key, key);
    out->confirmed = confirmed != 0;
    return dt_fail_context(err, "row of a courier key");
}

/* The first key from place ${*at} of the channel's list on; ${*at} moves behind it. NOT_FOUND. */
static enum dt_err
key_next(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t *at,
         uint8_t out_id[static DT_COURIER_ID], struct key_row *out)
{
    struct dt_store_row row = {0};
    enum dt_err err = dt_store_next(a->store, "courier", dt_view(group_id, 32), *at, &row);

    *at = row.seq + 1;
    if (err == DT_OK && row.key.n != sizeof(struct key_name))
        err = dt_fail(DT_ERR_FORMAT, "a courier key's row has no name");
    if (err == DT_OK) {
        memcpy(out_id, row.key.p + 32, DT_COURIER_ID);
        err = key_decode(dt_buf_view(&row.value), out);
    }
    dt_buf_wipe(&row.value);
    dt_store_row_clear(&row);
    return err;
}

static enum dt_err
key_load(struct dt_agent *a, const uint8_t group_id[static 32],
         const uint8_t id[static DT_COURIER_ID], struct key_row *out, uint64_t *out_seq)
{
    uint8_t got[DT_COURIER_ID];
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(key_row_clear) struct key_row x = {0};

        if ((err = key_next(a, group_id, &at, got, &x)) != DT_OK)
            break;
        if (memcmp(got, id, sizeof got) == 0) {
            *out = x;
            x = (struct key_row){0}; /* moved */
            *out_seq = at - 1;
            return DT_OK;
        }
    }
    return err == DT_ERR_NOT_FOUND ? dt_fail(DT_ERR_NOT_FOUND, "there is no such courier key here")
                                   : err;
}

static enum dt_err
key_save(struct dt_agent *a, const uint8_t group_id[static 32],
         const uint8_t id[static DT_COURIER_ID], const struct key_row *x, uint64_t seq)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    const struct key_name n = name_of(group_id, id);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_u64(&w, x->since_ms);
    dt_write_u8(&w, x->confirmed);
    dt_write_vec(&w, dt_secret_view(&x->key));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put(a->store, "courier", name_view(&n), dt_view(group_id, 32), seq,
                        dt_buf_view(&b));
}

void
dt_courier_held_clear(struct dt_courier_held *h)
{
    for (size_t i = 0; i < h->n; i++)
        dt_secret_clear(&h->key[i]);
    h->n = 0;
}

enum dt_err
dt_courier_held_load(struct dt_agent *a, const uint8_t group_id[static 32],
                     struct dt_courier_held *out)
{
    uint64_t at = 0;
    enum dt_err err = DT_OK;

    while (err == DT_OK && out->n < DT_COURIER_KEYS) {
        DT_CLEANUP(key_row_clear) struct key_row x = {0};

        if ((err = key_next(a, group_id, &at, out->id[out->n], &x)) == DT_OK)
            dt_secret_move(&out->key[out->n++], &x.key);
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- who confirmed ---- */

static enum dt_err
ack_find(struct dt_agent *a, const struct key_name *n, const uint8_t invitation_id[static 16],
         struct dt_courier_ack *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf key = DT_BUF_INIT(ROW_MAX);
    enum dt_err err;

    if ((err = dt_buf_append(&key, name_view(n))) != DT_OK ||
        (err = dt_buf_append(&key, dt_view(invitation_id, 16))) != DT_OK ||
        (err = dt_store_get_blob(a->store, "courier_ack", dt_buf_view(&key), &b)) != DT_OK)
        return err;
    return dt_courier_ack_decode(dt_buf_view(&b), out);
}

static enum dt_err
ack_save(struct dt_agent *a, const struct key_name *n, const struct dt_courier_ack *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf key = DT_BUF_INIT(ROW_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf parent = DT_BUF_INIT(ROW_MAX);
    uint64_t seq = 0, count = 0;
    bool has = false;
    enum dt_err err;

    /* By seat, so that one that confirms whatever comes to its mind takes up only so much room. */
    if ((err = dt_buf_append(&key, name_view(n))) != DT_OK ||
        (err = dt_buf_append(&key, dt_view_of(x->invitation_id))) != DT_OK ||
        (err = dt_buf_append(&parent, dt_view_of(n->group_id))) != DT_OK ||
        (err = dt_buf_append(&parent, dt_view_of(x->invitation_id))) != DT_OK ||
        (err = dt_store_has(a->store, "courier_ack", dt_buf_view(&key), &has)) != DT_OK || has ||
        (err = dt_store_count(a->store, "courier_ack", dt_buf_view(&parent), &count)) != DT_OK)
        return err;
    if (count >= ACKS_MAX)
        return dt_fail(DT_ERR_REFUSED, "it confirms more courier keys than a channel has");
    if ((err = dt_store_next_seq(a->store, "courier_ack", dt_buf_view(&parent), &seq)) != DT_OK ||
        (err = dt_courier_ack_encode(x, &b)) != DT_OK)
        return err;
    return dt_store_put(a->store, "courier_ack", dt_buf_view(&key), dt_buf_view(&parent), seq,
                        dt_buf_view(&b));
}

/* The acks of all members into ${acks}; and how many of how many there are. */
static enum dt_err
acks_gather(struct dt_agent *a, const struct dt_channel *ch, const struct key_name *n,
            struct dt_buf *acks, size_t *out_members, size_t *out_acks)
{
    uint32_t n_leaves = mls_group_n_leaves(ch->group);
    enum dt_err err;

    *out_members = *out_acks = 0;
    for (uint32_t leaf = 0; leaf < n_leaves; leaf++) {
        struct dt_courier_ack ack;
        struct dt_voucher v;
        struct dt_view letter;
        struct mls_member m;

        if (!mls_group_member(ch->group, leaf, &m))
            continue;
        ++*out_members;
        if ((err = dt_credential_decode(m.identity, &letter, &v)) != DT_OK)
            return err;
        err = ack_find(a, n, v.invitation_id, &ack);
        if (err == DT_ERR_NOT_FOUND)
            continue;
        if (err != DT_OK || (acks != NULL && (err = dt_courier_acks_add(acks, &ack)) != DT_OK))
            return err;
        ++*out_acks;
    }
    return DT_OK;
}

enum dt_err
dt_courier_ack_take(struct dt_agent *a, const struct dt_channel *ch, const struct dt_incoming *in,
                    const struct dt_seat *s)
{
    const struct dt_courier_channel c = dt_agent_courier_channel(a, ch->group_id);
    struct dt_rules rules = dt_channel_rules(a, ch);
    struct dt_courier_ack ack;
    struct key_name n;
    bool used = false;
    enum dt_err err;

    if ((err = dt_courier_ack_decode(in->payload->courier, &ack)) != DT_OK)
        return err;
    if (memcmp(ack.invitation_id, s->voucher.invitation_id, 16) != 0)
        return dt_fail(DT_ERR_REFUSED, "a courier key is confirmed in another's name");
    if ((err = dt_courier_ack_verify(&c, &ack, dt_view_of(s->letter.key))) != DT_OK ||
        (err = dt_courier_used(&rules, ack.key_id, &used)) != DT_OK || used)
        return err;
    n = name_of(ch->group_id, ack.key_id);
    return ack_save(a, &n, &ack);
}

/* ---- for programs ---- */

struct dt_courier_channel
dt_agent_courier_channel(const struct dt_agent *a, const uint8_t group_id[static 32])
{
    return (struct dt_courier_channel){a->forum, group_id};
}

static enum dt_err
keep_key(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_secret *key,
         uint8_t out_id[static DT_COURIER_ID])
{
    const struct dt_courier_channel c = dt_agent_courier_channel(a, group_id);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(key_row_clear) struct key_row x = {.since_ms = dt_agent_now(a)}, there = {0};
    uint64_t count = 0, seq = 0;
    struct dt_rules rules;
    bool used = false;
    enum dt_err err;

    if ((err = dt_channel_load_live(a, group_id, &ch)) != DT_OK ||
        (err = dt_courier_id(&c, dt_secret_view(key), out_id)) != DT_OK)
        return err;
    rules = dt_channel_rules(a, &ch);
    if ((err = dt_courier_used(&rules, out_id, &used)) != DT_OK)
        return err;
    if (used)
        return dt_fail(DT_ERR_REFUSED, "this courier key was used in this channel already: have "
                                       "another one made");
    err = key_load(a, group_id, out_id, &there, &seq);
    if (err != DT_ERR_NOT_FOUND)
        return err;
    if ((err = dt_store_count(a->store, "courier", dt_view(group_id, 32), &count)) != DT_OK)
        return err;
    if (count >= DT_COURIER_KEYS)
        return dt_fail(DT_ERR_LIMIT,
                       "the channel has %llu courier keys that wait: commit or drop "
                       "one first",
                       (unsigned long long)count);
    if ((err = dt_store_next_seq(a->store, "courier", dt_view(group_id, 32), &seq)) != DT_OK)
        return err;
    dt_secret_move(&x.key, key);
    return key_save(a, group_id, out_id, &x, seq);
}

enum dt_err
dt_agent_courier_new(struct dt_agent *a, const uint8_t group_id[static 32],
                     uint8_t out_id[static DT_COURIER_ID])
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    uint8_t drawn[DT_COURIER_KEY];
    enum dt_err err;

    if ((err = dt_random(drawn, sizeof drawn)) == DT_OK)
        err = dt_secret_set(&key, dt_view_of(drawn));
    dt_wipe(drawn, sizeof drawn);
    if (err != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, keep_key(a, group_id, &key, out_id));
}

enum dt_err
dt_agent_courier_take(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view key,
                      uint8_t out_id[static DT_COURIER_ID])
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret k = {0};
    enum dt_err err;

    if ((err = dt_secret_set(&k, key)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, keep_key(a, group_id, &k, out_id));
}

enum dt_err
dt_agent_courier_key(struct dt_agent *a, const uint8_t group_id[static 32],
                     const uint8_t id[static DT_COURIER_ID], struct dt_secret *out)
{
    DT_CLEANUP(key_row_clear) struct key_row x = {0};
    uint64_t seq = 0;
    enum dt_err err = key_load(a, group_id, id, &x, &seq);

    if (err == DT_OK)
        dt_secret_move(out, &x.key);
    return err;
}

enum dt_err
dt_agent_courier_keys(struct dt_agent *a, const uint8_t group_id[static 32],
                      struct dt_courier_info **out, size_t *out_n)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_courier_info *v = dt_alloc(DT_COURIER_KEYS, sizeof *v);
    uint64_t at = 0;
    size_t n = 0;
    enum dt_err err;

    if (v == NULL)
        return dt_nomem();
    err = dt_channel_load_live(a, group_id, &ch);
    while (err == DT_OK && n < DT_COURIER_KEYS) {
        DT_CLEANUP(key_row_clear) struct key_row x = {0};
        struct key_name name;

        if ((err = key_next(a, group_id, &at, v[n].id, &x)) != DT_OK)
            break;
        v[n].since_ms = x.since_ms;
        v[n].confirmed = x.confirmed;
        name = name_of(group_id, v[n].id);
        err = acks_gather(a, &ch, &name, NULL, &v[n].members, &v[n].confirmations);
        n++;
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND) {
        dt_free(v);
        return err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}

/* Sign for our present seat that we hold the key, and say so in the channel. */
static enum dt_err
say_ack(struct dt_agent *a, const struct dt_channel *ch, const uint8_t id[static DT_COURIER_ID])
{
    const struct dt_courier_channel c = dt_agent_courier_channel(a, ch->group_id);
    const struct key_name n = name_of(ch->group_id, id);
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(ROW_MAX);
    struct dt_payload p = {.kind = DT_PAYLOAD_COURIER, .sent_ms = dt_agent_now(a)};
    struct dt_courier_ack ack;
    enum dt_err err;

    memcpy(ack.key_id, id, DT_COURIER_ID);
    memcpy(ack.invitation_id, ch->invitation_id, 16);
    if ((err = dt_courier_ack_sign(&c, &ack, dt_secret_view(&a->delegate_seed))) != DT_OK ||
        (err = dt_courier_ack_encode(&ack, &body)) != DT_OK ||
        (err = dt_random(p.id, sizeof p.id)) != DT_OK || (err = ack_save(a, &n, &ack)) != DT_OK)
        return err;
    p.courier = dt_buf_view(&body);
    return dt_channel_send(a, ch->group_id, &p);
}

enum dt_err
dt_courier_again(struct dt_agent *a, const struct dt_channel *ch)
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    uint8_t id[DT_COURIER_ID];
    uint64_t at = 0;
    enum dt_err err = DT_OK;

    while (err == DT_OK) {
        DT_CLEANUP(key_row_clear) struct key_row x = {0};
        bool used = false;

        if ((err = key_next(a, ch->group_id, &at, id, &x)) != DT_OK ||
            (err = dt_courier_used(&rules, id, &used)) != DT_OK)
            break;
        if (used) { /* while we were away */
            const struct key_name n = name_of(ch->group_id, id);

            err = dt_store_del(a->store, "courier", name_view(&n));
        } else if (x.confirmed) {
            err = say_ack(a, ch, id);
        }
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
confirm(struct dt_agent *a, const uint8_t group_id[static 32],
        const uint8_t id[static DT_COURIER_ID])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(key_row_clear) struct key_row x = {0};
    uint64_t seq = 0;
    enum dt_err err;

    if ((err = dt_channel_load_live(a, group_id, &ch)) != DT_OK ||
        (err = key_load(a, group_id, id, &x, &seq)) != DT_OK)
        return err;
    x.confirmed = true;
    if ((err = key_save(a, group_id, id, &x, seq)) != DT_OK)
        return err;
    return say_ack(a, &ch, id);
}

enum dt_err
dt_agent_courier_confirm(struct dt_agent *a, const uint8_t group_id[static 32],
                         const uint8_t id[static DT_COURIER_ID])
{
    enum dt_err err = dt_store_begin(a->store);

    return err != DT_OK ? err : dt_store_end(a->store, confirm(a, group_id, id));
}

static enum dt_err
drop(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t id[static DT_COURIER_ID])
{
    const struct key_name n = name_of(group_id, id);
    DT_CLEANUP(key_row_clear) struct key_row x = {0};
    uint64_t seq = 0;
    enum dt_err err = key_load(a, group_id, id, &x, &seq);

    if (err != DT_OK)
        return err;
    if (x.confirmed)
        return dt_fail(DT_ERR_REFUSED, "a courier key that was confirmed stays until it is "
                                       "committed: the others count on it");
    return dt_store_del(a->store, "courier", name_view(&n));
}

enum dt_err
dt_agent_courier_drop(struct dt_agent *a, const uint8_t group_id[static 32],
                      const uint8_t id[static DT_COURIER_ID])
{
    enum dt_err err = dt_store_begin(a->store);

    return err != DT_OK ? err : dt_store_end(a->store, drop(a, group_id, id));
}

enum dt_err
dt_agent_courier_seats(struct dt_agent *a, const uint8_t group_id[static 32],
                       const uint8_t id[static DT_COURIER_ID], struct dt_courier_seat **out,
                       size_t *out_n)
{
    const struct key_name name = name_of(group_id, id);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_courier_seat *v;
    uint32_t n_leaves;
    struct dt_rules rules;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_channel_load_live(a, group_id, &ch)) != DT_OK)
        return err;
    rules = dt_channel_rules(a, &ch);
    n_leaves = mls_group_n_leaves(ch.group);
    if ((v = dt_alloc(n_leaves, sizeof *v)) == NULL)
        return dt_nomem();
    for (uint32_t leaf = 0; err == DT_OK && leaf < n_leaves; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
        struct dt_courier_ack ack;

        err = dt_seat_of(&rules, ch.group, leaf, &s);
        if (err == DT_ERR_NOT_FOUND) {
            err = DT_OK;
            continue;
        }
        if (err != DT_OK)
            break;
        dt_person_from(a, &s.letter, s.party, &v[n].who);
        err = ack_find(a, &name, s.voucher.invitation_id, &ack);
        v[n++].confirmed = err == DT_OK;
        if (err == DT_ERR_NOT_FOUND)
            err = DT_OK;
    }
    if (err != DT_OK) {
        dt_free(v);
        return err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}

/* ---- committing ---- */

static enum dt_err
need_all(size_t members, size_t acks)
{
    return acks == members
               ? DT_OK
               : dt_fail(DT_ERR_REFUSED, "only %zu of %zu members have confirmed this courier key",
                         acks, members);
}

static enum dt_err
ask_commit(struct dt_agent *a, const uint8_t group_id[static 32],
           const uint8_t id[static DT_COURIER_ID], uint64_t renew_ms)
{
    const struct key_name n = name_of(group_id, id);
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(ROW_MAX);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(key_row_clear) struct key_row x = {0};
    struct dt_writer w = dt_writer_init(&body);
    uint64_t seq = 0;
    size_t members = 0, acks = 0;
    uint8_t intent[16];
    enum dt_err err;

    if ((err = dt_channel_load_live(a, group_id, &ch)) != DT_OK ||
        (err = key_load(a, group_id, id, &x, &seq)) != DT_OK ||
        (err = acks_gather(a, &ch, &n, NULL, &members, &acks)) != DT_OK ||
        (err = need_all(members, acks)) != DT_OK)
        return err;
    dt_write_view(&w, dt_view(id, DT_COURIER_ID));
    dt_write_u64(&w, renew_ms);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    memcpy(intent, id, sizeof intent); /* one intent a key, however often it is asked for */
    return dt_intent_add(a, group_id, DT_INTENT_COURIER, intent, dt_buf_view(&body));
}

enum dt_err
dt_agent_courier_commit(struct dt_agent *a, const uint8_t group_id[static 32],
                        const uint8_t id[static DT_COURIER_ID], uint64_t renew_ms)
{
    enum dt_err err = dt_store_begin(a->store);

    return err != DT_OK ? err : dt_store_end(a->store, ask_commit(a, group_id, id, renew_ms));
}

enum dt_err
dt_courier_warrant(struct dt_agent *a, const struct dt_channel *ch, const struct dt_intent *intent,
                   uint8_t out_id[static DT_COURIER_ID], struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf acks = DT_BUF_INIT(DT_WARRANT_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_WARRANT_MAX);
    struct dt_reader r = dt_reader_init(dt_buf_view(&intent->body));
    struct dt_rules rules = dt_channel_rules(a, ch);
    struct dt_warrant w = {.n_grounds = 1};
    struct dt_courier_ground x = {0};
    struct mls_member m;
    struct dt_voucher v;
    struct dt_view letter;
    struct key_name n;
    size_t members = 0, n_acks = 0;
    bool used = false;
    enum dt_err err;

    if ((err = dt_read_fixed(&r, x.key_id, sizeof x.key_id)) != DT_OK ||
        (err = dt_read_u64(&r, &x.renew_ms)) != DT_OK || (err = dt_read_end(&r)) != DT_OK ||
        (err = dt_courier_used(&rules, x.key_id, &used)) != DT_OK)
        return err;
    if (used)
        return dt_fail(DT_ERR_STATE, "the courier key is committed already");
    n = name_of(ch->group_id, x.key_id);
    if ((err = acks_gather(a, ch, &n, &acks, &members, &n_acks)) != DT_OK ||
        (err = need_all(members, n_acks)) != DT_OK)
        return err;
    if (!mls_group_member(ch->group, mls_group_own_leaf(ch->group), &m))
        return dt_fail(DT_ERR_INTERNAL, "our own leaf is blank");
    if ((err = dt_credential_decode(m.identity, &letter, &v)) != DT_OK)
        return err;
    x.acks = dt_buf_view(&acks);
    if ((err = dt_courier_ground_encode(&x, &body)) != DT_OK)
        return err;
    w.grounds[0].kind = DT_GROUND_COURIER;
    memcpy(w.grounds[0].invitation_id, v.invitation_id, 16);
    memcpy(w.grounds[0].letter_hash, v.letter_hash, 32);
    w.grounds[0].body = dt_buf_view(&body);
    memcpy(out_id, x.key_id, DT_COURIER_ID);
    return dt_warrant_encode(&w, out);
}

/* All acks of a key go. */
static enum dt_err
forget_acks(struct dt_agent *a, const struct key_name *n, struct dt_view acks)
{
    struct dt_courier_ack ack;
    enum dt_err err;

    while ((err = dt_courier_acks_next(&acks, n->id, &ack)) == DT_OK) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf key = DT_BUF_INIT(ROW_MAX);

        if ((err = dt_buf_append(&key, name_view(n))) != DT_OK ||
            (err = dt_buf_append(&key, dt_view_of(ack.invitation_id))) != DT_OK)
            return err;
        err = dt_store_del(a->store, "courier_ack", dt_buf_view(&key));
        if (err != DT_OK && err != DT_ERR_NOT_FOUND)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_courier_committed(struct dt_agent *a, const struct dt_channel *ch, struct dt_view warrant)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    struct dt_writer wr = dt_writer_init(&b);
    struct dt_courier_ground x;
    struct dt_warrant w;
    struct key_name n;
    enum dt_err err = dt_warrant_decode(warrant, &w);

    if (err != DT_OK || w.grounds[0].kind != DT_GROUND_COURIER)
        return err;
    if ((err = dt_courier_ground_decode(w.grounds[0].body, &x)) != DT_OK)
        return err;
    n = name_of(ch->group_id, x.key_id);
    if ((err = forget_acks(a, &n, x.acks)) != DT_OK)
        return err;
    err = dt_store_del(a->store, "courier", name_view(&n));
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    dt_write_view(&wr, dt_view_of(x.key_id));
    dt_write_u64(&wr, dt_agent_now(a));
    if ((err = dt_writer_end(&wr)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "courier_done", dt_view_of(ch->group_id), dt_buf_view(&b));
}

enum dt_err
dt_agent_courier_state(struct dt_agent *a, const uint8_t group_id[static 32],
                       struct dt_courier_state *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_courier_past past;
    struct dt_rules rules;
    struct dt_reader r;
    uint8_t id[DT_COURIER_ID];
    uint64_t ms = 0;
    enum dt_err err;

    *out = (struct dt_courier_state){0};
    if ((err = dt_channel_load_row(a, group_id, &ch)) != DT_OK)
        return err;
    rules = dt_channel_rules(a, &ch);
    if ((err = dt_courier_past(&rules, &past)) != DT_OK)
        return err;
    out->n = past.n;
    out->holds = past.n > 0 && !past.added && ch.state == DT_CHANNEL_LIVE;
    memcpy(out->id, past.key_id, DT_COURIER_ID);
    err = dt_store_get_blob(a->store, "courier_done", dt_view(group_id, 32), &b);
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    r = dt_reader_init(dt_buf_view(&b));
    if ((err = dt_read_fixed(&r, id, sizeof id)) != DT_OK ||
        (err = dt_read_u64(&r, &ms)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "row of the last courier key");
    if (past.n > 0 && memcmp(id, past.key_id, sizeof id) == 0) {
        out->since_ms = ms;
        out->renew_by_ms = past.renew_ms == 0 || past.renew_ms > RENEW_MAX ? 0 : ms + past.renew_ms;
    }
    return DT_OK;
}
