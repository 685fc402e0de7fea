/*
 * tests/vectors/kind_mls.c - the table of the RFC 9420 vector files.
 */
#include "vectors.h"

const struct vector_file vector_files_mls[] = {
    {.name = NULL},
};
