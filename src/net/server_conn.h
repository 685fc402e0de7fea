/*
 * net/server_conn.h - the server's connections: what each is doing, how long it may, and which one
 * has to go when there are too many.
 *
 * Layer: net, internal to the server. No I/O but a look at a descriptor and its shutdown(); the
 * caller's lock guards everything here. Times are dt_monotonic_ms().
 *
 *             +---> BODY ---+
 *     HEADER--+             +--> WORK --> ANSWER --> HEADER
 *             +-------------+
 *
 * The library's own time-out counts from the last byte, so a peer that sends or takes a byte every
 * few seconds would never meet it. Here each phase has a time as a whole.
 */
#ifndef DT_NET_SERVER_CONN_H
#define DT_NET_SERVER_CONN_H

#include "base/bytes.h"

enum dt_conn_phase {
    DT_CONN_HEADER = 1, /* connected or kept, no whole header yet */
    DT_CONN_BODY,
    DT_CONN_WORK, /* the handler has it; nobody waits for the peer */
    DT_CONN_ANSWER
};

/* On whose account a large body or answer is held: the many and the one, as a grant and a queue. */
struct dt_conn_account {
    uint64_t many, one;
};

struct dt_tls_pair;
struct dt_peer;

struct dt_conn {
    struct dt_conn *next, *prev;
    int fd;
    struct dt_tls_pair *pair; /* what its handshake was given; NULL: none, or no TLS */
    struct dt_peer *peer;     /* its address; NULL: not counted */
    enum dt_conn_phase phase;
    bool used;           /* at least one request came */
    bool ended;          /* shut down, the library will close it */
    bool leaving;        /* ended, or to be closed after its answer */
    bool quick;          /* the loop's own: the latest news on it came soon */
    uint64_t since_ms;   /* when the phase began */
    uint64_t allowed_ms; /* how long it may last; 0: no limit */
    uint64_t bucket_ms;
    double tokens;  /* requests it may still make */
    uint64_t order; /* of two connections, the one whose phase began first has the smaller */
    size_t held;    /* bytes of a large body or answer that are in memory for it */
    size_t small;   /* and of what is small and counted together */
    struct dt_conn_account account;
    /* While it holds and has not ended: its neighbours among those, and what all of them hold on
     * the account of its many and of its one. */
    struct dt_conn *holder_next, *holder_prev;
    size_t many_held, one_held;
};

/* In order of since_ms, the oldest first. */
struct dt_conns {
    struct dt_conn *first, *last;
    struct dt_conn *holders; /* those that hold and have not ended, in no order */
    uint64_t order;
    size_t n, n_leaving;
    size_t held, held_leaving;   /* sums of what connections hold: of all; of those that ended */
    size_t small;                /* and of all that is small */
    uint64_t header_ms, idle_ms; /* the first header; every later one */
    uint64_t transfer_ms;        /* a body or an answer, */
    uint64_t rate_min;           /* and a second more for each so many bytes */
};

/* ${c} is the caller's, all zero but fd, tokens, pair and peer. */
void dt_conns_add(struct dt_conns *l, struct dt_conn *c, uint64_t now);
void dt_conns_remove(struct dt_conns *l, struct dt_conn *c);

/* ${c} begins ${phase}, in which ${n} bytes go over the line: of BODY and ANSWER, else ignored. */
void dt_conns_phase(struct dt_conns *l, struct dt_conn *c, enum dt_conn_phase phase, uint64_t n,
                    uint64_t now);

/* End the connections whose time is up. */
void dt_conns_sweep(struct dt_conns *l, uint64_t now);

/* ${c} will be closed after its answer: it is counted as gone. */
void dt_conns_leave(struct dt_conns *l, struct dt_conn *c);

/* End the one that is longest in HEADER, if it has been for ${age_ms}; false when none is. */
bool dt_conns_end_idle(struct dt_conns *l, uint64_t age_ms, uint64_t now);

/* End the one that is longest in BODY or ANSWER, if it has been for header_ms; false when none. */
bool dt_conns_end_slow(struct dt_conns *l, uint64_t now);

/* ${n} more bytes are held for ${c}, on ${account}; and all of them no more. Holding, releasing and
 * ending cost a step for each that holds, whatever the number of connections and accounts. */
void dt_conns_hold(struct dt_conns *l, struct dt_conn *c, size_t n, struct dt_conn_account account);
void dt_conns_release(struct dt_conns *l, struct dt_conn *c);

/* ${n} more bytes are held for ${c} that are small: on nobody's account, until dt_conns_release().
 */
void dt_conns_hold_small(struct dt_conns *l, struct dt_conn *c, size_t n);

/* End one in BODY or ANSWER other than ${except} to get memory back: of the many that hold most,
 * the one that holds most, and of its connections that in which this has lasted longest. So whoever
 * takes all there is takes it from itself. False when there is none. */
bool dt_conns_end_holder(struct dt_conns *l, const struct dt_conn *except);

/* Has the peer of ${c}, whose request waits, gone away? Nobody reads from it meanwhile, so nobody
 * else sees. */
bool dt_conn_gone(const struct dt_conn *c);

/* Is a request in work on any? */
bool dt_conns_busy(const struct dt_conns *l);

/* May ${c} make a request now, at ${rate} a second and at most twice that at once? */
bool dt_conn_take_token(struct dt_conn *c, double rate, uint64_t now);

#endif
