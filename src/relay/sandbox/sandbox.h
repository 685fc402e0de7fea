/*
 * relay/sandbox/sandbox.h - what a serving relay and its signer may still do: Landlock for files,
 * seccomp for system calls.
 *
 * Layer: relay. Linux. Both are for the calling thread and all that it starts, so they come before
 * any thread. What is refused gets EPERM, or EACCES of a file; what nothing in here ever calls, and
 * whoever took the process over would (execve, ptrace, mount, ...), ends the process.
 */
#ifndef DT_RELAY_SANDBOX_H
#define DT_RELAY_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SANDBOX_PATHS_MAX 16u

/* The folders that are written to, and the files and folders that are read, beside what name
 * look-up and certificates of the system need. A file stands for the folder that it is in, as it
 * may be replaced. NULL entries are passed over. */
struct relay_sandbox {
    const char *write[SANDBOX_PATHS_MAX];
    const char *read[SANDBOX_PATHS_MAX];
    const char *exact[SANDBOX_PATHS_MAX]; /* read, too: these alone, and only if they are there */
};

/* Add to ${s} what the client library of PostgreSQL reads for ${url}. Paths are borrowed. */
void relay_sandbox_database(struct relay_sandbox *s, const char *url);

/* Is this a build whose calls cannot be restricted: a sanitizer's leak check needs ptrace? */
bool relay_sandbox_unfit(void);

/**
 * relay_sandbox_files(s):
 * No file but those of ${s}; NULL: none at all, and no TCP. UNSUPPORTED: the kernel has no
 * Landlock, nothing is restricted. USAGE (a path), IO.
 */
DT_MUST_CHECK enum dt_err relay_sandbox_files(const struct relay_sandbox *s);

/* Only the calls that a relay makes. UNSUPPORTED, NOMEM. */
DT_MUST_CHECK enum dt_err relay_sandbox_serve_calls(void);

/* Only those of a signer that is set up: messages over the open socket, its open file, memory. */
DT_MUST_CHECK enum dt_err relay_sandbox_signer_calls(void);

#endif
