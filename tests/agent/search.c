/*
 * tests/agent/search.c - see search.h.
 */
#include "agent/core.h"
#include "agent/store/walk.h"
#include "base/file.h"

#include "search.h"

void
values_clear(struct values *x)
{
    for (size_t i = 0; i < x->n; i++)
        dt_buf_clear(&x->v[i]);
    x->n = 0;
}

static void
store_path(const struct world *w, const char *name, const char *ending, char out[static 160])
{
    char home[128];

    world_path(w, name, home);
    (void)snprintf(out, 160, "%s/store.db%s", home, ending);
}

static enum dt_err
no_migration(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)db;
    (void)from;
    (void)ctx;
    return DT_OK;
}

void
values_of(const struct world *w, const char *name, const char *table, struct values *x)
{
    struct dt_db *db = NULL;
    struct dt_stmt *st = NULL;
    char path[160];
    struct dt_db_config config = {
        .path = path, .app_id = 0x64744147u, .version = DT_STORE_SCHEMA, .migrate = no_migration};
    bool more = false;

    store_path(w, name, "", path);
    ok(dt_db_open(&config, &db));
    ok(dt_db_prepare(db, "SELECT value FROM row WHERE tab = ?1", &st));
    dt_bind_text(st, 1, dt_view_str(table));
    while (dt_stmt_step(st, &more) == DT_OK && more) {
        struct dt_view v;

        assert_true(x->n < VALUES_MAX);
        dt_buf_init(&x->v[x->n], DT_STORE_VALUE_MAX);
        ok(dt_col_blob(st, 0, DT_STORE_VALUE_MAX, &v));
        ok(dt_buf_set(&x->v[x->n], v));
        x->n++;
    }
    dt_stmt_done(&st);
    dt_db_close(db);
}

size_t
values_left(const struct world *w, const char *name, const struct values *x)
{
    static const char *const endings[] = {"", "-wal"};
    bool there[VALUES_MAX] = {false};
    size_t n = 0;

    for (size_t e = 0; e < 2; e++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(64u << 20);
        char path[160];

        store_path(w, name, endings[e], path);
        if (dt_file_read(path, &file) != DT_OK)
            continue;
        for (size_t i = 0; i < x->n; i++)
            for (size_t at = 0; at + 32 <= x->v[i].n && !there[i]; at += 32)
                there[i] = memmem(file.p, file.n, x->v[i].p + at, 32) != NULL;
    }
    for (size_t i = 0; i < x->n; i++)
        n += there[i];
    return n;
}

struct search {
    struct dt_view needle;
    size_t n;
};

static enum dt_err
look(void *ctx, const struct dt_store_walked *row)
{
    struct search *s = ctx;

    s->n +=
        memmem(row->key.p, row->key.n, s->needle.p, s->needle.n) != NULL ||
        (row->value.n > 0 && memmem(row->value.p, row->value.n, s->needle.p, s->needle.n) != NULL);
    return DT_OK;
}

size_t
rows_with(struct dt_agent *a, struct dt_view needle)
{
    struct search s = {.needle = needle};
    char name[DT_STORE_TABLE_NAME] = "";
    enum dt_err err;

    while ((err = dt_store_table_next(a->store, name)) == DT_OK)
        ok(dt_store_walk(a->store, name, NULL, 0, look, &s));
    is(err, DT_ERR_NOT_FOUND);
    return s.n;
}
