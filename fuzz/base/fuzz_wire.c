/*
 * fuzz/base/fuzz_wire.c - the reader, against the writer: a program of reads taken from the input.
 *
 * The input is a sequence of items, each a byte that names its type and then its encoding. What is
 * read is written again, and must be the same bytes: there is one encoding only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VEC_MAX 4096

static enum dt_err
item(struct dt_reader *r, struct dt_writer *w)
{
    uint8_t type = 0, a = 0;
    uint16_t b = 0;
    uint32_t c = 0;
    uint64_t d = 0;
    bool flag = false;
    struct dt_view v = {NULL, 0};
    struct dt_reader sub;
    size_t mark;
    enum dt_err err = dt_read_u8(r, &type);

    if (err != DT_OK)
        return err;
    dt_write_u8(w, type);
    switch (type % 8) {
    case 0:
        if ((err = dt_read_u8(r, &a)) == DT_OK)
            dt_write_u8(w, a);
        return err;
    case 1:
        if ((err = dt_read_u16(r, &b)) == DT_OK)
            dt_write_u16(w, b);
        return err;
    case 2:
        if ((err = dt_read_u32(r, &c)) == DT_OK)
            dt_write_u32(w, c);
        return err;
    case 3:
        if ((err = dt_read_u64(r, &d)) == DT_OK)
            dt_write_u64(w, d);
        return err;
    case 4:
        if ((err = dt_read_varint(r, &c)) == DT_OK)
            dt_write_varint(w, c);
        return err;
    case 5:
        if ((err = dt_read_vec(r, VEC_MAX, &v)) == DT_OK)
            dt_write_vec(w, v);
        return err;
    case 6:
        if ((err = dt_read_optional(r, &flag)) == DT_OK)
            dt_write_optional(w, flag);
        return err;
    default:
        if ((err = dt_read_sub(r, VEC_MAX, &sub)) != DT_OK)
            return err;
        mark = dt_write_vec_begin(w);
        while (err == DT_OK && sub.n > 0) {
            if ((err = dt_read_u16(&sub, &b)) == DT_OK)
                dt_write_u16(w, b);
        }
        dt_write_vec_end(w, mark);
        return err;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dt_buf out = DT_BUF_INIT(size + 64);
    struct dt_reader r = dt_reader_init(dt_view(data, size));
    struct dt_writer w = dt_writer_init(&out);
    enum dt_err err = DT_OK;

    while (err == DT_OK && r.n > 0)
        err = item(&r, &w);
    if (err == DT_OK) {
        if (dt_writer_end(&w) != DT_OK || !dt_view_equal(dt_buf_view(&out), dt_view(data, size)))
            abort();
        if (getenv("DT_FUZZ_ACCEPT") != NULL)
            (void)fprintf(stderr, "accepted\n");
    }
    dt_buf_clear(&out);
    return 0;
}
