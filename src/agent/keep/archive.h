/*
 * agent/keep/archive.h - an archive: named items in a sealed file, with their count and the root of
 * the tree over them.
 *
 * Source: docs/archive.md. Layer: agent. What the items are is the exporter's affair. The root is
 * for comparing by voice; it is never signed, for it stands over talk.
 */
#ifndef DT_AGENT_KEEP_ARCHIVE_H
#define DT_AGENT_KEEP_ARCHIVE_H

#include "agent/keep/backup.h"
#include "log/tree.h"

#define DT_ARCHIVE_MAGIC "detente 1 archive\n"
#define DT_ARCHIVE_END   "end" /* the last member, which holds count and root and is no item */

/* ---- writing ---- */

struct dt_archive_out;

/* Begin the new file ${path}. Errors: those of dt_sealed_create(). Owner: dt_archive_drop(). */
DT_MUST_CHECK enum dt_err dt_archive_begin(const char *path, struct dt_view passphrase,
                                           uint64_t time_ms, struct dt_archive_out **out);

/* Add an item (dt_tar_name_ok()). RANGE, IO. */
DT_MUST_CHECK enum dt_err dt_archive_add(struct dt_archive_out *ar, const char *name,
                                         struct dt_view content);

/* Count and root, and the file is in its place. EXISTS, IO. */
DT_MUST_CHECK enum dt_err dt_archive_finish(struct dt_archive_out *ar, uint64_t *out_n,
                                            struct tlog_hash *out_root);

void dt_archive_drop(struct dt_archive_out *ar); /* NULL is fine */
void dt_archive_drop_p(struct dt_archive_out **ar);

/* ---- reading ---- */

/**
 * dt_archive_read(path, passphrase, fn, ctx, out_n, out_root):
 * Open ${path}, call ${fn} for each item in order (its views are borrowed until it returns), and
 * count and hash anew. Errors: those of dt_sealed_open(); FORMAT; PROOF (the count or root that the
 * archive says is another); that of ${fn}.
 */
DT_MUST_CHECK enum dt_err dt_archive_read(const char *path, struct dt_view passphrase,
                                          enum dt_err (*fn)(void *ctx, const char *name,
                                                            struct dt_view content),
                                          void *ctx, uint64_t *out_n, struct tlog_hash *out_root);

/* SHA-256(0x00 || name || 0x00 || content). */
DT_MUST_CHECK enum dt_err dt_archive_leaf(const char *name, struct dt_view content,
                                          struct tlog_hash *out);

#endif
