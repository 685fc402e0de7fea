/*
 * bench/operations.c - the operations of a group, each through mls/group.h alone.
 *
 * The sender and the receiver of the world stay in step: what one sends, the other takes in, unless
 * an operation is put back.
 */
#include "mls/saved.h"

#include "ops.h"

static const struct mls_psk_list no_psks = {NULL, 0};

/* The receiver takes in ${commit}, to its next epoch. */
static enum dt_err
follow(struct bench_case *c, struct dt_view commit)
{
    struct mls_event e = {0};
    enum dt_err err = mls_group_process(c->world->receiver, no_psks, commit, &e);

    if (err == DT_OK && e.kind != MLS_EVENT_COMMIT)
        err = dt_fail(DT_ERR_INTERNAL, "a commit was taken as event %d", (int)e.kind);
    if (err == DT_OK)
        err = mls_group_take(c->world->receiver, e.staged, BENCH_NOW_S * 1000);
    if (err == DT_OK)
        e.staged = NULL;
    mls_event_clear(&e);
    return err;
}

static enum dt_err
agree(const struct mls_group *a, const struct mls_group *b)
{
    if (!dt_view_equal(mls_group_epoch_authenticator(a), mls_group_epoch_authenticator(b)) ||
        !dt_view_equal(mls_group_tree_hash(a), mls_group_tree_hash(b)))
        return dt_fail(DT_ERR_INTERNAL, "two members came to different epochs");
    return DT_OK;
}

static enum dt_err
create(struct bench_case *c, struct bench_timer *t)
{
    struct mls_group_params params = bench_group_params(c->world, &c->world->m[0]);
    struct mls_group *g = NULL;
    enum dt_err err;

    bench_start(t);
    err = mls_group_create(&params, &g);
    bench_stop(t);
    mls_group_free(g);
    return err;
}

static enum dt_err
key_package(struct bench_case *c, struct bench_timer *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_key_bundle bundle = {0};
    enum dt_err err;

    bench_start(t);
    err = bench_key_package(c->world, &c->world->m[0], &out, &bundle);
    bench_stop(t);
    t->bytes = out.n;
    mls_key_bundle_clear(&bundle);
    return err;
}

static enum dt_err
add_all(struct bench_case *c, struct bench_timer *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf welcome = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_group_params params = bench_group_params(c->world, &c->world->m[0]);
    struct mls_group *g = NULL;
    size_t bytes = 0;
    enum dt_err err = mls_group_create(&params, &g);

    if (err != DT_OK)
        return err;
    bench_start(t);
    err = bench_add_all(c->world, g, &welcome, &bytes);
    bench_stop(t);
    t->bytes = bytes + welcome.n;
    mls_group_free(g);
    return err;
}

static enum dt_err next_epoch(struct bench_case *c, struct bench_timer *t, bool sending);

/* A dropped Commit has used a generation that the receiver does not see: before there are too many
 * for the receiver's ratchet, both move on. */
static enum dt_err
stay_in_step(struct bench_case *c)
{
    if (mls_group_handshake_generation(c->world->sender) < MLS_RATCHET_FORWARD_MAX / 2)
        return DT_OK;
    return next_epoch(c, NULL, false);
}

/* A Commit of the sender with ${opts}, which is dropped again. */
static enum dt_err
commit(struct bench_case *c, struct bench_timer *t, const struct mls_commit_opts *opts)
{
    struct mls_commit_out out = {0};
    enum dt_err err = stay_in_step(c);

    if (err != DT_OK)
        return err;
    bench_start(t);
    err = mls_group_commit(c->world->sender, opts, &out);
    bench_stop(t);
    t->bytes = out.commit.n;
    mls_group_drop_pending(c->world->sender);
    mls_commit_out_clear(&out);
    return err;
}

static struct dt_view
newcomer(const struct bench_case *c)
{
    return dt_buf_view(&c->world->m[c->world->n].key_package);
}

static enum dt_err
add(struct bench_case *c, struct bench_timer *t)
{
    struct dt_view kp = newcomer(c);
    struct mls_commit_opts opts = {.adds = &kp, .n_adds = 1, .lifetime = bench_clock()};

    return commit(c, t, &opts);
}

static enum dt_err
add_path(struct bench_case *c, struct bench_timer *t)
{
    struct dt_view kp = newcomer(c);
    struct mls_commit_opts opts = {
        .adds = &kp, .n_adds = 1, .force_path = true, .lifetime = bench_clock()};

    return commit(c, t, &opts);
}

static enum dt_err
remove_last(struct bench_case *c, struct bench_timer *t)
{
    uint32_t last = c->world->n - 1;
    struct mls_commit_opts opts = {.removes = &last, .n_removes = 1};

    return commit(c, t, &opts);
}

/* To the next epoch: an update Commit of the sender that both take. What is measured is one side's
 * part; without ${t} nothing is. */
static enum dt_err
next_epoch(struct bench_case *c, struct bench_timer *t, bool sending)
{
    struct mls_commit_opts opts = {.force_path = true};
    struct mls_commit_out out = {0};
    enum dt_err err;

    if (t != NULL && sending)
        bench_start(t);
    err = mls_group_commit(c->world->sender, &opts, &out);
    if (err == DT_OK)
        err = mls_group_take_pending(c->world->sender, BENCH_NOW_S * 1000);
    if (t != NULL && sending)
        bench_stop(t);
    if (t != NULL && !sending)
        bench_start(t);
    if (err == DT_OK)
        err = follow(c, dt_buf_view(&out.commit));
    if (t != NULL && !sending)
        bench_stop(t);
    if (t != NULL)
        t->bytes = out.commit.n;
    mls_commit_out_clear(&out);
    return err == DT_OK ? agree(c->world->sender, c->world->receiver) : err;
}

static enum dt_err
update(struct bench_case *c, struct bench_timer *t)
{
    return next_epoch(c, t, true);
}

static enum dt_err
process(struct bench_case *c, struct bench_timer *t)
{
    return next_epoch(c, t, false);
}

/* The newcomer joins what the sender would have made; the sender's Commit is dropped afterwards. */
static enum dt_err
join_by(struct bench_case *c, struct bench_timer *t, uint32_t threads)
{
    struct dt_view kp = newcomer(c);
    struct mls_commit_opts opts = {.adds = &kp, .n_adds = 1, .lifetime = bench_clock()};
    struct mls_commit_out out = {0};
    struct mls_group *g = NULL;
    enum dt_err err = stay_in_step(c);

    if (err == DT_OK)
        err = mls_group_commit(c->world->sender, &opts, &out);
    bench_start(t);
    if (err == DT_OK)
        err =
            bench_join(c->world, &c->world->m[c->world->n], dt_buf_view(&out.welcome), threads, &g);
    bench_stop(t);
    if (err == DT_OK)
        err = agree(g, mls_group_pending_next(c->world->sender));
    t->bytes = out.welcome.n;
    mls_group_drop_pending(c->world->sender);
    mls_commit_out_clear(&out);
    mls_group_free(g);
    return err;
}

static enum dt_err
join(struct bench_case *c, struct bench_timer *t)
{
    return join_by(c, t, 1);
}

static enum dt_err
join_two(struct bench_case *c, struct bench_timer *t)
{
    return join_by(c, t, 2);
}

static const uint8_t text[200] = "two hundred bytes";

static enum dt_err
message(struct bench_case *c, struct bench_timer *t, bool sending)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_event e = {0};
    enum dt_err err;

    if (sending)
        bench_start(t);
    err = mls_group_protect(c->world->sender, dt_view(NULL, 0), dt_view_of(text), 0, &out);
    if (sending)
        bench_stop(t);
    else
        bench_start(t);
    if (err == DT_OK)
        err = mls_group_process(c->world->receiver, no_psks, dt_buf_view(&out), &e);
    if (!sending)
        bench_stop(t);
    t->bytes = out.n;
    if (err == DT_OK && (e.kind != MLS_EVENT_APPLICATION ||
                         !dt_view_equal(dt_buf_view(&e.plaintext), dt_view_of(text))))
        err = dt_fail(DT_ERR_INTERNAL, "a message came out as event %d", (int)e.kind);
    mls_event_clear(&e);
    return err;
}

static enum dt_err
protect(struct bench_case *c, struct bench_timer *t)
{
    return message(c, t, true);
}

static enum dt_err
unprotect(struct bench_case *c, struct bench_timer *t)
{
    return message(c, t, false);
}

/* What one message changed in its sender's state, as rows for a database. */
static enum dt_err
save_sent(struct bench_case *c, struct bench_timer *t)
{
    DT_CLEANUP(mls_parts_clear) struct mls_parts parts = {0};
    struct bench_timer unused = {0};
    enum dt_err err;

    mls_group_saved(c->world->sender);
    if ((err = message(c, &unused, true)) != DT_OK)
        return err;
    bench_start(t);
    err = mls_group_save_parts(c->world->sender, false, &parts);
    bench_stop(t);
    t->bytes = 0;
    for (size_t i = 0; i < parts.n; i++)
        t->bytes += MLS_PART_ID + parts.v[i].body.n;
    return err;
}

static enum dt_err
save(struct bench_case *c, struct bench_timer *t)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    enum dt_err err;

    bench_start(t);
    err = mls_group_save(c->world->receiver, &saved);
    bench_stop(t);
    t->bytes = saved.n;
    return err;
}

static enum dt_err
load(struct bench_case *c, struct bench_timer *t)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *g = NULL;
    size_t heap;
    enum dt_err err = mls_group_save(c->world->receiver, &saved);

    heap = bench_heap();
    bench_start(t);
    if (err == DT_OK)
        err = mls_group_load(dt_buf_view(&saved), &g);
    bench_stop(t);
    t->bytes = bench_heap() - heap;
    mls_group_free(g);
    return err;
}

const struct bench_op bench_operations[] = {
    {"create", "a group of one", create, true},
    {"key-package", "a key package with its keys; bytes: the message", key_package, true},
    {"protect", "200 bytes protected; bytes: the message", protect, false},
    {"unprotect", "200 bytes taken in", unprotect, false},
    {"add", "one member added, no path; bytes: the Commit", add, false},
    {"add-path", "one member added, with a path", add_path, false},
    {"remove", "the last member removed, with a path", remove_last, false},
    {"update", "a path made and taken; bytes: the Commit", update, false},
    {"process", "that Commit processed and taken", process, false},
    {"join", "the newcomer joins; bytes: the Welcome", join, false},
    {"join-two", "the same with two threads, which shows in the wall clock", join_two, false},
    {"save-sent", "what sending one message changed, written; bytes: of it", save_sent, false},
    {"save", "the whole state written; bytes: of it", save, false},
    {"load", "and read back; bytes: the group's heap", load, false},
    {"add-all", "all others added to a group of one; bytes: Commits, last Welcome", add_all, false},
};
const size_t bench_n_operations = sizeof bench_operations / sizeof bench_operations[0];
