/*
 * cli/cmd_witness.c - detente witness keygen | vkey | run, and detente evidence export | verify.
 */
#include <stdio.h>
#include <string.h>

#include "agent/register/register.h"
#include "base/file.h"
#include "base/text.h"
#include "log/witness.h"
#include "record/charter.h"
#include "witness/command.h"

#include "cli/commands.h"

/* ---- the witness: the commands of the program detente-witness ---- */

static const char *
get(void *ctx, const char *name)
{
    return cli_get(ctx, name);
}

static void
say(void *ctx, const char *line)
{
    cli_note(ctx, "%s", line);
}

static struct dt_witness_call
call_of(struct cli *c)
{
    return (struct dt_witness_call){
        .get = get, .say = say, .ctx = c, .ca_file = cli_ca(c), .clock = c->clock};
}

static enum dt_err
print_vkey(struct cli *c, const char *vkey)
{
    if (c->json) {
        json_t *o = json_object();

        cli_put(o, "vkey", vkey);
        return cli_json(o);
    }
    cli_print("%s\n", vkey);
    return DT_OK;
}

enum dt_err
cmd_witness_keygen(struct cli *c)
{
    const struct dt_witness_call call = call_of(c);
    char vkey[DT_WITNESS_VKEY_MAX + 1];
    enum dt_err err = dt_witness_command_keygen(&call, vkey);

    return err == DT_OK ? print_vkey(c, vkey) : err;
}

enum dt_err
cmd_witness_vkey(struct cli *c)
{
    const struct dt_witness_call call = call_of(c);
    char vkey[DT_WITNESS_VKEY_MAX + 1];
    enum dt_err err = dt_witness_command_vkey(&call, vkey);

    return err == DT_OK ? print_vkey(c, vkey) : err;
}

enum dt_err
cmd_witness_run(struct cli *c)
{
    const struct dt_witness_call call = call_of(c);

    return dt_witness_command_run(&call);
}

/* ---- evidence ---- */

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
