/*
 * bench/relay_bench.h - what the files of the program `relay` share: servers, modes, results.
 */
#ifndef DT_BENCH_RELAY_BENCH_H
#define DT_BENCH_RELAY_BENCH_H

#include <sys/types.h>

#include "base/err.h"
#include "relay_load.h"

#define BENCH_TARGETS_MAX 6u
#define BENCH_QUEUES_MAX  2000u /* that a relay of ours is given for idle subscribers */

struct bench_options {
    const char *modes, *url, *grant, *dir, *relay;
    const char *peers[BENCH_TARGETS_MAX];
    size_t n_peers;
    double seconds;
    unsigned int rounds, messages, connections, subscribers;
    bool json;
};

/* ---- servers ---- */

/* Start the relay of this build (${o}->relay) in a new folder, or take the one at ${o}->url, and
 * make the queues. */
DT_MUST_CHECK enum dt_err bench_relay_start(const struct bench_options *o, struct load_target *t);
/* The same with its store in a PostgreSQL of its own; the folder is there. */
DT_MUST_CHECK enum dt_err bench_relay_on_postgres(const struct bench_options *o,
                                                  struct load_target *t);
/* Start the Debian server ${name} (redis, nats, mosquitto, postgres), or detente-on-postgres, in a
 * new folder. NOT_FOUND: it is not installed. */
DT_MUST_CHECK enum dt_err bench_peer_start(const struct bench_options *o, const char *name,
                                           struct load_target *t);
bool bench_peer_known(const char *name);
/* What those that start servers share: a folder and a port, a process, waiting until it serves,
 * what it said; and a PostgreSQL in t->dir at t->port, in which ${schema} was run. */
DT_MUST_CHECK enum dt_err bench_make_dir(const struct bench_options *o, struct load_target *t);
uint16_t bench_free_port(void);
DT_MUST_CHECK enum dt_err bench_spawn(struct load_target *t, const char *const argv[]);
DT_MUST_CHECK enum dt_err bench_wait_serving(struct load_target *t);
void bench_show_log(const struct load_target *t);
DT_MUST_CHECK enum dt_err bench_postgres_serve(struct load_target *t, const char *schema);
/* End it and wait; bench_server_remove() takes its folder away too. */
void bench_server_end(struct load_target *t);
void bench_server_remove(struct load_target *t);

/* Make one more queue, and whom it belongs to. */
DT_MUST_CHECK enum dt_err bench_queue_make(const struct load_target *t, uint8_t address[static 32],
                                           uint8_t read[static 32], uint8_t write[static 32]);

/* "GROUP=VERIFIER-KEY" of a new witness: a grant has some, of two groups. Nobody asks these. */
DT_MUST_CHECK enum dt_err bench_witness(const char *group, char out[static 512]);

/* Proportional set size of ${pid} and its children, kB; 0: cannot be seen. */
uint64_t bench_pss_kib(pid_t pid);
/* Processor time that they have used, in microseconds; 0: cannot be seen. */
double bench_cpu_us(pid_t pid);
/* Bytes of all files below ${dir}. */
uint64_t bench_dir_bytes(const char *dir);

/* ---- results ---- */

struct bench_row {
    const char *mode, *target, *durability;
    unsigned int round;
    struct {
        const char *name;
        double value;
    } v[8];
    size_t n;
};
struct bench_results {
    struct bench_row *rows;
    size_t n;
};
struct bench_row *bench_row_new(struct bench_results *r, const char *mode,
                                const struct load_target *t, unsigned int round);
void bench_row_put(struct bench_row *row, const char *name, double value);
/* Medians of the rounds, with the least and the most. */
void bench_print(const struct bench_results *r, const struct bench_options *o);

/* ---- modes ---- */

struct bench_mode {
    const char *name, *what;
    bool (*run)(const struct bench_options *o, struct load_target *t, struct bench_row *row);
    bool ours_only; /* looks into the process, or speaks our protocol alone */
};
extern const struct bench_mode bench_modes[];
extern const size_t bench_n_modes;

/* Make a store of ${queues} queues and ${messages} messages at ${path}, and say how long it took
 * and what a relay does with it. */
int bench_make_store(const char *path, uint64_t queues, uint64_t messages);

#endif
