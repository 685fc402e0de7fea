/*
 * mls/group_public.c - PublicMessages of ours: sending them, and knowing them when they come back.
 *
 * Source: RFC 9420 section 6.2. A PrivateMessage of ours is known by its generation. A
 * PublicMessage has none, so what was sent in the present epoch is noted, and saved, by its hash.
 */
#include <string.h>

#include "mls/group_internal.h"
#include "mls/label.h"

enum dt_err
mls_group_send_public(const struct mls_group *g, struct dt_view content,
                      uint8_t ref[static DT_HASH_MAX], struct dt_buf *out)
{
    enum dt_err err = mls_ref_hash(g->suite, MLS_LABEL_PROPOSAL_REF, content, ref);

    if (err == DT_OK)
        err = mls_public_message_write(g->suite, content, dt_buf_view(&g->context.raw),
                                       dt_secret_view(&g->secrets.membership_key), out);
    return err;
}

enum dt_err
mls_group_note_reserve(struct mls_group *g)
{
    size_t n = g->suite->hash_len;

    if (g->own_public.n >= MLS_OWN_PUBLIC_MAX * n)
        return dt_fail(DT_ERR_LIMIT, "more than %u PublicMessages in one epoch",
                       MLS_OWN_PUBLIC_MAX);
    return dt_buf_reserve(&g->own_public, n);
}

void
mls_group_note_public(struct mls_group *g, const uint8_t ref[static DT_HASH_MAX])
{
    dt_ignore(dt_buf_append(&g->own_public, dt_view(ref, g->suite->hash_len)),
              "there is room: it was reserved");
    g->changed.proposals = true;
}

bool
mls_group_noted_public(const struct mls_group *g, const uint8_t ref[static DT_HASH_MAX])
{
    size_t n = g->suite->hash_len;

    for (size_t at = 0; at + n <= g->own_public.n; at += n)
        if (memcmp(g->own_public.p + at, ref, n) == 0)
            return true;
    return false;
}
