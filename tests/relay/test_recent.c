/*
 * tests/relay/test_recent.c - queues and cells in memory against the same out of the store.
 *
 * Where memory has to do, it is given no store: to ask that would end the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/recent.h"

#include "relay_fixture.h"

static struct fixture fx;
static struct dt_relay_store *store;
static struct dt_recent *recent;
static uint64_t next_id = 1;

static void
done(struct dt_relay_store_job *job)
{
    (void)job;
}

static void
run(struct dt_relay_store_job *job)
{
    job->done = done;
    OK(dt_relay_store_run(store, &job, 1));
    OK(job->result);
}

static int
start(void **state)
{
    struct dt_relay_store_config config = {.path = fx.store};

    (void)state;
    fixture_begin(&fx, NULL);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    OK(dt_relay_store_open(&config, &store));
    OK(dt_recent_new(DT_NET_HELD_MAX / DT_RELAY_RECENT_SHARE, &recent));
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    dt_recent_free(recent);
    dt_relay_store_close(store);
    fixture_finish(&fx);
    return 0;
}

/* A new queue; its address and row. */
static void
make_queue(uint8_t address[static 32], struct dt_relay_store_queue *row)
{
    struct dt_relay_store_job job = {.kind = DT_JOB_CREATE};

    OK(dt_sha256(dt_view_of(fx.grant[0].queue_token), job.u.create.token_hash));
    OK(dt_random(job.u.create.read_hash, 32));
    OK(dt_random(job.u.create.write_hash, 32));
    run(&job);
    memcpy(address, job.u.create.address, 32);
    OK(dt_relay_store_queue(store, address, row));
}

/* Append the ${n} cells of ${size} bytes from append id ${id} on, and tell memory if ${tell}. */
static void
append_from(uint64_t id, const uint8_t *address, int64_t queue, size_t n, size_t size, bool tell)
{
    static uint8_t cell[DT_CELL_MAX];
    struct dt_relay_store_append items[64] = {0};
    struct dt_relay_store_job job = {.kind = DT_JOB_APPEND};

    assert_in_range(n, 1, 64);
    for (size_t i = 0; i < n; i++) {
        memcpy(items[i].append_id, &id, sizeof(id));
        id++;
        items[i].cell = dt_view(cell, size);
    }
    job.u.append.queue = queue;
    job.u.append.items = items;
    job.u.append.n = n;
    run(&job);
    if (tell)
        dt_recent_put(recent, address, &job);
}

static void
append(const uint8_t *address, int64_t queue, size_t n, size_t size, bool tell)
{
    append_from(next_id, address, queue, n, size, tell);
    next_id += n;
}

/* The latest append of one cell of 512 bytes once more. */
static void
again(const uint8_t *address, int64_t queue, bool tell)
{
    append_from(next_id - 1, address, queue, 1, 512, tell);
}

/* What memory (with ${from} behind it, or nothing) answers is what the store answers. */
static void
same(const uint8_t *address, int64_t queue, uint64_t after, uint64_t max, size_t max_bytes,
     struct dt_relay_store *from)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf a = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_writer x = dt_writer_init(&a), y = dt_writer_init(&b);

    OK(dt_relay_store_items(store, queue, after, max, max_bytes, &x));
    OK(dt_recent_items(recent, from, address, queue, after, max, max_bytes, &y));
    OK(dt_writer_end(&x));
    OK(dt_writer_end(&y));
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
}

static void
cells_as_the_store_has_them(void **state)
{
    struct dt_relay_store_queue row, q;
    uint8_t address[32];

    (void)state;
    make_queue(address, &row);
    append(address, row.id, 3, 512, true); /* before anyone asked for the queue: not kept */
    OK(dt_recent_queue(recent, store, address, &q));
    assert_int_equal(q.last, 3);
    assert_memory_equal(q.read_hash, row.read_hash, 32);
    append(address, row.id, 5, 512, true);
    append(address, row.id, 2, 4096, true);
    OK(dt_recent_queue(recent, NULL, address, &q));
    assert_int_equal(q.last, 10);
    for (uint64_t after = 3; after <= 10; after++)
        for (uint64_t max = 1; max <= 8; max++)
            same(address, row.id, after, max, DT_RELAY_READ_MAX, NULL);
    for (size_t bytes = 0; bytes < 8000; bytes += 272)
        same(address, row.id, 4, 100, bytes, NULL);
    for (uint64_t after = 0; after < 3; after++)
        same(address, row.id, after, 100, DT_RELAY_READ_MAX, store);
}

static void
what_others_appended(void **state)
{
    struct dt_relay_store_queue row, q;
    uint8_t address[32];

    (void)state;
    make_queue(address, &row);
    OK(dt_recent_queue(recent, store, address, &q));
    append(address, row.id, 2, 512, true);
    append(address, row.id, 2, 512, false); /* by another process: memory was not told */
    append(address, row.id, 2, 512, true);
    OK(dt_recent_queue(recent, NULL, address, &q));
    assert_int_equal(q.last, 6);
    for (uint64_t after = 0; after <= 6; after++)
        same(address, row.id, after, 10, DT_RELAY_READ_MAX, after < 4 ? store : NULL);
    append(address, row.id, 1, 512, false);
    usleep((DT_RELAY_RECENT_MS + 100) * 1000); /* then it is asked again */
    OK(dt_recent_queue(recent, store, address, &q));
    assert_int_equal(q.last, 7);
    same(address, row.id, 5, 10, DT_RELAY_READ_MAX, store);
    append(address, row.id, 1, 512, false);
    dt_recent_forget(recent, address); /* or when it is told */
    OK(dt_recent_queue(recent, store, address, &q));
    assert_int_equal(q.last, 8);
    append(address, row.id, 1, 512, false);
    again(address, row.id, true); /* a retry through us of what another process took */
    OK(dt_recent_queue(recent, NULL, address, &q));
    assert_int_equal(q.last, 9);
    same(address, row.id, 8, 10, DT_RELAY_READ_MAX, NULL);
    append(address, row.id, 1, 512, false);
    dt_recent_forget_all(recent);
    OK(dt_recent_queue(recent, store, address, &q));
    assert_int_equal(q.last, 10);
}

static void
bounded(void **state)
{
    struct dt_relay_store_queue a, b, q;
    uint8_t first[32], second[32], none[32] = {1};

    (void)state;
    make_queue(first, &a);
    make_queue(second, &b);
    OK(dt_recent_queue(recent, store, first, &q));
    OK(dt_recent_queue(recent, store, second, &q));
    append(first, a.id, 10, 512, true);
    same(first, a.id, 0, 100, DT_RELAY_READ_MAX, NULL);
    /* More than there is room for, in another queue: the oldest of all go, those of the first. */
    for (size_t i = 0; i < 10; i++)
        append(second, b.id, 1, DT_CELL_MAX, true);
    for (uint64_t after = 0; after <= 10; after++) {
        same(first, a.id, after, 100, DT_RELAY_READ_MAX, store);
        same(second, b.id, after, 100, DT_RELAY_READ_MAX, after < 4 ? store : NULL);
    }
    append(first, a.id, 1, 512, true);
    same(first, a.id, 10, 100, DT_RELAY_READ_MAX, NULL);
    assert_int_equal(dt_recent_queue(recent, store, none, &q), DT_ERR_NOT_FOUND);
}

/* Where there is little memory less is kept: of cells, and of queues, the one that was not asked
 * for longest goes. */
static void
bounded_by_the_memory(void **state)
{
    struct dt_relay_store_queue a, q;
    uint8_t first[32], another[32];

    (void)state;
    dt_recent_free(recent);
    OK(dt_recent_new(128u << 10, &recent));
    make_queue(first, &a);
    OK(dt_recent_queue(recent, store, first, &q));
    for (size_t i = 0; i < 10; i++)
        append(first, a.id, 1, 16384, true);
    same(first, a.id, 7, 100, DT_RELAY_READ_MAX, NULL); /* three of them in 64 KiB */
    append(first, a.id, 1, 512, false);
    OK(dt_recent_queue(recent, store, first, &q));
    assert_int_equal(q.last, 10); /* out of memory */
    for (size_t i = 0; i < 400; i++) {
        make_queue(another, &q);
        OK(dt_recent_queue(recent, store, another, &q));
    }
    OK(dt_recent_queue(recent, store, first, &q));
    assert_int_equal(q.last, 11); /* it was gone, and is asked of the store */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cells_as_the_store_has_them, start, stop),
        cmocka_unit_test_setup_teardown(what_others_appended, start, stop),
        cmocka_unit_test_setup_teardown(bounded, start, stop),
        cmocka_unit_test_setup_teardown(bounded_by_the_memory, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
