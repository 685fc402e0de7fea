/*
 * fuzz/net/fuzz_troubles.c - what a relay says of its witnesses. What is accepted is within its
 * bounds, and is read the same when only the spaces before it differ.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "net/trouble.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dt_relay_troubles a, b;
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(DT_TROUBLES_ANSWER);

    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    if (dt_relay_troubles_read(dt_view(data, size), &a) != DT_OK) {
        if (a.n != 0)
            abort();
        return 0;
    }
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        fprintf(stderr, "accepted\n");
    if (a.n > DT_TROUBLES_MAX)
        abort();
    for (size_t i = 0; i < a.n; i++)
        if (a.v[i].status > 999 || a.v[i].since_s > DT_TIME_MAX_MS / DT_MS_SECOND ||
            strlen(dt_trouble_name(a.v[i].what)) == 0)
            abort();
    if (dt_buf_append(&again, dt_view_str(" \n")) == DT_OK &&
        dt_buf_append(&again, dt_view(data, size)) == DT_OK &&
        (dt_relay_troubles_read(dt_buf_view(&again), &b) != DT_OK ||
         memcmp(&a, &b, sizeof(a)) != 0))
        abort();
    return 0;
}
