/*
 * cli/cmd_readout.c - detente readout draft | line | agree | object | show: what may be said in
 * public about a contact, agreed on line by line.
 *
 * A line is a record of its own, with all its languages, so that what is not released stays sealed.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "cli/commands.h"
#include "cli/readout_io.h"
#include "cli/record_io.h"

void
cli_readout_clear(struct cli_readout *x)
{
    if (x == NULL)
        return;
    dt_readout_clear(&x->r);
    dt_agent_facts_free(&x->facts);
}

/* The place of our own party. */
static enum dt_err
find_self(struct cli *c, size_t *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter own = {0};
    enum dt_err err = dt_agent_letter_own(c->agent, &own);

    return err != DT_OK ? err : dt_charter_party_by_id(dt_agent_charter(c->agent), own.party, out);
}

enum dt_err
cli_readout_load(struct cli *c, struct cli_readout *out)
{
    DT_CLEANUP(cli_readout_clear) struct cli_readout x = {.now_ms = dt_clock_now(&c->clock)};
    uint8_t commitment[32];
    enum dt_err err;

    if ((err = dt_agent_record_find(c->agent, c->operand[0], commitment)) != DT_OK ||
        (err = find_self(c, &x.self)) != DT_OK ||
        (err = dt_agent_facts(c->agent, &x.facts)) != DT_OK ||
        (err = dt_readout_fold(dt_agent_charter(c->agent), x.facts.facts, x.facts.n, commitment,
                               x.now_ms, &x.r)) != DT_OK)
        return err;
    x.head = x.facts.facts[x.r.head].record;
    *out = x;
    memset(&x, 0, sizeof x);
    return DT_OK;
}

/* The line whose version in force has this commitment: who names it so has read that version. */
static enum dt_err
line_by_commitment(const struct cli_readout *x, const uint8_t commitment[static 32],
                   const struct dt_readout_line **out)
{
    for (size_t i = 0; i < x->r.n; i++)
        if (memcmp(x->facts.facts[x->r.lines[i].fact].record->commitment, commitment, 32) == 0) {
            *out = &x->r.lines[i];
            return DT_OK;
        }
    return dt_fail(DT_ERR_NOT_FOUND, "no line of the readout is in force with this commitment: "
                                     "another version may have taken its place");
}

enum dt_err
cli_readout_line(const struct cli_readout *x, const char *text, const struct dt_readout_line **out)
{
    uint8_t commitment[32];
    uint64_t number = 0;

    if (strlen(text) == 64 &&
        dt_hex_read_fixed(commitment, sizeof commitment, dt_view_str(text)) == DT_OK)
        return line_by_commitment(x, commitment, out);
    if (dt_decimal_read(dt_view_str(text), UINT32_MAX, &number) != DT_OK || number == 0)
        return dt_fail(DT_ERR_USAGE, "'%s' is no number of a line: they begin with 1", text);
    for (size_t i = 0; i < x->r.n; i++) {
        if (x->r.lines[i].texts.number != number)
            continue;
        if (x->r.lines[i].competing)
            return dt_fail(
                DT_ERR_CONFLICT,
                "line %s has versions side by side: one of them has to replace the other", text);
        *out = &x->r.lines[i];
        return DT_OK;
    }
    return dt_fail(DT_ERR_NOT_FOUND, "the readout has no line %s", text);
}

/* ---- draft ---- */

static enum dt_err
set(struct cli *c, struct dt_record_draft *d, const char *field, const char *text)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf nfc = DT_BUF_INIT(1u << 20);
    enum dt_err err = cli_nfc(dt_view_str(text), &nfc);

    return err != DT_OK
               ? err
               : dt_record_draft_set_text(d, field, dt_buf_view(&nfc), dt_agent_charter(c->agent));
}

enum dt_err
cmd_readout_draft(struct cli *c)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    const char *contact = NULL, *at = cli_get(c, "release-at"), *by = cli_get(c, "releaser");
    const char *asked = cli_get(c, "initiated-by"), *languages = cli_get(c, "languages");
    uint8_t group_id[32], commitment[32];
    char hex[65], when[DT_TIME_STR];
    uint64_t ms = 0;
    enum dt_err err;

    if ((err = cli_need(c, "contact", &contact)) != DT_OK ||
        (at != NULL && (err = cli_time(c, at, &ms)) != DT_OK) ||
        (err = cli_channel(c, c->operand[0], group_id)) != DT_OK ||
        (err = dt_agent_record_find(c->agent, contact, commitment)) != DT_OK)
        return err;
    dt_hex_str(hex, dt_view_of(commitment));
    dt_time_str(when, ms - ms % 1000); /* whole seconds: people read it */
    /* The lines are records of their own: here they stay empty. */
    if ((err = dt_agent_record_draft(c->agent, group_id, DT_READOUT_TEMPLATE, &d)) != DT_OK ||
        (err = set(c, &d, "contact", hex)) != DT_OK || (err = set(c, &d, "line_no", "")) != DT_OK ||
        (err = set(c, &d, "line_text", "")) != DT_OK ||
        (err = set(c, &d, "line_status", "")) != DT_OK ||
        (languages != NULL && (err = set(c, &d, "versions", languages)) != DT_OK) ||
        (asked != NULL && (err = set(c, &d, "initiated_by", asked)) != DT_OK) ||
        (at != NULL && (err = set(c, &d, "release_at", when)) != DT_OK) ||
        (err = set(c, &d, "releaser", by != NULL ? by : "both_together")) != DT_OK ||
        (err = dt_record_draft_refer(&d, DT_REFERENCE_RECORD, dt_view_of(commitment))) != DT_OK)
        return err;
    return cli_send_record(c, group_id, &d);
}

/* ---- line ---- */

/* Every --text LANG=TEXT, as two lists of values. */
static enum dt_err
read_texts(struct cli *c, struct dt_buf *languages, struct dt_buf *texts, size_t *n)
{
    const char *value;
    size_t at = 0;

    while ((value = cli_next(c, "text", &at)) != NULL) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf nfc = DT_BUF_INIT(1u << 20);
        DT_CLEANUP(dt_buf_clear) struct dt_buf lang = DT_BUF_INIT(256);
        const struct dt_value_hint language = {.field = "--text", .type = DT_TYPE_LANG};
        const struct dt_value_hint line = {.field = "--text", .type = DT_TYPE_TEXT};
        const char *equals = strchr(value, '=');
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(DT_TEXT_MAX);
        enum dt_err err;

        if (equals == NULL || equals == value)
            return dt_fail(DT_ERR_USAGE, "--text: write LANG=TEXT, not '%s'", value);
        if ((err = dt_value_from_text(&language,
                                      dt_view((const uint8_t *)value, (size_t)(equals - value)),
                                      &lang)) != DT_OK ||
            (err = cli_nfc(dt_view_str(equals + 1), &nfc)) != DT_OK ||
            (err = dt_value_from_text(&line, dt_buf_view(&nfc), &text)) != DT_OK ||
            (err = dt_value_put_item(languages, dt_buf_view(&lang))) != DT_OK ||
            (err = dt_value_put_item(texts, dt_buf_view(&text))) != DT_OK)
            return err;
        (*n)++;
    }
    return DT_OK;
}

/* What the draft says is a line: seen as everyone will see it. */
static enum dt_err
check_line(const struct dt_record_draft *d)
{
    struct dt_slot slots[DT_SLOTS_MAX] = {{0}};
    struct dt_line_texts t;

    for (size_t i = 0; i < DT_SLOTS_MAX; i++)
        slots[i] = (struct dt_slot){.kind = d->has[i] ? DT_SLOT_VALUE : DT_SLOT_PAD,
                                    .value = dt_buf_view(&d->value[i])};
    return dt_line_texts_read(slots, &t);
}

enum dt_err
cmd_readout_line(struct cli *c)
{
    DT_CLEANUP(cli_readout_clear) struct cli_readout x = {0};
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf languages = DT_BUF_INIT(DT_VALUE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf texts = DT_BUF_INIT(DT_VALUE_MAX);
    const struct dt_readout_line *old = NULL;
    size_t n = 0;
    enum dt_err err;

    if ((err = read_texts(c, &languages, &texts, &n)) != DT_OK)
        return err;
    if (n == 0)
        return dt_fail(DT_ERR_USAGE, "a line says something in one language at least: --text "
                                     "LANG=TEXT");
    if ((err = cli_readout_load(c, &x)) != DT_OK)
        return err;
    err = cli_readout_line(&x, c->operand[1], &old);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND &&
        (err != DT_ERR_CONFLICT || !cli_has(c, "replaces")))
        return err;
    if ((err = dt_agent_record_draft(c->agent, x.head->channel, DT_READOUT_LINE_TEMPLATE, &d)) !=
            DT_OK ||
        (err = dt_record_draft_set(&d, DT_READOUT_SLOT_READOUT, dt_view_of(x.head->commitment))) !=
            DT_OK ||
        (err = set(c, &d, "line", c->operand[1])) != DT_OK ||
        (err = dt_record_draft_set(&d, DT_READOUT_SLOT_LANGUAGES, dt_buf_view(&languages))) !=
            DT_OK ||
        (err = dt_record_draft_set(&d, DT_READOUT_SLOT_TEXTS, dt_buf_view(&texts))) != DT_OK)
        return err;
    if (cli_has(c, "replaces")) {
        uint8_t commitment[32];

        if ((err = dt_agent_record_find(c->agent, cli_get(c, "replaces"), commitment)) != DT_OK ||
            (err = dt_record_draft_set(&d, DT_READOUT_SLOT_REPLACES, dt_view_of(commitment))) !=
                DT_OK)
            return err;
    } else if (old != NULL) {
        const struct dt_record *r = x.facts.facts[old->fact].record;

        if ((err = dt_record_draft_set(&d, DT_READOUT_SLOT_REPLACES, dt_view_of(r->commitment))) !=
            DT_OK)
            return err;
        cli_note(c, "It takes the place of line %s as it was%s.", c->operand[1],
                 old->agreed ? ", on which all sides had agreed: they have to agree anew" : "");
    }
    if ((err = check_line(&d)) != DT_OK)
        return err;
    return cli_send_record(c, x.head->channel, &d);
}

/* ---- agree ---- */

/* "  1 [en] They met in Geneva." */
static void
print_texts(const struct dt_readout_line *l)
{
    for (size_t i = 0; i < l->texts.n; i++)
        cli_print("%3llu [%.*s] %.*s%s\n", (unsigned long long)l->texts.number,
                  (int)l->texts.language[i].n, (const char *)l->texts.language[i].p,
                  (int)l->texts.text[i].n, (const char *)l->texts.text[i].p,
                  l->changed && l->differs[i] ? "   <- CHANGED after it was agreed on" : "");
}

/* Drafts of what we agree to, in one go. */
struct batch {
    struct dt_record_draft draft[DT_CLI_VALUES];
    size_t n;
};

static void
batch_free(struct batch **bp)
{
    for (size_t i = 0; *bp != NULL && i < (*bp)->n; i++)
        dt_record_draft_clear(&(*bp)->draft[i]);
    dt_free(*bp);
}

static enum dt_err
add_countersign(struct cli *c, struct batch *b, const struct dt_record *r)
{
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    enum dt_err err;

    if (b->n == DT_CLI_VALUES)
        return dt_fail(DT_ERR_LIMIT, "more than %d at once: say which lines", DT_CLI_VALUES);
    err = dt_agent_answer_draft(c->agent, r->commitment, DT_ANSWER_COUNTERSIGN, &b->draft[b->n],
                                &subject);
    b->n += err == DT_OK;
    return err;
}

/* Is the line one on which our word is still wanted? */
static bool
open_to_us(const struct cli_readout *x, const struct dt_readout_line *l)
{
    return !l->competing && l->author != x->self && !l->party[x->self].agrees;
}

static enum dt_err
pick(struct cli *c, const struct cli_readout *x, struct batch *b)
{
    const bool head = cli_has(c, "head") || c->n_operands == 1;
    enum dt_err err = DT_OK;

    if (head && x->r.author != x->self && !x->r.party[x->self].agrees)
        err = add_countersign(c, b, x->head);
    for (size_t k = 1; k < c->n_operands && err == DT_OK; k++) {
        const struct dt_readout_line *l = NULL;

        if ((err = cli_readout_line(x, c->operand[k], &l)) != DT_OK)
            return err;
        if (!c->json)
            print_texts(l);
        if (open_to_us(x, l))
            err = add_countersign(c, b, x->facts.facts[l->fact].record);
    }
    for (size_t i = 0; i < x->r.n && c->n_operands == 1 && !cli_has(c, "head") && err == DT_OK; i++)
        if (open_to_us(x, &x->r.lines[i])) {
            if (!c->json)
                print_texts(&x->r.lines[i]);
            err = add_countersign(c, b, x->facts.facts[x->r.lines[i].fact].record);
        }
    return err;
}

enum dt_err
cmd_readout_agree(struct cli *c)
{
    DT_CLEANUP(cli_readout_clear) struct cli_readout x = {0};
    DT_CLEANUP(batch_free) struct batch *b = dt_alloc(1, sizeof *b);
    enum dt_err err;

    if (b == NULL)
        return dt_nomem();
    if ((err = cli_readout_load(c, &x)) != DT_OK || (err = pick(c, &x, b)) != DT_OK)
        return err;
    if (b->n == 0)
        return dt_fail(DT_ERR_EXISTS, "there is nothing here on which your party has not agreed");
    cli_complain("To agree is to countersign these lines, in all their languages. It releases "
                 "nothing: that is a consent (detente readout release).\n");
    return cli_send_records(c, x.head->channel, b->draft, b->n);
}

/* ---- object ---- */

enum dt_err
cmd_readout_object(struct cli *c)
{
    DT_CLEANUP(cli_readout_clear) struct cli_readout x = {0};
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    DT_CLEANUP(dt_dispute_clear) struct dt_dispute dispute = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf languages = DT_BUF_INIT(DT_VALUE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf texts = DT_BUF_INIT(DT_VALUE_MAX);
    const struct dt_readout_line *l = NULL;
    size_t n = 0;
    enum dt_err err;

    if ((err = read_texts(c, &languages, &texts, &n)) != DT_OK ||
        (err = cli_readout_load(c, &x)) != DT_OK ||
        (err = cli_readout_line(&x, c->operand[1], &l)) != DT_OK ||
        (err = dt_agent_answer_draft(c->agent, x.facts.facts[l->fact].record->commitment,
                                     DT_ANSWER_DISPUTE, &d, &subject)) != DT_OK)
        return err;
    /* No text: the line should not be there. */
    if ((n > 0 && (err = dt_dispute_set(&dispute, &subject, DT_READOUT_SLOT_LANGUAGES,
                                        dt_buf_view(&languages))) != DT_OK) ||
        (err = dt_dispute_set(&dispute, &subject, DT_READOUT_SLOT_TEXTS, dt_buf_view(&texts))) !=
            DT_OK ||
        (err = dt_dispute_end(&dispute, &subject, &d)) != DT_OK ||
        (cli_has(c, "why") && (err = set(c, &d, "text", cli_get(c, "why"))) != DT_OK))
        return err;
    cli_complain("An objection says what the line should be%s. It does not change the line.\n",
                 n == 0 ? ": not there at all" : "");
    return cli_send_record(c, x.head->channel, &d);
}

/* ---- show ---- */

static struct dt_view
name_of(struct cli *c, size_t party)
{
    return dt_agent_charter(c->agent)->parties[party].name;
}

static bool
is_side(struct cli *c, size_t party)
{
    return dt_agent_charter(c->agent)->parties[party].kind == DT_PARTY_PARTY;
}

/* What the objection of a party to line ${l} says, on one line; nothing when it wants the line
 * gone. */
static enum dt_err
objection(const struct cli_readout *x, const struct dt_line_party *p, struct dt_buf *out)
{
    const struct dt_slot *values = dt_record_get(x->facts.facts[p->objection].record, "values");
    struct dt_view rest = values != NULL ? values->value : dt_view(NULL, 0), list, item = {0};
    struct dt_value_pair pair;
    enum dt_err err = DT_OK;

    while (dt_value_map_next(&rest, &pair)) {
        if (!dt_view_equal(pair.key, dt_view_str("texts")))
            continue;
        list = pair.value;
        while (err == DT_OK && dt_value_list_next(&list, &item))
            if (out->n == 0 || (err = dt_buf_append(out, dt_view_str(" / "))) == DT_OK)
                err = dt_buf_append(out, item);
    }
    return err;
}

static enum dt_err
print_parties(struct cli *c, const struct cli_readout *x, const struct dt_line_party *party,
              size_t author, bool sides_only)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < dt_agent_charter(c->agent)->n_parties && err == DT_OK; i++) {
        struct dt_view name = name_of(c, i);

        if (party[i].objects) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf want = DT_BUF_INIT(1u << 20);

            if ((err = objection(x, &party[i], &want)) != DT_OK)
                return err;
            cli_print("      %.*s objects: %s%.*s\n", (int)name.n, (const char *)name.p,
                      want.n > 0 ? "it should be: " : "it should not be there", (int)want.n,
                      (const char *)want.p);
        } else if (party[i].agrees) {
            cli_print("      %.*s %s%s\n", (int)name.n, (const char *)name.p,
                      i == author ? "wrote it" : "agrees",
                      party[i].consent_entered ? "; consents to its release"
                      : party[i].consents ? "; consents to its release, not in the register yet"
                                          : "");
        } else if (is_side(c, i) || !sides_only) {
            cli_print("      %.*s has not agreed\n", (int)name.n, (const char *)name.p);
        }
    }
    return err;
}

static const char *
state_of(const struct dt_readout_line *l)
{
    return l->competing  ? "versions side by side: not released"
           : !l->agreed  ? "not agreed by all sides: stays sealed"
           : l->released ? "agreed, and consented to"
                         : "agreed by all sides";
}

static const char *const releasers[] = {[DT_RELEASE_TOGETHER] = "both together",
                                        [DT_RELEASE_EITHER] = "either side",
                                        [DT_RELEASE_MEDIATOR] = "the mediator"};

static enum dt_err
show_text(struct cli *c, const struct cli_readout *x)
{
    char when[DT_TIME_STR];
    enum dt_err err;

    dt_time_str(when, x->r.release_ms);
    cli_print("readout, released by %s, %s%s\n", releasers[x->r.releaser],
              x->r.release_ms != 0 ? "not before " : "by consent only",
              x->r.release_ms != 0 ? when : "");
    if ((err = print_parties(c, x, x->r.party, x->r.author, true)) != DT_OK)
        return err;
    for (size_t i = 0; i < x->r.n && err == DT_OK; i++) {
        const struct dt_readout_line *l = &x->r.lines[i];

        print_texts(l);
        cli_print("      record %zu: %s\n", l->fact + 1, state_of(l));
        if (l->changed && l->n_differs > 0 && l->n_differs < l->texts.n)
            cli_print("      CHANGED in some languages only, after all sides had agreed\n");
        if (l->n_left_out > 0)
            cli_print("      %zu of its languages are LEFT OUT, after all sides had agreed\n",
                      l->n_left_out);
        err = print_parties(c, x, l->party, l->author, true);
    }
    if (err == DT_OK && x->r.n_unreadable > 0)
        cli_print("%zu records say that they are lines of it, and are none\n", x->r.n_unreadable);
    if (err == DT_OK)
        cli_print("%s\n", dt_readout_released(&x->r) && cli_readout_is_time(x)
                              ? "All agreed lines may be released: detente readout release"
                          : dt_readout_released(&x->r)
                              ? "All consents are there; it is not time yet"
                              : "Not released: consents lack");
    return err;
}

/* A list of texts as people wrote it, for JSON. */
static json_t *
list_json(struct dt_view list)
{
    json_t *out = json_array();
    struct dt_view item;

    while (dt_value_list_next(&list, &item))
        (void)json_array_append_new(out,
                                    json_stringn(item.n > 0 ? (const char *)item.p : "", item.n));
    return out;
}

/* What a party's objection asks for: no texts when it wants the line gone. Languages that it does
 * not name are those of the line. */
static json_t *
objection_json(const struct cli_readout *x, const struct dt_line_party *p)
{
    const struct dt_record *r = x->facts.facts[p->objection].record;
    const struct dt_slot *values = dt_record_get(r, "values"), *why = dt_record_get(r, "text");
    struct dt_view rest = values != NULL ? values->value : dt_view(NULL, 0);
    struct dt_value_pair pair;
    json_t *o = json_object();

    cli_put_hex(o, "commitment", dt_view_of(r->commitment));
    while (dt_value_map_next(&rest, &pair)) {
        if (dt_view_equal(pair.key, dt_view_str("texts")))
            (void)json_object_set_new(o, "texts", list_json(pair.value));
        else if (dt_view_equal(pair.key, dt_view_str("languages")))
            (void)json_object_set_new(o, "languages", list_json(pair.value));
    }
    if (why != NULL && why->value.n > 0)
        cli_put_view(o, "why", why->value);
    return o;
}

static json_t *
parties_json(struct cli *c, const struct cli_readout *x, const struct dt_line_party *party,
             size_t author)
{
    json_t *list = json_array();

    for (size_t i = 0; i < dt_agent_charter(c->agent)->n_parties; i++) {
        json_t *o = json_object();

        cli_put_view(o, "party", name_of(c, i));
        cli_put_bool(o, "side", is_side(c, i));
        cli_put_bool(o, "self", i == x->self);
        cli_put_bool(o, "wrote", i == author);
        cli_put_bool(o, "agrees", party[i].agrees);
        cli_put_bool(o, "objects", party[i].objects);
        if (party[i].objects)
            (void)json_object_set_new(o, "objection", objection_json(x, &party[i]));
        cli_put_bool(o, "consents", party[i].consents);
        cli_put_bool(o, "consent_entered", party[i].consent_entered);
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *
line_json(struct cli *c, const struct cli_readout *x, const struct dt_readout_line *l)
{
    json_t *o = json_object();
    json_t *texts = json_array();

    cli_put_u64(o, "line", l->texts.number);
    cli_put_u64(o, "record", l->fact + 1);
    cli_put_hex(o, "commitment", dt_view_of(x->facts.facts[l->fact].record->commitment));
    for (size_t i = 0; i < l->texts.n; i++) {
        json_t *t = json_object();

        cli_put_view(t, "language", l->texts.language[i]);
        cli_put_view(t, "text", l->texts.text[i]);
        cli_put_bool(t, "changed_after_agreement", l->changed && l->differs[i]);
        (void)json_array_append_new(texts, t);
    }
    (void)json_object_set_new(o, "texts", texts);
    cli_put_bool(o, "agreed", l->agreed);
    cli_put_bool(o, "competing", l->competing);
    cli_put_bool(o, "consented", l->released);
    cli_put_u64(o, "languages_left_out", l->n_left_out);
    (void)json_object_set_new(o, "parties", parties_json(c, x, l->party, l->author));
    return o;
}

static enum dt_err
show_json(struct cli *c, const struct cli_readout *x)
{
    json_t *root = json_object();
    json_t *list = json_array();

    cli_put_hex(root, "commitment", dt_view_of(x->head->commitment));
    cli_put_hex(root, "group_id", dt_view_of(x->head->channel));
    (void)json_object_set_new(root, "languages", list_json(x->r.languages));
    cli_put(root, "releaser", releasers[x->r.releaser]);
    cli_put_time(root, "release_at", x->r.release_ms);
    cli_put_bool(root, "agreed", x->r.agreed);
    cli_put_bool(root, "may_be_released", dt_readout_released(&x->r) && cli_readout_is_time(x));
    cli_put_bool(root, "consents_complete", dt_readout_released(&x->r));
    cli_put_bool(root, "is_time", cli_readout_is_time(x));
    (void)json_object_set_new(root, "parties", parties_json(c, x, x->r.party, x->r.author));
    for (size_t i = 0; i < x->r.n; i++)
        (void)json_array_append_new(list, line_json(c, x, &x->r.lines[i]));
    (void)json_object_set_new(root, "lines", list);
    cli_put_u64(root, "no_lines", x->r.n_unreadable);
    return cli_json(root);
}

enum dt_err
cmd_readout_show(struct cli *c)
{
    DT_CLEANUP(cli_readout_clear) struct cli_readout x = {0};
    enum dt_err err = cli_readout_load(c, &x);

    if (err != DT_OK)
        return err;
    return c->json ? show_json(c, &x) : show_text(c, &x);
}
