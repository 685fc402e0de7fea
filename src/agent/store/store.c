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
    if ((err = dt_spans_renew(s)) != DT_OK ||
        (err = dt_store_head_read(s, &s->number, s->digest)) != DT_OK) {
        dt_tx_end(&s->tx);
        return err;
    }
    s->depth = 1;
    s->failed = s->changed = s->rekeyed = false;
    return DT_OK;
}

/* The transaction did not come about: nor did what is known of its end. */
static void
give_up(struct dt_store *s)
{
    dt_tx_end(&s->tx);
    dt_spans_drop(s);
    dt_spans_forget(s);
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
        give_up(s);
        return dt_fail(DT_ERR_STATE, "%s: the transaction was given up", s->path);
    }
    if (s->changed && (err = dt_spans_write(s)) == DT_OK)
        err = dt_store_head_write(s);
    if (err == DT_OK)
        err = dt_tx_commit(&s->tx);
    if (err != DT_OK) {
        give_up(s);
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

enum dt_err
dt_store_clean(struct dt_store *s)
{
    enum dt_err err = dt_db_exec(s->db, "VACUUM");

    return err != DT_OK ? err : dt_db_checkpoint(s->db);
}

void
dt_store_rollback(struct dt_store *s)
{
    if (s->depth == 0)
        return;
    s->failed = true;
    if (--s->depth == 0)
        give_up(s);
}

/* What is read between this and dt_tx_end() is of one state of the store, and can be checked. */
static enum dt_err
look_begin(struct dt_store *s, struct dt_tx *tx)
{
    enum dt_err err;

    if (dt_db_in_tx(s->db)) /* a transaction's, or dt_store_view_begin()'s */
        return DT_OK;
    return (err = dt_tx_begin_read(s->db, tx)) != DT_OK ? err : dt_spans_renew(s);
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

enum dt_err
dt_store_altered(const struct dt_store *s, const char *table)
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
        return dt_store_altered(s, p->table);
    if (key != NULL && (err = dt_buf_append(key, k)) != DT_OK)
        return err;
    return value != NULL ? dt_buf_append(value, dt_view(r.p, r.n)) : DT_OK;
}

/* ---- one row ---- */

/* Where the row of that name stands, by ${p}->table and ${p}->name: as the file says, unchecked.
 * NOT_FOUND. */
static enum dt_err
find(struct dt_store *s, struct place *p)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = dt_db_prepare(
        s->db, "SELECT parent, seq, version FROM row WHERE tab = ?1 AND name = ?2", &st);

    if (err != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(p->table));
    dt_bind_blob(st, 2, dt_view_of(p->name));
    if ((err = dt_stmt_row(st)) != DT_OK)
        return err;
    if (dt_col_fixed(st, 0, p->parent, NAME_LEN) != DT_OK ||
        dt_col_u64(st, 1, INT64_MAX, &p->seq) != DT_OK ||
        dt_col_u64(st, 2, INT64_MAX, &p->version) != DT_OK)
        return dt_store_altered(s, p->table);
    return DT_OK;
}

/* The same, checked: that there is none, or that it is in its list. In this version? Only a look
 * at the list's own index says that. */
static enum dt_err
find_checked(struct dt_store *s, struct place *p)
{
    struct dt_span_key key;
    enum dt_err err = find(s, p), checked;

    if (err == DT_ERR_NOT_FOUND)
        dt_span_name_key(p->table, p->name, &key);
    else if (err == DT_OK)
        dt_span_list_key(p->table, p->parent, p->seq, p->name, &key);
    else
        return err;
    checked = dt_spans_check(s, &key, &key);
    return checked != DT_OK ? checked : err;
}

/* A row comes to ${p}, or goes from there, list and all. */
static enum dt_err
note_list(struct dt_store *s, const struct place *p, bool there)
{
    struct dt_span_key key;

    dt_span_list_key(p->table, p->parent, p->seq, p->name, &key);
    return dt_spans_note(s, &key, p->version, there);
}

static enum dt_err
note_name(struct dt_store *s, const struct place *p, bool there)
{
    struct dt_span_key key;

    dt_span_name_key(p->table, p->name, &key);
    return dt_spans_note(s, &key, 0, there);
}

static enum dt_err
put_row(struct dt_store *s, const struct place *p, struct dt_view sealed)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct place old = *p;
    enum dt_err err = find(s, &old);

    if (err == DT_OK)
        err = note_list(s, &old, false);
    else if (err == DT_ERR_NOT_FOUND)
        err = note_name(s, p, true);
    if (err != DT_OK || (err = note_list(s, p, true)) != DT_OK ||
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
        return dt_store_altered(s, p->table);
    return DT_OK;
}

/* The row at ${p}: of that version, by the index that was checked. */
static enum dt_err
get_at(struct dt_store *s, const struct place *p, struct dt_buf *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct place is = {.table = p->table};
    struct dt_view sealed;
    enum dt_err err =
        dt_db_prepare(s->db,
                      "SELECT name, parent, seq, version, value FROM row INDEXED BY row_list"
                      " WHERE tab = ?1 AND parent = ?2 AND seq = ?3 AND name = ?4 AND version = ?5",
                      &st);

    if (err != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(p->table));
    dt_bind_blob(st, 2, dt_view_of(p->parent));
    dt_bind_u64(st, 3, p->seq);
    dt_bind_blob(st, 4, dt_view_of(p->name));
    dt_bind_u64(st, 5, p->version);
    err = dt_stmt_row(st);
    if (err == DT_ERR_NOT_FOUND)
        return dt_store_altered(s, p->table);
    if (err != DT_OK || (err = read_row(s, st, &is, &sealed)) != DT_OK)
        return err;
    return open_value(s, &is, sealed, NULL, out);
}

enum dt_err
dt_store_get_blob(struct dt_store *s, const char *table, struct dt_view key, struct dt_buf *out)
{
    uint64_t seq = 0;

    return dt_store_get_row(s, table, key, &seq, out);
}

enum dt_err
dt_store_get_row(struct dt_store *s, const char *table, struct dt_view key, uint64_t *out_seq,
                 struct dt_buf *out)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx look = {0};
    struct place p = {.table = table};
    enum dt_err err;

    if ((err = blind(s, 'k', table, key, p.name)) != DT_OK ||
        (err = look_begin(s, &look)) != DT_OK || (err = find_checked(s, &p)) != DT_OK)
        return err;
    *out_seq = p.seq;
    return get_at(s, &p, out);
}

enum dt_err
dt_store_has(struct dt_store *s, const char *table, struct dt_view key, bool *out)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx look = {0};
    struct place p = {.table = table};
    enum dt_err err;

    if ((err = blind(s, 'k', table, key, p.name)) != DT_OK || (err = look_begin(s, &look)) != DT_OK)
        return err;
    err = find_checked(s, &p);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    *out = err == DT_OK;
    return DT_OK;
}

static enum dt_err
del_name(struct dt_store *s, struct place *p)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = find(s, p);

    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_NOT_FOUND, "%s: no such row in table %s", s->path, p->table);
    if (err != DT_OK || (err = note_list(s, p, false)) != DT_OK ||
        (err = note_name(s, p, false)) != DT_OK ||
        (err = dt_db_prepare(s->db, "DELETE FROM row WHERE tab = ?1 AND name = ?2", &st)) != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(p->table));
    dt_bind_blob(st, 2, dt_view_of(p->name));
    if ((err = dt_stmt_run(st)) == DT_OK)
        s->changed = true;
    return err;
}

enum dt_err
dt_store_del(struct dt_store *s, const char *table, struct dt_view key)
{
    struct place p = {.table = table};
    bool there = false;
    enum dt_err err;

    /* Looked at first, so that a missing row does not give up the caller's transaction. */
    if ((err = dt_store_has(s, table, key, &there)) != DT_OK)
        return err;
    if (!there)
        return dt_fail(DT_ERR_NOT_FOUND, "%s: no such row in table %s", s->path, table);
    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    if ((err = blind(s, 'k', table, key, p.name)) == DT_OK)
        err = del_name(s, &p);
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

/* The rows of ${parent} from ${seq} to ${to}, or to its end, are all that were put there. */
static enum dt_err
check_list(struct dt_store *s, const char *table, const uint8_t parent[static NAME_LEN],
           uint64_t seq, const struct dt_span_key *to)
{
    struct dt_span_key from, end;

    dt_span_list_key(table, parent, seq, NULL, &from);
    if (to == NULL)
        dt_span_list_last(table, parent, &end);
    return dt_spans_check(s, &from, to != NULL ? to : &end);
}

/* The row that ${sql} finds in a list, from the beginning of it (${first}, from ${at_least} on) or
 * from its end, which is checked as far. */
static enum dt_err
list_row(struct dt_store *s, const char *sql, const char *table, struct dt_view parent,
         uint64_t at_least, bool first, struct dt_store_row *row)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx look = {0};
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct place p = {.table = table};
    uint8_t name[NAME_LEN];
    struct dt_span_key found;
    struct dt_view sealed;
    enum dt_err err, checked;

    if ((err = blind(s, 'p', table, parent, name)) != DT_OK ||
        (err = look_begin(s, &look)) != DT_OK || (err = dt_db_prepare(s->db, sql, &st)) != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(table));
    dt_bind_blob(st, 2, dt_view_of(name));
    if (first)
        dt_bind_u64(st, 3, at_least);
    err = dt_stmt_row(st);
    if (err == DT_OK && (err = read_row(s, st, &p, &sealed)) == DT_OK)
        dt_span_list_key(table, p.parent, p.seq, p.name, &found);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    checked = err != DT_OK ? check_list(s, table, name, at_least, NULL)
              : first      ? check_list(s, table, name, at_least, &found)
                           : check_list(s, table, name, p.seq, NULL);
    if (checked != DT_OK || err != DT_OK)
        return checked != DT_OK ? checked : err;
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
    return list_row(s,
                    "SELECT name, parent, seq, version, value FROM row INDEXED BY row_list"
                    " WHERE tab = ?1 AND parent = ?2 AND seq >= ?3 ORDER BY seq, name LIMIT 1",
                    table, parent, at_least, true, row);
}

enum dt_err
dt_store_last(struct dt_store *s, const char *table, struct dt_view parent,
              struct dt_store_row *row)
{
    return list_row(s,
                    "SELECT name, parent, seq, version, value FROM row INDEXED BY row_list"
                    " WHERE tab = ?1 AND parent = ?2 ORDER BY seq DESC, name DESC LIMIT 1",
                    table, parent, 0, false, row);
}

/* The number that ${sql} gives of a list. */
static enum dt_err
number_of(struct dt_store *s, const char *sql, const char *table,
          const uint8_t parent[static NAME_LEN], uint64_t *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = dt_db_prepare(s->db, sql, &st);

    if (err != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(table));
    dt_bind_blob(st, 2, dt_view(parent, NAME_LEN));
    if ((err = dt_stmt_row(st)) != DT_OK)
        return err;
    return dt_col_u64(st, 0, INT64_MAX, out);
}

enum dt_err
dt_store_next_seq(struct dt_store *s, const char *table, struct dt_view parent, uint64_t *out)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx look = {0};
    uint8_t name[NAME_LEN];
    uint64_t next = 0;
    enum dt_err err;

    if ((err = blind(s, 'p', table, parent, name)) != DT_OK ||
        (err = look_begin(s, &look)) != DT_OK ||
        (err = number_of(s,
                         "SELECT coalesce(max(seq) + 1, 0) FROM row INDEXED BY row_list"
                         " WHERE tab = ?1 AND parent = ?2",
                         table, name, &next)) != DT_OK ||
        (err = check_list(s, table, name, next > 0 ? next - 1 : 0, NULL)) != DT_OK)
        return err;
    *out = next;
    return DT_OK;
}

enum dt_err
dt_store_count(struct dt_store *s, const char *table, struct dt_view parent, uint64_t *out)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx look = {0};
    uint8_t name[NAME_LEN];
    uint64_t n = 0;
    enum dt_err err;

    if ((err = blind(s, 'p', table, parent, name)) != DT_OK ||
        (err = look_begin(s, &look)) != DT_OK ||
        (err = number_of(s,
                         "SELECT count(*) FROM row INDEXED BY row_list"
                         " WHERE tab = ?1 AND parent = ?2",
                         table, name, &n)) != DT_OK ||
        (err = check_list(s, table, name, 0, NULL)) != DT_OK)
        return err;
    *out = n;
    return DT_OK;
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
dt_store_values_check(struct dt_store *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool more = false;
    enum dt_err err =
        dt_db_prepare(s->db,
                      "SELECT name, parent, seq, version, value, tab FROM row INDEXED BY row_list"
                      " ORDER BY tab, parent, seq, name",
                      &st);

    if (err != DT_OK)
        return err;
    while ((err = dt_stmt_step(st, &more)) == DT_OK && more) {
        struct dt_view sealed, table;
        char name[TABLE_MAX + 1];
        struct place p = {.table = name};

        if ((err = dt_col_text(st, 5, TABLE_MAX, &table)) != DT_OK)
            return dt_store_altered(s, "(unknown)");
        memcpy(name, table.p, table.n);
        name[table.n] = '\0';
        if ((err = read_row(s, st, &p, &sealed)) != DT_OK ||
            (err = open_value(s, &p, sealed, NULL, NULL)) != DT_OK)
            return err;
    }
    return err;
}

enum dt_err
dt_store_verify(struct dt_store *s)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx look = {0};
    enum dt_err err = look_begin(s, &look);

    return err != DT_OK ? err : dt_spans_check_all(s);
}

enum dt_err
dt_store_check(struct dt_store *s)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx look = {0};
    enum dt_err err;

    if ((err = dt_db_check(s->db)) != DT_OK || (err = look_begin(s, &look)) != DT_OK ||
        (err = dt_spans_check_all(s)) != DT_OK)
        return err;
    return dt_store_values_check(s);
}

/* ---- whole tables: see walk.h ---- */

enum dt_err
dt_store_view_begin(struct dt_store *s, struct dt_tx *tx)
{
    enum dt_err err = dt_tx_begin_read(s->db, tx);

    return err != DT_OK ? err : dt_spans_check_all(s);
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
    DT_CLEANUP(dt_tx_end) struct dt_tx look = {0};
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf hashes = DT_BUF_INIT(PARENTS_MAX * NAME_LEN);
    struct dt_span_key from, to;
    bool more = false;
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < n; i++) {
        uint8_t hash[NAME_LEN];

        if ((err = blind(s, 'p', table, parents[i], hash)) != DT_OK ||
            (err = dt_buf_append(&hashes, dt_view_of(hash))) != DT_OK)
            return err;
    }
    dt_span_list_key(table, NULL, 0, NULL, &from);
    dt_span_list_last(table, NULL, &to);
    if ((err = look_begin(s, &look)) != DT_OK || (err = dt_spans_check(s, &from, &to)) != DT_OK ||
        (err = dt_db_prepare(s->db,
                             "SELECT name, parent, seq, version, value FROM row INDEXED BY row_list"
                             " WHERE tab = ?1",
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
