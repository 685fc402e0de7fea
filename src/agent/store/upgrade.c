/*
 * agent/store/upgrade.c - a store of schema 1 becomes one of schema 2.
 *
 * Source: docs/protocol-agent.md "Spans". Schema 1 had one digest over all rows, which each opening
 * made anew: it is made here for the last time. That digest did not cover parents and sequence
 * numbers; each value's seal does, so each value is opened once.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/store/internal.h"

static enum dt_err
old_flip(struct dt_store *s, struct dt_buf *text, struct dt_view table, struct dt_view name,
         uint64_t version, uint8_t digest[static DT_SHA256])
{
    struct dt_writer w;
    uint8_t tag[DT_SHA256];
    enum dt_err err;

    text->n = 0;
    w = dt_writer_init(text);
    dt_write_u8(&w, 'd');
    dt_write_vec(&w, table);
    dt_write_vec(&w, name);
    dt_write_u64(&w, version);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_keyed_tag(&s->name_key, dt_buf_view(text), tag)) != DT_OK)
        return err;
    for (size_t i = 0; i < sizeof tag; i++)
        digest[i] ^= tag[i];
    return DT_OK;
}

static enum dt_err
old_digest(struct dt_store *s, uint8_t out[static DT_SHA256])
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(512);
    bool more = false;
    enum dt_err err = dt_db_prepare(s->db, "SELECT tab, name, version FROM row", &st);

    memset(out, 0, DT_SHA256);
    while (err == DT_OK && (err = dt_stmt_step(st, &more)) == DT_OK && more) {
        struct dt_view table, name;
        uint64_t version = 0;

        if (dt_col_text(st, 0, DT_SPAN_TABLE_MAX, &table) != DT_OK ||
            dt_col_blob(st, 1, DT_SPAN_NAME, &name) != DT_OK ||
            dt_col_u64(st, 2, INT64_MAX, &version) != DT_OK)
            return dt_span_altered(s);
        err = old_flip(s, &text, table, name, version, out);
    }
    return err;
}

/* All rows that there are, as if they were put now. */
static enum dt_err
note_rows(struct dt_store *s, char order)
{
    DT_CLEANUP(dt_span_scan_end) struct dt_span_scan scan = {0};
    const struct dt_span_key lo = {.p = {(uint8_t)order}, .n = 1};
    bool more = false;
    enum dt_err err = dt_span_scan_begin(s, &lo, &scan);

    while (err == DT_OK && (err = dt_span_scan_next(s, &scan, NULL, &more)) == DT_OK && more)
        err = dt_spans_note(s, &scan.key, scan.version, true);
    return err;
}

enum dt_err
dt_store_upgrade(struct dt_store *s)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    uint8_t have[DT_SHA256], want[DT_SHA256];
    uint32_t schema = 0;
    enum dt_err err;

    if ((err = dt_tx_begin(s->db, &tx)) != DT_OK ||
        (err = dt_store_head_any(s, &schema, &s->number, want)) != DT_OK)
        return err;
    if (schema != 1) /* another process was quicker */
        return DT_OK;
    if ((err = old_digest(s, have)) != DT_OK)
        return err;
    if (memcmp(have, want, sizeof want) != 0)
        return dt_span_altered(s);
    if ((err = dt_db_exec(
             s->db,
             "DROP INDEX IF EXISTS row_list; DROP TABLE IF EXISTS span;" DT_STORE_SPANS_SQL)) !=
            DT_OK ||
        (err = dt_store_values_check(s)) != DT_OK || (err = dt_spans_make(s)) != DT_OK ||
        (err = note_rows(s, 'l')) != DT_OK || (err = note_rows(s, 'n')) != DT_OK ||
        (err = dt_spans_write(s)) != DT_OK || (err = dt_store_head_write(s)) != DT_OK ||
        (err = dt_db_exec(s->db, "PRAGMA user_version = 2")) != DT_OK ||
        (err = dt_tx_commit(&tx)) != DT_OK) {
        dt_spans_drop(s);
        return err;
    }
    s->seen = s->number + 1;
    return DT_OK;
}
