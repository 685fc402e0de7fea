/*
 * tests/net/test_relay_wire.c - the bodies of docs/protocol-relay.md: round trips and refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/relay_wire.h"

#define VIEW(b) dt_buf_view(&(b))

static void
cell_sizes(void **state)
{
    static const size_t good[] = {512,  1024,  1536,  2048,  2560,   3072,   3584,  4096,
                                  8192, 16384, 32768, 65536, 131072, 262144, 524288};
    size_t n_good = 0;

    (void)state;
    for (size_t n = 0; n <= DT_CELL_MAX + 512; n++)
        n_good += dt_cell_size_ok(n);
    assert_int_equal(n_good, sizeof(good) / sizeof(good[0]));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(dt_cell_size_ok(good[i]));
        assert_int_equal(dt_cell_size_for(good[i]), good[i]);
        assert_int_equal(dt_cell_size_for(good[i] - 1), good[i]);
    }
    assert_int_equal(dt_cell_size_for(0), 0);
    assert_int_equal(dt_cell_size_for(DT_CELL_MAX + 1), 0);
    assert_int_equal(dt_cell_size_for(4097), 8192);
}

static void
create_round_trip(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1024);
    struct dt_wire_create x, y;

    (void)state;
    memset(&x, 7, sizeof(x));
    assert_int_equal(dt_wire_create_encode(&x, &b), DT_OK);
    assert_int_equal(b.n, 96);
    assert_int_equal(dt_wire_create_decode(VIEW(b), &y), DT_OK);
    assert_memory_equal(&x, &y, sizeof(x));
    assert_int_equal(dt_wire_create_decode(dt_view(b.p, 95), &y), DT_ERR_FORMAT);
    assert_int_equal(dt_buf_append(&b, dt_view_str("x")), DT_OK);
    assert_int_equal(dt_wire_create_decode(VIEW(b), &y), DT_ERR_FORMAT);
}

static void
append_round_trip(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    static uint8_t cell[DT_CELL_MAX + 512];
    struct dt_wire_append x = {.append_id = {1}, .cell = {cell, 1024}}, y;

    (void)state;
    assert_int_equal(dt_wire_append_encode(&x, &b), DT_OK);
    assert_int_equal(b.n, 16 + 2 + 1024);
    assert_int_equal(dt_wire_append_decode(VIEW(b), &y), DT_OK);
    assert_int_equal(y.cell.n, 1024);
    assert_memory_equal(x.append_id, y.append_id, 16);
    for (size_t n = 0; n < b.n; n += 37)
        assert_int_not_equal(dt_wire_append_decode(dt_view(b.p, n), &y), DT_OK);

    dt_buf_clear(&b);
    x.cell.n = 1000; /* no legal size */
    assert_int_equal(dt_wire_append_encode(&x, &b), DT_OK);
    assert_int_equal(dt_wire_append_decode(VIEW(b), &y), DT_ERR_FORMAT);
    dt_buf_clear(&b);
    x.cell.n = DT_CELL_MAX + 512;
    assert_int_equal(dt_wire_append_encode(&x, &b), DT_OK);
    assert_int_equal(dt_wire_append_decode(VIEW(b), &y), DT_ERR_LIMIT);
}

static void
appends_round_trip(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    static struct dt_wire_append x[DT_RELAY_APPEND_MAX + 1], y[DT_RELAY_APPEND_MAX];
    static uint8_t cell[1024];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < DT_RELAY_APPEND_MAX + 1; i++) {
        x[i].append_id[0] = (uint8_t)i;
        x[i].cell = dt_view(cell, i % 2 == 0 ? 512 : 1024);
    }
    assert_int_equal(dt_wire_appends_encode(x, 3, &b), DT_OK);
    assert_int_equal(b.n, 2 + 3 * 18 + 2048);
    assert_int_equal(dt_wire_appends_decode(VIEW(b), y, &n), DT_OK);
    assert_int_equal(n, 3);
    assert_int_equal(y[1].append_id[0], 1);
    assert_int_equal(y[1].cell.n, 1024);
    for (size_t k = 0; k < b.n; k += 37)
        assert_int_not_equal(dt_wire_appends_decode(dt_view(b.p, k), y, &n), DT_OK);

    dt_buf_clear(&b);
    assert_int_equal(dt_wire_appends_encode(x, DT_RELAY_APPEND_MAX, &b), DT_OK);
    assert_int_equal(dt_wire_appends_decode(VIEW(b), y, &n), DT_OK);
    assert_int_equal(n, DT_RELAY_APPEND_MAX);
    dt_buf_clear(&b);
    assert_int_equal(dt_wire_appends_encode(x, DT_RELAY_APPEND_MAX + 1, &b), DT_OK);
    assert_int_equal(dt_wire_appends_decode(VIEW(b), y, &n), DT_ERR_LIMIT);
    dt_buf_clear(&b);
    assert_int_equal(dt_wire_appends_encode(x, 0, &b), DT_OK);
    assert_int_equal(dt_wire_appends_decode(VIEW(b), y, &n), DT_ERR_FORMAT);
    dt_buf_clear(&b);
    x[1].cell.n = 1000;
    assert_int_equal(dt_wire_appends_encode(x, 2, &b), DT_OK);
    assert_int_equal(dt_wire_appends_decode(VIEW(b), y, &n), DT_ERR_FORMAT);
}

static void
results_round_trip(void **state)
{
    static const struct dt_wire_result bad[] = {{200, 0}, {409, 1}, {399, 0}, {600, 0}, {201, 3}};
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 16);
    static struct dt_wire_result x[DT_RELAY_APPEND_MAX + 1], y[DT_RELAY_APPEND_MAX];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < DT_RELAY_APPEND_MAX + 1; i++)
        x[i] = (struct dt_wire_result){200, i + 1};
    x[2] = (struct dt_wire_result){507, 0};
    assert_int_equal(dt_wire_results_encode(x, 3, &b), DT_OK);
    assert_int_equal(b.n, 31);
    assert_int_equal(dt_wire_results_decode(VIEW(b), y, &n), DT_OK);
    assert_int_equal(n, 3);
    assert_int_equal(y[1].position, 2);
    assert_int_equal(y[2].status, 507);
    assert_int_not_equal(dt_wire_results_decode(dt_view(b.p, b.n - 1), y, &n), DT_OK);
    dt_buf_clear(&b);
    assert_int_equal(dt_wire_results_encode(x, DT_RELAY_APPEND_MAX + 1, &b), DT_OK);
    assert_int_equal(dt_wire_results_decode(VIEW(b), y, &n), DT_ERR_LIMIT);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        dt_buf_clear(&b);
        assert_int_equal(dt_wire_results_encode(&bad[i], 1, &b), DT_OK);
        assert_int_equal(dt_wire_results_decode(VIEW(b), y, &n), DT_ERR_FORMAT);
    }
}

static void
items_in_order(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    static uint8_t cell[512];
    struct dt_wire_item in[3], out;
    struct dt_wire_items walk;
    uint64_t last = 0;
    bool more = true;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        memset(&in[i], (int)i, sizeof(in[i]));
        in[i].position = 5 + i;
        in[i].cell = dt_view_of(cell);
    }
    assert_int_equal(dt_wire_items_encode(9, in, 3, &b), DT_OK);
    assert_int_equal(dt_wire_items_begin(VIEW(b), &last, &walk), DT_OK);
    assert_int_equal(last, 9);
    for (;;) {
        assert_int_equal(dt_wire_items_next(&walk, &out, &more), DT_OK);
        if (!more)
            break;
        assert_int_equal(out.position, 5 + n);
        n++;
    }
    assert_int_equal(n, 3);

    dt_buf_clear(&b); /* a gap */
    in[2].position = 8;
    assert_int_equal(dt_wire_items_encode(9, in, 3, &b), DT_OK);
    assert_int_equal(dt_wire_items_begin(VIEW(b), &last, &walk), DT_OK);
    assert_int_equal(dt_wire_items_next(&walk, &out, &more), DT_OK);
    assert_int_equal(dt_wire_items_next(&walk, &out, &more), DT_OK);
    assert_int_equal(dt_wire_items_next(&walk, &out, &more), DT_ERR_FORMAT);

    dt_buf_clear(&b); /* past the last position that it states */
    in[0].position = 10;
    assert_int_equal(dt_wire_items_encode(9, in, 1, &b), DT_OK);
    assert_int_equal(dt_wire_items_begin(VIEW(b), &last, &walk), DT_OK);
    assert_int_equal(dt_wire_items_next(&walk, &out, &more), DT_ERR_FORMAT);
}

static void
poll_and_news(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 16);
    struct dt_wire_poll x[DT_RELAY_POLL_MAX + 1], y[DT_RELAY_POLL_MAX];
    struct dt_wire_news p[DT_RELAY_POLL_MAX], q[DT_RELAY_POLL_MAX];
    size_t n = 0;

    (void)state;
    memset(x, 3, sizeof(x));
    memset(p, 4, sizeof(p));
    assert_int_equal(dt_wire_poll_encode(x, DT_RELAY_POLL_MAX, &b), DT_OK);
    assert_int_equal(dt_wire_poll_decode(VIEW(b), y, &n), DT_OK);
    assert_int_equal(n, DT_RELAY_POLL_MAX);
    assert_memory_equal(x[63].address, y[63].address, 32);
    assert_int_equal(x[63].after, y[63].after);
    assert_int_equal(dt_wire_poll_decode(dt_view(b.p, b.n - 1), y, &n), DT_ERR_FORMAT);
    dt_buf_clear(&b);
    assert_int_equal(dt_wire_poll_encode(x, DT_RELAY_POLL_MAX + 1, &b), DT_OK);
    assert_int_equal(dt_wire_poll_decode(VIEW(b), y, &n), DT_ERR_LIMIT);
    dt_buf_clear(&b);
    assert_int_equal(dt_wire_poll_encode(x, 0, &b), DT_OK);
    assert_int_equal(dt_wire_poll_decode(VIEW(b), y, &n), DT_ERR_FORMAT);

    dt_buf_clear(&b);
    assert_int_equal(dt_wire_news_encode(p, 2, &b), DT_OK);
    assert_int_equal(dt_wire_news_decode(VIEW(b), q, &n), DT_OK);
    assert_int_equal(n, 2);
    assert_memory_equal(p, q, 2 * sizeof(p[0]));
}

static void
entries(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64);
    uint8_t seal[32] = {9, 8}, out[32] = {0};

    (void)state;
    assert_int_equal(dt_wire_entry_encode(seal, &b), DT_OK);
    assert_int_equal(b.n, DT_REGISTER_ENTRY);
    assert_int_equal(dt_wire_entry_decode(VIEW(b), out), DT_OK);
    assert_memory_equal(seal, out, 32);
    assert_int_equal(dt_wire_entry_decode(dt_view(b.p, 32), out), DT_ERR_FORMAT);
    b.p[0] = 2;
    assert_int_equal(dt_wire_entry_decode(VIEW(b), out), DT_ERR_UNSUPPORTED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cell_sizes),         cmocka_unit_test(create_round_trip),
        cmocka_unit_test(append_round_trip),  cmocka_unit_test(appends_round_trip),
        cmocka_unit_test(results_round_trip), cmocka_unit_test(items_in_order),
        cmocka_unit_test(poll_and_news),      cmocka_unit_test(entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
