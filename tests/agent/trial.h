/*
 * tests/agent/trial.h - a channel of three with one evil member (red), a real one whose agent is
 * driven past its own checks; and a second delegate of blue's whose admission all have approved.
 */
#ifndef DT_TESTS_AGENT_TRIAL_H
#define DT_TESTS_AGENT_TRIAL_H

#include "agent/flows.h"
#include "world.h"

struct trial {
    struct world w;
    struct dt_agent *a[4]; /* mediator, blue, red (evil), and blue's second */
    uint8_t gid[32];
    uint8_t request[16]; /* red's request to admit blue-2; all have approved */
    struct dt_admission admission;
    struct dt_buf forum;
    struct dt_buf warrant;
    struct mls_typed extensions[2];
    struct mls_typed private_use[1];
    size_t passed_over; /* Commits that the others had to pass over so far */
};

#define EVIL(t) ((t)->a[2])

int trial_set_up(void **state);
int trial_tear_down(void **state);

/* Make a Commit with ${opts}, past all checks of ours, and post it. */
void trial_post(struct trial *t, struct mls_commit_opts *opts);

/* A warrant goes with the `forum` extension advanced by it. */
void trial_use_warrant(struct trial *t, const struct dt_warrant *w, struct mls_commit_opts *opts);

/* Red's own seat; its letter's bytes are the agent's copy, so that they outlive the group. */
void trial_own_seat(struct trial *t, struct dt_seat *out);

/* The warrant of the approved admission, with these approvals. */
struct dt_warrant trial_add_ground(const struct trial *t, struct dt_view approvals);

/* The two honest agents pass it over with an alarm of ${kind} that says ${why}; nothing else
 * changes. A Commit whose sender was authenticated is an alarm that names red. */
void trial_passed_over_as(struct trial *t, uint64_t epoch, enum dt_alarm_kind kind,
                          const char *why);
void trial_passed_over(struct trial *t, uint64_t epoch, const char *why);

#endif
