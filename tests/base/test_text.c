/*
 * tests/base/test_text.c - hex, base64, decimal, UTF-8, times, dates, durations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/time.h"

#define MAX 4096

static void
hex_all_bytes(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf back = DT_BUF_INIT(MAX);
    uint8_t all[256];
    char str[513];
    char want[513];

    (void)state;
    for (unsigned int i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
        (void)snprintf(want + 2 * i, 3, "%02x", i);
    }
    assert_int_equal(dt_hex_write(&text, dt_view_of(all)), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&text), dt_view_str(want)));
    dt_hex_str(str, dt_view_of(all));
    assert_string_equal(str, want);
    assert_int_equal(dt_hex_read(&back, dt_buf_view(&text)), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&back), dt_view_of(all)));
}

/* Each of the 256 characters by itself: digits of both cases and nothing else. */
static void
hex_every_character(void **state)
{
    (void)state;
    for (unsigned int c = 0; c < 256; c++) {
        uint8_t pair[2] = {'0', (uint8_t)c};
        uint8_t out = 0xee;
        unsigned int want = c >= '0' && c <= '9'   ? c - '0'
                            : c >= 'a' && c <= 'f' ? c - 'a' + 10
                            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                   : 99;

        if (want == 99) {
            assert_int_equal(dt_hex_read_fixed(&out, 1, dt_view_of(pair)), DT_ERR_FORMAT);
            assert_int_equal(out, 0xee);
        } else {
            assert_int_equal(dt_hex_read_fixed(&out, 1, dt_view_of(pair)), DT_OK);
            assert_int_equal(out, want);
        }
    }
}

static void
hex_refused(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(3);
    uint8_t fixed[2];

    (void)state;
    assert_int_equal(dt_hex_read(&out, dt_view_str("abc")), DT_ERR_FORMAT);
    assert_int_equal(dt_hex_read(&out, dt_view_str("ab 0")), DT_ERR_FORMAT);
    assert_int_equal(dt_hex_read(&out, dt_view_str("00112233")), DT_ERR_LIMIT);
    assert_int_equal(out.n, 0);
    assert_int_equal(dt_hex_read_fixed(fixed, 2, dt_view_str("001")), DT_ERR_FORMAT);
    assert_int_equal(dt_hex_read_fixed(fixed, 2, dt_view_str("00112")), DT_ERR_FORMAT);
    assert_int_equal(dt_hex_read_fixed(fixed, 2, dt_view_str("001122")), DT_ERR_FORMAT);
    assert_int_equal(dt_hex_read(&out, dt_view_str("")), DT_OK);
}

/* RFC 4648 section 10. */
static void
base64_rfc4648(void **state)
{
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf a = DT_BUF_INIT(MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(MAX);

        assert_int_equal(dt_base64_write(&a, dt_view_str(cases[i][0])), DT_OK);
        assert_true(dt_view_equal(dt_buf_view(&a), dt_view_str(cases[i][1])));
        assert_int_equal(dt_base64_read(&b, dt_view_str(cases[i][1])), DT_OK);
        assert_true(dt_view_equal(dt_buf_view(&b), dt_view_str(cases[i][0])));
    }
}

static void
base64_every_digit(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned int n_good = 0;

    (void)state;
    for (unsigned int c = 0; c < 256; c++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(MAX);
        uint8_t four[4] = {'A', 'A', 'A', (uint8_t)c};
        const char *at = c != 0 ? strchr(digits, (int)c) : NULL;
        enum dt_err err = dt_base64_read(&out, dt_view_of(four));

        if (at != NULL) {
            assert_int_equal(err, DT_OK);
            assert_int_equal(out.p[2], at - digits);
            n_good++;
        } else if (c == '=') {
            assert_int_equal(err, DT_OK);
            assert_int_equal(out.n, 2);
        } else {
            assert_int_equal(err, DT_ERR_FORMAT);
            assert_int_equal(out.n, 0);
        }
    }
    assert_int_equal(n_good, 64);
}

static void
base64_refused(void **state)
{
    static const char *const bad[] = {"Zg",    "Zg=",      "Zg===", "Zh==",   "Zm9=",
                                      "=Zg=",  "Z===",     "====",  "Zg==\n", "Zm 9v",
                                      "Zm9v=", "Zg==Zg==", "Z-_v",  "Zm9vZm9"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(MAX);

        assert_int_equal(dt_base64_read(&out, dt_view_str(bad[i])), DT_ERR_FORMAT);
        assert_int_equal(out.n, 0);
    }
}

static void
base64_exact_room(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(4);

    (void)state;
    assert_int_equal(dt_base64_read(&out, dt_view_str("Zm9vYg==")), DT_OK);
    assert_int_equal(out.n, 4);
    dt_buf_clear(&out);
    assert_int_equal(dt_base64_read(&out, dt_view_str("Zm9vYmE=")), DT_ERR_LIMIT);
}

static void
decimals(void **state)
{
    uint64_t x = 7;

    (void)state;
    assert_int_equal(dt_decimal_read(dt_view_str("0"), 9, &x), DT_OK);
    assert_true(x == 0);
    assert_int_equal(dt_decimal_read(dt_view_str("18446744073709551615"), UINT64_MAX, &x), DT_OK);
    assert_true(x == UINT64_MAX);
    x = 7;
    assert_int_equal(dt_decimal_read(dt_view_str("18446744073709551616"), UINT64_MAX, &x),
                     DT_ERR_RANGE);
    assert_int_equal(dt_decimal_read(dt_view_str("184467440737095516160x"), UINT64_MAX, &x),
                     DT_ERR_FORMAT);
    assert_int_equal(dt_decimal_read(dt_view_str("10"), 9, &x), DT_ERR_RANGE);
    assert_int_equal(dt_decimal_read(dt_view_str(""), 9, &x), DT_ERR_FORMAT);
    assert_int_equal(dt_decimal_read(dt_view_str("01"), 9, &x), DT_ERR_FORMAT);
    assert_int_equal(dt_decimal_read(dt_view_str("+1"), 9, &x), DT_ERR_FORMAT);
    assert_int_equal(dt_decimal_read(dt_view_str("-1"), 9, &x), DT_ERR_FORMAT);
    assert_int_equal(dt_decimal_read(dt_view_str("1 "), 9, &x), DT_ERR_FORMAT);
    assert_true(x == 7);
}

/* RFC 3629 section 3 and 10: what must not be taken. */
static void
utf8(void **state)
{
    static const char *const good[] = {"",
                                       "abc",
                                       "d\xc3\xa9tente",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x95\x8a",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "\x7f",
                                       "\xc2\x80"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xc3",
                                      "\xe2\x82",
                                      "\xf0\x9f\x95",
                                      "\xc3("};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(dt_utf8_valid(dt_view_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(dt_utf8_valid(dt_view_str(bad[i])));
    assert_true(dt_utf8_valid(dt_view((const uint8_t *)"a\0b", 3)));
    assert_false(dt_utf8_line(dt_view((const uint8_t *)"a\0b", 3)));
    assert_false(dt_utf8_line(dt_view_str("a\nb")));
    assert_true(dt_utf8_lines(dt_view_str("a\nb")));
    assert_false(dt_utf8_lines(dt_view_str("a\r\nb")));
    assert_false(dt_utf8_line(dt_view_str("\x7f")));
    assert_false(dt_utf8_line(dt_view_str("\xc2\x9f")));
    assert_true(dt_utf8_line(dt_view_str("\xc2\xa0")));
}

static void
splitting(void **state)
{
    struct dt_view rest = dt_view_str("a,,b,");
    struct dt_view part;

    (void)state;
    assert_true(dt_text_split(&rest, ',', &part));
    assert_true(dt_view_equal(part, dt_view_str("a")));
    assert_true(dt_text_split(&rest, ',', &part));
    assert_int_equal(part.n, 0);
    assert_true(dt_text_split(&rest, ',', &part));
    assert_true(dt_view_equal(part, dt_view_str("b")));
    assert_true(dt_text_split(&rest, ',', &part));
    assert_int_equal(part.n, 0);
    assert_false(dt_text_split(&rest, ',', &part));
}

/* Every day from 1970 to 2410 and the last ones of the range, against the C library's calendar. */
static void
calendar_agrees_with_libc(void **state)
{
    (void)state;
    for (uint64_t day = 0; day <= DT_TIME_MAX_MS / DT_MS_DAY; day += day < 161000 ? 1 : 997) {
        uint64_t ms = day * DT_MS_DAY + day % DT_MS_DAY / DT_MS_SECOND * DT_MS_SECOND;
        time_t t = (time_t)(ms / DT_MS_SECOND);
        struct tm tm;
        char want[64];
        char got[DT_TIME_STR];
        uint64_t back = 1;
        int year = 0, month = 0;

        assert_non_null(gmtime_r(&t, &tm));
        assert_true(strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
        dt_time_str(got, ms);
        assert_string_equal(got, want);
        assert_int_equal(dt_time_read(dt_view_str(got), &back), DT_OK);
        assert_true(back == ms);
        dt_date_str(got, ms);
        assert_int_equal(dt_date_read(dt_view_str(got), &back), DT_OK);
        assert_true(back == ms / DT_MS_DAY * DT_MS_DAY);
        dt_time_year_month(ms, &year, &month);
        assert_int_equal(year, tm.tm_year + 1900);
        assert_int_equal(month, tm.tm_mon + 1);
    }
}

static void
times(void **state)
{
    static const char *const malformed[] = {"",
                                            "2025-02-12T15:04:05",
                                            "2025-02-12t15:04:05Z",
                                            "2025-02-12T15:04:05z",
                                            "2025-02-12 15:04:05Z",
                                            "2025-02-12T15:04Z",
                                            "2025-02-12T15:04:05.5Z",
                                            "2025-02-12T15:04:05.000Z",
                                            "2025-02-12T15:04:05.1234Z",
                                            "2025-02-12T15:04:05+00:00",
                                            "2025-2-12T15:04:05Z",
                                            "2025-02-12T15:04:05ZZ",
                                            "x025-02-12T15:04:05Z"};
    static const char *const no_such[] = {"2025-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
                                          "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z",
                                          "2025-04-31T00:00:00Z", "2025-01-00T00:00:00Z",
                                          "2025-01-01T24:00:00Z", "2025-01-01T00:60:00Z",
                                          "2016-12-31T23:59:60Z", "1969-12-31T23:59:59Z"};
    char got[DT_TIME_STR];
    uint64_t ms = 7;

    (void)state;
    assert_int_equal(dt_time_read(dt_view_str("2025-02-12T15:04:05.123Z"), &ms), DT_OK);
    assert_true(ms == UINT64_C(1739372645123));
    dt_time_str(got, ms);
    assert_string_equal(got, "2025-02-12T15:04:05.123Z");
    dt_time_str(got, DT_TIME_MAX_MS);
    assert_string_equal(got, "9999-12-31T23:59:59.999Z");
    dt_time_str(got, UINT64_MAX);
    assert_string_equal(got, "9999-12-31T23:59:59.999Z");
    ms = 7;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        assert_int_equal(dt_time_read(dt_view_str(malformed[i]), &ms), DT_ERR_FORMAT);
    for (size_t i = 0; i < sizeof no_such / sizeof no_such[0]; i++)
        assert_int_equal(dt_time_read(dt_view_str(no_such[i]), &ms), DT_ERR_RANGE);
    assert_int_equal(dt_date_read(dt_view_str("2025-02-30"), &ms), DT_ERR_RANGE);
    assert_int_equal(dt_date_read(dt_view_str("2025-02-3"), &ms), DT_ERR_FORMAT);
    assert_int_equal(dt_date_read(dt_view_str("2025-02-03T"), &ms), DT_ERR_FORMAT);
    assert_true(ms == 7);
}

static void
durations(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"P14D", 14 * DT_MS_DAY},
                {"PT30M", 30 * DT_MS_MINUTE},
                {"P1DT12H", 36 * DT_MS_HOUR},
                {"P2W", 14 * DT_MS_DAY},
                {"PT0S", 0},
                {"P1DT2H3M4S", DT_MS_DAY + 2 * DT_MS_HOUR + 3 * DT_MS_MINUTE + 4 * DT_MS_SECOND}};
    static const char *const bad[] = {"",     "P",      "PT",    "P1",    "P1Y",     "P1M",
                                      "P1DT", "P1H",    "PT1D",  "P1D1D", "P1W1D",   "PT1M1H",
                                      "P01D", "P-1D",   "P1.5D", "p1D",   "PT1HT1M", "1D",
                                      "P1D ", "PT1S1S", "PD"};
    uint64_t ms = 7;
    char span[DT_TIME_STR];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(dt_duration_read(dt_view_str(bad[i]), &ms), DT_ERR_FORMAT);
        assert_true(ms == 7);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(dt_duration_read(dt_view_str(good[i].text), &ms), DT_OK);
        assert_true(ms == good[i].ms);
    }
    assert_int_equal(dt_duration_read(dt_view_str("P999999999999D"), &ms), DT_ERR_RANGE);
    assert_int_equal(dt_duration_read(dt_view_str("P99999999999999999999999999D"), &ms),
                     DT_ERR_RANGE);
    dt_span_str(span, 3 * DT_MS_HOUR + 12 * DT_MS_MINUTE);
    assert_string_equal(span, "3 h 12 min");
    dt_span_str(span, 641 * DT_MS_DAY + DT_MS_HOUR);
    assert_string_equal(span, "641 days");
    dt_span_str(span, 12 * DT_MS_SECOND);
    assert_string_equal(span, "12 s");
    dt_span_str(span, DT_MS_DAY);
    assert_string_equal(span, "1 day");
    dt_span_str(span, UINT64_MAX);
    assert_true(strlen(span) < DT_TIME_STR);
}

static uint64_t
fixed_now(void *ctx)
{
    return *(uint64_t *)ctx;
}

static void
clocks(void **state)
{
    uint64_t now = 42;
    struct dt_clock mine = {fixed_now, &now};
    struct dt_clock real = dt_clock_system();
    uint64_t before = dt_monotonic_ms();

    (void)state;
    assert_true(dt_clock_now(&mine) == 42);
    assert_true(dt_clock_now(&real) > UINT64_C(1700000000000));
    assert_true(dt_monotonic_ms() >= before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_all_bytes),
        cmocka_unit_test(hex_every_character),
        cmocka_unit_test(hex_refused),
        cmocka_unit_test(base64_rfc4648),
        cmocka_unit_test(base64_every_digit),
        cmocka_unit_test(base64_refused),
        cmocka_unit_test(base64_exact_room),
        cmocka_unit_test(decimals),
        cmocka_unit_test(utf8),
        cmocka_unit_test(splitting),
        cmocka_unit_test(calendar_agrees_with_libc),
        cmocka_unit_test(times),
        cmocka_unit_test(durations),
        cmocka_unit_test(clocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
