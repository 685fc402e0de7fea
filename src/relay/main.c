/*
 * relay/main.c - the program detente-relay: serve, grant, check-config; witness is in
 * cmd_witness.c.
 *
 * Layer: relay. Exit codes: 0 done, 1 no (a check failed), 2 usage, 3 I/O or network, 4 refused.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "relay/program.h"
#include "relay/relay.h"

#ifndef DT_VERSION
#error "the build gives DT_VERSION"
#endif

static int
exit_code(enum dt_err err)
{
    switch (err) {
    case DT_OK:
        return 0;
    case DT_ERR_USAGE:
        return 2;
    case DT_ERR_IO:
    case DT_ERR_NET:
    case DT_ERR_NOT_FOUND:
    case DT_ERR_NOMEM:
    case DT_ERR_INTERNAL:
        return 3;
    case DT_ERR_REFUSED:
    case DT_ERR_LOCKED:
    case DT_ERR_BUSY:
    case DT_ERR_EXISTS:
        return 4;
    default:
        return 1;
    }
}

int
program_finish(enum dt_err err)
{
    if (err != DT_OK)
        fprintf(stderr, "detente-relay: %s\n", dt_err_message());
    return exit_code(err);
}

enum dt_err
program_number(const struct options *o, const char *name, uint64_t max, uint64_t none,
               uint64_t *out)
{
    const char *text = option_value(o, name, 0);

    if (text == NULL) {
        *out = none;
        return DT_OK;
    }
    if (dt_decimal_read(dt_view_str(text), max, out) != DT_OK || *out == 0)
        return dt_fail(DT_ERR_USAGE, "%s: expected a number from 1 to %llu", name,
                       (unsigned long long)max);
    return DT_OK;
}

/* ---- serve and check-config ---- */

static enum dt_err
check(const struct options *o, size_t *n_registers)
{
    struct dt_relay_store_config config = {.path = option_value(o, "--store", 0)};
    struct dt_relay_store *store = NULL;
    enum dt_err err;

    if ((err = dt_relay_store_open(&config, &store)) != DT_OK)
        return err;
    err = dt_relay_store_check(store, n_registers);
    dt_relay_store_close(store);
    return err;
}

static int
run_check(const struct options *o)
{
    size_t n = 0;
    enum dt_err err = check(o, &n);

    if (err != DT_OK)
        return program_finish(err);
    if (option_value(o, "--json", 0) != NULL)
        printf("{\"format\": 1, \"ok\": true, \"registers\": %zu}\n", n);
    else if (option_value(o, "--quiet", 0) == NULL)
        printf("the store is sound; registers: %zu\n", n);
    return 0;
}

#define FILES_BESIDE 64u /* descriptors for all but connections */

/* As many open files as the system allows this process, and no more connections than those
 * suffice for. */
enum dt_err
program_limits(bool chosen, uint64_t *connections)
{
    struct rlimit files = {0, 0}, core = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &core);
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return dt_fail(DT_ERR_IO, "the limit of open files is not known");
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur >= *connections + FILES_BESIDE)
        return DT_OK;
    if (chosen || files.rlim_cur <= 2 * FILES_BESIDE)
        return dt_fail(DT_ERR_USAGE,
                       "%llu connections need %llu open files; raise the limit of %llu (ulimit -n)",
                       (unsigned long long)*connections,
                       (unsigned long long)*connections + FILES_BESIDE,
                       (unsigned long long)files.rlim_cur);
    *connections = files.rlim_cur - FILES_BESIDE;
    fprintf(stderr, "detente-relay: at most %llu connections, for want of open files (ulimit -n)\n",
            (unsigned long long)*connections);
    return DT_OK;
}

bool
program_on_loopback(const char *listen)
{
    return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]:", 6) == 0;
}

enum dt_err
program_write_port(const char *path, uint16_t port)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%u\n", port);

    return dt_file_write(path, dt_view((const uint8_t *)text, (size_t)n), 0644);
}

static sigset_t stop_signals;

void
program_block_signals(void)
{
    /* Before any thread is there, so that all inherit it and only sigwait() below takes them. */
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGTERM);
    sigaddset(&stop_signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &stop_signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

void
program_wait_signal(void)
{
    int got = 0;

    (void)sigwait(&stop_signals, &got);
}

/* The check of a store's pages takes longer than a start may: it is made while the store is served.
 */
struct page_check {
    const char *store;
    pthread_t thread;
    bool running;
    enum dt_err err;
    char message[512];
};

static void *
check_pages(void *arg)
{
    struct page_check *c = arg;

    c->err = dt_relay_store_check_pages(c->store);
    if (c->err == DT_ERR_FORMAT) {
        (void)snprintf(c->message, sizeof(c->message), "%s", dt_err_message());
        (void)kill(getpid(), SIGTERM); /* taken by program_wait_signal() */
    }
    return NULL;
}

static void
page_check_begin(struct page_check *c)
{
    c->running = pthread_create(&c->thread, NULL, check_pages, c) == 0;
}

/* Wait for its end; FORMAT when the store is damaged. Other errors say nothing about the store. */
static enum dt_err
page_check_end(struct page_check *c)
{
    if (c->running)
        (void)pthread_join(c->thread, NULL);
    return c->err == DT_ERR_FORMAT ? dt_fail(DT_ERR_FORMAT, "%s", c->message) : DT_OK;
}

static int
run_serve(const struct options *o)
{
    struct dt_relay_config config = {.store = option_value(o, "--store", 0),
                                     .listen = option_value(o, "--listen", 0),
                                     .ask_ca_file = option_value(o, "--ca", 0)};
    const char *port_file = option_value(o, "--port-file", 0);
    struct dt_relay *relay = NULL;
    uint64_t connections = 0, per_address = 0, jobs = 0, batches = 0;
    struct page_check pages = {.store = config.store};
    enum dt_err err;

    if (option_value(o, "--check", 0) != NULL)
        return run_check(o);
    if ((err = program_number(o, "--connections", 1000000, 1024, &connections)) != DT_OK ||
        (err = program_number(o, "--address-connections", 1000000,
                              program_on_loopback(config.listen) ? 0 : 64, &per_address)) !=
            DT_OK ||
        (err = program_limits(option_value(o, "--connections", 0) != NULL, &connections)) != DT_OK)
        return program_finish(err);
    config.connections_max = (unsigned int)connections;
    config.per_address_max = (unsigned int)per_address;
    program_block_signals();
    if ((err = dt_relay_start(&config, &relay)) != DT_OK)
        return program_finish(err);
    if (port_file != NULL && (err = program_write_port(port_file, dt_relay_port(relay))) != DT_OK) {
        dt_relay_stop(relay, NULL, NULL);
        return program_finish(err);
    }
    fprintf(stderr, "detente-relay: started, port %u\n", dt_relay_port(relay));
    page_check_begin(&pages);
    program_wait_signal();
    dt_relay_stop(relay, &jobs, &batches);
    fprintf(stderr, "detente-relay: stopped, %llu writes in %llu batches\n",
            (unsigned long long)jobs, (unsigned long long)batches);
    return program_finish(page_check_end(&pages));
}

/* ---- grant ---- */

#define CONTINUED_MAX ((size_t)DT_REGISTER_ENTRY << 24) /* entries that an agent holds at most */

/* "NAME=VKEY" or "NAME=VKEY URL" of each --witness into ${out} and ${urls}. */
static enum dt_err
read_witnesses(const struct options *o, struct dt_grant_witness *out, const char **urls,
               size_t *out_n)
{
    size_t n = 0;

    for (const char *text; (text = option_value(o, "--witness", n)) != NULL; n++) {
        const char *equals = strchr(text, '='), *space;
        size_t len;

        if (n == DT_GRANT_WITNESS_MAX)
            return dt_fail(DT_ERR_USAGE, "at most %u witnesses", DT_GRANT_WITNESS_MAX);
        /* A key's name holds no space. */
        space = equals == NULL ? NULL : strchr(equals, ' ');
        len = equals == NULL  ? 0
              : space != NULL ? (size_t)(space - equals) - 1
                              : strlen(equals + 1);
        if (equals == NULL || equals == text || (size_t)(equals - text) > DT_GRANT_NAME_MAX ||
            len > DT_GRANT_VKEY_MAX)
            return dt_fail(DT_ERR_USAGE, "--witness: expected NAME=VERIFIER-KEY");
        if (space != NULL && strncmp(space + 1, "http://", 7) != 0 &&
            strncmp(space + 1, "https://", 8) != 0)
            return dt_fail(DT_ERR_USAGE, "--witness: behind the key stands an http or https URL");
        memcpy(out[n].group, text, (size_t)(equals - text));
        out[n].group[equals - text] = '\0';
        memcpy(out[n].vkey, equals + 1, len);
        out[n].vkey[len] = '\0';
        urls[n] = space == NULL ? "" : space + 1;
    }
    *out_n = n;
    return DT_OK;
}

static enum dt_err
grant_path(const char *dir, const char *party, struct dt_buf *out)
{
    dt_buf_clear(out);
    dt_buf_init(out, 4096);
    if (dt_buf_printf(out, "%s/%s.grant", dir, party) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--out: too long a path");
    return dt_buf_append(out, dt_view((const uint8_t *)"", 1)); /* its NUL */
}

/* The path of the read key's file. No party's grant is named like that. */
static enum dt_err
read_key_path(const char *dir, struct dt_buf *out)
{
    dt_buf_clear(out);
    dt_buf_init(out, 4096);
    if (dt_buf_printf(out, "%s/read-key", dir) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--out: too long a path");
    return dt_buf_append(out, dt_view((const uint8_t *)"", 1)); /* its NUL */
}

/* No file of an earlier grant may stand where one of ours goes: tokens cannot be printed again. */
static enum dt_err
none_there(const char *dir, const char *const *parties, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(4096);
    enum dt_err err;

    if ((err = read_key_path(dir, &path)) != DT_OK)
        return err;
    if (dt_file_exists((const char *)path.p))
        return dt_fail(DT_ERR_EXISTS, "%s is there already; choose another folder",
                       (const char *)path.p);
    for (size_t i = 0; i < n; i++) {
        if (!dt_grant_name_ok(parties[i]))
            return dt_fail(DT_ERR_USAGE, "a party's name must be 1 to 64 of a-z, 0-9 and -");
        if ((err = grant_path(dir, parties[i], &path)) != DT_OK)
            return err;
        if (dt_file_exists((const char *)path.p))
            return dt_fail(DT_ERR_EXISTS, "%s is there already; choose another folder",
                           (const char *)path.p);
    }
    return DT_OK;
}

static enum dt_err
write_grant(const char *dir, const struct dt_grant *g, bool json, bool quiet, bool first)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(DT_NET_GRANT_MAX);
    enum dt_err err;

    if ((err = grant_path(dir, g->party, &path)) != DT_OK ||
        (err = dt_grant_write(g, &text)) != DT_OK ||
        (err = dt_file_create((const char *)path.p, dt_buf_view(&text), 0600)) != DT_OK)
        return err;
    if (json)
        printf("%s\n  {\"party\": \"%s\", \"file\": \"%s.grant\"}", first ? "" : ",", g->party,
               g->party);
    else if (!quiet)
        printf("%s: %s\n", g->party, (const char *)path.p);
    return DT_OK;
}

static enum dt_err
write_grants(const struct options *o, const struct dt_grant *grants, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(4096);
    bool json = option_value(o, "--json", 0) != NULL, quiet = option_value(o, "--quiet", 0) != NULL;
    enum dt_err err = DT_OK;

    if (grants[0].has_read_key &&
        ((err = read_key_path(option_value(o, "--out", 0), &path)) != DT_OK ||
         (err = dt_read_key_write((const char *)path.p, grants[0].read_key)) != DT_OK))
        return err;
    if (json)
        printf(
            "{\"format\": 1, \"register\": {\"origin\": \"%s\", \"vkey\": \"%s\"}, \"grants\": [",
            grants[0].origin, grants[0].vkey);
    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = write_grant(option_value(o, "--out", 0), &grants[i], json, quiet, i == 0);
    if (json)
        printf("\n]}\n");
    else if (!quiet && err == DT_OK)
        printf("register: %s\n", grants[0].vkey);
    return err;
}

/* How many entries a party may append a day when nothing is said: with a cadence at least twice
 * what it asks for, so that there is room for what is urgent. */
static uint64_t
daily_standard(const struct dt_cadence *c)
{
    uint64_t asked = c->period_ms == 0 ? 0 : c->k * (DT_MS_DAY / c->period_ms + 1);

    return 2 * asked > DT_RELAY_DAILY_ENTRIES ? 2 * asked : DT_RELAY_DAILY_ENTRIES;
}

/* What --continue, --size and --root say of the lost register. ${entries} and ${root} back
 * ${order}. */
static enum dt_err
read_continued(const struct options *o, struct dt_buf *entries, struct tlog_hash *root,
               struct dt_grant_order *order)
{
    const char *file = option_value(o, "--continue", 0), *text = option_value(o, "--root", 0);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_HASH);
    uint64_t size = 0;
    enum dt_err err;

    if (file == NULL) {
        return text == NULL && option_value(o, "--size", 0) == NULL
                   ? DT_OK
                   : dt_fail(DT_ERR_USAGE, "--size and --root go with --continue");
    }
    if (text != NULL && (dt_base64_read(&b, dt_view_str(text)) != DT_OK || b.n != TLOG_HASH))
        return dt_fail(DT_ERR_USAGE, "--root: expected a root in base64, as checkpoints have it");
    if ((err = dt_file_read(file, entries)) != DT_OK)
        return err;
    if (entries->n % DT_REGISTER_ENTRY != 0)
        return dt_fail(DT_ERR_FORMAT, "%s: not whole register entries of %u bytes", file,
                       DT_REGISTER_ENTRY);
    if ((err = program_number(o, "--size", INT64_MAX, entries->n / DT_REGISTER_ENTRY, &size)) !=
        DT_OK)
        return err;
    if (size > entries->n / DT_REGISTER_ENTRY)
        return dt_fail(DT_ERR_RANGE, "%s: has %zu entries, and not %llu", file,
                       entries->n / DT_REGISTER_ENTRY, (unsigned long long)size);
    order->entries = dt_view(entries->p, (size_t)size * DT_REGISTER_ENTRY);
    if (text != NULL) {
        memcpy(root->b, b.p, TLOG_HASH);
        order->root = root;
    }
    return DT_OK;
}

static int
run_grant(const struct options *o)
{
    struct dt_relay_store_config config = {.path = option_value(o, "--store", 0), .create = true};
    struct dt_grant_witness witnesses[DT_GRANT_WITNESS_MAX] = {0};
    const char *parties[DT_GRANT_PARTIES_MAX] = {0};
    const char *urls[DT_GRANT_WITNESS_MAX] = {0};
    struct dt_grant_order order = {.url = option_value(o, "--url", 0),
                                   .parties = parties,
                                   .witnesses = witnesses,
                                   .witness_urls = urls};
    DT_CLEANUP(dt_buf_clear) struct dt_buf entries = DT_BUF_INIT(CONTINUED_MAX);
    struct dt_grant *grants = NULL;
    struct dt_relay_store *store = NULL;
    const char *cadence = option_value(o, "--cadence", 0);
    struct tlog_hash root;
    uint64_t daily = 0;
    enum dt_err err;

    if (cadence != NULL && dt_cadence_read(dt_view_str(cadence), &order.cadence) != DT_OK)
        return program_finish(
            dt_fail(DT_ERR_USAGE, "--cadence: entries a period, as 4/1d, 10/1w, 1/12h or 1/30m"));
    order.read_key = option_value(o, "--read-key", 0) != NULL;
    for (const char *name; (name = option_value(o, "--party", order.n_parties)) != NULL;) {
        if (order.n_parties == DT_GRANT_PARTIES_MAX)
            return program_finish(
                dt_fail(DT_ERR_USAGE, "at most %u parties", DT_GRANT_PARTIES_MAX));
        parties[order.n_parties++] = name;
    }
    if ((err = read_witnesses(o, witnesses, urls, &order.n_witnesses)) != DT_OK ||
        (err = read_continued(o, &entries, &root, &order)) != DT_OK ||
        (err = program_number(o, "--daily-entries", UINT32_MAX, daily_standard(&order.cadence),
                              &daily)) != DT_OK ||
        (err = program_number(o, "--queues", INT32_MAX, DT_RELAY_QUEUES_MAX, &order.queues_max)) !=
            DT_OK ||
        (err = program_number(o, "--queue-cells", UINT32_MAX - 1, DT_RELAY_QUEUE_CELLS_MAX,
                              &order.queue_cells_max)) != DT_OK)
        return program_finish(err);
    order.daily_entries = (uint32_t)daily;
    if ((grants = dt_alloc(order.n_parties, sizeof(*grants))) == NULL)
        return program_finish(dt_nomem());
    if ((err = dt_dir_make(option_value(o, "--out", 0), 0700)) == DT_OK &&
        (err = none_there(option_value(o, "--out", 0), parties, order.n_parties)) == DT_OK &&
        (err = dt_relay_store_open(&config, &store)) == DT_OK &&
        (err = dt_relay_store_grant(store, &order, grants)) == DT_OK)
        err = write_grants(o, grants, order.n_parties);
    dt_relay_store_close(store);
    dt_wipe(grants, order.n_parties * sizeof(*grants));
    dt_free(grants);
    return program_finish(err);
}

/* ---- the table ---- */

#define STORE                                                                                      \
    {                                                                                              \
        "--store", "FILE", "the relay's store, one SQLite file", true, false                       \
    }
#define JSON                                                                                       \
    {                                                                                              \
        "--json", NULL, "print the result as JSON", false, false                                   \
    }
#define QUIET                                                                                      \
    {                                                                                              \
        "--quiet", NULL, "print nothing but errors", false, false                                  \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, NULL, false, false                                                             \
    }

static const struct option serve_options[] = {
    STORE,
    {"--listen", "ADDRESS:PORT", "where to listen, e.g. 127.0.0.1:8080; port 0: any free one", true,
     false},
    {"--port-file", "FILE", "write the port in use to FILE once serving", false, false},
    {"--connections", "N", "most connections at a time (1024)", false, false},
    {"--address-connections", "N",
     "most of them from one address (64; on loopback, behind a front, no limit)", false, false},
    {"--ca", "FILE", "authorities to trust, and no other, where a witness is asked over https",
     false, false},
    {"--check", NULL, "check options and store, and exit", false, false},
    JSON,
    QUIET,
    END,
};
static const struct option grant_options[] = {
    STORE,
    {"--url", "URL", "the relay's address as the parties will reach it", true, false},
    {"--out", "DIR", "folder for one NAME.grant per party (mode 0600)", true, false},
    {"--party", "NAME", "a party that gets a grant; may be repeated", true, true},
    {"--witness", "NAME=VKEY",
     "a witness's verifier key and the party it speaks for, behind it after a space the URL of one"
     " that waits to be asked (c2sp.org/tlog-witness); repeated",
     true, true},
    {"--read-key", NULL, "make a key without which the register is not read", false, false},
    {"--cadence", "K/PERIOD",
     "each party appends exactly K entries every 30m, 12h, 1d or 1w, one a slot", false, false},
    {"--continue", "FILE",
     "begin with the entries of a lost register, as detente register export wrote them", false,
     false},
    {"--size", "N", "with the first N of them (default: all)", false, false},
    {"--root", "ROOT", "and only if they have this root (base64, as in checkpoints)", false, false},
    {"--daily-entries", "N", "register entries a party may append each day (1000)", false, false},
    {"--queues", "N", "queues that the grant may create (10000)", false, false},
    {"--queue-cells", "N", "cells that a queue may hold (1000000)", false, false},
    JSON,
    QUIET,
    END,
};
static const struct option check_options[] = {STORE, JSON, QUIET, END};

static const struct command commands[] = {
    {"serve", NULL, "serve queues and registers over HTTP until SIGTERM or SIGINT", serve_options,
     run_serve},
    {"grant", NULL, "make a register and one grant file per party", grant_options, run_grant},
    {"check-config", NULL, "check the store and every register in it", check_options, run_check},
    {"witness", NULL, "be a C2SP tlog-witness for other logs, until SIGTERM or SIGINT",
     program_witness_options, program_witness},
    {"witness-url", NULL, "say where a witness of registers is asked, or that it comes by itself",
     program_witness_url_options, program_witness_url},
    {"export-register", "DIR", "write the registers as files that any web server serves",
     program_export_options, program_export},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
help(void)
{
    printf("usage: detente-relay COMMAND [OPTION...]\n"
           "       detente-relay --help | --version\n");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        printf("\n%s%s%s - %s\n", commands[i].name, commands[i].operand != NULL ? " " : "",
               commands[i].operand != NULL ? commands[i].operand : "", commands[i].summary);
        for (const struct option *o = commands[i].options; o->name != NULL; o++)
            printf("  %s%s%s%s\n      %s\n", o->name, o->arg != NULL ? " " : "",
                   o->arg != NULL ? o->arg : "", o->required ? "  (needed)" : "", o->help);
    }
}

int
main(int argc, char **argv)
{
    struct options given;
    enum dt_err err;

    umask(077);
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        printf("detente-relay " DT_VERSION "\n");
        return 0;
    }
    if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
        help();
        return 0;
    }
    if (argc < 2)
        return program_finish(dt_fail(DT_ERR_USAGE, "a command is needed (see --help)"));
    if ((err = dt_crypto_init()) != DT_OK)
        return program_finish(err);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        if (argc == 3 && strcmp(argv[2], "--help") == 0) {
            help();
            return 0;
        }
        if ((err = options_parse(&commands[i], argc - 2, argv + 2, &given)) != DT_OK)
            return program_finish(err);
        return commands[i].run(&given);
    }
    return program_finish(dt_fail(DT_ERR_USAGE, "%s: no such command (see --help)", argv[1]));
}
