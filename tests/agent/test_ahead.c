/*
 * tests/agent/test_ahead.c - cells that came with a long poll: kept for the queue and position that
 * they were asked for, given once, and nothing kept of an answer that is not one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/sync/ahead.h"

#define OK(e) assert_int_equal((e), DT_OK)

static uint8_t cell[512];
static struct dt_wire_poll wanted[3];

/* One queue of an answer: cells from ${from} to ${last}. */
static void
put(struct dt_writer *w, uint8_t address, uint64_t from, uint64_t last)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 16);
    struct dt_wire_item items[8] = {0};
    uint8_t whole[DT_RELAY_ADDRESS];
    size_t n = 0, mark;

    memset(whole, address, sizeof(whole));
    for (uint64_t i = from; i <= last; i++)
        items[n++] = (struct dt_wire_item){.position = i, .cell = dt_view_of(cell)};
    OK(dt_wire_items_encode(last, items, n, &b));
    dt_write_view(w, dt_view_of(whole));
    mark = dt_write_vec_begin(w);
    dt_write_view(w, dt_buf_view(&b));
    dt_write_vec_end(w, mark);
}

static void
kept_and_given_once(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(1u << 20);
    struct dt_agent a = {0};
    struct dt_writer w = dt_writer_init(&answer);
    size_t mark = dt_write_vec_begin(&w);
    struct dt_wire_items walk;
    struct dt_wire_item item;
    uint64_t last = 0;
    bool news = false, more = false;

    (void)state;
    put(&w, 1, 6, 8); /* behind 5 */
    put(&w, 2, 1, 0); /* no room */
    put(&w, 9, 1, 2); /* nobody asked for it */
    dt_write_vec_end(&w, mark);
    OK(dt_writer_end(&w));

    OK(dt_ahead_keep(&a, wanted, 3, dt_buf_view(&answer), &news));
    assert_true(news);
    assert_false(dt_ahead_take(&a, wanted[0].address, 4, &out));
    assert_false(dt_ahead_take(&a, wanted[0].address, 6, &out));
    assert_false(dt_ahead_take(&a, wanted[1].address, 0, &out));
    assert_true(dt_ahead_take(&a, wanted[0].address, 5, &out));
    OK(dt_wire_items_begin(dt_buf_view(&out), &last, &walk));
    OK(dt_wire_items_next(&walk, &item, &more));
    assert_true(last == 8 && more && item.position == 6);
    assert_false(dt_ahead_take(&a, wanted[0].address, 5, &out)); /* once */
    assert_null(a.ahead);

    /* What is not taken does not outlive the sync, nor the next poll. */
    OK(dt_ahead_keep(&a, wanted, 3, dt_buf_view(&answer), &news));
    dt_ahead_clear(&a);
    assert_false(dt_ahead_take(&a, wanted[0].address, 5, &out));
    OK(dt_ahead_keep(&a, wanted, 3, dt_buf_view(&answer), &news));
    OK(dt_ahead_keep(&a, wanted, 3, dt_view((const uint8_t *)"\0", 1), &news));
    assert_false(news);
    assert_null(a.ahead);
}

static void
nothing_of_a_bad_answer(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(1u << 20);
    struct dt_agent a = {0};
    struct dt_writer w = dt_writer_init(&answer);
    size_t mark = dt_write_vec_begin(&w);
    bool news = false;

    (void)state;
    put(&w, 1, 6, 8);
    put(&w, 2, 1, 2);
    dt_write_vec_end(&w, mark);
    OK(dt_writer_end(&w));
    for (size_t n = 0; n < answer.n; n++) {
        assert_int_equal(dt_ahead_keep(&a, wanted, 3, dt_view(answer.p, n), &news), DT_ERR_FORMAT);
        assert_null(a.ahead);
    }
    answer.p[4 + 32 + 2 + 7] = 0; /* the first queue ends before its cells */
    assert_int_equal(dt_ahead_keep(&a, wanted, 3, dt_buf_view(&answer), &news), DT_ERR_FORMAT);
    assert_null(a.ahead);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kept_and_given_once),
                                       cmocka_unit_test(nothing_of_a_bad_answer)};

    for (size_t i = 0; i < 3; i++)
        memset(wanted[i].address, (int)i + 1, sizeof(wanted[i].address));
    wanted[0].after = 5;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
