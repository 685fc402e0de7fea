/*
 * mls/group_context.c - see group_context.h.
 */
#include "mls/group_limits.h"

#include "mls/group_context.h"

void
mls_group_context_clear(struct mls_group_context *c)
{
    if (c == NULL)
        return;
    dt_buf_clear(&c->raw);
    *c = (struct mls_group_context){0};
}

void
mls_group_context_move(struct mls_group_context *to, struct mls_group_context *from)
{
    mls_group_context_clear(to);
    *to = *from;
    *from = (struct mls_group_context){0};
}

/* RFC 9420 section 8.1, the fields in their order. */
static enum dt_err
fields_read(struct dt_reader *r, struct mls_group_context *c)
{
    enum dt_err err;

    if ((err = dt_read_u16(r, &c->version)) != DT_OK)
        return err;
    if (c->version != MLS_VERSION_10)
        return dt_fail(DT_ERR_UNSUPPORTED, "protocol version %u", c->version);
    if ((err = dt_read_u16(r, &c->cipher_suite)) != DT_OK ||
        (err = dt_read_vec(r, MLS_GROUP_ID_MAX, &c->group_id)) != DT_OK ||
        (err = dt_read_u64(r, &c->epoch)) != DT_OK ||
        (err = dt_read_vec(r, MLS_HASH_MAX, &c->tree_hash)) != DT_OK ||
        (err = dt_read_vec(r, MLS_HASH_MAX, &c->confirmed_transcript_hash)) != DT_OK)
        return err;
    return mls_extensions_read(r, MLS_EXTENSIONS_MAX, &c->extensions);
}

enum dt_err
mls_group_context_read(struct dt_reader *r, struct mls_group_context *out)
{
    struct mls_group_context c = {.raw = DT_BUF_INIT(MLS_MESSAGE_MAX)};
    struct dt_reader at = *r;
    struct dt_reader own;
    size_t len;
    enum dt_err err = fields_read(&at, &c);

    if (err != DT_OK)
        return err;
    len = r->n - at.n;
    err = dt_buf_set(&c.raw, dt_view(r->p, len));
    if (err == DT_OK) {
        own = dt_reader_init(dt_buf_view(&c.raw));
        err = fields_read(&own, &c);
    }
    if (err != DT_OK) {
        mls_group_context_clear(&c);
        return err;
    }
    *r = at;
    mls_group_context_move(out, &c);
    return DT_OK;
}

bool
mls_group_context_fits(const struct mls_group_context *c, const struct dt_suite *suite)
{
    return c->cipher_suite == suite->id && c->tree_hash.n == suite->hash_len &&
           (c->confirmed_transcript_hash.n == suite->hash_len ||
            (c->epoch == 0 && c->confirmed_transcript_hash.n == 0));
}

enum dt_err
mls_group_context_new(uint16_t suite, struct dt_view group_id, uint64_t epoch,
                      struct dt_view tree_hash, struct dt_view confirmed_transcript_hash,
                      struct dt_view extensions, struct mls_group_context *out)
{
    struct mls_group_context c = {.raw = DT_BUF_INIT(MLS_MESSAGE_MAX)};
    struct dt_writer w = dt_writer_init(&c.raw);
    struct dt_reader r;
    enum dt_err err;

    dt_write_u16(&w, MLS_VERSION_10);
    dt_write_u16(&w, suite);
    dt_write_vec(&w, group_id);
    dt_write_u64(&w, epoch);
    dt_write_vec(&w, tree_hash);
    dt_write_vec(&w, confirmed_transcript_hash);
    dt_write_vec(&w, extensions);
    err = dt_writer_end(&w);
    if (err == DT_OK) {
        r = dt_reader_init(dt_buf_view(&c.raw));
        err = fields_read(&r, &c);
    }
    if (err != DT_OK) {
        mls_group_context_clear(&c);
        return err;
    }
    mls_group_context_move(out, &c);
    return DT_OK;
}

enum dt_err
mls_confirmed_transcript_hash(const struct dt_suite *suite, struct dt_view interim_before,
                              struct dt_view input, uint8_t out[static DT_HASH_MAX])
{
    struct dt_view parts[] = {interim_before, input};

    return dt_hash(suite->hash, parts, 2, out);
}

enum dt_err
mls_interim_transcript_hash(const struct dt_suite *suite, struct dt_view confirmed,
                            struct dt_view confirmation_tag, uint8_t out[static DT_HASH_MAX])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf tag = DT_BUF_INIT(4 + DT_HASH_MAX);
    struct dt_writer w = dt_writer_init(&tag);
    struct dt_view parts[2];
    enum dt_err err;

    dt_write_vec(&w, confirmation_tag);
    err = dt_writer_end(&w);
    parts[0] = confirmed;
    parts[1] = dt_buf_view(&tag);
    if (err == DT_OK)
        err = dt_hash(suite->hash, parts, 2, out);
    return err;
}
