/*
 * agent/keep/backup.h - a backup of a home, and a home made of it.
 *
 * Source: DESIGN "Agent store"; docs/protocol-agent.md "Backups". Layer: agent.
 *
 * It holds what cannot be had anew: keys, letters, the inbox's tokens, charter and grant, records
 * and kept talk, the copy of the register, alarms, shifts. It never holds what two homes must not
 * both use, or what must be gone when it is gone here: group state, keys of queues and of key
 * packages, pre-shared keys, positions in queues, what waits to be sent. A restored delegate asks
 * to be put into its channels anew.
 */
#ifndef DT_AGENT_KEEP_BACKUP_H
#define DT_AGENT_KEEP_BACKUP_H

#include "agent/agent.h"

#define DT_BACKUP_MAGIC "detente 1 backup\n"

struct dt_backup_report {
    uint64_t time_ms; /* when it was made */
    uint64_t rows;
    uint64_t channels;
    uint64_t talk;     /* pieces */
    uint64_t records;  /* answers included, cover not */
    uint64_t to_send;  /* of what waits to be sent, and is not in it */
    uint64_t founding; /* channels being founded, which are not in it */
    uint8_t forum[32];
    uint8_t delegate_key[32];
};

/* Told now and then how far it is. */
struct dt_keep_progress {
    void (*fn)(void *ctx, uint64_t done, uint64_t of);
    void *ctx;
};

/**
 * dt_backup_make(a, path, passphrase, progress, out):
 * Write the new file ${path}, sealed under ${passphrase}: one view of the store, while other
 * processes go on. Then the home remembers that it was made. Errors: EXISTS, IO, RANGE (the
 * passphrase is empty); nothing is at ${path} then.
 */
DT_MUST_CHECK enum dt_err dt_backup_make(struct dt_agent *a, const char *path,
                                         struct dt_view passphrase,
                                         const struct dt_keep_progress *progress,
                                         struct dt_backup_report *out);

/* Read the whole file and check it. FORMAT, LOCKED, AUTH, IO. */
DT_MUST_CHECK enum dt_err dt_backup_check(const char *path, struct dt_view passphrase,
                                          const struct dt_keep_progress *progress,
                                          struct dt_backup_report *out);

/**
 * dt_backup_restore(path, passphrase, home, new_passphrase, clock, progress, out):
 * Make the home ${home} of the backup, under ${new_passphrase}: whole or not at all, and opened
 * once before it is there. Its channels are BROKEN, and the next sync asks to be put in anew.
 * Errors: those of dt_backup_check(), EXISTS (there is a home already).
 */
DT_MUST_CHECK enum dt_err dt_backup_restore(const char *path, struct dt_view passphrase,
                                            const char *home, struct dt_view new_passphrase,
                                            const struct dt_clock *clock,
                                            const struct dt_keep_progress *progress,
                                            struct dt_backup_report *out);

/* When this home was last backed up, and when the backup was made that it came from; 0: never. */
DT_MUST_CHECK enum dt_err dt_backup_last(struct dt_agent *a, uint64_t *out_made_ms,
                                         uint64_t *out_from_ms);

/* Does a backup know what to do about ${table}: *${out_kept}, its rows are in it. NOT_FOUND: it
 * does not, and whoever adds a table says so in backup.c. */
DT_MUST_CHECK enum dt_err dt_backup_table(const char *table, bool *out_kept);

#endif
