/*
 * tests/relay/test_disk_calls.c - each call that a relay's store makes to its files fails once, and
 * then from it on until the disk is well again: nothing is acknowledged that is not there, the
 * refusal names the file in one line, the same connections go on when the disk is well, and in the
 * end everything is there once.
 *
 * By default a few places of each kind, drawn by DT_SEED; DT_DISK_CALLS=all goes through every one,
 * DT_DISK_CALLS=sync (or another name of a call) through every one of those alone, and
 * DT_DISK_CALLS='sync EIO' with that error alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"

#include "disk.h"
#include "work.h"

#define PLACES   1u /* of each, by default */
#define PATIENCE 3u /* refusals after which the disk is well again */

static const struct fault {
    enum disk_call what;
    const char *name;
    int number;
    bool on;   /* all after it too */
    bool full; /* the relay's answer is that its disk is full */
} faults[] = {
    {DISK_WRITES, "write", ENOSPC, false, true},
    {DISK_WRITES, "write", ENOSPC, true, true},
    {DISK_WRITES, "write", EDQUOT, true, true},
    {DISK_WRITES, "write", EIO, false, false},
    {DISK_WRITES, "write", EIO, true, false},
    {DISK_WRITES, "write", EINTR, false, false},
    {DISK_SYNCS, "sync", EIO, false, false},
    {DISK_SYNCS, "sync", EIO, true, false},
    {DISK_SYNCS, "sync", ENOSPC, true, false},
    {DISK_SYNCS, "sync", EDQUOT, false, false},
    {DISK_SYNCS, "sync", EINTR, false, false},
    {DISK_OPENS, "open", EMFILE, false, false},
    {DISK_OPENS, "open", EMFILE, true, false},
    {DISK_OPENS, "open", EIO, false, false},
    {DISK_OPENS, "open", EINTR, false, false},
    {DISK_TRUNCATES, "ftruncate", EIO, true, false},
    {DISK_TRUNCATES, "ftruncate", ENOSPC, false, false},
    {DISK_TRUNCATES, "ftruncate", EINTR, false, false},
    {DISK_NAMES, "rename or unlink", EIO, false, false},
    {DISK_NAMES, "rename or unlink", EROFS, true, false},
    {DISK_MAPS, "mmap", ENOMEM, false, false},
    {DISK_MAPS, "mmap", ENOMEM, true, false},
    {DISK_READS, "read", EIO, false, false},
    {DISK_READS, "read", EIO, true, false},
    {DISK_READS, "read", EINTR, false, false},
};

static bool all;
static const char *only; /* NULL: calls of every name */
static uint64_t seed;
static const struct fault *fault;
static unsigned int place;

/* What is said of a step that was not done. */
static void
refused(const struct work *w, enum dt_err err, unsigned int n)
{
    const char *line = dt_err_message();

    if (err != DT_ERR_IO && err != DT_ERR_NOMEM && err != DT_ERR_BUSY)
        fail_msg("%s %u, %s: step %u is refused as %s: %s", fault->name, place,
                 strerror(fault->number), w->done, dt_err_name(err), line);
    if (strlen(line) < 8 || strchr(line, '\n') != NULL ||
        (err != DT_ERR_NOMEM && strstr(line, w->place.path) == NULL))
        fail_msg("%s %u, %s: step %u says: '%s'", fault->name, place, strerror(fault->number),
                 w->done, line);
    if (fault->full && w->s != NULL && work_is_batch(w->done) && !w->told_full)
        fail_msg("%s %u, %s: step %u does not say that the disk is full: %s", fault->name, place,
                 strerror(fault->number), w->done, line);
    if (n == PATIENCE)
        disk_fail(DISK_NO_CALL, 0, 0, false);
}

/* The whole work with the ${n}-th such call failing. How many of them there are; steps refused. */
static unsigned int
run(const struct fault *f, unsigned int n, unsigned int *out_refused)
{
    struct work *w = dt_alloc(1, sizeof(*w));
    const char *wrong = NULL;
    unsigned int calls;

    assert_non_null(w);
    fault = f;
    place = n;
    work_begin(w);
    disk_begin(w->place.dir);
    disk_end(); /* nothing is written down: the calls alone count */
    disk_fail(f->what, n, f->number, f->on);
    *out_refused = work_all(w, refused);
    calls = disk_calls();
    disk_fail(DISK_NO_CALL, 0, 0, false);
    dt_relay_store_close(w->s);
    w->s = NULL;
    (void)work_judge(w, w->place.path, WORK_STEPS - 1, WORK_STEPS - 1, &wrong);
    if (wrong == NULL)
        work_judge_copy(w, w->place.path, WORK_STEPS - 1, &wrong);
    if (wrong != NULL)
        fail_msg("DT_SEED=%llu: %s %u fails, %s%s: in the end %s", (unsigned long long)seed,
                 f->name, n, strerror(f->number), f->on ? ", until it is well again" : "", wrong);
    work_end(w);
    dt_free(w);
    return calls;
}

static void
each(const struct fault *f)
{
    static unsigned int totals[DISK_READS + 1]; /* how many such calls the work makes */
    unsigned int none = 0, tried = 0, with_refusal = 0, total, step;

    if (totals[f->what] == 0)
        totals[f->what] = run(f, 0, &none);
    total = totals[f->what];
    step = all || total <= PLACES ? 1 : total / PLACES;

    assert_int_equal(none, 0);
    assert_true(total > 0);
    for (unsigned int n = 1 + (unsigned int)(seed + (uint64_t)f->number * 97) % step; n <= total;
         n += step) {
        unsigned int times = 0;

        (void)run(f, n, &times);
        /* What SQLite does with it; a sync is not taken for done, an open of our own is refused. */
        if (f->number == EINTR && f->what != DISK_SYNCS && f->what != DISK_OPENS)
            assert_int_equal(times, 0);
        if (!f->on)
            assert_true(times <= 1);
        with_refusal += times > 0;
        tried++;
    }
    print_message("%s, %s%s: %u of %u places, %u with a refusal\n", f->name, strerror(f->number),
                  f->on ? ", until it is well again" : "", tried, total, with_refusal);
}

/* Is ${f} one of those that were asked for? */
static bool
wanted(const struct fault *f)
{
    size_t n = strlen(f->name);

    if (only == NULL || strcmp(only, f->name) == 0)
        return true;
    return strncmp(only, f->name, n) == 0 && only[n] == ' ' &&
           strcmp(only + n + 1, strerrorname_np(f->number)) == 0;
}

static void
calls(void **state)
{
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (!wanted(&faults[i]))
            continue;
        each(&faults[i]);
        n++;
    }
    assert_true(n > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(calls)};
    const char *given = getenv("DT_SEED"), *how = getenv("DT_DISK_CALLS");

    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) % 100000;
    all = how != NULL;
    only = all && strcmp(how, "all") != 0 ? how : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
