/*
 * net/request.c - what a handler asks of its request that does not depend on where it came from:
 * the HTTP server, or a caller in this process. See server.h. Layer: net.
 */
#include <string.h>
#include <strings.h>

#include "net/server.h"

bool
dt_http_query(const struct dt_http_request *req, const char *name, struct dt_view *out)
{
    const char *at = req->query, *end;
    size_t n = strlen(name);

    for (; at != NULL; at = *end == '&' ? end + 1 : NULL) {
        size_t key = strcspn(at, "=&");

        end = at + strcspn(at, "&");
        if (key != n || strncasecmp(at, name, n) != 0)
            continue;
        if (at[key] == '=')
            key++;
        *out = dt_view((const uint8_t *)at + key, (size_t)(end - at) - key);
        return true;
    }
    return false;
}

void
dt_http_wake(struct dt_http_request *req)
{
    if (req->wake != NULL)
        req->wake(req);
}

bool
dt_http_hold(struct dt_http_request *req, size_t n)
{
    return req->hold == NULL || req->hold(req, n);
}
