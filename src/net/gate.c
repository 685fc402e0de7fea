/*
 * net/gate.c - the request gate: what a request must look like before a handler sees it.
 *
 * Source: RFC 9112 sections 2.2, 3.2, 5.1, 5.2, 6.1 to 6.3. Layer: net. See server.h.
 */
#include <string.h>

#include "base/text.h"

#include "net/server.h"

static bool
is_token(struct dt_view v)
{
    if (v.n == 0)
        return false;
    for (size_t i = 0; i < v.n; i++) {
        uint8_t c = v.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

        /* RFC 9110 section 5.6.2: tchar */
        if (!alnum && c != '!' && c != '#' && c != '$' && c != '%' && c != '&' && c != '\'' &&
            c != '*' && c != '+' && c != '-' && c != '.' && c != '^' && c != '_' && c != '`' &&
            c != '|' && c != '~')
            return false;
    }
    return true;
}

/* Visible ASCII with single spaces inside allowed, none at the ends: the plain form. */
static bool
is_value(struct dt_view v)
{
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < 0x20 || v.p[i] >= 0x7f)
            return false;
    }
    return v.n == 0 || (v.p[0] != ' ' && v.p[v.n - 1] != ' ');
}

static bool
is_target(struct dt_view v)
{
    bool query = false;

    if (v.n == 0 || v.p[0] != '/')
        return false;
    for (size_t i = 0; i < v.n; i++) {
        uint8_t c = v.p[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                     c == '.' || c == '_' || c == '-';

        if (plain || (!query && c == '/') || (query && (c == '&' || c == '=')))
            continue;
        if (!query && c == '?')
            query = true;
        else
            return false;
    }
    return true;
}

/* host, host:port, [v6]:port - no more than the letters these are made of. */
static bool
is_host(struct dt_view v)
{
    if (v.n == 0 || v.n > 255)
        return false;
    for (size_t i = 0; i < v.n; i++) {
        uint8_t c = v.p[i];

        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.' ||
              c == '-' || c == ':' || c == '[' || c == ']'))
            return false;
    }
    return true;
}

/* Same name, whatever the case? ${lower} is in lower case. */
static bool
named(struct dt_view name, const char *lower)
{
    struct dt_view want = dt_view_str(lower);

    if (name.n != want.n)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];

        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c | 0x20);
        if (c != want.p[i])
            return false;
    }
    return true;
}

static unsigned int
check_method(struct dt_view method)
{
    static const char *const known[] = {"GET", "POST", "PUT", "DELETE"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (dt_view_equal(method, dt_view_str(known[i])))
            return 0;
    }
    return is_token(method) ? 405 : 400;
}

/* Take ${want} off the front of ${raw}; zeros in ${raw} may stand for the letters of ${zeroed}. */
static bool
take(struct dt_view *raw, struct dt_view want, const char *zeroed)
{
    if (raw->n < want.n)
        return false;
    /* Mostly all of it is there as it came. */
    for (size_t i = dt_view_equal(dt_view(raw->p, want.n), want) ? want.n : 0; i < want.n; i++) {
        if (raw->p[i] != want.p[i] && (raw->p[i] != 0 || strchr(zeroed, want.p[i]) == NULL))
            return false;
    }
    *raw = dt_view(raw->p + want.n, raw->n - want.n);
    return true;
}

static bool
take_text(struct dt_view *raw, const char *want, const char *zeroed)
{
    return take(raw, dt_view_str(want), zeroed);
}

/*
 * RFC 9112 sections 2.2, 5.1, 5.2: are the parts, put together in the plain form, what came? What
 * the library unfolded, trimmed, cut short or passed over is seen here. Its length alone would not
 * do: a bare LF here and a second space there make up for each other.
 */
static bool
is_plain(const struct dt_gate_request *req)
{
    struct dt_view raw = req->raw;

    if (!take(&raw, req->method, "") || !take_text(&raw, " ", " ") ||
        !take(&raw, req->target, "?&=") || !take_text(&raw, " ", " ") ||
        !take(&raw, req->version, "") || !take_text(&raw, "\r\n", "\r\n"))
        return false;
    for (size_t i = 0; i < req->n_headers; i++) {
        if (!take(&raw, req->headers[i].name, "") || !take_text(&raw, ": ", ":") ||
            !take(&raw, req->headers[i].value, "") || !take_text(&raw, "\r\n", "\r\n"))
            return false;
    }
    return take_text(&raw, "\r\n", "\r\n") && raw.n == 0;
}

unsigned int
dt_gate_check(const struct dt_gate_request *req, uint64_t *out_length)
{
    unsigned int n_host = 0, n_length = 0, status;
    uint64_t length = 0;

    if ((status = check_method(req->method)) != 0)
        return status;
    if (req->target.n > DT_NET_URL_MAX)
        return 414;
    if (!is_target(req->target))
        return 400;
    if (!dt_view_equal(req->version, dt_view_str("HTTP/1.1")))
        return 505;
    if (req->n_headers > DT_NET_HEADERS_MAX)
        return 431;
    for (size_t i = 0; i < req->n_headers; i++) {
        const struct dt_gate_header *h = &req->headers[i];

        if (!is_token(h->name) || !is_value(h->value))
            return 400;
        /* RFC 9112 section 6.1: a server need not take any transfer coding; 501 says so. */
        if (named(h->name, "transfer-encoding") || named(h->name, "upgrade"))
            return 501;
        if (named(h->name, "expect"))
            return 417;
        if (named(h->name, "host")) {
            n_host++;
            if (!is_host(h->value))
                return 400;
        }
        if (named(h->name, "content-length")) {
            n_length++;
            if (dt_decimal_read(h->value, INT64_MAX, &length) != DT_OK)
                return 400;
        }
    }
    if (n_host != 1 || n_length > 1)
        return 400;
    if (!is_plain(req))
        return 400;
    if (dt_view_equal(req->method, dt_view_str("POST")) && n_length == 0)
        return 411;
    *out_length = length;
    return length > req->body_max ? 413 : 0;
}
