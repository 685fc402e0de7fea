/*
 * relay/store/migrate.h - one store copied into another: a file into a database, or back.
 *
 * Layer: relay. For a program that does not serve.
 */
#ifndef DT_RELAY_STORE_MIGRATE_H
#define DT_RELAY_STORE_MIGRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DT_RELAY_TABLES_MAX 32u
#define DT_RELAY_TABLE_NAME 32u

struct dt_relay_migrated {
    struct {
        char name[DT_RELAY_TABLE_NAME];
        uint64_t rows;
        uint8_t hash[32]; /* over all of its content in the order of its key: equal in both */
    } tables[DT_RELAY_TABLES_MAX];
    size_t n_tables, n_registers;
};

/* Told now and then while rows of ${table} are copied or (${comparing}) compared. */
typedef void (*dt_relay_migrate_fn)(void *ctx, const char *table, bool comparing, uint64_t rows);

/**
 * dt_relay_store_migrate(from, to, progress, ctx, out):
 * Copy the store ${from} into ${to}, which is made or empty, and compare both whole: rows and a
 * hash of each table, and the root of each register with the one that was signed. Whoever serves
 * ${from} must have stopped. When this ends in the middle the copy is no store that anyone can
 * open, and running it again goes on. ${progress} may be NULL.
 *
 * Errors: as dt_relay_store_open(); BUSY (${from} is being served), EXISTS (there is something in
 * ${to}), CONFLICT (they differ, as ${from} was written to meanwhile; or a register does not hold).
 */
DT_MUST_CHECK enum dt_err dt_relay_store_migrate(const char *from, const char *to,
                                                 dt_relay_migrate_fn progress, void *ctx,
                                                 struct dt_relay_migrated *out);

#endif
