/*
 * net/server_address.h - what one address may have of a server: connections at a time, and new ones
 * a second.
 *
 * Layer: net, internal to the server. Used by the thread that runs it, without a lock. Times are
 * dt_monotonic_ms().
 *
 * An address is one of IPv4, or the first 64 bits of one of IPv6, as whoever has a network there
 * has all of those behind them. Which have connections is known exactly; of others the last
 * DT_ADDRESSES_IDLE are remembered until they may come at full speed again.
 */
#ifndef DT_NET_SERVER_ADDRESS_H
#define DT_NET_SERVER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DT_ADDRESSES_IDLE  4096u
#define DT_ADDRESSES_LISTS 1024u
#define DT_ADDRESSES_BURST 4u /* so many times the rate may come at once */
#define DT_ADDRESS_TEXT    46u

struct sockaddr;
struct dt_peer;

/* All zero but most and rate is an empty one. */
struct dt_addresses {
    unsigned int most; /* connections at a time; 0: any number */
    unsigned int rate; /* new ones a second; 0: any number */
    struct dt_peer *lists[DT_ADDRESSES_LISTS];
    struct dt_peer *idle, *idle_last; /* without a connection, the one that came first first */
    size_t n_idle;
};

enum dt_address_says { DT_ADDRESS_WELCOME = 0, DT_ADDRESS_TOO_MANY, DT_ADDRESS_TOO_FAST };

/* One more connection of ${from} is there: may it stay? Without memory to know, it is too many. */
enum dt_address_says dt_addresses_ask(struct dt_addresses *a, const struct sockaddr *from,
                                      uint64_t now);

/* One that stays begins: for dt_addresses_end(), NULL where it is not counted. */
struct dt_peer *dt_addresses_begin(struct dt_addresses *a, const struct sockaddr *from,
                                   uint64_t now);
void dt_addresses_end(struct dt_addresses *a, struct dt_peer *peer); /* NULL is fine */

void dt_addresses_clear(struct dt_addresses *a);

/* "192.0.2.1" or "2001:db8::1", without a port; "" for what is neither. */
void dt_address_text(const struct sockaddr *from, char out[static DT_ADDRESS_TEXT]);

#endif
