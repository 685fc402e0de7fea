/*
 * agent/sync/queue_review.c - see queue_review.h.
 *
 * Tables: "shown" (address, hash of the cell; parent address, 'u' behind it for those not read; seq
 * = position); "shown_commit" (address, epoch; parent address); "review" (address).
 */
#include <string.h>

#include "base/wire.h"

#include "agent/sync/queue_review.h"

#define REVIEW_FIRST_MS UINT64_C(1000)
#define REVIEW_MAX_MS   DT_MS_HOUR
#define REVIEW_FOR_MS   DT_MS_DAY

/* ---- cells ---- */

static enum dt_err
cell_key(const uint8_t address[static 32], struct dt_view cell, uint8_t out[static 64])
{
    memcpy(out, address, 32);
    return dt_sha256(cell, out + 32);
}

static void
unread_parent(const uint8_t address[static 32], uint8_t out[static 33])
{
    memcpy(out, address, 32);
    out[32] = 'u';
}

static void
commit_key(const uint8_t address[static 32], uint64_t epoch, uint8_t out[static 40])
{
    memcpy(out, address, 32);
    for (size_t i = 0; i < 8; i++)
        out[32 + i] = (uint8_t)(epoch >> (56 - 8 * i));
}

enum dt_err
dt_shown_get(struct dt_agent *a, const uint8_t address[static 32], struct dt_view cell,
             struct dt_shown *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(128);
    struct dt_shown s = {0};
    struct dt_reader r;
    uint8_t key[64], kind = 0;
    enum dt_err err = cell_key(address, cell, key);

    *out = s;
    if (err != DT_OK)
        return err;
    err = dt_store_get_blob(a->store, "shown", dt_view_of(key), &value);
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    r = dt_reader_init(dt_buf_view(&value));
    if (err != DT_OK || (err = dt_read_u8(&r, &kind)) != DT_OK ||
        (err = dt_read_u64(&r, &s.position)) != DT_OK ||
        (err = dt_read_optional(&r, &s.has_talk)) != DT_OK ||
        (err = dt_read_fixed(&r, s.talk_id, 16)) != DT_OK ||
        (err = dt_read_u64(&r, &s.epoch)) != DT_OK || (err = dt_read_u64(&r, &s.review)) != DT_OK)
        return dt_fail_context(err, "row of a cell shown");
    s.has_from = s.has_talk && r.n > 0;
    if ((s.has_from && (err = dt_read_fixed(&r, s.talk_from, 32)) != DT_OK) ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "row of a cell shown");
    s.kind = (enum dt_shown_kind)kind;
    *out = s;
    return DT_OK;
}

/* Room for one more that was not read: the relay could show such cells without end. */
static enum dt_err
make_room(struct dt_agent *a, struct dt_view parent)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t n = 0;
    enum dt_err err = dt_store_count(a->store, "shown", parent, &n);

    if (err != DT_OK || n < DT_SHOWN_UNREAD_MAX)
        return err;
    if ((err = dt_store_next(a->store, "shown", parent, 0, &row)) != DT_OK)
        return err;
    return dt_store_del(a->store, "shown", dt_buf_view(&row.key));
}

enum dt_err
dt_shown_put(struct dt_agent *a, const uint8_t address[static 32], struct dt_view cell,
             const struct dt_shown *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(128);
    struct dt_writer w = dt_writer_init(&value);
    struct dt_view parent = dt_view(address, 32);
    uint8_t key[64], unread[33], commit[40];
    enum dt_err err;

    dt_write_u8(&w, (uint8_t)s->kind);
    dt_write_u64(&w, s->position);
    dt_write_optional(&w, s->has_talk);
    dt_write_view(&w, dt_view_of(s->talk_id));
    dt_write_u64(&w, s->epoch);
    dt_write_u64(&w, s->review);
    if (s->has_from)
        dt_write_view(&w, dt_view_of(s->talk_from));
    if ((err = dt_writer_end(&w)) != DT_OK || (err = cell_key(address, cell, key)) != DT_OK)
        return err;
    if (s->kind == DT_SHOWN_UNREAD) {
        unread_parent(address, unread);
        parent = dt_view_of(unread);
        if ((err = make_room(a, parent)) != DT_OK)
            return err;
    }
    if ((err = dt_store_put(a->store, "shown", dt_view_of(key), parent, s->position,
                            dt_buf_view(&value))) != DT_OK ||
        s->kind != DT_SHOWN_COMMIT)
        return err;
    commit_key(address, s->epoch, commit);
    return dt_store_put(a->store, "shown_commit", dt_view_of(commit), parent, s->epoch,
                        dt_view(NULL, 0));
}

enum dt_err
dt_shown_replaced(struct dt_agent *a, const uint8_t address[static 32], uint64_t position,
                  struct dt_view cell)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint8_t unread[33], key[64];
    enum dt_err err;

    unread_parent(address, unread);
    if (cell.n > 0 && (err = cell_key(address, cell, key)) != DT_OK)
        return err;
    while ((err = dt_store_next(a->store, "shown", dt_view_of(unread),
                                cell.n > 0 ? position : position + 1, &row)) == DT_OK) {
        if (cell.n > 0 &&
            (row.seq != position || dt_view_equal(dt_buf_view(&row.key), dt_view_of(key))))
            return DT_OK;
        if ((err = dt_store_del(a->store, "shown", dt_buf_view(&row.key))) != DT_OK)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_shown_unread(struct dt_agent *a, const uint8_t address[static 32], uint64_t *out_n,
                uint64_t *out_first)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint8_t unread[33];
    enum dt_err err;

    *out_first = 0;
    unread_parent(address, unread);
    if ((err = dt_store_count(a->store, "shown", dt_view_of(unread), out_n)) != DT_OK ||
        *out_n == 0 ||
        (err = dt_store_next(a->store, "shown", dt_view_of(unread), 0, &row)) != DT_OK)
        return err;
    *out_first = row.seq;
    return DT_OK;
}

/* Forget the oldest cell of ${parent}; *${position} becomes its position. NOT_FOUND: there is none
 * up to ${most}. */
static enum dt_err
drop_oldest(struct dt_agent *a, struct dt_view parent, uint64_t most, uint64_t *position)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_next(a->store, "shown", parent, 0, &row);

    if (err != DT_OK || row.seq > most)
        return err != DT_OK ? err : DT_ERR_NOT_FOUND;
    *position = row.seq;
    return dt_store_del(a->store, "shown", dt_buf_view(&row.key));
}

enum dt_err
dt_shown_trim(struct dt_agent *a, const uint8_t address[static 32], uint64_t max, uint64_t *from)
{
    struct dt_view parent = dt_view(address, 32);
    uint8_t unread[33];
    uint64_t n = 0, position = 0;
    enum dt_err err = dt_store_count(a->store, "shown", parent, &n);

    if (err != DT_OK || n <= max)
        return err;
    for (; n > max; n--)
        if ((err = drop_oldest(a, parent, UINT64_MAX, &position)) != DT_OK)
            return err;
    *from = position > *from ? position : *from;
    unread_parent(address, unread);
    while ((err = drop_oldest(a, dt_view_of(unread), *from, &position)) == DT_OK)
        ;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_shown_commit(struct dt_agent *a, const uint8_t address[static 32], uint64_t epoch, bool *out)
{
    uint8_t key[40];

    commit_key(address, epoch, key);
    return dt_store_has(a->store, "shown_commit", dt_view_of(key), out);
}

enum dt_err
dt_shown_forget(struct dt_agent *a, const uint8_t address[static 32])
{
    uint8_t unread[33];
    enum dt_err err;

    unread_parent(address, unread);
    if ((err = dt_store_del_parent(a->store, "shown", dt_view(address, 32))) != DT_OK ||
        (err = dt_store_del_parent(a->store, "shown", dt_view_of(unread))) != DT_OK ||
        (err = dt_store_del_parent(a->store, "shown_commit", dt_view(address, 32))) != DT_OK)
        return err;
    err = dt_store_del(a->store, "told", dt_view(address, 32));
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    err = dt_store_del(a->store, "review", dt_view(address, 32));
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- reviews ---- */

enum dt_err
dt_review_get(struct dt_agent *a, const uint8_t address[static 32], struct dt_review *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(128);
    struct dt_review v = {0};
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "review", dt_view(address, 32), &value);

    *out = (struct dt_review){0};
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    r = dt_reader_init(dt_buf_view(&value));
    if (err != DT_OK || (err = dt_read_u64(&r, &v.from)) != DT_OK ||
        (err = dt_read_optional(&r, &v.doubt)) != DT_OK ||
        (err = dt_read_optional(&r, &v.order)) != DT_OK ||
        (err = dt_read_u64(&r, &v.next_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &v.wait_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &v.until)) != DT_OK || (err = dt_read_u64(&r, &v.number)) != DT_OK ||
        (err = dt_read_u64(&r, &v.end)) != DT_OK ||
        (err = dt_read_optional(&r, &v.changed)) != DT_OK ||
        (err = dt_read_u64(&r, &v.met)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "row of a review");
    *out = v;
    return DT_OK;
}

enum dt_err
dt_review_put(struct dt_agent *a, const uint8_t address[static 32], const struct dt_review *v)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(128);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    dt_write_u64(&w, v->from);
    dt_write_optional(&w, v->doubt);
    dt_write_optional(&w, v->order);
    dt_write_u64(&w, v->next_ms);
    dt_write_u64(&w, v->wait_ms);
    dt_write_u64(&w, v->until);
    dt_write_u64(&w, v->number);
    dt_write_u64(&w, v->end);
    dt_write_optional(&w, v->changed);
    dt_write_u64(&w, v->met);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "review", dt_view(address, 32), dt_buf_view(&value));
}

bool
dt_review_due(const struct dt_agent *a, const struct dt_review *r)
{
    uint64_t now = dt_agent_now(a);

    /* A clock that was put back makes it due as well: better once too often. */
    return dt_review_possible(a, r) && r->end == 0 &&
           (now >= r->next_ms || now + REVIEW_MAX_MS < r->next_ms);
}

bool
dt_review_possible(const struct dt_agent *a, const struct dt_review *r)
{
    return a->reviews_left > 0 && r->doubt;
}

void
dt_review_doubt(const struct dt_agent *a, struct dt_review *r)
{
    uint64_t now = dt_agent_now(a);

    /* New trouble while older one is looked into does not make it come sooner: whoever causes it
     * would choose how often we read everything. */
    if (!r->doubt) {
        r->wait_ms = 0;
        r->next_ms = now;
    }
    r->doubt = true;
    r->until = now + REVIEW_FOR_MS;
}

void
dt_review_begin(struct dt_agent *a, struct dt_review *r, uint64_t position)
{
    a->reviews_left--;
    r->number++;
    r->end = position > r->end ? position : r->end;
    r->changed = false;
    r->met = 0;
}

enum dt_err
dt_review_end(struct dt_agent *a, const uint8_t address[static 32], uint64_t last, size_t missing,
              struct dt_review *r)
{
    uint64_t now = dt_agent_now(a), unread = 0;
    uint8_t parent[33];
    enum dt_err err;

    unread_parent(address, parent);
    if ((err = dt_shown_replaced(a, address, last, dt_view(NULL, 0))) != DT_OK ||
        (err = dt_store_count(a->store, "shown", dt_view_of(parent), &unread)) != DT_OK)
        return err;
    if (r->changed)
        r->order = false;
    if ((unread == 0 && missing == 0 && !r->order) || now >= r->until) {
        r->doubt = false;
        r->order = false;
    }
    if (r->changed || r->wait_ms == 0)
        r->wait_ms = REVIEW_FIRST_MS;
    else
        r->wait_ms = r->wait_ms * 2 < REVIEW_MAX_MS ? r->wait_ms * 2 : REVIEW_MAX_MS;
    r->next_ms = now + r->wait_ms;
    r->end = 0;
    r->changed = false;
    return DT_OK;
}

enum dt_err
dt_review_ask(struct dt_agent *a, const uint8_t address[static 32])
{
    struct dt_review r;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_review_get(a, address, &r)) == DT_OK) {
        dt_review_doubt(a, &r);
        err = dt_review_put(a, address, &r);
    }
    return dt_store_end(a->store, err);
}
