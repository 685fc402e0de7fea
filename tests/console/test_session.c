/*
 * tests/console/test_session.c - one-time keys, tokens, and what ends them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "console/session.h"

static struct dt_console_sessions s;

static int
begin(void **state)
{
    (void)state;
    dt_console_sessions_init(&s);
    return dt_crypto_init() == DT_OK ? 0 : -1;
}

static int
end(void **state)
{
    (void)state;
    dt_console_sessions_clear(&s);
    return 0;
}

static enum dt_err
open_by(const char *key, char token[static 65])
{
    return dt_console_session_begin(&s, dt_view_str(key), token);
}

static void
a_key_opens_once(void **state)
{
    char key[33], token[65];

    (void)state;
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    assert_int_equal(strlen(key), 32);
    assert_int_equal(open_by(key, token), DT_OK);
    assert_true(dt_console_session_is(&s, dt_view_str(token)));
    assert_int_equal(open_by(key, token), DT_ERR_REFUSED);
    assert_true(dt_console_session_is(&s, dt_view_str(token))); /* out is untouched on failure */
}

static void
no_other_key(void **state)
{
    static const char *const keys[] = {"", "00", "00000000000000000000000000000000",
                                       ("0000000000000000000000000000000000000000000000000000000000"
                                        "000000"),
                                       "zz000000000000000000000000000000"};
    char key[33], token[65];

    (void)state;
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_int_equal(open_by(keys[i], token), DT_ERR_REFUSED);
    key[31] = key[31] == '0' ? '1' : '0';
    assert_int_equal(open_by(key, token), DT_ERR_REFUSED);
}

static void
no_other_token(void **state)
{
    char key[33], token[65];

    (void)state;
    assert_false(dt_console_session_is(&s, dt_view(NULL, 0)));
    assert_false(dt_console_session_is(
        &s, dt_view_str("0000000000000000000000000000000000000000000000000000000000000000")));
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    assert_int_equal(open_by(key, token), DT_OK);
    assert_false(dt_console_session_is(&s, dt_view_str(key)));
    assert_false(dt_console_session_is(&s, dt_view((const uint8_t *)token, 63)));
    token[0] = token[0] == '0' ? '1' : '0';
    assert_false(dt_console_session_is(&s, dt_view_str(token)));
}

static void
ended(void **state)
{
    char key[33], one[65], two[65], more[33];

    (void)state;
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    assert_int_equal(open_by(key, one), DT_OK);
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    assert_int_equal(open_by(key, two), DT_OK);
    dt_console_session_end(&s, dt_view_str(one));
    assert_false(dt_console_session_is(&s, dt_view_str(one)));
    assert_true(dt_console_session_is(&s, dt_view_str(two)));
    assert_int_equal(dt_console_key_new(&s, more), DT_OK);
    dt_console_sessions_end(&s);
    assert_false(dt_console_session_is(&s, dt_view_str(two)));
    assert_int_equal(open_by(more, one), DT_ERR_REFUSED);
}

/* Five in a row end everything; a right one between begins the count anew. */
static void
wrong_passphrases(void **state)
{
    char key[33], token[65];

    (void)state;
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    assert_int_equal(open_by(key, token), DT_OK);
    for (int i = 0; i < 4; i++)
        assert_false(dt_console_passphrase_was(&s, false));
    assert_false(dt_console_passphrase_was(&s, true));
    for (int i = 0; i < 4; i++)
        assert_false(dt_console_passphrase_was(&s, false));
    assert_true(dt_console_session_is(&s, dt_view_str(token)));
    assert_true(dt_console_passphrase_was(&s, false));
    assert_false(dt_console_session_is(&s, dt_view_str(token)));
}

static void
the_oldest_gives_way(void **state)
{
    char key[DT_CONSOLE_KEYS + 1][33], token[65];

    (void)state;
    for (size_t i = 0; i <= DT_CONSOLE_KEYS; i++)
        assert_int_equal(dt_console_key_new(&s, key[i]), DT_OK);
    assert_int_equal(open_by(key[DT_CONSOLE_KEYS], token), DT_OK);
    assert_int_equal(open_by(key[1], token), DT_OK);
}

/* A page's own key: of its time, once, and no shorter than ours. */
static void
a_pages_own_key(void **state)
{
    static const char own[] = "0123456789abcdef0123456789abcdef";
    char token[65];

    (void)state;
    assert_int_equal(dt_console_key_add(&s, dt_view_str("0123"), 1000), DT_ERR_FORMAT);
    assert_int_equal(dt_console_key_add(&s, dt_view_str(own), 0), DT_OK);
    assert_int_equal(open_by(own, token), DT_ERR_REFUSED); /* its time is over */
    assert_int_equal(dt_console_key_add(&s, dt_view_str(own), 20000), DT_OK);
    assert_int_equal(open_by(own, token), DT_OK);
    assert_int_equal(open_by(own, token), DT_ERR_REFUSED);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_key_opens_once),  T(no_other_key),         T(no_other_token), T(ended),
        T(wrong_passphrases), T(the_oldest_gives_way), T(a_pages_own_key)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
