/*
 * bench/relay_load.h - the load of the program `relay`: 16 senders and 4 readers, each with a
 * connection of its own, in one loop over nonblocking sockets, whatever protocol they speak.
 *
 * Sender i sends to queue i mod 4. A message is LOAD_CELL bytes: when it was due, its sender, its
 * number. Readers check that each sender's numbers come without gap, in order and once.
 */
#ifndef DT_BENCH_RELAY_LOAD_H
#define DT_BENCH_RELAY_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/grant.h"

#define LOAD_SENDERS  16u
#define LOAD_QUEUES   4u
#define LOAD_CELL     512u
#define LOAD_WINDOW   64u /* most messages in flight of one sender */
#define LOAD_PER_READ 512u

/* Bytes in or out of a connection: what lies between off and n is to be looked at, or sent. */
struct load_bytes {
    uint8_t *p;
    size_t off, n, cap;
};

struct load;

struct load_conn {
    struct load *load;
    int fd;
    bool reader, ready, wants_out;
    unsigned int index, queue;
    struct load_bytes in, out;
    uint64_t due[4096]; /* open loop: when what waits to be sent was due */
    size_t due_at, n_due;
    uint64_t flying[LOAD_WINDOW * 64]; /* when what was sent was due, oldest first */
    size_t flying_at, n_flying;
    uint32_t number; /* of the next message */
    /* The protocol's: */
    uint64_t after, random;
    size_t expected;
    int state;
};

/* A protocol. What they append to c->out is sent by the loop. */
struct load_protocol {
    bool one_request; /* waits for an answer before it sends again, but takes many in one */
    /* Begin: what a reader or a sender says first; c->ready when it may send, or will be sent to.
     */
    bool (*open)(struct load_conn *c);
    void (*publish)(struct load_conn *c, const uint8_t (*cells)[LOAD_CELL], size_t n);
    /* Look at c->in, telling load_acked() and load_received(); false: not understood. */
    bool (*input)(struct load_conn *c);
};

/* A server under load. */
struct load_target {
    const char *name, *durability;
    const struct load_protocol *protocol;
    int pid;               /* 0: not ours */
    int database;          /* of the PostgreSQL behind our relay; 0: none */
    struct dt_grant grant; /* our relay's, and where it is */
    char base_url[128];
    uint16_t port;
    char host[64], dir[256];
    uint8_t address[LOAD_QUEUES][32], read[LOAD_QUEUES][32],
        write[LOAD_QUEUES][32];    /* our relay's */
    uint32_t number[LOAD_SENDERS]; /* each sender's next, from one load to the next */
    uint32_t seen[LOAD_SENDERS];
    uint64_t after[LOAD_QUEUES];
};

struct load_samples {
    uint32_t *us;
    size_t n, cap;
};

struct load_plan {
    double seconds, warm_s;
    unsigned int window; /* closed loop: messages in flight of one sender */
    double rate;         /* or open loop: messages a second in all; 0: closed */
    uint64_t messages;   /* of all senders; 0: as many as go in the time */
    bool senders, readers;
};

struct load_result {
    double acked_per_s, received_per_s, drain_per_s;
    double ack_ms[2], e2e_ms[2]; /* median, 99th percentile */
    uint64_t acked, received, disorder;
};

struct load {
    struct load_target *target;
    const struct load_plan *plan;
    struct load_conn *conns[LOAD_SENDERS + LOAD_QUEUES];
    size_t n_conns;
    int epoll;
    uint64_t begin_ns, from_ns, until_ns; /* measured is what ends between these */
    uint64_t sent, acked, received, in_acked, in_received, disorder, last_ns, first_ns;
    uint64_t next_due_ns, n_scheduled, backlog;
    struct load_samples ack, e2e;
    bool failed, stop_sending;
    char why[256];
};

/* Run ${plan} against ${t}; false with a line on stderr when something broke. */
bool load_run(struct load_target *t, const struct load_plan *plan, struct load_result *out);

/* For protocols: room for ${n} more bytes to send, which count as sent. */
uint8_t *load_room(struct load_bytes *b, size_t n);
void load_put(struct load_bytes *b, const void *p, size_t n);
void load_puts(struct load_bytes *b, const char *s);
void load_acked(struct load_conn *c, size_t n);
void load_received(struct load_conn *c, const uint8_t *cell, size_t n);
void load_failed(struct load_conn *c, const char *why, const uint8_t *p, size_t n);

/* A connected nonblocking socket, or -1. */
int load_connect(const struct load_target *t);

uint64_t load_random(uint64_t *state);

extern const struct load_protocol load_detente, load_redis, load_nats, load_mqtt, load_postgres;

#endif
