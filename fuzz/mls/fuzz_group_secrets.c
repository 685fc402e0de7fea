/* fuzz/mls/fuzz_group_secrets.c - GroupSecrets, the decrypted part of a Welcome. */
#include "mls/group_limits.h"
#include "mls/welcome.h"

#include "fuzz_mls.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_group_secrets_clear) struct mls_group_secrets s = {0};
    struct dt_writer w = dt_writer_init(&again);
    size_t mark;

    (void)fuzz_suite();
    if (dt_buf_set(&raw, dt_view(data, size)) != DT_OK ||
        mls_group_secrets_parse(&raw, &s) != DT_OK)
        return 0;
    dt_write_vec(&w, s.joiner_secret);
    dt_write_optional(&w, s.has_path_secret);
    if (s.has_path_secret)
        dt_write_vec(&w, s.path_secret);
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < s.n_psks; i++)
        mls_psk_id_write(&w, &s.psks[i]);
    dt_write_vec_end(&w, mark);
    if (dt_writer_end(&w) != DT_OK)
        abort();
    fuzz_same(dt_buf_view(&again), data, size);
    fuzz_accepted();
    return 0;
}
