/*
 * tests/vectors/vectors_run.h - the counts behind struct vector_run, for main.c and run.c alone.
 */
#ifndef DT_TESTS_VECTORS_RUN_H
#define DT_TESTS_VECTORS_RUN_H

#include "vectors.h"

#define REASONS_MAX 32
#define REASON_LEN  160

struct vector_counts {
    size_t passed, failed, skipped;
};

struct vector_run {
    struct vector_counts total;
    struct vector_counts file;
    const char *path;
    bool in_case, case_failed, case_skipped;
    char label[REASON_LEN];
    char reason[REASON_LEN];
    struct {
        char text[REASON_LEN];
        size_t n;
    } reasons[REASONS_MAX]; /* why cases of this file were skipped */
    size_t n_reasons;
};

/* Start counting for the file ${path}, borrowed. */
void vec_run_file_begin(struct vector_run *run, const char *path);

/* ${path} could not be looked at: one failure. */
void vec_run_broken(struct vector_run *run, const char *path, const char *why);

#endif
