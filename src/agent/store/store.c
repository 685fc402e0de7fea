/*
 * agent/store/store.c - see store.h and walk.h: transactions and sealed rows.
 *
 * Source: docs/protocol-agent.md "Store".
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/store/internal.h"
#include "agent/store/walk.h"

#define NAME_LEN  DT_SHA256
#define TABLE_MAX 64u
#define GROUP_KEY 32u

/* ---- transactions ---- */

enum dt_err
dt_store_begin(struct dt_store *s)
{
    enum dt_err err;

    if (s->depth > 0) {
        s->depth++;
        return DT_OK;
    }
    if ((err = dt_tx_begin(s->db, &s->tx)) != DT_OK)
        return err;
    if ((err = dt_store_head_read(s, &s->number, s->digest)) != DT_OK) {
        dt_tx_end(&s->tx);
        return err;
    }
    s->depth = 1;
    s->failed = s->changed = s->rekeyed = false;
    return DT_OK;
}

static enum dt_err
write_head(struct dt_store *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(256);
    enum dt_err err;

    if ((err = dt_store_head_seal(s, s->number + 1, s->digest, &sealed)) != DT_OK ||
        (err = dt_db_prepare(s->db, "UPDATE head SET sealed = ?1 WHERE id = 1", &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_buf_view(&sealed));
    return dt_stmt_run(st);
}

enum dt_err
dt_store_commit(struct dt_store *s)
{
    enum dt_err err = DT_OK;

    if (s->depth == 0)
        return dt_fail(DT_ERR_STATE, "%s: no transaction is open", s->path);
    if (--s->depth > 0)
        return s->failed ? dt_fail(DT_ERR_STATE, "%s: the transaction was given up", s->path)
                         : DT_OK;
    if (s->failed) {
        dt_tx_end(&s->tx);
        return dt_fail(DT_ERR_STATE, "%s: the transaction was given up", s->path);
    }
    if (s->changed)
        err = write_head(s);
    if (err == DT_OK)
        err = dt_tx_commit(&s->tx);
    if (err != DT_OK) {
        dt_tx_end(&s->tx);
        return err;
    }
    if (s->changed)
        s->seen = s->number + 1;
    if (s->rekeyed)
        dt_ignore(dt_db_checkpoint(s->db),
                  "a reader may hold it back; closing the store repeats it");
    return DT_OK;
}

void
dt_store_scrub(struct dt_store *s)
{
    s->rekeyed = true;
}

void
dt_store_rollback(struct dt_store *s)
{
    if (s->depth == 0)
        return;
    s->failed = true;
    if (--s->depth == 0)
        dt_tx_end(&s->tx);
}

enum dt_err
dt_store_end(struct dt_store *s, enum dt_err err)
{
    if (err == DT_OK)
        return dt_store_commit(s);
    dt_store_rollback(s);
    return err;
}

enum dt_err
dt_store_number(struct dt_store *s, uint64_t *out)
{
    enum dt_err err = dt_store_begin(s);

    if (err != DT_OK)
        return err;
    *out = s->number;
    return dt_store_end(s, DT_OK);
}

bool
dt_store_in_transaction(const struct dt_store *s)
{
    return s->depth > 0;
}

/* ---- names and sealing ---- */

static enum dt_err
blind(const struct dt_store *s, uint8_t what, const char *table, struct dt_view v,
      uint8_t out[static NAME_LEN])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_STORE_KEY_MAX + TABLE_MAX + 16);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    if (v.n > DT_STORE_KEY_MAX)
        return dt_fail(DT_ERR_LIMIT, "a key of table %s is longer than %u bytes", table,
                       DT_STORE_KEY_MAX);
    dt_write_u8(&w, what);
    dt_write_str(&w, table);
    dt_write_vec(&w, v);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_keyed_tag(&s->name_key, dt_buf_view(&b), out);
}

/* Where a value stands: what its seal is bound to. */
struct place {
    const char *table;
    uint8_t name[NAME_LEN];
    uint8_t parent[NAME_LEN];
    uint64_t seq;
    uint64_t version;
};

static enum dt_err
place_aad(const struct place *p, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_str(&w, "detente 1 store row");
    dt_write_str(&w, p->table);
    dt_write_str(&w, "value");
    dt_write_view(&w, dt_view_of(p->name));
    dt_write_view(&w, dt_view_of(p->parent));
    dt_write_u64(&w, p->seq);
    dt_write_u64(&w, p->version);
    return dt_writer_end(&w);
}

static enum dt_err
seal_value(const struct dt_store *s, const struct place *p, struct dt_view key,
           struct dt_view value, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(256);
    struct dt_writer w = dt_writer_init(&plain);
    enum dt_err err;

    dt_write_vec(&w, key);
    dt_write_view(&w, value);
    if ((err = dt_writer_end(&w)) != DT_OK || (err = place_aad(p, &aad)) != DT_OK)
        return err;
    return dt_box_seal(dt_secret_view(&s->value_key), dt_buf_view(&aad), dt_buf_view(&plain), out);
}

static enum dt_err
altered(const struct dt_store *s, const char *table)
{
    return dt_fail(DT_ERR_AUTH, "%s: a row of table %s was altered: restore a backup", s->path,
                   table);
}

/* Open a sealed value; key and value are appended to the buffers (either may be NULL). */
static enum dt_err
open_value(const struct dt_store *s, const struct place *p, struct dt_view sealed,
           struct dt_buf *key, struct dt_buf *value)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(256);
    struct dt_reader r;
    struct dt_view k;
    enum dt_err err;

    if ((err = place_aad(p, &aad)) != DT_OK)
        return err;
    err = dt_box_open(dt_secret_view(&s->value_key), dt_buf_view(&aad), sealed, &plain);
    if (err == DT_ERR_NOMEM)
        return err;
    r = dt_reader_init(dt_buf_view(&plain));
    if (err != DT_OK || dt_read_vec(&r, DT_STORE_KEY_MAX, &k) != DT_OK)
        return altered(s, p->table);
    if (key != NULL && (err = dt_buf_append(key, k)) != DT_OK)
        return err;
    return value != NULL ? dt_buf_append(value, dt_view(r.p, r.n)) : DT_OK;
}

/* ---- one row ---- */

static enum dt_err
old_version(struct dt_store *s, const char *table, const uint8_t name[static NAME_LEN],
            uint64_t *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db, "SELECT version FROM row WHERE tab = ?1 AND name = ?2", &st)) !=
        DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(table));
    dt_bind_blob(st, 2, dt_view(name, NAME_LEN));
    if ((err = dt_stmt_row(st)) != DT_OK)
        return err;
    return dt_col_u64(st, 0, INT64_MAX, out);
}

/* Take the old row, if any, out of the digest. *${had} says whether there was one. */
static enum dt_err
undigest(struct dt_store *s, const char *table, const uint8_t name[static NAME_LEN], bool *had)
{
    uint64_t version = 0;
    enum dt_err err = old_version(s, table, name, &version);

    *had = err == DT_OK;
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    if (err != DT_OK)
        return err;
    return dt_store_digest_flip(s, dt_view_str(table), dt_view(name, NAME_LEN), version, s->digest);
}

static enum dt_err
put_row(struct dt_store *s, const struct place *p, struct dt_view sealed)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool had = false;
    enum dt_err err;

    if ((err = undigest(s, p->table, p->name, &had)) != DT_OK ||
        (err = dt_store_digest_flip(s, dt_view_str(p->table), dt_view_of(p->name), p->version,
                                    s->digest)) != DT_OK ||
        (err =
             dt_db_prepare(s->db,
                           "INSERT INTO row(tab, name, parent, seq, version, value)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (tab, name) DO UPDATE SET"
                           " parent = ?3, seq = ?4, version = ?5, value = ?6",
                           &st)) != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(p->table));
    dt_bind_blob(st, 2, dt_view_of(p->name));
    dt_bind_blob(st, 3, dt_view_of(p->parent));
    dt_bind_u64(st, 4, p->seq);
    dt_bind_u64(st, 5, p->version);
    dt_bind_blob(st, 6, sealed);
    if ((err = dt_stmt_run(st)) == DT_OK)
        s->changed = true;
    return err;
}

enum dt_err
dt_store_put(struct dt_store *s, const char *table, struct dt_view key, struct dt_view parent,
             uint64_t seq, struct dt_view value)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    struct place p = {.table = table, .seq = seq};
    enum dt_err err;

    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    p.version = s->number + 1;
    if ((err = blind(s, 'k', table, key, p.name)) == DT_OK &&
        (err = blind(s, 'p', table, parent, p.parent)) == DT_OK &&
        (err = seal_value(s, &p, key, value, &sealed)) == DT_OK)
        err = put_row(s, &p, dt_buf_view(&sealed));
    return dt_store_end(s, err);
}

enum dt_err
dt_store_put_blob(struct dt_store *s, const char *table, struct dt_view key, struct dt_view value)
{
    return dt_store_put(s, table, key, dt_view(NULL, 0), 0, value);
}

/* Place and sealed value of the row in ${st}, whose columns are name, parent, seq, version, value.
 */
static enum dt_err
read_row(const struct dt_store *s, struct dt_stmt *st, struct place *p, struct dt_view *sealed)
{
    enum dt_err err;

    if ((err = dt_col_fixed(st, 0, p->name, NAME_LEN)) != DT_OK ||
        (err = dt_col_fixed(st, 1, p->parent, NAME_LEN)) != DT_OK ||
        (err = dt_col_u64(st, 2, INT64_MAX, &p->seq)) != DT_OK ||
        (err = dt_col_u64(st, 3, INT64_MAX, &p->version)) != DT_OK ||
        (err = dt_col_blob(st, 4, DT_STORE_VALUE_MAX, sealed)) != DT_OK)
        return altered(s, p->table);
    return DT_OK;
}

enum dt_err
dt_store_get_blob(struct dt_store *s, const char *table, struct dt_view key, struct dt_buf *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct place p = {.table = table};
    struct dt_view sealed;
    uint8_t name[NAME_LEN];
    enum dt_err err;

    if ((err = blind(s, 'k', table, key, name)) != DT_OK ||
        (err = dt_db_prepare(s->db,
                             "SELECT name, parent, seq, version, value FROM row"
                             " WHERE tab = ?1 AND name = ?2",
                             &st)) != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(table));
    dt_bind_blob(st, 2, dt_view_of(name));
    if ((err = dt_stmt_row(st)) != DT_OK || (err = read_row(s, st, &p, &sealed)) != DT_OK)
        return err;
    return open_value(s, &p, sealed, NULL, out);
}

enum dt_err
dt_store_has(struct dt_store *s, const char *table, struct dt_view key, bool *out)
{
    uint8_t name[NAME_LEN];
    uint64_t version = 0;
    enum dt_err err = blind(s, 'k', table, key, name);

    if (err == DT_OK)
        err = old_version(s, table, name, &version);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    *out = err == DT_OK;
    return DT_OK;
}

static enum dt_err
del_name(struct dt_store *s, const char *table, const uint8_t name[static NAME_LEN])
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool had = false;
    enum dt_err err = undigest(s, table, name, &had);

    if (err != DT_OK)
        return err;
    if (!had)
        return dt_fail(DT_ERR_NOT_FOUND, "%s: no such row in table %s", s->path, table);
    if ((err = dt_db_prepare(s->db, "DELETE FROM row WHERE tab = ?1 AND name = ?2", &st)) != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(table));
    dt_bind_blob(st, 2, dt_view(name, NAME_LEN));
    if ((err = dt_stmt_run(st)) == DT_OK)
        s->changed = true;
    return err;
}

enum dt_err
dt_store_del(struct dt_store *s, const char *table, struct dt_view key)
{
    uint8_t name[NAME_LEN];
    bool there = false;
    enum dt_err err;

    /* Looked at first, so that a missing row does not give up the caller's transaction. */
    if ((err = dt_store_has(s, table, key, &there)) != DT_OK)
        return err;
    if (!there)
        return dt_fail(DT_ERR_NOT_FOUND, "%s: no such row in table %s", s->path, table);
    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    if ((err = blind(s, 'k', table, key, name)) == DT_OK)
        err = del_name(s, table, name);
    return dt_store_end(s, err);
}

/* ---- lists ---- */

void
dt_store_row_clear(struct dt_store_row *row)
{
    if (row == NULL)
        return;
    dt_buf_wipe(&row->key);
    dt_buf_wipe(&row->value);
}

static enum dt_err
list_row(struct dt_store *s, const char *sql, const char *table, struct dt_view parent,
         uint64_t at_least, bool with_seq, struct dt_store_row *row)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct place p = {.table = table};
    uint8_t name[NAME_LEN];
    struct dt_view sealed;
    enum dt_err err;

    if ((err = blind(s, 'p', table, parent, name)) != DT_OK ||
        (err = dt_db_prepare(s->db, sql, &st)) != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(table));
    dt_bind_blob(st, 2, dt_view_of(name));
    if (with_seq)
        dt_bind_u64(st, 3, at_least);
    if ((err = dt_stmt_row(st)) != DT_OK || (err = read_row(s, st, &p, &sealed)) != DT_OK)
        return err;
    dt_buf_wipe(&row->key);
    dt_buf_wipe(&row->value);
    row->key.max = DT_STORE_KEY_MAX;
    row->value.max = DT_STORE_VALUE_MAX;
    row->seq = p.seq;
    return open_value(s, &p, sealed, &row->key, &row->value);
}

enum dt_err
dt_store_next(struct dt_store *s, const char *table, struct dt_view parent, uint64_t at_least,
              struct dt_store_row *row)
{
    return list_row(
        s,
        "SELECT name, parent, seq, version, value FROM row WHERE tab = ?1 AND parent = ?2"
        " AND seq >= ?3 ORDER BY seq, name LIMIT 1",
        table, parent, at_least, true, row);
}

enum dt_err
dt_store_last(struct dt_store *s, const char *table, struct dt_view parent,
              struct dt_store_row *row)
{
    return list_row(
        s,
        "SELECT name, parent, seq, version, value FROM row WHERE tab = ?1 AND parent = ?2"
        " ORDER BY seq DESC LIMIT 1",
        table, parent, 0, false, row);
}

static enum dt_err
number_of(struct dt_store *s, const char *sql, const char *table, struct dt_view parent,
          uint64_t *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint8_t name[NAME_LEN];
    enum dt_err err;

    if ((err = blind(s, 'p', table, parent, name)) != DT_OK ||
        (err = dt_db_prepare(s->db, sql, &st)) != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(table));
    dt_bind_blob(st, 2, dt_view_of(name));
    if ((err = dt_stmt_row(st)) != DT_OK)
        return err;
    return dt_col_u64(st, 0, INT64_MAX, out);
}

enum dt_err
dt_store_next_seq(struct dt_store *s, const char *table, struct dt_view parent, uint64_t *out)
{
    return number_of(s, "SELECT coalesce(max(seq) + 1, 0) FROM row WHERE tab = ?1 AND parent = ?2",
                     table, parent, out);
}

enum dt_err
dt_store_count(struct dt_store *s, const char *table, struct dt_view parent, uint64_t *out)
{
    return number_of(s, "SELECT count(*) FROM row WHERE tab = ?1 AND parent = ?2", table, parent,
                     out);
}

enum dt_err
dt_store_del_parent(struct dt_store *s, const char *table, struct dt_view parent)
{
    enum dt_err err;

    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};

        if ((err = dt_store_next(s, table, parent, 0, &row)) != DT_OK ||
            (err = dt_store_del(s, table, dt_buf_view(&row.key))) != DT_OK)
            break;
    }
    return dt_store_end(s, err == DT_ERR_NOT_FOUND ? DT_OK : err);
}

enum dt_err
dt_store_check(struct dt_store *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool more = false;
    enum dt_err err;

    if ((err = dt_db_check(s->db)) != DT_OK ||
        (err = dt_db_prepare(s->db, "SELECT name, parent, seq, version, value, tab FROM row",
                             &st)) != DT_OK)
        return err;
    while ((err = dt_stmt_step(st, &more)) == DT_OK && more) {
        struct dt_view sealed, table;
        char name[TABLE_MAX + 1];
        struct place p = {.table = name};

        if ((err = dt_col_text(st, 5, TABLE_MAX, &table)) != DT_OK)
            return altered(s, "(unknown)");
        memcpy(name, table.p, table.n);
        name[table.n] = '\0';
        if ((err = read_row(s, st, &p, &sealed)) != DT_OK ||
            (err = open_value(s, &p, sealed, NULL, NULL)) != DT_OK)
            return err;
    }
    return err;
}

/* ---- group state ---- */

enum dt_err
dt_store_put_group(struct dt_store *s, struct dt_view group_id, struct dt_view state,
                   bool new_epoch)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf kept = DT_BUF_INIT(GROUP_KEY);
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    enum dt_err err;

    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    err = dt_store_get_blob(s, "group_key", group_id, &kept);
    if (new_epoch || err == DT_ERR_NOT_FOUND) {
        if ((err = dt_secret_random(&key, GROUP_KEY)) == DT_OK)
            err = dt_store_put_blob(s, "group_key", group_id, dt_secret_view(&key));
        s->rekeyed = true;
    } else if (err == DT_OK) {
        err = dt_secret_set(&key, dt_buf_view(&kept));
    }
    if (err == DT_OK &&
        (err = dt_box_seal(dt_secret_view(&key), group_id, state, &sealed)) == DT_OK)
        err = dt_store_put_blob(s, "group_state", group_id, dt_buf_view(&sealed));
    return dt_store_end(s, err);
}

enum dt_err
dt_store_get_group(struct dt_store *s, struct dt_view group_id, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf key = DT_BUF_INIT(GROUP_KEY);
    enum dt_err err;

    if ((err = dt_store_get_blob(s, "group_key", group_id, &key)) != DT_OK ||
        (err = dt_store_get_blob(s, "group_state", group_id, &sealed)) != DT_OK)
        return err;
    err = dt_box_open(dt_buf_view(&key), group_id, dt_buf_view(&sealed), out);
    return err == DT_ERR_AUTH || err == DT_ERR_FORMAT ? altered(s, "group_state") : err;
}

enum dt_err
dt_store_del_group(struct dt_store *s, struct dt_view group_id)
{
    enum dt_err err;

    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    err = dt_store_del(s, "group_key", group_id);
    if (err == DT_OK || err == DT_ERR_NOT_FOUND)
        err = dt_store_del(s, "group_state", group_id);
    s->rekeyed = true;
    return dt_store_end(s, err == DT_ERR_NOT_FOUND ? DT_OK : err);
}

/* ---- whole tables: see walk.h ---- */

enum dt_err
dt_store_view_begin(struct dt_store *s, struct dt_tx *tx)
{
    uint8_t digest[DT_SHA256];
    uint64_t number = 0;
    enum dt_err err = dt_tx_begin_read(s->db, tx);

    /* SQLite takes the view with the first thing that is read. */
    return err != DT_OK ? err : dt_store_head_read(s, &number, digest);
}

enum dt_err
dt_store_table_count(struct dt_store *s, const char *table, uint64_t *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = dt_db_prepare(s->db, "SELECT count(*) FROM row WHERE tab = ?1", &st);

    if (err != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(table));
    return (err = dt_stmt_row(st)) != DT_OK ? err : dt_col_u64(st, 0, INT64_MAX, out);
}

enum dt_err
dt_store_table_next(struct dt_store *s, char *name)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_view table;
    enum dt_err err =
        dt_db_prepare(s->db, "SELECT tab FROM row WHERE tab > ?1 ORDER BY tab LIMIT 1", &st);

    if (err != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(name));
    if ((err = dt_stmt_row(st)) != DT_OK || (err = dt_col_text(st, 0, TABLE_MAX, &table)) != DT_OK)
        return err;
    memcpy(name, table.p, table.n);
    name[table.n] = '\0';
    return DT_OK;
}

#define PARENTS_MAX (1u << 22)

static enum dt_err
which_parent(const struct dt_store *s, const struct place *p, const uint8_t *hashes,
             const struct dt_view *parents, size_t n, struct dt_view *out)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(hashes + i * NAME_LEN, p->parent, NAME_LEN) == 0) {
            *out = parents[i];
            return DT_OK;
        }
    return dt_fail(DT_ERR_INTERNAL, "%s: a row of table %s belongs to nothing that is known",
                   s->path, p->table);
}

enum dt_err
dt_store_walk(struct dt_store *s, const char *table, const struct dt_view *parents, size_t n,
              enum dt_err (*fn)(void *ctx, const struct dt_store_walked *row), void *ctx)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf hashes = DT_BUF_INIT(PARENTS_MAX * NAME_LEN);
    bool more = false;
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < n; i++) {
        uint8_t hash[NAME_LEN];

        if ((err = blind(s, 'p', table, parents[i], hash)) != DT_OK ||
            (err = dt_buf_append(&hashes, dt_view_of(hash))) != DT_OK)
            return err;
    }
    if ((err = dt_db_prepare(s->db,
                             "SELECT name, parent, seq, version, value FROM row WHERE tab = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(table));
    while ((err = dt_stmt_step(st, &more)) == DT_OK && more) {
        DT_CLEANUP(dt_buf_wipe) struct dt_buf key = DT_BUF_INIT(DT_STORE_KEY_MAX);
        DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_STORE_VALUE_MAX);
        struct dt_store_walked row = {0};
        struct place p = {.table = table};
        struct dt_view sealed;

        if ((err = read_row(s, st, &p, &sealed)) != DT_OK ||
            (err = open_value(s, &p, sealed, &key, &value)) != DT_OK ||
            (parents != NULL &&
             (err = which_parent(s, &p, hashes.p, parents, n, &row.parent)) != DT_OK))
            return err;
        row.key = dt_buf_view(&key);
        row.seq = p.seq;
        row.value = dt_buf_view(&value);
        if ((err = fn(ctx, &row)) != DT_OK)
            return err;
    }
    return err;
}
