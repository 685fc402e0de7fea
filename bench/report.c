/*
 * bench/report.c - see report.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "report.h"

void
bench_results_clear(struct bench_results *r)
{
    dt_free(r->v);
    *r = (struct bench_results){0};
}

enum dt_err
bench_results_add(struct bench_results *r, const struct bench_result *one)
{
    struct bench_result *more = dt_realloc(r->v, r->n + 1, sizeof *more);

    if (more == NULL)
        return dt_nomem();
    r->v = more;
    r->v[r->n++] = *one;
    return DT_OK;
}

/* ---- ratios ---- */

/*
 * An operation in units of the primitives that no implementation can leave out. ${per_level} and
 * ${per_member} say how often: once, for each level of the tree, or for each member.
 */
struct ratio {
    const char *name;
    const char *op;
    const char *units[2]; /* added up; the second may be NULL */
    bool per_level;
    bool per_member;
    bool full_only;
    double target;     /* 0: none */
    uint32_t target_n; /* that it is set for; 0: any */
};

static const struct ratio ratios[] = {
    {"protect / (sign + AEAD)", "protect", {"sign", "aead-seal"}, false, false, false, 1.5, 0},
    {"unprotect / verify", "unprotect", {"verify", NULL}, false, false, false, 1.3, 0},
    {"update / levels x (seal + key pair)",
     "update",
     {"hpke-seal", "key-pair"},
     true,
     false,
     true,
     3,
     1000},
    {"process / verify", "process", {"verify", NULL}, false, false, true, 22, 1000},
    {"join / members x verify", "join", {"verify", NULL}, false, true, false, 1.15, 1000},
    {"add / verify", "add", {"verify", NULL}, false, false, false, 0, 0},
    {"remove / levels x (seal + key pair)",
     "remove",
     {"hpke-seal", "key-pair"},
     true,
     false,
     true,
     0,
     0},
    {"add-all / members x verify", "add-all", {"verify", NULL}, false, true, false, 0, 0},
};

static const struct bench_result *
find(const struct bench_results *r, const struct bench_result *like, const char *op)
{
    for (size_t i = 0; op != NULL && i < r->n; i++) {
        const struct bench_result *x = &r->v[i];

        if (x->suite == like->suite && x->n == like->n && x->full == like->full &&
            strcmp(x->op, op) == 0)
            return x;
    }
    return NULL;
}

static double
levels(uint32_t n)
{
    double k = 0;

    while ((UINT64_C(1) << (unsigned int)k) < n)
        k++;
    return k;
}

/* False when the case lacks something that the ratio needs. */
static bool
ratio_of(const struct bench_results *r, const struct bench_result *like, const struct ratio *q,
         double *out)
{
    const struct bench_result *op = find(r, like, q->op), *a = find(r, like, q->units[0]),
                              *b = find(r, like, q->units[1]);
    double unit;

    if (op == NULL || a == NULL || (q->units[1] != NULL && b == NULL) ||
        (q->full_only && !like->full))
        return false;
    unit = a->stats.cpu_us + (b == NULL ? 0 : b->stats.cpu_us);
    if (q->per_level)
        unit *= levels(like->n);
    if (q->per_member)
        unit *= like->n;
    if (unit <= 0)
        return false;
    *out = op->stats.cpu_us / unit;
    return true;
}

static bool
new_case(const struct bench_results *r, size_t i)
{
    return i == 0 || r->v[i].suite != r->v[i - 1].suite || r->v[i].n != r->v[i - 1].n ||
           r->v[i].full != r->v[i - 1].full;
}

static const char *
shape(const struct bench_result *x)
{
    return x->full ? "full" : "flat";
}

/* ---- table ---- */

void
bench_print_table(const struct bench_results *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct bench_result *x = &r->v[i];
        const struct bench_result *unit = find(r, x, "verify");

        if (new_case(r, i)) {
            printf("\nsuite %u, %u members, %s tree\n", x->suite, x->n, shape(x));
            printf("%-12s %7s %12s %12s %12s %10s %9s %9s\n", "", "samples", "median us", "p95 us",
                   "wall us", "verifies", "bytes", "peak KiB");
        }
        printf("%-12s %7zu %12.1f %12.1f %12.1f ", x->op, x->stats.samples, x->stats.cpu_us,
               x->stats.p95_us, x->stats.wall_us);
        if (unit != NULL && unit->stats.cpu_us > 0)
            printf("%10.2f ", x->stats.cpu_us / unit->stats.cpu_us);
        else
            printf("%10s ", "-");
        printf("%9zu %9zu\n", x->stats.bytes, x->stats.peak_kib);
    }
    printf("\n%-38s %8s %5s %9s %7s\n", "ratio", "members", "tree", "", "target");
    for (size_t k = 0; k < sizeof ratios / sizeof ratios[0]; k++) {
        for (size_t i = 0; i < r->n; i++) {
            double q;

            if (!new_case(r, i) || !ratio_of(r, &r->v[i], &ratios[k], &q))
                continue;
            printf("%-38s %8u %5s %9.2f ", ratios[k].name, r->v[i].n, shape(&r->v[i]), q);
            if (ratios[k].target > 0 &&
                (ratios[k].target_n == 0 || ratios[k].target_n == r->v[i].n))
                printf("%7.2f%s\n", ratios[k].target, q <= ratios[k].target ? "" : "  missed");
            else
                printf("%7s\n", "-");
        }
    }
}

/* ---- JSON: all names are our own, so nothing needs escaping ---- */

void
bench_print_json(const struct bench_results *r)
{
    const char *comma = "";

    printf("{\"format\": 1,\n \"results\": [");
    for (size_t i = 0; i < r->n; i++) {
        const struct bench_result *x = &r->v[i];

        printf("%s\n  {\"suite\": %u, \"members\": %u, \"tree\": \"%s\", \"primitive\": %s, "
               "\"op\": \"%s\", \"samples\": %zu, \"cpu_us\": %.3f, \"p95_us\": %.3f, "
               "\"wall_us\": %.3f, \"bytes\": %zu, \"peak_kib\": %zu}",
               i == 0 ? "" : ",", x->suite, x->n, shape(x), x->primitive ? "true" : "false", x->op,
               x->stats.samples, x->stats.cpu_us, x->stats.p95_us, x->stats.wall_us, x->stats.bytes,
               x->stats.peak_kib);
    }
    printf("\n ],\n \"ratios\": [");
    for (size_t i = 0; i < r->n; i++) {
        for (size_t k = 0; new_case(r, i) && k < sizeof ratios / sizeof ratios[0]; k++) {
            double q;

            if (!ratio_of(r, &r->v[i], &ratios[k], &q))
                continue;
            printf("%s\n  {\"suite\": %u, \"members\": %u, \"tree\": \"%s\", \"name\": \"%s\", "
                   "\"ratio\": %.4f}",
                   comma, r->v[i].suite, r->v[i].n, shape(&r->v[i]), ratios[k].name, q);
            comma = ",";
        }
    }
    printf("\n ]\n}\n");
}
