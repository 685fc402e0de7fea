/*
 * net/read_key.c - a register's read key in a file of its own; see grant.h. Apart from grants, so
 * that who reads none needs no JSON. Layer: net.
 */
#include "base/file.h"
#include "base/text.h"

#include "net/grant.h"

enum dt_err
dt_read_key_write(const char *path, const uint8_t key[static 32])
{
    char text[66];
    enum dt_err err;

    dt_hex_str(text, dt_view(key, 32));
    text[64] = '\n';
    err = dt_file_create(path, dt_view((const uint8_t *)text, 65), 0600);
    dt_wipe(text, sizeof(text));
    return err;
}

enum dt_err
dt_read_key_load(const char *path, uint8_t key[static 32])
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(256);
    enum dt_err err;

    if ((err = dt_file_read(path, &b)) != DT_OK)
        return err;
    if (b.n != 65 || b.p[64] != '\n' || dt_hex_read_fixed(key, 32, dt_view(b.p, 64)) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "%s: not a read key, which is 64 hex digits", path);
    return DT_OK;
}
