/*
 * base/mem.h - the only door to the heap, so that tests can make the n-th allocation fail.
 *
 * Layer: base (libc only). Not for secrets: those live in struct dt_secret (crypto/secret.h).
 */
#ifndef DT_BASE_MEM_H
#define DT_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/**
 * dt_alloc(n, size):
 * ${n} zeroed objects of ${size} bytes. Owner: the caller, who gives them to dt_free().
 * NULL when memory is short, when the product overflows, or when a test says so. n * size == 0
 * gives a pointer that may be freed and not read.
 */
void *dt_alloc(size_t n, size_t size) __attribute__((malloc, warn_unused_result));

/* As realloc() for ${n} objects of ${size} bytes; new bytes are not cleared. NULL: ${p} stands. */
void *dt_realloc(void *p, size_t n, size_t size) __attribute__((warn_unused_result));

/* How many allocations through this door failed in this thread so far. A library that passes over
 * a failed one gives a wrong result; a caller who compares this number before and after knows. */
unsigned long dt_mem_failed(void);

/* Release ${p}; NULL is fine. */
void dt_free(void *p);

/* A NUL-terminated copy of the ${n} bytes at ${s}; NULL when memory is short. Owner: caller. */
char *dt_strndup(const char *s, size_t n) __attribute__((warn_unused_result));

/* For DT_CLEANUP on a char * or void * variable. */
void dt_free_p(void *pp);

/* DT_ERR_NOMEM with its message. Inline so that compilers and analyzers see what it returns. */
static inline enum dt_err
dt_nomem(void)
{
    return dt_fail(DT_ERR_NOMEM, "out of memory");
}

/**
 * dt_mem_fault(fn, ctx):
 * From now on ask ${fn}(${ctx}) before each allocation; true makes it fail. NULL: never. For tests,
 * which run single-threaded.
 */
void dt_mem_fault(bool (*fn)(void *ctx), void *ctx);

#endif
