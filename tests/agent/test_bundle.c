/*
 * tests/agent/test_bundle.c - agent/form/bundle.c: cells come out of a bundle as they went in,
 * whatever was left out on the way; any bit flipped is noticed; sizes.
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

#include "agent/form/bundle.h"
#include "samples.h"

static const uint8_t group_id[32] = {9, 8, 7};

struct fix {
    struct dt_queue_keys keys;
    struct dt_bundle_side side;
    struct dt_buf cell[3];
    struct dt_bundle_cell cells[3];
};

/* What an MLS application message of ${n} bytes behind its head looks like (RFC 9420 section 6). */
static void
message(struct dt_buf *out, uint64_t epoch, size_t n)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u16(&w, 1);
    dt_write_u16(&w, 2);
    dt_write_vec(&w, dt_view_of(group_id));
    dt_write_u64(&w, epoch);
    dt_write_u8(&w, 1);
    dt_write_u8(&w, 0);
    for (size_t i = 0; i < n; i++)
        dt_write_u8(&w, (uint8_t)(i * 7));
    assert_int_equal(dt_writer_end(&w), DT_OK);
}

/* A message of the epoch, one of ${epoch} - 3, and something else. */
static void
fix_begin(struct fix *f, uint64_t epoch)
{
    memset(f, 0, sizeof *f);
    sample_queue_keys(&f->keys, 1);
    f->side = (struct dt_bundle_side){.queue = &f->keys, .group_id = group_id, .epoch = epoch};
    for (size_t i = 0; i < 3; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf content = DT_BUF_INIT(65536);

        if (i < 2)
            message(&content, epoch - 3 * i, 356);
        else
            assert_int_equal(dt_buf_append(&content, dt_view_str("a Commit, say")), DT_OK);
        dt_buf_init(&f->cell[i], DT_CELL_MAX);
        assert_int_equal(dt_cell_seal(&f->keys, sample_seed(4), dt_buf_view(&content), &f->cell[i]),
                         DT_OK);
        f->cells[i].cell = dt_buf_view(&f->cell[i]);
        dt_bundle_append_id(f->cells[i].cell, f->cells[i].append_id);
    }
    f->cells[2].append_id[0] ^= 1; /* one of its own */
}

static void
fix_end(struct fix *f)
{
    for (size_t i = 0; i < 3; i++)
        dt_buf_clear(&f->cell[i]);
    dt_queue_keys_clear(&f->keys);
}

static void
same_cells(const struct fix *f, const struct dt_bundle *b, size_t n)
{
    assert_int_equal(b->n, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(dt_view_equal(b->cells[i].cell, f->cells[i].cell));
        assert_memory_equal(b->cells[i].append_id, f->cells[i].append_id, 16);
    }
}

static void
cells_come_out_as_they_went_in(void **state)
{
    struct fix f;

    (void)state;
    fix_begin(&f, 300);
    for (int unpadded = 0; unpadded < 2; unpadded++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_BUNDLE_MAX);
        DT_CLEANUP(dt_bundle_clear) struct dt_bundle b = {0};

        assert_int_equal(
            dt_bundle_encode(&f.side, DT_BUNDLE_OUTGOING, unpadded, 77, f.cells, 3, &out), DT_OK);
        assert_int_equal(dt_bundle_decode(dt_buf_view(&out), &f.side, &b), DT_OK);
        assert_int_equal(b.kind, DT_BUNDLE_OUTGOING);
        assert_int_equal(b.position, 77);
        same_cells(&f, &b, 3);
        assert_true(unpadded ? out.n < 950 : out.n > 1536);
    }
    fix_end(&f);
}

/* The other side may be some epochs ahead or behind. */
static void
epochs_need_not_be_equal(void **state)
{
    static const uint64_t epochs[] = {3, 127, 255, 256, 300, 511, 512};
    struct fix f;

    (void)state;
    for (size_t k = 0; k < sizeof epochs / sizeof epochs[0]; k++) {
        for (int apart = -60; apart <= 60; apart += 15) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_BUNDLE_MAX);
            DT_CLEANUP(dt_bundle_clear) struct dt_bundle b = {0};
            struct dt_bundle_side there;

            if (apart < 0 && epochs[k] < (uint64_t)-apart)
                continue;
            fix_begin(&f, epochs[k]);
            assert_int_equal(dt_bundle_encode(&f.side, DT_BUNDLE_CELLS, true, 1, f.cells, 3, &out),
                             DT_OK);
            there = f.side;
            there.epoch = apart < 0 ? epochs[k] - (uint64_t)-apart : epochs[k] + (uint64_t)apart;
            assert_int_equal(dt_bundle_decode(dt_buf_view(&out), &there, &b), DT_OK);
            same_cells(&f, &b, 3);
            fix_end(&f);
        }
    }
}

static void
any_bit_flipped_is_noticed(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_BUNDLE_MAX);
    struct fix f;

    (void)state;
    fix_begin(&f, 300);
    assert_int_equal(dt_bundle_encode(&f.side, DT_BUNDLE_CELLS, true, 5, f.cells, 3, &out), DT_OK);
    for (size_t bit = 0; bit < 8 * out.n; bit++) {
        struct dt_bundle b = {0};

        out.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(dt_bundle_decode(dt_buf_view(&out), &f.side, &b), DT_OK);
        assert_null(b.cells);
        out.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < out.n; n++) {
        struct dt_bundle b = {0};

        assert_int_not_equal(dt_bundle_decode(dt_view(out.p, n), &f.side, &b), DT_OK);
    }
    fix_end(&f);
}

static void
another_queue_is_told(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_BUNDLE_MAX);
    struct dt_queue_keys other = {0};
    struct dt_bundle b = {0};
    struct fix f;

    (void)state;
    fix_begin(&f, 300);
    assert_int_equal(dt_bundle_encode(&f.side, DT_BUNDLE_CELLS, false, 5, f.cells, 1, &out), DT_OK);
    sample_queue_keys(&other, 2);
    f.side.queue = &other;
    assert_int_equal(dt_bundle_decode(dt_buf_view(&out), &f.side, &b), DT_ERR_AUTH);
    dt_queue_keys_clear(&other);
    fix_end(&f);
}

/* A cell padded more than it has to be, and one that nobody can open, go over whole. */
static void
what_cannot_be_computed_goes_whole(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_BUNDLE_MAX);
    DT_CLEANUP(dt_bundle_clear) struct dt_bundle b = {0};
    struct fix f;

    (void)state;
    fix_begin(&f, 300);
    f.cell[1].p[100] ^= 1;
    assert_int_equal(dt_bundle_encode(&f.side, DT_BUNDLE_CELLS, true, 5, f.cells, 2, &out), DT_OK);
    assert_true(out.n > 512 && out.n < 1000);
    assert_int_equal(dt_bundle_decode(dt_buf_view(&out), &f.side, &b), DT_OK);
    same_cells(&f, &b, 2);
    fix_end(&f);
}

static void
sizes(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf ack = DT_BUF_INIT(DT_BUNDLE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf one = DT_BUF_INIT(DT_BUNDLE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf two = DT_BUF_INIT(DT_BUNDLE_MAX);
    struct fix f;

    (void)state;
    fix_begin(&f, 300);
    assert_int_equal(dt_bundle_encode(&f.side, DT_BUNDLE_ACK, true, 5, NULL, 0, &ack), DT_OK);
    assert_int_equal(ack.n, 25);
    assert_int_equal(dt_bundle_encode(&f.side, DT_BUNDLE_CELLS, true, 5, f.cells, 1, &one), DT_OK);
    assert_int_equal(one.n, 25 + 1 + 1 + 24 + 2 + 356);
    assert_int_equal(dt_bundle_encode(&f.side, DT_BUNDLE_CELLS, true, 5, f.cells, 2, &two), DT_OK);
    assert_int_equal(two.n - one.n, one.n - ack.n); /* one header for all */
    assert_int_equal(dt_bundle_encode(&f.side, DT_BUNDLE_ACK, true, 5, f.cells, 1, &two),
                     DT_ERR_LIMIT);
    assert_int_equal(dt_bundle_encode(&f.side, DT_BUNDLE_CELLS, true, 1ull << 32, f.cells, 1, &two),
                     DT_ERR_RANGE);
    fix_end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_come_out_as_they_went_in),
        cmocka_unit_test(epochs_need_not_be_equal),
        cmocka_unit_test(any_bit_flipped_is_noticed),
        cmocka_unit_test(another_queue_is_told),
        cmocka_unit_test(what_cannot_be_computed_goes_whole),
        cmocka_unit_test(sizes),
    };

    return dt_crypto_init() != DT_OK ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
