/*
 * console/session.h - keys that open a session, and the tokens of those that are open.
 *
 * Source: docs/console-api.md "Sessions". Layer: console. From any thread. Only hashes of keys and
 * tokens are held, so that a lookup tells nothing by the time that it takes.
 */
#ifndef DT_CONSOLE_SESSION_H
#define DT_CONSOLE_SESSION_H

#include <pthread.h>

#include "console/limits.h"
#include "crypto/crypto.h"

struct dt_console_sessions {
    pthread_mutex_t lock;
    struct {
        uint8_t hash[DT_SHA256];
        uint64_t until_ms; /* by dt_monotonic_ms(); 0: no key */
        bool locked;       /* what it opens is locked */
    } keys[DT_CONSOLE_KEYS];
    struct {
        uint8_t hash[DT_SHA256];
        uint64_t seen_ms;    /* 0: no session */
        uint64_t present_ms; /* when somebody was last at it */
        bool locked;
    } open[DT_CONSOLE_SESSIONS];
    uint64_t lock_after_ms; /* without anybody at it, a session is locked; 0: never */
    unsigned int wrong;     /* passphrases in a row */
};

enum dt_console_standing {
    DT_CONSOLE_NONE = 0, /* no session, or one that is over */
    DT_CONSOLE_LOCKED,   /* it can be unlocked, and asks nothing else */
    DT_CONSOLE_OPEN
};

void dt_console_sessions_init(struct dt_console_sessions *s);
void dt_console_sessions_clear(struct dt_console_sessions *s);

/* A new key, as hex. The oldest gives way when there are too many. IO (no random bytes). */
DT_MUST_CHECK enum dt_err dt_console_key_new(struct dt_console_sessions *s,
                                             char out[static 2 * DT_CONSOLE_KEY + 1]);

/* A key that the page of ${token} made itself, good for ${for_ms}: what it opens is locked if that
 * page is. FORMAT. */
DT_MUST_CHECK enum dt_err dt_console_key_add(struct dt_console_sessions *s, struct dt_view token,
                                             struct dt_view hex, uint64_t for_ms);

/* Use the key up: a token, as hex. REFUSED: no such key, or not any more. */
DT_MUST_CHECK enum dt_err dt_console_session_begin(struct dt_console_sessions *s,
                                                   struct dt_view key_hex,
                                                   char out[static 2 * DT_CONSOLE_TOKEN + 1]);

/* How it stands with the session of ${token} (hex, as it came). Its time begins anew. */
enum dt_console_standing dt_console_session_is(struct dt_console_sessions *s, struct dt_view token);

/* Somebody is at that session's page. */
void dt_console_session_present(struct dt_console_sessions *s, struct dt_view token);

/* It is locked, or open again. */
void dt_console_session_lock(struct dt_console_sessions *s, struct dt_view token, bool locked);

/* None is open: nobody can use what pages have left here. */
bool dt_console_sessions_all_locked(struct dt_console_sessions *s);

/* That session is over; all are, and no key opens one. */
void dt_console_session_end(struct dt_console_sessions *s, struct dt_view token);
void dt_console_sessions_end(struct dt_console_sessions *s);

/* A passphrase was right or wrong. True: wrong so often in a row that all sessions have ended. */
bool dt_console_passphrase_was(struct dt_console_sessions *s, bool right);

#endif
