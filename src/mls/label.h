/*
 * mls/label.h - the labelled operations that every other file of this room uses.
 *
 * Source: RFC 9420 sections 5.1.2, 5.1.3, 5.2, 8, 9, 17.6 and 17.7. Labels are given WITHOUT
 * "MLS 1.0 ", which is added here; RefHash alone takes its label as it stands in the RFC ("MLS 1.0
 * Proposal Reference"). Layer: mls.
 */
#ifndef DT_MLS_LABEL_H
#define DT_MLS_LABEL_H

#include "base/wire.h"
#include "crypto/suite.h"

#define MLS_LABEL_KEY_PACKAGE_REF "MLS 1.0 KeyPackage Reference"
#define MLS_LABEL_PROPOSAL_REF    "MLS 1.0 Proposal Reference"

/* RefHash(label, value) of RFC 9420 section 5.2 into ${out} (suite->hash_len bytes). */
DT_MUST_CHECK enum dt_err mls_ref_hash(const struct dt_suite *suite, const char *label,
                                       struct dt_view value, uint8_t *out);

/* SignWithLabel: the signature by ${priv} over ${content} is appended to ${sig}. */
DT_MUST_CHECK enum dt_err mls_sign_with_label(const struct dt_suite *suite, struct dt_view priv,
                                              const char *label, struct dt_view content,
                                              struct dt_buf *sig);

/**
 * mls_sign_key_ready(suite, priv, pub, out):
 * The private key ${priv}, as a caller or a saved state gives it, made ready to sign into ${out}
 * (dt_suite_sig_ready()). Errors: RANGE (its length), AUTH (not a key, or not that of ${pub}),
 * NOMEM.
 */
DT_MUST_CHECK enum dt_err mls_sign_key_ready(const struct dt_suite *suite, struct dt_view priv,
                                             struct dt_view pub, struct dt_secret *out);
/* The private key itself of a ready one, as it is saved. */
struct dt_view mls_sign_key_bare(const struct dt_suite *suite, const struct dt_secret *ready);

/* VerifyWithLabel: DT_OK, or AUTH when ${sig} by ${pub} over ${content} does not hold. */
DT_MUST_CHECK enum dt_err mls_verify_with_label(const struct dt_suite *suite, struct dt_view pub,
                                                const char *label, struct dt_view content,
                                                struct dt_view sig);

/* ExpandWithLabel (section 8): ${out} becomes ${len} bytes. RANGE when len is above 65535. */
DT_MUST_CHECK enum dt_err mls_expand_with_label(const struct dt_suite *suite, struct dt_view secret,
                                                const char *label, struct dt_view context,
                                                size_t len, struct dt_secret *out);

/* ExpandWithLabel several times over one ${secret}, which costs less than one by one. Up to
 * MLS_EXPANSIONS_MAX. After an error some of the outputs may be set. */
#define MLS_EXPANSIONS_MAX 9u
struct mls_expansion {
    const char *label;
    struct dt_view context;
    size_t len;
    struct dt_secret *out;
};
DT_MUST_CHECK enum dt_err mls_expand_all(const struct dt_suite *suite, struct dt_view secret,
                                         const struct mls_expansion *v, size_t n);

/* DeriveSecret (section 8): ExpandWithLabel with empty context and suite->hash_len. */
DT_MUST_CHECK enum dt_err mls_derive_secret(const struct dt_suite *suite, struct dt_view secret,
                                            const char *label, struct dt_secret *out);

/* DeriveTreeSecret (section 9): the context is ${generation} as uint32. */
DT_MUST_CHECK enum dt_err mls_derive_tree_secret(const struct dt_suite *suite,
                                                 struct dt_view secret, const char *label,
                                                 uint32_t generation, size_t len,
                                                 struct dt_secret *out);

/* struct HPKECiphertext of section 7.6, borrowed from what it was read from. */
struct mls_hpke_ciphertext {
    struct dt_view kem_output;
    struct dt_view ciphertext;
};

/* ${max} bounds the ciphertext. FORMAT, LIMIT; ${out} untouched on error. */
DT_MUST_CHECK enum dt_err mls_hpke_ciphertext_read(struct dt_reader *r, size_t max,
                                                   struct mls_hpke_ciphertext *out);
void mls_hpke_ciphertext_write(struct dt_writer *w, const struct mls_hpke_ciphertext *x);

/**
 * mls_encrypt_with_label(suite, pub, label, context, plain, kem_output, ciphertext):
 * EncryptWithLabel of section 5.1.3: ${kem_output} gets suite->kem_pub_len bytes, ${ciphertext} is
 * appended to. Errors: FORMAT or AUTH (a bad public key), NOMEM, LIMIT.
 */
DT_MUST_CHECK enum dt_err mls_encrypt_with_label(const struct dt_suite *suite, struct dt_view pub,
                                                 const char *label, struct dt_view context,
                                                 struct dt_view plain, uint8_t *kem_output,
                                                 struct dt_buf *ciphertext);

/* EncryptWithLabel of one context to many: what they share is computed once. ${out} gets
 * suite->hash_len bytes, to be given as ${prepared} to the second. LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err mls_encrypt_prepare(const struct dt_suite *suite, const char *label,
                                              struct dt_view context,
                                              uint8_t out[static DT_HASH_MAX]);
DT_MUST_CHECK enum dt_err mls_encrypt_prepared(const struct dt_suite *suite, struct dt_view pub,
                                               const uint8_t *prepared, struct dt_view plain,
                                               uint8_t *kem_output, struct dt_buf *ciphertext);

/* DecryptWithLabel: the plaintext is appended to ${out}, which the caller wipes. AUTH. */
DT_MUST_CHECK enum dt_err mls_decrypt_with_label(const struct dt_suite *suite, struct dt_view priv,
                                                 const char *label, struct dt_view context,
                                                 const struct mls_hpke_ciphertext *sealed,
                                                 struct dt_buf *out);

#endif
