/*
 * instrument/tally.c - see tally.h.
 *
 * Source: docs/protocol-record.md, "Tally". Layer: instrument.
 */
#include <string.h>

#include "base/mem.h"

#include "instrument/tally.h"

const char *
dt_tally_kind_name(enum dt_tally_kind kind)
{
    static const char *const names[DT_TALLY_KINDS] = {
        "unknown", "contacts", "receipts",    "countersignatures",
        "answers", "disputes", "withdrawals", "consents",
        "tallies", "cover",    "others",      "elsewhere"};

    return kind < DT_TALLY_KINDS ? names[kind] : "unknown";
}

void
dt_tally_clear(struct dt_tally *t)
{
    if (t == NULL)
        return;
    dt_free(t->kind);
    *t = (struct dt_tally){0};
}

uint64_t
dt_tally_answers(const struct dt_tally *t)
{
    uint64_t sum = 0;

    for (size_t i = DT_TALLY_RECEIPT; i <= DT_TALLY_CONSENT; i++)
        sum += t->n[i];
    return sum;
}

static enum dt_tally_kind
kind_of(const struct dt_record *r)
{
    enum dt_answer answer = dt_record_answer(r, NULL);
    struct dt_view id = dt_template_id(r->tmpl);

    if (answer != DT_ANSWER_NONE)
        return (enum dt_tally_kind)(DT_TALLY_RECEIPT + (answer - DT_ANSWER_RECEIPT));
    if (dt_view_equal(id, dt_view_str("contact")))
        return DT_TALLY_CONTACT;
    if (dt_view_equal(id, dt_view_str("tally")))
        return DT_TALLY_TALLY;
    if (dt_view_equal(id, dt_view_str("cover")))
        return DT_TALLY_COVER;
    return DT_TALLY_OTHER;
}

/* Did the party that wrote ${r} withdraw it? */
static bool
is_withdrawn(const struct dt_fact *facts, size_t n, const struct dt_record *r)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t *about = NULL;

        if (dt_record_answer(facts[i].record, &about) == DT_ANSWER_WITHDRAW &&
            memcmp(about, r->commitment, 32) == 0 &&
            memcmp(facts[i].record->author.party, r->author.party, 32) == 0)
            return true;
    }
    return false;
}

enum dt_err
dt_tally_fold(const struct dt_fact *facts, size_t n, const struct dt_tally_question *q,
              struct dt_tally *out)
{
    DT_CLEANUP(dt_tally_clear) struct dt_tally t = {.first = q->first, .last = q->last};
    size_t n_withdrawals = 0;
    size_t entries;

    if (q->first > q->last)
        return dt_fail(DT_ERR_RANGE, "a range of entries ends before it begins");
    if (q->last - q->first >= DT_TALLY_ENTRIES_MAX)
        return dt_fail(DT_ERR_LIMIT, "a tally of more than %llu entries",
                       (unsigned long long)DT_TALLY_ENTRIES_MAX);
    entries = (size_t)(q->last - q->first + 1);
    t.kind = dt_alloc(entries, sizeof *t.kind);
    if (t.kind == NULL)
        return dt_nomem();
    memset(t.kind, DT_TALLY_UNKNOWN, entries);
    t.n[DT_TALLY_UNKNOWN] = entries;

    for (size_t i = 0; i < n; i++)
        n_withdrawals += dt_record_answer(facts[i].record, NULL) == DT_ANSWER_WITHDRAW ? 1 : 0;
    for (size_t i = 0; i < n; i++) {
        const struct dt_record *r = facts[i].record;
        uint8_t *kind;

        if (facts[i].entry == DT_ENTRY_UNKNOWN || facts[i].entry < q->first ||
            facts[i].entry > q->last)
            continue;
        kind = &t.kind[facts[i].entry - q->first];
        if (*kind != DT_TALLY_UNKNOWN)
            continue; /* a copy: an entry is one record's */
        if (q->channel != NULL && memcmp(r->channel, q->channel, 32) != 0) {
            *kind = DT_TALLY_ELSEWHERE;
        } else {
            *kind = (uint8_t)kind_of(r);
            if (dt_view_equal(dt_template_id(r->tmpl), q->counted)) {
                t.count++;
                t.withdrawn += n_withdrawals > 0 && is_withdrawn(facts, n, r) ? 1 : 0;
            }
        }
        t.n[DT_TALLY_UNKNOWN]--;
        t.n[*kind]++;
    }
    *out = t;
    /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): cleared on leaving */
    t = (struct dt_tally){0};
    return DT_OK;
}
