/*
 * net/server_gate.c - see server_gate.h. Layer: net.
 */
#include <string.h>

#include "net/server.h"

#include "net/server_gate.h"

struct lookup {
    const char *name;
    struct dt_view *out;
    bool found;
};

static enum MHD_Result
lookup_one(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len, const char *value,
           size_t value_len)
{
    struct lookup *l = cls;

    (void)kind;
    if (l->found || key_len != strlen(l->name) || strncasecmp(key, l->name, key_len) != 0)
        return MHD_YES;
    *l->out = dt_view(value == NULL ? (const uint8_t *)"" : (const uint8_t *)value, value_len);
    l->found = true;
    return MHD_YES;
}

bool
dt_server_header(struct MHD_Connection *mhd, const char *name, struct dt_view *out)
{
    struct lookup l = {name, out, false};

    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, lookup_one, &l);
    return l.found;
}

struct gather {
    struct dt_gate_header headers[DT_NET_HEADERS_MAX];
    size_t n;
    bool too_many;
};

static enum MHD_Result
gather_one(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len, const char *value,
           size_t value_len)
{
    struct gather *g = cls;

    (void)kind;
    if (g->n == DT_NET_HEADERS_MAX) {
        g->too_many = true;
        return MHD_NO;
    }
    g->headers[g->n].name = dt_view((const uint8_t *)key, key_len);
    g->headers[g->n].value = dt_view((const uint8_t *)value, value == NULL ? 0 : value_len);
    g->n++;
    return MHD_YES;
}

/* The library takes the header section apart in place, from the method on, and keeps it until the
 * first call for the request is over. */
unsigned int
dt_server_gate(struct MHD_Connection *mhd, const char *method, const char *target,
               const char *version, size_t body_max, uint64_t *out_length)
{
    const union MHD_ConnectionInfo *info;
    struct dt_gate_request gate = {0};
    struct gather g = {.n = 0};

    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, gather_one, &g);
    if (g.too_many)
        return 431;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    gate.method = dt_view_str(method);
    gate.target = dt_view_str(target);
    gate.version = dt_view_str(version);
    gate.headers = g.headers;
    gate.n_headers = g.n;
    gate.raw = dt_view((const uint8_t *)method, info == NULL ? 0 : info->header_size);
    gate.body_max = body_max;
    return dt_gate_check(&gate, out_length);
}
