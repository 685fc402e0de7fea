/*
 * tests/interop/mls/mls_commands.c - the commands of mls-peer; README.md lists them.
 */
#include <string.h>

#include "base/text.h"

#include "mls_peer.h"

static struct mls_psk_list
psks(void)
{
    return (struct mls_psk_list){me.psks.v, me.psks.n};
}

static enum dt_err
do_init(const struct args *a, struct dt_buf *out)
{
    uint64_t id;
    enum dt_err err;

    (void)out;
    if (a->n != 1 || (err = number(a->v[0], 0xffff, &id)) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "init SUITE");
    forget();
    me.now.suite = dt_suite_get((uint16_t)id);
    return me.now.suite != NULL ? DT_OK : dt_fail(DT_ERR_UNSUPPORTED, "suite %u", (unsigned)id);
}

static enum dt_err
do_kp(const struct args *a, struct dt_buf *out)
{
    const struct dt_suite *suite = me.now.suite;
    enum dt_err err;

    if ((err = need(a, 1, false)) != DT_OK)
        return err;
    keys_clear(&me.now);
    me.now.suite = suite;
    dt_buf_clear(&me.identity);
    if ((err = dt_hex_read(&me.identity, a->v[0])) != DT_OK)
        return err;
    return keys_make(&me.now, out);
}

/* A key package for the group that comes after this one. */
static enum dt_err
do_nextkp(const struct args *a, struct dt_buf *out)
{
    uint64_t id;
    enum dt_err err;

    if ((err = need(a, 1, true)) != DT_OK || (err = number(a->v[0], 0xffff, &id)) != DT_OK)
        return err;
    keys_clear(&me.next);
    me.next.suite = dt_suite_get((uint16_t)id);
    if (me.next.suite == NULL)
        return dt_fail(DT_ERR_UNSUPPORTED, "suite %u", (unsigned)id);
    return keys_make(&me.next, out);
}

static enum dt_err
do_create(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf id = DT_BUF_INIT(256);
    uint64_t now_s = now_ms() / 1000;
    struct mls_group_params params = {
        .not_before_s = now_s - 3600, .not_after_s = now_s + LIFETIME_S, .policy = policy()};
    enum dt_err err;

    (void)out;
    if ((err = need(a, 1, false)) != DT_OK || (err = dt_hex_read(&id, a->v[0])) != DT_OK)
        return err;
    params.leaf = leaf(&me.now);
    params.group_id = dt_buf_view(&id);
    become(NULL);
    return mls_group_create(&params, &me.group);
}

static enum dt_err
do_psk(const struct args *a, struct dt_buf *out)
{
    enum dt_err err = need(a, 2, false);

    (void)out;
    return err != DT_OK ? err : psk_store_add(&me.psks, a->v[0], a->v[1]);
}

/* A new signature key for the own leaf, when ${it} asks for one. */
static enum dt_err
rotation(const struct items *it, struct mls_rotation *out)
{
    enum dt_err err;

    if (!it->rotate)
        return DT_OK;
    dt_secret_clear(&me.rotated);
    if ((err = dt_suite_sig_new(me.now.suite, &me.rotated, me.rotated_pub)) != DT_OK)
        return err;
    out->new_signature_priv = dt_secret_view(&me.rotated);
    out->new_signature_pub = dt_view(me.rotated_pub, me.now.suite->sig_pub_len);
    return DT_OK;
}

static enum dt_err
do_commit(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(items_clear) struct items it = {0};
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out made = {0};
    struct mls_commit_opts opts = {.padding = PAD};
    struct mls_rotation keys = {0};
    uint64_t public;
    enum dt_err err;

    if ((err = need(a, 1, true)) != DT_OK || (err = number(a->v[0], 1, &public)) != DT_OK ||
        (err = items_read(a, &me.psks, mls_group_id(me.group), &it)) != DT_OK ||
        (err = rotation(&it, &keys)) != DT_OK)
        return err;
    if (public) {
        opts.as_public = true;
        opts.padding = 0;
    }
    opts.removes = it.removes;
    opts.n_removes = it.n_removes;
    opts.adds = it.add_views;
    opts.n_adds = it.n_adds;
    opts.psks.v = it.psks;
    opts.psks.n = it.n_psks;
    opts.held_psks.v = it.held;
    opts.held_psks.n = it.n_held;
    opts.set_extensions = it.set_extensions;
    opts.extensions = typed_words_list(&it.extensions);
    opts.private_use = typed_words_list(&it.private_use);
    opts.tree_apart = it.apart;
    opts.force_path = it.path;
    opts.commit_cached = it.cached;
    opts.new_signature_priv = keys.new_signature_priv;
    opts.new_signature_pub = keys.new_signature_pub;
    opts.lifetime = lifetime();
    if ((err = mls_group_commit(me.group, &opts, &made)) != DT_OK ||
        (err = dt_hex_write(out, dt_buf_view(&made.commit))) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(" "))) != DT_OK)
        return err;
    return made.welcome.n == 0 ? dt_buf_append(out, dt_view_str("-"))
                               : dt_hex_write(out, dt_buf_view(&made.welcome));
}

static enum dt_err
do_propose(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(items_clear) struct items it = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf made = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_propose_opts opts = {.padding = PAD};
    uint64_t public;
    enum dt_err err;

    if ((err = need(a, 2, true)) != DT_OK || (err = number(a->v[0], 1, &public)) != DT_OK ||
        (err = items_read(a, &me.psks, mls_group_id(me.group), &it)) != DT_OK)
        return err;
    if (public) {
        opts.as_public = true;
        opts.padding = 0;
    }
    if (it.n_adds == 1) {
        opts.kind = MLS_PROPOSE_ADD;
        opts.add = it.add_views[0];
    } else if (it.n_removes == 1) {
        opts.kind = MLS_PROPOSE_REMOVE;
        opts.remove = it.removes[0];
    } else if (it.n_psks == 1) {
        opts.kind = MLS_PROPOSE_PSK;
        opts.psk = it.psks[0];
    } else if (it.set_extensions) {
        opts.kind = MLS_PROPOSE_EXTENSIONS;
        opts.extensions = typed_words_list(&it.extensions);
    } else if (it.private_use.n == 1) {
        opts.kind = MLS_PROPOSE_PRIVATE;
        opts.private_use = it.private_use.v[0];
    } else if (it.update) {
        opts.kind = MLS_PROPOSE_UPDATE;
        if ((err = rotation(&it, &opts.rotation)) != DT_OK)
            return err;
    } else {
        return dt_fail(DT_ERR_USAGE, "propose one thing");
    }
    opts.lifetime = lifetime();
    if ((err = mls_group_propose(me.group, &opts, &made)) != DT_OK)
        return err;
    return dt_hex_write(out, dt_buf_view(&made));
}

static enum dt_err
do_drop(const struct args *a, struct dt_buf *out)
{
    enum dt_err err = need(a, 0, true);

    (void)out;
    if (err == DT_OK)
        mls_group_drop_pending(me.group);
    return err;
}

/* Join with ${k} by the Welcome and, where it is apart, the tree of ${a}; ${origin}: the group that
 * this one succeeds, or NULL. */
static enum dt_err
join_with(struct keys *k, const struct mls_group *origin, const struct args *a)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf welcome = DT_BUF_INIT(LINE_MAX_BYTES);
    DT_CLEANUP(dt_buf_clear) struct dt_buf tree = DT_BUF_INIT(LINE_MAX_BYTES);
    struct mls_join_params params = {.bundle = &k->bundle,
                                     .key_package = dt_buf_view(&k->key_package),
                                     .signature_priv = dt_secret_view(&k->seed),
                                     .psks = psks(),
                                     .lifetime = lifetime(),
                                     .policy = policy(),
                                     .allow_malleable = true,
                                     .origins = &origin,
                                     .n_origins = origin != NULL ? 1 : 0};
    struct mls_group *group = NULL;
    enum dt_err err;

    if ((err = dt_hex_read(&welcome, a->v[0])) != DT_OK ||
        (a->n > 1 && (err = dt_hex_read(&tree, a->v[1])) != DT_OK))
        return err;
    params.ratchet_tree = dt_buf_view(&tree);
    params.welcome = dt_buf_view(&welcome);
    if ((err = mls_group_join(&params, &group, NULL)) != DT_OK)
        return err;
    if (origin != NULL)
        err = psk_store_add_former(&me.psks, origin);
    become(group);
    return err;
}

static enum dt_err
do_join(const struct args *a, struct dt_buf *out)
{
    enum dt_err err = need(a, 1, false);

    (void)out;
    return err != DT_OK ? err : join_with(&me.now, NULL, a);
}

static enum dt_err
do_joinnext(const struct args *a, struct dt_buf *out)
{
    enum dt_err err;

    (void)out;
    if ((err = need(a, 1, true)) != DT_OK || (err = join_with(&me.next, me.group, a)) != DT_OK)
        return err;
    keys_move(&me.now, &me.next);
    return DT_OK;
}

/* reinit GROUPID SUITE [TYPED]: the Commit that closes this group. */
static enum dt_err
do_reinit(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf id = DT_BUF_INIT(256);
    DT_CLEANUP(typed_words_clear) struct typed_words extensions = {.n = 0};
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out made = {0};
    struct mls_reinit reinit = {.version = 1};
    struct mls_commit_opts opts = {.reinit = &reinit, .padding = PAD};
    uint64_t suite;
    enum dt_err err;

    if ((err = need(a, 2, true)) != DT_OK || (err = dt_hex_read(&id, a->v[0])) != DT_OK ||
        (err = number(a->v[1], 0xffff, &suite)) != DT_OK ||
        (a->n > 2 && (err = typed_words_read(a->v[2], &extensions)) != DT_OK))
        return err;
    reinit.group_id = dt_buf_view(&id);
    reinit.extensions = typed_words_list(&extensions);
    reinit.suite = (uint16_t)suite;
    if ((err = mls_group_commit(me.group, &opts, &made)) != DT_OK)
        return err;
    return dt_hex_write(out, dt_buf_view(&made.commit));
}

/* succeed reinit|branch GROUPID [apart] KEYPACKAGE...: the group that comes after, and its Welcome.
 */
static enum dt_err
do_succeed(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(items_clear) struct items it = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf id = DT_BUF_INIT(256);
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out made = {0};
    struct mls_successor_params params = {.policy = policy(), .lifetime = lifetime()};
    struct mls_group *group = NULL;
    uint64_t now_s = now_ms() / 1000;
    enum dt_err err;

    if ((err = need(a, 3, true)) != DT_OK || (err = dt_hex_read(&id, a->v[1])) != DT_OK)
        return err;
    for (size_t i = 2; i < a->n; i++)
        if (dt_view_equal(a->v[i], dt_view_str("apart")))
            params.tree_apart = true;
        else if ((err = items_add(a->v[i], &it)) != DT_OK)
            return err;
    params.leaf = leaf(&me.next);
    params.group_id = dt_buf_view(&id);
    params.not_before_s = now_s - 3600;
    params.not_after_s = now_s + LIFETIME_S;
    params.adds = it.add_views;
    params.n_adds = it.n_adds;
    err = dt_view_equal(a->v[0], dt_view_str("reinit"))
              ? mls_group_reinit(me.group, &params, &group, &made)
              : mls_group_branch(me.group, &params, &group, &made);
    if (err == DT_OK)
        err = mls_group_take_pending(group, now_ms());
    if (err == DT_OK)
        err = psk_store_add_former(&me.psks, me.group);
    if (err != DT_OK) {
        mls_group_free(group);
        return err;
    }
    become(group);
    keys_move(&me.now, &me.next);
    return dt_hex_write(out, dt_buf_view(&made.welcome));
}

/* Keep what a Commit says that is private use, for the command "private". */
static enum dt_err
note_private_use(const struct mls_effects *e)
{
    enum dt_err err = DT_OK;

    dt_buf_wipe(&me.private_use);
    for (size_t i = 0; err == DT_OK && i < e->n_private_use; i++)
        err = typed_words_write(i > 0, e->private_use[i].type, e->private_use[i].body,
                                &me.private_use);
    return err;
}

static enum dt_err
event_say(struct mls_event *e, struct dt_buf *out)
{
    enum dt_err err;

    switch (e->kind) {
    case MLS_EVENT_APPLICATION:
        if ((err = dt_buf_append(out, dt_view_str("message "))) != DT_OK)
            return err;
        return dt_hex_write(out, dt_buf_view(&e->plaintext));
    case MLS_EVENT_COMMIT:
        if ((err = note_private_use(mls_staged_effects(e->staged))) != DT_OK ||
            (err = mls_group_take(me.group, e->staged, now_ms())) != DT_OK)
            return err;
        e->staged = NULL;
        return dt_buf_printf(out, mls_group_is_member(me.group) ? "commit" : "removed");
    case MLS_EVENT_PROPOSAL:
        return dt_buf_printf(out, "proposal");
    case MLS_EVENT_OWN_COMMIT:
        if ((err = note_private_use(mls_group_pending_effects(me.group))) != DT_OK ||
            (err = mls_group_take_pending(me.group, now_ms())) != DT_OK)
            return err;
        return dt_buf_printf(out, "own");
    case MLS_EVENT_OWN_MESSAGE:
        return dt_buf_printf(out, "own");
    case MLS_EVENT_REFUSED:
        return e->refused;
    default:
        return dt_fail(DT_ERR_STATE, "event %d", (int)e->kind);
    }
}

static enum dt_err
do_process(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(LINE_MAX_BYTES);
    DT_CLEANUP(mls_event_clear) struct mls_event e = {0};
    enum dt_err err;

    if ((err = need(a, 1, true)) != DT_OK || (err = dt_hex_read(&message, a->v[0])) != DT_OK ||
        (err = mls_group_process(me.group, psks(), dt_buf_view(&message), &e)) != DT_OK)
        return err;
    return event_say(&e, out);
}

static enum dt_err
do_protect(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(LINE_MAX_BYTES);
    DT_CLEANUP(dt_buf_clear) struct dt_buf made = DT_BUF_INIT(MLS_MESSAGE_MAX);
    enum dt_err err;

    if ((err = need(a, 1, true)) != DT_OK || (err = dt_hex_read(&text, a->v[0])) != DT_OK ||
        (err = mls_group_protect(me.group, dt_view_str("aad"), dt_buf_view(&text), PAD, &made)) !=
            DT_OK)
        return err;
    return dt_hex_write(out, dt_buf_view(&made));
}

/* Save and load: what follows is done by the loaded group. */
static enum dt_err
do_reload(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *loaded = NULL;
    enum dt_err err;

    (void)out;
    if ((err = need(a, 0, true)) != DT_OK || (err = mls_group_save(me.group, &saved)) != DT_OK ||
        (err = mls_group_load(dt_buf_view(&saved), &loaded)) != DT_OK)
        return err;
    become(loaded);
    return DT_OK;
}

static enum dt_err
do_auth(const struct args *a, struct dt_buf *out)
{
    enum dt_err err = need(a, 0, true);

    return err != DT_OK ? err : dt_hex_write(out, mls_group_epoch_authenticator(me.group));
}

static enum dt_err
do_export(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf context = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_secret_clear) struct dt_secret secret = {0};
    char label[64] = "";
    uint64_t n;
    enum dt_err err;

    if ((err = need(a, 3, true)) != DT_OK)
        return err;
    if (a->v[0].n >= sizeof label)
        return dt_fail(DT_ERR_LIMIT, "a label of %zu bytes", a->v[0].n);
    memcpy(label, a->v[0].p, a->v[0].n);
    if ((err = dt_hex_read(&context, a->v[1])) != DT_OK ||
        (err = number(a->v[2], 1024, &n)) != DT_OK ||
        (err = mls_group_export(me.group, label, dt_buf_view(&context), (size_t)n, &secret)) !=
            DT_OK)
        return err;
    return dt_hex_write(out, dt_secret_view(&secret));
}

/* private: the private-use proposals of the last Commit, or "-". */
static enum dt_err
do_private(const struct args *a, struct dt_buf *out)
{
    enum dt_err err = need(a, 0, true);

    if (err != DT_OK)
        return err;
    return me.private_use.n > 0 ? dt_buf_append(out, dt_buf_view(&me.private_use))
                                : dt_buf_append(out, dt_view_str("-"));
}

/* extension TYPE: its body in the GroupContext, or "-". */
static enum dt_err
do_extension(const struct args *a, struct dt_buf *out)
{
    struct dt_view body;
    uint64_t type;
    enum dt_err err;

    if ((err = need(a, 1, true)) != DT_OK || (err = number(a->v[0], UINT16_MAX, &type)) != DT_OK)
        return err;
    return mls_group_extension(me.group, (uint16_t)type, &body)
               ? dt_hex_write(out, body)
               : dt_buf_append(out, dt_view_str("-"));
}

static enum dt_err
do_leaf(const struct args *a, struct dt_buf *out)
{
    enum dt_err err = need(a, 0, true);

    return err != DT_OK ? err : dt_buf_printf(out, "%u", mls_group_own_leaf(me.group));
}

static enum dt_err
do_members(const struct args *a, struct dt_buf *out)
{
    struct mls_member m;
    enum dt_err err = need(a, 0, true);

    for (uint32_t i = 0; err == DT_OK && i < mls_group_n_leaves(me.group); i++)
        if (mls_group_member(me.group, i, &m) &&
            (err = dt_buf_printf(out, "%s%u:", out->n > 0 ? " " : "", i)) == DT_OK)
            err = dt_hex_write(out, m.identity);
    return err;
}

const struct command commands[] = {
    {"init", do_init},           {"kp", do_kp},
    {"create", do_create},       {"psk", do_psk},
    {"commit", do_commit},       {"propose", do_propose},
    {"drop", do_drop},           {"join", do_join},
    {"nextkp", do_nextkp},       {"reinit", do_reinit},
    {"succeed", do_succeed},     {"joinnext", do_joinnext},
    {"process", do_process},     {"gi", do_gi},
    {"extjoin", do_extjoin},     {"protect", do_protect},
    {"reload", do_reload},       {"auth", do_auth},
    {"export", do_export},       {"leaf", do_leaf},
    {"members", do_members},     {"tree", do_tree},
    {"addself", do_addself},     {"private", do_private},
    {"extension", do_extension},
};

const size_t n_commands = sizeof commands / sizeof commands[0];
