/*
 * relay/hub.h - who waits for news of which queue or register.
 *
 * Layer: relay. Waiting requests are woken from memory after the commit; nothing polls the store.
 */
#ifndef DT_RELAY_HUB_H
#define DT_RELAY_HUB_H

#include "net/server.h"
#include "relay/limits.h"

#define DT_HUB_KEY 32u

struct dt_hub;

/* One wait: ${key} is a queue's address or dt_hub_register_key(). Owned by the waiting request. */
struct dt_watch {
    uint8_t key[DT_HUB_KEY];
    struct dt_http_request *req;
    struct dt_watch *next, *prev;
    bool listed;
};

DT_MUST_CHECK enum dt_err dt_hub_new(struct dt_hub **out);
void dt_hub_free(struct dt_hub *hub);

/* From now on dt_hub_news() of watch->key wakes watch->req. LIMIT past DT_RELAY_WATCHES_MAX. */
DT_MUST_CHECK enum dt_err dt_hub_add(struct dt_hub *hub, struct dt_watch *watch);

/* Take ${watch} off; fine when it is not on. */
void dt_hub_remove(struct dt_hub *hub, struct dt_watch *watch);

/* Wake all that wait for ${key}. From any thread. */
void dt_hub_news(struct dt_hub *hub, const uint8_t key[static DT_HUB_KEY]);

/* Wake all that wait. From any thread. */
void dt_hub_news_all(struct dt_hub *hub);

/* Is ${key} that of a register? Then ${out} is its number. */
bool dt_hub_key_register(const uint8_t key[static DT_HUB_KEY], int64_t *out);

/* The key of a register: its number, marked so that no queue address is like it. */
void dt_hub_register_key(int64_t reg, uint8_t key[static DT_HUB_KEY]);

#endif
