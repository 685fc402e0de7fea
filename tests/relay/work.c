/*
 * tests/relay/work.c - see work.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "relay/store/internal.h"
#include "relay/store/operate.h"

#include "disk.h"
#include "work.h"

#define JOBS_MAX 14
#define CELL_MAX (64u << 10)
#define LOOK_MAX (8u << 20)
#define GONE_ON  1000u /* the step in whose name a judge goes on */
#define MOVE_AT  20u   /* pages in the -wal */
#define COPY     ".copy"

/* A step takes a minute; cells that were read are kept two, others five, append ids two more. */
#define BEGUN_MS      (UINT64_C(1800000000) * 1000)
#define STEP_S        60u
#define KEEP_S        120u
#define KEEP_UNREAD_S 300u
#define IDS_KEPT_S    120u
#define READERS       2u

static uint64_t
now(void *ctx)
{
    return *(const uint64_t *)ctx;
}

/* Bytes for what a step makes, each time the same. */
static void
bytes_of(unsigned int step, unsigned int number, const char *what, uint8_t out[static 32])
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%u %u %s", step, number, what);
    OK(dt_sha256(dt_view_str(text), out));
}

static void
cell_of(const struct work_cell *c, uint8_t append_id[static DT_RELAY_APPEND_ID],
        struct dt_buf *cell)
{
    uint8_t block[32];

    bytes_of(c->step, c->number, "append id", block);
    memcpy(append_id, block, DT_RELAY_APPEND_ID);
    bytes_of(c->step, c->number, "cell", block);
    while (cell->n < c->n)
        OK(dt_buf_append(cell, dt_view_of(block)));
}

static enum dt_err
open_store(struct work *w, const char *path, bool create, struct dt_relay_store **out)
{
    struct dt_relay_store_config config = {
        .path = path, .create = create, .clock = {now, &w->now_ms}, .ids_kept_s = IDS_KEPT_S};
    const char *copy = strstr(path, COPY);
    char key[FIXTURE_STORE + 16];
    size_t n = 0;
    enum dt_err err;

    if (copy != NULL) { /* its key is that of the store */
        (void)snprintf(key, sizeof(key), "%.*s.sealing-key", (int)(copy - path), path);
        config.sealing_key = key;
    }
    if ((err = dt_relay_store_open(&config, out)) != DT_OK)
        return err;
    dt_db_move_by_hand((*out)->w);
    if ((err = dt_relay_store_check(*out, &n)) != DT_OK) {
        dt_relay_store_close(*out);
        *out = NULL;
    }
    return err;
}

void
work_begin(struct work *w)
{
    memset(w, 0, sizeof(*w));
    w->now_ms = BEGUN_MS;
    place_make(&w->place);
}

void
work_end(struct work *w)
{
    dt_relay_store_close(w->s);
    w->s = NULL;
    place_end(&w->place);
}

/* ---- a batch ---- */

/* The jobs of a step, with what they borrow. */
struct batch {
    struct dt_relay_store_job jobs[JOBS_MAX], *list[JOBS_MAX];
    struct dt_relay_store_append items[JOBS_MAX];
    struct dt_buf cells[JOBS_MAX];
    struct work_cell made[JOBS_MAX]; /* of the appends */
    unsigned int queue[JOBS_MAX];
    struct dt_buf note, cosigned;
    size_t n;
};

static void
batch_clear(struct batch *b)
{
    for (size_t i = 0; i < JOBS_MAX; i++)
        dt_buf_clear(&b->cells[i]);
    dt_buf_clear(&b->note);
    dt_buf_clear(&b->cosigned);
}

static struct dt_relay_store_job *
job_of(struct batch *b, enum dt_job_kind kind)
{
    struct dt_relay_store_job *job = &b->jobs[b->n];

    assert_true(b->n < JOBS_MAX);
    b->list[b->n] = job;
    dt_buf_init(&b->cells[b->n], CELL_MAX);
    b->n++;
    job->kind = kind;
    return job;
}

static void
add_create(const struct work *w, unsigned int queue, struct batch *b)
{
    struct dt_relay_store_job *job = job_of(b, DT_JOB_CREATE);

    OK(dt_sha256(dt_view_of(w->place.grant.queue_token), job->u.create.token_hash));
    bytes_of(0, queue, "read", job->u.create.read_hash);
    bytes_of(0, queue, "write", job->u.create.write_hash);
}

static enum dt_err
add_append(struct dt_relay_store *s, const uint8_t address[static 32], unsigned int queue,
           struct work_cell cell, struct batch *b)
{
    struct dt_relay_store_queue row = {0};
    struct dt_relay_store_job *job;
    size_t i = b->n;
    enum dt_err err = dt_relay_store_queue(s, address, &row);

    if (err != DT_OK)
        return err;
    job = job_of(b, DT_JOB_APPEND);
    job->u.append.queue = row.id;
    b->queue[i] = queue;
    b->made[i] = cell;
    job->u.append.items = &b->items[i];
    job->u.append.n = 1;
    cell_of(&cell, b->items[i].append_id, &b->cells[i]);
    b->items[i].cell = dt_buf_view(&b->cells[i]);
    return DT_OK;
}

static enum dt_err
register_of(const struct work *w, struct dt_relay_store *s, int64_t *out)
{
    struct dt_relay_store_register row = {0};
    uint8_t id[DT_REGISTER_ID];
    enum dt_err err;

    OK(dt_hex_read_fixed(id, sizeof(id), dt_view_str(w->place.grant.register_id)));
    err = dt_relay_store_register(s, id, &row);
    *out = row.id;
    return err;
}

static void
add_entry(const struct work *w, int64_t reg, unsigned int step, unsigned int number,
          struct batch *b)
{
    entry_job(&w->place, reg, step * 100 + number, job_of(b, DT_JOB_ENTRY));
}

static void
add_opening(const struct work *w, int64_t reg, unsigned int step, struct batch *b)
{
    size_t i = b->n;
    struct dt_relay_store_job *job = job_of(b, DT_JOB_OPENING);
    struct work_cell file = {step, 99, 3000 + step};
    uint8_t unused[DT_RELAY_APPEND_ID];

    cell_of(&file, unused, &b->cells[i]);
    job->u.opening.reg = reg;
    memcpy(job->u.opening.key_hash, w->place.key_hash, 32);
    job->u.opening.file = dt_buf_view(&b->cells[i]);
    OK(dt_sha256(job->u.opening.file, job->u.opening.name));
}

static enum dt_err
add_cosign(const struct work *w, int64_t reg, unsigned int step, struct batch *b)
{
    uint64_t size = 0;
    enum dt_err err = dt_relay_store_checkpoint(w->s, reg, DT_RELAY_STORE_HELD, 0, &b->note, &size);

    if (err != DT_OK)
        return err;
    return place_cosign_job(&w->place, w->s, reg, dt_buf_view(&b->note), 1700000000 + step,
                            1 + step % WITNESSES, &b->cosigned, job_of(b, DT_JOB_COSIGN));
}

/* Both readers say now and then that they have all of a queue, and the time that passed counts. */
static enum dt_err
add_keeping(struct work *w, unsigned int step, struct batch *b)
{
    unsigned int reads = step % WORK_QUEUES, expires = (step + 1) % WORK_QUEUES;
    struct dt_relay_store_queue row = {0};
    struct dt_relay_store_job *job;
    enum dt_err err;

    (void)job_of(b, DT_JOB_SERVED);
    if ((err = dt_relay_store_queue(w->s, w->address[reads], &row)) != DT_OK)
        return err;
    job = job_of(b, DT_JOB_ACK);
    job->u.ack.queue = row.id;
    bytes_of(0, step / WORK_QUEUES % READERS, "reader", job->u.ack.reader);
    job->u.ack.position = w->n_cells[reads];
    if ((err = dt_relay_store_queue(w->s, w->address[expires], &row)) != DT_OK)
        return err;
    job = job_of(b, DT_JOB_EXPIRE);
    job->u.expire.queue = row.id;
    return DT_OK;
}

/* What ${step} consists of. */
static enum dt_err
fill(struct work *w, unsigned int step, struct batch *b)
{
    static const size_t sizes[] = {512, 1024, 512, 4096, 512, 8192, 512, 65536};
    unsigned int appends = 1 + step % 4;
    int64_t reg = 0;
    enum dt_err err;

    if (step == 2) {
        for (unsigned int q = 0; q < WORK_QUEUES; q++)
            add_create(w, q, b);
        return DT_OK;
    }
    if ((err = register_of(w, w->s, &reg)) != DT_OK)
        return err;
    for (unsigned int i = 0; i < appends; i++) {
        unsigned int q = (step + i) % WORK_QUEUES;
        struct work_cell cell = {step, i, sizes[(step * 3 + i) % 8]};

        if ((err = add_append(w->s, w->address[q], q, cell, b)) != DT_OK)
            return err;
    }
    for (unsigned int i = 0; i < step % 3; i++)
        add_entry(w, reg, step, i, b);
    if (step % 5 == 0)
        add_opening(w, reg, step, b);
    if (step > WORK_KEEP && (err = add_keeping(w, step, b)) != DT_OK)
        return err;
    return step % 3 == 0 ? add_cosign(w, reg, step, b) : DT_OK;
}

/* The batch was acknowledged: what each job said is so, and is remembered. */
static void
note_done(struct work *w, const struct batch *b)
{
    unsigned int created = 0;

    for (size_t i = 0; i < b->n; i++) {
        const struct dt_relay_store_job *job = &b->jobs[i];
        unsigned int q = b->queue[i];

        OK(job->result);
        if (job->kind == DT_JOB_CREATE)
            memcpy(w->address[created++], job->u.create.address, 32);
        if (job->kind == DT_JOB_EXPIRE) {
            w->n_expired += (unsigned int)job->u.expire.n_cells;
            w->n_forgotten += (unsigned int)job->u.expire.n_ids;
        }
        if (job->kind != DT_JOB_APPEND)
            continue;
        assert_true(w->n_cells[q] < WORK_CELLS_MAX);
        assert_int_equal(b->items[i].position, w->n_cells[q] + 1);
        w->cells[q][w->n_cells[q]++] = b->made[i];
    }
}

static enum dt_err
run_batch(struct work *w, unsigned int step)
{
    struct batch b = {.note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX),
                      .cosigned = DT_BUF_INIT(DT_REGISTER_NOTE_MAX)};
    enum dt_err err = fill(w, step, &b);

    if (err == DT_OK) {
        err = dt_relay_store_run(w->s, b.list, b.n);
        if (err == DT_OK)
            note_done(w, &b);
        else
            for (size_t i = 0; i < b.n; i++)
                assert_int_equal(b.jobs[i].result, DT_ERR_STATE);
        w->told_full = b.jobs[0].disk_full;
    }
    batch_clear(&b);
    return err;
}

static enum dt_err
read_something(struct dt_relay_store *s, struct dt_tx *reading)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    enum dt_err err = dt_tx_begin_read(s->r, reading);

    if (err == DT_OK && (err = dt_db_prepare(s->r, "SELECT count(*) FROM queue", &st)) == DT_OK)
        err = dt_stmt_step(st, &row);
    return err;
}

/*
 * As store/mover.c does, but with nothing at the same time, so that each run is the same: another
 * connection moves what a reader does not hold back, and after the next batch the writer the rest.
 * What fails is tried again later; after a failed sync the store is opened anew.
 */
static void
move_wal(struct work *w, unsigned int step, struct dt_tx *reading)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *other = NULL;
    bool mine = step % 2 == 0;
    uint64_t moved = 0;
    enum dt_err err;

    if (dt_db_wal_pages(w->s->w) < MOVE_AT)
        return;
    err = mine ? DT_OK : store_open_file(w->s->path, &other);
    if (err == DT_OK)
        err = dt_db_move(mine ? w->s->w : other, &moved);
    w->n_moves += err == DT_OK && moved > 0;
    w->n_part_moves += err == DT_OK && !mine && moved < dt_db_wal_pages(w->s->w);
    if (dt_db_unsynced(w->s->w) || (other != NULL && dt_db_unsynced(other))) {
        w->n_unsynced++;
        w->s->unsynced = true;
        assert_int_equal(dt_relay_store_run(w->s, NULL, 0), DT_ERR_IO);
        if (other != NULL)
            dt_db_leave_wal(other);
        dt_db_close_p(&other); /* as that of the mover: what of the -wal counts as moved is known */
        other = NULL;          /* for as long as any connection is open */
        dt_tx_end(reading);
        dt_relay_store_close(w->s);
        disk_pause(true);
        OK(open_store(w, w->place.path, false, &w->s));
        disk_pause(false);
    }
}

/* From now on cells are kept so long. */
static enum dt_err
state_keeping(struct work *w)
{
    struct dt_relay_bounds bounds = {0};
    uint8_t id[DT_REGISTER_ID];
    uint64_t grant = 0;
    enum dt_err err;

    OK(dt_hex_read_fixed(id, sizeof(id), dt_view_str(w->place.grant.register_id)));
    if ((err = dt_relay_store_grant_of(w->s, id, &grant)) != DT_OK ||
        (err = dt_relay_store_bounds(w->s, grant, &bounds, NULL)) != DT_OK)
        return err;
    bounds.keep_s = KEEP_S;
    bounds.keep_unread_s = KEEP_UNREAD_S;
    return dt_relay_store_set_bounds(w->s, grant, &bounds);
}

void
work_copy_path(const char *path, char out[static FIXTURE_STORE])
{
    int n = snprintf(out, FIXTURE_STORE, "%s" COPY, path);

    assert_in_range(n, 1, FIXTURE_STORE - 1);
}

/* As `detente-relay backup` does it: copied, looked at, and given its name. */
static enum dt_err
make_copy(struct work *w)
{
    struct dt_relay_store *s = NULL;
    char copy[FIXTURE_STORE], part[FIXTURE_STORE + 8];
    enum dt_err err;

    work_copy_path(w->place.path, copy);
    (void)snprintf(part, sizeof(part), "%s.part", copy);
    (void)unlink(copy); /* of a try that failed at its very end */
    (void)unlink(part);
    if ((err = dt_relay_store_backup(w->s, part)) != DT_OK)
        return err;
    err = open_store(w, part, false, &s);
    dt_relay_store_close(s);
    return err == DT_OK ? dt_file_place(part, copy) : err;
}

static enum dt_err
step_itself(struct work *w, unsigned int step)
{
    if (step == 1)
        return place_grant(&w->place, w->s, UINT32_MAX, WORK_QUEUES, 1000);
    if (step == WORK_KEEP)
        return state_keeping(w);
    if (step == WORK_BACKUP)
        return make_copy(w);
    return run_batch(w, step);
}

enum dt_err
work_step(struct work *w)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx reading = {0};
    unsigned int step = w->done;
    enum dt_err err = DT_OK;

    assert_true(step < WORK_STEPS);
    w->now_ms = BEGUN_MS + UINT64_C(1000) * STEP_S * step;
    if (step == 9 || step == 16) { /* a clean stop */
        dt_relay_store_close(w->s);
        w->s = NULL;
    }
    if (w->s == NULL)
        err = open_store(w, w->place.path, step == 0, &w->s);
    if (err == DT_OK && step > 1 && step % 2 == 1) /* a snapshot from before the batch */
        err = read_something(w->s, &reading);
    if (err == DT_OK && step > 0)
        err = step_itself(w, step);
    if (err != DT_OK)
        return err;
    w->done++;
    move_wal(w, step, &reading);
    return DT_OK;
}

/* What is looked at by the test itself does not fail. */
static void
look_unhindered(const struct work *w, uint8_t hash[static 32])
{
    disk_pause(true);
    work_look(w, w->s, hash);
    disk_pause(false);
}

unsigned int
work_all(struct work *w, void (*refused)(const struct work *w, enum dt_err err, unsigned int n))
{
    unsigned int n = 0;

    while (w->done < WORK_STEPS) {
        unsigned int step = w->done;
        uint8_t hash[32];
        enum dt_err err;

        disk_mark(WORK_BEGUN + step);
        err = work_step(w);
        if (err == DT_OK) {
            disk_mark(step);
            look_unhindered(w, w->after[step]);
            continue;
        }
        assert_true(++n < 20);
        if (refused != NULL)
            refused(w, err, n);
        if (w->s != NULL && step > 0) {
            look_unhindered(w, hash);
            assert_memory_equal(hash, w->after[step - 1], 32);
        }
    }
    return n;
}

/* ---- looking ---- */

/* How far the readers of ${queue} are, and of how many cells the append ids are forgotten. */
static void
look_readers(struct dt_relay_store *s, int64_t queue, struct dt_writer *out)
{
    static const char *const looks[] = {
        "SELECT position, hash FROM reader WHERE queue = ?1 ORDER BY hash",
        "SELECT forgotten, address FROM queue WHERE id = ?1",
    };

    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
        bool row = false;

        OK(dt_db_prepare(s->r, looks[i], &st));
        dt_bind_u64(st, 1, (uint64_t)queue);
        while (dt_stmt_step(st, &row) == DT_OK && row) {
            struct dt_view hash = {0};
            uint64_t position = 0;

            OK(dt_col_u64(st, 0, UINT32_MAX, &position));
            OK(dt_col_blob(st, 1, 32, &hash));
            dt_write_u64(out, position);
            dt_write_view(out, hash);
        }
    }
}

/* The cells of queue ${q}: each is one that was handed in, in the order in which they were taken.
 */
static void
look_queue(const struct work *w, struct dt_relay_store *s, unsigned int q, struct dt_writer *out)
{
    struct dt_relay_store_queue row = {0};
    enum dt_err err = dt_relay_store_queue(s, w->address[q], &row);

    assert_true(err == DT_OK || err == DT_ERR_NOT_FOUND);
    dt_write_u8(out, err == DT_OK);
    if (err != DT_OK)
        return;
    dt_write_view(out, dt_view_of(row.read_hash));
    dt_write_view(out, dt_view_of(row.write_hash));
    dt_write_u64(out, row.last);
    dt_write_u64(out, row.expired);
    look_readers(s, row.id, out);
    for (uint64_t at = row.expired; at < row.last; at++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf got = DT_BUF_INIT(2 * CELL_MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf want = DT_BUF_INIT(2 * CELL_MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(CELL_MAX);
        uint8_t append_id[DT_RELAY_APPEND_ID];
        struct dt_writer in = dt_writer_init(&got), expect = dt_writer_init(&want);

        OK(dt_relay_store_items(s, row.id, at, 1, 1, &in));
        OK(dt_writer_end(&in));
        dt_write_view(out, dt_buf_view(&got));
        if (at >= w->n_cells[q])
            continue; /* of a step that was not acknowledged */
        cell_of(&w->cells[q][at], append_id, &cell);
        dt_write_u64(&expect, at + 1);
        dt_write_view(&expect, dt_view_of(append_id));
        dt_write_vec(&expect, dt_buf_view(&cell));
        OK(dt_writer_end(&expect));
        assert_true(dt_view_equal(dt_buf_view(&got), dt_buf_view(&want)));
    }
}

static void
look_register(const struct work *w, struct dt_relay_store *s, struct dt_writer *out)
{
    static const enum dt_relay_store_which which[] = {DT_RELAY_STORE_HELD, DT_RELAY_STORE_ATTESTED,
                                                      DT_RELAY_STORE_FINAL};
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(LOOK_MAX);
    struct dt_relay_store_register row = {0};
    uint8_t id[DT_REGISTER_ID];
    uint64_t size = 0;
    enum dt_err err;

    OK(dt_hex_read_fixed(id, sizeof(id), dt_view_str(w->place.grant.register_id)));
    err = dt_relay_store_register(s, id, &row);
    assert_true(err == DT_OK || err == DT_ERR_NOT_FOUND);
    dt_write_u8(out, err == DT_OK);
    if (err != DT_OK)
        return;
    dt_write_u64(out, row.size);
    for (size_t i = 0; i < 3; i++) {
        err = dt_relay_store_checkpoint(s, row.id, which[i], 0, &text, &size);
        assert_true(err == DT_OK || err == DT_ERR_NOT_FOUND);
        dt_write_u64(out, err == DT_OK ? size : UINT64_MAX);
    }
    for (int entries = 0; row.size > 0 && entries < 2; entries++) {
        struct tlog_tile tile = {.entries = entries != 0, .width = (uint16_t)row.size};

        OK(dt_relay_store_tile(s, row.id, &tile, &text));
    }
    OK(dt_relay_store_openings(s, row.id, &text));
    dt_write_view(out, dt_buf_view(&text));
}

void
work_look(const struct work *w, struct dt_relay_store *s, uint8_t hash[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf all = DT_BUF_INIT(LOOK_MAX);
    struct dt_writer out = dt_writer_init(&all);

    if (w->place.grant.register_id[0] != '\0') {
        for (unsigned int q = 0; q < WORK_QUEUES; q++)
            look_queue(w, s, q, &out);
        look_register(w, s, &out);
    } else {
        for (unsigned int q = 0; q <= WORK_QUEUES; q++)
            dt_write_u8(&out, 0);
    }
    OK(dt_writer_end(&out));
    OK(dt_sha256(dt_buf_view(&all), hash));
}

/* ---- judging ---- */

/* What was handed in stays so: the last cell of queue ${q} that expired, and the last one that is
 * there, are known when they come again. */
static const char *
retries(const struct work *w, struct dt_relay_store *s, unsigned int q)
{
    struct dt_relay_store_queue row = {0};
    uint64_t forgotten = 0;
    const char *wrong = NULL;

    if (dt_relay_store_queue(s, w->address[q], &row) != DT_OK)
        return NULL;
    {
        DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;

        OK(dt_db_prepare(s->r, "SELECT forgotten FROM queue WHERE id = ?1", &st));
        dt_bind_u64(st, 1, (uint64_t)row.id);
        OK(dt_stmt_row(st));
        OK(dt_col_u64(st, 0, UINT32_MAX, &forgotten));
    }
    for (int gone = 0; gone < 2; gone++) {
        struct batch b = {.note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX),
                          .cosigned = DT_BUF_INIT(DT_REGISTER_NOTE_MAX)};
        uint64_t position = gone != 0 ? row.expired : row.last;

        if (position <= forgotten || position > w->n_cells[q])
            continue;
        OK(add_append(s, w->address[q], q, w->cells[q][position - 1], &b));
        if (dt_relay_store_run(s, b.list, b.n) != DT_OK || b.jobs[0].result != DT_OK ||
            !b.items[0].existed || b.items[0].position != position)
            wrong = gone != 0 ? "a cell that expired is not known when it comes again"
                              : "a cell is not known when it comes again";
        batch_clear(&b);
    }
    return wrong;
}

/* A cell and an entry more are taken, in their places. */
static const char *
goes_on(const struct work *w, struct dt_relay_store *s)
{
    struct batch b = {.note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX),
                      .cosigned = DT_BUF_INIT(DT_REGISTER_NOTE_MAX)};
    struct work_cell cell = {GONE_ON, 0, 512};
    struct dt_relay_store_queue row = {0};
    int64_t reg = 0;
    size_t n = 0;
    const char *wrong = NULL;

    if (register_of(w, s, &reg) != DT_OK || dt_relay_store_queue(s, w->address[0], &row) != DT_OK)
        return NULL; /* there is nothing to go on with yet */
    for (unsigned int q = 0; wrong == NULL && q < WORK_QUEUES; q++)
        wrong = retries(w, s, q);
    if (wrong != NULL)
        return wrong;
    OK(add_append(s, w->address[0], 0, cell, &b));
    add_entry(w, reg, GONE_ON, 0, &b);
    if (dt_relay_store_run(s, b.list, b.n) != DT_OK || b.jobs[0].result != DT_OK ||
        b.jobs[1].result != DT_OK)
        wrong = "it takes nothing more";
    else if (b.items[0].position != row.last + 1)
        wrong = "a cell more has a wrong position";
    else if (dt_relay_store_check(s, &n) != DT_OK)
        wrong = "after an entry more its register is wrong";
    batch_clear(&b);
    return wrong;
}

int
work_judge(const struct work *w, const char *path, int least, int most, const char **out_wrong)
{
    struct work *own = dt_alloc(1, sizeof(*own)); /* for its clock */
    struct dt_relay_store *s = NULL;
    uint8_t hash[32];
    int step = most;
    enum dt_err err;

    assert_non_null(own);
    *own = *w;
    *out_wrong = NULL;
    err = open_store(own, path, least < 0, &s);
    if (err != DT_OK) {
        *out_wrong = dt_err_message();
        dt_free(own);
        return -2;
    }
    work_look(w, s, hash);
    while (step >= least && step >= 0 && memcmp(hash, w->after[step], 32) != 0)
        step--;
    if (step < 0 || step < least) {
        static char text[96];
        unsigned int other = 0;

        while (other < WORK_STEPS && memcmp(hash, w->after[other], 32) != 0)
            other++;
        (void)snprintf(text, sizeof(text),
                       "it holds what stood there after step %u (%u: after none)", other,
                       WORK_STEPS);
        *out_wrong = text;
    } else if (dt_db_check(s->w) != DT_OK)
        *out_wrong = "its pages do not fit together";
    else
        *out_wrong = goes_on(w, s);
    dt_relay_store_close(s);
    dt_free(own);
    return step;
}

void
work_judge_copy(const struct work *w, const char *path, int least, const char **out_wrong)
{
    struct work *own;
    struct dt_relay_store *s = NULL;
    char copy[FIXTURE_STORE];
    uint8_t hash[32];

    *out_wrong = NULL;
    work_copy_path(path, copy);
    if (!dt_file_exists(copy)) {
        if (least >= WORK_BACKUP)
            *out_wrong = "the backup that was acknowledged is not there";
        return;
    }
    own = dt_alloc(1, sizeof(*own)); /* for its clock */
    assert_non_null(own);
    *own = *w;
    if (open_store(own, copy, false, &s) != DT_OK) {
        *out_wrong = dt_err_message();
    } else {
        work_look(w, s, hash);
        if (memcmp(hash, w->after[WORK_BACKUP - 1], 32) != 0)
            *out_wrong = "the backup is of something else";
        else if (dt_db_check(s->w) != DT_OK)
            *out_wrong = "the backup's pages do not fit together";
        else
            *out_wrong = goes_on(w, s);
    }
    dt_relay_store_close(s);
    dt_free(own);
}
