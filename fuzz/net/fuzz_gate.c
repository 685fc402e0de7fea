/*
 * fuzz/net/fuzz_gate.c - the request gate: lines method, target, version, then "name: value" lines.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "net/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dt_gate_header headers[DT_NET_HEADERS_MAX + 8];
    struct dt_gate_request req = {.headers = headers, .body_max = 1000};
    struct dt_view rest = dt_view(data, size), line;
    uint64_t length = UINT64_MAX;

    if (size == 0 || !dt_text_split(&rest, '\n', &req.method) ||
        !dt_text_split(&rest, '\n', &req.target) || !dt_text_split(&rest, '\n', &req.version))
        return 0;
    while (req.n_headers < DT_NET_HEADERS_MAX + 8 && dt_text_split(&rest, '\n', &line)) {
        const uint8_t *colon = line.n == 0 ? NULL : memchr(line.p, ':', line.n);
        size_t n = colon == NULL ? line.n : (size_t)(colon - line.p);

        headers[req.n_headers].name = dt_view(line.p, n);
        headers[req.n_headers].value =
            n + 2 > line.n ? dt_view(NULL, 0) : dt_view(line.p + n + 2, line.n - n - 2);
        req.n_headers++;
    }
    if (dt_gate_check(&req, &length) != 0)
        return 0;
    if (length > req.body_max || req.target.p[0] != '/' || req.n_headers > DT_NET_HEADERS_MAX)
        abort();
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        fprintf(stderr, "accepted\n");
    return 0;
}
