/*
 * fuzz/net/fuzz_grant.c - grant files. What is accepted is written and read again to the same
 * grant.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/grant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dt_grant g, h;
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_NET_GRANT_MAX);

    memset(&g, 0, sizeof(g));
    memset(&h, 0, sizeof(h));
    if (dt_grant_read(dt_view(data, size), &g) != DT_OK)
        return 0;
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        fprintf(stderr, "accepted\n");
    /* A text that JSON would have to escape is not written; everything else comes back the same. */
    if (dt_grant_write(&g, &out) == DT_OK &&
        (dt_grant_read(dt_buf_view(&out), &h) != DT_OK || memcmp(&g, &h, sizeof(g)) != 0))
        abort();
    return 0;
}
