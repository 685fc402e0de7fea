/*
 * tests/agent/forge.h - talk made by someone else than who signed for it: what any member can do
 * with a released session key and what it kept of an epoch (docs/protocol-channel.md "Session
 * keys"). For the tests and for tools/forge-talk; no part of any program.
 */
#ifndef DT_TESTS_AGENT_FORGE_H
#define DT_TESTS_AGENT_FORGE_H

#include "agent/form/payload.h"
#include "mls/group.h"

/**
 * forge_puppet(kept, seed, leaf, out):
 * ${kept} is any member's state of an epoch. Make a group in which we are the member at ${leaf},
 * whose session key of that epoch has the private half ${seed}: what it protects is that member's.
 * AUTH: ${seed} is not the key on that leaf. Owner of *${out}: the caller.
 */
DT_MUST_CHECK enum dt_err forge_puppet(const struct mls_group *kept, struct dt_view seed,
                                       uint32_t leaf, struct mls_group **out);

/* A piece of talk of ${puppet} that says ${text} and claims the time ${sent_ms}: an MLSMessage. */
DT_MUST_CHECK enum dt_err forge_talk(struct mls_group *puppet, struct dt_view text,
                                     uint64_t sent_ms, struct dt_buf *out);

#endif
