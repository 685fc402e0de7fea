/*
 * relay/store/migrate.c - see migrate.h. Layer: relay.
 *
 * What tables there are, of which columns and with which keys, is read from an empty store that is
 * made for that: a column that a later version adds is copied without a word here. Rows go over in
 * the order of their keys, many in a transaction, and the copy says itself how far it is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wire.h"
#include "crypto/crypto.h"
#include "pg/pg.h"
#include "relay/store/internal.h"
#include "relay/store/lock.h"

#include "relay/store/migrate.h"

#define COLUMNS_MAX  24u
#define ROWS_AT_ONCE 64u /* of an answer: of the largest cells it has 32 MiB */
#define TX_ROWS      20000u
#define TX_BYTES     (16u << 20)
#define ROW_MAX      (1u << 20) /* the longest row, as bytes */
#define VALUE_MAX    (1u << 20)

struct column {
    char name[DT_RELAY_TABLE_NAME];
    char type; /* I, B or T, as SQLite's names begin */
    int key;   /* place in the primary key, from 1; 0: none */
};

struct table {
    char name[DT_RELAY_TABLE_NAME];
    struct column columns[COLUMNS_MAX];
    size_t n_columns, n_keys;
    size_t keys[COLUMNS_MAX]; /* which columns, in order */
    bool draws_ids;           /* its key is a number that the database draws */
    char read[2048], first[2048], last[2048], put[2048]; /* SQL */
};

struct shape {
    struct table tables[DT_RELAY_TABLES_MAX];
    size_t n;
};

/* ---- the shape of a store ---- */

static enum dt_err
read_name(struct dt_stmt *st, int i, char out[static DT_RELAY_TABLE_NAME])
{
    struct dt_view v = {0};
    enum dt_err err = dt_col_text(st, i, DT_RELAY_TABLE_NAME - 1, &v);

    if (err == DT_OK)
        (void)snprintf(out, DT_RELAY_TABLE_NAME, "%.*s", (int)v.n, (const char *)v.p);
    return err;
}

static enum dt_err
read_columns(struct dt_db *db, struct table *t)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err =
        dt_db_prepare(db, "SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid", &st);

    if (err == DT_OK)
        dt_bind_text(st, 1, dt_view_str(t->name));
    while (err == DT_OK) {
        struct column *c = &t->columns[t->n_columns];
        struct dt_view type = {0};
        uint64_t key = 0;
        bool row = false;

        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            break;
        if (t->n_columns == COLUMNS_MAX)
            return dt_fail(DT_ERR_INTERNAL, "a table has too many columns");
        if ((err = read_name(st, 0, c->name)) != DT_OK ||
            (err = dt_col_text(st, 1, 16, &type)) != DT_OK ||
            (err = dt_col_u64(st, 2, COLUMNS_MAX, &key)) != DT_OK)
            return err;
        c->type = (char)(type.n > 0 ? type.p[0] : 0);
        c->key = (int)key;
        if (key > 0) {
            t->keys[key - 1] = t->n_columns;
            t->n_keys++;
        }
        t->n_columns++;
    }
    t->draws_ids = t->n_keys == 1 && strcmp(t->columns[t->keys[0]].name, "id") == 0;
    return err;
}

/* "a, b, c" of the columns, or of the keys; with ${end} after each. */
static void
list(const struct table *t, bool keys, const char *end, char *out, size_t out_len)
{
    size_t n = keys ? t->n_keys : t->n_columns, at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < n && at < out_len; i++)
        at += (size_t)snprintf(out + at, out_len - at, "%s%s%s", i > 0 ? ", " : "",
                               t->columns[keys ? t->keys[i] : i].name, end);
}

static void
parameters(size_t n, char *out, size_t out_len)
{
    size_t at = 0;

    for (size_t i = 0; i < n && at < out_len; i++)
        at += (size_t)snprintf(out + at, out_len - at, "%s?%zu", i > 0 ? ", " : "", i + 1);
}

/* The texts of SQL, of names that stand in the program's own schema. */
static void
write_sql(struct table *t)
{
    char columns[800], keys[400], down[400], numbers[200], name[DT_RELAY_TABLE_NAME];

    memcpy(name, t->name, sizeof(name));
    list(t, false, "", columns, sizeof(columns));
    list(t, true, "", keys, sizeof(keys));
    list(t, true, " DESC", down, sizeof(down));
    parameters(t->n_keys, numbers, sizeof(numbers));
    (void)snprintf(t->first, sizeof(t->first), "SELECT %s FROM %s ORDER BY %s LIMIT %u", columns,
                   name, keys, ROWS_AT_ONCE);
    (void)snprintf(t->read, sizeof(t->read),
                   "SELECT %s FROM %s WHERE (%s) > (%s) ORDER BY %s LIMIT %u", columns, name, keys,
                   numbers, keys, ROWS_AT_ONCE);
    (void)snprintf(t->last, sizeof(t->last), "SELECT %s FROM %s ORDER BY %s LIMIT 1", columns, name,
                   down);
    parameters(t->n_columns, numbers, sizeof(numbers));
    (void)snprintf(t->put, sizeof(t->put), "INSERT INTO %s(%s) VALUES (%s)", name, columns,
                   numbers);
}

static enum dt_err
read_tables(struct dt_db *db, struct shape *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    /* In the order in which they were made, so that what refers to another table comes later. */
    if ((err = dt_db_prepare(db,
                             "SELECT name FROM sqlite_master WHERE type = 'table'"
                             " AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
                             &st)) != DT_OK)
        return err;
    for (;;) {
        struct table *t = &out->tables[out->n];
        bool row = false;

        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            return err;
        if (out->n == DT_RELAY_TABLES_MAX)
            return dt_fail(DT_ERR_INTERNAL, "a store has too many tables");
        if ((err = read_name(st, 0, t->name)) != DT_OK || (err = read_columns(db, t)) != DT_OK)
            return err;
        if (t->n_keys == 0)
            return dt_fail(DT_ERR_INTERNAL, "%s: a table without a key", t->name);
        write_sql(t);
        out->n++;
    }
}

static enum dt_err
read_shape(struct shape *out)
{
    char dir[] = "/tmp/detente-shape-XXXXXX", path[64], beside[80];
    struct dt_relay_store_config config = {.path = path, .create = true};
    static const char *const ends[] = {"", "-wal", "-shm"};
    struct dt_relay_store *s = NULL;
    enum dt_err err;

    if (mkdtemp(dir) == NULL)
        return dt_fail(DT_ERR_IO, "%s: cannot create: %s", dir, strerror(errno));
    (void)snprintf(path, sizeof(path), "%s/empty.db", dir);
    if ((err = dt_relay_store_open(&config, &s)) == DT_OK)
        err = read_tables(s->r, out);
    dt_relay_store_close(s);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(beside, sizeof(beside), "%s%s", path, ends[i]);
        (void)unlink(beside); /* mostly not there */
    }
    (void)rmdir(dir);
    return err;
}

/* ---- the mark of a copy that is not complete ---- */

static enum dt_err
is_marked(struct dt_db *db, bool *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(db,
                             dt_db_shared(db)
                                 ? "SELECT 1 FROM information_schema.tables WHERE table_name ="
                                   " 'migrating' AND table_schema = current_schema()"
                                 : "SELECT 1 FROM sqlite_master WHERE name = 'migrating'",
                             &st)) != DT_OK)
        return err;
    return dt_stmt_step(st, out);
}

enum dt_err
store_whole(struct dt_db *db)
{
    bool marked = false;
    enum dt_err err = is_marked(db, &marked);

    if (err == DT_OK && marked)
        err = dt_fail(DT_ERR_STATE, "%s: is a copy that was not finished; run the migration again",
                      dt_db_path(db));
    return err;
}

/* ---- rows ---- */

/* Column ${i} of ${from}'s row: bound to ${to} as parameter ${parameter} (0: not), and appended to
 * ${bytes} with its type and length. */
static enum dt_err
take_value(struct dt_stmt *from, const struct column *c, int i, struct dt_stmt *to, int parameter,
           struct dt_writer *w)
{
    struct dt_view v = {0};
    uint64_t x = 0;
    enum dt_err err = DT_OK;

    if (dt_col_is_null(from, i)) {
        dt_write_u8(w, 'N');
        if (to != NULL && parameter > 0)
            dt_bind_null(to, parameter);
        return DT_OK;
    }
    dt_write_u8(w, (uint8_t)c->type);
    if (c->type == 'I') {
        if ((err = dt_col_u64(from, i, INT64_MAX, &x)) != DT_OK)
            return err;
        dt_write_u64(w, x);
        if (to != NULL && parameter > 0)
            dt_bind_u64(to, parameter, x);
        return DT_OK;
    }
    err =
        c->type == 'B' ? dt_col_blob(from, i, VALUE_MAX, &v) : dt_col_text(from, i, VALUE_MAX, &v);
    if (err != DT_OK)
        return err;
    dt_write_u32(w, (uint32_t)v.n);
    dt_write_view(w, v);
    if (to != NULL && parameter > 0 && c->type == 'B')
        dt_bind_blob(to, parameter, v);
    if (to != NULL && parameter > 0 && c->type == 'T')
        dt_bind_text(to, parameter, v);
    return DT_OK;
}

/* A walk over a table in the order of its key. */
struct walk {
    struct dt_db *db;
    const struct table *table;
    struct dt_stmt *rows; /* the present answer */
    struct dt_stmt *next; /* the next question, bound to the present row's key */
    bool begun;           /* ${next} is bound */
    uint64_t n;           /* rows so far */
    unsigned int n_answer;
    struct dt_buf bytes; /* the present row */
};

static void
walk_end(struct walk *w)
{
    dt_stmt_done(&w->rows);
    dt_stmt_done(&w->next);
    dt_buf_clear(&w->bytes);
}

/* The next row; its bytes are in ${w}, and it is bound to ${put} where that is not NULL. */
static enum dt_err
walk_step(struct walk *w, struct dt_stmt *put, bool *out_row)
{
    const struct table *t = w->table;
    struct dt_writer out;
    bool row = false;
    enum dt_err err = DT_OK;

    if (w->rows != NULL && (err = dt_stmt_step(w->rows, &row)) != DT_OK)
        return err;
    if (!row && (w->rows == NULL || w->n_answer == ROWS_AT_ONCE)) {
        dt_stmt_done(&w->rows);
        w->n_answer = 0;
        if (w->begun) {
            w->rows = w->next;
            w->next = NULL;
        } else if ((err = dt_db_prepare(w->db, t->first, &w->rows)) != DT_OK) {
            return err;
        }
        if ((err = dt_stmt_step(w->rows, &row)) != DT_OK)
            return err;
    }
    *out_row = row;
    if (!row)
        return DT_OK;
    w->n_answer++;
    w->n++;
    if (w->next == NULL && (err = dt_db_prepare(w->db, t->read, &w->next)) != DT_OK)
        return err;
    dt_stmt_reset(w->next);
    w->begun = true;
    w->bytes.n = 0;
    out = dt_writer_init(&w->bytes);
    for (size_t i = 0; i < t->n_columns; i++)
        if ((err = take_value(w->rows, &t->columns[i], (int)i, put, (int)i + 1, &out)) != DT_OK)
            return err;
    for (size_t i = 0; i < t->n_keys; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(ROW_MAX);
        struct dt_writer ignored = dt_writer_init(&again);

        if ((err = take_value(w->rows, &t->columns[t->keys[i]], (int)t->keys[i], w->next,
                              (int)i + 1, &ignored)) != DT_OK)
            return err;
    }
    return dt_writer_end(&out);
}

/* Begin ${w} behind the last row that ${db}'s own table has. */
static enum dt_err
walk_behind(struct walk *w, struct dt_db *copy)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(ROW_MAX);
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *last = NULL;
    struct dt_writer ignored = dt_writer_init(&bytes);
    const struct table *t = w->table;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(copy, t->last, &last)) != DT_OK ||
        (err = dt_stmt_step(last, &row)) != DT_OK || !row)
        return err;
    if ((err = dt_db_prepare(w->db, t->read, &w->next)) != DT_OK)
        return err;
    for (size_t i = 0; i < t->n_keys; i++)
        if ((err = take_value(last, &t->columns[t->keys[i]], (int)t->keys[i], w->next, (int)i + 1,
                              &ignored)) != DT_OK)
            return err;
    w->begun = true;
    return DT_OK;
}

/* ---- copying ---- */

struct migration {
    struct dt_relay_store *from, *to;
    struct shape *shape;
    dt_relay_migrate_fn progress;
    void *ctx;
    uint64_t done; /* rows of this table */
};

static void
tell(const struct migration *m, const struct table *t, bool comparing, uint64_t rows)
{
    if (m->progress != NULL)
        m->progress(m->ctx, t->name, comparing, rows);
}

/* One transaction's worth of rows. *${out_more}: there may be others. */
static enum dt_err
copy_some(struct migration *m, struct walk *w, bool *out_more)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    size_t rows = 0, bytes = 0;
    bool row = true;
    enum dt_err err;

    if ((err = dt_tx_begin(m->to->w, &tx)) != DT_OK)
        return err;
    while (row && rows < TX_ROWS && bytes < TX_BYTES) {
        DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;

        if ((err = dt_db_prepare(m->to->w, w->table->put, &put)) != DT_OK ||
            (err = walk_step(w, put, &row)) != DT_OK)
            return err;
        if (row && (err = dt_stmt_run(put)) != DT_OK)
            return err;
        rows += row;
        bytes += row ? w->bytes.n : 0;
    }
    *out_more = row;
    return dt_tx_commit(&tx);
}

static enum dt_err
copy_table(struct migration *m, const struct table *t)
{
    DT_CLEANUP(walk_end)
    struct walk w = {.db = m->from->r, .table = t, .bytes = DT_BUF_INIT(ROW_MAX)};
    bool more = true;
    enum dt_err err = walk_behind(&w, m->to->w);

    while (err == DT_OK && more) {
        err = copy_some(m, &w, &more);
        tell(m, t, false, w.n);
    }
    return err;
}

/* ---- comparing ---- */

/* A chain over all rows. */
static enum dt_err
chain(uint8_t hash[static 32], const struct dt_buf *row)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX + 32);
    enum dt_err err;

    if ((err = dt_buf_append(&b, dt_view(hash, 32))) != DT_OK ||
        (err = dt_buf_append(&b, dt_buf_view(row))) != DT_OK)
        return err;
    return dt_sha256(dt_buf_view(&b), hash);
}

static enum dt_err
hash_table(struct migration *m, struct dt_db *db, const struct table *t, uint8_t hash[static 32],
           uint64_t *out_rows)
{
    DT_CLEANUP(walk_end)
    struct walk w = {.db = db, .table = t, .bytes = DT_BUF_INIT(ROW_MAX)};
    bool row = true;
    enum dt_err err = DT_OK;

    memset(hash, 0, 32);
    while (err == DT_OK && row) {
        if ((err = walk_step(&w, NULL, &row)) == DT_OK && row)
            err = chain(hash, &w.bytes);
        if (w.n % TX_ROWS == 0)
            tell(m, t, true, w.n);
    }
    *out_rows = w.n;
    return err;
}

static enum dt_err
compare_table(struct migration *m, const struct table *t, struct dt_relay_migrated *out)
{
    uint8_t theirs[32], ours[32];
    uint64_t n_theirs = 0, n_ours = 0;
    size_t at = out->n_tables;
    enum dt_err err;

    if ((err = hash_table(m, m->from->r, t, theirs, &n_theirs)) != DT_OK ||
        (err = hash_table(m, m->to->r, t, ours, &n_ours)) != DT_OK)
        return err;
    if (n_theirs != n_ours || memcmp(theirs, ours, 32) != 0)
        return dt_fail(DT_ERR_CONFLICT,
                       "%s: the copy differs from the store that it was made of, which was written "
                       "to meanwhile",
                       t->name);
    (void)snprintf(out->tables[at].name, sizeof(out->tables[at].name), "%s", t->name);
    out->tables[at].rows = n_ours;
    memcpy(out->tables[at].hash, ours, 32);
    out->n_tables++;
    return DT_OK;
}

/* ---- all of it ---- */

static enum dt_err
is_empty(struct dt_db *db, const struct shape *shape, bool *out)
{
    enum dt_err err;

    *out = true;
    for (size_t i = 0; i < shape->n; i++) {
        DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
        bool row = false;

        if ((err = dt_db_prepare(db, shape->tables[i].last, &st)) != DT_OK ||
            (err = dt_stmt_step(st, &row)) != DT_OK)
            return err;
        *out = *out && !row;
    }
    return DT_OK;
}

/* ${to} gets its mark, or has it from before. *${out_full}: it has none, and has rows. */
static enum dt_err
begin(struct migration *m, bool *out_full)
{
    bool marked = false, empty = false;
    enum dt_err err;

    *out_full = false;
    if ((err = is_marked(m->to->w, &marked)) != DT_OK || marked)
        return err;
    if ((err = is_empty(m->to->w, m->shape, &empty)) != DT_OK)
        return err;
    *out_full = !empty;
    return empty ? dt_db_exec(m->to->w, "CREATE TABLE migrating(id INTEGER PRIMARY KEY)") : DT_OK;
}

static enum dt_err
finish(struct migration *m)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    enum dt_err err = dt_tx_begin(m->to->w, &tx);

    for (size_t i = 0; err == DT_OK && dt_db_shared(m->to->w) && i < m->shape->n; i++)
        if (m->shape->tables[i].draws_ids)
            err = dt_pg_ids_follow(m->to->w, m->shape->tables[i].name);
    if (err == DT_OK)
        err = dt_db_exec(m->to->w, "DROP TABLE migrating");
    return err == DT_OK ? dt_tx_commit(&tx) : err;
}

static enum dt_err
migrate(struct migration *m, struct dt_relay_migrated *out)
{
    bool full = false;
    enum dt_err err = begin(m, &full);

    /* Who was killed behind the commit of the last step and asks again has his copy. */
    for (size_t i = 0; err == DT_OK && !full && i < m->shape->n; i++)
        err = copy_table(m, &m->shape->tables[i]);
    for (size_t i = 0; err == DT_OK && i < m->shape->n; i++)
        err = compare_table(m, &m->shape->tables[i], out);
    if (full && err == DT_ERR_CONFLICT)
        return dt_fail(DT_ERR_EXISTS, "%s: there is something else in it", dt_db_path(m->to->w));
    if (err == DT_OK)
        err = dt_relay_store_check(m->to, &out->n_registers);
    return err == DT_OK && !full ? finish(m) : err;
}

enum dt_err
dt_relay_store_migrate(const char *from, const char *to, dt_relay_migrate_fn progress, void *ctx,
                       struct dt_relay_migrated *out)
{
    struct dt_relay_store_config source = {.path = from};
    struct dt_relay_store_config target = {.path = to, .create = true, .unfinished = true};
    struct migration m = {.progress = progress, .ctx = ctx};
    int locks[2] = {-1, -1};
    enum dt_err err;

    memset(out, 0, sizeof(*out));
    if ((m.shape = dt_alloc(1, sizeof(*m.shape))) == NULL)
        return dt_nomem();
    if ((err = read_shape(m.shape)) == DT_OK && !dt_pg_is_url(from))
        err = relay_lock(from, &locks[0]);
    if (err == DT_OK && !dt_pg_is_url(to))
        err = relay_lock(to, &locks[1]);
    if (err == DT_OK && (err = dt_relay_store_open(&source, &m.from)) == DT_OK &&
        (err = dt_relay_store_open(&target, &m.to)) == DT_OK)
        err = migrate(&m, out);
    dt_relay_store_close(m.to);
    dt_relay_store_close(m.from);
    relay_unlock(locks[1]);
    relay_unlock(locks[0]);
    dt_free(m.shape);
    return err;
}
