/*
 * tests/agent/test_amendment.c - the relay is lost with its store and the register's key: the homes
 * take in an amendment and go on; what is not theirs to believe, they refuse; what was under way is
 * said again or said to be lost.
 */
#include "../db/countdown.h"
#include "agent/home/amendment.h"
#include "agent/register/store.h"
#include "base/mem.h"
#include "db/db.h"
#include "record/amendment.h"
#include "three.h"

/* ---- the loss ---- */

static void
seal_into(struct dt_agent *a, uint8_t n)
{
    uint8_t seal[32];

    memset(seal, n, sizeof seal);
    ok(dt_agent_register_submit(a, seal));
    ok(dt_agent_register_sync(a, NULL));
}

static uint64_t
held(struct dt_agent *a)
{
    struct dt_register_report r;

    ok(dt_agent_register_status(a, &r));
    return r.size;
}

/* An amendment of ${size} entries with ${root}, to the register of the world's grants, signed by
 * all roots. */
static void
make_amendment(struct three *t, uint64_t size, const struct tlog_hash *root, struct dt_buf *out)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    const struct dt_charter *c = dt_agent_charter(t->a[0]);
    struct dt_charter next = *c;
    const struct dt_amendment_parts parts = {
        .next = &next, .last_size = size, .last_root = *root, .made_ms = 1760000000001};
    struct dt_grant g;

    ok(dt_grant_read(dt_buf_view(&t->w.grant[0]), &g));
    next.relays[0] = dt_view_str(g.relay);
    next.register_origin = dt_view_str(g.origin);
    next.register_vkey = dt_view_str(g.vkey);
    ok(dt_amendment_draft(c, &parts, &am));
    for (size_t i = 0; i < N_PARTIES; i++)
        ok(dt_amendment_sign(&am, c, dt_view_of(t->w.root[i])));
    ok(dt_amendment_encode(&am, out));
    dt_grant_wipe(&g);
}

/* The relay is replaced by one that continues the first ${size} entries that ${who} holds. */
static void
replace(struct three *t, size_t who, uint64_t size, struct dt_buf *amendment)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf entries = DT_BUF_INIT(1u << 20);
    struct tlog_hash root;

    ok(dt_agent_register_good(t->a[who], size, &root, &entries));
    world_relay_replace(&t->w, dt_buf_view(&entries));
    make_amendment(t, size, &root, amendment);
}

static enum dt_err
take_in(struct three *t, size_t who, const struct dt_buf *amendment, struct dt_amend_report *r)
{
    const struct dt_view one = dt_buf_view(amendment);
    const struct dt_amend_params params = {
        .amendments = &one, .n = 1, .grant = dt_buf_view(&t->w.grant[who])};

    *r = (struct dt_amend_report){0};
    return dt_agent_amend(t->a[who], &params, r);
}

static void
all_take_in(struct three *t, const struct dt_buf *amendment)
{
    struct dt_amend_report r;

    for (size_t i = 0; i < 3; i++)
        ok(take_in(t, i, amendment, &r));
}

static void
sync_all(struct three *t, unsigned int rounds)
{
    world_sync(t->a, 3, rounds);
    for (size_t i = 0; i < 3; i++)
        ok(dt_agent_register_sync(t->a[i], NULL));
    for (size_t i = 0; i < 3; i++)
        ok(dt_agent_register_sync(t->a[i], NULL));
}

/* ---- going on ---- */

static void
goes_on(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    struct dt_amend_report r;

    seal_into(t->a[BLUE], 1);
    seal_into(t->a[RED], 2);
    sync_all(t, 1);
    is(held(t->a[0]), 2);
    world_say(t->a[BLUE], t->gid, "before");
    world_sync(t->a, 3, 3);
    world_say(t->a[RED], t->gid, "waiting when it died"); /* not sent yet */
    replace(t, 0, 2, &am);
    ok(take_in(t, BLUE, &am, &r));
    is(r.taken, 1);
    is(r.cut, 0);
    is(r.channels, 1);
    assert_true(r.compared);
    is(r.again, 1); /* the amendment's own seal */
    ok(take_in(t, BLUE, &am, &r));
    is(r.taken, 0);
    is(r.already, 1);
    assert_true(!world_channel(t->a[BLUE], t->gid).confirmed);
    ok(take_in(t, RED, &am, &r));
    ok(take_in(t, MEDIATOR, &am, &r));
    sync_all(t, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_true(world_channel(t->a[i], t->gid).confirmed);
        is(dt_agent_amended(t->a[i]).n_registers, 1);
        is(dt_agent_amended(t->a[i]).last_size, 2);
        is(held(t->a[i]), 3); /* with the amendment's seal, once */
    }
    world_all_have_once(t->a, 3, t->gid, "before");
    world_all_have_once(t->a, 3, t->gid, "waiting when it died");
    world_say(t->a[MEDIATOR], t->gid, "after");
    world_sync(t->a, 3, 3);
    world_all_have_once(t->a, 3, t->gid, "after");
    seal_into(t->a[RED], 3);
    sync_all(t, 1);
    is(held(t->a[BLUE]), 4);
    three_no_alarms(t);
    /* It is so after the next start. */
    dt_agent_close_p(&t->a[RED]);
    t->a[RED] = world_open(&t->w, "red-1");
    is(dt_agent_amended(t->a[RED]).n, 1);
    sync_all(t, 1);
    three_no_alarms(t);
}

/* And again: the second relay is lost too; one home hears of both amendments at once. */
static void
twice(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf first = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf second = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    struct dt_amend_report r;
    struct dt_view both[2];
    struct dt_amend_params params = {.amendments = both, .n = 2};

    seal_into(t->a[BLUE], 1);
    sync_all(t, 1);
    replace(t, 0, 1, &first);
    ok(take_in(t, MEDIATOR, &first, &r));
    ok(take_in(t, BLUE, &first, &r));
    world_sync(t->a, 2, 4);
    ok(dt_agent_register_sync(t->a[MEDIATOR], NULL));
    ok(dt_agent_register_sync(t->a[BLUE], NULL));
    seal_into(t->a[BLUE], 2);
    ok(dt_agent_register_sync(t->a[MEDIATOR], NULL));
    replace(t, 0, 3, &second);
    is(take_in(t, RED, &second, &r), DT_ERR_CONFLICT); /* the first one lacks */
    ok(take_in(t, MEDIATOR, &second, &r));
    ok(take_in(t, BLUE, &second, &r));
    both[0] = dt_buf_view(&first);
    both[1] = dt_buf_view(&second);
    params.grant = dt_buf_view(&t->w.grant[RED]);
    ok(dt_agent_amend(t->a[RED], &params, &r));
    is(r.taken, 2);
    is(r.last_size, 1); /* what follows comes from the register that is left */
    sync_all(t, 5);
    for (size_t i = 0; i < 3; i++) {
        assert_true(world_channel(t->a[i], t->gid).confirmed);
        is(held(t->a[i]), 4);
    }
    /* What was said at the relay between, red was not shown, and is told so. */
    is(world_alarms(t->a[MEDIATOR], 0) + world_alarms(t->a[BLUE], 0), 0);
    assert_true(world_alarms(t->a[RED], ANY_ALARM) > 0);
}

/* Our own seals behind the last good size go in again, and others' are awaited. */
static void
behind_the_end(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    struct dt_amend_report r;

    seal_into(t->a[BLUE], 1);
    sync_all(t, 1);
    seal_into(t->a[RED], 2); /* only red and the lost relay know */
    is(held(t->a[RED]), 2);
    replace(t, BLUE, 1, &am);
    ok(take_in(t, RED, &am, &r));
    is(r.cut, 1);
    is(r.cut_attested, 0);
    is(held(t->a[RED]), 1);
    ok(take_in(t, BLUE, &am, &r));
    ok(take_in(t, MEDIATOR, &am, &r));
    sync_all(t, 4);
    is(held(t->a[RED]), 2); /* the amendment; the seal above is of no record */
    three_no_alarms(t);
}

/* ---- what was under way ---- */

/* A Commit that was made and not sent is made anew. */
static void
commit_under_way(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    uint64_t epoch = world_channel(t->a[BLUE], t->gid).epoch;
    size_t made = 0;

    ok(dt_agent_rotate(t->a[BLUE], t->gid));
    ok(dt_channel_prepare(t->a[BLUE], t->gid, &made));
    assert_true(made > 0 && world_channel(t->a[BLUE], t->gid).commit_pending);
    replace(t, 0, 0, &am);
    all_take_in(t, &am);
    assert_true(!world_channel(t->a[BLUE], t->gid).commit_pending);
    sync_all(t, 6);
    for (size_t i = 0; i < 3; i++) {
        is(world_channel(t->a[i], t->gid).epoch, epoch + 1);
        assert_true(world_channel(t->a[i], t->gid).confirmed);
    }
    three_no_alarms(t);
}

/* Red did not see the last Commit and what was said behind it. It sees that it cannot follow, is
 * answered by nobody as if it could, and is put in anew. */
static void
commit_not_seen(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    uint8_t id[16];

    ok(dt_agent_rotate(t->a[BLUE], t->gid));
    world_sync(t->a, 2, 3); /* mediator and blue */
    three_say(t, BLUE, "red will not have this", id);
    world_sync(t->a, 2, 2);
    replace(t, 0, 0, &am);
    all_take_in(t, &am);
    is(three_alarms(t, BLUE, DT_ALARM_RECEIPT, RED, "it may not have arrived"), 1);
    world_sync(t->a, 3, 3);
    assert_true(!world_channel(t->a[RED], t->gid).confirmed);
    assert_true(world_alarms(t->a[RED], ANY_ALARM) > 0);
    ok(dt_agent_rejoin(t->a[RED], t->gid));
    world_sync(t->a, 3, 8);
    three_is_back(t->a[RED], t->gid);
    world_say(t->a[RED], t->gid, "back");
    world_sync(t->a, 3, 3);
    world_all_have_once(t->a, 3, t->gid, "back");
}

/* ---- refused ---- */

static void
other_root(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    struct dt_amend_report r;
    struct tlog_hash root;

    seal_into(t->a[BLUE], 1);
    seal_into(t->a[BLUE], 2);
    ok(dt_agent_register_good(t->a[BLUE], 1, &root, NULL));
    world_relay_replace(&t->w, dt_view(NULL, 0));
    make_amendment(t, 2, &root, &am);
    is(take_in(t, BLUE, &am, &r), DT_ERR_PROOF);
    is(dt_agent_amended(t->a[BLUE]).n, 0);
    is(held(t->a[BLUE]), 2);
    is(world_alarms(t->a[BLUE], DT_ALARM_REGISTER), 1);
    world_said(t->a[BLUE], DT_ALARM_REGISTER, "an amendment names 2 entries of the register");
}

/* The home holds less than the amendment names; the new register begins with something else. */
static void
other_beginning(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf entries = DT_BUF_INIT(1u << 20);
    struct three *t = *state;
    struct dt_amend_report r;
    struct tlog_hash root;

    seal_into(t->a[BLUE], 1);
    sync_all(t, 1);
    seal_into(t->a[BLUE], 2);
    seal_into(t->a[BLUE], 3);
    ok(dt_agent_register_good(t->a[BLUE], 3, &root, &entries));
    entries.p[2 * DT_REGISTER_ENTRY + 1] ^= 1;
    world_relay_replace(&t->w, dt_buf_view(&entries));
    make_amendment(t, 3, &root, &am);
    ok(take_in(t, RED, &am, &r));
    assert_true(!r.compared);
    is(dt_agent_register_sync(t->a[RED], NULL), DT_ERR_PROOF);
    assert_non_null(strstr(dt_err_message(), "does not begin with the 3 entries"));
    is(held(t->a[RED]), 1);
    ok(take_in(t, BLUE, &am, &r));
    is(dt_agent_register_sync(t->a[BLUE], NULL), DT_ERR_PROOF);
    is(held(t->a[BLUE]), 3);
}

/* Another process of the home holds the old charter in its memory. */
static void
two_processes(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    struct dt_agent *other = world_open(&t->w, "red-1");
    struct dt_amend_report r;

    replace(t, 0, 0, &am);
    ok(take_in(t, RED, &am, &r));
    is(dt_agent_amended(other).n, 0);
    ok(dt_store_begin(other->store));
    is(dt_agent_is_current(other), DT_ERR_STATE);
    dt_store_rollback(other->store);
    ok(dt_agent_sync(other, NULL)); /* by the new relay */
    is(dt_agent_amended(other).n, 1);
    ok(dt_agent_register_sync(other, NULL));
    is(held(other), 1);
    dt_agent_close(other);
}

/* ---- the copy of the register, cut ---- */

static void
cut(void **state)
{
    struct three *t = *state;
    struct dt_agent *a = t->a[0];
    struct tlog_frontier f = {0};
    struct tlog_hash want, got;
    uint8_t entry[DT_REGISTER_ENTRY] = {1};
    bool there = false;

    ok(dt_store_begin(a->store));
    for (uint32_t i = 0; i < 600; i++) {
        struct tlog_hash leaf;

        entry[1] = (uint8_t)(i >> 8);
        entry[2] = (uint8_t)i;
        ok(dt_register_entry_put(a, i, dt_view_of(entry)));
        ok(tlog_leaf_hash(dt_view_of(entry), &leaf));
        ok(tlog_frontier_append(&f, &leaf));
        if (i == 299)
            ok(tlog_frontier_root(&f, &want));
    }
    ok(dt_register_tree_put(a, &f));
    ok(dt_store_commit(a->store));
    for (uint64_t size = 512;; size = 300) { /* at the edge of a bundle, and within one */
        ok(dt_store_begin(a->store));
        ok(dt_register_cut(a, size));
        ok(dt_store_commit(a->store));
        is(held(a), size);
        is(dt_register_root_at(a, size + 1, &got) == DT_OK, 0);
        if (size == 300)
            break;
    }
    ok(dt_agent_register_good(a, 300, &got, NULL));
    assert_true(tlog_hash_equal(&want, &got));
    ok(dt_register_tree(a, &f));
    ok(tlog_frontier_root(&f, &got));
    assert_true(tlog_hash_equal(&want, &got));
    for (uint32_t i = 298; i < 302; i++) {
        entry[1] = (uint8_t)(i >> 8);
        entry[2] = (uint8_t)i;
        ok(dt_store_has(a->store, "register_seal", dt_view(entry + 1, 32), &there));
        assert_true(there == (i < 300));
    }
    entry[3] = 7; /* and it grows again */
    ok(dt_store_begin(a->store));
    ok(dt_register_entry_put(a, 300, dt_view_of(entry)));
    ok(dt_store_commit(a->store));
}

/* ---- all or nothing ---- */

static void
all_or_nothing(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    bool done = false;

    seal_into(t->a[RED], 1);
    seal_into(t->a[RED], 2);
    world_say(t->a[RED], t->gid, "under a fault");
    replace(t, RED, 1, &am);
    for (unsigned int i = 0; !done; i++) {
        struct countdown c = {.left = i};
        struct dt_amend_report r;
        enum dt_err err;

        dt_db_fault(at_zero, &c);
        err = take_in(t, RED, &am, &r);
        dt_db_fault(NULL, NULL);
        done = !c.hit;
        if (done)
            ok(err);
        dt_agent_close_p(&t->a[RED]);
        t->a[RED] = world_open(&t->w, "red-1");
        /* Whole or not at all; what fails behind the commit is only said. */
        if (dt_agent_amended(t->a[RED]).n == 1)
            done = true;
        is(held(t->a[RED]), done ? 1 : 2);
        assert_true(i < 5000);
    }
    is(dt_agent_amended(t->a[RED]).n, 1);
    is(held(t->a[RED]), 1);
    for (size_t i = 0; i < 2; i++) {
        struct dt_amend_report r;

        ok(take_in(t, i, &am, &r));
    }
    sync_all(t, 5);
    world_all_have_once(t->a, 3, t->gid, "under a fault");
    three_no_alarms(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_on, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(twice, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(behind_the_end, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(commit_under_way, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(commit_not_seen, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(other_root, three_homes, three_tear_down),
        cmocka_unit_test_setup_teardown(other_beginning, three_homes, three_tear_down),
        cmocka_unit_test_setup_teardown(two_processes, three_homes, three_tear_down),
        cmocka_unit_test_setup_teardown(cut, three_homes, three_tear_down),
        cmocka_unit_test_setup_teardown(all_or_nothing, three_set_up, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
