/*
 * fuzz/mls/fuzz_group_join.c - joining from a Welcome that was altered: as it is, or in its
 * GroupSecrets, or in its GroupInfo, each signed, tagged and sealed again with the real keys.
 *
 * First byte: which of them (0 to 2); then edits of four bytes: place, kind, value.
 */
#include <string.h>

#include "crypto/hpke.h"
#include "mls/group_internal.h"
#include "mls/label.h"
#include "mls/welcome.h"

#include "../edits.h"
#include "fuzz_mls.h"

static struct dt_secret ada_sig, dan_sig;
static uint8_t ada_pub[32], dan_pub[32];
static struct dt_buf kp;
static struct mls_key_bundle bundle;
static struct dt_buf welcome; /* the MLSMessage */
static struct dt_buf secrets; /* the GroupSecrets for dan */
static struct dt_buf info;    /* the GroupInfo */
static uint8_t ref[32];
static struct dt_buf authenticator;

static void
must(bool good)
{
    if (!good) {
        (void)fprintf(stderr, "%s: %s\n", dt_err_place(), dt_err_message());
        abort();
    }
}

static struct mls_leaf_params
leaf_of(const struct dt_secret *sig, const uint8_t pub[static 32], const char *name)
{
    return (struct mls_leaf_params){.suite = 1,
                                    .signature_priv = dt_secret_view(sig),
                                    .signature_pub = dt_view(pub, 32),
                                    .identity = dt_view_str(name)};
}

static void
key_package(const struct dt_secret *sig, const uint8_t pub[static 32], const char *name,
            struct dt_buf *out, struct mls_key_bundle *b)
{
    struct mls_leaf_params leaf = leaf_of(sig, pub, name);

    must(mls_key_package_new(&leaf, 0, 4000000000u, (struct mls_typed_list){NULL, 0}, out, b) ==
         DT_OK);
}

/* welcome_secret from the GroupSecrets ${plain}; false when they are none. */
static bool
welcome_secret(const struct dt_suite *suite, struct dt_view plain, struct dt_secret *joiner,
               struct dt_secret *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf copy = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_group_secrets_clear) struct mls_group_secrets gs = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret psk = {0};

    return dt_buf_set(&copy, plain) == DT_OK && mls_group_secrets_parse(&copy, &gs) == DT_OK &&
           dt_secret_set(joiner, gs.joiner_secret) == DT_OK &&
           mls_psk_secret(suite, NULL, 0, &psk) == DT_OK &&
           mls_welcome_secret(suite, gs.joiner_secret, dt_secret_view(&psk), out) == DT_OK;
}

/* What the Welcome holds for dan. */
static void
open_welcome(const struct dt_suite *suite)
{
    DT_CLEANUP(mls_key_package_unref_p) struct mls_key_package *p = NULL;
    DT_CLEANUP(dt_secret_clear) struct dt_secret ws = {0}, joiner = {0};
    struct mls_encrypted_group_secrets entry;
    struct mls_welcome w;
    struct dt_view body;

    must(mls_message_body(dt_buf_view(&kp), MLS_WIRE_KEY_PACKAGE, &body) == DT_OK);
    must(mls_key_package_parse(body, &p) == DT_OK);
    must(mls_key_package_hash(suite, p, ref) == DT_OK);
    must(mls_message_body(dt_buf_view(&welcome), MLS_WIRE_WELCOME, &body) == DT_OK);
    must(mls_welcome_parse(body, &w) == DT_OK);
    must(mls_welcome_find(&w, dt_view_of(ref), &entry));
    must(mls_decrypt_with_label(suite, dt_secret_view(&bundle.init_priv), "Welcome",
                                w.encrypted_group_info, &entry.sealed, &secrets) == DT_OK);
    must(welcome_secret(suite, dt_buf_view(&secrets), &joiner, &ws));
    must(mls_welcome_open_info(suite, dt_secret_view(&ws), w.encrypted_group_info, &info) == DT_OK);
}

static void
set_up(const struct dt_suite *suite)
{
    DT_CLEANUP(mls_group_free_p) struct mls_group *g = NULL;
    struct mls_group_params params = {
        .group_id = dt_view_str("join"), .not_after_s = 4000000000u, .policy = {.past_epochs = 2}};

    must(dt_ed25519_new(&ada_sig, ada_pub) == DT_OK && dt_ed25519_new(&dan_sig, dan_pub) == DT_OK);
    dt_buf_init(&kp, MLS_MESSAGE_MAX);
    dt_buf_init(&welcome, MLS_MESSAGE_MAX);
    dt_buf_init(&secrets, MLS_MESSAGE_MAX);
    dt_buf_init(&info, MLS_MESSAGE_MAX);
    dt_buf_init(&authenticator, 64);
    key_package(&dan_sig, dan_pub, "dan", &kp, &bundle);
    params.leaf = leaf_of(&ada_sig, ada_pub, "ada");
    must(mls_group_create(&params, &g) == DT_OK);
    for (int i = 0; i < 3; i++) { /* two others first, so that there are nodes above the leaves */
        DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
        DT_CLEANUP(dt_secret_clear) struct dt_secret sig = {0};
        DT_CLEANUP(mls_key_bundle_clear) struct mls_key_bundle b = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf other = DT_BUF_INIT(MLS_MESSAGE_MAX);
        struct dt_view add = dt_buf_view(&kp);
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};
        uint8_t pub[32];

        if (i < 2) {
            must(dt_ed25519_new(&sig, pub) == DT_OK);
            key_package(&sig, pub, i == 0 ? "bob" : "cyd", &other, &b);
            add = dt_buf_view(&other);
        }
        must(mls_group_commit(g, &opts, &out) == DT_OK);
        must(mls_group_take_pending(g, 1) == DT_OK);
        must(dt_buf_set(&welcome, dt_buf_view(&out.welcome)) == DT_OK);
    }
    must(dt_buf_set(&authenticator, mls_group_epoch_authenticator(g)) == DT_OK);
    open_welcome(suite);
}

/* The tag that the joiner will compute for the GroupInfo ${g}. */
static bool
tag_of(const struct dt_suite *suite, const struct mls_group_info *g, struct dt_view joiner,
       uint8_t tag[static 32])
{
    DT_CLEANUP(mls_epoch_secrets_clear) struct mls_epoch_secrets s = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret psk = {0};

    return mls_psk_secret(suite, NULL, 0, &psk) == DT_OK &&
           mls_epoch_secrets_derive(suite, joiner, dt_secret_view(&psk),
                                    dt_buf_view(&g->context.raw), &s) == DT_OK &&
           mls_mac(suite, dt_secret_view(&s.confirmation_key), g->context.confirmed_transcript_hash,
                   tag) == DT_OK;
}

/* Seal ${gs} and ${gi} into a Welcome for dan. */
static bool
seal(const struct dt_suite *suite, struct dt_view gs, struct dt_view gi, struct dt_buf *out)
{
    DT_CLEANUP(mls_group_info_clear) struct mls_group_info parsed = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf ciphertext = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_key_package_unref_p) struct mls_key_package *p = NULL;
    DT_CLEANUP(dt_secret_clear) struct dt_secret ws = {0}, joiner = {0};
    struct mls_hpke_ciphertext x;
    struct dt_writer w = dt_writer_init(out);
    struct dt_view body;
    uint8_t tag[32], kem[DT_HPKE_PUB_MAX];
    size_t mark;

    if (!welcome_secret(suite, gs, &joiner, &ws))
        return false;
    if (mls_group_info_parse(gi, &parsed) == DT_OK &&
        tag_of(suite, &parsed, dt_secret_view(&joiner), tag) &&
        mls_group_info_sign(suite, dt_buf_view(&parsed.context.raw), parsed.extensions.raw,
                            dt_view_of(tag), parsed.signer, dt_secret_view(&ada_sig),
                            &again) == DT_OK)
        gi = dt_buf_view(&again);
    must(mls_message_body(dt_buf_view(&kp), MLS_WIRE_KEY_PACKAGE, &body) == DT_OK &&
         mls_key_package_parse(body, &p) == DT_OK);
    must(mls_welcome_seal_info(suite, dt_secret_view(&ws), gi, &sealed) == DT_OK);
    must(mls_encrypt_with_label(suite, p->init_key, "Welcome", dt_buf_view(&sealed), gs, kem,
                                &ciphertext) == DT_OK);
    mls_message_write(&w, MLS_WIRE_WELCOME);
    dt_write_u16(&w, suite->id);
    mark = dt_write_vec_begin(&w);
    dt_write_vec(&w, dt_view_of(ref));
    x.kem_output = dt_view(kem, suite->kem_pub_len);
    x.ciphertext = dt_buf_view(&ciphertext);
    mls_hpke_ciphertext_write(&w, &x);
    dt_write_vec_end(&w, mark);
    dt_write_vec(&w, dt_buf_view(&sealed));
    return dt_writer_end(&w) == DT_OK;
}

/* Who joined can keep its state; without an edit it is where the others are. */
static void
check(const struct mls_group *g, bool edited)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf one = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf two = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    DT_CLEANUP(mls_group_free_p) struct mls_group *back = NULL;

    must(mls_group_save(g, &one) == DT_OK);
    must(mls_group_load(dt_buf_view(&one), &back) == DT_OK);
    must(mls_group_save(back, &two) == DT_OK);
    must(dt_view_equal(dt_buf_view(&one), dt_buf_view(&two)));
    must(edited || dt_view_equal(mls_group_epoch_authenticator(g), dt_buf_view(&authenticator)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct dt_suite *suite = fuzz_suite();
    DT_CLEANUP(dt_buf_clear) struct dt_buf w = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf gs = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf gi = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_group_free_p) struct mls_group *g = NULL;
    struct mls_join_params j = {.key_package = dt_buf_view(&kp),
                                .bundle = &bundle,
                                .signature_priv = dt_secret_view(&dan_sig),
                                .policy = {.past_epochs = 2}};

    if (kp.n == 0) {
        set_up(suite);
        j.key_package = dt_buf_view(&kp);
        j.signature_priv = dt_secret_view(&dan_sig);
    }
    if (size == 0 || data[0] > 2)
        return 0;
    must(dt_buf_set(&w, dt_buf_view(&welcome)) == DT_OK &&
         dt_buf_set(&gs, dt_buf_view(&secrets)) == DT_OK &&
         dt_buf_set(&gi, dt_buf_view(&info)) == DT_OK);
    edit(data[0] == 0 ? &w : data[0] == 1 ? &gs : &gi, data + 1, size - 1);
    if (data[0] != 0) {
        dt_buf_clear(&w);
        dt_buf_init(&w, MLS_MESSAGE_MAX);
        if (!seal(suite, dt_buf_view(&gs), dt_buf_view(&gi), &w))
            return 0;
    }
    j.welcome = dt_buf_view(&w);
    if (mls_group_join(&j, &g, NULL) == DT_OK) {
        check(g, size >= 5);
        fuzz_accepted();
    } else {
        must(size >= 5 && g == NULL);
    }
    return 0;
}
