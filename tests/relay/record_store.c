/*
 * tests/relay/record_store.c - fills a store of the relay that DT_RELAY_BIN names, which may be of
 * an earlier version, over HTTP, and leaves it with what its parties need in the new folder
 * DT_RECORD: see data/README.md. Started by tools/record-store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "recorded.h"

static const char *folder;

static void
keep(const char *name, struct dt_view bytes)
{
    char path[400];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    OK(dt_file_create(path, bytes, 0644));
}

static void
keep_file(const char *name, const char *from)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);

    OK(dt_file_read(from, &b));
    keep(name, dt_buf_view(&b));
}

static void
queues(struct fixture *f)
{
    for (size_t q = 0; q < RECORDED_QUEUES; q++) {
        struct fixture_queue queue;

        recorded_queue(q, &queue);
        OK(fixture_queue_make(f, &queue));
        for (uint64_t p = 1; p <= recorded_cells(q); p++) {
            struct dt_wire_append a;
            uint8_t bytes[1536];
            uint64_t position = 0;

            recorded_append(q, p, bytes, &a);
            OK(dt_relay_append(f->http, f->url, queue.address, dt_view_of(queue.write), &a,
                               &position));
            assert_int_equal(position, p);
        }
    }
}

static void
entries(struct fixture *f)
{
    size_t k = 0;

    for (uint64_t i = 0; i < RECORDED_ENTRIES; i++) {
        uint64_t index = 0;
        uint8_t seal[32];

        seal_of(i, seal);
        OK(dt_register_append(f->http, f->register_url,
                              dt_view_of(f->grant[i % FIXTURE_PARTIES].append_key), seal, &index));
        assert_int_equal(index, i);
        if (k < sizeof(recorded_cosigned) / sizeof(recorded_cosigned[0]) &&
            recorded_cosigned[k].size == i + 1)
            recorded_cosign(f, recorded_cosigned[k++].witnesses);
    }
}

/* What the relay answers for the register, byte for byte. */
static void
answers(struct fixture *f)
{
    static const char *const names[] = {"held", "attested", "final"};
    static const enum dt_checkpoint_kind kinds[] = {DT_CHECKPOINT_HELD, DT_CHECKPOINT_ATTESTED,
                                                    DT_CHECKPOINT_FINAL};
    uint8_t name[32];
    enum dt_err err;

    for (size_t i = 0; i < 3; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);

        OK(dt_register_checkpoint(f->http, f->register_url, kinds[i], &b));
        keep(names[i], dt_buf_view(&b));
    }
    OK(dt_sha256(dt_view_str(RECORDED_OPENING), name));
    err = dt_register_publish(f->http, f->register_url, dt_view_of(f->grant[1].append_key),
                              dt_view_str(RECORDED_OPENING), name);
    if (err == DT_OK) /* else the version had no openings */
        keep("opening", dt_view_str(RECORDED_OPENING));
}

static void
grants(struct fixture *f)
{
    static const char *const limits[] = {"--queues", "3", "--queue-cells", "20", NULL};

    assert_int_equal(fixture_grant(f, limits), 0);
    fixture_load_grants(f);
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        char name[80], path[160];

        (void)snprintf(name, sizeof(name), "%s.grant", fixture_names[i]);
        (void)snprintf(path, sizeof(path), "%s/grants/%s", f->dir, name);
        keep_file(name, path);
    }
}

/* A second register, which is read with a key and has a rhythm, if the version had these. */
static void
second_grant(struct fixture *f)
{
    static const char *const all[] = {"--read-key", "--cadence", "4/1d", NULL};
    static const char *const key[] = {"--read-key", NULL};
    char grants[96], first[96], path[160];

    (void)snprintf(grants, sizeof(grants), "%s/grants", f->dir);
    (void)snprintf(first, sizeof(first), "%s/first", f->dir);
    assert_int_equal(rename(grants, first), 0);
    if (fixture_grant(f, all) != 0 && fixture_grant(f, key) != 0)
        return;
    (void)snprintf(path, sizeof(path), "%s/north.grant", grants);
    keep_file("second.grant", path);
}

static void
small(const char *path)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "VACUUM", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
record(void **state)
{
    struct fixture f;

    (void)state;
    folder = getenv("DT_RECORD");
    assert_non_null(folder);
    OK(dt_dir_make(folder, 0755));
    recorded_begin(&f);
    fixture_serve(&f);
    grants(&f);
    queues(&f);
    entries(&f);
    answers(&f);
    second_grant(&f);
    assert_int_equal(fixture_end(&f, SIGTERM), 0);
    small(f.store);
    keep_file("relay.db", f.store);
    fixture_finish(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(record)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
