/*
 * tests/record/test_charter.c - charters: one encoding, every rule on contents, signatures, the
 * derived policy.
 */
#include "fixture.h"

#include "log/policy.h"
#include "record/charter_rules.h"

static struct world w;

/* A charter that can be changed; its vkeys live in ${vkeys}. */
static void
draft(struct dt_buf *vkeys, struct dt_charter *c)
{
    dt_buf_init(vkeys, 8192);
    fill_charter(&w, vkeys, c);
}

static void
test_draft_and_sign(void **state)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf vkeys, bytes = DT_BUF_INIT(DT_CHARTER_MAX), again = DT_BUF_INIT(DT_CHARTER_MAX);
    DT_CLEANUP(dt_charter_clear) struct dt_charter got = {0}, other = {0};
    struct dt_charter c;
    uint8_t id[32];

    (void)state;
    draft(&vkeys, &c);
    ok(dt_charter_forum_id(&c, id));
    assert_memory_equal(id, w.forum, 32); /* the same for a draft */
    assert_int_equal(dt_charter_verify(&c), DT_ERR_STATE);
    assert_int_equal(dt_charter_sign(&c, seed_view(w.delegate_seed[0])), DT_ERR_NOT_FOUND);
    ok(dt_charter_sign(&c, seed_view(w.root_seed[RUSSIA])));
    ok(dt_charter_encode(&c, &bytes));
    ok(dt_charter_decode(dt_buf_view(&bytes), &got));
    assert_true(got.has_signature[RUSSIA] && !got.has_signature[US]);
    assert_int_equal(dt_charter_verify(&got), DT_ERR_STATE);
    assert_non_null(strstr(dt_err_message(), "United States"));
    ok(dt_charter_sign(&got, seed_view(w.root_seed[US])));
    draft(&again, &other); /* a copy that the mediator signed elsewhere */
    ok(dt_charter_sign(&other, seed_view(w.root_seed[MEDIATOR])));
    ok(dt_charter_merge(&got, &other));
    ok(dt_charter_verify(&got));
    other.title = str("Other contacts");
    assert_int_equal(dt_charter_merge(&got, &other), DT_ERR_CONFLICT);
}

static void
test_bits(void **state)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf bytes = DT_BUF_INIT(DT_CHARTER_MAX), again = DT_BUF_INIT(DT_CHARTER_MAX);
    struct dt_charter got = {0};

    (void)state;
    ok(dt_charter_encode(&w.charter, &bytes));
    ok(dt_charter_decode(dt_buf_view(&bytes), &got));
    ok(dt_charter_encode(&got, &again));
    assert_true(dt_view_equal(dt_buf_view(&bytes), dt_buf_view(&again)));
    dt_charter_clear(&got);
    for (size_t bit = 0; bit < bytes.n * 8; bit++) {
        bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (dt_charter_decode(dt_buf_view(&bytes), &got) == DT_OK)
            fail_msg("bit %zu changed, and accepted", bit);
        bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < bytes.n; n++)
        assert_int_not_equal(dt_charter_decode(dt_view(bytes.p, n), &got), DT_OK);
    ok(dt_buf_append(&bytes, str("x")));
    assert_int_equal(dt_charter_decode(dt_buf_view(&bytes), &got), DT_ERR_FORMAT);
}

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        draft(&vkeys, &c);                                                                         \
        change;                                                                                    \
        if (dt_charter_check(&c) == DT_OK)                                                         \
            fail_msg("accepted: %s", #change);                                                     \
        dt_buf_clear(&vkeys);                                                                      \
    } while (0)

static void
test_rules(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf vkeys;
    DT_CLEANUP(dt_buf_clear) struct dt_buf same = DT_BUF_INIT(TLOG_VKEY_MAX);
    char long_name[DT_NAME_MAX + 2];
    struct tlog_signer log_as_witness = {0};
    struct dt_charter c;

    (void)state;
    make_signer("w.example", TLOG_KEY_COSIGNATURE, 0x30,
                &log_as_witness); /* as the fixture's log */
    ok(tlog_vkey_write(&log_as_witness.vkey, &same));
    tlog_signer_clear(&log_as_witness);
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    draft(&vkeys, &c);
    ok(dt_charter_check(&c));
    dt_buf_clear(&vkeys);
    REFUSED(c.title = str(""));
    REFUSED(c.title = str("a\nb"));
    REFUSED(c.created_ms = UINT64_MAX);
    REFUSED(c.n_parties = 1);
    REFUSED(c.parties[0].kind = 0);
    REFUSED(c.parties[0].kind = 4);
    REFUSED(c.parties[0].name = str(long_name));
    REFUSED(c.parties[0].name = str("both"));
    REFUSED(c.parties[0].name = str("mediator"));
    REFUSED(c.parties[0].name = str("RUSSIA"));
    REFUSED(memcpy(c.parties[0].root, c.parties[1].root, 32));
    REFUSED(memset(c.parties[0].root, 0, 32)); /* of small order */
    REFUSED(c.n_relays = 0);
    REFUSED(c.relays[0] = str(""));
    REFUSED(c.register_origin = str("another.example"));
    REFUSED(c.register_vkey = c.witnesses[0].vkey);
    REFUSED(c.register_vkey = str("nonsense"));
    REFUSED(c.witnesses[0].vkey = c.register_vkey);
    REFUSED(c.witnesses[0].vkey = c.witnesses[1].vkey);
    REFUSED(c.witnesses[0].vkey = dt_buf_view(&same));
    REFUSED(c.witnesses[0].party = 3);
    REFUSED(c.quorum_attested = 4);
    REFUSED(c.quorum_attested = 0);
    REFUSED(c.quorum_final = 4);
    REFUSED(c.quorum_final = 1); /* less than attested */
    REFUSED(c.n_rules = 1; c.rules[0].name = str("weather"); c.rules[0].value = str("good"));
    REFUSED(c.n_rules = 1; c.rules[0].name = str("cadence"); c.rules[0].value = str(""));
    REFUSED(c.n_rules = 1; c.rules[0].name = str("cadence"); c.rules[0].value = str("4/24h"));
    REFUSED(c.n_rules = 1; c.rules[0].name = str("read_key"); c.rules[0].value = str("1"));
    REFUSED(c.n_rules = 1; c.rules[0].name = str("file_max"); c.rules[0].value = str("0"));
    REFUSED(c.n_rules = 1; c.rules[0].name = str("file_max"); c.rules[0].value = str("08"));
    REFUSED(c.n_rules = 1; c.rules[0].name = str("file_max"); c.rules[0].value = str("65"));
    REFUSED(c.n_rules = 2; c.rules[0].name = str("read_key"); c.rules[0].value = str("required");
            c.rules[1].name = str("cadence"); c.rules[1].value = str("4/1d"));
    draft(&vkeys, &c);
    assert_int_equal(dt_charter_file_max(&c), 64u << 20);
    c.n_rules = 3;
    c.rules[0].name = str("cadence");
    c.rules[1].name = str("file_max");
    c.rules[2].name = str("read_key");
    c.rules[0].value = str("4/1d");
    c.rules[1].value = str("8");
    c.rules[2].value = str("required");
    ok(dt_charter_check(&c));
    assert_int_equal(dt_charter_file_max(&c), 8u << 20);
    assert_int_equal(dt_charter_cadence(&c).k, 4);
    assert_int_equal(dt_charter_cadence(&c).period_ms, DT_MS_DAY);
}

static void
test_policy(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_POLICY_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy p = {0};
    size_t sides[8];

    (void)state;
    ok(dt_charter_policy(&w.charter, DT_POLICY_ATTESTED, &text));
    ok(tlog_policy_parse(dt_buf_view(&text), &p));
    assert_int_equal(tlog_policy_sides(&p, sides, 8), 3);
    assert_int_equal(p.nodes[p.quorum].k, 2);
    assert_true(tlog_policy_find(&p, str("g1-united-states")) != TLOG_POLICY_NO_NODE);
    assert_true(tlog_policy_find(&p, str("w3-swiss-mediation")) != TLOG_POLICY_NO_NODE);
    tlog_policy_clear(&p);
    text.n = 0;
    ok(dt_charter_policy(&w.charter, DT_POLICY_FINAL, &text));
    ok(tlog_policy_parse(dt_buf_view(&text), &p));
    assert_int_equal(p.nodes[p.quorum].k, 3);
    tlog_policy_clear(&p);
    text.n = 0;
    ok(dt_charter_policy(&w.charter, DT_POLICY_HELD, &text));
    ok(tlog_policy_parse(dt_buf_view(&text), &p));
    assert_true(p.quorum == TLOG_POLICY_NO_NODE);
}

static void
test_lookup(void **state)
{
    size_t place = 9;

    (void)state;
    ok(dt_charter_party_by_name(&w.charter, str("RUSSIA"), &place));
    assert_int_equal(place, RUSSIA);
    ok(dt_charter_party_by_id(&w.charter, w.charter.parties[MEDIATOR].root_id, &place));
    assert_int_equal(place, MEDIATOR);
    assert_int_equal(dt_charter_party_by_name(&w.charter, str("Rus"), &place), DT_ERR_NOT_FOUND);
    assert_int_equal(dt_charter_party_by_id(&w.charter, w.forum, &place), DT_ERR_NOT_FOUND);
    assert_int_equal(place, MEDIATOR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draft_and_sign), cmocka_unit_test(test_bits),
        cmocka_unit_test(test_rules),          cmocka_unit_test(test_policy),
        cmocka_unit_test(test_lookup),
    };
    int failed;

    world_init(&w);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_clear(&w);
    return failed;
}
