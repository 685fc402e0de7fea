/*
 * tests/base/folder.h - a test's own folder: in $TMPDIR, which is memory where tools/run-suites
 * says so, else in /tmp.
 */
#ifndef DT_TESTS_BASE_FOLDER_H
#define DT_TESTS_BASE_FOLDER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Make a new, empty folder whose name begins with ${name}; where it is goes to ${out}. False: it
 * cannot be made, or its name is longer than ${size} allows. */
static inline bool
test_folder(char *out, size_t size, const char *name)
{
    const char *in = getenv("TMPDIR");
    int n = snprintf(out, size, "%s/dt-%s-XXXXXX", in != NULL && in[0] != '\0' ? in : "/tmp", name);

    return n > 0 && (size_t)n < size && mkdtemp(out) != NULL;
}

#endif
