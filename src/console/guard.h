/*
 * console/guard.h - is a request one that our own page, or the user's address line, can have made?
 *
 * Source: docs/console-api.md "Guards"; RFC 9110 section 7.2 (Host), RFC 6454 (Origin), W3C Fetch
 * Metadata. Layer: console. Pure.
 */
#ifndef DT_CONSOLE_GUARD_H
#define DT_CONSOLE_GUARD_H

#include "base/bytes.h"

/* What is looked at; p == NULL: the header is not there. */
struct dt_console_asker {
    struct dt_view host, origin, fetch_site, fetch_mode, fetch_dest;
    bool page; /* it asks for the page itself, which holds nothing of the home */
};

/**
 * dt_console_guard(asker, authority, local, out_why):
 * 0 when the request may go on; else the status to refuse it with: 421 when Host is neither
 * ${authority} ("127.0.0.1:40213") nor ${local} ("localhost:40213"), so that a name which somebody
 * else's DNS points here is none of ours; 403 when Origin is there and not "http://" and that Host,
 * or when Sec-Fetch-Site says that another site asks, unless the user is led to the page itself in
 * a window of its own (as by the file that the program opens on a desktop). *${out_why} is a static
 * text.
 */
unsigned int dt_console_guard(const struct dt_console_asker *asker, const char *authority,
                              const char *local, const char **out_why);

#endif
