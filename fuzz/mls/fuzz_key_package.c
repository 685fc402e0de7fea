/* fuzz/mls/fuzz_key_package.c - KeyPackage and its checks. */
#include "mls/key_package.h"

#include "fuzz_mls.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(mls_key_package_unref_p) struct mls_key_package *kp = NULL;
    struct mls_leaf_rules rules = {.suite = fuzz_suite()};

    if (mls_key_package_parse(dt_view(data, size), &kp) != DT_OK)
        return 0;
    fuzz_same(dt_buf_view(&kp->raw), data, size);
    dt_ignore(mls_key_package_check(kp, &rules), "any verdict will do");
    fuzz_accepted();
    return 0;
}
