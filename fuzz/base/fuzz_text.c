/*
 * fuzz/base/fuzz_text.c - hex, base64, decimal, UTF-8, times and durations: the first byte says
 * which.
 *
 * Where a text has one form only, what was read is written again and compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool cond)
{
    if (!cond)
        abort();
}

static bool
hex(struct dt_view text)
{
    struct dt_buf bytes = DT_BUF_INIT(text.n + 1);
    struct dt_buf back = DT_BUF_INIT(text.n + 1);
    bool ok = dt_hex_read(&bytes, text) == DT_OK;

    must(ok || bytes.n == 0);
    if (ok) {
        must(dt_hex_write(&back, dt_buf_view(&bytes)) == DT_OK && back.n == text.n);
        for (size_t i = 0; i < text.n; i++) /* the same but for the case of letters */
            must(back.p[i] == (text.p[i] >= 'A' && text.p[i] <= 'F' ? text.p[i] + 32 : text.p[i]));
    }
    dt_buf_clear(&bytes);
    dt_buf_clear(&back);
    return ok;
}

static bool
base64(struct dt_view text)
{
    struct dt_buf bytes = DT_BUF_INIT(text.n + 1);
    struct dt_buf back = DT_BUF_INIT(text.n + 1);
    bool ok = dt_base64_read(&bytes, text) == DT_OK;

    must(ok || bytes.n == 0);
    if (ok)
        must(dt_base64_write(&back, dt_buf_view(&bytes)) == DT_OK &&
             dt_view_equal(dt_buf_view(&back), text));
    dt_buf_clear(&bytes);
    dt_buf_clear(&back);
    return ok;
}

static bool
decimal(struct dt_view text)
{
    char str[32];
    uint64_t x = 0;

    if (dt_decimal_read(text, UINT64_MAX, &x) != DT_OK)
        return false;
    (void)snprintf(str, sizeof str, "%llu", (unsigned long long)x);
    must(dt_view_equal(dt_view_str(str), text));
    return true;
}

static bool
times(struct dt_view text)
{
    char str[DT_TIME_STR];
    uint64_t ms = 0;

    if (dt_time_read(text, &ms) == DT_OK) {
        must(ms <= DT_TIME_MAX_MS);
        dt_time_str(str, ms);
        must(dt_view_equal(dt_view_str(str), text));
        return true;
    }
    if (dt_date_read(text, &ms) == DT_OK) {
        dt_date_str(str, ms);
        must(dt_view_equal(dt_view_str(str), text));
        return true;
    }
    return false;
}

static bool
duration(struct dt_view text)
{
    char str[DT_TIME_STR];
    uint64_t ms = 0;

    if (dt_duration_read(text, &ms) != DT_OK)
        return false;
    must(ms <= DT_TIME_MAX_MS && ms % DT_MS_SECOND == 0);
    dt_span_str(str, ms);
    must(strlen(str) > 0 && strlen(str) < sizeof str);
    return true;
}

static bool
utf8(struct dt_view text)
{
    bool valid = dt_utf8_valid(text);

    must(!dt_utf8_lines(text) || valid);
    must(!dt_utf8_line(text) || dt_utf8_lines(text));
    return valid;
}

/* The parts and their separators are the whole again. */
static bool
split(struct dt_view text)
{
    struct dt_view rest = text;
    struct dt_view part;
    size_t n = 0;
    size_t n_parts = 0;

    while (dt_text_split(&rest, ',', &part)) {
        must(part.n == 0 || memchr(part.p, ',', part.n) == NULL);
        n += part.n;
        n_parts++;
    }
    must(text.p == NULL || n + n_parts - 1 == text.n);
    return n_parts > 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const kinds[])(struct dt_view text) = {hex,      base64, decimal, times,
                                                         duration, utf8,   split};

    if (size == 0)
        return 0;
    /* '0' is the first kind, so that seeds can be written by hand. */
    if (kinds[(data[0] + 256u - '0') % 256u % (sizeof kinds / sizeof kinds[0])](
            dt_view(data + 1, size - 1)) &&
        getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
    return 0;
}
