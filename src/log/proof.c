/*
 * log/proof.c - tlog-proof files; see proof.h.
 */
#include <string.h>

#include "base/text.h"

#include "log/line.h"
#include "log/parse.h"
#include "log/proof.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1"

void
tlog_proof_clear(struct tlog_proof *proof)
{
    if (proof == NULL)
        return;
    dt_buf_clear(&proof->extra);
    dt_buf_clear(&proof->note);
    memset(proof, 0, sizeof(*proof));
}

/* Index and number of hashes must fit the size that the checkpoint in ${p} states. */
static enum dt_err
check_fit(const struct tlog_proof *p)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_checkpoint cp;
    enum dt_err err;

    if ((err = tlog_note_parse(dt_buf_view(&p->note), &note)) != DT_OK ||
        (err = tlog_checkpoint_parse(note.text, &cp)) != DT_OK)
        return err;
    if (p->index >= cp.size)
        return dt_fail(DT_ERR_PROOF, "the proof's index is outside of the tree");
    if (p->path.n != tlog_inclusion_len(p->index, cp.size))
        return dt_fail(DT_ERR_PROOF, "the proof has not the number of hashes for its place");
    return DT_OK;
}

enum dt_err
tlog_proof_init(struct tlog_proof *out, const struct dt_view *extra, uint64_t index,
                const struct tlog_path *path, struct dt_view note)
{
    DT_CLEANUP(tlog_proof_clear)
    struct tlog_proof p = {.extra = DT_BUF_INIT(TLOG_PROOF_EXTRA_MAX),
                           .note = DT_BUF_INIT(TLOG_NOTE_MAX)};
    enum dt_err err;

    p.has_extra = extra != NULL;
    if (extra != NULL && extra->n == 0)
        return dt_fail(DT_ERR_RANGE, "extra data of a proof is not empty when it is there");
    p.index = index;
    p.path.n = path->n;
    memcpy(p.path.h, path->h, path->n * sizeof(path->h[0]));
    if ((extra != NULL && (err = dt_buf_append(&p.extra, *extra)) != DT_OK) ||
        (err = dt_buf_append(&p.note, note)) != DT_OK || (err = check_fit(&p)) != DT_OK)
        return err;
    *out = p;
    memset(&p, 0, sizeof(p));
    return DT_OK;
}

enum dt_err
tlog_proof_parse(struct dt_view text, struct tlog_proof *out)
{
    DT_CLEANUP(tlog_proof_clear)
    struct tlog_proof p = {.extra = DT_BUF_INIT(TLOG_PROOF_EXTRA_MAX),
                           .note = DT_BUF_INIT(TLOG_NOTE_MAX)};
    struct dt_view rest = text, line, value;
    enum dt_err err;

    if (text.n > TLOG_PROOF_FILE_MAX)
        return dt_fail(DT_ERR_LIMIT, "a proof file is longer than %u bytes", TLOG_PROOF_FILE_MAX);
    if (!tlog_line_next(&rest, &line) || !dt_view_equal(line, dt_view_str(FIRST_LINE)))
        return dt_fail(DT_ERR_FORMAT, "not a tlog-proof file of version 1");
    if (!tlog_line_next(&rest, &line))
        return dt_fail(DT_ERR_FORMAT, "a proof file ends after its first line");
    if (tlog_line_after(line, "extra ", &value)) {
        err = dt_base64_read(&p.extra, value);
        if (err != DT_OK)
            return dt_fail_context(err, "extra line of a proof file");
        if (p.extra.n == 0)
            return dt_fail(DT_ERR_FORMAT, "a proof file has an empty extra line");
        p.has_extra = true;
        if (!tlog_line_next(&rest, &line))
            return dt_fail(DT_ERR_FORMAT, "a proof file ends after its extra line");
    }
    if (!tlog_line_after(line, "index ", &value))
        return dt_fail(DT_ERR_FORMAT, "a proof file has no index line");
    if ((err = dt_decimal_read(value, TLOG_SIZE_MAX, &p.index)) != DT_OK ||
        (err = tlog_path_parse(&rest, &p.path)) != DT_OK ||
        (err = dt_buf_append(&p.note, rest)) != DT_OK || (err = check_fit(&p)) != DT_OK)
        return dt_fail_context(err, "proof file");
    *out = p;
    memset(&p, 0, sizeof(p));
    return DT_OK;
}

enum dt_err
tlog_proof_write(const struct tlog_proof *proof, struct dt_buf *out)
{
    enum dt_err err = dt_buf_append(out, dt_view_str(FIRST_LINE "\n"));

    if (err == DT_OK && proof->has_extra) {
        if ((err = dt_buf_append(out, dt_view_str("extra "))) != DT_OK ||
            (err = dt_base64_write(out, dt_buf_view(&proof->extra))) != DT_OK ||
            (err = dt_buf_append(out, dt_view_str("\n"))) != DT_OK)
            return err;
    }
    if (err != DT_OK ||
        (err = dt_buf_printf(out, "index %llu\n", (unsigned long long)proof->index)) != DT_OK ||
        (err = tlog_path_write(&proof->path, out)) != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&proof->note));
}

enum dt_err
tlog_proof_evaluate(const struct tlog_proof *proof, const struct tlog_hash *leaf,
                    const struct tlog_policy *policy, const struct tlog_vkey *log,
                    struct tlog_policy_state *out)
{
    struct tlog_policy_state state;
    enum dt_err err;

    if ((err = tlog_policy_evaluate(policy, log, dt_buf_view(&proof->note), &state)) != DT_OK ||
        (err = tlog_inclusion_verify(leaf, proof->index, state.checkpoint.size, &proof->path,
                                     &state.checkpoint.root)) != DT_OK)
        return err;
    *out = state;
    return DT_OK;
}

enum dt_err
tlog_proof_verify(const struct tlog_proof *proof, const struct tlog_hash *leaf,
                  const struct tlog_policy *policy, const struct tlog_vkey *log,
                  struct tlog_policy_state *out)
{
    struct tlog_policy_state state;
    enum dt_err err = tlog_proof_evaluate(proof, leaf, policy, log, &state);

    if (err != DT_OK)
        return err;
    if (!state.quorum)
        return dt_fail(DT_ERR_REFUSED, "too few witnesses cosigned this checkpoint");
    *out = state;
    return DT_OK;
}
