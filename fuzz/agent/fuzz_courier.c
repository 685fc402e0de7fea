/* fuzz/agent/fuzz_courier.c - a courier key's confirmation, its ground, and the forms in which it
 * is carried; the first octet says which. */
#include <string.h>

#include "agent/form/courier.h"
#include "base/text.h"

#include "fuzz_agent.h"

static const uint8_t forum[32] = {1}, group_id[32] = {2};
static const struct dt_courier_channel ch = {forum, group_id};

static void
ground(struct dt_view v, struct dt_buf *out)
{
    struct dt_courier_ground x;
    struct dt_courier_ack ack;
    struct dt_view rest;
    size_t n = 0;

    if (dt_courier_ground_decode(v, &x) != DT_OK)
        return;
    for (rest = x.acks; dt_courier_acks_next(&rest, x.key_id, &ack) == DT_OK; n++)
        if (memcmp(ack.key_id, x.key_id, sizeof x.key_id) != 0)
            abort();
    if (rest.n != 0 || n * 80 != x.acks.n)
        abort();
    fuzz_same(dt_courier_ground_encode(&x, out), out, v.p, v.n);
}

/* Does the sealed file ask for little enough to be tried so often? What asks for too much or too
 * little is refused before it costs anything. */
static bool
cheap(struct dt_view v)
{
    static const char line[] = "detente courier key 1\n";
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_COURIER_FILE_MAX);
    struct dt_reader r;
    uint8_t salt[16];
    uint32_t mem_kib = 0, passes = 0;

    if (v.n < sizeof line ||
        dt_base64_read(&b, dt_view(v.p + sizeof line - 1, v.n - sizeof line)) != DT_OK)
        return true;
    r = dt_reader_init(dt_buf_view(&b));
    return dt_read_fixed(&r, salt, sizeof salt) != DT_OK || dt_read_u32(&r, &mem_kib) != DT_OK ||
           dt_read_u32(&r, &passes) != DT_OK || (mem_kib <= 256 && passes <= 2) ||
           mem_kib > 1u << 20;
}

/* What is read is the same when it is written and read again. */
static void
carried(struct dt_view v, struct dt_buf *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0}, again = {0};
    bool code = dt_courier_form_of(v) == DT_COURIER_CODE;

    if (dt_courier_read(v, &key) != DT_OK)
        return;
    if ((code ? dt_courier_code(dt_secret_view(&key), out)
              : dt_courier_words(dt_secret_view(&key), out)) != DT_OK ||
        dt_courier_read(dt_buf_view(out), &again) != DT_OK ||
        !dt_view_equal(dt_secret_view(&key), dt_secret_view(&again)))
        abort();
    fuzz_accepted();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf out = DT_BUF_INIT(2 * DT_WARRANT_MAX);
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    struct dt_courier_ack ack;
    struct dt_view v;

    fuzz_init();
    if (size == 0)
        return 0;
    v = dt_view(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        if (dt_courier_ack_decode(v, &ack) == DT_OK)
            fuzz_same(dt_courier_ack_encode(&ack, &out), &out, v.p, v.n);
        break;
    case 1:
        ground(v, &out);
        break;
    case 2:
        if (cheap(v) && dt_courier_open(&ch, v, dt_view_str("pass"), &key) == DT_OK)
            fuzz_accepted();
        break;
    default:
        carried(v, &out);
        break;
    }
    return 0;
}
