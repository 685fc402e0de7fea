/*
 * record/proof_build.c - a proof file from records in full, letters, consents and register proofs.
 *
 * Source: docs/protocol-record.md, "Proof file". Layer: record.
 */
#include <string.h>

#include "record/amendment.h"
#include "record/proof_internal.h"

uint64_t
dt_proof_answer_slots(const struct dt_template *tmpl)
{
    enum dt_answer a = dt_answer_of(dt_template_id(tmpl));
    size_t n = dt_template_n_fields(tmpl);

    if (a == DT_ANSWER_NONE)
        return 0;
    if (a != DT_ANSWER_CONSENT && a != DT_ANSWER_DISPUTE)
        return DT_PROOF_ABOUT;
    return ((UINT64_C(1) << n) - 1) << DT_ENVELOPE_SLOTS;
}

bool
dt_proof_answer_may_open(const struct dt_template *tmpl, uint64_t opened)
{
    enum dt_answer a = dt_answer_of(dt_template_id(tmpl));
    size_t text = dt_answer_text_slot(a);
    uint64_t without_text = opened & ~DT_OPEN_ALWAYS & ~(text != 0 ? UINT64_C(1) << text : 0);

    if (a == DT_ANSWER_DISPUTE && without_text == DT_PROOF_ABOUT)
        return true; /* what it disputes is not opened, and its text may be */
    return a == DT_ANSWER_DISPUTE || a == DT_ANSWER_CONSENT
               ? (opened & ~DT_OPEN_ALWAYS) == dt_proof_answer_slots(tmpl)
               : without_text == DT_PROOF_ABOUT;
}

bool
dt_proof_dispute_whole(const struct dt_proof_record *r)
{
    return r->answer == DT_ANSWER_DISPUTE &&
           (r->opened & ~DT_OPEN_ALWAYS) == dt_proof_answer_slots(r->tmpl);
}

uint64_t
dt_proof_slots_needed(const struct dt_record *r)
{
    return DT_OPEN_ALWAYS | dt_proof_answer_slots(r->tmpl);
}

static const struct dt_letter *
letter_of(const struct dt_proof_in *in, const struct dt_record *r)
{
    for (size_t i = 0; i < in->n_letters; i++)
        if (memcmp(in->letters[i].letter->hash, r->author.letter, 32) == 0)
            return in->letters[i].letter;
    return NULL;
}

/* Is the letter at ${place} named by some item, and is this its first place in the list? */
static bool
letter_used(const struct dt_proof_in *in, size_t place)
{
    const uint8_t *hash = in->letters[place].letter->hash;

    for (size_t i = 0; i < place; i++)
        if (memcmp(in->letters[i].letter->hash, hash, 32) == 0)
            return false;
    for (size_t i = 0; i < in->n_items; i++)
        if (memcmp(in->items[i].record->author.letter, hash, 32) == 0)
            return true;
    return false;
}

static bool
revocation_used(const struct dt_proof_in *in, const struct dt_revocation *v)
{
    for (size_t i = 0; i < in->n_items; i++)
        if (memcmp(in->items[i].record->author.letter, v->letter, 32) == 0)
            return true;
    return false;
}

/* Templates that are not built in go along, each once, in the order of their first use. */
static enum dt_err
write_templates(struct dt_writer *w, const struct dt_proof_in *in)
{
    size_t mark = dt_write_vec_begin(w);
    enum dt_err err;

    for (size_t i = 0; i < in->n_items; i++) {
        const struct dt_template *t = in->items[i].record->tmpl;
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_TEMPLATE_MAX);
        bool before = false;

        for (size_t k = 0; k < i; k++)
            before = before || memcmp(dt_template_hash(in->items[k].record->tmpl),
                                      dt_template_hash(t), 32) == 0;
        if (before || dt_template_builtin(t))
            continue;
        if ((err = dt_template_encode(t, &b)) != DT_OK)
            return err;
        dt_write_vec(w, dt_buf_view(&b));
    }
    dt_write_vec_end(w, mark);
    return DT_OK;
}

static enum dt_err
write_letters(struct dt_writer *w, const struct dt_proof_in *in)
{
    size_t mark = dt_write_vec_begin(w);
    enum dt_err err;

    for (size_t i = 0; i < in->n_letters; i++) {
        const struct dt_letter *l = in->letters[i].letter;
        uint64_t mask =
            DT_LETTER_OPEN_ALWAYS | (in->letters[i].show_name ? DT_LETTER_OPEN_CHOICE : 0);

        if (letter_used(in, i) &&
            (err = dt_proof_tree_write(w, &l->header, l->slots, dt_secret_view(&l->secret), l->root,
                                       l->signature, mask)) != DT_OK)
            return err;
    }
    dt_write_vec_end(w, mark);
    return DT_OK;
}

static enum dt_err
write_revocations(struct dt_writer *w, const struct dt_proof_in *in)
{
    size_t mark = dt_write_vec_begin(w);
    struct dt_revocation v;
    enum dt_err err;

    for (size_t i = 0; i < in->n_revocations; i++) {
        if ((err = dt_revocation_decode(in->revocations[i].revocation, &v)) != DT_OK)
            return err;
        if (!revocation_used(in, &v))
            continue;
        dt_write_vec(w, in->revocations[i].revocation);
        dt_write_vec(w, in->revocations[i].tlog_proof);
    }
    dt_write_vec_end(w, mark);
    return DT_OK;
}

static enum dt_err
write_items(struct dt_writer *w, const struct dt_proof_in *in)
{
    size_t mark = dt_write_vec_begin(w);
    enum dt_err err;

    for (size_t i = 0; i < in->n_items; i++) {
        const struct dt_proof_item *item = &in->items[i];
        const struct dt_record *r = item->record;
        uint64_t needed = i == 0 || item->slots != 0 ? 0 : dt_proof_answer_slots(r->tmpl);
        uint64_t mask = item->slots | DT_OPEN_ALWAYS | needed;
        bool entry = item->tlog_proof.n > 0;

        if (letter_of(in, r) == NULL)
            return dt_fail(DT_ERR_NOT_FOUND,
                           "record %zu: its author's letter of credence is not at hand", i + 1);
        if ((err = dt_proof_tree_write(w, &r->header, r->slots, dt_secret_view(&r->secret),
                                       r->author_key, r->signature, mask)) != DT_OK)
            return err;
        dt_write_u32(w, !entry ? DT_PROOF_NO_ENTRY : item->first ? DT_PROOF_FIRST : DT_PROOF_LATER);
        dt_write_vec(w, item->tlog_proof);
    }
    dt_write_vec_end(w, mark);
    return DT_OK;
}

/* As a stranger would who has the forum id, at a time when nothing has ended yet. */
static enum dt_err
check_built(struct dt_view file, const struct dt_proof_in *in)
{
    DT_CLEANUP(dt_verdict_clear) struct dt_verdict v = {0};
    uint8_t forum[32];
    struct dt_verify_in check = {.forum = forum, .now_ms = in->items[0].record->time_ms};
    enum dt_err err;

    if ((err = dt_charter_forum_id(in->charter, forum)) != DT_OK ||
        (err = dt_proof_verify(file, &check, &v)) != DT_OK)
        return err;
    if (v.code == DT_VERDICT_REFUSED)
        return dt_fail(DT_ERR_REFUSED, "the proof would be refused: %.*s", (int)v.reason.n,
                       (const char *)v.reason.p);
    return DT_OK;
}

enum dt_err
dt_proof_build(const struct dt_proof_in *in, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf bytes = DT_BUF_INIT(DT_PROOF_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf charter = DT_BUF_INIT(DT_CHARTER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf amendments = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    struct dt_writer w = dt_writer_init(&bytes);
    enum dt_err err;

    if (in->n_items == 0 || in->n_items > DT_PROOF_ITEMS || in->n_letters > DT_PROOF_LETTERS ||
        in->n_revocations > DT_PROOF_REVOCATIONS)
        return dt_fail(DT_ERR_LIMIT, "a proof opens 1 to %u records", DT_PROOF_ITEMS);
    if ((err = dt_charter_encode(in->charter, &charter)) != DT_OK ||
        (err = dt_charter_amendments(in->charter, &amendments)) != DT_OK)
        return err;
    dt_write_u16(&w, amendments.n > 0 ? DT_PROOF_AMENDED : DT_PROOF_VERSION);
    dt_write_vec(&w, dt_buf_view(&charter));
    if (amendments.n > 0)
        dt_write_vec(&w, dt_buf_view(&amendments));
    if ((err = write_templates(&w, in)) != DT_OK || (err = write_letters(&w, in)) != DT_OK ||
        (err = write_revocations(&w, in)) != DT_OK || (err = write_items(&w, in)) != DT_OK ||
        (err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_proof_armor(DT_PROOF_MAGIC, dt_buf_view(&bytes), &file)) != DT_OK ||
        (err = check_built(dt_buf_view(&file), in)) != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&file));
}
