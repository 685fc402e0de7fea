/*
 * relay/store/append.c - the store: appending cells. See store.h.
 *
 * A batch reads the row of each queue that it appends to once and writes it once, whatever the
 * number of cells; a cell costs two inserts, that of its append id telling whether it is there
 * already (over a network ids.c says it). Layer: relay.
 */
#include "base/mem.h"
#include "crypto/crypto.h"

#include "relay/store/internal.h"

/* ---- the queues of a batch ---- */

#define ROW                                                                                        \
    "SELECT q.last, q.cells_max, q.bytes, q.grant_id, q.expired, g.bytes_max, g.cells_max,"        \
    " g.bytes, g.cells, q.id FROM queue q JOIN grants g ON g.id = q.grant_id WHERE q.id "

/* Many at once, over a network, where a statement costs more than what it does. */
#define TOGETHER 8u
static const char row_of[] = ROW "= ?1 FOR UPDATE OF q";
static const char rows_of[] =
    ROW "IN (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ORDER BY q.id FOR UPDATE OF q";
static const char write_rows[] =
    "UPDATE queue SET last = v.last, bytes = v.bytes FROM (VALUES (?1, ?2, ?3), (?4, ?5, ?6),"
    " (?7, ?8, ?9), (?10, ?11, ?12), (?13, ?14, ?15), (?16, ?17, ?18), (?19, ?20, ?21),"
    " (?22, ?23, ?24)) AS v(id, last, bytes) WHERE queue.id = v.id";

/* Up to TOGETHER queues from ${ids}. The last one stands for those that lack. */
static enum dt_err
ask_rows(struct dt_relay_store *s, const int64_t *ids, size_t n, struct dt_stmt **out)
{
    enum dt_err err = dt_db_prepare(s->w, n == 1 ? row_of : rows_of, out);

    for (size_t i = 0; err == DT_OK && i < (n == 1 ? 1 : TOGETHER); i++)
        dt_bind_u64(*out, 1 + (int)i, (uint64_t)ids[i < n ? i : n - 1]);
    return err;
}

static size_t
group(size_t n)
{
    return n < TOGETHER ? n : TOGETHER;
}

enum dt_err
store_lock_queues(struct dt_relay_store *s, const int64_t *ids, size_t n)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < n; i += group(n - i)) {
        struct dt_stmt *st = NULL;

        if ((err = ask_rows(s, ids + i, group(n - i), &st)) == DT_OK)
            dt_stmt_prefetch(st);
        dt_stmt_done(&st);
    }
    return err;
}

/* What the row at which ${st} stands says of ${q}, which is there. */
static enum dt_err
take_row(struct dt_relay_store *s, struct dt_stmt *st, struct batch_queue *q)
{
    enum dt_err err;

    if ((err = dt_col_u64(st, 0, UINT32_MAX, &q->last)) != DT_OK ||
        (err = dt_col_u64(st, 1, INT64_MAX, &q->cells_max)) != DT_OK ||
        (err = dt_col_u64(st, 2, INT64_MAX, &q->bytes)) != DT_OK ||
        (err = dt_col_u64(st, 3, INT64_MAX, &q->grant)) != DT_OK)
        return err;
    if ((err = dt_col_u64(st, 4, q->last, &q->expired)) != DT_OK)
        return err;
    return store_use_note(s, q->grant, st, 5);
}

static enum dt_err
read_queue(struct dt_relay_store *s, struct batch_queue *q)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = ask_rows(s, &q->id, 1, &st)) != DT_OK ||
        (err = dt_stmt_step(st, &q->there)) != DT_OK || !q->there)
        return err;
    return take_row(s, st, q);
}

/* The place of the queue ${id} in the batch's table, its own or a free one. */
static enum dt_err
place_of(struct dt_relay_store *s, int64_t id, size_t *out)
{
    size_t at = (size_t)(uint64_t)id % BATCH_QUEUES;

    if (s->queues == NULL && (s->queues = dt_alloc(BATCH_QUEUES, sizeof(s->queues[0]))) == NULL)
        return dt_nomem();
    while (s->queues[at].id != 0 && s->queues[at].id != id)
        at = (at + 1) % BATCH_QUEUES;
    if (s->queues[at].id == 0 && s->n_queues == DT_RELAY_BATCH_MAX)
        return dt_fail(DT_ERR_INTERNAL, "more queues than jobs in a batch");
    *out = at;
    return DT_OK;
}

/* The queue ${id} as this batch has it. */
static enum dt_err
find_queue(struct dt_relay_store *s, int64_t id, struct batch_queue **out)
{
    struct batch_queue fresh = {.id = id};
    size_t at = 0;
    enum dt_err err;

    if ((err = place_of(s, id, &at)) != DT_OK)
        return err;
    if (s->queues[at].id == 0) {
        if ((err = read_queue(s, &fresh)) != DT_OK)
            return err;
        s->queues[at] = fresh;
        s->used[s->n_queues++] = at;
    }
    *out = &s->queues[at];
    return DT_OK;
}

/* The rows of up to TOGETHER queues into the batch's table. Of one that is not there, nothing. */
static enum dt_err
take_rows(struct dt_relay_store *s, const int64_t *ids, size_t n)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = ask_rows(s, ids, n, &st);
    bool row = true;

    while (err == DT_OK && (err = dt_stmt_step(st, &row)) == DT_OK && row) {
        struct batch_queue fresh = {.there = true};
        uint64_t id = 0;
        size_t at = 0;

        if ((err = dt_col_u64(st, 9, INT64_MAX, &id)) != DT_OK ||
            (err = take_row(s, st, &fresh)) != DT_OK ||
            (err = place_of(s, (int64_t)id, &at)) != DT_OK)
            break;
        if (s->queues[at].id == 0)
            s->used[s->n_queues++] = at;
        fresh.id = (int64_t)id;
        s->queues[at] = fresh;
    }
    return err;
}

enum dt_err
store_take_queues(struct dt_relay_store *s, const int64_t *ids, size_t n)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && n > 1 && i < n; i += group(n - i))
        err = take_rows(s, ids + i, group(n - i));
    return err;
}

static enum dt_err
write_queue(struct dt_relay_store *s, const struct batch_queue *q)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, "UPDATE queue SET last = ?2, bytes = ?3 WHERE id = ?1", &st)) !=
        DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)q->id);
    dt_bind_u64(st, 2, q->last);
    dt_bind_u64(st, 3, q->bytes);
    return dt_stmt_run(st);
}

/* Up to TOGETHER of them, likewise. */
static enum dt_err
write_queues(struct dt_relay_store *s, const struct batch_queue *const *q, size_t n)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if (n == 1)
        return write_queue(s, q[0]);
    if ((err = dt_db_prepare(s->w, write_rows, &st)) != DT_OK)
        return err;
    for (size_t i = 0; i < TOGETHER; i++) {
        const struct batch_queue *one = q[i < n ? i : n - 1];

        dt_bind_u64(st, 3 * (int)i + 1, (uint64_t)one->id);
        dt_bind_u64(st, 3 * (int)i + 2, one->last);
        dt_bind_u64(st, 3 * (int)i + 3, one->bytes);
    }
    return dt_stmt_run(st);
}

enum dt_err
store_append_end(struct dt_relay_store *s)
{
    const struct batch_queue *q[TOGETHER];
    size_t most = dt_db_shared(s->w) ? TOGETHER : 1, n = 0;
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < s->n_queues; i++) {
        if (s->queues[s->used[i]].dirty)
            q[n++] = &s->queues[s->used[i]];
        if (n == most || (n > 0 && i + 1 == s->n_queues)) {
            err = write_queues(s, q, n);
            n = 0;
        }
    }
    return err;
}

void
store_append_forget(struct dt_relay_store *s)
{
    while (s->n_queues > 0)
        s->queues[s->used[--s->n_queues]] = (struct batch_queue){0};
}

void
store_append_expired(struct dt_relay_store *s, int64_t queue, uint64_t expired, uint64_t bytes)
{
    size_t at = (size_t)(uint64_t)queue % BATCH_QUEUES;

    if (s->n_queues == 0)
        return;
    while (s->queues[at].id != 0 && s->queues[at].id != queue)
        at = (at + 1) % BATCH_QUEUES;
    if (s->queues[at].id == queue) {
        s->queues[at].expired = expired;
        s->queues[at].bytes -= bytes;
    }
}

/* ---- cells ---- */

/* The append id of ${item} was used in ${queue}: for the same cell? */
static enum dt_err
compare_held(struct dt_relay_store *s, int64_t queue, struct dt_relay_store_append *item,
             bool *out_there, bool *out_same)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_view cell = {0};
    uint8_t hash[DT_SHA256];
    uint64_t position = 0;
    bool gone;
    enum dt_err err;

    /* Of a cell that has expired the hash is kept for a while. */
    if ((err = dt_db_prepare(s->w,
                             "SELECT a.position, c.cell, g.hash FROM appended a"
                             " LEFT JOIN cell c ON c.id = (a.queue << 32 | a.position)"
                             " LEFT JOIN gone g ON g.queue = a.queue AND g.position = a.position"
                             " WHERE a.queue = ?1 AND a.append_id = ?2",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)queue);
    dt_bind_blob(st, 2, dt_view_of(item->append_id));
    if ((err = dt_stmt_step(st, out_there)) != DT_OK || !*out_there)
        return err;
    gone = !dt_col_is_null(st, 2);
    if ((err = dt_col_u64(st, 0, UINT32_MAX, &position)) != DT_OK ||
        (err = dt_col_blob(st, gone ? 2 : 1, gone ? DT_SHA256 : DT_CELL_MAX, &cell)) != DT_OK ||
        (gone && (err = dt_sha256(item->cell, hash)) != DT_OK))
        return err;
    *out_same = dt_view_equal(cell, gone ? dt_view_of(hash) : item->cell);
    item->position = position;
    item->existed = true;
    return DT_OK;
}

#define PUT_ID "INSERT INTO appended(queue, append_id, position) VALUES (?1, ?2, ?3)"

/* The append id of ${item}, for ${position}; *${out_new} false when it was used already. */
static enum dt_err
put_id(struct dt_relay_store *s, int64_t queue, const struct dt_relay_store_append *item,
       uint64_t position, bool *out_new)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, dt_db_shared(s->w) ? PUT_ID : PUT_ID " ON CONFLICT DO NOTHING",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)queue);
    dt_bind_blob(st, 2, dt_view_of(item->append_id));
    dt_bind_u64(st, 3, position);
    if ((err = dt_stmt_run(st)) != DT_OK)
        return err;
    if (dt_db_shared(s->w)) { /* it was looked up, or the batch fails and is run again */
        store_ids_add(s, queue, item->append_id);
        *out_new = true;
        return DT_OK;
    }
    *out_new = dt_db_changes(s->w) > 0;
    return DT_OK;
}

static enum dt_err
put_cell(struct dt_relay_store *s, int64_t queue, const struct dt_relay_store_append *item,
         uint64_t position)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w,
                             "INSERT INTO cell(id, append_id, cell, served_s) VALUES"
                             " (?1, ?2, ?3, ?4)",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, store_cell_id(queue, position));
    dt_bind_blob(st, 2, dt_view_of(item->append_id));
    dt_bind_blob(st, 3, item->cell);
    dt_bind_u64(st, 4, store_served_now(s));
    return dt_stmt_run(st);
}

/* What stands against one more cell of ${n} bytes in ${q}. */
static enum dt_err
room_for(struct dt_relay_store *s, const struct batch_queue *q, size_t n, enum dt_relay_bound *out)
{
    if (q->last - q->expired >= q->cells_max || q->last >= UINT32_MAX - 1 ||
        q->bytes + n > DT_RELAY_QUEUE_BYTES_MAX) {
        *out = DT_BOUND_QUEUE;
        return DT_OK;
    }
    return store_use_room(s, q->grant, n, out);
}

/* Append ${item} to ${q}, or find it there. ${out_result}: OK, LIMIT for ${out_bound}, CONFLICT. */
static enum dt_err
append_one(struct dt_relay_store *s, struct batch_queue *q, struct dt_relay_store_append *item,
           enum dt_err *out_result, enum dt_relay_bound *out_bound)
{
    bool is_new = false, there = false, same = false;
    enum dt_err err;

    if ((err = room_for(s, q, item->cell.n, out_bound)) != DT_OK)
        return err;
    if (dt_db_shared(s->w) &&
        (store_ids_has(s, q->id, item->append_id) ||
         (!s->batch.look && *out_bound != DT_BOUND_NONE)) &&
        (err = compare_held(s, q->id, item, &there, &same)) != DT_OK)
        return err;
    if (*out_bound == DT_BOUND_NONE && !there &&
        (err = put_id(s, q->id, item, q->last + 1, &is_new)) != DT_OK)
        return err;
    if (is_new) {
        if ((err = put_cell(s, q->id, item, q->last + 1)) != DT_OK)
            return err;
        item->position = ++q->last;
        item->existed = false;
        q->bytes += item->cell.n;
        q->dirty = true;
        store_use_add(s, q->grant, item->cell.n);
        *out_result = DT_OK;
        return DT_OK;
    }
    /* What is there already is answered as it was then, though the queue be full now. */
    if (!dt_db_shared(s->w) && (err = compare_held(s, q->id, item, &there, &same)) != DT_OK)
        return err;
    *out_result = !there ? DT_ERR_LIMIT : same ? DT_OK : DT_ERR_CONFLICT;
    return DT_OK;
}

enum dt_err
store_append(struct dt_relay_store *s, struct dt_relay_store_job *job)
{
    struct batch_queue *q = NULL;
    size_t n = 0, n_new = 0;
    enum dt_err err;

    if ((err = find_queue(s, job->u.append.queue, &q)) != DT_OK)
        return err;
    job->result = q->there ? DT_OK : DT_ERR_NOT_FOUND;
    while (job->result == DT_OK && n < job->u.append.n) {
        struct dt_relay_store_append *item = &job->u.append.items[n];

        if ((err = append_one(s, q, item, &job->result, &job->bound)) != DT_OK)
            return err;
        if (job->result == DT_OK) {
            n++;
            /* What the first run of a batch may have stored is news all the same. */
            n_new += !item->existed || s->batch.again;
        }
    }
    job->u.append.n_taken = n;
    job->u.append.n_new = n_new;
    job->u.append.last = q->last;
    return DT_OK;
}
