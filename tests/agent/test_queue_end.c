/*
 * tests/agent/test_queue_end.c - a relay that lies about what stands before the Commit that ends a
 * queue: nothing is read again behind it, and nothing is lost all the same.
 */
#include "base/mem.h"

#include "three.h"

#define RED    2
#define BLUE_1 1

/* A plenary of four; the queue ends with `the last`, which the envoy said, and blue's Commit that
 * removes its second. Nobody else has read it. Its position. */
static uint64_t
to_the_end(struct three *t, uint8_t id[static 16])
{
    uint8_t hash[32];
    uint64_t end;
    size_t made = 0, sent = 0;

    world_found(t->a, 4, DT_CHANNEL_PLENARY, "plenary", t->gid);
    world_letter_hash(t->a[3], hash);
    end = world_channel(t->a[BLUE_1], t->gid).position;
    ok(dt_agent_remove(t->a[BLUE_1], t->gid, world_leaf(t->a[BLUE_1], t->gid, hash)));
    ok(dt_channel_prepare(t->a[BLUE_1], t->gid, &made));
    is(made, 1);
    three_say(t, 0, "the last", id);
    ok(dt_outbox_flush(t->a[BLUE_1], t->gid, &sent));
    is(sent, 1);
    is(world_channel(t->a[0], t->gid).position, end + 1);
    return end;
}

/* ${who} reads on once with ${x}, and then honestly: in the new queue, with all that was said. */
static void
nothing_lost(struct three *t, size_t who, struct crooked *x)
{
    ok(dt_agent_sync(t->a[who], NULL));
    is(world_channel(t->a[who], t->gid).queue_number, 2);
    is(world_talk_count(t->a[who], t->gid, dt_view_str("the last")), 1);
    is(x->times, 0);
    crooked_stop(x, t->a[who]);
    world_sync(t->a, 4, 3);
    is(world_channel(t->a[3], t->gid).state, DT_CHANNEL_LEFT);
    for (size_t i = 0; i < 3; i++) {
        is(world_channel(t->a[i], t->gid).epoch, world_channel(t->a[who], t->gid).epoch);
        is(world_alarms(t->a[i], DT_ALARM_FORK), 0);
        is(world_alarms(t->a[i], DT_ALARM_MISSED), 0);
    }
    world_say(t->a[who], t->gid, "in the new queue");
    world_sync(t->a, 3, 2);
    world_all_have_once(t->a, 3, t->gid, "in the new queue");
    world_all_have_once(t->a, 3, t->gid, "the last");
}

/* The message is altered in one answer, and the same answer holds the Commit. */
static void
altered_once(struct three *t, size_t who)
{
    struct crooked x;
    uint8_t id[16];
    uint64_t end = to_the_end(t, id);

    crooked_start(&x, &t->w, t->a[who], t->gid);
    x.alter = end + 1;
    x.times = 1;
    nothing_lost(t, who, &x);
    is(three_alarms(t, who, DT_ALARM_CELL, 3, "a cell was passed over"), 1);
    is(three_arrived(t, 0, id), who == RED || who == BLUE_1 ? 2 : -1);
}

static void
altered_before_anothers_commit(void **state)
{
    altered_once(*state, RED);
}

static void
altered_before_our_own_commit(void **state)
{
    altered_once(*state, BLUE_1);
}

/* Commit and message change places in one answer: behind the Commit nothing would count. */
static void
behind_once(struct three *t, size_t who)
{
    struct crooked x;
    uint8_t id[16];
    uint64_t end = to_the_end(t, id);

    crooked_start(&x, &t->w, t->a[who], t->gid);
    x.swap = end + 1;
    x.times = 1;
    nothing_lost(t, who, &x);
    is(world_alarms(t->a[who], ANY_ALARM), 0); /* nothing was taken in wrongly */
}

static void
behind_anothers_commit(void **state)
{
    behind_once(*state, RED);
}

static void
behind_our_own_commit(void **state)
{
    behind_once(*state, BLUE_1);
}

/* There is a doubt already, whose next review is not due yet, when the relay alters the message. */
static void
altered_in_a_pause(void **state)
{
    struct three *t = *state;
    struct crooked x;
    uint8_t id[16];
    uint64_t end = to_the_end(t, id);

    crooked_start(&x, &t->w, t->a[RED], t->gid);
    x.withhold = end + 2;
    x.alter = end + 1;
    x.times = 2; /* in the first reading, and in the review at once */
    ok(dt_agent_sync(t->a[RED], NULL));
    is(x.times, 0);
    is(world_talk_count(t->a[RED], t->gid, dt_view_str("the last")), 0);
    x.withhold = 0;
    nothing_lost(t, RED, &x);
}

/* It shows the message altered whenever it is asked: the Commit is followed, and what is missed is
 * told, with where it stood. */
static void
altered_for_ever(void **state)
{
    struct three *t = *state;
    struct crooked x;
    uint8_t id[16];
    uint64_t end = to_the_end(t, id);

    crooked_start(&x, &t->w, t->a[RED], t->gid);
    x.alter = end + 1;
    x.times = 1000;
    ok(dt_agent_sync(t->a[RED], NULL));
    is(world_channel(t->a[RED], t->gid).queue_number, 2);
    is(world_talk_count(t->a[RED], t->gid, dt_view_str("the last")), 0);
    is(x.times, 1000 - 2);
    is(three_alarms(t, RED, DT_ALARM_MISSED, 3, "could not be read by this home: ask the others"),
       1);
    crooked_stop(&x, t->a[RED]);
    world_sync(t->a, 3, 3);
    world_say(t->a[RED], t->gid, "in the new queue");
    world_sync(t->a, 3, 2);
    world_all_have_once(t->a, 3, t->gid, "in the new queue");
}

/* The Commit itself is altered, once. */
static void
altered_commit(void **state)
{
    struct three *t = *state;
    struct crooked x;
    uint8_t id[16];
    uint64_t end = to_the_end(t, id);

    crooked_start(&x, &t->w, t->a[RED], t->gid);
    x.alter = end + 2;
    x.times = 1;
    nothing_lost(t, RED, &x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(altered_before_anothers_commit, three_and_second,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(altered_before_our_own_commit, three_and_second,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(behind_anothers_commit, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(behind_our_own_commit, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(altered_in_a_pause, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(altered_for_ever, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(altered_commit, three_and_second, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
