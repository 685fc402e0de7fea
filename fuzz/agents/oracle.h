/*
 * fuzz/agents/oracle.h - what the agents acknowledged, and whether it still holds.
 */
#ifndef DT_FUZZ_AGENTS_ORACLE_H
#define DT_FUZZ_AGENTS_ORACLE_H

#include "world.h"

#define SAID_MAX 16
#define TEXT_MAX 4096

/* Something that an agent was told to say. */
struct said {
    size_t by;
    size_t len;
    bool acked; /* it said that it will; else it was killed in between, and both are fine */
    uint8_t id[16];
};

struct oracle {
    struct said said[SAID_MAX];
    size_t n_said;
    uint8_t seals[SAID_MAX][32]; /* handed in to the register */
    size_t n_seals;
    bool used[AGENTS];    /* took part */
    bool may_go[AGENTS];  /* it left or was removed: what it had not sent may be lost */
    bool excused[AGENTS]; /* it asked to re-join, or its store was put back: it may miss what others
                           * said, but takes in nothing twice and nothing wrong */
    bool odd;             /* any of the last, or the relay lied: alarms may be raised */
    bool clock;           /* it was turned: then a receipt may be late */
    bool lied;            /* it did, once; what it did not show then is read again, and is whole */
};

/* The text of o->said[i], which is like no other's. */
struct dt_view oracle_text(const struct oracle *o, size_t i, uint8_t buf[static TEXT_MAX]);

/* May a party have no delegate in the channel any more? Then who was away, or joins anew, stays
 * unconfirmed and sends nothing (a channel that must go on without a party is founded anew). */
bool oracle_party_gone(const struct oracle *o);

/* Everybody synced: ends the program when something acknowledged was doubled or changed, or when
 * anyone raises an alarm without an excuse; and ${at_rest} also when something was lost, when
 * states differ, or when anyone is broken. */
void oracle_check(const struct oracle *o, const struct world *w, bool at_rest);

#endif
