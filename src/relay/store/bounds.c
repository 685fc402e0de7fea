/*
 * relay/store/bounds.c - what grants may use and what they use; how long the store has been served.
 *
 * See store.h. Layer: relay. The sums of a grant are kept by the batch: each grant is read once and
 * written once in a transaction, however many cells it takes in. What is written is what to add, so
 * that two processes on one database do not undo each other's.
 */
#include "base/mem.h"

#include "relay/store/internal.h"

#define SERVED_STEP_MS                                                                             \
    (10 * DT_MS_MINUTE) /* the most that counts between two looks at the clock                     \
                         */

/* ---- what a grant uses ---- */

static struct store_use *
use_find(struct dt_relay_store *s, uint64_t grant)
{
    for (size_t i = 0; i < s->n_use; i++)
        if (s->use[i].grant == grant)
            return &s->use[i];
    return NULL;
}

enum dt_err
store_use_note(struct dt_relay_store *s, uint64_t grant, struct dt_stmt *row, int first)
{
    struct store_use u = {.grant = grant};
    enum dt_err err;

    if (use_find(s, grant) != NULL)
        return DT_OK; /* by another queue of this batch */
    if (s->n_use == s->use_room) {
        size_t room = s->use_room == 0 ? 8 : 2 * s->use_room;
        struct store_use *grown = dt_realloc(s->use, room, sizeof(*grown));

        if (grown == NULL)
            return dt_nomem();
        s->use = grown;
        s->use_room = room;
    }
    if ((err = dt_col_u64(row, first, INT64_MAX, &u.bytes_max)) != DT_OK ||
        (err = dt_col_u64(row, first + 1, INT64_MAX, &u.cells_max)) != DT_OK ||
        (err = dt_col_u64(row, first + 2, INT64_MAX, &u.bytes)) != DT_OK ||
        (err = dt_col_u64(row, first + 3, INT64_MAX, &u.cells)) != DT_OK)
        return err;
    s->use[s->n_use++] = u;
    return DT_OK;
}

enum dt_err
store_use_room(struct dt_relay_store *s, uint64_t grant, uint64_t n, enum dt_relay_bound *out_bound)
{
    const struct store_use *u = use_find(s, grant);

    if (u == NULL)
        return dt_fail(DT_ERR_INTERNAL, "a grant that no queue of the batch has");
    if (u->bytes_max != 0 && u->bytes + u->more_bytes + n > u->bytes_max) {
        *out_bound = DT_BOUND_GRANT_BYTES;
        return DT_OK;
    }
    if (u->cells_max != 0 && u->cells + u->more_cells >= u->cells_max) {
        *out_bound = DT_BOUND_GRANT_CELLS;
        return DT_OK;
    }
    *out_bound = DT_BOUND_NONE;
    return DT_OK;
}

void
store_use_add(struct dt_relay_store *s, uint64_t grant, uint64_t n)
{
    struct store_use *u = use_find(s, grant);

    if (u != NULL) {
        u->more_bytes += n;
        u->more_cells++;
    }
}

enum dt_err
store_use_put(struct dt_relay_store *s)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < s->n_use; i++) {
        DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
        const struct store_use *u = &s->use[i];

        if (u->more_cells == 0)
            continue;
        if ((err = dt_db_prepare(
                 s->w, "UPDATE grants SET bytes = bytes + ?2, cells = cells + ?3 WHERE id = ?1",
                 &st)) != DT_OK)
            return err;
        dt_bind_u64(st, 1, u->grant);
        dt_bind_u64(st, 2, u->more_bytes);
        dt_bind_u64(st, 3, u->more_cells);
        err = dt_stmt_run(st);
    }
    return err;
}

void
store_use_forget(struct dt_relay_store *s)
{
    s->n_use = 0;
}

void
store_use_free(struct dt_relay_store *s)
{
    dt_free(s->use);
    s->use = NULL;
    s->n_use = s->use_room = 0;
}

/* ---- how long the store has been served ---- */

static enum dt_err
ask_served(struct dt_db *db, struct dt_stmt **out)
{
    return dt_db_prepare(db, "SELECT total_ms, wall_ms FROM served WHERE one = 1", out);
}

enum dt_err
store_ask_served(struct dt_relay_store *s, struct dt_stmt **out)
{
    return ask_served(s->w, out);
}

static enum dt_err
served_from(struct dt_relay_store *s, struct dt_db *db)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    enum dt_err err;

    s->served_ms = s->served_wall_ms = 0;
    if ((err = ask_served(db, &st)) != DT_OK || (err = dt_stmt_step(st, &row)) != DT_OK ||
        !row) /* none: it was never served */
        return err;
    if ((err = dt_col_u64(st, 0, INT64_MAX, &s->served_ms)) != DT_OK)
        return err;
    return dt_col_u64(st, 1, INT64_MAX, &s->served_wall_ms);
}

enum dt_err
store_served_begin(struct dt_relay_store *s)
{
    return served_from(s, s->w);
}

enum dt_err
store_served_look(struct dt_relay_store *s)
{
    return served_from(s, s->r);
}

/* What has passed since the row was written. A clock that was set, or a relay that did not run,
 * counts for little or nothing: cells are kept longer then, never shorter. */
static uint64_t
served_more(const struct dt_relay_store *s)
{
    uint64_t now = dt_clock_now(&s->clock);

    if (s->served_wall_ms == 0 || now <= s->served_wall_ms)
        return 0;
    return now - s->served_wall_ms < SERVED_STEP_MS ? now - s->served_wall_ms : SERVED_STEP_MS;
}

uint64_t
store_served_now(const struct dt_relay_store *s)
{
    return (s->served_ms + served_more(s) + DT_MS_SECOND - 1) / DT_MS_SECOND;
}

uint64_t
store_served_floor(const struct dt_relay_store *s)
{
    return (s->served_ms + served_more(s)) / DT_MS_SECOND;
}

enum dt_err
store_served(struct dt_relay_store *s, struct dt_relay_store_job *job)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w,
                             "INSERT INTO served(one, total_ms, wall_ms) VALUES (1, ?1, ?2)"
                             " ON CONFLICT(one) DO UPDATE SET total_ms = ?1, wall_ms = ?2",
                             &st)) != DT_OK)
        return err;
    s->served_ms += served_more(s);
    s->served_wall_ms = dt_clock_now(&s->clock);
    dt_bind_u64(st, 1, s->served_ms);
    dt_bind_u64(st, 2, s->served_wall_ms);
    job->result = DT_OK;
    return dt_stmt_run(st);
}

/* ---- what an operator states ---- */

enum dt_err
dt_relay_store_grant_of(struct dt_relay_store *s, const uint8_t id[static DT_REGISTER_ID],
                        uint64_t *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, "SELECT grant_id FROM register WHERE name = ?1", &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view(id, DT_REGISTER_ID));
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    return row ? dt_col_u64(st, 0, INT64_MAX, out)
               : dt_fail(DT_ERR_NOT_FOUND, "no register of that id is in the store");
}

/* The columns of one grant, in the order of struct dt_relay_bounds. */
static enum dt_err
bounds_columns(struct dt_stmt *st, struct dt_relay_bounds *b, struct dt_relay_usage *use)
{
    uint64_t *const out[] = {&b->queues,        &b->queue_cells, &b->bytes,    &b->cells,
                             &b->rate,          &b->burst,       &b->polls,    &b->keep_s,
                             &b->keep_unread_s, &b->keep_cells,  &use->queues, &use->bytes,
                             &use->cells};
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < sizeof(out) / sizeof(out[0]); i++)
        err = dt_col_u64(st, (int)i, INT64_MAX, out[i]);
    return err;
}

static enum dt_err
bounds_read(struct dt_db *db, uint64_t grant, struct dt_relay_bounds *out,
            struct dt_relay_usage *out_use)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_relay_bounds b = {0};
    struct dt_relay_usage use = {0};
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(db,
                             "SELECT queues_max, queue_cells_max, bytes_max, cells_max, rate,"
                             " burst, polls_max, keep_s, keep_unread_s, keep_cells, queues, bytes,"
                             " cells FROM grants WHERE id = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, grant);
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    if (!row)
        return dt_fail(DT_ERR_NOT_FOUND, "no such grant");
    if ((err = bounds_columns(st, &b, &use)) != DT_OK)
        return err;
    *out = b;
    if (out_use != NULL)
        *out_use = use;
    return DT_OK;
}

enum dt_err
dt_relay_store_bounds(struct dt_relay_store *s, uint64_t grant, struct dt_relay_bounds *out,
                      struct dt_relay_usage *out_use)
{
    return bounds_read(s->r, grant, out, out_use);
}

enum dt_err
store_bounds_put(struct dt_relay_store *s, uint64_t grant, const struct dt_relay_bounds *bounds)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    const uint64_t values[] = {bounds->queues,    bounds->queue_cells, bounds->bytes,
                               bounds->cells,     bounds->rate,        bounds->burst,
                               bounds->polls,     bounds->keep_s,      bounds->keep_unread_s,
                               bounds->keep_cells};
    enum dt_err err;

    if ((err = dt_db_prepare(s->w,
                             "UPDATE grants SET queues_max = ?2, queue_cells_max = ?3,"
                             " bytes_max = ?4, cells_max = ?5, rate = ?6, burst = ?7,"
                             " polls_max = ?8, keep_s = ?9, keep_unread_s = ?10, keep_cells = ?11"
                             " WHERE id = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, grant);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        dt_bind_u64(st, (int)i + 2, values[i]);
    return dt_stmt_run(st);
}

/* A promise of another length counts from now on, for what is stored as well. */
static enum dt_err
keep_from_now(struct dt_relay_store *s, uint64_t grant)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = store_served_begin(s)) != DT_OK ||
        (err = dt_db_prepare(s->w, "UPDATE grants SET keep_since_s = ?2 WHERE id = ?1", &st)) !=
            DT_OK)
        return err;
    dt_bind_u64(st, 1, grant);
    dt_bind_u64(st, 2, store_served_now(s));
    return dt_stmt_run(st);
}

static enum dt_err
queue_cells_put(struct dt_relay_store *s, uint64_t grant, uint64_t cells)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, "UPDATE queue SET cells_max = ?2 WHERE grant_id = ?1", &st)) !=
        DT_OK)
        return err;
    dt_bind_u64(st, 1, grant);
    dt_bind_u64(st, 2, cells);
    return dt_stmt_run(st);
}

enum dt_err
dt_relay_store_set_bounds(struct dt_relay_store *s, uint64_t grant,
                          const struct dt_relay_bounds *bounds)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    struct dt_relay_bounds was = {0};
    enum dt_err err;

    if ((err = dt_tx_begin(s->w, &tx)) != DT_OK ||
        (err = bounds_read(s->w, grant, &was, NULL)) != DT_OK ||
        (err = store_bounds_put(s, grant, bounds)) != DT_OK ||
        (was.queue_cells != bounds->queue_cells &&
         (err = queue_cells_put(s, grant, bounds->queue_cells)) != DT_OK) ||
        ((was.keep_s != bounds->keep_s || was.keep_unread_s != bounds->keep_unread_s ||
          was.keep_cells != bounds->keep_cells) &&
         (err = keep_from_now(s, grant)) != DT_OK))
        return err;
    return dt_tx_commit(&tx);
}
