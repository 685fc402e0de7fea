/*
 * cli/cmd_amend.c - detente charter amend | adopt, and charter sign | merge | show of an amendment;
 * and register export: what a register that continues begins with.
 */
#include <string.h>

#include "agent/home/amendment.h"
#include "agent/register/register.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/charter_io.h"
#include "cli/commands.h"

#define ROOT_STR 45 /* base64 of 32 bytes, and its NUL */

static enum dt_err
root_str(const struct tlog_hash *root, char out[static ROOT_STR])
{
    struct dt_buf b = DT_BUF_INIT(ROOT_STR - 1);
    enum dt_err err = dt_base64_write(&b, tlog_hash_view(root));

    if (err == DT_OK) {
        memcpy(out, b.p, b.n);
        out[b.n] = '\0';
    }
    dt_buf_clear(&b);
    return err;
}

/* --size, else what this home holds as attested; where nothing can be attested, all it holds. */
static enum dt_err
good_size(struct cli *c, bool roots, uint64_t *out)
{
    struct dt_register_report r;
    enum dt_err err = dt_agent_register_status(c->agent, &r);
    bool all = roots && dt_agent_charter(c->agent)->quorum_attested == 0;

    return err != DT_OK ? err
                        : cli_number(c, "size", all ? r.size : r.attested_size, TLOG_SIZE_MAX, out);
}

/* ---- from a home ---- */

enum dt_err
cmd_register_export(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf b = DT_BUF_INIT((size_t)DT_REGISTER_ENTRY << 24);
    char text[ROOT_STR];
    struct tlog_hash root;
    const char *out = NULL;
    uint64_t size = 0;
    enum dt_err err;

    if ((err = cli_need(c, "out", &out)) != DT_OK || (err = good_size(c, false, &size)) != DT_OK ||
        (err = dt_agent_register_good(c->agent, size, &root, &b)) != DT_OK ||
        (err = root_str(&root, text)) != DT_OK ||
        (err = dt_file_write(out, dt_buf_view(&b), 0644)) != DT_OK)
        return err;
    if (c->json) {
        json_t *o = json_object();

        cli_put_u64(o, "size", size);
        cli_put(o, "root", text);
        return cli_json(o);
    }
    cli_print("%llu entries in %s, root %s\n", (unsigned long long)size, out, text);
    return DT_OK;
}

/* ---- roots ---- */

/* One change a party, by place, of those that --root and --successor name. */
static enum dt_err
read_changes(struct cli *c, const struct dt_charter *ch, struct dt_root_change *out, size_t *out_n)
{
    struct dt_root_change x[DT_CHARTER_PARTIES] = {{0}};
    bool named[DT_CHARTER_PARTIES] = {false};
    const char *value;
    size_t at = 0, party = 0;
    uint8_t id[32];
    enum dt_err err;

    for (size_t i = 0; i < ch->n_parties; i++) {
        x[i].party = (uint8_t)i;
        memcpy(x[i].root, ch->parties[i].root, 32);
    }
    while ((value = cli_next(c, "root", &at)) != NULL) {
        uint8_t root[32];

        if ((err = cli_root_of_party(ch, "root", value, &party, root, id)) != DT_OK)
            return err;
        memcpy(x[party].root, root, 32);
        named[party] = true;
    }
    at = 0;
    while ((value = cli_next(c, "successor", &at)) != NULL) {
        if ((err = cli_root_of_party(ch, "successor", value, &party, NULL, id)) != DT_OK)
            return err;
        memcpy(x[party].successor, id, 32);
        x[party].has_successor = named[party] = true;
    }
    *out_n = 0;
    for (size_t i = 0; i < ch->n_parties; i++)
        if (named[i])
            out[(*out_n)++] = x[i];
    return DT_OK;
}

/* "the root of North is replaced; ..." for each change; what is said before it is signed. */
static void
note_changes(struct cli *c, const struct dt_amendment *am, const struct dt_charter *ch)
{
    for (size_t i = 0; i < am->n_changes; i++) {
        const struct dt_root_change *x = &am->changes[i];
        const struct dt_charter_party *p = &ch->parties[x->party];
        bool replaced = dt_amendment_replaces(am, ch, x->party) != NULL;

        if (replaced)
            cli_note(
                c,
                "the root of %.*s is replaced; letters that the one before signed count for the "
                "first %llu entries of the register and for nothing else; %s",
                (int)p->name.n, (const char *)p->name.p, (unsigned long long)am->last_size,
                p->has_successor ? "the successor that was announced signs for it alone"
                                 : "no successor was announced: both sign, the one before too");
        if (x->has_successor)
            cli_note(c, "%.*s announces who may take its root's place", (int)p->name.n,
                     (const char *)p->name.p);
    }
}

static enum dt_err
amend_roots(struct cli *c, const struct dt_charter *ch, struct dt_amendment_parts *parts,
            struct dt_amendment *out)
{
    struct dt_root_change changes[DT_CHARTER_PARTIES];
    enum dt_err err;

    if ((err = read_changes(c, ch, changes, &parts->n_changes)) != DT_OK ||
        (err = good_size(c, true, &parts->last_size)) != DT_OK ||
        (err = dt_agent_register_good(c->agent, parts->last_size, &parts->last_root, NULL)) !=
            DT_OK)
        return err;
    parts->changes = changes;
    err = dt_amendment_draft(ch, parts, out);
    parts->changes = NULL;
    if (err == DT_OK)
        note_changes(c, out, ch);
    return err;
}

static enum dt_err
amend_register(struct cli *c, const struct dt_charter *ch, struct dt_amendment_parts *parts,
               struct dt_amendment *out)
{
    DT_CLEANUP(dt_grant_wipe) struct dt_grant grant = {0};
    struct dt_charter next = {.n_parties = ch->n_parties};
    char path[CLI_REGISTER_PATH];
    const char *file = NULL;
    enum dt_err err;

    memcpy(next.parties, ch->parties, sizeof next.parties);
    if ((err = cli_need(c, "grant", &file)) != DT_OK || (err = cli_grant(file, &grant)) != DT_OK ||
        (err = cli_register_part(c, &grant, path, &next)) != DT_OK ||
        (err = good_size(c, false, &parts->last_size)) != DT_OK ||
        (err = dt_agent_register_good(c->agent, parts->last_size, &parts->last_root, NULL)) !=
            DT_OK)
        return err;
    parts->next = &next;
    err = dt_amendment_draft(ch, parts, out);
    parts->next = NULL;
    return err;
}

enum dt_err
cmd_charter_amend(struct cli *c)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_AMENDMENT_MAX);
    const struct dt_charter *charter = dt_agent_charter(c->agent);
    struct dt_amendment_parts parts = {.made_ms = dt_clock_now(&c->clock)};
    struct dt_agent_info info;
    bool roots = cli_has(c, "root") || cli_has(c, "successor");
    char root[ROOT_STR];
    const char *out = NULL;
    enum dt_err err;

    if (roots && cli_has(c, "grant"))
        return dt_fail(DT_ERR_USAGE, "an amendment replaces the register (--grant), or roots "
                                     "(--root, --successor): draft two");
    if ((err = cli_need(c, "out", &out)) != DT_OK ||
        (err = dt_agent_info(c->agent, &info)) != DT_OK)
        return err;
    parts.author = info.self.party;
    if ((err = roots ? amend_roots(c, charter, &parts, &am)
                     : amend_register(c, charter, &parts, &am)) != DT_OK ||
        (err = dt_amendment_encode(&am, &b)) != DT_OK ||
        (err = root_str(&am.last_root, root)) != DT_OK ||
        (err = dt_file_create(out, dt_buf_view(&b), 0644)) != DT_OK)
        return err;
    cli_note(c,
             "draft of amendment %llu in %s: %s at %llu entries, root %s; every root signs it with "
             "'detente charter sign --charter CHARTER'",
             (unsigned long long)am.number, out, roots ? "roots change" : "the register ends",
             (unsigned long long)am.last_size, root);
    return DT_OK;
}

static enum dt_err
print_adopted(struct cli *c, const struct dt_amend_report *r)
{
    struct dt_agent_info info;
    enum dt_err err = dt_agent_info(c->agent, &info);

    if (err != DT_OK)
        return err;
    if (c->json) {
        json_t *o = json_object();

        cli_put_u64(o, "taken", r->taken);
        cli_put_u64(o, "already", r->already);
        cli_put_u64(o, "last_size", r->last_size);
        cli_put_bool(o, "compared", r->compared);
        cli_put_u64(o, "cut", r->cut);
        cli_put_u64(o, "cut_attested", r->cut_attested);
        cli_put_u64(o, "again", r->again);
        cli_put_u64(o, "channels", r->channels);
        cli_put_u64(o, "unsure", r->unsure);
        cli_put_u64(o, "roots", r->roots);
        cli_put_u64(o, "void_records", r->void_records);
        cli_put(o, "relay", info.relay);
        return cli_json(o);
    }
    if (r->taken == 0) {
        cli_print("nothing new: this home has %zu of them already\n", r->already);
        return DT_OK;
    }
    if (r->registers)
        cli_print("taken in: %zu; the register goes on from entry %llu, at %s\n", r->taken,
                  (unsigned long long)r->last_size, info.relay);
    else
        cli_print(
            "taken in: %zu; the register stays; letters of roots that were replaced count for "
            "its first %llu entries\n",
            r->taken, (unsigned long long)r->last_size);
    cli_print("%s\n", r->compared ? "our own copy has the root that was named"
                                  : "our own copy did not reach that far: it is compared when the "
                                    "rest is fetched");
    if (r->cut > 0)
        cli_print("%llu entries of our copy do not count any more, %llu of them cosigned\n",
                  (unsigned long long)r->cut, (unsigned long long)r->cut_attested);
    if (r->registers)
        cli_print("%llu of our seals wait to be handed in; %zu channels begin a queue there\n",
                  (unsigned long long)r->again, r->channels);
    if (r->void_records > 0)
        cli_print("%zu records do not count any more, for their letters' root had been replaced: "
                  "detente records --void\n",
                  r->void_records);
    if (info.has_letter && info.self.root_replaced)
        cli_print("our own letter holds no more: have the new root issue another one, and import "
                  "it\n");
    if (r->unsure > 0)
        cli_print("of what we sent last some may not have arrived: see detente alarms\n");
    return DT_OK;
}

enum dt_err
cmd_charter_adopt(struct cli *c)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf grant = DT_BUF_INIT(DT_NET_GRANT_MAX);
    struct dt_buf files[DT_AMENDMENTS];
    struct dt_view views[DT_AMENDMENTS];
    struct dt_amend_params params = {.amendments = views,
                                     .lose_attested = cli_has(c, "lose-attested")};
    struct dt_amend_report r = {0};
    const char *file = NULL;
    enum dt_err err;

    for (size_t i = 0; i < DT_AMENDMENTS; i++)
        dt_buf_init(&files[i], DT_AMENDMENT_MAX);
    file = cli_get(c, "grant");
    if (file != NULL && (err = cli_file(file, &grant)) != DT_OK)
        return err;
    if (c->n_operands > DT_AMENDMENTS)
        return dt_fail(DT_ERR_LIMIT, "a charter has at most %u amendments", DT_AMENDMENTS);
    params.grant = dt_buf_view(&grant);
    err = DT_OK;
    for (; err == DT_OK && params.n < c->n_operands; params.n++) {
        err = cli_file(c->operand[params.n], &files[params.n]);
        views[params.n] = dt_buf_view(&files[params.n]);
    }
    if (err == DT_OK)
        err = dt_agent_amend(c->agent, &params, &r);
    if (err == DT_OK)
        err = print_adopted(c, &r);
    for (size_t i = 0; i < DT_AMENDMENTS; i++)
        dt_buf_clear(&files[i]);
    return err;
}

/* ---- from files ---- */

static enum dt_err
load(const char *path, const struct dt_charter *ch, struct dt_amendment *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_AMENDMENT_MAX);
    enum dt_err err = cli_file(path, &b);

    if (err == DT_OK && (err = dt_amendment_decode(dt_buf_view(&b), out)) == DT_OK)
        err = dt_amendment_check(out, ch);
    return dt_fail_context(err, "%s", path);
}

static enum dt_err
store(struct cli *c, const char *path, const struct dt_amendment *am, const struct dt_charter *ch)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_AMENDMENT_MAX);
    size_t n = 0, of = ch->n_parties;
    enum dt_err err = dt_amendment_encode(am, &b);

    if (err != DT_OK || (err = dt_file_write(path, dt_buf_view(&b), 0644)) != DT_OK)
        return err;
    for (size_t i = 0; i < ch->n_parties; i++) {
        bool replaced = dt_amendment_replaces(am, ch, i) != NULL;

        n += (am->has_signature[i] ? 1u : 0u) + (am->has_new[i] ? 1u : 0u);
        if (replaced && ch->parties[i].has_successor)
            n -= am->has_signature[i] ? 1u : 0u; /* it is not asked for */
        else if (replaced)
            of++;
    }
    cli_note(c, "%s has the signatures of %zu of %zu roots", path, n, of);
    return DT_OK;
}

bool
cli_of_amendment(const struct cli *c)
{
    return cli_has(c, "charter") || cli_has(c, "here");
}

const char *
cli_signed_to(const struct cli *c)
{
    return cli_has(c, "out") ? cli_get(c, "out") : c->operand[0];
}

/* The charter that the amendment is one of: of --charter, read into ${read}, or the home's. */
static enum dt_err
charter_of(struct cli *c, struct dt_charter *read, const struct dt_charter **out)
{
    enum dt_err err;

    if (cli_has(c, "here") && (cli_has(c, "charter") || cli_has(c, "amendment")))
        return dt_fail(DT_ERR_USAGE, "--here stands in place of --charter and --amendment");
    err = cli_has(c, "here") ? cli_open_home(c) : cli_charter(c, cli_get(c, "charter"), read);
    if (err == DT_OK)
        *out = cli_has(c, "here") ? dt_agent_charter(c->agent) : read;
    return err;
}

enum dt_err
cli_amendment_sign(struct cli *c)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter read = {0};
    const struct dt_charter *ch = NULL;
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    const char *root = NULL;
    char text[ROOT_STR];
    enum dt_err err;

    if ((err = cli_need(c, "root", &root)) != DT_OK || (err = charter_of(c, &read, &ch)) != DT_OK ||
        (err = load(c->operand[0], ch, &am)) != DT_OK ||
        (err = root_str(&am.last_root, text)) != DT_OK)
        return err;
    if (am.n_changes == 0)
        cli_note(c,
                 "signing amendment %llu of '%.*s': of its register the first %llu entries count, "
                 "root %s, and another goes on at %.*s; detente charter show says all of it",
                 (unsigned long long)am.number, (int)ch->title.n, (const char *)ch->title.p,
                 (unsigned long long)am.last_size, text, (int)am.next.relays[0].n,
                 (const char *)am.next.relays[0].p);
    else
        cli_note(c, "signing amendment %llu of '%.*s'; detente charter show says all of it",
                 (unsigned long long)am.number, (int)ch->title.n, (const char *)ch->title.p);
    note_changes(c, &am, ch);
    if ((err = cli_root_seed(c, &seed)) != DT_OK ||
        (err = dt_amendment_sign(&am, ch, dt_secret_view(&seed))) != DT_OK)
        return err;
    return store(c, cli_signed_to(c), &am, ch);
}

enum dt_err
cli_amendment_merge(struct cli *c)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter read = {0};
    const struct dt_charter *ch = NULL;
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    enum dt_err err;

    if ((err = charter_of(c, &read, &ch)) != DT_OK || (err = load(c->operand[0], ch, &am)) != DT_OK)
        return err;
    for (size_t i = 1; i < c->n_operands && err == DT_OK; i++) {
        DT_CLEANUP(dt_amendment_clear) struct dt_amendment other = {0};

        if ((err = load(c->operand[i], ch, &other)) == DT_OK)
            err = dt_fail_context(dt_amendment_merge(&am, &other), "%s", c->operand[i]);
    }
    return err != DT_OK ? err : store(c, cli_signed_to(c), &am, ch);
}

/* Is the witness key of ${w} one of ${ch} for the same party? */
static bool
has_witness(const struct dt_charter *ch, const struct dt_charter_witness *w)
{
    for (size_t i = 0; i < ch->n_witnesses; i++)
        if (ch->witnesses[i].party == w->party && dt_view_equal(ch->witnesses[i].vkey, w->vkey))
            return true;
    return false;
}

static void
put_witnesses(json_t *o, const char *key, const struct dt_charter *from,
              const struct dt_charter *parties)
{
    json_t *list = json_array();

    for (size_t i = 0; i < from->n_witnesses; i++) {
        json_t *one = json_object();

        cli_put_view(one, "party", parties->parties[from->witnesses[i].party].name);
        cli_put_view(one, "vkey", from->witnesses[i].vkey);
        (void)json_array_append_new(list, one);
    }
    (void)json_object_set_new(o, key, list);
}

static void
put_words(json_t *o, const char *key, const uint8_t id[static 32])
{
    char words[DT_KEY_WORDS_STR];

    dt_key_words(id, words);
    cli_put(o, key, words);
}

/* What becomes of the roots: words are what people compare. */
static enum dt_err
put_changes(json_t *o, const struct dt_amendment *am, const struct dt_charter *ch)
{
    json_t *list = json_array();
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < am->n_changes; i++) {
        const struct dt_root_change *x = &am->changes[i];
        const struct dt_charter_party *p = &ch->parties[x->party];
        json_t *one = json_object();
        uint8_t was[32], is[32];

        if (err == DT_OK && (err = dt_root_id(p->root, was)) == DT_OK &&
            (err = dt_root_id(x->root, is)) == DT_OK) {
            bool replaced = dt_amendment_replaces(am, ch, x->party) != NULL;

            cli_put_view(one, "party", p->name);
            put_words(one, "root_before", was);
            put_words(one, "root", is);
            cli_put_bool(one, "replaced", replaced);
            cli_put_bool(one, "announced", replaced && p->has_successor);
            cli_put_bool(one, "signed_by_new", am->has_new[x->party]);
            if (x->has_successor)
                put_words(one, "successor", x->successor);
        }
        (void)json_array_append_new(list, one);
    }
    (void)json_object_set_new(o, "roots", list);
    return err;
}

static void
put_register(json_t *o, const struct dt_amendment *am, const struct dt_charter *ch)
{
    cli_put_view(o, "relay_before", ch->relays[0]);
    cli_put_view(o, "relay", am->next.relays[0]);
    cli_put_view(o, "register_vkey_before", ch->register_vkey);
    cli_put_view(o, "register_vkey", am->next.register_vkey);
    cli_put_view(o, "register_path", am->next.register_path);
    cli_put_u64(o, "quorum_attested_before", ch->quorum_attested);
    cli_put_u64(o, "quorum_attested", am->next.quorum_attested);
    put_witnesses(o, "witnesses_before", ch, ch);
    put_witnesses(o, "witnesses", &am->next, ch);
}

static enum dt_err
show_json(const struct dt_amendment *am, const struct dt_charter *ch, const char *root,
          bool complete)
{
    json_t *o = json_object();
    json_t *parties = json_array();
    enum dt_err err;

    cli_put_hex(o, "forum", dt_view_of(am->header.forum));
    cli_put_u64(o, "amendment", am->number);
    cli_put_time(o, "drafted", am->made_ms);
    cli_put_hex(o, "commitment", dt_view_of(am->commitment));
    cli_put_bool(o, "complete", complete);
    cli_put_u64(o, "last_size", am->last_size);
    cli_put(o, "last_root", root);
    if (am->n_changes == 0)
        put_register(o, am, ch);
    else if ((err = put_changes(o, am, ch)) != DT_OK) {
        json_decref(o);
        json_decref(parties);
        return err;
    }
    for (size_t i = 0; i < ch->n_parties; i++) {
        json_t *one = json_object();

        cli_put_view(one, "name", ch->parties[i].name);
        cli_put_bool(one, "signed", am->has_signature[i]);
        (void)json_array_append_new(parties, one);
    }
    (void)json_object_set_new(o, "parties", parties);
    return cli_json(o);
}

static void
print_change(const char *what, struct dt_view from, struct dt_view to)
{
    cli_print("  %-8s from %.*s\n           to   %.*s\n", what, (int)from.n, (const char *)from.p,
              (int)to.n, (const char *)to.p);
}

static void
print_witnesses(const struct dt_amendment *am, const struct dt_charter *ch)
{
    for (size_t i = 0; i < am->next.n_witnesses; i++) {
        const struct dt_charter_witness *w = &am->next.witnesses[i];

        cli_print("  witness  of %.*s, %s: %.*s\n", (int)ch->parties[w->party].name.n,
                  (const char *)ch->parties[w->party].name.p,
                  has_witness(ch, w) ? "as before" : "NEW", (int)w->vkey.n,
                  (const char *)w->vkey.p);
    }
    for (size_t i = 0; i < ch->n_witnesses; i++) {
        const struct dt_charter_witness *w = &ch->witnesses[i];

        if (!has_witness(&am->next, w))
            cli_print("  witness  of %.*s, NO LONGER: %.*s\n", (int)ch->parties[w->party].name.n,
                      (const char *)ch->parties[w->party].name.p, (int)w->vkey.n,
                      (const char *)w->vkey.p);
    }
}

static enum dt_err
print_changes(const struct dt_amendment *am, const struct dt_charter *ch, const char *root)
{
    cli_print(
        "  register stays; the first %llu entries, root %s, count under the roots of before\n",
        (unsigned long long)am->last_size, root);
    for (size_t i = 0; i < am->n_changes; i++) {
        const struct dt_root_change *x = &am->changes[i];
        const struct dt_charter_party *p = &ch->parties[x->party];
        char words[DT_KEY_WORDS_STR];
        uint8_t was[32], is[32];
        enum dt_err err;

        if ((err = dt_root_id(p->root, was)) != DT_OK || (err = dt_root_id(x->root, is)) != DT_OK)
            return err;
        if (dt_amendment_replaces(am, ch, x->party) != NULL) {
            cli_print("  root     of %.*s, REPLACED; the new one %s\n", (int)p->name.n,
                      (const char *)p->name.p,
                      p->has_successor ? "is the successor that was announced"
                                       : "was not announced: the one before signs too");
            dt_key_words(was, words);
            cli_print("           from %s\n", words);
            dt_key_words(is, words);
            cli_print("           to   %s\n           %s\n", words,
                      am->has_new[x->party] ? "signed by the new root"
                                            : "NOT SIGNED YET by the new root");
        }
        if (x->has_successor) {
            dt_key_words(x->successor, words);
            cli_print("  successor of %.*s from then on: %s\n", (int)p->name.n,
                      (const char *)p->name.p, words);
        }
    }
    return DT_OK;
}

static void
print_register(const struct dt_amendment *am, const struct dt_charter *ch, const char *root)
{
    cli_print("  good     the first %llu entries of the register until now, root %s;\n"
              "           what its key signs later does not count\n",
              (unsigned long long)am->last_size, root);
    print_change("relay", ch->relays[0], am->next.relays[0]);
    print_change("register", ch->register_vkey, am->next.register_vkey);
    print_witnesses(am, ch);
    cli_print("  attested by %u groups (before: %u)\n", am->next.quorum_attested,
              ch->quorum_attested);
}

/* Of a party whose root is replaced by the successor that was announced nothing else is asked. */
static const char *
signed_or_not(const struct dt_amendment *am, const struct dt_charter *ch, size_t i)
{
    if (am->has_signature[i])
        return "signed";
    return dt_amendment_replaces(am, ch, i) != NULL && ch->parties[i].has_successor
               ? "not asked, its successor signs"
               : "NOT SIGNED YET";
}

enum dt_err
cli_amendment_show(struct cli *c)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter read = {0};
    const struct dt_charter *ch = NULL;
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    char root[ROOT_STR], hex[65], when[DT_TIME_STR];
    size_t author = 0;
    bool complete;
    enum dt_err err;

    if ((err = charter_of(c, &read, &ch)) != DT_OK ||
        (err = load(c->operand[0], ch, &am)) != DT_OK ||
        (err = root_str(&am.last_root, root)) != DT_OK ||
        (err = dt_charter_party_by_id(ch, am.author, &author)) != DT_OK)
        return err;
    complete = dt_amendment_complete(&am, ch) == DT_OK;
    if (!complete)
        c->verdict = DT_EXIT_NO;
    if (c->json)
        return show_json(&am, ch, root, complete);
    dt_hex_str(hex, dt_view_of(am.header.forum));
    dt_time_str(when, am.made_ms);
    cli_print("amendment %llu of %.*s\n  forum    %s\n  drafted  %s by %.*s\n",
              (unsigned long long)am.number, (int)ch->title.n, (const char *)ch->title.p, hex, when,
              (int)ch->parties[author].name.n, (const char *)ch->parties[author].name.p);
    if (am.n_changes == 0)
        print_register(&am, ch, root);
    else if ((err = print_changes(&am, ch, root)) != DT_OK)
        return err;
    for (size_t i = 0; i < ch->n_parties; i++)
        cli_print("  %-8.*s %s\n", (int)ch->parties[i].name.n, (const char *)ch->parties[i].name.p,
                  signed_or_not(&am, ch, i));
    if (am.n_changes == 0)
        cli_print("  a witness of the new register is started with --continues %llu:%s\n",
                  (unsigned long long)am.last_size, root);
    return DT_OK;
}
