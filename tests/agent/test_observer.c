/*
 * tests/agent/test_observer.c - an observer before registers of our making, in a folder: they grow,
 * shrink, lie in every file, and have two faces; and before a state that was damaged, or that
 * cannot be written. What was seen is never lost, nor is anything false taken in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/observer/internal.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "log/cosignature.h"
#include "log/witness.h"

#define MAX   700u
#define T0    (UINT64_C(20000) * DT_MS_DAY)
#define N(a)  (sizeof(a) / sizeof((a)[0]))
#define NORTH 1u
#define SOUTH 2u
#define ALL   7u /* the neutral ones too */

static struct tlog_signer log_key, other_key, witness[3];
static struct tlog_policy policy;
static struct dt_verify_in proofs;
static char folder[] = "/tmp/detente-observer-XXXXXX";
static char dir[128], state[128], evidence[128];
static uint64_t now_ms;

static void
ok(enum dt_err err)
{
    if (err != DT_OK)
        fail_msg("%s: %s (%s)", dt_err_name(err), dt_err_message(), dt_err_place());
}

static uint64_t
clock_now(void *ctx)
{
    (void)ctx;
    return now_ms;
}

/* ---- a register in a folder ---- */

/* Entry ${i}; from ${fork} on they are those of another history. */
static void
entry_at(size_t i, size_t fork, uint8_t out[static DT_REGISTER_ENTRY])
{
    memset(out, 0, DT_REGISTER_ENTRY);
    out[0] = 1;
    out[1] = (uint8_t)(i >> 8);
    out[2] = (uint8_t)i;
    out[3] = i >= fork;
}

static void
put(const char *path, struct dt_view content)
{
    char full[512], *slash;
    FILE *f;

    (void)snprintf(full, sizeof full, "%s/%s", dir, path);
    slash = strrchr(full, '/');
    *slash = '\0';
    ok(dt_dir_make(full, 0700));
    *slash = '/';
    f = fopen(full, "wb"); /* not synced: there are many */
    assert_non_null(f);
    assert_int_equal(fwrite(content.p != NULL ? content.p : (const uint8_t *)"", 1, content.n, f),
                     content.n);
    assert_int_equal(fclose(f), 0);
}

static void
put_tile(const struct tlog_tile *tile, struct dt_view content)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(256);

    ok(tlog_tile_path_write(tile, &path));
    ok(dt_buf_append(&path, dt_view((const uint8_t *)"", 1)));
    put((const char *)path.p, content);
}

/* A note on the first ${size} entries, cosigned by those in ${mask} at ${time_s} and later. */
static void
make_note(size_t size, size_t fork, unsigned int mask, uint64_t time_s,
          const struct tlog_signer *key, struct dt_buf *out)
{
    static struct tlog_hash leaf[MAX];
    struct tlog_leaves leaves = {leaf, size};
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf plain = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_hash root = tlog_empty_root;
    struct tlog_checkpoint cp;

    for (size_t i = 0; i < size; i++) {
        uint8_t e[DT_REGISTER_ENTRY];

        entry_at(i, fork, e);
        ok(tlog_leaf_hash(dt_view_of(e), &leaf[i]));
    }
    if (size > 0)
        ok(tlog_root_make(tlog_leaves_node, &leaves, size, &root));
    ok(tlog_checkpoint_init(&cp, dt_view_str(key->vkey.name), size, &root));
    ok(tlog_checkpoint_sign(key, &cp, &plain));
    ok(dt_buf_append(out, dt_buf_view(&plain)));
    ok(tlog_note_parse(dt_buf_view(&plain), &note));
    for (size_t i = 0; i < 3; i++)
        if ((mask >> i & 1) != 0)
            ok(tlog_cosign(&witness[i], note.text, time_s + i, out));
}

static void
put_note(const char *name, size_t size, size_t fork, unsigned int mask, uint64_t time_s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);

    make_note(size, fork, mask, time_s, &log_key, &note);
    put(name, dt_buf_view(&note));
}

/* The files of the register of ${size}: tiles, entries, and what was signed. */
static void
publish(size_t size, size_t fork, unsigned int mask, uint64_t time_s)
{
    static struct tlog_hash leaf[MAX];
    struct tlog_leaves leaves = {leaf, size};

    for (size_t i = 0; i < size; i++) {
        uint8_t e[DT_REGISTER_ENTRY];

        entry_at(i, fork, e);
        ok(tlog_leaf_hash(dt_view_of(e), &leaf[i]));
    }
    for (uint8_t level = 0; level < 2; level++)
        for (uint64_t n = 0; tlog_tile_width(level, n, size) > 0; n++) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_TILE_BYTES);
            struct tlog_tile tile = {
                .level = level, .index = n, .width = tlog_tile_width(level, n, size)};

            ok(tlog_tile_make(tlog_leaves_node, &leaves, &tile, &b));
            put_tile(&tile, dt_buf_view(&b));
        }
    for (uint64_t n = 0; tlog_tile_width(0, n, size) > 0; n++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_BUNDLE_MAX);
        struct tlog_tile tile = {.entries = true, .index = n, .width = tlog_tile_width(0, n, size)};

        for (size_t i = 0; i < tile.width; i++) {
            uint8_t e[DT_REGISTER_ENTRY];

            entry_at((size_t)n * TLOG_TILE_WIDTH + i, fork, e);
            ok(tlog_bundle_append(&b, dt_view_of(e)));
        }
        put_tile(&tile, dt_buf_view(&b));
    }
    put_note("checkpoint.held", size, fork, mask, time_s);
}

/* An empty folder, and nothing seen. */
static void
afresh(void)
{
    static unsigned int n;

    n++;
    (void)snprintf(dir, sizeof dir, "%s/%u", folder, n);
    (void)snprintf(state, sizeof state, "%s/%u.db", folder, n);
    (void)snprintf(evidence, sizeof evidence, "%s/%u.evidence", folder, n);
    ok(dt_dir_make(dir, 0700));
    ok(dt_dir_make(evidence, 0700));
    now_ms = T0;
}

static struct dt_observer *
observer(void)
{
    const struct dt_observer_config config = {.where = dir,
                                              .state_path = state,
                                              .evidence_dir = evidence,
                                              .policy = &policy,
                                              .proofs = &proofs,
                                              .clock = {.now_ms = clock_now}};
    struct dt_observer *o = NULL;

    ok(dt_observer_open(&config, &o));
    return o;
}

static enum dt_err
look(void)
{
    struct dt_observer *o = observer();
    enum dt_err err = dt_observer_pass(o);

    dt_observer_close(o);
    return err;
}

/* What the state holds now, as a line. */
static void
recall(char out[static 256])
{
    struct dt_observer *o = observer();
    struct dt_observed in;
    struct tlog_hash root;

    dt_observer_seen(o, &in);
    dt_observer_root(o, &root);
    (void)snprintf(
        out, 256,
        "%zu looks to %llu, last %llu, %zu attested to %llu, groups %llu %llu %llu, behind %llu, "
        "split %d, root %02x%02x",
        in.n_shown, in.n_shown > 0 ? (unsigned long long)in.shown[in.n_shown - 1].size : 0,
        in.n_shown > 0 ? (unsigned long long)in.shown[in.n_shown - 1].last_ms : 0, in.n_attested,
        in.n_attested > 0 ? (unsigned long long)in.attested[in.n_attested - 1].size : 0,
        (unsigned long long)in.groups[0].size, (unsigned long long)in.groups[1].size,
        (unsigned long long)in.groups[2].size, (unsigned long long)in.behind_size, in.split_ms != 0,
        root.b[0], root.b[1]);
    dt_observer_close(o);
}

static int
set_up(void **ctx)
{
    static const char *const names[] = {"w.example/north", "w.example/south", "w.example/neutral"};
    static const char *const groups[] = {"north", "south", "neutral"};
    const struct dt_view sides[] = {dt_view_str("north"), dt_view_str("south"),
                                    dt_view_str("neutral")};

    (void)ctx;
    if (dt_crypto_init() != DT_OK || mkdtemp(folder) == NULL)
        return -1;
    ok(tlog_signer_new(dt_view_str("register.detente/test"), TLOG_KEY_ED25519, &log_key));
    ok(tlog_signer_new(dt_view_str("register.detente/test"), TLOG_KEY_ED25519, &other_key));
    ok(tlog_policy_add_log(&policy, &log_key.vkey, dt_view(NULL, 0)));
    for (size_t i = 0; i < 3; i++) {
        const struct dt_view member = dt_view_str(names[i]);

        ok(tlog_signer_new(member, TLOG_KEY_COSIGNATURE, &witness[i]));
        ok(tlog_policy_add_witness(&policy, member, &witness[i].vkey, dt_view(NULL, 0)));
        ok(tlog_policy_add_group(&policy, dt_view_str(groups[i]), 1, &member, 1));
    }
    ok(tlog_policy_add_group(&policy, dt_view_str("sides"), 2, sides, 3));
    ok(tlog_policy_set_quorum(&policy, dt_view_str("sides")));
    return 0;
}

static int
tear_down(void **ctx)
{
    char command[256];

    (void)ctx;
    tlog_signer_clear(&log_key);
    tlog_signer_clear(&other_key);
    for (size_t i = 0; i < 3; i++)
        tlog_signer_clear(&witness[i]);
    tlog_policy_clear(&policy);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* ---- growing ---- */

static void
test_growth(void **ctx)
{
    static const size_t sizes[] = {0, 1, 5, 255, 256, 257, 300, 513, MAX};
    struct dt_observer *o;
    struct dt_observed in;

    (void)ctx;
    afresh();
    for (size_t i = 0; i < N(sizes); i++) {
        now_ms = T0 + i * DT_MS_DAY;
        publish(sizes[i], MAX, i % 2 == 0 ? NORTH | SOUTH : NORTH, now_ms / 1000 - 60);
        ok(look());
        now_ms += DT_MS_HOUR;
        ok(look()); /* nothing new */
    }
    o = observer();
    dt_observer_seen(o, &in);
    assert_int_equal(in.n_shown, N(sizes));
    for (size_t i = 0; i < N(sizes); i++) {
        assert_int_equal(in.shown[i].size, sizes[i]);
        assert_int_equal(in.shown[i].first_ms, T0 + i * DT_MS_DAY);
        assert_int_equal(in.shown[i].last_ms, T0 + i * DT_MS_DAY + DT_MS_HOUR);
    }
    assert_int_equal(in.n_attested, 4); /* 5, 256, 300, 700; nothing is attested of an empty one */
    assert_int_equal(in.attested[0].size, 5);
    /* South's second, the later one, made the quorum. */
    assert_int_equal(in.attested[3].time_ms, (T0 + 8 * DT_MS_DAY) - 60000 + 1000);
    assert_int_equal(in.attested[3].seen_ms, T0 + 8 * DT_MS_DAY);
    assert_string_equal(in.groups[2].name, "neutral");
    assert_int_equal(in.groups[0].size, MAX);
    assert_int_equal(in.groups[2].size, 0);
    dt_observer_close(o);
}

/* Cosignatures come later, and on a smaller checkpoint than the newest. */
static void
test_attested_later(void **ctx)
{
    struct dt_observer *o;
    struct dt_observed in;

    (void)ctx;
    afresh();
    publish(10, MAX, 0, 0);
    ok(look());
    publish(12, MAX, 0, 0);
    put_note("checkpoint", 10, MAX, NORTH | SOUTH, T0 / 1000);
    put_note("checkpoint.final", 8, MAX, ALL, T0 / 1000);
    ok(look());
    o = observer();
    dt_observer_seen(o, &in);
    assert_int_equal(in.n_attested, 2);
    assert_int_equal(in.attested[0].size, 8);
    assert_int_equal(in.attested[1].size, 10);
    assert_int_equal(in.groups[2].size, 8);
    dt_observer_close(o);
}

static void
test_clock_back(void **ctx)
{
    struct dt_observer *o;
    struct dt_observed in;

    (void)ctx;
    afresh();
    publish(1, MAX, 0, 0);
    ok(look());
    now_ms -= DT_MS_DAY;
    publish(2, MAX, 0, 0);
    ok(look());
    o = observer();
    dt_observer_seen(o, &in);
    assert_int_equal(in.shown[1].first_ms, T0);
    dt_observer_close(o);
}

static void
test_shrinks(void **ctx)
{
    char before[256], after[256];

    (void)ctx;
    afresh();
    publish(300, MAX, ALL, T0 / 1000);
    ok(look());
    recall(before);
    now_ms += DT_MS_HOUR;
    put_note("checkpoint.held", 200, MAX, 0, 0);
    ok(look());
    recall(after);
    assert_non_null(strstr(after, "300, last 1728000000000"));
    assert_non_null(strstr(after, "behind 200"));
    put_note("checkpoint.held", 0, MAX, 0, 0);
    ok(look());
    put_note("checkpoint.held", 300, MAX, 0, 0);
    now_ms -= DT_MS_HOUR;
    ok(look());
    recall(after);
    assert_string_equal(before, after);
}

/* ---- lies ---- */

static void
spoil(const char *path, size_t at)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_BUNDLE_MAX);
    char full[512];

    (void)snprintf(full, sizeof full, "%s/%s", dir, path);
    ok(dt_file_read(full, &b));
    assert_true(at < b.n);
    b.p[at] ^= 1;
    put(path, dt_buf_view(&b));
}

static void
cut(const char *path, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_BUNDLE_MAX);
    char full[512];

    (void)snprintf(full, sizeof full, "%s/%s", dir, path);
    ok(dt_file_read(full, &b));
    put(path, dt_view(b.p, n));
}

static void
lose(const char *path)
{
    char full[512];

    (void)snprintf(full, sizeof full, "%s/%s", dir, path);
    assert_int_equal(unlink(full), 0);
}

static void
by_other_key(const char *name)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);

    make_note(300, MAX, 0, 0, &other_key, &note);
    put(name, dt_buf_view(&note));
}

/* A cosignature of north on another note. */
static void
forged_line(const char *name)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);

    make_note(300, MAX, 0, 0, &log_key, &note);
    ok(tlog_cosign(
        &witness[0],
        dt_view_str("register.detente/test\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), 1,
        &note));
    put(name, dt_buf_view(&note));
}

static void
lie(unsigned int which)
{
    static const uint8_t rubbish[] = "\x1f\x8b rubbish \xff";

    switch (which) {
    case 0:
        put("checkpoint.held", dt_view_of(rubbish));
        return;
    case 1:
        put("checkpoint.held", dt_view(NULL, 0));
        return;
    case 2:
        spoil("checkpoint.held", 30);
        return;
    case 3:
        by_other_key("checkpoint.held");
        return;
    case 4:
        forged_line("checkpoint.held");
        return;
    case 5:
        forged_line("checkpoint");
        return;
    case 6:
        put("checkpoint.final", dt_view_of(rubbish));
        return;
    case 7:
        spoil("tile/entries/000", 35 * 250 + 10);
        return;
    case 8:
        spoil("tile/entries/001.p/44", 2); /* version 0 */
        return;
    case 9:
        cut("tile/entries/001.p/44", 35 * 43);
        return;
    case 10:
        cut("tile/entries/001.p/44", 35 * 43 + 5);
        return;
    case 11:
        spoil("tile/0/001.p/44", 40);
        return;
    case 12:
        cut("tile/0/000", TLOG_TILE_BYTES - 32);
        return;
    case 13:
        lose("tile/entries/001.p/44");
        return;
    case 14:
        lose("tile/0/001.p/44");
        return;
    case 15:
        lose("checkpoint.held");
        return;
    case 16:
        cut("checkpoint.held", 40);
        return;
    default:
        fail();
    }
}
#define LIES 17u

/* Nothing of it is taken in, and the truth is, afterwards. */
static void
test_lies(void **ctx)
{
    (void)ctx;
    for (unsigned int i = 0; i < LIES; i++) {
        char before[256], after[256];
        enum dt_err err;

        afresh();
        publish(250, MAX, ALL, T0 / 1000);
        ok(look());
        recall(before);
        now_ms += DT_MS_HOUR;
        publish(300, MAX, NORTH, T0 / 1000);
        lie(i);
        err = look();
        if (err == DT_OK || err == DT_ERR_CONFLICT)
            fail_msg("lie %u: %s", i, dt_err_name(err));
        recall(after);
        if (strcmp(before, after) != 0)
            fail_msg("lie %u: %s became %s", i, before, after);
        publish(300, MAX, NORTH, T0 / 1000);
        put_note("checkpoint", 250, MAX, ALL, T0 / 1000);
        put_note("checkpoint.final", 250, MAX, ALL, T0 / 1000);
        ok(look());
        recall(after);
        assert_non_null(strstr(after, "2 looks to 300"));
    }
}

/* ---- two faces ---- */

static void
check_evidence(const char *what)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    struct dt_observer *o = observer();
    char moved[160];

    (void)snprintf(moved, sizeof moved, "%s.gone", dir);
    assert_int_equal(rename(dir, moved), 0);
    if (dt_observer_pass(o) != DT_ERR_CONFLICT)
        fail_msg("%s: it is forgotten", what);
    ok(dt_file_read(dt_observer_evidence(o), &b));
    ok(tlog_evidence_read(dt_buf_view(&b), &e));
    ok(tlog_evidence_verify(&e, NULL, NULL));
    assert_true(tlog_vkey_equal(&e.log, &log_key.vkey));
    dt_observer_close(o);
}

static void
test_split(void **ctx)
{
    (void)ctx;
    afresh();
    publish(100, MAX, ALL, T0 / 1000);
    ok(look());
    publish(100, 50, 0, 0);
    assert_int_equal(look(), DT_ERR_CONFLICT);
    check_evidence("of one size");

    afresh();
    publish(100, MAX, ALL, T0 / 1000);
    ok(look());
    publish(300, 50, 0, 0);
    assert_int_equal(look(), DT_ERR_CONFLICT);
    check_evidence("of a larger one");

    afresh();
    publish(300, MAX, ALL, T0 / 1000);
    ok(look());
    put_note("checkpoint.held", 200, 50, 0, 0); /* the tiles of the first are still there */
    assert_int_equal(look(), DT_ERR_CONFLICT);
    check_evidence("of a smaller one");

    /* The newest is right, the cosigned one is of another history. */
    afresh();
    publish(300, MAX, NORTH, T0 / 1000);
    put_note("checkpoint", 200, 50, SOUTH | NORTH, T0 / 1000);
    assert_int_equal(look(), DT_ERR_CONFLICT);
    check_evidence("of a cosigned one");
}

/* ---- the state ---- */

static enum dt_err
no_migration(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)db;
    (void)from;
    (void)ctx;
    return DT_ERR_INTERNAL;
}

static void
edit(const char *sql)
{
    const struct dt_db_config config = {
        .path = state, .app_id = 0x64744f01u, .version = 1, .migrate = no_migration};
    struct dt_db *db = NULL;

    ok(dt_db_open(&config, &db));
    ok(dt_db_exec(db, sql));
    dt_db_close(db);
}

static void
test_damaged(void **ctx)
{
    static const char *const damage[] = {
        "UPDATE state SET size = size + 1;",
        "UPDATE state SET root = zeroblob(32);",
        "UPDATE state SET root = x'00';",
        "UPDATE state SET note = x'00';",
        "UPDATE state SET note = x'';",
        "UPDATE state SET origin = 'other';",
        "UPDATE state SET log_key = zeroblob(32);",
        "UPDATE state SET split_ms = -1;",
        "UPDATE state SET behind_since_ms = 9223372036854775807;",
        "UPDATE shown SET first_ms = 9223372036854775807;",
        "UPDATE shown SET first_ms = last_ms + 1 WHERE size = 20;",
        "UPDATE shown SET last_ms = 5 WHERE size = 20;",
        "DELETE FROM shown WHERE size = 20;",
        "DELETE FROM shown;",
        "INSERT INTO shown VALUES (21, 1, 1);",
        "INSERT INTO attested VALUES (21, 1, 1);",
        "UPDATE attested SET time_ms = -5;",
        "UPDATE witnesses SET size = 21 WHERE name = 'south';",
        "UPDATE witnesses SET name = printf('%.300c', 'x') WHERE name = 'south';",
        "INSERT INTO opening VALUES (x'00', 0, 1, 0, x'');"};
    static const struct dt_observer_config config = {
        .where = dir, .state_path = state, .policy = &policy, .clock = {.now_ms = clock_now}};

    (void)ctx;
    for (size_t i = 0; i < N(damage); i++) {
        struct dt_observer *o = NULL;
        enum dt_err err;

        afresh();
        publish(10, MAX, ALL, T0 / 1000);
        ok(look());
        now_ms += DT_MS_HOUR;
        publish(20, MAX, ALL, T0 / 1000);
        ok(look());
        edit(damage[i]);
        err = dt_observer_open(&config, &o);
        if (err != DT_ERR_FORMAT && err != DT_ERR_CONFLICT && err != DT_ERR_AUTH &&
            err != DT_ERR_LIMIT)
            fail_msg("taken: %s: %s", damage[i], dt_err_name(err));
    }
}

/* Two who look at a time: the second is told, and what the first saw stands. */
static void
test_two(void **ctx)
{
    struct dt_observer *one, *two;
    char line[256];

    (void)ctx;
    afresh();
    publish(10, MAX, 0, 0);
    ok(look());
    one = observer();
    two = observer();
    publish(20, MAX, 0, 0);
    ok(dt_observer_pass(one));
    assert_int_equal(dt_observer_pass(two), DT_ERR_STATE);
    dt_observer_close(one);
    dt_observer_close(two);
    recall(line);
    assert_non_null(strstr(line, "2 looks to 20"));
    ok(look());
}

/* ---- what fails of our own ---- */

static bool
nth(void *ctx)
{
    return (*(unsigned int *)ctx)-- == 0;
}

static bool
nth_call(void *ctx, enum dt_db_point at)
{
    (void)at;
    return nth(ctx);
}

/* One look with the n-th of something failing: what was seen is as before or as after. */
static bool
look_with_fault(unsigned int n, bool database)
{
    char before[256], after[256];
    unsigned int left = n;
    struct dt_observer *o = NULL;
    const struct dt_observer_config config = {.where = dir,
                                              .state_path = state,
                                              .policy = &policy,
                                              .proofs = &proofs,
                                              .clock = {.now_ms = clock_now}};
    enum dt_err err;

    afresh();
    publish(10, MAX, NORTH, T0 / 1000);
    put("openings/x.proof", dt_view_str("no proof\n"));
    ok(look());
    recall(before);
    now_ms += DT_MS_HOUR;
    publish(20, MAX, ALL, T0 / 1000);
    if (database)
        dt_db_fault(nth_call, &left);
    else
        dt_mem_fault(nth, &left);
    err = dt_observer_open(&config, &o);
    if (err == DT_OK)
        err = dt_observer_pass(o);
    dt_observer_close(o);
    dt_db_fault(NULL, NULL);
    dt_mem_fault(NULL, NULL);
    if (err != DT_OK && err != (database ? DT_ERR_IO : DT_ERR_NOMEM))
        fail_msg("fault %u: %s: %s", n, dt_err_name(err), dt_err_message());
    recall(after);
    if (err != DT_OK && strcmp(before, after) != 0 && strstr(after, "2 looks to 20") == NULL)
        fail_msg("fault %u: %s became %s", n, before, after);
    ok(look());
    recall(after);
    assert_non_null(strstr(after, "2 looks to 20"));
    return err == DT_OK;
}

static void
test_faults(void **ctx)
{
    unsigned int n = 0;

    (void)ctx;
    while (!look_with_fault(n, true))
        n++;
    assert_true(n > 10 && n < 1000);
    for (n = 0; !look_with_fault(n, false); n++)
        assert_true(n < 5000);
    assert_true(n > 10);
}

/* What lies in openings/ and is no proof is told, and stops nobody. */
static void
test_openings(void **ctx)
{
    struct dt_observer *o;

    (void)ctx;
    afresh();
    publish(10, MAX, 0, 0);
    put("openings/one.proof", dt_view_str("no proof\n"));
    put("openings/two.proof", dt_view_str("detente proof 1\nAAAA\n"));
    put("openings/thr\xff_.proof", dt_view_str("no proof\n"));
    put("openings/readme", dt_view_str("not one"));
    o = observer();
    ok(dt_observer_pass(o));
    assert_int_equal(dt_observer_openings(o), 0);
    assert_int_equal(dt_observer_refused(o), 3);
    assert_null(dt_observer_refusal(o, 3));
    for (size_t i = 0; i < 3; i++)
        assert_true(dt_utf8_line(dt_view_str(dt_observer_refusal(o, i))));
    put("openings/index", dt_view_str("../one.proof\n"));
    ok(dt_observer_pass(o));
    assert_int_equal(dt_observer_refused(o), 1);
    put("openings/index",
        dt_view_str("0000000000000000000000000000000000000000000000000000000000000000\n"));
    put("openings/0000000000000000000000000000000000000000000000000000000000000000.proof",
        dt_view_str("no proof\n"));
    ok(dt_observer_pass(o));
    assert_non_null(strstr(dt_observer_refusal(o, 0), "not the file that its name says"));
    dt_observer_close(o);
}

/* A party that fills its share with files that are none does not keep what others opened from being
 * read: each pass looks at as many as a relay takes. */
static void
test_openings_behind_others(void **ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf index = DT_BUF_INIT(1u << 20);
    struct dt_observer *o;

    (void)ctx;
    afresh();
    publish(10, MAX, 0, 0);
    for (uint32_t i = 0; i < DT_OBSERVER_OPENINGS_MAX; i++) {
        uint8_t hash[DT_SHA256];
        char file[32], name[2 * DT_SHA256 + 1], path[128];

        (void)snprintf(file, sizeof file, "no proof %u\n", i);
        ok(dt_sha256(dt_view_str(file), hash));
        dt_hex_str(name, dt_view_of(hash));
        (void)snprintf(path, sizeof path, "openings/%s.proof", name);
        put(path, dt_view_str(file));
        ok(dt_buf_printf(&index, "%s\n", name));
    }
    put("openings/index", dt_buf_view(&index));
    o = observer();
    ok(dt_observer_pass(o));
    assert_int_equal(dt_observer_refused(o), DT_OBSERVER_OPENINGS_MAX);
    dt_observer_close(o);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_growth),
                                       cmocka_unit_test(test_attested_later),
                                       cmocka_unit_test(test_clock_back),
                                       cmocka_unit_test(test_shrinks),
                                       cmocka_unit_test(test_lies),
                                       cmocka_unit_test(test_split),
                                       cmocka_unit_test(test_damaged),
                                       cmocka_unit_test(test_two),
                                       cmocka_unit_test(test_faults),
                                       cmocka_unit_test(test_openings),
                                       cmocka_unit_test(test_openings_behind_others)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
