/*
 * tests/agent/test_voucher.c - agent/form/voucher.c: the voucher's one encoding, its signature and
 * its life.
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

static enum dt_err
again(struct dt_view bytes, struct dt_buf *out)
{
    struct dt_voucher v;
    enum dt_err err = dt_voucher_decode(bytes, &v);

    return err != DT_OK ? err : dt_voucher_encode(&v, out);
}

static enum dt_err
verify(struct dt_view bytes)
{
    struct dt_voucher v;
    enum dt_err err = dt_voucher_decode(bytes, &v);

    return err != DT_OK ? err : dt_voucher_verify(&v, sample_pub(1));
}

static void
voucher_has_one_encoding(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_VOUCHER_MAX);
    struct dt_voucher v;
    struct dt_voucher w;

    (void)state;
    sample_voucher(&v);
    assert_int_equal(dt_voucher_encode(&v, &b), DT_OK);
    assert_int_equal(b.n, 1 + 4 * 32 + 8 + 16 + 8 + 8 + 64);
    assert_int_equal(dt_voucher_decode(dt_buf_view(&b), &w), DT_OK);
    assert_memory_equal(w.forum, v.forum, 32);
    assert_memory_equal(w.group_id, v.group_id, 32);
    assert_memory_equal(w.letter_hash, v.letter_hash, 32);
    assert_memory_equal(w.session_key, v.session_key, 32);
    assert_int_equal(w.serial, 7);
    assert_memory_equal(w.invitation_id, v.invitation_id, 16);
    assert_int_equal(w.not_before_ms, v.not_before_ms);
    assert_int_equal(w.not_after_ms, v.not_after_ms);
    codec_check(again, dt_buf_view(&b));
}

static void
voucher_signature_covers_every_field(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_VOUCHER_MAX);
    struct dt_voucher v;

    (void)state;
    sample_voucher(&v);
    assert_int_equal(dt_voucher_encode(&v, &b), DT_OK);
    codec_check_signed(verify, dt_buf_view(&b));
    assert_int_equal(dt_voucher_verify(&v, sample_pub(2)), DT_ERR_AUTH);
    assert_int_equal(dt_voucher_verify(&v, dt_view(sample_pub(1).p, 31)), DT_ERR_AUTH);
}

/* The signed bytes as the documents give them: opaque "detente 1 voucher"<V>, then the body. */
static void
voucher_signature_is_the_documented_one(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_VOUCHER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf msg = DT_BUF_INIT(DT_VOUCHER_MAX);
    static const char label[] = "\x11"
                                "detente 1 voucher";
    struct dt_voucher v;

    (void)state;
    sample_voucher(&v);
    assert_int_equal(dt_voucher_encode(&v, &b), DT_OK);
    assert_int_equal(dt_buf_append(&msg, dt_view_str(label)), DT_OK);
    assert_int_equal(dt_buf_append(&msg, dt_view(b.p, b.n - 64)), DT_OK);
    assert_int_equal(
        dt_ed25519_verify(sample_pub(1), dt_buf_view(&msg), dt_view(b.p + b.n - 64, 64)), DT_OK);
    /* The same body under another of our labels is no voucher. */
    assert_int_equal(dt_label_sign(sample_seed(1), "approval", dt_view(b.p, b.n - 64), v.signature),
                     DT_OK);
    assert_int_equal(dt_voucher_verify(&v, sample_pub(1)), DT_ERR_AUTH);
}

static void
voucher_lives_at_most_four_days(void **state)
{
    struct dt_voucher v;
    uint8_t before[64];

    (void)state;
    sample_voucher(&v);
    assert_int_equal(v.not_after_ms - v.not_before_ms, UINT64_C(345600000));
    assert_int_equal(dt_voucher_verify(&v, sample_pub(1)), DT_OK);
    memcpy(before, v.signature, sizeof before);
    v.not_after_ms++;
    assert_int_equal(dt_voucher_sign(&v, sample_seed(1)), DT_ERR_RANGE);
    assert_memory_equal(v.signature, before, sizeof before);
    assert_int_equal(dt_voucher_verify(&v, sample_pub(1)), DT_ERR_RANGE);
    v.not_after_ms = v.not_before_ms;
    assert_int_equal(dt_voucher_sign(&v, sample_seed(1)), DT_ERR_RANGE);
    v.not_after_ms = v.not_before_ms - 1;
    assert_int_equal(dt_voucher_sign(&v, sample_seed(1)), DT_ERR_RANGE);
    v.not_before_ms = UINT64_MAX - 1;
    v.not_after_ms = 5;
    assert_int_equal(dt_voucher_sign(&v, sample_seed(1)), DT_ERR_RANGE);
    v.not_before_ms = 0;
    v.not_after_ms = UINT64_MAX;
    assert_int_equal(dt_voucher_sign(&v, sample_seed(1)), DT_ERR_RANGE);
}

/* A longer life is refused even when the delegate's key did sign it. */
static void
voucher_of_a_longer_life_is_refused_with_a_good_signature(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_VOUCHER_MAX);
    struct dt_voucher v;

    (void)state;
    sample_voucher(&v);
    v.not_after_ms++;
    assert_int_equal(dt_voucher_encode(&v, &b), DT_OK);
    assert_int_equal(dt_label_sign(sample_seed(1), "voucher", dt_view(b.p, b.n - 64), v.signature),
                     DT_OK);
    assert_int_equal(dt_voucher_verify(&v, sample_pub(1)), DT_ERR_RANGE);
}

static void
voucher_validity_includes_both_ends(void **state)
{
    struct dt_voucher v;

    (void)state;
    sample_voucher(&v);
    /* A clock may be behind that of whoever vouched, by an hour. */
    assert_false(dt_voucher_valid_at(&v, v.not_before_ms - DT_CLOCK_SKEW_MS - 1));
    assert_true(dt_voucher_valid_at(&v, v.not_before_ms - DT_CLOCK_SKEW_MS));
    assert_true(dt_voucher_valid_at(&v, v.not_before_ms));
    assert_true(dt_voucher_valid_at(&v, v.not_after_ms));
    assert_false(dt_voucher_valid_at(&v, v.not_after_ms + 1));
}

static void
voucher_of_another_version_is_unsupported(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_VOUCHER_MAX);
    struct dt_voucher v;
    struct dt_voucher w;

    (void)state;
    sample_voucher(&v);
    memset(&w, 0xee, sizeof w);
    assert_int_equal(dt_voucher_encode(&v, &b), DT_OK);
    b.p[0] = 2;
    assert_int_equal(dt_voucher_decode(dt_buf_view(&b), &w), DT_ERR_UNSUPPORTED);
    assert_int_equal(w.serial, UINT64_C(0xeeeeeeeeeeeeeeee)); /* untouched */
}

static enum dt_err
credential_again(struct dt_view bytes, struct dt_buf *out)
{
    struct dt_voucher v;
    struct dt_view letter;
    enum dt_err err = dt_credential_decode(bytes, &letter, &v);

    return err != DT_OK ? err : dt_credential_encode(letter, &v, out);
}

static void
credential_has_one_encoding(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(65536);

    (void)state;
    sample_credential_bytes(&b);
    codec_check(credential_again, dt_buf_view(&b));
}

static void
credential_takes_letters_up_to_their_maximum(void **state)
{
    static uint8_t big[DT_LETTER_MAX + 1];
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(65536);
    struct dt_view letter = {NULL, 0};
    struct dt_voucher v;
    struct dt_voucher w;

    (void)state;
    sample_voucher(&v);
    assert_int_equal(dt_credential_encode(dt_view(big, DT_LETTER_MAX), &v, &b), DT_OK);
    assert_int_equal(dt_credential_decode(dt_buf_view(&b), &letter, &w), DT_OK);
    assert_int_equal(letter.n, DT_LETTER_MAX);
    b.n = 0;
    assert_int_equal(dt_credential_encode(dt_view(big, DT_LETTER_MAX + 1), &v, &b), DT_OK);
    letter = dt_view(NULL, 0);
    assert_int_equal(dt_credential_decode(dt_buf_view(&b), &letter, &w), DT_ERR_LIMIT);
    assert_null(letter.p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(voucher_has_one_encoding),
        cmocka_unit_test(voucher_signature_covers_every_field),
        cmocka_unit_test(voucher_signature_is_the_documented_one),
        cmocka_unit_test(voucher_lives_at_most_four_days),
        cmocka_unit_test(voucher_of_a_longer_life_is_refused_with_a_good_signature),
        cmocka_unit_test(voucher_validity_includes_both_ends),
        cmocka_unit_test(voucher_of_another_version_is_unsupported),
        cmocka_unit_test(credential_has_one_encoding),
        cmocka_unit_test(credential_takes_letters_up_to_their_maximum),
    };

    return dt_crypto_init() != DT_OK ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
