/*
 * agent/sync/ahead.c - cells that came with a long poll, until the sync that it was for reads them:
 * on a far link each way there and back counts. They are a relay's answer like any other, and no
 * less looked at. See docs/protocol-agent.md "Sync".
 */
#include <string.h>

#include "base/mem.h"

#include "agent/sync/ahead.h"

struct dt_ahead {
    struct dt_ahead *next;
    uint8_t address[DT_RELAY_ADDRESS];
    uint64_t after;
    struct dt_buf cells;
};

static const struct dt_wire_poll *
find(const struct dt_wire_poll *wanted, size_t n, const uint8_t address[static DT_RELAY_ADDRESS])
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(wanted[i].address, address, DT_RELAY_ADDRESS) == 0)
            return &wanted[i];
    return NULL;
}

static enum dt_err
keep(struct dt_agent *a, const struct dt_wire_poll *wanted, struct dt_view cells)
{
    struct dt_ahead *x = dt_alloc(1, sizeof(*x));
    enum dt_err err;

    if (x == NULL)
        return dt_nomem();
    memcpy(x->address, wanted->address, sizeof(x->address));
    x->after = wanted->after;
    dt_buf_init(&x->cells, DT_NET_ANSWER_MAX);
    if ((err = dt_buf_append(&x->cells, cells)) != DT_OK) {
        dt_free(x);
        return err;
    }
    x->next = a->ahead;
    a->ahead = x;
    return DT_OK;
}

enum dt_err
dt_ahead_keep(struct dt_agent *a, const struct dt_wire_poll *wanted, size_t n,
              struct dt_view answer, bool *out_news)
{
    struct dt_wire_founds walk;
    struct dt_wire_found found;
    bool more = false;
    enum dt_err err;

    dt_ahead_clear(a);
    *out_news = false;
    if ((err = dt_wire_found_begin(answer, &walk)) != DT_OK)
        return err;
    while ((err = dt_wire_found_next(&walk, &found, &more)) == DT_OK && more) {
        const struct dt_wire_poll *one = find(wanted, n, found.address);
        struct dt_wire_items items;
        struct dt_wire_item item;
        uint64_t last = 0;
        bool any = false;

        *out_news = true;
        if (one == NULL)
            continue; /* the relay's affair; the sync reads what it reads */
        if ((err = dt_wire_items_begin(found.cells, &last, &items)) != DT_OK ||
            (err = dt_wire_items_next(&items, &item, &any)) != DT_OK ||
            (any && (err = keep(a, one, found.cells)) != DT_OK))
            break;
    }
    if (err != DT_OK)
        dt_ahead_clear(a);
    return err;
}

bool
dt_ahead_take(struct dt_agent *a, const uint8_t address[static DT_RELAY_ADDRESS], uint64_t after,
              struct dt_buf *out)
{
    for (struct dt_ahead **at = &a->ahead; *at != NULL; at = &(*at)->next) {
        struct dt_ahead *x = *at;

        if (x->after != after || memcmp(x->address, address, DT_RELAY_ADDRESS) != 0)
            continue;
        *at = x->next;
        dt_buf_clear(out);
        *out = x->cells;
        dt_free(x);
        return true;
    }
    return false;
}

void
dt_ahead_clear(struct dt_agent *a)
{
    while (a->ahead != NULL) {
        struct dt_ahead *x = a->ahead;

        a->ahead = x->next;
        dt_buf_clear(&x->cells);
        dt_free(x);
    }
}
