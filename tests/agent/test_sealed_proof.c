/*
 * tests/agent/test_sealed_proof.c - a proof for one person: opens to them in their forum, and no
 * change, cut, other key or other forum goes unnoticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/form/sealed_proof.h"

#include "samples.h"

#define PROOF "detente proof 1\nAAAA\n"

static uint8_t forum[32], other[32], letter[32];

static enum dt_err
opened(const uint8_t *in, struct dt_view priv, struct dt_view file)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(4096);
    enum dt_err err = dt_sealed_proof_open(in, priv, file, &out);

    if (err != DT_OK)
        assert_int_equal(out.n, 0);
    else
        assert_true(dt_view_equal(dt_buf_view(&out), dt_view_str(PROOF)));
    return err;
}

static void
for_one_person_alone(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(4096);
    uint8_t pub[DT_X25519];

    (void)state;
    assert_int_equal(dt_x25519_pub(sample_seed(0x42), pub), DT_OK);
    assert_int_equal(dt_sealed_proof_seal(forum, letter, pub, dt_view_str(PROOF), &file), DT_OK);
    assert_true(dt_sealed_proof_is(dt_buf_view(&file)));
    assert_int_equal(opened(forum, sample_seed(0x42), dt_buf_view(&file)), DT_OK);
    assert_int_equal(opened(forum, sample_seed(0x43), dt_buf_view(&file)), DT_ERR_AUTH);
    assert_int_equal(opened(other, sample_seed(0x42), dt_buf_view(&file)), DT_ERR_AUTH);
    for (size_t bit = 0; bit < file.n * 8; bit++) {
        file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (opened(forum, sample_seed(0x42), dt_buf_view(&file)) == DT_OK)
            fail_msg("bit %zu changed, and opened", bit);
        file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < file.n; n++)
        assert_int_not_equal(opened(forum, sample_seed(0x42), dt_view(file.p, n)), DT_OK);
    assert_int_equal(dt_buf_append(&file, dt_view_str("x")), DT_OK);
    assert_int_equal(opened(forum, sample_seed(0x42), dt_buf_view(&file)), DT_ERR_AUTH);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(for_one_person_alone)};

    assert_int_equal(dt_crypto_init(), DT_OK);
    sample_bytes(forum, sizeof forum, 1);
    sample_bytes(other, sizeof other, 3);
    sample_bytes(letter, sizeof letter, 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
