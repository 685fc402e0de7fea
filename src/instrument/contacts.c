/*
 * instrument/contacts.c - the standing of records, folded from the records and answers of a
 * channel.
 *
 * Source: docs/protocol-record.md, "Standing". Layer: instrument.
 */
#include <string.h>

#include "base/mem.h"

#include "instrument/contacts.h"

const char *
dt_standing_name(enum dt_standing_code code)
{
    switch (code) {
    case DT_STANDING_ASSERTED:
        return "asserted by one";
    case DT_STANDING_COUNTERSIGNED:
        return "countersigned";
    case DT_STANDING_DISPUTED:
        return "disputed";
    default:
        return "no entry";
    }
}

/* A total order that does not depend on the order of the facts: entry, then commitment. */
static int
fact_cmp(const struct dt_fact *a, const struct dt_fact *b)
{
    if (a->entry != b->entry)
        return a->entry < b->entry ? -1 : 1;
    return memcmp(a->record->commitment, b->record->commitment, 32);
}

/* Sort the places of ${n} facts: heap sort, since n may be large and recursion is not wanted. */
static void
sift(size_t *order, size_t root, size_t n, const struct dt_fact *facts)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        size_t swap;

        if (child + 1 < n && fact_cmp(&facts[order[child]], &facts[order[child + 1]]) < 0)
            child++;
        if (fact_cmp(&facts[order[root]], &facts[order[child]]) >= 0)
            return;
        swap = order[root];
        order[root] = order[child];
        order[child] = swap;
    }
}

static void
sort_facts(size_t *order, size_t n, const struct dt_fact *facts)
{
    for (size_t i = n / 2; i > 0; i--)
        sift(order, i - 1, n, facts);
    for (size_t end = n; end > 1; end--) {
        size_t swap = order[0];

        order[0] = order[end - 1];
        order[end - 1] = swap;
        sift(order, 0, end - 1, facts);
    }
}

/* Does ${answer} of ${r} to ${subject} count? A party cannot countersign or dispute its own record,
 * nor withdraw another's. */
static bool
counts(enum dt_answer answer, const struct dt_record *r, const struct dt_record *subject)
{
    bool own = memcmp(r->author.party, subject->author.party, 32) == 0;

    if (answer == DT_ANSWER_COUNTERSIGN || answer == DT_ANSWER_DISPUTE)
        return !own;
    return answer == DT_ANSWER_WITHDRAW ? own : true;
}

/* The last countersignature or dispute of each party, by entry. Parties are those of one charter.
 */
struct accounts {
    const uint8_t *party[DT_CHARTER_PARTIES];
    enum dt_answer last[DT_CHARTER_PARTIES];
    size_t n;
};

static void
note_account(struct accounts *a, const uint8_t *party, enum dt_answer answer)
{
    size_t at = 0;

    while (at < a->n && memcmp(a->party[at], party, 32) != 0)
        at++;
    if (at == DT_CHARTER_PARTIES)
        return;
    a->party[at] = party;
    a->last[at] = answer;
    a->n = at < a->n ? a->n : at + 1;
}

/* A dispute of any party is shown. */
static enum dt_standing_code
weigh(const struct accounts *a)
{
    enum dt_standing_code code = DT_STANDING_ASSERTED;

    for (size_t i = 0; i < a->n; i++) {
        if (a->last[i] == DT_ANSWER_DISPUTE)
            return DT_STANDING_DISPUTED;
        code = DT_STANDING_COUNTERSIGNED;
    }
    return code;
}

/* Of more answers than are kept the oldest goes, one that is no account before one that is. */
static void
make_room(struct dt_standing *s)
{
    size_t gone = 0;

    for (size_t i = s->n_answers; i > 0; i--)
        if (s->answers[i - 1].answer != DT_ANSWER_COUNTERSIGN &&
            s->answers[i - 1].answer != DT_ANSWER_DISPUTE)
            gone = i - 1;
    s->n_answers--;
    memmove(&s->answers[gone], &s->answers[gone + 1], (s->n_answers - gone) * sizeof s->answers[0]);
}

/* The standing of the record at fact ${place}; ${order} is that of all facts. */
static void
stand(const struct dt_fact *facts, const size_t *order, size_t n, size_t place,
      struct dt_standing *out)
{
    const struct dt_record *subject = facts[place].record;
    const uint8_t *about = NULL, *last = NULL;
    struct accounts accounts = {0};

    memset(out, 0, sizeof *out);
    out->fact = place;
    for (size_t i = 0; i < n; i++) {
        const struct dt_record *r = facts[order[i]].record;
        enum dt_answer answer = dt_record_answer(r, &about);

        if (answer == DT_ANSWER_NONE || memcmp(about, subject->commitment, 32) != 0 ||
            memcmp(r->header.forum, subject->header.forum, 32) != 0 || !counts(answer, r, subject))
            continue;
        if (last != NULL && memcmp(last, r->commitment, 32) == 0)
            continue; /* a copy */
        if (answer == DT_ANSWER_COUNTERSIGN || answer == DT_ANSWER_DISPUTE)
            note_account(&accounts, r->author.party, answer);
        out->withdrawn = out->withdrawn || answer == DT_ANSWER_WITHDRAW;
        if (out->n_answers == DT_STANDING_ANSWERS)
            make_room(out);
        out->answers[out->n_answers].fact = order[i];
        out->answers[out->n_answers].answer = answer;
        out->n_answers++;
        last = r->commitment;
    }
    out->code = weigh(&accounts);
}

enum dt_err
dt_standing_fold(const struct dt_fact *facts, size_t n, struct dt_standing **out, size_t *out_n)
{
    struct dt_standing *s = NULL;
    size_t *order = NULL, n_out = 0, n_subjects = 0;
    const uint8_t *about = NULL, *last = NULL;
    enum dt_err err = DT_OK;

    order = dt_alloc(n + 1, sizeof *order);
    if (order == NULL)
        return dt_nomem();
    for (size_t i = 0; i < n; i++) {
        order[i] = i;
        n_subjects += dt_record_answer(facts[i].record, &about) == DT_ANSWER_NONE;
    }
    s = dt_alloc(n_subjects + 1, sizeof *s);
    if (s == NULL) {
        err = dt_nomem();
        goto done;
    }
    sort_facts(order, n, facts);
    for (size_t i = 0; i < n; i++) {
        const struct dt_record *r = facts[order[i]].record;

        if (dt_record_answer(r, &about) != DT_ANSWER_NONE ||
            (last != NULL && memcmp(last, r->commitment, 32) == 0))
            continue;
        stand(facts, order, n, order[i], &s[n_out]);
        last = r->commitment;
        n_out++;
    }
    *out = s;
    *out_n = n_out;
    s = NULL;
done:
    dt_free(s);
    dt_free(order);
    return err;
}
