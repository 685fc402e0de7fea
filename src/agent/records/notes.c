/*
 * agent/records/notes.c - see notes.h.
 *
 * Tables "note" and "claims": name of the import, parent "all", seq running -> uint64 kept_ms,
 * uint64 n, opaque name<V>, opaque body<V>: notes (instrument/contact_notes.c), or a CSV table.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"

#include "agent/core.h"
#include "agent/records/notes.h"

#define ALL      "all"
#define NOTE     "note"
#define CLAIMS   "claims"
#define BODY_MAX (32u << 20)

struct row {
    struct dt_source_info info;
    struct dt_view body;
};

static enum dt_err
row_read(struct dt_view value, struct row *out)
{
    struct dt_reader r = dt_reader_init(value);
    struct dt_view name = {0};
    enum dt_err err;

    if ((err = dt_read_u64(&r, &out->info.kept_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &out->info.n)) != DT_OK ||
        (err = dt_read_vec(&r, DT_SOURCE_NAME_MAX, &name)) != DT_OK ||
        (err = dt_read_vec(&r, BODY_MAX, &out->body)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "an import in the store");
    memcpy(out->info.name, name.p, name.n);
    out->info.name[name.n] = '\0';
    return DT_OK;
}

static enum dt_err
check_source(const char *source)
{
    size_t n = strlen(source);

    if (n == 0 || n > DT_SOURCE_NAME_MAX || !dt_utf8_line(dt_view_str(source)))
        return dt_fail(DT_ERR_FORMAT, "an import has a name of one line, at most %u bytes",
                       DT_SOURCE_NAME_MAX);
    return DT_OK;
}

/* The row of ${source}, read into ${value}. NOT_FOUND. */
static enum dt_err
find(struct dt_agent *a, const char *table, const char *source, struct dt_buf *value,
     struct row *out)
{
    enum dt_err err = dt_store_get_blob(dt_agent_store(a), table, dt_view_str(source), value);

    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(err, "nothing was imported under the name '%s'", source);
    return err != DT_OK ? err : row_read(dt_buf_view(value), out);
}

/* Inside a transaction: put it where it was, or behind the others. */
static enum dt_err
put(struct dt_agent *a, const char *table, const char *source, uint64_t n, struct dt_view body)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(BODY_MAX + 256u);
    struct dt_store *s = dt_agent_store(a);
    struct dt_writer w = dt_writer_init(&value);
    uint64_t seq = 0, count = 0;
    enum dt_err err;

    dt_write_u64(&w, dt_agent_now(a));
    dt_write_u64(&w, n);
    dt_write_str(&w, source);
    dt_write_vec(&w, body);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return dt_fail_context(err, "an import");
    err = dt_store_del(s, table, dt_view_str(source));
    if ((err != DT_OK && err != DT_ERR_NOT_FOUND) ||
        (err = dt_store_count(s, table, dt_view_str(ALL), &count)) != DT_OK)
        return err;
    if (count >= DT_SOURCES_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %u imports", DT_SOURCES_MAX);
    if ((err = dt_store_next_seq(s, table, dt_view_str(ALL), &seq)) != DT_OK)
        return err;
    return dt_store_put(s, table, dt_view_str(source), dt_view_str(ALL), seq, dt_buf_view(&value));
}

/* ---- notes ---- */

enum dt_err
dt_agent_notes_keep(struct dt_agent *a, const char *source, const struct dt_notes *notes,
                    size_t *out_before)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf body = DT_BUF_INIT(BODY_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(BODY_MAX + 256u);
    struct dt_store *s = dt_agent_store(a);
    struct row before = {0};
    enum dt_err err;

    if ((err = check_source(source)) != DT_OK || (err = dt_notes_encode(notes, &body)) != DT_OK ||
        (err = dt_store_begin(s)) != DT_OK)
        return err;
    err = find(a, NOTE, source, &value, &before);
    if (err == DT_OK || err == DT_ERR_NOT_FOUND)
        err = put(a, NOTE, source, notes->n, dt_buf_view(&body));
    err = dt_store_end(s, err);
    if (err == DT_OK)
        *out_before = (size_t)before.info.n;
    return err;
}

void
dt_agent_notes_free(struct dt_agent_notes *n)
{
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->n_sources; i++)
        dt_buf_wipe(&n->stores[i]);
    dt_free(n->stores);
    dt_free(n->sources);
    dt_free(n->notes);
    *n = (struct dt_agent_notes){0};
}

/* Append the notes of one import. Its name is borrowed from sources[], which does not move. */
static enum dt_err
add(struct dt_agent_notes *n, const struct row *row)
{
    DT_CLEANUP(dt_notes_clear) struct dt_notes one = {0};
    struct dt_contact_note *more;
    enum dt_err err;

    n->sources[n->n_sources - 1] = row->info;
    if ((err = dt_notes_decode(row->body, &one)) != DT_OK || one.n == 0)
        return err;
    more = dt_realloc(n->notes, n->n + one.n, sizeof *more);
    if (more == NULL)
        return dt_nomem();
    n->notes = more;
    for (size_t i = 0; i < one.n; i++) {
        n->notes[n->n] = one.notes[i];
        n->notes[n->n++].source = dt_view_str(n->sources[n->n_sources - 1].name);
    }
    return DT_OK;
}

enum dt_err
dt_agent_notes(struct dt_agent *a, struct dt_agent_notes *out)
{
    DT_CLEANUP(dt_agent_notes_free) struct dt_agent_notes n = {0};
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t at = 0;
    enum dt_err err;

    n.stores = dt_alloc(DT_SOURCES_MAX, sizeof *n.stores);
    n.sources = dt_alloc(DT_SOURCES_MAX, sizeof *n.sources);
    if (n.stores == NULL || n.sources == NULL)
        return dt_nomem();
    while (n.n_sources < DT_SOURCES_MAX &&
           (err = dt_store_next(dt_agent_store(a), NOTE, dt_view_str(ALL), at, &row)) == DT_OK) {
        struct dt_buf *store = &n.stores[n.n_sources];
        struct row read = {0};

        dt_buf_init(store, BODY_MAX + 256u);
        n.n_sources++;
        if ((err = dt_buf_append(store, dt_buf_view(&row.value))) != DT_OK ||
            (err = row_read(dt_buf_view(store), &read)) != DT_OK || (err = add(&n, &read)) != DT_OK)
            return err;
        at = row.seq + 1;
    }
    if (n.n_sources < DT_SOURCES_MAX && err != DT_ERR_NOT_FOUND)
        return err;
    *out = n;
    n = (struct dt_agent_notes){0};
    return DT_OK;
}

enum dt_err
dt_agent_notes_forget(struct dt_agent *a, const char *source)
{
    enum dt_err err = dt_store_del(dt_agent_store(a), NOTE, dt_view_str(source));

    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(err, "nothing was imported under the name '%s'", source);
    return err;
}

/* ---- claims ---- */

enum dt_err
dt_agent_claims_keep(struct dt_agent *a, const char *source, struct dt_view csv, size_t n)
{
    struct dt_store *s = dt_agent_store(a);
    enum dt_err err;

    if ((err = check_source(source)) != DT_OK || (err = dt_store_begin(s)) != DT_OK)
        return err;
    return dt_store_end(s, put(a, CLAIMS, source, n, csv));
}

enum dt_err
dt_agent_claims(struct dt_agent *a, const char *source, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(BODY_MAX + 256u);
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct dt_store *s = dt_agent_store(a);
    struct row read = {0};
    uint64_t count = 0;
    enum dt_err err;

    if (source != NULL) {
        if ((err = find(a, CLAIMS, source, &value, &read)) != DT_OK)
            return err;
        return dt_buf_append(out, read.body);
    }
    if ((err = dt_store_count(s, CLAIMS, dt_view_str(ALL), &count)) != DT_OK)
        return err;
    if (count > 1)
        return dt_fail(DT_ERR_CONFLICT, "%llu tables of claims were imported here: name one",
                       (unsigned long long)count);
    err = dt_store_next(s, CLAIMS, dt_view_str(ALL), 0, &row);
    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(err, "no claims were imported here; see detente claims import");
    if (err != DT_OK || (err = row_read(dt_buf_view(&row.value), &read)) != DT_OK)
        return err;
    return dt_buf_append(out, read.body);
}
