/*
 * agent/alarm.c - what went wrong, kept for people: added where it is noticed, listed by the
 * programs.
 *
 * Source: docs/protocol-agent.md "Status".
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/core.h"

#define ALARM_MAX 2048u

enum dt_err
dt_alarm_add(struct dt_agent *a, enum dt_alarm_kind kind, const uint8_t *group_id,
             uint64_t position, const struct dt_person *who, const char *fmt, ...)
{
    static const uint8_t nobody[32];
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(ALARM_MAX);
    struct dt_writer w = dt_writer_init(&value);
    char text[240];
    uint64_t seq = 0;
    uint8_t key[8];
    va_list ap;
    enum dt_err err;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_store_next_seq(a->store, "alarm", dt_view(NULL, 0), &seq)) == DT_OK) {
        for (size_t i = 0; i < sizeof key; i++)
            key[i] = (uint8_t)(seq >> (56 - 8 * i));
        dt_write_u8(&w, (uint8_t)kind);
        dt_write_optional(&w, group_id != NULL);
        dt_write_view(&w, dt_view(group_id != NULL ? group_id : nobody, 32));
        dt_write_u64(&w, position);
        dt_write_u64(&w, dt_agent_now(a));
        dt_write_optional(&w, who != NULL);
        dt_write_view(&w, dt_view(who != NULL ? who->letter_hash : nobody, 32));
        dt_write_str(&w, text);
        if ((err = dt_writer_end(&w)) == DT_OK)
            err = dt_store_put(a->store, "alarm", dt_view_of(key), dt_view(NULL, 0), seq,
                               dt_buf_view(&value));
    }
    return dt_store_end(a->store, err);
}

static enum dt_err
alarm_decode(struct dt_agent *a, struct dt_view v, struct dt_alarm_info *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct dt_reader r = dt_reader_init(v);
    struct dt_view text;
    uint8_t kind = 0, hash[32];
    size_t party = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &kind)) != DT_OK ||
        (err = dt_read_optional(&r, &out->has_group)) != DT_OK ||
        (err = dt_read_fixed(&r, out->group_id, 32)) != DT_OK ||
        (err = dt_read_u64(&r, &out->position)) != DT_OK ||
        (err = dt_read_u64(&r, &out->time_ms)) != DT_OK ||
        (err = dt_read_optional(&r, &out->has_who)) != DT_OK ||
        (err = dt_read_fixed(&r, hash, 32)) != DT_OK ||
        (err = dt_read_vec(&r, sizeof out->text - 1, &text)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "alarm row");
    out->kind = (enum dt_alarm_kind)kind;
    if (text.n > 0)
        memcpy(out->text, text.p, text.n);
    out->text[text.n] = '\0';
    if (out->has_who) {
        out->has_who = dt_letter_load(a, hash, &l, &party, NULL) == DT_OK;
        if (out->has_who)
            dt_person_from(a, &l, party, &out->who);
    }
    return DT_OK;
}

enum dt_err
dt_agent_alarms(struct dt_agent *a, struct dt_alarm_info **out, size_t *out_n)
{
    struct dt_alarm_info *v = NULL;
    size_t n = 0;
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        struct dt_alarm_info *grown;

        if ((err = dt_store_next(a->store, "alarm", dt_view(NULL, 0), at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        grown = dt_realloc(v, n + 1, sizeof *v);
        if (grown == NULL) {
            err = dt_nomem();
            break;
        }
        v = grown;
        v[n] = (struct dt_alarm_info){.seq = row.seq};
        if ((err = alarm_decode(a, dt_buf_view(&row.value), &v[n])) != DT_OK)
            break;
        n++;
    }
    if (err != DT_ERR_NOT_FOUND) {
        dt_free(v);
        return err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}
