/*
 * fuzz/agents/snapshot.c - see snapshot.h.
 */
#include "snapshot.h"
#include "must.h"

static void
copy_pages(sqlite3 *to, sqlite3 *from)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");

    must(b != NULL);
    must(sqlite3_backup_step(b, -1) == SQLITE_DONE);
    must(sqlite3_backup_finish(b) == SQLITE_OK);
}

void
snapshot_take(struct snapshot *s, struct dt_db *db)
{
    (void)sqlite3_close(s->db); /* an older one */
    must(sqlite3_open(":memory:", &s->db) == SQLITE_OK);
    copy_pages(s->db, db->handle);
    s->changes = sqlite3_total_changes(db->handle);
}

bool
snapshot_put_back(struct snapshot *s, struct dt_db *db)
{
    if (sqlite3_total_changes(db->handle) == s->changes)
        return false;
    copy_pages(db->handle, s->db);
    s->changes = sqlite3_total_changes(db->handle);
    return true;
}
