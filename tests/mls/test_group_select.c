/*
 * tests/mls/test_group_select.c - one bad proposal among many: the others are committed, at about
 * the cost of a list without it.
 *
 * RFC 9420 sections 12.2 and 12.4. mls_verify_with_label() is counted by the linker's wrapper
 * below.
 */
#include <stdio.h>

#include "mls/group_internal.h"
#include "mls/label.h"

#include "group_util.h"

#define N 60u

static size_t verified;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
enum dt_err __real_mls_verify_with_label(const struct dt_suite *suite, struct dt_view pub,
                                         const char *label, struct dt_view content,
                                         struct dt_view sig);
enum dt_err __wrap_mls_verify_with_label(const struct dt_suite *suite, struct dt_view pub,
                                         const char *label, struct dt_view content,
                                         struct dt_view sig);

enum dt_err
__wrap_mls_verify_with_label(const struct dt_suite *suite, struct dt_view pub, const char *label,
                             struct dt_view content, struct dt_view sig)
{
    verified++;
    return __real_mls_verify_with_label(suite, pub, label, content, sig);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

/* Bob's proposal reaches the two others. */
static void
spread(struct trio *t, const struct mls_propose_opts *opts)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);

    assert_ok(mls_group_propose(t->p[1].group, opts, &m));
    for (size_t i = 0; i < 3; i += 2) {
        struct mls_event e = {0};

        assert_ok(mls_group_process(t->p[i].group, (struct mls_psk_list){0}, dt_buf_view(&m), &e));
        assert_int_equal(e.kind, MLS_EVENT_PROPOSAL);
        mls_event_clear(&e);
    }
}

/* Bob proposes to add ${who} to the three. */
static void
propose(struct trio *t, struct gu_party *who)
{
    gu_key_package(who);
    spread(t, &(struct mls_propose_opts){.kind = MLS_PROPOSE_ADD,
                                         .add = dt_buf_view(&who->key_package)});
}

/* ${bad}: the first comes once more, with another key package under the same signature key. */
static size_t
cost(bool bad)
{
    const struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_commit_out out = {0};
    struct gu_party first = {0};
    const struct mls_effects *eff;
    struct trio t;
    size_t seen = 0;
    size_t n;

    trio_init(&t);
    /* Of two Updates the later one counts, whatever else is in the list. */
    spread(&t, &(struct mls_propose_opts){.kind = MLS_PROPOSE_UPDATE});
    spread(&t, &(struct mls_propose_opts){.kind = MLS_PROPOSE_UPDATE});
    gu_party_init(&first, 1, "first");
    propose(&t, &first);
    for (size_t i = 1; i < N; i++) {
        struct gu_party p = {0};
        char name[16];

        (void)snprintf(name, sizeof name, "p%zu", i);
        gu_party_init(&p, 1, name);
        propose(&t, &p);
        gu_party_clear(&p);
    }
    if (bad)
        propose(&t, &first);
    verified = 0;
    assert_ok(mls_group_commit(t.p[0].group, &cached, &out));
    n = verified;
    eff = mls_group_pending_effects(t.p[0].group);
    assert_int_equal(eff->n_updated, 2); /* his, and the committer's path */
    for (size_t i = 0; i < eff->n_updated; i++)
        seen += dt_view_equal(eff->updated[i].after.encryption_key,
                              t.p[0].group->cache[1].proposal->update->encryption_key)
                    ? 1
                    : 0;
    assert_int_equal(seen, 1);
    assert_ok(mls_group_take_pending(t.p[0].group, GU_NOW_MS));
    gu_follow(&t.p[2], dt_buf_view(&out.commit));
    assert_int_equal(mls_group_n_members(t.p[0].group), 3 + N);
    mls_commit_out_clear(&out);
    gu_party_clear(&first);
    trio_clear(&t);
    return n;
}

static void
test_section_12_2_one_bad_among_many(void **state)
{
    size_t without = cost(false);
    size_t with = cost(true);

    (void)state;
    assert_true(without >= 2 * (size_t)N);
    assert_in_range(with, without, without + 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_12_2_one_bad_among_many),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
