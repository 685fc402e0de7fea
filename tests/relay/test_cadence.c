/*
 * tests/relay/test_cadence.c - the rhythm of a register as the relay keeps it: never more than the
 * slots that are due but for what is urgent, exactly k a period when someone always comes, and what
 * a client is told that comes too early.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "../base/folder.h"
#include "relay/relay.h"
#include "relay_fixture.h"

#define PARTIES 2
#define T0      (UINT64_C(1800000000) * 1000 - UINT64_C(1800000000) * 1000 % (7 * DT_MS_DAY))

static uint64_t now; /* of the relay */

static uint64_t
clock_now(void *ctx)
{
    (void)ctx;
    return now;
}

static uint64_t random_state;

static uint64_t
pick(uint64_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 33) % n;
}

/* A store with one register of a cadence, and its parties. */
struct place {
    char dir[64], path[FIXTURE_STORE];
    struct dt_relay_store *s;
    struct dt_grant grant[PARTIES];
    int64_t reg;
};

static enum dt_err
try_grant(struct place *p, struct dt_cadence cadence, uint32_t daily)
{
    struct dt_relay_store_config config = {
        .path = p->path, .create = true, .clock = {.now_ms = clock_now}};
    struct dt_grant_witness witnesses[2] = {{"north", ""}, {"south", ""}};
    struct dt_grant_order order = {.url = "http://a",
                                   .parties = fixture_names,
                                   .n_parties = PARTIES,
                                   .witnesses = witnesses,
                                   .n_witnesses = 2,
                                   .cadence = cadence,
                                   .daily_entries = daily,
                                   .bounds.queues = 1,
                                   .bounds.queue_cells = 1};

    OK(dt_crypto_init());
    for (size_t i = 0; i < 2; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf vkey = DT_BUF_INIT(DT_GRANT_VKEY_MAX);
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer signer = {0};

        OK(tlog_signer_new(dt_view_str(fixture_names[i]), TLOG_KEY_COSIGNATURE, &signer));
        OK(tlog_vkey_write(&signer.vkey, &vkey));
        memcpy(witnesses[i].vkey, vkey.p, vkey.n);
    }
    if (p->dir[0] == '\0') {
        assert_true(test_folder(p->dir, sizeof(p->dir), "cadence"));
        fixture_store(p->dir, p->path);
        OK(dt_relay_store_open(&config, &p->s));
    }
    return dt_relay_store_grant(p->s, &order, p->grant);
}

static void
place_begin(struct place *p, struct dt_cadence cadence)
{
    struct dt_relay_store_register row = {0};
    uint8_t id[DT_REGISTER_ID];

    *p = (struct place){0};
    now = T0;
    OK(try_grant(p, cadence, UINT32_MAX));
    OK(dt_hex_read_fixed(id, sizeof(id), dt_view_str(p->grant[0].register_id)));
    OK(dt_relay_store_register(p->s, id, &row));
    p->reg = row.id;
}

static void
place_end(struct place *p)
{
    dt_relay_store_close(p->s);
    fixture_remove_dir(p->dir);
}

/* Append seal number ${seal} for ${party}. */
static enum dt_err
append(struct place *p, size_t party, uint64_t seal, bool urgent, struct dt_relay_store_job *job)
{
    struct dt_relay_store_job *list = job;

    memset(job, 0, sizeof(*job));
    job->kind = DT_JOB_ENTRY;
    job->u.entry.reg = p->reg;
    job->u.entry.urgent = urgent;
    OK(dt_sha256(dt_view_of(p->grant[party].append_key), job->u.entry.key_hash));
    memcpy(job->u.entry.seal, &seal, sizeof(seal));
    OK(dt_relay_store_run(p->s, &list, 1));
    return job->result;
}

/* Slot by slot: one each, and the wait is to the next. */
static void
slots(void **state)
{
    struct dt_relay_store_job job;
    struct place p;
    uint64_t seal = 0;

    (void)state;
    place_begin(&p, (struct dt_cadence){3, DT_MS_DAY});
    for (uint64_t j = 0; j < 9; j++) {
        now = T0 + j * 8 * DT_MS_HOUR;
        OK(append(&p, 0, ++seal, false, &job));
        assert_int_equal(append(&p, 0, ++seal, false, &job), DT_ERR_BUSY);
        assert_int_equal(job.u.entry.wait_ms, 8 * DT_MS_HOUR);
        now += 8 * DT_MS_HOUR - 1;
        assert_int_equal(append(&p, 0, seal, false, &job), DT_ERR_BUSY);
        assert_int_equal(job.u.entry.wait_ms, 1);
    }
    /* One that came is there, whatever is due; and costs nothing. */
    OK(append(&p, 0, 1, false, &job));
    assert_true(job.u.entry.existed);
    assert_int_equal(job.u.entry.index, 0);
    /* Who comes late has the slots of the running period, and none of those before. */
    now = T0 + 4 * DT_MS_DAY + 17 * DT_MS_HOUR;
    for (int i = 0; i < 3; i++)
        OK(append(&p, 0, ++seal, false, &job));
    assert_int_equal(append(&p, 0, ++seal, false, &job), DT_ERR_BUSY);
    assert_int_equal(job.u.entry.wait_ms, 7 * DT_MS_HOUR);
    OK(append(&p, 1, ++seal, false, &job)); /* the other party has slots of its own */
    place_end(&p);
}

/* What is urgent is taken at once, and takes a coming slot. */
static void
urgent(void **state)
{
    struct dt_relay_store_job job;
    struct place p;
    uint64_t seal = 100;

    (void)state;
    place_begin(&p, (struct dt_cadence){3, DT_MS_DAY});
    OK(append(&p, 0, ++seal, false, &job));
    OK(append(&p, 0, ++seal, true, &job));
    now = T0 + 8 * DT_MS_HOUR;
    assert_int_equal(append(&p, 0, ++seal, false, &job), DT_ERR_BUSY);
    assert_int_equal(job.u.entry.wait_ms, 8 * DT_MS_HOUR);
    now = T0 + 16 * DT_MS_HOUR;
    OK(append(&p, 0, ++seal, false, &job));
    /* No slot is left: more than three in this period, and the next is as any other. */
    OK(append(&p, 0, ++seal, true, &job));
    OK(append(&p, 0, ++seal, true, &job));
    assert_int_equal(append(&p, 0, ++seal, false, &job), DT_ERR_BUSY);
    assert_int_equal(job.u.entry.wait_ms, 8 * DT_MS_HOUR);
    now = T0 + DT_MS_DAY;
    OK(append(&p, 0, ++seal, false, &job));
    assert_int_equal(append(&p, 0, ++seal, false, &job), DT_ERR_BUSY);
    place_end(&p);
}

/* A clock that goes back gives no slot twice, and one that was far ahead keeps nobody waiting. */
static void
clock_back(void **state)
{
    struct dt_relay_store_job job;
    struct place p;
    uint64_t seal = 200;

    (void)state;
    place_begin(&p, (struct dt_cadence){1, DT_MS_HOUR});
    now = T0 + DT_MS_HOUR;
    OK(append(&p, 0, ++seal, false, &job));
    now = T0 + DT_MS_HOUR - 1000;
    assert_int_equal(append(&p, 0, ++seal, false, &job), DT_ERR_BUSY);
    assert_int_equal(job.u.entry.wait_ms, DT_MS_HOUR + 1000);
    now = T0 + 365 * DT_MS_DAY;
    OK(append(&p, 0, ++seal, false, &job));
    now = T0 + 2 * DT_MS_HOUR;
    OK(append(&p, 0, ++seal, false, &job));
    assert_int_equal(append(&p, 0, ++seal, false, &job), DT_ERR_BUSY);
    place_end(&p);
}

/* The daily quota must have room for what is promised. */
static void
quota(void **state)
{
    struct dt_relay_store_job job;
    struct place p;

    (void)state;
    place_begin(&p, (struct dt_cadence){1, DT_MS_HOUR});
    assert_int_equal(try_grant(&p, (struct dt_cadence){1, DT_MS_HOUR}, 24), DT_ERR_USAGE);
    OK(try_grant(&p, (struct dt_cadence){1, DT_MS_HOUR}, 25));
    assert_int_equal(try_grant(&p, (struct dt_cadence){10, 7 * DT_MS_DAY}, 9), DT_ERR_USAGE);
    OK(try_grant(&p, (struct dt_cadence){10, 7 * DT_MS_DAY}, 10));
    /* Urgent or not, the quota holds; and it is not a matter of waiting for a slot. */
    p.reg += 2;
    for (uint64_t i = 0; i < 10; i++)
        OK(append(&p, 0, i, true, &job));
    now += 6 * DT_MS_DAY / 7;
    assert_int_equal(append(&p, 0, 10, true, &job), DT_ERR_BUSY);
    assert_int_equal(job.u.entry.wait_ms, 0);
    place_end(&p);
}

/*
 * Whatever comes in whatever order, the appends that are taken without being urgent never outrun
 * the slots due: before each of them the party had fewer entries in the period. And where someone
 * comes after every slot, a period ends with exactly k, or with the urgent ones beyond.
 */
static void
property(void **state)
{
    const char *seed = getenv("DT_SEED");

    (void)state;
    random_state = seed != NULL ? (uint64_t)strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    print_message("DT_SEED=%llu\n", (unsigned long long)random_state);
    for (unsigned int round = 0; round < 6; round++) {
        struct dt_cadence c = {1 + pick(7), (1 + pick(300)) * DT_MS_MINUTE};
        uint64_t period[PARTIES] = {0}, in[PARTIES] = {0}, seal = 0, asked = 0, taken = 0;
        struct dt_relay_store_job job;
        struct place p;

        place_begin(&p, c);
        for (unsigned int i = 0; i < 250; i++) {
            size_t who = (size_t)pick(PARTIES);
            bool hurry = pick(8) == 0;
            uint64_t start, due;
            enum dt_err err;

            now += pick(3) == 0 ? 0 : pick(c.period_ms / c.k + 2);
            start = now -
                    (now - (c.period_ms % (7 * DT_MS_DAY) == 0 ? 4 * DT_MS_DAY : 0)) % c.period_ms;
            if (start != period[who]) {
                period[who] = start;
                in[who] = 0;
            }
            /* The model: slot j is due once j/k of the period is over. */
            for (due = 0; due < c.k && (now - start) * c.k >= due * c.period_ms;)
                due++;
            err = append(&p, who, ++seal, hurry, &job);
            asked++;
            assert_int_equal(err, hurry || in[who] < due ? DT_OK : DT_ERR_BUSY);
            if (err == DT_OK) {
                in[who]++;
                taken++;
                continue;
            }
            /* What it is told is the first moment at which the next is taken. */
            assert_true(job.u.entry.wait_ms > 0 && job.u.entry.wait_ms <= c.period_ms);
            now += job.u.entry.wait_ms - 1;
            assert_int_equal(append(&p, who, seal, false, &job), DT_ERR_BUSY);
            now++;
            OK(append(&p, who, seal, false, &job));
            if (dt_cadence_period(&c, now) != period[who]) {
                period[who] = dt_cadence_period(&c, now);
                in[who] = 0;
            }
            in[who]++;
        }
        assert_true(taken < asked);
        /* Someone always comes: exactly k in each of the next periods. */
        now = dt_cadence_start_from(&c, now + 1);
        for (unsigned int n = 0; n < 3; n++) {
            uint64_t end = now + c.period_ms, count = 0;

            for (; now < end; now += 1 + c.period_ms / c.k / 4)
                while (append(&p, 0, ++seal, false, &job) == DT_OK)
                    count++;
            assert_int_equal(count, c.k);
            now = end;
        }
        place_end(&p);
    }
}

/* What a client sees: 429 too-early with its Retry-After, and urgent=1. */
static void
over_http(void **state)
{
    struct dt_relay_config config = {.listen = "127.0.0.1:0", .clock = {.now_ms = clock_now}};
    struct dt_http_client *http = NULL;
    struct dt_relay *relay = NULL;
    uint8_t seal[32] = {1};
    char url[128];
    struct dt_view key;
    uint64_t index = 9, wait = 9;
    struct place p;

    (void)state;
    place_begin(&p, (struct dt_cadence){2, DT_MS_HOUR});
    dt_relay_store_close(p.s);
    p.s = NULL;
    config.store = p.path;
    OK(dt_relay_start(&config, &relay));
    OK(dt_http_client_new(NULL, &http));
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/r/%s", dt_relay_port(relay),
                   p.grant[0].register_id);
    key = dt_view_of(p.grant[0].append_key);
    OK(dt_register_append_due(http, url, key, seal, false, &index, &wait));
    assert_int_equal(index, 0);
    assert_int_equal(wait, 0);
    seal[0]++;
    now = T0 + 1;
    assert_int_equal(dt_register_append_due(http, url, key, seal, false, &index, &wait),
                     DT_ERR_BUSY);
    assert_int_equal(wait, 1800); /* whole seconds, none too few */
    OK(dt_register_append_due(http, url, key, seal, true, &index, &wait));
    assert_int_equal(index, 1);
    /* The same again, urgent or not, is where it is. */
    OK(dt_register_append_due(http, url, key, seal, false, &index, &wait));
    assert_int_equal(index, 1);
    {
        DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(64);
        struct dt_http_call call = {
            .method = "POST", .base = url, .path = "/append?urgent=0", .bearer = key};

        OK(dt_wire_entry_encode(seal, &body));
        call.body = dt_buf_view(&body);
        OK(dt_http_call(http, &call, &a));
        assert_int_equal(a.status, 400);
        dt_http_answer_clear(&a);
        call.path = "/append";
        body.p[32] ^= 0xff; /* another seal */
        OK(dt_http_call(http, &call, &a));
        assert_int_equal(a.status, 429);
        assert_int_equal(a.retry_after_s, 3600);
        assert_non_null(memmem(a.body.p, a.body.n, "\"too-early\"", 11));
    }
    dt_http_client_free(http);
    dt_relay_stop(relay, NULL, NULL);
    place_end(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(slots),      cmocka_unit_test(urgent),
                                       cmocka_unit_test(clock_back), cmocka_unit_test(quota),
                                       cmocka_unit_test(property),   cmocka_unit_test(over_http)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
