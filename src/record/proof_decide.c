/*
 * record/proof_decide.c - what the answers and consents of a proof file make of its subject, once
 * all of it holds: accounts, consents, when the event was, and the verdict's code.
 *
 * Source: docs/protocol-record.md, "Proof file"; DESIGN "Standing", "Proofs". Layer: record.
 */
#include "base/time.h"

#include "record/proof_internal.h"
#include "record/template_internal.h"

/*
 * Is account ${a} of a party to count, and not ${b}? The later one in the register. What is shown
 * without an entry gets nothing by it: its opener may have left the entry out, so a dispute is then
 * taken for later than all, a countersignature for earlier than all.
 */
static bool
prevails(const struct dt_proof_record *a, const struct dt_proof_record *b)
{
    bool a_against = a->answer != DT_ANSWER_COUNTERSIGN,
         b_against = b->answer != DT_ANSWER_COUNTERSIGN;

    if (a->state == DT_ENTRY_NONE || b->state == DT_ENTRY_NONE)
        return a->state == DT_ENTRY_NONE ? a_against : !b_against;
    return a->entry > b->entry;
}

/* Take the answer at ${place} for the account of ${p} if it prevails over the one so far. */
static void
count_account(struct dt_verdict *v, struct dt_proof_party *p, size_t place)
{
    const struct dt_proof_record *r = &v->records[place];

    if (p->account != DT_ACCOUNT_NOT_SHOWN && !prevails(r, &v->records[p->account_item]))
        return;
    p->account =
        r->answer == DT_ANSWER_COUNTERSIGN ? DT_ACCOUNT_COUNTERSIGNED : DT_ACCOUNT_DISPUTED;
    p->account_item = place;
}

bool
dt_consent_reaches(struct dt_view text, const char *audience)
{
    return audience == NULL || dt_view_equal(text, dt_view_str(audience)) ||
           dt_view_equal(text, dt_view_str(DT_AUDIENCE_PUBLIC));
}

static enum dt_err
count_consent(const struct dt_verify_in *in, struct dt_verdict *v, size_t place)
{
    const struct dt_proof_record *r = &v->records[place];
    struct dt_proof_party *p = &v->parties[r->party];
    struct dt_view audience = r->slots[DT_ENVELOPE_SLOTS + 2].value;
    uint64_t slots = 0, expires = 0;
    uint16_t standing = 0;
    bool covers;
    enum dt_err err;

    /* Signed by the party: a dispute or withdrawal that it tells of counts when that itself is left
     * out. */
    if ((err = dt_value_enum(r->slots[DT_ENVELOPE_SLOTS + 4].value, &standing)) != DT_OK)
        return err;
    if (standing == DT_CONSENT_DISPUTED && r->party != v->records[0].party &&
        p->account != DT_ACCOUNT_DISPUTED)
        count_account(v, p, place);
    if (standing == DT_CONSENT_WITHDRAWN && r->party == v->records[0].party)
        p->withdrawn = true;

    if ((err = dt_slots_read(r->slots[DT_ENVELOPE_SLOTS + 1].value, &slots)) != DT_OK ||
        (err = dt_value_u64(r->slots[DT_ENVELOPE_SLOTS + 3].value, &expires)) != DT_OK)
        return dt_fail_context(err, "record %zu (consent)", place + 1);
    covers = (v->about_fields & ~slots) == 0 && in->now_ms <= expires;
    p->consent_to_all =
        p->consent_to_all || (covers && dt_view_equal(audience, dt_view_str(DT_AUDIENCE_PUBLIC)));
    covers = covers && dt_consent_reaches(audience, in->audience);
    if (p->consent || (!covers && p->consent_item != 0))
        return DT_OK; /* the best one shown is the one that is spoken of */
    p->consent = covers;
    p->consent_elsewhere = !dt_consent_reaches(audience, in->audience);
    p->consent_item = place;
    p->consent_expires_ms = expires;
    return DT_OK;
}

static enum dt_err
count_answers(const struct dt_verify_in *in, struct dt_verdict *v)
{
    size_t author = v->records[0].party;
    uint64_t slots = 0;
    enum dt_err err;

    v->parties[author].account = DT_ACCOUNT_AUTHOR;
    v->about_fields = v->records[0].opened & ~DT_OPEN_ALWAYS;
    for (size_t i = 1; i < v->n_records; i++) {
        const struct dt_proof_record *r = &v->records[i];
        struct dt_proof_party *p = &v->parties[r->party];

        if (r->answer == DT_ANSWER_WITHDRAW && r->party == author)
            p->withdrawn = true;
        /* The text of a whole dispute goes with its values, to whomever these are opened. */
        if (dt_answer_text_slot(r->answer) != 0 && !dt_proof_dispute_whole(r))
            v->text_opened =
                v->text_opened || (r->opened >> dt_answer_text_slot(r->answer) & 1) != 0;
        if (dt_proof_dispute_whole(r)) {
            if ((err = dt_slots_read(r->slots[DT_ENVELOPE_SLOTS + 1].value, &slots)) != DT_OK)
                return dt_fail_context(err, "record %zu (dispute)", i + 1);
            v->about_fields |= slots & ~DT_OPEN_ALWAYS;
        }
        if ((r->answer != DT_ANSWER_COUNTERSIGN && r->answer != DT_ANSWER_DISPUTE) ||
            r->party == author)
            continue;
        count_account(v, p, i);
    }
    for (size_t i = 1; i < v->n_records; i++) /* after the accounts themselves */
        if (v->records[i].answer == DT_ANSWER_CONSENT && (err = count_consent(in, v, i)) != DT_OK)
            return err;
    return DT_OK;
}

/* The end of the calendar day, month or year that ${ms} lies in; ${ms} itself when it is exact. */
static uint64_t
precision_end(uint64_t ms, uint16_t precision)
{
    int year, month, day;
    int32_t days = 0;

    dt_date_from_days((int32_t)(ms / DT_MS_DAY), &year, &month, &day);
    if (precision == 2)
        return (ms / DT_MS_DAY + 1) * DT_MS_DAY;
    if (precision == 3) {
        month++;
        if (month == 13) {
            month = 1;
            year++;
        }
    } else if (precision == 4) {
        month = 1;
        year++;
    } else {
        return ms;
    }
    if (year > 9999 || dt_days_from_date(year, month, 1, &days) != DT_OK)
        return DT_TIME_MAX_MS;
    return (uint64_t)days * DT_MS_DAY;
}

/* When the event that the record speaks of was over, as far as it is opened. */
static void
find_event(struct dt_verdict *v)
{
    static const char *const times[] = {"started_at",
                                        "ended_at"}; /* the later one is the better one */
    const struct dt_proof_record *r = &v->records[0];
    uint16_t precision = 1;
    uint64_t ms = 0;
    size_t slot = 0;

    for (size_t i = 0; i < 2; i++) {
        uint64_t x = 0;

        if (dt_template_slot_find(r->tmpl, dt_view_str(times[i]), &slot) == DT_OK &&
            r->slots[slot].type == DT_TYPE_DATETIME && r->slots[slot].kind == DT_SLOT_VALUE &&
            dt_value_u64(r->slots[slot].value, &x) == DT_OK) {
            ms = x;
            v->has_event = true;
        }
    }
    if (!v->has_event)
        return;
    if (dt_template_slot_find(r->tmpl, dt_view_str("time_precision"), &slot) == DT_OK) {
        if (r->slots[slot].type == DT_TYPE_ENUM && r->slots[slot].kind == DT_SLOT_VALUE)
            dt_ignore(dt_value_enum(r->slots[slot].value, &precision),
                      "it was checked when it was opened");
        else
            v->event_vague = (r->opened >> slot & 1) == 0;
    }
    v->event_end_ms = precision_end(ms, precision);
    if (!v->event_vague && r->state == DT_ENTRY_ATTESTED && r->entry_ms >= v->event_end_ms) {
        v->entered_after = true;
        v->days_after = (r->entry_ms - v->event_end_ms) / DT_MS_DAY;
    }
}

static void
decide(const struct dt_verify_in *in, struct dt_verdict *v)
{
    bool consent[DT_CHARTER_PARTIES] = {false}, to_all[DT_CHARTER_PARTIES] = {false};
    bool all_vouched = true;

    dt_open_rule(v->charter, v->records[0].header.template_id, v->records[0].party, in->now_ms,
                 &v->rule);
    v->standing_code = DT_ACCOUNT_AUTHOR;
    for (size_t i = 0; i < v->charter->n_parties; i++) {
        struct dt_proof_party *p = &v->parties[i];

        p->consent_needed = v->rule.asked[i];
        consent[i] = p->consent;
        to_all[i] = p->consent_to_all;
        all_vouched = all_vouched && p->vouched;
        /* Only an account under a root that was checked lifts a record above "asserted by one". */
        if (!p->vouched || !v->parties[v->records[0].party].vouched)
            continue;
        if (p->account == DT_ACCOUNT_DISPUTED ||
            (p->account == DT_ACCOUNT_COUNTERSIGNED && v->standing_code == DT_ACCOUNT_AUTHOR))
            v->standing_code = p->account;
    }
    v->consented = dt_open_rule_met(&v->rule, consent);
    v->open_to_all = dt_open_rule_met(&v->rule, to_all);
    if (in->forum == NULL && in->n_root_words == 0)
        v->code = DT_VERDICT_WHOSE;
    else if (!all_vouched)
        v->code = DT_VERDICT_ROOT_UNCHECKED;
    else
        v->code = v->consented && (v->open_to_all || !v->text_opened) ? DT_VERDICT_VERIFIED
                                                                      : DT_VERDICT_WITHOUT_CONSENT;
}

enum dt_err
dt_verdict_decide(const struct dt_verify_in *in, struct dt_verdict *v)
{
    enum dt_err err = count_answers(in, v);

    if (err != DT_OK)
        return err;
    find_event(v);
    decide(in, v);
    return DT_OK;
}
