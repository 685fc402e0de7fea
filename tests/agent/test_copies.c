/*
 * tests/agent/test_copies.c - copies of a home: put back, used in turns, used at once. Each is
 * recognised before it says anything, the delegate comes back, and nothing is said twice or lost.
 *
 * DESIGN "Agent store": an agent that meets a message of its own that it does not know sends
 * nothing under its state and re-joins.
 */
#include "base/wire.h"

#include "three.h"

#define RED_HOME(f) ((f)->a[2])
#define COPY(f)     ((f)->a[3])

/* The first sync of a copy that was put back: what it finds, before anything of it leaves. */
static void
recognised(struct three *f, struct dt_agent *copy, uint64_t asks)
{
    struct dt_sync_report report;
    uint64_t channel = world_cells_in_channel(f->a[0], f->gid);
    uint64_t inboxes[2] = {world_cells_in_inbox(f->a[0]), world_cells_in_inbox(f->a[1])};

    ok(dt_agent_sync(copy, &report));
    is(world_channel(copy, f->gid).state, DT_CHANNEL_BROKEN);
    is(world_alarms(copy, DT_ALARM_RESTORED), 1);
    /* In the channel nothing, to the two others a request and a key package each. */
    is(world_cells_in_channel(f->a[0], f->gid), channel);
    for (size_t i = 0; i < 2; i++)
        is(world_cells_in_inbox(f->a[i]), inboxes[i] + 2 * asks);
    is(report.sent, 4 * asks);
}

/* ---- the user asks ---- */

/* State lost: a request to re-join, honoured by whoever is first. */
static void
asked_by_the_user(void **state)
{
    struct three *f = *state;

    ok(dt_agent_rejoin(f->a[2], f->gid));
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    is(world_channel(f->a[2], f->gid).lapse, DT_LAPSE_ASKED);
    world_say(f->a[0], f->gid, "while it is out");
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    world_say(f->a[2], f->gid, "back again");
    world_sync(f->a, 3, 2);
    world_all_have_once(f->a, 3, f->gid, "back again");
    /* Its old state read on until its seat was given away: nothing was missed. */
    world_all_have_once(f->a, 3, f->gid, "while it is out");
    for (size_t i = 0; i < 3; i++)
        is(world_alarms(f->a[i], 0), 0);
}

/* ---- yesterday's store file, put back ---- */

/* Messages of ours and of others in between, something left to say in the copy. */
static void
put_back_after_talk(void **state)
{
    struct three *f = *state;

    world_say(f->a[2], f->gid, "said on both days");
    three_keep(f, "yesterday");
    world_sync(f->a, 3, 2);
    world_say(f->a[0], f->gid, "heard since");
    world_say(f->a[2], f->gid, "said since");
    world_sync(f->a, 3, 2);
    three_put_back(f, "yesterday");
    world_say(f->a[2], f->gid, "said from the copy");
    recognised(f, f->a[2], 1);
    world_said(f->a[2], DT_ALARM_RESTORED, "restored copy");
    /* What others said, and what the lost home said, can be read by the old state. */
    world_all_have_once(f->a, 3, f->gid, "heard since");
    world_all_have_once(f->a, 3, f->gid, "said since");
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    world_all_have_once(f->a, 3, f->gid, "said on both days");
    world_all_have_once(f->a, 3, f->gid, "said from the copy");
    is(world_alarms(f->a[2], DT_ALARM_MISSED), 0);
    for (size_t i = 0; i < 2; i++)
        is(world_alarms(f->a[i], 0), 0);
}

/* A rotation of ours in between, and a member's Commit after it: from there on the copy reads
 * nothing, says how much that is, and comes back for its seat's session key is another now. */
static void
put_back_after_a_rotation(void **state)
{
    struct three *f = *state;

    three_keep(f, "yesterday");
    world_say(f->a[2], f->gid, "before the rotation");
    world_sync(f->a, 3, 2);
    ok(dt_agent_rotate(f->a[2], f->gid));
    world_sync(f->a, 3, 3);
    ok(dt_agent_rotate(f->a[0], f->gid));
    world_sync(f->a, 3, 3);
    world_say(f->a[0], f->gid, "one that is missed");
    world_say(f->a[2], f->gid, "two that is missed");
    world_sync(f->a, 3, 2);
    three_put_back(f, "yesterday");
    world_say(f->a[2], f->gid, "said from the copy");
    recognised(f, f->a[2], 1);
    world_all_have_once(f->a, 3, f->gid, "before the rotation");
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    world_all_have_once(f->a, 3, f->gid, "said from the copy");
    is(world_talk_count(f->a[2], f->gid, dt_view_str("one that is missed")), 0);
    is(world_alarms(f->a[2], DT_ALARM_MISSED), 1);
    world_said(f->a[2], DT_ALARM_MISSED, "cannot be read by this home");
    for (size_t i = 0; i < 2; i++)
        is(world_alarms(f->a[i], 0), 0);
}

/* A month later: queues have followed each other, vouchers too. */
static void
put_back_after_a_month(void **state)
{
    struct three *f = *state;

    three_keep(f, "last-month");
    for (unsigned int i = 0; i < 10; i++) {
        f->w.offset_ms += 3 * DT_MS_DAY + DT_MS_HOUR;
        world_sync(f->a, 3, 4);
    }
    is(world_channel(f->a[0], f->gid).queue_number, 2);
    three_put_back(f, "last-month");
    world_say(f->a[2], f->gid, "a month later");
    recognised(f, f->a[2], 1);
    world_sync(f->a, 3, 6);
    three_is_back(f->a[2], f->gid);
    world_all_have_once(f->a, 3, f->gid, "a month later");
    is(world_alarms(f->a[2], DT_ALARM_MISSED), 1);
}

/* The seat was given up and taken anew in between: the old seat is gone, and the copy asks for the
 * one that it saw its later self be welcomed to. */
static void
put_back_after_a_rejoin(void **state)
{
    struct three *f = *state;

    three_keep(f, "yesterday");
    world_say(f->a[2], f->gid, "before the re-join");
    ok(dt_agent_rotate(f->a[2], f->gid));
    world_sync(f->a, 3, 3);
    ok(dt_agent_rejoin(f->a[2], f->gid));
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    world_say(f->a[2], f->gid, "after the re-join");
    world_sync(f->a, 3, 2);
    three_put_back(f, "yesterday");
    world_say(f->a[2], f->gid, "said from the copy");
    recognised(f, f->a[2], 2);
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    world_all_have_once(f->a, 3, f->gid, "said from the copy");
}

/* Removed in between: there is no seat to come back to, and none is asked for. */
static void
put_back_after_a_removal(void **state)
{
    struct three *f = *state;

    three_keep(f, "yesterday");
    ok(dt_agent_leave(f->a[2], f->gid));
    world_sync(f->a, 3, 4);
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_LEFT);
    three_put_back(f, "yesterday");
    ok(dt_agent_sync(f->a[2], NULL));
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_LEFT);
    is(world_alarms(f->a[2], DT_ALARM_RESTORED), 1);
    world_sync(f->a, 3, 2);
    is(world_channel(f->a[0], f->gid).members, 2);
    for (size_t i = 0; i < 2; i++)
        is(world_alarms(f->a[i], 0), 0);
}

/* A letter renewed in between, the seat taken under it: the copy holds the old letter, which still
 * is the same delegate's, and takes the new one when it gets it. */
static void
put_back_after_a_new_letter(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf letter = DT_BUF_INIT(8192);
    uint8_t renewed[32], hash[32];

    three_keep(f, "yesterday");
    f->w.offset_ms += DT_MS_HOUR;
    world_accredit(&f->w, f->a[2], RED, DT_RIGHTS_ALL);
    ok(dt_agent_own_letter(f->a[2], &letter));
    world_letter_hash(f->a[2], renewed);
    ok(dt_agent_rejoin(f->a[2], f->gid));
    world_sync(f->a, 3, 5);
    world_say(f->a[2], f->gid, "under the new letter");
    world_sync(f->a, 3, 2);
    three_put_back(f, "yesterday");
    ok(dt_agent_letter_import(f->a[2], dt_buf_view(&letter), hash));
    ok(dt_agent_sync(f->a[2], NULL));
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    is(world_channel(f->a[2], f->gid).lapse, DT_LAPSE_COPY);
    /* No message of ours shows that this home is the later one: people decide. */
    world_sync(f->a, 3, 2);
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    ok(dt_agent_rejoin(f->a[2], f->gid));
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    assert_int_not_equal(world_leaf(f->a[0], f->gid, renewed), UINT32_MAX);
}

/* What the copy had sealed and not sent does not go out under its old state: the generation is used
 * up. It is sealed anew. */
static void
sealed_and_not_sent(void **state)
{
    struct three *f = *state;
    size_t made = 0;

    world_say(f->a[2], f->gid, "sealed yesterday");
    ok(dt_channel_prepare(f->a[2], f->gid, &made));
    is(made, 1);
    three_keep(f, "yesterday");
    /* The lost home sent that very cell and one more. */
    world_say(f->a[2], f->gid, "one more");
    world_sync(f->a, 3, 2);
    three_put_back(f, "yesterday");
    /* Stopped between sealing and sending, under the generation of "one more". */
    world_say(f->a[2], f->gid, "and from the copy");
    ok(dt_channel_prepare(f->a[2], f->gid, &made));
    is(made, 2);
    recognised(f, f->a[2], 1);
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    world_all_have_once(f->a, 3, f->gid, "sealed yesterday");
    world_all_have_once(f->a, 2, f->gid, "one more"); /* the copy has used up the key */
    world_said(f->a[2], DT_ALARM_MISSED, "both used its key");
    world_all_have_once(f->a, 3, f->gid, "and from the copy");
    for (size_t i = 0; i < 2; i++)
        is(world_alarms(f->a[i], 0), 0);
}

/* A caucus in which the lost home said nothing shows nothing: it is left and taken up anew all the
 * same, for the plenary shows what kind of store this is. */
static void
one_channel_tells_of_all(void **state)
{
    struct three *f = *state;
    struct dt_agent *two[2] = {f->a[0], f->a[2]};
    uint8_t caucus[32];
    uint64_t before;

    world_found(two, 2, DT_CHANNEL_CAUCUS, "caucus", caucus);
    three_keep(f, "yesterday");
    world_say(f->a[2], f->gid, "said since");
    world_sync(f->a, 3, 2);
    before = world_cells_in_channel(f->a[0], caucus);
    three_put_back(f, "yesterday");
    world_say(f->a[2], caucus, "said from the copy");
    ok(dt_agent_sync(f->a[2], NULL));
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    is(world_channel(f->a[2], caucus).state, DT_CHANNEL_BROKEN);
    is(world_cells_in_channel(f->a[0], caucus), before);
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    is(world_channel(f->a[2], caucus).state, DT_CHANNEL_LIVE);
    world_all_have_once(f->a, 1, caucus, "said from the copy");
}

/* Put back after it only read what nobody answers: nothing of ours is reused, and nothing has to be
 * done. */
static void
put_back_after_reading(void **state)
{
    struct three *f = *state;

    three_keep(f, "yesterday");
    ok(dt_agent_rotate(f->a[0], f->gid));
    world_sync(f->a, 3, 2);
    three_put_back(f, "yesterday");
    world_say(f->a[2], f->gid, "said from the copy");
    world_sync(f->a, 3, 2);
    three_is_back(f->a[2], f->gid);
    is(world_channel(f->a[2], f->gid).epoch, 2);
    world_all_have_once(f->a, 3, f->gid, "said from the copy");
    for (size_t i = 0; i < 3; i++)
        is(world_alarms(f->a[i], 0), 0);
}

/* Put back again within days of coming back: that is no accident any more, and its user decides. */
static void
put_back_twice_within_days(void **state)
{
    struct three *f = *state;
    struct dt_channel_info info;
    uint64_t epoch;

    for (unsigned int i = 0; i < 2; i++) {
        three_keep(f, i == 0 ? "yesterday" : "today");
        world_say(f->a[2], f->gid, "said since");
        world_sync(f->a, 3, 2);
        three_put_back(f, i == 0 ? "yesterday" : "today");
        epoch = world_channel(f->a[0], f->gid).epoch;
        world_sync(f->a, 3, 5);
        if (i == 0)
            three_is_back(f->a[2], f->gid);
    }
    info = world_channel(f->a[2], f->gid);
    is(info.state, DT_CHANNEL_BROKEN);
    is(info.lapse, DT_LAPSE_RESTORED);
    assert_false(info.rejoin_wanted);
    is(info.rejoin_asked_ms, 0);
    is(world_channel(f->a[0], f->gid).epoch, epoch);
    world_said(f->a[2], DT_ALARM_RESTORED, "another copy of this home is in use");
    ok(dt_agent_rejoin(f->a[2], f->gid));
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
}

/* From before the channel was joined: invited only, or accepted and not yet welcomed. */
static void
put_back_from_before_joining(void **state)
{
    struct three *f = *state;
    uint8_t letters[2][32];

    for (unsigned int accepted = 0; accepted < 2; accepted++) {
        char name[16];
        size_t restored = world_alarms(f->a[2], DT_ALARM_RESTORED);

        (void)snprintf(name, sizeof name, "before-%u", accepted);
        for (size_t i = 0; i < 2; i++)
            world_letter_hash(f->a[i + 1], letters[i]);
        ok(dt_agent_found(f->a[0], DT_CHANNEL_PLENARY, name, (const uint8_t(*)[32])letters, 2,
                          f->gid));
        world_sync(f->a, 3, 1);
        if (accepted == 0)
            three_keep(f, name);
        world_accept(f->a[1]);
        world_accept(f->a[2]);
        if (accepted == 1)
            three_keep(f, name);
        world_sync(f->a, 3, 4);
        three_is_back(f->a[2], f->gid);
        world_say(f->a[2], f->gid, "said since");
        world_sync(f->a, 3, 2);
        three_put_back(f, name);
        ok(dt_agent_sync(f->a[2], NULL));
        is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
        is(world_alarms(f->a[2], DT_ALARM_RESTORED),
           restored + 2 * accepted); /* it and the other one */
        world_sync(f->a, 3, 5);
        three_is_back(f->a[2], f->gid);
        world_say(f->a[2], f->gid, "said from the copy");
        world_sync(f->a, 3, 2);
        world_all_have_once(f->a, 3, f->gid, "said from the copy");
    }
}

/* ---- two copies ---- */

/* In turns: the second is recognised and takes the seat; the first is told, and takes it back only
 * when its user says so. */
static void
used_in_turns(void **state)
{
    struct three *f = *state;

    three_keep(f, "red-copy");
    f->a[3] = world_open(&f->w, "red-copy");
    world_say(RED_HOME(f), f->gid, "one from the first");
    world_sync(f->a, 3, 2);
    world_say(COPY(f), f->gid, "one from the second");
    recognised(f, COPY(f), 1);
    world_sync(f->a, 2, 3);
    for (unsigned int i = 0; i < 3; i++) {
        ok(dt_agent_sync(COPY(f), NULL));
        world_sync(f->a, 2, 1);
    }
    three_is_back(COPY(f), f->gid);
    world_all_have_once(f->a, 2, f->gid, "one from the first");
    world_all_have_once(f->a, 2, f->gid, "one from the second");
    for (unsigned int turn = 0; turn < 3; turn++) {
        struct dt_agent *holds = turn % 2 == 0 ? COPY(f) : RED_HOME(f);
        struct dt_agent *other = turn % 2 == 0 ? RED_HOME(f) : COPY(f);
        struct dt_agent *all[3] = {f->a[0], f->a[1], other};
        uint64_t epoch;
        char text[64];

        if (turn == 0) /* typed before anything of it is known */
            world_say(other, f->gid, "two from the first");
        ok(dt_agent_sync(other, NULL));
        is(world_channel(other, f->gid).state, DT_CHANNEL_BROKEN);
        is(world_channel(other, f->gid).lapse, DT_LAPSE_COPY);
        world_said(other, DT_ALARM_RESTORED, "holds our seat");
        epoch = world_channel(f->a[0], f->gid).epoch;
        for (unsigned int i = 0; i < 2; i++) {
            ok(dt_agent_sync(holds, NULL));
            world_sync(all, 3, 1);
        }
        is(world_channel(f->a[0], f->gid).epoch, epoch);
        is(world_channel(other, f->gid).state, DT_CHANNEL_BROKEN);
        ok(dt_agent_rejoin(other, f->gid));
        world_sync(all, 3, 5);
        three_is_back(other, f->gid);
        (void)snprintf(text, sizeof text, "after turn %u", turn);
        world_say(other, f->gid, text);
        world_sync(all, 3, 2);
        world_all_have_once(f->a, 2, f->gid, text);
    }
    world_all_have_once(f->a, 2, f->gid, "two from the first");
    /* Each turn also asks for the seat of before: a request and a key package, refused. */
    for (size_t i = 0; i < 2; i++) {
        is(world_alarms(f->a[i], 0), 3 * 2);
        is(world_alarms(f->a[i], DT_ALARM_WELCOME), 3 * 2);
    }
}

/* Both start at once, seal under one generation, and send before either reads. ${commit}: both also
 * rotate. All come to rest without help, and one of them holds the seat. */
static void
at_once(struct three *f, bool commit)
{
    struct dt_agent *both[2];
    size_t live = 0;

    three_keep(f, "red-copy");
    f->a[3] = world_open(&f->w, "red-copy");
    both[0] = RED_HOME(f);
    both[1] = COPY(f);
    for (size_t i = 0; i < 2; i++) {
        size_t made = 0, sent = 0;

        if (commit)
            ok(dt_agent_rotate(both[i], f->gid));
        world_say(both[i], f->gid, i == 0 ? "from the first" : "from the second");
        ok(dt_channel_prepare(both[i], f->gid, &made));
        is(made, commit ? 2 : 1);
        ok(dt_outbox_flush(both[i], f->gid, &sent));
        is(sent, made);
    }
    for (size_t i = 0; i < 2; i++) { /* the first read-back */
        ok(dt_agent_sync(both[i], NULL));
        is(world_channel(both[i], f->gid).state, DT_CHANNEL_BROKEN);
        is(world_alarms(both[i], DT_ALARM_RESTORED), 1);
    }
    world_sync(f->a, 4, 8);
    for (size_t i = 0; i < 2; i++) {
        struct dt_channel_info info = world_channel(both[i], f->gid);

        live += info.state == DT_CHANNEL_LIVE;
        if (info.state == DT_CHANNEL_LIVE) {
            three_is_back(both[i], f->gid);
            continue;
        }
        is(info.lapse, DT_LAPSE_COPY);
        world_said(both[i], DT_ALARM_RESTORED, "holds our seat");
    }
    is(live, 1);
    world_all_have_once(f->a, 2, f->gid, "from the first");
    world_all_have_once(f->a, 2, f->gid, "from the second");
    /* They do not take the seat from each other for ever: two re-joins, and then rest. */
    {
        uint64_t epoch = world_channel(f->a[0], f->gid).epoch;

        /* Each re-join replaces two others' session keys, in its own Commit and one more; each
         * rotation is done once, too. */
        is(epoch, commit ? 7 : 5);
        world_sync(f->a, 4, 4);
        is(world_channel(f->a[0], f->gid).epoch, epoch);
    }
}

static void
at_once_with_messages(void **state)
{
    at_once(*state, false);
}

static void
at_once_with_commits(void **state)
{
    at_once(*state, true);
}

/* ---- what looks like a copy and is none ---- */

/* A member writes our name over a message, or puts ours into another cell, or under our cell's
 * nonce: we name it, and stay. */
static void
our_name_is_no_mark(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row first = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_agent *a = f->a[2];
    size_t made = 0;

    world_say(a, f->gid, "ours");
    ok(dt_channel_prepare(a, f->gid, &made));
    ok(dt_store_next(a->store, "outbox", dt_view_of(f->gid), 0, &first));
    ok(dt_outbox_get(a, first.key.p, &row));
    ok(dt_channel_load(a, f->gid, &ch));
    ok(dt_cell_open(&ch.queue, dt_buf_view(&row.cell), &message));
    for (unsigned int k = 0; k < 2; k++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf plain = DT_BUF_INIT(DT_CELL_MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(128);
        DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
        struct dt_sync_report report = {0};
        struct dt_wire_item item = {.position = ch.position + 1 + k};

        if (k == 0) { /* sealed with another member's mark */
            ok(dt_cell_seal(&ch.queue, dt_secret_view(&f->a[1]->mark_key), dt_buf_view(&message),
                            &cell));
        } else { /* our nonce, on other bytes: the end of the message differs */
            struct dt_writer w = dt_writer_init(&aad);

            dt_write_str(&w, "detente 1 cell");
            dt_write_view(&w, dt_view_of(ch.queue.address));
            ok(dt_writer_end(&w));
            message.p[message.n - 1] ^= 1;
            ok(dt_cell_pad(dt_buf_view(&message), 40, &plain));
            ok(dt_box_seal_with(dt_queue_cell_key(&ch.queue), row.cell.p, dt_buf_view(&aad),
                                dt_buf_view(&plain), &cell));
        }
        item.cell = dt_buf_view(&cell);
        ok(dt_channel_take_cell(a, f->gid, ch.queue_number, &item, NULL, &report));
        is(report.passed_over, 1);
        world_said(a, DT_ALARM_CELL, k == 0 ? "this home did not seal it" : "not what we sealed");
        is(world_channel(a, f->gid).state, DT_CHANNEL_LIVE);
        is(world_alarms(a, DT_ALARM_RESTORED), 0);
    }
}

/* Whoever can write to our inbox can send a Welcome: it breaks nothing that works. */
static void
a_strange_welcome_breaks_nothing(void **state)
{
    struct three *f = *state;
    struct dt_inbox_message m = {.kind = DT_INBOX_WELCOME, .welcome = dt_view_str("none")};
    DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
    uint8_t hash[32];

    memcpy(m.group_id, f->gid, 32);
    memset(m.invitation_id, 7, 16);
    world_letter_hash(f->a[2], hash);
    ok(dt_letter_load(f->a[1], hash, &to, NULL, NULL));
    ok(dt_outbox_to_inbox(f->a[1], &to, &m));
    world_sync(f->a, 3, 2);
    world_said(f->a[2], DT_ALARM_WELCOME, "did not ask for");
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_LIVE);
    world_say(f->a[2], f->gid, "still here");
    world_sync(f->a, 3, 2);
    world_all_have_once(f->a, 3, f->gid, "still here");
    is(world_channel(f->a[2], f->gid).epoch, 1);
}

#define PLENARY(test) cmocka_unit_test_setup_teardown(test, three_set_up, three_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLENARY(asked_by_the_user),
        PLENARY(put_back_after_talk),
        PLENARY(put_back_after_a_rotation),
        PLENARY(put_back_after_a_month),
        PLENARY(put_back_after_a_rejoin),
        PLENARY(put_back_after_a_removal),
        PLENARY(put_back_after_a_new_letter),
        PLENARY(sealed_and_not_sent),
        PLENARY(one_channel_tells_of_all),
        PLENARY(put_back_after_reading),
        PLENARY(put_back_twice_within_days),
        cmocka_unit_test_setup_teardown(put_back_from_before_joining, three_homes, three_tear_down),
        PLENARY(used_in_turns),
        PLENARY(at_once_with_messages),
        PLENARY(at_once_with_commits),
        PLENARY(our_name_is_no_mark),
        PLENARY(a_strange_welcome_breaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
