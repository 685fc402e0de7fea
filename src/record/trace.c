/*
 * record/trace.c - see trace.h.
 */
#include <string.h>

#include "base/wire.h"

#include "record/trace.h"

#define VERSION 1
#define RULE    (UINT64_C(1) << DT_SLOT_DESTROY)

static size_t
levels(uint8_t n_slots)
{
    return n_slots == 16 ? 4 : n_slots == 32 ? 5 : 6;
}

static void
signed_bytes(const uint8_t forum[static 32], const uint8_t commitment[static 32],
             uint8_t out[static 64])
{
    memcpy(out, forum, 32);
    memcpy(out + 32, commitment, 32);
}

/* Commitment and seal from the rest. */
static enum dt_err
follow(struct dt_trace *t)
{
    struct tlog_hash leaves[DT_SLOTS_MAX];
    uint8_t root[32];
    enum dt_err err;

    if ((err = dt_destroy_leaf(t->ctx, t->salt, t->after_ms, &leaves[DT_SLOT_DESTROY])) != DT_OK ||
        (err = dt_openings_root(t->n_slots, RULE, leaves,
                                dt_view(t->nodes[0], 32 * levels(t->n_slots)), root)) != DT_OK ||
        (err = dt_fields_commitment(t->ctx, root, t->commitment)) != DT_OK)
        return err;
    return dt_seal(t->commitment, t->key, t->signature, t->seal);
}

enum dt_err
dt_trace_of(const struct dt_record *r, struct dt_trace *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf nodes = DT_BUF_INIT(sizeof out->nodes);
    struct dt_trace t = {.n_slots = r->header.n_slots, .after_ms = r->destroy_after_ms};
    uint8_t salts[DT_SLOTS_MAX][32];
    enum dt_err err;

    if (r->destroy_after_ms == 0)
        return dt_fail(DT_ERR_STATE, "the record has no rule to be destroyed by");
    if ((err = dt_header_ctx(&r->header, t.ctx)) != DT_OK ||
        (err = dt_fields_open(&r->header, r->slots, dt_secret_view(&r->secret), RULE, salts,
                              &nodes)) != DT_OK)
        return err;
    memcpy(t.salt, salts[DT_SLOT_DESTROY], 32);
    memcpy(t.nodes, nodes.p, nodes.n);
    memcpy(t.key, r->author_key, 32);
    memcpy(t.signature, r->signature, 64);
    if ((err = follow(&t)) != DT_OK)
        return err;
    if (memcmp(t.commitment, r->commitment, 32) != 0)
        return dt_fail(DT_ERR_INTERNAL, "what is left of a record does not lead to it");
    *out = t;
    return DT_OK;
}

enum dt_err
dt_trace_encode(const struct dt_trace *t, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u8(&w, VERSION);
    dt_write_u8(&w, t->n_slots);
    dt_write_view(&w, dt_view_of(t->ctx));
    dt_write_view(&w, dt_view_of(t->salt));
    dt_write_u64(&w, t->after_ms);
    dt_write_view(&w, dt_view(t->nodes[0], 32 * levels(t->n_slots)));
    dt_write_view(&w, dt_view_of(t->key));
    dt_write_view(&w, dt_view_of(t->signature));
    return dt_writer_end(&w);
}

enum dt_err
dt_trace_decode(struct dt_view bytes, const uint8_t forum[static 32], struct dt_trace *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_trace t = {0};
    uint8_t version = 0, both[64];
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK || (err = dt_read_u8(&r, &t.n_slots)) != DT_OK)
        goto done;
    if (version != VERSION || (t.n_slots != 16 && t.n_slots != 32 && t.n_slots != 64)) {
        err = dt_fail(DT_ERR_FORMAT, "a record has 16, 32 or 64 slots");
        goto done;
    }
    if ((err = dt_read_fixed(&r, t.ctx, 32)) != DT_OK ||
        (err = dt_read_fixed(&r, t.salt, 32)) != DT_OK ||
        (err = dt_read_u64(&r, &t.after_ms)) != DT_OK ||
        (err = dt_read_fixed(&r, t.nodes[0], 32 * levels(t.n_slots))) != DT_OK ||
        (err = dt_read_fixed(&r, t.key, 32)) != DT_OK ||
        (err = dt_read_fixed(&r, t.signature, 64)) != DT_OK || (err = dt_read_end(&r)) != DT_OK ||
        (err = follow(&t)) != DT_OK)
        goto done;
    signed_bytes(forum, t.commitment, both);
    if ((err = dt_label_verify(dt_view_of(t.key), "record", dt_view_of(both),
                               dt_view_of(t.signature))) != DT_OK)
        err = dt_fail(err, "the author's signature does not hold");
    else
        *out = t;

done:
    return dt_fail_context(err, "what is left of a record");
}

/* ---- a delegate's word ---- */

static void
write_body(struct dt_writer *w, const struct dt_destroyed *d)
{
    dt_write_u8(w, VERSION);
    dt_write_view(w, dt_view_of(d->forum));
    dt_write_view(w, dt_view_of(d->commitment));
    dt_write_view(w, dt_view_of(d->letter));
    dt_write_u64(w, d->when_ms);
}

enum dt_err
dt_destroyed_sign(struct dt_destroyed *d, struct dt_view seed)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_DESTROYED_LEN);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    write_body(&w, d);
    err = dt_writer_end(&w);
    return err != DT_OK ? err : dt_label_sign(seed, "destroyed", dt_buf_view(&b), d->signature);
}

enum dt_err
dt_destroyed_verify(const struct dt_destroyed *d, const uint8_t key[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_DESTROYED_LEN);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    write_body(&w, d);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_label_verify(dt_view(key, 32), "destroyed", dt_buf_view(&b),
                           dt_view_of(d->signature));
}

enum dt_err
dt_destroyed_encode(const struct dt_destroyed *d, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    write_body(&w, d);
    dt_write_view(&w, dt_view_of(d->signature));
    return dt_writer_end(&w);
}

enum dt_err
dt_destroyed_decode(struct dt_view bytes, struct dt_destroyed *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_destroyed d = {0};
    uint8_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) == DT_OK && version != VERSION)
        err = dt_fail(DT_ERR_UNSUPPORTED, "a version not known here");
    if (err == DT_OK && (err = dt_read_fixed(&r, d.forum, 32)) == DT_OK &&
        (err = dt_read_fixed(&r, d.commitment, 32)) == DT_OK &&
        (err = dt_read_fixed(&r, d.letter, 32)) == DT_OK &&
        (err = dt_read_u64(&r, &d.when_ms)) == DT_OK &&
        (err = dt_read_fixed(&r, d.signature, 64)) == DT_OK && (err = dt_read_end(&r)) == DT_OK)
        *out = d;
    return dt_fail_context(err, "word that a record is destroyed");
}
