/*
 * tests/mls/group_util.c - see group_util.h.
 */
#include <stdio.h>
#include <string.h>

#include "group_util.h"

static const uint16_t extension_types[] = {GU_EXT};
static const uint16_t proposal_types[] = {GU_WARRANT};

const struct mls_time_policy gu_no_clock = {.check = false};
const struct mls_time_policy gu_clock = {
    .check = true, .now_ms = GU_NOW_MS, .max_total_ms = UINT64_C(4) * 86400000, .skew_ms = 3600000};

void
gu_party_init(struct gu_party *p, uint16_t suite, const char *identity)
{
    memset(p, 0, sizeof *p);
    p->suite = suite;
    (void)snprintf(p->identity, sizeof p->identity, "%s", identity);
    assert_ok(dt_ed25519_new(&p->seed, p->pub));
    dt_buf_init(&p->key_package, MLS_MESSAGE_MAX);
    gu_key_package(p);
}

void
gu_party_clear(struct gu_party *p)
{
    dt_secret_clear(&p->seed);
    dt_buf_clear(&p->key_package);
    mls_key_bundle_clear(&p->bundle);
    mls_group_free(p->group);
    p->group = NULL;
    rows_clear(&p->rows);
}

struct mls_leaf_params
gu_leaf(const struct gu_party *p)
{
    struct mls_leaf_params leaf = {
        .suite = p->suite,
        .signature_priv = dt_secret_view(&p->seed),
        .signature_pub = dt_view_of(p->pub),
        .identity = dt_view_str(p->identity),
        .extension_types = {extension_types, 1},
        .proposal_types = {proposal_types, 1},
    };

    return leaf;
}

void
gu_key_package(struct gu_party *p)
{
    struct mls_leaf_params leaf = gu_leaf(p);
    struct mls_typed_list none = {NULL, 0};

    dt_buf_clear(&p->key_package);
    mls_key_bundle_clear(&p->bundle);
    assert_ok(mls_key_package_new(&leaf, GU_NOW_S - 3600, GU_NOW_S + 86400, none, &p->key_package,
                                  &p->bundle));
}

void
gu_create(struct gu_party *p)
{
    struct mls_typed forum = {GU_EXT, dt_view_str("forum")};
    struct mls_group_params params = {
        .leaf = gu_leaf(p),
        .group_id = dt_view_str("a test group"),
        .extensions = {&forum, 1},
        .required_extensions = {extension_types, 1},
        .required_proposals = {proposal_types, 1},
        .not_before_s = GU_NOW_S,
        .not_after_s = GU_NOW_S + 86400,
        .policy = {.past_epochs = 3, .past_age_ms = 1000000, .outside = p->outside},
    };

    assert_ok(mls_group_create(&params, &p->group));
}

void
gu_join(struct gu_party *p, struct dt_view welcome, struct mls_psk_list psks)
{
    struct mls_join_params params = {
        .welcome = welcome,
        .key_package = dt_buf_view(&p->key_package),
        .bundle = &p->bundle,
        .signature_priv = dt_secret_view(&p->seed),
        .psks = psks,
        .lifetime = gu_clock,
        .policy = {.past_epochs = 3, .past_age_ms = 1000000, .outside = p->outside},
    };

    mls_group_free(p->group);
    p->group = NULL;
    assert_ok(mls_group_join(&params, &p->group, NULL));
}

void
gu_follow(struct gu_party *p, struct dt_view commit)
{
    struct mls_event e = {0};
    struct mls_psk_list none = {NULL, 0};
    uint64_t before = mls_group_epoch(p->group);
    uint8_t authenticator[DT_HASH_MAX];
    size_t n;

    assert_ok(mls_group_process(p->group, none, commit, &e));
    assert_int_equal(e.kind, MLS_EVENT_COMMIT);
    n = mls_staged_effects(e.staged)->epoch_authenticator.n;
    if (n > 0)
        memcpy(authenticator, mls_staged_effects(e.staged)->epoch_authenticator.p, n);
    assert_int_equal(mls_staged_effects(e.staged)->epoch, before + 1);
    /* Nothing moves before the staged group is taken. */
    assert_int_equal(mls_group_epoch(p->group), before);
    assert_ok(mls_group_take(p->group, e.staged, GU_NOW_MS));
    e.staged = NULL;
    mls_event_clear(&e);
    if (n == 0) {
        assert_false(mls_group_is_member(p->group));
        return;
    }
    assert_int_equal(mls_group_epoch(p->group), before + 1);
    assert_views_equal(mls_group_epoch_authenticator(p->group), dt_view(authenticator, n));
}

void
gu_commit(struct gu_party *from, const struct mls_commit_opts *opts, struct gu_party *const *all,
          size_t n_all, struct mls_commit_out *out)
{
    struct mls_commit_out mine = {0};
    struct mls_event e = {0};
    struct mls_psk_list none = {NULL, 0};

    assert_ok(mls_group_commit(from->group, opts, &mine));
    for (size_t i = 0; i < n_all; i++)
        if (all[i] != NULL && all[i] != from && all[i]->group != NULL &&
            mls_group_is_member(all[i]->group))
            gu_follow(all[i], dt_buf_view(&mine.commit));
    /* The committer reads its own commit back. */
    assert_ok(mls_group_process(from->group, none, dt_buf_view(&mine.commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_OWN_COMMIT);
    mls_event_clear(&e);
    assert_ok(mls_group_take_pending(from->group, GU_NOW_MS));
    if (out != NULL)
        *out = mine;
    else
        mls_commit_out_clear(&mine);
}

void
gu_add(struct gu_party *from, struct gu_party *who, struct gu_party *const *all, size_t n_all)
{
    struct dt_view add = dt_buf_view(&who->key_package);
    struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .lifetime = gu_clock};
    struct mls_psk_list none = {NULL, 0};
    struct mls_commit_out out = {0};

    gu_commit(from, &opts, all, n_all, &out);
    gu_join(who, dt_buf_view(&out.welcome), none);
    mls_commit_out_clear(&out);
}

void
gu_protect(struct gu_party *from, const char *text, struct dt_buf *out)
{
    dt_buf_init(out, MLS_MESSAGE_MAX);
    assert_ok(mls_group_protect(from->group, dt_view_str("aad"), dt_view_str(text), 7, out));
}

void
gu_hear(struct gu_party *p, struct dt_view message, const char *text)
{
    struct mls_event e = {0};
    struct mls_psk_list none = {NULL, 0};

    assert_ok(mls_group_process(p->group, none, message, &e));
    assert_int_equal(e.kind, MLS_EVENT_APPLICATION);
    assert_views_equal(dt_buf_view(&e.plaintext), dt_view_str(text));
    assert_views_equal(dt_buf_view(&e.authenticated_data), dt_view_str("aad"));
    mls_event_clear(&e);
}

void
gu_say(struct gu_party *from, const char *text, struct gu_party *const *all, size_t n_all)
{
    struct dt_buf message;

    gu_protect(from, text, &message);
    for (size_t i = 0; i < n_all; i++)
        if (all[i] != NULL && all[i] != from && all[i]->group != NULL &&
            mls_group_is_member(all[i]->group))
            gu_hear(all[i], dt_buf_view(&message), text);
    dt_buf_clear(&message);
}

void
gu_agree(struct gu_party *const *all, size_t n_all)
{
    const struct mls_group *first = NULL;

    for (size_t i = 0; i < n_all; i++) {
        struct dt_secret a = {0};
        struct dt_secret b = {0};

        if (all[i] == NULL || all[i]->group == NULL || !mls_group_is_member(all[i]->group))
            continue;
        if (first == NULL) {
            first = all[i]->group;
            continue;
        }
        assert_int_equal(mls_group_epoch(first), mls_group_epoch(all[i]->group));
        assert_views_equal(mls_group_epoch_authenticator(first),
                           mls_group_epoch_authenticator(all[i]->group));
        assert_views_equal(mls_group_tree_hash(first), mls_group_tree_hash(all[i]->group));
        assert_ok(mls_group_export(first, "test", dt_view_str("c"), 40, &a));
        assert_ok(mls_group_export(all[i]->group, "test", dt_view_str("c"), 40, &b));
        assert_views_equal(dt_secret_view(&a), dt_secret_view(&b));
        dt_secret_clear(&a);
        dt_secret_clear(&b);
    }
}

void
trio_init(struct trio *t)
{
    const char *names[] = {"ada", "bob", "cyd"};

    for (size_t i = 0; i < 3; i++) {
        gu_party_init(&t->p[i], 1, names[i]);
        t->all[i] = &t->p[i];
    }
    gu_create(&t->p[0]);
    gu_add(&t->p[0], &t->p[1], t->all, 1);
    gu_add(&t->p[1], &t->p[2], t->all, 2);
}

void
trio_clear(struct trio *t)
{
    for (size_t i = 0; i < 3; i++)
        gu_party_clear(&t->p[i]);
}

void
quartet_init(struct quartet *q, uint8_t outside)
{
    static const char *const names[] = {"ada", "bob", "cyd", "eve"};

    for (size_t i = 0; i < 4; i++) {
        gu_party_init(&q->p[i], 1, names[i]);
        q->p[i].outside = outside;
        q->all[i] = &q->p[i];
    }
    gu_create(&q->p[ADA]);
    gu_add(&q->p[ADA], &q->p[BOB], q->all, 1);
    gu_add(&q->p[BOB], &q->p[CYD], q->all, 2);
    gu_info(&q->p[BOB], true, &q->info);
}

void
quartet_clear(struct quartet *q)
{
    for (size_t i = 0; i < 4; i++)
        gu_party_clear(&q->p[i]);
    dt_buf_clear(&q->info);
}

size_t
gu_store(struct gu_party *p)
{
    struct mls_parts parts = {0};
    size_t written;

    assert_ok(mls_group_save_parts(p->group, false, &parts));
    written = rows_apply(&p->rows, &parts);
    mls_group_saved(p->group);
    mls_parts_clear(&parts);
    return written;
}

void
gu_info(const struct gu_party *p, bool ratchet_tree, struct dt_buf *out)
{
    struct mls_group_info_opts opts = {.external_pub = true, .ratchet_tree = ratchet_tree};

    dt_buf_init(out, MLS_MESSAGE_MAX);
    assert_ok(mls_group_info_export(p->group, &opts, out));
}

void
gu_enter(struct gu_party *p, const struct dt_buf *info,
         const struct mls_external_join_params *params, struct dt_buf *commit)
{
    struct mls_external_join_params x = {0};

    if (params != NULL)
        x = *params;
    x.group_info = dt_buf_view(info);
    x.leaf = gu_leaf(p);
    x.policy.past_epochs = 3;
    x.policy.outside = p->outside;
    mls_group_free(p->group);
    p->group = NULL;
    dt_buf_init(commit, MLS_MESSAGE_MAX);
    assert_ok(mls_group_join_external(&x, &p->group, commit, NULL));
}

void
gu_reload(struct gu_party *p)
{
    struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct dt_buf again = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *g = NULL;

    assert_ok(mls_group_save(p->group, &saved));
    assert_ok(mls_group_load(dt_buf_view(&saved), &g));
    assert_ok(mls_group_save(g, &again));
    assert_views_equal(dt_buf_view(&saved), dt_buf_view(&again));
    mls_group_free(g);
    (void)gu_store(p);
    assert_ok(rows_load(&p->rows, &g));
    dt_buf_clear(&again);
    assert_ok(mls_group_save(g, &again));
    assert_views_equal(dt_buf_view(&saved), dt_buf_view(&again));
    mls_group_free(p->group);
    p->group = g;
    dt_buf_wipe(&saved);
    dt_buf_wipe(&again);
}
