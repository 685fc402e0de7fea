/*
 * tests/console/test_guard.c - who asks: Host, Origin, Sec-Fetch-Site.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "console/guard.h"

#define HERE  "127.0.0.1:40213"
#define LOCAL "localhost:40213"

static struct dt_view
header(const char *text)
{
    return text != NULL ? dt_view_str(text) : dt_view(NULL, 0);
}

static unsigned int
ask(const char *host, const char *origin, const char *site)
{
    const struct dt_console_asker asker = {
        .host = header(host), .origin = header(origin), .fetch_site = header(site)};
    const char *why = "";
    const unsigned int status = dt_console_guard(&asker, HERE, LOCAL, &why);

    assert_true((status == 0) == (why[0] == '\0'));
    return status;
}

static void
our_own_page_may(void **state)
{
    (void)state;
    assert_int_equal(ask(HERE, NULL, NULL), 0); /* no browser: the token decides */
    assert_int_equal(ask(LOCAL, NULL, NULL), 0);
    assert_int_equal(ask(HERE, "http://" HERE, "same-origin"), 0);
    assert_int_equal(ask(LOCAL, "http://" LOCAL, "same-origin"), 0);
    assert_int_equal(ask(HERE, NULL, "none"), 0); /* typed */
}

static void
no_other_name(void **state)
{
    static const char *const hosts[] = {"rebind.example:40213",
                                        "127.0.0.1",
                                        "127.0.0.1:80",
                                        "127.0.0.1:402130",
                                        "127.0.0.2:40213",
                                        "LOCALHOST:40213",
                                        "localhost.:40213",
                                        "[::1]:40213",
                                        "",
                                        " 127.0.0.1:40213",
                                        "127.0.0.1:40213.evil.example"};

    (void)state;
    assert_int_equal(ask(NULL, NULL, NULL), 421);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        assert_int_equal(ask(hosts[i], NULL, "none"), 421);
}

static void
no_other_origin(void **state)
{
    static const char *const origins[] = {"null",
                                          "",
                                          "http://evil.example",
                                          "https://" HERE,
                                          "http://" LOCAL, /* another origin than the one asked */
                                          "http://" HERE "/",
                                          "http://" HERE ".evil.example",
                                          "http://127.0.0.1:8080",
                                          "file://"};

    (void)state;
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++)
        assert_int_equal(ask(HERE, origins[i], NULL), 403);
}

static void
no_other_site(void **state)
{
    (void)state;
    assert_int_equal(ask(HERE, NULL, "cross-site"), 403);
    assert_int_equal(ask(HERE, NULL, "same-site"), 403); /* another port of this machine */
    assert_int_equal(ask(HERE, NULL, ""), 403);
    assert_int_equal(ask(HERE, NULL, "Same-Origin"), 403);
}

/* The page itself, in a window of its own, may be led to; not in a frame, and nothing else. */
static void
led_to_the_page(void **state)
{
    struct dt_console_asker asker = {.host = header(HERE),
                                     .fetch_site = header("cross-site"),
                                     .fetch_mode = header("navigate"),
                                     .fetch_dest = header("document"),
                                     .page = true};
    const char *why = "";

    (void)state;
    assert_int_equal(dt_console_guard(&asker, HERE, LOCAL, &why), 0);
    asker.fetch_dest = header("iframe");
    assert_int_equal(dt_console_guard(&asker, HERE, LOCAL, &why), 403);
    asker.fetch_dest = header("document");
    asker.fetch_mode = header("no-cors");
    assert_int_equal(dt_console_guard(&asker, HERE, LOCAL, &why), 403);
    asker.fetch_mode = header("navigate");
    asker.origin = header("null");
    assert_int_equal(dt_console_guard(&asker, HERE, LOCAL, &why), 403);
    asker.origin = header(NULL);
    asker.page = false;
    assert_int_equal(dt_console_guard(&asker, HERE, LOCAL, &why), 403);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_page_may), cmocka_unit_test(no_other_name),
        cmocka_unit_test(no_other_origin), cmocka_unit_test(no_other_site),
        cmocka_unit_test(led_to_the_page)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
