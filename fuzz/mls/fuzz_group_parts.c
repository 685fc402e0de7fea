/* fuzz/mls/fuzz_group_parts.c - a group saved in parts, { opaque id[13]; opaque body<V>; } after
 * one another, by rising id; what loads saves as the same parts. */
#include <string.h>

#include "base/wire.h"
#include "mls/saved.h"

#include "fuzz_mls.h"

#define PARTS_MAX 512u

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(mls_parts_clear) struct mls_parts again = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf same = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct dt_writer w = dt_writer_init(&same);
    struct dt_reader r = dt_reader_init(dt_view(data, size));
    static struct mls_part v[PARTS_MAX];
    struct mls_group *g = NULL;
    size_t n = 0;

    (void)fuzz_suite();
    while (r.n > 0 && n < PARTS_MAX) {
        v[n] = (struct mls_part){.gone = false};
        if (dt_read_fixed(&r, v[n].id, MLS_PART_ID) != DT_OK ||
            dt_read_vec(&r, MLS_GROUP_STATE_MAX, &v[n].body) != DT_OK)
            return 0;
        n++;
    }
    if (r.n > 0 || mls_group_load_parts(v, n, &g) != DT_OK)
        return 0;
    if (mls_group_save_parts(g, false, &again) != DT_OK || again.n != 0 || again.replace)
        abort(); /* nothing has changed since */
    if (mls_group_save_parts(g, true, &again) != DT_OK || again.n != n)
        abort();
    mls_group_free(g);
    for (size_t i = 0; i < n; i++) {
        dt_write_view(&w, dt_view(again.v[i].id, MLS_PART_ID));
        dt_write_vec(&w, again.v[i].body);
    }
    if (dt_writer_end(&w) != DT_OK)
        abort();
    for (size_t i = 1; i < n; i++)
        if (memcmp(v[i - 1].id, v[i].id, MLS_PART_ID) > 0)
            return 0; /* any order loads */
    fuzz_same(dt_buf_view(&same), data, size);
    fuzz_accepted();
    return 0;
}
