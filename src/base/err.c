/*
 * base/err.c - see err.h. One fixed buffer a thread: explaining an error must never need memory.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define MESSAGE_MAX 512

static _Thread_local char message[MESSAGE_MAX];
static _Thread_local char place[96];

enum dt_err
dt_fail_at(enum dt_err err, const char *file, int line, const char *fmt, ...)
{
    const char *slash = strrchr(file, '/');
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    (void)snprintf(place, sizeof place, "%s:%d", slash != NULL ? slash + 1 : file, line);
    return err;
}

enum dt_err
dt_fail_context(enum dt_err err, const char *fmt, ...)
{
    char inner[MESSAGE_MAX];
    va_list ap;
    int n;

    if (err == DT_OK)
        return err;
    memcpy(inner, message, sizeof inner);
    va_start(ap, fmt);
    n = vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof message)
        return err;
    (void)snprintf(message + n, sizeof message - (size_t)n, ": %s",
                   inner[0] != '\0' ? inner : dt_err_name(err));
    return err;
}

const char *
dt_err_message(void)
{
    return message;
}

const char *
dt_err_place(void)
{
    return place;
}

void
dt_err_forget(void)
{
    message[0] = '\0';
    place[0] = '\0';
}

const char *
dt_err_name(enum dt_err err)
{
    static const char *const names[] = {
        [DT_OK] = "ok",
        [DT_ERR_NOMEM] = "out of memory",
        [DT_ERR_IO] = "input or output failed",
        [DT_ERR_FORMAT] = "bad format",
        [DT_ERR_LIMIT] = "past a limit",
        [DT_ERR_AUTH] = "authentication failed",
        [DT_ERR_PROOF] = "proof does not hold",
        [DT_ERR_RANGE] = "out of range",
        [DT_ERR_STATE] = "not possible now",
        [DT_ERR_EXISTS] = "exists already",
        [DT_ERR_NOT_FOUND] = "not found",
        [DT_ERR_CONFLICT] = "conflict",
        [DT_ERR_BUSY] = "busy",
        [DT_ERR_EXPIRED] = "expired",
        [DT_ERR_UNSUPPORTED] = "not supported",
        [DT_ERR_REFUSED] = "refused",
        [DT_ERR_LOCKED] = "locked",
        [DT_ERR_NET] = "network",
        [DT_ERR_USAGE] = "usage",
        [DT_ERR_INTERNAL] = "internal error",
    };

    if ((size_t)err >= sizeof names / sizeof names[0] || names[err] == NULL)
        return "unknown error";
    return names[err];
}

int
dt_err_exit_status(enum dt_err err)
{
    switch (err) {
    case DT_OK:
        return 0;
    case DT_ERR_USAGE:
        return 2;
    case DT_ERR_IO:
    case DT_ERR_NET:
    case DT_ERR_NOMEM:
    case DT_ERR_BUSY:
    case DT_ERR_INTERNAL:
        return 3;
    case DT_ERR_LOCKED:
    case DT_ERR_REFUSED:
    case DT_ERR_EXPIRED:
        return 4;
    case DT_ERR_FORMAT:
    case DT_ERR_LIMIT:
    case DT_ERR_AUTH:
    case DT_ERR_PROOF:
    case DT_ERR_RANGE:
    case DT_ERR_STATE:
    case DT_ERR_EXISTS:
    case DT_ERR_NOT_FOUND:
    case DT_ERR_CONFLICT:
    case DT_ERR_UNSUPPORTED:
        break;
    }
    return 1;
}
