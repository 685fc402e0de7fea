/*
 * tests/agent/test_founding.c - agent/form/founding.c: founding lists, the forum extension,
 * warrants' hashes, history.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"
#include "crypto/crypto.h"

#include "samples.h"

/* A founding list written by hand, so that what the encoder never writes can be offered too. */
struct hand {
    uint8_t version, kind, founder;
    struct dt_view name;
    size_t n;
    uint8_t party[40];
    uint8_t letter[40]; /* first byte of the hash */
    uint8_t invitation[40];
    uint8_t flag[40];          /* of the signature */
    uint64_t destroy_after_ms; /* version 2 */
};

static struct hand
hand(size_t n)
{
    struct hand h = {.version = 1, .kind = 2, .founder = 0, .n = n};

    h.name = dt_view_str("caucus");
    for (size_t i = 0; i < n; i++) {
        h.party[i] = (uint8_t)(i % 3);
        h.letter[i] = (uint8_t)(1 + i);
        h.invitation[i] = (uint8_t)(101 + i);
    }
    return h;
}

static enum dt_err
decode_hand(const struct hand *h, struct dt_founding *out)
{
    static const uint8_t zero[64];
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(65536);
    struct dt_writer w = dt_writer_init(&b);
    size_t mark;

    dt_write_u8(&w, h->version);
    dt_write_view(&w, dt_view(zero, 64)); /* forum, group id */
    dt_write_u8(&w, h->kind);
    dt_write_vec(&w, h->name);
    dt_write_u64(&w, SAMPLE_TIME);
    dt_write_u8(&w, h->founder);
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < h->n; i++) {
        dt_write_u8(&w, h->party[i]);
        dt_write_u8(&w, h->letter[i]);
        dt_write_view(&w, dt_view(zero, 31));
        dt_write_u8(&w, h->invitation[i]);
        dt_write_view(&w, dt_view(zero, 15));
    }
    dt_write_vec_end(&w, mark);
    if (h->version == 2)
        dt_write_u64(&w, h->destroy_after_ms);
    for (size_t i = 0; i < h->n; i++) {
        dt_write_u8(&w, h->flag[i]);
        if (h->flag[i] == 1)
            dt_write_view(&w, dt_view_of(zero));
    }
    assert_int_equal(dt_writer_end(&w), DT_OK);
    return dt_founding_decode(dt_buf_view(&b), out);
}

static enum dt_err
again(struct dt_view bytes, struct dt_buf *out)
{
    struct dt_founding f;
    enum dt_err err = dt_founding_decode(bytes, &f);

    return err != DT_OK ? err : dt_founding_encode(&f, out);
}

/* All three signed, and every signature holds. */
static enum dt_err
verify(struct dt_view bytes)
{
    struct dt_founding f;
    enum dt_err err = dt_founding_decode(bytes, &f);

    if (err == DT_OK && f.n_members != 3)
        err = DT_ERR_AUTH;
    for (uint8_t i = 0; err == DT_OK && i < 3; i++)
        err = dt_founding_verify(&f, i, sample_pub((uint8_t)(10 + i)));
    return err;
}

static void
founding_has_one_encoding(void **state)
{
    (void)state;
    for (unsigned int signers = 0; signers < 8; signers++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_FOUNDING_MAX);
        struct dt_founding f;
        struct dt_founding g;

        sample_founding(&f, signers);
        assert_int_equal(dt_founding_encode(&f, &b), DT_OK);
        codec_check(again, dt_buf_view(&b));
        assert_int_equal(dt_founding_decode(dt_buf_view(&b), &g), DT_OK);
        assert_string_equal(g.name, f.name);
        assert_int_equal(g.kind, f.kind);
        assert_int_equal(g.founder, 1);
        assert_int_equal(g.created_ms, SAMPLE_TIME);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(g.members[i].party, i);
            assert_memory_equal(g.members[i].letter_hash, f.members[i].letter_hash, 32);
            assert_memory_equal(g.members[i].invitation_id, f.members[i].invitation_id, 16);
            assert_int_equal(g.members[i].has_signature, signers >> i & 1);
        }
    }
}

/* A channel that destroys says after how long, and all sign that; no list has two forms. */
static void
founding_may_say_when_talk_is_destroyed(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_FOUNDING_MAX);
    struct dt_founding f, g;
    struct hand h = hand(2);

    (void)state;
    h.version = 2;
    assert_int_equal(decode_hand(&h, &f), DT_ERR_RANGE); /* 0: that is version 1 */
    h.destroy_after_ms = DT_DESTROY_AFTER_MIN_MS - 1;
    assert_int_equal(decode_hand(&h, &f), DT_ERR_RANGE);
    h.destroy_after_ms = DT_DESTROY_AFTER_MAX_MS + 1;
    assert_int_equal(decode_hand(&h, &f), DT_ERR_RANGE);
    h.destroy_after_ms = DT_DESTROY_AFTER_MIN_MS;
    assert_int_equal(decode_hand(&h, &f), DT_OK);
    assert_int_equal(f.destroy_after_ms, DT_DESTROY_AFTER_MIN_MS);
    h.version = 3;
    assert_int_equal(decode_hand(&h, &f), DT_ERR_UNSUPPORTED);

    sample_founding(&f, 7);
    f.destroy_after_ms = DT_DESTROY_AFTER_MIN_MS;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(dt_founding_sign(&f, i, sample_seed((uint8_t)(10 + i))), DT_OK);
    assert_int_equal(dt_founding_encode(&f, &b), DT_OK);
    codec_check(again, dt_buf_view(&b));
    codec_check_signed(verify, dt_buf_view(&b));
    assert_int_equal(dt_founding_decode(dt_buf_view(&b), &g), DT_OK);
    g.destroy_after_ms *= 2;
    assert_int_equal(dt_founding_verify(&g, 0, sample_pub(10)), DT_ERR_AUTH);
}

static void
founding_signatures_cover_every_field(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_FOUNDING_MAX);
    struct dt_founding f;

    (void)state;
    sample_founding(&f, 7);
    assert_int_equal(dt_founding_encode(&f, &b), DT_OK);
    codec_check_signed(verify, dt_buf_view(&b));
}

static void
founding_signatures_are_their_members_own(void **state)
{
    struct dt_founding f;

    (void)state;
    sample_founding(&f, 3);
    assert_int_equal(dt_founding_verify(&f, 0, sample_pub(10)), DT_OK);
    assert_int_equal(dt_founding_verify(&f, 0, sample_pub(11)), DT_ERR_AUTH);
    assert_int_equal(dt_founding_verify(&f, 2, sample_pub(12)), DT_ERR_AUTH); /* has not signed */
    assert_int_equal(dt_founding_verify(&f, 3, sample_pub(10)), DT_ERR_AUTH); /* not there */
    assert_int_equal(dt_founding_sign(&f, 3, sample_seed(10)), DT_ERR_RANGE);
}

static void
founding_hash_leaves_signatures_out(void **state)
{
    struct dt_founding f;
    uint8_t before[32];
    uint8_t after[32];

    (void)state;
    sample_founding(&f, 0);
    assert_int_equal(dt_founding_hash(&f, before), DT_OK);
    sample_founding(&f, 5);
    assert_int_equal(dt_founding_hash(&f, after), DT_OK);
    assert_memory_equal(before, after, 32);
    f.name[0] ^= 1;
    assert_int_equal(dt_founding_hash(&f, after), DT_OK);
    assert_memory_not_equal(before, after, 32);
}

static void
founding_is_complete_with_one_signature_of_every_party(void **state)
{
    struct dt_founding f;

    (void)state;
    sample_founding(&f, 3);
    assert_false(dt_founding_complete(&f));
    assert_true(dt_founding_has_party(&f, 2));
    assert_false(dt_founding_has_party(&f, 3));
    assert_true(dt_founding_party_signed(&f, 1));
    assert_false(dt_founding_party_signed(&f, 2));
    sample_founding(&f, 7);
    assert_true(dt_founding_complete(&f));
    /* Two of one party: one of them is enough. */
    f.members[2].party = 1;
    f.members[2].has_signature = false;
    assert_true(dt_founding_complete(&f));
    f.members[1].has_signature = false;
    assert_false(dt_founding_complete(&f));
    f.n_members = 0;
    assert_false(dt_founding_complete(&f));
}

static void
founding_finds_members_by_invitation(void **state)
{
    struct dt_founding f;
    uint8_t id[16];

    (void)state;
    sample_founding(&f, 0);
    memcpy(id, f.members[2].invitation_id, 16);
    assert_int_equal(dt_founding_find(&f, id), 2);
    id[15] ^= 1;
    assert_int_equal(dt_founding_find(&f, id), DT_FOUNDING_MEMBERS);
}

static void
founding_takes_up_to_32_members(void **state)
{
    struct dt_founding f;
    struct hand h = hand(DT_FOUNDING_MEMBERS);

    (void)state;
    h.founder = 31;
    for (size_t i = 0; i < h.n; i++)
        h.flag[i] = 1;
    assert_int_equal(decode_hand(&h, &f), DT_OK);
    assert_int_equal(f.n_members, 32);
    h = hand(DT_FOUNDING_MEMBERS + 1);
    assert_int_equal(decode_hand(&h, &f), DT_ERR_LIMIT);
}

static void
founding_refuses_what_is_not_one(void **state)
{
    static char name[DT_CHANNEL_NAME_MAX + 2];
    struct dt_founding f;
    struct hand good = hand(3);
    struct hand h;

    (void)state;
    memset(&f, 0xee, sizeof f);
    h = good, h.version = 3;
    assert_int_equal(decode_hand(&h, &f), DT_ERR_UNSUPPORTED);
    h = good, h.kind = 0;
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    h = good, h.kind = 4;
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    h = good, h.founder = 3;
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    h = good, h.n = 0;
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    h = good, h.party[1] = 16;
    assert_int_equal(decode_hand(&h, &f), DT_ERR_RANGE);
    h = good, h.letter[2] = h.letter[0];
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    h = good, h.invitation[2] = h.invitation[1];
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    h = good, h.flag[1] = 2;
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    h = good, h.name = dt_view(NULL, 0);
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    h = good, h.name = dt_view((const uint8_t *)"a\0b", 3);
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    h = good, h.name = dt_view_str("two\nlines");
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    h = good, h.name = dt_view_str("csi \xc2\x9b");
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    h = good, h.name = dt_view_str("cut \xc3");
    assert_int_equal(decode_hand(&h, &f), DT_ERR_FORMAT);
    memset(name, 'n', sizeof name - 1);
    h = good, h.name = dt_view_str(name);
    assert_int_equal(decode_hand(&h, &f), DT_ERR_LIMIT);
    assert_int_equal(f.n_members, (size_t)0xeeeeeeeeeeeeeeeeULL); /* untouched by all of these */

    name[DT_CHANNEL_NAME_MAX] = '\0';
    h = good, h.name = dt_view_str(name);
    assert_int_equal(decode_hand(&h, &f), DT_OK);
    assert_string_equal(f.name, name);
    h = good, h.party[1] = 15;
    assert_int_equal(decode_hand(&h, &f), DT_OK);
}

/* ---- extension and running hash ---- */

static enum dt_err
ext_again(struct dt_view bytes, struct dt_buf *out)
{
    struct dt_forum_ext x;
    enum dt_err err = dt_forum_ext_decode(bytes, &x);

    return err != DT_OK ? err : dt_forum_ext_encode(&x, out);
}

static void
forum_ext_has_one_encoding(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1024);
    struct dt_forum_ext x;

    (void)state;
    sample_forum_ext(&x);
    assert_int_equal(dt_forum_ext_encode(&x, &b), DT_OK);
    assert_int_equal(b.n, 96);
    codec_check(ext_again, dt_buf_view(&b));
}

static void
warrants_hash_depends_on_all_and_their_order(void **state)
{
    struct dt_view a = dt_view_str("first");
    struct dt_view b = dt_view_str("second");
    uint8_t founding[32];
    uint8_t first[32];
    uint8_t ab[32];
    uint8_t ba[32];

    (void)state;
    sample_bytes(founding, sizeof founding, 3);
    assert_int_equal(dt_warrants_first(founding, first), DT_OK);
    assert_int_equal(dt_warrants_next(first, a, ab), DT_OK);
    assert_memory_not_equal(ab, first, 32);
    assert_int_equal(dt_warrants_next(ab, b, ab), DT_OK);
    assert_int_equal(dt_warrants_next(first, b, ba), DT_OK);
    assert_int_equal(dt_warrants_next(ba, a, ba), DT_OK);
    assert_memory_not_equal(ab, ba, 32);
    founding[0] ^= 1;
    assert_int_equal(dt_warrants_first(founding, ba), DT_OK);
    assert_memory_not_equal(first, ba, 32);
}

/* ---- history ---- */

static enum dt_err
history_again(struct dt_view bytes, struct dt_buf *out)
{
    struct dt_history h;
    enum dt_err err = dt_history_decode(bytes, &h);

    return err != DT_OK ? err : dt_history_encode(&h, out);
}

static void
history_has_one_encoding(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf f = DT_BUF_INIT(DT_FOUNDING_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf w = DT_BUF_INIT(65536);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_HISTORY_MAX);
    struct dt_history h;

    (void)state;
    sample_history(&h, &f, &w);
    assert_int_equal(dt_history_encode(&h, &b), DT_OK);
    codec_check(history_again, dt_buf_view(&b));
}

static void
history_is_walked_warrant_by_warrant(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf w = DT_BUF_INIT(65536);
    struct dt_view rest;
    struct dt_view one;

    (void)state;
    assert_int_equal(dt_history_add(&w, dt_view_str("one")), DT_OK);
    assert_int_equal(dt_history_add(&w, dt_view_str("")), DT_OK);
    assert_int_equal(dt_history_add(&w, dt_view_str("three")), DT_OK);
    rest = dt_buf_view(&w);
    assert_int_equal(dt_history_next(&rest, &one), DT_OK);
    assert_true(dt_view_equal(one, dt_view_str("one")));
    assert_int_equal(dt_history_next(&rest, &one), DT_OK);
    assert_int_equal(one.n, 0);
    assert_int_equal(dt_history_next(&rest, &one), DT_OK);
    assert_true(dt_view_equal(one, dt_view_str("three")));
    assert_int_equal(dt_history_next(&rest, &one), DT_ERR_NOT_FOUND);
    rest = dt_view(w.p, w.n - 1);
    assert_int_equal(dt_history_next(&rest, &one), DT_OK);
    assert_int_equal(dt_history_next(&rest, &one), DT_OK);
    assert_int_equal(dt_history_next(&rest, &one), DT_ERR_FORMAT);
}

static enum dt_err
history_of(size_t n_letters, size_t letter_len, struct dt_view warrants)
{
    static uint8_t letter[DT_LETTER_MAX + 1];
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_HISTORY_MAX + (1u << 20));
    struct dt_writer w = dt_writer_init(&b);
    struct dt_history h;
    size_t mark;

    dt_write_vec(&w, dt_view_str("a founding list"));
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < n_letters; i++)
        dt_write_vec(&w, dt_view(letter, letter_len));
    dt_write_vec_end(&w, mark);
    dt_write_vec(&w, warrants);
    assert_int_equal(dt_writer_end(&w), DT_OK);
    return dt_history_decode(dt_buf_view(&b), &h);
}

static void
history_keeps_its_limits(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf w = DT_BUF_INIT(1u << 20);
    struct dt_view none = {NULL, 0};

    (void)state;
    assert_int_equal(history_of(0, 0, none), DT_OK);
    assert_int_equal(history_of(32, 10, none), DT_OK);
    assert_int_equal(history_of(33, 10, none), DT_ERR_LIMIT);
    assert_int_equal(history_of(32, DT_LETTER_MAX, none), DT_OK);
    assert_int_equal(history_of(1, DT_LETTER_MAX + 1, none), DT_ERR_LIMIT);
    for (size_t i = 0; i < DT_HISTORY_WARRANTS; i++)
        assert_int_equal(dt_history_add(&w, dt_view_str("w")), DT_OK);
    assert_int_equal(history_of(1, 10, dt_buf_view(&w)), DT_OK);
    assert_int_equal(dt_history_add(&w, dt_view_str("w")), DT_OK);
    assert_int_equal(history_of(1, 10, dt_buf_view(&w)), DT_ERR_LIMIT);
    /* A last warrant that says it is longer than what is left. */
    assert_int_equal(history_of(1, 10, dt_view_str("\x01w\x05w")), DT_ERR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(founding_has_one_encoding),
        cmocka_unit_test(founding_may_say_when_talk_is_destroyed),
        cmocka_unit_test(founding_signatures_cover_every_field),
        cmocka_unit_test(founding_signatures_are_their_members_own),
        cmocka_unit_test(founding_hash_leaves_signatures_out),
        cmocka_unit_test(founding_is_complete_with_one_signature_of_every_party),
        cmocka_unit_test(founding_finds_members_by_invitation),
        cmocka_unit_test(founding_takes_up_to_32_members),
        cmocka_unit_test(founding_refuses_what_is_not_one),
        cmocka_unit_test(forum_ext_has_one_encoding),
        cmocka_unit_test(warrants_hash_depends_on_all_and_their_order),
        cmocka_unit_test(history_has_one_encoding),
        cmocka_unit_test(history_is_walked_warrant_by_warrant),
        cmocka_unit_test(history_keeps_its_limits),
    };

    return dt_crypto_init() != DT_OK ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
