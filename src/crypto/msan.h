/*
 * crypto/msan.h - internal: what OpenSSL and libsodium wrote, told to the memory sanitizer.
 *
 * Layer: crypto, internal. Nothing but empty functions unless the build is one with
 * -fsanitize=memory. Those libraries are built without it: what they write would count as never
 * written, and calls to libc from inside them would be checked against that.
 */
#ifndef DT_CRYPTO_MSAN_H
#define DT_CRYPTO_MSAN_H

#include <stddef.h>

#ifdef __has_feature
#if __has_feature(memory_sanitizer)
#define DT_MSAN
#endif
#endif

#ifdef DT_MSAN
#include <sanitizer/msan_interface.h>
#endif

/* A library has filled the ${n} bytes at ${p}. */
static inline void
dt_msan_wrote(const void *p, size_t n)
{
#ifdef DT_MSAN
    __msan_unpoison(p, n);
#else
    (void)p;
    (void)n;
#endif
}

/* From now on this thread's calls to libc are not checked; its own code still is. */
static inline void
dt_msan_start(void)
{
#ifdef DT_MSAN
    __msan_scoped_disable_interceptor_checks();
#endif
}

#endif
