/*
 * agent/form/voucher.c - see voucher.h.
 */
#include "base/wire.h"
#include "crypto/crypto.h"

#include "agent/form/voucher.h"

#define VOUCHER_VERSION 1

static void
write_body(struct dt_writer *w, const struct dt_voucher *v)
{
    dt_write_u8(w, VOUCHER_VERSION);
    dt_write_view(w, dt_view_of(v->forum));
    dt_write_view(w, dt_view_of(v->group_id));
    dt_write_view(w, dt_view_of(v->letter_hash));
    dt_write_view(w, dt_view_of(v->session_key));
    dt_write_u64(w, v->serial);
    dt_write_view(w, dt_view_of(v->invitation_id));
    dt_write_u64(w, v->not_before_ms);
    dt_write_u64(w, v->not_after_ms);
}

static enum dt_err
body(const struct dt_voucher *v, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    write_body(&w, v);
    return dt_writer_end(&w);
}

static enum dt_err
check_validity(const struct dt_voucher *v)
{
    if (v->not_after_ms <= v->not_before_ms ||
        v->not_after_ms - v->not_before_ms > DT_VOUCHER_LIFE_MAX_MS)
        return dt_fail(DT_ERR_RANGE, "a voucher holds for more than nothing and at most 4 days");
    return DT_OK;
}

enum dt_err
dt_voucher_sign(struct dt_voucher *v, struct dt_view seed)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_VOUCHER_MAX);
    enum dt_err err = check_validity(v);

    if (err == DT_OK)
        err = body(v, &b);
    if (err == DT_OK)
        err = dt_label_sign(seed, "voucher", dt_buf_view(&b), v->signature);
    return err;
}

enum dt_err
dt_voucher_verify(const struct dt_voucher *v, struct dt_view pub)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_VOUCHER_MAX);
    enum dt_err err = check_validity(v);

    if (err == DT_OK)
        err = body(v, &b);
    if (err == DT_OK)
        err = dt_label_verify(pub, "voucher", dt_buf_view(&b), dt_view_of(v->signature));
    return dt_fail_context(err, "voucher");
}

bool
dt_voucher_valid_at(const struct dt_voucher *v, uint64_t now_ms)
{
    return now_ms + DT_CLOCK_SKEW_MS >= v->not_before_ms && now_ms <= v->not_after_ms;
}

enum dt_err
dt_voucher_encode(const struct dt_voucher *v, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    write_body(&w, v);
    dt_write_view(&w, dt_view_of(v->signature));
    return dt_writer_end(&w);
}

enum dt_err
dt_voucher_decode(struct dt_view bytes, struct dt_voucher *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_voucher v = {0};
    uint8_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK)
        goto done;
    if (version != VOUCHER_VERSION) {
        err = dt_fail(DT_ERR_UNSUPPORTED, "voucher version %u is not known here", version);
        goto done;
    }
    if ((err = dt_read_fixed(&r, v.forum, sizeof v.forum)) != DT_OK ||
        (err = dt_read_fixed(&r, v.group_id, sizeof v.group_id)) != DT_OK ||
        (err = dt_read_fixed(&r, v.letter_hash, sizeof v.letter_hash)) != DT_OK ||
        (err = dt_read_fixed(&r, v.session_key, sizeof v.session_key)) != DT_OK ||
        (err = dt_read_u64(&r, &v.serial)) != DT_OK ||
        (err = dt_read_fixed(&r, v.invitation_id, sizeof v.invitation_id)) != DT_OK ||
        (err = dt_read_u64(&r, &v.not_before_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &v.not_after_ms)) != DT_OK ||
        (err = dt_read_fixed(&r, v.signature, sizeof v.signature)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        goto done;
    *out = v;

done:
    return dt_fail_context(err, "voucher");
}

enum dt_err
dt_credential_encode(struct dt_view letter, const struct dt_voucher *v, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark;

    dt_write_vec(&w, letter);
    mark = dt_write_vec_begin(&w);
    if (w.err == DT_OK)
        w.err = dt_voucher_encode(v, out);
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

enum dt_err
dt_credential_decode(struct dt_view identity, struct dt_view *letter, struct dt_voucher *v)
{
    struct dt_reader r = dt_reader_init(identity);
    struct dt_view l;
    struct dt_view vb;
    enum dt_err err;

    if ((err = dt_read_vec(&r, DT_LETTER_MAX, &l)) != DT_OK ||
        (err = dt_read_vec(&r, DT_VOUCHER_MAX, &vb)) != DT_OK || (err = dt_read_end(&r)) != DT_OK ||
        (err = dt_voucher_decode(vb, v)) != DT_OK)
        goto done;
    *letter = l;

done:
    return dt_fail_context(err, "credential");
}
