/*
 * tests/mls/rows.h - what a database would do with a group saved in parts (mls/saved.h).
 */
#ifndef DT_TESTS_MLS_ROWS_H
#define DT_TESTS_MLS_ROWS_H

#include "mls/saved.h"

struct row {
    uint8_t id[MLS_PART_ID];
    struct dt_buf body;
};

struct rows {
    struct row *v;
    size_t n;
};
void rows_clear(struct rows *r);

/* One transaction: put and delete what ${parts} say. Returns how many bytes of ids and bodies were
 * put. */
size_t rows_apply(struct rows *r, const struct mls_parts *parts);

/* The group of the rows. */
enum dt_err rows_load(const struct rows *r, struct mls_group **out);

#endif
