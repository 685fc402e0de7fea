/*
 * tests/agent/test_understood.c - how a message was understood: shown with it on all sides, judged
 * by its author alone; nothing of it is in a record.
 */
#include "agent/records/records.h"
#include "agent/talk/understood.h"
#include "base/mem.h"

#include "three.h"

/* The talk of ${who} with ${id}. */
static struct dt_talk_info
talk_of(struct three *t, size_t who, const uint8_t id[static 16])
{
    DT_CLEANUP(dt_free_p) struct dt_talk_info *list = NULL;
    size_t n = 0;

    ok(dt_agent_talk_list(t->a[who], t->gid, 0, &list, &n));
    for (size_t i = 0; i < n; i++)
        if (memcmp(list[i].id, id, 16) == 0)
            return list[i];
    fail_msg("no such talk");
    return (struct dt_talk_info){0};
}

/* At ${who}, ${place} of ${n} paraphrases is ${text} of ${from}, and its author says ${word}. */
static void
shown(struct three *t, size_t who, const uint8_t id[static 16], size_t place, size_t n,
      const char *text, enum dt_understood_word word, const char *why)
{
    const struct dt_talk_info about = talk_of(t, who, id);
    struct dt_understood *list = NULL;
    size_t have = 0;

    ok(dt_agent_understood(t->a[who], t->gid, &about, &list, &have));
    assert_int_equal(have, n);
    assert_true(dt_view_equal(dt_buf_view(&list[place].text), dt_view_str(text)));
    assert_int_equal(list[place].word, word);
    assert_true(dt_view_equal(dt_buf_view(&list[place].why), dt_view_str(why)));
    dt_understood_free(list, have);
}

static enum dt_err
judge(struct three *t, size_t who, const uint8_t id[static 16], size_t place, bool right,
      const char *text)
{
    const struct dt_talk_info about = talk_of(t, who, id);
    struct dt_understood *list = NULL;
    size_t have = 0;
    enum dt_err err;

    ok(dt_agent_understood(t->a[who], t->gid, &about, &list, &have));
    assert_true(place < have);
    err = dt_agent_understood_judge(t->a[who], t->gid, &about, &list[place], right,
                                    dt_view_str(text));
    dt_understood_free(list, have);
    return err;
}

static void
all_see_it_and_the_author_says_whether_it_is_right(void **state)
{
    struct three *t = *state;
    struct dt_talk_info about;
    uint8_t id[16], one[16], two[16];

    three_say(t, 1, "We can do it by Friday.", id);
    world_sync(t->a, 3, 3);
    about = talk_of(t, 2, id);
    ok(dt_agent_understood_send(t->a[2], t->gid, &about, dt_view_str("It is done on Friday."),
                                one));
    about = talk_of(t, 0, id);
    ok(dt_agent_understood_send(t->a[0], t->gid, &about, dt_view_str("It may be done\nby Friday."),
                                two));
    shown(t, 2, id, 0, 1, "It is done on Friday.", DT_UNDERSTOOD_OPEN, ""); /* one's own, at once */
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 3; i++) {
        const size_t place = i == 2 ? 0 : 1; /* one's own first, then as they came */

        shown(t, i, id, place, 2, "It is done on Friday.", DT_UNDERSTOOD_OPEN, "");
    }

    /* Only the author says; not who understood it, nor a third. */
    assert_int_equal(judge(t, 2, id, 0, true, ""), DT_ERR_REFUSED);
    assert_int_equal(judge(t, 0, id, 1, true, ""), DT_ERR_REFUSED);
    about = talk_of(t, 1, id);
    assert_int_equal(dt_agent_understood_send(t->a[1], t->gid, &about, dt_view_str("x"), one),
                     DT_ERR_REFUSED);
    ok(judge(t, 1, id, 1, false, "By, not on."));
    ok(judge(t, 1, id, 0, true, ""));
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 3; i++) {
        const size_t place = i == 2 ? 0 : 1;

        shown(t, i, id, place, 2, "It is done on Friday.", DT_UNDERSTOOD_WRONG, "By, not on.");
        shown(t, i, id, 1 - place, 2, "It may be done\nby Friday.", DT_UNDERSTOOD_RIGHT, "");
    }
    /* The author may see it otherwise later: the last word counts. */
    ok(judge(t, 1, id, 1, true, ""));
    world_sync(t->a, 3, 3);
    shown(t, 2, id, 0, 2, "It is done on Friday.", DT_UNDERSTOOD_RIGHT, "");
    three_no_alarms(t);
}

/* A word of anybody else on a paraphrase, sent by a program of theirs, is not shown. */
static void
nobody_else_speaks_for_the_author(void **state)
{
    struct three *t = *state;
    struct dt_understood *list = NULL;
    struct dt_talk_info about, as_if;
    uint8_t id[16], one[16];
    size_t n = 0;

    three_say(t, 1, "Yes.", id);
    world_sync(t->a, 3, 3);
    about = talk_of(t, 2, id);
    ok(dt_agent_understood_send(t->a[2], t->gid, &about, dt_view_str("You agree."), one));
    ok(dt_agent_understood(t->a[2], t->gid, &about, &list, &n));
    as_if = about;
    as_if.from.self = true; /* the check of an honest agent is passed over */
    ok(dt_agent_understood_judge(t->a[2], t->gid, &as_if, &list[0], true, dt_view_str("quite")));
    dt_understood_free(list, n);
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 3; i++)
        shown(t, i, id, 0, 1, "You agree.", DT_UNDERSTOOD_OPEN, "");
    three_no_alarms(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_see_it_and_the_author_says_whether_it_is_right,
                                        three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(nobody_else_speaks_for_the_author, three_set_up,
                                        three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
