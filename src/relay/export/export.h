/*
 * relay/export/export.h - registers as files that any web server serves.
 *
 * Source: c2sp.org/tlog-tiles. Layer: relay.
 *
 * Below the folder given a register has the paths that it has at the relay, so that the two answer
 * alike. Tiles and bundles come first, each on disk before the next; then the checkpoints; then
 * what no checkpoint needs any more is taken away. Whoever stops in between, each checkpoint that
 * stands there is served whole.
 */
#ifndef DT_RELAY_EXPORT_H
#define DT_RELAY_EXPORT_H

#include "relay/store/store.h"

struct dt_export_report {
    size_t registers;
    size_t passed_over;        /* read with a key, and not asked for by name */
    uint64_t written, removed; /* files */
};

/**
 * dt_relay_export(s, dir, only, out):
 * Bring the files in ${dir} up to what the store holds: all registers that anyone may read, or the
 * one with the id ${only} whoever may. What is there already is not written again.
 *
 * Folders get the mode 0755 as far as the umask leaves it, files 0644.
 *
 * Errors: BUSY (another export writes there), NOT_FOUND (no register ${only}), CONFLICT (a
 * register's tiles or entries are not what was signed: nothing of it is written), IO, NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_relay_export(struct dt_relay_store *s, const char *dir,
                                          const uint8_t *only, struct dt_export_report *out);

#endif
