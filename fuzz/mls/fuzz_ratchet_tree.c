/* fuzz/mls/fuzz_ratchet_tree.c - the ratchet_tree extension, every check of it, and changes to it.
 */
#include "mls/parent_hash.h"
#include "mls/tree_check.h"

#include "fuzz_mls.h"

/* The tree after taking out its first member is sound enough to be written and read again. */
static void
shrink(struct mls_tree *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_RATCHET_TREE_MAX);
    DT_CLEANUP(mls_tree_clear) struct mls_tree again;
    struct dt_writer w = dt_writer_init(&raw);
    uint32_t leaf = 0;

    mls_tree_init(&again, t->suite);
    while (leaf < t->n_leaves && mls_tree_leaf(t, leaf) == NULL)
        leaf++;
    if (leaf == t->n_leaves || mls_tree_check_unmerged(t) != DT_OK ||
        mls_parent_hash_check(t) != DT_OK)
        return;
    if (mls_tree_remove(t, leaf) != DT_OK)
        abort();
    if (t->n_leaves == 0)
        return;
    mls_tree_write(&w, t);
    if (dt_writer_end(&w) != DT_OK ||
        mls_tree_parse(dt_buf_view(&raw), t->suite, &again) != DT_OK ||
        again.n_leaves != t->n_leaves)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_RATCHET_TREE_MAX);
    DT_CLEANUP(mls_tree_clear) struct mls_tree t;
    DT_CLEANUP(mls_nodes_clear) struct mls_nodes res = {0};
    struct dt_writer w = dt_writer_init(&raw);
    struct mls_leaf_rules rules = {.suite = fuzz_suite()};
    struct mls_path_shape shape;
    uint8_t hash[MLS_HASH_MAX];

    mls_tree_init(&t, rules.suite);
    if (mls_tree_parse(dt_view(data, size), rules.suite, &t) != DT_OK)
        return 0;
    mls_tree_write(&w, &t);
    if (dt_writer_end(&w) != DT_OK)
        abort();
    fuzz_same(dt_buf_view(&raw), data, size);
    if (mls_tree_hash(&t, hash) != DT_OK ||
        mls_tree_resolution(&t, mls_node_root(t.n_leaves), &res) != DT_OK)
        abort();
    mls_tree_filtered_path(&t, 0, &shape);
    mls_tree_filtered_path(&t, t.n_leaves - 1, &shape);
    dt_ignore(mls_parent_hash_check(&t), "any verdict will do");
    dt_ignore(mls_tree_check(&t, dt_view_str("the group's id!"), &rules,
                             dt_view(hash, rules.suite->hash_len)),
              "any verdict will do");
    shrink(&t);
    fuzz_accepted();
    return 0;
}
