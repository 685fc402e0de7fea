/*
 * tests/mls/test_saved.c - a group saved in parts (mls/saved.h): little is written for a message,
 * nothing is missed, what is consumed is gone, and no other set of parts loads.
 *
 * RFC 9420 section 9.2.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "group_util.h"

#define MANY 130u

static const struct mls_psk_list no_psks = {NULL, 0};

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

/* Ada and bob, among ${n} members in all, whose other keys are forgotten. */
static void
crowd(struct gu_party *p, uint32_t n)
{
    struct dt_view *adds = calloc(n - 1, sizeof *adds);
    struct gu_party *others = calloc(n - 2, sizeof *others);
    struct mls_commit_opts opts = {.adds = adds, .n_adds = n - 1, .lifetime = gu_no_clock};
    struct mls_commit_out out = {0};

    assert_non_null(adds);
    assert_non_null(others);
    gu_party_init(&p[0], 1, "ada");
    gu_party_init(&p[1], 1, "bob");
    gu_create(&p[0]);
    adds[0] = dt_buf_view(&p[1].key_package);
    for (uint32_t i = 0; i < n - 2; i++) {
        gu_party_init(&others[i], 1, "other");
        adds[i + 1] = dt_buf_view(&others[i].key_package);
    }
    assert_ok(mls_group_commit(p[0].group, &opts, &out));
    assert_ok(mls_group_take_pending(p[0].group, GU_NOW_MS));
    gu_join(&p[1], dt_buf_view(&out.welcome), no_psks);
    mls_commit_out_clear(&out);
    for (uint32_t i = 0; i < n - 2; i++)
        gu_party_clear(&others[i]);
    free(others);
    free(adds);
}

static void
clear(struct gu_party *p)
{
    gu_party_clear(&p[0]);
    gu_party_clear(&p[1]);
}

/* The first message of a sender opens its leaf: nodes by the logarithm. The next one writes its two
 * ratchets alone. On both sides. */
static void
a_message_writes_little(void **state)
{
    struct gu_party p[2];
    struct dt_buf m;
    size_t all;

    (void)state;
    crowd(p, MANY);
    all = gu_store(&p[0]);
    (void)gu_store(&p[1]);
    assert_true(all > 20000);
    assert_int_equal(gu_store(&p[0]), 0);
    for (size_t i = 0; i < 3; i++) {
        gu_protect(&p[0], "x", &m);
        for (size_t who = 0; who < 2; who++) {
            size_t written;

            if (who == 1)
                gu_hear(&p[1], dt_buf_view(&m), "x");
            written = gu_store(&p[who]);
            assert_in_range(written, 80, i == 0 ? 500 : 110);
        }
        dt_buf_clear(&m);
    }
    gu_reload(&p[0]);
    gu_reload(&p[1]);
    clear(p);
}

static bool
rows_hold(const struct rows *r, struct dt_view what)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->v[i].body.n >= what.n && memmem(r->v[i].body.p, r->v[i].body.n, what.p, what.n))
            return true;
    return false;
}

/* The first row of ${kind} in epoch 1, copied. */
static void
body_of(const struct rows *r, enum mls_part_kind kind, struct dt_buf *out)
{
    dt_buf_init(out, MLS_GROUP_STATE_MAX);
    for (size_t i = 0; i < r->n; i++) {
        if (r->v[i].id[0] == kind && r->v[i].id[8] == 1) {
            assert_ok(dt_buf_append(out, dt_buf_view(&r->v[i].body)));
            return;
        }
    }
    fail_msg("no part of kind %d", (int)kind);
}

/* The secret from which a sender's keys came is in no row any more, nor is the ratchet secret that
 * was used. */
static void
what_is_consumed_is_gone(void **state)
{
    struct gu_party p[2];
    struct dt_buf root, ratchets, m;

    (void)state;
    crowd(p, 5);
    (void)gu_store(&p[0]);
    body_of(&p[0].rows, MLS_PART_NODE, &root);
    assert_int_equal(root.n, 32);
    assert_true(rows_hold(&p[0].rows, dt_buf_view(&root)));
    gu_protect(&p[0], "one", &m);
    (void)gu_store(&p[0]);
    assert_false(rows_hold(&p[0].rows, dt_buf_view(&root)));
    body_of(&p[0].rows, MLS_PART_RATCHETS, &ratchets);
    assert_true(rows_hold(&p[0].rows, dt_view(ratchets.p + ratchets.n - 33, 32)));
    dt_buf_clear(&m);
    gu_protect(&p[0], "two", &m);
    (void)gu_store(&p[0]);
    assert_false(rows_hold(&p[0].rows, dt_view(ratchets.p + ratchets.n - 33, 32)));
    dt_buf_clear(&m);
    dt_buf_wipe(&ratchets);
    dt_buf_wipe(&root);
    clear(p);
}

/* What was given and never stored is given again, with what came since. */
static void
changes_add_up_until_they_are_saved(void **state)
{
    struct gu_party p[2];
    struct mls_parts parts = {0};
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};
    struct dt_buf m;
    size_t first;

    (void)state;
    crowd(p, 3);
    (void)gu_store(&p[0]);
    gu_protect(&p[0], "lost", &m);
    dt_buf_clear(&m);
    assert_ok(mls_group_save_parts(p[0].group, false, &parts));
    assert_false(parts.replace);
    first = parts.n;
    assert_true(first > 1);
    assert_ok(mls_group_commit(p[0].group, &empty, &out));
    assert_ok(mls_group_save_parts(p[0].group, false, &parts));
    assert_int_equal(parts.n, first + 1); /* the pending Commit; its ratchet is in a part already */
    gu_reload(&p[0]);
    mls_group_drop_pending(p[0].group);
    assert_ok(mls_group_save_parts(p[0].group, false, &parts));
    assert_int_equal(parts.n, 1);
    assert_true(parts.v[0].gone);
    assert_int_equal(parts.v[0].id[0], MLS_PART_PENDING);
    gu_reload(&p[0]);
    gu_commit(&p[0], &empty, (struct gu_party *[]){&p[0], &p[1]}, 2, NULL);
    assert_ok(mls_group_save_parts(p[0].group, false, &parts));
    assert_true(parts.replace); /* another epoch */
    gu_reload(&p[0]);
    mls_group_expire(p[0].group, UINT64_MAX);
    assert_ok(mls_group_save_parts(p[0].group, false, &parts));
    assert_true(parts.replace); /* a past epoch less */
    gu_reload(&p[0]);
    mls_parts_clear(&parts);
    mls_commit_out_clear(&out);
    clear(p);
}

/* More changes than are counted one by one: then it is all of them. */
static void
very_many_changes(void **state)
{
    struct gu_party p[80];
    struct gu_party *all[80];
    struct mls_parts parts = {0};

    (void)state;
    for (size_t i = 0; i < 80; i++) {
        all[i] = &p[i];
        gu_party_init(&p[i], 1, "member");
    }
    gu_create(&p[0]);
    {
        struct dt_view adds[79];
        struct mls_commit_opts opts = {.adds = adds, .n_adds = 79, .lifetime = gu_no_clock};
        struct mls_commit_out out = {0};

        for (size_t i = 0; i < 79; i++)
            adds[i] = dt_buf_view(&p[i + 1].key_package);
        assert_ok(mls_group_commit(p[0].group, &opts, &out));
        assert_ok(mls_group_take_pending(p[0].group, GU_NOW_MS));
        for (size_t i = 1; i < 80; i++)
            gu_join(&p[i], dt_buf_view(&out.welcome), no_psks);
        mls_commit_out_clear(&out);
    }
    (void)gu_store(&p[0]);
    for (size_t i = 1; i < 80; i++) {
        struct dt_buf m;

        gu_protect(&p[i], "hello", &m);
        gu_hear(&p[0], dt_buf_view(&m), "hello");
        dt_buf_clear(&m);
        assert_ok(mls_group_save_parts(p[0].group, false, &parts));
        if (i < 10)
            assert_false(parts.replace);
    }
    assert_true(parts.replace);
    gu_reload(&p[0]);
    mls_parts_clear(&parts);
    for (size_t i = 0; i < 80; i++)
        gu_party_clear(all[i]);
}

/* ---- hostile parts ---- */

static void
refused(const struct rows *r)
{
    struct mls_group *g = NULL;

    assert_int_not_equal(rows_load(r, &g), DT_OK);
    assert_null(g);
}

static void
put(struct rows *r, const uint8_t *id, struct dt_view body)
{
    r->v = dt_realloc(r->v, r->n + 1, sizeof *r->v);
    assert_non_null(r->v);
    memcpy(r->v[r->n].id, id, MLS_PART_ID);
    dt_buf_init(&r->v[r->n].body, MLS_GROUP_STATE_MAX);
    assert_ok(dt_buf_append(&r->v[r->n].body, body));
    r->n++;
}

/* Every part taken away, given twice, put under another id, or cut: no group comes of it. */
static void
no_other_set_of_parts_loads(void **state)
{
    struct gu_party p[2];
    struct gu_party *all[] = {&p[0], &p[1]};
    struct mls_commit_opts empty = {0};
    struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_propose_opts propose = {.kind = MLS_PROPOSE_PRIVATE,
                                       .private_use = {GU_WARRANT, dt_view_str("later")}};
    struct mls_commit_out out = {0};
    struct rows r = {0};
    struct dt_buf m;

    (void)state;
    crowd(p, 3);
    gu_protect(&p[1], "skipped", &m);
    dt_buf_clear(&m);
    gu_say(&p[1], "read", all, 2);
    gu_commit(&p[0], &empty, all, 2, NULL);
    gu_say(&p[0], "a word", all, 2);
    dt_buf_init(&m, MLS_MESSAGE_MAX);
    assert_ok(mls_group_propose(p[0].group, &propose, &m));
    assert_ok(mls_group_commit(p[0].group, &cached, &out));
    (void)gu_store(&p[0]);
    r = p[0].rows;
    assert_true(r.n >= 10);
    for (size_t i = 0; i < r.n; i++) {
        struct row kept = r.v[i];

        r.v[i] = r.v[r.n - 1]; /* missing */
        r.n--;
        if (kept.id[0] != MLS_PART_PENDING) /* which may be there, or not */
            refused(&r);
        r.n++;
        r.v[r.n - 1] = r.v[i];
        r.v[i] = kept;
        for (size_t at = 0; at < MLS_PART_ID; at++) {
            r.v[i].id[at] ^= 1; /* of another kind, epoch, number */
            refused(&r);
            r.v[i].id[at] ^= 1;
        }
        r.v[i].body.n--; /* cut */
        refused(&r);
        r.v[i].body.n++;
        put(&r, kept.id, dt_buf_view(&kept.body)); /* twice */
        refused(&r);
        dt_buf_wipe(&r.v[--r.n].body);
    }
    put(&r, (const uint8_t[MLS_PART_ID]){8}, dt_view_str("?")); /* of no kind */
    refused(&r);
    dt_buf_wipe(&r.v[--r.n].body);
    p[0].rows = r;
    gu_reload(&p[0]); /* all is as it was */
    dt_buf_clear(&m);
    mls_commit_out_clear(&out);
    clear(p);
}

/* The group's row alone; and one with a byte behind what it holds. */
static void
the_row_of_the_group(void **state)
{
    struct gu_party p[2];
    struct rows *r;
    size_t n;

    (void)state;
    crowd(p, 3);
    (void)gu_store(&p[0]);
    r = &p[0].rows;
    n = r->n;
    assert_int_equal(r->v[0].id[0], MLS_PART_GROUP);
    r->n = 1;
    refused(r);
    r->n = n;
    assert_ok(dt_buf_append(&r->v[0].body, dt_view_str("x")));
    refused(r);
    r->v[0].body.n--;
    gu_reload(&p[0]);
    clear(p);
}

/* Nor a part that is said to be gone, with all that it held. */
static void
no_part_that_is_gone(void **state)
{
    struct gu_party p[2];
    struct mls_parts parts = {0};
    struct mls_group *g = NULL;

    (void)state;
    crowd(p, 3);
    assert_ok(mls_group_save_parts(p[0].group, true, &parts));
    assert_true(parts.n >= 3);
    for (size_t i = 0; i < parts.n; i++) {
        parts.v[i].gone = true;
        assert_err(DT_ERR_FORMAT, mls_group_load_parts(parts.v, parts.n, &g));
        assert_null(g);
        parts.v[i].gone = false;
    }
    assert_ok(mls_group_load_parts(parts.v, parts.n, &g));
    mls_group_free(g);
    mls_parts_clear(&parts);
    clear(p);
}

/* The rows of an epoch that has ended are not put beside those of the next. */
static void
no_rows_of_two_epochs(void **state)
{
    struct gu_party p[2];
    struct gu_party *all[] = {&p[0], &p[1]};
    struct mls_commit_opts empty = {0};
    struct rows before = {0};

    (void)state;
    crowd(p, 3);
    (void)gu_store(&p[0]);
    before = p[0].rows;
    p[0].rows = (struct rows){0};
    gu_commit(&p[1], &empty, all, 2, NULL);
    (void)gu_store(&p[0]);
    for (size_t i = 0; i < before.n; i++) {
        put(&p[0].rows, before.v[i].id, dt_buf_view(&before.v[i].body));
        refused(&p[0].rows);
        dt_buf_wipe(&p[0].rows.v[--p[0].rows.n].body);
    }
    gu_reload(&p[0]);
    rows_clear(&before);
    refused(&before); /* none at all */
    clear(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_writes_little),
        cmocka_unit_test(what_is_consumed_is_gone),
        cmocka_unit_test(changes_add_up_until_they_are_saved),
        cmocka_unit_test(very_many_changes),
        cmocka_unit_test(no_other_set_of_parts_loads),
        cmocka_unit_test(the_row_of_the_group),
        cmocka_unit_test(no_part_that_is_gone),
        cmocka_unit_test(no_rows_of_two_epochs),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
