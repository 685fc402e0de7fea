/*
 * mls/framing.c - see framing.h.
 */
#include "mls/group_limits.h"
#include "mls/key_schedule.h"
#include "mls/label.h"

#include "mls/framing.h"

/* Room for signed bytes: a content and a GroupContext. */
#define TBS_MAX (2 * MLS_MESSAGE_MAX + 64)

enum dt_err
mls_message_read(struct dt_reader *r, enum mls_wire_format *out)
{
    uint16_t version;
    uint16_t format;
    enum dt_err err;

    if ((err = dt_read_u16(r, &version)) != DT_OK)
        return err;
    if (version != MLS_VERSION_10)
        return dt_fail(DT_ERR_UNSUPPORTED, "protocol version %u", version);
    if ((err = dt_read_u16(r, &format)) != DT_OK)
        return err;
    if (format < MLS_WIRE_PUBLIC_MESSAGE || format > MLS_WIRE_KEY_PACKAGE)
        return dt_fail(DT_ERR_UNSUPPORTED, "wire format %u", format);
    *out = (enum mls_wire_format)format;
    return DT_OK;
}

enum dt_err
mls_message_body(struct dt_view message, enum mls_wire_format format, struct dt_view *body)
{
    struct dt_reader r = dt_reader_init(message);
    enum mls_wire_format got;
    enum dt_err err;

    if (message.n > MLS_MESSAGE_MAX)
        return dt_fail(DT_ERR_LIMIT, "a message of %zu bytes", message.n);
    err = mls_message_read(&r, &got);
    if (err != DT_OK)
        return err;
    if (got != format)
        return dt_fail(DT_ERR_FORMAT, "wire format %d where %d is expected", (int)got, (int)format);
    *body = dt_view(r.p, r.n);
    return DT_OK;
}

void
mls_message_write(struct dt_writer *w, enum mls_wire_format format)
{
    dt_write_u16(w, MLS_VERSION_10);
    dt_write_u16(w, (uint16_t)format);
}

void
mls_auth_content_clear(struct mls_auth_content *c)
{
    if (c == NULL)
        return;
    mls_proposal_unref(c->proposal);
    mls_commit_clear(&c->commit);
    dt_buf_wipe(&c->raw);
    *c = (struct mls_auth_content){0};
}

void
mls_auth_content_move(struct mls_auth_content *to, struct mls_auth_content *from)
{
    mls_auth_content_clear(to);
    *to = *from;
    *from = (struct mls_auth_content){0};
}

/* RFC 9420 section 6: Sender. */
static enum dt_err
sender_read(struct dt_reader *r, struct mls_auth_content *c)
{
    enum dt_err err = dt_read_u8(r, &c->sender_type);

    if (err != DT_OK)
        return err;
    switch (c->sender_type) {
    case MLS_SENDER_MEMBER:
    case MLS_SENDER_EXTERNAL:
        return dt_read_u32(r, &c->sender);
    case MLS_SENDER_NEW_MEMBER_PROPOSAL:
    case MLS_SENDER_NEW_MEMBER_COMMIT:
        return DT_OK;
    default:
        return dt_fail(DT_ERR_FORMAT, "sender type %u", c->sender_type);
    }
}

/* RFC 9420 section 6: FramedContent. */
static enum dt_err
content_read(struct dt_reader *r, struct mls_auth_content *c)
{
    enum dt_err err;

    if ((err = dt_read_vec(r, MLS_GROUP_ID_MAX, &c->group_id)) != DT_OK ||
        (err = dt_read_u64(r, &c->epoch)) != DT_OK || (err = sender_read(r, c)) != DT_OK ||
        (err = dt_read_vec(r, MLS_AUTHENTICATED_DATA_MAX, &c->authenticated_data)) != DT_OK ||
        (err = dt_read_u8(r, &c->content_type)) != DT_OK)
        return err;
    switch (c->content_type) {
    case MLS_CONTENT_APPLICATION:
        return dt_read_vec(r, MLS_APPLICATION_DATA_MAX, &c->application_data);
    case MLS_CONTENT_PROPOSAL:
        return mls_proposal_read(r, &c->proposal);
    case MLS_CONTENT_COMMIT:
        return mls_commit_read(r, &c->commit);
    default:
        return dt_fail(DT_ERR_FORMAT, "content type %u", c->content_type);
    }
}

enum dt_err
mls_auth_content_parse(struct dt_buf *raw, struct mls_auth_content *out, struct dt_view *rest)
{
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    struct dt_reader r = dt_reader_init(dt_buf_view(raw));
    enum dt_err err;

    if ((err = dt_read_u16(&r, &c.wire_format)) != DT_OK || (err = content_read(&r, &c)) != DT_OK)
        return err;
    if (c.wire_format != MLS_WIRE_PUBLIC_MESSAGE && c.wire_format != MLS_WIRE_PRIVATE_MESSAGE)
        return dt_fail(DT_ERR_FORMAT, "wire format %u of a content", c.wire_format);
    c.content_end = r.off;
    if ((err = dt_read_vec(&r, MLS_SIG_MAX, &c.signature)) != DT_OK)
        return err;
    c.signature_end = r.off;
    if (c.content_type == MLS_CONTENT_COMMIT &&
        (err = dt_read_vec(&r, MLS_HASH_MAX, &c.confirmation_tag)) != DT_OK)
        return err;
    if (rest == NULL && (err = dt_read_end(&r)) != DT_OK)
        return err;
    if (rest != NULL)
        *rest = dt_view(r.p, r.n);
    /* The views stay good: the buffer's bytes change hands, not place. */
    c.raw = *raw;
    *raw = (struct dt_buf)DT_BUF_INIT(raw->max);
    mls_auth_content_move(out, &c);
    return DT_OK;
}

static void
sender_write(struct dt_writer *w, const struct mls_content_fields *f)
{
    uint8_t type = f->sender_type == 0 ? MLS_SENDER_MEMBER : f->sender_type;

    dt_write_u8(w, type);
    if (type == MLS_SENDER_MEMBER || type == MLS_SENDER_EXTERNAL)
        dt_write_u32(w, f->sender);
}

static void
content_write(struct dt_writer *w, const struct mls_content_fields *f)
{
    dt_write_u16(w, (uint16_t)f->wire_format);
    dt_write_vec(w, f->group_id);
    dt_write_u64(w, f->epoch);
    sender_write(w, f);
    dt_write_vec(w, f->authenticated_data);
    dt_write_u8(w, (uint8_t)f->content_type);
    if (f->content_type == MLS_CONTENT_APPLICATION)
        dt_write_vec(w, f->application_data);
    else if (f->content_type == MLS_CONTENT_PROPOSAL)
        mls_proposal_write(w, f->proposal);
    else
        mls_commit_write(w, f->commit);
}

/* FramedContentTBS: version, wire_format, content; and the context, but for proposals from outside,
 * whose senders do not know it. */
static enum dt_err
tbs(struct dt_view wire_format_and_content, uint8_t sender_type, struct dt_view context,
    struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u16(&w, MLS_VERSION_10);
    dt_write_view(&w, wire_format_and_content);
    if (sender_type != MLS_SENDER_EXTERNAL && sender_type != MLS_SENDER_NEW_MEMBER_PROPOSAL)
        dt_write_view(&w, context);
    return dt_writer_end(&w);
}

enum dt_err
mls_content_sign(const struct dt_suite *suite, const struct mls_content_fields *fields,
                 struct dt_view context, struct dt_view sig_priv, struct dt_buf *out,
                 size_t *content_end)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf signed_bytes = DT_BUF_INIT(TBS_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf signature = DT_BUF_INIT(MLS_SIG_MAX);
    struct dt_writer w = dt_writer_init(out);
    size_t end;
    enum dt_err err;

    content_write(&w, fields);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    end = out->n;
    err = tbs(dt_buf_view(out), fields->sender_type, context, &signed_bytes);
    if (err == DT_OK)
        err = mls_sign_with_label(suite, sig_priv, "FramedContentTBS", dt_buf_view(&signed_bytes),
                                  &signature);
    if (err != DT_OK)
        return err;
    dt_write_vec(&w, dt_buf_view(&signature));
    err = dt_writer_end(&w);
    if (err == DT_OK)
        *content_end = end;
    return err;
}

enum dt_err
mls_auth_content_verify(const struct dt_suite *suite, const struct mls_auth_content *c,
                        struct dt_view context, struct dt_view signature_key)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf signed_bytes = DT_BUF_INIT(TBS_MAX);
    enum dt_err err =
        tbs(dt_view(c->raw.p, c->content_end), c->sender_type, context, &signed_bytes);

    if (err == DT_OK)
        err = mls_verify_with_label(suite, signature_key, "FramedContentTBS",
                                    dt_buf_view(&signed_bytes), c->signature);
    return err;
}

struct dt_view
mls_auth_content_transcript_input(const struct mls_auth_content *c)
{
    return dt_view(c->raw.p, c->signature_end);
}

enum dt_err
mls_auth_content_ref(const struct dt_suite *suite, const struct mls_auth_content *c,
                     uint8_t out[static DT_HASH_MAX])
{
    return mls_ref_hash(suite, MLS_LABEL_PROPOSAL_REF, dt_buf_view(&c->raw), out);
}

enum dt_err
mls_public_message_parse(struct dt_view body, struct mls_auth_content *out, struct dt_view *tag)
{
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_MESSAGE_MAX + 2);
    struct dt_writer w = dt_writer_init(&raw);
    struct dt_view rest;
    struct dt_view t = {0};
    struct dt_reader r;
    enum dt_err err;

    dt_write_u16(&w, MLS_WIRE_PUBLIC_MESSAGE);
    dt_write_view(&w, body);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = mls_auth_content_parse(&raw, &c, &rest)) != DT_OK)
        return err;
    /* RFC 9420 section 6: application data is sent as PrivateMessage only. */
    if (c.content_type == MLS_CONTENT_APPLICATION)
        return dt_fail(DT_ERR_FORMAT, "application data in a PublicMessage");
    /* The tag is read from the caller's bytes, since raw is cut to the AuthenticatedContent. */
    r = dt_reader_init(dt_view(body.p + (body.n - rest.n), rest.n));
    if (c.sender_type == MLS_SENDER_MEMBER && (err = dt_read_vec(&r, MLS_HASH_MAX, &t)) != DT_OK)
        return err;
    if ((err = dt_read_end(&r)) != DT_OK)
        return err;
    c.raw.n -= rest.n;
    *tag = t;
    mls_auth_content_move(out, &c);
    return DT_OK;
}

/* MAC input of section 6.2: FramedContentTBS || FramedContentAuthData. Members alone have one. */
static enum dt_err
tbm(struct dt_view raw, size_t content_end, struct dt_view context, struct dt_buf *out)
{
    enum dt_err err = tbs(dt_view(raw.p, content_end), MLS_SENDER_MEMBER, context, out);

    if (err == DT_OK)
        err = dt_buf_append(out, dt_view(raw.p + content_end, raw.n - content_end));
    return err;
}

enum dt_err
mls_public_message_check(const struct dt_suite *suite, const struct mls_auth_content *c,
                         struct dt_view context, struct dt_view membership_key, struct dt_view tag)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf mac_input = DT_BUF_INIT(TBS_MAX);
    enum dt_err err = tbm(dt_buf_view(&c->raw), c->content_end, context, &mac_input);

    if (err == DT_OK)
        err = mls_mac_check(suite, membership_key, dt_buf_view(&mac_input), tag, "membership tag");
    return err;
}

enum dt_err
mls_public_message_write(const struct dt_suite *suite, struct dt_view raw, struct dt_view context,
                         struct dt_view membership_key, struct dt_buf *out)
{
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf copy = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf mac_input = DT_BUF_INIT(TBS_MAX);
    uint8_t tag[DT_HASH_MAX];
    struct dt_writer w = dt_writer_init(out);
    enum dt_err err;

    if ((err = dt_buf_set(&copy, raw)) != DT_OK ||
        (err = mls_auth_content_parse(&copy, &c, NULL)) != DT_OK)
        return err;
    if (c.sender_type == MLS_SENDER_MEMBER &&
        ((err = tbm(raw, c.content_end, context, &mac_input)) != DT_OK ||
         (err = mls_mac(suite, membership_key, dt_buf_view(&mac_input), tag)) != DT_OK))
        return err;
    mls_message_write(&w, MLS_WIRE_PUBLIC_MESSAGE);
    dt_write_view(&w, dt_view(raw.p + 2, raw.n - 2));
    if (c.sender_type == MLS_SENDER_MEMBER)
        dt_write_vec(&w, dt_view(tag, suite->hash_len));
    return dt_writer_end(&w);
}
