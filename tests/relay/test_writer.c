/*
 * tests/relay/test_writer.c - what comes together is synced together; and where the disk is quick,
 * a writer that rests begins when there is enough for a batch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/db.h"
#include "relay/writer.h"

#include "place.h"

#define MANY 32u

static struct place place;
static struct dt_relay_store *s;
static struct dt_relay_store_writer *writer;
static int64_t queue;
static struct dt_relay_store_append items[MANY];
static struct dt_relay_store_job jobs[MANY];
static atomic_uint n_done;
static atomic_bool slow;

static void
on_done(struct dt_relay_store_job *job)
{
    assert_int_equal(job->result, DT_OK);
    atomic_fetch_add(&n_done, 1);
}

/* A disk that takes its time, and never fails. */
static bool
wait_a_little(void *ctx, enum dt_db_point at)
{
    (void)ctx;
    if (at == DT_DB_COMMIT && atomic_load(&slow))
        usleep(3000);
    return false;
}

static int
start(void **state)
{
    struct dt_relay_store_config config = {.create = true};
    struct dt_relay_store_job job = {.kind = DT_JOB_CREATE}, *list = &job;
    struct dt_relay_store_queue row;

    (void)state;
    place_make(&place);
    config.path = place.path;
    OK(dt_relay_store_open(&config, &s));
    OK(place_grant(&place, s, 10, 1, 100000));
    OK(dt_sha256(dt_view_of(place.grant.queue_token), job.u.create.token_hash));
    OK(dt_random(job.u.create.read_hash, 32));
    OK(dt_random(job.u.create.write_hash, 32));
    OK(dt_relay_store_run(s, &list, 1));
    OK(dt_relay_store_queue(s, job.u.create.address, &row));
    queue = row.id;
    dt_db_fault(wait_a_little, NULL);
    OK(dt_writer_start(s, NULL, NULL, &writer));
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    dt_writer_stop(writer);
    dt_db_fault(NULL, NULL);
    dt_relay_store_close(s);
    place_end(&place);
    return 0;
}

/* ${n} jobs handed in, not to be seen yet. */
static void
hand(unsigned int n)
{
    static const uint8_t cell[512];

    atomic_store(&n_done, 0);
    for (unsigned int i = 0; i < n; i++) {
        items[i] = (struct dt_relay_store_append){.cell = dt_view_of(cell)};
        OK(dt_random(items[i].append_id, sizeof(items[i].append_id)));
        jobs[i] = (struct dt_relay_store_job){.kind = DT_JOB_APPEND, .done = on_done};
        jobs[i].u.append.queue = queue;
        jobs[i].u.append.items = &items[i];
        jobs[i].u.append.n = 1;
        OK(dt_writer_hand(writer, &jobs[i]));
    }
}

/* Do ${n} come to be done in ${ms}? */
static bool
done(unsigned int n, unsigned int ms)
{
    for (unsigned int i = 0; i < ms && atomic_load(&n_done) < n; i++)
        usleep(1000);
    return atomic_load(&n_done) == n;
}

static uint64_t
batches(void)
{
    uint64_t n_jobs, n;

    dt_writer_counts(writer, &n_jobs, &n);
    return n;
}

/* ${n} jobs in one batch, ${times} times: the writer learns how long its disk takes. */
static void
run_batches(unsigned int times, unsigned int n)
{
    for (unsigned int i = 0; i < times; i++) {
        hand(n);
        dt_writer_go(writer);
        assert_true(done(n, 20000));
        usleep(1000); /* so that it rests */
    }
}

/* ---- tests ---- */

static void
synced_together(void **state)
{
    uint64_t before;

    (void)state;
    atomic_store(&slow, false);
    run_batches(20, DT_RELAY_BATCH_EARLY);
    before = batches();
    hand(DT_RELAY_BATCH_EARLY - 1);
    assert_false(done(1, 100));
    assert_int_equal(batches(), before);
    dt_writer_go(writer);
    assert_true(done(DT_RELAY_BATCH_EARLY - 1, 20000));
    assert_int_equal(batches(), before + 1);
}

/* On a disk that takes long a sync is worth more than the time until all have come. */
static void
waited_for_on_a_slow_disk(void **state)
{
    uint64_t before;

    (void)state;
    atomic_store(&slow, true);
    run_batches(20, DT_RELAY_BATCH_EARLY);
    before = batches();
    hand(MANY);
    assert_false(done(1, 100));
    dt_writer_go(writer);
    assert_true(done(MANY, 20000));
    assert_int_equal(batches(), before + 1);
}

static uint64_t
hardly(void)
{
    return 50;
}

/* The test says that it is quick: the machine may have other things to do. */
static void
begun_early_on_a_quick_one(void **state)
{
    (void)state;
    atomic_store(&slow, false);
    dt_writer_waited(writer, hardly);
    run_batches(20, DT_RELAY_BATCH_EARLY);
    usleep(100000); /* so that it rests for certain */
    hand(DT_RELAY_BATCH_EARLY);
    assert_true(done(DT_RELAY_BATCH_EARLY, 20000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(synced_together, start, stop),
        cmocka_unit_test_setup_teardown(waited_for_on_a_slow_disk, start, stop),
        cmocka_unit_test_setup_teardown(begun_early_on_a_quick_one, start, stop)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
