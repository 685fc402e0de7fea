/*
 * base/bytes.c - see bytes.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

#define BUF_MIN 64

struct dt_view
dt_view_str(const char *s)
{
    return dt_view((const uint8_t *)s, strlen(s));
}

bool
dt_view_equal(struct dt_view a, struct dt_view b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int
dt_view_cmp(struct dt_view a, struct dt_view b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

    if (c != 0)
        return c;
    return (a.n > b.n) - (a.n < b.n);
}

void
dt_buf_init(struct dt_buf *b, size_t max)
{
    *b = (struct dt_buf)DT_BUF_INIT(max);
}

void
dt_buf_clear(struct dt_buf *b)
{
    if (b == NULL)
        return;
    dt_free(b->p);
    dt_buf_init(b, b->max);
}

void
dt_buf_wipe(struct dt_buf *b)
{
    if (b == NULL)
        return;
    if (b->p != NULL)
        dt_wipe(b->p, b->cap);
    dt_buf_clear(b);
}

enum dt_err
dt_buf_reserve(struct dt_buf *b, size_t n)
{
    size_t cap = b->cap > BUF_MIN ? b->cap : BUF_MIN;
    uint8_t *p;

    if (n > b->max || b->n > b->max - n)
        return dt_fail(DT_ERR_LIMIT, "more than %zu bytes", b->max);
    if (b->n + n <= b->cap)
        return DT_OK;
    while (cap < b->n + n)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    /* Not realloc: it may leave a copy of a secret behind. */
    p = dt_alloc(cap, 1);
    if (p == NULL)
        return dt_nomem();
    if (b->n > 0)
        memcpy(p, b->p, b->n);
    if (b->p != NULL)
        dt_wipe(b->p, b->cap);
    dt_free(b->p);
    b->p = p;
    b->cap = cap;
    return DT_OK;
}

enum dt_err
dt_buf_append(struct dt_buf *b, struct dt_view v)
{
    enum dt_err err = dt_buf_reserve(b, v.n);

    if (err != DT_OK)
        return err;
    if (v.n > 0)
        memcpy(b->p + b->n, v.p, v.n);
    b->n += v.n;
    return DT_OK;
}

enum dt_err
dt_buf_printf(struct dt_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_list again;
    enum dt_err err = DT_OK;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        err = dt_fail(DT_ERR_INTERNAL, "text could not be formatted");
    /* vsnprintf writes a NUL, so one byte more is reserved than kept. */
    if (err == DT_OK)
        err = dt_buf_reserve(b, (size_t)n + 1);
    if (err == DT_OK) {
        (void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
    return err;
}

enum dt_err
dt_buf_set(struct dt_buf *b, struct dt_view v)
{
    b->n = 0;
    return dt_buf_append(b, v);
}

void
dt_buf_move(struct dt_buf *to, struct dt_buf *from)
{
    dt_buf_wipe(to);
    to->p = from->p;
    to->n = from->n;
    to->cap = from->cap;
    from->p = NULL;
    from->n = 0;
    from->cap = 0;
}

void
dt_wipe(void *p, size_t n)
{
    if (n > 0)
        explicit_bzero(p, n);
}
