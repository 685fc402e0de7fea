/*
 * tests/mls/test_group_succeed.c - re-initialised groups and branches: made, joined, and refused
 * for every thing that is asked of them.
 *
 * Source: RFC 9420 sections 11.2, 11.3, 12.1.4, 12.4.3.1.
 */
#include <string.h>

#include "mls/group_internal.h"
#include "mls/label.h"
#include "mls/welcome.h"

#include "group_util.h"

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

/* Ada, bob and cyd are in a group; dan is in none. ${next} holds the new group of each. */
struct old {
    struct gu_party p[4];
    struct gu_party *all[4];
    struct mls_group *next[4];
    struct dt_view adds[4];
};

static void
old_init(struct old *o)
{
    const char *names[] = {"ada", "bob", "cyd", "dan"};

    memset(o, 0, sizeof *o);
    for (size_t i = 0; i < 4; i++) {
        gu_party_init(&o->p[i], 1, names[i]);
        o->all[i] = &o->p[i];
    }
    gu_create(&o->p[0]);
    gu_add(&o->p[0], &o->p[1], o->all, 1);
    gu_add(&o->p[1], &o->p[2], o->all, 2);
}

static void
old_clear(struct old *o)
{
    for (size_t i = 0; i < 4; i++) {
        gu_party_clear(&o->p[i]);
        mls_group_free(o->next[i]);
    }
}

/* New key packages for ${suite}, which are what ${o}->adds holds. */
static void
packages(struct old *o, uint16_t suite)
{
    for (size_t i = 0; i < 4; i++) {
        o->p[i].suite = suite;
        gu_key_package(&o->p[i]);
        o->adds[i] = dt_buf_view(&o->p[i].key_package);
    }
}

static const struct mls_typed next_forum = {GU_EXT, {(const uint8_t *)"next forum", 10}};

/* Ada closes the group: the next one is of suite 3. */
static void
close_group(struct old *o)
{
    struct mls_reinit reinit = {.group_id = dt_view_str("the next group"),
                                .version = 1,
                                .suite = 3,
                                .extensions = {&next_forum, 1}};
    struct mls_commit_opts opts = {.reinit = &reinit};

    gu_commit(&o->p[0], &opts, o->all, 3, NULL);
}

static struct mls_successor_params
params_of(struct old *o, size_t maker, const struct dt_view *adds, size_t n)
{
    struct mls_successor_params p = {.leaf = gu_leaf(&o->p[maker]),
                                     .group_id = dt_view_str("a branch"),
                                     .not_before_s = GU_NOW_S,
                                     .not_after_s = GU_NOW_S + 86400,
                                     .policy = {.past_epochs = 1},
                                     .adds = adds,
                                     .n_adds = n,
                                     .lifetime = gu_clock};

    return p;
}

/* ${who} joins from ${welcome}, with its old group at hand unless ${alone}. */
static void
join(struct old *o, size_t who, struct dt_view welcome, bool alone, enum mls_link link,
     enum dt_err want)
{
    const struct mls_group *origins[] = {o->next[3], o->p[who].group};
    struct mls_join_params params = {.welcome = welcome,
                                     .key_package = dt_buf_view(&o->p[who].key_package),
                                     .bundle = &o->p[who].bundle,
                                     .signature_priv = dt_secret_view(&o->p[who].seed),
                                     .lifetime = gu_clock,
                                     .origins = origins + (origins[0] == NULL ? 1 : 0),
                                     .n_origins = origins[0] == NULL ? 1 : 2};
    struct mls_join_info info = {0};

    if (alone)
        params.n_origins = 0;
    assert_err(want, mls_group_join(&params, &o->next[who], &info));
    if (want == DT_OK) {
        assert_int_equal(info.link, link);
        assert_ptr_equal(info.origin, o->p[who].group);
    }
    mls_join_info_clear(&info);
}

/* The new groups of those who have one agree, and ${from} is heard in it. */
static void
next_agree(struct old *o, size_t from, size_t n)
{
    struct gu_party q[4] = {0};
    struct gu_party *all[4] = {0};

    for (size_t i = 0; i < n; i++) {
        q[i].group = o->next[i];
        all[i] = o->next[i] != NULL ? &q[i] : NULL;
    }
    gu_agree(all, n);
    gu_say(&q[from], "a new beginning", all, n);
}

/* Not who closed the group but another member makes the next one. */
static void
test_reinit(void **state)
{
    struct mls_successor_params params;
    struct mls_commit_out out = {0};
    struct gu_party maker = {0};
    struct dt_view got;
    struct old o;

    (void)state;
    old_init(&o);
    close_group(&o);
    packages(&o, 3);
    params = params_of(&o, 2, o.adds, 2);
    assert_ok(mls_group_reinit(o.p[2].group, &params, &maker.group, &out));
    assert_int_equal(mls_group_epoch(maker.group), 0);
    /* What is pending is saved and checked as any Commit, its PSK for another use included. */
    gu_reload(&maker);
    rows_clear(&maker.rows);
    o.next[2] = maker.group;
    assert_ok(mls_group_take_pending(o.next[2], GU_NOW_MS));
    assert_int_equal(mls_group_epoch(o.next[2]), 1);
    join(&o, 0, dt_buf_view(&out.welcome), true, MLS_LINK_NONE, DT_ERR_NOT_FOUND);
    join(&o, 0, dt_buf_view(&out.welcome), false, MLS_LINK_REINIT, DT_OK);
    gu_reload(&o.p[1]);
    join(&o, 1, dt_buf_view(&out.welcome), false, MLS_LINK_REINIT, DT_OK);
    next_agree(&o, 1, 3);
    assert_int_equal(mls_group_suite(o.next[0]), 3);
    assert_views_equal(mls_group_id(o.next[0]), dt_view_str("the next group"));
    assert_true(mls_group_extension(o.next[0], GU_EXT, &got));
    assert_views_equal(got, dt_view_str("next forum"));
    mls_commit_out_clear(&out);
    old_clear(&o);
}

static void
test_reinit_not_made(void **state)
{
    struct mls_successor_params params;
    struct mls_commit_out out = {0};
    struct mls_group *g = NULL;
    struct old o;

    (void)state;
    old_init(&o);
    packages(&o, 3);
    params = params_of(&o, 2, o.adds, 2);
    assert_err(DT_ERR_STATE, mls_group_reinit(o.p[2].group, &params, &g, &out));
    close_group(&o);
    /* A member is left out. */
    params = params_of(&o, 2, o.adds, 1);
    assert_err(DT_ERR_REFUSED, mls_group_reinit(o.p[2].group, &params, &g, &out));
    /* Another takes the place of one. */
    params = params_of(&o, 0, &o.adds[2], 2);
    assert_err(DT_ERR_REFUSED, mls_group_reinit(o.p[0].group, &params, &g, &out));
    /* Somebody else's name for the maker. */
    params = params_of(&o, 2, o.adds, 2);
    params.leaf.identity = dt_view_str("zoe");
    assert_err(DT_ERR_REFUSED, mls_group_reinit(o.p[2].group, &params, &g, &out));
    packages(&o, 1);
    params = params_of(&o, 2, o.adds, 2);
    assert_err(DT_ERR_REFUSED, mls_group_reinit(o.p[2].group, &params, &g, &out));
    /* A closed group has no branches. */
    assert_err(DT_ERR_STATE, mls_group_branch(o.p[2].group, &params, &g, &out));
    assert_null(g);
    assert_int_equal(out.welcome.n, 0);
    old_clear(&o);
}

static void
test_branch(void **state)
{
    struct mls_commit_opts empty = {0};
    struct mls_successor_params params;
    struct mls_commit_out out = {0};
    struct dt_view got;
    struct old o;

    (void)state;
    old_init(&o);
    packages(&o, 1);
    params = params_of(&o, 1, &o.adds[2], 1);
    o.p[2].group->policy.resumption_psks = 1;
    assert_ok(mls_group_branch(o.p[1].group, &params, &o.next[1], &out));
    assert_ok(mls_group_take_pending(o.next[1], GU_NOW_MS));
    /* The old group went on before the Welcome came: the PSK of then is still kept. */
    gu_commit(&o.p[0], &empty, o.all, 3, NULL);
    join(&o, 2, dt_buf_view(&out.welcome), true, MLS_LINK_NONE, DT_ERR_NOT_FOUND);
    join(&o, 2, dt_buf_view(&out.welcome), false, MLS_LINK_BRANCH, DT_OK);
    next_agree(&o, 2, 3);
    assert_int_equal(mls_group_n_members(o.next[2]), 2);
    assert_true(mls_group_extension(o.next[2], GU_EXT, &got));
    assert_views_equal(got, dt_view_str("forum"));
    /* The branch and its origin live beside each other. */
    gu_say(&o.p[0], "the plenary goes on", o.all, 3);
    mls_group_free(o.next[2]);
    o.next[2] = NULL;
    mls_group_kept_clear(o.p[2].group);
    join(&o, 2, dt_buf_view(&out.welcome), false, MLS_LINK_NONE, DT_ERR_NOT_FOUND);
    mls_commit_out_clear(&out);
    old_clear(&o);
}

static void
test_branch_not_made(void **state)
{
    struct mls_successor_params params;
    struct mls_commit_out out = {0};
    struct mls_group *g = NULL;
    struct old o;

    (void)state;
    old_init(&o);
    packages(&o, 1);
    params = params_of(&o, 1, &o.adds[2], 2);
    assert_err(DT_ERR_REFUSED, mls_group_branch(o.p[1].group, &params, &g, &out));
    params = params_of(&o, 1, &o.adds[2], 1);
    params.group_id = dt_view_str("a test group");
    assert_err(DT_ERR_REFUSED, mls_group_branch(o.p[1].group, &params, &g, &out));
    packages(&o, 3);
    params = params_of(&o, 1, &o.adds[2], 1);
    assert_err(DT_ERR_REFUSED, mls_group_branch(o.p[1].group, &params, &g, &out));
    assert_null(g);
    old_clear(&o);
}

/* What a maker who keeps to no rule does: a group with ${leaf_suite}, ${id}, ${x}, whose first
 * Commit adds ${adds} and says that it succeeds the maker's old group. */
static void
rogue(struct old *o, uint16_t suite, const char *id, const struct mls_typed *x,
      enum mls_psk_usage usage, const struct dt_view *adds, size_t n, struct mls_commit_out *out)
{
    const struct mls_group *old = o->p[2].group;
    struct mls_group_params params = {.leaf = gu_leaf(&o->p[2]),
                                      .group_id = dt_view_str(id),
                                      .extensions = {x, 1},
                                      .not_before_s = GU_NOW_S,
                                      .not_after_s = GU_NOW_S + 86400};
    struct mls_commit_opts opts = {.adds = adds, .n_adds = n, .lifetime = gu_clock};
    struct mls_psk link = {.id = old->context.group_id,
                           .value = dt_secret_view(&old->secrets.resumption_psk),
                           .resumption = true,
                           .epoch = old->context.epoch};
    struct mls_group *g = NULL;

    params.leaf.suite = suite;
    assert_ok(mls_group_create(&params, &g));
    assert_ok(mls_group_commit_linked(g, &opts, &link, usage, out));
    mls_group_free(g);
}

/* Bob joins none of them. */
static void
test_section_12_4_3_1_not_joined(void **state)
{
    const struct mls_typed forum = {GU_EXT, dt_view_str("forum")};
    const struct {
        enum mls_psk_usage usage;
        bool closed;
        uint16_t suite;
        const char *id;
        const struct mls_typed *x;
        size_t from;
        size_t n;
    } table[] = {
        {MLS_PSK_REINIT, true, 3, "the next group", &next_forum, 0, 2}, /* as it has to be */
        {MLS_PSK_REINIT, true, 3, "the next group", &next_forum, 0, 4}, /* one more is fine */
        {MLS_PSK_BRANCH, false, 1, "a branch", &forum, 1, 1},           /* as it has to be */
        {MLS_PSK_REINIT, false, 3, "the next group", &next_forum, 0, 2},
        {MLS_PSK_REINIT, true, 1, "the next group", &next_forum, 0, 2},
        {MLS_PSK_REINIT, true, 3, "another group", &next_forum, 0, 2},
        {MLS_PSK_REINIT, true, 3, "the next group", &forum, 0, 2},
        {MLS_PSK_REINIT, true, 3, "the next group", &next_forum, 1, 1},
        {MLS_PSK_REINIT, true, 3, "a test group", &next_forum, 0, 2},
        {MLS_PSK_BRANCH, false, 3, "a branch", &forum, 1, 1},
        {MLS_PSK_BRANCH, false, 1, "a test group", &forum, 1, 1},
        {MLS_PSK_BRANCH, false, 1, "a branch", &forum, 0, 4}, /* with dan, who is in no old group */
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct mls_commit_out out = {0};
        struct dt_view adds[4];
        size_t n = 0;
        struct old o;

        old_init(&o);
        if (table[i].closed)
            close_group(&o);
        packages(&o, table[i].suite);
        for (size_t k = table[i].from; n < table[i].n && k < 4; k++)
            if (k != 2)
                adds[n++] = o.adds[k];
        rogue(&o, table[i].suite, table[i].id, table[i].x, table[i].usage, adds, n, &out);
        join(&o, 1, dt_buf_view(&out.welcome), false, (enum mls_link)table[i].usage,
             i < 3 ? DT_OK : DT_ERR_REFUSED);
        mls_commit_out_clear(&out);
        old_clear(&o);
    }
}

/* The epoch of the new group, and the epoch that the PSK is of. */
static void
test_section_12_4_3_1_epochs(void **state)
{
    struct mls_successor_params params;
    struct mls_commit_out out = {0};
    struct mls_psk_id link = {.type = MLS_PSK_RESUMPTION, .usage = MLS_PSK_REINIT};
    const struct mls_group *next;
    struct mls_proposal *before;
    struct mls_proposal *p = NULL;
    struct mls_group *g = NULL;
    struct mls_group_context context = {0};
    struct old o;

    (void)state;
    old_init(&o);
    close_group(&o);
    packages(&o, 3);
    params = params_of(&o, 2, o.adds, 2);
    assert_ok(mls_group_reinit(o.p[2].group, &params, &o.next[2], &out));
    next = mls_group_pending_next(o.next[2]);
    link.epoch = mls_group_epoch(o.p[2].group);
    assert_ok(mls_group_link_check(o.p[2].group, &link, &next->context, &next->tree));
    link.epoch--;
    assert_err(DT_ERR_REFUSED,
               mls_group_link_check(o.p[2].group, &link, &next->context, &next->tree));
    link.epoch++;
    /* A ReInit to a version that does not exist yet closes a group, and nothing comes after it. */
    assert_ok(mls_proposal_new_reinit(next->context.group_id, 2, 3, &next->context.extensions, &p));
    before = o.p[2].group->reinit;
    o.p[2].group->reinit = p;
    assert_err(DT_ERR_REFUSED,
               mls_group_link_check(o.p[2].group, &link, &next->context, &next->tree));
    assert_err(DT_ERR_UNSUPPORTED, mls_group_reinit(o.p[2].group, &params, &g, &out));
    o.p[2].group->reinit = before;
    mls_proposal_unref(p);
    for (uint64_t e = 0; e <= 2; e += 2) {
        assert_ok(mls_group_context_new(3, next->context.group_id, e, next->context.tree_hash,
                                        next->context.confirmed_transcript_hash,
                                        next->context.extensions.raw, &context));
        assert_err(DT_ERR_REFUSED,
                   mls_group_link_check(o.p[2].group, &link, &context, &next->tree));
        mls_group_context_clear(&context);
    }
    mls_commit_out_clear(&out);
    old_clear(&o);
}

/* Bob joins with a resumption PSK of the old group in his list as well. */
static void
join_with_own_psk(struct old *o, const struct dt_buf *welcome, enum dt_err want)
{
    const struct mls_group *origin = o->p[1].group;
    struct mls_psk psk = {.id = origin->context.group_id,
                          .value = dt_secret_view(&origin->secrets.resumption_psk),
                          .resumption = true,
                          .epoch = origin->context.epoch};
    struct mls_join_params params = {.welcome = dt_buf_view(welcome),
                                     .key_package = dt_buf_view(&o->p[1].key_package),
                                     .bundle = &o->p[1].bundle,
                                     .signature_priv = dt_secret_view(&o->p[1].seed),
                                     .psks = {&psk, 1},
                                     .lifetime = gu_clock,
                                     .origins = &origin,
                                     .n_origins = 1};

    assert_err(want, mls_group_join(&params, &o->next[1], NULL));
}

/* The secrets of ${from}, which bob's key package opens, sealed anew to the key package of ${to}
 * with
 * ${psks} (their encodings) after the first. */
static void
reseal(struct old *o, const struct dt_buf *from, const struct gu_party *to, struct dt_view more,
       struct dt_buf *out)
{
    const struct dt_suite *suite = dt_suite_get(1);
    struct mls_welcome w;
    struct mls_encrypted_group_secrets entry;
    struct mls_key_package *kp = NULL;
    struct mls_key_package *target = NULL;
    struct dt_buf plain = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf psks = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf ct = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_group_secrets s = {0};
    struct dt_writer sw = dt_writer_init(&plain);
    struct dt_writer ww = dt_writer_init(out);
    uint8_t kem[64];
    uint8_t ref[DT_HASH_MAX];
    struct dt_view body;
    size_t mark;

    assert_ok(mls_message_body(dt_buf_view(from), MLS_WIRE_WELCOME, &body));
    assert_ok(mls_welcome_parse(body, &w));
    assert_ok(mls_message_body(o->adds[1], MLS_WIRE_KEY_PACKAGE, &body));
    assert_ok(mls_key_package_parse(body, &kp));
    assert_ok(mls_key_package_hash(suite, kp, ref));
    assert_true(mls_welcome_find(&w, dt_view(ref, 32), &entry));
    assert_ok(mls_decrypt_with_label(suite, dt_secret_view(&o->p[1].bundle.init_priv), "Welcome",
                                     w.encrypted_group_info, &entry.sealed, &plain));
    assert_ok(mls_group_secrets_parse(&plain, &s));
    assert_int_equal(s.n_psks, 1);
    assert_ok(dt_buf_append(&psks, s.psk_raw[0]));
    assert_ok(dt_buf_append(&psks, more));
    mls_group_secrets_write(&sw, s.joiner_secret, dt_view(NULL, 0), dt_buf_view(&psks));
    assert_ok(dt_writer_end(&sw));
    assert_ok(mls_message_body(dt_buf_view(&to->key_package), MLS_WIRE_KEY_PACKAGE, &body));
    assert_ok(mls_key_package_parse(body, &target));
    assert_ok(mls_key_package_hash(suite, target, ref));
    assert_ok(mls_encrypt_with_label(suite, target->init_key, "Welcome", w.encrypted_group_info,
                                     dt_buf_view(&plain), kem, &ct));
    mls_message_write(&ww, MLS_WIRE_WELCOME);
    dt_write_u16(&ww, 1);
    mark = dt_write_vec_begin(&ww);
    dt_write_vec(&ww, dt_view(ref, 32));
    entry.sealed.kem_output = dt_view(kem, suite->kem_pub_len);
    entry.sealed.ciphertext = dt_buf_view(&ct);
    mls_hpke_ciphertext_write(&ww, &entry.sealed);
    dt_write_vec_end(&ww, mark);
    dt_write_vec(&ww, w.encrypted_group_info);
    assert_ok(dt_writer_end(&ww));
    mls_group_secrets_clear(&s);
    mls_key_package_unref(kp);
    mls_key_package_unref(target);
    dt_buf_wipe(&plain);
    dt_buf_clear(&psks);
    dt_buf_clear(&ct);
}

/* Welcomes whose secrets name what they must not: a second PSK that links, one twice, one with a
 * short nonce. As they were they are fine; and who is named in no leaf does not join. */
static void
test_section_12_4_3_1_psks_of_welcome(void **state)
{
    static const uint8_t nonce[32] = {1};
    struct mls_successor_params params;
    struct mls_commit_out out = {0};
    struct old o;

    (void)state;
    old_init(&o);
    packages(&o, 1);
    params = params_of(&o, 2, &o.adds[1], 1);
    assert_ok(mls_group_branch(o.p[2].group, &params, &o.next[2], &out));
    for (size_t i = 0; i < 4; i++) {
        struct mls_psk_id second = {.type = MLS_PSK_RESUMPTION,
                                    .usage = MLS_PSK_BRANCH,
                                    .group_id = dt_view_str("a test group"),
                                    .epoch = 2,
                                    .nonce = dt_view(nonce, i == 1 ? 31 : 32)};
        struct dt_buf welcome = DT_BUF_INIT(MLS_MESSAGE_MAX);
        struct dt_buf more = DT_BUF_INIT(MLS_MESSAGE_MAX);
        struct dt_writer w = dt_writer_init(&more);

        if (i > 0)
            second.usage = MLS_PSK_APPLICATION;
        for (size_t k = 0; k < (i == 3 ? 0u : i == 2 ? 2u : 1u); k++)
            mls_psk_id_write(&w, &second);
        assert_ok(dt_writer_end(&w));
        reseal(&o, &out.welcome, &o.p[1], dt_buf_view(&more), &welcome);
        if (i == 3)
            join(&o, 1, dt_buf_view(&welcome), false, MLS_LINK_BRANCH, DT_OK);
        else
            join_with_own_psk(&o, &welcome, DT_ERR_REFUSED);
        dt_buf_clear(&welcome);
        dt_buf_clear(&more);
    }
    {
        struct dt_buf welcome = DT_BUF_INIT(MLS_MESSAGE_MAX);

        reseal(&o, &out.welcome, &o.p[0], dt_view(NULL, 0), &welcome);
        join(&o, 0, dt_buf_view(&welcome), false, MLS_LINK_NONE, DT_ERR_REFUSED);
        dt_buf_clear(&welcome);
    }
    mls_commit_out_clear(&out);
    old_clear(&o);
}

/* A PSK for such a use has no place in any other Commit: not by the creator later. */
static void
test_section_12_1_4_only_to_found(void **state)
{
    struct mls_commit_opts empty = {0};
    struct mls_psk link = {.id = dt_view_str("a test group"), .resumption = true, .epoch = 2};
    struct mls_commit_out out = {0};
    struct gu_party lone = {0};
    struct old o;

    (void)state;
    old_init(&o);
    assert_err(DT_ERR_REFUSED,
               mls_group_commit_linked(o.p[0].group, &empty, &link, MLS_PSK_REINIT, &out));
    assert_err(DT_ERR_REFUSED,
               mls_group_commit_linked(o.p[0].group, &empty, &link, MLS_PSK_BRANCH, &out));
    gu_party_init(&lone, 1, "lou");
    gu_create(&lone);
    link.value = dt_view_str("v");
    assert_ok(mls_group_commit_linked(lone.group, &empty, &link, MLS_PSK_BRANCH, &out));
    assert_ok(mls_group_take_pending(lone.group, GU_NOW_MS));
    assert_err(DT_ERR_REFUSED,
               mls_group_commit_linked(lone.group, &empty, &link, MLS_PSK_BRANCH, &out));
    gu_party_clear(&lone);
    mls_commit_out_clear(&out);
    old_clear(&o);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reinit),
        cmocka_unit_test(test_reinit_not_made),
        cmocka_unit_test(test_branch),
        cmocka_unit_test(test_branch_not_made),
        cmocka_unit_test(test_section_12_4_3_1_not_joined),
        cmocka_unit_test(test_section_12_4_3_1_epochs),
        cmocka_unit_test(test_section_12_4_3_1_psks_of_welcome),
        cmocka_unit_test(test_section_12_1_4_only_to_found),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
