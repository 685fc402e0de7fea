/*
 * tests/record/test_value.c - one canonical byte form per type: good and refused examples, and text
 * both ways.
 */
#include "fixture.h"

#define ENUM3 3

struct bytes_case {
    uint8_t type;
    const char *hex;
    bool good;
};

/* The examples of docs/protocol-record.md and more. */
static const struct bytes_case cases[] = {
    {DT_TYPE_TEXT, "68656c6c6f", true},
    {DT_TYPE_TEXT, "", false},       /* empty: leave it absent */
    {DT_TYPE_TEXT, "610a62", false}, /* a line feed */
    {DT_TYPE_TEXT, "c080", false},   /* over-long */
    {DT_TYPE_TEXT, "eda080", false}, /* a surrogate */
    {DT_TYPE_LTEXT, "610a62", true},
    {DT_TYPE_LTEXT, "610d0a62", false}, /* a carriage return */
    {DT_TYPE_INT, "0000000000000007", true},
    {DT_TYPE_INT, "ffffffffffffffff", true}, /* -1 */
    {DT_TYPE_INT, "07", false},
    {DT_TYPE_INT, "000000000000000007", false},
    {DT_TYPE_DECIMAL, "31322e35", true}, /* 12.5 */
    {DT_TYPE_DECIMAL, "30", true},
    {DT_TYPE_DECIMAL, "2d302e35", true},    /* -0.5 */
    {DT_TYPE_DECIMAL, "2d30", false},       /* -0 */
    {DT_TYPE_DECIMAL, "31322e3530", false}, /* 12.50 */
    {DT_TYPE_DECIMAL, "303132", false},     /* 012 */
    {DT_TYPE_DECIMAL, "2e35", false},       /* .5 */
    {DT_TYPE_DECIMAL, "352e", false},       /* 5. */
    {DT_TYPE_DECIMAL, "2b35", false},       /* +5 */
    {DT_TYPE_DECIMAL, "316532", false},     /* 1e2 */
    {DT_TYPE_DECIMAL, "2d302e30", false},   /* -0.0 */
    {DT_TYPE_DECIMAL, "2d", false},
    {DT_TYPE_BOOL, "00", true},
    {DT_TYPE_BOOL, "01", true},
    {DT_TYPE_BOOL, "02", false},
    {DT_TYPE_BOOL, "", false},
    {DT_TYPE_ENUM, "0001", true},
    {DT_TYPE_ENUM, "0003", true},
    {DT_TYPE_ENUM, "0000", false},
    {DT_TYPE_ENUM, "0004", false},
    {DT_TYPE_ENUM, "01", false},
    {DT_TYPE_DATE, "00000000", true}, /* 1970-01-01 */
    {DT_TYPE_DATE, "ffffffff", true}, /* 1969-12-31 */
    {DT_TYPE_DATE, "fff506c6", true}, /* 0001-01-01 */
    {DT_TYPE_DATE, "fff506c5", false},
    {DT_TYPE_DATE, "002cc0a0", true}, /* 9999-12-31 */
    {DT_TYPE_DATE, "002cc0a1", false},
    {DT_TYPE_DATETIME, "0000000000000000", true},
    {DT_TYPE_DATETIME, "0000e677d21fdbff", true}, /* the last millisecond of 9999 */
    {DT_TYPE_DATETIME, "0000e677d21fdc00", false},
    {DT_TYPE_DURATION, "00000000001b7740", true}, /* PT30M */
    {DT_TYPE_DURATION, "1b7740", false},
    {DT_TYPE_LATLON, "1f0a5d00029229d0", true},
    {DT_TYPE_LATLON, "35a4e9006b49d200", true}, /* 90,180 */
    {DT_TYPE_LATLON, "35a4e90194b62e00", false},
    {DT_TYPE_LATLON, "0000000094b62e00", false}, /* -180 */
    {DT_TYPE_LATLON, "00000000", false},
    {DT_TYPE_AREA,
     "02"
     "0000000000000000"
     "000003e8",
     true},
    {DT_TYPE_AREA,
     "02"
     "0000000000000000"
     "00000000",
     false},
    {DT_TYPE_AREA,
     "01"
     "18"
     "000000000000000000000000000000010000000100000000",
     true},
    {DT_TYPE_AREA,
     "01"
     "10"
     "00000000000000000000000000000001",
     false},
    {DT_TYPE_AREA,
     "01"
     "4018"
     "000000000000000000000000000000010000000100000000",
     false}, /* long header */
    {DT_TYPE_AREA,
     "01"
     "20"
     "0000000000000000000000000000000100000001000000000000000000000000",
     false}, /* closed */
    {DT_TYPE_AREA, "03", false},
    {DT_TYPE_LANG, "656e", true},
    {DT_TYPE_LANG, "7a682d48616e74", true},   /* zh-Hant */
    {DT_TYPE_LANG, "70742d4252", true},       /* pt-BR */
    {DT_TYPE_LANG, "65732d343139", true},     /* es-419 */
    {DT_TYPE_LANG, "736c2d726f7a616a", true}, /* sl-rozaj */
    {DT_TYPE_LANG, "454e", false},            /* EN */
    {DT_TYPE_LANG, "70742d6272", false},      /* pt-br */
    {DT_TYPE_LANG, "7a682d68616e74", false},  /* zh-hant */
    {DT_TYPE_LANG, "656e2d", false},
    {DT_TYPE_LANG, "656e2d78", false},
    {DT_TYPE_PARTY, "02", true},
    {DT_TYPE_PARTY, "03", true},
    {DT_TYPE_PARTY, "04", false},
    {DT_TYPE_PARTY, "01", false},
    {DT_TYPE_REF, "00112233445566778899aabbccddeeff", true},
    {DT_TYPE_REF, "00112233445566778899aabbccddee", false},
    {DT_TYPE_HASH, "00112233445566778899aabbccddeeff", false},
    {DT_TYPE_MAP, "", true},
    {DT_TYPE_MAP,
     "0161"
     "03"
     "08"
     "0000000000000001"
     "0162"
     "01"
     "0178",
     true},
    {DT_TYPE_MAP,
     "0162"
     "01"
     "0178"
     "0161"
     "03"
     "08"
     "0000000000000001",
     false}, /* not sorted */
    {DT_TYPE_MAP,
     "0161"
     "01"
     "0178"
     "0161"
     "01"
     "0179",
     false}, /* a key twice */
    {DT_TYPE_MAP,
     "0161"
     "10"
     "00",
     false}, /* a map inside */
    {DT_TYPE_MAP,
     "0161"
     "81"
     "020161",
     false}, /* a list inside */
    {DT_TYPE_ACCOUNT,
     "0161"
     "81"
     "020161",
     true},
    {DT_TYPE_ACCOUNT,
     "0161"
     "08"
     "00",
     true}, /* should be absent */
    {DT_TYPE_ACCOUNT,
     "0161"
     "01"
     "00"
     "0162"
     "03"
     "08"
     "0000000000000001",
     true},
    {DT_TYPE_MAP,
     "0161"
     "08"
     "00",
     false},
    {DT_TYPE_LIST | DT_TYPE_TEXT, "", true},
    {DT_TYPE_LIST | DT_TYPE_TEXT,
     "0161"
     "00"
     "0162",
     true},
    {DT_TYPE_LIST | DT_TYPE_TEXT, "0261", false},
    {DT_TYPE_LIST | DT_TYPE_TEXT, "400161", false}, /* long header */
    {DT_TYPE_LIST | DT_TYPE_ENUM, "020001020003", true},
    {DT_TYPE_LIST | DT_TYPE_ENUM, "020001020004", false},
    {DT_TYPE_LIST | DT_TYPE_MAP,
     "05"
     "0161"
     "01"
     "0178",
     true},
    {DT_TYPE_REFERENCE,
     "03"
     "03"
     "633130",
     true},
    {DT_TYPE_REFERENCE,
     "02"
     "10"
     "00112233445566778899aabbccddeeff",
     true},
    {DT_TYPE_REFERENCE,
     "01"
     "10"
     "00112233445566778899aabbccddeeff",
     false},
    {DT_TYPE_REFERENCE,
     "04"
     "01"
     "61",
     false},
    {DT_TYPE_BYTES, "", true},
    {DT_TYPE_AUTHOR, "00", false},
    {DT_TYPE_NONE, "", false},
    {99, "00", false},
    {DT_TYPE_LIST | DT_TYPE_ACCOUNT, "", false},
};

static void
test_bytes(void **state)
{
    const struct dt_view names[ENUM3] = {str("one"), str("two"), str("three")};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1024), text = DT_BUF_INIT(8192);
        const struct dt_value_hint hint = {
            .field = "f", .type = cases[i].type, .values = names, .n_values = ENUM3};
        enum dt_err err;

        ok(dt_hex_read(&b, str(cases[i].hex)));
        err = dt_value_check(cases[i].type, ENUM3, dt_buf_view(&b));
        if ((err == DT_OK) != cases[i].good)
            fail_msg("type %u, %s: %s", cases[i].type, cases[i].hex,
                     err == DT_OK ? "accepted" : dt_err_message());
        if (err == DT_OK) /* what is accepted can be shown */
            ok(dt_value_to_text(&hint, dt_buf_view(&b), &text));
        if (cases[i].type == DT_TYPE_ACCOUNT && text.n == 6)
            assert_memory_equal(text.p, "a=,b=1", 6);
    }
}

struct text_case {
    uint8_t type;
    const char *in, *back; /* back NULL: refused */
};

static const struct text_case texts[] = {
    {DT_TYPE_TEXT, "hello", "hello"},
    {DT_TYPE_TEXT, "", NULL},
    {DT_TYPE_INT, "-42", "-42"},
    {DT_TYPE_INT, "0", "0"},
    {DT_TYPE_INT, "1.0", NULL},
    {DT_TYPE_INT, "seven", NULL},
    {DT_TYPE_INT, "99999999999999999999", NULL},
    {DT_TYPE_DECIMAL, "012.500", "12.5"},
    {DT_TYPE_DECIMAL, "-0.0", "0"},
    {DT_TYPE_DECIMAL, "-0.50", "-0.5"},
    {DT_TYPE_DECIMAL, "1,5", NULL},
    {DT_TYPE_LATLON, "{\"type\": \"Point\", \"coordinates\": [4.31, 52.08]}", "52.08,4.31"},
    {DT_TYPE_LATLON, "{\"type\": \"Point\", \"coordinates\": [-180, -33.4489000]}", "-33.4489,180"},
    {DT_TYPE_LATLON, "{\"type\": \"Point\", \"coordinates\": [4.31, 52.08, 12]}", NULL},
    {DT_TYPE_LATLON, "{\"type\": \"Point\", \"coordinates\": [4.31, 90.1]}", NULL},
    {DT_TYPE_LATLON, "{\"type\": \"Point\", \"coordinates\": [\"4.31\", 52.08]}", NULL},
    {DT_TYPE_LATLON, "{\"type\": \"Point\"", NULL},
    {DT_TYPE_LATLON, "{}", NULL},
    {DT_TYPE_LIST | DT_TYPE_LATLON, "{\"type\":\"Point\",\"coordinates\":[1,2]};3,4", "2,1;3,4"},
    {DT_TYPE_AREA, "{\"type\":\"Polygon\",\"coordinates\":[[[1,2],[3,2],[3,4],[1,2]]]}",
     "2,1 2,3 4,3"},
    {DT_TYPE_AREA, "{\"type\":\"Polygon\",\"coordinates\":[[[1,2],[3,2],[3,4]]]}", NULL},
    {DT_TYPE_AREA, "{\"type\":\"Polygon\",\"coordinates\":[[[1,2],[3,2],[1,2]]]}", NULL},
    {DT_TYPE_AREA, "{\"type\":\"Polygon\",\"coordinates\":[[[1,2],[3,2],[3,4],[1,2]],[]]}", NULL},
    {DT_TYPE_AREA, "{\"type\":\"Polygon\",\"coordinates\":1}", NULL},
    {DT_TYPE_AREA, "{\"type\":\"Point\",\"coordinates\":[1,2]}", NULL},
    {DT_TYPE_BOOL, "true", "true"},
    {DT_TYPE_BOOL, "yes", NULL},
    {DT_TYPE_ENUM, "two", "two"},
    {DT_TYPE_ENUM, "four", NULL},
    {DT_TYPE_DATE, "1870-02-28", "1870-02-28"},
    {DT_TYPE_DATE, "2000-02-29", "2000-02-29"},
    {DT_TYPE_DATE, "1900-02-29", NULL},
    {DT_TYPE_DATE, "1900-2-9", NULL},
    {DT_TYPE_DATETIME, "2025-02-12T15:00:00Z", "2025-02-12T15:00:00Z"},
    {DT_TYPE_DATETIME, "2025-02-12 15:00", NULL},
    {DT_TYPE_DURATION, "PT90M", "PT1H30M"},
    {DT_TYPE_DURATION, "P14D", "P14D"},
    {DT_TYPE_DURATION, "P1M", NULL},
    {DT_TYPE_LATLON, "52.0799838,4.3113461", "52.0799838,4.3113461"},
    {DT_TYPE_LATLON, "-0.5,-180", "-0.5,180"},
    {DT_TYPE_LATLON, "91,0", NULL},
    {DT_TYPE_LATLON, "1;2", NULL},
    {DT_TYPE_AREA, "0,0 0,1 1,1", "0,0 0,1 1,1"},
    {DT_TYPE_AREA, "0,0 0,1 1,1 0,0", "0,0 0,1 1,1"},
    {DT_TYPE_AREA, "10,20 r12.5", "10,20 r12.5"},
    {DT_TYPE_AREA, "10,20 r0.001", "10,20 r0.001"},
    {DT_TYPE_AREA, "0,0 0,1", NULL},
    {DT_TYPE_AREA, "r5", NULL},
    {DT_TYPE_LANG, "EN", "en"},
    {DT_TYPE_LANG, "ZH-hant-tw", "zh-Hant-TW"},
    {DT_TYPE_LANG, "not a tag", NULL},
    {DT_TYPE_PARTY, "both", "both"},
    {DT_TYPE_PARTY, "mediator", "mediator"},
    {DT_TYPE_PARTY, "Atlantis", NULL},
    {DT_TYPE_REF, "00112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff"},
    {DT_TYPE_HASH, "00112233445566778899aabbccddeeff", NULL},
    {DT_TYPE_MAP, "b=x,a=1,c=true,d=2.50,e='7", "a=1,b=x,c=true,d=2.5,e='7"},
    {DT_TYPE_MAP, "a=2.00,b=99999999999999999999", "a=2,b=99999999999999999999"},
    {DT_TYPE_MAP, "a=1,a=2", NULL},
    {DT_TYPE_MAP, "a", NULL},
    {DT_TYPE_MAP, "k\\=y=v\\,w", "k\\=y=v\\,w"},
    {DT_TYPE_LIST | DT_TYPE_TEXT, "", ""},
    {DT_TYPE_LIST | DT_TYPE_TEXT, "a; b;c\\;d", "a;b;c\\;d"},
    {DT_TYPE_LIST | DT_TYPE_TEXT, "a\\x", NULL},
    {DT_TYPE_LIST | DT_TYPE_INT, "1;2;3", "1;2;3"},
    {DT_TYPE_LIST | DT_TYPE_ENUM, "one;three", "one;three"},
    {DT_TYPE_LIST | DT_TYPE_LANG, "en; ru", "en;ru"},
    {DT_TYPE_LIST | DT_TYPE_LATLON, "1,2;3,4", "1,2;3,4"},
    {DT_TYPE_LIST | DT_TYPE_MAP, "a=1,b=x;c=y", "a=1,b=x;c=y"},
    {DT_TYPE_ACCOUNT, "a=1", NULL},
    {99, "", NULL},
    {DT_TYPE_LIST | 99, "", NULL},
};

static void
test_text(void **state)
{
    const struct dt_view names[ENUM3] = {str("one"), str("two"), str("three")};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(4096), back = DT_BUF_INIT(4096);
        bool is_enum = dt_type_item(texts[i].type) == DT_TYPE_ENUM;
        const struct dt_value_hint hint = {.field = "speed",
                                           .type = texts[i].type,
                                           .values = is_enum ? names : NULL,
                                           .n_values = is_enum ? ENUM3 : 0};
        enum dt_err err = dt_value_from_text(&hint, str(texts[i].in), &value);

        if ((err == DT_OK) != (texts[i].back != NULL))
            fail_msg("type %u, '%s': %s", texts[i].type, texts[i].in,
                     err == DT_OK ? "accepted" : dt_err_message());
        if (err != DT_OK) {
            assert_int_equal(value.n, 0);
            assert_non_null(strstr(dt_err_message(), "speed")); /* the field is named */
            continue;
        }
        ok(dt_value_to_text(&hint, dt_buf_view(&value), &back));
        if (!dt_view_equal(dt_buf_view(&back), str(texts[i].back)))
            fail_msg("type %u, '%s' came back as '%.*s'", texts[i].type, texts[i].in, (int)back.n,
                     (const char *)back.p);
    }
}

static void
test_items(void **state)
{
    const struct dt_value_hint hint = {.field = "places", .type = DT_TYPE_LIST | DT_TYPE_TEXT};
    const struct dt_view items[] = {str("a;b"), str(""), str("c")};
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(64), back = DT_BUF_INIT(64);

    (void)state;
    ok(dt_value_from_items(&hint, items, 3, &value));
    ok(dt_value_to_text(&hint, dt_buf_view(&value), &back));
    assert_true(dt_view_equal(dt_buf_view(&back), str("a\\;b;;c")));
}

static void
test_party_names(void **state)
{
    struct world *w = *state;
    const struct dt_value_hint hint = {
        .field = "who", .type = DT_TYPE_PARTY, .charter = &w->charter};
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(64), back = DT_BUF_INIT(64);

    ok(dt_value_from_text(&hint, str("russia"), &value));
    assert_int_equal(value.n, 33);
    assert_memory_equal(value.p + 1, w->charter.parties[RUSSIA].root_id, 32);
    ok(dt_value_to_text(&hint, dt_buf_view(&value), &back));
    assert_true(dt_view_equal(dt_buf_view(&back), str("Russia")));
}

static void
test_dates(void **state)
{
    int year, month, day;
    int32_t days = 0, next = 0;

    (void)state;
    ok(dt_days_from_date(1, 1, 1, &days));
    while (true) { /* every day of 9,999 years, each one after the other */
        dt_date_from_days(days, &year, &month, &day);
        ok(dt_days_from_date(year, month, day, &next));
        assert_int_equal(next, days);
        if (year == 9999 && month == 12 && day == 31)
            break;
        days++;
    }
    assert_int_equal(days, 2932896);
    assert_int_equal(dt_days_from_date(2023, 2, 29, &days), DT_ERR_RANGE);
    assert_int_equal(dt_days_from_date(0, 1, 1, &days), DT_ERR_RANGE);
    assert_int_equal(dt_days_from_date(2023, 13, 1, &days), DT_ERR_RANGE);
}

static void
test_type_names(void **state)
{
    char name[32];
    uint8_t type = 0;
    size_t n = 0;

    (void)state;
    for (unsigned int t = 0; t < 256; t++) {
        if (!dt_type_valid((uint8_t)t))
            continue;
        dt_type_str((uint8_t)t, name);
        ok(dt_type_read(str(name), &type));
        assert_int_equal(type, t);
        n++;
    }
    assert_int_equal(n, 39); /* 20 scalars, 19 lists */
    assert_int_equal(dt_type_read(str("list<list<int>>"), &type), DT_ERR_NOT_FOUND);
}

int
main(void)
{
    static struct world w;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes), cmocka_unit_test(test_text),
        cmocka_unit_test(test_items), cmocka_unit_test_prestate(test_party_names, &w),
        cmocka_unit_test(test_dates), cmocka_unit_test(test_type_names),
    };
    int failed;

    world_init(&w);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_clear(&w);
    return failed;
}
