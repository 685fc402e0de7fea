/*
 * tests/cli/test_text.c - cli/text.c: normal form and times; cli/passphrase.c: where a passphrase
 * may come from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "crypto/crypto.h"

#include "cli/cli.h"

/* ---- NFC ---- */

static void
nfc(const char *in, const char *want)
{
    DT_CLEANUP(dt_free_p) char *out = NULL;

    assert_int_equal(cli_nfc_str(in, &out), DT_OK);
    assert_string_equal(out, want);
}

static void
text_comes_out_in_normal_form_c(void **state)
{
    (void)state;
    nfc("", "");
    nfc("plain", "plain");
    nfc("e\xcc\x81", "\xc3\xa9"); /* e + acute */
    nfc("\xc3\xa9", "\xc3\xa9");
    nfc("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"); /* Hangul jamo */
    nfc("\xe2\x84\xab", "\xc3\x85");                             /* Angstrom sign */
    nfc("\xef\xac\x81", "\xef\xac\x81");           /* the fi ligature stays: C, not KC */
    nfc("q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87"); /* canonical order */
    nfc("\xf0\x9d\x85\x9e",
        "\xf0\x9d\x85\x97\xf0\x9d\x85\xa5"); /* grows: a composition exclusion */
}

static void
text_that_grows_has_room(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf in = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(4u << 20);

    (void)state;
    for (int i = 0; i < 20000; i++) /* U+0390 decomposes threefold, U+FB2C likewise */
        assert_int_equal(dt_buf_append(&in, dt_view_str("\xef\xac\xac")), DT_OK);
    assert_int_equal(cli_nfc(dt_buf_view(&in), &out), DT_OK);
    assert_int_equal(out.n, 20000 * 6);
}

static void
text_that_is_none_is_refused(void **state)
{
    static uint8_t big[(4u << 20) + 1];
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(13u << 20);
    char *s = NULL;

    (void)state;
    assert_int_equal(cli_nfc_str("\xff", &s), DT_ERR_FORMAT);
    assert_int_equal(cli_nfc_str("cut \xe2\x82", &s), DT_ERR_FORMAT);
    assert_null(s);
    memset(big, 'x', sizeof big);
    assert_int_equal(cli_nfc(dt_view_of(big), &out), DT_ERR_LIMIT);
    assert_int_equal(out.n, 0);
    assert_int_equal(cli_nfc(dt_view(big, sizeof big - 1), &out), DT_OK);
}

/* ---- times ---- */

static uint64_t
fixed_now(void *ctx)
{
    (void)ctx;
    return UINT64_C(1767225600000); /* 2026-01-01T00:00:00Z */
}

static void
times_as_people_write_them(void **state)
{
    static const char *const bad[] = {"",
                                      "+",
                                      "+d",
                                      "+1",
                                      "1d",
                                      "+1w",
                                      "+-1d",
                                      "+1.5d",
                                      "-1d",
                                      "+36501d",
                                      "tomorrow",
                                      "2026-02-30",
                                      "2026-1-1",
                                      "2026-01-01T00:00:00",
                                      "2026-01-01 00:00:00Z",
                                      "+ 1d",
                                      "+1d "};
    struct cli c = {.clock = {fixed_now, NULL}};
    uint64_t ms = 0;

    (void)state;
    assert_int_equal(cli_time(&c, "2026-01-31", &ms), DT_OK);
    assert_int_equal(ms, UINT64_C(1767225600000) + 30 * DT_MS_DAY);
    assert_int_equal(cli_time(&c, "2026-01-01T00:00:01.500Z", &ms), DT_OK);
    assert_int_equal(ms, UINT64_C(1767225601500));
    assert_int_equal(cli_time(&c, "+30d", &ms), DT_OK);
    assert_int_equal(ms, UINT64_C(1767225600000) + 30 * DT_MS_DAY);
    assert_int_equal(cli_time(&c, "+12h", &ms), DT_OK);
    assert_int_equal(ms, UINT64_C(1767225600000) + 12 * DT_MS_HOUR);
    assert_int_equal(cli_time(&c, "+0h", &ms), DT_OK);
    ms = 5;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (cli_time(&c, bad[i], &ms) != DT_ERR_USAGE)
            fail_msg("'%s' was taken for a time", bad[i]);
        assert_int_equal(ms, 5);
    }
}

/* ---- passphrases ---- */

static char folder[64];

static const char *
file(const char *name, const char *content)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(dt_file_write(path, dt_view_str(content), 0600), DT_OK);
    return path;
}

static enum dt_err
ask(const char *option, const char *value, struct dt_secret *out)
{
    struct cli c = {
        .option_name = {option}, .option_value = {value}, .n_options = option != NULL ? 1 : 0};

    return cli_passphrase(&c, "the test", false, out);
}

static void
expect(enum dt_err err, const struct dt_secret *got, const char *want)
{
    assert_int_equal(err, DT_OK);
    assert_true(dt_view_equal(dt_secret_view(got), dt_view_str(want)));
}

static void
passphrase_from_a_file(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};
    char big[1100];

    (void)state;
    expect(ask("passphrase-file", file("a", "correct horse\n"), &s), &s, "correct horse");
    expect(ask("passphrase-file", file("a", "no end"), &s), &s, "no end");
    expect(ask("passphrase-file", file("a", "first\nsecond\n"), &s), &s, "first");
    expect(ask("passphrase-file", file("a", "dos\r\n"), &s), &s, "dos");
    expect(ask("passphrase-file", file("a", " spaces stay \n"), &s), &s, " spaces stay ");
    assert_int_equal(ask("passphrase-file", file("a", ""), &s), DT_ERR_LOCKED);
    assert_int_equal(ask("passphrase-file", file("a", "\nsecond\n"), &s), DT_ERR_LOCKED);
    assert_int_equal(ask("passphrase-file", file("a", "\r\n"), &s), DT_ERR_LOCKED);
    assert_int_equal(ask("passphrase-file", "/nonexistent/file", &s), DT_ERR_IO);
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_int_equal(ask("passphrase-file", file("a", big), &s), DT_ERR_LIMIT);
}

static void
passphrase_from_a_descriptor(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};
    char number[16];
    char next[8];
    int fd = open(file("fd", "by number\nnext line\n"), O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    (void)snprintf(number, sizeof number, "%d", fd);
    expect(ask("passphrase-fd", number, &s), &s, "by number");
    assert_int_equal(read(fd, next, 4), 4); /* no more than its line was taken */
    assert_memory_equal(next, "next", 4);
    close(fd);
    assert_int_equal(ask("passphrase-fd", "x", &s), DT_ERR_USAGE);
    assert_int_equal(ask("passphrase-fd", "-1", &s), DT_ERR_USAGE);
    assert_int_equal(ask("passphrase-fd", "99999", &s), DT_ERR_USAGE);
    assert_int_not_equal(ask("passphrase-fd", "1001", &s), DT_OK); /* not open */
}

static void
passphrase_from_the_environment_comes_last(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};
    struct cli c = {.option_name = {"passphrase-file", "passphrase-fd"},
                    .option_value = {"x", "0"},
                    .n_options = 2};
    char path[128];

    (void)state;
    (void)snprintf(path, sizeof path, "%s", file("env", "from the environment\n"));
    assert_int_equal(setenv("DETENTE_PASSPHRASE_FILE", path, 1), 0);
    expect(ask(NULL, NULL, &s), &s, "from the environment");
    expect(ask("passphrase-file", file("opt", "from the option\n"), &s), &s, "from the option");
    unsetenv("DETENTE_PASSPHRASE_FILE");
    assert_int_equal(cli_passphrase(&c, "the test", false, &s), DT_ERR_USAGE);
}

/* The table has no option that would take a passphrase itself: one may name a file that has it. */
static void
passphrase_never_from_the_command_line(void **state)
{
    char *argv[] = {(char[]){"detente"}, (char[]){"sync"}, (char[]){"--passphrase"},
                    (char[]){"secret"}, NULL};
    struct cli c = {0};

    (void)state;
    assert_int_equal(cli_parse(&c, 4, argv), DT_ERR_USAGE);
    assert_null(strstr(dt_err_message(), "secret"));
    for (const struct cli_command *m = cli_commands; m->name != NULL; m++)
        for (const struct cli_option *o = m->options; o != NULL && o->name != NULL; o++)
            assert_true(strstr(o->name, "pass") == NULL ||
                        (strstr(o->name, "-passphrase-file") != NULL &&
                         strcmp(strstr(o->name, "-passphrase-file"), "-passphrase-file") == 0 &&
                         strcmp(o->arg, "FILE") == 0));
}

static int
setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/detente-cli-XXXXXX");
    return mkdtemp(folder) == NULL || dt_crypto_init() != DT_OK;
}

static int
teardown(void **state)
{
    static const char *const names[] = {"a", "fd", "env", "opt"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_comes_out_in_normal_form_c),
        cmocka_unit_test(text_that_grows_has_room),
        cmocka_unit_test(text_that_is_none_is_refused),
        cmocka_unit_test(times_as_people_write_them),
        cmocka_unit_test(passphrase_from_a_file),
        cmocka_unit_test(passphrase_from_a_descriptor),
        cmocka_unit_test(passphrase_from_the_environment_comes_last),
        cmocka_unit_test(passphrase_never_from_the_command_line),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
