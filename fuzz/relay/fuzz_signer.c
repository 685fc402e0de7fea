/* fuzz/relay/fuzz_signer.c - what a relay and its signer say to each other, either way, and the
 * header, a slot and a record of the file of what was signed; the first byte says which. What is
 * read is written again as it was. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/signer/record.h"
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

/* What counts stands in the slot, and nothing in it that is intact is larger. */
static bool
slot(struct dt_view in)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(SIGNER_SLOT);
    struct signer_record r, other;
    size_t place = SIGNER_PLACES;

    if (signer_slot_read(in, &r, &place) != DT_OK)
        return false;
    if (place >= SIGNER_PLACES || (place + 1) * SIGNER_RECORD > in.n ||
        signer_record_write(&r, &out) != DT_OK)
        abort();
    same(dt_view(in.p + place * SIGNER_RECORD, SIGNER_RECORD), &out);
    for (size_t at = 0; at + SIGNER_RECORD <= in.n; at += SIGNER_RECORD) {
        if (signer_record_read(dt_view(in.p + at, SIGNER_RECORD), &other) == DT_OK &&
            other.size > r.size)
            abort();
    }
    dt_buf_clear(&out);
    if (signer_slot_write(&r, &out) != DT_OK || out.n != SIGNER_SLOT ||
        signer_slot_read(dt_buf_view(&out), &other, &place) != DT_OK || place != 0 ||
        other.size != r.size)
        abort();
    return true;
}

static bool
header(struct dt_view in)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(SIGNER_HEADER);
    struct signer_record r;

    if (signer_header_read(in) != DT_OK)
        return false;
    if (signer_header_write(&out) != DT_OK || signer_record_read(in, &r) == DT_OK)
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
    switch (data[0]) {
    case 'q':
        ok = request(in);
        break;
    case 'a':
        ok = answer(in);
        break;
    case 's':
        ok = slot(in);
        break;
    case 'h':
        ok = header(in);
        break;
    default:
        ok = record(in);
    }
    if (ok && getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
    return 0;
}
