/*
 * tests/vectors/main.c - the program `vectors KIND PATH...`: runs test vector files and counts.
 *
 * Prints per file what ran and what was skipped and why; the last line is always
 * "N passed, N failed, N skipped". Exit 0 when something ran and nothing failed, 1 otherwise, 2 for
 * a wrong command line.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "crypto/crypto.h"

#include "vectors.h"
#include "vectors_run.h"

#define DEPTH_MAX 8

static const struct vector_file no_files[] = {{.name = NULL}};

static const struct vector_kind kinds[] = {
    {"mls", vector_files_mls, NULL},
    {"hpke", vector_files_hpke, NULL},
    {"tlog", vector_files_tlog, NULL},
    {"oprf", no_files, "no oblivious PRF is implemented yet"},
};

static const struct vector_file *
find_file(const struct vector_kind *kind, const char *name, bool is_dir)
{
    for (const struct vector_file *f = kind->files; f->name != NULL; f++)
        if (f->is_dir == is_dir && strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

static bool
ends_with(const char *s, const char *end)
{
    size_t n = strlen(s);
    size_t m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

static void
report(struct vector_run *run, const char *path)
{
    printf("%s: %zu passed, %zu failed, %zu skipped\n", path, run->file.passed, run->file.failed,
           run->file.skipped);
    for (size_t i = 0; i < run->n_reasons; i++)
        printf("    %zu skipped: %s\n", run->reasons[i].n, run->reasons[i].text);
    (void)fflush(stdout);
}

static void
run_file(struct vector_run *run, const struct vector_file *f, const char *path)
{
    json_t *cases = NULL;

    vec_run_file_begin(run, path);
    if (!f->is_dir && (ends_with(path, ".json") || ends_with(path, ".jsonl"))) {
        vec_case(run, "parsing");
        cases = vec_file_json(run, path, NULL);
        if (cases == NULL) {
            vec_end(run);
            report(run, path);
            return;
        }
    }
    run->in_case = false;
    f->fn(run, path, cases);
    json_decref(cases);
    if (run->in_case)
        vec_end(run);
    if (run->file.passed + run->file.failed + run->file.skipped == 0) {
        vec_case(run, "whole file");
        (void)vec_fail(run, "no case in it");
        vec_end(run);
    }
    report(run, path);
}

static void
skip_unknown(struct vector_run *run, const char *path, const char *why)
{
    json_t *cases;
    size_t n;

    vec_run_file_begin(run, path);
    vec_case(run, "parsing");
    cases = vec_file_json(run, path, NULL);
    if (cases == NULL) {
        vec_end(run);
    } else {
        run->in_case = false;
        n = json_array_size(cases);
        for (size_t i = 0; i < (n > 0 ? n : 1); i++) {
            vec_case(run, "%zu", i);
            (void)vec_skip(run, "%s", why);
            vec_end(run);
        }
        json_decref(cases);
    }
    report(run, path);
}

static void
ignored(const char *path, const char *why)
{
    printf("%s: ignored (%s)\n", path, why);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void walk(struct vector_run *run, const struct vector_kind *kind, const char *path,
                 unsigned int depth);

static void
walk_folder(struct vector_run *run, const struct vector_kind *kind, const char *path,
            unsigned int depth)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, NULL, by_name);

    if (n < 0) {
        vec_run_broken(run, path, strerror(errno));
        return;
    }
    for (int i = 0; i < n; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf child = VEC_BUF;

        if (names[i]->d_name[0] != '.') {
            if (dt_buf_printf(&child, "%s/%s", path, names[i]->d_name) == DT_OK)
                walk(run, kind, (const char *)child.p, depth + 1);
            else
                vec_run_broken(run, path, dt_err_message());
        }
        free(names[i]); /* scandir's own memory */
    }
    free(names);
}

static void
walk(struct vector_run *run, const struct vector_kind *kind, const char *path, unsigned int depth)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const struct vector_file *f;
    struct stat st;

    if (stat(path, &st) != 0) {
        vec_run_broken(run, path, strerror(errno));
        return;
    }
    f = find_file(kind, name, S_ISDIR(st.st_mode));
    if (f != NULL && f->fn != NULL)
        run_file(run, f, path);
    else if (f != NULL)
        ignored(path, f->why != NULL ? f->why : "nothing to run in it");
    else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
        walk_folder(run, kind, path, depth);
    else if (S_ISDIR(st.st_mode))
        vec_run_broken(run, path, "folders too deep");
    else if (kind->unknown_why != NULL && (ends_with(name, ".json") || ends_with(name, ".jsonl")))
        skip_unknown(run, path, kind->unknown_why);
    else
        ignored(path, strncmp(name, "README", 6) == 0 ? "text for people"
                                                      : "name not known to this kind");
}

static int
usage(void)
{
    (void)fprintf(stderr, "usage: vectors KIND PATH...\nkinds:");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        (void)fprintf(stderr, " %s", kinds[i].name);
    (void)fprintf(stderr, "\n");
    return 2;
}

int
main(int argc, char **argv)
{
    const struct vector_kind *kind = NULL;
    struct vector_run run = {0};

    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(argv[1], kinds[i].name) == 0)
            kind = &kinds[i];
    if (argc < 3 || kind == NULL)
        return usage();
    if (dt_crypto_init() != DT_OK) {
        (void)fprintf(stderr, "vectors: %s\n", dt_err_message());
        return 1;
    }
    for (int i = 2; i < argc; i++) {
        char *path = argv[i];

        /* A trailing slash would hide the folder's name. */
        for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
            path[n - 1] = '\0';
        walk(&run, kind, path, 0);
    }
    if (run.total.passed + run.total.failed == 0)
        printf("nothing ran\n");
    printf("%zu passed, %zu failed, %zu skipped\n", run.total.passed, run.total.failed,
           run.total.skipped);
    return run.total.failed == 0 && run.total.passed > 0 ? 0 : 1;
}
