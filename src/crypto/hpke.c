/*
 * crypto/hpke.c - hybrid public key encryption over the KEMs of kem.h.
 *
 * Source: RFC 9180 sections 4 (labelled KDF, DHKEM), 5 (key schedule, contexts, export) and 6.
 */
#include <string.h>

#include "base/wire.h"

#include "crypto/hpke.h"
#include "crypto/kem.h"

#define MODE_BASE    0x00
#define MODE_PSK     0x01
#define SUITE_ID_MAX 10
#define PSK_MIN      32 /* RFC 9180 section 9.5 */
#define EXPAND_EXTRA 64 /* length, version, suite_id and label before the info */

/* RFC 9180 section 4.1: concat("KEM", I2OSP(kem_id, 2)); section 5.1: "HPKE" and three numbers. */
struct suite_id {
    uint8_t p[SUITE_ID_MAX];
    size_t n;
};

static struct suite_id
kem_suite_id(const struct dt_kem *kem)
{
    struct suite_id id = {{'K', 'E', 'M', (uint8_t)(kem->kem_id >> 8), (uint8_t)kem->kem_id}, 5};
    return id;
}

static struct suite_id
hpke_suite_id(const struct dt_suite *s)
{
    struct suite_id id = {{'H', 'P', 'K', 'E', (uint8_t)(s->kem_id >> 8), (uint8_t)s->kem_id,
                           (uint8_t)(s->kdf_id >> 8), (uint8_t)s->kdf_id,
                           (uint8_t)(s->aead_id >> 8), (uint8_t)s->aead_id},
                          10};
    return id;
}

/* RFC 9180 section 4: LabeledExtract. The parts are hashed in place, so no copy of ikm is made. */
static enum dt_err
labeled_extract(enum dt_hash_alg hash, const struct suite_id *id, struct dt_view salt,
                const char *label, struct dt_view ikm, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret prk = {0};
    struct dt_view parts[4] = {dt_view_str("HPKE-v1"), {id->p, id->n}, dt_view_str(label), ikm};
    enum dt_err err = dt_secret_alloc(&prk, dt_hash_len(hash));

    if (err == DT_OK)
        err = dt_hmac(hash, salt, parts, 4, prk.p);
    if (err == DT_OK)
        dt_secret_move(out, &prk);
    return err;
}

/* RFC 9180 section 4: LabeledExpand. */
static enum dt_err
labeled_expand(enum dt_hash_alg hash, const struct suite_id *id, struct dt_view prk,
               const char *label, struct dt_view info, size_t len, struct dt_secret *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf buf = DT_BUF_INIT(info.n + EXPAND_EXTRA);
    struct dt_writer w = dt_writer_init(&buf);
    enum dt_err err;

    if (len > UINT16_MAX)
        return dt_fail(DT_ERR_RANGE, "HPKE cannot expand to %zu bytes", len);
    dt_write_u16(&w, (uint16_t)len);
    dt_write_view(&w, dt_view_str("HPKE-v1"));
    dt_write_view(&w, dt_view(id->p, id->n));
    dt_write_view(&w, dt_view_str(label));
    dt_write_view(&w, info);
    err = dt_writer_end(&w);
    if (err == DT_OK)
        err = dt_hkdf_expand(hash, prk, dt_buf_view(&buf), len, out);
    return err;
}

enum dt_err
dt_kem_labeled_expand(const struct dt_kem *kem, struct dt_view prk, const char *label,
                      struct dt_view info, size_t len, struct dt_secret *out)
{
    struct suite_id id = kem_suite_id(kem);

    return labeled_expand(kem->hash, &id, prk, label, info, len, out);
}

enum dt_err
dt_hpke_derive_key_pair(const struct dt_suite *suite, struct dt_view ikm, struct dt_secret *priv,
                        uint8_t *pub)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret prk = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret sk = {0};
    struct suite_id id = kem_suite_id(suite->kem);
    enum dt_err err;

    /* RFC 9180 section 7.1.3 asks for Nsk bytes; RFC 9420 section 7.4 gives KDF.Nh, which is two
     * bytes fewer in suite 5 (64 for P-521). */
    if (ikm.n < suite->kem->priv_len && ikm.n < suite->hash_len)
        return dt_fail(DT_ERR_RANGE, "key material of %zu bytes is too short", ikm.n);
    err = labeled_extract(suite->kem->hash, &id, dt_view(NULL, 0), "dkp_prk", ikm, &prk);
    if (err == DT_OK)
        err = suite->kem->derive(suite->kem, dt_secret_view(&prk), &sk);
    if (err == DT_OK)
        err = suite->kem->pub(suite->kem, dt_secret_view(&sk), pub);
    if (err == DT_OK)
        dt_secret_move(priv, &sk);
    return err;
}

enum dt_err
dt_hpke_new_key_pair(const struct dt_suite *suite, struct dt_secret *priv, uint8_t *pub)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret ikm = {0};
    enum dt_err err = dt_secret_random(&ikm, suite->kem_priv_len);

    if (err == DT_OK)
        err = dt_hpke_derive_key_pair(suite, dt_secret_view(&ikm), priv, pub);
    return err;
}

enum dt_err
dt_hpke_pub(const struct dt_suite *suite, struct dt_view priv, uint8_t *pub)
{
    return suite->kem->pub(suite->kem, priv, pub);
}

enum dt_err
dt_hpke_pub_check(const struct dt_suite *suite, struct dt_view pub)
{
    return suite->kem->pub_check(suite->kem, pub);
}

/* RFC 9180 section 4.1: ExtractAndExpand(dh, kem_context) with kem_context = enc || pkRm. */
static enum dt_err
extract_and_expand(const struct dt_kem *kem, struct dt_view dh, const uint8_t *enc,
                   const uint8_t *pub_r, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret prk = {0};
    struct suite_id id = kem_suite_id(kem);
    uint8_t context[2 * DT_HPKE_PUB_MAX];
    enum dt_err err;

    memcpy(context, enc, kem->pub_len);
    memcpy(context + kem->pub_len, pub_r, kem->pub_len);
    err = labeled_extract(kem->hash, &id, dt_view(NULL, 0), "eae_prk", dh, &prk);
    if (err == DT_OK)
        err = labeled_expand(kem->hash, &id, dt_secret_view(&prk), "shared_secret",
                             dt_view(context, 2 * kem->pub_len), kem->secret_len, out);
    return err;
}

static enum dt_err
encap(const struct dt_suite *suite, struct dt_view pub_r, struct dt_view ikm_e, uint8_t *enc,
      struct dt_secret *shared)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret sk_e = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret dh = {0};
    enum dt_err err = suite->kem->pub_check(suite->kem, pub_r);

    if (err == DT_OK)
        err = ikm_e.n == 0 ? dt_hpke_new_key_pair(suite, &sk_e, enc)
                           : dt_hpke_derive_key_pair(suite, ikm_e, &sk_e, enc);
    if (err == DT_OK)
        err = suite->kem->dh(suite->kem, dt_secret_view(&sk_e), pub_r, &dh);
    if (err == DT_OK)
        err = extract_and_expand(suite->kem, dt_secret_view(&dh), enc, pub_r.p, shared);
    return err;
}

static enum dt_err
decap(const struct dt_suite *suite, struct dt_view priv, struct dt_view enc,
      struct dt_secret *shared)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret dh = {0};
    uint8_t pub_r[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if (enc.n != suite->kem_pub_len || suite->kem->pub_check(suite->kem, enc) != DT_OK)
        return dt_fail(DT_ERR_AUTH, "not an encapsulated key");
    err = suite->kem->pub(suite->kem, priv, pub_r);
    if (err == DT_OK)
        err = suite->kem->dh(suite->kem, priv, enc, &dh);
    if (err == DT_OK)
        err = extract_and_expand(suite->kem, dt_secret_view(&dh), enc.p, pub_r, shared);
    return err;
}

void
dt_hpke_ctx_clear(struct dt_hpke_ctx *ctx)
{
    if (ctx == NULL)
        return;
    dt_secret_clear(&ctx->key);
    dt_secret_clear(&ctx->exporter_secret);
    dt_wipe(ctx, sizeof *ctx);
}

#define INFO_PARTS_MAX 4u

enum dt_err
dt_hpke_info_hash(const struct dt_suite *suite, const struct dt_view *parts, size_t n,
                  uint8_t out[static DT_HASH_MAX])
{
    struct suite_id id = hpke_suite_id(suite);
    /* LabeledExtract("", "info_hash", info), the info where it lies. */
    struct dt_view all[3 + INFO_PARTS_MAX] = {
        dt_view_str("HPKE-v1"), {id.p, id.n}, dt_view_str("info_hash")};

    if (n > INFO_PARTS_MAX)
        return dt_fail(DT_ERR_RANGE, "an HPKE info of %zu parts", n);
    for (size_t i = 0; i < n; i++)
        all[3 + i] = parts[i];
    return dt_hmac(suite->hash, dt_view(NULL, 0), all, 3 + n, out);
}

/* RFC 9180 section 5.1: mode || psk_id_hash || info_hash. */
static enum dt_err
schedule_context(const struct dt_suite *suite, const struct suite_id *id, uint8_t mode,
                 struct dt_view info_hash, struct dt_view psk_id, uint8_t *out, size_t *out_len)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret hash = {0};
    size_t n = suite->hash_len;
    enum dt_err err;

    out[0] = mode;
    err = labeled_extract(suite->hash, id, dt_view(NULL, 0), "psk_id_hash", psk_id, &hash);
    if (err != DT_OK)
        return err;
    memcpy(out + 1, hash.p, n);
    memcpy(out + 1 + n, info_hash.p, n);
    *out_len = 1 + 2 * n;
    return DT_OK;
}

/* RFC 9180 section 5.1: KeySchedule, with VerifyPSKInputs; the info by its hash. */
static enum dt_err
key_schedule(const struct dt_suite *suite, struct dt_view shared, struct dt_view info_hash,
             struct dt_view psk, struct dt_view psk_id, struct dt_hpke_ctx *out)
{
    DT_CLEANUP(dt_hpke_ctx_clear) struct dt_hpke_ctx ctx = {.suite = suite};
    DT_CLEANUP(dt_secret_clear) struct dt_secret secret = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret nonce = {0};
    struct suite_id id = hpke_suite_id(suite);
    uint8_t context[1 + 2 * DT_HASH_MAX];
    size_t context_len = 0;
    enum dt_err err;

    if ((psk.n == 0) != (psk_id.n == 0))
        return dt_fail(DT_ERR_RANGE, "a pre-shared key and its name go together");
    if (psk.n > 0 && psk.n < PSK_MIN)
        return dt_fail(DT_ERR_RANGE, "a pre-shared key has at least %d bytes", PSK_MIN);
    err = schedule_context(suite, &id, psk.n > 0 ? MODE_PSK : MODE_BASE, info_hash, psk_id, context,
                           &context_len);
    if (err == DT_OK)
        err = labeled_extract(suite->hash, &id, shared, "secret", psk, &secret);
    if (err == DT_OK)
        err = labeled_expand(suite->hash, &id, dt_secret_view(&secret), "key",
                             dt_view(context, context_len), suite->key_len, &ctx.key);
    if (err == DT_OK)
        err = labeled_expand(suite->hash, &id, dt_secret_view(&secret), "base_nonce",
                             dt_view(context, context_len), suite->nonce_len, &nonce);
    if (err == DT_OK)
        err = labeled_expand(suite->hash, &id, dt_secret_view(&secret), "exp",
                             dt_view(context, context_len), suite->hash_len, &ctx.exporter_secret);
    if (err != DT_OK)
        return err;
    memcpy(ctx.base_nonce, nonce.p, sizeof ctx.base_nonce);
    dt_hpke_ctx_clear(out);
    *out = ctx;
    /* its secrets are the caller's now */
    /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): cleared on leaving */
    ctx = (struct dt_hpke_ctx){0};
    return DT_OK;
}

enum dt_err
dt_hpke_setup_s(const struct dt_suite *suite, struct dt_view pub, struct dt_view info,
                struct dt_view psk, struct dt_view psk_id, struct dt_view ikm_e, uint8_t *enc,
                struct dt_hpke_ctx *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret shared = {0};
    uint8_t fresh[DT_HPKE_PUB_MAX];
    uint8_t hash[DT_HASH_MAX];
    enum dt_err err = encap(suite, pub, ikm_e, fresh, &shared);

    if (err == DT_OK)
        err = dt_hpke_info_hash(suite, &info, 1, hash);
    if (err == DT_OK)
        err = key_schedule(suite, dt_secret_view(&shared), dt_view(hash, suite->hash_len), psk,
                           psk_id, out);
    if (err == DT_OK)
        memcpy(enc, fresh, suite->kem_pub_len);
    return err;
}

enum dt_err
dt_hpke_setup_r(const struct dt_suite *suite, struct dt_view priv, struct dt_view enc,
                struct dt_view info, struct dt_view psk, struct dt_view psk_id,
                struct dt_hpke_ctx *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret shared = {0};
    uint8_t hash[DT_HASH_MAX];
    enum dt_err err = decap(suite, priv, enc, &shared);

    if (err == DT_OK)
        err = dt_hpke_info_hash(suite, &info, 1, hash);
    if (err == DT_OK)
        err = key_schedule(suite, dt_secret_view(&shared), dt_view(hash, suite->hash_len), psk,
                           psk_id, out);
    return err;
}

/* RFC 9180 section 5.2: base_nonce xor I2OSP(seq, Nn). LIMIT before a nonce could come twice. */
static enum dt_err
next_nonce(const struct dt_hpke_ctx *ctx, uint8_t nonce[static 12])
{
    if (ctx->seq == UINT64_MAX)
        return dt_fail(DT_ERR_LIMIT, "the encryption context is used up");
    memcpy(nonce, ctx->base_nonce, 12);
    for (size_t i = 0; i < 8; i++)
        nonce[11 - i] ^= (uint8_t)(ctx->seq >> (8 * i));
    return DT_OK;
}

enum dt_err
dt_hpke_ctx_seal(struct dt_hpke_ctx *ctx, struct dt_view aad, struct dt_view plain,
                 struct dt_buf *out)
{
    uint8_t nonce[12];
    enum dt_err err = next_nonce(ctx, nonce);

    if (err == DT_OK)
        err = dt_aead_seal(ctx->suite->aead, dt_secret_view(&ctx->key), dt_view_of(nonce), aad,
                           plain, out);
    if (err == DT_OK)
        ctx->seq++;
    return err;
}

enum dt_err
dt_hpke_ctx_open(struct dt_hpke_ctx *ctx, struct dt_view aad, struct dt_view sealed,
                 struct dt_buf *out)
{
    uint8_t nonce[12];
    enum dt_err err = next_nonce(ctx, nonce);

    if (err == DT_OK)
        err = dt_aead_open(ctx->suite->aead, dt_secret_view(&ctx->key), dt_view_of(nonce), aad,
                           sealed, out);
    if (err == DT_OK)
        ctx->seq++;
    return err;
}

/* RFC 9180 section 5.3. */
enum dt_err
dt_hpke_ctx_export(const struct dt_hpke_ctx *ctx, struct dt_view exporter_context, size_t len,
                   struct dt_secret *out)
{
    struct suite_id id = hpke_suite_id(ctx->suite);

    return labeled_expand(ctx->suite->hash, &id, dt_secret_view(&ctx->exporter_secret), "sec",
                          exporter_context, len, out);
}

enum dt_err
dt_hpke_seal(const struct dt_suite *suite, struct dt_view pub, struct dt_view info,
             struct dt_view aad, struct dt_view plain, uint8_t *enc, struct dt_buf *ct)
{
    DT_CLEANUP(dt_hpke_ctx_clear) struct dt_hpke_ctx ctx = {0};
    const struct dt_view none = {NULL, 0};
    uint8_t fresh[DT_HPKE_PUB_MAX];
    enum dt_err err = dt_hpke_setup_s(suite, pub, info, none, none, none, fresh, &ctx);

    if (err == DT_OK)
        err = dt_hpke_ctx_seal(&ctx, aad, plain, ct);
    if (err == DT_OK)
        memcpy(enc, fresh, suite->kem_pub_len);
    return err;
}

enum dt_err
dt_hpke_seal_hashed(const struct dt_suite *suite, struct dt_view pub, struct dt_view info_hash,
                    struct dt_view aad, struct dt_view plain, uint8_t *enc, struct dt_buf *ct)
{
    DT_CLEANUP(dt_hpke_ctx_clear) struct dt_hpke_ctx ctx = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret shared = {0};
    const struct dt_view none = {NULL, 0};
    uint8_t fresh[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if (info_hash.n != suite->hash_len)
        return dt_fail(DT_ERR_RANGE, "the hash of an HPKE info of %zu bytes", info_hash.n);
    err = encap(suite, pub, none, fresh, &shared);
    if (err == DT_OK)
        err = key_schedule(suite, dt_secret_view(&shared), info_hash, none, none, &ctx);
    if (err == DT_OK)
        err = dt_hpke_ctx_seal(&ctx, aad, plain, ct);
    if (err == DT_OK)
        memcpy(enc, fresh, suite->kem_pub_len);
    return err;
}

enum dt_err
dt_hpke_open(const struct dt_suite *suite, struct dt_view priv, struct dt_view enc,
             struct dt_view info, struct dt_view aad, struct dt_view ct, struct dt_buf *out)
{
    DT_CLEANUP(dt_hpke_ctx_clear) struct dt_hpke_ctx ctx = {0};
    const struct dt_view none = {NULL, 0};
    enum dt_err err = dt_hpke_setup_r(suite, priv, enc, info, none, none, &ctx);

    if (err == DT_OK)
        err = dt_hpke_ctx_open(&ctx, aad, ct, out);
    return err;
}
