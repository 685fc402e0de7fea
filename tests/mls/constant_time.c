/*
 * tests/mls/constant_time.c - no branch and no address of ours depends on a secret.
 *
 * Run under valgrind's memcheck by constant_time.py. Secrets are marked as never written: what is
 * computed from them is then as well, and memcheck reports each jump and each address that depends
 * on it. What OpenSSL and libsodium do inside is theirs (constant_time.supp). What leaves them or
 * us as public (keys, signatures, ciphertexts, tags, whether a tag holds) is marked as written by
 * the wrappers below, which the linker puts in the way of the crypto room's functions.
 *
 * A group of three through key package, join, Commits with and without a path, protect, unprotect,
 * save; suites 1, 3, 4 and 6. (ECDSA's and NIST curves' key generation draws until a candidate
 * fits, RFC 9180 section 7.1.3: that it does so again depends on what is thrown away.)
 *
 * Use: constant_time SUITE | constant_time leak
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/memcheck.h>

#include "crypto/hpke.h"
#include "crypto/suite.h"
#include "mls/group.h"
#include "mls/key_schedule.h"

/* ---- what is secret, and what is public ---- */

static void
secret(const void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

static void public(const void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}

static void
public_buf(const struct dt_buf *b)
{
    if (b->p != NULL)
    public(b->p, b->n);
}

/* Each wrapper calls the function it stands for. */
#define WRAP(type, name, params, args, after)                                                      \
    type __real_##name params;                                                                     \
    type __wrap_##name params;                                                                     \
    type __wrap_##name params                                                                      \
    {                                                                                              \
        type result = __real_##name args;                                                          \
        after;                                                                                     \
        return result;                                                                             \
    }

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
WRAP(enum dt_err, dt_secret_random, (struct dt_secret * s, size_t n), (s, n), secret(s->p, s->n))
WRAP(enum dt_err, dt_secret_set, (struct dt_secret * s, struct dt_view v), (s, v),
     secret(s->p, s->n))
/* Whether the shared secret is all zero is what its error tells everyone (RFC 7748 section 6.1). */
WRAP(int, crypto_scalarmult_curve25519,
     (unsigned char *q, const unsigned char *n, const unsigned char *p), (q, n, p),
     public(&result, sizeof result))
WRAP(int, sodium_is_zero, (const unsigned char *p, size_t n), (p, n),
     public(&result, sizeof result))
WRAP(bool, dt_ct_equal, (struct dt_view a, struct dt_view b), (a, b),
     public(&result, sizeof result))
WRAP(enum dt_err, dt_hpke_derive_key_pair,
     (const struct dt_suite *suite, struct dt_view ikm, struct dt_secret *priv, uint8_t *pub),
     (suite, ikm, priv, pub), public(pub, suite->kem_pub_len))
WRAP(enum dt_err, dt_hpke_new_key_pair,
     (const struct dt_suite *suite, struct dt_secret *priv, uint8_t *pub), (suite, priv, pub),
     public(pub, suite->kem_pub_len))
WRAP(enum dt_err, dt_hpke_pub, (const struct dt_suite *suite, struct dt_view priv, uint8_t *pub),
     (suite, priv, pub), public(pub, suite->kem_pub_len))
WRAP(enum dt_err, dt_hpke_seal,
     (const struct dt_suite *suite, struct dt_view pub, struct dt_view info, struct dt_view aad,
      struct dt_view plain, uint8_t *enc, struct dt_buf *ct),
     (suite, pub, info, aad, plain, enc, ct), (public(enc, suite->kem_pub_len), public_buf(ct)))
WRAP(enum dt_err, dt_hpke_seal_hashed,
     (const struct dt_suite *suite, struct dt_view pub, struct dt_view info_hash,
      struct dt_view aad, struct dt_view plain, uint8_t *enc, struct dt_buf *ct),
     (suite, pub, info_hash, aad, plain, enc, ct),
     (public(enc, suite->kem_pub_len), public_buf(ct)))
/* What is opened is parsed; its secrets are secret again once they are in a struct dt_secret. */
WRAP(enum dt_err, dt_hpke_open,
     (const struct dt_suite *suite, struct dt_view priv, struct dt_view enc, struct dt_view info,
      struct dt_view aad, struct dt_view ct, struct dt_buf *out),
     (suite, priv, enc, info, aad, ct, out), public_buf(out))
WRAP(enum dt_err, dt_aead_open,
     (enum dt_aead_alg alg, struct dt_view key, struct dt_view nonce, struct dt_view aad,
      struct dt_view sealed, struct dt_buf *out),
     (alg, key, nonce, aad, sealed, out), public_buf(out))
WRAP(enum dt_err, dt_aead_seal,
     (enum dt_aead_alg alg, struct dt_view key, struct dt_view nonce, struct dt_view aad,
      struct dt_view plain, struct dt_buf *out),
     (alg, key, nonce, aad, plain, out), public_buf(out))
WRAP(enum dt_err, dt_suite_sig_new,
     (const struct dt_suite *suite, struct dt_secret *priv, uint8_t *pub), (suite, priv, pub),
     public(pub, suite->sig_pub_len))
WRAP(enum dt_err, dt_suite_sig_pub,
     (const struct dt_suite *suite, struct dt_view priv, uint8_t *pub), (suite, priv, pub),
     public(pub, suite->sig_pub_len))
WRAP(enum dt_err, dt_suite_sig_ready,
     (const struct dt_suite *suite, struct dt_view priv, struct dt_secret *ready, uint8_t *pub),
     (suite, priv, ready, pub), public(pub, suite->sig_pub_len))
WRAP(enum dt_err, dt_suite_sign,
     (const struct dt_suite *suite, struct dt_view priv, struct dt_view msg, struct dt_buf *sig),
     (suite, priv, msg, sig), public_buf(sig))
/* Confirmation and membership tags are sent. */
WRAP(enum dt_err, mls_mac,
     (const struct dt_suite *suite, struct dt_view key, struct dt_view content, uint8_t *out),
     (suite, key, content, out), public(out, suite->hash_len))
/* Members show it to each other (RFC 9420 section 8.7). */
WRAP(struct dt_view, mls_group_epoch_authenticator, (const struct mls_group *g), (g),
     public(result.p, result.n))
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- the group ---- */

static void
must(enum dt_err err)
{
    public(&err, sizeof err);
    if (err == DT_OK)
        return;
    (void)fprintf(stderr, "constant_time: %s: %s\n", dt_err_name(err), dt_err_message());
    exit(1);
}

#define N 3

struct person {
    struct dt_secret priv;
    uint8_t pub[DT_SIG_PUB_MAX];
    struct dt_buf key_package;
    struct mls_key_bundle bundle;
    struct mls_group *group;
};

static const struct dt_suite *suite;
static struct person people[N];

static struct mls_leaf_params
leaf_of(const struct person *p)
{
    return (struct mls_leaf_params){.suite = suite->id,
                                    .signature_priv = dt_secret_view(&p->priv),
                                    .signature_pub = dt_view(p->pub, suite->sig_pub_len),
                                    .identity = dt_view_str("somebody")};
}

/* Is all of ${s} still secret? Else a mark was lost on the way, and nothing would be found. */
static void
still_secret(const struct dt_secret *s, const char *what)
{
    uint8_t bits[DT_SECRET_SLOT];

    if (!RUNNING_ON_VALGRIND)
        return;
    memset(bits, 0, sizeof bits);
    if (s->n == 0 || s->n > sizeof bits || VALGRIND_GET_VBITS(s->p, bits, s->n) != 1) {
        (void)fprintf(stderr, "constant_time: %s: its marks cannot be read\n", what);
        exit(1);
    }
    for (size_t i = 0; i < s->n; i++) {
        if (bits[i] != 0xff) {
            (void)fprintf(stderr, "constant_time: %s is not marked as secret\n", what);
            exit(1);
        }
    }
}

static void
exported_is_secret(const struct mls_group *g)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};

    must(mls_group_export(g, "test", dt_view_str("context"), 32, &s));
    still_secret(&s, "what a group exports");
}

static void
set_up(void)
{
    for (size_t i = 0; i < N; i++) {
        struct person *p = &people[i];
        struct mls_leaf_params leaf;

        must(dt_suite_sig_new(suite, &p->priv, p->pub));
        still_secret(&p->priv, "a signature key");
        dt_buf_init(&p->key_package, MLS_MESSAGE_MAX);
        leaf = leaf_of(p);
        must(mls_key_package_new(&leaf, 0, UINT64_MAX, (struct mls_typed_list){0}, &p->key_package,
                                 &p->bundle));
    }
}

/* Everybody but ${from} takes in ${message}: application data is read, a Commit taken. */
static void
deliver(size_t from, const struct dt_buf *message)
{
    for (size_t i = 0; i < N; i++) {
        struct mls_event e = {0};

        if (i == from || people[i].group == NULL)
            continue;
        must(
            mls_group_process(people[i].group, (struct mls_psk_list){0}, dt_buf_view(message), &e));
        if (e.staged != NULL) {
            must(mls_group_take(people[i].group, e.staged, 0));
            e.staged = NULL;
        }
        mls_event_clear(&e);
        exported_is_secret(people[i].group);
    }
}

static void
commit(size_t from, const struct mls_commit_opts *opts, struct mls_commit_out *out)
{
    must(mls_group_commit(people[from].group, opts, out));
    deliver(from, &out->commit);
    must(mls_group_take_pending(people[from].group, 0));
    exported_is_secret(people[from].group);
}

static void
say(size_t from)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);

    must(mls_group_protect(people[from].group, dt_view_str("aad"), dt_view_str("hello"), 9, &m));
    deliver(from, &m);
}

static void
life(void)
{
    struct mls_group_params params = {
        .group_id = dt_view_str("group"), .not_after_s = UINT64_MAX, .policy = {.past_epochs = 1}};
    struct mls_commit_out out = {0};
    struct mls_commit_opts empty = {.force_path = true};

    params.leaf = leaf_of(&people[0]);
    must(mls_group_create(&params, &people[0].group));
    exported_is_secret(people[0].group);
    for (size_t i = 1; i < N; i++) {
        struct dt_view add = dt_buf_view(&people[i].key_package);
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = i == 2};
        struct mls_join_params join = {.key_package = add,
                                       .bundle = &people[i].bundle,
                                       .signature_priv = dt_secret_view(&people[i].priv),
                                       .policy = {.past_epochs = 1}};

        commit(0, &opts, &out);
        join.welcome = dt_buf_view(&out.welcome);
        must(mls_group_join(&join, &people[i].group, NULL));
        exported_is_secret(people[i].group);
    }
    for (size_t i = 0; i < N; i++) {
        say(i);
        say(i);
        commit(i, &empty, &out);
        say((i + 1) % N);
    }
    for (size_t i = 0; i < N; i++) {
        DT_CLEANUP(dt_buf_wipe) struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);

        must(mls_group_save(people[i].group, &saved));
        mls_group_free(people[i].group);
        mls_key_bundle_clear(&people[i].bundle);
        dt_buf_clear(&people[i].key_package);
        dt_secret_clear(&people[i].priv);
    }
    mls_commit_out_clear(&out);
}

/* A branch on a secret, to see that it is found. */
static int
leak(void)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};

    must(dt_secret_random(&s, 32));
    return s.p[7] == 7 ? puts("seven") : puts("another");
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: constant_time SUITE | leak\n");
        return 2;
    }
    must(dt_crypto_init());
    if (strcmp(argv[1], "leak") == 0)
        return leak() < 0;
    suite = dt_suite_get((uint16_t)strtoul(argv[1], NULL, 10));
    if (suite == NULL)
        return 2;
    set_up();
    life();
    (void)puts("went through");
    return 0;
}
