/*
 * tests/carried/test_pulled_out.c - the stick is pulled out at any call that is made on its file:
 * whatever of what was not synced is on it then, torn sectors too, the next call opens it, has all
 * that was acknowledged and nothing that was not handed in, in order, and goes on.
 *
 * By default a sample of the places, drawn by DT_SEED; DT_POWER_CUT=all goes through every one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <time.h>

#include <cmocka.h>

#include "../base/folder.h"
#include "base/mem.h"
#include "carried/carried.h"
#include "disk.h"
#include "place.h"

#define CALLS  12u   /* of the work, after the queue was made: cells, and entries in between */
#define BEGUN  1000u /* mark: this call is tried from here on; without it: it is acknowledged */
#define SAMPLE 100u

static uint64_t seed;

struct work {
    struct place place;
    char url[256], register_url[320];
    struct dt_http_client *http;
    struct fixture_queue q;
};

static void
addresses(struct work *w, const char *path)
{
    (void)snprintf(w->url, sizeof(w->url), "file:%s", path);
    (void)snprintf(w->register_url, sizeof(w->register_url), "file:%s/r/%s", path,
                   w->place.grant.register_id);
}

static void
begin(struct work *w)
{
    struct dt_relay_store_config config = {.create = true, .carried = true};
    struct dt_wire_create c;
    struct dt_relay_store *s = NULL;

    place_make(&w->place);
    (void)snprintf(w->place.path, sizeof(w->place.path), "%s/relay.db", w->place.dir);
    config.path = w->place.path;
    OK(dt_relay_store_open(&config, &s));
    OK(place_grant(&w->place, s, 100, 4, 1000));
    dt_relay_store_close(s);
    addresses(w, w->place.path);
    dt_carried_begin(NULL);
    OK(dt_http_client_new(NULL, &w->http));
    OK(dt_random(w->q.read, 32));
    OK(dt_random(w->q.write, 32));
    memcpy(c.queue_token, w->place.grant.queue_token, 32);
    OK(dt_sha256(dt_view_of(w->q.read), c.read_hash));
    OK(dt_sha256(dt_view_of(w->q.write), c.write_hash));
    OK(dt_relay_queue_create(w->http, w->url, &c, w->q.address));
}

/* Cells of some sizes; every third call is an entry. */
static bool
is_entry(unsigned int i)
{
    return i % 3 == 2;
}

static enum dt_err
call(struct work *w, unsigned int i)
{
    static const size_t sizes[] = {512, 4096, 65536, 1024};
    static uint8_t cell[65536];
    struct dt_wire_append append = {.cell = dt_view(cell, sizes[i % 4])};
    uint8_t seal[32];
    uint64_t got = 0;

    if (is_entry(i)) {
        seal_of(i, seal);
        return dt_register_append(w->http, w->register_url, dt_view_of(w->place.grant.append_key),
                                  seal, &got);
    }
    memset(cell, (int)i, sizeof(cell));
    append.append_id[0] = (uint8_t)i;
    return dt_relay_append(w->http, w->url, w->q.address, dt_view_of(w->q.write), &append, &got);
}

/* What is on the stick at ${path} is what the first calls left, at least ${least} of them and at
 * most ${most}; and it goes on from there. NULL, or what is wrong. */
static const char *
judge(struct work *w, const char *path, unsigned int least, unsigned int most)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note parsed = {0};
    struct tlog_checkpoint cp;
    struct dt_wire_items items;
    struct dt_wire_item item;
    uint64_t last = 0, entries;
    unsigned int done = 0, cells = 0;
    bool more = false;

    addresses(w, path);
    if (dt_relay_read(w->http, w->url, w->q.address, dt_view_of(w->q.read), 0, 0, &b) != DT_OK ||
        dt_wire_items_begin(dt_buf_view(&b), &last, &items) != DT_OK ||
        dt_register_checkpoint(w->http, w->register_url, DT_CHECKPOINT_HELD, &note) != DT_OK ||
        tlog_note_parse(dt_buf_view(&note), &parsed) != DT_OK ||
        tlog_checkpoint_parse(parsed.text, &cp) != DT_OK)
        return dt_err_message();
    for (entries = cp.size; done < CALLS; done++) {
        if (is_entry(done)) {
            if (entries == 0)
                break;
            entries--;
            continue;
        }
        if (dt_wire_items_next(&items, &item, &more) != DT_OK)
            return "the queue cannot be read";
        if (!more)
            break;
        if (item.position != ++cells || item.append_id[0] != done || item.cell.p[0] != done)
            return "another cell stands there";
    }
    if (entries != 0 || cells != last)
        return "more is there than can be";
    if (done < least)
        return "what was acknowledged is gone";
    if (done > most)
        return "what was not handed in is there";
    /* The last that is there is taken again as it was, and the next one now. */
    for (unsigned int i = done > 0 ? done - 1 : 0; i < CALLS && i <= done; i++)
        if (call(w, i) != DT_OK)
            return dt_err_message();
    return NULL;
}

static void
empty(const char *folder, const char *file)
{
    static const char *const ends[] = {"", "-journal", "-wal", "-shm"};
    char name[200];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s/%s%s", folder, file, ends[i]);
        (void)unlink(name);
    }
}

static void
anywhere(void **state)
{
    bool all = getenv("DT_POWER_CUT") != NULL && strcmp(getenv("DT_POWER_CUT"), "all") == 0;
    struct work *w = dt_alloc(1, sizeof(*w));
    char folder[64], path[96];
    unsigned int least = 0, most = 0, judged = 0, journals = 0;
    const struct disk_event *e;
    struct disk_replay *r;
    uint64_t draw = seed;
    uint8_t hash[32];

    (void)state;
    assert_non_null(w);
    begin(w);
    disk_begin(w->place.dir);
    for (unsigned int i = 0; i < CALLS; i++) {
        disk_mark(BEGUN + i);
        OK(call(w, i));
        disk_mark(i);
    }
    disk_end();
    assert_true(test_folder(folder, sizeof(folder), "pulled"));
    (void)snprintf(path, sizeof(path), "%s/relay.db", folder);
    r = disk_replay_new(seed);
    for (size_t at = 0; (e = disk_replay_step(r)) != NULL; at++) {
        journals += e->kind == DISK_UNLINK;
        if (e->kind == DISK_MARK && e->at >= BEGUN)
            most = (unsigned int)(e->at - BEGUN) + 1;
        else if (e->kind == DISK_MARK)
            least = (unsigned int)e->at + 1;
        /* What was there before the first call is there for good. */
        for (int cut = 0; most > 0 && cut < DISK_CUTS; cut++) {
            const char *wrong;

            draw = draw * UINT64_C(6364136223846793005) + 1442695040888963407u;
            if (!all && (draw >> 33) % (disk_n * DISK_CUTS) >= SAMPLE)
                continue;
            empty(folder, "relay.db");
            disk_replay_cut(r, (enum disk_cut)cut, draw, folder, hash);
            if ((wrong = judge(w, path, least, most)) != NULL)
                fail_msg("DT_SEED=%llu: pulled out after call %zu of %zu (%d), way %d: %s",
                         (unsigned long long)seed, at, disk_n, (int)e->kind, cut, wrong);
            judged++;
        }
    }
    print_message("DT_SEED=%llu: %zu calls, %u states judged\n", (unsigned long long)seed, disk_n,
                  judged);
    assert_true(journals >= CALLS && judged > SAMPLE / 2);
    disk_replay_free(r);
    disk_forget();
    empty(folder, "relay.db");
    (void)rmdir(folder);
    dt_http_client_free(w->http);
    dt_http_files(NULL, NULL);
    place_end(&w->place);
    dt_free(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(anywhere)};
    const char *text = getenv("DT_SEED");

    seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
