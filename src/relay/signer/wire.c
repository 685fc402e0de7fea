/*
 * relay/signer/wire.c - see wire.h.
 */
#include <string.h>

#include "base/wire.h"
#include "log/limits.h"

#include "relay/signer/wire.h"

#define VERSION 1u

/* ---- requests ---- */

enum dt_err
signer_request_write(enum signer_kind kind, const struct relay_signing *v, size_t n,
                     struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark;

    if (n > RELAY_SIGN_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %u checkpoints in a message", RELAY_SIGN_MAX);
    dt_write_u8(&w, VERSION);
    dt_write_u8(&w, (uint8_t)kind);
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < n; i++) {
        dt_write_view(&w, dt_view_of(v[i].reg));
        dt_write_vec(&w, v[i].sealed);
        dt_write_u64(&w, v[i].size);
        dt_write_view(&w, tlog_hash_view(&v[i].root));
    }
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

static enum dt_err
read_signing(struct dt_reader *r, struct relay_signing *out)
{
    enum dt_err err;

    if ((err = dt_read_fixed(r, out->reg, sizeof(out->reg))) != DT_OK ||
        (err = dt_read_vec(r, RELAY_SEALED_MAX, &out->sealed)) != DT_OK ||
        (err = dt_read_u64(r, &out->size)) != DT_OK ||
        (err = dt_read_fixed(r, out->root.b, TLOG_HASH)) != DT_OK)
        return err;
    return out->size <= TLOG_SIZE_MAX ? DT_OK : dt_fail(DT_ERR_RANGE, "a size above 2^63 - 1");
}

enum dt_err
signer_request_read(struct dt_view bytes, struct signer_request *out)
{
    struct dt_reader r = dt_reader_init(bytes), list;
    uint8_t version = 0, kind = 0;
    enum dt_err err;

    memset(out, 0, sizeof(*out));
    if ((err = dt_read_u8(&r, &version)) != DT_OK || (err = dt_read_u8(&r, &kind)) != DT_OK ||
        (err = dt_read_sub(&r, SIGNER_REQUEST_MAX, &list)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    if (version != VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a signer's message of version %u", version);
    if (kind != SIGNER_SIGN && kind != SIGNER_CONFIRM)
        return dt_fail(DT_ERR_FORMAT, "a signer's message of kind %u", kind);
    out->kind = kind == SIGNER_SIGN ? SIGNER_SIGN : SIGNER_CONFIRM;
    while (list.n > 0) {
        if (out->n == RELAY_SIGN_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %u checkpoints in a message", RELAY_SIGN_MAX);
        if ((err = read_signing(&list, &out->v[out->n])) != DT_OK)
            return err;
        out->n++;
    }
    return out->n > 0 ? DT_OK : dt_fail(DT_ERR_FORMAT, "a signer's message about nothing");
}

/* ---- answers ---- */

/* Which error each number stands for; what is not here is the last. */
static const enum dt_err said[] = {
    DT_OK,           DT_ERR_REFUSED, DT_ERR_AUTH,      DT_ERR_IO,
    DT_ERR_FORMAT,   DT_ERR_BUSY,    DT_ERR_NOT_FOUND, DT_ERR_UNSUPPORTED,
    DT_ERR_CONFLICT, DT_ERR_NET,     DT_ERR_NOMEM};
#define N_SAID (sizeof(said) / sizeof(said[0]))

enum dt_err
signer_answer_write(enum dt_err err, const struct relay_signing *v, size_t n, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    const char *text = err == DT_OK ? "" : dt_err_message();
    uint8_t reason[SIGNER_REASON_MAX], number = 0;
    size_t len = strnlen(text, sizeof(reason)), mark;

    for (size_t i = 0; i < len; i++)
        reason[i] = text[i] < 0x20 || text[i] >= 0x7f ? '?' : (uint8_t)text[i];
    if (err != DT_OK && len == 0)
        reason[len++] = '?';
    while (number < N_SAID - 1 && said[number] != err)
        number++;
    dt_write_u8(&w, VERSION);
    dt_write_u8(&w, number);
    dt_write_vec(&w, dt_view(reason, len));
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; err == DT_OK && i < n; i++)
        dt_write_vec(&w, dt_buf_view(&v[i].note));
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

enum dt_err
signer_answer_read(struct dt_view bytes, struct signer_answer *out)
{
    struct dt_reader r = dt_reader_init(bytes), list;
    struct dt_view reason = {0};
    uint8_t version = 0, error = 0;
    enum dt_err err;

    memset(out, 0, sizeof(*out));
    if ((err = dt_read_u8(&r, &version)) != DT_OK || (err = dt_read_u8(&r, &error)) != DT_OK ||
        (err = dt_read_vec(&r, SIGNER_REASON_MAX, &reason)) != DT_OK ||
        (err = dt_read_sub(&r, SIGNER_ANSWER_MAX, &list)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    if (version != VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a signer's message of version %u", version);
    if (error >= N_SAID || (error == 0) != (reason.n == 0) || (error != 0 && list.n > 0))
        return dt_fail(DT_ERR_FORMAT, "a signer's answer that says yes and no");
    for (size_t i = 0; i < reason.n; i++) {
        if (reason.p[i] < 0x20 || reason.p[i] >= 0x7f)
            return dt_fail(DT_ERR_FORMAT, "a signer's reason with control characters");
        out->reason[i] = (char)reason.p[i];
    }
    out->err = said[error];
    while (list.n > 0) {
        if (out->n == RELAY_SIGN_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %u checkpoints in a message", RELAY_SIGN_MAX);
        if ((err = dt_read_vec(&list, RELAY_NOTE_MAX, &out->notes[out->n])) != DT_OK)
            return err;
        out->n++;
    }
    return DT_OK;
}
