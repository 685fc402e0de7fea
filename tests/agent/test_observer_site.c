/*
 * tests/agent/test_observer_site.c - a register that was seen, as files for any web server: made of
 * its entries, whatever tiles were served with them; grown in place; refused where it does not
 * hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/observer/site.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "log/checkpoint.h"
#include "log/tile.h"
#include "log/tree.h"
#include "net/limits.h"

#define MAX    700u
#define NAME   "register.detente/00112233445566778899aabbccddeeff"
#define BELOW  "r/00112233445566778899aabbccddeeff"
#define FILE_S 512

static struct tlog_signer log_key;
static struct tlog_policy policy;
static struct dt_verify_in proofs;
static char folder[] = "/tmp/detente-site-XXXXXX";
static char from[64], site[64];
static struct tlog_hash leaf[MAX];

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
    return UINT64_C(20000) * DT_MS_DAY;
}

static void
entry_at(size_t i, uint8_t out[static DT_REGISTER_ENTRY])
{
    memset(out, 0, DT_REGISTER_ENTRY);
    out[0] = 1;
    out[1] = (uint8_t)(i >> 8);
    out[2] = (uint8_t)i;
}

static void
put(const char *name, struct dt_view v)
{
    char path[FILE_S], *slash;

    (void)snprintf(path, sizeof path, "%s/%s", from, name);
    slash = strrchr(path, '/');
    *slash = '\0';
    ok(dt_dir_make(path, 0700));
    *slash = '/';
    ok(dt_file_write(path, v, 0600));
}

static void
name_of(const struct tlog_tile *t, char out[static 64])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64);

    ok(tlog_tile_path_write(t, &b));
    (void)snprintf(out, 64, "%.*s", (int)b.n, (const char *)b.p);
}

static void
put_note(const char *name, size_t size)
{
    struct tlog_leaves leaves = {leaf, size};
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_hash root = tlog_empty_root;
    struct tlog_checkpoint cp;

    if (size > 0)
        ok(tlog_root_make(tlog_leaves_node, &leaves, size, &root));
    ok(tlog_checkpoint_init(&cp, dt_view_str(NAME), size, &root));
    ok(tlog_checkpoint_sign(&log_key, &cp, &note));
    put(name, dt_buf_view(&note));
}

/* Entries and checkpoints of ${size}; every tile above level 0 is rubbish, that level is right. */
static void
publish(size_t size, size_t attested)
{
    static const uint8_t rubbish[TLOG_TILE_BYTES] = {1, 2, 3};
    struct tlog_leaves leaves = {leaf, size};

    for (unsigned int level = 0; level < 2; level++)
        for (uint64_t n = 0; tlog_tile_width(level, n, size) > 0; n++) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_BUNDLE_MAX);
            struct tlog_tile t = {
                .level = (uint8_t)level, .index = n, .width = tlog_tile_width(level, n, size)};
            char name[64];

            name_of(&t, name);
            if (level == 0)
                ok(tlog_tile_make(tlog_leaves_node, &leaves, &t, &b));
            put(name, level == 0 ? dt_buf_view(&b) : dt_view(rubbish, (size_t)t.width * TLOG_HASH));
            if (level > 0)
                continue;
            t.entries = true;
            b.n = 0;
            name_of(&t, name);
            for (size_t i = 0; i < t.width; i++) {
                uint8_t e[DT_REGISTER_ENTRY];

                entry_at((size_t)n * TLOG_TILE_WIDTH + i, e);
                ok(tlog_bundle_append(&b, dt_view_of(e)));
            }
            put(name, dt_buf_view(&b));
        }
    put_note("checkpoint.held", size);
    if (attested > 0)
        put_note("checkpoint", attested);
}

static struct dt_observer *
observer(void)
{
    const struct dt_observer_config config = {
        .where = from, .policy = &policy, .proofs = &proofs, .clock = {.now_ms = clock_now}};
    struct dt_observer *o = NULL;

    ok(dt_observer_open(&config, &o));
    return o;
}

/* Look, and write the site. */
static enum dt_err
write_site(void)
{
    struct dt_observer *o = observer();
    enum dt_err err = dt_observer_pass(o);

    if (err == DT_OK)
        err = dt_observer_site(o, site);
    dt_observer_close(o);
    return err;
}

/* Every tile that a tree of ${size} has is there, and is the right one. */
static void
check_tiles(size_t size)
{
    struct tlog_leaves leaves = {leaf, size};

    for (unsigned int level = 0; level < 2; level++)
        for (uint64_t n = 0; tlog_tile_width(level, n, size) > 0; n++) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf want = DT_BUF_INIT(TLOG_TILE_BYTES);
            DT_CLEANUP(dt_buf_clear) struct dt_buf got = DT_BUF_INIT(TLOG_TILE_BYTES);
            struct tlog_tile t = {
                .level = (uint8_t)level, .index = n, .width = tlog_tile_width(level, n, size)};
            char name[64], path[FILE_S];

            name_of(&t, name);
            (void)snprintf(path, sizeof path, "%s/" BELOW "/%s", site, name);
            ok(tlog_tile_make(tlog_leaves_node, &leaves, &t, &want));
            ok(dt_file_read(path, &got));
            assert_true(dt_view_equal(dt_buf_view(&got), dt_buf_view(&want)));
        }
}

static void
check_same(const char *name)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf a = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_NOTE_MAX);
    char path[FILE_S];

    (void)snprintf(path, sizeof path, "%s/%s", from, name);
    ok(dt_file_read(path, &a));
    (void)snprintf(path, sizeof path, "%s/" BELOW "/%s", site, name);
    ok(dt_file_read(path, &b));
    assert_true(dt_view_equal(dt_buf_view(&a), dt_buf_view(&b)));
}

static struct timespec
written(const char *name)
{
    char path[FILE_S];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/" BELOW "/%s", site, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mtim;
}

static void
afresh(void)
{
    static unsigned int n;

    n++;
    (void)snprintf(from, sizeof from, "%s/from%u", folder, n);
    (void)snprintf(site, sizeof site, "%s/site%u", folder, n);
}

static void
test_made_of_entries(void **ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf index = DT_BUF_INIT(64);
    char below[DT_OBSERVER_SITE_PATH], path[FILE_S];
    struct dt_observer *o;
    struct timespec before, after;

    (void)ctx;
    afresh();
    publish(300, 257);
    o = observer();
    dt_observer_site_path(o, below);
    assert_string_equal(below, BELOW);
    dt_observer_close(o);
    ok(write_site());
    check_tiles(300);
    check_tiles(257);
    check_same("checkpoint.held");
    check_same("checkpoint");
    check_same("tile/entries/000");
    check_same("tile/entries/001.p/44");
    (void)snprintf(path, sizeof path, "%s/" BELOW "/openings/index", site);
    ok(dt_file_read(path, &index));
    assert_int_equal(index.n, 0);
    /* It grows in place, and what is the same is not written again. */
    before = written("tile/0/000");
    publish(MAX, 300);
    ok(write_site());
    check_tiles(MAX);
    check_tiles(300);
    check_same("checkpoint.held");
    after = written("tile/0/000");
    assert_memory_equal(&before, &after, sizeof before);
    /* What lies there altered is made right. */
    (void)snprintf(path, sizeof path, "%s/" BELOW "/tile/0/001", site);
    ok(dt_file_write(path, dt_view_str("altered"), 0644));
    ok(write_site());
    check_tiles(MAX);
}

static void
test_refused(void **ctx)
{
    uint8_t e[DT_REGISTER_ENTRY + 2] = {0, DT_REGISTER_ENTRY, 1, 7};
    char path[FILE_S];
    struct dt_observer *o;

    (void)ctx;
    afresh();
    publish(3, 0);
    o = observer();
    assert_int_equal(dt_observer_site(o, site), DT_ERR_STATE); /* nothing was seen */
    dt_observer_close(o);
    /* Between the look and the site somebody alters an entry, or the smaller checkpoint. */
    o = observer();
    ok(dt_observer_pass(o));
    put("tile/entries/000.p/3", dt_view_of(e));
    assert_int_not_equal(dt_observer_site(o, site), DT_OK);
    publish(3, 0);
    leaf[1].b[0] ^= 1;
    put_note("checkpoint", 2);
    leaf[1].b[0] ^= 1;
    assert_int_equal(dt_observer_site(o, site), DT_ERR_PROOF);
    dt_observer_close(o);
    (void)snprintf(path, sizeof path, "%s/" BELOW "/checkpoint.held", site);
    assert_false(dt_file_exists(path));
    /* An empty register is one, too. */
    afresh();
    publish(0, 0);
    ok(write_site());
    check_same("checkpoint.held");
}

static int
set_up(void **ctx)
{
    (void)ctx;
    if (dt_crypto_init() != DT_OK || mkdtemp(folder) == NULL)
        return -1;
    ok(tlog_signer_new(dt_view_str(NAME), TLOG_KEY_ED25519, &log_key));
    ok(tlog_policy_add_log(&policy, &log_key.vkey, dt_view(NULL, 0)));
    ok(tlog_policy_set_quorum(&policy, dt_view_str("none")));
    for (size_t i = 0; i < MAX; i++) {
        uint8_t e[DT_REGISTER_ENTRY];

        entry_at(i, e);
        ok(tlog_leaf_hash(dt_view_of(e), &leaf[i]));
    }
    return 0;
}

static int
tear_down(void **ctx)
{
    char command[128];

    (void)ctx;
    tlog_signer_clear(&log_key);
    tlog_policy_clear(&policy);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_made_of_entries),
                                       cmocka_unit_test(test_refused)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
