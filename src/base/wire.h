/*
 * base/wire.h - the one reader and the one writer for the TLS presentation language.
 *
 * Source: RFC 8446 section 3 (integers are big endian) with the variable-size vector length headers
 * of RFC 9420 section 2.1.2 (1, 2 or 4 bytes, minimal only, at most 2^30 - 1).
 * Layer: base. All parsing of bytes from outside goes through here; errors say at which offset.
 */
#ifndef DT_BASE_WIRE_H
#define DT_BASE_WIRE_H

#include "base/bytes.h"

#define DT_VARINT_MAX 0x3fffffffu

/* Walks a view. A sub-reader remembers where it began, so that offsets are those of the whole. */
struct dt_reader {
    const uint8_t *p;
    size_t n;   /* bytes left */
    size_t off; /* offset of p from the start of the outermost view */
};

/* Start reading ${v}, which must outlive the reader and every view taken from it. */
struct dt_reader dt_reader_init(struct dt_view v);

/* Errors of all dt_read_*: FORMAT (truncated, non-minimal, bad flag) or LIMIT; ${out} untouched. */
DT_MUST_CHECK enum dt_err dt_read_u8(struct dt_reader *r, uint8_t *out);
DT_MUST_CHECK enum dt_err dt_read_u16(struct dt_reader *r, uint16_t *out);
DT_MUST_CHECK enum dt_err dt_read_u32(struct dt_reader *r, uint32_t *out);
DT_MUST_CHECK enum dt_err dt_read_u64(struct dt_reader *r, uint64_t *out);

/* Exactly ${n} bytes, borrowed. */
DT_MUST_CHECK enum dt_err dt_read_view(struct dt_reader *r, size_t n, struct dt_view *out);

/* Exactly ${n} bytes, copied to ${out}. */
DT_MUST_CHECK enum dt_err dt_read_fixed(struct dt_reader *r, uint8_t *out, size_t n);

/* A vector length header (RFC 9420 section 2.1.2), as a number; not compared with what is left. */
DT_MUST_CHECK enum dt_err dt_read_varint(struct dt_reader *r, uint32_t *out);

/* opaque x<V>: its bytes, borrowed. LIMIT when longer than ${max}. */
DT_MUST_CHECK enum dt_err dt_read_vec(struct dt_reader *r, size_t max, struct dt_view *out);

/* The same as a C string: ${out} has room for ${max} bytes and the NUL. It is for what this program
 * wrote: a NUL among the bytes ends the string early. */
DT_MUST_CHECK enum dt_err dt_read_str(struct dt_reader *r, size_t max, char *out);

/* T x<V>: a sub-reader over its bytes. Read until sub->n == 0. LIMIT when longer than ${max}. */
DT_MUST_CHECK enum dt_err dt_read_sub(struct dt_reader *r, size_t max, struct dt_reader *out);

/* The presence octet of optional<T>: 0 or 1, anything else is FORMAT (RFC 9420 section 2.1.1). */
DT_MUST_CHECK enum dt_err dt_read_optional(struct dt_reader *r, bool *out);

/* DT_OK when nothing is left; trailing bytes are FORMAT. */
DT_MUST_CHECK enum dt_err dt_read_end(const struct dt_reader *r);

/* Fills a dt_buf. The first error sticks; read it once with dt_writer_end(). */
struct dt_writer {
    struct dt_buf *buf;
    enum dt_err err;
};

/* Start appending to ${buf}, which keeps what it holds. */
struct dt_writer dt_writer_init(struct dt_buf *buf);

void dt_write_u8(struct dt_writer *w, uint8_t x);
void dt_write_u16(struct dt_writer *w, uint16_t x);
void dt_write_u32(struct dt_writer *w, uint32_t x);
void dt_write_u64(struct dt_writer *w, uint64_t x);
void dt_write_view(struct dt_writer *w, struct dt_view v); /* the bytes alone */
void dt_write_varint(struct dt_writer *w, size_t x);       /* a length header */
void dt_write_vec(struct dt_writer *w, struct dt_view v);  /* opaque x<V> */
void dt_write_str(struct dt_writer *w, const char *s);     /* opaque x<V> of a C string */
void dt_write_optional(struct dt_writer *w, bool present);

/**
 * dt_write_vec_begin(w), dt_write_vec_end(w, mark):
 * What is written between the two becomes the content of one vector<V>. May nest.
 */
size_t dt_write_vec_begin(struct dt_writer *w);
void dt_write_vec_end(struct dt_writer *w, size_t mark);

/* The first error of the writer, or DT_OK. On error the buffer holds a useless prefix. */
DT_MUST_CHECK enum dt_err dt_writer_end(const struct dt_writer *w);

#endif
