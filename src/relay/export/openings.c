/*
 * relay/export/openings.c - what was opened to everyone, as files beside the register's.
 *
 * Source: docs/protocol-relay.md "As files". Layer: relay.
 *
 * The files first, then the index that names them: who reads it finds each. What was taken stays
 * for ever as it is, so what is there with its length is not written again, and nothing is ever
 * removed.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "crypto/crypto.h"

#include "relay/export/internal.h"

/* The file called ${name} ("<64 hex digits>"), unless it is there. */
static enum dt_err
put_opening(struct export_run *e, struct dt_view name)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_NET_OPENING_MAX);
    uint8_t hash[DT_SHA256];
    char below[2 * DT_SHA256 + 32], path[EXPORT_PATH_MAX];
    uint64_t size = 0;
    enum dt_err err;

    (void)snprintf(below, sizeof(below), "openings/%.*s.proof", (int)name.n, (const char *)name.p);
    if ((err = dt_hex_read_fixed(hash, sizeof(hash), name)) != DT_OK ||
        (err = export_path(e, below, path)) != DT_OK ||
        (err = dt_relay_store_opening_size(e->store, e->reg.id, hash, &size)) != DT_OK ||
        export_is_there(path, size))
        return err;
    if ((err = dt_relay_store_opening(e->store, e->reg.id, hash, &file)) != DT_OK)
        return err;
    return export_write(e, path, dt_buf_view(&file));
}

/* Does the file ${path} hold exactly ${want}? */
static enum dt_err
holds(const char *path, struct dt_view want, bool *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf there = DT_BUF_INIT(EXPORT_INDEX_MAX);
    enum dt_err err = dt_file_read(path, &there);

    *out = err == DT_OK && dt_view_equal(dt_buf_view(&there), want);
    return err == DT_ERR_NOT_FOUND || err == DT_ERR_LIMIT ? DT_OK : err;
}

enum dt_err
export_openings(struct export_run *e, struct dt_view index)
{
    struct dt_view rest = index, name = {0};
    char path[EXPORT_PATH_MAX];
    bool same = false;
    enum dt_err err = DT_OK;

    while (err == DT_OK && rest.n > 0 && dt_text_split(&rest, '\n', &name))
        err = put_opening(e, name);
    if (err != DT_OK || (err = export_path(e, "openings/index", path)) != DT_OK ||
        (err = holds(path, index, &same)) != DT_OK || same)
        return err;
    return export_write(e, path, index);
}
