/*
 * agent/talk/session_spent.c - session keys that were replaced, and those that were released.
 *
 * Source: docs/protocol-channel.md "Session keys".
 * Table "spent": (group id, key), parent group id, seq running -> a key that is on no leaf any
 * more. Table "released": likewise -> the payload that gave it to all.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/talk/session_internal.h"

#define ROW_VERSION 1
#define SPENT_MAX   (DT_VOUCHER_MAX + 256u)

static void
key_of(uint8_t out[static 64], const uint8_t group_id[static 32], const uint8_t *pub)
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, pub, 32);
}

void
dt_spent_clear(struct dt_spent *x)
{
    dt_secret_clear(&x->seed);
}

/* ---- rows ---- */

static enum dt_err
encode(const struct dt_spent *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark;

    dt_write_u8(&w, ROW_VERSION);
    dt_write_view(&w, dt_view_of(x->delegate));
    dt_write_u32(&w, x->leaf);
    dt_write_u64(&w, x->epoch);
    dt_write_u64(&w, x->replaced_ms);
    dt_write_u64(&w, x->sent_ms);
    dt_write_vec(&w, dt_secret_view(&x->seed));
    mark = dt_write_vec_begin(&w);
    if (w.err == DT_OK)
        w.err = dt_voucher_encode(&x->voucher, out);
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

static enum dt_err
decode(const struct dt_store_row *row, struct dt_spent *out)
{
    struct dt_reader r = dt_reader_init(dt_buf_view(&row->value));
    struct dt_view seed, voucher;
    uint8_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK ||
        (err = dt_read_fixed(&r, out->delegate, 32)) != DT_OK ||
        (err = dt_read_u32(&r, &out->leaf)) != DT_OK ||
        (err = dt_read_u64(&r, &out->epoch)) != DT_OK ||
        (err = dt_read_u64(&r, &out->replaced_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &out->sent_ms)) != DT_OK ||
        (err = dt_read_vec(&r, 32, &seed)) != DT_OK ||
        (err = dt_read_vec(&r, DT_VOUCHER_MAX, &voucher)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK ||
        (err = dt_voucher_decode(voucher, &out->voucher)) != DT_OK)
        return dt_fail_context(err, "session key row");
    if (version != ROW_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a row is kept in version %u, which is not known here",
                       version);
    memcpy(out->pub, out->voucher.session_key, 32);
    memcpy(out->letter_hash, out->voucher.letter_hash, 32);
    out->seq = row->seq;
    dt_secret_clear(&out->seed);
    return seed.n == 0 ? DT_OK : dt_secret_set(&out->seed, seed);
}

enum dt_err
dt_spent_next(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t at,
              struct dt_spent *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_next(a->store, "spent", dt_view(group_id, 32), at, &row);

    return err != DT_OK ? err : decode(&row, out);
}

enum dt_err
dt_spent_put(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_spent *x)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(SPENT_MAX);
    uint8_t key[64];
    enum dt_err err = encode(x, &value);

    key_of(key, group_id, x->pub);
    return err != DT_OK ? err
                        : dt_store_put(a->store, "spent", dt_view_of(key), dt_view(group_id, 32),
                                       x->seq, dt_buf_view(&value));
}

/* ---- what becomes spent ---- */

/* ${seed} empty: it is another's. One that was released, or is known to be spent, is not noted
 * again. */
static enum dt_err
note(struct dt_agent *a, const uint8_t group_id[static 32], const struct mls_member *m,
     uint64_t epoch, struct dt_view seed)
{
    DT_CLEANUP(dt_spent_clear)
    struct dt_spent x = {.leaf = m->leaf, .epoch = epoch, .replaced_ms = dt_agent_now(a)};
    DT_CLEANUP(dt_letter_clear) struct dt_letter letter = {0};
    struct dt_view letter_bytes;
    uint8_t key[64];
    bool has = false;
    enum dt_err err;

    if ((err = dt_credential_decode(m->identity, &letter_bytes, &x.voucher)) != DT_OK ||
        (err = dt_letter_decode(letter_bytes, &letter)) != DT_OK)
        return err;
    memcpy(x.pub, x.voucher.session_key, 32);
    memcpy(x.delegate, letter.key, 32);
    key_of(key, group_id, x.pub);
    if ((err = dt_store_has(a->store, "spent", dt_view_of(key), &has)) != DT_OK || has ||
        (err = dt_store_has(a->store, "released", dt_view_of(key), &has)) != DT_OK || has)
        return err;
    if ((seed.n > 0 && (err = dt_secret_set(&x.seed, seed)) != DT_OK) ||
        (err = dt_store_next_seq(a->store, "spent", dt_view(group_id, 32), &x.seq)) != DT_OK)
        return err;
    return dt_spent_put(a, group_id, &x);
}

enum dt_err
dt_spent_note(struct dt_agent *a, const struct dt_channel *ch, const struct mls_effects *effects)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret own = {0};
    uint32_t own_leaf = mls_group_own_leaf(ch->group);
    uint64_t epoch = mls_group_epoch(ch->group);
    enum dt_err err = mls_group_signature_key(ch->group, &own);

    for (size_t i = 0; err == DT_OK && i < effects->n_updated; i++) {
        const struct mls_effect_update *u = &effects->updated[i];

        if (!dt_view_equal(u->before.signature_key, u->after.signature_key))
            err = note(a, ch->group_id, &u->before, epoch,
                       u->before.leaf == own_leaf ? dt_secret_view(&own) : dt_view(NULL, 0));
    }
    for (size_t i = 0; err == DT_OK && i < effects->n_removed; i++)
        err = note(a, ch->group_id, &effects->removed[i], epoch,
                   effects->removed[i].leaf == own_leaf ? dt_secret_view(&own) : dt_view(NULL, 0));
    return err;
}

enum dt_err
dt_spent_note_lost(struct dt_agent *a, const struct dt_channel *was, uint64_t epoch)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret own = {0};
    struct mls_member m;
    enum dt_err err;

    /* A state that saw its removal has noted it then. */
    if (was->group == NULL || epoch == 0 || !mls_group_is_member(was->group) ||
        !mls_group_member(was->group, mls_group_own_leaf(was->group), &m))
        return DT_OK;
    if ((err = mls_group_signature_key(was->group, &own)) != DT_OK)
        return err;
    return note(a, was->group_id, &m, epoch - 1, dt_secret_view(&own));
}

enum dt_err
dt_spent_end(struct dt_agent *a, const uint8_t group_id[static 32])
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_spent_clear) struct dt_spent x = {0};

        if ((err = dt_spent_next(a, group_id, at, &x)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = x.seq + 1;
        if (x.seed.n == 0)
            continue;
        dt_secret_clear(&x.seed);
        if ((err = dt_spent_put(a, group_id, &x)) != DT_OK)
            return err;
    }
}

/* ---- released ---- */

enum dt_err
dt_released_has(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view pub,
                bool *out)
{
    uint8_t key[64];

    *out = false;
    if (pub.n != 32)
        return DT_OK;
    key_of(key, group_id, pub.p);
    return dt_store_has(a->store, "released", dt_view_of(key), out);
}

enum dt_err
dt_released_seated(struct dt_agent *a, const uint8_t group_id[static 32], const struct mls_group *g,
                   bool *out)
{
    uint32_t n = mls_group_n_leaves(g);
    enum dt_err err = DT_OK;

    *out = false;
    for (uint32_t leaf = 0; err == DT_OK && !*out && leaf < n; leaf++) {
        struct mls_member m;

        if (mls_group_member(g, leaf, &m))
            err = dt_released_has(a, group_id, m.signature_key, out);
    }
    return err;
}

void
dt_released_clear(struct dt_released *x)
{
    dt_buf_wipe(&x->bytes);
}

enum dt_err
dt_agent_released_next(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t *at,
                       struct dt_released *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct dt_payload p;
    enum dt_err err = dt_store_next(a->store, "released", dt_view(group_id, 32), *at, &row);

    if (err != DT_OK)
        return err;
    out->bytes.max = DT_STORE_VALUE_MAX;
    if ((err = dt_buf_set(&out->bytes, dt_buf_view(&row.value))) != DT_OK ||
        (err = dt_payload_decode(dt_buf_view(&out->bytes), &p)) != DT_OK)
        return err;
    out->seed = p.key;
    out->leaf = p.leaf;
    out->epoch = p.epoch;
    out->voucher = p.voucher;
    *at = row.seq + 1;
    return DT_OK;
}

enum dt_err
dt_agent_released_count(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t *out)
{
    return dt_store_count(a->store, "released", dt_view(group_id, 32), out);
}
