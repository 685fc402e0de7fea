/* The kill shim kills at the n-th call and at no other, in our own calls and in those that SQLite
 * makes. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static int
make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s", "/tmp/dt-killshim-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static void
file_in(char out[128], const char *name)
{
    (void)snprintf(out, 128, "%s/%s", folder, name);
}

static int
remove_folder(void **state)
{
    static const char *const names[] = {"file", "file-wal", "file-shm", "count", "out", "place"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        file_in(path, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

/* Runs the child under the shim; returns its wait status. Standard output goes to the file `out`,
 * and what the shim says of a kill to `place`. */
static int
run_child_how(const char *kind, const char *n, const char *kill_at, const char *how,
              const char *program)
{
    const char *shim = getenv("DT_KILLSHIM");
    const char *child = getenv("DT_KILLSHIM_CHILD");
    char path[128], count[128], out[128], place[128];
    int status = -1;
    pid_t pid;

    assert_non_null(shim);
    assert_non_null(child);
    file_in(path, "file");
    file_in(count, "count");
    file_in(out, "out");
    file_in(place, "place");
    (void)unlink(place);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
            _exit(126);
        (void)setenv("LD_PRELOAD", shim, 1);
        (void)setenv("DT_KILL_AT", kill_at, 1);
        (void)setenv("DT_KILL_HOW", how, 1);
        (void)setenv("DT_KILL_COUNT_FILE", count, 1);
        (void)setenv("DT_KILL_PLACE_FILE", place, 1);
        if (program != NULL)
            (void)setenv("DT_KILL_PROGRAM", program, 1);
        (void)execl(child, child, kind, path, n, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int
run_child(const char *kind, const char *n, const char *kill_at, const char *program)
{
    return run_child_how(kind, n, kill_at, "before", program);
}

static long
size_of(const char *name)
{
    char path[128];
    struct stat st;

    file_in(path, name);
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

/* The first line of a file, which is then removed; false when it is not there. */
static bool
first_line(const char *name, char out[128])
{
    char path[128];
    FILE *f;

    out[0] = '\0';
    file_in(path, name);
    f = fopen(path, "r");
    if (f == NULL)
        return false;
    if (fgets(out, 128, f) == NULL)
        out[0] = '\0';
    (void)fclose(f);
    (void)unlink(path);
    return true;
}

static long
counted(void)
{
    char line[128];

    return first_line("count", line) ? strtol(line, NULL, 10) : -1;
}

static void
forget_file(void)
{
    static const char *const names[] = {"file", "file-wal", "file-shm"};
    char path[128];

    for (size_t i = 0; i < 3; i++) {
        file_in(path, names[i]);
        (void)unlink(path);
    }
}

static void
test_counts_without_killing(void **state)
{
    (void)state;
    int status = run_child("lines", "7", "0", NULL);

    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(counted(), 14); /* a write and a sync each */
    assert_int_equal(size_of("file"), 35);
}

static void
test_kills_before_each_call(void **state)
{
    (void)state;
    for (int n = 1; n <= 14; n++) {
        char at[16];
        int status;

        forget_file();
        (void)snprintf(at, sizeof at, "%d", n);
        status = run_child("lines", "7", at, NULL);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(counted(), -1);
        /* Call n is write number (n + 1) / 2 or the sync after it; it was not made. */
        assert_int_equal(size_of("file"), 5 * (n / 2));
    }
}

/* Half of a call's bytes, and all of them. */
static void
test_kills_within_and_after_each_call(void **state)
{
    (void)state;
    for (int n = 1; n <= 14; n++) {
        char at[16];
        int status;

        forget_file();
        (void)snprintf(at, sizeof at, "%d", n);
        status = run_child_how("lines", "7", at, "half", NULL);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(size_of("file"), 5 * (n / 2) + (n % 2 == 1 ? 2 : 0));
        forget_file();
        status = run_child_how("lines", "7", at, "after", NULL);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(size_of("file"), 5 * ((n + 1) / 2));
    }
}

static void
test_beyond_the_last_call_nothing(void **state)
{
    (void)state;
    int status;

    forget_file();
    status = run_child("lines", "7", "15", NULL);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(counted(), 14);
}

static void
test_other_program_is_left_alone(void **state)
{
    (void)state;
    int status;

    forget_file();
    status = run_child("lines", "7", "1", "some-other-program");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(counted(), -1);
    forget_file();
    status = run_child("lines", "7", "1", "killshim_child");
    assert_true(WIFSIGNALED(status));
}

static long
rows_in_file(void)
{
    char path[128];
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    long n = 0;

    file_in(path, "file");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        n = (long)sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return n;
}

/* SQLite's own writes and syncs are among the calls, and what it acknowledged outlives each kill.
 */
static void
test_reaches_into_sqlite(void **state)
{
    (void)state;
    long calls;
    int status;

    forget_file();
    status = run_child("sqlite", "3", "0", NULL);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    calls = counted();
    assert_true(calls >= 12);
    for (long n = 1; n <= 3 * calls; n++) {
        static const char *const hows[] = {"before", "half", "after"};
        char at[32];
        long rows;

        forget_file();
        (void)snprintf(at, sizeof at, "%ld", (n + 2) / 3);
        status = run_child_how("sqlite", "3", at, hows[n % 3], NULL);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        rows = rows_in_file();
        assert_true(rows == size_of("out") || rows == size_of("out") + 1);
    }
}

/* The shim's line about a kill: place, call and object. */
static void
assert_place(const char *kind, const char *n, int at, const char *how, const char *want)
{
    char number[16], line[128], expected[160];
    int status;

    forget_file();
    (void)snprintf(number, sizeof number, "%d", at);
    (void)snprintf(expected, sizeof expected, "%d %s %s\n", at, how, want);
    status = run_child_how(kind, n, number, how, NULL);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(first_line("place", line));
    assert_string_equal(line, expected);
}

static void
test_knows_transactions(void **state)
{
    (void)state;
    int in_wal = 0;
    long calls;

    /* Each write to the -wal but its restart is part of a transaction; nothing after the last is.
     */
    forget_file();
    assert_int_equal(run_child("sqlite", "3", "0", NULL), 0);
    calls = counted();
    for (long n = 1; n <= calls; n++) {
        char at[32], line[128];

        forget_file();
        (void)snprintf(at, sizeof at, "%ld", n);
        (void)run_child_how("sqlite", "3", at, "half", NULL);
        assert_true(first_line("place", line));
        if (strstr(line, "pwrite -wal") != NULL) {
            assert_non_null(strstr(line, " transaction "));
            in_wal++;
        }
        if (n == calls) /* closing: the -wal is gone by then, or goes */
            assert_non_null(strstr(line, " store "));
    }
    assert_true(in_wal >= 6);
    assert_place("lines", "2", 1, "before", "outside write file");
    assert_place("lines", "2", 2, "after", "outside fdatasync file");
}

static void
test_knows_requests(void **state)
{
    (void)state;
    assert_place("answer", "0", 1, "before", "request write file");
    assert_place("answer", "0", 2, "before", "request send socket");
    assert_place("answer", "0", 2, "half", "request send socket");
    assert_place("answer", "0", 2, "after", "outside send socket");
    assert_place("answer", "0", 3, "before", "outside write file");
    assert_place("answer", "1", 1, "before", "waiting write file");
    assert_place("answer", "1", 2, "after", "outside send socket");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_without_killing),
        cmocka_unit_test(test_kills_before_each_call),
        cmocka_unit_test(test_kills_within_and_after_each_call),
        cmocka_unit_test(test_beyond_the_last_call_nothing),
        cmocka_unit_test(test_other_program_is_left_alone),
        cmocka_unit_test(test_reaches_into_sqlite),
        cmocka_unit_test(test_knows_transactions),
        cmocka_unit_test(test_knows_requests),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
