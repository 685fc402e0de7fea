/*
 * tests/agent/misbehave.c - see misbehave.h.
 */
#include <string.h>

#include "base/mem.h"
#include "misbehave.h"
#include "mls/group_internal.h"
#include "mls/label.h"
#include "mls/tree_math.h"

/* ---- posting ---- */

enum dt_err
mb_post_cell(struct mb *m, struct dt_view cell)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_wire_append append = {.cell = cell};
    enum dt_err err;

    if ((err = dt_channel_load(m->a, m->gid, &ch)) != DT_OK ||
        (err = dt_random(append.append_id, sizeof append.append_id)) != DT_OK)
        return err;
    return dt_relay_append(m->a->queue_http, m->a->grant.relay, ch.queue.address,
                           dt_queue_write_token(&ch.queue), &append, &m->position);
}

/* Send what is in the outbox; ${append_id} is the last of it. */
static enum dt_err
flush(struct mb *m, const uint8_t append_id[static 16])
{
    DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};
    size_t sent = 0;
    enum dt_err err;

    if ((err = dt_outbox_flush(m->a, m->gid, &sent)) != DT_OK ||
        (err = dt_outbox_get(m->a, append_id, &row)) != DT_OK)
        return err;
    m->position = row.position;
    /* Not all of it reads as a message of ours when it comes back. */
    if ((err = dt_store_begin(m->a->store)) != DT_OK)
        return err;
    return dt_store_end(m->a->store, dt_outbox_del(m->a, append_id));
}

/* Through the outbox, as all that an agent sends: what it reads back and did not make would make it
 * take itself for a copy. */
enum dt_err
mb_post(struct mb *m, struct dt_view message)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint8_t id[16], append_id[16];
    enum dt_err err;

    if ((err = dt_random(id, sizeof id)) != DT_OK || (err = dt_store_begin(m->a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load(m->a, m->gid, &ch)) == DT_OK)
        err =
            dt_outbox_to_queue(m->a, &ch, DT_OUTBOX_HERE, id, message, dt_view(NULL, 0), append_id);
    err = dt_store_end(m->a->store, err);
    return err == DT_OK ? flush(m, append_id) : err;
}

/* Use the group in one transaction, and keep what it has become. */
struct using
{
    struct dt_channel ch;
};

static enum dt_err
begin(struct mb *m, struct using *u)
{
    enum dt_err err = dt_store_begin(m->a->store);

    *u = (struct using){0};
    return err == DT_OK ? dt_channel_load(m->a, m->gid, &u->ch) : err;
}

static enum dt_err
end(struct mb *m, struct using *u, enum dt_err err)
{
    if (err == DT_OK)
        err = dt_channel_save(m->a, &u->ch, false);
    dt_channel_clear(&u->ch);
    return dt_store_end(m->a->store, err);
}

enum dt_err
mb_payload(struct mb *m, const struct dt_payload *payload)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    struct using u;
    enum dt_err err = dt_payload_encode(payload, &body);

    if (err != DT_OK || (err = begin(m, &u)) != DT_OK)
        return err;
    err = mls_group_protect(u.ch.group, dt_view(NULL, 0), dt_buf_view(&body), 0, &message);
    err = end(m, &u, err);
    return err == DT_OK ? mb_post(m, dt_buf_view(&message)) : err;
}

/* ---- Commits that mls makes ---- */

void
mb_warrant_clear(struct mb_warrant *x)
{
    dt_buf_clear(&x->warrant);
    dt_buf_clear(&x->forum);
    dt_buf_clear(&x->caps);
}

enum dt_err
mb_use_warrant(struct mb *m, const struct dt_warrant *w, struct mb_warrant *x,
               struct mls_commit_opts *opts)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_forum_ext f;
    struct dt_view caps, forum;
    enum dt_err err;

    dt_buf_init(&x->warrant, DT_WARRANT_MAX);
    dt_buf_init(&x->forum, 256);
    dt_buf_init(&x->caps, 256);
    if ((err = dt_warrant_encode(w, &x->warrant)) != DT_OK ||
        (err = dt_channel_load(m->a, m->gid, &ch)) != DT_OK)
        return err;
    if (!mls_group_extension(ch.group, 3, &caps) ||
        !mls_group_extension(ch.group, DT_EXT_FORUM, &forum))
        return dt_fail(DT_ERR_NOT_FOUND, "the group has no forum");
    if ((err = dt_buf_set(&x->caps, caps)) != DT_OK ||
        (err = dt_forum_ext_decode(forum, &f)) != DT_OK ||
        (err = dt_warrants_next(f.warrants_hash, dt_buf_view(&x->warrant), f.warrants_hash)) !=
            DT_OK ||
        (err = dt_forum_ext_encode(&f, &x->forum)) != DT_OK)
        return err;
    x->extensions[0] = (struct mls_typed){3, dt_buf_view(&x->caps)};
    x->extensions[1] = (struct mls_typed){DT_EXT_FORUM, dt_buf_view(&x->forum)};
    x->private_use[0] = (struct mls_typed){DT_PROP_WARRANT, dt_buf_view(&x->warrant)};
    opts->set_extensions = true;
    opts->extensions = (struct mls_typed_list){x->extensions, 2};
    opts->private_use = (struct mls_typed_list){x->private_use, 1};
    return DT_OK;
}

enum dt_err
mb_commit_make(struct mb *m, struct mls_commit_opts *opts, struct dt_buf *out)
{
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out made = {0};
    struct using u;
    enum dt_err err = begin(m, &u);

    if (err != DT_OK)
        return err;
    err = mls_group_commit(u.ch.group, opts, &made);
    mls_group_drop_pending(u.ch.group);
    err = end(m, &u, err);
    return err == DT_OK ? dt_buf_append(out, dt_buf_view(&made.commit)) : err;
}

enum dt_err
mb_commit(struct mb *m, struct mls_commit_opts *opts)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf commit = DT_BUF_INIT(DT_CELL_MAX);
    enum dt_err err = mb_commit_make(m, opts, &commit);

    return err == DT_OK ? mb_post(m, dt_buf_view(&commit)) : err;
}

enum dt_err
mb_commit_follow(struct mb *m, struct mls_commit_opts *opts, struct dt_buf *welcome)
{
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out made = {0};
    uint8_t append_id[16] = {0};
    struct using u;
    enum dt_err err = begin(m, &u);

    if (err != DT_OK)
        return err;
    u.ch.pending = true;
    u.ch.pending_kind = DT_INTENT_ROTATE;
    memset(u.ch.pending_intent, 0xee, sizeof u.ch.pending_intent); /* there is none */
    if ((err = mls_group_commit(u.ch.group, opts, &made)) == DT_OK)
        err = dt_outbox_to_queue(m->a, &u.ch, DT_OUTBOX_COMMIT, u.ch.pending_intent,
                                 dt_buf_view(&made.commit), dt_view(NULL, 0), append_id);
    memcpy(u.ch.pending_append, append_id, sizeof append_id);
    err = end(m, &u, err);
    if (err == DT_OK && welcome != NULL)
        err = dt_buf_set(welcome, dt_buf_view(&made.welcome));
    return err == DT_OK ? flush(m, append_id) : err;
}

/* ---- handshakes that mls does not make ---- */

enum dt_err
mb_signed(struct mb *m, const struct mls_commit *commit, const struct mls_proposal *proposal,
          struct dt_buf *out)
{
    DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step step = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                   .content_type =
                                       commit != NULL ? MLS_CONTENT_COMMIT : MLS_CONTENT_PROPOSAL,
                                   .commit = commit,
                                   .proposal = proposal};
    struct dt_writer w = dt_writer_init(&content);
    static const uint8_t tag[32];
    struct using u;
    struct mls_group *g;
    size_t signed_end = 0;
    enum dt_err err = begin(m, &u);

    if (err != DT_OK)
        return err;
    g = u.ch.group;
    f.group_id = g->context.group_id;
    f.epoch = g->context.epoch;
    f.sender = g->own_leaf;
    err = mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                           dt_secret_view(&g->signature_priv), &content, &signed_end);
    if (err == DT_OK && commit != NULL) {
        dt_write_vec(&w, dt_view_of(tag));
        err = dt_writer_end(&w);
    }
    if (err == DT_OK)
        err = mls_secret_tree_derive(&g->keys, g->own_leaf, MLS_RATCHET_HANDSHAKE,
                                     mls_group_handshake_generation(g), &step);
    if (err == DT_OK)
        err = mls_private_message_seal(g->suite, dt_buf_view(&content),
                                       dt_secret_view(&g->secrets.sender_data), &step, 0, out);
    if (err == DT_OK) /* or it would look like a restored copy when it is read back */
        mls_secret_tree_apply(&g->keys, &step);
    return end(m, &u, err);
}

/* ---- what is looked up ---- */

struct dt_warrant
mb_add_ground(const struct dt_admission *x, struct dt_view approvals)
{
    struct dt_warrant w = {.n_grounds = 1};

    w.grounds[0].kind = DT_GROUND_ADD;
    memcpy(w.grounds[0].invitation_id, x->request_id, 16);
    memcpy(w.grounds[0].letter_hash, x->letter_hash, 32);
    w.grounds[0].body = approvals;
    return w;
}

enum dt_err
mb_admission(struct mb *m, const uint8_t gid[static 32], unsigned int n, struct dt_admission *out)
{
    DT_CLEANUP(dt_free_p) struct dt_admission_info *v = NULL;
    size_t count = 0;
    enum dt_err err = dt_agent_admissions(m->a, &v, &count);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < count; i++)
        if (v[i].ours && v[i].key_package && memcmp(v[i].group_id, gid, 32) == 0 && n-- == 0)
            return dt_admission_load(m->a, v[i].request_id, out);
    return dt_fail(DT_ERR_NOT_FOUND, "no admission of ours with a key package in this channel");
}

enum dt_err
mb_own_seat(struct mb *m, struct dt_seat *out)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_rules rules;
    enum dt_err err = dt_channel_load(m->a, m->gid, &ch);

    if (err != DT_OK)
        return err;
    rules = dt_channel_rules(m->a, &ch);
    err = dt_seat_of(&rules, ch.group, mls_group_own_leaf(ch.group), out);
    out->letter_bytes = dt_buf_view(&m->a->letter_bytes); /* outlives the group */
    return err;
}

enum dt_err
mb_member(struct mb *m, const char *name, struct dt_roster_entry *out)
{
    DT_CLEANUP(dt_free_p) struct dt_roster_entry *v = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_roster(m->a, m->gid, &v, &n);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].who.name, name) == 0) {
            *out = v[i];
            return DT_OK;
        }
    return dt_fail(DT_ERR_NOT_FOUND, "no member of that name");
}

/* ---- paths ---- */

/* Linked with --wrap: what mls seals goes through here. */
enum dt_err __real_mls_encrypt_with_label(const struct dt_suite *suite, struct dt_view pub,
                                          const char *label, struct dt_view context,
                                          struct dt_view plain, uint8_t *kem_output,
                                          struct dt_buf *ciphertext);
enum dt_err __wrap_mls_encrypt_with_label(const struct dt_suite *suite, struct dt_view pub,
                                          const char *label, struct dt_view context,
                                          struct dt_view plain, uint8_t *kem_output,
                                          struct dt_buf *ciphertext);

static struct {
    bool all;
    size_t n;
    uint8_t pub[MLS_DEPTH_MAX + 1][32];
} spoiled;

enum dt_err
__wrap_mls_encrypt_with_label(const struct dt_suite *suite, struct dt_view pub, const char *label,
                              struct dt_view context, struct dt_view plain, uint8_t *kem_output,
                              struct dt_buf *ciphertext)
{
    bool hit = spoiled.all && strcmp(label, "UpdatePathNode") == 0;
    enum dt_err err =
        __real_mls_encrypt_with_label(suite, pub, label, context, plain, kem_output, ciphertext);

    for (size_t i = 0; i < spoiled.n; i++)
        hit = hit || dt_view_equal(pub, dt_view_of(spoiled.pub[i]));
    if (err == DT_OK && hit)
        ciphertext->p[ciphertext->n - 1] ^= 1;
    return err;
}

enum dt_err
mb_spoil_paths(struct mb *m, uint32_t leaf)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    const struct mls_tree *t;
    uint32_t own;
    enum dt_err err;

    spoiled.all = leaf == MB_ALL;
    spoiled.n = 0;
    if (leaf >= MB_ALL)
        return DT_OK;
    if ((err = dt_channel_load(m->a, m->gid, &ch)) != DT_OK)
        return err;
    t = &ch.group->tree;
    own = mls_group_own_leaf(ch.group);
    for (uint32_t node = 0; node < mls_node_width(t->n_leaves); node++) {
        struct dt_view key = mls_tree_key(t, node);

        if (mls_node_covers(node, leaf) && !mls_node_covers(node, own) && key.n == 32 &&
            spoiled.n < MLS_DEPTH_MAX)
            memcpy(spoiled.pub[spoiled.n++], key.p, 32);
    }
    return DT_OK;
}
