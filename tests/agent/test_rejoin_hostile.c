/*
 * tests/agent/test_rejoin_hostile.c - members who send made-up Welcomes, requests for others'
 * seats, and more requests than anybody needs.
 *
 * DESIGN "Warrants": a re-join removes that leaf and adds one with the same letter; "Bad input".
 */
#include "agent/flows.h"
#include "base/mem.h"

#include "three.h"

/* ---- made-up Welcomes ---- */

/* Blue sends red a Welcome to a seat of its own invention, which nobody can open. */
static void
made_up_welcome(struct three *f, uint8_t seat)
{
    struct dt_inbox_message m = {.kind = DT_INBOX_WELCOME, .welcome = dt_view_str("none")};
    DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
    uint8_t hash[32];
    size_t sent = 0;

    memcpy(m.group_id, f->gid, 32);
    memset(m.invitation_id, seat, 16);
    world_letter_hash(f->a[2], hash);
    ok(dt_letter_load(f->a[1], hash, &to, NULL, NULL));
    ok(dt_outbox_to_inbox(f->a[1], &to, &m));
    ok(dt_outbox_flush(f->a[1], NULL, &sent));
    is(sent, 1);
}

/* A copy from before a re-join asks for the seat that it saw its later self be welcomed to,
 * although made-up Welcomes came after that one. It asks for a few seats, however many came. */
static void
hide_no_seat(void **state)
{
    struct three *f = *state;
    struct dt_sync_report report;

    three_keep(f, "yesterday");
    world_say(f->a[2], f->gid, "before the re-join");
    ok(dt_agent_rotate(f->a[2], f->gid));
    world_sync(f->a, 3, 3);
    ok(dt_agent_rejoin(f->a[2], f->gid));
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    for (uint8_t i = 1; i < DT_LAPSE_HINTS; i++)
        made_up_welcome(f, i);
    three_put_back(f, "yesterday");
    ok(dt_agent_sync(f->a[2], &report));
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    is(report.sent, 2 * 2 * (1 + DT_LAPSE_HINTS)); /* request and key package, to two members */
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
}

/* While a request is out, each new one makes a request, up to a few. */
static void
make_few_requests(void **state)
{
    struct three *f = *state;
    struct dt_sync_report report;

    ok(dt_agent_rejoin(f->a[2], f->gid));
    ok(dt_agent_sync(f->a[2], &report));
    is(report.sent, 4);
    for (uint8_t i = 1; i <= 3 * DT_LAPSE_HINTS; i++) {
        made_up_welcome(f, i);
        ok(dt_agent_sync(f->a[2], &report));
        is(report.sent, i <= DT_LAPSE_HINTS ? 4 : 0);
        made_up_welcome(f, i); /* the same seat again */
        ok(dt_agent_sync(f->a[2], &report));
        is(report.sent, 0);
    }
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
}

/* A made-up Welcome is no Commit: when one gives the seat to another copy after that, this one asks
 * for it all the same, once, as it would have without. */
static void
are_no_chase(void **state)
{
    struct three *f = *state;
    struct dt_agent *both[2];

    three_keep(f, "red-copy");
    f->a[3] = world_open(&f->w, "red-copy");
    both[0] = f->a[2];
    both[1] = f->a[3];
    for (size_t i = 0; i < 2; i++) {
        size_t made = 0, sent = 0;

        world_say(both[i], f->gid, i == 0 ? "from the first" : "from the second");
        ok(dt_channel_prepare(both[i], f->gid, &made));
        ok(dt_outbox_flush(both[i], f->gid, &sent));
    }
    for (size_t i = 0; i < 2; i++)
        ok(dt_agent_sync(both[i], NULL));
    made_up_welcome(f, 7);
    ok(dt_agent_sync(f->a[3], NULL)); /* it asks for that, too */
    world_sync(f->a, 2, 2);           /* the first asked first, and gets the seat */
    world_sync(f->a, 4, 8);
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    is(world_channel(f->a[2], f->gid).lapse, DT_LAPSE_COPY);
    three_is_back(f->a[3], f->gid);
}

#define PLENARY(test) cmocka_unit_test_setup_teardown(test, three_set_up, three_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLENARY(hide_no_seat),
        PLENARY(make_few_requests),
        PLENARY(are_no_chase),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
