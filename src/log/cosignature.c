/*
 * log/cosignature.c - cosignature/v1; see cosignature.h.
 */
#include "base/text.h"
#include "base/wire.h"

#include "log/checkpoint.h"
#include "log/cosignature.h"

enum dt_err
tlog_cosignature_message(struct dt_view text, uint64_t time_s, struct dt_buf *out)
{
    enum dt_err err;

    if (time_s > TLOG_TIME_MAX)
        return dt_fail(DT_ERR_RANGE, "cosignature time out of range");
    err = dt_buf_printf(out, "cosignature/v1\ntime %llu\n", (unsigned long long)time_s);
    return err != DT_OK ? err : dt_buf_append(out, text);
}

enum dt_err
tlog_cosign(const struct tlog_signer *s, struct dt_view text, uint64_t time_s, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(TLOG_NOTE_MAX + 64);
    DT_CLEANUP(dt_buf_clear) struct dt_buf field = DT_BUF_INIT(8 + DT_ED25519_SIG);
    struct dt_writer w = dt_writer_init(&field);
    uint8_t sig[DT_ED25519_SIG];
    struct tlog_checkpoint cp;
    enum dt_err err;

    if (s->vkey.type != TLOG_KEY_COSIGNATURE)
        return dt_fail(DT_ERR_STATE, "this key makes no cosignatures");
    if ((err = tlog_checkpoint_parse(text, &cp)) != DT_OK ||
        (err = tlog_cosignature_message(text, time_s, &message)) != DT_OK ||
        (err = dt_ed25519_sign(dt_secret_view(&s->seed), dt_buf_view(&message), sig)) != DT_OK)
        return err;
    dt_write_u64(&w, time_s);
    dt_write_view(&w, dt_view_of(sig));
    err = dt_writer_end(&w);
    return err != DT_OK ? err : tlog_sig_line_write(&s->vkey, dt_buf_view(&field), out);
}

enum dt_err
tlog_cosignature_verify(const struct tlog_vkey *key, struct dt_view text, struct dt_view sig,
                        uint64_t *out_time_s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(TLOG_NOTE_MAX + 64);
    struct dt_reader r = dt_reader_init(sig);
    struct dt_view ed25519;
    uint64_t time_s;
    enum dt_err err;

    if (key->type != TLOG_KEY_COSIGNATURE)
        return dt_fail(DT_ERR_AUTH, "this key makes no cosignatures");
    if (sig.n != 8 + DT_ED25519_SIG)
        return dt_fail(DT_ERR_AUTH, "a cosignature has %d bytes", 8 + DT_ED25519_SIG);
    if ((err = dt_read_u64(&r, &time_s)) != DT_OK ||
        (err = dt_read_view(&r, DT_ED25519_SIG, &ed25519)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    err = tlog_cosignature_message(text, time_s, &message);
    if (err == DT_ERR_RANGE)
        return dt_fail(DT_ERR_AUTH, "cosignature time out of range");
    if (err != DT_OK)
        return err;
    err = dt_ed25519_verify(dt_view_of(key->pub), dt_buf_view(&message), ed25519);
    if (err != DT_OK)
        return err;
    *out_time_s = time_s;
    return DT_OK;
}
