/*
 * tests/carried/test_carried.c - a relay that is a file: the whole protocol by the same client
 * calls, nothing beside the file, waiting for news, what is told when the stick is not as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <pthread.h>
#include <sys/file.h>

#include <cmocka.h>

#include "../base/folder.h"
#include "base/mem.h"
#include "carried/carried.h"
#include "log/checkpoint.h"
#include "relay_fixture.h"

static struct fixture fx;

static int
begin(void **state)
{
    const struct dt_carried_config config = {.wait_ms = 300};

    (void)state;
    memset(&fx, 0, sizeof(fx));
    OK(dt_crypto_init());
    assert_true(test_folder(fx.dir, sizeof(fx.dir), "carried"));
    (void)snprintf(fx.store, sizeof(fx.store), "%s/stick", fx.dir);
    OK(dt_dir_make(fx.store, 0700));
    (void)snprintf(fx.store, sizeof(fx.store), "%s/stick/forum.detente", fx.dir);
    (void)snprintf(fx.url, sizeof(fx.url), "file:forum.detente");
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "witness.%s", fixture_names[i]);
        OK(tlog_signer_new(dt_view_str(name), TLOG_KEY_COSIGNATURE, &fx.witness[i]));
        fixture_witness_key(&fx, i, &fx.witness[i].vkey);
    }
    assert_int_equal(fixture_grant(&fx, NULL), 0);
    fixture_load_grants(&fx);
    assert_string_equal(fx.grant[0].relay, "file:forum.detente");
    (void)snprintf(fx.url, sizeof(fx.url), "file:%.58s", fx.store);
    (void)snprintf(fx.register_url, sizeof(fx.register_url), "%s/r/%s", fx.url,
                   fx.grant[0].register_id);
    dt_carried_begin(&config);
    dt_carried_remember(NULL);
    OK(dt_http_client_new(NULL, &fx.http));
    return 0;
}

static int
finish(void **state)
{
    (void)state;
    dt_http_files(NULL, NULL);
    fixture_finish(&fx);
    return 0;
}

/* The names in the stick's folder, without the dots. */
static size_t
files_on_stick(void)
{
    char path[128];
    size_t n = 0;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/stick", fx.dir);
    dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *d; (d = readdir(dir)) != NULL;)
        n += d->d_name[0] != '.';
    (void)closedir(dir);
    return n;
}

static void
cell_of(uint8_t fill, uint8_t out[static 512])
{
    memset(out, fill, 512);
}

static enum dt_err
put(const struct fixture_queue *q, uint8_t id, uint8_t fill, uint64_t *position)
{
    uint8_t cell[512];
    struct dt_wire_append append = {.cell = dt_view_of(cell)};

    cell_of(fill, cell);
    append.append_id[0] = id;
    return dt_relay_append(fx.http, fx.url, q->address, dt_view_of(q->write), &append, position);
}

static uint64_t
last_of(const struct fixture_queue *q)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_wire_items items;
    uint64_t last = 0;

    OK(dt_relay_read(fx.http, fx.url, q->address, dt_view_of(q->read), 0, 0, &b));
    OK(dt_wire_items_begin(dt_buf_view(&b), &last, &items));
    return last;
}

static void
test_queue(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct fixture_queue q, other;
    struct dt_wire_items items;
    struct dt_wire_item item;
    uint64_t position = 0, last = 0;
    bool more = false;

    (void)state;
    fixture_queue_new(&fx, &q);
    OK(put(&q, 1, 'a', &position));
    assert_int_equal(position, 1);
    OK(put(&q, 2, 'b', &position));
    assert_int_equal(position, 2);
    OK(put(&q, 1, 'a', &position)); /* the same again */
    assert_int_equal(position, 1);
    assert_int_equal(put(&q, 1, 'c', &position), DT_ERR_CONFLICT);
    OK(dt_relay_read(fx.http, fx.url, q.address, dt_view_of(q.read), 1, 0, &b));
    OK(dt_wire_items_begin(dt_buf_view(&b), &last, &items));
    assert_int_equal(last, 2);
    OK(dt_wire_items_next(&items, &item, &more));
    assert_true(more && item.position == 2 && item.cell.p[0] == 'b');
    OK(dt_wire_items_next(&items, &item, &more));
    assert_false(more);
    /* Tokens count as at any relay. */
    other = q;
    other.write[0] ^= 1;
    assert_int_equal(put(&other, 9, 'x', &position), DT_ERR_REFUSED);
    assert_int_equal(dt_relay_read(fx.http, fx.url, q.address, dt_view_of(q.write), 0, 0, &b),
                     DT_ERR_REFUSED);
    memset(other.address, 7, sizeof(other.address));
    assert_int_equal(put(&other, 9, 'x', &position), DT_ERR_NOT_FOUND);
    assert_int_equal(last_of(&q), 2);
    assert_int_equal(files_on_stick(), 1);
}

static void
test_register(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note parsed = {0};
    struct tlog_checkpoint cp;
    uint8_t seal[32] = {1, 2, 3};
    uint64_t index = 9;

    (void)state;
    OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[0].append_key), seal,
                          &index));
    assert_int_equal(index, 0);
    seal[0] = 7;
    OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[1].append_key), seal,
                          &index));
    assert_int_equal(index, 1);
    assert_int_equal(dt_register_append(fx.http, fx.register_url,
                                        dt_view_of(fx.grant[0].queue_token), seal, &index),
                     DT_ERR_REFUSED);
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &note));
    OK(tlog_note_parse(dt_buf_view(&note), &parsed));
    OK(tlog_checkpoint_parse(parsed.text, &cp));
    assert_int_equal(cp.size, 2);
    assert_int_equal(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_FINAL, &b),
                     DT_ERR_NOT_FOUND);
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf signed_note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);

        OK(dt_buf_append(&signed_note, dt_buf_view(&note)));
        OK(tlog_cosign(&fx.witness[i], parsed.text, 1800000000 + i, &signed_note));
        OK(dt_register_cosign(fx.http, fx.register_url, dt_buf_view(&signed_note)));
    }
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_FINAL, &b));
    OK(dt_register_file(fx.http, fx.register_url, "tile/entries/000.p/2", &b));
    OK(dt_register_file(fx.http, fx.register_url, "witnesses", &b));
    assert_int_equal(dt_register_file(fx.http, fx.register_url, "nothing", &b), DT_ERR_NOT_FOUND);
    assert_int_equal(files_on_stick(), 1);
}

/* ---- waiting ---- */

struct waiter {
    struct fixture_queue q;
    enum dt_err err;
    size_t n;
    uint64_t took_ms;
};

static void *
wait_for_news(void *arg)
{
    struct waiter *w = arg;
    struct dt_wire_news news[DT_RELAY_POLL_MAX];
    struct dt_wire_poll wanted = {.after = 0};
    struct dt_http_client *http = NULL;
    uint64_t began = dt_monotonic_ms();

    memcpy(wanted.address, w->q.address, 32);
    memcpy(wanted.read_token, w->q.read, 32);
    if ((w->err = dt_http_client_new(NULL, &http)) == DT_OK)
        w->err = dt_relay_poll(http, fx.url, &wanted, 1, 20, news, &w->n);
    dt_http_client_free(http);
    w->took_ms = dt_monotonic_ms() - began;
    return NULL;
}

static void
test_wait(void **state)
{
    struct waiter w = {.err = DT_ERR_INTERNAL};
    uint64_t position = 0;
    pthread_t thread;

    (void)state;
    fixture_queue_new(&fx, &w.q);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_news, &w), 0);
    usleep(300 * 1000);
    OK(put(&w.q, 1, 'a', &position)); /* nobody who waits keeps the file */
    assert_int_equal(pthread_join(thread, NULL), 0);
    OK(w.err);
    assert_int_equal(w.n, 1);
    assert_in_range(w.took_ms, 250, 8000);
}

static void
test_stop(void **state)
{
    atomic_bool stop = true;
    const struct dt_http_client_config config = {.stop = &stop};
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_http_client *http = NULL;

    (void)state;
    OK(dt_http_client_new(&config, &http));
    assert_int_equal(
        dt_register_checkpoint_after(http, fx.register_url, DT_CHECKPOINT_HELD, 5, 30, &b),
        DT_ERR_STATE);
    dt_http_client_free(http);
}

/* ---- a stick that is not as it was ---- */

static void
test_gone(void **state)
{
    struct fixture_queue q;
    uint64_t position = 0;
    char aside[200];
    int fd;

    (void)state;
    fixture_queue_new(&fx, &q);
    OK(put(&q, 1, 'a', &position));
    (void)snprintf(aside, sizeof(aside), "%s/elsewhere", fx.dir);
    assert_int_equal(rename(fx.store, aside), 0);
    assert_int_equal(put(&q, 2, 'b', &position), DT_ERR_NET); /* as a relay that is not reached */
    assert_non_null(strstr(dt_err_message(), "is the stick in its place?"));
    assert_int_equal(files_on_stick(), 0); /* and nothing is made there */
    assert_int_equal(rename(aside, fx.store), 0);
    OK(put(&q, 2, 'b', &position));
    assert_int_equal(position, 2);

    fd = open(fx.store, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(put(&q, 3, 'c', &position), DT_ERR_BUSY);
    assert_int_equal(close(fd), 0);
    OK(put(&q, 3, 'c', &position));

    dt_http_files(NULL, NULL);
    assert_int_equal(put(&q, 4, 'd', &position), DT_ERR_UNSUPPORTED);
    dt_carried_begin(NULL);
    OK(put(&q, 4, 'd', &position));
}

static void
test_damaged(void **state)
{
    struct fixture_queue q;
    uint64_t position = 0;
    FILE *f;

    (void)state;
    fixture_queue_new(&fx, &q);
    f = fopen(fx.store, "r+");
    assert_non_null(f);
    assert_int_equal(fwrite("nothing of ours", 1, 15, f), 15);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(put(&q, 1, 'a', &position), DT_ERR_FORMAT);
}

/* What is remembered of one stick, in memory. */
struct memory {
    bool there;
    uint8_t id[DT_RELAY_MARK];
    struct dt_relay_store_mark mark;
};

static enum dt_err
memory_get(void *ctx, const uint8_t id[static DT_RELAY_MARK], struct dt_relay_store_mark *out)
{
    const struct memory *m = ctx;

    if (!m->there || memcmp(m->id, id, sizeof(m->id)) != 0)
        return DT_ERR_NOT_FOUND;
    *out = m->mark;
    return DT_OK;
}

static enum dt_err
memory_put(void *ctx, const uint8_t id[static DT_RELAY_MARK],
           const struct dt_relay_store_mark *mark)
{
    struct memory *m = ctx;

    assert_true(!m->there || memcmp(m->id, id, sizeof(m->id)) == 0);
    memcpy(m->id, id, sizeof(m->id));
    m->mark = *mark;
    m->there = true;
    return DT_OK;
}

static void
copy_file(const char *from, const char *to)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64u << 20);

    OK(dt_file_read(from, &b));
    OK(dt_file_write(to, dt_buf_view(&b), 0600));
}

static void
same_file(const char *a, const char *b)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf x = DT_BUF_INIT(64u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf y = DT_BUF_INIT(64u << 20);

    OK(dt_file_read(a, &x));
    OK(dt_file_read(b, &y));
    assert_true(dt_view_equal(dt_buf_view(&x), dt_buf_view(&y)));
}

static void
test_copies(void **state)
{
    struct memory here = {0}, there = {0};
    struct dt_carried_memory at_here = {memory_get, memory_put, &here};
    struct dt_carried_memory at_there = {memory_get, memory_put, &there};
    struct fixture_queue q;
    uint64_t position = 0;
    char old[200], other[200];

    (void)state;
    (void)snprintf(old, sizeof(old), "%s/old", fx.dir);
    (void)snprintf(other, sizeof(other), "%s/other", fx.dir);
    dt_carried_remember(&at_there);
    fixture_queue_new(&fx, &q);
    dt_carried_remember(&at_here);
    OK(put(&q, 1, 'a', &position));
    copy_file(fx.store, old);
    OK(put(&q, 2, 'b', &position));
    copy_file(fx.store, other);

    copy_file(old, fx.store); /* put back */
    assert_int_equal(put(&q, 3, 'c', &position), DT_ERR_CONFLICT);
    assert_non_null(strstr(dt_err_message(), "an older state of it"));
    same_file(old, fx.store);

    dt_carried_remember(&at_there); /* has not seen more than that, and goes on */
    OK(put(&q, 4, 'd', &position));
    assert_int_equal(position, 2);
    OK(put(&q, 5, 'e', &position));
    dt_carried_remember(&at_here);
    assert_int_equal(put(&q, 3, 'c', &position), DT_ERR_CONFLICT);
    assert_non_null(strstr(dt_err_message(), "a copy that went on"));
    copy_file(other, fx.store);
    OK(put(&q, 3, 'c', &position));
    assert_int_equal(position, 3);

    dt_carried_remember(&at_there);
    assert_int_equal(put(&q, 6, 'f', &position), DT_ERR_CONFLICT);
    OK(dt_carried_accept(fx.url));
    OK(put(&q, 6, 'f', &position));
    assert_int_equal(position, 4);
    dt_carried_remember(NULL);
    assert_int_equal(dt_carried_accept(fx.url), DT_ERR_STATE);
    assert_int_equal(dt_carried_accept("http://a"), DT_ERR_USAGE);
}

/* A server's store on a stick, and back. */
static void
test_served(void **state)
{
    struct fixture_queue q;
    uint64_t position = 0;

    (void)state;
    fixture_queue_new(&fx, &q);
    OK(put(&q, 1, 'a', &position));
    (void)snprintf(fx.listen, sizeof(fx.listen), "127.0.0.1:0");
    fixture_serve(&fx); /* which sets fx.url */
    OK(put(&q, 2, 'b', &position));
    assert_int_equal(position, 2);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    (void)snprintf(fx.url, sizeof(fx.url), "file:%.58s", fx.store);
    OK(put(&q, 3, 'c', &position));
    assert_int_equal(position, 3);
    assert_int_equal(last_of(&q), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_queue, begin, finish),
        cmocka_unit_test_setup_teardown(test_register, begin, finish),
        cmocka_unit_test_setup_teardown(test_wait, begin, finish),
        cmocka_unit_test_setup_teardown(test_stop, begin, finish),
        cmocka_unit_test_setup_teardown(test_gone, begin, finish),
        cmocka_unit_test_setup_teardown(test_damaged, begin, finish),
        cmocka_unit_test_setup_teardown(test_copies, begin, finish),
        cmocka_unit_test_setup_teardown(test_served, begin, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
