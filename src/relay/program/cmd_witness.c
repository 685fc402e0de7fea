/*
 * relay/program/cmd_witness.c - detente-relay witness: a C2SP tlog-witness for other logs;
 * witness-url: where a register's witness is asked.
 *
 * Layer: relay.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "log/policy.h"
#include "relay/limits.h"
#include "relay/program/program.h"
#include "relay/store/store.h"
#include "relay/witness/server.h"

const struct option program_witness_options[] = {
    {"--key", "FILE", "the witness's key, from detente witness keygen; of this witness alone", true,
     false},
    {"--state", "FILE", "what it cosigned last; made when it is not there, never put back", true,
     false},
    {"--listen", "ADDRESS:PORT", "where to listen, e.g. 127.0.0.1:8090; port 0: any free one", true,
     false},
    {"--log", "VKEY", "a log's verifier key (type 0x01); may be repeated", false, true},
    {"--logs", "FILE", "a tlog-policy file: its log lines count as --log", false, false},
    {"--evidence", "DIR", "where evidence of a split view goes (beside the state)", false, false},
    {"--clock-was-ahead", NULL,
     "this machine's clock was ahead when it cosigned last: once, the times of before bind no more",
     false, false},
    {"--check", NULL, "check options, key and state, and exit", false, false},
    {"--port-file", "FILE", "write the port in use to FILE once serving", false, false},
    {"--connections", "N", "most connections at a time (1024)", false, false},
    {"--address-connections", "N",
     "most of them from one address (64; on loopback, behind a front, no limit)", false, false},
    {"--address-rate", "N",
     "new connections a second from one address, four times as many at once (32; the same)", false,
     false},
    {NULL, NULL, NULL, false, false},
};

const struct option program_witness_url_options[] = {
    PROGRAM_STORE,
    PROGRAM_CONFIG,
    {"--vkey", "VKEY", "the witness's verifier key, as in the grant", true, false},
    {"--url", "URL", "where it is asked from now on; without it, it comes by itself", false, false},
    {"--quiet", NULL, "print nothing but errors", false, false},
    {NULL, NULL, NULL, false, false},
};

struct logs {
    struct tlog_vkey keys[RELAY_WITNESS_LOGS_MAX];
    size_t n;
};

/* A key once, however often it is named; an origin may have several. */
static enum dt_err
add_log(struct logs *logs, const struct tlog_vkey *key)
{
    if (key->type != TLOG_KEY_ED25519)
        return dt_fail(DT_ERR_USAGE, "%s: a log's verifier key has type 0x01", key->name);
    for (size_t i = 0; i < logs->n; i++) {
        if (tlog_vkey_equal(&logs->keys[i], key))
            return DT_OK;
    }
    if (logs->n == RELAY_WITNESS_LOGS_MAX)
        return dt_fail(DT_ERR_USAGE, "at most %u logs", RELAY_WITNESS_LOGS_MAX);
    logs->keys[logs->n++] = *key;
    return DT_OK;
}

static enum dt_err
read_logs(const struct options *o, struct logs *logs)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_POLICY_MAX);
    const char *file = option_value(o, "--logs", 0), *vkey;
    struct tlog_vkey key;
    enum dt_err err;

    for (size_t i = 0; (vkey = option_value(o, "--log", i)) != NULL; i++) {
        err = tlog_vkey_parse(dt_view_str(vkey), &key);
        if (err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL)
            return err;
        if (err != DT_OK)
            return dt_fail(DT_ERR_USAGE, "--log: not a verifier key: %s", vkey);
        if ((err = add_log(logs, &key)) != DT_OK)
            return err;
    }
    if (file == NULL)
        return DT_OK;
    if ((err = dt_file_read(file, &text)) != DT_OK)
        return err;
    if ((err = tlog_policy_parse(dt_buf_view(&text), &policy)) != DT_OK)
        return dt_fail_context(err, "%s", file);
    for (size_t i = 0; i < policy.n_logs && err == DT_OK; i++)
        err = add_log(logs, &policy.logs[i].key);
    return err;
}

static void
say(void *ctx, const char *line)
{
    (void)ctx;
    relay_log(RELAY_LOG_WARNING, "witness", NULL, 0, "witness: %s", line);
}

static enum dt_err
check(const struct relay_witness_config *config)
{
    size_t n = 0;
    enum dt_err err = relay_witness_check(config, &n);

    if (err == DT_OK)
        printf("the witness is ready: logs %zu, registers cosigned: %zu\n", config->n_logs, n);
    return err;
}

static enum dt_err
serve(const struct options *o, struct relay_witness_config *config)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf vkey = DT_BUF_INIT(TLOG_VKEY_MAX);
    const char *port_file = option_value(o, "--port-file", 0);
    struct relay_witness *w = NULL;
    enum dt_err err;

    if ((err = relay_witness_start(config, &w)) != DT_OK)
        return err;
    if ((err = tlog_vkey_write(relay_witness_key(w), &vkey)) == DT_OK && port_file != NULL)
        err = program_write_port(port_file, relay_witness_port(w));
    if (err == DT_OK) {
        relay_log(RELAY_LOG_NOTICE, "started", NULL, 0, "witness %.*s: started, port %u, %zu logs",
                  (int)vkey.n, (const char *)vkey.p, relay_witness_port(w), config->n_logs);
        (void)program_wait_signal(0);
    }
    relay_witness_stop(w);
    if (err == DT_OK)
        relay_log(RELAY_LOG_NOTICE, "stopped", NULL, 0, "witness: stopped");
    return err;
}

int
program_witness(const struct options *o)
{
    struct relay_witness_config config = {
        .key_path = option_value(o, "--key", 0),
        .state_path = option_value(o, "--state", 0),
        .listen = option_value(o, "--listen", 0),
        .evidence_dir = option_value(o, "--evidence", 0),
        .clock_was_ahead = option_value(o, "--clock-was-ahead", 0) != NULL,
        .say = say,
    };
    struct logs *logs = dt_alloc(1, sizeof(*logs));
    bool counted = !program_on_loopback(config.listen);
    uint64_t connections = 0, per_address = 0, rate = 0;
    enum dt_err err = logs == NULL ? dt_nomem() : DT_OK;

    if (err == DT_OK &&
        (err = program_number(o, "--connections", 1000000, 1024, &connections)) == DT_OK &&
        (err = program_number(o, "--address-connections", 1000000,
                              counted ? PROGRAM_ADDRESS_CONNECTIONS : 0, &per_address)) == DT_OK &&
        (err = program_number(o, "--address-rate", 1000000, counted ? PROGRAM_ADDRESS_RATE : 0,
                              &rate)) == DT_OK &&
        (err = program_limits(option_value(o, "--connections", 0) != NULL, &connections)) ==
            DT_OK &&
        (err = read_logs(o, logs)) == DT_OK) {
        config.connections_max = (unsigned int)connections;
        config.per_address_max = (unsigned int)per_address;
        config.per_address_rate = (unsigned int)rate;
        config.logs = logs->keys;
        config.n_logs = logs->n;
        if (option_value(o, "--check", 0) != NULL) {
            err = check(&config);
            dt_free(logs);
            return program_finish(err);
        }
        program_block_signals(false);
        err = serve(o, &config);
    }
    dt_free(logs);
    return program_finish(err);
}

int
program_witness_url(const struct options *o)
{
    struct dt_relay_store_config config = {.path = option_value(o, "--store", 0)};
    const char *url = option_value(o, "--url", 0);
    struct dt_relay_store *store = NULL;
    struct tlog_vkey key;
    size_t n = 0;
    enum dt_err err = tlog_vkey_parse(dt_view_str(option_value(o, "--vkey", 0)), &key);

    if (err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL)
        return program_finish(err);
    if (err != DT_OK || key.type != TLOG_KEY_COSIGNATURE)
        return program_finish(dt_fail(DT_ERR_USAGE, "--vkey: not a witness's verifier key"));
    if (url != NULL && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return program_finish(dt_fail(DT_ERR_USAGE, "--url: expected http:// or https://"));
    if ((err = dt_relay_store_open(&config, &store)) == DT_OK)
        err = dt_relay_store_set_url(store, &key, url == NULL ? "" : url, &n);
    dt_relay_store_close(store);
    if (err == DT_OK && option_value(o, "--quiet", 0) == NULL)
        printf("%s: %s, in %zu registers; serve takes it up when it is started anew\n", key.name,
               url == NULL ? "comes by itself" : url, n);
    return program_finish(err);
}
