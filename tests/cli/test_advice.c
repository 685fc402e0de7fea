/*
 * tests/cli/test_advice.c - cli/advice.c: a message as it was printed finds the advice of its row.
 */
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void
advises(const char *message, const char *begins)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(4096);

    if (cli_advice(dt_view_str(message), &out) != DT_OK)
        fail_msg("no advice for: %s", message);
    assert_true(out.n >= strlen(begins));
    assert_memory_equal(out.p, begins, strlen(begins));
    assert_null(memchr(out.p, '\n', out.n));
}

static void
messages_as_printed(void **state)
{
    (void)state;
    advises("there is no such channel in this home",
            "Nothing, or more than one thing, has that name");
    advises("home/store.db: the passphrase is wrong: nothing was changed, try again",
            "The passphrase is wrong");
    advises("no approval from United States", "A rule of the forum does not allow this");
    advises("a path secret does not lead to the public key of node 7", "The group's protocol");
}

static void
contexts_are_skipped(void **state)
{
    (void)state;
    advises("channel plenary: the relay says that there is more after position 17, and does not "
            "show it",
            "The relay does not show what it must have");
    advises("detente: inbox: the relay's queue goes on at position 4 after 2",
            "The relay does not show what it must have");
}

/* What is inside of another message decides, when it says more than its frame. */
static void
the_longest_wins(void **state)
{
    (void)state;
    advises("a Commit at position 9 was passed over: the Commit has no path",
            "A member, or somebody");
    advises("a: b: hex of odd length 3", "The file is not what the command expects");
}

static void
others_find_nothing(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(4096);

    (void)state;
    assert_int_equal(cli_advice(dt_view_str(""), &out), DT_ERR_NOT_FOUND);
    assert_int_equal(cli_advice(dt_view_str("hello world"), &out), DT_ERR_NOT_FOUND);
    assert_int_equal(cli_advice(dt_view_str("there is no such channel in this home, or so"), &out),
                     DT_ERR_NOT_FOUND);
    assert_int_equal(out.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_as_printed),
        cmocka_unit_test(contexts_are_skipped),
        cmocka_unit_test(the_longest_wins),
        cmocka_unit_test(others_find_nothing),
    };

    return cmocka_run_group_tests_name("cli advice", tests, NULL, NULL);
}
