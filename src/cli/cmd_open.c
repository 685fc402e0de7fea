/*
 * cli/cmd_open.c - detente open and detente verify: make a proof file, and check one with nothing
 * but it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/records/opening.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"
#include "record/amendment.h"
#include "record/proof.h"

#include "record/trace_proof.h"

#include "cli/commands.h"
#include "cli/record_io.h"
#include "cli/verify_io.h"

enum dt_err
cli_confirm_publishing(struct cli *c)
{
    char answer[16];

    /* Not cli_note(): neither --yes nor --quiet keeps this from being said. */
    (void)fprintf(cli_err(),
                  "This PUBLISHES the opened fields, beside the register, for everyone.\n"
                  "  It cannot be taken back: others keep copies. A later withdrawal or "
                  "dispute stands beside it\n"
                  "  and does not hide it.\n");
    if (cli_has(c, "yes"))
        return DT_OK;
    if (!cli_can_ask())
        return dt_fail(DT_ERR_REFUSED,
                       "publishing needs a yes: type it on a terminal, or say --yes");
    (void)fprintf(cli_err(), "Publish it? [yes/no] ");
    if (fgets(answer, sizeof answer, stdin) == NULL || strcmp(answer, "yes\n") != 0)
        return dt_fail(DT_ERR_REFUSED, "nothing was published");
    return DT_OK;
}

/* The proof ${file} is in ${out}; publish it. */
static enum dt_err
publish(struct cli *c, const char *out, struct dt_view file)
{
    char hex[65];
    uint8_t name[32];
    enum dt_err err = dt_agent_opening_publish(c->agent, file, name);

    if (err != DT_OK)
        return dt_fail_context(err, "the proof is in %s, and not published", out);
    dt_hex_str(hex, dt_view_of(name));
    cli_note(c, "published beside the register as openings/%s.proof", hex);
    return DT_OK;
}

/* Which slots of ${r} --fields and --all say. */
enum dt_err
cli_slots(struct cli *c, const struct dt_template *tmpl, uint64_t *out)
{
    const char *fields = NULL;
    enum dt_err err;

    if (cli_has(c, "all") && cli_has(c, "fields"))
        return dt_fail(DT_ERR_USAGE, "--all and --fields exclude each other");
    if (cli_has(c, "all")) {
        *out = dt_slots_all(tmpl);
        return DT_OK;
    }
    if ((err = cli_need(c, "fields", &fields)) != DT_OK)
        return err;
    return dt_slots_from_names(tmpl, dt_view_str(fields), out);
}

/* Make the proof that the options ask for; what consents there are is said in any case. */
static enum dt_err
make_proof(struct cli *c, struct dt_opening_params *p, struct dt_buf *file)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf report = DT_BUF_INIT(4u << 20);
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    uint8_t replied_to[32] = {0};
    char hex[65];
    bool reply = cli_has(c, "reply");
    enum dt_err err;

    if ((err = dt_agent_record_find(c->agent, c->operand[0], p->commitment)) != DT_OK ||
        (err = dt_agent_record(c->agent, p->commitment, &r)) != DT_OK ||
        (!reply && (err = cli_slots(c, r.tmpl, &p->slots)) != DT_OK))
        return err;
    err = reply ? dt_agent_open_reply(c->agent, p->commitment, p->show_names, &report, replied_to,
                                      file)
                : dt_agent_open_record(c->agent, p, &report, file);
    if (report.n > 0)
        cli_note(c, "%.*s", (int)(report.n - 1), (const char *)report.p);
    if (err != DT_OK || !reply)
        return err;
    dt_hex_str(hex, dt_view_of(replied_to));
    cli_note(c, "in reply to openings/%s.proof", hex);
    return DT_OK;
}

enum dt_err
cmd_open(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(DT_PROOF_FILE_MAX + 256u);
    struct dt_opening_params p = {0};
    const char *person = cli_get(c, "for");
    const char *out = NULL;
    bool public = cli_has(c, "publish");
    struct dt_person to = {0};
    enum dt_err err;

    p.without_consent = cli_has(c, "without-consent");
    p.show_names = cli_has(c, "names");
    if (person != NULL && public)
        return dt_fail(DT_ERR_USAGE, "--for and --publish exclude each other");
    if (cli_has(c, "reply") && (cli_has(c, "fields") || cli_has(c, "all") || p.without_consent))
        return dt_fail(DT_ERR_USAGE, "--reply opens what is open already: it goes with no fields, "
                                     "and asks for no consent");
    if ((err = cli_need(c, "out", &out)) != DT_OK ||
        (person != NULL && (err = cli_person(c, person, &to)) != DT_OK))
        return err;
    p.audience = person != NULL ? to.name : public ? DT_AUDIENCE_PUBLIC : NULL;
    if ((err = make_proof(c, &p, &file)) != DT_OK ||
        (public && (err = cli_confirm_publishing(c)) != DT_OK) ||
        (person != NULL && (err = dt_agent_opening_seal(c->agent, to.letter_hash,
                                                        dt_buf_view(&file), &sealed)) != DT_OK) ||
        (err = dt_file_write(out, dt_buf_view(person != NULL ? &sealed : &file), 0644)) != DT_OK)
        return err;
    if (person != NULL) {
        cli_note(c, "proof in %s, sealed to %s; they check it with: detente verify %s --forum ID",
                 out, to.name, out);
        return DT_OK;
    }
    cli_note(c, "proof in %s; anyone checks it with: detente verify %s --forum ID", out, out);
    return public ? publish(c, out, dt_buf_view(&file)) : DT_OK;
}

/* The files of --amendment, one behind the other. */
static enum dt_err
read_known(struct cli *c, struct dt_buf *out)
{
    struct dt_writer w;
    const char *file;
    size_t at = 0;
    enum dt_err err;

    dt_buf_init(out, DT_AMENDMENTS_MAX);
    w = dt_writer_init(out);
    while ((file = cli_next(c, "amendment", &at)) != NULL) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_AMENDMENT_MAX);

        if ((err = cli_file(file, &b)) != DT_OK)
            return err;
        dt_write_vec(&w, dt_buf_view(&b));
    }
    return dt_writer_end(&w);
}

enum dt_err
cli_verify_in(struct cli *c, struct cli_anchor *anchor, struct dt_verify_in *in)
{
    const char *forum = cli_get(c, "forum");
    const char *words;
    size_t at = 0;
    enum dt_err err;

    *in = (struct dt_verify_in){.now_ms = dt_clock_now(&c->clock)};
    if (forum != NULL) {
        if (dt_hex_read_fixed(anchor->forum, sizeof anchor->forum, dt_view_str(forum)) != DT_OK)
            return dt_fail(DT_ERR_USAGE, "--forum: a forum id is 64 hex digits");
        in->forum = anchor->forum;
    }
    while ((words = cli_next(c, "root-words", &at)) != NULL) {
        if (anchor->n_words == DT_CHARTER_PARTIES)
            return dt_fail(DT_ERR_USAGE, "--root-words: at most %u roots", DT_CHARTER_PARTIES);
        if ((err = dt_key_words_read(dt_view_str(words), anchor->words[anchor->n_words])) != DT_OK)
            return dt_fail(DT_ERR_USAGE, "--root-words: these are not eight key words: '%s'",
                           words);
        anchor->n_words++;
    }
    if (anchor->n_words > 0) {
        in->root_words = (const uint8_t(*)[11])anchor->words;
        in->n_root_words = anchor->n_words;
    }
    if ((err = read_known(c, &anchor->amendments)) != DT_OK ||
        (err = dt_templates_load(&anchor->templates)) != DT_OK)
        return err;
    in->amendments = dt_buf_view(&anchor->amendments);
    in->templates = anchor->templates;
    return DT_OK;
}

void
cli_anchor_clear(struct cli_anchor *anchor)
{
    dt_buf_clear(&anchor->amendments);
    dt_templates_free(anchor->templates);
    *anchor = (struct cli_anchor){0};
}

enum dt_err
cli_verify_file(const char *path, const struct dt_verify_in *in, struct dt_verdict *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    enum dt_err err = cli_file(path, &file);

    return err != DT_OK ? err : dt_proof_verify(dt_buf_view(&file), in, out);
}

enum dt_err
cli_slot_text(const struct dt_verdict *v, size_t slot, struct dt_buf *out)
{
    const struct dt_proof_record *r = &v->records[0];
    DT_CLEANUP(dt_free_p) char *name = NULL;
    struct dt_value_hint hint = {0};
    struct dt_field field;

    dt_template_slot(r->tmpl, slot, &field);
    name = dt_strndup((const char *)field.name.p, field.name.n);
    if (name == NULL)
        return dt_nomem();
    hint.field = name;
    hint.type = r->slots[slot].type;
    hint.values = field.values;
    hint.n_values = field.n_values;
    hint.charter = v->charter;
    return dt_value_to_text(&hint, r->slots[slot].value, out);
}

/* Whose consent is missing, and what parties said in reply. */
static enum dt_err
put_consents(json_t *root, const struct dt_verdict *v)
{
    json_t *missing = json_array();
    json_t *replies = json_array();
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < v->charter->n_parties && !v->consented; i++)
        if (v->parties[i].consent_needed && !v->parties[i].consent)
            (void)json_array_append_new(missing,
                                        json_stringn((const char *)v->charter->parties[i].name.p,
                                                     v->charter->parties[i].name.n));
    for (size_t i = 1; i < v->n_records && err == DT_OK; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4u << 20);
        json_t *o;

        if ((err = dt_verdict_reply(v, i, &text)) != DT_OK || text.n == 0)
            continue;
        o = json_object();
        cli_put_view(o, "of", v->charter->parties[v->records[i].party].name);
        cli_put_view(o, "text", dt_buf_view(&text));
        (void)json_array_append_new(replies, o);
    }
    (void)json_object_set_new(root, "without_consent_of", missing);
    (void)json_object_set_new(root, "replies", replies);
    return err;
}

enum dt_err
cli_put_verdict(json_t *root, const struct dt_verdict *v, uint64_t now_ms)
{
    json_t *fields = json_object();
    enum dt_err err = DT_OK;

    cli_put(root, "verdict", dt_verdict_name(v->code));
    cli_put_view(root, "reason", dt_buf_view(&v->reason));
    cli_put_view(root, "findings", dt_buf_view(&v->findings));
    cli_put_view(root, "standing", dt_buf_view(&v->standing));
    if (v->code != DT_VERDICT_REFUSED) {
        const struct dt_proof_record *r = &v->records[0];

        err = put_consents(root, v);
        cli_put_hex(root, "forum", dt_view_of(v->forum));
        cli_put_view(root, "kind", dt_template_id(r->tmpl));
        cli_put_hex(root, "commitment", dt_view_of(r->commitment));
        if (r->state != DT_ENTRY_NONE)
            cli_put_u64(root, "entry", r->entry);
        if (r->state == DT_ENTRY_ATTESTED)
            cli_put_time(root, "entered", r->entry_ms);
        else
            cli_put_time(root, "not_later_than", r->entry_ms != 0 ? r->entry_ms : now_ms);
        if (r->apart_ms > DT_PROOF_APART_MS)
            cli_put_u64(root, "witnesses_apart_s", r->apart_ms / DT_MS_SECOND);
        if (v->entered_after)
            cli_put_u64(root, "days_after", v->days_after);
        for (size_t i = DT_ENVELOPE_SLOTS; i < r->header.n_slots && err == DT_OK; i++) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4u << 20);
            DT_CLEANUP(dt_free_p) char *name = NULL;

            if ((r->opened >> i & 1) == 0)
                continue;
            name = dt_strndup((const char *)r->slots[i].name.p, r->slots[i].name.n);
            if (name == NULL)
                err = dt_nomem();
            else if (r->slots[i].kind != DT_SLOT_VALUE)
                (void)json_object_set_new(fields, name,
                                          json_null()); /* no text says "absent" unmistakably */
            else if ((err = cli_slot_text(v, i, &text)) == DT_OK)
                cli_put_view(fields, name, dt_buf_view(&text));
        }
    }
    (void)json_object_set_new(root, "fields", fields);
    return err;
}

static void
print_verdict(const struct dt_verdict *v, const char *path)
{
    if (v->code == DT_VERDICT_REFUSED) {
        cli_print("%s: REFUSED: %.*s\n", path, (int)v->reason.n, (const char *)v->reason.p);
        return;
    }
    cli_print("%s: %s\n", path, dt_verdict_name(v->code));
    cli_print_view(dt_buf_view(&v->findings));
}

/* What was sealed to the person of the home; ${file} becomes what is in it, and ${out_name} who
 * that is: a consent to another person is none to them. */
static enum dt_err
unseal(struct cli *c, struct dt_buf *file, char **out_name)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter own = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    enum dt_err err;

    if ((err = cli_open_home(c)) != DT_OK ||
        (err = dt_agent_opening_unseal(c->agent, dt_buf_view(file), &plain)) != DT_OK ||
        (err = dt_agent_letter_own(c->agent, &own)) != DT_OK)
        return err;
    *out_name = dt_strndup((const char *)own.name.p, own.name.n);
    if (*out_name == NULL)
        return dt_nomem();
    return dt_buf_set(file, dt_buf_view(&plain));
}

enum dt_err
cmd_verify(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX + 256u);
    DT_CLEANUP(cli_anchor_clear) struct cli_anchor anchor = {0};
    DT_CLEANUP(dt_verdict_clear) struct dt_verdict v = {0};
    DT_CLEANUP(dt_free_p) char *reader = NULL; /* of a sealed one */
    struct dt_verify_in in;
    enum dt_err err;

    if ((err = cli_verify_in(c, &anchor, &in)) != DT_OK ||
        (err = cli_file(c->operand[0], &file)) != DT_OK)
        return err;
    if (dt_trace_proof_is(dt_buf_view(&file)))
        return cli_verify_destroyed(c, dt_buf_view(&file), in.forum, in.amendments);
    if ((dt_opening_is_sealed(dt_buf_view(&file)) && (err = unseal(c, &file, &reader)) != DT_OK))
        return err;
    in.audience = reader;
    if ((err = dt_proof_verify(dt_buf_view(&file), &in, &v)) != DT_OK)
        return err;
    if (v.code != DT_VERDICT_VERIFIED)
        c->verdict = DT_EXIT_NO;
    if (c->json) {
        json_t *root = json_object();

        cli_put(root, "file", c->operand[0]);
        if ((err = cli_put_verdict(root, &v, in.now_ms)) == DT_OK)
            return cli_json(root);
        json_decref(root);
        return err;
    }
    print_verdict(&v, c->operand[0]);
    return DT_OK;
}
