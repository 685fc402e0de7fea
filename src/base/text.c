/*
 * base/text.c - see text.h.
 *
 * Hex and base64 carry keys, so their digits are computed with masks: no table look-up and no
 * branch depends on the data, only on its length (and, in base64, on where the padding stands).
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* All ones when lo <= c <= hi, else 0. All three are below 2^31. */
static uint32_t
mask_in(uint32_t c, uint32_t lo, uint32_t hi)
{
    return 0u - (((lo - 1u - c) & (c - (hi + 1u))) >> 31 & 1u);
}

static uint8_t
hex_digit(uint32_t nibble)
{
    return (uint8_t)((uint32_t)'0' + nibble + (mask_in(nibble + 1, 11, 16) & ('a' - 10 - '0')));
}

/* The value of the hex digit ${c}; sets bits of *${bad} when it is none. */
static uint32_t
hex_value(uint8_t c, uint32_t *bad)
{
    uint32_t num = mask_in(c, '0', '9');
    uint32_t low = mask_in(c, 'a', 'f');
    uint32_t high = mask_in(c, 'A', 'F');

    *bad |= ~(num | low | high);
    return (num & (c - (uint32_t)'0')) | (low & (c - (uint32_t)'a' + 10)) |
           (high & (c - (uint32_t)'A' + 10));
}

enum dt_err
dt_hex_write(struct dt_buf *out, struct dt_view v)
{
    enum dt_err err;

    if (v.n > SIZE_MAX / 2)
        return dt_fail(DT_ERR_LIMIT, "more than %zu bytes", out->max);
    err = dt_buf_reserve(out, 2 * v.n);
    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < v.n; i++) {
        out->p[out->n++] = hex_digit(v.p[i] >> 4);
        out->p[out->n++] = hex_digit(v.p[i] & 15u);
    }
    return DT_OK;
}

void
dt_hex_str(char *out, struct dt_view v)
{
    for (size_t i = 0; i < v.n; i++) {
        out[2 * i] = (char)hex_digit(v.p[i] >> 4);
        out[2 * i + 1] = (char)hex_digit(v.p[i] & 15u);
    }
    out[2 * v.n] = '\0';
}

/* All of ${text} is hex digits, in pairs? */
static enum dt_err
hex_check(struct dt_view text)
{
    uint32_t bad = 0;

    if (text.n % 2 != 0)
        return dt_fail(DT_ERR_FORMAT, "hex of odd length %zu", text.n);
    for (size_t i = 0; i < text.n; i++)
        (void)hex_value(text.p[i], &bad);
    if (bad != 0)
        return dt_fail(DT_ERR_FORMAT, "not hex digits");
    return DT_OK;
}

static void
hex_decode(uint8_t *out, struct dt_view text)
{
    uint32_t bad = 0;

    for (size_t i = 0; i < text.n / 2; i++)
        out[i] =
            (uint8_t)(hex_value(text.p[2 * i], &bad) << 4 | hex_value(text.p[2 * i + 1], &bad));
}

enum dt_err
dt_hex_read(struct dt_buf *out, struct dt_view text)
{
    enum dt_err err = hex_check(text);

    if (err == DT_OK)
        err = dt_buf_reserve(out, text.n / 2);
    if (err != DT_OK)
        return err;
    if (text.n > 0)
        hex_decode(out->p + out->n, text);
    out->n += text.n / 2;
    return DT_OK;
}

enum dt_err
dt_hex_read_fixed(uint8_t *out, size_t n, struct dt_view text)
{
    enum dt_err err;

    if (text.n / 2 != n || text.n % 2 != 0)
        return dt_fail(DT_ERR_FORMAT, "%zu hex digits where %zu are expected", text.n, 2 * n);
    err = hex_check(text);
    if (err == DT_OK)
        hex_decode(out, text);
    return err;
}

static uint8_t
base64_digit(uint32_t x)
{
    uint32_t y = x + 1; /* so that every range begins above 0 */

    return (uint8_t)((mask_in(y, 1, 26) & (x + 'A')) | (mask_in(y, 27, 52) & (x - 26 + 'a')) |
                     (mask_in(y, 53, 62) & (x - 52 + '0')) | (mask_in(y, 63, 63) & '+') |
                     (mask_in(y, 64, 64) & '/'));
}

static uint32_t
base64_value(uint8_t c, uint32_t *bad)
{
    uint32_t upper = mask_in(c, 'A', 'Z');
    uint32_t lower = mask_in(c, 'a', 'z');
    uint32_t num = mask_in(c, '0', '9');
    uint32_t plus = mask_in(c, '+', '+');
    uint32_t slash = mask_in(c, '/', '/');

    *bad |= ~(upper | lower | num | plus | slash);
    return (upper & (c - (uint32_t)'A')) | (lower & (c - (uint32_t)'a' + 26)) |
           (num & (c - (uint32_t)'0' + 52)) | (plus & 62u) | (slash & 63u);
}

enum dt_err
dt_base64_write(struct dt_buf *out, struct dt_view v)
{
    enum dt_err err;

    if (v.n > SIZE_MAX / 2 - 4)
        return dt_fail(DT_ERR_LIMIT, "more than %zu bytes", out->max);
    err = dt_buf_reserve(out, (v.n + 2) / 3 * 4);
    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < v.n; i += 3) {
        size_t left = v.n - i;
        uint32_t x = (uint32_t)v.p[i] << 16;

        if (left > 1)
            x |= (uint32_t)v.p[i + 1] << 8;
        if (left > 2)
            x |= v.p[i + 2];
        out->p[out->n++] = base64_digit(x >> 18);
        out->p[out->n++] = base64_digit(x >> 12 & 63u);
        out->p[out->n++] = left > 1 ? base64_digit(x >> 6 & 63u) : (uint8_t)'=';
        out->p[out->n++] = left > 2 ? base64_digit(x & 63u) : (uint8_t)'=';
    }
    return DT_OK;
}

/*
 * RFC 4648 section 3.5: the bits that the padding leaves over must be zero, or one value would have
 * several texts; section 3.3: no other characters, line feeds included.
 */
enum dt_err
dt_base64_read(struct dt_buf *out, struct dt_view text)
{
    uint32_t bad = 0;
    size_t pad = 0;
    size_t digits;
    size_t n;
    enum dt_err err;

    if (text.n % 4 != 0)
        return dt_fail(DT_ERR_FORMAT, "base64 of length %zu, which is no multiple of 4", text.n);
    while (pad < 2 && pad < text.n && text.p[text.n - 1 - pad] == '=')
        pad++;
    digits = text.n - pad;
    n = text.n / 4 * 3 - pad;
    err = dt_buf_reserve(out, n);
    if (err != DT_OK)
        return err;
    for (size_t i = 0, at = out->n; i < digits; i += 4) {
        size_t left = digits - i;
        uint32_t x = base64_value(text.p[i], &bad) << 18;

        if (left > 1)
            x |= base64_value(text.p[i + 1], &bad) << 12;
        if (left > 2)
            x |= base64_value(text.p[i + 2], &bad) << 6;
        if (left > 3)
            x |= base64_value(text.p[i + 3], &bad);
        out->p[at++] = (uint8_t)(x >> 16);
        if (left > 2)
            out->p[at++] = (uint8_t)(x >> 8);
        else
            bad |= x & 0xffffu;
        if (left > 3)
            out->p[at++] = (uint8_t)x;
        else if (left == 3)
            bad |= x & 0xffu;
    }
    if (bad != 0) {
        dt_wipe(out->p + out->n, n);
        return dt_fail(DT_ERR_FORMAT, "not standard base64 with padding");
    }
    out->n += n;
    return DT_OK;
}

enum dt_err
dt_decimal_read(struct dt_view text, uint64_t max, uint64_t *out)
{
    uint64_t x = 0;

    if (text.n == 0 || (text.n > 1 && text.p[0] == '0'))
        return dt_fail(DT_ERR_FORMAT, "not a decimal number without leading zeros");
    for (size_t i = 0; i < text.n; i++) {
        uint64_t digit;

        if (text.p[i] < '0' || text.p[i] > '9')
            return dt_fail(DT_ERR_FORMAT, "not a decimal number without leading zeros");
        digit = (uint64_t)text.p[i] - '0';
        if (x > (UINT64_MAX - digit) / 10) {
            /* The rest still has to be digits before the number may be called too large. */
            for (i++; i < text.n; i++)
                if (text.p[i] < '0' || text.p[i] > '9')
                    return dt_fail(DT_ERR_FORMAT, "not a decimal number without leading zeros");
            return dt_fail(DT_ERR_RANGE, "number larger than %llu", (unsigned long long)max);
        }
        x = x * 10 + digit;
    }
    if (x > max)
        return dt_fail(DT_ERR_RANGE, "number larger than %llu", (unsigned long long)max);
    *out = x;
    return DT_OK;
}

/* RFC 3629 section 4: the code point at ${p}, and its width; 0 when there is none. */
static size_t
utf8_next(const uint8_t *p, size_t n, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = p[0];
    size_t width;

    if (c < 0x80)
        width = 1;
    else if (c >= 0xc2 && c <= 0xdf)
        width = 2;
    else if (c >= 0xe0 && c <= 0xef)
        width = 3;
    else if (c >= 0xf0 && c <= 0xf4)
        width = 4;
    else
        return 0;
    if (width > n)
        return 0;
    if (width > 1)
        c &= 0x7fu >> width;
    for (size_t i = 1; i < width; i++) {
        if ((p[i] & 0xc0u) != 0x80u)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c < least[width] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *out = c;
    return width;
}

static bool
utf8_check(struct dt_view text, bool controls, bool line_feeds)
{
    for (size_t i = 0; i < text.n;) {
        uint32_t c = 0;
        size_t width = utf8_next(text.p + i, text.n - i, &c);

        if (width == 0)
            return false;
        if (!controls && (c < 0x20 || (c >= 0x7f && c <= 0x9f)) && !(line_feeds && c == '\n'))
            return false;
        i += width;
    }
    return true;
}

bool
dt_utf8_valid(struct dt_view text)
{
    return utf8_check(text, true, true);
}

bool
dt_utf8_line(struct dt_view text)
{
    return utf8_check(text, false, false);
}

bool
dt_utf8_lines(struct dt_view text)
{
    return utf8_check(text, false, true);
}

bool
dt_json_str(char *out, size_t size, struct dt_view text)
{
    size_t n = 0, i = 0;

    out[n++] = '"';
    while (i < text.n) {
        uint32_t c = 0;
        size_t width = utf8_next(text.p + i, text.n - i, &c);
        char one[8];

        if (width == 0)
            (void)snprintf(one, sizeof(one), "\\ufffd");
        else if (c == '"' || c == '\\')
            (void)snprintf(one, sizeof(one), "\\%c", (char)c);
        else if (c < 0x20 || c == 0x7f)
            (void)snprintf(one, sizeof(one), "\\u%04x", (unsigned int)c);
        else
            (void)snprintf(one, sizeof(one), "%.*s", (int)width, (const char *)text.p + i);
        if (n + strlen(one) + 2 > size)
            break;
        memcpy(out + n, one, strlen(one));
        n += strlen(one);
        i += width == 0 ? 1 : width;
    }
    out[n++] = '"';
    out[n] = '\0';
    return i >= text.n;
}

bool
dt_text_split(struct dt_view *rest, char sep, struct dt_view *out)
{
    const uint8_t *at;

    if (rest->p == NULL)
        return false;
    at = rest->n > 0 ? memchr(rest->p, sep, rest->n) : NULL;
    if (at == NULL) {
        *out = *rest;
        *rest = dt_view(NULL, 0);
        return true;
    }
    *out = dt_view(rest->p, (size_t)(at - rest->p));
    *rest = dt_view(at + 1, rest->n - out->n - 1);
    return true;
}
