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

/* What is sorted: places of facts, by what they are about first where that is given. */
struct sorting {
    const struct dt_fact *facts;
    const uint8_t *const *about; /* of every fact its subject's commitment; NULL: not by that */
};

static int
place_cmp(const struct sorting *s, size_t a, size_t b)
{
    int c = s->about != NULL ? memcmp(s->about[a], s->about[b], 32) : 0;

    return c != 0 ? c : fact_cmp(&s->facts[a], &s->facts[b]);
}

/* Heap sort, since n may be large and recursion is not wanted. */
static void
sift(size_t *order, size_t root, size_t n, const struct sorting *s)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        size_t swap;

        if (child + 1 < n && place_cmp(s, order[child], order[child + 1]) < 0)
            child++;
        if (place_cmp(s, order[root], order[child]) >= 0)
            return;
        swap = order[root];
        order[root] = order[child];
        order[child] = swap;
    }
}

static void
sort_places(size_t *order, size_t n, const struct sorting *s)
{
    for (size_t i = n / 2; i > 0; i--)
        sift(order, i - 1, n, s);
    for (size_t end = n; end > 1; end--) {
        size_t swap = order[0];

        order[0] = order[end - 1];
        order[end - 1] = swap;
        sift(order, 0, end - 1, s);
    }
}

/* The first of the sorted ${answers} that is about ${commitment}, or where it would stand. */
static size_t
first_about(const size_t *answers, size_t n, const struct sorting *s, const uint8_t *commitment)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const uint8_t *about = s->about[answers[middle]];

        if (about == NULL || memcmp(about, commitment, 32) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
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

/* The standing of the record at fact ${place}; ${answers} are the places of all answers, sorted. */
static void
stand(const struct sorting *by, const size_t *answers, size_t n, size_t place,
      struct dt_standing *out)
{
    const struct dt_record *subject = by->facts[place].record;
    const uint8_t *about = NULL, *last = NULL;
    struct accounts accounts = {0};

    memset(out, 0, sizeof *out);
    out->fact = place;
    for (size_t i = first_about(answers, n, by, subject->commitment);
         i < n && memcmp(by->about[answers[i]], subject->commitment, 32) == 0; i++) {
        const struct dt_record *r = by->facts[answers[i]].record;
        enum dt_answer answer = dt_record_answer(r, &about);

        if (memcmp(r->header.forum, subject->header.forum, 32) != 0 || !counts(answer, r, subject))
            continue;
        if (last != NULL && memcmp(last, r->commitment, 32) == 0)
            continue; /* a copy */
        if (answer == DT_ANSWER_COUNTERSIGN || answer == DT_ANSWER_DISPUTE)
            note_account(&accounts, r->author.party, answer);
        out->withdrawn = out->withdrawn || answer == DT_ANSWER_WITHDRAW;
        if (out->n_answers == DT_STANDING_ANSWERS)
            make_room(out);
        out->answers[out->n_answers].fact = answers[i];
        out->answers[out->n_answers].answer = answer;
        out->n_answers++;
        last = r->commitment;
    }
    out->code = weigh(&accounts);
}

enum dt_err
dt_standing_fold(const struct dt_fact *facts, size_t n, struct dt_standing **out, size_t *out_n)
{
    DT_CLEANUP(dt_free_p) size_t *order = dt_alloc(n + 1, sizeof *order);
    DT_CLEANUP(dt_free_p) size_t *answers = dt_alloc(n + 1, sizeof *answers);
    DT_CLEANUP(dt_free_p) const uint8_t **about = dt_alloc(n + 1, sizeof(void *));
    struct dt_standing *s = NULL;
    struct sorting by = {.facts = facts};
    size_t n_out = 0, n_answers = 0;
    const uint8_t *last = NULL;

    if (order == NULL || answers == NULL || about == NULL)
        return dt_nomem();
    for (size_t i = 0; i < n; i++) {
        order[i] = i;
        if (dt_record_answer(facts[i].record, &about[i]) != DT_ANSWER_NONE)
            answers[n_answers++] = i;
    }
    s = dt_alloc(n - n_answers + 1, sizeof *s);
    if (s == NULL)
        return dt_nomem();
    sort_places(order, n, &by);
    by.about = about;
    sort_places(answers, n_answers, &by);
    for (size_t i = 0; i < n; i++) {
        const struct dt_record *r = facts[order[i]].record;

        if (about[order[i]] != NULL || (last != NULL && memcmp(last, r->commitment, 32) == 0))
            continue;
        stand(&by, answers, n_answers, order[i], &s[n_out]);
        last = r->commitment;
        n_out++;
    }
    *out = s;
    *out_n = n_out;
    return DT_OK;
}
