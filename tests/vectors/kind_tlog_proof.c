/*
 * tests/vectors/kind_tlog_proof.c - policies, proof files, a witness session, and a public log's
 * entry.
 */
#include <string.h>

#include "base/text.h"
#include "log/proof.h"
#include "log/witness.h"

#include "kind_tlog.h"

void
vec_policy(struct vector_run *run, const char *path, const json_t *cases)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf once = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf twice = VEC_BUF;
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy p = {0};
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy q = {0};

    (void)cases;
    vec_case(run, "policy");
    if (vec_file(run, path, NULL, &text) &&
        vec_ok(run, tlog_policy_parse(dt_buf_view(&text), &p), "parse") &&
        vec_ok(run, tlog_policy_write(&p, &once), "write") &&
        vec_ok(run, tlog_policy_parse(dt_buf_view(&once), &q), "parse again") &&
        vec_ok(run, tlog_policy_write(&q, &twice), "write again"))
        (void)vec_equal(run, "second form", dt_buf_view(&twice), dt_buf_view(&once));
    vec_end(run);
}

static void
check_proof(struct vector_run *run, const json_t *c, const struct tlog_policy *policy)
{
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof proof = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = VEC_BUF;
    struct tlog_policy_state state;
    struct dt_view text = {NULL, 0};
    struct tlog_hash leaf;
    bool fits = true, want = false;
    enum dt_err err;

    if (!vec_str(run, c, "proof", &text) || !vec_hash(run, c, "leaf_hash", &leaf, &fits) ||
        !vec_bool(run, c, "spec_ok", &want) || !vec_check(run, fits, "leaf hash is not 32 bytes"))
        return;
    err = tlog_proof_parse(text, &proof);
    if (err == DT_OK && vec_ok(run, tlog_proof_write(&proof, &again), "write"))
        (void)vec_equal(run, "written again", dt_buf_view(&again), text);
    if (err == DT_OK)
        err = tlog_proof_verify(&proof, &leaf, policy, NULL, &state);
    (void)vec_check(run,
                    err == DT_OK || err == DT_ERR_FORMAT || err == DT_ERR_AUTH ||
                        err == DT_ERR_PROOF || err == DT_ERR_REFUSED,
                    "error %s", dt_err_name(err));
    (void)vec_check(run, (err == DT_OK) == want, "%s (%s)", err == DT_OK ? "accepted" : "refused",
                    err == DT_OK ? "" : dt_err_message());
}

void
vec_tlog_proofs(struct vector_run *run, const char *path, const json_t *cases)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = VEC_BUF;
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    const json_t *c;
    size_t i;

    json_array_foreach(cases, i, c)
    {
        vec_case(run, "%zu", i);
        if (i == 0 && (!vec_file(run, path, "policy.txt", &text) ||
                       !vec_ok(run, tlog_policy_parse(dt_buf_view(&text), &policy), "policy")))
            return;
        check_proof(run, c, &policy);
        vec_end(run);
    }
}

/* The log keys of keys.jsonl. */
static bool
log_keys(struct vector_run *run, const char *path, struct tlog_vkey *out, size_t max, size_t *n)
{
    json_t *keys = vec_file_json(run, path, "keys.jsonl");
    const json_t *k;
    bool ok = keys != NULL;
    size_t i;

    *n = 0;
    json_array_foreach(keys, i, k)
    {
        struct dt_view role = {NULL, 0}, vkey = {NULL, 0};

        if (!ok || !vec_str(run, k, "role", &role) || !vec_str(run, k, "vkey", &vkey) || *n == max)
            ok = false;
        else if (dt_view_equal(role, dt_view_str("log")))
            ok = vec_ok(run, tlog_vkey_parse(vkey, &out[(*n)++]), "log key");
    }
    json_decref(keys);
    return ok;
}

/* One request to the witness whose state is ${stored}; the state moves on when it cosigns. */
static enum tlog_witness_status
witness_step(struct vector_run *run, struct dt_view body, const struct tlog_vkey *keys, size_t n,
             struct tlog_witness_tree *stored)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = VEC_BUF;
    struct tlog_add_checkpoint req;
    struct tlog_witness_decision d = {0};
    struct tlog_checkpoint cp;
    size_t key = 0;

    if (tlog_add_checkpoint_parse(body, &req) != DT_OK)
        return TLOG_WITNESS_MALFORMED;
    if (vec_ok(run, tlog_add_checkpoint_write(&req, &again), "write"))
        (void)vec_equal(run, "written again", dt_buf_view(&again), body);
    if (!vec_ok(run, tlog_witness_open(&req, keys, n, &cp, &key, &d), "open") ||
        d.status != TLOG_WITNESS_OK)
        return d.status;
    tlog_witness_decide(stored, &cp, req.old_size, &req.proof, &d);
    if (d.status == TLOG_WITNESS_OK) {
        stored->size = cp.size;
        stored->root = cp.root;
    }
    return d.status;
}

void
vec_add_checkpoint(struct vector_run *run, const char *path, const json_t *cases)
{
    struct tlog_witness_tree stored = {0, tlog_empty_root};
    struct tlog_vkey keys[8];
    const json_t *c;
    size_t i, n = 0;

    json_array_foreach(cases, i, c)
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf body = VEC_BUF;
        uint64_t want = 0;

        vec_case(run, "%zu", i);
        if (i == 0 && !log_keys(run, path, keys, 8, &n))
            return;
        if (vec_base64(run, c, "request_b64", &body) && vec_u64(run, c, "spec_status", &want)) {
            enum tlog_witness_status got = witness_step(run, dt_buf_view(&body), keys, n, &stored);

            (void)vec_check(run, (uint64_t)got == want, "status %u, not %u", (unsigned int)got,
                            (unsigned int)want);
        }
        vec_end(run);
    }
}

/* The numbers of this file are text. */
static bool
text_u64(struct vector_run *run, const json_t *c, const char *field, uint64_t *out)
{
    struct dt_view text = {NULL, 0};

    return vec_str(run, c, field, &text) &&
           vec_ok(run, dt_decimal_read(text, TLOG_SIZE_MAX, out), field);
}

static void
check_rekor(struct vector_run *run, const json_t *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf spki = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf entry = VEC_BUF;
    struct dt_view origin = {NULL, 0}, note = {NULL, 0};
    struct tlog_hash root, leaf;
    struct tlog_path path;
    struct tlog_vkey key;
    struct tlog_checkpoint cp;
    uint64_t index = 0, size = 0;
    bool fits = true, want = false;
    enum dt_err err;

    if (!vec_base64(run, c, "vkey_spki_b64", &spki) || !vec_base64(run, c, "leaf_b64", &entry) ||
        !vec_str(run, c, "origin", &origin) || !vec_str(run, c, "checkpoint", &note) ||
        !text_u64(run, c, "index", &index) || !text_u64(run, c, "tree_size", &size) ||
        !vec_hash(run, c, "root", &root, &fits) || !vec_path(run, c, "hashes", &path, &fits) ||
        !vec_bool(run, c, "ok", &want) || !vec_check(run, fits, "a hash is not 32 bytes") ||
        !vec_check(run, spki.n == 44, "the key is not an Ed25519 SPKI") ||
        !vec_ok(run, tlog_vkey_init(&key, origin, TLOG_KEY_ED25519, spki.p + 12), "key") ||
        !vec_ok(run, tlog_leaf_hash(dt_buf_view(&entry), &leaf), "leaf"))
        return;
    err = tlog_checkpoint_open(note, &key, &cp);
    if (err == DT_OK && (cp.size != size || !tlog_hash_equal(&cp.root, &root)))
        err = DT_ERR_PROOF;
    if (err == DT_OK)
        err = tlog_inclusion_verify(&leaf, index, size, &path, &root);
    (void)vec_check(run, (err == DT_OK) == want, "%s",
                    err == DT_OK ? "accepted" : dt_err_message());
}

void
vec_rekor_v2(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        vec_case(run, "%zu", i);
        check_rekor(run, c);
        vec_end(run);
    }
}
