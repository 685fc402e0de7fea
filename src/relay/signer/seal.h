/*
 * relay/signer/seal.h - registers' seeds, sealed at rest.
 *
 * Layer: relay. A seed lies in the store sealed with XChaCha20-Poly1305 under the relay's sealing
 * key, bound to the register's id. The key is 32 bytes in a file of its own, as 64 hex digits: who
 * has the store alone, a backup or a dump of the database, cannot sign.
 */
#ifndef DT_RELAY_SEAL_H
#define DT_RELAY_SEAL_H

#include "crypto/crypto.h"
#include "net/limits.h"

#define RELAY_SEALED_MAX (DT_XCHACHA_NONCE + DT_ED25519_SEED + DT_XCHACHA_TAG)
#define RELAY_PATH_MAX   4096u

/**
 * relay_sealing_key_path(store, given, out):
 * Where the key is: at ${given}; else, where the service manager hands over credentials and has one
 * of that name, at $CREDENTIALS_DIRECTORY/sealing-key; else beside the store, at
 * ${store}.sealing-key, for a store that is a file. ${out} holds RELAY_PATH_MAX bytes. USAGE.
 */
DT_MUST_CHECK enum dt_err relay_sealing_key_path(const char *store, const char *given,
                                                 char out[static RELAY_PATH_MAX]);

/* The key in ${path}; where nothing is there and ${make}, a new one is written, mode 0600.
 * NOT_FOUND, FORMAT, IO, NOMEM. */
DT_MUST_CHECK enum dt_err relay_sealing_key_load(const char *path, bool make,
                                                 struct dt_secret *out);

/* Append the ${seed} of register ${id}, sealed. */
DT_MUST_CHECK enum dt_err relay_seed_seal(struct dt_view key,
                                          const uint8_t id[static DT_REGISTER_ID],
                                          struct dt_view seed, struct dt_buf *out);

/* AUTH: sealed with another key, for another register, or altered. */
DT_MUST_CHECK enum dt_err relay_seed_open(struct dt_view key,
                                          const uint8_t id[static DT_REGISTER_ID],
                                          struct dt_view sealed, struct dt_secret *out);

#endif
