/* fuzz/mls/fuzz_leaf_node.c - LeafNode, and the rules that one leaf is asked. */
#include "mls/leaf_node.h"

#include "fuzz_mls.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(mls_leaf_node_unref_p) struct mls_leaf_node *leaf = NULL;
    struct mls_leaf_rules rules = {.suite = fuzz_suite(), .lifetime = {true, 1500, 0, 0}};
    struct dt_reader r = dt_reader_init(dt_view(data, size));

    if (mls_leaf_node_read(&r, &leaf) != DT_OK || dt_read_end(&r) != DT_OK)
        return 0;
    fuzz_same(dt_buf_view(&leaf->raw), data, size);
    rules.group_extensions = &leaf->extensions;
    dt_ignore(mls_leaf_node_check(leaf, 0, &rules), "any verdict will do");
    dt_ignore(mls_leaf_node_verify(rules.suite, leaf, dt_view_str("group"), 0),
              "any verdict will do");
    fuzz_accepted();
    return 0;
}
