/*
 * fuzz/agents/snapshot.c - see snapshot.h.
 */
#include <unistd.h>

#include "must.h"
#include "snapshot.h"

#define TRIES 5000u

/* An agent's store is a file: SQLite's. */
static sqlite3 *
handle_of(struct dt_db *db)
{
    return ((struct sqlite_db *)db)->handle; /* its base is its first member */
}

/* The relay's writer answers when a batch is committed, and is done with its statements a moment
 * later. */
static void
copy_pages(sqlite3 *to, sqlite3 *from)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");

    for (unsigned int i = 0; b == NULL && i < TRIES; i++) {
        (void)usleep(1000);
        b = sqlite3_backup_init(to, "main", from, "main");
    }
    must(b != NULL);
    must(sqlite3_backup_step(b, -1) == SQLITE_DONE);
    must(sqlite3_backup_finish(b) == SQLITE_OK);
}

void
snapshot_take(struct snapshot *s, struct dt_db *db)
{
    (void)sqlite3_close(s->db); /* an older one */
    must(sqlite3_open(":memory:", &s->db) == SQLITE_OK);
    copy_pages(s->db, handle_of(db));
    s->changes = sqlite3_total_changes(handle_of(db));
}

bool
snapshot_put_back(struct snapshot *s, struct dt_db *db)
{
    if (sqlite3_total_changes(handle_of(db)) == s->changes)
        return false;
    copy_pages(handle_of(db), s->db);
    s->changes = sqlite3_total_changes(handle_of(db));
    return true;
}
