/*
 * tests/mls/test_group.c - groups of two to six: joining, committing, rotating, leaving, and the
 * events and effects that the caller's checks live on.
 *
 * Source: RFC 9420 sections 8.5, 8.7, 10, 11, 11.1, 12.1.7, 12.3, 12.4.1, 12.4.3, 14.
 */
#include <string.h>

#include "group_util.h"

static const struct mls_psk_list no_psks = {NULL, 0};

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

static void
two_members_talk(uint16_t suite)
{
    struct gu_party a, b;
    struct gu_party *all[] = {&a, &b};
    struct dt_view ext;

    gu_party_init(&a, suite, "ada");
    gu_party_init(&b, suite, "bob");
    gu_create(&a);
    assert_int_equal(mls_group_epoch(a.group), 0);
    gu_say(&a, "alone", all, 1);
    gu_add(&a, &b, all, 1);
    assert_int_equal(mls_group_epoch(b.group), 1);
    assert_int_equal(mls_group_own_leaf(b.group), 1);
    assert_int_equal(mls_group_n_members(b.group), 2);
    assert_true(mls_group_extension(b.group, GU_EXT, &ext));
    assert_views_equal(ext, dt_view_str("forum"));
    gu_agree(all, 2);
    gu_say(&a, "hello", all, 2);
    gu_say(&b, "good day", all, 2);
    gu_say(&b, "", all, 2);
    gu_party_clear(&a);
    gu_party_clear(&b);
}

static void
test_two_members(void **state)
{
    (void)state;
    two_members_talk(1);
    two_members_talk(3);
}

static void
test_path_commits(void **state)
{
    struct gu_party p[4];
    struct gu_party *all[] = {&p[0], &p[1], &p[2], &p[3]};
    struct mls_commit_opts empty = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char name[8] = "p0";

        name[1] = (char)('0' + i);
        gu_party_init(&p[i], 1, name);
    }
    gu_create(&p[0]);
    for (size_t i = 1; i < 4; i++)
        gu_add(&p[i - 1], &p[i], all, i);
    for (size_t i = 0; i < 4; i++) {
        gu_commit(&p[i], &empty, all, 4, NULL);
        gu_agree(all, 4);
        gu_say(&p[3 - i], "still here", all, 4);
    }
    for (size_t i = 0; i < 4; i++)
        gu_party_clear(&p[i]);
}

/* Three parties of a running group. */
static void
three(struct gu_party *p, struct gu_party **all)
{
    gu_party_init(&p[0], 1, "ada");
    gu_party_init(&p[1], 1, "bob");
    gu_party_init(&p[2], 1, "cyd");
    for (size_t i = 0; i < 3; i++)
        all[i] = &p[i];
    gu_create(&p[0]);
    gu_add(&p[0], &p[1], all, 1);
    gu_add(&p[1], &p[2], all, 2);
}

static void
clear(struct gu_party *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gu_party_clear(&p[i]);
}

static void
test_remove(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    struct gu_party p[3];
    struct gu_party *all[3];
    uint32_t leaf;
    struct mls_commit_opts opts = {.removes = &leaf, .n_removes = 1};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    struct dt_buf late;

    (void)state;
    three(p, all);
    leaf = mls_group_own_leaf(p[1].group);
    gu_protect(&p[0], "before", &late);
    assert_ok(mls_group_commit(p[0].group, &opts, &out));
    assert_int_equal(out.welcome.n, 0);
    /* The one who is removed sees it, can still read what was sent before, and do nothing more. */
    assert_ok(mls_group_process(p[1].group, no_psks, dt_buf_view(&out.commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_COMMIT);
    assert_true(mls_staged_effects(e.staged)->removes_us);
    assert_null(mls_staged_next(e.staged));
    assert_ok(mls_group_take(p[1].group, e.staged, GU_NOW_MS));
    e.staged = NULL;
    mls_event_clear(&e);
    assert_false(mls_group_is_member(p[1].group));
    assert_err(DT_ERR_STATE, mls_group_signature_key(p[1].group, &key));
    gu_reload(&p[1]);
    gu_hear(&p[1], dt_buf_view(&late), "before");
    dt_buf_clear(&late);
    dt_buf_init(&late, MLS_MESSAGE_MAX);
    assert_err(DT_ERR_STATE,
               mls_group_protect(p[1].group, dt_view(NULL, 0), dt_view(NULL, 0), 0, &late));
    /* The others go on without it. */
    assert_ok(mls_group_process(p[2].group, no_psks, dt_buf_view(&out.commit), &e));
    assert_int_equal(mls_staged_effects(e.staged)->n_removed, 1);
    assert_int_equal(mls_staged_effects(e.staged)->removed[0].leaf, leaf);
    assert_views_equal(mls_staged_effects(e.staged)->removed[0].identity, dt_view_str("bob"));
    assert_ok(mls_group_take(p[2].group, e.staged, GU_NOW_MS));
    e.staged = NULL;
    mls_event_clear(&e);
    assert_ok(mls_group_take_pending(p[0].group, GU_NOW_MS));
    gu_agree(all, 3);
    gu_say(&p[2], "without bob", all, 3);
    gu_protect(&p[2], "secret", &late);
    assert_ok(mls_group_process(p[1].group, no_psks, dt_buf_view(&late), &e));
    assert_int_equal(e.kind, MLS_EVENT_FUTURE);
    mls_event_clear(&e);
    dt_buf_clear(&late);
    mls_commit_out_clear(&out);
    clear(p, 3);
}

/* A new session key and credential; the Welcome of the same commit is signed with the new key. */
static void
test_rotate(void **state)
{
    struct gu_party p[3], d;
    struct gu_party *all[4];
    struct dt_view add;
    struct dt_secret seed = {0};
    uint8_t pub[DT_ED25519_PUB];
    struct mls_commit_opts opts = {.new_identity = dt_view_str("bob with a new voucher")};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    struct dt_buf before;
    const struct mls_effects *eff;
    struct mls_member m;

    (void)state;
    three(p, all);
    all[3] = &d;
    gu_party_init(&d, 1, "dan");
    add = dt_buf_view(&d.key_package);
    assert_ok(dt_ed25519_new(&seed, pub));
    opts.adds = &add;
    opts.n_adds = 1;
    opts.lifetime = gu_clock;
    opts.new_signature_priv = dt_secret_view(&seed);
    opts.new_signature_pub = dt_view_of(pub);
    gu_protect(&p[1], "under the old key", &before);
    assert_ok(mls_group_commit(p[1].group, &opts, &out));
    eff = mls_group_pending_effects(p[1].group);
    assert_non_null(eff);
    assert_int_equal(eff->n_updated, 1);
    assert_int_equal(eff->n_added, 1);
    assert_ok(mls_group_process(p[0].group, no_psks, dt_buf_view(&out.commit), &e));
    eff = mls_staged_effects(e.staged);
    assert_true(eff->path);
    assert_int_equal(eff->committer, 1);
    assert_int_equal(eff->n_updated, 1);
    assert_views_equal(eff->updated[0].before.identity, dt_view_str("bob"));
    assert_views_equal(eff->updated[0].before.signature_key, dt_view_of(p[1].pub));
    assert_views_equal(eff->updated[0].after.identity, opts.new_identity);
    assert_views_equal(eff->updated[0].after.signature_key, dt_view_of(pub));
    assert_int_equal(eff->n_added, 1);
    assert_views_equal(eff->added[0].identity, dt_view_str("dan"));
    assert_int_equal(eff->added[0].leaf, 3);
    /* RFC 9420 section 7.3: whoever takes it in can judge how long the key package was for. */
    assert_true(eff->added[0].has_lifetime);
    assert_int_equal(eff->added[0].not_before_s, GU_NOW_S - 3600);
    assert_int_equal(eff->added[0].not_after_s, GU_NOW_S + 86400);
    /* The message itself is signed by the key as it was. */
    assert_views_equal(e.sender.signature_key, dt_view_of(p[1].pub));
    assert_ok(mls_group_take(p[0].group, e.staged, GU_NOW_MS));
    e.staged = NULL;
    mls_event_clear(&e);
    gu_follow(&p[2], dt_buf_view(&out.commit));
    gu_reload(&p[1]);
    eff = mls_group_pending_effects(p[1].group);
    assert_int_equal(eff->n_added, 1);
    assert_views_equal(eff->updated[0].after.signature_key, dt_view_of(pub));
    assert_ok(mls_group_take_pending(p[1].group, GU_NOW_MS));
    gu_join(&d, dt_buf_view(&out.welcome), no_psks);
    gu_agree(all, 4);
    gu_say(&p[1], "under the new key", all, 4);
    gu_say(&d, "welcome me", all, 4);
    /* What was sent before the rotation is shown with the credential of that epoch. */
    assert_ok(mls_group_process(p[0].group, no_psks, dt_buf_view(&before), &e));
    assert_int_equal(e.kind, MLS_EVENT_APPLICATION);
    assert_views_equal(e.sender.identity, dt_view_str("bob"));
    assert_views_equal(e.sender.signature_key, dt_view_of(p[1].pub));
    mls_event_clear(&e);
    assert_true(mls_group_member(p[0].group, 1, &m));
    assert_views_equal(m.signature_key, dt_view_of(pub));
    assert_false(m.has_lifetime); /* it has made a Commit since */
    dt_buf_clear(&before);
    dt_secret_clear(&seed);
    mls_commit_out_clear(&out);
    gu_party_clear(&d);
    clear(p, 3);
}

/* An own key of another member is no key to rotate to. */
static void
test_rotate_refused(void **state)
{
    struct gu_party p[3];
    struct gu_party *all[3];
    struct mls_commit_opts opts = {0};
    struct mls_commit_out out = {0};
    struct dt_secret seed = {0};
    uint8_t pub[DT_ED25519_PUB];

    (void)state;
    three(p, all);
    assert_ok(dt_ed25519_new(&seed, pub));
    opts.new_signature_priv = dt_secret_view(&p[1].seed);
    opts.new_signature_pub = dt_view_of(p[1].pub);
    assert_err(DT_ERR_REFUSED, mls_group_commit(p[0].group, &opts, &out));
    /* Private and public half must belong together. */
    opts.new_signature_pub = dt_view_of(pub);
    assert_err(DT_ERR_AUTH, mls_group_commit(p[0].group, &opts, &out));
    opts.new_signature_pub = dt_view(p[1].pub, 31);
    assert_err(DT_ERR_RANGE, mls_group_commit(p[0].group, &opts, &out));
    assert_null(mls_group_pending_next(p[0].group));
    dt_secret_clear(&seed);
    clear(p, 3);
}

static void
test_extensions_and_warrants(void **state)
{
    struct gu_party p[3];
    struct gu_party *all[3];
    struct mls_typed ext = {GU_EXT, dt_view_str("forum 2")};
    struct mls_typed warrants[] = {{GU_WARRANT, dt_view_str("because")},
                                   {GU_WARRANT, dt_view_str("")}};
    struct mls_commit_opts opts = {.set_extensions = true,
                                   .extensions = {&ext, 1},
                                   .private_use = {warrants, 2},
                                   .authenticated_data = dt_view_str("ad"),
                                   .padding = 100};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    const struct mls_effects *eff;
    struct mls_typed unknown = {0xf123, dt_view_str("x")};
    struct dt_view got;

    (void)state;
    three(p, all);
    assert_ok(mls_group_commit(p[2].group, &opts, &out));
    assert_ok(mls_group_process(p[0].group, no_psks, dt_buf_view(&out.commit), &e));
    eff = mls_staged_effects(e.staged);
    assert_true(eff->extensions_replaced);
    assert_true(eff->path);
    assert_false(eff->by_reference);
    assert_int_equal(eff->n_extensions, 1);
    assert_int_equal(eff->extensions[0].type, GU_EXT);
    assert_views_equal(eff->extensions[0].body, ext.body);
    assert_int_equal(eff->n_private_use, 2);
    assert_int_equal(eff->private_use[0].type, GU_WARRANT);
    assert_int_equal(eff->private_use[0].proposer, 2);
    assert_views_equal(eff->private_use[0].body, warrants[0].body);
    assert_int_equal(eff->private_use[1].body.n, 0);
    assert_views_equal(eff->authenticated_data, opts.authenticated_data);
    mls_event_clear(&e);
    mls_commit_out_clear(&out);
    mls_group_drop_pending(p[2].group);
    /* A proposal type that not every member supports, and an extension likewise. */
    opts.private_use.v = &unknown;
    opts.private_use.n = 1;
    assert_err(DT_ERR_REFUSED, mls_group_commit(p[2].group, &opts, &out));
    opts.private_use.n = 0;
    ext.type = 0xf123;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_commit(p[2].group, &opts, &out));
    assert_true(mls_group_extension(p[2].group, GU_EXT, &got));
    assert_views_equal(got, dt_view_str("forum"));
    clear(p, 3);
}

static void
test_section_12_4_2_psk(void **state)
{
    struct gu_party p[3], d;
    struct gu_party *all[3];
    struct mls_psk psks[] = {
        {.id = dt_view_str("courier 1"), .value = dt_view_str("0123456789abcdef0123456789abcdef")},
        {.id = dt_view_str("courier 2"), .value = dt_view_str("fedcba9876543210fedcba9876543210")}};
    struct mls_psk wrong = {.id = dt_view_str("courier 1"), .value = dt_view_str("another value")};
    struct mls_psk_list list = {psks, 2};
    struct mls_psk_list wrong_list = {&wrong, 1};
    struct dt_view add;
    struct mls_commit_opts opts = {.psks = list, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    struct mls_join_params join;

    (void)state;
    three(p, all);
    gu_party_init(&d, 1, "dan");
    add = dt_buf_view(&d.key_package);
    opts.adds = &add;
    opts.n_adds = 1;
    assert_ok(mls_group_commit(p[0].group, &opts, &out));
    /* Without the PSK nobody can follow; with it all can, and a failure changed nothing. */
    assert_refused(DT_ERR_NOT_FOUND, p[1].group, no_psks, &out.commit, 0);
    assert_refused(DT_ERR_NOT_FOUND, p[1].group, wrong_list, &out.commit, 0);
    wrong_list.v = (struct mls_psk[]){wrong, psks[1]};
    wrong_list.n = 2;
    assert_refused(DT_ERR_AUTH, p[1].group, wrong_list, &out.commit, 0);
    for (size_t i = 1; i < 3; i++) {
        assert_ok(mls_group_process(p[i].group, list, dt_buf_view(&out.commit), &e));
        assert_int_equal(mls_staged_effects(e.staged)->n_psk_ids, 2);
        assert_views_equal(mls_staged_effects(e.staged)->psk_ids[1], psks[1].id);
        assert_false(mls_staged_effects(e.staged)->path);
        assert_ok(mls_group_take(p[i].group, e.staged, GU_NOW_MS));
        e.staged = NULL;
        mls_event_clear(&e);
    }
    assert_ok(mls_group_take_pending(p[0].group, GU_NOW_MS));
    join = (struct mls_join_params){.welcome = dt_buf_view(&out.welcome),
                                    .key_package = dt_buf_view(&d.key_package),
                                    .bundle = &d.bundle,
                                    .signature_priv = dt_secret_view(&d.seed),
                                    .lifetime = gu_clock};
    assert_err(DT_ERR_NOT_FOUND, mls_group_join(&join, &d.group, NULL));
    join.psks = wrong_list;
    assert_err(DT_ERR_AUTH, mls_group_join(&join, &d.group, NULL));
    gu_join(&d, dt_buf_view(&out.welcome), list);
    gu_agree(all, 3);
    gu_say(&p[0], "with psk", (struct gu_party *[]){&p[1], &p[2], &d}, 3);
    mls_commit_out_clear(&out);
    gu_party_clear(&d);
    clear(p, 3);
}

static void
test_group_info_extensions(void **state)
{
    struct gu_party a, b, c;
    struct dt_view adds[2];
    struct mls_typed info_ext[] = {{0xf7b0, dt_view_str("history")},
                                   {0xf7b1, dt_view_str("queue keys")}};
    struct mls_commit_opts opts = {.adds = adds,
                                   .n_adds = 2,
                                   .force_path = true,
                                   .group_info_extensions = {info_ext, 2},
                                   .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct mls_join_info info = {0};
    struct mls_join_params join;
    struct dt_view got;

    (void)state;
    gu_party_init(&a, 3, "ada");
    gu_party_init(&b, 3, "bob");
    gu_party_init(&c, 3, "cyd");
    gu_create(&a);
    adds[0] = dt_buf_view(&b.key_package);
    adds[1] = dt_buf_view(&c.key_package);
    assert_ok(mls_group_commit(a.group, &opts, &out));
    assert_ok(mls_group_take_pending(a.group, GU_NOW_MS));
    join = (struct mls_join_params){.welcome = dt_buf_view(&out.welcome),
                                    .key_package = adds[1],
                                    .bundle = &c.bundle,
                                    .signature_priv = dt_secret_view(&c.seed),
                                    .lifetime = gu_clock};
    assert_ok(mls_group_join(&join, &c.group, &info));
    assert_int_equal(info.signer, 0);
    assert_int_equal(info.n_extensions, 2);
    assert_true(mls_join_info_extension(&info, 0xf7b1, &got));
    assert_views_equal(got, info_ext[1].body);
    assert_false(mls_join_info_extension(&info, 2, &got));
    mls_join_info_clear(&info);
    gu_join(&b, dt_buf_view(&out.welcome), no_psks);
    gu_agree((struct gu_party *[]){&a, &b, &c}, 3);
    mls_commit_out_clear(&out);
    gu_party_clear(&a);
    gu_party_clear(&b);
    gu_party_clear(&c);
}

/* Proposals on their own: cached, they stop application data until a commit names them. */
static void
test_proposals_by_reference(void **state)
{
    struct gu_party p[3];
    struct gu_party *all[3];
    struct mls_propose_opts remove = {.kind = MLS_PROPOSE_REMOVE, .remove = 1};
    struct mls_commit_opts opts = {.commit_cached = true};
    struct dt_buf message = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf app = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_commit_out out = {0};
    struct mls_event e = {0};

    (void)state;
    three(p, all);
    /* bob asks to leave; the others commit it. */
    assert_ok(mls_group_propose(p[1].group, &remove, &message));
    assert_int_equal(mls_group_n_cached(p[1].group), 1);
    assert_err(DT_ERR_STATE,
               mls_group_protect(p[1].group, dt_view(NULL, 0), dt_view_str("x"), 0, &app));
    assert_ok(mls_group_process(p[0].group, no_psks, dt_buf_view(&message), &e));
    assert_int_equal(e.kind, MLS_EVENT_PROPOSAL);
    assert_int_equal(e.sender.leaf, 1);
    mls_event_clear(&e);
    assert_err(DT_ERR_STATE, mls_group_process(p[0].group, no_psks, dt_buf_view(&message), &e));
    gu_reload(&p[0]);
    assert_int_equal(mls_group_n_cached(p[0].group), 1);
    assert_err(DT_ERR_STATE,
               mls_group_protect(p[0].group, dt_view(NULL, 0), dt_view_str("x"), 0, &app));
    /* bob cannot commit its own removal. */
    assert_err(DT_ERR_REFUSED, mls_group_commit(p[1].group, &opts, &out));
    assert_ok(mls_group_commit(p[0].group, &opts, &out));
    gu_reload(&p[0]);
    assert_true(mls_group_pending_effects(p[0].group)->by_reference);
    /* cyd has not got the proposal: it cannot follow until it has. */
    assert_refused(DT_ERR_NOT_FOUND, p[2].group, no_psks, &out.commit, 0);
    assert_ok(mls_group_process(p[2].group, no_psks, dt_buf_view(&message), &e));
    mls_event_clear(&e);
    gu_follow(&p[2], dt_buf_view(&out.commit));
    gu_follow(&p[1], dt_buf_view(&out.commit));
    assert_ok(mls_group_take_pending(p[0].group, GU_NOW_MS));
    assert_int_equal(mls_group_n_members(p[0].group), 2);
    assert_int_equal(mls_group_n_cached(p[0].group), 0);
    gu_agree(all, 3);
    gu_say(&p[0], "bob left", all, 3);
    dt_buf_clear(&message);
    dt_buf_clear(&app);
    mls_commit_out_clear(&out);
    clear(p, 3);
}

/* Two commits for one epoch: the loser drops its own and does it again. */
static void
test_competing_commits(void **state)
{
    struct gu_party p[3];
    struct gu_party *all[3];
    struct mls_typed w0 = {GU_WARRANT, dt_view_str("mine")};
    struct mls_commit_opts opts = {.private_use = {&w0, 1}};
    struct mls_commit_opts empty = {0};
    struct mls_commit_out winner = {0};
    struct mls_commit_out loser = {0};
    struct mls_event e = {0};

    (void)state;
    three(p, all);
    assert_ok(mls_group_commit(p[0].group, &empty, &winner));
    assert_ok(mls_group_commit(p[1].group, &opts, &loser));
    assert_err(DT_ERR_STATE, mls_group_commit(p[1].group, &opts, &loser));
    gu_reload(&p[1]);
    gu_follow(&p[1], dt_buf_view(&winner.commit));
    gu_follow(&p[2], dt_buf_view(&winner.commit));
    assert_ok(mls_group_take_pending(p[0].group, GU_NOW_MS));
    assert_null(mls_group_pending_next(p[1].group));
    assert_err(DT_ERR_STATE, mls_group_take_pending(p[1].group, GU_NOW_MS));
    /* The loser's commit reaches everyone afterwards, itself included, and is passed over. */
    for (size_t i = 0; i < 3; i++) {
        assert_ok(mls_group_process(p[i].group, no_psks, dt_buf_view(&loser.commit), &e));
        assert_int_equal(e.kind, MLS_EVENT_STALE);
        mls_event_clear(&e);
    }
    gu_commit(&p[1], &opts, all, 3, NULL);
    gu_agree(all, 3);
    gu_say(&p[1], "done again", all, 3);
    mls_commit_out_clear(&winner);
    mls_commit_out_clear(&loser);
    clear(p, 3);
}

/* A staged commit is for its epoch alone. */
static void
test_staged_for_another_epoch(void **state)
{
    struct gu_party p[3];
    struct gu_party *all[3];
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};
    struct mls_event one = {0};

    (void)state;
    three(p, all);
    assert_ok(mls_group_commit(p[0].group, &empty, &out));
    assert_ok(mls_group_process(p[1].group, no_psks, dt_buf_view(&out.commit), &one));
    /* Meanwhile another commit was taken. */
    mls_group_drop_pending(p[0].group);
    mls_commit_out_clear(&out);
    gu_commit(&p[2], &empty, all, 3, NULL);
    assert_err(DT_ERR_STATE, mls_group_take(p[1].group, one.staged, GU_NOW_MS));
    mls_event_clear(&one);
    gu_agree(all, 3);
    clear(p, 3);
}

/* Nor is it for the same epoch number in a fork of the group. */
static void
test_staged_for_a_fork(void **state)
{
    struct gu_party p[3];
    struct gu_party *all[3];
    struct gu_party fork;
    struct mls_commit_opts empty = {0};
    struct mls_commit_out x = {0};
    struct mls_commit_out y = {0};
    struct mls_commit_out z = {0};
    struct mls_event e = {0};

    (void)state;
    three(p, all);
    fork = p[1];
    assert_ok(mls_group_clone(p[1].group, &fork.group));
    assert_ok(mls_group_commit(p[2].group, &empty, &y));
    assert_ok(mls_group_commit(p[0].group, &empty, &x));
    gu_follow(&fork, dt_buf_view(&y.commit));
    gu_follow(&p[1], dt_buf_view(&x.commit));
    assert_ok(mls_group_take_pending(p[0].group, GU_NOW_MS));
    assert_int_equal(mls_group_epoch(fork.group), mls_group_epoch(p[1].group));
    assert_ok(mls_group_commit(p[0].group, &empty, &z));
    assert_ok(mls_group_process(fork.group, no_psks, dt_buf_view(&z.commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_FOREIGN);
    mls_event_clear(&e);
    assert_ok(mls_group_process(p[1].group, no_psks, dt_buf_view(&z.commit), &e));
    assert_err(DT_ERR_STATE, mls_group_take(fork.group, e.staged, GU_NOW_MS));
    assert_ok(mls_group_take(p[1].group, e.staged, GU_NOW_MS));
    e.staged = NULL;
    mls_event_clear(&e);
    mls_group_free(fork.group);
    mls_commit_out_clear(&x);
    mls_commit_out_clear(&y);
    mls_commit_out_clear(&z);
    clear(p, 3);
}

static void
test_own_echoes(void **state)
{
    struct gu_party p[3];
    struct gu_party *all[3];
    struct mls_commit_opts empty = {0};
    struct mls_commit_out dropped = {0};
    struct mls_group *copy = NULL;
    struct dt_buf m;
    struct mls_event e = {0};

    (void)state;
    three(p, all);
    gu_protect(&p[0], "first", &m);
    assert_int_equal(mls_group_generation(p[0].group), 1);
    assert_ok(mls_group_process(p[0].group, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.kind, MLS_EVENT_OWN_MESSAGE);
    assert_int_equal(e.generation, 0);
    assert_int_equal(e.content_type, 1);
    mls_event_clear(&e);
    dt_buf_clear(&m);
    /* A dropped own commit that comes back is recognised as ours and as nothing to take. */
    assert_ok(mls_group_commit(p[0].group, &empty, &dropped));
    mls_group_drop_pending(p[0].group);
    assert_ok(mls_group_process(p[0].group, no_psks, dt_buf_view(&dropped.commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_OWN_MESSAGE);
    assert_int_equal(e.content_type, 3);
    mls_event_clear(&e);
    mls_commit_out_clear(&dropped);
    /* A copy of the state is restored while the original goes on: its own message unmasks it. */
    assert_ok(mls_group_clone(p[0].group, &copy));
    gu_protect(&p[0], "from the original", &m);
    assert_ok(mls_group_process(copy, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.kind, MLS_EVENT_OWN_UNKNOWN);
    mls_event_clear(&e);
    mls_group_free(copy);
    dt_buf_clear(&m);
    clear(p, 3);
}

static void
test_past_epochs(void **state)
{
    struct gu_party p[3];
    struct gu_party *all[3];
    struct mls_commit_opts empty = {0};
    struct dt_buf m[5];
    struct mls_event e = {0};

    (void)state;
    three(p, all);
    for (size_t i = 0; i < 5; i++) {
        gu_protect(&p[0], "late", &m[i]);
        gu_commit(&p[2], &empty, all, 3, NULL);
    }
    assert_int_equal(mls_group_n_past(p[1].group), 3);
    gu_reload(&p[1]);
    /* Three past epochs are kept; what is older is stale. */
    for (size_t i = 0; i < 5; i++) {
        if (i >= 2) {
            gu_hear(&p[1], dt_buf_view(&m[i]), "late");
            assert_err(DT_ERR_STATE,
                       mls_group_process(p[1].group, no_psks, dt_buf_view(&m[i]), &e));
        } else {
            assert_ok(mls_group_process(p[1].group, no_psks, dt_buf_view(&m[i]), &e));
            assert_int_equal(e.kind, MLS_EVENT_STALE);
            mls_event_clear(&e);
        }
    }
    /* Up to an epoch, nothing more is read of them; behind it all is. */
    {
        struct mls_group *g = NULL;

        assert_ok(mls_group_clone(p[0].group, &g));
        assert_int_equal(mls_group_n_past(g), 3);
        mls_group_forget_past(g, mls_group_epoch(g) - 4);
        assert_int_equal(mls_group_n_past(g), 3);
        mls_group_forget_past(g, mls_group_epoch(g) - 2);
        assert_int_equal(mls_group_n_past(g), 1);
        assert_ok(mls_group_process(g, no_psks, dt_buf_view(&m[3]), &e));
        assert_int_equal(e.kind, MLS_EVENT_STALE);
        mls_event_clear(&e);
        mls_group_forget_past(g, UINT64_MAX);
        assert_int_equal(mls_group_n_past(g), 0);
        mls_group_free(g);
    }
    /* The private half of the signature key is the one that the member's leaf names. */
    {
        DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
        struct mls_member me;
        uint8_t pub[32];

        assert_ok(mls_group_signature_key(p[1].group, &seed));
        assert_true(mls_group_member(p[1].group, mls_group_own_leaf(p[1].group), &me));
        assert_int_equal(me.signature_key.n, sizeof pub);
        assert_ok(dt_ed25519_pub(dt_secret_view(&seed), pub));
        assert_memory_equal(me.signature_key.p, pub, sizeof pub);
    }
    /* And none of them for ever. */
    mls_group_expire(p[2].group, GU_NOW_MS + 999999);
    assert_int_equal(mls_group_n_past(p[2].group), 3);
    mls_group_expire(p[2].group, GU_NOW_MS + 1000000);
    assert_int_equal(mls_group_n_past(p[2].group), 0);
    assert_ok(mls_group_process(p[2].group, no_psks, dt_buf_view(&m[4]), &e));
    assert_int_equal(e.kind, MLS_EVENT_STALE);
    mls_event_clear(&e);
    for (size_t i = 0; i < 5; i++)
        dt_buf_clear(&m[i]);
    clear(p, 3);
}

static void
test_section_7_3_key_package_rules(void **state)
{
    struct gu_party a, b;
    struct mls_typed_list none = {NULL, 0};
    struct mls_leaf_params leaf;
    struct mls_key_package_info info;
    struct dt_buf kp = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf ref = DT_BUF_INIT(DT_HASH_MAX);
    struct mls_time_policy later = gu_clock;
    struct mls_commit_opts opts = {.lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct dt_view add;

    (void)state;
    gu_party_init(&a, 1, "ada");
    gu_party_init(&b, 1, "bob");
    gu_create(&a);
    assert_ok(mls_key_package_open(dt_buf_view(&b.key_package), &gu_clock, &info, &ref));
    assert_int_equal(ref.n, 32);
    assert_views_equal(info.identity, dt_view_str("bob"));
    assert_views_equal(info.signature_key, dt_view_of(b.pub));
    assert_int_equal(info.not_after_s, GU_NOW_S + 86400);
    later.now_ms += UINT64_C(2) * 86400000;
    assert_err(DT_ERR_EXPIRED,
               mls_key_package_open(dt_buf_view(&b.key_package), &later, &info, NULL));
    opts.adds = &add;
    opts.n_adds = 1;
    opts.lifetime = later;
    add = dt_buf_view(&b.key_package);
    assert_err(DT_ERR_EXPIRED, mls_group_commit(a.group, &opts, &out));
    opts.lifetime = gu_clock;
    /* An unlimited lifetime, as another library makes it by default, is refused. */
    leaf = gu_leaf(&b);
    assert_ok(mls_key_package_new(&leaf, 0, UINT64_MAX, none, &kp, &b.bundle));
    add = dt_buf_view(&kp);
    assert_err(DT_ERR_REFUSED, mls_group_commit(a.group, &opts, &out));
    opts.lifetime = gu_no_clock;
    assert_ok(mls_group_commit(a.group, &opts, &out));
    mls_group_drop_pending(a.group);
    opts.lifetime = gu_clock;
    /* Another suite, and a client that lacks what the group requires. */
    dt_buf_clear(&kp);
    leaf.suite = 3;
    assert_ok(mls_key_package_new(&leaf, GU_NOW_S, GU_NOW_S + 60, none, &kp, &b.bundle));
    add = dt_buf_view(&kp);
    assert_int_not_equal(mls_group_commit(a.group, &opts, &out), DT_OK);
    dt_buf_clear(&kp);
    leaf.suite = 1;
    leaf.proposal_types.n = 0;
    assert_ok(mls_key_package_new(&leaf, GU_NOW_S, GU_NOW_S + 60, none, &kp, &b.bundle));
    add = dt_buf_view(&kp);
    assert_err(DT_ERR_UNSUPPORTED, mls_group_commit(a.group, &opts, &out));
    /* The same client twice: its signature key is in the group already. */
    leaf = gu_leaf(&a);
    dt_buf_clear(&kp);
    assert_ok(mls_key_package_new(&leaf, GU_NOW_S, GU_NOW_S + 60, none, &kp, &b.bundle));
    add = dt_buf_view(&kp);
    assert_err(DT_ERR_REFUSED, mls_group_commit(a.group, &opts, &out));
    /* Any byte of a key package changed: refused. */
    for (size_t i = 0; i < b.key_package.n; i++) {
        b.key_package.p[i] ^= 1;
        add = dt_buf_view(&b.key_package);
        assert_int_not_equal(mls_key_package_open(add, &gu_no_clock, &info, NULL), DT_OK);
        b.key_package.p[i] ^= 1;
    }
    assert_int_equal(mls_group_epoch(a.group), 0);
    mls_commit_out_clear(&out);
    dt_buf_clear(&kp);
    dt_buf_clear(&ref);
    gu_party_clear(&a);
    gu_party_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_members),
        cmocka_unit_test(test_path_commits),
        cmocka_unit_test(test_remove),
        cmocka_unit_test(test_rotate),
        cmocka_unit_test(test_rotate_refused),
        cmocka_unit_test(test_extensions_and_warrants),
        cmocka_unit_test(test_section_12_4_2_psk),
        cmocka_unit_test(test_group_info_extensions),
        cmocka_unit_test(test_proposals_by_reference),
        cmocka_unit_test(test_competing_commits),
        cmocka_unit_test(test_staged_for_another_epoch),
        cmocka_unit_test(test_staged_for_a_fork),
        cmocka_unit_test(test_own_echoes),
        cmocka_unit_test(test_past_epochs),
        cmocka_unit_test(test_section_7_3_key_package_rules),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
