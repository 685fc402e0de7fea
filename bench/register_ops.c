/*
 * bench/register_ops.c - the primitives that a register is made of, and all that is measured but
 * appending.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h> /* the bare primitive, beside which the library's is put */

#include "base/file.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "db/db.h"
#include "log/cosignature.h"
#include "log/proof.h"
#include "log/tile_read.h"
#include "relay/export/export.h"
#include "relay/relay.h"

#include "register.h"

#define REPS         64u /* several in one sample, as a clock reading is not free either */
#define SAMPLES_MAX  20000u
#define ROWS         256u
#define COSIGNED_S   1700000000u
#define STARTS       5u
#define KEPT_TILES   256u
#define STARTED_ARG  "--started"
#define STARTED_TEXT 128u

/* Sample ${fn} until the time is over, three times at least. */
typedef enum dt_err (*step_fn)(void *ctx);

static enum dt_err
sample(step_fn fn, void *ctx, double seconds, unsigned int reps, struct register_row *row)
{
    uint64_t end = bench_now_ns() + (uint64_t)(seconds * 1e9), busy = 0;
    struct register_samples s = {0};
    enum dt_err err = register_samples_init(&s, SAMPLES_MAX);

    while (err == DT_OK && s.n < s.room && (s.n < 3 || bench_now_ns() < end)) {
        uint64_t began = bench_now_ns();

        for (unsigned int i = 0; err == DT_OK && i < reps; i++)
            err = fn(ctx);
        began = bench_now_ns() - began;
        busy += began;
        register_samples_add(&s, (double)began / 1000 / reps);
    }
    if (err == DT_OK && busy > 0)
        row->per_s = (double)(s.n * reps) * 1e9 / (double)busy;
    register_samples_take(&s, row);
    register_samples_clear(&s);
    return err;
}

/* ---- primitives ---- */

static enum dt_err
sha256_step(void *ctx)
{
    static uint8_t input[65], out[32];
    EVP_MD_CTX *md = ctx;

    return EVP_DigestInit_ex2(md, NULL, NULL) == 1 &&
                   EVP_DigestUpdate(md, input, sizeof input) == 1 &&
                   EVP_DigestFinal_ex(md, out, NULL) == 1
               ? DT_OK
               : dt_fail(DT_ERR_INTERNAL, "hashing failed");
}

/* One context, its algorithm fetched once. */
static enum dt_err
sha256_65(struct register_world *w, const struct register_plan *plan, struct register_row *row)
{
    EVP_MD *alg = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    enum dt_err err = DT_ERR_INTERNAL;

    (void)w;
    if (alg != NULL && md != NULL && EVP_DigestInit_ex2(md, alg, NULL) == 1)
        err = sample(sha256_step, md, plan->seconds, REPS, row);
    EVP_MD_CTX_free(md);
    EVP_MD_free(alg);
    return err;
}

static enum dt_err
node_step(void *ctx)
{
    struct tlog_hash *h = ctx;

    return tlog_node_hash(&h[0], &h[1], &h[0]);
}

static enum dt_err
node_hash(struct register_world *w, const struct register_plan *plan, struct register_row *row)
{
    struct tlog_hash h[2] = {0};

    (void)w;
    return sample(node_step, h, plan->seconds, REPS, row);
}

struct signing {
    const struct tlog_signer *signer;
    struct dt_buf note;
    struct dt_buf line;
    struct tlog_note parsed;
};

static enum dt_err
sign_step(void *ctx)
{
    struct signing *s = ctx;

    s->line.n = 0;
    return tlog_cosign(s->signer, s->parsed.text, COSIGNED_S, &s->line);
}

static enum dt_err
verify_step(void *ctx)
{
    struct signing *s = ctx;
    uint64_t time_s;

    return tlog_cosignature_verify(&s->signer->vkey, s->parsed.text, s->parsed.sigs[1].sig,
                                   &time_s);
}

/* A checkpoint note of the register with one cosignature. */
static enum dt_err
signing(struct register_world *w, const struct register_plan *plan, bool verify,
        struct register_row *row)
{
    struct dt_relay_store_config config = {.path = w->store};
    struct signing s = {.signer = &w->witness[0],
                        .note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX),
                        .line = DT_BUF_INIT(DT_REGISTER_NOTE_MAX)};
    struct dt_relay_store_register reg;
    struct dt_relay_store *store = NULL;
    uint64_t size = 0;
    enum dt_err err;

    if ((err = dt_relay_store_open(&config, &store)) != DT_OK ||
        (err = register_find(store, w, &reg)) != DT_OK ||
        (err = dt_relay_store_checkpoint(store, reg.id, DT_RELAY_STORE_HELD, 0, &s.note, &size)) !=
            DT_OK ||
        (err = tlog_note_parse(dt_buf_view(&s.note), &s.parsed)) != DT_OK ||
        (err = tlog_cosign(s.signer, s.parsed.text, COSIGNED_S, &s.line)) != DT_OK ||
        (err = dt_buf_append(&s.note, dt_buf_view(&s.line))) != DT_OK)
        goto done;
    tlog_note_clear(&s.parsed);
    if ((err = tlog_note_parse(dt_buf_view(&s.note), &s.parsed)) == DT_OK)
        err = sample(verify ? verify_step : sign_step, &s, plan->seconds, 4, row);
done:
    tlog_note_clear(&s.parsed);
    dt_buf_clear(&s.note);
    dt_buf_clear(&s.line);
    dt_relay_store_close(store);
    return err;
}

static enum dt_err
sign(struct register_world *w, const struct register_plan *plan, struct register_row *row)
{
    return signing(w, plan, false, row);
}

static enum dt_err
verify(struct register_world *w, const struct register_plan *plan, struct register_row *row)
{
    return signing(w, plan, true, row);
}

static enum dt_err
sync_step(void *ctx)
{
    static const uint8_t page[4096];
    const int *fd = ctx;

    if (write(*fd, page, sizeof page) != (ssize_t)sizeof page || fdatasync(*fd) != 0)
        return dt_fail(DT_ERR_IO, "cannot write: %s", strerror(errno));
    return DT_OK;
}

static enum dt_err
sync_4k(struct register_world *w, const struct register_plan *plan, struct register_row *row)
{
    int fd = open(w->work, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    enum dt_err err;

    if (fd < 0)
        return dt_fail(DT_ERR_IO, "%s: %s", w->work, strerror(errno));
    err = sample(sync_step, &fd, plan->seconds, 1, row);
    (void)close(fd);
    register_copy_remove(w);
    return err;
}

static enum dt_err
rows_schema(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)from;
    (void)ctx;
    return dt_db_exec(db, "CREATE TABLE row(id INTEGER PRIMARY KEY, v BLOB NOT NULL) STRICT");
}

static enum dt_err
rows_step(void *ctx)
{
    static const uint8_t row[DT_REGISTER_ENTRY];
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    struct dt_db *db = ctx;
    enum dt_err err = dt_tx_begin(db, &tx);

    if (err == DT_OK)
        err = dt_db_prepare(db, "INSERT INTO row(v) VALUES (?1)", &st);
    for (unsigned int i = 0; err == DT_OK && i < ROWS; i++) {
        dt_bind_blob(st, 1, dt_view_of(row));
        err = dt_stmt_run(st);
    }
    return err == DT_OK ? dt_tx_commit(&tx) : err;
}

/* The least that a store in SQLite can do: rows of the length of an entry, nothing else. */
static enum dt_err
rows_256(struct register_world *w, const struct register_plan *plan, struct register_row *row)
{
    struct dt_db_config config = {
        .path = w->work, .app_id = 1, .version = 1, .create = true, .migrate = rows_schema};
    struct dt_db *db = NULL;
    enum dt_err err = dt_db_open(&config, &db);

    if (err == DT_OK)
        err = sample(rows_step, db, plan->seconds, 1, row);
    row->per_s *= ROWS;
    dt_db_close(db);
    register_copy_remove(w);
    return err;
}

const struct register_op register_primitives[] = {
    {"sha256-65", "SHA-256 of 65 bytes, bare, with a context that is used again", sha256_65, false},
    {"node-hash", "a node of the tree", node_hash, false},
    {"sign", "one cosignature made", sign, false},
    {"verify", "one cosignature checked", verify, false},
    {"sync", "4 KiB appended to a file and synced", sync_4k, false},
    {"rows-256", "256 rows of 33 bytes in one transaction, synced", rows_256, false},
};
const size_t register_n_primitives = sizeof register_primitives / sizeof register_primitives[0];

/* ---- proofs ---- */

struct reading {
    struct register_world *w;
    struct dt_relay_store *store;
    struct dt_relay_store_register reg;
    struct dt_buf note;
    struct tlog_note parsed;
    struct tlog_checkpoint checkpoint;
    struct tlog_tile_cache *kept; /* upper tiles, as an observer keeps them */
    uint64_t at; /* walks about, so that no two proofs in a row are of neighbours */
};

static void
reading_clear(struct reading *r)
{
    tlog_note_clear(&r->parsed);
    tlog_tile_cache_free(r->kept);
    dt_buf_clear(&r->note);
    dt_relay_store_close(r->store);
}

static enum dt_err
reading_init(struct reading *r, struct register_world *w)
{
    struct dt_relay_store_config config = {.path = w->store};
    uint64_t size = 0;
    enum dt_err err;

    r->w = w;
    dt_buf_init(&r->note, DT_REGISTER_NOTE_MAX);
    if ((err = dt_relay_store_open(&config, &r->store)) != DT_OK ||
        (err = register_find(r->store, w, &r->reg)) != DT_OK ||
        (err = dt_relay_store_checkpoint(r->store, r->reg.id, DT_RELAY_STORE_HELD, 0, &r->note,
                                         &size)) != DT_OK ||
        (err = tlog_note_parse(dt_buf_view(&r->note), &r->parsed)) != DT_OK)
        return err;
    return tlog_checkpoint_parse(r->parsed.text, &r->checkpoint);
}

static enum dt_err
tile_of_store(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    struct reading *r = ctx;

    return dt_relay_store_tile(r->store, r->reg.id, tile, out);
}

/* As who has a copy of the files, or a web server, has them. */
static enum dt_err
tile_of_files(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(REGISTER_PATH_MAX);
    const struct reading *r = ctx;
    enum dt_err err;

    if ((err = dt_buf_printf(&path, "%s/r/%s/", r->w->files, r->w->grant.register_id)) != DT_OK ||
        (err = tlog_tile_path_write(tile, &path)) != DT_OK ||
        (err = dt_buf_append(&path, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    return dt_file_read((const char *)path.p, out);
}

/* As the relay makes it. */
static enum dt_err
proof_db_step(void *ctx)
{
    struct reading *r = ctx;
    struct tlog_path path;

    r->at += UINT64_C(0x9e3779b97f4a7c15);
    return dt_relay_store_inclusion(r->store, r->reg.id, r->at % r->checkpoint.size,
                                    r->checkpoint.size, &r->checkpoint.root, &path, NULL);
}

static enum dt_err
proof_files_step(void *ctx)
{
    struct reading *r = ctx;
    struct tlog_path path;

    r->at += UINT64_C(0x9e3779b97f4a7c15);
    return tlog_tiles_inclusion_kept(r->kept, 0, tile_of_files, r, r->at % r->checkpoint.size,
                                     r->checkpoint.size, &r->checkpoint.root, &path, NULL);
}

static enum dt_err
proof_db(struct register_world *w, const struct register_plan *plan, struct register_row *row)
{
    struct reading r = {.w = w};
    enum dt_err err = reading_init(&r, w);

    if (err == DT_OK)
        err = sample(proof_db_step, &r, plan->seconds, 1, row);
    reading_clear(&r);
    return err;
}

static enum dt_err
proof_files(struct register_world *w, const struct register_plan *plan, struct register_row *row)
{
    struct reading r = {.w = w};
    enum dt_err err = reading_init(&r, w);

    if (err == DT_OK)
        err = tlog_tile_cache_new(KEPT_TILES, &r.kept);
    if (err == DT_OK)
        err = sample(proof_files_step, &r, plan->seconds, 1, row);
    reading_clear(&r);
    return err;
}

/* Only what is new since the size before. */
static enum dt_err export(struct register_world *w, const struct register_plan *plan,
                          struct register_row *row) {
    struct dt_relay_store_config config = {.path = w->store}; struct dt_export_report report = {0};
    struct dt_relay_store *store = NULL;
    uint64_t began = bench_now_ns();
    enum dt_err err;

    (void)plan;
    if ((err = dt_relay_store_open(&config, &store)) == DT_OK)
        err = dt_relay_export(store, w->files, NULL, &report);
    dt_relay_store_close(store);
    row->samples = 1;
    row->p50_us = row->p99_us = (double)(bench_now_ns() - began) / 1000;
    row->per_s = (double)report.written * 1e6 / row->p50_us;
    return err;
}

/* ---- a proof file ---- */

struct checking {
    const char *path;
    struct tlog_policy policy;
    struct tlog_hash leaf;
};

static enum dt_err
check_step(void *ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof proof = {0};
    struct checking *c = ctx;
    struct tlog_policy_state state;
    enum dt_err err;

    if ((err = dt_file_read(c->path, &text)) != DT_OK ||
        (err = tlog_proof_parse(dt_buf_view(&text), &proof)) != DT_OK)
        return err;
    return tlog_proof_verify(&proof, &c->leaf, &c->policy, NULL, &state);
}

/* The middle entry's proof, under a checkpoint that all witnesses cosigned, as a file. */
static enum dt_err
write_proof(struct reading *r, struct tlog_hash *leaf, size_t *bytes)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof proof = {0};
    uint64_t index = r->checkpoint.size / 2;
    struct tlog_path path;
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < REGISTER_WITNESSES; i++)
        err = tlog_cosign(&r->w->witness[i], r->parsed.text, COSIGNED_S, &text);
    if (err == DT_OK)
        err = dt_buf_append(&r->note, dt_buf_view(&text));
    text.n = 0;
    if (err != DT_OK ||
        (err = tlog_tiles_inclusion(tile_of_store, r, index, r->checkpoint.size,
                                    &r->checkpoint.root, &path, leaf)) != DT_OK ||
        (err = tlog_proof_init(&proof, NULL, index, &path, dt_buf_view(&r->note))) != DT_OK ||
        (err = tlog_proof_write(&proof, &text)) != DT_OK)
        return err;
    *bytes = text.n;
    return dt_file_write(r->w->work, dt_buf_view(&text), 0600);
}

static enum dt_err
proof_check(struct register_world *w, const struct register_plan *plan, struct register_row *row)
{
    struct checking c = {.path = w->work};
    struct reading r = {0};
    size_t bytes = 0;
    enum dt_err err;

    if ((err = reading_init(&r, w)) == DT_OK &&
        (err = dt_relay_store_policy(r.store, r.reg.id, &c.policy)) == DT_OK &&
        (err = write_proof(&r, &c.leaf, &bytes)) == DT_OK)
        err = sample(check_step, &c, plan->seconds, 1, row);
    row->bytes = bytes;
    tlog_policy_clear(&c.policy);
    reading_clear(&r);
    register_copy_remove(w);
    return err;
}

/* ---- starting ---- */

int
register_started(const char *store)
{
    struct dt_relay_config config = {.store = store, .listen = "127.0.0.1:0"};
    struct dt_relay *relay = NULL;
    enum dt_err err = dt_crypto_init();
    uint64_t now;

    if (err == DT_OK)
        err = dt_relay_start(&config, &relay);
    now = bench_now_ns();
    if (err != DT_OK)
        fprintf(stderr, "register: %s\n", dt_err_message());
    else
        printf("%llu %llu\n", (unsigned long long)now, (unsigned long long)bench_resident_kib());
    (void)fflush(stdout);
    dt_relay_stop(relay, NULL, NULL);
    return err == DT_OK ? 0 : 1;
}

/* The system need not keep ${path} in its memory: what was written to it is on disk already. */
static void
forget(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(fd);
}

/* Read what the child says. */
static enum dt_err
child_says(int fd, uint64_t *out_ns, uint64_t *out_kib)
{
    char text[STARTED_TEXT] = "", *end = NULL;
    size_t n = 0;
    ssize_t got;

    while (n < sizeof text - 1 && (got = read(fd, text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    *out_ns = strtoull(text, &end, 10);
    *out_kib = strtoull(end, NULL, 10);
    return *out_ns > 0 && *out_kib > 0 ? DT_OK
                                       : dt_fail(DT_ERR_INTERNAL, "the relay did not start");
}

static enum dt_err
start_one(struct register_world *w, struct register_samples *s, uint64_t *kib)
{
    union {
        const char *const *in;
        char *const *out;
    } cast;
    const char *const argv[] = {w->program, STARTED_ARG, w->work, NULL};
    posix_spawn_file_actions_t actions;
    uint64_t began, now = 0, resident = 0;
    int pipe_fd[2], status = 0;
    enum dt_err err;
    pid_t pid = 0;

    forget(w->work);
    cast.in = argv;
    if (pipe2(pipe_fd, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&actions) != 0)
        return dt_fail(DT_ERR_IO, "no pipe: %s", strerror(errno));
    (void)posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], 1);
    began = bench_now_ns();
    if (posix_spawn(&pid, w->program, &actions, NULL, cast.out, environ) != 0)
        pid = 0;
    (void)close(pipe_fd[1]);
    err = pid > 0 ? child_says(pipe_fd[0], &now, &resident)
                  : dt_fail(DT_ERR_IO, "%s: cannot be started", w->program);
    (void)close(pipe_fd[0]);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (pid > 0)
        (void)waitpid(pid, &status, 0);
    if (err == DT_OK) {
        register_samples_add(s, (double)(now - began) / 1000);
        if (resident > *kib)
            *kib = resident;
    }
    return err;
}

/* From the process's beginning until it serves. */
static enum dt_err
start(struct register_world *w, const struct register_plan *plan, struct register_row *row)
{
    struct register_samples s = {0};
    enum dt_err err = register_samples_init(&s, STARTS);

    (void)plan;
    if (err == DT_OK)
        err = register_copy(w);
    for (unsigned int i = 0; err == DT_OK && i < STARTS; i++)
        err = start_one(w, &s, &row->kib);
    register_samples_take(&s, row);
    register_samples_clear(&s);
    register_copy_remove(w);
    return err;
}

static enum dt_err
disk(struct register_world *w, const struct register_plan *plan, struct register_row *row)
{
    (void)plan;
    row->samples = 1;
    row->bytes = register_bytes(w->store);
    return DT_OK;
}

const struct register_op register_operations[] = {
    {"disk", "bytes of the store, everything counted", disk, false},
    {"append", "entries appended, on disk and under a signed checkpoint", register_append, true},
    {"append-http", "the same through HTTP", register_append_http, true},
    {"proof-db", "an inclusion proof made from the store, and checked", proof_db, false},
    {"export", "the register written to files, what is new of it; files a second", export, false},
    {"proof-files", "a proof made from those files, and checked; needs export", proof_files, false},
    {"proof-check", "a proof file read and checked, with three cosignatures", proof_check, false},
    {"start", "the relay started until it serves, and its memory then", start, false},
};
const size_t register_n_operations = sizeof register_operations / sizeof register_operations[0];
