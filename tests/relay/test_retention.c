/*
 * tests/relay/test_retention.c - how long cells are kept: random appends, retries,
 * acknowledgements, clocks and rules against a simple model; kill -9 while cells expire; the same
 * over HTTP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "place.h"
#include "relay/relay.h"

#define QUEUES     2
#define CELLS_MAX  3000
#define READERS    3
#define IDS_KEPT_S 3000u
#define STEP_MS    (600 * DT_MS_SECOND) /* the most that the relay counts between two looks */

static uint64_t random_state = 1;

static uint32_t
pick(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % n;
}

/* ---- the model ---- */

struct cell {
    size_t size;
    uint64_t born_s; /* by time served */
    uint64_t true_ms,
        jumps; /* by a clock that nobody sets; how often the other had been set forward */
    uint64_t gone_s;
};

struct queue {
    int64_t id;
    uint8_t address[32];
    uint64_t last, expired, forgotten;
    struct cell cell[CELLS_MAX + 1]; /* by position */
    bool reads[READERS];
    uint64_t read[READERS];
};

static struct {
    uint64_t now_ms, true_ms, jumps; /* the clock; passing time; how often it was set forward */
    uint64_t total_ms, wall_ms;      /* what the store counts */
    struct dt_relay_bounds b;
    uint64_t since_s;
    struct queue q[QUEUES];
} m;

static uint64_t
model_now(void *ctx)
{
    (void)ctx;
    return m.now_ms;
}

static uint64_t
served_ms(void)
{
    uint64_t more = m.wall_ms == 0 || m.now_ms <= m.wall_ms ? 0 : m.now_ms - m.wall_ms;

    return m.total_ms + (more < STEP_MS ? more : STEP_MS);
}

static uint64_t
served_up_s(void)
{
    return (served_ms() + 999) / 1000;
}

static uint64_t
all_read(const struct queue *q)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < READERS; i++)
        if (q->reads[i] && q->read[i] < least)
            least = q->read[i];
    return least == UINT64_MAX ? 0 : least;
}

static bool
over(const struct queue *q, uint64_t position)
{
    uint64_t born = q->cell[position].born_s > m.since_s ? q->cell[position].born_s : m.since_s;
    uint64_t now = served_ms() / 1000, age = now > born ? now - born : 0;

    if (m.b.keep_s == 0 || age < m.b.keep_s)
        return false;
    return all_read(q) >= position || (m.b.keep_unread_s != 0 && age >= m.b.keep_unread_s) ||
           (m.b.keep_cells != 0 && q->last - position >= m.b.keep_cells);
}

/* ---- the store beside it ---- */

static struct place place;
static struct dt_relay_store *s;
static uint64_t grant;

static void
run(struct dt_relay_store_job *job)
{
    OK(dt_relay_store_run(s, &job, 1));
}

static void
bytes_of(uint64_t q, uint64_t position, uint8_t cell[static 4096])
{
    memset(cell, (int)(position * 7 + q), 4096);
    memcpy(cell, &position, sizeof(position));
}

static void
id_of(uint64_t position, uint8_t id[static DT_RELAY_APPEND_ID])
{
    memset(id, 0x5a, DT_RELAY_APPEND_ID);
    memcpy(id, &position, sizeof(position));
}

/* Append what stands, or stood, or would stand at ${position}: what comes of it. */
static enum dt_err
append(struct queue *q, uint64_t position, bool other_bytes, struct dt_relay_store_append *item)
{
    static uint8_t cell[4096];
    struct dt_relay_store_job job = {.kind = DT_JOB_APPEND};
    size_t size = 512 * (1 + position % 4);

    bytes_of((uint64_t)(q - m.q), position, cell);
    if (other_bytes)
        cell[100] ^= 1;
    id_of(position, item->append_id);
    item->cell = dt_view(cell, size);
    job.u.append.queue = q->id;
    job.u.append.items = item;
    job.u.append.n = 1;
    run(&job);
    return job.result;
}

static void
do_append(struct queue *q)
{
    struct dt_relay_store_append item = {0};
    struct cell *c = &q->cell[q->last + 1];

    OK(append(q, q->last + 1, false, &item));
    assert_false(item.existed);
    assert_int_equal(item.position, q->last + 1);
    c->size = item.cell.n;
    c->born_s = served_up_s();
    c->true_ms = m.true_ms;
    c->jumps = m.jumps;
    q->last++;
}

/* What was stored and is remembered is not stored again, whether its cell is there or not. */
static void
do_retry(struct queue *q)
{
    uint64_t position = q->forgotten + 1 + pick((uint32_t)(q->last - q->forgotten));
    struct dt_relay_store_append item = {0};

    OK(append(q, position, false, &item));
    assert_true(item.existed);
    assert_int_equal(item.position, position);
    assert_int_equal(append(q, position, true, &item), DT_ERR_CONFLICT);
}

static void
do_ack(struct queue *q)
{
    struct dt_relay_store_job job = {.kind = DT_JOB_ACK, .u.ack.queue = q->id};
    uint32_t reader = pick(READERS);

    memset(job.u.ack.reader, (int)reader + 1, 32);
    job.u.ack.position = pick((uint32_t)q->last + 3);
    run(&job);
    if (job.u.ack.position > q->last) {
        assert_int_equal(job.result, DT_ERR_RANGE);
        return;
    }
    OK(job.result);
    if (!q->reads[reader] || job.u.ack.position > q->read[reader])
        q->read[reader] = job.u.ack.position;
    q->reads[reader] = true;
}

static void
do_clock(void)
{
    uint64_t ms = pick(400000);

    switch (pick(12)) {
    case 0: /* somebody sets it forward by days, or back */
        m.now_ms += pick(1000) * DT_MS_DAY / 10;
        m.jumps++;
        break;
    case 1:
        m.now_ms -= pick(100) * DT_MS_DAY / 10;
        break;
    default: /* it passes */
        m.now_ms += ms;
        m.true_ms += ms;
    }
}

static void
do_served(void)
{
    struct dt_relay_store_job job = {.kind = DT_JOB_SERVED};

    run(&job);
    OK(job.result);
    m.total_ms = served_ms();
    m.wall_ms = m.now_ms;
}

static void
do_rules(void)
{
    m.b.keep_s = pick(4) == 0 ? 0 : 100 + pick(4000);
    m.b.keep_unread_s = pick(2) == 0 ? 0 : pick(9000);
    m.b.keep_cells = pick(2) == 0 ? 0 : 1 + pick(200);
    OK(dt_relay_store_set_bounds(s, grant, &m.b));
    m.since_s = served_up_s();
}

static void
do_expire(struct queue *q)
{
    struct dt_relay_store_job job;
    uint64_t expired = q->expired, forgotten = q->forgotten, first = q->expired;

    while (expired < q->last && over(q, expired + 1)) {
        struct cell *c = &q->cell[++expired];

        c->gone_s = served_up_s();
        /* Whatever the clock was set to, nothing went before the relay had served so long. */
        assert_true(m.true_ms - c->true_ms + (m.jumps - c->jumps) * STEP_MS + 1000 >=
                    m.b.keep_s * 1000);
    }
    /* Ids of what went before this step: in one job the cells go first, but no id is that old. */
    while (forgotten < first && served_ms() / 1000 >= q->cell[forgotten + 1].gone_s &&
           served_ms() / 1000 - q->cell[forgotten + 1].gone_s >= IDS_KEPT_S)
        forgotten++;
    do {
        job = (struct dt_relay_store_job){.kind = DT_JOB_EXPIRE, .u.expire.queue = q->id};
        run(&job);
        OK(job.result);
        q->expired += job.u.expire.n_cells;
        q->forgotten += job.u.expire.n_ids;
    } while (job.u.expire.more);
    assert_int_equal(q->expired, expired);
    assert_int_equal(q->forgotten, forgotten);
}

/* The store says what the model says. */
static void
look(const struct queue *q)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_writer w = dt_writer_init(&b);
    struct dt_relay_store_queue row;
    static uint8_t cell[4096];
    struct dt_wire_items walk;
    struct dt_wire_item item;
    uint64_t from = q->expired, n = 0, last = 0;
    bool more = true;
    size_t mark;

    OK(dt_relay_store_queue(s, q->address, &row));
    assert_int_equal(row.last, q->last);
    assert_int_equal(row.expired, q->expired);
    if (q->last > q->expired)
        from += pick((uint32_t)(q->last - q->expired));
    dt_write_u64(&w, row.last);
    mark = dt_write_vec_begin(&w);
    OK(dt_relay_store_items(s, q->id, from, 100, DT_RELAY_READ_MAX, &w));
    dt_write_vec_end(&w, mark);
    OK(dt_writer_end(&w));
    OK(dt_wire_items_begin(dt_buf_view(&b), &last, &walk));
    while (OK(dt_wire_items_next(&walk, &item, &more)), more) {
        n++;
        assert_int_equal(item.position, from + n);
        bytes_of((uint64_t)(q - m.q), item.position, cell);
        assert_true(dt_view_equal(item.cell, dt_view(cell, q->cell[item.position].size)));
    }
    assert_int_equal(n, q->last - from < 100 ? q->last - from : 100);
}

static void
look_at_sums(void)
{
    struct dt_relay_bounds b;
    struct dt_relay_usage use;
    uint64_t cells = 0, bytes = 0;

    for (size_t i = 0; i < QUEUES; i++)
        for (uint64_t p = m.q[i].expired + 1; p <= m.q[i].last; p++, cells++)
            bytes += m.q[i].cell[p].size;
    OK(dt_relay_store_bounds(s, grant, &b, &use));
    assert_int_equal(use.cells, cells);
    assert_int_equal(use.bytes, bytes);
}

/* What the thread that looks for work would find is where there is some. */
static void
look_at_work(void)
{
    int64_t due[DT_RELAY_EXPIRY_LOOK];
    uint64_t after = 0;
    size_t n = 0;

    OK(dt_relay_store_expiry(s, &after, due, &n));
    assert_int_equal(after, 0);
    for (size_t i = 0; i < QUEUES; i++) {
        const struct queue *q = &m.q[i];
        bool found = false, cells = q->last > q->expired && over(q, q->expired + 1);
        bool ids = q->expired > q->forgotten &&
                   served_ms() / 1000 >= q->cell[q->forgotten + 1].gone_s &&
                   served_ms() / 1000 - q->cell[q->forgotten + 1].gone_s >= IDS_KEPT_S;

        for (size_t k = 0; k < n; k++)
            found = found || due[k] == q->id;
        assert_int_equal(found, cells || ids);
    }
}

static void
open_store(void)
{
    struct dt_relay_store_config config = {
        .path = place.path, .clock = {model_now, NULL}, .ids_kept_s = IDS_KEPT_S};
    uint8_t id[DT_REGISTER_ID];

    OK(dt_relay_store_open(&config, &s));
    OK(dt_hex_read_fixed(id, sizeof(id), dt_view_str(place.grant.register_id)));
    OK(dt_relay_store_grant_of(s, id, &grant));
}

static void
make_queue(struct queue *q)
{
    struct dt_relay_store_job job = {.kind = DT_JOB_CREATE};
    struct dt_relay_store_queue row;

    OK(dt_sha256(dt_view_of(place.grant.queue_token), job.u.create.token_hash));
    OK(dt_random(job.u.create.read_hash, 32));
    OK(dt_random(job.u.create.write_hash, 32));
    run(&job);
    OK(job.result);
    memcpy(q->address, job.u.create.address, 32);
    OK(dt_relay_store_queue(s, q->address, &row));
    q->id = row.id;
}

static void
begin(void)
{
    memset(&m, 0, sizeof(m));
    m.now_ms = UINT64_C(1800000000000);
    place_begin(&place, UINT32_MAX);
    open_store();
    m.b = (struct dt_relay_bounds){.queues = 10, .queue_cells = 1000000};
    OK(dt_relay_store_set_bounds(s, grant, &m.b));
    for (size_t i = 0; i < QUEUES; i++)
        make_queue(&m.q[i]);
    do_served();
}

static void
against_a_model(void **state)
{
    const char *seed = getenv("DT_SEED");
    uint64_t gone = 0, forgotten = 0;

    (void)state;
    random_state = seed != NULL ? strtoull(seed, NULL, 10) : 20261130;
    printf("DT_SEED=%llu\n", (unsigned long long)random_state);
    begin();
    for (unsigned int i = 0; i < 6000; i++) {
        struct queue *q = &m.q[pick(QUEUES)];
        uint32_t what = pick(100);

        if (what < 40 && q->last < CELLS_MAX)
            do_append(q);
        else if (what < 48 && q->last > q->forgotten)
            do_retry(q);
        else if (what < 62)
            do_ack(q);
        else if (what < 76)
            do_clock();
        else if (what < 83)
            do_served();
        else if (what < 85)
            do_rules();
        else if (what < 93)
            do_expire(q);
        else if (what < 97)
            look(q);
        else if (what < 98)
            look_at_work();
        else if (what < 99)
            look_at_sums();
        else {
            dt_relay_store_close(s);
            open_store();
        }
    }
    for (size_t i = 0; i < QUEUES; i++) {
        gone += m.q[i].expired;
        forgotten += m.q[i].forgotten;
    }
    printf("%llu of %llu cells went, %llu ids\n", (unsigned long long)gone,
           (unsigned long long)(m.q[0].last + m.q[1].last), (unsigned long long)forgotten);
    assert_true(gone > 100 && forgotten > 10);
    look_at_sums();
    dt_relay_store_close(s);
    place_end(&place);
}

/* ---- little room on the disk ---- */

static void
little_room(void **state)
{
    struct dt_relay_store_config config = {.clock = {model_now, NULL}};
    struct dt_relay_store_job entry = {.kind = DT_JOB_ENTRY, .u.entry.seal = {1}};
    struct dt_relay_store_job create = {.kind = DT_JOB_CREATE};
    struct dt_relay_store_job expire = {.kind = DT_JOB_EXPIRE};
    struct dt_relay_store_job *list[] = {&create, &entry, &expire};
    struct dt_relay_store_append item = {0};
    struct dt_relay_store_register reg;
    struct queue *q = &m.q[0];
    uint8_t id[DT_REGISTER_ID];

    (void)state;
    begin();
    do_append(q);
    dt_relay_store_close(s);
    config.path = place.path;
    config.reserve = UINT64_MAX - 1; /* no disk has so much left */
    OK(dt_relay_store_open(&config, &s));
    assert_int_equal(append(q, 2, false, &item), DT_ERR_STATE);
    OK(dt_hex_read_fixed(id, sizeof(id), dt_view_str(place.grant.register_id)));
    OK(dt_relay_store_register(s, id, &reg));
    entry.u.entry.reg = reg.id;
    memcpy(entry.u.entry.key_hash, place.key_hash, 32);
    OK(dt_sha256(dt_view_of(place.grant.queue_token), create.u.create.token_hash));
    expire.u.expire.queue = q->id;
    OK(dt_relay_store_run(s, list, 3));
    assert_int_equal(create.result, DT_ERR_STATE);
    assert_true(create.disk_full);
    OK(entry.result); /* the register goes on, and what gives room */
    OK(expire.result);
    assert_false(entry.disk_full);
    look(q);
    dt_relay_store_close(s);
    open_store(); /* there is room again */
    do_append(q);
    look(q);
    dt_relay_store_close(s);
    place_end(&place);
}

/* ---- kill -9 ---- */

/* Appends and has cells go for ever; says how many it appended. */
static void
work_until_killed(int fd)
{
    struct queue *q = &m.q[0];

    for (;;) {
        struct dt_relay_store_append item = {0};
        struct dt_relay_store_job job = {.kind = DT_JOB_EXPIRE, .u.expire.queue = q->id};

        if (append(q, q->last + 1, false, &item) != DT_OK)
            _exit(1);
        q->last++;
        if (write(fd, &q->last, sizeof(q->last)) != sizeof(q->last))
            _exit(1);
        m.now_ms += 20 * DT_MS_SECOND;
        if (q->last % 10 == 0) {
            do_served();
            run(&job);
        }
    }
}

static void
killed(void **state)
{
    struct queue *q = &m.q[0];
    uint64_t expired = 0;

    (void)state;
    begin();
    m.b.keep_s = 1000;
    m.b.keep_cells = 20;
    OK(dt_relay_store_set_bounds(s, grant, &m.b));
    for (int round = 0; round < 12; round++) {
        struct dt_relay_store_queue row;
        uint64_t acked = q->last, n, until = q->last + 15 + pick(60);
        int fd[2], status;
        pid_t pid;

        dt_relay_store_close(s);
        assert_int_equal(pipe(fd), 0);
        if ((pid = fork()) == 0) {
            open_store();
            work_until_killed(fd[1]);
        }
        close(fd[1]);
        while (acked < until && read(fd[0], &n, sizeof(n)) == (ssize_t)sizeof(n))
            acked = n;
        usleep(pick(3000));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status)); /* and not ended by itself */
        while (read(fd[0], &n, sizeof(n)) == (ssize_t)sizeof(n))
            acked = n;
        close(fd[0]);
        open_store();
        OK(dt_relay_store_queue(s, q->address, &row));
        assert_true(row.last >= acked && row.last <= acked + 1); /* one may have been on its way */
        for (uint64_t p = q->last + 1; p <= row.last; p++)
            q->cell[p].size = 512 * (1 + p % 4);
        m.now_ms += (row.last - q->last) * 20 * DT_MS_SECOND;
        q->last = row.last;
        q->expired = row.expired;
        for (int i = 0; i < 5; i++)
            look(q);
        look_at_sums();
        expired = row.expired;
    }
    assert_true(expired > 20);
    dt_relay_store_close(s);
    place_end(&place);
}

/* ---- over HTTP ---- */

static struct fixture fx;
static struct dt_relay *relay;

static unsigned int
ack_status(const struct fixture_queue *q, const char *method, const uint8_t token[static 32],
           const uint8_t *body, size_t n)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    char hex[65], path[128];
    struct dt_http_call call = {.method = method,
                                .base = fx.url,
                                .path = path,
                                .bearer = dt_view(token, 32),
                                .body = dt_view(body, n)};

    dt_hex_str(hex, dt_view_of(q->address));
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/ack", hex);
    OK(dt_http_call(fx.http, &call, &a));
    return a.status;
}

static enum dt_err
ack(const struct fixture_queue *q, uint8_t reader, uint64_t position)
{
    struct dt_wire_ack x = {.reader = {reader}, .position = position};

    return dt_relay_ack(fx.http, fx.url, q->address, dt_view_of(q->read), &x);
}

static enum dt_err
http_append(const struct fixture_queue *q, uint8_t id, uint8_t fill, uint64_t *position)
{
    static uint8_t cell[512];
    struct dt_wire_append a = {.append_id = {id}, .cell = dt_view_of(cell)};

    memset(cell, fill, sizeof(cell));
    return dt_relay_append(fx.http, fx.url, q->address, dt_view_of(q->write), &a, position);
}

static void
http_start(const char *const *limits)
{
    struct dt_relay_config config = {.store = fx.store, .listen = "127.0.0.1:0", .expiry_s = 1};

    memset(&fx, 0, sizeof(fx));
    OK(dt_crypto_init());
    (void)snprintf(fx.dir, sizeof(fx.dir), "/tmp/dt-keep-XXXXXX");
    assert_non_null(mkdtemp(fx.dir));
    fixture_store(fx.dir, fx.store);
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        OK(tlog_signer_new(dt_view_str(fixture_names[i]), TLOG_KEY_COSIGNATURE, &fx.witness[i]));
        fixture_witness_key(&fx, i, &fx.witness[i].vkey);
    }
    OK(dt_relay_start(&config, &relay));
    (void)snprintf(fx.url, sizeof(fx.url), "http://127.0.0.1:%u", dt_relay_port(relay));
    assert_int_equal(fixture_grant(&fx, limits), 0);
    fixture_load_grants(&fx);
    OK(dt_http_client_new(NULL, &fx.http));
}

static int
http_stop(void **state)
{
    (void)state;
    dt_relay_stop(relay, NULL, NULL);
    relay = NULL;
    fixture_finish(&fx);
    return 0;
}

/* Read behind ${after} until that has expired, for ten seconds at most: where it goes on, 0 when it
 * has not. */
static uint64_t
wait_expired(const struct fixture_queue *q, uint64_t after, unsigned int seconds)
{
    for (unsigned int i = 0; i < seconds * 10; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
        uint64_t first = 0;
        enum dt_err err =
            dt_relay_read_kept(fx.http, fx.url, q->address, dt_view_of(q->read), after, &b, &first);

        if (err == DT_ERR_EXPIRED)
            return first;
        OK(err);
        usleep(100000);
    }
    return 0;
}

/* An answer with cells of one queue: its last position, and that of its one cell (0: none). */
static void
expect_found(const struct dt_buf *b, uint64_t last, uint64_t position)
{
    struct dt_wire_founds found;
    struct dt_wire_found one;
    struct dt_wire_items walk;
    struct dt_wire_item item = {0};
    uint64_t is = 0;
    bool more = false;

    OK(dt_wire_found_begin(dt_buf_view(b), &found));
    OK(dt_wire_found_next(&found, &one, &more));
    assert_true(more);
    OK(dt_wire_items_begin(one.cells, &is, &walk));
    assert_int_equal(is, last);
    OK(dt_wire_items_next(&walk, &item, &more));
    assert_int_equal(more, position != 0);
    assert_int_equal(item.position, position);
}

static void
over_http(void **state)
{
    static const char *const limits[] = {"--keep", "1s", "--keep-unread", "none", NULL};
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_wire_poll wanted = {.after = 0};
    struct dt_wire_news news[DT_RELAY_POLL_MAX];
    struct fixture_queue q;
    struct dt_wire_items walk;
    struct dt_wire_item item;
    uint64_t position = 0, last = 0;
    uint8_t body[24] = {9};
    bool more = false;
    size_t n = 0;

    (void)state;
    http_start(limits);
    fixture_queue_new(&fx, &q);
    for (uint8_t i = 1; i <= 3; i++)
        OK(http_append(&q, i, i, &position));
    assert_int_equal(wait_expired(&q, 0, 3), 0); /* nobody has read it */
    OK(ack(&q, 1, 0));
    OK(ack(&q, 2, 3));
    assert_int_equal(wait_expired(&q, 0, 3), 0); /* one has not */
    OK(ack(&q, 1, 2));
    OK(ack(&q, 1, 1)); /* what was read is not unread again */
    assert_int_equal(wait_expired(&q, 0, 10), 3);
    assert_int_equal(dt_relay_read(fx.http, fx.url, q.address, dt_view_of(q.read), 1, 0, &b),
                     DT_ERR_EXPIRED);
    OK(dt_relay_read(fx.http, fx.url, q.address, dt_view_of(q.read), 2, 0, &b));
    OK(dt_wire_items_begin(dt_buf_view(&b), &last, &walk));
    OK(dt_wire_items_next(&walk, &item, &more));
    assert_true(more && item.position == 3 && item.cell.p[0] == 3);
    OK(http_append(&q, 1, 1, &position)); /* a late retry */
    assert_int_equal(position, 1);
    assert_int_equal(http_append(&q, 1, 9, &position), DT_ERR_CONFLICT);
    OK(http_append(&q, 4, 4, &position)); /* positions go on */
    assert_int_equal(position, 4);
    memcpy(wanted.address, q.address, 32);
    memcpy(wanted.read_token, q.read, 32);
    OK(dt_relay_poll(fx.http, fx.url, &wanted, 1, 5, news, &n));
    assert_true(n == 1 && news[0].last == 4);
    dt_buf_clear(&b); /* with cells: not those behind what went, which a read says */
    OK(dt_relay_poll_cells(fx.http, fx.url, &wanted, 1, 5, &b));
    expect_found(&b, 4, 0);
    wanted.after = 3;
    dt_buf_clear(&b);
    OK(dt_relay_poll_cells(fx.http, fx.url, &wanted, 1, 5, &b));
    expect_found(&b, 4, 4);

    assert_int_equal(ack(&q, 1, 5), DT_ERR_FORMAT); /* past the end */
    assert_int_equal(ack_status(&q, "POST", q.write, body, sizeof(body)), 403);
    assert_int_equal(ack_status(&q, "POST", q.read, body, sizeof(body) - 1), 400);
    assert_int_equal(ack_status(&q, "POST", q.read, body, 0), 400);
    assert_int_equal(ack_status(&q, "GET", q.read, body, 0), 405);
    for (unsigned int i = 3; i <= DT_RELAY_READERS_MAX; i++)
        OK(ack(&q, (uint8_t)i, 0));
    assert_int_equal(ack(&q, 200, 0), DT_ERR_LIMIT);
    OK(ack(&q, 1, 4));                           /* those who are there go on */
    assert_int_equal(wait_expired(&q, 2, 3), 0); /* and none of the others has read it */
}

#define HTTP(f) cmocka_unit_test_teardown(f, http_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_a_model), cmocka_unit_test(killed),
                                       HTTP(over_http),
                                       cmocka_unit_test(little_room)}; /* on the file's disk */

    return FIXTURE_TESTS(tests, 3, NULL, NULL);
}
