/*
 * fuzz/agent/fuzz_observer_state.c - the state of an observer, as a file that somebody edited: rows
 * of any numbers in the tables of a good one. What loads can be counted, drawn and saved, and is
 * then the same.
 *
 * Input: 8 bytes size; 1 byte: the note is that of this size (0), of another (1), or the rest of
 * the input (2); then rows of a letter (s, a, w, t) and three numbers of 8 bytes; behind 'c', the
 * text of a cadence.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/observer/state.h"
#include "base/wire.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char path[64];
static struct dt_db *db;
static struct tlog_signer signer;

static void
must(bool cond)
{
    if (cond)
        return;
    (void)fprintf(stderr, "not so: %s (%s)\n", dt_err_message(), dt_err_place());
    abort();
}

static enum dt_err
no_migration(struct dt_db *fresh, uint32_t from, void *ctx)
{
    (void)fresh;
    (void)from;
    (void)ctx;
    return DT_ERR_INTERNAL;
}

/* A good state, once: its tables are what the rows go into. */
static void
start(void)
{
    static const uint8_t seed[32] = {7};
    struct dt_db_config config = {
        .path = path, .app_id = 0x64744f01u, .version = 1, .migrate = no_migration};
    struct observer_state s;

    if (db != NULL)
        return;
    must(dt_crypto_init() == DT_OK);
    must(tlog_signer_from_seed(dt_view_str("register.detente/fuzz"), TLOG_KEY_ED25519,
                               dt_view_of(seed), &signer) == DT_OK);
    (void)snprintf(path, sizeof path, "%s/fuzz-observer-%ld.db",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
    must(observer_state_load(path, &signer.vkey, &s) == DT_OK);
    must(observer_state_save(&s) == DT_OK);
    observer_state_close(&s);
    must(dt_db_open(&config, &db) == DT_OK);
}

static void
end(void)
{
    static const char *const rest[] = {"", "-wal", "-shm"};
    char name[80];

    dt_db_close(db);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, rest[i]);
        (void)unlink(name);
    }
}

static void
run(const char *sql, const uint64_t *x, size_t n_x, const struct dt_view *blob, size_t n_blob)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;

    must(dt_db_prepare(db, sql, &st) == DT_OK);
    for (size_t i = 0; i < n_x; i++)
        dt_bind_u64(st, (int)i + 1, x[i] & INT64_MAX);
    for (size_t i = 0; i < n_blob; i++)
        dt_bind_blob(st, (int)(n_x + i) + 1, blob[i]);
    must(dt_stmt_run(st) == DT_OK);
}

/* The root that all trees here have. */
static struct tlog_hash
root_of(uint64_t size)
{
    struct tlog_hash root = {{1}};

    return size == 0 ? tlog_empty_root : root;
}

/* The checkpoint of ${size} entries with some root. */
static void
note(uint64_t size, struct dt_buf *out)
{
    struct tlog_checkpoint cp;
    struct tlog_hash root = root_of(size);

    if (tlog_checkpoint_init(&cp, dt_view_str(signer.vkey.name), size, &root) == DT_OK)
        must(tlog_checkpoint_sign(&signer, &cp, out) == DT_OK);
}

/* The rows of ${r} into the file; ${out_rest} is what is none. */
static void
put_rows(struct dt_reader *r, struct dt_view *out_rest)
{
    static const char *const insert[] = {
        ['s'] = "INSERT OR REPLACE INTO shown VALUES (?1, ?2, ?3)",
        ['a'] = "INSERT OR REPLACE INTO attested VALUES (?1, ?2, ?3)",
        ['w'] = "INSERT OR REPLACE INTO witnesses VALUES ('w' || (?1 % 9), ?2, ?3)",
        ['t'] = "UPDATE state SET behind_size = ?1, behind_since_ms = ?2, split_ms = ?3"};
    uint64_t x[3];
    uint8_t kind = 0;

    while (r->n > 24 && dt_read_u8(r, &kind) == DT_OK && kind < sizeof insert / sizeof *insert &&
           insert[kind] != NULL) {
        must(dt_read_u64(r, &x[0]) == DT_OK && dt_read_u64(r, &x[1]) == DT_OK &&
             dt_read_u64(r, &x[2]) == DT_OK);
        run(insert[kind], x, 3, NULL, 0);
    }
    *out_rest = kind == 'c' ? dt_view(r->p, r->n) : dt_view(NULL, 0);
}

static void
fill(const uint8_t *data, size_t n, struct dt_view *out_cadence)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    struct dt_reader r = dt_reader_init(dt_view(data, n));
    struct dt_view blob[2];
    struct tlog_hash root;
    uint64_t size = 0;
    uint8_t which = 0;

    must(dt_tx_begin(db, &tx) == DT_OK);
    must(dt_db_exec(db, "DELETE FROM shown; DELETE FROM attested; DELETE FROM witnesses;"
                        "UPDATE state SET behind_size = 0, behind_since_ms = 0, split_ms = 0;") ==
         DT_OK);
    must(dt_read_u64(&r, &size) == DT_OK && dt_read_u8(&r, &which) == DT_OK);
    size &= INT64_MAX;
    note(which == 1 ? size / 2 : size, &text);
    if (which == 2)
        must(dt_buf_set(&text, dt_view(r.p, r.n)) == DT_OK);
    put_rows(&r, out_cadence);
    root = root_of(size);
    blob[0] = dt_view(text.p != NULL ? text.p : (const uint8_t *)"", text.n);
    blob[1] = tlog_hash_view(&root);
    run("UPDATE state SET size = ?1, note = ?2, root = ?3", &size, 1, blob, 2);
    must(dt_tx_commit(&tx) == DT_OK);
}

/* Count and draw it, and save it: then the same loads. */
static void
use(struct observer_state *s, struct dt_view cadence)
{
    DT_CLEANUP(dt_timeline_clear) struct dt_timeline t = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf svg = DT_BUF_INIT(DT_OBSERVE_SVG_MAX);
    struct observer_state again;
    struct dt_observed in = {.shown = s->shown,
                             .n_shown = s->n_shown,
                             .attested = s->attested,
                             .n_attested = s->n_attested,
                             .groups = s->groups,
                             .n_groups = s->n_groups,
                             .now_ms = s->n_shown > 0 ? s->shown[s->n_shown - 1].last_ms : 0,
                             .behind_size = s->behind_size,
                             .behind_since_ms = s->behind_since_ms,
                             .split_ms = s->split_ms};
    uint64_t entries = 0;
    enum dt_err err;

    if (dt_cadence_read(cadence, &in.cadence) == DT_OK)
        in.cadence.period_ms += 366 * DT_MS_DAY; /* few enough periods for a quick run */
    err = dt_timeline_fold(&in, &t);
    must(err == DT_OK || err == DT_ERR_RANGE);
    if (err == DT_OK) {
        for (size_t i = 0; i < t.n_periods[DT_PERIOD_MONTH]; i++)
            entries += t.periods[DT_PERIOD_MONTH][i].entries;
        must(entries == s->size && dt_timeline_count(&t, 0, UINT64_MAX) == s->size);
        must(dt_timeline_svg(&in, &t, NULL, 0, dt_view_str("x"), &svg) == DT_OK);
    }
    must(observer_state_save(s) == DT_OK);
    must(observer_state_load(path, &signer.vkey, &again) == DT_OK);
    must(again.size == s->size && again.n_shown == s->n_shown &&
         again.n_attested == s->n_attested && again.n_groups == s->n_groups &&
         again.turn == s->turn);
    observer_state_close(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct dt_view cadence = {0};
    struct observer_state s;
    bool first = db == NULL;

    if (n < 9)
        return 0;
    start();
    if (first)
        (void)atexit(end);
    fill(data, n, &cadence);
    if (observer_state_load(path, &signer.vkey, &s) != DT_OK)
        return 0;
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fputs("accepted\n", stderr);
    use(&s, cadence);
    observer_state_close(&s);
    return 0;
}
