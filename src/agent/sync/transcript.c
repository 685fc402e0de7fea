/*
 * agent/sync/transcript.c - see transcript.h.
 *
 * Tables: "transcript" (group id, epoch; seq = epoch) -> the epoch; "transcript_at" (group id,
 * epoch, position; seq = running number) -> the root there; "transcript_cursor" (group id) ->
 * epoch, and 1 behind it when a review has ended there.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/sync/queue_review.h"
#include "agent/sync/transcript.h"

#define ROW_VERSION 1

static void
write_be(uint8_t out[static 8], uint64_t x)
{
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(x >> (56 - 8 * i));
}

static void
key_of(uint8_t out[static 40], const uint8_t group_id[static 32], uint64_t epoch)
{
    memcpy(out, group_id, 32);
    write_be(out + 32, epoch);
}

static enum dt_err
put(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_transcript *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(128);
    struct dt_writer w = dt_writer_init(&value);
    uint8_t key[40];
    enum dt_err err;

    key_of(key, group_id, t->epoch);
    dt_write_u8(&w, ROW_VERSION);
    dt_write_u64(&w, t->queue_number);
    dt_write_u64(&w, t->start);
    dt_write_u64(&w, t->position);
    dt_write_view(&w, dt_view_of(t->root));
    dt_write_optional(&w, t->due);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put(a->store, "transcript", dt_view_of(key), dt_view(group_id, 32), t->epoch,
                        dt_buf_view(&value));
}

static enum dt_err
decode(struct dt_view v, struct dt_transcript *out)
{
    struct dt_reader r = dt_reader_init(v);
    uint8_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK ||
        (err = dt_read_u64(&r, &out->queue_number)) != DT_OK ||
        (err = dt_read_u64(&r, &out->start)) != DT_OK ||
        (err = dt_read_u64(&r, &out->position)) != DT_OK ||
        (err = dt_read_fixed(&r, out->root, 32)) != DT_OK ||
        (err = dt_read_optional(&r, &out->due)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "transcript row");
    return version == ROW_VERSION
               ? DT_OK
               : dt_fail(DT_ERR_UNSUPPORTED, "a row is kept in version %u, which is not known here",
                         version);
}

/* Keep the root at ${t}'s position; the oldest of the channel goes when there are too many. Another
 * root than was kept there before makes a receipt owed: what was said of it is not true any more.
 */
static enum dt_err
note_position(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_transcript *t)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row oldest = {0};
    struct dt_view parent = dt_view(group_id, 32);
    uint8_t key[48], before[32];
    uint64_t seq = 0;
    enum dt_err err = dt_transcript_at(a, group_id, t->epoch, t->position, before);

    if (err == DT_OK)
        t->due = t->due || !dt_view_equal(dt_view_of(before), dt_view_of(t->root));
    else if (err != DT_ERR_NOT_FOUND)
        return err;
    key_of(key, group_id, t->epoch);
    write_be(key + 40, t->position);
    if ((err = dt_store_next_seq(a->store, "transcript_at", parent, &seq)) != DT_OK ||
        (err = dt_store_put(a->store, "transcript_at", dt_view_of(key), parent, seq,
                            dt_view_of(t->root))) != DT_OK ||
        seq < DT_TRANSCRIPT_POSITIONS)
        return err;
    while ((err = dt_store_next(a->store, "transcript_at", parent, 0, &oldest)) == DT_OK &&
           oldest.seq + DT_TRANSCRIPT_POSITIONS <= seq)
        if ((err = dt_store_del(a->store, "transcript_at", dt_buf_view(&oldest.key))) != DT_OK)
            return err;
    return err;
}

/* ---- where the next cell goes: the present epoch, or in a review an earlier one ---- */

#define NO_EPOCH UINT64_MAX

struct cursor {
    uint64_t epoch;
    bool cut; /* a review ended there: the Commit that began the present epoch was not shown */
};

static enum dt_err
cursor_put(struct dt_agent *a, const uint8_t group_id[static 32], const struct cursor *c)
{
    uint8_t value[9];

    write_be(value, c->epoch);
    value[8] = c->cut;
    return dt_store_put_blob(a->store, "transcript_cursor", dt_view(group_id, 32),
                             dt_view(value, c->cut ? 9 : 8));
}

/* NOT_FOUND: it is the present epoch. */
static enum dt_err
cursor_get(struct dt_agent *a, const uint8_t group_id[static 32], struct cursor *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(9);
    struct dt_reader r;
    enum dt_err err =
        dt_store_get_blob(a->store, "transcript_cursor", dt_view(group_id, 32), &value);

    if (err != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&value));
    out->cut = r.n > 8;
    if ((err = dt_read_u64(&r, &out->epoch)) == DT_OK && out->cut)
        err = dt_read_optional(&r, &out->cut);
    return dt_fail_context(err, "transcript cursor");
}

static enum dt_err
cursor_drop(struct dt_agent *a, const uint8_t group_id[static 32])
{
    enum dt_err err = dt_store_del(a->store, "transcript_cursor", dt_view(group_id, 32));

    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* Does the cut of ${c} leave the transcript of ${epoch} as it was? */
static bool
before_cut(const struct cursor *c, uint64_t epoch)
{
    return !c->cut || (c->epoch != NO_EPOCH && epoch < c->epoch);
}

enum dt_err
dt_transcript_present(struct dt_agent *a, const struct dt_channel *ch, struct dt_transcript *out)
{
    struct cursor c = {0};
    enum dt_err err = cursor_get(a, ch->group_id, &c);

    if (err == DT_ERR_NOT_FOUND)
        return dt_transcript_of(a, ch->group_id, mls_group_epoch(ch->group), out);
    if (err != DT_OK)
        return err;
    return c.cut ? DT_ERR_NOT_FOUND : dt_transcript_of(a, ch->group_id, c.epoch, out);
}

enum dt_err
dt_transcript_settle(struct dt_agent *a, const uint8_t group_id[static 32])
{
    struct cursor c = {0};
    enum dt_err err = cursor_get(a, group_id, &c);

    if (err != DT_OK || c.cut)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    c.cut = true;
    return cursor_put(a, group_id, &c);
}

enum dt_err
dt_transcript_stands(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t epoch,
                     bool *out)
{
    struct cursor c = {0};
    enum dt_err err = cursor_get(a, group_id, &c);

    *out = err == DT_ERR_NOT_FOUND || before_cut(&c, epoch);
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* What a cut left of the epochs behind it: dropped at a new Commit, since it will not be made whole
 * any more; in a new review a receipt is owed for it, once it is whole. */
static enum dt_err
behind_cut(struct dt_agent *a, const uint8_t group_id[static 32], bool dropped)
{
    struct dt_transcript t = {0};
    struct cursor c = {0};
    enum dt_err err = cursor_get(a, group_id, &c);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    for (uint64_t at = 0; (err = dt_transcript_next(a, group_id, at, &t)) == DT_OK;
         at = t.epoch + 1) {
        uint8_t key[40];

        if (before_cut(&c, t.epoch))
            continue;
        key_of(key, group_id, t.epoch);
        t.due = true;
        err =
            dropped ? dt_store_del(a->store, "transcript", dt_view_of(key)) : put(a, group_id, &t);
        if (err != DT_OK)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- as the queue is read ---- */

static enum dt_err
drop_old_epochs(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row oldest = {0};
    uint64_t n = 0;
    enum dt_err err = dt_store_count(a->store, "transcript", dt_view(group_id, 32), &n);

    for (; err == DT_OK && n > DT_TRANSCRIPT_EPOCHS; n--)
        if ((err = dt_store_next(a->store, "transcript", dt_view(group_id, 32), 0, &oldest)) ==
            DT_OK)
            err = dt_store_del(a->store, "transcript", dt_buf_view(&oldest.key));
    return err;
}

/* ${t} begins behind ch->position with this authenticator of its epoch. */
static enum dt_err
begin(struct dt_agent *a, const struct dt_channel *ch, struct dt_view authenticator,
      struct dt_transcript *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(256);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    t->queue_number = ch->queue_number;
    t->start = t->position = ch->position;
    dt_write_vec(&w, authenticator);
    dt_write_view(&w, dt_view_of(ch->queue.address));
    dt_write_u64(&w, t->start);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_label_hash("transcript", dt_buf_view(&b), t->root)) != DT_OK ||
        (err = note_position(a, ch->group_id, t)) != DT_OK)
        return err;
    return put(a, ch->group_id, t);
}

enum dt_err
dt_transcript_begin(struct dt_agent *a, const struct dt_channel *ch)
{
    struct dt_transcript t = {.epoch = mls_group_epoch(ch->group)};
    enum dt_err err;

    if ((err = behind_cut(a, ch->group_id, true)) != DT_OK ||
        (err = cursor_drop(a, ch->group_id)) != DT_OK ||
        (err = begin(a, ch, mls_group_epoch_authenticator(ch->group), &t)) != DT_OK)
        return err;
    return drop_old_epochs(a, ch->group_id);
}

enum dt_err
dt_transcript_add(struct dt_agent *a, const struct dt_channel *ch, uint64_t position,
                  struct dt_view cell)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(128);
    struct dt_writer w = dt_writer_init(&b);
    struct dt_transcript t = {0};
    uint8_t hash[DT_SHA256];
    enum dt_err err = dt_transcript_present(a, ch, &t);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    if ((err = dt_sha256(cell, hash)) != DT_OK)
        return err;
    dt_write_view(&w, dt_view_of(t.root));
    dt_write_u64(&w, position);
    dt_write_view(&w, dt_view_of(hash));
    t.position = position;
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_label_hash("transcript cell", dt_buf_view(&b), t.root)) != DT_OK ||
        (err = note_position(a, ch->group_id, &t)) != DT_OK)
        return err;
    return put(a, ch->group_id, &t);
}

/* ---- reviews ---- */

enum dt_err
dt_transcript_again(struct dt_agent *a, const struct dt_channel *ch, uint64_t epoch)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf authenticator = DT_BUF_INIT(DT_AUTHENTICATOR_MAX);
    struct cursor c = {.epoch = epoch};
    struct dt_transcript t = {0};
    bool present = epoch == mls_group_epoch(ch->group);
    enum dt_err err;

    err = present ? cursor_drop(a, ch->group_id) : cursor_put(a, ch->group_id, &c);
    if (err != DT_OK)
        return err;
    err = dt_transcript_of(a, ch->group_id, epoch, &t);
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK; /* kept no longer */
    if (err != DT_OK ||
        (err = dt_channel_authenticator(a, ch->group_id, epoch, &authenticator)) != DT_OK)
        return err;
    return begin(a, ch, dt_buf_view(&authenticator), &t);
}

enum dt_err
dt_transcript_rewind(struct dt_agent *a, const struct dt_channel *ch)
{
    struct cursor none = {.epoch = NO_EPOCH};
    struct dt_transcript t = {0};
    enum dt_err err = behind_cut(a, ch->group_id, false);

    if (err != DT_OK)
        return err;
    for (uint64_t at = 0; (err = dt_transcript_next(a, ch->group_id, at, &t)) == DT_OK;
         at = t.epoch + 1)
        if (t.queue_number == ch->queue_number && t.start == ch->position)
            return dt_transcript_again(a, ch, t.epoch);
    /* The epoch in which we joined the queue is kept no longer: until a Commit is met. */
    return err == DT_ERR_NOT_FOUND ? cursor_put(a, ch->group_id, &none) : err;
}

enum dt_err
dt_transcript_whole(struct dt_agent *a, const struct dt_channel *ch, bool *out)
{
    struct cursor c = {0};
    struct dt_review r;
    enum dt_err err;

    if ((err = dt_review_get(a, ch->queue.address, &r)) != DT_OK)
        return err;
    err = cursor_get(a, ch->group_id, &c);
    *out = r.end == 0 && (err == DT_ERR_NOT_FOUND || c.cut);
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- what is kept ---- */

enum dt_err
dt_transcript_of(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t epoch,
                 struct dt_transcript *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(128);
    uint8_t key[40];
    enum dt_err err;

    key_of(key, group_id, epoch);
    if ((err = dt_store_get_blob(a->store, "transcript", dt_view_of(key), &value)) != DT_OK)
        return err;
    out->epoch = epoch;
    return decode(dt_buf_view(&value), out);
}

enum dt_err
dt_transcript_at(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t epoch,
                 uint64_t position, uint8_t out_root[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(32);
    struct dt_reader r;
    uint8_t key[48];
    enum dt_err err;

    key_of(key, group_id, epoch);
    write_be(key + 40, position);
    if ((err = dt_store_get_blob(a->store, "transcript_at", dt_view_of(key), &value)) != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&value));
    return dt_fail_context(dt_read_fixed(&r, out_root, 32), "transcript row");
}

static enum dt_err
set_due(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_transcript *t, bool due)
{
    if (t->due == due)
        return DT_OK;
    t->due = due;
    return put(a, group_id, t);
}

enum dt_err
dt_transcript_set_due(struct dt_agent *a, const struct dt_channel *ch)
{
    struct dt_transcript t = {0};
    enum dt_err err = dt_transcript_present(a, ch, &t);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    return set_due(a, ch->group_id, &t, true);
}

enum dt_err
dt_transcript_sent(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t epoch)
{
    struct dt_transcript t = {0};
    enum dt_err err = dt_transcript_of(a, group_id, epoch, &t);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    return set_due(a, group_id, &t, false);
}

enum dt_err
dt_transcript_next(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t epoch,
                   struct dt_transcript *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_next(a->store, "transcript", dt_view(group_id, 32), epoch, &row);

    if (err != DT_OK)
        return err;
    out->epoch = row.seq;
    return decode(dt_buf_view(&row.value), out);
}

enum dt_err
dt_transcript_forget(struct dt_agent *a, const uint8_t group_id[static 32])
{
    enum dt_err err;

    if ((err = dt_store_del_parent(a->store, "transcript", dt_view(group_id, 32))) != DT_OK ||
        (err = dt_store_del_parent(a->store, "transcript_at", dt_view(group_id, 32))) != DT_OK)
        return err;
    return cursor_drop(a, group_id);
}
