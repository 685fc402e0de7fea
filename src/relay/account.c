/*
 * relay/account.c - see account.h. A grant is made by the operator alone, so what is remembered of
 * each needs no bound of its own.
 */
#include "base/mem.h"

#include "relay/account.h"

#define LISTS 256u

struct account {
    struct account *next;
    uint64_t grant;
    struct dt_relay_bounds bounds;
    uint64_t looked_ms; /* when they were read */
    uint64_t filled_ms; /* when the tokens were counted */
    double tokens;      /* appends that it may make at once */
    uint64_t polls;
};

struct relay_accounts {
    struct account *lists[LISTS];
    uint64_t polls, polls_max;
};

enum dt_err
relay_accounts_new(uint64_t polls_max, struct relay_accounts **out)
{
    struct relay_accounts *a = dt_alloc(1, sizeof(*a));

    if (a == NULL)
        return dt_nomem();
    a->polls_max = polls_max;
    *out = a;
    return DT_OK;
}

void
relay_accounts_free(struct relay_accounts *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < LISTS; i++) {
        while (a->lists[i] != NULL) {
            struct account *next = a->lists[i]->next;

            dt_free(a->lists[i]);
            a->lists[i] = next;
        }
    }
    dt_free(a);
}

static struct account *
find(struct relay_accounts *a, uint64_t grant)
{
    struct account *x = a->lists[grant % LISTS];

    while (x != NULL && x->grant != grant)
        x = x->next;
    return x;
}

/* The account of ${grant}, with limits that were read a moment ago. */
static enum dt_err
look(struct relay_accounts *a, struct dt_relay_store *s, uint64_t grant, uint64_t now_ms,
     struct account **out)
{
    struct account *x = find(a, grant);
    struct dt_relay_bounds bounds;
    enum dt_err err;

    if (x != NULL && now_ms - x->looked_ms < RELAY_ACCOUNT_LOOK_MS) {
        *out = x;
        return DT_OK;
    }
    if ((err = dt_relay_store_bounds(s, grant, &bounds, NULL)) != DT_OK)
        return err;
    if (x == NULL) {
        if ((x = dt_alloc(1, sizeof(*x))) == NULL)
            return dt_nomem();
        x->grant = grant;
        x->tokens = (double)bounds.burst;
        x->filled_ms = now_ms;
        x->next = a->lists[grant % LISTS];
        a->lists[grant % LISTS] = x;
    }
    x->bounds = bounds;
    x->looked_ms = now_ms;
    *out = x;
    return DT_OK;
}

enum dt_err
relay_accounts_take(struct relay_accounts *a, struct dt_relay_store *s, uint64_t grant, uint64_t n,
                    uint64_t now_ms, uint64_t *out_wait_ms)
{
    struct account *x = NULL;
    enum dt_err err = look(a, s, grant, now_ms, &x);
    double rate, burst, need;

    if (err != DT_OK)
        return err;
    *out_wait_ms = 0;
    if (x->bounds.rate == 0)
        return DT_OK;
    rate = (double)x->bounds.rate;
    burst = (double)(x->bounds.burst > 0 ? x->bounds.burst : 1);
    x->tokens += (double)(now_ms - x->filled_ms) * rate / 1000;
    x->filled_ms = now_ms;
    if (x->tokens > burst)
        x->tokens = burst;
    need = (double)n < burst ? (double)n : burst;
    if (x->tokens < need) {
        *out_wait_ms = (uint64_t)((need - x->tokens) * 1000 / rate) + 1;
        return DT_OK;
    }
    x->tokens -= (double)n; /* below zero after more than a burst: the debt is waited for */
    return DT_OK;
}

enum dt_err
relay_accounts_poll(struct relay_accounts *a, struct dt_relay_store *s, uint64_t grant,
                    uint64_t now_ms, enum relay_polls *out)
{
    struct account *x = NULL;
    enum dt_err err;

    if (grant != 0 && (err = look(a, s, grant, now_ms, &x)) != DT_OK)
        return err;
    if (x != NULL && x->bounds.polls != 0 && x->polls >= x->bounds.polls)
        *out = RELAY_POLLS_GRANT;
    else if (a->polls_max != 0 && a->polls >= a->polls_max)
        *out = RELAY_POLLS_ALL;
    else
        *out = RELAY_POLLS_OK;
    if (*out != RELAY_POLLS_OK)
        return DT_OK;
    a->polls++;
    if (x != NULL)
        x->polls++;
    return DT_OK;
}

void
relay_accounts_poll_end(struct relay_accounts *a, uint64_t grant)
{
    struct account *x = grant == 0 ? NULL : find(a, grant);

    a->polls--;
    if (x != NULL)
        x->polls--;
}
