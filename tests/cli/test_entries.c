/*
 * tests/cli/test_entries.c - records from files: an example of every template is taken; each
 * required field that lacks, and each value of another type, is refused with the field, the rule
 * and an example; JSON and CSV say the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "cli/entries.h"
#include "cli/form.h"

#include "capture.h"

#define KINDS 18

static struct dt_templates *set;
static struct cli_entries all;
static const struct dt_letter nobody;
static const uint8_t nowhere[32];

static const struct dt_template *
template_of(size_t i)
{
    char kind[DT_TEMPLATE_ID_MAX + 1];
    const struct dt_template *t;

    assert_int_equal(cli_entries_kind(&all, i, kind), DT_OK);
    t = dt_templates_get_str(set, kind);
    assert_non_null(t);
    return t;
}

/* What is said when entry ${i} of ${e} is filled in as ${t}; and how much is wrong. */
static size_t
fill(const struct cli_entries *e, size_t i, const struct dt_template *t, struct dt_record_draft *d,
     struct dt_buf *said)
{
    struct capture c;
    size_t wrong = 0;

    assert_int_equal(dt_record_draft_init(d, t, &nobody, nowhere, 0), DT_OK);
    c = capture_begin(stderr);
    assert_int_equal(cli_entries_fill(e, i, NULL, d, &wrong), DT_OK);
    (void)capture_end(&c, said);
    return wrong;
}

/* The same of an altered copy of one entry. */
static size_t
fill_object(json_t *object, const struct dt_template *t, struct dt_buf *said)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(cli_entries_clear) struct cli_entries e = {.file = "x.json", .n = 1};

    e.json = json_array();
    assert_int_equal(json_array_append_new(e.json, object), 0);
    return fill(&e, 0, t, &d, said);
}

static void
says(const struct dt_buf *said, const char *part)
{
    if (strstr((const char *)said->p, part) == NULL)
        fail_msg("'%s' is not in: %s", part, (const char *)said->p);
}

static void
every_kind_has_an_example_that_is_taken(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf said = DT_BUF_INIT(1u << 20);
    bool seen[DT_TEMPLATES] = {false};
    size_t kinds = 0;

    (void)state;
    assert_int_equal(all.n, KINDS);
    for (size_t i = 0; i < all.n; i++) {
        DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
        const struct dt_template *t = template_of(i);

        if (fill(&all, i, t, &d, &said) != 0)
            fail_msg("%s", (const char *)said.p);
        for (size_t k = 0; k < dt_templates_count(set); k++)
            if (dt_templates_at(set, k) == t && !seen[k]) {
                seen[k] = true;
                kinds++;
            }
    }
    assert_int_equal(kinds, KINDS);
}

static void
each_required_field_that_lacks_is_named(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf said = DT_BUF_INIT(1u << 20);
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < all.n; i++) {
        const struct dt_template *t = template_of(i);

        for (size_t k = 0; k < dt_template_n_fields(t); k++) {
            const struct dt_field *f = dt_template_field(t, k);
            json_t *copy = json_deep_copy(json_array_get(all.json, i));
            char want[200];
            char name[DT_FIELD_NAME_MAX + 1];

            (void)snprintf(name, sizeof name, "%.*s", (int)f->name.n, (const char *)f->name.p);
            (void)json_object_del(copy, name);
            (void)snprintf(want, sizeof want, "x.json: entry 1: %s is required and absent", name);
            if (!f->required) {
                assert_int_equal(fill_object(copy, t, &said), 0);
                continue;
            }
            assert_int_equal(fill_object(copy, t, &said), 1);
            says(&said, want);
            says(&said, ", for example ");
            n++;
        }
    }
    assert_true(n > 100);
}

static const char *
wrong_value(uint8_t type)
{
    switch (type) {
    case DT_TYPE_TEXT:
        return "two\nlines";
    case DT_TYPE_LTEXT:
        return "a bell \a";
    case DT_TYPE_INT:
        return "seven";
    case DT_TYPE_DECIMAL:
        return "1,5";
    case DT_TYPE_BOOL:
        return "yes";
    case DT_TYPE_ENUM:
        return "nothing_known";
    case DT_TYPE_DATE:
        return "12.2.2025";
    case DT_TYPE_DATETIME:
        return "2025-02-12";
    case DT_TYPE_DURATION:
        return "30 minutes";
    case DT_TYPE_LATLON:
        return "{\"type\":\"Point\",\"coordinates\":[4.31]}";
    case DT_TYPE_AREA:
        return "{\"type\":\"Point\",\"coordinates\":[4.31,52.08]}";
    case DT_TYPE_LANG:
        return "Dutch, please";
    case DT_TYPE_PARTY:
        return "Atlantis";
    case DT_TYPE_REF:
    case DT_TYPE_HASH:
        return "xyz";
    case DT_TYPE_MAP:
        return "tanks";
    default:
        fail_msg("type %u has no wrong value here", type);
        return NULL;
    }
}

static void
each_value_of_another_type_is_refused_with_an_example(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf said = DT_BUF_INIT(1u << 20);
    bool types[DT_TYPE_LIST] = {false};

    (void)state;
    for (size_t i = 0; i < all.n; i++) {
        const struct dt_template *t = template_of(i);

        for (size_t k = 0; k < dt_template_n_fields(t); k++) {
            const struct dt_field *f = dt_template_field(t, k);
            json_t *copy = json_deep_copy(json_array_get(all.json, i));
            const char *bad = wrong_value(dt_type_item(f->type));
            char want[200];
            char name[DT_FIELD_NAME_MAX + 1];
            json_t *value = json_string(bad);

            (void)snprintf(name, sizeof name, "%.*s", (int)f->name.n, (const char *)f->name.p);
            if (dt_type_is_list(f->type)) {
                json_t *list = json_array();

                (void)json_array_append_new(list, value);
                value = list;
            }
            (void)json_object_set_new(copy, name, value);
            if (fill_object(copy, t, &said) != 1)
                fail_msg("%s of %s was taken: %s", bad, name, (const char *)said.p);
            (void)snprintf(want, sizeof want, "x.json: entry 1: %s: ", name);
            says(&said, want);
            says(&said,
                 dt_type_item(f->type) == DT_TYPE_ENUM ? "expected one of: " : "; for example ");
            types[dt_type_item(f->type)] = true;
        }
    }
    for (uint8_t type = DT_TYPE_TEXT; type <= DT_TYPE_MAP; type++)
        if (!types[type])
            fail_msg("no field of type %u was tried", type);
}

/* What is shown as an example is taken. */
static void
the_example_of_each_field_is_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < dt_templates_count(set); i++) {
        const struct dt_template *t = dt_templates_at(set, i);

        for (size_t k = 0; k < dt_template_n_fields(t); k++) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf example = DT_BUF_INIT(400);
            DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(DT_VALUE_MAX);
            const struct dt_field *f = dt_template_field(t, k);
            const struct dt_value_hint hint = {
                .type = f->type, .values = f->values, .n_values = f->n_values, .unit = f->unit};

            if (f->type == DT_TYPE_ACCOUNT) /* not written as text: dispute --should-be */
                continue;
            assert_int_equal(dt_value_example(&hint, &example), DT_OK);
            if (dt_value_from_text(&hint, dt_buf_view(&example), &value) != DT_OK)
                fail_msg("%.*s: %s", (int)f->name.n, (const char *)f->name.p, dt_err_message());
        }
    }
}

static void
a_table_says_row_and_field(void **state)
{
    static const char table[] = "@kind,station,number,status\n"
                                "heartbeat,north,1,normal\n"
                                "heartbeat,north,two,normal\n"
                                ",north,3,Degradd\n"
                                "heartbeat,,4,normal\n";
    DT_CLEANUP(dt_buf_clear) struct dt_buf said = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(cli_entries_clear) struct cli_entries e = {0};
    const struct dt_template *t = dt_templates_get_str(set, "heartbeat");
    const char *const want[] = {
        NULL, "t.csv: row 3: number: expected a whole number, in count; for example 3 count",
        "t.csv: row 4: status: did you mean degraded? expected one of: normal, degraded",
        "t.csv: row 5: station is required and absent: a value of type text, for example "};

    (void)state;
    assert_int_equal(cli_entries_parse("t.csv", dt_view_str(table), &e), DT_OK);
    assert_int_equal(e.n, 4);
    for (size_t i = 0; i < e.n; i++) {
        DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};

        assert_int_equal(fill(&e, i, t, &d, &said), want[i] != NULL);
        if (want[i] != NULL)
            says(&said, want[i]);
    }
}

static void
a_field_that_is_not_there_is_refused_with_what_was_meant(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf said = DT_BUF_INIT(1u << 20);
    json_t *o = json_pack("{s:s, s:i, s:s, s:i}", "station", "north", "number", 1, "status",
                          "normal", "outage_untl", 3);

    (void)state;
    assert_int_equal(fill_object(o, dt_templates_get_str(set, "heartbeat"), &said), 1);
    says(&said, "outage_untl: the template heartbeat has no field of this name; did you mean "
                "outage_until?");
}

static void
files_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"",       "[]",        "[1]",     "{\"a\":1",
                                      "a,b\n",  "a,b\n1\n",  "\xff\n1", "{\"a\":1,\"a\":2}",
                                      "[[{}]]", "\"text\"\n"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        DT_CLEANUP(cli_entries_clear) struct cli_entries e = {0};

        if (cli_entries_parse("f", dt_view_str(bad[i]), &e) == DT_OK)
            fail_msg("taken: %s", bad[i]);
    }
}

/* A form that is written, read and filled in again gives the same record. */
static void
a_form_comes_back_as_it_went(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf said = DT_BUF_INIT(1u << 20);

    (void)state;
    for (size_t i = 0; i < all.n; i++) {
        DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0}, again = {0};
        DT_CLEANUP(cli_form_clear) struct cli_form f = {0}, g = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(CLI_FORM_MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf errors = DT_BUF_INIT(1u << 16);
        const struct dt_template *t = template_of(i);
        size_t wrong = 0;

        assert_int_equal(fill(&all, i, t, &d, &said), 0);
        cli_form_init(&f, t);
        cli_form_init(&g, t);
        assert_int_equal(cli_form_take(&f, &d, NULL), DT_OK);
        assert_int_equal(cli_form_write(&f, NULL, dt_view_str("old\nerrors\n"), &text), DT_OK);
        assert_int_equal(cli_form_parse(&g, dt_buf_view(&text), &errors, &wrong), DT_OK);
        assert_int_equal(dt_record_draft_init(&again, t, &nobody, nowhere, 0), DT_OK);
        assert_int_equal(cli_form_fill(&g, NULL, &again, &errors, &wrong), DT_OK);
        if (wrong != 0)
            fail_msg("%.*s", (int)errors.n, (const char *)errors.p);
        for (size_t k = 0; k < DT_SLOTS_MAX; k++) {
            assert_int_equal(d.has[k], again.has[k]);
            assert_true(!d.has[k] ||
                        dt_view_equal(dt_buf_view(&d.value[k]), dt_buf_view(&again.value[k])));
        }
    }
}

static void
a_form_says_what_is_wrong_in_it(void **state)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(cli_form_clear) struct cli_form f = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf errors = DT_BUF_INIT(1u << 16);
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(CLI_FORM_MAX);
    const struct dt_template *t = dt_templates_get_str(set, "heartbeat");
    size_t wrong = 0;

    (void)state;
    cli_form_init(&f, t);
    assert_int_equal(
        cli_form_parse(&f, dt_view_str("# a comment\nstation: north\nnumber: x\nrubbish\nno: 1\n"),
                       &errors, &wrong),
        DT_OK);
    assert_int_equal(wrong, 2);
    assert_int_equal(dt_record_draft_init(&d, t, &nobody, nowhere, 0), DT_OK);
    assert_int_equal(cli_form_fill(&f, NULL, &d, &errors, &wrong), DT_OK);
    assert_int_equal(wrong, 3);
    assert_int_equal(cli_form_write(&f, NULL, dt_buf_view(&errors), &text), DT_OK);
    assert_int_equal(dt_buf_append(&text, dt_view((const uint8_t *)"", 1)), DT_OK);
    says(&text, "#! 'rubbish': expected a field's name and a colon\n");
    says(&text, "#! 'no' is no field of this form\n");
    says(&text, "#! number: expected a whole number, in count; for example 3 count\n");
    says(&text, "\nnumber: x\n"); /* nothing that was typed is lost */
}

static int
set_up(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);

    (void)state;
    cli_output_begin();
    assert_int_equal(dt_templates_load(&set), DT_OK);
    assert_int_equal(dt_file_read(getenv("RECORDS"), &b), DT_OK);
    assert_int_equal(cli_entries_parse("records.json", dt_buf_view(&b), &all), DT_OK);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    cli_entries_clear(&all);
    dt_templates_free_p(&set);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_an_example_that_is_taken),
        cmocka_unit_test(each_required_field_that_lacks_is_named),
        cmocka_unit_test(each_value_of_another_type_is_refused_with_an_example),
        cmocka_unit_test(the_example_of_each_field_is_right),
        cmocka_unit_test(a_table_says_row_and_field),
        cmocka_unit_test(a_field_that_is_not_there_is_refused_with_what_was_meant),
        cmocka_unit_test(files_that_are_none_are_refused),
        cmocka_unit_test(a_form_comes_back_as_it_went),
        cmocka_unit_test(a_form_says_what_is_wrong_in_it),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
