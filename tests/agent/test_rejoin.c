/*
 * tests/agent/test_rejoin.c - requests to be put in anew, and what may go wrong with them: nobody
 * who holds a seat stays out for good, and nobody gets a seat that is not its own.
 *
 * DESIGN "Warrants"; docs/protocol-agent.md "Removal, leaving, re-join".
 */
#include "agent/flows.h"
#include "base/mem.h"

#include "three.h"

/* ---- who may commit one ---- */

/* All were away for a month, so that nobody counts on anybody before every party said `here`; and
 * the one delegate of a party is mute until it is put in anew. Without it the others can never
 * confirm the channel: they put it in, and only then are they confirmed. */
static void
of_a_party_that_nobody_else_speaks_for(void **state)
{
    struct three *f = *state;

    world_say(f->a[1], f->gid, "waiting");
    f->w.offset_ms += 31 * DT_MS_DAY;
    ok(dt_agent_rejoin(f->a[0], f->gid));
    world_sync(f->a, 3, 6);
    for (size_t i = 0; i < 3; i++)
        three_is_back(f->a[i], f->gid);
    world_all_have_once(f->a, 3, f->gid, "waiting");
    for (size_t i = 0; i < 3; i++)
        is(world_alarms(f->a[i], 0), 0);
}

/* Of two parties as well, each with one delegate. */
static void
of_two_parties(void **state)
{
    struct three *f = *state;

    f->w.offset_ms += 31 * DT_MS_DAY;
    ok(dt_agent_rejoin(f->a[0], f->gid));
    ok(dt_agent_rejoin(f->a[2], f->gid));
    ok(dt_agent_sync(f->a[0], NULL));
    ok(dt_agent_sync(f->a[2], NULL));
    world_sync(f->a, 3, 6);
    for (size_t i = 0; i < 3; i++)
        three_is_back(f->a[i], f->gid);
}

/* Where another delegate of the party has a seat and does not ask, it is waited for: it may know of
 * Commits that the relay keeps from us. Nor does a request stand for the `here` of another party.
 */
static void
not_while_a_here_can_come(void **state)
{
    struct three *f = *state;
    struct dt_agent *two[2] = {f->a[0], f->a[2]};

    world_found(f->a, 4, DT_CHANNEL_PLENARY, "plenary", f->gid);
    f->w.offset_ms += 31 * DT_MS_DAY;
    ok(dt_agent_rejoin(f->a[3], f->gid));
    ok(dt_agent_sync(f->a[3], NULL));
    world_sync(two, 2, 3); /* blue-1 is away: nobody of blue's has said `here` */
    is(world_channel(f->a[3], f->gid).state, DT_CHANNEL_BROKEN);
    for (size_t i = 0; i < 2; i++)
        assert_false(world_channel(two[i], f->gid).confirmed);
    ok(dt_agent_sync(f->a[3], NULL));
    is(world_channel(f->a[3], f->gid).state, DT_CHANNEL_BROKEN);
    world_sync(f->a, 4, 6);
    for (size_t i = 0; i < 4; i++) {
        is(world_channel(f->a[i], f->gid).state, DT_CHANNEL_LIVE);
        assert_true(world_channel(f->a[i], f->gid).confirmed);
    }
}

#define PLENARY(test) cmocka_unit_test_setup_teardown(test, three_set_up, three_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLENARY(of_a_party_that_nobody_else_speaks_for),
        PLENARY(of_two_parties),
        cmocka_unit_test_setup_teardown(not_while_a_here_can_come, three_and_second,
                                        three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
