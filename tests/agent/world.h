/*
 * tests/agent/world.h - a small world for tests: a real relay process, three roots, a charter,
 * homes on disk.
 */
#ifndef DT_TESTS_AGENT_WORLD_H
#define DT_TESTS_AGENT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include "agent/agent.h"
#include "record/letter.h"

#define PASSPHRASE "correct horse"
#define N_PARTIES  3

enum { MEDIATOR, BLUE, RED };

/* Shows what went wrong, not only that it did. */
#define ok(expr)                                                                                   \
    do {                                                                                           \
        enum dt_err ok_err_ = (expr);                                                              \
        if (ok_err_ != DT_OK) {                                                                    \
            print_error("%s: %s (%s)\n", #expr, dt_err_message(), dt_err_place());                 \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

#define is(expr, want) assert_int_equal((expr), (want))

struct world {
    char dir[64];
    char url[64];
    char address[32];
    pid_t relay;
    uint8_t root[N_PARTIES][32]; /* seeds */
    struct dt_buf charter;
    struct dt_buf grant[N_PARTIES];
    unsigned int replaced; /* how often the relay was */
    uint64_t offset_ms;    /* of the clock of all homes from the real one */
    uint64_t frozen_ms;    /* not 0: what that clock shows */
    const char *cadence;   /* of the register, NULL: none */
};

extern const char *const party_names[N_PARTIES];

/* The rules file_max and line_test of charters made from now on; NULL: none. */
extern const char *world_file_max;
extern const char *world_line_test;

/* Start and stop; the relay is a process of its own. */
void world_start(struct world *w);
/* All but the relay, which the test runs at w->address; the register has the cadence ${cadence}. */
void world_prepare(struct world *w, const char *cadence);
void world_stop(struct world *w);
void world_relay_start(struct world *w);
void world_relay_stop(struct world *w);

/* The relay is lost with its store and the register's key. Another one stands at the same address,
 * with new grants; its register begins with ${entries}. */
void world_relay_replace(struct world *w, struct dt_view entries);

/* The witness key of ${party}, of a fixed seed. */
struct tlog_signer;
void world_witness(size_t party, struct tlog_signer *out);

/* The clock of this world. */
struct dt_clock world_clock(struct world *w);

/* "<dir>/<name>" into ${out}. */
void world_path(const struct world *w, const char *name, char out[static 128]);

/* A home with an accredited delegate of ${party}; synced once, so that its inbox is there. */
struct dt_agent *world_home(struct world *w, const char *name, int party, uint32_t rights);

/* A (new) letter for the delegate of ${a}, by its party's root, taken in by ${a}. */
void world_accredit(struct world *w, struct dt_agent *a, int party, uint32_t rights);

/* Open a home again. */
struct dt_agent *world_open(struct world *w, const char *name);

/* Hand the letters of all to all. */
void world_share(struct dt_agent **agents, size_t n);

/* The hash of the own letter. */
void world_letter_hash(struct dt_agent *a, uint8_t out[static 32]);

/* Sync each in turn, ${rounds} times. */
void world_sync(struct dt_agent **agents, size_t n, unsigned int rounds);

/* Accept every open invitation. */
void world_accept(struct dt_agent *a);

/* Found a channel with agents[0] as founder and all of ${agents} in it, until all have confirmed.
 */
void world_found(struct dt_agent **agents, size_t n, enum dt_channel_kind kind, const char *name,
                 uint8_t group_id[static 32]);

void world_say(struct dt_agent *a, const uint8_t group_id[static 32], const char *text);

/* How many pieces of talk with exactly these bytes the agent has. */
size_t world_talk_count(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view data);

/* Each of ${agents} has the text once. */
void world_all_have_once(struct dt_agent **agents, size_t n, const uint8_t group_id[static 32],
                         const char *text);

/* How many cells the relay holds of the channel's present queue, of the agent's inbox. */
uint64_t world_cells_in_channel(struct dt_agent *a, const uint8_t group_id[static 32]);
uint64_t world_cells_in_inbox(struct dt_agent *a);

/* The channel as it is shown. */
struct dt_channel_info world_channel(struct dt_agent *a, const uint8_t group_id[static 32]);

/* The leaf of the holder of ${letter_hash}; UINT32_MAX when it is not a member. */
uint32_t world_leaf(struct dt_agent *a, const uint8_t group_id[static 32],
                    const uint8_t letter_hash[static 32]);

/* Alarms of one kind, or of all (0, and shown); the same again is counted too. */
#define ANY_ALARM (-1)
size_t world_alarms(struct dt_agent *a, int kind);

/* The newest alarm of ${kind} says ${text}. */
void world_said(struct dt_agent *a, enum dt_alarm_kind kind, const char *text);

#endif
