/*
 * bench/register_report.c - samples, results and ratios of register.h, and how they are printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "register.h"

enum dt_err
register_samples_init(struct register_samples *s, size_t room)
{
    s->n = 0;
    s->room = room;
    s->us = dt_alloc(room, sizeof *s->us);
    return s->us == NULL ? dt_nomem() : DT_OK;
}

void
register_samples_add(struct register_samples *s, double us)
{
    if (s->n < s->room)
        s->us[s->n++] = us;
}

static int
compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void
register_samples_take(struct register_samples *s, struct register_row *row)
{
    row->samples = s->n;
    if (s->n == 0)
        return;
    qsort(s->us, s->n, sizeof s->us[0], compare);
    row->p50_us = s->us[s->n / 2];
    row->p99_us = s->us[(s->n - 1) * 99 / 100];
}

void
register_samples_clear(struct register_samples *s)
{
    dt_free(s->us);
    *s = (struct register_samples){0};
}

enum dt_err
register_results_add(struct register_results *r, const struct register_row *row)
{
    struct register_row *more = dt_realloc(r->v, r->n + 1, sizeof *more);

    if (more == NULL)
        return dt_nomem();
    r->v = more;
    r->v[r->n++] = *row;
    return DT_OK;
}

void
register_results_clear(struct register_results *r)
{
    dt_free(r->v);
    *r = (struct register_results){0};
}

/* ---- ratios and targets ---- */

enum value { PER_S, P50_US, BYTES_EACH, KIB };

static double
value_of(const struct register_row *x, enum value v)
{
    switch (v) {
    case PER_S:
        return x->per_s;
    case P50_US:
        return x->p50_us;
    case BYTES_EACH:
        return x->entries == 0 ? 0 : (double)x->bytes / (double)x->entries;
    case KIB:
        return (double)x->kib;
    }
    return 0;
}

/*
 * An operation's value, in units of a primitive's where one is named: what no implementation can do
 * without. A target is reached at or above it when ${more}, else at or below it.
 */
struct ratio {
    const char *name;
    const char *op;
    enum value value;
    uint32_t submitters; /* 0: any */
    const char *unit;    /* NULL: the value itself */
    enum value unit_value;
    double target; /* 0: none */
    bool more;
};

static const struct ratio ratios[] = {
    {"a node's hash / SHA-256 of 65 bytes", "node-hash", P50_US, 0, "sha256-65", P50_US, 1.3,
     false},
    {"appends a second, 256 at a time", "append", PER_S, 256, NULL, PER_S, 25000, true},
    {"the same / rows a second, 256 in a transaction", "append", PER_S, 256, "rows-256", PER_S, 0,
     true},
    {"one append alone / sync", "append", P50_US, 1, "sync", P50_US, 0, false},
    {"median of an append, us, 256 at a time", "append", P50_US, 256, NULL, P50_US, 20000, false},
    {"appends a second through HTTP, 256 at a time", "append-http", PER_S, 256, NULL, PER_S, 5000,
     true},
    {"a proof from the database, us", "proof-db", P50_US, 0, NULL, P50_US, 100, false},
    {"a proof from files, us", "proof-files", P50_US, 0, NULL, P50_US, 100, false},
    {"checking a proof file, us", "proof-check", P50_US, 0, NULL, P50_US, 1000, false},
    {"checking a proof file / signature checked", "proof-check", P50_US, 0, "verify", P50_US, 0,
     false},
    {"start, us", "start", P50_US, 0, NULL, P50_US, 100000, false},
    {"memory after the start, KiB", "start", KIB, 0, NULL, KIB, 40 * 1024, false},
    {"bytes on disk for an entry", "disk", BYTES_EACH, 0, NULL, PER_S, 160, false},
};

static const struct register_row *
find(const struct register_results *r, const char *op, bool primitive)
{
    for (size_t i = 0; i < r->n; i++) {
        if (strcmp(r->v[i].op, op) == 0 && (r->v[i].entries == 0) == primitive)
            return &r->v[i];
    }
    return NULL;
}

/* The ratio ${q} for the row ${x}; false when it is not about that row. */
static bool
ratio_of(const struct register_results *r, const struct register_row *x, const struct ratio *q,
         double *out)
{
    const struct register_row *unit = q->unit == NULL ? NULL : find(r, q->unit, true);
    double by = unit == NULL ? 1 : value_of(unit, q->unit_value);

    if (strcmp(x->op, q->op) != 0 || (q->submitters != 0 && x->submitters != q->submitters) ||
        (q->unit != NULL && unit == NULL) || by <= 0)
        return false;
    *out = value_of(x, q->value) / by;
    return *out > 0;
}

/* ---- table ---- */

void
register_print_table(const struct register_results *r)
{
    printf("%-12s %10s %10s %9s %11s %11s %11s %13s %9s\n", "", "entries", "submitters", "samples",
           "a second", "median us", "p99 us", "bytes", "KiB");
    for (size_t i = 0; i < r->n; i++) {
        const struct register_row *x = &r->v[i];

        printf("%-12s %10llu %10u %9zu %11.0f %11.1f %11.1f %13llu %9llu\n", x->op,
               (unsigned long long)x->entries, x->submitters, x->samples, x->per_s, x->p50_us,
               x->p99_us, (unsigned long long)x->bytes, (unsigned long long)x->kib);
    }
    printf("\n%-48s %10s %11s %9s\n", "", "entries", "", "target");
    for (size_t k = 0; k < sizeof ratios / sizeof ratios[0]; k++) {
        for (size_t i = 0; i < r->n; i++) {
            const struct ratio *q = &ratios[k];
            double v = 0;

            if (!ratio_of(r, &r->v[i], q, &v))
                continue;
            printf("%-48s %10llu %11.2f ", q->name, (unsigned long long)r->v[i].entries, v);
            if (q->target > 0)
                printf("%9.1f%s\n", q->target,
                       (q->more ? v >= q->target : v <= q->target) ? "" : "  missed");
            else
                printf("%9s\n", "-");
        }
    }
}

/* ---- JSON: all names are our own, so nothing needs escaping ---- */

void
register_print_json(const struct register_results *r)
{
    const char *comma = "";

    printf("{\"format\": 1,\n \"results\": [");
    for (size_t i = 0; i < r->n; i++) {
        const struct register_row *x = &r->v[i];

        printf("%s\n  {\"op\": \"%s\", \"primitive\": %s, \"entries\": %llu, \"submitters\": %u, "
               "\"samples\": %zu, \"per_s\": %.1f, \"p50_us\": %.3f, \"p99_us\": %.3f, "
               "\"bytes\": %llu, \"kib\": %llu}",
               i == 0 ? "" : ",", x->op, x->entries == 0 ? "true" : "false",
               (unsigned long long)x->entries, x->submitters, x->samples, x->per_s, x->p50_us,
               x->p99_us, (unsigned long long)x->bytes, (unsigned long long)x->kib);
    }
    printf("\n ],\n \"ratios\": [");
    for (size_t k = 0; k < sizeof ratios / sizeof ratios[0]; k++) {
        for (size_t i = 0; i < r->n; i++) {
            double v = 0;

            if (!ratio_of(r, &r->v[i], &ratios[k], &v))
                continue;
            printf("%s\n  {\"name\": \"%s\", \"entries\": %llu, \"value\": %.4f, \"target\": %.4f}",
                   comma, ratios[k].name, (unsigned long long)r->v[i].entries, v, ratios[k].target);
            comma = ",";
        }
    }
    printf("\n ]\n}\n");
}
