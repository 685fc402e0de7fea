/*
 * tests/base/test_wire.c - the reader and the writer, and the bytes under them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/wire.h"

#define MAX (1u << 20)

/* RFC 9420 section 2.1.2: the shortest header, and the same length back. */
static void
varint_boundaries(void **state)
{
    static const struct {
        uint32_t x;
        size_t width;
    } cases[] = {{0, 1}, {1, 1}, {0x3f, 1}, {0x40, 2}, {0x3fff, 2}, {0x4000, 4}, {0x3fffffff, 4}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(MAX);
        struct dt_writer w = dt_writer_init(&b);
        struct dt_reader r;
        uint32_t x = 7;

        dt_write_varint(&w, cases[i].x);
        assert_int_equal(dt_writer_end(&w), DT_OK);
        assert_int_equal(b.n, cases[i].width);
        r = dt_reader_init(dt_buf_view(&b));
        assert_int_equal(dt_read_varint(&r, &x), DT_OK);
        assert_int_equal(x, cases[i].x);
        assert_int_equal(dt_read_end(&r), DT_OK);
        /* One byte short of any of them is an error, and leaves the output alone. */
        for (size_t n = 0; n < b.n; n++) {
            r = dt_reader_init(dt_view(b.p, n));
            x = 7;
            assert_int_equal(dt_read_varint(&r, &x), DT_ERR_FORMAT);
            assert_int_equal(x, 7);
        }
    }
}

static void
varint_too_large_to_write(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(MAX);
    struct dt_writer w = dt_writer_init(&b);

    (void)state;
    dt_write_varint(&w, 0x40000000u);
    assert_int_not_equal(dt_writer_end(&w), DT_OK);
    /* The first error sticks. */
    dt_write_u8(&w, 1);
    assert_int_not_equal(dt_writer_end(&w), DT_OK);
}

static void
varint_refused_forms(void **state)
{
    static const struct {
        uint8_t p[4];
        size_t n;
    } cases[] = {
        {{0x40, 0x00}, 2},             /* 0 in two bytes */
        {{0x40, 0x3f}, 2},             /* 63 in two bytes */
        {{0x80, 0x00, 0x00, 0x3f}, 4}, /* 63 in four bytes */
        {{0x80, 0x00, 0x3f, 0xff}, 4}, /* 16383 in four bytes */
        {{0xc0, 0x00, 0x00, 0x00}, 4}, /* prefix 11 */
        {{0xff, 0xff, 0xff, 0xff}, 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dt_reader r = dt_reader_init(dt_view(cases[i].p, cases[i].n));
        uint32_t x = 7;

        assert_int_equal(dt_read_varint(&r, &x), DT_ERR_FORMAT);
        assert_int_equal(x, 7);
    }
}

static void
integers_round_trip(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(MAX);
    static const uint8_t want[] = {0xab, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 1,
                                   2,    3,    4,    5,    6,    7,    8};
    struct dt_writer w = dt_writer_init(&b);
    struct dt_reader r;
    uint8_t a = 0;
    uint16_t c = 0;
    uint32_t d = 0;
    uint64_t e = 0;

    (void)state;
    dt_write_u8(&w, 0xab);
    dt_write_u16(&w, 0x1234);
    dt_write_u32(&w, 0xdeadbeef);
    dt_write_u64(&w, UINT64_C(0x0102030405060708));
    assert_int_equal(dt_writer_end(&w), DT_OK);
    assert_int_equal(b.n, sizeof want);
    assert_memory_equal(b.p, want, sizeof want);
    r = dt_reader_init(dt_buf_view(&b));
    assert_int_equal(dt_read_u8(&r, &a), DT_OK);
    assert_int_equal(dt_read_u16(&r, &c), DT_OK);
    assert_int_equal(dt_read_u32(&r, &d), DT_OK);
    assert_int_equal(dt_read_end(&r), DT_ERR_FORMAT); /* eight bytes are left */
    assert_int_equal(dt_read_u64(&r, &e), DT_OK);
    assert_int_equal(dt_read_end(&r), DT_OK);
    assert_int_equal(a, 0xab);
    assert_int_equal(c, 0x1234);
    assert_int_equal(d, 0xdeadbeef);
    assert_true(e == UINT64_C(0x0102030405060708));
    assert_int_equal(dt_read_u8(&r, &a), DT_ERR_FORMAT);
    assert_int_equal(a, 0xab);
}

static void
vectors_nest_at_all_widths(void **state)
{
    static const size_t sizes[] = {0, 1, 0x3d, 0x3e, 0x3f, 0x40, 0x3ffd, 0x3fff, 0x4000, 0x4001};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf fill = DT_BUF_INIT(MAX);
        struct dt_writer w = dt_writer_init(&b);
        struct dt_reader r;
        struct dt_reader sub;
        struct dt_view v;
        size_t outer;
        uint8_t tail = 0;

        assert_int_equal(dt_buf_reserve(&fill, sizes[i] + 1), DT_OK);
        memset(fill.p, 0x5a, sizes[i]);
        fill.n = sizes[i];
        outer = dt_write_vec_begin(&w);
        dt_write_vec(&w, dt_buf_view(&fill));
        dt_write_vec_end(&w, outer);
        dt_write_u8(&w, 0x77);
        assert_int_equal(dt_writer_end(&w), DT_OK);
        r = dt_reader_init(dt_buf_view(&b));
        assert_int_equal(dt_read_sub(&r, MAX, &sub), DT_OK);
        assert_int_equal(dt_read_vec(&sub, MAX, &v), DT_OK);
        assert_true(dt_view_equal(v, dt_buf_view(&fill)));
        assert_int_equal(dt_read_end(&sub), DT_OK);
        assert_int_equal(dt_read_u8(&r, &tail), DT_OK);
        assert_int_equal(tail, 0x77);
        assert_int_equal(dt_read_end(&r), DT_OK);
    }
}

static void
vector_maximum_and_truncation(void **state)
{
    static const uint8_t five[] = {5, 1, 2, 3, 4, 5};
    struct dt_reader r = dt_reader_init(dt_view_of(five));
    struct dt_view v = {NULL, 99};

    (void)state;
    assert_int_equal(dt_read_vec(&r, 4, &v), DT_ERR_LIMIT);
    assert_int_equal(v.n, 99);
    assert_int_equal(dt_read_vec(&r, 5, &v), DT_OK);
    assert_int_equal(v.n, 5);
    for (size_t n = 0; n < sizeof five; n++) {
        struct dt_reader sub;

        r = dt_reader_init(dt_view(five, n));
        assert_int_equal(dt_read_vec(&r, 100, &v), DT_ERR_FORMAT);
        r = dt_reader_init(dt_view(five, n));
        assert_int_equal(dt_read_sub(&r, 100, &sub), DT_ERR_FORMAT);
    }
}

/* The longest length that can be said, 2^30 - 1, with nothing behind it: too long for whoever takes
 * less, and cut off for who takes all. */
static void
vector_of_two_to_the_thirty(void **state)
{
    static const uint8_t said[] = {0xbf, 0xff, 0xff, 0xff, 1, 2, 3};
    struct dt_reader r;
    struct dt_reader sub;
    struct dt_view v = {NULL, 99};

    (void)state;
    r = dt_reader_init(dt_view_of(said));
    assert_int_equal(dt_read_vec(&r, 0x3ffffffe, &v), DT_ERR_LIMIT);
    r = dt_reader_init(dt_view_of(said));
    assert_int_equal(dt_read_vec(&r, SIZE_MAX, &v), DT_ERR_FORMAT);
    r = dt_reader_init(dt_view_of(said));
    assert_int_equal(dt_read_sub(&r, SIZE_MAX, &sub), DT_ERR_FORMAT);
    assert_int_equal(v.n, 99);
}

/* RFC 9420 section 2.1.1: presence octets are 0 or 1. */
static void
optional_octets(void **state)
{
    (void)state;
    for (unsigned int x = 0; x < 256; x++) {
        uint8_t byte = (uint8_t)x;
        struct dt_reader r = dt_reader_init(dt_view(&byte, 1));
        bool present = x == 0;

        assert_int_equal(dt_read_optional(&r, &present), x < 2 ? DT_OK : DT_ERR_FORMAT);
        if (x < 2)
            assert_int_equal(present, x == 1);
    }
}

static void
offsets_are_those_of_the_whole(void **state)
{
    static const uint8_t in[] = {0xaa, 3, 1, 2, 0xff};
    struct dt_reader r = dt_reader_init(dt_view_of(in));
    struct dt_reader sub;
    uint8_t x = 0;
    struct dt_view v;

    (void)state;
    assert_int_equal(dt_read_u8(&r, &x), DT_OK);
    assert_int_equal(dt_read_sub(&r, 10, &sub), DT_OK);
    assert_int_equal(sub.off, 2);
    assert_int_equal(dt_read_view(&sub, 4, &v), DT_ERR_FORMAT);
    assert_non_null(strstr(dt_err_message(), "byte 2"));
}

static void
buf_has_a_maximum(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(10);
    DT_CLEANUP(dt_buf_clear) struct dt_buf c = DT_BUF_INIT(100);

    (void)state;
    assert_int_equal(dt_buf_append(&b, dt_view_str("0123456789")), DT_OK);
    assert_int_equal(dt_buf_append(&b, dt_view_str("x")), DT_ERR_LIMIT);
    assert_int_equal(dt_buf_reserve(&b, SIZE_MAX), DT_ERR_LIMIT);
    assert_int_equal(b.n, 10);
    assert_int_equal(dt_buf_set(&b, dt_view_str("abc")), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&b), dt_view_str("abc")));
    assert_int_equal(dt_buf_printf(&c, "%s-%d", "n", 7), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&c), dt_view_str("n-7")));
    dt_buf_move(&c, &b);
    assert_int_equal(b.n, 0);
    assert_true(dt_view_equal(dt_buf_view(&c), dt_view_str("abc")));
    dt_buf_wipe(NULL);
    dt_buf_clear(NULL);
}

static void
views_compare(void **state)
{
    (void)state;
    assert_true(dt_view_cmp(dt_view_str("a"), dt_view_str("ab")) < 0);
    assert_true(dt_view_cmp(dt_view_str("b"), dt_view_str("ab")) > 0);
    assert_true(dt_view_cmp(dt_view_str(""), dt_view(NULL, 0)) == 0);
    assert_false(dt_view_equal(dt_view_str("a"), dt_view_str("b")));
    assert_false(dt_view_equal(dt_view_str("a"), dt_view_str("aa")));
}

static bool
count_down(void *ctx)
{
    int *n = ctx;

    return (*n)-- == 0;
}

/* Fail the first allocation, then the second, until the work is done. */
static void
memory_can_run_out(void **state)
{
    int n_failed = 0;

    (void)state;
    for (int at = 0;; at++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(MAX);
        struct dt_writer w = dt_writer_init(&b);
        int left = at;
        enum dt_err err;

        dt_mem_fault(count_down, &left);
        for (uint32_t i = 0; i < 1000; i++)
            dt_write_u32(&w, i);
        err = dt_writer_end(&w);
        dt_mem_fault(NULL, NULL);
        if (err == DT_OK)
            break;
        assert_int_equal(err, DT_ERR_NOMEM);
        n_failed++;
    }
    assert_true(n_failed >= 3);
}

static void
messages_grow_outwards(void **state)
{
    (void)state;
    assert_int_equal(dt_fail(DT_ERR_IO, "inner %d", 1), DT_ERR_IO);
    assert_int_equal(dt_fail_context(DT_ERR_IO, "outer"), DT_ERR_IO);
    assert_string_equal(dt_err_message(), "outer: inner 1");
    assert_non_null(strstr(dt_err_place(), "test_wire.c:"));
    dt_err_forget();
    assert_string_equal(dt_err_message(), "");
    for (int e = DT_OK; e <= DT_ERR_INTERNAL; e++)
        assert_string_not_equal(dt_err_name((enum dt_err)e), "unknown error");
    assert_string_equal(dt_err_name((enum dt_err)999), "unknown error");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varint_boundaries),
        cmocka_unit_test(varint_too_large_to_write),
        cmocka_unit_test(varint_refused_forms),
        cmocka_unit_test(integers_round_trip),
        cmocka_unit_test(vectors_nest_at_all_widths),
        cmocka_unit_test(vector_maximum_and_truncation),
        cmocka_unit_test(vector_of_two_to_the_thirty),
        cmocka_unit_test(optional_octets),
        cmocka_unit_test(offsets_are_those_of_the_whole),
        cmocka_unit_test(buf_has_a_maximum),
        cmocka_unit_test(views_compare),
        cmocka_unit_test(memory_can_run_out),
        cmocka_unit_test(messages_grow_outwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
