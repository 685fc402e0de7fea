/*
 * db/pages.h - SQLite's cache of pages, not searched for what it cannot hold; and no count of its
 * memory kept, which each allocation would take a lock for.
 *
 * Layer: db, internal.
 */
#ifndef DT_DB_PAGES_H
#define DT_DB_PAGES_H

/* Before the first other call of SQLite in the process; later, or where SQLite does not take it, it
 * changes nothing. Called under the lock of the list of connections. */
void dt_db_pages_prepare(void);

#endif
