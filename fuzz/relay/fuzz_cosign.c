/*
 * fuzz/relay/fuzz_cosign.c - the body of POST cosign, read against the policy of cosign_fixture.h.
 */
#include "cosign_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
inside(struct dt_view line, const uint8_t *data, size_t size)
{
    return line.n > 0 && line.p >= data && line.n <= size &&
           line.p - data <= (ptrdiff_t)(size - line.n) && line.p[line.n - 1] == '\n';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tlog_policy policy;
    static bool started;
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct dt_relay_store_job job;
    struct tlog_checkpoint cp;

    if (!started) {
        must(dt_crypto_init() == DT_OK);
        cosign_policy(&policy);
        started = true;
    }
    memset(&job, 0, sizeof job);
    if (relay_cosign_read(&policy, dt_view(data, size), &job) != DT_OK)
        return 0;
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fputs("accepted\n", stderr);

    /* What the store then writes: this register, this tree, and only lines by witnesses. */
    must(tlog_note_parse(dt_view(data, size), &note) == DT_OK &&
         tlog_checkpoint_parse(note.text, &cp) == DT_OK && strcmp(cp.origin, COSIGN_ORIGIN) == 0 &&
         cp.size == job.u.cosign.size && tlog_hash_equal(&cp.root, &job.u.cosign.root));
    must(job.u.cosign.n_sigs > 0 && job.u.cosign.n_sigs <= DT_GRANT_WITNESS_MAX);
    for (size_t i = 0; i < job.u.cosign.n_sigs; i++) {
        const struct dt_relay_store_cosignature *c = &job.u.cosign.sigs[i];
        size_t w = 0;

        while (w < policy.n_nodes &&
               (policy.nodes[w].is_group || policy.nodes[w].key.id != c->key_id))
            w++;
        must(w < policy.n_nodes && c->side < 3 && inside(c->line, data, size) &&
             c->time_s <= TLOG_TIME_MAX);
    }
    return 0;
}
