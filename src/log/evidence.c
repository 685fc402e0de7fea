/*
 * log/evidence.c - proof that one key signed two checkpoints that cannot both be true; see
 * witness.h.
 */
#include <string.h>

#include "base/wire.h"

#include "log/witness.h"

#define LABEL "detente 1 split view"

void
tlog_evidence_clear(struct tlog_evidence *e)
{
    if (e == NULL)
        return;
    dt_buf_clear(&e->first);
    dt_buf_clear(&e->second);
    memset(e, 0, sizeof(*e));
}

enum dt_err
tlog_evidence_verify(const struct tlog_evidence *e, struct tlog_checkpoint *first,
                     struct tlog_checkpoint *second)
{
    struct tlog_checkpoint a, b;
    enum dt_err err;

    if ((err = tlog_checkpoint_open(dt_buf_view(&e->first), &e->log, &a)) != DT_OK ||
        (err = tlog_checkpoint_open(dt_buf_view(&e->second), &e->log, &b)) != DT_OK)
        return err;
    if (a.size > b.size || e->has_prefix != (a.size < b.size))
        return dt_fail(DT_ERR_FORMAT, "evidence has not the form for its sizes");
    if (a.size == b.size) {
        if (tlog_hash_equal(&a.root, &b.root))
            return dt_fail(DT_ERR_PROOF, "both checkpoints say the same");
    } else {
        /* Whatever path leads to b's root, the root at a's size that it shows is fixed by b's root.
         */
        err = tlog_consistency_verify(a.size, b.size, &e->proof, &e->old_root, &b.root);
        if (err != DT_OK)
            return err;
        if (tlog_hash_equal(&e->old_root, &a.root))
            return dt_fail(DT_ERR_PROOF, "the larger tree begins with the smaller one");
    }
    if (first != NULL)
        *first = a;
    if (second != NULL)
        *second = b;
    return DT_OK;
}

/* The size that a signed note states. */
static enum dt_err
note_size(struct dt_view bytes, uint64_t *out)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_checkpoint cp;
    enum dt_err err;

    if ((err = tlog_note_parse(bytes, &note)) != DT_OK ||
        (err = tlog_checkpoint_parse(note.text, &cp)) != DT_OK)
        return err;
    *out = cp.size;
    return DT_OK;
}

enum dt_err
tlog_evidence_make(const struct tlog_vkey *log, struct dt_view note_a, struct dt_view note_b,
                   const struct tlog_hash *old_root, const struct tlog_path *proof,
                   struct tlog_evidence *out)
{
    DT_CLEANUP(tlog_evidence_clear)
    struct tlog_evidence e = {
        .log = *log, .first = DT_BUF_INIT(TLOG_NOTE_MAX), .second = DT_BUF_INIT(TLOG_NOTE_MAX)};
    uint64_t size_a = 0, size_b = 0;
    enum dt_err err;
    bool swap;

    if ((err = note_size(note_a, &size_a)) != DT_OK || (err = note_size(note_b, &size_b)) != DT_OK)
        return err;
    swap = size_b < size_a;
    e.has_prefix = old_root != NULL && proof != NULL;
    if (e.has_prefix) {
        e.old_root = *old_root;
        e.proof.n = proof->n;
        memcpy(e.proof.h, proof->h, proof->n * sizeof(proof->h[0]));
    }
    if ((err = dt_buf_append(&e.first, swap ? note_b : note_a)) != DT_OK ||
        (err = dt_buf_append(&e.second, swap ? note_a : note_b)) != DT_OK ||
        (err = tlog_evidence_verify(&e, NULL, NULL)) != DT_OK)
        return err;
    *out = e;
    memset(&e, 0, sizeof(e));
    return DT_OK;
}

/*
 * struct {
 *     opaque label<V> = "detente 1 split view";
 *     opaque log<V>;                              the vkey as text
 *     opaque first<V>, second<V>;                 the notes
 *     optional<struct { opaque old_root[32]; opaque hashes<V>; }> prefix;
 * }
 */
enum dt_err
tlog_evidence_write(const struct tlog_evidence *e, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf log = DT_BUF_INIT(TLOG_VKEY_MAX);
    struct dt_writer w = dt_writer_init(out);
    enum dt_err err;
    size_t i, mark;

    err = tlog_vkey_write(&e->log, &log);
    if (err != DT_OK)
        return err;
    dt_write_str(&w, LABEL);
    dt_write_vec(&w, dt_buf_view(&log));
    dt_write_vec(&w, dt_buf_view(&e->first));
    dt_write_vec(&w, dt_buf_view(&e->second));
    dt_write_optional(&w, e->has_prefix);
    if (e->has_prefix) {
        dt_write_view(&w, tlog_hash_view(&e->old_root));
        mark = dt_write_vec_begin(&w);
        for (i = 0; i < e->proof.n; i++)
            dt_write_view(&w, tlog_hash_view(&e->proof.h[i]));
        dt_write_vec_end(&w, mark);
    }
    return dt_writer_end(&w);
}

static enum dt_err
read_prefix(struct dt_reader *r, struct tlog_evidence *e)
{
    struct dt_reader hashes;
    enum dt_err err;

    if ((err = dt_read_fixed(r, e->old_root.b, TLOG_HASH)) != DT_OK ||
        (err = dt_read_sub(r, TLOG_PATH_MAX * TLOG_HASH, &hashes)) != DT_OK)
        return err;
    while (hashes.n > 0) {
        err = dt_read_fixed(&hashes, e->proof.h[e->proof.n].b, TLOG_HASH);
        if (err != DT_OK)
            return err;
        e->proof.n++;
    }
    return DT_OK;
}

enum dt_err
tlog_evidence_read(struct dt_view bytes, struct tlog_evidence *out)
{
    DT_CLEANUP(tlog_evidence_clear)
    struct tlog_evidence e = {.first = DT_BUF_INIT(TLOG_NOTE_MAX),
                              .second = DT_BUF_INIT(TLOG_NOTE_MAX)};
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_view label, log, first, second;
    enum dt_err err;

    if ((err = dt_read_vec(&r, 255, &label)) != DT_OK)
        return err;
    if (!dt_view_equal(label, dt_view_str(LABEL)))
        return dt_fail(DT_ERR_UNSUPPORTED, "not evidence of a split view in a form known here");
    if ((err = dt_read_vec(&r, TLOG_VKEY_MAX, &log)) != DT_OK ||
        (err = dt_read_vec(&r, TLOG_NOTE_MAX, &first)) != DT_OK ||
        (err = dt_read_vec(&r, TLOG_NOTE_MAX, &second)) != DT_OK ||
        (err = dt_read_optional(&r, &e.has_prefix)) != DT_OK ||
        (e.has_prefix && (err = read_prefix(&r, &e)) != DT_OK) ||
        (err = dt_read_end(&r)) != DT_OK || (err = tlog_vkey_parse(log, &e.log)) != DT_OK ||
        (err = dt_buf_append(&e.first, first)) != DT_OK ||
        (err = dt_buf_append(&e.second, second)) != DT_OK)
        return dt_fail_context(err, "evidence of a split view");
    *out = e;
    memset(&e, 0, sizeof(e));
    return DT_OK;
}
