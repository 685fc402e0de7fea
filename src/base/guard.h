/*
 * base/guard.h - an allocator for libraries that do not stand it when memory is short.
 *
 * Layer: base. jansson 2.14 passes over a failed allocation inside its lexer and then writes behind
 * what it has. A call into such a library runs guarded: the first allocation that fails ends it
 * (longjmp(3)), and all that it had allocated is freed.
 */
#ifndef DT_BASE_GUARD_H
#define DT_BASE_GUARD_H

#include "base/err.h"

/* Of the form that libraries take as their allocator; memory from one goes back to the other. NULL
 * only outside of dt_guarded(). */
void *dt_guard_alloc(size_t n) __attribute__((malloc, warn_unused_result));
void dt_guard_free(void *p);

/**
 * dt_guarded(fn, ctx):
 * Run ${fn}(${ctx}), which calls the library and holds nothing else that must be released. What it
 * allocated lives on. NOMEM: it was broken off, what it allocated is gone, and the library's own
 * results in ${ctx} must not be used. Not to be nested.
 */
DT_MUST_CHECK enum dt_err dt_guarded(void (*fn)(void *ctx), void *ctx);

#endif
