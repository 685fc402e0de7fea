/*
 * tests/log/fixture.h - what the tests of the log room share: keys from fixed seeds, trees,
 * checkpoints.
 */
#ifndef DT_TESTS_LOG_FIXTURE_H
#define DT_TESTS_LOG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "log/checkpoint.h"
#include "log/cosignature.h"
#include "log/tree.h"

#define ORIGIN   "log.example/register"
#define TREE_MAX 600

#define ok(expr) assert_int_equal((expr), DT_OK)

static inline struct dt_view
text(const char *s)
{
    return dt_view_str(s);
}

/* The key whose seed is 32 times ${n}. */
static inline void
make_signer(const char *name, enum tlog_key_type type, uint8_t n, struct tlog_signer *out)
{
    uint8_t seed[DT_ED25519_SEED];

    memset(seed, n, sizeof(seed));
    ok(tlog_signer_from_seed(text(name), type, dt_view_of(seed), out));
}

/* Leaf hashes of the entries "<prefix><i>". */
static inline void
make_leaves(const char *prefix, struct tlog_hash *out, uint64_t n)
{
    char entry[64];

    for (uint64_t i = 0; i < n; i++) {
        int len = snprintf(entry, sizeof(entry), "%s%llu", prefix, (unsigned long long)i);

        ok(tlog_leaf_hash(dt_view((const uint8_t *)entry, (size_t)len), &out[i]));
    }
}

/* The signed checkpoint of the first ${size} leaves. */
static inline void
make_checkpoint(const struct tlog_signer *log, const struct tlog_hash *leaves, uint64_t size,
                struct dt_buf *out)
{
    struct tlog_leaves l = {leaves, size};
    struct tlog_checkpoint cp;
    struct tlog_hash root;

    ok(tlog_root_make(tlog_leaves_node, &l, size, &root));
    ok(tlog_checkpoint_init(&cp, text(log->vkey.name), size, &root));
    out->n = 0;
    ok(tlog_checkpoint_sign(log, &cp, out));
}

/* Add ${witness}'s line to the note in ${note}. */
static inline void
add_cosignature(const struct tlog_signer *witness, uint64_t time_s, struct dt_buf *note)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note n = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(TLOG_NOTE_MAX);

    ok(tlog_note_parse(dt_buf_view(note), &n));
    ok(tlog_cosign(witness, n.text, time_s, &line));
    ok(dt_buf_append(note, dt_buf_view(&line)));
}

static inline int
crypto_setup(void **state)
{
    (void)state;
    return dt_crypto_init() == DT_OK ? 0 : -1;
}

#endif
