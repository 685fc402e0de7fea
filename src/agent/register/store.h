/*
 * agent/register/store.h - where the agent keeps its copy of the register; for register*.c alone.
 *
 * Layer: agent.
 *
 * Table "register": "tree" -> size and frontier; parent "bundles", seq n -> entries 256n.. as 33
 * bytes each; "slots": slots.h.
 * Table "register_seal": seal -> index.
 * Table "register_submit": submit.h.
 * Table "register_note": parent "held", "attested", "final", seq = tree size -> signed note.
 * Table "register_group": place of the party -> size and time of its largest cosignature seen.
 * Table "register_evidence": SHA-256 of it, seq -> an evidence file (docs/protocol-register.md).
 */
#ifndef DT_AGENT_REGISTER_STORE_H
#define DT_AGENT_REGISTER_STORE_H

#include "agent/core.h"
#include "agent/register/register.h"
#include "log/policy.h"
#include "log/tile.h"
#include "net/relay_client.h"

#define DT_CLOCK_TOLERANCE_MS   (5 * DT_MS_MINUTE)  /* DESIGN: more than this is flagged */
#define DT_REGISTER_ENTRIES_MAX (UINT64_C(1) << 24) /* entries an agent takes in */

/* The policy of the charter that asks for ${kind}. Clear with tlog_policy_clear(). */
DT_MUST_CHECK enum dt_err dt_register_policy(struct dt_agent *a, enum dt_policy_kind kind,
                                             struct tlog_policy *out);

/* The tree held here; all zero when nothing was taken in yet. */
DT_MUST_CHECK enum dt_err dt_register_tree(struct dt_agent *a, struct tlog_frontier *out);
DT_MUST_CHECK enum dt_err dt_register_tree_put(struct dt_agent *a, const struct tlog_frontier *f);

/* How far a group has cosigned, as far as we saw. */
struct dt_group_mark {
    uint64_t size;
    uint64_t time_ms;
    uint64_t off_ms;    /* by how much that time cannot be; 0: it can */
    bool ahead;         /* its clock is ahead of ours, not behind */
    uint64_t behind_ms; /* when we first saw that there is more, by our clock; 0: there is not */
};
DT_MUST_CHECK enum dt_err dt_group_mark_get(struct dt_agent *a, const char *group,
                                            struct dt_group_mark *out); /* NOT_FOUND */

/* The newest held checkpoint shown to us now has ${size} entries; before
 * dt_register_note_groups(). */
DT_MUST_CHECK enum dt_err dt_register_seen(struct dt_agent *a, uint64_t size);

/* Remember how far each group has cosigned, by what a note shows that was judged as ${state}. */
DT_MUST_CHECK enum dt_err dt_register_note_groups(struct dt_agent *a, const struct tlog_policy *p,
                                                  const struct tlog_policy_state *state);

/* After dt_register_note_groups() of all that was fetched: since when is each group behind the
 * largest register that was shown to us? A transaction of its own. */
DT_MUST_CHECK enum dt_err dt_register_note_behind(struct dt_agent *a);

/* The bundle with the lowest number from ${n} on, entries as 33 bytes each; NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_register_bundle_next(struct dt_agent *a, uint64_t n,
                                                  struct dt_store_row *out);
/* Replace bundle ${n}; empty: it goes. */
DT_MUST_CHECK enum dt_err dt_register_bundle_put(struct dt_agent *a, uint64_t n,
                                                 struct dt_view entries);
/* The first ${n} entries held here, appended to ${out}. */
DT_MUST_CHECK enum dt_err dt_register_entries(struct dt_agent *a, uint64_t n, struct dt_buf *out);

/* The policy of ${kind} of the register, in force or ended, that ${note} is of. */
DT_MUST_CHECK enum dt_err dt_register_policy_of(struct dt_agent *a, enum dt_policy_kind kind,
                                                struct dt_view note, struct tlog_policy *out);

/* The charter as it was with the register, in force or ended, that ${note} is of. Borrowed. */
DT_MUST_CHECK enum dt_err dt_register_charter_of(struct dt_agent *a, struct dt_view note,
                                                 const struct dt_charter **out);

/* ---- entry.c ---- */

/* The index of ${seal}; NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_register_index_of(struct dt_agent *a, const uint8_t seal[static 32],
                                               uint64_t *out);

/* Of each party of the charter, for what it wrote: the earliest time at which a group other than
 * its own cosigned ${note}; 0: none did. */
DT_MUST_CHECK enum dt_err dt_register_note_times(struct dt_agent *a, struct dt_view note,
                                                 uint64_t out_ms[static DT_CHARTER_PARTIES]);

/* ---- cut.c ---- */

/* Cut our copy back to ${size} entries, and forget what only a register that ended is owed; inside
 * the transaction that takes in the amendment. */
DT_MUST_CHECK enum dt_err dt_register_cut(struct dt_agent *a, uint64_t size);

/* Leaf hashes of the first ${n} entries held here. Owner: dt_free(*out). */
DT_MUST_CHECK enum dt_err dt_register_leaves(struct dt_agent *a, uint64_t n,
                                             struct tlog_hash **out);

/* The root that our first ${size} entries have. */
DT_MUST_CHECK enum dt_err dt_register_root_at(struct dt_agent *a, uint64_t size,
                                              struct tlog_hash *out);

/**
 * dt_register_contradiction(a, http, url, theirs):
 * The checkpoint ${theirs}, signed by the register, does not fit the entries that we hold or were
 * given. Find out which: when the register's key has signed two trees, evidence of that is kept
 * (once) with an alarm; otherwise the relay has only given us wrong entries. Always an error:
 * PROOF, or what stopped the search.
 */
DT_MUST_CHECK enum dt_err dt_register_contradiction(struct dt_agent *a, struct dt_http_client *http,
                                                    const char *url, struct dt_view theirs);

/* ---- watch.c ---- */

/* The relay says that ${seal}, ours, has ${index}. */
DT_MUST_CHECK enum dt_err dt_register_acknowledged(struct dt_agent *a,
                                                   const uint8_t seal[static 32], uint64_t index);

/* An entry was taken in. */
DT_MUST_CHECK enum dt_err dt_register_arrived(struct dt_agent *a, struct dt_view seal);

/* A register of ${size} entries was shown and taken in as far as it is new; we hold ${held}. What
 * it lacks too long is told. */
DT_MUST_CHECK enum dt_err dt_register_watch(struct dt_agent *a, uint64_t size, uint64_t held);

/* Add one 33-byte entry at ${index}, the next one; ${bundle} is the present bundle and is kept by
 * the caller. */
DT_MUST_CHECK enum dt_err dt_register_entry_put(struct dt_agent *a, uint64_t index,
                                                struct dt_view entry);

/* The newest note of "held", "attested" or "final"; NOT_FOUND. ${out_size} its tree size. */
DT_MUST_CHECK enum dt_err dt_register_note_last(struct dt_agent *a, const char *which,
                                                uint64_t *out_size, struct dt_buf *out);

/* The note of the smallest tree of "attested" that holds entry ${index}; NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_register_note_first(struct dt_agent *a, uint64_t index,
                                                 uint64_t *out_size, struct dt_buf *out);

#endif
