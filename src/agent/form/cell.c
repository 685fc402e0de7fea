/*
 * agent/form/cell.c - see cell.h.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/form/cell.h"

#define STEP         512u
#define STEPS_TO     4096u
#define MARK         (DT_CELL_NAME / 2u)
#define BOX_OVERHEAD (DT_XCHACHA_NONCE + DT_XCHACHA_TAG)

void
dt_queue_keys_clear(struct dt_queue_keys *k)
{
    if (k == NULL)
        return;
    dt_secret_clear(&k->bytes);
    memset(k->address, 0, sizeof k->address);
}

enum dt_err
dt_queue_address(struct dt_view read_token, struct dt_view write_token, uint8_t out[static 32])
{
    uint8_t hashes[64];
    enum dt_err err;

    if ((err = dt_sha256(read_token, hashes)) != DT_OK ||
        (err = dt_sha256(write_token, hashes + 32)) != DT_OK)
        return err;
    return dt_label_hash("queue", dt_view_of(hashes), out);
}

enum dt_err
dt_queue_keys_set(struct dt_queue_keys *k, struct dt_view bytes)
{
    enum dt_err err;

    if (bytes.n != DT_QUEUE_EXPORT_LEN)
        return dt_fail(DT_ERR_RANGE, "queue keys are %d bytes, not %zu", DT_QUEUE_EXPORT_LEN,
                       bytes.n);
    if ((err = dt_secret_set(&k->bytes, bytes)) != DT_OK)
        return err;
    return dt_queue_address(dt_queue_read_token(k), dt_queue_write_token(k), k->address);
}

struct dt_view
dt_queue_read_token(const struct dt_queue_keys *k)
{
    return dt_view(k->bytes.p, 32);
}

struct dt_view
dt_queue_write_token(const struct dt_queue_keys *k)
{
    return dt_view(k->bytes.p + 32, 32);
}

struct dt_view
dt_queue_cell_key(const struct dt_queue_keys *k)
{
    return dt_view(k->bytes.p + 64, 32);
}

size_t
dt_cell_size(size_t n)
{
    size_t size = 2 * STEPS_TO;

    if (n == 0 || n > DT_CELL_MAX)
        return n == 0 ? STEP : 0;
    if (n <= STEPS_TO)
        return (n + STEP - 1) / STEP * STEP;
    while (size < n)
        size *= 2;
    return size;
}

static size_t
header_len(size_t n)
{
    return n < 0x40 ? 1 : n < 0x4000 ? 2 : 4;
}

enum dt_err
dt_cell_pad(struct dt_view content, size_t overhead, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t used = header_len(content.n) + content.n;
    size_t size = content.n > DT_CELL_MAX ? 0 : dt_cell_size(used + overhead);
    enum dt_err err;

    if (size == 0)
        return dt_fail(DT_ERR_LIMIT, "%zu bytes do not fit in one cell (at most %u)", content.n,
                       DT_CELL_MAX - 64u);
    dt_write_vec(&w, content);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_buf_reserve(out, size - overhead - used)) != DT_OK)
        return err;
    memset(out->p + out->n, 0, size - overhead - used);
    out->n += size - overhead - used;
    return DT_OK;
}

enum dt_err
dt_cell_unpad(struct dt_view padded, struct dt_view *content)
{
    struct dt_reader r = dt_reader_init(padded);
    struct dt_view c;
    uint8_t any = 0;
    enum dt_err err = dt_read_vec(&r, DT_CELL_MAX, &c);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < r.n; i++)
        any |= r.p[i];
    if (any != 0)
        return dt_fail(DT_ERR_FORMAT, "the padding of a cell is not zero");
    *content = c;
    return DT_OK;
}

static enum dt_err
associated(const struct dt_queue_keys *k, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_str(&w, "detente 1 cell");
    dt_write_view(&w, dt_view_of(k->address));
    return dt_writer_end(&w);
}

/* The second half of a marked nonce whose first half is ${drawn}. */
static enum dt_err
mark_of(const struct dt_queue_keys *k, struct dt_view mark_key, const uint8_t drawn[static MARK],
        uint8_t out[static MARK])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf label = DT_BUF_INIT(64);
    struct dt_writer w = dt_writer_init(&label);
    struct dt_view parts[3];
    uint8_t mac[DT_SHA256];
    enum dt_err err;

    dt_write_str(&w, "detente 1 cell mark");
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    parts[0] = dt_buf_view(&label);
    parts[1] = dt_view_of(k->address);
    parts[2] = dt_view(drawn, MARK);
    if ((err = dt_hmac(DT_HASH_SHA256, mark_key, parts, 3, mac)) != DT_OK)
        return err;
    memcpy(out, mac, MARK);
    return DT_OK;
}

enum dt_err
dt_cell_seal(const struct dt_queue_keys *k, struct dt_view mark_key, struct dt_view content,
             struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(64);
    uint8_t nonce[DT_CELL_NAME];
    enum dt_err err;

    if ((err = dt_random(nonce, MARK)) != DT_OK ||
        (err = mark_of(k, mark_key, nonce, nonce + MARK)) != DT_OK ||
        (err = dt_cell_pad(content, BOX_OVERHEAD, &plain)) != DT_OK ||
        (err = associated(k, &aad)) != DT_OK)
        return err;
    return dt_box_seal_with(dt_queue_cell_key(k), nonce, dt_buf_view(&aad), dt_buf_view(&plain),
                            out);
}

enum dt_err
dt_cell_is_marked(const struct dt_queue_keys *k, struct dt_view mark_key, struct dt_view cell,
                  bool *out)
{
    uint8_t mark[MARK];
    enum dt_err err;

    if (cell.n < DT_CELL_NAME)
        return dt_fail(DT_ERR_FORMAT, "a cell of %zu bytes has no nonce", cell.n);
    if ((err = mark_of(k, mark_key, cell.p, mark)) != DT_OK)
        return err;
    *out = dt_ct_equal(dt_view(mark, MARK), dt_view(cell.p + MARK, MARK));
    return DT_OK;
}

enum dt_err
dt_cell_open(const struct dt_queue_keys *k, struct dt_view cell, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(64);
    struct dt_view content;
    enum dt_err err;

    if (cell.n == 0 || dt_cell_size(cell.n) != cell.n)
        return dt_fail(DT_ERR_FORMAT, "a cell of %zu bytes has no legal size", cell.n);
    if ((err = associated(k, &aad)) != DT_OK ||
        (err = dt_box_open(dt_queue_cell_key(k), dt_buf_view(&aad), cell, &plain)) != DT_OK ||
        (err = dt_cell_unpad(dt_buf_view(&plain), &content)) != DT_OK)
        return dt_fail_context(err, "cell");
    return dt_buf_append(out, content);
}

void
dt_queue_ext_clear(struct dt_queue_ext *x)
{
    if (x == NULL)
        return;
    dt_queue_keys_clear(&x->keys);
    dt_wipe(x->queue_token, sizeof x->queue_token);
}

enum dt_err
dt_queue_ext_encode(const struct dt_queue_ext *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_view(&w, dt_view_of(x->queue_token));
    dt_write_u64(&w, x->begun_ms);
    dt_write_optional(&w, !x->begins_here);
    if (!x->begins_here)
        dt_write_view(&w, dt_secret_view(&x->keys.bytes));
    return dt_writer_end(&w);
}

enum dt_err
dt_queue_ext_decode(struct dt_view bytes, struct dt_queue_ext *out)
{
    DT_CLEANUP(dt_queue_ext_clear) struct dt_queue_ext x = {0};
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_view keys;
    bool follow = false;
    enum dt_err err;

    if ((err = dt_read_fixed(&r, x.queue_token, sizeof x.queue_token)) != DT_OK ||
        (err = dt_read_u64(&r, &x.begun_ms)) != DT_OK ||
        (err = dt_read_optional(&r, &follow)) != DT_OK)
        goto done;
    x.begins_here = !follow;
    if (follow && ((err = dt_read_view(&r, DT_QUEUE_EXPORT_LEN, &keys)) != DT_OK ||
                   (err = dt_queue_keys_set(&x.keys, keys)) != DT_OK))
        goto done;
    if ((err = dt_read_end(&r)) != DT_OK)
        goto done;
    dt_queue_ext_clear(out);
    *out = x;
    x.keys.bytes = (struct dt_secret){0}; /* moved */

done:
    return dt_fail_context(err, "queue extension");
}
