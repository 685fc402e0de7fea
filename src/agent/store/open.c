/*
 * agent/store/open.c - making and opening a store: passphrase, keys, head, digest.
 *
 * Source: docs/protocol-agent.md "Store"; RFC 9106 (Argon2id), RFC 5869 (HKDF).
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/wire.h"

#include "agent/core.h"
#include "agent/store/internal.h"

#define HEAD_LEN      (4u + 8u + DT_SHA256)
#define WRAPPED_MAX   256u
#define STORE_KEY_LEN 32u
#define BUSY_MS       15000u

static const char schema_sql[] =
    "CREATE TABLE head(id INTEGER PRIMARY KEY CHECK (id = 1), salt BLOB NOT NULL,"
    " mem_kib INTEGER NOT NULL, passes INTEGER NOT NULL, wrapped BLOB NOT NULL, sealed BLOB NOT "
    "NULL);"
    "CREATE TABLE row(tab TEXT NOT NULL, name BLOB NOT NULL, parent BLOB NOT NULL,"
    " seq INTEGER NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY (tab, name));" DT_STORE_SPANS_SQL;

enum dt_err
dt_store_keys(struct dt_store *s, struct dt_view store_key)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret name_key = {0};
    const struct dt_expansion keys[] = {
        {dt_view_str("detente 1 store head"), 32, &s->head_key},
        {dt_view_str("detente 1 store value"), 32, &s->value_key},
        {dt_view_str("detente 1 store name"), 32, &name_key},
    };
    enum dt_err err = dt_hkdf_expand_all(DT_HASH_SHA256, store_key, keys, 3);

    return err != DT_OK ? err : dt_keyed_set(&s->name_key, dt_secret_view(&name_key));
}

enum dt_err
dt_store_head_seal(struct dt_store *s, uint64_t number, const uint8_t digest[static DT_SHA256],
                   struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(HEAD_LEN);
    struct dt_writer w = dt_writer_init(&plain);
    enum dt_err err;

    dt_write_u32(&w, DT_STORE_SCHEMA);
    dt_write_u64(&w, number);
    dt_write_view(&w, dt_view(digest, DT_SHA256));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_box_seal(dt_secret_view(&s->head_key), dt_view_str("detente 1 store head"),
                       dt_buf_view(&plain), out);
}

enum dt_err
dt_store_head_any(struct dt_store *s, uint32_t *schema, uint64_t *number,
                  uint8_t digest[static DT_SHA256])
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(HEAD_LEN);
    struct dt_view sealed;
    struct dt_reader r;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db, "SELECT sealed FROM head WHERE id = 1", &st)) != DT_OK)
        return err;
    if ((err = dt_stmt_row(st)) != DT_OK ||
        (err = dt_col_blob(st, 0, WRAPPED_MAX, &sealed)) != DT_OK)
        return dt_fail(err == DT_ERR_NOT_FOUND || err == DT_ERR_LIMIT ? DT_ERR_FORMAT : err,
                       "%s: the head of the store cannot be read", s->path);
    err = dt_box_open(dt_secret_view(&s->head_key), dt_view_str("detente 1 store head"), sealed,
                      &plain);
    if (dt_err_is_local(err))
        return err;
    r = dt_reader_init(dt_buf_view(&plain));
    if (err != DT_OK || dt_read_u32(&r, schema) != DT_OK || dt_read_u64(&r, number) != DT_OK ||
        dt_read_fixed(&r, digest, DT_SHA256) != DT_OK || dt_read_end(&r) != DT_OK)
        return dt_fail(DT_ERR_AUTH, "%s: the head of the store was altered: restore a backup",
                       s->path);
    if (*number < s->seen)
        return dt_fail(DT_ERR_AUTH, "%s: the store was put back to an older state while in use",
                       s->path);
    s->seen = *number;
    return DT_OK;
}

enum dt_err
dt_store_head_read(struct dt_store *s, uint64_t *number, uint8_t digest[static DT_SHA256])
{
    uint32_t schema = 0;
    enum dt_err err = dt_store_head_any(s, &schema, number, digest);

    if (err == DT_OK && schema != DT_STORE_SCHEMA)
        return dt_fail(DT_ERR_AUTH, "%s: the head of the store was altered: restore a backup",
                       s->path);
    return err;
}

enum dt_err
dt_store_head_write(struct dt_store *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(WRAPPED_MAX);
    enum dt_err err;

    if ((err = dt_store_head_seal(s, s->number + 1, s->digest, &sealed)) != DT_OK ||
        (err = dt_db_prepare(s->db, "UPDATE head SET sealed = ?1 WHERE id = 1", &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_buf_view(&sealed));
    return dt_stmt_run(st);
}

/* ---- the wrapped store key ---- */

static enum dt_err
wrap_aad(const struct dt_argon2 *params, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_str(&w, "detente 1 store key");
    dt_write_view(&w, dt_view_of(params->salt));
    dt_write_u32(&w, params->mem_kib);
    dt_write_u32(&w, params->passes);
    return dt_writer_end(&w);
}

struct making {
    struct dt_store *s;
    struct dt_view passphrase;
};

/* Schema and head in one transaction, so that a store is there whole or not at all. */
static enum dt_err
make_schema(struct dt_db *db, uint32_t from, void *ctx)
{
    struct making *m = ctx;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_secret_clear) struct dt_secret wrapping = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret store_key = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(128);
    DT_CLEANUP(dt_buf_clear) struct dt_buf wrapped = DT_BUF_INIT(WRAPPED_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(WRAPPED_MAX);
    struct dt_argon2 params;
    enum dt_err err;

    if (from != 0)
        return dt_fail(DT_ERR_UNSUPPORTED, "a store of version %u cannot be brought up to %d", from,
                       DT_STORE_SCHEMA);
    m->s->db = db; /* lent until it is open */
    if ((err = dt_db_exec(db, schema_sql)) != DT_OK || (err = dt_argon2_new(&params)) != DT_OK ||
        (err = dt_argon2(&params, m->passphrase, &wrapping)) != DT_OK ||
        (err = dt_secret_random(&store_key, STORE_KEY_LEN)) != DT_OK ||
        (err = wrap_aad(&params, &aad)) != DT_OK ||
        (err = dt_box_seal(dt_secret_view(&wrapping), dt_buf_view(&aad), dt_secret_view(&store_key),
                           &wrapped)) != DT_OK ||
        (err = dt_store_keys(m->s, dt_secret_view(&store_key))) != DT_OK ||
        (err = dt_spans_make(m->s)) != DT_OK ||
        (err = dt_store_head_seal(m->s, 0, m->s->digest, &sealed)) != DT_OK ||
        (err = dt_db_prepare(db,
                             "INSERT INTO head(id, salt, mem_kib, passes, wrapped, sealed)"
                             " VALUES (1, ?1, ?2, ?3, ?4, ?5)",
                             &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view_of(params.salt));
    dt_bind_u64(st, 2, params.mem_kib);
    dt_bind_u64(st, 3, params.passes);
    dt_bind_blob(st, 4, dt_buf_view(&wrapped));
    dt_bind_blob(st, 5, dt_buf_view(&sealed));
    return dt_stmt_run(st);
}

enum dt_err
dt_store_unwrap(struct dt_store *s, struct dt_view passphrase, struct dt_secret *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_secret_clear) struct dt_secret wrapping = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(128);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf store_key = DT_BUF_INIT(64);
    struct dt_argon2 params;
    struct dt_view wrapped;
    uint64_t mem = 0, passes = 0;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db, "SELECT salt, mem_kib, passes, wrapped FROM head WHERE id = 1",
                             &st)) != DT_OK)
        return err;
    if ((err = dt_stmt_row(st)) != DT_OK ||
        (err = dt_col_fixed(st, 0, params.salt, sizeof params.salt)) != DT_OK ||
        (err = dt_col_u64(st, 1, UINT32_MAX, &mem)) != DT_OK ||
        (err = dt_col_u64(st, 2, UINT32_MAX, &passes)) != DT_OK ||
        (err = dt_col_blob(st, 3, WRAPPED_MAX, &wrapped)) != DT_OK)
        return dt_err_is_local(err)
                   ? err
                   : dt_fail(DT_ERR_FORMAT,
                             "%s: the head of the store is damaged: restore a backup", s->path);
    params.mem_kib = (uint32_t)mem;
    params.passes = (uint32_t)passes;
    err = dt_argon2(&params, passphrase, &wrapping);
    if (err == DT_ERR_LIMIT || err == DT_ERR_RANGE)
        return dt_fail(DT_ERR_FORMAT, "%s: the head of the store is damaged: restore a backup",
                       s->path);
    if (err != DT_OK || (err = wrap_aad(&params, &aad)) != DT_OK)
        return err;
    err = dt_box_open(dt_secret_view(&wrapping), dt_buf_view(&aad), wrapped, &store_key);
    if (err == DT_ERR_AUTH || err == DT_ERR_FORMAT)
        return dt_fail(DT_ERR_LOCKED, "%s: the passphrase is wrong: nothing was changed, try again",
                       s->path);
    return err != DT_OK ? err : dt_secret_set(out, dt_buf_view(&store_key));
}

enum dt_err
dt_store_start(struct dt_store *s)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    /* In each order one key: what the checks ask of the file is there to be asked. */
    static const struct dt_span_key list = {.p = {'l'}, .n = 1}, name = {.p = {'n'}, .n = 1};
    uint32_t schema = 0;
    enum dt_err err;

    if ((err = dt_tx_begin_read(s->db, &tx)) != DT_OK ||
        (err = dt_store_head_any(s, &schema, &s->number, s->digest)) != DT_OK)
        return err;
    if (schema == 1) {
        dt_tx_end(&tx);
        if ((err = dt_store_upgrade(s)) != DT_OK || (err = dt_tx_begin_read(s->db, &tx)) != DT_OK)
            return err;
    }
    if ((err = dt_spans_renew(s)) == DT_OK && (err = dt_spans_check(s, &list, &list)) == DT_OK)
        err = dt_spans_check(s, &name, &name);
    if (err == DT_ERR_INTERNAL) /* the statements are right */
        err = dt_fail(DT_ERR_FORMAT, "%s: is damaged, or of a form that SQLite does not know",
                      s->path);
    return err;
}

/* ---- public ---- */

static enum dt_err
new_store(const char *home, struct dt_store **out)
{
    struct dt_store *s = dt_alloc(1, sizeof *s);
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(8192);
    enum dt_err err;

    if (s == NULL)
        return dt_nomem();
    dt_spans_init(&s->spans);
    if ((err = dt_buf_printf(&path, "%s/store.db", home)) == DT_OK) {
        s->path = dt_strndup((const char *)path.p, path.n);
        if (s->path == NULL)
            err = dt_nomem();
    }
    if (err != DT_OK)
        dt_store_close(s);
    else
        *out = s;
    return err;
}

enum dt_err
dt_store_create(const char *home, struct dt_view passphrase, struct dt_store **out)
{
    DT_CLEANUP(dt_store_close_p) struct dt_store *s = NULL;
    struct making m = {.passphrase = passphrase};
    struct dt_db_config config = {.app_id = DT_STORE_APP_ID,
                                  .version = DT_STORE_SCHEMA,
                                  .create = true,
                                  .busy_ms = BUSY_MS,
                                  .migrate = make_schema,
                                  .ctx = &m};
    struct dt_db *db = NULL;
    enum dt_err err;

    if (passphrase.n == 0)
        return dt_fail(DT_ERR_RANGE, "the passphrase is empty: choose one");
    if ((err = dt_dir_make(home, 0700)) != DT_OK || (err = new_store(home, &s)) != DT_OK)
        return err;
    if (chmod(home, 0700) != 0)
        return dt_fail(DT_ERR_IO, "%s: its mode cannot be set to 0700", home);
    if (dt_file_exists(s->path))
        return dt_fail(DT_ERR_EXISTS, "%s: there is a store already", s->path);
    config.path = s->path;
    m.s = s;
    err = dt_db_open(&config, &db);
    s->db = db;
    if (err != DT_OK)
        return err;
    *out = s;
    s = NULL;
    return DT_OK;
}

enum dt_err
dt_store_file_open(const char *home, struct dt_store **out)
{
    DT_CLEANUP(dt_store_close_p) struct dt_store *s = NULL;
    struct making m = {0};
    struct dt_db_config config = {.app_id = DT_STORE_APP_ID,
                                  .version = DT_STORE_SCHEMA,
                                  .as_is_from = 1, /* dt_store_upgrade() needs the keys */
                                  .busy_ms = BUSY_MS,
                                  .migrate = make_schema,
                                  .ctx = &m};
    enum dt_err err;

    if ((err = new_store(home, &s)) != DT_OK)
        return err;
    config.path = s->path;
    m.s = s;
    if ((err = dt_db_open(&config, &s->db)) != DT_OK)
        return err;
    *out = s;
    s = NULL;
    return DT_OK;
}

enum dt_err
dt_store_open(const char *home, struct dt_view passphrase, struct dt_store **out)
{
    DT_CLEANUP(dt_store_close_p) struct dt_store *s = NULL;
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    enum dt_err err;

    if ((err = dt_store_file_open(home, &s)) != DT_OK ||
        (err = dt_store_unwrap(s, passphrase, &key)) != DT_OK ||
        (err = dt_store_keys(s, dt_secret_view(&key))) != DT_OK ||
        (err = dt_store_start(s)) != DT_OK)
        return err;
    *out = s;
    s = NULL;
    return DT_OK;
}

enum dt_err
dt_store_open_again(const struct dt_store *s, const char *home, struct dt_store **out)
{
    DT_CLEANUP(dt_store_close_p) struct dt_store *t = NULL;
    enum dt_err err;

    if ((err = dt_store_file_open(home, &t)) != DT_OK ||
        (err = dt_secret_set(&t->head_key, dt_secret_view(&s->head_key))) != DT_OK ||
        (err = dt_secret_set(&t->value_key, dt_secret_view(&s->value_key))) != DT_OK ||
        (err = dt_secret_set(&t->name_key.state, dt_secret_view(&s->name_key.state))) != DT_OK ||
        (err = dt_store_start(t)) != DT_OK)
        return err;
    memcpy(t->kept_name, s->kept_name, sizeof t->kept_name);
    *out = t;
    t = NULL;
    return DT_OK;
}

void
dt_store_close(struct dt_store *s)
{
    if (s == NULL)
        return;
    dt_tx_end(&s->tx);
    dt_db_close(s->db);
    dt_secret_clear(&s->head_key);
    dt_secret_clear(&s->value_key);
    dt_keyed_clear(&s->name_key);
    dt_spans_clear(&s->spans);
    dt_free(s->path);
    dt_free(s);
}

void
dt_store_close_p(struct dt_store **s)
{
    dt_store_close(*s);
    *s = NULL;
}

const char *
dt_store_path(const struct dt_store *s)
{
    return s->path;
}
