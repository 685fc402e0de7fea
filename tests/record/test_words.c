/*
 * tests/record/test_words.c - root ids and key words.
 */
#include "fixture.h"

static void
test_round_trip(void **state)
{
    uint8_t id[32], bits[11];
    char words[DT_KEY_WORDS_STR];

    (void)state;
    for (int i = 0; i < 200; i++) {
        ok(dt_random(id, sizeof id));
        dt_key_words(id, words);
        ok(dt_key_words_read(str(words), bits));
        assert_true(dt_key_words_match(bits, id));
        id[10] ^= 1; /* bit 88, the last that counts */
        assert_false(dt_key_words_match(bits, id));
    }
}

static void
test_order(void **state)
{
    uint8_t id[32] = {0};
    char a[DT_KEY_WORDS_STR], b[DT_KEY_WORDS_STR];
    uint8_t bits[11];

    (void)state;
    dt_key_words(id, a);
    id[0] = 0x80; /* the top bit of the first word's index, and no other word's */
    dt_key_words(id, b);
    assert_string_not_equal(a, b);
    assert_string_equal(strchr(a, ' '), strchr(b, ' '));
    id[0] = 0;
    id[10] = 1; /* the last bit: index 1 of the last word */
    dt_key_words(id, b);
    assert_memory_equal(a, b, (size_t)(strrchr(a, ' ') - a));
    ok(dt_key_words_read(str(b), bits));
    assert_int_equal(bits[10], 1);
}

static void
test_as_typed(void **state)
{
    uint8_t id[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, bits[11];
    char words[DT_KEY_WORDS_STR], typed[DT_KEY_WORDS_STR + 2];
    size_t n = 0;

    (void)state;
    dt_key_words(id, words);
    typed[n++] = ' ';
    for (size_t i = 0; words[i] != '\0'; i++)
        typed[n++] =
            words[i] == ' ' ? (i % 2 ? '-' : ' ') : (char)(i % 3 ? words[i] : words[i] - 32);
    typed[n] = '\0';
    ok(dt_key_words_read(str(typed), bits));
    assert_true(dt_key_words_match(bits, id));
}

static void
test_refused(void **state)
{
    uint8_t id[32] = {0}, bits[11];
    char words[DT_KEY_WORDS_STR], text[2 * DT_KEY_WORDS_STR];

    (void)state;
    dt_key_words(id, words);
    assert_int_equal(dt_key_words_read(str(""), bits), DT_ERR_FORMAT);
    (void)snprintf(text, sizeof text, "%s %s", words, "abide");
    assert_int_equal(dt_key_words_read(str(text), bits), DT_ERR_FORMAT);
    *strrchr(words, ' ') = '\0';
    assert_int_equal(dt_key_words_read(str(words), bits), DT_ERR_FORMAT);
    (void)snprintf(text, sizeof text, "abide abide xyzzy abide abide abide abide abide");
    assert_int_equal(dt_key_words_read(str(text), bits), DT_ERR_FORMAT);
    assert_non_null(strstr(dt_err_message(), "word 3"));
}

static void
test_root_id(void **state)
{
    uint8_t a[32], b[32], pub[32] = {1};

    (void)state;
    ok(dt_root_id(pub, a));
    ok(dt_label_hash("root", dt_view_of(pub), b));
    assert_memory_equal(a, b, 32);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_order),
        cmocka_unit_test(test_as_typed),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_root_id),
    };

    if (dt_crypto_init() != DT_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
