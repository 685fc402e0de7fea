/*
 * agent/records/trace.c - see trace.h.
 *
 * Table "trace": commitment, parent "all", seq = the record's -> group id, letter hash of the
 * author, received, destroyed, what is left. Table "destroyed": commitment, delegate key; parent
 * the commitment -> a delegate's word.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "base/wire.h"

#include "agent/keep/destroy.h"
#include "agent/records/due.h"
#include "agent/records/trace.h"
#include "agent/sync/outbox.h"
#include "record/trace_proof.h"

#define ALL     "all"
#define ROW_MAX 1024u

/* ---- rows ---- */

enum dt_err
dt_trace_is(struct dt_agent *a, const uint8_t commitment[static 32], bool *out)
{
    return dt_store_has(a->store, "trace", dt_view(commitment, 32), out);
}

enum dt_err
dt_record_next_seq(struct dt_agent *a, uint64_t *out)
{
    uint64_t records = 0, traces = 0;
    enum dt_err err = dt_store_next_seq(a->store, "record", dt_view_str(ALL), &records);

    if (err == DT_OK)
        err = dt_store_next_seq(a->store, "trace", dt_view_str(ALL), &traces);
    *out = records > traces ? records : traces;
    return err;
}

/* A row of table "trace". */
struct row {
    uint8_t group_id[32], letter[32];
    uint64_t received_ms, destroyed_ms;
    struct dt_view trace;
};

static enum dt_err
row_read(struct dt_view v, struct row *out)
{
    struct dt_reader r = dt_reader_init(v);
    enum dt_err err;

    if ((err = dt_read_fixed(&r, out->group_id, 32)) == DT_OK &&
        (err = dt_read_fixed(&r, out->letter, 32)) == DT_OK &&
        (err = dt_read_u64(&r, &out->received_ms)) == DT_OK &&
        (err = dt_read_u64(&r, &out->destroyed_ms)) == DT_OK &&
        (err = dt_read_vec(&r, DT_TRACE_MAX, &out->trace)) == DT_OK)
        err = dt_read_end(&r);
    return dt_fail_context(err, "a trace in the store");
}

static enum dt_err
word_keep(struct dt_agent *a, const struct dt_destroyed *d, const uint8_t key[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_DESTROYED_LEN);
    const struct dt_view parent = dt_view_of(d->commitment);
    uint8_t name[64];
    uint64_t seq = 0;
    bool there = false;
    enum dt_err err;

    memcpy(name, d->commitment, 32);
    memcpy(name + 32, key, 32);
    if ((err = dt_store_has(a->store, "destroyed", dt_view_of(name), &there)) != DT_OK || there ||
        (err = dt_destroyed_encode(d, &b)) != DT_OK ||
        (err = dt_store_next_seq(a->store, "destroyed", parent, &seq)) != DT_OK)
        return err;
    return dt_store_put(a->store, "destroyed", dt_view_of(name), parent, seq, dt_buf_view(&b));
}

/* ---- destroying ---- */

/* The commitments of all that something is owed about by now; zeros before them, so that it is not
 * looked for twice. */
static enum dt_err
find_owed(struct dt_agent *a, struct dt_buf *owed)
{
    DT_CLEANUP(dt_agent_due_clear) struct dt_agent_due due = {0};
    static const uint8_t none[32];
    enum dt_err err = dt_buf_append(owed, dt_view_of(none));

    if (err != DT_OK || (err = dt_agent_due(a, dt_agent_now(a), false, &due)) != DT_OK)
        return err;
    for (size_t i = 0; i < due.n; i++) {
        const struct dt_due *d = &due.list[i];

        if (d->subject == DT_DUE_NONE || (d->code != DT_DUE_DUE && d->code != DT_DUE_OVERDUE))
            continue;
        if ((err = dt_buf_append(owed, dt_view_of(due.state.items[d->subject].commitment))) !=
            DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
is_owed(struct dt_agent *a, struct dt_view commitment, struct dt_buf *owed, bool *out)
{
    enum dt_err err = owed->n == 0 ? find_owed(a, owed) : DT_OK;

    *out = false;
    for (size_t at = 0; err == DT_OK && at < owed->n && !*out; at += 32)
        *out = memcmp(owed->p + at, commitment.p, 32) == 0;
    return err;
}

/* Does ${p}, which was not sent or not read back, hold the record ${ctx}? */
static bool
holds(void *ctx, const struct dt_payload *p)
{
    const struct dt_view *record = ctx;

    return p->kind == DT_PAYLOAD_RECORD && dt_view_equal(p->record, *record);
}

static enum dt_err
say(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t commitment[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf word = DT_BUF_INIT(DT_DESTROYED_LEN);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_destroyed d = {.when_ms = dt_agent_now(a)};
    struct dt_payload p = {.kind = DT_PAYLOAD_RECORD_DESTROYED, .sent_ms = d.when_ms};
    enum dt_err err;

    if (!a->has_letter)
        return DT_OK;
    memcpy(d.forum, a->forum, 32);
    memcpy(d.commitment, commitment, 32);
    memcpy(d.letter, a->letter.hash, 32);
    if ((err = dt_destroyed_sign(&d, dt_secret_view(&a->delegate_seed))) != DT_OK ||
        (err = word_keep(a, &d, a->delegate_pub)) != DT_OK ||
        (err = dt_channel_load_row(a, group_id, &ch)) != DT_OK || ch.state != DT_CHANNEL_LIVE ||
        (err = dt_destroyed_encode(&d, &word)) != DT_OK ||
        (err = dt_random(p.id, sizeof p.id)) != DT_OK)
        return err;
    p.destroyed = dt_buf_view(&word);
    return dt_channel_send(a, group_id, &p);
}

/* The trace of ${r}, in the place of its row. What is due is counted anew without it. */
static enum dt_err
replace(struct dt_agent *a, const struct dt_record *r, const uint8_t group_id[static 32],
        uint64_t seq, uint64_t received_ms)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf trace = DT_BUF_INIT(DT_TRACE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf row = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&row);
    struct dt_trace t;
    enum dt_err err;

    if ((err = dt_trace_of(r, &t)) != DT_OK || (err = dt_trace_encode(&t, &trace)) != DT_OK)
        return err;
    dt_write_view(&w, dt_view(group_id, 32));
    dt_write_view(&w, dt_view_of(r->author.letter));
    dt_write_u64(&w, received_ms);
    dt_write_u64(&w, dt_agent_now(a));
    dt_write_vec(&w, dt_buf_view(&trace));
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_store_del(a->store, "record", dt_view_of(r->commitment))) != DT_OK ||
        (err = dt_store_del_parent(a->store, "due", dt_view_str("items"))) != DT_OK)
        return err;
    err = dt_store_del(a->store, "due", dt_view_str("head"));
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    return dt_store_put(a->store, "trace", dt_view_of(r->commitment), dt_view_str(ALL), seq,
                        dt_buf_view(&row));
}

enum dt_err
dt_record_destroy(struct dt_agent *a, struct dt_view commitment, uint64_t due_ms,
                  struct dt_buf *owed_about, uint64_t *out_again_ms)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf encoded = DT_BUF_INIT(DT_RECORD_MAX);
    struct dt_entry_info entry;
    struct dt_view record;
    uint8_t group_id[32];
    uint64_t seq = 0, received_ms = 0, now = dt_agent_now(a);
    bool owed = false;
    enum dt_err err;

    *out_again_ms = 0;
    if ((err = dt_record_place(a, commitment.p, &r, group_id, &seq, &received_ms)) != DT_OK ||
        (err = dt_agent_entry(a, r.seal, &entry)) != DT_OK ||
        (err = is_owed(a, commitment, owed_about, &owed)) != DT_OK)
        return err;
    if ((owed || entry.standing == DT_ENTRY_WAITING) && now < due_ms + r.destroy_after_ms) {
        *out_again_ms = now + DT_MS_HOUR < due_ms + r.destroy_after_ms
                            ? now + DT_MS_HOUR
                            : due_ms + r.destroy_after_ms;
        return DT_OK;
    }
    if ((err = dt_record_encode(&r, &encoded)) != DT_OK)
        return err;
    record = dt_buf_view(&encoded);
    if ((err = replace(a, &r, group_id, seq, received_ms)) != DT_OK ||
        (err = dt_outbox_drop(a, group_id, holds, &record)) != DT_OK)
        return err;
    return say(a, group_id, r.commitment);
}

/* ---- others' word ---- */

enum dt_err
dt_trace_word_take(struct dt_agent *a, const struct dt_incoming *in)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter renewed = {0};
    const struct dt_letter *l = in->letter;
    struct dt_destroyed d;
    bool record = false, trace = false;
    enum dt_err err = dt_destroyed_decode(in->payload->destroyed, &d);

    if (err != DT_OK)
        return err;
    /* A renewed letter is another letter of the same delegate key. */
    if (memcmp(d.letter, l->hash, 32) != 0) {
        if ((err = dt_letter_load(a, d.letter, &renewed, NULL, NULL)) != DT_OK)
            return err;
        l = &renewed;
    }
    if (memcmp(d.forum, a->forum, 32) != 0 || memcmp(l->key, in->letter->key, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "word that a record is destroyed, not its sender's");
    if ((err = dt_destroyed_verify(&d, in->letter->key)) != DT_OK ||
        (err = dt_store_has(a->store, "record", dt_view_of(d.commitment), &record)) != DT_OK ||
        (err = dt_trace_is(a, d.commitment, &trace)) != DT_OK || (!record && !trace))
        return err; /* of what we never had nothing is kept */
    if ((err = dt_letter_keep(a, in->letter, in->party, in->letter_bytes)) != DT_OK)
        return err;
    return word_keep(a, &d, in->letter->key);
}

/* ---- listing ---- */

enum dt_err
dt_agent_traces(struct dt_agent *a, const uint8_t *group_id, struct dt_trace_info **out,
                size_t *out_n)
{
    DT_CLEANUP(dt_free_p) struct dt_trace_info *list = NULL;
    uint64_t count = 0, at = 0;
    size_t n = 0;
    enum dt_err err = dt_store_count(a->store, "trace", dt_view_str(ALL), &count);

    if (err != DT_OK)
        return err;
    list = dt_alloc((size_t)count + 1, sizeof *list);
    if (list == NULL)
        return dt_nomem();
    while (n < count) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        struct dt_trace_info *x = &list[n];
        bool known = false;
        struct row t;

        if ((err = dt_store_next(a->store, "trace", dt_view_str(ALL), at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        if ((err = row_read(dt_buf_view(&row.value), &t)) != DT_OK)
            return err;
        if (group_id != NULL && memcmp(t.group_id, group_id, 32) != 0)
            continue;
        x->number = row.seq + 1;
        memcpy(x->group_id, t.group_id, 32);
        x->received_ms = t.received_ms;
        x->destroyed_ms = t.destroyed_ms;
        if ((err = dt_trace_decode(t.trace, a->forum, &x->trace)) != DT_OK ||
            (err = dt_person_by_hash(a, t.letter, &known, &x->author)) != DT_OK ||
            (err = dt_agent_entry(a, x->trace.seal, &x->entry)) != DT_OK)
            return err;
        n++;
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    *out = list;
    *out_n = n;
    list = NULL;
    return DT_OK;
}

enum dt_err
dt_agent_trace_words(struct dt_agent *a, const uint8_t commitment[static 32],
                     struct dt_trace_word **out, size_t *out_n)
{
    const struct dt_view parent = dt_view(commitment, 32);
    DT_CLEANUP(dt_free_p) struct dt_trace_word *list = NULL;
    uint64_t count = 0, at = 0;
    size_t n = 0;
    enum dt_err err = dt_store_count(a->store, "destroyed", parent, &count);

    if (err != DT_OK)
        return err;
    list = dt_alloc((size_t)count + 1, sizeof *list);
    if (list == NULL)
        return dt_nomem();
    for (; n < count; n++) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        bool known = false;

        if ((err = dt_store_next(a->store, "destroyed", parent, at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        if ((err = dt_destroyed_decode(dt_buf_view(&row.value), &list[n].word)) != DT_OK ||
            (err = dt_person_by_hash(a, list[n].word.letter, &known, &list[n].who)) != DT_OK)
            return err;
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    *out = list;
    *out_n = n;
    list = NULL;
    return DT_OK;
}

/* ---- to show ---- */

struct proof_parts {
    struct dt_letter letters[DT_TRACE_WORDS + 1];
    const struct dt_letter *of[DT_TRACE_WORDS + 1];
    struct dt_destroyed words[DT_TRACE_WORDS];
    size_t n_letters, n_words;
};

static void
parts_free_p(struct proof_parts **p)
{
    for (size_t i = 0; *p != NULL && i < (*p)->n_letters; i++)
        dt_letter_clear(&(*p)->letters[i]);
    dt_free(*p);
}

static enum dt_err
add_letter(struct dt_agent *a, struct proof_parts *p, const uint8_t hash[static 32])
{
    enum dt_err err;

    for (size_t i = 0; i < p->n_letters; i++)
        if (memcmp(p->letters[i].hash, hash, 32) == 0)
            return DT_OK;
    if ((err = dt_letter_load(a, hash, &p->letters[p->n_letters], NULL, NULL)) != DT_OK)
        return dt_fail_context(err, "the letter of an author");
    p->of[p->n_letters] = &p->letters[p->n_letters];
    p->n_letters++;
    return DT_OK;
}

enum dt_err
dt_agent_trace_proof(struct dt_agent *a, const uint8_t commitment[static 32], struct dt_buf *out)
{
    DT_CLEANUP(parts_free_p) struct proof_parts *p = dt_alloc(1, sizeof *p);
    DT_CLEANUP(dt_buf_clear) struct dt_buf blob = DT_BUF_INIT(ROW_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf tlog_proof = DT_BUF_INIT(DT_TLOG_PROOF_MAX);
    DT_CLEANUP(dt_free_p) struct dt_trace_word *words = NULL;
    struct dt_trace_proof_in in = {.charter = &a->charter};
    struct dt_trace trace;
    struct row row;
    size_t n = 0;
    enum dt_err err;

    if (p == NULL)
        return dt_nomem();
    err = dt_store_get_blob(a->store, "trace", dt_view(commitment, 32), &blob);
    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(err, "no such record was destroyed here");
    if (err != DT_OK || (err = row_read(dt_buf_view(&blob), &row)) != DT_OK ||
        (err = dt_trace_decode(row.trace, a->forum, &trace)) != DT_OK ||
        (err = add_letter(a, p, row.letter)) != DT_OK ||
        (err = dt_agent_trace_words(a, commitment, &words, &n)) != DT_OK)
        return err;
    for (size_t i = 0; i < n && p->n_words < DT_TRACE_WORDS; i++) {
        if ((err = add_letter(a, p, words[i].word.letter)) != DT_OK)
            return err;
        p->words[p->n_words++] = words[i].word;
    }
    err = dt_agent_entry_proof(a, trace.seal, &tlog_proof, &in.first);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    in.trace = &trace;
    in.tlog_proof = dt_buf_view(&tlog_proof);
    in.letters = p->of;
    in.n_letters = p->n_letters;
    in.words = p->words;
    in.n_words = p->n_words;
    return dt_trace_proof_build(&in, out);
}

enum dt_err
dt_agent_trace_find(struct dt_agent *a, const char *text, uint8_t out_commitment[static 32])
{
    DT_CLEANUP(dt_free_p) struct dt_trace_info *list = NULL;
    uint64_t number = 0;
    size_t n = 0, found = 0;
    bool is_entry = false, is_number;
    enum dt_err err = dt_entry_named(text, &number, &is_entry);

    if (err != DT_OK || (err = dt_agent_traces(a, NULL, &list, &n)) != DT_OK)
        return err;
    is_number = !is_entry && strlen(text) < 6 &&
                dt_decimal_read(dt_view_str(text), UINT32_MAX, &number) == DT_OK;
    for (size_t i = 0; i < n; i++) {
        char hex[65];

        dt_hex_str(hex, dt_view_of(list[i].trace.commitment));
        if (is_entry ? list[i].entry.standing == DT_ENTRY_WAITING || list[i].entry.index != number
            : is_number ? list[i].number != number
                        : strlen(text) < 6 || strncmp(hex, text, strlen(text)) != 0)
            continue;
        memcpy(out_commitment, list[i].trace.commitment, 32);
        found++;
    }
    if (found > 1)
        return dt_fail(DT_ERR_CONFLICT, "more than one record begins with %s", text);
    return found == 1 ? DT_OK : dt_fail(DT_ERR_NOT_FOUND, "no such record was destroyed here");
}
