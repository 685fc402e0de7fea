/*
 * mls/group_info.c - the GroupInfo: made of a group, and read by one who is about to join.
 *
 * Source: RFC 9420 sections 12.4.3, 12.4.3.2 and 12.4.3.3.
 */
#include "mls/group_internal.h"
#include "mls/welcome.h"

/* extension_data of external_pub and ratchet_tree, as far as ${fields} wants them. */
static enum dt_err
own_extensions(const struct mls_info_fields *fields, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf data = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(&data);
    enum dt_err err = DT_OK;

    if (fields->tree != NULL) {
        mls_tree_write(&w, fields->tree);
        if ((err = dt_writer_end(&w)) == DT_OK)
            err = mls_extension_append(out, MLS_EXT_RATCHET_TREE, dt_buf_view(&data));
    }
    return err;
}

enum dt_err
mls_group_info_make(const struct dt_suite *suite, const struct mls_info_fields *fields,
                    struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf extensions = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_extensions parsed;
    uint16_t nobody;
    enum dt_err err;

    if ((err = own_extensions(fields, &extensions)) != DT_OK ||
        (err = mls_typed_write(fields->extensions, &extensions)) != DT_OK ||
        (fields->grease && ((err = mls_grease_pick(&nobody)) != DT_OK ||
                            (err = mls_grease_extension(&extensions, nobody)) != DT_OK)) ||
        (err = mls_extensions_parse(dt_buf_view(&extensions), &parsed)) != DT_OK ||
        (err = mls_extensions_check(&parsed, MLS_IN_GROUP_INFO)) != DT_OK)
        return err;
    return mls_group_info_sign(suite, dt_buf_view(&fields->context->raw), parsed.raw,
                               fields->confirmation_tag, fields->signer, fields->sig_priv, out);
}
