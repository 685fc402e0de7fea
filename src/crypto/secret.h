/*
 * crypto/secret.h - secret bytes: locked in memory, out of core dumps, wiped on release.
 *
 * Layer: crypto. Small secrets (up to DT_SECRET_SLOT bytes) come from slots of locked pages, larger
 * ones get pages of their own. When the lock limit is reached, dt_secret_policy() decides.
 */
#ifndef DT_CRYPTO_SECRET_H
#define DT_CRYPTO_SECRET_H

#include "base/bytes.h"

#define DT_SECRET_SLOT 64
#define DT_SECRET_MAX  (4u << 20)

/* Owned secret bytes. All zero is a valid empty secret. */
struct dt_secret {
    uint8_t *p;
    size_t n;
};

/* What to do when memory cannot be locked: refuse (NOMEM), or go on unlocked and count it. */
enum dt_secret_policy { DT_SECRET_LOCK_OR_FAIL, DT_SECRET_LOCK_IF_POSSIBLE };
void dt_secret_set_policy(enum dt_secret_policy policy);

/* How many bytes of secrets are held without a lock, for a warning by the program. */
size_t dt_secret_unlocked(void);

/* ${s} becomes ${n} zero bytes (what it held is wiped). NOMEM, LIMIT; ${s} empty on error. */
DT_MUST_CHECK enum dt_err dt_secret_alloc(struct dt_secret *s, size_t n);

/* ${s} becomes a copy of ${v}, which may point into ${s} itself. */
DT_MUST_CHECK enum dt_err dt_secret_set(struct dt_secret *s, struct dt_view v);

/* ${s} becomes ${n} random bytes. */
DT_MUST_CHECK enum dt_err dt_secret_random(struct dt_secret *s, size_t n);

/* Wipe and release; NULL, empty and cleared are fine. Usable with DT_CLEANUP. */
void dt_secret_clear(struct dt_secret *s);

/* Move ${from} into ${to} (wiping what ${to} held); ${from} is empty afterwards. */
void dt_secret_move(struct dt_secret *to, struct dt_secret *from);

static inline struct dt_view
dt_secret_view(const struct dt_secret *s)
{
    return dt_view(s->p, s->n);
}

/* Equal length and content, in time that depends on the lengths alone. */
bool dt_ct_equal(struct dt_view a, struct dt_view b);

#endif
