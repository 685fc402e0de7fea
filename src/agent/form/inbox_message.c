/*
 * agent/form/inbox_message.c - see inbox_message.h.
 */
#include "base/wire.h"
#include "crypto/hpke.h"

#include "agent/form/cell.h"
#include "agent/form/inbox_message.h"

#define INBOX_VERSION  1
#define INBOX_SUITE    1 /* of the suite table: X25519, SHA-256, AES-128-GCM */
#define SEAL_OVERHEAD  (DT_X25519 + 16u)
#define LETTERS_MAX    (DT_FOUNDING_MEMBERS * (DT_LETTER_MAX + 4u))
#define APPROVAL_MAX   (DT_LETTER_MAX + 512u)
#define REVOCATION_MAX 1024u

static void
write_request(struct dt_writer *w, const struct dt_inbox_message *m)
{
    dt_write_view(w, dt_view_of(m->group_id));
    dt_write_view(w, dt_view_of(m->invitation_id));
    dt_write_vec(w, m->letter);
    dt_write_u64(w, m->epoch_from);
    dt_write_vec(w, m->sender_letter);
}

static enum dt_err
request_body(const struct dt_inbox_message *m, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    write_request(&w, m);
    return dt_writer_end(&w);
}

enum dt_err
dt_inbox_request_sign(struct dt_inbox_message *m, struct dt_view seed)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(2 * DT_LETTER_MAX + 512u);
    enum dt_err err = request_body(m, &b);

    return err != DT_OK ? err
                        : dt_label_sign(seed, "approval request", dt_buf_view(&b), m->signature);
}

enum dt_err
dt_inbox_request_verify(const struct dt_inbox_message *m, struct dt_view pub)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(2 * DT_LETTER_MAX + 512u);
    enum dt_err err = request_body(m, &b);

    if (err == DT_OK)
        err = dt_label_verify(pub, "approval request", dt_buf_view(&b), dt_view_of(m->signature));
    return dt_fail_context(err, "approval request");
}

static void
write_invitation(struct dt_writer *w, const struct dt_inbox_message *m)
{
    size_t mark;

    dt_write_view(w, dt_view_of(m->group_id));
    dt_write_view(w, dt_view_of(m->invitation_id));
    dt_write_vec(w, m->founding);
    mark = dt_write_vec_begin(w);
    for (size_t i = 0; i < m->n_letters; i++)
        dt_write_vec(w, m->letters[i]);
    dt_write_vec_end(w, mark);
    dt_write_vec(w, m->sender_letter);
}

enum dt_err
dt_inbox_message_encode(const struct dt_inbox_message *m, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u8(&w, INBOX_VERSION);
    dt_write_u8(&w, (uint8_t)m->kind);
    switch (m->kind) {
    case DT_INBOX_INVITATION:
        write_invitation(&w, m);
        break;
    case DT_INBOX_FOUNDING_SIGNATURE:
        dt_write_view(&w, dt_view_of(m->group_id));
        dt_write_u8(&w, m->member);
        dt_write_view(&w, dt_view_of(m->signature));
        break;
    case DT_INBOX_KEY_PACKAGE:
        dt_write_view(&w, dt_view_of(m->group_id));
        dt_write_view(&w, dt_view_of(m->invitation_id));
        dt_write_vec(&w, m->sender_letter);
        dt_write_vec(&w, m->key_package);
        break;
    case DT_INBOX_APPROVAL_REQUEST:
        write_request(&w, m);
        dt_write_view(&w, dt_view_of(m->signature));
        break;
    case DT_INBOX_APPROVAL:
        dt_write_view(&w, dt_view_of(m->group_id));
        dt_write_vec(&w, m->approval);
        break;
    case DT_INBOX_WELCOME:
        dt_write_view(&w, dt_view_of(m->group_id));
        dt_write_view(&w, dt_view_of(m->invitation_id));
        dt_write_u64(&w, m->queue_position);
        dt_write_vec(&w, m->welcome);
        break;
    case DT_INBOX_REJOIN:
        dt_write_view(&w, dt_view_of(m->group_id));
        dt_write_vec(&w, m->rejoin);
        break;
    case DT_INBOX_REVOCATION:
        dt_write_vec(&w, m->revocation);
        break;
    case DT_INBOX_COPY:
        dt_write_view(&w, dt_view_of(m->group_id));
        dt_write_vec(&w, m->copy);
        break;
    }
    return dt_writer_end(&w);
}

static enum dt_err
read_invitation(struct dt_reader *r, struct dt_inbox_message *m)
{
    struct dt_view letters;
    enum dt_err err;

    if ((err = dt_read_fixed(r, m->group_id, 32)) != DT_OK ||
        (err = dt_read_fixed(r, m->invitation_id, 16)) != DT_OK ||
        (err = dt_read_vec(r, DT_FOUNDING_MAX, &m->founding)) != DT_OK ||
        (err = dt_read_vec(r, LETTERS_MAX, &letters)) != DT_OK ||
        (err = dt_letters_split(letters, m->letters, &m->n_letters)) != DT_OK)
        return err;
    return dt_read_vec(r, DT_LETTER_MAX, &m->sender_letter);
}

static enum dt_err
read_request(struct dt_reader *r, struct dt_inbox_message *m)
{
    enum dt_err err;

    if ((err = dt_read_fixed(r, m->group_id, 32)) != DT_OK ||
        (err = dt_read_fixed(r, m->invitation_id, 16)) != DT_OK ||
        (err = dt_read_vec(r, DT_LETTER_MAX, &m->letter)) != DT_OK ||
        (err = dt_read_u64(r, &m->epoch_from)) != DT_OK ||
        (err = dt_read_vec(r, DT_LETTER_MAX, &m->sender_letter)) != DT_OK)
        return err;
    return dt_read_fixed(r, m->signature, 64);
}

static enum dt_err
read_body(struct dt_reader *r, struct dt_inbox_message *m)
{
    enum dt_err err;

    if (m->kind == DT_INBOX_INVITATION)
        return read_invitation(r, m);
    if (m->kind == DT_INBOX_APPROVAL_REQUEST)
        return read_request(r, m);
    if (m->kind == DT_INBOX_REVOCATION)
        return dt_read_vec(r, REVOCATION_MAX, &m->revocation);
    if ((err = dt_read_fixed(r, m->group_id, 32)) != DT_OK)
        return err;
    switch (m->kind) {
    case DT_INBOX_FOUNDING_SIGNATURE:
        if ((err = dt_read_u8(r, &m->member)) != DT_OK)
            return err;
        return dt_read_fixed(r, m->signature, 64);
    case DT_INBOX_KEY_PACKAGE:
        if ((err = dt_read_fixed(r, m->invitation_id, 16)) != DT_OK ||
            (err = dt_read_vec(r, DT_LETTER_MAX, &m->sender_letter)) != DT_OK)
            return err;
        return dt_read_vec(r, DT_KEY_PACKAGE_MAX, &m->key_package);
    case DT_INBOX_APPROVAL:
        return dt_read_vec(r, APPROVAL_MAX, &m->approval);
    case DT_INBOX_WELCOME:
        if ((err = dt_read_fixed(r, m->invitation_id, 16)) != DT_OK ||
            (err = dt_read_u64(r, &m->queue_position)) != DT_OK)
            return err;
        return dt_read_vec(r, DT_WELCOME_MAX, &m->welcome);
    case DT_INBOX_REJOIN:
        return dt_read_vec(r, 512, &m->rejoin);
    case DT_INBOX_COPY:
        return dt_read_vec(r, DT_COPY_MAX, &m->copy);
    default:
        return dt_fail(DT_ERR_UNSUPPORTED, "kind %u is not known here", (unsigned int)m->kind);
    }
}

enum dt_err
dt_inbox_message_decode(struct dt_view bytes, struct dt_inbox_message *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_inbox_message m = {0};
    uint8_t version = 0;
    uint8_t kind = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK || (err = dt_read_u8(&r, &kind)) != DT_OK)
        goto done;
    if (version != INBOX_VERSION || kind < DT_INBOX_INVITATION || kind > DT_INBOX_COPY) {
        err = dt_fail(DT_ERR_UNSUPPORTED, "version %u, kind %u is not known here", version, kind);
        goto done;
    }
    m.kind = (enum dt_inbox_kind)kind;
    if ((err = read_body(&r, &m)) == DT_OK && (err = dt_read_end(&r)) == DT_OK)
        *out = m;

done:
    return dt_fail_context(err, "inbox message");
}

static enum dt_err
seal_info(const uint8_t address[static 32], struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_str(&w, "detente 1 inbox");
    dt_write_view(&w, dt_view(address, 32));
    return dt_writer_end(&w);
}

enum dt_err
dt_inbox_seal(struct dt_view pub, const uint8_t address[static 32], struct dt_view message,
              struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf ct = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(64);
    uint8_t enc[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if ((err = dt_cell_pad(message, SEAL_OVERHEAD, &plain)) != DT_OK ||
        (err = seal_info(address, &info)) != DT_OK ||
        (err = dt_hpke_seal(dt_suite_get(INBOX_SUITE), pub, dt_buf_view(&info), dt_view(NULL, 0),
                            dt_buf_view(&plain), enc, &ct)) != DT_OK ||
        (err = dt_buf_append(out, dt_view(enc, DT_X25519))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&ct));
}

enum dt_err
dt_inbox_open(struct dt_view priv, const uint8_t address[static 32], struct dt_view cell,
              struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(64);
    struct dt_reader r = dt_reader_init(cell);
    struct dt_view enc;
    struct dt_view content;
    enum dt_err err;

    if (cell.n == 0 || dt_cell_size(cell.n) != cell.n)
        return dt_fail(DT_ERR_FORMAT, "an inbox cell of %zu bytes has no legal size", cell.n);
    if ((err = seal_info(address, &info)) != DT_OK ||
        (err = dt_read_view(&r, DT_X25519, &enc)) != DT_OK ||
        (err = dt_hpke_open(dt_suite_get(INBOX_SUITE), priv, enc, dt_buf_view(&info),
                            dt_view(NULL, 0), dt_view(r.p, r.n), &plain)) != DT_OK ||
        (err = dt_cell_unpad(dt_buf_view(&plain), &content)) != DT_OK)
        return dt_fail_context(err, "inbox cell");
    return dt_buf_append(out, content);
}
