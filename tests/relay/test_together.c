/*
 * tests/relay/test_together.c - a batch that appends to many queues: their rows are read and
 * written several at a time where the store is asked over a network, and every number of them comes
 * out as one by one; so it does when some of the cells are there already.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "place.h"

#define QUEUES 21u

struct queue {
    uint8_t address[32];
    int64_t id;
    uint64_t last; /* as it has to be */
};

static struct place place;
static struct dt_relay_store *s;
static struct queue queues[QUEUES];

static void
make_queue(struct queue *q)
{
    struct dt_relay_store_job job = {.kind = DT_JOB_CREATE}, *list = &job;
    struct dt_relay_store_queue row;

    OK(dt_sha256(dt_view_of(place.grant.queue_token), job.u.create.token_hash));
    OK(dt_random(job.u.create.read_hash, 32));
    OK(dt_random(job.u.create.write_hash, 32));
    OK(dt_relay_store_run(s, &list, 1));
    OK(job.result);
    memcpy(q->address, job.u.create.address, 32);
    OK(dt_relay_store_queue(s, q->address, &row));
    q->id = row.id;
}

static int
start(void **state)
{
    struct dt_relay_store_config config = {.create = true};

    (void)state;
    place_make(&place);
    config.path = place.path;
    OK(dt_relay_store_open(&config, &s));
    OK(place_grant(&place, s, 10, QUEUES, 1000));
    memset(queues, 0, sizeof(queues));
    for (size_t i = 0; i < QUEUES; i++)
        make_queue(&queues[i]);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    dt_relay_store_close(s);
    place_end(&place);
    return 0;
}

/* In one batch, to ${n} queues, in this order and then the other way round: two cells each, the
 * first of which is the last one of before when ${again}. */
static void
append(size_t n, bool again)
{
    static struct dt_relay_store_append items[2 * QUEUES];
    static struct dt_relay_store_job jobs[2 * QUEUES + 1];
    static struct dt_relay_store_job *list[2 * QUEUES + 1];
    static const uint8_t cell[512];

    memset(jobs, 0, sizeof(jobs));
    for (size_t i = 0; i < 2 * n; i++) {
        const struct queue *q = &queues[i < n ? i : 2 * n - 1 - i];
        uint64_t number = q->last + (i < n ? 0 : 1) + (again ? 0 : 1);

        memset(&items[i], 0, sizeof(items[i]));
        memcpy(items[i].append_id, &number, sizeof(number));
        items[i].cell = dt_view_of(cell);
        jobs[i].kind = DT_JOB_APPEND;
        jobs[i].u.append.queue = q->id;
        jobs[i].u.append.items = &items[i];
        jobs[i].u.append.n = 1;
        list[i] = &jobs[i];
    }
    /* And to one that is not there. */
    jobs[2 * n] = jobs[0];
    jobs[2 * n].u.append.queue = 1000000;
    list[2 * n] = &jobs[2 * n];
    OK(dt_relay_store_run(s, list, 2 * n + 1));
    assert_int_equal(jobs[2 * n].result, DT_ERR_NOT_FOUND);
    for (size_t i = 0; i < 2 * n; i++) {
        const struct queue *q = &queues[i < n ? i : 2 * n - 1 - i];

        OK(jobs[i].result);
        assert_int_equal(items[i].position, q->last + (i < n ? 0 : 1) + (again ? 0 : 1));
        assert_int_equal(items[i].existed, again && i < n);
    }
    for (size_t i = 0; i < n; i++)
        queues[i].last += again ? 1 : 2;
}

static void
as_one_by_one(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, QUEUES};
    struct dt_relay_bounds bounds;
    struct dt_relay_usage use;
    uint8_t id[DT_REGISTER_ID];
    uint64_t grant = 0, cells = 0;

    (void)state;
    for (size_t k = 0; k < 2 * sizeof(sizes) / sizeof(sizes[0]); k++)
        append(sizes[k / 2], k % 2 == 1);
    for (size_t i = 0; i < QUEUES; i++) {
        struct dt_relay_store_queue row;

        OK(dt_relay_store_queue(s, queues[i].address, &row));
        assert_int_equal(row.last, queues[i].last);
        cells += row.last;
    }
    OK(dt_hex_read_fixed(id, sizeof(id), dt_view_str(place.grant.register_id)));
    OK(dt_relay_store_grant_of(s, id, &grant));
    OK(dt_relay_store_bounds(s, grant, &bounds, &use));
    assert_int_equal(use.cells, cells);
    assert_int_equal(use.bytes, cells * 512);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(as_one_by_one, start, stop)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
