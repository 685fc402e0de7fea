/*
 * cli/cmd_record_destroyed.c - detente record destroyed: what is left of records that went by their
 * rule; a proof of that, and what verify says of one.
 */
#include <stdio.h>
#include <string.h>

#include "agent/records/trace.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "record/trace_proof.h"

#include "cli/commands.h"
#include "cli/record_io.h"
#include "cli/verify_io.h"

static enum dt_err
print_words(struct cli *c, const struct dt_trace_info *x)
{
    DT_CLEANUP(dt_free_p) struct dt_trace_word *words = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_trace_words(c->agent, x->trace.commitment, &words, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++) {
        char when[DT_TIME_STR];

        dt_time_str(when, words[i].word.when_ms);
        cli_print("       %s (%s) says that it is destroyed, on %s\n", words[i].who.name,
                  words[i].who.party_name, when);
    }
    return err;
}

static enum dt_err
print_trace(struct cli *c, const struct dt_trace_info *x)
{
    char hex[13], when[DT_TIME_STR], span[DT_TIME_STR], entry[CLI_ENTRY_STR];

    cli_short(hex, dt_view_of(x->trace.commitment));
    dt_time_str(when, x->destroyed_ms);
    dt_span_str(span, x->trace.after_ms);
    cli_entry_words(&x->entry, entry);
    cli_print("%-12s  %s  destroyed by rule on %s (%s), of %s (%s); number %llu here\n", entry, hex,
              when, span, x->author.name, x->author.party_name, (unsigned long long)x->number);
    return print_words(c, x);
}

static enum dt_err
put_trace(struct cli *c, const struct dt_trace_info *x, json_t *list)
{
    DT_CLEANUP(dt_free_p) struct dt_trace_word *words = NULL;
    json_t *o = json_object(), *by = json_array();
    size_t n = 0;
    enum dt_err err = dt_agent_trace_words(c->agent, x->trace.commitment, &words, &n);

    cli_put_u64(o, "number", x->number);
    cli_put_hex(o, "commitment", dt_view_of(x->trace.commitment));
    cli_put_hex(o, "group_id", dt_view_of(x->group_id));
    cli_put_person(o, "author", &x->author);
    cli_put_u64(o, "destroy_after_ms", x->trace.after_ms);
    cli_put_time(o, "received", x->received_ms);
    cli_put_time(o, "destroyed", x->destroyed_ms);
    if (x->entry.standing != DT_ENTRY_WAITING)
        cli_put_u64(o, "entry", x->entry.index);
    for (size_t i = 0; err == DT_OK && i < n; i++) {
        json_t *w = json_object();

        cli_put_person(w, "by", &words[i].who);
        cli_put_time(w, "says", words[i].word.when_ms);
        (void)json_array_append_new(by, w);
    }
    (void)json_object_set_new(o, "destroyed_by", by);
    (void)json_array_append_new(list, o);
    return err;
}

enum dt_err
cli_traces_print(struct cli *c, const uint8_t *only)
{
    DT_CLEANUP(dt_free_p) struct dt_trace_info *list = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_traces(c->agent, only, &list, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = print_trace(c, &list[i]);
    return err;
}

enum dt_err
cli_put_traces(struct cli *c, json_t *root, const uint8_t *only)
{
    DT_CLEANUP(dt_free_p) struct dt_trace_info *list = NULL;
    json_t *array = json_array();
    size_t n = 0;
    enum dt_err err = dt_agent_traces(c->agent, only, &list, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = put_trace(c, &list[i], array);
    (void)json_object_set_new(root, "destroyed", array);
    return err;
}

enum dt_err
cmd_record_destroyed(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    DT_CLEANUP(dt_free_p) struct dt_trace_info *list = NULL;
    const char *out = cli_get(c, "out");
    uint8_t commitment[32];
    json_t *root;
    size_t n = 0;
    enum dt_err err;

    if ((out != NULL) != (c->n_operands == 1))
        return dt_fail(DT_ERR_USAGE, "--out FILE goes with one RECORD");
    if (out != NULL) {
        if ((err = dt_agent_trace_find(c->agent, c->operand[0], commitment)) != DT_OK ||
            (err = dt_agent_trace_proof(c->agent, commitment, &file)) != DT_OK)
            return err;
        return dt_file_write(out, dt_buf_view(&file), 0644);
    }
    if (!c->json) {
        if ((err = dt_agent_traces(c->agent, NULL, &list, &n)) == DT_OK && n == 0)
            cli_print("no record was destroyed by its rule here\n");
        return err == DT_OK ? cli_traces_print(c, NULL) : err;
    }
    root = json_object();
    if ((err = cli_put_traces(c, root, NULL)) == DT_OK)
        return cli_json(root);
    json_decref(root);
    return err;
}

enum dt_err
cli_verify_destroyed(struct cli *c, struct dt_view file, const uint8_t *forum, struct dt_view known)
{
    DT_CLEANUP(dt_trace_verdict_clear) struct dt_trace_verdict v = {0};
    enum dt_err err = dt_trace_proof_verify(file, forum, known, &v);

    if (err != DT_OK)
        return err;
    if (v.code != DT_VERDICT_VERIFIED)
        c->verdict = DT_EXIT_NO;
    if (c->json) {
        json_t *o = json_object();

        cli_put(o, "file", c->operand[0]);
        cli_put(o, "verdict", dt_verdict_name(v.code));
        cli_put_view(o, "findings", dt_buf_view(&v.findings));
        if (v.code == DT_VERDICT_REFUSED)
            cli_put_view(o, "reason", dt_buf_view(&v.reason));
        else
            cli_put_u64(o, "destroy_after_ms", v.trace.after_ms);
        if (v.code != DT_VERDICT_REFUSED && v.state != DT_ENTRY_NONE)
            cli_put_u64(o, "entry", v.entry);
        cli_put_u64(o, "say_destroyed", v.n_words);
        return cli_json(o);
    }
    if (v.code == DT_VERDICT_REFUSED) {
        cli_print("%s: REFUSED: %.*s\n", c->operand[0], (int)v.reason.n, (const char *)v.reason.p);
        return DT_OK;
    }
    cli_print("%s: %s\n", c->operand[0], dt_verdict_name(v.code));
    cli_print_view(dt_buf_view(&v.findings));
    return DT_OK;
}
