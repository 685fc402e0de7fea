/*
 * tests/vectors/kind_ed25519.c - the edge cases of Ed25519 verification (C2SP/CCTV).
 *
 * The file gives properties, not verdicts. By the one rule a signature holds when neither A nor R
 * is of small order, both are canonical, and the equation holds without the cofactor: that it
 * leaves no residue of small order. All cases satisfy the equation with the cofactor, and all have
 * S < L.
 */
#include <string.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

#include "vectors.h"

static bool
forbidden(const json_t *flags)
{
    static const char *const names[] = {"low_order_A", "low_order_R", "non_canonical_A",
                                        "non_canonical_R", "low_order_residue"};
    const json_t *flag;
    size_t i;

    json_array_foreach(flags, i, flag) for (size_t j = 0; j < sizeof names / sizeof names[0];
                                            j++) if (json_is_string(flag) &&
                                                     strcmp(json_string_value(flag), names[j]) ==
                                                         0) return true;
    return false;
}

void
vec_ed25519_edge(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf key = VEC_BUF;
        DT_CLEANUP(dt_buf_clear) struct dt_buf sig = VEC_BUF;
        struct dt_view msg = {NULL, 0};
        const json_t *flags;

        vec_case(run, "%zu", i);
        flags = vec_get(run, c, "flags");
        if (flags != NULL && vec_hex(run, c, "key", &key) && vec_hex(run, c, "sig", &sig) &&
            vec_str(run, c, "msg", &msg)) {
            bool want = !forbidden(flags);
            enum dt_err err = dt_ed25519_verify(dt_buf_view(&key), msg, dt_buf_view(&sig));

            (void)vec_check(run, err == DT_OK || err == DT_ERR_AUTH, "error %s", dt_err_name(err));
            (void)vec_check(run, (err == DT_OK) == want, "%s, but the rule %s it",
                            err == DT_OK ? "accepted" : "refused", want ? "accepts" : "refuses");
        }
        vec_end(run);
    }
}
