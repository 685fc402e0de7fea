/*
 * tests/net/test_trouble.c - what a relay says of its witnesses: read, and refused when it is not
 * of that form; nothing in it can grow without bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/trouble.h"

#define HEAD "{\"format\": 1, \"held\": 3, \"groups\": [], \"witnesses\": ["
#define ONE  "{\"key_id\": \"1a2b3c4d\", \"trouble\": "
#define TAIL "]}"

static enum dt_err
read_text(const char *text, struct dt_relay_troubles *out)
{
    return dt_relay_troubles_read(dt_view_str(text), out);
}

static void
words(void **state)
{
    struct dt_relay_troubles t = {.n = 0};

    (void)state;
    assert_int_equal(read_text(HEAD TAIL, &t), DT_OK);
    assert_int_equal(t.n, 0);
    assert_int_equal(
        read_text(HEAD ONE "null}," ONE
                           "{\"what\": \"refuses\", \"status\": 422, \"since\": 1800000000}}," ONE
                           "{\"what\": \"sleeps\", \"status\": 0, \"since\": 5, \"more\": 1}}" TAIL,
                  &t),
        DT_OK);
    assert_int_equal(t.n, 2);
    assert_int_equal(t.v[0].key_id, 0x1a2b3c4d);
    assert_int_equal(t.v[0].what, DT_TROUBLE_REFUSES);
    assert_int_equal(t.v[0].status, 422);
    assert_int_equal(t.v[0].since_s, 1800000000);
    /* A word of a later version is no error, and is not handed on. */
    assert_int_equal(t.v[1].what, DT_TROUBLE_OTHER);
    assert_string_equal(dt_trouble_name(t.v[1].what), "other");
}

static void
refused(void **state)
{
    static const struct {
        const char *text;
        enum dt_err err;
    } bad[] = {
        {"", DT_ERR_FORMAT},
        {"<html>not found</html>", DT_ERR_FORMAT},
        {"[]", DT_ERR_FORMAT},
        {"{\"format\": 1}", DT_ERR_FORMAT},
        {"{\"format\": 2, \"witnesses\": []}", DT_ERR_UNSUPPORTED},
        {"{\"witnesses\": []}", DT_ERR_FORMAT},
        {HEAD "1" TAIL, DT_ERR_FORMAT},
        {HEAD "{\"trouble\": null}" TAIL, DT_ERR_FORMAT},
        {HEAD "{\"key_id\": \"1a2b3c\", \"trouble\": null}" TAIL, DT_ERR_FORMAT},
        {HEAD "{\"key_id\": \"1a2b3c4d\"}" TAIL, DT_ERR_FORMAT},
        {HEAD ONE "1}" TAIL, DT_ERR_FORMAT},
        {HEAD ONE "{}}" TAIL, DT_ERR_FORMAT},
        {HEAD ONE "{\"what\": \"ahead\", \"status\": 1000, \"since\": 1}}" TAIL, DT_ERR_FORMAT},
        {HEAD ONE "{\"what\": \"ahead\", \"status\": -1, \"since\": 1}}" TAIL, DT_ERR_FORMAT},
        {HEAD ONE "{\"what\": \"ahead\", \"status\": 409, \"since\": 999999999999}}" TAIL,
         DT_ERR_FORMAT},
        {HEAD ONE "{\"what\": \"ahead\", \"status\": 409}}" TAIL, DT_ERR_FORMAT},
        {HEAD ONE "{\"what\": \"ahead\", \"status\": 409, \"since\": 1, \"x\": [0]}}" TAIL,
         DT_ERR_FORMAT},
        {HEAD ONE "null}" TAIL "}", DT_ERR_FORMAT},
    };
    struct dt_relay_troubles t = {.n = 7};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(read_text(bad[i].text, &t), bad[i].err);
        assert_int_equal(t.n, 7);
    }
}

static void
bounds(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_TROUBLES_ANSWER + 1);
    struct dt_relay_troubles t = {.n = 0};

    (void)state;
    for (size_t n = DT_TROUBLES_MAX; n <= DT_TROUBLES_MAX + 1; n++) {
        b.n = 0;
        assert_int_equal(dt_buf_printf(&b, HEAD), DT_OK);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(dt_buf_printf(&b,
                                           "%s" ONE "{\"what\": \"ahead\", \"status\": 409, "
                                           "\"since\": %zu}}",
                                           i == 0 ? "" : ",", i),
                             DT_OK);
        assert_int_equal(dt_buf_printf(&b, TAIL), DT_OK);
        assert_int_equal(dt_relay_troubles_read(dt_buf_view(&b), &t),
                         n == DT_TROUBLES_MAX ? DT_OK : DT_ERR_LIMIT);
        assert_int_equal(t.n, DT_TROUBLES_MAX);
    }
    /* A tower of brackets never reaches the parser, which would climb it. */
    b.n = 0;
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(dt_buf_append(&b, dt_view_str("[")), DT_OK);
    assert_int_equal(dt_relay_troubles_read(dt_buf_view(&b), &t), DT_ERR_FORMAT);
    assert_non_null(strstr(dt_err_message(), "deeper"));
    b.n = 0;
    while (b.n <= DT_TROUBLES_ANSWER)
        assert_int_equal(dt_buf_append(&b, dt_view_str(" ")), DT_OK);
    assert_int_equal(dt_relay_troubles_read(dt_buf_view(&b), &t), DT_ERR_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(refused),
        cmocka_unit_test(bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
