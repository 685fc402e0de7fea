/*
 * agent/register/cut.c - our copy of the register, cut back to its last good size: what an
 * amendment asks for. See store.h.
 *
 * Source: docs/protocol-agent.md "Amendments". What is kept: the entries up to there, and the first
 * attested checkpoints that hold them, for their times stand.
 */
#include <string.h>

#include "base/mem.h"

#include "agent/register/heard.h"
#include "agent/register/store.h"

#define ENTRY DT_REGISTER_ENTRY

/* Forget that the entries of ${bundle}, the first of which has index ${first}, are there, from
 * ${size} on. */
static enum dt_err
drop_seals(struct dt_agent *a, struct dt_view bundle, uint64_t first, uint64_t size)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && (i + 1) * ENTRY <= bundle.n; i++)
        if (first + i >= size)
            err = dt_store_del(a->store, "register_seal",
                               dt_view(bundle.p + i * ENTRY + 1, ENTRY - 1));
    return err;
}

static enum dt_err
cut_bundles(struct dt_agent *a, uint64_t size)
{
    uint64_t at = size / TLOG_TILE_WIDTH;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        uint64_t first;
        size_t left;

        if ((err = dt_register_bundle_next(a, at, &row)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = row.seq + 1;
        first = row.seq * TLOG_TILE_WIDTH;
        left = size > first ? (size_t)(size - first) * ENTRY : 0;
        if (left >= row.value.n)
            continue;
        if ((err = drop_seals(a, dt_buf_view(&row.value), first, size)) != DT_OK ||
            (err = dt_register_bundle_put(a, row.seq, dt_view(row.value.p, left))) != DT_OK)
            return err;
    }
}

/* The tree of what is left. */
static enum dt_err
cut_tree(struct dt_agent *a, uint64_t size)
{
    DT_CLEANUP(dt_free_p) struct tlog_hash *leaves = NULL;
    struct tlog_frontier f = {0};
    enum dt_err err = dt_register_leaves(a, size, &leaves);

    for (uint64_t i = 0; err == DT_OK && i < size; i++)
        err = tlog_frontier_append(&f, &leaves[i]);
    return err != DT_OK ? err : dt_register_tree_put(a, &f);
}

/* Notes of ${which} that go further. */
static enum dt_err
cut_notes(struct dt_agent *a, const char *which, uint64_t from)
{
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};

        if ((err = dt_store_next(a->store, "register_note", dt_view_str(which), from, &row)) !=
            DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        if ((err = dt_store_del(a->store, "register_note", dt_buf_view(&row.key))) != DT_OK)
            return err;
    }
}

static enum dt_err
del(struct dt_agent *a, const char *table, const char *key)
{
    enum dt_err err = dt_store_del(a->store, table, dt_view_str(key));

    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_register_cut(struct dt_agent *a, uint64_t size)
{
    static const char *const parents[] = {"ours", "theirs"};
    struct tlog_frontier f;
    enum dt_err err = dt_register_tree(a, &f);

    if (err != DT_OK || (f.size > size && ((err = cut_bundles(a, size)) != DT_OK ||
                                           (err = cut_tree(a, size)) != DT_OK)))
        return err;
    /* The held one is of a key that counts no more; the next sync brings another. */
    if ((err = cut_notes(a, "held", 0)) != DT_OK ||
        (err = cut_notes(a, "attested", size + 1)) != DT_OK ||
        (err = cut_notes(a, "final", size + 1)) != DT_OK ||
        /* What the lost register owed, and how far its groups were, is of no account. */
        (err = dt_store_del_parent(a->store, "register_group", dt_view(NULL, 0))) != DT_OK ||
        (err = dt_heard_forget(a)) != DT_OK || (err = del(a, "register", "seen")) != DT_OK ||
        (err = del(a, "register", "behind")) != DT_OK)
        return err;
    for (size_t i = 0; err == DT_OK && i < 2; i++)
        err = dt_store_del_parent(a->store, "register_owed", dt_view_str(parents[i]));
    return err;
}
