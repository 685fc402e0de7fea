/*
 * tests/agent/test_tally.c - a tally is countersigned by an agent that counted the same, whatever
 * program it is that asks.
 */
#include "agent/records/records.h"
#include "agent/records/tally.h"
#include "base/mem.h"

#include "three.h"

static void
tally(struct three *t, const char *count, uint8_t commitment[static 32])
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};

    ok(dt_agent_record_draft(t->a[1], t->gid, "tally", &d));
    ok(dt_record_draft_set_text(&d, "first_entry", dt_view_str("0"), NULL));
    ok(dt_record_draft_set_text(&d, "last_entry", dt_view_str("0"), NULL));
    ok(dt_record_draft_set_text(&d, "count", dt_view_str(count), NULL));
    ok(dt_record_draft_set_text(&d, "counted", dt_view_str("heartbeat"), NULL));
    ok(dt_agent_record_send(t->a[1], t->gid, &d, commitment));
}

static enum dt_err
countersign(struct three *t, const uint8_t about[static 32], bool despite)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    uint8_t commitment[32];

    ok(dt_agent_answer_draft(t->a[2], about, DT_ANSWER_COUNTERSIGN, &d, &subject));
    return despite ? dt_agent_record_send_as(t->a[2], t->gid, &d, DT_SEND_DESPITE_COUNT, commitment)
                   : dt_agent_record_send(t->a[2], t->gid, &d, commitment);
}

static void
rest(struct three *t)
{
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++)
            ok(dt_agent_register_sync(t->a[i], NULL));
        world_sync(t->a, 3, 3);
    }
}

static size_t
records(struct three *t)
{
    DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
    size_t n = 0;

    ok(dt_agent_records(t->a[2], t->gid, &list, &n));
    return n;
}

static void
counted_anew_by_the_agent(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    uint8_t right[32], wrong[32], beat[32];
    size_t before;

    ok(dt_agent_record_draft(t->a[1], t->gid, "heartbeat", &d));
    ok(dt_record_draft_set_text(&d, "station", dt_view_str("blue"), NULL));
    ok(dt_record_draft_set_text(&d, "number", dt_view_str("1"), NULL));
    ok(dt_record_draft_set_text(&d, "status", dt_view_str("normal"), NULL));
    ok(dt_agent_record_send(t->a[1], t->gid, &d, beat));
    rest(t);
    three_cosign(t);
    rest(t);
    tally(t, "1", right);
    tally(t, "0", wrong);
    rest(t);
    before = records(t);
    is(countersign(t, wrong, false), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "our own count is 1, the tally's 0"));
    is(records(t), before); /* nothing was kept, and nothing sent */
    ok(countersign(t, right, false));
    ok(countersign(t, wrong, true)); /* said expressly */
    is(records(t), before + 2);
    ok(countersign(t, beat, false)); /* no tally */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counted_anew_by_the_agent, three_set_up, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
