/*
 * tests/mls/test_group_large.c - groups that grow and shrink across powers of two, and a Commit of
 * a thousand proposals.
 *
 * Source: RFC 9420 sections 7.7, 7.8, 12.1, 12.2, 12.4.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
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

/* Key packages of ${n} clients that nobody plays, but the last. */
static struct dt_buf *
strangers(size_t n, struct gu_party *last)
{
    struct dt_buf *v = dt_alloc(n, sizeof *v);

    assert_non_null(v);
    for (size_t i = 0; i < n; i++) {
        struct gu_party p;
        char name[16];

        (void)snprintf(name, sizeof name, "p%zu", i);
        gu_party_init(&p, 1, name);
        dt_buf_init(&v[i], MLS_MESSAGE_MAX);
        assert_ok(dt_buf_set(&v[i], dt_buf_view(&p.key_package)));
        if (i + 1 == n)
            *last = p;
        else
            gu_party_clear(&p);
    }
    return v;
}

/* A thousand come in one Commit, the last of them joins; a thousand proposals later all but three
 * are out again. */
static void
test_thousand_proposals(void **state)
{
    enum { N = 1000 };
    static struct dt_view adds[N];
    static uint32_t removes[N - 1];
    static struct mls_typed warrants[N];
    struct gu_party ada, bob, last;
    struct gu_party *all[] = {&ada, &bob, &last};
    struct dt_buf *packages = strangers(N, &last);
    struct mls_commit_opts opts = {.adds = adds, .n_adds = N, .lifetime = gu_clock};
    struct mls_commit_out out = {0};

    (void)state;
    gu_party_init(&ada, 1, "ada");
    gu_party_init(&bob, 1, "bob");
    gu_create(&ada);
    gu_add(&ada, &bob, all, 1);
    for (size_t i = 0; i < N; i++)
        adds[i] = dt_buf_view(&packages[i]);
    gu_commit(&ada, &opts, all, 2, &out);
    gu_join(&last, dt_buf_view(&out.welcome), no_psks);
    gu_agree(all, 3);
    assert_int_equal(mls_group_n_members(last.group), N + 2);
    gu_say(&last, "the last", all, 3);
    /* Private-use proposals: as many, of one kind. */
    for (size_t i = 0; i < N; i++)
        warrants[i] = (struct mls_typed){GU_WARRANT, dt_view_str("w")};
    opts = (struct mls_commit_opts){.private_use = {warrants, N}};
    gu_commit(&bob, &opts, all, 3, NULL);
    gu_agree(all, 3);
    for (uint32_t i = 0; i < N - 1; i++)
        removes[i] = 2 + i;
    opts = (struct mls_commit_opts){.removes = removes, .n_removes = N - 1};
    gu_commit(&last, &opts, all, 3, NULL);
    gu_agree(all, 3);
    assert_int_equal(mls_group_n_members(bob.group), 3);
    assert_int_equal(mls_group_own_leaf(last.group), N + 1);
    gu_say(&ada, "we three", all, 3);
    for (size_t i = 0; i < N; i++)
        dt_buf_clear(&packages[i]);
    dt_free(packages);
    mls_commit_out_clear(&out);
    gu_party_clear(&ada);
    gu_party_clear(&bob);
    gu_party_clear(&last);
}

/* From one to 17 members and back to one, each by a Commit with a path, all of whom talk at 2^k -
 * 1, 2^k and 2^k + 1. */
static void
test_across_powers_of_two(void **state)
{
    enum { N = 17 };
    static struct gu_party p[N];
    struct gu_party *all[N];
    struct mls_commit_opts empty = {0};

    (void)state;
    for (size_t i = 0; i < N; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "p%zu", i);
        gu_party_init(&p[i], 1, name);
        all[i] = &p[i];
    }
    gu_create(&p[0]);
    gu_commit(&p[0], &empty, all, 1, NULL);
    for (size_t n = 1; n < N; n++) {
        gu_add(&p[n - 1], &p[n], all, n);
        gu_commit(&p[n], &empty, all, n + 1, NULL);
        gu_agree(all, n + 1);
        gu_say(&p[n / 2], "one more", all, n + 1);
    }
    for (uint32_t n = N - 1; n > 0; n--) {
        struct mls_commit_opts removal = {.removes = &n, .n_removes = 1};

        gu_commit(&p[n - 1], &removal, all, n + 1, NULL);
        assert_false(mls_group_is_member(p[n].group));
        assert_int_equal(mls_group_n_members(p[0].group), n);
        gu_agree(all, n);
        gu_say(&p[n / 2], "one less", all, n);
    }
    /* And alone again, with a path that has no nodes. */
    gu_commit(&p[0], &empty, all, 1, NULL);
    gu_key_package(&p[1]);
    gu_add(&p[0], &p[1], all, 1);
    gu_agree(all, 2);
    for (size_t i = 0; i < N; i++)
        gu_party_clear(&p[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thousand_proposals),
        cmocka_unit_test(test_across_powers_of_two),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
