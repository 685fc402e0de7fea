/*
 * agent/keep/destroy.h - keep or destroy: what is past its time is wiped from this store, and said
 * to be; nothing of what it was stays, but that it was there.
 *
 * Source: docs/protocol-channel.md "Keep or destroy", docs/protocol-agent.md likewise. Layer:
 * agent.
 *
 *     came --(rule's time, from when it came or from what it says of itself, the later)--> past
 *     past by our clock: shown no more --past by a time that somebody else gave, too--> destroyed
 */
#ifndef DT_AGENT_KEEP_DESTROY_H
#define DT_AGENT_KEEP_DESTROY_H

#include "agent/agent.h"

/**
 * dt_agent_destroy(a, by_clock_alone, out_n):
 * Destroy what is past its time: each DT_DESTROYED_ITEMS of it in one transaction, together with
 * the message that says so to its channel. ${by_clock_alone}: a person says that this machine's
 * clock is right, so that no other time is asked for. Opening a home and every sync do it without.
 * *${out_n} (may be NULL) counts them.
 */
DT_MUST_CHECK enum dt_err dt_agent_destroy(struct dt_agent *a, bool by_clock_alone, size_t *out_n);

/* The latest time that a member of another party, or a group of witnesses of one, gave: our own
 * clock has to be past it as well. 0: none was heard. */
DT_MUST_CHECK enum dt_err dt_agent_time_heard(struct dt_agent *a, uint64_t *out_ms);

enum dt_kept_what {
    DT_KEPT_TALK = 1,
    DT_KEPT_FILE,       /* pieces of one that is not all here */
    DT_KEPT_UNDERSTOOD, /* about something that is not here */
    DT_KEPT_RECORD,
    DT_KEPT_RAW /* a record of a kind that is not known here */
};

/* What is to be destroyed, the next first; ${group_id} NULL: of all channels. Owner:
 * dt_free(*out). */
struct dt_kept_info {
    enum dt_kept_what what;
    uint8_t group_id[32];
    uint8_t id[32];  /* RECORD: its commitment; RAW: its SHA-256; else 16 bytes, and zeros */
    uint64_t number; /* TALK, RECORD: as it is listed */
    uint64_t due_ms;
    bool waits; /* RECORD: past that; something is owed about it, or it has no entry yet */
};
DT_MUST_CHECK enum dt_err dt_agent_kept(struct dt_agent *a, const uint8_t *group_id,
                                        struct dt_kept_info **out, size_t *out_n);

/* Another member's word that it has destroyed something too. */
struct dt_destroyed_by {
    struct dt_person who;
    uint64_t time_ms; /* by its clock */
};
/* Those who say so of ${talk}, in the order in which they did. Owner: dt_free(*out). */
DT_MUST_CHECK enum dt_err dt_agent_destroyed_by(struct dt_agent *a,
                                                const uint8_t group_id[static 32],
                                                const struct dt_talk_info *talk,
                                                struct dt_destroyed_by **out, size_t *out_n);

/* ---- for the flows of this room ---- */

struct dt_incoming;
struct dt_destroyed_item;

/* When that is past which came at ${came_ms}, says that it is from ${stated_ms}, and is kept for
 * ${after_ms}. */
uint64_t dt_destroy_due(uint64_t came_ms, uint64_t stated_ms, uint64_t after_ms);

/* What the channel's rule says; 0: keep. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_channel_destroys(struct dt_agent *a, const uint8_t group_id[static 32],
                                              uint64_t *out_ms);

/* Have what has the row ${key}, and is of ${group_id}, destroyed when ${due_ms} is past; looked at
 * not before ${at_ms}. Inside a transaction. */
DT_MUST_CHECK enum dt_err dt_destroy_plan(struct dt_agent *a, enum dt_kept_what what,
                                          const uint8_t group_id[static 32], struct dt_view key,
                                          uint64_t due_ms, uint64_t at_ms);

/* Somebody else gave this time, or a later one is known already. Inside a transaction. */
DT_MUST_CHECK enum dt_err dt_time_note(struct dt_agent *a, uint64_t ms);

/* A member says what it has destroyed: noted beside what we have of it. */
DT_MUST_CHECK enum dt_err dt_destroyed_take(struct dt_agent *a, const struct dt_incoming *in);

/* ---- of what each file keeps (talk.c, chunk.c, understood.c) ---- */

/* The piece of talk with the row ${key} is wiped but for that it was; *${out} says which it was.
 * NOT_FOUND: it is gone already. */
DT_MUST_CHECK enum dt_err dt_talk_destroy(struct dt_agent *a, struct dt_view key,
                                          struct dt_destroyed_item *out);
/* A file of which not all came: shown as one that was destroyed. */
DT_MUST_CHECK enum dt_err dt_talk_destroyed_file(struct dt_agent *a,
                                                 const uint8_t group_id[static 32],
                                                 const uint8_t letter_hash[static 32],
                                                 uint64_t sent_ms,
                                                 const struct dt_destroyed_item *item);
/* The number by which the piece of talk with the row ${key} is listed. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_talk_number(struct dt_agent *a, struct dt_view key, uint64_t *out);
/* Is the piece of talk that ${key} said under ${id} here, and is it destroyed? */
DT_MUST_CHECK enum dt_err dt_talk_is(struct dt_agent *a, const uint8_t group_id[static 32],
                                     const uint8_t id[static 16], const uint8_t key[static 32],
                                     bool *out_here, bool *out_destroyed);
/* The pieces of the file with that id, by that sender. None is fine. */
DT_MUST_CHECK enum dt_err dt_file_wipe(struct dt_agent *a, const uint8_t group_id[static 32],
                                       const uint8_t id[static 16], const uint8_t key[static 32]);
/* The file with the row ${key}, if not all of it is here, likewise, and *${out}. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_file_destroy(struct dt_agent *a, struct dt_view key,
                                          struct dt_destroyed_item *out);
/* How that message was understood, and what was said of that. None is fine. */
DT_MUST_CHECK enum dt_err dt_understood_wipe(struct dt_agent *a, const uint8_t group_id[static 32],
                                             const uint8_t id[static 16],
                                             const uint8_t key[static 32]);
/* The one paraphrase, or word, with the row ${key}, and what was said of it. */
DT_MUST_CHECK enum dt_err dt_understood_destroy(struct dt_agent *a, struct dt_view key);

#endif
