/*
 * tests/relay/test_power_cut.c - the power goes at any call that a relay's store makes to its
 * files: whatever of what was not synced is on the disk then, the store opens, has all that was
 * acknowledged and nothing that was not handed in, and goes on. Also when the power goes again
 * after that, and when a sync failed before it.
 *
 * By default a sample of the places, drawn by DT_SEED; DT_POWER_CUT=all goes through every one of
 * the work, with every way to leave the disk, through every sync that may fail, and many second
 * cuts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"

#include "../base/folder.h"
#include "disk.h"
#include "work.h"

#define SAMPLE 120u /* states of a recording that are judged by default */

static bool all;
static uint64_t seed;

/* ---- judging what a power cut leaves ---- */

/* States that were judged, so that each is judged once. */
struct seen {
    uint8_t (*hash)[32];
    size_t n, room;
};

static bool
seen_before(struct seen *seen, const uint8_t hash[static 32], int least, int most)
{
    uint8_t key[32];

    memcpy(key, hash, 32);
    key[0] ^= (uint8_t)least;
    key[1] ^= (uint8_t)most;
    for (size_t i = 0; i < seen->n; i++)
        if (memcmp(seen->hash[i], key, 32) == 0)
            return true;
    if (seen->n == seen->room) {
        seen->room = seen->room == 0 ? 256 : 2 * seen->room;
        seen->hash = dt_realloc(seen->hash, seen->room, 32);
        assert_non_null(seen->hash);
    }
    memcpy(seen->hash[seen->n++], key, 32);
    return false;
}

static const char *const cut_names[DISK_CUTS] = {"nothing", "all", "names", "some", "torn"};

/* Where a cut is made: after event ${i}, of the recording; what a step that far may be. */
struct place_of_cut {
    size_t i;
    int least, most;
};

static void
judge(const struct work *w, const struct disk_replay *r, const struct place_of_cut *at,
      enum disk_cut cut, uint64_t draw, const char *folder, struct seen *seen)
{
    const char *wrong = NULL;
    char path[128];
    uint8_t hash[32];

    disk_replay_cut(r, cut, draw, folder, hash);
    if (seen_before(seen, hash, at->least, at->most))
        return;
    (void)snprintf(path, sizeof(path), "%s/relay.db", folder);
    (void)work_judge(w, path, at->least, at->most, &wrong);
    if (wrong == NULL)
        work_judge_copy(w, path, at->least, &wrong);
    if (wrong != NULL)
        fail_msg("DT_SEED=%llu: the power goes after call %zu of %zu (%d), %s of what was not "
                 "synced is there (%llu); steps %d to %d: %s",
                 (unsigned long long)seed, at->i, disk_n, (int)disk_events[at->i].kind,
                 cut_names[cut], (unsigned long long)draw, at->least, at->most, wrong);
}

/* Go through what was written down, from step ${from} on, and cut, about ${sample} times. How many
 * states were judged. */
static size_t
judge_all(const struct work *w, int from, size_t sample)
{
    struct disk_replay *r = disk_replay_new(seed);
    struct place_of_cut at = {.least = from, .most = from};
    struct seen seen = {0};
    char folder[64];
    const struct disk_event *e;
    bool begun = false; /* what was there before the recording is there for good */
    uint64_t draw = seed;

    assert_true(test_folder(folder, sizeof(folder), "cut"));
    for (; (e = disk_replay_step(r)) != NULL; at.i++) {
        if (e->kind == DISK_MARK && e->at >= WORK_BEGUN) {
            begun = true;
            at.most = (int)(e->at - WORK_BEGUN);
        } else if (e->kind == DISK_MARK) {
            at.least = (int)e->at;
        }
        for (int cut = 0; begun && cut < DISK_CUTS; cut++) {
            int times = all && cut >= DISK_SOME ? 3 : 1;

            while (times-- > 0) {
                draw = draw * UINT64_C(6364136223846793005) + 1442695040888963407u;
                if ((draw >> 33) % (disk_n * DISK_CUTS) < sample)
                    judge(w, r, &at, (enum disk_cut)cut, draw, folder, &seen);
            }
        }
    }
    disk_replay_free(r);
    fixture_remove_dir(folder);
    dt_free(seen.hash);
    return seen.n;
}

static void
anywhere(void **state)
{
    struct work *w = dt_alloc(1, sizeof(*w));
    size_t n;

    (void)state;
    assert_non_null(w);
    work_begin(w);
    disk_begin(w->place.dir);
    assert_int_equal(work_all(w, NULL), 0);
    assert_true(w->n_moves > 4 && w->n_part_moves > 1);
    assert_true(w->n_expired > 20 && w->n_forgotten > 5);
    dt_relay_store_close(w->s);
    w->s = NULL;
    disk_end();
    n = judge_all(w, -1, all ? SIZE_MAX : SAMPLE);
    print_message("DT_SEED=%llu: %zu calls, %zu states judged\n", (unsigned long long)seed, disk_n,
                  n);
    assert_true(disk_n > 500 && n > SAMPLE / 3);
    work_end(w);
    disk_forget();
    dt_free(w);
}

/* ---- the power goes twice ---- */

/* Only what was taken up to ${step} was taken. */
static void
rewind_to(struct work *w, int step)
{
    w->done = (unsigned int)(step + 1);
    for (unsigned int q = 0; q < WORK_QUEUES; q++)
        while (w->n_cells[q] > 0 && w->cells[q][w->n_cells[q] - 1].step >= w->done)
            w->n_cells[q]--;
}

/* At event ${i} the power goes for the first time; the work goes on from what is left. */
static size_t
twice_at(size_t i, enum disk_cut cut, const struct work *first)
{
    struct work *w = dt_alloc(1, sizeof(*w));
    struct disk_replay *r = disk_replay_new(seed);
    char folder[64], copy[64], path[96];
    char name[FIXTURE_STORE];
    const char *wrong = NULL;
    uint8_t hash[32];
    int least = -1, most = -1, step;
    size_t n;

    assert_non_null(w);
    assert_true(test_folder(folder, sizeof(folder), "twice"));
    assert_true(test_folder(copy, sizeof(copy), "twice"));
    *w = *first;
    for (size_t k = 0; k <= i; k++) {
        const struct disk_event *e = disk_replay_step(r);

        if (e->kind == DISK_MARK && e->at >= WORK_BEGUN)
            most = (int)(e->at - WORK_BEGUN);
        else if (e->kind == DISK_MARK)
            least = (int)e->at;
    }
    disk_replay_cut(r, cut, seed, copy, hash);
    disk_replay_cut(r, cut, seed, folder, hash);
    disk_replay_free(r);
    (void)snprintf(path, sizeof(path), "%s/relay.db", copy);
    step = work_judge(w, path, least, most, &wrong);
    assert_null(wrong);
    work_judge_copy(w, path, least, &wrong);
    assert_null(wrong);
    /* What the store shows is the same before the backup and after it. */
    work_copy_path(path, name);
    if (step == WORK_BACKUP && !dt_file_exists(name))
        step--;
    fixture_remove_dir(copy);

    (void)snprintf(w->place.path, sizeof(w->place.path), "%s/relay.db", folder);
    rewind_to(w, step);
    disk_begin(folder);
    assert_int_equal(work_all(w, NULL), 0);
    dt_relay_store_close(w->s);
    w->s = NULL;
    disk_end();
    n = judge_all(w, step, all ? 1000 : SAMPLE / 4);
    fixture_remove_dir(folder);
    disk_forget();
    dt_free(w);
    return n;
}

static void
again(void **state)
{
    size_t states = 0, tries = all ? 24 : 2;

    (void)state;
    for (size_t t = 0; t < tries; t++) {
        struct work *w = dt_alloc(1, sizeof(*w));

        assert_non_null(w);
        work_begin(w);
        disk_begin(w->place.dir);
        assert_int_equal(work_all(w, NULL), 0);
        dt_relay_store_close(w->s);
        w->s = NULL;
        disk_end();
        /* Past the making of the store, which anywhere() goes through. */
        states += twice_at(disk_n / 4 + (size_t)(seed * 31 + t * 7919) % (disk_n / 2),
                           t % 2 == 0 ? DISK_SOME : DISK_ALL, w);
        work_end(w);
        dt_free(w);
    }
    print_message("%zu states judged after a second cut\n", states);
    assert_true(states > 10);
}

/* ---- a sync fails, and the power goes later ---- */

/*
 * Linux reports a failed write-back once, to one fdatasync, and takes the pages for written: the
 * next one succeeds. Whoever believes it has acknowledged what is not on the disk.
 */
static void
failed_sync(void **state)
{
    unsigned int syncs = 0, tried = 0, moves = 0;
    size_t states = 0;

    (void)state;
    for (unsigned int n = 0; n <= syncs; n += n == 0 || all ? 1 : syncs / 8 + n % 2) {
        struct work *w = dt_alloc(1, sizeof(*w));
        unsigned int refused;

        assert_non_null(w);
        work_begin(w);
        disk_begin(w->place.dir);
        disk_fail(DISK_SYNCS, n, EIO, false);
        refused = work_all(w, NULL);
        dt_relay_store_close(w->s);
        w->s = NULL;
        disk_end();
        if (n == 0) {
            syncs = disk_calls();
            n = all ? 0 : (unsigned int)(seed % (syncs / 8)); /* where the first one fails */
        } else {
            tried += disk_failed();
            moves += w->n_unsynced;
        }
        assert_true(refused <= 1);
        disk_fail(DISK_NO_CALL, 0, 0, false);
        states += judge_all(w, -1, all ? 400 : SAMPLE / 8);
        work_end(w);
        disk_forget();
        dt_free(w);
    }
    print_message("%u of %u syncs failed, %u of them after a move, %zu states judged\n", tried,
                  syncs, moves, states);
    assert_true(tried > 3 && states > 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(anywhere), cmocka_unit_test(again),
                                       cmocka_unit_test(failed_sync)};
    const char *given = getenv("DT_SEED"), *how = getenv("DT_POWER_CUT");

    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) % 100000;
    all = how != NULL && strcmp(how, "all") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
