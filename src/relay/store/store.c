/*
 * relay/store/store.c - the store in one SQLite file or one PostgreSQL database: opening, batches,
 * queues. See store.h.
 *
 * Layer: relay.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wire.h"
#include "crypto/crypto.h"
#include "pg/pg.h"

#include "relay/store/internal.h"

#define STORE_APP_ID  0x64745201u /* "dtR" and 1 */
#define STORE_VERSION 4u

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

/* What a grant may use and uses; how long cells are kept; what is remembered of those that are not
 * kept any more; how far readers have read. Of a grant and a queue 0 is "no such limit", as it was
 * before. */
#define BOUNDS                                                                                     \
    "ALTER TABLE grants ADD COLUMN bytes_max INTEGER NOT NULL DEFAULT 0;"                          \
    "ALTER TABLE grants ADD COLUMN cells_max INTEGER NOT NULL DEFAULT 0;"                          \
    "ALTER TABLE grants ADD COLUMN rate INTEGER NOT NULL DEFAULT 0;"                               \
    "ALTER TABLE grants ADD COLUMN burst INTEGER NOT NULL DEFAULT 0;"                              \
    "ALTER TABLE grants ADD COLUMN polls_max INTEGER NOT NULL DEFAULT 0;"                          \
    "ALTER TABLE grants ADD COLUMN keep_s INTEGER NOT NULL DEFAULT 0;"                             \
    "ALTER TABLE grants ADD COLUMN keep_unread_s INTEGER NOT NULL DEFAULT 0;"                      \
    "ALTER TABLE grants ADD COLUMN keep_cells INTEGER NOT NULL DEFAULT 0;"                         \
    "ALTER TABLE grants ADD COLUMN keep_since_s INTEGER NOT NULL DEFAULT 0;"                       \
    "ALTER TABLE grants ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"                              \
    "ALTER TABLE grants ADD COLUMN cells INTEGER NOT NULL DEFAULT 0;"                              \
    "ALTER TABLE queue ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;"                             \
    "ALTER TABLE queue ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;"                           \
    "ALTER TABLE cell ADD COLUMN served_s INTEGER NOT NULL DEFAULT 0;"                             \
    "CREATE TABLE gone(queue INTEGER NOT NULL, position INTEGER NOT NULL, append_id BLOB NOT "     \
    "NULL, hash BLOB NOT NULL, served_s INTEGER NOT NULL, PRIMARY KEY(queue, position)) STRICT, "  \
    "WITHOUT ROWID;"                                                                               \
    "CREATE TABLE reader(queue INTEGER NOT NULL, hash BLOB NOT NULL, position INTEGER NOT NULL,"   \
    " PRIMARY KEY(queue, hash)) STRICT, WITHOUT ROWID;"                                            \
    "CREATE TABLE served(one INTEGER PRIMARY KEY, total_ms INTEGER NOT NULL,"                      \
    " wall_ms INTEGER NOT NULL) STRICT;"

/* Sums of what was there before they were kept. */
#define SUMS                                                                                       \
    "UPDATE grants SET bytes = (SELECT coalesce(sum(q.bytes), 0) FROM queue q"                     \
    " WHERE q.grant_id = grants.id), cells = (SELECT coalesce(sum(q.last), 0) FROM queue q"        \
    " WHERE q.grant_id = grants.id);"

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
    "CREATE INDEX cosignature_by ON cosignature(register, key_id, size);" CADENCE BOUNDS;

/* ---- open and close ---- */

static enum dt_err
migrate(struct dt_db *db, uint32_t from, void *ctx)
{
    enum dt_err err;

    (void)ctx;
    if (from == 0)
        return (err = dt_db_exec(db, schema)) != DT_OK || (err = store_opening_prepare(db)) != DT_OK
                   ? err
                   : store_operate_prepare(db);
    /* Version 1 had an index over whole entries, and no read keys. */
    if (from == 1 &&
        ((err = dt_db_exec(db, SEEN "ALTER TABLE register ADD COLUMN read_hash BLOB")) != DT_OK ||
         (err = store_seen_fill(db)) != DT_OK ||
         (err = dt_db_exec(db, "DROP INDEX entry_once")) != DT_OK))
        return err;
    /* Nor had version 2 cadences, nor version 3 bounds of a grant as a whole. */
    if (from < 3 && (err = dt_db_exec(db, CADENCE)) != DT_OK)
        return err;
    return dt_db_exec(db, BOUNDS SUMS);
}

/* The writer alone meets all of the index of what is held, page by page and at random: some memory
 * for it, and fewer and longer moves from the -wal into the file, in which the same pages come
 * again and again. */
#define READ_MS  3000u  /* the longest wait for one answer of a database, in the thread of HTTP */
#define WRITE_MS 10000u /* and in the writer's */

/* A database that other processes use too: the rest of it is its administrator's. */
static enum dt_err
open_shared(const struct dt_relay_store_config *config, struct dt_db_config *db,
            struct dt_relay_store *s)
{
    enum dt_err err;

    if (!config->read_only) {
        db->busy_ms = WRITE_MS;
        if ((err = dt_pg_open(db, &s->w)) != DT_OK)
            return err;
    }
    db->create = false;
    db->busy_ms = READ_MS;
    return dt_pg_open(db, &s->r);
}

static const char writer_settings[] = "PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint=4000";

enum dt_err
dt_relay_store_open(const struct dt_relay_store_config *config, struct dt_relay_store **out)
{
    struct dt_db_config db = {.path = config->path,
                              .app_id = STORE_APP_ID,
                              .version = STORE_VERSION,
                              .create = config->create,
                              .check_max = STORE_CHECK_MAX,
                              .single_file = config->carried ||
                                             (!config->create && dt_db_is_single(config->path)),
                              .migrate = migrate};
    struct dt_relay_store *s = dt_alloc(1, sizeof(*s));
    enum dt_err err;

    if (s == NULL)
        return dt_nomem();
    s->reserve = config->reserve;
    s->ids_kept_s = config->ids_kept_s != 0 ? config->ids_kept_s : DT_RELAY_IDS_KEPT_S;
    s->signer = config->signer;
    if ((s->path = dt_strndup(config->path, strlen(config->path))) == NULL ||
        (config->sealing_key != NULL &&
         (s->sealing_key = dt_strndup(config->sealing_key, strlen(config->sealing_key))) == NULL)) {
        dt_relay_store_close(s);
        return dt_nomem();
    }
    s->clock = config->clock.now_ms != NULL ? config->clock : dt_clock_system();
    s->carried = db.single_file;
    if (dt_pg_is_url(config->path)) {
        err = open_shared(config, &db, s);
    } else if ((err = dt_db_open(&db, &s->w)) == DT_OK &&
               (err = store_opening_prepare(s->w)) == DT_OK &&
               (err = store_operate_prepare(s->w)) == DT_OK) {
        db.create = false;
        if (!s->carried)
            err = dt_db_open(&db, &s->r);
        else if ((err = store_carried_prepare(s->w)) == DT_OK)
            s->r = s->w; /* one thread, one connection: without a -wal two would lock each other */
        if (err == DT_OK && !s->carried)
            err = dt_db_exec(s->w, writer_settings);
    }
    if (err == DT_OK && !config->unfinished)
        err = store_whole(s->r);
    if (err != DT_OK) {
        dt_relay_store_close(s);
        return err;
    }
    *out = s;
    return DT_OK;
}

enum dt_err
store_open_file(const char *path, struct dt_db **out)
{
    const struct dt_db_config db = {.path = path,
                                    .app_id = STORE_APP_ID,
                                    .version = STORE_VERSION,
                                    .check_max = STORE_CHECK_MAX,
                                    .migrate = migrate};

    return dt_db_open(&db, out);
}

void
dt_relay_store_close(struct dt_relay_store *s)
{
    if (s == NULL)
        return;
    store_mover_stop(s->mover, s->unsynced);
    if (s->unsynced) {
        dt_db_leave_wal(s->r);
        dt_db_leave_wal(s->w);
    }
    store_register_drop_all(s);
    store_batch_end(s);
    store_use_free(s);
    store_ids_free(s);
    relay_signer_free(s->own_signer);
    dt_free(s->path);
    dt_free(s->sealing_key);
    tlog_tile_cache_free(s->tiles);
    dt_free(s->queues);
    if (s->r != s->w)
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

    if (dt_pg_is_url(path))
        return DT_OK;
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

enum dt_err
store_ask_grant(struct dt_relay_store *s, const struct dt_relay_store_job *job,
                struct dt_stmt **out)
{
    enum dt_err err = dt_db_prepare(s->w,
                                    "SELECT id, queues_max, queues, queue_cells_max FROM grants"
                                    " WHERE token_hash = ?1 FOR UPDATE",
                                    out);

    if (err == DT_OK)
        dt_bind_blob(*out, 1, dt_view_of(job->u.create.token_hash));
    return err;
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

    if ((err = store_ask_grant(s, job, &grant)) != DT_OK ||
        (err = dt_stmt_step(grant, &row)) != DT_OK)
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
        job->bound = DT_BOUND_QUEUES;
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
    case DT_JOB_SERVED:
        return store_served(s, job);
    case DT_JOB_ACK:
        return store_ack(s, job);
    case DT_JOB_EXPIRE:
        return store_expire(s, job);
    }
    return dt_fail(DT_ERR_INTERNAL, "a job of unknown kind");
}

/* Does ${job} store what is to wait when little of the disk is left? What keeps a register going
 * does not, nor what gives room. */
static bool
grows(const struct dt_relay_store_job *job)
{
    return job->kind == DT_JOB_CREATE || job->kind == DT_JOB_APPEND || job->kind == DT_JOB_OPENING;
}

static enum dt_err
run_batch(struct dt_relay_store *s, struct dt_relay_store_job *const *jobs, size_t n)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    enum dt_err err = dt_tx_begin(s->w, &tx);
    bool low = store_space_low(s);

    if (err == DT_OK)
        err = store_batch_begin(s, jobs, n);
    if (err == DT_OK)
        err = store_served_begin(s);
    for (size_t i = 0; err == DT_OK && i < n; i++) {
        jobs[i]->bound = DT_BOUND_NONE;
        jobs[i]->disk_full = low && grows(jobs[i]);
        if (jobs[i]->disk_full)
            jobs[i]->result = DT_ERR_STATE;
        else
            err = run_one(s, jobs[i]);
    }
    if (err == DT_OK)
        err = store_append_end(s);
    if (err == DT_OK)
        err = store_batch_write(s);
    if (err == DT_OK)
        err = store_register_seal(s);
    if (err == DT_OK && s->carried)
        err = store_carried_put(s->w);
    if (err == DT_OK)
        err = store_use_put(s);
    return err == DT_OK ? dt_tx_commit(&tx) : err;
}

#define AGAIN_TRIES  8
#define AGAIN_MIN_US 20000u
#define AGAIN_MAX_US 500000u
#define WARY         64u /* batches after one that found an append id there */

/*
 * A batch that another process's broke, or whose connection was lost, is run again. Nobody knows
 * whether the commit of the latter came to pass; running it again finds out, for each job finds
 * what it stored the first time: an append id, a seal, an address, a name. One whose append ids
 * were taken to be new, which is not looked at over a network, is run again if one was not (ids.c).
 */
static enum dt_err
run_until(struct dt_relay_store *s, struct dt_relay_store_job *const *jobs, size_t n)
{
    useconds_t pause = AGAIN_MIN_US;
    enum dt_err err = DT_OK;

    s->batch.again = false;
    s->batch.look = s->batch.wary > 0;
    s->batch.wary -= s->batch.look;
    for (int i = 0; i < AGAIN_TRIES; i++) {
        bool there;

        err = run_batch(s, jobs, n);
        store_append_forget(s);
        store_use_forget(s);
        store_batch_end(s);
        there = err == DT_ERR_EXISTS && dt_db_shared(s->w) && !s->batch.look;
        if (err == DT_OK || (!there && !dt_db_again(s->w)))
            return err;
        store_register_drop_dirty(s);
        s->batch.look = true;
        if (there) {
            s->batch.wary = WARY;
            continue;
        }
        s->batch.again = true;
        (void)usleep(pause);
        pause = pause > AGAIN_MAX_US / 2 ? AGAIN_MAX_US : 2 * pause;
    }
    return err;
}

static enum dt_err
refuse_unsynced(const struct dt_relay_store *s)
{
    return dt_fail(DT_ERR_IO, "%s: a sync failed: nothing more is written before it is opened anew",
                   s->path);
}

enum dt_err
dt_relay_store_run(struct dt_relay_store *s, struct dt_relay_store_job *const *jobs, size_t n)
{
    enum dt_err err = s->unsynced ? refuse_unsynced(s) : run_until(s, jobs, n);
    bool full;

    if (err == DT_OK) {
        dt_ignore(store_register_confirm(s),
                  "what is in the store is so; a signer that could not write it down signs nothing "
                  "more before it has, and the relay ends with one that is gone");
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
        if (jobs[i]->kind == DT_JOB_APPEND)
            jobs[i]->u.append.n_taken = jobs[i]->u.append.n_new = 0;
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
                             "SELECT id, read_hash, write_hash, last, grant_id, expired FROM queue"
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
        (err = dt_col_u64(st, 4, INT64_MAX, &q.grant)) != DT_OK ||
        (err = dt_col_u64(st, 5, q.last, &q.expired)) != DT_OK)
        return err;
    q.id = (int64_t)id;
    *out = q;
    return DT_OK;
}

/*
 * The position up to which the cells after ${after} fit into ${max_bytes}: an answer over a network
 * comes whole, and is not to be larger than what is used of it.
 */
static enum dt_err
items_end(struct dt_relay_store *s, int64_t queue, uint64_t after, uint64_t max, size_t max_bytes,
          uint64_t *out_end)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t bytes = 0, end = after;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r,
                             "SELECT length(cell) FROM cell WHERE id > ?1 AND id <= ?2"
                             " ORDER BY id LIMIT ?3",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, store_cell_id(queue, after));
    dt_bind_u64(st, 2, store_cell_id(queue, UINT32_MAX));
    dt_bind_u64(st, 3, max);
    for (;;) {
        uint64_t len = 0;
        bool row = false;

        if ((err = dt_stmt_step(st, &row)) != DT_OK ||
            (row && (err = dt_col_u64(st, 0, DT_CELL_MAX, &len)) != DT_OK))
            return err;
        bytes += 32 + len;
        if (!row || (end > after && bytes > max_bytes))
            break;
        end++;
    }
    *out_end = end;
    return DT_OK;
}

enum dt_err
dt_relay_store_items(struct dt_relay_store *s, int64_t queue, uint64_t after, uint64_t max,
                     size_t max_bytes, struct dt_writer *w)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t n = 0, end = UINT32_MAX;
    size_t bytes = 0;
    enum dt_err err;

    if (after >= UINT32_MAX || max == 0)
        return DT_OK;
    if (dt_db_shared(s->r) && (err = items_end(s, queue, after, max, max_bytes, &end)) != DT_OK)
        return err;
    if ((err = dt_db_prepare(s->r,
                             "SELECT id, append_id, cell FROM cell WHERE id > ?1 AND id <= ?2"
                             " ORDER BY id LIMIT ?3",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, store_cell_id(queue, after));
    dt_bind_u64(st, 2, store_cell_id(queue, end));
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
        if (id != store_cell_id(queue, after + n))
            return dt_fail(DT_ERR_FORMAT, "the store has a gap in a queue");
        bytes += 32 + cell.n;
        if (n > 1 && bytes > max_bytes)
            return DT_OK;
        dt_write_u64(w, after + n);
        dt_write_view(w, append_id);
        dt_write_vec(w, cell);
    }
}
