/*
 * pg/rows.c - rows that one INSERT after the other puts into the same table, sent as one statement
 * of many rows: a statement of its own costs the database several times what its row does.
 *
 * Rows wait while nothing but such INSERTs is run, and go before anything else is sent, so that
 * whatever looks sees them. Layer: pg.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "pg/pg_internal.h"

#define ROWS_MAX  (1u << (PG_INSERT_SIZES - 1)) /* of a statement */
#define BYTES_MAX (1u << 20)                    /* that wait for one table */

struct pg_value {
    size_t at; /* in bytes */
    int n;
    bool null;
};

/* One statement of 2^k rows, prepared when it is first needed. */
struct pg_many {
    char name[24];
    char *text;
    unsigned long prepared; /* on the connection of this number */
};

struct pg_insert {
    struct pg_insert *next; /* of those with waiting rows, in the order of their first */
    int n_params;
    char *head, *tuple,
        *tail; /* "INSERT INTO t(...) VALUES ", "($1, $2)", "" or " ON CONFLICT ..." */
    Oid types[PG_PARAMS_MAX];
    struct pg_many many[PG_INSERT_SIZES];
    size_t n;                /* rows that wait */
    struct pg_value *values; /* ROWS_MAX times n_params */
    struct dt_buf bytes;
};

/* ---- which statements ---- */

/* The end of the brackets that begin at ${p}; NULL: they do not end. */
static const char *
after_brackets(const char *p)
{
    int depth = 0;

    for (; *p != '\0'; p++) {
        if (*p == '\'')
            return NULL; /* none of ours has one here */
        depth += (*p == '(') - (*p == ')');
        if (depth == 0)
            return p + 1;
    }
    return NULL;
}

enum dt_err
pg_insert_of(const char *sent, int n_params, struct pg_insert **out)
{
    static const char values[] = " VALUES (";
    const char *at = strstr(sent, values), *end;
    struct pg_insert *x;

    *out = NULL;
    if (strncmp(sent, "INSERT INTO ", 12) != 0 || at == NULL || n_params == 0)
        return DT_OK;
    at += sizeof(values) - 2;
    end = after_brackets(at);
    if (end == NULL || (*end != '\0' && strcmp(end, " ON CONFLICT DO NOTHING") != 0))
        return DT_OK;
    if ((x = dt_alloc(1, sizeof(*x))) == NULL)
        return dt_nomem();
    dt_buf_init(&x->bytes, BYTES_MAX + PG_PARAM_BYTES_MAX);
    x->n_params = n_params;
    x->head = dt_strndup(sent, (size_t)(at - sent));
    x->tuple = dt_strndup(at, (size_t)(end - at));
    x->tail = dt_strndup(end, strlen(end));
    x->values = dt_alloc(ROWS_MAX * (size_t)n_params, sizeof(*x->values));
    if (x->values == NULL || x->head == NULL || x->tuple == NULL || x->tail == NULL) {
        pg_insert_free(x);
        return dt_nomem();
    }
    *out = x;
    return DT_OK;
}

void
pg_insert_free(struct pg_insert *x)
{
    if (x == NULL)
        return;
    for (size_t k = 0; k < PG_INSERT_SIZES; k++)
        dt_free(x->many[k].text);
    dt_buf_clear(&x->bytes);
    dt_free(x->values);
    dt_free(x->head);
    dt_free(x->tuple);
    dt_free(x->tail);
    dt_free(x);
}

/* ---- sending ---- */

static enum dt_err
put_tuple(struct dt_buf *b, const char *tuple, unsigned int first)
{
    enum dt_err err = DT_OK;

    for (const char *p = tuple; err == DT_OK && *p != '\0';) {
        unsigned int k = 0;

        if (*p != '$') {
            err = dt_buf_append(b, dt_view((const uint8_t *)p++, 1));
            continue;
        }
        for (p++; *p >= '0' && *p <= '9'; p++)
            k = 10 * k + (unsigned int)(*p - '0');
        err = dt_buf_printf(b, "$%u", first + k);
    }
    return err;
}

static enum dt_err
text_of(const struct pg_insert *x, unsigned int rows, char **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64u << 10);
    enum dt_err err = dt_buf_printf(&b, "%s", x->head);

    for (unsigned int r = 0; err == DT_OK && r < rows; r++) {
        if (r > 0)
            err = dt_buf_printf(&b, ", ");
        if (err == DT_OK)
            err = put_tuple(&b, x->tuple, r * (unsigned int)x->n_params);
    }
    if (err == DT_OK)
        err = dt_buf_printf(&b, "%s", x->tail);
    if (err == DT_OK && (*out = dt_strndup((const char *)b.p, b.n)) == NULL)
        err = dt_nomem();
    return err;
}

static enum dt_err
prepare(struct pg_db *db, struct pg_insert *x, unsigned int k)
{
    struct pg_many *m = &x->many[k];
    Oid types[ROWS_MAX * PG_PARAMS_MAX];
    int n = x->n_params << k;
    enum dt_err err;

    if (m->prepared == db->number)
        return DT_OK;
    if (m->text == NULL) {
        if ((err = text_of(x, 1u << k, &m->text)) != DT_OK)
            return err;
        (void)snprintf(m->name, sizeof(m->name), "s%u", ++db->n_sqls);
    }
    for (int i = 0; i < n; i++)
        types[i] = x->types[i % x->n_params];
    if ((err = pg_pending_add(db, PG_SENT_NOTHING, NULL, &m->prepared)) != DT_OK)
        return err;
    if (PQsendPrepare(db->conn, m->name, m->text, n, types) != 1)
        return pg_lost_now(db);
    m->prepared = db->number;
    return DT_OK;
}

/* The 2^${k} rows from the ${first}-th. */
static enum dt_err
send_rows(struct pg_db *db, struct pg_insert *x, size_t first, unsigned int k)
{
    const char *values[ROWS_MAX * PG_PARAMS_MAX];
    int lengths[ROWS_MAX * PG_PARAMS_MAX], formats[ROWS_MAX * PG_PARAMS_MAX];
    int n = x->n_params << k;
    size_t bytes = 64;
    enum dt_err err = prepare(db, x, k);

    if (err != DT_OK)
        return err;
    for (int i = 0; i < n; i++) {
        const struct pg_value *v = &x->values[first * (size_t)x->n_params + (size_t)i];

        values[i] = v->null ? NULL : (const char *)x->bytes.p + v->at;
        lengths[i] = v->n;
        formats[i] = 1;
        bytes += (size_t)v->n;
    }
    if ((err = pg_pending_add(db, PG_SENT_RUN, NULL, NULL)) != DT_OK)
        return err;
    if (PQsendQueryPrepared(db->conn, x->many[k].name, n, values, lengths, formats, 1) != 1)
        return pg_lost_now(db);
    return pg_sent(db, bytes);
}

/* The rows from the ${from}-th to before the ${to}-th, in few statements. */
static enum dt_err
send_range(struct pg_db *db, struct pg_insert *x, size_t from, size_t to)
{
    enum dt_err err = DT_OK;

    while (err == DT_OK && from < to) {
        unsigned int k = PG_INSERT_SIZES - 1;

        while ((size_t)1 << k > to - from)
            k--;
        err = send_rows(db, x, from, k);
        from += (size_t)1 << k;
    }
    return err;
}

void
pg_rows_drop(struct pg_db *db)
{
    while (db->inserts != NULL) {
        struct pg_insert *x = db->inserts;

        db->inserts = x->next;
        x->next = NULL;
        x->n = 0;
        x->bytes.n = 0;
    }
    db->latest = NULL;
}

enum dt_err
pg_rows_send(struct pg_db *db)
{
    struct pg_insert *latest = db->latest;
    size_t all = latest != NULL ? latest->n : 0;
    enum dt_err err = DT_OK;

    if (db->inserts == NULL)
        return DT_OK;
    /* The last one alone, and last, so that pg_changes() can say what it did. */
    for (struct pg_insert *x = db->inserts; err == DT_OK && x != NULL; x = x->next)
        err = send_range(db, x, 0, x == latest && db->ask_changes ? all - 1 : x->n);
    if (err == DT_OK && latest != NULL && db->ask_changes)
        err = send_range(db, latest, all - 1, all);
    pg_rows_drop(db);
    return err;
}

/* ---- taking ---- */

/* Do ${st}'s parameters have the types of the rows before, or any where there were none? */
static bool
fits(struct pg_insert *x, const struct pg_stmt *st)
{
    for (int i = 0; i < x->n_params; i++) {
        if (x->types[i] == 0 ? st->types[i] == 0 : st->types[i] != 0 && st->types[i] != x->types[i])
            return false;
    }
    for (int i = 0; i < x->n_params; i++)
        if (st->types[i] != 0)
            x->types[i] = st->types[i];
    return true;
}

static void
link_last(struct pg_db *db, struct pg_insert *x)
{
    struct pg_insert **at = &db->inserts;

    while (*at != NULL)
        at = &(*at)->next;
    *at = x;
}

bool
pg_rows_take(struct pg_db *db, const struct pg_stmt *st, enum dt_err *out_err)
{
    struct pg_insert *x = st->sql->insert;

    *out_err = DT_OK;
    if (!db->open || x == NULL || !fits(x, st))
        return false;
    if (x->n == ROWS_MAX || x->bytes.n + st->params.n > BYTES_MAX) {
        if ((*out_err = pg_rows_send(db)) != DT_OK)
            return true;
    }
    for (int i = 0; *out_err == DT_OK && i < x->n_params; i++) {
        struct pg_value *v = &x->values[x->n * (size_t)x->n_params + (size_t)i];

        *v = (struct pg_value){.at = x->bytes.n, .n = st->lengths[i], .null = st->null[i]};
        if (v->null)
            v->n = 0;
        else
            *out_err =
                dt_buf_append(&x->bytes, dt_view(st->params.p + st->at[i], (size_t)st->lengths[i]));
    }
    if (*out_err != DT_OK)
        return true;
    if (x->n++ == 0)
        link_last(db, x);
    db->latest = x;
    return true;
}
