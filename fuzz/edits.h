/*
 * fuzz/edits.h - an input as edits of a good message. For targets that seal or sign it again.
 */
#ifndef DT_FUZZ_EDITS_H
#define DT_FUZZ_EDITS_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define EDITS_MAX 16

/* Edits of four bytes at ${p}: two for the place, what, and a value. At most EDITS_MAX. */
static inline void
edit(struct dt_buf *b, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + 4 <= n && i < 4 * EDITS_MAX && b->n > 0; i += 4) {
        size_t at = ((size_t)p[i] << 8 | p[i + 1]) % b->n;

        switch (p[i + 2] % 4) {
        case 0:
            b->p[at] = p[i + 3];
            break;
        case 1:
            b->p[at] ^= (uint8_t)(1u << p[i + 3] % 8);
            break;
        case 2:
            memmove(b->p + at, b->p + at + 1, b->n - at - 1);
            b->n--;
            break;
        default:
            if (dt_buf_append(b, dt_view(p + i + 3, 1)) != DT_OK)
                abort();
            memmove(b->p + at + 1, b->p + at, b->n - 1 - at);
            b->p[at] = p[i + 3];
        }
    }
}

#endif
