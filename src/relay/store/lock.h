/*
 * relay/store/lock.h - one process for a store: a file beside it that is locked as long as it runs.
 *
 * Layer: relay, internal.
 */
#ifndef DT_RELAY_LOCK_H
#define DT_RELAY_LOCK_H

#include "base/err.h"

/* Lock "${path}.serving" for this process; ${out_fd} holds it. BUSY (another process has it), IO.
 */
DT_MUST_CHECK enum dt_err relay_lock(const char *path, int *out_fd);

/* Give it back; a descriptor below 0 is fine. */
void relay_unlock(int fd);

#endif
