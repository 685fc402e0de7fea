/*
 * tests/vectors/kind_ed25519.c - the edge cases of Ed25519 verification (C2SP/CCTV).
 *
 * The file gives properties ("flags"), not verdicts. They are not read: which cases hold is written
 * here by number, as it is in docs/protocol-register.md, and tests/vectors/ed25519_rule.py computes
 * the same list with plain integers from the bytes alone (canonical, small order, the equation).
 */
#include <string.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

#include "vectors.h"

/* The cases that hold under the one rule: S < L, A canonical, neither A nor R of small order,
 * encode([S]B - [h]A) = R byte for byte. */
static const uint64_t holds[] = {7,   117, 139, 161, 182, 249, 305, 411, 425, 438,
                                 497, 511, 525, 538, 573, 581, 589, 625, 638, 665,
                                 673, 689, 711, 725, 738, 765, 781, 789, 832};
#define N_HOLDS (sizeof(holds) / sizeof(holds[0]))

static bool
listed(uint64_t number)
{
    for (size_t i = 0; i < N_HOLDS; i++) {
        if (holds[i] == number)
            return true;
    }
    return false;
}

/* What is no key by its own form, as A or as R, is refused whatever the equation says. */
static bool
check_forms(struct vector_run *run, struct dt_view key, struct dt_view sig, enum dt_err verdict)
{
    bool fit = dt_ed25519_pub_check(key) == DT_OK && sig.n == DT_ED25519_SIG &&
               dt_ed25519_pub_check(dt_view(sig.p, 32)) == DT_OK;

    return vec_check(run, fit || verdict != DT_OK,
                     "accepted with an A or R that is not canonical or of small order");
}

void
vec_ed25519_edge(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i, n_holds = 0, n = json_array_size(cases);

    (void)path;
    json_array_foreach(cases, i, c)
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf key = VEC_BUF;
        DT_CLEANUP(dt_buf_clear) struct dt_buf sig = VEC_BUF;
        struct dt_view msg = {NULL, 0};
        uint64_t number = 0;

        vec_case(run, "%zu", i);
        if (vec_u64(run, c, "number", &number) && vec_hex(run, c, "key", &key) &&
            vec_hex(run, c, "sig", &sig) && vec_str(run, c, "msg", &msg)) {
            enum dt_err err = dt_ed25519_verify(dt_buf_view(&key), msg, dt_buf_view(&sig));

            (void)vec_check(run, err == DT_OK || err == DT_ERR_AUTH, "error %s", dt_err_name(err));
            (void)vec_check(run, (err == DT_OK) == listed(number), "number %llu is %s",
                            (unsigned long long)number, err == DT_OK ? "accepted" : "refused");
            (void)check_forms(run, dt_buf_view(&key), dt_buf_view(&sig), err);
            n_holds += err == DT_OK;
        }
        if (i + 1 == n)
            (void)vec_check(run, n_holds == N_HOLDS, "%zu cases accepted in all, not %zu", n_holds,
                            N_HOLDS);
        vec_end(run);
    }
}
