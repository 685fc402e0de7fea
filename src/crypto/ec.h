/*
 * crypto/ec.h - the curves P-256, P-384 and P-521: checked points and scalars, and multiplication.
 *
 * Source: SEC 1 section 2.3, SP 800-186; the checks are those of RFC 9180 section 7.1.4. Layer:
 * crypto, internal. A point is 0x04 || X || Y and nothing else; a scalar is a big-endian integer of
 * fixed length, above zero and below the group's order. Length and first byte are looked at before
 * OpenSSL is, so no compressed, hybrid or infinite point reaches it.
 */
#ifndef DT_CRYPTO_EC_H
#define DT_CRYPTO_EC_H

#include "crypto/crypto.h"

enum dt_ec_curve { DT_EC_P256, DT_EC_P384, DT_EC_P521 };
#define DT_EC_CURVES  3
#define DT_EC_LEN_MAX 66  /* of a scalar or a coordinate: P-521 */
#define DT_EC_PUB_MAX 133 /* of a point */

/* For dt_crypto_init(): make the groups. False when OpenSSL lacks one. */
bool dt_ec_start(void);

/* OpenSSL's name of the group. */
const char *dt_ec_name(enum dt_ec_curve curve);

/* Bytes of a scalar, and of each coordinate of a point: 32, 48 or 66. */
size_t dt_ec_len(enum dt_ec_curve curve);

/* RANGE unless ${priv} has the right length, AUTH unless it is above zero and below the order. */
DT_MUST_CHECK enum dt_err dt_ec_priv_check(enum dt_ec_curve curve, struct dt_view priv);

/* The point of ${priv}, 1 + 2 * dt_ec_len() bytes. Errors as dt_ec_priv_check(). */
DT_MUST_CHECK enum dt_err dt_ec_pub(enum dt_ec_curve curve, struct dt_view priv, uint8_t *pub);

/* FORMAT unless ${pub} is an uncompressed point on the curve. */
DT_MUST_CHECK enum dt_err dt_ec_pub_check(enum dt_ec_curve curve, struct dt_view pub);

/* ${out} becomes the x-coordinate of ${priv} times ${pub} (RFC 9180 section 4.1: DH). RANGE or AUTH
 * for
 * ${priv} as above, AUTH when ${pub} is no point. */
DT_MUST_CHECK enum dt_err dt_ec_dh(enum dt_ec_curve curve, struct dt_view priv, struct dt_view pub,
                                   struct dt_secret *out);

/* ${bytes} as candidates for a private key: clear the bits above the order's in ${n} = dt_ec_len()
 * bytes (RFC 9180 section 7.1.3: the bitmask is 0x01 for P-521 and 0xff for the others). */
void dt_ec_mask(enum dt_ec_curve curve, uint8_t *bytes);

#endif
