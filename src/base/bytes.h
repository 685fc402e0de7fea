/*
 * base/bytes.h - borrowed bytes (dt_view) and owned bytes with a maximum (dt_buf).
 *
 * Layer: base (libc only).
 */
#ifndef DT_BASE_BYTES_H
#define DT_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Bytes that belong to someone else. p may be NULL when n is 0. */
struct dt_view {
    const uint8_t *p;
    size_t n;
};

/* Bytes we own; never grows past max. All zero with a max is a valid empty buffer. */
struct dt_buf {
    uint8_t *p;
    size_t n;
    size_t cap;
    size_t max;
};

#define DT_BUF_INIT(maximum)                                                                       \
    {                                                                                              \
        .p = NULL, .n = 0, .cap = 0, .max = (maximum)                                              \
    }

/* A view of ${n} bytes at ${p}. */
static inline struct dt_view
dt_view(const uint8_t *p, size_t n)
{
    struct dt_view v = {p, n};
    return v;
}

/* A view of a NUL-terminated string without its NUL. */
struct dt_view dt_view_str(const char *s);

/* A view of a fixed array. */
#define dt_view_of(array) dt_view((array), sizeof(array))

/* Equal in length and content. Not for secrets: dt_ct_equal() in crypto. */
bool dt_view_equal(struct dt_view a, struct dt_view b);

/* memcmp order, a shorter prefix first: <0, 0, >0. */
int dt_view_cmp(struct dt_view a, struct dt_view b);

/* Make ${b} empty with maximum ${max}. */
void dt_buf_init(struct dt_buf *b, size_t max);

/* Free the bytes of ${b}; it stays usable and empty with its maximum. NULL is fine. */
void dt_buf_clear(struct dt_buf *b);

/* As dt_buf_clear(), after overwriting all capacity. For bytes that were secret for a while. */
void dt_buf_wipe(struct dt_buf *b);

/**
 * dt_buf_reserve(b, n):
 * Make room for ${n} more bytes. Errors: LIMIT (past b->max), NOMEM. When a buffer grows, the old
 * bytes are overwritten before they are freed.
 */
DT_MUST_CHECK enum dt_err dt_buf_reserve(struct dt_buf *b, size_t n);

/* Append ${v} to ${b}. Errors as dt_buf_reserve(). */
DT_MUST_CHECK enum dt_err dt_buf_append(struct dt_buf *b, struct dt_view v);

/* Append printf-formatted text (no NUL). Errors as dt_buf_reserve(). */
DT_MUST_CHECK enum dt_err dt_buf_printf(struct dt_buf *b, const char *fmt, ...) DT_PRINTF(2, 3);

/* Replace the content of ${b} by a copy of ${v}, which must not lie inside ${b}. */
DT_MUST_CHECK enum dt_err dt_buf_set(struct dt_buf *b, struct dt_view v);

/* Move all of ${from} into ${to}, freeing what ${to} held. ${from} is empty afterwards. */
void dt_buf_move(struct dt_buf *to, struct dt_buf *from);

/* What ${b} holds, borrowed until it changes. */
static inline struct dt_view
dt_buf_view(const struct dt_buf *b)
{
    return dt_view(b->p, b->n);
}

/* Overwrite ${n} bytes at ${p} in a way that the compiler keeps. Best effort by nature. */
void dt_wipe(void *p, size_t n);

#endif
