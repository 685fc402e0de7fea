/*
 * bench/mls.c - the program `mls`: what the operations of a group cost, beside the primitives that
 * they are made of.
 *
 * The machine's speed and what else runs on it change every number; a ratio of two of one run says
 * more. Exit 0 when all was measured, 1 when an operation failed, 2 for a wrong command line.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#include "args.h"
#include "ops.h"
#include "report.h"

#define MEMBERS_MAX 60000u

struct options {
    uint32_t sizes[BENCH_NUMBERS_MAX];
    size_t n_sizes;
    uint16_t suite;
    double seconds; /* for one operation */
    const char *only;
    bool full;
    bool flat;
    bool json;
};

static void
usage(FILE *to)
{
    fprintf(to,
            "Usage: mls [--n N,N...] [--suite NUMBER] [--tree full|flat|both] [--seconds S]\n"
            "           [--only NAME,NAME...] [--json] [--help]\n"
            "Processor time and bytes of MLS operations, and of the primitives in the same run.\n"
            "  --n        numbers of members (2,10,100,1000,10000)\n"
            "  --suite    cipher suite (1)\n"
            "  --tree     full: every member made a path once; flat: the creator added all (both)\n"
            "  --seconds  for one operation of one case, at least three samples (0.5)\n"
            "  --only     operations to measure; the primitives are always measured:\n");
    for (size_t i = 0; i < bench_n_operations; i++)
        fprintf(to, "      %-12s %s\n", bench_operations[i].name, bench_operations[i].what);
    fprintf(to, "    and of the primitives:\n");
    for (size_t i = 0; i < bench_n_primitives; i++)
        fprintf(to, "      %-12s %s\n", bench_primitives[i].name, bench_primitives[i].what);
    fprintf(to, "  --json     one JSON object, \"format\": 1\n"
                "Progress goes to stderr when that is a terminal.\n");
}

static void
progress(const struct bench_world *w, const char *what)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%u members, %s tree: %s", w->n, w->full ? "full" : "flat", what);
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

/* Samples until the time is over; at least three. */
static enum dt_err
sample(const struct bench_op *op, struct bench_case *c, double seconds, struct bench_timer *t)
{
    uint64_t end = bench_now_ns() + (uint64_t)(seconds * 1e9);
    size_t at_least = t->n + 3;
    enum dt_err err = DT_OK;

    while (err == DT_OK && t->n < BENCH_SAMPLES_MAX && (t->n < at_least || bench_now_ns() < end))
        err = op->fn(c, t);
    return err == DT_OK ? DT_OK : dt_fail_context(err, "%s", op->name);
}

static enum dt_err
keep(struct bench_results *r, const struct bench_world *w, const struct bench_op *op,
     bool primitive, struct bench_timer *t)
{
    struct bench_result x = {.suite = w->suite->id,
                             .n = w->n,
                             .full = w->full,
                             .primitive = primitive,
                             .op = op->name,
                             .what = op->what};

    bench_stats(t, &x.stats);
    return bench_results_add(r, &x);
}

/* The primitives are measured before and after the operations, as the machine's speed changes. */
static enum dt_err
primitives(struct bench_case *c, const struct options *o, struct bench_timer *timers)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < bench_n_primitives; i++) {
        progress(c->world, bench_primitives[i].name);
        err = sample(&bench_primitives[i], c, o->seconds / 4, &timers[i]);
    }
    return err;
}

static enum dt_err
run_case(const struct options *o, uint32_t n, bool full, bool first, struct bench_results *r)
{
    struct bench_world w = {.n = n, .full = full};
    struct bench_case c = {.world = &w};
    struct bench_timer *timers = dt_alloc(bench_n_primitives + bench_n_operations, sizeof *timers);
    struct bench_timer *ops = timers == NULL ? NULL : timers + bench_n_primitives;
    enum dt_err err;

    if (timers == NULL)
        return dt_nomem();
    progress(&w, "making the group");
    if ((err = bench_world_init(&w, dt_suite_get(o->suite), n, full)) != DT_OK ||
        (err = primitives(&c, o, timers)) != DT_OK)
        goto done;
    for (size_t i = 0; i < bench_n_operations; i++) {
        const struct bench_op *op = &bench_operations[i];

        if ((op->once && !first) || (o->only != NULL && !listed(o->only, op->name)))
            continue;
        progress(&w, op->name);
        if ((err = sample(op, &c, o->seconds, &ops[i])) != DT_OK)
            goto done;
    }
    if ((err = primitives(&c, o, timers)) != DT_OK)
        goto done;
    for (size_t i = 0; err == DT_OK && i < bench_n_primitives; i++)
        err = keep(r, &w, &bench_primitives[i], true, &timers[i]);
    for (size_t i = 0; err == DT_OK && i < bench_n_operations; i++)
        if (ops[i].n > 0)
            err = keep(r, &w, &bench_operations[i], false, &ops[i]);
done:
    progress_end();
    bench_case_clear(&c);
    bench_world_clear(&w);
    dt_free(timers);
    return err == DT_OK ? DT_OK
                        : dt_fail_context(err, "%u members, %s tree", n, full ? "full" : "flat");
}

/* ---- the command line ---- */

static const char *
name_of(size_t i)
{
    return bench_operations[i].name;
}

static bool
take(struct options *o, int option, const char *arg)
{
    char *end = NULL;

    switch (option) {
    case 'n':
        return bench_numbers(arg, 2, MEMBERS_MAX, false, o->sizes, &o->n_sizes);
    case 's':
        o->suite = (uint16_t)strtoul(arg, &end, 10);
        return *arg != '\0' && *end == '\0' && dt_suite_get(o->suite) != NULL;
    case 't':
        o->full = strcmp(arg, "flat") != 0;
        o->flat = strcmp(arg, "full") != 0;
        return !o->full || !o->flat || strcmp(arg, "both") == 0;
    case 'S':
        o->seconds = strtod(arg, &end);
        return *arg != '\0' && *end == '\0' && o->seconds >= 0 && o->seconds <= 3600;
    case 'o':
        o->only = arg;
        return bench_known(arg, name_of, bench_n_operations);
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
        {"n", required_argument, NULL, 'n'},    {"suite", required_argument, NULL, 's'},
        {"tree", required_argument, NULL, 't'}, {"seconds", required_argument, NULL, 'S'},
        {"only", required_argument, NULL, 'o'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0}};
    struct options o = {.sizes = {2, 10, 100, 1000, 10000},
                        .n_sizes = 5,
                        .suite = 1,
                        .seconds = 0.5,
                        .full = true,
                        .flat = true};
    struct bench_results r = {0};
    enum dt_err err;
    int option;

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
    err = dt_crypto_init();
    for (size_t i = 0; err == DT_OK && i < o.n_sizes; i++) {
        if (o.full)
            err = run_case(&o, o.sizes[i], true, i == 0, &r);
        if (err == DT_OK && o.flat)
            err = run_case(&o, o.sizes[i], false, i == 0 && !o.full, &r);
    }
    if (err != DT_OK)
        fprintf(stderr, "mls: %s (%s, %s)\n", dt_err_message(), dt_err_name(err), dt_err_place());
    else if (o.json)
        bench_print_json(&r);
    else
        bench_print_table(&r);
    bench_results_clear(&r);
    return err == DT_OK ? 0 : 1;
}
