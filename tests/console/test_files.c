/*
 * tests/console/test_files.c - files of pages: pieces, bounds, lending to a call, fetching once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "crypto/crypto.h"

#include "console/files.h"

static struct dt_console_files f;
static char folder[64];
static struct dt_console_call *call;

static int
begin(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/detente-files-XXXXXX");
    call = calloc(1, sizeof *call);
    return call != NULL && dt_crypto_init() == DT_OK && mkdtemp(folder) != NULL &&
                   dt_console_files_init(&f, folder) == DT_OK
               ? 0
               : -1;
}

static int
end(void **state)
{
    struct stat st;

    (void)state;
    dt_console_call_clear(call);
    free(call);
    dt_console_files_clear(&f);
    return stat(folder, &st) != 0 ? 0 : -1; /* nothing is left */
}

static enum dt_err
upload(const char *name, const char *text, size_t size, char hex[static 33])
{
    uint8_t id[DT_CONSOLE_ID];
    uint64_t have = 0;
    enum dt_err err = dt_console_upload_begin(&f, dt_view_str(name), size, id);

    if (err != DT_OK)
        return err;
    dt_hex_str(hex, dt_view_of(id));
    err = dt_console_upload_piece(&f, dt_view_str(hex), dt_view_str(text), &have);
    assert_true(err != DT_OK || have == strlen(text));
    return err;
}

static void
use(const char *json)
{
    dt_console_call_clear(call);
    assert_int_equal(dt_console_call_parse(dt_view_str(json), call), DT_OK);
}

static void
use_upload(const char *hex)
{
    char json[256];

    (void)snprintf(json, sizeof json,
                   "{\"command\":\"x\",\"options\":{\"file\":{\"upload\":\"%s\"}}}", hex);
    use(json);
}

static void
a_command_reads_it(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64);
    struct stat st;
    char hex[33];

    (void)state;
    assert_int_equal(upload("notices.csv", "one,two", 7, hex), DT_OK);
    use_upload(hex);
    assert_int_equal(dt_console_files_lend(&f, call), DT_OK);
    assert_string_equal(strrchr(call->options[0].text, '/'), "/notices.csv");
    assert_int_equal(dt_file_read(call->options[0].text, &b), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&b), dt_view_str("one,two")));
    assert_int_equal(stat(call->options[0].text, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    dt_console_files_return(&f, call);
    /* Again, as after the user's yes. */
    use_upload(hex);
    assert_int_equal(dt_console_files_lend(&f, call), DT_OK);
    dt_console_files_return(&f, call);
}

static void
pieces(void **state)
{
    uint8_t id[DT_CONSOLE_ID];
    char hex[33];
    uint64_t have = 0;

    (void)state;
    assert_int_equal(dt_console_upload_begin(&f, dt_view_str("a"), 6, id), DT_OK);
    dt_hex_str(hex, dt_view_of(id));
    assert_int_equal(dt_console_upload_piece(&f, dt_view_str(hex), dt_view_str("abc"), &have),
                     DT_OK);
    use_upload(hex);
    assert_int_equal(dt_console_files_lend(&f, call), DT_ERR_STATE); /* half of it */
    assert_int_equal(dt_console_upload_piece(&f, dt_view_str(hex), dt_view_str("defg"), &have),
                     DT_ERR_LIMIT);
    assert_int_equal(dt_console_upload_piece(&f, dt_view_str(hex), dt_view_str("def"), &have),
                     DT_OK);
    assert_int_equal(have, 6);
    assert_int_equal(dt_console_upload_piece(&f, dt_view_str(hex), dt_view_str(""), &have),
                     DT_ERR_NOT_FOUND); /* it is whole */
}

static void
bounds(void **state)
{
    uint8_t id[DT_CONSOLE_ID];
    uint64_t have = 0;

    (void)state;
    assert_int_equal(dt_console_upload_begin(&f, dt_view_str("a"), DT_CONSOLE_FILE_MAX + 1, id),
                     DT_ERR_LIMIT);
    assert_int_equal(dt_console_upload_begin(&f, dt_view_str("../a"), 1, id), DT_ERR_FORMAT);
    assert_int_equal(dt_console_upload_begin(&f, dt_view_str(""), 1, id), DT_ERR_FORMAT);
    assert_int_equal(dt_console_upload_piece(&f, dt_view_str("00112233445566778899aabbccddeeff"),
                                             dt_view_str("a"), &have),
                     DT_ERR_NOT_FOUND);
    assert_int_equal(dt_console_upload_piece(&f, dt_view_str(".."), dt_view_str("a"), &have),
                     DT_ERR_NOT_FOUND);
}

/* More than there is room for: the oldest goes, but not one that a call uses. */
static void
the_oldest_gives_way(void **state)
{
    char first[33], second[33], hex[33];

    (void)state;
    assert_int_equal(upload("first", "1", 1, first), DT_OK);
    assert_int_equal(upload("second", "2", 1, second), DT_OK);
    use_upload(first);
    assert_int_equal(dt_console_files_lend(&f, call), DT_OK);
    for (size_t i = 0; i < DT_CONSOLE_FILES; i++)
        assert_int_equal(upload("more", "m", 1, hex), DT_OK);
    assert_int_equal(access(call->options[0].text, R_OK), 0);
    dt_console_files_return(&f, call);
    use_upload(second);
    assert_int_equal(dt_console_files_lend(&f, call), DT_ERR_NOT_FOUND);
}

static void
fetched_once(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64);
    uint64_t size = 0;
    char hex[33];

    (void)state;
    use("{\"command\":\"x\",\"options\":{\"out\":{\"download\":\"proof.dtp\"},"
        "\"svg\":{\"download\":\"none.svg\"}}}");
    assert_int_equal(dt_console_files_lend(&f, call), DT_OK);
    assert_int_equal(dt_file_write(call->options[0].text, dt_view_str("proof"), 0600), DT_OK);
    dt_hex_str(hex, dt_view_of(call->options[0].id));
    assert_int_equal(dt_console_download(&f, dt_view_str(hex), &b), DT_ERR_NOT_FOUND); /* in use */
    dt_console_files_return(&f, call);
    assert_true(dt_console_file_written(&f, &call->options[0], &size));
    assert_int_equal(size, 5);
    assert_false(dt_console_file_written(&f, &call->options[1], &size));
    assert_int_equal(dt_console_download(&f, dt_view_str(hex), &b), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&b), dt_view_str("proof")));
    assert_int_equal(dt_console_download(&f, dt_view_str(hex), &b), DT_ERR_NOT_FOUND);
}

/* A page that wants a file no more: what uses it goes on, nothing else begins with it, and then it
 * is gone. */
static void
dropped(void **state)
{
    char used[33], other[33];
    uint64_t have = 0;

    (void)state;
    assert_false(dt_console_file_drop(&f, dt_view_str("00112233445566778899aabbccddeeff")));
    assert_false(dt_console_file_drop(&f, dt_view_str("no id")));
    assert_int_equal(upload("half", "1", 2, other), DT_OK);
    assert_true(dt_console_file_drop(&f, dt_view_str(other)));
    assert_int_equal(dt_console_upload_piece(&f, dt_view_str(other), dt_view_str("2"), &have),
                     DT_ERR_NOT_FOUND);
    assert_int_equal(upload("other", "1", 1, other), DT_OK);
    assert_int_equal(upload("used", "u", 1, used), DT_OK);
    use_upload(used);
    assert_int_equal(dt_console_files_lend(&f, call), DT_OK);
    dt_console_files_drop(&f);
    assert_int_equal(access(call->options[0].text, R_OK), 0);
    assert_false(dt_console_file_drop(&f, dt_view_str(other)));
    dt_console_files_return(&f, call);
    assert_int_equal(access(call->options[0].text, F_OK), -1);
    use_upload(used);
    assert_int_equal(dt_console_files_lend(&f, call), DT_ERR_NOT_FOUND);
}

/* A run that was killed: the next one removes what it left. */
static void
leftovers(void **state)
{
    struct dt_console_files again;
    char hex[33];

    (void)state;
    assert_int_equal(upload("left", "l", 1, hex), DT_OK);
    use_upload(hex);
    assert_int_equal(dt_console_files_lend(&f, call), DT_OK);
    assert_int_equal(dt_console_files_init(&again, folder), DT_OK);
    assert_int_equal(access(call->options[0].text, F_OK), -1);
    dt_console_files_return(&f, call);
    (void)pthread_mutex_destroy(&again.lock);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_command_reads_it), T(pieces),  T(bounds),   T(the_oldest_gives_way),
        T(fetched_once),       T(dropped), T(leftovers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
