/*
 * relay/export/internal.h - what export*.c share.
 *
 * Layer: relay, internal.
 */
#ifndef DT_RELAY_EXPORT_INTERNAL_H
#define DT_RELAY_EXPORT_INTERNAL_H

#include "crypto/crypto.h"
#include "relay/export/export.h"
#include "relay/limits.h"

#define EXPORT_PATH_MAX    4096
#define EXPORT_CHECKPOINTS 3u
#define EXPORT_INDEX_MAX   ((2u * DT_SHA256 + 1) * DT_RELAY_OPENINGS_MAX)

struct export_run {
    struct dt_relay_store *store;
    const char *dir;
    struct dt_export_report *report;
    int lock;                           /* the folder, open */
    struct dt_relay_store_register reg; /* the one that is written now */
    char id[2 * DT_REGISTER_ID + 1];
    uint64_t needed[2 * EXPORT_CHECKPOINTS]; /* sizes: of what stood there, and of what does now */
    size_t n_needed;
    struct tlog_checkpoint held; /* the newest in the store */
};

/* The path of ${below} in the register's folder. */
DT_MUST_CHECK enum dt_err export_path(const struct export_run *e, const char *below,
                                      char out[static EXPORT_PATH_MAX]);

/* Put ${content} in the place ${path} as a whole, with the folders it lies in, and count it. */
DT_MUST_CHECK enum dt_err export_write(struct export_run *e, char *path, struct dt_view content);

/* Is there a file of ${size} bytes? They are put in place whole, so it is the one. */
bool export_is_there(const char *path, uint64_t size);

/* Bring "openings/" up to ${index}, the store's: the files first, then their index. */
DT_MUST_CHECK enum dt_err export_openings(struct export_run *e, struct dt_view index);

/* Take away the partial tiles that no size of e->needed has, and what a killed export left. */
DT_MUST_CHECK enum dt_err export_tidy(struct export_run *e);

#endif
