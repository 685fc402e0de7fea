/*
 * agent/register/source.h - reading a register's files: over HTTP, or from a folder with the same
 * layout.
 *
 * Source: c2sp.org/tlog-tiles; docs/protocol-register.md "Tiles", docs/protocol-relay.md
 * "Registers". Layer: agent. What comes from a source is hostile: nothing here is checked but
 * lengths.
 */
#ifndef DT_AGENT_REGISTER_SOURCE_H
#define DT_AGENT_REGISTER_SOURCE_H

#include "log/tile.h"
#include "net/relay_client.h"

#define DT_SOURCE_PATH_MAX 4096

/* One of the two; borrows. */
struct dt_register_source {
    struct dt_http_client *http;
    const char *url; /* with http: the register's address, its last '/' or not */
    const char *dir; /* without */
};

/**
 * dt_register_source_folder(dir, origin, out):
 * Where in the folder ${dir} the register's files are: in it, or in its "r/<register id>", as an
 * export of a relay's registers lays them. Of several the one whose origin is ${origin}
 * ("register.detente/<id>"); else the only one. Its path into ${out}. Errors: USAGE (several, and
 * none is it), IO.
 */
DT_MUST_CHECK enum dt_err dt_register_source_folder(const char *dir, const char *origin,
                                                    char out[static DT_SOURCE_PATH_MAX]);

/* The file ${path} below the register ("tile/0/000", "openings/index") into ${out} (empty), which
 * sets the maximum. NOT_FOUND; else as dt_http_call() and dt_file_read(). */
DT_MUST_CHECK enum dt_err dt_register_source_file(const struct dt_register_source *src,
                                                  const char *path, struct dt_buf *out);

/* A tlog_tile_fn over a struct dt_register_source: the tile as asked for, or the full one when the
 * partial one is gone. */
enum dt_err dt_register_source_tile(void *src, const struct tlog_tile *tile, struct dt_buf *out);

/**
 * dt_register_source_entries(src, size, f, out):
 * Fetch entries [f->size, size), each of the form that this version knows, and grow ${f} by them;
 * ${out} gets them, 33 bytes each, unless it is NULL. That they lead to a signed root is for the
 * caller to see. Errors: those of the source, FORMAT, UNSUPPORTED (an entry of another kind), PROOF
 * (fewer than there must be).
 */
DT_MUST_CHECK enum dt_err dt_register_source_entries(const struct dt_register_source *src,
                                                     uint64_t size, struct tlog_frontier *f,
                                                     struct dt_buf *out);

#endif
