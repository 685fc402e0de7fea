/*
 * tests/vectors/kind_tlog.c - the table of the register's vector files.
 */
#include "vectors.h"

const struct vector_file vector_files_tlog[] = {
    {.name = "ed25519_edge.json", .fn = vec_ed25519_edge},
    {.name = NULL},
};
