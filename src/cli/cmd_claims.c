/*
 * cli/cmd_claims.c - detente claims import | check | show: public claims about contacts against
 * what can be shown of them.
 *
 * With proof files: a stranger's view. Without: the view of a member, from the records in the home.
 */
#include <string.h>

#include "agent/observer/observer.h"
#include "agent/records/notes.h"
#include "agent/records/records.h"
#include "base/file.h"
#include "base/mem.h"
#include "instrument/claims.h"

#include "cli/commands.h"
#include "cli/record_io.h"
#include "cli/verify_io.h"

#define KNOWN_MAX 1024

/* Contacts known to the checker; views borrow from verdicts or facts. */
struct known {
    struct dt_known_contact contact[KNOWN_MAX];
    size_t n;
    struct dt_verdict *verdicts;
    size_t n_verdicts;
    struct dt_agent_facts facts;
    struct dt_standing *standing;
    size_t n_standing;
};

static void
known_free(struct known **kp)
{
    struct known *k = *kp;

    if (k == NULL)
        return;
    for (size_t i = 0; i < k->n_verdicts; i++)
        dt_verdict_clear(&k->verdicts[i]);
    dt_free(k->verdicts);
    dt_free(k->standing);
    dt_agent_facts_free(&k->facts);
    dt_free(k);
}

static enum dt_err
add(struct known *k, enum dt_err err)
{
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK; /* no contact, or too little of it opened */
    if (err == DT_OK)
        k->n++;
    return err;
}

static enum dt_err
from_proofs(struct cli *c, struct known *k)
{
    DT_CLEANUP(cli_anchor_clear) struct cli_anchor anchor = {0};
    struct dt_verify_in in;
    const char *path;
    size_t at = 0;
    size_t n = 0;
    enum dt_err err = cli_verify_in(c, &anchor, &in);

    while (cli_next(c, "proof", &at) != NULL)
        n++;
    if (err == DT_OK && n > KNOWN_MAX)
        err = dt_fail(DT_ERR_LIMIT, "more than %d proof files", KNOWN_MAX);
    if (err != DT_OK)
        return err;
    k->verdicts = dt_alloc(n, sizeof *k->verdicts);
    if (k->verdicts == NULL)
        return dt_nomem();
    at = 0;
    while ((path = cli_next(c, "proof", &at)) != NULL) {
        struct dt_verdict *v = &k->verdicts[k->n_verdicts];

        if ((err = cli_verify_file(path, &in, v)) != DT_OK)
            return err;
        k->n_verdicts++;
        if (v->code == DT_VERDICT_REFUSED)
            return dt_fail(DT_ERR_PROOF, "%s: refused: %.*s", path, (int)v->reason.n,
                           (const char *)v->reason.p);
        if (v->code != DT_VERDICT_VERIFIED) {
            cli_note(c, "%s: %s; it supports no claim", path, dt_verdict_name(v->code));
            c->verdict = DT_EXIT_NO;
            continue;
        }
        if ((err = add(k, dt_known_from_verdict(v, &k->contact[k->n]))) != DT_OK)
            return err;
    }
    return DT_OK;
}

/* The home is opened where it is needed: a stranger has none. */
static enum dt_err
need_home(struct cli *c)
{
    return c->agent != NULL ? DT_OK : cli_open_home(c);
}

static enum dt_err
from_home(struct cli *c, struct known *k)
{
    enum dt_err err;

    if ((err = need_home(c)) != DT_OK || (err = dt_agent_facts(c->agent, &k->facts)) != DT_OK ||
        (err = dt_standing_fold(k->facts.facts, k->facts.n, &k->standing, &k->n_standing)) != DT_OK)
        return err;
    for (size_t i = 0; i < k->n_standing && err == DT_OK; i++) {
        struct dt_known_contact contact;

        err = dt_known_from_record(k->facts.facts, &k->standing[i], &contact);
        if (err == DT_OK && k->n == KNOWN_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %d contacts", KNOWN_MAX);
        if (err == DT_OK)
            k->contact[k->n] = contact;
        err = add(k, err);
    }
    return err;
}

/* What an observer saw, if one was named. */
struct observed {
    struct dt_observer *observer;
    struct dt_timeline timeline;
};

static void
observed_clear(struct observed *o)
{
    dt_timeline_clear(&o->timeline);
    dt_observer_close(o->observer);
}

static enum dt_err
observed_load(const char *state, struct observed *out)
{
    struct dt_observed seen;
    enum dt_err err = dt_observer_recall(state, &out->observer);

    if (err != DT_OK)
        return err;
    dt_observer_seen(out->observer, &seen);
    return dt_timeline_fold(&seen, &out->timeline);
}

static void
put_room(json_t *o, const struct dt_claim *claim, const struct observed *observed)
{
    json_t *j = json_object();
    struct dt_claim_room room;

    dt_claim_room(claim, &observed->timeline, &room);
    if (!room.counted) {
        json_decref(j);
        return;
    }
    cli_put_time(j, "since", room.since_ms);
    cli_put_u64(j, "entries", room.entries);
    cli_put(j, "counts_are", "entries, not contacts");
    cli_put_bool(j, "enough", room.enough);
    (void)json_object_set_new(o, "register", j);
}

static void
put_counts(json_t *o, const struct dt_claim *claim, const struct dt_claim_result *r)
{
    json_t *j;

    if (!dt_claim_counts(claim))
        return;
    j = json_object();
    cli_put_u64(j, "says", claim->count);
    cli_put_u64(j, "register_proves", r->n_proved);
    cli_put_u64(j, "countersigned", r->n_countersigned);
    cli_put_u64(j, "disputed", r->n_disputed);
    cli_put_bool(j, "accounts_conflict", r->n_against > 0);
    (void)json_object_set_new(o, "number", j);
}

static enum dt_err
put_reasons(json_t *o, const struct dt_claims *claims, size_t i, const struct dt_claim_result *r)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(DT_CSV_FILE_MAX);
    enum dt_err err = dt_claim_say_reasons(claims, i, r, &text);

    if (err == DT_OK)
        cli_put_view(o, "reasons", dt_buf_view(&text));
    return err;
}

/* A date of a claim, which counts in days since 1970; null where it names none. */
static void
put_day(json_t *o, const char *key, bool has, int32_t day)
{
    char text[DT_TIME_STR];

    if (!has || day < 0) {
        (void)json_object_set_new(o, key, json_null());
        return;
    }
    dt_date_str(text, (uint64_t)day * DT_MS_DAY);
    cli_put(o, key, text);
}

static enum dt_err
result_json(const struct dt_claims *claims, size_t i, const struct dt_claim_result *r,
            const struct observed *observed, json_t *o)
{
    json_t *against = json_array();

    cli_put_view(o, "claim", claims->claims[i].id);
    put_day(o, "from", claims->claims[i].has_from, claims->claims[i].from_day);
    put_day(o, "to", claims->claims[i].has_to, claims->claims[i].to_day);
    cli_put(o, "standing", dt_standing_name(r->standing));
    if (r->entry != DT_ENTRY_UNKNOWN)
        cli_put_u64(o, "entry", r->entry);
    if (r->withdrawn)
        (void)json_object_set_new(o, "withdrawn", json_true());
    for (size_t k = 0; k < r->n_against; k++) {
        struct dt_view id = claims->claims[r->against[k]].id;

        (void)json_array_append_new(against, json_stringn((const char *)id.p, id.n));
    }
    (void)json_object_set_new(o, "contradicted_by", against);
    put_counts(o, &claims->claims[i], r);
    if (observed != NULL && observed->observer != NULL)
        put_room(o, &claims->claims[i], observed);
    return put_reasons(o, claims, i, r);
}

/* Is the claim one of those named? All are when none is. */
static bool
named(const struct cli *c, const struct dt_claim *claim)
{
    for (size_t i = 0; i < c->n_operands; i++)
        if (dt_view_equal(claim->id, dt_view_str(c->operand[i])))
            return true;
    return c->n_operands == 0;
}

static enum dt_err
results_json(const struct cli *only, const struct dt_claims *claims,
             const struct dt_claim_result *results, const struct observed *observed)
{
    json_t *root = json_object();
    json_t *list = json_array();
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < claims->n && err == DT_OK; i++) {
        json_t *o;

        if (only != NULL && !named(only, &claims->claims[i]))
            continue;
        o = json_object();
        err = result_json(claims, i, &results[i], observed, o);
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "claims", list);
    if (err != DT_OK) {
        json_decref(root);
        return err;
    }
    return cli_json(root);
}

/* The table of the operand, or with none the one that was imported. */
static enum dt_err
read_table(struct cli *c, const char *file, struct dt_claims *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf csv = DT_BUF_INIT(DT_CSV_FILE_MAX);
    enum dt_err err;

    if (file != NULL) {
        if ((err = cli_file(file, &csv)) != DT_OK)
            return err;
        return dt_fail_context(dt_claims_read(dt_buf_view(&csv), out), "%s", file);
    }
    if ((err = need_home(c)) != DT_OK ||
        (err = dt_agent_claims(c->agent, cli_get(c, "source"), &csv)) != DT_OK)
        return err;
    return dt_claims_read(dt_buf_view(&csv), out);
}

enum dt_err
cmd_claims_check(struct cli *c)
{
    DT_CLEANUP(known_free) struct known *k = dt_alloc(1, sizeof *k);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CSV_FILE_MAX);
    DT_CLEANUP(dt_claims_clear) struct dt_claims claims = {0};
    DT_CLEANUP(observed_clear) struct observed observed = {0};
    struct dt_claim_result *results = NULL;
    const char *state = cli_get(c, "observed");
    bool member = cli_has(c, "as-member");
    enum dt_err err;

    if (k == NULL)
        return dt_nomem();
    if (member && cli_has(c, "proof"))
        return dt_fail(DT_ERR_USAGE, "--as-member and --proof exclude each other");
    if (state != NULL && cli_has(c, "csv"))
        return dt_fail(DT_ERR_USAGE, "--observed and --csv exclude each other");
    if ((state != NULL && (err = observed_load(state, &observed)) != DT_OK) ||
        (err = read_table(c, c->n_operands > 0 ? c->operand[0] : NULL, &claims)) != DT_OK ||
        (err = member ? from_home(c, k) : from_proofs(c, k)) != DT_OK ||
        (err = dt_claims_check(&claims, k->contact, k->n, &results)) != DT_OK)
        return err;
    if (c->json) {
        err = results_json(NULL, &claims, results, &observed);
    } else {
        err = cli_has(c, "csv") ? dt_claims_write_csv(&claims, results, &out)
                                : dt_claims_write_text(&claims, results, &out);
        if (err == DT_OK && state != NULL)
            err = dt_claims_write_room(&claims, &observed.timeline, &out);
        if (err == DT_OK)
            cli_print_view(dt_buf_view(&out));
    }
    dt_claim_results_free(results, claims.n);
    return err;
}

enum dt_err
cmd_claims_import(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf csv = DT_BUF_INIT(DT_CSV_FILE_MAX);
    DT_CLEANUP(dt_claims_clear) struct dt_claims claims = {0};
    const char *source = cli_source(c, c->operand[0]);
    json_t *o;
    enum dt_err err;

    if ((err = cli_file(c->operand[0], &csv)) != DT_OK ||
        (err = dt_fail_context(dt_claims_read(dt_buf_view(&csv), &claims), "%s", c->operand[0])) !=
            DT_OK ||
        (err = dt_agent_claims_keep(c->agent, source, dt_buf_view(&csv), claims.n)) != DT_OK)
        return err;
    cli_note(c, "A claim is what a source says. It is kept in this home alone, and is no record.");
    if (!c->json) {
        cli_print("%s: %zu claims\n", source, claims.n);
        return DT_OK;
    }
    o = json_object();
    cli_put(o, "source", source);
    cli_put_u64(o, "claims", claims.n);
    return cli_json(o);
}

/* Every operand is the id of a claim. */
static enum dt_err
check_ids(const struct cli *c, const struct dt_claims *claims)
{
    for (size_t i = 0; i < c->n_operands; i++)
        if (dt_claims_get(claims, dt_view_str(c->operand[i])) == NULL)
            return dt_fail(DT_ERR_NOT_FOUND, "there is no claim '%s'", c->operand[i]);
    return DT_OK;
}

/* A program that asks for the list gets one, and the same "no" as a person: there is nothing here.
 */
static enum dt_err
say_none(struct cli *c)
{
    json_t *root = json_object();

    (void)json_object_set_new(root, "claims", json_array());
    c->verdict = DT_EXIT_NO;
    return cli_json(root);
}

enum dt_err
cmd_claims_show(struct cli *c)
{
    DT_CLEANUP(known_free) struct known *k = dt_alloc(1, sizeof *k);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CSV_FILE_MAX);
    DT_CLEANUP(dt_claims_clear) struct dt_claims claims = {0};
    struct dt_claim_result *results = NULL;
    enum dt_err err;

    if (k == NULL)
        return dt_nomem();
    err = read_table(c, cli_get(c, "file"), &claims);
    if (err == DT_ERR_NOT_FOUND && c->json && c->n_operands == 0 && !cli_has(c, "file") &&
        !cli_has(c, "source"))
        return say_none(c);
    if (err != DT_OK || (err = check_ids(c, &claims)) != DT_OK ||
        (err = from_home(c, k)) != DT_OK ||
        (err = dt_claims_check(&claims, k->contact, k->n, &results)) != DT_OK)
        return err;
    if (c->json)
        err = results_json(c, &claims, results, NULL);
    for (size_t i = 0; i < claims.n && err == DT_OK && !c->json; i++) {
        if (!named(c, &claims.claims[i]))
            continue;
        dt_buf_clear(&out);
        if ((err = dt_claim_say_reasons(&claims, i, &results[i], &out)) != DT_OK)
            break;
        cli_print("%.*s: %s\n", (int)claims.claims[i].id.n, (const char *)claims.claims[i].id.p,
                  dt_standing_name(results[i].standing));
        cli_print_view(dt_buf_view(&out));
    }
    dt_claim_results_free(results, claims.n);
    return err;
}
