/*
 * tests/mls/test_faults.c - every allocation and random call of the mls room fails once, in every
 * call of group.h: no half-made change. After each failure the group's saved bytes are those from
 * before, and the very same call on the very same group does its work.
 */
#include <stdio.h>
#include <string.h>

#include "group_util.h"

#include "../base/torture.h"

static const struct mls_psk_list no_psks = {NULL, 0};
static const struct mls_typed warrant = {GU_WARRANT, {(const uint8_t *)"w", 1}};

/* Three members in epoch 2; who is to be added, and the keys of who rotates. */
static struct gu_party ada, bob, cyd, dan;
/* What came to bob: talk, a proposal, a Commit of ada's that adds dan, one that removes bob. */
static struct dt_buf talk, proposal, adds, removal;
static struct dt_buf welcome;
/* What dan, who is outside, has and says: a GroupInfo, an external Commit, its own Add. */
static struct dt_buf said, entry, wish;
static struct dt_buf ada_state, bob_state, pending_state;
/* Bob's Update is cached with ada and with bob, and committed by ada; a branch of ada's with bob.
 */
static struct dt_buf ada_cached, bob_cached, updates, branched;

static void
snapshot(const struct mls_group *g, struct dt_buf *out)
{
    dt_buf_init(out, MLS_GROUP_STATE_MAX);
    assert_ok(mls_group_save(g, out));
}

/* ---- calls that make something ---- */

static enum dt_err
create(void *ctx)
{
    static const uint16_t extension_types[] = {GU_EXT}, proposal_types[] = {GU_WARRANT};
    struct mls_typed forum = {GU_EXT, dt_view_str("forum")};
    struct mls_group_params params = {.leaf = gu_leaf(&dan),
                                      .group_id = dt_view_str("another group"),
                                      .extensions = {&forum, 1},
                                      .required_extensions = {extension_types, 1},
                                      .required_proposals = {proposal_types, 1},
                                      .not_before_s = GU_NOW_S,
                                      .not_after_s = GU_NOW_S + 86400};
    struct mls_group *g = NULL;
    enum dt_err err = mls_group_create(&params, &g);

    (void)ctx;
    assert_true((err == DT_OK) == (g != NULL));
    mls_group_free(g);
    return err;
}

static enum dt_err
key_package(void *ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_leaf_params leaf = gu_leaf(&dan);
    struct mls_typed_list none = {NULL, 0};
    struct mls_key_bundle bundle = {0};
    enum dt_err err =
        mls_key_package_new(&leaf, GU_NOW_S - 3600, GU_NOW_S + 86400, none, &message, &bundle);

    (void)ctx;
    if (err != DT_OK) {
        assert_int_equal(message.n, 0);
        assert_int_equal(dt_secret_view(&bundle.init_priv).n, 0);
        assert_int_equal(dt_secret_view(&bundle.leaf_priv).n, 0);
    }
    mls_key_bundle_clear(&bundle);
    return err;
}

static enum dt_err
key_package_open(void *ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf ref = DT_BUF_INIT(64);
    struct mls_key_package_info info;
    enum dt_err err = mls_key_package_open(dt_buf_view(&dan.key_package), &gu_clock, &info, &ref);

    (void)ctx;
    assert_int_equal(ref.n, err == DT_OK ? 32 : 0);
    return err;
}

static enum dt_err
join(void *ctx)
{
    struct mls_join_params params = {.welcome = dt_buf_view(&welcome),
                                     .key_package = dt_buf_view(&dan.key_package),
                                     .bundle = &dan.bundle,
                                     .signature_priv = dt_secret_view(&dan.seed),
                                     .lifetime = gu_clock};
    struct mls_join_info info = {0};
    struct mls_group *g = NULL;
    enum dt_err err = mls_group_join(&params, &g, &info);

    (void)ctx;
    assert_true((err == DT_OK) == (g != NULL));
    if (err != DT_OK) {
        assert_int_equal(info.n_extensions, 0);
        assert_null(info.bytes.p);
    }
    mls_group_free(g);
    mls_join_info_clear(&info);
    return err;
}

static enum dt_err
join_branch(void *ctx)
{
    const struct mls_group *origin = bob.group;
    struct mls_join_params params = {.welcome = dt_buf_view(&branched),
                                     .key_package = dt_buf_view(&bob.key_package),
                                     .bundle = &bob.bundle,
                                     .signature_priv = dt_secret_view(&bob.seed),
                                     .lifetime = gu_clock,
                                     .origins = &origin,
                                     .n_origins = 1};
    struct mls_group *g = NULL;
    enum dt_err err = mls_group_join(&params, &g, NULL);

    (void)ctx;
    assert_true((err == DT_OK) == (g != NULL));
    mls_group_free(g);
    return err;
}

static enum dt_err
load(void *ctx)
{
    struct mls_group *g = NULL;
    enum dt_err err = mls_group_load(dt_buf_view(&pending_state), &g);

    (void)ctx;
    assert_true((err == DT_OK) == (g != NULL));
    mls_group_free(g);
    return err;
}

static enum dt_err
join_external(void *ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf made = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_external_join_params params = {
        .group_info = dt_buf_view(&said), .leaf = gu_leaf(&dan), .private_use = {&warrant, 1}};
    struct mls_join_info got = {0};
    struct mls_group *g = NULL;
    enum dt_err err = mls_group_join_external(&params, &g, &made, &got);

    (void)ctx;
    assert_true((err == DT_OK) == (g != NULL));
    assert_true((err == DT_OK) == (made.n > 0));
    if (err != DT_OK)
        assert_null(got.bytes.p);
    mls_group_free(g);
    mls_join_info_clear(&got);
    return err;
}

static enum dt_err
propose_external(void *ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf made = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_external_propose_params params = {
        .suite = 1,
        .group_id = dt_view_str("a test group"),
        .epoch = 2,
        .new_member = true,
        .signature_priv = dt_secret_view(&dan.seed),
        .what = {.kind = MLS_PROPOSE_ADD, .add = dt_buf_view(&dan.key_package)}};
    enum dt_err err = mls_external_propose(&params, &made);

    (void)ctx;
    assert_true((err == DT_OK) == (made.n > 0));
    return err;
}

static enum dt_err
peek(void *ctx)
{
    struct mls_group_info_peeked peeked;

    (void)ctx;
    return mls_group_info_peek(dt_buf_view(&said), &peeked);
}

/* ---- calls on a group ---- */

static struct mls_staged *staged; /* what begin_take() processed */

static enum dt_err
commit(struct mls_group *g, const struct mls_commit_opts *opts)
{
    struct mls_commit_out out = {0};
    enum dt_err err = mls_group_commit(g, opts, &out);

    assert_true((err == DT_OK) == (mls_group_pending_next(g) != NULL));
    assert_true((err == DT_OK) == (out.commit.n > 0));
    assert_true((err == DT_OK && opts->n_adds > 0) == (out.welcome.n > 0));
    mls_commit_out_clear(&out);
    return err;
}

static enum dt_err
commit_add(struct mls_group *g)
{
    struct dt_view add = dt_buf_view(&dan.key_package);
    struct mls_commit_opts opts = {
        .adds = &add, .n_adds = 1, .private_use = {&warrant, 1}, .lifetime = gu_clock};

    return commit(g, &opts);
}

static enum dt_err
commit_remove(struct mls_group *g)
{
    uint32_t leaf = 1;
    struct mls_commit_opts opts = {.removes = &leaf, .n_removes = 1};

    return commit(g, &opts);
}

static enum dt_err
commit_rotate(struct mls_group *g)
{
    struct mls_commit_opts opts = {.force_path = true,
                                   .new_signature_priv = dt_secret_view(&dan.seed),
                                   .new_signature_pub = dt_view_of(dan.pub),
                                   .new_identity = dt_view_str("ada anew")};

    return commit(g, &opts);
}

static enum dt_err
commit_cached(struct mls_group *g)
{
    struct mls_commit_opts opts = {.commit_cached = true};

    return commit(g, &opts);
}

static enum dt_err
commit_reinit(struct mls_group *g)
{
    struct mls_typed forum = {GU_EXT, dt_view_str("forum")};
    struct mls_reinit reinit = {dt_view_str("the next"), 1, 1, {&forum, 1}};
    struct mls_commit_opts opts = {.reinit = &reinit};

    return commit(g, &opts);
}

static enum dt_err
branch(struct mls_group *g)
{
    struct dt_view add = dt_buf_view(&bob.key_package);
    struct mls_successor_params params = {.leaf = gu_leaf(&ada),
                                          .group_id = dt_view_str("a branch"),
                                          .not_before_s = GU_NOW_S,
                                          .not_after_s = GU_NOW_S + 86400,
                                          .adds = &add,
                                          .n_adds = 1,
                                          .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct mls_group *next = NULL;
    enum dt_err err = mls_group_branch(g, &params, &next, &out);

    assert_true((err == DT_OK) == (next != NULL));
    assert_true((err == DT_OK) == (out.welcome.n > 0));
    mls_group_free(next);
    mls_commit_out_clear(&out);
    return err;
}

static enum dt_err
commit_public(struct mls_group *g)
{
    struct mls_commit_opts opts = {.force_path = true, .as_public = true};

    return commit(g, &opts);
}

static enum dt_err
export_info(struct mls_group *g)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_group_info_opts opts = {
        .external_pub = true, .ratchet_tree = true, .extensions = {&warrant, 1}};
    enum dt_err err = mls_group_info_export(g, &opts, &m);

    assert_true((err == DT_OK) == (m.n > 0));
    return err;
}

static enum dt_err
take_pending(struct mls_group *g)
{
    uint64_t epoch = mls_group_epoch(g);
    enum dt_err err = mls_group_take_pending(g, GU_NOW_MS);

    assert_int_equal(mls_group_epoch(g), epoch + (err == DT_OK));
    return err;
}

static enum dt_err
propose(struct mls_group *g)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_propose_opts opts = {.kind = MLS_PROPOSE_PRIVATE, .private_use = warrant};
    enum dt_err err = mls_group_propose(g, &opts, &m);

    assert_true((err == DT_OK) == (m.n > 0));
    assert_int_equal(mls_group_n_cached(g), err == DT_OK);
    return err;
}

static enum dt_err
propose_update(struct mls_group *g)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_propose_opts opts = {.kind = MLS_PROPOSE_UPDATE};
    enum dt_err err = mls_group_propose(g, &opts, &m);

    assert_true((err == DT_OK) == (m.n > 0));
    assert_int_equal(mls_group_n_cached(g), err == DT_OK);
    return err;
}

static enum dt_err
protect(struct mls_group *g)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    enum dt_err err =
        mls_group_protect(g, dt_view_str("aad"), dt_view_str("a text to be hidden"), 7, &m);

    assert_true((err == DT_OK) == (m.n > 0));
    return err;
}

/* A failure never becomes an event: that would blame who sent it, or make us join anew. */
static enum dt_err
process(struct mls_group *g, const struct dt_buf *message, enum mls_event_kind kind,
        struct mls_staged **out)
{
    struct mls_event e = {0};
    enum dt_err err = mls_group_process(g, no_psks, dt_buf_view(message), &e);

    assert_int_equal(e.kind, err == DT_OK ? kind : MLS_EVENT_NONE);
    assert_true((e.staged != NULL) == (e.kind == MLS_EVENT_COMMIT));
    if (kind == MLS_EVENT_APPLICATION && err == DT_OK)
        assert_views_equal(dt_buf_view(&e.plaintext), dt_view_str("skipped ones before"));
    if (out != NULL) {
        *out = e.staged;
        e.staged = NULL;
    }
    mls_event_clear(&e);
    return err;
}

static enum dt_err
process_talk(struct mls_group *g)
{
    return process(g, &talk, MLS_EVENT_APPLICATION, NULL);
}

static enum dt_err
process_proposal(struct mls_group *g)
{
    return process(g, &proposal, MLS_EVENT_PROPOSAL, NULL);
}

static enum dt_err
process_commit(struct mls_group *g)
{
    return process(g, &adds, MLS_EVENT_COMMIT, NULL);
}

static enum dt_err
process_own_update(struct mls_group *g)
{
    return process(g, &updates, MLS_EVENT_COMMIT, NULL);
}

static enum dt_err
process_entry(struct mls_group *g)
{
    return process(g, &entry, MLS_EVENT_COMMIT, NULL);
}

static enum dt_err
process_wish(struct mls_group *g)
{
    return process(g, &wish, MLS_EVENT_PROPOSAL, NULL);
}

static enum dt_err
process_removal(struct mls_group *g)
{
    return process(g, &removal, MLS_EVENT_COMMIT, NULL);
}

static void
begin_take(struct mls_group *g)
{
    assert_ok(process(g, &adds, MLS_EVENT_COMMIT, &staged));
}

static void
begin_take_removal(struct mls_group *g)
{
    assert_ok(process(g, &removal, MLS_EVENT_COMMIT, &staged));
}

static enum dt_err
take(struct mls_group *g)
{
    uint64_t epoch = mls_group_epoch(g);
    bool member = mls_group_is_member(g);
    enum dt_err err = mls_group_take(g, staged, GU_NOW_MS);

    if (err == DT_OK) {
        staged = NULL;
    } else {
        assert_int_equal(mls_group_epoch(g), epoch);
        assert_int_equal(mls_group_is_member(g), member);
    }
    return err;
}

static enum dt_err
save(struct mls_group *g)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf out = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    enum dt_err err = mls_group_save(g, &out);

    return err; /* on error the buffer holds a useless prefix (base/wire.h) */
}

static enum dt_err
clone(struct mls_group *g)
{
    struct mls_group *copy = NULL;
    enum dt_err err = mls_group_clone(g, &copy);

    assert_true((err == DT_OK) == (copy != NULL));
    mls_group_free(copy);
    return err;
}

struct subject {
    const char *name;
    const struct dt_buf *state; /* the group is read from it each time */
    void (*begin)(struct mls_group *g);
    enum dt_err (*call)(struct mls_group *g);
    unsigned int allocations, randoms; /* at least */
};

static enum dt_err
call(void *ctx)
{
    const struct subject *s = ctx;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf before = {0};
    struct mls_group *g = NULL;
    unsigned int left = torture_pause();
    enum dt_err err;

    assert_ok(mls_group_load(dt_buf_view(s->state), &g));
    if (s->begin != NULL)
        s->begin(g);
    snapshot(g, &before);
    torture_resume(left);
    err = s->call(g);
    left = torture_pause();
    if (err != DT_OK) {
        DT_CLEANUP(dt_buf_wipe) struct dt_buf after = {0};
        const char *place = dt_err_place();
        char message[256];

        (void)snprintf(message, sizeof message, "%s", dt_err_message());
        snapshot(g, &after);
        if (!dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)))
            fail_msg("%s: failed at %s, and the group is not as it was", s->name, place);
        assert_ok(s->call(g));
        /* For torture(), which looks at it: whatever went well since has not cleared it. */
        err = dt_fail(err, "%s", message);
    }
    mls_staged_free(staged);
    staged = NULL;
    mls_group_free(g);
    torture_resume(left);
    return err;
}

static void
judge(const char *name, enum dt_err (*what)(void *ctx), void *ctx, unsigned int want_allocations,
      unsigned int want_randoms)
{
    unsigned int allocations, randoms;

    torture(what, ctx, &allocations, &randoms);
    print_message("%s: %u allocations, %u random calls\n", name, allocations, randoms);
    assert_int_equal(torture_passed_over, 0);
    assert_true(allocations >= want_allocations && randoms >= want_randoms);
}

static void
test_makers(void **state)
{
    (void)state;
    judge("create", create, NULL, 10, 1);
    judge("key package", key_package, NULL, 5, 2);
    judge("open a key package", key_package_open, NULL, 2, 0);
    judge("join", join, NULL, 50, 0);
    judge("join a branch", join_branch, NULL, 50, 0);
    judge("load", load, NULL, 50, 0);
    judge("join by an external commit", join_external, NULL, 50, 3);
    judge("propose from outside", propose_external, NULL, 5, 0);
    judge("look into a GroupInfo", peek, NULL, 1, 0);
}

static void
test_calls(void **state)
{
    struct subject list[] = {
        {"commit with an add", &ada_state, NULL, commit_add, 50, 3},
        {"commit with a remove", &ada_state, NULL, commit_remove, 50, 2},
        {"commit with a rotation", &ada_state, NULL, commit_rotate, 50, 2},
        {"commit by reference", &ada_cached, NULL, commit_cached, 50, 2},
        {"commit a ReInit", &ada_state, NULL, commit_reinit, 20, 1},
        {"branch", &ada_state, NULL, branch, 50, 3},
        {"propose an update", &ada_state, NULL, propose_update, 10, 2},
        {"process a commit of the own update", &bob_cached, NULL, process_own_update, 50, 0},
        {"commit in the open", &ada_state, NULL, commit_public, 50, 2},
        {"export a GroupInfo", &ada_state, NULL, export_info, 5, 0},
        {"process an external commit", &bob_state, NULL, process_entry, 50, 0},
        {"process an outsider's proposal", &bob_state, NULL, process_wish, 5, 0},
        {"take the own commit", &pending_state, NULL, take_pending, 1, 0},
        {"propose", &ada_state, NULL, propose, 5, 1},
        {"protect", &ada_state, NULL, protect, 5, 1},
        {"process talk", &bob_state, NULL, process_talk, 5, 0},
        {"process a proposal", &bob_state, NULL, process_proposal, 5, 0},
        {"process a commit", &bob_state, NULL, process_commit, 50, 0},
        {"process a removal", &bob_state, NULL, process_removal, 20, 0},
        {"take a commit", &bob_state, begin_take, take, 1, 0},
        {"take a removal", &bob_state, begin_take_removal, take, 0, 0},
        {"save", &pending_state, NULL, save, 1, 0},
        {"clone", &pending_state, NULL, clone, 50, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        judge(list[i].name, call, &list[i], list[i].allocations, list[i].randoms);
}

/* What a copy of ada's group sends, so that ada's own stays as it is. */
static struct mls_group *
copy_of(const struct dt_buf *saved)
{
    struct mls_group *g = NULL;

    assert_ok(mls_group_load(dt_buf_view(saved), &g));
    return g;
}

static void
make_outsiders(void)
{
    struct mls_external_propose_params params = {
        .suite = 1,
        .group_id = mls_group_id(ada.group),
        .epoch = mls_group_epoch(ada.group),
        .new_member = true,
        .signature_priv = dt_secret_view(&dan.seed),
        .what = {.kind = MLS_PROPOSE_ADD, .add = dt_buf_view(&dan.key_package)}};

    gu_info(&ada, true, &said);
    gu_enter(&dan, &said, NULL, &entry);
    dt_buf_init(&wish, MLS_MESSAGE_MAX);
    assert_ok(mls_external_propose(&params, &wish));
}

static void
make_messages(void)
{
    struct mls_propose_opts propose_opts = {.kind = MLS_PROPOSE_PRIVATE, .private_use = warrant};
    struct dt_view add = dt_buf_view(&dan.key_package);
    struct mls_commit_opts add_opts = {
        .adds = &add, .n_adds = 1, .private_use = {&warrant, 1}, .lifetime = gu_clock};
    uint32_t leaf = mls_group_own_leaf(bob.group);
    struct mls_commit_opts remove_opts = {.removes = &leaf, .n_removes = 1};
    struct mls_commit_out out = {0};
    struct mls_group *g = copy_of(&ada_state);

    for (size_t i = 0; i < 4; i++) { /* the last is read, with the keys of three kept for later */
        dt_buf_clear(&talk);
        dt_buf_init(&talk, MLS_MESSAGE_MAX);
        assert_ok(
            mls_group_protect(g, dt_view_str("aad"), dt_view_str("skipped ones before"), 7, &talk));
    }
    dt_buf_init(&proposal, MLS_MESSAGE_MAX);
    assert_ok(mls_group_propose(g, &propose_opts, &proposal));
    mls_group_free(g);
    g = copy_of(&ada_state);
    assert_ok(mls_group_commit(g, &add_opts, &out));
    snapshot(g, &pending_state);
    adds = out.commit;
    welcome = out.welcome;
    mls_group_free(g);
    g = copy_of(&ada_state);
    out = (struct mls_commit_out){0};
    assert_ok(mls_group_commit(g, &remove_opts, &out));
    removal = out.commit;
    mls_group_free(g);
    make_outsiders();
}

/* Bob's Update, in copies; the branch, with a new key package of bob's. */
static void
make_successors(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_propose_opts opts = {.kind = MLS_PROPOSE_UPDATE};
    struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_successor_params params = {.leaf = gu_leaf(&ada),
                                          .group_id = dt_view_str("a branch"),
                                          .not_after_s = GU_NOW_S + 86400,
                                          .n_adds = 1,
                                          .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    struct mls_group *g = copy_of(&bob_state);
    struct mls_group *next = NULL;
    struct dt_view add;

    assert_ok(mls_group_propose(g, &opts, &m));
    snapshot(g, &bob_cached);
    mls_group_free(g);
    g = copy_of(&ada_state);
    assert_ok(mls_group_process(g, no_psks, dt_buf_view(&m), &e));
    mls_event_clear(&e);
    snapshot(g, &ada_cached);
    assert_ok(mls_group_commit(g, &cached, &out));
    updates = out.commit;
    mls_group_free(g);
    out = (struct mls_commit_out){0};
    gu_key_package(&bob);
    add = dt_buf_view(&bob.key_package);
    params.adds = &add;
    assert_ok(mls_group_branch(ada.group, &params, &next, &out));
    branched = out.welcome;
    dt_buf_clear(&out.commit);
    mls_group_free(next);
}

static int
setup(void **state)
{
    struct gu_party *all[] = {&ada, &bob, &cyd};

    (void)state;
    assert_ok(dt_crypto_init());
    gu_party_init(&ada, 1, "ada");
    gu_party_init(&bob, 1, "bob");
    gu_party_init(&cyd, 1, "cyd");
    gu_party_init(&dan, 1, "dan");
    ada.outside = bob.outside = MLS_OUTSIDE_ALL;
    gu_create(&ada);
    gu_add(&ada, &bob, all, 1);
    gu_add(&ada, &cyd, all, 2);
    gu_say(&ada, "so that ratchets are open", all, 3);
    gu_say(&bob, "on both sides", all, 3);
    snapshot(ada.group, &ada_state);
    snapshot(bob.group, &bob_state);
    make_messages();
    make_successors();
    return 0;
}

static int
teardown(void **state)
{
    struct dt_buf *bufs[] = {&talk,       &proposal,   &adds,          &removal, &welcome,
                             &ada_state,  &bob_state,  &pending_state, &updates, &branched,
                             &ada_cached, &bob_cached, &said,          &entry,   &wish};

    (void)state;
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        dt_buf_wipe(bufs[i]);
    gu_party_clear(&ada);
    gu_party_clear(&bob);
    gu_party_clear(&cyd);
    gu_party_clear(&dan);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_makers), cmocka_unit_test(test_calls)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
