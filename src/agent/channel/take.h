/*
 * agent/channel/take.h - one cell on its way in: what it did so far, and how it is passed over.
 *
 * Source: docs/protocol-agent.md "Sync", "Channel". Layer: agent, internal. All of this is called
 * inside the cell's transaction.
 */
#ifndef DT_AGENT_CHANNEL_TAKE_H
#define DT_AGENT_CHANNEL_TAKE_H

#include "agent/channel/review.h"

/* What one cell did, for the end of its transaction. */
struct dt_taken {
    struct dt_agent *a;
    struct dt_channel *ch;
    const struct dt_wire_item *item;
    struct dt_sync_report *report;
    const char *refuse; /* why its content is not to be taken in: it failed before; else NULL */
    struct dt_ending *ending; /* may be NULL */
    bool new_epoch;
    bool forgot; /* past epochs were wiped from the group: as with a new one, no copy is to stay */
    struct dt_cell_shown shown;
    bool ours;             /* the cell bears our mark: this home or a copy of it sealed it */
    bool made;             /* this home did */
    uint8_t append_id[16]; /* ours and made: its row in the outbox */
    bool mute;             /* the channel is read under a state that sends nothing any more */
};

/* ---- take.c ---- */

/* The cell cannot be read as it stands, whoever posted it: passed over, and tried again in a
 * review, of which nothing more is said. The reason is the thread's last message. */
DT_MUST_CHECK enum dt_err dt_taken_unread(struct dt_taken *t, enum dt_alarm_kind kind,
                                          const char *what);

/* Pass the cell over with an alarm that names ${m} (may be NULL). The reason is the thread's last
 * message. */
DT_MUST_CHECK enum dt_err dt_taken_pass_over(struct dt_taken *t, enum dt_alarm_kind kind,
                                             const struct mls_member *m, const char *what);

/* A message of ours that this store never made: the first unmasks a restored copy. It reads on. */
DT_MUST_CHECK enum dt_err dt_taken_restored(struct dt_taken *t);

/* ---- take_message.c ---- */

/* An application message of another member. */
DT_MUST_CHECK enum dt_err dt_taken_message(struct dt_taken *t, const struct mls_event *e);

/* A message under our own name and a generation that we used. */
DT_MUST_CHECK enum dt_err dt_taken_own(struct dt_taken *t, const struct mls_event *e);

/* A message of our own leaf and keys under a generation that this state did not use. */
DT_MUST_CHECK enum dt_err dt_taken_unknown(struct dt_taken *t, const struct mls_event *e);

#endif
