/*
 * instrument/csv.c - RFC 4180 tables, read within bounds.
 *
 * Source: RFC 4180 section 2. Layer: instrument.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "instrument/csv.h"

#define CSV_CELLS (1u << 20)

void
dt_csv_clear(struct dt_csv *t)
{
    if (t == NULL)
        return;
    dt_buf_clear(&t->store);
    dt_free(t->cells);
    memset(t, 0, sizeof *t);
}

/* Where the parser stands. Fields are copied to table->store, which never moves: its room is made
 * first. */
struct parse {
    struct dt_view in;
    size_t at, line;
    struct dt_csv *t;
    size_t n_cells, cap;
};

static enum dt_err
put_cell(struct parse *p, size_t from)
{
    struct dt_view cell = dt_view(p->t->store.p + from, p->t->store.n - from);

    if (cell.n > DT_CSV_FIELD)
        return dt_fail(DT_ERR_LIMIT, "line %zu: a field of more than %u bytes", p->line,
                       DT_CSV_FIELD);
    if (p->n_cells == p->cap) {
        size_t cap = p->cap == 0 ? 256 : p->cap * 2;
        struct dt_view *cells;

        if (p->n_cells >= CSV_CELLS)
            return dt_fail(DT_ERR_LIMIT, "more than %u fields", CSV_CELLS);
        cells = dt_realloc(p->t->cells, cap, sizeof *cells);
        if (cells == NULL)
            return dt_nomem();
        p->t->cells = cells;
        p->cap = cap;
    }
    p->t->cells[p->n_cells++] = cell;
    return DT_OK;
}

/* One field; *out_more: a comma follows it. */
static enum dt_err
read_field(struct parse *p, bool *out_more)
{
    struct dt_buf *store = &p->t->store;
    size_t from = store->n, line = p->line;
    bool quoted = p->at < p->in.n && p->in.p[p->at] == '"';
    enum dt_err err;

    if (quoted)
        p->at++;
    for (;; p->at++) {
        uint8_t c;

        if (p->at == p->in.n) {
            if (quoted)
                return dt_fail(DT_ERR_FORMAT, "line %zu: a quoted field does not end", line);
            break;
        }
        c = p->in.p[p->at];
        if (quoted && c == '"') {
            if (p->at + 1 < p->in.n && p->in.p[p->at + 1] == '"') {
                p->at++;
            } else {
                p->at++;
                if (p->at < p->in.n && p->in.p[p->at] != ',' && p->in.p[p->at] != '\n' &&
                    p->in.p[p->at] != '\r')
                    return dt_fail(DT_ERR_FORMAT, "line %zu: text after the end of a quoted field",
                                   p->line);
                break;
            }
        } else if (!quoted && (c == ',' || c == '\n' || c == '\r')) {
            break;
        } else if (!quoted && c == '"') {
            return dt_fail(DT_ERR_FORMAT, "line %zu: a quote inside a field that is not quoted",
                           p->line);
        }
        if (c == '\n')
            p->line++;
        if ((err = dt_buf_append(store, dt_view(&c, 1))) != DT_OK)
            return err;
    }
    if ((err = put_cell(p, from)) != DT_OK)
        return err;
    *out_more = p->at < p->in.n && p->in.p[p->at] == ',';
    if (*out_more) {
        p->at++;
        return DT_OK;
    }
    if (p->at < p->in.n && p->in.p[p->at] == '\r') {
        p->at++;
        if (p->at == p->in.n || p->in.p[p->at] != '\n')
            return dt_fail(DT_ERR_FORMAT, "line %zu: a carriage return without its line feed",
                           p->line);
    }
    if (p->at < p->in.n) {
        p->at++;
        p->line++;
    }
    return DT_OK;
}

enum dt_err
dt_csv_read(struct dt_view text, struct dt_csv *out)
{
    DT_CLEANUP(dt_csv_clear) struct dt_csv t = {0};
    struct parse p = {.in = text, .line = 1, .t = &t};
    enum dt_err err;

    if (text.n > DT_CSV_FILE_MAX)
        return dt_fail(DT_ERR_LIMIT, "a table has at most %u bytes", DT_CSV_FILE_MAX);
    if (!dt_utf8_valid(text) || (text.n > 0 && memchr(text.p, '\0', text.n) != NULL))
        return dt_fail(DT_ERR_FORMAT, "the table is not UTF-8 text");
    /* A byte order mark says nothing in UTF-8 and would stand in the first column's name. */
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        p.at = 3;
    dt_buf_init(&t.store, DT_CSV_FILE_MAX + 1);
    if ((err = dt_buf_reserve(&t.store, text.n + 1)) != DT_OK)
        return err;
    while (p.at < text.n) {
        size_t n = 0, line = p.line;
        bool more = true;

        if (t.n_rows == DT_CSV_ROWS)
            return dt_fail(DT_ERR_LIMIT, "more than %u rows", DT_CSV_ROWS);
        for (; more; n++) {
            if (n == DT_CSV_COLUMNS)
                return dt_fail(DT_ERR_LIMIT, "line %zu: more than %u columns", line,
                               DT_CSV_COLUMNS);
            if ((err = read_field(&p, &more)) != DT_OK)
                return err;
        }
        if (t.n_rows > 0 && n != t.n_columns)
            return dt_fail(DT_ERR_FORMAT, "line %zu: %zu fields where the header has %zu", line, n,
                           t.n_columns);
        t.n_columns = n;
        t.n_rows++;
    }
    if (t.n_rows == 0)
        return dt_fail(DT_ERR_FORMAT, "an empty table: not even a header");
    *out = t;
    memset(&t, 0, sizeof t);
    return DT_OK;
}

struct dt_view
dt_csv_cell(const struct dt_csv *t, size_t row, size_t column)
{
    if (row >= t->n_rows || column >= t->n_columns)
        return dt_view(NULL, 0);
    return t->cells[row * t->n_columns + column];
}

enum dt_err
dt_csv_column(const struct dt_csv *t, const char *name, size_t *out)
{
    for (size_t i = 0; i < t->n_columns; i++)
        if (dt_view_equal(dt_csv_cell(t, 0, i), dt_view_str(name))) {
            *out = i;
            return DT_OK;
        }
    return dt_fail(DT_ERR_NOT_FOUND, "the table has no column '%s'", name);
}

enum dt_err
dt_csv_put(struct dt_buf *out, struct dt_view field)
{
    /* At the start of a file it would be taken for a byte order mark. */
    bool quote = field.n >= 3 && memcmp(field.p, "\xef\xbb\xbf", 3) == 0;
    enum dt_err err;

    for (size_t i = 0; i < field.n; i++)
        quote = quote || field.p[i] == ',' || field.p[i] == '"' || field.p[i] == '\n' ||
                field.p[i] == '\r';
    if (!quote)
        return dt_buf_append(out, field);
    if ((err = dt_buf_append(out, dt_view_str("\""))) != DT_OK)
        return err;
    for (size_t i = 0; i < field.n; i++) {
        if (field.p[i] == '"' && (err = dt_buf_append(out, dt_view_str("\""))) != DT_OK)
            return err;
        if ((err = dt_buf_append(out, dt_view(field.p + i, 1))) != DT_OK)
            return err;
    }
    return dt_buf_append(out, dt_view_str("\""));
}
