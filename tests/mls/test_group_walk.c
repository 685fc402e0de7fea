/*
 * tests/mls/test_group_walk.c - random walks of up to six members, repeatable with DT_SEED: add,
 * remove, update, rotate, talk, lose and reload; after every step all agree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group_util.h"

#define N_PARTIES 6u
#define N_STEPS   120u

static uint64_t seed;

static uint32_t
draw(uint32_t n)
{
    /* SplitMix64: the tests' own repeatable numbers. */
    uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

struct walk {
    struct gu_party p[N_PARTIES];
    struct gu_party *all[N_PARTIES];
    bool in[N_PARTIES];
};

static size_t
n_in(const struct walk *w)
{
    size_t n = 0;

    for (size_t i = 0; i < N_PARTIES; i++)
        n += w->in[i] ? 1 : 0;
    return n;
}

/* A party that is in (or out), not ${but}. */
static size_t
pick(const struct walk *w, bool in, size_t but)
{
    size_t i = draw(N_PARTIES);

    while (w->in[i] != in || i == but)
        i = (i + 1) % N_PARTIES;
    return i;
}

static void
step_add(struct walk *w)
{
    size_t from = pick(w, true, N_PARTIES);
    size_t who = pick(w, false, N_PARTIES);
    struct mls_typed warrant = {GU_WARRANT, dt_view_str("approved by all")};
    struct dt_view add;
    struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .lifetime = gu_clock};
    struct mls_commit_out out = {0};

    gu_key_package(&w->p[who]);
    mls_group_free(w->p[who].group);
    w->p[who].group = NULL;
    add = dt_buf_view(&w->p[who].key_package);
    opts.private_use.v = &warrant;
    opts.private_use.n = draw(2);
    opts.force_path = draw(2) == 0;
    gu_commit(&w->p[from], &opts, w->all, N_PARTIES, &out);
    gu_join(&w->p[who], dt_buf_view(&out.welcome), (struct mls_psk_list){NULL, 0});
    mls_commit_out_clear(&out);
    w->in[who] = true;
}

static void
step_remove(struct walk *w)
{
    size_t from = pick(w, true, N_PARTIES);
    size_t who = pick(w, true, from);
    uint32_t leaf = mls_group_own_leaf(w->p[who].group);
    struct mls_commit_opts opts = {.removes = &leaf, .n_removes = 1};

    gu_commit(&w->p[from], &opts, w->all, N_PARTIES, NULL);
    assert_false(mls_group_is_member(w->p[who].group));
    w->in[who] = false;
}

static void
step_rotate(struct walk *w)
{
    struct gu_party *p = &w->p[pick(w, true, N_PARTIES)];
    struct dt_secret fresh = {0};
    uint8_t pub[DT_ED25519_PUB];
    struct mls_commit_opts opts = {0};

    assert_ok(dt_ed25519_new(&fresh, pub));
    opts.new_signature_priv = dt_secret_view(&fresh);
    opts.new_signature_pub = dt_view_of(pub);
    gu_commit(p, &opts, w->all, N_PARTIES, NULL);
    dt_secret_move(&p->seed, &fresh);
    memcpy(p->pub, pub, sizeof pub);
}

static void
walk(uint16_t suite)
{
    struct walk *w = calloc(1, sizeof *w);
    struct mls_commit_opts empty = {0};

    assert_non_null(w);
    for (size_t i = 0; i < N_PARTIES; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "party %zu", i);
        gu_party_init(&w->p[i], suite, name);
        w->all[i] = &w->p[i];
    }
    gu_create(&w->p[0]);
    w->in[0] = true;
    for (size_t step = 0; step < N_STEPS; step++) {
        size_t n = n_in(w);

        switch (draw(6)) {
        case 0:
        case 1:
            if (n < N_PARTIES)
                step_add(w);
            break;
        case 2:
            if (n > 1)
                step_remove(w);
            break;
        case 3:
            step_rotate(w);
            break;
        case 4:
            gu_commit(&w->p[pick(w, true, N_PARTIES)], &empty, w->all, N_PARTIES, NULL);
            break;
        default:
            gu_reload(&w->p[pick(w, true, N_PARTIES)]);
            break;
        }
        gu_agree(w->all, N_PARTIES);
        for (size_t i = 0; i < N_PARTIES; i++) {
            if (!w->in[i])
                continue;
            assert_int_equal(mls_group_n_members(w->p[i].group), n_in(w));
            if (draw(3) == 0)
                (void)gu_store(&w->p[i]);
            if (draw(2) == 0)
                gu_say(&w->p[i], "on we go", w->all, N_PARTIES);
        }
    }
    for (size_t i = 0; i < N_PARTIES; i++)
        gu_party_clear(&w->p[i]);
    free(w);
}

static void
test_walks(void **state)
{
    const char *given = getenv("DT_SEED");
    uint64_t start;

    (void)state;
    if (given != NULL) {
        start = strtoull(given, NULL, 0);
    } else {
        assert_ok(dt_random((uint8_t *)&start, sizeof start));
    }
    (void)fprintf(stderr, "DT_SEED=%llu\n", (unsigned long long)start);
    seed = start;
    for (size_t i = 0; i < 3; i++) {
        walk(1);
        walk(3);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
