/*
 * crypto/ec.c - P-256, P-384 and P-521 over OpenSSL's groups.
 *
 * The groups are made once and only read afterwards. A BN_CTX is made for each use and not kept,
 * against the habit of this room: multiplication leaves copies of the scalar in its pool, which are
 * wiped when it is freed and only then.
 */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "crypto/ec.h"
#include "crypto/msan.h"

#define POINT_UNCOMPRESSED 0x04 /* SEC 1 section 2.3.3 */

static const struct {
    int nid;
    const char *name;
    size_t len;
    uint8_t mask;
} curves[DT_EC_CURVES] = {
    [DT_EC_P256] = {NID_X9_62_prime256v1, "P-256", 32, 0xff},
    [DT_EC_P384] = {NID_secp384r1, "P-384", 48, 0xff},
    [DT_EC_P521] = {NID_secp521r1, "P-521", 66, 0x01},
};

static EC_GROUP *groups[DT_EC_CURVES];

/* What one operation needs; all of it is wiped by work_clear(). */
struct work {
    BN_CTX *ctx;
    BIGNUM *k; /* the private scalar */
    BIGNUM *x;
    EC_POINT *p; /* the peer's */
    EC_POINT *r; /* the result */
};

bool
dt_ec_start(void)
{
    for (size_t i = 0; i < DT_EC_CURVES; i++) {
        groups[i] = EC_GROUP_new_by_curve_name(curves[i].nid);
        if (groups[i] == NULL)
            return false;
    }
    return true;
}

const char *
dt_ec_name(enum dt_ec_curve curve)
{
    return curves[curve].name;
}

size_t
dt_ec_len(enum dt_ec_curve curve)
{
    return curves[curve].len;
}

void
dt_ec_mask(enum dt_ec_curve curve, uint8_t *bytes)
{
    bytes[0] &= curves[curve].mask;
}

static void
work_clear(struct work *w)
{
    EC_POINT_clear_free(w->p);
    EC_POINT_clear_free(w->r);
    BN_clear_free(w->k);
    BN_clear_free(w->x);
    BN_CTX_free(w->ctx);
    /* A refused key is no error of a later TLS connection in this thread. */
    ERR_clear_error();
}

static enum dt_err
work_init(enum dt_ec_curve curve, struct work *w)
{
    enum dt_err err = dt_crypto_init();

    if (err != DT_OK)
        return err;
    w->ctx = BN_CTX_secure_new();
    w->k = BN_secure_new();
    w->x = BN_secure_new();
    w->p = EC_POINT_new(groups[curve]);
    w->r = EC_POINT_new(groups[curve]);
    if (w->ctx == NULL || w->k == NULL || w->x == NULL || w->p == NULL || w->r == NULL)
        return dt_fail(DT_ERR_NOMEM, "out of memory");
    BN_set_flags(w->k, BN_FLG_CONSTTIME);
    return DT_OK;
}

static enum dt_err
scalar_read(enum dt_ec_curve curve, struct dt_view priv, struct work *w)
{
    if (priv.n != curves[curve].len)
        return dt_fail(DT_ERR_RANGE, "a private key of %s has %zu bytes", curves[curve].name,
                       curves[curve].len);
    if (BN_bin2bn(priv.p, (int)priv.n, w->k) == NULL)
        return dt_fail(DT_ERR_NOMEM, "out of memory");
    if (BN_is_zero(w->k) || BN_cmp(w->k, EC_GROUP_get0_order(groups[curve])) >= 0)
        return dt_fail(DT_ERR_AUTH, "not a private key of %s", curves[curve].name);
    return DT_OK;
}

/* Coordinates not below the prime and points off the curve are refused by EC_POINT_oct2point(). The
 * cofactor of these curves is one, so that each point but infinity, which has no such form, is a
 * key. */
static enum dt_err
point_read(enum dt_ec_curve curve, struct dt_view pub, struct work *w)
{
    if (pub.n != 1 + 2 * curves[curve].len || pub.p[0] != POINT_UNCOMPRESSED ||
        EC_POINT_oct2point(groups[curve], w->p, pub.p, pub.n, w->ctx) != 1 ||
        EC_POINT_is_at_infinity(groups[curve], w->p) != 0 ||
        EC_POINT_is_on_curve(groups[curve], w->p, w->ctx) != 1)
        return dt_fail(DT_ERR_FORMAT, "not a public key of %s", curves[curve].name);
    return DT_OK;
}

enum dt_err
dt_ec_priv_check(enum dt_ec_curve curve, struct dt_view priv)
{
    DT_CLEANUP(work_clear) struct work w = {0};
    enum dt_err err = work_init(curve, &w);

    return err == DT_OK ? scalar_read(curve, priv, &w) : err;
}

enum dt_err
dt_ec_pub(enum dt_ec_curve curve, struct dt_view priv, uint8_t *pub)
{
    DT_CLEANUP(work_clear) struct work w = {0};
    size_t n = 1 + 2 * curves[curve].len;
    enum dt_err err = work_init(curve, &w);

    if (err == DT_OK)
        err = scalar_read(curve, priv, &w);
    if (err != DT_OK)
        return err;
    if (EC_POINT_mul(groups[curve], w.r, w.k, NULL, NULL, w.ctx) != 1 ||
        EC_POINT_point2oct(groups[curve], w.r, POINT_CONVERSION_UNCOMPRESSED, pub, n, w.ctx) != n)
        return dt_fail(DT_ERR_INTERNAL, "%s failed", curves[curve].name);
    dt_msan_wrote(pub, n);
    return DT_OK;
}

enum dt_err
dt_ec_pub_check(enum dt_ec_curve curve, struct dt_view pub)
{
    DT_CLEANUP(work_clear) struct work w = {0};
    enum dt_err err = work_init(curve, &w);

    return err == DT_OK ? point_read(curve, pub, &w) : err;
}

enum dt_err
dt_ec_dh(enum dt_ec_curve curve, struct dt_view priv, struct dt_view pub, struct dt_secret *out)
{
    DT_CLEANUP(work_clear) struct work w = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret shared = {0};
    enum dt_err err = work_init(curve, &w);

    if (err == DT_OK)
        err = scalar_read(curve, priv, &w);
    if (err == DT_OK)
        err = dt_secret_alloc(&shared, curves[curve].len);
    if (err != DT_OK)
        return err;
    if (point_read(curve, pub, &w) != DT_OK ||
        EC_POINT_mul(groups[curve], w.r, NULL, w.p, w.k, w.ctx) != 1 ||
        EC_POINT_is_at_infinity(groups[curve], w.r) != 0)
        return dt_fail(DT_ERR_AUTH, "the peer's key is not usable");
    if (EC_POINT_get_affine_coordinates(groups[curve], w.r, w.x, NULL, w.ctx) != 1 ||
        BN_bn2binpad(w.x, shared.p, (int)shared.n) != (int)shared.n)
        return dt_fail(DT_ERR_INTERNAL, "%s failed", curves[curve].name);
    dt_msan_wrote(shared.p, shared.n);
    dt_secret_move(out, &shared);
    return DT_OK;
}
