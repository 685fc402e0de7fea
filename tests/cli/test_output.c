/*
 * tests/cli/test_output.c - cli/output.c: what reaches a terminal, JSON, exit codes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

#include "capture.h"

/* What cli_print("%s") makes of ${text}. */
static void
prints(const char *text, const char *want)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    struct capture cap = capture_begin(stdout);

    cli_print("<%s>", text);
    cli_print_view(dt_view_str(text));
    (void)capture_end(&cap, &b);
    if (b.n != 2 * strlen(want) + 2 || memcmp(b.p + 1, want, strlen(want)) != 0 ||
        memcmp(b.p + strlen(want) + 2, want, strlen(want)) != 0)
        fail_msg("'%s' is printed as '%.*s', not as '%s' twice", text, (int)b.n, (const char *)b.p,
                 want);
}

static void
text_passes(void **state)
{
    (void)state;
    prints("", "");
    prints("plain, with\ttab and\nlines", "plain, with\ttab and\nlines");
    prints("\xc3\xa9t\xc3\xa9 \xd0\xbc\xd0\xb8\xd1\x80 \xd8\xb3\xd9\x84\xd8\xa7\xd9\x85 "
           "\xe5\x92\x8c\xe5\xb9\xb3",
           "\xc3\xa9t\xc3\xa9 \xd0\xbc\xd0\xb8\xd1\x80 \xd8\xb3\xd9\x84\xd8\xa7\xd9\x85 "
           "\xe5\x92\x8c\xe5\xb9\xb3");
    prints("\xc2\xa0 \xf0\x9f\x95\x8a",
           "\xc2\xa0 \xf0\x9f\x95\x8a"); /* U+00A0 is the first after C1 */
    prints("\xe2\x80\x8f \xe2\x80\xa7 \xe2\x80\xaf \xe2\x81\xa5",
           "\xe2\x80\x8f \xe2\x80\xa7 \xe2\x80\xaf \xe2\x81\xa5");
}

static void
control_characters_do_not(void **state)
{
    (void)state;
    prints("\x1b[2Jgone", "?[2Jgone");
    prints("a\rb\x07"
           "c\x08"
           "d\x7f",
           "a?b?c?d?");
    prints("csi \xc2\x9b"
           "2J osc \xc2\x9d",
           "csi ?2J osc ?");
    prints("\xc2\x80\xc2\x9f", "??");
    for (int ch = 1; ch < 0x20; ch++) {
        char in[2] = {(char)ch, '\0'};

        if (ch != '\n' && ch != '\t')
            prints(in, "?");
    }
}

static void
marks_that_turn_or_break_lines_do_not(void **state)
{
    (void)state;
    prints("\xe2\x80\xae"
           "txt.exe",
           "?txt.exe"); /* U+202E */
    prints("\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad", "????");
    prints("\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", "????");
    prints("\xe2\x80\xa8\xe2\x80\xa9", "??"); /* U+2028, U+2029 */
}

static void
bytes_that_are_no_text_do_not(void **state)
{
    (void)state;
    prints("\x9b"
           "2J",
           "?2J"); /* CSI in one byte */
    prints("\xc3", "?");
    prints("\xe2\x80", "??");
    prints("\xff\xfe", "??");
    prints("\xc0\xaf", "??");
    prints("\xed\xa0\x80", "???"); /* a surrogate */
}

/* No line of a peer's text can stand where a line of ours would. */
static void
further_lines_are_indented(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(4096);
    struct capture cap = capture_begin(stdout);

    (void)state;
    cli_print_lines("    ",
                    dt_view_str("yes\n2  2026-01-01T00:00:00Z  Envoy (North)\n    we agree"));
    cli_print_lines("  ", dt_view_str("ends\n"));
    cli_print_field(dt_view_str("note"), dt_view_str("one\ntwo\x1b"));
    assert_string_equal(capture_end(&cap, &b),
                        "    yes\n    2  2026-01-01T00:00:00Z  Envoy (North)\n        we agree\n"
                        "  ends\n\n"
                        "  note             one\n                   two?\n");
}

static void
standard_error_is_guarded_too(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(4096);
    struct cli c = {.quiet = false};
    struct capture cap = capture_begin(stderr);

    (void)state;
    cli_note(&c, "accrediting %s", "A\x1b[1A");
    c.quiet = true;
    cli_note(&c, "unheard");
    cli_complain("detente: %s\n", "no\xc2\x9b");
    assert_string_equal(capture_end(&cap, &b), "accrediting A?[1A\ndetente: no?\n");
}

static void
json_has_its_format_and_is_ascii(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 16);
    static const uint8_t bytes[3] = {0, 0xab, 0xff};
    json_t *o = json_object();
    json_t *back;
    struct capture cap;

    (void)state;
    cli_put(o, "name", "\xc3\xa9\xc2\x9b\x1b");
    cli_put_view(o, "view", dt_view((const uint8_t *)"ab", 1));
    cli_put_hex(o, "hex", dt_view_of(bytes));
    cli_put_u64(o, "count", 7);
    cli_put_bool(o, "yes", true);
    cli_put_time(o, "never", 0);
    cli_put_time(o, "time", UINT64_C(1767225600000));
    cap = capture_begin(stdout);
    assert_int_equal(cli_json(o), DT_OK);
    (void)capture_end(&cap, &b);
    for (size_t i = 0; i < b.n; i++)
        assert_true(b.p[i] == '\n' || (b.p[i] >= 0x20 && b.p[i] < 0x7f));
    back = json_loadb((const char *)b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(back);
    assert_int_equal(json_integer_value(json_object_get(back, "format")), 1);
    assert_string_equal(json_string_value(json_object_get(back, "name")), "\xc3\xa9\xc2\x9b\x1b");
    assert_string_equal(json_string_value(json_object_get(back, "view")), "a");
    assert_string_equal(json_string_value(json_object_get(back, "hex")), "00abff");
    assert_int_equal(json_integer_value(json_object_get(back, "count")), 7);
    assert_true(json_is_true(json_object_get(back, "yes")));
    assert_true(json_is_null(json_object_get(back, "never")));
    assert_string_equal(json_string_value(json_object_get(back, "time")), "2026-01-01T00:00:00Z");
    json_decref(back);
}

static void
json_to_a_full_disk_is_an_error(void **state)
{
    int saved = dup(STDOUT_FILENO);
    FILE *full = fopen("/dev/full", "w");
    json_t *o = json_object();
    enum dt_err err;

    (void)state;
    if (full == NULL) {
        json_decref(o);
        skip();
    }
    for (int i = 0; i < 20000; i++) { /* more than any buffer holds */
        char key[16];

        (void)snprintf(key, sizeof key, "k%d", i);
        cli_put_u64(o, key, 1);
    }
    fflush(stdout);
    dup2(fileno(full), STDOUT_FILENO);
    err = cli_json(o);
    __fpurge(stdout);
    clearerr(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    fclose(full);
    assert_int_equal(err, DT_ERR_IO);
    assert_int_equal(cli_json(NULL), DT_ERR_NOMEM);
}

static void
exit_codes(void **state)
{
    static const struct {
        enum dt_err err;
        enum dt_exit code;
    } codes[] = {{DT_OK, DT_EXIT_OK},
                 {DT_ERR_USAGE, DT_EXIT_USAGE},
                 {DT_ERR_IO, DT_EXIT_IO},
                 {DT_ERR_NET, DT_EXIT_IO},
                 {DT_ERR_NOMEM, DT_EXIT_IO},
                 {DT_ERR_BUSY, DT_EXIT_IO},
                 {DT_ERR_INTERNAL, DT_EXIT_IO},
                 {DT_ERR_LOCKED, DT_EXIT_REFUSED},
                 {DT_ERR_REFUSED, DT_EXIT_REFUSED},
                 {DT_ERR_EXPIRED, DT_EXIT_REFUSED},
                 {DT_ERR_FORMAT, DT_EXIT_NO},
                 {DT_ERR_LIMIT, DT_EXIT_NO},
                 {DT_ERR_AUTH, DT_EXIT_NO},
                 {DT_ERR_PROOF, DT_EXIT_NO},
                 {DT_ERR_RANGE, DT_EXIT_NO},
                 {DT_ERR_STATE, DT_EXIT_NO},
                 {DT_ERR_EXISTS, DT_EXIT_NO},
                 {DT_ERR_NOT_FOUND, DT_EXIT_NO},
                 {DT_ERR_CONFLICT, DT_EXIT_NO},
                 {DT_ERR_UNSUPPORTED, DT_EXIT_NO}};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_int_equal(cli_exit(codes[i].err), codes[i].code);
    assert_int_equal(DT_EXIT_OK, 0);
    assert_int_equal(DT_EXIT_NO, 1);
    assert_int_equal(DT_EXIT_USAGE, 2);
    assert_int_equal(DT_EXIT_IO, 3);
    assert_int_equal(DT_EXIT_REFUSED, 4);
}

static void
a_missing_file_is_no_answer(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(100);

    (void)state;
    assert_int_equal(cli_file("/nonexistent/file", &b), DT_ERR_IO);
    assert_int_equal(cli_file("/dev/null", &b), DT_OK);
    assert_int_equal(b.n, 0);
}

static void
picking_by_prefix(void **state)
{
    static const uint8_t ids[3][16] = {{0x12, 0x34, 0x56}, {0x12, 0x34, 0x99}, {0xab, 0xcd}};
    char hex[13];
    size_t at = 9;

    (void)state;
    assert_int_equal(cli_pick("message", "abcd", ids[0], 3, 16, &at), DT_OK);
    assert_int_equal(at, 2);
    assert_int_equal(cli_pick("message", "123456", ids[0], 3, 16, &at), DT_OK);
    assert_int_equal(at, 0);
    assert_int_equal(cli_pick("message", "1234", ids[0], 3, 16, &at), DT_ERR_CONFLICT);
    assert_int_equal(cli_pick("message", "abc", ids[0], 3, 16, &at),
                     DT_ERR_NOT_FOUND); /* too short */
    assert_int_equal(cli_pick("message", "abce", ids[0], 3, 16, &at), DT_ERR_NOT_FOUND);
    cli_short(hex, dt_view_of(ids[0]));
    assert_string_equal(hex, "123456000000");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_passes),
        cmocka_unit_test(control_characters_do_not),
        cmocka_unit_test(marks_that_turn_or_break_lines_do_not),
        cmocka_unit_test(bytes_that_are_no_text_do_not),
        cmocka_unit_test(further_lines_are_indented),
        cmocka_unit_test(standard_error_is_guarded_too),
        cmocka_unit_test(json_has_its_format_and_is_ascii),
        cmocka_unit_test(json_to_a_full_disk_is_an_error),
        cmocka_unit_test(exit_codes),
        cmocka_unit_test(a_missing_file_is_no_answer),
        cmocka_unit_test(picking_by_prefix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
