/*
 * cli/cmd_witness.c - detente witness keygen | run, and detente evidence export | verify.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/register.h"
#include "base/file.h"
#include "log/witness.h"
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

enum dt_err
cmd_evidence_verify(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    struct tlog_checkpoint first;
    struct tlog_checkpoint second;
    enum dt_err err;

    if ((err = cli_file(c->operand[0], &b)) != DT_OK ||
        (err = tlog_evidence_read(dt_buf_view(&b), &e)) != DT_OK ||
        (err = tlog_evidence_verify(&e, &first, &second)) != DT_OK)
        return dt_fail_context(err, "%s", c->operand[0]);
    if (c->json) {
        json_t *o = json_object();

        cli_put(o, "origin", first.origin);
        cli_put_u64(o, "first_size", first.size);
        cli_put_u64(o, "second_size", second.size);
        return cli_json(o);
    }
    cli_print("the holder of the key of %s signed both a tree of %llu entries and one of %llu that "
              "cannot "
              "both be true\n",
              first.origin, (unsigned long long)first.size, (unsigned long long)second.size);
    return DT_OK;
}
