/*
 * tests/agent/test_warrant.c - agent/form/warrant.c: approvals, leaves, re-join requests and the
 * warrant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"
#include "crypto/crypto.h"

#include "samples.h"

#define AGAIN(name, type, decode, encode)                                                          \
    static enum dt_err name(struct dt_view bytes, struct dt_buf *out)                              \
    {                                                                                              \
        struct type x;                                                                             \
        enum dt_err err = decode(bytes, &x);                                                       \
                                                                                                   \
        return err != DT_OK ? err : encode(&x, out);                                               \
    }
#define VERIFY(name, type, decode, check)                                                          \
    static enum dt_err name(struct dt_view bytes)                                                  \
    {                                                                                              \
        struct type x;                                                                             \
        enum dt_err err = decode(bytes, &x);                                                       \
                                                                                                   \
        return err != DT_OK ? err : check(&x, sample_pub(2));                                      \
    }

AGAIN(approval_again, dt_approval, dt_approval_decode, dt_approval_encode)
AGAIN(leave_again, dt_leave, dt_leave_decode, dt_leave_encode)
AGAIN(rejoin_again, dt_rejoin, dt_rejoin_decode, dt_rejoin_encode)
AGAIN(warrant_again, dt_warrant, dt_warrant_decode, dt_warrant_encode)
VERIFY(approval_verify, dt_approval, dt_approval_decode, dt_approval_verify)
VERIFY(leave_verify, dt_leave, dt_leave_decode, dt_leave_verify)
VERIFY(rejoin_verify, dt_rejoin, dt_rejoin_decode, dt_rejoin_verify)

static void
approval_has_one_encoding_and_is_signed_whole(void **state)
{
    (void)state;
    for (int by_root = 0; by_root < 2; by_root++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8192);
        struct dt_approval a;
        struct dt_approval x;

        sample_approval(&a, by_root != 0);
        assert_int_equal(dt_approval_encode(&a, &b), DT_OK);
        codec_check(approval_again, dt_buf_view(&b));
        codec_check_signed(approval_verify, dt_buf_view(&b));
        assert_int_equal(dt_approval_decode(dt_buf_view(&b), &x), DT_OK);
        assert_int_equal(x.by_root, by_root);
        assert_int_equal(x.party, 2);
        assert_int_equal(x.epoch_from, 12);
        assert_true(dt_view_equal(x.letter, a.letter));
        assert_int_equal(dt_approval_verify(&x, sample_pub(3)), DT_ERR_AUTH);
    }
}

static void
approval_takes_letters_up_to_their_maximum(void **state)
{
    static uint8_t big[DT_LETTER_MAX + 1];
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(16384);
    struct dt_approval a;
    struct dt_approval x;

    (void)state;
    sample_approval(&a, false);
    a.letter = dt_view(big, DT_LETTER_MAX);
    assert_int_equal(dt_approval_sign(&a, sample_seed(2)), DT_OK);
    assert_int_equal(dt_approval_encode(&a, &b), DT_OK);
    assert_int_equal(dt_approval_decode(dt_buf_view(&b), &x), DT_OK);
    assert_int_equal(dt_approval_verify(&x, sample_pub(2)), DT_OK);
    a.letter = dt_view(big, DT_LETTER_MAX + 1);
    b.n = 0;
    assert_int_equal(dt_approval_encode(&a, &b), DT_OK);
    assert_int_equal(dt_approval_decode(dt_buf_view(&b), &x), DT_ERR_LIMIT);
}

static void
approval_holds_for_its_65_epochs(void **state)
{
    struct dt_approval a = {.epoch_from = 1000};

    (void)state;
    assert_false(dt_approval_holds(&a, 999));
    assert_true(dt_approval_holds(&a, 1000));
    assert_true(dt_approval_holds(&a, 1064));
    assert_false(dt_approval_holds(&a, 1065));
    assert_false(dt_approval_holds(&a, 0));
    assert_false(dt_approval_holds(&a, UINT64_MAX));
    a.epoch_from = UINT64_MAX - 3; /* no wrap */
    assert_true(dt_approval_holds(&a, UINT64_MAX));
    assert_false(dt_approval_holds(&a, 2));
}

static void
leave_and_rejoin_have_one_encoding_and_are_signed_whole(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(512);
    struct dt_leave l;
    struct dt_rejoin x;

    (void)state;
    sample_leave(&l);
    assert_int_equal(dt_leave_encode(&l, &b), DT_OK);
    assert_int_equal(b.n, 32 + 32 + 16 + 64);
    codec_check(leave_again, dt_buf_view(&b));
    codec_check_signed(leave_verify, dt_buf_view(&b));
    b.n = 0;
    sample_rejoin(&x);
    assert_int_equal(dt_rejoin_encode(&x, &b), DT_OK);
    assert_int_equal(b.n, 3 * 32 + 2 * 16 + 32 + 64);
    codec_check(rejoin_again, dt_buf_view(&b));
    codec_check_signed(rejoin_verify, dt_buf_view(&b));
}

/* The bytes of a leave, signed for something else, do nothing here. */
static void
signatures_are_bound_to_their_label(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(512);
    struct dt_leave l;

    (void)state;
    sample_leave(&l);
    assert_int_equal(dt_leave_encode(&l, &b), DT_OK);
    assert_int_equal(dt_label_sign(sample_seed(2), "rejoin", dt_view(b.p, 80), l.signature), DT_OK);
    assert_int_equal(dt_leave_verify(&l, sample_pub(2)), DT_ERR_AUTH);
    assert_int_equal(dt_label_sign(sample_seed(2), "leave", dt_view(b.p, 80), l.signature), DT_OK);
    assert_int_equal(dt_leave_verify(&l, sample_pub(2)), DT_OK);
}

static void
warrant_has_one_encoding(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf store = DT_BUF_INIT(65536);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_WARRANT_MAX);
    struct dt_warrant w;
    struct dt_warrant x;

    (void)state;
    sample_warrant(&w, &store);
    assert_int_equal(dt_warrant_encode(&w, &b), DT_OK);
    codec_check(warrant_again, dt_buf_view(&b));
    assert_int_equal(dt_warrant_decode(dt_buf_view(&b), &x), DT_OK);
    assert_int_equal(x.n_grounds, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(x.grounds[i].kind, i + 1);
        assert_memory_equal(x.grounds[i].invitation_id, w.grounds[i].invitation_id, 16);
        assert_memory_equal(x.grounds[i].letter_hash, w.grounds[i].letter_hash, 32);
        assert_true(dt_view_equal(x.grounds[i].body, w.grounds[i].body));
    }
}

/* ${n} grounds of ${kind} with bodies of ${body_len}; every invitation id its own unless ${twice}.
 */
static enum dt_err
decode_grounds(size_t n, uint8_t kind, size_t body_len, bool twice)
{
    static uint8_t body[DT_WARRANT_MAX];
    static const uint8_t zero[48];
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(4 * DT_WARRANT_MAX);
    struct dt_writer w = dt_writer_init(&b);
    struct dt_warrant x;
    size_t mark = dt_write_vec_begin(&w);

    for (size_t i = 0; i < n; i++) {
        dt_write_u8(&w, kind);
        dt_write_u8(&w, twice && i == n - 1 ? 0 : (uint8_t)i);
        dt_write_view(&w, dt_view(zero, 47));
        dt_write_vec(&w, dt_view(body, body_len));
    }
    dt_write_vec_end(&w, mark);
    assert_int_equal(dt_writer_end(&w), DT_OK);
    return dt_warrant_decode(dt_buf_view(&b), &x);
}

static void
warrant_keeps_its_rules(void **state)
{
    (void)state;
    assert_int_equal(decode_grounds(0, 5, 0, false), DT_ERR_FORMAT);
    assert_int_equal(decode_grounds(16, 5, 0, false), DT_OK);
    assert_int_equal(decode_grounds(17, 5, 0, false), DT_ERR_LIMIT);
    assert_int_equal(decode_grounds(16, 5, 0, true), DT_ERR_FORMAT);
    assert_int_equal(decode_grounds(1, 0, 0, false), DT_ERR_UNSUPPORTED);
    assert_int_equal(decode_grounds(1, 7, 0, false), DT_OK);
    assert_int_equal(decode_grounds(1, 8, 0, false), DT_ERR_UNSUPPORTED);
}

/* What a Commit may carry has to fit the history that later joiners are given. */
static void
warrant_is_at_most_what_a_history_holds(void **state)
{
    /* 4 bytes of length, then kind, two ids, 4 bytes of length. */
    const size_t around = 4 + 1 + 16 + 32 + 4;

    (void)state;
    assert_int_equal(decode_grounds(1, 1, DT_WARRANT_MAX - around, false), DT_OK);
    assert_int_equal(decode_grounds(1, 1, DT_WARRANT_MAX - around + 1, false), DT_ERR_LIMIT);
    assert_int_equal(decode_grounds(2, 1, DT_WARRANT_MAX - around, false), DT_ERR_LIMIT);
}

static void
approvals_are_walked_one_by_one(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(65536);
    struct dt_approval a;
    struct dt_approval x;
    struct dt_view rest;
    size_t at;

    (void)state;
    sample_approval(&a, true);
    assert_int_equal(dt_approvals_add(&b, &a), DT_OK);
    sample_approval(&a, false);
    assert_int_equal(dt_approvals_add(&b, &a), DT_OK);
    rest = dt_buf_view(&b);
    assert_int_equal(dt_approvals_next(&rest, &x), DT_OK);
    assert_true(x.by_root);
    assert_int_equal(dt_approval_verify(&x, sample_pub(2)), DT_OK);
    at = rest.n;
    assert_int_equal(dt_approvals_next(&rest, &x), DT_OK);
    assert_false(x.by_root);
    assert_int_equal(dt_approval_verify(&x, sample_pub(2)), DT_OK);
    assert_int_equal(dt_approvals_next(&rest, &x), DT_ERR_NOT_FOUND);
    /* Cut short, and with bytes behind the approval inside its vector. */
    rest = dt_view(b.p, b.n - 1);
    assert_int_equal(dt_approvals_next(&rest, &x), DT_OK);
    assert_int_equal(dt_approvals_next(&rest, &x), DT_ERR_FORMAT);
    assert_int_equal(rest.n, at - 1);
    assert_int_equal(dt_approvals_add(&(struct dt_buf)DT_BUF_INIT(4), &a), DT_ERR_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(approval_has_one_encoding_and_is_signed_whole),
        cmocka_unit_test(approval_takes_letters_up_to_their_maximum),
        cmocka_unit_test(approval_holds_for_its_65_epochs),
        cmocka_unit_test(leave_and_rejoin_have_one_encoding_and_are_signed_whole),
        cmocka_unit_test(signatures_are_bound_to_their_label),
        cmocka_unit_test(warrant_has_one_encoding),
        cmocka_unit_test(warrant_keeps_its_rules),
        cmocka_unit_test(warrant_is_at_most_what_a_history_holds),
        cmocka_unit_test(approvals_are_walked_one_by_one),
    };

    return dt_crypto_init() != DT_OK ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
