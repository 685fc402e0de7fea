/*
 * agent/keep/tar.c - see tar.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent/keep/tar.h"

#define SIZE_AT  124u
#define TIME_AT  136u
#define SUM_AT   148u
#define OCTAL_11 UINT64_C(0x1ffffffff) /* the largest number of 11 octal digits */

bool
dt_tar_name_ok(const char *name)
{
    size_t n = strlen(name);
    bool begins = true;

    if (n == 0 || n > DT_TAR_NAME_MAX || name[n - 1] == '/')
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                  (!begins && (c == '.' || c == '/'));

        if (!ok)
            return false;
        begins = c == '/';
    }
    return true;
}

static void
octal(uint8_t *out, size_t digits, uint64_t x)
{
    for (size_t i = digits; i-- > 0; x >>= 3)
        out[i] = (uint8_t)('0' + (x & 7));
}

enum dt_err
dt_tar_head_encode(const char *name, uint64_t size, uint64_t time_s,
                   uint8_t out[static DT_TAR_BLOCK])
{
    uint64_t sum = 0;

    if (!dt_tar_name_ok(name) || size > DT_TAR_SIZE_MAX || time_s > OCTAL_11)
        return dt_fail(DT_ERR_RANGE, "an item of an archive has no fitting name or size");
    memset(out, 0, DT_TAR_BLOCK);
    memcpy(out, name, strlen(name));
    octal(out + 100, 7, 0600); /* mode */
    octal(out + 108, 7, 0);    /* owner */
    octal(out + 116, 7, 0);    /* group */
    octal(out + SIZE_AT, 11, size);
    octal(out + TIME_AT, 11, time_s);
    memset(out + SUM_AT, ' ', 8);
    out[156] = '0'; /* a plain file */
    memcpy(out + 257,
           "ustar\0"
           "00",
           8);
    for (size_t i = 0; i < DT_TAR_BLOCK; i++)
        sum += out[i];
    octal(out + SUM_AT, 6, sum);
    out[SUM_AT + 6] = 0;
    return DT_OK;
}

static bool
read_octal(const uint8_t *p, size_t digits, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < digits; i++) {
        if (p[i] < '0' || p[i] > '7')
            return false;
        *out = *out << 3 | (uint64_t)(p[i] - '0');
    }
    return true;
}

enum dt_err
dt_tar_head_decode(const uint8_t block[static DT_TAR_BLOCK], char *name, uint64_t *out_size,
                   uint64_t *out_time_s)
{
    uint8_t again[DT_TAR_BLOCK];
    uint64_t size = 0, time_s = 0;

    memcpy(name, block, DT_TAR_NAME_MAX);
    name[DT_TAR_NAME_MAX] = '\0';
    if (!read_octal(block + SIZE_AT, 11, &size) || !read_octal(block + TIME_AT, 11, &time_s) ||
        dt_tar_head_encode(name, size, time_s, again) != DT_OK ||
        memcmp(block, again, sizeof again) != 0)
        return dt_fail(DT_ERR_FORMAT, "an item of the archive does not begin as it should");
    *out_size = size;
    *out_time_s = time_s;
    return DT_OK;
}
