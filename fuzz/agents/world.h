/*
 * fuzz/agents/world.h - a relay and three agents with a live channel, made once and put back to its
 * beginning before each input.
 *
 * All of it is the real thing but for the line (line.h) and the clock: stores are files (in
 * /dev/shm, so that a sync costs nothing), the relay has its writer thread.
 */
#ifndef DT_FUZZ_AGENTS_WORLD_H
#define DT_FUZZ_AGENTS_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "relay/relay.h"

#include "must.h"

/* The mediator, blue's first delegate and its second. */
#define AGENTS 3

struct world {
    char dir[96];
    struct dt_relay *relay;
    struct dt_agent *a[AGENTS];
    uint32_t leaf[AGENTS]; /* in the beginning */
    uint8_t letter[AGENTS][32];
    uint8_t group_id[32];
    uint64_t now_ms;
};

/* Make the world, found the channel, and keep copies of all stores. */
void world_make(struct world *w);

/* Back to how world_make() left it; all agents are open, the relay runs. */
void world_reset(struct world *w);

/* Agent ${i}'s process ends: whatever it had not committed is gone; and begins anew. */
void world_kill(struct world *w, size_t i);

/* As above, with the store that ${copy} (of world_copy()) holds put in place of its own. */
void world_restore(struct world *w, size_t i, const struct dt_buf *copy);
void world_copy(struct world *w, size_t i, struct dt_buf *out);

void world_relay_stop(struct world *w);
void world_relay_start(struct world *w);

#endif
