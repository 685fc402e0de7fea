/*
 * relay/account.h - what grants use of a serving relay from moment to moment: appends a second, and
 * long polls. In memory: a relay that starts anew begins anew.
 *
 * Source: docs/limits.md. Layer: relay, internal. Used by the thread that runs the handlers.
 */
#ifndef DT_RELAY_ACCOUNT_H
#define DT_RELAY_ACCOUNT_H

#include "relay/store/store.h"

#define RELAY_ACCOUNT_LOOK_MS 1000u /* a changed limit holds after so long at the latest */

struct relay_accounts;

/* At most ${polls_max} long polls at a time, of all grants and registers; 0: no such limit. NOMEM.
 */
DT_MUST_CHECK enum dt_err relay_accounts_new(uint64_t polls_max, struct relay_accounts **out);
void relay_accounts_free(struct relay_accounts *a);

/**
 * relay_accounts_take(a, s, grant, n, now_ms, out_wait_ms):
 * May ${grant} make ${n} more appends now, at dt_monotonic_ms() ${now_ms}? ${out_wait_ms} 0: it
 * may, and they are counted; else after so long, and nothing is counted. More than a burst at once
 * may when the burst is whole. Errors of dt_relay_store_bounds().
 */
DT_MUST_CHECK enum dt_err relay_accounts_take(struct relay_accounts *a, struct dt_relay_store *s,
                                              uint64_t grant, uint64_t n, uint64_t now_ms,
                                              uint64_t *out_wait_ms);

enum relay_polls { RELAY_POLLS_OK = 0, RELAY_POLLS_GRANT, RELAY_POLLS_ALL };

/* One more long poll of ${grant} (0: of none, a register's) begins, unless ${out} says what stands
 * against it; the other is its end. */
DT_MUST_CHECK enum dt_err relay_accounts_poll(struct relay_accounts *a, struct dt_relay_store *s,
                                              uint64_t grant, uint64_t now_ms,
                                              enum relay_polls *out);
void relay_accounts_poll_end(struct relay_accounts *a, uint64_t grant);

#endif
