/*
 * instrument/contacts.c - the standing of records, folded from the records and answers of a channel.
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

/* Does ${answer} of ${r} to ${subject} count? A party cannot countersign or dispute its own record, nor withdraw
 * another's. */
static bool
counts(enum dt_answer answer, const struct dt_record *r, const struct dt_record *subject)
{
    bool own = memcmp(r->author.party, subject->author.party, 32) == 0;

    if (answer == DT_ANSWER_COUNTERSIGN || answer == DT_ANSWER_DISPUTE)
        return !own;
    return answer == DT_ANSWER_WITHDRAW ? own : true;
}

/* A party's account is the later of its countersignatures and disputes; a dispute of any party is shown. */
static void
weigh(struct dt_standing *s, const struct dt_fact *facts)
{
    bool disputed = false, countersigned = false;

    for (size_t i = 0; i < s->n_answers; i++) {
        const struct dt_standing_answer *a = &s->answers[i];
        bool last = true;

        if (a->answer == DT_ANSWER_WITHDRAW)
            s->withdrawn = true;
        if (a->answer != DT_ANSWER_COUNTERSIGN && a->answer != DT_ANSWER_DISPUTE)
            continue;
        for (size_t k = i + 1; k < s->n_answers; k++)
            if ((s->answers[k].answer == DT_ANSWER_COUNTERSIGN || s->answers[k].answer == DT_ANSWER_DISPUTE) &&
                memcmp(facts[s->answers[k].fact].record->author.party, facts[a->fact].record->author.party, 32) == 0)
                last = false;
        disputed = disputed || (last && a->answer == DT_ANSWER_DISPUTE);
        countersigned = countersigned || (last && a->answer == DT_ANSWER_COUNTERSIGN);
    }
    s->code = disputed ? DT_STANDING_DISPUTED : countersigned ? DT_STANDING_COUNTERSIGNED : DT_STANDING_ASSERTED;
}

/* The standing of the record at fact ${place}; ${order} is that of all facts. */
static enum dt_err
stand(const struct dt_fact *facts, const size_t *order, size_t n, size_t place, struct dt_standing *out)
{
    const struct dt_record *subject = facts[place].record;
    const uint8_t *about = NULL, *last = NULL;

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
        if (out->n_answers == DT_STANDING_ANSWERS)
            return dt_fail(DT_ERR_LIMIT, "more than %u answers to one record", DT_STANDING_ANSWERS);
        out->answers[out->n_answers].fact = order[i];
        out->answers[out->n_answers].answer = answer;
        out->n_answers++;
        last = r->commitment;
    }
    weigh(out, facts);
    return DT_OK;
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
        if ((err = stand(facts, order, n, order[i], &s[n_out])) != DT_OK)
            goto done;
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
