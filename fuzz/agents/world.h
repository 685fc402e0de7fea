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
#include "log/note.h"
#include "net/grant.h"
#include "relay/relay.h"

#include "must.h"

/* The mediator, blue's first delegate and its second. */
#define AGENTS  3
#define PARTIES 2

struct world {
    char dir[96];
    struct dt_relay *relay;
    struct dt_agent *a[AGENTS];
    uint8_t letter[AGENTS][32];
    uint8_t group_id[32];
    uint64_t now_ms;
    char register_url[128];
    char register_vkey[DT_GRANT_VKEY_MAX + 1];
};

/* The witness key of party ${party}, of a fixed seed. */
void world_witness(size_t party, struct tlog_signer *out);

/* Make the world, found the channel, and keep copies of all stores. */
void world_make(struct world *w);

/* Back to how world_make(), or world_keep(), left it; all agents are open, the relay runs. */
void world_reset(struct world *w);

/* From now on this is what world_reset() goes back to. */
void world_keep(struct world *w);

/* Agent ${i} hands the seal of 32 bytes ${b} in to the register. */
void world_seal(struct world *w, size_t i, uint8_t b);

/* Both parties' witnesses cosign what the register holds. */
void world_cosign(struct world *w);

/* Agent ${i}'s process ends: whatever it had not committed is gone; and begins anew. */
void world_kill(struct world *w, size_t i);

/* As above, with the store that ${copy} (of world_copy()) holds put in place of its own. */
void world_restore(struct world *w, size_t i, const struct dt_buf *copy);
void world_copy(struct world *w, size_t i, struct dt_buf *out);

void world_relay_stop(struct world *w);
void world_relay_start(struct world *w);

#endif
