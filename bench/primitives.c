/*
 * bench/primitives.c - the primitives alone, as the crypto room gives them to the mls room.
 *
 * Lengths are those of an ordinary message: 200 bytes of content, some 400 that are signed.
 */
#include "crypto/hpke.h"

#include "ops.h"

#define REPS 20 /* several in one sample, as a clock reading is not free either */

static uint8_t content[200];
static uint8_t signed_bytes[400];
static uint8_t info[160];
static uint8_t path_secret[DT_HASH_MAX];
static uint8_t nonce[12];

void
bench_case_clear(struct bench_case *c)
{
    dt_secret_clear(&c->sig_priv);
    dt_secret_clear(&c->hpke_priv);
    dt_secret_clear(&c->key);
    dt_buf_clear(&c->sealed);
    dt_buf_clear(&c->box);
    dt_buf_clear(&c->welcome);
    *c = (struct bench_case){0};
}

/* Keys and two ciphertexts, once. */
static enum dt_err
prepare(struct bench_case *c)
{
    const struct dt_suite *s = c->world->suite;
    const struct dt_view none = {NULL, 0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    uint8_t pub[MLS_PUB_MAX];
    enum dt_err err;

    if (c->key.n > 0)
        return DT_OK;
    dt_buf_init(&c->sealed, 4096);
    dt_buf_init(&c->box, 4096);
    if ((err = dt_suite_sig_new(s, &seed, pub)) != DT_OK ||
        (err = dt_suite_sig_ready(s, dt_secret_view(&seed), &c->sig_priv, pub)) != DT_OK ||
        (err = dt_hpke_new_key_pair(s, &c->hpke_priv, c->hpke_pub)) != DT_OK ||
        (err = dt_hpke_seal(s, dt_view(c->hpke_pub, s->kem_pub_len), dt_view_of(info), none,
                            dt_view(path_secret, s->hash_len), c->enc, &c->sealed)) != DT_OK ||
        (err = dt_secret_random(&c->key, s->key_len)) != DT_OK)
        return err;
    return dt_aead_seal(s->aead, dt_secret_view(&c->key), dt_view_of(nonce), none,
                        dt_view_of(content), &c->box);
}

static enum dt_err
sign(struct bench_case *c, struct bench_timer *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(MLS_SIG_MAX);
    enum dt_err err = prepare(c);

    t->reps = REPS;
    bench_start(t);
    for (uint32_t i = 0; err == DT_OK && i < t->reps; i++) {
        sig.n = 0;
        err = dt_suite_sign(c->world->suite, dt_secret_view(&c->sig_priv), dt_view_of(signed_bytes),
                            &sig);
    }
    bench_stop(t);
    t->bytes = sig.n;
    return err;
}

/* A fresh key and as many signatures as repetitions: how long a check takes depends on the bytes,
 * and one signature checked again and again is learned by the processor. */
static enum dt_err
verify(struct bench_case *c, struct bench_timer *t)
{
    const struct dt_suite *s = c->world->suite;
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    struct dt_buf sigs[REPS];
    uint8_t pub[MLS_PUB_MAX];
    enum dt_err err = dt_suite_sig_new(s, &priv, pub);

    for (uint32_t i = 0; i < REPS; i++) {
        dt_buf_init(&sigs[i], MLS_SIG_MAX);
        signed_bytes[0] = (uint8_t)i;
        if (err == DT_OK)
            err = dt_suite_sign(s, dt_secret_view(&priv), dt_view_of(signed_bytes), &sigs[i]);
    }
    t->reps = REPS;
    bench_start(t);
    for (uint32_t i = 0; err == DT_OK && i < t->reps; i++) {
        signed_bytes[0] = (uint8_t)i;
        err = dt_suite_verify(s, dt_view(pub, s->sig_pub_len), dt_view_of(signed_bytes),
                              dt_buf_view(&sigs[i]));
    }
    bench_stop(t);
    for (uint32_t i = 0; i < REPS; i++)
        dt_buf_clear(&sigs[i]);
    return err;
}

static enum dt_err
key_pair(struct bench_case *c, struct bench_timer *t)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    uint8_t pub[MLS_PUB_MAX];
    enum dt_err err = prepare(c);

    t->reps = REPS;
    bench_start(t);
    for (uint32_t i = 0; err == DT_OK && i < t->reps; i++)
        err = dt_hpke_new_key_pair(c->world->suite, &priv, pub);
    bench_stop(t);
    t->bytes = c->world->suite->kem_pub_len;
    return err;
}

static enum dt_err
hpke_seal(struct bench_case *c, struct bench_timer *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(4096);
    const struct dt_suite *s = c->world->suite;
    uint8_t enc[MLS_PUB_MAX];
    enum dt_err err = prepare(c);

    t->reps = REPS;
    bench_start(t);
    for (uint32_t i = 0; err == DT_OK && i < t->reps; i++) {
        sealed.n = 0;
        err = dt_hpke_seal(s, dt_view(c->hpke_pub, s->kem_pub_len), dt_view_of(info),
                           dt_view(NULL, 0), dt_view(path_secret, s->hash_len), enc, &sealed);
    }
    bench_stop(t);
    t->bytes = sealed.n + s->kem_pub_len;
    return err;
}

static enum dt_err
hpke_open(struct bench_case *c, struct bench_timer *t)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(4096);
    const struct dt_suite *s = c->world->suite;
    enum dt_err err = prepare(c);

    t->reps = REPS;
    bench_start(t);
    for (uint32_t i = 0; err == DT_OK && i < t->reps; i++) {
        plain.n = 0;
        err = dt_hpke_open(s, dt_secret_view(&c->hpke_priv), dt_view(c->enc, s->kem_pub_len),
                           dt_view_of(info), dt_view(NULL, 0), dt_buf_view(&c->sealed), &plain);
    }
    bench_stop(t);
    return err;
}

static enum dt_err
aead_seal(struct bench_case *c, struct bench_timer *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(4096);
    enum dt_err err = prepare(c);

    t->reps = 10 * REPS;
    bench_start(t);
    for (uint32_t i = 0; err == DT_OK && i < t->reps; i++) {
        sealed.n = 0;
        err = dt_aead_seal(c->world->suite->aead, dt_secret_view(&c->key), dt_view_of(nonce),
                           dt_view(NULL, 0), dt_view_of(content), &sealed);
    }
    bench_stop(t);
    t->bytes = sealed.n;
    return err;
}

static enum dt_err
aead_open(struct bench_case *c, struct bench_timer *t)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(4096);
    enum dt_err err = prepare(c);

    t->reps = 10 * REPS;
    bench_start(t);
    for (uint32_t i = 0; err == DT_OK && i < t->reps; i++) {
        plain.n = 0;
        err = dt_aead_open(c->world->suite->aead, dt_secret_view(&c->key), dt_view_of(nonce),
                           dt_view(NULL, 0), dt_buf_view(&c->box), &plain);
    }
    bench_stop(t);
    return err;
}

static enum dt_err
hash(struct bench_case *c, struct bench_timer *t)
{
    struct dt_view v = dt_view_of(content);
    uint8_t out[DT_HASH_MAX];
    enum dt_err err = prepare(c);

    t->reps = 10 * REPS;
    bench_start(t);
    for (uint32_t i = 0; err == DT_OK && i < t->reps; i++)
        err = dt_hash(c->world->suite->hash, &v, 1, out);
    bench_stop(t);
    return err;
}

const struct bench_op bench_primitives[] = {
    {"sign", "a signature over 400 bytes", sign, false},
    {"verify", "checking one", verify, false},
    {"key-pair", "a fresh HPKE key pair", key_pair, false},
    {"hpke-seal", "one path secret sealed", hpke_seal, false},
    {"hpke-open", "one path secret opened", hpke_open, false},
    {"aead-seal", "200 bytes sealed", aead_seal, false},
    {"aead-open", "200 bytes opened", aead_open, false},
    {"hash", "200 bytes hashed", hash, false},
};
const size_t bench_n_primitives = sizeof bench_primitives / sizeof bench_primitives[0];
