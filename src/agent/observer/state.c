/*
 * agent/observer/state.c - see state.h.
 */
#include <string.h>

#include "base/mem.h"

#include "agent/observer/state.h"

#define STATE_APP_ID  0x64744f01u /* "dtO" and 1 */
#define STATE_VERSION 1u
#define GROUPS_MAX    (2 * TLOG_POLICY_NODES_MAX) /* of this policy and of earlier ones */

static enum dt_err
migrate(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)from;
    (void)ctx;
    return dt_db_exec(
        db, "CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one = 1), turn INTEGER NOT NULL,"
            " origin TEXT NOT NULL, log_key BLOB NOT NULL, size INTEGER NOT NULL,"
            " root BLOB NOT NULL, note BLOB NOT NULL, behind_size INTEGER NOT NULL,"
            " behind_since_ms INTEGER NOT NULL, split_ms INTEGER NOT NULL,"
            " evidence BLOB NOT NULL) STRICT;"
            "CREATE TABLE shown(size INTEGER PRIMARY KEY, first_ms INTEGER NOT NULL,"
            " last_ms INTEGER NOT NULL) STRICT;"
            "CREATE TABLE attested(size INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL,"
            " seen_ms INTEGER NOT NULL) STRICT;"
            "CREATE TABLE witnesses(name TEXT PRIMARY KEY, size INTEGER NOT NULL,"
            " time_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
            "CREATE TABLE opening(hash BLOB PRIMARY KEY, seq INTEGER NOT NULL UNIQUE,"
            " first_ms INTEGER NOT NULL, gone_ms INTEGER NOT NULL, file BLOB NOT NULL) STRICT,"
            " WITHOUT ROWID;");
}

void
observer_state_close(struct observer_state *s)
{
    dt_db_close(s->db);
    s->db = NULL;
    dt_buf_clear(&s->note);
    dt_buf_clear(&s->evidence);
    dt_free(s->shown);
    dt_free(s->attested);
    dt_free(s->groups);
    for (size_t i = 0; i < s->n_openings; i++)
        dt_buf_clear(&s->openings[i].file);
    dt_free(s->openings);
    *s = (struct observer_state){0};
}

/* ---- growing in memory ---- */

/* Room for one more of ${size} bytes behind the ${n} at ${p}, which doubles: NULL when there is
 * none. */
static void *
room(void *p, size_t n, size_t size)
{
    /* Full at 0, 1, 3, 7, ... */
    return (n & (n + 1)) == 0 ? dt_realloc(p, 2 * n + 1, size) : p;
}

static enum dt_err
push_shown(struct observer_state *s, const struct dt_shown *row)
{
    struct dt_shown *p = room(s->shown, s->n_shown, sizeof *p);

    if (p == NULL)
        return dt_nomem();
    s->shown = p;
    s->shown[s->n_shown++] = *row;
    return DT_OK;
}

enum dt_err
observer_state_shown(struct observer_state *s, uint64_t size, uint64_t now_ms)
{
    const struct dt_shown row = {size, now_ms, now_ms};

    if (s->n_shown > 0 && s->shown[s->n_shown - 1].size == size) {
        s->shown[s->n_shown - 1].last_ms = now_ms;
        return DT_OK;
    }
    return push_shown(s, &row);
}

enum dt_err
observer_state_attested(struct observer_state *s, const struct dt_attested *a)
{
    struct dt_attested *p;

    if (s->n_attested > 0 && s->attested[s->n_attested - 1].size >= a->size)
        return DT_OK;
    p = room(s->attested, s->n_attested, sizeof *p);
    if (p == NULL)
        return dt_nomem();
    s->attested = p;
    s->attested[s->n_attested++] = *a;
    return DT_OK;
}

enum dt_err
observer_state_group(struct observer_state *s, const char *name, size_t *out)
{
    struct dt_observed_group *p;
    size_t n = strlen(name);

    for (size_t i = 0; i < s->n_groups; i++)
        if (strcmp(s->groups[i].name, name) == 0) {
            *out = i;
            return DT_OK;
        }
    if (s->n_groups == GROUPS_MAX || n > DT_OBSERVE_NAME_MAX)
        return dt_fail(DT_ERR_LIMIT, "more witness groups than this observer's state can hold");
    p = room(s->groups, s->n_groups, sizeof *p);
    if (p == NULL)
        return dt_nomem();
    s->groups = p;
    s->groups[s->n_groups] = (struct dt_observed_group){0};
    memcpy(s->groups[s->n_groups].name, name, n + 1);
    *out = s->n_groups++;
    return DT_OK;
}

enum dt_err
observer_state_opening(struct observer_state *s, const uint8_t hash[static 32], uint64_t now_ms,
                       struct dt_buf *file)
{
    struct observer_opening *p;

    if (s->n_openings == DT_OBSERVER_OPENINGS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more openings than this observer's state can hold");
    p = room(s->openings, s->n_openings, sizeof *p);
    if (p == NULL)
        return dt_nomem();
    s->openings = p;
    p = &p[s->n_openings++];
    *p = (struct observer_opening){.info = {.first_ms = now_ms}};
    memcpy(p->info.hash, hash, 32);
    dt_buf_init(&p->file, DT_OBSERVER_OPENING_MAX);
    dt_buf_move(&p->file, file);
    return DT_OK;
}

/* ---- reading ---- */

static enum dt_err
damaged(const struct observer_state *s, const char *what)
{
    return dt_fail(DT_ERR_FORMAT, "%s: this state of an observer is damaged: %s", dt_db_path(s->db),
                   what);
}

/* Times that a file may hold. */
static enum dt_err
col_time(struct dt_stmt *st, int i, uint64_t *out)
{
    return dt_col_u64(st, i, DT_TIME_MAX_MS, out);
}

static enum dt_err
read_state(struct observer_state *s, bool *out_there)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_view origin = {0};
    uint8_t key[DT_ED25519_PUB];
    enum dt_err err;

    if ((err = dt_db_prepare(s->db,
                             "SELECT turn, origin, log_key, size, root, note, behind_size,"
                             " behind_since_ms, split_ms, evidence FROM state",
                             &st)) != DT_OK ||
        (err = dt_stmt_step(st, out_there)) != DT_OK || !*out_there)
        return err;
    if ((err = dt_col_u64(st, 0, INT64_MAX - 1, &s->turn)) != DT_OK ||
        (err = dt_col_text(st, 1, TLOG_NAME_MAX, &origin)) != DT_OK ||
        (err = dt_col_fixed(st, 2, key, sizeof key)) != DT_OK ||
        (err = tlog_vkey_init(&s->log, origin, TLOG_KEY_ED25519, key)) != DT_OK ||
        (err = dt_col_u64(st, 3, TLOG_SIZE_MAX, &s->size)) != DT_OK ||
        (err = dt_col_fixed(st, 4, s->root.b, TLOG_HASH)) != DT_OK ||
        (err = dt_col_buf(st, 5, &s->note)) != DT_OK ||
        (err = dt_col_u64(st, 6, TLOG_SIZE_MAX, &s->behind_size)) != DT_OK ||
        (err = col_time(st, 7, &s->behind_since_ms)) != DT_OK ||
        (err = col_time(st, 8, &s->split_ms)) != DT_OK)
        return err;
    return dt_col_buf(st, 9, &s->evidence);
}

static enum dt_err
read_shown(struct observer_state *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t last_ms = 0;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db, "SELECT size, first_ms, last_ms FROM shown ORDER BY size",
                             &st)) != DT_OK)
        return err;
    while ((err = dt_stmt_step(st, &row)) == DT_OK && row) {
        struct dt_shown x;

        if ((err = dt_col_u64(st, 0, TLOG_SIZE_MAX, &x.size)) != DT_OK ||
            (err = col_time(st, 1, &x.first_ms)) != DT_OK ||
            (err = col_time(st, 2, &x.last_ms)) != DT_OK)
            return err;
        if (x.first_ms < last_ms || x.last_ms < x.first_ms)
            return damaged(s, "times that run backwards");
        last_ms = x.last_ms;
        if ((err = push_shown(s, &x)) != DT_OK)
            return err;
    }
    s->saved_shown = s->n_shown;
    return err;
}

static enum dt_err
read_attested(struct observer_state *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db, "SELECT size, time_ms, seen_ms FROM attested ORDER BY size",
                             &st)) != DT_OK)
        return err;
    while ((err = dt_stmt_step(st, &row)) == DT_OK && row) {
        struct dt_attested x;

        if ((err = dt_col_u64(st, 0, TLOG_SIZE_MAX, &x.size)) != DT_OK ||
            (err = col_time(st, 1, &x.time_ms)) != DT_OK ||
            (err = col_time(st, 2, &x.seen_ms)) != DT_OK ||
            (err = observer_state_attested(s, &x)) != DT_OK)
            return err;
    }
    s->saved_attested = s->n_attested;
    return err;
}

static enum dt_err
read_groups(struct observer_state *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db, "SELECT name, size, time_ms FROM witnesses", &st)) != DT_OK)
        return err;
    while ((err = dt_stmt_step(st, &row)) == DT_OK && row) {
        DT_CLEANUP(dt_free_p) char *name = NULL;
        struct dt_view text = {0};
        size_t i = 0;

        if ((err = dt_col_text(st, 0, DT_OBSERVE_NAME_MAX, &text)) != DT_OK)
            return err;
        name = dt_strndup((const char *)text.p, text.n);
        if (name == NULL)
            return dt_nomem();
        if ((err = observer_state_group(s, name, &i)) != DT_OK ||
            (err = dt_col_u64(st, 1, TLOG_SIZE_MAX, &s->groups[i].size)) != DT_OK ||
            (err = col_time(st, 2, &s->groups[i].time_ms)) != DT_OK)
            return err;
    }
    return err;
}

static enum dt_err
read_openings(struct observer_state *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    enum dt_err err;

    if ((err =
             dt_db_prepare(s->db, "SELECT hash, first_ms, gone_ms, file FROM opening ORDER BY seq",
                           &st)) != DT_OK)
        return err;
    while ((err = dt_stmt_step(st, &row)) == DT_OK && row) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_OBSERVER_OPENING_MAX);
        uint64_t first_ms = 0, gone_ms = 0;
        uint8_t hash[32];

        if ((err = dt_col_fixed(st, 0, hash, sizeof hash)) != DT_OK ||
            (err = col_time(st, 1, &first_ms)) != DT_OK ||
            (err = col_time(st, 2, &gone_ms)) != DT_OK ||
            (err = dt_col_buf(st, 3, &file)) != DT_OK ||
            (err = observer_state_opening(s, hash, first_ms, &file)) != DT_OK)
            return err;
        s->openings[s->n_openings - 1].info.gone_ms = gone_ms;
    }
    s->saved_openings = s->n_openings;
    return err;
}

/* Does it all go together, as only something that was seen can? */
static enum dt_err
check_whole(const struct observer_state *s)
{
    struct tlog_checkpoint cp;
    enum dt_err err;

    if (s->note.n == 0) {
        if (s->size == 0 && s->n_shown == 0 && s->n_attested == 0)
            return DT_OK;
        return damaged(s, "counts without a checkpoint");
    }
    if ((err = tlog_checkpoint_open(dt_buf_view(&s->note), &s->log, &cp)) != DT_OK)
        return err;
    if (cp.size != s->size || !tlog_hash_equal(&cp.root, &s->root) || s->n_shown == 0 ||
        s->shown[s->n_shown - 1].size != s->size ||
        (s->n_attested > 0 && s->attested[s->n_attested - 1].size > s->size))
        return damaged(s, "sizes that do not go together");
    for (size_t i = 0; i < s->n_groups; i++)
        if (s->groups[i].size > s->size)
            return damaged(s, "sizes that do not go together");
    return DT_OK;
}

static enum dt_err
read_all(struct observer_state *s, const struct tlog_vkey *log)
{
    struct tlog_vkey want = {0};
    bool there = false;
    enum dt_err err;

    if (log != NULL)
        want = *log;
    if ((err = read_state(s, &there)) != DT_OK)
        return err;
    if (there && log != NULL && !tlog_vkey_equal(&want, &s->log))
        return dt_fail(DT_ERR_CONFLICT, "%s: this is what was seen of another register",
                       dt_db_path(s->db));
    if (!there && log == NULL)
        return dt_fail(DT_ERR_FORMAT, "%s: nothing was seen yet", dt_db_path(s->db));
    if (!there) {
        s->log = want;
        s->root = tlog_empty_root;
    }
    if ((err = read_shown(s)) != DT_OK || (err = read_attested(s)) != DT_OK ||
        (err = read_groups(s)) != DT_OK || (err = read_openings(s)) != DT_OK)
        return err;
    return check_whole(s);
}

enum dt_err
observer_state_load(const char *path, const struct tlog_vkey *log, struct observer_state *out)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    struct dt_db_config config = {.path = path,
                                  .app_id = STATE_APP_ID,
                                  .version = STATE_VERSION,
                                  .create = log != NULL,
                                  .migrate = migrate};
    struct observer_state s = {0};
    enum dt_err err = DT_OK;

    dt_buf_init(&s.note, TLOG_NOTE_MAX);
    dt_buf_init(&s.evidence, TLOG_EVIDENCE_MAX);
    if (path == NULL) {
        if (log != NULL)
            s.log = *log;
        s.root = tlog_empty_root;
        *out = s;
        return DT_OK;
    }
    if ((err = dt_db_open(&config, &s.db)) == DT_OK &&
        (err = dt_tx_begin_read(s.db, &tx)) == DT_OK && (err = read_all(&s, log)) == DT_OK)
        *out = s;
    dt_tx_end(&tx);
    if (err != DT_OK)
        observer_state_close(&s);
    return err;
}

/* ---- writing ---- */

static enum dt_err
write_state(struct observer_state *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    /* Only over what was loaded, or last saved, here. */
    err =
        dt_db_prepare(s->db,
                      "INSERT INTO state(one, turn, origin, log_key, size, root, note, behind_size,"
                      " behind_since_ms, split_ms, evidence)"
                      " VALUES (1, ?1 + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                      " ON CONFLICT(one) DO UPDATE SET turn = ?1 + 1, size = ?4, root = ?5,"
                      " note = ?6, behind_size = ?7, behind_since_ms = ?8, split_ms = ?9,"
                      " evidence = ?10 WHERE turn = ?1",
                      &st);
    if (err != DT_OK)
        return err;
    dt_bind_u64(st, 1, s->turn);
    dt_bind_text(st, 2, dt_view_str(s->log.name));
    dt_bind_blob(st, 3, dt_view_of(s->log.pub));
    dt_bind_u64(st, 4, s->size);
    dt_bind_blob(st, 5, tlog_hash_view(&s->root));
    dt_bind_blob(st, 6, dt_buf_view(&s->note));
    dt_bind_u64(st, 7, s->behind_size);
    dt_bind_u64(st, 8, s->behind_since_ms);
    dt_bind_u64(st, 9, s->split_ms);
    dt_bind_blob(st, 10, dt_buf_view(&s->evidence));
    if ((err = dt_stmt_run(st)) != DT_OK)
        return err;
    return dt_db_changes(s->db) == 1
               ? DT_OK
               : dt_fail(DT_ERR_STATE,
                         "%s: another process has kept what it saw meanwhile: run it again",
                         dt_db_path(s->db));
}

static enum dt_err
write_times(struct observer_state *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *shown = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *attested = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db,
                             "INSERT INTO shown(size, first_ms, last_ms) VALUES (?1, ?2, ?3)"
                             " ON CONFLICT(size) DO UPDATE SET last_ms = ?3",
                             &shown)) != DT_OK ||
        (err = dt_db_prepare(s->db,
                             "INSERT INTO attested(size, time_ms, seen_ms) VALUES (?1, ?2, ?3)",
                             &attested)) != DT_OK)
        return err;
    for (size_t i = s->saved_shown > 0 ? s->saved_shown - 1 : 0; i < s->n_shown; i++) {
        dt_stmt_reset(shown);
        dt_bind_u64(shown, 1, s->shown[i].size);
        dt_bind_u64(shown, 2, s->shown[i].first_ms);
        dt_bind_u64(shown, 3, s->shown[i].last_ms);
        if ((err = dt_stmt_run(shown)) != DT_OK)
            return err;
    }
    for (size_t i = s->saved_attested; i < s->n_attested; i++) {
        dt_stmt_reset(attested);
        dt_bind_u64(attested, 1, s->attested[i].size);
        dt_bind_u64(attested, 2, s->attested[i].time_ms);
        dt_bind_u64(attested, 3, s->attested[i].seen_ms);
        if ((err = dt_stmt_run(attested)) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
write_groups(struct observer_state *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    err = dt_db_prepare(s->db,
                        "INSERT INTO witnesses(name, size, time_ms) VALUES (?1, ?2, ?3)"
                        " ON CONFLICT(name) DO UPDATE SET size = ?2, time_ms = ?3",
                        &st);
    for (size_t i = 0; i < s->n_groups && err == DT_OK; i++) {
        dt_stmt_reset(st);
        dt_bind_text(st, 1, dt_view_str(s->groups[i].name));
        dt_bind_u64(st, 2, s->groups[i].size);
        dt_bind_u64(st, 3, s->groups[i].time_ms);
        err = dt_stmt_run(st);
    }
    return err;
}

static enum dt_err
write_openings(struct observer_state *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *gone = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db, "UPDATE opening SET gone_ms = ?2 WHERE hash = ?1", &gone)) !=
            DT_OK ||
        (err = dt_db_prepare(s->db,
                             "INSERT INTO opening(hash, seq, first_ms, gone_ms, file)"
                             " VALUES (?1, ?2, ?3, ?4, ?5)",
                             &put)) != DT_OK)
        return err;
    for (size_t i = 0; i < s->n_openings && err == DT_OK; i++) {
        const struct observer_opening *o = &s->openings[i];
        struct dt_stmt *st = i < s->saved_openings ? gone : put;

        dt_stmt_reset(st);
        dt_bind_blob(st, 1, dt_view_of(o->info.hash));
        dt_bind_u64(st, 2, i < s->saved_openings ? o->info.gone_ms : i);
        if (st == put) {
            dt_bind_u64(st, 3, o->info.first_ms);
            dt_bind_u64(st, 4, o->info.gone_ms);
            dt_bind_blob(st, 5, dt_buf_view(&o->file));
        }
        err = dt_stmt_run(st);
    }
    return err;
}

enum dt_err
observer_state_save(struct observer_state *s)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    enum dt_err err;

    if (s->db == NULL)
        return DT_OK;
    if ((err = dt_tx_begin(s->db, &tx)) != DT_OK || (err = write_state(s)) != DT_OK ||
        (err = write_times(s)) != DT_OK || (err = write_groups(s)) != DT_OK ||
        (err = write_openings(s)) != DT_OK || (err = dt_tx_commit(&tx)) != DT_OK)
        return err;
    s->turn++;
    s->saved_shown = s->n_shown;
    s->saved_attested = s->n_attested;
    s->saved_openings = s->n_openings;
    return DT_OK;
}
