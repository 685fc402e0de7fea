/*
 * agent/payload.c - see payload.h.
 */
#include <string.h>

#include "base/text.h"
#include "base/wire.h"

#include "agent/payload.h"

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
    }
    return dt_writer_end(&w);
}

static bool
is_text(struct dt_view media_type)
{
    return media_type.n >= 5 && memcmp(media_type.p, "text/", 5) == 0;
}

static enum dt_err
read_talk(struct dt_reader *r, struct dt_payload *p)
{
    enum dt_err err;

    if ((err = dt_read_vec(r, DT_MEDIA_TYPE_MAX, &p->media_type)) != DT_OK ||
        (err = dt_read_vec(r, DT_FILE_NAME_MAX, &p->name)) != DT_OK ||
        (err = dt_read_vec(r, DT_LANG_MAX, &p->lang)) != DT_OK ||
        (err = dt_read_vec(r, DT_PAYLOAD_MAX, &p->data)) != DT_OK)
        return err;
    if (p->media_type.n == 0 || !dt_utf8_line(p->media_type) || !dt_utf8_line(p->lang))
        return dt_fail(DT_ERR_FORMAT, "media type or language is not one line of text");
    /* A name is shown and may become a file's name: never a path. */
    if (!dt_utf8_line(p->name) || (p->name.n > 0 && memchr(p->name.p, '/', p->name.n) != NULL) ||
        dt_view_equal(p->name, dt_view_str(".")) || dt_view_equal(p->name, dt_view_str("..")))
        return dt_fail(DT_ERR_FORMAT, "the file name is a path or not one line of text");
    if (is_text(p->media_type) && p->name.n == 0 && !dt_utf8_valid(p->data))
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
    default:
        err = dt_fail(DT_ERR_UNSUPPORTED, "kind %u is not known here", kind);
        break;
    }
    if (err == DT_OK && (err = dt_read_end(&r)) == DT_OK)
        *out = p;

done:
    return dt_fail_context(err, "message payload");
}
