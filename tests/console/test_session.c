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

static bool
is_open(const char *token)
{
    return dt_console_session_is(&s, dt_view_str(token)) == DT_CONSOLE_OPEN;
}

static bool
is_locked(const char *token)
{
    return dt_console_session_is(&s, dt_view_str(token)) == DT_CONSOLE_LOCKED;
}

static void
a_key_opens_once(void **state)
{
    char key[33], token[65];

    (void)state;
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    assert_int_equal(strlen(key), 32);
    assert_int_equal(open_by(key, token), DT_OK);
    assert_true(is_open(token));
    assert_int_equal(open_by(key, token), DT_ERR_REFUSED);
    assert_true(is_open(token)); /* out is untouched on failure */
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
    assert_int_equal(dt_console_session_is(&s, dt_view(NULL, 0)), DT_CONSOLE_NONE);
    assert_int_equal(
        dt_console_session_is(
            &s, dt_view_str("0000000000000000000000000000000000000000000000000000000000000000")),
        DT_CONSOLE_NONE);
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    assert_int_equal(open_by(key, token), DT_OK);
    assert_int_equal(dt_console_session_is(&s, dt_view_str(key)), DT_CONSOLE_NONE);
    assert_int_equal(dt_console_session_is(&s, dt_view((const uint8_t *)token, 63)),
                     DT_CONSOLE_NONE);
    token[0] = token[0] == '0' ? '1' : '0';
    assert_int_equal(dt_console_session_is(&s, dt_view_str(token)), DT_CONSOLE_NONE);
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
    assert_int_equal(dt_console_session_is(&s, dt_view_str(one)), DT_CONSOLE_NONE);
    assert_true(is_open(two));
    assert_int_equal(dt_console_key_new(&s, more), DT_OK);
    dt_console_sessions_end(&s);
    assert_int_equal(dt_console_session_is(&s, dt_view_str(two)), DT_CONSOLE_NONE);
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
    assert_true(is_open(token));
    assert_true(dt_console_passphrase_was(&s, false));
    assert_int_equal(dt_console_session_is(&s, dt_view_str(token)), DT_CONSOLE_NONE);
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
    assert_int_equal(dt_console_key_add(&s, dt_view(NULL, 0), dt_view_str("0123"), 1000),
                     DT_ERR_FORMAT);
    assert_int_equal(dt_console_key_add(&s, dt_view(NULL, 0), dt_view_str(own), 0), DT_OK);
    assert_int_equal(open_by(own, token), DT_ERR_REFUSED); /* its time is over */
    assert_int_equal(dt_console_key_add(&s, dt_view(NULL, 0), dt_view_str(own), 20000), DT_OK);
    assert_int_equal(open_by(own, token), DT_OK);
    assert_int_equal(open_by(own, token), DT_ERR_REFUSED);
}

/* A locked one is no session but to be unlocked; its neighbour and other tokens are as they were.
 */
static void
locked(void **state)
{
    char key[33], one[65], two[65];

    (void)state;
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    assert_int_equal(open_by(key, one), DT_OK);
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    assert_int_equal(open_by(key, two), DT_OK);
    assert_false(dt_console_sessions_all_locked(&s));
    dt_console_session_lock(&s, dt_view_str(one), true);
    assert_true(is_locked(one));
    assert_true(is_open(two));
    assert_false(dt_console_sessions_all_locked(&s));
    dt_console_session_present(&s, dt_view_str(one)); /* opens nothing */
    assert_true(is_locked(one));
    dt_console_session_end(&s, dt_view_str(two));
    assert_true(dt_console_sessions_all_locked(&s));
    dt_console_session_lock(&s, dt_view_str(two), false); /* what is over stays so */
    assert_int_equal(dt_console_session_is(&s, dt_view_str(two)), DT_CONSOLE_NONE);
    dt_console_session_lock(&s, dt_view_str(one), false);
    assert_true(is_open(one));
    dt_console_session_lock(&s, dt_view_str(one), true);
    dt_console_sessions_end(&s);
    assert_int_equal(dt_console_session_is(&s, dt_view_str(one)), DT_CONSOLE_NONE);
    assert_true(dt_console_sessions_all_locked(&s));
}

/* To load a locked page again unlocks nothing, and no more does a key left by one that is over. */
static void
a_locked_pages_key(void **state)
{
    static const char own[] = "0123456789abcdef0123456789abcdef";
    char key[33], one[65], two[65];

    (void)state;
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    assert_int_equal(open_by(key, one), DT_OK);
    assert_int_equal(dt_console_key_add(&s, dt_view_str(one), dt_view_str(own), 20000), DT_OK);
    assert_int_equal(open_by(own, two), DT_OK);
    assert_true(is_open(two));
    dt_console_session_lock(&s, dt_view_str(one), true);
    assert_int_equal(dt_console_key_add(&s, dt_view_str(one), dt_view_str(own), 20000), DT_OK);
    assert_int_equal(open_by(own, two), DT_OK);
    assert_true(is_locked(two));
    dt_console_session_end(&s, dt_view_str(one));
    assert_int_equal(dt_console_key_add(&s, dt_view_str(one), dt_view_str(own), 20000), DT_OK);
    assert_int_equal(open_by(own, two), DT_OK);
    assert_true(is_locked(two));
    assert_int_equal(dt_console_key_new(&s, key), DT_OK); /* the next key is one like any other */
    assert_int_equal(open_by(key, two), DT_OK);
    assert_true(is_open(two));
}

/* What a page asks by itself does not keep it open; somebody who is there does. */
static void
nobody_there(void **state)
{
    char key[33], one[65];

    (void)state;
    s.lock_after_ms = 60000;
    assert_int_equal(dt_console_key_new(&s, key), DT_OK);
    assert_int_equal(open_by(key, one), DT_OK);
    s.open[0].present_ms -= 50000;
    assert_true(is_open(one));
    s.open[0].present_ms -= 20000;
    assert_true(is_locked(one));
    dt_console_session_present(&s, dt_view_str(one));
    assert_true(is_locked(one));
    dt_console_session_lock(&s, dt_view_str(one), false);
    assert_true(is_open(one));
    s.open[0].present_ms -= 50000;
    dt_console_session_present(&s, dt_view_str(one));
    s.open[0].present_ms -= 20000;
    assert_true(is_open(one));
    s.lock_after_ms = 0;
    s.open[0].present_ms -= 70000;
    assert_true(is_open(one));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_key_opens_once),   T(no_other_key),         T(no_other_token),  T(ended),
        T(wrong_passphrases),  T(the_oldest_gives_way), T(a_pages_own_key), T(locked),
        T(a_locked_pages_key), T(nobody_there)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
