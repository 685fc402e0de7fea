/*
 * tests/agent/spans.h - stores whose spans are cut at a few rows, and what should be in them: for
 * the tests of the digest in parts.
 */
#ifndef DT_TESTS_AGENT_SPANS_H
#define DT_TESTS_AGENT_SPANS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/store/internal.h"

#define PASS dt_view_str("a long passphrase")

#define ok(expr)                                                                                   \
    do {                                                                                           \
        enum dt_err ok_err_ = (expr);                                                              \
        if (ok_err_ != DT_OK) {                                                                    \
            print_error("%s: %s (%s)\n", #expr, dt_err_message(), dt_err_place());                 \
            fail();                                                                                \
        }                                                                                          \
    } while (0)
#define is(expr, want) assert_int_equal((expr), (want))

/* Repeatable numbers below ${below}. */
extern uint64_t dice;
uint64_t roll(uint64_t below);

/* A folder of the test's own, in which homes are made; for cmocka. */
int spans_set_up(void **state);
int spans_tear_down(void **state);

/* The name of a new home, and of the store in a home. */
void new_home(char out[static 96]);
void db_path(const char *home, char out[static 128]);

/* Cut at four from now on; a home opened like that. */
struct dt_store *small_spans(struct dt_store *s);
struct dt_store *open_small(const char *home);

/* ---- what should be there ---- */

#define TABLES  3u
#define KEYS    40u
#define PARENTS 3u

extern const char *const tables[TABLES];
extern const char *const parents[PARENTS];

/* One row that there can be. */
struct wanted {
    bool there;
    uint8_t parent;
    uint64_t seq;
    uint32_t value;
};

struct model {
    struct wanted rows[TABLES][KEYS];
};

struct dt_view key_of(size_t k, uint8_t out[static 1]);
enum dt_err put(struct dt_store *s, struct model *m, size_t t, size_t k, size_t parent,
                uint64_t seq, uint32_t value);

/* AUTH or FORMAT. */
bool refuses(enum dt_err err);

/* Ask for a row in each way that there is, for a list, for all there is. How many of the answers
 * were refusals; a wrong one fails the test. */
size_t ask_row(struct dt_store *s, const struct model *m, size_t t, size_t k);
size_t ask_list(struct dt_store *s, const struct model *m, size_t t, size_t parent);
size_t ask_all(struct dt_store *s, const struct model *m);

#endif
