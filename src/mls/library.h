/*
 * mls/library.h - what a program of its own needs before it has a group: start, version, suites,
 * signature keys.
 *
 * Source: RFC 9420 section 5.1. Layer: mls (base and crypto below). Rooms of detente use crypto
 * directly; this is for those who have libmls alone.
 */
#ifndef DT_MLS_LIBRARY_H
#define DT_MLS_LIBRARY_H

#include "crypto/secret.h"

/* The library's version, as "1.2.3" (semantic versioning 2.0.0): what was compiled in, for a
 * program that was built against another. Static. */
const char *mls_version(void);

/* Must run once before anything else; again is fine, from any thread. INTERNAL (the cryptographic
 * libraries do not start). */
DT_MUST_CHECK enum dt_err mls_init(void);

/* A cipher suite of RFC 9420 section 17.1. All sizes in bytes. */
struct mls_suite_info {
    uint16_t id;
    const char *name; /* its name there; static */
    size_t hash_len;  /* of hashes, authenticators and most secrets */
    size_t signature_pub_len;
    size_t signature_priv_len; /* Ed25519, Ed448: the seed; ECDSA: a big-endian integer */
    bool malleable;            /* its signatures can be changed into others without the key */
};

/* What suite ${id} is; false when it is not known here. */
bool mls_suite_info(uint16_t id, struct mls_suite_info *out);

/* A new signature key pair for ${suite}: ${priv} becomes the private key, the public one is
 * appended to ${pub}. Errors: UNSUPPORTED (suite), NOMEM, IO (no randomness), LIMIT. */
DT_MUST_CHECK enum dt_err mls_signature_key_new(uint16_t suite, struct dt_secret *priv,
                                                struct dt_buf *pub);

/* Append the public key of ${priv} to ${pub}. Errors as above, and RANGE (not a private key). */
DT_MUST_CHECK enum dt_err mls_signature_key_pub(uint16_t suite, struct dt_view priv,
                                                struct dt_buf *pub);

#endif
