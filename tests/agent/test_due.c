/*
 * tests/agent/test_due.c - what is due, kept in the store between calls: as if all had been read
 * again, whatever came late; a question and its clock among three homes, also when the line is
 * down for both sides.
 */
#include "agent/keep/backup.h"
#include "agent/records/due.h"
#include "agent/talk/line.h"
#include "agent/talk/line_log.h"
#include "base/mem.h"

#include "three.h"

static void
rest(struct three *t)
{
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++)
            ok(dt_agent_register_sync(t->a[i], NULL));
        world_sync(t->a, 3, 3);
    }
}

static void
set(struct dt_record_draft *d, const char *name, const char *value)
{
    ok(dt_record_draft_set_text(d, name, dt_view_str(value), NULL));
}

static void
beat(struct three *t, size_t who, const char *number, uint8_t out[static 32])
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};

    ok(dt_agent_record_draft(t->a[who], t->gid, "heartbeat", &d));
    set(&d, "station", "watch");
    set(&d, "number", number);
    set(&d, "status", "normal");
    ok(dt_agent_record_send(t->a[who], t->gid, &d, out));
}

static void
question(struct three *t, size_t who, uint8_t out[static 32])
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};

    ok(dt_agent_record_draft(t->a[who], t->gid, "question", &d));
    set(&d, "seen_from", "2025-02-12T15:00:00Z");
    set(&d, "area", "52,4 r5");
    set(&d, "description", "Columns on the coast road");
    set(&d, "concern", "No notice was given");
    set(&d, "questions", "What are they?");
    set(&d, "meeting_asked", "false");
    ok(dt_agent_record_send(t->a[who], t->gid, &d, out));
}

static void
explanation(struct three *t, size_t who, const uint8_t about[static 32], uint8_t out[static 32])
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    size_t slot = 0;

    ok(dt_agent_record_draft(t->a[who], t->gid, "explanation", &d));
    ok(dt_template_slot_find(d.tmpl, dt_view_str("question"), &slot));
    ok(dt_record_draft_set(&d, slot, dt_view(about, 32)));
    set(&d, "answers", "An exercise");
    set(&d, "cause", "exercise");
    set(&d, "visit_offered", "false");
    if (dt_record_draft_check(&d) != DT_OK)
        print_error("explanation: %s\n", dt_err_message());
    ok(dt_agent_record_send(t->a[who], t->gid, &d, out));
}

static void
receipt(struct three *t, size_t who, const uint8_t about[static 32])
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    uint8_t commitment[32];

    ok(dt_agent_answer_draft(t->a[who], about, DT_ANSWER_RECEIPT, &d, &subject));
    ok(dt_agent_record_send(t->a[who], t->gid, &d, commitment));
}

/* All that ${who} is told, in lines. Owner: free(). */
static char *
told(struct three *t, size_t who, size_t *taken)
{
    DT_CLEANUP(dt_agent_due_clear) struct dt_agent_due due = {0};
    size_t at = 0;
    char *text;

    ok(dt_agent_due(t->a[who], 0, true, &due));
    text = malloc(due.n * 200 + 1);
    assert_non_null(text);
    text[0] = '\0';
    for (size_t i = 0; i < due.n; i++) {
        const struct dt_due *d = &due.list[i];
        struct dt_view id = dt_template_id(d->tmpl);

        at += (size_t)snprintf(text + at, 200, "%d %s %u %.*s %u by %llu met %llu %llu%s\n",
                               (int)d->what, dt_due_code_name(d->code), d->party, (int)id.n,
                               (const char *)id.p,
                               d->subject == DT_DUE_NONE ? 0 : due.state.items[d->subject].number,
                               (unsigned long long)d->by_ms, (unsigned long long)d->met_ms,
                               (unsigned long long)d->nth, d->unwitnessed ? " sent" : "");
    }
    if (taken != NULL)
        *taken = due.taken;
    return text;
}

/* What ${who} is told of its snapshot is what it is told when there is none, and afterwards. */
static void
as_replayed(struct three *t, size_t who)
{
    struct dt_store *s = t->a[who]->store;
    uint64_t before = 0, after = 0;
    size_t taken = 0, n = 0;
    DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
    char *kept = told(t, who, NULL), *replayed, *again;

    ok(dt_agent_records(t->a[who], NULL, &list, &n));
    ok(dt_store_number(s, &before));
    again = told(t, who, &taken);
    assert_string_equal(kept, again);
    is(taken, 0); /* nothing is read again, */
    ok(dt_store_number(s, &after));
    is(before, after); /* and nothing written */
    free(again);
    ok(dt_store_del_parent(s, "due", dt_view_str("items")));
    ok(dt_store_del(s, "due", dt_view_str("head")));
    replayed = told(t, who, &taken);
    assert_string_equal(kept, replayed);
    is(taken, n);
    free(replayed);
    free(kept);
}

/* The obligation of ${party} for record ${subject}; it must be there. */
static struct dt_due
find(struct three *t, size_t who, enum dt_due_what what, const uint8_t subject[static 32],
     uint8_t party)
{
    DT_CLEANUP(dt_agent_due_clear) struct dt_agent_due due = {0};

    ok(dt_agent_due(t->a[who], 0, true, &due));
    for (size_t i = 0; i < due.n; i++)
        if (due.list[i].what == what && due.list[i].party == party &&
            due.list[i].subject != DT_DUE_NONE &&
            memcmp(due.state.items[due.list[i].subject].commitment, subject, 32) == 0)
            return due.list[i];
    fail_msg("nothing of the kind is owed");
    return (struct dt_due){0};
}

static void
a_question(void **state)
{
    struct three *t = *state;
    uint8_t q[32], e[32];
    struct dt_due d;

    question(t, 1, q);
    rest(t);
    d = find(t, 2, DT_DUE_REPLY, q, RED);
    is(d.code, DT_DUE_DUE);
    is(d.by_ms, 0); /* no witness has shown it: its clock has not begun */
    as_replayed(t, 2);
    three_cosign(t);
    rest(t);
    for (size_t who = 0; who < 3; who++) { /* all are told the same */
        d = find(t, who, DT_DUE_REPLY, q, RED);
        is(d.code, DT_DUE_DUE);
        assert_true(d.by_ms > 47 * DT_MS_HOUR && d.by_ms != 0);
        is(find(t, who, DT_DUE_ACK, q, RED).by_ms + 45 * DT_MS_HOUR, d.by_ms);
        as_replayed(t, who);
    }
    t->w.offset_ms += 4 * DT_MS_HOUR;
    is(find(t, 1, DT_DUE_ACK, q, RED).code, DT_DUE_OVERDUE);
    is(find(t, 1, DT_DUE_REPLY, q, RED).code, DT_DUE_DUE);
    receipt(t, 2, q);
    rest(t);
    d = find(t, 1, DT_DUE_ACK, q, RED);
    is(d.code, DT_DUE_OVERDUE);
    assert_true(d.unwitnessed); /* but it is on its way */
    three_cosign(t);
    rest(t);
    is(find(t, 1, DT_DUE_ACK, q, RED).code, DT_DUE_MET_LATE);
    explanation(t, 2, q, e);
    rest(t);
    three_cosign(t);
    rest(t);
    is(find(t, 1, DT_DUE_REPLY, q, RED).code, DT_DUE_MET);
    is(find(t, 1, DT_DUE_ACK, e, BLUE).code, DT_DUE_DUE); /* whether that settles it */
    for (size_t who = 0; who < 3; who++)
        as_replayed(t, who);
}

/* Snapshots at random places between records, syncs and cosignatures; and one of another program.
 */
static void
snapshots(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf head = DT_BUF_INIT(1u << 20);
    char number[16], *want, *got;
    uint8_t last[32], c[32];
    size_t taken = 0;
    unsigned int random = 7;

    beat(t, 1, "1", last);
    for (unsigned int i = 2; i < 26; i++) {
        random = random * 1103515245u + 12345u;
        (void)snprintf(number, sizeof number, "%u", i);
        switch (random >> 16 & 7) {
        case 0:
            rest(t);
            break;
        case 1:
            rest(t);
            three_cosign(t);
            rest(t);
            break;
        case 2:
            receipt(t, (size_t)(2 - (random >> 20 & 1) * 2), last);
            break;
        case 3:
            as_replayed(t, random >> 20 & 1);
            break;
        case 4:
            free(told(t, 1, NULL));
            break;
        default:
            beat(t, 1, number, c);
            memcpy(last, c, 32);
            rest(t);
            break;
        }
    }
    rest(t);
    three_cosign(t);
    rest(t);
    for (size_t who = 0; who < 3; who++)
        as_replayed(t, who);

    want = told(t, 1, NULL);
    ok(dt_store_get_blob(t->a[1]->store, "due", dt_view_str("head"), &head));
    head.p[1]++;
    ok(dt_store_put_blob(t->a[1]->store, "due", dt_view_str("head"), dt_buf_view(&head)));
    head.n = 0;
    got = told(t, 1, &taken);
    assert_string_equal(want, got);
    assert_true(taken > 0); /* it was of no use, and was made anew */
    free(got);
    ok(dt_store_get_blob(t->a[1]->store, "due", dt_view_str("head"), &head));
    assert_true(head.n > 2 && head.p[0] == 0 && head.p[1] == DT_DUE_FORMAT);
    /* Rows that do not fit the head, likewise. */
    ok(dt_store_del_parent(t->a[1]->store, "due", dt_view_str("items")));
    got = told(t, 1, &taken);
    assert_string_equal(want, got);
    assert_true(taken > 0);
    free(got);
    free(want);
    ok(dt_store_check(t->a[1]->store));
}

/* ---- outages that the agents' own line tests show ---- */

#define SLOT (DT_MS_DAY / 2)

static int
set_up_lines(void **state)
{
    struct three *t;

    world_line_test = "12h";
    is(three_homes(state), 0);
    world_line_test = NULL;
    t = *state;
    t->w.offset_ms += SLOT - dt_agent_now(t->a[0]) % SLOT + SLOT / 4; /* well inside of a slot */
    world_found(t->a, 3, DT_CHANNEL_PLENARY, "plenary", t->gid);
    world_sync(t->a, 3, 3);
    return 0;
}

static void
a_slot_later(struct three *t, size_t from, size_t n)
{
    t->w.offset_ms += SLOT;
    world_sync(t->a + from, n, 3);
}

/* Until when red owes an explanation of ${q}: the same for all three. */
static uint64_t
owed_until(struct three *t, const uint8_t q[static 32])
{
    uint64_t by = find(t, 0, DT_DUE_REPLY, q, RED).by_ms;

    is(find(t, 1, DT_DUE_REPLY, q, RED).by_ms, by);
    is(find(t, 2, DT_DUE_REPLY, q, RED).by_ms, by);
    return by;
}

static uint64_t
asked(struct three *t, uint8_t q[static 32])
{
    question(t, 1, q);
    rest(t);
    three_cosign(t);
    rest(t);
    return owed_until(t, q);
}

static void
both_sides_out(void **state)
{
    struct three *t = *state;
    uint8_t q[32];
    uint64_t by = asked(t, q);

    a_slot_later(t, 0, 3);
    is(owed_until(t, q), by);
    t->w.offset_ms += 3 * SLOT; /* nobody reaches the relay in two whole slots */
    is(find(t, 2, DT_DUE_REPLY, q, RED).by_ms, by); /* nothing was read yet that shows it */
    world_sync(t->a, 3, 3);
    is(owed_until(t, q), by + 2 * SLOT);
    as_replayed(t, 1);
    /* One side alone stops nothing, nor does one side with the mediator. */
    a_slot_later(t, 0, 2);
    a_slot_later(t, 0, 2);
    world_sync(t->a, 3, 3);
    is(owed_until(t, q), by + 2 * SLOT);
    a_slot_later(t, 1, 1);
    a_slot_later(t, 1, 1);
    world_sync(t->a, 3, 3);
    is(owed_until(t, q), by + 2 * SLOT); /* (it is past by now) */
    /* The mediator is no side: that its line was tested keeps no clock going. */
    by = asked(t, q);
    a_slot_later(t, 0, 1);
    a_slot_later(t, 0, 3);
    is(owed_until(t, q), by + SLOT);
    ok(dt_store_check(t->a[1]->store));
}

/* Agents that run on, unattended, while both sides have announced that they are out. */
static void
both_sides_announced(void **state)
{
    struct three *t = *state;
    uint8_t q[32];
    uint64_t by = asked(t, q), now;

    a_slot_later(t, 0, 3);
    now = dt_agent_now(t->a[0]);
    ok(dt_agent_line_outage(t->a[2], t->gid, now, now + 3 * SLOT, dt_view(NULL, 0)));
    world_sync(t->a, 3, 2);
    a_slot_later(t, 0, 3);
    a_slot_later(t, 0, 3);
    is(owed_until(t, q), by); /* red alone */
    ok(dt_agent_line_outage(t->a[1], t->gid, now, now + 9 * SLOT, dt_view(NULL, 0)));
    world_sync(t->a, 3, 2);
    is(owed_until(t, q), by); /* an announcement does not look back */
    a_slot_later(t, 0, 3);    /* red's is over by now */
    is(owed_until(t, q), by);
    by = asked(t, q); /* another one: the first is past soon */
    ok(dt_agent_line_outage(t->a[2], t->gid, now, now + 9 * SLOT, dt_view(NULL, 0)));
    world_sync(t->a, 3, 2);
    a_slot_later(t, 0, 3);
    a_slot_later(t, 0, 3);
    is(owed_until(t, q), by + SLOT); /* one slot is over, and no other yet */
    ok(dt_agent_line_outage(t->a[1], t->gid, now, 0, dt_view(NULL, 0)));
    world_sync(t->a, 3, 2);
    a_slot_later(t, 0, 3);
    a_slot_later(t, 0, 3);
    is(owed_until(t, q), by + 2 * SLOT); /* blue is back */
}

/* What an agent could not hear stops no clock; nor does a test start one afterwards. */
static void
deaf_or_late(void **state)
{
    struct three *t = *state;
    uint8_t q[32], seat[16] = {7};
    uint64_t by = asked(t, q), slot;

    a_slot_later(t, 0, 3);
    t->w.offset_ms += 4 * SLOT;
    slot = dt_agent_now(t->a[0]) / SLOT;
    /* Red had lost its seat and comes back to another one. */
    ok(dt_line_log_read(t->a[2], t->gid, seat, slot, SLOT));
    world_sync(t->a, 3, 3);
    is(find(t, 1, DT_DUE_REPLY, q, RED).by_ms, by + 3 * SLOT);
    is(find(t, 2, DT_DUE_REPLY, q, RED).by_ms, by);
    /* Blue hears, days later, that red was there. */
    ok(dt_line_log_test(t->a[1], t->gid, RED, slot - 2, SLOT));
    is(find(t, 1, DT_DUE_REPLY, q, RED).by_ms, by + 3 * SLOT);
    ok(dt_line_log_test(t->a[1], t->gid, RED, slot - 1, SLOT)); /* may still have been on its way */
    is(find(t, 1, DT_DUE_REPLY, q, RED).by_ms, by + 2 * SLOT);
    ok(dt_line_log_test(t->a[1], t->gid, RED, slot + 2, SLOT)); /* from the future */
    a_slot_later(t, 0, 1);
    a_slot_later(t, 0, 1);
    a_slot_later(t, 0, 3);
    is(find(t, 1, DT_DUE_REPLY, q, RED).by_ms, by + 4 * SLOT);
}

/* All that was heard of the channel's lines. Owner: dt_free(out->v). */
static uint64_t
heard(struct three *t, size_t who, struct dt_line_heard *out)
{
    uint64_t until = 0;

    *out = (struct dt_line_heard){0};
    ok(dt_line_log_load(t->a[who], t->gid, 0, out, &until));
    return until;
}

/* No record says when a line was tested: a home that is made of a backup knows it from the backup
 * alone, and owes no earlier than the others say. */
static void
a_backup_keeps_what_stopped_the_clock(void **state)
{
    struct three *t = *state;
    struct dt_clock clock = world_clock(&t->w);
    struct dt_backup_report r = {0};
    struct dt_line_heard before, after;
    char file[128], home[128];
    uint64_t by, until;
    uint8_t q[32];

    by = asked(t, q);
    a_slot_later(t, 0, 3);
    t->w.offset_ms += 3 * SLOT; /* both sides are out for two whole slots */
    world_sync(t->a, 3, 3);
    is(owed_until(t, q), by + 2 * SLOT);
    until = heard(t, 2, &before);
    assert_true(before.n >= 2);
    world_path(&t->w, "backup", file);
    world_path(&t->w, "red-again", home);
    ok(dt_backup_make(t->a[2], file, dt_view_str("another"), NULL, &r));
    dt_agent_close_p(&t->a[2]);
    ok(dt_backup_restore(file, dt_view_str("another"), home, dt_view_str(PASSPHRASE), &clock, NULL,
                         &r));
    t->a[2] = world_open(&t->w, "red-again");
    is(heard(t, 2, &after), until);
    is(after.n, before.n);
    for (size_t i = 0; i < before.n; i++) {
        is(after.v[i].party, before.v[i].party);
        is(after.v[i].from_ms, before.v[i].from_ms);
        is(after.v[i].to_ms, before.v[i].to_ms);
    }
    is(find(t, 2, DT_DUE_REPLY, q, RED).by_ms, by + 2 * SLOT);
    world_sync(t->a, 3, 8); /* it is put into the channel anew, and listens from another seat */
    is(find(t, 2, DT_DUE_REPLY, q, RED).by_ms, by + 2 * SLOT);
    is(owed_until(t, q), by + 2 * SLOT);
    dt_free(before.v);
    dt_free(after.v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_question, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(snapshots, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(both_sides_out, set_up_lines, three_tear_down),
        cmocka_unit_test_setup_teardown(both_sides_announced, set_up_lines, three_tear_down),
        cmocka_unit_test_setup_teardown(deaf_or_late, set_up_lines, three_tear_down),
        cmocka_unit_test_setup_teardown(a_backup_keeps_what_stopped_the_clock, set_up_lines,
                                        three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
