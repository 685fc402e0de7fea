/*
 * log/note.c - signed notes; see note.h.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"

#include "log/cosignature.h"
#include "log/line.h"
#include "log/note.h"
#include "log/parse.h"

#define EM_DASH "\xe2\x80\x94"
#define SIG_MIN 5 /* key id and at least one byte */

void
tlog_note_clear(struct tlog_note *note)
{
    if (note == NULL)
        return;
    dt_free(note->sigs);
    dt_buf_clear(&note->store);
    memset(note, 0, sizeof(*note));
}

/* No control character but LF; 0x7f and U+0080 to U+009F are not forbidden by c2sp.org/signed-note.
 */
static bool
chars_valid(struct dt_view v)
{
    size_t i;

    for (i = 0; i < v.n; i++) {
        if (v.p[i] < 0x20 && v.p[i] != '\n')
            return false;
    }
    return dt_utf8_valid(v);
}

bool
tlog_text_valid(struct dt_view text)
{
    return text.n > 0 && text.p[text.n - 1] == '\n' && chars_valid(text);
}

/* "U+2014 name base64": the decoded bytes go to the end of ${store}, the views are set by the
 * caller. */
static enum dt_err
sig_line_parse(struct dt_view line, struct tlog_sig *sig, struct dt_buf *store)
{
    struct dt_view rest, b64;
    struct dt_reader r;
    size_t before = store->n;
    enum dt_err err;

    if (!tlog_line_after(line, EM_DASH " ", &rest) || !tlog_line_cut(rest, ' ', &sig->name, &b64) ||
        !tlog_name_chars_valid(sig->name))
        return dt_fail(DT_ERR_FORMAT, "a signature line has not the form of one");
    err = dt_base64_read(store, b64);
    if (err != DT_OK)
        return dt_fail_context(err, "signature line");
    if (store->n - before < SIG_MIN)
        return dt_fail(DT_ERR_FORMAT, "a signature is shorter than %d bytes", SIG_MIN);
    r = dt_reader_init(dt_view(store->p + before, store->n - before));
    err = dt_read_u32(&r, &sig->id);
    sig->sig.n = r.n;
    return err;
}

/* All signature lines in ${lines}, which holds nothing else. */
static enum dt_err
sig_lines_parse(struct dt_view lines, struct tlog_note *note)
{
    struct dt_view rest = lines, line = {0};
    size_t i, n = 0, off = 0;
    enum dt_err err;

    for (i = 0; i < lines.n; i++)
        n += lines.p[i] == '\n';
    if (n == 0)
        return dt_fail(DT_ERR_FORMAT, "a note without signature lines");
    if (n > TLOG_NOTE_SIGS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %d signature lines", TLOG_NOTE_SIGS_MAX);
    note->sigs = dt_alloc(n, sizeof(*note->sigs));
    if (note->sigs == NULL)
        return dt_nomem();
    while (rest.n > 0) {
        struct tlog_sig *sig = &note->sigs[note->n_sigs];

        if (!tlog_line_next(&rest, &line))
            return dt_fail(DT_ERR_FORMAT, "the last signature line has no line feed");
        err = sig_line_parse(line, sig, &note->store);
        if (err != DT_OK)
            return err;
        sig->line = dt_view(line.p, line.n + 1);
        note->n_sigs++;
    }
    /* The store no longer moves, so now the views into it can be made. */
    for (i = 0; i < note->n_sigs; i++) {
        note->sigs[i].sig.p = note->store.p + off + 4;
        off += 4 + note->sigs[i].sig.n;
    }
    return DT_OK;
}

static enum dt_err
check_bytes(struct dt_view bytes)
{
    if (bytes.n > TLOG_NOTE_MAX)
        return dt_fail(DT_ERR_LIMIT, "a note is longer than %u bytes", TLOG_NOTE_MAX);
    if (bytes.n == 0 || !chars_valid(bytes))
        return dt_fail(DT_ERR_FORMAT, "a note is not clean UTF-8 text");
    return DT_OK;
}

enum dt_err
tlog_note_parse(struct dt_view bytes, struct tlog_note *out)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {.store = DT_BUF_INIT(TLOG_NOTE_MAX)};
    enum dt_err err = check_bytes(bytes);
    size_t i;

    if (err != DT_OK)
        return err;
    /* The last empty line parts text and signatures; the text may hold others. */
    for (i = bytes.n; i >= 2; i--) {
        if (bytes.p[i - 1] == '\n' && bytes.p[i - 2] == '\n')
            break;
    }
    if (i < 2)
        return dt_fail(DT_ERR_FORMAT, "a note without an empty line before its signatures");
    note.text = dt_view(bytes.p, i - 1);
    err = sig_lines_parse(dt_view(bytes.p + i, bytes.n - i), &note);
    if (err != DT_OK)
        return err;
    *out = note;
    memset(&note, 0, sizeof(note));
    return DT_OK;
}

enum dt_err
tlog_note_parse_lines(struct dt_view lines, struct tlog_note *out)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {.store = DT_BUF_INIT(TLOG_NOTE_MAX)};
    enum dt_err err;

    if ((err = check_bytes(lines)) != DT_OK || (err = sig_lines_parse(lines, &note)) != DT_OK)
        return err;
    *out = note;
    memset(&note, 0, sizeof(note));
    return DT_OK;
}

/* One line of the key itself. */
static enum dt_err
sig_verify(const struct tlog_vkey *key, struct dt_view text, struct dt_view sig, uint64_t *time)
{
    if (key->type == TLOG_KEY_COSIGNATURE)
        return tlog_cosignature_verify(key, text, sig, time);
    *time = 0;
    return dt_ed25519_verify(dt_view_of(key->pub), text, sig);
}

/* Is line ${i} one of those before it, byte for byte? */
static bool
line_again(const struct tlog_note *note, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (dt_view_equal(note->sigs[k].line, note->sigs[i].line))
            return true;
    return false;
}

enum dt_err
tlog_note_check(const struct tlog_note *note, struct dt_view text, const struct tlog_vkey *key,
                struct tlog_verified *out)
{
    struct dt_view name = dt_view_str(key->name);
    struct tlog_verified v = {false, 0};
    enum dt_err err;
    size_t i;

    for (i = 0; i < note->n_sigs; i++) {
        const struct tlog_sig *sig = &note->sigs[i];
        uint64_t time = 0;

        /* Name and id together name a key; a match on one alone is a stranger's line. */
        if (sig->id != key->id || !dt_view_equal(sig->name, name))
            continue;
        /* It was verified: anyone can repeat a line, and verifying is dear. */
        if (line_again(note, i))
            continue;
        err = sig_verify(key, text, sig->sig, &time);
        if (err != DT_OK)
            return dt_fail_context(err, "a known key's line in a note");
        if (!v.ok || time < v.time)
            v.time = time;
        v.ok = true;
    }
    *out = v;
    return DT_OK;
}

enum dt_err
tlog_note_verify(const struct tlog_note *note, const struct tlog_vkey *keys, size_t n,
                 struct tlog_verified *out)
{
    DT_CLEANUP(dt_free_p) struct tlog_verified *v = dt_alloc(n, sizeof(*v));
    bool any = false;
    enum dt_err err;
    size_t i;

    if (v == NULL)
        return dt_nomem();
    for (i = 0; i < n; i++) {
        err = tlog_note_check(note, note->text, &keys[i], &v[i]);
        if (err != DT_OK)
            return err;
        any = any || v[i].ok;
    }
    if (!any)
        return dt_fail(DT_ERR_AUTH, "no trusted key signed this note");
    if (out != NULL)
        memcpy(out, v, n * sizeof(*v));
    return DT_OK;
}

enum dt_err
tlog_sig_line_write(const struct tlog_vkey *key, struct dt_view sig, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct dt_writer w = dt_writer_init(&bytes);
    enum dt_err err;

    dt_write_u32(&w, key->id);
    dt_write_view(&w, sig);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_buf_printf(out, EM_DASH " %s ", key->name)) != DT_OK ||
        (err = dt_base64_write(out, dt_buf_view(&bytes))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_view_str("\n"));
}

enum dt_err
tlog_note_sign_line(const struct tlog_signer *s, struct dt_view text, struct dt_buf *out)
{
    uint8_t sig[DT_ED25519_SIG];
    enum dt_err err;

    if (s->vkey.type != TLOG_KEY_ED25519)
        return dt_fail(DT_ERR_STATE, "this key signs no notes");
    if (!tlog_text_valid(text))
        return dt_fail(DT_ERR_FORMAT, "this text cannot be signed as a note");
    err = dt_ed25519_sign(dt_secret_view(&s->seed), text, sig);
    return err != DT_OK ? err : tlog_sig_line_write(&s->vkey, dt_view_of(sig), out);
}

enum dt_err
tlog_note_sign(const struct tlog_signer *s, struct dt_view text, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(TLOG_NOTE_MAX);
    enum dt_err err;

    if ((err = tlog_note_sign_line(s, text, &line)) != DT_OK ||
        (err = dt_buf_append(out, text)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str("\n"))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&line));
}

enum dt_err
tlog_note_keep(struct dt_view bytes, const struct tlog_vkey *keys, size_t n, struct dt_buf *out)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    enum dt_err err;

    if ((err = tlog_note_parse(bytes, &note)) != DT_OK ||
        (err = dt_buf_append(out, note.text)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str("\n"))) != DT_OK)
        return err;
    for (size_t i = 0; i < note.n_sigs; i++) {
        const struct tlog_sig *sig = &note.sigs[i];
        bool wanted = false;

        for (size_t k = 0; k < n; k++)
            wanted = wanted ||
                     (keys[k].id == sig->id && dt_view_equal(sig->name, dt_view_str(keys[k].name)));
        if (wanted && (err = dt_buf_append(out, sig->line)) != DT_OK)
            return err;
    }
    return DT_OK;
}
