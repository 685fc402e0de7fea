/*
 * agent/store/kept.h - a store that is unlocked for a time: its key in the kernel's keyring, so
 * that the passphrase is asked once a shift.
 *
 * Source: DESIGN "Agent store"; docs/protocol-agent.md "Unlocked for a time". Layer: agent (crypto
 * below). What is kept opens this store and no other: it bears the name of the store's own wrapped
 * key, and is of no use without the file.
 */
#ifndef DT_AGENT_STORE_KEPT_H
#define DT_AGENT_STORE_KEPT_H

#include "agent/store/store.h"
#include "base/time.h"
#include "crypto/keyring.h"

#define DT_KEPT_MAX_MS (24 * DT_MS_HOUR) /* longest time; a shift is shorter */

/**
 * dt_store_keep(home, passphrase, clock, span_ms, where, out_until_ms):
 * Have the kernel keep the key of the store in ${home} for ${span_ms}, from a second to
 * DT_KEPT_MAX_MS. Errors: those of dt_store_open() and dt_keyring_put(); RANGE (span).
 */
DT_MUST_CHECK enum dt_err dt_store_keep(const char *home, struct dt_view passphrase,
                                        const struct dt_clock *clock, uint64_t span_ms,
                                        enum dt_keyring where, uint64_t *out_until_ms);

/* Forget it at once. *${out_was}: was it kept? NOT_FOUND (no store there); those of
 * dt_keyring_drop(). */
DT_MUST_CHECK enum dt_err dt_store_forget(const char *home, bool *out_was);

/* Open a store whose key is kept, as dt_store_open() does. NOT_FOUND: it is not kept, or its time
 * is over by ${clock}, or that clock was put back; or the kernel keeps no keys. */
DT_MUST_CHECK enum dt_err dt_store_open_kept(const char *home, const struct dt_clock *clock,
                                             struct dt_store **out);

/* Until when is the key of ${s} kept? NOT_FOUND: it is not. Another process may have asked for it
 * or given it up since ${s} was opened. */
DT_MUST_CHECK enum dt_err dt_store_kept_until(struct dt_store *s, const struct dt_clock *clock,
                                              uint64_t *out_until_ms);

/* The name under which the kernel keeps the key that ${s} was opened with, for dt_keyring_holds();
 * "": a passphrase opened it. Borrowed. */
const char *dt_store_kept_name(const struct dt_store *s);

#endif
