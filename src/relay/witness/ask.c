/*
 * relay/witness/ask.c - see ask.h: which witnesses are asked, when, and by which thread. Layer:
 * relay.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "log/policy.h"

#include "relay/log.h"
#include "relay/witness/ask_internal.h"

#define WORKERS   4u
#define LINKS_MAX 1024u
#define TIMEOUT_S 15u
#define GAP_MS    1000u
#define PAUSE_MS  1000u
#define PAUSE_MAX 300u  /* first ones */
#define SCAN_MS   5000u /* how often new registers are looked for */
#define ROUNDS    3     /* requests for one checkpoint: what a 409 says may be out of date again */
#define NEVER     UINT64_MAX

/* One witness of one register. Under asker->lock, but what is fixed when it is made. */
struct link {
    int64_t reg;
    struct tlog_vkey key;
    char *url;
    bool busy;        /* some worker asks it */
    uint64_t due_ms;  /* when to ask next, monotonic; NEVER: when there is news */
    uint64_t last_ms; /* when it was asked last */
    uint64_t pause_ms;
    uint64_t old; /* the size that it cosigned last, as far as we know */
    struct relay_asked state;
};

struct relay_asker {
    struct relay_asker_config config;
    char *store, *ca_file; /* what config points to */
    pthread_mutex_t lock;
    pthread_cond_t more;
    atomic_bool stop;
    bool go; /* the relay stands: they may begin */
    struct link **links;
    size_t n_links;
    uint64_t scan_ms; /* when to look for new registers next; NEVER: somebody does */
    int64_t scanned;  /* the register up to which they are known */
    pthread_t threads[WORKERS];
    size_t n_threads;
};

/* A thread, and what it has of its own. */
struct worker {
    struct relay_asker *asker;
    struct relay_ask_tools tools;
};

/* ---- links ---- */

static void
link_free(struct link *l)
{
    if (l == NULL)
        return;
    dt_free(l->url);
    dt_free(l);
}

/* The witness ${node} of ${reg} is asked from now on, unless it is already. Under the lock. */
static enum dt_err
add_link(struct relay_asker *a, int64_t reg, const struct tlog_policy_node *node, uint64_t old)
{
    struct link *l, **grown;

    for (size_t i = 0; i < a->n_links; i++) {
        if (a->links[i]->reg == reg && a->links[i]->key.id == node->key.id)
            return DT_OK;
    }
    if (a->n_links == LINKS_MAX)
        return DT_OK; /* those that are there go on */
    l = dt_alloc(1, sizeof(*l));
    grown = dt_realloc(a->links, a->n_links + 1, sizeof(struct link *));
    if (grown != NULL)
        a->links = grown;
    if (l == NULL || grown == NULL || (l->url = dt_strndup(node->url, strlen(node->url))) == NULL) {
        link_free(l);
        return dt_nomem();
    }
    l->reg = reg;
    l->key = node->key;
    l->old = old;
    l->state.asked = true;
    a->links[a->n_links++] = l;
    return DT_OK;
}

/* The size of the largest checkpoint that this key cosigned, as far as the store knows; else 0. */
static uint64_t
size_by(struct worker *w, int64_t reg, uint32_t key_id)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    uint64_t size = 0;

    if (dt_relay_store_checkpoint(w->tools.store, reg, DT_RELAY_STORE_BY, key_id, &note, &size) !=
        DT_OK)
        return 0; /* then the witness's 409 will tell */
    return size;
}

/* Look through the registers after ${*reg} for witnesses with a URL; the last one done in ${*reg}.
 */
static enum dt_err
scan(struct worker *w, int64_t *reg)
{
    struct relay_asker *a = w->asker;
    int64_t next = 0;
    enum dt_err err;

    for (; (err = dt_relay_store_next_register(w->tools.store, *reg, &next)) == DT_OK;
         *reg = next) {
        DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};

        if ((err = dt_relay_store_policy(w->tools.store, next, &policy)) != DT_OK)
            return err;
        for (size_t i = 0; i < policy.n_nodes; i++) {
            const struct tlog_policy_node *node = &policy.nodes[i];
            uint64_t old;

            if (node->is_group || node->url == NULL)
                continue;
            old = size_by(w, next, node->key.id);
            pthread_mutex_lock(&a->lock);
            err = add_link(a, next, node, old);
            pthread_mutex_unlock(&a->lock);
            if (err != DT_OK)
                return err;
        }
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- the workers ---- */

/* ${ms} and up to a quarter more or less, so that relays that failed together do not come back
 * together. */
static uint64_t
jitter(uint64_t ms)
{
    uint16_t r = 0;

    if (dt_random((uint8_t *)&r, sizeof(r)) != DT_OK)
        return ms;
    return ms - ms / 4 + ms / 2 * r / UINT16_MAX;
}

/* What came of asking ${l}. Under the lock. */
static void
settle(struct relay_asker *a, struct link *l, enum dt_err err, bool needed,
       const struct relay_ask_outcome *out, uint64_t old)
{
    uint64_t first = a->config.pause_ms, now = dt_monotonic_ms();

    l->busy = false;
    l->last_ms = now;
    l->old = old;
    if (err == DT_OK && (!needed || out->trouble == RELAY_TROUBLE_NONE)) {
        if (l->state.trouble != RELAY_TROUBLE_NONE)
            relay_log(RELAY_LOG_NOTICE, "witness", NULL, 0, "witness %s cosigns again",
                      l->key.name);
        l->state = (struct relay_asked){.asked = true, .status = out->status};
        l->pause_ms = 0;
        /* Right after a success once more: what is held may have grown meanwhile. Where nothing was
         * needed, news that came since we looked stands in due_ms. */
        if (needed)
            l->due_ms = now + a->config.gap_ms;
        return;
    }
    if (err == DT_OK) {
        if (l->state.trouble != out->trouble) {
            relay_log(
                RELAY_LOG_WARNING, "witness", NULL, 0, "witness %s: %s (status %u)", l->key.name,
                out->trouble == RELAY_TROUBLE_REFUSED    ? "it refuses"
                : out->trouble == RELAY_TROUBLE_AHEAD    ? "it has cosigned a larger tree"
                : out->trouble == RELAY_TROUBLE_UNSIGNED ? "its answer is no cosignature of it"
                                                         : "no answer",
                out->status);
        }
        if (l->state.trouble == RELAY_TROUBLE_NONE)
            l->state.since_ms = dt_clock_now(&a->config.clock);
        l->state.trouble = out->trouble;
        l->state.status = out->status;
        l->state.their_size = out->their_size;
    } /* else: our own disk or memory, which says nothing of the witness */
    l->pause_ms = l->pause_ms == 0 ? first : l->pause_ms * 2;
    if (l->pause_ms > first * PAUSE_MAX)
        l->pause_ms = first * PAUSE_MAX;
    l->due_ms = now + jitter(l->pause_ms);
}

/* The link that is due longest, or NULL; ${out_next} when the next one is. Under the lock. */
static struct link *
pick(struct relay_asker *a, uint64_t now, uint64_t *out_next)
{
    struct link *best = NULL;

    *out_next = a->scan_ms;
    for (size_t i = 0; i < a->n_links; i++) {
        struct link *l = a->links[i];

        if (l->busy)
            continue;
        if (l->due_ms <= now && (best == NULL || l->due_ms < best->due_ms))
            best = l;
        if (l->due_ms < *out_next)
            *out_next = l->due_ms;
    }
    return best;
}

static void
wait_until(struct relay_asker *a, uint64_t next_ms)
{
    uint64_t now = dt_monotonic_ms(), ms = next_ms > now ? next_ms - now : 0;
    struct timespec at;

    if (next_ms == NEVER || ms > SCAN_MS)
        ms = SCAN_MS;
    at = dt_monotonic_after(ms);
    (void)pthread_cond_timedwait(&a->more, &a->lock, &at);
}

static void *worker_main(void *arg);

/* As many workers as there are links, up to WORKERS. Under the lock. One that cannot be had is done
 * without. */
static void
more_workers(struct relay_asker *a)
{
    while (!atomic_load(&a->stop) && a->n_threads < WORKERS && a->n_threads < a->n_links &&
           pthread_create(&a->threads[a->n_threads], NULL, worker_main, a) == 0)
        a->n_threads++;
}

static void
worker_close(struct worker *w)
{
    dt_relay_store_close(w->tools.store);
    dt_http_client_free(w->tools.http);
    w->tools.store = NULL;
    w->tools.http = NULL;
}

static enum dt_err
worker_open(struct worker *w)
{
    struct dt_relay_store_config store = {.path = w->asker->config.store, .read_only = true};
    struct dt_http_client_config http = {.connect_timeout_s = w->asker->config.timeout_s,
                                         .silence_s = w->asker->config.timeout_s,
                                         .timeout_s = w->asker->config.timeout_s,
                                         .answer_max = TLOG_NOTE_MAX,
                                         .ca_file = w->asker->config.ca_file,
                                         .stop = &w->asker->stop};
    enum dt_err err = dt_relay_store_open(&store, &w->tools.store);

    return err != DT_OK ? err : dt_http_client_new(&http, &w->tools.http);
}

/* One turn: look for links, ask one, or wait. The lock is held on entry and at the end. */
static void
turn(struct worker *w)
{
    struct relay_asker *a = w->asker;
    uint64_t now = dt_monotonic_ms(), next = NEVER;
    struct link *l;
    enum dt_err err;

    if (now >= a->scan_ms) {
        int64_t reg = a->scanned;

        a->scan_ms = NEVER;
        pthread_mutex_unlock(&a->lock);
        if ((err = scan(w, &reg)) != DT_OK)
            relay_log_err("witness", "witnesses to ask", err);
        pthread_mutex_lock(&a->lock);
        a->scanned = reg;
        a->scan_ms = dt_monotonic_ms() + SCAN_MS;
        more_workers(a);
        return;
    }
    if ((l = pick(a, now, &next)) != NULL) {
        struct relay_ask_outcome out = {0};
        uint64_t old = l->old;
        bool needed = false;

        l->busy = true;
        l->due_ms = NEVER; /* news from here on makes it due again */
        pthread_mutex_unlock(&a->lock);
        err = relay_ask(&w->tools, l->reg, &l->key, l->url, &old, &out, &needed);
        if (err != DT_OK && err != DT_ERR_STATE)
            relay_log_err("witness", l->key.name, err);
        pthread_mutex_lock(&a->lock);
        settle(a, l, err, needed, &out, old);
        return;
    }
    wait_until(a, next);
}

static void *
worker_main(void *arg)
{
    struct relay_asker *a = arg;
    struct worker w = {.asker = a, .tools = {.writer = a->config.writer, .hub = a->config.hub}};
    bool open = false;
    enum dt_err err;

    pthread_mutex_lock(&a->lock);
    while (!atomic_load(&a->stop)) {
        if (!a->go) {
            wait_until(a, NEVER);
            continue;
        }
        if (open) {
            turn(&w);
            continue;
        }
        pthread_mutex_unlock(&a->lock);
        err = worker_open(&w);
        open = err == DT_OK;
        if (!open) {
            relay_log_err("witness", "witnesses to ask", err);
            worker_close(&w);
        }
        pthread_mutex_lock(&a->lock);
        if (!open)
            wait_until(a, NEVER);
    }
    pthread_mutex_unlock(&a->lock);
    worker_close(&w);
    return NULL;
}

/* ---- from outside ---- */

enum dt_err
relay_asker_start(const struct relay_asker_config *config, struct relay_asker **out)
{
    struct relay_asker *a = dt_alloc(1, sizeof(*a));
    pthread_condattr_t attr;

    if (a == NULL)
        return dt_nomem();
    a->config = *config;
    /* Threads of ours read these long after the caller has gone on. */
    a->config.store = a->store = dt_strndup(config->store, strlen(config->store));
    if (config->ca_file != NULL)
        a->config.ca_file = a->ca_file = dt_strndup(config->ca_file, strlen(config->ca_file));
    if (a->store == NULL || (config->ca_file != NULL && a->ca_file == NULL)) {
        dt_free(a->ca_file);
        dt_free(a->store);
        dt_free(a);
        return dt_nomem();
    }
    a->config.clock = config->clock.now_ms != NULL ? config->clock : dt_clock_system();
    a->config.timeout_s = config->timeout_s == 0 ? TIMEOUT_S : config->timeout_s;
    a->config.gap_ms = config->gap_ms == 0 ? GAP_MS : config->gap_ms;
    a->config.pause_ms = config->pause_ms == 0 ? PAUSE_MS : config->pause_ms;
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&a->more, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_lock(&a->lock);
    if (pthread_create(&a->threads[0], NULL, worker_main, a) == 0)
        a->n_threads = 1;
    pthread_mutex_unlock(&a->lock);
    if (a->n_threads == 0) {
        relay_asker_free(a);
        return dt_nomem();
    }
    *out = a;
    return DT_OK;
}

void
relay_asker_go(struct relay_asker *a)
{
    pthread_mutex_lock(&a->lock);
    a->go = true;
    pthread_cond_broadcast(&a->more);
    pthread_mutex_unlock(&a->lock);
}

void
relay_asker_stop(struct relay_asker *a)
{
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    atomic_store(&a->stop, true);
    pthread_cond_broadcast(&a->more);
    pthread_mutex_unlock(&a->lock);
    /* None begins from here on: they look at stop under the lock. */
    for (size_t i = 0; i < a->n_threads; i++)
        pthread_join(a->threads[i], NULL);
    a->n_threads = 0;
}

void
relay_asker_free(struct relay_asker *a)
{
    if (a == NULL)
        return;
    relay_asker_stop(a);
    for (size_t i = 0; i < a->n_links; i++)
        link_free(a->links[i]);
    dt_free(a->links);
    dt_free(a->ca_file);
    dt_free(a->store);
    pthread_cond_destroy(&a->more);
    pthread_mutex_destroy(&a->lock);
    dt_free(a);
}

void
relay_asker_news(struct relay_asker *a, int64_t reg)
{
    uint64_t now = dt_monotonic_ms();
    bool any = false;

    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->n_links; i++) {
        struct link *l = a->links[i];
        uint64_t at = l->last_ms + a->config.gap_ms;

        /* One in trouble waits for its time. */
        if (l->reg != reg || l->pause_ms != 0 || l->due_ms != NEVER)
            continue;
        l->due_ms = at > now && l->last_ms != 0 ? at : now;
        any = true;
    }
    if (any)
        pthread_cond_signal(&a->more);
    pthread_mutex_unlock(&a->lock);
}

void
relay_asker_look(struct relay_asker *a, int64_t reg, uint32_t key_id, struct relay_asked *out)
{
    *out = (struct relay_asked){0};
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->n_links; i++) {
        if (a->links[i]->reg == reg && a->links[i]->key.id == key_id)
            *out = a->links[i]->state;
    }
    pthread_mutex_unlock(&a->lock);
}
