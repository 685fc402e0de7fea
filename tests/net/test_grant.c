/*
 * tests/net/test_grant.c - grant files: written, read back, and refused when something in them is
 * off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/grant.h"

static void
example(struct dt_grant *g)
{
    memset(g, 0, sizeof(*g));
    (void)snprintf(g->party, sizeof(g->party), "north");
    (void)snprintf(g->relay, sizeof(g->relay), "http://127.0.0.1:8080");
    memset(g->queue_token, 0xab, 32);
    memset(g->append_key, 0xcd, 32);
    (void)snprintf(g->register_id, sizeof(g->register_id), "00112233445566778899aabbccddeeff");
    (void)snprintf(g->origin, sizeof(g->origin), "register.detente/%s", g->register_id);
    (void)snprintf(g->vkey, sizeof(g->vkey), "register.detente/%.32s+01234567+AAAA",
                   g->register_id);
    (void)snprintf(g->witnesses[0].group, sizeof(g->witnesses[0].group), "north");
    (void)snprintf(g->witnesses[0].vkey, sizeof(g->witnesses[0].vkey), "w1+01234567+BBBB");
    (void)snprintf(g->witnesses[1].group, sizeof(g->witnesses[1].group), "south");
    (void)snprintf(g->witnesses[1].vkey, sizeof(g->witnesses[1].vkey), "w2+01234567+CCCC");
    g->n_witnesses = 2;
    g->quorum_attested = 2;
    g->quorum_final = 2;
    g->daily_entries = 100;
    g->queues_max = 10;
    g->queue_cells_max = 1000;
}

static void
round_trip(void **state)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_NET_GRANT_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf url = DT_BUF_INIT(1024);
    struct dt_grant g, h;

    (void)state;
    example(&g);
    memset(&h, 0, sizeof(h));
    assert_int_equal(dt_grant_write(&g, &b), DT_OK);
    assert_int_equal(dt_grant_read(dt_buf_view(&b), &h), DT_OK);
    assert_memory_equal(&g, &h, sizeof(g));
    g.has_read_key = true;
    memset(g.read_key, 0xef, 32);
    g.cadence = (struct dt_cadence){4, DT_MS_DAY};
    dt_buf_clear(&b);
    assert_int_equal(dt_grant_write(&g, &b), DT_OK);
    assert_int_equal(dt_grant_read(dt_buf_view(&b), &h), DT_OK);
    assert_memory_equal(&g, &h, sizeof(g));
    assert_int_equal(dt_grant_register_url(&g, &url), DT_OK);
    assert_true(
        dt_view_equal(dt_buf_view(&url),
                      dt_view_str("http://127.0.0.1:8080/r/00112233445566778899aabbccddeeff")));
}

/* Replace ${from} by ${to} in the example's file and expect ${want}. */
static void
refused(const char *from, const char *to, enum dt_err want)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_NET_GRANT_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf c = DT_BUF_INIT(DT_NET_GRANT_MAX);
    struct dt_grant g, h;
    const char *at;

    example(&g);
    memset(&h, 0x55, sizeof(h));
    assert_int_equal(dt_grant_write(&g, &b), DT_OK);
    assert_int_equal(dt_buf_append(&b, dt_view((const uint8_t *)"", 1)), DT_OK);
    at = strstr((const char *)b.p, from);
    assert_non_null(at);
    assert_int_equal(dt_buf_printf(&c, "%.*s%s%s", (int)(at - (const char *)b.p), (const char *)b.p,
                                   to, at + strlen(from)),
                     DT_OK);
    assert_int_equal(dt_grant_read(dt_buf_view(&c), &h), want);
    for (size_t i = 0; i < sizeof(h); i++)
        assert_int_equal(((const uint8_t *)&h)[i], 0x55);
}

static void
refusals(void **state)
{
    (void)state;
    refused("\"format\": 1", "\"format\": 2", DT_ERR_UNSUPPORTED);
    refused("\"prefix\"", "\"read_key\": \"00\", \"prefix\"", DT_ERR_FORMAT);
    refused("\"prefix\"", "\"read_key\": null, \"prefix\"", DT_ERR_FORMAT);
    refused("\"format\": 1", "\"format\": 1, \"format\": 1", DT_ERR_FORMAT);
    refused("detente-grant", "detente-letter", DT_ERR_FORMAT);
    refused("\"north\",", "\"../north\",", DT_ERR_FORMAT);
    refused("\"north\",", "\"\",", DT_ERR_LIMIT);
    refused("http://", "file://", DT_ERR_FORMAT);
    refused("8080\"", "8080/\"", DT_ERR_FORMAT);
    refused("abab", "abxx", DT_ERR_FORMAT);
    refused("abab", "ab", DT_ERR_FORMAT);
    refused("register.detente/00", "register.detente/11", DT_ERR_FORMAT);
    refused("\"attested\": 2", "\"attested\": -2", DT_ERR_FORMAT);
    refused("\"group\": \"south\"", "\"group\": 7", DT_ERR_FORMAT);
    refused("\"append_key\"", "\"append\"", DT_ERR_FORMAT);
    refused("}\n", "", DT_ERR_FORMAT);
}

static void
names(void **state)
{
    (void)state;
    assert_true(dt_grant_name_ok("north"));
    assert_true(dt_grant_name_ok("party-2"));
    assert_false(dt_grant_name_ok(""));
    assert_false(dt_grant_name_ok("-a"));
    assert_false(dt_grant_name_ok("a/b"));
    assert_false(dt_grant_name_ok(".."));
    assert_false(dt_grant_name_ok("North"));
    assert_false(
        dt_grant_name_ok("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(refusals),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
