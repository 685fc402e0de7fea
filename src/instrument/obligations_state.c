/*
 * instrument/obligations_state.c - the items of the fold: taken from records, and as bytes.
 *
 * Source: docs/protocol-record.md, "Obligations"; docs/protocol-agent.md, "What is due".
 */
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "base/wire.h"
#include "instrument/line_test.h"
#include "instrument/obligations.h"

void
dt_due_clear(struct dt_due_state *s)
{
    dt_free(s->items);
    dt_free(s->refs);
    *s = (struct dt_due_state){0};
}

/* Room for one more in ${*p}, of ${size} bytes each. */
static enum dt_err
room_for(void **p, size_t n, size_t *room, size_t size)
{
    size_t more = *room < 64 ? 64 : *room + *room / 2;
    void *grown;

    if (n < *room)
        return DT_OK;
    grown = dt_realloc(*p, more, size);
    if (grown == NULL)
        return dt_nomem();
    *p = grown;
    *room = more;
    return DT_OK;
}

enum dt_err
dt_due_add_item(struct dt_due_state *s, const struct dt_due_item *item, const uint8_t *refs,
                size_t n_refs)
{
    void *items = s->items, *pool = s->refs;
    enum dt_err err;

    if (s->n >= DT_DUE_ITEMS_MAX || n_refs > DT_DUE_REFS)
        return dt_fail(DT_ERR_LIMIT, "more records than can be folded");
    err = room_for(&items, s->n, &s->room, sizeof *s->items);
    s->items = items;
    for (size_t i = 0; i < n_refs && err == DT_OK; i++) {
        err = room_for(&pool, s->n_refs + i, &s->refs_room, 32);
        s->refs = pool;
        if (err == DT_OK)
            memcpy(s->refs + (s->n_refs + i) * 32, refs + i * 32, 32);
    }
    if (err != DT_OK)
        return err;
    s->items[s->n] = *item;
    s->items[s->n].first_ref = (uint32_t)s->n_refs;
    s->items[s->n].n_refs = (uint32_t)n_refs;
    s->n++;
    s->n_refs += n_refs;
    return DT_OK;
}

/* The value of the field named ${name}; empty when it is absent. */
static struct dt_view
value_of(const struct dt_record *r, struct dt_view name, uint8_t *type)
{
    size_t slot = 0;

    if (dt_template_slot_find(r->tmpl, name, &slot) != DT_OK || slot >= r->header.n_slots ||
        r->slots[slot].kind != DT_SLOT_VALUE)
        return dt_view(NULL, 0);
    *type = r->slots[slot].type;
    return r->slots[slot].value;
}

static uint64_t
time_value(const struct dt_record *r, const char *name)
{
    const struct dt_slot *s = dt_record_get(r, name);
    uint64_t ms = 0;

    return s != NULL && s->type == DT_TYPE_DATETIME && dt_value_u64(s->value, &ms) == DT_OK ? ms
                                                                                            : 0;
}

/* A date is its first moment, or with ${end} the first moment after it; before 1970 nothing was
 * due. */
static uint64_t
date_ms(struct dt_view value, bool end)
{
    struct dt_reader r = dt_reader_init(value);
    uint32_t raw = 0;

    if (dt_read_u32(&r, &raw) != DT_OK || raw > INT32_MAX)
        return 0;
    return ((uint64_t)raw + (end ? 1 : 0)) * DT_MS_DAY;
}

struct refs {
    uint8_t b[DT_DUE_REFS * 32];
    size_t n;
};

static void
refer(struct refs *refs, struct dt_view commitment)
{
    if (commitment.n == 32 && refs->n < DT_DUE_REFS) /* talk has no entry */
        memcpy(refs->b + 32 * refs->n++, commitment.p, 32);
}

/* What the field of the rule of ${r} says: a time, or records. */
static void
take_field(const struct dt_record *r, struct dt_due_item *it, struct refs *refs)
{
    struct dt_deadline_rule rule;
    struct dt_view value, item;
    uint8_t type = 0;

    dt_template_deadline(r->tmpl, &rule);
    if (rule.kind != DT_DEADLINE_BEFORE && rule.kind != DT_DEADLINE_AFTER &&
        rule.kind != DT_DEADLINE_REPLY)
        return;
    value = value_of(r, rule.field, &type);
    if (value.n == 0)
        return;
    if (type == DT_TYPE_DATETIME && dt_value_u64(value, &it->stated_ms) != DT_OK)
        it->stated_ms = 0;
    else if (type == DT_TYPE_DATE)
        it->stated_ms = date_ms(value, rule.kind == DT_DEADLINE_AFTER);
    else if (type == DT_TYPE_REF)
        refer(refs, value);
    while (dt_type_is_list(type) && dt_value_list_next(&value, &item))
        refer(refs, item);
}

enum dt_err
dt_due_add(struct dt_due_state *s, const struct dt_record *r, uint8_t party, uint16_t channel)
{
    struct dt_due_item it = {.tmpl = r->tmpl,
                             .written_ms = r->time_ms,
                             .entry = UINT64_MAX,
                             .channel = channel,
                             .party = party};
    struct refs refs = {.n = 0};
    const uint8_t *about = NULL;
    enum dt_answer answer = dt_record_answer(r, &about);

    memcpy(it.commitment, r->commitment, 32);
    memcpy(it.seal, r->seal, 32);
    if (about != NULL)
        refer(&refs, dt_view(about, 32));
    else
        take_field(r, &it, &refs);
    if (answer == DT_ANSWER_RECEIPT)
        it.stated_ms = time_value(r, "received_at");
    if (dt_view_equal(dt_template_id(r->tmpl), dt_view_str(DT_LINE_TEST_TEMPLATE))) {
        const struct dt_slot *status = dt_record_get(r, "status");
        uint16_t place = 0;

        if (status != NULL && dt_value_enum(status->value, &place) == DT_OK && place <= UINT8_MAX)
            it.status = (uint8_t)place;
        it.outage_until_ms = time_value(r, "outage_until");
    }
    return dt_due_add_item(s, &it, refs.b, refs.n);
}

void
dt_due_witness(struct dt_due_state *s, size_t i, uint64_t entry, uint64_t ms)
{
    s->items[i].entry = entry;
    s->items[i].witnessed_ms = ms;
    memset(s->items[i].seal, 0, sizeof s->items[i].seal);
}

/* ---- bytes ---- */

static size_t
place_of(const struct dt_templates *set, const struct dt_template *t)
{
    size_t i = 0;

    while (i < dt_templates_count(set) && dt_templates_at(set, i) != t)
        i++;
    return i;
}

enum dt_err
dt_due_encode(const struct dt_due_state *s, size_t first, size_t n, const struct dt_templates *set,
              struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    for (size_t i = first; i < first + n; i++) {
        const struct dt_due_item *it = &s->items[i];

        dt_write_view(&w, dt_view_of(it->commitment));
        dt_write_u16(&w, (uint16_t)place_of(set, it->tmpl));
        dt_write_u32(&w, it->number);
        dt_write_u16(&w, it->channel);
        dt_write_u8(&w, it->party);
        dt_write_u8(&w, it->status);
        dt_write_u64(&w, it->written_ms);
        dt_write_u64(&w, it->stated_ms);
        dt_write_u64(&w, it->outage_until_ms);
        dt_write_u64(&w, it->entry);
        if (it->entry == UINT64_MAX)
            dt_write_view(&w, dt_view_of(it->seal));
        else
            dt_write_u64(&w, it->witnessed_ms);
        dt_write_vec(&w, it->n_refs == 0 ? dt_view(NULL, 0)
                                         : dt_view(s->refs + (size_t)it->first_ref * 32,
                                                   (size_t)it->n_refs * 32));
    }
    return dt_writer_end(&w);
}

static enum dt_err
read_item(struct dt_reader *r, const struct dt_templates *set, struct dt_due_item *it,
          struct dt_view *refs)
{
    uint16_t place = 0;
    enum dt_err err;

    if ((err = dt_read_fixed(r, it->commitment, 32)) != DT_OK ||
        (err = dt_read_u16(r, &place)) != DT_OK || (err = dt_read_u32(r, &it->number)) != DT_OK ||
        (err = dt_read_u16(r, &it->channel)) != DT_OK ||
        (err = dt_read_u8(r, &it->party)) != DT_OK || (err = dt_read_u8(r, &it->status)) != DT_OK ||
        (err = dt_read_u64(r, &it->written_ms)) != DT_OK ||
        (err = dt_read_u64(r, &it->stated_ms)) != DT_OK ||
        (err = dt_read_u64(r, &it->outage_until_ms)) != DT_OK ||
        (err = dt_read_u64(r, &it->entry)) != DT_OK ||
        (err = it->entry == UINT64_MAX ? dt_read_fixed(r, it->seal, 32)
                                       : dt_read_u64(r, &it->witnessed_ms)) != DT_OK ||
        (err = dt_read_vec(r, DT_DUE_REFS * 32, refs)) != DT_OK)
        return err;
    if (place >= dt_templates_count(set) || refs->n % 32 != 0)
        return DT_ERR_FORMAT; /* nobody is told: all is read anew */
    it->tmpl = dt_templates_at(set, place);
    return DT_OK;
}

enum dt_err
dt_due_decode(struct dt_due_state *s, struct dt_view bytes, const struct dt_templates *set)
{
    struct dt_reader r = dt_reader_init(bytes);
    enum dt_err err = DT_OK;

    while (r.n > 0 && err == DT_OK) {
        struct dt_due_item it = {0};
        struct dt_view refs = {0};

        if ((err = read_item(&r, set, &it, &refs)) == DT_OK)
            err = dt_due_add_item(s, &it, refs.p, refs.n / 32);
    }
    return err;
}
