/*
 * tests/mls/test_group_psk.c - resumption PSKs in Commits and Welcomes, and ReInit in a Commit.
 *
 * Source: RFC 9420 sections 8.4, 8.6, 11.2, 12.1.4, 12.1.5, 12.2, 12.4.2.
 */
#include <string.h>

#include "mls/group_internal.h"

#include "group_util.h"

static const struct mls_psk_list no_psks = {NULL, 0};

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

struct duo {
    struct gu_party p[3]; /* the third is not in yet */
    struct gu_party *all[3];
};

/* Ada and bob, who keep the resumption PSKs of ${kept} epochs for ${age_ms}. */
static void
duo_init(struct duo *d, uint32_t kept, uint64_t age_ms)
{
    const char *names[] = {"ada", "bob", "cyd"};

    for (size_t i = 0; i < 3; i++) {
        gu_party_init(&d->p[i], 1, names[i]);
        d->all[i] = &d->p[i];
    }
    gu_create(&d->p[0]);
    gu_add(&d->p[0], &d->p[1], d->all, 1);
    for (size_t i = 0; i < 2; i++) {
        d->p[i].group->policy.resumption_psks = kept;
        d->p[i].group->policy.resumption_age_ms = age_ms;
    }
}

static void
duo_clear(struct duo *d)
{
    for (size_t i = 0; i < 3; i++)
        gu_party_clear(&d->p[i]);
}

static void
step(struct duo *d)
{
    struct mls_commit_opts empty = {0};

    gu_commit(&d->p[0], &empty, d->all, 3, NULL);
}

/* Every kept epoch's PSK can be named, by whoever, also after a reload; the policy's count bounds
 * them, and one not kept is NOT_FOUND to maker and follower. */
static void
test_section_12_4_2_kept_by_count(void **state)
{
    struct mls_psk psk = {.id = dt_view_str("a test group"), .resumption = true};
    struct mls_commit_opts opts = {.psks = {&psk, 1}};
    struct mls_commit_out out = {0};
    struct dt_secret value = {0};
    struct duo d;

    (void)state;
    duo_init(&d, 3, 0);
    for (size_t i = 0; i < 5; i++)
        step(&d);
    /* Epoch 6 now; 5, 4 and 3 are kept. */
    assert_int_equal(mls_group_epoch(d.p[0].group), 6);
    assert_int_equal(d.p[0].group->n_kept, 3);
    gu_reload(&d.p[0]);
    gu_reload(&d.p[1]);
    psk.epoch = 2;
    assert_err(DT_ERR_NOT_FOUND, mls_group_commit(d.p[0].group, &opts, &out));
    assert_err(DT_ERR_NOT_FOUND, mls_group_resumption_psk(d.p[0].group, 2, &value));
    psk.epoch = 7;
    assert_err(DT_ERR_NOT_FOUND, mls_group_commit(d.p[0].group, &opts, &out));
    psk.epoch = 3;
    gu_commit(&d.p[0], &opts, d.all, 3, NULL);
    gu_agree(d.all, 3);
    /* Epoch 7: 6, 5 and 4 are kept; the present one can be named as well. */
    for (uint64_t e = 4; e <= 7; e++) {
        psk.epoch = e;
        assert_ok(mls_group_commit(d.p[1].group, &opts, &out));
        assert_int_equal(mls_group_pending_effects(d.p[1].group)->n_resumption_psks, 1);
        assert_int_equal(mls_group_pending_effects(d.p[1].group)->n_psk_ids, 0);
        mls_group_drop_pending(d.p[1].group);
    }
    psk.epoch = 4;
    d.p[0].group->policy.resumption_psks = 0;
    mls_group_kept_clear(d.p[0].group);
    assert_ok(mls_group_commit(d.p[1].group, &opts, &out));
    assert_refused(DT_ERR_NOT_FOUND, d.p[0].group, no_psks, &out.commit, 1);
    mls_commit_out_clear(&out);
    duo_clear(&d);
}

/* By age too; and what is wiped is nowhere in the saved state. */
static void
test_kept_by_age(void **state)
{
    struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct dt_secret value = {0};
    struct duo d;

    (void)state;
    duo_init(&d, 3, 1000);
    assert_ok(mls_group_resumption_psk(d.p[0].group, 1, &value));
    step(&d);
    step(&d);
    assert_int_equal(d.p[0].group->n_kept, 2);
    assert_ok(mls_group_save(d.p[0].group, &saved));
    assert_non_null(memmem(saved.p, saved.n, value.p, value.n));
    mls_group_expire(d.p[0].group, GU_NOW_MS - 5000);
    mls_group_expire(d.p[0].group, GU_NOW_MS + 999);
    assert_int_equal(d.p[0].group->n_kept, 2);
    d.p[0].group->kept[0].ended_ms += 1;
    mls_group_expire(d.p[0].group, GU_NOW_MS + 1000);
    assert_int_equal(d.p[0].group->n_kept, 1);
    assert_int_equal(d.p[0].group->kept[0].epoch, 2);
    saved.n = 0;
    assert_ok(mls_group_save(d.p[0].group, &saved));
    assert_null(memmem(saved.p, saved.n, value.p, value.n));
    dt_secret_clear(&value);
    dt_buf_wipe(&saved);
    duo_clear(&d);
}

/* A Commit that is taken wipes what is too old, whether past epochs are kept as well or not. */
static void
test_section_8_6_age_asked_with_each_commit(void **state)
{
    static const struct {
        uint32_t past_epochs;
        uint64_t later_ms;
        size_t n_kept;
    } cases[] = {{3, 999, 2}, {3, 1000, 1}, {0, 999, 2}, {0, 1000, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mls_commit_opts empty = {0};
        struct mls_commit_out out = {0};
        struct mls_group *g;
        struct duo d;

        duo_init(&d, 3, 1000);
        step(&d);
        g = d.p[0].group;
        g->policy.past_epochs = cases[i].past_epochs;
        assert_int_equal(g->n_kept, 1);
        assert_ok(mls_group_commit(g, &empty, &out));
        assert_ok(mls_group_take_pending(g, GU_NOW_MS + cases[i].later_ms));
        assert_int_equal(g->n_kept, cases[i].n_kept);
        assert_int_equal(g->kept[0].epoch, 2);
        mls_commit_out_clear(&out);
        duo_clear(&d);
    }
}

/* A member that is removed keeps none. */
static void
test_removed(void **state)
{
    const uint32_t one = 1;
    struct mls_commit_opts removal = {.removes = &one, .n_removes = 1};
    struct dt_secret value = {0};
    struct duo d;

    (void)state;
    duo_init(&d, 3, 0);
    step(&d);
    gu_commit(&d.p[0], &removal, d.all, 3, NULL);
    assert_int_equal(d.p[1].group->n_kept, 0);
    assert_err(DT_ERR_NOT_FOUND, mls_group_resumption_psk(d.p[1].group, 1, &value));
    assert_err(DT_ERR_NOT_FOUND, mls_group_resumption_psk(d.p[1].group, 2, &value));
    gu_reload(&d.p[1]);
    duo_clear(&d);
}

static void
join_with(struct gu_party *p, const struct dt_buf *welcome, const struct mls_psk *psk,
          enum dt_err want)
{
    struct mls_join_params params = {
        .welcome = dt_buf_view(welcome),
        .key_package = dt_buf_view(&p->key_package),
        .bundle = &p->bundle,
        .signature_priv = dt_secret_view(&p->seed),
        .psks = {psk, 1},
        .lifetime = gu_clock,
    };

    assert_err(want, mls_group_join(&params, &p->group, NULL));
}

/* The PSK of another group that both are in, given by the caller; and one who joins by that Commit
 * has to hold it too. */
static void
test_section_12_4_3_1_of_another_group(void **state)
{
    struct mls_psk psk = {.resumption = true};
    struct mls_psk other;
    struct dt_view add;
    struct mls_commit_opts opts = {.psks = {&psk, 1}, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct dt_secret value = {0};
    struct mls_event e = {0};
    struct duo d;
    struct duo far;

    (void)state;
    duo_init(&d, 0, 0);
    duo_init(&far, 0, 0);
    psk.id = dt_view_str("another group");
    psk.epoch = mls_group_epoch(far.p[0].group);
    assert_err(DT_ERR_NOT_FOUND, mls_group_commit(d.p[0].group, &opts, &out));
    assert_ok(mls_group_resumption_psk(far.p[0].group, psk.epoch, &value));
    psk.value = dt_secret_view(&value);
    add = dt_buf_view(&d.p[2].key_package);
    opts.adds = &add;
    opts.n_adds = 1;
    assert_ok(mls_group_commit(d.p[0].group, &opts, &out));
    /* Without it, with that of another epoch, with an external one of that name. */
    assert_refused(DT_ERR_NOT_FOUND, d.p[1].group, no_psks, &out.commit, 0);
    other = psk;
    other.epoch++;
    assert_refused(DT_ERR_NOT_FOUND, d.p[1].group, ((struct mls_psk_list){&other, 1}), &out.commit,
                   0);
    join_with(&d.p[2], &out.welcome, &other, DT_ERR_NOT_FOUND);
    other = psk;
    other.resumption = false;
    assert_refused(DT_ERR_NOT_FOUND, d.p[1].group, ((struct mls_psk_list){&other, 1}), &out.commit,
                   0);
    other = psk;
    other.id = dt_view_str("a third group");
    join_with(&d.p[2], &out.welcome, &other, DT_ERR_NOT_FOUND);
    other = psk;
    other.value = dt_view_str("not the value");
    join_with(&d.p[2], &out.welcome, &other, DT_ERR_AUTH);
    assert_ok(mls_group_process(d.p[1].group, opts.psks, dt_buf_view(&out.commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_COMMIT);
    assert_ok(mls_group_take(d.p[1].group, e.staged, GU_NOW_MS));
    e.staged = NULL;
    mls_event_clear(&e);
    assert_ok(mls_group_take_pending(d.p[0].group, GU_NOW_MS));
    join_with(&d.p[2], &out.welcome, &psk, DT_OK);
    gu_agree(d.all, 3);
    gu_say(&d.p[2], "resumed", d.all, 3);
    dt_secret_clear(&value);
    mls_commit_out_clear(&out);
    duo_clear(&far);
    duo_clear(&d);
}

/* More than a Commit may have: refused before a value is looked for, made or received. */
static void
test_too_many(void **state)
{
    struct mls_psk psks[MLS_PSKS_MAX + 1];
    const struct mls_sender by = {.type = MLS_SENDER_MEMBER};
    struct mls_commit_opts opts = {.psks = {psks, MLS_PSKS_MAX + 1}};
    struct mls_proposal_list list = {0};
    struct mls_commit_out out = {0};
    struct dt_secret secret = {0};
    struct mls_proposal *p = NULL;
    struct duo d;

    (void)state;
    duo_init(&d, 0, 0);
    for (size_t i = 0; i <= MLS_PSKS_MAX; i++) {
        psks[i] = (struct mls_psk){.id = dt_view_str("k"), .value = dt_view_str("v")};
        assert_ok(mls_propose_psk(d.p[0].group->suite, &psks[i], MLS_PSK_APPLICATION, &p));
        assert_ok(mls_proposal_list_add(&list, p, by, false));
        mls_proposal_unref(p);
    }
    assert_err(DT_ERR_LIMIT, mls_group_commit(d.p[0].group, &opts, &out));
    assert_err(DT_ERR_LIMIT,
               mls_group_psk_secret(d.p[0].group, &list, opts.psks, no_psks, &secret));
    /* That none of them is held is not looked at. */
    for (size_t i = 0; i <= MLS_PSKS_MAX; i++)
        psks[i] = (struct mls_psk){.id = dt_view_str("elsewhere"), .resumption = true};
    assert_err(DT_ERR_LIMIT, mls_group_commit(d.p[0].group, &opts, &out));
    for (size_t i = 0; i <= MLS_PSKS_MAX; i++)
        psks[i] = (struct mls_psk){.id = dt_view_str("k"), .value = dt_view_str("v")};
    opts.psks.n = MLS_PSKS_MAX;
    assert_ok(mls_group_commit(d.p[0].group, &opts, &out));
    for (size_t i = list.n; i < MLS_COMMIT_PROPOSALS_MAX; i++)
        assert_ok(mls_proposal_list_add(&list, list.v[0].proposal, by, false));
    assert_err(DT_ERR_LIMIT, mls_proposal_list_add(&list, list.v[0].proposal, by, false));
    mls_proposal_list_clear(&list);
    mls_commit_out_clear(&out);
    duo_clear(&d);
}

/* The order of the PSKs is the Commit's, whatever that of the holder's list. */
static void
test_order(void **state)
{
    struct mls_psk maker[] = {{.id = dt_view_str("x"), .value = dt_view_str("1")},
                              {.id = dt_view_str("a test group"), .resumption = true, .epoch = 1},
                              {.id = dt_view_str("y"), .value = dt_view_str("2")}};
    struct mls_psk holder[] = {maker[2], maker[0]};
    struct mls_commit_opts opts = {.psks = {maker, 3}};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    struct duo d;

    (void)state;
    duo_init(&d, 1, 0);
    assert_ok(mls_group_commit(d.p[0].group, &opts, &out));
    assert_ok(mls_group_process(d.p[1].group, (struct mls_psk_list){holder, 2},
                                dt_buf_view(&out.commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_COMMIT);
    assert_views_equal(mls_staged_effects(e.staged)->psk_ids[0], dt_view_str("x"));
    assert_views_equal(mls_staged_effects(e.staged)->psk_ids[1], dt_view_str("y"));
    mls_event_clear(&e);
    mls_commit_out_clear(&out);
    duo_clear(&d);
}

/* Saved ones that are out of order, of the future, or more than the policy keeps do not load. */
static void
test_saved(void **state)
{
    struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *g = NULL;
    struct duo d;

    (void)state;
    duo_init(&d, 3, 0);
    step(&d);
    step(&d);
    d.p[0].group->kept[0].epoch = 1;
    assert_ok(mls_group_save(d.p[0].group, &saved));
    assert_err(DT_ERR_FORMAT, mls_group_load(dt_buf_view(&saved), &g));
    d.p[0].group->kept[0].epoch = 3;
    saved.n = 0;
    assert_ok(mls_group_save(d.p[0].group, &saved));
    assert_err(DT_ERR_FORMAT, mls_group_load(dt_buf_view(&saved), &g));
    d.p[0].group->kept[0].epoch = 2;
    d.p[0].group->policy.resumption_psks = 1;
    saved.n = 0;
    assert_ok(mls_group_save(d.p[0].group, &saved));
    assert_err(DT_ERR_FORMAT, mls_group_load(dt_buf_view(&saved), &g));
    d.p[0].group->policy.resumption_psks = MLS_RESUMPTION_PSKS_MAX + 1;
    saved.n = 0;
    assert_ok(mls_group_save(d.p[0].group, &saved));
    assert_err(DT_ERR_FORMAT, mls_group_load(dt_buf_view(&saved), &g));
    dt_buf_wipe(&saved);
    duo_clear(&d);
}

static struct mls_reinit
reinit_of(const struct mls_typed *x)
{
    struct mls_reinit r = {
        .group_id = dt_view_str("the next group"), .version = 1, .suite = 3, .extensions = {x, 1}};

    return r;
}

/* A group that was closed: nothing is sent, nothing is taken in, what was late is still read. */
static void
closed(struct duo *d, struct dt_buf *late)
{
    struct mls_commit_opts empty = {0};
    struct mls_propose_opts update = {.kind = MLS_PROPOSE_UPDATE};
    struct mls_commit_out out = {0};
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_reinit_info info;

    for (size_t i = 0; i < 2; i++) {
        struct mls_group *g = d->p[i].group;

        assert_true(mls_group_closed(g, &info));
        assert_views_equal(info.group_id, dt_view_str("the next group"));
        assert_int_equal(info.suite, 3);
        assert_int_equal(info.version, 1);
        assert_err(DT_ERR_STATE, mls_group_commit(g, &empty, &out));
        assert_err(DT_ERR_STATE, mls_group_propose(g, &update, &m));
        assert_err(DT_ERR_STATE, mls_group_protect(g, dt_view(NULL, 0), dt_view_str("x"), 0, &m));
        gu_reload(&d->p[i]);
    }
    gu_hear(&d->p[1], dt_buf_view(late), "late");
    /* A member whose library sends all the same. */
    mls_proposal_unref(d->p[0].group->reinit);
    d->p[0].group->reinit = NULL;
    assert_ok(mls_group_protect(d->p[0].group, dt_view(NULL, 0), dt_view_str("x"), 0, &m));
    assert_refused(DT_ERR_REFUSED, d->p[1].group, no_psks, &m, 0);
    assert_ok(mls_group_commit(d->p[0].group, &empty, &out));
    assert_refused(DT_ERR_REFUSED, d->p[1].group, no_psks, &out.commit, 0);
    mls_commit_out_clear(&out);
    dt_buf_clear(&m);
}

static void
test_reinit_by_value(void **state)
{
    struct mls_typed x = {GU_EXT, dt_view_str("next forum")};
    struct mls_reinit reinit = reinit_of(&x);
    struct mls_commit_opts opts = {.reinit = &reinit};
    struct mls_commit_opts both = {.reinit = &reinit, .psks = {NULL, 0}};
    struct mls_psk psk = {.id = dt_view_str("k"), .value = dt_view_str("v")};
    struct mls_reinit_info info;
    struct mls_commit_out out = {0};
    const struct mls_effects *e;
    struct dt_buf late;
    struct duo d;

    (void)state;
    duo_init(&d, 0, 0);
    gu_protect(&d.p[0], "late", &late);
    assert_false(mls_group_closed(d.p[0].group, &info));
    both.psks = (struct mls_psk_list){&psk, 1};
    assert_err(DT_ERR_REFUSED, mls_group_commit(d.p[0].group, &both, &out));
    reinit.version = 2;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_commit(d.p[0].group, &opts, &out));
    reinit.version = 1;
    reinit.suite = 99;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_commit(d.p[0].group, &opts, &out));
    reinit.suite = 3;
    assert_ok(mls_group_commit(d.p[0].group, &opts, &out));
    e = mls_group_pending_effects(d.p[0].group);
    assert_true(e->closes);
    assert_false(e->path);
    assert_views_equal(e->reinit.group_id, dt_view_str("the next group"));
    gu_reload(&d.p[0]);
    assert_true(mls_group_pending_effects(d.p[0].group)->closes);
    assert_false(mls_group_closed(d.p[0].group, &info));
    gu_follow(&d.p[1], dt_buf_view(&out.commit));
    assert_ok(mls_group_take_pending(d.p[0].group, GU_NOW_MS));
    gu_agree(d.all, 2);
    closed(&d, &late);
    dt_buf_clear(&late);
    mls_commit_out_clear(&out);
    duo_clear(&d);
}

/* A proposed ReInit gives way to anything else, and is committed when it is alone. */
static void
test_section_12_2_reinit_by_reference(void **state)
{
    struct mls_typed x = {GU_EXT, dt_view_str("next forum")};
    struct mls_propose_opts propose = {.kind = MLS_PROPOSE_REINIT, .reinit = reinit_of(&x)};
    struct mls_propose_opts warrant = {.kind = MLS_PROPOSE_PRIVATE,
                                       .private_use = {GU_WARRANT, dt_view_str("w")}};
    struct mls_commit_opts cached = {.commit_cached = true};
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf late;
    struct mls_reinit_info info;
    struct mls_event e = {0};
    struct duo d;

    (void)state;
    duo_init(&d, 0, 0);
    for (int alone = 0; alone < 2; alone++) {
        if (alone == 1)
            gu_protect(&d.p[0], "late", &late);
        assert_ok(mls_group_propose(d.p[1].group, &propose, &m));
        assert_ok(mls_group_process(d.p[0].group, no_psks, dt_buf_view(&m), &e));
        assert_int_equal(e.kind, MLS_EVENT_PROPOSAL);
        mls_event_clear(&e);
        dt_buf_clear(&m);
        if (alone == 0) {
            assert_ok(mls_group_propose(d.p[1].group, &warrant, &m));
            assert_ok(mls_group_process(d.p[0].group, no_psks, dt_buf_view(&m), &e));
            mls_event_clear(&e);
            dt_buf_clear(&m);
        }
        gu_commit(&d.p[0], &cached, d.all, 2, NULL);
        gu_agree(d.all, 2);
        assert_int_equal(mls_group_closed(d.p[1].group, &info), alone == 1);
    }
    closed(&d, &late);
    dt_buf_clear(&late);
    duo_clear(&d);
}

/* What a founding Commit of ${lone} with ${n} PSKs that link it to another group would be. */
static enum dt_err
found_with(struct gu_party *lone, size_t n)
{
    static const uint8_t nonces[2][32] = {{1}, {2}};
    const struct mls_lifetime_policy no_clock = {.check = false};
    const struct mls_sender creator = {.type = MLS_SENDER_MEMBER};
    struct mls_proposal_list list = {0};
    struct mls_applied applied = {0};
    struct mls_tree tree;
    enum dt_err err;

    assert_ok(mls_tree_copy(&lone->group->tree, &tree));
    for (size_t i = 0; i < n; i++) {
        struct mls_psk_id id = {.type = MLS_PSK_RESUMPTION,
                                .usage = MLS_PSK_BRANCH,
                                .group_id = dt_view_str("another"),
                                .nonce = dt_view_of(nonces[i])};
        struct mls_proposal *p = NULL;

        assert_ok(mls_proposal_new_psk(&id, &p));
        assert_ok(mls_proposal_list_add(&list, p, creator, false));
        mls_proposal_unref(p);
    }
    err = mls_proposal_list_apply(&list, lone->group->suite, &lone->group->context, 0, 0, &no_clock,
                                  &tree, &applied);
    mls_applied_clear(&applied);
    mls_proposal_list_clear(&list);
    mls_tree_clear(&tree);
    return err;
}

/* RFC 9420 sections 11.2 and 11.3: a group succeeds one other, by a single such PSK. */
static void
test_one_link(void **state)
{
    struct gu_party lone = {0};

    (void)state;
    gu_party_init(&lone, 1, "lou");
    gu_create(&lone);
    assert_ok(found_with(&lone, 1));
    assert_err(DT_ERR_REFUSED, found_with(&lone, 2));
    gu_party_clear(&lone);
}

/* RFC 9420 section 8.4: an external PSK and a resumption PSK of one name are two. */
static void
test_kinds(void **state)
{
    const struct dt_view name = dt_view_str("a name"), value = dt_view_str("v");
    const struct mls_psk_id ids[] = {
        {.type = MLS_PSK_EXTERNAL, .id = name},
        {.type = MLS_PSK_RESUMPTION, .usage = MLS_PSK_APPLICATION, .group_id = name, .epoch = 0},
    };
    struct dt_view got;

    (void)state;
    for (size_t held = 0; held < 2; held++) {
        const struct mls_psk psk = {.id = name, .resumption = held == 1, .value = value};
        const struct mls_psk_list list = {&psk, 1};

        for (size_t i = 0; i < 2; i++)
            assert_err(i == held ? DT_OK : DT_ERR_NOT_FOUND,
                       mls_psk_value(NULL, list, &ids[i], &got));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_12_4_2_kept_by_count),
        cmocka_unit_test(test_kept_by_age),
        cmocka_unit_test(test_section_8_6_age_asked_with_each_commit),
        cmocka_unit_test(test_removed),
        cmocka_unit_test(test_section_12_4_3_1_of_another_group),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_one_link),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_saved),
        cmocka_unit_test(test_reinit_by_value),
        cmocka_unit_test(test_section_12_2_reinit_by_reference),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
