/*
 * bench/measure.c - see measure.h.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

static uint64_t
clock_ns(clockid_t id)
{
    struct timespec ts = {0};

    (void)clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t
bench_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* A "Vm...:" line of /proc/self/status, in KiB; 0 when there is none. */
static uint64_t
status_kib(const char *name)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/self/status", "re");

    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtoull(line + strlen(name), NULL, 10);
    (void)fclose(f);
    return kib;
}

/* "5" sets the process's peak back to what it holds now (proc(5), clear_refs). */
static void
peak_reset(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, "5", 1) != 1)
        (void)fprintf(stderr, "the peak of memory cannot be set back here\n");
    (void)close(fd);
}

void
bench_timer_reset(struct bench_timer *t)
{
    t->n = 0;
    t->reps = 0;
    t->peak_kib = 0;
    t->bytes = 0;
}

void
bench_start(struct bench_timer *t)
{
    /* The look at memory costs more than a message, so a few samples stand for all. */
    if (t->n < 3) {
        peak_reset();
        t->rss_kib = status_kib("VmRSS:");
    }
    t->wall_ns = bench_now_ns();
    t->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void
bench_stop(struct bench_timer *t)
{
    uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), wall = bench_now_ns();
    double reps = t->reps == 0 ? 1 : t->reps;

    if (t->n < 3) {
        uint64_t peak = status_kib("VmHWM:");

        if (peak > t->rss_kib && peak - t->rss_kib > t->peak_kib)
            t->peak_kib = peak - t->rss_kib;
    }
    if (t->n == BENCH_SAMPLES_MAX)
        return;
    t->cpu_us[t->n] = (double)(cpu - t->cpu_ns) / 1000 / reps;
    t->wall_us[t->n] = (double)(wall - t->wall_ns) / 1000 / reps;
    t->n++;
}

static int
compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void
bench_stats(struct bench_timer *t, struct bench_stats *out)
{
    memset(out, 0, sizeof *out);
    out->samples = t->n;
    out->bytes = t->bytes;
    out->peak_kib = t->peak_kib;
    if (t->n == 0)
        return;
    qsort(t->cpu_us, t->n, sizeof t->cpu_us[0], compare);
    qsort(t->wall_us, t->n, sizeof t->wall_us[0], compare);
    out->cpu_us = t->cpu_us[t->n / 2];
    out->p95_us = t->cpu_us[(t->n - 1) * 95 / 100];
    out->wall_us = t->wall_us[t->n / 2];
}

uint64_t
bench_resident_kib(void)
{
    return status_kib("VmRSS:");
}

size_t
bench_heap(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}
