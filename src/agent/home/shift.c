/*
 * agent/home/shift.c - see shift.h. Table "shift": number -> who, from whom, since when, note, what
 * was open.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"

#include "agent/core.h"
#include "agent/home/shift.h"
#include "agent/talk/receipt.h"

#define SHIFT_VERSION 1
#define SHIFT_MAX     2048u

static enum dt_err
decode(const struct dt_store_row *row, struct dt_shift_info *out)
{
    struct dt_reader r = dt_reader_init(dt_buf_view(&row->value));
    uint8_t version = 0;
    enum dt_err err;

    *out = (struct dt_shift_info){.number = row->seq};
    if ((err = dt_read_u8(&r, &version)) != DT_OK || version != SHIFT_VERSION ||
        (err = dt_read_u64(&r, &out->begun_ms)) != DT_OK ||
        (err = dt_read_str(&r, DT_AGENT_NAME_MAX, out->name)) != DT_OK ||
        (err = dt_read_str(&r, DT_AGENT_NAME_MAX, out->from)) != DT_OK ||
        (err = dt_read_str(&r, DT_SHIFT_NOTE_MAX, out->note)) != DT_OK ||
        (err = dt_read_u64(&r, &out->open.to_send)) != DT_OK ||
        (err = dt_read_u64(&r, &out->open.receipts)) != DT_OK ||
        (err = dt_read_u64(&r, &out->open.alarms)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "a row of the store is damaged");
    return DT_OK;
}

static enum dt_err
keep(struct dt_agent *a, const struct dt_shift_info *x)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(SHIFT_MAX);
    struct dt_writer w = dt_writer_init(&value);
    uint8_t key[8];
    enum dt_err err;

    dt_write_u8(&w, SHIFT_VERSION);
    dt_write_u64(&w, x->begun_ms);
    dt_write_str(&w, x->name);
    dt_write_str(&w, x->from);
    dt_write_str(&w, x->note);
    dt_write_u64(&w, x->open.to_send);
    dt_write_u64(&w, x->open.receipts);
    dt_write_u64(&w, x->open.alarms);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(x->number >> (56 - 8 * i));
    return dt_store_put(a->store, "shift", dt_view_of(key), dt_view(NULL, 0), x->number,
                        dt_buf_view(&value));
}

/* ---- what is open ---- */

/* Members of a channel who owe a receipt, or of whom one says that they were shown something else.
 */
static enum dt_err
count_receipts(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t *count)
{
    DT_CLEANUP(dt_free_p) struct dt_receipt_info *r = NULL;
    uint64_t now = dt_agent_now(a);
    size_t n = 0;
    enum dt_err err = dt_agent_receipts(a, group_id, &r, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++)
        *count += r[i].differs || r[i].ahead ||
                  (r[i].missing && now > r[i].missing_since_ms &&
                   now - r[i].missing_since_ms > dt_agent_receipt_limit(a));
    return err;
}

enum dt_err
dt_agent_shift_open(struct dt_agent *a, struct dt_shift_open *out)
{
    DT_CLEANUP(dt_free_p) struct dt_channel_info *channels = NULL;
    DT_CLEANUP(dt_free_p) struct dt_alarm_info *alarms = NULL;
    size_t n = 0, n_alarms = 0;
    enum dt_err err;

    *out = (struct dt_shift_open){0};
    if ((err = dt_agent_channels(a, &channels, &n)) != DT_OK ||
        (err = dt_agent_alarms(a, &alarms, &n_alarms)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        out->to_send += channels[i].to_send;
        if (channels[i].state == DT_CHANNEL_LIVE &&
            (err = count_receipts(a, channels[i].group_id, &out->receipts)) != DT_OK)
            return err;
    }
    out->alarms = n_alarms;
    return DT_OK;
}

/* ---- shifts ---- */

enum dt_err
dt_agent_shift(struct dt_agent *a, struct dt_shift_info *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_last(a->store, "shift", dt_view(NULL, 0), &row);

    return err != DT_OK ? err : decode(&row, out);
}

static enum dt_err
take_text(const char *in, size_t max, const char *what, char *out)
{
    size_t n = strlen(in);

    if (n > max || !dt_utf8_line(dt_view_str(in)))
        return dt_fail(DT_ERR_RANGE, "the %s must be one line of at most %zu bytes of UTF-8", what,
                       max);
    memcpy(out, in, n + 1);
    return DT_OK;
}

static enum dt_err
hand_over(struct dt_agent *a, struct dt_shift_info *x)
{
    struct dt_shift_info before = {0};
    enum dt_err err = dt_agent_shift(a, &before);

    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    if (err == DT_OK && strcmp(before.name, x->name) == 0)
        return dt_fail(DT_ERR_EXISTS, "the one named has the desk already");
    x->number = before.number + 1;
    memcpy(x->from, before.name, sizeof x->from);
    return keep(a, x);
}

enum dt_err
dt_agent_shift_hand_over(struct dt_agent *a, const char *to, const char *note,
                         struct dt_shift_info *out)
{
    struct dt_shift_info x = {.begun_ms = dt_agent_now(a)};
    enum dt_err err;

    if ((err = take_text(to, DT_AGENT_NAME_MAX, "name", x.name)) != DT_OK ||
        (err = take_text(note, DT_SHIFT_NOTE_MAX, "note", x.note)) != DT_OK)
        return err;
    if (x.name[0] == '\0')
        return dt_fail(DT_ERR_RANGE, "who takes the desk over needs a name");
    if ((err = dt_agent_shift_open(a, &x.open)) != DT_OK ||
        (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_store_end(a->store, hand_over(a, &x))) == DT_OK)
        *out = x;
    return err;
}

enum dt_err
dt_agent_shifts(struct dt_agent *a, size_t most, struct dt_shift_info **out, size_t *out_n)
{
    struct dt_shift_info last;
    struct dt_shift_info *v = NULL;
    uint64_t at = 1;
    size_t n = 0;
    enum dt_err err = dt_agent_shift(a, &last);

    *out = NULL;
    *out_n = 0;
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    if (last.number > most)
        at = last.number - most + 1;
    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        struct dt_shift_info *grown;

        err = dt_store_next(a->store, "shift", dt_view(NULL, 0), at, &row);
        if (err != DT_OK)
            break;
        grown = dt_realloc(v, n + 1, sizeof *v);
        if (grown == NULL) {
            err = dt_nomem();
            break;
        }
        v = grown;
        if ((err = decode(&row, &v[n])) != DT_OK)
            break;
        n++;
        at = row.seq + 1;
    }
    if (err != DT_ERR_NOT_FOUND) {
        dt_free(v);
        return err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}
