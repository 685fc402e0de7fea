/*
 * tests/agent/test_receipt.c - receipts among honest members: who is known to have what, through
 * epochs, queues, joining and leaving; and what is said when one does not come in time.
 */
#include "agent/records/records.h"
#include "base/mem.h"
#include "base/wire.h"

#include "three.h"

#define MINUTES(n) ((n)*DT_MS_MINUTE)

/* What all of a channel's talk leads to: one receipt of each other member, and then rest. */
static void
receipts_go_round_once(void **state)
{
    struct three *t = *state;
    struct dt_sync_report report = {0};
    uint64_t position = world_channel(t->a[0], t->gid).position;
    uint8_t id[3][16];

    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("one"), id[0]));
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("two"), id[1]));
    is(three_arrived(t, 0, id[0]), -1);
    ok(dt_agent_sync(t->a[0], NULL));
    is(three_arrived(t, 0, id[0]), 0);
    ok(dt_agent_sync(t->a[1], NULL));
    ok(dt_agent_sync(t->a[0], NULL));
    is(three_arrived(t, 0, id[0]), 1);
    is(three_arrived(t, 0, id[1]), 1);
    assert_true(three_receipts(t, 0, 2).missing);
    is(three_receipts(t, 0, 2).missing_position, position + 1);
    world_sync(t->a, 3, 3);
    is(three_arrived(t, 0, id[0]), 2);
    is(three_arrived(t, 0, id[1]), 2);
    /* Two messages, one receipt each of the two that got them, and none for receipts. */
    for (size_t i = 0; i < 3; i++) {
        is(world_channel(t->a[i], t->gid).position, position + 4);
        is(world_channel(t->a[i], t->gid).to_send, 0);
        ok(dt_agent_sync(t->a[i], &report));
        is(report.received + report.sent + report.waiting + report.passed_over, 0);
        for (size_t k = 0; k < 3; k++)
            assert_false(i != k && three_receipts(t, i, k).missing);
    }
    is(three_receipts(t, 0, 1).position, position + 2);
    is(three_receipts(t, 0, 2).position, position + 3); /* it read blue's receipt, too */
    /* By the copies and the queue alike, the others know it as well. */
    assert_true(three_receipts(t, 1, 2).any);
    assert_true(three_receipts(t, 2, 1).any);
    assert_false(three_receipts(t, 1, 0).any);
    three_say(t, 1, "three", id[2]);
    world_sync(t->a, 3, 3);
    is(three_arrived(t, 1, id[2]), 2);
    three_no_alarms(t);
}

static void
records_are_receipted_too(void **state)
{
    struct three *t = *state;
    static const char *const set[][2] = {{"mode", "call"},
                                         {"initiated_by", "blue"},
                                         {"parties", "blue; red"},
                                         {"started_at", "2026-01-01T00:00:00Z"},
                                         {"ended_at", "2026-01-01T01:00:00Z"},
                                         {"time_precision", "day"},
                                         {"level", "head"},
                                         {"participants", "two"}};
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft draft = {0};
    struct dt_arrival *v = NULL;
    uint8_t commitment[32];
    size_t n = 0;

    ok(dt_agent_record_draft(t->a[1], t->gid, "contact", &draft));
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        ok(dt_record_draft_set_text(&draft, set[i][0], dt_view_str(set[i][1]), &t->a[1]->charter));
    ok(dt_agent_record_send(t->a[1], t->gid, &draft, commitment));
    ok(dt_agent_sync(t->a[1], NULL));
    ok(dt_agent_sync(t->a[2], NULL));
    ok(dt_agent_sync(t->a[1], NULL));
    ok(dt_agent_arrivals(t->a[1], t->gid, dt_view_of(commitment), &v, &n));
    is(n, 2);
    for (size_t i = 0; i < n; i++)
        is(v[i].arrived, strcmp(v[i].who.name, "red-1") == 0);
    dt_free(v);
    three_no_alarms(t);
}

/* The root in a receipt is what docs/protocol-channel.md says, computed here once more from what
 * the relay holds. */
static void
transcript_by_the_book(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(256);
    struct dt_transcript kept[3] = {{0}};
    struct dt_wire_items items;
    struct dt_wire_item item;
    struct dt_writer w = dt_writer_init(&b);
    uint8_t root[32], hash[32], id[16];
    uint64_t last = 0;
    bool more = true;

    three_say(t, 0, "one", id);
    world_sync(t->a, 3, 2);
    ok(dt_channel_load(t->a[0], t->gid, &ch));
    ok(dt_relay_read(t->a[0]->queue_http, t->a[0]->grant.relay, ch.queue.address,
                     dt_queue_read_token(&ch.queue), 0, 0, &answer));
    ok(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
    dt_write_vec(&w, mls_group_epoch_authenticator(ch.group));
    dt_write_view(&w, dt_view_of(ch.queue.address));
    dt_write_u64(&w, 0); /* the founding's epoch begins with its queue */
    ok(dt_writer_end(&w));
    ok(dt_label_hash("transcript", dt_buf_view(&b), root));
    for (;;) {
        ok(dt_wire_items_next(&items, &item, &more));
        if (!more)
            break;
        b.n = 0;
        w = dt_writer_init(&b);
        ok(dt_sha256(item.cell, hash));
        dt_write_view(&w, dt_view_of(root));
        dt_write_u64(&w, item.position);
        dt_write_view(&w, dt_view_of(hash));
        ok(dt_writer_end(&w));
        ok(dt_label_hash("transcript cell", dt_buf_view(&b), root));
    }
    for (size_t i = 0; i < 3; i++) {
        ok(dt_transcript_of(t->a[i], t->gid, 1, &kept[i]));
        is(kept[i].start, 0);
        is(kept[i].position, last);
        assert_memory_equal(kept[i].root, root, 32);
    }
}

/* An epoch that ended in the same reading is receipted all the same: its last messages are not lost
 * between two transcripts. */
static void
epochs_end(void **state)
{
    struct three *t = *state;
    uint8_t id[2][16];

    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("before"), id[0]));
    ok(dt_agent_sync(t->a[0], NULL));
    ok(dt_agent_rotate(t->a[0], t->gid));
    ok(dt_agent_sync(t->a[0], NULL));
    three_say(t, 0, "behind", id[1]);
    ok(dt_agent_sync(t->a[1], NULL));
    is(world_channel(t->a[1], t->gid).epoch, 2);
    ok(dt_agent_sync(t->a[0], NULL));
    is(three_arrived(t, 0, id[0]), 1);
    is(three_arrived(t, 0, id[1]), 1);
    world_sync(t->a, 3, 3);
    is(three_arrived(t, 0, id[0]), 2);
    is(three_arrived(t, 0, id[1]), 2);
    three_no_alarms(t);
}

/* Leaving begins a new queue. Whoever left owes nothing any more; the others go on. */
static void
new_queue(void **state)
{
    struct three *t = *state;
    struct dt_receipt_info *v = NULL;
    uint8_t id[3][16];
    size_t n = 0;

    three_say(t, 0, "old queue", id[0]);
    ok(dt_agent_leave(t->a[2], t->gid));
    ok(dt_agent_sync(t->a[2], NULL));
    world_sync(t->a, 2, 3);
    is(world_channel(t->a[0], t->gid).members, 2);
    is(world_channel(t->a[0], t->gid).queue_number, 2);
    is(three_arrived(t, 0, id[0]), 1); /* of one who is left */
    three_say(t, 0, "new queue", id[1]);
    three_say(t, 1, "answer", id[2]);
    world_sync(t->a, 2, 3);
    is(three_arrived(t, 0, id[0]), 1);
    is(three_arrived(t, 0, id[1]), 1);
    is(three_arrived(t, 1, id[2]), 1);
    ok(dt_agent_receipts(t->a[0], t->gid, &v, &n));
    is(n, 1);
    is(v[0].queue_number, 2);
    dt_free(v);
    t->w.offset_ms += MINUTES(90);
    world_sync(t->a, 2, 1);
    is(world_alarms(t->a[0], 0) + world_alarms(t->a[1], 0), 0);
}

/* A re-join is a new seat and a new beginning: nothing of before is held against anyone. */
static void
rejoin(void **state)
{
    struct three *t = *state;
    uint8_t id[3][16];

    three_say(t, 2, "before", id[0]);
    ok(dt_agent_rejoin(t->a[2], t->gid));
    world_sync(t->a, 3, 5);
    is(world_channel(t->a[2], t->gid).state, DT_CHANNEL_LIVE);
    assert_true(world_channel(t->a[2], t->gid).confirmed);
    is(three_arrived(t, 2, id[0]), -1);
    three_say(t, 2, "after", id[1]);
    three_say(t, 0, "welcome back", id[2]);
    world_sync(t->a, 3, 3);
    is(three_arrived(t, 2, id[1]), 2);
    is(three_arrived(t, 0, id[2]), 2);
    t->w.offset_ms += MINUTES(90);
    world_sync(t->a, 3, 1);
    for (size_t i = 0; i < 3; i++) {
        is(world_alarms(t->a[i], DT_ALARM_FORK), 0);
        is(world_alarms(t->a[i], DT_ALARM_WITHHELD), 0);
        is(world_alarms(t->a[i], DT_ALARM_RECEIPT), 0);
    }
}

/* Unconfirmed, an agent says nothing but `here`: its receipt waits until it has heard the others.
 */
static void
unconfirmed_waits(void **state)
{
    struct three *t = *state;
    uint8_t id[16];

    three_say(t, 0, "while you were out", id);
    t->w.offset_ms += 5 * DT_MS_DAY;
    ok(dt_agent_sync(t->a[2], NULL));
    assert_false(world_channel(t->a[2], t->gid).confirmed);
    is(world_talk_count(t->a[2], t->gid, dt_view_str("while you were out")), 1);
    ok(dt_agent_sync(t->a[0], NULL));
    assert_true(three_receipts(t, 0, 2).missing);
    assert_false(three_receipts(t, 0, 2).any);
    world_sync(t->a, 3, 4);
    assert_true(world_channel(t->a[2], t->gid).confirmed);
    world_sync(t->a, 3, 2);
    is(three_arrived(t, 0, id), 2);
}

/* ---- after its time ---- */

static void
late(void **state)
{
    struct three *t = *state;
    uint8_t id[2][16];

    three_say(t, 0, "where are you", id[0]);
    ok(dt_agent_sync(t->a[1], NULL));
    t->w.offset_ms += MINUTES(59);
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_alarms(t->a[0], DT_ALARM_RECEIPT), 0);
    t->w.offset_ms += MINUTES(5);
    ok(dt_agent_sync(t->a[0], NULL));
    ok(dt_agent_sync(t->a[0], NULL));
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "no receipt for our message"), 1);
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "within 1 h"), 1);
    is(world_alarms(t->a[0], 0), 1); /* and none about blue */
    /* What follows is overdue with it: once is enough. */
    three_say(t, 0, "hello", id[1]);
    t->w.offset_ms += MINUTES(66);
    ok(dt_agent_sync(t->a[1], NULL));
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_alarms(t->a[0], DT_ALARM_RECEIPT), 1);
    is(three_arrived(t, 0, id[1]), 1);
    ok(dt_agent_sync(t->a[2], NULL));
    ok(dt_agent_sync(t->a[0], NULL));
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "arrived after 2 h 10 min"), 1);
    is(world_alarms(t->a[0], 0), 2);
    is(three_arrived(t, 0, id[0]), 2);
    is(three_arrived(t, 0, id[1]), 2);
    /* A later one is a new case. */
    three_say(t, 0, "and now?", id[1]);
    ok(dt_agent_sync(t->a[1], NULL));
    t->w.offset_ms += MINUTES(61);
    ok(dt_agent_sync(t->a[0], NULL));
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "no receipt for our message"), 2);
}

/* The time is the user's to say; a clock put back makes nothing overdue. */
static void
its_time_can_be_set(void **state)
{
    struct three *t = *state;
    uint8_t id[16];

    is(dt_agent_receipt_limit(t->a[0]), DT_MS_HOUR);
    dt_agent_receipt_within(t->a[0], MINUTES(10));
    t->w.offset_ms += 2 * DT_MS_HOUR;
    three_say(t, 0, "quickly", id);
    t->w.offset_ms -= DT_MS_HOUR;
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_alarms(t->a[0], 0), 0);
    t->w.offset_ms += DT_MS_HOUR + MINUTES(11);
    ok(dt_agent_sync(t->a[0], NULL));
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 1, "within 10 min"), 1);
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "within 10 min"), 1);
}

/* ---- one home, two processes ---- */

static void
two_processes(void **state)
{
    struct three *t = *state;
    struct dt_agent *again = world_open(&t->w, "blue-1");
    uint64_t position = world_channel(t->a[0], t->gid).position;
    uint64_t before = 0, old;
    uint8_t id[16];
    struct dt_sync_report report = {0};

    three_say(t, 0, "one", id);
    ok(dt_agent_sync(t->a[1], NULL));
    ok(dt_agent_sync(again, NULL));
    ok(dt_agent_sync(t->a[1], NULL));
    world_sync(t->a, 3, 3);
    is(world_channel(t->a[0], t->gid).position, position + 3);
    is(three_arrived(t, 0, id), 2);
    /* One process has read a claim from the inbox while the other was reading the queue: what the
     * other has not read says nothing about the relay. */
    ok(dt_store_number(again->store, &old));
    three_say(t, 0, "two", id);
    ok(dt_agent_sync(t->a[2], NULL));
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
        struct dt_wire_items items;
        struct dt_wire_item item;
        bool ready = false, more = true;
        uint64_t at = 0, last = 0;

        ok(dt_inbox_state(t->a[1], &ready, &at));
        ok(dt_relay_read(t->a[1]->queue_http, t->a[1]->grant.relay, t->a[1]->inbox_address,
                         dt_view(t->a[1]->inbox_tokens.p, 32), at, 0, &answer));
        ok(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
        ok(dt_wire_items_next(&items, &item, &more));
        assert_true(more);
        ok(dt_inbox_take_cell(t->a[1], &item, &report));
    }
    assert_true(three_receipts(t, 1, 2).ahead);
    ok(dt_receipt_settle(again, t->gid, old, &report));
    is(world_alarms(again, 0), 0);
    ok(dt_store_number(again->store, &before));
    assert_true(before > old);
    ok(dt_receipt_settle(again, t->gid, before, &report));
    is(three_alarms(t, 1, DT_ALARM_WITHHELD, 2, "withheld"), 1);
    ok(dt_agent_sync(again, NULL));
    assert_false(three_receipts(t, 1, 2).ahead);
    dt_agent_close(again);
}

/* ---- bounds ---- */

static void
little_is_kept(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_transcript x = {0};
    uint8_t root[32], waiting[33], byte = 7;
    uint64_t n = 0, from;

    ok(dt_store_begin(t->a[0]->store));
    ok(dt_channel_load(t->a[0], t->gid, &ch));
    from = ch.position;
    for (uint64_t i = 1; i <= DT_TRANSCRIPT_POSITIONS + 20; i++)
        ok(dt_transcript_add(t->a[0], &ch, from + i, dt_view(&byte, 1)));
    for (uint64_t i = 0; i < DT_AWAITED_KEPT + 20; i++) {
        uint8_t id[32] = {(uint8_t)(i >> 8), (uint8_t)i};

        ok(dt_awaited_add(t->a[0], &ch, id, dt_view(id, i % 2 == 0 ? 32 : 0), from + i));
    }
    ok(dt_store_commit(t->a[0]->store));
    ok(dt_store_count(t->a[0]->store, "transcript_at", dt_view_of(t->gid), &n));
    is(n, DT_TRANSCRIPT_POSITIONS);
    memcpy(waiting, t->gid, 32);
    waiting[32] = 'w';
    ok(dt_store_count(t->a[0]->store, "awaited", dt_view_of(waiting), &n));
    is(n, DT_AWAITED_KEPT);
    ok(dt_store_count(t->a[0]->store, "awaited_record", dt_view_of(t->gid), &n));
    is(n, DT_AWAITED_KEPT / 2);
    is(dt_transcript_at(t->a[0], t->gid, 1, from + 20, root), DT_ERR_NOT_FOUND);
    ok(dt_transcript_at(t->a[0], t->gid, 1, from + 21, root));
    /* Epochs, by rotations of one alone. */
    for (unsigned int i = 0; i < DT_TRANSCRIPT_EPOCHS + 2; i++) {
        ok(dt_agent_rotate(t->a[1], t->gid));
        ok(dt_agent_sync(t->a[1], NULL));
    }
    is(world_channel(t->a[1], t->gid).epoch, DT_TRANSCRIPT_EPOCHS + 3);
    ok(dt_store_count(t->a[1]->store, "transcript", dt_view_of(t->gid), &n));
    is(n, DT_TRANSCRIPT_EPOCHS);
    is(dt_transcript_of(t->a[1], t->gid, 3, &x), DT_ERR_NOT_FOUND);
    ok(dt_transcript_of(t->a[1], t->gid, 4, &x));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(receipts_go_round_once, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(records_are_receipted_too, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(transcript_by_the_book, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(epochs_end, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(new_queue, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(rejoin, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(unconfirmed_waits, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(late, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(its_time_can_be_set, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(two_processes, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(little_is_kept, three_set_up, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
