/*
 * tests/mls/test_deletion.c - what was used is gone: after sending, receiving and a change of epoch
 * neither the saved state nor any byte of this process's memory is a secret that was used up. The
 * whole of memory is more than a core image has, which leaves out the pages of struct dt_secret.
 *
 * Source: RFC 9420 sections 8, 9.2, 14, 15.3 and 16.6.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mls/group_internal.h"
#include "mls/secret_nodes.h"

#include "group_util.h"

#define MASK       0x5au
#define WATCHED    64u
#define WINDOW     (1u << 20)
#define LARGEST    (UINT64_C(1) << 32) /* larger mappings are a sanitizer's shadow */
#define OVERLAP    PAGE
#define PAGE       4096u
#define SECRET_MIN 12u

/* Secrets to look for, masked, so that this list is none of the places where they are. */
struct watched {
    const char *what;
    uint8_t bytes[64];
    size_t n;
    size_t found;
    bool held; /* before it is used; else it is made only then */
};
static struct watched list[WATCHED];
static size_t n_watched;
static bool in_valgrind;
static uint8_t *window; /* a mapping of its own, passed over in the search */

static int
setup(void **state)
{
    const char *preload = getenv("LD_PRELOAD");

    (void)state;
    /* valgrind's own memory has what the registers had. */
    in_valgrind = preload != NULL && strstr(preload, "vgpreload") != NULL;
    window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (window == MAP_FAILED)
        return -1;
    assert_ok(dt_crypto_init());
    return 0;
}

static void
watch(const char *what, struct dt_view secret)
{
    struct watched *w = &list[n_watched];

    assert_true(n_watched++ < WATCHED);
    assert_in_range(secret.n, SECRET_MIN, sizeof w->bytes);
    w->what = what;
    w->n = secret.n;
    w->found = 0;
    w->held = true;
    for (size_t i = 0; i < secret.n; i++)
        w->bytes[i] = (uint8_t)(secret.p[i] ^ MASK);
}

/* The first two bytes of what is watched. */
static uint8_t firsts[1u << 16];

/* For each of the watched, how often it begins in the first ${n} of the ${n_all} bytes at ${p}. */
static void
count(const uint8_t *p, size_t n, size_t n_all)
{
    for (size_t i = 0; i < n && i + SECRET_MIN <= n_all; i++) {
        /* Most pages are zeros, and no secret is. */
        if (i % PAGE == 0 && i + PAGE <= n && p[i] == 0 &&
            memcmp(p + i, p + i + 1, PAGE - 1) == 0) {
            i += PAGE - 1;
            continue;
        }
        if (firsts[p[i] << 8 | p[i + 1]] == 0)
            continue;
        for (size_t k = 0; k < n_watched; k++) {
            struct watched *w = &list[k];
            size_t same = 0;

            while (same < w->n && i + same < n_all && (p[i + same] ^ MASK) == w->bytes[same])
                same++;
            w->found += same == w->n ? 1 : 0;
        }
    }
}

static void
count_begin(void)
{
    memset(firsts, 0, sizeof firsts);
    for (size_t i = 0; i < n_watched; i++) {
        firsts[(list[i].bytes[0] ^ MASK) << 8 | (list[i].bytes[1] ^ MASK)] = 1;
        list[i].found = 0;
    }
}

static void
search_mapping(int mem, uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at += WINDOW - OVERLAP) {
        size_t want = to - at < WINDOW ? (size_t)(to - at) : WINDOW;
        ssize_t got = pread(mem, window, want, (off_t)at);

        if (got <= 0) /* a guard page, or nothing behind it */
            continue;
        count(window, at + (size_t)got < to ? (size_t)got - OVERLAP : (size_t)got, (size_t)got);
    }
    memset(window, 0, WINDOW);
}

/* Look through all memory that is written to. */
static void
search(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char line[512];
    uint64_t total = 0;

    assert_non_null(maps);
    assert_true(mem >= 0);
    count_begin();
    while (fgets(line, sizeof line, maps) != NULL) {
        char *end = NULL;
        uint64_t from = strtoull(line, &end, 16);
        uint64_t to = strtoull(end + 1, &end, 16);

        if (end[2] != 'w' || to - from > LARGEST || from == (uint64_t)(uintptr_t)window)
            continue;
        search_mapping(mem, from, to);
        total += to - from;
    }
    (void)fclose(maps);
    (void)close(mem);
    assert_true(total > 100000);
}

/* All that is watched and there already is found: the search works. */
static void
assert_all_there(void)
{
    search();
    for (size_t i = 0; i < n_watched; i++)
        if (list[i].held && list[i].found == 0)
            fail_msg("%s is not in memory before it is used up", list[i].what);
}

/* Nothing that is watched is in memory, or in what would be saved of ${p}. */
static void
assert_all_gone(const struct gu_party *p)
{
    struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    size_t n_left = 0;

    search();
    for (size_t i = 0; i < n_watched; i++) {
        if (list[i].found > 0)
            print_message("%s is in memory %zu times\n", list[i].what, list[i].found);
        n_left += list[i].found > 0 ? 1 : 0;
    }
    assert_int_equal(n_left, 0);
    assert_ok(mls_group_save(p->group, &saved));
    count_begin();
    count(saved.p, saved.n, saved.n);
    for (size_t i = 0; i < n_watched; i++)
        if (list[i].found > 0)
            fail_msg("%s is in the saved state", list[i].what);
    dt_buf_wipe(&saved);
    n_watched = 0;
}

/* Key, nonce and ratchet secret of ${p}'s next step of ${leaf}, and what stands above it unopened.
 */
static void
watch_step(const struct gu_party *p, uint32_t leaf)
{
    const struct mls_secret_tree *t = &p->group->keys;
    const struct mls_leaf_ratchets *l = mls_secret_tree_leaf(t, leaf);
    struct mls_tree_step step = {0};

    assert_ok(mls_secret_tree_derive(t, leaf, MLS_RATCHET_APPLICATION,
                                     mls_secret_tree_generation(t, leaf, MLS_RATCHET_APPLICATION),
                                     &step));
    watch("a message's key", dt_secret_view(&step.key));
    list[n_watched - 1].held = false;
    watch("a message's nonce", dt_secret_view(&step.nonce));
    list[n_watched - 1].held = false;
    if (l != NULL)
        watch("a ratchet's secret", dt_secret_view(&l->ratchet[MLS_RATCHET_APPLICATION].secret));
    else
        for (uint32_t level = 0; level <= 1; level++) {
            const struct mls_secret_node *n =
                mls_secret_find(t->root, t->n_leaves, mls_leaf_ancestor(leaf, level));

            if (n != NULL && n->secret.n > 0)
                watch("the secret above a leaf", dt_secret_view(&n->secret));
        }
    mls_tree_step_clear(&step);
}

/* Alone with the group that ada and bob have: all other copies of its secrets would be found too.
 */
static void
two(struct gu_party *p, uint16_t suite)
{
    struct gu_party *all[] = {&p[0], &p[1]};

    gu_party_init(&p[0], suite, "ada");
    gu_party_init(&p[1], suite, "bob");
    gu_create(&p[0]);
    gu_add(&p[0], &p[1], all, 1);
    for (size_t i = 0; i < 2; i++) {
        p[i].group->policy.past_epochs = 0;
        p[i].group->policy.resumption_psks = 0;
    }
}

/* Both sides of two messages: the first opens the sender's leaf, the second is one more step. */
static void
sent_and_received(uint16_t suite)
{
    struct gu_party p[2];
    struct dt_buf m;

    two(p, suite);
    for (size_t i = 0; i < 4; i++) {
        struct gu_party *from = &p[i / 2];
        struct gu_party *to = &p[1 - i / 2];

        watch_step(from, mls_group_own_leaf(from->group));
        assert_all_there();
        gu_protect(from, "a word", &m);
        gu_hear(to, dt_buf_view(&m), "a word");
        dt_buf_clear(&m);
        assert_all_gone(&p[0]);
    }
    gu_party_clear(&p[0]);
    gu_party_clear(&p[1]);
}

static void
test_section_9_2_sent_and_received(void **state)
{
    static const uint16_t suites[] = {1, 3};

    (void)state;
    if (in_valgrind)
        skip();
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        sent_and_received(suites[i]);
}

/* The keys of messages that did not come yet: gone when they come, and when too many wait. */
static void
test_section_9_2_skipped(void **state)
{
    (void)state;
    if (in_valgrind)
        skip();
    for (size_t too_many = 0; too_many < 2; too_many++) {
        struct gu_party p[2];
        const struct mls_ratchet *r;
        struct dt_buf skipped;
        struct dt_buf m;

        two(p, 1);
        gu_protect(&p[0], "skipped", &skipped);
        gu_protect(&p[0], "heard", &m);
        gu_hear(&p[1], dt_buf_view(&m), "heard");
        r = &mls_secret_tree_leaf(&p[1].group->keys, 0)->ratchet[MLS_RATCHET_APPLICATION];
        assert_int_equal(r->n_kept, 1);
        watch("a skipped message's key", dt_secret_view(&r->kept[0].key_nonce));
        assert_all_there();
        for (size_t i = 0; too_many == 1 && i <= MLS_RATCHET_KEPT_MAX; i++) {
            dt_buf_clear(&m);
            gu_protect(&p[0], "later", &m);
        }
        if (too_many == 1)
            gu_hear(&p[1], dt_buf_view(&m), "later");
        else
            gu_hear(&p[1], dt_buf_view(&skipped), "skipped");
        assert_int_equal(r->n_kept, too_many * MLS_RATCHET_KEPT_MAX);
        assert_all_gone(&p[1]);
        dt_buf_clear(&skipped);
        dt_buf_clear(&m);
        gu_party_clear(&p[0]);
        gu_party_clear(&p[1]);
    }
}

/* ---- what lives for the moment of a Commit: told by the functions that make it ---- */

static bool watching;

enum dt_err __real_mls_joiner_secret(const struct dt_suite *suite, struct dt_view init_secret,
                                     struct dt_view commit_secret, struct dt_view group_context,
                                     struct dt_secret *out);
enum dt_err __wrap_mls_joiner_secret(const struct dt_suite *suite, struct dt_view init_secret,
                                     struct dt_view commit_secret, struct dt_view group_context,
                                     struct dt_secret *out);
enum dt_err __real_mls_path_seal(const struct mls_tree *t, const struct mls_path *path,
                                 struct dt_view context, const uint32_t *added, size_t n_added,
                                 struct mls_update_path **out);
enum dt_err __wrap_mls_path_seal(const struct mls_tree *t, const struct mls_path *path,
                                 struct dt_view context, const uint32_t *added, size_t n_added,
                                 struct mls_update_path **out);

enum dt_err
__wrap_mls_joiner_secret(const struct dt_suite *suite, struct dt_view init_secret,
                         struct dt_view commit_secret, struct dt_view group_context,
                         struct dt_secret *out)
{
    enum dt_err err =
        __real_mls_joiner_secret(suite, init_secret, commit_secret, group_context, out);

    if (watching) {
        watch("a commit_secret", commit_secret);
        watch("a joiner_secret", dt_secret_view(out));
    }
    return err;
}

enum dt_err
__wrap_mls_path_seal(const struct mls_tree *t, const struct mls_path *path, struct dt_view context,
                     const uint32_t *added, size_t n_added, struct mls_update_path **out)
{
    for (size_t i = 0; watching && i < path->shape.n; i++)
        watch("a path_secret", dt_secret_view(&path->path_secrets[i]));
    return __real_mls_path_seal(t, path, context, added, n_added, out);
}

static void
watch_epoch(const struct mls_group *g)
{
    const struct mls_epoch_secrets *s = &g->secrets;

    watch("an init_secret", dt_secret_view(&s->init));
    watch("a sender_data_secret", dt_secret_view(&s->sender_data));
    watch("an exporter_secret", dt_secret_view(&s->exporter));
    watch("an external_secret", dt_secret_view(&s->external));
    watch("a confirmation_key", dt_secret_view(&s->confirmation_key));
    watch("a membership_key", dt_secret_view(&s->membership_key));
    watch("a resumption_psk", dt_secret_view(&s->resumption_psk));
    watch("a secret tree's root", dt_secret_view(&g->keys.root->secret));
    watch("the private key of a leaf", dt_secret_view(&g->priv.leaf_priv));
    if (g->priv.node_priv[0].n > 0)
        watch("the private key of a parent", dt_secret_view(&g->priv.node_priv[0]));
}

/* A Commit with a path and a Welcome: the old epoch's secrets, the committer's old keys, and all
 * that was there for the Commit alone. */
static void
test_section_8_epoch_change(void **state)
{
    static const uint16_t suites[] = {1, 3};

    (void)state;
    if (in_valgrind)
        skip();
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        struct gu_party p[3];
        struct gu_party *all[] = {&p[0], &p[1], &p[2]};
        struct dt_view add;
        struct mls_commit_opts opts = {.lifetime = gu_clock, .force_path = true};
        struct mls_commit_out out = {0};
        const struct mls_psk_list no_psks = {NULL, 0};

        two(p, suites[i]);
        for (size_t k = 0; k < 2; k++) {
            /* The first Commit sets the parents, the second takes their keys away. */
            watch_epoch(p[0].group);
            assert_all_there();
            watching = true;
            gu_commit(&p[0], &opts, all, 2, NULL);
            watching = false;
            assert_in_range(n_watched, 12 + k, WATCHED);
            assert_all_gone(&p[0]);
        }
        gu_party_init(&p[2], suites[i], "cyd");
        add = dt_buf_view(&p[2].key_package);
        opts.adds = &add;
        opts.n_adds = 1;
        watch_epoch(p[0].group);
        watching = true;
        gu_commit(&p[0], &opts, all, 2, &out);
        watching = false;
        gu_join(&p[2], dt_buf_view(&out.welcome), no_psks);
        assert_all_gone(&p[0]);
        gu_agree(all, 3);
        mls_commit_out_clear(&out);
        for (size_t k = 0; k < 3; k++)
            gu_party_clear(&p[k]);
    }
}

/* What was dropped or staged and not taken was for nothing, and is gone too. */
static void
test_section_14_dropped(void **state)
{
    struct gu_party p[2];
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    const struct mls_psk_list no_psks = {NULL, 0};

    (void)state;
    if (in_valgrind)
        skip();
    two(p, 1);
    watching = true;
    assert_ok(mls_group_commit(p[0].group, &empty, &out));
    assert_ok(mls_group_process(p[1].group, no_psks, dt_buf_view(&out.commit), &e));
    watching = false;
    watch("the next epoch's init_secret", dt_secret_view(&p[0].group->pending->next->secrets.init));
    watch("the next private key of a leaf",
          dt_secret_view(&p[0].group->pending->next->priv.leaf_priv));
    mls_event_clear(&e);
    mls_group_drop_pending(p[0].group);
    mls_commit_out_clear(&out);
    assert_all_gone(&p[0]);
    gu_party_clear(&p[0]);
    gu_party_clear(&p[1]);
}

/* What reads the late messages of an epoch is kept for as long as the policy says, and for as many
 * epochs: a Commit that is taken wipes what is too old or too many. */
static void
test_section_15_3_past_epochs(void **state)
{
    static const struct {
        uint32_t kept; /* at most */
        uint64_t later_ms;
        uint32_t n_before;
        uint32_t n_after;
    } cases[] = {{3, 4999, 2, 3}, {3, 5000, 2, 1}, {1, 0, 1, 1}};

    (void)state;
    if (in_valgrind)
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct mls_psk_list no_psks = {NULL, 0};
        struct gu_party p[2];
        struct gu_party *all[] = {&p[0], &p[1]};
        struct mls_commit_opts empty = {0};
        struct mls_commit_out out = {0};
        struct mls_event e = {0};
        const struct mls_past_epoch *past;
        const struct mls_secret_node *node;
        struct dt_buf m;

        two(p, 1);
        p[0].group->policy.past_epochs = cases[i].kept;
        p[0].group->policy.past_age_ms = 5000;
        gu_protect(&p[1], "late", &m);
        gu_commit(&p[0], &empty, all, 2, NULL);
        assert_ok(mls_group_commit(p[1].group, &empty, &out));
        assert_ok(mls_group_process(p[0].group, no_psks, dt_buf_view(&out.commit), &e));
        mls_commit_out_clear(&out);
        gu_party_clear(&p[1]);
        assert_int_equal(mls_group_n_past(p[0].group), cases[i].n_before);
        past = &p[0].group->past[0];
        node = mls_secret_find(past->keys.root, past->keys.n_leaves, mls_leaf_ancestor(1, 0));
        assert_non_null(node);
        watch("a past sender_data_secret", dt_secret_view(&past->sender_data));
        watch("a past secret of the secret tree", dt_secret_view(&node->secret));
        assert_all_there();
        assert_ok(mls_group_take(p[0].group, e.staged, GU_NOW_MS + cases[i].later_ms));
        e.staged = NULL;
        mls_event_clear(&e);
        assert_int_equal(mls_group_n_past(p[0].group), cases[i].n_after);
        if (cases[i].n_after > 1) {
            assert_all_there();
            n_watched = 0;
            gu_hear(&p[0], dt_buf_view(&m), "late");
        } else {
            assert_all_gone(&p[0]);
            assert_ok(mls_group_process(p[0].group, no_psks, dt_buf_view(&m), &e));
            assert_int_equal(e.kind, MLS_EVENT_STALE);
            mls_event_clear(&e);
        }
        dt_buf_clear(&m);
        gu_party_clear(&p[0]);
    }
}

/* And what its owner wants forgotten, before the policy does: up to an epoch, and at once. */
static void
test_section_15_3_forgotten(void **state)
{
    struct gu_party p[2];
    struct gu_party *all[] = {&p[0], &p[1]};
    const struct mls_past_epoch *past;
    const struct mls_secret_node *node;
    struct mls_commit_opts empty = {0};

    (void)state;
    if (in_valgrind)
        skip();
    two(p, 1);
    p[0].group->policy.past_epochs = 3;
    gu_commit(&p[0], &empty, all, 2, NULL);
    gu_party_clear(&p[1]);
    past = &p[0].group->past[0];
    node = mls_secret_find(past->keys.root, past->keys.n_leaves, mls_leaf_ancestor(1, 0));
    assert_non_null(node);
    watch("a past sender_data_secret", dt_secret_view(&past->sender_data));
    watch("a past secret of the secret tree", dt_secret_view(&node->secret));
    assert_all_there();
    mls_group_forget_past(p[0].group, UINT64_MAX);
    assert_int_equal(mls_group_n_past(p[0].group), 0);
    assert_all_gone(&p[0]);
    gu_party_clear(&p[0]);
}

/* Bob is removed: nothing stays with him that he could read or sign with. */
static void
test_section_16_6_removed(void **state)
{
    const uint32_t bob = 1;
    const struct mls_commit_opts empty = {0};
    const struct mls_commit_opts removal = {.removes = &bob, .n_removes = 1};
    struct gu_party p[2];
    struct gu_party *all[] = {&p[0], &p[1]};

    (void)state;
    if (in_valgrind)
        skip();
    two(p, 1);
    p[1].group->policy.resumption_psks = 2;
    gu_commit(&p[1], &empty, all, 2, NULL);
    dt_secret_clear(&p[1].seed);
    assert_int_equal(p[1].group->n_kept, 1);
    watch("an ended epoch's resumption_psk", dt_secret_view(&p[1].group->kept[0].value));
    watch_epoch(p[1].group);
    watch("a signature key", dt_secret_view(&p[1].group->signature_priv));
    assert_in_range(n_watched, 12, WATCHED);
    assert_all_there();
    gu_commit(&p[0], &removal, all, 2, NULL);
    gu_party_clear(&p[0]);
    assert_false(mls_group_is_member(p[1].group));
    assert_all_gone(&p[1]);
    gu_party_clear(&p[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_9_2_sent_and_received),
        cmocka_unit_test(test_section_9_2_skipped),
        cmocka_unit_test(test_section_8_epoch_change),
        cmocka_unit_test(test_section_14_dropped),
        cmocka_unit_test(test_section_15_3_past_epochs),
        cmocka_unit_test(test_section_15_3_forgotten),
        cmocka_unit_test(test_section_16_6_removed),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
