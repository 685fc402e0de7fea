/*
 * tests/mls/tree_util.h - members with real keys and a tree of them, for the tests of the tree
 * half.
 *
 * Everything asserts: a helper that fails ends the test.
 */
#ifndef DT_TESTS_MLS_TREE_UTIL_H
#define DT_TESTS_MLS_TREE_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mls/key_package.h"
#include "mls/parent_hash.h"
#include "mls/treekem.h"

#define N_MAX 64

#define assert_ok(expr) assert_int_equal((expr), DT_OK)

struct member {
    struct dt_secret sig_priv;
    uint8_t sig_pub[DT_ED25519_PUB];
    char name[24];
    struct mls_key_package_bundle kp;
    struct mls_tree_priv priv;
    bool in;
    bool fresh; /* added by the Commit that is being made */
};

/* A group without messages: one public tree, and each member's private keys, by leaf index. */
struct world {
    const struct dt_suite *suite;
    struct mls_tree tree;
    struct member m[N_MAX];
    uint64_t epoch;
};

extern const struct dt_view GROUP_ID;

/* Plain capabilities: mls10, suites 1 and 3, basic and x509, no extension or proposal types. */
struct mls_capabilities caps_plain(void);
/* A raw list of one uint16; static storage, several at a time. */
struct dt_view u16_list(uint16_t a, uint16_t b, size_t n);

/* Rules that ask for nothing beyond RFC 9420. */
struct mls_leaf_rules rules_plain(const struct dt_suite *suite);

/* The fields of member ${m}'s leaf, without keys for encryption. */
struct mls_leaf_fields member_fields(const struct member *m);
void member_new(struct member *m, const struct dt_suite *suite, unsigned id);
void member_clear(struct member *m);

void world_init(struct world *w, uint16_t suite, unsigned n);
void world_clear(struct world *w);
/* Adds a new member to the tree, to be committed; its leaf index. */
uint32_t world_add(struct world *w);
void world_remove(struct world *w, uint32_t leaf);
/* The GroupContext stand-in of the world: epoch and tree hash. */
void world_context(struct world *w, struct mls_tree *t, struct dt_buf *out);
/* A full path by ${sender} on the tree as it is: made, merged by the others on a copy, opened by
 * every old member and implanted by every new one; all end with the same commit secret and tree. */
void world_commit(struct world *w, uint32_t sender);
/* mls_tree_check() of a re-read of ${t}'s encoding with its own tree hash. */
enum dt_err check_tree(struct mls_tree *t);
void tree_bytes(const struct mls_tree *t, struct dt_buf *out);

/* A reader over the whole of ${b}. */
static inline struct dt_reader
reader_of(const struct dt_buf *b)
{
    return dt_reader_init(dt_buf_view(b));
}

#endif
