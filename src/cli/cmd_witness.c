/*
 * cli/cmd_witness.c - detente witness keygen | run, and detente evidence export | verify.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/register.h"
#include "base/file.h"
#include "base/text.h"
#include "log/witness.h"
#include "record/charter.h"
#include "witness/witness.h"

#include "cli/commands.h"

enum dt_err
cmd_witness_keygen(struct cli *c)
{
    char vkey[DT_WITNESS_VKEY_MAX + 1];
    const char *name = NULL;
    const char *out = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "name", &name)) != DT_OK || (err = cli_need(c, "out", &out)) != DT_OK ||
        (err = dt_witness_keygen(out, name, vkey)) != DT_OK)
        return err;
    if (c->json) {
        json_t *o = json_object();

        cli_put(o, "vkey", vkey);
        return cli_json(o);
    }
    cli_print("%s\n", vkey);
    return DT_OK;
}

static atomic_bool stop_witness;

static void
on_signal(int sig)
{
    (void)sig;
    atomic_store(&stop_witness, true);
}

static void
say(void *ctx, const char *line)
{
    cli_note(ctx, "%s", line);
}

enum dt_err
cmd_witness_run(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf checkpoint = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct dt_witness_config w = {
        .ca_file = cli_ca(c), .clock = c->clock, .say = say, .say_ctx = c};
    struct sigaction sa = {0};
    const char *agent = cli_get(c, "agent-checkpoint");
    enum dt_err err;

    if ((err = cli_need(c, "key", &w.key_path)) != DT_OK ||
        (err = cli_need(c, "state", &w.state_path)) != DT_OK ||
        (err = cli_need(c, "register", &w.register_url)) != DT_OK ||
        (err = cli_need(c, "vkey", &w.register_vkey)) != DT_OK)
        return err;
    w.clock_was_ahead = cli_has(c, "clock-was-ahead");
    w.evidence_dir = cli_get(c, "evidence");
    w.read_key_path = cli_get(c, "read-key");
    if (agent != NULL) {
        if ((err = cli_file(agent, &checkpoint)) != DT_OK)
            return err;
        w.agent_checkpoint = dt_buf_view(&checkpoint);
    }
    sa.sa_handler = on_signal;
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    return dt_witness_run(&w, &stop_witness, cli_has(c, "once"));
}

enum dt_err
cmd_evidence_export(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    const char *out = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "out", &out)) != DT_OK ||
        (err = dt_agent_evidence(c->agent, &b)) != DT_OK ||
        (err = dt_file_write(out, dt_buf_view(&b), 0644)) != DT_OK)
        return err;
    cli_note(c, "evidence in %s; anyone checks it with: detente evidence verify %s", out, out);
    return DT_OK;
}

/* Whose key it is: the charter's or the one given, when one is; *${out_whose} says so in words. */
static enum dt_err
check_whose(struct cli *c, const struct tlog_vkey *log, const char **out_whose)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter charter = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_CHARTER_MAX);
    const char *file = cli_get(c, "charter");
    const char *vkey = cli_get(c, "vkey");
    struct tlog_vkey want;
    enum dt_err err;

    *out_whose = NULL;
    if (file == NULL && vkey == NULL)
        return DT_OK;
    if (file != NULL && vkey != NULL)
        return dt_fail(DT_ERR_USAGE, "--charter and --vkey exclude each other");
    if (file != NULL) {
        if ((err = cli_file(file, &b)) != DT_OK ||
            (err = dt_fail_context(dt_charter_decode(dt_buf_view(&b), &charter), "%s", file)) !=
                DT_OK ||
            (err = dt_charter_verify(&charter)) != DT_OK)
            return err;
        err = tlog_vkey_parse(charter.register_vkey, &want);
    } else {
        err = tlog_vkey_parse(dt_view_str(vkey), &want);
    }
    if (err != DT_OK)
        return err;
    if (strcmp(want.name, log->name) != 0 || want.type != log->type ||
        memcmp(want.pub, log->pub, sizeof want.pub) != 0)
        return dt_fail(DT_ERR_AUTH, "it is about another register's key than the one given");
    *out_whose = file != NULL ? "the register's key in the charter" : "the key given";
    return DT_OK;
}

static void
print_evidence(const struct tlog_evidence *e, const struct tlog_checkpoint *first,
               const struct tlog_checkpoint *second, const char *whose)
{
    char one[65], two[65], then[65];

    dt_hex_str(one, tlog_hash_view(&first->root));
    dt_hex_str(two, tlog_hash_view(&second->root));
    cli_print("split view: the holder of one key signed two registers that cannot both be true\n"
              "  register  %s\n"
              "  signed    %llu entries, root %s\n"
              "  and       %llu entries, root %s\n",
              first->origin, (unsigned long long)first->size, one, (unsigned long long)second->size,
              two);
    if (e->has_prefix) {
        dt_hex_str(then, tlog_hash_view(&e->old_root));
        cli_print(
            "  but the first %llu entries of the second have the root %s\n"
            "A register only grows: the larger one would have to begin with the smaller one, and "
            "does not.\n",
            (unsigned long long)first->size, then);
    } else {
        cli_print("Of one size there can be one root only.\n");
    }
    cli_print(
        "Both signatures were checked here, without any network. Nobody but the holder of the key "
        "can make such a file: whoever runs the register, or who stole its key.\n");
    if (whose != NULL)
        cli_print("The key is %s.\n", whose);
    else
        cli_print("Whose key it is was not checked: compare with --charter FILE or --vkey VKEY.\n");
}

enum dt_err
cmd_evidence_verify(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    struct tlog_checkpoint first;
    struct tlog_checkpoint second;
    const char *whose = NULL;
    enum dt_err err;

    if ((err = cli_file(c->operand[0], &b)) != DT_OK ||
        (err = tlog_evidence_read(dt_buf_view(&b), &e)) != DT_OK ||
        (err = tlog_evidence_verify(&e, &first, &second)) != DT_OK ||
        (err = check_whose(c, &e.log, &whose)) != DT_OK)
        return dt_fail_context(err, "%s", c->operand[0]);
    if (c->json) {
        json_t *o = json_object();

        cli_put(o, "origin", first.origin);
        cli_put_u64(o, "first_size", first.size);
        cli_put_hex(o, "first_root", tlog_hash_view(&first.root));
        cli_put_u64(o, "second_size", second.size);
        cli_put_hex(o, "second_root", tlog_hash_view(&second.root));
        cli_put_bool(o, "key_checked", whose != NULL);
        return cli_json(o);
    }
    print_evidence(&e, &first, &second, whose);
    return DT_OK;
}
