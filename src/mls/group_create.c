/*
 * mls/group_create.c - a group's beginning: its creator's leaf, epoch 0, key packages.
 *
 * Source: RFC 9420 sections 10 and 11.
 */
#include "base/mem.h"
#include "crypto/hpke.h"

#include "mls/group_internal.h"

/* ---- leaves ---- */

static enum dt_err
types_write(struct mls_type_list list, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    for (size_t i = 0; i < list.n; i++)
        dt_write_u16(&w, list.v[i]);
    return dt_writer_end(&w);
}

void
mls_leaf_bufs_clear(struct mls_leaf_bufs *b)
{
    dt_buf_clear(&b->extensions);
    dt_buf_clear(&b->proposals);
    dt_buf_clear(&b->credentials);
    dt_buf_clear(&b->cipher_suites);
    dt_buf_clear(&b->leaf_extensions);
}

enum dt_err
mls_typed_write(struct mls_typed_list list, struct dt_buf *raw)
{
    struct mls_extensions parsed;
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < list.n; i++)
        err = mls_extension_append(raw, list.v[i].type, list.v[i].body);
    /* Parsing refuses a type that appears twice. */
    if (err == DT_OK)
        err = mls_extensions_parse(dt_buf_view(raw), &parsed);
    return err;
}

/* One value for nobody in each list that may have one. */
static enum dt_err
grease(struct mls_leaf_bufs *bufs)
{
    struct dt_buf *lists[] = {&bufs->cipher_suites, &bufs->extensions, &bufs->proposals,
                              &bufs->credentials};
    uint16_t x = 0;
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < sizeof lists / sizeof lists[0]; i++) {
        uint16_t nobody = 0;

        err = mls_grease_pick(&nobody);
        if (err == DT_OK)
            err = types_write((struct mls_type_list){&nobody, 1}, lists[i]);
        if (lists[i] == &bufs->extensions)
            x = nobody;
    }
    /* What a leaf carries its capabilities list. */
    return err == DT_OK ? mls_grease_extension(&bufs->leaf_extensions, x) : err;
}

enum dt_err
mls_leaf_fields_of(const struct mls_leaf_params *p, const struct dt_suite *suite,
                   struct mls_leaf_bufs *bufs, struct mls_leaf_fields *out)
{
    static const uint8_t version[] = {0, MLS_VERSION_10};
    struct mls_leaf_fields f = {0};
    enum dt_err err;

    if (p->signature_priv.n != suite->sig_priv_len || p->signature_pub.n != suite->sig_pub_len)
        return dt_fail(DT_ERR_RANGE, "signature key of %zu and %zu bytes", p->signature_priv.n,
                       p->signature_pub.n);
    dt_buf_init(&bufs->extensions, MLS_CAPABILITIES_MAX);
    dt_buf_init(&bufs->proposals, MLS_CAPABILITIES_MAX);
    dt_buf_init(&bufs->credentials, MLS_CAPABILITIES_MAX);
    dt_buf_init(&bufs->cipher_suites, MLS_CAPABILITIES_MAX);
    dt_buf_init(&bufs->leaf_extensions, MLS_LEAF_EXTENSIONS_MAX);
    f.credential.type = p->credential_type != 0 ? p->credential_type : MLS_CREDENTIAL_BASIC;
    if ((err = types_write(p->extension_types, &bufs->extensions)) != DT_OK ||
        (err = types_write(p->proposal_types, &bufs->proposals)) != DT_OK ||
        (err = types_write((struct mls_type_list){&f.credential.type, 1}, &bufs->credentials)) !=
            DT_OK ||
        (err = types_write(p->credential_types, &bufs->credentials)) != DT_OK ||
        (err = types_write((struct mls_type_list){&suite->id, 1}, &bufs->cipher_suites)) != DT_OK ||
        (err = types_write(p->cipher_suites, &bufs->cipher_suites)) != DT_OK ||
        (err = mls_typed_write(p->leaf_extensions, &bufs->leaf_extensions)) != DT_OK ||
        (p->grease && (err = grease(bufs)) != DT_OK))
        return err;
    f.signature_key = p->signature_pub;
    if (f.credential.type == MLS_CREDENTIAL_BASIC)
        f.credential.identity = p->identity;
    else
        f.credential.body = p->identity;
    f.capabilities.versions = dt_view_of(version);
    f.capabilities.cipher_suites = dt_buf_view(&bufs->cipher_suites);
    f.capabilities.extensions = dt_buf_view(&bufs->extensions);
    f.capabilities.proposals = dt_buf_view(&bufs->proposals);
    f.capabilities.credentials = dt_buf_view(&bufs->credentials);
    err = mls_extensions_parse(dt_buf_view(&bufs->leaf_extensions), &f.extensions);
    if (err == DT_OK)
        *out = f;
    return err;
}

/* ---- epoch 0 ---- */

/* The first GroupContext's extensions: required_capabilities when wanted, then the caller's own. */
static enum dt_err
first_extensions(const struct mls_group_params *params, struct dt_buf *raw)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf ext = DT_BUF_INIT(MLS_CAPABILITIES_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf prop = DT_BUF_INIT(MLS_CAPABILITIES_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf data = DT_BUF_INIT(3 * MLS_CAPABILITIES_MAX + 16);
    uint16_t type = params->leaf.credential_type != 0 ? params->leaf.credential_type
                                                      : (uint16_t)MLS_CREDENTIAL_BASIC;
    const uint8_t own[] = {(uint8_t)(type >> 8), (uint8_t)type};
    struct mls_required_capabilities rc = {.credentials = dt_view_of(own)};
    struct dt_writer w = dt_writer_init(&data);
    enum dt_err err = DT_OK;

    if (params->required_extensions.n + params->required_proposals.n > 0) {
        if ((err = types_write(params->required_extensions, &ext)) != DT_OK ||
            (err = types_write(params->required_proposals, &prop)) != DT_OK)
            return err;
        rc.extensions = dt_buf_view(&ext);
        rc.proposals = dt_buf_view(&prop);
        mls_required_capabilities_write(&w, &rc);
        if ((err = dt_writer_end(&w)) != DT_OK ||
            (err = mls_extension_append(raw, MLS_EXT_REQUIRED_CAPABILITIES, dt_buf_view(&data))) !=
                DT_OK)
            return err;
    }
    return mls_typed_write(params->extensions, raw);
}

/* The creator's leaf, as in a key package, into the tree of ${g}. */
static enum dt_err
first_leaf(const struct mls_group_params *params, const struct mls_extensions *extensions,
           struct mls_group *g)
{
    DT_CLEANUP(mls_leaf_bufs_clear) struct mls_leaf_bufs bufs = {0};
    DT_CLEANUP(mls_leaf_node_unref_p) struct mls_leaf_node *leaf = NULL;
    struct mls_leaf_fields fields = {0};
    struct mls_leaf_rules rules = {.suite = g->suite, .group_extensions = extensions};
    uint8_t pub[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if ((err = mls_leaf_fields_of(&params->leaf, g->suite, &bufs, &fields)) != DT_OK ||
        (err = mls_sign_key_ready(g->suite, params->leaf.signature_priv, params->leaf.signature_pub,
                                  &g->signature_priv)) != DT_OK ||
        (err = dt_hpke_new_key_pair(g->suite, &g->priv.leaf_priv, pub)) != DT_OK)
        return err;
    fields.encryption_key = dt_view(pub, g->suite->kem_pub_len);
    fields.source = MLS_LEAF_KEY_PACKAGE;
    fields.lifetime.not_before = params->not_before_s;
    fields.lifetime.not_after = params->not_after_s;
    if ((err = mls_leaf_node_new(g->suite, &fields, dt_secret_view(&g->signature_priv),
                                 dt_view(NULL, 0), 0, &leaf)) != DT_OK ||
        (err = mls_leaf_node_check(leaf, MLS_LEAF_KEY_PACKAGE, &rules)) != DT_OK)
        return err;
    return mls_tree_add(&g->tree, leaf, &g->own_leaf);
}

static enum dt_err
first_epoch(const struct mls_group_params *params, struct dt_view extensions, struct mls_group *g)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret epoch_secret = {0};
    uint8_t hash[DT_HASH_MAX];
    uint8_t tag[DT_HASH_MAX];
    uint8_t interim[DT_HASH_MAX];
    size_t n = g->suite->hash_len;
    enum dt_err err;

    if ((err = mls_tree_hash(&g->tree, hash)) != DT_OK ||
        (err = mls_group_context_new(g->suite->id, params->group_id, 0, dt_view(hash, n),
                                     dt_view(NULL, 0), extensions, &g->context)) != DT_OK ||
        (err = dt_secret_random(&epoch_secret, n)) != DT_OK ||
        (err = mls_epoch_secrets_start(g->suite, dt_secret_view(&epoch_secret), &g->secrets)) !=
            DT_OK ||
        (err = mls_secret_tree_init(&g->keys, g->suite, g->tree.n_leaves,
                                    &g->secrets.encryption)) != DT_OK ||
        (err = mls_mac(g->suite, dt_secret_view(&g->secrets.confirmation_key), dt_view(NULL, 0),
                       tag)) != DT_OK ||
        (err = mls_interim_transcript_hash(g->suite, dt_view(NULL, 0), dt_view(tag, n), interim)) !=
            DT_OK)
        return err;
    return dt_buf_set(&g->interim, dt_view(interim, n));
}

enum dt_err
mls_suite_choose(uint16_t id, bool allow_malleable, const struct dt_suite **out)
{
    const struct dt_suite *suite = dt_suite_get(id);

    if (suite == NULL)
        return dt_fail(DT_ERR_UNSUPPORTED, "cipher suite %u", id);
    if (suite->malleable && !allow_malleable)
        return dt_fail(DT_ERR_UNSUPPORTED,
                       "cipher suite %u has malleable signatures, which were not asked for", id);
    *out = suite;
    return DT_OK;
}

enum dt_err
mls_group_create(const struct mls_group_params *params, struct mls_group **out)
{
    DT_CLEANUP(mls_group_free_p) struct mls_group *g = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_MESSAGE_MAX);
    const struct dt_suite *suite = NULL;
    struct mls_extensions extensions;
    enum dt_err err = mls_suite_choose(params->leaf.suite, params->leaf.allow_malleable, &suite);

    if (err != DT_OK)
        return err;
    if ((err = mls_group_policy_check(&params->policy)) != DT_OK ||
        (err = first_extensions(params, &raw)) != DT_OK ||
        (err = mls_extensions_parse(dt_buf_view(&raw), &extensions)) != DT_OK ||
        (err = mls_group_extensions_check(&extensions)) != DT_OK)
        return err;
    g = mls_group_new(suite, &params->policy);
    if (g == NULL)
        return dt_nomem();
    if ((err = first_leaf(params, &extensions, g)) != DT_OK ||
        (err = first_epoch(params, extensions.raw, g)) != DT_OK)
        return err;
    g->priv.leaf_index = g->own_leaf;
    *out = g;
    g = NULL;
    return DT_OK;
}

/* ---- key packages ---- */

void
mls_key_bundle_clear(struct mls_key_bundle *b)
{
    if (b == NULL)
        return;
    dt_secret_clear(&b->init_priv);
    dt_secret_clear(&b->leaf_priv);
}

enum dt_err
mls_key_package_new(const struct mls_leaf_params *leaf, uint64_t not_before_s, uint64_t not_after_s,
                    struct mls_typed_list extensions, struct dt_buf *out,
                    struct mls_key_bundle *bundle)
{
    DT_CLEANUP(mls_leaf_bufs_clear) struct mls_leaf_bufs bufs = {0};
    DT_CLEANUP(mls_key_package_bundle_clear) struct mls_key_package_bundle b = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret sig_priv = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_KEY_PACKAGE_MAX);
    const struct dt_suite *suite = NULL;
    struct mls_leaf_fields fields = {0};
    struct mls_extensions parsed = {0};
    uint16_t nobody;
    struct dt_writer w = dt_writer_init(out);
    size_t before = out->n;
    enum dt_err err = mls_suite_choose(leaf->suite, leaf->allow_malleable, &suite);

    if (err != DT_OK)
        return err;
    if (not_before_s > not_after_s)
        return dt_fail(DT_ERR_RANGE, "a lifetime that ends before it begins");
    if ((err = mls_leaf_fields_of(leaf, suite, &bufs, &fields)) != DT_OK ||
        (err = mls_sign_key_ready(suite, leaf->signature_priv, leaf->signature_pub, &sig_priv)) !=
            DT_OK ||
        (err = mls_typed_write(extensions, &raw)) != DT_OK ||
        (leaf->grease && ((err = mls_grease_pick(&nobody)) != DT_OK ||
                          (err = mls_grease_extension(&raw, nobody)) != DT_OK)) ||
        (err = mls_extensions_parse(dt_buf_view(&raw), &parsed)) != DT_OK)
        return err;
    fields.lifetime.not_before = not_before_s;
    fields.lifetime.not_after = not_after_s;
    err = mls_key_package_create(suite, &fields, &parsed, dt_secret_view(&sig_priv), &b);
    if (err != DT_OK)
        return err;
    mls_message_write(&w, MLS_WIRE_KEY_PACKAGE);
    mls_key_package_write(&w, b.key_package);
    if ((err = dt_writer_end(&w)) != DT_OK) {
        out->n = before;
        return err;
    }
    dt_secret_move(&bundle->init_priv, &b.init_priv);
    dt_secret_move(&bundle->leaf_priv, &b.leaf_priv);
    return DT_OK;
}

/* The view ${v} into the leaf's own bytes, as a view into a copy of the leaf at ${base}. */
static struct dt_view
moved(const struct mls_leaf_node *leaf, struct dt_view v, const uint8_t *base)
{
    return dt_view(base + (v.p - leaf->raw.p), v.n);
}

enum dt_err
mls_key_package_open(struct dt_view message, const struct mls_time_policy *policy,
                     struct mls_key_package_info *out, struct dt_buf *ref)
{
    DT_CLEANUP(mls_key_package_unref_p) struct mls_key_package *kp = NULL;
    struct mls_leaf_rules rules = {.lifetime = mls_lifetime_from(policy)};
    struct mls_key_package_info info = {0};
    uint8_t hash[DT_HASH_MAX];
    struct dt_view body;
    size_t init_at;
    size_t leaf_at;
    enum dt_err err;

    if ((err = mls_message_body(message, MLS_WIRE_KEY_PACKAGE, &body)) != DT_OK ||
        (err = mls_key_package_parse(body, &kp)) != DT_OK)
        return err;
    rules.suite = dt_suite_get(kp->cipher_suite);
    if (rules.suite == NULL)
        return dt_fail(DT_ERR_UNSUPPORTED, "cipher suite %u", kp->cipher_suite);
    if ((err = mls_key_package_check(kp, &rules)) != DT_OK ||
        (err = mls_key_package_hash(rules.suite, kp, hash)) != DT_OK)
        return mls_rule_error(err);
    if (ref != NULL && (err = dt_buf_append(ref, dt_view(hash, rules.suite->hash_len))) != DT_OK)
        return err;
    /* The package owns a copy of body, and its leaf one of its part of it, which comes right behind
     * init_key; the caller gets the same places in body itself. */
    init_at = (size_t)(kp->init_key.p - kp->raw.p);
    leaf_at = init_at + kp->init_key.n;
    info.suite = kp->cipher_suite;
    info.init_key = dt_view(body.p + init_at, kp->init_key.n);
    info.credential_type = kp->leaf->credential.type;
    info.credential = moved(kp->leaf, mls_credential_body(&kp->leaf->credential), body.p + leaf_at);
    if (info.credential_type == MLS_CREDENTIAL_BASIC)
        info.identity = info.credential;
    info.signature_key = moved(kp->leaf, kp->leaf->signature_key, body.p + leaf_at);
    info.encryption_key = moved(kp->leaf, kp->leaf->encryption_key, body.p + leaf_at);
    info.not_before_s = kp->leaf->lifetime.not_before;
    info.not_after_s = kp->leaf->lifetime.not_after;
    *out = info;
    return DT_OK;
}
