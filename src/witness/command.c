/*
 * witness/command.c - see command.h.
 */
#include <signal.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "log/limits.h"

#include "witness/command.h"

/* The value of an option that must be given. */
static enum dt_err
need(const struct dt_witness_call *call, const char *name, const char **out)
{
    const char *value = call->get(call->ctx, name);

    if (value == NULL || value[0] == '\0')
        return dt_fail(DT_ERR_USAGE, "--%s is needed (see --help)", name);
    *out = value;
    return DT_OK;
}

enum dt_err
dt_witness_command_keygen(const struct dt_witness_call *call,
                          char vkey[static DT_WITNESS_VKEY_MAX + 1])
{
    const char *name = NULL, *out = NULL;
    enum dt_err err;

    if ((err = need(call, "name", &name)) != DT_OK || (err = need(call, "out", &out)) != DT_OK)
        return err;
    return dt_witness_keygen(out, name, vkey);
}

enum dt_err
dt_witness_command_vkey(const struct dt_witness_call *call,
                        char vkey[static DT_WITNESS_VKEY_MAX + 1])
{
    const char *key = NULL;
    enum dt_err err = need(call, "key", &key);

    return err == DT_OK ? dt_witness_vkey(key, vkey) : err;
}

/* N:ROOT of --continues. */
static enum dt_err
read_begins(const char *text, struct tlog_witness_tree *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_HASH);
    const char *colon = strchr(text, ':');

    if (colon == NULL ||
        dt_decimal_read(dt_view((const uint8_t *)text, (size_t)(colon - text)), TLOG_SIZE_MAX,
                        &out->size) != DT_OK ||
        dt_base64_read(&b, dt_view_str(colon + 1)) != DT_OK || b.n != TLOG_HASH || out->size == 0)
        return dt_fail(DT_ERR_USAGE,
                       "--continues: write N:ROOT, as detente charter show has them of an "
                       "amendment");
    memcpy(out->root.b, b.p, TLOG_HASH);
    return DT_OK;
}

static atomic_bool stop_witness;

static void
on_signal(int sig)
{
    (void)sig;
    atomic_store(&stop_witness, true);
}

enum dt_err
dt_witness_command_run(const struct dt_witness_call *call)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf checkpoint = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct dt_witness_config w = {
        .ca_file = call->ca_file, .clock = call->clock, .say = call->say, .say_ctx = call->ctx};
    const char *agent = call->get(call->ctx, "agent-checkpoint");
    const char *continues = call->get(call->ctx, "continues");
    struct sigaction sa = {0};
    enum dt_err err;

    if ((err = need(call, "key", &w.key_path)) != DT_OK ||
        (err = need(call, "state", &w.state_path)) != DT_OK ||
        (err = need(call, "register", &w.register_url)) != DT_OK ||
        (err = need(call, "vkey", &w.register_vkey)) != DT_OK)
        return err;
    if (continues != NULL && (err = read_begins(continues, &w.begins)) != DT_OK)
        return err;
    w.clock_was_ahead = call->get(call->ctx, "clock-was-ahead") != NULL;
    w.evidence_dir = call->get(call->ctx, "evidence");
    w.read_key_path = call->get(call->ctx, "read-key");
    if (agent != NULL) {
        /* That a file which was named is not there is no answer of the register's. */
        err = dt_file_read(agent, &checkpoint);
        if (err != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_ERR_IO : err;
        w.agent_checkpoint = dt_buf_view(&checkpoint);
    }
    sa.sa_handler = on_signal;
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    return dt_witness_run(&w, &stop_witness, call->get(call->ctx, "once") != NULL);
}
