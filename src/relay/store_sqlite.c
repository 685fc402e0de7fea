/*
 * relay/store_sqlite.c - the store in one SQLite file: opening, batches, queues. See store.h.
 *
 * A cell's rowid is queue << 32 | position, so that a queue's cells lie together in order.
 * Layer: relay.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/wire.h"
#include "crypto/crypto.h"

#include "relay/store_internal.h"

#define STORE_APP_ID  0x64745201u /* "dtR" and 1 */
#define STORE_VERSION 3u
#define POSITION_BITS 32

/* Which entries a register holds: by the first 8 bytes of the leaf hash, so that a party cannot
 * choose seals that all fall together. An index over whole entries is twice as long. */
#define SEEN                                                                                       \
    "CREATE TABLE seen(register INTEGER NOT NULL, mark INTEGER NOT NULL, idx INTEGER NOT NULL,"    \
    " PRIMARY KEY(register, mark, idx)) STRICT, WITHOUT ROWID;"

/* The rhythm of a register (0: none), and how many entries of a key were taken in its period. */
#define CADENCE                                                                                    \
    "ALTER TABLE register ADD COLUMN cadence_k INTEGER NOT NULL DEFAULT 0;"                        \
    "ALTER TABLE register ADD COLUMN cadence_ms INTEGER NOT NULL DEFAULT 0;"                       \
    "ALTER TABLE append_key ADD COLUMN period INTEGER NOT NULL DEFAULT 0;"                         \
    "ALTER TABLE append_key ADD COLUMN in_period INTEGER NOT NULL DEFAULT 0;"

static const char schema[] =
    "CREATE TABLE grants(id INTEGER PRIMARY KEY, token_hash BLOB NOT NULL UNIQUE,"
    " queues_max INTEGER NOT NULL, queue_cells_max INTEGER NOT NULL, queues INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE queue(id INTEGER PRIMARY KEY, grant_id INTEGER NOT NULL REFERENCES grants(id),"
    " address BLOB NOT NULL UNIQUE, read_hash BLOB NOT NULL, write_hash BLOB NOT NULL,"
    " cells_max INTEGER NOT NULL, last INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;"
    "CREATE TABLE cell(id INTEGER PRIMARY KEY, append_id BLOB NOT NULL, cell BLOB NOT NULL) STRICT;"
    "CREATE TABLE appended(queue INTEGER NOT NULL, append_id BLOB NOT NULL, position INTEGER NOT "
    "NULL,"
    " PRIMARY KEY(queue, append_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE register(id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE,"
    " grant_id INTEGER NOT NULL REFERENCES grants(id), origin TEXT NOT NULL, seed BLOB NOT NULL,"
    " policy TEXT NOT NULL, quorum_attested INTEGER NOT NULL, quorum_final INTEGER NOT NULL,"
    " size INTEGER NOT NULL, root BLOB NOT NULL, attested INTEGER, final INTEGER, read_hash BLOB)"
    " STRICT;"
    "CREATE TABLE append_key(hash BLOB PRIMARY KEY, register INTEGER NOT NULL REFERENCES "
    "register(id),"
    " daily INTEGER NOT NULL, day INTEGER NOT NULL, used INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE entry(register INTEGER NOT NULL, idx INTEGER NOT NULL, entry BLOB NOT NULL,"
    " PRIMARY KEY(register, idx)) STRICT, WITHOUT ROWID;" SEEN
    "CREATE TABLE tile(register INTEGER NOT NULL, level INTEGER NOT NULL, idx INTEGER NOT NULL,"
    " content BLOB NOT NULL, PRIMARY KEY(register, level, idx)) STRICT;"
    "CREATE TABLE checkpoint(register INTEGER NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,"
    " note TEXT NOT NULL, PRIMARY KEY(register, size)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE cosignature(register INTEGER NOT NULL, size INTEGER NOT NULL, key_id INTEGER NOT "
    "NULL,"
    " side INTEGER NOT NULL, time_s INTEGER NOT NULL, line TEXT NOT NULL,"
    " PRIMARY KEY(register, size, key_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX cosignature_by ON cosignature(register, key_id, size);" CADENCE;

/* ---- open and close ---- */

static enum dt_err
migrate(struct dt_db *db, uint32_t from, void *ctx)
{
    enum dt_err err;

    (void)ctx;
    if (from == 0)
        return dt_db_exec(db, schema);
    /* Version 1 had an index over whole entries, and no read keys. */
    if (from == 1 &&
        ((err = dt_db_exec(db, SEEN "ALTER TABLE register ADD COLUMN read_hash BLOB")) != DT_OK ||
         (err = store_seen_fill(db)) != DT_OK ||
         (err = dt_db_exec(db, "DROP INDEX entry_once")) != DT_OK))
        return err;
    return dt_db_exec(db, CADENCE); /* nor had version 2 cadences */
}

/* The writer alone meets all of the index of what is held, page by page and at random: some memory
 * for it, and fewer and longer moves from the -wal into the file, in which the same pages come
 * again and again. */
static const char writer_settings[] = "PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint=4000";

enum dt_err
dt_relay_store_open(const struct dt_relay_store_config *config, struct dt_relay_store **out)
{
    struct dt_db_config db = {.path = config->path,
                              .app_id = STORE_APP_ID,
                              .version = STORE_VERSION,
                              .create = config->create,
                              .check_max = STORE_CHECK_MAX,
                              .migrate = migrate};
    struct dt_relay_store *s = dt_alloc(1, sizeof(*s));
    enum dt_err err;

    if (s == NULL)
        return dt_nomem();
    s->clock = config->clock.now_ms != NULL ? config->clock : dt_clock_system();
    if ((err = dt_db_open(&db, &s->w)) == DT_OK && (err = store_opening_prepare(s->w)) == DT_OK) {
        db.create = false;
        err = dt_db_open(&db, &s->r);
    }
    if (err == DT_OK)
        err = dt_db_exec(s->w, writer_settings);
    if (err != DT_OK) {
        dt_relay_store_close(s);
        return err;
    }
    *out = s;
    return DT_OK;
}

void
dt_relay_store_close(struct dt_relay_store *s)
{
    if (s == NULL)
        return;
    store_register_drop_all(s);
    tlog_tile_cache_free(s->tiles);
    dt_db_close(s->r);
    dt_db_close(s->w);
    dt_free(s);
}

enum dt_err
dt_relay_store_check_pages(const char *path)
{
    const struct dt_relay_store_config config = {.path = path};
    struct dt_relay_store *s = NULL;
    struct stat st;
    enum dt_err err = DT_OK;

    if (stat(path, &st) != 0)
        return dt_fail(DT_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    if ((uint64_t)st.st_size <= STORE_CHECK_MAX || (uint64_t)st.st_size > DT_DB_CHECK_MAX)
        return DT_OK;
    if ((err = dt_relay_store_open(&config, &s)) == DT_OK)
        err = dt_db_check(s->r);
    dt_relay_store_close(s);
    return err;
}

/* ---- jobs on queues ---- */

static enum dt_err
address_of(const uint8_t read_hash[static 32], const uint8_t write_hash[static 32],
           uint8_t address[static 32])
{
    uint8_t both[64];

    memcpy(both, read_hash, 32);
    memcpy(both + 32, write_hash, 32);
    return dt_label_hash("queue", dt_view_of(both), address);
}

/* Is the queue at ${address} there? */
static enum dt_err
queue_exists(struct dt_db *db, const uint8_t address[static 32], bool *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(db, "SELECT 1 FROM queue WHERE address = ?1", &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view(address, 32));
    return dt_stmt_step(st, out);
}

static enum dt_err
store_create(struct dt_relay_store *s, struct dt_relay_store_job *job)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *grant = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *count = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    uint64_t id = 0, n_max = 0, n = 0, cells_max = 0;
    uint8_t address[32];
    bool row = false, there = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w,
                             "SELECT id, queues_max, queues, queue_cells_max FROM grants"
                             " WHERE token_hash = ?1",
                             &grant)) != DT_OK)
        return err;
    dt_bind_blob(grant, 1, dt_view_of(job->u.create.token_hash));
    if ((err = dt_stmt_step(grant, &row)) != DT_OK)
        return err;
    if (!row) {
        job->result = DT_ERR_REFUSED;
        return DT_OK;
    }
    if ((err = dt_col_u64(grant, 0, INT64_MAX, &id)) != DT_OK ||
        (err = dt_col_u64(grant, 1, INT64_MAX, &n_max)) != DT_OK ||
        (err = dt_col_u64(grant, 2, INT64_MAX, &n)) != DT_OK ||
        (err = dt_col_u64(grant, 3, INT64_MAX, &cells_max)) != DT_OK ||
        (err = address_of(job->u.create.read_hash, job->u.create.write_hash, address)) != DT_OK ||
        (err = queue_exists(s->w, address, &there)) != DT_OK)
        return err;
    memcpy(job->u.create.address, address, sizeof(address));
    job->u.create.existed = there;
    job->result = DT_OK;
    if (there)
        return DT_OK;
    if (n >= n_max) {
        job->result = DT_ERR_LIMIT;
        return DT_OK;
    }
    if ((err = dt_db_prepare(
             s->w,
             "INSERT INTO queue(grant_id, address, read_hash, write_hash, cells_max, last,"
             " bytes) VALUES (?1, ?2, ?3, ?4, ?5, 0, 0)",
             &put)) != DT_OK)
        return err;
    dt_bind_u64(put, 1, id);
    dt_bind_blob(put, 2, dt_view_of(address));
    dt_bind_blob(put, 3, dt_view_of(job->u.create.read_hash));
    dt_bind_blob(put, 4, dt_view_of(job->u.create.write_hash));
    dt_bind_u64(put, 5, cells_max);
    if ((err = dt_stmt_run(put)) != DT_OK ||
        (err = dt_db_prepare(s->w, "UPDATE grants SET queues = queues + 1 WHERE id = ?1",
                             &count)) != DT_OK)
        return err;
    dt_bind_u64(count, 1, id);
    return dt_stmt_run(count);
}

static uint64_t
cell_id(int64_t queue, uint64_t position)
{
    return (uint64_t)queue << POSITION_BITS | position;
}

/* Was ${job}'s append id used in its queue already? Then its result is set. */
static enum dt_err
append_again(struct dt_relay_store *s, struct dt_relay_store_job *job, bool *out_again)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_view cell = {0};
    uint64_t position = 0;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w,
                             "SELECT a.position, c.cell FROM appended a JOIN cell c"
                             " ON c.id = (a.queue << 32 | a.position)"
                             " WHERE a.queue = ?1 AND a.append_id = ?2",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)job->u.append.queue);
    dt_bind_blob(st, 2, dt_view_of(job->u.append.append_id));
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    *out_again = row;
    if (!row)
        return DT_OK;
    if ((err = dt_col_u64(st, 0, UINT32_MAX, &position)) != DT_OK ||
        (err = dt_col_blob(st, 1, DT_CELL_MAX, &cell)) != DT_OK)
        return err;
    job->result = dt_view_equal(cell, job->u.append.cell) ? DT_OK : DT_ERR_CONFLICT;
    job->u.append.position = position;
    job->u.append.existed = true;
    return DT_OK;
}

/* Insert the cell at ${position}, and its append id. */
static enum dt_err
append_put(struct dt_relay_store *s, const struct dt_relay_store_job *job, uint64_t position)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *id = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *queue = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, "INSERT INTO cell(id, append_id, cell) VALUES (?1, ?2, ?3)",
                             &put)) != DT_OK ||
        (err = dt_db_prepare(s->w,
                             "INSERT INTO appended(queue, append_id, position) VALUES (?1, ?2, ?3)",
                             &id)) != DT_OK ||
        (err = dt_db_prepare(s->w, "UPDATE queue SET last = ?2, bytes = bytes + ?3 WHERE id = ?1",
                             &queue)) != DT_OK)
        return err;
    dt_bind_u64(put, 1, cell_id(job->u.append.queue, position));
    dt_bind_blob(put, 2, dt_view_of(job->u.append.append_id));
    dt_bind_blob(put, 3, job->u.append.cell);
    dt_bind_u64(id, 1, (uint64_t)job->u.append.queue);
    dt_bind_blob(id, 2, dt_view_of(job->u.append.append_id));
    dt_bind_u64(id, 3, position);
    dt_bind_u64(queue, 1, (uint64_t)job->u.append.queue);
    dt_bind_u64(queue, 2, position);
    dt_bind_u64(queue, 3, job->u.append.cell.n);
    if ((err = dt_stmt_run(put)) != DT_OK || (err = dt_stmt_run(id)) != DT_OK)
        return err;
    return dt_stmt_run(queue);
}

static enum dt_err
store_append(struct dt_relay_store *s, struct dt_relay_store_job *job)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t last = 0, cells_max = 0, bytes = 0;
    bool row = false, again = false;
    enum dt_err err;

    if ((err = append_again(s, job, &again)) != DT_OK || again)
        return err;
    if ((err = dt_db_prepare(s->w, "SELECT last, cells_max, bytes FROM queue WHERE id = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)job->u.append.queue);
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    if (!row) {
        job->result = DT_ERR_NOT_FOUND;
        return DT_OK;
    }
    if ((err = dt_col_u64(st, 0, UINT32_MAX, &last)) != DT_OK ||
        (err = dt_col_u64(st, 1, INT64_MAX, &cells_max)) != DT_OK ||
        (err = dt_col_u64(st, 2, INT64_MAX, &bytes)) != DT_OK)
        return err;
    if (last >= cells_max || last >= UINT32_MAX - 1 ||
        bytes + job->u.append.cell.n > DT_RELAY_QUEUE_BYTES_MAX) {
        job->result = DT_ERR_LIMIT;
        return DT_OK;
    }
    if ((err = append_put(s, job, last + 1)) != DT_OK)
        return err;
    job->u.append.position = last + 1;
    job->u.append.existed = false;
    job->result = DT_OK;
    return DT_OK;
}

/* ---- batches ---- */

static enum dt_err
run_one(struct dt_relay_store *s, struct dt_relay_store_job *job)
{
    switch (job->kind) {
    case DT_JOB_CREATE:
        return store_create(s, job);
    case DT_JOB_APPEND:
        return store_append(s, job);
    case DT_JOB_ENTRY:
        return store_entry(s, job);
    case DT_JOB_COSIGN:
        return store_cosign(s, job);
    case DT_JOB_OPENING:
        return store_opening(s, job);
    }
    return dt_fail(DT_ERR_INTERNAL, "a job of unknown kind");
}

enum dt_err
dt_relay_store_run(struct dt_relay_store *s, struct dt_relay_store_job *const *jobs, size_t n)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    enum dt_err err = dt_tx_begin(s->w, &tx);
    bool full;

    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = run_one(s, jobs[i]);
    if (err == DT_OK)
        err = store_register_seal(s);
    if (err == DT_OK)
        err = dt_tx_commit(&tx);
    if (err == DT_OK) {
        for (struct open_register *r = s->open; r != NULL; r = r->next) {
            r->size = tlog_edge_size(r->edge);
            r->dirty = false;
        }
        return DT_OK;
    }
    /* Nothing of the batch is in the store: nobody is told otherwise, and the edges start over. */
    full = dt_db_full(s->w);
    store_register_drop_dirty(s);
    for (size_t i = 0; i < n; i++) {
        jobs[i]->result = DT_ERR_STATE;
        jobs[i]->disk_full = full;
    }
    return err;
}

/* ---- reads of queues ---- */

enum dt_err
dt_relay_store_queue(struct dt_relay_store *s, const uint8_t address[static 32],
                     struct dt_relay_store_queue *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_relay_store_queue q = {0};
    uint64_t id = 0;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r,
                             "SELECT id, read_hash, write_hash, last, grant_id FROM queue"
                             " WHERE address = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view(address, 32));
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    if (!row)
        return dt_fail(DT_ERR_NOT_FOUND, "no such queue");
    if ((err = dt_col_u64(st, 0, INT32_MAX, &id)) != DT_OK ||
        (err = dt_col_fixed(st, 1, q.read_hash, sizeof(q.read_hash))) != DT_OK ||
        (err = dt_col_fixed(st, 2, q.write_hash, sizeof(q.write_hash))) != DT_OK ||
        (err = dt_col_u64(st, 3, UINT32_MAX, &q.last)) != DT_OK ||
        (err = dt_col_u64(st, 4, INT64_MAX, &q.grant)) != DT_OK)
        return err;
    q.id = (int64_t)id;
    *out = q;
    return DT_OK;
}

enum dt_err
dt_relay_store_items(struct dt_relay_store *s, int64_t queue, uint64_t after, uint64_t max,
                     size_t max_bytes, struct dt_writer *w)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    size_t bytes = 0;
    uint64_t n = 0;
    enum dt_err err;

    if (after >= UINT32_MAX || max == 0)
        return DT_OK;
    if ((err = dt_db_prepare(s->r,
                             "SELECT id, append_id, cell FROM cell WHERE id > ?1 AND id <= ?2"
                             " ORDER BY id LIMIT ?3",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, cell_id(queue, after));
    dt_bind_u64(st, 2, cell_id(queue, UINT32_MAX));
    dt_bind_u64(st, 3, max);
    for (;;) {
        struct dt_view append_id = {0}, cell = {0};
        uint64_t id = 0;
        bool row = false;

        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            return err;
        if ((err = dt_col_u64(st, 0, INT64_MAX, &id)) != DT_OK ||
            (err = dt_col_blob(st, 1, DT_RELAY_APPEND_ID, &append_id)) != DT_OK ||
            (err = dt_col_blob(st, 2, DT_CELL_MAX, &cell)) != DT_OK)
            return err;
        n++;
        if (id != cell_id(queue, after + n))
            return dt_fail(DT_ERR_FORMAT, "the store has a gap in a queue");
        bytes += 32 + cell.n;
        if (n > 1 && bytes > max_bytes)
            return DT_OK;
        dt_write_u64(w, after + n);
        dt_write_view(w, append_id);
        dt_write_vec(w, cell);
    }
}
