/*
 * log/checkpoint.c - checkpoints; see checkpoint.h.
 */
#include <string.h>

#include "base/text.h"

#include "log/checkpoint.h"
#include "log/line.h"
#include "log/parse.h"

enum dt_err
tlog_hash_parse(struct dt_view b64, struct tlog_hash *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(TLOG_HASH + 16);
    enum dt_err err;

    if (b64.n != TLOG_HASH_B64)
        return dt_fail(DT_ERR_FORMAT, "a hash is not %d characters of base64", TLOG_HASH_B64);
    err = dt_base64_read(&bytes, b64);
    if (err != DT_OK)
        return err;
    if (bytes.n != TLOG_HASH)
        return dt_fail(DT_ERR_FORMAT, "a hash is not %d bytes", TLOG_HASH);
    memcpy(out->b, bytes.p, TLOG_HASH);
    return DT_OK;
}

enum dt_err
tlog_path_parse(struct dt_view *rest, struct tlog_path *out)
{
    struct dt_view line;
    enum dt_err err;

    out->n = 0;
    while (tlog_line_next(rest, &line)) {
        if (line.n == 0)
            return DT_OK;
        if (out->n == TLOG_PROOF_LINES_MAX)
            return dt_fail(DT_ERR_LIMIT, "a proof has more than %d hashes", TLOG_PROOF_LINES_MAX);
        err = tlog_hash_parse(line, &out->h[out->n]);
        if (err != DT_OK)
            return err;
        out->n++;
    }
    return dt_fail(DT_ERR_FORMAT, "no empty line after the hashes");
}

enum dt_err
tlog_path_write(const struct tlog_path *path, struct dt_buf *out)
{
    enum dt_err err;
    size_t i;

    if (path->n > TLOG_PROOF_LINES_MAX)
        return dt_fail(DT_ERR_LIMIT, "a proof has more than %d hashes", TLOG_PROOF_LINES_MAX);
    for (i = 0; i < path->n; i++) {
        if ((err = dt_base64_write(out, tlog_hash_view(&path->h[i]))) != DT_OK ||
            (err = dt_buf_append(out, dt_view_str("\n"))) != DT_OK)
            return err;
    }
    return dt_buf_append(out, dt_view_str("\n"));
}

static bool
origin_valid(struct dt_view origin)
{
    size_t i;

    for (i = 0; i < origin.n; i++) {
        if (origin.p[i] < 0x20)
            return false;
    }
    return origin.n > 0 && origin.n <= TLOG_NAME_MAX && dt_utf8_valid(origin);
}

enum dt_err
tlog_checkpoint_init(struct tlog_checkpoint *out, struct dt_view origin, uint64_t size,
                     const struct tlog_hash *root)
{
    struct tlog_checkpoint cp = {0};

    if (!origin_valid(origin))
        return dt_fail(DT_ERR_FORMAT, "not usable as the origin of a log");
    if (size > TLOG_SIZE_MAX)
        return dt_fail(DT_ERR_RANGE, "tree size is too large");
    memcpy(cp.origin, origin.p, origin.n);
    cp.size = size;
    cp.root = *root;
    *out = cp;
    return DT_OK;
}

enum dt_err
tlog_checkpoint_parse(struct dt_view text, struct tlog_checkpoint *out)
{
    struct dt_view rest = text, origin, size_line, root_line, line;
    struct tlog_checkpoint cp;
    struct tlog_hash root;
    uint64_t size = 0;
    enum dt_err err;

    if (!tlog_text_valid(text))
        return dt_fail(DT_ERR_FORMAT, "a checkpoint is not clean text that ends in a line feed");
    if (!tlog_line_next(&rest, &origin) || !tlog_line_next(&rest, &size_line) ||
        !tlog_line_next(&rest, &root_line))
        return dt_fail(DT_ERR_FORMAT, "a checkpoint has fewer than three lines");
    if ((err = dt_decimal_read(size_line, TLOG_SIZE_MAX, &size)) != DT_OK)
        return dt_fail_context(err, "size of a checkpoint");
    if ((err = tlog_hash_parse(root_line, &root)) != DT_OK)
        return dt_fail_context(err, "root of a checkpoint");
    if ((err = tlog_checkpoint_init(&cp, origin, size, &root)) != DT_OK)
        return err;
    cp.extension = rest;
    while (tlog_line_next(&rest, &line)) {
        if (line.n == 0)
            return dt_fail(DT_ERR_FORMAT, "a checkpoint has an empty extension line");
    }
    *out = cp;
    return DT_OK;
}

enum dt_err
tlog_checkpoint_write(const struct tlog_checkpoint *cp, struct dt_buf *out)
{
    enum dt_err err;

    if ((err = dt_buf_printf(out, "%s\n%llu\n", cp->origin, (unsigned long long)cp->size)) !=
            DT_OK ||
        (err = dt_base64_write(out, tlog_hash_view(&cp->root))) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str("\n"))) != DT_OK)
        return err;
    return dt_buf_append(out, cp->extension);
}

enum dt_err
tlog_checkpoint_sign(const struct tlog_signer *s, const struct tlog_checkpoint *cp,
                     struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_NOTE_MAX);
    enum dt_err err;

    if (strcmp(s->vkey.name, cp->origin) != 0)
        return dt_fail(DT_ERR_STATE, "a log's key is named like its origin");
    err = tlog_checkpoint_write(cp, &text);
    return err != DT_OK ? err : tlog_note_sign(s, dt_buf_view(&text), out);
}

enum dt_err
tlog_checkpoint_open(struct dt_view bytes, const struct tlog_vkey *log, struct tlog_checkpoint *out)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_checkpoint cp;
    enum dt_err err;

    if ((err = tlog_note_parse(bytes, &note)) != DT_OK ||
        (err = tlog_checkpoint_parse(note.text, &cp)) != DT_OK)
        return err;
    if (log->type != TLOG_KEY_ED25519 || strcmp(log->name, cp.origin) != 0)
        return dt_fail(DT_ERR_AUTH, "the checkpoint is of another log");
    err = tlog_note_verify(&note, log, 1, NULL);
    if (err != DT_OK)
        return err;
    *out = cp;
    return DT_OK;
}
