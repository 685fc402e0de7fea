/*
 * tests/agent/three.h - a plenary of three, all confirmed, and what tests of receipts ask it.
 */
#ifndef DT_TESTS_AGENT_THREE_H
#define DT_TESTS_AGENT_THREE_H

#include "agent/receipt_internal.h"
#include "crooked.h"
#include "world.h"

struct three {
    struct world w;
    struct dt_agent *a[3]; /* envoy (mediator), blue-1, red-1 */
    uint8_t gid[32];
};

int three_set_up(void **state);
int three_tear_down(void **state);

/* ${who} says ${text}, and syncs once. */
void three_say(struct three *t, size_t who, const char *text, uint8_t id[static 16]);

/* At how many others the talk of ${who} with ${id} has arrived; -1 when that is not known. */
int three_arrived(struct three *t, size_t who, const uint8_t id[static 16]);

/* What ${who} knows of ${other} by its receipts. */
struct dt_receipt_info three_receipts(struct three *t, size_t who, size_t other);

/* Alarms of ${kind} that ${who} has about ${other} (3: about nobody) and that say ${text}. */
size_t three_alarms(struct three *t, size_t who, enum dt_alarm_kind kind, size_t other,
                    const char *text);

/* Nobody has any alarm. */
void three_no_alarms(struct three *t);

#endif
