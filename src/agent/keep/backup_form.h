/*
 * agent/keep/backup_form.h - the text inside a backup: a head, rows, an end. See backup.h.
 *
 * Layer: agent, internal.
 *
 *   head   uint8 1, opaque forum[32], delegate key[32], uint64 time, uint64 rows about
 *   row    uint32 length, then: opaque table<V>, key<V>, parent<V>, uint64 seq, opaque value<V>
 *   end    uint32 0, uint64 rows
 */
#ifndef DT_AGENT_KEEP_BACKUP_FORM_H
#define DT_AGENT_KEEP_BACKUP_FORM_H

#include "agent/keep/backup.h"
#include "agent/keep/sealed.h"

struct dt_backup_row {
    char table[65];
    struct dt_view key;
    struct dt_view parent;
    uint64_t seq;
    struct dt_view value;
};

/* Row "name" of table "self" that is kept? */
bool dt_backup_self(struct dt_view name);

DT_MUST_CHECK enum dt_err dt_backup_head_put(struct dt_sealed_out *f,
                                             const struct dt_backup_report *r, uint64_t about);
DT_MUST_CHECK enum dt_err dt_backup_row_put(struct dt_sealed_out *f,
                                            const struct dt_backup_row *row);
DT_MUST_CHECK enum dt_err dt_backup_end_put(struct dt_sealed_out *f, uint64_t rows);

/**
 * dt_backup_read(f, progress, fn, ctx, out):
 * Read head, rows and end, and call ${fn}, may be NULL, for each row of a table that is kept, with
 * what it borrows until it returns; any other table is FORMAT. ${out} gets what was in it.
 */
DT_MUST_CHECK enum dt_err
dt_backup_read(struct dt_sealed_in *f, const struct dt_keep_progress *progress,
               enum dt_err (*fn)(void *ctx, const struct dt_backup_row *row), void *ctx,
               struct dt_backup_report *out);

#endif
