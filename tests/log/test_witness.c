/*
 * tests/log/test_witness.c - the witness's decision, and evidence of a split view.
 */
#include "log/witness.h"

#include "fixture.h"

#define N 40

static struct tlog_signer log_key, stranger;
static struct tlog_hash honest[N], forked[N];

static int
setup(void **state)
{
    if (crypto_setup(state) != 0)
        return -1;
    make_signer(ORIGIN, TLOG_KEY_ED25519, 1, &log_key);
    make_signer("stranger.example", TLOG_KEY_ED25519, 2, &stranger);
    make_leaves("leaf ", honest, N);
    memcpy(forked, honest, sizeof(forked));
    make_leaves("fork ", forked + 7, N - 7); /* differs from leaf 7 on */
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    tlog_signer_clear(&log_key);
    tlog_signer_clear(&stranger);
    return 0;
}

static struct tlog_checkpoint
tree_at(const struct tlog_hash *leaves, uint64_t size)
{
    struct tlog_leaves l = {leaves, N};
    struct tlog_checkpoint cp;
    struct tlog_hash root;

    ok(tlog_root_make(tlog_leaves_node, &l, size, &root));
    ok(tlog_checkpoint_init(&cp, text(ORIGIN), size, &root));
    return cp;
}

static struct tlog_path
growth(const struct tlog_hash *leaves, uint64_t from, uint64_t to)
{
    struct tlog_leaves l = {leaves, N};
    struct tlog_path p;

    ok(tlog_consistency_make(tlog_leaves_node, &l, from, to, &p));
    return p;
}

static struct tlog_witness_decision
ask(const struct tlog_witness_tree *stored, const struct tlog_checkpoint *cp, uint64_t old_size,
    const struct tlog_path *proof)
{
    struct tlog_witness_decision d;

    tlog_witness_decide(stored, cp, old_size, proof, &d);
    assert_non_null(d.why);
    return d;
}

/* Every growth of an honest log is cosigned; a fork after the stored size too, one before it never.
 */
static void
decisions(void **state)
{
    (void)state;
    for (uint64_t m = 0; m <= N; m++) {
        struct tlog_checkpoint old = tree_at(honest, m);
        struct tlog_witness_tree stored = {m, old.root};

        for (uint64_t n = 0; n <= N; n++) {
            struct tlog_checkpoint next = tree_at(honest, n), fork = tree_at(forked, n);
            struct tlog_witness_decision d;
            struct tlog_path p, q;

            if (n < m) {
                p.n = 0;
                assert_int_equal(ask(&stored, &next, m, &p).status, TLOG_WITNESS_MALFORMED);
                assert_int_equal(ask(&stored, &next, n, &p).status, TLOG_WITNESS_CONFLICT);
                continue;
            }
            p = growth(honest, m, n);
            q = growth(forked, m, n);
            d = ask(&stored, &next, m, &p);
            assert_int_equal(d.status, TLOG_WITNESS_OK);
            assert_true(d.refresh == (m == n) && !d.fork);
            if (m > 0)
                assert_int_equal(ask(&stored, &next, m - 1, &p).status, TLOG_WITNESS_CONFLICT);
            d = ask(&stored, &fork, m, &q);
            if (m > 7 && n >= m) {
                assert_int_equal(d.status, TLOG_WITNESS_BAD_PROOF);
                assert_true(d.fork == (m == n));
                assert_int_equal(ask(&stored, &fork, m, &p).status, TLOG_WITNESS_BAD_PROOF);
            } else {
                assert_int_equal(d.status, TLOG_WITNESS_OK);
            }
            p.h[p.n++] = honest[0]; /* one hash too many, also where none is due */
            assert_int_equal(ask(&stored, &next, m, &p).status, TLOG_WITNESS_BAD_PROOF);
        }
    }
}

static void
size_zero(void **state)
{
    struct tlog_witness_tree fresh = {0, tlog_empty_root};
    struct tlog_checkpoint cp = tree_at(honest, 0);
    struct tlog_path none = {.n = 0};

    (void)state;
    assert_int_equal(ask(&fresh, &cp, 0, &none).status, TLOG_WITNESS_OK);
    cp.root.b[0] ^= 1;
    assert_int_equal(ask(&fresh, &cp, 0, &none).status, TLOG_WITNESS_BAD_PROOF);
}

static struct tlog_witness_decision
open_request(struct dt_view note, uint64_t old_size, const struct tlog_vkey *keys, size_t n)
{
    struct tlog_add_checkpoint req = {.old_size = old_size, .note = note};
    struct tlog_witness_decision d;
    struct tlog_checkpoint cp;
    size_t key = 99;

    ok(tlog_witness_open(&req, keys, n, &cp, &key, &d));
    assert_int_equal(key == 99, d.status != TLOG_WITNESS_OK);
    return d;
}

static void
opening(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_vkey keys[2] = {stranger.vkey, log_key.vkey}, same_origin;

    (void)state;
    make_checkpoint(&log_key, honest, 9, &note);
    assert_int_equal(open_request(dt_buf_view(&note), 9, keys, 2).status, TLOG_WITNESS_OK);
    assert_int_equal(open_request(dt_buf_view(&note), 10, keys, 2).status, TLOG_WITNESS_MALFORMED);
    assert_int_equal(open_request(dt_buf_view(&note), 9, keys, 1).status, TLOG_WITNESS_UNKNOWN);
    assert_int_equal(open_request(dt_buf_view(&note), 9, keys, 0).status, TLOG_WITNESS_UNKNOWN);
    ok(tlog_vkey_init(&same_origin, text(ORIGIN), TLOG_KEY_ED25519, stranger.vkey.pub));
    assert_int_equal(open_request(dt_buf_view(&note), 9, &same_origin, 1).status,
                     TLOG_WITNESS_UNTRUSTED);
    note.p[note.n - 5] ^= 1; /* inside the signature */
    assert_int_equal(open_request(dt_buf_view(&note), 9, keys, 2).status, TLOG_WITNESS_UNTRUSTED);
    assert_int_equal(open_request(text("x\n"), 0, keys, 2).status, TLOG_WITNESS_MALFORMED);
}

static void
requests(void **state)
{
    static const char *const bad[] = {"",
                                      "old",
                                      "old 1",
                                      "old 1\n",
                                      "old 1\n\n",
                                      "old 01\n\nx\n",
                                      "old -1\n\nx\n",
                                      "Old 1\n\nx\n",
                                      "old  1\n\nx\n",
                                      "old 1 \n\nx\n",
                                      "old 1\nAAAA\n\nx\n",
                                      "old 1\n!\n\nx\n",
                                      "old 1\r\n\r\nx\n",
                                      "old 9223372036854775808\n\nx\n"};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(2 * TLOG_REQUEST_MAX);
    struct tlog_add_checkpoint req = {.old_size = 5};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        enum dt_err err = tlog_add_checkpoint_parse(text(bad[i]), &req);

        assert_true(err == DT_ERR_FORMAT || err == DT_ERR_RANGE);
        assert_int_equal(req.old_size, 5);
    }
    for (size_t n = 0; n <= TLOG_PROOF_LINES_MAX + 1; n++) {
        body.n = 0;
        ok(dt_buf_append(&body, text("old 7\n")));
        for (size_t i = 0; i < n; i++)
            ok(dt_buf_append(&body, text("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")));
        ok(dt_buf_append(&body, text("\nnote\n")));
        assert_int_equal(tlog_add_checkpoint_parse(dt_buf_view(&body), &req),
                         n <= TLOG_PROOF_LINES_MAX ? DT_OK : DT_ERR_LIMIT);
        if (n <= TLOG_PROOF_LINES_MAX) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(TLOG_REQUEST_MAX);

            assert_int_equal(req.proof.n, n);
            ok(tlog_add_checkpoint_write(&req, &again));
            assert_true(dt_view_equal(dt_buf_view(&body), dt_buf_view(&again)));
        }
    }
    while (body.n <= TLOG_REQUEST_MAX)
        ok(dt_buf_append(&body, text("more text to be too long\n")));
    assert_int_equal(tlog_add_checkpoint_parse(dt_buf_view(&body), &req), DT_ERR_LIMIT);
}

static void
evidence_round_trip(const struct tlog_evidence *e)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence got = {0};

    ok(tlog_evidence_write(e, &file));
    ok(tlog_evidence_read(dt_buf_view(&file), &got));
    ok(tlog_evidence_verify(&got, NULL, NULL));
    ok(tlog_evidence_write(&got, &again));
    assert_true(dt_view_equal(dt_buf_view(&file), dt_buf_view(&again)));
    for (size_t n = 0; n < file.n; n++) {
        struct tlog_evidence none = {0};

        assert_int_not_equal(tlog_evidence_read(dt_view(file.p, n), &none), DT_OK);
    }
    /* No changed bit leaves the evidence valid. */
    for (size_t i = 0; i < file.n * 8; i += 5) {
        DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence changed = {0};
        enum dt_err err;

        file.p[i / 8] ^= (uint8_t)(1 << i % 8);
        err = tlog_evidence_read(dt_buf_view(&file), &changed);
        if (err == DT_OK)
            err = tlog_evidence_verify(&changed, NULL, NULL);
        assert_int_not_equal(err, DT_OK);
        file.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    ok(dt_buf_append(&file, text("x")));
    assert_int_equal(tlog_evidence_read(dt_buf_view(&file), &got), DT_ERR_FORMAT);
}

static void
same_size_evidence(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf a = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0}, none = {0};
    struct tlog_checkpoint first, second;

    (void)state;
    make_checkpoint(&log_key, honest, 20, &a);
    make_checkpoint(&log_key, forked, 20, &b);
    ok(tlog_evidence_make(&log_key.vkey, dt_buf_view(&a), dt_buf_view(&b), NULL, NULL, &e));
    ok(tlog_evidence_verify(&e, &first, &second));
    assert_int_equal(first.size, 20);
    assert_false(tlog_hash_equal(&first.root, &second.root));
    evidence_round_trip(&e);
    /* Twice the same, or signed by another key, shows nothing. */
    assert_int_equal(
        tlog_evidence_make(&log_key.vkey, dt_buf_view(&a), dt_buf_view(&a), NULL, NULL, &none),
        DT_ERR_PROOF);
    assert_int_equal(
        tlog_evidence_make(&stranger.vkey, dt_buf_view(&a), dt_buf_view(&b), NULL, NULL, &none),
        DT_ERR_AUTH);
}

static void
rewritten_evidence(void **state)
{
    (void)state;
    for (uint64_t m = 5; m <= 17; m++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf a = DT_BUF_INIT(TLOG_NOTE_MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_NOTE_MAX);
        DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
        struct tlog_path fork_path = growth(forked, m, 33), honest_path = growth(honest, m, 33);
        struct tlog_hash fork_root = tree_at(forked, m).root, honest_root = tree_at(honest, m).root;
        enum dt_err err;

        make_checkpoint(&log_key, honest, m, &a);
        make_checkpoint(&log_key, forked, 33, &b);
        /* Notes in the "wrong" order on purpose. */
        err = tlog_evidence_make(&log_key.vkey, dt_buf_view(&b), dt_buf_view(&a), &fork_root,
                                 &fork_path, &e);
        assert_int_equal(err, m > 7 ? DT_OK : DT_ERR_PROOF);
        if (m == 8 || m == 13)
            evidence_round_trip(&e);
        tlog_evidence_clear(&e);
        /* A proof that fails is no evidence, nor are the notes alone, nor an honest log. */
        assert_int_equal(tlog_evidence_make(&log_key.vkey, dt_buf_view(&a), dt_buf_view(&b),
                                            &honest_root, &honest_path, &e),
                         DT_ERR_PROOF);
        assert_int_equal(
            tlog_evidence_make(&log_key.vkey, dt_buf_view(&a), dt_buf_view(&b), NULL, NULL, &e),
            DT_ERR_FORMAT);
        make_checkpoint(&log_key, honest, 33, &b);
        assert_int_equal(tlog_evidence_make(&log_key.vkey, dt_buf_view(&a), dt_buf_view(&b),
                                            &honest_root, &honest_path, &e),
                         DT_ERR_PROOF);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions),
        cmocka_unit_test(size_zero),
        cmocka_unit_test(opening),
        cmocka_unit_test(requests),
        cmocka_unit_test(same_size_evidence),
        cmocka_unit_test(rewritten_evidence),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
