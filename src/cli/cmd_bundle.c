/*
 * cli/cmd_bundle.c - detente bundle export | import: a channel's cells for a very poor link.
 *
 * Source: docs/protocol-carried.md "Bundles". Layer: cli.
 */
#include <stdio.h>
#include <string.h>

#include "agent/sync/bundles.h"
#include "base/file.h"
#include "base/text.h"

#include "cli/commands.h"

/* ${bytes} to --out FILE; "-" is standard output. */
static enum dt_err
put_out(const char *path, struct dt_view bytes)
{
    if (strcmp(path, "-") != 0)
        return dt_file_write(path, bytes, 0600);
    return fwrite(bytes.p, 1, bytes.n, cli_out()) == bytes.n && fflush(cli_out()) == 0
               ? DT_OK
               : dt_fail(DT_ERR_IO, "the bundle could not be written out");
}

static enum dt_err
which(const struct cli *c, enum dt_bundle_kind *out_kind, uint64_t *out_since)
{
    bool since = cli_has(c, "since"), outgoing = cli_has(c, "outgoing"), ack = cli_has(c, "ack");

    if (since + outgoing + ack != 1)
        return dt_fail(DT_ERR_USAGE, "detente bundle export needs one of --since N, --outgoing and "
                                     "--ack");
    *out_kind = since ? DT_BUNDLE_CELLS : outgoing ? DT_BUNDLE_OUTGOING : DT_BUNDLE_ACK;
    return since ? cli_number(c, "since", 0, UINT32_MAX, out_since) : DT_OK;
}

enum dt_err
cmd_bundle_export(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_BUNDLE_MAX);
    enum dt_bundle_kind kind = DT_BUNDLE_ACK;
    const char *out = NULL;
    uint8_t group_id[32];
    uint64_t since = 0;
    size_t n = 0;
    enum dt_err err;

    if ((err = which(c, &kind, &since)) != DT_OK || (err = cli_need(c, "out", &out)) != DT_OK ||
        (err = cli_channel(c, c->n_operands > 0 ? c->operand[0] : NULL, group_id)) != DT_OK ||
        (err = dt_agent_bundle_export(c->agent, group_id, kind, since, cli_has(c, "unpadded"), &b,
                                      &n)) != DT_OK ||
        (err = put_out(out, dt_buf_view(&b))) != DT_OK)
        return err;
    if (c->json && strcmp(out, "-") != 0) {
        json_t *o = json_object();

        cli_put_u64(o, "bytes", b.n);
        cli_put_u64(o, "cells", n);
        return cli_json(o);
    }
    cli_note(c, "%zu bytes, %zu cells", b.n, n);
    return DT_OK;
}

enum dt_err
cmd_bundle_import(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_BUNDLE_MAX);
    struct dt_bundle_report r = {0};
    enum dt_err err;

    if ((err = cli_file(c->operand[0], &b)) != DT_OK ||
        (err = dt_agent_bundle_import(c->agent, dt_buf_view(&b), &r)) != DT_OK)
        return dt_fail_context(err, "%s", c->operand[0]);
    if (c->json) {
        json_t *o = json_object();

        cli_put(o, "kind",
                r.kind == DT_BUNDLE_CELLS      ? "cells"
                : r.kind == DT_BUNDLE_OUTGOING ? "outgoing"
                                               : "ack");
        cli_put_hex(o, "group_id", dt_view_of(r.group_id));
        cli_put_u64(o, "cells", r.cells);
        cli_put_u64(o, "taken", r.taken);
        cli_put_u64(o, "position", r.position);
        return cli_json(o);
    }
    if (r.kind == DT_BUNDLE_CELLS)
        cli_print("%zu of %zu cells taken in; read up to position %llu\n", r.taken, r.cells,
                  (unsigned long long)r.position);
    else if (r.kind == DT_BUNDLE_OUTGOING)
        cli_print("%zu cells handed to the relay; their author has read up to position %llu\n",
                  r.taken, (unsigned long long)r.position);
    else
        cli_print("the other side has read up to position %llu\n", (unsigned long long)r.position);
    return DT_OK;
}
