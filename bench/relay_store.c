/*
 * bench/relay_store.c - a store of many queues and messages, and what a relay does with one of that
 * size: how long it takes to serve, its memory, appends and reads of queues drawn at random.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/relay_wire.h"
#include "relay/store/store.h"

#include "measure.h"
#include "relay_bench.h"

#define AT_ONCE    1024u /* jobs, and cells, in a transaction while the store is made */
#define APPENDS    50000u
#define APPENDS_AT 256u
#define READS      20000u

/* A row's tokens follow from its number, so that nothing has to be kept of a million queues. */
static void
fill_from(uint64_t number, uint8_t *out, size_t n)
{
    uint64_t state = number;

    for (size_t i = 0; i < n; i += 8) {
        uint64_t x = load_random(&state);

        memcpy(out + i, &x, n - i < 8 ? n - i : 8);
    }
}

static void
ignore_done(struct dt_relay_store_job *job)
{
    (void)job;
}

struct maker {
    struct dt_relay_store *store;
    struct dt_relay_store_job job[AT_ONCE], *jobs[AT_ONCE];
    struct dt_relay_store_append item[AT_ONCE];
    uint8_t cell[LOAD_CELL];
    uint64_t random, appended;
    int64_t *ids; /* of the queues */
    uint8_t (*addresses)[32];
    uint64_t n_queues;
};

static enum dt_err
run(struct maker *m, size_t n)
{
    enum dt_err err = n == 0 ? DT_OK : dt_relay_store_run(m->store, m->jobs, n);

    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = m->job[i].result;
    return err;
}

static enum dt_err
make_queues(struct maker *m, const struct dt_grant *grant)
{
    uint8_t token_hash[32];
    enum dt_err err = dt_sha256(dt_view_of(grant->queue_token), token_hash);
    struct dt_relay_store_queue queue;

    for (uint64_t i = 0; err == DT_OK && i < m->n_queues;) {
        size_t n = 0;

        for (; n < AT_ONCE && i + n < m->n_queues; n++) {
            struct dt_relay_store_job *job = &m->job[n];

            *job = (struct dt_relay_store_job){.kind = DT_JOB_CREATE, .done = ignore_done};
            memcpy(job->u.create.token_hash, token_hash, 32);
            fill_from(2 * (i + n), job->u.create.read_hash, 32);
            fill_from(2 * (i + n) + 1, job->u.create.write_hash, 32);
        }
        err = run(m, n);
        for (size_t k = 0; err == DT_OK && k < n; k++) {
            memcpy(m->addresses[i + k], m->job[k].u.create.address, 32);
            if ((err = dt_relay_store_queue(m->store, m->addresses[i + k], &queue)) == DT_OK)
                m->ids[i + k] = queue.id;
        }
        i += n;
    }
    return err;
}

/* ${n} cells in one transaction, each to the queue that ${first} and ${step} say. */
static enum dt_err
append(struct maker *m, size_t n, uint64_t first, bool at_random)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t q = at_random ? load_random(&m->random) % m->n_queues : first;

        fill_from(m->random + i, m->item[i].append_id, sizeof(m->item[i].append_id));
        m->item[i].cell = dt_view_of(m->cell);
        m->job[i] = (struct dt_relay_store_job){.kind = DT_JOB_APPEND, .done = ignore_done};
        m->job[i].u.append.queue = m->ids[q];
        m->job[i].u.append.items = &m->item[i];
        m->job[i].u.append.n = 1;
    }
    m->random += n;
    fill_from(m->random, m->cell, sizeof(m->cell));
    m->appended += n;
    return run(m, n);
}

static void
told(const char *what, double x, const char *unit)
{
    printf("%-44s %12.1f %s\n", what, x, unit);
    (void)fflush(stdout);
}

static double
seconds_since(uint64_t ns)
{
    return (double)(bench_now_ns() - ns) / 1e9;
}

static enum dt_err
fill(struct maker *m, uint64_t messages)
{
    uint64_t each = messages / m->n_queues, began = bench_now_ns();
    enum dt_err err = DT_OK;

    for (uint64_t q = 0; err == DT_OK && q < m->n_queues; q++)
        for (uint64_t left = each; err == DT_OK && left > 0;) {
            /* Whole transactions: several queues share one when each has few. */
            size_t n = 0;

            while (n < AT_ONCE && q < m->n_queues) {
                size_t k = left < AT_ONCE - n ? (size_t)left : AT_ONCE - n;

                for (size_t i = 0; i < k; i++, n++) {
                    fill_from(m->random++, m->item[n].append_id, sizeof(m->item[n].append_id));
                    m->item[n].cell = dt_view_of(m->cell);
                    m->job[n] =
                        (struct dt_relay_store_job){.kind = DT_JOB_APPEND, .done = ignore_done};
                    m->job[n].u.append.queue = m->ids[q];
                    m->job[n].u.append.items = &m->item[n];
                    m->job[n].u.append.n = 1;
                }
                left -= k;
                if (left > 0 || q + 1 == m->n_queues)
                    break;
                q++;
                left = each;
            }
            fill_from(m->random, m->cell, sizeof(m->cell));
            m->appended += n;
            err = run(m, n);
        }
    told("filled, messages a second", (double)m->appended / seconds_since(began), "/s");
    return err;
}

static enum dt_err
measure_reads(struct maker *m)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    uint64_t began = bench_now_ns();
    enum dt_err err = DT_OK;

    for (unsigned int i = 0; err == DT_OK && i < READS; i++) {
        struct dt_relay_store_queue queue;
        struct dt_writer w = dt_writer_init(&b);

        b.n = 0;
        err = dt_relay_store_queue(m->store, m->addresses[load_random(&m->random) % m->n_queues],
                                   &queue);
        if (err == DT_OK)
            err = dt_relay_store_items(m->store, queue.id, queue.last > 10 ? queue.last - 10 : 0,
                                       10, DT_RELAY_READ_MAX, &w);
    }
    told("reads of the newest 10 of a random queue", READS / seconds_since(began), "/s");
    return err;
}

static enum dt_err
measure(struct maker *m, const char *path)
{
    struct dt_relay_store_config config = {.path = path};
    struct stat st;
    uint64_t began;
    size_t registers = 0;
    enum dt_err err;

    dt_relay_store_close(m->store);
    m->store = NULL;
    if (stat(path, &st) == 0)
        told("file", (double)st.st_size / 1e6, "MB");
    told("disk, everything counted", (double)st.st_size / (double)m->appended, "B/message");
    began = bench_now_ns();
    if ((err = dt_relay_store_open(&config, &m->store)) != DT_OK ||
        (err = dt_relay_store_check(m->store, &registers)) != DT_OK)
        return err;
    told("opened, as a relay does at its start", seconds_since(began) * 1e3, "ms");
    if ((err = measure_reads(m)) != DT_OK)
        return err;
    began = bench_now_ns();
    for (unsigned int i = 0; err == DT_OK && i < APPENDS; i += APPENDS_AT)
        err = append(m, APPENDS_AT, 0, true);
    told("appends to random queues, 256 a transaction", APPENDS / seconds_since(began), "/s");
    began = bench_now_ns();
    for (unsigned int i = 0; err == DT_OK && i < APPENDS; i += APPENDS_AT)
        err = append(m, APPENDS_AT, i / APPENDS_AT % 4, false);
    told("appends to one queue at a time, the same", APPENDS / seconds_since(began), "/s");
    told("memory of this process", (double)bench_pss_kib(getpid()) / 1e3, "MB");
    return err;
}

static enum dt_err
add_witness(const char *group, struct dt_grant_witness *out)
{
    char text[512];
    enum dt_err err = bench_witness(group, text);

    (void)snprintf(out->group, sizeof(out->group), "%s", group);
    (void)snprintf(out->vkey, sizeof(out->vkey), "%.*s", (int)sizeof(out->vkey) - 1,
                   text + strlen(group) + 1);
    return err;
}

int
bench_make_store(const char *path, uint64_t queues, uint64_t messages)
{
    struct dt_relay_store_config config = {.path = path, .create = true};
    const char *party = "north";
    struct dt_grant_witness witnesses[2] = {0};
    struct dt_grant_order order = {.url = "http://127.0.0.1",
                                   .parties = &party,
                                   .n_parties = 1,
                                   .witnesses = witnesses,
                                   .n_witnesses = 2,
                                   .daily_entries = 1,
                                   .bounds = {.queues = queues, .queue_cells = UINT32_MAX - 2}};
    struct maker *m = calloc(1, sizeof(*m));
    struct dt_grant grant = {0};
    uint64_t began = bench_now_ns();
    enum dt_err err;

    if (m == NULL || (m->ids = calloc(queues, sizeof(m->ids[0]))) == NULL ||
        (m->addresses = calloc(queues, sizeof(m->addresses[0]))) == NULL)
        abort();
    m->n_queues = queues;
    m->random = began;
    for (size_t i = 0; i < AT_ONCE; i++)
        m->jobs[i] = &m->job[i];
    if ((err = add_witness("north", &witnesses[0])) == DT_OK &&
        (err = add_witness("south", &witnesses[1])) == DT_OK &&
        (err = dt_relay_store_open(&config, &m->store)) == DT_OK &&
        (err = dt_relay_store_grant(m->store, &order, &grant)) == DT_OK &&
        (err = make_queues(m, &grant)) == DT_OK) {
        told("queues made", (double)queues / seconds_since(began), "/s");
        if ((err = fill(m, messages)) == DT_OK)
            err = measure(m, path);
    }
    if (err != DT_OK)
        fprintf(stderr, "relay: %s (%s)\n", dt_err_message(), dt_err_name(err));
    dt_relay_store_close(m->store);
    dt_grant_wipe(&grant);
    free(m->ids);
    free(m->addresses);
    free(m);
    return err == DT_OK ? 0 : 1;
}
