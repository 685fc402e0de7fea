/* fuzz/agent/fuzz_sealed_proof.c - a proof sealed to a person whose key is known; and the input as
 * a proof that is sealed to them. */
#include "agent/form/sealed_proof.h"

#include "fuzz_agent.h"
#include "samples.h"

/* Every 16th time, since it costs two more operations on the curve: sealed, it opens to itself, and
 * to nobody in another forum. */
static void
seal_and_open(struct dt_view priv, const uint8_t forum[static 32], struct dt_view proof)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_SEALED_PROOF_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf back = DT_BUF_INIT(DT_SEALED_PROOF_MAX);
    uint8_t pub[DT_X25519], other[32];
    static unsigned int turn;

    sample_bytes(other, sizeof other, 2);
    if (turn++ % 16 != 0 || dt_x25519_pub(priv, pub) != DT_OK ||
        dt_sealed_proof_seal(forum, other, pub, proof, &file) != DT_OK)
        return;
    if (!dt_sealed_proof_is(dt_buf_view(&file)) ||
        dt_sealed_proof_open(forum, priv, dt_buf_view(&file), &back) != DT_OK ||
        !dt_view_equal(dt_buf_view(&back), proof) ||
        dt_sealed_proof_open(other, priv, dt_buf_view(&file), &back) != DT_ERR_AUTH ||
        back.n != proof.n)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_SEALED_PROOF_MAX);
    struct dt_view priv = sample_seed(0x42);
    uint8_t forum[32];

    fuzz_init();
    sample_bytes(forum, sizeof forum, 1);
    if (dt_sealed_proof_open(forum, priv, dt_view(data, size), &out) == DT_OK) {
        if (!dt_sealed_proof_is(dt_view(data, size)))
            abort();
        fuzz_accepted();
    } else if (out.n != 0) {
        abort();
    }
    seal_and_open(priv, forum, dt_view(data, size));
    return 0;
}
