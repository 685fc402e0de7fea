/*
 * tests/relay/test_register.c - a register in the store, without HTTP: appends, faults, crashes and
 * reads in any order never show it smaller or another; what is kept of it; stores of the first
 * version.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <poll.h>

#include <cmocka.h>

#include "base/mem.h"
#include "db/db.h"
#include "log/tile_read.h"
#include "place.h"
#include "relay/handlers.h"

/* Append seals [first, first + n) in one batch. */
static void
append(const struct place *p, struct dt_relay_store *s, int64_t reg, uint64_t first, size_t n)
{
    struct dt_relay_store_job *jobs = dt_alloc(n, sizeof(*jobs)), **list;

    list = dt_alloc(n, sizeof(struct dt_relay_store_job *));
    assert_true(jobs != NULL && list != NULL);
    for (size_t i = 0; i < n; i++) {
        entry_job(p, reg, first + i, &jobs[i]);
        list[i] = &jobs[i];
    }
    OK(dt_relay_store_run(s, list, n));
    for (size_t i = 0; i < n; i++) {
        OK(jobs[i].result);
        assert_int_equal(jobs[i].u.entry.index, first + i);
    }
    dt_free(list);
    dt_free(jobs);
}

/* The first two witnesses cosign ${note} at ${time_s}. */
static enum dt_err
cosign(const struct place *p, struct dt_relay_store *s, int64_t reg, struct dt_view note,
       uint64_t time_s, struct dt_relay_store_job *job)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf cosigned = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    enum dt_err err = place_cosign_job(p, s, reg, note, time_s, 2, &cosigned, job);

    return err == DT_OK ? dt_relay_store_run(s, &job, 1) : err;
}

/* ---- what is kept ---- */

static bool
kept(struct dt_relay_store *s, int64_t reg, uint64_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    uint64_t got = 0;
    enum dt_err err = dt_relay_store_checkpoint(s, reg, DT_RELAY_STORE_SIZE, size, &note, &got);

    assert_true(err == DT_OK || err == DT_ERR_NOT_FOUND);
    assert_true(err != DT_OK || got == size);
    return err == DT_OK;
}

static void
old_checkpoints(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    const uint64_t far = DT_RELAY_CHECKPOINTS_KEPT;
    struct dt_relay_store *s;
    struct dt_relay_store_job job;
    struct place p;
    int64_t reg = 0;
    uint64_t size = 0;

    (void)state;
    place_begin(&p, UINT32_MAX);
    s = place_open(&p, &reg);
    append(&p, s, reg, 0, 10);
    append(&p, s, reg, 10, 10);
    OK(dt_relay_store_checkpoint(s, reg, DT_RELAY_STORE_HELD, 0, &note, &size));
    assert_int_equal(size, 20);
    OK(cosign(&p, s, reg, dt_buf_view(&note), 1700000000, &job));
    OK(job.result);
    append(&p, s, reg, 20, 10);
    for (uint64_t at = 30; at < far + 10;) {
        uint64_t n = far + 10 - at < 1000 ? far + 10 - at : 1000;

        append(&p, s, reg, at, n);
        at += n;
        if (at < far)
            assert_true(kept(s, reg, 0) && kept(s, reg, 10) && kept(s, reg, 20));
    }
    /* At far + 10 entries the checkpoints below 10 are far back. */
    assert_true(!kept(s, reg, 0) && kept(s, reg, 10) && kept(s, reg, 20) && kept(s, reg, 30));
    dt_relay_store_close(s); /* what the writer has in memory is no part of the rule */
    s = place_open(&p, &reg);
    append(&p, s, reg, far + 10, 1);
    assert_true(!kept(s, reg, 10) && kept(s, reg, 20) && kept(s, reg, 30));
    append(&p, s, reg, far + 11, 100);
    assert_true(!kept(s, reg, 10) && kept(s, reg, 20) && !kept(s, reg, 30));
    assert_true(kept(s, reg, far + 11) && kept(s, reg, far + 111));
    /* It is attested still, and what is gone cannot be cosigned. */
    dt_buf_clear(&note);
    OK(dt_relay_store_checkpoint(s, reg, DT_RELAY_STORE_ATTESTED, 0, &note, &size));
    assert_int_equal(size, 20);
    dt_relay_store_close(s);
    place_end(&p);
}

/* Two processes on one database, where there can be two: what the other appended since is no sign
 * of another tree. */
static void
checked_beside_another(void **state)
{
    struct dt_relay_store *s, *other;
    struct place p;
    int64_t reg = 0;
    size_t n = 0;

    (void)state;
    place_begin(&p, UINT32_MAX);
    s = place_open(&p, &reg);
    append(&p, s, reg, 0, 10);
    OK(dt_relay_store_check(s, &n));
    other = fixture_on_postgres() ? place_open(&p, &reg) : s;
    append(&p, other, reg, 10, 300);
    OK(dt_relay_store_check(s, &n));
    assert_int_equal(n, 1);
    OK(dt_relay_store_check(other, &n));
    if (other != s)
        dt_relay_store_close(other);
    dt_relay_store_close(s);
    place_end(&p);
}

/* A line that is there already changes nothing, nor does a later one; an earlier one does. */
static void
cosigned_again(void **state)
{
    static const struct {
        uint64_t time_s;
        bool changed;
    } row[] = {{1700000005, true}, {1700000005, false}, {1700000006, false},
               {1700000004, true}, {1700000005, false}, {1700000004, false}};
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    struct dt_relay_store_job job;
    struct dt_relay_store *s;
    struct place p;
    int64_t reg = 0;
    uint64_t size = 0;

    (void)state;
    place_begin(&p, UINT32_MAX);
    s = place_open(&p, &reg);
    append(&p, s, reg, 0, 10);
    OK(dt_relay_store_checkpoint(s, reg, DT_RELAY_STORE_HELD, 0, &note, &size));
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        OK(cosign(&p, s, reg, dt_buf_view(&note), row[i].time_s, &job));
        OK(job.result);
        assert_int_equal(job.u.cosign.changed, row[i].changed);
    }
    dt_relay_store_close(s);
    place_end(&p);
}

/* What has no time is not taken: it would stand for ever as the earliest. */
static void
cosigned_at_no_time(void **state)
{
    static const uint64_t bad[] = {0, TLOG_TIME_COUNTS_MAX + 1, TLOG_TIME_MAX};
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    DT_CLEANUP(tlog_note_clear) struct tlog_note parsed = {0};
    struct dt_relay_store *s;
    struct place p;
    int64_t reg = 0;
    uint64_t size = 0;

    (void)state;
    place_begin(&p, UINT32_MAX);
    s = place_open(&p, &reg);
    OK(dt_relay_store_checkpoint(s, reg, DT_RELAY_STORE_HELD, 0, &note, &size));
    OK(dt_relay_store_policy(s, reg, &policy));
    OK(tlog_note_parse(dt_buf_view(&note), &parsed));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf cosigned = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
        struct dt_relay_store_job job = {.kind = DT_JOB_COSIGN};

        OK(dt_buf_append(&cosigned, dt_buf_view(&note)));
        OK(tlog_cosign(&p.witness[0], parsed.text, bad[i], &cosigned));
        assert_int_equal(relay_cosign_read(&policy, dt_buf_view(&cosigned), &job), DT_ERR_REFUSED);
    }
    dt_relay_store_close(s);
    place_end(&p);
}

/* ---- quotas and what is held already ---- */

static uint64_t
given_time(void *ctx)
{
    return *(const uint64_t *)ctx;
}

static void
quotas(void **state)
{
    uint64_t now = 100 * DT_MS_DAY;
    struct dt_relay_store_config config = {.clock = {given_time, &now}};
    struct dt_relay_store_job jobs[5], *list[5];
    struct dt_relay_store *s;
    struct place p;
    int64_t reg = 0;

    (void)state;
    place_begin(&p, 3);
    dt_relay_store_close(place_open(&p, &reg));
    config.path = p.path;
    OK(dt_relay_store_open(&config, &s));
    /* In one batch: the same seal twice, and one more than the quota. */
    for (size_t i = 0; i < 5; i++) {
        entry_job(&p, reg, i == 0 ? 1 : i, &jobs[i]);
        list[i] = &jobs[i];
    }
    OK(dt_relay_store_run(s, list, 5));
    assert_int_equal(jobs[0].u.entry.index, 0);
    assert_int_equal(jobs[1].u.entry.index, 0);
    assert_true(!jobs[0].u.entry.existed && jobs[1].u.entry.existed);
    assert_int_equal(jobs[2].u.entry.index, 1);
    assert_int_equal(jobs[3].u.entry.index, 2);
    assert_int_equal(jobs[4].result, DT_ERR_BUSY);
    now -= DT_MS_DAY; /* a clock that goes back gives no day twice */
    OK(dt_relay_store_run(s, &list[4], 1));
    assert_int_equal(jobs[4].result, DT_ERR_BUSY);
    OK(dt_relay_store_run(s, &list[3], 1)); /* held: costs nothing */
    OK(jobs[3].result);
    now += 2 * DT_MS_DAY;
    OK(dt_relay_store_run(s, &list[4], 1));
    OK(jobs[4].result);
    assert_int_equal(jobs[4].u.entry.index, 3);
    jobs[4].u.entry.key_hash[0] ^= 1; /* no key of this register */
    jobs[4].u.entry.seal[0] ^= 1;
    OK(dt_relay_store_run(s, &list[4], 1));
    assert_int_equal(jobs[4].result, DT_ERR_REFUSED);
    dt_relay_store_close(s);
    place_end(&p);
}

/* ---- a store of the first version ---- */

static enum dt_err
as_it_is(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)db;
    (void)from;
    (void)ctx;
    return DT_ERR_INTERNAL;
}

#define NO_CADENCE                                                                                 \
    "ALTER TABLE register DROP COLUMN cadence_k; ALTER TABLE register DROP COLUMN cadence_ms;"     \
    "ALTER TABLE append_key DROP COLUMN period; ALTER TABLE append_key DROP COLUMN in_period;"

#define NO_BOUNDS                                                                                  \
    "DROP TABLE gone; DROP TABLE reader; DROP TABLE served;"                                       \
    "ALTER TABLE cell DROP COLUMN served_s; ALTER TABLE queue DROP COLUMN expired;"                \
    "ALTER TABLE queue DROP COLUMN forgotten; ALTER TABLE grants DROP COLUMN bytes_max;"           \
    "ALTER TABLE grants DROP COLUMN cells_max; ALTER TABLE grants DROP COLUMN rate;"               \
    "ALTER TABLE grants DROP COLUMN burst; ALTER TABLE grants DROP COLUMN polls_max;"              \
    "ALTER TABLE grants DROP COLUMN keep_s; ALTER TABLE grants DROP COLUMN keep_unread_s;"         \
    "ALTER TABLE grants DROP COLUMN keep_cells; ALTER TABLE grants DROP COLUMN keep_since_s;"      \
    "ALTER TABLE grants DROP COLUMN bytes; ALTER TABLE grants DROP COLUMN cells;"

/* It had an index over whole entries instead of the table of what is held, and no read keys; and,
 * as version 2, no cadences, and as version 3 no bounds. */
static void
first_version(void **state)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = NULL;
    struct dt_relay_store_job job, *list = &job;
    struct dt_db_config config = {.app_id = 0x64745201u, .version = 4, .migrate = as_it_is};
    struct dt_relay_store *s;
    struct place p;
    int64_t reg = 0;
    size_t n = 0;

    (void)state;
    place_begin(&p, UINT32_MAX);
    s = place_open(&p, &reg);
    append(&p, s, reg, 0, 300);
    dt_relay_store_close(s);
    config.path = p.path;
    OK(dt_db_open(&config, &db));
    OK(dt_db_exec(db, NO_BOUNDS NO_CADENCE
                  "DROP TABLE seen; ALTER TABLE register DROP COLUMN read_hash;"
                  "CREATE UNIQUE INDEX entry_once ON entry(register, entry);"
                  "PRAGMA user_version=1"));
    dt_db_close(db);
    db = NULL;
    s = place_open(&p, &reg);
    OK(dt_relay_store_check(s, &n));
    assert_int_equal(n, 1);
    for (uint64_t i = 0; i < 300; i += 50) {
        entry_job(&p, reg, i, &job);
        OK(dt_relay_store_run(s, &list, 1));
        assert_true(job.u.entry.existed);
        assert_int_equal(job.u.entry.index, i);
    }
    append(&p, s, reg, 300, 1);
    dt_relay_store_close(s);
    OK(dt_db_open(&config, &db));
    OK(dt_db_check(db));
    place_end(&p);
}

static void
second_version(void **state)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = NULL;
    struct dt_db_config config = {.app_id = 0x64745201u, .version = 4, .migrate = as_it_is};
    struct dt_relay_store *s;
    struct place p;
    int64_t reg = 0;
    size_t n = 0;

    (void)state;
    place_begin(&p, UINT32_MAX);
    s = place_open(&p, &reg);
    append(&p, s, reg, 0, 3);
    dt_relay_store_close(s);
    config.path = p.path;
    OK(dt_db_open(&config, &db));
    OK(dt_db_exec(db, NO_BOUNDS NO_CADENCE "PRAGMA user_version=2"));
    dt_db_close(db);
    db = NULL;
    s = place_open(&p, &reg);
    OK(dt_relay_store_check(s, &n));
    assert_int_equal(n, 1);
    append(&p, s, reg, 3, 40); /* as they come */
    dt_relay_store_close(s);
    OK(dt_db_open(&config, &db));
    OK(dt_db_check(db));
    place_end(&p);
}

/* ---- appends, faults, crashes and reads in any order ---- */

#ifdef __SANITIZE_ADDRESS__
#define ROUNDS 8 /* what a sanitizer sees it sees in few; all are gone through without it */
#else
#define ROUNDS 24
#endif
#define ROUNDS_PG 8 /* on the other store */
#define BATCH_MAX 40
#define SEEN_MAX  20000
#define WRITE     "--write"

static uint64_t random_state;

static uint32_t
pick(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % n;
}

/* What a writer says to who watches it: seal ${seal} stands at ${index}. */
struct ack {
    uint64_t seal, index;
};

static bool
now_and_then(void *ctx, enum dt_db_point at)
{
    (void)ctx;
    return pick(at == DT_DB_COMMIT ? 10 : 2000) == 0;
}

/* In a process of its own that is killed: batches of new and of known seals, now and then a
 * cosignature; one batch in some meets a fault, and then nothing of it is said. ${seal} is the
 * first that is free.
 */
static void
write_until_killed(const struct place *p, uint64_t seal, int to)
{
    static struct dt_relay_store_job jobs[BATCH_MAX];
    struct dt_relay_store_job *list[BATCH_MAX];
    uint64_t which[BATCH_MAX];
    struct dt_relay_store *s;
    int64_t reg = 0;

    s = place_open(p, &reg);
    dt_db_fault(now_and_then,
                NULL); /* from here on nothing may be asserted: that is the parent's */
    for (;;) {
        size_t n = 1 + pick(BATCH_MAX);

        for (size_t i = 0; i < n; i++) {
            which[i] = seal > 0 && pick(8) == 0 ? pick((uint32_t)seal) : seal++;
            entry_job(p, reg, which[i], &jobs[i]);
            list[i] = &jobs[i];
        }
        if (dt_relay_store_run(s, list, n) != DT_OK)
            continue;
        for (size_t i = 0; i < n; i++) {
            struct ack ack = {which[i], jobs[i].u.entry.index};

            if (jobs[i].result != DT_OK || write(to, &ack, sizeof(ack)) != (ssize_t)sizeof(ack))
                _exit(1);
        }
        if (pick(4) == 0) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
            uint64_t size = 0;

            if (dt_relay_store_checkpoint(s, reg, DT_RELAY_STORE_HELD, 0, &note, &size) == DT_OK)
                dt_ignore(cosign(p, s, reg, dt_buf_view(&note), 1700000000, &jobs[0]),
                          "it may meet a fault");
        }
    }
}

/* What the watcher has seen: nothing of it may be contradicted, ever. */
static struct watcher {
    struct place place;
    struct tlog_vkey log;
    uint64_t *at; /* by seal: index + 1, 0 when it was not acknowledged */
    uint64_t seals;
    uint64_t held, attested;
    struct {
        uint64_t size;
        struct tlog_hash root;
    } seen[SEEN_MAX];
    size_t n_seen;
} watched;

struct tile_source {
    struct dt_relay_store *store;
    int64_t reg;
};

static enum dt_err
tile_of_store(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    const struct tile_source *from = ctx;

    return dt_relay_store_tile(from->store, from->reg, tile, out);
}

/* One look, while the other process writes: no size goes back, the note is signed, and tiles of its
 * size lead to its root. */
static void
look(struct dt_relay_store *s, int64_t reg, enum dt_relay_store_which which, uint64_t *last)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    struct tile_source source = {s, reg};
    struct tlog_policy_state state;
    struct tlog_frontier f;
    uint64_t size = 0;
    enum dt_err err = dt_relay_store_checkpoint(s, reg, which, 0, &note, &size);

    if (err == DT_ERR_NOT_FOUND && which == DT_RELAY_STORE_ATTESTED && *last == 0)
        return;
    OK(err);
    assert_true(size >= *last);
    *last = size;
    OK(dt_relay_store_policy(s, reg, &policy));
    OK(tlog_policy_evaluate(&policy, &watched.log, dt_buf_view(&note), &state));
    assert_int_equal(state.checkpoint.size, size);
    assert_true(which != DT_RELAY_STORE_ATTESTED || state.quorum);
    OK(tlog_tiles_frontier(tile_of_store, &source, size, &state.checkpoint.root, &f));
    if (watched.n_seen < SEEN_MAX) {
        watched.seen[watched.n_seen].size = size;
        watched.seen[watched.n_seen++].root = state.checkpoint.root;
    }
}

static void
take_acks(int from)
{
    struct ack ack;
    ssize_t got;

    while ((got = read(from, &ack, sizeof(ack))) > 0) {
        assert_int_equal(got, sizeof(ack)); /* shorter than PIPE_BUF: whole or not at all */
        assert_true(ack.seal < SEEN_MAX * 4);
        assert_true(watched.at[ack.seal] == 0 || watched.at[ack.seal] == ack.index + 1);
        watched.at[ack.seal] = ack.index + 1;
        if (ack.seal >= watched.seals)
            watched.seals = ack.seal + 1;
    }
}

/* After the last crash: every acknowledged seal at its index, every signed root that was seen the
 * root of that many entries. */
static void
compare_all(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bundle = DT_BUF_INIT(TLOG_BUNDLE_MAX);
    struct tlog_hash *leaf = dt_alloc(SEEN_MAX * 4, sizeof(*leaf)), root;
    struct tlog_leaves leaves = {leaf, 0};
    struct dt_relay_store *s;
    int64_t reg = 0;
    size_t n = 0;

    assert_non_null(leaf);
    s = place_open(&watched.place, &reg);
    OK(dt_relay_store_check(s, &n));
    look(s, reg, DT_RELAY_STORE_HELD, &watched.held);
    look(s, reg, DT_RELAY_STORE_ATTESTED, &watched.attested);
    while (leaves.n < watched.held) {
        struct tlog_tile tile = {.entries = true, .index = leaves.n / TLOG_TILE_WIDTH};
        struct dt_view entries[TLOG_TILE_WIDTH];

        tile.width = tlog_tile_width(0, tile.index, watched.held);
        bundle.n = 0;
        OK(dt_relay_store_tile(s, reg, &tile, &bundle));
        OK(tlog_bundle_parse(dt_buf_view(&bundle), entries, &n));
        for (size_t i = 0; i < n; i++)
            OK(tlog_leaf_hash(entries[i], &leaf[leaves.n++]));
    }
    for (uint64_t i = 0; i < watched.seals; i++) {
        struct tlog_hash want;

        if (watched.at[i] == 0)
            continue;
        leaf_of(i, &want);
        assert_true(watched.at[i] <= leaves.n);
        assert_true(tlog_hash_equal(&leaf[watched.at[i] - 1], &want));
    }
    for (size_t i = 0; i < watched.n_seen; i++) {
        OK(tlog_root_make(tlog_leaves_node, &leaves, watched.seen[i].size, &root));
        assert_true(tlog_hash_equal(&root, &watched.seen[i].root));
    }
    print_message("%llu entries, %zu looks, attested %llu\n", (unsigned long long)leaves.n,
                  watched.n_seen, (unsigned long long)watched.attested);
    assert_true(leaves.n > 300 && watched.n_seen > 100 && watched.attested > 0);
    dt_relay_store_close(s);
    dt_free(leaf);
}

/* Watch a writer for a while, then kill it. ${s} watches through several of them. */
static void
one_round(struct dt_relay_store *s, int64_t reg)
{
    uint64_t end = dt_monotonic_ms() + 5000, seals = watched.seals;
    uint32_t then_ms = pick(150);
    char first[32], seed[32];
    int ends[2], status = 0;
    pid_t pid;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)snprintf(first, sizeof(first), "%llu", (unsigned long long)watched.seals + BATCH_MAX);
    (void)snprintf(seed, sizeof(seed), "%llu", (unsigned long long)random_state);
    pid = fork();
    if (pid == 0) { /* no connection of ours goes with it */
        (void)dup2(ends[1], 1);
        execl("/proc/self/exe", "test_register", WRITE, watched.place.dir, first, seed,
              (char *)NULL);
        _exit(99);
    }
    (void)close(ends[1]);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    while (dt_monotonic_ms() < end) {
        struct pollfd wait = {.fd = ends[0], .events = POLLIN};

        (void)poll(&wait, 1, 5);
        take_acks(ends[0]);
        if (seals != watched.seals && then_ms != UINT32_MAX) { /* it has begun */
            end = dt_monotonic_ms() + then_ms;
            then_ms = UINT32_MAX;
        }
        look(s, reg, DT_RELAY_STORE_HELD, &watched.held);
        look(s, reg, DT_RELAY_STORE_ATTESTED, &watched.attested);
    }
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status)); /* it does not end by itself */
    take_acks(ends[0]);
    (void)close(ends[0]);
}

static void
any_order(void **state)
{
    const char *seed = getenv("DT_SEED");
    struct dt_relay_store *s = NULL;
    char path[96];
    int64_t reg = 0;

    (void)state;
    random_state = seed == NULL ? 20261129 : strtoull(seed, NULL, 10);
    print_message("DT_SEED=%llu\n", (unsigned long long)random_state);
    place_begin(&watched.place, UINT32_MAX);
    OK(tlog_vkey_parse(dt_view_str(watched.place.grant.vkey), &watched.log));
    (void)snprintf(path, sizeof(path), "%s/place", watched.place.dir);
    OK(dt_file_write(path, dt_view((const uint8_t *)&watched.place, sizeof(watched.place)), 0600));
    watched.at = dt_alloc(SEEN_MAX * 4, sizeof(*watched.at));
    assert_non_null(watched.at);
    for (int i = 0; i < (fixture_on_postgres() ? ROUNDS_PG : ROUNDS); i++) {
        random_state += (uint64_t)i << 32; /* the child draws from a copy */
        if (i % 4 == 0) {
            dt_relay_store_close(s);
            s = place_open(&watched.place, &reg);
        }
        one_round(s, reg);
    }
    dt_relay_store_close(s);
    compare_all();
    dt_free(watched.at);
    place_end(&watched.place);
}

/* The other process: its place is in a file. */
static int
writer(const char *dir, uint64_t first, uint64_t seed)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(sizeof(struct place));
    static struct place p;
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/place", dir);
    OK(dt_crypto_init());
    OK(dt_file_read(path, &bytes));
    assert_int_equal(bytes.n, sizeof(p));
    memcpy(&p, bytes.p, sizeof(p));
    memset(p.witness, 0, sizeof(p.witness));
    place_keys(&p);
    random_state = seed;
    write_until_killed(&p, first, 1);
    return 1;
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_checkpoints),        cmocka_unit_test(cosigned_again),
        cmocka_unit_test(cosigned_at_no_time),    cmocka_unit_test(quotas),
        cmocka_unit_test(checked_beside_another), cmocka_unit_test(any_order),
        cmocka_unit_test(first_version),          cmocka_unit_test(second_version),
    };

    if (argc == 5 && strcmp(argv[1], WRITE) == 0)
        return writer(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    return FIXTURE_TESTS(tests, 6, NULL, NULL);
}
