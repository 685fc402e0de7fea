/*
 * tests/agent/test_records.c - records of three homes: several that are sent together.
 */
#include "agent/records/records.h"
#include "base/mem.h"

#include "three.h"

static void
heartbeat(struct three *t, size_t who, const char *number, struct dt_record_draft *out)
{
    ok(dt_agent_record_draft(t->a[who], t->gid, "heartbeat", out));
    ok(dt_record_draft_set_text(out, "station", dt_view_str("desk"), NULL));
    ok(dt_record_draft_set_text(out, "status", dt_view_str("normal"), NULL));
    if (number != NULL)
        ok(dt_record_draft_set_text(out, "number", dt_view_str(number), NULL));
}

static size_t
records_of(struct three *t, size_t who)
{
    DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
    size_t n = 0;

    ok(dt_agent_records(t->a[who], t->gid, &list, &n));
    return n;
}

/* The last of three is no record: then the two before it are none either, here and elsewhere. */
static void
several_are_sent_together_or_not_at_all(void **state)
{
    struct three *t = *state;
    struct dt_record_draft d[3] = {0};
    uint8_t commitments[3][32];

    heartbeat(t, 1, "1", &d[0]);
    heartbeat(t, 1, "2", &d[1]);
    heartbeat(t, 1, NULL, &d[2]);
    assert_int_equal(dt_agent_records_send(t->a[1], t->gid, d, 3, 0, commitments), DT_ERR_FORMAT);
    assert_int_equal(records_of(t, 1), 0);
    world_sync(t->a, 3, 3);
    assert_int_equal(records_of(t, 2), 0);
    ok(dt_record_draft_set_text(&d[2], "number", dt_view_str("3"), NULL));
    ok(dt_agent_records_send(t->a[1], t->gid, d, 3, 0, commitments));
    assert_int_equal(records_of(t, 1), 3);
    world_sync(t->a, 3, 3);
    assert_int_equal(records_of(t, 2), 3);
    for (size_t i = 0; i < 3; i++) {
        DT_CLEANUP(dt_record_clear) struct dt_record r = {0};

        ok(dt_agent_record(t->a[2], commitments[i], &r));
        dt_record_draft_clear(&d[i]);
    }
    three_no_alarms(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(several_are_sent_together_or_not_at_all, three_set_up,
                                        three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
