/*
 * tests/vectors/kind_mls.c - the table of the RFC 9420 vector files.
 */
#include <string.h>

#include "kind_mls.h"

const struct dt_suite *
vec_mls_suite(struct vector_run *run, const json_t *c)
{
    const struct dt_suite *suite;
    uint64_t id = 0;

    if (!vec_u64(run, c, "cipher_suite", &id))
        return NULL;
    suite = id > UINT16_MAX ? NULL : dt_suite_get((uint16_t)id);
    if (suite == NULL)
        (void)vec_skip(run, "cipher suite %u is not implemented", (unsigned)id);
    return suite;
}

bool
vec_mls_priv(struct vector_run *run, const struct dt_suite *suite, const json_t *c,
             const char *field, size_t len, struct dt_secret *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = VEC_BUF;
    size_t missing;

    if (!vec_hex(run, c, field, &b))
        return false;
    missing = suite->sig == DT_SIG_ECDSA_P521 && b.n < len ? len - b.n : 0;
    if (!vec_ok(run, dt_secret_alloc(out, b.n + missing), field))
        return false;
    if (b.n > 0)
        memcpy(out->p + missing, b.p, b.n);
    return true;
}

const struct vector_file vector_files_mls[] = {
    {.name = "deserialization.json", .fn = vec_mls_deserialization},
    {.name = "tree-math.json", .fn = vec_mls_tree_math},
    {.name = "crypto-basics.json", .fn = vec_mls_crypto_basics},
    {.name = "tree-operations.json", .fn = vec_mls_tree_operations},
    {.name = "tree-validation.json", .fn = vec_mls_tree_validation},
    {.name = "treekem.json", .fn = vec_mls_treekem},
    {.name = "messages.json", .fn = vec_mls_messages},
    {.name = "key-schedule.json", .fn = vec_mls_key_schedule},
    {.name = "psk_secret.json", .fn = vec_mls_psk_secret},
    {.name = "secret-tree.json", .fn = vec_mls_secret_tree},
    {.name = "transcript-hashes.json", .fn = vec_mls_transcript_hashes},
    {.name = "message-protection.json", .fn = vec_mls_message_protection},
    {.name = "welcome.json", .fn = vec_mls_welcome},
    {.name = "passive-client-welcome.json", .fn = vec_mls_passive},
    {.name = "passive-client-handling-commit.json", .fn = vec_mls_passive},
    {.name = "passive-client-random.json", .fn = vec_mls_passive},
    {.name = "welcome_join.json", .fn = vec_mls_passive},
    {.name = "application.json", .fn = vec_mls_passive},
    {.name = "commit.json", .fn = vec_mls_passive},
    {.name = "external_join.json", .fn = vec_mls_passive},
    {.name = "external_proposals.json", .fn = vec_mls_passive},
    {.name = "branch.json", .fn = vec_mls_passive},
    {.name = "reinit.json", .fn = vec_mls_passive},
    {.name = NULL},
};
