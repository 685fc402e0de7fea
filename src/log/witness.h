/*
 * log/witness.h - what a witness decides, as pure functions; and evidence of a split view.
 *
 * Source: c2sp.org/tlog-witness (add-checkpoint). Layer: log. No clock, no disk, no network: the
 * program loads the state, asks here, commits the new state, and only then signs and answers.
 */
#ifndef DT_LOG_WITNESS_H
#define DT_LOG_WITNESS_H

#include "log/checkpoint.h"

/* ---- the request body of add-checkpoint ---- */

/* Parsed, nothing verified; note is borrowed. */
struct tlog_add_checkpoint {
    uint64_t old_size;
    struct tlog_path proof;
    struct dt_view note;
};

/* Parse "old N" LF, hashes, empty line, note. FORMAT, RANGE or LIMIT: answer 400. */
DT_MUST_CHECK enum dt_err tlog_add_checkpoint_parse(struct dt_view body,
                                                    struct tlog_add_checkpoint *out);
DT_MUST_CHECK enum dt_err tlog_add_checkpoint_write(const struct tlog_add_checkpoint *req,
                                                    struct dt_buf *out);

/* ---- the decision ---- */

/* The HTTP status of each verdict. */
enum tlog_witness_status {
    TLOG_WITNESS_OK = 200,        /* store the new size and root durably, then cosign */
    TLOG_WITNESS_MALFORMED = 400, /* not a request, or old size above the checkpoint's */
    TLOG_WITNESS_UNTRUSTED = 403, /* no good signature by a trusted key of the origin */
    TLOG_WITNESS_UNKNOWN = 404,   /* origin not known */
    TLOG_WITNESS_CONFLICT = 409,  /* old size is not what is stored; answer with stored size */
    TLOG_WITNESS_BAD_PROOF = 422, /* roots or proof contradict what is stored */
};

/* The last tree that the witness cosigned for an origin. Never cosigned: size 0, tlog_empty_root.
 */
struct tlog_witness_tree {
    uint64_t size;
    struct tlog_hash root;
};

struct tlog_witness_decision {
    enum tlog_witness_status status;
    bool refresh;    /* status OK, and size and root are the stored ones: only the time is new */
    bool fork;       /* two signed roots for the stored size: tlog_evidence_make() can prove it */
    const char *why; /* static text for logs and answers */
};

/**
 * tlog_witness_open(req, keys, n, out_checkpoint, out_key, out):
 * First half: parse the request's note, find the origin among ${n} trusted log ${keys}, and check
 * the signature. out->status is OK (go on with tlog_witness_decide() and the state of that origin),
 * MALFORMED, UNKNOWN or UNTRUSTED. Returns an error only for NOMEM and INTERNAL.
 */
DT_MUST_CHECK enum dt_err tlog_witness_open(const struct tlog_add_checkpoint *req,
                                            const struct tlog_vkey *keys, size_t n,
                                            struct tlog_checkpoint *out_checkpoint, size_t *out_key,
                                            struct tlog_witness_decision *out);

/* Second half: ${cp} is signed; ${stored} is what this witness last cosigned for its origin. */
void tlog_witness_decide(const struct tlog_witness_tree *stored, const struct tlog_checkpoint *cp,
                         uint64_t old_size, const struct tlog_path *proof,
                         struct tlog_witness_decision *out);

/* The signer in the bytes of a witness's key file: one line of signing key text with its LF, of
 * type 0x04. FORMAT, NOMEM. ${out} is empty on entry. The caller wipes ${text}. */
DT_MUST_CHECK enum dt_err tlog_witness_key_parse(struct dt_view text, struct tlog_signer *out);

/* ---- evidence of a split view ---- */

/*
 * Two checkpoints signed by one key that cannot both be true. Either both have one size and other
 * roots, or the larger tree provably had another root at the smaller size: old_root with a
 * consistency proof that leads to the larger checkpoint's root. A proof that merely fails shows
 * nothing, so it is not evidence.
 */
struct tlog_evidence {
    struct tlog_vkey log;
    struct dt_buf first; /* the note with the smaller (or same) size */
    struct dt_buf second;
    bool has_prefix;           /* sizes differ */
    struct tlog_hash old_root; /* what second's tree has at first's size */
    struct tlog_path proof;    /* that, shown under second's root */
};
void tlog_evidence_clear(struct tlog_evidence *e);

/* Put together and verify evidence; for one size pass NULL for ${old_root} and ${proof}. The notes
 * may come in any order. Errors as tlog_evidence_verify(). */
DT_MUST_CHECK enum dt_err tlog_evidence_make(const struct tlog_vkey *log, struct dt_view note_a,
                                             struct dt_view note_b,
                                             const struct tlog_hash *old_root,
                                             const struct tlog_path *proof,
                                             struct tlog_evidence *out);

/* DT_OK when ${e} shows that the holder of e->log signed both. The caller compares e->log with the
 * register's key. FORMAT, AUTH (a signature fails), PROOF (the two do not contradict each other).
 * ${first},
 * ${second} (may be NULL) get the checkpoints. */
DT_MUST_CHECK enum dt_err tlog_evidence_verify(const struct tlog_evidence *e,
                                               struct tlog_checkpoint *first,
                                               struct tlog_checkpoint *second);

/* The file: one encoding only. Reading does not verify. FORMAT, LIMIT, UNSUPPORTED (other label).
 */
DT_MUST_CHECK enum dt_err tlog_evidence_write(const struct tlog_evidence *e, struct dt_buf *out);
DT_MUST_CHECK enum dt_err tlog_evidence_read(struct dt_view bytes, struct tlog_evidence *out);

#endif
