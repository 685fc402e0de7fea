/*
 * tests/agent/test_release.c - session keys: replaced, closed, released; and after that, nothing
 * under them is taken as new. Real homes over a real relay.
 *
 * Source: docs/protocol-channel.md "Session keys".
 */
#include "agent/talk/session_internal.h"
#include "base/mem.h"

#include "forge.h"
#include "search.h"
#include "three.h"

#define MINUTE (UINT64_C(60) * 1000)

/* A second delegate of blue's as the fourth, and the plenary of the three. */
static int
release_four(void **state)
{
    struct three *t;

    is(three_and_second(state), 0);
    t = *state;
    world_found(t->a, 3, DT_CHANNEL_PLENARY, "plenary", t->gid);
    return 0;
}

/* ---- what tests ask ---- */

static struct dt_unreleased *
unreleased(struct three *t, size_t who, size_t *out_n)
{
    struct dt_unreleased *v = NULL;

    ok(dt_agent_unreleased(t->a[who], t->gid, &v, out_n));
    return v;
}

static uint64_t
released(struct three *t, size_t who)
{
    uint64_t n = 0;

    ok(dt_agent_released_count(t->a[who], t->gid, &n));
    return n;
}

static size_t
past_epochs(struct three *t, size_t who)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

    ok(dt_channel_load(t->a[who], t->gid, &ch));
    return mls_group_n_past(ch.group);
}

/* For whom the oldest key waits, in the eyes of ${who}; SIZE_MAX: none is left. */
static size_t
oldest_waits(struct three *t, size_t who)
{
    size_t n = 0, waits;
    struct dt_unreleased *v = unreleased(t, who, &n);

    waits = n == 0 ? SIZE_MAX : v[0].n_waits;
    dt_free(v);
    return waits;
}

static void
pass(struct three *t, uint64_t ms, size_t n)
{
    t->w.offset_ms += ms;
    world_sync(t->a, n, 6);
}

/* All replace their first keys, which all then close. */
static void
replace_and_close(struct three *t, size_t n)
{
    pass(t, DT_MS_DAY + MINUTE, n);
    pass(t, DT_MS_HOUR + MINUTE, n);
}

/* The key of ${owner}'s leaf that was released, as ${who} was given it. */
static void
released_key(struct three *t, size_t who, size_t owner, struct dt_released *out)
{
    uint64_t at = 0;
    uint8_t hash[32];

    world_letter_hash(t->a[owner], hash);
    for (;;) {
        struct dt_voucher v;

        dt_released_clear(out);
        *out = (struct dt_released){0};
        ok(dt_agent_released_next(t->a[who], t->gid, &at, out));
        ok(dt_voucher_decode(out->voucher, &v));
        if (memcmp(v.letter_hash, hash, 32) == 0)
            return;
    }
}

/* ---- the way of a key ---- */

static void
is_released_when_all_have_closed(void **state)
{
    struct three *t = *state;
    struct dt_unreleased *v;
    size_t n = 0;

    for (size_t i = 0; i < 3; i++)
        three_say(t, i, i == 0 ? "one" : i == 1 ? "two" : "three", (uint8_t[16]){0});
    world_sync(t->a, 3, 3);
    v = unreleased(t, 0, &n);
    is(n, 0);
    dt_free(v);

    /* A day old: each is replaced. */
    pass(t, DT_MS_DAY + MINUTE, 3);
    is(world_channel(t->a[0], t->gid).epoch, 4);
    for (size_t i = 0; i < 3; i++) {
        v = unreleased(t, i, &n);
        is(n, 3);
        for (size_t k = 0; k < n; k++) {
            is(v[k].serial, 0);
            is(v[k].epoch, k + 1);
            is(v[k].n_waits, 3);
            assert_false(v[k].gone);
            assert_true(v[k].known);
            assert_true(v[k].until_ms > v[k].replaced_ms + 3 * DT_MS_DAY - MINUTE);
        }
        dt_free(v);
        assert_true(past_epochs(t, i) > 0);
    }
    /* Not before its time: within the hour nobody calls. */
    pass(t, DT_MS_HOUR - 5 * MINUTE, 3);
    is(oldest_waits(t, 0), 3);
    pass(t, 6 * MINUTE, 3);
    for (size_t i = 0; i < 3; i++) {
        v = unreleased(t, i, &n);
        is(n, 3);
        for (size_t k = 0; k < n; k++)
            is(v[k].n_waits, 0);
        dt_free(v);
        is(past_epochs(t, i), 0); /* nothing of theirs can be read any more */
        is(released(t, i), 0);
    }
    /* Closed by all, but the vouchers hold: for a joiner these keys would still speak. */
    pass(t, DT_MS_DAY, 3);
    pass(t, DT_MS_DAY, 3);
    pass(t, DT_MS_DAY - 2 * DT_MS_HOUR, 3);
    for (size_t i = 0; i < 3; i++)
        is(released(t, i), 0);
    pass(t, 2 * DT_MS_HOUR, 3); /* 4 days and an hour after the founding, and a little */
    for (size_t i = 0; i < 3; i++) {
        is(released(t, i), 3);
        v = unreleased(t, i, &n);
        for (size_t k = 0; k < n; k++)
            assert_true(v[k].serial > 0);
        dt_free(v);
    }
    world_all_have_once(t->a, 3, t->gid, "one");
    world_all_have_once(t->a, 3, t->gid, "three");
    three_no_alarms(t);
}

/* What it gives away is the private half of the key that signed. */
static void
gives_the_key_that_signed(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_released_clear) struct dt_released key = {0};
    DT_CLEANUP(dt_channel_clear) struct dt_channel first = {0};
    uint8_t pub[32], hash[32];
    struct mls_member m;

    ok(dt_channel_load(t->a[2], t->gid, &first));
    replace_and_close(t, 3);
    pass(t, 3 * DT_MS_DAY, 3);
    released_key(t, 2, BLUE, &key);
    ok(dt_ed25519_pub(key.seed, pub));
    world_letter_hash(t->a[BLUE], hash);
    is(key.leaf, world_leaf(t->a[2], t->gid, hash));
    assert_true(mls_group_member(first.group, key.leaf, &m));
    assert_true(dt_view_equal(m.signature_key, dt_view_of(pub)));
}

static void
interval(void **state)
{
    struct three *t = *state;
    uint64_t every = 0;

    is(dt_agent_rotate_every(t->a[0], DT_ROTATE_EVERY_MIN_MS - 1), DT_ERR_RANGE);
    is(dt_agent_rotate_every(t->a[0], DT_ROTATE_EVERY_MAX_MS + 1), DT_ERR_RANGE);
    ok(dt_agent_rotates_every(t->a[0], &every));
    is(every, DT_ROTATE_EVERY_MS);
    ok(dt_agent_rotate_every(t->a[0], 6 * DT_MS_HOUR));
    dt_agent_close_p(&t->a[0]);
    t->a[0] = world_open(&t->w, "envoy");
    pass(t, 6 * DT_MS_HOUR + MINUTE, 3);
    is(world_channel(t->a[0], t->gid).epoch, 2);
    pass(t, 6 * DT_MS_HOUR + MINUTE, 3);
    is(world_channel(t->a[0], t->gid).epoch, 3);
}

/* A leaf that does not answer holds all releases up, and every home says for whom it waits. Its own
 * party removes it: then they go on. */
static void
waits_for_who_does_not_answer(void **state)
{
    struct three *t = *state;
    struct dt_unreleased *v;
    uint8_t request[16], hash[32];
    size_t n = 0;

    world_letter_hash(t->a[3], hash);
    ok(dt_agent_request_admission(t->a[1], t->gid, hash, request));
    world_sync(t->a, 4, 1);
    world_accept(t->a[3]);
    world_sync(t->a, 4, 2);
    ok(dt_agent_approve(t->a[0], request));
    ok(dt_agent_approve(t->a[2], request));
    world_sync(t->a, 4, 3);
    ok(dt_agent_commit_admission(t->a[1], request));
    world_sync(t->a, 4, 6);
    is(world_channel(t->a[3], t->gid).members, 4);
    /* The membership change has replaced the keys of those who were there: nobody else's. */
    v = unreleased(t, 0, &n);
    is(n, 3);
    for (size_t k = 0; k < n; k++)
        is(v[k].serial, 0);
    dt_free(v);

    /* blue-2 is switched off. */
    replace_and_close(t, 3);
    pass(t, 3 * DT_MS_DAY, 3);
    pass(t, DT_MS_DAY, 3);
    for (size_t i = 0; i < 3; i++) {
        is(released(t, i), 1); /* of the epoch before blue-2 came, which it closed by coming */
        v = unreleased(t, i, &n);
        assert_true(n >= 3);
        assert_true(v[n - 1].n_waits > 0);
        for (size_t k = 0; k < 2; k++) {
            is(v[k].n_waits, 1);
            assert_string_equal(v[k].waits[0].name, "blue-2");
        }
        dt_free(v);
    }
    ok(dt_agent_remove(t->a[1], t->gid, world_leaf(t->a[1], t->gid, hash)));
    world_sync(t->a, 3, 6);
    pass(t, DT_MS_HOUR + MINUTE, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(released(t, i) >= 3);
    v = unreleased(t, 0, &n);
    for (size_t k = 0; k < n; k++)
        is(v[k].gone, strcmp(v[k].who.name, "blue-2") == 0);
    dt_free(v);
}

/* ---- the line between the epochs ---- */

/* A message of a closed epoch that reaches the queue behind the call counts for nobody, and its
 * author says it again: all have it once, at the same place. */
static void
late_window(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_channel_clear) struct dt_channel other = {0};
    size_t made = 0;
    bool behind = false;

    pass(t, DT_MS_DAY + MINUTE, 3);
    world_say(t->a[2], t->gid, "late");
    ok(dt_channel_prepare(t->a[2], t->gid, &made)); /* sealed in this epoch; not sent */
    is(made, 1);
    ok(dt_agent_rotate(t->a[0], t->gid));
    world_sync(t->a, 2, 3);
    t->w.offset_ms += DT_MS_HOUR + MINUTE;
    world_sync(t->a, 2, 3); /* the call stands before it now */
    world_sync(t->a, 3, 6);
    world_all_have_once(t->a, 3, t->gid, "late");
    ok(dt_channel_load(t->a[0], t->gid, &ch));
    ok(dt_closing_behind(t->a[0], &ch, 4, ch.position + 1, &behind));
    assert_true(behind);
    ok(dt_closing_behind(t->a[0], &ch, mls_group_epoch(ch.group), ch.position + 1, &behind));
    assert_false(behind);
    ok(dt_channel_load(t->a[2], t->gid, &other));
    is(three_arrived(t, 2, (uint8_t[16]){0}), -1);
    /* Nobody says that another holds more. */
    for (size_t i = 0; i < 3; i++) {
        is(world_alarms(t->a[i], DT_ALARM_WITHHELD), 0);
        is(world_alarms(t->a[i], DT_ALARM_RELAY), 0);
    }
}

/* Who says that it holds another number of messages is named. */
static void
another_number_is_told(void **state)
{
    struct three *t = *state;
    struct dt_payload p = {
        .kind = DT_PAYLOAD_CLOSED, .held = true, .first = 1, .epoch = 1, .count = 7};

    world_say(t->a[0], t->gid, "one message");
    world_sync(t->a, 3, 3);
    ok(dt_agent_rotate(t->a[0], t->gid));
    world_sync(t->a, 3, 3);
    ok(dt_random(p.id, 16));
    ok(dt_channel_send(t->a[2], t->gid, &p));
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 2; i++)
        is(three_alarms(t, i, DT_ALARM_WITHHELD, 2, "holds 7 messages of the epochs 1 to 1"), 1);
    /* Of the present epoch nobody can close anything. */
    p.epoch = world_channel(t->a[2], t->gid).epoch;
    p.first = p.epoch;
    ok(dt_random(p.id, 16));
    ok(dt_channel_send(t->a[2], t->gid, &p));
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 2; i++)
        is(three_alarms(t, i, DT_ALARM_CELL, 2, "has not ended"), 1);
}

/* ---- what does not hold ---- */

/* A key that is in use is nobody's to release; nor is another's, or one without its voucher. */
static void
only_ones_own_replaced_key(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf voucher = DT_BUF_INIT(DT_VOUCHER_MAX);
    struct dt_payload p = {.kind = DT_PAYLOAD_RELEASED};
    struct dt_voucher v;
    struct dt_view letter;
    struct mls_member m;

    ok(dt_agent_rotate(t->a[0], t->gid));
    world_sync(t->a, 3, 3);
    ok(dt_channel_load(t->a[2], t->gid, &ch));
    ok(mls_group_signature_key(ch.group, &seed));
    assert_true(mls_group_member(ch.group, mls_group_own_leaf(ch.group), &m));
    ok(dt_credential_decode(m.identity, &letter, &v));
    ok(dt_voucher_encode(&v, &voucher));
    p.key = dt_secret_view(&seed);
    p.voucher = dt_buf_view(&voucher);
    p.epoch = 1;
    ok(dt_random(p.id, 16));
    ok(dt_channel_send(t->a[2], t->gid, &p)); /* red's own, which it uses */
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 2; i++) {
        is(three_alarms(t, i, DT_ALARM_CELL, 2, "that is not replaced"), 1);
        is(released(t, i), 0);
    }
    ok(dt_random(p.id, 16));
    ok(dt_channel_send(t->a[1], t->gid, &p)); /* and blue gives it away */
    world_sync(t->a, 3, 3);
    is(three_alarms(t, 0, DT_ALARM_CELL, 1, "voucher"), 1);
    is(released(t, 0), 0);
    /* Replaced, and released while the voucher holds: told, and kept, for it is out. */
    ok(dt_agent_rotate(t->a[2], t->gid));
    world_sync(t->a, 3, 3);
    p.epoch = world_channel(t->a[2], t->gid).epoch - 1;
    ok(dt_random(p.id, 16));
    ok(dt_channel_send(t->a[2], t->gid, &p));
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 2; i++) {
        is(three_alarms(t, i, DT_ALARM_RELAY, 2, "before its voucher had run out"), 1);
        is(three_alarms(t, i, DT_ALARM_RELAY, 2, "before we had closed epoch"), 1);
        is(released(t, i), 1);
        is(past_epochs(t, i), 0);
    }
}

/* ---- the file ---- */

/* What a home drops leaves no byte in its file: the group's state with the message keys of the
 * epochs, and the key that opens it, when they are closed; the private half of its own session key
 * when that is released (it stands in the payload then). */
static void
what_is_dropped_is_gone(void **state)
{
    struct three *t = *state;
    struct values group = {0}, key = {0}, spent = {0};

    world_say(t->a[0], t->gid, "something");
    world_sync(t->a, 3, 3);
    pass(t, DT_MS_DAY + MINUTE, 3);
    assert_true(past_epochs(t, 2) > 0);
    values_of(&t->w, "red-1", "group_state", &group);
    values_of(&t->w, "red-1", "group_key", &key);
    is(group.n, 1);
    is(key.n, 1);
    assert_true(values_left(&t->w, "red-1", &group) > 0);
    assert_true(values_left(&t->w, "red-1", &key) > 0);
    pass(t, DT_MS_HOUR + MINUTE, 3);
    is(past_epochs(t, 2), 0);
    is(values_left(&t->w, "red-1", &group), 0);
    is(values_left(&t->w, "red-1", &key), 0);

    values_of(&t->w, "red-1", "spent", &spent);
    is(spent.n, 3);
    assert_true(values_left(&t->w, "red-1", &spent) >= 3);
    pass(t, DT_MS_DAY, 3);
    pass(t, DT_MS_DAY, 3);
    pass(t, DT_MS_DAY, 3);
    is(released(t, 2), 3);
    is(values_left(&t->w, "red-1", &spent), 0);
    values_clear(&group);
    values_clear(&key);
    values_clear(&spent);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_released_when_all_have_closed, three_set_up,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(gives_the_key_that_signed, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(interval, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(waits_for_who_does_not_answer, release_four,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(late_window, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(another_number_is_told, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(only_ones_own_replaced_key, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(what_is_dropped_is_gone, three_set_up, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
