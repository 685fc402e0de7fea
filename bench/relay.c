/*
 * bench/relay.c - the program `relay`: what a relay does in a second, how long a message takes, and
 * what it costs in memory, disk and syncs, beside other message servers in the same run.
 *
 * The machine's speed, its disk and what else runs on it change every number; a ratio of two of one
 * run says more: with --peer the servers stand side by side and take turns, round by round. Exit 0
 * when all was measured and every acknowledged message came, in order and once; 1 when not; 2 for a
 * wrong command line.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crypto/crypto.h"

#include "args.h"
#include "relay_bench.h"

static void
usage(FILE *to)
{
    fprintf(to, "Usage: relay [--mode NAME,NAME...] [--peer NAME]... [--url URL --grant FILE]\n"
                "             [--seconds S] [--rounds N] [--messages N] [--subscribers N]\n"
                "             [--connections N] [--dir DIR] [--relay PROGRAM] [--json] [--help]\n"
                "       relay --make-store FILE --queues N --messages N\n"
                "16 senders to 4 queues, 4 readers, messages of 512 bytes, a connection each.\n"
                "  --mode         what to run (w1,w64,rate,backlog):\n");
    for (size_t i = 0; i < bench_n_modes; i++)
        fprintf(to, "      %-12s %s\n", bench_modes[i].name, bench_modes[i].what);
    fprintf(
        to,
        "  --peer         beside it: redis, nats, mosquitto or postgres, if installed, or our own\n"
        "                 with its store in PostgreSQL: detente-on-postgres\n"
        "  --url          this relay, with a grant of it, in place of one that is started\n"
        "  --seconds      for a mode (5)\n"
        "  --rounds       how often all take their turn; medians are shown (3)\n"
        "  --messages     of backlog and disk, and of a made store (100000)\n"
        "  --subscribers, --connections  of idle (1000, 10000)\n"
        "  --dir          where stores go: its disk is what is measured (/var/tmp)\n"
        "  --relay        detente-relay, by default that of this build\n"
        "  --json         one JSON object, \"format\": 1, every round\n"
        "  --make-store   a store of --queues and --messages, and what a relay does with it\n");
}

static const char *
name_of(size_t i)
{
    return bench_modes[i].name;
}

static bool
listed(const char *list, const char *name)
{
    size_t n = strlen(name);

    while (*list != '\0') {
        size_t len = strcspn(list, ",");

        if (len == n && strncmp(list, name, n) == 0)
            return true;
        list += len + (list[len] == ',');
    }
    return false;
}

static bool
run_mode(const struct bench_options *o, const struct bench_mode *mode, struct load_target *targets,
         size_t n, unsigned int round, struct bench_results *r)
{
    bool ok = true;

    for (size_t k = 0; k < n; k++) {
        struct bench_row *row;

        if (mode->ours_only && k > 0)
            break;
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "\r\033[Kround %u: %s: %s", round + 1, mode->name, targets[k].name);
        row = bench_row_new(r, mode->name, &targets[k], round);
        if (!mode->run(o, &targets[k], row)) {
            fprintf(stderr, "relay: %s against %s: failed (%s)\n", mode->name, targets[k].name,
                    dt_err_message());
            r->n--; /* the others are measured all the same */
            ok = false;
        }
    }
    return ok;
}

/* One round: all servers are there, and take turns mode by mode. */
static bool
run_round(const struct bench_options *o, unsigned int round, struct bench_results *r)
{
    static struct load_target targets[BENCH_TARGETS_MAX + 1];
    size_t n = 0;
    enum dt_err err;
    bool ok = true;

    memset(targets, 0, sizeof(targets));
    err = bench_relay_start(o, &targets[n++]);
    for (size_t i = 0; err == DT_OK && i < o->n_peers; i++)
        err = bench_peer_start(o, o->peers[i], &targets[n++]);
    if (err != DT_OK) {
        fprintf(stderr, "relay: %s (%s)\n", dt_err_message(), dt_err_name(err));
        ok = false;
    }
    for (size_t m = 0; err == DT_OK && m < bench_n_modes; m++)
        if (listed(o->modes, bench_modes[m].name))
            ok = run_mode(o, &bench_modes[m], targets, n, round, r) && ok;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
    for (size_t i = 0; i < n; i++)
        bench_server_remove(&targets[i]);
    return ok;
}

/* ---- the command line ---- */

static bool
take_number(const char *arg, unsigned int least, unsigned int most, unsigned int *out)
{
    uint32_t v[BENCH_NUMBERS_MAX];
    size_t n = 0;

    if (!bench_numbers(arg, least, most, false, v, &n) || n != 1)
        return false;
    *out = v[0];
    return true;
}

struct store_order {
    const char *path;
    unsigned int queues;
};

static bool
take(struct bench_options *o, struct store_order *store, int option, const char *arg)
{
    char *end = NULL;

    switch (option) {
    case 'm':
        o->modes = arg;
        return *arg != '\0' && bench_known(arg, name_of, bench_n_modes);
    case 'p':
        if (o->n_peers == BENCH_TARGETS_MAX || !bench_peer_known(arg))
            return false;
        o->peers[o->n_peers++] = arg;
        return true;
    case 'u':
        o->url = arg;
        return *arg != '\0';
    case 'g':
        o->grant = arg;
        return *arg != '\0';
    case 'S':
        o->seconds = strtod(arg, &end);
        return *arg != '\0' && *end == '\0' && o->seconds > 0 && o->seconds <= 3600;
    case 'r':
        return take_number(arg, 1, 60, &o->rounds);
    case 'n':
        return take_number(arg, 16, 100000000, &o->messages);
    case 's':
        return take_number(arg, 1, 9000, &o->subscribers);
    case 'c':
        return take_number(arg, 1, 60000, &o->connections);
    case 'd':
        o->dir = arg;
        return *arg != '\0' && strlen(arg) < 200;
    case 'R':
        o->relay = arg;
        return *arg != '\0';
    case 'j':
        o->json = true;
        return true;
    case 'M':
        store->path = arg;
        return *arg != '\0';
    case 'q':
        return take_number(arg, 1, 10000000, &store->queues);
    default:
        return false;
    }
}

/* detente-relay beside this program's folder. */
static const char *
relay_of_build(void)
{
    static char path[4096 + 32];
    ssize_t n = readlink("/proc/self/exe", path, 4096);
    char *slash;

    path[n > 0 ? n : 0] = '\0';
    for (int i = 0; i < 2; i++)
        if ((slash = strrchr(path, '/')) != NULL)
            *slash = '\0';
    (void)strcat(path, "/detente-relay");
    return path;
}

/* Ten thousand connections need as many descriptors, here and in the relay, which inherits this. */
static void
raise_files(void)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) != 0)
        return;
    if (l.rlim_max < 70000 && geteuid() == 0)
        l.rlim_max = 70000;
    l.rlim_cur = l.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &l);
}

int
main(int argc, char **argv)
{
    static const struct option longs[] = {{"mode", required_argument, NULL, 'm'},
                                          {"peer", required_argument, NULL, 'p'},
                                          {"url", required_argument, NULL, 'u'},
                                          {"grant", required_argument, NULL, 'g'},
                                          {"seconds", required_argument, NULL, 'S'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"messages", required_argument, NULL, 'n'},
                                          {"subscribers", required_argument, NULL, 's'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"dir", required_argument, NULL, 'd'},
                                          {"relay", required_argument, NULL, 'R'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"make-store", required_argument, NULL, 'M'},
                                          {"queues", required_argument, NULL, 'q'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct bench_options o = {.modes = "w1,w64,rate,backlog",
                              .seconds = 5,
                              .rounds = 3,
                              .messages = 100000,
                              .subscribers = 1000,
                              .connections = 10000,
                              .dir = "/var/tmp",
                              .relay = relay_of_build()};
    struct store_order store = {.queues = 1000};
    struct bench_results r = {0};
    bool ok = true;
    int option;

    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return 0;
        }
        if (!take(&o, &store, option, optarg)) {
            usage(stderr);
            return 2;
        }
    }
    if (optind != argc || (o.url != NULL) != (o.grant != NULL)) {
        usage(stderr);
        return 2;
    }
    raise_files();
    (void)signal(SIGPIPE, SIG_IGN);
    if (dt_crypto_init() != DT_OK)
        return 1;
    if (store.path != NULL)
        return bench_make_store(store.path, store.queues, o.messages);
    for (unsigned int i = 0; i < o.rounds && (ok || r.n > 0); i++)
        ok = run_round(&o, i, &r) && ok;
    if (r.n > 0)
        bench_print(&r, &o);
    free(r.rows);
    return ok ? 0 : 1;
}
