/*
 * tests/log/test_note.c - keys, signed notes, checkpoints and cosignatures: what must not pass.
 */
#include <time.h>

#include "base/text.h"

#include "fixture.h"

#define DASH "\xe2\x80\x94"

static struct tlog_signer log_key, witness, other;

static int
setup(void **state)
{
    if (crypto_setup(state) != 0)
        return -1;
    make_signer(ORIGIN, TLOG_KEY_ED25519, 1, &log_key);
    make_signer("witness.example/w", TLOG_KEY_COSIGNATURE, 2, &witness);
    make_signer("other.example", TLOG_KEY_ED25519, 3, &other);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    tlog_signer_clear(&log_key);
    tlog_signer_clear(&witness);
    tlog_signer_clear(&other);
    return 0;
}

static void
names(void **state)
{
    static const char *const good[] = {"a", "example.com/log", "d\xc3\xa9tente", "a~!#=", "\x7f"};
    static const char *const bad[] = {"",
                                      " ",
                                      "a b",
                                      "a+b",
                                      "a\n",
                                      "\t",
                                      "a\xc2\xa0",
                                      "\xe2\x80\x83",
                                      "\xe3\x80\x80",
                                      "\xc2\x85",
                                      "\xff",
                                      "\xe1\x9a\x80",
                                      "a\x01"};
    char longest[TLOG_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(tlog_name_valid(text(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(tlog_name_valid(text(bad[i])));
    memset(longest, 'x', sizeof(longest));
    assert_true(tlog_name_valid(dt_view((const uint8_t *)longest, TLOG_NAME_MAX)));
    assert_false(tlog_name_valid(dt_view((const uint8_t *)longest, TLOG_NAME_MAX + 1)));
}

static void
keys_round_trip(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf vkey = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf skey = DT_BUF_INIT(4096);
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer back = {0}, fresh = {0};
    struct tlog_vkey key;

    (void)state;
    ok(tlog_vkey_write(&witness.vkey, &vkey));
    ok(tlog_vkey_parse(dt_buf_view(&vkey), &key));
    assert_true(tlog_vkey_equal(&key, &witness.vkey));
    ok(tlog_signer_write(&witness, &skey));
    ok(tlog_signer_parse(dt_buf_view(&skey), &back));
    assert_true(tlog_vkey_equal(&back.vkey, &witness.vkey));
    assert_true(dt_ct_equal(dt_secret_view(&back.seed), dt_secret_view(&witness.seed)));
    ok(tlog_signer_new(text("fresh"), TLOG_KEY_ED25519, &fresh));
    assert_false(tlog_vkey_equal(&fresh.vkey, &log_key.vkey));
    /* One key under two types has two ids. */
    ok(tlog_vkey_init(&key, text(ORIGIN), TLOG_KEY_COSIGNATURE, log_key.vkey.pub));
    assert_int_not_equal(key.id, log_key.vkey.id);
}

static void
expect_vkey(const char *s, enum dt_err want)
{
    struct tlog_vkey key = {.id = 77};

    assert_int_equal(tlog_vkey_parse(text(s), &key), want);
    assert_int_equal(key.id, 77);
}

static void
bad_keys(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf good = DT_BUF_INIT(4096);
    static const uint8_t identity[DT_ED25519_PUB] = {1};
    struct tlog_vkey key;
    char edit[512];

    (void)state;
    expect_vkey("", DT_ERR_FORMAT);
    expect_vkey("a", DT_ERR_FORMAT);
    expect_vkey("a+b", DT_ERR_FORMAT);
    expect_vkey("example.com/foo+530d903a+", DT_ERR_FORMAT);
    expect_vkey("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                DT_ERR_FORMAT);
    expect_vkey("example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                DT_ERR_FORMAT);
    expect_vkey("example.com/foo+530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                DT_ERR_FORMAT);
    expect_vkey("example.com foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                DT_ERR_FORMAT);
    expect_vkey("example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                DT_ERR_UNSUPPORTED);
    expect_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=",
                DT_ERR_FORMAT);
    assert_int_equal(tlog_vkey_init(&key, text("x"), TLOG_KEY_ED25519, identity), DT_ERR_AUTH);
    /* Any changed character of a good key is refused. */
    ok(tlog_vkey_write(&log_key.vkey, &good));
    for (size_t i = 0; i < good.n; i++) {
        memcpy(edit, good.p, good.n);
        edit[i] = (char)(edit[i] == 'b' ? 'c' : 'b');
        assert_int_not_equal(tlog_vkey_parse(dt_view((const uint8_t *)edit, good.n), &key), DT_OK);
    }
}

static void
sign_and_verify(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_vkey keys[2] = {other.vkey, log_key.vkey};
    struct tlog_verified v[2];

    (void)state;
    ok(tlog_note_sign(&log_key, text("one\n\ntwo\n"), &bytes));
    ok(tlog_note_parse(dt_buf_view(&bytes), &note));
    assert_true(dt_view_equal(note.text, text("one\n\ntwo\n")));
    assert_int_equal(note.n_sigs, 1);
    ok(tlog_note_verify(&note, keys, 2, v));
    assert_false(v[0].ok);
    assert_true(v[1].ok);
    v[0].ok = true;
    assert_int_equal(tlog_note_verify(&note, keys, 1, v), DT_ERR_AUTH);
    assert_true(v[0].ok);
    assert_int_equal(tlog_note_verify(&note, keys, 0, NULL), DT_ERR_AUTH);
    assert_int_equal(tlog_note_sign(&witness, text("x\n"), &bytes), DT_ERR_STATE);
    assert_int_equal(tlog_note_sign(&log_key, text("x"), &bytes), DT_ERR_FORMAT);
    assert_int_equal(tlog_note_sign(&log_key, text(""), &bytes), DT_ERR_FORMAT);
    assert_int_equal(tlog_note_sign(&log_key, text("x\r\n"), &bytes), DT_ERR_FORMAT);
    assert_int_equal(tlog_note_sign(&log_key, text("\xc3\n"), &bytes), DT_ERR_FORMAT);
}

/* Every single changed byte of a signed note is noticed: refused, or the line is no longer the
 * key's. */
static void
any_change_is_noticed(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(TLOG_NOTE_MAX);

    (void)state;
    ok(tlog_note_sign(&log_key, text(ORIGIN "\n5\nabc\n"), &bytes));
    for (size_t i = 0; i < bytes.n; i++) {
        for (unsigned int bit = 0; bit < 8; bit++) {
            DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
            enum dt_err err;

            bytes.p[i] ^= (uint8_t)(1u << bit);
            err = tlog_note_parse(dt_buf_view(&bytes), &note);
            if (err == DT_OK)
                err = tlog_note_verify(&note, &log_key.vkey, 1, NULL);
            assert_true(err == DT_ERR_FORMAT || err == DT_ERR_AUTH);
            bytes.p[i] ^= (uint8_t)(1u << bit);
        }
    }
    for (size_t n = 0; n < bytes.n; n++) {
        DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};

        assert_int_equal(tlog_note_parse(dt_view(bytes.p, n), &note), DT_ERR_FORMAT);
    }
}

static void
known_and_unknown_lines(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0}, twice = {0};
    struct tlog_vkey same_name = other.vkey, same_id = other.vkey;
    static const uint8_t junk[64] = {9};

    (void)state;
    ok(tlog_note_sign(&log_key, text("t\n"), &bytes));
    /* Strangers that share a name, or an id, with the key, and one that is longer than any of ours.
     */
    memcpy(same_name.name, log_key.vkey.name, sizeof(same_name.name));
    same_id.id = log_key.vkey.id;
    ok(tlog_sig_line_write(&same_name, dt_view_of(junk), &bytes));
    ok(tlog_sig_line_write(&same_id, dt_view_of(junk), &bytes));
    ok(tlog_sig_line_write(&other.vkey, dt_view(bytes.p, 100), &bytes));
    ok(tlog_note_parse(dt_buf_view(&bytes), &note));
    assert_int_equal(note.n_sigs, 4);
    ok(tlog_note_verify(&note, &log_key.vkey, 1, NULL));
    assert_int_equal(tlog_note_verify(&note, &same_id, 1, NULL), DT_ERR_AUTH);
    /* A second line of a known key that fails spoils the note. */
    ok(tlog_sig_line_write(&log_key.vkey, dt_view_of(junk), &bytes));
    ok(tlog_note_parse(dt_buf_view(&bytes), &twice));
    assert_int_equal(tlog_note_verify(&twice, &log_key.vkey, 1, NULL), DT_ERR_AUTH);
}

static void
line_limits(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf big = DT_BUF_INIT(2 * TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note at_limit = {0}, past = {0}, lines = {0};
    static const uint8_t one[1] = {9};

    (void)state;
    ok(dt_buf_append(&bytes, text("t\n\n")));
    for (size_t i = 0; i < TLOG_NOTE_SIGS_MAX; i++)
        ok(tlog_sig_line_write(&other.vkey, dt_view_of(one), &bytes));
    ok(tlog_note_parse(dt_buf_view(&bytes), &at_limit));
    assert_int_equal(at_limit.n_sigs, TLOG_NOTE_SIGS_MAX);
    assert_int_equal(at_limit.sigs[TLOG_NOTE_SIGS_MAX - 1].sig.n, 1);
    assert_int_equal(at_limit.sigs[TLOG_NOTE_SIGS_MAX - 1].sig.p[0], 9);
    ok(tlog_sig_line_write(&other.vkey, dt_view_of(one), &bytes));
    assert_int_equal(tlog_note_parse(dt_buf_view(&bytes), &past), DT_ERR_LIMIT);
    assert_null(past.sigs);
    while (big.n <= TLOG_NOTE_MAX)
        ok(dt_buf_append(&big, text("0123456789\n")));
    assert_int_equal(tlog_note_parse(dt_buf_view(&big), &past), DT_ERR_LIMIT);
    /* Lone lines, as a witness answers. */
    ok(tlog_note_parse_lines(dt_view(bytes.p + 3, at_limit.sigs[0].line.n), &lines));
    assert_int_equal(lines.n_sigs, 1);
    assert_int_equal(tlog_note_parse_lines(dt_view(bytes.p + 3, 9), &past), DT_ERR_FORMAT);
    assert_int_equal(tlog_note_parse_lines(text(""), &past), DT_ERR_FORMAT);
}

static void
cosignatures(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(4096);
    DT_CLEANUP(tlog_note_clear) struct tlog_note n = {0}, two = {0};
    struct dt_view body = text(ORIGIN "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
    struct tlog_verified v;
    uint8_t sig[72];
    uint64_t time = 5;

    (void)state;
    ok(tlog_cosign(&witness, body, 1700000000, &line));
    ok(tlog_note_parse_lines(dt_buf_view(&line), &n));
    ok(tlog_note_check(&n, body, &witness.vkey, &v));
    assert_true(v.ok);
    assert_int_equal(v.time, 1700000000);
    assert_int_equal(n.sigs[0].sig.n, 72);
    memcpy(sig, n.sigs[0].sig.p, 72);
    for (size_t i = 0; i < 72 * 8; i++) {
        sig[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(tlog_cosignature_verify(&witness.vkey, body, dt_view_of(sig), &time),
                         DT_ERR_AUTH);
        sig[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(tlog_cosignature_verify(&witness.vkey, body, dt_view(sig, 71), &time),
                     DT_ERR_AUTH);
    assert_int_equal(tlog_cosignature_verify(&log_key.vkey, body, dt_view_of(sig), &time),
                     DT_ERR_AUTH);
    assert_int_equal(time, 5);
    assert_int_equal(tlog_cosign(&log_key, body, 1, &line), DT_ERR_STATE);
    assert_int_equal(tlog_cosign(&witness, text("no checkpoint\n"), 1, &line), DT_ERR_FORMAT);
    assert_int_equal(tlog_cosign(&witness, body, UINT64_MAX, &line), DT_ERR_RANGE);
    /* Three good lines of one witness: the earlier time counts. */
    ok(tlog_cosign(&witness, body, 1600000000, &line));
    ok(tlog_cosign(&witness, body, 1650000000, &line));
    ok(tlog_note_parse_lines(dt_buf_view(&line), &two));
    ok(tlog_note_check(&two, body, &witness.vkey, &v));
    assert_int_equal(v.time, 1600000000);
}

static void
checkpoints(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf foreign = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_checkpoint cp, before;
    struct tlog_hash root = tlog_empty_root;

    (void)state;
    ok(tlog_checkpoint_init(&cp, text(ORIGIN), 7, &root));
    ok(tlog_checkpoint_sign(&log_key, &cp, &note));
    assert_int_equal(tlog_checkpoint_sign(&other, &cp, &note), DT_ERR_STATE);
    memset(&cp, 0, sizeof(cp));
    ok(tlog_checkpoint_open(dt_buf_view(&note), &log_key.vkey, &cp));
    assert_int_equal(cp.size, 7);
    assert_string_equal(cp.origin, ORIGIN);
    assert_int_equal(cp.extension.n, 0);
    before = cp;
    assert_int_equal(tlog_checkpoint_open(dt_buf_view(&note), &other.vkey, &cp), DT_ERR_AUTH);
    /* A good key that signs another origin's checkpoint. */
    ok(tlog_note_sign(
        &log_key, text("elsewhere\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"), &foreign));
    assert_int_equal(tlog_checkpoint_open(dt_buf_view(&foreign), &log_key.vkey, &cp), DT_ERR_AUTH);
    assert_memory_equal(&cp, &before, sizeof(cp));
    assert_int_equal(tlog_checkpoint_init(&cp, text(""), 7, &root), DT_ERR_FORMAT);
    assert_int_equal(tlog_checkpoint_init(&cp, text("a\nb"), 7, &root), DT_ERR_FORMAT);
    assert_int_equal(tlog_checkpoint_init(&cp, text("a"), TLOG_SIZE_MAX + 1, &root), DT_ERR_RANGE);
}

/* Time that this thread spends on verifying a note with ${n} times the log's line. */
static uint64_t
cost_ns(size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct timespec from, to;
    struct tlog_verified v;

    ok(tlog_note_sign(&log_key, text("some text\n"), &bytes));
    for (size_t i = 1; i < n; i++)
        ok(tlog_note_sign_line(&log_key, text("some text\n"), &bytes));
    ok(tlog_note_parse(dt_buf_view(&bytes), &note));
    assert_int_equal(note.n_sigs, n);
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from), 0);
    ok(tlog_note_check(&note, note.text, &log_key.vkey, &v));
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to), 0);
    assert_true(v.ok);
    return (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000u + (uint64_t)to.tv_nsec -
           (uint64_t)from.tv_nsec;
}

/* A line repeated costs next to nothing: whoever asks a witness does not choose how much it works.
 */
static void
repeated_lines(void **state)
{
    uint64_t one = UINT64_MAX, most = UINT64_MAX;

    (void)state;
    for (int i = 0; i < 10; i++) {
        uint64_t a = cost_ns(1), b = cost_ns(TLOG_NOTE_SIGS_MAX);

        one = a < one ? a : one;
        most = b < most ? b : most;
    }
    assert_true(most < 20 * one);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeated_lines),
        cmocka_unit_test(names),
        cmocka_unit_test(keys_round_trip),
        cmocka_unit_test(bad_keys),
        cmocka_unit_test(sign_and_verify),
        cmocka_unit_test(any_change_is_noticed),
        cmocka_unit_test(known_and_unknown_lines),
        cmocka_unit_test(line_limits),
        cmocka_unit_test(cosignatures),
        cmocka_unit_test(checkpoints),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
