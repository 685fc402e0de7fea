/*
 * tests/agent/test_rejoin.c - requests to be put in anew, and what may go wrong with them: nobody
 * who holds a seat stays out for good, and nobody gets a seat that is not its own.
 *
 * DESIGN "Warrants"; docs/protocol-agent.md "Removal, leaving, re-join".
 */
#include "agent/sync/flows.h"
#include "base/mem.h"
#include "base/wire.h"

#include "three.h"

/* Linked with --wrap. While this is set, Welcomes lead into that queue, whatever their Commit says.
 */
static const struct dt_queue_keys *old_queue;

enum dt_err __real_dt_queue_ext_encode(const struct dt_queue_ext *x, struct dt_buf *out);
enum dt_err __wrap_dt_queue_ext_encode(const struct dt_queue_ext *x, struct dt_buf *out);

enum dt_err
__wrap_dt_queue_ext_encode(const struct dt_queue_ext *x, struct dt_buf *out)
{
    DT_CLEANUP(dt_queue_ext_clear) struct dt_queue_ext other = {.begun_ms = x->begun_ms};

    if (old_queue == NULL)
        return __real_dt_queue_ext_encode(x, out);
    memcpy(other.queue_token, x->queue_token, 32);
    ok(dt_queue_keys_set(&other.keys, dt_secret_view(&old_queue->bytes)));
    return __real_dt_queue_ext_encode(&other, out);
}

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

/* ---- a Welcome that does not come, or too late ---- */

/* Red asks; the others put it in, and its inbox does not show the Welcome. ${x} stands between red
 * and the relay. */
static void
welcome_kept_back(struct three *f, struct crooked *x)
{
    ok(dt_agent_rejoin(f->a[2], f->gid));
    ok(dt_agent_sync(f->a[2], NULL));
    x->skip = world_cells_in_inbox(f->a[2]) + 1;
    world_sync(f->a, 2, 2);
    ok(dt_agent_sync(f->a[2], NULL));
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    is(world_channel(f->a[0], f->gid).epoch, 3); /* and the other rotated */
}

static void
red_is_back(struct three *f, const char *text)
{
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    world_say(f->a[2], f->gid, text);
    world_sync(f->a, 3, 2);
    world_all_have_once(f->a, 3, f->gid, text);
}

/* Red saw that it was given a seat anew. When the key package has run out it gives that one up, and
 * says that something is kept back. The others refuse the request for the seat of before. */
static void
a_welcome_that_never_comes(void **state)
{
    struct three *f = *state;
    struct crooked x;

    crooked_start(&x, &f->w, f->a[2], NULL);
    welcome_kept_back(f, &x);
    world_say(f->a[0], f->gid, "in between");
    world_sync(f->a, 3, 3);
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    is(world_channel(f->a[0], f->gid).epoch, 3); /* and the other rotated */
    f->w.offset_ms += 4 * DT_MS_DAY + DT_MS_HOUR;
    red_is_back(f, "back again");
    world_said(f->a[2], DT_ALARM_WELCOME, "never came");
    /* Red had a seat, and no keys for what was said from then on. */
    is(world_talk_count(f->a[2], f->gid, dt_view_str("in between")), 0);
    world_said(f->a[2], DT_ALARM_MISSED, "cannot be read by it");
    for (size_t i = 0; i < 2; i++)
        is(world_alarms(f->a[i], DT_ALARM_WELCOME), 2);
    crooked_stop(&x, f->a[2]);
}

/* Its user need not wait for that. */
static void
a_welcome_that_the_user_does_not_wait_for(void **state)
{
    struct three *f = *state;
    struct crooked x;

    crooked_start(&x, &f->w, f->a[2], NULL);
    welcome_kept_back(f, &x);
    ok(dt_agent_rejoin(f->a[2], f->gid));
    red_is_back(f, "back again");
    for (size_t i = 0; i < 2; i++)
        is(world_alarms(f->a[i], DT_ALARM_WELCOME), 2);
    crooked_stop(&x, f->a[2]);
}

/* Nor did red see that it was given a seat: its old state could not read on. It asks for both, and
 * the others refuse one. */
static void
a_seat_that_was_not_seen(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct crooked x;

    crooked_start(&x, &f->w, f->a[2], NULL);
    ok(dt_agent_rejoin(f->a[2], f->gid));
    ok(dt_channel_load(f->a[2], f->gid, &ch));
    ok(dt_lapse_stop_reading(f->a[2], &ch));
    ok(dt_agent_sync(f->a[2], NULL));
    x.skip = world_cells_in_inbox(f->a[2]) + 1;
    world_sync(f->a, 3, 2);
    is(world_channel(f->a[0], f->gid).epoch, 3); /* and the other rotated */
    f->w.offset_ms += 4 * DT_MS_DAY + DT_MS_HOUR;
    red_is_back(f, "back again");
    for (size_t i = 0; i < 2; i++)
        is(world_alarms(f->a[i], DT_ALARM_WELCOME), 2); /* a request and its key package */
    crooked_stop(&x, f->a[2]);
}

/* It comes, and the voucher has run out meanwhile: nobody would count on that seat. */
static void
a_welcome_that_comes_late(void **state)
{
    struct three *f = *state;
    struct crooked x;

    crooked_start(&x, &f->w, f->a[2], NULL);
    ok(dt_agent_rejoin(f->a[2], f->gid));
    ok(dt_agent_sync(f->a[2], NULL));
    x.withhold = world_cells_in_inbox(f->a[2]) + 1;
    world_sync(f->a, 2, 2);
    is(world_channel(f->a[0], f->gid).epoch, 3); /* and the other rotated */
    f->w.offset_ms += 4 * DT_MS_DAY + DT_MS_HOUR;
    x.withhold = 0;
    ok(dt_agent_sync(f->a[2], NULL));
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    world_said(f->a[2], DT_ALARM_WELCOME, "came after our voucher had run out");
    red_is_back(f, "back again");
    for (size_t i = 0; i < 2; i++)
        is(world_alarms(f->a[i], DT_ALARM_WELCOME), 2);
    crooked_stop(&x, f->a[2]);
}

/* The first Welcome as well: there is no channel yet, and a seat to be given up in it. */
static void
a_first_welcome_that_comes_late(void **state)
{
    struct three *f = *state;
    struct crooked x;
    uint8_t letters[2][32];

    for (size_t i = 0; i < 2; i++)
        world_letter_hash(f->a[i + 1], letters[i]);
    ok(dt_agent_found(f->a[0], DT_CHANNEL_PLENARY, "plenary", (const uint8_t(*)[32])letters, 2,
                      f->gid));
    world_sync(f->a, 3, 1);
    world_accept(f->a[1]);
    world_accept(f->a[2]);
    ok(dt_agent_sync(f->a[2], NULL));
    crooked_start(&x, &f->w, f->a[2], NULL);
    x.withhold = world_cells_in_inbox(f->a[2]) + 1;
    world_sync(f->a, 3, 3);
    is(world_channel(f->a[0], f->gid).state, DT_CHANNEL_LIVE);
    f->w.offset_ms += 4 * DT_MS_DAY + DT_MS_HOUR;
    x.withhold = 0;
    ok(dt_agent_sync(f->a[2], NULL));
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    is(world_channel(f->a[2], f->gid).lapse, DT_LAPSE_LATE);
    red_is_back(f, "in at last");
    crooked_stop(&x, f->a[2]);
}

/* A re-join takes a leaf away, and so begins a queue. A Welcome into an old one would have red meet
 * its own messages of before, and take itself for a copy. It is refused, and red asks again. */
static void
a_welcome_into_an_old_queue(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

    world_say(f->a[2], f->gid, "said before");
    world_sync(f->a, 3, 2);
    ok(dt_channel_load(f->a[0], f->gid, &ch));
    old_queue = &ch.queue;
    ok(dt_agent_rejoin(f->a[2], f->gid));
    ok(dt_agent_sync(f->a[2], NULL));
    world_sync(f->a, 3, 2);
    old_queue = NULL;
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    is(world_channel(f->a[2], f->gid).lapse, DT_LAPSE_ASKED);
    world_said(f->a[2], DT_ALARM_WELCOME, "into a queue of before");
    is(world_alarms(f->a[2], DT_ALARM_RESTORED), 0);
    ok(dt_agent_rejoin(f->a[2], f->gid));
    red_is_back(f, "back again");
}

/* ---- clocks ---- */

/* Red re-joins with a clock that is ${by} ms behind that of the others. */
static void
rejoin_red_behind(struct three *f, uint64_t by)
{
    f->w.offset_ms -= by;
    ok(dt_agent_rejoin(f->a[2], f->gid));
    f->w.offset_ms += by;
    for (unsigned int i = 0; i < 5; i++) {
        world_sync(f->a, 2, 1);
        f->w.offset_ms -= by;
        ok(dt_agent_sync(f->a[2], NULL));
        f->w.offset_ms += by;
    }
}

/* Red comes back while its clock is behind: by half an hour that is no matter; by half a day the
 * others' vouchers have not begun for it, and it waits. When its clock is right they say `here`
 * again, and it need not wait for days. */
static void
a_clock_that_was_behind(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_seat never = {0};

    f->w.offset_ms -= DT_MS_HOUR / 2;
    ok(dt_agent_rejoin(f->a[2], f->gid));
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    rejoin_red_behind(f, 12 * DT_MS_HOUR);
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_LIVE);
    assert_false(world_channel(f->a[2], f->gid).confirmed);
    /* A member whose voucher begins in a hundred years changes nothing in that. */
    ok(dt_channel_load_row(f->a[2], f->gid, &ch));
    never.voucher.not_before_ms = dt_agent_now(f->a[2]) + 36500 * DT_MS_DAY;
    ok(dt_here_early(f->a[2], &ch, &never));
    world_sync(f->a, 3, 3);
    three_is_back(f->a[2], f->gid);
    /* Each re-join is followed by a rotation of the member who did not commit it; then one of
     * red's, and no more. */
    is(world_channel(f->a[2], f->gid).epoch, 6);
}

/* In the last days of a letter a rotation gains no time, and is made all the same: it is the new
 * epoch in which the others say `here` again. */
static void
a_clock_that_was_behind_in_a_letters_last_days(void **state)
{
    struct three *f = *state;

    for (unsigned int i = 0; i < 3; i++)
        world_accredit(&f->w, f->a[i], (int)i, DT_RIGHTS_ALL);
    f->w.offset_ms += 298 * DT_MS_DAY;
    world_sync(f->a, 3, 6);
    rejoin_red_behind(f, 12 * DT_MS_HOUR);
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_LIVE);
    assert_false(world_channel(f->a[2], f->gid).confirmed);
    world_sync(f->a, 3, 3);
    three_is_back(f->a[2], f->gid);
}

/* A letter that has not begun by our clock is no other matter. */
static void
a_letter_that_has_not_begun(void **state)
{
    struct three *f = *state;
    struct dt_channel ch = {0};
    struct dt_seat s = {0};
    bool again = true;

    memcpy(ch.group_id, f->gid, 32);
    s.letter.not_before_ms = dt_agent_now(f->a[2]) + DT_MS_HOUR;
    ok(dt_here_early(f->a[2], &ch, &s));
    ok(dt_here_again(f->a[2], &ch, &again));
    assert_false(again);
    f->w.offset_ms += DT_MS_HOUR;
    ok(dt_here_again(f->a[2], &ch, &again));
    assert_true(again);
    ok(dt_here_asked(f->a[2], &ch));
    ok(dt_here_again(f->a[2], &ch, &again));
    assert_false(again);
}

/* ---- rows of before ---- */

/* A lapse as the version before wrote it, with one seat: the row outlives the lapse, and is read.
 */
static void
a_lapse_of_before(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf row = DT_BUF_INIT(256);
    static const uint8_t flags[7] = {1}, seat[16] = {7}, zeros[32] = {0};
    struct dt_writer w = dt_writer_init(&row);

    dt_write_view(&w, dt_view_of(flags)); /* version, why, wants, follows, whole, chased, asks */
    dt_write_u64(&w, 0);                  /* asked */
    dt_write_u64(&w, 5);                  /* re-joined */
    dt_write_u8(&w, 1);
    dt_write_view(&w, dt_view_of(seat));
    dt_write_u8(&w, 0);
    dt_write_view(&w, dt_view_of(zeros)); /* the queue of before, its token, a place in it */
    dt_write_vec(&w, dt_view(NULL, 0));
    dt_write_u64(&w, 0);
    ok(dt_writer_end(&w));
    ok(dt_store_put_blob(f->a[2]->store, "lapse", dt_view_of(f->gid), dt_buf_view(&row)));
    world_say(f->a[2], f->gid, "still here");
    world_sync(f->a, 3, 2);
    world_all_have_once(f->a, 3, f->gid, "still here");
    ok(dt_lapse_load(f->a[2], f->gid, &x));
    is(x.rejoined_ms, 5);
    is(x.n_hints, 1);
    assert_memory_equal(x.hints[0].seat, seat, 16);
    ok(dt_agent_rejoin(f->a[2], f->gid));
    red_is_back(f, "back again");
}

/* ---- to leave instead ---- */

/* An older copy cannot read on to where it left: it asks for a seat that is gone, and nothing tells
 * it so. Its user does. */
static void
a_copy_of_one_that_left(void **state)
{
    struct three *f = *state;

    three_keep(f, "yesterday");
    ok(dt_agent_rotate(f->a[2], f->gid));
    world_sync(f->a, 3, 3);
    ok(dt_agent_leave(f->a[2], f->gid));
    world_sync(f->a, 3, 4);
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_LEFT);
    three_put_back(f, "yesterday");
    world_sync(f->a, 3, 4);
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    ok(dt_agent_leave(f->a[2], f->gid));
    f->w.offset_ms += 5 * DT_MS_DAY;
    world_sync(f->a, 3, 4);
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_LEFT);
    is(world_channel(f->a[2], f->gid).lapse, DT_LAPSE_NONE);
    is(world_channel(f->a[0], f->gid).members, 2);
    is(dt_agent_leave(f->a[2], f->gid), DT_ERR_STATE); /* once is enough */
}

/* A request that is out may still be answered: that Welcome is not used. Nor does it need a state
 * of the channel to leave it. */
static void
a_request_taken_back(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_free_p) struct dt_channel_info *list = NULL;
    DT_CLEANUP(dt_free_p) struct dt_roster_entry *roster = NULL;
    DT_CLEANUP(dt_free_p) struct dt_receipt_info *receipts = NULL;
    DT_CLEANUP(dt_free_p) struct dt_invitation_info *invited = NULL;
    uint8_t letters[2][32];
    size_t n = 0;

    for (size_t i = 0; i < 2; i++)
        world_letter_hash(f->a[i + 1], letters[i]);
    ok(dt_agent_found(f->a[0], DT_CHANNEL_PLENARY, "plenary", (const uint8_t(*)[32])letters, 2,
                      f->gid));
    world_sync(f->a, 3, 1);
    three_keep(f, "before");
    world_accept(f->a[1]);
    world_accept(f->a[2]);
    world_sync(f->a, 3, 4);
    three_is_back(f->a[2], f->gid);
    three_put_back(f, "before");
    ok(dt_agent_sync(f->a[2], NULL)); /* it has an invitation, sees a Welcome, and asks */
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    world_accept(f->a[2]); /* the invitation is there again, too, and its answer is taken back */
    ok(dt_agent_leave(f->a[2], f->gid));
    ok(dt_agent_invitations(f->a[2], &invited, &n));
    is(n, 1);
    is(invited[0].state, DT_INVITATION_DECLINED);
    world_sync(f->a, 3, 4);
    is(world_channel(f->a[0], f->gid).epoch, 3); /* it was put in anew, and a rotation since */
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_LEFT);
    ok(dt_agent_channels(f->a[2], &list, &n));
    is(n, 1);
    ok(dt_agent_receipts(f->a[2], f->gid, &receipts, &n));
    is(n, 0);
    ok(dt_agent_roster(f->a[2], f->gid, &roster, &n));
    is(n, 0);
}

/* ---- whom it asks ---- */

/* Blue took a seat under a letter that names no inbox. That is its own affair: no Welcome reaches
 * it. Red asks the others all the same. */
static void
a_letter_without_an_inbox(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf request = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_buf_clear) struct dt_buf letter = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_letter_request_clear) struct dt_letter_request q = {0};
    uint64_t now;
    uint8_t hash[32];

    ok(dt_agent_letter_request(f->a[1], &request));
    ok(dt_letter_request_decode(dt_buf_view(&request), &q));
    q.inbox_token.n = 0;
    now = dt_agent_now(f->a[1]);
    ok(dt_letter_issue(dt_view_of(f->w.root[BLUE]), &q, DT_RIGHTS_ALL, now - DT_MS_DAY,
                       now + 300 * DT_MS_DAY, now, &letter));
    ok(dt_agent_letter_import(f->a[1], dt_buf_view(&letter), hash));
    ok(dt_agent_rejoin(f->a[1], f->gid));
    ok(dt_agent_sync(f->a[1], NULL));
    ok(dt_agent_sync(f->a[0], NULL));
    is(world_channel(f->a[0], f->gid).epoch, 2);
    world_said(f->a[0], DT_ALARM_WELCOME, "names no inbox");
    ok(dt_agent_sync(f->a[2], NULL));
    ok(dt_agent_rejoin(f->a[2], f->gid));
    ok(dt_agent_sync(f->a[2], NULL));
    ok(dt_agent_sync(f->a[0], NULL));
    ok(dt_agent_sync(f->a[2], NULL));
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_LIVE);
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
        PLENARY(a_welcome_that_never_comes),
        PLENARY(a_welcome_that_the_user_does_not_wait_for),
        PLENARY(a_seat_that_was_not_seen),
        PLENARY(a_welcome_that_comes_late),
        cmocka_unit_test_setup_teardown(a_first_welcome_that_comes_late, three_homes,
                                        three_tear_down),
        PLENARY(a_welcome_into_an_old_queue),
        PLENARY(a_clock_that_was_behind),
        PLENARY(a_clock_that_was_behind_in_a_letters_last_days),
        PLENARY(a_letter_that_has_not_begun),
        PLENARY(a_lapse_of_before),
        PLENARY(a_copy_of_one_that_left),
        cmocka_unit_test_setup_teardown(a_request_taken_back, three_homes, three_tear_down),
        PLENARY(a_letter_without_an_inbox),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
