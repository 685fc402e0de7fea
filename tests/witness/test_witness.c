/*
 * tests/witness/test_witness.c - real relay process, real witnesses: held, attested, final; one
 * witness stopped; restore of an old state; a split view with its evidence; a relay that answers
 * rubbish; a clock that was ahead; memory and disk that fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>
#include <sqlite3.h>

#include <cmocka.h>

#include "../base/folder.h"
#include "../base/torture.h"
#include "../relay/relay_fixture.h"
#include "db/db.h"
#include "log/policy.h"
#include "log/tile_read.h"
#include "log/witness.h"
#include "net/server.h"
#include "witness/witness.h"

static struct fixture fx;

struct runner {
    struct dt_witness_config config;
    char key[128], state[128];
    atomic_bool stop;
    pthread_t thread;
    enum dt_err err;
    bool once, running;
    char said[512];
    atomic_uint lines; /* that begin with "waiting" */
    atomic_uint below; /* that say that the relay holds less than was cosigned */
    atomic_uint split; /* that begin with "SPLIT VIEW" */
    char cosigned[64]; /* the latest line that said so */
};
static struct runner runners[FIXTURE_PARTIES];

static void
note_line(void *ctx, const char *line)
{
    struct runner *r = ctx;

    (void)snprintf(r->said, sizeof(r->said), "%s", line);
    if (strncmp(line, "waiting", 7) == 0)
        atomic_fetch_add(&r->lines, 1);
    if (strstr(line, "below the") != NULL)
        atomic_fetch_add(&r->below, 1);
    if (strncmp(line, "SPLIT VIEW", 10) == 0)
        atomic_fetch_add(&r->split, 1);
    if (strncmp(line, "cosigned", 8) == 0)
        (void)snprintf(r->cosigned, sizeof(r->cosigned), "%s", line);
}

static void
runner_config(struct runner *r, size_t i)
{
    memset(r, 0, sizeof(*r));
    (void)snprintf(r->key, sizeof(r->key), "%s/w%zu.key", fx.dir, i);
    (void)snprintf(r->state, sizeof(r->state), "%s/w%zu.state", fx.dir, i);
    r->config.key_path = r->key;
    r->config.state_path = r->state;
    r->config.register_url = fx.register_url;
    r->config.register_vkey = fx.grant[0].vkey;
    r->config.wait_s = 5;
    r->config.say = note_line;
    r->config.say_ctx = r;
}

/* As fixture_begin(), but with the witnesses' keys from key files. */
static int
start(void **state)
{
    memset(&fx, 0, sizeof(fx));
    OK(dt_crypto_init());
    assert_true(test_folder(fx.dir, sizeof(fx.dir), "wit"));
    (void)snprintf(fx.store, sizeof(fx.store), "%s/relay.db", fx.dir);
    (void)snprintf(fx.listen, sizeof(fx.listen), "127.0.0.1:0");
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        char name[64], key[128];

        (void)snprintf(name, sizeof(name), "witness.%s", fixture_names[i]);
        (void)snprintf(key, sizeof(key), "%s/w%zu.key", fx.dir, i);
        OK(dt_witness_keygen(key, name, fx.vkey[i]));
    }
    fixture_serve(&fx);
    assert_int_equal(fixture_grant(&fx, NULL), 0);
    fixture_load_grants(&fx);
    OK(dt_http_client_new(NULL, &fx.http));
    for (size_t i = 0; i < FIXTURE_PARTIES; i++)
        runner_config(&runners[i], i);
    *state = &fx;
    return 0;
}

static void *
run(void *arg)
{
    struct runner *r = arg;

    r->err = dt_witness_run(&r->config, &r->stop, r->once);
    return NULL;
}

static void
begin(size_t i)
{
    atomic_store(&runners[i].stop, false);
    runners[i].running = true;
    assert_int_equal(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
}

static void
end(size_t i)
{
    if (!runners[i].running)
        return;
    atomic_store(&runners[i].stop, true);
    pthread_join(runners[i].thread, NULL);
    runners[i].running = false;
}

static int
stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIXTURE_PARTIES; i++)
        end(i);
    fixture_finish(&fx);
    return 0;
}

static uint64_t
add_entry(uint8_t n)
{
    uint8_t seal[32] = {n, 1};
    uint64_t index = 0;

    OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[n % 3].append_key), seal,
                          &index));
    return index;
}

/* Wait until the checkpoint of ${kind} is of ${size} at least. */
static void
until(enum dt_checkpoint_kind kind, uint64_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);

    OK(dt_register_checkpoint_after(fx.http, fx.register_url, kind, size - 1, 15, &b));
}

/* Wait until it has said that it cosigned ${size}. */
static void
until_cosigned(const struct runner *r, size_t size)
{
    char line[64];

    (void)snprintf(line, sizeof(line), "cosigned size %zu", size);
    for (int i = 0; i < 1500 && strcmp(r->cosigned, line) != 0; i++)
        usleep(10000);
    assert_string_equal(r->cosigned, line);
}

static void
keys(void **state)
{
    char vkey[DT_WITNESS_VKEY_MAX + 1];
    struct stat st;

    (void)state;
    assert_int_equal(stat(runners[0].key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    OK(dt_witness_vkey(runners[0].key, vkey));
    assert_string_equal(vkey, fx.vkey[0]);
    assert_int_equal(dt_witness_keygen(runners[0].key, "again", vkey), DT_ERR_EXISTS);
    assert_int_equal(dt_witness_keygen("/tmp/nowhere.key", "a b", vkey), DT_ERR_RANGE);
    assert_int_equal(dt_witness_vkey(fx.store, vkey), DT_ERR_LIMIT);
}

static void
held_attested_final(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct tlog_vkey log;
    struct tlog_checkpoint cp;

    (void)state;
    OK(tlog_vkey_parse(dt_view_str(fx.grant[0].vkey), &log));
    assert_int_equal(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_ATTESTED, &b),
                     DT_ERR_NOT_FOUND);
    assert_int_equal(add_entry(0), 0);
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &b));
    OK(tlog_checkpoint_open(dt_buf_view(&b), &log, &cp));
    assert_int_equal(cp.size, 1);
    begin(0);
    begin(1);
    until(DT_CHECKPOINT_ATTESTED, 1); /* two of three: one is stopped */
    assert_int_equal(add_entry(1), 1);
    until(DT_CHECKPOINT_ATTESTED, 2);
    assert_int_equal(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_FINAL, &b),
                     DT_ERR_NOT_FOUND);
    begin(2);
    until(DT_CHECKPOINT_FINAL, 2);
    assert_int_equal(add_entry(1), 1); /* the same seal: its first index */
    for (uint8_t i = 2; i < 20; i++)
        assert_int_equal(add_entry(i), i);
    until(DT_CHECKPOINT_FINAL, 20);
    OK(dt_register_checkpoint_of(fx.http, fx.register_url, 1, &b)); /* earlier ones stay */
    OK(tlog_checkpoint_open(dt_buf_view(&b), &log, &cp));
    assert_int_equal(cp.size, 1);
    assert_int_equal(dt_register_checkpoint_of(fx.http, fx.register_url, 21, &b), DT_ERR_NOT_FOUND);
    /* The relay restarts: what was signed is what it serves. */
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_FINAL, &b));
    assert_int_equal(fixture_end(&fx, SIGKILL), -1);
    fixture_serve(&fx);
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf c = DT_BUF_INIT(DT_NET_ANSWER_MAX);

        OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_FINAL, &c));
        assert_true(dt_view_equal(dt_buf_view(&b), dt_buf_view(&c)));
    }
    assert_int_equal(add_entry(20), 20);
    until(DT_CHECKPOINT_FINAL, 21); /* the witnesses found it again */
}

/* An old copy of the state is recognised by the witness's own larger cosignature. */
static void
restored_state(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);

    (void)state;
    (void)add_entry(0);
    OK(dt_witness_run(&runners[0].config, NULL, true));
    (void)add_entry(1);
    (void)add_entry(2);
    OK(dt_witness_run(&runners[0].config, NULL, true));
    assert_string_equal(runners[0].said, "cosigned size 3");
    assert_int_equal(unlink(runners[0].state), 0);
    runners[0].said[0] = '\0';
    OK(dt_witness_run(&runners[0].config, NULL, true));
    assert_non_null(strstr(runners[0].said, "taking over size 3"));
    OK(dt_register_checkpoint_of(fx.http, fx.register_url, 2, &b));
}

static void
foreign_cosignature_refused(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer stranger = {0};
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_NET_ANSWER_MAX);

    (void)state;
    (void)add_entry(0);
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &b));
    OK(tlog_signer_new(dt_view_str("stranger"), TLOG_KEY_COSIGNATURE, &stranger));
    OK(tlog_note_parse(dt_buf_view(&b), &note));
    OK(dt_buf_append(&out, dt_buf_view(&b)));
    assert_int_equal(dt_register_cosign(fx.http, fx.register_url, dt_buf_view(&out)),
                     DT_ERR_REFUSED);
    OK(tlog_cosign(&stranger, note.text, 1000, &out));
    assert_int_equal(dt_register_cosign(fx.http, fx.register_url, dt_buf_view(&out)),
                     DT_ERR_REFUSED);
    assert_int_equal(dt_register_cosign(fx.http, fx.register_url, dt_view_str("nonsense")),
                     DT_ERR_FORMAT);
}

static char stores[2][128]; /* of two relays with one register key and two trees */

static void
serve_tree(size_t i)
{
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    (void)snprintf(fx.store, sizeof(fx.store), "%.95s", stores[i]);
    fixture_serve(&fx);
}

/* The first witness cosigns size 3 of the first; the second has size 6 and is the one that serves.
 */
static void
fork_register(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    char key[sizeof(fx.store) + 16];

    (void)add_entry(0);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    (void)snprintf(stores[0], sizeof(stores[0]), "%.100s", fx.store);
    (void)snprintf(stores[1], sizeof(stores[1]), "%.100s/copy.db", fx.dir);
    OK(dt_file_read(fx.store, &text));
    OK(dt_file_write(stores[1], dt_buf_view(&text), 0600));
    /* Its keys are sealed, and the thief has the key that opens them too. */
    (void)snprintf(key, sizeof(key), "%s.sealing-key", fx.store);
    OK(dt_file_read(key, &text));
    (void)snprintf(key, sizeof(key), "%s.sealing-key", stores[1]);
    OK(dt_file_write(key, dt_buf_view(&text), 0600));
    fixture_serve(&fx);
    (void)add_entry(1);
    (void)add_entry(2);
    OK(dt_witness_run(&runners[0].config, NULL, true));
    assert_string_equal(runners[0].said, "cosigned size 3");
    serve_tree(1);
    for (uint8_t i = 3; i < 8; i++)
        (void)add_entry(i);
}

/* The evidence in ${dir} shows what fork_register() made. */
static void
check_evidence(const char *dir)
{
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    struct tlog_checkpoint first, second;
    char command[512], found[256] = "";
    struct tlog_vkey log;
    FILE *list;

    (void)snprintf(command, sizeof(command), "ls %s/evidence-6-*.txt", dir);
    list = popen(command, "r");
    assert_non_null(list);
    assert_non_null(fgets(found, sizeof(found), list));
    (void)pclose(list);
    found[strcspn(found, "\n")] = '\0';
    OK(dt_file_read(found, &text));
    OK(tlog_evidence_read(dt_buf_view(&text), &e));
    OK(tlog_evidence_verify(&e, &first, &second));
    OK(tlog_vkey_parse(dt_view_str(fx.grant[0].vkey), &log));
    assert_true(tlog_vkey_equal(&e.log, &log));
    assert_int_equal(first.size, 3);
    assert_int_equal(second.size, 6);
}

/* A second relay with the same register key and another tree: the witness of the first sees it. */
static void
split_view(void **state)
{
    (void)state;
    fork_register();
    assert_int_equal(dt_witness_run(&runners[0].config, NULL, true), DT_ERR_CONFLICT);
    assert_int_equal(atomic_load(&runners[0].split), 1);
    assert_int_equal(dt_witness_run(&runners[0].config, NULL, true),
                     DT_ERR_CONFLICT); /* and for ever */
    check_evidence(fx.dir);
}

/* Nowhere to write the evidence: it says what it saw all the same, and does not sign after the next
 * start; and while it runs it goes on trying. */
static void
split_view_without_evidence(void **state)
{
    struct runner *r = &runners[0];
    char dir[200];

    (void)state;
    (void)snprintf(dir, sizeof(dir), "%.100s/later", fx.dir);
    r->config.evidence_dir = dir;
    r->config.pause_ms = 10;
    fork_register();
    begin(0);
    for (int i = 0; i < 1000 && atomic_load(&r->lines) == 0; i++)
        usleep(10000);
    assert_int_equal(atomic_load(&r->split), 1);
    assert_non_null(strstr(r->said, "the evidence of the split view"));
    assert_int_equal(mkdir(dir, 0700), 0);
    for (int i = 0; i < 1000 && strncmp(r->said, "evidence", 8) != 0; i++)
        usleep(10000);
    end(0);
    assert_int_equal(r->err, DT_ERR_CONFLICT);
    assert_int_equal(atomic_load(&r->split), 1);
    check_evidence(dir);
}

/* As above, but it does not go on: the next start knows. */
static void
split_view_without_evidence_once(void **state)
{
    struct runner *r = &runners[0];
    char dir[200];

    (void)state;
    (void)snprintf(dir, sizeof(dir), "%.100s/never", fx.dir);
    r->config.evidence_dir = dir;
    fork_register();
    assert_int_equal(dt_witness_run(&r->config, NULL, true), DT_ERR_IO);
    assert_int_equal(atomic_load(&r->split), 1);
    serve_tree(0);
    (void)add_entry(9);
    assert_int_equal(dt_witness_run(&r->config, NULL, true), DT_ERR_CONFLICT);
    assert_string_equal(r->cosigned, "cosigned size 3");
}

/* Another process keeps the state from being written: until it lets go nothing is signed, though
 * the relay shows the good tree again. */
static void
split_view_with_busy_state(void **state)
{
    struct runner *r = &runners[0];
    sqlite3 *db = NULL;

    (void)state;
    r->config.pause_ms = 10;
    fork_register();
    assert_int_equal(sqlite3_open(r->state, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    begin(0);
    for (int i = 0; i < 1000 && atomic_load(&r->lines) == 0; i++)
        usleep(10000);
    assert_int_equal(atomic_load(&r->lines), 1);
    assert_int_equal(atomic_load(&r->split), 1);
    serve_tree(0);
    (void)add_entry(9);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    for (int i = 0; i < 100 && strcmp(r->cosigned, "cosigned size 4") != 0; i++)
        usleep(10000);
    end(0);
    assert_string_equal(r->cosigned, "cosigned size 3");
    assert_int_equal(r->err, DT_ERR_CONFLICT);
    check_evidence(fx.dir);
}

/* Past the first full tile; bundles, partial tiles, and a store whose tiles were changed. */
static void
full_tiles(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    const char *check[] = {"check-config", "--store", fx.store, NULL};
    struct dt_view entries[TLOG_TILE_WIDTH];
    struct tlog_hash leaf;
    size_t n = 0;

    (void)state;
    for (unsigned int i = 0; i < 300; i++) {
        uint8_t seal[32] = {(uint8_t)i, (uint8_t)(i >> 8), 9};
        uint64_t index = 0;

        OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[i % 3].append_key),
                              seal, &index));
        assert_int_equal(index, i);
        if (i == 199)
            OK(dt_witness_run(&runners[0].config, NULL, true));
    }
    OK(dt_witness_run(&runners[0].config, NULL, true));
    assert_string_equal(runners[0].said, "cosigned size 300");
    OK(dt_register_file(fx.http, fx.register_url, "tile/entries/000", &b));
    OK(tlog_bundle_parse(dt_buf_view(&b), entries, &n));
    assert_int_equal(n, 256);
    assert_int_equal(entries[255].n, DT_REGISTER_ENTRY);
    OK(tlog_leaf_hash(entries[255], &leaf));
    OK(dt_register_file(fx.http, fx.register_url, "tile/0/000", &b));
    assert_int_equal(b.n, TLOG_TILE_BYTES);
    assert_memory_equal(b.p + 255 * TLOG_HASH, leaf.b, TLOG_HASH);
    OK(dt_register_file(fx.http, fx.register_url, "tile/1/000.p/1", &b));
    assert_int_equal(b.n, TLOG_HASH);
    OK(dt_register_file(fx.http, fx.register_url, "tile/0/001.p/44", &b));
    assert_int_equal(dt_register_file(fx.http, fx.register_url, "tile/0/001.p/45", &b),
                     DT_ERR_NOT_FOUND);
    assert_int_equal(dt_register_file(fx.http, fx.register_url, "tile/entries/001", &b),
                     DT_ERR_NOT_FOUND);
    assert_int_equal(dt_register_file(fx.http, fx.register_url, "tile/0/2", &b), DT_ERR_NOT_FOUND);

    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    assert_int_equal(fixture_run(&fx, check), 0);
    /* A leaf hash of the partial tile with one bit changed, in the file itself. */
    OK(tlog_leaf_hash(entries[255], &leaf));
    dt_buf_clear(&b);
    dt_buf_init(&b, 16u << 20);
    OK(dt_file_read(fx.store, &b));
    {
        uint8_t entry[33] = {1, (uint8_t)299, (uint8_t)(299 >> 8), 9}, *at;

        OK(tlog_leaf_hash(dt_view_of(entry), &leaf));
        while ((at = memmem(b.p, b.n, leaf.b, TLOG_HASH)) != NULL)
            at[0] ^= 1;
    }
    OK(dt_file_write(fx.store, dt_buf_view(&b), 0600));
    assert_int_equal(fixture_run(&fx, check), 1);
}

/* ---- clocks ---- */

static int64_t clock_off_ms;

static uint64_t
off_clock(void *ctx)
{
    struct dt_clock real = dt_clock_system();

    (void)ctx;
    return (uint64_t)((int64_t)dt_clock_now(&real) + clock_off_ms);
}

/* Told once that the clock was ahead, it knows for good, also when there was nothing to sign then:
 * the state is kept, and what the relay shows of wrong times does not bind. */
static void
clock_was_ahead_lasts(void **state)
{
    struct runner *r = &runners[0];

    (void)state;
    r->config.clock.now_ms = off_clock;
    clock_off_ms = (int64_t)(24 * DT_MS_HOUR);
    (void)add_entry(0);
    OK(dt_witness_run(&r->config, NULL, true));
    assert_string_equal(r->said, "cosigned size 1");
    clock_off_ms = 0;
    (void)add_entry(1);
    assert_int_equal(dt_witness_run(&r->config, NULL, true), DT_ERR_EXPIRED);
    r->config.clock_was_ahead = true;
    OK(dt_witness_run(&r->config, NULL, true));
    assert_string_equal(r->said, "cosigned size 2");

    /* And once more, with nothing to sign. */
    clock_off_ms = (int64_t)(24 * DT_MS_HOUR);
    (void)add_entry(2);
    r->config.clock_was_ahead = false;
    OK(dt_witness_run(&r->config, NULL, true));
    assert_string_equal(r->said, "cosigned size 3");
    clock_off_ms = 0;
    r->config.clock_was_ahead = true;
    OK(dt_witness_run(&r->config, NULL, true));
    r->config.clock_was_ahead = false;
    OK(dt_witness_run(&r->config, NULL, true));
    (void)add_entry(3);
    OK(dt_witness_run(&r->config, NULL, true));
    assert_string_equal(r->said, "cosigned size 4");
    /* What is signed from then on binds again. */
    clock_off_ms = -(int64_t)DT_MS_HOUR;
    (void)add_entry(4);
    assert_int_equal(dt_witness_run(&r->config, NULL, true), DT_ERR_EXPIRED);
}

/* ---- a relay between that answers what it likes ---- */

static atomic_uint
    answer_with; /* a status, 1: rubbish with 200, ANSWER_OLD, 0: what the real relay says */
static atomic_uint asked;
static struct dt_buf old_notes[2]; /* with ANSWER_OLD what is held: these in turn */

#define ANSWER_OLD 2u

static enum dt_http_next
between(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    DT_CLEANUP(dt_http_client_free_p) struct dt_http_client *c = NULL;
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    struct dt_http_call call = {.base = fx.url, .body = req->body};
    unsigned int with = atomic_load(&answer_with);
    struct dt_view after = {0};
    char path[512];

    (void)ctx;
    atomic_fetch_add(&asked, 1);
    if (with > ANSWER_OLD) {
        dt_http_reply_error(reply, with, "format", "so says the relay");
        return DT_HTTP_REPLY;
    }
    dt_buf_init(&reply->body, DT_NET_ANSWER_MAX);
    reply->status = 200;
    if (with == 1) {
        OK(dt_buf_append(&reply->body, dt_view_str("no checkpoint, no tile\n")));
        return DT_HTTP_REPLY;
    }
    if (with == ANSWER_OLD && strstr(req->path, "held") != NULL) {
        OK(dt_buf_append(&reply->body, dt_buf_view(&old_notes[atomic_load(&asked) % 2])));
        return DT_HTTP_REPLY;
    }
    /* One thread serves, so nobody waits in here. */
    if (dt_http_query(req, "after", &after))
        (void)snprintf(path, sizeof(path), "%s?after=%.*s", req->path, (int)after.n,
                       (const char *)after.p);
    else if (dt_http_query(req, "by", &after))
        (void)snprintf(path, sizeof(path), "%s?by=%.*s", req->path, (int)after.n,
                       (const char *)after.p);
    else
        (void)snprintf(path, sizeof(path), "%s", req->path);
    call.method = req->method == DT_HTTP_POST ? "POST" : "GET";
    call.path = path;
    OK(dt_http_client_new(NULL, &c));
    OK(dt_http_call(c, &call, &a));
    reply->status = a.status;
    dt_buf_move(&reply->body, &a.body);
    return DT_HTTP_REPLY;
}

/* From now on the first witness talks to between(), and does not pause for long. */
static struct dt_http_server *
put_between(char url[static 256])
{
    struct dt_http_server_config config = {.listen = "127.0.0.1:0", .handler = between};
    struct dt_http_server *server = NULL;

    OK(dt_http_server_start(&config, &server));
    (void)snprintf(url, 256, "http://127.0.0.1:%u%s", dt_http_server_port(server),
                   strstr(fx.register_url, "/r/"));
    runners[0].config.register_url = url;
    runners[0].config.pause_ms = 8;
    return server;
}

/* Wait until it has asked ${n} times more. */
static void
until_asked(unsigned int n)
{
    unsigned int from = atomic_load(&asked);

    for (int i = 0; i < 1000 && atomic_load(&asked) - from < n; i++)
        usleep(5000);
    assert_true(atomic_load(&asked) - from >= n);
}

/* Whatever a relay answers, the witness goes on, says so once for each kind, does not ask without
 * end, and cosigns when it is answered well. */
static void
rubbish_is_waited_out(void **state)
{
    /* What its operator has not heard of since all was well is said, and said once. */
    static const struct {
        unsigned int status;
        bool news;
        bool then_well;
    } list[] = {
        {1, true, false},   {400, false, false}, {401, true, false}, {403, false, false},
        {404, true, true},  {409, true, false},  {413, true, false}, {429, true, false},
        {500, true, false}, {503, false, true},  {507, true, true},
    };
    struct runner *r = &runners[0];
    struct dt_http_server *server;
    unsigned int size = 0;
    char url[256];

    (void)state;
    server = put_between(url);
    (void)add_entry(0);
    atomic_store(&answer_with, list[0].status);
    begin(0);
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        unsigned int before = i == 0 ? 0 : atomic_load(&r->lines), from;

        atomic_store(&answer_with, list[i].status);
        until_asked(4); /* one may be on its way already; the last but one has been told of */
        if (atomic_load(&r->lines) - before != list[i].news)
            fail_msg("%u: %u lines", list[i].status, atomic_load(&r->lines) - before);
        if (!list[i].then_well)
            continue;
        from = atomic_load(&asked);
        usleep(300000);
        assert_true(atomic_load(&asked) - from <= (i < 10 ? 3 : 10)); /* 25 times the first pause */
        assert_int_equal(atomic_load(&r->lines) - before, list[i].news);
        atomic_store(&answer_with, 0);
        until_cosigned(r, ++size);
        (void)add_entry((uint8_t)size);
    }
    end(0);
    OK(r->err);
    dt_http_server_stop(server);
}

/* Old checkpoints in turn, all of them signed: told of once, and once more when it is still less.
 */
static void
old_ones_are_told_once(void **state)
{
    struct runner *r = &runners[0];
    struct dt_http_server *server;
    char url[256];

    (void)state;
    for (uint8_t i = 0; i < 2; i++) {
        dt_buf_init(&old_notes[i], DT_NET_ANSWER_MAX);
        (void)add_entry(i);
        OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &old_notes[i]));
    }
    (void)add_entry(2);
    OK(dt_witness_run(&r->config, NULL, true));
    assert_string_equal(r->cosigned, "cosigned size 3");
    server = put_between(url);
    atomic_store(&answer_with, ANSWER_OLD);
    begin(0);
    until_asked(12);
    assert_in_range(atomic_load(&r->below), 1, 2);
    atomic_store(&answer_with, 0);
    (void)add_entry(3);
    until_cosigned(r, 4);
    atomic_store(&r->below, 0);
    atomic_store(&answer_with, ANSWER_OLD);
    until_asked(12);
    assert_in_range(atomic_load(&r->below), 1, 2); /* after growth that is news again */
    end(0);
    OK(r->err);
    dt_http_server_stop(server);
    for (size_t i = 0; i < 2; i++)
        dt_buf_clear(&old_notes[i]);
}

/* ---- memory and disk ---- */

static enum dt_err
run_once(void *ctx)
{
    struct runner *r = ctx;

    r->said[0] = '\0';
    r->cosigned[0] = '\0';
    return dt_witness_run(&r->config, NULL, true);
}

static void
remove_state(const struct runner *r)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".running"};
    char path[160];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", r->state, ends[i]);
        (void)unlink(path);
    }
}

/* A witness that lost its state, whose n-th allocation fails: that it could not see its own
 * cosignature is not taken for "there is none", so nothing that it signed is signed once more. */
static void
restored_without_memory(void **state)
{
    struct runner *r = &runners[0];
    unsigned int n;

    (void)state;
    (void)add_entry(0);
    (void)add_entry(1);
    OK(run_once(r));
    assert_string_not_equal(r->cosigned, "");
    for (n = 1;; n++) {
        enum dt_err err;

        assert_true(n < 5000);
        remove_state(r);
        torture_left = n;
        torture_fired = false;
        dt_mem_fault(torture_fails, NULL);
        err = run_once(r);
        dt_mem_fault(NULL, NULL);
        assert_string_equal(r->cosigned, "");
        if (!torture_fired) {
            OK(err);
            break;
        }
        if (err != DT_OK && err != DT_ERR_NOMEM && err != DT_ERR_INTERNAL)
            fail_msg("allocation %u: %s: %s", n, dt_err_name(err), dt_err_message());
        OK(run_once(r)); /* and it goes on from there */
        assert_string_equal(r->cosigned, "");
    }
    print_message("%u allocations\n", n - 1);
    assert_true(n > 30);
}

static bool
disk_fails(void *ctx, enum dt_db_point at)
{
    (void)at;
    return torture_fails(ctx);
}

/* A register that grew, and memory or disk that fails in the middle: signed once at most, never
 * without the state on disk before. */
static void
grown_with_faults(void **state)
{
    struct runner *r = &runners[0];
    uint8_t entry = 0;

    (void)state;
    (void)add_entry(entry++);
    OK(run_once(r));
    for (int disk = 0; disk < 2; disk++) {
        for (unsigned int n = 1;; n++) {
            enum dt_err err;

            assert_true(n < 5000);
            (void)add_entry(entry++);
            torture_left = n;
            torture_fired = false;
            if (disk)
                dt_db_fault(disk_fails, NULL);
            else
                dt_mem_fault(torture_fails, NULL);
            err = run_once(r);
            dt_mem_fault(NULL, NULL);
            dt_db_fault(NULL, NULL);
            if (!torture_fired) {
                OK(err);
                assert_string_not_equal(r->cosigned, "");
                break;
            }
            if (err == DT_OK)
                assert_string_not_equal(r->cosigned, "");
            else if (err != DT_ERR_NOMEM && err != DT_ERR_INTERNAL && (!disk || err != DT_ERR_IO))
                fail_msg("%s %u: %s: %s", disk ? "disk" : "allocation", n, dt_err_name(err),
                         dt_err_message());
            OK(run_once(r));
        }
    }
    assert_true(entry > 20);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys),
        TEST(held_attested_final),
        TEST(restored_state),
        TEST(split_view),
        TEST(split_view_without_evidence),
        TEST(split_view_without_evidence_once),
        TEST(split_view_with_busy_state),
        TEST(foreign_cosignature_refused),
        TEST(full_tiles),
        TEST(clock_was_ahead_lasts),
        TEST(rubbish_is_waited_out),
        TEST(old_ones_are_told_once),
        TEST(restored_without_memory),
        TEST(grown_with_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
