/*
 * crypto/keyring.c - see keyring.h.
 *
 * Source: keyrings(7), add_key(2), keyctl(2); the numbers are linux/keyctl.h's.
 */
#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crypto/keyring.h"

#define TYPE "user"

/* linux/key.h is not among the headers of user space. */
#define POS_ALL     0x3f000000u
#define USR_VIEW    0x00010000u
#define USR_READ    0x00020000u
#define USR_SEARCH  0x00080000u
#define USR_SETATTR 0x00200000u /* which is what revoking takes */

static long
control(int what, long a, long b, long c, long d)
{
    return syscall(SYS_keyctl, (long)what, a, b, c, d);
}

/* A file number or an address as the call takes it. */
static long
arg(const void *p)
{
    return (long)(uintptr_t)p;
}

/* Is it simply not there? Then there is nothing to say. */
static bool
is_gone(int e)
{
    return e == ENOKEY || e == EKEYEXPIRED || e == EKEYREVOKED;
}

static enum dt_err
say(int e)
{
    switch (e) {
    case ENOSYS:
        return dt_fail(DT_ERR_UNSUPPORTED, "this kernel keeps no keys (CONFIG_KEYS)");
    case EPERM:
    case EACCES:
        return dt_fail(DT_ERR_REFUSED,
                       "the kernel's keyring may not be used here; containers often forbid it");
    case EDQUOT:
    case EINVAL:
        return dt_fail(DT_ERR_LIMIT, "the kernel keeps no more keys for this user");
    case ENOMEM:
        return dt_fail(DT_ERR_NOMEM, "the kernel has no memory for a key");
    default:
        return dt_fail(DT_ERR_IO, "the kernel's keyring: %s", strerror(e));
    }
}

static long
ring_of(enum dt_keyring where)
{
    return where == DT_KEYRING_SESSION ? KEY_SPEC_SESSION_KEYRING : KEY_SPEC_USER_KEYRING;
}

/* Adding to a session keyring that is not there would make one for this process alone. Asked for
 * like this, a process outside any login session gets the one that all such of the user share. */
static void
join_session(void)
{
    (void)control(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0);
}

enum dt_err
dt_keyring_put(enum dt_keyring where, const char *name, struct dt_view value, unsigned int seconds)
{
    unsigned int rights =
        POS_ALL | (where == DT_KEYRING_USER ? USR_VIEW | USR_READ | USR_SEARCH | USR_SETATTR : 0);
    long id;
    int e;

    if (value.n == 0 || value.n > DT_KEYRING_VALUE || strlen(name) > DT_KEYRING_NAME_MAX ||
        seconds == 0)
        return dt_fail(DT_ERR_LIMIT, "a key for the kernel's keyring is too long");
    join_session();
    /* First where it ends with this process, so that it is nowhere else without its time-out. */
    id = syscall(SYS_add_key, TYPE, name, value.p, value.n, KEY_SPEC_PROCESS_KEYRING);
    if (id < 0)
        return say(errno);
    if (control(KEYCTL_SET_TIMEOUT, id, (long)seconds, 0, 0) < 0 ||
        control(KEYCTL_SETPERM, id, (long)rights, 0, 0) < 0 ||
        control(KEYCTL_LINK, id, ring_of(where), 0, 0) < 0) {
        e = errno;
        (void)control(KEYCTL_REVOKE, id, 0, 0, 0);
        return say(e);
    }
    (void)control(KEYCTL_UNLINK, id, KEY_SPEC_PROCESS_KEYRING, 0, 0);
    return DT_OK;
}

/* Its number in one place; 0 when it is not there. */
static enum dt_err
find(enum dt_keyring where, const char *name, long *out)
{
    long id = control(KEYCTL_SEARCH, ring_of(where), arg(TYPE), arg(name), 0);

    *out = id > 0 ? id : 0;
    return id >= 0 || is_gone(errno) ? DT_OK : say(errno);
}

enum dt_err
dt_keyring_get(const char *name, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret value = {0};
    long id = 0, n = 0;
    enum dt_err err;

    join_session();
    if ((err = find(DT_KEYRING_SESSION, name, &id)) != DT_OK ||
        (id == 0 && (err = find(DT_KEYRING_USER, name, &id)) != DT_OK) ||
        (err = dt_secret_alloc(&value, DT_KEYRING_VALUE)) != DT_OK)
        return err;
    if (id == 0)
        return dt_fail(DT_ERR_NOT_FOUND, "the kernel keeps no such key");
    n = control(KEYCTL_READ, id, arg(value.p), (long)value.n, 0);
    if (n < 0)
        return is_gone(errno) ? dt_fail(DT_ERR_NOT_FOUND, "the kernel keeps no such key")
                              : say(errno);
    if ((size_t)n > value.n)
        return dt_fail(DT_ERR_LIMIT, "a key for the kernel's keyring is too long");
    return dt_secret_set(out, dt_view(value.p, (size_t)n));
}

enum dt_err
dt_keyring_drop(const char *name, bool *out_was)
{
    static const enum dt_keyring places[] = {DT_KEYRING_SESSION, DT_KEYRING_USER};
    enum dt_err err;

    *out_was = false;
    join_session();
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        long id = 0;

        /* A session's keyring is searched through to the user's, so one place may hold both. */
        while ((err = find(places[i], name, &id)) == DT_OK && id != 0) {
            *out_was = true;
            if (control(KEYCTL_REVOKE, id, 0, 0, 0) < 0 && !is_gone(errno))
                return say(errno);
            (void)control(KEYCTL_UNLINK, id, ring_of(places[i]), 0, 0);
        }
        if (err != DT_OK)
            return err;
    }
    return DT_OK;
}

static bool
is_in(enum dt_keyring where, const char *name)
{
    return control(KEYCTL_SEARCH, ring_of(where), arg(TYPE), arg(name), 0) > 0;
}

bool
dt_keyring_holds(const char *name)
{
    join_session();
    return is_in(DT_KEYRING_SESSION, name) || is_in(DT_KEYRING_USER, name);
}
