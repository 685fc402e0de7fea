/*
 * tests/cli/test_console_rules.c - what the console's pages may call: each rule is one of a command
 * that is there, and where that command takes files, pages can give no path.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/console_run.h"

static const struct cli_command *
command_of(const char *name)
{
    for (const struct cli_command *m = cli_commands; m->name != NULL; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

/* The rule of a call of ${command} with the option ${with}, where that is not NULL. */
static const struct console_rule *
rule_of(const char *command, const char *with)
{
    struct dt_console_call *call = calloc(1, sizeof *call);
    const struct console_rule *rule;
    char json[256];

    assert_non_null(call);
    (void)snprintf(json, sizeof json, "{\"command\":\"%s\"%s%s%s}", command,
                   with != NULL ? ",\"options\":{\"" : "", with != NULL ? with : "",
                   with != NULL ? "\":\"x\"}" : "");
    assert_int_equal(dt_console_call_parse(dt_view_str(json), call), DT_OK);
    rule = console_rule_of(call);
    dt_console_call_clear(call);
    free(call);
    return rule;
}

static void
each_is_of_a_command(void **state)
{
    const struct console_rule *rules;
    const size_t n = console_rules(&rules);

    (void)state;
    assert_true(n > 50);
    for (size_t i = 0; i < n; i++) {
        const struct cli_command *m = command_of(rules[i].command);

        if (m == NULL)
            fail_msg("there is no command '%s'", rules[i].command);
        assert_true(strlen(rules[i].operands) <= m->max_operands);
        assert_ptr_equal(rule_of(rules[i].command, rules[i].with), &rules[i]); /* once */
    }
}

static enum dt_err
ask(const char *json)
{
    struct dt_console_call *call = calloc(1, sizeof *call);
    enum dt_err err;

    assert_non_null(call);
    assert_int_equal(dt_console_call_parse(dt_view_str(json), call), DT_OK);
    assert_non_null(console_rule_of(call));
    err = console_rule_check(console_rule_of(call), command_of(call->command), call);
    dt_console_call_clear(call);
    free(call);
    return err;
}

/* What --help calls an operand that is a path. */
static bool
names_file(const char *operands)
{
    static const char *const words[] = {"FILE", "DIR", "PROOF", "AMENDMENT", "LETTER", ".csv"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(operands, words[i]) != NULL)
            return true;
    return false;
}

/* No page names a file or folder of this machine by a text. */
static void
no_path(void **state)
{
    const struct console_rule *rules;
    const size_t n = console_rules(&rules);
    size_t files = 0;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        const struct cli_command *m = command_of(rules[i].command);
        char json[256];

        if (names_file(m->operands)) {
            assert_true(strpbrk(rules[i].operands, "io") != NULL);
            files++;
        }
        for (const struct cli_option *o = m->options; o != NULL && o->name != NULL; o++) {
            if (o->arg == NULL || (strstr(o->arg, "FILE") == NULL && strstr(o->arg, "DIR") == NULL))
                continue;
            (void)snprintf(json, sizeof json, "{\"command\":\"%s\",\"options\":{\"%s\":\"/x\"}}",
                           m->name, o->name);
            assert_int_equal(ask(json), DT_ERR_USAGE);
            files++;
        }
    }
    assert_true(files > 10);
}

static void
what_fits(void **state)
{
    (void)state;
    assert_int_equal(ask("{\"command\":\"send\",\"operands\":[\"c\",\"hello\"]}"), DT_OK);
    assert_int_equal(ask("{\"command\":\"send\",\"operands\":[\"c\",\"-\"]}"), DT_ERR_USAGE);
    assert_int_equal(ask("{\"command\":\"send\",\"operands\":[\"c\"],\"options\":{\"file\":"
                         "{\"upload\":\"00112233445566778899aabbccddeeff\"}}}"),
                     DT_OK);
    assert_int_equal(ask("{\"command\":\"send\",\"operands\":[\"c\"],\"options\":{\"file\":"
                         "{\"download\":\"x\"}}}"),
                     DT_ERR_USAGE);
    assert_int_equal(ask("{\"command\":\"status\",\"options\":{\"home\":\"x\"}}"), DT_ERR_USAGE);
    assert_int_equal(ask("{\"command\":\"record\",\"options\":{\"edit\":true}}"), DT_ERR_USAGE);
    assert_int_equal(ask("{\"command\":\"record\",\"options\":{\"yes\":\"x\"}}"), DT_ERR_USAGE);
    assert_int_equal(ask("{\"command\":\"open\",\"options\":{\"out\":{\"download\":\"x\"}}}"),
                     DT_OK);
}

/* Which passphrase is asked can hang on an option: a key that is shown as it is asks the home's. */
static void
what_asks(void **state)
{
    (void)state;
    assert_null(rule_of("charter draft", NULL));
    assert_int_equal(rule_of("letter import", NULL)->flags, 0);
    assert_int_equal(rule_of("letter import", "revocation")->flags, RULE_PASSPHRASE);
    assert_int_equal(rule_of("letter revoke", "out")->flags, RULE_HAND_ON);
    assert_int_equal(rule_of("psk carry", "qr")->flags, RULE_PASSPHRASE);
    assert_int_equal(rule_of("psk carry", "words")->flags, RULE_PASSPHRASE);
    assert_int_equal(rule_of("psk carry", "to")->flags, RULE_HAND_ON);
    assert_int_equal(rule_of("psk carry", "from")->flags, RULE_IF_LOCKED);
    assert_int_equal(ask("{\"command\":\"psk carry\",\"options\":{\"to\":{\"download\":\"k\"}}}"),
                     DT_OK);
    assert_int_equal(ask("{\"command\":\"psk carry\",\"options\":{\"from\":{\"download\":\"k\"}}}"),
                     DT_ERR_USAGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_of_a_command),
                                       cmocka_unit_test(no_path), cmocka_unit_test(what_fits),
                                       cmocka_unit_test(what_asks)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
