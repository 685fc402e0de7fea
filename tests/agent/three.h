/*
 * tests/agent/three.h - homes of three parties, as a rule with a plenary in which all are
 * confirmed; and what tests ask of them.
 */
#ifndef DT_TESTS_AGENT_THREE_H
#define DT_TESTS_AGENT_THREE_H

#include "agent/talk/receipt_internal.h"
#include "crooked.h"
#include "world.h"

struct three {
    struct world w;
    struct dt_agent *a[4]; /* envoy (mediator), blue-1, red-1; and a fourth, where there is one */
    uint8_t gid[32];
};

/* The homes, which have each other's letters, and no channel. */
int three_homes(void **state);
/* ... and a second delegate of blue's as the fourth. */
int three_and_second(void **state);
/* The homes, and a plenary. */
int three_set_up(void **state);
int three_tear_down(void **state);

/* The witnesses of all parties cosign what the register holds. */
void three_cosign(struct three *t);

/* Red's home as it is now, kept under ${name}; red goes on. */
void three_keep(struct three *t, const char *name);
/* Red's home is gone; what was kept under ${name} takes its place. */
void three_put_back(struct three *t, const char *name);

/* ${a} is in the channel of three, confirmed, and has nothing left to do in it. */
void three_is_back(struct dt_agent *a, const uint8_t gid[static 32]);

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
