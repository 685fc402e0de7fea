/*
 * net/server_reply.c - see server_reply.h, and the reply functions of server.h. Layer: net.
 */
#include "net/server_reply.h"

void
dt_http_reply_error(struct dt_http_reply *reply, unsigned int status, const char *code,
                    const char *text)
{
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
