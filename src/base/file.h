/*
 * base/file.h - whole files, read with a maximum and written all or not at all.
 *
 * Layer: base. Messages name the file.
 */
#ifndef DT_BASE_FILE_H
#define DT_BASE_FILE_H

#include "base/bytes.h"

/* The whole of ${path} ("-" is standard input) into ${out}, which sets the maximum. The buffer is
 * wiped and empty on error. Errors: NOT_FOUND, IO, LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err dt_file_read(const char *path, struct dt_buf *out);

/**
 * dt_file_write(path, v, mode):
 * Replace ${path} by ${v} in one step: a temporary file in the same folder, written, synced,
 * renamed, folder synced. Afterwards the old or the new file is there whole. IO.
 */
DT_MUST_CHECK enum dt_err dt_file_write(const char *path, struct dt_view v, unsigned int mode);

/* As dt_file_write(), but EXISTS if ${path} is there (link(2), never an overwrite). For keys: 0600.
 */
DT_MUST_CHECK enum dt_err dt_file_create(const char *path, struct dt_view v, unsigned int mode);

/* The file ${from}, which is whole and synced, in the same folder, gets the name ${path}, which
 * lasts when this returns. Where a file system cannot do that in one step ${from} stays, too: the
 * caller unlinks it. EXISTS (something is at ${path}), IO; then it is not there. */
DT_MUST_CHECK enum dt_err dt_file_place(const char *from, const char *path);

/**
 * dt_file_keep(path, size, v, mode, out_new):
 * Have ${v} in a file of its own: dt_file_create() at ${path}; where that is there with other
 * content, at "NAME-2.EXT", "NAME-3.EXT" and so on. ${path}, an array of ${size}, gets the name;
 * *${out_new} is false when the file was there before. IO, LIMIT (999 others, or no room for the
 * name), NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_file_keep(char *path, size_t size, struct dt_view v, unsigned int mode,
                                       bool *out_new);

/* Make the folder ${path} with ${mode} unless it is there (parents too). IO. */
DT_MUST_CHECK enum dt_err dt_dir_make(const char *path, unsigned int mode);

/* Is there anything at ${path}? */
bool dt_file_exists(const char *path);

/* A line from descriptor ${fd} without its LF into ${out} (for --passphrase-fd). NOT_FOUND at end.
 */
DT_MUST_CHECK enum dt_err dt_fd_read_line(int fd, struct dt_buf *out);

#endif
