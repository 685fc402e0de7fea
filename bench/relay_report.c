/*
 * bench/relay_report.c - the results of the program `relay`: a table of medians, or JSON of all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay_bench.h"

struct bench_row *
bench_row_new(struct bench_results *r, const char *mode, const struct load_target *t,
              unsigned int round)
{
    struct bench_row *rows = realloc(r->rows, (r->n + 1) * sizeof(rows[0]));

    if (rows == NULL)
        abort();
    r->rows = rows;
    rows[r->n] = (struct bench_row){
        .mode = mode, .target = t->name, .durability = t->durability, .round = round};
    return &rows[r->n++];
}

void
bench_row_put(struct bench_row *row, const char *name, double value)
{
    if (row->n < sizeof(row->v) / sizeof(row->v[0])) {
        row->v[row->n].name = name;
        row->v[row->n++].value = value;
    }
}

static int
compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static const char *
number(double x, char *out, size_t size)
{
    (void)snprintf(out, size, x != 0 && x < 1 ? "%.3f" : x < 100 ? "%.2f" : "%.0f", x);
    return out;
}

/* "median [least-most]" of value ${k} over the rounds of the row ${at}. */
static void
print_cell(const struct bench_results *r, const struct bench_row *at, size_t k)
{
    double v[64];
    size_t n = 0;
    char a[32], b[32], c[32];

    for (size_t i = 0; i < r->n; i++)
        if (r->rows[i].mode == at->mode && strcmp(r->rows[i].target, at->target) == 0 && n < 64 &&
            k < r->rows[i].n)
            v[n++] = r->rows[i].v[k].value;
    qsort(v, n, sizeof(v[0]), compare);
    if (n == 1)
        printf(" %s |", number(v[0], a, sizeof(a)));
    else
        printf(" %s [%s-%s] |", number(v[n / 2], a, sizeof(a)), number(v[0], b, sizeof(b)),
               number(v[n - 1], c, sizeof(c)));
}

static void
print_table(const struct bench_results *r)
{
    for (size_t m = 0; m < bench_n_modes; m++) {
        bool head = false;

        for (size_t i = 0; i < r->n; i++) {
            const struct bench_row *row = &r->rows[i];
            bool first = row->mode == bench_modes[m].name;

            for (size_t j = 0; first && j < i; j++)
                first = r->rows[j].mode != row->mode || strcmp(r->rows[j].target, row->target) != 0;
            if (!first)
                continue;
            if (!head) {
                printf("\n%s: %s\n| target | an ack means |", row->mode, bench_modes[m].what);
                for (size_t k = 0; k < row->n; k++)
                    printf(" %s |", row->v[k].name);
                printf("\n|---|---|");
                for (size_t k = 0; k < row->n; k++)
                    printf("---|");
                printf("\n");
                head = true;
            }
            printf("| %s | %s |", row->target, row->durability);
            for (size_t k = 0; k < row->n; k++)
                print_cell(r, row, k);
            printf("\n");
        }
    }
}

static void
print_json(const struct bench_results *r)
{
    printf("{\"format\": 1, \"results\": [");
    for (size_t i = 0; i < r->n; i++) {
        const struct bench_row *row = &r->rows[i];

        printf("%s\n  {\"mode\": \"%s\", \"target\": \"%s\", \"durability\": \"%s\", \"round\": %u",
               i == 0 ? "" : ",", row->mode, row->target, row->durability, row->round);
        for (size_t k = 0; k < row->n; k++)
            printf(", \"%s\": %.3f", row->v[k].name, row->v[k].value);
        printf("}");
    }
    printf("\n]}\n");
}

void
bench_print(const struct bench_results *r, const struct bench_options *o)
{
    if (o->json)
        print_json(r);
    else
        print_table(r);
}
