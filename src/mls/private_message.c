/*
 * mls/private_message.c - see private_message.h.
 */
#include <string.h>

#include "mls/group_limits.h"
#include "mls/label.h"

#include "mls/private_message.h"

#define SENDER_DATA_LEN 12u

enum dt_err
mls_private_message_parse(struct dt_view body, struct mls_private_message *out)
{
    struct mls_private_message m = {0};
    struct dt_reader r = dt_reader_init(body);
    enum dt_err err;

    if ((err = dt_read_vec(&r, MLS_GROUP_ID_MAX, &m.group_id)) != DT_OK ||
        (err = dt_read_u64(&r, &m.epoch)) != DT_OK ||
        (err = dt_read_u8(&r, &m.content_type)) != DT_OK ||
        (err = dt_read_vec(&r, MLS_AUTHENTICATED_DATA_MAX, &m.authenticated_data)) != DT_OK ||
        (err = dt_read_vec(&r, MLS_SIG_MAX, &m.encrypted_sender_data)) != DT_OK ||
        (err = dt_read_vec(&r, MLS_MESSAGE_MAX, &m.ciphertext)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    if (m.content_type < MLS_CONTENT_APPLICATION || m.content_type > MLS_CONTENT_COMMIT)
        return dt_fail(DT_ERR_FORMAT, "content type %u", m.content_type);
    *out = m;
    return DT_OK;
}

void
mls_private_message_write(struct dt_writer *w, const struct mls_private_message *m)
{
    dt_write_vec(w, m->group_id);
    dt_write_u64(w, m->epoch);
    dt_write_u8(w, m->content_type);
    dt_write_vec(w, m->authenticated_data);
    dt_write_vec(w, m->encrypted_sender_data);
    dt_write_vec(w, m->ciphertext);
}

enum mls_ratchet_kind
mls_ratchet_of(uint8_t content_type)
{
    return content_type == MLS_CONTENT_APPLICATION ? MLS_RATCHET_APPLICATION
                                                   : MLS_RATCHET_HANDSHAKE;
}

enum dt_err
mls_sender_data_keys(const struct dt_suite *suite, struct dt_view sender_data_secret,
                     struct dt_view ciphertext, struct dt_secret *key, struct dt_secret *nonce)
{
    size_t n = ciphertext.n < suite->hash_len ? ciphertext.n : suite->hash_len;
    struct dt_view sample = dt_view(ciphertext.p, n);
    const struct mls_expansion both[] = {{"key", sample, suite->key_len, key},
                                         {"nonce", sample, suite->nonce_len, nonce}};

    return mls_expand_all(suite, sender_data_secret, both, 2);
}

/* SenderDataAAD (with_data false) or PrivateContentAAD (true). */
static enum dt_err
aad_write(const struct mls_private_message *m, bool with_data, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_vec(&w, m->group_id);
    dt_write_u64(&w, m->epoch);
    dt_write_u8(&w, m->content_type);
    if (with_data)
        dt_write_vec(&w, m->authenticated_data);
    return dt_writer_end(&w);
}

enum dt_err
mls_sender_data_open(const struct dt_suite *suite, struct dt_view sender_data_secret,
                     const struct mls_private_message *m, struct mls_sender_data *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret nonce = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(MLS_SIG_MAX);
    struct mls_sender_data s;
    struct dt_reader r;
    enum dt_err err;

    if ((err = mls_sender_data_keys(suite, sender_data_secret, m->ciphertext, &key, &nonce)) !=
            DT_OK ||
        (err = aad_write(m, false, &aad)) != DT_OK ||
        (err = dt_aead_open(suite->aead, dt_secret_view(&key), dt_secret_view(&nonce),
                            dt_buf_view(&aad), m->encrypted_sender_data, &plain)) != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&plain));
    if ((err = dt_read_u32(&r, &s.leaf_index)) != DT_OK ||
        (err = dt_read_u32(&r, &s.generation)) != DT_OK ||
        (err = dt_read_fixed(&r, s.reuse_guard, sizeof s.reuse_guard)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = s;
    return DT_OK;
}

/* RFC 9420 section 6.3.1: the reuse guard is XORed into the first four bytes of the nonce. */
static enum dt_err
guarded_nonce(const struct mls_tree_step *step, const uint8_t guard[static 4],
              struct dt_secret *out)
{
    enum dt_err err = dt_secret_set(out, dt_secret_view(&step->nonce));

    for (size_t i = 0; err == DT_OK && i < 4; i++)
        out->p[i] ^= guard[i];
    return err;
}

enum dt_err
mls_private_message_open(const struct dt_suite *suite, const struct mls_private_message *m,
                         const struct mls_sender_data *sender, const struct mls_tree_step *step,
                         struct mls_auth_content *out)
{
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret nonce = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf raw = DT_BUF_INIT(2 * MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(&raw);
    struct dt_view padding;
    uint8_t any = 0;
    enum dt_err err;

    /* The FramedContent is rebuilt from the message's fields and the sender data; the plaintext
     * begins with its last field and goes on with the auth data, then padding. */
    dt_write_u16(&w, MLS_WIRE_PRIVATE_MESSAGE);
    dt_write_vec(&w, m->group_id);
    dt_write_u64(&w, m->epoch);
    dt_write_u8(&w, MLS_SENDER_MEMBER);
    dt_write_u32(&w, sender->leaf_index);
    dt_write_vec(&w, m->authenticated_data);
    dt_write_u8(&w, m->content_type);
    if ((err = dt_writer_end(&w)) != DT_OK || (err = aad_write(m, true, &aad)) != DT_OK ||
        (err = guarded_nonce(step, sender->reuse_guard, &nonce)) != DT_OK ||
        (err = dt_aead_open(suite->aead, dt_secret_view(&step->key), dt_secret_view(&nonce),
                            dt_buf_view(&aad), m->ciphertext, &raw)) != DT_OK ||
        (err = mls_auth_content_parse(&raw, &c, &padding)) != DT_OK)
        return err;
    for (size_t i = 0; i < padding.n; i++)
        any |= padding.p[i];
    if (any != 0)
        return dt_fail(DT_ERR_FORMAT, "padding is not all zero");
    c.raw.n -= padding.n;
    c.padding = padding.n;
    mls_auth_content_move(out, &c);
    return DT_OK;
}

/* The end of the fields that are not encrypted: where the content's own part begins in ${raw}. */
static enum dt_err
split_content(struct dt_view raw, struct mls_private_message *m, uint32_t *leaf,
              struct dt_view *inner)
{
    struct dt_reader r = dt_reader_init(raw);
    uint16_t format;
    uint8_t sender_type;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &format)) != DT_OK ||
        (err = dt_read_vec(&r, MLS_GROUP_ID_MAX, &m->group_id)) != DT_OK ||
        (err = dt_read_u64(&r, &m->epoch)) != DT_OK ||
        (err = dt_read_u8(&r, &sender_type)) != DT_OK || (err = dt_read_u32(&r, leaf)) != DT_OK ||
        (err = dt_read_vec(&r, MLS_AUTHENTICATED_DATA_MAX, &m->authenticated_data)) != DT_OK ||
        (err = dt_read_u8(&r, &m->content_type)) != DT_OK)
        return err;
    if (format != MLS_WIRE_PRIVATE_MESSAGE || sender_type != MLS_SENDER_MEMBER)
        return dt_fail(DT_ERR_INTERNAL, "a content that cannot be a PrivateMessage");
    *inner = dt_view(r.p, r.n);
    return DT_OK;
}

static enum dt_err
seal_content(const struct dt_suite *suite, const struct mls_private_message *m,
             struct dt_view inner, const struct mls_tree_step *step, const uint8_t guard[static 4],
             size_t padding, struct dt_buf *ciphertext)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_secret_clear) struct dt_secret nonce = {0};
    enum dt_err err;

    if (padding > MLS_PADDING_MAX)
        return dt_fail(DT_ERR_LIMIT, "padding of %zu bytes", padding);
    if ((err = dt_buf_reserve(&plain, inner.n + padding)) != DT_OK ||
        (err = dt_buf_append(&plain, inner)) != DT_OK)
        return err;
    memset(plain.p + plain.n, 0, padding);
    plain.n += padding;
    if ((err = aad_write(m, true, &aad)) != DT_OK ||
        (err = guarded_nonce(step, guard, &nonce)) != DT_OK)
        return err;
    return dt_aead_seal(suite->aead, dt_secret_view(&step->key), dt_secret_view(&nonce),
                        dt_buf_view(&aad), dt_buf_view(&plain), ciphertext);
}

static enum dt_err
seal_sender(const struct dt_suite *suite, const struct mls_private_message *m,
            struct dt_view sender_data_secret, const struct mls_sender_data *s, struct dt_buf *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret nonce = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf plain = DT_BUF_INIT(SENDER_DATA_LEN);
    struct dt_writer w = dt_writer_init(&plain);
    enum dt_err err;

    dt_write_u32(&w, s->leaf_index);
    dt_write_u32(&w, s->generation);
    dt_write_view(&w, dt_view(s->reuse_guard, sizeof s->reuse_guard));
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = mls_sender_data_keys(suite, sender_data_secret, m->ciphertext, &key, &nonce)) !=
            DT_OK ||
        (err = aad_write(m, false, &aad)) != DT_OK)
        return err;
    return dt_aead_seal(suite->aead, dt_secret_view(&key), dt_secret_view(&nonce),
                        dt_buf_view(&aad), dt_buf_view(&plain), out);
}

enum dt_err
mls_private_message_seal(const struct dt_suite *suite, struct dt_view raw,
                         struct dt_view sender_data_secret, const struct mls_tree_step *step,
                         size_t padding, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf ciphertext = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(MLS_SIG_MAX);
    struct mls_private_message m = {0};
    struct mls_sender_data s = {.generation = step->generation};
    struct dt_view inner;
    struct dt_writer w = dt_writer_init(out);
    size_t before = out->n;
    enum dt_err err;

    if ((err = split_content(raw, &m, &s.leaf_index, &inner)) != DT_OK ||
        (err = dt_random(s.reuse_guard, sizeof s.reuse_guard)) != DT_OK ||
        (err = seal_content(suite, &m, inner, step, s.reuse_guard, padding, &ciphertext)) != DT_OK)
        return err;
    m.ciphertext = dt_buf_view(&ciphertext);
    if ((err = seal_sender(suite, &m, sender_data_secret, &s, &sealed)) != DT_OK)
        return err;
    m.encrypted_sender_data = dt_buf_view(&sealed);
    mls_message_write(&w, MLS_WIRE_PRIVATE_MESSAGE);
    mls_private_message_write(&w, &m);
    if ((err = dt_writer_end(&w)) != DT_OK)
        out->n = before;
    return err;
}
