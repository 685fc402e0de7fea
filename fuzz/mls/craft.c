/*
 * fuzz/mls/craft.c - see craft.h.
 */
#include "mls/label.h"
#include "mls/treekem.h"

#include "craft.h"

/* FramedContent and signature of an AuthenticatedContent (RFC 9420 section 6). */
static bool
sign(const struct mls_group *g, struct dt_view sig_priv, struct mls_sender by, uint16_t wire_format,
     uint8_t type, struct dt_view inner, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf tbs = DT_BUF_INIT(2 * MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(MLS_SIG_MAX);
    struct dt_writer w = dt_writer_init(out);
    struct dt_writer tw = dt_writer_init(&tbs);

    dt_write_u16(&w, wire_format);
    dt_write_vec(&w, g->context.group_id);
    dt_write_u64(&w, g->context.epoch);
    dt_write_u8(&w, by.type);
    if (by.type == MLS_SENDER_MEMBER || by.type == MLS_SENDER_EXTERNAL)
        dt_write_u32(&w, by.index);
    dt_write_vec(&w, dt_view(NULL, 0));
    dt_write_u8(&w, type);
    dt_write_view(&w, inner);
    dt_write_u16(&tw, MLS_VERSION_10);
    dt_write_view(&tw, dt_buf_view(out));
    if (by.type != MLS_SENDER_EXTERNAL && by.type != MLS_SENDER_NEW_MEMBER_PROPOSAL)
        dt_write_view(&tw, dt_buf_view(&g->context.raw));
    if (dt_writer_end(&tw) != DT_OK || mls_sign_with_label(g->suite, sig_priv, "FramedContentTBS",
                                                           dt_buf_view(&tbs), &sig) != DT_OK)
        return false;
    dt_write_vec(&w, dt_buf_view(&sig));
    return dt_writer_end(&w) == DT_OK;
}

struct following {
    struct mls_proposal_list list;
    struct mls_tree tree;
    struct mls_applied applied;
    struct mls_tree_priv priv;
    struct mls_group_context provisional;
    struct dt_secret commit_secret;
    struct dt_secret psk_secret;
    struct mls_next_epoch next;
};

static void
following_clear(struct following *f)
{
    mls_proposal_list_clear(&f->list);
    mls_tree_clear(&f->tree);
    mls_applied_clear(&f->applied);
    mls_tree_priv_clear(&f->priv);
    mls_group_context_clear(&f->provisional);
    dt_secret_clear(&f->commit_secret);
    dt_secret_clear(&f->psk_secret);
    mls_next_epoch_clear(&f->next);
}

/* What group_process.c does to check a tag, done to have it. */
static bool
find_tag(const struct mls_group *g, const struct mls_auth_content *c, uint8_t tag[static 32])
{
    static const struct mls_psk psk = {.id = {(const uint8_t *)"psk", 3},
                                       .value = {(const uint8_t *)"value", 5}};
    const struct mls_lifetime_policy no_clock = {.check = false};
    DT_CLEANUP(following_clear) struct following f = {0};
    struct mls_extensions extensions;
    struct mls_leaf_rules rules = {.suite = g->suite, .group_extensions = &extensions};

    mls_tree_init(&f.tree, g->suite);
    if (mls_group_resolve(g, &c->commit, mls_auth_content_by(c), &f.list) != DT_OK ||
        mls_tree_copy(&g->tree, &f.tree) != DT_OK ||
        mls_proposal_list_apply(&f.list, g->suite, &g->context, c->sender, g->own_leaf, &no_clock,
                                &f.tree, &f.applied) != DT_OK ||
        f.applied.removes_us || mls_extensions_parse(f.applied.extensions, &extensions) != DT_OK)
        return false;
    if (c->commit.path != NULL && mls_path_merge(&f.tree, c->sender, c->commit.path,
                                                 g->context.group_id, &rules, false) != DT_OK)
        return false;
    if (mls_group_provisional(g, &f.tree, f.applied.extensions, &f.provisional) != DT_OK ||
        mls_group_psk_secret(g, &f.list, (struct mls_psk_list){&psk, 1},
                             (struct mls_psk_list){NULL, 0}, &f.psk_secret) != DT_OK ||
        mls_tree_priv_copy(&g->priv, &f.priv) != DT_OK)
        return false;
    mls_tree_priv_prune(&f.priv, &f.tree);
    if (c->commit.path != NULL &&
        mls_path_open(&f.tree, c->sender, c->commit.path, dt_buf_view(&f.provisional.raw),
                      f.applied.added, f.applied.n_added, &f.priv, &f.commit_secret) != DT_OK)
        return false;
    if (mls_group_advance(g, dt_secret_view(&g->secrets.init), &f.provisional,
                          mls_auth_content_transcript_input(c), dt_secret_view(&f.commit_secret),
                          dt_secret_view(&f.psk_secret), &f.next) != DT_OK)
        return false;
    for (size_t i = 0; i < 32; i++)
        tag[i] = f.next.confirmation_tag[i];
    return true;
}

static bool
add_tag(const struct mls_group *to, struct dt_buf *raw)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf copy = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    struct dt_writer w = dt_writer_init(&copy);
    struct dt_writer rw = dt_writer_init(raw);
    uint8_t tag[32] = {0};

    dt_write_view(&w, dt_buf_view(raw));
    dt_write_vec(&w, dt_view_of(tag));
    if (dt_writer_end(&w) == DT_OK && mls_auth_content_parse(&copy, &c, NULL) == DT_OK)
        (void)find_tag(to, &c, tag);
    dt_write_vec(&rw, dt_view_of(tag));
    return dt_writer_end(&rw) == DT_OK;
}

bool
craft_message(struct mls_group *from, const struct mls_group *to, uint16_t wire_format,
              uint8_t type, struct dt_view inner, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step step = {0};
    const struct mls_sender me = {.type = MLS_SENDER_MEMBER, .index = from->own_leaf};
    enum mls_ratchet_kind kind = mls_ratchet_of(type);

    if (!sign(from, dt_secret_view(&from->signature_priv), me, wire_format, type, inner, &raw) ||
        (type == MLS_CONTENT_COMMIT && !add_tag(to, &raw)))
        return false;
    if (wire_format == MLS_WIRE_PUBLIC_MESSAGE)
        return mls_public_message_write(
                   from->suite, dt_buf_view(&raw), dt_buf_view(&from->context.raw),
                   dt_secret_view(&from->secrets.membership_key), out) == DT_OK;
    if (mls_secret_tree_derive(&from->keys, from->own_leaf, kind,
                               mls_secret_tree_generation(&from->keys, from->own_leaf, kind),
                               &step) != DT_OK)
        abort();
    if (mls_private_message_seal(from->suite, dt_buf_view(&raw),
                                 dt_secret_view(&from->secrets.sender_data), &step, 0,
                                 out) != DT_OK)
        return false;
    mls_secret_tree_apply(&from->keys, &step);
    return true;
}

bool
craft_outside(const struct mls_group *to, struct dt_view sig_priv, struct mls_sender by,
              uint8_t type, struct dt_view inner, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(out);
    struct dt_writer rw = dt_writer_init(&raw);
    const uint8_t tag[32] = {0};

    if (!sign(to, sig_priv, by, MLS_WIRE_PUBLIC_MESSAGE, type, inner, &raw))
        return false;
    if (type == MLS_CONTENT_COMMIT)
        dt_write_vec(&rw, dt_view_of(tag));
    if (dt_writer_end(&rw) != DT_OK)
        return false;
    mls_message_write(&w, MLS_WIRE_PUBLIC_MESSAGE);
    dt_write_view(&w, dt_view(raw.p + 2, raw.n - 2));
    return dt_writer_end(&w) == DT_OK;
}
