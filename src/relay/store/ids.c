/*
 * relay/store/ids.c - the append ids of a batch, in a database that is asked over a network. Most
 * are new: a batch takes that for granted, and the database refuses all of it if one is not. Then
 * it is run again, and which ids are there is looked up for many at once before; so do the next
 * ones, since who sends a cell again does so with more. Those that a batch puts there are
 * remembered while it runs. (In a file an insert says it.) Layer: relay.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "relay/store/internal.h"

#define FEW        4u  /* ids of one look-up */
#define AT_ONCE    16u /* or so many */
#define ROOM_LEAST 64u

struct batch_id {
    int64_t queue; /* 0: a free place in the set */
    uint8_t id[DT_RELAY_APPEND_ID];
};

/* A set with open addressing; ids are their own hash, and whoever chooses them so that they fall
 * together slows down a batch of at most DT_RELAY_BATCH_CELLS of them. */
struct store_ids {
    struct batch_id *places;
    size_t room, n; /* room: a power of two */
};

/* ---- the set ---- */

static struct batch_id *
place_of(const struct store_ids *ids, int64_t queue, const uint8_t id[static DT_RELAY_APPEND_ID])
{
    uint64_t h;
    size_t at;

    memcpy(&h, id, sizeof(h));
    at = (size_t)((h ^ (uint64_t)queue) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (ids->room - 1);
    while (ids->places[at].queue != 0 && (ids->places[at].queue != queue ||
                                          memcmp(ids->places[at].id, id, DT_RELAY_APPEND_ID) != 0))
        at = (at + 1) & (ids->room - 1);
    return &ids->places[at];
}

/* Room for ${n} ids. Empty afterwards. */
static enum dt_err
make_room(struct store_ids *ids, size_t n)
{
    size_t room = ids->room != 0 ? ids->room : ROOM_LEAST;

    while (room < 2 * n + 2)
        room *= 2;
    if (room != ids->room) {
        dt_free(ids->places);
        ids->room = 0;
        if ((ids->places = dt_alloc(room, sizeof(*ids->places))) == NULL)
            return dt_nomem();
        ids->room = room;
    } else if (ids->n > 0) {
        memset(ids->places, 0, room * sizeof(*ids->places));
    }
    ids->n = 0;
    return DT_OK;
}

bool
store_ids_has(const struct dt_relay_store *s, int64_t queue,
              const uint8_t id[static DT_RELAY_APPEND_ID])
{
    return s->ids != NULL && s->ids->n > 0 && place_of(s->ids, queue, id)->queue != 0;
}

void
store_ids_add(struct dt_relay_store *s, int64_t queue, const uint8_t id[static DT_RELAY_APPEND_ID])
{
    struct batch_id *at = place_of(s->ids, queue, id);

    s->ids->n += at->queue == 0;
    at->queue = queue;
    memcpy(at->id, id, DT_RELAY_APPEND_ID);
}

void
store_ids_free(struct dt_relay_store *s)
{
    if (s->ids != NULL)
        dt_free(s->ids->places);
    dt_free(s->ids);
    s->ids = NULL;
}

/* ---- looking up ---- */

static int
compare(const void *a, const void *b)
{
    const struct batch_id *x = a, *y = b;

    return x->queue != y->queue ? (x->queue > y->queue) - (x->queue < y->queue)
                                : memcmp(x->id, y->id, sizeof(x->id));
}

/* How many of the ${n} ids go into one question. */
static size_t
group(const struct batch_id *list, size_t n)
{
    size_t k = 1;

    while (k < n && k < AT_ONCE && list[k].queue == list[0].queue)
        k++;
    return k;
}

/* Several point look-ups in one statement. With IN and a list a database that plans it while the
 * table is small looks at all ids of the queue, also when there are many. */
#define ONE(k)  "SELECT append_id FROM appended WHERE queue = ?1 AND append_id = ?" #k
#define MORE(k) " UNION ALL " ONE(k)

static const char four[] = ONE(2) MORE(3) MORE(4) MORE(5);
static const char sixteen[] = ONE(2) MORE(3) MORE(4) MORE(5) MORE(6) MORE(7) MORE(8) MORE(9)
    MORE(10) MORE(11) MORE(12) MORE(13) MORE(14) MORE(15) MORE(16) MORE(17);

/* Which of ${n} ids of one queue are there? The last one stands for those that lack, so that it is
 * always the same two statements. */
static enum dt_err
ask(struct dt_relay_store *s, const struct batch_id *list, size_t n, struct dt_stmt **out)
{
    size_t all = n <= FEW ? FEW : AT_ONCE;
    enum dt_err err = dt_db_prepare(s->w, n <= FEW ? four : sixteen, out);

    if (err != DT_OK)
        return err;
    dt_bind_u64(*out, 1, (uint64_t)list[0].queue);
    for (size_t i = 0; i < all; i++)
        dt_bind_blob(*out, 2 + (int)i, dt_view_of(list[i < n ? i : n - 1].id));
    return DT_OK;
}

static enum dt_err
take(struct dt_relay_store *s, const struct batch_id *list, size_t n)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = ask(s, list, n, &st);
    bool row = true;

    while (err == DT_OK && (err = dt_stmt_step(st, &row)) == DT_OK && row) {
        struct dt_view id;

        if ((err = dt_col_blob(st, 0, DT_RELAY_APPEND_ID, &id)) == DT_OK &&
            id.n == DT_RELAY_APPEND_ID)
            store_ids_add(s, list[0].queue, id.p);
    }
    return err;
}

static size_t
list_ids(struct dt_relay_store_job *const *jobs, size_t n, struct batch_id *list)
{
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        if (jobs[i]->kind != DT_JOB_APPEND)
            continue;
        for (size_t j = 0; j < jobs[i]->u.append.n; j++, k++) {
            if (list == NULL)
                continue;
            list[k].queue = jobs[i]->u.append.queue;
            memcpy(list[k].id, jobs[i]->u.append.items[j].append_id, sizeof(list[k].id));
        }
    }
    return k;
}

enum dt_err
store_ids_look_up(struct dt_relay_store *s, struct dt_relay_store_job *const *jobs, size_t n)
{
    size_t n_ids = list_ids(jobs, n, NULL);
    struct batch_id *list;
    enum dt_err err;

    if (n_ids == 0)
        return DT_OK;
    if (s->ids == NULL && (s->ids = dt_alloc(1, sizeof(*s->ids))) == NULL)
        return dt_nomem();
    if (!s->batch.look)
        return make_room(s->ids, n_ids);
    if ((list = dt_alloc(n_ids, sizeof(*list))) == NULL)
        return dt_nomem();
    (void)list_ids(jobs, n, list);
    qsort(list, n_ids, sizeof(*list), compare);
    err = make_room(s->ids, n_ids);
    for (size_t i = 0; err == DT_OK && i < n_ids; i += group(list + i, n_ids - i)) {
        struct dt_stmt *st = NULL;

        if ((err = ask(s, list + i, group(list + i, n_ids - i), &st)) == DT_OK)
            dt_stmt_prefetch(st);
        dt_stmt_done(&st);
    }
    for (size_t i = 0; err == DT_OK && i < n_ids; i += group(list + i, n_ids - i))
        err = take(s, list + i, group(list + i, n_ids - i));
    dt_free(list);
    return err;
}
