/*
 * tests/net/test_server_address.c - what one address may have of a server: IPv4 in both its
 * clothes, networks of IPv6, and a flood of addresses that does not fill the memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "net/server_address.h"

/* An address in words, as accept() gives it; it lives until the next call but one. */
static const struct sockaddr *
from(const char *text)
{
    static struct sockaddr_storage at[2];
    static size_t n;
    struct sockaddr_storage *s = &at[n++ % 2];
    struct sockaddr_in *in = (void *)s;
    struct sockaddr_in6 *in6 = (void *)s;

    memset(s, 0, sizeof(*s));
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
        in6->sin6_family = AF_INET6;
    }
    return (const void *)s;
}

static const char *
text_of(const char *text)
{
    static char out[DT_ADDRESS_TEXT];

    dt_address_text(from(text), out);
    return out;
}

static void
which_are_one(void **state)
{
    static const struct {
        const char *one, *other;
        bool same;
    } pairs[] = {
        {"192.0.2.1", "192.0.2.1", true},          {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},   {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"2001:db8::1", "2001:db8::ffff:1", true}, {"2001:db8::1", "2001:db8:0:1::1", false},
        {"192.0.2.1", "c000:201::", false}};

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct dt_addresses a = {.most = 1};
        struct dt_peer *one, *other;

        assert_int_equal(dt_addresses_ask(&a, from(pairs[i].one), 1), DT_ADDRESS_WELCOME);
        one = dt_addresses_begin(&a, from(pairs[i].one), 1);
        assert_non_null(one);
        assert_int_equal(dt_addresses_ask(&a, from(pairs[i].other), 1),
                         pairs[i].same ? DT_ADDRESS_TOO_MANY : DT_ADDRESS_WELCOME);
        other = dt_addresses_begin(&a, from(pairs[i].other), 1);
        assert_int_equal(one == other, pairs[i].same);
        dt_addresses_end(&a, one);
        dt_addresses_end(&a, other);
        assert_int_equal(dt_addresses_ask(&a, from(pairs[i].other), 1), DT_ADDRESS_WELCOME);
        dt_addresses_clear(&a);
        assert_null(a.idle);
    }
    assert_string_equal(text_of("192.0.2.1"), "192.0.2.1");
    assert_string_equal(text_of("::ffff:192.0.2.1"), "192.0.2.1");
    assert_string_equal(text_of("2001:db8::1"), "2001:db8::1");
}

/* So many a second and four times as many at once; time gives them back, up to that. */
static void
so_many_a_second(void **state)
{
    struct dt_addresses a = {.rate = 2};
    unsigned int n = 0;

    (void)state;
    for (; dt_addresses_ask(&a, from("192.0.2.1"), 1000) == DT_ADDRESS_WELCOME; n++)
        assert_true(n < 100);
    assert_int_equal(n, 2 * DT_ADDRESSES_BURST);
    assert_int_equal(dt_addresses_ask(&a, from("192.0.2.1"), 1499), DT_ADDRESS_TOO_FAST);
    assert_int_equal(dt_addresses_ask(&a, from("192.0.2.1"), 1500), DT_ADDRESS_WELCOME);
    assert_int_equal(dt_addresses_ask(&a, from("192.0.2.1"), 1500), DT_ADDRESS_TOO_FAST);
    assert_int_equal(dt_addresses_ask(&a, from("192.0.2.2"), 1500), DT_ADDRESS_WELCOME);
    for (n = 0; dt_addresses_ask(&a, from("192.0.2.1"), 100000) == DT_ADDRESS_WELCOME; n++)
        assert_true(n < 100);
    assert_int_equal(n, 2 * DT_ADDRESSES_BURST);
    dt_addresses_clear(&a);
}

/* A hundred thousand networks come once each: what is remembered has a bound, and who has
 * connections is not forgotten. */
static void
flood_of_addresses(void **state)
{
    struct dt_addresses a = {.most = 1, .rate = 2};
    struct dt_peer *stays = dt_addresses_begin(&a, from("192.0.2.1"), 1000);
    char text[40];

    (void)state;
    assert_non_null(stays);
    for (unsigned int i = 0; i < 100000; i++) {
        (void)snprintf(text, sizeof(text), "2001:db8:%x:%x::1", i >> 16, i & 0xffff);
        assert_int_equal(dt_addresses_ask(&a, from(text), 1000), DT_ADDRESS_WELCOME);
        assert_true(a.n_idle <= DT_ADDRESSES_IDLE + 1);
    }
    assert_int_equal(a.n_idle, DT_ADDRESSES_IDLE + 1);
    assert_int_equal(dt_addresses_ask(&a, from("192.0.2.1"), 1000), DT_ADDRESS_TOO_MANY);
    /* Who may come at full speed again is forgotten as soon as anyone comes. */
    assert_int_equal(dt_addresses_ask(&a, from("192.0.2.9"), 10000), DT_ADDRESS_WELCOME);
    assert_int_equal(a.n_idle, 1);
    dt_addresses_end(&a, stays);
    dt_addresses_clear(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(which_are_one),
                                       cmocka_unit_test(so_many_a_second),
                                       cmocka_unit_test(flood_of_addresses)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
