/*
 * agent/records/due.c - see due.h.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/channel/channel.h"
#include "agent/core.h"
#include "agent/records/due_store.h"
#include "agent/register/store.h"
#include "agent/talk/line_log.h"

/* Records that one transaction takes in: others wait for it to end. */
#define PER_TRANSACTION 1024u

void
dt_agent_due_clear(struct dt_agent_due *d)
{
    dt_due_clear(&d->state);
    dt_free(d->channels);
    dt_free(d->group_ids);
    dt_free(d->outages);
    dt_free(d->list);
    *d = (struct dt_agent_due){0};
}

/* ---- what came since the last call ---- */

static enum dt_err
take_record(struct dt_agent *a, struct dt_due_kept *k, uint64_t seq, const struct dt_record *r)
{
    size_t party = 0;
    uint16_t channel = 0;
    enum dt_err err;

    if (dt_charter_party_by_id(&a->charter, r->author.party, &party) != DT_OK)
        return DT_OK; /* of nobody in this forum: it was never taken in */
    if ((err = dt_due_kept_channel(k, r->channel, &channel)) != DT_OK ||
        (err = dt_due_add(&k->state, r, (uint8_t)party, channel)) != DT_OK)
        return err;
    k->state.items[k->state.n - 1].number = (uint32_t)(seq + 1);
    return dt_due_kept_touch(k, k->state.n - 1);
}

/* Take in records, not more than one transaction should; *${out_more} when that was all it could.
 */
static enum dt_err
take_new(struct dt_agent *a, struct dt_due_kept *k, size_t *taken, bool *out_more)
{
    struct dt_counting rule;
    bool counts = true;
    size_t n = 0;
    enum dt_err err = dt_counting_begin(a, &rule);

    if (err != DT_OK)
        return err;
    for (; n < PER_TRANSACTION; n++) {
        DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
        uint64_t seq = 0;

        err = dt_record_next(a, k->next, &seq, &r);
        if (err != DT_OK && err != DT_ERR_UNSUPPORTED)
            break;
        /* A template that is not known here says nothing of deadlines; when it is, all is read
         * anew. */
        if (err == DT_OK && ((err = dt_record_counts(a, &r, &rule, &counts)) != DT_OK ||
                             (counts && (err = take_record(a, k, seq, &r)) != DT_OK)))
            return err;
        k->next = seq + 1;
    }
    *taken += n;
    *out_more = n == PER_TRANSACTION;
    return err == DT_ERR_NOT_FOUND || err == DT_ERR_UNSUPPORTED ? DT_OK : err;
}

/* Times under one checkpoint, of each party's point of view. */
struct note_times {
    uint64_t size; /* of its tree; 0: none was read */
    uint64_t ms[DT_CHARTER_PARTIES];
};

static enum dt_err
read_times(struct dt_agent *a, uint64_t entry, struct note_times *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    uint64_t size = 0;
    enum dt_err err = dt_register_note_first(a, entry, &size, NULL);

    if (err != DT_OK || size == t->size)
        return err;
    if ((err = dt_register_note_first(a, entry, &size, &note)) == DT_OK &&
        (err = dt_register_note_times(a, dt_buf_view(&note), t->ms)) == DT_OK)
        t->size = size;
    return err;
}

/* What the register says by now of those whose time was not known. */
static enum dt_err
take_times(struct dt_agent *a, struct dt_due_kept *k, bool *out_changed)
{
    struct note_times t = {0};
    uint64_t attested = 0;
    enum dt_err err = dt_register_note_last(a, "attested", &attested, NULL);

    if (err == DT_ERR_NOT_FOUND)
        err = DT_OK;
    for (size_t i = 0; i < k->state.n && err == DT_OK; i++) {
        struct dt_due_item *it = &k->state.items[i];
        uint64_t entry = it->entry, ms = 0;

        if (it->witnessed_ms != 0)
            continue;
        if (entry == UINT64_MAX && (err = dt_register_index_of(a, it->seal, &entry)) != DT_OK) {
            if (err == DT_ERR_NOT_FOUND)
                err = DT_OK;
            continue;
        }
        if (entry < attested && (err = read_times(a, entry, &t)) == DT_OK)
            ms = t.ms[it->party];
        if (err != DT_OK || (entry == it->entry && ms == 0))
            continue;
        dt_due_witness(&k->state, i, entry, ms);
        err = dt_due_kept_touch(k, i);
        *out_changed = true;
    }
    return err;
}

/* Bring ${k} up to what the store holds, and keep it. */
static enum dt_err
catch_up(struct dt_agent *a, struct dt_due_kept *k, size_t *taken)
{
    bool more = true;
    enum dt_err err = DT_OK;

    while (more && err == DT_OK) {
        const size_t before = *taken;
        bool changed = false;

        if ((err = dt_store_begin(a->store)) != DT_OK)
            return err;
        more = false;
        if ((err = dt_due_kept_load(a, k)) == DT_OK &&
            (err = take_new(a, k, taken, &more)) == DT_OK &&
            (more || (err = take_times(a, k, &changed)) == DT_OK) &&
            (*taken != before || changed || k->fresh))
            err = dt_due_kept_save(a, k);
        err = dt_store_end(a->store, err);
        if (err != DT_OK)
            k->loaded = false;
    }
    return err;
}

/* ---- the question ---- */

static uint32_t
sides_of(const struct dt_agent *a)
{
    uint32_t sides = 0;

    for (size_t i = 0; i < a->charter.n_parties; i++)
        if (a->charter.parties[i].kind == DT_PARTY_PARTY)
            sides |= UINT32_C(1) << i;
    return sides;
}

/* A channel that we have left, or that is not here, has no parties: nothing is owed there any more.
 */
static enum dt_err
find_channel(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_due_channel *out)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err = dt_channel_load_row(a, group_id, &ch);

    *out = (struct dt_due_channel){0};
    if (err == DT_ERR_NOT_FOUND || (err == DT_OK && ch.state == DT_CHANNEL_LEFT))
        return DT_OK;
    if (err != DT_OK)
        return err;
    out->founded_ms = ch.founding.created_ms;
    for (size_t p = 0; p < a->charter.n_parties; p++)
        if (dt_founding_has_party(&ch.founding, (uint8_t)p))
            out->parties |= UINT32_C(1) << p;
    return DT_OK;
}

static enum dt_err
ask(struct dt_agent *a, uint64_t until_ms, bool settled, struct dt_agent_due *d)
{
    struct dt_due_question q = {.templates = a->templates,
                                .n_channels = d->n_channels,
                                .sides = sides_of(a),
                                .now_ms = d->now_ms,
                                .until_ms = until_ms,
                                .settled = settled};
    struct dt_line_heard heard = {0};
    enum dt_err err = DT_OK;

    d->channels = dt_alloc(d->n_channels, sizeof *d->channels);
    if (d->channels == NULL)
        return dt_nomem();
    for (size_t i = 0; i < d->n_channels && err == DT_OK; i++)
        if ((err = find_channel(a, d->group_ids + 32 * i, &d->channels[i])) == DT_OK)
            err = dt_line_log_load(a, d->group_ids + 32 * i, (uint16_t)i, &heard,
                                   &d->channels[i].line_until_ms);
    if (err == DT_OK)
        err = dt_due_outages(&d->state, heard.v, heard.n, d->channels, d->n_channels, q.sides,
                             &d->outages, &d->n_outages);
    dt_free(heard.v);
    if (err != DT_OK)
        return err;
    q.channels = d->channels;
    q.outages = d->outages;
    q.n_outages = d->n_outages;
    return dt_due_list(&d->state, &q, &d->list, &d->n);
}

enum dt_err
dt_agent_due(struct dt_agent *a, uint64_t until_ms, bool settled, struct dt_agent_due *out)
{
    DT_CLEANUP(dt_due_kept_clear) struct dt_due_kept k = {0};
    DT_CLEANUP(dt_agent_due_clear)
    struct dt_agent_due d = {.self = (uint8_t)a->party, .now_ms = dt_agent_now(a)};
    enum dt_err err = catch_up(a, &k, &d.taken);

    if (err != DT_OK)
        return err;
    d.state = k.state;
    d.group_ids = k.group_ids;
    d.n_channels = k.n_channels;
    k.state = (struct dt_due_state){0};
    k.group_ids = NULL;
    if ((err = ask(a, until_ms, settled, &d)) != DT_OK)
        return err;
    *out = d;
    /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): cleared on leaving */
    d = (struct dt_agent_due){0};
    return DT_OK;
}

enum dt_err
dt_agent_due_id(struct dt_agent *a, const struct dt_agent_due *due, const struct dt_due *d,
                uint8_t out[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(256);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_view(&w, dt_view_of(a->forum));
    dt_write_view(&w, dt_view(due->group_ids + 32 * (size_t)d->channel, 32));
    dt_write_u8(&w, (uint8_t)d->what);
    dt_write_u8(&w, d->party);
    dt_write_view(&w, dt_view(dt_template_hash(d->tmpl), 32));
    dt_write_u64(&w, d->nth);
    if (d->subject != DT_DUE_NONE)
        dt_write_view(&w, dt_view_of(due->state.items[d->subject].commitment));
    err = dt_writer_end(&w);
    return err != DT_OK ? err : dt_label_hash("due id", dt_buf_view(&b), out);
}

enum dt_err
dt_agent_due_last(struct dt_agent *a, const uint8_t group_id[static 32],
                  const struct dt_template *tmpl, uint64_t *out)
{
    DT_CLEANUP(dt_due_kept_clear) struct dt_due_kept k = {0};
    size_t taken = 0;
    enum dt_err err = catch_up(a, &k, &taken);

    *out = 0;
    for (size_t i = 0; err == DT_OK && i < k.state.n; i++) {
        const struct dt_due_item *it = &k.state.items[i];

        if (it->tmpl == tmpl && it->party == a->party &&
            memcmp(k.group_ids + 32 * (size_t)it->channel, group_id, 32) == 0 &&
            it->written_ms > *out)
            *out = it->written_ms;
    }
    return err;
}
