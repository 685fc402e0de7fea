/*
 * relay/store/batch.c - the append keys that the jobs of a batch are about, each read once and
 * written once; and where other processes write to the same database, the locks of all of them,
 * taken in one order, and all look-ups, sent together.
 *
 * Layer: relay.
 *
 * Locks: rows of grants by token hash, then of queues, then of registers by number, before any job
 * runs. A register's row stands for all that belongs to it: its keys' accounts, entries, tiles,
 * checkpoints, cosignatures and openings; a queue's row for its cells. Two processes that lock in
 * one order wait, but never for each other.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "relay/store/internal.h"

/* ---- what the jobs name ---- */

static int
by_number(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int
compare_accounts(const void *a, const void *b)
{
    const struct batch_account *x = a, *y = b;
    int order = by_number(x->reg, y->reg);

    return order != 0 ? order : memcmp(x->key_hash, y->key_hash, sizeof(x->key_hash));
}

/* Sort, and keep one of each. */
static size_t
each_once(void *list, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    uint8_t *p = list;
    size_t kept = n > 0 ? 1 : 0;

    if (n > 1)
        qsort(list, n, size, compare);
    for (size_t i = 1; i < n; i++) {
        if (compare(p + (kept - 1) * size, p + i * size) == 0)
            continue;
        if (kept != i)
            memcpy(p + kept * size, p + i * size, size);
        kept++;
    }
    return kept;
}

static enum dt_err
collect(struct dt_relay_store *s, struct dt_relay_store_job *const *jobs, size_t n)
{
    struct store_batch *b = &s->batch;
    size_t n_entries = 0;

    for (size_t i = 0; i < n; i++)
        n_entries += jobs[i]->kind == DT_JOB_ENTRY;
    if ((b->accounts = dt_alloc(n_entries, sizeof(*b->accounts))) == NULL)
        return dt_nomem();
    for (size_t i = 0; i < n; i++) {
        if (jobs[i]->kind == DT_JOB_ENTRY) {
            struct batch_account *a = &b->accounts[b->n_accounts++];

            a->reg = jobs[i]->u.entry.reg;
            memcpy(a->key_hash, jobs[i]->u.entry.key_hash, sizeof(a->key_hash));
        }
    }
    b->n_accounts = each_once(b->accounts, b->n_accounts, sizeof(*b->accounts), compare_accounts);
    return DT_OK;
}

/* ---- accounts ---- */

static enum dt_err
ask_account(struct dt_relay_store *s, const struct batch_account *a, struct dt_stmt **out)
{
    enum dt_err err =
        dt_db_prepare(s->w,
                      "SELECT k.daily, k.day, k.used, r.cadence_k, r.cadence_ms, k.period,"
                      " k.in_period FROM append_key k JOIN register r ON r.id = k.register"
                      " WHERE k.hash = ?1 AND k.register = ?2",
                      out);

    if (err != DT_OK)
        return err;
    dt_bind_blob(*out, 1, dt_view_of(a->key_hash));
    dt_bind_u64(*out, 2, (uint64_t)a->reg);
    return DT_OK;
}

static enum dt_err
read_account(struct dt_relay_store *s, struct batch_account *a)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = ask_account(s, a, &st)) != DT_OK || (err = dt_stmt_step(st, &a->there)) != DT_OK)
        return err;
    if (a->there &&
        ((err = dt_col_u64(st, 0, INT64_MAX, &a->daily)) != DT_OK ||
         (err = dt_col_u64(st, 1, INT64_MAX, &a->day)) != DT_OK ||
         (err = dt_col_u64(st, 2, INT64_MAX, &a->used)) != DT_OK ||
         (err = dt_col_u64(st, 3, DT_CADENCE_ENTRIES_MAX, &a->cadence.k)) != DT_OK ||
         (err = dt_col_u64(st, 4, DT_CADENCE_PERIOD_MAX, &a->cadence.period_ms)) != DT_OK ||
         (err = dt_col_u64(st, 5, INT64_MAX, &a->period)) != DT_OK ||
         (err = dt_col_u64(st, 6, INT64_MAX, &a->in_period)) != DT_OK))
        return err;
    a->read = true;
    return DT_OK;
}

enum dt_err
store_batch_account(struct dt_relay_store *s, int64_t reg, const uint8_t key_hash[static 32],
                    struct batch_account **out)
{
    struct batch_account wanted = {.reg = reg}, *a;

    memcpy(wanted.key_hash, key_hash, sizeof(wanted.key_hash));
    a = s->batch.n_accounts == 0 ? NULL
                                 : bsearch(&wanted, s->batch.accounts, s->batch.n_accounts,
                                           sizeof(wanted), compare_accounts);
    if (a == NULL)
        return dt_fail(DT_ERR_INTERNAL, "a key that is not of the batch");
    *out = a;
    return a->read ? DT_OK : read_account(s, a);
}

static enum dt_err
write_account(struct dt_relay_store *s, const struct batch_account *a)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w,
                             "UPDATE append_key SET day = ?2, used = ?3, period = ?4,"
                             " in_period = ?5 WHERE hash = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view_of(a->key_hash));
    dt_bind_u64(st, 2, a->day);
    dt_bind_u64(st, 3, a->used);
    dt_bind_u64(st, 4, a->period);
    dt_bind_u64(st, 5, a->in_period);
    return dt_stmt_run(st);
}

/* ---- locks and look-ups ahead ---- */

/* What ${err} asked for, sent ahead. */
static enum dt_err
ahead(enum dt_err err, struct dt_stmt **st)
{
    if (err == DT_OK)
        dt_stmt_prefetch(*st);
    dt_stmt_done(st);
    return err;
}

static int
compare_grants(const void *a, const void *b)
{
    const struct dt_relay_store_job *const *x = a, *const *y = b;

    return memcmp((*x)->u.create.token_hash, (*y)->u.create.token_hash,
                  sizeof((*x)->u.create.token_hash));
}

static int
compare_numbers(const void *a, const void *b)
{
    return by_number(*(const int64_t *)a, *(const int64_t *)b);
}

/* The queue that ${job} writes to, or 0. */
static int64_t
queue_of(const struct dt_relay_store_job *job)
{
    return job->kind == DT_JOB_APPEND   ? job->u.append.queue
           : job->kind == DT_JOB_ACK    ? job->u.ack.queue
           : job->kind == DT_JOB_EXPIRE ? job->u.expire.queue
                                        : 0;
}

/* The register that ${job} writes to, or 0. */
static int64_t
register_of(const struct dt_relay_store_job *job)
{
    switch (job->kind) {
    case DT_JOB_ENTRY:
        return job->u.entry.reg;
    case DT_JOB_COSIGN:
        return job->u.cosign.reg;
    case DT_JOB_OPENING:
        return job->u.opening.reg;
    case DT_JOB_CREATE:
    case DT_JOB_APPEND:
    case DT_JOB_SERVED:
    case DT_JOB_ACK:
    case DT_JOB_EXPIRE:
        break;
    }
    return 0;
}

static enum dt_err
lock_grants(struct dt_relay_store *s, struct dt_relay_store_job *const *jobs, size_t n,
            const struct dt_relay_store_job **list)
{
    struct dt_stmt *st = NULL;
    enum dt_err err = DT_OK;
    size_t k = 0;

    for (size_t i = 0; i < n; i++)
        if (jobs[i]->kind == DT_JOB_CREATE)
            list[k++] = jobs[i];
    if (k > 1)
        qsort(list, k, sizeof(*list), compare_grants);
    for (size_t i = 0; err == DT_OK && i < k; i++)
        err = ahead(store_ask_grant(s, list[i], &st), &st);
    return err;
}

/* What ${number_of} says of each job (0: nothing), each once and in order; how many. */
static size_t
numbers(struct dt_relay_store_job *const *jobs, size_t n, int64_t *list,
        int64_t (*number_of)(const struct dt_relay_store_job *job))
{
    size_t k = 0;

    for (size_t i = 0; i < n; i++)
        if ((list[k] = number_of(jobs[i])) != 0)
            k++;
    return each_once(list, k, sizeof(*list), compare_numbers);
}

static enum dt_err
lock_registers(struct dt_relay_store *s, const int64_t *list, size_t n)
{
    struct dt_stmt *st = NULL;
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = ahead(store_ask_register(s, list[i], &st), &st);
    return err;
}

/* From here on nothing is locked: each statement sees what the locks kept others from changing. */
static enum dt_err
look_up(struct dt_relay_store *s, struct dt_relay_store_job *const *jobs, size_t n)
{
    struct store_batch *b = &s->batch;
    struct dt_stmt *st = NULL;
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < b->n_accounts; i++)
        err = ahead(ask_account(s, &b->accounts[i], &st), &st);
    for (size_t i = 0; err == DT_OK && i < n; i++) {
        if (jobs[i]->kind == DT_JOB_ENTRY)
            err = ahead(store_ask_entry(s, jobs[i], &st), &st);
    }
    return err == DT_OK ? store_ids_look_up(s, jobs, n) : err;
}

static enum dt_err
lock_and_ask(struct dt_relay_store *s, struct dt_relay_store_job *const *jobs, size_t n)
{
    const struct dt_relay_store_job **grants = dt_alloc(n, sizeof(*grants));
    int64_t *list = dt_alloc(n + 1, sizeof(*list)), *queues = dt_alloc(n + 1, sizeof(*queues));
    size_t n_queues = 0;
    struct dt_stmt *st = NULL;
    enum dt_err err;

    err = grants == NULL || list == NULL || queues == NULL ? dt_nomem()
                                                           : ahead(store_ask_served(s, &st), &st);
    if (err == DT_OK)
        err = lock_grants(s, jobs, n, grants);
    if (err == DT_OK)
        err = store_lock_queues(s, queues, n_queues = numbers(jobs, n, queues, queue_of));
    if (err == DT_OK)
        err = lock_registers(s, list, numbers(jobs, n, list, register_of));
    if (err == DT_OK)
        err = look_up(s, jobs, n);
    if (err == DT_OK)
        err = store_take_queues(s, queues, n_queues);
    dt_free(grants);
    dt_free(list);
    dt_free(queues);
    return err;
}

/* ---- begin and end ---- */

enum dt_err
store_batch_begin(struct dt_relay_store *s, struct dt_relay_store_job *const *jobs, size_t n)
{
    enum dt_err err = collect(s, jobs, n);

    s->batch.number++;
    return err == DT_OK && dt_db_shared(s->w) ? lock_and_ask(s, jobs, n) : err;
}

enum dt_err
store_batch_write(struct dt_relay_store *s)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < s->batch.n_accounts; i++)
        if (s->batch.accounts[i].changed)
            err = write_account(s, &s->batch.accounts[i]);
    return err;
}

void
store_batch_end(struct dt_relay_store *s)
{
    dt_free(s->batch.accounts);
    s->batch.accounts = NULL;
    s->batch.n_accounts = 0;
}
