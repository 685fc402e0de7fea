/*
 * relay/store/retention.c - how long cells are kept: readers' acknowledgements, and expiry in small
 * steps. See store.h; docs/protocol-relay.md "Keeping", docs/limits.md.
 *
 * Layer: relay. Of a queue only the first cells go, so what is left has no gaps:
 *
 *     1 .. forgotten .. expired .. last
 *      nothing   |  append id  |  cells
 *                |  and hash   |
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/crypto.h"

#include "relay/store/internal.h"

#define STEP_CELLS 256u       /* removed in one job */
#define STEP_BYTES (1u << 20) /* and about so much read for it */

/* ---- readers ---- */

static enum dt_err
reader_read(struct dt_relay_store *s, const struct dt_relay_store_job *job, bool *out_there,
            uint64_t *out_position)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, "SELECT position FROM reader WHERE queue = ?1 AND hash = ?2",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)job->u.ack.queue);
    dt_bind_blob(st, 2, dt_view_of(job->u.ack.reader));
    if ((err = dt_stmt_step(st, out_there)) != DT_OK || !*out_there)
        return err;
    return dt_col_u64(st, 0, UINT32_MAX, out_position);
}

/* Is the position in the queue, and (for a new reader) is there room for one more? */
static enum dt_err
ack_allowed(struct dt_relay_store *s, struct dt_relay_store_job *job, bool there)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t last = 0, n = 0;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w,
                             "SELECT last, (SELECT count(*) FROM reader WHERE queue = ?1)"
                             " FROM queue WHERE id = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)job->u.ack.queue);
    if ((err = dt_stmt_step(st, &row)) != DT_OK ||
        (row && ((err = dt_col_u64(st, 0, UINT32_MAX, &last)) != DT_OK ||
                 (err = dt_col_u64(st, 1, INT64_MAX, &n)) != DT_OK)))
        return err;
    job->result = !row                                  ? DT_ERR_NOT_FOUND
                  : job->u.ack.position > last          ? DT_ERR_RANGE
                  : !there && n >= DT_RELAY_READERS_MAX ? DT_ERR_LIMIT
                                                        : DT_OK;
    if (job->result == DT_ERR_LIMIT)
        job->bound = DT_BOUND_READERS;
    return DT_OK;
}

enum dt_err
store_ack(struct dt_relay_store *s, struct dt_relay_store_job *job)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    uint64_t position = 0;
    bool there = false;
    enum dt_err err;

    if ((err = reader_read(s, job, &there, &position)) != DT_OK ||
        (err = ack_allowed(s, job, there)) != DT_OK || job->result != DT_OK ||
        (there && job->u.ack.position <= position)) /* what was read is not unread again */
        return err;
    if ((err = dt_db_prepare(s->w,
                             "INSERT INTO reader(queue, hash, position) VALUES (?1, ?2, ?3)"
                             " ON CONFLICT(queue, hash) DO UPDATE SET position = ?3",
                             &put)) != DT_OK)
        return err;
    dt_bind_u64(put, 1, (uint64_t)job->u.ack.queue);
    dt_bind_blob(put, 2, dt_view_of(job->u.ack.reader));
    dt_bind_u64(put, 3, job->u.ack.position);
    return dt_stmt_run(put);
}

/* ---- what may go ---- */

/* A queue, what its grant states, and how far all its readers are. */
struct keeping {
    uint64_t queue, grant, last, expired, forgotten;
    uint64_t keep_s, keep_unread_s, keep_cells, since_s;
    uint64_t read;  /* all readers acknowledged up to here; 0 when there is none */
    uint64_t now_s; /* time served, rounded down: no cell looks older than it is */
};

static enum dt_err
keeping_read(struct dt_db *db, uint64_t queue, uint64_t now_s, struct keeping *out, bool *out_there)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct keeping k = {.queue = queue, .now_s = now_s};
    enum dt_err err;

    if ((err = dt_db_prepare(db,
                             "SELECT q.grant_id, q.last, q.expired, q.forgotten, g.keep_s,"
                             " g.keep_unread_s, g.keep_cells, g.keep_since_s,"
                             " (SELECT coalesce(min(r.position), 0) FROM reader r"
                             " WHERE r.queue = q.id)"
                             " FROM queue q JOIN grants g ON g.id = q.grant_id WHERE q.id = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, queue);
    if ((err = dt_stmt_step(st, out_there)) != DT_OK || !*out_there)
        return err;
    if ((err = dt_col_u64(st, 0, INT64_MAX, &k.grant)) != DT_OK ||
        (err = dt_col_u64(st, 1, UINT32_MAX, &k.last)) != DT_OK ||
        (err = dt_col_u64(st, 2, k.last, &k.expired)) != DT_OK ||
        (err = dt_col_u64(st, 3, k.expired, &k.forgotten)) != DT_OK ||
        (err = dt_col_u64(st, 4, INT64_MAX, &k.keep_s)) != DT_OK ||
        (err = dt_col_u64(st, 5, INT64_MAX, &k.keep_unread_s)) != DT_OK ||
        (err = dt_col_u64(st, 6, INT64_MAX, &k.keep_cells)) != DT_OK ||
        (err = dt_col_u64(st, 7, INT64_MAX, &k.since_s)) != DT_OK ||
        (err = dt_col_u64(st, 8, UINT32_MAX, &k.read)) != DT_OK)
        return err;
    *out = k;
    return DT_OK;
}

/* May the cell at ${position}, stored at ${served_s}, go? */
static bool
may_go(const struct keeping *k, uint64_t position, uint64_t served_s)
{
    uint64_t born = served_s > k->since_s ? served_s : k->since_s;
    uint64_t age = k->now_s > born ? k->now_s - born : 0;

    return k->keep_s != 0 && age >= k->keep_s &&
           (position <= k->read || (k->keep_unread_s != 0 && age >= k->keep_unread_s) ||
            (k->keep_cells != 0 && k->last - position >= k->keep_cells));
}

/* ---- one step: cells ---- */

struct step {
    uint64_t n, bytes;
    struct {
        uint8_t append_id[DT_RELAY_APPEND_ID], hash[DT_SHA256];
    } cell[STEP_CELLS];
};

/* The first cells that may go, up to a step's. ${out_more}: there may be others behind them. */
static enum dt_err
choose_cells(struct dt_relay_store *s, const struct keeping *k, struct step *x, bool *out_more)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w,
                             "SELECT id, append_id, cell, served_s FROM cell"
                             " WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, store_cell_id((int64_t)k->queue, k->expired));
    dt_bind_u64(st, 2, store_cell_id((int64_t)k->queue, k->last));
    dt_bind_u64(st, 3, STEP_CELLS);
    while (x->n < STEP_CELLS && x->bytes < STEP_BYTES) {
        uint64_t id = 0, served = 0, position = k->expired + x->n + 1;
        struct dt_view cell = {0};
        bool row = false;

        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            return err;
        if ((err = dt_col_u64(st, 0, INT64_MAX, &id)) != DT_OK ||
            (err = dt_col_blob(st, 2, DT_CELL_MAX, &cell)) != DT_OK ||
            (err = dt_col_u64(st, 3, INT64_MAX, &served)) != DT_OK)
            return err;
        if (id != store_cell_id((int64_t)k->queue, position))
            return dt_fail(DT_ERR_FORMAT, "the store has a gap in a queue");
        if (!may_go(k, position, served))
            return DT_OK;
        if ((err = dt_col_fixed(st, 1, x->cell[x->n].append_id, DT_RELAY_APPEND_ID)) != DT_OK ||
            (err = dt_sha256(cell, x->cell[x->n].hash)) != DT_OK)
            return err;
        x->n++;
        x->bytes += cell.n;
    }
    *out_more = true;
    return DT_OK;
}

/* What was at ${position} is remembered by its append id and hash: a retry is known as one. */
static enum dt_err
put_gone(struct dt_relay_store *s, const struct keeping *k, uint64_t position,
         const uint8_t append_id[static DT_RELAY_APPEND_ID], const uint8_t hash[static DT_SHA256])
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w,
                             "INSERT INTO gone(queue, position, append_id, hash, served_s)"
                             " VALUES (?1, ?2, ?3, ?4, ?5)",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, k->queue);
    dt_bind_u64(st, 2, position);
    dt_bind_blob(st, 3, dt_view(append_id, DT_RELAY_APPEND_ID));
    dt_bind_blob(st, 4, dt_view(hash, DT_SHA256));
    dt_bind_u64(st, 5, store_served_now(s));
    return dt_stmt_run(st);
}

/* Run ${sql} with two to four numbers. */
static enum dt_err
run_numbers(struct dt_relay_store *s, const char *sql, const uint64_t *x, size_t n)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, sql, &st)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++)
        dt_bind_u64(st, (int)i + 1, x[i]);
    return dt_stmt_run(st);
}

static enum dt_err
expire_cells(struct dt_relay_store *s, const struct keeping *k, struct step *x, bool *out_more)
{
    const uint64_t to = k->expired;
    enum dt_err err;

    if ((err = choose_cells(s, k, x, out_more)) != DT_OK || x->n == 0)
        return err;
    for (size_t i = 0; i < x->n; i++)
        if ((err = put_gone(s, k, k->expired + i + 1, x->cell[i].append_id, x->cell[i].hash)) !=
            DT_OK)
            return err;
    if ((err = run_numbers(s, "DELETE FROM cell WHERE id > ?1 AND id <= ?2",
                           (uint64_t[]){store_cell_id((int64_t)k->queue, to),
                                        store_cell_id((int64_t)k->queue, to + x->n)},
                           2)) != DT_OK ||
        (err = run_numbers(s, "UPDATE queue SET expired = ?2, bytes = bytes - ?3 WHERE id = ?1",
                           (uint64_t[]){k->queue, to + x->n, x->bytes}, 3)) != DT_OK)
        return err;
    store_append_expired(s, (int64_t)k->queue, to + x->n, x->bytes);
    return run_numbers(s, "UPDATE grants SET bytes = bytes - ?2, cells = cells - ?3 WHERE id = ?1",
                       (uint64_t[]){k->grant, x->bytes, x->n}, 3);
}

/* ---- one step: append ids ---- */

/* Append ids whose cells went so long ago that nobody tries again. */
static enum dt_err
choose_ids(struct dt_relay_store *s, const struct keeping *k, struct step *x, bool *out_more)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w,
                             "SELECT append_id, served_s FROM gone WHERE queue = ?1"
                             " AND position > ?2 ORDER BY position LIMIT ?3",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, k->queue);
    dt_bind_u64(st, 2, k->forgotten);
    dt_bind_u64(st, 3, STEP_CELLS);
    while (x->n < STEP_CELLS) {
        uint64_t served = 0;
        bool row = false;

        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            return err;
        if ((err = dt_col_u64(st, 1, INT64_MAX, &served)) != DT_OK)
            return err;
        if (k->now_s < served || k->now_s - served < s->ids_kept_s)
            return DT_OK;
        if ((err = dt_col_fixed(st, 0, x->cell[x->n].append_id, DT_RELAY_APPEND_ID)) != DT_OK)
            return err;
        x->n++;
    }
    *out_more = true;
    return DT_OK;
}

static enum dt_err
forget_ids(struct dt_relay_store *s, const struct keeping *k, struct step *x, bool *out_more)
{
    enum dt_err err;

    if ((err = choose_ids(s, k, x, out_more)) != DT_OK || x->n == 0)
        return err;
    for (size_t i = 0; i < x->n; i++) {
        DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;

        if ((err = dt_db_prepare(s->w, "DELETE FROM appended WHERE queue = ?1 AND append_id = ?2",
                                 &st)) != DT_OK)
            return err;
        dt_bind_u64(st, 1, k->queue);
        dt_bind_blob(st, 2, dt_view_of(x->cell[i].append_id));
        if ((err = dt_stmt_run(st)) != DT_OK)
            return err;
    }
    if ((err = run_numbers(s, "DELETE FROM gone WHERE queue = ?1 AND position <= ?2",
                           (uint64_t[]){k->queue, k->forgotten + x->n}, 2)) != DT_OK)
        return err;
    return run_numbers(s, "UPDATE queue SET forgotten = ?2 WHERE id = ?1",
                       (uint64_t[]){k->queue, k->forgotten + x->n}, 2);
}

enum dt_err
store_expire(struct dt_relay_store *s, struct dt_relay_store_job *job)
{
    struct step *x = dt_alloc(2, sizeof(*x));
    struct keeping k;
    bool there = false, more = false;
    enum dt_err err;

    if (x == NULL)
        return dt_nomem();
    err = keeping_read(s->w, (uint64_t)job->u.expire.queue, store_served_floor(s), &k, &there);
    if (err == DT_OK && there &&
        (err = expire_cells(s, &k, &x[0], &more)) == DT_OK) /* the ids are of cells gone before */
        err = forget_ids(s, &k, &x[1], &more);
    job->result = there ? DT_OK : DT_ERR_NOT_FOUND;
    job->u.expire.n_cells = x[0].n;
    job->u.expire.n_ids = x[1].n;
    job->u.expire.more = more;
    dt_free(x);
    return err;
}

/* ---- which queues ---- */

/* Is there anything to be done in ${k}'s queue? Its oldest cell and its oldest append id say so. */
static enum dt_err
is_due(struct dt_relay_store *s, const struct keeping *k, bool *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t served = 0;
    enum dt_err err;

    *out = false;
    if (k->keep_s != 0 && k->last > k->expired) {
        if ((err = dt_db_prepare(s->r, "SELECT served_s FROM cell WHERE id = ?1", &st)) != DT_OK)
            return err;
        dt_bind_u64(st, 1, store_cell_id((int64_t)k->queue, k->expired + 1));
        if ((err = dt_stmt_row(st)) != DT_OK ||
            (err = dt_col_u64(st, 0, INT64_MAX, &served)) != DT_OK)
            return err;
        *out = may_go(k, k->expired + 1, served);
        dt_stmt_done(&st);
    }
    if (*out || k->expired == k->forgotten)
        return DT_OK;
    if ((err = dt_db_prepare(s->r, "SELECT served_s FROM gone WHERE queue = ?1 AND position = ?2",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, k->queue);
    dt_bind_u64(st, 2, k->forgotten + 1);
    if ((err = dt_stmt_row(st)) != DT_OK || (err = dt_col_u64(st, 0, INT64_MAX, &served)) != DT_OK)
        return err;
    *out = k->now_s >= served && k->now_s - served >= s->ids_kept_s;
    return DT_OK;
}

/* The next queues behind ${after} of which anything might go. */
static enum dt_err
next_queues(struct dt_relay_store *s, uint64_t after, uint64_t *out, size_t max, size_t *out_n)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    size_t n = 0;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r,
                             "SELECT q.id FROM queue q JOIN grants g ON g.id = q.grant_id"
                             " WHERE q.id > ?1 AND (q.expired > q.forgotten OR"
                             " (g.keep_s > 0 AND q.last > q.expired)) ORDER BY q.id LIMIT ?2",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, after);
    dt_bind_u64(st, 2, max);
    while (n < max && (err = dt_stmt_step(st, &row)) == DT_OK && row)
        if ((err = dt_col_u64(st, 0, INT64_MAX, &out[n])) != DT_OK)
            return err;
        else
            n++;
    *out_n = n;
    return err;
}

enum dt_err
dt_relay_store_expiry(struct dt_relay_store *s, uint64_t *after,
                      int64_t out[static DT_RELAY_EXPIRY_LOOK], size_t *out_n)
{
    uint64_t queues[DT_RELAY_EXPIRY_LOOK];
    size_t n = 0;
    enum dt_err err;

    *out_n = 0;
    if ((err = store_served_look(s)) != DT_OK ||
        (err = next_queues(s, *after, queues, DT_RELAY_EXPIRY_LOOK, &n)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        struct keeping k;
        bool there = false, due = false;

        if ((err = keeping_read(s->r, queues[i], store_served_floor(s), &k, &there)) != DT_OK ||
            (there && (err = is_due(s, &k, &due)) != DT_OK))
            return err;
        if (due)
            out[(*out_n)++] = (int64_t)queues[i];
    }
    *after = n == DT_RELAY_EXPIRY_LOOK ? queues[n - 1] : 0;
    return DT_OK;
}
