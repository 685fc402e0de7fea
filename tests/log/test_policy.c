/*
 * tests/log/test_policy.c - policies, their evaluation, and proof files under them.
 */
#include "base/mem.h"
#include "log/proof.h"

#include "fixture.h"

#define N_WITNESSES 5
#define N_LEAVES    13

static struct tlog_signer log_key, other_log, witness[N_WITNESSES];
static char vkey[N_WITNESSES + 2][256]; /* witnesses, log, other log */
static struct tlog_hash leaves[N_LEAVES];

static void
vkey_text(const struct tlog_signer *s, char *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(255);

    ok(tlog_vkey_write(&s->vkey, &b));
    memcpy(out, b.p, b.n);
    out[b.n] = '\0';
}

static int
setup(void **state)
{
    if (crypto_setup(state) != 0)
        return -1;
    make_signer(ORIGIN, TLOG_KEY_ED25519, 1, &log_key);
    make_signer(ORIGIN, TLOG_KEY_ED25519, 2, &other_log);
    vkey_text(&log_key, vkey[N_WITNESSES]);
    vkey_text(&other_log, vkey[N_WITNESSES + 1]);
    for (size_t i = 0; i < N_WITNESSES; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "witness.example/%zu", i);
        make_signer(name, TLOG_KEY_COSIGNATURE, (uint8_t)(10 + i), &witness[i]);
        vkey_text(&witness[i], vkey[i]);
    }
    make_leaves("leaf ", leaves, N_LEAVES);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    tlog_signer_clear(&log_key);
    tlog_signer_clear(&other_log);
    for (size_t i = 0; i < N_WITNESSES; i++)
        tlog_signer_clear(&witness[i]);
    return 0;
}

/* Fill in "$0" to "$4" (witness keys), "$L" and "$M" (log keys). */
static void
expand(const char *pattern, struct dt_buf *out)
{
    out->n = 0;
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '$') {
            p++;
            ok(dt_buf_append(out, text(*p == 'L'   ? vkey[N_WITNESSES]
                                       : *p == 'M' ? vkey[N_WITNESSES + 1]
                                                   : vkey[*p - '0'])));
        } else {
            ok(dt_buf_append(out, dt_view((const uint8_t *)p, 1)));
        }
    }
}

static enum dt_err
parse(const char *pattern, struct tlog_policy *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_POLICY_MAX);

    expand(pattern, &b);
    return tlog_policy_parse(dt_buf_view(&b), out);
}

#define SIDES                                                                                      \
    "log $L https://relay.example/\n"                                                              \
    "witness blue-1 $0\nwitness blue-2 $1 https://blue.example/\n"                                 \
    "witness red-1 $2\nwitness neutral-1 $3\n"                                                     \
    "group blue any blue-1 blue-2\ngroup red any red-1\ngroup neutral any neutral-1\n"             \
    "group sides 2 blue red neutral\nquorum sides\n"

static void
good_files(void **state)
{
    static const char *const good[] = {
        "quorum none\n",
        "# a comment\n\n \t\nquorum none\n",
        "log $L\nlog $M\nquorum none\n",
        "\tlog  $L \t\nwitness w $0\n quorum w \n",
        "witness \xff\xfe $0\ngroup g all \xff\xfe\nquorum g\n",
        "witness any $0\nwitness all $1\ngroup 1 any any all\nquorum 1\n",
        "witness w $0\nquorum w\nwitness later $1\n",
        SIDES,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        DT_CLEANUP(tlog_policy_clear) struct tlog_policy p = {0}, q = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf a = DT_BUF_INIT(TLOG_POLICY_MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_POLICY_MAX);

        ok(parse(good[i], &p));
        ok(tlog_policy_write(&p, &a));
        ok(tlog_policy_parse(dt_buf_view(&a), &q));
        ok(tlog_policy_write(&q, &b));
        assert_true(dt_view_equal(dt_buf_view(&a), dt_buf_view(&b)));
    }
}

static void
bad_files(void **state)
{
    static const char *const bad[] = {
        "",
        "quorum none",
        "quorum\n",
        "quorum none none\n",
        "quorum none\nquorum none\n",
        "quorum w\n",
        "witness w $0\n",
        "Quorum none\n",
        "quorum none\r\n",
        "quorum\vnone\n",
        "quorum none\n\x7f\n",
        "quorum none\n# \x01\n",
        "what $L\nquorum none\n",
        "log\nquorum none\n",
        "log $L a b\nquorum none\n",
        "log $0\nquorum none\n",
        "log $L\nlog $L\nquorum none\n",
        "log x\nquorum none\n",
        "witness w\nquorum none\n",
        "witness w $L\nquorum none\n",
        "witness none $0\nquorum none\n",
        "witness w $0\nwitness w $1\nquorum none\n",
        "witness w $0\nwitness v $0\nquorum none\n",
        "witness w $0 u v\nquorum none\n",
        "group g any\nquorum none\n",
        "group g any w\nquorum none\n",
        "group g any w\nwitness w $0\nquorum none\n",
        "witness w $0\ngroup w any w\nquorum none\n",
        "witness w $0\ngroup none any w\nquorum none\n",
        "witness w $0\ngroup g any none\nquorum none\n",
        "witness w $0\ngroup g 0 w\nquorum none\n",
        "witness w $0\ngroup g 2 w\nquorum none\n",
        "witness w $0\ngroup g 01 w\nquorum none\n",
        "witness w $0\ngroup g +1 w\nquorum none\n",
        "witness w $0\ngroup g 1x w\nquorum none\n",
        "witness w $0\ngroup g any w w\nquorum none\n",
        "witness w $0\ngroup g any w\ngroup h any w\nquorum none\n",
        "witness w $0\nquorum g\ngroup g any w\n",
        "group g any g\nquorum none\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tlog_policy p = {0};

        if (parse(bad[i], &p) != DT_ERR_FORMAT)
            fail_msg("not refused: %s", bad[i]);
        assert_int_equal(p.n_nodes + p.n_logs, 0);
    }
}

static void
limits(void **state)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy p = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf big = DT_BUF_INIT(2 * TLOG_POLICY_MAX);
    struct tlog_policy q = {0};
    struct dt_view none = {NULL, 0};
    char name[TLOG_POLICY_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i <= TLOG_POLICY_NODES_MAX; i++) {
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};

        (void)snprintf(name, sizeof(name), "w%zu", i);
        make_signer(name, TLOG_KEY_COSIGNATURE, (uint8_t)i, &s);
        assert_int_equal(tlog_policy_add_witness(&p, text(name), &s.vkey, none),
                         i < TLOG_POLICY_NODES_MAX ? DT_OK : DT_ERR_LIMIT);
    }
    for (size_t i = 0; i <= TLOG_POLICY_LOGS_MAX; i++) {
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};

        make_signer("l", TLOG_KEY_ED25519, (uint8_t)i, &s);
        assert_int_equal(tlog_policy_add_log(&p, &s.vkey, none),
                         i < TLOG_POLICY_LOGS_MAX ? DT_OK : DT_ERR_LIMIT);
    }
    memset(name, 'n', sizeof(name));
    assert_int_equal(tlog_policy_add_group(&q, dt_view((uint8_t *)name, sizeof(name)), 1, NULL, 1),
                     DT_ERR_FORMAT);
    while (big.n <= TLOG_POLICY_MAX)
        ok(dt_buf_append(&big, text("# comment\n")));
    assert_int_equal(tlog_policy_parse(dt_buf_view(&big), &q), DT_ERR_LIMIT);
}

static void
sides_and_times(void **state)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy p = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_policy_state s;
    struct tlog_attestation a;
    static const uint64_t odd[] = {0, TLOG_TIME_COUNTS_MAX, TLOG_TIME_COUNTS_MAX + 1,
                                   TLOG_TIME_MAX};
    size_t sides[8], blue, red, neutral;
    uint64_t time = 0, last = 0;

    (void)state;
    ok(parse(SIDES, &p));
    blue = tlog_policy_find(&p, text("blue"));
    red = tlog_policy_find(&p, text("red"));
    neutral = tlog_policy_find(&p, text("neutral"));
    assert_int_equal(tlog_policy_sides(&p, sides, 8), 3);
    assert_true(sides[0] == blue && sides[1] == red && sides[2] == neutral);
    assert_int_equal(tlog_policy_sides(&p, sides, 1), 3);
    assert_true(tlog_policy_side_of(&p, tlog_policy_find_key(&p, &witness[1].vkey)) == blue);
    assert_true(tlog_policy_side_of(&p, p.quorum) == TLOG_POLICY_NO_NODE);
    assert_true(tlog_policy_find_key(&p, &witness[4].vkey) == TLOG_POLICY_NO_NODE);

    make_checkpoint(&log_key, leaves, N_LEAVES, &note);
    ok(tlog_policy_evaluate(&p, NULL, dt_buf_view(&note), &s));
    assert_false(s.quorum);
    assert_int_equal(s.checkpoint.size, N_LEAVES);
    assert_true(tlog_vkey_equal(&s.log, &log_key.vkey));
    tlog_attestation(&p, &s, 0, &a);
    assert_true(a.n_sides == 3 && a.n_satisfied == 0 && !a.attested && !a.final);
    assert_false(tlog_times_of_others(&p, &s, TLOG_POLICY_NO_NODE, &time, &last));

    /* Two witnesses of one side are one side; the side's time is the earlier one. */
    add_cosignature(&witness[1], 1000, &note);
    add_cosignature(&witness[0], 900, &note);
    add_cosignature(&witness[4], 1, &note); /* not in the policy */
    ok(tlog_policy_evaluate(&p, &log_key.vkey, dt_buf_view(&note), &s));
    assert_false(s.quorum);
    assert_true(s.nodes[blue].satisfied && s.nodes[blue].time == 900);
    assert_false(s.nodes[red].satisfied);
    tlog_attestation(&p, &s, 0, &a);
    assert_true(a.n_satisfied == 1 && !a.attested);
    tlog_attestation(&p, &s, 1, &a);
    assert_true(a.attested && a.attested_time == 900);
    assert_false(tlog_times_of_others(&p, &s, blue, &time, &last));

    add_cosignature(&witness[3], 2000, &note);
    ok(tlog_policy_evaluate(&p, NULL, dt_buf_view(&note), &s));
    assert_true(s.quorum && s.quorum_time == 2000);
    tlog_attestation(&p, &s, 0, &a);
    assert_true(a.attested && a.attested_time == 2000 && !a.final && a.n_satisfied == 2);
    assert_true(tlog_times_of_others(&p, &s, blue, &time, &last) && time == 2000);
    assert_true(tlog_times_of_others(&p, &s, neutral, &time, &last) && time == 900);
    assert_true(tlog_times_of_others(&p, &s, TLOG_POLICY_NO_NODE, &time, &last));
    assert_true(time == 900 && last == 2000);

    add_cosignature(&witness[2], 500, &note);
    ok(tlog_policy_evaluate(&p, NULL, dt_buf_view(&note), &s));
    tlog_attestation(&p, &s, 0, &a);
    assert_true(a.final && a.final_time == 2000 && a.attested_time == 900 && s.quorum_time == 900);

    /* What has no time that a calendar knows verifies, and vouches for nothing. */
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        note.n = 0;
        make_checkpoint(&log_key, leaves, N_LEAVES, &note);
        add_cosignature(&witness[0], 900, &note);
        add_cosignature(&witness[3], odd[i], &note);
        ok(tlog_policy_evaluate(&p, NULL, dt_buf_view(&note), &s));
        assert_int_equal(s.quorum, odd[i] == TLOG_TIME_COUNTS_MAX);
        assert_int_equal(tlog_times_of_others(&p, &s, blue, &time, &last),
                         odd[i] == TLOG_TIME_COUNTS_MAX);
    }
}

static void
who_may_sign(void **state)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy p = {0}, none = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf bad = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_policy_state s = {.n_nodes = 99};

    (void)state;
    ok(parse(SIDES, &p));
    ok(parse("quorum none\n", &none));
    make_checkpoint(&other_log, leaves, 3, &note);
    assert_int_equal(tlog_policy_evaluate(&p, NULL, dt_buf_view(&note), &s), DT_ERR_AUTH);
    assert_int_equal(tlog_policy_evaluate(&none, NULL, dt_buf_view(&note), &s), DT_ERR_AUTH);
    assert_int_equal(s.n_nodes, 99);
    ok(tlog_policy_evaluate(&p, &other_log.vkey, dt_buf_view(&note), &s));
    ok(tlog_policy_evaluate(&none, &other_log.vkey, dt_buf_view(&note), &s));
    assert_true(s.quorum && s.quorum_time == 0);
    /* A cosignature of a known witness that is of another checkpoint spoils the note. */
    make_checkpoint(&log_key, leaves, 3, &note);
    make_checkpoint(&log_key, leaves, 4, &bad);
    ok(tlog_policy_evaluate(&p, NULL, dt_buf_view(&note), &s));
    {
        DT_CLEANUP(tlog_note_clear) struct tlog_note n = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(4096);

        ok(tlog_note_parse(dt_buf_view(&note), &n));
        ok(tlog_cosign(&witness[0], n.text, 7, &line));
        ok(dt_buf_append(&bad, dt_buf_view(&line)));
    }
    assert_int_equal(tlog_policy_evaluate(&p, NULL, dt_buf_view(&bad), &s), DT_ERR_AUTH);
}

static void
make_proof(uint64_t index, uint64_t size, bool with_quorum, struct tlog_proof *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_leaves l = {leaves, size};
    struct dt_view extra = text("opening");
    struct tlog_path path;

    make_checkpoint(&log_key, leaves, size, &note);
    add_cosignature(&witness[0], 100, &note);
    if (with_quorum)
        add_cosignature(&witness[2], 200, &note);
    ok(tlog_inclusion_make(tlog_leaves_node, &l, index, size, &path));
    ok(tlog_proof_init(out, index % 2 == 0 ? &extra : NULL, index, &path, dt_buf_view(&note)));
}

static void
proofs(void **state)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy p = {0};
    struct tlog_policy_state s;

    (void)state;
    ok(parse(SIDES, &p));
    for (uint64_t size = 1; size <= N_LEAVES; size++) {
        for (uint64_t i = 0; i < size; i++) {
            DT_CLEANUP(tlog_proof_clear) struct tlog_proof made = {0}, read = {0}, weak = {0};
            DT_CLEANUP(dt_buf_clear) struct dt_buf a = DT_BUF_INIT(TLOG_PROOF_FILE_MAX);
            DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_PROOF_FILE_MAX);

            make_proof(i, size, true, &made);
            ok(tlog_proof_write(&made, &a));
            ok(tlog_proof_parse(dt_buf_view(&a), &read));
            ok(tlog_proof_write(&read, &b));
            assert_true(dt_view_equal(dt_buf_view(&a), dt_buf_view(&b)));
            assert_int_equal(read.has_extra, i % 2 == 0);
            ok(tlog_proof_verify(&read, &leaves[i], &p, NULL, &s));
            assert_int_equal(s.quorum_time, 200);
            assert_int_equal(tlog_proof_verify(&read, &leaves[(i + 1) % N_LEAVES], &p, NULL, &s),
                             DT_ERR_PROOF);
            make_proof(i, size, false, &weak);
            assert_int_equal(tlog_proof_verify(&weak, &leaves[i], &p, NULL, &s), DT_ERR_REFUSED);
            ok(tlog_proof_evaluate(&weak, &leaves[i], &p, NULL, &s));
            assert_false(s.quorum);
        }
    }
}

/* No change of a byte leaves a proof file good, but for the extra line and strangers' keys. */
static void
altered_proofs(void **state)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy p = {0};
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof made = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(TLOG_PROOF_FILE_MAX);
    struct tlog_policy_state s;

    (void)state;
    ok(parse(SIDES, &p));
    make_proof(5, 11, true, &made); /* odd: no extra line */
    ok(tlog_proof_write(&made, &file));
    for (size_t i = 0; i < file.n; i++) {
        for (unsigned int bit = 0; bit < 8; bit += 3) {
            DT_CLEANUP(tlog_proof_clear) struct tlog_proof got = {0};
            enum dt_err err;

            file.p[i] ^= (uint8_t)(1u << bit);
            err = tlog_proof_parse(dt_buf_view(&file), &got);
            if (err == DT_OK)
                err = tlog_proof_verify(&got, &leaves[5], &p, NULL, &s);
            assert_int_not_equal(err, DT_OK);
            file.p[i] ^= (uint8_t)(1u << bit);
        }
    }
}

static void
bad_proof_files(void **state)
{
    static const char *const bad[] = {
        "",
        "c2sp.org/tlog-proof@v1\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nextra AA==\n",
        "c2sp.org/tlog-proof@v1\nindex -1\n\n",
        "c2sp.org/tlog-proof@v1\nindex 00\n\n",
        "c2sp.org/tlog-proof@v1\nindex  0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra AA==\n\n",
    };

    DT_CLEANUP(tlog_proof_clear) struct tlog_proof made = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(TLOG_PROOF_FILE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf edited = DT_BUF_INIT(TLOG_PROOF_FILE_MAX);
    struct tlog_proof none = {0};
    size_t first = strlen("c2sp.org/tlog-proof@v1\n");

    (void)state;
    /* A good file with an empty extra line in it. */
    make_proof(5, 11, true, &made);
    ok(tlog_proof_write(&made, &file));
    ok(dt_buf_append(&edited, dt_view(file.p, first)));
    ok(dt_buf_append(&edited, text("extra \n")));
    ok(dt_buf_append(&edited, dt_view(file.p + first, file.n - first)));
    assert_int_equal(tlog_proof_parse(dt_buf_view(&edited), &none), DT_ERR_FORMAT);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tlog_proof p = {0};

        assert_int_equal(tlog_proof_parse(text(bad[i]), &p), DT_ERR_FORMAT);
        assert_null(p.note.p);
    }
}

/* The n-th allocation fails, for every n: an error, and nothing is lost. */
static bool
countdown(void *ctx)
{
    size_t *left = ctx;

    return (*left)-- == 0;
}

static void
memory_faults(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(TLOG_PROOF_FILE_MAX);
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof made = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf policy = DT_BUF_INIT(TLOG_POLICY_MAX);
    struct tlog_policy_state s;
    enum dt_err err = DT_ERR_NOMEM;
    size_t n;

    (void)state;
    make_proof(4, 9, true, &made);
    ok(tlog_proof_write(&made, &file));
    expand(SIDES, &policy);
    for (n = 0; err != DT_OK && n < 1000; n++) {
        DT_CLEANUP(tlog_proof_clear) struct tlog_proof got = {0};
        DT_CLEANUP(tlog_policy_clear) struct tlog_policy p = {0};
        size_t left = n;

        dt_mem_fault(countdown, &left);
        err = tlog_policy_parse(dt_buf_view(&policy), &p);
        if (err == DT_OK)
            err = tlog_proof_parse(dt_buf_view(&file), &got);
        if (err == DT_OK)
            err = tlog_proof_verify(&got, &leaves[4], &p, NULL, &s);
        dt_mem_fault(NULL, NULL);
        assert_true(err == DT_OK || err == DT_ERR_NOMEM);
    }
    assert_int_equal(err, DT_OK);
    assert_true(n > 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files),     cmocka_unit_test(bad_files),
        cmocka_unit_test(limits),         cmocka_unit_test(sides_and_times),
        cmocka_unit_test(who_may_sign),   cmocka_unit_test(proofs),
        cmocka_unit_test(altered_proofs), cmocka_unit_test(bad_proof_files),
        cmocka_unit_test(memory_faults),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
