/*
 * base/mem.c - see mem.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool (*fault_fn)(void *ctx);
static void *fault_ctx;

void
dt_mem_fault(bool (*fn)(void *ctx), void *ctx)
{
    fault_fn = fn;
    fault_ctx = ctx;
}

void *
dt_alloc(size_t n, size_t size)
{
    if (fault_fn != NULL && fault_fn(fault_ctx))
        return NULL;
    if (n == 0 || size == 0)
        return calloc(1, 1);
    return calloc(n, size);
}

void *
dt_realloc(void *p, size_t n, size_t size)
{
    if (fault_fn != NULL && fault_fn(fault_ctx))
        return NULL;
    if (n == 0 || size == 0)
        return realloc(p, 1);
    if (n > SIZE_MAX / size)
        return NULL;
    return realloc(p, n * size);
}

void
dt_free(void *p)
{
    free(p);
}

char *
dt_strndup(const char *s, size_t n)
{
    char *copy;

    if (n == SIZE_MAX)
        return NULL;
    copy = dt_alloc(n + 1, 1);
    if (copy != NULL && n > 0)
        memcpy(copy, s, n);
    return copy;
}

void
dt_free_p(void *pp)
{
    void *p;

    memcpy(&p, pp, sizeof p);
    dt_free(p);
}
