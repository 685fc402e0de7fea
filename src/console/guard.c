/*
 * console/guard.c - see guard.h.
 */
#include <string.h>

#include "console/guard.h"

static bool
is(struct dt_view v, const char *text)
{
    return v.p != NULL && dt_view_equal(v, dt_view_str(text));
}

/* "http://" and the host that was asked for: one spelling of us is no other's origin. */
static bool
is_origin(struct dt_view origin, struct dt_view host)
{
    static const char scheme[] = "http://";
    const size_t n = sizeof scheme - 1;

    return origin.n == n + host.n && memcmp(origin.p, scheme, n) == 0 &&
           memcmp(origin.p + n, host.p, host.n) == 0;
}

unsigned int
dt_console_guard(const struct dt_console_asker *asker, const char *authority, const char *local,
                 const char **out_why)
{
    if (!is(asker->host, authority) && !is(asker->host, local)) {
        *out_why = "this is the console of a detente home on this machine: open it at the address "
                   "that the program prints, with no other name";
        return 421;
    }
    if (asker->origin.p != NULL && !is_origin(asker->origin, asker->host)) {
        *out_why = "a page from elsewhere may ask nothing here";
        return 403;
    }
    if (asker->fetch_site.p != NULL && !is(asker->fetch_site, "same-origin") &&
        !is(asker->fetch_site, "none") &&
        !(asker->page && is(asker->fetch_mode, "navigate") && is(asker->fetch_dest, "document"))) {
        *out_why = "another site may not ask anything here";
        return 403;
    }
    return 0;
}
