/*
 * agent/records/records.c - writing, sending, receiving and keeping records; see records.h.
 *
 * Table "record": commitment, parent "all" (cover: "cover"), seq = number - 1 -> group id,
 * received, record.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/channel/channel.h"
#include "agent/core.h"
#include "agent/keep/destroy.h"
#include "agent/records/carry.h"
#include "agent/records/raw.h"
#include "agent/records/records.h"
#include "agent/records/tally.h"
#include "agent/records/trace.h"
#include "agent/register/submit.h"

#define ALL     "all"
#define COVER   "cover"
#define ROW_MAX (DT_RECORD_MAX + 256u)

/* One row of the table, decoded; record borrows from the row. */
struct kept {
    uint8_t group_id[32];
    uint64_t received_ms;
    struct dt_view record;
};

static enum dt_err
kept_read(struct dt_view row, struct kept *out)
{
    struct dt_reader r = dt_reader_init(row);
    enum dt_err err;

    if ((err = dt_read_fixed(&r, out->group_id, 32)) == DT_OK &&
        (err = dt_read_u64(&r, &out->received_ms)) == DT_OK &&
        (err = dt_read_vec(&r, DT_RECORD_MAX, &out->record)) == DT_OK)
        err = dt_read_end(&r);
    return dt_fail_context(err, "a record in the store");
}

/* Keep ${r} at the end of ${list}. */
static enum dt_err
keep(struct dt_agent *a, const char *list, const uint8_t group_id[static 32],
     const struct dt_record *r, struct dt_view encoded)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf row = DT_BUF_INIT(ROW_MAX);
    struct dt_store *s = dt_agent_store(a);
    struct dt_writer w = dt_writer_init(&row);
    uint64_t seq = 0;
    enum dt_err err;

    dt_write_view(&w, dt_view(group_id, 32));
    dt_write_u64(&w, dt_agent_now(a));
    dt_write_vec(&w, encoded);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = strcmp(list, ALL) == 0
                   ? dt_record_next_seq(a, &seq)
                   : dt_store_next_seq(s, "record", dt_view_str(list), &seq)) != DT_OK ||
        (err = dt_store_put(s, "record", dt_view_of(r->commitment), dt_view_str(list), seq,
                            dt_buf_view(&row))) != DT_OK ||
        r->destroy_after_ms == 0)
        return err;
    seq = dt_destroy_due(dt_agent_now(a), r->time_ms, r->destroy_after_ms);
    return dt_destroy_plan(a, DT_KEPT_RECORD, group_id, dt_view_of(r->commitment), seq, seq);
}

/* ---- writing ---- */

enum dt_err
dt_agent_record_draft(struct dt_agent *a, const uint8_t group_id[static 32], const char *kind,
                      struct dt_record_draft *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter letter = {0};
    const struct dt_template *tmpl = dt_templates_get_str(a->templates, kind);
    struct dt_channel_info channel;
    enum dt_err err;

    if (tmpl == NULL)
        return dt_fail(DT_ERR_NOT_FOUND, "there is no template '%s'; see 'detente template list'",
                       kind);
    if ((err = dt_agent_channel(a, group_id, &channel)) != DT_OK ||
        (err = dt_agent_letter_own(a, &letter)) != DT_OK)
        return err;
    return dt_record_draft_init(out, tmpl, &letter, group_id, dt_agent_now(a));
}

enum dt_err
dt_agent_answer_draft(struct dt_agent *a, const uint8_t commitment[static 32],
                      enum dt_answer answer, struct dt_record_draft *out, struct dt_record *subject)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter letter = {0};
    enum dt_err err;

    if ((err = dt_agent_record(a, commitment, &r)) != DT_OK ||
        (err = dt_agent_letter_own(a, &letter)) != DT_OK ||
        (err = dt_answer_draft(out, a->templates, answer, &r, &letter, dt_agent_now(a))) != DT_OK)
        return err;
    if ((err = dt_record_draft_destroy(out, r.destroy_after_ms)) != DT_OK) {
        dt_record_draft_clear(out);
        return err;
    }
    *subject = r;
    r = (struct dt_record){0};
    return DT_OK;
}

/* What the letter must allow for this template. */
static enum dt_err
check_right(const struct dt_agent *a, const struct dt_letter *letter,
            const struct dt_template *tmpl)
{
    bool consent = dt_answer_of(dt_template_id(tmpl)) == DT_ANSWER_CONSENT;
    enum dt_err err = dt_letter_check_now(a, letter);

    if (err == DT_OK)
        err = dt_letter_check_rights(letter,
                                     DT_RIGHT_BIT(consent ? DT_RIGHT_CONSENT : DT_RIGHT_RECORD));
    return dt_fail_context(err, "our letter of credence");
}

/* What an answer names in the record that it is about, as far as that is here. */
static enum dt_err
check_answer(struct dt_agent *a, const struct dt_record *r)
{
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    const uint8_t *about = NULL;
    enum dt_err err;

    if (dt_record_answer(r, &about) == DT_ANSWER_NONE)
        return DT_OK;
    err = dt_agent_record(a, about, &subject);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    /* It says what its subject says, or may: it is not to outlive that. */
    if (err == DT_OK && subject.destroy_after_ms != 0 &&
        (r->destroy_after_ms == 0 || r->destroy_after_ms > subject.destroy_after_ms))
        return dt_fail(DT_ERR_REFUSED,
                       "an answer is kept no longer than the record that it is about");
    return dt_answer_check_slots(r, err == DT_OK ? &subject : NULL);
}

static enum dt_err
send_record(struct dt_agent *a, const uint8_t group_id[static 32],
            const struct dt_record_draft *draft, unsigned int how,
            uint8_t out_commitment[static 32])
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter letter = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf encoded = DT_BUF_INIT(DT_RECORD_MAX);
    struct dt_store *s = dt_agent_store(a);
    struct dt_payload p = {.kind = DT_PAYLOAD_RECORD};
    enum dt_err err;

    p.sent_ms = dt_agent_now(a);
    if ((err = dt_record_draft_check(draft)) != DT_OK ||
        (err = dt_agent_letter_own(a, &letter)) != DT_OK ||
        (err = check_right(a, &letter, draft->tmpl)) != DT_OK ||
        (err = dt_record_make(draft, dt_secret_view(&a->delegate_seed), &r)) != DT_OK ||
        (err = dt_record_check_channel(&r, group_id)) != DT_OK ||
        ((how & DT_SEND_DESPITE_COUNT) == 0 && (err = dt_agent_tally_check(a, &r)) != DT_OK) ||
        (err = dt_carried_check_own(a, &r)) != DT_OK || (err = check_answer(a, &r)) != DT_OK ||
        (err = dt_record_encode(&r, &encoded)) != DT_OK ||
        (err = dt_random(p.id, sizeof p.id)) != DT_OK)
        return err;
    p.record = dt_buf_view(&encoded);

    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    if ((err = keep(a, ALL, group_id, &r, dt_buf_view(&encoded))) == DT_OK &&
        (err = dt_channel_send(a, group_id, &p)) == DT_OK)
        err = (how & DT_SEND_URGENT) != 0 ? dt_agent_register_submit_urgent(a, r.seal)
                                          : dt_agent_register_submit(a, r.seal);
    err = dt_store_end(s, err);
    if (err == DT_OK)
        memcpy(out_commitment, r.commitment, 32);
    return err;
}

enum dt_err
dt_agent_record_send(struct dt_agent *a, const uint8_t group_id[static 32],
                     const struct dt_record_draft *draft, uint8_t out_commitment[static 32])
{
    return send_record(a, group_id, draft, 0, out_commitment);
}

enum dt_err
dt_agent_record_send_urgent(struct dt_agent *a, const uint8_t group_id[static 32],
                            const struct dt_record_draft *draft, uint8_t out_commitment[static 32])
{
    return send_record(a, group_id, draft, DT_SEND_URGENT, out_commitment);
}

enum dt_err
dt_agent_record_send_as(struct dt_agent *a, const uint8_t group_id[static 32],
                        const struct dt_record_draft *draft, unsigned int how,
                        uint8_t out_commitment[static 32])
{
    return send_record(a, group_id, draft, how, out_commitment);
}

enum dt_err
dt_agent_records_send(struct dt_agent *a, const uint8_t group_id[static 32],
                      const struct dt_record_draft *drafts, size_t n, unsigned int how,
                      uint8_t (*out)[32])
{
    struct dt_store *s = dt_agent_store(a);
    enum dt_err err = dt_store_begin(s);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < n && err == DT_OK; i++) {
        if (a->go_on != NULL && !a->go_on(a->go_on_ctx, i, n))
            err = dt_fail(DT_ERR_STATE, "stopped; nothing was done");
        else
            err = send_record(a, group_id, &drafts[i], how, out[i]);
    }
    return dt_store_end(s, err);
}

/*
 * A record like any other, so that its seal is as any other, and that it was cover can be proven
 * when that is wanted. It names no channel, for it is in none: 32 zero bytes are no group's id.
 */
enum dt_err
dt_record_cover(struct dt_agent *a, uint8_t out_seal[static 32])
{
    static const uint8_t nowhere[32];
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter letter = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf encoded = DT_BUF_INIT(DT_RECORD_MAX);
    enum dt_err err;

    if ((err = dt_agent_letter_own(a, &letter)) != DT_OK ||
        (err = dt_record_draft_init(&d, dt_templates_get_str(a->templates, "cover"), &letter,
                                    nowhere, dt_agent_now(a))) != DT_OK ||
        (err = dt_record_make(&d, dt_secret_view(&a->delegate_seed), &r)) != DT_OK ||
        (err = dt_record_encode(&r, &encoded)) != DT_OK ||
        (err = keep(a, COVER, nowhere, &r, dt_buf_view(&encoded))) != DT_OK)
        return err;
    memcpy(out_seal, r.seal, 32);
    return DT_OK;
}

/* ---- receiving ---- */

/* One that came late may be of before its author's root was replaced; the register says so. */
static enum dt_err
check_root(struct dt_agent *a, const struct dt_record *r)
{
    struct dt_counting counting;
    bool counts = true;
    enum dt_err err;

    if ((err = dt_counting_begin(a, &counting)) != DT_OK ||
        (err = dt_record_counts(a, r, &counting, &counts)) != DT_OK)
        return err;
    return counts ? DT_OK
                  : dt_fail(DT_ERR_EXPIRED, "its author's letter is of a root that was replaced "
                                            "before its entry in the register");
}

/* Everything that must hold before a record is kept: it is whole, of this channel, and by who sent
 * it. */
static enum dt_err
check_received(struct dt_agent *a, const struct dt_incoming *in, struct dt_record *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter author = {0};
    const struct dt_letter *l = in->letter;
    enum dt_err err;

    if ((err = dt_record_decode(in->payload->record, a->templates, out)) != DT_OK ||
        (err = dt_record_check_channel(out, in->group_id)) != DT_OK)
        return err;
    /* A renewed letter is another letter of the same delegate key. */
    if (memcmp(out->author.letter, l->hash, 32) != 0) {
        if ((err = dt_letter_load(a, out->author.letter, &author, NULL, NULL)) != DT_OK)
            return err;
        l = &author;
    }
    if (memcmp(in->letter->key, l->key, sizeof l->key) != 0)
        return dt_fail(DT_ERR_AUTH, "its author is not the member who sent it");
    /* The time that counts is its register entry's, which is not known yet. */
    if ((err = dt_record_check_author(out, &a->charter, l, 0)) != DT_OK ||
        (err = check_root(a, out)) != DT_OK)
        return err;
    return check_answer(a, out);
}

enum dt_err
dt_record_receive(struct dt_agent *a, const struct dt_incoming *in)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    struct dt_person who;
    bool there = false;
    enum dt_err err = check_received(a, in, &r);

    if (err == DT_ERR_UNSUPPORTED && !in->own) {
        bool known = false;

        /* A kind that is not known here: kept as it came, until its template is there. */
        err = dt_raw_keep(a, in, &known);
        if (err == DT_OK && !known)
            return DT_OK;
        if (err == DT_OK)
            err = check_received(a, in, &r);
    }
    if (err != DT_OK && dt_err_is_local(err))
        return err;
    if (err != DT_OK) {
        char why[160];

        (void)snprintf(why, sizeof why, "%s", dt_err_message()); /* before it is another one's */
        dt_person_from(a, in->letter, in->party, &who);
        return dt_alarm_add(a, DT_ALARM_CELL, in->group_id, in->position, &who,
                            "a record was not taken: %s", why);
    }
    err = dt_store_has(a->store, "record", dt_view_of(r.commitment), &there);
    if (err != DT_OK || there || in->own || (err = dt_trace_is(a, r.commitment, &there)) != DT_OK ||
        there)
        return err;
    if ((err = dt_letter_keep(a, in->letter, in->party, in->letter_bytes)) != DT_OK)
        return err;
    dt_person_from(a, in->letter, in->party, &who);
    if ((err = dt_register_await(a, r.seal, in->letter->hash)) != DT_OK ||
        (err = dt_carried_received(a, &r, &who, in->position)) != DT_OK)
        return err;
    return keep(a, ALL, in->group_id, &r, in->payload->record);
}

/* ---- reading ---- */

/* By our clock it should be gone: it is shown no more. */
static bool
is_past(const struct dt_agent *a, const struct dt_record *r, uint64_t received_ms)
{
    return r->destroy_after_ms != 0 &&
           dt_agent_now(a) >= dt_destroy_due(received_ms, r->time_ms, r->destroy_after_ms);
}

const struct dt_templates *
dt_agent_templates(struct dt_agent *a)
{
    return a->templates;
}

enum dt_err
dt_agent_record(struct dt_agent *a, const uint8_t commitment[static 32], struct dt_record *out)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    uint8_t group_id[32];
    uint64_t seq = 0, received_ms = 0;
    enum dt_err err = dt_record_place(a, commitment, &r, group_id, &seq, &received_ms);

    if (err != DT_OK)
        return err;
    if (is_past(a, &r, received_ms))
        return dt_fail(DT_ERR_EXPIRED, "its time is over: it is destroyed by rule");
    *out = r;
    r = (struct dt_record){0};
    return DT_OK;
}

enum dt_err
dt_record_place(struct dt_agent *a, const uint8_t commitment[static 32], struct dt_record *out,
                uint8_t out_group_id[static 32], uint64_t *out_seq, uint64_t *out_received_ms)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf row = DT_BUF_INIT(ROW_MAX);
    struct kept k;
    bool gone = false;
    enum dt_err err;

    err = dt_store_get_row(dt_agent_store(a), "record", dt_view(commitment, 32), out_seq, &row);
    if (err == DT_ERR_NOT_FOUND && (err = dt_trace_is(a, commitment, &gone)) == DT_OK)
        return gone ? dt_fail(DT_ERR_NOT_FOUND, "the record was destroyed by rule")
                    : dt_fail(DT_ERR_NOT_FOUND, "no such record here");
    if (err != DT_OK || (err = kept_read(dt_buf_view(&row), &k)) != DT_OK)
        return err;
    memcpy(out_group_id, k.group_id, 32);
    *out_received_ms = k.received_ms;
    return dt_record_decode(k.record, a->templates, out);
}

enum dt_err
dt_agent_record_number(struct dt_agent *a, const uint8_t commitment[static 32], uint64_t *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf row = DT_BUF_INIT(ROW_MAX);
    uint64_t seq = 0;
    enum dt_err err =
        dt_store_get_row(dt_agent_store(a), "record", dt_view(commitment, 32), &seq, &row);

    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(err, "no such record here");
    *out = seq + 1;
    return err;
}

enum dt_err
dt_record_next(struct dt_agent *a, uint64_t at, uint64_t *out_seq, struct dt_record *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct kept k;
    enum dt_err err = dt_store_next(dt_agent_store(a), "record", dt_view_str(ALL), at, &row);

    if (err != DT_OK || (err = kept_read(dt_buf_view(&row.value), &k)) != DT_OK)
        return err;
    *out_seq = row.seq;
    return dt_record_decode(k.record, a->templates, out);
}

enum dt_err
dt_agent_record_received(struct dt_agent *a, const uint8_t commitment[static 32], uint64_t *out_ms)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf row = DT_BUF_INIT(ROW_MAX);
    struct kept k;
    enum dt_err err;

    err = dt_store_get_blob(dt_agent_store(a), "record", dt_view(commitment, 32), &row);
    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(err, "no such record here");
    if (err != DT_OK || (err = kept_read(dt_buf_view(&row), &k)) != DT_OK)
        return err;
    *out_ms = k.received_ms;
    return DT_OK;
}

void
dt_agent_facts_free(struct dt_agent_facts *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n; i++)
        dt_record_clear(&f->records[i]);
    dt_free(f->records);
    dt_free(f->facts);
    dt_free(f->numbers);
    *f = (struct dt_agent_facts){0};
}

/* Append the records of ${list}, from place ${at} on, to ${f}, which has room for them: those that
 * count, or the others, whose author's root had been replaced. */
static enum dt_err
facts_of(struct dt_agent *a, const char *list, uint64_t at, uint64_t count, bool counting,
         struct dt_agent_facts *f)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct dt_store *s = dt_agent_store(a);
    const size_t end = f->n + (size_t)count;
    struct dt_entry_info entry;
    struct dt_counting rule;
    struct kept k;
    bool counts = true;
    enum dt_err err = dt_counting_begin(a, &rule);

    if (err != DT_OK)
        return err;
    while (f->n < end && (err = dt_store_next(s, "record", dt_view_str(list), at, &row)) == DT_OK) {
        struct dt_record *r = &f->records[f->n];

        if ((err = kept_read(dt_buf_view(&row.value), &k)) != DT_OK ||
            (err = dt_record_decode(k.record, a->templates, r)) != DT_OK)
            return err;
        at = row.seq + 1;
        if (is_past(a, r, k.received_ms)) {
            dt_record_clear(r);
            continue;
        }
        f->n++; /* from here on it is cleared with the rest */
        if ((err = dt_record_counts(a, r, &rule, &counts)) != DT_OK)
            return err;
        if (counts != counting) {
            dt_record_clear(r);
            f->n--;
            continue;
        }
        if ((err = dt_agent_entry(a, r->seal, &entry)) != DT_OK)
            return err;
        f->numbers[f->n - 1] = row.seq + 1;
        f->facts[f->n - 1].record = r;
        f->facts[f->n - 1].entry =
            entry.standing == DT_ENTRY_WAITING ? DT_ENTRY_UNKNOWN : entry.index;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
facts_room(struct dt_agent_facts *f, uint64_t n)
{
    f->records = dt_alloc((size_t)n, sizeof *f->records);
    f->facts = dt_alloc((size_t)n, sizeof *f->facts);
    f->numbers = dt_alloc((size_t)n, sizeof *f->numbers);
    return f->records == NULL || f->facts == NULL || f->numbers == NULL ? dt_nomem() : DT_OK;
}

static enum dt_err
facts_get(struct dt_agent *a, bool records, bool cover, bool counting, struct dt_agent_facts *out)
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
    struct dt_store *s = dt_agent_store(a);
    uint64_t n_records = 0, n_cover = 0;
    enum dt_err err = DT_OK;

    if ((records && (err = dt_store_count(s, "record", dt_view_str(ALL), &n_records)) != DT_OK) ||
        (cover && (err = dt_store_count(s, "record", dt_view_str(COVER), &n_cover)) != DT_OK))
        return err;
    if ((err = facts_room(&f, n_records + n_cover)) != DT_OK ||
        (err = facts_of(a, ALL, 0, n_records, counting, &f)) != DT_OK ||
        (err = facts_of(a, COVER, 0, n_cover, counting, &f)) != DT_OK)
        return err;
    *out = f;
    /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): cleared on leaving */
    f = (struct dt_agent_facts){0};
    return DT_OK;
}

enum dt_err
dt_agent_facts(struct dt_agent *a, struct dt_agent_facts *out)
{
    return facts_get(a, true, false, true, out);
}

enum dt_err
dt_agent_facts_from(struct dt_agent *a, uint64_t number, struct dt_agent_facts *out)
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    const uint64_t from = number > 0 ? number - 1 : 0;
    uint64_t n = 0;
    enum dt_err err = dt_store_last(dt_agent_store(a), "record", dt_view_str(ALL), &row);

    if (err == DT_OK && row.seq >= from)
        n = row.seq - from + 1;
    if ((err != DT_OK && err != DT_ERR_NOT_FOUND) || (err = facts_room(&f, n)) != DT_OK ||
        (err = facts_of(a, ALL, from, n, true, &f)) != DT_OK)
        return err;
    *out = f;
    /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): cleared on leaving */
    f = (struct dt_agent_facts){0};
    return DT_OK;
}

enum dt_err
dt_agent_last_record(struct dt_agent *a, uint64_t *out_number)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_last(dt_agent_store(a), "record", dt_view_str(ALL), &row);

    if (err == DT_OK || err == DT_ERR_NOT_FOUND)
        *out_number = err == DT_OK ? row.seq + 1 : 0;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_agent_facts_with_cover(struct dt_agent *a, struct dt_agent_facts *out)
{
    return facts_get(a, true, true, true, out);
}

enum dt_err
dt_agent_facts_of_cover(struct dt_agent *a, struct dt_agent_facts *out)
{
    return facts_get(a, false, true, true, out);
}

enum dt_err
dt_agent_facts_that_do_not_count(struct dt_agent *a, struct dt_agent_facts *out)
{
    return facts_get(a, true, false, false, out);
}
