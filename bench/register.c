/*
 * bench/register.c - the program `register`: what a relay's register does in a second, how long it
 * takes, and what it costs on disk, at several sizes, beside the primitives of the same run.
 *
 * The machine's speed, its disk and what else runs on it change every number; a ratio of two of one
 * run says more. Exit 0 when all was measured, 1 when an operation failed, 2 for a wrong command
 * line.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"

#include "args.h"
#include "register.h"

#define ENTRIES_MAX    100000000u
#define SUBMITTERS_MAX 4096u
#define STARTED_ARG    "--started"

struct numbers {
    uint32_t v[BENCH_NUMBERS_MAX];
    size_t n;
};

struct options {
    struct numbers sizes, submitters;
    double seconds;
    const char *dir, *only;
    bool json;
};

static void
usage(FILE *to)
{
    fprintf(to,
            "Usage: register [--sizes N,N...] [--submitters N,N...] [--seconds S] [--dir DIR]\n"
            "                [--only NAME,NAME...] [--json] [--help]\n"
            "What a relay's register does in a second and what it costs, and the primitives of the "
            "same run.\n"
            "  --sizes       entries, rising; the register grows from one to the next (10000)\n"
            "  --submitters  how many hand in entries at a time (1,16,256,1024)\n"
            "  --seconds     for one operation of one size (2)\n"
            "  --dir         where the store goes: its disk is what is measured (/var/tmp)\n"
            "  --only        operations to measure; the primitives are always measured:\n");
    for (size_t i = 0; i < register_n_operations; i++)
        fprintf(to, "      %-12s %s\n", register_operations[i].name, register_operations[i].what);
    fprintf(to, "    always how fast the register grew (grow), and of the primitives:\n");
    for (size_t i = 0; i < register_n_primitives; i++)
        fprintf(to, "      %-12s %s\n", register_primitives[i].name, register_primitives[i].what);
    fprintf(to, "  --json        one JSON object, \"format\": 1\n"
                "Progress goes to stderr when that is a terminal.\n");
}

static void
progress(uint64_t entries, const char *what)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%llu entries: %s", (unsigned long long)entries, what);
}

static void
progress_end(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}

/* Is ${name} in the comma-separated ${list}? */
static bool
listed(const char *list, const char *name)
{
    size_t n = strlen(name);

    while (list != NULL && *list != '\0') {
        size_t len = strcspn(list, ",");

        if (len == n && strncmp(list, name, n) == 0)
            return true;
        list += len + (list[len] == ',');
    }
    return false;
}

static enum dt_err
measure(const struct register_op *op, struct register_world *w, const struct register_plan *plan,
        uint64_t entries, struct register_results *r)
{
    struct register_row row = {
        .op = op->name, .entries = entries, .submitters = op->by_submitters ? plan->submitters : 0};
    enum dt_err err;

    progress(entries, op->name);
    if ((err = op->fn(w, plan, &row)) != DT_OK)
        return dt_fail_context(err, "%s, %llu entries", op->name, (unsigned long long)entries);
    return register_results_add(r, &row);
}

static enum dt_err
measure_size(const struct options *o, struct register_world *w, uint64_t entries,
             struct register_results *r)
{
    struct register_plan plan = {.seconds = o->seconds};
    struct register_row grow = {.op = "grow", .submitters = 1024};
    enum dt_err err;

    progress(entries, "growing");
    if ((err = register_grow(w, entries, &grow)) != DT_OK)
        return err;
    grow.entries = entries;
    err = register_results_add(r, &grow);
    for (size_t i = 0; err == DT_OK && i < register_n_operations; i++) {
        const struct register_op *op = &register_operations[i];
        size_t times = op->by_submitters ? o->submitters.n : 1;

        if (o->only != NULL && !listed(o->only, op->name))
            continue;
        for (size_t k = 0; err == DT_OK && k < times; k++) {
            plan.submitters = o->submitters.v[k];
            err = measure(op, w, &plan, entries, r);
        }
    }
    return err;
}

static enum dt_err
run(const struct options *o, struct register_world *w, struct register_results *r)
{
    struct register_plan plan = {.seconds = o->seconds / 4};
    enum dt_err err = register_world_init(w, o->dir);

    for (size_t i = 0; err == DT_OK && i < register_n_primitives; i++)
        err = measure(&register_primitives[i], w, &plan, 0, r);
    for (size_t i = 0; err == DT_OK && i < o->sizes.n; i++)
        err = measure_size(o, w, o->sizes.v[i], r);
    progress_end();
    return err;
}

/* ---- the command line ---- */

static const char *
name_of(size_t i)
{
    return register_operations[i].name;
}

static bool
take(struct options *o, int option, const char *arg)
{
    char *end = NULL;

    switch (option) {
    case 'n':
        return bench_numbers(arg, 1, ENTRIES_MAX, true, o->sizes.v, &o->sizes.n);
    case 's':
        return bench_numbers(arg, 1, SUBMITTERS_MAX, false, o->submitters.v, &o->submitters.n);
    case 'S':
        o->seconds = strtod(arg, &end);
        return *arg != '\0' && *end == '\0' && o->seconds >= 0 && o->seconds <= 3600;
    case 'd':
        o->dir = arg;
        return *arg != '\0';
    case 'o':
        o->only = arg;
        return bench_known(arg, name_of, register_n_operations);
    case 'j':
        o->json = true;
        return true;
    default:
        return false;
    }
}

int
main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"sizes", required_argument, NULL, 'n'},   {"submitters", required_argument, NULL, 's'},
        {"seconds", required_argument, NULL, 'S'}, {"dir", required_argument, NULL, 'd'},
        {"only", required_argument, NULL, 'o'},    {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    struct options o = {.sizes = {{10000}, 1},
                        .submitters = {{1, 16, 256, 1024}, 4},
                        .seconds = 2,
                        .dir = "/var/tmp"};
    struct register_world w = {.program = "/proc/self/exe"};
    struct register_results r = {0};
    enum dt_err err;
    int option;

    if (argc == 3 && strcmp(argv[1], STARTED_ARG) == 0)
        return register_started(argv[2]);
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return 0;
        }
        if (!take(&o, option, optarg)) {
            usage(stderr);
            return 2;
        }
    }
    if (optind != argc) {
        usage(stderr);
        return 2;
    }
    if ((err = dt_crypto_init()) == DT_OK)
        err = run(&o, &w, &r);
    if (err != DT_OK)
        fprintf(stderr, "register: %s (%s, %s)\n", dt_err_message(), dt_err_name(err),
                dt_err_place());
    else if (o.json)
        register_print_json(&r);
    else
        register_print_table(&r);
    register_results_clear(&r);
    register_world_clear(&w);
    return err == DT_OK ? 0 : 1;
}
