/*
 * agent/channel/channel.c - see channel.h: the saved form of a channel, its epochs and its intents.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/channel/channel.h"

#define CHANNEL_VERSION 1
#define CHANNEL_MAX     (DT_HISTORY_MAX + (1u << 20))

void
dt_channel_clear(struct dt_channel *ch)
{
    if (ch == NULL)
        return;
    mls_group_free(ch->group);
    ch->group = NULL;
    dt_buf_clear(&ch->letters);
    dt_buf_clear(&ch->warrants);
    dt_queue_keys_clear(&ch->queue);
    dt_wipe(ch->queue_token, sizeof ch->queue_token);
}

static enum dt_err
encode(const struct dt_channel *ch, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark;
    enum dt_err err;

    dt_write_u8(&w, CHANNEL_VERSION);
    dt_write_view(&w, dt_view_of(ch->group_id));
    dt_write_u8(&w, (uint8_t)ch->state);
    mark = dt_write_vec_begin(&w);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_founding_encode(&ch->founding, out)) != DT_OK)
        return err;
    dt_write_vec_end(&w, mark);
    dt_write_vec(&w, dt_buf_view(&ch->letters));
    dt_write_vec(&w, dt_buf_view(&ch->warrants));
    dt_write_view(&w, dt_view_of(ch->queue_token));
    dt_write_vec(&w, dt_secret_view(&ch->queue.bytes));
    dt_write_u8(&w, ch->queue_made);
    dt_write_u64(&w, ch->queue_number);
    dt_write_u64(&w, ch->queue_begun_ms);
    dt_write_u64(&w, ch->position);
    dt_write_u64(&w, ch->last_read_ms);
    dt_write_u8(&w, ch->confirmed);
    dt_write_u32(&w, ch->here);
    dt_write_u8(&w, ch->here_due);
    dt_write_u64(&w, ch->here_epoch);
    dt_write_view(&w, dt_view_of(ch->invitation_id));
    dt_write_u8(&w, ch->pending);
    dt_write_view(&w, dt_view_of(ch->pending_intent));
    dt_write_u8(&w, (uint8_t)ch->pending_kind);
    dt_write_view(&w, dt_view_of(ch->pending_append));
    return dt_writer_end(&w);
}

enum dt_err
dt_channel_encode_bare(const struct dt_channel *ch, struct dt_buf *out)
{
    struct dt_channel bare = {.state = ch->state == DT_CHANNEL_LEFT ? DT_CHANNEL_LEFT
                                                                    : DT_CHANNEL_BROKEN,
                              .founding = ch->founding,
                              .letters = ch->letters, /* borrowed, as is what follows */
                              .warrants = ch->warrants,
                              .last_read_ms = ch->last_read_ms,
                              .pending_kind = DT_INTENT_PAYLOAD};

    memcpy(bare.group_id, ch->group_id, sizeof bare.group_id);
    memcpy(bare.invitation_id, ch->invitation_id, sizeof bare.invitation_id);
    return encode(&bare, out);
}

static enum dt_err
read_bool(struct dt_reader *r, bool *out)
{
    return dt_read_optional(r, out);
}

static enum dt_err
decode(struct dt_view v, struct dt_channel *ch)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view founding, letters, warrants, keys;
    uint8_t version = 0, state = 0, kind = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK)
        return err;
    if (version != CHANNEL_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED,
                       "a channel is kept in version %u, which is not known here", version);
    if ((err = dt_read_fixed(&r, ch->group_id, 32)) != DT_OK ||
        (err = dt_read_u8(&r, &state)) != DT_OK ||
        (err = dt_read_vec(&r, DT_FOUNDING_MAX, &founding)) != DT_OK ||
        (err = dt_founding_decode(founding, &ch->founding)) != DT_OK ||
        (err = dt_read_vec(&r, CHANNEL_MAX, &letters)) != DT_OK ||
        (err = dt_read_vec(&r, DT_HISTORY_MAX, &warrants)) != DT_OK ||
        (err = dt_read_fixed(&r, ch->queue_token, 32)) != DT_OK ||
        (err = dt_read_vec(&r, DT_QUEUE_EXPORT_LEN, &keys)) != DT_OK ||
        (err = read_bool(&r, &ch->queue_made)) != DT_OK ||
        (err = dt_read_u64(&r, &ch->queue_number)) != DT_OK ||
        (err = dt_read_u64(&r, &ch->queue_begun_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &ch->position)) != DT_OK ||
        (err = dt_read_u64(&r, &ch->last_read_ms)) != DT_OK ||
        (err = read_bool(&r, &ch->confirmed)) != DT_OK ||
        (err = dt_read_u32(&r, &ch->here)) != DT_OK ||
        (err = read_bool(&r, &ch->here_due)) != DT_OK ||
        (err = dt_read_u64(&r, &ch->here_epoch)) != DT_OK ||
        (err = dt_read_fixed(&r, ch->invitation_id, 16)) != DT_OK ||
        (err = read_bool(&r, &ch->pending)) != DT_OK ||
        (err = dt_read_fixed(&r, ch->pending_intent, 16)) != DT_OK ||
        (err = dt_read_u8(&r, &kind)) != DT_OK ||
        (err = dt_read_fixed(&r, ch->pending_append, 16)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    ch->state = (enum dt_channel_state)state;
    ch->pending_kind = (enum dt_intent_kind)kind;
    if ((err = dt_buf_set(&ch->letters, letters)) != DT_OK ||
        (err = dt_buf_set(&ch->warrants, warrants)) != DT_OK)
        return err;
    return keys.n == 0 ? DT_OK : dt_queue_keys_set(&ch->queue, keys);
}

static void
init(struct dt_channel *ch)
{
    *ch = (struct dt_channel){0};
    dt_buf_init(&ch->letters, CHANNEL_MAX);
    dt_buf_init(&ch->warrants, DT_HISTORY_MAX);
}

enum dt_err
dt_channel_load_row(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_channel *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch;
    enum dt_err err;

    init(&ch);
    err = dt_store_get_blob(a->store, "channel", dt_view(group_id, 32), &value);
    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_NOT_FOUND, "there is no such channel in this home");
    if (err == DT_OK)
        err = decode(dt_buf_view(&value), &ch);
    if (err != DT_OK)
        return dt_fail_context(err, "channel");
    dt_channel_clear(out);
    *out = ch;
    init(&ch); /* moved */
    return DT_OK;
}

enum dt_err
dt_channel_load(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_channel *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err = dt_channel_load_row(a, group_id, &ch);

    if (err != DT_OK)
        return err;
    if (ch.state != DT_CHANNEL_FOUNDING) {
        err = dt_store_get_group(a->store, dt_view(group_id, 32), &value);
        if (err == DT_ERR_NOT_FOUND && ch.state != DT_CHANNEL_LIVE)
            err = DT_OK; /* we have a seat, and never had its state: see dt_copy_welcome() */
        else if (err == DT_OK)
            err = mls_group_load(dt_buf_view(&value), &ch.group);
        if (err != DT_OK)
            return dt_fail_context(err, "group state");
    }
    dt_channel_clear(out);
    *out = ch;
    init(&ch); /* moved */
    return DT_OK;
}

enum dt_err
dt_channel_load_live(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_channel *out)
{
    enum dt_err err = dt_channel_load(a, group_id, out);

    if (err != DT_OK)
        return err;
    switch (out->state) {
    case DT_CHANNEL_LIVE:
        return DT_OK;
    case DT_CHANNEL_FOUNDING:
        return dt_fail(DT_ERR_STATE, "the channel %s is not founded yet: answers are awaited",
                       out->founding.name);
    case DT_CHANNEL_LEFT:
        return dt_fail(DT_ERR_STATE, "we are no longer a member of the channel %s",
                       out->founding.name);
    default:
        return dt_fail(DT_ERR_STATE,
                       "this home's state of the channel %s cannot be used: see detente channels",
                       out->founding.name);
    }
}

static enum dt_err
save_group(struct dt_agent *a, const struct dt_channel *ch, bool new_epoch)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    enum dt_err err = mls_group_save(ch->group, &value);

    if (err == DT_OK)
        err =
            dt_store_put_group(a->store, dt_view_of(ch->group_id), dt_buf_view(&value), new_epoch);
    return err;
}

static enum dt_err
put(struct dt_agent *a, const struct dt_channel *ch, uint64_t seq)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(CHANNEL_MAX);
    enum dt_err err = encode(ch, &value);

    if (err == DT_OK)
        err = dt_store_put(a->store, "channel", dt_view_of(ch->group_id), dt_view(NULL, 0), seq,
                           dt_buf_view(&value));
    return err;
}

/* The place of a channel in the list never changes; it is kept in a row of its own. */
static enum dt_err
list_number(struct dt_agent *a, const struct dt_channel *ch, uint64_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(8);
    struct dt_reader r;
    enum dt_err err =
        dt_store_get_blob(a->store, "channel_number", dt_view_of(ch->group_id), &value);

    r = dt_reader_init(dt_buf_view(&value));
    return err != DT_OK ? err : dt_read_u64(&r, out);
}

enum dt_err
dt_channel_save(struct dt_agent *a, struct dt_channel *ch, bool new_epoch)
{
    uint64_t seq = 0;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = list_number(a, ch, &seq)) == DT_OK && (err = put(a, ch, seq)) == DT_OK &&
        ch->group != NULL)
        err = save_group(a, ch, new_epoch);
    return dt_store_end(a->store, err);
}

enum dt_err
dt_channel_add(struct dt_agent *a, struct dt_channel *ch)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(8);
    struct dt_writer w = dt_writer_init(&value);
    uint64_t seq = 0;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err = list_number(a, ch, &seq);
    if (err == DT_ERR_NOT_FOUND) {
        if ((err = dt_store_next_seq(a->store, "channel", dt_view(NULL, 0), &seq)) == DT_OK) {
            dt_write_u64(&w, seq);
            err = dt_writer_end(&w);
        }
        if (err == DT_OK)
            err = dt_store_put_blob(a->store, "channel_number", dt_view_of(ch->group_id),
                                    dt_buf_view(&value));
    }
    if (err == DT_OK)
        err = put(a, ch, seq);
    if (err == DT_OK && ch->group != NULL)
        err = save_group(a, ch, true);
    return dt_store_end(a->store, err);
}

enum dt_err
dt_channel_next(struct dt_agent *a, uint64_t *at, uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_next(a->store, "channel", dt_view(NULL, 0), *at, &row);

    if (err != DT_OK)
        return err;
    if (row.key.n != 32)
        return dt_fail(DT_ERR_FORMAT, "a channel row has no group id");
    memcpy(group_id, row.key.p, 32);
    *at = row.seq + 1;
    return DT_OK;
}

uint32_t
dt_channel_parties(const struct dt_channel *ch)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < ch->founding.n_members; i++)
        bits |= UINT32_C(1) << ch->founding.members[i].party;
    return bits;
}

bool
dt_channel_all_here(const struct dt_agent *a, const struct dt_channel *ch)
{
    uint32_t others = dt_channel_parties(ch) & ~(UINT32_C(1) << a->party);

    return (ch->here & others) == others;
}

enum dt_err
dt_channel_new_queue(struct dt_agent *a, struct dt_channel *ch)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret bytes = {0};
    enum dt_err err;

    if ((err = mls_group_export(ch->group, DT_QUEUE_EXPORT_LABEL, dt_view(NULL, 0),
                                DT_QUEUE_EXPORT_LEN, &bytes)) != DT_OK ||
        (err = dt_queue_keys_set(&ch->queue, dt_secret_view(&bytes))) != DT_OK)
        return err;
    ch->queue_made = false;
    ch->queue_number++;
    ch->queue_begun_ms = dt_agent_now(a);
    ch->position = 0;
    return DT_OK;
}

/* ---- epoch authenticators ---- */

static void
epoch_key(uint8_t out[static 40], const uint8_t group_id[static 32], uint64_t epoch)
{
    memcpy(out, group_id, 32);
    for (size_t i = 0; i < 8; i++)
        out[32 + i] = (uint8_t)(epoch >> (56 - 8 * i));
}

enum dt_err
dt_channel_note_epoch(struct dt_agent *a, const struct dt_channel *ch)
{
    uint8_t key[40];

    epoch_key(key, ch->group_id, mls_group_epoch(ch->group));
    return dt_store_put_blob(a->store, "epoch", dt_view_of(key),
                             mls_group_epoch_authenticator(ch->group));
}

enum dt_err
dt_channel_authenticator(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t epoch,
                         struct dt_buf *out)
{
    uint8_t key[40];

    epoch_key(key, group_id, epoch);
    return dt_store_get_blob(a->store, "epoch", dt_view_of(key), out);
}

/* ---- intents ---- */

void
dt_intent_clear(struct dt_intent *x)
{
    if (x != NULL)
        dt_buf_wipe(&x->body);
}

enum dt_err
dt_intent_add(struct dt_agent *a, const uint8_t group_id[static 32], enum dt_intent_kind kind,
              const uint8_t id[static 16], struct dt_view body)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_PAYLOAD_MAX + DT_WARRANT_MAX);
    struct dt_writer w = dt_writer_init(&value);
    uint64_t seq = 0;
    enum dt_err err;

    dt_write_u8(&w, (uint8_t)kind);
    dt_write_view(&w, dt_view(id, 16));
    dt_write_view(&w, body);
    if ((err = dt_writer_end(&w)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_store_next_seq(a->store, "intent", dt_view(group_id, 32), &seq)) == DT_OK)
        err = dt_store_put(a->store, "intent", dt_view(id, 16), dt_view(group_id, 32), seq,
                           dt_buf_view(&value));
    return dt_store_end(a->store, err);
}

enum dt_err
dt_intent_del(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t id[static 16])
{
    (void)group_id;
    return dt_store_del(a->store, "intent", dt_view(id, 16));
}

enum dt_err
dt_intent_next(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t at,
               struct dt_intent *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct dt_reader r;
    uint8_t kind = 0;
    enum dt_err err = dt_store_next(a->store, "intent", dt_view(group_id, 32), at, &row);

    if (err != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&row.value));
    if ((err = dt_read_u8(&r, &kind)) != DT_OK || (err = dt_read_fixed(&r, out->id, 16)) != DT_OK)
        return err;
    out->body.max = DT_STORE_VALUE_MAX;
    if ((err = dt_buf_set(&out->body, dt_view(r.p, r.n))) != DT_OK)
        return err;
    out->kind = (enum dt_intent_kind)kind;
    out->seq = row.seq;
    return DT_OK;
}

enum dt_err
dt_intent_has(struct dt_agent *a, const uint8_t group_id[static 32], enum dt_intent_kind kind,
              bool *out)
{
    DT_CLEANUP(dt_intent_clear) struct dt_intent x = {0};
    uint64_t at = 0;
    enum dt_err err;

    while ((err = dt_intent_next(a, group_id, at, &x)) == DT_OK) {
        if (x.kind == kind) {
            *out = true;
            return DT_OK;
        }
        at = x.seq + 1;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    *out = false;
    return DT_OK;
}

enum dt_err
dt_channel_send(struct dt_agent *a, const uint8_t group_id[static 32],
                const struct dt_payload *payload)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf body = DT_BUF_INIT(DT_PAYLOAD_MAX + 4096u);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err;

    if ((err = dt_payload_encode(payload, &body)) != DT_OK)
        return err;
    if (body.n > DT_PAYLOAD_MAX)
        return dt_fail(DT_ERR_LIMIT, "a message of %zu bytes does not fit: at most %u", body.n,
                       DT_PAYLOAD_MAX);
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_live(a, group_id, &ch)) == DT_OK)
        err = dt_intent_add(a, group_id, DT_INTENT_PAYLOAD, payload->id, dt_buf_view(&body));
    return dt_store_end(a->store, err);
}
