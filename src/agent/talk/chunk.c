/*
 * agent/talk/chunk.c - see chunk.h.
 *
 * Table "file": group id, file id, delegate key of its sender; parent group id, seq -> what its
 * pieces say of the whole, letter hash of the sender, how many pieces are here (ours: were read
 * back). Of one that was destroyed the size is 0. Table "chunk": the same key and uint32 index;
 * parent that key, seq = index -> bytes.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"
#include "crypto/crypto.h"
#include "record/charter_rules.h"

#include "agent/keep/destroy.h"
#include "agent/talk/chunk.h"
#include "agent/talk/receipt_internal.h"

#define KEY     80u
#define ROW_MAX 1024u

/* A row of table "file". */
struct file {
    uint8_t key[KEY];
    uint64_t seq;
    uint8_t letter_hash[32];
    uint64_t size, time_ms;
    uint8_t hash[32];
    uint32_t have;
    char name[DT_FILE_NAME_MAX + 1];
    char media_type[DT_MEDIA_TYPE_MAX + 1];
    struct dt_item_rule rule;
};

static void
key_of(const uint8_t group_id[static 32], const uint8_t id[static 16], const uint8_t who[static 32],
       uint8_t out[static KEY])
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, id, 16);
    memcpy(out + 48, who, 32);
}

static enum dt_err
save(struct dt_agent *a, const struct file *f)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_view(&w, dt_view_of(f->letter_hash));
    dt_write_u64(&w, f->size);
    dt_write_u64(&w, f->time_ms);
    dt_write_view(&w, dt_view_of(f->hash));
    dt_write_u32(&w, f->have);
    dt_write_str(&w, f->name);
    dt_write_str(&w, f->media_type);
    dt_item_rule_write(&w, &f->rule);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put(a->store, "file", dt_view_of(f->key), dt_view(f->key, 32), f->seq,
                        dt_buf_view(&b));
}

static enum dt_err
decode(struct dt_view v, struct file *f)
{
    struct dt_reader r = dt_reader_init(v);
    enum dt_err err;

    if ((err = dt_read_fixed(&r, f->letter_hash, 32)) == DT_OK &&
        (err = dt_read_u64(&r, &f->size)) == DT_OK &&
        (err = dt_read_u64(&r, &f->time_ms)) == DT_OK &&
        (err = dt_read_fixed(&r, f->hash, 32)) == DT_OK &&
        (err = dt_read_u32(&r, &f->have)) == DT_OK &&
        (err = dt_read_str(&r, DT_FILE_NAME_MAX, f->name)) == DT_OK &&
        (err = dt_read_str(&r, DT_MEDIA_TYPE_MAX, f->media_type)) == DT_OK &&
        (err = dt_item_rule_read(&r, &f->rule)) == DT_OK)
        err = dt_read_end(&r);
    return dt_fail_context(err, "talk row");
}

/* A new row at the end of the channel's files. */
static enum dt_err
begin(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_payload *p,
      const struct dt_letter *from, struct file *f)
{
    key_of(group_id, p->file, from->key, f->key);
    memcpy(f->letter_hash, from->hash, 32);
    memcpy(f->hash, p->hash, 32);
    f->size = p->size;
    f->time_ms = p->sent_ms;
    f->rule = p->rule;
    memcpy(f->name, p->name.p, p->name.n);
    memcpy(f->media_type, p->media_type.p, p->media_type.n);
    return dt_store_next_seq(a->store, "file", dt_view(group_id, 32), &f->seq);
}

/* The row with f->key. There is no call that gives a row's seq by its key: it is looked for. */
static enum dt_err
load(struct dt_agent *a, struct file *f)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t at = 0;
    bool there = false;
    enum dt_err err = dt_store_has(a->store, "file", dt_view_of(f->key), &there);

    if (err != DT_OK || !there)
        return err != DT_OK ? err : DT_ERR_NOT_FOUND;
    while ((err = dt_store_next(a->store, "file", dt_view(f->key, 32), at, &row)) == DT_OK) {
        at = row.seq + 1;
        if (!dt_view_equal(dt_buf_view(&row.key), dt_view_of(f->key)))
            continue;
        f->seq = row.seq;
        return decode(dt_buf_view(&row.value), f);
    }
    return err;
}

static void
piece_key(const struct file *f, uint32_t index, uint8_t out[static KEY + 4])
{
    memcpy(out, f->key, KEY);
    for (size_t i = 0; i < 4; i++)
        out[KEY + i] = (uint8_t)(index >> (24 - 8 * i));
}

static enum dt_err
put_piece(struct dt_agent *a, const struct file *f, uint32_t index, struct dt_view data)
{
    uint8_t key[KEY + 4];

    piece_key(f, index, key);
    return dt_store_put(a->store, "chunk", dt_view_of(key), dt_view_of(f->key), index, data);
}

/* Piece ${index} into ${out}, which is emptied first. NOT_FOUND. */
static enum dt_err
get_piece(struct dt_agent *a, const struct file *f, uint32_t index, struct dt_buf *out)
{
    uint8_t key[KEY + 4];
    enum dt_err err;

    piece_key(f, index, key);
    out->n = 0;
    if ((err = dt_store_get_blob(a->store, "chunk", dt_view_of(key), out)) == DT_ERR_NOT_FOUND)
        return dt_fail(err, "not all of the file has arrived yet");
    return err;
}

/* ---- ours ---- */

/* The SHA-256 of all that ${src} gives. */
static enum dt_err
hash_source(const struct dt_file_source *src, uint8_t out[static 32])
{
    DT_CLEANUP(dt_sha256_free) struct dt_sha256_stream *h = NULL;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_CHUNK);
    enum dt_err err = dt_sha256_new(&h);

    for (uint32_t i = 0; err == DT_OK && i < dt_chunk_count(src->size); i++) {
        b.n = 0;
        if ((err = src->read(src->ctx, (uint64_t)i * DT_CHUNK, dt_chunk_length(src->size, i),
                             &b)) == DT_OK)
            err = dt_sha256_add(h, dt_buf_view(&b));
    }
    return err != DT_OK ? err : dt_sha256_end(h, out);
}

/* All pieces of ${p} into the store and on their way; inside a transaction. */
static enum dt_err
send_pieces(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_payload *p,
            const struct dt_file_source *src, const struct file *f, dt_progress *progress,
            void *progress_ctx)
{
    DT_CLEANUP(dt_sha256_free) struct dt_sha256_stream *h = NULL;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_CHUNK);
    uint8_t hash[32];
    enum dt_err err = dt_sha256_new(&h);

    for (p->index = 0; err == DT_OK && p->index < dt_chunk_count(p->size); p->index++) {
        const size_t n = dt_chunk_length(p->size, p->index);
        const uint64_t at = (uint64_t)p->index * DT_CHUNK;

        b.n = 0;
        if ((err = src->read(src->ctx, at, n, &b)) != DT_OK ||
            (err = dt_sha256_add(h, dt_buf_view(&b))) != DT_OK ||
            (err = dt_random(p->id, sizeof p->id)) != DT_OK)
            return err;
        p->data = dt_buf_view(&b);
        if ((err = put_piece(a, f, p->index, p->data)) == DT_OK)
            err = dt_channel_send(a, group_id, p);
        if (progress != NULL && !progress(progress_ctx, at + n, p->size) && err == DT_OK)
            err = dt_fail(DT_ERR_STATE, "stopped; nothing was done");
    }
    if (err != DT_OK || (err = dt_sha256_end(h, hash)) != DT_OK)
        return err;
    if (memcmp(hash, p->hash, 32) != 0)
        return dt_fail(DT_ERR_CONFLICT, "the file changed while it was read");
    return DT_OK;
}

enum dt_err
dt_agent_file_send(struct dt_agent *a, const uint8_t group_id[static 32], const char *name,
                   const char *media_type, const struct dt_file_source *src,
                   const struct dt_item_rule *rule, dt_progress *progress, void *progress_ctx,
                   uint8_t out_id[static 16], uint8_t out_hash[static 32])
{
    struct dt_payload p = {.kind = DT_PAYLOAD_CHUNK,
                           .sent_ms = dt_agent_now(a),
                           .size = src->size,
                           .rule = *rule,
                           .name = dt_view_str(name),
                           .media_type = dt_view_str(media_type)};
    struct file f = {0};
    enum dt_err err;

    if (src->size == 0 || src->size > dt_charter_file_max(&a->charter))
        return dt_fail(DT_ERR_LIMIT, "a file has 1 byte to %llu MiB in this forum",
                       (unsigned long long)dt_charter_file_max(&a->charter) >> 20);
    if (p.name.n == 0 || p.name.n > DT_FILE_NAME_MAX || p.media_type.n == 0 ||
        p.media_type.n > DT_MEDIA_TYPE_MAX || strchr(name, '/') != NULL || !dt_utf8_line(p.name) ||
        !dt_utf8_line(p.media_type))
        return dt_fail(DT_ERR_RANGE, "a file is sent under a name without path, with a media type");
    if (rule->what == DT_ITEM_DESTROY && (err = dt_destroy_after_check(rule->after_ms)) != DT_OK)
        return err;
    if ((err = dt_agent_need_letter(a)) != DT_OK ||
        (err = dt_letter_check_rights(&a->letter, DT_RIGHT_BIT(DT_RIGHT_TALK))) != DT_OK ||
        (err = dt_random(p.file, sizeof p.file)) != DT_OK ||
        (err = hash_source(src, p.hash)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = begin(a, group_id, &p, &a->letter, &f)) == DT_OK && (err = save(a, &f)) == DT_OK &&
        (err = dt_talk_file_begin(a, group_id, &p)) == DT_OK)
        err = send_pieces(a, group_id, &p, src, &f, progress, progress_ctx);
    err = dt_store_end(a->store, err);
    if (err == DT_OK) {
        memcpy(out_id, p.file, 16);
        memcpy(out_hash, p.hash, 32);
    }
    return err;
}

/* The payload that stands for the whole: its id is the file's. */
static struct dt_payload
whole(const struct dt_payload *piece)
{
    struct dt_payload p = *piece;

    memcpy(p.id, piece->file, 16);
    p.data = dt_view(NULL, 0);
    return p;
}

enum dt_err
dt_chunk_back(struct dt_agent *a, struct dt_channel *ch, const struct dt_incoming *in)
{
    const struct dt_payload all = whole(in->payload);
    struct dt_incoming done = *in;
    struct file f = {0};
    enum dt_err err;

    key_of(in->group_id, in->payload->file, a->letter.key, f.key);
    if ((err = load(a, &f)) != DT_OK || f.size == 0)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    f.have++;
    if ((err = save(a, &f)) != DT_OK || f.have != dt_chunk_count(f.size))
        return err;
    done.payload = &all;
    if ((err = dt_talk_confirm(a, &done)) != DT_OK)
        return err;
    return dt_awaited_add(a, ch, all.id, dt_view(NULL, 0), in->position);
}

/* ---- others' ---- */

static bool
fits(const struct file *f, const struct dt_payload *p)
{
    return f->size == p->size && memcmp(f->hash, p->hash, 32) == 0 &&
           dt_view_equal(dt_view_str(f->name), p->name) &&
           dt_view_equal(dt_view_str(f->media_type), p->media_type) &&
           f->rule.what == p->rule.what && f->rule.after_ms == p->rule.after_ms;
}

static enum dt_err
hash_pieces(struct dt_agent *a, const struct file *f, uint8_t out[static 32])
{
    DT_CLEANUP(dt_sha256_free) struct dt_sha256_stream *h = NULL;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_CHUNK);
    enum dt_err err = dt_sha256_new(&h);

    for (uint32_t i = 0; err == DT_OK && i < dt_chunk_count(f->size); i++)
        if ((err = get_piece(a, f, i, &b)) == DT_OK)
            err = dt_sha256_add(h, dt_buf_view(&b));
    return err != DT_OK ? err : dt_sha256_end(h, out);
}

/* All pieces are here: the file becomes talk; or, when they are not what each of them said, they go
 * and the sender is named. */
static enum dt_err
complete(struct dt_agent *a, const struct dt_incoming *in, const struct file *f)
{
    const struct dt_payload all = whole(in->payload);
    struct dt_incoming done = *in;
    struct dt_person who;
    uint8_t hash[32];
    enum dt_err err = hash_pieces(a, f, hash);

    if (err != DT_OK)
        return err;
    done.payload = &all;
    if (memcmp(hash, f->hash, 32) == 0)
        return memcmp(in->letter->key, a->letter.key, 32) == 0 ? dt_talk_of_copy(a, &done)
                                                               : dt_talk_receive(a, &done);
    if ((err = dt_store_del_parent(a->store, "chunk", dt_view_of(f->key))) != DT_OK ||
        (err = dt_store_del(a->store, "file", dt_view_of(f->key))) != DT_OK)
        return err;
    dt_person_from(a, in->letter, in->party, &who);
    return dt_alarm_add(a, DT_ALARM_CELL, in->group_id, in->position, &who,
                        "a file was not taken: its pieces do not have the hash that each of them "
                        "gives");
}

/* The first piece of a file: all of it is to go when its time is over, though the rest never comes.
 * When it is all here, it is talk and counts from then. */
static enum dt_err
begin_others(struct dt_agent *a, const struct dt_incoming *in, struct file *f)
{
    uint64_t after_ms = in->payload->rule.after_ms, due_ms;
    enum dt_err err = begin(a, in->group_id, in->payload, in->letter, f);

    if (err == DT_OK && in->payload->rule.what == DT_ITEM_AS_CHANNEL)
        err = dt_channel_destroys(a, in->group_id, &after_ms);
    if (err != DT_OK || after_ms == 0)
        return err;
    due_ms = dt_destroy_due(dt_agent_now(a), in->payload->sent_ms, after_ms);
    return dt_destroy_plan(a, DT_KEPT_FILE, in->group_id, dt_view_of(f->key), due_ms, due_ms);
}

enum dt_err
dt_chunk_take(struct dt_agent *a, const struct dt_incoming *in)
{
    const struct dt_payload *p = in->payload;
    struct file f = {0};
    uint8_t key[KEY + 4];
    bool there = false;
    enum dt_err err = dt_letter_check_rights(in->letter, DT_RIGHT_BIT(DT_RIGHT_TALK));

    if (err != DT_OK)
        return err;
    if (p->size > dt_charter_file_max(&a->charter))
        return dt_fail(DT_ERR_FORMAT, "a piece of a file that is longer than the charter allows");
    key_of(in->group_id, p->file, in->letter->key, f.key);
    err = load(a, &f);
    if (err == DT_ERR_NOT_FOUND &&
        (err = dt_letter_keep(a, in->letter, in->party, in->letter_bytes)) == DT_OK)
        err = begin_others(a, in, &f);
    if (err != DT_OK || f.size == 0) /* destroyed: what is said of it once more comes too late */
        return err;
    if (!fits(&f, p))
        return dt_fail(DT_ERR_FORMAT, "a piece of a file that does not fit the ones before it");
    piece_key(&f, p->index, key);
    if ((err = dt_store_has(a->store, "chunk", dt_view_of(key), &there)) != DT_OK || there)
        return err; /* sent twice, as talk may be */
    f.have++;
    if ((err = put_piece(a, &f, p->index, p->data)) != DT_OK || (err = save(a, &f)) != DT_OK ||
        f.have != dt_chunk_count(f.size))
        return err;
    return complete(a, in, &f);
}

/* ---- destroying ---- */

static enum dt_err
wipe(struct dt_agent *a, struct file *f)
{
    enum dt_err err = dt_store_del_parent(a->store, "chunk", dt_view_of(f->key));

    f->size = 0;
    f->have = 0;
    memset(f->hash, 0, sizeof f->hash);
    memset(f->name, 0, sizeof f->name);
    memset(f->media_type, 0, sizeof f->media_type);
    return err != DT_OK ? err : save(a, f);
}

enum dt_err
dt_file_wipe(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t id[static 16],
             const uint8_t key[static 32])
{
    struct file f = {0};
    enum dt_err err;

    key_of(group_id, id, key, f.key);
    if ((err = load(a, &f)) != DT_OK || f.size == 0)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    return wipe(a, &f);
}

enum dt_err
dt_file_destroy(struct dt_agent *a, struct dt_view key, struct dt_destroyed_item *out)
{
    struct file f = {0};
    enum dt_err err;

    if (key.n != KEY)
        return dt_fail(DT_ERR_INTERNAL, "what is to be destroyed has no such row");
    memcpy(f.key, key.p, KEY);
    if ((err = load(a, &f)) != DT_OK)
        return err;
    if (f.size == 0 || f.have == dt_chunk_count(f.size))
        return DT_ERR_NOT_FOUND; /* it is talk, and goes with that */
    *out = (struct dt_destroyed_item){.own_rule = f.rule.what != DT_ITEM_AS_CHANNEL,
                                      .after_ms = f.rule.after_ms};
    memcpy(out->id, f.key + 32, 16);
    memcpy(out->key, f.key + 48, 32);
    if (!out->own_rule && (err = dt_channel_destroys(a, f.key, &out->after_ms)) != DT_OK)
        return err;
    if ((err = dt_talk_destroyed_file(a, f.key, f.letter_hash, f.time_ms, out)) != DT_OK)
        return err;
    return wipe(a, &f);
}

/* ---- reading ---- */

enum dt_err
dt_agent_file_save(struct dt_agent *a, const uint8_t group_id[static 32],
                   const struct dt_talk_info *talk,
                   enum dt_err (*write)(void *ctx, struct dt_view v), void *ctx,
                   dt_progress *progress, void *progress_ctx)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);
    struct file f = {0};
    enum dt_err err;

    key_of(group_id, talk->id, talk->from.delegate_key, f.key);
    if (talk->rule.destroyed_ms != 0 || talk->rule.past)
        return dt_fail(DT_ERR_EXPIRED, "its time is over: it is destroyed by rule");
    if ((err = load(a, &f)) == DT_ERR_NOT_FOUND) { /* in one piece */
        err = dt_agent_talk_read(a, group_id, talk->seq, &b);
        return err != DT_OK ? err : write(ctx, dt_buf_view(&b));
    }
    for (uint32_t i = 0; err == DT_OK && i < dt_chunk_count(f.size); i++) {
        if ((err = get_piece(a, &f, i, &b)) == DT_OK)
            err = write(ctx, dt_buf_view(&b));
        if (progress != NULL)
            (void)progress(progress_ctx, (uint64_t)i * DT_CHUNK + b.n, f.size);
    }
    return err;
}

static enum dt_err
describe(struct dt_agent *a, const struct file *f, struct dt_file_info *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    size_t party = 0;
    enum dt_err err = dt_letter_load(a, f->letter_hash, &l, &party, NULL);

    if (err != DT_OK)
        return err;
    *out = (struct dt_file_info){.size = f->size, .have = f->have, .all = dt_chunk_count(f->size)};
    memcpy(out->id, f->key + 32, 16);
    memcpy(out->name, f->name, sizeof out->name);
    dt_person_from(a, &l, party, &out->from);
    return DT_OK;
}

enum dt_err
dt_agent_files_under_way(struct dt_agent *a, const uint8_t group_id[static 32],
                         struct dt_file_info **out, size_t *out_n)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    DT_CLEANUP(dt_free_p) struct dt_file_info *list = NULL;
    uint64_t count = 0, at = 0;
    size_t n = 0;
    enum dt_err err = dt_store_count(a->store, "file", dt_view(group_id, 32), &count);

    if (err != DT_OK)
        return err;
    list = dt_alloc((size_t)count + 1, sizeof *list);
    if (list == NULL)
        return dt_nomem();
    while (n < count &&
           (err = dt_store_next(a->store, "file", dt_view(group_id, 32), at, &row)) == DT_OK) {
        struct file f = {0};

        at = row.seq + 1;
        if (row.key.n != KEY)
            continue;
        memcpy(f.key, row.key.p, KEY);
        if ((err = decode(dt_buf_view(&row.value), &f)) != DT_OK)
            return err;
        if (f.have == dt_chunk_count(f.size)) /* or it was destroyed */
            continue;
        if ((err = describe(a, &f, &list[n])) != DT_OK)
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
