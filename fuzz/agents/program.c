/*
 * fuzz/agents/program.c - see program.h.
 *
 * First byte of a step: what, by steps of AGENTS, and to which agent; second byte: how. A program
 * has at most STEPS_MAX steps; what follows is not looked at.
 */
#include "agent/channel/channel.h"
#include "agent/register/register.h"
#include "base/mem.h"
#include "db/db.h"

#include "line.h"
#include "program.h"

#define STEPS_MAX 10
#define HEAL_MAX  12
/* Up to this round of healing the user of a broken channel asks to be put in anew. */
#define LEAVE_ROUND 6

enum step {
    SYNC,
    SAY,
    SAY_AND_SYNC,
    KILL,     /* this agent, at the n-th thing that the next step does to disk or relay */
    LOSE,     /* the n-th call from now on does not reach the relay, or its answer the agent */
    TWICE,    /* ... reaches the relay twice */
    WITHHOLD, /* what is in the queues is not shown to this agent in its next step */
    ROTATE,
    REMOVE, /* blue's one delegate removes the other */
    LEAVE,
    CLOCK,
    REGISTER,   /* a seal is handed in; the register is read */
    RELAY_KILL, /* the relay ends at the n-th thing that it does to its disk */
    RELAY_RESTART,
    COPY,    /* the store is copied */
    RESTORE, /* ... and put back */
    REJOIN,
    ALTER, /* a bit of a cell shown to this agent in its next step is turned over */
    SWAP,  /* two cells shown to it change places */
    N_STEPS
};

struct run {
    struct world *w;
    struct oracle o;
    struct dt_buf copy[AGENTS];
    size_t now; /* the agent whose step it is */
    bool in_relay;
    /* Faults to come: 0 none, 1 the next one. */
    unsigned int kill[AGENTS], relay_kill, lose, twice;
    uint8_t how;
    bool withhold[AGENTS], alter[AGENTS], swap[AGENTS], restored[AGENTS];
    bool dead, relay_dead;
    /* At rest: how often anybody wrote to the relay, and at which of these an agent had nothing
     * left to do; 0: it has. */
    uint64_t writes, idle_at[AGENTS], latest_ms;
    bool confirmed[AGENTS]; /* in the last round */
};

/* ---- what goes wrong ---- */

/* Counts down to a death; from then on nothing works. */
static bool
dies(unsigned int *left, bool *dead)
{
    if (*dead)
        return true;
    if (*left == 0 || --*left > 0)
        return false;
    *dead = true;
    return true;
}

static bool
db_fault(void *ctx, enum dt_db_point at)
{
    struct run *r = ctx;

    (void)at;
    return r->in_relay ? dies(&r->relay_kill, &r->relay_dead) : dies(&r->kill[r->now], &r->dead);
}

static bool
due(unsigned int *left)
{
    return *left > 0 && --*left == 0;
}

static enum dt_err
on_request(void *ctx, const struct dt_http_call *call)
{
    struct run *r = ctx;

    if (dies(&r->kill[r->now], &r->dead))
        return dt_fail(DT_ERR_NET, "killed");
    if (r->relay_dead)
        return dt_fail(DT_ERR_NET, "the relay is gone");
    if (r->how % 2 == 0 && due(&r->lose))
        return dt_fail(DT_ERR_NET, "the request is lost");
    r->in_relay = true;
    if (strcmp(call->method, "POST") == 0 && due(&r->twice)) {
        DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};

        dt_ignore(line_deliver(call, &a), "whatever came of it: the caller sees the second");
    }
    return DT_OK;
}

/* A read answer that ends where the agent stands. Hiding what is there is a lie: of a cell that was
 * acknowledged, the agent knows. */
static void
show_nothing(struct run *r, const struct dt_http_call *call, struct dt_http_answer *a)
{
    const char *after = strstr(call->path, "after=");
    uint64_t position = after == NULL ? 0 : strtoull(after + 6, NULL, 10), last = 0;
    struct dt_wire_items walk;

    must(dt_wire_items_begin(dt_buf_view(&a->body), &last, &walk) == DT_OK);
    if (last > position)
        r->o.odd = r->o.lied = true;
    dt_buf_clear(&a->body);
    dt_buf_init(&a->body, DT_NET_ANSWER_MAX);
    must(dt_wire_items_encode(position, NULL, 0, &a->body) == DT_OK);
}

static void
lie(struct run *r, struct dt_http_answer *a)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf copy = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_wire_item items[DT_RELAY_READ_COUNT];
    struct dt_wire_items walk;
    bool more = true, done = false;
    uint64_t last = 0;
    size_t n = 0;

    must(dt_buf_set(&copy, dt_buf_view(&a->body)) == DT_OK);
    must(dt_wire_items_begin(dt_buf_view(&copy), &last, &walk) == DT_OK);
    while (n < DT_RELAY_READ_COUNT && dt_wire_items_next(&walk, &items[n], &more) == DT_OK && more)
        n++;
    if (r->alter[r->now] && n > 0) {
        copy.p[(size_t)(items[r->how % n].cell.p - copy.p) + r->how % 64] ^= 1;
        done = true;
    } else if (r->swap[r->now] && n > 1) {
        struct dt_wire_item *other = &items[1 + r->how % (n - 1)];
        struct dt_view cell = items[0].cell;

        items[0].cell = other->cell;
        other->cell = cell;
        done = true;
    }
    if (!done)
        return;
    r->alter[r->now] = r->swap[r->now] = false;
    r->o.odd = r->o.lied = true;
    dt_buf_clear(&a->body);
    dt_buf_init(&a->body, DT_NET_ANSWER_MAX);
    must(dt_wire_items_encode(last, items, n, &a->body) == DT_OK);
}

static enum dt_err
on_answer(void *ctx, const struct dt_http_call *call, struct dt_http_answer *a)
{
    struct run *r = ctx;

    r->in_relay = false;
    if (r->relay_dead)
        return dt_fail(DT_ERR_NET, "the relay died in it");
    if (r->how % 2 == 1 && due(&r->lose))
        return dt_fail(DT_ERR_NET, "the answer is lost");
    if (a->status == 200 && strcmp(call->method, "GET") == 0 &&
        strstr(call->path, "/cells?") != NULL) {
        if (r->withhold[r->now])
            show_nothing(r, call, a);
        else if (r->alter[r->now] || r->swap[r->now])
            lie(r, a);
    }
    return dies(&r->kill[r->now], &r->dead) ? dt_fail(DT_ERR_NET, "killed") : DT_OK;
}

/* ---- steps ---- */

/* What agent ${who} does from here on may go wrong as it was said. */
static struct dt_agent *
begin(struct run *r, size_t who)
{
    r->now = who;
    r->o.used[who] = true;
    dt_db_fault(db_fault, r);
    return r->w->a[who];
}

/* Who died begins anew. */
static void
end(struct run *r)
{
    dt_db_fault(NULL, NULL);
    r->in_relay = false;
    if (r->relay_dead) {
        world_relay_stop(r->w);
        world_relay_start(r->w);
        r->relay_dead = false;
    }
    if (r->dead) {
        world_kill(r->w, r->now);
        r->dead = false;
    }
    r->withhold[r->now] = false;
}

static void
sync_one(struct run *r, size_t who)
{
    dt_ignore(dt_agent_sync(begin(r, who), NULL), "it may fail: then it is done again");
    end(r);
}

static void
say(struct run *r, size_t who)
{
    static const size_t lens[] = {1, 40, 600, 3000};
    struct said *s = &r->o.said[r->o.n_said];
    uint8_t text[TEXT_MAX];
    enum dt_err err;

    if (r->o.n_said == SAID_MAX)
        return;
    *s = (struct said){.by = who, .len = lens[r->how % 4]};
    err = dt_agent_talk_text(begin(r, who), r->w->group_id, oracle_text(&r->o, r->o.n_said, text),
                             s->id);
    s->acked = err == DT_OK;
    if (s->acked || r->dead)
        r->o.n_said++;
    end(r);
}

/* A seal that is like no other; it counts when it was taken in. */
static void
seal(struct run *r, size_t who)
{
    uint8_t *s = r->o.seals[r->o.n_seals];
    struct dt_agent *a = begin(r, who);
    enum dt_err err = DT_ERR_LIMIT;

    if (r->o.n_seals < SAID_MAX) {
        memset(s, 1 + (int)r->o.n_seals, 32);
        if ((err = dt_store_begin(dt_agent_store(a))) == DT_OK)
            err = dt_store_end(dt_agent_store(a), dt_agent_register_submit(a, s));
    }
    /* Killed in it, nobody knows: it is handed in again, which changes nothing if it was. */
    if (err == DT_OK || r->dead)
        r->o.n_seals++;
    if (r->dead) {
        end(r);
        a = r->w->a[who];
        must(dt_store_begin(dt_agent_store(a)) == DT_OK);
        must(dt_store_end(dt_agent_store(a), dt_agent_register_submit(a, s)) == DT_OK);
        return;
    }
    if (err == DT_OK)
        dt_ignore(dt_agent_register_sync(a, NULL), "it may fail: then it is done again");
    end(r);
}

static void
remove_other(struct run *r, size_t who)
{
    size_t other = 3 - who, n = 0;
    struct dt_roster_entry *v = NULL;

    if (who == 0 || dt_agent_roster(r->w->a[who], r->w->group_id, &v, &n) != DT_OK)
        return;
    for (size_t i = 0; i < n; i++)
        if (memcmp(v[i].who.letter_hash, r->w->letter[other], 32) == 0) {
            r->o.used[other] = r->o.may_go[other] = true;
            dt_ignore(dt_agent_remove(begin(r, who), r->w->group_id, v[i].leaf),
                      "its own state may be against it");
            end(r);
        }
    dt_free(v);
}

static void
leave(struct run *r, size_t who)
{
    r->o.may_go[who] = true;
    dt_ignore(dt_agent_leave(begin(r, who), r->w->group_id), "its own state may be against it");
    end(r);
}

static void
rotate(struct run *r, size_t who)
{
    dt_ignore(dt_agent_rotate(begin(r, who), r->w->group_id), "its own state may be against it");
    end(r);
}

static void
rejoin(struct run *r, size_t who)
{
    r->o.odd = r->o.excused[who] = true;
    dt_ignore(dt_agent_rejoin(begin(r, who), r->w->group_id), "its own state may be against it");
    end(r);
}

static void
turn_clock(struct run *r)
{
    static const int64_t by[] = {DT_MS_SECOND,           DT_MS_HOUR,     DT_MS_DAY,
                                 5 * DT_MS_DAY,          31 * DT_MS_DAY, -(int64_t)DT_MS_HOUR,
                                 -2 * (int64_t)DT_MS_DAY};

    r->o.clock = true;
    r->w->now_ms = (uint64_t)((int64_t)r->w->now_ms + by[r->how % (sizeof by / sizeof by[0])]);
    if (r->w->now_ms > r->latest_ms)
        r->latest_ms = r->w->now_ms;
}

static void
copy(struct run *r, size_t who)
{
    if (r->copy[who].n == 0)
        world_copy(r->w, who, &r->copy[who]);
}

static void
restore(struct run *r, size_t who)
{
    if (r->copy[who].n == 0)
        return;
    world_restore(r->w, who, &r->copy[who]);
    r->restored[who] = true;
    r->o.used[who] = true;
    r->o.odd = r->o.excused[who] = true;
}

static void
step(struct run *r, enum step what, size_t who)
{
    switch (what) {
    case SYNC:
        sync_one(r, who);
        break;
    case SAY:
        say(r, who);
        break;
    case SAY_AND_SYNC:
        say(r, who);
        sync_one(r, who);
        break;
    case KILL:
        r->kill[who] = 1u + r->how;
        break;
    case LOSE:
        r->lose = 1u + r->how % 8u;
        break;
    case TWICE:
        r->twice = 1u + r->how % 8u;
        break;
    case WITHHOLD:
        r->withhold[who] = true;
        break;
    case ROTATE:
        rotate(r, who);
        break;
    case REMOVE:
        remove_other(r, who);
        break;
    case LEAVE:
        leave(r, who);
        break;
    case CLOCK:
        turn_clock(r);
        break;
    case REGISTER:
        seal(r, who);
        break;
    case RELAY_KILL:
        r->relay_kill = 1u + r->how % 64u;
        break;
    case RELAY_RESTART:
        world_relay_stop(r->w);
        world_relay_start(r->w);
        break;
    case COPY:
        copy(r, who);
        break;
    case RESTORE:
        restore(r, who);
        break;
    case REJOIN:
        rejoin(r, who);
        break;
    case ALTER:
        r->alter[who] = true;
        break;
    case SWAP:
        r->swap[who] = true;
        break;
    case N_STEPS:
        break;
    }
}

/* ---- to rest ---- */

static void
tell(size_t who, const struct dt_channel *ch, const struct dt_sync_report *report)
{
    if (getenv("DT_FUZZ_TELL") != NULL)
        (void)fprintf(stderr,
                      "agent %zu: state %d, %sconfirmed, queue %llu at %llu; "
                      "received %zu, sent %zu, passed over %zu, waiting %zu\n",
                      who, (int)ch->state, ch->confirmed ? "" : "un",
                      (unsigned long long)ch->queue_number, (unsigned long long)ch->position,
                      report->received, report->sent, report->passed_over, report->waiting);
}

static enum dt_err
count_writes(void *ctx, const struct dt_http_call *call)
{
    struct run *r = ctx;

    r->writes += strcmp(call->method, "POST") == 0;
    return DT_OK;
}

/* What the user of a broken channel does: asks to be put in anew; and where the home is a copy of
 * one that had left, which nothing tells it, says that this is so. */
static void
user_helps(struct run *r, size_t who, unsigned int round)
{
    struct dt_agent *a = r->w->a[who];

    if (round % 4 == 0)
        must(dt_agent_rejoin(a, r->w->group_id) == DT_OK);
    else if (round >= LEAVE_ROUND && r->restored[who] && r->o.may_go[who])
        must(dt_agent_leave(a, r->w->group_id) == DT_OK);
}

/* One round of everybody for whom there may be news; may anyone have some after it, or wait for
 * something? *${stands}: is anyone still in the channel, and can let those in who are broken? If
 * all are broken nobody can; nor those who have been away for long, and to whom a party has nobody
 * left to say `here`. */
static bool
heal_round(struct run *r, unsigned int round, bool *stands)
{
    bool moves = false, waits, broken = false, lets_in = false;

    *stands = false;
    for (size_t i = 0; i < AGENTS; i++) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        struct dt_sync_report report = {0};
        struct dt_register_report seals = {0};

        if (!r->o.used[i])
            continue;
        if (r->idle_at[i] == r->writes) {
            *stands = true; /* so it was then */
            lets_in = lets_in || r->confirmed[i] || !oracle_party_gone(&r->o);
            continue;
        }
        must(dt_agent_sync(r->w->a[i], &report) == DT_OK);
        must(r->o.n_seals == 0 || dt_agent_register_sync(r->w->a[i], &seals) == DT_OK);
        must(dt_channel_load_row(r->w->a[i], r->w->group_id, &ch) == DT_OK);
        tell(i, &ch, &report);
        r->confirmed[i] = ch.confirmed;
        *stands = *stands || ch.state == DT_CHANNEL_LIVE;
        lets_in =
            lets_in || (ch.state == DT_CHANNEL_LIVE && (ch.confirmed || !oracle_party_gone(&r->o)));
        if (ch.state == DT_CHANNEL_BROKEN) {
            broken = true;
            must(r->o.odd);
            /* Whoever still stands is needed now. */
            for (size_t k = 0; k < AGENTS; k++) {
                lets_in = lets_in || !r->o.used[k];
                *stands = *stands || !r->o.used[k];
                r->o.used[k] = true;
            }
            r->o.excused[i] = true;
            user_helps(r, i, round);
        }
        waits = (report.waiting > 0 && (ch.confirmed || !oracle_party_gone(&r->o))) ||
                seals.waiting > 0 || ch.state == DT_CHANNEL_BROKEN;
        moves = moves || waits || report.sent > 0 || seals.submitted > 0;
        r->idle_at[i] = waits || ch.state != DT_CHANNEL_LIVE ? 0 : r->writes;
    }
    *stands = *stands && (!broken || lets_in);
    return moves;
}

void
program_run(struct world *w, struct dt_view program)
{
    struct run r = {.w = w, .o.used = {true, true}, .writes = 1, .latest_ms = w->now_ms};
    const struct line_watch watch = {on_request, on_answer, &r};
    const struct line_watch counting = {.request = count_writes, .ctx = &r};
    unsigned int round = 0;
    bool stands = true;

    for (size_t i = 0; i < AGENTS; i++)
        dt_buf_init(&r.copy[i], 16u << 20);
    line_set(&watch);
    for (size_t i = 0; i + 1 < program.n && i < 2 * STEPS_MAX; i += 2) {
        r.how = program.p[i + 1];
        step(&r, program.p[i] / AGENTS % N_STEPS, program.p[i] % AGENTS);
    }
    line_set(&counting);
    w->now_ms = r.latest_ms; /* a clock that was put back is set right in the end */
    while (heal_round(&r, round, &stands) && ++round < HEAL_MAX)
        ;
    must(round < HEAL_MAX || !stands);
    oracle_check(&r.o, w, stands);
    line_set(&(const struct line_watch){0});
    for (size_t i = 0; i < AGENTS; i++)
        dt_buf_clear(&r.copy[i]);
}
