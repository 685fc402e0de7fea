/*
 * agent/talk/talk.c - talk: written, received, listed, read. What was said is sealed in the store
 * and nowhere else.
 *
 * A piece is known by its id and by whose it is, by the delegate's key: senders draw the ids, and
 * one that has read another's piece can take its id for a piece of its own. The first piece of an
 * id has the row (group id, id), as all had in older stores; one that somebody else says under the
 * same id has (group id, id, delegate's key). Both are kept and shown.
 *
 * Source: docs/protocol-agent.md "Talk"; DESIGN "What must hold" 6: nothing here is signed with a
 * delegate's key.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"

#include "agent/keep/destroy.h"
#include "agent/sync/flows.h"

#define TALK_MAX  4096u
#define FIRST_KEY 48u /* group id, id */
#define OTHER_KEY 80u /* and the delegate's key */

/* A row of table "talk"; its bytes are in table "talk_data" under the same key. */
struct talk {
    uint8_t key[OTHER_KEY];
    size_t key_len;
    uint64_t seq;
    uint8_t id[16];
    enum dt_talk_state state;
    bool file;
    bool unconfirmed;
    uint64_t time_ms;
    uint64_t position;
    uint64_t epoch;
    uint32_t leaf;
    uint32_t generation;
    uint8_t letter_hash[32]; /* of who said it */
    uint64_t size;
    char name[DT_FILE_NAME_MAX + 1];
    char media_type[DT_MEDIA_TYPE_MAX + 1];
    struct dt_talk_rule rule; /* but for "past", which is of now */
};

static enum dt_err
save(struct dt_agent *a, const uint8_t group_id[static 32], const struct talk *t)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(TALK_MAX);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    dt_write_u64(&w, t->seq);
    dt_write_u8(&w, (uint8_t)t->state);
    dt_write_optional(&w, t->file);
    dt_write_optional(&w, t->unconfirmed);
    dt_write_u64(&w, t->time_ms);
    dt_write_u64(&w, t->position);
    dt_write_u64(&w, t->epoch);
    dt_write_u32(&w, t->leaf);
    dt_write_u32(&w, t->generation);
    dt_write_view(&w, dt_view_of(t->letter_hash));
    dt_write_u64(&w, t->size);
    dt_write_str(&w, t->name);
    dt_write_str(&w, t->media_type);
    dt_write_optional(&w, t->rule.own);
    dt_write_u64(&w, t->rule.after_ms);
    dt_write_u64(&w, t->rule.due_ms);
    dt_write_u64(&w, t->rule.destroyed_ms);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put(a->store, "talk", dt_view(t->key, t->key_len), dt_view(group_id, 32),
                        t->seq, dt_buf_view(&value));
}

static enum dt_err
decode(struct dt_view v, struct talk *t)
{
    struct dt_reader r = dt_reader_init(v);
    uint8_t state = 0;
    enum dt_err err;

    if ((err = dt_read_u64(&r, &t->seq)) != DT_OK || (err = dt_read_u8(&r, &state)) != DT_OK ||
        (err = dt_read_optional(&r, &t->file)) != DT_OK ||
        (err = dt_read_optional(&r, &t->unconfirmed)) != DT_OK ||
        (err = dt_read_u64(&r, &t->time_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &t->position)) != DT_OK ||
        (err = dt_read_u64(&r, &t->epoch)) != DT_OK || (err = dt_read_u32(&r, &t->leaf)) != DT_OK ||
        (err = dt_read_u32(&r, &t->generation)) != DT_OK ||
        (err = dt_read_fixed(&r, t->letter_hash, 32)) != DT_OK ||
        (err = dt_read_u64(&r, &t->size)) != DT_OK ||
        (err = dt_read_str(&r, DT_FILE_NAME_MAX, t->name)) != DT_OK ||
        (err = dt_read_str(&r, DT_MEDIA_TYPE_MAX, t->media_type)) != DT_OK ||
        /* A row that was written before there were rules ends here. */
        (r.n > 0 && ((err = dt_read_optional(&r, &t->rule.own)) != DT_OK ||
                     (err = dt_read_u64(&r, &t->rule.after_ms)) != DT_OK ||
                     (err = dt_read_u64(&r, &t->rule.due_ms)) != DT_OK ||
                     (err = dt_read_u64(&r, &t->rule.destroyed_ms)) != DT_OK)) ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "talk row");
    t->state = (enum dt_talk_state)state;
    return DT_OK;
}

/* The row under ${t}'s key. NOT_FOUND. */
static enum dt_err
load(struct dt_agent *a, struct talk *t)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(TALK_MAX);
    enum dt_err err = dt_store_get_blob(a->store, "talk", dt_view(t->key, t->key_len), &value);

    return err != DT_OK ? err : decode(dt_buf_view(&value), t);
}

/* The first piece of the id. NOT_FOUND. */
static enum dt_err
load_first(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t id[static 16],
           struct talk *t)
{
    memcpy(t->id, id, 16);
    memcpy(t->key, group_id, 32);
    memcpy(t->key + 32, id, 16);
    t->key_len = FIRST_KEY;
    return load(a, t);
}

/* Did the delegate with key ${from} say ${t}, be it under another letter than today's? */
static enum dt_err
is_of(struct dt_agent *a, const struct talk *t, const uint8_t from[static 32], bool *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    enum dt_err err = dt_letter_load(a, t->letter_hash, &l, NULL, NULL);

    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_INTERNAL, "the letter of a member is not held");
    if (err == DT_OK)
        *out = memcmp(l.key, from, 32) == 0;
    return err;
}

/* The piece that the delegate with key ${from} said under ${id}. NOT_FOUND: then ${t} has id and
 * key that it is to have. */
static enum dt_err
find(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t id[static 16],
     const uint8_t from[static 32], struct talk *t)
{
    struct talk first = {0}, other;
    bool same = false;
    enum dt_err err = load_first(a, group_id, id, &first);

    if (err == DT_OK && (err = is_of(a, &first, from, &same)) != DT_OK)
        return err;
    if (same || err != DT_OK) {
        *t = first;
        return err;
    }
    other = (struct talk){.key_len = OTHER_KEY};
    memcpy(other.id, id, 16);
    memcpy(other.key, first.key, FIRST_KEY);
    memcpy(other.key + FIRST_KEY, from, 32);
    err = load(a, &other);
    *t = other;
    return err;
}

/* How long ${t}, which comes now, is kept: by its own rule, or by its channel's. */
static enum dt_err
take_rule(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_item_rule *rule,
          struct talk *t)
{
    enum dt_err err = DT_OK;

    t->rule =
        (struct dt_talk_rule){.own = rule->what != DT_ITEM_AS_CHANNEL, .after_ms = rule->after_ms};
    if (!t->rule.own)
        err = dt_channel_destroys(a, group_id, &t->rule.after_ms);
    if (t->rule.after_ms != 0)
        t->rule.due_ms = dt_destroy_due(dt_agent_now(a), t->time_ms, t->rule.after_ms);
    return err;
}

/* Put a new piece at the end of the channel's talk. */
static enum dt_err
add(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_item_rule *rule,
    struct talk *t, struct dt_view data)
{
    enum dt_err err;

    if (t->size == 0) /* else its bytes are kept in pieces */
        t->size = data.n;
    if ((err = take_rule(a, group_id, rule, t)) != DT_OK ||
        (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_store_next_seq(a->store, "talk", dt_view(group_id, 32), &t->seq)) == DT_OK) {
        t->seq = t->seq == 0 ? 1 : t->seq;
        if ((err = save(a, group_id, t)) == DT_OK)
            err = dt_store_put_blob(a->store, "talk_data", dt_view(t->key, t->key_len), data);
        if (err == DT_OK && t->rule.due_ms != 0)
            err = dt_destroy_plan(a, DT_KEPT_TALK, group_id, dt_view(t->key, t->key_len),
                                  t->rule.due_ms, t->rule.due_ms);
    }
    return dt_store_end(a->store, err);
}

/* ---- ours ---- */

static enum dt_err
send(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_payload *p, bool file,
     uint8_t out_id[static 16])
{
    struct talk t = {.state = DT_TALK_WAITING, .file = file, .time_ms = dt_agent_now(a)};
    enum dt_err err;

    if ((err = dt_agent_need_letter(a)) != DT_OK ||
        (err = dt_letter_check_rights(&a->letter, DT_RIGHT_BIT(DT_RIGHT_TALK))) != DT_OK ||
        (err = dt_random(p->id, sizeof p->id)) != DT_OK)
        return err;
    p->kind = DT_PAYLOAD_TALK;
    p->sent_ms = t.time_ms;
    memcpy(t.letter_hash, a->letter.hash, 32);
    if (p->name.n > DT_FILE_NAME_MAX || p->media_type.n > DT_MEDIA_TYPE_MAX)
        return dt_fail(DT_ERR_LIMIT, "a file's name has at most %u bytes, its media type %u",
                       DT_FILE_NAME_MAX, DT_MEDIA_TYPE_MAX);
    if (p->name.n > 0)
        memcpy(t.name, p->name.p, p->name.n);
    memcpy(t.media_type, p->media_type.p, p->media_type.n);
    if (p->rule.what == DT_ITEM_DESTROY &&
        (err = dt_destroy_after_check(p->rule.after_ms)) != DT_OK)
        return err;
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_send(a, group_id, p)) == DT_OK) {
        memcpy(t.id, p->id, 16);
        memcpy(t.key, group_id, 32);
        memcpy(t.key + 32, p->id, 16);
        t.key_len = FIRST_KEY; /* just drawn: nobody can have it */
        err = add(a, group_id, &p->rule, &t, p->data);
    }
    err = dt_store_end(a->store, err);
    if (err == DT_OK)
        memcpy(out_id, p->id, 16);
    return err;
}

enum dt_err
dt_talk_file_begin(struct dt_agent *a, const uint8_t group_id[static 32],
                   const struct dt_payload *p)
{
    struct talk t = {.state = DT_TALK_WAITING,
                     .file = true,
                     .time_ms = dt_agent_now(a),
                     .size = p->size,
                     .key_len = FIRST_KEY};

    memcpy(t.letter_hash, a->letter.hash, 32);
    memcpy(t.name, p->name.p, p->name.n);
    memcpy(t.media_type, p->media_type.p, p->media_type.n);
    memcpy(t.id, p->file, 16);
    memcpy(t.key, group_id, 32);
    memcpy(t.key + 32, p->file, 16);
    return add(a, group_id, &p->rule, &t, dt_view(NULL, 0));
}

enum dt_err
dt_agent_talk_text(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view text,
                   uint8_t out_id[static 16])
{
    return dt_agent_talk_text_as(a, group_id, text, &(struct dt_item_rule){0}, out_id);
}

enum dt_err
dt_agent_talk_text_as(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view text,
                      const struct dt_item_rule *rule, uint8_t out_id[static 16])
{
    struct dt_payload p = {.media_type = dt_view_str("text/plain"), .data = text, .rule = *rule};

    if (!dt_utf8_valid(text))
        return dt_fail(DT_ERR_FORMAT, "the text is not valid UTF-8: send it as a file");
    return send(a, group_id, &p, false, out_id);
}

enum dt_err
dt_agent_talk_file(struct dt_agent *a, const uint8_t group_id[static 32], const char *name,
                   const char *media_type, struct dt_view data, uint8_t out_id[static 16])
{
    return dt_agent_talk_file_as(a, group_id, name, media_type, data, &(struct dt_item_rule){0},
                                 out_id);
}

enum dt_err
dt_agent_talk_file_as(struct dt_agent *a, const uint8_t group_id[static 32], const char *name,
                      const char *media_type, struct dt_view data, const struct dt_item_rule *rule,
                      uint8_t out_id[static 16])
{
    struct dt_payload p = {.media_type = dt_view_str(media_type),
                           .name = dt_view_str(name),
                           .data = data,
                           .rule = *rule};

    if (p.name.n == 0 || p.media_type.n == 0 || strchr(name, '/') != NULL ||
        !dt_utf8_line(p.name) || !dt_utf8_line(p.media_type))
        return dt_fail(DT_ERR_RANGE, "a file is sent under a name without path, with a media type");
    return send(a, group_id, &p, true, out_id);
}

enum dt_err
dt_talk_sent(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t id[static 16])
{
    struct talk t = {0};
    enum dt_err err = find(a, group_id, id, a->letter.key, &t);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    t.state = DT_TALK_SENT;
    return save(a, group_id, &t);
}

enum dt_err
dt_talk_confirm(struct dt_agent *a, const struct dt_incoming *in)
{
    struct talk t = {0};
    enum dt_err err = find(a, in->group_id, in->payload->id, in->letter->key, &t);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    t.state = DT_TALK_CONFIRMED;
    t.position = in->position;
    t.epoch = in->epoch;
    t.leaf = in->leaf;
    t.generation = in->generation;
    return save(a, in->group_id, &t);
}

enum dt_err
dt_talk_moved(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t id[static 16],
              const uint8_t *from, uint64_t position)
{
    struct talk t = {0};
    enum dt_err err =
        from != NULL ? find(a, group_id, id, from, &t) : load_first(a, group_id, id, &t);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    t.position = position;
    return save(a, group_id, &t);
}

/* ---- others' ---- */

static enum dt_err
tell_sender(struct dt_agent *a, const uint8_t group_id[static 32],
            const uint8_t letter_hash[static 32], uint64_t position, bool of_ours)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct dt_person who;
    size_t party = 0;
    enum dt_err err = dt_letter_load(a, letter_hash, &l, &party, NULL);

    if (err != DT_OK)
        return err;
    dt_person_from(a, &l, party, &who);
    return dt_alarm_add(
        a, DT_ALARM_CELL, group_id, position, &who,
        of_ours ? "a message has the id of one of ours, which its sender took: both are kept"
                : "a message has the same id as one of another member: one of the two took it from "
                  "the other; both are kept");
}

/* ${in} bears the id of ${first}, another's piece. Ids are drawn at random: one of the two has it
 * from the other. Which, is known only where one of them is ours; the order shows nothing, since a
 * piece can be read before it counts. */
static enum dt_err
tell_same_id(struct dt_agent *a, const struct dt_incoming *in, const struct talk *first)
{
    bool first_ours = false, ours = memcmp(in->letter->key, a->letter.key, 32) == 0;
    enum dt_err err = is_of(a, first, a->letter.key, &first_ours);

    if (err == DT_OK && !first_ours)
        err = tell_sender(a, in->group_id, first->letter_hash, first->position, ours);
    if (err == DT_OK && !ours)
        err = tell_sender(a, in->group_id, in->letter->hash, in->position, first_ours);
    return err;
}

enum dt_err
dt_talk_receive(struct dt_agent *a, const struct dt_incoming *in)
{
    const struct dt_payload *p = in->payload;
    struct talk t = {.state = DT_TALK_RECEIVED,
                     .unconfirmed = in->unconfirmed,
                     .time_ms = p->sent_ms,
                     .position = in->position,
                     .epoch = in->epoch,
                     .leaf = in->leaf,
                     .generation = in->generation,
                     .file = p->name.n > 0,
                     .size = p->size};
    struct talk old = {0}, first = {0};
    enum dt_err err = find(a, in->group_id, p->id, in->letter->key, &old);

    /* Sent twice because its first copy might not have counted: the first that we took in stands.
     */
    if (err == DT_OK)
        return DT_OK;
    if (err != DT_ERR_NOT_FOUND ||
        (err = dt_letter_check_rights(in->letter, DT_RIGHT_BIT(DT_RIGHT_TALK))) != DT_OK)
        return err;
    memcpy(t.id, p->id, 16);
    memcpy(t.key, old.key, sizeof t.key);
    t.key_len = old.key_len;
    memcpy(t.letter_hash, in->letter->hash, 32);
    if (p->name.n > 0)
        memcpy(t.name, p->name.p, p->name.n);
    memcpy(t.media_type, p->media_type.p, p->media_type.n);
    if ((err = dt_letter_keep(a, in->letter, in->party, in->letter_bytes)) != DT_OK ||
        (t.key_len == OTHER_KEY && ((err = load_first(a, in->group_id, p->id, &first)) != DT_OK ||
                                    (err = tell_same_id(a, in, &first)) != DT_OK)))
        return err;
    return add(a, in->group_id, &p->rule, &t, p->data);
}

/* A copy of this home said it: ours, and read back. What we still had to say of it is said. */
enum dt_err
dt_talk_of_copy(struct dt_agent *a, const struct dt_incoming *in)
{
    struct talk t = {0};
    enum dt_err err;

    if ((err = dt_talk_receive(a, in)) != DT_OK ||
        (err = find(a, in->group_id, in->payload->id, in->letter->key, &t)) != DT_OK)
        return err;
    t.state = DT_TALK_CONFIRMED;
    t.position = in->position;
    t.epoch = in->epoch;
    t.leaf = in->leaf;
    t.generation = in->generation;
    return save(a, in->group_id, &t);
}

/* ---- destroying ---- */

enum dt_err
dt_talk_destroy(struct dt_agent *a, struct dt_view key, struct dt_destroyed_item *out)
{
    struct talk t = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    enum dt_err err;

    if (key.n != FIRST_KEY && key.n != OTHER_KEY)
        return dt_fail(DT_ERR_INTERNAL, "what is to be destroyed has no such row");
    memcpy(t.key, key.p, key.n);
    t.key_len = key.n;
    memcpy(t.id, key.p + 32, 16);
    if ((err = load(a, &t)) != DT_OK || t.rule.destroyed_ms != 0)
        return err != DT_OK ? err : DT_ERR_NOT_FOUND;
    if ((err = dt_letter_load(a, t.letter_hash, &l, NULL, NULL)) != DT_OK)
        return dt_fail_context(err, "the letter of a member");
    *out = (struct dt_destroyed_item){.own_rule = t.rule.own, .after_ms = t.rule.after_ms};
    memcpy(out->id, t.id, 16);
    memcpy(out->key, l.key, 32);
    memset(t.name, 0, sizeof t.name);
    memset(t.media_type, 0, sizeof t.media_type);
    t.size = 0;
    t.rule.destroyed_ms = dt_agent_now(a);
    err = dt_store_del(a->store, "talk_data", dt_view(t.key, t.key_len));
    return err != DT_OK ? err : save(a, key.p, &t);
}

enum dt_err
dt_talk_destroyed_file(struct dt_agent *a, const uint8_t group_id[static 32],
                       const uint8_t letter_hash[static 32], uint64_t sent_ms,
                       const struct dt_destroyed_item *item)
{
    struct talk t = {.state = DT_TALK_RECEIVED, .file = true, .unconfirmed = true};
    enum dt_err err = find(a, group_id, item->id, item->key, &t);

    if (err != DT_ERR_NOT_FOUND)
        return err;
    t.state = DT_TALK_RECEIVED;
    t.file = t.unconfirmed = true;
    t.time_ms = sent_ms;
    memcpy(t.letter_hash, letter_hash, 32);
    t.rule = (struct dt_talk_rule){.own = item->own_rule,
                                   .after_ms = item->after_ms,
                                   .due_ms = dt_agent_now(a),
                                   .destroyed_ms = dt_agent_now(a)};
    if ((err = dt_store_next_seq(a->store, "talk", dt_view(group_id, 32), &t.seq)) != DT_OK)
        return err;
    t.seq = t.seq == 0 ? 1 : t.seq;
    return save(a, group_id, &t);
}

enum dt_err
dt_talk_is(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t id[static 16],
           const uint8_t key[static 32], bool *out_here, bool *out_destroyed)
{
    struct talk t = {0};
    enum dt_err err = find(a, group_id, id, key, &t);

    *out_here = err == DT_OK;
    *out_destroyed = err == DT_OK && t.rule.destroyed_ms != 0;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_talk_number(struct dt_agent *a, struct dt_view key, uint64_t *out)
{
    struct talk t = {.key_len = key.n};
    enum dt_err err;

    if (key.n > OTHER_KEY)
        return dt_fail(DT_ERR_INTERNAL, "what is to be destroyed has no such row");
    memcpy(t.key, key.p, key.n);
    err = load(a, &t);
    *out = t.seq;
    return err;
}

/* ---- reading ---- */

static enum dt_err
describe(struct dt_agent *a, const struct talk *t, struct dt_talk_info *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    size_t party = 0;
    enum dt_err err = dt_letter_load(a, t->letter_hash, &l, &party, NULL);

    if (err != DT_OK)
        return err;
    *out = (struct dt_talk_info){.seq = t->seq,
                                 .state = t->state,
                                 .file = t->file,
                                 .unconfirmed = t->unconfirmed,
                                 .time_ms = t->time_ms,
                                 .position = t->position,
                                 .epoch = t->epoch,
                                 .leaf = t->leaf,
                                 .generation = t->generation,
                                 .size = (size_t)t->size,
                                 .rule = t->rule};
    out->rule.past =
        t->rule.destroyed_ms == 0 && t->rule.due_ms != 0 && dt_agent_now(a) >= t->rule.due_ms;
    memcpy(out->id, t->id, 16);
    memcpy(out->name, t->name, sizeof out->name);
    memcpy(out->media_type, t->media_type, sizeof out->media_type);
    dt_person_from(a, &l, party, &out->from);
    return DT_OK;
}

/* What is behind ${after_seq} and before ${before_seq}, in order. */
static enum dt_err
list_between(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t after_seq,
             uint64_t before_seq, struct dt_talk_info **out, size_t *out_n)
{
    struct dt_talk_info *v = NULL;
    size_t n = 0;
    uint64_t at = after_seq + 1;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        struct talk t = {0};
        struct dt_talk_info *grown;

        if ((err = dt_store_next(a->store, "talk", dt_view(group_id, 32), at, &row)) != DT_OK)
            break;
        if (row.seq >= before_seq) {
            err = DT_ERR_NOT_FOUND;
            break;
        }
        if ((err = decode(dt_buf_view(&row.value), &t)) != DT_OK)
            break;
        at = row.seq + 1;
        if (row.key.n >= FIRST_KEY)
            memcpy(t.id, row.key.p + 32, 16);
        grown = dt_realloc(v, n + 1, sizeof *v);
        if (grown == NULL) {
            err = dt_nomem();
            break;
        }
        v = grown;
        if ((err = describe(a, &t, &v[n])) != DT_OK)
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

enum dt_err
dt_agent_talk_list(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t after_seq,
                   struct dt_talk_info **out, size_t *out_n)
{
    return list_between(a, group_id, after_seq, UINT64_MAX, out, out_n);
}

enum dt_err
dt_agent_talk_last_number(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_last(a->store, "talk", dt_view(group_id, 32), &row);

    if (err == DT_OK || err == DT_ERR_NOT_FOUND)
        *out = err == DT_OK ? row.seq : 0;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* Numbers may have gaps, where something was destroyed: go back further until there are enough. */
enum dt_err
dt_agent_talk_before(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t before_seq,
                     size_t n, struct dt_talk_info **out, size_t *out_n)
{
    DT_CLEANUP(dt_free_p) struct dt_talk_info *list = NULL;
    uint64_t back = n, last = 0, end;
    size_t got = 0;
    enum dt_err err = dt_agent_talk_last_number(a, group_id, &last);

    if (err != DT_OK)
        return err;
    end = before_seq <= last ? before_seq : last + 1;
    while (end > 1 && n > 0) {
        uint64_t after = end - 1 > back ? end - 1 - back : 0;

        dt_free(list);
        list = NULL;
        got = 0;
        if ((err = list_between(a, group_id, after, end, &list, &got)) != DT_OK)
            return err;
        if (got >= n || after == 0)
            break;
        back *= 2;
    }
    if (list != NULL && got > n) {
        memmove(list, list + (got - n), n * sizeof *list);
        got = n;
    }
    *out = list;
    *out_n = got;
    list = NULL;
    return DT_OK;
}

enum dt_err
dt_agent_talk_last(struct dt_agent *a, const uint8_t group_id[static 32], size_t n,
                   struct dt_talk_info **out, size_t *out_n)
{
    return dt_agent_talk_before(a, group_id, UINT64_MAX, n, out, out_n);
}

enum dt_err
dt_agent_talk_read(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t seq,
                   struct dt_buf *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct talk t = {0};
    enum dt_err err = dt_store_next(a->store, "talk", dt_view(group_id, 32), seq, &row);

    if (err == DT_OK && row.seq == seq && (err = decode(dt_buf_view(&row.value), &t)) == DT_OK &&
        (t.rule.destroyed_ms != 0 || (t.rule.due_ms != 0 && dt_agent_now(a) >= t.rule.due_ms)))
        return dt_fail(DT_ERR_EXPIRED, "its time is over: it is destroyed by rule");
    if (err == DT_OK)
        err = row.seq == seq ? dt_store_get_blob(a->store, "talk_data", dt_buf_view(&row.key), out)
                             : DT_ERR_NOT_FOUND;
    return err == DT_ERR_NOT_FOUND
               ? dt_fail(DT_ERR_NOT_FOUND, "there is no such talk in the channel")
               : err;
}
