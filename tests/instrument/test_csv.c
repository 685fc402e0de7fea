/*
 * tests/instrument/test_csv.c - RFC 4180 tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "instrument/csv.h"

static struct dt_view
str(const char *s)
{
    return dt_view_str(s);
}

static void
test_good(void **state)
{
    struct dt_csv t = {0};
    size_t column = 9;

    (void)state;
    assert_int_equal(dt_csv_read(str("a,b,c\r\n1,\"two, \"\"2\"\"\",\n\"x\ny\",,\"\"\n"), &t),
                     DT_OK);
    assert_int_equal(t.n_rows, 3);
    assert_int_equal(t.n_columns, 3);
    assert_true(dt_view_equal(dt_csv_cell(&t, 1, 1), str("two, \"2\"")));
    assert_true(dt_view_equal(dt_csv_cell(&t, 2, 0), str("x\ny")));
    assert_int_equal(dt_csv_cell(&t, 1, 2).n, 0);
    assert_int_equal(dt_csv_cell(&t, 3, 0).n, 0);
    assert_int_equal(dt_csv_column(&t, "c", &column), DT_OK);
    assert_int_equal(column, 2);
    assert_int_equal(dt_csv_column(&t, "d", &column), DT_ERR_NOT_FOUND);
    dt_csv_clear(&t);
    assert_int_equal(dt_csv_read(str("\xef\xbb\xbf"
                                     "a\n1"),
                                 &t),
                     DT_OK); /* a mark, and no last line feed */
    assert_true(dt_view_equal(dt_csv_cell(&t, 0, 0), str("a")));
    assert_int_equal(t.n_rows, 2);
    dt_csv_clear(&t);
}

static void
test_refused(void **state)
{
    static const char *const bad[] = {"",       "a,b\n1\n",    "a,b\n1,2,3\n",
                                      "a\n\"1", "a\n\"1\"x\n", "a\n1\"2\n",
                                      "a\rb\n", "a\n\xff\n",   "a\n1\r"};
    struct dt_csv t = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (dt_csv_read(str(bad[i]), &t) != DT_ERR_FORMAT)
            fail_msg("case %zu", i);
    assert_int_equal(dt_csv_read(str("a,b\n1,2\n3\n"), &t), DT_ERR_FORMAT);
    assert_non_null(strstr(dt_err_message(), "line 3"));
}

static void
test_limits(void **state)
{
    struct dt_buf b = DT_BUF_INIT(DT_CSV_FILE_MAX + 16);
    struct dt_csv t = {0};

    (void)state;
    for (size_t i = 0; i <= DT_CSV_COLUMNS; i++)
        assert_int_equal(dt_buf_append(&b, str("a,")), DT_OK);
    assert_int_equal(dt_csv_read(dt_buf_view(&b), &t), DT_ERR_LIMIT);
    b.n = 0;
    for (size_t i = 0; i <= DT_CSV_ROWS; i++)
        assert_int_equal(dt_buf_append(&b, str("a\n")), DT_OK);
    assert_int_equal(dt_csv_read(dt_buf_view(&b), &t), DT_ERR_LIMIT);
    b.n -= 2;
    assert_int_equal(dt_csv_read(dt_buf_view(&b), &t), DT_OK);
    dt_csv_clear(&t);
    b.n = 0;
    for (size_t i = 0; i <= DT_CSV_FIELD; i++)
        assert_int_equal(dt_buf_append(&b, str("x")), DT_OK);
    assert_int_equal(dt_csv_read(dt_buf_view(&b), &t), DT_ERR_LIMIT);
    dt_buf_clear(&b);
}

static void
test_put(void **state)
{
    struct dt_buf b = DT_BUF_INIT(64);

    (void)state;
    assert_int_equal(dt_csv_put(&b, str("plain")), DT_OK);
    assert_int_equal(dt_csv_put(&b, str("a,\"b\"\n")), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&b), str("plain\"a,\"\"b\"\"\n\"")));
    b.n = 0;
    assert_int_equal(dt_csv_put(&b, str("\xef\xbb\xbf")), DT_OK); /* no byte order mark */
    assert_true(dt_view_equal(dt_buf_view(&b), str("\"\xef\xbb\xbf\"")));
    dt_buf_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
