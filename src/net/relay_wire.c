/*
 * net/relay_wire.c - see relay_wire.h. Encode and decode stand side by side.
 */
#include "base/wire.h"

#include "net/relay_wire.h"

bool
dt_cell_size_ok(size_t n)
{
    return n > 0 && n <= DT_CELL_MAX && dt_cell_size_for(n) == n;
}

size_t
dt_cell_size_for(size_t n)
{
    size_t size = DT_CELL_STEP_END;

    if (n == 0 || n > DT_CELL_MAX)
        return 0;
    if (n <= DT_CELL_STEP_END)
        return (n + DT_CELL_STEP - 1) / DT_CELL_STEP * DT_CELL_STEP;
    while (size < n)
        size *= 2;
    return size;
}

enum dt_err
dt_wire_create_encode(const struct dt_wire_create *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_view(&w, dt_view_of(x->queue_token));
    dt_write_view(&w, dt_view_of(x->read_hash));
    dt_write_view(&w, dt_view_of(x->write_hash));
    return dt_writer_end(&w);
}

enum dt_err
dt_wire_create_decode(struct dt_view v, struct dt_wire_create *out)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_wire_create x = {0};
    enum dt_err err;

    if ((err = dt_read_fixed(&r, x.queue_token, sizeof(x.queue_token))) != DT_OK ||
        (err = dt_read_fixed(&r, x.read_hash, sizeof(x.read_hash))) != DT_OK ||
        (err = dt_read_fixed(&r, x.write_hash, sizeof(x.write_hash))) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

static void
write_append(struct dt_writer *w, const struct dt_wire_append *x)
{
    dt_write_view(w, dt_view_of(x->append_id));
    dt_write_vec(w, x->cell);
}

static enum dt_err
read_append(struct dt_reader *r, struct dt_wire_append *out)
{
    enum dt_err err;

    if ((err = dt_read_fixed(r, out->append_id, sizeof(out->append_id))) != DT_OK ||
        (err = dt_read_vec(r, DT_CELL_MAX, &out->cell)) != DT_OK)
        return err;
    if (!dt_cell_size_ok(out->cell.n))
        return dt_fail(DT_ERR_FORMAT, "%zu bytes is not the size of a cell", out->cell.n);
    return DT_OK;
}

enum dt_err
dt_wire_append_encode(const struct dt_wire_append *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    write_append(&w, x);
    return dt_writer_end(&w);
}

enum dt_err
dt_wire_append_decode(struct dt_view v, struct dt_wire_append *out)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_wire_append x;
    enum dt_err err;

    if ((err = read_append(&r, &x)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

enum dt_err
dt_wire_appends_encode(const struct dt_wire_append *x, size_t n, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark = dt_write_vec_begin(&w);

    for (size_t i = 0; i < n; i++)
        write_append(&w, &x[i]);
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

enum dt_err
dt_wire_appends_decode(struct dt_view v, struct dt_wire_append out[static DT_RELAY_APPEND_MAX],
                       size_t *out_n)
{
    struct dt_reader r = dt_reader_init(v), list;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_read_sub(&r, DT_NET_BODY_MAX, &list)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    for (; list.n > 0; n++) {
        if (n == DT_RELAY_APPEND_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %u cells in one request", DT_RELAY_APPEND_MAX);
        if ((err = read_append(&list, &out[n])) != DT_OK)
            return err;
    }
    if (n == 0)
        return dt_fail(DT_ERR_FORMAT, "a request to append without cells");
    *out_n = n;
    return DT_OK;
}

enum dt_err
dt_wire_results_encode(const struct dt_wire_result *x, size_t n, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark = dt_write_vec_begin(&w);

    for (size_t i = 0; i < n; i++) {
        dt_write_u16(&w, x[i].status);
        dt_write_u64(&w, x[i].position);
    }
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

enum dt_err
dt_wire_results_decode(struct dt_view v, struct dt_wire_result out[static DT_RELAY_APPEND_MAX],
                       size_t *out_n)
{
    struct dt_reader r = dt_reader_init(v), list;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_read_sub(&r, DT_RELAY_APPEND_MAX * 10, &list)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    for (; list.n > 0; n++) {
        if (n == DT_RELAY_APPEND_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %u results in one answer", DT_RELAY_APPEND_MAX);
        if ((err = dt_read_u16(&list, &out[n].status)) != DT_OK ||
            (err = dt_read_u64(&list, &out[n].position)) != DT_OK)
            return err;
        if ((out[n].status == 200) != (out[n].position > 0) ||
            (out[n].status != 200 && (out[n].status < 400 || out[n].status > 599)))
            return dt_fail(DT_ERR_FORMAT, "the result of an append fits no status");
    }
    *out_n = n;
    return DT_OK;
}

enum dt_err
dt_wire_items_encode(uint64_t last, const struct dt_wire_item *items, size_t n_items,
                     struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark;

    dt_write_u64(&w, last);
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < n_items; i++) {
        dt_write_u64(&w, items[i].position);
        dt_write_view(&w, dt_view_of(items[i].append_id));
        dt_write_vec(&w, items[i].cell);
    }
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

enum dt_err
dt_wire_items_begin(struct dt_view v, uint64_t *out_last, struct dt_wire_items *out)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view rest;
    uint64_t last = 0;
    enum dt_err err;

    if ((err = dt_read_u64(&r, &last)) != DT_OK ||
        (err = dt_read_vec(&r, DT_NET_ANSWER_MAX, &rest)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out_last = last;
    out->rest = rest;
    out->last = last;
    out->expect = 0;
    return DT_OK;
}

enum dt_err
dt_wire_items_next(struct dt_wire_items *items, struct dt_wire_item *out, bool *out_more)
{
    struct dt_reader r = dt_reader_init(items->rest);
    struct dt_wire_item x;
    enum dt_err err;

    if (items->rest.n == 0) {
        *out_more = false;
        return DT_OK;
    }
    if ((err = dt_read_u64(&r, &x.position)) != DT_OK ||
        (err = dt_read_fixed(&r, x.append_id, sizeof(x.append_id))) != DT_OK ||
        (err = dt_read_vec(&r, DT_CELL_MAX, &x.cell)) != DT_OK)
        return err;
    if (!dt_cell_size_ok(x.cell.n))
        return dt_fail(DT_ERR_FORMAT, "%zu bytes is not the size of a cell", x.cell.n);
    if (x.position == 0 || x.position > items->last ||
        (items->expect != 0 && x.position != items->expect))
        return dt_fail(DT_ERR_FORMAT, "queue positions are not in order");
    items->expect = x.position + 1;
    items->rest = dt_view(r.p, r.n);
    *out = x;
    *out_more = true;
    return DT_OK;
}

enum dt_err
dt_wire_found_begin(struct dt_view v, struct dt_wire_founds *out)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view rest;
    enum dt_err err;

    if ((err = dt_read_vec(&r, DT_NET_ANSWER_MAX, &rest)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = (struct dt_wire_founds){.rest = rest};
    return DT_OK;
}

enum dt_err
dt_wire_found_next(struct dt_wire_founds *found, struct dt_wire_found *out, bool *out_more)
{
    struct dt_reader r = dt_reader_init(found->rest);
    struct dt_wire_found x;
    enum dt_err err;

    if (found->rest.n == 0) {
        *out_more = false;
        return DT_OK;
    }
    if (found->n == DT_RELAY_POLL_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %u queues in one answer", DT_RELAY_POLL_MAX);
    if ((err = dt_read_fixed(&r, x.address, sizeof(x.address))) != DT_OK ||
        (err = dt_read_vec(&r, DT_NET_ANSWER_MAX, &x.cells)) != DT_OK)
        return err;
    found->rest = dt_view(r.p, r.n);
    found->n++;
    *out = x;
    *out_more = true;
    return DT_OK;
}

enum dt_err
dt_wire_poll_encode(const struct dt_wire_poll *x, size_t n, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark = dt_write_vec_begin(&w);

    for (size_t i = 0; i < n; i++) {
        dt_write_view(&w, dt_view_of(x[i].address));
        dt_write_view(&w, dt_view_of(x[i].read_token));
        dt_write_u64(&w, x[i].after);
    }
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

enum dt_err
dt_wire_poll_decode(struct dt_view v, struct dt_wire_poll out[static DT_RELAY_POLL_MAX],
                    size_t *out_n)
{
    struct dt_reader r = dt_reader_init(v), list;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_read_sub(&r, DT_RELAY_POLL_MAX * (DT_RELAY_ADDRESS + DT_RELAY_TOKEN + 8),
                           &list)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    while (list.n > 0) {
        if (n == DT_RELAY_POLL_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %u queues in one poll", DT_RELAY_POLL_MAX);
        if ((err = dt_read_fixed(&list, out[n].address, sizeof(out[n].address))) != DT_OK ||
            (err = dt_read_fixed(&list, out[n].read_token, sizeof(out[n].read_token))) != DT_OK ||
            (err = dt_read_u64(&list, &out[n].after)) != DT_OK)
            return err;
        n++;
    }
    if (n == 0)
        return dt_fail(DT_ERR_FORMAT, "a poll without queues");
    *out_n = n;
    return DT_OK;
}

enum dt_err
dt_wire_news_encode(const struct dt_wire_news *x, size_t n, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark = dt_write_vec_begin(&w);

    for (size_t i = 0; i < n; i++) {
        dt_write_view(&w, dt_view_of(x[i].address));
        dt_write_u64(&w, x[i].last);
    }
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

enum dt_err
dt_wire_news_decode(struct dt_view v, struct dt_wire_news out[static DT_RELAY_POLL_MAX],
                    size_t *out_n)
{
    struct dt_reader r = dt_reader_init(v), list;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_read_sub(&r, DT_RELAY_POLL_MAX * (DT_RELAY_ADDRESS + 8), &list)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    while (list.n > 0) {
        if (n == DT_RELAY_POLL_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %u queues in one answer", DT_RELAY_POLL_MAX);
        if ((err = dt_read_fixed(&list, out[n].address, sizeof(out[n].address))) != DT_OK ||
            (err = dt_read_u64(&list, &out[n].last)) != DT_OK)
            return err;
        n++;
    }
    *out_n = n;
    return DT_OK;
}

enum dt_err
dt_wire_ack_encode(const struct dt_wire_ack *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_view(&w, dt_view_of(x->reader));
    dt_write_u64(&w, x->position);
    return dt_writer_end(&w);
}

enum dt_err
dt_wire_ack_decode(struct dt_view v, struct dt_wire_ack *out)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_wire_ack x = {0};
    enum dt_err err;

    if ((err = dt_read_fixed(&r, x.reader, sizeof(x.reader))) != DT_OK ||
        (err = dt_read_u64(&r, &x.position)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

enum dt_err
dt_wire_u64_encode(uint64_t x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u64(&w, x);
    return dt_writer_end(&w);
}

enum dt_err
dt_wire_u64_decode(struct dt_view v, uint64_t *out)
{
    struct dt_reader r = dt_reader_init(v);
    uint64_t x = 0;
    enum dt_err err;

    if ((err = dt_read_u64(&r, &x)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

enum dt_err
dt_wire_entry_encode(const uint8_t seal[static 32], struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u8(&w, 1);
    dt_write_view(&w, dt_view(seal, 32));
    return dt_writer_end(&w);
}

enum dt_err
dt_wire_entry_decode(struct dt_view v, uint8_t seal[static 32])
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view bytes = {0};
    uint8_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK)
        return err;
    if (version != 1)
        return dt_fail(DT_ERR_UNSUPPORTED, "register entry of version %u", version);
    if ((err = dt_read_view(&r, 32, &bytes)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    for (size_t i = 0; i < 32; i++)
        seal[i] = bytes.p[i];
    return DT_OK;
}
