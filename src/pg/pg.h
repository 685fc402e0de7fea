/*
 * pg/pg.h - PostgreSQL behind db.h, and news from one process of a database to the others.
 *
 * Layer: pg (may include db). The only room that includes libpq-fe.h.
 *
 * What stands in the SQL that is given to this engine is what PostgreSQL, CockroachDB, YugabyteDB
 * and SQLite all take, with ?1, ?2 ... as parameters; in schemas SQLite's words for types (INTEGER,
 * BLOB, STRICT, WITHOUT ROWID) are written as PostgreSQL's. sum() of numbers has to be cast.
 *
 * A connection that is lost is made anew by the next transaction or question, with pauses between
 * tries in which every call fails at once with STATE. Nothing here waits longer than it was told.
 */
#ifndef DT_PG_PG_H
#define DT_PG_PG_H

#include "db/db.h"

#define DT_PG_KEY 32u

/* Is ${store} the address of a database, postgres://... or postgresql://...? */
bool dt_pg_is_url(const char *store);

/**
 * dt_pg_open(config, out):
 * Connect to config->path, a URL as libpq takes it, and bring the schema up to config->version in
 * one transaction. config->busy_ms is how long one answer may take (0: 5000); check_max is not
 * used. Two processes may do so at once.
 *
 * Owner:  ${out} is the caller's; dt_db_close().
 * Errors: as dt_db_open(); NOT_FOUND when there is no schema and config->create is not set; IO when
 *         the database cannot be reached or does not let us in.
 */
DT_MUST_CHECK enum dt_err dt_pg_open(const struct dt_db_config *config, struct dt_db **out);

/**
 * After rows with given ids were inserted into ${table}, whose ids are drawn otherwise: go on above
 * the largest. Inside a transaction.
 */
DT_MUST_CHECK enum dt_err dt_pg_ids_follow(struct dt_db *db, const char *table);

/* ---- news ---- */

struct dt_pg_news;

struct dt_pg_news_config {
    const char *url;
    /* Told, in a thread of its own: what stands under ${key} changed, by another process; with NULL
     * that anything may have, as news can have been missed. */
    void (*heard)(void *ctx, const uint8_t *key);
    void *ctx;
    unsigned int gap_ms;  /* between two NOTIFY; 0: 5 */
    unsigned int poll_ms; /* where there is no LISTEN: how often heard(NULL) is called; 0: 1000 */
};

/* One connection and one thread, which listens and tells. It connects by itself and again. NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_pg_news_start(const struct dt_pg_news_config *config,
                                           struct dt_pg_news **out);

/* After the commit: ${key} changed. From any thread, returns at once; told a moment later, together
 * with what else changed. */
void dt_pg_news_tell(struct dt_pg_news *n, const uint8_t key[static DT_PG_KEY]);

/* Does it listen now? For tests. */
bool dt_pg_news_listening(struct dt_pg_news *n);

/* NULL is fine. */
void dt_pg_news_stop(struct dt_pg_news *n);

#endif
