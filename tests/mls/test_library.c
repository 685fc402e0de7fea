/*
 * tests/mls/test_library.c - what libmls offers besides groups: suites and signature keys.
 *
 * RFC 9420 sections 5.1 and 17.1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/suite.h"
#include "mls/library.h"

static void
every_suite_makes_keys_that_sign(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 7; id++) {
        DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf pub = DT_BUF_INIT(256);
        DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(256);
        DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(256);
        const struct dt_suite *suite = dt_suite_get(id);
        struct mls_suite_info info;

        assert_true(mls_suite_info(id, &info));
        assert_int_equal(info.id, id);
        assert_int_equal(info.malleable, id == 2 || id == 5 || id == 7);
        assert_int_equal(mls_signature_key_new(id, &priv, &pub), DT_OK);
        assert_int_equal(priv.n, info.signature_priv_len);
        assert_int_equal(pub.n, info.signature_pub_len);
        assert_int_equal(mls_signature_key_pub(id, dt_secret_view(&priv), &again), DT_OK);
        assert_true(dt_view_equal(dt_buf_view(&pub), dt_buf_view(&again)));
        assert_int_equal(dt_suite_sign(suite, dt_secret_view(&priv), dt_view_str("x"), &sig),
                         DT_OK);
        assert_int_equal(
            dt_suite_verify(suite, dt_buf_view(&pub), dt_view_str("x"), dt_buf_view(&sig)), DT_OK);
    }
}

static void
a_suite_that_is_not_known(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf pub = DT_BUF_INIT(256);
    struct mls_suite_info info;

    (void)state;
    assert_false(mls_suite_info(0, &info));
    assert_false(mls_suite_info(0x0a0a, &info)); /* a GREASE value */
    assert_int_equal(mls_signature_key_new(8, &priv, &pub), DT_ERR_UNSUPPORTED);
    assert_int_equal(mls_signature_key_pub(8, dt_view_str("x"), &pub), DT_ERR_UNSUPPORTED);
    assert_null(priv.p);
    assert_int_equal(pub.n, 0);
}

/* Nothing is given when it does not fit, and no key of a wrong length is taken. */
static void
no_room_and_no_key(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf small = DT_BUF_INIT(31);
    DT_CLEANUP(dt_buf_clear) struct dt_buf pub = DT_BUF_INIT(256);

    (void)state;
    assert_int_equal(mls_signature_key_new(1, &priv, &small), DT_ERR_LIMIT);
    assert_null(priv.p);
    assert_int_equal(mls_signature_key_pub(1, dt_view_str("short"), &pub), DT_ERR_RANGE);
    assert_int_equal(pub.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite_makes_keys_that_sign),
        cmocka_unit_test(a_suite_that_is_not_known),
        cmocka_unit_test(no_room_and_no_key),
    };

    if (mls_init() != DT_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
