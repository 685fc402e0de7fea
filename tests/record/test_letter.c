/*
 * tests/record/test_letter.c - letters of credence, their requests and revocations.
 */
#include "fixture.h"

static struct world w;

static void
test_fields(void **state)
{
    const struct dt_letter *l = &w.letter[US];
    uint8_t key[32];
    size_t party = 9;

    (void)state;
    ok(dt_ed25519_pub(seed_view(w.delegate_seed[US]), key));
    assert_memory_equal(l->key, key, 32);
    assert_memory_equal(l->party, w.charter.parties[US].root_id, 32);
    assert_memory_equal(l->forum, w.forum, 32);
    assert_true(dt_view_equal(l->name, str("A. Delegate")));
    assert_true(dt_view_equal(l->inbox_token, str("write token: never shown")));
    assert_int_equal(l->rights, DT_RIGHTS_ALL);
    ok(dt_letter_check_charter(l, &w.charter, &party));
    assert_int_equal(party, US);
    ok(dt_letter_check_time(l, WORLD_START));
    ok(dt_letter_check_time(l, WORLD_START + 365 * DAY));
    assert_int_equal(dt_letter_check_time(l, WORLD_START - 1), DT_ERR_EXPIRED);
    assert_int_equal(dt_letter_check_time(l, WORLD_START + 365 * DAY + 1), DT_ERR_EXPIRED);
}

static void
test_round_trip_and_bits(void **state)
{
    DT_CLEANUP(dt_buf_wipe)
    struct dt_buf a = DT_BUF_INIT(DT_LETTER_BYTES_MAX), b = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    struct dt_letter l = {0};

    (void)state;
    ok(dt_letter_encode(&w.letter[RUSSIA], &a));
    ok(dt_letter_decode(dt_buf_view(&a), &l));
    ok(dt_letter_encode(&l, &b));
    assert_true(dt_view_equal(dt_buf_view(&a), dt_buf_view(&b)));
    dt_letter_clear(&l);
    ok(dt_letter_copy(&w.letter[RUSSIA], &l));
    assert_memory_equal(l.hash, w.letter[RUSSIA].hash, 32);
    dt_letter_clear(&l);
    for (size_t bit = 0; bit < a.n * 8; bit++) {
        a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (dt_letter_decode(dt_buf_view(&a), &l) == DT_OK)
            fail_msg("bit %zu changed, and accepted", bit);
        a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < a.n; n++)
        assert_int_not_equal(dt_letter_decode(dt_view(a.p, n), &l), DT_OK);
}

/* What was verified once is not verified again, and nothing else passes for it. */
static void
test_known(void **state)
{
    DT_CLEANUP(dt_buf_wipe)
    struct dt_buf a = DT_BUF_INIT(DT_LETTER_BYTES_MAX), b = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    struct dt_letters_known known = {0};
    struct dt_letter l = {0};

    (void)state;
    ok(dt_letter_encode(&w.letter[RUSSIA], &a));
    a.p[a.n - 1] ^= 1; /* its signature */
    assert_int_equal(dt_letter_decode_known(dt_buf_view(&a), &known, &l), DT_ERR_AUTH);
    assert_int_equal(known.n, 0);
    a.p[a.n - 1] ^= 1;
    for (unsigned int i = 0; i < 2; i++) {
        ok(dt_letter_decode_known(dt_buf_view(&a), &known, &l));
        assert_int_equal(known.n, 1);
        assert_memory_equal(l.hash, w.letter[RUSSIA].hash, 32);
        ok(dt_letter_encode(&l, &b));
        assert_true(dt_view_equal(dt_buf_view(&a), dt_buf_view(&b)));
        dt_buf_clear(&b);
        dt_letter_clear(&l);
    }
    for (size_t bit = 0; bit < a.n * 8; bit++) {
        a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (dt_letter_decode_known(dt_buf_view(&a), &known, &l) == DT_OK)
            fail_msg("bit %zu changed, and taken for known", bit);
        a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(known.n, 1);

    /* It is what is written there that is believed. */
    a.p[a.n - 1] ^= 1;
    ok(dt_sha256(dt_buf_view(&a), known.letter[0].bytes));
    ok(dt_letter_decode_known(dt_buf_view(&a), &known, &l));
    dt_letter_clear(&l);
    a.p[a.n - 1] ^= 1;

    /* The oldest go. */
    for (unsigned int i = 0; i < DT_LETTERS_KNOWN; i++) {
        issue_letter(&w, US, DT_RIGHTS_ALL, WORLD_START, WORLD_START + DAY + i, &l);
        dt_buf_clear(&b);
        ok(dt_letter_encode(&l, &b));
        dt_letter_clear(&l);
        ok(dt_letter_decode_known(dt_buf_view(&b), &known, &l));
        dt_letter_clear(&l);
        assert_int_equal(known.n, i + 2 < DT_LETTERS_KNOWN ? i + 2 : DT_LETTERS_KNOWN);
    }
    a.p[a.n - 1] ^= 1;
    assert_int_equal(dt_letter_decode_known(dt_buf_view(&a), &known, &l), DT_ERR_AUTH);
}

/* A root of no charter signs a letter that is right in all else. */
static void
test_forged(void **state)
{
    struct world other = w;
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    uint8_t forum[32];

    (void)state;
    memset(other.root_seed[US], 0x66, 32);
    issue_letter(&other, US, DT_RIGHTS_ALL, WORLD_START, WORLD_START + DAY, &l);
    assert_int_equal(dt_letter_check_charter(&l, &w.charter, NULL), DT_ERR_AUTH);
    dt_letter_clear(&l);
    /* The right root, another forum. */
    memcpy(other.root_seed[US], w.root_seed[US], 32);
    memcpy(forum, w.forum, 32);
    other.forum[0] ^= 1;
    issue_letter(&other, US, DT_RIGHTS_ALL, WORLD_START, WORLD_START + DAY, &l);
    assert_int_equal(dt_letter_check_charter(&l, &w.charter, NULL), DT_ERR_AUTH);
    assert_non_null(strstr(dt_err_message(), "another forum"));
}

static void
test_issue_refused(void **state)
{
    struct dt_letter_request q = {.name = str("N"), .created_ms = 1};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf out = DT_BUF_INIT(DT_LETTER_BYTES_MAX);

    (void)state;
    memcpy(q.key, w.letter[US].key, 32);
    assert_int_equal(dt_letter_issue(seed_view(w.root_seed[US]), &q, 0, 1, 2, 1, &out),
                     DT_ERR_RANGE);
    assert_int_equal(dt_letter_issue(seed_view(w.root_seed[US]), &q, 0x20, 1, 2, 1, &out),
                     DT_ERR_RANGE);
    assert_int_equal(dt_letter_issue(seed_view(w.root_seed[US]), &q, 1, 2, 2, 1, &out),
                     DT_ERR_RANGE);
    assert_int_equal(dt_letter_issue(seed_view(w.root_seed[US]), &q, 1, 1, UINT64_MAX, 1, &out),
                     DT_ERR_RANGE);
    assert_int_equal(out.n, 0);
    ok(dt_letter_issue(seed_view(w.root_seed[US]), &q, 1, 1, 2, 1, &out));
}

static void
test_request(void **state)
{
    struct dt_letter_request q = {.name = str("N"), .inbox_token = str("t")}, got = {0};
    DT_CLEANUP(dt_buf_wipe)
    struct dt_buf a = DT_BUF_INIT(DT_LETTER_BYTES_MAX), b = DT_BUF_INIT(DT_LETTER_BYTES_MAX);

    (void)state;
    memcpy(q.forum, w.forum, 32);
    ok(dt_letter_request_make(&q, seed_view(w.delegate_seed[US]), &a));
    for (size_t bit = 0; bit < a.n * 8; bit++) {
        a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(dt_letter_request_decode(dt_buf_view(&a), &got), DT_OK);
        a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ok(dt_letter_request_decode(dt_buf_view(&a), &got));
    assert_true(dt_view_equal(got.name, str("N")));
    dt_letter_request_clear(&got);
    q.name = str("two\nlines");
    assert_int_equal(dt_letter_request_make(&q, seed_view(w.delegate_seed[US]), &b), DT_ERR_FORMAT);
    q.name = str("");
    assert_int_equal(dt_letter_request_make(&q, seed_view(w.delegate_seed[US]), &b), DT_ERR_FORMAT);
}

static void
test_rights(void **state)
{
    uint32_t rights = 0;
    char text[64];

    (void)state;
    ok(dt_rights_read(str("all"), &rights));
    assert_int_equal(rights, DT_RIGHTS_ALL);
    ok(dt_rights_read(str("talk, consent"), &rights));
    assert_int_equal(rights, DT_RIGHT_BIT(DT_RIGHT_TALK) | DT_RIGHT_BIT(DT_RIGHT_CONSENT));
    dt_rights_str(rights, text);
    assert_string_equal(text, "talk, consent");
    assert_int_equal(dt_rights_read(str("talk,rule"), &rights), DT_ERR_FORMAT);
    assert_int_equal(dt_rights_read(str(""), &rights), DT_ERR_FORMAT);
    assert_int_equal(dt_letter_check_rights(&w.letter[US], DT_RIGHT_BIT(DT_RIGHT_FOUND)), DT_OK);
}

static void
test_revocation(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf a = DT_BUF_INIT(1024);
    struct dt_revocation v, got;
    uint8_t seal[32], other[32];

    (void)state;
    assert_int_equal(dt_revocation_make(seed_view(w.root_seed[RUSSIA]), &w.letter[US], 5, &v),
                     DT_ERR_REFUSED);
    ok(dt_revocation_make(seed_view(w.root_seed[US]), &w.letter[US], 5, &v));
    ok(dt_revocation_encode(&v, &a));
    ok(dt_revocation_decode(dt_buf_view(&a), &got));
    ok(dt_revocation_check(&got, &w.charter, &w.letter[US]));
    assert_int_equal(dt_revocation_check(&got, &w.charter, &w.letter[RUSSIA]), DT_ERR_AUTH);
    ok(dt_revocation_seal(&got, seal));
    v.time_ms++;
    ok(dt_revocation_seal(&v, other));
    assert_memory_not_equal(seal, other, 32);
    for (size_t bit = 0; bit < a.n * 8; bit++) {
        a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(dt_revocation_decode(dt_buf_view(&a), &got), DT_OK);
        a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),        cmocka_unit_test(test_round_trip_and_bits),
        cmocka_unit_test(test_known),         cmocka_unit_test(test_forged),
        cmocka_unit_test(test_issue_refused), cmocka_unit_test(test_request),
        cmocka_unit_test(test_rights),        cmocka_unit_test(test_revocation),
    };
    int failed;

    world_init(&w);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_clear(&w);
    return failed;
}
