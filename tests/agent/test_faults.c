/*
 * tests/agent/test_faults.c - a whole forum in one process, agents and relay: the n-th allocation,
 * random call or call of the database fails, once in an agent and once in the relay, n spread over
 * all that is done.
 *
 * Each run begins with the same stores and ends at rest: what failed said so, nothing that was
 * acknowledged is lost or doubled, nothing that was refused went out, stores are whole, nobody has
 * an alarm, nothing leaked.
 *
 * DT_FAULT_PLACES=N goes through N places of each kind, =all through all, for hours; DT_SEED=
 * repeats.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "agent/records/opening.h"
#include "base/mem.h"
#include "db/db.h"
#include "relay/relay.h"

#include "three.h"

/* Where the sanitizer is there: does anything leak by now? It tells of each leak once. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

#define TEXT     "said under a fault"
#define N_AGENTS 3
#define BLUE_ONE 1 /* says and records */
#define RED_ONE  2 /* answers */
#define ROUNDS   12
#define ALL      UINT_MAX
#define COUNTING (UINT_MAX - 1)
#define PLACES   7u /* of each kind and side, when nothing else is said */
#define TRIES    3  /* to find a place that this run reaches */

static const char *const names[N_AGENTS] = {"envoy", "blue-1", "red-1"};

/* ---- the fault ---- */

enum kind { ALLOC, RANDOM, DATABASE, N_KINDS };
static const char *const kind_names[N_KINDS] = {"allocation", "random call", "database call"};
static const enum dt_err kind_errors[N_KINDS] = {DT_ERR_NOMEM, DT_ERR_IO, DT_ERR_IO};

static pthread_t agents_thread; /* all others are the relay's */
static atomic_uint left;        /* calls up to the one that fails; 0: none does */
static atomic_uint armed;       /* kind * 2 + relay */
static atomic_bool fired;

static bool
fails(enum kind kind)
{
    bool relay = !pthread_equal(pthread_self(), agents_thread);
    unsigned int n = atomic_load(&left);

    if (atomic_load(&armed) != kind * 2u + relay)
        return false;
    do
        if (n == 0)
            return false;
    while (!atomic_compare_exchange_weak(&left, &n, n - 1));
    if (n == 1)
        atomic_store(&fired, true);
    return n == 1;
}

static bool
alloc_fails(void *ctx)
{
    (void)ctx;
    return fails(ALLOC);
}

static bool
random_fails(void *ctx)
{
    (void)ctx;
    return fails(RANDOM);
}

static bool
database_fails(void *ctx, enum dt_db_point at)
{
    (void)ctx;
    (void)at;
    return fails(DATABASE);
}

static void
arm(enum kind kind, bool relay, unsigned int n)
{
    atomic_store(&left, 0);
    atomic_store(&armed, kind * 2u + relay);
    atomic_store(&fired, false);
    atomic_store(&left, n);
}

/* ---- the world ---- */

struct forum {
    struct three *t;
    struct dt_relay *relay;
    uint64_t began_ms;    /* by the world's clock, of every run */
    uint8_t attested[32]; /* a record with consents, to be opened */
    uint64_t n_entries;   /* of the register, and */
    size_t n_records;     /* that are there at the beginning */
    bool said;            /* acknowledged, in this run: */
    bool recorded, answered;
    uint8_t record[32], answer[32];
};

static void
relay_start(struct forum *f)
{
    char store[128];
    struct dt_relay_config config = {
        .store = store, .listen = f->t->w.address, .clock = world_clock(&f->t->w)};

    world_path(&f->t->w, "relay.db", store);
    ok(dt_relay_start(&config, &f->relay));
}

/* The relay ends; its store and all its registers are whole. */
static void
relay_stop(struct forum *f)
{
    struct dt_relay_store_config config = {0};
    struct dt_relay_store *s = NULL;
    char store[128];
    size_t n = 0;

    dt_relay_stop(f->relay, NULL, NULL);
    f->relay = NULL;
    world_path(&f->t->w, "relay.db", store);
    config.path = store;
    ok(dt_relay_store_open(&config, &s));
    ok(dt_relay_store_check(s, &n));
    dt_relay_store_close(s);
    is(n, 1);
}

static void
in_dir(const struct forum *f, const char *command)
{
    char line[256];

    assert_true(snprintf(line, sizeof line, "cd '%s' && %s", f->t->w.dir, command) <
                (int)sizeof line);
    is(system(line), 0);
}

static void
close_all(struct forum *f)
{
    for (size_t i = 0; i < N_AGENTS; i++) {
        dt_agent_close(f->t->a[i]);
        f->t->a[i] = NULL;
    }
    if (f->relay != NULL)
        relay_stop(f);
}

static void
open_all(struct forum *f)
{
    for (size_t i = 0; i < N_AGENTS; i++)
        if (f->t->a[i] == NULL)
            f->t->a[i] = world_open(&f->t->w, names[i]);
}

/* Stores and clock become what they were when forum_keep() was called. */
static void
forum_reset(struct forum *f)
{
    struct dt_clock real = dt_clock_system();

    close_all(f);
    in_dir(f, "rm -rf envoy blue-1 red-1 relay.db* && cp -a kept/. .");
    f->t->w.offset_ms = f->began_ms - dt_clock_now(&real); /* modulo 2^64 */
    f->said = f->recorded = f->answered = false;
    relay_start(f);
    open_all(f);
}

static void
forum_keep(struct forum *f)
{
    struct dt_clock clock = world_clock(&f->t->w);

    f->began_ms = dt_clock_now(&clock);
    close_all(f);
    in_dir(f, "mkdir kept && cp -a envoy blue-1 red-1 relay.db* kept/");
}

/* Channels and register, as programs do it. */
static enum dt_err
sync_all_of(struct dt_agent *a, struct dt_sync_report *r, struct dt_register_report *reg)
{
    enum dt_err err = dt_agent_sync(a, r);

    return err == DT_OK ? dt_agent_register_sync(a, reg) : err;
}

/* Until nobody has anything to send or to read. */
static void
rest(struct forum *f)
{
    for (unsigned int round = 0, quiet = 0; quiet < N_AGENTS; round++) {
        struct dt_sync_report r = {0};
        struct dt_register_report reg = {0};

        assert_true(round < ROUNDS * N_AGENTS);
        ok(sync_all_of(f->t->a[round % N_AGENTS], &r, &reg));
        is(r.passed_over, 0);
        quiet = r.sent == 0 && r.received == 0 && r.waiting == 0 && reg.submitted == 0 &&
                        reg.waiting == 0
                    ? quiet + 1
                    : 0;
    }
}

/* ---- what is done ---- */

static enum dt_err
record(struct dt_agent *a, const uint8_t gid[static 32], uint8_t commitment[static 32])
{
    static const char *const set[][2] = {{"mode", "call"},
                                         {"initiated_by", "blue"},
                                         {"parties", "blue; red"},
                                         {"started_at", "2026-01-01T00:00:00Z"},
                                         {"ended_at", "2026-01-01T01:00:00Z"},
                                         {"time_precision", "day"},
                                         {"level", "head"},
                                         {"participants", "two"}};
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft draft = {0};
    enum dt_err err = dt_agent_record_draft(a, gid, "contact", &draft);

    for (size_t i = 0; err == DT_OK && i < sizeof set / sizeof set[0]; i++)
        err = dt_record_draft_set_text(&draft, set[i][0], dt_view_str(set[i][1]),
                                       dt_agent_charter(a));
    return err == DT_OK ? dt_agent_record_send(a, gid, &draft, commitment) : err;
}

static enum dt_err
answer(struct dt_agent *a, const uint8_t about[static 32], enum dt_answer what,
       uint8_t commitment[static 32])
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft draft = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    struct dt_clock clock = a->clock;
    uint64_t slots = 0;
    enum dt_err err = dt_agent_answer_draft(a, about, what, &draft, &subject);

    if (err == DT_OK && what == DT_ANSWER_CONSENT &&
        (err = dt_slots_from_names(subject.tmpl, dt_view_str("mode"), &slots)) == DT_OK)
        err = dt_consent_set(&draft, slots, dt_view_str("public"),
                             dt_clock_now(&clock) + 30 * DT_MS_DAY, DT_CONSENT_NONE);
    return err == DT_OK ? dt_agent_record_send(a, subject.channel, &draft, commitment) : err;
}

static enum dt_err
step_reopen(struct forum *f)
{
    struct dt_clock clock = world_clock(&f->t->w);
    char home[128];

    world_path(&f->t->w, names[BLUE_ONE], home);
    dt_agent_close(f->t->a[BLUE_ONE]);
    f->t->a[BLUE_ONE] = NULL;
    return dt_agent_open(home, dt_view_str(PASSPHRASE), &clock, &f->t->a[BLUE_ONE]);
}

static enum dt_err
step_say(struct forum *f)
{
    uint8_t id[16];
    enum dt_err err = dt_agent_talk_text(f->t->a[BLUE_ONE], f->t->gid, dt_view_str(TEXT), id);

    f->said = err == DT_OK;
    return err;
}

static enum dt_err
step_sync_blue(struct forum *f)
{
    return sync_all_of(f->t->a[BLUE_ONE], NULL, NULL);
}

static enum dt_err
step_sync_red(struct forum *f)
{
    return sync_all_of(f->t->a[RED_ONE], NULL, NULL);
}

static enum dt_err
step_record(struct forum *f)
{
    enum dt_err err = record(f->t->a[BLUE_ONE], f->t->gid, f->record);

    f->recorded = err == DT_OK;
    return err;
}

static enum dt_err
step_answer(struct forum *f)
{
    enum dt_err err = answer(f->t->a[RED_ONE], f->record, DT_ANSWER_COUNTERSIGN, f->answer);

    f->answered = err == DT_OK;
    return err;
}

static enum dt_err
step_open(struct forum *f)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(1u << 22);
    DT_CLEANUP(dt_buf_clear) struct dt_buf report = DT_BUF_INIT(1u << 16);
    struct dt_opening_params params = {.show_names = true};
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    enum dt_err err;

    memcpy(params.commitment, f->attested, 32);
    if ((err = dt_agent_record(f->t->a[BLUE_ONE], f->attested, &r)) != DT_OK ||
        (err = dt_slots_from_names(r.tmpl, dt_view_str("mode"), &params.slots)) != DT_OK ||
        (err = dt_agent_open_record(f->t->a[BLUE_ONE], &params, &report, &file)) != DT_OK)
        return err;
    assert_true(file.n > 500);
    return DT_OK;
}

static const struct {
    const char *name;
    enum dt_err (*step)(struct forum *f);
} steps[] = {
    {"opening the home", step_reopen},
    {"talk", step_say},
    {"blue's sync", step_sync_blue},
    {"red's sync", step_sync_red},
    {"a record", step_record},
    {"blue's sync of the record", step_sync_blue},
    {"red's sync of it", step_sync_red},
    {"an answer", step_answer},
    {"red's sync of the answer", step_sync_red},
    {"blue's sync of it", step_sync_blue},
    {"a proof", step_open},
};

/* ---- one run ---- */

static size_t
records_like(struct dt_agent *a, const uint8_t commitment[static 32], size_t *out_all)
{
    struct dt_record_info *v = NULL;
    size_t n = 0, count = 0;

    ok(dt_agent_records(a, NULL, &v, &n));
    for (size_t i = 0; i < n; i++)
        count += memcmp(v[i].commitment, commitment, 32) == 0;
    dt_free(v);
    *out_all = n;
    return count;
}

/* At rest: everything acknowledged once with everyone, and nothing else. */
static void
judge(struct forum *f)
{
    uint64_t epoch = world_channel(f->t->a[0], f->t->gid).epoch;

    for (size_t i = 0; i < N_AGENTS; i++) {
        struct dt_agent *a = f->t->a[i];
        struct dt_channel_info channel = world_channel(a, f->t->gid);
        struct dt_register_report reg;
        size_t all = 0;

        ok(dt_agent_register_status(a, &reg));
        is(reg.size, f->n_entries + f->recorded + f->answered);
        ok(dt_store_check(dt_agent_store(a)));
        is(world_talk_count(a, f->t->gid, dt_view_str(TEXT)), f->said);
        if (f->recorded)
            is(records_like(a, f->record, &all), 1);
        if (f->answered)
            is(records_like(a, f->answer, &all), 1);
        (void)records_like(a, f->attested, &all);
        is(all, f->n_records + f->recorded + f->answered);
        is(channel.state, DT_CHANNEL_LIVE);
        assert_true(channel.confirmed);
        is(channel.epoch, epoch);
        is(world_alarms(a, 0), 0);
    }
}

/* The work with the n-th call failing; how many steps went well. */
static size_t
work(struct forum *f, enum kind kind, bool relay, unsigned int n, unsigned int *out_calls)
{
    enum dt_err err = DT_OK;
    size_t i = 0;

    forum_reset(f);
    dt_err_forget();
    arm(kind, relay, n);
    while (i < sizeof steps / sizeof steps[0] && (err = steps[i].step(f)) == DT_OK)
        i++;
    *out_calls = n - atomic_exchange(&left, 0);
    if (err == DT_OK)
        return i;
    if (!atomic_load(&fired))
        fail_msg("%s fails without a fault: %s (%s)", steps[i].name, dt_err_message(),
                 dt_err_place());
    if (!relay && err != kind_errors[kind])
        fail_msg("%s fails as %s (%s, at %s), not as %s", steps[i].name, dt_err_name(err),
                 dt_err_message(), dt_err_place(), dt_err_name(kind_errors[kind]));
    assert_true(strlen(dt_err_message()) > 5);
    assert_null(strchr(dt_err_message(), '\n'));
    return i;
}

struct sum {
    unsigned int runs, refused, leaks;
};

static void
run(struct forum *f, enum kind kind, bool relay, unsigned int n, struct sum *sum)
{
    unsigned int calls;
    size_t n_steps = work(f, kind, relay, n, &calls);

    /* No two runs make the same number of calls; one may end before the n-th: then, an earlier. */
    for (int tries = 0; !atomic_load(&fired) && tries < TRIES; tries++) {
        is(n_steps, sizeof steps / sizeof steps[0]);
        assert_in_range(calls, 1, n - 1);
        n = calls - calls / 50;
        print_message("there were %u; %u fails\n", calls, n);
        n_steps = work(f, kind, relay, n, &calls);
    }
    assert_true(atomic_load(&fired));
    sum->runs++;
    sum->refused += n_steps < sizeof steps / sizeof steps[0];
    if (n % 2 == 0) /* as a program that ends with its error and is started again */
        for (size_t i = 0; i < N_AGENTS; i++) {
            dt_agent_close(f->t->a[i]);
            f->t->a[i] = NULL;
        }
    open_all(f);
    rest(f);
    judge(f);
    if (__lsan_do_recoverable_leak_check != NULL && __lsan_do_recoverable_leak_check() != 0)
        sum->leaks++;
}

/* What the environment says, or ${none}. */
static unsigned int
setting(const char *name, unsigned int none)
{
    const char *s = getenv(name);

    if (s == NULL)
        return none;
    return strcmp(s, "all") == 0 ? ALL : (unsigned int)strtoul(s, NULL, 10);
}

static void
torture(struct forum *f, enum kind kind, bool relay)
{
    unsigned int places = setting("DT_FAULT_PLACES", PLACES), total = 0;
    struct sum sum = {0};

    is(work(f, kind, relay, COUNTING, &total), sizeof steps / sizeof steps[0]);
    if (places > total)
        places = total;
    for (unsigned int i = 0; i < places; i++) { /* one place in each of equal parts */
        unsigned int from = (unsigned int)((uint64_t)total * i / places);
        unsigned int to = (unsigned int)((uint64_t)total * (i + 1) / places);
        unsigned int n = from + 1 + (unsigned int)rand() % (to - from);

        print_message("%s %u of %u in %s fails\n", kind_names[kind], n, total,
                      relay ? "the relay" : "an agent");
        run(f, kind, relay, n, &sum);
        is(sum.leaks, 0);
    }
    print_message("%s: %u of %u %ss failed, %u of them told\n", relay ? "relay" : "agents",
                  sum.runs, total, kind_names[kind], sum.refused);
    assert_true(relay || sum.refused > 0);
}

static void
agents_fail(void **state)
{
    for (enum kind kind = 0; kind < N_KINDS; kind++)
        torture(*state, kind, false);
}

static void
relay_fails(void **state)
{
    for (enum kind kind = 0; kind < N_KINDS; kind++)
        torture(*state, kind, true);
}

/* A live plenary, and a record that can be opened. */
static int
set_up(void **state)
{
    struct forum *f = calloc(1, sizeof *f);
    struct dt_register_report reg;
    void *three = NULL;
    uint8_t commitment[32];
    unsigned int seed = setting("DT_SEED", (unsigned int)time(NULL));

    assert_non_null(f);
    /* Not on a disk: its syncs take most of the time, and whether they fail is the fault shim's. */
    if (access("/dev/shm", W_OK) == 0)
        is(setenv("TMPDIR", "/dev/shm", 0), 0);
    print_message("DT_SEED=%u\n", seed);
    srand(seed);
    agents_thread = pthread_self();
    dt_mem_fault(alloc_fails, NULL);
    dt_random_fault(random_fails, NULL);
    dt_db_fault(database_fails, NULL);
    is(three_set_up(&three), 0);
    f->t = three;
    world_relay_stop(&f->t->w);
    relay_start(f);
    ok(record(f->t->a[BLUE_ONE], f->t->gid, f->attested));
    rest(f);
    ok(answer(f->t->a[BLUE_ONE], f->attested, DT_ANSWER_CONSENT, commitment));
    ok(answer(f->t->a[RED_ONE], f->attested, DT_ANSWER_CONSENT, commitment));
    rest(f);
    three_cosign(f->t);
    rest(f);
    is(records_like(f->t->a[0], f->attested, &f->n_records), 1);
    ok(dt_agent_register_status(f->t->a[0], &reg));
    is(reg.size, f->n_records);
    f->n_entries = reg.size;
    forum_keep(f);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct forum *f = *state;
    void *three = f->t;

    close_all(f);
    dt_mem_fault(NULL, NULL);
    dt_random_fault(NULL, NULL);
    dt_db_fault(NULL, NULL);
    is(three_tear_down(&three), 0);
    free(f);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agents_fail),
                                       cmocka_unit_test(relay_fails)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
