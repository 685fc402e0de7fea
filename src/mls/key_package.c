/* mls/key_package.c - see key_package.h. */
#include "base/mem.h"
#include "crypto/hpke.h"

#include "mls/key_package.h"
#include "mls/label.h"

/* RFC 9420 section 10; ${kp}'s views point into what ${r} reads, its leaf is a node of its own. */
static enum dt_err
read_fields(struct dt_reader *r, struct mls_key_package *kp)
{
    const uint8_t *start = r->p;
    enum dt_err err;

    if ((err = dt_read_u16(r, &kp->version)) != DT_OK)
        return err;
    if (kp->version != MLS_VERSION_10)
        return dt_fail(DT_ERR_UNSUPPORTED, "protocol version %u is not known", kp->version);
    if ((err = dt_read_u16(r, &kp->cipher_suite)) != DT_OK ||
        (err = dt_read_vec(r, MLS_PUB_MAX, &kp->init_key)) != DT_OK ||
        (err = mls_leaf_node_read(r, &kp->leaf)) != DT_OK ||
        (err = mls_extensions_read(r, MLS_LEAF_EXTENSIONS_MAX, &kp->extensions)) != DT_OK)
        return err;
    kp->signed_part = dt_view(start, (size_t)(r->p - start));
    return dt_read_vec(r, MLS_SIG_MAX, &kp->signature);
}

enum dt_err
mls_key_package_read(struct dt_reader *r, struct mls_key_package **out)
{
    struct dt_reader probe = *r, own;
    struct mls_key_package scratch = {0}, *kp = NULL;
    struct dt_view raw;
    enum dt_err err;

    if ((err = read_fields(&probe, &scratch)) != DT_OK)
        goto done;
    if ((kp = dt_alloc(1, sizeof *kp)) == NULL) {
        err = dt_nomem();
        goto done;
    }
    kp->refs = 1;
    dt_buf_init(&kp->raw, MLS_KEY_PACKAGE_MAX); /* LIMIT: no longer one than that */
    if ((err = dt_read_view(r, r->n - probe.n, &raw)) != DT_OK ||
        (err = dt_buf_set(&kp->raw, raw)) != DT_OK)
        goto done;
    own = dt_reader_init(dt_buf_view(&kp->raw));
    if ((err = read_fields(&own, kp)) != DT_OK)
        goto done;
    *out = kp;
    kp = NULL;
done:
    mls_leaf_node_unref(scratch.leaf);
    mls_key_package_unref(kp);
    return err;
}

enum dt_err
mls_key_package_parse(struct dt_view v, struct mls_key_package **out)
{
    DT_CLEANUP(mls_key_package_unref_p) struct mls_key_package *kp = NULL;
    struct dt_reader r = dt_reader_init(v);
    enum dt_err err;

    if ((err = mls_key_package_read(&r, &kp)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = kp;
    kp = NULL;
    return DT_OK;
}

void
mls_key_package_write(struct dt_writer *w, const struct mls_key_package *kp)
{
    dt_write_view(w, dt_buf_view(&kp->raw));
}

struct mls_key_package *
mls_key_package_ref(struct mls_key_package *kp)
{
    kp->refs++;
    return kp;
}

void
mls_key_package_unref(struct mls_key_package *kp)
{
    if (kp == NULL || --kp->refs > 0)
        return;
    mls_leaf_node_unref(kp->leaf);
    dt_buf_clear(&kp->raw);
    dt_free(kp);
}

void
mls_key_package_unref_p(struct mls_key_package **kp)
{
    mls_key_package_unref(*kp);
    *kp = NULL;
}

enum dt_err
mls_key_package_hash(const struct dt_suite *suite, const struct mls_key_package *kp, uint8_t *out)
{
    return mls_ref_hash(suite, MLS_LABEL_KEY_PACKAGE_REF, dt_buf_view(&kp->raw), out);
}

/* Both signatures, once: a list of proposals may be tried many times (group_select.c). They depend
 * on nothing but the package's bytes, which never change. */
static enum dt_err
verify(struct mls_key_package *kp, const struct dt_suite *suite)
{
    enum dt_err err;

    if (kp->verified)
        return DT_OK;
    if ((err = mls_leaf_node_verify(suite, kp->leaf, dt_view(NULL, 0), 0)) != DT_OK ||
        (err = mls_verify_with_label(suite, kp->leaf->signature_key, "KeyPackageTBS",
                                     kp->signed_part, kp->signature)) != DT_OK)
        return err;
    kp->verified = true;
    return DT_OK;
}

enum dt_err
mls_key_package_check(struct mls_key_package *kp, const struct mls_leaf_rules *rules)
{
    enum dt_err err;

    /* RFC 9420 section 10.1, in its order. */
    if (kp->version != MLS_VERSION_10 || kp->cipher_suite != rules->suite->id)
        return dt_fail(DT_ERR_UNSUPPORTED, "a key package is for another version or suite");
    if ((err = mls_extensions_check(&kp->extensions, MLS_IN_KEY_PACKAGE)) != DT_OK ||
        (err = mls_leaf_node_check(kp->leaf, MLS_LEAF_KEY_PACKAGE, rules)) != DT_OK ||
        (err = verify(kp, rules->suite)) != DT_OK ||
        (err = dt_hpke_pub_check(rules->suite, kp->init_key)) != DT_OK)
        return err;
    if (dt_view_equal(kp->init_key, kp->leaf->encryption_key))
        return dt_fail(DT_ERR_REFUSED, "init_key and encryption_key are the same");
    return DT_OK;
}

void
mls_key_package_bundle_clear(struct mls_key_package_bundle *b)
{
    if (b == NULL)
        return;
    mls_key_package_unref_p(&b->key_package);
    dt_secret_clear(&b->init_priv);
    dt_secret_clear(&b->leaf_priv);
}

enum dt_err
mls_key_package_create(const struct dt_suite *suite, const struct mls_leaf_fields *fields,
                       const struct mls_extensions *extensions, struct dt_view sig_priv,
                       struct mls_key_package_bundle *out)
{
    DT_CLEANUP(mls_key_package_bundle_clear) struct mls_key_package_bundle b = {0};
    DT_CLEANUP(mls_leaf_node_unref_p) struct mls_leaf_node *leaf = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_KEY_PACKAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(MLS_SIG_MAX);
    struct dt_writer w = dt_writer_init(&raw);
    const struct mls_extensions none = {0};
    struct mls_leaf_fields f = *fields;
    uint8_t init_pub[DT_HPKE_PUB_MAX], leaf_pub[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if ((err = dt_hpke_new_key_pair(suite, &b.init_priv, init_pub)) != DT_OK ||
        (err = dt_hpke_new_key_pair(suite, &b.leaf_priv, leaf_pub)) != DT_OK)
        return err;
    f.encryption_key = dt_view(leaf_pub, suite->kem_pub_len);
    f.source = MLS_LEAF_KEY_PACKAGE;
    if ((err = mls_leaf_node_new(suite, &f, sig_priv, dt_view(NULL, 0), 0, &leaf)) != DT_OK)
        return err;
    dt_write_u16(&w, MLS_VERSION_10);
    dt_write_u16(&w, suite->id);
    dt_write_vec(&w, dt_view(init_pub, suite->kem_pub_len));
    mls_leaf_node_write(&w, leaf);
    mls_extensions_write(&w, extensions != NULL ? extensions : &none);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = mls_sign_with_label(suite, sig_priv, "KeyPackageTBS", dt_buf_view(&raw), &sig)) !=
            DT_OK)
        return err;
    dt_write_vec(&w, dt_buf_view(&sig));
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = mls_key_package_parse(dt_buf_view(&raw), &b.key_package)) != DT_OK)
        return err;
    *out = b;
    /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): cleared on leaving */
    b = (struct mls_key_package_bundle){0};
    return DT_OK;
}
