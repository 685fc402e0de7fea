/*
 * relay/witness/state.c - see state.h. Layer: relay.
 */
#include <string.h>

#include "base/mem.h"
#include "db/db.h"
#include "relay/store/lock.h"

#include "relay/witness/state.h"

#define STEP_BACK_S 300u /* how far a clock may go back without a word */

struct relay_witness_state {
    struct dt_db *w; /* for jobs */
    struct dt_db *r; /* for reads */
    const struct tlog_signer *signer;
    struct dt_clock clock;
    int lock_fd;
};

static enum dt_err
migrate(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)ctx;
    (void)from; /* only 0, a new file: version 1 is the first */
    return dt_db_exec(
        db,
        "CREATE TABLE witness(one INTEGER PRIMARY KEY CHECK(one = 1), pub BLOB NOT NULL) STRICT;"
        "CREATE TABLE tree(origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL,"
        " time_s INTEGER NOT NULL, note TEXT NOT NULL) STRICT, WITHOUT ROWID;");
}

/* The file is of this witness, from its first use on: one key's state is never another's. */
static enum dt_err
bind_key(struct relay_witness_state *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *get = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    uint8_t pub[DT_ED25519_PUB];
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, "SELECT pub FROM witness", &get)) != DT_OK ||
        (err = dt_stmt_step(get, &row)) != DT_OK)
        return err;
    if (row) {
        if ((err = dt_col_fixed(get, 0, pub, sizeof(pub))) != DT_OK)
            return err;
        if (memcmp(pub, s->signer->vkey.pub, sizeof(pub)) != 0)
            return dt_fail(DT_ERR_CONFLICT, "%s: is the state of another witness's key",
                           dt_db_path(s->w));
        return DT_OK;
    }
    if ((err = dt_db_prepare(s->w, "INSERT INTO witness(one, pub) VALUES (1, ?1)", &put)) != DT_OK)
        return err;
    dt_bind_blob(put, 1, dt_view_of(s->signer->vkey.pub));
    return dt_stmt_run(put);
}

/* A cosignature that was made while the clock was ahead would keep the log waiting until then.
 * Trees stay as they are: only times are let go. */
static enum dt_err
forget_times(struct relay_witness_state *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = dt_db_prepare(s->w, "UPDATE tree SET time_s = 0", &st);

    return err != DT_OK ? err : dt_stmt_run(st);
}

enum dt_err
relay_witness_state_open(const struct relay_witness_state_config *config,
                         struct relay_witness_state **out)
{
    struct dt_db_config db = {.path = config->path,
                              .app_id = RELAY_WITNESS_STATE_APP,
                              .version = RELAY_WITNESS_STATE_VERSION,
                              .create = true,
                              .migrate = migrate};
    struct relay_witness_state *s = dt_alloc(1, sizeof(*s));
    enum dt_err err;

    if (s == NULL)
        return dt_nomem();
    s->lock_fd = -1;
    s->signer = config->signer;
    s->clock = config->clock.now_ms != NULL ? config->clock : dt_clock_system();
    if ((err = relay_lock(config->path, &s->lock_fd)) != DT_OK ||
        (err = dt_db_open(&db, &s->w)) != DT_OK || (err = dt_db_open(&db, &s->r)) != DT_OK ||
        (err = bind_key(s)) != DT_OK ||
        (config->clock_was_ahead && (err = forget_times(s)) != DT_OK)) {
        relay_witness_state_close(s);
        return err;
    }
    *out = s;
    return DT_OK;
}

void
relay_witness_state_close(struct relay_witness_state *s)
{
    if (s == NULL)
        return;
    dt_db_close(s->r);
    dt_db_close(s->w);
    relay_unlock(s->lock_fd);
    dt_free(s);
}

void
relay_witness_job_init(struct relay_witness_job *job)
{
    memset(job, 0, sizeof(*job));
    dt_buf_init(&job->lines, TLOG_NOTE_MAX);
    dt_buf_init(&job->stored, TLOG_NOTE_MAX);
}

void
relay_witness_job_clear(struct relay_witness_job *job)
{
    dt_buf_clear(&job->lines);
    dt_buf_clear(&job->stored);
}

/* ---- one job ---- */

/* What was cosigned last for an origin. */
struct last {
    struct tlog_witness_tree tree;
    uint64_t time_s;
    bool there; /* a row; without: size 0 and the empty root, never cosigned */
};

static enum dt_err
load(struct relay_witness_state *s, struct relay_witness_job *job, struct last *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct last l = {.tree.root = tlog_empty_root};
    struct dt_view note = {0};
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, "SELECT size, root, time_s, note FROM tree WHERE origin = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(job->cp.origin));
    if ((err = dt_stmt_step(st, &l.there)) != DT_OK)
        return err;
    if (l.there && ((err = dt_col_u64(st, 0, TLOG_SIZE_MAX, &l.tree.size)) != DT_OK ||
                    (err = dt_col_fixed(st, 1, l.tree.root.b, TLOG_HASH)) != DT_OK ||
                    (err = dt_col_u64(st, 2, TLOG_TIME_MAX, &l.time_s)) != DT_OK ||
                    (err = dt_col_text(st, 3, TLOG_NOTE_MAX, &note)) != DT_OK ||
                    (err = dt_buf_set(&job->stored, note)) != DT_OK))
        return err;
    *out = l;
    return DT_OK;
}

/* The time of the next cosignature for a log: it never goes back, as in witness/run.c. EXPIRED. */
static enum dt_err
next_time(const struct relay_witness_state *s, uint64_t last_s, uint64_t *out_s)
{
    uint64_t now = dt_clock_now(&s->clock) / 1000;

    if (now == 0)
        return dt_fail(DT_ERR_EXPIRED, "not signed: this machine's clock shows no time");
    if (now + STEP_BACK_S < last_s)
        return dt_fail(DT_ERR_EXPIRED,
                       "not signed: the clock is %llu s behind the last cosignature of this log; "
                       "if it was wrong then, start once with --clock-was-ahead",
                       (unsigned long long)(last_s - now));
    *out_s = now > last_s ? now : last_s;
    return DT_OK;
}

/* Put ${job}'s checkpoint in the place of ${old}, and of nothing else. */
static enum dt_err
swap(struct relay_witness_state *s, const struct relay_witness_job *job, const struct last *old,
     uint64_t time_s, struct dt_view note)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if (old->there)
        err = dt_db_prepare(s->w,
                            "UPDATE tree SET size = ?2, root = ?3, time_s = ?4, note = ?5"
                            " WHERE origin = ?1 AND size = ?6 AND root = ?7 AND size <= ?2",
                            &st);
    else
        err = dt_db_prepare(s->w,
                            "INSERT INTO tree(origin, size, root, time_s, note)"
                            " SELECT ?1, ?2, ?3, ?4, ?5 WHERE ?6 = 0 AND length(?7) = 32"
                            " ON CONFLICT(origin) DO NOTHING",
                            &st);
    if (err != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(job->cp.origin));
    dt_bind_u64(st, 2, job->cp.size);
    dt_bind_blob(st, 3, tlog_hash_view(&job->cp.root));
    dt_bind_u64(st, 4, time_s);
    dt_bind_text(st, 5, note);
    dt_bind_u64(st, 6, old->tree.size);
    dt_bind_blob(st, 7, tlog_hash_view(&old->tree.root));
    if ((err = dt_stmt_run(st)) != DT_OK)
        return err;
    if (dt_db_changes(s->w) != 1)
        return dt_fail(DT_ERR_CONFLICT, "the witness's state is not the one it decided on");
    return DT_OK;
}

static enum dt_err
cosign(struct relay_witness_state *s, struct relay_witness_job *job, const struct last *old)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf kept = DT_BUF_INIT(TLOG_NOTE_MAX);
    uint64_t time_s = 0;
    enum dt_err err;

    if ((err = next_time(s, old->time_s, &time_s)) != DT_OK) {
        job->decision.status = 0;
        job->err = err;
        return DT_OK; /* this log's clock alone; other jobs go on */
    }
    if ((err = tlog_note_parse(job->req.note, &note)) != DT_OK ||
        (err = tlog_cosign(s->signer, note.text, time_s, &job->lines)) != DT_OK ||
        (err = tlog_note_keep(job->req.note, job->keys, job->n_keys, &kept)) != DT_OK ||
        (err = dt_buf_append(&kept, dt_buf_view(&job->lines))) != DT_OK)
        return err;
    return swap(s, job, old, time_s, dt_buf_view(&kept));
}

static enum dt_err
run_one(struct relay_witness_state *s, struct relay_witness_job *job)
{
    struct last old;
    enum dt_err err;

    if ((err = load(s, job, &old)) != DT_OK)
        return err;
    tlog_witness_decide(&old.tree, &job->cp, job->req.old_size, &job->req.proof, &job->decision);
    job->stored_size = old.tree.size;
    if (job->decision.status != TLOG_WITNESS_OK)
        return DT_OK;
    return cosign(s, job, &old);
}

enum dt_err
relay_witness_state_run(struct relay_witness_state *s, struct relay_witness_job *const *jobs,
                        size_t n)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    enum dt_err err = dt_tx_begin(s->w, &tx);

    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = run_one(s, jobs[i]);
    if (err == DT_OK)
        err = dt_tx_commit(&tx);
    for (size_t i = 0; err != DT_OK && i < n; i++) {
        jobs[i]->decision.status = 0;
        jobs[i]->err = err;
    }
    return err;
}

enum dt_err
relay_witness_state_note(struct relay_witness_state *s, const char *origin, struct dt_buf *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_view note = {0};
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, "SELECT note FROM tree WHERE origin = ?1", &st)) != DT_OK)
        return err;
    dt_bind_text(st, 1, dt_view_str(origin));
    if ((err = dt_stmt_row(st)) != DT_OK ||
        (err = dt_col_text(st, 0, TLOG_NOTE_MAX, &note)) != DT_OK)
        return err;
    return dt_buf_set(out, note);
}
