/*
 * tests/agent/test_talk.c - whose a piece of talk is: two members under one id, and rows of an
 * older store.
 */
#include "agent/channel/review.h"
#include "agent/talk/receipt_internal.h"
#include "base/mem.h"
#include "crooked.h"
#include "trial.h"

#define OF_OURS   "the id of one of ours"
#define OF_OTHERS "the same id as one of another member"

/* Red says ${text} under ${id}, which is not its own to choose. */
static void
red_says(struct trial *t, const uint8_t id[static 16], const char *text)
{
    struct dt_payload p = {.kind = DT_PAYLOAD_TALK,
                           .sent_ms = 1,
                           .media_type = dt_view_str("text/plain"),
                           .data = dt_view_str(text)};

    memcpy(p.id, id, 16);
    ok(mb_payload(&t->red, &p));
}

/* How often alarms of ${a} about the member ${who} say ${text}. */
static size_t
told(struct dt_agent *a, const char *who, const char *text)
{
    DT_CLEANUP(dt_free_p) struct dt_alarm_info *v = NULL;
    size_t n = 0, count = 0;

    ok(dt_agent_alarms(a, &v, &n));
    for (size_t i = 0; i < n; i++)
        if (v[i].kind == DT_ALARM_CELL && v[i].has_who && strcmp(v[i].who.name, who) == 0 &&
            strstr(v[i].text, text) != NULL)
            count += (size_t)v[i].count;
    return count;
}

/* What ${a} lists of ${text}; exactly one such piece, under ${id}, said by ${who}. */
static struct dt_talk_info
piece(struct dt_agent *a, const uint8_t gid[static 32], const uint8_t id[static 16],
      const char *who, const char *text)
{
    DT_CLEANUP(dt_free_p) struct dt_talk_info *v = NULL;
    struct dt_talk_info found = {.seq = 0};
    size_t n = 0, count = 0;

    ok(dt_agent_talk_list(a, gid, 0, &v, &n));
    for (size_t i = 0; i < n; i++) {
        DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);

        ok(dt_agent_talk_read(a, gid, v[i].seq, &b));
        if (!dt_view_equal(dt_buf_view(&b), dt_view_str(text)))
            continue;
        found = v[i];
        count++;
    }
    is(count, 1);
    assert_memory_equal(found.id, id, 16);
    assert_string_equal(found.from.name, who);
    return found;
}

/* How many others have the piece of ${a} with ${id}, by their receipts. */
static size_t
arrived(struct dt_agent *a, const uint8_t gid[static 32], const uint8_t id[static 16])
{
    DT_CLEANUP(dt_free_p) struct dt_arrival *v = NULL;
    size_t n = 0, there = 0;

    ok(dt_agent_arrivals(a, gid, dt_view(id, 16), &v, &n));
    for (size_t i = 0; i < n; i++)
        there += v[i].arrived;
    return there;
}

/* Red's piece counts before blue's, whose id it has taken: both are kept, and it is told. */
static void
the_thief_comes_first(void **state)
{
    struct trial *t = *state;
    uint8_t id[16];

    ok(dt_agent_talk_text(t->a[1], t->gid, dt_view_str("the bridge is open"), id));
    red_says(t, id, "the bridge is closed");
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 2; i++) {
        is(piece(t->a[i], t->gid, id, "blue-1", "the bridge is open").state,
           i == 1 ? DT_TALK_CONFIRMED : DT_TALK_RECEIVED);
        is(piece(t->a[i], t->gid, id, "red-1", "the bridge is closed").state, DT_TALK_RECEIVED);
    }
    is(arrived(t->a[1], t->gid, id), 2);
    /* Blue knows whose the id is; the mediator only that one of the two took it. */
    is(told(t->a[1], "red-1", OF_OURS), 1);
    is(world_alarms(t->a[1], ANY_ALARM), 1);
    is(told(t->a[0], "red-1", OF_OTHERS), 1);
    is(told(t->a[0], "blue-1", OF_OTHERS), 1);
    is(world_alarms(t->a[0], ANY_ALARM), 2);
    trial_before(t);
    trial_goes_on(t);
}

/* The other way round, and once more: a piece that is said twice counts once, whoever else has its
 * id. */
static void
the_thief_comes_second(void **state)
{
    struct trial *t = *state;
    uint8_t id[16];
    size_t n;

    ok(dt_agent_talk_text(t->a[1], t->gid, dt_view_str("we meet at noon"), id));
    world_sync(t->a, 3, 2);
    red_says(t, id, "we do not meet");
    red_says(t, id, "we do not meet");
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 2; i++) {
        (void)piece(t->a[i], t->gid, id, "blue-1", "we meet at noon");
        (void)piece(t->a[i], t->gid, id, "red-1", "we do not meet");
    }
    is(told(t->a[1], "red-1", OF_OURS), 1);
    is(told(t->a[0], "red-1", OF_OTHERS), 1);
    is(told(t->a[0], "blue-1", OF_OTHERS), 1);
    /* A delegate is who it is under a later letter, too. */
    world_accredit(&t->w, t->a[2], RED, DT_RIGHTS_ALL);
    world_share(t->a, 3);
    ok(dt_agent_rejoin(t->a[2], t->gid));
    world_sync(t->a, 3, 6);
    is(world_channel(t->a[2], t->gid).state, DT_CHANNEL_LIVE);
    assert_true(world_channel(t->a[2], t->gid).confirmed);
    n = world_alarms(t->a[0], ANY_ALARM);
    red_says(t, id, "we do not meet");
    world_sync(t->a, 3, 3);
    (void)piece(t->a[0], t->gid, id, "red-1", "we do not meet");
    is(world_alarms(t->a[0], ANY_ALARM), n);
}

/* A cell of red's that stands elsewhere in a review moves red's piece, and not what is awaited of
 * blue's under the same id. */
static void
each_moves_alone(void **state)
{
    struct trial *t = *state;
    struct crooked x;
    uint64_t end = world_channel(t->a[1], t->gid).position;
    struct dt_awaited awaited = {.seq = 0};
    uint8_t id[16], filler[16];

    ok(dt_agent_talk_text(t->a[1], t->gid, dt_view_str("ours"), id));
    ok(dt_agent_sync(t->a[1], NULL));
    is(piece(t->a[1], t->gid, id, "blue-1", "ours").position, end + 1);
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("in between"), filler));
    ok(dt_agent_sync(t->a[0], NULL));
    red_says(t, id, "theirs");
    ok(dt_agent_sync(t->a[1], NULL));
    is(piece(t->a[1], t->gid, id, "red-1", "theirs").position, t->red.position);
    crooked_start(&x, &t->w, t->a[1], t->gid);
    x.skip = end + 2;
    ok(dt_review_ask(t->a[1], x.address));
    ok(dt_agent_sync(t->a[1], NULL));
    is(piece(t->a[1], t->gid, id, "blue-1", "ours").position, end + 1);
    is(piece(t->a[1], t->gid, id, "red-1", "theirs").position, t->red.position - 1);
    ok(dt_awaited_get(t->a[1], t->gid, dt_view_of(id), &awaited));
    is(awaited.place.position, end + 1);
    dt_awaited_clear(&awaited);
    crooked_stop(&x, t->a[1]);
}

/* Rows of a store from before senders were part of them: talk of one id and one sender has the row
 * it always had, and a cell's row without its sender is read, and written again as it was. */
static void
rows_of_an_older_store(void **state)
{
    struct trial *t = *state;
    static const uint8_t cell[4] = "cell";
    uint8_t key[48], id[16], address[32] = {1}, old[1 + 8 + 1 + 16 + 8 + 8] = {DT_SHOWN_TAKEN};
    uint8_t shown_key[64];
    struct dt_shown s = {0};
    bool there = false;

    ok(dt_agent_talk_text(t->a[1], t->gid, dt_view_str("as ever"), id));
    world_sync(t->a, 3, 2);
    memcpy(key, t->gid, 32);
    memcpy(key + 32, id, 16);
    for (size_t i = 0; i < 2; i++) {
        ok(dt_store_has(t->a[i]->store, "talk", dt_view_of(key), &there));
        assert_true(there);
        ok(dt_store_has(t->a[i]->store, "talk_data", dt_view_of(key), &there));
        assert_true(there);
        ok(dt_talk_moved(t->a[i], t->gid, id, NULL, 77));
        is(piece(t->a[i], t->gid, id, "blue-1", "as ever").position, 77);
    }
    old[8] = 5; /* position */
    old[9] = 1; /* has_talk */
    memcpy(old + 10, id, 16);
    memcpy(shown_key, address, 32);
    ok(dt_sha256(dt_view(cell, 4), shown_key + 32));
    ok(dt_store_put(t->a[1]->store, "shown", dt_view_of(shown_key), dt_view_of(address), 5,
                    dt_view_of(old)));
    ok(dt_shown_get(t->a[1], address, dt_view(cell, 4), &s));
    is(s.position, 5);
    assert_true(s.has_talk);
    assert_false(s.has_from);
    assert_memory_equal(s.talk_id, id, 16);
    s.position = 6;
    ok(dt_shown_put(t->a[1], address, dt_view(cell, 4), &s));
    ok(dt_shown_get(t->a[1], address, dt_view(cell, 4), &s));
    is(s.position, 6);
    assert_false(s.has_from);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_thief_comes_first, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(the_thief_comes_second, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(each_moves_alone, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(rows_of_an_older_store, trial_set_up, trial_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
