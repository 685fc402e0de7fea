/*
 * agent/sync/run.c - staying in touch: sync, wait for news, sync, until told to stop.
 *
 * Source: docs/protocol-agent.md "Sync"; docs/protocol-register.md "Cadence".
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#include "agent/channel/review.h"
#include "agent/register/register.h"
#include "agent/register/slots.h"
#include "agent/sync/ahead.h"

#define POLL_WAIT_S    25u
#define PAUSE_FIRST_MS 500u
#define PAUSE_MAX_MS   30000u
#define TURN_MAX_MS    DT_MS_MINUTE
#define TURN_AGAIN_MS  (15 * DT_MS_SECOND) /* after a turn at the register that failed */

static enum dt_err
wanted_queues(struct dt_agent *a, struct dt_wire_poll out[static DT_RELAY_POLL_MAX], size_t *out_n)
{
    bool ready = false;
    uint64_t at = 0;
    uint8_t group_id[32];
    size_t n = 0;
    enum dt_err err = dt_inbox_state(a, &ready, &out[0].after);

    if (err != DT_OK)
        return err;
    memcpy(out[n].address, a->inbox_address, 32);
    memcpy(out[n++].read_token, a->inbox_tokens.p, 32);
    while (n < DT_RELAY_POLL_MAX && (err = dt_channel_next(a, &at, group_id)) == DT_OK) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        bool reads = false;

        if ((err = dt_channel_load_row(a, group_id, &ch)) != DT_OK)
            return err;
        if ((err = dt_channel_reads(a, &ch, &reads)) != DT_OK)
            return err;
        if (!reads || !ch.queue_made)
            continue;
        memcpy(out[n].address, ch.queue.address, 32);
        memcpy(out[n].read_token, dt_queue_read_token(&ch.queue).p, 32);
        out[n++].after = ch.position;
    }
    *out_n = n;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* Wait for news, up to ${wait_s}; other processes of this home may have put something into the
 * outbox meanwhile, so not long. */
static enum dt_err
wait_for_news(struct dt_agent *a, unsigned int wait_s, bool *out_news)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_wire_poll wanted[DT_RELAY_POLL_MAX];
    size_t n = 0;
    enum dt_err err = wanted_queues(a, wanted, &n);

    if (err == DT_OK)
        err = dt_relay_poll_cells(a->queue_http, a->grant.relay, wanted, n, wait_s, &answer);
    if (err == DT_OK)
        err = dt_ahead_keep(a, wanted, n, dt_buf_view(&answer), out_news);
    dt_wipe(wanted, sizeof wanted);
    return err;
}

static void
pause_ms(unsigned int ms, const atomic_bool *stop)
{
    for (unsigned int done = 0; done < ms && !atomic_load(stop); done += 100) {
        struct timespec t = {.tv_nsec = 100 * 1000 * 1000};

        (void)nanosleep(&t, NULL); /* an early return only makes the pause shorter */
    }
}

/* Only what is wrong with this machine or this program; whatever the relay or a peer sends, it goes
 * on. */
static bool
ends_run(enum dt_err err)
{
    return err == DT_ERR_NOMEM || err == DT_ERR_IO || err == DT_ERR_INTERNAL ||
           err == DT_ERR_LOCKED;
}

/* ---- the register's turn ---- */

/*
 * Without a cadence the register is looked at after every look at the queues. With one, when it is
 * asked for what may not follow from what was said or heard: then its turn is at our slots, and at
 * whole minutes, and comes before the queues.
 */
struct turn {
    bool by_clock;
    uint64_t next_ms; /* by the agent's clock */
};

static enum dt_err
take_turn(struct dt_agent *a, struct turn *t)
{
    const uint64_t now = dt_agent_now(a);
    enum dt_err err, woken;

    /* A turn is never further off than a minute, unless the clock was put back. */
    if (!t->by_clock || (now < t->next_ms && t->next_ms - now <= TURN_MAX_MS))
        return DT_OK;
    err = dt_agent_register_sync(a, NULL);
    if ((woken = dt_slots_wake(a, dt_agent_now(a), &t->next_ms)) != DT_OK)
        return woken;
    if (err != DT_OK && err != DT_ERR_LIMIT && t->next_ms > now + TURN_AGAIN_MS)
        t->next_ms = now + TURN_AGAIN_MS;
    return err == DT_ERR_LIMIT ? DT_OK : err;
}

/* How long from now to the next turn; ${most} when that is later, or it has no time of its own. */
static uint64_t
turn_left(struct dt_agent *a, const struct turn *t, uint64_t most)
{
    const uint64_t now = dt_agent_now(a);
    uint64_t left = t->next_ms > now ? t->next_ms - now : 0;

    return t->by_clock && left < most ? left : most;
}

/* One look at everything, and its error. */
static enum dt_err
look(struct dt_agent *a, struct turn *t, struct dt_sync_report *report)
{
    enum dt_err turn = take_turn(a, t), err;
    char text[240];

    (void)snprintf(text, sizeof text, "%s", turn == DT_OK ? "" : dt_err_message());
    err = dt_agent_sync(a, report);
    if (t->by_clock)
        return err == DT_OK && turn != DT_OK ? dt_fail(turn, "%s", text) : err;
    if (err == DT_OK && (err = dt_agent_register_sync(a, NULL)) == DT_ERR_LIMIT)
        err = DT_OK; /* the day's quota is used up: what waits goes in later */
    else if (err != DT_OK && !ends_run(err) && err != DT_ERR_NET)
        dt_ignore(dt_agent_register_sync(a, NULL),
                  "the sync's own trouble is the one that is told");
    return err;
}

/* What nobody reads is looked at, too, when the agent starts and once a day: an altered store is no
 * state to go on with. */
static enum dt_err
verify_by_day(struct dt_agent *a, uint64_t *next_us)
{
    const uint64_t now = dt_monotonic_us();
    enum dt_err err;

    if (now < *next_us)
        return DT_OK;
    if ((err = dt_store_verify(a->store)) == DT_OK)
        *next_us = now + DT_MS_DAY * 1000;
    return err == DT_ERR_BUSY ? DT_OK : err;
}

enum dt_err
dt_agent_run(struct dt_agent *a, const atomic_bool *stop,
             void (*progress)(void *ctx, enum dt_err err, const struct dt_sync_report *report),
             void *ctx)
{
    struct dt_http_client_config config = {.stop = stop, .ca_file = a->ca_file};
    struct dt_http_client *http = NULL;
    struct turn turn = {.by_clock = a->cadence.period_ms != 0};
    unsigned int pause = PAUSE_FIRST_MS;
    bool news = false, idle = false;
    uint64_t verify_us = 0;
    enum dt_err err = dt_http_client_new(&config, &http);

    if (err != DT_OK)
        return err;
    dt_http_client_free(a->queue_http); /* from now on one that ends when told to */
    a->queue_http = http;
    while (!atomic_load(stop)) {
        struct dt_sync_report report = {0};

        if ((err = verify_by_day(a, &verify_us)) != DT_OK)
            return err;
        err = look(a, &turn, &report);
        dt_ahead_clear(a);
        if (atomic_load(stop))
            break;
        if (progress != NULL)
            progress(ctx, err, &report);
        /* News that leads to nothing is no news: a relay that answers every poll at once does not
         * keep us running in circles. */
        idle = err == DT_OK && news && report.received + report.sent == 0;
        news = false;
        if (err == DT_OK && !idle) {
            uint64_t left = turn_left(a, &turn, POLL_WAIT_S * DT_MS_SECOND);

            pause = PAUSE_FIRST_MS;
            if (left >= DT_MS_SECOND)
                err = wait_for_news(a, (unsigned int)(left / DT_MS_SECOND), &news);
            if (err == DT_OK && !news && turn.by_clock &&
                (left = turn_left(a, &turn, DT_MS_SECOND)) < DT_MS_SECOND)
                pause_ms((unsigned int)left, stop);
        }
        if (err != DT_OK && ends_run(err))
            return err;
        if (err != DT_OK || idle) {
            pause_ms((unsigned int)turn_left(a, &turn, pause), stop);
            pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
        }
    }
    return DT_OK;
}
