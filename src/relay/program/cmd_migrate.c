/*
 * relay/program/cmd_migrate.c - `detente-relay migrate`: one store copied into another, and
 * compared.
 *
 * Layer: relay.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"
#include "relay/program/program.h"
#include "relay/store/migrate.h"

const struct option program_migrate_options[] = {
    {"--from", "STORE", "the store to copy, a file or postgresql://...; nobody serves it meanwhile",
     true, false},
    {"--to", "STORE",
     "where the copy goes: nothing, an empty database, or what an interrupted "
     "migration left",
     true, false},
    PROGRAM_JSON,
    PROGRAM_QUIET,
    PROGRAM_END,
};

static void
show(void *ctx, const char *table, bool comparing, uint64_t rows)
{
    (void)ctx;
    fprintf(stderr, "\r%s %s: %llu rows\033[K", comparing ? "comparing" : "copying", table,
            (unsigned long long)rows);
}

static void
print_json(const struct dt_relay_migrated *m)
{
    char hex[65];

    printf("{\"format\": 1, \"ok\": true, \"registers\": %zu, \"tables\": [", m->n_registers);
    for (size_t i = 0; i < m->n_tables; i++) {
        dt_hex_str(hex, dt_view_of(m->tables[i].hash));
        printf("%s{\"name\": \"%s\", \"rows\": %llu, \"hash\": \"%s\"}", i > 0 ? ", " : "",
               m->tables[i].name, (unsigned long long)m->tables[i].rows, hex);
    }
    printf("]}\n");
}

int
program_migrate(const struct options *o)
{
    bool terminal = isatty(STDERR_FILENO) == 1 && option_value(o, "--quiet", 0) == NULL;
    struct dt_relay_migrated m;
    struct rlimit core = {0, 0};
    uint64_t rows = 0;
    enum dt_err err;

    (void)setrlimit(RLIMIT_CORE, &core); /* the stores hold keys */
    err = dt_relay_store_migrate(option_value(o, "--from", 0), option_value(o, "--to", 0),
                                 terminal ? show : NULL, NULL, &m);
    if (terminal)
        fprintf(stderr, "\r\033[K");
    if (err != DT_OK)
        return program_finish(err);
    for (size_t i = 0; i < m.n_tables; i++)
        rows += m.tables[i].rows;
    if (option_value(o, "--json", 0) != NULL)
        print_json(&m);
    else if (option_value(o, "--quiet", 0) == NULL)
        printf("copied and compared: %llu rows of %zu tables; registers: %zu. Their keys are as "
               "sealed "
               "as they were: serve the copy with the same sealing key and with what was signed\n",
               (unsigned long long)rows, m.n_tables, m.n_registers);
    return 0;
}
