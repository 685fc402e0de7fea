/* mls/label.c - see label.h. */
#include "crypto/hpke.h"

#include "mls/label.h"
#include "mls/limits.h"

#define PREFIX "MLS 1.0 "

/* opaque label<V> = "MLS 1.0 " + label, then opaque content<V>: the common form of section 5.1. */
static void
write_labeled(struct dt_writer *w, const char *label, struct dt_view content)
{
    size_t mark = dt_write_vec_begin(w);

    dt_write_view(w, dt_view_str(PREFIX));
    dt_write_view(w, dt_view_str(label));
    dt_write_vec_end(w, mark);
    dt_write_vec(w, content);
}

enum dt_err
mls_ref_hash(const struct dt_suite *suite, const char *label, struct dt_view value, uint8_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf head = DT_BUF_INIT(MLS_LABEL_MAX + 16);
    struct dt_writer w = dt_writer_init(&head);
    struct dt_view parts[2];
    enum dt_err err;

    /* RFC 9420 section 5.2: opaque label<V>; opaque value<V>. The value is hashed where it lies. */
    dt_write_str(&w, label);
    dt_write_varint(&w, value.n);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    parts[0] = dt_buf_view(&head);
    parts[1] = value;
    return dt_hash(suite->hash, parts, 2, out);
}

enum dt_err
mls_sign_with_label(const struct dt_suite *suite, struct dt_view priv, const char *label,
                    struct dt_view content, struct dt_buf *sig)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf tbs = DT_BUF_INIT(MLS_LABELED_MAX);
    struct dt_writer w = dt_writer_init(&tbs);
    enum dt_err err;

    write_labeled(&w, label, content);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_suite_sign(suite, priv, dt_buf_view(&tbs), sig);
}

enum dt_err
mls_sign_key_ready(const struct dt_suite *suite, struct dt_view priv, struct dt_view pub,
                   struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret ready = {0};
    uint8_t derived[MLS_PUB_MAX];
    enum dt_err err = dt_suite_sig_ready(suite, priv, &ready, derived);

    if (err != DT_OK)
        return err;
    if (!dt_view_equal(dt_view(derived, suite->sig_pub_len), pub))
        return dt_fail(DT_ERR_AUTH, "the two halves of a signature key do not belong together");
    dt_secret_move(out, &ready);
    return DT_OK;
}

struct dt_view
mls_sign_key_bare(const struct dt_suite *suite, const struct dt_secret *ready)
{
    return dt_view(ready->p, ready->n < suite->sig_priv_len ? ready->n : suite->sig_priv_len);
}

enum dt_err
mls_verify_with_label(const struct dt_suite *suite, struct dt_view pub, const char *label,
                      struct dt_view content, struct dt_view sig)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf tbs = DT_BUF_INIT(MLS_LABELED_MAX);
    struct dt_writer w = dt_writer_init(&tbs);
    enum dt_err err;

    write_labeled(&w, label, content);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_suite_verify(suite, pub, dt_buf_view(&tbs), sig);
}

enum dt_err
mls_expand_all(const struct dt_suite *suite, struct dt_view secret, const struct mls_expansion *v,
               size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf infos = DT_BUF_INIT(MLS_LABELED_MAX);
    struct dt_expansion x[MLS_EXPANSIONS_MAX];
    size_t end[MLS_EXPANSIONS_MAX];
    struct dt_writer w = dt_writer_init(&infos);
    enum dt_err err;

    if (n > MLS_EXPANSIONS_MAX)
        return dt_fail(DT_ERR_INTERNAL, "%zu expansions at once", n);
    for (size_t i = 0; i < n; i++) {
        if (v[i].len > UINT16_MAX)
            return dt_fail(DT_ERR_RANGE, "cannot expand a secret to more than 65535 bytes");
        /* RFC 9420 section 8, KDFLabel: uint16 length; opaque label<V>; opaque context<V>. */
        dt_write_u16(&w, (uint16_t)v[i].len);
        write_labeled(&w, v[i].label, v[i].context);
        end[i] = infos.n;
    }
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        size_t from = i == 0 ? 0 : end[i - 1];

        x[i] = (struct dt_expansion){dt_view(infos.p + from, end[i] - from), v[i].len, v[i].out};
    }
    return dt_hkdf_expand_all(suite->hash, secret, x, n);
}

enum dt_err
mls_expand_with_label(const struct dt_suite *suite, struct dt_view secret, const char *label,
                      struct dt_view context, size_t len, struct dt_secret *out)
{
    const struct mls_expansion one = {label, context, len, out};

    return mls_expand_all(suite, secret, &one, 1);
}

enum dt_err
mls_derive_secret(const struct dt_suite *suite, struct dt_view secret, const char *label,
                  struct dt_secret *out)
{
    return mls_expand_with_label(suite, secret, label, dt_view(NULL, 0), suite->hash_len, out);
}

enum dt_err
mls_derive_tree_secret(const struct dt_suite *suite, struct dt_view secret, const char *label,
                       uint32_t generation, size_t len, struct dt_secret *out)
{
    uint8_t context[4];

    context[0] = (uint8_t)(generation >> 24);
    context[1] = (uint8_t)(generation >> 16);
    context[2] = (uint8_t)(generation >> 8);
    context[3] = (uint8_t)generation;
    return mls_expand_with_label(suite, secret, label, dt_view_of(context), len, out);
}

enum dt_err
mls_hpke_ciphertext_read(struct dt_reader *r, size_t max, struct mls_hpke_ciphertext *out)
{
    struct mls_hpke_ciphertext x;
    enum dt_err err;

    if ((err = dt_read_vec(r, MLS_PUB_MAX, &x.kem_output)) != DT_OK ||
        (err = dt_read_vec(r, max, &x.ciphertext)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

void
mls_hpke_ciphertext_write(struct dt_writer *w, const struct mls_hpke_ciphertext *x)
{
    dt_write_vec(w, x->kem_output);
    dt_write_vec(w, x->ciphertext);
}

enum dt_err
mls_encrypt_with_label(const struct dt_suite *suite, struct dt_view pub, const char *label,
                       struct dt_view context, struct dt_view plain, uint8_t *kem_output,
                       struct dt_buf *ciphertext)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(MLS_LABELED_MAX);
    struct dt_writer w = dt_writer_init(&info);
    enum dt_err err;

    write_labeled(&w, label, context);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_hpke_seal(suite, pub, dt_buf_view(&info), dt_view(NULL, 0), plain, kem_output,
                        ciphertext);
}

enum dt_err
mls_encrypt_prepare(const struct dt_suite *suite, const char *label, struct dt_view context,
                    uint8_t out[static DT_HASH_MAX])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf head = DT_BUF_INIT(MLS_LABEL_MAX + 32);
    struct dt_writer w = dt_writer_init(&head);
    struct dt_view parts[2] = {{NULL, 0}, context};
    size_t mark = dt_write_vec_begin(&w);
    enum dt_err err;

    /* As write_labeled(), with the context where it lies. */
    dt_write_view(&w, dt_view_str(PREFIX));
    dt_write_view(&w, dt_view_str(label));
    dt_write_vec_end(&w, mark);
    dt_write_varint(&w, context.n);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    parts[0] = dt_buf_view(&head);
    return dt_hpke_info_hash(suite, parts, 2, out);
}

enum dt_err
mls_encrypt_prepared(const struct dt_suite *suite, struct dt_view pub, const uint8_t *prepared,
                     struct dt_view plain, uint8_t *kem_output, struct dt_buf *ciphertext)
{
    return dt_hpke_seal_hashed(suite, pub, dt_view(prepared, suite->hash_len), dt_view(NULL, 0),
                               plain, kem_output, ciphertext);
}

enum dt_err
mls_decrypt_with_label(const struct dt_suite *suite, struct dt_view priv, const char *label,
                       struct dt_view context, const struct mls_hpke_ciphertext *sealed,
                       struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(MLS_LABELED_MAX);
    struct dt_writer w = dt_writer_init(&info);
    enum dt_err err;

    if (sealed->kem_output.n != suite->kem_pub_len)
        return dt_fail(DT_ERR_AUTH, "a KEM output has the wrong length");
    write_labeled(&w, label, context);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_hpke_open(suite, priv, sealed->kem_output, dt_buf_view(&info), dt_view(NULL, 0),
                        sealed->ciphertext, out);
}
