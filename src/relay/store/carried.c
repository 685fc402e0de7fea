/*
 * relay/store/carried.c - the history of a store that is carried by hand, see store.h.
 *
 * Source: docs/protocol-carried.md "Copies". Layer: relay.
 */
#include <string.h>

#include "crypto/crypto.h"

#include "relay/store/internal.h"

enum dt_err
store_carried_put(struct dt_db *db)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint8_t mark[DT_RELAY_MARK];
    enum dt_err err;

    if ((err = dt_random(mark, sizeof(mark))) != DT_OK ||
        (err = dt_db_prepare(
             db, "INSERT INTO carried(seq, mark) SELECT COALESCE(MAX(seq), 0) + 1, ?1 FROM carried",
             &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view_of(mark));
    return dt_stmt_run(st);
}

/* One end of the history: NOT_FOUND when it has none yet. */
static enum dt_err
end_of(struct dt_db *db, const char *sql, struct dt_relay_store_mark *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_relay_store_mark m = {0};
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(db, sql, &st)) != DT_OK || (err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    if (!row)
        return DT_ERR_NOT_FOUND;
    if ((err = dt_col_u64(st, 0, INT64_MAX, &m.seq)) != DT_OK ||
        (err = dt_col_fixed(st, 1, m.mark, sizeof(m.mark))) != DT_OK)
        return err;
    *out = m;
    return DT_OK;
}

static const char sql_first[] = "SELECT seq, mark FROM carried ORDER BY seq LIMIT 1";
static const char sql_last[] = "SELECT seq, mark FROM carried ORDER BY seq DESC LIMIT 1";

enum dt_err
store_carried_prepare(struct dt_db *db)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    struct dt_relay_store_mark first;
    enum dt_err err;

    /* Nothing is written to a stick on which all is there. */
    if ((err = dt_db_exec(db, "CREATE TABLE IF NOT EXISTS carried(seq INTEGER PRIMARY KEY,"
                              " mark BLOB NOT NULL) STRICT")) != DT_OK ||
        (err = end_of(db, sql_first, &first)) != DT_ERR_NOT_FOUND)
        return err;
    if ((err = dt_tx_begin(db, &tx)) != DT_OK || (err = store_carried_put(db)) != DT_OK)
        return err;
    return dt_tx_commit(&tx);
}

enum dt_err
dt_relay_store_carried(struct dt_relay_store *s, struct dt_relay_store_mark *out_first,
                       struct dt_relay_store_mark *out_last)
{
    enum dt_err err;

    if (!s->carried)
        return dt_fail(DT_ERR_STATE, "this store is not one that is carried");
    if ((err = end_of(s->r, sql_first, out_first)) != DT_OK)
        return err;
    return end_of(s->r, sql_last, out_last);
}

enum dt_err
dt_relay_store_has_mark(struct dt_relay_store *s, const struct dt_relay_store_mark *mark, bool *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, "SELECT 1 FROM carried WHERE seq = ?1 AND mark = ?2", &st)) !=
        DT_OK)
        return err;
    dt_bind_u64(st, 1, mark->seq);
    dt_bind_blob(st, 2, dt_view_of(mark->mark));
    return dt_stmt_step(st, out);
}
