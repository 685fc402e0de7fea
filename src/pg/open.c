/*
 * pg/open.c - the schema of a database: whose it is, which version, made or brought up in one
 * transaction. Layer: pg.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "pg/pg_internal.h"

#define ANSWER_MS 5000u
#define TRIES     20 /* two processes that make the schema at once: one of them is later */

/* The version that stands there; 0: none, or another program's. */
static enum dt_err
version_of(struct dt_db *db, const struct dt_db_config *config, bool lock, uint32_t *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *there = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t version = 0, app_id = 0;
    bool row = false;
    enum dt_err err;

    *out = 0;
    if ((err = dt_db_prepare(db,
                             "SELECT 1 FROM information_schema.tables"
                             " WHERE table_name = 'detente_schema'"
                             " AND table_schema = current_schema()",
                             &there)) != DT_OK ||
        (err = dt_stmt_step(there, &row)) != DT_OK || !row)
        return err;
    if ((err = dt_db_prepare(db,
                             lock ? "SELECT app_id, version FROM detente_schema FOR UPDATE"
                                  : "SELECT app_id, version FROM detente_schema",
                             &st)) != DT_OK ||
        (err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    if (!row)
        return dt_fail(DT_ERR_FORMAT, "%s: the schema's version is missing", db->path);
    if ((err = dt_col_u64(st, 0, UINT32_MAX, &app_id)) != DT_OK ||
        (err = dt_col_u64(st, 1, UINT32_MAX, &version)) != DT_OK)
        return err;
    if (app_id != config->app_id || version == 0)
        return dt_fail(DT_ERR_FORMAT, "%s: is a database, but not one of this kind", db->path);
    if (version > config->version)
        return dt_fail(
            DT_ERR_UNSUPPORTED,
            "%s: was written by a newer version (schema %u, this program knows up to %u)", db->path,
            (unsigned int)version, config->version);
    *out = (uint32_t)version;
    return DT_OK;
}

static enum dt_err
set_version(struct dt_db *db, const struct dt_db_config *config, bool fresh)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(db,
                             fresh ? "INSERT INTO detente_schema(app_id, version) VALUES (?1, ?2)"
                                   : "UPDATE detente_schema SET version = ?2 WHERE app_id = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, config->app_id);
    dt_bind_u64(st, 2, config->version);
    return dt_stmt_run(st);
}

static enum dt_err
bring_up(struct dt_db *db, const struct dt_db_config *config)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    uint32_t from = 0;
    enum dt_err err;

    if ((err = dt_tx_begin(db, &tx)) != DT_OK ||
        (err = version_of(db, config, true, &from)) != DT_OK || from == config->version)
        return err;
    if (from == 0 && (err = dt_db_exec(db, "CREATE TABLE detente_schema(app_id INTEGER PRIMARY KEY,"
                                           " version INTEGER NOT NULL)")) != DT_OK)
        return err;
    if ((err = config->migrate(db, from, config->ctx)) != DT_OK ||
        (err = set_version(db, config, from == 0)) != DT_OK)
        return err;
    return dt_tx_commit(&tx);
}

static enum dt_err
open_schema(struct dt_db *db, const struct dt_db_config *config)
{
    uint32_t version = 0;
    enum dt_err err = version_of(db, config, false, &version);

    if (err != DT_OK)
        return err;
    if (version == 0 && !config->create)
        return dt_fail(DT_ERR_NOT_FOUND, "%s: there is no store", db->path);
    for (int i = 0; version < config->version; i++) {
        enum dt_err then;

        err = bring_up(db, config);
        if ((then = version_of(db, config, false, &version)) != DT_OK)
            return then;
        if (version < config->version && i >= TRIES)
            return err != DT_OK ? err : dt_fail(DT_ERR_BUSY, "%s: others change it", db->path);
    }
    return DT_OK;
}

enum dt_err
dt_pg_open(const struct dt_db_config *config, struct dt_db **out)
{
    struct pg_db *db;
    enum dt_err err;

    if (config->version == 0 || config->app_id == 0 || config->migrate == NULL)
        return dt_fail(DT_ERR_INTERNAL, "incomplete database settings");
    if ((db = dt_alloc(1, sizeof(*db))) == NULL)
        return dt_nomem();
    db->base.engine = &pg_engine;
    db->answer_ms = config->busy_ms != 0 ? config->busy_ms : ANSWER_MS;
    db->url = dt_strndup(config->path, strlen(config->path));
    db->base.path = pg_name_of(config->path);
    db->answers = dt_alloc(PG_ANSWERS, sizeof(struct pg_answer *));
    err =
        db->url == NULL || db->base.path == NULL || db->answers == NULL ? dt_nomem() : pg_ready(db);
    if (err == DT_OK)
        err = open_schema(&db->base, config);
    if (err != DT_OK) {
        dt_db_close(&db->base);
        return err;
    }
    *out = &db->base;
    dt_err_forget();
    return DT_OK;
}

enum dt_err
dt_pg_ids_follow(struct dt_db *db, const char *table)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    char sql[200];
    int n = snprintf(sql, sizeof(sql),
                     "SELECT setval(pg_get_serial_sequence('%s', 'id'),"
                     " (SELECT coalesce(max(id), 0) + 1 FROM %s), false)",
                     table, table);
    enum dt_err err;

    if (n < 0 || (size_t)n >= sizeof(sql))
        return dt_fail(DT_ERR_INTERNAL, "a table's name is too long");
    if ((err = dt_db_prepare(db, sql, &st)) != DT_OK)
        return err;
    return dt_stmt_step(st, &row);
}
