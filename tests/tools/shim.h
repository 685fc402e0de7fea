/*
 * shim.h - what libraries for LD_PRELOAD have in common: getting at the real function, and the
 * tables of the functions that more than one of them wraps, with parameters of the same names.
 */
#ifndef DT_TESTS_SHIM_H
#define DT_TESTS_SHIM_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

/* The next definition of the function with this name, asked for once. */
#define REAL_OF(type, name, params)                                                                \
    static type(*real) params;                                                                     \
    if (real == NULL)                                                                              \
    *(void **)&real = dlsym(RTLD_NEXT, #name)
#define REAL(type, name, ...) REAL_OF(type, name, (__VA_ARGS__))

/*
 * X(name, word, parameters, arguments). The word is what a call is named by: the same for those
 * that differ in a type alone. Types of addresses are glibc's own words for them, so that the
 * definition meets its declaration.
 */

/* ssize_t, ${n} bytes of ${buf} to ${fd} */
#define SHIM_WRITES(X)                                                                             \
    X(write, "write", (int fd, const void *buf, size_t n), (fd, buf, n))                           \
    X(pwrite, "pwrite", (int fd, const void *buf, size_t n, off_t at), (fd, buf, n, at))           \
    X(pwrite64, "pwrite", (int fd, const void *buf, size_t n, off64_t at), (fd, buf, n, at))       \
    X(send, "send", (int fd, const void *buf, size_t n, int flags), (fd, buf, n, flags))           \
    X(sendto, "send",                                                                              \
      (int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG to, socklen_t to_len),   \
      (fd, buf, n, flags, to, to_len))

/* int, on ${fd} */
#define SHIM_SYNCS(X)                                                                              \
    X(fsync, "fsync", (int fd), (fd))                                                              \
    X(fdatasync, "fdatasync", (int fd), (fd))

/* likewise */
#define SHIM_TRUNCATES(X)                                                                          \
    X(ftruncate, "ftruncate", (int fd, off_t len), (fd, len))                                      \
    X(ftruncate64, "ftruncate", (int fd, off64_t len), (fd, len))

#endif
