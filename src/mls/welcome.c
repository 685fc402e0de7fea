/*
 * mls/welcome.c - see welcome.h.
 */
#include "base/mem.h"
#include "mls/group_limits.h"

#include "mls/welcome.h"

/* GroupSecrets: two hashes and a list of PSK ids. */
#define GROUP_SECRETS_MAX (128u << 10)

void
mls_group_info_clear(struct mls_group_info *g)
{
    if (g == NULL)
        return;
    mls_group_context_clear(&g->context);
    dt_buf_clear(&g->raw);
    *g = (struct mls_group_info){0};
}

void
mls_group_info_move(struct mls_group_info *to, struct mls_group_info *from)
{
    mls_group_info_clear(to);
    *to = *from;
    *from = (struct mls_group_info){0};
}

enum dt_err
mls_group_info_parse(struct dt_view v, struct mls_group_info *out)
{
    DT_CLEANUP(mls_group_info_clear)
    struct mls_group_info g = {.raw = DT_BUF_INIT(MLS_MESSAGE_MAX)};
    struct dt_reader r;
    enum dt_err err;

    if ((err = dt_buf_set(&g.raw, v)) != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&g.raw));
    if ((err = mls_group_context_read(&r, &g.context)) != DT_OK ||
        (err = mls_extensions_read(&r, MLS_MESSAGE_MAX, &g.extensions)) != DT_OK ||
        (err = dt_read_vec(&r, MLS_HASH_MAX, &g.confirmation_tag)) != DT_OK ||
        (err = dt_read_u32(&r, &g.signer)) != DT_OK)
        return err;
    g.signed_part = dt_view(g.raw.p, r.off);
    if ((err = dt_read_vec(&r, MLS_SIG_MAX, &g.signature)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    mls_group_info_move(out, &g);
    return DT_OK;
}

enum dt_err
mls_group_info_sign(const struct dt_suite *suite, struct dt_view context, struct dt_view extensions,
                    struct dt_view confirmation_tag, uint32_t signer, struct dt_view sig_priv,
                    struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf signature = DT_BUF_INIT(MLS_SIG_MAX);
    struct dt_writer w = dt_writer_init(out);
    size_t start = out->n;
    enum dt_err err;

    dt_write_view(&w, context);
    dt_write_vec(&w, extensions);
    dt_write_vec(&w, confirmation_tag);
    dt_write_u32(&w, signer);
    if ((err = dt_writer_end(&w)) == DT_OK)
        err = mls_sign_with_label(suite, sig_priv, "GroupInfoTBS",
                                  dt_view(out->p + start, out->n - start), &signature);
    if (err != DT_OK)
        return err;
    dt_write_vec(&w, dt_buf_view(&signature));
    return dt_writer_end(&w);
}

enum dt_err
mls_group_info_verify(const struct dt_suite *suite, const struct mls_group_info *g,
                      struct dt_view signature_key)
{
    return mls_verify_with_label(suite, signature_key, "GroupInfoTBS", g->signed_part,
                                 g->signature);
}

void
mls_group_secrets_clear(struct mls_group_secrets *s)
{
    if (s == NULL)
        return;
    dt_buf_wipe(&s->raw);
    dt_free(s->psks);
    dt_free(s->psk_raw);
    *s = (struct mls_group_secrets){0};
}

static enum dt_err
psks_read(struct dt_reader *r, struct mls_group_secrets *s)
{
    struct dt_reader list;
    struct dt_reader before;
    enum dt_err err = dt_read_sub(r, GROUP_SECRETS_MAX, &list);

    if (err != DT_OK)
        return err;
    s->psks = dt_alloc(MLS_PSKS_MAX, sizeof *s->psks);
    s->psk_raw = dt_alloc(MLS_PSKS_MAX, sizeof *s->psk_raw);
    if (s->psks == NULL || s->psk_raw == NULL)
        return dt_nomem();
    while (list.n > 0) {
        if (s->n_psks >= MLS_PSKS_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %u PSKs", MLS_PSKS_MAX);
        before = list;
        if ((err = mls_psk_id_read(&list, &s->psks[s->n_psks])) != DT_OK)
            return err;
        s->psk_raw[s->n_psks] = dt_view(before.p, before.n - list.n);
        s->n_psks++;
    }
    return DT_OK;
}

enum dt_err
mls_group_secrets_parse(struct dt_buf *raw, struct mls_group_secrets *out)
{
    DT_CLEANUP(mls_group_secrets_clear) struct mls_group_secrets s = {0};
    struct dt_reader r = dt_reader_init(dt_buf_view(raw));
    enum dt_err err;

    /* RFC 9420 section 12.4.3: joiner_secret<V>, optional<PathSecret>, PreSharedKeyID psks<V>. */
    if ((err = dt_read_vec(&r, MLS_HASH_MAX, &s.joiner_secret)) != DT_OK ||
        (err = dt_read_optional(&r, &s.has_path_secret)) != DT_OK)
        return err;
    if (s.has_path_secret && (err = dt_read_vec(&r, MLS_HASH_MAX, &s.path_secret)) != DT_OK)
        return err;
    if ((err = psks_read(&r, &s)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    s.raw = *raw;
    *raw = (struct dt_buf)DT_BUF_INIT(raw->max);
    mls_group_secrets_clear(out);
    *out = s;
    s = (struct mls_group_secrets){0};
    return DT_OK;
}

void
mls_group_secrets_write(struct dt_writer *w, struct dt_view joiner_secret,
                        struct dt_view path_secret, struct dt_view psks)
{
    dt_write_vec(w, joiner_secret);
    dt_write_optional(w, path_secret.n > 0);
    if (path_secret.n > 0)
        dt_write_vec(w, path_secret);
    dt_write_vec(w, psks);
}

static enum dt_err
entry_read(struct dt_reader *r, struct mls_encrypted_group_secrets *out)
{
    enum dt_err err = dt_read_vec(r, MLS_HASH_MAX, &out->new_member);

    if (err == DT_OK)
        err = mls_hpke_ciphertext_read(r, GROUP_SECRETS_MAX, &out->sealed);
    return err;
}

enum dt_err
mls_welcome_parse(struct dt_view body, struct mls_welcome *out)
{
    struct mls_encrypted_group_secrets entry;
    struct mls_welcome x = {0};
    struct dt_reader r = dt_reader_init(body);
    struct dt_reader list;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &x.cipher_suite)) != DT_OK ||
        (err = dt_read_sub(&r, MLS_MESSAGE_MAX, &list)) != DT_OK)
        return err;
    x.secrets = dt_view(list.p, list.n);
    for (; list.n > 0; x.n_secrets++)
        if ((err = entry_read(&list, &entry)) != DT_OK)
            return err;
    if ((err = dt_read_vec(&r, MLS_MESSAGE_MAX, &x.encrypted_group_info)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

bool
mls_welcome_find(const struct mls_welcome *w, struct dt_view ref,
                 struct mls_encrypted_group_secrets *out)
{
    struct mls_encrypted_group_secrets entry;
    struct dt_reader r = dt_reader_init(w->secrets);

    while (r.n > 0 && entry_read(&r, &entry) == DT_OK) {
        if (dt_view_equal(entry.new_member, ref)) {
            *out = entry;
            return true;
        }
    }
    return false;
}

static enum dt_err
info_keys(const struct dt_suite *suite, struct dt_view welcome_secret, struct dt_secret *key,
          struct dt_secret *nonce)
{
    const struct mls_expansion both[] = {{"key", {NULL, 0}, suite->key_len, key},
                                         {"nonce", {NULL, 0}, suite->nonce_len, nonce}};

    return mls_expand_all(suite, welcome_secret, both, 2);
}

enum dt_err
mls_welcome_open_info(const struct dt_suite *suite, struct dt_view welcome_secret,
                      struct dt_view sealed, struct dt_buf *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret nonce = {0};
    enum dt_err err = info_keys(suite, welcome_secret, &key, &nonce);

    if (err == DT_OK)
        err = dt_aead_open(suite->aead, dt_secret_view(&key), dt_secret_view(&nonce),
                           dt_view(NULL, 0), sealed, out);
    return err;
}

enum dt_err
mls_welcome_seal_info(const struct dt_suite *suite, struct dt_view welcome_secret,
                      struct dt_view group_info, struct dt_buf *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret nonce = {0};
    enum dt_err err = info_keys(suite, welcome_secret, &key, &nonce);

    if (err == DT_OK)
        err = dt_aead_seal(suite->aead, dt_secret_view(&key), dt_secret_view(&nonce),
                           dt_view(NULL, 0), group_info, out);
    return err;
}
