/*
 * tests/agent/test_memory.c - the n-th allocation of one step fails, n rising until the step passes
 * without: it ends with "out of memory", or does what it does with memory. Want of memory is never
 * "there is none".
 */
#include "agent/channel/review.h"
#include "agent/talk/receipt_internal.h"
#include "base/mem.h"
#include "trial.h"

static unsigned int left;
static bool fired;

static bool
fails(void *ctx)
{
    (void)ctx;
    if (left == 0 || --left > 0)
        return false;
    fired = true;
    return true;
}

/* ${step} of ${t} under every fault; ${then} looks at what it did when it says that it did it. What
 * it does is undone each time. */
static void
sweep(struct trial *t, struct dt_agent *a, enum dt_err (*step)(struct trial *t),
      void (*then)(struct trial *t), enum dt_err want)
{
    unsigned int n = 0;

    do {
        enum dt_err err;

        ok(dt_store_begin(a->store));
        left = ++n;
        fired = false;
        err = step(t);
        left = 0;
        if (err != want && !(fired && err == DT_ERR_NOMEM))
            fail_msg("allocation %u: error %d, %s", n, (int)err, dt_err_message());
        if (err == want && then != NULL)
            then(t);
        dt_store_rollback(a->store);
    } while (fired);
    assert_true(n > 1);
}

/* ---- the place of a channel in the list ---- */

static enum dt_err
add_again(struct trial *t)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err = dt_channel_load(t->a[0], t->gid, &ch);

    return err != DT_OK ? err : dt_channel_add(t->a[0], &ch);
}

static void
is_first(struct trial *t)
{
    uint8_t gid[32];
    uint64_t at = 0;

    ok(dt_channel_next(t->a[0], &at, gid));
    assert_memory_equal(gid, t->gid, 32);
}

static void
channels_keep_their_places(void **state)
{
    struct trial *t = *state;
    uint8_t other[32];

    world_found(t->a, 3, DT_CHANNEL_TRACK, "track", other);
    sweep(t, t->a[0], add_again, is_first, DT_OK);
}

/* ---- people ---- */

static enum dt_err
accuse(struct trial *t)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct mls_member m;
    enum dt_err err;

    if ((err = dt_channel_load(t->a[0], t->gid, &ch)) != DT_OK)
        return err;
    for (uint32_t leaf = 0; leaf < mls_group_n_leaves(ch.group); leaf++)
        if (mls_group_member(ch.group, leaf, &m) && leaf != mls_group_own_leaf(ch.group))
            return dt_channel_alarm(t->a[0], &ch, DT_ALARM_CELL, 5, &m, "a test");
    return DT_ERR_NOT_FOUND;
}

/* All alarms that the mediator has, there and then, are about somebody. */
static void
somebody(struct trial *t)
{
    DT_CLEANUP(dt_free_p) struct dt_alarm_info *v = NULL;
    size_t n = 0;

    ok(dt_agent_alarms(t->a[0], &v, &n));
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++)
        assert_true(v[i].has_who);
}

static enum dt_err
list_alarms(struct trial *t)
{
    DT_CLEANUP(dt_free_p) struct dt_alarm_info *v = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_alarms(t->a[0], &v, &n);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++)
        if (!v[i].has_who)
            return DT_ERR_NOT_FOUND;
    return n > 0 ? DT_OK : DT_ERR_NOT_FOUND;
}

static enum dt_err
overdue(struct trial *t)
{
    return dt_receipt_overdue(t->a[0], t->gid);
}

static uint8_t said[16];

static enum dt_err
arrivals(struct trial *t)
{
    DT_CLEANUP(dt_free_p) struct dt_arrival *v = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_arrivals(t->a[0], t->gid, dt_view_of(said), &v, &n);

    return err == DT_OK && n != 2 ? DT_ERR_NOT_FOUND : err;
}

static void
alarms_name_members(void **state)
{
    struct trial *t = *state;

    sweep(t, t->a[0], accuse, somebody, DT_OK);
    ok(accuse(t));
    sweep(t, t->a[0], list_alarms, NULL, DT_OK);
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("hello"), said));
    ok(dt_agent_sync(t->a[0], NULL));
    sweep(t, t->a[0], arrivals, NULL, DT_OK);
    t->w.offset_ms += DT_MS_HOUR + DT_MS_MINUTE;
    sweep(t, t->a[0], overdue, somebody, DT_OK);
}

/* ---- members ---- */

static uint8_t member[32];

static enum dt_err
ask_for_a_member(struct trial *t)
{
    uint8_t request[16];

    return dt_agent_request_admission(EVIL(t), t->gid, member, request);
}

static struct dt_wire_item posted;

static enum dt_err
take_posted(struct trial *t)
{
    struct dt_sync_report report = {0};

    return dt_channel_take_cell(t->a[0], t->gid, 1, &posted, NULL, &report);
}

static void
no_new_epoch(struct trial *t)
{
    is(world_channel(t->a[0], t->gid).epoch, t->epoch);
}

/* Red adds blue's second delegate, who is a member, once more: what cannot be looked up of one who
 * is there is no other. */
static void
one_seat(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_admission_clear) struct dt_admission second = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_wire_items items;
    struct dt_view add;
    struct dt_warrant w;
    uint8_t request[16];
    uint64_t last = 0;
    bool more = true;

    world_letter_hash(t->a[0], member);
    sweep(t, EVIL(t), ask_for_a_member, NULL, DT_ERR_EXISTS);
    trial_admission(t, t->gid, request);
    ok(dt_admission_load(EVIL(t), request, &second));
    ok(dt_agent_commit_admission(EVIL(t), t->request));
    world_sync(t->a, 4, 4);
    is(world_channel(t->a[0], t->gid).members, 4);
    t->epoch = world_channel(t->a[0], t->gid).epoch;
    w = mb_add_ground(&second, dt_buf_view(&second.approvals));
    add = dt_buf_view(&second.key_package);
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        opts.lifetime = dt_mls_lifetime(EVIL(t));
        trial_use_warrant(t, &w, &opts);
        ok(mb_commit(&t->red, &opts));
    }
    ok(dt_channel_load(t->a[0], t->gid, &ch));
    ok(dt_relay_read(t->a[0]->queue_http, t->a[0]->grant.relay, ch.queue.address,
                     dt_queue_read_token(&ch.queue), ch.position, 0, &answer));
    ok(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
    ok(dt_wire_items_next(&items, &posted, &more));
    assert_true(more);
    sweep(t, t->a[0], take_posted, no_new_epoch, DT_OK);
    ok(take_posted(t));
    trial_last_alarm(t, 0, DT_ALARM_COMMIT, true, posted.position, "two seats");
}

/* ---- our own Commits ---- */

/* ${a} prepares what it sends under every fault, until it is done: before that all is as it was. */
static void
prepare(struct trial *t, struct dt_agent *a)
{
    unsigned int n = 0;
    size_t made = 0;
    enum dt_err err;

    do {
        left = ++n;
        fired = false;
        err = dt_channel_prepare(a, t->gid, &made);
        left = 0;
        assert_true(err == DT_OK || (fired && err == DT_ERR_NOMEM));
    } while (err != DT_OK);
    assert_true(n > 1);
}

/* What cannot be looked up is not over: a member that asks to be put in anew is put in. */
static void
requests_are_not_dropped(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_sync_report report = {0};
    struct dt_wire_items items;
    struct dt_wire_item item;
    struct dt_agent *a = t->a[0];
    bool ready = false, more = true;
    uint64_t at = 0, last = 0;

    ok(dt_agent_rejoin(t->a[1], t->gid));
    ok(dt_agent_sync(t->a[1], NULL));
    ok(dt_inbox_state(a, &ready, &at));
    ok(dt_relay_read(a->queue_http, a->grant.relay, a->inbox_address,
                     dt_view(a->inbox_tokens.p, 32), at, 0, &answer));
    ok(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
    for (;;) {
        ok(dt_wire_items_next(&items, &item, &more));
        if (!more)
            break;
        ok(dt_inbox_take_cell(a, &item, &report));
    }
    prepare(t, a);
    ok(dt_channel_load(a, t->gid, &ch));
    assert_true(ch.pending);
    is(ch.pending_kind, DT_INTENT_REJOIN);
}

static size_t asked;

static enum dt_err
ask_again(struct trial *t)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err;

    asked = 0;
    if ((err = dt_lapse_load(t->a[1], t->gid, &x)) != DT_OK)
        return err;
    x.wants = true;
    if ((err = dt_lapse_save(t->a[1], t->gid, &x)) != DT_OK)
        return err;
    return dt_rejoin_step(t->a[1], t->gid, &asked);
}

static void
was_asked(struct trial *t)
{
    (void)t;
    is(asked, 1);
}

/* A letter that cannot be read is not "no letter": with that, nobody would be asked. */
static void
asking_is_not_put_off(void **state)
{
    struct trial *t = *state;

    ok(dt_agent_rejoin(t->a[1], t->gid));
    sweep(t, t->a[1], ask_again, was_asked, DT_OK);
}

/* A Commit of ours that cannot be made is given up, and the admission with it. */
static void
admissions_are_given_up(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};

    ok(dt_agent_commit_admission(EVIL(t), t->request));
    ok(dt_admission_load(EVIL(t), t->request, &x));
    is(x.state, DT_ADMISSION_COMMITTING);
    x.key_package.p[x.key_package.n - 1] ^= 1;
    ok(dt_store_begin(EVIL(t)->store));
    ok(dt_admission_save(EVIL(t), &x));
    ok(dt_store_commit(EVIL(t)->store));
    prepare(t, EVIL(t));
    dt_admission_clear(&x);
    ok(dt_admission_load(EVIL(t), t->request, &x));
    is(x.state, DT_ADMISSION_FAILED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(channels_keep_their_places, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(alarms_name_members, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(one_seat, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(requests_are_not_dropped, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(asking_is_not_put_off, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(admissions_are_given_up, trial_set_up, trial_tear_down),
    };

    dt_mem_fault(fails, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
