/* mls/leaf_node.c - see leaf_node.h. */
#include "base/mem.h"
#include "crypto/hpke.h"

#include "mls/label.h"
#include "mls/leaf_node.h"

/* ---- decode and encode ---- */

/*
 * RFC 9420 section 7.2. The views of ${leaf} point into what ${r} reads; signed_part is what lies
 * before the signature field.
 */
static enum dt_err
read_fields(struct dt_reader *r, struct mls_leaf_node *leaf)
{
    const uint8_t *start = r->p;
    uint8_t source;
    enum dt_err err;

    if ((err = dt_read_vec(r, MLS_PUB_MAX, &leaf->encryption_key)) != DT_OK ||
        (err = dt_read_vec(r, MLS_PUB_MAX, &leaf->signature_key)) != DT_OK ||
        (err = mls_credential_read(r, &leaf->credential)) != DT_OK ||
        (err = mls_capabilities_read(r, &leaf->capabilities)) != DT_OK ||
        (err = dt_read_u8(r, &source)) != DT_OK)
        return err;
    switch (source) {
    case MLS_LEAF_KEY_PACKAGE:
        if ((err = dt_read_u64(r, &leaf->lifetime.not_before)) != DT_OK ||
            (err = dt_read_u64(r, &leaf->lifetime.not_after)) != DT_OK)
            return err;
        break;
    case MLS_LEAF_UPDATE:
        break;
    case MLS_LEAF_COMMIT:
        if ((err = dt_read_vec(r, MLS_HASH_MAX, &leaf->parent_hash)) != DT_OK)
            return err;
        break;
    default:
        return dt_fail(DT_ERR_FORMAT, "leaf_node_source %u is not known", source);
    }
    leaf->source = (enum mls_leaf_source)source;
    if ((err = mls_extensions_read(r, MLS_LEAF_EXTENSIONS_MAX, &leaf->extensions)) != DT_OK)
        return err;
    leaf->signed_part = dt_view(start, (size_t)(r->p - start));
    return dt_read_vec(r, MLS_SIG_MAX, &leaf->signature);
}

enum dt_err
mls_leaf_node_read(struct dt_reader *r, struct mls_leaf_node **out)
{
    struct dt_reader probe = *r, own;
    struct mls_leaf_node scratch = {0}, *leaf;
    struct dt_view raw;
    enum dt_err err;

    /* Once over the input to learn where it ends, once over the copy that the views stay in. */
    if ((err = read_fields(&probe, &scratch)) != DT_OK)
        return err;
    if ((leaf = dt_alloc(1, sizeof *leaf)) == NULL)
        return dt_nomem();
    leaf->refs = 1;
    dt_buf_init(&leaf->raw, MLS_LEAF_NODE_MAX); /* LIMIT: no longer one than that */
    if ((err = dt_read_view(r, r->n - probe.n, &raw)) != DT_OK ||
        (err = dt_buf_set(&leaf->raw, raw)) != DT_OK)
        goto done;
    own = dt_reader_init(dt_buf_view(&leaf->raw));
    if ((err = read_fields(&own, leaf)) != DT_OK)
        goto done;
    *out = leaf;
    leaf = NULL;
done:
    mls_leaf_node_unref(leaf);
    return err;
}

void
mls_leaf_node_write(struct dt_writer *w, const struct mls_leaf_node *leaf)
{
    dt_write_view(w, dt_buf_view(&leaf->raw));
}

struct mls_leaf_node *
mls_leaf_node_ref(struct mls_leaf_node *leaf)
{
    leaf->refs++;
    return leaf;
}

void
mls_leaf_node_unref(struct mls_leaf_node *leaf)
{
    if (leaf == NULL || --leaf->refs > 0)
        return;
    dt_buf_clear(&leaf->raw);
    dt_free(leaf);
}

void
mls_leaf_node_unref_p(struct mls_leaf_node **leaf)
{
    mls_leaf_node_unref(*leaf);
    *leaf = NULL;
}

/* ---- sign and verify ---- */

/* LeafNodeTBS: the fields, and for update and commit the place in the group. */
static enum dt_err
build_tbs(struct dt_view signed_part, enum mls_leaf_source source, struct dt_view group_id,
          uint32_t leaf_index, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_view(&w, signed_part);
    if (source != MLS_LEAF_KEY_PACKAGE) {
        dt_write_vec(&w, group_id);
        dt_write_u32(&w, leaf_index);
    }
    return dt_writer_end(&w);
}

void
mls_leaf_fields_from(struct mls_leaf_fields *fields, const struct mls_leaf_node *leaf)
{
    fields->encryption_key = leaf->encryption_key;
    fields->signature_key = leaf->signature_key;
    fields->credential = leaf->credential;
    fields->capabilities = leaf->capabilities;
    fields->source = leaf->source;
    fields->lifetime = leaf->lifetime;
    fields->parent_hash = leaf->parent_hash;
    fields->extensions = leaf->extensions;
}

enum dt_err
mls_leaf_node_new(const struct dt_suite *suite, const struct mls_leaf_fields *fields,
                  struct dt_view sig_priv, struct dt_view group_id, uint32_t leaf_index,
                  struct mls_leaf_node **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_LEAF_NODE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf tbs = DT_BUF_INIT(2 * MLS_LEAF_NODE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(MLS_SIG_MAX);
    struct dt_writer w = dt_writer_init(&raw);
    struct dt_reader r;
    enum dt_err err;

    dt_write_vec(&w, fields->encryption_key);
    dt_write_vec(&w, fields->signature_key);
    mls_credential_write(&w, &fields->credential);
    mls_capabilities_write(&w, &fields->capabilities);
    dt_write_u8(&w, (uint8_t)fields->source);
    if (fields->source == MLS_LEAF_KEY_PACKAGE) {
        dt_write_u64(&w, fields->lifetime.not_before);
        dt_write_u64(&w, fields->lifetime.not_after);
    } else if (fields->source == MLS_LEAF_COMMIT) {
        dt_write_vec(&w, fields->parent_hash);
    }
    mls_extensions_write(&w, &fields->extensions);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    if ((err = build_tbs(dt_buf_view(&raw), fields->source, group_id, leaf_index, &tbs)) != DT_OK ||
        (err = mls_sign_with_label(suite, sig_priv, "LeafNodeTBS", dt_buf_view(&tbs), &sig)) !=
            DT_OK)
        return err;
    dt_write_vec(&w, dt_buf_view(&sig));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&raw));
    return mls_leaf_node_read(&r, out);
}

enum dt_err
mls_leaf_node_verify(const struct dt_suite *suite, const struct mls_leaf_node *leaf,
                     struct dt_view group_id, uint32_t leaf_index)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf tbs = DT_BUF_INIT(2 * MLS_LEAF_NODE_MAX);
    enum dt_err err;

    if ((err = build_tbs(leaf->signed_part, leaf->source, group_id, leaf_index, &tbs)) != DT_OK)
        return err;
    return mls_verify_with_label(suite, leaf->signature_key, "LeafNodeTBS", dt_buf_view(&tbs),
                                 leaf->signature);
}

/* ---- validate ---- */

/* RFC 9420 sections 7.2 and 7.3: what it carries it must claim to support. */
static enum dt_err
check_own_extensions(const struct mls_leaf_node *leaf)
{
    struct dt_view rest = leaf->extensions.raw;
    struct mls_extension e;

    while (mls_extensions_next(&rest, &e))
        if (!mls_extension_is_default(e.type) &&
            !mls_u16s_have(leaf->capabilities.extensions, e.type))
            return dt_fail(DT_ERR_REFUSED, "a leaf carries extension %u and does not list it",
                           e.type);
    return DT_OK;
}

/* RFC 9420 sections 7.3 and 13.4: required_capabilities, and every extension that the group uses.
 */
static enum dt_err
check_group_extensions(const struct mls_leaf_node *leaf, const struct mls_extensions *group)
{
    struct mls_required_capabilities required;
    struct dt_view rest = group->raw, data;
    struct mls_extension e;
    enum dt_err err;

    if (mls_extensions_find(group, MLS_EXT_REQUIRED_CAPABILITIES, &data)) {
        if ((err = mls_required_capabilities_parse(data, &required)) != DT_OK ||
            (err = mls_capabilities_satisfy(&leaf->capabilities, &required)) != DT_OK)
            return err;
    }
    while (mls_extensions_next(&rest, &e))
        if (!mls_extension_is_default(e.type) &&
            !mls_u16s_have(leaf->capabilities.extensions, e.type))
            return dt_fail(DT_ERR_UNSUPPORTED, "a leaf does not support the group's extension %u",
                           e.type);
    return DT_OK;
}

enum dt_err
mls_leaf_node_check(const struct mls_leaf_node *leaf, int source,
                    const struct mls_leaf_rules *rules)
{
    enum dt_err err;

    if (source != 0 && leaf->source != (enum mls_leaf_source)source)
        return dt_fail(DT_ERR_REFUSED, "a leaf node has the wrong source for its place");
    if ((err = dt_hpke_pub_check(rules->suite, leaf->encryption_key)) != DT_OK ||
        (err = dt_suite_sig_pub_check(rules->suite, leaf->signature_key)) != DT_OK)
        return err;
    /*
     * The cipher suite is not looked up in capabilities: RFC 9420 section 7.3 does not ask for it,
     * and section 10.1 asks the key package for its suite. The official suite 7 vectors hold leaves
     * and key packages that list suites 1 to 6. That the leaf can use the suite, its keys show.
     */
    if (!mls_u16s_have(leaf->capabilities.versions, MLS_VERSION_10))
        return dt_fail(DT_ERR_UNSUPPORTED, "a leaf does not support the group's version");
    if (!mls_u16s_have(leaf->capabilities.credentials, leaf->credential.type))
        return dt_fail(DT_ERR_REFUSED, "a leaf does not list its own credential type");
    if ((err = mls_extensions_check(&leaf->extensions, MLS_IN_LEAF_NODE)) != DT_OK ||
        (err = check_own_extensions(leaf)) != DT_OK)
        return err;
    if (rules->group_extensions != NULL &&
        (err = check_group_extensions(leaf, rules->group_extensions)) != DT_OK)
        return err;
    if (leaf->source == MLS_LEAF_KEY_PACKAGE &&
        (err = mls_lifetime_check(&leaf->lifetime, &rules->lifetime)) != DT_OK)
        return err;
    return DT_OK;
}
