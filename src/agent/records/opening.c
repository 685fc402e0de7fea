/*
 * agent/records/opening.c - making a proof file; see opening.h.
 *
 * What goes in: the record, and of each party the answers that count, as far as we hold them: its
 * last countersignature and last dispute, the author's withdrawal, and the consent that allows
 * most; their letters; and for each the first attested checkpoint that holds it. An answer that a
 * verifier would refuse stays out, and of many the others: nobody can keep a record from being
 * opened by answering it.
 */
#include <string.h>

#include "base/mem.h"

#include "agent/core.h"
#include "agent/records/opening.h"

/* Everything that a proof is built from, owned. */
struct parts {
    struct dt_agent_facts facts;
    struct dt_proof_item *items;
    struct dt_buf *proofs; /* tlog-proof texts, one an item */
    size_t n_items;
    struct dt_letter *letters;
    struct dt_proof_letter *shown;
    size_t n_letters;
    struct dt_buf revoked_bytes[DT_PROOF_REVOCATIONS];
    struct dt_buf revoked_proofs[DT_PROOF_REVOCATIONS];
    struct dt_proof_revocation revocations[DT_PROOF_REVOCATIONS];
    size_t n_revocations;
};

static void
parts_clear(struct parts *p)
{
    for (size_t i = 0; i < p->n_items; i++)
        dt_buf_clear(&p->proofs[i]);
    for (size_t i = 0; i < p->n_letters; i++)
        dt_letter_clear(&p->letters[i]);
    for (size_t i = 0; i < p->n_revocations; i++) {
        dt_buf_clear(&p->revoked_bytes[i]);
        dt_buf_clear(&p->revoked_proofs[i]);
    }
    dt_free(p->items);
    dt_free(p->proofs);
    dt_free(p->letters);
    dt_free(p->shown);
    dt_agent_facts_free(&p->facts);
    *p = (struct parts){0};
}

static enum dt_err
add_letter(struct dt_agent *a, struct parts *p, const uint8_t hash[static 32], bool show_name)
{
    enum dt_err err;

    for (size_t i = 0; i < p->n_letters; i++)
        if (memcmp(p->letters[i].hash, hash, 32) == 0)
            return DT_OK;
    err = dt_letter_load(a, hash, &p->letters[p->n_letters], NULL, NULL);
    if (err != DT_OK)
        return dt_fail_context(err, "the letter of an author");
    p->shown[p->n_letters].letter = &p->letters[p->n_letters];
    p->shown[p->n_letters].show_name = show_name;
    p->n_letters++;
    return DT_OK;
}

static enum dt_err
add_item(struct dt_agent *a, struct parts *p, const struct dt_record *r, uint64_t slots,
         bool show_name)
{
    struct dt_proof_item *item = &p->items[p->n_items];
    struct dt_buf *proof = &p->proofs[p->n_items];
    enum dt_err err;

    if (p->n_items == DT_PROOF_ITEMS)
        return dt_fail(DT_ERR_LIMIT, "more than %u answers and consents to one record",
                       DT_PROOF_ITEMS - 1);
    dt_buf_init(proof, DT_TLOG_PROOF_MAX);
    p->n_items++;
    item->record = r;
    item->slots = slots;
    err = dt_agent_entry_proof(a, r->seal, proof, &item->first);
    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_STATE,
                       "the record is not in the register yet: sync, and try again when "
                       "it is attested");
    if (err != DT_OK)
        return err;
    item->tlog_proof = dt_buf_view(proof);
    return add_letter(a, p, r->author.letter, show_name);
}

/* Why an answer would go into a proof; of each kind a party has one there. */
enum reason {
    REASON_NONE,
    REASON_COUNTERSIGNED,
    REASON_DISPUTED,
    REASON_WITHDRAWN,
    REASON_CONSENT
};

static enum reason
reason_of(const struct dt_record *r, const struct dt_record *subject)
{
    const uint8_t *about = NULL;
    enum dt_answer answer = dt_record_answer(r, &about);
    bool own = memcmp(r->author.party, subject->author.party, 32) == 0;

    if (about == NULL || memcmp(about, subject->commitment, 32) != 0)
        return REASON_NONE;
    if (answer == DT_ANSWER_CONSENT)
        return REASON_CONSENT;
    if (answer == DT_ANSWER_WITHDRAW)
        return own ? REASON_WITHDRAWN : REASON_NONE;
    if (own)
        return REASON_NONE;
    return answer == DT_ANSWER_COUNTERSIGN ? REASON_COUNTERSIGNED
           : answer == DT_ANSWER_DISPUTE   ? REASON_DISPUTED
                                           : REASON_NONE;
}

/* Does the last item hold, together with the subject? If not, it is taken out again. */
static enum dt_err
keep_if_it_holds(struct dt_agent *a, struct parts *p, size_t n_letters, bool *out_kept)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    const struct dt_proof_item two[2] = {p->items[0], p->items[p->n_items - 1]};
    const struct dt_proof_in in = {.charter = &a->charter,
                                   .letters = p->shown,
                                   .n_letters = p->n_letters,
                                   .items = two,
                                   .n_items = 2};
    enum dt_err err = dt_proof_build(&in, &file);

    *out_kept = err == DT_OK;
    if (err != DT_ERR_REFUSED && err != DT_ERR_LIMIT)
        return err;
    p->n_items--;
    dt_buf_clear(&p->proofs[p->n_items]);
    while (p->n_letters > n_letters)
        dt_letter_clear(&p->letters[--p->n_letters]);
    return DT_OK;
}

/* Is ${x} to be put in rather than ${y}? The later one; of consents one that allows all that is
 * asked for before one that does not, so that an older, wider one is not lost behind a newer one.
 */
static bool
rather(const struct dt_fact *x, const struct dt_fact *y, enum reason reason,
       const struct dt_opening_params *params, uint64_t now_ms)
{
    const struct dt_fact *both[2] = {x, y};
    bool allows[2] = {false, false};

    for (size_t i = 0; i < 2 && reason == REASON_CONSENT; i++) {
        const struct dt_slot *s = both[i]->record->slots;
        uint64_t given = 0;
        uint64_t expires = 0;

        allows[i] = dt_slots_read(s[DT_ENVELOPE_SLOTS + 1].value, &given) == DT_OK &&
                    dt_value_u64(s[DT_ENVELOPE_SLOTS + 3].value, &expires) == DT_OK &&
                    (params->slots & ~UINT64_C(3) & ~given) == 0 && now_ms <= expires &&
                    dt_consent_reaches(s[DT_ENVELOPE_SLOTS + 2].value, params->audience);
    }
    return allows[0] != allows[1] ? allows[0] : x->entry > y->entry;
}

/* Put in the answer for ${reason} of the author of ${first}, which is the best that holds. */
static enum dt_err
add_best(struct dt_agent *a, struct parts *p, const struct dt_opening_params *params,
         const struct dt_record *first, enum reason reason, bool *tried)
{
    const struct dt_record *subject = p->items[0].record;
    uint64_t now_ms = dt_agent_now(a);
    enum dt_err err;

    for (;;) {
        const struct dt_fact *best = NULL;
        size_t n_letters = p->n_letters;
        bool kept = false;

        for (size_t i = 0; i < p->facts.n; i++) {
            const struct dt_fact *f = &p->facts.facts[i];

            /* One that has not reached the register can show nothing yet: the proof does without
             * it. */
            if (tried[i] || f->entry == DT_ENTRY_UNKNOWN ||
                reason_of(f->record, subject) != reason ||
                memcmp(f->record->author.party, first->author.party, 32) != 0)
                continue;
            if (best == NULL || rather(f, best, reason, params, now_ms))
                best = f;
        }
        if (best == NULL)
            return DT_OK;
        tried[best - p->facts.facts] = true;
        if ((err = add_item(a, p, best->record, dt_proof_slots_needed(best->record),
                            params->show_names)) != DT_OK ||
            (err = keep_if_it_holds(a, p, n_letters, &kept)) != DT_OK)
            return err;
        if (!kept)
            continue;
        /* The others of this party are not needed. */
        for (size_t i = 0; i < p->facts.n; i++)
            tried[i] = tried[i] ||
                       (reason_of(p->facts.facts[i].record, subject) == reason &&
                        memcmp(p->facts.records[i].author.party, first->author.party, 32) == 0);
        return DT_OK;
    }
}

/* All records, or where the one to be opened is not among them, the cover: that answers nothing. */
static enum dt_err
facts_for(struct dt_agent *a, const uint8_t commitment[static 32], struct dt_agent_facts *out)
{
    enum dt_err err = dt_agent_facts(a, out);

    for (size_t i = 0; err == DT_OK && i < out->n; i++)
        if (memcmp(out->records[i].commitment, commitment, 32) == 0)
            return DT_OK;
    if (err != DT_OK)
        return err;
    dt_agent_facts_free(out);
    return dt_agent_facts_of_cover(a, out);
}

static enum dt_err
gather(struct dt_agent *a, const struct dt_opening_params *params, struct parts *p)
{
    DT_CLEANUP(dt_free_p) bool *tried = NULL;
    const struct dt_record *subject = NULL;
    enum dt_err err;

    if ((err = facts_for(a, params->commitment, &p->facts)) != DT_OK)
        return err;
    p->items = dt_alloc(p->facts.n, sizeof *p->items);
    p->proofs = dt_alloc(p->facts.n, sizeof *p->proofs);
    p->letters = dt_alloc(p->facts.n, sizeof *p->letters);
    p->shown = dt_alloc(p->facts.n, sizeof *p->shown);
    tried = dt_alloc(p->facts.n, sizeof *tried);
    if (p->items == NULL || p->proofs == NULL || p->letters == NULL || p->shown == NULL ||
        tried == NULL)
        return dt_nomem();
    for (size_t i = 0; i < p->facts.n; i++)
        if (memcmp(p->facts.records[i].commitment, params->commitment, 32) == 0)
            subject = &p->facts.records[i];
    if (subject == NULL)
        return dt_fail(DT_ERR_NOT_FOUND, "no such record here");
    if ((err = add_item(a, p, subject, params->slots | dt_proof_slots_needed(subject),
                        params->show_names)) != DT_OK)
        return err;
    for (size_t i = 0; i < p->facts.n; i++) {
        const struct dt_record *r = &p->facts.records[i];
        enum reason reason = reason_of(r, subject);

        if (reason != REASON_NONE && !tried[i] &&
            (err = add_best(a, p, params, r, reason, tried)) != DT_OK)
            return err;
    }
    return DT_OK;
}

/* An author whose letter was revoked is shown as such: a verifier then sees which came first. */
static enum dt_err
add_revocations(struct dt_agent *a, struct parts *p)
{
    for (size_t i = 0; i < p->n_letters; i++) {
        struct dt_buf *bytes = &p->revoked_bytes[p->n_revocations];
        struct dt_buf *proof = &p->revoked_proofs[p->n_revocations];
        struct dt_revocation v;
        uint8_t seal[32];
        bool revoked = false;
        bool first = false;
        enum dt_err err;

        if (p->n_revocations == DT_PROOF_REVOCATIONS)
            return dt_fail(DT_ERR_LIMIT, "more than %u revoked letters in one proof",
                           DT_PROOF_REVOCATIONS);
        dt_buf_init(bytes, DT_LETTER_BYTES_MAX);
        dt_buf_init(proof, DT_TLOG_PROOF_MAX);
        if ((err = dt_letter_revoked(a, &p->letters[i], &revoked, bytes)) != DT_OK)
            return err;
        if (!revoked)
            continue;
        p->n_revocations++; /* from here on it is cleared with the rest */
        if ((err = dt_revocation_decode(dt_buf_view(bytes), &v)) != DT_OK ||
            (err = dt_revocation_seal(&v, seal)) != DT_OK)
            return err;
        err = dt_agent_entry_proof(a, seal, proof, &first);
        if (err == DT_ERR_NOT_FOUND)
            return dt_fail(DT_ERR_STATE,
                           "the revocation of an author's letter is not in the register yet: "
                           "sync, and try again when it is attested");
        if (err != DT_OK)
            return err;
        p->revocations[p->n_revocations - 1].revocation = dt_buf_view(bytes);
        p->revocations[p->n_revocations - 1].tlog_proof = dt_buf_view(proof);
    }
    return DT_OK;
}

/* Whose consent is the first that is missing. */
static enum dt_err
refuse_without_consent(const struct dt_verdict *v, const char *audience)
{
    for (size_t i = 0; i < v->charter->n_parties && !v->rule.any_one; i++) {
        struct dt_view name = v->charter->parties[i].name;

        if (!v->parties[i].consent_needed || v->parties[i].consent)
            continue;
        if (audience != NULL)
            return dt_fail(DT_ERR_REFUSED,
                           "no consent from %.*s in the register to open these fields to '%s'; ask "
                           "for one with that audience",
                           (int)name.n, (const char *)name.p, audience);
        return dt_fail(DT_ERR_REFUSED,
                       "no consent from %.*s in the register to open these fields; ask for it, "
                       "or open without consent (every verifier will say so)",
                       (int)name.n, (const char *)name.p);
    }
    return dt_fail(DT_ERR_REFUSED, "a consent to open these fields is missing");
}

/* See the file as a stranger with the forum id will. */
static enum dt_err
look_as_stranger(struct dt_agent *a, struct dt_view file, const char *audience,
                 struct dt_verdict *out)
{
    const struct dt_verify_in in = {.forum = a->forum,
                                    .now_ms = dt_agent_now(a),
                                    .audience = audience,
                                    .templates = a->templates};
    enum dt_err err = dt_proof_verify(file, &in, out);

    if (err == DT_OK && out->code == DT_VERDICT_REFUSED)
        return dt_fail(DT_ERR_STATE, "the proof would be refused: %.*s", (int)out->reason.n,
                       (const char *)out->reason.p);
    return err;
}

/* Of disputes that name fields which are not opened, their fields and values stay closed; so does
 * the text, unless it is in reply by the party ${own}. */
static bool
make_disputes_brief(struct parts *p, uint64_t opened, const uint8_t *own)
{
    const uint64_t text = UINT64_C(1) << dt_answer_text_slot(DT_ANSWER_DISPUTE);
    bool any = false;

    for (size_t i = 1; i < p->n_items; i++) {
        struct dt_proof_item *item = &p->items[i];
        uint64_t slots = 0;

        if (dt_record_answer(item->record, NULL) != DT_ANSWER_DISPUTE ||
            dt_slots_read(item->record->slots[DT_ENVELOPE_SLOTS + 1].value, &slots) != DT_OK ||
            (slots & ~opened) == 0)
            continue;
        item->slots = UINT64_C(1) << DT_ENVELOPE_SLOTS;
        if (own != NULL && memcmp(item->record->author.party, own, 32) == 0)
            item->slots |= text;
        any = true;
    }
    return any;
}

/* Build the file of ${p}, and see that it is what ${params} ask for. */
static enum dt_err
build(struct dt_agent *a, const struct dt_opening_params *params, struct parts *p,
      struct dt_buf *file, struct dt_verdict *v)
{
    const struct dt_proof_in in = {.charter = &a->charter,
                                   .revocations = p->revocations,
                                   .n_revocations = p->n_revocations,
                                   .letters = p->shown,
                                   .n_letters = p->n_letters,
                                   .items = p->items,
                                   .n_items = p->n_items};
    enum dt_err err;

    dt_buf_clear(file);
    dt_verdict_clear(v);
    if ((err = dt_proof_build(&in, file)) != DT_OK)
        return err;
    return look_as_stranger(a, dt_buf_view(file), params->audience, v);
}

static enum dt_err
finish(struct dt_agent *a, const struct dt_opening_params *params, struct parts *p,
       const uint8_t *own, struct dt_buf *report, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    DT_CLEANUP(dt_verdict_clear) struct dt_verdict v = {0};
    enum dt_err err;

    if ((err = add_revocations(a, p)) != DT_OK || (err = build(a, params, p, &file, &v)) != DT_OK)
        return err;
    /* A dispute is shown whole where the consents reach its fields too; else that there is one. */
    if (v.code == DT_VERDICT_WITHOUT_CONSENT && !params->without_consent &&
        make_disputes_brief(p, p->items[0].slots, own) &&
        (err = build(a, params, p, &file, &v)) != DT_OK)
        return err;
    if ((err = dt_verdict_say_consents(&v, dt_agent_now(a), report)) != DT_OK)
        return err;
    if (v.code == DT_VERDICT_WITHOUT_CONSENT && !params->without_consent)
        return refuse_without_consent(&v, params->audience);
    return dt_buf_append(out, dt_buf_view(&file));
}

enum dt_err
dt_agent_open_record(struct dt_agent *a, const struct dt_opening_params *params,
                     struct dt_buf *report, struct dt_buf *out)
{
    DT_CLEANUP(parts_clear) struct parts p = {0};
    enum dt_err err = gather(a, params, &p);

    return err != DT_OK ? err : finish(a, params, &p, NULL, report, out);
}

/* ---- the right of reply ---- */

/* The words of ${r}, an answer of our own to the subject, into the file. */
static enum dt_err
add_reply(struct dt_agent *a, struct parts *p, const struct dt_fact *f,
          const struct dt_opening_params *params, bool *out_added)
{
    const struct dt_record *r = f->record;
    size_t text = dt_answer_text_slot(dt_record_answer(r, NULL));
    const uint64_t slots = UINT64_C(1) << DT_ENVELOPE_SLOTS | UINT64_C(1) << text;
    size_t n_letters = p->n_letters;
    enum dt_err err;

    for (size_t i = 1; i < p->n_items; i++)
        if (p->items[i].record == r) {
            /* A dispute is there whole, text and all, as long as it can be. */
            p->items[i].slots = dt_proof_slots_needed(r) | slots;
            *out_added = true;
            return DT_OK;
        }
    if (f->entry == DT_ENTRY_UNKNOWN)
        return DT_OK; /* it is said in the register first */
    if ((err = add_item(a, p, r, slots, params->show_names)) != DT_OK)
        return err;
    return keep_if_it_holds(a, p, n_letters, out_added);
}

enum dt_err
dt_agent_open_reply(struct dt_agent *a, const uint8_t commitment[static 32], bool show_names,
                    struct dt_buf *report, uint8_t out_replied_to[static 32], struct dt_buf *out)
{
    struct dt_opening_params params = {.show_names = show_names, .audience = DT_AUDIENCE_PUBLIC};
    DT_CLEANUP(dt_letter_clear) struct dt_letter own = {0};
    DT_CLEANUP(parts_clear) struct parts p = {0};
    bool any = false;
    enum dt_err err;

    memcpy(params.commitment, commitment, sizeof params.commitment);
    if ((err = dt_agent_letter_own(a, &own)) != DT_OK ||
        (err = dt_opening_public(a, commitment, &params.slots, out_replied_to)) != DT_OK ||
        (err = gather(a, &params, &p)) != DT_OK)
        return err;
    for (size_t i = 0; i < p.facts.n; i++) {
        const struct dt_record *r = &p.facts.records[i];
        const uint8_t *about = NULL;
        size_t text = dt_answer_text_slot(dt_record_answer(r, &about));
        bool added = false;

        if (text == 0 || memcmp(about, commitment, 32) != 0 ||
            memcmp(r->author.party, own.party, 32) != 0 || r->slots[text].kind != DT_SLOT_VALUE)
            continue;
        if ((err = add_reply(a, &p, &p.facts.facts[i], &params, &added)) != DT_OK)
            return err;
        any = any || added;
    }
    if (!any)
        return dt_fail(DT_ERR_REFUSED, "our party has nothing in the register that it said to this "
                                       "record in words of its own");
    return finish(a, &params, &p, own.party, report, out);
}
