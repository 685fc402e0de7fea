/*
 * tests/instrument/due_world.h - random channels full of records, for the tests of what is due: all
 * times whole minutes, clocks wrong by hours, line tests, answers to anything, in any order.
 */
#ifndef DT_TESTS_INSTRUMENT_DUE_WORLD_H
#define DT_TESTS_INSTRUMENT_DUE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/time.h"
#include "instrument/line_spans.h"
#include "instrument/line_test.h"
#include "instrument/obligations.h"

#define MINUTE    DT_MS_MINUTE
#define N_PARTIES 4u
#define BEGIN_MS  UINT64_C(1701388800000) /* 2023-12-01: before a leap day */
#define DAYS      150u
#define ITEMS_MAX 160u
#define SLOT_MS   (6 * DT_MS_HOUR) /* of line tests that are talk */
#define SLOTS     (DAYS * 4)       /* from BEGIN_MS */
#define DEAF      N_PARTIES        /* in place of a party: we could not hear */

enum kind {
    K_BEFORE,
    K_AFTER,
    K_FOLLOW,
    K_ASK,
    K_SAY,
    K_SUM,
    K_EVERY,
    K_EACH,
    K_LINE,
    K_ANSWERS, /* receipt to consent, from here on */
    K_KINDS = K_ANSWERS + 6
};

/* One record as it was drawn, before it is an item. */
struct drawn {
    struct dt_due_item item;
    uint8_t refs[3 * 32];
    enum kind kind;
};

struct due_world {
    struct dt_templates *set;
    const struct dt_template *tmpl[K_KINDS];
    struct dt_due_channel channel[2];
    uint32_t sides;
    struct drawn drawn[ITEMS_MAX];
    size_t n;
    bool heard[2][N_PARTIES + 1][SLOTS]; /* a test of that slot was heard */
    uint64_t now_ms, until_ms;
    uint64_t random;
};

void due_world_start(struct due_world *w, uint64_t seed);
void due_world_stop(struct due_world *w);
/* Below ${n}. */
uint64_t due_random(struct due_world *w, uint64_t n);
/* A new set of records, founding times, sides, and a clock. */
void due_world_draw(struct due_world *w);
/* Another order of the same. */
void due_world_shuffle(struct due_world *w);

/* One line a obligation, sorted: what the slow reference says of the records. Owner: the caller. */
char *due_reference(const struct due_world *w);
/* The same of what the fold gives for ${s}. */
char *due_folded(const struct due_world *w, const struct dt_due_state *s);
/* Lines of an obligation, used by both; sorted and joined by due_join(). */
struct due_lines {
    char (*line)[160];
    size_t n;
};
void due_line(struct due_lines *l, enum dt_due_what what, enum dt_due_code code,
              unsigned int channel, unsigned int party, unsigned int to, const char *tmpl,
              const uint8_t *subject, const uint8_t *met_by, uint64_t by_ms, uint64_t met_ms,
              uint64_t nth, uint64_t in_row, bool unwitnessed);
char *due_join(struct due_lines *l);

#endif
