/*
 * record/letter_files.c - what goes with letters by file: the request for one, and its revocation.
 *
 * Source: docs/protocol-record.md, "Letter request" and "Revocation". Layer: record.
 */
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "base/wire.h"

#include "record/letter.h"

#define REQUEST_VERSION    1
#define REVOCATION_VERSION 1

/* ---- request ---- */

void
dt_letter_request_clear(struct dt_letter_request *q)
{
    if (q == NULL)
        return;
    dt_buf_wipe(&q->store); /* it holds the inbox's write token */
    memset(q, 0, sizeof *q);
}

static void
write_request(struct dt_writer *w, const struct dt_letter_request *q)
{
    dt_write_u16(w, REQUEST_VERSION);
    dt_write_view(w, dt_view_of(q->forum));
    dt_write_u64(w, q->created_ms);
    dt_write_vec(w, q->name);
    dt_write_vec(w, q->title);
    dt_write_view(w, dt_view_of(q->key));
    dt_write_view(w, dt_view_of(q->x25519));
    dt_write_vec(w, q->inbox_address);
    dt_write_vec(w, q->inbox_token);
}

static enum dt_err
check_request(const struct dt_letter_request *q)
{
    if (q->name.n == 0 || q->name.n > DT_NAME_MAX || !dt_utf8_line(q->name))
        return dt_fail(DT_ERR_FORMAT, "the name is one line of 1 to %u bytes", DT_NAME_MAX);
    if (q->title.n > DT_TITLE_MAX || !dt_utf8_line(q->title))
        return dt_fail(DT_ERR_FORMAT, "the title is one line of at most %u bytes", DT_TITLE_MAX);
    if (q->inbox_address.n > DT_INBOX_MAX || q->inbox_token.n > DT_INBOX_MAX)
        return dt_fail(DT_ERR_LIMIT, "the inbox's address or token is too long");
    if (q->created_ms > DT_TIME_MAX_MS)
        return dt_fail(DT_ERR_RANGE, "its date");
    return dt_ed25519_pub_check(dt_view_of(q->key));
}

enum dt_err
dt_letter_request_make(struct dt_letter_request *q, struct dt_view delegate_seed,
                       struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf body = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    struct dt_writer w = dt_writer_init(&body);
    enum dt_err err;

    if ((err = dt_ed25519_pub(delegate_seed, q->key)) != DT_OK || (err = check_request(q)) != DT_OK)
        return err;
    write_request(&w, q);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_label_sign(delegate_seed, "letter request", dt_buf_view(&body), q->signature)) !=
            DT_OK ||
        (err = dt_buf_append(&body, dt_view_of(q->signature))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&body));
}

static enum dt_err
read_request(struct dt_letter_request *q)
{
    struct dt_reader r = dt_reader_init(dt_buf_view(&q->store));
    struct dt_view body = {0};
    uint16_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &version)) != DT_OK)
        return err;
    if (version != REQUEST_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a version not known here");
    if ((err = dt_read_fixed(&r, q->forum, 32)) != DT_OK ||
        (err = dt_read_u64(&r, &q->created_ms)) != DT_OK ||
        (err = dt_read_vec(&r, DT_NAME_MAX, &q->name)) != DT_OK ||
        (err = dt_read_vec(&r, DT_TITLE_MAX, &q->title)) != DT_OK ||
        (err = dt_read_fixed(&r, q->key, 32)) != DT_OK ||
        (err = dt_read_fixed(&r, q->x25519, 32)) != DT_OK ||
        (err = dt_read_vec(&r, DT_INBOX_MAX, &q->inbox_address)) != DT_OK ||
        (err = dt_read_vec(&r, DT_INBOX_MAX, &q->inbox_token)) != DT_OK)
        return err;
    body = dt_view(q->store.p, r.off);
    if ((err = dt_read_fixed(&r, q->signature, 64)) != DT_OK || (err = dt_read_end(&r)) != DT_OK ||
        (err = check_request(q)) != DT_OK)
        return err;
    if ((err = dt_label_verify(dt_view_of(q->key), "letter request", body,
                               dt_view_of(q->signature))) != DT_OK)
        return dt_fail(err, "the delegate's signature does not hold");
    return DT_OK;
}

enum dt_err
dt_letter_request_decode(struct dt_view bytes, struct dt_letter_request *out)
{
    DT_CLEANUP(dt_letter_request_clear) struct dt_letter_request q = {0};
    enum dt_err err;

    dt_buf_init(&q.store, DT_LETTER_BYTES_MAX);
    if ((err = dt_buf_append(&q.store, bytes)) != DT_OK || (err = read_request(&q)) != DT_OK)
        return dt_fail_context(err, "letter request");
    *out = q;
    memset(&q, 0, sizeof q);
    return DT_OK;
}

/* ---- revocation ---- */

static enum dt_err
revocation_body(const struct dt_revocation *v, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u16(&w, REVOCATION_VERSION);
    dt_write_view(&w, dt_view_of(v->forum));
    dt_write_view(&w, dt_view_of(v->letter));
    dt_write_view(&w, dt_view_of(v->party));
    dt_write_u64(&w, v->time_ms);
    dt_write_view(&w, dt_view_of(v->root));
    return dt_writer_end(&w);
}

enum dt_err
dt_revocation_make(struct dt_view root_seed, const struct dt_letter *letter, uint64_t now_ms,
                   struct dt_revocation *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    struct dt_revocation v = {.time_ms = now_ms};
    enum dt_err err;

    if ((err = dt_ed25519_pub(root_seed, v.root)) != DT_OK)
        return err;
    if (memcmp(v.root, letter->root, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "only the root that issued a letter revokes it");
    if (now_ms > DT_TIME_MAX_MS)
        return dt_fail(DT_ERR_RANGE, "a date before the year 10000");
    memcpy(v.forum, letter->forum, 32);
    memcpy(v.letter, letter->hash, 32);
    memcpy(v.party, letter->party, 32);
    if ((err = revocation_body(&v, &body)) != DT_OK ||
        (err = dt_label_sign(root_seed, "revocation", dt_buf_view(&body), v.signature)) != DT_OK)
        return err;
    *out = v;
    return DT_OK;
}

enum dt_err
dt_revocation_encode(const struct dt_revocation *v, struct dt_buf *out)
{
    enum dt_err err = revocation_body(v, out);

    return err != DT_OK ? err : dt_buf_append(out, dt_view_of(v->signature));
}

static enum dt_err
read_revocation(struct dt_view bytes, struct dt_revocation *v)
{
    struct dt_reader r = dt_reader_init(bytes);
    uint16_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &version)) != DT_OK)
        return err;
    if (version != REVOCATION_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a version not known here");
    if ((err = dt_read_fixed(&r, v->forum, 32)) != DT_OK ||
        (err = dt_read_fixed(&r, v->letter, 32)) != DT_OK ||
        (err = dt_read_fixed(&r, v->party, 32)) != DT_OK ||
        (err = dt_read_u64(&r, &v->time_ms)) != DT_OK ||
        (err = dt_read_fixed(&r, v->root, 32)) != DT_OK)
        return err;
    struct dt_view body = dt_view(bytes.p, r.off);
    if ((err = dt_read_fixed(&r, v->signature, 64)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    if (v->time_ms > DT_TIME_MAX_MS)
        return dt_fail(DT_ERR_RANGE, "its date");
    if ((err = dt_label_verify(dt_view_of(v->root), "revocation", body,
                               dt_view_of(v->signature))) != DT_OK)
        return dt_fail(err, "the root's signature does not hold");
    return DT_OK;
}

enum dt_err
dt_revocation_decode(struct dt_view bytes, struct dt_revocation *out)
{
    struct dt_revocation v = {0};
    enum dt_err err = read_revocation(bytes, &v);

    if (err != DT_OK)
        return dt_fail_context(err, "revocation");
    *out = v;
    return DT_OK;
}

enum dt_err
dt_revocation_seal(const struct dt_revocation *v, uint8_t out[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    uint8_t commitment[32];
    enum dt_err err;

    if ((err = revocation_body(v, &body)) != DT_OK ||
        (err = dt_label_hash("revocation", dt_buf_view(&body), commitment)) != DT_OK)
        return err;
    return dt_seal(commitment, v->root, v->signature, out);
}

enum dt_err
dt_revocation_check(const struct dt_revocation *v, const struct dt_charter *c,
                    const struct dt_letter *letter)
{
    struct dt_charter_root root;
    uint8_t forum[32];
    size_t place = 0;
    enum dt_err err;

    if ((err = dt_charter_forum_id(c, forum)) != DT_OK)
        return err;
    if (memcmp(forum, v->forum, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "the revocation is of another forum");
    if (dt_charter_party_by_id(c, v->party, &place) != DT_OK ||
        dt_charter_root_find(c, place, v->root, &root) != DT_OK)
        return dt_fail(DT_ERR_AUTH, "the revocation is by no root of this charter");
    if (letter != NULL &&
        (memcmp(letter->hash, v->letter, 32) != 0 || memcmp(letter->root, v->root, 32) != 0))
        return dt_fail(DT_ERR_AUTH, "the revocation is of another letter");
    return DT_OK;
}
