/*
 * tests/agent/search.h - what stands in a home's file: rows as they are sealed there, and whether
 * they are left.
 */
#ifndef DT_TESTS_AGENT_SEARCH_H
#define DT_TESTS_AGENT_SEARCH_H

#include "world.h"

#define VALUES_MAX 64u

/* Values of rows, as they stand in the file: sealed. A value is as good as gone when no piece of it
 * is left, whatever key opens it. */
struct values {
    struct dt_buf v[VALUES_MAX];
    size_t n;
};
void values_clear(struct values *x);

/* All rows of ${table} in the home ${name}, added to ${x}. */
void values_of(const struct world *w, const char *name, const char *table, struct values *x);

/* How many of the values have a piece of 32 bytes left in the store's file or its -wal. */
size_t values_left(const struct world *w, const char *name, const struct values *x);

/* In how many rows of the open store, as they are read, ${needle} stands: key or value. */
size_t rows_with(struct dt_agent *a, struct dt_view needle);

#endif
