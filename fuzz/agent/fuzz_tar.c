/* fuzz/agent/fuzz_tar.c - headers of an archive's members: what is taken is written back the same,
 * and its name stays below the folder that it is unpacked in. */
#include <string.h>

#include "agent/keep/tar.h"

#include "fuzz_agent.h"

static void
taken(const uint8_t *block)
{
    char name[DT_TAR_NAME_MAX + 1];
    uint8_t again[DT_TAR_BLOCK];
    uint64_t size = 0, time_s = 0;

    if (dt_tar_head_decode(block, name, &size, &time_s) != DT_OK)
        return;
    fuzz_accepted();
    if (name[0] == '/' || strstr(name, "..") == name || strstr(name, "/.") != NULL ||
        size > DT_TAR_SIZE_MAX || dt_tar_head_encode(name, size, time_s, again) != DT_OK ||
        memcmp(block, again, sizeof again) != 0)
        abort();
}

/* The sum that a mutated header lacks is put right, as whoever makes one would. */
static void
with_sum(uint8_t *block)
{
    unsigned int sum = 0;

    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < DT_TAR_BLOCK; i++)
        sum += block[i];
    for (size_t i = 6; i-- > 0; sum >>= 3)
        block[148 + i] = (uint8_t)('0' + (sum & 7));
    block[154] = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t block[DT_TAR_BLOCK] = {0};

    fuzz_init();
    memcpy(block, data, size < sizeof block ? size : sizeof block);
    taken(block);
    with_sum(block);
    taken(block);
    return 0;
}
