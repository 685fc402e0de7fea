/*
 * console/session.c - see session.h.
 */
#include <string.h>

#include "base/text.h"
#include "base/time.h"

#include "console/session.h"

void
dt_console_sessions_init(struct dt_console_sessions *s)
{
    memset(s, 0, sizeof *s);
    (void)pthread_mutex_init(&s->lock, NULL);
}

void
dt_console_sessions_clear(struct dt_console_sessions *s)
{
    (void)pthread_mutex_destroy(&s->lock);
}

static enum dt_err
hash(struct dt_view v, uint8_t out[static DT_SHA256])
{
    return dt_hash(DT_HASH_SHA256, &v, 1, out);
}

/* The hash of ${n} bytes that stand in hex; false when they do not. */
static bool
hash_hex(struct dt_view hex, size_t n, uint8_t out[static DT_SHA256])
{
    uint8_t raw[DT_CONSOLE_TOKEN];
    bool ok = n <= sizeof raw && dt_hex_read_fixed(raw, n, hex) == DT_OK &&
              hash(dt_view(raw, n), out) == DT_OK;

    dt_wipe(raw, sizeof raw);
    return ok;
}

/* Under the lock. The place of a new key: a free one, else that of the one that ends first. */
static void
keep_key(struct dt_console_sessions *s, const uint8_t h[static DT_SHA256], uint64_t for_ms,
         bool locked)
{
    size_t place = 0;

    for (size_t i = 1; i < DT_CONSOLE_KEYS; i++)
        if (s->keys[i].until_ms < s->keys[place].until_ms)
            place = i;
    memcpy(s->keys[place].hash, h, DT_SHA256);
    s->keys[place].until_ms = dt_monotonic_ms() + for_ms;
    s->keys[place].locked = locked;
}

enum dt_err
dt_console_key_new(struct dt_console_sessions *s, char out[static 2 * DT_CONSOLE_KEY + 1])
{
    uint8_t key[DT_CONSOLE_KEY], key_hash[DT_SHA256];
    enum dt_err err;

    if ((err = dt_random(key, sizeof key)) != DT_OK ||
        (err = hash(dt_view_of(key), key_hash)) != DT_OK)
        return err;
    dt_hex_str(out, dt_view_of(key));
    dt_wipe(key, sizeof key);
    (void)pthread_mutex_lock(&s->lock);
    keep_key(s, key_hash, DT_CONSOLE_KEY_MS, false);
    (void)pthread_mutex_unlock(&s->lock);
    return DT_OK;
}

/* Under the lock. All are looked at, whichever it is. */
static bool
take_key(struct dt_console_sessions *s, const uint8_t h[static DT_SHA256], bool *out_locked)
{
    const uint64_t now = dt_monotonic_ms();
    bool found = false;

    for (size_t i = 0; i < DT_CONSOLE_KEYS; i++) {
        if (now < s->keys[i].until_ms &&
            dt_ct_equal(dt_view_of(s->keys[i].hash), dt_view(h, DT_SHA256))) {
            found = true;
            *out_locked = s->keys[i].locked;
            s->keys[i].until_ms = 0;
        }
    }
    return found;
}

enum dt_err
dt_console_session_begin(struct dt_console_sessions *s, struct dt_view key_hex,
                         char out[static 2 * DT_CONSOLE_TOKEN + 1])
{
    uint8_t token[DT_CONSOLE_TOKEN], h[DT_SHA256], token_hash[DT_SHA256];
    size_t place = 0;
    bool known, locked = false;
    enum dt_err err;

    if ((err = dt_random(token, sizeof token)) != DT_OK ||
        (err = hash(dt_view_of(token), token_hash)) != DT_OK)
        return err;
    known = hash_hex(key_hex, DT_CONSOLE_KEY, h);
    (void)pthread_mutex_lock(&s->lock);
    known = known && take_key(s, h, &locked);
    if (known) {
        for (size_t i = 1; i < DT_CONSOLE_SESSIONS; i++)
            if (s->open[i].seen_ms < s->open[place].seen_ms)
                place = i;
        memcpy(s->open[place].hash, token_hash, DT_SHA256);
        s->open[place].seen_ms = s->open[place].present_ms = dt_monotonic_ms();
        s->open[place].locked = locked;
        dt_hex_str(out, dt_view_of(token));
    }
    (void)pthread_mutex_unlock(&s->lock);
    dt_wipe(token, sizeof token);
    return known ? DT_OK
                 : dt_fail(DT_ERR_REFUSED, "this address was used already, or is too old: take a "
                                           "new one from the program (Enter in its terminal, or "
                                           "detente console --url)");
}

/* Under the lock. What time has done: sessions that are over, and such as are locked. */
static void
look_at_time(struct dt_console_sessions *s)
{
    const uint64_t now = dt_monotonic_ms();

    for (size_t i = 0; i < DT_CONSOLE_SESSIONS; i++) {
        if (s->open[i].seen_ms == 0)
            continue;
        if (now - s->open[i].seen_ms > DT_CONSOLE_IDLE_MS)
            s->open[i].seen_ms = 0;
        if (s->lock_after_ms != 0 && now - s->open[i].present_ms > s->lock_after_ms)
            s->open[i].locked = true;
    }
}

/* Under the lock. The place of the session with that token; DT_CONSOLE_SESSIONS: there is none. All
 * are looked at, whichever it is. */
static size_t
find(struct dt_console_sessions *s, struct dt_view token)
{
    uint8_t h[DT_SHA256];
    size_t place = DT_CONSOLE_SESSIONS;

    if (!hash_hex(token, DT_CONSOLE_TOKEN, h))
        return place;
    look_at_time(s);
    for (size_t i = 0; i < DT_CONSOLE_SESSIONS; i++)
        if (s->open[i].seen_ms != 0 &&
            dt_ct_equal(dt_view_of(s->open[i].hash), dt_view(h, DT_SHA256)))
            place = i;
    return place;
}

enum dt_console_standing
dt_console_session_is(struct dt_console_sessions *s, struct dt_view token)
{
    enum dt_console_standing standing = DT_CONSOLE_NONE;
    size_t place;

    (void)pthread_mutex_lock(&s->lock);
    if ((place = find(s, token)) < DT_CONSOLE_SESSIONS) {
        s->open[place].seen_ms = dt_monotonic_ms();
        standing = s->open[place].locked ? DT_CONSOLE_LOCKED : DT_CONSOLE_OPEN;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return standing;
}

void
dt_console_session_present(struct dt_console_sessions *s, struct dt_view token)
{
    size_t place;

    (void)pthread_mutex_lock(&s->lock);
    if ((place = find(s, token)) < DT_CONSOLE_SESSIONS)
        s->open[place].present_ms = dt_monotonic_ms();
    (void)pthread_mutex_unlock(&s->lock);
}

void
dt_console_session_lock(struct dt_console_sessions *s, struct dt_view token, bool locked)
{
    size_t place;

    (void)pthread_mutex_lock(&s->lock);
    if ((place = find(s, token)) < DT_CONSOLE_SESSIONS) {
        s->open[place].locked = locked;
        s->open[place].present_ms = dt_monotonic_ms();
    }
    (void)pthread_mutex_unlock(&s->lock);
}

bool
dt_console_sessions_all_locked(struct dt_console_sessions *s)
{
    bool all = true;

    (void)pthread_mutex_lock(&s->lock);
    look_at_time(s);
    for (size_t i = 0; i < DT_CONSOLE_SESSIONS; i++)
        all = all && (s->open[i].seen_ms == 0 || s->open[i].locked);
    (void)pthread_mutex_unlock(&s->lock);
    return all;
}

enum dt_err
dt_console_key_add(struct dt_console_sessions *s, struct dt_view token, struct dt_view hex,
                   uint64_t for_ms)
{
    uint8_t h[DT_SHA256];
    size_t place;

    if (!hash_hex(hex, DT_CONSOLE_KEY, h))
        return dt_fail(DT_ERR_FORMAT, "the key is not 32 hex digits");
    (void)pthread_mutex_lock(&s->lock);
    place = find(s, token);
    keep_key(s, h, for_ms, place == DT_CONSOLE_SESSIONS || s->open[place].locked);
    (void)pthread_mutex_unlock(&s->lock);
    return DT_OK;
}

void
dt_console_session_end(struct dt_console_sessions *s, struct dt_view token)
{
    size_t place;

    (void)pthread_mutex_lock(&s->lock);
    if ((place = find(s, token)) < DT_CONSOLE_SESSIONS)
        s->open[place].seen_ms = 0;
    (void)pthread_mutex_unlock(&s->lock);
}

void
dt_console_sessions_end(struct dt_console_sessions *s)
{
    (void)pthread_mutex_lock(&s->lock);
    memset(s->open, 0, sizeof s->open);
    memset(s->keys, 0, sizeof s->keys);
    (void)pthread_mutex_unlock(&s->lock);
}

bool
dt_console_passphrase_was(struct dt_console_sessions *s, bool right)
{
    bool over;

    (void)pthread_mutex_lock(&s->lock);
    s->wrong = right ? 0 : s->wrong + 1;
    over = s->wrong >= DT_CONSOLE_WRONG_MAX;
    if (over)
        s->wrong = 0;
    (void)pthread_mutex_unlock(&s->lock);
    if (over)
        dt_console_sessions_end(s);
    return over;
}
