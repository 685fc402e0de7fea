/*
 * tests/base/test_file.c - whole files, in a folder of their own.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char folder[] = "/tmp/dt-file-XXXXXX";
static char path[64];

static int
set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/f", folder);
    return 0;
}

static int
tear_down(void **state)
{
    char cmd[96];

    (void)state;
    (void)snprintf(cmd, sizeof cmd, "rm -rf '%s'", folder);
    return system(cmd);
}

static size_t
n_entries(void)
{
    DIR *d = opendir(folder);
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 2;
}

static void
write_read_replace(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(100);
    struct stat st;

    (void)state;
    assert_false(dt_file_exists(path));
    assert_int_equal(dt_file_read(path, &b), DT_ERR_NOT_FOUND);
    assert_non_null(strstr(dt_err_message(), path));
    assert_int_equal(dt_file_write(path, dt_view_str("one"), 0600), DT_OK);
    assert_int_equal(dt_file_write(path, dt_view_str("two!"), 0640), DT_OK);
    assert_int_equal(dt_file_read(path, &b), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&b), dt_view_str("two!")));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(n_entries(), 1); /* no temporary file is left */
    assert_int_equal(unlink(path), 0);
}

static void
create_never_overwrites(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(100);
    struct stat st;

    (void)state;
    assert_int_equal(dt_file_create(path, dt_view_str("key"), 0600), DT_OK);
    assert_int_equal(dt_file_create(path, dt_view_str("other"), 0600), DT_ERR_EXISTS);
    assert_int_equal(dt_file_read(path, &b), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&b), dt_view_str("key")));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(n_entries(), 1);
    assert_int_equal(unlink(path), 0);
}

static void
read_has_a_maximum(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf exact = DT_BUF_INIT(5);
    DT_CLEANUP(dt_buf_clear) struct dt_buf small = DT_BUF_INIT(4);
    DT_CLEANUP(dt_buf_clear) struct dt_buf big = DT_BUF_INIT(1 << 20);
    static uint8_t bytes[300000];

    (void)state;
    assert_int_equal(dt_file_write(path, dt_view_str("12345"), 0600), DT_OK);
    assert_int_equal(dt_file_read(path, &exact), DT_OK);
    assert_int_equal(exact.n, 5);
    assert_int_equal(dt_file_read(path, &small), DT_ERR_LIMIT);
    assert_int_equal(small.n, 0);
    memset(bytes, 'x', sizeof bytes);
    assert_int_equal(dt_file_write(path, dt_view_of(bytes), 0600), DT_OK);
    assert_int_equal(dt_file_read(path, &big), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&big), dt_view_of(bytes)));
    assert_int_equal(dt_file_read(folder, &big), DT_ERR_IO);
    assert_int_equal(big.n, 0);
    assert_int_equal(dt_file_write("/nonexistent-folder/x", dt_view_str("1"), 0600), DT_ERR_IO);
    assert_int_equal(unlink(path), 0);
}

static void
folders(void **state)
{
    char deep[96];
    struct stat st;

    (void)state;
    (void)snprintf(deep, sizeof deep, "%s/a//b/c/", folder);
    assert_int_equal(dt_dir_make(deep, 0700), DT_OK);
    assert_int_equal(dt_dir_make(deep, 0700), DT_OK);
    assert_int_equal(stat(deep, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(dt_file_write(path, dt_view_str("x"), 0600), DT_OK);
    assert_int_equal(dt_dir_make(path, 0700), DT_ERR_IO);
    assert_int_equal(dt_dir_make("", 0700), DT_ERR_IO);
}

static void
lines_from_a_descriptor(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(6);
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "one\n\ntwo\r\nlast\ntoo long\n", 24), 24);
    close(fds[1]);
    assert_int_equal(dt_fd_read_line(fds[0], &b), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&b), dt_view_str("one")));
    assert_int_equal(dt_fd_read_line(fds[0], &b), DT_OK);
    assert_int_equal(b.n, 0);
    assert_int_equal(dt_fd_read_line(fds[0], &b), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&b), dt_view_str("two\r")));
    assert_int_equal(dt_fd_read_line(fds[0], &b), DT_OK);
    assert_int_equal(dt_fd_read_line(fds[0], &b), DT_ERR_LIMIT);
    assert_int_equal(b.n, 0);
    close(fds[0]);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "end", 3), 3);
    close(fds[1]);
    assert_int_equal(dt_fd_read_line(fds[0], &b), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&b), dt_view_str("end")));
    assert_int_equal(dt_fd_read_line(fds[0], &b), DT_ERR_NOT_FOUND);
    close(fds[0]);
}

/* A file of its own for each content, and one for the same. */
static void
kept_beside_others(void **state)
{
    static const struct {
        const char *text, *name;
        bool fresh;
    } row[] = {{"one", "k.txt", true},  {"one", "k.txt", false},    {"two", "k-2.txt", true},
               {"on", "k-3.txt", true}, {"", "k-4.txt", true},      {"two", "k-2.txt", false},
               {"", "k-4.txt", false},  {"oneone", "k-5.txt", true}};
    char at[64], want[64];
    bool fresh = false;

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        (void)snprintf(at, sizeof at, "%s/k.txt", folder);
        (void)snprintf(want, sizeof want, "%s/%s", folder, row[i].name);
        assert_int_equal(dt_file_keep(at, sizeof at, dt_view_str(row[i].text), 0600, &fresh),
                         DT_OK);
        assert_string_equal(at, want);
        assert_int_equal(fresh, row[i].fresh);
    }
    /* No dot but in the folder's name; and no room for a longer name. */
    (void)snprintf(at, sizeof at, "%s/d.d", folder);
    assert_int_equal(mkdir(at, 0700), 0);
    (void)snprintf(at, sizeof at, "%s/d.d/k", folder);
    assert_int_equal(dt_file_keep(at, sizeof at, dt_view_str("1"), 0600, &fresh), DT_OK);
    assert_int_equal(dt_file_keep(at, strlen(at) + 1, dt_view_str("2"), 0600, &fresh),
                     DT_ERR_LIMIT);
    (void)snprintf(at, sizeof at, "%s/d.d/k", folder);
    assert_int_equal(dt_file_keep(at, sizeof at, dt_view_str("2"), 0600, &fresh), DT_OK);
    (void)snprintf(want, sizeof want, "%s/d.d/k-2", folder);
    assert_string_equal(at, want);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_read_replace),      cmocka_unit_test(create_never_overwrites),
        cmocka_unit_test(read_has_a_maximum),      cmocka_unit_test(folders),
        cmocka_unit_test(lines_from_a_descriptor), cmocka_unit_test(kept_beside_others),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
