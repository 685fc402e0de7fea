/*
 * relay/recent.c - see recent.h. A hash table of queues, each with its newest cells as a list in
 * the form of an answer; all queues are in one order of use, all cells in one order of age.
 */
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"

#include "relay/recent.h"

#define LISTS     4096u
#define ITEM_HEAD 64u /* more than what stands around the cell in an item */

/* A cell as it stands in an answer: relay_wire.h, struct dt_wire_item. */
struct cell {
    struct cell *next, *prev;         /* of its queue, the next newer and the next older */
    struct cell *all_next, *all_prev; /* of all, by age */
    struct queue *queue;
    size_t n, size; /* bytes of the item; of its cell alone */
    uint8_t item[];
};

struct queue {
    struct queue *next;                /* in its list */
    struct queue *use_next, *use_prev; /* by use, the latest first */
    uint8_t address[32];
    struct dt_relay_store_queue row;
    uint64_t read_ms;             /* when the store said so */
    struct cell *oldest, *newest; /* those at first .. row.last, without a gap; or none */
    uint64_t first;
};

struct dt_recent {
    pthread_mutex_t lock;
    struct queue *lists[LISTS];
    uint32_t changed[LISTS]; /* how often something came for a queue that is not here */
    struct queue *used, *unused;
    struct cell *oldest, *newest;
    size_t n_queues, bytes;
    size_t queues_max, bytes_max;
};

enum dt_err
dt_recent_new(uint64_t memory, struct dt_recent **out)
{
    struct dt_recent *r = dt_alloc(1, sizeof(*r));

    if (r == NULL)
        return dt_nomem();
    pthread_mutex_init(&r->lock, NULL);
    r->queues_max = memory / 2 / sizeof(struct queue) < DT_RELAY_RECENT_QUEUES
                        ? (size_t)(memory / 2 / sizeof(struct queue))
                        : DT_RELAY_RECENT_QUEUES;
    r->bytes_max =
        memory / 2 < DT_RELAY_RECENT_BYTES ? (size_t)(memory / 2) : DT_RELAY_RECENT_BYTES;
    *out = r;
    return DT_OK;
}

/* An address is a hash: its first bytes choose the list. */
static size_t
list_of(const uint8_t *address)
{
    return ((size_t)address[0] << 8 | address[1]) % LISTS;
}

static struct queue *
find(const struct dt_recent *r, const uint8_t *address)
{
    struct queue *q = r->lists[list_of(address)];

    while (q != NULL && memcmp(q->address, address, 32) != 0)
        q = q->next;
    return q;
}

/* ---- order of use ---- */

static void
use_remove(struct dt_recent *r, struct queue *q)
{
    if (q->use_prev != NULL)
        q->use_prev->use_next = q->use_next;
    else
        r->used = q->use_next;
    if (q->use_next != NULL)
        q->use_next->use_prev = q->use_prev;
    else
        r->unused = q->use_prev;
}

static void
use_first(struct dt_recent *r, struct queue *q)
{
    q->use_prev = NULL;
    q->use_next = r->used;
    if (r->used != NULL)
        r->used->use_prev = q;
    else
        r->unused = q;
    r->used = q;
}

/* ---- cells ---- */

static size_t
weight(const struct cell *c)
{
    return sizeof(*c) + c->n;
}

/* The oldest cell of ${q} goes. */
static void
drop_oldest(struct dt_recent *r, struct queue *q)
{
    struct cell *c = q->oldest;

    q->oldest = c->next;
    if (q->oldest == NULL)
        q->newest = NULL;
    else
        q->oldest->prev = NULL;
    q->first++;
    if (c->all_prev != NULL)
        c->all_prev->all_next = c->all_next;
    else
        r->oldest = c->all_next;
    if (c->all_next != NULL)
        c->all_next->all_prev = c->all_prev;
    else
        r->newest = c->all_prev;
    r->bytes -= weight(c);
    dt_free(c);
}

static void
drop_cells(struct dt_recent *r, struct queue *q)
{
    while (q->oldest != NULL)
        drop_oldest(r, q);
}

static struct cell *
cell_new(const struct dt_relay_store_append *item)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_CELL_MAX + ITEM_HEAD);
    struct dt_writer w = dt_writer_init(&b);
    struct cell *c;

    if (dt_buf_reserve(&b, ITEM_HEAD + item->cell.n) != DT_OK) /* not in steps */
        return NULL;
    dt_write_u64(&w, item->position);
    dt_write_view(&w, dt_view_of(item->append_id));
    dt_write_vec(&w, item->cell);
    if (dt_writer_end(&w) != DT_OK || (c = dt_alloc(1, sizeof(*c) + b.n)) == NULL)
        return NULL;
    c->n = b.n;
    c->size = item->cell.n;
    memcpy(c->item, b.p, b.n);
    return c;
}

static void
add_cell(struct dt_recent *r, struct queue *q, struct cell *c, uint64_t position)
{
    if (q->newest != NULL)
        q->newest->next = c;
    else
        q->oldest = c;
    if (q->newest == NULL)
        q->first = position;
    c->prev = q->newest;
    q->newest = c;
    c->queue = q;
    c->all_prev = r->newest;
    if (r->newest != NULL)
        r->newest->all_next = c;
    else
        r->oldest = c;
    r->newest = c;
    r->bytes += weight(c);
    while (r->bytes > r->bytes_max)
        drop_oldest(r, r->oldest->queue); /* the oldest of all is the oldest of its queue */
}

/* ---- queues ---- */

static void
remove_queue(struct dt_recent *r, struct queue *q)
{
    struct queue **at = &r->lists[list_of(q->address)];

    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    use_remove(r, q);
    drop_cells(r, q);
    r->n_queues--;
    dt_free(q);
}

/* The store says ${row}: remember that. What was put here meanwhile is newer. */
static void
remember(struct dt_recent *r, const uint8_t *address, const struct dt_relay_store_queue *row,
         uint32_t changed)
{
    struct queue *q = find(r, address);
    uint64_t last;

    if (q == NULL) {
        if (r->changed[list_of(address)] != changed || (q = dt_alloc(1, sizeof(*q))) == NULL)
            return;
        memcpy(q->address, address, 32);
        q->next = r->lists[list_of(address)];
        r->lists[list_of(address)] = q;
        use_first(r, q);
        r->n_queues++;
    } else if (row->last > q->row.last) {
        drop_cells(r, q); /* another process appended: there would be a gap */
    }
    last = q->row.last > row->last ? q->row.last : row->last;
    q->row = *row;
    q->row.last = last;
    q->read_ms = dt_monotonic_ms();
    while (r->n_queues > r->queues_max)
        remove_queue(r, r->unused);
}

void
dt_recent_free(struct dt_recent *r)
{
    if (r == NULL)
        return;
    dt_recent_forget_all(r);
    pthread_mutex_destroy(&r->lock);
    dt_free(r);
}

enum dt_err
dt_recent_queue(struct dt_recent *r, struct dt_relay_store *store, const uint8_t address[static 32],
                struct dt_relay_store_queue *out)
{
    struct dt_relay_store_queue row;
    struct queue *q;
    uint32_t changed;
    bool there;
    enum dt_err err;

    if (r == NULL)
        return dt_relay_store_queue(store, address, out);
    pthread_mutex_lock(&r->lock);
    q = find(r, address);
    there = q != NULL && dt_monotonic_ms() - q->read_ms <= DT_RELAY_RECENT_MS;
    if (there) {
        use_remove(r, q);
        use_first(r, q);
        *out = q->row;
    }
    changed = r->changed[list_of(address)];
    pthread_mutex_unlock(&r->lock);
    if (there)
        return DT_OK;
    if ((err = dt_relay_store_queue(store, address, &row)) != DT_OK) {
        if (err == DT_ERR_NOT_FOUND)
            dt_recent_forget(r, address);
        return err;
    }
    pthread_mutex_lock(&r->lock);
    remember(r, address, &row, changed);
    if ((q = find(r, address)) != NULL)
        row.last = q->row.last;
    pthread_mutex_unlock(&r->lock);
    *out = row;
    return DT_OK;
}

/* Write the items after ${after}; false when not all of them are here. */
static bool
write_items(const struct queue *q, uint64_t after, uint64_t max, size_t max_bytes,
            struct dt_writer *w)
{
    const struct cell *c;
    size_t bytes = 0;
    uint64_t n = 0;

    if (q == NULL || q->oldest == NULL || after + 1 < q->first)
        return false;
    /* Whoever reads is mostly near the end. */
    c = after < q->row.last ? q->newest : NULL;
    for (uint64_t at = q->row.last; c != NULL && at > after + 1; at--)
        c = c->prev;
    for (; c != NULL && n < max; c = c->next) {
        n++;
        bytes += 32 + c->size;
        if (n > 1 && bytes > max_bytes)
            break;
        dt_write_view(w, dt_view(c->item, c->n));
    }
    return true;
}

enum dt_err
dt_recent_items(struct dt_recent *r, struct dt_relay_store *store, const uint8_t address[static 32],
                int64_t queue, uint64_t after, uint64_t max, size_t max_bytes, struct dt_writer *w)
{
    bool done;

    if (r == NULL)
        return dt_relay_store_items(store, queue, after, max, max_bytes, w);
    pthread_mutex_lock(&r->lock);
    done = write_items(find(r, address), after, max, max_bytes, w);
    pthread_mutex_unlock(&r->lock);
    return done ? DT_OK : dt_relay_store_items(store, queue, after, max, max_bytes, w);
}

void
dt_recent_put(struct dt_recent *r, const uint8_t address[static 32],
              const struct dt_relay_store_job *job)
{
    struct queue *q;

    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    q = find(r, address);
    if (q == NULL)
        r->changed[list_of(address)]++;
    for (size_t i = 0; q != NULL && i < job->u.append.n_taken; i++) {
        const struct dt_relay_store_append *item = &job->u.append.items[i];
        struct cell *c;

        /* One that existed may have been stored by another process, or by us without our knowing.
         */
        if (item->position <= q->row.last)
            continue;
        c = cell_new(item);
        if (c == NULL || item->position != q->row.last + 1)
            drop_cells(r, q);
        if (c != NULL)
            add_cell(r, q, c, item->position);
        q->row.last = item->position;
    }
    pthread_mutex_unlock(&r->lock);
}

void
dt_recent_forget(struct dt_recent *r, const uint8_t address[static 32])
{
    struct queue *q;

    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->changed[list_of(address)]++;
    if ((q = find(r, address)) != NULL)
        remove_queue(r, q);
    pthread_mutex_unlock(&r->lock);
}

void
dt_recent_forget_all(struct dt_recent *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < LISTS; i++)
        r->changed[i]++;
    while (r->used != NULL)
        remove_queue(r, r->used);
    pthread_mutex_unlock(&r->lock);
}
