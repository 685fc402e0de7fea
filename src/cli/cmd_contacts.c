/*
 * cli/cmd_contacts.c - detente contacts | contacts import | contacts forget: all contacts known
 * here, in one table.
 *
 * Two accounts stand side by side, and a private note is called that wherever it is shown.
 */
#include <stdio.h>
#include <string.h>

#include "agent/records/notes.h"
#include "agent/records/opening.h"
#include "base/file.h"
#include "base/mem.h"
#include "instrument/contact_list.h"

#include "cli/commands.h"
#include "cli/record_io.h"

/* What the table is made from. */
struct table {
    struct dt_agent_facts facts;
    struct dt_agent_notes notes;
    struct dt_buf opened;
    struct dt_contact_list list;
};

static void
table_clear(struct table *t)
{
    dt_contact_list_clear(&t->list);
    dt_buf_clear(&t->opened);
    dt_agent_notes_free(&t->notes);
    dt_agent_facts_free(&t->facts);
}

/* ---- what is asked for ---- */

static enum dt_err
read_filter(struct cli *c, uint8_t group_id[static 32], struct dt_view between[DT_CLI_VALUES],
            struct dt_contact_filter *out)
{
    enum dt_time_precision precision;
    const char *value = cli_get(c, "since");
    size_t at = 0;
    enum dt_err err;

    if (value != NULL) {
        if (dt_when_read(dt_view_str(value), &out->since_ms, &precision) != DT_OK)
            return dt_fail(DT_ERR_USAGE, "--since: write 2025-02-12T15:00:00Z, 2025-02-12, 2025-02 "
                                         "or 2025");
        out->has_since = true;
    }
    while ((value = cli_next(c, "between", &at)) != NULL)
        between[out->n_between++] = dt_view_str(value);
    out->between = between;
    out->no_notes = cli_has(c, "no-notes");
    if (c->n_operands == 0)
        return DT_OK;
    if ((err = cli_channel(c, c->operand[0], group_id)) != DT_OK)
        return err;
    out->channel = group_id;
    return DT_OK;
}

static enum dt_err
gather(struct cli *c, const struct dt_contact_filter *filter, struct table *t)
{
    size_t n_new = 0;
    enum dt_err err;

    if (cli_has(c, "look") && (err = dt_agent_openings_look(c->agent, &n_new)) != DT_OK)
        return err;
    if ((err = dt_agent_facts(c->agent, &t->facts)) != DT_OK ||
        (err = dt_agent_notes(c->agent, &t->notes)) != DT_OK ||
        (err = dt_agent_opened(c->agent, &t->opened)) != DT_OK)
        return err;
    return dt_contact_list_fold(t->facts.facts, t->facts.n, t->notes.notes, t->notes.n, t->opened.p,
                                t->opened.n / 32, filter, &t->list);
}

/* ---- values as text ---- */

/* The text of ${value} of the slot ${slot} of a contact; "nothing" when it is absent. */
static enum dt_err
value_text(struct cli *c, const struct dt_record *r, size_t slot, struct dt_view value,
           struct dt_buf *out)
{
    struct dt_field f;

    if (value.n == 0)
        return dt_buf_append(out, dt_view_str("nothing"));
    dt_template_slot(r->tmpl, slot, &f);

    const struct dt_value_hint hint = {.type = f.type,
                                       .values = f.values,
                                       .n_values = f.n_values,
                                       .charter = dt_agent_charter(c->agent)};
    return dt_value_to_text(&hint, value, out);
}

static enum dt_err
initiator(struct cli *c, const struct table *t, const struct dt_contact *x, struct dt_buf *out)
{
    const struct dt_record *r;
    size_t slot = 0;
    enum dt_err err;

    if (x->note)
        return dt_buf_append(out, x->initiated_by);
    r = t->facts.facts[x->place].record;
    if ((err = dt_template_slot_find(r->tmpl, dt_view_str("initiated_by"), &slot)) != DT_OK)
        return err;
    return dt_record_text(r, slot, dt_agent_charter(c->agent), out);
}

static struct dt_view
party_of(struct cli *c, const struct dt_record *r)
{
    const struct dt_charter *charter = dt_agent_charter(c->agent);

    for (size_t i = 0; i < charter->n_parties; i++)
        if (memcmp(charter->parties[i].root_id, r->author.party, 32) == 0)
            return charter->parties[i].name;
    return dt_view_str("?");
}

/* ---- the table ---- */

/* "  started_at differs: 2025-02-12T15:00:00Z (north), 2025-01-01T00:00:00Z (south)" */
static enum dt_err
print_difference(struct cli *c, const struct table *t, const struct dt_contact *x,
                 const struct dt_contact_difference *d)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(4u << 20);
    const struct dt_record *r = t->facts.facts[x->place].record;
    const struct dt_record *dispute = t->facts.facts[d->fact].record;
    struct dt_view own =
        r->slots[d->slot].kind == DT_SLOT_VALUE ? r->slots[d->slot].value : dt_view(NULL, 0);
    struct dt_field f;
    enum dt_err err;

    dt_template_slot(r->tmpl, d->slot, &f);
    if ((err = dt_buf_append(&line, f.name)) != DT_OK ||
        (err = dt_buf_append(&line, dt_view_str(" differs: "))) != DT_OK ||
        (err = value_text(c, r, d->slot, own, &line)) != DT_OK ||
        (err = dt_buf_append(&line, dt_view_str(" ("))) != DT_OK ||
        (err = dt_buf_append(&line, party_of(c, r))) != DT_OK ||
        (err = dt_buf_append(&line, dt_view_str("), "))) != DT_OK ||
        (err = value_text(c, r, d->slot, d->value, &line)) != DT_OK ||
        (err = dt_buf_append(&line, dt_view_str(" ("))) != DT_OK ||
        (err = dt_buf_append(&line, party_of(c, dispute))) != DT_OK ||
        (err = dt_buf_append(&line, dt_view_str(")"))) != DT_OK)
        return err;
    cli_print_lines("       ", dt_buf_view(&line));
    return DT_OK;
}

static enum dt_err
print_contact(struct cli *c, const struct table *t, const struct dt_contact *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf between = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf by = DT_BUF_INIT(1u << 20);
    char when[DT_TIME_STR], span[DT_TIME_STR] = "-", entry[CLI_ENTRY_STR] = "-";
    enum dt_err err;

    dt_contact_when(x, when);
    if (x->has_duration)
        dt_span_str(span, x->duration_ms);
    if (!x->note && x->entry == DT_ENTRY_UNKNOWN)
        (void)snprintf(entry, sizeof entry, "no entry yet");
    else if (!x->note)
        (void)snprintf(entry, sizeof entry, "entry %llu", (unsigned long long)x->entry);
    if ((err = dt_contact_between(x, &between)) != DT_OK ||
        (err = initiator(c, t, x, &by)) != DT_OK)
        return err;
    cli_print("%-12s  %-20s  %-19.*s %10s  %.*s", entry, when, (int)x->mode.n,
              (const char *)x->mode.p, span, (int)between.n, (const char *)between.p);
    if (x->level.n > 0)
        cli_print(", %.*s", (int)x->level.n, (const char *)x->level.p);
    if (by.n > 0)
        cli_print(", asked for by %.*s", (int)by.n, (const char *)by.p);
    cli_print("%s: %s%s%s\n", x->in_channel ? ", in the channel" : "", dt_contact_standing(x),
              x->withdrawn ? ", withdrawn" : "", x->opened ? ", opened" : "");
    for (size_t i = 0; i < x->n_differences && err == DT_OK; i++)
        err = print_difference(c, t, x, &t->list.differences[x->first_difference + i]);
    return err;
}

static json_t *
parties_json(const struct dt_contact *x)
{
    json_t *list = json_array();

    for (size_t i = 0; i < x->n_parties; i++)
        (void)json_array_append_new(list,
                                    json_stringn((const char *)x->parties[i].p, x->parties[i].n));
    return list;
}

static enum dt_err
put_differences(struct cli *c, const struct table *t, const struct dt_contact *x, json_t *o)
{
    json_t *list = json_array();
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < x->n_differences && err == DT_OK; i++) {
        const struct dt_contact_difference *d = &t->list.differences[x->first_difference + i];
        const struct dt_record *r = t->facts.facts[x->place].record;
        DT_CLEANUP(dt_buf_clear) struct dt_buf ours = DT_BUF_INIT(4u << 20);
        DT_CLEANUP(dt_buf_clear) struct dt_buf theirs = DT_BUF_INIT(4u << 20);
        json_t *j = json_object();
        struct dt_field f;

        dt_template_slot(r->tmpl, d->slot, &f);
        if ((err = dt_record_text(r, d->slot, dt_agent_charter(c->agent), &ours)) == DT_OK &&
            (d->value.n == 0 || (err = value_text(c, r, d->slot, d->value, &theirs)) == DT_OK)) {
            cli_put_view(j, "field", f.name);
            cli_put_view(j, "record_says", dt_buf_view(&ours));
            cli_put_view(j, "by", party_of(c, t->facts.facts[d->fact].record));
            cli_put_view(j, "should_be", dt_buf_view(&theirs));
        }
        (void)json_array_append_new(list, j);
    }
    (void)json_object_set_new(o, "differs", list);
    return err;
}

static void
put_note(json_t *o, const struct dt_contact_note *note)
{
    cli_put_view(o, "source", note->source);
    for (size_t i = 0; i < DT_NOTE_TEXTS; i++)
        if (i != DT_NOTE_MODE && i != DT_NOTE_LEVEL && i != DT_NOTE_INITIATED_BY &&
            note->text[i].n > 0)
            cli_put_view(o, dt_note_text_name((enum dt_note_text)i), note->text[i]);
}

static enum dt_err
contact_json(struct cli *c, const struct table *t, const struct dt_contact *x, json_t *o)
{
    static const char *const precisions[] = {[DT_TIME_EXACT] = "exact",
                                             [DT_TIME_DAY] = "day",
                                             [DT_TIME_MONTH] = "month",
                                             [DT_TIME_YEAR] = "year"};
    DT_CLEANUP(dt_buf_clear) struct dt_buf by = DT_BUF_INIT(1u << 20);
    char when[DT_TIME_STR];
    enum dt_err err;

    dt_contact_when(x, when);
    cli_put(o, "started", when);
    dt_contact_when_str(x->ended_ms, x->precision, when);
    cli_put(o, "ended", when);
    cli_put(o, "precision", precisions[x->precision]);
    if (x->has_duration)
        cli_put_u64(o, "minutes", x->duration_ms / DT_MS_MINUTE);
    (void)json_object_set_new(o, "parties", parties_json(x));
    cli_put_view(o, "mode", x->mode);
    cli_put(o, "made", x->in_channel ? "in the channel" : "elsewhere");
    if (x->level.n > 0)
        cli_put_view(o, "level", x->level);
    if ((err = initiator(c, t, x, &by)) != DT_OK)
        return err;
    if (by.n > 0)
        cli_put_view(o, "initiated_by", dt_buf_view(&by));
    cli_put(o, "standing", dt_contact_standing(x));
    cli_put_bool(o, "private_note", x->note);
    if (x->note) {
        put_note(o, &t->notes.notes[x->place]);
        return DT_OK;
    }
    cli_put_u64(o, "number", t->facts.numbers[x->place]);
    cli_put_hex(o, "commitment", dt_view_of(t->facts.facts[x->place].record->commitment));
    if (x->entry != DT_ENTRY_UNKNOWN)
        cli_put_u64(o, "entry", x->entry);
    cli_put_bool(o, "withdrawn", x->withdrawn);
    cli_put_bool(o, "opened", x->opened);
    return put_differences(c, t, x, o);
}

static enum dt_err
table_json(struct cli *c, const struct table *t)
{
    json_t *root = json_object();
    json_t *list = json_array();
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < t->list.n && err == DT_OK; i++) {
        json_t *o = json_object();

        err = contact_json(c, t, &t->list.contacts[i], o);
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "contacts", list);
    if (err != DT_OK) {
        json_decref(root);
        return err;
    }
    return cli_json(root);
}

/* ---- counts ---- */

static json_t *
count_json(const struct dt_contact_count *n)
{
    json_t *o = json_object();

    cli_put_u64(o, "year", (uint64_t)n->year);
    (void)json_object_set_new(o, "parties", parties_json(n->first));
    cli_put_u64(o, "contacts", n->n);
    cli_put_u64(o, "asserted_by_one", n->asserted);
    cli_put_u64(o, "countersigned", n->countersigned);
    cli_put_u64(o, "disputed", n->disputed);
    cli_put_u64(o, "opened", n->opened);
    cli_put_u64(o, "private_notes", n->notes);
    return o;
}

static enum dt_err
print_count(const struct dt_contact_count *n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf between = DT_BUF_INIT(1u << 20);
    enum dt_err err = dt_contact_between(n->first, &between);

    if (err != DT_OK)
        return err;
    cli_print("%04d  %5llu  %.*s:", n->year, (unsigned long long)n->n, (int)between.n,
              (const char *)between.p);
    cli_print(" countersigned %llu, asserted by one %llu, disputed %llu, opened %llu",
              (unsigned long long)n->countersigned, (unsigned long long)n->asserted,
              (unsigned long long)n->disputed, (unsigned long long)n->opened);
    if (n->notes > 0)
        cli_print(", private notes %llu", (unsigned long long)n->notes);
    cli_print("\n");
    return DT_OK;
}

static enum dt_err
say_counts(struct cli *c, const struct dt_contact_list *l)
{
    DT_CLEANUP(dt_free_p) struct dt_contact_count *counts = NULL;
    size_t n = 0;
    json_t *root;
    json_t *list;
    enum dt_err err = dt_contact_counts(l, &counts, &n);

    for (size_t i = 0; i < n && err == DT_OK && !c->json; i++)
        err = print_count(&counts[i]);
    if (err != DT_OK || !c->json)
        return err;
    root = json_object();
    list = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, count_json(&counts[i]));
    (void)json_object_set_new(root, "counts", list);
    return cli_json(root);
}

/* ---- contacts ---- */

static enum dt_err
say_sources(struct cli *c, const struct dt_agent_notes *n)
{
    json_t *root;
    json_t *list;

    if (!c->json) {
        for (size_t i = 0; i < n->n_sources; i++) {
            char when[DT_TIME_STR];

            dt_time_str(when, n->sources[i].kept_ms);
            cli_print("%s  %6llu  %s\n", when, (unsigned long long)n->sources[i].n,
                      n->sources[i].name);
        }
        return DT_OK;
    }
    root = json_object();
    list = json_array();
    for (size_t i = 0; i < n->n_sources; i++) {
        json_t *o = json_object();

        cli_put(o, "source", n->sources[i].name);
        cli_put_u64(o, "notes", n->sources[i].n);
        cli_put_time(o, "imported", n->sources[i].kept_ms);
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "sources", list);
    return cli_json(root);
}

static enum dt_err
draw(const struct table *t, const char *path)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf svg = DT_BUF_INIT(DT_CONTACT_SVG_MAX);
    enum dt_err err =
        dt_contact_svg(&t->list, dt_view_str("Contacts, as this home knows them"), &svg);

    /* It may show private notes: for nobody else on this machine. */
    return err != DT_OK ? err : dt_file_write(path, dt_buf_view(&svg), 0600);
}

enum dt_err
cmd_contacts(struct cli *c)
{
    DT_CLEANUP(table_clear) struct table t = {.opened = DT_BUF_INIT(32u << 20)};
    struct dt_contact_filter filter = {0};
    struct dt_view between[DT_CLI_VALUES];
    uint8_t group_id[32];
    size_t notes = 0;
    enum dt_err err;

    if (cli_has(c, "count") + cli_has(c, "sources") > 1)
        return dt_fail(DT_ERR_USAGE, "--count and --sources exclude each other");
    if ((err = read_filter(c, group_id, between, &filter)) != DT_OK ||
        (err = gather(c, &filter, &t)) != DT_OK)
        return err;
    if (cli_has(c, "sources"))
        return say_sources(c, &t.notes);
    if (cli_has(c, "svg") && (err = draw(&t, cli_get(c, "svg"))) != DT_OK)
        return err;
    if (cli_has(c, "count"))
        return say_counts(c, &t.list);
    if (c->json)
        return table_json(c, &t);
    for (size_t i = 0; i < t.list.n && err == DT_OK; i++) {
        err = print_contact(c, &t, &t.list.contacts[i]);
        notes += t.list.contacts[i].note;
    }
    if (err == DT_OK && notes > 0)
        cli_note(c,
                 "%zu are private notes of this home: nobody signed them, and they prove nothing",
                 notes);
    return err;
}

/* ---- contacts import ---- */

/* FIELD=NAME, or for --value FIELD:TEXT=NAME; ${text} is kept by the caller. */
static enum dt_err
read_rule(const char *option, enum dt_note_rule_kind kind, const char *text,
          struct dt_note_rule *out)
{
    const char *equals = strchr(text, '=');
    const char *colon = strchr(text, ':');

    *out = (struct dt_note_rule){.kind = kind};
    if (kind != DT_NOTE_VALUE && equals != NULL && equals != text) {
        out->field = dt_view((const uint8_t *)text, (size_t)(equals - text));
        out->name = dt_view_str(equals + 1);
        return DT_OK;
    }
    /* The text may hold '=': what it means is behind the last one. */
    equals = strrchr(text, '=');
    if (kind == DT_NOTE_VALUE && colon != NULL && equals != NULL && colon != text &&
        colon < equals) {
        out->field = dt_view((const uint8_t *)text, (size_t)(colon - text));
        out->name = dt_view((const uint8_t *)colon + 1, (size_t)(equals - colon - 1));
        out->to = dt_view_str(equals + 1);
        return DT_OK;
    }
    return dt_fail(DT_ERR_USAGE, "--%s: write %s, not '%s'", option,
                   kind == DT_NOTE_VALUE ? "FIELD:TEXT=VALUE"
                   : kind == DT_NOTE_SET ? "FIELD=VALUE"
                                         : "FIELD=COLUMN",
                   text);
}

struct rules {
    struct dt_note_rule rule[DT_CLI_VALUES];
    char *text[DT_CLI_VALUES];
    size_t n;
};

static void
rules_free(struct rules **rp)
{
    for (size_t i = 0; *rp != NULL && i < (*rp)->n; i++)
        dt_free((*rp)->text[i]);
    dt_free(*rp);
}

static enum dt_err
read_rules(struct cli *c, struct rules *r)
{
    static const struct {
        const char *option;
        enum dt_note_rule_kind kind;
    } kinds[] = {{"column", DT_NOTE_COLUMN}, {"set", DT_NOTE_SET}, {"value", DT_NOTE_VALUE}};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *value;
        size_t at = 0;

        while ((value = cli_next(c, kinds[i].option, &at)) != NULL) {
            enum dt_err err = cli_nfc_str(value, &r->text[r->n]);

            if (err != DT_OK)
                return err;
            r->n++;
            if ((err = read_rule(kinds[i].option, kinds[i].kind, r->text[r->n - 1],
                                 &r->rule[r->n - 1])) != DT_OK)
                return err;
        }
    }
    return DT_OK;
}

/* The field ${name} of the template `contact`. */
static enum dt_err
field_of(struct cli *c, const char *name, struct dt_field *out)
{
    const struct dt_template *t = dt_templates_get_str(dt_agent_templates(c->agent), "contact");
    size_t slot = 0;
    enum dt_err err;

    if (t == NULL)
        return dt_fail(DT_ERR_INTERNAL, "the template of contacts is not there");
    if ((err = dt_template_slot_find(t, dt_view_str(name), &slot)) != DT_OK)
        return err;
    dt_template_slot(t, slot, out);
    return DT_OK;
}

const char *
cli_source(struct cli *c, const char *path)
{
    const char *source = cli_get(c, "source");
    const char *slash = strrchr(path, '/');

    if (source != NULL)
        return source;
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

enum dt_err
cmd_contacts_import(struct cli *c)
{
    DT_CLEANUP(rules_free) struct rules *rules = dt_alloc(1, sizeof *rules);
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(DT_CSV_FILE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(DT_CSV_FILE_MAX);
    DT_CLEANUP(dt_csv_clear) struct dt_csv table = {0};
    DT_CLEANUP(dt_notes_clear) struct dt_notes notes = {0};
    const char *file = c->operand[0];
    const char *source = cli_source(c, file);
    struct dt_field mode, level;
    size_t before = 0;
    json_t *o;
    enum dt_err err;

    if (rules == NULL)
        return dt_nomem();
    if ((err = read_rules(c, rules)) != DT_OK || (err = field_of(c, "mode", &mode)) != DT_OK ||
        (err = field_of(c, "level", &level)) != DT_OK || (err = cli_file(file, &raw)) != DT_OK ||
        (err = dt_fail_context(cli_nfc(dt_buf_view(&raw), &text), "%s", file)) != DT_OK ||
        (err = dt_fail_context(dt_csv_read(dt_buf_view(&text), &table), "%s", file)) != DT_OK ||
        (err = dt_fail_context(
             dt_notes_from_csv(&table, rules->rule, rules->n, &mode, &level, &notes), "%s",
             file)) != DT_OK ||
        (err = dt_agent_notes_keep(c->agent, source, &notes, &before)) != DT_OK)
        return err;
    cli_complain("Private notes of this home: not signed, not in any register, sent to nobody. A "
                 "note is no record and proves nothing.\n");
    if (!c->json) {
        cli_print("%s: %zu notes of contacts, in place of %zu\n", source, notes.n, before);
        return DT_OK;
    }
    o = json_object();
    cli_put(o, "source", source);
    cli_put_u64(o, "notes", notes.n);
    cli_put_u64(o, "in_place_of", before);
    return cli_json(o);
}

enum dt_err
cmd_contacts_forget(struct cli *c)
{
    return dt_agent_notes_forget(c->agent, c->operand[0]);
}
