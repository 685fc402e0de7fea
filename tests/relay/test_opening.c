/*
 * tests/relay/test_opening.c - a real relay process: files published beside a register, by whom,
 * how many, and that they are there after kill -9.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/limits.h"
#include "relay_fixture.h"

static struct fixture fx;

static int
start(void **state)
{
    fixture_begin(&fx, NULL);
    *state = &fx;
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fixture_finish(&fx);
    return 0;
}

/* Publish ${text} as ${party}; its name in hex into ${hex}. */
static enum dt_err
publish(size_t party, const char *text, char hex[static 65])
{
    uint8_t name[32];

    OK(dt_sha256(dt_view_str(text), name));
    dt_hex_str(hex, dt_view_of(name));
    return dt_register_publish(fx.http, fx.register_url, dt_view_of(fx.grant[party].append_key),
                               dt_view_str(text), name);
}

/* A call as given: its status. */
static unsigned int
status_of(const char *method, const char *path, struct dt_view bearer, struct dt_view body)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    struct dt_http_call call = {
        .method = method, .base = fx.register_url, .path = path, .bearer = bearer, .body = body};

    OK(dt_http_call(fx.http, &call, &a));
    return a.status;
}

static unsigned int
get_status(const char *path)
{
    return status_of("GET", path, dt_view(NULL, 0), dt_view(NULL, 0));
}

/* What is at ${path} is ${want}. */
static void
is_there(const char *path, const char *want)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);

    OK(dt_register_file(fx.http, fx.register_url, path, &b));
    assert_int_equal(b.n, strlen(want));
    assert_memory_equal(b.p, want, b.n);
}

static void
published(void **state)
{
    char one[65], two[65], path[128], index[200];

    (void)state;
    is_there("openings/index", "");
    OK(publish(0, "one", one));
    OK(publish(1, "two", two));
    OK(publish(1, "one", one)); /* again, by whomever, changes nothing */
    (void)snprintf(index, sizeof(index), "%s\n%s\n", one, two);
    is_there("openings/index", index);
    (void)snprintf(path, sizeof(path), "openings/%s.proof", one);
    is_there(path, "one");
    (void)snprintf(path, sizeof(path), "openings/%s.proof", two);
    is_there(path, "two");
    /* Acknowledged is on disk. */
    assert_int_equal(fixture_end(&fx, SIGKILL), -1);
    fixture_serve(&fx);
    is_there("openings/index", index);
    is_there(path, "two");
}

static void
refused(void **state)
{
    static uint8_t large[DT_NET_OPENING_MAX + 1];
    struct dt_view key = dt_view_of(fx.grant[0].append_key);
    uint8_t other[32] = {0};
    char hex[65], path[160];

    (void)state;
    memset(large, 'x', sizeof(large));
    OK(publish(0, "one", hex));
    assert_int_equal(status_of("POST", "/openings", dt_view(NULL, 0), dt_view_str("x")), 401);
    assert_int_equal(status_of("POST", "/openings", dt_view_of(other), dt_view_str("x")), 403);
    assert_int_equal(
        status_of("POST", "/openings", dt_view_of(fx.grant[0].queue_token), dt_view_str("x")), 403);
    assert_int_equal(status_of("POST", "/openings", key, dt_view_str("")), 400);
    assert_int_equal(status_of("POST", "/openings", key, dt_view_of(large)), 413);
    assert_int_equal(status_of("POST", "/openings", key, dt_view(large, sizeof(large) - 1)), 201);
    assert_int_equal(status_of("POST", "/openings", key, dt_view(large, sizeof(large) - 1)), 200);
    assert_int_equal(status_of("POST", "/openings/", key, dt_view_str("x")), 405);
    assert_int_equal(status_of("POST", "/openings/index", key, dt_view_str("x")), 405);
    assert_int_equal(get_status("/openings"), 404);
    assert_int_equal(get_status("/openings/"), 404);
    assert_int_equal(get_status("/openings/index/"), 404);
    assert_int_equal(get_status("/openings/index.proof"), 404);
    (void)snprintf(path, sizeof(path), "/openings/%s", hex);
    assert_int_equal(get_status(path), 404);
    (void)snprintf(path, sizeof(path), "/openings/%s.proof", hex);
    assert_int_equal(get_status(path), 200);
    path[10] = path[10] == '0' ? '1' : '0';
    assert_int_equal(get_status(path), 404);
    path[10] = 'A';
    assert_int_equal(get_status(path), 404);
}

/* A party may publish so many a day; that is its own bound, not another's. */
static void
quota(void **state)
{
    char hex[65], text[16];
    enum dt_err err = DT_OK;
    unsigned int n = 0;

    (void)state;
    for (; n <= DT_RELAY_DAILY_OPENINGS && err == DT_OK; n++) {
        (void)snprintf(text, sizeof(text), "text %u", n);
        err = publish(2, text, hex);
    }
    assert_int_equal(err, DT_ERR_BUSY);
    assert_int_equal(n, DT_RELAY_DAILY_OPENINGS + 1);
    OK(publish(2, "text 3", hex)); /* what is there costs nothing */
    OK(publish(1, "another's", hex));
    /* Nor is it one of the entries. */
    {
        uint8_t seal[32] = {7};
        uint64_t index = 9;

        OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[2].append_key), seal,
                              &index));
        assert_int_equal(index, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(published), cmocka_unit_test(refused),
                                       cmocka_unit_test(quota)};

    return cmocka_run_group_tests(tests, start, stop);
}
