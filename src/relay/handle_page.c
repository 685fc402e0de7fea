/*
 * relay/handle_page.c - the observer page, for whoever opens the relay's address in a browser.
 *
 * Source: docs/protocol-relay.md, "The observer page". Layer: relay. The page is the same for
 * everyone and for every register; nothing of a request goes into it.
 */
#include "base/embed.h"

#include "relay/handlers.h"

extern const struct dt_embedded observer_page_files[];
extern const size_t observer_page_files_count;

enum dt_http_next
relay_observer_page(struct dt_http_reply *reply)
{
    /* What may run stands in the page itself; who may frame it can only be said here. */
    static const struct dt_http_field fields[] = {
        {"Content-Security-Policy", "frame-ancestors 'none'"},
        {"Referrer-Policy", "no-referrer"},
        {NULL, NULL}};

    if (observer_page_files_count != 1)
        return relay_error(reply, DT_ERR_NOT_FOUND);
    reply->status = 200;
    reply->content_type = "text/html; charset=utf-8";
    reply->cache_control = "no-cache";
    reply->fields = fields;
    reply->page = dt_view(observer_page_files[0].data, observer_page_files[0].len);
    return DT_HTTP_REPLY;
}
