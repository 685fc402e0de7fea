/*
 * tests/witness/test_witness.c - real relay process, real witnesses: held, attested, final; one
 * witness stopped; restore of an old state; a split view with its evidence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include <cmocka.h>

#include "../relay/relay_fixture.h"
#include "log/policy.h"
#include "log/tile_read.h"
#include "log/witness.h"
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
};
static struct runner runners[FIXTURE_PARTIES];

static void
note_line(void *ctx, const char *line)
{
    struct runner *r = ctx;

    (void)snprintf(r->said, sizeof(r->said), "%s", line);
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
    (void)snprintf(fx.dir, sizeof(fx.dir), "/tmp/dt-wit-XXXXXX");
    assert_non_null(mkdtemp(fx.dir));
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

/* A second relay with the same register key and another tree: the witness of the first sees it. */
static void
split_view(void **state)
{
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    struct tlog_checkpoint first, second;
    char copy[160], command[512], found[256] = "";
    struct tlog_vkey log;
    FILE *list;

    (void)state;
    (void)add_entry(0);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    (void)snprintf(copy, sizeof(copy), "%s/copy.db", fx.dir);
    OK(dt_file_read(fx.store, &text));
    OK(dt_file_write(copy, dt_buf_view(&text), 0600));
    dt_buf_clear(&text);
    fixture_serve(&fx);
    (void)add_entry(1);
    (void)add_entry(2);
    OK(dt_witness_run(&runners[0].config, NULL, true));
    assert_string_equal(runners[0].said, "cosigned size 3");

    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    (void)snprintf(fx.store, sizeof(fx.store), "%.90s", copy);
    fixture_serve(&fx);
    for (uint8_t i = 3; i < 8; i++)
        (void)add_entry(i);
    assert_int_equal(dt_witness_run(&runners[0].config, NULL, true), DT_ERR_CONFLICT);
    assert_non_null(strstr(runners[0].said, "SPLIT VIEW"));
    assert_int_equal(dt_witness_run(&runners[0].config, NULL, true),
                     DT_ERR_CONFLICT); /* and for ever */

    (void)snprintf(command, sizeof(command), "ls %s/evidence-6-*.txt", fx.dir);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys),       TEST(held_attested_final),         TEST(restored_state),
        TEST(split_view), TEST(foreign_cosignature_refused), TEST(full_tiles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
