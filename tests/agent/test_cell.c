/*
 * tests/agent/test_cell.c - agent/form/cell.c: queue keys, cell sizes, sealing, the queue
 * extension.
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

static void
keys_clear(struct dt_queue_keys *k)
{
    dt_queue_keys_clear(k);
}

static struct dt_view
mark_key(void)
{
    return sample_seed(4);
}

static void
sizes_are_the_table(void **state)
{
    static const size_t legal[] = {512,  1024,  1536,  2048,  2560,   3072,   3584,  4096,
                                   8192, 16384, 32768, 65536, 131072, 262144, 524288};
    size_t k = 0;

    (void)state;
    assert_int_equal(dt_cell_size(0), 512);
    for (size_t n = 1; n <= DT_CELL_MAX; n++) {
        if (n > legal[k])
            k++;
        if (dt_cell_size(n) != legal[k])
            fail_msg("%zu bytes go into %zu, not %zu", n, dt_cell_size(n), legal[k]);
    }
    assert_int_equal(k, sizeof legal / sizeof legal[0] - 1);
    assert_int_equal(dt_cell_size(DT_CELL_MAX + 1), 0);
    assert_int_equal(dt_cell_size(SIZE_MAX), 0);
}

static void
keys_are_three_parts_and_an_address(void **state)
{
    DT_CLEANUP(keys_clear) struct dt_queue_keys k = {0};
    uint8_t bytes[DT_QUEUE_EXPORT_LEN];
    uint8_t address[32];
    uint8_t both[64];
    uint8_t want[32];

    (void)state;
    sample_bytes(bytes, sizeof bytes, 5);
    assert_int_equal(dt_queue_keys_set(&k, dt_view_of(bytes)), DT_OK);
    assert_true(dt_view_equal(dt_queue_read_token(&k), dt_view(bytes, 32)));
    assert_true(dt_view_equal(dt_queue_write_token(&k), dt_view(bytes + 32, 32)));
    assert_true(dt_view_equal(dt_queue_cell_key(&k), dt_view(bytes + 64, 32)));
    assert_int_equal(dt_queue_address(dt_view(bytes, 32), dt_view(bytes + 32, 32), address), DT_OK);
    assert_memory_equal(address, k.address, 32);
    /* SHA-256( 0x0f "detente 1 queue" SHA-256(read token) SHA-256(write token) ) */
    assert_int_equal(dt_sha256(dt_view(bytes, 32), both), DT_OK);
    assert_int_equal(dt_sha256(dt_view(bytes + 32, 32), both + 32), DT_OK);
    assert_int_equal(dt_hash(DT_HASH_SHA256,
                             (struct dt_view[]){dt_view_str("\x0f"
                                                            "detente 1 queue"),
                                                dt_view_of(both)},
                             2, want),
                     DT_OK);
    assert_memory_equal(want, k.address, 32);
    /* The cell key is no part of the address; the tokens do not change places. */
    bytes[64] ^= 1;
    assert_int_equal(dt_queue_keys_set(&k, dt_view_of(bytes)), DT_OK);
    assert_memory_equal(want, k.address, 32);
    assert_int_equal(dt_queue_address(dt_view(bytes + 32, 32), dt_view(bytes, 32), address), DT_OK);
    assert_memory_not_equal(address, k.address, 32);
    assert_int_equal(dt_queue_keys_set(&k, dt_view(bytes, 95)), DT_ERR_RANGE);
    assert_int_equal(dt_queue_keys_set(&k, dt_view(NULL, 0)), DT_ERR_RANGE);
}

static void
cells_open_again(void **state)
{
    /* 40 bytes of nonce and tag, 1, 2 or 4 of length. */
    static const struct {
        size_t n, size;
    } cases[] = {{0, 512},
                 {1, 512},
                 {63, 512},
                 {64, 512},
                 {470, 512},
                 {471, 1024},
                 {4054, 4096},
                 {4055, 8192},
                 {16383 - 40, 32768},
                 {8150, 8192},
                 {8151, 16384},
                 {300000, 524288},
                 {524288 - 44, 524288}};
    static uint8_t content[DT_CELL_MAX];
    DT_CLEANUP(keys_clear) struct dt_queue_keys k = {0};

    (void)state;
    sample_queue_keys(&k, 1);
    sample_bytes(content, sizeof content, 0x77);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);

        assert_int_equal(dt_cell_seal(&k, mark_key(), dt_view(content, cases[i].n), &cell), DT_OK);
        assert_int_equal(cell.n, cases[i].size);
        assert_int_equal(dt_cell_open(&k, dt_buf_view(&cell), &out), DT_OK);
        assert_true(dt_view_equal(dt_buf_view(&out), dt_view(content, cases[i].n)));
    }
}

static void
too_large_does_not_fit(void **state)
{
    static uint8_t content[DT_CELL_MAX + 1];
    DT_CLEANUP(keys_clear) struct dt_queue_keys k = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(4 * DT_CELL_MAX);

    (void)state;
    sample_queue_keys(&k, 1);
    assert_int_equal(dt_cell_seal(&k, mark_key(), dt_view(content, DT_CELL_MAX - 43), &cell),
                     DT_ERR_LIMIT);
    assert_int_equal(dt_cell_seal(&k, mark_key(), dt_view(content, DT_CELL_MAX + 1), &cell),
                     DT_ERR_LIMIT);
    assert_int_equal(cell.n, 0);
}

static void
cells_open_with_their_keys_only(void **state)
{
    DT_CLEANUP(keys_clear) struct dt_queue_keys k = {0};
    DT_CLEANUP(keys_clear) struct dt_queue_keys other = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);
    uint8_t bytes[DT_QUEUE_EXPORT_LEN];

    (void)state;
    sample_queue_keys(&k, 1);
    sample_queue_keys(&other, 2);
    assert_int_equal(dt_cell_seal(&k, mark_key(), dt_view_str("content"), &cell), DT_OK);
    assert_int_equal(dt_cell_open(&other, dt_buf_view(&cell), &out), DT_ERR_AUTH);
    /* The same cell key in another queue: the address is bound. */
    sample_bytes(bytes, sizeof bytes, 1);
    bytes[0] ^= 1;
    assert_int_equal(dt_queue_keys_set(&other, dt_view_of(bytes)), DT_OK);
    assert_int_equal(dt_cell_open(&other, dt_buf_view(&cell), &out), DT_ERR_AUTH);
    for (size_t bit = 0; bit < 8 * cell.n; bit++) {
        cell.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (dt_cell_open(&k, dt_buf_view(&cell), &out) != DT_ERR_AUTH)
            fail_msg("bit %zu may be turned", bit);
        cell.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(out.n, 0);
    assert_int_equal(dt_cell_open(&k, dt_buf_view(&cell), &out), DT_OK);
}

static void
cells_have_legal_sizes_only(void **state)
{
    static const size_t sizes[] = {0,
                                   1,
                                   40,
                                   511,
                                   513,
                                   768,
                                   4095,
                                   4097,
                                   4608,
                                   12288,
                                   DT_CELL_MAX - 512,
                                   DT_CELL_MAX + 1,
                                   2 * DT_CELL_MAX};
    static uint8_t zero[2 * DT_CELL_MAX];
    DT_CLEANUP(keys_clear) struct dt_queue_keys k = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);

    (void)state;
    sample_queue_keys(&k, 1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(dt_cell_open(&k, dt_view(zero, sizes[i]), &out), DT_ERR_FORMAT);
    assert_int_equal(dt_cell_open(&k, dt_view(zero, 512), &out), DT_ERR_AUTH);
}

/* A cell sealed with the right key around ${plain}, which the sealer itself would never write. */
static enum dt_err
open_forged(struct dt_view plain)
{
    DT_CLEANUP(keys_clear) struct dt_queue_keys k = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(64);
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_writer w = dt_writer_init(&aad);
    enum dt_err err;

    sample_queue_keys(&k, 1);
    dt_write_str(&w, "detente 1 cell");
    dt_write_view(&w, dt_view_of(k.address));
    assert_int_equal(dt_writer_end(&w), DT_OK);
    assert_int_equal(dt_box_seal(dt_queue_cell_key(&k), dt_buf_view(&aad), plain, &cell), DT_OK);
    err = dt_cell_open(&k, dt_buf_view(&cell), &out);
    if (err != DT_OK)
        assert_int_equal(out.n, 0);
    return err;
}

static void
padding_is_zero(void **state)
{
    uint8_t plain[512 - 40] = {2, 'h', 'i'};

    (void)state;
    assert_int_equal(open_forged(dt_view_of(plain)), DT_OK);
    plain[sizeof plain - 1] = 1;
    assert_int_equal(open_forged(dt_view_of(plain)), DT_ERR_FORMAT);
    plain[sizeof plain - 1] = 0;
    plain[3] = 0x80;
    assert_int_equal(open_forged(dt_view_of(plain)), DT_ERR_FORMAT);
    plain[3] = 0;
    plain[0] = 0x40; /* "2" in two bytes: not minimal (RFC 9420 section 2.1.2) */
    plain[1] = 2;
    assert_int_equal(open_forged(dt_view_of(plain)), DT_ERR_FORMAT);
    plain[0] = 0x7f; /* longer than the cell */
    assert_int_equal(open_forged(dt_view_of(plain)), DT_ERR_FORMAT);
    plain[0] = 0xc0; /* a prefix that does not exist */
    assert_int_equal(open_forged(dt_view_of(plain)), DT_ERR_FORMAT);
}

static void
pad_and_unpad(void **state)
{
    static const uint8_t content[100] = {9};
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_view got;

    (void)state;
    assert_int_equal(dt_cell_pad(dt_view_of(content), 48, &b), DT_OK);
    assert_int_equal(b.n, 512 - 48);
    assert_int_equal(dt_cell_unpad(dt_buf_view(&b), &got), DT_OK);
    assert_true(dt_view_equal(got, dt_view_of(content)));
    b.n = 0;
    assert_int_equal(dt_cell_pad(dt_view(NULL, 0), 48, &b), DT_OK);
    assert_int_equal(dt_cell_unpad(dt_buf_view(&b), &got), DT_OK);
    assert_int_equal(got.n, 0);
    assert_int_equal(dt_cell_unpad(dt_view(NULL, 0), &got), DT_ERR_FORMAT);
}

/* ---- the queue extension ---- */

static enum dt_err
ext_again(struct dt_view bytes, struct dt_buf *out)
{
    DT_CLEANUP(dt_queue_ext_clear) struct dt_queue_ext x = {0};
    enum dt_err err = dt_queue_ext_decode(bytes, &x);

    return err != DT_OK ? err : dt_queue_ext_encode(&x, out);
}

static void
queue_ext_has_one_encoding(void **state)
{
    (void)state;
    for (int here = 0; here < 2; here++) {
        DT_CLEANUP(dt_queue_ext_clear) struct dt_queue_ext x = {0};
        DT_CLEANUP(dt_queue_ext_clear) struct dt_queue_ext y = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(512);

        sample_queue_ext(&x, here != 0);
        assert_int_equal(dt_queue_ext_encode(&x, &b), DT_OK);
        assert_int_equal(b.n, 32 + 8 + 1 + (here ? 0 : 96));
        codec_check(ext_again, dt_buf_view(&b));
        /* Into a value that holds keys already: they are replaced, none is lost. */
        sample_queue_ext(&y, false);
        assert_int_equal(dt_queue_ext_decode(dt_buf_view(&b), &y), DT_OK);
        assert_int_equal(y.begins_here, here);
        assert_int_equal(y.begun_ms, SAMPLE_TIME);
        assert_memory_equal(y.queue_token, x.queue_token, 32);
        assert_true(dt_view_equal(dt_secret_view(&y.keys.bytes), dt_secret_view(&x.keys.bytes)));
        assert_memory_equal(y.keys.address, x.keys.address, 32);
        /* A bad one leaves it as it was. */
        assert_int_equal(dt_queue_ext_decode(dt_view(b.p, b.n - 1), &y), DT_ERR_FORMAT);
        assert_memory_equal(y.queue_token, x.queue_token, 32);
        b.p[40] = 2;
        assert_int_equal(dt_queue_ext_decode(dt_buf_view(&b), &y), DT_ERR_FORMAT);
    }
}

/* Whoever sealed a cell knows it again, in its own queue and under its own key alone. */
static void
cells_bear_the_mark_of_who_sealed_them(void **state)
{
    DT_CLEANUP(keys_clear) struct dt_queue_keys k = {0};
    DT_CLEANUP(keys_clear) struct dt_queue_keys other = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf one = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf two = DT_BUF_INIT(DT_CELL_MAX);
    bool ours = false;

    (void)state;
    sample_queue_keys(&k, 1);
    sample_queue_keys(&other, 2);
    assert_int_equal(dt_cell_seal(&k, mark_key(), dt_view_str("content"), &one), DT_OK);
    assert_int_equal(dt_cell_seal(&k, mark_key(), dt_view_str("content"), &two), DT_OK);
    assert_memory_not_equal(one.p, two.p, DT_CELL_NAME / 2);
    assert_int_equal(dt_cell_is_marked(&k, mark_key(), dt_buf_view(&one), &ours), DT_OK);
    assert_true(ours);
    assert_int_equal(dt_cell_is_marked(&k, mark_key(), dt_buf_view(&two), &ours), DT_OK);
    assert_true(ours);
    assert_int_equal(dt_cell_is_marked(&k, sample_seed(5), dt_buf_view(&one), &ours), DT_OK);
    assert_false(ours);
    assert_int_equal(dt_cell_is_marked(&other, mark_key(), dt_buf_view(&one), &ours), DT_OK);
    assert_false(ours);
    for (size_t bit = 0; bit < 8u * DT_CELL_NAME; bit++) {
        one.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(dt_cell_is_marked(&k, mark_key(), dt_buf_view(&one), &ours), DT_OK);
        assert_false(ours);
        one.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(dt_cell_is_marked(&k, mark_key(), dt_view(one.p, DT_CELL_NAME - 1), &ours),
                     DT_ERR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_the_table),
        cmocka_unit_test(keys_are_three_parts_and_an_address),
        cmocka_unit_test(cells_open_again),
        cmocka_unit_test(too_large_does_not_fit),
        cmocka_unit_test(cells_open_with_their_keys_only),
        cmocka_unit_test(cells_bear_the_mark_of_who_sealed_them),
        cmocka_unit_test(cells_have_legal_sizes_only),
        cmocka_unit_test(padding_is_zero),
        cmocka_unit_test(pad_and_unpad),
        cmocka_unit_test(queue_ext_has_one_encoding),
    };

    return dt_crypto_init() != DT_OK ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
