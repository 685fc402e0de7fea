/*
 * cli/rootfile.h - the key file of a party's root, under a passphrase, and its public line.
 *
 * Source: docs/protocol-agent.md, "Root key file". Layer: cli; no I/O.
 *
 *     detente root key 1 LF base64( Argon2id parameters, public key, sealed seed ) LF
 *     detente-root-1+<base64 of the public key> LF
 */
#ifndef DT_CLI_ROOTFILE_H
#define DT_CLI_ROOTFILE_H

#include "crypto/crypto.h"

#define DT_ROOTFILE_MAX 1024

/* A new root: both files' text appended to ${key} and ${pub}. */
DT_MUST_CHECK enum dt_err dt_rootfile_new(struct dt_view passphrase, struct dt_buf *key,
                                          struct dt_buf *pub);

/* The public key of either file's ${text}. FORMAT, UNSUPPORTED, AUTH (no key). */
DT_MUST_CHECK enum dt_err dt_rootfile_pub(struct dt_view text, uint8_t out[static DT_ED25519_PUB]);

/* The seed of a key file's ${text}. LOCKED (passphrase wrong, or file altered), FORMAT, LIMIT. */
DT_MUST_CHECK enum dt_err dt_rootfile_open(struct dt_view text, struct dt_view passphrase,
                                           struct dt_secret *seed);

#endif
