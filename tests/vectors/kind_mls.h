/*
 * tests/vectors/kind_mls.h - the functions behind the table of kind_mls.c, one per vector file.
 */
#ifndef DT_TESTS_KIND_MLS_H
#define DT_TESTS_KIND_MLS_H

#include "crypto/suite.h"

#include "vectors.h"

/* The case's cipher_suite; NULL after skipping it with the reason, or failing. */
const struct dt_suite *vec_mls_suite(struct vector_run *run, const json_t *c);

/* The hex field ${field}, a private key, into ${out}. Some P-521 keys in the files lack their
 * leading zeros; they get them here, because the library insists on the fixed length. ${len}: that
 * of the scheme. */
bool vec_mls_priv(struct vector_run *run, const struct dt_suite *suite, const json_t *c,
                  const char *field, size_t len, struct dt_secret *out);

/* kind_mls_tree.c */
void vec_mls_deserialization(struct vector_run *run, const char *path, const json_t *cases);
void vec_mls_tree_math(struct vector_run *run, const char *path, const json_t *cases);
void vec_mls_crypto_basics(struct vector_run *run, const char *path, const json_t *cases);
void vec_mls_tree_operations(struct vector_run *run, const char *path, const json_t *cases);
void vec_mls_tree_validation(struct vector_run *run, const char *path, const json_t *cases);
/* kind_mls_treekem.c */
void vec_mls_treekem(struct vector_run *run, const char *path, const json_t *cases);
/* kind_mls_group.c */
void vec_mls_key_schedule(struct vector_run *run, const char *path, const json_t *cases);
void vec_mls_psk_secret(struct vector_run *run, const char *path, const json_t *cases);
void vec_mls_secret_tree(struct vector_run *run, const char *path, const json_t *cases);
void vec_mls_transcript_hashes(struct vector_run *run, const char *path, const json_t *cases);
void vec_mls_message_protection(struct vector_run *run, const char *path, const json_t *cases);
void vec_mls_welcome(struct vector_run *run, const char *path, const json_t *cases);
/* kind_mls_passive.c */
void vec_mls_passive(struct vector_run *run, const char *path, const json_t *cases);
/* kind_mls_messages.c */
void vec_mls_messages(struct vector_run *run, const char *path, const json_t *cases);

#endif
