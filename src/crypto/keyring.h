/*
 * crypto/keyring.h - a short secret kept by the kernel for a limited time (keyrings(7), add_key(2),
 * keyctl(2)).
 *
 * Layer: crypto. Linux's own keyring service by system calls, no daemon and no library. What is
 * kept lies in kernel memory: not swapped out, not on disk (but in the image of a machine that
 * hibernates), gone at its time, when it is dropped, and when the machine goes down. Root can read
 * it, and so can the processes that the place names.
 */
#ifndef DT_CRYPTO_KEYRING_H
#define DT_CRYPTO_KEYRING_H

#include "crypto/secret.h"

#define DT_KEYRING_NAME_MAX 96u   /* bytes of a name */
#define DT_KEYRING_VALUE    1024u /* longest secret */

/* Who can read what is kept. */
enum dt_keyring {
    DT_KEYRING_USER = 1, /* every process of this user, also of another login and of a service */
    DT_KEYRING_SESSION   /* processes of this login session; gone at its end */
};

/**
 * dt_keyring_put(where, name, value, seconds):
 * Keep ${value} under ${name}, in place of one that is there, for at most ${seconds}. It is never
 * there without a time-out. Errors: UNSUPPORTED (this kernel has no keyring), REFUSED (it is
 * forbidden here), LIMIT (the user's share is used up, or too long), IO.
 */
DT_MUST_CHECK enum dt_err dt_keyring_put(enum dt_keyring where, const char *name,
                                         struct dt_view value, unsigned int seconds);

/**
 * dt_keyring_get(name, out):
 * What is kept under ${name}, of the session before that of the user. NOT_FOUND (none, or its time
 * is over); UNSUPPORTED, REFUSED, LIMIT, IO.
 */
DT_MUST_CHECK enum dt_err dt_keyring_get(const char *name, struct dt_secret *out);

/* Forget it everywhere: the kernel wipes it. *${out_was}: was there any? UNSUPPORTED, REFUSED, IO.
 */
DT_MUST_CHECK enum dt_err dt_keyring_drop(const char *name, bool *out_was);

/* Is anything kept under ${name}? System calls alone; from any thread. */
bool dt_keyring_holds(const char *name);

#endif
