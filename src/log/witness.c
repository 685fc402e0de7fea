/*
 * log/witness.c - the witness's request and decision; see witness.h.
 */
#include <string.h>

#include "base/text.h"

#include "log/line.h"
#include "log/parse.h"
#include "log/witness.h"

enum dt_err
tlog_add_checkpoint_parse(struct dt_view body, struct tlog_add_checkpoint *out)
{
    struct dt_view rest = body, line, value;
    struct tlog_add_checkpoint req = {0};
    enum dt_err err;

    if (body.n > TLOG_REQUEST_MAX)
        return dt_fail(DT_ERR_LIMIT, "a request is longer than %u bytes", TLOG_REQUEST_MAX);
    if (!tlog_line_next(&rest, &line) || !tlog_line_after(line, "old ", &value))
        return dt_fail(DT_ERR_FORMAT, "a request does not begin with its old size");
    if ((err = dt_decimal_read(value, TLOG_SIZE_MAX, &req.old_size)) != DT_OK ||
        (err = tlog_path_parse(&rest, &req.proof)) != DT_OK)
        return dt_fail_context(err, "add-checkpoint request");
    if (rest.n == 0)
        return dt_fail(DT_ERR_FORMAT, "a request has no checkpoint");
    req.note = rest;
    *out = req;
    return DT_OK;
}

enum dt_err
tlog_add_checkpoint_write(const struct tlog_add_checkpoint *req, struct dt_buf *out)
{
    enum dt_err err;

    if ((err = dt_buf_printf(out, "old %llu\n", (unsigned long long)req->old_size)) != DT_OK ||
        (err = tlog_path_write(&req->proof, out)) != DT_OK)
        return err;
    return dt_buf_append(out, req->note);
}

static void
decide(struct tlog_witness_decision *d, enum tlog_witness_status status, const char *why)
{
    d->status = status;
    d->why = why;
}

/* Is the error about the input (then it is a verdict), or about us (then it is returned)? */
static bool
is_ours(enum dt_err err)
{
    return err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL || err == DT_ERR_IO;
}

enum dt_err
tlog_witness_open(const struct tlog_add_checkpoint *req, const struct tlog_vkey *keys, size_t n,
                  struct tlog_checkpoint *out_checkpoint, size_t *out_key,
                  struct tlog_witness_decision *out)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_witness_decision d = {0};
    struct tlog_checkpoint cp;
    bool known = false, signed_by = false;
    size_t i, key = 0;
    enum dt_err err;

    if ((err = tlog_note_parse(req->note, &note)) != DT_OK ||
        (err = tlog_checkpoint_parse(note.text, &cp)) != DT_OK) {
        if (is_ours(err))
            return err;
        decide(&d, TLOG_WITNESS_MALFORMED, "the checkpoint is malformed");
        goto decided;
    }
    if (req->old_size > cp.size) {
        decide(&d, TLOG_WITNESS_MALFORMED, "the old size is larger than the checkpoint's");
        goto decided;
    }
    for (i = 0; i < n; i++) {
        struct tlog_verified v;

        if (strcmp(keys[i].name, cp.origin) != 0 || keys[i].type != TLOG_KEY_ED25519)
            continue;
        known = true;
        err = tlog_note_check(&note, note.text, &keys[i], &v);
        if (err != DT_OK && is_ours(err))
            return err;
        if (err != DT_OK) {
            decide(&d, TLOG_WITNESS_UNTRUSTED, "the log's signature does not verify");
            goto decided;
        }
        if (v.ok && !signed_by) {
            signed_by = true;
            key = i;
        }
    }
    if (!known) {
        decide(&d, TLOG_WITNESS_UNKNOWN, "the origin is not known here");
    } else if (!signed_by) {
        decide(&d, TLOG_WITNESS_UNTRUSTED, "no trusted key of the log signed the checkpoint");
    } else {
        decide(&d, TLOG_WITNESS_OK, "signed by the log");
        *out_checkpoint = cp;
        *out_key = key;
    }

decided:
    *out = d;
    return DT_OK;
}

void
tlog_witness_decide(const struct tlog_witness_tree *stored, const struct tlog_checkpoint *cp,
                    uint64_t old_size, const struct tlog_path *proof,
                    struct tlog_witness_decision *out)
{
    struct tlog_witness_decision d = {0};
    bool same_root = tlog_hash_equal(&stored->root, &cp->root);

    d.fork = cp->size == stored->size && stored->size > 0 && !same_root;
    if (old_size > cp->size) {
        decide(&d, TLOG_WITNESS_MALFORMED, "the old size is larger than the checkpoint's");
    } else if (old_size != stored->size) {
        decide(&d, TLOG_WITNESS_CONFLICT, "the old size is not the one cosigned last");
    } else if (tlog_growth_verify(old_size, cp->size, proof, &stored->root, &cp->root) != DT_OK) {
        decide(&d, TLOG_WITNESS_BAD_PROOF,
               d.fork ? "the log signed another root for this size"
                      : "the consistency proof does not hold");
    } else {
        d.refresh = cp->size == stored->size;
        decide(&d, TLOG_WITNESS_OK, d.refresh ? "the tree is unchanged" : "the tree has grown");
    }
    *out = d;
}

enum dt_err
tlog_witness_key_parse(struct dt_view text, struct tlog_signer *out)
{
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};
    enum dt_err err = DT_ERR_FORMAT;

    if (text.n > 0 && text.p[text.n - 1] == '\n')
        err = tlog_signer_parse(dt_view(text.p, text.n - 1), &s);
    if (err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL)
        return err;
    if (err != DT_OK || s.vkey.type != TLOG_KEY_COSIGNATURE)
        return dt_fail(DT_ERR_FORMAT, "not a witness's key file");
    *out = s;
    memset(&s, 0, sizeof(s)); /* given away */
    return DT_OK;
}
