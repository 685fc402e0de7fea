/*
 * tests/agent/test_receipt_hostile.c - what receipts are for: a relay that shows one member less,
 * or other things, than the rest; members that send false receipts and false copies.
 */
#include "base/mem.h"
#include "base/wire.h"

#include "three.h"

#define MINUTES(n) ((n)*DT_MS_MINUTE)
#define NOBODY     3

/* ---- a hostile relay ---- */

/* The end of the queue is kept from red: the copy of blue's receipt tells it what there is. */
static void
withheld_end(void **state)
{
    struct three *t = *state;
    struct crooked x;
    uint64_t end = world_channel(t->a[2], t->gid).position;
    uint8_t id[2][16];

    crooked_start(&x, &t->w, t->a[2], t->gid);
    x.withhold = end + 2;
    three_say(t, 0, "shown", id[0]);
    three_say(t, 0, "withheld", id[1]);
    ok(dt_agent_sync(t->a[1], NULL));
    for (int i = 0; i < 3; i++) /* told once, however often it asks */
        ok(dt_agent_sync(t->a[2], NULL));
    is(three_alarms(t, 2, DT_ALARM_WITHHELD, 1, "withheld: has read up to position"), 1);
    is(world_alarms(t->a[2], DT_ALARM_WITHHELD), 1);
    is(world_alarms(t->a[2], DT_ALARM_FORK), 0);
    assert_true(three_receipts(t, 2, 1).ahead);
    is(three_receipts(t, 2, 1).ahead_position, end + 2);
    is(world_talk_count(t->a[2], t->gid, dt_view_str("withheld")), 0);
    /* To the author, red has the first and not the second; after its time that is told. */
    t->w.offset_ms += MINUTES(70);
    ok(dt_agent_sync(t->a[0], NULL));
    is(three_arrived(t, 0, id[0]), 2);
    is(three_arrived(t, 0, id[1]), 1);
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "no receipt for our message"), 1);
    is(three_receipts(t, 0, 2).missing_position, end + 2);
    /* The relay thinks better of it. */
    x.withhold = 0;
    ok(dt_agent_sync(t->a[2], NULL));
    is(three_alarms(t, 2, DT_ALARM_WITHHELD, 1, "was shown after 1 h 10 min, and agrees"), 1);
    is(world_alarms(t->a[2], DT_ALARM_WITHHELD), 2);
    is(world_alarms(t->a[2], DT_ALARM_FORK), 0);
    assert_false(three_receipts(t, 2, 1).ahead);
    is(three_receipts(t, 2, 1).position, end + 2);
    is(world_talk_count(t->a[2], t->gid, dt_view_str("withheld")), 1);
    ok(dt_agent_sync(t->a[0], NULL));
    is(three_arrived(t, 0, id[1]), 2);
    is(three_alarms(t, 0, DT_ALARM_RECEIPT, 2, "arrived after 1 h 10 min"), 1);
    is(world_alarms(t->a[1], 0), 0);
    crooked_stop(&x, t->a[2]);
}

/* One cell is left out for red, and the rest moves up: no gap to be seen, but everybody sees that
 * red's transcript is another. */
static void
left_out(void **state)
{
    struct three *t = *state;
    struct crooked x;
    uint64_t end = world_channel(t->a[2], t->gid).position;
    uint8_t id[4][16];

    crooked_start(&x, &t->w, t->a[2], t->gid);
    x.skip = end + 2;
    three_say(t, 0, "one", id[0]);
    three_say(t, 0, "two", id[1]);
    three_say(t, 0, "three", id[2]);
    ok(dt_agent_sync(t->a[1], NULL));
    ok(dt_agent_sync(t->a[2], NULL));
    is(world_talk_count(t->a[2], t->gid, dt_view_str("one")), 1);
    is(world_talk_count(t->a[2], t->gid, dt_view_str("two")), 0);
    is(world_talk_count(t->a[2], t->gid, dt_view_str("three")), 1);
    is(three_alarms(t, 2, DT_ALARM_FORK, 1, "so other cells"), 1);
    assert_true(three_receipts(t, 2, 1).differs);
    world_sync(t->a, 3, 2);
    is(three_alarms(t, 0, DT_ALARM_FORK, 2, "so other cells"), 1);
    is(three_alarms(t, 1, DT_ALARM_FORK, 2, "so other cells"), 1);
    is(world_alarms(t->a[0], DT_ALARM_FORK), 1); /* blue agrees */
    is(three_arrived(t, 0, id[0]), 1);           /* red's word for it is no proof of anything */
    is(three_arrived(t, 0, id[2]), 1);
    /* Once an epoch and seat, not with every receipt. */
    three_say(t, 0, "four", id[3]);
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 2; i++)
        is(world_alarms(t->a[i], DT_ALARM_FORK), 1);
    is(three_alarms(t, 2, DT_ALARM_FORK, 1, ""), 1);
    /* The relay shows red everything: it reads the queue again, has what it missed, says so, and
     * the others see that it agrees now. */
    x.skip = 0;
    t->w.offset_ms += MINUTES(40);
    world_sync(t->a, 3, 1);
    world_sync(t->a + 2, 1, 1);
    is(world_talk_count(t->a[2], t->gid, dt_view_str("two")), 1);
    world_sync(t->a, 3, 2);
    for (size_t i = 0; i < 2; i++) {
        is(three_alarms(t, i, DT_ALARM_FORK, 2, "was shown after 40 min"), 1);
        assert_false(three_receipts(t, i, 2).differs);
    }
    is(three_alarms(t, 2, DT_ALARM_FORK, 1, "was shown after 40 min"), 1);
    assert_false(three_receipts(t, 2, 1).differs);
    for (size_t i = 0; i < 4; i++)
        is(three_arrived(t, 0, id[i]), 2);
    for (size_t i = 0; i < 3; i++) {
        is(world_alarms(t->a[i], DT_ALARM_FORK), 2);
        is(world_talk_count(t->a[i], t->gid, dt_view_str("two")), 1);
    }
    crooked_stop(&x, t->a[2]);
}

/* In the place of one cell red is shown the one before it. */
static void
exchanged(void **state)
{
    struct three *t = *state;
    struct crooked x;
    uint64_t end = world_channel(t->a[2], t->gid).position;
    uint8_t id[2][16];

    crooked_start(&x, &t->w, t->a[2], t->gid);
    x.double_at = end + 2;
    three_say(t, 0, "one", id[0]);
    three_say(t, 0, "two", id[1]);
    ok(dt_agent_sync(t->a[1], NULL));
    ok(dt_agent_sync(t->a[2], NULL));
    is(world_talk_count(t->a[2], t->gid, dt_view_str("two")), 0);
    assert_true(world_alarms(t->a[2], DT_ALARM_RELAY) > 0); /* the same message twice */
    is(three_alarms(t, 2, DT_ALARM_FORK, 1, "so other cells"), 1);
    ok(dt_agent_sync(t->a[0], NULL));
    is(three_alarms(t, 0, DT_ALARM_FORK, 2, "so other cells"), 1);
    is(three_arrived(t, 0, id[0]), 1);
    is(three_arrived(t, 0, id[1]), 1);
    crooked_stop(&x, t->a[2]);
}

/* What red says of the next epoch is no word for what it was shown in the one before. */
static void
no_word_for_another_epoch(void **state)
{
    struct three *t = *state;
    struct crooked x;
    uint64_t end = world_channel(t->a[2], t->gid).position;
    uint8_t id[3][16];

    crooked_start(&x, &t->w, t->a[2], t->gid);
    x.double_at = end + 2;
    three_say(t, 1, "before", id[0]);
    three_say(t, 0, "exchanged", id[1]);
    ok(dt_agent_rotate(t->a[0], t->gid));
    ok(dt_agent_sync(t->a[0], NULL));
    three_say(t, 0, "behind", id[2]);
    ok(dt_agent_sync(t->a[2], NULL));
    is(world_channel(t->a[2], t->gid).epoch, 2);
    is(world_talk_count(t->a[2], t->gid, dt_view_str("exchanged")), 0);
    ok(dt_agent_sync(t->a[0], NULL));
    is(three_alarms(t, 0, DT_ALARM_FORK, 2, "so other cells"), 1);
    is(three_arrived(t, 0, id[1]), 0);
    is(three_arrived(t, 0, id[2]), 1);
    is(three_receipts(t, 0, 2).missing_position, end + 2);
    crooked_stop(&x, t->a[2]);
}

/* A Commit is kept from red: the copy of a receipt of the next epoch can only be read later, and
 * says so. */
static void
withheld_commit(void **state)
{
    struct three *t = *state;
    struct crooked x;
    uint64_t end = world_channel(t->a[2], t->gid).position;
    uint64_t n = 0;
    uint8_t id[16];

    crooked_start(&x, &t->w, t->a[2], t->gid);
    x.withhold = end + 1;
    ok(dt_agent_rotate(t->a[1], t->gid));
    ok(dt_agent_sync(t->a[1], NULL));
    three_say(t, 0, "in the new epoch", id);
    ok(dt_agent_sync(t->a[1], NULL));
    for (int i = 0; i < 2; i++)
        ok(dt_agent_sync(t->a[2], NULL));
    is(three_alarms(t, 2, DT_ALARM_WITHHELD, NOBODY, "receipt of epoch 2 came to the inbox"), 1);
    is(world_alarms(t->a[2], 0), 1);
    is(world_channel(t->a[2], t->gid).epoch, 1);
    ok(dt_store_count(t->a[2]->store, "copy", dt_view_of(t->gid), &n));
    is(n, 1);
    x.withhold = end + 2; /* the Commit, and nothing behind it */
    ok(dt_agent_sync(t->a[2], NULL));
    is(world_channel(t->a[2], t->gid).epoch, 2);
    is(three_alarms(t, 2, DT_ALARM_WITHHELD, 1, "withheld: has read up to position"), 1);
    ok(dt_store_count(t->a[2]->store, "copy", dt_view_of(t->gid), &n));
    is(n, 0);
    x.withhold = 0;
    ok(dt_agent_sync(t->a[2], NULL));
    is(world_talk_count(t->a[2], t->gid, dt_view_str("in the new epoch")), 1);
    is(three_alarms(t, 2, DT_ALARM_WITHHELD, 1, "and agrees"), 1);
    is(world_alarms(t->a[2], DT_ALARM_FORK), 0);
    crooked_stop(&x, t->a[2]);
}

/* ---- hostile members ---- */

/* Red protects ${p} and gives it out as a copy to blue, and to the queue as well when ${queue}. */
static void
red_sends(struct three *t, const struct dt_payload *p, bool copy, bool queue)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(8192);
    struct dt_inbox_message m = {.kind = DT_INBOX_COPY};
    uint8_t append_id[16];
    size_t sent = 0;

    ok(dt_payload_encode(p, &body));
    ok(dt_store_begin(t->a[2]->store));
    ok(dt_channel_load(t->a[2], t->gid, &ch));
    ok(mls_group_protect(ch.group, dt_view(NULL, 0), dt_buf_view(&body), 0, &message));
    if (queue)
        ok(dt_outbox_to_queue(t->a[2], &ch, DT_OUTBOX_HERE, p->id, dt_buf_view(&message),
                              dt_view(NULL, 0), append_id));
    ok(dt_channel_save(t->a[2], &ch, false));
    m.copy = dt_buf_view(&message);
    memcpy(m.group_id, t->gid, 32);
    if (copy)
        ok(dt_outbox_to_inbox(t->a[2], &t->a[1]->letter, &m));
    ok(dt_store_commit(t->a[2]->store));
    ok(dt_outbox_flush(t->a[2], t->gid, &sent));
    ok(dt_outbox_flush(t->a[2], NULL, &sent));
}

/* What red's agent would say truly; the tests bend it. */
static struct dt_payload
true_receipt(struct three *t, struct dt_buf *authenticator)
{
    struct dt_payload p = {.kind = DT_PAYLOAD_RECEIPT, .sent_ms = 1, .id = {9}};
    struct dt_transcript x = {0};
    uint64_t epoch = world_channel(t->a[2], t->gid).epoch;

    ok(dt_transcript_of(t->a[2], t->gid, epoch, &x));
    dt_buf_clear(authenticator);
    ok(dt_channel_authenticator(t->a[2], t->gid, epoch, authenticator));
    p.epoch = epoch;
    p.authenticator = dt_buf_view(authenticator);
    p.position = x.position;
    p.count = x.position - x.start;
    memcpy(p.root, x.root, 32);
    return p;
}

/* Talk is not copied into inboxes. It is told who did; and no key is used up, so that the same
 * message counts when it comes by the queue. */
static void
copied_talk(void **state)
{
    struct three *t = *state;
    struct dt_payload p = {.kind = DT_PAYLOAD_TALK,
                           .id = {1},
                           .media_type = dt_view_str("text/plain"),
                           .data = dt_view_str("psst")};

    red_sends(t, &p, true, false);
    ok(dt_agent_sync(t->a[1], NULL));
    is(three_alarms(t, 1, DT_ALARM_CELL, 2, "something else than a receipt"), 1);
    is(world_talk_count(t->a[1], t->gid, dt_view_str("psst")), 0);
    p.id[0] = 2;
    red_sends(t, &p, true, true);
    ok(dt_agent_sync(t->a[1], NULL));
    is(world_talk_count(t->a[1], t->gid, dt_view_str("psst")), 1);
    is(three_alarms(t, 1, DT_ALARM_CELL, 2, "something else than a receipt"), 2);
    is(world_alarms(t->a[1], DT_ALARM_FORK), 0);
}

/* Receipts that are not true. */
static void
false_receipts(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf authenticator = DT_BUF_INIT(DT_AUTHENTICATOR_MAX);
    struct dt_payload p = true_receipt(t, &authenticator);
    uint64_t n = 0;

    /* True, by the inbox alone: nothing is wrong with that. */
    red_sends(t, &p, true, false);
    ok(dt_agent_sync(t->a[1], NULL));
    is(world_alarms(t->a[1], 0), 0);
    assert_true(three_receipts(t, 1, 2).any);
    /* Far ahead of everything: told once, with its name; one row, however many. */
    for (uint64_t i = 0; i < 3; i++) {
        p.position += 1000000;
        p.count += 1000000;
        red_sends(t, &p, i != 1, i != 0);
        ok(dt_agent_sync(t->a[1], NULL));
    }
    is(three_alarms(t, 1, DT_ALARM_WITHHELD, 2, "withheld: has read"), 1);
    ok(dt_store_count(t->a[1]->store, "claim", dt_view_of(t->gid), &n));
    is(n, 1);
    is(world_alarms(t->a[1], DT_ALARM_FORK), 0);
    /* The epoch ends without that much in it: then it was never true. */
    ok(dt_agent_rotate(t->a[1], t->gid));
    world_sync(t->a + 1, 2, 2);
    is(three_alarms(t, 1, DT_ALARM_FORK, 2, "so other cells"), 1);
    assert_false(three_receipts(t, 1, 2).differs); /* of this epoch */
    /* Another authenticator, another root, an epoch that began elsewhere, one that is to come. */
    p = true_receipt(t, &authenticator);
    authenticator.p[0] ^= 1;
    red_sends(t, &p, true, false);
    ok(dt_agent_sync(t->a[1], NULL));
    is(three_alarms(t, 1, DT_ALARM_FORK, 2, "another authenticator of its epoch"), 1);
    ok(dt_agent_rotate(t->a[1], t->gid));
    world_sync(t->a + 1, 2, 2);
    p = true_receipt(t, &authenticator);
    p.root[31] ^= 1;
    red_sends(t, &p, false, true);
    ok(dt_agent_sync(t->a[1], NULL));
    is(three_alarms(t, 1, DT_ALARM_FORK, 2, "so other cells"), 2);
    ok(dt_agent_rotate(t->a[1], t->gid));
    world_sync(t->a + 1, 2, 2);
    p = true_receipt(t, &authenticator);
    p.count++;
    p.position++;
    p.count++;
    red_sends(t, &p, true, false);
    ok(dt_agent_sync(t->a[1], NULL));
    is(three_alarms(t, 1, DT_ALARM_FORK, 2, "so other cells"), 3);
    p = true_receipt(t, &authenticator);
    p.epoch++;
    red_sends(t, &p, true, false);
    red_sends(t, &p, false, true);
    ok(dt_agent_sync(t->a[1], NULL));
    is(three_alarms(t, 1, DT_ALARM_CELL, 2, "an epoch that its sender had not reached"), 1);
    is(world_alarms(t->a[1], DT_ALARM_WELCOME), 1);
    is(world_alarms(t->a[1], DT_ALARM_FORK), 4);
    is(world_alarms(t->a[1], DT_ALARM_WITHHELD), 1);
}

/* ---- whoever can write to an inbox ---- */

static void
to_inbox(struct three *t, const uint8_t group_id[static 32], struct dt_view message)
{
    struct dt_inbox_message m = {.kind = DT_INBOX_COPY, .copy = message};
    size_t sent = 0;

    memcpy(m.group_id, group_id, 32);
    ok(dt_store_begin(t->a[2]->store));
    ok(dt_outbox_to_inbox(t->a[2], &t->a[1]->letter, &m));
    ok(dt_store_commit(t->a[2]->store));
    ok(dt_outbox_flush(t->a[2], NULL, &sent));
    is(sent, 1);
}

static void
foreign_copies(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_channel_clear) struct dt_channel track = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf other = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
    struct mls_commit_opts opts = {.force_path = true};
    struct dt_sync_report report = {0};
    struct dt_wire_items items;
    struct dt_wire_item item;
    uint8_t id[16], gid[32], nowhere[32] = {5};
    uint64_t last = 0, n = 0;
    bool more = true;

    world_found(t->a, 3, DT_CHANNEL_TRACK, "track", gid);
    three_say(t, 0, "one", id);
    ok(dt_agent_sync(t->a[2], NULL));
    ok(dt_agent_sync(t->a[1], NULL));
    /* Red's receipt, the last but one in the queue, once more: known, and nothing comes of it. */
    ok(dt_channel_load(t->a[1], t->gid, &ch));
    ok(dt_relay_read(t->a[1]->queue_http, t->a[1]->grant.relay, ch.queue.address,
                     dt_queue_read_token(&ch.queue), ch.position - 2, 0, &answer));
    ok(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
    ok(dt_wire_items_next(&items, &item, &more));
    assert_true(more);
    ok(dt_cell_open(&ch.queue, item.cell, &message));
    to_inbox(t, t->gid, dt_buf_view(&message));
    to_inbox(t, nowhere, dt_buf_view(&message)); /* a channel that blue is not in */
    ok(dt_agent_sync(t->a[1], &report));
    is(report.passed_over, 0);
    is(world_alarms(t->a[1], 0), 0);
    /* Into another channel; altered, where it says who sent it; a Commit; a handful of bytes. */
    to_inbox(t, gid, dt_buf_view(&message));
    message.p[60] ^= 1;
    to_inbox(t, t->gid, dt_buf_view(&message));
    ok(dt_channel_load(t->a[2], t->gid, &track));
    ok(mls_group_commit(track.group, &opts, &out));
    to_inbox(t, t->gid, dt_buf_view(&out.commit));
    to_inbox(t, t->gid, dt_view(nowhere, 5));
    ok(dt_agent_sync(t->a[1], &report));
    is(report.passed_over, 4);
    is(three_alarms(t, 1, DT_ALARM_WELCOME, NOBODY, "it is of another channel than it says"), 1);
    is(three_alarms(t, 1, DT_ALARM_WELCOME, NOBODY, "it is no application message"), 1);
    is(world_alarms(t->a[1], DT_ALARM_WELCOME), 4);
    is(world_channel(t->a[1], t->gid).epoch, 1);
    /* Invented epochs: a few are kept, and told of once. */
    for (uint8_t i = 0; i < DT_COPIES_KEPT + 4; i++) {
        struct dt_writer w = dt_writer_init(&other);

        dt_write_u16(&w, 1);
        dt_write_u16(&w, 2);
        dt_write_vec(&w, dt_view_of(t->gid));
        dt_write_u64(&w, UINT64_MAX - i);
        dt_write_u8(&w, 1);
        dt_write_vec(&w, dt_view(NULL, 0));
        dt_write_vec(&w, dt_view(nowhere, 20));
        dt_write_vec(&w, dt_view(nowhere, 20));
        ok(dt_writer_end(&w));
        to_inbox(t, t->gid, dt_buf_view(&other));
        other.n = 0;
    }
    ok(dt_agent_sync(t->a[1], NULL));
    ok(dt_agent_sync(t->a[1], NULL));
    is(three_alarms(t, 1, DT_ALARM_WITHHELD, NOBODY, "withheld?"), 1);
    ok(dt_store_count(t->a[1]->store, "copy", dt_view_of(t->gid), &n));
    is(n, DT_COPIES_KEPT);
    t->w.offset_ms += DT_COPY_LIFE_MS + DT_MS_DAY;
    ok(dt_agent_sync(t->a[1], NULL));
    ok(dt_store_count(t->a[1]->store, "copy", dt_view_of(t->gid), &n));
    is(n, 0);
    is(world_alarms(t->a[1], DT_ALARM_FORK), 0);
}

/* Copies that cannot leave do not pile up: one waits for each inbox, the newest. */
static void
copies_that_wait(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint64_t n = 0;

    ok(dt_store_begin(t->a[1]->store));
    ok(dt_channel_load(t->a[1], t->gid, &ch));
    for (uint8_t i = 0; i < 5; i++)
        ok(dt_copies_send(t->a[1], &ch, dt_view(&i, 1)));
    ok(dt_store_commit(t->a[1]->store));
    ok(dt_outbox_count(t->a[1], NULL, &n));
    is(n, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(withheld_end, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(left_out, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(exchanged, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(no_word_for_another_epoch, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(withheld_commit, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(copied_talk, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(false_receipts, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(foreign_copies, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(copies_that_wait, three_set_up, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
