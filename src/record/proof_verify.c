/*
 * record/proof_verify.c - a proof file checked from end to end.
 *
 * Source: docs/protocol-record.md, "Proof file"; DESIGN "Proofs". Layer: record.
 *
 * Order: text and structure; charter and whose it is; letters; revocations; the opened records,
 * each with its entry; then what the answers and consents make of the subject (proof_decide.c). The
 * first thing that does not hold ends it with its place and reason.
 */
#include <string.h>

#include "base/mem.h"
#include "base/time.h"

#include "record/amendment.h"
#include "record/charter_rules.h"
#include "record/proof_internal.h"
#include "record/template_internal.h"

struct verify {
    const struct dt_verify_in *in;
    struct dt_verdict *v;
    struct dt_proof_parts *parts;
    struct dt_template *letter; /* the built-in template */
    struct dt_proof_registers registers;
    struct dt_letter_seen letters[DT_PROOF_LETTERS];
    bool template_used[DT_PROOF_TEMPLATES];
};

static void
verify_clear(struct verify *c)
{
    dt_proof_registers_clear(&c->registers);
    dt_template_free(c->letter);
    dt_free(c->parts);
    dt_free(c);
}

static void
verify_clear_p(struct verify **c)
{
    if (*c != NULL)
        verify_clear(*c);
}

/* ---- whose it is ---- */

/* The amendments that the file shows, and then those that it leaves out and the verifier knows. */
static enum dt_err
amend_charter(const struct verify *c, struct dt_charter *charter)
{
    struct dt_reader r = dt_reader_init(c->in->amendments);
    struct dt_view one;
    enum dt_err err = dt_charter_amend_all(charter, c->parts->amendments);

    while (err == DT_OK && r.n > 0) {
        if ((err = dt_read_vec(&r, DT_AMENDMENT_MAX, &one)) != DT_OK)
            break;
        err = dt_charter_amend(charter, one);
        err = err == DT_ERR_EXISTS ? DT_OK : dt_fail_context(err, "not in the file");
    }
    return err;
}

static enum dt_err
check_charter(struct verify *c)
{
    struct dt_verdict *v = c->v;
    enum dt_err err;

    /* Decoding checks every signature that is there; what is left to see is that none is missing.
     */
    v->charter = dt_alloc(1, sizeof *v->charter);
    if (v->charter == NULL)
        return dt_nomem();
    if ((err = dt_charter_decode(c->parts->charter, v->charter)) != DT_OK ||
        (err = dt_charter_complete(v->charter)) != DT_OK ||
        (err = dt_charter_forum_id(v->charter, v->forum)) != DT_OK ||
        (err = amend_charter(c, v->charter)) != DT_OK ||
        (err = dt_proof_registers_init(&c->registers, v->charter)) != DT_OK)
        return err;
    if (c->in->forum != NULL && memcmp(c->in->forum, v->forum, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "the charter in the file is not that of the forum asked for");
    for (size_t i = 0; i < v->charter->n_parties; i++)
        v->parties[i].vouched = c->in->forum != NULL;
    for (size_t k = 0; k < c->in->n_root_words; k++) {
        bool found = false;

        for (size_t i = 0; i < v->charter->n_parties; i++) {
            uint8_t in_force[32];

            /* Those of the root that founded it, or of the one in force, which signed an amendment
             * of this very charter. */
            if ((err = dt_root_id(v->charter->parties[i].root, in_force)) != DT_OK)
                return err;
            if (dt_key_words_match(c->in->root_words[k], v->charter->parties[i].root_id) ||
                dt_key_words_match(c->in->root_words[k], in_force))
                found = v->parties[i].vouched = true;
        }
        if (!found)
            return dt_fail(DT_ERR_AUTH,
                           "no root of the charter in the file has the key words given");
    }
    for (size_t i = 0; i < c->parts->n_letters; i++)
        memcpy(c->parts->letters[i].header.forum, v->forum, 32);
    for (size_t i = 0; i < c->parts->n_items; i++)
        memcpy(c->parts->items[i].tree.header.forum, v->forum, 32);
    return DT_OK;
}

/* ---- letters ---- */

static enum dt_err
check_letters(struct verify *c)
{
    enum dt_err err;

    if ((err = dt_builtin_find(dt_view_str("letter"), &c->letter)) != DT_OK)
        return err;
    for (size_t i = 0; i < c->parts->n_letters; i++) {
        if ((err = dt_proof_letter_check(c->v->charter, c->letter, &c->parts->letters[i],
                                         &c->letters[i])) != DT_OK)
            return dt_fail_context(err, "letter %zu", i + 1);
        for (size_t k = 0; k < i; k++)
            if (memcmp(c->letters[k].hash, c->letters[i].hash, 32) == 0)
                return dt_fail(DT_ERR_FORMAT, "letter %zu: a second time", i + 1);
    }
    return DT_OK;
}

/* ---- revocations ---- */

static enum dt_err
check_revocation(struct verify *c, const struct dt_proof_revocation *in)
{
    struct dt_charter_root root = {0};
    struct dt_revocation rev;
    struct dt_entry_seen entry = {0};
    uint8_t seal[32];
    enum dt_err err;

    if ((err = dt_revocation_decode(in->revocation, &rev)) != DT_OK ||
        (err = dt_revocation_check(&rev, c->v->charter, NULL)) != DT_OK ||
        (err = dt_revocation_seal(&rev, seal)) != DT_OK)
        return err;
    for (size_t i = 0; i < c->parts->n_letters; i++) {
        struct dt_letter_seen *l = &c->letters[i];

        if (memcmp(l->hash, rev.letter, 32) != 0)
            continue;
        if (memcmp(c->v->charter->parties[l->party].root_id, rev.party, 32) != 0 ||
            memcmp(c->parts->letters[i].key, rev.root, 32) != 0)
            return dt_fail(DT_ERR_AUTH, "not by the root that issued the letter");
        if ((err = dt_proof_entry_check(&c->registers, in->tlog_proof, seal, l->party,
                                        DT_PROOF_FIRST, &entry)) != DT_OK)
            return err;
        if (entry.ms == 0)
            return dt_fail(DT_ERR_PROOF,
                           "its entry has no time by another group, and so it says nothing");
        /* A root that was replaced revokes nothing any more: a thief would undo what was. */
        if ((err = dt_charter_root_find(c->v->charter, l->party, rev.root, &root)) != DT_OK)
            return err;
        if (entry.index >= root.to)
            return dt_fail(DT_ERR_AUTH, "by a root that amendment %zu had replaced before",
                           root.ended_by);
        l->revoked_ms = l->revoked && l->revoked_ms < entry.ms ? l->revoked_ms : entry.ms;
        l->revoked_entry =
            l->revoked && l->revoked_entry < entry.index ? l->revoked_entry : entry.index;
        l->revoked = true;
        return DT_OK;
    }
    return dt_fail(DT_ERR_FORMAT, "of no letter in the file");
}

/* ---- records ---- */

/* Built in, or carried in the file. */
static enum dt_err
find_template(struct verify *c, const struct dt_header *h, const struct dt_template **out)
{
    struct dt_verdict *v = c->v;
    struct dt_template *t = NULL;
    enum dt_err err;

    for (size_t i = 0; i < v->n_templates; i++)
        if (memcmp(dt_template_hash(v->templates[i]), h->template_hash, 32) == 0) {
            if (i < c->parts->n_templates)
                c->template_used[i] = true;
            *out = v->templates[i];
            return DT_OK;
        }
    err = dt_builtin_find(h->template_id, &t);
    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_PROOF, "its template is not in the file");
    if (err != DT_OK)
        return err;
    v->templates[v->n_templates++] = t; /* room for each of them was made */
    if (memcmp(dt_template_hash(t), h->template_hash, 32) != 0)
        return dt_fail(DT_ERR_UNSUPPORTED, "a built-in template in a version not known here");
    *out = t;
    return DT_OK;
}

static enum dt_err
read_templates(struct verify *c)
{
    struct dt_verdict *v = c->v;
    struct dt_template *t = NULL;
    enum dt_err err;

    v->templates = dt_alloc(DT_PROOF_TEMPLATES + dt_builtin_count, sizeof(struct dt_template *));
    if (v->templates == NULL)
        return dt_nomem();
    for (size_t i = 0; i < c->parts->n_templates; i++) {
        if ((err = dt_template_decode(c->parts->templates[i], &t)) != DT_OK)
            return dt_fail_context(err, "template %zu", i + 1);
        v->templates[v->n_templates++] = t;
        for (size_t k = 0; k < i; k++)
            if (memcmp(dt_template_hash(v->templates[k]), dt_template_hash(t), 32) == 0)
                return dt_fail(DT_ERR_FORMAT, "template %zu: a second time", i + 1);
        err = dt_builtin_find(dt_template_id(t), &t);
        if (err == DT_OK) {
            dt_template_free(t);
            return dt_fail(DT_ERR_FORMAT, "template %zu: in the place of a built-in one", i + 1);
        }
        if (err != DT_ERR_NOT_FOUND)
            return err;
    }
    return DT_OK;
}

/* Did ${r} enter while the letters of the root ${root} counted? Where that is past, only its place
 * in the register can say so, and one that a quorum cosigned: the register's word alone could be a
 * thief's, too. */
static enum dt_err
check_root_of(const struct dt_charter_root *root, const struct dt_proof_record *r)
{
    if (root->ended_by != 0 && (!r->entry_firm || r->entry >= root->to))
        return dt_fail(DT_ERR_EXPIRED,
                       "amendment %zu replaced the root that signed its author's letter of "
                       "credence, and it is not shown to be attested among the first %llu entries",
                       root->ended_by, (unsigned long long)root->to);
    if (r->state != DT_ENTRY_NONE && r->entry < root->from)
        return dt_fail(DT_ERR_EXPIRED,
                       "its author's letter of credence is of a root whose letters count from "
                       "entry %llu on",
                       (unsigned long long)root->from);
    return DT_OK;
}

/* The letter that ${r} names must be there, be the author's, give the right, and hold at its time.
 */
static enum dt_err
check_letter_of(struct verify *c, struct dt_proof_record *r)
{
    enum dt_right right = r->answer == DT_ANSWER_CONSENT ? DT_RIGHT_CONSENT : DT_RIGHT_RECORD;
    uint64_t at = r->entry_ms != 0 ? r->entry_ms : c->in->now_ms;
    struct dt_letter_seen *l = NULL;
    enum dt_err err;

    for (size_t i = 0; i < c->parts->n_letters; i++)
        if (memcmp(c->letters[i].hash, r->author.letter, 32) == 0)
            l = &c->letters[i];
    if (l == NULL)
        return dt_fail(DT_ERR_PROOF, "the letter of credence of its author is not in the file");
    l->used = true;
    if (l->party != r->party || memcmp(l->key, r->author.key, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "its author is not the delegate of the letter it names");
    if ((l->rights & DT_RIGHT_BIT(right)) == 0)
        return dt_fail(DT_ERR_REFUSED,
                       "its author's letter of credence does not give the right to make it");
    if ((err = check_root_of(&l->root, r)) != DT_OK)
        return err;
    if (at < l->not_before_ms)
        return dt_fail(DT_ERR_EXPIRED,
                       "its author's letter of credence was not yet valid at that time");
    if (at > l->not_after_ms)
        return dt_fail(DT_ERR_EXPIRED,
                       r->entry_ms != 0
                           ? "its author's letter of credence had ended at that time"
                           : "its author's letter of credence has ended, and no entry shows "
                             "that it was made before");
    /* A revocation may be shown under a later checkpoint than the first: then its place says that
     * it came before. */
    if (l->revoked &&
        (r->entry_ms == 0 || l->revoked_ms <= r->entry_ms || l->revoked_entry < r->entry))
        return dt_fail(
            DT_ERR_EXPIRED,
            "its author's letter of credence was revoked, and it is not shown to be from "
            "before that");
    r->name = l->name;
    r->title = l->title;
    r->root_ended_by = l->root.ended_by;
    r->author_revoked = l->revoked;
    r->author_revoked_entry = l->revoked_entry;
    r->author_revoked_ms = l->revoked_ms;
    return DT_OK;
}

static enum dt_err
read_record(struct verify *c, size_t place, struct dt_proof_record *r)
{
    struct dt_opened *t = &c->parts->items[place].tree;
    struct dt_view text = c->parts->items[place].tlog_proof;
    struct dt_entry_seen entry = {0};
    const struct dt_template *known;
    uint8_t agreed[32];
    enum dt_err err;

    if (dt_view_equal(t->header.template_id, dt_view_str("letter")))
        return dt_fail(DT_ERR_FORMAT, "a letter is no record");
    if ((err = find_template(c, &t->header, &r->tmpl)) != DT_OK ||
        (err = dt_proof_tree_check(t, r->tmpl, r->slots, &r->opened, r->commitment)) != DT_OK ||
        (err = dt_proof_signature_check(t, "record", r->commitment)) != DT_OK ||
        (err = dt_author_read(r->slots[DT_SLOT_AUTHOR].value, &r->author)) != DT_OK)
        return err;
    if (memcmp(r->author.key, t->key, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "the author it names is not the key that signed");
    if (dt_charter_party_by_id(c->v->charter, r->author.party, &r->party) != DT_OK)
        return dt_fail(DT_ERR_AUTH, "its author's party is none of the charter's");
    r->header = t->header;
    r->vouched = c->v->parties[r->party].vouched;
    r->answer = dt_answer_of(t->header.template_id);
    known =
        c->in->templates != NULL ? dt_templates_get(c->in->templates, t->header.template_id) : NULL;
    r->template_known =
        dt_template_builtin(r->tmpl) ||
        (known != NULL && memcmp(dt_template_hash(known), t->header.template_hash, 32) == 0) ||
        (known == NULL && dt_charter_template(c->v->charter, t->header.template_id, agreed) &&
         memcmp(agreed, t->header.template_hash, 32) == 0);
    if (place > 0 && r->answer != DT_ANSWER_NONE && !dt_proof_answer_may_open(r->tmpl, r->opened))
        return dt_fail(DT_ERR_FORMAT, "an answer that does not open what it has to, or more");
    if (place > 0 && (r->answer == DT_ANSWER_NONE || memcmp(r->slots[DT_ENVELOPE_SLOTS].value.p,
                                                            c->v->records[0].commitment, 32) != 0))
        return dt_fail(DT_ERR_PROOF, "no answer to the record that the file is about");
    if (text.n > 0) {
        if ((err = dt_seal(r->commitment, t->key, t->signature, r->seal)) != DT_OK ||
            (err = dt_proof_entry_check(&c->registers, text, r->seal, r->party,
                                        c->parts->items[place].entry, &entry)) != DT_OK)
            return dt_fail_context(err, "its register entry");
        r->state = entry.state;
        r->entry = entry.index;
        r->entry_ms = entry.ms;
        r->ended_by = entry.ended_by;
        r->entry_firm = entry.firm;
        r->apart_ms = entry.apart_ms;
    }
    return check_letter_of(c, r);
}

static enum dt_err
check_records(struct verify *c)
{
    struct dt_verdict *v = c->v;
    enum dt_err err;

    v->records = dt_alloc(c->parts->n_items, sizeof *v->records);
    if (v->records == NULL)
        return dt_nomem();
    for (size_t i = 0; i < c->parts->n_items; i++) {
        struct dt_proof_record *r = &v->records[i];

        v->n_records = i + 1;
        if ((err = read_record(c, i, r)) != DT_OK)
            return dt_fail_context(err, "record %zu (%s)", i + 1,
                                   i == 0 ? "the one opened" : dt_answer_name(r->answer));
        for (size_t k = 0; k < i; k++)
            if (memcmp(v->records[k].commitment, r->commitment, 32) == 0)
                return dt_fail(DT_ERR_FORMAT, "record %zu: a second time", i + 1);
    }
    for (size_t i = 0; i < c->parts->n_letters; i++)
        if (!c->letters[i].used)
            return dt_fail(DT_ERR_FORMAT, "letter %zu: of nobody in the file", i + 1);
    for (size_t i = 0; i < c->parts->n_templates; i++)
        if (!c->template_used[i])
            return dt_fail(DT_ERR_FORMAT, "template %zu: of nothing in the file", i + 1);
    return DT_OK;
}

/* ---- all of it ---- */

void
dt_verdict_clear(struct dt_verdict *v)
{
    if (v == NULL)
        return;
    dt_buf_clear(&v->reason);
    dt_buf_clear(&v->findings);
    dt_buf_clear(&v->standing);
    dt_buf_clear(&v->store);
    if (v->charter != NULL)
        dt_charter_clear(v->charter);
    dt_free(v->charter);
    dt_free(v->records);
    for (size_t i = 0; i < v->n_templates; i++)
        dt_template_free(v->templates[i]);
    dt_free(v->templates);
    memset(v, 0, sizeof *v);
}

static enum dt_err
verify_file(struct dt_view file, struct verify *c)
{
    struct dt_verdict *v = c->v;
    enum dt_err err;

    if ((err = dt_proof_unarmor(DT_PROOF_MAGIC, file, &v->store)) != DT_OK ||
        (err = dt_proof_parts_read(dt_buf_view(&v->store), c->parts)) != DT_OK ||
        (err = check_charter(c)) != DT_OK || (err = read_templates(c)) != DT_OK ||
        (err = check_letters(c)) != DT_OK)
        return err;
    for (size_t i = 0; i < c->parts->n_revocations; i++)
        if ((err = check_revocation(c, &c->parts->revocations[i])) != DT_OK)
            return dt_fail_context(err, "revocation %zu", i + 1);
    if ((err = check_records(c)) != DT_OK || (err = dt_verdict_decide(c->in, v)) != DT_OK)
        return err;
    return dt_proof_say(v, c->in);
}

static void
init_verdict(struct dt_verdict *v)
{
    memset(v, 0, sizeof *v);
    dt_buf_init(&v->reason, 1024);
    dt_buf_init(&v->findings, 4u * DT_PROOF_MAX);
    dt_buf_init(&v->standing, 64u << 10);
    dt_buf_init(&v->store, DT_PROOF_MAX);
}

enum dt_err
dt_proof_verify(struct dt_view file, const struct dt_verify_in *in, struct dt_verdict *out)
{
    DT_CLEANUP(dt_verdict_clear) struct dt_verdict v;
    DT_CLEANUP(verify_clear_p) struct verify *c = dt_alloc(1, sizeof *c);
    enum dt_err err;

    init_verdict(&v);
    if (c == NULL)
        return dt_nomem();
    c->in = in;
    c->v = &v;
    c->parts = dt_alloc(1, sizeof *c->parts);
    if (c->parts == NULL)
        return dt_nomem();
    err = verify_file(file, c);
    if (err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL)
        return err;
    if (err != DT_OK) {
        /* Nothing of a refused file is given on but why it was refused. */
        dt_verdict_clear(&v);
        init_verdict(&v);
        v.code = DT_VERDICT_REFUSED;
        if ((err = dt_buf_append(&v.reason, dt_view_str(dt_err_message()))) != DT_OK)
            return err;
    }
    *out = v;
    memset(&v, 0, sizeof v);
    return DT_OK;
}
