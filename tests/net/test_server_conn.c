/*
 * tests/net/test_server_conn.c - who goes when memory is short, against the plain definition of it,
 * and what that costs with as many connections as an operator may allow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/time.h"
#include "net/limits.h"
#include "net/server_conn.h"

#define CONNECTIONS 10000u
#define HOLDERS     (DT_NET_HELD_MAX / 4 * 3 / (DT_NET_BODY_OPEN_MAX + 1)) /* of the smallest */

static struct dt_conn conns[CONNECTIONS];
static struct dt_conns list;

static void
fill(size_t n)
{
    memset(&list, 0, sizeof(list));
    memset(conns, 0, sizeof(conns));
    list.header_ms = list.idle_ms = list.transfer_ms = 10000;
    list.rate_min = DT_NET_RATE_MIN;
    for (size_t i = 0; i < n; i++) {
        conns[i].fd = -1;
        dt_conns_add(&list, &conns[i], i);
    }
}

static uint32_t seed = 1;

static uint32_t
any(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* The one that has to go, in the words of server_conn.h and no faster than they are. */
static struct dt_conn *
should_end(size_t n, const struct dt_conn *except)
{
    struct dt_conn *worst = NULL;
    size_t worst_many = 0, worst_one = 0;

    for (struct dt_conn *c = list.first; c != NULL; c = c->next) {
        size_t many = 0, one = 0;

        if (c == except || c->ended || c->held == 0 ||
            (c->phase != DT_CONN_BODY && c->phase != DT_CONN_ANSWER))
            continue;
        for (size_t i = 0; i < n; i++) {
            if (conns[i].ended || conns[i].account.many != c->account.many)
                continue;
            many += conns[i].held;
            if (conns[i].account.one == c->account.one)
                one += conns[i].held;
        }
        if (many > worst_many || (many == worst_many && one > worst_one)) {
            worst = c;
            worst_many = many;
            worst_one = one;
        }
    }
    return worst;
}

/* Whatever comes and goes before, the one that ends is the one that should. */
static void
the_right_one_ends(void **state)
{
    static const enum dt_conn_phase phases[] = {DT_CONN_HEADER, DT_CONN_BODY, DT_CONN_WORK,
                                                DT_CONN_ANSWER};
    enum { N = 24 };
    size_t ends = 0, held;
    uint64_t now = N;

    (void)state;
    fill(N);
    for (unsigned int round = 0; round < 200000; round++) {
        struct dt_conn *c = &conns[any(N)], *want;

        now += any(2);
        switch (any(6)) {
        case 0: /* closed, and another comes */
            dt_conns_remove(&list, c);
            memset(c, 0, sizeof(*c));
            c->fd = -1;
            dt_conns_add(&list, c, now);
            break;
        case 1:
            dt_conns_phase(&list, c, phases[any(4)], 1000, now);
            break;
        case 2:
            dt_conns_release(&list, c);
            break;
        case 3: /* an ended one too, and one that holds for another account */
        case 4:
            dt_conns_hold(&list, c, any(4), (struct dt_conn_account){any(3), any(3)});
            break;
        default:
            want = should_end(N, c);
            assert_int_equal(dt_conns_end_holder(&list, c), want != NULL);
            if (want == NULL)
                break;
            assert_true(want->ended);
            ends++;
        }
    }
    assert_true(ends > 5000);
    for (size_t i = held = 0; i < N; i++)
        held += conns[i].held;
    assert_int_equal(list.held, held);
    for (size_t i = 0; i < N; i++)
        dt_conns_release(&list, &conns[i]);
    assert_int_equal(list.held, 0);
    assert_int_equal(list.held_leaving, 0);
    assert_false(dt_conns_end_holder(&list, NULL));
}

/* Milliseconds for ${n} large bodies that come to a server as full as it gets, each of which makes
 * another one end; ${accounts} share what is held. */
static uint64_t
cost_ms(unsigned int n, unsigned int accounts)
{
    uint64_t began, now = CONNECTIONS;
    size_t n_ended = 0;

    fill(CONNECTIONS);
    for (size_t i = 0; i < HOLDERS; i++) {
        size_t at = i * CONNECTIONS / HOLDERS;

        dt_conns_phase(&list, &conns[at], DT_CONN_BODY, DT_NET_BODY_OPEN_MAX, now);
        dt_conns_hold(&list, &conns[at], DT_NET_BODY_OPEN_MAX + 1,
                      (struct dt_conn_account){i % accounts % 50, i % accounts});
    }
    began = dt_monotonic_ms();
    for (unsigned int i = 0; i < n; i++) {
        struct dt_conn *c = &conns[(size_t)i * CONNECTIONS / HOLDERS + 1];

        dt_conns_phase(&list, c, DT_CONN_BODY, DT_NET_BODY_OPEN_MAX, ++now);
        dt_conns_hold(&list, c, DT_NET_BODY_OPEN_MAX + 1,
                      (struct dt_conn_account){i % accounts % 50, i % accounts});
        assert_true(dt_conns_end_holder(&list, c));
    }
    began = dt_monotonic_ms() - began;
    for (size_t i = 0; i < CONNECTIONS; i++)
        n_ended += conns[i].ended;
    assert_int_equal(n_ended, n);
    return began;
}

/* One thread serves all: who hoards must not buy its time with the header of a request. */
static void
large_ones_cost_little(void **state)
{
    static const unsigned int accounts[] = {1, 50, HOLDERS};

    (void)state;
    for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++) {
        uint64_t ms = cost_ms(500, accounts[i]);

        print_message("%u accounts: 500 large bodies, %llu ms\n", accounts[i],
                      (unsigned long long)ms);
        assert_true(ms < 2000);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_one_ends),
        cmocka_unit_test(large_ones_cost_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
