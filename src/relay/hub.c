/*
 * relay/hub.c - see hub.h. A hash table of lists under one lock. Keys are hashes already, so their
 * first bytes choose the list; who could steer them would have to find SHA-256 prefixes, 12 bits of
 * them, and gains a longer walk of at most DT_RELAY_WATCHES_MAX.
 */
#include <pthread.h>
#include <string.h>

#include "base/mem.h"

#include "relay/hub.h"

#define LISTS 4096u

struct dt_hub {
    pthread_mutex_t lock;
    size_t n;
    struct dt_watch *lists[LISTS];
};

static size_t
list_of(const uint8_t *key)
{
    return ((size_t)key[0] << 8 | key[1]) % LISTS;
}

enum dt_err
dt_hub_new(struct dt_hub **out)
{
    struct dt_hub *hub = dt_alloc(1, sizeof(*hub));

    if (hub == NULL)
        return dt_nomem();
    pthread_mutex_init(&hub->lock, NULL);
    *out = hub;
    return DT_OK;
}

void
dt_hub_free(struct dt_hub *hub)
{
    if (hub == NULL)
        return;
    pthread_mutex_destroy(&hub->lock);
    dt_free(hub);
}

enum dt_err
dt_hub_add(struct dt_hub *hub, struct dt_watch *watch)
{
    struct dt_watch **list = &hub->lists[list_of(watch->key)];
    enum dt_err err = DT_OK;

    pthread_mutex_lock(&hub->lock);
    if (hub->n >= DT_RELAY_WATCHES_MAX) {
        err = dt_fail(DT_ERR_LIMIT, "too many requests wait for news");
    } else {
        watch->prev = NULL;
        watch->next = *list;
        if (*list != NULL)
            (*list)->prev = watch;
        *list = watch;
        watch->listed = true;
        hub->n++;
    }
    pthread_mutex_unlock(&hub->lock);
    return err;
}

void
dt_hub_remove(struct dt_hub *hub, struct dt_watch *watch)
{
    pthread_mutex_lock(&hub->lock);
    if (watch->listed) {
        if (watch->prev != NULL)
            watch->prev->next = watch->next;
        else
            hub->lists[list_of(watch->key)] = watch->next;
        if (watch->next != NULL)
            watch->next->prev = watch->prev;
        watch->next = watch->prev = NULL;
        watch->listed = false;
        hub->n--;
    }
    pthread_mutex_unlock(&hub->lock);
}

void
dt_hub_news(struct dt_hub *hub, const uint8_t key[static DT_HUB_KEY])
{
    pthread_mutex_lock(&hub->lock);
    for (struct dt_watch *w = hub->lists[list_of(key)]; w != NULL; w = w->next) {
        if (memcmp(w->key, key, DT_HUB_KEY) == 0)
            dt_http_wake(w->req);
    }
    pthread_mutex_unlock(&hub->lock);
}

void
dt_hub_news_all(struct dt_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    for (size_t i = 0; i < LISTS; i++)
        for (struct dt_watch *w = hub->lists[i]; w != NULL; w = w->next)
            dt_http_wake(w->req);
    pthread_mutex_unlock(&hub->lock);
}

static const char mark[] = "detente register";

bool
dt_hub_key_register(const uint8_t key[static DT_HUB_KEY], int64_t *out)
{
    uint64_t reg = 0;

    if (memcmp(key + 8, mark, sizeof(mark)) != 0)
        return false;
    for (size_t i = 8; i-- > 0;)
        reg = reg << 8 | key[i];
    *out = (int64_t)reg;
    return true;
}

void
dt_hub_register_key(int64_t reg, uint8_t key[static DT_HUB_KEY])
{
    memset(key, 0, DT_HUB_KEY);
    for (size_t i = 0; i < 8; i++)
        key[i] = (uint8_t)((uint64_t)reg >> (8 * i));
    memcpy(key + 8, mark, sizeof(mark));
}
