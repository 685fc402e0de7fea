/*
 * tests/agent/test_payload.c - agent/form/payload.c: what an application message carries.
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
    struct dt_payload p;
    enum dt_err err = dt_payload_decode(bytes, &p);

    return err != DT_OK ? err : dt_payload_encode(&p, out);
}

static void
every_kind_has_one_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_sample_payloads; i++) {
        enum dt_payload_kind kind = sample_payload_kinds[i];
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);
        struct dt_payload p;
        struct dt_payload x;

        sample_payload(&p, kind);
        assert_int_equal(dt_payload_encode(&p, &b), DT_OK);
        codec_check(again, dt_buf_view(&b));
        assert_int_equal(dt_payload_decode(dt_buf_view(&b), &x), DT_OK);
        assert_int_equal(x.kind, kind);
        assert_memory_equal(x.id, p.id, 16);
        assert_int_equal(x.sent_ms, p.sent_ms);
        assert_true(dt_view_equal(x.media_type, p.media_type));
        assert_true(dt_view_equal(x.name, p.name));
        assert_true(dt_view_equal(x.lang, p.lang));
        assert_true(dt_view_equal(x.data, p.data));
        assert_true(dt_view_equal(x.record, p.record));
        assert_true(dt_view_equal(x.leave, p.leave));
        assert_true(dt_view_equal(x.courier, p.courier));
        assert_int_equal(x.epoch, p.epoch);
        assert_true(dt_view_equal(x.authenticator, p.authenticator));
        assert_int_equal(x.position, p.position);
        assert_int_equal(x.count, p.count);
        assert_memory_equal(x.root, p.root, 32);
        assert_int_equal(x.held, p.held);
        assert_int_equal(x.first, p.first);
        assert_true(dt_view_equal(x.key, p.key));
        assert_int_equal(x.leaf, p.leaf);
        assert_true(dt_view_equal(x.voucher, p.voucher));
    }
}

static enum dt_err
there_and_back(const struct dt_payload *p)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(2 * DT_PAYLOAD_MAX);
    struct dt_payload x;
    enum dt_err err;

    assert_int_equal(dt_payload_encode(p, &b), DT_OK);
    err = dt_payload_decode(dt_buf_view(&b), &x);
    if (err == DT_OK) {
        assert_true(dt_view_equal(x.data, p->data));
        assert_true(dt_view_equal(x.name, p->name));
    }
    return err;
}

/* What is closed are epochs that can be, and a call says nothing of messages. */
static void
closed_epochs_fit(void **state)
{
    struct dt_payload p;

    (void)state;
    sample_payload(&p, DT_PAYLOAD_CLOSED);
    p.first = p.epoch + 1;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.count = 0;
    assert_int_equal(there_and_back(&p), DT_OK);
    p.first++;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.first = 0;
    p.epoch = UINT64_MAX;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    sample_payload(&p, DT_PAYLOAD_CLOSED);
    p.held = false;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.first = 0;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.count = 0;
    assert_int_equal(there_and_back(&p), DT_OK);
}

/* A rule that an item brings says to keep it, or to destroy it after an hour at least; and it
 * counts as what it says. */
static void
rules_of_items_can_be(void **state)
{
    static const enum dt_payload_kind kinds[] = {DT_PAYLOAD_TALK, DT_PAYLOAD_CHUNK};
    struct dt_payload p;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);
        struct dt_payload x;

        sample_payload(&p, kinds[i]);
        p.rule = (struct dt_item_rule){DT_ITEM_KEEP, 0};
        assert_int_equal(there_and_back(&p), DT_OK);
        p.rule = (struct dt_item_rule){DT_ITEM_DESTROY, 0};
        assert_int_equal(there_and_back(&p), DT_ERR_RANGE);
        p.rule.after_ms = DT_DESTROY_AFTER_MIN_MS - 1;
        assert_int_equal(there_and_back(&p), DT_ERR_RANGE);
        p.rule.after_ms = DT_DESTROY_AFTER_MAX_MS + 1;
        assert_int_equal(there_and_back(&p), DT_ERR_RANGE);
        p.rule.after_ms = DT_DESTROY_AFTER_MIN_MS;
        assert_int_equal(dt_payload_encode(&p, &b), DT_OK);
        assert_int_equal(dt_payload_decode(dt_buf_view(&b), &x), DT_OK);
        assert_int_equal(x.rule.what, DT_ITEM_DESTROY);
        assert_int_equal(x.rule.after_ms, DT_DESTROY_AFTER_MIN_MS);
        p.rule.what = 3;
        assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    }
}

/* What was destroyed is a list that can be: 1 to 64 things, each by a rule that can be. */
static void
lists_of_what_was_destroyed(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);
    struct dt_destroyed_item item = {.after_ms = DT_DESTROY_AFTER_MIN_MS};
    struct dt_payload p;

    (void)state;
    sample_payload(&p, DT_PAYLOAD_DESTROYED);
    p.destroyed_list = dt_view(NULL, 0);
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    for (size_t n = 1; n <= DT_DESTROYED_ITEMS + 1; n++) {
        struct dt_writer w = dt_writer_init(&b);

        dt_destroyed_write(&w, &item);
        assert_int_equal(dt_writer_end(&w), DT_OK);
        p.destroyed_list = dt_buf_view(&b);
        assert_int_equal(there_and_back(&p), n <= DT_DESTROYED_ITEMS ? DT_OK : DT_ERR_FORMAT);
    }
    p.destroyed_list.n -= 1; /* the last is cut off */
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    b.p[56] = 0; /* the rule of the first is no longer one */
    b.p[55] = b.p[54] = b.p[53] = 0;
    p.destroyed_list = dt_view(b.p, 57);
    assert_int_equal(there_and_back(&p), DT_ERR_RANGE);
}

static void
large_payloads_pass_up_to_the_maximum(void **state)
{
    static uint8_t big[DT_PAYLOAD_MAX + 1];
    struct dt_payload p;

    (void)state;
    memset(big, 'x', sizeof big);
    sample_payload(&p, DT_PAYLOAD_TALK);
    p.data = dt_view(big, 300000);
    assert_int_equal(there_and_back(&p), DT_OK);
    p.name = dt_view_str("map.pdf");
    p.media_type = dt_view_str("application/pdf");
    assert_int_equal(there_and_back(&p), DT_OK);
    p.data = dt_view(big, DT_PAYLOAD_MAX);
    assert_int_equal(there_and_back(&p), DT_OK);
    p.data = dt_view(big, DT_PAYLOAD_MAX + 1);
    assert_int_equal(there_and_back(&p), DT_ERR_LIMIT);
    sample_payload(&p, DT_PAYLOAD_RECORD);
    p.record = dt_view(big, DT_PAYLOAD_MAX + 1);
    assert_int_equal(there_and_back(&p), DT_ERR_LIMIT);
}

static void
texts_are_utf8_and_files_are_any_bytes(void **state)
{
    static const char *const bad[] = {"cut \xc3", "\xff", "surrogate \xed\xa0\x80",
                                      "long \xc0\xaf"};
    struct dt_payload p;

    (void)state;
    sample_payload(&p, DT_PAYLOAD_TALK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        p.data = dt_view_str(bad[i]);
        p.name = dt_view(NULL, 0);
        p.media_type = dt_view_str("text/plain");
        assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
        p.name = dt_view_str("old.txt");
        assert_int_equal(there_and_back(&p), DT_OK);
        p.name = dt_view(NULL, 0);
        p.media_type = dt_view_str("image/png");
        assert_int_equal(there_and_back(&p), DT_OK);
    }
    sample_payload(&p, DT_PAYLOAD_TALK);
    p.data = dt_view_str("two\nlines"); /* how it is shown is the programs' care */
    assert_int_equal(there_and_back(&p), DT_OK);
}

static void
file_names_are_never_paths(void **state)
{
    static const char *const bad[] = {"/etc/passwd", "../x",     "a/b",   "..",        ".",
                                      "a\nb",        "a\x1b[2J", "a\x7f", "a\xc2\x9b", "a\xc3"};
    static const char *const good[] = {"report.pdf", ".hidden", "...",
                                       "r\xc3\xa9sum\xc3\xa9 (1).odt"};
    static char name[DT_FILE_NAME_MAX + 2];
    struct dt_payload p;

    (void)state;
    sample_payload(&p, DT_PAYLOAD_TALK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        p.name = dt_view_str(bad[i]);
        assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    }
    p.name = dt_view((const uint8_t *)"a\0b", 3);
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        p.name = dt_view_str(good[i]);
        assert_int_equal(there_and_back(&p), DT_OK);
    }
    memset(name, 'n', DT_FILE_NAME_MAX + 1);
    p.name = dt_view_str(name);
    assert_int_equal(there_and_back(&p), DT_ERR_LIMIT);
    p.name.n--;
    assert_int_equal(there_and_back(&p), DT_OK);
}

static void
media_type_and_language_are_one_short_line(void **state)
{
    static char line[DT_MEDIA_TYPE_MAX + 2];
    struct dt_payload p;

    (void)state;
    sample_payload(&p, DT_PAYLOAD_TALK);
    p.media_type = dt_view(NULL, 0);
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.media_type = dt_view_str("text/plain\n");
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    memset(line, 'm', DT_MEDIA_TYPE_MAX + 1);
    p.media_type = dt_view_str(line);
    assert_int_equal(there_and_back(&p), DT_ERR_LIMIT);
    p.media_type.n--;
    assert_int_equal(there_and_back(&p), DT_OK);
    p.lang = dt_view_str("e\x1bn");
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.lang = dt_view_str(line);
    assert_int_equal(there_and_back(&p), DT_ERR_LIMIT);
}

static void
small_parts_have_their_limits(void **state)
{
    static uint8_t bytes[600];
    struct dt_payload p;

    (void)state;
    sample_payload(&p, DT_PAYLOAD_HERE);
    p.authenticator = dt_view(bytes, 64);
    assert_int_equal(there_and_back(&p), DT_OK);
    p.authenticator = dt_view(bytes, 65);
    assert_int_equal(there_and_back(&p), DT_ERR_LIMIT);
    sample_payload(&p, DT_PAYLOAD_RECEIPT);
    p.authenticator = dt_view(bytes, 64);
    assert_int_equal(there_and_back(&p), DT_OK);
    p.authenticator = dt_view(bytes, 65);
    assert_int_equal(there_and_back(&p), DT_ERR_LIMIT);
    sample_payload(&p, DT_PAYLOAD_LEAVE);
    p.leave = dt_view(bytes, 512);
    assert_int_equal(there_and_back(&p), DT_OK);
    p.leave = dt_view(bytes, 513);
    assert_int_equal(there_and_back(&p), DT_ERR_LIMIT);
}

static void
pieces_of_a_file_fit_together(void **state)
{
    struct dt_payload p;

    (void)state;
    assert_int_equal(dt_chunk_count(1), 1);
    assert_int_equal(dt_chunk_count(DT_CHUNK), 1);
    assert_int_equal(dt_chunk_count(DT_CHUNK + 1u), 2);
    assert_int_equal(dt_chunk_length(DT_CHUNK + 1u, 0), DT_CHUNK);
    assert_int_equal(dt_chunk_length(DT_CHUNK + 1u, 1), 1);
    assert_int_equal(dt_chunk_length(DT_CHUNK + 1u, 2), 0);
    sample_payload(&p, DT_PAYLOAD_CHUNK);
    assert_int_equal(there_and_back(&p), DT_OK);
    p.index = 0; /* has DT_CHUNK bytes */
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.index = 2;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.index = 1;
    p.size++;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.size = UINT64_MAX;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.size = 0;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    sample_payload(&p, DT_PAYLOAD_CHUNK);
    p.name = dt_view(NULL, 0);
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.name = dt_view_str("../map");
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
}

static void
how_a_message_is_understood_has_words(void **state)
{
    static const uint8_t long_text[DT_TEXT_MAX + 1] = {'a'};
    struct dt_payload p;

    (void)state;
    sample_payload(&p, DT_PAYLOAD_UNDERSTOOD);
    p.what = 0;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.what = 4;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.what = DT_UNDERSTOOD_IS_WRONG;
    assert_int_equal(there_and_back(&p), DT_OK);
    p.text = dt_view(NULL, 0);
    assert_int_equal(there_and_back(&p), DT_OK);
    p.what = DT_UNDERSTOOD_AS;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.text = dt_view_str("a\rb");
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.text = dt_view(long_text, sizeof long_text);
    assert_int_equal(there_and_back(&p), DT_ERR_LIMIT);
}

static void
receipts_count_no_more_than_there_was(void **state)
{
    struct dt_payload p;

    (void)state;
    sample_payload(&p, DT_PAYLOAD_RECEIPT);
    p.count = p.position;
    assert_int_equal(there_and_back(&p), DT_OK);
    p.count = p.position + 1;
    assert_int_equal(there_and_back(&p), DT_ERR_FORMAT);
    p.position = UINT64_MAX;
    p.count = UINT64_MAX;
    assert_int_equal(there_and_back(&p), DT_OK);
}

/* The register's checkpoint behind it is there whole or not at all. */
static void
receipts_carry_a_checkpoint(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);
    const size_t n_heard = 8 + 32 + 64;
    struct dt_payload p;
    struct dt_payload x;

    (void)state;
    sample_payload(&p, DT_PAYLOAD_RECEIPT);
    p.has_heard = true;
    p.heard.size = 9;
    sample_bytes(p.heard.root, sizeof p.heard.root, 3);
    sample_bytes(p.heard.signature, sizeof p.heard.signature, 4);
    assert_int_equal(dt_payload_encode(&p, &b), DT_OK);
    for (size_t n = 0; n <= b.n; n++) {
        enum dt_err err = dt_payload_decode(dt_view(b.p, n), &x);

        assert_int_equal(err == DT_OK, n == b.n || n == b.n - n_heard);
        if (err == DT_OK)
            assert_int_equal(x.has_heard, n == b.n);
    }
    assert_int_equal(x.heard.size, 9);
    assert_memory_equal(x.heard.root, p.heard.root, 32);
    assert_memory_equal(x.heard.signature, p.heard.signature, 64);
    assert_int_equal(dt_buf_append(&b, dt_view_str("x")), DT_OK);
    assert_int_equal(dt_payload_decode(dt_buf_view(&b), &x), DT_ERR_FORMAT);
}

static void
unknown_kinds_and_versions_are_unsupported(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);
    struct dt_payload p;

    (void)state;
    sample_payload(&p, DT_PAYLOAD_RECORD);
    assert_int_equal(dt_payload_encode(&p, &b), DT_OK);
    b.p[1] = 0;
    assert_int_equal(dt_payload_decode(dt_buf_view(&b), &p), DT_ERR_UNSUPPORTED);
    b.p[1] = 200;
    assert_int_equal(dt_payload_decode(dt_buf_view(&b), &p), DT_ERR_UNSUPPORTED);
    b.p[1] = 2;
    b.p[0] = 2;
    assert_int_equal(dt_payload_decode(dt_buf_view(&b), &p), DT_ERR_UNSUPPORTED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_one_encoding),
        cmocka_unit_test(rules_of_items_can_be),
        cmocka_unit_test(lists_of_what_was_destroyed),
        cmocka_unit_test(large_payloads_pass_up_to_the_maximum),
        cmocka_unit_test(texts_are_utf8_and_files_are_any_bytes),
        cmocka_unit_test(file_names_are_never_paths),
        cmocka_unit_test(media_type_and_language_are_one_short_line),
        cmocka_unit_test(small_parts_have_their_limits),
        cmocka_unit_test(pieces_of_a_file_fit_together),
        cmocka_unit_test(how_a_message_is_understood_has_words),
        cmocka_unit_test(receipts_count_no_more_than_there_was),
        cmocka_unit_test(receipts_carry_a_checkpoint),
        cmocka_unit_test(closed_epochs_fit),
        cmocka_unit_test(unknown_kinds_and_versions_are_unsupported),
    };

    return dt_crypto_init() != DT_OK ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
