/*
 * relay/signer/signer.h - who signs the registers' checkpoints: a process of its own, or this one.
 *
 * Layer: relay. The process that parses requests holds no signing key: it asks the signer, which
 * builds the checkpoint itself from register, size and root, signs nothing else, and remembers in a
 * file of its own what was signed and committed:
 *
 *     store: entries --sign(reg, size, root)--> signer: not below what it remembers; note
 *     store: commit  --confirm(reg, size, root)--> signer: remembers, before anybody is told
 *
 * What was signed for a batch that then failed was shown to nobody, and binds nothing. So a store
 * that is put back from an older copy is found out: it would have the register signed a second
 * time from where it stood.
 *
 * A tool that does not serve (grant) signs in its own process and remembers nothing.
 */
#ifndef DT_RELAY_SIGNER_H
#define DT_RELAY_SIGNER_H

#include "log/tree.h"
#include "relay/signer/seal.h"

#define RELAY_SIGN_MAX 128u /* checkpoints in one message */
#define RELAY_NOTE_MAX 512u /* a checkpoint with the register's signature alone */

struct relay_signer;

/* A checkpoint that is asked for, or that is now in the store. */
struct relay_signing {
    uint8_t reg[DT_REGISTER_ID];
    struct dt_view sealed; /* the register's seed as the store has it; borrowed */
    uint64_t size;
    struct tlog_hash root;
    struct dt_buf note; /* out of relay_signer_sign(); cleared by the caller */
};

/* Sign in this process, with the sealing ${key}. NOMEM. */
DT_MUST_CHECK enum dt_err relay_signer_local(struct dt_view key, struct relay_signer **out);

struct relay_signer_config {
    const char *store;       /* for paths, and seeds in it that are not sealed yet are */
    const char *sealing_key; /* NULL: relay_sealing_key_path() */
    const char *memory;      /* what was confirmed; NULL: the store's path and ".signed" */
};

/**
 * relay_signer_start(config, out):
 * Start the process that signs. It alone reads the sealing key. To be called before this process
 * has threads or secrets. Errors: those of relay_sealing_key_load() and of the memory (FORMAT: a
 * record in it is damaged, IO); NET when the process did not come up.
 */
DT_MUST_CHECK enum dt_err relay_signer_start(const struct relay_signer_config *config,
                                             struct relay_signer **out);

/* End the process if there is one, and free. NULL is fine. */
void relay_signer_free(struct relay_signer *s);

/* Did the process end by itself? It is not started again: this one then gets SIGTERM, to stop in
 * order. */
bool relay_signer_gone(const struct relay_signer *s);

/**
 * relay_signer_sign(s, v, n):
 * Sign ${n} checkpoints, RELAY_SIGN_MAX of them a message. One thread at a time. Errors: REFUSED
 * (one is below what was confirmed, or of the same size with another root: none is signed), AUTH
 * (its seed does not open), NET (the process is gone), LIMIT, NOMEM.
 */
DT_MUST_CHECK enum dt_err relay_signer_sign(struct relay_signer *s, struct relay_signing *v,
                                            size_t n);

/* They are in the store: remember them. Errors as relay_signer_sign(), IO. */
DT_MUST_CHECK enum dt_err relay_signer_confirm(struct relay_signer *s, struct relay_signing *v,
                                               size_t n);

/* The ${seed} of a new register, sealed. Only where signing is in this process (STATE). */
DT_MUST_CHECK enum dt_err relay_signer_seal(struct relay_signer *s,
                                            const uint8_t reg[static DT_REGISTER_ID],
                                            struct dt_view seed, struct dt_buf *out);

#endif
