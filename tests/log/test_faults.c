/*
 * tests/log/test_faults.c - every allocation and random call of the log room fails once: keys,
 * notes, checkpoints, cosignatures, policy, proofs, tiles, evidence.
 */
#include "fixture.h"

#include "log/policy.h"
#include "log/proof.h"
#include "log/tile.h"
#include "log/witness.h"

#include "../base/torture.h"

#define N 20

static struct tlog_signer log_key, witness;
static struct tlog_hash leaves[N], forked[N];
static struct dt_buf one, other; /* two checkpoints of one size that contradict each other */

/* ${err}, of a call whose output this is: all zero before, and so after a failure. */
static enum dt_err
untouched(const void *out, size_t n, enum dt_err err)
{
    static const uint8_t zero[1024];

    for (size_t at = 0; err != DT_OK && at < n; at += sizeof zero)
        assert_memory_equal((const uint8_t *)out + at, zero,
                            n - at < sizeof zero ? n - at : sizeof zero);
    return err;
}
#define TO(out, call) untouched(&(out), sizeof(out), (call))

static enum dt_err
keys(void *ctx)
{
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0}, again = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(1024);
    enum dt_err err;

    (void)ctx;
    if ((err = TO(s, tlog_signer_new(text("w.example/1"), TLOG_KEY_COSIGNATURE, &s))) != DT_OK ||
        (err = tlog_signer_write(&s, &b)) != DT_OK)
        return err;
    return TO(again, tlog_signer_parse(dt_buf_view(&b), &again));
}

static enum dt_err
make_policy(struct tlog_policy *p)
{
    struct dt_view name = text("w");
    enum dt_err err;

    if ((err = tlog_policy_add_log(p, &log_key.vkey, text("https://log.example/"))) != DT_OK ||
        (err = tlog_policy_add_witness(p, name, &witness.vkey, text("https://w.example/"))) !=
            DT_OK ||
        (err = tlog_policy_add_group(p, text("g"), 1, &name, 1)) != DT_OK)
        return err;
    return tlog_policy_set_quorum(p, text("g"));
}

/* Entry 3 of the tree, its proof made, written, read and judged by a policy that was, too. */
static enum dt_err
proofs(void *ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf rules = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy made = {0}, policy = {0};
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof proof = {0}, read = {0};
    struct tlog_leaves source = {leaves, N};
    struct tlog_policy_state state = {0};
    struct tlog_checkpoint cp, opened;
    struct tlog_path path = {0};
    struct tlog_frontier f = {0};
    struct tlog_hash root;
    enum dt_err err;

    (void)ctx;
    for (size_t i = 0; i < N; i++)
        if ((err = tlog_frontier_append(&f, &leaves[i])) != DT_OK)
            return err;
    if ((err = tlog_frontier_root(&f, &root)) != DT_OK ||
        (err = tlog_inclusion_make(tlog_leaves_node, &source, 3, N, &path)) != DT_OK ||
        (err = tlog_checkpoint_init(&cp, text(ORIGIN), N, &root)) != DT_OK ||
        (err = tlog_checkpoint_write(&cp, &body)) != DT_OK ||
        (err = tlog_note_sign(&log_key, dt_buf_view(&body), &note)) != DT_OK ||
        (err = tlog_cosign(&witness, dt_buf_view(&body), 1700000000, &note)) != DT_OK ||
        (err = tlog_checkpoint_open(dt_buf_view(&note), &log_key.vkey, &opened)) != DT_OK ||
        (err = make_policy(&made)) != DT_OK || (err = tlog_policy_write(&made, &rules)) != DT_OK ||
        (err = TO(policy, tlog_policy_parse(dt_buf_view(&rules), &policy))) != DT_OK ||
        (err = TO(proof, tlog_proof_init(&proof, NULL, 3, &path, dt_buf_view(&note)))) != DT_OK ||
        (err = tlog_proof_write(&proof, &file)) != DT_OK ||
        (err = TO(read, tlog_proof_parse(dt_buf_view(&file), &read))) != DT_OK ||
        (err = tlog_proof_verify(&read, &leaves[3], &policy, NULL, &state)) != DT_OK)
        return err;
    assert_true(state.quorum);
    return DT_OK;
}

static enum dt_err
evidence(void *ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence made = {0}, read = {0};
    enum dt_err err;

    (void)ctx;
    if ((err = TO(made, tlog_evidence_make(&log_key.vkey, dt_buf_view(&one), dt_buf_view(&other),
                                           NULL, NULL, &made))) != DT_OK ||
        (err = tlog_evidence_write(&made, &file)) != DT_OK ||
        (err = TO(read, tlog_evidence_read(dt_buf_view(&file), &read))) != DT_OK)
        return err;
    return tlog_evidence_verify(&read, NULL, NULL);
}

static void
test_faults(void **state)
{
    static const struct {
        const char *name;
        enum dt_err (*what)(void *ctx);
        unsigned int allocations;
        unsigned int randoms;
    } list[] = {{"keys", keys, 1, 1}, {"proofs", proofs, 20, 0}, {"evidence", evidence, 8, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        unsigned int allocations, randoms;

        torture(list[i].what, NULL, &allocations, &randoms);
        print_message("%s: %u allocations, %u random calls\n", list[i].name, allocations, randoms);
        assert_int_equal(torture_passed_over, 0);
        assert_true(allocations >= list[i].allocations && randoms >= list[i].randoms);
    }
}

static int
setup(void **state)
{
    if (crypto_setup(state) != 0)
        return -1;
    make_signer(ORIGIN, TLOG_KEY_ED25519, 1, &log_key);
    make_signer("w.example", TLOG_KEY_COSIGNATURE, 2, &witness);
    make_leaves("leaf ", leaves, N);
    make_leaves("fork ", forked, N);
    dt_buf_init(&one, TLOG_NOTE_MAX);
    dt_buf_init(&other, TLOG_NOTE_MAX);
    make_checkpoint(&log_key, leaves, N, &one);
    make_checkpoint(&log_key, forked, N, &other);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    tlog_signer_clear(&log_key);
    tlog_signer_clear(&witness);
    dt_buf_clear(&one);
    dt_buf_clear(&other);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
