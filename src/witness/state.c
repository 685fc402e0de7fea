/*
 * witness/state.c - the witness's state: one row in a small SQLite file. Layer: witness.
 *
 * Size and root are changed in one transaction that is synced before a cosignature leaves the
 * machine, so that a witness that loses power never signs beside what it signed before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "witness/witness_internal.h"

#define STATE_APP_ID  0x64745701u /* "dtW" and 1 */
#define STATE_VERSION 3u

static enum dt_err
migrate(struct dt_db *db, uint32_t from, void *ctx)
{
    static const char *const later[] = {
        "ALTER TABLE state ADD COLUMN time_s INTEGER NOT NULL DEFAULT 0;",
        "ALTER TABLE state ADD COLUMN void_below INTEGER NOT NULL DEFAULT 0;",
    };
    enum dt_err err = DT_OK;

    (void)ctx;
    for (; from > 0 && from < STATE_VERSION && err == DT_OK; from++)
        err = dt_db_exec(db, later[from - 1]);
    if (from > 0)
        return err;
    return dt_db_exec(
        db, "CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one = 1), origin TEXT NOT NULL,"
            " log_key BLOB NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,"
            " note TEXT NOT NULL, stopped INTEGER NOT NULL, time_s INTEGER NOT NULL DEFAULT 0,"
            " void_below INTEGER NOT NULL DEFAULT 0) STRICT;");
}

static enum dt_err
lock(const char *path, int *out_fd)
{
    char name[4096];
    int fd, len = snprintf(name, sizeof(name), "%s.running", path);

    if (len < 0 || (size_t)len >= sizeof(name))
        return dt_fail(DT_ERR_IO, "the state file's path is too long");
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return dt_fail(DT_ERR_IO, "%s: cannot open: %s", name, strerrordesc_np(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return dt_fail(DT_ERR_BUSY, "%s: another witness process uses it", path);
    }
    *out_fd = fd;
    return DT_OK;
}

/* The row, or a first one. */
static enum dt_err
load(struct witness_state *s, const char *path, const struct tlog_vkey *log)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *get = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    struct dt_view origin = {0}, key = {0};
    uint64_t stopped = 0;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db,
                             "SELECT origin, log_key, size, root, note, stopped, time_s, void_below"
                             " FROM state",
                             &get)) != DT_OK ||
        (err = dt_stmt_step(get, &row)) != DT_OK)
        return err;
    if (row) {
        if ((err = dt_col_text(get, 0, TLOG_NAME_MAX, &origin)) != DT_OK ||
            (err = dt_col_blob(get, 1, DT_ED25519_PUB, &key)) != DT_OK ||
            (err = dt_col_u64(get, 2, TLOG_SIZE_MAX, &s->tree.size)) != DT_OK ||
            (err = dt_col_fixed(get, 3, s->tree.root.b, TLOG_HASH)) != DT_OK ||
            (err = dt_col_u64(get, 5, 1, &stopped)) != DT_OK ||
            (err = dt_col_u64(get, 6, INT64_MAX, &s->time_s)) != DT_OK ||
            (err = dt_col_u64(get, 7, INT64_MAX, &s->void_below)) != DT_OK)
            return err;
        if (!dt_view_equal(origin, dt_view_str(log->name)) ||
            !dt_view_equal(key, dt_view_of(log->pub)))
            return dt_fail(DT_ERR_CONFLICT, "%s: is the state of another register", path);
        s->stopped = stopped == 1;
        {
            struct dt_view note = {0};

            if ((err = dt_col_text(get, 4, TLOG_NOTE_MAX, &note)) != DT_OK)
                return err;
            return dt_buf_set(&s->note, note);
        }
    }
    s->tree.size = 0;
    s->tree.root = tlog_empty_root;
    if ((err = dt_db_prepare(s->db,
                             "INSERT INTO state(one, origin, log_key, size, root, note, stopped)"
                             " VALUES (1, ?1, ?2, 0, ?3, '', 0)",
                             &put)) != DT_OK)
        return err;
    dt_bind_text(put, 1, dt_view_str(log->name));
    dt_bind_blob(put, 2, dt_view_of(log->pub));
    dt_bind_blob(put, 3, tlog_hash_view(&tlog_empty_root));
    return dt_stmt_run(put);
}

enum dt_err
witness_state_open(const char *path, const struct tlog_vkey *log, struct witness_state *out)
{
    struct dt_db_config config = {.path = path,
                                  .app_id = STATE_APP_ID,
                                  .version = STATE_VERSION,
                                  .create = true,
                                  .migrate = migrate};
    struct witness_state s = {.lock_fd = -1};
    enum dt_err err;

    dt_buf_init(&s.note, TLOG_NOTE_MAX);
    if ((err = lock(path, &s.lock_fd)) != DT_OK || (err = dt_db_open(&config, &s.db)) != DT_OK ||
        (err = load(&s, path, log)) != DT_OK) {
        witness_state_close(&s);
        return err;
    }
    *out = s;
    return DT_OK;
}

void
witness_state_close(struct witness_state *s)
{
    if (s->db != NULL)
        dt_db_close(s->db);
    s->db = NULL;
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    s->lock_fd = -1;
    dt_buf_clear(&s->note);
}

enum dt_err
witness_state_put(struct witness_state *s, const struct tlog_witness_tree *tree,
                  struct dt_view note, uint64_t time_s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf copy = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    enum dt_err err;

    /* "AND size <= ?1": no way back, whatever the caller thinks. */
    if ((err = dt_buf_set(&copy, note)) != DT_OK || (err = dt_tx_begin(s->db, &tx)) != DT_OK ||
        (err = dt_db_prepare(s->db,
                             "UPDATE state SET size = ?1, root = ?2, note = ?3, time_s = ?4"
                             " WHERE one = 1 AND size <= ?1 AND stopped = 0",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, tree->size);
    dt_bind_blob(st, 2, tlog_hash_view(&tree->root));
    dt_bind_text(st, 3, note);
    dt_bind_u64(st, 4, time_s);
    if ((err = dt_stmt_run(st)) != DT_OK)
        return err;
    if (dt_db_changes(s->db) != 1)
        return dt_fail(DT_ERR_STATE, "the witness's state is larger than what it should become");
    if ((err = dt_tx_commit(&tx)) != DT_OK)
        return err;
    s->tree = *tree;
    s->time_s = time_s;
    dt_buf_move(&s->note, &copy);
    return DT_OK;
}

enum dt_err
witness_state_forget(struct witness_state *s, uint64_t size)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db, "UPDATE state SET time_s = 0, void_below = ?1 WHERE one = 1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, size);
    if ((err = dt_stmt_run(st)) != DT_OK)
        return err;
    s->time_s = 0;
    s->void_below = size;
    return DT_OK;
}

enum dt_err
witness_state_stop(struct witness_state *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db, "UPDATE state SET stopped = 1 WHERE one = 1", &st)) != DT_OK ||
        (err = dt_stmt_run(st)) != DT_OK)
        return err;
    s->stopped = true;
    return DT_OK;
}
