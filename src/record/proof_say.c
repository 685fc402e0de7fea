/*
 * record/proof_say.c - what a proof shows, in lines of plain English.
 *
 * Source: docs/protocol-record.md, "What a verifier says"; DESIGN "Standing". Layer: record. A
 * verifier never says "undisputed": it says what is shown, and what is not.
 */
#include <string.h>

#include "base/text.h"
#include "base/time.h"

#include "record/proof_internal.h"
#include "record/tally.h"

const char *
dt_verdict_name(enum dt_verdict_code code)
{
    switch (code) {
    case DT_VERDICT_VERIFIED:
        return "verified";
    case DT_VERDICT_WITHOUT_CONSENT:
        return "opened without consent";
    case DT_VERDICT_ROOT_UNCHECKED:
        return "claimed by the charter, root not checked";
    case DT_VERDICT_WHOSE:
        return "consistent, but whose?";
    case DT_VERDICT_REFUSED:
        return "refused";
    default:
        return "no verdict";
    }
}

/* Findings are written to one buffer; the first error sticks. */
struct say {
    struct dt_verdict *v;
    struct dt_buf *out;
    enum dt_err err;
};

static void
say(struct say *s, const char *text)
{
    if (s->err == DT_OK)
        s->err = dt_buf_append(s->out, dt_view_str(text));
}

static void
say_view(struct say *s, struct dt_view v)
{
    if (s->err == DT_OK)
        s->err = dt_buf_append(s->out, v);
}

static void
say_number(struct say *s, uint64_t x)
{
    if (s->err == DT_OK)
        s->err = dt_buf_printf(s->out, "%llu", (unsigned long long)x);
}

static void
say_time(struct say *s, uint64_t ms)
{
    char text[DT_TIME_STR];

    dt_time_str(text, ms);
    say(s, text);
}

static void
say_party(struct say *s, size_t party)
{
    say_view(s, s->v->charter->parties[party].name);
    if (!s->v->parties[party].vouched)
        say(s, " (claimed by the charter, root not checked)");
}

static void
say_value(struct say *s, const struct dt_field *f, struct dt_view value)
{
    const struct dt_value_hint hint = {
        .type = f->type, .values = f->values, .n_values = f->n_values, .charter = s->v->charter};
    size_t from = s->out->n;

    if (s->err == DT_OK)
        s->err = dt_value_to_text(&hint, value, s->out);
    /* A long text keeps to its line. */
    for (size_t i = from; i < s->out->n; i++)
        if (s->out->p[i] == '\n')
            s->out->p[i] = ' ';
}

static void
say_forum(struct say *s)
{
    char hex[65];

    dt_hex_str(hex, dt_view_of(s->v->forum));
    say(s, "forum: ");
    say_view(s, s->v->charter->title);
    say(s, " (");
    say(s, hex);
    say(s, ")\n");
}

/* "amendment 2: the root of North was replaced at entry 12": which of them, and by what. */
static void
say_roots(struct say *s, size_t number)
{
    const struct dt_charter *c = s->v->charter;
    const struct dt_charter_former *f = &c->former[number];
    const struct dt_charter *next = number + 1 < c->n_former ? &c->former[number + 1].was : c;
    bool any = false;

    for (size_t p = 0; p < c->n_parties; p++) {
        if (memcmp(f->was.parties[p].root, next->parties[p].root, 32) == 0)
            continue;
        say(s, any ? ", and of " : ": the root of ");
        say_view(s, c->parties[p].name);
        any = true;
    }
    if (!any) {
        say(s, ": successors of roots were announced\n");
        return;
    }
    say(s, " was replaced at entry ");
    say_number(s, f->last_size);
    say(s, "; letters of the one before count up to there\n");
}

/* "amendment 1, signed by all roots: another register from entry 12 on". */
static void
say_amendments(struct say *s)
{
    const struct dt_charter *c = s->v->charter;

    for (size_t i = 0; i < c->n_former; i++) {
        say(s, "amendment ");
        say_number(s, i + 1);
        say(s, ", signed by all ");
        say(s, c->former[i].roots ? "parties" : "roots");
        if (c->former[i].roots) {
            say_roots(s, i);
            continue;
        }
        say(s, ": the register was replaced at entry ");
        say_number(s, c->former[i].last_size);
        say(s, "; what the one before signed later does not count\n");
    }
}

static void
say_subject(struct say *s)
{
    const struct dt_proof_record *r = &s->v->records[0];

    say(s, "record: ");
    say_view(s, r->header.template_id);
    say(s, " by ");
    say_party(s, r->party);
    if (r->name.n > 0) {
        say(s, ", delegate ");
        say_view(s, r->name);
        if (r->title.n > 0) {
            say(s, ", ");
            say_view(s, r->title);
        }
    }
    say(s, "\n");
    if (!r->template_known)
        say(s, "note: the template of this record is not one that this program knows\n");
    for (size_t i = 2; i < r->header.n_slots; i++) {
        struct dt_field f;

        if ((r->opened >> i & 1) == 0)
            continue;
        dt_template_slot(r->tmpl, i, &f);
        say(s, "opened: ");
        if (f.type == DT_TYPE_NONE)
            say(s, "an unused slot");
        else
            say_view(s, f.name);
        if (r->slots[i].kind == DT_SLOT_VALUE) {
            say(s, " = ");
            say_value(s, &f, r->slots[i].value);
        } else if (f.type != DT_TYPE_NONE) {
            say(s, " is absent");
        }
        say(s, "\n");
    }
}

/* "entry 5, entered 2026-11-22T10:00:00Z" and how sure that is. */
static void
say_entry(struct say *s, const struct dt_proof_record *r, uint64_t now_ms)
{
    if (r->state == DT_ENTRY_NONE) {
        say(s, "no register entry is shown; not later than ");
        say_time(s, now_ms);
        say(s, ", when this was checked");
        return;
    }
    say(s, "entry ");
    say_number(s, r->entry);
    if (r->ended_by != 0) {
        say(s, " of the register that amendment ");
        say_number(s, r->ended_by);
        say(s, " ended");
    }
    if (r->state == DT_ENTRY_ATTESTED) {
        say(s, ", entered ");
        say_time(s, r->entry_ms);
    } else if (r->entry_ms != 0) {
        say(s, r->state == DT_ENTRY_HELD ? ", not attested; not later than " : ", not later than ");
        say_time(s, r->entry_ms);
    } else {
        say(s, ", not attested; not later than ");
        say_time(s, now_ms);
        say(s, ", when this was checked");
    }
}

static void
say_time_of_entry(struct say *s, uint64_t now_ms)
{
    const struct dt_verdict *v = s->v;
    const struct dt_proof_record *r = &v->records[0];

    say(s, "time: ");
    say_entry(s, r, now_ms);
    say(s, "\n");
    /* One side's witness alone can have a time be earlier than it was: whoever reads shall know
     * what the others say. */
    if (r->apart_ms > DT_PROOF_APART_MS) {
        char span[DT_TIME_STR];

        dt_span_str(span, r->apart_ms);
        say(s, "the times of its witnesses lie ");
        say(s, span);
        say(s,
            " apart, and this is the first of them: a witness came late, or a clock was wrong\n");
    }
    if (r->author_revoked) {
        say(s, "the author's letter of credence was revoked later: entry ");
        say_number(s, r->author_revoked_entry);
        say(s, ", ");
        say_time(s, r->author_revoked_ms);
        say(s, "\n");
    }
    if (!v->has_event)
        return;
    if (v->event_vague) {
        say(s, "how precise its time is was not opened, so when it was entered after the event is "
               "not shown\n");
    } else if (v->entered_after) {
        say(s, "entered ");
        say_number(s, v->days_after);
        say(s, v->days_after == 1 ? " day after the event\n" : " days after the event\n");
    } else if (r->state == DT_ENTRY_ATTESTED) {
        say(s, "entered before the event was over\n");
    } else {
        say(s, "when it was entered after the event is not shown\n");
    }
}

static void
say_dispute(struct say *s, const struct dt_proof_record *d)
{
    const struct dt_proof_record *subject = &s->v->records[0];
    struct dt_view rest = d->slots[DT_ENVELOPE_SLOTS + 2].value;
    struct dt_value_pair pair = {0};

    if (!dt_proof_dispute_whole(d))
        say(s, "which fields it disputes, and its own values, are not opened\n");
    while (dt_value_map_next(&rest, &pair)) {
        struct dt_field f = {0};
        size_t slot = 0;

        say(s, "disputed field: ");
        say_view(s, pair.key);
        say(s, ": ");
        say_party(s, subject->party);
        say(s, " says ");
        if (dt_template_slot_find(subject->tmpl, pair.key, &slot) != DT_OK)
            slot = DT_SLOTS_MAX;
        if (slot < DT_SLOTS_MAX)
            dt_template_slot(subject->tmpl, slot, &f);
        if (slot == DT_SLOTS_MAX || f.type != pair.type) {
            say(s, "nothing of this kind");
            f = (struct dt_field){.type = pair.type};
        } else if ((subject->opened >> slot & 1) == 0) {
            say(s, "(not opened)");
        } else if (subject->slots[slot].kind != DT_SLOT_VALUE) {
            say(s, "(absent)");
        } else {
            say_value(s, &f, subject->slots[slot].value);
        }
        say(s, "; ");
        say_party(s, d->party);
        say(s, " says ");
        if (pair.value.n == 0)
            say(s, "(absent)");
        else if (dt_value_check(f.type, f.n_values, pair.value) != DT_OK && f.n_values > 0)
            say(s, "a value that the field cannot have");
        else
            say_value(s, &f, pair.value);
        say(s, "\n");
    }
}

enum dt_err
dt_verdict_reply(const struct dt_verdict *v, size_t place, struct dt_buf *out)
{
    const struct dt_proof_record *r = &v->records[place];
    size_t slot = dt_answer_text_slot(r->answer);
    size_t from = out->n;
    enum dt_err err;

    if (slot == 0 || r->slots[slot].kind != DT_SLOT_VALUE)
        return DT_OK;
    if ((err = dt_buf_append(out, r->slots[slot].value)) != DT_OK)
        return err;
    for (size_t i = from; i < out->n; i++)
        if (out->p[i] == '\n')
            out->p[i] = ' ';
    return DT_OK;
}

/* What the answer at ${place} says in its party's own name, where that is opened. */
static void
say_reply(struct say *s, size_t place)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(DT_TEXT_MAX);

    if (s->err == DT_OK)
        s->err = dt_verdict_reply(s->v, place, &text);
    if (text.n == 0)
        return;
    say(s, "reply of ");
    say_party(s, s->v->records[place].party);
    say(s, ": ");
    say_view(s, dt_buf_view(&text));
    say(s, "\n");
}

static void
say_answers(struct say *s, uint64_t now_ms)
{
    const struct dt_verdict *v = s->v;

    for (size_t i = 1; i < v->n_records; i++) {
        const struct dt_proof_record *r = &v->records[i];
        bool own = r->party == v->records[0].party;

        if (r->answer == DT_ANSWER_CONSENT)
            continue;
        say(s, dt_answer_name(r->answer));
        say(s, " by ");
        say_party(s, r->party);
        say(s, ": ");
        say_entry(s, r, now_ms);
        if (r->answer == DT_ANSWER_WITHDRAW
                ? !own
                : own && (r->answer == DT_ANSWER_COUNTERSIGN || r->answer == DT_ANSWER_DISPUTE))
            say(s, "; does not count: not this party's to give");
        say(s, "\n");
        if (r->answer == DT_ANSWER_DISPUTE && !own)
            say_dispute(s, r);
        say_reply(s, i);
        if (r->answer == DT_ANSWER_WITHDRAW && own)
            say(s, "withdrawn by its author, which undoes nothing\n");
    }
}

static void
say_consent(struct say *s, size_t party, uint64_t now_ms)
{
    static const char *const standing[] = {"", "no standing", "countersigned", "disputed",
                                           "withdrawn"};
    const struct dt_proof_party *p = &s->v->parties[party];
    const struct dt_proof_record *r = &s->v->records[p->consent_item];
    const struct dt_slot *slots = r->slots;
    uint64_t allowed = 0, left;
    uint16_t own = 0;

    say(s, "consent of ");
    say_party(s, party);
    if (p->consent_item == 0) {
        say(s, ": not shown\n");
        return;
    }
    say(s, " to open to '");
    say_view(s, slots[DT_ENVELOPE_SLOTS + 2].value);
    say(s, "', until ");
    say_time(s, p->consent_expires_ms);
    if (dt_value_enum(slots[DT_ENVELOPE_SLOTS + 4].value, &own) == DT_OK && own >= 1 && own <= 4) {
        /* To its own record a party has no standing: it is the one that says it. */
        bool wrote = party == s->v->records[0].party && own == 1;

        say(s, wrote ? "; it wrote the record" : "; its own standing to the record: ");
        say(s, wrote ? "" : standing[own]);
    }
    say(s, "; ");
    say_entry(s, r, now_ms);
    say(s, "\n");
    if (now_ms > p->consent_expires_ms) {
        say(s, "the consent of ");
        say_party(s, party);
        say(s, " has ended\n");
    }
    if (p->consent_elsewhere) {
        say(s, "the consent of ");
        say_party(s, party);
        say(s, " is to others than those to whom this was opened\n");
    }
    if (dt_slots_read(slots[DT_ENVELOPE_SLOTS + 1].value, &allowed) != DT_OK)
        return;
    left = s->v->about_fields & ~allowed;
    for (size_t i = 0; i < DT_SLOTS_MAX; i++) {
        struct dt_field f;

        if ((left >> i & 1) == 0)
            continue;
        f = (struct dt_field){0};
        if (i < dt_template_slots(s->v->records[0].tmpl))
            dt_template_slot(s->v->records[0].tmpl, i, &f);
        say(s, (s->v->records[0].opened >> i & 1) != 0
                   ? "opened without the consent of "
                   : "values of a dispute opened without the consent of ");
        say_party(s, party);
        say(s, ": ");
        say_view(s, f.name);
        say(s, "\n");
    }
}

/* Which rule applies, which consents there are, and which are missing. */
static void
say_consents(struct say *s, uint64_t now_ms)
{
    const struct dt_verdict *v = s->v;
    bool missing = !v->consented;

    say(s, "rule: ");
    if (s->err == DT_OK)
        s->err = dt_open_rule_say(&v->rule, v->records[0].header.template_id, now_ms, s->out);
    say(s, "\n");
    for (size_t i = 0; i < v->charter->n_parties; i++)
        if (v->parties[i].consent_item != 0 ||
            (v->parties[i].consent_needed && (missing || !v->rule.any_one)))
            say_consent(s, i, now_ms);
    if (missing && v->rule.any_one)
        say(s, "opened without consent of any of them\n");
    for (size_t i = 0; i < v->charter->n_parties && missing && !v->rule.any_one; i++) {
        if (!v->parties[i].consent_needed || v->parties[i].consent)
            continue;
        say(s, "opened without consent of ");
        say_party(s, i);
        say(s, "\n");
    }
}

static void
say_accounts(struct say *s)
{
    const struct dt_verdict *v = s->v;
    bool all = true;

    for (size_t i = 0; i < v->charter->n_parties; i++) {
        const struct dt_proof_party *p = &v->parties[i];

        if (p->account == DT_ACCOUNT_DISPUTED &&
            v->records[p->account_item].answer == DT_ANSWER_CONSENT) {
            say(s, "the account of ");
            say_party(s, i);
            say(s, ", which says that it disputes the record, is not shown\n");
            all = false;
        }
        if (p->account == DT_ACCOUNT_DISPUTED &&
            v->records[p->account_item].answer == DT_ANSWER_DISPUTE &&
            !dt_proof_dispute_whole(&v->records[p->account_item]))
            all = false;
        all = all &&
              (v->charter->parties[i].kind != DT_PARTY_PARTY || p->account != DT_ACCOUNT_NOT_SHOWN);
    }
    if (!all)
        say(s, "other accounts not shown\n");
}

/* "countersigned by A; disputed by B", or "asserted by one: C". */
static void
say_standing(struct say *s)
{
    const struct dt_verdict *v = s->v;
    bool any = false;

    for (int round = 0; round < 2; round++) {
        enum dt_party_account want = round == 0 ? DT_ACCOUNT_DISPUTED : DT_ACCOUNT_COUNTERSIGNED;

        if (v->standing_code == DT_ACCOUNT_AUTHOR)
            break;
        for (size_t i = 0; i < v->charter->n_parties; i++) {
            if (v->parties[i].account != want || !v->parties[i].vouched)
                continue;
            say(s, any ? "; " : "");
            say(s, round == 0 ? "disputed by " : "countersigned by ");
            say_party(s, i);
            any = true;
        }
    }
    if (!any) {
        say(s, "asserted by one: ");
        say_party(s, v->records[0].party);
    }
    if (v->parties[v->records[0].party].withdrawn)
        say(s, "; withdrawn by its author");
}

/* "tally: entries 3 to 9: 2 contacts, as stated by A, countersigned by B". A count without its
 * range says nothing, so all four fields must be opened. */
static void
say_tally(struct say *s)
{
    const struct dt_proof_record *r = &s->v->records[0];
    struct dt_tally_stated t = {0};
    struct dt_field f;

    if (!dt_template_is_tally(r->tmpl) || (r->opened & DT_TALLY_SLOTS) != DT_TALLY_SLOTS)
        return;
    if (dt_tally_read(r->slots, &t) != DT_OK) {
        say(s, "tally: its numbers cannot be true together\n");
        return;
    }
    say(s, "tally: entries ");
    say_number(s, t.first);
    say(s, " to ");
    say_number(s, t.last);
    say(s, ": ");
    say_number(s, t.count);
    if (dt_view_equal(t.counted, dt_view_str("contact"))) {
        say(s, t.count == 1 ? " contact" : " contacts");
    } else {
        dt_template_slot(r->tmpl, DT_ENVELOPE_SLOTS + 3, &f);
        say(s, t.count == 1 ? " record of kind '" : " records of kind '");
        say_value(s, &f, t.counted);
        say(s, "'");
    }
    say(s, ", as stated by ");
    say_party(s, r->party);
    if (s->v->standing_code != DT_ACCOUNT_AUTHOR || s->v->parties[r->party].withdrawn) {
        say(s, ", ");
        say_view(s, dt_buf_view(&s->v->standing));
    }
    say(s, "\nnote: of a tally are counted the records of one channel; of the other entries of the "
           "range nothing is shown\n");
    if (r->state != DT_ENTRY_NONE && t.last >= r->entry)
        say(s, "note: the tally's range goes past the tally's own entry\n");
}

enum dt_err
dt_proof_say(struct dt_verdict *v, const struct dt_verify_in *in)
{
    struct say s = {.v = v, .out = &v->standing};

    say_standing(&s);
    s.out = &v->findings;
    say_forum(&s);
    say_amendments(&s);
    say_subject(&s);
    say_tally(&s);
    say_time_of_entry(&s, in->now_ms);
    say(&s, "standing: ");
    say_view(&s, dt_buf_view(&v->standing));
    say(&s, "\n");
    say_answers(&s, in->now_ms);
    say_consents(&s, in->now_ms);
    if (v->text_opened && !v->open_to_all)
        say(&s, "the text of an answer is opened, and the record is not open to everyone: opened "
                "without consent\n");
    say_accounts(&s);
    say(&s, "verdict: ");
    say(&s, dt_verdict_name(v->code));
    say(&s, "\n");
    return s.err;
}

enum dt_err
dt_verdict_say_consents(struct dt_verdict *v, uint64_t now_ms, struct dt_buf *out)
{
    struct say s = {.v = v, .out = out};

    say_consents(&s, now_ms);
    return s.err;
}
