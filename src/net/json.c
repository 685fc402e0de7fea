/*
 * net/json.c - see json.h. Layer: net.
 */
#include "base/guard.h"

#include "net/json.h"

/* One call of the parser, under dt_guarded(). */
struct parse {
    struct dt_view json;
    json_t *root;
    json_error_t where;
};

static void
parse(void *ctx)
{
    struct parse *p = ctx;

    p->root = json_loadb((const char *)p->json.p, p->json.n, JSON_REJECT_DUPLICATES, &p->where);
}

enum dt_err
dt_json_parse(struct dt_view json, json_t **out)
{
    struct parse p = {.json = json};
    enum dt_err err;

    json_set_alloc_funcs(dt_guard_alloc, dt_guard_free);
    if ((err = dt_guarded(parse, &p)) != DT_OK)
        return err;
    if (p.root == NULL)
        return dt_fail(DT_ERR_FORMAT, "not JSON at line %d", p.where.line);
    *out = p.root;
    return DT_OK;
}
