/*
 * cli/cmd_charter.c - detente charter draft | sign | merge | show: the founding document of a
 * forum.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "log/limits.h"
#include "net/grant.h"
#include "record/charter_rules.h"
#include "record/open_rule.h"
#include "record/template.h"

#include "cli/charter_io.h"
#include "cli/commands.h"
#include "cli/record_io.h"
#include "cli/rootfile.h"

/* What a draft is built from: everything its views point into. */
struct draft {
    struct dt_charter charter;
    struct dt_grant grant;
    char *title;
    char *names[DT_CHARTER_PARTIES];
    char *rules[DT_CHARTER_RULES]; /* names, as allocated */
    char path[CLI_REGISTER_PATH];
    char cadence[DT_CADENCE_STR];
    char hashes[2 * DT_CHARTER_RULES][65]; /* of the forum's own templates, ids of successors */
    size_t n_hashes;
};

static void
draft_clear(struct draft *d)
{
    dt_free(d->title);
    for (size_t i = 0; i < DT_CHARTER_PARTIES; i++)
        dt_free(d->names[i]);
    for (size_t i = 0; i < DT_CHARTER_RULES; i++)
        dt_free(d->rules[i]);
    dt_grant_wipe(&d->grant);
    dt_charter_clear(&d->charter);
}

/* NAME=FILE of one party. */
static enum dt_err
add_party(struct draft *d, const char *option, const char *value, uint8_t kind)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_ROOTFILE_MAX);
    DT_CLEANUP(dt_free_p) char *name = NULL;
    struct dt_charter *ch = &d->charter;
    const char *equals = strrchr(value, '=');
    enum dt_err err;

    if (equals == NULL || equals == value || equals[1] == '\0')
        return dt_fail(DT_ERR_USAGE,
                       "--%s: write NAME=FILE, with the public line of its root in FILE", option);
    if (ch->n_parties == DT_CHARTER_PARTIES)
        return dt_fail(DT_ERR_LIMIT, "a charter has at most %u parties", DT_CHARTER_PARTIES);
    name = dt_strndup(value, (size_t)(equals - value));
    if (name == NULL)
        return dt_nomem();
    if ((err = cli_nfc_str(name, &d->names[ch->n_parties])) != DT_OK ||
        (err = cli_file(equals + 1, &b)) != DT_OK ||
        (err = dt_fail_context(dt_rootfile_pub(dt_buf_view(&b), ch->parties[ch->n_parties].root),
                               "%s", equals + 1)) != DT_OK)
        return err;
    ch->parties[ch->n_parties].kind = kind;
    ch->parties[ch->n_parties].name = dt_view_str(d->names[ch->n_parties]);
    ch->n_parties++;
    return DT_OK;
}

/* ---- rules ---- */

/* One more rule, in its place by name. */
static enum dt_err
insert_rule(struct draft *d, char *name, const char *value)
{
    struct dt_charter *ch = &d->charter;
    const struct dt_charter_rule rule = {dt_view_str(name), dt_view_str(value)};
    size_t at = ch->n_rules;

    if (at == DT_CHARTER_RULES) {
        dt_free(name);
        return dt_fail(DT_ERR_LIMIT, "a charter has at most %u rules", DT_CHARTER_RULES);
    }
    d->rules[at] = name;
    for (; at > 0 && dt_view_cmp(ch->rules[at - 1].name, rule.name) > 0; at--)
        ch->rules[at] = ch->rules[at - 1];
    ch->rules[at] = rule;
    ch->n_rules++;
    return dt_charter_rule_check(&rule);
}

/* KIND=RULE of --open. A kind that is not known here would be a rule on nothing. */
static enum dt_err
add_open_rule(struct draft *d, const struct dt_templates *known, const char *value)
{
    DT_CLEANUP(dt_free_p) char *kind = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_RULE_MAX);
    const char *equals = strchr(value, '=');
    bool of_all;
    enum dt_err err;

    if (equals == NULL || equals == value || equals[1] == '\0')
        return dt_fail(DT_ERR_USAGE, "--open: write KIND=RULE, not '%s'", value);
    kind = dt_strndup(value, (size_t)(equals - value));
    if (kind == NULL)
        return dt_nomem();
    of_all = strcmp(kind, "default") == 0;
    if (!of_all && dt_templates_get_str(known, kind) == NULL)
        return dt_fail(DT_ERR_NOT_FOUND,
                       "--open: there is no template '%s'; see detente template list", kind);
    if ((err = dt_buf_printf(&b, DT_RULE_OPEN "%s%s", of_all ? "" : ".", of_all ? "" : kind)) !=
        DT_OK)
        return err;
    dt_free(kind);
    kind = dt_strndup((const char *)b.p, b.n);
    if (kind == NULL)
        return dt_nomem();
    err = insert_rule(d, kind, equals + 1);
    kind = NULL; /* the draft's now */
    return dt_fail_context(err, "--open %s", value);
}

static enum dt_err
add_open_rules(struct cli *c, struct draft *d)
{
    struct dt_templates *known = NULL;
    const char *value;
    size_t at = 0, of_own = 0;
    enum dt_err err = DT_OK;

    if (!cli_has(c, "open"))
        return DT_OK;
    if ((err = dt_templates_load(&known)) != DT_OK)
        return err;
    /* A rule may be on a kind of the forum's own. */
    while (err == DT_OK && (value = cli_next(c, "template", &of_own)) != NULL) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(DT_TEMPLATE_JSON_MAX);
        struct dt_template *t = NULL;

        if ((err = cli_template_file(value, &raw, &t)) == DT_OK)
            err = dt_fail_context(dt_templates_add(known, t), "%s", value);
    }
    while (err == DT_OK && (value = cli_next(c, "open", &at)) != NULL)
        err = add_open_rule(d, known, value);
    dt_templates_free(known);
    return err;
}

/* A template of the forum's own: its hash is signed with the charter. */
static enum dt_err
add_template(struct draft *d, const struct dt_templates *known, const char *path)
{
    DT_CLEANUP(dt_template_free_p) struct dt_template *t = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(DT_TEMPLATE_JSON_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf name = DT_BUF_INIT(DT_RULE_MAX);
    char *rule;
    enum dt_err err;

    if ((err = cli_template_file(path, &raw, &t)) != DT_OK)
        return err;
    const struct dt_view id = dt_template_id(t);

    if (dt_templates_get(known, id) != NULL)
        return dt_fail(DT_ERR_EXISTS, "%s: a template of this id is there", path);
    if (d->n_hashes == DT_CHARTER_RULES)
        return dt_fail(DT_ERR_LIMIT, "a charter has at most %u rules", DT_CHARTER_RULES);
    if ((err = dt_buf_printf(&name, DT_RULE_TEMPLATE "%.*s", (int)id.n, (const char *)id.p)) !=
        DT_OK)
        return err;
    rule = dt_strndup((const char *)name.p, name.n);
    if (rule == NULL)
        return dt_nomem();
    dt_hex_str(d->hashes[d->n_hashes], dt_view(dt_template_hash(t), 32));
    return dt_fail_context(insert_rule(d, rule, d->hashes[d->n_hashes++]), "%s", path);
}

static enum dt_err
add_templates(struct cli *c, struct draft *d)
{
    struct dt_templates *known = NULL;
    const char *value;
    size_t at = 0;
    enum dt_err err;

    if (!cli_has(c, "template"))
        return DT_OK;
    if ((err = dt_templates_load(&known)) != DT_OK)
        return err;
    while (err == DT_OK && (value = cli_next(c, "template", &at)) != NULL)
        err = add_template(d, known, value);
    dt_templates_free(known);
    return err;
}

/* NAME=FILE of --successor: who alone may take the place of that party's root. */
static enum dt_err
add_successor(struct draft *d, const char *value)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf name = DT_BUF_INIT(DT_RULE_MAX);
    size_t party = 0;
    uint8_t id[32];
    char *rule;
    enum dt_err err = cli_root_of_party(&d->charter, "successor", value, &party, NULL, id);

    if (err != DT_OK || (err = dt_buf_printf(&name, DT_RULE_SUCCESSOR "%zu", party + 1)) != DT_OK)
        return err;
    if (d->n_hashes == 2 * DT_CHARTER_RULES)
        return dt_fail(DT_ERR_LIMIT, "a charter has at most %u rules", DT_CHARTER_RULES);
    rule = dt_strndup((const char *)name.p, name.n);
    if (rule == NULL)
        return dt_nomem();
    dt_hex_str(d->hashes[d->n_hashes], dt_view_of(id));
    return dt_fail_context(insert_rule(d, rule, d->hashes[d->n_hashes++]), "--successor %s", value);
}

static enum dt_err
add_successors(struct cli *c, struct draft *d)
{
    const char *value;
    size_t at = 0;
    enum dt_err err = DT_OK;

    while (err == DT_OK && (value = cli_next(c, "successor", &at)) != NULL)
        err = add_successor(d, value);
    return err;
}

static void
add_rule(struct dt_charter *ch, const char *name, const char *value)
{
    ch->rules[ch->n_rules].name = dt_view_str(name);
    ch->rules[ch->n_rules++].value = dt_view_str(value);
}

/* What the grant settles for all parties becomes a rule that they sign; by name, in order. */
static void
add_rules(struct draft *d, const char *file_max, const char *line_test)
{
    dt_cadence_str(d->cadence, &d->grant.cadence);
    if (d->grant.cadence.period_ms != 0)
        add_rule(&d->charter, DT_RULE_CADENCE, d->cadence);
    if (file_max != NULL)
        add_rule(&d->charter, DT_RULE_FILE_MAX, file_max);
    if (line_test != NULL)
        add_rule(&d->charter, DT_RULE_LINE_TEST, line_test);
    if (d->grant.has_read_key)
        add_rule(&d->charter, DT_RULE_READ_KEY, "required");
}

enum dt_err
cmd_charter_draft(struct cli *c)
{
    static const struct {
        const char *option;
        uint8_t kind;
    } kinds[] = {
        {"party", DT_PARTY_PARTY}, {"mediator", DT_PARTY_MEDIATOR}, {"monitor", DT_PARTY_MONITOR}};
    DT_CLEANUP(draft_clear) struct draft d = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CHARTER_MAX);
    const char *grant = NULL;
    const char *title = NULL;
    const char *file = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "grant", &grant)) != DT_OK ||
        (err = cli_need(c, "title", &title)) != DT_OK ||
        (err = cli_need(c, "out", &file)) != DT_OK || (err = cli_grant(grant, &d.grant)) != DT_OK ||
        (err = cli_nfc_str(title, &d.title)) != DT_OK)
        return err;
    d.charter.title = dt_view_str(d.title);
    d.charter.created_ms = dt_clock_now(&c->clock);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        const char *value;
        size_t at = 0;

        while ((value = cli_next(c, kinds[k].option, &at)) != NULL)
            if ((err = add_party(&d, kinds[k].option, value, kinds[k].kind)) != DT_OK)
                return err;
    }
    add_rules(&d, cli_get(c, "file-max"), cli_get(c, "line-test"));
    if ((err = cli_register_part(c, &d.grant, d.path, &d.charter)) != DT_OK ||
        (err = add_open_rules(c, &d)) != DT_OK || (err = add_templates(c, &d)) != DT_OK ||
        (err = add_successors(c, &d)) != DT_OK ||
        (err = dt_random(d.charter.nonce, sizeof d.charter.nonce)) != DT_OK ||
        (err = dt_charter_check(&d.charter)) != DT_OK ||
        (err = dt_charter_encode(&d.charter, &out)) != DT_OK ||
        (err = dt_file_create(file, dt_buf_view(&out), 0644)) != DT_OK)
        return err;
    cli_note(c, "draft in %s: every root signs it with 'detente charter sign'", file);
    return DT_OK;
}

static enum dt_err
store(const char *path, const struct dt_charter *ch)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_CHARTER_MAX);
    enum dt_err err = dt_charter_encode(ch, &b);

    return err != DT_OK ? err : dt_file_write(path, dt_buf_view(&b), 0644);
}

static size_t
count_signatures(const struct dt_charter *ch)
{
    size_t n = 0;

    for (size_t i = 0; i < ch->n_parties; i++)
        n += ch->has_signature[i] ? 1 : 0;
    return n;
}

enum dt_err
cmd_charter_sign(struct cli *c)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter ch = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    const char *root = NULL;
    uint8_t forum[DT_FORUM_ID];
    char hex[2 * DT_FORUM_ID + 1];
    enum dt_err err;

    if (cli_of_amendment(c))
        return cli_amendment_sign(c);
    if ((err = cli_need(c, "root", &root)) != DT_OK ||
        (err = cli_charter_draft(c->operand[0], &ch)) != DT_OK ||
        (err = dt_charter_forum_id(&ch, forum)) != DT_OK)
        return err;
    dt_hex_str(hex, dt_view_of(forum));
    cli_note(c,
             "signing '%.*s' with its %zu parties, forum %s; detente charter show says all of it",
             (int)ch.title.n, (const char *)ch.title.p, ch.n_parties, hex);
    if ((err = cli_root_seed(c, &seed)) != DT_OK ||
        (err = dt_charter_sign(&ch, dt_secret_view(&seed))) != DT_OK ||
        (err = store(cli_signed_to(c), &ch)) != DT_OK)
        return err;
    cli_note(c, "signed: %zu of %zu roots", count_signatures(&ch), ch.n_parties);
    return DT_OK;
}

enum dt_err
cmd_charter_merge(struct cli *c)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter ch = {0};
    enum dt_err err;

    if (cli_of_amendment(c))
        return cli_amendment_merge(c);
    err = cli_charter_draft(c->operand[0], &ch);
    for (size_t i = 1; i < c->n_operands && err == DT_OK; i++) {
        DT_CLEANUP(dt_charter_clear) struct dt_charter other = {0};

        if ((err = cli_charter_draft(c->operand[i], &other)) == DT_OK)
            err = dt_fail_context(dt_charter_merge(&ch, &other), "%s", c->operand[i]);
    }
    if (err == DT_OK)
        err = store(cli_signed_to(c), &ch);
    if (err == DT_OK)
        cli_note(c, "%s has the signatures of %zu of %zu roots", cli_signed_to(c),
                 count_signatures(&ch), ch.n_parties);
    return err;
}

static const char *
kind_name(uint8_t kind)
{
    return kind == DT_PARTY_PARTY ? "party" : kind == DT_PARTY_MEDIATOR ? "mediator" : "monitor";
}

/* Each amendment in turn: when it was drafted, what it replaced, and how many entries count. */
static void
put_former(json_t *root, const struct dt_charter *ch)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ch->n_former; i++) {
        json_t *o = json_object();

        cli_put_u64(o, "number", i + 1);
        cli_put_time(o, "drafted", ch->former[i].made_ms);
        cli_put(o, "replaced", ch->former[i].roots ? "roots" : "register");
        cli_put_u64(o, "last_size", ch->former[i].last_size);
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "amended", list);
}

static enum dt_err
show_json(const struct dt_charter *ch, const uint8_t forum[static DT_FORUM_ID], bool complete)
{
    json_t *root = json_object();
    json_t *parties = json_array();
    json_t *witnesses = json_array();
    json_t *rules = json_object();

    cli_put_hex(root, "forum", dt_view(forum, DT_FORUM_ID));
    cli_put_view(root, "title", ch->title);
    cli_put_time(root, "created", ch->created_ms);
    cli_put_bool(root, "complete", complete);
    cli_put_view(root, "relay", ch->relays[0]);
    cli_put_view(root, "register_origin", ch->register_origin);
    cli_put_view(root, "register_vkey", ch->register_vkey);
    cli_put_view(root, "register_path", ch->register_path);
    cli_put_u64(root, "quorum_attested", ch->quorum_attested);
    cli_put_u64(root, "amendments", ch->n_former);
    for (size_t i = 0; i < ch->n_parties; i++) {
        json_t *o = json_object();
        char words[DT_KEY_WORDS_STR];
        uint8_t id[DT_ROOT_ID];

        if (dt_root_id(ch->parties[i].root, id) != DT_OK)
            memcpy(id, ch->parties[i].root_id, sizeof id);
        dt_key_words(id, words);
        cli_put_view(o, "name", ch->parties[i].name);
        cli_put(o, "kind", kind_name(ch->parties[i].kind));
        cli_put(o, "words", words);
        cli_put_hex(o, "root_id", dt_view_of(id));
        cli_put_hex(o, "party_id", dt_view_of(ch->parties[i].root_id));
        if (ch->parties[i].has_successor)
            cli_put_hex(o, "successor", dt_view_of(ch->parties[i].successor));
        cli_put_bool(o, "signed", ch->has_signature[i]);
        (void)json_array_append_new(parties, o);
    }
    for (size_t i = 0; i < ch->n_witnesses; i++) {
        json_t *o = json_object();

        cli_put_view(o, "party", ch->parties[ch->witnesses[i].party].name);
        cli_put_view(o, "vkey", ch->witnesses[i].vkey);
        (void)json_array_append_new(witnesses, o);
    }
    (void)json_object_set_new(root, "parties", parties);
    for (size_t i = 0; i < ch->n_rules; i++) {
        char name[DT_RULE_MAX + 1];

        (void)snprintf(name, sizeof name, "%.*s", (int)ch->rules[i].name.n,
                       (const char *)ch->rules[i].name.p);
        cli_put_view(rules, name, ch->rules[i].value);
    }
    (void)json_object_set_new(root, "witnesses", witnesses);
    (void)json_object_set_new(root, "rules", rules);
    put_former(root, ch);
    return cli_json(root);
}

static void
print_rules(const struct dt_charter *ch)
{
    struct dt_cadence c = dt_charter_cadence(ch);
    struct dt_line_rule line = dt_charter_line_test(ch);
    struct dt_view value;
    char span[DT_TIME_STR];

    dt_span_str(span, c.period_ms);
    if (c.period_ms != 0)
        cli_print("  cadence  each party appends %llu %s every %s, real ones and cover alike\n",
                  (unsigned long long)c.k, c.k == 1 ? "entry" : "entries", span);
    if (dt_charter_rule(ch, DT_RULE_READ_KEY, &value))
        cli_print("  read key needed to read the register\n");
    for (size_t i = 0; i < ch->n_rules; i++) {
        const struct dt_charter_rule *r = &ch->rules[i];
        const size_t n = strlen(DT_RULE_TEMPLATE);

        if (r->name.n > n && memcmp(r->name.p, DT_RULE_TEMPLATE, n) == 0)
            cli_print("  template of the forum's own: %.*s, by its hash\n           %.*s\n",
                      (int)(r->name.n - n), (const char *)r->name.p + n, (int)r->value.n,
                      (const char *)r->value.p);
    }
    if (dt_charter_rule(ch, DT_RULE_FILE_MAX, &value))
        cli_print("  files    at most %.*s MiB each\n", (int)value.n, (const char *)value.p);
    if (line.every_ms != 0) {
        dt_span_str(span, line.every_ms);
        cli_print("  line tests  every agent tests its line every %s%s\n", span,
                  line.sealed ? ", each test a sealed record too" : "");
    }
}

/* The rules of opening in words, with what holds where there is none. */
static enum dt_err
print_open_rules(const struct dt_charter *ch)
{
    struct dt_view all = {0};
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < ch->n_rules && err == DT_OK; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf words = DT_BUF_INIT(256);
        const struct dt_charter_rule *r = &ch->rules[i];
        const size_t n = sizeof DT_RULE_OPEN; /* with the point behind it */

        if (!dt_open_rule_is(r->name))
            continue;
        err = dt_open_rule_words(r->value, &words);
        if (r->name.n >= n)
            cli_print("  opening  a record of kind '%.*s' is opened by consent of: %.*s\n",
                      (int)(r->name.n - n), (const char *)r->name.p + n, (int)words.n,
                      (const char *)words.p);
        else
            cli_print("  opening  any other record is opened by consent of: %.*s\n", (int)words.n,
                      (const char *)words.p);
    }
    if (!dt_charter_rule(ch, DT_RULE_OPEN, &all))
        cli_print("  opening  any other record is opened by consent of: every side and the "
                  "author's party\n");
    return err;
}

static enum dt_err
print_party(const struct dt_charter *ch, size_t i)
{
    const struct dt_charter_party *p = &ch->parties[i];
    char words[DT_KEY_WORDS_STR];
    uint8_t id[DT_ROOT_ID];
    enum dt_err err = dt_root_id(p->root, id);

    if (err != DT_OK)
        return err;
    dt_key_words(id, words);
    cli_print("  %-8s %.*s, %s\n           key words: %s\n", kind_name(p->kind), (int)p->name.n,
              (const char *)p->name.p, ch->has_signature[i] ? "signed" : "NOT SIGNED YET", words);
    if (memcmp(id, p->root_id, sizeof id) != 0) {
        dt_key_words(p->root_id, words);
        cli_print("           took the place of the root with: %s\n", words);
    }
    if (p->has_successor) {
        dt_key_words(p->successor, words);
        cli_print("           successor: %s\n", words);
    }
    return DT_OK;
}

enum dt_err
cmd_charter_show(struct cli *c)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter read = {0};
    const struct dt_charter *ch = &read;
    uint8_t forum[DT_FORUM_ID];
    char hex[2 * DT_FORUM_ID + 1];
    char when[DT_TIME_STR];
    bool complete;
    enum dt_err err;

    if (c->n_operands == 0 && (cli_of_amendment(c) || cli_has(c, "amendment")))
        return dt_fail(DT_ERR_USAGE, "--charter, --here and --amendment go with a FILE");
    if (cli_of_amendment(c))
        return cli_amendment_show(c);
    /* With amendments it has to be complete; a draft is shown as it is. */
    if (c->n_operands == 0) {
        if ((err = cli_open_home(c)) == DT_OK)
            ch = dt_agent_charter(c->agent);
        else if (err == DT_ERR_NOT_FOUND)
            return dt_fail(DT_ERR_USAGE,
                           "detente charter show needs a FILE where there is no home");
    } else {
        err = cli_has(c, "amendment") ? cli_charter(c, c->operand[0], &read)
                                      : cli_charter_draft(c->operand[0], &read);
    }
    if (err != DT_OK || (err = dt_charter_forum_id(ch, forum)) != DT_OK)
        return err;
    complete = dt_charter_verify(ch) == DT_OK;
    if (!complete)
        c->verdict = DT_EXIT_NO;
    if (cli_has(c, "id")) {
        dt_hex_str(hex, dt_view_of(forum));
        cli_print("%s\n", hex);
        return DT_OK;
    }
    if (cli_has(c, "policy")) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf policy = DT_BUF_INIT(TLOG_POLICY_MAX);

        if ((err = dt_charter_policy(ch, DT_POLICY_ATTESTED, &policy)) == DT_OK)
            cli_print_view(dt_buf_view(&policy));
        return err;
    }
    if (c->json)
        return show_json(ch, forum, complete);
    dt_hex_str(hex, dt_view_of(forum));
    dt_time_str(when, ch->created_ms);
    cli_print("%.*s\n  forum    %s\n  drafted  %s\n  relay    %.*s\n  register %.*s\n",
              (int)ch->title.n, (const char *)ch->title.p, hex, when, (int)ch->relays[0].n,
              (const char *)ch->relays[0].p, (int)ch->register_origin.n,
              (const char *)ch->register_origin.p);
    for (size_t i = 0; i < ch->n_parties; i++)
        if ((err = print_party(ch, i)) != DT_OK)
            return err;
    for (size_t i = 0; i < ch->n_witnesses; i++)
        cli_print("  witness  of %.*s: %.*s\n", (int)ch->parties[ch->witnesses[i].party].name.n,
                  (const char *)ch->parties[ch->witnesses[i].party].name.p,
                  (int)ch->witnesses[i].vkey.n, (const char *)ch->witnesses[i].vkey.p);
    cli_print("  attested by %u groups, final by all\n", ch->quorum_attested);
    for (size_t i = 0; i < ch->n_former; i++) {
        dt_time_str(when, ch->former[i].made_ms);
        cli_print("  amended  %zu, %s: %s at entry %llu\n", i + 1, when,
                  ch->former[i].roots ? "roots were replaced, or successors announced,"
                                      : "the register was replaced",
                  (unsigned long long)ch->former[i].last_size);
    }
    print_rules(ch);
    return print_open_rules(ch);
}
