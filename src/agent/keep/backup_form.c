/*
 * agent/keep/backup_form.c - see backup_form.h: what is in a backup, and its bytes.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/keep/backup_form.h"

#define FORM_VERSION 1
#define HEAD_LEN     (1u + 32u + 32u + 8u + 8u)
#define ROW_EXTRA    1024u /* table, key, parent and lengths */
#define TOLD_EVERY   256u  /* rows */

/* Every table of a store (docs/protocol-agent.md "Store"). A new one is put into one of the lists:
 * the test of backups finds tables that are in neither. */
static const char *const kept[] = {
    "self",
    "letter",
    "revocation",
    "channel",
    "channel_number",
    "talk",
    "talk_data",
    "understood",
    "file",
    "chunk",
    "keep",
    "trace",
    "destroyed",
    "gone",
    "record",
    "register",
    "register_seal",
    "register_submit",
    "register_note",
    "register_group",
    "register_owed",
    "register_evidence",
    "alarm",
    "alarm_same",
    "stick",
    "shift",
    "note",
    "claims",
    "opened",
    "template",
    "raw",
    "rejoin_ask",
    /* no record says when a line was tested, and what is due goes by it */
    "line_log",
    /* session keys: who does not have its own any more can never release them */
    "spent",
    "released",
};

static const char *const left[] = {
    /* what was typed and not sent */
    "draft",
    /* group state, and the keys of key packages */
    "group_key",
    "group_state",
    "epoch",
    "answer",
    "invitation",
    "invitation_number",
    "admission",
    "rejoin",
    "welcome",
    /* what waits to be sent, and what was sealed under a state */
    "intent",
    "outbox",
    "made",
    /* queues: positions, what was shown there, and what follows from it */
    "here",
    "here_early",
    "lapse",
    "transcript",
    "transcript_at",
    "transcript_cursor",
    "receipt",
    "claim",
    "copy",
    "coming",
    "awaited",
    "awaited_record",
    "shown",
    "shown_commit",
    "review",
    "told",
    "closing",
    "cut",
    "closed",
    "held",
    "register_heard",
    /* of a line as this seat heard it: another seat begins to listen anew */
    "line",
    "line_heard",
    "line_miss",
    "line_slot",
    "line_own",
    "line_ask",
    /* pre-shared keys */
    "courier",
    "courier_ack",
    "courier_done",
    /* made anew from the records */
    "due",
};

enum dt_err
dt_backup_table(const char *table, bool *out_kept)
{
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (strcmp(kept[i], table) == 0) {
            *out_kept = true;
            return DT_OK;
        }
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        if (strcmp(left[i], table) == 0) {
            *out_kept = false;
            return DT_OK;
        }
    return dt_fail(DT_ERR_NOT_FOUND, "table %s is in no list of the backup", table);
}

bool
dt_backup_self(struct dt_view name)
{
    static const char *const rows[] = {"charter", "amendments", "grant",       "identity",
                                       "letter",  "relay_file", "rotate_every"};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (dt_view_equal(name, dt_view_str(rows[i])))
            return true;
    return false;
}

/* ---- writing ---- */

enum dt_err
dt_backup_head_put(struct dt_sealed_out *f, const struct dt_backup_report *r, uint64_t about)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(HEAD_LEN);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_u8(&w, FORM_VERSION);
    dt_write_view(&w, dt_view_of(r->forum));
    dt_write_view(&w, dt_view_of(r->delegate_key));
    dt_write_u64(&w, r->time_ms);
    dt_write_u64(&w, about);
    err = dt_writer_end(&w);
    return err != DT_OK ? err : dt_sealed_put(f, dt_buf_view(&b));
}

enum dt_err
dt_backup_row_put(struct dt_sealed_out *f, const struct dt_backup_row *row)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_STORE_VALUE_MAX + ROW_EXTRA);
    DT_CLEANUP(dt_buf_clear) struct dt_buf length = DT_BUF_INIT(4);
    struct dt_writer w = dt_writer_init(&b);
    struct dt_writer n = dt_writer_init(&length);
    enum dt_err err;

    dt_write_str(&w, row->table);
    dt_write_vec(&w, row->key);
    dt_write_vec(&w, row->parent);
    dt_write_u64(&w, row->seq);
    dt_write_vec(&w, row->value);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    dt_write_u32(&n, (uint32_t)b.n);
    if ((err = dt_writer_end(&n)) != DT_OK ||
        (err = dt_sealed_put(f, dt_buf_view(&length))) != DT_OK)
        return err;
    return dt_sealed_put(f, dt_buf_view(&b));
}

enum dt_err
dt_backup_end_put(struct dt_sealed_out *f, uint64_t rows)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(12);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_u32(&w, 0);
    dt_write_u64(&w, rows);
    err = dt_writer_end(&w);
    return err != DT_OK ? err : dt_sealed_put(f, dt_buf_view(&b));
}

/* ---- reading ---- */

static enum dt_err
broken(void)
{
    return dt_fail(DT_ERR_FORMAT, "the text in the backup is none that this program wrote");
}

static enum dt_err
read_head(struct dt_sealed_in *f, struct dt_backup_report *out, uint64_t *about)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(HEAD_LEN);
    struct dt_reader r;
    uint8_t version = 0;
    enum dt_err err = dt_sealed_get(f, HEAD_LEN, &b);

    if (err != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&b));
    if (dt_read_u8(&r, &version) != DT_OK || version != FORM_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a backup of version %u is not known here", version);
    if (dt_read_fixed(&r, out->forum, 32) != DT_OK ||
        dt_read_fixed(&r, out->delegate_key, 32) != DT_OK ||
        dt_read_u64(&r, &out->time_ms) != DT_OK || dt_read_u64(&r, about) != DT_OK ||
        dt_read_end(&r) != DT_OK)
        return broken();
    return DT_OK;
}

static enum dt_err
row_decode(struct dt_view v, struct dt_backup_row *row)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view table;
    bool is_kept = false;

    if (dt_read_vec(&r, sizeof row->table - 1, &table) != DT_OK || table.n == 0 ||
        memchr(table.p, '\0', table.n) != NULL ||
        dt_read_vec(&r, DT_STORE_KEY_MAX, &row->key) != DT_OK ||
        dt_read_vec(&r, DT_STORE_KEY_MAX, &row->parent) != DT_OK ||
        dt_read_u64(&r, &row->seq) != DT_OK || row->seq > INT64_MAX ||
        dt_read_vec(&r, DT_STORE_VALUE_MAX, &row->value) != DT_OK || dt_read_end(&r) != DT_OK)
        return broken();
    memcpy(row->table, table.p, table.n);
    row->table[table.n] = '\0';
    if (dt_backup_table(row->table, &is_kept) != DT_OK || !is_kept ||
        (strcmp(row->table, "self") == 0 && !dt_backup_self(row->key)))
        return dt_fail(DT_ERR_FORMAT, "the backup holds what no backup of this program holds");
    return DT_OK;
}

static void
count(const struct dt_backup_row *row, struct dt_backup_report *out)
{
    out->rows++;
    out->channels += strcmp(row->table, "channel") == 0;
    out->talk += strcmp(row->table, "talk") == 0;
    out->records +=
        strcmp(row->table, "record") == 0 && dt_view_equal(row->parent, dt_view_str("all"));
}

static enum dt_err
read_u(struct dt_sealed_in *f, size_t n, uint64_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8);
    enum dt_err err = dt_sealed_get(f, n, &b);

    *out = 0;
    for (size_t i = 0; err == DT_OK && i < n; i++)
        *out = *out << 8 | b.p[i];
    return err;
}

enum dt_err
dt_backup_read(struct dt_sealed_in *f, const struct dt_keep_progress *progress,
               enum dt_err (*fn)(void *ctx, const struct dt_backup_row *row), void *ctx,
               struct dt_backup_report *out)
{
    uint64_t about = 0, n = 0, rows = 0;
    enum dt_err err;

    *out = (struct dt_backup_report){0};
    if ((err = read_head(f, out, &about)) != DT_OK)
        return err;
    while ((err = read_u(f, 4, &n)) == DT_OK && n != 0) {
        DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_STORE_VALUE_MAX + ROW_EXTRA);
        struct dt_backup_row row;

        if (n > b.max)
            return broken();
        if ((err = dt_sealed_get(f, (size_t)n, &b)) != DT_OK ||
            (err = row_decode(dt_buf_view(&b), &row)) != DT_OK ||
            (fn != NULL && (err = fn(ctx, &row)) != DT_OK))
            return err;
        count(&row, out);
        if (progress != NULL && progress->fn != NULL && out->rows % TOLD_EVERY == 0)
            progress->fn(progress->ctx, out->rows, about);
    }
    if (err != DT_OK || (err = read_u(f, 8, &rows)) != DT_OK || (err = dt_sealed_end(f)) != DT_OK)
        return err;
    return rows == out->rows ? DT_OK : broken();
}
