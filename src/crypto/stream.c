/*
 * crypto/stream.c - see stream.h.
 */
#include <sodium.h>
#include <string.h>

#include "base/mem.h"

#include "crypto/msan.h"
#include "crypto/stream.h"

_Static_assert(DT_STREAM_KEY == crypto_secretstream_xchacha20poly1305_KEYBYTES, "libsodium's");
_Static_assert(DT_STREAM_HEADER == crypto_secretstream_xchacha20poly1305_HEADERBYTES,
               "libsodium's");
_Static_assert(DT_STREAM_EXTRA == crypto_secretstream_xchacha20poly1305_ABYTES, "libsodium's");

struct dt_stream {
    struct dt_secret state; /* of the library */
};

static crypto_secretstream_xchacha20poly1305_state *
state_of(struct dt_stream *s)
{
    return (crypto_secretstream_xchacha20poly1305_state *)(void *)s->state.p;
}

static enum dt_err
begin(struct dt_view key, struct dt_stream **out)
{
    DT_CLEANUP(dt_stream_free_p) struct dt_stream *s = dt_alloc(1, sizeof *s);
    enum dt_err err;

    if (s == NULL)
        return dt_nomem();
    if (key.n != DT_STREAM_KEY)
        return dt_fail(DT_ERR_RANGE, "a stream's key has %u bytes", DT_STREAM_KEY);
    if ((err = dt_secret_alloc(&s->state, sizeof(crypto_secretstream_xchacha20poly1305_state))) !=
        DT_OK)
        return err;
    *out = s;
    s = NULL;
    return DT_OK;
}

enum dt_err
dt_stream_seal_begin(struct dt_view key, uint8_t header[static DT_STREAM_HEADER],
                     struct dt_stream **out)
{
    enum dt_err err = begin(key, out);

    if (err == DT_OK &&
        crypto_secretstream_xchacha20poly1305_init_push(state_of(*out), header, key.p) != 0)
        err = dt_fail(DT_ERR_INTERNAL, "a stream cannot be begun");
    return err;
}

enum dt_err
dt_stream_open_begin(struct dt_view key, const uint8_t header[static DT_STREAM_HEADER],
                     struct dt_stream **out)
{
    enum dt_err err = begin(key, out);

    if (err == DT_OK &&
        crypto_secretstream_xchacha20poly1305_init_pull(state_of(*out), header, key.p) != 0)
        err = dt_fail(DT_ERR_AUTH, "a sealed piece does not hold: wrong key, or altered");
    return err;
}

enum dt_err
dt_stream_seal(struct dt_stream *s, struct dt_view aad, struct dt_view plain, bool last,
               struct dt_buf *out)
{
    unsigned char tag = last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                             : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
    enum dt_err err = dt_buf_reserve(out, plain.n + DT_STREAM_EXTRA);

    if (err != DT_OK)
        return err;
    if (crypto_secretstream_xchacha20poly1305_push(state_of(s), out->p + out->n, NULL, plain.p,
                                                   plain.n, aad.p, aad.n, tag) != 0)
        return dt_fail(DT_ERR_INTERNAL, "a piece of a stream cannot be sealed");
    dt_msan_wrote(out->p + out->n, plain.n + DT_STREAM_EXTRA);
    out->n += plain.n + DT_STREAM_EXTRA;
    return DT_OK;
}

enum dt_err
dt_stream_open(struct dt_stream *s, struct dt_view aad, struct dt_view sealed, struct dt_buf *out,
               bool *out_last)
{
    unsigned char tag = 0;
    enum dt_err err;

    if (sealed.n < DT_STREAM_EXTRA)
        return dt_fail(DT_ERR_AUTH, "a sealed piece does not hold: wrong key, or altered");
    if ((err = dt_buf_reserve(out, sealed.n - DT_STREAM_EXTRA)) != DT_OK)
        return err;
    if (crypto_secretstream_xchacha20poly1305_pull(state_of(s), out->p + out->n, NULL, &tag,
                                                   sealed.p, sealed.n, aad.p, aad.n) != 0)
        return dt_fail(DT_ERR_AUTH, "a sealed piece does not hold: wrong key, or altered");
    dt_msan_wrote(out->p + out->n, sealed.n - DT_STREAM_EXTRA);
    dt_msan_wrote(&tag, sizeof tag);
    out->n += sealed.n - DT_STREAM_EXTRA;
    *out_last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    return DT_OK;
}

void
dt_stream_free(struct dt_stream *s)
{
    if (s == NULL)
        return;
    dt_secret_clear(&s->state);
    dt_free(s);
}

void
dt_stream_free_p(struct dt_stream **s)
{
    dt_stream_free(*s);
    *s = NULL;
}
