/*
 * agent/observer/state.h - what an observer has seen, in memory and in its file; for observer*.c.
 *
 * Layer: agent. The file is SQLite: one row "state" (which register; size, root and note of the
 * largest checkpoint; a register that shows less; a split view), and the rows of "shown",
 * "attested", "witnesses" and "opening" (docs/protocol-register.md, "Observers"). It holds nothing
 * secret, and nothing of it is believed unread: the note's signature is checked again.
 */
#ifndef DT_AGENT_OBSERVER_STATE_H
#define DT_AGENT_OBSERVER_STATE_H

#include "agent/observer/observer.h"
#include "db/db.h"

struct observer_opening {
    struct dt_observer_opening info;
    struct dt_buf file;
};

/* All zero with notes and evidence initialised is the state of who has seen nothing. */
struct observer_state {
    struct dt_db *db; /* NULL: kept nowhere */
    uint64_t turn;    /* grows with each save: two who save at a time are told */
    struct tlog_vkey log;
    uint64_t size;
    struct tlog_hash root;
    struct dt_buf note; /* of that tree, with its cosignatures; empty: nothing seen */
    struct dt_shown *shown;
    size_t n_shown,
        saved_shown; /* the first saved ones are in the file; the last of them may change */
    struct dt_attested *attested;
    size_t n_attested, saved_attested;
    struct dt_observed_group *groups;
    size_t n_groups;
    uint64_t behind_size, behind_since_ms;
    uint64_t split_ms;
    struct dt_buf evidence;
    struct observer_opening *openings;
    size_t n_openings, saved_openings;
};

/* Load ${path}, or begin it for ${log}; ${path} NULL: in memory alone. ${log} NULL: it must be
 * there, of any register. Errors: CONFLICT (another register), NOT_FOUND, FORMAT, IO, NOMEM. */
DT_MUST_CHECK enum dt_err observer_state_load(const char *path, const struct tlog_vkey *log,
                                              struct observer_state *out);
void observer_state_close(struct observer_state *s);

/* Everything into the file, in one transaction. STATE: another process has saved since. */
DT_MUST_CHECK enum dt_err observer_state_save(struct observer_state *s);

/* A look at ${now_ms} showed ${size} entries, no fewer than before. NOMEM. */
DT_MUST_CHECK enum dt_err observer_state_shown(struct observer_state *s, uint64_t size,
                                               uint64_t now_ms);

/* A checkpoint with its quorum; no news unless larger than the last. NOMEM. */
DT_MUST_CHECK enum dt_err observer_state_attested(struct observer_state *s,
                                                  const struct dt_attested *a);

/* The place of the group called ${name}, added if need be. NOMEM, LIMIT. */
DT_MUST_CHECK enum dt_err observer_state_group(struct observer_state *s, const char *name,
                                               size_t *out);

/* Keep an opening; takes the bytes out of ${file}. NOMEM, LIMIT. */
DT_MUST_CHECK enum dt_err observer_state_opening(struct observer_state *s,
                                                 const uint8_t hash[static 32], uint64_t now_ms,
                                                 struct dt_buf *file);

#endif
