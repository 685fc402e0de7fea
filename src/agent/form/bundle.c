/*
 * agent/form/bundle.c - see bundle.h.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/form/bundle.h"

#define MAC_LEN 16u

/* What an item has: the whole cell; an append id of its own; content behind an MLS head. */
#define ITEM_WHOLE 1u
#define ITEM_ID    2u
#define ITEM_HEAD  4u
#define ITEM_ALL   (ITEM_WHOLE | ITEM_ID | ITEM_HEAD)

/* RFC 9420 section 6: version, wire format mls_private_message, group_id<V>, epoch, content type
 * application, authenticated_data<V>. */
#define HEAD_LEN (2u + 2u + 33u + 8u + 1u + 1u)

void
dt_bundle_clear(struct dt_bundle *b)
{
    if (b == NULL)
        return;
    dt_free(b->cells);
    dt_buf_clear(&b->bytes);
    *b = (struct dt_bundle){0};
}

void
dt_bundle_append_id(struct dt_view cell, uint8_t out[static 16])
{
    memset(out, 0, 16);
    memcpy(out, cell.p, cell.n < 16 ? cell.n : 16);
}

/* ---- keys ---- */

static enum dt_err
key_of(const struct dt_queue_keys *queue, uint8_t out[static 32])
{
    const struct dt_view parts[] = {dt_view_str("detente 1 bundle"), dt_view_of(queue->address)};

    return dt_hmac(DT_HASH_SHA256, dt_queue_cell_key(queue), parts, 2, out);
}

enum dt_err
dt_bundle_tag_of(const struct dt_queue_keys *queue, uint8_t tag[static DT_BUNDLE_TAG])
{
    const struct dt_view part = dt_view_str("tag");
    uint8_t key[32], mac[32];
    enum dt_err err;

    if ((err = key_of(queue, key)) == DT_OK &&
        (err = dt_hmac(DT_HASH_SHA256, dt_view_of(key), &part, 1, mac)) == DT_OK)
        memcpy(tag, mac, DT_BUNDLE_TAG);
    dt_wipe(key, sizeof key);
    return err;
}

/* Over the head and the hash of each whole cell and its append id. */
static enum dt_err
mac_of(const struct dt_bundle_side *side, struct dt_view head, const struct dt_bundle_cell *cells,
       size_t n, uint8_t out[static MAC_LEN])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf hashes = DT_BUF_INIT(48u * DT_BUNDLE_CELLS_MAX);
    struct dt_view parts[3];
    uint8_t key[32], mac[32];
    enum dt_err err;

    for (size_t i = 0; i < n; i++) {
        uint8_t hash[32];

        if ((err = dt_sha256(cells[i].cell, hash)) != DT_OK ||
            (err = dt_buf_append(&hashes, dt_view_of(hash))) != DT_OK ||
            (err = dt_buf_append(&hashes, dt_view_of(cells[i].append_id))) != DT_OK)
            return err;
    }
    parts[0] = dt_view_str("mac");
    parts[1] = head;
    parts[2] = dt_buf_view(&hashes);
    if ((err = key_of(side->queue, key)) == DT_OK &&
        (err = dt_hmac(DT_HASH_SHA256, dt_view_of(key), parts, 3, mac)) == DT_OK)
        memcpy(out, mac, MAC_LEN);
    dt_wipe(key, sizeof key);
    return err;
}

/* ---- the MLS head ---- */

static enum dt_err
head_of(const uint8_t *group_id, uint64_t epoch, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u16(&w, 1);
    dt_write_u16(&w, 2);
    dt_write_vec(&w, dt_view(group_id, 32));
    dt_write_u64(&w, epoch);
    dt_write_u8(&w, 1);
    dt_write_u8(&w, 0);
    return dt_writer_end(&w);
}

/* Does ${content} begin with the head of a message of the group, in an epoch that its lowest byte
 * names to the other side? */
static enum dt_err
has_head(const struct dt_bundle_side *side, struct dt_view content, bool *out, uint8_t *out_low)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf head = DT_BUF_INIT(HEAD_LEN);
    uint64_t epoch = 0;
    enum dt_err err;

    *out = false;
    if (content.n < HEAD_LEN)
        return DT_OK;
    for (size_t i = 0; i < 8; i++)
        epoch = epoch << 8 | content.p[37 + i];
    if (epoch > side->epoch || side->epoch - epoch >= 64)
        return DT_OK;
    if ((err = head_of(side->group_id, epoch, &head)) != DT_OK)
        return err;
    *out = dt_view_equal(dt_buf_view(&head), dt_view(content.p, HEAD_LEN));
    *out_low = (uint8_t)epoch;
    return DT_OK;
}

/* The epoch nearest to ours with this lowest byte. */
static uint64_t
epoch_of(uint64_t ours, uint8_t low)
{
    uint64_t epoch = (ours & ~(uint64_t)0xff) | low;

    if (epoch > ours && epoch - ours > 128 && epoch >= 256)
        epoch -= 256;
    else if (epoch < ours && ours - epoch > 128)
        epoch += 256;
    return epoch;
}

/* ---- cells without what can be computed ---- */

static enum dt_err
associated(const struct dt_queue_keys *k, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_str(&w, "detente 1 cell");
    dt_write_view(&w, dt_view_of(k->address));
    return dt_writer_end(&w);
}

/* The whole cell of ${content} under ${nonce}, appended to ${out}. */
static enum dt_err
seal_again(const struct dt_queue_keys *k, const uint8_t nonce[static DT_CELL_NAME],
           struct dt_view content, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(64);
    enum dt_err err;

    if ((err = dt_cell_pad(content, DT_XCHACHA_NONCE + DT_XCHACHA_TAG, &plain)) != DT_OK ||
        (err = associated(k, &aad)) != DT_OK)
        return err;
    return dt_box_seal_with(dt_queue_cell_key(k), nonce, dt_buf_view(&aad), dt_buf_view(&plain),
                            out);
}

/* The first ${n} bytes of the key stream of a cell under ${nonce}: what sealing zeros gives. */
static enum dt_err
stream_of(const struct dt_queue_keys *k, const uint8_t nonce[static DT_CELL_NAME], size_t n,
          struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf zeros = DT_BUF_INIT(DT_CELL_MAX);
    enum dt_err err;

    if ((err = dt_buf_reserve(&zeros, n)) != DT_OK)
        return err;
    memset(zeros.p, 0, n);
    zeros.n = n;
    return dt_box_seal_with(dt_queue_cell_key(k), nonce, dt_view(NULL, 0), dt_buf_view(&zeros),
                            out);
}

static size_t
header_len(size_t n)
{
    return n < 0x40 ? 1 : n < 0x4000 ? 2 : 4;
}

/* ---- encoding ---- */

static void
write_begin(struct dt_writer *w, const struct dt_bundle_cell *c, uint8_t flags)
{
    dt_write_u8(w, flags);
    if ((flags & ITEM_ID) != 0)
        dt_write_view(w, dt_view_of(c->append_id));
}

/* An item without padding, if the cell comes out of it as it was: *${out_done}. */
static enum dt_err
write_unpadded(struct dt_writer *w, const struct dt_bundle_side *side,
               const struct dt_bundle_cell *c, uint8_t flags, bool *out_done)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf content = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_view body;
    size_t skip;
    uint8_t low = 0;
    bool head = false;
    enum dt_err err;

    *out_done = false;
    if ((err = dt_cell_open(side->queue, c->cell, &content)) != DT_OK ||
        (err = seal_again(side->queue, c->cell.p, dt_buf_view(&content), &again)) != DT_OK)
        return err;
    if (!dt_view_equal(dt_buf_view(&again), c->cell))
        return DT_OK; /* padded more than was needed */
    if ((err = has_head(side, dt_buf_view(&content), &head, &low)) != DT_OK)
        return err;
    skip = header_len(content.n) + (head ? HEAD_LEN : 0);
    body = dt_view(c->cell.p + DT_CELL_NAME + skip, header_len(content.n) + content.n - skip);
    write_begin(w, c, (uint8_t)(flags | (head ? ITEM_HEAD : 0)));
    if (head)
        dt_write_u8(w, low);
    dt_write_view(w, dt_view(c->cell.p, DT_CELL_NAME));
    dt_write_vec(w, body);
    *out_done = true;
    return DT_OK;
}

static enum dt_err
write_item(struct dt_writer *w, const struct dt_bundle_side *side, const struct dt_bundle_cell *c,
           bool unpadded)
{
    uint8_t id[16], flags;
    bool done = false;
    enum dt_err err;

    if (c->cell.n == 0 || dt_cell_size(c->cell.n) != c->cell.n)
        return dt_fail(DT_ERR_RANGE, "a cell of %zu bytes has no legal size", c->cell.n);
    dt_bundle_append_id(c->cell, id);
    flags = memcmp(id, c->append_id, 16) == 0 ? 0 : ITEM_ID;
    if (unpadded && (err = write_unpadded(w, side, c, flags, &done)) != DT_OK &&
        err != DT_ERR_AUTH && err != DT_ERR_FORMAT)
        return err;
    if (done)
        return DT_OK;
    write_begin(w, c, (uint8_t)(flags | ITEM_WHOLE));
    dt_write_vec(w, c->cell);
    return DT_OK;
}

enum dt_err
dt_bundle_encode(const struct dt_bundle_side *side, enum dt_bundle_kind kind, bool unpadded,
                 uint64_t position, const struct dt_bundle_cell *cells, size_t n,
                 struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_BUNDLE_MAX);
    struct dt_writer w = dt_writer_init(&b);
    uint8_t tag[DT_BUNDLE_TAG], mac[MAC_LEN];
    size_t head;
    enum dt_err err;

    if (position > UINT32_MAX)
        return dt_fail(DT_ERR_RANGE, "a position past what a bundle can name");
    if (n > DT_BUNDLE_CELLS_MAX || (kind == DT_BUNDLE_ACK && n > 0))
        return dt_fail(DT_ERR_LIMIT, "more than %u cells in a bundle", DT_BUNDLE_CELLS_MAX);
    if ((err = dt_bundle_tag_of(side->queue, tag)) != DT_OK)
        return err;
    dt_write_u8(&w, (uint8_t)kind);
    dt_write_view(&w, dt_view_of(tag));
    dt_write_u32(&w, (uint32_t)position);
    head = b.n;
    for (size_t i = 0; i < n; i++)
        if ((err = write_item(&w, side, &cells[i], unpadded)) != DT_OK)
            return err;
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = mac_of(side, dt_view(b.p, head), cells, n, mac)) != DT_OK ||
        (err = dt_buf_append(&b, dt_view_of(mac))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&b));
}

/* ---- decoding ---- */

enum dt_err
dt_bundle_tag_read(struct dt_view bytes, uint8_t tag[static DT_BUNDLE_TAG])
{
    struct dt_reader r = dt_reader_init(bytes);
    uint8_t kind = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &kind)) != DT_OK)
        return dt_fail_context(err, "bundle");
    if (kind < DT_BUNDLE_CELLS || kind > DT_BUNDLE_ACK)
        return dt_fail(DT_ERR_FORMAT, "these bytes are no bundle");
    return dt_fail_context(dt_read_fixed(&r, tag, DT_BUNDLE_TAG), "bundle");
}

/* The content of an item without padding, made whole, and its cell appended to ${out}. */
static enum dt_err
read_unpadded(struct dt_reader *r, const struct dt_bundle_side *side, uint8_t flags,
              struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf content = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf stream = DT_BUF_INIT(DT_CELL_MAX + 64u);
    struct dt_view nonce, body;
    size_t skip, n;
    uint8_t low = 0;
    enum dt_err err;

    if (((flags & ITEM_HEAD) != 0 && (err = dt_read_u8(r, &low)) != DT_OK) ||
        (err = dt_read_view(r, DT_CELL_NAME, &nonce)) != DT_OK ||
        (err = dt_read_vec(r, DT_CELL_MAX - 128u, &body)) != DT_OK)
        return err;
    if ((flags & ITEM_HEAD) != 0 &&
        (err = head_of(side->group_id, epoch_of(side->epoch, low), &content)) != DT_OK)
        return err;
    n = content.n + body.n;
    skip = header_len(n) + content.n;
    if ((err = stream_of(side->queue, nonce.p, skip + body.n, &stream)) != DT_OK ||
        (err = dt_buf_reserve(&content, body.n)) != DT_OK)
        return err;
    for (size_t i = 0; i < body.n; i++)
        content.p[content.n++] = body.p[i] ^ stream.p[DT_CELL_NAME + skip + i];
    return seal_again(side->queue, nonce.p, dt_buf_view(&content), out);
}

static enum dt_err
read_item(struct dt_reader *r, const struct dt_bundle_side *side, struct dt_bundle *b)
{
    struct dt_bundle_cell *c = &b->cells[b->n];
    size_t before = b->bytes.n;
    struct dt_view cell;
    uint8_t flags = 0;
    enum dt_err err;

    if ((err = dt_read_u8(r, &flags)) != DT_OK)
        return err;
    if ((flags & ~ITEM_ALL) != 0 || (flags & (ITEM_WHOLE | ITEM_HEAD)) == (ITEM_WHOLE | ITEM_HEAD))
        return dt_fail(DT_ERR_FORMAT, "an item of a kind that is not known here");
    if ((flags & ITEM_ID) != 0 && (err = dt_read_fixed(r, c->append_id, 16)) != DT_OK)
        return err;
    if ((flags & ITEM_WHOLE) == 0) {
        if ((err = read_unpadded(r, side, flags, &b->bytes)) != DT_OK)
            return err;
    } else {
        if ((err = dt_read_vec(r, DT_CELL_MAX, &cell)) != DT_OK)
            return err;
        if (cell.n == 0 || dt_cell_size(cell.n) != cell.n)
            return dt_fail(DT_ERR_FORMAT, "a cell of %zu bytes has no legal size", cell.n);
        if ((err = dt_buf_append(&b->bytes, cell)) != DT_OK)
            return err;
    }
    c->cell = dt_view(NULL, b->bytes.n - before); /* the bytes may still move */
    if ((flags & ITEM_ID) == 0)
        dt_bundle_append_id(dt_view(b->bytes.p + before, c->cell.n), c->append_id);
    b->n++;
    return DT_OK;
}

enum dt_err
dt_bundle_decode(struct dt_view bytes, const struct dt_bundle_side *side, struct dt_bundle *out)
{
    DT_CLEANUP(dt_bundle_clear) struct dt_bundle b = {.bytes = DT_BUF_INIT(DT_BUNDLE_WHOLE_MAX)};
    struct dt_reader r;
    uint8_t tag[DT_BUNDLE_TAG], ours[DT_BUNDLE_TAG], mac[MAC_LEN], kind = 0;
    const size_t head = 1 + DT_BUNDLE_TAG + 4;
    size_t at = 0;
    enum dt_err err;

    if (bytes.n > DT_BUNDLE_MAX || bytes.n < head + MAC_LEN)
        return dt_fail(bytes.n > DT_BUNDLE_MAX ? DT_ERR_LIMIT : DT_ERR_FORMAT,
                       "a bundle of %zu bytes", bytes.n);
    r = dt_reader_init(dt_view(bytes.p, bytes.n - MAC_LEN));
    if ((err = dt_bundle_tag_read(bytes, tag)) != DT_OK ||
        (err = dt_bundle_tag_of(side->queue, ours)) != DT_OK ||
        (err = dt_read_u8(&r, &kind)) != DT_OK || (err = dt_read_fixed(&r, tag, 4)) != DT_OK ||
        (err = dt_read_u32(&r, &b.position)) != DT_OK)
        return err;
    if (!dt_ct_equal(dt_view_of(tag), dt_view_of(ours)))
        return dt_fail(DT_ERR_AUTH, "the bundle is of another queue");
    b.kind = (enum dt_bundle_kind)kind;
    b.cells = dt_alloc(DT_BUNDLE_CELLS_MAX, sizeof *b.cells);
    if (b.cells == NULL)
        return dt_nomem();
    while (r.n > 0) {
        if (b.n == DT_BUNDLE_CELLS_MAX || b.kind == DT_BUNDLE_ACK)
            return dt_fail(DT_ERR_LIMIT, "more cells in a bundle than it may have");
        if ((err = read_item(&r, side, &b)) != DT_OK)
            return dt_fail_context(err, "bundle: item %zu", b.n + 1);
    }
    for (size_t i = 0; i < b.n; at += b.cells[i++].cell.n)
        b.cells[i].cell.p = b.bytes.p + at;
    if ((err = mac_of(side, dt_view(bytes.p, head), b.cells, b.n, mac)) != DT_OK)
        return err;
    if (!dt_ct_equal(dt_view_of(mac), dt_view(bytes.p + bytes.n - MAC_LEN, MAC_LEN)))
        return dt_fail(DT_ERR_AUTH, "the bundle is damaged, or not by a member of the channel: "
                                    "ask for it again");
    dt_bundle_clear(out);
    *out = b;
    b = (struct dt_bundle){0}; /* moved */
    return DT_OK;
}
