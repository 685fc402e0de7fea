/*
 * tests/cli/capture.h - what a piece of the program prints to standard output or error, as bytes.
 */
#ifndef DT_TESTS_CLI_CAPTURE_H
#define DT_TESTS_CLI_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"

struct capture {
    FILE *stream;
    FILE *file;
    int saved;
};

/* From now on ${stream} goes into a file. */
static inline struct capture
capture_begin(FILE *stream)
{
    struct capture c = {.stream = stream, .file = tmpfile()};

    fflush(stream);
    c.saved = dup(fileno(stream));
    if (c.file == NULL || c.saved < 0 || dup2(fileno(c.file), fileno(stream)) < 0)
        abort();
    return c;
}

/* Put the stream right; what was printed replaces the content of ${out}, with a NUL behind it. */
static inline const char *
capture_end(struct capture *c, struct dt_buf *out)
{
    char block[4096];
    size_t n;

    fflush(c->stream);
    if (dup2(c->saved, fileno(c->stream)) < 0)
        abort();
    close(c->saved);
    rewind(c->file);
    out->n = 0;
    while ((n = fread(block, 1, sizeof block, c->file)) > 0)
        if (dt_buf_append(out, dt_view((const uint8_t *)block, n)) != DT_OK)
            abort();
    fclose(c->file);
    if (dt_buf_append(out, dt_view((const uint8_t *)"", 1)) != DT_OK)
        abort();
    out->n--;
    return (const char *)out->p;
}

#endif
