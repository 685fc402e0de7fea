/*
 * tests/agent/test_cadence.c - homes that keep a cadence: what the register, and the relay, see of
 * them is the same whatever they have to say; nothing that waits is lost or starves; what is urgent
 * goes at once; and no fault makes an entry too many.
 *
 * The relay runs in this process, by the same clock as the homes, which the test sets. Between each
 * home and the relay stands a forwarder that notes every request for the register.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "agent/core.h"
#include "agent/records/deadline.h"
#include "agent/records/tally.h"
#include "agent/register/slots.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "db/db.h"
#include "net/server.h"
#include "relay/relay.h"

#include "world.h"

#define HOMES_MAX 4
#define T0        (UINT64_C(20000) * DT_MS_DAY + 7 * DT_MS_HOUR)
#define LATER     (40 * DT_MS_SECOND) /* past the delay of any slot */

static uint64_t random_state;

static uint64_t
pick(uint64_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 33) % n;
}

/* ---- the forwarder ---- */

struct forum;

struct forwarder {
    struct forum *f;
    size_t home;
    struct dt_http_server *server;
    struct dt_http_client *client;
    bool lose; /* the answer to the next append is lost on its way */
    bool lie;  /* appends are not passed on; the answer to them is: */
    unsigned int lie_status;
    uint64_t lie_wait_s;
    bool refused; /* the last append was too early */
};

struct forum {
    struct world w;
    struct dt_relay *relay;
    struct dt_agent *a[HOMES_MAX];
    struct forwarder between[HOMES_MAX];
    size_t n;
    uint8_t gid[32];
    struct dt_buf seen; /* a line for each request that was for the register */
    size_t appends[HOMES_MAX];
};

/* The path behind the register's id, which differs from run to run. */
static const char *
register_path(const char *path)
{
    return strncmp(path, "/r/", 3) == 0 && strlen(path) > 36 ? path + 36 : NULL;
}

static void
note(struct forwarder *x, const struct dt_http_request *req, const char *path, bool urgent)
{
    ok(dt_buf_printf(&x->f->seen, "%llu home %zu %s %s%s %zu bytes\n",
                     (unsigned long long)(x->f->w.frozen_ms - T0), x->home,
                     req->method == DT_HTTP_POST ? "POST" : "GET", path, urgent ? " urgent" : "",
                     req->body.n));
    x->f->appends[x->home] += strcmp(path, "append") == 0;
}

static enum dt_http_next
forward(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct forwarder *x = ctx;
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    struct dt_buf body = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_http_call call = {.method = req->method == DT_HTTP_POST ? "POST" : "GET",
                                .base = x->f->w.url,
                                .body = req->body};
    const char *of_register = register_path(req->path);
    const struct timespec poll = {.tv_nsec = 50 * 1000 * 1000};
    struct dt_view v, max;
    uint8_t token[32];
    char path[512];

    if (dt_http_query(req, "after", &v) && dt_http_query(req, "max", &max))
        (void)snprintf(path, sizeof path, "%s?after=%.*s&max=%.*s", req->path, (int)v.n,
                       (const char *)v.p, (int)max.n, (const char *)max.p);
    else
        (void)snprintf(path, sizeof path, "%s%s", req->path,
                       dt_http_query(req, "urgent", &v) ? "?urgent=1" : "");
    if (strncmp(req->path, "/v1/poll", 8) == 0)
        (void)nanosleep(&poll, NULL); /* it is passed on without its wait */
    call.path = path;
    if (req->bearer.n == 64 && dt_hex_read_fixed(token, sizeof token, req->bearer) == DT_OK)
        call.bearer = dt_view_of(token);
    if (of_register != NULL)
        note(x, req, of_register, dt_http_query(req, "urgent", &v));
    if (x->lie && of_register != NULL && strcmp(of_register, "append") == 0) {
        reply->status = x->lie_status;
        reply->retry_after_s = x->lie_wait_s;
        return DT_HTTP_REPLY;
    }
    reply->status = 502;
    if (dt_http_call(x->client, &call, &a) != DT_OK)
        return DT_HTTP_REPLY;
    if (of_register != NULL && strcmp(of_register, "append") == 0) {
        x->refused = a.status == 429;
        if (x->lose) {
            x->lose = false;
            return DT_HTTP_REPLY;
        }
    }
    ok(dt_buf_set(&body, dt_buf_view(&a.body)));
    dt_http_reply_body(reply, a.status, "application/octet-stream", &body);
    reply->retry_after_s = a.retry_after_s;
    return DT_HTTP_REPLY;
}

/* ---- the forum ---- */

static void
relay_start(struct forum *f)
{
    char store[128];
    struct dt_relay_config config = {
        .store = store, .listen = f->w.address, .clock = world_clock(&f->w)};

    world_path(&f->w, "relay.db", store);
    ok(dt_relay_start(&config, &f->relay));
}

static void
relay_stop(struct forum *f)
{
    dt_relay_stop(f->relay, NULL, NULL);
    f->relay = NULL;
}

/* Homes of ${parties}, all in one channel; requests are noted from now on. */
static void
forum_begin(struct forum *f, const char *cadence, const int *parties, size_t n)
{
    static const char *const names[HOMES_MAX] = {"home-0", "home-1", "home-2", "home-3"};

    *f = (struct forum){.n = n};
    dt_buf_init(&f->seen, 8u << 20);
    world_prepare(&f->w, cadence);
    f->w.frozen_ms = T0;
    relay_start(f);
    for (size_t i = 0; i < n; i++)
        f->a[i] = world_home(&f->w, names[i], parties[i], DT_RIGHTS_ALL);
    world_share(f->a, n);
    world_found(f->a, n, DT_CHANNEL_PLENARY, "plenary", f->gid);
    for (size_t i = 0; i < n; i++) {
        struct dt_http_server_config config = {
            .listen = "127.0.0.1:0", .handler = forward, .ctx = &f->between[i]};

        f->between[i] = (struct forwarder){.f = f, .home = i};
        ok(dt_http_client_new(NULL, &f->between[i].client));
        ok(dt_http_server_start(&config, &f->between[i].server));
        (void)snprintf(f->a[i]->grant.relay, sizeof f->a[i]->grant.relay, "http://127.0.0.1:%u",
                       dt_http_server_port(f->between[i].server));
    }
}

static void
forum_end(struct forum *f)
{
    for (size_t i = 0; i < f->n; i++) {
        dt_http_server_stop(f->between[i].server);
        dt_http_client_free(f->between[i].client);
        dt_agent_close(f->a[i]);
    }
    relay_stop(f);
    dt_buf_clear(&f->seen);
    world_stop(&f->w);
}

/* A contact that ended at ${ended}, by home ${i}. */
static void
draft_contact(struct forum *f, size_t i, uint64_t ended, struct dt_record_draft *d)
{
    char from[DT_TIME_STR], to[DT_TIME_STR];
    const char *const set[][2] = {{"mode", "call"},         {"initiated_by", "blue"},
                                  {"parties", "blue; red"}, {"started_at", from},
                                  {"ended_at", to},         {"time_precision", "exact"},
                                  {"level", "head"},        {"participants", "two"}};

    dt_time_str(from, ended - DT_MS_HOUR);
    dt_time_str(to, ended);
    ok(dt_agent_record_draft(f->a[i], f->gid, "contact", d));
    for (size_t k = 0; k < sizeof set / sizeof set[0]; k++)
        ok(dt_record_draft_set_text(d, set[k][0], dt_view_str(set[k][1]),
                                    dt_agent_charter(f->a[i])));
}

static void
contact(struct forum *f, size_t i, bool urgent, uint8_t commitment[static 32])
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};

    draft_contact(f, i, f->w.frozen_ms - f->w.frozen_ms % 1000 - DT_MS_HOUR, &d);
    ok(urgent ? dt_agent_record_send_urgent(f->a[i], f->gid, &d, commitment)
              : dt_agent_record_send(f->a[i], f->gid, &d, commitment));
}

/* Home ${i} looks at everything, as `detente sync` does. */
static void
look(struct forum *f, size_t i)
{
    ok(dt_agent_sync(f->a[i], NULL));
    ok(dt_agent_register_sync(f->a[i], NULL));
}

static uint64_t
entries(struct forum *f, size_t i)
{
    struct dt_register_report r;

    ok(dt_agent_register_status(f->a[i], &r));
    return r.size;
}

/* What the register's entries are, by what home ${i} knows. */
static void
tally(struct forum *f, size_t i, struct dt_tally *out)
{
    struct dt_tally_question q = {.last = entries(f, i) - 1, .counted = dt_view_str("contact")};

    ok(dt_agent_tally(f->a[i], &q, out));
}

static bool
is_in(struct forum *f, size_t i, const uint8_t commitment[static 32])
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    struct dt_entry_info e;

    ok(dt_agent_record(f->a[i], commitment, &r));
    ok(dt_agent_entry(f->a[i], r.seal, &e));
    return e.standing != DT_ENTRY_WAITING;
}

static struct dt_cadence_info
cadence(struct forum *f, size_t i)
{
    struct dt_cadence_info info;

    ok(dt_agent_cadence(f->a[i], &info));
    return info;
}

static const int three[] = {MEDIATOR, BLUE, RED};

/* ---- what is seen does not depend on what is said ---- */

#define TICKS   32u
#define TICK_MS (90 * DT_MS_MINUTE)

/* Two days of a forum in which each home, at each tick, has up to ${most} records to make with a
 * chance of 1 in ${one_in}: all that the relay saw of the register, line by line. */
static void
run(uint64_t seed, uint64_t one_in, uint64_t most, struct dt_buf *out, uint64_t *out_records)
{
    struct dt_tally t = {0};
    uint64_t made = 0, waiting = 0;
    struct forum f;

    random_state = seed;
    forum_begin(&f, "4/1d", three, 3);
    for (unsigned int tick = 0; tick < TICKS; tick++) {
        f.w.frozen_ms = T0 + tick * TICK_MS + LATER;
        for (size_t i = 0; i < 3; i++) {
            uint8_t commitment[32];
            uint64_t n = one_in != 0 && pick(one_in) == 0 ? 1 + pick(most) : 0;

            for (uint64_t k = 0; k < n; k++)
                contact(&f, i, false, commitment);
            made += n;
            if (one_in != 0 && pick(2) == 0)
                world_say(f.a[i], f.gid, "talk is no matter of the register");
        }
        for (size_t i = 0; i < 3; i++)
            look(&f, i);
    }
    for (size_t i = 0; i < 3; i++)
        waiting += cadence(&f, i).waiting;
    tally(&f, 0, &t);
    /* What went in is what was made, but for what waits: no cover stood before a record. */
    is(entries(&f, 0), 3 * (2 + 4 + 3));
    is(t.n[DT_TALLY_CONTACT] + waiting, made);
    assert_true(made < 30 || waiting > 0);
    dt_tally_clear(&t);
    ok(dt_buf_append(out, dt_buf_view(&f.seen)));
    *out_records = made;
    forum_end(&f);
}

static void
same_whatever_is_said(void **state)
{
    static const struct {
        uint64_t seed, one_in, most;
    } row[] = {{2, 8, 1}, {3, 8, 2}, {4, 1, 3}, {5, 2, 4}};
    DT_CLEANUP(dt_buf_clear) struct dt_buf silence = DT_BUF_INIT(8u << 20);
    uint64_t records = 0;

    (void)state;
    run(1, 0, 0, &silence, &records);
    is(records, 0);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf seen = DT_BUF_INIT(8u << 20);

        run(row[i].seed, row[i].one_in, row[i].most, &seen, &records);
        assert_true(records > 0);
        print_message("seed %llu: %llu records, %zu bytes of requests\n",
                      (unsigned long long)row[i].seed, (unsigned long long)records, seen.n);
        if (!dt_view_equal(dt_buf_view(&seen), dt_buf_view(&silence))) {
            size_t k = 0;

            while (k < seen.n && k < silence.n && seen.p[k] == silence.p[k])
                k++;
            fail_msg("what is seen differs from byte %zu on: %.120s", k, (const char *)seen.p + k);
        }
    }
}

/* ---- the background agent goes by the clock ---- */

struct runner {
    struct dt_agent *a;
    atomic_bool stop;
    atomic_size_t looks, received;
};

static void
on_look(void *ctx, enum dt_err err, const struct dt_sync_report *report)
{
    struct runner *r = ctx;

    is(err, DT_OK);
    atomic_fetch_add(&r->received, report->received);
    atomic_fetch_add(&r->looks, 1);
}

static void *
runs(void *ctx)
{
    struct runner *r = ctx;

    ok(dt_agent_run(r->a, &r->stop, on_look, r));
    return NULL;
}

/* Until ${r} has looked at everything twice more: what was there before is taken in then. */
static void
two_looks(struct runner *r)
{
    const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};
    size_t until = atomic_load(&r->looks) + 3;

    for (int i = 0; i < 6000 && atomic_load(&r->looks) < until; i++)
        (void)nanosleep(&moment, NULL);
    assert_true(atomic_load(&r->looks) >= until);
}

/* While the clock stands, nothing that is said, heard or recorded makes it ask for the register; it
 * asks once a minute, and fills a slot when that is due. */
static void
by_the_clock(void **state)
{
    struct runner r = {0};
    uint8_t commitment[32];
    pthread_t thread;
    size_t seen, minute;
    struct forum f;

    (void)state;
    forum_begin(&f, "4/1d", three, 3);
    f.w.frozen_ms = T0 + LATER;
    r.a = f.a[1];
    is(pthread_create(&thread, NULL, runs, &r), 0);
    two_looks(&r);
    seen = f.seen.n;
    is(f.appends[1], 2);
    for (unsigned int i = 0; i < 3; i++) {
        size_t before = atomic_load(&r.received);

        world_say(f.a[0], f.gid, "is this heard?");
        contact(&f, 0, false, commitment);
        ok(dt_agent_sync(f.a[0], NULL)); /* the queues alone */
        for (int k = 0; k < 20 && atomic_load(&r.received) == before; k++)
            two_looks(&r);
        assert_true(atomic_load(&r.received) > before);
    }
    two_looks(&r);
    is(f.seen.n, seen);
    f.w.frozen_ms += DT_MS_MINUTE;
    two_looks(&r);
    minute = f.seen.n - seen;
    assert_true(minute > 0);
    two_looks(&r);
    is(f.seen.n - seen, minute);
    is(f.appends[1], 2);
    f.w.frozen_ms = T0 + 5 * DT_MS_HOUR + LATER;
    two_looks(&r);
    is(f.appends[1], 3);
    atomic_store(&r.stop, true);
    is(pthread_join(thread, NULL), 0);
    forum_end(&f);
}

/* ---- who comes late, and what a period without anyone leaves ---- */

static void
late(void **state)
{
    struct dt_tally t = {0};
    uint8_t commitment[32];
    struct forum f;

    (void)state;
    forum_begin(&f, "4/1d", three, 3); /* at 7: two slots of the day are due */
    f.w.frozen_ms = T0 + LATER;
    contact(&f, 1, false, commitment);
    look(&f, 1);
    is(entries(&f, 1), 2);
    assert_true(is_in(&f, 1, commitment));
    look(&f, 1); /* nothing more is due */
    is(f.appends[1], 2);
    is(cadence(&f, 1).gaps, 0);
    /* Off until the third day at 13: its three slots are filled, those before are not. */
    f.w.frozen_ms = T0 + 2 * DT_MS_DAY + 6 * DT_MS_HOUR;
    look(&f, 1);
    is(entries(&f, 1), 5);
    is(cadence(&f, 1).gaps, 2);
    is(cadence(&f, 1).gap_n, 4);
    is(cadence(&f, 1).gap_ms, T0 - 7 * DT_MS_HOUR + DT_MS_DAY);
    tally(&f, 1, &t);
    is(t.n[DT_TALLY_CONTACT], 1);
    is(t.n[DT_TALLY_COVER], 4);
    dt_tally_clear(&t);
    look(&f, 0);
    tally(&f, 0, &t); /* to others cover is as any entry whose record they do not hold */
    is(t.n[DT_TALLY_COVER], 3);
    is(t.n[DT_TALLY_UNKNOWN], 4);
    dt_tally_clear(&t);
    forum_end(&f);
}

/* Cover is a record like any other, by its author's key; it is listed apart, and found by its
 * commitment. */
static void
cover_is_kept(void **state)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    struct dt_record_info *list = NULL;
    uint8_t found[32];
    char hex[65];
    size_t n = 0;
    struct forum f;

    (void)state;
    forum_begin(&f, "4/1d", three, 3);
    f.w.frozen_ms = T0 + LATER;
    look(&f, 1);
    ok(dt_agent_records(f.a[1], NULL, &list, &n));
    is(n, 0);
    dt_free(list);
    ok(dt_agent_cover_records(f.a[1], &list, &n));
    is(n, 2);
    assert_string_equal(list[0].kind, "cover");
    is(list[0].entry.standing, DT_ENTRY_IS_HELD);
    dt_hex_str(hex, dt_view_of(list[0].commitment));
    ok(dt_agent_record_find(f.a[1], hex, found));
    assert_memory_equal(found, list[0].commitment, 32);
    is(dt_agent_record_find(f.a[1], "1", found), DT_ERR_NOT_FOUND);
    ok(dt_agent_record(f.a[1], list[0].commitment, &r));
    ok(dt_record_check_author(&r, dt_agent_charter(f.a[1]), &f.a[1]->letter, f.w.frozen_ms));
    dt_free(list);
    forum_end(&f);
}

/* ---- urgent ---- */

static void
urgent(void **state)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft soon = {0};
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft far = {0};
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft past = {0};
    struct dt_entry_plan plan;
    uint8_t one[32], two[32], three_[32];
    struct forum f;

    (void)state;
    forum_begin(&f, "4/1d", three, 3);
    f.w.frozen_ms = T0 + LATER;
    look(&f, 1); /* both slots that are due are used; the next is at 12 */

    /* A contact has to be entered within 24 hours. */
    draft_contact(&f, 1, f.w.frozen_ms - f.w.frozen_ms % 1000 - 20 * DT_MS_HOUR, &soon);
    ok(dt_agent_entry_plan(f.a[1], f.gid, &soon, &plan));
    assert_true(plan.cadence && plan.urgent && !plan.late);
    is(plan.deadline_ms, f.w.frozen_ms - f.w.frozen_ms % 1000 + 4 * DT_MS_HOUR);
    assert_true(plan.slot_ms >= T0 + 5 * DT_MS_HOUR && plan.slot_ms <= T0 + 5 * DT_MS_HOUR + LATER);
    draft_contact(&f, 1, f.w.frozen_ms - f.w.frozen_ms % 1000 - 10 * DT_MS_HOUR, &far);
    ok(dt_agent_entry_plan(f.a[1], f.gid, &far, &plan));
    assert_true(!plan.urgent && !plan.late);
    draft_contact(&f, 1, f.w.frozen_ms - f.w.frozen_ms % 1000 - 30 * DT_MS_HOUR, &past);
    ok(dt_agent_entry_plan(f.a[1], f.gid, &past, &plan));
    assert_true(!plan.urgent && plan.late);

    /* Its place in line counts: behind two others that is the third slot from now, tomorrow at 0.
     */
    contact(&f, 1, false, one);
    contact(&f, 1, false, two);
    ok(dt_agent_entry_plan(f.a[1], f.gid, &far, &plan));
    assert_true(plan.urgent && plan.slot_ms >= T0 + 17 * DT_MS_HOUR);
    look(&f, 1);
    assert_true(!is_in(&f, 1, one));

    /* Sent at once, it passes those that wait, and takes the slot at 12. */
    ok(dt_agent_record_send_urgent(f.a[1], f.gid, &soon, three_));
    look(&f, 1);
    assert_true(is_in(&f, 1, three_) && !is_in(&f, 1, one));
    f.w.frozen_ms = T0 + 5 * DT_MS_HOUR + LATER;
    look(&f, 1);
    assert_true(!is_in(&f, 1, one));
    is(cadence(&f, 1).taken, 1);
    is(entries(&f, 1), 3);
    f.w.frozen_ms = T0 + 11 * DT_MS_HOUR + LATER;
    look(&f, 1);
    assert_true(is_in(&f, 1, one) && !is_in(&f, 1, two));
    is(entries(&f, 1), 4); /* exactly four that day */
    f.w.frozen_ms = T0 + 17 * DT_MS_HOUR + LATER;
    look(&f, 1);
    assert_true(is_in(&f, 1, two));
    is(entries(&f, 1), 5);
    is(cadence(&f, 1).gaps, 0);
    forum_end(&f);
}

/* The deadline of an answer is what the record answered asks for. */
static void
answers(void **state)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    struct dt_entry_plan plan;
    uint8_t commitment[32];
    struct forum f;

    (void)state;
    forum_begin(&f, "1/1d", three, 3);
    f.w.frozen_ms = T0 + LATER;
    contact(&f, 1, false, commitment);
    look(&f, 1);
    look(&f, 2);
    ok(dt_agent_answer_draft(f.a[2], commitment, DT_ANSWER_COUNTERSIGN, &d, &subject));
    ok(dt_agent_entry_plan(f.a[2], f.gid, &d, &plan));
    is(plan.deadline_ms, T0 + LATER + DT_MS_DAY); /* its "ack" says 24 hours */
    assert_true(!plan.urgent);
    f.w.frozen_ms = T0 + 19 * DT_MS_HOUR;
    look(&f, 2); /* its slot of this day is used; the next is that of tomorrow */
    contact(&f, 2, false, commitment);
    ok(dt_agent_entry_plan(f.a[2], f.gid, &d, &plan));
    assert_true(plan.urgent);
    forum_end(&f);
}

/* ---- several homes of one party ---- */

static void
shares(void **state)
{
    static const int parties[] = {MEDIATOR, BLUE, RED, BLUE};
    uint8_t one[3][32], two[32];
    size_t in = 0;
    struct forum f;

    (void)state;
    forum_begin(&f, "4/1d", parties, 4);
    is(dt_agent_cadence_share(f.a[1], 0, 2), DT_ERR_RANGE);
    is(dt_agent_cadence_share(f.a[1], 3, 2), DT_ERR_RANGE);
    ok(dt_agent_cadence_share(f.a[1], 1, 2));
    ok(dt_agent_cadence_share(f.a[3], 2, 2));
    /* One is full of records, the other has a single one: both come to their turn. */
    for (size_t i = 0; i < 3; i++)
        contact(&f, 1, false, one[i]);
    contact(&f, 3, false, two);
    for (unsigned int slot = 0; slot < 2; slot++) {
        f.w.frozen_ms = T0 + 5 * DT_MS_HOUR + slot * 6 * DT_MS_HOUR + LATER;
        look(&f, 1);
        look(&f, 3);
        look(&f, 1);
    }
    for (size_t i = 0; i < 3; i++)
        in += is_in(&f, 1, one[i]);
    is(in, 1);
    look(&f, 3);
    assert_true(is_in(&f, 3, two));
    is(entries(&f, 1), 2);
    is(cadence(&f, 1).taken + cadence(&f, 3).taken, 0);
    /* A day on: exactly four, of both together. */
    for (unsigned int slot = 0; slot < 4; slot++) {
        f.w.frozen_ms = T0 + 17 * DT_MS_HOUR + slot * 6 * DT_MS_HOUR + LATER;
        look(&f, 3);
        look(&f, 1);
        is(entries(&f, 1), 2 + slot + 1);
    }
    for (size_t i = 0; i < 3; i++)
        assert_true(is_in(&f, 1, one[i]));

    /* Homes that share nothing: who comes first has the slot, and the other learns that. */
    ok(dt_agent_cadence_share(f.a[1], 1, 1));
    ok(dt_agent_cadence_share(f.a[3], 1, 1));
    f.w.frozen_ms = T0 + 41 * DT_MS_HOUR + LATER;
    look(&f, 3);
    look(&f, 1);
    is(entries(&f, 1), 7);
    is(cadence(&f, 3).taken, 0);
    is(cadence(&f, 1).taken, 1);
    look(&f, 1);
    is(entries(&f, 1), 7);
    forum_end(&f);
}

/* ---- faults ---- */

/* The relay is not there at a slot, or its answer is lost: the same cover goes once, and only once.
 */
static void
lost_answers(void **state)
{
    struct dt_record_info *list = NULL;
    struct dt_tally t = {0};
    uint8_t commitment[32];
    size_t n = 0;
    struct forum f;

    (void)state;
    forum_begin(&f, "4/1d", three, 3);
    f.w.frozen_ms = T0 + LATER;
    look(&f, 1);
    look(&f, 0);
    f.w.frozen_ms = T0 + 5 * DT_MS_HOUR + LATER;
    relay_stop(&f);
    is(dt_agent_register_sync(f.a[1], NULL), DT_ERR_NET);
    is(dt_agent_register_sync(f.a[1], NULL), DT_ERR_NET);
    /* Cover that was made and did not go stands behind a record that comes now, and goes next. */
    contact(&f, 1, false, commitment);
    relay_start(&f);
    look(&f, 1);
    assert_true(is_in(&f, 1, commitment));
    is(entries(&f, 1), 2 + 2 + 1);
    f.w.frozen_ms = T0 + 11 * DT_MS_HOUR + LATER;
    f.between[1].lose = true;
    is(dt_agent_register_sync(f.a[1], NULL), DT_ERR_NET); /* it was taken, which we do not know */
    look(&f, 1);
    look(&f, 1);
    is(entries(&f, 1), 2 + 2 + 2);
    ok(dt_agent_cover_records(f.a[1], &list, &n));
    is(n, 3);
    dt_free(list);
    /* The same at the last slot of a day, and we hear of it on the next, which has slots of its
     * own. */
    f.w.frozen_ms = T0 + 29 * DT_MS_HOUR + LATER;
    look(&f, 1);
    is(entries(&f, 1), 2 + 4 + 3);
    f.w.frozen_ms = T0 + 35 * DT_MS_HOUR + LATER;
    f.between[1].lose = true;
    is(dt_agent_register_sync(f.a[1], NULL), DT_ERR_NET);
    f.w.frozen_ms = T0 + 41 * DT_MS_HOUR + LATER;
    look(&f, 1);
    look(&f, 1);
    is(entries(&f, 1), 2 + 4 + 4 + 1);
    tally(&f, 1, &t);
    is(t.n[DT_TALLY_CONTACT], 1);
    is(t.n[DT_TALLY_COVER], 3 + 4 + 1);
    dt_tally_clear(&t);
    is(cadence(&f, 1).gaps, 0);
    forum_end(&f);
}

/* ---- the n-th allocation, random call or call of the database fails at a slot ---- */

static pthread_t agents_thread; /* all others are the relay's and the forwarders' */
static unsigned int calls_left; /* up to the one that fails; 0: none does */
static bool fired;

static bool
fails(void *ctx)
{
    (void)ctx;
    if (!pthread_equal(pthread_self(), agents_thread) || calls_left == 0 || --calls_left > 0)
        return false;
    fired = true;
    return true;
}

static bool
database_fails(void *ctx, enum dt_db_point at)
{
    (void)at;
    return fails(ctx);
}

/* Whatever fails at a slot, and wherever: with the next look the slot has its one entry. Every
 * third one is of a record, the others are cover. */
static void
faults(void **state)
{
    DT_CLEANUP(dt_tally_clear) struct dt_tally t = {0};
    struct dt_record_info *list = NULL;
    uint64_t slots = 2, records = 0;
    unsigned int tried = 0;
    size_t n = 0;
    struct forum f;

    (void)state;
    agents_thread = pthread_self();
    forum_begin(&f, "4/1d", three, 3);
    f.w.frozen_ms = T0 + LATER;
    look(&f, 1);
    for (unsigned int kind = 0; kind < 3; kind++) {
        unsigned int place = 1;

        do {
            uint8_t commitment[32];
            enum dt_err err;

            f.w.frozen_ms = T0 + 5 * DT_MS_HOUR + (slots - 2) * 6 * DT_MS_HOUR + LATER;
            slots++;
            if (slots % 3 == 0) {
                contact(&f, 1, false, commitment);
                ok(dt_agent_sync(f.a[1], NULL));
                records++;
            }
            fired = false;
            if (kind == 0)
                dt_mem_fault(fails, NULL);
            else if (kind == 1)
                dt_random_fault(fails, NULL);
            else
                dt_db_fault(database_fails, NULL);
            calls_left = place;
            err = dt_agent_register_sync(f.a[1], NULL);
            calls_left = 0;
            dt_mem_fault(NULL, NULL);
            dt_random_fault(NULL, NULL);
            dt_db_fault(NULL, NULL);
            assert_true(fired || err == DT_OK);
            ok(dt_agent_register_sync(f.a[1], NULL));
            ok(dt_agent_register_sync(f.a[1], NULL));
            is(entries(&f, 1), slots);
            tried += fired;
            place += 1 + place / 6;
        } while (fired);
    }
    print_message("%u faults, %llu slots\n", tried, (unsigned long long)slots);
    assert_true(tried > 40);
    tally(&f, 1, &t);
    is(t.n[DT_TALLY_CONTACT], records);
    is(t.n[DT_TALLY_COVER], slots - records);
    ok(dt_agent_cover_records(f.a[1], &list, &n));
    is(n, slots - records); /* none was made that is not in the register */
    dt_free(list);
    is(cadence(&f, 1).waiting, 0);
    is(cadence(&f, 1).taken, 0);
    is(cadence(&f, 1).gaps, 0);
    is(world_alarms(f.a[1], DT_ALARM_REGISTER), 0);
    forum_end(&f);
}

/* A relay that refuses with whatever it likes: what waits stays, nothing runs in circles, and once
 * it is honest the next period is as any other. */
static void
refusals(void **state)
{
    static const struct {
        unsigned int status;
        uint64_t wait_s;
        enum dt_err err;
    } row[] = {{429, 1, DT_OK},          {429, 3600, DT_OK},     {429, 6 * 3600, DT_OK},
               {429, UINT32_MAX, DT_OK}, {429, 0, DT_ERR_LIMIT}, {403, 0, DT_ERR_REFUSED},
               {500, 7, DT_ERR_NET},     {200, 5, DT_ERR_FORMAT}};
    uint8_t commitment[32];
    struct forum f;

    (void)state;
    forum_begin(&f, "4/1d", three, 3);
    f.w.frozen_ms = T0 + LATER;
    look(&f, 1);
    contact(&f, 1, false, commitment);
    f.between[1].lie = true;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        size_t asked = f.appends[1];

        f.w.frozen_ms = T0 + 17 * DT_MS_HOUR + i * DT_MS_DAY + LATER;
        f.between[1].lie_status = row[i].status;
        f.between[1].lie_wait_s = row[i].wait_s;
        is(dt_agent_register_sync(f.a[1], NULL), row[i].err);
        is(dt_agent_register_sync(f.a[1], NULL), row[i].err);
        assert_true(f.appends[1] - asked >= 1 && f.appends[1] - asked <= 2);
    }
    is(cadence(&f, 1).waiting, 1);
    f.between[1].lie = false;
    f.w.frozen_ms = T0 + 17 * DT_MS_HOUR + 9 * DT_MS_DAY + LATER;
    look(&f, 1);
    assert_true(is_in(&f, 1, commitment));
    is(entries(&f, 1), 3);
    forum_end(&f);
}

/* A clock that is a little ahead of the relay's: the slot is not lost, it is taken when the relay
 * says. */
static void
clocks_differ(void **state)
{
    uint64_t ahead = 0;
    struct dt_slots s;
    struct forum f;

    (void)state;
    forum_begin(&f, "4/1d", three, 3);
    f.w.frozen_ms = T0 + LATER;
    look(&f, 1);
    ok(dt_slots_get(f.a[1], f.w.frozen_ms, &s));
    is(s.used, 2);
    /* The relay's answer at 12, when it is 11:57 there: in three minutes. */
    ahead = T0 + 5 * DT_MS_HOUR;
    dt_slots_early(f.a[1], &s, ahead, 3 * DT_MS_MINUTE);
    is(s.used, 2);
    is(s.taken, 0);
    is(s.not_before, ahead + 3 * DT_MS_MINUTE);
    /* At 12 both ways: in six hours. The slot is another's. */
    dt_slots_early(f.a[1], &s, ahead, 6 * DT_MS_HOUR);
    is(s.used, 3);
    is(s.taken, 1);
    /* What a hostile relay says ends with the period. */
    dt_slots_early(f.a[1], &s, ahead, UINT64_MAX / 2);
    is(s.used, 4);
    forum_end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_whatever_is_said),
        cmocka_unit_test(by_the_clock),
        cmocka_unit_test(late),
        cmocka_unit_test(cover_is_kept),
        cmocka_unit_test(urgent),
        cmocka_unit_test(answers),
        cmocka_unit_test(shares),
        cmocka_unit_test(lost_answers),
        cmocka_unit_test(clocks_differ),
        cmocka_unit_test(faults),
        cmocka_unit_test(refusals),
    };

    cmocka_set_test_filter(getenv("DT_ONLY")); /* NULL: all */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
