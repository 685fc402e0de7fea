/*
 * tests/relay/test_export.c - registers as files: the same bytes as over HTTP, only what is new,
 * nothing that no checkpoint needs, and whole whenever it is killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <ftw.h>
#include <sys/file.h>

#include <cmocka.h>

#include "db/db.h"
#include "log/checkpoint.h"
#include "log/tile_read.h"
#include "relay_fixture.h"

static struct fixture fx;
static char out_dir[96], root[256]; /* the export, and the register's folder in it */
static uint64_t written, removed;

static int
start_with(const char *const *limits)
{
    fixture_begin(&fx, limits);
    (void)snprintf(out_dir, sizeof(out_dir), "%s/web", fx.dir);
    (void)snprintf(root, sizeof(root), "%s/r/%s", out_dir, fx.grant[0].register_id);
    return 0;
}

static int
start(void **state)
{
    static const char *const limits[] = {"--daily-entries", "100000", NULL};

    (void)state;
    return start_with(limits);
}

static int
start_private(void **state)
{
    static const char *const limits[] = {"--read-key", NULL};

    (void)state;
    return start_with(limits);
}

static int
stop(void **state)
{
    (void)state;
    fixture_finish(&fx);
    return 0;
}

static void
append(uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++) {
        uint8_t number[4] = {(uint8_t)i, (uint8_t)(i >> 8), 3, 3}, seal[32];
        uint64_t index = 0;

        OK(dt_sha256(dt_view_of(number), seal));
        OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[0].append_key), seal,
                              &index));
        assert_int_equal(index, i);
    }
}

/* ${n} of three witnesses cosign what is held. */
static void
cosign(size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf cosigned = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note parsed = {0};

    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &note));
    OK(tlog_note_parse(dt_buf_view(&note), &parsed));
    OK(dt_buf_append(&cosigned, dt_buf_view(&note)));
    for (size_t i = 0; i < n; i++)
        OK(tlog_cosign(&fx.witness[i], parsed.text, 1700000000, &cosigned));
    OK(dt_register_cosign(fx.http, fx.register_url, dt_buf_view(&cosigned)));
}

/* Run the export, take in what it counted; its exit code. */
static int export(const char *only)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4096);
    const char *args[] = {"export-register",
                          out_dir,
                          "--store",
                          fx.store,
                          "--json",
                          only != NULL ? "--register" : NULL,
                          only,
                          NULL};
    char path[128];
    const char *at;
    int status = fixture_run(&fx, args);

    (void)snprintf(path, sizeof(path), "%s/out", fx.dir);
    OK(dt_file_read(path, &text));
    OK(dt_buf_append(&text, dt_view((const uint8_t *)"", 1)));
    written = removed = UINT64_MAX;
    if ((at = strstr((const char *)text.p, "\"written\": ")) != NULL)
        written = strtoull(at + 11, NULL, 10);
    if ((at = strstr((const char *)text.p, "\"removed\": ")) != NULL)
        removed = strtoull(at + 11, NULL, 10);
    return status;
}

/* ---- the files, as a web server gives them ---- */

static enum dt_err
read_below(const char *below, struct dt_buf *out)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", root, below);
    return dt_file_read(path, out);
}

static enum dt_err
tile_of_files(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(TLOG_PATH_STR_MAX + 1);

    (void)ctx;
    OK(tlog_tile_path_write(tile, &path));
    OK(dt_buf_append(&path, dt_view((const uint8_t *)"", 1)));
    return read_below((const char *)path.p, out);
}

/* The checkpoint ${name} is served whole: its tiles of exactly its widths lead to its root, and so
 * do its entries. Its size; UINT64_MAX when it is not there. */
static uint64_t
served(const char *name)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_frontier tiles, entries = {0};
    struct tlog_checkpoint cp;
    struct tlog_hash got;
    enum dt_err err = read_below(name, &text);

    if (err == DT_ERR_NOT_FOUND)
        return UINT64_MAX;
    OK(err);
    OK(tlog_note_parse(dt_buf_view(&text), &note));
    OK(tlog_checkpoint_parse(note.text, &cp));
    OK(tlog_tiles_frontier(tile_of_files, NULL, cp.size, &cp.root, &tiles));
    for (uint8_t level = 0; level < 2; level++) {
        for (uint64_t i = 0; tlog_tile_width(level, i, cp.size) > 0; i++) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_TILE_BYTES);
            struct tlog_tile tile = {.level = level, .index = i};

            tile.width = tlog_tile_width(level, i, cp.size);
            OK(tile_of_files(NULL, &tile, &b));
            assert_int_equal(b.n, tile.width * TLOG_HASH);
        }
    }
    while (entries.size < cp.size) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf bundle = DT_BUF_INIT(TLOG_BUNDLE_MAX);
        struct tlog_tile tile = {.entries = true, .index = entries.size / TLOG_TILE_WIDTH};
        struct dt_view each[TLOG_TILE_WIDTH];
        size_t n = 0;

        tile.width = tlog_tile_width(0, tile.index, cp.size);
        OK(tile_of_files(NULL, &tile, &bundle));
        OK(tlog_bundle_parse(dt_buf_view(&bundle), each, &n));
        assert_int_equal(n, tile.width);
        for (size_t i = 0; i < n; i++) {
            OK(tlog_leaf_hash(each[i], &got));
            OK(tlog_frontier_append(&entries, &got));
        }
    }
    OK(tlog_frontier_root(&entries, &got));
    assert_true(tlog_hash_equal(&got, &cp.root));
    return cp.size;
}

static size_t n_files;

/* One file of the export: the relay answers with the same bytes. */
static int
same_over_http(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf here = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf there = DT_BUF_INIT(DT_NET_ANSWER_MAX);

    (void)at;
    assert_true(kind == FTW_F || kind == FTW_D);
    assert_int_equal(st->st_mode & 0777, kind == FTW_F ? 0644 : 0755);
    if (kind == FTW_D)
        return 0;
    n_files++;
    OK(dt_file_read(path, &here));
    OK(dt_register_file(fx.http, fx.register_url, path + strlen(root) + 1, &there));
    assert_true(dt_view_equal(dt_buf_view(&here), dt_buf_view(&there)));
    return 0;
}

static size_t
files(void)
{
    n_files = 0;
    assert_int_equal(nftw(root, same_over_http, 16, FTW_PHYS), 0);
    return n_files;
}

/* Put a file there that an export has not made. */
static void
plant(const char *below)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", root, below);
    OK(dt_file_write(path, dt_view_str("x"), 0644));
}

static bool
there(const char *below)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", root, below);
    return dt_file_exists(path);
}

static void
grows(void **state)
{
    (void)state;
    assert_int_equal(export(NULL), 0); /* of no entries */
    assert_int_equal(written, 2);      /* and the index of openings, which is empty */
    assert_int_equal(served("checkpoint.held"), 0);
    assert_int_equal(served("checkpoint"), UINT64_MAX);
    append(0, 300);
    cosign(2);
    append(300, 20);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(removed, 0);
    assert_int_equal(served("checkpoint"), 300);
    assert_int_equal(served("checkpoint.held"), 320);
    assert_int_equal(served("checkpoint.final"), UINT64_MAX);
    /* Two checkpoints; two full ones; for each size a partial tile and bundle; one of level 1. */
    assert_int_equal(written, 2 + 2 + 4 + 1);
    assert_int_equal(files(), 9 + 1);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(written, 0);
    assert_int_equal(removed, 0);

    cosign(3); /* the held one is final now, and has one more line */
    assert_int_equal(export(NULL), 0);
    assert_int_equal(written, 3);
    assert_int_equal(removed, 0); /* who reads may hold the checkpoint of 300 still */
    assert_int_equal(served("checkpoint"), 320);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(written, 0);
    assert_int_equal(removed, 2);
    assert_true(!there("tile/0/001.p/44") && there("tile/0/001.p/64"));

    append(320, 220);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(written, 1 + 2 + 3);
    assert_true(there("tile/0/001") && there("tile/0/001.p/64")); /* attested: 320 */
    cosign(3);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(export(NULL), 0);
    assert_true(!there("tile/0/001.p")); /* the folder too */
    assert_int_equal(files(), 3 + 4 + 2 + 1 + 1);
    assert_int_equal(served("checkpoint.final"), 540);
}

/* What others put there stays; what a killed write left goes, and a file cut short is made anew. */
static void
strangers(void **state)
{
    char path[512];

    (void)state;
    append(0, 300);
    assert_int_equal(export(NULL), 0);
    plant("index.html");
    plant("tile/notes");
    plant(".htaccess");
    plant("tile/0/.000.Ab12Cd");
    plant("tile/entries/001.p/.44.Ab12Cd");
    plant(".checkpoint.held.Ab12Cd");
    plant("tile/0/001.p/7");
    plant("openings/.index.Ab12Cd");
    plant("openings/notes.proof");
    (void)snprintf(path, sizeof(path), "%s/tile/0/000", root);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(written, 1);
    assert_int_equal(removed, 5);
    assert_true(there("index.html") && there("tile/notes") && there(".htaccess") &&
                there("openings/notes.proof"));
    assert_true(!there("tile/0/.000.Ab12Cd") && !there("tile/0/001.p/7") &&
                !there(".checkpoint.held.Ab12Cd") && !there("openings/.index.Ab12Cd"));
    assert_int_equal(served("checkpoint.held"), 300);
}

/* Publish ${text} as the first party; its file below the register's folder into ${below}. */
static void
publish(const char *text, char below[static 96])
{
    uint8_t name[32];
    char hex[65];

    OK(dt_sha256(dt_view_str(text), name));
    OK(dt_register_publish(fx.http, fx.register_url, dt_view_of(fx.grant[0].append_key),
                           dt_view_str(text), name));
    dt_hex_str(hex, dt_view_of(name));
    (void)snprintf(below, 96, "openings/%s.proof", hex);
}

/* What was opened stands beside the register, each once; what was cut short is made anew. */
static void
openings(void **state)
{
    char one[96], two[96], path[512], cut[128];

    (void)state;
    publish("one opening", one);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(written, 3);
    assert_true(there(one));
    assert_int_equal(files(), 3); /* each as over HTTP */
    publish("another", two);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(written, 2); /* it, and the index */
    assert_int_equal(files(), 4);
    (void)snprintf(path, sizeof(path), "%s/%s", root, one);
    assert_int_equal(truncate(path, 3), 0);
    (void)snprintf(cut, sizeof(cut), "openings/.%.70s.Ab12Cd", two + strlen("openings/"));
    plant(cut);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(written, 1);
    assert_int_equal(removed, 1);
    assert_true(!there(cut));
    assert_int_equal(files(), 4);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(written + removed, 0);
}

static enum dt_err
as_it_is(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)db;
    (void)from;
    (void)ctx;
    return DT_ERR_INTERNAL;
}

static void
change(const char *sql, const char *sql_pg)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = NULL;
    struct dt_db_config config = {
        .path = fx.store, .app_id = 0x64745201u, .version = 4, .migrate = as_it_is};

    if (fixture_on_postgres()) {
        fixture_psql(fx.store, sql_pg);
        return;
    }
    OK(dt_db_open(&config, &db));
    OK(dt_db_exec(db, sql));
}

/* A store that is not what was signed is not shown to anyone. */
static void
contradicted(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4096);
    char path[128];

    (void)state;
    append(0, 10);
    assert_int_equal(export(NULL), 0);
    append(10, 10);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    change("UPDATE entry SET entry = zeroblob(33) WHERE idx = 15",
           "UPDATE entry SET entry = decode(repeat('00', 33), 'hex') WHERE idx = 15");
    assert_int_equal(export(NULL), 1);
    (void)snprintf(path, sizeof(path), "%s/out", fx.dir);
    OK(dt_file_read(path, &text));
    assert_non_null(memmem(text.p, text.n, "not the one that was signed", 27));
    assert_int_equal(served("checkpoint.held"), 10);
    change("UPDATE tile SET content = zeroblob(640)",
           "UPDATE tile SET content = decode(repeat('00', 640), 'hex')");
    assert_int_equal(export(NULL), 1);
    assert_int_equal(served("checkpoint.held"), 10);
}

/* Is ${text} in what the last export said? */
static bool
it_said(const char *what)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4096);
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/out", fx.dir);
    OK(dt_file_read(path, &text));
    return memmem(text.p, text.n, what, strlen(what)) != NULL;
}

/* A store put back from an older copy is not put over what was shown, nor is another history. */
static void
put_back(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf mine = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    char command[900];

    (void)state;
    append(0, 250);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    (void)snprintf(command, sizeof(command), "cp %s %s/copy.db", fx.store, fx.dir);
    assert_int_equal(system(command), 0);
    fixture_serve(&fx);
    append(250, 20);
    cosign(2);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    (void)snprintf(command, sizeof(command), "rm -f %s-wal %s-shm %s.signed; cp %s/copy.db %s",
                   fx.store, fx.store, fx.store, fx.dir, fx.store);
    assert_int_equal(system(command), 0);
    assert_int_equal(export(NULL), 1);
    assert_true(it_said("the folder shows 270 entries and the store holds 250"));
    /* Grown past by other entries, it is another register. */
    fixture_serve(&fx);
    for (uint32_t i = 0; i < 30; i++) {
        uint8_t seal[32] = {9, (uint8_t)i};
        uint64_t index = 0;

        OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[0].append_key), seal,
                              &index));
    }
    assert_int_equal(export(NULL), 1);
    assert_true(it_said("the folder shows another history than the store holds"));
    assert_int_equal(served("checkpoint.held"), 270);
    assert_int_equal(served("checkpoint"), 270);
    /* What the register did not sign is nobody's word. */
    OK(read_below("checkpoint.held", &mine));
    mine.p[mine.n / 2] ^= 1;
    (void)snprintf(command, sizeof(command), "%s/checkpoint", root);
    OK(dt_file_write(command, dt_view_str("x\n"), 0644));
    (void)snprintf(command, sizeof(command), "%s/checkpoint.held", root);
    OK(dt_file_write(command, dt_buf_view(&mine), 0644));
    (void)snprintf(command, sizeof(command), "rm -r %s/tile", root);
    assert_int_equal(system(command), 0);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(served("checkpoint.held"), 280);
}

static void
with_a_key(void **state)
{
    const char *both[] = {"export-register", out_dir, "another", "--store", fx.store, NULL};
    const char *none[] = {"export-register", "--store", fx.store, NULL};
    const char *bad[] = {"export-register", out_dir, "--store", fx.store, "--register", "12", NULL};
    int fd;

    (void)state;
    append(0, 5);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(written, 0); /* it is not for everyone */
    assert_false(there("checkpoint.held"));
    assert_int_equal(export(fx.grant[0].register_id), 0);
    assert_int_equal(served("checkpoint.held"), 5);
    assert_int_equal(export("00000000000000000000000000000000"), 3);
    assert_int_equal(fixture_run(&fx, both), 2);
    assert_int_equal(fixture_run(&fx, none), 2);
    assert_int_equal(fixture_run(&fx, bad), 2);
    fd = open(out_dir, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(export(NULL), 4); /* somebody else writes there */
    close(fd);
}

/* Killed at any moment: every checkpoint that stands there is served whole, and the next run brings
 * the folder to what it would be. */
static void
killed(void **state)
{
    uint64_t held = 0;
    unsigned int cut = 0;
    uint32_t size = 0;

    (void)state;
    for (unsigned int i = 0; i < 25; i++) {
        int status = 0;
        uint64_t now;
        pid_t pid;

        append(size, 30);
        size += 30;
        if (i % 3 != 2)
            cosign(i % 2 == 0 ? 2 : 3);
        pid = fork();
        if (pid == 0) {
            execl(getenv("DT_RELAY_BIN"), "detente-relay", "export-register", out_dir, "--store",
                  fx.store, "--quiet", (char *)NULL);
            _exit(99);
        }
        usleep(20000 + 12000 * i);
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        cut += WIFSIGNALED(status);
        now = served("checkpoint.held");
        assert_true(now == UINT64_MAX || now >= held);
        held = now == UINT64_MAX ? held : now;
        (void)served("checkpoint");
        (void)served("checkpoint.final");
    }
    print_message("%u of 25 were killed, at last %llu entries\n", cut, (unsigned long long)held);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(export(NULL), 0);
    assert_int_equal(served("checkpoint.held"), size);
    (void)files(); /* no more and no less than the relay shows */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grows, start, stop),
        cmocka_unit_test_setup_teardown(strangers, start, stop),
        cmocka_unit_test_setup_teardown(openings, start, stop),
        cmocka_unit_test_setup_teardown(contradicted, start, stop),
        cmocka_unit_test_setup_teardown(with_a_key, start_private, stop),
        cmocka_unit_test_setup_teardown(killed, start, stop),
        cmocka_unit_test_setup_teardown(put_back, start, stop), /* copies the file */
    };

    return FIXTURE_TESTS(tests, 6, NULL, NULL);
}
