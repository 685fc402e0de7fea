/*
 * tests/mls/test_external.c - external Commits: joining, coming back, and what a policy lets in.
 * What is refused for a rule: test_external_refused.c.
 *
 * Source: RFC 9420 sections 12.2, 12.4.2 and 12.4.3.2. A test's name says the section.
 */
#include "mls/proposal.h"

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
test_section_12_4_3_2_join(void **state)
{
    struct quartet s;
    struct mls_external_join_params x = {.authenticated_data = dt_view_str("let me in")};
    struct mls_commit_opts update = {.force_path = true};
    struct mls_event e = {0};
    const struct mls_effects *eff;
    struct dt_buf commit;

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    gu_enter(&s.p[EVE], &s.info, &x, &commit);
    assert_int_equal(mls_group_own_leaf(s.p[EVE].group), 3);
    assert_ok(mls_group_process(s.p[ADA].group, no_psks, dt_buf_view(&commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_COMMIT);
    assert_int_equal(e.from.type, MLS_SENDER_NEW_MEMBER_COMMIT);
    assert_int_equal(e.sender.leaf, UINT32_MAX);
    assert_views_equal(e.sender.identity, dt_view_str("eve"));
    eff = mls_staged_effects(e.staged);
    assert_true(eff->external);
    assert_true(eff->path);
    assert_int_equal(eff->committer, 3);
    assert_int_equal(eff->n_added, 1);
    assert_int_equal(eff->added[0].leaf, 3);
    assert_views_equal(eff->added[0].identity, dt_view_str("eve"));
    assert_int_equal(eff->n_removed, 0);
    assert_int_equal(eff->n_updated, 0);
    assert_int_equal(eff->n_proposals, 1);
    assert_int_equal(eff->proposals[0].type, MLS_PROPOSAL_EXTERNAL_INIT);
    assert_int_equal(eff->proposals[0].by.type, MLS_SENDER_NEW_MEMBER_COMMIT);
    assert_views_equal(eff->authenticated_data, dt_view_str("let me in"));
    mls_event_clear(&e);
    for (size_t i = 0; i < 3; i++) {
        gu_follow(&s.p[i], dt_buf_view(&commit));
        gu_reload(&s.p[i]);
    }
    gu_reload(&s.p[EVE]);
    gu_agree(s.all, 4);
    gu_say(&s.p[EVE], "here", s.all, 4);
    gu_say(&s.p[ADA], "welcome", s.all, 4);
    /* To the new member its own Commit is of an epoch that it never was in. */
    assert_ok(mls_group_process(s.p[EVE].group, no_psks, dt_buf_view(&commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_STALE);
    mls_event_clear(&e);
    /* It knows the keys of its path, and others those of theirs. */
    for (size_t i = 0; i < 4; i++) {
        gu_commit(&s.p[i], &update, s.all, 4, NULL);
        gu_agree(s.all, 4);
    }
    dt_buf_clear(&commit);
    quartet_clear(&s);
}

/* With the tree from elsewhere, into a group of one, and into a full tree, which doubles. */
static void
test_section_12_4_3_2_leftmost_free_leaf(void **state)
{
    struct quartet s;
    struct gu_party dan;
    struct gu_party *all[5];
    const uint32_t bob = 1;
    struct mls_commit_opts removal = {.removes = &bob, .n_removes = 1};
    struct dt_buf info;
    struct dt_buf commit;

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    gu_party_init(&dan, 1, "dan");
    dan.outside = MLS_OUTSIDE_JOIN;
    for (size_t i = 0; i < 4; i++)
        all[i] = s.all[i];
    all[4] = &dan;
    gu_enter(&s.p[EVE], &s.info, NULL, &commit);
    for (size_t i = 0; i < 3; i++)
        gu_follow(&s.p[i], dt_buf_view(&commit));
    dt_buf_clear(&commit);
    gu_info(&s.p[CYD], true, &info);
    gu_enter(&dan, &info, NULL, &commit);
    assert_int_equal(mls_group_own_leaf(dan.group), 4);
    for (size_t i = 0; i < 4; i++)
        gu_follow(&s.p[i], dt_buf_view(&commit));
    gu_agree(all, 5);
    dt_buf_clear(&commit);
    dt_buf_clear(&info);
    /* A leaf that became free in the middle. */
    gu_commit(&s.p[ADA], &removal, all, 5, NULL);
    assert_false(mls_group_is_member(s.p[BOB].group));
    gu_info(&s.p[EVE], true, &info);
    gu_enter(&s.p[BOB], &info, NULL, &commit);
    assert_int_equal(mls_group_own_leaf(s.p[BOB].group), 1);
    for (size_t i = 0; i < 5; i++)
        if (i != BOB)
            gu_follow(all[i], dt_buf_view(&commit));
    gu_agree(all, 5);
    gu_say(&s.p[BOB], "back", all, 5);
    dt_buf_clear(&commit);
    dt_buf_clear(&info);
    gu_party_clear(&dan);
    quartet_clear(&s);
}

static void
test_section_12_4_3_2_group_of_one(void **state)
{
    struct gu_party ada;
    struct gu_party eve;
    struct gu_party *both[] = {&ada, &eve};
    struct dt_buf info;
    struct dt_buf commit;

    (void)state;
    gu_party_init(&ada, 3, "ada");
    gu_party_init(&eve, 3, "eve");
    ada.outside = MLS_OUTSIDE_JOIN;
    gu_create(&ada);
    gu_info(&ada, true, &info);
    gu_enter(&eve, &info, NULL, &commit);
    gu_follow(&ada, dt_buf_view(&commit));
    gu_agree(both, 2);
    gu_say(&eve, "two of us", both, 2);
    dt_buf_clear(&commit);
    dt_buf_clear(&info);
    gu_party_clear(&ada);
    gu_party_clear(&eve);
}

/* bob lost his state, and comes back in place of his old leaf, with a PSK and a warrant. */
static void
test_section_12_2_resync(void **state)
{
    static const struct mls_psk psk = {.id = {(const uint8_t *)"courier", 7},
                                       .value = {(const uint8_t *)"0123456789abcdef", 16}};
    static const struct mls_typed warrant = {GU_WARRANT, {(const uint8_t *)"w", 1}};
    struct quartet s;
    struct gu_party lost;
    struct mls_external_join_params x = {
        .replace = true, .replaces = 1, .psks = {&psk, 1}, .private_use = {&warrant, 1}};
    struct mls_event e = {0};
    const struct mls_effects *eff;
    struct dt_buf commit;

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN | MLS_OUTSIDE_REPLACE);
    lost = s.p[BOB];
    lost.group = NULL;
    assert_ok(mls_group_clone(s.p[BOB].group, &lost.group));
    gu_enter(&s.p[BOB], &s.info, &x, &commit);
    assert_int_equal(mls_group_own_leaf(s.p[BOB].group), 1);
    assert_refused(DT_ERR_NOT_FOUND, s.p[ADA].group, no_psks, &commit, UINT32_MAX);
    for (size_t i = 0; i < 3; i += 2) {
        struct mls_psk_list psks = {&psk, 1};

        assert_ok(mls_group_process(s.p[i].group, psks, dt_buf_view(&commit), &e));
        assert_int_equal(e.kind, MLS_EVENT_COMMIT);
        eff = mls_staged_effects(e.staged);
        assert_true(eff->external);
        assert_int_equal(eff->committer, 1);
        assert_int_equal(eff->n_added, 1);
        assert_int_equal(eff->n_removed, 1);
        assert_int_equal(eff->removed[0].leaf, 1);
        assert_views_equal(eff->removed[0].identity, eff->added[0].identity);
        assert_views_equal(eff->removed[0].signature_key, eff->added[0].signature_key);
        assert_false(dt_view_equal(eff->removed[0].encryption_key, eff->added[0].encryption_key));
        assert_int_equal(eff->n_psk_ids, 1);
        assert_int_equal(eff->n_private_use, 1);
        assert_int_equal(eff->private_use[0].proposer, 1);
        assert_int_equal(eff->n_proposals, 4);
        assert_ok(mls_group_take(s.p[i].group, e.staged, GU_NOW_MS));
        e.staged = NULL;
        mls_event_clear(&e);
    }
    gu_agree(s.all, 3);
    gu_say(&s.p[BOB], "again", s.all, 3);
    /* Who still has the old leaf's keys is told that it is out. */
    {
        struct mls_psk_list psks = {&psk, 1};

        assert_ok(mls_group_process(lost.group, psks, dt_buf_view(&commit), &e));
        assert_int_equal(e.kind, MLS_EVENT_COMMIT);
        assert_true(mls_staged_effects(e.staged)->removes_us);
        assert_true(mls_staged_effects(e.staged)->external);
        mls_event_clear(&e);
    }
    mls_group_free(lost.group);
    dt_buf_clear(&commit);
    quartet_clear(&s);
}

static void
test_section_12_4_3_2_policy(void **state)
{
    static const struct {
        uint8_t outside;
        bool replace;
        bool taken;
    } table[] = {
        {0, false, false},
        {MLS_OUTSIDE_ALL & ~MLS_OUTSIDE_JOIN, false, false},
        {MLS_OUTSIDE_JOIN, false, true},
        {MLS_OUTSIDE_JOIN, true, false},
        {MLS_OUTSIDE_REPLACE, true, false},
        {MLS_OUTSIDE_JOIN | MLS_OUTSIDE_REPLACE, true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct mls_external_join_params x = {.replace = table[i].replace, .replaces = 2};
        struct mls_group *g = NULL;
        struct quartet s;
        struct dt_buf commit;

        quartet_init(&s, table[i].outside);
        /* What was saved says the same. */
        gu_reload(&s.p[ADA]);
        gu_enter(&s.p[EVE], &s.info, &x, &commit);
        if (table[i].taken)
            gu_follow(&s.p[ADA], dt_buf_view(&commit));
        else
            assert_refused(DT_ERR_UNSUPPORTED, s.p[ADA].group, no_psks, &commit, UINT32_MAX);
        mls_group_free(g);
        dt_buf_clear(&commit);
        quartet_clear(&s);
    }
    {
        struct gu_party p;
        struct mls_group_params params = {.policy = {.outside = 0x10}};
        struct mls_group *g = NULL;

        gu_party_init(&p, 1, "p");
        params.leaf = gu_leaf(&p);
        assert_err(DT_ERR_RANGE, mls_group_create(&params, &g));
        gu_party_clear(&p);
    }
}

/* Of two that come for one epoch the first counts; the second has to begin anew. */
static void
test_section_12_4_2_epoch(void **state)
{
    struct quartet s;
    struct gu_party dan;
    struct mls_event e = {0};
    struct dt_buf first;
    struct dt_buf second;

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    gu_party_init(&dan, 1, "dan");
    gu_enter(&s.p[EVE], &s.info, NULL, &first);
    gu_enter(&dan, &s.info, NULL, &second);
    for (size_t i = 0; i < 3; i++) {
        gu_follow(&s.p[i], dt_buf_view(&first));
        assert_ok(mls_group_process(s.p[i].group, no_psks, dt_buf_view(&second), &e));
        assert_int_equal(e.kind, MLS_EVENT_STALE);
        mls_event_clear(&e);
    }
    gu_agree(s.all, 4);
    dt_buf_clear(&first);
    dt_buf_clear(&second);
    gu_party_clear(&dan);
    quartet_clear(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_12_4_3_2_join),
        cmocka_unit_test(test_section_12_4_3_2_leftmost_free_leaf),
        cmocka_unit_test(test_section_12_4_3_2_group_of_one),
        cmocka_unit_test(test_section_12_2_resync),
        cmocka_unit_test(test_section_12_4_3_2_policy),
        cmocka_unit_test(test_section_12_4_2_epoch),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
