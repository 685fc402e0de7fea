/*
 * tests/console/test_call.c - a call's JSON: what is read of it, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "console/call.h"

static enum dt_err
parse(const char *text, struct dt_console_call *call)
{
    return dt_console_call_parse(dt_view_str(text), call);
}

static void
all_of_it(void **state)
{
    struct dt_console_call *call = calloc(1, sizeof *call);

    (void)state;
    assert_non_null(call);
    assert_int_equal(
        parse("{\"command\":\"record\",\"id\":\"000102030405060708090a0b0c0d0e0f\","
              "\"operands\":[\"contact\",{\"upload\":\"ffeeddccbbaa99887766554433221100\"}],"
              "\"options\":{\"set\":[\"a=1\",\"b=2\"],\"yes\":true,\"quiet\":false,\"draft\":null,"
              "\"out\":{\"download\":\"Protokoll f\\u00fcr alle.dtp\"}},\"passphrase\":\"pass\"}",
              call),
        DT_OK);
    assert_string_equal(call->command, "record");
    assert_true(call->has_id);
    assert_int_equal(call->id[15], 15);
    assert_int_equal(call->n_operands, 2);
    assert_string_equal(call->operands[0].text, "contact");
    assert_int_equal(call->operands[1].kind, DT_CONSOLE_UPLOAD);
    assert_int_equal(call->operands[1].id[0], 0xff);
    assert_int_equal(call->n_options, 4);
    assert_string_equal(call->options[0].name, "set");
    assert_string_equal(call->options[1].text, "b=2");
    assert_string_equal(call->options[2].name, "yes");
    assert_string_equal(call->options[2].text, "");
    assert_int_equal(call->options[3].kind, DT_CONSOLE_DOWNLOAD);
    assert_string_equal(call->options[3].file, "Protokoll f\xc3\xbcr alle.dtp");
    assert_true(dt_view_equal(dt_secret_view(&call->passphrase), dt_view_str("pass")));
    dt_console_call_clear(call);
    assert_int_equal(call->n_options, 0);
    free(call);
}

static void
refused(void **state)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "{}",
        "{\"command\":1}",
        "{\"command\":\"\"}",
        "{\"command\":\"Send\"}",
        "{\"command\":\"send;rm\"}",
        "{\"command\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
        "{\"command\":\"send\",\"command\":\"read\"}",
        "{\"command\":\"send\",\"extra\":1}",
        "{\"command\":\"send\",\"operands\":{}}",
        "{\"command\":\"send\",\"operands\":[1]}",
        "{\"command\":\"send\",\"operands\":[true]}",
        "{\"command\":\"send\",\"operands\":[\"a\\u0000b\"]}",
        "{\"command\":\"send\",\"options\":[]}",
        "{\"command\":\"send\",\"options\":{\"--x\":1}}",
        "{\"command\":\"send\",\"options\":{\"X\":\"\"}}",
        "{\"command\":\"send\",\"options\":{\"\":\"\"}}",
        "{\"command\":\"send\",\"options\":{\"x\":[[\"a\"]]}}",
        "{\"command\":\"send\",\"options\":{\"x\":{\"upload\":\"../../etc/passwd\"}}}",
        "{\"command\":\"send\",\"options\":{\"x\":{\"download\":\"../x\"}}}",
        "{\"command\":\"send\",\"options\":{\"x\":{\"download\":\"..\"}}}",
        "{\"command\":\"send\",\"options\":{\"x\":{\"download\":\"\"}}}",
        "{\"command\":\"send\",\"options\":{\"x\":{\"download\":\"a\\nb\"}}}",
        "{\"command\":\"send\",\"options\":{\"x\":{\"upload\":\"00\",\"download\":\"x\"}}}",
        "{\"command\":\"send\",\"options\":{\"x\":{}}}",
        "{\"command\":\"send\",\"id\":\"00\"}",
        "{\"command\":\"send\",\"id\":7}",
        "{\"command\":\"send\",\"passphrase\":\"\"}",
        "{\"command\":\"send\",\"passphrase\":[]}",
        "{\"command\":\"send\"} x",
    };
    struct dt_console_call *call = calloc(1, sizeof *call);

    (void)state;
    assert_non_null(call);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(parse(bodies[i], call), DT_ERR_FORMAT);
        assert_int_equal(call->n_operands, 0); /* and nothing is left in it */
        assert_int_equal(call->n_options, 0);
        assert_null(call->options[0].text);
    }
    free(call);
}

static void
too_many(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8192);
    struct dt_console_call *call = calloc(1, sizeof *call);

    (void)state;
    assert_non_null(call);
    for (size_t n = DT_CONSOLE_OPTIONS; n <= DT_CONSOLE_OPTIONS + 1; n++) {
        for (int options = 0; options < 2; options++) {
            dt_buf_clear(&b);
            assert_int_equal(dt_buf_printf(&b, "{\"command\":\"x\",%s[\"\"",
                                           options ? "\"options\":{\"x\":" : "\"operands\":"),
                             DT_OK);
            for (size_t i = 1; i < n; i++)
                assert_int_equal(dt_buf_printf(&b, ",\"\""), DT_OK);
            assert_int_equal(dt_buf_printf(&b, "]%s}", options ? "}" : ""), DT_OK);
            assert_int_equal(dt_console_call_parse(dt_buf_view(&b), call),
                             n > DT_CONSOLE_OPTIONS ? DT_ERR_LIMIT : DT_OK);
            dt_console_call_clear(call);
        }
    }
    free(call);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_of_it), cmocka_unit_test(refused),
                                       cmocka_unit_test(too_many)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
