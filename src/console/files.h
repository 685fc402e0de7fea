/*
 * console/files.h - files that pages send for a command to read, and that commands write for a
 * page to fetch.
 *
 * Source: docs/console-api.md "Files". Layer: console. From any thread. Each lies in the console's
 * folder under an id that nobody chooses, until it was fetched, until a newer one needs its place,
 * or until the console stops. A command is given its path; what people see is its name.
 */
#ifndef DT_CONSOLE_FILES_H
#define DT_CONSOLE_FILES_H

#include <pthread.h>

#include "console/call.h"

struct dt_console_file {
    bool used;
    bool whole; /* an upload: all of it came; a download: the command has written it */
    uint8_t id[DT_CONSOLE_ID];
    char name[DT_CONSOLE_FILE_NAME + 1];
    uint64_t size; /* that it will have, or has */
    uint64_t have;
    uint64_t order;    /* the larger, the newer */
    unsigned int busy; /* calls that use it */
    bool dropped;      /* gone when none does */
};

struct dt_console_files {
    pthread_mutex_t lock;
    const char *folder;
    uint64_t order;
    struct dt_console_file file[DT_CONSOLE_FILES];
};

/* Make the folder, and empty it of what an earlier run left. IO. */
DT_MUST_CHECK enum dt_err dt_console_files_init(struct dt_console_files *f, const char *folder);
/* Remove all of them. */
void dt_console_files_clear(struct dt_console_files *f);

/* Begin a file of ${size} bytes. LIMIT (too large, or all are in use), FORMAT (its name), IO. */
DT_MUST_CHECK enum dt_err dt_console_upload_begin(struct dt_console_files *f, struct dt_view name,
                                                  uint64_t size,
                                                  uint8_t out_id[static DT_CONSOLE_ID]);
/* The next piece of it. NOT_FOUND, LIMIT (more than was said), IO. */
DT_MUST_CHECK enum dt_err dt_console_upload_piece(struct dt_console_files *f, struct dt_view id_hex,
                                                  struct dt_view piece, uint64_t *out_have);

/* The page wants it no more: it is gone, at once or when the call that uses it has ended. False:
 * there is none. */
bool dt_console_file_drop(struct dt_console_files *f, struct dt_view id_hex);
/* No page wants any. */
void dt_console_files_drop(struct dt_console_files *f);

/* The file, whole, appended to ${out}; then it is gone. NOT_FOUND, IO. */
DT_MUST_CHECK enum dt_err dt_console_download(struct dt_console_files *f, struct dt_view id_hex,
                                              struct dt_buf *out);

/* Put the paths of the call's files in the place of ids and names. NOT_FOUND (an id), STATE (not
 * all of it came), LIMIT. */
DT_MUST_CHECK enum dt_err dt_console_files_lend(struct dt_console_files *f,
                                                struct dt_console_call *call);
/* The call is done: what it has written can be fetched, once. */
void dt_console_files_return(struct dt_console_files *f, struct dt_console_call *call);

/* How long the download ${v} is; false: it was not written. */
bool dt_console_file_written(struct dt_console_files *f, const struct dt_console_value *v,
                             uint64_t *out_size);

#endif
