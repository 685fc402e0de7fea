/*
 * tests/agent/test_line.c - line tests among three agents: sent and heard by themselves once a
 * slot, what is missed and why, outages, a person's word, and records where the charter asks for
 * them.
 */
#include "agent/records/records.h"
#include "agent/talk/line.h"
#include "base/mem.h"

#include "three.h"

#define HALF_DAY (DT_MS_DAY / 2)

static int
set_up_as(void **state, const char *rule)
{
    struct three *t;

    world_line_test = rule;
    is(three_homes(state), 0);
    world_line_test = NULL;
    t = *state;
    /* Into the middle of a slot, so that a slow run does not cross into the next. */
    t->w.offset_ms += HALF_DAY - dt_agent_now(t->a[0]) % HALF_DAY + HALF_DAY / 4;
    world_found(t->a, 3, DT_CHANNEL_PLENARY, "plenary", t->gid);
    world_sync(t->a, 3, 3);
    return 0;
}

static int
set_up(void **state)
{
    return set_up_as(state, "12h");
}

static int
set_up_sealed(void **state)
{
    return set_up_as(state, "12h sealed");
}

/* What ${who} knows of the line to ${other}. */
static struct dt_line_info
line_to(struct three *t, size_t who, const char *other, struct dt_line_own *own)
{
    struct dt_line_info *v = NULL, out = {0};
    struct dt_line_own ours;
    size_t n = 0, found = 0;

    ok(dt_agent_line(t->a[who], t->gid, &ours, &v, &n));
    is(n, 2);
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].who.name, other) == 0) {
            out = v[i];
            found++;
        }
    is(found, 1);
    if (own != NULL)
        *own = ours;
    dt_free(v);
    return out;
}

static void
later(struct three *t, uint64_t ms)
{
    t->w.offset_ms += ms;
}

/* A person at each desk has seen the tests of this time. */
static void
confirm_all(struct three *t)
{
    for (size_t i = 0; i < 3; i++)
        ok(dt_agent_line_confirm(t->a[i], t->gid));
    world_sync(t->a, 3, 3);
}

static void
heard_and_answered(void **state)
{
    struct three *t = *state;
    struct dt_line_own own;
    struct dt_line_info x;
    uint64_t slot = dt_agent_now(t->a[0]) / HALF_DAY;

    x = line_to(t, 0, "red-1", &own);
    is(x.state, DT_LINE_TESTED);
    is(x.number, slot);
    is(x.heard, 1);
    is(own.every_ms, HALF_DAY);
    assert_false(own.sealed);
    is(own.number, slot);
    is(own.arrived, 2); /* both agents answered by themselves, by a receipt */
    is(own.next_ms, (slot + 1) * HALF_DAY);
    world_sync(t->a, 3, 3); /* no second one in this slot */
    is(line_to(t, 0, "red-1", NULL).heard, 1);
    confirm_all(t);
    for (unsigned int i = 0; i < 4; i++) {
        later(t, HALF_DAY);
        world_sync(t->a, 3, 3);
        confirm_all(t);
    }
    for (size_t who = 0; who < 2; who++) {
        x = line_to(t, who, "red-1", &own);
        is(x.heard, 5);
        is(x.number, slot + 4);
        is(x.n_misses, 0);
        is(x.missed[DT_LINE_SILENT] + x.missed[DT_LINE_UNREACHED] + x.missed[DT_LINE_PLANNED], 0);
    }
    three_no_alarms(t);
}

/* Red's agent says nothing while the others reach the relay; then it is back. */
static void
silence(void **state)
{
    struct three *t = *state;
    uint64_t slot = dt_agent_now(t->a[0]) / HALF_DAY;
    struct dt_line_info x;

    later(t, HALF_DAY);
    world_sync(t->a, 2, 3);
    is(line_to(t, 0, "red-1", NULL).state, DT_LINE_TESTED); /* the slot is not over */
    later(t, HALF_DAY);
    world_sync(t->a, 2, 3);
    x = line_to(t, 0, "red-1", NULL);
    is(x.state, DT_LINE_LOST);
    is(x.why, DT_LINE_SILENT);
    is(x.n_misses, 1);
    is(x.misses[0].number, slot + 1);
    is(x.misses[0].from_ms, (slot + 1) * HALF_DAY);
    is(x.misses[0].to_ms, (slot + 2) * HALF_DAY);
    is(x.missed[DT_LINE_SILENT], 1);
    is(line_to(t, 0, "blue-1", NULL).state, DT_LINE_TESTED);
    world_sync(t->a, 3, 3);
    x = line_to(t, 0, "red-1", NULL);
    is(x.state, DT_LINE_TESTED); /* recovered; what was missed stays */
    is(x.number, slot + 2);
    is(x.n_misses, 1);
    /* Red itself was away: it does not call the others silent, whose tests stand in the queue. */
    x = line_to(t, 2, "blue-1", NULL);
    is(x.heard, 3);
    is(x.n_misses, 0);
}

/* Nobody reaches the relay for two slots: then nobody says that the others were silent. */
static void
relay_not_reached(void **state)
{
    struct three *t = *state;
    struct dt_line_info x;

    later(t, 3 * HALF_DAY);
    is(line_to(t, 0, "red-1", NULL).state, DT_LINE_LOST); /* by the clock, before any sync */
    is(line_to(t, 0, "red-1", NULL).why, DT_LINE_UNREACHED);
    world_sync(t->a, 3, 3);
    x = line_to(t, 0, "red-1", NULL);
    is(x.state, DT_LINE_TESTED);
    is(x.n_misses, 2);
    for (size_t i = 0; i < 2; i++)
        is(x.misses[i].why, DT_LINE_UNREACHED);
    is(x.missed[DT_LINE_UNREACHED], 2);
    is(x.missed[DT_LINE_SILENT], 0);
}

static void
planned(void **state)
{
    struct three *t = *state;
    uint64_t now = dt_agent_now(t->a[2]);
    struct dt_line_own own;
    struct dt_line_info x;

    is(dt_agent_line_outage(t->a[2], t->gid, now, now - 1, dt_view_str("x")), DT_ERR_RANGE);
    is(dt_agent_line_outage(t->a[2], t->gid, now, now + 1000, dt_view_str("a\nb")), DT_ERR_RANGE);
    ok(dt_agent_line_outage(t->a[2], t->gid, now, now + 3 * HALF_DAY, dt_view_str("power cut")));
    world_sync(t->a, 3, 3);
    (void)line_to(t, 2, "blue-1", &own);
    is(own.outage_until_ms, now + 3 * HALF_DAY);
    later(t, 2 * HALF_DAY);
    world_sync(t->a, 2, 3);
    x = line_to(t, 0, "red-1", NULL);
    is(x.state, DT_LINE_OUT);
    is(x.outage_until_ms, now + 3 * HALF_DAY);
    assert_string_equal(x.outage_text, "power cut");
    is(x.missed[DT_LINE_PLANNED], 1);
    is(x.misses[0].why, DT_LINE_PLANNED);
    later(t, 3 * HALF_DAY); /* and it did not come back when it said */
    world_sync(t->a, 2, 3);
    x = line_to(t, 0, "red-1", NULL);
    is(x.state, DT_LINE_LOST);
    is(x.missed[DT_LINE_PLANNED], 3); /* two whole slots more, and the part of one */
    is(x.missed[DT_LINE_UNREACHED], 1);
    ok(dt_agent_line_outage(t->a[2], t->gid, dt_agent_now(t->a[2]), 0, dt_view(NULL, 0)));
    world_sync(t->a, 3, 3);
    is(line_to(t, 0, "red-1", NULL).state, DT_LINE_TESTED);
}

static void
a_persons_word(void **state)
{
    struct three *t = *state;
    uint64_t slot = dt_agent_now(t->a[0]) / HALF_DAY;

    is(line_to(t, 0, "blue-1", NULL).confirmed_number, 0);
    ok(dt_agent_line_confirm(t->a[1], t->gid));
    world_sync(t->a, 3, 3);
    is(line_to(t, 0, "blue-1", NULL).confirmed_number, slot);
    is(line_to(t, 2, "blue-1", NULL).confirmed_number, slot);
    is(line_to(t, 0, "red-1", NULL).confirmed_number, 0);
    later(t, 4 * HALF_DAY); /* nothing of this time was heard: there is nothing to confirm */
    is(dt_agent_line_confirm(t->a[1], t->gid), DT_ERR_STATE);
}

/* How often ${who} was told about a person's word, with ${text}. */
static size_t
words(struct three *t, size_t who, const char *text)
{
    DT_CLEANUP(dt_free_p) struct dt_alarm_info *v = NULL;
    size_t n = 0, count = 0;

    ok(dt_agent_alarms(t->a[who], &v, &n));
    for (size_t i = 0; i < n; i++)
        if (v[i].kind == DT_ALARM_LINE && strstr(v[i].text, text) != NULL)
            count += v[i].count;
    return count;
}

/* Nobody at red's desk has confirmed within the hour: it is shown and told, once, until they do. */
static void
a_word_missed(void **state)
{
    struct three *t = *state;
    uint64_t slot = dt_agent_now(t->a[0]) / HALF_DAY;
    struct dt_line_own own;
    struct dt_line_info x = line_to(t, 1, "red-1", &own);

    is(x.asked_number, slot);
    is(x.confirm_by_ms, x.asked_ms + DT_MS_HOUR);
    assert_false(x.unconfirmed);
    is(own.to_confirm, slot);
    is(own.confirmed, 0);
    for (size_t i = 0; i < 2; i++)
        ok(dt_agent_line_confirm(t->a[i], t->gid));
    world_sync(t->a, 3, 3);
    is(line_to(t, 1, "red-1", &own).asked_number, slot);
    is(line_to(t, 1, "envoy", NULL).asked_number, 0);
    is(line_to(t, 2, "blue-1", NULL).asked_number, 0);
    is(own.to_confirm, 0);
    is(own.confirmed, slot);
    later(t, DT_MS_HOUR - DT_MS_MINUTE);
    world_sync(t->a, 3, 3);
    three_no_alarms(t); /* there is still time */
    later(t, 2 * DT_MS_MINUTE);
    assert_true(line_to(t, 1, "red-1", NULL).unconfirmed); /* shown before anything is synced */
    for (unsigned int i = 0; i < 3; i++) {                 /* told once, in whatever slot */
        world_sync(t->a, 3, 3);
        is(words(t, 0, "no person of red has confirmed"), 1);
        is(words(t, 1, "no person of red has confirmed"), 1);
        is(words(t, 2, ""), i < 2 ? 0 : 2); /* that the others do not confirm the next one */
        later(t, HALF_DAY);
    }
    x = line_to(t, 1, "red-1", NULL);
    assert_true(x.unconfirmed);
    is(x.asked_number, slot); /* since when nobody does */
    world_sync(t->a, 3, 3);
    ok(dt_agent_line_confirm(t->a[2], t->gid));
    world_sync(t->a, 3, 3);
    is(words(t, 1, "a person of red has confirmed our line test after 1 day 13 h"), 1);
    x = line_to(t, 1, "red-1", NULL);
    is(x.asked_number, 0);
    assert_false(x.unconfirmed);
    later(t, 2 * DT_MS_HOUR); /* nothing waits: that of this slot is confirmed */
    world_sync(t->a, 3, 3);
    is(words(t, 1, "no person of red has confirmed"), 1);
    later(t, HALF_DAY);
    world_sync(t->a, 3, 3);
    later(t, 2 * DT_MS_HOUR);
    world_sync(t->a, 3, 3);
    is(words(t, 1, "no person of red has confirmed"), 2); /* another time, counted */
}

/* Who announced an outage has the hour behind it. */
static void
a_word_after_an_outage(void **state)
{
    struct three *t = *state;
    uint64_t now = dt_agent_now(t->a[2]);
    struct dt_line_info x;

    confirm_all(t);
    ok(dt_agent_line_outage(t->a[2], t->gid, now, now + HALF_DAY + 3 * DT_MS_HOUR,
                            dt_view(NULL, 0)));
    world_sync(t->a, 3, 2);
    later(t, HALF_DAY);
    world_sync(t->a, 3, 3);
    ok(dt_agent_line_confirm(t->a[0], t->gid));
    ok(dt_agent_line_confirm(t->a[1], t->gid));
    world_sync(t->a, 3, 3);
    x = line_to(t, 1, "red-1", NULL);
    is(x.confirm_by_ms, now + HALF_DAY + 4 * DT_MS_HOUR);
    later(t, 3 * DT_MS_HOUR + DT_MS_MINUTE); /* it is over, and the hour is not */
    world_sync(t->a, 3, 2);
    three_no_alarms(t);
    later(t, DT_MS_HOUR);
    world_sync(t->a, 3, 2);
    is(words(t, 1, "no person of red has confirmed"), 1);
}

/* Two desks of one party: the word of a person at one of them is enough, and they owe each other
 * none. */
static void
two_desks(void **state)
{
    struct three *t;
    struct dt_line_info *v = NULL;
    struct dt_line_own own;
    size_t n = 0;

    world_line_test = "12h";
    is(three_and_second(state), 0);
    world_line_test = NULL;
    t = *state;
    t->w.offset_ms += HALF_DAY - dt_agent_now(t->a[0]) % HALF_DAY + HALF_DAY / 4;
    world_found(t->a, 4, DT_CHANNEL_PLENARY, "plenary", t->gid);
    world_sync(t->a, 4, 3);
    for (size_t i = 0; i < 3; i++)
        ok(dt_agent_line_confirm(t->a[i], t->gid));
    world_sync(t->a, 4, 3);
    later(t, 2 * DT_MS_HOUR);
    world_sync(t->a, 4, 3);
    for (size_t i = 0; i < 4; i++)
        is(words(t, i, ""), 0);
    ok(dt_agent_line(t->a[2], t->gid, &own, &v, &n));
    is(n, 3);
    for (size_t i = 0; i < n; i++)
        is(v[i].asked_number, 0);
    dt_free(v);
    ok(dt_agent_line(t->a[3], t->gid, &own, &v, &n));
    for (size_t i = 0; i < n; i++)
        is(v[i].asked_number, 0);
    dt_free(v);
}

static size_t
heartbeats(struct three *t, size_t who)
{
    struct dt_record_info *v = NULL;
    size_t n = 0, count = 0;

    ok(dt_agent_records(t->a[who], t->gid, &v, &n));
    for (size_t i = 0; i < n; i++)
        count += strcmp(v[i].kind, "heartbeat") == 0;
    dt_free(v);
    return count;
}

/* Where the charter says so each test is a record too, made once a slot. */
static void
sealed_too(void **state)
{
    struct three *t = *state;

    for (size_t i = 0; i < 3; i++)
        is(heartbeats(t, i), 3);
    confirm_all(t);
    later(t, HALF_DAY);
    world_sync(t->a, 3, 3);
    world_sync(t->a, 3, 2);
    for (size_t i = 0; i < 3; i++)
        is(heartbeats(t, i), 6);
    three_no_alarms(t);
}

/* Without the rule there are none. */
static void
none(void **state)
{
    struct three *t = *state;
    struct dt_line_own own;
    struct dt_line_info *v = NULL;
    size_t n = 0;

    is(dt_agent_line(t->a[0], t->gid, &own, &v, &n), DT_ERR_STATE);
    is(dt_agent_line_confirm(t->a[0], t->gid), DT_ERR_STATE);
    is(dt_agent_line_outage(t->a[0], t->gid, 1, UINT64_MAX, dt_view(NULL, 0)), DT_ERR_STATE);
}

int
main(void)
{
#define LINE(f) cmocka_unit_test_setup_teardown(f, set_up, three_tear_down)
    const struct CMUnitTest tests[] = {
        LINE(heard_and_answered),
        LINE(silence),
        LINE(relay_not_reached),
        LINE(planned),
        LINE(a_persons_word),
        LINE(a_word_missed),
        LINE(a_word_after_an_outage),
        cmocka_unit_test_teardown(two_desks, three_tear_down),
        cmocka_unit_test_setup_teardown(sealed_too, set_up_sealed, three_tear_down),
        cmocka_unit_test_setup_teardown(none, three_set_up, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
