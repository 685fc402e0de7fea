/*
 * fuzz/net/fuzz_gate.c - the request gate: a header section, taken apart in place as leniently as
 * the HTTP library does it. What passes must be byte for byte what its parts make in the plain
 * form.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/server.h"

#define HEADERS (DT_NET_HEADERS_MAX + 8)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next line; zeros over its end (CR LF or LF). False when there is none. */
static bool
next_line(uint8_t *raw, size_t size, size_t *at, struct dt_view *out)
{
    uint8_t *lf = memchr(raw + *at, '\n', size - *at);
    size_t end;

    if (lf == NULL)
        return false;
    end = (size_t)(lf - raw);
    *out = dt_view(raw + *at, end - *at);
    if (out->n > 0 && lf[-1] == '\r') {
        lf[-1] = 0;
        out->n--;
    }
    *lf = 0;
    *at = end + 1;
    return true;
}

/* METHOD SPACES TARGET SPACE VERSION; the library takes the last word for the version. */
static bool
take_request_line(struct dt_gate_request *req, uint8_t *line, size_t n)
{
    uint8_t *p = memchr(line, ' ', n), *end = line + n;

    if (p == NULL)
        return false;
    *p++ = 0;
    req->method = dt_view_str((const char *)line);
    while (p < end && *p == ' ')
        p++;
    while (end > p && end[-1] != ' ')
        end--;
    if (end == p)
        return false;
    end[-1] = 0;
    req->target = dt_view_str((const char *)p);
    req->version = dt_view_str((const char *)end);
    return true;
}

/* A NUL ends what the library takes for a line; spaces after the colon are skipped. */
static bool
take_header(struct dt_gate_header *h, uint8_t *line)
{
    uint8_t *colon = (uint8_t *)strchr((char *)line, ':');

    if (colon == NULL)
        return false;
    *colon++ = 0;
    while (*colon == ' ' || *colon == '\t')
        colon++;
    h->name = dt_view_str((const char *)line);
    h->value = dt_view_str((const char *)colon);
    return true;
}

/* The plain form that the parts of ${req} make. */
static enum dt_err
write_plain(const struct dt_gate_request *req, struct dt_buf *b)
{
    enum dt_err err;

    if ((err = dt_buf_append(b, req->method)) != DT_OK || (err = dt_buf_printf(b, " ")) != DT_OK ||
        (err = dt_buf_append(b, req->target)) != DT_OK || (err = dt_buf_printf(b, " ")) != DT_OK ||
        (err = dt_buf_append(b, req->version)) != DT_OK)
        return err;
    for (size_t i = 0; i < req->n_headers; i++) {
        if ((err = dt_buf_printf(b, "\r\n")) != DT_OK ||
            (err = dt_buf_append(b, req->headers[i].name)) != DT_OK ||
            (err = dt_buf_printf(b, ": ")) != DT_OK ||
            (err = dt_buf_append(b, req->headers[i].value)) != DT_OK)
            return err;
    }
    return dt_buf_printf(b, "\r\n\r\n");
}

static void
must_be_plain(const struct dt_gate_request *req, const uint8_t *came)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 21);

    if (write_plain(req, &b) != DT_OK)
        return;
    if (b.n != req->raw.n)
        abort();
    for (size_t i = 0; i < b.n; i++) {
        /* Under the zeros of a line's end a NUL in place of CR is not seen, nor what then follows.
         */
        if (b.p[i] == '\r' || b.p[i] == '\n' ? came[i] != 0 && came[i] != '\r' && came[i] != '\n'
                                             : b.p[i] != came[i])
            abort();
    }
}

/* As the library: ${raw} is taken apart in place, ${came} is a copy made before. */
static void
check(uint8_t *raw, const uint8_t *came, size_t size)
{
    struct dt_gate_header headers[HEADERS];
    struct dt_gate_request req = {.headers = headers, .body_max = 1000};
    DT_CLEANUP(dt_free_p) char *target = NULL;
    struct dt_view line;
    uint64_t length = UINT64_MAX;
    size_t at = 0;

    if (!next_line(raw, size, &at, &line) || !take_request_line(&req, raw, line.n))
        return;
    for (;;) {
        uint8_t *begin = raw + at;

        if (!next_line(raw, size, &at, &line))
            return;
        if (*begin == 0)
            break;
        if (req.n_headers == HEADERS || !take_header(&headers[req.n_headers], begin))
            return;
        req.n_headers++;
    }
    req.raw = dt_view(raw, at);
    if ((target = dt_strndup((const char *)req.target.p, req.target.n)) == NULL)
        return;
    for (size_t i = 0; i < req.target.n; i++) {
        if (strchr("?&=", target[i]) != NULL)
            raw[(size_t)(req.target.p - raw) + i] = 0;
    }
    req.target.p = (const uint8_t *)target;
    if (dt_gate_check(&req, &length) != 0)
        return;
    if (length > req.body_max || target[0] != '/' || req.n_headers > DT_NET_HEADERS_MAX)
        abort();
    must_be_plain(&req, came);
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        fprintf(stderr, "accepted\n");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *raw = dt_alloc(size + 1, 1);

    if (raw == NULL || size == 0) {
        dt_free(raw);
        return 0;
    }
    memcpy(raw, data, size);
    check(raw, data, size);
    dt_free(raw);
    return 0;
}
