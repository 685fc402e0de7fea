/*
 * agent/form/courier_carry.c - see courier.h: a courier key as it is carried by hand.
 *
 * All forms end with something that tells a slip of the pen or a damaged file from the key; that it
 * is the right key is what its fingerprint is for.
 */
#include <string.h>

#include "base/text.h"
#include "base/wire.h"
#include "record/words.h"

#include "agent/form/courier.h"

#define FILE_LINE "detente courier key 1\n"
#define CODE_TEXT "DETENTE-COURIER-1-"

#define WORDS    24 /* 264 bits: the key and one byte of sum */
#define LINE     8  /* words in one */
#define SUMMED   (DT_COURIER_KEY + 1)
#define CODE_LEN (sizeof CODE_TEXT - 1 + (size_t)2 * SUMMED)
#define SEALED   (DT_XCHACHA_NONCE + DT_COURIER_KEY + DT_XCHACHA_TAG)

static bool
begins(struct dt_view text, const char *with)
{
    return text.n >= strlen(with) && memcmp(text.p, with, strlen(with)) == 0;
}

/* ---- under a passphrase ---- */

/* The associated data: what the file is, and for which channel. */
static enum dt_err
associated(const struct dt_courier_channel *ch, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_str(&w, "detente 1 courier file");
    dt_write_view(&w, dt_view(ch->forum, 32));
    dt_write_view(&w, dt_view(ch->group_id, 32));
    return dt_writer_end(&w);
}

enum dt_err
dt_courier_seal(const struct dt_courier_channel *ch, struct dt_view key, struct dt_view passphrase,
                struct dt_buf *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret wrap = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(128);
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_COURIER_FILE_MAX);
    struct dt_writer w = dt_writer_init(&body);
    struct dt_argon2 params;
    enum dt_err err;

    if ((err = dt_argon2_new(&params)) != DT_OK ||
        (err = dt_argon2(&params, passphrase, &wrap)) != DT_OK ||
        (err = associated(ch, &aad)) != DT_OK)
        return err;
    dt_write_view(&w, dt_view_of(params.salt));
    dt_write_u32(&w, params.mem_kib);
    dt_write_u32(&w, params.passes);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_box_seal(dt_secret_view(&wrap), dt_buf_view(&aad), key, &body)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(FILE_LINE))) != DT_OK ||
        (err = dt_base64_write(out, dt_buf_view(&body))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_view_str("\n"));
}

enum dt_err
dt_courier_open(const struct dt_courier_channel *ch, struct dt_view text, struct dt_view passphrase,
                struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret wrap = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_COURIER_KEY);
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(128);
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_COURIER_FILE_MAX);
    size_t skip = strlen(FILE_LINE);
    uint8_t sealed[SEALED];
    struct dt_argon2 params;
    struct dt_reader r;
    enum dt_err err;

    if (!begins(text, FILE_LINE) || text.p[text.n - 1] != '\n' || text.n == skip)
        return dt_fail(DT_ERR_FORMAT, "this is no courier key file");
    if ((err = dt_base64_read(&body, dt_view(text.p + skip, text.n - skip - 1))) != DT_OK)
        return dt_fail_context(err, "courier key file");
    r = dt_reader_init(dt_buf_view(&body));
    if ((err = dt_read_fixed(&r, params.salt, sizeof params.salt)) != DT_OK ||
        (err = dt_read_u32(&r, &params.mem_kib)) != DT_OK ||
        (err = dt_read_u32(&r, &params.passes)) != DT_OK ||
        (err = dt_read_fixed(&r, sealed, sizeof sealed)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "courier key file");
    if ((err = dt_argon2(&params, passphrase, &wrap)) != DT_OK ||
        (err = associated(ch, &aad)) != DT_OK)
        return err;
    if (dt_box_open(dt_secret_view(&wrap), dt_buf_view(&aad), dt_view_of(sealed), &plain) != DT_OK)
        return dt_fail(DT_ERR_LOCKED,
                       "the passphrase is wrong, or the courier key file was altered "
                       "or is for another channel");
    return dt_secret_set(out, dt_buf_view(&plain));
}

/* ---- code and words ---- */

/* The key and the first byte of its hash. */
static enum dt_err
with_sum(struct dt_view key, uint8_t out[static SUMMED])
{
    uint8_t hash[32];
    enum dt_err err;

    if (key.n != DT_COURIER_KEY)
        return dt_fail(DT_ERR_RANGE, "a courier key has %d bytes, not %zu", DT_COURIER_KEY, key.n);
    if ((err = dt_label_hash("courier sum", key, hash)) != DT_OK)
        return err;
    memcpy(out, key.p, DT_COURIER_KEY);
    out[DT_COURIER_KEY] = hash[0];
    return DT_OK;
}

enum dt_err
dt_courier_code(struct dt_view key, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf hex = DT_BUF_INIT(2 * SUMMED);
    uint8_t summed[SUMMED];
    enum dt_err err = with_sum(key, summed);

    if (err == DT_OK && (err = dt_hex_write(&hex, dt_view_of(summed))) == DT_OK) {
        /* In upper case a QR code needs 5.5 bits a sign in place of 8. */
        for (size_t i = 0; i < hex.n; i++)
            if (hex.p[i] >= 'a')
                hex.p[i] = (uint8_t)(hex.p[i] - 'a' + 'A');
        if ((err = dt_buf_append(out, dt_view_str(CODE_TEXT))) == DT_OK)
            err = dt_buf_append(out, dt_buf_view(&hex));
    }
    dt_wipe(summed, sizeof summed);
    return err;
}

enum dt_err
dt_courier_words(struct dt_view key, struct dt_buf *out)
{
    uint8_t summed[SUMMED];
    enum dt_err err = with_sum(key, summed);

    for (size_t i = 0; err == DT_OK && i < WORDS; i++) {
        err = dt_buf_append(out, dt_word(summed, i));
        if (err == DT_OK)
            err = dt_buf_append(out, dt_view_str((i + 1) % LINE == 0 ? "\n" : " "));
    }
    dt_wipe(summed, sizeof summed);
    return err;
}

enum dt_courier_form
dt_courier_form_of(struct dt_view text)
{
    return begins(text, FILE_LINE)   ? DT_COURIER_SEALED
           : begins(text, CODE_TEXT) ? DT_COURIER_CODE
                                     : DT_COURIER_WORDS;
}

static enum dt_err
read_code(struct dt_view text, uint8_t out[static SUMMED])
{
    size_t skip = sizeof CODE_TEXT - 1;

    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    if (text.n != CODE_LEN)
        return dt_fail(DT_ERR_FORMAT, "a courier key's code has %zu signs, not %zu", CODE_LEN,
                       text.n);
    return dt_hex_read_fixed(out, SUMMED, dt_view(text.p + skip, text.n - skip));
}

enum dt_err
dt_courier_read(struct dt_view text, struct dt_secret *out)
{
    uint8_t summed[SUMMED], again[SUMMED];
    enum dt_err err = dt_courier_form_of(text) == DT_COURIER_CODE
                          ? read_code(text, summed)
                          : dt_words_read(text, WORDS, summed);

    if (err == DT_OK && (err = with_sum(dt_view(summed, DT_COURIER_KEY), again)) == DT_OK) {
        if (memcmp(summed, again, SUMMED) != 0)
            err = dt_fail(DT_ERR_FORMAT, "a courier key's sum does not fit: a word or sign of it "
                                         "is another one");
        else
            err = dt_secret_set(out, dt_view(summed, DT_COURIER_KEY));
    }
    dt_wipe(summed, sizeof summed);
    dt_wipe(again, sizeof again);
    return dt_fail_context(err, "courier key");
}
