/*
 * tests/agent/test_receipt_places.c - receipts where the places of messages do not stay: a cell
 * that moves behind a Commit, a queue that is cut before one, a row that newer messages have taken.
 */
#include "base/mem.h"

#include "three.h"

#define MINUTES(n) ((n)*DT_MS_MINUTE)

/* Blue's Commit is kept from the author, who is shown its own message in the Commit's place. Once
 * it is shown the whole, the message stands in the next epoch's transcript, and receipts for that
 * cover it. */
static void
moved_behind_a_commit(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_awaited_clear) struct dt_awaited awaited = {.seq = 0};
    struct crooked x;
    uint64_t end = world_channel(t->a[0], t->gid).position;
    uint8_t id[16];

    crooked_start(&x, &t->w, t->a[0], t->gid);
    x.skip = end + 1;
    ok(dt_agent_rotate(t->a[1], t->gid));
    ok(dt_agent_sync(t->a[1], NULL));
    is(world_channel(t->a[1], t->gid).epoch, 2);
    three_say(t, 0, "across", id);
    is(world_channel(t->a[0], t->gid).epoch, 1);
    is(world_channel(t->a[0], t->gid).position, end + 1);
    x.skip = 0;
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_channel(t->a[0], t->gid).epoch, 2);
    ok(dt_awaited_get(t->a[0], t->gid, dt_view_of(id), &awaited));
    is(awaited.place.position, end + 2);
    is(awaited.epoch, 2);
    world_sync(t->a, 3, 3);
    is(three_arrived(t, 0, id), 2);
    t->w.offset_ms += MINUTES(70);
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_alarms(t->a[0], DT_ALARM_RECEIPT), 0);
    crooked_stop(&x, t->a[0]);
}

/* As above, ending with the Commit that the author has read and that the relay no longer has. */
static void
cut(struct three *t, struct crooked *x, uint8_t theirs[static 16])
{
    uint64_t end = world_channel(t->a[0], t->gid).position;

    crooked_start(x, &t->w, t->a[0], t->gid);
    ok(dt_agent_rotate(t->a[1], t->gid));
    world_sync(t->a + 1, 2, 2);
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_channel(t->a[0], t->gid).epoch, 2);
    is(world_channel(t->a[0], t->gid).position, end + 1);
    x->skip = end + 1;
    ok(dt_agent_sync(t->a[0], NULL));
    assert_true(world_alarms(t->a[0], DT_ALARM_BEHIND) > 0);
    is(world_channel(t->a[0], t->gid).position, end);
    three_say(t, 1, "theirs", theirs);
}

/* What comes behind the cut is of an epoch that begins nowhere: no transcript holds it, nobody is
 * accused, and no receipt is awaited. The next Commit is a new beginning. */
static void
cut_before_a_commit(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_transcript at = {0};
    struct crooked x;
    uint8_t id[3][16];
    bool whole = false;

    cut(t, &x, id[0]);
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_talk_count(t->a[0], t->gid, dt_view_str("theirs")), 1);
    ok(dt_channel_load(t->a[0], t->gid, &ch));
    ok(dt_transcript_whole(t->a[0], &ch, &whole));
    assert_true(whole);
    is(dt_transcript_present(t->a[0], &ch, &at), DT_ERR_NOT_FOUND);
    three_say(t, 0, "ours", id[1]);
    world_sync(t->a, 3, 3);
    t->w.offset_ms += MINUTES(70);
    world_sync(t->a, 3, 2);
    is(three_arrived(t, 0, id[1]), -1);
    is(world_alarms(t->a[0], DT_ALARM_RECEIPT), 0);
    for (size_t i = 0; i < 3; i++)
        is(world_alarms(t->a[i], DT_ALARM_FORK), 0);
    ok(dt_agent_rotate(t->a[1], t->gid));
    world_sync(t->a + 1, 1, 1);
    world_sync(t->a, 3, 2);
    is(world_channel(t->a[0], t->gid).epoch, 3);
    three_say(t, 1, "in a new epoch", id[2]);
    ok(dt_agent_sync(t->a[0], NULL));
    crooked_stop(&x, t->a[0]);
}

/* The relay shows the Commit again: all is as it was. */
static void
cut_mended(void **state)
{
    struct three *t = *state;
    struct crooked x;
    uint8_t id[2][16];

    cut(t, &x, id[0]);
    ok(dt_agent_sync(t->a[0], NULL));
    x.skip = 0;
    world_sync(t->a, 3, 2);
    three_say(t, 0, "ours", id[1]);
    world_sync(t->a, 3, 3);
    is(three_arrived(t, 1, id[0]), 2);
    is(three_arrived(t, 0, id[1]), 2);
    for (size_t i = 0; i < 3; i++)
        is(world_alarms(t->a[i], DT_ALARM_FORK), 0);
    crooked_stop(&x, t->a[0]);
}

/* ---- a row that newer messages have taken ---- */

/* As many messages of the first agent as are remembered, after ${from}. */
static void
many_more(struct three *t, uint64_t from, uint8_t mark)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

    ok(dt_store_begin(t->a[0]->store));
    ok(dt_channel_load(t->a[0], t->gid, &ch));
    for (uint64_t i = 0; i < DT_AWAITED_KEPT; i++) {
        uint8_t id[16] = {mark, (uint8_t)(i >> 8), (uint8_t)i};

        ok(dt_awaited_add(t->a[0], &ch, id, dt_view(NULL, 0), from + i));
    }
    ok(dt_store_commit(t->a[0]->store));
}

/* Red's receipt up to ${position}. */
static void
reds_receipt(struct three *t, uint64_t position)
{
    struct dt_receipt_seat s = {.leaf = 0};
    struct dt_person who;
    uint64_t at = 0;
    bool known = false;

    do {
        ok(dt_receipt_seat_next(t->a[0], t->gid, at, &s));
        at = (uint64_t)s.leaf + 1;
        ok(dt_person_by_hash(t->a[0], s.letter_hash, &known, &who));
        assert_true(known);
    } while (strcmp(who.name, "red-1") != 0);
    ok(dt_store_begin(t->a[0]->store));
    ok(dt_receipt_arrived(t->a[0], t->gid, &s, 1, (struct dt_place){1, position}));
    ok(dt_store_commit(t->a[0]->store));
}

/* What is overdue at red is forgotten for newer messages. A receipt for what stands before it says
 * nothing of it; the case is told once, and is over when red has what is still remembered. */
static void
forgotten_for_newer(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_awaited_clear) struct dt_awaited awaited = {.seq = 0};
    uint64_t end = world_channel(t->a[0], t->gid).position;
    uint8_t id[16];

    three_say(t, 0, "where are you", id);
    t->w.offset_ms += MINUTES(61);
    ok(dt_receipt_overdue(t->a[0], t->gid));
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "no receipt for our message"), 1);
    many_more(t, end + 2, 1);
    is(dt_awaited_get(t->a[0], t->gid, dt_view_of(id), &awaited), DT_ERR_NOT_FOUND);
    reds_receipt(t, end);
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "arrived after"), 0);
    t->w.offset_ms += MINUTES(61);
    ok(dt_receipt_overdue(t->a[0], t->gid));
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "no receipt for our message"), 1);
    reds_receipt(t, end + 1 + DT_AWAITED_KEPT);
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "arrived after 1 h 1 min"), 1);
    /* A new case. This time red has all that is remembered before anybody looks. */
    many_more(t, end + 1000, 2);
    t->w.offset_ms += MINUTES(61);
    ok(dt_receipt_overdue(t->a[0], t->gid));
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "no receipt for our message"), 2);
    many_more(t, end + 2000, 3);
    reds_receipt(t, end + 3000);
    ok(dt_receipt_overdue(t->a[0], t->gid));
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "arrived after"), 1);
    many_more(t, end + 4000, 4);
    t->w.offset_ms += MINUTES(61);
    ok(dt_receipt_overdue(t->a[0], t->gid));
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "no receipt for our message"), 3);
}

/* A seat's row of before ids were in it: what was overdue is found anew. */
static void
seat_of_an_older_store(void **state)
{
    struct three *t = *state;
    struct dt_receipt_seat s = {.leaf = 0};
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint8_t id[16];

    three_say(t, 0, "where are you", id);
    t->w.offset_ms += MINUTES(61);
    ok(dt_receipt_overdue(t->a[0], t->gid));
    is(world_alarms(t->a[0], DT_ALARM_RECEIPT), 2);
    ok(dt_store_next(t->a[0]->store, "receipt", dt_view_of(t->gid), 0, &row));
    is(row.value.p[0], 2);
    row.value.p[0] = 1;
    ok(dt_store_put(t->a[0]->store, "receipt", dt_buf_view(&row.key), dt_view_of(t->gid), row.seq,
                    dt_buf_view(&row.value)));
    ok(dt_receipt_seat_next(t->a[0], t->gid, 0, &s));
    is(s.late_ms, 0);
    ok(dt_receipt_overdue(t->a[0], t->gid));
    is(world_alarms(t->a[0], DT_ALARM_RECEIPT), 3);
    world_sync(t->a, 3, 3);
    is(world_alarms(t->a[0], DT_ALARM_RECEIPT), 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(moved_behind_a_commit, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(cut_before_a_commit, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(cut_mended, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(forgotten_for_newer, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(seat_of_an_older_store, three_set_up, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
