/*
 * tests/agent/forge.c - see forge.h.
 */
#include "crypto/crypto.h"
#include "mls/group_internal.h"

#include "forge.h"

enum dt_err
forge_puppet(const struct mls_group *kept, struct dt_view seed, uint32_t leaf,
             struct mls_group **out)
{
    struct mls_group *g = NULL;
    struct mls_member m;
    enum dt_err err;

    if (!mls_group_member(kept, leaf, &m))
        return dt_fail(DT_ERR_NOT_FOUND, "there is no member at leaf %u", leaf);
    if ((err = mls_group_clone(kept, &g)) != DT_OK)
        return err;
    err = mls_sign_key_ready(g->suite, seed, m.signature_key, &g->signature_priv);
    if (err != DT_OK) {
        mls_group_free(g);
        return err;
    }
    g->own_leaf = leaf;
    g->priv.leaf_index = leaf;
    *out = g;
    return DT_OK;
}

enum dt_err
forge_talk(struct mls_group *puppet, struct dt_view text, uint64_t sent_ms, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf body = DT_BUF_INIT(DT_PAYLOAD_MAX + 1024u);
    struct dt_payload p = {.kind = DT_PAYLOAD_TALK,
                           .sent_ms = sent_ms,
                           .media_type = dt_view_str("text/plain"),
                           .data = text};
    enum dt_err err;

    if ((err = dt_random(p.id, sizeof p.id)) != DT_OK ||
        (err = dt_payload_encode(&p, &body)) != DT_OK)
        return err;
    return mls_group_protect(puppet, dt_view(NULL, 0), dt_buf_view(&body), 0, out);
}
