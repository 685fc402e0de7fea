/*
 * tests/mls/rows.c - see rows.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "rows.h"

void
rows_clear(struct rows *r)
{
    for (size_t i = 0; i < r->n; i++)
        dt_buf_wipe(&r->v[i].body);
    dt_free(r->v);
    *r = (struct rows){0};
}

static size_t
find(const struct rows *r, const uint8_t *id)
{
    size_t at = 0;

    while (at < r->n && memcmp(r->v[at].id, id, MLS_PART_ID) != 0)
        at++;
    return at;
}

size_t
rows_apply(struct rows *r, const struct mls_parts *parts)
{
    size_t written = 0;

    if (parts->replace)
        rows_clear(r);
    for (size_t i = 0; i < parts->n; i++) {
        const struct mls_part *p = &parts->v[i];
        size_t at = parts->replace ? r->n : find(r, p->id);

        if (p->gone) {
            if (at == r->n)
                continue;
            dt_buf_wipe(&r->v[at].body);
            r->v[at] = r->v[--r->n];
            continue;
        }
        if (at == r->n) {
            r->v = dt_realloc(r->v, r->n + 1, sizeof *r->v);
            if (r->v == NULL)
                abort();
            memcpy(r->v[at].id, p->id, MLS_PART_ID);
            dt_buf_init(&r->v[at].body, MLS_GROUP_STATE_MAX);
            r->n++;
        }
        if (dt_buf_set(&r->v[at].body, p->body) != DT_OK)
            abort();
        written += MLS_PART_ID + p->body.n;
    }
    return written;
}

enum dt_err
rows_load(const struct rows *r, struct mls_group **out)
{
    struct mls_part *v = dt_alloc(r->n, sizeof *v);
    enum dt_err err;

    if (v == NULL)
        abort();
    for (size_t i = 0; i < r->n; i++) {
        memcpy(v[i].id, r->v[i].id, MLS_PART_ID);
        v[i].body = dt_buf_view(&r->v[i].body);
    }
    err = mls_group_load_parts(v, r->n, out);
    dt_free(v);
    return err;
}
