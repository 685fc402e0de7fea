/*
 * agent/home/amendment.c - see amendment.h.
 *
 * Source: docs/protocol-agent.md "Amendments". Table "self": "amendments" -> all of them, a list of
 * opaque<V>; the charter's own row stays as it was.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "record/amendment.h"

#include "agent/home/amendment.h"
#include "agent/records/trace.h"
#include "agent/register/store.h"
#include "agent/register/submit.h"
#include "agent/sync/flows.h"
#include "agent/sync/queue_review.h"

/* What is checked before anything is written. */
struct amending {
    struct dt_charter charter; /* as it is to be */
    struct dt_buf list;        /* all its amendments, as they are kept */
    struct dt_grant grant;
    size_t before;  /* amendments that were here */
    bool registers; /* one of the new ones replaces the register */
    uint64_t cut;   /* the first of these: so many entries of our copy stay */
    struct dt_amend_report report;
};

static void
amending_clear(struct amending *x)
{
    dt_charter_clear(&x->charter);
    dt_buf_clear(&x->list);
    dt_grant_wipe(&x->grant);
}

/* ---- before ---- */

static enum dt_err
take_amendments(struct dt_agent *a, const struct dt_amend_params *params, struct amending *x)
{
    enum dt_err err = dt_charter_load(a, &x->charter);

    if (err != DT_OK)
        return err;
    x->before = x->charter.n_former;
    for (size_t i = 0; i < params->n; i++) {
        err = dt_charter_amend(&x->charter, params->amendments[i]);
        if (err == DT_ERR_EXISTS)
            x->report.already++;
        else if (err == DT_OK)
            x->report.taken++;
        else
            return err;
    }
    for (size_t i = x->before; i < x->charter.n_former; i++) {
        const struct dt_charter_former *f = &x->charter.former[i];

        x->report.roots += f->roots;
        if (!f->roots && !x->registers) {
            x->registers = true;
            x->cut = f->last_size;
        }
        x->report.last_size = x->registers ? x->cut : f->last_size;
    }
    x->report.registers = x->registers;
    return dt_charter_amendments(&x->charter, &x->list);
}

static enum dt_err
tell_other_root(struct dt_agent *a, const struct dt_charter_former *f, const struct tlog_hash *ours)
{
    char named[65], held[65];
    enum dt_err err;

    dt_hex_str(named, tlog_hash_view(&f->last_root));
    dt_hex_str(held, tlog_hash_view(ours));
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err =
        dt_alarm_add(a, DT_ALARM_REGISTER, NULL, f->last_size, NULL,
                     "an amendment names %llu entries of the register with root %.16s..., and ours "
                     "is %.16s...: compare with the others before anyone takes it in",
                     (unsigned long long)f->last_size, named, held);
    if ((err = dt_store_end(a->store, err)) != DT_OK)
        return err;
    return dt_fail(DT_ERR_PROOF,
                   "the amendment names %llu entries of the register with root %s, and in our own "
                   "copy these have root %s: it was not taken in",
                   (unsigned long long)f->last_size, named, held);
}

/* Do our own entries have the root that each new amendment names, as far as they go? Up to the
 * first that replaces the register: those that follow begin with what that one left. */
static enum dt_err
compare_roots(struct dt_agent *a, struct amending *x)
{
    struct tlog_frontier f;
    uint64_t attested = 0;
    bool ended = false;
    enum dt_err err = dt_register_tree(a, &f);

    for (size_t i = x->before; err == DT_OK && i < x->charter.n_former && !ended; i++) {
        const struct dt_charter_former *end = &x->charter.former[i];
        struct tlog_hash root;

        ended = !end->roots;
        x->report.compared = f.size >= end->last_size;
        if (!x->report.compared)
            return DT_OK; /* the rest is still to be fetched, and is compared then */
        if ((err = dt_register_root_at(a, end->last_size, &root)) == DT_OK &&
            !tlog_hash_equal(&root, &end->last_root))
            return tell_other_root(a, end, &root);
    }
    if (err != DT_OK || !x->registers)
        return err;
    x->report.cut = f.size - x->cut;
    err = dt_register_note_last(a, "attested", &attested, NULL);
    if (err == DT_OK && attested > x->cut)
        x->report.cut_attested = attested - x->cut;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
check_loss(const struct dt_amend_params *params, const struct amending *x)
{
    if (x->report.cut_attested == 0 || params->lose_attested)
        return DT_OK;
    return dt_fail(
        DT_ERR_REFUSED,
        "the amendment ends the register at %llu entries, and ours has %llu more that the "
        "charter's quorum cosigned: their times would be lost",
        (unsigned long long)x->report.last_size, (unsigned long long)x->report.cut_attested);
}

/* ---- the transaction ---- */

/* What of ours, or of our root's, the register does not hold goes in; what others owe is awaited.
 */
static enum dt_err
hand_in_again(struct dt_agent *a)
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
    enum dt_err err = dt_agent_facts(a, &f);

    for (size_t i = 0; err == DT_OK && i < f.n; i++) {
        const struct dt_record *r = &f.records[i];
        bool there = false;

        if ((err = dt_store_has(a->store, "register_seal", dt_view_of(r->seal), &there)) != DT_OK ||
            there)
            continue;
        err = memcmp(r->author.key, a->delegate_pub, 32) == 0
                  ? dt_agent_register_submit(a, r->seal)
                  : dt_register_await(a, r->seal, r->author.letter);
    }
    return err;
}

/* So with what is left of records that were destroyed. */
static enum dt_err
hand_in_traces(struct dt_agent *a)
{
    DT_CLEANUP(dt_free_p) struct dt_trace_info *list = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_traces(a, NULL, &list, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++) {
        const struct dt_trace *t = &list[i].trace;
        bool there = false;

        if ((err = dt_store_has(a->store, "register_seal", dt_view_of(t->seal), &there)) != DT_OK ||
            there)
            continue;
        err = memcmp(t->key, a->delegate_pub, 32) == 0
                  ? dt_agent_register_submit(a, t->seal)
                  : dt_register_await(a, t->seal, list[i].author.letter_hash);
    }
    return err;
}

/* Of the letters that are here, revocations: whoever holds one sees to it that it counts. */
static enum dt_err
hand_in_revocations(struct dt_agent *a)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_LETTER_MAX);
        bool revoked = false, there = false;
        struct dt_revocation v;
        uint8_t seal[32];

        if ((err = dt_store_next(a->store, "letter", dt_view(NULL, 0), at, &row)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = row.seq + 1;
        if ((err = dt_letter_take(a, dt_buf_view(&row.value), &l, NULL)) != DT_OK ||
            (err = dt_letter_revoked(a, &l, &revoked, &bytes)) != DT_OK)
            return err;
        if (!revoked)
            continue;
        if ((err = dt_revocation_decode(dt_buf_view(&bytes), &v)) != DT_OK ||
            (err = dt_revocation_seal(&v, seal)) != DT_OK ||
            (err = dt_store_has(a->store, "register_seal", dt_view_of(seal), &there)) != DT_OK ||
            (!there && (err = dt_agent_register_submit(a, seal)) != DT_OK))
            return err;
    }
}

/* The seals of the new amendments: whoever is first hands them in, a second time is the same. */
static enum dt_err
hand_in_amendments(struct dt_agent *a, const struct amending *x)
{
    enum dt_err err = DT_OK;

    for (size_t i = x->before; err == DT_OK && i < x->charter.n_former; i++) {
        DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
        uint8_t seal[32];

        if ((err = dt_amendment_decode(dt_buf_view(&x->charter.former[i].bytes), &am)) == DT_OK &&
            (err = dt_amendment_seal(&am, &x->charter, seal)) == DT_OK)
            err = dt_agent_register_submit(a, seal);
    }
    return err;
}

static enum dt_err
move_channels(struct dt_agent *a, const uint8_t queue_token[static 32],
              struct dt_amend_report *report)
{
    uint8_t group_id[32];
    uint64_t at = 0;
    enum dt_err err;

    while ((err = dt_channel_next(a, &at, group_id)) == DT_OK)
        if ((err = dt_channel_move(a, group_id, queue_token, report)) != DT_OK)
            return err;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* Another relay and register: our copy is cut, and what we need begins anew there. */
static enum dt_err
change_register(struct dt_agent *a, const struct dt_amend_params *params, struct amending *x)
{
    enum dt_err err;

    if ((err = dt_store_put_blob(a->store, "self", dt_view_str("grant"), params->grant)) != DT_OK ||
        (err = dt_register_cut(a, x->cut)) != DT_OK || (err = hand_in_again(a)) != DT_OK ||
        (err = hand_in_traces(a)) != DT_OK || (err = hand_in_revocations(a)) != DT_OK ||
        (err = dt_inbox_state_set(a, false, 0)) != DT_OK ||
        (err = dt_shown_forget(a, a->inbox_address)) != DT_OK)
        return err;
    return move_channels(a, x->grant.queue_token, &x->report);
}

static enum dt_err
write_all(struct dt_agent *a, const struct dt_amend_params *params, struct amending *x)
{
    enum dt_err err;

    if ((err = dt_store_put_blob(a->store, "self", dt_view_str("amendments"),
                                 dt_buf_view(&x->list))) != DT_OK ||
        (x->registers && (err = change_register(a, params, x)) != DT_OK) ||
        (err = hand_in_amendments(a, x)) != DT_OK)
        return err;
    return dt_register_count_waiting(a, &x->report.again);
}

/* The grant for our party of the register that will be in force; none where that stays. */
static enum dt_err
take_grant(const struct dt_amend_params *params, struct amending *x)
{
    enum dt_err err;

    if (!x->registers)
        return params->grant.n == 0
                   ? DT_OK
                   : dt_fail(DT_ERR_USAGE, "the register stays: no grant is taken in with it");
    if (params->grant.n == 0)
        return dt_fail(DT_ERR_USAGE, "the register is replaced: say --grant FILE, for our party, "
                                     "of the new relay");
    err = dt_grant_read(params->grant, &x->grant);
    return err != DT_OK ? err : dt_grant_compare(&x->grant, &x->charter);
}

/* What is in our lists no more. */
static enum dt_err
count_void(struct dt_agent *a, struct dt_amend_report *report)
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
    enum dt_err err = dt_agent_facts_that_do_not_count(a, &f);

    report->void_records = f.n;
    return err;
}

enum dt_err
dt_agent_amend(struct dt_agent *a, const struct dt_amend_params *params,
               struct dt_amend_report *report)
{
    DT_CLEANUP(amending_clear) struct amending x = {0};
    enum dt_err err;

    dt_buf_init(&x.list, DT_AMENDMENTS_MAX);
    if ((err = take_amendments(a, params, &x)) != DT_OK)
        return err;
    if (x.report.taken == 0) {
        *report = x.report;
        return dt_agent_refresh(a);
    }
    if ((err = take_grant(params, &x)) != DT_OK || (err = compare_roots(a, &x)) != DT_OK ||
        (err = check_loss(params, &x)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err = dt_agent_is_current(a);
    if (err == DT_OK)
        err = write_all(a, params, &x);
    if ((err = dt_store_end(a->store, err)) != DT_OK || (err = dt_agent_refresh(a)) != DT_OK ||
        (err = count_void(a, &x.report)) != DT_OK)
        return err;
    *report = x.report;
    return DT_OK;
}

/* ---- what is asked ---- */

enum dt_err
dt_agent_register_good(struct dt_agent *a, uint64_t size, struct tlog_hash *out_root,
                       struct dt_buf *out)
{
    struct tlog_frontier f;
    enum dt_err err = dt_register_tree(a, &f);

    if (err != DT_OK)
        return err;
    if (size > f.size)
        return dt_fail(DT_ERR_RANGE, "this home holds %llu entries of the register, and not %llu",
                       (unsigned long long)f.size, (unsigned long long)size);
    if ((err = dt_register_root_at(a, size, out_root)) != DT_OK)
        return err;
    return out == NULL ? DT_OK : dt_register_entries(a, size, out);
}

struct dt_amended
dt_agent_amended(const struct dt_agent *a)
{
    struct dt_amended out = {.n = a->charter.n_former};

    for (size_t i = 0; i < out.n; i++) {
        const struct dt_charter_former *f = &a->charter.former[i];

        *(f->roots ? &out.n_roots : &out.n_registers) += 1;
        if (!f->roots)
            out.last_size = f->last_size;
    }
    return out;
}
