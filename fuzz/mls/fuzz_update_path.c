/* fuzz/mls/fuzz_update_path.c - UpdatePath, merged into a tree and opened by a member of it. */
#include "crypto/hpke.h"
#include "mls/treekem.h"

#include "fuzz_mls.h"

/* The sender's own leaf is the whole tree; whatever else the path holds must be refused. */
static void
merge(const struct dt_suite *suite, const struct mls_update_path *up)
{
    DT_CLEANUP(mls_tree_clear) struct mls_tree t;
    DT_CLEANUP(mls_tree_priv_clear) struct mls_tree_priv p = {.leaf_index = 1};
    DT_CLEANUP(dt_secret_clear) struct dt_secret commit_secret = {0};
    struct mls_leaf_rules rules = {.suite = suite};
    uint8_t pub[DT_HPKE_PUB_MAX];
    uint32_t index;

    mls_tree_init(&t, suite);
    if (mls_tree_add(&t, up->leaf, &index) != DT_OK ||
        mls_tree_add(&t, up->leaf, &index) != DT_OK ||
        dt_hpke_new_key_pair(suite, &p.leaf_priv, pub) != DT_OK)
        abort();
    dt_ignore(mls_path_merge(&t, 0, up, dt_view_str("group"), &rules, true), "any verdict will do");
    if (mls_path_open(&t, 0, up, dt_view_str("context"), NULL, 0, &p, &commit_secret) == DT_OK)
        abort(); /* nobody has sealed anything to our key */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(mls_update_path_unref_p) struct mls_update_path *up = NULL;
    struct dt_reader r = dt_reader_init(dt_view(data, size));

    if (mls_update_path_read(&r, &up) != DT_OK || dt_read_end(&r) != DT_OK)
        return 0;
    fuzz_same(dt_buf_view(&up->raw), data, size);
    merge(fuzz_suite(), up);
    fuzz_accepted();
    return 0;
}
