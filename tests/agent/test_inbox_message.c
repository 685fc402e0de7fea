/*
 * tests/agent/test_inbox_message.c - agent/form/inbox_message.c: messages for a delegate's inbox,
 * and their sealing.
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

static enum dt_err
again(struct dt_view bytes, struct dt_buf *out)
{
    struct dt_inbox_message m;
    enum dt_err err = dt_inbox_message_decode(bytes, &m);

    return err != DT_OK ? err : dt_inbox_message_encode(&m, out);
}

static void
every_kind_has_one_encoding(void **state)
{
    (void)state;
    for (int kind = DT_INBOX_INVITATION; kind <= DT_INBOX_COPY; kind++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf store = DT_BUF_INIT(65536);
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_INBOX_MESSAGE_MAX);
        struct dt_inbox_message m;
        struct dt_inbox_message x;

        sample_inbox_message(&m, (enum dt_inbox_kind)kind, &store);
        assert_int_equal(dt_inbox_message_encode(&m, &b), DT_OK);
        codec_check(again, dt_buf_view(&b));
        assert_int_equal(dt_inbox_message_decode(dt_buf_view(&b), &x), DT_OK);
        assert_int_equal(x.kind, kind);
        assert_memory_equal(x.group_id, m.group_id, 32);
        assert_memory_equal(x.invitation_id, m.invitation_id, 16);
        assert_true(dt_view_equal(x.founding, m.founding));
        assert_int_equal(x.n_letters, m.n_letters);
        for (size_t i = 0; i < m.n_letters; i++)
            assert_true(dt_view_equal(x.letters[i], m.letters[i]));
        assert_true(dt_view_equal(x.sender_letter, m.sender_letter));
        assert_int_equal(x.member, m.member);
        assert_memory_equal(x.signature, m.signature, 64);
        assert_true(dt_view_equal(x.letter, m.letter));
        assert_int_equal(x.epoch_from, m.epoch_from);
        assert_true(dt_view_equal(x.key_package, m.key_package));
        assert_true(dt_view_equal(x.approval, m.approval));
        assert_int_equal(x.queue_position, m.queue_position);
        assert_true(dt_view_equal(x.welcome, m.welcome));
        assert_true(dt_view_equal(x.rejoin, m.rejoin));
        assert_true(dt_view_equal(x.revocation, m.revocation));
        assert_true(dt_view_equal(x.copy, m.copy));
    }
}

static void
unknown_kinds_and_versions_are_unsupported(void **state)
{
    static const uint8_t bad[][2] = {{1, 0}, {1, 10}, {1, 255}, {0, 1}, {2, 1}};
    DT_CLEANUP(dt_buf_clear) struct dt_buf store = DT_BUF_INIT(65536);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_INBOX_MESSAGE_MAX);
    struct dt_inbox_message m;

    (void)state;
    sample_inbox_message(&m, DT_INBOX_INVITATION, &store);
    assert_int_equal(dt_inbox_message_encode(&m, &b), DT_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memcpy(b.p, bad[i], 2);
        assert_int_equal(dt_inbox_message_decode(dt_buf_view(&b), &m), DT_ERR_UNSUPPORTED);
    }
}

static enum dt_err
decode_invitation(size_t n_letters, size_t letter_len, size_t founding_len)
{
    static uint8_t zero[DT_FOUNDING_MAX + 1];
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    struct dt_writer w = dt_writer_init(&b);
    struct dt_inbox_message m;
    size_t mark;

    dt_write_u8(&w, 1);
    dt_write_u8(&w, DT_INBOX_INVITATION);
    dt_write_view(&w, dt_view(zero, 48));
    dt_write_vec(&w, dt_view(zero, founding_len));
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < n_letters; i++)
        dt_write_vec(&w, dt_view(zero, letter_len));
    dt_write_vec_end(&w, mark);
    dt_write_vec(&w, dt_view(zero, letter_len));
    assert_int_equal(dt_writer_end(&w), DT_OK);
    return dt_inbox_message_decode(dt_buf_view(&b), &m);
}

static void
invitation_keeps_its_limits(void **state)
{
    (void)state;
    assert_int_equal(decode_invitation(32, DT_LETTER_MAX, DT_FOUNDING_MAX), DT_OK);
    assert_int_equal(decode_invitation(33, 10, 10), DT_ERR_LIMIT);
    assert_int_equal(decode_invitation(1, DT_LETTER_MAX + 1, 10), DT_ERR_LIMIT);
    assert_int_equal(decode_invitation(1, 10, DT_FOUNDING_MAX + 1), DT_ERR_LIMIT);
}

/* The longest field of a kind, one byte past its maximum. */
static void
long_fields_are_refused(void **state)
{
    static uint8_t zero[DT_WELCOME_MAX + 1];
    static const struct {
        enum dt_inbox_kind kind;
        size_t max;
    } fields[] = {{DT_INBOX_KEY_PACKAGE, DT_KEY_PACKAGE_MAX},
                  {DT_INBOX_APPROVAL, DT_LETTER_MAX + 512},
                  {DT_INBOX_WELCOME, DT_WELCOME_MAX},
                  {DT_INBOX_REJOIN, 512},
                  {DT_INBOX_REVOCATION, 1024},
                  {DT_INBOX_COPY, DT_COPY_MAX}};

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        for (size_t over = 0; over < 2; over++) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
            struct dt_inbox_message m = {.kind = fields[i].kind};
            struct dt_inbox_message x;
            struct dt_view v = dt_view(zero, fields[i].max + over);

            m.key_package = m.approval = m.welcome = m.rejoin = m.revocation = m.copy = v;
            assert_int_equal(dt_inbox_message_encode(&m, &b), DT_OK);
            assert_int_equal(dt_inbox_message_decode(dt_buf_view(&b), &x),
                             over ? DT_ERR_LIMIT : DT_OK);
        }
}

static enum dt_err
request_verify(struct dt_view bytes)
{
    struct dt_inbox_message m;
    enum dt_err err = dt_inbox_message_decode(bytes, &m);

    if (err == DT_OK && m.kind != DT_INBOX_APPROVAL_REQUEST)
        err = DT_ERR_AUTH;
    return err != DT_OK ? err : dt_inbox_request_verify(&m, sample_pub(3));
}

static void
requests_are_signed_whole(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf store = DT_BUF_INIT(65536);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(65536);
    struct dt_inbox_message m;

    (void)state;
    sample_inbox_message(&m, DT_INBOX_APPROVAL_REQUEST, &store);
    assert_int_equal(dt_inbox_message_encode(&m, &b), DT_OK);
    codec_check_signed(request_verify, dt_buf_view(&b));
    assert_int_equal(dt_inbox_request_verify(&m, sample_pub(4)), DT_ERR_AUTH);
}

/* ---- sealing ---- */

struct keys {
    struct dt_secret priv;
    uint8_t pub[DT_X25519];
    uint8_t address[32];
};

static void
keys_clear(struct keys *k)
{
    dt_secret_clear(&k->priv);
}

static void
keys_new(struct keys *k, uint8_t tag)
{
    assert_int_equal(dt_x25519_new(&k->priv, k->pub), DT_OK);
    sample_bytes(k->address, sizeof k->address, tag);
}

static void
sealed_messages_open_for_their_addressee(void **state)
{
    static uint8_t big[300000];
    static const size_t lens[] = {0, 1, 62, 400, 462, 463, 464, 4000, 5000, sizeof big};
    DT_CLEANUP(keys_clear) struct keys k = {0};

    (void)state;
    keys_new(&k, 1);
    sample_bytes(big, sizeof big, 0x33);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);

        assert_int_equal(dt_inbox_seal(dt_view_of(k.pub), k.address, dt_view(big, lens[i]), &cell),
                         DT_OK);
        assert_int_equal(dt_cell_size(cell.n), cell.n);
        assert_int_equal(
            dt_inbox_open(dt_secret_view(&k.priv), k.address, dt_buf_view(&cell), &out), DT_OK);
        assert_true(dt_view_equal(dt_buf_view(&out), dt_view(big, lens[i])));
    }
}

static void
sealed_messages_open_for_nobody_else(void **state)
{
    DT_CLEANUP(keys_clear) struct keys k = {0};
    DT_CLEANUP(keys_clear) struct keys other = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);

    (void)state;
    keys_new(&k, 1);
    keys_new(&other, 2);
    assert_int_equal(dt_inbox_seal(dt_view_of(k.pub), k.address, dt_view_str("hello"), &cell),
                     DT_OK);
    assert_int_equal(
        dt_inbox_open(dt_secret_view(&other.priv), k.address, dt_buf_view(&cell), &out),
        DT_ERR_AUTH);
    assert_int_equal(
        dt_inbox_open(dt_secret_view(&k.priv), other.address, dt_buf_view(&cell), &out),
        DT_ERR_AUTH);
    for (size_t i = 0; i < cell.n; i++) {
        cell.p[i] ^= (uint8_t)(1u << i % 8);
        /* Bit 7 of enc's last byte is masked by X25519 (RFC 7748 section 5), but it is in the KEM
         * context. */
        assert_int_not_equal(
            dt_inbox_open(dt_secret_view(&k.priv), k.address, dt_buf_view(&cell), &out), DT_OK);
        cell.p[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(out.n, 0); /* nothing was given out on the way */
    assert_int_equal(dt_inbox_open(dt_secret_view(&k.priv), k.address, dt_buf_view(&cell), &out),
                     DT_OK);
}

static void
sealed_messages_have_legal_sizes_only(void **state)
{
    static const size_t sizes[] = {0,
                                   1,
                                   31,
                                   32,
                                   48,
                                   511,
                                   513,
                                   1000,
                                   4608,
                                   10000,
                                   DT_CELL_MAX - 1,
                                   DT_CELL_MAX + 1,
                                   DT_CELL_MAX * 2};
    static uint8_t zero[DT_CELL_MAX * 2];
    DT_CLEANUP(keys_clear) struct keys k = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);

    (void)state;
    keys_new(&k, 1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(
            dt_inbox_open(dt_secret_view(&k.priv), k.address, dt_view(zero, sizes[i]), &out),
            DT_ERR_FORMAT);
    assert_int_equal(dt_inbox_seal(dt_view_of(k.pub), k.address, dt_view(zero, DT_CELL_MAX), &out),
                     DT_ERR_LIMIT);
    assert_int_equal(out.n, 0);
}

static void
sealed_twice_differs(void **state)
{
    DT_CLEANUP(keys_clear) struct keys k = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf a = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_CELL_MAX);

    (void)state;
    keys_new(&k, 1);
    assert_int_equal(dt_inbox_seal(dt_view_of(k.pub), k.address, dt_view_str("hello"), &a), DT_OK);
    assert_int_equal(dt_inbox_seal(dt_view_of(k.pub), k.address, dt_view_str("hello"), &b), DT_OK);
    assert_int_equal(a.n, b.n);
    assert_memory_not_equal(a.p, b.p, 32);
    assert_memory_not_equal(a.p + 32, b.p + 32, a.n - 32);
}

/* A key that leads nowhere: all zero is of low order (RFC 7748 section 6.1). */
static void
sealing_to_a_weak_key_is_refused(void **state)
{
    static const uint8_t zero[32];
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);

    (void)state;
    assert_int_not_equal(dt_inbox_seal(dt_view_of(zero), zero, dt_view_str("hello"), &out), DT_OK);
    assert_int_equal(out.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_one_encoding),
        cmocka_unit_test(unknown_kinds_and_versions_are_unsupported),
        cmocka_unit_test(invitation_keeps_its_limits),
        cmocka_unit_test(long_fields_are_refused),
        cmocka_unit_test(requests_are_signed_whole),
        cmocka_unit_test(sealed_messages_open_for_their_addressee),
        cmocka_unit_test(sealed_messages_open_for_nobody_else),
        cmocka_unit_test(sealed_messages_have_legal_sizes_only),
        cmocka_unit_test(sealed_twice_differs),
        cmocka_unit_test(sealing_to_a_weak_key_is_refused),
    };

    return dt_crypto_init() != DT_OK ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
