/* fuzz/relay/fuzz_signer.c - what a relay and its signer say to each other, either way, and a
 * record of what was signed; the first byte says which. What is read is written again as it was. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/signer/memory.h"
#include "relay/signer/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same(struct dt_view in, const struct dt_buf *out)
{
    if (!dt_view_equal(in, dt_buf_view(out)))
        abort();
}

static bool
request(struct dt_view in)
{
    static struct signer_request q;
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(SIGNER_REQUEST_MAX);

    if (signer_request_read(in, &q) != DT_OK)
        return false;
    if (q.n == 0 || q.n > RELAY_SIGN_MAX || signer_request_write(q.kind, q.v, q.n, &out) != DT_OK)
        abort();
    same(in, &out);
    return true;
}

static bool
answer(struct dt_view in)
{
    static struct signer_answer a;
    static struct relay_signing v[RELAY_SIGN_MAX];
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(SIGNER_ANSWER_MAX);

    if (signer_answer_read(in, &a) != DT_OK)
        return false;
    if (a.err != DT_OK) {
        if (a.n != 0 || signer_answer_write(dt_fail(a.err, "%s", a.reason), NULL, 0, &out) != DT_OK)
            abort();
    } else {
        for (size_t i = 0; i < a.n; i++) {
            dt_buf_init(&v[i].note, RELAY_NOTE_MAX);
            if (dt_buf_append(&v[i].note, a.notes[i]) != DT_OK)
                abort();
        }
        if (signer_answer_write(DT_OK, v, a.n, &out) != DT_OK)
            abort();
        for (size_t i = 0; i < a.n; i++)
            dt_buf_clear(&v[i].note);
    }
    same(in, &out);
    return true;
}

static bool
record(struct dt_view in)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(SIGNER_RECORD);
    struct signer_record r;

    if (signer_record_read(in, &r) != DT_OK)
        return false;
    if (signer_record_write(&r, &out) != DT_OK)
        abort();
    same(in, &out);
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dt_view in;
    bool ok;

    if (size == 0)
        return 0;
    in = dt_view(data + 1, size - 1);
    ok = data[0] == 'q' ? request(in) : data[0] == 'a' ? answer(in) : record(in);
    if (ok && getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
    return 0;
}
