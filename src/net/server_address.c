/*
 * net/server_address.c - see server_address.h.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

#include "net/server_address.h"

#define KEY 9u /* a byte for the kind, and up to 64 bits */

struct dt_peer {
    struct dt_peer *next;                  /* in its list */
    struct dt_peer *idle_next, *idle_prev; /* while it has no connection */
    uint8_t key[KEY];
    unsigned int n;      /* connections */
    double tokens;       /* new ones that may come now */
    uint64_t counted_ms; /* when they were counted */
};

/* An address of IPv4 in the clothes of IPv6, as a socket that listens on both has it. */
static bool
is_mapped(const struct sockaddr_in6 *in6)
{
    return IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
}

static bool
key_of(const struct sockaddr *from, uint8_t key[static KEY])
{
    memset(key, 0, KEY);
    if (from == NULL)
        return false;
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;

        key[0] = 4;
        memcpy(key + 1, &in->sin_addr, 4);
        return true;
    }
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)from;

        key[0] = is_mapped(in6) ? 4 : 6;
        if (is_mapped(in6))
            memcpy(key + 1, in6->sin6_addr.s6_addr + 12, 4);
        else
            memcpy(key + 1, in6->sin6_addr.s6_addr, 8);
        return true;
    }
    return false;
}

void
dt_address_text(const struct sockaddr *from, char out[static DT_ADDRESS_TEXT])
{
    uint8_t key[KEY];
    const char *text = NULL;

    if (key_of(from, key) && key[0] == 4)
        text = inet_ntop(AF_INET, key + 1, out, DT_ADDRESS_TEXT);
    else if (key[0] == 6)
        text = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
                         out, DT_ADDRESS_TEXT);
    if (text == NULL)
        out[0] = '\0';
}

/* Whoever steers many addresses into one list makes it as long as there are peers, and no longer.
 */
static struct dt_peer **
list_of(struct dt_addresses *a, const uint8_t key[static KEY])
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < KEY; i++)
        h = (h ^ key[i]) * 16777619u;
    return &a->lists[(h >> 16 ^ h) % DT_ADDRESSES_LISTS];
}

static void
idle_remove(struct dt_addresses *a, struct dt_peer *p)
{
    if (p->idle_prev != NULL)
        p->idle_prev->idle_next = p->idle_next;
    else
        a->idle = p->idle_next;
    if (p->idle_next != NULL)
        p->idle_next->idle_prev = p->idle_prev;
    else
        a->idle_last = p->idle_prev;
    p->idle_next = p->idle_prev = NULL;
    a->n_idle--;
}

static void
idle_add(struct dt_addresses *a, struct dt_peer *p)
{
    p->idle_prev = a->idle_last;
    if (a->idle_last != NULL)
        a->idle_last->idle_next = p;
    else
        a->idle = p;
    a->idle_last = p;
    a->n_idle++;
}

/* ${p}, which has no connection, is not known any more. */
static void
forget(struct dt_addresses *a, struct dt_peer *p)
{
    struct dt_peer **at = list_of(a, p->key);

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    idle_remove(a, p);
    dt_free(p);
}

/* Those that may come at full speed again need not be known; nor may more than so many. */
static void
tidy(struct dt_addresses *a, uint64_t now)
{
    while (a->idle != NULL && (a->n_idle > DT_ADDRESSES_IDLE ||
                               now - a->idle->counted_ms > DT_ADDRESSES_BURST * UINT64_C(1000)))
        forget(a, a->idle);
}

/* The peer of ${from}, made if it is not known; NULL: no address, or no memory. */
static struct dt_peer *
find(struct dt_addresses *a, const struct sockaddr *from, uint64_t now)
{
    uint8_t key[KEY];
    struct dt_peer *p, **list;

    if (!key_of(from, key))
        return NULL;
    list = list_of(a, key);
    for (p = *list; p != NULL && memcmp(p->key, key, KEY) != 0; p = p->next)
        ;
    if (p != NULL)
        return p;
    tidy(a, now);
    if ((p = dt_alloc(1, sizeof(*p))) == NULL)
        return NULL;
    memcpy(p->key, key, KEY);
    p->tokens = (double)a->rate * DT_ADDRESSES_BURST;
    p->counted_ms = now;
    p->next = *list;
    *list = p;
    idle_add(a, p);
    return p;
}

enum dt_address_says
dt_addresses_ask(struct dt_addresses *a, const struct sockaddr *from, uint64_t now)
{
    double most = (double)a->rate * DT_ADDRESSES_BURST;
    struct dt_peer *p;

    if (a->most == 0 && a->rate == 0)
        return DT_ADDRESS_WELCOME;
    p = find(a, from, now);
    if (p == NULL || (a->most != 0 && p->n >= a->most))
        return DT_ADDRESS_TOO_MANY;
    if (a->rate == 0)
        return DT_ADDRESS_WELCOME;
    p->tokens += (double)(now - p->counted_ms) * a->rate / 1000;
    p->counted_ms = now;
    if (p->tokens > most)
        p->tokens = most;
    if (p->n == 0) { /* the last that came is the last */
        idle_remove(a, p);
        idle_add(a, p);
    }
    if (p->tokens < 1)
        return DT_ADDRESS_TOO_FAST;
    p->tokens -= 1;
    return DT_ADDRESS_WELCOME;
}

struct dt_peer *
dt_addresses_begin(struct dt_addresses *a, const struct sockaddr *from, uint64_t now)
{
    struct dt_peer *p = a->most == 0 && a->rate == 0 ? NULL : find(a, from, now);

    if (p != NULL && p->n++ == 0)
        idle_remove(a, p);
    return p;
}

void
dt_addresses_end(struct dt_addresses *a, struct dt_peer *peer)
{
    if (peer != NULL && --peer->n == 0)
        idle_add(a, peer);
}

void
dt_addresses_clear(struct dt_addresses *a)
{
    while (a->idle != NULL)
        forget(a, a->idle);
}
