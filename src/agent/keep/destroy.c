/*
 * agent/keep/destroy.c - see destroy.h.
 *
 * Table "keep": what || key of its row; parent "due", seq -> the same two, group id, when it is
 * past. The seq is when it is looked at, or, since no two rows may have the same, a little more.
 * Table "gone": group id, id, delegate key of who said it, delegate key of who destroyed it; parent
 * the first three, seq -> letter hash of who destroyed it, when, which rule.
 */
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "base/wire.h"

#include "agent/keep/destroy.h"
#include "agent/records/trace.h"
#include "agent/sync/outbox.h"

#define DUE         "due"
#define HEARD       "heard_time"
#define UNCLEAN     "unclean"
#define ROW_MAX     256u
#define SAID_KEY    80u                 /* group id, id, delegate key */
#define DUE_MAX     (UINT64_C(1) << 61) /* a seq is less than 2^63 */
#define HEARD_STEP  DT_MS_MINUTE        /* a row is not written for less */
#define HEARD_AHEAD DT_MS_DAY           /* nobody's time is believed that far before our clock */

uint64_t
dt_destroy_due(uint64_t came_ms, uint64_t stated_ms, uint64_t after_ms)
{
    const uint64_t from = stated_ms > came_ms ? stated_ms : came_ms;

    return from >= DUE_MAX || after_ms >= DUE_MAX - from ? DUE_MAX : from + after_ms;
}

enum dt_err
dt_channel_destroys(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t *out_ms)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err = dt_channel_load_row(a, group_id, &ch);

    *out_ms = ch.founding.destroy_after_ms;
    return err;
}

/* ---- what is to be destroyed ---- */

static void
row_key(enum dt_kept_what what, struct dt_view key, uint8_t out[static 1 + SAID_KEY], size_t *out_n)
{
    out[0] = (uint8_t)what;
    memcpy(out + 1, key.p, key.n);
    *out_n = 1 + key.n;
}

/* A seq that no row has, at or soon behind ${at_ms}: many messages may come in one instant, and a
 * member may say one time of them all. */
static enum dt_err
free_seq(struct dt_agent *a, uint64_t at_ms, uint64_t *out)
{
    for (uint64_t room = 1;; room *= 4) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        uint64_t drawn = 0, seq;
        enum dt_err err = dt_random((uint8_t *)&drawn, sizeof drawn);

        if (err != DT_OK)
            return err;
        seq = at_ms + drawn % room;
        err = dt_store_next(a->store, "keep", dt_view_str(DUE), seq, &row);
        if (err == DT_ERR_NOT_FOUND || (err == DT_OK && row.seq != seq)) {
            *out = seq;
            return DT_OK;
        }
        if (err != DT_OK)
            return err;
    }
}

enum dt_err
dt_destroy_plan(struct dt_agent *a, enum dt_kept_what what, const uint8_t group_id[static 32],
                struct dt_view key, uint64_t due_ms, uint64_t at_ms)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&value);
    uint8_t name[1 + SAID_KEY];
    uint64_t seq = 0;
    size_t n = 0;
    enum dt_err err;

    if (key.n < 32 || key.n > SAID_KEY)
        return dt_fail(DT_ERR_INTERNAL, "what is to be destroyed has no such row");
    row_key(what, key, name, &n);
    dt_write_u8(&w, (uint8_t)what);
    dt_write_vec(&w, key);
    dt_write_view(&w, dt_view(group_id, 32));
    dt_write_u64(&w, due_ms);
    if ((err = dt_writer_end(&w)) != DT_OK || (err = free_seq(a, at_ms, &seq)) != DT_OK)
        return err;
    return dt_store_put(a->store, "keep", dt_view(name, n), dt_view_str(DUE), seq,
                        dt_buf_view(&value));
}

/* A row of table "keep"; key borrows from the row. */
struct plan {
    enum dt_kept_what what;
    struct dt_view key;
    uint8_t group_id[32];
    uint64_t due_ms;
};

static enum dt_err
plan_read(const struct dt_store_row *row, struct plan *out)
{
    struct dt_reader r = dt_reader_init(dt_buf_view(&row->value));
    uint8_t what = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &what)) == DT_OK &&
        (err = dt_read_vec(&r, SAID_KEY, &out->key)) == DT_OK &&
        (err = dt_read_fixed(&r, out->group_id, 32)) == DT_OK &&
        (err = dt_read_u64(&r, &out->due_ms)) == DT_OK)
        err = dt_read_end(&r);
    out->what = (enum dt_kept_what)what;
    if (err == DT_OK &&
        (out->key.p == NULL || out->key.n < (out->what >= DT_KEPT_RECORD ? 32 : 48)))
        err = dt_fail(DT_ERR_FORMAT, "what is to be destroyed has no such row");
    if (err != DT_OK)
        (void)dt_fail_context(err, "keep row");
    return err;
}

/* ---- time ---- */

enum dt_err
dt_agent_time_heard(struct dt_agent *a, uint64_t *out_ms)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8);
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "self", dt_view_str(HEARD), &b);

    *out_ms = 0;
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    r = dt_reader_init(dt_buf_view(&b));
    return dt_read_u64(&r, out_ms);
}

enum dt_err
dt_time_note(struct dt_agent *a, uint64_t ms)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8);
    struct dt_writer w = dt_writer_init(&b);
    uint64_t heard = 0;
    enum dt_err err;

    if (ms > dt_agent_now(a) + HEARD_AHEAD)
        return DT_OK;
    if ((err = dt_agent_time_heard(a, &heard)) != DT_OK || ms < heard + HEARD_STEP)
        return err;
    dt_write_u64(&w, ms);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "self", dt_view_str(HEARD), dt_buf_view(&b));
}

/* ---- destroying ---- */

/* What was destroyed, for a look at what is not said for good. */
struct about {
    const struct dt_destroyed_item *item;
    bool ours; /* it was said by us */
};

/* Does ${p}, which is ours and not said for good, hold it or tell of it? */
static bool
tells_of(void *ctx, const struct dt_payload *p)
{
    const struct about *x = ctx;

    return (x->ours && p->kind == DT_PAYLOAD_TALK && memcmp(p->id, x->item->id, 16) == 0) ||
           (x->ours && p->kind == DT_PAYLOAD_CHUNK && memcmp(p->file, x->item->id, 16) == 0) ||
           (p->kind == DT_PAYLOAD_UNDERSTOOD && memcmp(p->about, x->item->id, 16) == 0 &&
            memcmp(p->about_key, x->item->key, 32) == 0);
}

/* One thing that was destroyed, and where. */
struct gone {
    uint8_t group_id[32];
    struct dt_destroyed_item item;
    bool said;
};

/* ${owed}: what something is owed about, as dt_record_destroy() wants it. */
static enum dt_err
destroy(struct dt_agent *a, const struct plan *p, struct dt_buf *owed, struct gone *out,
        bool *out_tell, uint64_t *out_again_ms)
{
    struct about about = {.item = &out->item};
    enum dt_err err = DT_OK;

    memcpy(out->group_id, p->group_id, 32);
    *out_tell = false;
    switch (p->what) {
    case DT_KEPT_RECORD:
        err = dt_record_destroy(a, p->key, p->due_ms, owed, out_again_ms);
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    case DT_KEPT_RAW:
        err = dt_store_del(a->store, "raw", p->key);
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    case DT_KEPT_UNDERSTOOD:
        return dt_understood_destroy(a, p->key);
    case DT_KEPT_FILE:
        err = dt_file_destroy(a, p->key, &out->item);
        break;
    case DT_KEPT_TALK:
        err = dt_talk_destroy(a, p->key, &out->item);
        break;
    default:
        return dt_fail(DT_ERR_FORMAT,
                       "what is to be destroyed is of a kind that is not known here");
    }
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    *out_tell = true;
    if ((err = dt_file_wipe(a, out->group_id, out->item.id, out->item.key)) != DT_OK ||
        (err = dt_understood_wipe(a, out->group_id, out->item.id, out->item.key)) != DT_OK)
        return err;
    about.ours = memcmp(out->item.key, a->delegate_pub, 32) == 0;
    return dt_outbox_drop(a, out->group_id, tells_of, &about);
}

/* Say to the channel of ${v}[0] what of it was destroyed. In one that is not live nobody would hear
 * it. */
static enum dt_err
tell(struct dt_agent *a, struct gone *v, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(DT_DESTROYED_ITEMS * 64u);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_payload p = {
        .kind = DT_PAYLOAD_DESTROYED, .sent_ms = dt_agent_now(a), .destroyed_ms = dt_agent_now(a)};
    struct dt_writer w = dt_writer_init(&list);
    enum dt_err err;

    for (size_t i = 0; i < n; i++) {
        if (v[i].said || memcmp(v[i].group_id, v[0].group_id, 32) != 0)
            continue;
        dt_destroyed_write(&w, &v[i].item);
        v[i].said = true;
    }
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_channel_load_row(a, v[0].group_id, &ch)) != DT_OK ||
        ch.state != DT_CHANNEL_LIVE || (err = dt_random(p.id, sizeof p.id)) != DT_OK)
        return err;
    p.destroyed_list = dt_buf_view(&list);
    return dt_channel_send(a, v[0].group_id, &p);
}

/* Up to DT_DESTROYED_ITEMS rows whose time is not behind ${limit_ms}; inside a transaction. */
static enum dt_err
destroy_some(struct dt_agent *a, uint64_t limit_ms, size_t *out_rows, size_t *out_n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf owed = DT_BUF_INIT(64u << 20);
    struct gone v[DT_DESTROYED_ITEMS];
    size_t n = 0, rows = 0, others = 0;
    enum dt_err err = DT_OK;

    memset(v, 0, sizeof v);
    for (; rows < DT_DESTROYED_ITEMS; rows++) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        struct plan p = {0};
        uint64_t again_ms = 0;
        bool told = false;

        err = dt_store_next(a->store, "keep", dt_view_str(DUE), 0, &row);
        if (err == DT_ERR_NOT_FOUND || (err == DT_OK && row.seq > limit_ms)) {
            err = DT_OK;
            break;
        }
        if (err != DT_OK || (err = plan_read(&row, &p)) != DT_OK ||
            (err = destroy(a, &p, &owed, &v[n], &told, &again_ms)) != DT_OK ||
            (err = again_ms != 0 ? dt_destroy_plan(a, p.what, p.group_id, p.key, p.due_ms, again_ms)
                                 : dt_store_del(a->store, "keep", dt_buf_view(&row.key))) != DT_OK)
            return err;
        n += told;
        others += again_ms == 0 && p.what >= DT_KEPT_UNDERSTOOD;
    }
    for (size_t i = 0; i < n && err == DT_OK; i++)
        if (!v[i].said)
            err = tell(a, &v[i], n - i);
    *out_rows = rows;
    *out_n += n + others;
    return err;
}

/* Something was destroyed since the file was written anew: the last step, and what is left to do
 * when it was killed before that. A process that holds the store just then puts it off. */
static enum dt_err
clean(struct dt_agent *a)
{
    bool unclean = false;
    enum dt_err err = dt_store_has(a->store, "self", dt_view_str(UNCLEAN), &unclean);

    if (err != DT_OK || !unclean)
        return err;
    if ((err = dt_store_clean(a->store)) == DT_OK)
        err = dt_store_del(a->store, "self", dt_view_str(UNCLEAN));
    return err == DT_ERR_BUSY || err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_agent_destroy(struct dt_agent *a, bool by_clock_alone, size_t *out_n)
{
    size_t n = 0, rows = DT_DESTROYED_ITEMS;
    enum dt_err err = DT_OK;

    while (err == DT_OK && rows == DT_DESTROYED_ITEMS) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        uint64_t limit = dt_agent_now(a), heard = 0;
        const size_t before = n;

        if ((err = dt_agent_time_heard(a, &heard)) != DT_OK)
            return err;
        if (!by_clock_alone && heard < limit)
            limit = heard;
        /* As a rule nothing is past: then nothing is written. */
        err = dt_store_next(a->store, "keep", dt_view_str(DUE), 0, &row);
        if (err != DT_OK || row.seq > limit)
            break;
        if ((err = dt_store_begin(a->store)) != DT_OK)
            return err;
        if ((err = destroy_some(a, limit, &rows, &n)) == DT_OK && n > before)
            err = dt_store_put_blob(a->store, "self", dt_view_str(UNCLEAN), dt_view(NULL, 0));
        dt_store_scrub(a->store);
        err = dt_store_end(a->store, err);
    }
    if (out_n != NULL)
        *out_n += n;
    if (err == DT_OK || err == DT_ERR_NOT_FOUND)
        err = clean(a);
    return err;
}

/* ---- what others say of it ---- */

static void
said_key(const uint8_t group_id[static 32], const uint8_t id[static 16],
         const uint8_t key[static 32], uint8_t out[static SAID_KEY])
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, id, 16);
    memcpy(out + 48, key, 32);
}

static enum dt_err
note_gone(struct dt_agent *a, const struct dt_incoming *in, const struct dt_destroyed_item *item)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&value);
    uint8_t key[SAID_KEY + 32];
    bool here = false, destroyed = false, there = false;
    uint64_t seq = 0;
    enum dt_err err = dt_talk_is(a, in->group_id, item->id, item->key, &here, &destroyed);

    if (err != DT_OK || !here)
        return err; /* of what we never had nothing is kept */
    said_key(in->group_id, item->id, item->key, key);
    memcpy(key + SAID_KEY, in->letter->key, 32);
    if ((err = dt_store_has(a->store, "gone", dt_view_of(key), &there)) != DT_OK || there)
        return err;
    dt_write_view(&w, dt_view_of(in->letter->hash));
    dt_write_u64(&w, in->payload->destroyed_ms);
    dt_write_optional(&w, item->own_rule);
    dt_write_u64(&w, item->after_ms);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_letter_keep(a, in->letter, in->party, in->letter_bytes)) != DT_OK ||
        (err = dt_store_next_seq(a->store, "gone", dt_view(key, SAID_KEY), &seq)) != DT_OK)
        return err;
    return dt_store_put(a->store, "gone", dt_view_of(key), dt_view(key, SAID_KEY), seq,
                        dt_buf_view(&value));
}

enum dt_err
dt_destroyed_take(struct dt_agent *a, const struct dt_incoming *in)
{
    struct dt_view rest = in->payload->destroyed_list;
    struct dt_destroyed_item item;
    enum dt_err err;

    while ((err = dt_destroyed_next(&rest, &item)) == DT_OK)
        if ((err = note_gone(a, in, &item)) != DT_OK)
            return err;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_agent_destroyed_by(struct dt_agent *a, const uint8_t group_id[static 32],
                      const struct dt_talk_info *talk, struct dt_destroyed_by **out, size_t *out_n)
{
    DT_CLEANUP(dt_free_p) struct dt_destroyed_by *list = NULL;
    uint8_t parent[SAID_KEY];
    uint64_t count = 0, at = 0;
    size_t n = 0;
    enum dt_err err;

    said_key(group_id, talk->id, talk->from.delegate_key, parent);
    if ((err = dt_store_count(a->store, "gone", dt_view_of(parent), &count)) != DT_OK)
        return err;
    list = dt_alloc((size_t)count + 1, sizeof *list);
    if (list == NULL)
        return dt_nomem();
    for (; n < count; n++) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        struct dt_reader r;
        uint8_t letter[32];
        bool known = false;

        if ((err = dt_store_next(a->store, "gone", dt_view_of(parent), at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        r = dt_reader_init(dt_buf_view(&row.value));
        if ((err = dt_read_fixed(&r, letter, sizeof letter)) != DT_OK ||
            (err = dt_read_u64(&r, &list[n].time_ms)) != DT_OK ||
            (err = dt_person_by_hash(a, letter, &known, &list[n].who)) != DT_OK)
            return err;
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    *out = list;
    *out_n = n;
    list = NULL;
    return DT_OK;
}

/* ---- listing ---- */

enum dt_err
dt_agent_kept(struct dt_agent *a, const uint8_t *group_id, struct dt_kept_info **out, size_t *out_n)
{
    DT_CLEANUP(dt_free_p) struct dt_kept_info *list = NULL;
    uint64_t count = 0, at = 0;
    size_t n = 0;
    enum dt_err err = dt_store_count(a->store, "keep", dt_view_str(DUE), &count);

    if (err != DT_OK)
        return err;
    list = dt_alloc((size_t)count + 1, sizeof *list);
    if (list == NULL)
        return dt_nomem();
    while (n < count) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        struct plan p = {0};

        if ((err = dt_store_next(a->store, "keep", dt_view_str(DUE), at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        if ((err = plan_read(&row, &p)) != DT_OK)
            return err;
        if (group_id != NULL && memcmp(p.group_id, group_id, 32) != 0)
            continue;
        list[n] = (struct dt_kept_info){
            .what = p.what, .due_ms = p.due_ms, .waits = row.seq > p.due_ms + DT_MS_HOUR / 2};
        memcpy(list[n].group_id, p.group_id, 32);
        if (p.what < DT_KEPT_RECORD)
            memcpy(list[n].id, p.key.p + 32, 16);
        else
            memcpy(list[n].id, p.key.p, 32);
        if (p.what == DT_KEPT_RECORD &&
            (err = dt_agent_record_number(a, p.key.p, &list[n].number)) != DT_OK)
            return err;
        if (p.what == DT_KEPT_TALK && (err = dt_talk_number(a, p.key, &list[n].number)) != DT_OK)
            return err;
        n++;
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    *out = list;
    *out_n = n;
    list = NULL;
    return DT_OK;
}
