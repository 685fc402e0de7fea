/*
 * tests/vectors/vectors.h - what a kind of vector file has to provide, and the helpers it gets.
 *
 * `vectors KIND PATH...` walks the paths, finds a function by each file's name, and counts cases. A
 * kind is a table of file names (kind_<name>.c); main.c knows nothing about what is in them.
 *
 *     static void
 *     tree_math(struct vector_run *run, const char *path, const json_t *cases)
 *     {
 *         size_t i;
 *         const json_t *c;
 *
 *         json_array_foreach (cases, i, c) {
 *             vec_case(run, "%zu", i);
 *             ... vec_ok(), vec_check(), vec_equal(), vec_hex() ...; the first failure counts
 *             vec_end(run);
 *         }
 *     }
 */
#ifndef DT_TESTS_VECTORS_H
#define DT_TESTS_VECTORS_H

#include <jansson.h>

#include "base/bytes.h"

#define VEC_MAX (64u << 20) /* the largest file or field */
#define VEC_BUF DT_BUF_INIT(VEC_MAX)

struct vector_run; /* the counts; main.c */

/**
 * One file name of a kind. ${fn} is called with the file's path and its cases:
 *   .json   the value when it is an array, else an array of that one value;
 *   .jsonl  an array with a value a line;
 *   others  NULL (read the file with vec_file()).
 * With ${is_dir} the name is a folder's, and ${fn} is called once for the folder (nothing below it
 * is looked at by itself). ${fn} NULL: known, but nothing to run; ${why} says why (read by other
 * files).
 */
struct vector_file {
    const char *name;
    void (*fn)(struct vector_run *run, const char *path, const json_t *cases);
    bool is_dir;
    const char *why;
};

/* A kind: its files, ended by a NULL name. ${unknown_why}: when set, .json and .jsonl files that
 * are not in the table count as skipped cases for this reason; otherwise unknown names are listed
 * only. */
struct vector_kind {
    const char *name;
    const struct vector_file *files;
    const char *unknown_why;
};

extern const struct vector_file vector_files_hpke[];
extern const struct vector_file vector_files_mls[];
extern const struct vector_file vector_files_tlog[];

/* kind_ed25519.c, an entry of tlog's table. */
void vec_ed25519_edge(struct vector_run *run, const char *path, const json_t *cases);

/* Begin a case; the text names it in messages. */
void vec_case(struct vector_run *run, const char *fmt, ...) DT_PRINTF(2, 3);

/* The case fails; the first reason is printed. False, for `return vec_fail(...)`. */
bool vec_fail(struct vector_run *run, const char *fmt, ...) DT_PRINTF(2, 3);

/* The case cannot run here, for a reason that is counted by its text. False. */
bool vec_skip(struct vector_run *run, const char *fmt, ...) DT_PRINTF(2, 3);

/* End the case: failed if vec_fail() was called, else skipped if vec_skip() was, else passed. */
void vec_end(struct vector_run *run);

/* Has the present case failed or been skipped? */
bool vec_bad(const struct vector_run *run);

/* ${cond}, failing the case with the text when false. */
bool vec_check(struct vector_run *run, bool cond, const char *fmt, ...) DT_PRINTF(3, 4);

/* ${err} == DT_OK, failing the case with the thread's message when not. */
bool vec_ok(struct vector_run *run, enum dt_err err, const char *what);

/* ${got} == ${want}, failing the case with both (shortened) in hex. */
bool vec_equal(struct vector_run *run, const char *what, struct dt_view got, struct dt_view want);

/* ---- fields of a JSON object; each fails the case and returns false when it is not as expected
 * ---- */

/* The field's member, of any type but not absent; NULL after failing. Borrowed. */
const json_t *vec_get(struct vector_run *run, const json_t *obj, const char *field);

/* A hex (or base64) string; ${out} is replaced. */
bool vec_hex(struct vector_run *run, const json_t *obj, const char *field, struct dt_buf *out);
bool vec_base64(struct vector_run *run, const json_t *obj, const char *field, struct dt_buf *out);

/* As vec_hex(), with *${present} false and ${out} empty for null or an absent field. */
bool vec_hex_opt(struct vector_run *run, const json_t *obj, const char *field, struct dt_buf *out,
                 bool *present);

/* A hex string on its own (an element of an array). */
bool vec_hex_value(struct vector_run *run, const json_t *value, const char *what,
                   struct dt_buf *out);

/* A string as it is, borrowed from the JSON (it may contain NUL). */
bool vec_str(struct vector_run *run, const json_t *obj, const char *field, struct dt_view *out);

/* A number from 0, and a boolean. */
bool vec_u64(struct vector_run *run, const json_t *obj, const char *field, uint64_t *out);
bool vec_bool(struct vector_run *run, const json_t *obj, const char *field, bool *out);

/* An array, borrowed. */
bool vec_array(struct vector_run *run, const json_t *obj, const char *field, const json_t **out);

/* ---- files beside the one that runs ---- */

/* The whole of the file ${name} in the folder of ${path} (name NULL: ${path} itself). */
bool vec_file(struct vector_run *run, const char *path, const char *name, struct dt_buf *out);

/* The cases of ${name} in the folder of ${path}, as above. Owner: caller, json_decref(). NULL:
 * failed. */
json_t *vec_file_json(struct vector_run *run, const char *path, const char *name);

#endif
