/* fuzz/cli/fuzz_rootfile.c - a root's key file or public line, as far as it is read without a
 * passphrase. */
#include "cli/rootfile.h"

#include "fuzz_cli.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(DT_ROOTFILE_MAX);
    struct dt_view text = dt_view(data, size);
    uint8_t pub[DT_ED25519_PUB];

    if (dt_crypto_init() != DT_OK)
        abort();
    if (dt_rootfile_pub(text, pub) != DT_OK)
        return 0;
    if (dt_ed25519_pub_check(dt_view_of(pub)) != DT_OK ||
        dt_buf_append(&line, dt_view_str("detente-root-1+")) != DT_OK ||
        dt_base64_write(&line, dt_view_of(pub)) != DT_OK ||
        dt_buf_append(&line, dt_view_str("\n")) != DT_OK)
        abort();
    /* A public line has one form. */
    if (data[0] == 'd' && size > 8 && data[7] == '-' && !dt_view_equal(text, dt_buf_view(&line)))
        abort();
    fuzz_accepted();
    return 0;
}
