/*
 * agent/form/payload.c - see payload.h.
 */
#include <string.h>

#include "base/text.h"
#include "base/wire.h"

#include "agent/form/payload.h"
#include "record/trace.h"

#define PAYLOAD_VERSION 1

enum dt_err
dt_payload_encode(const struct dt_payload *p, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u8(&w, PAYLOAD_VERSION);
    dt_write_u8(&w, (uint8_t)p->kind);
    dt_write_view(&w, dt_view_of(p->id));
    dt_write_u64(&w, p->sent_ms);
    switch (p->kind) {
    case DT_PAYLOAD_TALK:
        dt_write_vec(&w, p->media_type);
        dt_write_vec(&w, p->name);
        dt_write_vec(&w, p->lang);
        dt_write_vec(&w, p->data);
        dt_item_rule_write(&w, &p->rule);
        break;
    case DT_PAYLOAD_RECORD:
        dt_write_vec(&w, p->record);
        break;
    case DT_PAYLOAD_HERE:
        dt_write_u64(&w, p->epoch);
        dt_write_vec(&w, p->authenticator);
        break;
    case DT_PAYLOAD_LEAVE:
        dt_write_vec(&w, p->leave);
        break;
    case DT_PAYLOAD_CHUNK:
        dt_write_view(&w, dt_view_of(p->file));
        dt_write_u64(&w, p->size);
        dt_write_view(&w, dt_view_of(p->hash));
        dt_write_u32(&w, p->index);
        dt_write_vec(&w, p->media_type);
        dt_write_vec(&w, p->name);
        dt_write_vec(&w, p->data);
        dt_item_rule_write(&w, &p->rule);
        break;
    case DT_PAYLOAD_UNDERSTOOD:
        dt_write_u8(&w, p->what);
        dt_write_view(&w, dt_view_of(p->about));
        dt_write_view(&w, dt_view_of(p->about_key));
        dt_write_vec(&w, p->text);
        break;
    case DT_PAYLOAD_COURIER:
        dt_write_vec(&w, p->courier);
        break;
    case DT_PAYLOAD_LINE:
        dt_write_u8(&w, (uint8_t)p->line_what);
        dt_write_u64(&w, p->line_slot);
        dt_write_u64(&w, p->line_from_ms);
        dt_write_u64(&w, p->line_until_ms);
        dt_write_vec(&w, p->line_text);
        break;
    case DT_PAYLOAD_RECEIPT:
        dt_write_u64(&w, p->epoch);
        dt_write_vec(&w, p->authenticator);
        dt_write_u64(&w, p->position);
        dt_write_u64(&w, p->count);
        dt_write_view(&w, dt_view_of(p->root));
        if (!p->has_heard)
            break;
        dt_write_u64(&w, p->heard.size);
        dt_write_view(&w, dt_view_of(p->heard.root));
        dt_write_view(&w, dt_view_of(p->heard.signature));
        break;
    case DT_PAYLOAD_CLOSED:
        dt_write_u64(&w, p->epoch);
        dt_write_optional(&w, p->held);
        dt_write_u64(&w, p->first);
        dt_write_u64(&w, p->count);
        break;
    case DT_PAYLOAD_RECORD_DESTROYED:
        dt_write_vec(&w, p->destroyed);
        break;
    case DT_PAYLOAD_DESTROYED:
        dt_write_u64(&w, p->destroyed_ms);
        dt_write_vec(&w, p->destroyed_list);
        break;
    case DT_PAYLOAD_RELEASED:
        dt_write_view(&w, p->key);
        dt_write_u32(&w, p->leaf);
        dt_write_u64(&w, p->epoch);
        dt_write_vec(&w, p->voucher);
        break;
    }
    return dt_writer_end(&w);
}

static bool
is_text(struct dt_view media_type)
{
    return media_type.n >= 5 && memcmp(media_type.p, "text/", 5) == 0;
}

static enum dt_err
check_file(const struct dt_payload *p)
{
    if (p->media_type.n == 0 || !dt_utf8_line(p->media_type) || !dt_utf8_line(p->lang))
        return dt_fail(DT_ERR_FORMAT, "media type or language is not one line of text");
    /* A name is shown and may become a file's name: never a path. */
    if (!dt_utf8_line(p->name) || (p->name.n > 0 && memchr(p->name.p, '/', p->name.n) != NULL) ||
        dt_view_equal(p->name, dt_view_str(".")) || dt_view_equal(p->name, dt_view_str("..")))
        return dt_fail(DT_ERR_FORMAT, "the file name is a path or not one line of text");
    return DT_OK;
}

static enum dt_err
read_talk(struct dt_reader *r, struct dt_payload *p)
{
    enum dt_err err;

    if ((err = dt_read_vec(r, DT_MEDIA_TYPE_MAX, &p->media_type)) != DT_OK ||
        (err = dt_read_vec(r, DT_FILE_NAME_MAX, &p->name)) != DT_OK ||
        (err = dt_read_vec(r, DT_LANG_MAX, &p->lang)) != DT_OK ||
        (err = dt_read_vec(r, DT_PAYLOAD_MAX, &p->data)) != DT_OK ||
        (err = dt_item_rule_read(r, &p->rule)) != DT_OK)
        return err;
    if ((err = check_file(p)) != DT_OK)
        return err;
    if (is_text(p->media_type) && p->name.n == 0 && !dt_utf8_valid(p->data))
        return dt_fail(DT_ERR_FORMAT, "the text is not valid UTF-8");
    return DT_OK;
}

uint32_t
dt_chunk_count(uint64_t size)
{
    return (uint32_t)((size + DT_CHUNK - 1) / DT_CHUNK);
}

size_t
dt_chunk_length(uint64_t size, uint32_t index)
{
    const uint64_t from = (uint64_t)index * DT_CHUNK;

    return from >= size ? 0 : size - from < DT_CHUNK ? (size_t)(size - from) : DT_CHUNK;
}

static enum dt_err
read_chunk(struct dt_reader *r, struct dt_payload *p)
{
    enum dt_err err;

    if ((err = dt_read_fixed(r, p->file, sizeof p->file)) != DT_OK ||
        (err = dt_read_u64(r, &p->size)) != DT_OK ||
        (err = dt_read_fixed(r, p->hash, sizeof p->hash)) != DT_OK ||
        (err = dt_read_u32(r, &p->index)) != DT_OK ||
        (err = dt_read_vec(r, DT_MEDIA_TYPE_MAX, &p->media_type)) != DT_OK ||
        (err = dt_read_vec(r, DT_FILE_NAME_MAX, &p->name)) != DT_OK ||
        (err = dt_read_vec(r, DT_CHUNK, &p->data)) != DT_OK ||
        (err = dt_item_rule_read(r, &p->rule)) != DT_OK || (err = check_file(p)) != DT_OK)
        return err;
    if (p->size == 0 || p->size > DT_FILE_MAX || p->index >= dt_chunk_count(p->size) ||
        p->data.n != dt_chunk_length(p->size, p->index) || p->name.n == 0)
        return dt_fail(DT_ERR_FORMAT, "a piece of a file that cannot be one");
    return DT_OK;
}

static enum dt_err
read_understood(struct dt_reader *r, struct dt_payload *p)
{
    enum dt_err err;

    if ((err = dt_read_u8(r, &p->what)) != DT_OK ||
        (err = dt_read_fixed(r, p->about, sizeof p->about)) != DT_OK ||
        (err = dt_read_fixed(r, p->about_key, sizeof p->about_key)) != DT_OK ||
        (err = dt_read_vec(r, DT_TEXT_MAX, &p->text)) != DT_OK)
        return err;
    if (p->what < DT_UNDERSTOOD_AS || p->what > DT_UNDERSTOOD_IS_WRONG ||
        (p->what == DT_UNDERSTOOD_AS && p->text.n == 0))
        return dt_fail(DT_ERR_FORMAT, "no word on how a message is to be understood");
    if (!dt_utf8_lines(p->text))
        return dt_fail(DT_ERR_FORMAT, "the text is not valid UTF-8");
    return DT_OK;
}

static enum dt_err
read_receipt(struct dt_reader *r, struct dt_payload *p)
{
    enum dt_err err;

    if ((err = dt_read_u64(r, &p->epoch)) != DT_OK ||
        (err = dt_read_vec(r, DT_AUTHENTICATOR_MAX, &p->authenticator)) != DT_OK ||
        (err = dt_read_u64(r, &p->position)) != DT_OK || (err = dt_read_u64(r, &p->count)) != DT_OK)
        return err;
    if (p->count > p->position)
        return dt_fail(DT_ERR_FORMAT, "a receipt counts more cells than its queue has had");
    if ((err = dt_read_fixed(r, p->root, sizeof p->root)) != DT_OK)
        return err;
    p->has_heard = r->n > 0;
    if (!p->has_heard)
        return DT_OK;
    if ((err = dt_read_u64(r, &p->heard.size)) != DT_OK ||
        (err = dt_read_fixed(r, p->heard.root, sizeof p->heard.root)) != DT_OK)
        return err;
    return dt_read_fixed(r, p->heard.signature, sizeof p->heard.signature);
}

/* A call says nothing of messages. */
static enum dt_err
read_closed(struct dt_reader *r, struct dt_payload *p)
{
    enum dt_err err;

    if ((err = dt_read_u64(r, &p->epoch)) != DT_OK ||
        (err = dt_read_optional(r, &p->held)) != DT_OK ||
        (err = dt_read_u64(r, &p->first)) != DT_OK || (err = dt_read_u64(r, &p->count)) != DT_OK)
        return err;
    if (p->epoch == UINT64_MAX || p->first > p->epoch + 1 ||
        (p->first == p->epoch + 1 && p->count != 0) ||
        (!p->held && (p->first != 0 || p->count != 0)))
        return dt_fail(DT_ERR_FORMAT, "it closes epochs that cannot be");
    return DT_OK;
}

static enum dt_err
read_released(struct dt_reader *r, struct dt_payload *p)
{
    enum dt_err err;

    if ((err = dt_read_view(r, 32, &p->key)) != DT_OK ||
        (err = dt_read_u32(r, &p->leaf)) != DT_OK || (err = dt_read_u64(r, &p->epoch)) != DT_OK)
        return err;
    return dt_read_vec(r, DT_VOUCHER_MAX, &p->voucher);
}

static enum dt_err
read_line(struct dt_reader *r, struct dt_payload *p)
{
    uint8_t what = 0;
    enum dt_err err;

    if ((err = dt_read_u8(r, &what)) != DT_OK || (err = dt_read_u64(r, &p->line_slot)) != DT_OK ||
        (err = dt_read_u64(r, &p->line_from_ms)) != DT_OK ||
        (err = dt_read_u64(r, &p->line_until_ms)) != DT_OK ||
        (err = dt_read_vec(r, DT_LINE_TEXT_MAX, &p->line_text)) != DT_OK)
        return err;
    if (what < DT_LINE_TEST || what > DT_LINE_OUTAGE)
        return dt_fail(DT_ERR_UNSUPPORTED, "line message %u is not known here", what);
    if (!dt_utf8_line(p->line_text))
        return dt_fail(DT_ERR_FORMAT, "what a line message says is not one line of text");
    if (what == DT_LINE_OUTAGE && p->line_until_ms != 0 && p->line_until_ms <= p->line_from_ms)
        return dt_fail(DT_ERR_FORMAT, "an outage ends before it begins");
    p->line_what = (enum dt_line_what)what;
    return DT_OK;
}

void
dt_destroyed_write(struct dt_writer *w, const struct dt_destroyed_item *item)
{
    dt_write_view(w, dt_view_of(item->id));
    dt_write_view(w, dt_view_of(item->key));
    dt_write_optional(w, item->own_rule);
    dt_write_u64(w, item->after_ms);
}

enum dt_err
dt_destroyed_next(struct dt_view *rest, struct dt_destroyed_item *out)
{
    struct dt_reader r = dt_reader_init(*rest);
    struct dt_destroyed_item x = {0};
    enum dt_err err;

    if (rest->n == 0)
        return DT_ERR_NOT_FOUND;
    if ((err = dt_read_fixed(&r, x.id, sizeof x.id)) != DT_OK ||
        (err = dt_read_fixed(&r, x.key, sizeof x.key)) != DT_OK ||
        (err = dt_read_optional(&r, &x.own_rule)) != DT_OK ||
        (err = dt_read_u64(&r, &x.after_ms)) != DT_OK ||
        (err = dt_destroy_after_check(x.after_ms)) != DT_OK)
        return err;
    *rest = dt_view(r.p, r.n);
    *out = x;
    return DT_OK;
}

static enum dt_err
read_destroyed(struct dt_reader *r, struct dt_payload *p)
{
    struct dt_destroyed_item item;
    struct dt_view rest;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_read_u64(r, &p->destroyed_ms)) != DT_OK ||
        (err = dt_read_vec(r, DT_PAYLOAD_MAX, &p->destroyed_list)) != DT_OK)
        return err;
    rest = p->destroyed_list;
    while ((err = dt_destroyed_next(&rest, &item)) == DT_OK)
        n++;
    if (err != DT_ERR_NOT_FOUND)
        return err;
    if (n == 0 || n > DT_DESTROYED_ITEMS)
        return dt_fail(DT_ERR_FORMAT, "it names 1 to %u things that were destroyed",
                       DT_DESTROYED_ITEMS);
    return DT_OK;
}

enum dt_err
dt_payload_decode(struct dt_view bytes, struct dt_payload *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_payload p = {0};
    uint8_t version = 0;
    uint8_t kind = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK || (err = dt_read_u8(&r, &kind)) != DT_OK ||
        (err = dt_read_fixed(&r, p.id, sizeof p.id)) != DT_OK ||
        (err = dt_read_u64(&r, &p.sent_ms)) != DT_OK)
        goto done;
    if (version != PAYLOAD_VERSION) {
        err = dt_fail(DT_ERR_UNSUPPORTED, "version %u is not known here", version);
        goto done;
    }
    p.kind = (enum dt_payload_kind)kind;
    switch (kind) {
    case DT_PAYLOAD_TALK:
        err = read_talk(&r, &p);
        break;
    case DT_PAYLOAD_RECORD:
        err = dt_read_vec(&r, DT_PAYLOAD_MAX, &p.record);
        break;
    case DT_PAYLOAD_HERE:
        err = dt_read_u64(&r, &p.epoch);
        if (err == DT_OK)
            err = dt_read_vec(&r, DT_AUTHENTICATOR_MAX, &p.authenticator);
        break;
    case DT_PAYLOAD_LEAVE:
        err = dt_read_vec(&r, 512, &p.leave);
        break;
    case DT_PAYLOAD_RECEIPT:
        err = read_receipt(&r, &p);
        break;
    case DT_PAYLOAD_CHUNK:
        err = read_chunk(&r, &p);
        break;
    case DT_PAYLOAD_UNDERSTOOD:
        err = read_understood(&r, &p);
        break;
    case DT_PAYLOAD_LINE:
        err = read_line(&r, &p);
        break;
    case DT_PAYLOAD_COURIER:
        err = dt_read_vec(&r, 512, &p.courier);
        break;
    case DT_PAYLOAD_CLOSED:
        err = read_closed(&r, &p);
        break;
    case DT_PAYLOAD_RECORD_DESTROYED:
        err = dt_read_vec(&r, DT_DESTROYED_LEN, &p.destroyed);
        break;
    case DT_PAYLOAD_DESTROYED:
        err = read_destroyed(&r, &p);
        break;
    case DT_PAYLOAD_RELEASED:
        err = read_released(&r, &p);
        break;
    default:
        err = dt_fail(DT_ERR_UNSUPPORTED, "kind %u is not known here", kind);
        break;
    }
    if (err == DT_OK && (err = dt_read_end(&r)) == DT_OK)
        *out = p;

done:
    return dt_fail_context(err, "message payload");
}
