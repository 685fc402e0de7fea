/*
 * tests/record/test_template.c - templates: all of them load, their hashes stand, and bad ones are
 * refused.
 */
#include "fixture.h"

static struct dt_templates *set;

static void
test_all_load(void **state)
{
    size_t builtin = 0, enums = 0;

    (void)state;
    assert_int_equal(dt_templates_count(set), 30);
    for (size_t i = 0; i < dt_templates_count(set); i++) {
        const struct dt_template *t = dt_templates_at(set, i);

        builtin += dt_template_builtin(t);
        assert_true(dt_template_n_fields(t) > 0 || dt_view_equal(dt_template_id(t), str("cover")));
        assert_true(dt_template_slots(t) >= DT_ENVELOPE_SLOTS + dt_template_n_fields(t));
        for (size_t k = 0; k < dt_template_n_fields(t); k++)
            enums += dt_template_field(t, k)->n_values > 0;
    }
    assert_int_equal(builtin, 12);
    assert_int_equal(enums, 29 + 2); /* as counted in the data, and two built in */
}

/* What is signed depends on these; a change is a new version of the protocol. */
static void
test_hashes_stand(void **state)
{
    static const struct {
        const char *id, *hex;
    } known[] = {
#include "template_hashes.inc"
    };
    char hex[65];
    bool same = true;

    (void)state;
    for (size_t i = 0; i < dt_templates_count(set); i++) {
        const struct dt_template *t = dt_templates_at(set, i);
        bool found = false;

        dt_hex_str(hex, dt_view(dt_template_hash(t), 32));
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
            found = found || (dt_view_equal(dt_template_id(t), str(known[k].id)) &&
                              strcmp(hex, known[k].hex) == 0);
        if (!found)
            print_message("    {\"%.*s\", \"%s\"},\n", (int)dt_template_id(t).n,
                          (const char *)dt_template_id(t).p, hex);
        same = same && found;
    }
    assert_true(same);
}

static void
test_round_trip_and_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < dt_templates_count(set); i++) {
        DT_CLEANUP(dt_buf_clear)
        struct dt_buf a = DT_BUF_INIT(DT_TEMPLATE_MAX), b = DT_BUF_INIT(DT_TEMPLATE_MAX);
        struct dt_template *t = NULL;

        ok(dt_template_encode(dt_templates_at(set, i), &a));
        ok(dt_template_decode(dt_buf_view(&a), &t));
        ok(dt_template_encode(t, &b));
        assert_true(dt_view_equal(dt_buf_view(&a), dt_buf_view(&b)));
        assert_memory_equal(dt_template_hash(t), dt_template_hash(dt_templates_at(set, i)), 32);
        dt_template_free(t);
        for (size_t bit = 0; bit < a.n * 8; bit += 7) { /* refused, or another template */
            a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (dt_template_decode(dt_buf_view(&a), &t) == DT_OK) {
                assert_memory_not_equal(dt_template_hash(t),
                                        dt_template_hash(dt_templates_at(set, i)), 32);
                dt_template_free(t);
            }
            a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t n = 0; n < a.n; n++)
            assert_int_not_equal(dt_template_decode(dt_view(a.p, n), &t), DT_OK);
    }
}

static void
test_contact(void **state)
{
    const struct dt_template *t = dt_templates_get_str(set, "contact");
    struct dt_deadline_rule rule;
    struct dt_field f;
    uint64_t within = 0;
    size_t index = 0;

    (void)state;
    assert_non_null(t);
    assert_int_equal(dt_template_slots(t), 32);
    ok(dt_template_slot_find(t, str("time_precision"), &index));
    dt_template_slot(t, index, &f);
    assert_int_equal(f.type, DT_TYPE_ENUM);
    assert_int_equal(f.n_values, 4);
    assert_true(dt_view_equal(f.values[3], str("year")));
    assert_true(f.required && f.is_public && f.doc.n > 0);
    dt_template_deadline(t, &rule);
    assert_int_equal(rule.kind, DT_DEADLINE_AFTER);
    assert_true(dt_view_equal(rule.field, str("ended_at")));
    assert_true(rule.span_ms == DAY);
    assert_int_equal(dt_template_ack(t, &within), DT_ACK_COUNTERSIGN);
    assert_true(within == DAY);
    assert_int_equal(dt_template_disclosure(t), DT_DISCLOSE_TYPE);
    ok(dt_template_slot_find(t, str("@channel"), &index));
    assert_int_equal(index, DT_SLOT_CHANNEL);
    assert_int_equal(dt_template_slot_find(t, str("nothing"), &index), DT_ERR_NOT_FOUND);
    dt_template_slot(t, 31, &f);
    assert_int_equal(f.type, DT_TYPE_NONE);
    assert_int_equal(f.name.n, 0);
    dt_template_deadline(dt_templates_get_str(set, "persons"), &rule);
    assert_int_equal(rule.n_days, 2);
    assert_int_equal(rule.days[1].month, 7);
}

#define FIELD(name, type, more)                                                                    \
    "{\"name\":\"" name "\",\"type\":\"" type "\",\"required\":true" more "}"
#define TEMPLATE(fields, rule)                                                                     \
    "{\"id\":\"x\",\"title\":\"X\",\"fields\":[" fields "],\"deadline\":{\"rule\":\"" rule         \
    "\"},\"ack\":{\"required\":false},\"default_disclosure\":\"type\"}"

static const struct {
    const char *json;
    bool good;
} jsons[] = {
    {TEMPLATE(FIELD("a", "text", ""), "none"), true},
    {TEMPLATE(FIELD("a", "enum", ",\"values\":[\"x\",\"y\"]"), "none"), true},
    {TEMPLATE(FIELD("a", "datetime", ""), "before:a:P1D"), true},
    {TEMPLATE(FIELD("a", "ref", ""), "reply:a:PT2H"), true},
    {TEMPLATE(FIELD("a", "list<ref>", ""), "reply:a:PT2H"), true},
    {TEMPLATE(FIELD("a", "text", ""), "each:12-15"), true},
    {TEMPLATE(FIELD("a", "enum", ""), "none"), false},                    /* no values */
    {TEMPLATE(FIELD("a", "text", ",\"values\":[\"x\"]"), "none"), false}, /* values of no enum */
    {TEMPLATE(FIELD("a", "enum", ",\"values\":[\"x\",\"x\"]"), "none"), false},  /* a value twice */
    {TEMPLATE(FIELD("a", "colour", ""), "none"), false},                         /* no such type */
    {TEMPLATE(FIELD("A", "text", ""), "none"), false},                           /* a name */
    {TEMPLATE(FIELD("a", "text", "") "," FIELD("a", "int", ""), "none"), false}, /* a name twice */
    {TEMPLATE(FIELD("a", "text", ""), "before:b:P1D"), false},                   /* no such field */
    {TEMPLATE(FIELD("a", "text", ""), "before:a:P1D"), false},                   /* gives no time */
    {TEMPLATE(FIELD("a", "datetime", ""), "before:a:P1M"), false}, /* no fixed length */
    {TEMPLATE(FIELD("a", "datetime", ""), "before:a"), false},
    {TEMPLATE(FIELD("a", "text", ""), "each:02-30"), false},
    {TEMPLATE(FIELD("a", "text", ""), "each:07-01,01-01"), false},
    {TEMPLATE(FIELD("a", "text", ""), "sometimes"), false},
    {TEMPLATE(FIELD("a", "text", ""), "none") "x", false},
    {"[]", false},
    {"{}", false},
    {"", false},
};

static void
test_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof jsons / sizeof jsons[0]; i++) {
        struct dt_template *t = NULL;
        enum dt_err err = dt_template_from_json(str(jsons[i].json), &t);

        if ((err == DT_OK) != jsons[i].good)
            fail_msg("%s: %s", jsons[i].json, err == DT_OK ? "accepted" : dt_err_message());
        dt_template_free(t);
    }
}

static void
test_set(void **state)
{
    struct dt_template *t = NULL;

    (void)state;
    ok(dt_template_from_json(str(jsons[0].json), &t));
    ok(dt_templates_add(set, t));
    assert_non_null(dt_templates_get_str(set, "x"));
    ok(dt_template_from_json(str(jsons[1].json), &t));
    assert_int_equal(dt_templates_add(set, t), DT_ERR_EXISTS);
    assert_null(dt_templates_get_str(set, "y"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_load),
        cmocka_unit_test(test_hashes_stand),
        cmocka_unit_test(test_round_trip_and_bits),
        cmocka_unit_test(test_contact),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_set),
    };
    int failed;

    if (dt_crypto_init() != DT_OK || dt_templates_load(&set) != DT_OK) {
        print_error("%s\n", dt_err_message());
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    dt_templates_free(set);
    return failed;
}
