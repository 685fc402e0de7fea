/*
 * fuzz/agents/program.h - an input is a program of two bytes a step: what happens, to whom and how.
 */
#ifndef DT_FUZZ_AGENTS_PROGRAM_H
#define DT_FUZZ_AGENTS_PROGRAM_H

#include "oracle.h"

/* Run ${program} in the world as world_reset() left it, let everything come to rest, and check. */
void program_run(struct world *w, struct dt_view program);

#endif
