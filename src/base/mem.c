/*
 * base/mem.c - see mem.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool (*fault_fn)(void *ctx);
static void *fault_ctx;
static _Thread_local unsigned long failed;

void
dt_mem_fault(bool (*fn)(void *ctx), void *ctx)
{
    fault_fn = fn;
    fault_ctx = ctx;
}

static bool
faulty(void)
{
    return fault_fn != NULL && fault_fn(fault_ctx);
}

static void *
counted(void *p)
{
    failed += p == NULL;
    return p;
}

void *
dt_alloc(size_t n, size_t size)
{
    if (faulty())
        return counted(NULL);
    if (n == 0 || size == 0)
        return counted(calloc(1, 1));
    return counted(calloc(n, size));
}

void *
dt_realloc(void *p, size_t n, size_t size)
{
    if (faulty() || (size != 0 && n > SIZE_MAX / size))
        return counted(NULL);
    if (n == 0 || size == 0)
        return counted(realloc(p, 1));
    return counted(realloc(p, n * size));
}

unsigned long
dt_mem_failed(void)
{
    return failed;
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
