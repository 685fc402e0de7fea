/*
 * tests/relay/test_witness.c - the witness for other logs over HTTP: every row of the status table,
 * what is stored before it answers, monitors' reads, time, restart, two at once, evidence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/folder.h"
#include "../log/fixture.h"
#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "log/witness.h"
#include "net/client.h"
#include "relay/witness/server.h"

#define OTHER "log.example/other"
#define NAME  "witness.example/w"
#define NOW_S UINT64_C(1800000000)

static bool was_ahead;
static struct tlog_hash leaves[TREE_MAX], others[TREE_MAX];
static struct tlog_signer log_key, log_key_2, other_key, stranger;
static char dir[64], key_path[96], state_path[96], url[64], vkey[512];
static struct relay_witness *witness;
static struct dt_http_client *http;
static uint64_t now_s;
static atomic_uint n_said;

static uint64_t
clock_now(void *ctx)
{
    (void)ctx;
    return now_s * 1000;
}

static void
said(void *ctx, const char *line)
{
    (void)ctx;
    if (strstr(line, "SPLIT VIEW") != NULL)
        atomic_fetch_add(&n_said, 1);
}

static enum dt_err
open_witness(const char *key, const char *state, struct relay_witness **out)
{
    const struct tlog_vkey logs[] = {other_key.vkey, log_key.vkey, log_key_2.vkey};
    struct relay_witness_config config = {.key_path = key,
                                          .state_path = state,
                                          .listen = "127.0.0.1:0",
                                          .logs = logs,
                                          .n_logs = 3,
                                          .clock = {.now_ms = clock_now},
                                          .clock_was_ahead = was_ahead,
                                          .say = said};

    return relay_witness_start(&config, out);
}

static void
start(void)
{
    ok(open_witness(key_path, state_path, &witness));
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", relay_witness_port(witness));
}

static void
write_key(const char *path, const char *name, uint8_t seed)
{
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(1024);

    make_signer(name, TLOG_KEY_COSIGNATURE, seed, &s);
    ok(tlog_signer_write(&s, &b));
    ok(dt_buf_append(&b, text("\n")));
    ok(dt_file_create(path, dt_buf_view(&b), 0600));
    b.n = 0;
    ok(tlog_vkey_write(&s.vkey, &b));
    (void)snprintf(vkey, sizeof(vkey), "%.*s", (int)b.n, (const char *)b.p);
}

static int
setup(void **state)
{
    (void)state;
    ok(dt_crypto_init());
    memset(&witness, 0, sizeof(witness));
    now_s = NOW_S;
    atomic_store(&n_said, 0);
    assert_true(test_folder(dir, sizeof(dir), "tlogwit"));
    (void)snprintf(key_path, sizeof(key_path), "%s/w.key", dir);
    (void)snprintf(state_path, sizeof(state_path), "%s/w.state", dir);
    make_signer(ORIGIN, TLOG_KEY_ED25519, 1, &log_key);
    make_signer(ORIGIN, TLOG_KEY_ED25519, 2, &log_key_2); /* the same origin, another key */
    make_signer(OTHER, TLOG_KEY_ED25519, 3, &other_key);
    make_signer("log.example/stranger", TLOG_KEY_ED25519, 4, &stranger);
    make_leaves("entry ", leaves, TREE_MAX);
    make_leaves("other ", others, TREE_MAX);
    write_key(key_path, NAME, 7);
    ok(dt_http_client_new(NULL, &http));
    start();
    return 0;
}

static int
teardown(void **state)
{
    char command[96];

    (void)state;
    relay_witness_stop(witness);
    dt_http_client_free(http);
    tlog_signer_clear(&log_key);
    tlog_signer_clear(&log_key_2);
    tlog_signer_clear(&other_key);
    tlog_signer_clear(&stranger);
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

/* ---- requests ---- */

/* POST ${body}: the status, and the answer in ${out} (may be NULL). */
static unsigned int
post_by(struct dt_http_client *c, struct dt_view body, struct dt_buf *out)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    struct dt_http_call call = {.method = "POST",
                                .base = url,
                                .path = "/add-checkpoint",
                                .content_type = "text/plain",
                                .body = body};

    ok(dt_http_call(c, &call, &a));
    if (out != NULL)
        ok(dt_buf_set(out, dt_buf_view(&a.body)));
    return a.status;
}

static unsigned int
post(struct dt_view body, struct dt_buf *out)
{
    return post_by(http, body, out);
}

/* The request ${old} -> the first ${size} of ${l}, signed by ${s}; the proof is the right one, or
 * ${proof}. */
static void
make_request(const struct tlog_signer *s, const struct tlog_hash *l, uint64_t old, uint64_t size,
             const struct tlog_path *proof, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_leaves all = {l, TREE_MAX};
    struct tlog_add_checkpoint req = {.old_size = old};

    make_checkpoint(s, l, size, &note);
    req.note = dt_buf_view(&note);
    if (proof != NULL)
        req.proof = *proof;
    else if (old <= size)
        ok(tlog_consistency_make(tlog_leaves_node, &all, old, size, &req.proof));
    out->n = 0;
    ok(tlog_add_checkpoint_write(&req, out));
}

static unsigned int
ask(const struct tlog_signer *s, const struct tlog_hash *l, uint64_t old, uint64_t size,
    const struct tlog_path *proof, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(TLOG_REQUEST_MAX);

    make_request(s, l, old, size, proof, &body);
    return post(dt_buf_view(&body), out);
}

static unsigned int
get(const char *origin, struct dt_buf *out)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    char path[128], hex[65];
    uint8_t hash[32];
    struct dt_http_call call = {.method = "GET", .base = url, .path = path};

    ok(dt_sha256(text(origin), hash));
    dt_hex_str(hex, dt_view_of(hash));
    (void)snprintf(path, sizeof(path), "/%s/checkpoint", hex);
    ok(dt_http_call(http, &call, &a));
    ok(dt_buf_set(out, dt_buf_view(&a.body)));
    return a.status;
}

/* The size that a monitor sees; the note bears the log's line and ours, and no other. */
static uint64_t
seen(const struct tlog_signer *s, uint64_t *out_time_s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_vkey keys[2] = {s->vkey};
    struct tlog_verified v[2];
    struct tlog_checkpoint cp;

    assert_int_equal(get(s->vkey.name, &b), 200);
    ok(tlog_vkey_parse(text(vkey), &keys[1]));
    ok(tlog_note_parse(dt_buf_view(&b), &note));
    ok(tlog_note_verify(&note, keys, 2, v));
    assert_true(v[0].ok && v[1].ok);
    assert_int_equal(note.n_sigs, 2);
    ok(tlog_checkpoint_open(dt_buf_view(&b), &s->vkey, &cp));
    if (out_time_s != NULL)
        *out_time_s = v[1].time;
    return cp.size;
}

/* A 200: one line by our key, on exactly this checkpoint. */
static void
check_lines(const struct tlog_signer *s, const struct tlog_hash *l, uint64_t size,
            const struct dt_buf *lines, uint64_t time_s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note n = {0}, sigs = {0};
    struct tlog_verified v;
    struct tlog_vkey key;

    make_checkpoint(s, l, size, &note);
    ok(tlog_vkey_parse(text(vkey), &key));
    ok(tlog_note_parse(dt_buf_view(&note), &n));
    ok(tlog_note_parse_lines(dt_buf_view(lines), &sigs));
    assert_int_equal(sigs.n_sigs, 1);
    ok(tlog_note_check(&sigs, n.text, &key, &v));
    assert_true(v.ok);
    assert_int_equal(v.time, time_s);
}

#define ANSWER DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(TLOG_NOTE_MAX)

/* ---- the table, row by row ---- */

static void
row_400(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(TLOG_REQUEST_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf bad = DT_BUF_INIT(TLOG_REQUEST_MAX);
    static const char *const heads[] = {
        "",
        "old 0",
        "old 00\n\n",
        "old 01\n\n",
        "old -1\n\n",
        "old +0\n\n",
        "old  0\n\n",
        "Old 0\n\n",
        "old 0\r\n\r\n",
        "old 0\n",
        "new 0\n\n",
        "old 9223372036854775808\n\n",
        "old 0\nAAAA\n\n",
        "old 0\n!!!!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n",
        "old 0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n\n",
    };
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_path longest = {.n = 63};
    ANSWER;

    (void)state;
    make_checkpoint(&log_key, leaves, 5, &note);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        bad.n = 0;
        ok(dt_buf_append(&bad, text(heads[i])));
        ok(dt_buf_append(&bad, dt_buf_view(&note)));
        assert_int_equal(post(dt_buf_view(&bad), NULL), 400);
    }
    /* No checkpoint, one that is cut, one that is none. */
    assert_int_equal(post(text("old 0\n\n"), NULL), 400);
    make_request(&log_key, leaves, 0, 5, NULL, &body);
    assert_int_equal(post(dt_view(body.p, body.n - 1), NULL), 400);
    assert_int_equal(post(text("old 0\n\nlog.example/register\n5\n"), NULL), 400);
    /* 63 hashes are read, 64 are not. */
    assert_int_equal(ask(&log_key, leaves, 0, 5, &longest, NULL), 422);
    bad.n = 0;
    ok(dt_buf_append(&bad, text("old 0\n")));
    for (int i = 0; i < 64; i++)
        ok(dt_buf_append(&bad, text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")));
    ok(dt_buf_append(&bad, text("\n")));
    ok(dt_buf_append(&bad, dt_buf_view(&note)));
    assert_int_equal(post(dt_buf_view(&bad), NULL), 400);
    /* Old size above the checkpoint's; before origin and signature are looked at. */
    assert_int_equal(ask(&log_key, leaves, 6, 5, NULL, NULL), 400);
    assert_int_equal(ask(&stranger, leaves, 6, 5, NULL, NULL), 400);
    assert_int_equal(get(ORIGIN, &answer), 404);
}

static void
rows_404_and_403(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(TLOG_REQUEST_MAX);
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer false_key = {0};
    ANSWER;

    (void)state;
    assert_int_equal(ask(&stranger, leaves, 0, 5, NULL, NULL), 404);
    assert_int_equal(ask(&stranger, leaves, 3, 5, NULL, NULL), 404); /* before 409 */
    /* Right origin, a key that is not trusted for it. */
    make_signer(ORIGIN, TLOG_KEY_ED25519, 9, &false_key);
    assert_int_equal(ask(&false_key, leaves, 0, 5, NULL, NULL), 403);
    assert_int_equal(ask(&false_key, leaves, 3, 5, NULL, NULL), 403); /* before 409 */
    /* A trusted key's line that fails: its last base64 digits changed. */
    make_request(&log_key, leaves, 0, 5, NULL, &body);
    body.p[body.n - 10] = body.p[body.n - 10] == 'A' ? 'B' : 'A';
    assert_int_equal(post(dt_buf_view(&body), NULL), 403);
    /* ... even beside a good line of another trusted key of the same origin. */
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);

        make_checkpoint(&log_key_2, leaves, 5, &note);
        ok(dt_buf_append(&body, dt_view(note.p + (note.n - 0), 0)));
        for (size_t i = 0; i + 1 < note.n; i++) {
            if (note.p[i] == '\n' && note.p[i + 1] == '\n')
                ok(dt_buf_append(&body, dt_view(note.p + i + 2, note.n - i - 2)));
        }
        assert_int_equal(post(dt_buf_view(&body), NULL), 403);
    }
    assert_int_equal(get(ORIGIN, &answer), 404);
}

static void
rows_409_and_200(void **state)
{
    uint64_t time_s = 0;
    ANSWER;

    (void)state;
    /* Never cosigned: the stored size is 0. */
    assert_int_equal(ask(&log_key, leaves, 3, 5, NULL, &answer), 409);
    assert_true(dt_view_equal(dt_buf_view(&answer), text("0\n")));
    assert_int_equal(ask(&log_key, leaves, 0, 5, NULL, &answer), 200);
    check_lines(&log_key, leaves, 5, &answer, NOW_S);
    assert_int_equal(seen(&log_key, &time_s), 5);
    assert_int_equal(time_s, NOW_S);
    /* A client that knows nothing learns the size from the 409. */
    assert_int_equal(ask(&log_key, leaves, 0, 9, NULL, &answer), 409);
    assert_true(dt_view_equal(dt_buf_view(&answer), text("5\n")));
    assert_int_equal(ask(&log_key, leaves, 4, 9, NULL, &answer), 409);
    assert_int_equal(ask(&log_key, leaves, 5, 9, NULL, &answer), 200);
    check_lines(&log_key, leaves, 9, &answer, NOW_S);
    /* What was is not cosigned again: its old size is not the stored one. */
    assert_int_equal(ask(&log_key, leaves, 5, 9, NULL, &answer), 409);
    assert_true(dt_view_equal(dt_buf_view(&answer), text("9\n")));
    assert_int_equal(ask(&log_key, leaves, 0, 5, NULL, &answer), 409);
    /* Equal size and root is a refresh, with a new time. */
    now_s += 60;
    assert_int_equal(ask(&log_key, leaves, 9, 9, NULL, &answer), 200);
    check_lines(&log_key, leaves, 9, &answer, NOW_S + 60);
    assert_int_equal(seen(&log_key, &time_s), 9);
    assert_int_equal(time_s, NOW_S + 60);
    /* The other key of the same origin goes on from the same state; the other log has its own. */
    assert_int_equal(ask(&log_key_2, leaves, 9, 300, NULL, &answer), 200);
    assert_int_equal(seen(&log_key_2, NULL), 300);
    assert_int_equal(ask(&other_key, others, 0, 7, NULL, &answer), 200);
    assert_int_equal(seen(&other_key, NULL), 7);
    assert_int_equal(seen(&log_key_2, NULL), 300);
}

static void
row_422(void **state)
{
    struct tlog_path one = {.n = 1}, none = {0}, right;
    struct tlog_leaves all = {leaves, TREE_MAX};
    ANSWER;

    (void)state;
    /* Size 0 with another root than the empty tree's. */
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(TLOG_REQUEST_MAX);
        struct tlog_add_checkpoint req = {0};
        struct tlog_checkpoint cp;

        ok(tlog_checkpoint_init(&cp, text(ORIGIN), 0, &leaves[0]));
        ok(tlog_checkpoint_sign(&log_key, &cp, &note));
        req.note = dt_buf_view(&note);
        ok(tlog_add_checkpoint_write(&req, &body));
        assert_int_equal(post(dt_buf_view(&body), NULL), 422);
    }
    assert_int_equal(ask(&log_key, leaves, 0, 5, &one, NULL), 422); /* old = 0 with a proof */
    assert_int_equal(get(ORIGIN, &answer), 404);
    assert_int_equal(ask(&log_key, leaves, 0, 0, NULL, NULL), 200); /* the empty tree */
    assert_int_equal(seen(&log_key, NULL), 0);
    assert_int_equal(ask(&log_key, leaves, 0, 20, NULL, NULL), 200);
    assert_int_equal(ask(&log_key, leaves, 20, 20, &one, NULL), 422); /* equal sizes, a proof */
    assert_int_equal(ask(&log_key, others, 20, 20, NULL, NULL), 422); /* equal sizes, other root */
    assert_int_equal(ask(&log_key, others, 20, 40, NULL, NULL), 422); /* another tree's proof */
    assert_int_equal(ask(&log_key, leaves, 20, 40, &none, NULL), 422);
    ok(tlog_consistency_make(tlog_leaves_node, &all, 20, 40, &right));
    right.h[right.n - 1].b[31] ^= 1;
    assert_int_equal(ask(&log_key, leaves, 20, 40, &right, NULL), 422);
    right.h[right.n - 1].b[31] ^= 1;
    right.n--;
    assert_int_equal(ask(&log_key, leaves, 20, 40, &right, NULL), 422);
    assert_int_equal(seen(&log_key, NULL), 20); /* none of these changed anything */
    assert_int_equal(ask(&log_key, leaves, 20, 40, NULL, NULL), 200);
}

static void
other_paths_and_methods(void **state)
{
    static const struct {
        const char *method, *path;
        unsigned int status;
    } calls[] = {
        {"GET", "/", 404},
        {"GET", "/add-checkpoint", 405},
        {"POST", "/add-checkpoints", 404},
        {"POST", "/sign-subtree", 404},
        {"GET", "/checkpoint", 404},
        {"GET", "/abcd/checkpoint", 404},
        {"GET", "/E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855/checkpoint",
         404},
        {"POST", "/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/checkpoint",
         405},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
        struct dt_http_call call = {
            .method = calls[i].method, .base = url, .path = calls[i].path, .body = text("old 0\n")};

        ok(dt_http_call(http, &call, &a));
        assert_int_equal(a.status, calls[i].status);
    }
}

/* ---- what is stored ---- */

static void
state_outlives_the_process(void **state)
{
    struct relay_witness *second = NULL;
    char path[96];
    ANSWER;

    (void)state;
    assert_int_equal(ask(&log_key, leaves, 0, 100, NULL, NULL), 200);
    assert_int_equal(open_witness(key_path, state_path, &second), DT_ERR_BUSY);
    relay_witness_stop(witness);
    witness = NULL;
    /* The state of one key is not that of another. */
    (void)snprintf(path, sizeof(path), "%s/second.key", dir);
    {
        char keep[sizeof(vkey)];

        memcpy(keep, vkey, sizeof(keep));
        write_key(path, "witness.example/second", 8);
        memcpy(vkey, keep, sizeof(keep));
    }
    assert_int_equal(open_witness(path, state_path, &second), DT_ERR_CONFLICT);
    start();
    assert_int_equal(seen(&log_key, NULL), 100);
    assert_int_equal(ask(&log_key, leaves, 0, 120, NULL, &answer), 409);
    assert_true(dt_view_equal(dt_buf_view(&answer), text("100\n")));
    assert_int_equal(ask(&log_key, others, 100, 120, NULL, NULL), 422);
    assert_int_equal(ask(&log_key, leaves, 100, 120, NULL, NULL), 200);
}

static void
time_never_goes_back(void **state)
{
    uint64_t time_s = 0;
    ANSWER;

    (void)state;
    assert_int_equal(ask(&log_key, leaves, 0, 10, NULL, NULL), 200);
    now_s -= 200; /* a small step: the earlier time again */
    assert_int_equal(ask(&log_key, leaves, 10, 11, NULL, &answer), 200);
    check_lines(&log_key, leaves, 11, &answer, NOW_S);
    now_s = NOW_S - 301; /* a large one: nothing is signed, and nothing stored */
    assert_int_equal(ask(&log_key, leaves, 11, 12, NULL, NULL), 503);
    assert_int_equal(seen(&log_key, &time_s), 11);
    assert_int_equal(time_s, NOW_S);
    assert_int_equal(ask(&other_key, others, 0, 3, NULL, NULL), 200); /* another log has its own */
    now_s = 0;
    assert_int_equal(ask(&log_key, leaves, 11, 12, NULL, NULL), 503);
    now_s = NOW_S;
    assert_int_equal(ask(&log_key, leaves, 11, 12, NULL, NULL), 200);
    /* The clock was a day ahead, and is put right: told so, the witness goes on where it was. */
    now_s = NOW_S - 86400;
    assert_int_equal(ask(&log_key, leaves, 12, 13, NULL, NULL), 503);
    relay_witness_stop(witness);
    was_ahead = true;
    start();
    was_ahead = false;
    assert_int_equal(seen(&log_key, NULL), 12);
    assert_int_equal(ask(&log_key, leaves, 12, 13, NULL, &answer), 200);
    check_lines(&log_key, leaves, 13, &answer, NOW_S - 86400);
    assert_int_equal(ask(&log_key, leaves, 12, 14, NULL, NULL), 409);
}

/* Files of evidence in the folder; the last one's path in ${path}. */
static unsigned int
count_evidence(char path[static 512])
{
    DIR *d = opendir(dir);
    unsigned int n = 0;

    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strncmp(e->d_name, "evidence-", 9) != 0)
            continue;
        n++;
        (void)snprintf(path, 512, "%s/%s", dir, e->d_name);
    }
    closedir(d);
    return n;
}

/* How many of the files hold against ${log}. */
static unsigned int
evidence_by(const struct tlog_vkey *log)
{
    DIR *d = opendir(dir);
    unsigned int n = 0;

    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
        DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence evidence = {0};
        char path[512];

        if (strncmp(e->d_name, "evidence-", 9) != 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        ok(dt_file_read(path, &file));
        ok(tlog_evidence_read(dt_buf_view(&file), &evidence));
        ok(tlog_evidence_verify(&evidence, NULL, NULL));
        n += tlog_vkey_equal(&evidence.log, log);
    }
    closedir(d);
    return n;
}

static void
split_view_is_kept_as_evidence(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    char path[512] = "";

    (void)state;
    assert_int_equal(ask(&log_key, leaves, 0, 50, NULL, NULL), 200);
    assert_int_equal(ask(&log_key, others, 50, 50, NULL, NULL), 422);
    assert_int_equal(count_evidence(path), 1);
    assert_int_equal(atomic_load(&n_said), 1);
    ok(dt_file_read(path, &file));
    ok(tlog_evidence_read(dt_buf_view(&file), &e));
    ok(tlog_evidence_verify(&e, NULL, NULL));
    assert_true(tlog_vkey_equal(&e.log, &log_key.vkey));
    /* Again the same two: the one file. Two keys of one origin prove nothing about either. */
    assert_int_equal(ask(&log_key, others, 50, 50, NULL, NULL), 422);
    assert_int_equal(ask(&log_key_2, others, 50, 50, NULL, NULL), 422);
    assert_int_equal(count_evidence(path), 1);
    /* What was seen first stands, and goes on. */
    assert_int_equal(ask(&log_key, leaves, 50, 60, NULL, NULL), 200);
    /* Whoever shows the old pair again and again keeps no new one from being written. */
    for (int i = 0; i < 2 * (int)RELAY_WITNESS_EVIDENCE_MAX; i++)
        assert_int_equal(ask(&log_key, others, 60, 60, NULL, NULL), 422);
    assert_int_equal(count_evidence(path), 2);
    assert_int_equal(ask(&log_key, leaves, 60, 70, NULL, NULL), 200);
    assert_int_equal(ask(&log_key, others, 70, 70, NULL, NULL), 422);
    assert_int_equal(count_evidence(path), 3);
    assert_int_equal(atomic_load(&n_said), 3);
}

/* What one log does leaves room for the evidence of another: in number, and where size and root are
 * the same and so is the file's name. */
static void
evidence_of_one_log_hides_no_others(void **state)
{
    char path[512] = "";

    (void)state;
    for (uint64_t size = 30; size < 30 + 2 * RELAY_WITNESS_EVIDENCE_MAX; size++) {
        assert_int_equal(ask(&other_key, leaves, size == 30 ? 0 : size - 1, size, NULL, NULL), 200);
        assert_int_equal(ask(&other_key, others, size, size, NULL, NULL), 422);
    }
    assert_int_equal(count_evidence(path), RELAY_WITNESS_EVIDENCE_MAX);
    assert_int_equal(ask(&log_key, leaves, 0, 34, NULL, NULL), 200);
    assert_int_equal(ask(&log_key, others, 34, 34, NULL, NULL), 422);
    assert_int_equal(count_evidence(path), RELAY_WITNESS_EVIDENCE_MAX + 1);
    assert_int_equal(evidence_by(&log_key.vkey), 1);
    assert_int_equal(evidence_by(&other_key.vkey), RELAY_WITNESS_EVIDENCE_MAX);
}

/* ---- many at once: one old size is left once ---- */

#define THREADS 8
#define STEPS   60

struct racer {
    pthread_t thread;
    unsigned int seed;
    uint64_t from[STEPS], to[STEPS]; /* cosigned by this one */
    size_t n;
};

static void *
race(void *arg)
{
    DT_CLEANUP(dt_http_client_free_p) struct dt_http_client *c = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(TLOG_REQUEST_MAX);
    struct racer *r = arg;
    uint64_t old = 0;
    ANSWER;

    ok(dt_http_client_new(NULL, &c));
    for (int i = 0; i < STEPS; i++) {
        uint64_t size = old + 1 + (uint64_t)(rand_r(&r->seed) % 5);
        unsigned int status;

        if (size > TREE_MAX)
            break;
        make_request(&log_key, leaves, old, size, NULL, &body);
        status = post_by(c, dt_buf_view(&body), &answer);
        if (status == 200) {
            r->from[r->n] = old;
            r->to[r->n++] = size;
            old = size;
        } else {
            assert_int_equal(status, 409);
            ok(dt_decimal_read(dt_view(answer.p, answer.n - 1), TREE_MAX, &old));
        }
    }
    return NULL;
}

static void
one_chain_out_of_many(void **state)
{
    static struct racer racers[THREADS];
    static uint64_t next[TREE_MAX + 1]; /* what was cosigned after this size; 0: nothing */
    uint64_t at = 0;
    size_t n = 0, chain = 0;

    (void)state;
    memset(racers, 0, sizeof(racers));
    memset(next, 0, sizeof(next));
    for (unsigned int i = 0; i < THREADS; i++) {
        racers[i].seed = i + 1;
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(racers[i].thread, NULL);
        for (size_t k = 0; k < racers[i].n; k++) {
            assert_int_equal(next[racers[i].from[k]], 0); /* nobody else left from here */
            next[racers[i].from[k]] = racers[i].to[k];
            n++;
        }
    }
    for (; next[at] != 0; at = next[at])
        chain++;
    assert_true(n > THREADS);
    assert_int_equal(chain, n); /* all of them in one line, from 0 to what is stored */
    assert_int_equal(seen(&log_key, NULL), at);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(row_400),
        T(rows_404_and_403),
        T(rows_409_and_200),
        T(row_422),
        T(other_paths_and_methods),
        T(state_outlives_the_process),
        T(time_never_goes_back),
        T(split_view_is_kept_as_evidence),
        T(evidence_of_one_log_hides_no_others),
        T(one_chain_out_of_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
