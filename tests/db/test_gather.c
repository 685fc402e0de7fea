/*
 * tests/db/test_gather.c - a commit's pages reach the disk in few calls, all of them or none.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "db/db.h"

#include "../base/folder.h"
#include "small_db.h"

static char folder[64];
static char path[96];

/* ---- the system's write, counted and made to fail ---- */

typedef ssize_t (*write_fn)(int fd, const void *bytes, size_t n, off64_t at);

static write_fn real_write;
static unsigned int writes, fail_at; /* to a -wal; which of them fails, 0: none */
static uint64_t bytes_written;
static unsigned int ahead; /* writes of nothing but zeros, which are not counted above */
static bool ahead_fails;

static bool
is_zero(const uint8_t *p, size_t n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n == 0;
}

static ssize_t
counted_write(int fd, const void *bytes, size_t n, off64_t at)
{
    char link[40], name[256] = "";
    ssize_t len;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, name, sizeof name - 1);
    if (len < 4 || memcmp(name + len - 4, "-wal", 4) != 0)
        return real_write(fd, bytes, n, at);
    if (is_zero(bytes, n)) {
        ahead++;
        if (!ahead_fails)
            return real_write(fd, bytes, n, at);
        /* There is room for the half of it. */
        assert_int_equal(real_write(fd, bytes, n / 2, at), n / 2);
        errno = ENOSPC;
        return -1;
    }
    if (++writes == fail_at) {
        errno = ENOSPC;
        return -1;
    }
    bytes_written += n;
    return real_write(fd, bytes, n, at);
}

static struct dt_db *
opened(void)
{
    return small_db_open(path, "CREATE TABLE item(id INTEGER PRIMARY KEY, content BLOB NOT NULL)");
}

/* Now that db has put its own in SQLite's table of calls. */
static void
watch_writes(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    if (real_write == NULL) {
        real_write = (write_fn)vfs->xGetSystemCall(vfs, "pwrite64");
        assert_non_null(real_write);
        assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)counted_write),
                         SQLITE_OK);
    }
    writes = fail_at = ahead = 0;
    ahead_fails = false;
    bytes_written = 0;
}

/* ${n} rows, two to a page. */
static enum dt_err
put_rows(struct dt_db *db, unsigned int n)
{
    enum dt_err err = DT_OK;

    for (unsigned int i = 0; err == DT_OK && i < n; i++)
        err = dt_db_exec(db, "INSERT INTO item(content) VALUES (randomblob(1500))");
    return err;
}

static int
new_path(void **state)
{
    static unsigned int n_files;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/g%u.db", folder, n_files++);
    return 0;
}

/* ---- tests ---- */

static void
a_commit_in_few_writes(void **state)
{
    struct dt_db *db = opened(), *other = opened();
    struct dt_tx tx = {0};

    (void)state;
    watch_writes();
    assert_int_equal(dt_tx_begin(db, &tx), DT_OK);
    assert_int_equal(put_rows(db, 200), DT_OK);
    assert_int_equal(writes, 0);
    assert_int_equal(dt_tx_commit(&tx), DT_OK);
    assert_true(bytes_written > 100 * UINT64_C(4096));
    assert_true(writes >= 1 && writes <= bytes_written / (100 << 10) + 2);
    assert_int_equal(small_db_number(other, "SELECT count(*) FROM item"), 200);
    dt_db_close(other);
    dt_db_close(db);
}

/* What does not fit into memory is written before the commit, read back, and not seen by others. */
static void
read_back_before_the_commit(void **state)
{
    struct dt_db *db = opened(), *other = opened();
    struct dt_tx tx = {0};

    (void)state;
    watch_writes();
    assert_int_equal(dt_db_exec(db, "PRAGMA cache_size=5"), DT_OK);
    assert_int_equal(dt_tx_begin(db, &tx), DT_OK);
    assert_int_equal(put_rows(db, 500), DT_OK);
    assert_true(writes > 0);
    assert_int_equal(small_db_number(db, "SELECT sum(length(content)) FROM item"), 500 * 1500);
    assert_int_equal(dt_db_exec(db, "UPDATE item SET content = randomblob(1400)"), DT_OK);
    assert_int_equal(small_db_number(db, "SELECT sum(length(content)) FROM item"), 500 * 1400);
    assert_int_equal(small_db_number(other, "SELECT count(*) FROM item"), 0);
    assert_int_equal(dt_tx_commit(&tx), DT_OK);
    assert_int_equal(small_db_number(other, "SELECT sum(length(content)) FROM item"), 500 * 1400);
    assert_int_equal(dt_db_check(other), DT_OK);
    dt_db_close(other);
    dt_db_close(db);
}

/*
 * A write fails somewhere, and whoever uses the database goes on in the transaction as if nothing
 * were: it does not come to a commit, what was there is there, and the next transaction is whole.
 */
static void
a_write_fails(void **state)
{
    struct dt_db *db = opened();
    unsigned int failed = 0;

    (void)state;
    watch_writes();
    assert_int_equal(dt_db_exec(db, "PRAGMA cache_size=5"), DT_OK);
    assert_int_equal(put_rows(db, 10), DT_OK);
    for (unsigned int n = 1; n < 400; n += n < 20 ? 1 : 17) {
        uint64_t before = small_db_number(db, "SELECT count(*) FROM item");
        struct dt_tx tx = {0};
        unsigned int stored = 0;
        struct dt_db *other;

        assert_int_equal(dt_tx_begin(db, &tx), DT_OK);
        writes = 0;
        fail_at = n;
        for (unsigned int i = 0; i < 150 && dt_db_in_tx(db); i++)
            stored += put_rows(db, 1) == DT_OK;
        if (dt_tx_commit(&tx) == DT_OK) {
            assert_true(writes < n);
            assert_int_equal(stored, 150);
            before += 150;
        } else {
            failed++;
        }
        fail_at = 0;
        dt_tx_end(&tx);
        assert_int_equal(small_db_number(db, "SELECT count(*) FROM item"), before);
        assert_int_equal(dt_tx_begin(db, &tx), DT_OK);
        assert_int_equal(put_rows(db, 3), DT_OK);
        assert_int_equal(dt_tx_commit(&tx), DT_OK);
        other = opened();
        assert_int_equal(small_db_number(other, "SELECT count(*) FROM item"), before + 3);
        assert_int_equal(dt_db_check(other), DT_OK);
        dt_db_close(other);
    }
    assert_true(failed > 5);
    dt_db_close(db);
}

static off_t
wal_size(const char *of)
{
    char name[128];
    struct stat st;

    (void)snprintf(name, sizeof name, "%s-wal", of);
    assert_int_equal(stat(name, &st), 0);
    return st.st_size;
}

/* Most commits find the -wal as long as it has to be; what lies behind the last page in it is none:
 * a copy of the two files, which is what a power cut leaves, has all rows and no more. */
static void
grows_in_steps(void **state)
{
    struct dt_db *db = opened(), *other;
    unsigned int steps = 0;
    char command[480];
    off_t size = 0;

    (void)state;
    watch_writes();
    for (unsigned int i = 0; i < 200; i++) {
        assert_int_equal(put_rows(db, 1), DT_OK);
        steps += wal_size(path) != size;
        size = wal_size(path);
        assert_true(size <= (off_t)(bytes_written * 2 + (64 << 10)));
    }
    assert_true(steps > 2 && steps < 12);
    (void)snprintf(command, sizeof command, "cp '%s' '%s.cut' && cp '%s-wal' '%s.cut-wal'", path,
                   path, path, path);
    assert_int_equal(system(command), 0);
    dt_db_close(db);
    (void)strcat(path, ".cut");
    other = opened();
    assert_int_equal(small_db_number(other, "SELECT count(*) FROM item"), 200);
    assert_int_equal(dt_db_check(other), DT_OK);
    dt_db_close(other);
}

/* Where there is no room ahead a commit does without, and keeps nothing of what there was. */
static void
no_room_ahead(void **state)
{
    struct dt_db *db = opened();

    (void)state;
    watch_writes();
    ahead_fails = true;
    for (unsigned int i = 0; i < 50; i++)
        assert_int_equal(put_rows(db, 1), DT_OK);
    assert_int_equal(ahead, 1); /* and it is not asked for again */
    assert_true(wal_size(path) <= (off_t)bytes_written);
    assert_int_equal(small_db_number(db, "SELECT count(*) FROM item"), 50);
    dt_db_close(db);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_commit_in_few_writes, new_path),
        cmocka_unit_test_setup(read_back_before_the_commit, new_path),
        cmocka_unit_test_setup(a_write_fails, new_path),
        cmocka_unit_test_setup(grows_in_steps, new_path),
        cmocka_unit_test_setup(no_room_ahead, new_path),
    };
    char command[96];
    int failed;

    if (!test_folder(folder, sizeof folder, "gather"))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        return 1;
    return failed;
}
