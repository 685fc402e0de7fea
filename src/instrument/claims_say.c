/*
 * instrument/claims_say.c - why a claim stands as it does, in words; see claims.h.
 *
 * Source: docs/protocol-record.md, "Claims". Layer: instrument. Nothing here says who is right.
 */
#include "instrument/claims.h"

bool
dt_claim_counts(const struct dt_claim *c)
{
    /* Of one contact its standing says it all. */
    return c->has_count && c->count != 1 && c->stance != DT_STANCE_NEITHER;
}

static const char *
stance_name(enum dt_stance s)
{
    static const char *const names[] = {
        [DT_STANCE_ANNOUNCED] = "announced", [DT_STANCE_REPORTED] = "reported",
        [DT_STANCE_ALLEGED] = "alleged",     [DT_STANCE_ASSERTED] = "asserted",
        [DT_STANCE_DENIED] = "denied",       [DT_STANCE_NEITHER] = "neither asserted nor denied"};

    return names[s];
}

enum dt_err
dt_claim_say_counts(const struct dt_claim *c, const struct dt_claim_result *r, struct dt_buf *out)
{
    enum dt_err err;

    if ((err = dt_buf_printf(out, "says %llu, the register proves %zu, countersigned %zu",
                             (unsigned long long)c->count, r->n_proved, r->n_countersigned)) !=
            DT_OK ||
        (r->n_disputed > 0 && (err = dt_buf_printf(out, ", disputed %zu", r->n_disputed)) != DT_OK))
        return err;
    return r->n_against == 0 ? DT_OK
                             : dt_buf_append(out, dt_view_str(": the two accounts conflict"));
}

/* ---- one claim at length ---- */

static enum dt_err
put_day(struct dt_buf *out, bool has, int32_t day)
{
    int y = 0, m = 0, d = 0;

    if (!has)
        return dt_buf_append(out, dt_view_str("?"));
    dt_date_from_days(day, &y, &m, &d);
    return dt_buf_printf(out, "%04d-%02d-%02d", y, m, d);
}

/* "  Kremlin denied: 0 x call, United States - Russia, 2021-01-01 to ?" */
static enum dt_err
say_claim(const struct dt_claim *c, struct dt_buf *out)
{
    enum dt_err err;

    if ((err = dt_buf_append(out, dt_view_str("  "))) != DT_OK ||
        (err = dt_buf_append(out, c->asserted_by)) != DT_OK ||
        (err = dt_buf_printf(out, ", %s: ", stance_name(c->stance))) != DT_OK ||
        (c->has_count &&
         (err = dt_buf_printf(out, "%llu x ", (unsigned long long)c->count)) != DT_OK) ||
        (err = dt_buf_append(out, c->kind)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(", "))) != DT_OK ||
        (err = dt_buf_append(out, c->party_a)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(" - "))) != DT_OK ||
        (err = dt_buf_append(out, c->party_b)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(", "))) != DT_OK ||
        (err = put_day(out, c->has_from, c->from_day)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(" to "))) != DT_OK ||
        (err = put_day(out, c->has_to, c->to_day)) != DT_OK)
        return err;
    return dt_buf_append(out, dt_view_str("\n"));
}

/* Why it has the standing that it has against the register. */
static enum dt_err
say_register(const struct dt_claim *c, const struct dt_claim_result *r, struct dt_buf *out)
{
    if (r->standing != DT_STANDING_NO_ENTRY)
        return dt_buf_printf(
            out, "  register: %s; entry %llu is of this kind, these parties and this time%s%s\n",
            dt_standing_name(r->standing), (unsigned long long)r->entry,
            r->n_matches > 1 ? ", the best of several" : "",
            r->withdrawn ? "; withdrawn by its author, which undoes nothing" : "");
    if (c->stance == DT_STANCE_NEITHER)
        return dt_buf_append(out, dt_view_str("  register: no entry; it asserts nothing that an "
                                              "entry could support\n"));
    if (c->stance == DT_STANCE_DENIED || (c->has_count && c->count == 0))
        return dt_buf_append(out, dt_view_str("  register: no entry; no record can show that "
                                              "something did not take place\n"));
    if (!c->has_from || !c->has_to)
        return dt_buf_append(out, dt_view_str("  register: no entry; without both dates no record "
                                              "can be told to be the one it speaks of\n"));
    return dt_buf_append(out, dt_view_str("  register: no entry that is known here is of this "
                                          "kind, these parties and this time\n"));
}

enum dt_err
dt_claim_say_reasons(const struct dt_claims *claims, size_t place, const struct dt_claim_result *r,
                     struct dt_buf *out)
{
    const struct dt_claim *c = &claims->claims[place];
    enum dt_err err;

    if ((err = say_claim(c, out)) != DT_OK || (err = say_register(c, r, out)) != DT_OK)
        return err;
    if (dt_claim_counts(c) && ((err = dt_buf_append(out, dt_view_str("  number: it "))) != DT_OK ||
                               (err = dt_claim_say_counts(c, r, out)) != DT_OK ||
                               (err = dt_buf_append(out, dt_view_str("\n"))) != DT_OK))
        return err;
    for (size_t i = 0; i < r->n_against; i++)
        if ((err = dt_buf_append(out, dt_view_str("  against it: "))) != DT_OK ||
            (err = dt_buf_append(out, claims->claims[r->against[i]].id)) != DT_OK ||
            (err = dt_buf_append(out, dt_view_str(", cannot be true together with it\n  "))) !=
                DT_OK ||
            (err = say_claim(&claims->claims[r->against[i]], out)) != DT_OK)
            return err;
    return DT_OK;
}
