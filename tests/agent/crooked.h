/*
 * tests/agent/crooked.h - a relay in between, for one agent: it passes everything on to the real
 * one, and lies about one queue.
 */
#ifndef DT_TESTS_AGENT_CROOKED_H
#define DT_TESTS_AGENT_CROOKED_H

#include "agent/core.h"
#include "net/client.h"
#include "net/server.h"
#include "world.h"

/* What it lies about. All zero: nothing. Changed by the test only between calls of the agent. */
struct crooked {
    struct dt_http_server *server;
    struct dt_http_client *client;
    char url[64];        /* of the real one */
    uint8_t address[32]; /* of the queue that it lies about */
    uint64_t withhold;   /* this position and what follows are not shown */
    uint64_t skip;       /* this cell is left out, and what follows moves up */
    uint64_t double_at;  /* in this place the cell before is shown once more */
    uint64_t alter;      /* a bit of this cell is turned over */
    uint64_t swap;       /* this cell and the next change places */
    unsigned int times;  /* both: in so many answers that show it, then no more */
};

/* Put it between ${a} and the relay of ${w}; it lies about the present queue of ${group_id}, NULL:
 * about the inbox of ${a}. */
void crooked_start(struct crooked *x, struct world *w, struct dt_agent *a, const uint8_t *group_id);
/* The agent's next call goes to the real relay again. */
void crooked_stop(struct crooked *x, struct dt_agent *a);

#endif
