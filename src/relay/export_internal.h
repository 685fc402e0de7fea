/*
 * relay/export_internal.h - what export.c and export_tidy.c share.
 *
 * Layer: relay, internal.
 */
#ifndef DT_RELAY_EXPORT_INTERNAL_H
#define DT_RELAY_EXPORT_INTERNAL_H

#include "relay/export.h"

#define EXPORT_PATH_MAX    4096
#define EXPORT_CHECKPOINTS 3u

struct export_run {
    struct dt_relay_store *store;
    const char *dir;
    struct dt_export_report *report;
    int lock;                           /* the folder, open */
    struct dt_relay_store_register reg; /* the one that is written now */
    char id[2 * DT_REGISTER_ID + 1];
    uint64_t needed[2 * EXPORT_CHECKPOINTS]; /* sizes: of what stood there, and of what does now */
    size_t n_needed;
};

/* The path of ${below} in the register's folder. */
DT_MUST_CHECK enum dt_err export_path(const struct export_run *e, const char *below,
                                      char out[static EXPORT_PATH_MAX]);

/* CONFLICT unless the entries of ${bundle} are those of the tile beside it. */
DT_MUST_CHECK enum dt_err export_check_bundle(struct export_run *e, const struct tlog_tile *tile,
                                              struct dt_view bundle);

/* Take away the partial tiles that no size of e->needed has, and what a killed export left. */
DT_MUST_CHECK enum dt_err export_tidy(struct export_run *e);

#endif
