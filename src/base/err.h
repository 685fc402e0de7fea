/*
 * base/err.h - the error classes every room shares, and the one message that explains them.
 *
 * Layer: base (libc only). The code decides what a caller does; the message only explains it to a
 * person. No secret and no text received from a peer goes into a message.
 */
#ifndef DT_BASE_ERR_H
#define DT_BASE_ERR_H

#include <stddef.h>

#define DT_MUST_CHECK        __attribute__((warn_unused_result))
#define DT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define DT_CLEANUP(fn)       __attribute__((cleanup(fn)))

/* Classes that a caller acts on. DT_OK is 0 for ever; values are never sent or stored. */
enum dt_err {
    DT_OK = 0,
    DT_ERR_NOMEM,       /* memory could not be had */
    DT_ERR_IO,          /* a system call on a file or socket failed */
    DT_ERR_FORMAT,      /* bytes are not a valid encoding of what they should be */
    DT_ERR_LIMIT,       /* a size, count or depth is past its named maximum */
    DT_ERR_AUTH,        /* a signature, tag or key check failed */
    DT_ERR_PROOF,       /* a Merkle proof or hash chain does not hold */
    DT_ERR_RANGE,       /* an argument or index is outside what exists */
    DT_ERR_STATE,       /* not possible in the present state */
    DT_ERR_EXISTS,      /* it is there already */
    DT_ERR_NOT_FOUND,   /* it is not there */
    DT_ERR_CONFLICT,    /* two honest-looking things contradict each other */
    DT_ERR_BUSY,        /* held by someone else now; trying again may help */
    DT_ERR_EXPIRED,     /* outside its time of validity */
    DT_ERR_UNSUPPORTED, /* well-formed, but a version or option that is not known here */
    DT_ERR_REFUSED,     /* a rule of the forum or of the peer forbids it */
    DT_ERR_LOCKED,      /* a passphrase is wrong or missing */
    DT_ERR_NET,         /* the peer could not be reached or broke off */
    DT_ERR_USAGE,       /* the user's command line is wrong */
    DT_ERR_INTERNAL     /* our own bug */
};

/**
 * dt_fail(err, fmt, ...):
 * Record the thread's message for ${err} with the place it was raised at, and return ${err}.
 * The message is replaced by the next call. ${fmt} gives one line without a final full stop or LF.
 */
#define dt_fail(err, ...) dt_err_same((err), dt_fail_at((err), __FILE__, __LINE__, __VA_ARGS__))
enum dt_err dt_fail_at(enum dt_err err, const char *file, int line, const char *fmt, ...)
    DT_PRINTF(4, 5);

/* ${err}, which the call that made ${recorded} returns too: compilers and analyzers then see it. */
static inline enum dt_err
dt_err_same(enum dt_err err, enum dt_err recorded)
{
    (void)recorded;
    return err;
}

/**
 * dt_fail_context(err, fmt, ...):
 * Put "<fmt>: " before the present message (so that outer layers say which file or peer), and
 * return ${err}. Does nothing to the message if ${err} is DT_OK.
 */
enum dt_err dt_fail_context(enum dt_err err, const char *fmt, ...) DT_PRINTF(2, 3);

/* The thread's last message ("" when none). Borrowed until the next failure in this thread. */
const char *dt_err_message(void);

/* "file.c:123" of the thread's last failure, for --verbose and tests. Borrowed likewise. */
const char *dt_err_place(void);

/* Forget the thread's message. */
void dt_err_forget(void);

/* A short lower-case name of the class, e.g. "format". Static. */
const char *dt_err_name(enum dt_err err);

/* Ignore an error on purpose; ${why} is a string that says why that is right here. */
#define dt_ignore(expr, why)                                                                       \
    do {                                                                                           \
        enum dt_err dt_ignored_ = (expr);                                                          \
        (void)dt_ignored_;                                                                         \
        (void)(why);                                                                               \
    } while (0)

/* What detente and detente-witness exit with after ${err}: 0 done, 1 no (not found, not what it
 * should be), 2 usage, 3 files, memory or network, 4 locked, or a rule forbids it. */
int dt_err_exit_status(enum dt_err err);

#endif
