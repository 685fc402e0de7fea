/*
 * mls/group_info.c - the GroupInfo: made of a group, and read by one who is about to join.
 *
 * Source: RFC 9420 sections 12.4.3, 12.4.3.2 and 12.4.3.3.
 */
#include "base/mem.h"
#include "crypto/hpke.h"

#include "mls/group_internal.h"
#include "mls/welcome.h"

/* ---- making ---- */

/* RFC 9420 section 12.4.3.3: ratchet_tree. */
static enum dt_err
append_tree(const struct mls_tree *tree, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf data = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(&data);
    enum dt_err err;

    mls_tree_write(&w, tree);
    err = dt_writer_end(&w);
    if (err == DT_OK)
        err = mls_extension_append(out, MLS_EXT_RATCHET_TREE, dt_buf_view(&data));
    return err;
}

/* RFC 9420 sections 8 and 12.4.3.2: the public key of the pair that external_secret gives. */
static enum dt_err
append_external_pub(const struct dt_suite *suite, struct dt_view external_secret,
                    struct dt_buf *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf data = DT_BUF_INIT(MLS_PUB_MAX + 8);
    struct dt_writer w = dt_writer_init(&data);
    uint8_t pub[DT_HPKE_PUB_MAX];
    enum dt_err err = dt_hpke_derive_key_pair(suite, external_secret, &priv, pub);

    if (err != DT_OK)
        return err;
    dt_write_vec(&w, dt_view(pub, suite->kem_pub_len));
    err = dt_writer_end(&w);
    if (err == DT_OK)
        err = mls_extension_append(out, MLS_EXT_EXTERNAL_PUB, dt_buf_view(&data));
    return err;
}

enum dt_err
mls_group_info_make(const struct dt_suite *suite, const struct mls_info_fields *fields,
                    struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf extensions = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_extensions parsed;
    uint16_t nobody;
    enum dt_err err = DT_OK;

    if (fields->tree != NULL)
        err = append_tree(fields->tree, &extensions);
    if (err == DT_OK && fields->external_secret.n > 0)
        err = append_external_pub(suite, fields->external_secret, &extensions);
    if (err != DT_OK || (err = mls_typed_write(fields->extensions, &extensions)) != DT_OK ||
        (fields->grease && ((err = mls_grease_pick(&nobody)) != DT_OK ||
                            (err = mls_grease_extension(&extensions, nobody)) != DT_OK)) ||
        (err = mls_extensions_parse(dt_buf_view(&extensions), &parsed)) != DT_OK ||
        (err = mls_extensions_check(&parsed, MLS_IN_GROUP_INFO)) != DT_OK)
        return err;
    return mls_group_info_sign(suite, dt_buf_view(&fields->context->raw), parsed.raw,
                               fields->confirmation_tag, fields->signer, fields->sig_priv, out);
}

enum dt_err
mls_group_info_export(const struct mls_group *g, const struct mls_group_info_opts *opts,
                      struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(out);
    struct mls_info_fields fields = {.context = &g->context,
                                     .extensions = opts->extensions,
                                     .signer = g->own_leaf,
                                     .sig_priv = dt_secret_view(&g->signature_priv)};
    size_t before = out->n;
    uint8_t tag[DT_HASH_MAX];
    enum dt_err err = mls_group_require_open(g);

    if (err != DT_OK)
        return err;
    if (opts->ratchet_tree)
        fields.tree = &g->tree;
    if (opts->external_pub)
        fields.external_secret = dt_secret_view(&g->secrets.external);
    /* RFC 9420 section 6.1: the tag of the Commit that began this epoch. */
    err = mls_mac(g->suite, dt_secret_view(&g->secrets.confirmation_key),
                  g->context.confirmed_transcript_hash, tag);
    fields.confirmation_tag = dt_view(tag, g->suite->hash_len);
    if (err != DT_OK || (err = mls_group_info_make(g->suite, &fields, &info)) != DT_OK)
        return err;
    mls_message_write(&w, MLS_WIRE_GROUP_INFO);
    dt_write_view(&w, dt_buf_view(&info));
    if ((err = dt_writer_end(&w)) != DT_OK)
        out->n = before;
    return err;
}

/* ---- reading ---- */

enum dt_err
mls_group_info_tree(const struct dt_suite *suite, const struct mls_group_info *info,
                    struct dt_view ratchet_tree, uint32_t threads, struct mls_tree *out)
{
    struct mls_leaf_rules rules = {
        .suite = suite, .group_extensions = &info->context.extensions, .threads = threads};
    const struct mls_leaf_node *signer;
    enum dt_err err;

    if (!mls_extensions_find(&info->extensions, MLS_EXT_RATCHET_TREE, &ratchet_tree) &&
        ratchet_tree.n == 0)
        return dt_fail(DT_ERR_NOT_FOUND, "there is no ratchet tree in the GroupInfo or beside it");
    if ((err = mls_tree_parse(ratchet_tree, suite, out)) != DT_OK)
        return err;
    signer = mls_tree_leaf(out, info->signer);
    if (signer == NULL)
        return dt_fail(DT_ERR_AUTH, "the signer's leaf %u is blank", info->signer);
    if ((err = mls_group_info_verify(suite, info, signer->signature_key)) != DT_OK)
        return err;
    return mls_tree_check(out, info->context.group_id, &rules, info->context.tree_hash);
}

enum dt_err
mls_group_info_peek(struct dt_view message, struct mls_group_info_peeked *out)
{
    DT_CLEANUP(mls_group_info_clear) struct mls_group_info info = {0};
    struct mls_group_info_peeked x = {0};
    struct dt_view data;
    struct dt_view body;
    enum dt_err err;

    if ((err = mls_message_body(message, MLS_WIRE_GROUP_INFO, &body)) != DT_OK ||
        (err = mls_group_info_parse(body, &info)) != DT_OK)
        return err;
    x.suite = info.context.cipher_suite;
    x.epoch = info.context.epoch;
    x.signer = info.signer;
    /* What was parsed is a copy of the body, byte for byte. */
    x.group_id =
        dt_view(body.p + (info.context.group_id.p - info.context.raw.p), info.context.group_id.n);
    x.external_pub = mls_extensions_find(&info.extensions, MLS_EXT_EXTERNAL_PUB, &data);
    x.ratchet_tree = mls_extensions_find(&info.extensions, MLS_EXT_RATCHET_TREE, &data);
    *out = x;
    return DT_OK;
}

/* The GroupInfo's extensions for the caller, without the tree. */
enum dt_err
mls_join_info_gather(const struct mls_group_info *from, struct mls_join_info *info)
{
    struct dt_view rest = from->extensions.raw;
    struct mls_extensions parsed;
    struct mls_extension x;
    enum dt_err err = DT_OK;

    dt_buf_init(&info->bytes, MLS_MESSAGE_MAX);
    info->signer = from->signer;
    while (err == DT_OK && mls_extensions_next(&rest, &x))
        if (x.type != MLS_EXT_RATCHET_TREE)
            err = mls_extension_append(&info->bytes, x.type, x.data);
    if (err == DT_OK)
        err = mls_extensions_parse(dt_buf_view(&info->bytes), &parsed);
    if (err != DT_OK)
        return err;
    info->extensions = dt_alloc(parsed.n, sizeof *info->extensions);
    if (info->extensions == NULL)
        return dt_nomem();
    rest = parsed.raw;
    while (info->n_extensions < parsed.n && mls_extensions_next(&rest, &x)) {
        info->extensions[info->n_extensions].type = x.type;
        info->extensions[info->n_extensions].body = x.data;
        info->n_extensions++;
    }
    return DT_OK;
}
