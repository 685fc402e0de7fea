/*
 * tests/cli/test_options.c - cli/options.c and the table of cli/commands.c: parsing and help.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

#include "capture.h"

/* Parse "detente" and the given words. */
#define PARSE(c, ...) parse((c), (const char *const[]){"detente", __VA_ARGS__, NULL})

static enum dt_err
parse(struct cli *c, const char *const words[])
{
    char *argv[2 * DT_CLI_VALUES + 8];
    int argc = 0;

    *c = (struct cli){.clock = dt_clock_system()};
    for (; words[argc] != NULL; argc++) {
        memcpy(&argv[argc], &words[argc], sizeof argv[0]);
        if ((size_t)argc + 2 >= sizeof argv / sizeof argv[0])
            abort();
    }
    argv[argc] = NULL;
    return cli_parse(c, argc, argv);
}

static void
usage(const char *part)
{
    if (strstr(dt_err_message(), part) == NULL)
        fail_msg("'%s' does not say '%s'", dt_err_message(), part);
}

static void
commands_of_one_and_two_words(void **state)
{
    struct cli c;

    (void)state;
    assert_int_equal(PARSE(&c, "sync"), DT_OK);
    assert_string_equal(c.command->name, "sync");
    assert_int_equal(PARSE(&c, "charter", "show", "x.charter"), DT_OK);
    assert_string_equal(c.command->name, "charter show");
    assert_int_equal(c.n_operands, 1);
    assert_string_equal(c.operand[0], "x.charter");
    assert_int_equal(PARSE(&c, "register", "status"), DT_OK);
    assert_string_equal(c.command->name, "register status");
    assert_int_equal(PARSE(&c, "--json", "channels"), DT_OK);
    assert_string_equal(c.command->name, "channels");
    assert_true(cli_has(&c, "json"));
}

static void
unknown_commands(void **state)
{
    struct cli c;

    (void)state;
    assert_int_equal(PARSE(&c, "dance"), DT_ERR_USAGE);
    usage("there is no command 'dance'");
    assert_int_equal(PARSE(&c, "syn"), DT_ERR_USAGE); /* no abbreviations */
    assert_int_equal(PARSE(&c, "synch"), DT_ERR_USAGE);
    assert_int_equal(PARSE(&c, "root"), DT_ERR_USAGE);
    usage("goes with one of: new words");
    assert_int_equal(PARSE(&c, "root", "old"), DT_ERR_USAGE);
    usage("goes with one of");
    assert_int_equal(PARSE(&c, "charter show", "f"), DT_OK); /* a whole name as one word */
    assert_string_equal(c.operand[0], "f");
    assert_int_equal(PARSE(&c, ""), DT_ERR_USAGE);
    assert_int_equal(parse(&c, (const char *const[]){"detente", NULL}), DT_ERR_USAGE);
    usage("no command given");
}

static void
unknown_options(void **state)
{
    struct cli c;

    (void)state;
    assert_int_equal(PARSE(&c, "sync", "--dance"), DT_ERR_USAGE);
    usage("there is no option --dance of sync");
    assert_int_equal(PARSE(&c, "sync", "--kind", "caucus"), DT_ERR_USAGE); /* another command's */
    assert_int_equal(PARSE(&c, "--kind", "caucus", "found", "x"), DT_ERR_USAGE);
    assert_int_equal(PARSE(&c, "found", "x", "--kin", "caucus"), DT_ERR_USAGE);
    usage("there is no option --kin");
    assert_int_equal(PARSE(&c, "found", "x", "--kindly", "caucus"), DT_ERR_USAGE);
    assert_int_equal(PARSE(&c, "sync", "--js"), DT_ERR_USAGE);
    assert_int_equal(PARSE(&c, "sync", "--=x"), DT_ERR_USAGE);
    assert_int_equal(PARSE(&c, "sync", "-q"), DT_ERR_USAGE);
    usage("options are words after two dashes");
    assert_int_equal(PARSE(&c, "-json", "sync"), DT_ERR_USAGE);
}

static void
values(void **state)
{
    struct cli c;
    size_t at = 0;

    (void)state;
    assert_int_equal(
        PARSE(&c, "found", "x", "--with", "A", "--kind=caucus", "--with=B", "--with", ""), DT_OK);
    assert_string_equal(cli_get(&c, "kind"), "caucus");
    assert_string_equal(cli_next(&c, "with", &at), "A");
    assert_string_equal(cli_next(&c, "with", &at), "B");
    assert_string_equal(cli_next(&c, "with", &at), "");
    assert_null(cli_next(&c, "with", &at));
    assert_string_equal(cli_get(&c, "with"), ""); /* the last one */
    assert_int_equal(PARSE(&c, "found", "x", "--kind"), DT_ERR_USAGE);
    usage("--kind needs a value: KIND");
    assert_int_equal(PARSE(&c, "sync", "--json=1"), DT_ERR_USAGE);
    usage("--json takes no value");
    assert_int_equal(PARSE(&c, "found", "x", "--kind="), DT_OK);
    assert_string_equal(cli_get(&c, "kind"), "");
    assert_int_equal(PARSE(&c, "record", "contact", "ch", "--set", "a=b=c", "--set=x=y"), DT_OK);
    at = 0;
    assert_string_equal(cli_next(&c, "set", &at), "a=b=c");
    assert_string_equal(cli_next(&c, "set", &at), "x=y");
    /* What follows is the value, whatever it looks like. */
    assert_int_equal(PARSE(&c, "found", "x", "--kind", "--json"), DT_OK);
    assert_string_equal(cli_get(&c, "kind"), "--json");
    assert_false(cli_has(&c, "json"));
}

static void
operands(void **state)
{
    struct cli c;

    (void)state;
    assert_int_equal(PARSE(&c, "send", "ch"), DT_OK);
    assert_int_equal(PARSE(&c, "send", "ch", "-"), DT_OK); /* a lone dash is a file name */
    assert_string_equal(c.operand[1], "-");
    assert_int_equal(PARSE(&c, "send"), DT_ERR_USAGE);
    usage("detente send needs: CHANNEL [TEXT|-]");
    assert_int_equal(PARSE(&c, "send", "ch", "a", "b"), DT_ERR_USAGE);
    usage("'b' is one argument too many");
    assert_int_equal(PARSE(&c, "sync", "now"), DT_ERR_USAGE);
    assert_int_equal(PARSE(&c, "send", "ch", "--", "--json"), DT_OK);
    assert_string_equal(c.operand[1], "--json");
    assert_false(cli_has(&c, "json"));
    assert_int_equal(PARSE(&c, "send", "--", "ch", "--"),
                     DT_OK); /* only the first one ends the options */
    assert_string_equal(c.operand[1], "--");
    assert_int_equal(PARSE(&c, "--", "sync"), DT_OK);
}

static void
too_many(void **state)
{
    const char *words[2 * DT_CLI_VALUES + 4] = {"detente", "record", "contact", "ch"};
    struct cli c;
    size_t n = 4;

    (void)state;
    for (size_t i = 0; i < DT_CLI_VALUES; i++)
        words[n++] = "--set=a=b";
    words[n] = NULL;
    assert_int_equal(parse(&c, words), DT_OK);
    words[n++] = "--yes";
    words[n] = NULL;
    assert_int_equal(parse(&c, words), DT_ERR_USAGE);
    usage("more than 128 options");
    n = 1;
    words[n++] = "letter";
    words[n++] = "import";
    for (size_t i = 0; i <= DT_CLI_VALUES; i++)
        words[n++] = "f";
    words[n] = NULL;
    assert_int_equal(parse(&c, words), DT_ERR_USAGE);
    usage("more than 128 arguments");
}

static void
needs_and_numbers(void **state)
{
    struct cli c;
    const char *value = NULL;
    uint64_t n = 0;

    (void)state;
    assert_int_equal(PARSE(&c, "save", "ch", "1", "--out", "f"), DT_OK);
    assert_int_equal(cli_need(&c, "out", &value), DT_OK);
    assert_string_equal(value, "f");
    assert_int_equal(PARSE(&c, "save", "ch", "1"), DT_OK);
    assert_int_equal(cli_need(&c, "out", &value), DT_ERR_USAGE);
    usage("detente save needs --out");
    assert_int_equal(PARSE(&c, "save", "ch", "1", "--out="), DT_OK);
    assert_int_equal(cli_need(&c, "out", &value), DT_ERR_USAGE);
    assert_int_equal(PARSE(&c, "read", "ch"), DT_OK);
    assert_int_equal(cli_number(&c, "after", 9, 100, &n), DT_OK);
    assert_int_equal(n, 9);
    assert_int_equal(PARSE(&c, "read", "ch", "--after", "100"), DT_OK);
    assert_int_equal(cli_number(&c, "after", 9, 100, &n), DT_OK);
    assert_int_equal(n, 100);
    for (size_t i = 0; i < 6; i++) {
        static const char *const bad[] = {"101", "-1", "+1", "1x", "", "01"};

        assert_int_equal(PARSE(&c, "read", "ch", "--after", bad[i]), DT_OK);
        assert_int_equal(cli_number(&c, "after", 9, 100, &n), DT_ERR_USAGE);
    }
}

static void
help_and_version_need_nothing_else(void **state)
{
    struct cli c;

    (void)state;
    assert_int_equal(PARSE(&c, "--help"), DT_OK);
    assert_null(c.command);
    assert_int_equal(PARSE(&c, "--version"), DT_OK);
    assert_int_equal(PARSE(&c, "save", "--help"), DT_OK);
    assert_string_equal(c.command->name, "save");
    assert_int_equal(PARSE(&c, "root", "--help"), DT_OK);
    assert_int_equal(PARSE(&c, "dance", "--help"), DT_ERR_USAGE);
}

static void
help_lists_every_command(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    struct capture cap = capture_begin(stdout);
    const char *text;

    (void)state;
    cli_help(NULL);
    text = capture_end(&cap, &b);
    for (const struct cli_command *m = cli_commands; m->name != NULL; m++) {
        char line[300];

        (void)snprintf(line, sizeof line, "\n  %-26s %s\n", m->name, m->help);
        if (strstr(text, line) == NULL)
            fail_msg("--help does not list %s", m->name);
    }
    for (const struct cli_group *g = cli_groups; g->first != NULL; g++) {
        char heading[120];

        (void)snprintf(heading, sizeof heading, "\n%s, detente-%s(1):\n  %s ", g->title, g->page,
                       g->first);
        if (strstr(text, heading) == NULL)
            fail_msg("--help has no group %s that begins with %s", g->page, g->first);
    }
    assert_non_null(strstr(text, "--passphrase-file FILE"));
    assert_non_null(strstr(text, "Exit status: 0"));
}

/* Each command's --help has its usage and each of its options; names are unique and no other's
 * beginning. */
static void
help_of_every_command(void **state)
{
    (void)state;
    for (const struct cli_command *m = cli_commands; m->name != NULL; m++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
        struct capture cap = capture_begin(stdout);
        const char *text;

        cli_help(m);
        text = capture_end(&cap, &b);
        assert_non_null(strstr(text, m->name));
        assert_non_null(strstr(text, m->help));
        assert_non_null(m->run);
        assert_true(m->min_operands <= m->max_operands && m->max_operands <= DT_CLI_VALUES);
        assert_true((m->max_operands == 0) == (m->operands[0] == '\0'));
        for (const struct cli_option *o = m->options; o != NULL && o->name != NULL; o++) {
            char left[80];

            (void)snprintf(left, sizeof left, "\n  --%s%s%s ", o->name, o->arg != NULL ? " " : "",
                           o->arg != NULL ? o->arg : "");
            if (strstr(text, left) == NULL)
                fail_msg("help of %s does not have --%s", m->name, o->name);
            for (const struct cli_option *p = m->options; p < o; p++)
                assert_string_not_equal(p->name, o->name);
        }
        for (const struct cli_command *k = cli_commands; k < m; k++)
            assert_string_not_equal(k->name, m->name);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_of_one_and_two_words),
        cmocka_unit_test(unknown_commands),
        cmocka_unit_test(unknown_options),
        cmocka_unit_test(values),
        cmocka_unit_test(operands),
        cmocka_unit_test(too_many),
        cmocka_unit_test(needs_and_numbers),
        cmocka_unit_test(help_and_version_need_nothing_else),
        cmocka_unit_test(help_lists_every_command),
        cmocka_unit_test(help_of_every_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
