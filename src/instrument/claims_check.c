/*
 * instrument/claims_check.c - claims held against records and against each other.
 *
 * Source: docs/protocol-record.md, "Claims". Layer: instrument. A claim is what a source says;
 * nothing here decides which of two is right.
 */
#include <string.h>

#include "base/mem.h"

#include "instrument/claims.h"

void
dt_claim_results_free(struct dt_claim_result *r, size_t n)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        dt_free(r[i].against);
    dt_free(r);
}

/* ---- a claim and a record ---- */

static bool
same_name(struct dt_view a, struct dt_view b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        uint8_t x = a.p[i], y = b.p[i];

        x = x >= 'A' && x <= 'Z' ? (uint8_t)(x - 'A' + 'a') : x;
        y = y >= 'A' && y <= 'Z' ? (uint8_t)(y - 'A' + 'a') : y;
        if (x != y)
            return false;
    }
    return true;
}

/* Are the claim's two parties, and no others, those of the contact? */
static bool
same_parties(const struct dt_claim *c, const struct dt_known_contact *k)
{
    bool a = false, b = false;

    for (size_t i = 0; i < k->n_parties; i++) {
        bool is_a = same_name(k->parties[i], c->party_a),
             is_b = same_name(k->parties[i], c->party_b);

        if (!is_a && !is_b)
            return false;
        a = a || is_a;
        b = b || is_b;
    }
    return a && b;
}

static bool
matches(const struct dt_claim *c, const struct dt_known_contact *k)
{
    /* Without both dates a claim cannot be told to be about this contact. */
    return c->has_from && c->has_to && dt_view_equal(c->kind, k->mode) && same_parties(c, k) &&
           c->from_day <= k->to_day && k->from_day <= c->to_day;
}

/* As far as the claim bounds its time at all: what a number of contacts is held against. */
static bool
within(const struct dt_claim *c, const struct dt_known_contact *k)
{
    return dt_view_equal(c->kind, k->mode) && same_parties(c, k) &&
           (!c->has_from || c->from_day <= k->to_day) && (!c->has_to || k->from_day <= c->to_day);
}

/* A denial asserts no contact, and "neither" nothing at all: no record can support them. */
static bool
asserts(const struct dt_claim *c)
{
    return c->stance != DT_STANCE_NEITHER && c->stance != DT_STANCE_DENIED &&
           !(c->has_count && c->count == 0);
}

/* ---- two claims ---- */

static bool
denies(const struct dt_claim *c)
{
    return c->stance == DT_STANCE_DENIED ||
           (c->stance != DT_STANCE_NEITHER && c->has_count && c->count == 0);
}

static bool
dated(const struct dt_claim *c)
{
    return c->has_from && c->has_to &&
           (c->precision == DT_PRECISION_DAY || c->precision == DT_PRECISION_MONTH ||
            c->precision == DT_PRECISION_YEAR);
}

static bool
contradict(const struct dt_claim *a, const struct dt_claim *b)
{
    int a_from, a_to, b_from, b_to, month, day;

    if (a->contact_key.n == 0 || !dt_view_equal(a->contact_key, b->contact_key) ||
        a->stance == DT_STANCE_NEITHER || b->stance == DT_STANCE_NEITHER)
        return false;
    if (denies(a) != denies(b)) {
        const struct dt_claim *positive = denies(a) ? b : a;

        return positive->has_count && positive->count > 0;
    }
    if (denies(a) || !dated(a) || !dated(b))
        return false;
    dt_date_from_days(a->from_day, &a_from, &month, &day);
    dt_date_from_days(a->to_day, &a_to, &month, &day);
    dt_date_from_days(b->from_day, &b_from, &month, &day);
    dt_date_from_days(b->to_day, &b_to, &month, &day);
    return a_to < b_from || b_to < a_from; /* no calendar year in common */
}

/* ---- the fold ---- */

/* Of several records that match: the better attested, then the earlier entry. */
static bool
better(const struct dt_known_contact *a, const struct dt_known_contact *b)
{
    static const int rank[] = {[DT_STANDING_NO_ENTRY] = 0,
                               [DT_STANDING_ASSERTED] = 1,
                               [DT_STANDING_DISPUTED] = 2,
                               [DT_STANDING_COUNTERSIGNED] = 3};

    if (rank[a->standing] != rank[b->standing])
        return rank[a->standing] > rank[b->standing];
    return a->entry < b->entry;
}

/* Is the record of known[i] there a second time, from a proof that shows a dispute of it? */
static bool
dispute_elsewhere(const struct dt_known_contact *known, size_t n, size_t i)
{
    for (size_t k = 0; k < n && known[i].standing != DT_STANDING_DISPUTED; k++)
        if (known[k].entry == known[i].entry && known[k].standing == DT_STANDING_DISPUTED)
            return true;
    return false;
}

/* Is the record of known[i] among those before it too, from another proof? */
static bool
seen_before(const struct dt_known_contact *known, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (known[k].entry == known[i].entry)
            return true;
    return false;
}

static void
count(const struct dt_claim *c, const struct dt_known_contact *known, size_t n_known,
      struct dt_claim_result *out)
{
    for (size_t i = 0; i < n_known; i++) {
        enum dt_standing_code code = known[i].standing;

        if (known[i].entry == DT_ENTRY_UNKNOWN || !within(c, &known[i]) || seen_before(known, i))
            continue;
        /* What one proof shows of it counts for the record, whichever proof came first. */
        for (size_t k = i + 1; k < n_known; k++)
            if (known[k].entry == known[i].entry &&
                (known[k].standing == DT_STANDING_DISPUTED || code == DT_STANDING_ASSERTED))
                code = known[k].standing;
        out->n_proved++;
        out->n_countersigned += code == DT_STANDING_COUNTERSIGNED;
        out->n_disputed += code == DT_STANDING_DISPUTED;
    }
}

static enum dt_err
check_one(const struct dt_claims *claims, size_t place, const struct dt_known_contact *known,
          size_t n_known, struct dt_claim_result *out)
{
    const struct dt_claim *c = &claims->claims[place];
    const struct dt_known_contact *best = NULL;
    size_t n = 0;

    out->entry = DT_ENTRY_UNKNOWN;
    if (dt_claim_counts(c))
        count(c, known, n_known, out);
    for (size_t i = 0; i < n_known && asserts(c); i++) {
        if (known[i].entry == DT_ENTRY_UNKNOWN || !matches(c, &known[i]))
            continue; /* what is not in the register supports nothing */
        if (dispute_elsewhere(known, n_known, i))
            continue;
        out->n_matches++;
        if (best == NULL || better(&known[i], best))
            best = &known[i];
    }
    if (best != NULL) {
        out->standing = best->standing;
        out->entry = best->entry;
        /* A proof made before the withdrawal does not show it; one made later does. */
        for (size_t i = 0; i < n_known; i++)
            out->withdrawn =
                out->withdrawn || (known[i].entry == best->entry && known[i].withdrawn);
    }
    for (size_t i = 0; i < claims->n; i++)
        n += i != place && contradict(c, &claims->claims[i]);
    out->against = dt_alloc(n + 1, sizeof *out->against);
    if (out->against == NULL)
        return dt_nomem();
    for (size_t i = 0; i < claims->n; i++)
        if (i != place && contradict(c, &claims->claims[i]))
            out->against[out->n_against++] = (uint32_t)i;
    return DT_OK;
}

enum dt_err
dt_claims_check(const struct dt_claims *claims, const struct dt_known_contact *known,
                size_t n_known, struct dt_claim_result **out)
{
    struct dt_claim_result *r = dt_alloc(claims->n + 1, sizeof *r);
    enum dt_err err;

    if (r == NULL)
        return dt_nomem();
    for (size_t i = 0; i < claims->n; i++)
        if ((err = check_one(claims, i, known, n_known, &r[i])) != DT_OK) {
            dt_claim_results_free(r, claims->n);
            return err;
        }
    *out = r;
    return DT_OK;
}

/* ---- results for people and programs ---- */

static enum dt_err
put_against(const struct dt_claims *claims, const struct dt_claim_result *r, const char *separator,
            struct dt_buf *out)
{
    enum dt_err err;

    for (size_t i = 0; i < r->n_against; i++)
        if ((i > 0 && (err = dt_buf_append(out, dt_view_str(separator))) != DT_OK) ||
            (err = dt_buf_append(out, claims->claims[r->against[i]].id)) != DT_OK)
            return err;
    return DT_OK;
}

enum dt_err
dt_claims_write_csv(const struct dt_claims *claims, const struct dt_claim_result *results,
                    struct dt_buf *out)
{
    enum dt_err err;

    if ((err = dt_buf_append(out, dt_view_str("claim_id,standing,entry,contradicted_by\n"))) !=
        DT_OK)
        return err;
    for (size_t i = 0; i < claims->n; i++) {
        const struct dt_claim_result *r = &results[i];
        DT_CLEANUP(dt_buf_clear) struct dt_buf against = DT_BUF_INIT(DT_CSV_FILE_MAX);

        if ((err = put_against(claims, r, " ", &against)) != DT_OK ||
            (err = dt_csv_put(out, claims->claims[i].id)) != DT_OK ||
            (err = dt_buf_printf(out, ",%s,", dt_standing_name(r->standing))) != DT_OK ||
            (r->entry != DT_ENTRY_UNKNOWN &&
             (err = dt_buf_printf(out, "%llu", (unsigned long long)r->entry)) != DT_OK) ||
            (err = dt_buf_append(out, dt_view_str(","))) != DT_OK ||
            (err = dt_csv_put(out, dt_buf_view(&against))) != DT_OK ||
            (err = dt_buf_append(out, dt_view_str("\n"))) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
dt_claims_write_text(const struct dt_claims *claims, const struct dt_claim_result *results,
                     struct dt_buf *out)
{
    enum dt_err err;

    for (size_t i = 0; i < claims->n; i++) {
        const struct dt_claim_result *r = &results[i];

        if ((err = dt_buf_append(out, claims->claims[i].id)) != DT_OK ||
            (err = dt_buf_printf(out, ": %s", dt_standing_name(r->standing))) != DT_OK ||
            (r->entry != DT_ENTRY_UNKNOWN &&
             (err = dt_buf_printf(out, " (entry %llu)", (unsigned long long)r->entry)) != DT_OK) ||
            (r->withdrawn &&
             (err = dt_buf_append(out, dt_view_str("; withdrawn by its author"))) != DT_OK) ||
            (r->n_against > 0 &&
             (err = dt_buf_append(out, dt_view_str(r->n_against == 1
                                                       ? "; contradicted by claim "
                                                       : "; contradicted by claims "))) != DT_OK) ||
            (err = put_against(claims, r, ", ", out)) != DT_OK ||
            (dt_claim_counts(&claims->claims[i]) &&
             ((err = dt_buf_append(out, dt_view_str("; "))) != DT_OK ||
              (err = dt_claim_say_counts(&claims->claims[i], r, out)) != DT_OK)) ||
            (err = dt_buf_append(out, dt_view_str("\n"))) != DT_OK)
            return err;
    }
    return DT_OK;
}
