/*
 * fuzz/agents/snapshot.h - a store as it was, put back under its open connection when it changed.
 */
#ifndef DT_FUZZ_AGENTS_SNAPSHOT_H
#define DT_FUZZ_AGENTS_SNAPSHOT_H

#include "db/db_internal.h"

struct snapshot {
    sqlite3 *db; /* in memory */
    int changes; /* of rows, by the connection; -1: it is a new connection */
};

void snapshot_take(struct snapshot *s, struct dt_db *db);

/* Was the store changed by this connection, the only one that writes? Then it is put back. */
bool snapshot_put_back(struct snapshot *s, struct dt_db *db);

#endif
