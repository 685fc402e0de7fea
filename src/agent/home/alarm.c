/*
 * agent/home/alarm.c - what went wrong, kept for people: added where it is noticed, listed by the
 * programs.
 *
 * The same again, about the same channel and person, is counted and not kept twice: table
 * "alarm_same" has the hash of what two alarms must have in common, with the number of the row.
 *
 * Source: docs/protocol-agent.md "Alarms".
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/core.h"

#define ALARM_MAX 2048u

/* One row of table "alarm", by number: what, and how often. */
struct row {
    uint8_t kind;
    bool has_group;
    uint8_t group_id[32];
    uint64_t position;
    uint64_t time_ms;
    bool has_who;
    uint8_t letter_hash[32];
    uint64_t count;
    uint64_t last_position;
    uint64_t last_ms;
    char text[240];
};

static enum dt_err
row_write(const struct row *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u8(&w, x->kind);
    dt_write_optional(&w, x->has_group);
    dt_write_view(&w, dt_view_of(x->group_id));
    dt_write_u64(&w, x->position);
    dt_write_u64(&w, x->time_ms);
    dt_write_optional(&w, x->has_who);
    dt_write_view(&w, dt_view_of(x->letter_hash));
    dt_write_str(&w, x->text);
    dt_write_u64(&w, x->count);
    dt_write_u64(&w, x->last_position);
    dt_write_u64(&w, x->last_ms);
    return dt_writer_end(&w);
}

static enum dt_err
row_read(struct dt_view v, struct row *out)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view text;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &out->kind)) != DT_OK ||
        (err = dt_read_optional(&r, &out->has_group)) != DT_OK ||
        (err = dt_read_fixed(&r, out->group_id, 32)) != DT_OK ||
        (err = dt_read_u64(&r, &out->position)) != DT_OK ||
        (err = dt_read_u64(&r, &out->time_ms)) != DT_OK ||
        (err = dt_read_optional(&r, &out->has_who)) != DT_OK ||
        (err = dt_read_fixed(&r, out->letter_hash, 32)) != DT_OK ||
        (err = dt_read_vec(&r, sizeof out->text - 1, &text)) != DT_OK)
        return dt_fail_context(err, "alarm row");
    if (text.n > 0)
        memcpy(out->text, text.p, text.n);
    out->text[text.n] = '\0';
    out->count = 1;
    out->last_position = out->position;
    out->last_ms = out->time_ms;
    if (r.n == 0)
        return DT_OK; /* as rows were before alarms were counted */
    if ((err = dt_read_u64(&r, &out->count)) != DT_OK ||
        (err = dt_read_u64(&r, &out->last_position)) != DT_OK ||
        (err = dt_read_u64(&r, &out->last_ms)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "alarm row");
    return DT_OK;
}

static bool
is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* ${text} with a # for each number in it. Numbers are what a peer can vary as it likes; without
 * them there are as many texts as this program has, so that nobody fills a store with alarms about
 * itself, or hides the one that matters behind a thousand others. */
static void
without_numbers(const char *text, char out[static 240])
{
    size_t n = 0;

    for (const char *p = text; *p != '\0';) {
        size_t run = 0;
        bool number = n >= 2 && out[n - 1] == 'x' && out[n - 2] == '#'; /* behind 0x */

        while (is_hex(p[run])) {
            number = number || (p[run] >= '0' && p[run] <= '9');
            run++;
        }
        if (run == 0)
            run = 1;
        if (number && is_hex(*p)) {
            out[n++] = '#';
        } else {
            memcpy(out + n, p, run);
            n += run;
        }
        p += run;
    }
    out[n] = '\0';
}

/* What two alarms must have in common to be one: kind, channel, person, and the text but for the
 * numbers in it. */
static enum dt_err
same_of(const struct row *x, uint8_t out[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ALARM_MAX);
    struct dt_writer w = dt_writer_init(&b);
    char text[240];
    enum dt_err err;

    dt_write_u8(&w, x->kind);
    dt_write_optional(&w, x->has_group);
    dt_write_view(&w, dt_view_of(x->group_id));
    dt_write_optional(&w, x->has_who);
    dt_write_view(&w, dt_view_of(x->letter_hash));
    without_numbers(x->text, text);
    dt_write_str(&w, text);
    err = dt_writer_end(&w);
    return err == DT_OK ? dt_sha256(dt_buf_view(&b), out) : err;
}

static void
number_key(uint64_t seq, uint8_t out[static 8])
{
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(seq >> (56 - 8 * i));
}

static enum dt_err
row_put(struct dt_agent *a, uint64_t seq, const struct row *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(ALARM_MAX);
    uint8_t key[8];
    enum dt_err err = row_write(x, &value);

    number_key(seq, key);
    return err == DT_OK ? dt_store_put(a->store, "alarm", dt_view_of(key), dt_view(NULL, 0), seq,
                                       dt_buf_view(&value))
                        : err;
}

/* The number of the row that says the same as ${x}, already there; NOT_FOUND. */
static enum dt_err
find_same(struct dt_agent *a, const uint8_t same[static 32], uint8_t out_key[static 8],
          uint64_t *out_seq)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8);
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "alarm_same", dt_view(same, 32), &b);

    if (err != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&b));
    if ((err = dt_read_u64(&r, out_seq)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    number_key(*out_seq, out_key);
    return DT_OK;
}

/* One more of what is there already. */
static enum dt_err
count_one(struct dt_agent *a, const uint8_t key[static 8], uint64_t seq, const struct row *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ALARM_MAX);
    struct row was = {0};
    enum dt_err err;

    if ((err = dt_store_get_blob(a->store, "alarm", dt_view(key, 8), &b)) != DT_OK ||
        (err = row_read(dt_buf_view(&b), &was)) != DT_OK)
        return err;
    was.count++;
    was.last_position = x->position;
    was.last_ms = x->time_ms;
    return row_put(a, seq, &was);
}

static enum dt_err
add(struct dt_agent *a, const struct row *x)
{
    uint8_t same[32], key[8];
    uint64_t seq = 0;
    enum dt_err err;

    if ((err = same_of(x, same)) != DT_OK)
        return err;
    err = find_same(a, same, key, &seq);
    if (err == DT_OK)
        return count_one(a, key, seq, x);
    if (err != DT_ERR_NOT_FOUND ||
        (err = dt_store_next_seq(a->store, "alarm", dt_view(NULL, 0), &seq)) != DT_OK ||
        (err = row_put(a, seq, x)) != DT_OK)
        return err;
    number_key(seq, key);
    return dt_store_put_blob(a->store, "alarm_same", dt_view_of(same), dt_view_of(key));
}

enum dt_err
dt_alarm_add(struct dt_agent *a, enum dt_alarm_kind kind, const uint8_t *group_id,
             uint64_t position, const struct dt_person *who, const char *fmt, ...)
{
    struct row x = {.kind = (uint8_t)kind,
                    .has_group = group_id != NULL,
                    .position = position,
                    .has_who = who != NULL,
                    .count = 1,
                    .last_position = position};
    va_list ap;
    enum dt_err err;

    x.time_ms = x.last_ms = dt_agent_now(a);
    if (group_id != NULL)
        memcpy(x.group_id, group_id, 32);
    if (who != NULL)
        memcpy(x.letter_hash, who->letter_hash, 32);
    va_start(ap, fmt);
    (void)vsnprintf(x.text, sizeof x.text, fmt, ap);
    va_end(ap);
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, add(a, &x));
}

enum dt_err
dt_alarm_behind(struct dt_agent *a, const uint8_t *group_id, uint64_t last, uint64_t position)
{
    return dt_alarm_add(
        a, DT_ALARM_BEHIND, group_id, last, NULL,
        "the relay's queue ends at %llu, before position %llu that we read: the relay "
        "cut it, or was put back to an older state",
        (unsigned long long)last, (unsigned long long)position);
}

static enum dt_err
alarm_decode(struct dt_agent *a, struct dt_view v, struct dt_alarm_info *out)
{
    struct row x = {0};
    enum dt_err err = row_read(v, &x);

    if (err != DT_OK)
        return err;
    out->kind = (enum dt_alarm_kind)x.kind;
    out->has_group = x.has_group;
    memcpy(out->group_id, x.group_id, 32);
    out->position = x.position;
    out->time_ms = x.time_ms;
    out->count = x.count;
    out->last_position = x.last_position;
    out->last_ms = x.last_ms;
    memcpy(out->text, x.text, sizeof out->text);
    return x.has_who ? dt_person_by_hash(a, x.letter_hash, &out->has_who, &out->who) : DT_OK;
}

const char *
dt_alarm_kind_name(enum dt_alarm_kind kind)
{
    switch (kind) {
    case DT_ALARM_FORK:
        return "fork";
    case DT_ALARM_COMMIT:
        return "commit";
    case DT_ALARM_CELL:
        return "cell";
    case DT_ALARM_RESTORED:
        return "restored";
    case DT_ALARM_WELCOME:
        return "welcome";
    case DT_ALARM_BEHIND:
        return "behind";
    case DT_ALARM_REGISTER:
        return "register";
    case DT_ALARM_MISSED:
        return "missed";
    case DT_ALARM_RELAY:
        return "relay";
    case DT_ALARM_WITHHELD:
        return "withheld";
    case DT_ALARM_RECEIPT:
        return "receipt";
    case DT_ALARM_LINE:
        return "line";
    }
    return "other";
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
