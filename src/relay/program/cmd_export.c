/*
 * relay/program/cmd_export.c - detente-relay export-register: registers as files for any web
 * server.
 *
 * Layer: relay.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/text.h"
#include "relay/export/export.h"
#include "relay/program/program.h"

const struct option program_export_options[] = {
    PROGRAM_STORE,
    PROGRAM_CONFIG,
    {"--register", "ID", "this register alone (32 hex digits), and even if reading it needs a key",
     false, false},
    {"--json", NULL, "print the result as JSON", false, false},
    {"--quiet", NULL, "print nothing but errors", false, false},
    {NULL, NULL, NULL, false, false},
};

static enum dt_err
export_to(const struct options *o, struct dt_export_report *report)
{
    struct dt_relay_store_config config = {.path = option_value(o, "--store", 0)};
    const char *text = option_value(o, "--register", 0);
    struct dt_relay_store *store = NULL;
    uint8_t id[DT_REGISTER_ID];
    enum dt_err err;

    if (text != NULL && dt_hex_read_fixed(id, sizeof(id), dt_view_str(text)) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--register: expected 32 hex digits");
    if ((err = dt_relay_store_open(&config, &store)) != DT_OK)
        return err;
    umask(022); /* from the first moment on: a web server reads what is written */
    err = dt_relay_export(store, o->operand, text != NULL ? id : NULL, report);
    dt_relay_store_close(store);
    return err;
}

int
program_export(const struct options *o)
{
    struct dt_export_report r = {0};
    struct rlimit core = {0, 0};
    enum dt_err err;

    (void)setrlimit(RLIMIT_CORE, &core); /* the store holds keys */
    if ((err = export_to(o, &r)) != DT_OK)
        return program_finish(err);
    if (option_value(o, "--json", 0) != NULL) {
        printf("{\"format\": 1, \"registers\": %zu, \"passed_over\": %zu, \"written\": %llu, "
               "\"removed\": %llu}\n",
               r.registers, r.passed_over, (unsigned long long)r.written,
               (unsigned long long)r.removed);
    } else if (option_value(o, "--quiet", 0) == NULL) {
        printf("registers: %zu; files written: %llu, removed: %llu\n", r.registers,
               (unsigned long long)r.written, (unsigned long long)r.removed);
        if (r.passed_over > 0)
            printf("passed over, for reading them needs a key: %zu (--register ID takes one)\n",
                   r.passed_over);
    }
    return 0;
}
