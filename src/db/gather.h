/*
 * db/gather.h - the writes of one commit gathered: SQLite writes each page of a -wal in two calls,
 * here what lies side by side goes to the system in one, at the latest before the sync. And the
 * file grows in steps, since a sync that has a new length to write takes longer.
 *
 * Layer: db, internal.
 */
#ifndef DT_DB_GATHER_H
#define DT_DB_GATHER_H

#include <sqlite3.h>

/*
 * The name to open a connection with, whose -wal is then written so; NULL (SQLite's own way) when
 * SQLite would not take it. The connection must be set to synchronous=FULL: what was not synced is
 * not in the file for other connections, and only a commit that syncs is shown to them after it.
 * Called under the lock of the list of connections.
 */
const char *dt_db_gather_vfs(void);

/*
 * Unless a transaction that writes is open on ${handle}, what was gathered and not written is
 * nobody's. After a write that failed nothing more is written, read or synced in a -wal until this
 * is called then, so that no commit can come to stand on pages that are not there.
 */
void dt_db_gather_forget(sqlite3 *handle);

#endif
