/*
 * tests/vectors/kind_hpke.c - the RFC 9180 vectors of the suites of MLS, modes base and PSK.
 */
#include <string.h>

#include "crypto/hpke.h"

#include "vectors.h"

/* The values of one case, as bytes. */
struct values {
    struct dt_buf info, ikm_r, ikm_e, sk_r, pk_r, sk_e, pk_e, enc, psk, psk_id;
    struct dt_buf key, base_nonce, exporter_secret;
};

static void
values_clear(struct values *v)
{
    struct dt_buf *all[] = {
        &v->info, &v->ikm_r, &v->ikm_e,  &v->sk_r, &v->pk_r,       &v->sk_e,           &v->pk_e,
        &v->enc,  &v->psk,   &v->psk_id, &v->key,  &v->base_nonce, &v->exporter_secret};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        dt_buf_clear(all[i]);
}

static bool
values_read(struct vector_run *run, const json_t *c, struct values *v)
{
    struct {
        const char *field;
        struct dt_buf *out;
    } fields[] = {{"info", &v->info},
                  {"ikmR", &v->ikm_r},
                  {"ikmE", &v->ikm_e},
                  {"skRm", &v->sk_r},
                  {"pkRm", &v->pk_r},
                  {"skEm", &v->sk_e},
                  {"pkEm", &v->pk_e},
                  {"enc", &v->enc},
                  {"key", &v->key},
                  {"base_nonce", &v->base_nonce},
                  {"exporter_secret", &v->exporter_secret}};
    bool present = false;

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        dt_buf_init(fields[i].out, VEC_MAX);
        if (!vec_hex(run, c, fields[i].field, fields[i].out))
            return false;
    }
    dt_buf_init(&v->psk, VEC_MAX);
    dt_buf_init(&v->psk_id, VEC_MAX);
    return vec_hex_opt(run, c, "psk", &v->psk, &present) &&
           vec_hex_opt(run, c, "psk_id", &v->psk_id, &present);
}

static void
check_keys(struct vector_run *run, const struct dt_suite *s, const char *what,
           const struct dt_buf *ikm, const struct dt_buf *priv, const struct dt_buf *pub)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret sk = {0};
    uint8_t pk[DT_HPKE_PUB_MAX];

    if (!vec_ok(run, dt_hpke_derive_key_pair(s, dt_buf_view(ikm), &sk, pk), what))
        return;
    (void)vec_equal(run, what, dt_secret_view(&sk), dt_buf_view(priv));
    (void)vec_equal(run, what, dt_view(pk, s->kem_pub_len), dt_buf_view(pub));
    if (vec_ok(run, dt_hpke_pub(s, dt_buf_view(priv), pk), what))
        (void)vec_equal(run, what, dt_view(pk, s->kem_pub_len), dt_buf_view(pub));
}

static void
check_context(struct vector_run *run, const struct values *v, const struct dt_hpke_ctx *ctx)
{
    (void)vec_equal(run, "key", dt_secret_view(&ctx->key), dt_buf_view(&v->key));
    (void)vec_equal(run, "base_nonce", dt_view_of(ctx->base_nonce), dt_buf_view(&v->base_nonce));
    (void)vec_equal(run, "exporter_secret", dt_secret_view(&ctx->exporter_secret),
                    dt_buf_view(&v->exporter_secret));
}

static void
check_encryption(struct vector_run *run, const json_t *e, struct dt_hpke_ctx *snd,
                 struct dt_hpke_ctx *rcv)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf pt = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf ct = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = VEC_BUF;
    uint64_t seq = 0;

    if (!vec_u64(run, e, "seq", &seq) || !vec_hex(run, e, "aad", &aad) ||
        !vec_hex(run, e, "pt", &pt) || !vec_hex(run, e, "ct", &ct))
        return;
    rcv->seq = seq;
    if (vec_ok(run, dt_hpke_ctx_open(rcv, dt_buf_view(&aad), dt_buf_view(&ct), &out), "open"))
        (void)vec_equal(run, "plaintext", dt_buf_view(&out), dt_buf_view(&pt));
    out.n = 0;
    snd->seq = seq;
    if (vec_ok(run, dt_hpke_ctx_seal(snd, dt_buf_view(&aad), dt_buf_view(&pt), &out), "seal"))
        (void)vec_equal(run, "ciphertext", dt_buf_view(&out), dt_buf_view(&ct));
    /* Any change must be refused, and must not use the sequence number up. */
    ct.p[0] ^= 1;
    rcv->seq = seq;
    out.n = 0;
    (void)vec_check(run,
                    dt_hpke_ctx_open(rcv, dt_buf_view(&aad), dt_buf_view(&ct), &out) ==
                            DT_ERR_AUTH &&
                        rcv->seq == seq && out.n == 0,
                    "an altered ciphertext was not refused");
}

static void
check_export(struct vector_run *run, const json_t *e, const struct dt_hpke_ctx *ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf context = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = VEC_BUF;
    DT_CLEANUP(dt_secret_clear) struct dt_secret got = {0};
    uint64_t len = 0;

    if (vec_hex(run, e, "exporter_context", &context) && vec_u64(run, e, "L", &len) &&
        vec_hex(run, e, "exported_value", &value) &&
        vec_ok(run, dt_hpke_ctx_export(ctx, dt_buf_view(&context), (size_t)len, &got), "export"))
        (void)vec_equal(run, "export", dt_secret_view(&got), dt_buf_view(&value));
}

/* Our own single-shot seal, with a random ephemeral key, must open again; base mode only. */
static void
check_round(struct vector_run *run, const struct dt_suite *s, const struct values *v)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf ct = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf pt = VEC_BUF;
    struct dt_view aad = dt_view_str("aad");
    struct dt_view msg = dt_view_str("round");
    uint8_t enc[DT_HPKE_PUB_MAX];

    if (vec_ok(run,
               dt_hpke_seal(s, dt_buf_view(&v->pk_r), dt_buf_view(&v->info), aad, msg, enc, &ct),
               "seal") &&
        vec_ok(run,
               dt_hpke_open(s, dt_buf_view(&v->sk_r), dt_view(enc, s->kem_pub_len),
                            dt_buf_view(&v->info), aad, dt_buf_view(&ct), &pt),
               "open"))
        (void)vec_equal(run, "round trip", dt_buf_view(&pt), msg);
}

static void
run_case(struct vector_run *run, const json_t *c, const struct dt_suite *s, const struct values *v)
{
    DT_CLEANUP(dt_hpke_ctx_clear) struct dt_hpke_ctx snd = {0};
    DT_CLEANUP(dt_hpke_ctx_clear) struct dt_hpke_ctx rcv = {0};
    uint8_t enc[DT_HPKE_PUB_MAX];
    const json_t *list = NULL;
    const json_t *e;
    size_t i;

    check_keys(run, s, "receiver's keys", &v->ikm_r, &v->sk_r, &v->pk_r);
    check_keys(run, s, "ephemeral keys", &v->ikm_e, &v->sk_e, &v->pk_e);
    if (!vec_ok(run,
                dt_hpke_setup_r(s, dt_buf_view(&v->sk_r), dt_buf_view(&v->enc),
                                dt_buf_view(&v->info), dt_buf_view(&v->psk),
                                dt_buf_view(&v->psk_id), &rcv),
                "SetupR") ||
        !vec_ok(run,
                dt_hpke_setup_s(s, dt_buf_view(&v->pk_r), dt_buf_view(&v->info),
                                dt_buf_view(&v->psk), dt_buf_view(&v->psk_id),
                                dt_buf_view(&v->ikm_e), enc, &snd),
                "SetupS"))
        return;
    (void)vec_equal(run, "enc", dt_view(enc, s->kem_pub_len), dt_buf_view(&v->enc));
    check_context(run, v, &rcv);
    check_context(run, v, &snd);
    if (vec_array(run, c, "encryptions", &list) &&
        vec_check(run, json_array_size(list) > 0, "no encryption in the case"))
        json_array_foreach(list, i, e) check_encryption(run, e, &snd, &rcv);
    if (vec_array(run, c, "exports", &list))
        json_array_foreach(list, i, e) check_export(run, e, &rcv);
    check_round(run, s, v);
}

static const struct dt_suite *
find_suite(uint64_t kem, uint64_t kdf, uint64_t aead)
{
    for (uint16_t id = 1; id <= 7; id++) {
        const struct dt_suite *s = dt_suite_get(id);

        if (s != NULL && s->kem_id == kem && s->kdf_id == kdf && s->aead_id == aead)
            return s;
    }
    return NULL;
}

static void
rfc9180(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        uint64_t mode = 0, kem = 0, kdf = 0, aead = 0;

        vec_case(run, "%zu", i);
        if (vec_u64(run, c, "mode", &mode) && vec_u64(run, c, "kem_id", &kem) &&
            vec_u64(run, c, "kdf_id", &kdf) && vec_u64(run, c, "aead_id", &aead)) {
            const struct dt_suite *s = find_suite(kem, kdf, aead);
            struct values v = {0};

            if (mode > 1)
                (void)vec_skip(run, "mode %d is not implemented", (int)mode);
            else if (s == NULL)
                (void)vec_skip(run, "KEM 0x%04x, KDF 0x%04x, AEAD 0x%04x: suite not implemented",
                               (unsigned int)kem, (unsigned int)kdf, (unsigned int)aead);
            else if (values_read(run, c, &v))
                run_case(run, c, s, &v);
            values_clear(&v);
        }
        vec_end(run);
    }
}

const struct vector_file vector_files_hpke[] = {
    {.name = "rfc9180-mls-suites.json", .fn = rfc9180},
    {.name = NULL},
};
