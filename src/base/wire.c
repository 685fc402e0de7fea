/*
 * base/wire.c - see wire.h.
 */
#include <string.h>

#include "base/wire.h"

struct dt_reader
dt_reader_init(struct dt_view v)
{
    struct dt_reader r = {v.p, v.n, 0};
    return r;
}

static enum dt_err
truncated(const struct dt_reader *r, size_t need)
{
    return dt_fail(DT_ERR_FORMAT, "truncated at byte %zu: %zu more expected, %zu there", r->off,
                   need, r->n);
}

static void
skip(struct dt_reader *r, size_t n)
{
    r->p += n;
    r->n -= n;
    r->off += n;
}

static enum dt_err
read_uint(struct dt_reader *r, size_t width, uint64_t *out)
{
    uint64_t x = 0;

    if (r->n < width)
        return truncated(r, width);
    for (size_t i = 0; i < width; i++)
        x = (x << 8) | r->p[i];
    skip(r, width);
    *out = x;
    return DT_OK;
}

enum dt_err
dt_read_u8(struct dt_reader *r, uint8_t *out)
{
    uint64_t x = 0;
    enum dt_err err = read_uint(r, 1, &x);

    if (err == DT_OK)
        *out = (uint8_t)x;
    return err;
}

enum dt_err
dt_read_u16(struct dt_reader *r, uint16_t *out)
{
    uint64_t x = 0;
    enum dt_err err = read_uint(r, 2, &x);

    if (err == DT_OK)
        *out = (uint16_t)x;
    return err;
}

enum dt_err
dt_read_u32(struct dt_reader *r, uint32_t *out)
{
    uint64_t x = 0;
    enum dt_err err = read_uint(r, 4, &x);

    if (err == DT_OK)
        *out = (uint32_t)x;
    return err;
}

enum dt_err
dt_read_u64(struct dt_reader *r, uint64_t *out)
{
    return read_uint(r, 8, out);
}

enum dt_err
dt_read_view(struct dt_reader *r, size_t n, struct dt_view *out)
{
    if (r->n < n)
        return truncated(r, n);
    *out = dt_view(r->p, n);
    if (n > 0)
        skip(r, n);
    return DT_OK;
}

enum dt_err
dt_read_fixed(struct dt_reader *r, uint8_t *out, size_t n)
{
    struct dt_view v;
    enum dt_err err = dt_read_view(r, n, &v);

    if (err == DT_OK && n > 0)
        memcpy(out, v.p, n);
    return err;
}

/*
 * RFC 9420 section 2.1.2: the two highest bits give the header's width (1, 2 or 4 bytes; 11 is
 * invalid), and a value must use the shortest header that holds it.
 */
enum dt_err
dt_read_varint(struct dt_reader *r, uint32_t *out)
{
    static const uint64_t least[] = {0, 0x40, 0x4000};
    size_t at = r->off;
    uint64_t x = 0;
    unsigned int prefix;
    size_t width;
    enum dt_err err;

    if (r->n == 0)
        return truncated(r, 1);
    prefix = r->p[0] >> 6;
    if (prefix == 3)
        return dt_fail(DT_ERR_FORMAT, "bad vector length prefix at byte %zu", at);
    width = (size_t)1 << prefix;
    err = read_uint(r, width, &x);
    if (err != DT_OK)
        return err;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): width is 1, 2 or 4 */
    x &= ((uint64_t)1 << (8 * width - 2)) - 1;
    if (x < least[prefix])
        return dt_fail(DT_ERR_FORMAT, "vector length at byte %zu is not in its shortest form", at);
    *out = (uint32_t)x;
    return DT_OK;
}

enum dt_err
dt_read_vec(struct dt_reader *r, size_t max, struct dt_view *out)
{
    struct dt_reader at = *r;
    uint32_t len;
    enum dt_err err = dt_read_varint(&at, &len);

    if (err != DT_OK)
        return err;
    if (len > max)
        return dt_fail(DT_ERR_LIMIT, "vector of %u bytes at byte %zu: at most %zu are allowed", len,
                       r->off, max);
    err = dt_read_view(&at, len, out);
    if (err == DT_OK)
        *r = at;
    return err;
}

enum dt_err
dt_read_str(struct dt_reader *r, size_t max, char *out)
{
    struct dt_view v;
    enum dt_err err = dt_read_vec(r, max, &v);

    if (err != DT_OK)
        return err;
    if (v.n > 0)
        memcpy(out, v.p, v.n);
    out[v.n] = '\0';
    return DT_OK;
}

enum dt_err
dt_read_sub(struct dt_reader *r, size_t max, struct dt_reader *out)
{
    struct dt_view v;
    enum dt_err err = dt_read_vec(r, max, &v);

    if (err == DT_OK) {
        out->p = v.p;
        out->n = v.n;
        out->off = r->off - v.n;
    }
    return err;
}

enum dt_err
dt_read_optional(struct dt_reader *r, bool *out)
{
    size_t at = r->off;
    uint8_t x;
    enum dt_err err = dt_read_u8(r, &x);

    if (err != DT_OK)
        return err;
    if (x > 1)
        return dt_fail(DT_ERR_FORMAT, "presence octet at byte %zu is neither 0 nor 1", at);
    *out = x == 1;
    return DT_OK;
}

enum dt_err
dt_read_end(const struct dt_reader *r)
{
    if (r->n != 0)
        return dt_fail(DT_ERR_FORMAT, "%zu bytes too many at byte %zu", r->n, r->off);
    return DT_OK;
}

struct dt_writer
dt_writer_init(struct dt_buf *buf)
{
    struct dt_writer w = {buf, DT_OK};
    return w;
}

void
dt_write_view(struct dt_writer *w, struct dt_view v)
{
    if (w->err == DT_OK)
        w->err = dt_buf_append(w->buf, v);
}

static void
write_uint(struct dt_writer *w, size_t width, uint64_t x)
{
    uint8_t b[8];

    for (size_t i = 0; i < width; i++)
        b[i] = (uint8_t)(x >> (8 * (width - 1 - i)));
    dt_write_view(w, dt_view(b, width));
    dt_wipe(b, sizeof b);
}

void
dt_write_u8(struct dt_writer *w, uint8_t x)
{
    write_uint(w, 1, x);
}

void
dt_write_u16(struct dt_writer *w, uint16_t x)
{
    write_uint(w, 2, x);
}

void
dt_write_u32(struct dt_writer *w, uint32_t x)
{
    write_uint(w, 4, x);
}

void
dt_write_u64(struct dt_writer *w, uint64_t x)
{
    write_uint(w, 8, x);
}

void
dt_write_varint(struct dt_writer *w, size_t x)
{
    if (x < 0x40)
        write_uint(w, 1, x);
    else if (x < 0x4000)
        write_uint(w, 2, x | 0x4000);
    else if (x <= DT_VARINT_MAX)
        write_uint(w, 4, x | 0x80000000u);
    else if (w->err == DT_OK)
        w->err = dt_fail(DT_ERR_LIMIT, "vector of %zu bytes is too long to encode", x);
}

void
dt_write_vec(struct dt_writer *w, struct dt_view v)
{
    dt_write_varint(w, v.n);
    dt_write_view(w, v);
}

void
dt_write_str(struct dt_writer *w, const char *s)
{
    dt_write_vec(w, dt_view_str(s));
}

void
dt_write_optional(struct dt_writer *w, bool present)
{
    dt_write_u8(w, present ? 1 : 0);
}

size_t
dt_write_vec_begin(struct dt_writer *w)
{
    return w->buf->n;
}

void
dt_write_vec_end(struct dt_writer *w, size_t mark)
{
    size_t len;
    size_t header;

    if (w->err != DT_OK)
        return;
    len = w->buf->n - mark;
    dt_write_varint(w, len);
    if (w->err != DT_OK)
        return;
    /* The header was appended behind the content; rotate it to the front. */
    header = w->buf->n - mark - len;
    uint8_t h[4];
    memcpy(h, w->buf->p + mark + len, header);
    memmove(w->buf->p + mark + header, w->buf->p + mark, len);
    memcpy(w->buf->p + mark, h, header);
}

enum dt_err
dt_writer_end(const struct dt_writer *w)
{
    return w->err;
}
