/*
 * tests/agent/codec_check.c - the checks of samples.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "samples.h"

/* A copy on the heap of exactly ${n} bytes, so that a sanitizer sees one read too many. */
static uint8_t *
exact(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);

    assert_non_null(copy);
    if (n > 0)
        memcpy(copy, p, n);
    return copy;
}

void
codec_check(codec_again again, struct dt_view bytes)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(1u << 20);
    uint8_t *b;

    assert_int_equal(again(bytes, &out), DT_OK);
    assert_int_equal(out.n, bytes.n);
    assert_memory_equal(out.p, bytes.p, bytes.n);
    for (size_t n = 0; n < bytes.n; n++) {
        b = exact(bytes.p, n);
        out.n = 0;
        if (again(dt_view(b, n), &out) == DT_OK)
            fail_msg("the first %zu of %zu bytes were accepted", n, bytes.n);
        free(b);
    }
    for (unsigned int extra = 0; extra < 256; extra += 51) {
        b = malloc(bytes.n + 1);
        assert_non_null(b);
        memcpy(b, bytes.p, bytes.n);
        b[bytes.n] = (uint8_t)extra;
        out.n = 0;
        if (again(dt_view(b, bytes.n + 1), &out) == DT_OK)
            fail_msg("a trailing byte %02x was accepted", extra);
        free(b);
    }
    b = exact(bytes.p, bytes.n);
    for (size_t bit = 0; bit < 8 * bytes.n; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        out.n = 0;
        if (again(dt_view(b, bytes.n), &out) == DT_OK &&
            (out.n != bytes.n || memcmp(out.p, b, bytes.n) != 0))
            fail_msg("with bit %zu turned there are two encodings of one value", bit);
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(b);
}

void
codec_check_signed(codec_verify verify, struct dt_view bytes)
{
    uint8_t *b = exact(bytes.p, bytes.n);

    assert_int_equal(verify(dt_view(b, bytes.n)), DT_OK);
    for (size_t bit = 0; bit < 8 * bytes.n; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (verify(dt_view(b, bytes.n)) == DT_OK)
            fail_msg("with bit %zu turned the signature still holds", bit);
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(b);
}
