/*
 * tests/agent/trial.h - a channel of three with one hostile member (red), a real one whose agent is
 * driven past its own checks; and a second delegate of blue's whose admission all have approved.
 *
 * What must hold after each misdeed is in trial_passed_over() and trial_goes_on(): the honest pass
 * it over, name red with position and reason, go on together, and have lost nothing.
 */
#ifndef DT_TESTS_AGENT_TRIAL_H
#define DT_TESTS_AGENT_TRIAL_H

#include "misbehave.h"
#include "world.h"

struct trial {
    struct world w;
    struct dt_agent *a[4]; /* mediator, blue, red (hostile), and blue's second */
    struct mb red;
    uint8_t gid[32];
    uint8_t request[16]; /* red's request to admit blue-2; all have approved */
    struct dt_admission admission;
    struct mb_warrant warrant;
    size_t members;     /* in the channel: the first of a[] */
    unsigned int round; /* talk is numbered, so that each piece can be counted */
    uint64_t epoch;     /* before the misdeed */
    size_t alarms[4];   /* before it */
};

#define EVIL(t) ((t)->a[2])

int trial_set_up(void **state);
int trial_tear_down(void **state);

/* Red asks to admit blue-2 into ${gid}, and the others approve. */
void trial_admission(struct trial *t, const uint8_t gid[static 32], uint8_t request[static 16]);

/* Everybody says something, and all is quiet: what is lost after this is missed. */
void trial_before(struct trial *t);

/* The last alarm of ${kind} of honest agent ${i}: about red when ${named}, at position
 * ${position} (0: any), for a reason that has ${why} in it. */
void trial_last_alarm(struct trial *t, size_t i, enum dt_alarm_kind kind, bool named,
                      uint64_t position, const char *why);

/* The honest pass over what red did ${n} times since trial_before(): no new epoch, ${n} alarms
 * more, and trial_last_alarm(). Then trial_goes_on(). */
void trial_passed_over_as(struct trial *t, size_t n, enum dt_alarm_kind kind, bool named,
                          const char *why);
/* One Commit that broke a rule. */
void trial_passed_over(struct trial *t, const char *why);

/* All members have one epoch and authenticator; a Commit of an honest one is followed by all; what
 * each said before, around and after is with each exactly once; and no alarm is raised by it. */
void trial_goes_on(struct trial *t);

/* Agent ${i} reads the channel's queue to its end, and sends nothing. */
void trial_read(struct trial *t, size_t i);

/* trial_before(), then a Commit of red's with ${opts}. */
void trial_post(struct trial *t, struct mls_commit_opts *opts);

/* mb_use_warrant() with the trial's memory. */
void trial_use_warrant(struct trial *t, const struct dt_warrant *w, struct mls_commit_opts *opts);

#endif
