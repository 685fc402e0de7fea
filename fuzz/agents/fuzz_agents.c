/*
 * fuzz/agents/fuzz_agents.c - two agents or three and a relay in one process, driven by a program
 * (program.h), against an oracle of what was acknowledged.
 */
#include "program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;

    if (w.relay == NULL)
        world_make(&w);
    else
        world_reset(&w);
    program_run(&w, dt_view(data, size));
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
    return 0;
}
