/*
 * cli/text.c - text as people type it: Unicode Normalization Form C, and times; see cli.h.
 */
#include <string.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/mem.h"
#include "base/text.h"

#include "cli/cli.h"

#define TEXT_MAX    (4u << 20) /* as much as a table of entries may have */
#define SPAN_MAX_MS (UINT64_C(365) * DT_MS_DAY)

enum dt_err
cli_nfc(struct dt_view text, struct dt_buf *out)
{
    DT_CLEANUP(dt_free_p) UChar *wide = NULL;
    DT_CLEANUP(dt_free_p) UChar *normal = NULL;
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
    int32_t wide_len = 0;
    int32_t normal_len;
    int32_t n = 0;
    enum dt_err err;

    if (text.n > TEXT_MAX)
        return dt_fail(DT_ERR_LIMIT, "the text is longer than %u bytes", TEXT_MAX);
    if (!dt_utf8_valid(text))
        return dt_fail(DT_ERR_FORMAT, "the text is not valid UTF-8");
    if (text.n == 0)
        return DT_OK;
    wide = dt_alloc(text.n + 1, sizeof *wide);
    /* NFC of n units has at most 3n units (UAX 15, expansion factors). */
    normal = dt_alloc(3 * text.n + 1, sizeof *normal);
    if (wide == NULL || normal == NULL)
        return dt_nomem();
    (void)u_strFromUTF8(wide, (int32_t)text.n + 1, &wide_len, (const char *)text.p, (int32_t)text.n,
                        &status);
    normal_len = unorm2_normalize(nfc, wide, wide_len, normal, 3 * (int32_t)text.n + 1, &status);
    if (status == U_MEMORY_ALLOCATION_ERROR)
        return dt_nomem();
    if (U_FAILURE(status))
        return dt_fail(DT_ERR_FORMAT, "the text could not be brought into normal form");
    /* At most three bytes a UTF-16 unit. */
    if ((err = dt_buf_reserve(out, 3 * (size_t)normal_len + 1)) != DT_OK)
        return err;
    (void)u_strToUTF8((char *)out->p + out->n, 3 * normal_len + 1, &n, normal, normal_len, &status);
    if (U_FAILURE(status))
        return dt_fail(DT_ERR_INTERNAL, "the text could not be brought into normal form");
    out->n += (size_t)n;
    return DT_OK;
}

enum dt_err
cli_nfc_str(const char *text, char **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(4 * TEXT_MAX);
    char *s;
    enum dt_err err = cli_nfc(dt_view_str(text), &b);

    if (err != DT_OK)
        return err;
    s = dt_strndup(b.n > 0 ? (const char *)b.p : "", b.n);
    if (s == NULL)
        return dt_nomem();
    *out = s;
    return DT_OK;
}

enum dt_err
cli_time(const struct cli *c, const char *text, uint64_t *out_ms)
{
    struct dt_view v = dt_view_str(text);
    uint64_t n = 0;
    char unit = v.n > 0 ? text[v.n - 1] : '\0';

    if (v.n > 2 && text[0] == '+' && (unit == 'd' || unit == 'h') &&
        dt_decimal_read(dt_view(v.p + 1, v.n - 2), 36500, &n) == DT_OK) {
        *out_ms = dt_clock_now(&c->clock) + n * (unit == 'd' ? DT_MS_DAY : DT_MS_HOUR);
        return DT_OK;
    }
    if (dt_date_read(v, out_ms) == DT_OK || dt_time_read(v, out_ms) == DT_OK)
        return DT_OK;
    return dt_fail(DT_ERR_USAGE,
                   "'%s' is no time: write 2027-01-31, 2027-01-31T12:00:00Z, +30d or +12h", text);
}

enum dt_err
cli_span(const char *text, uint64_t *out_ms)
{
    static const struct {
        char unit;
        uint64_t ms;
    } units[] = {{'s', DT_MS_SECOND}, {'m', DT_MS_MINUTE}, {'h', DT_MS_HOUR}, {'d', DT_MS_DAY}};
    struct dt_view v = dt_view_str(text);
    uint64_t n = 0;

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (v.n > 1 && text[v.n - 1] == units[i].unit &&
            dt_decimal_read(dt_view(v.p, v.n - 1), SPAN_MAX_MS / units[i].ms, &n) == DT_OK &&
            n > 0) {
            *out_ms = n * units[i].ms;
            return DT_OK;
        }
    return dt_fail(DT_ERR_USAGE, "'%s' is no span of time: write 90s, 30m, 2h or 1d", text);
}
