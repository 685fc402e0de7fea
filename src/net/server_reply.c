/*
 * net/server_reply.c - see server_reply.h, and the reply functions of server.h. Layer: net.
 */
#include <stdio.h>
#include <string.h>

#include <microhttpd.h>

#include "base/mem.h"

#include "net/server_reply.h"

void
dt_http_reply_error(struct dt_http_reply *reply, unsigned int status, const char *code,
                    const char *text)
{
    reply->page = (struct dt_view){0};
    dt_buf_clear(&reply->body);
    dt_buf_init(&reply->body, 1024);
    reply->status = status;
    reply->content_type = "application/json";
    dt_ignore(dt_buf_printf(&reply->body, "{\"error\": \"%s\", \"code\": \"%s\"}\n", text, code),
              "without memory the status says enough");
}

void
dt_http_reply_body(struct dt_http_reply *reply, unsigned int status, const char *content_type,
                   struct dt_buf *body)
{
    reply->status = status;
    reply->content_type = content_type;
    dt_buf_clear(&reply->body);
    dt_buf_move(&reply->body, body);
}

void
dt_http_refusal(struct dt_http_reply *reply, unsigned int status)
{
    switch (status) {
    case 405:
        dt_http_reply_error(reply, status, "method", "this method is not known here");
        break;
    case 411:
        dt_http_reply_error(reply, status, "format", "a POST needs a Content-Length");
        break;
    case 413:
        dt_http_reply_error(reply, status, "too-large", "the body is larger than is taken here");
        break;
    case 429:
        dt_http_reply_error(reply, status, "slow-down", "too many requests on this connection");
        break;
    case 501:
        dt_http_reply_error(reply, status, "format", "no transfer coding or upgrade is taken here");
        break;
    case 503:
        dt_http_reply_error(reply, status, "busy", "stopping, or too much to do at once");
        break;
    default:
        dt_http_reply_error(reply, status, "format", "this is not a plain HTTP/1.1 request");
        break;
    }
}

struct MHD_Response *
dt_http_response(struct dt_http_reply *reply, bool close)
{
    struct MHD_Response *r;
    char seconds[24];

    if (reply->page.n > 0) {
        void *p;

        /* The library only reads it, and wants it without const all the same. */
        memcpy(&p, &reply->page.p, sizeof p);
        r = MHD_create_response_from_buffer(reply->page.n, p, MHD_RESPMEM_PERSISTENT);
    } else if (reply->body.n > 0) {
        r = MHD_create_response_from_buffer_with_free_callback(reply->body.n, reply->body.p,
                                                               dt_free);
        if (r != NULL) {
            reply->body.p = NULL; /* the response frees it now */
            reply->body.n = 0;
            reply->body.cap = 0;
        }
    } else {
        static char nothing[1];

        r = MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
    }
    dt_buf_clear(&reply->body);
    if (r == NULL)
        return NULL;
    if (reply->content_type != NULL)
        (void)MHD_add_response_header(r, "Content-Type", reply->content_type);
    (void)MHD_add_response_header(r, "Cache-Control",
                                  reply->cache_control != NULL ? reply->cache_control : "no-store");
    (void)MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (reply->allow_origin != NULL)
        (void)MHD_add_response_header(r, "Access-Control-Allow-Origin", reply->allow_origin);
    if (reply->location != NULL)
        (void)MHD_add_response_header(r, "Location", reply->location);
    for (const struct dt_http_field *f = reply->fields; f != NULL && f->name != NULL; f++)
        (void)MHD_add_response_header(r, f->name, f->value);
    if (reply->retry_after_s != 0) {
        (void)snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)reply->retry_after_s);
        (void)MHD_add_response_header(r, "Retry-After", seconds);
    }
    if (close)
        (void)MHD_add_response_header(r, "Connection", "close");
    return r;
}
