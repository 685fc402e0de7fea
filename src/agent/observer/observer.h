/*
 * agent/observer/observer.h - following a register with no key and no home: is it whole, does it
 * only grow, who vouches for it, what was opened.
 *
 * Source: docs/protocol-register.md, "Observers"; DESIGN "Who uses it". Layer: agent. What is made
 * of it is in instrument/observe.h.
 *
 *   checkpoint.held -> its signature, the witnesses' -> growth, from tiles -> every new entry
 *   fetched and hashed -> openings -> all that was seen in one transaction
 *
 * A register that cannot be reached, or lies, changes nothing of what was seen before.
 */
#ifndef DT_AGENT_OBSERVER_OBSERVER_H
#define DT_AGENT_OBSERVER_OBSERVER_H

#include <stdatomic.h>

#include "instrument/observe.h"
#include "log/policy.h"
#include "record/proof.h"

#define DT_OBSERVER_ENTRIES_MAX  (UINT64_C(1) << 24) /* taken in in one pass */
#define DT_OBSERVER_OPENINGS_MAX 1024u               /* kept */
#define DT_OBSERVER_OPENING_MAX  (1u << 20)          /* bytes of one */
#define DT_OBSERVER_REFUSED_MAX  16u                 /* named */

/* Borrows what it points to until dt_observer_close(). */
struct dt_observer_config {
    const char *where;   /* the register's URL, or a folder with its files, or with r/<its id> */
    const char *ca_file; /* authorities trusted, and no other; NULL: the system's */
    const uint8_t *read_key;  /* 32 bytes, where reading needs one; NULL: it does not */
    const char *state_path;   /* a small SQLite file, made if need be; NULL: nothing is kept */
    const char *evidence_dir; /* NULL: beside the state */
    const struct tlog_policy *policy;  /* of one log: its key, witnesses, groups, quorum */
    const struct dt_verify_in *proofs; /* how openings are judged; now_ms is set here */
    struct dt_clock clock;
    const atomic_bool *stop; /* when it turns true, waiting ends; may be NULL */
};

struct dt_observer;

/**
 * dt_observer_open(config, out):
 * Load what was seen so far, if anything; no network. Errors: CONFLICT (the state is of another
 * register), FORMAT (it is damaged, or none), IO, NOMEM, USAGE (config->where, or a policy of more
 * than one log).
 */
DT_MUST_CHECK enum dt_err dt_observer_open(const struct dt_observer_config *config,
                                           struct dt_observer **out);
void dt_observer_close(struct dt_observer *o);
void dt_observer_close_p(struct dt_observer **o); /* for DT_CLEANUP */

/**
 * dt_observer_pass(o):
 * Look once, and keep what was seen. A register that shows fewer entries than before is OK (see
 * dt_observer_seen()). Errors: CONFLICT (split view: now, or known since an earlier pass; the
 * evidence is kept and in a file), NET, NOT_FOUND, FORMAT, AUTH, PROOF (what is shown does not
 * hold), LIMIT, STATE (stopped), IO. After any but CONFLICT what was seen is as before.
 */
DT_MUST_CHECK enum dt_err dt_observer_pass(struct dt_observer *o);

/* Wait until there may be something new, at most ${wait_s} seconds. NET, STATE (stopped). */
DT_MUST_CHECK enum dt_err dt_observer_wait(struct dt_observer *o, unsigned int wait_s);

/* All that was seen, for the fold; cadence and late_after_ms are the caller's to set. Borrowed
 * until the next pass. */
void dt_observer_seen(const struct dt_observer *o, struct dt_observed *out);

/* Where it is looked at: config->where, or the folder in it. */
const char *dt_observer_where(const struct dt_observer *o);

/* The register's origin, and the root of the largest tree seen. */
const char *dt_observer_origin(const struct dt_observer *o);
void dt_observer_root(const struct dt_observer *o, struct tlog_hash *out);

/* Where the evidence of a split view is; NULL: there is none. */
const char *dt_observer_evidence(const struct dt_observer *o);

/* ---- openings ---- */

/* Of an opening that verified when it was first seen. */
struct dt_observer_opening {
    uint8_t hash[32]; /* SHA-256 of its file, which is its name */
    uint64_t first_ms;
    uint64_t gone_ms; /* since when it is no longer published; 0: it is */
};
size_t dt_observer_openings(const struct dt_observer *o);

/* Opening ${i}, with what it says now. Clear ${verdict}. NOMEM, INTERNAL. */
DT_MUST_CHECK enum dt_err dt_observer_opening(struct dt_observer *o, size_t i,
                                              struct dt_observer_opening *out,
                                              struct dt_verdict *verdict);

/* How many files of the last pass are no opening of this register, and why each of the first few
 * (borrowed; NULL past DT_OBSERVER_REFUSED_MAX). */
size_t dt_observer_refused(const struct dt_observer *o);
const char *dt_observer_refusal(const struct dt_observer *o, size_t i);

/* ---- the relay's own word ---- */

/* Did who serves the register say anything about the witnesses it asks? */
enum dt_observer_word {
    DT_OBSERVER_WORD_NONE = 0,
    DT_OBSERVER_WORD_READ,
    DT_OBSERVER_WORD_UNREADABLE /* an answer that is none */
};

/* A witness of the policy that the relay says it cannot get a cosignature from. Borrowed. */
struct dt_observer_trouble {
    const char *group, *name; /* as the policy has them */
    uint32_t key_id;
    const char *what;    /* "unreached", "refuses", "ahead", "unsigned", "other" */
    unsigned int status; /* of HTTP; 0: none */
    uint64_t since_ms;
};

/* Of the last pass: that, and of how many witnesses. Nothing of it is checked by anything. */
enum dt_observer_word dt_observer_word(const struct dt_observer *o, size_t *out_n);
void dt_observer_trouble(const struct dt_observer *o, size_t i, struct dt_observer_trouble *out);

/* ---- what was seen, for others ---- */

/* As dt_observer_open() and dt_observer_seen() of a state that is there, of whatever register; no
 * policy is needed, and no pass can follow. */
DT_MUST_CHECK enum dt_err dt_observer_recall(const char *state_path, struct dt_observer **out);

#endif
