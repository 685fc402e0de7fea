/*
 * relay/store/restore.c - copies of a store, and going on from one. See operate.h.
 *
 * A copy is older than what was signed after it was made. Who signed on from it could sign a second
 * tree of a size that is out in the world already: a split view, which every member and witness
 * would hold against the register for ever. So a store that was put back signs nothing until
 * somebody says how large the register was seen, and what it lacks is there again.
 */
#include "relay/store/internal.h"
#include "relay/store/operate.h"

enum dt_err
dt_relay_store_backup(struct dt_relay_store *s, const char *path)
{
    return dt_db_copy(s->r, path);
}

enum dt_err
dt_relay_store_mark_restored(struct dt_relay_store *s)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_tx_begin(s->w, &tx)) != DT_OK ||
        (err = dt_db_prepare(s->w,
                             "INSERT INTO restored(register, at_ms) SELECT id, CAST(?1 AS BIGINT)"
                             " FROM register WHERE NOT EXISTS (SELECT 1 FROM restored z"
                             " WHERE z.register = register.id)",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, dt_clock_now(&s->clock));
    if ((err = dt_stmt_run(st)) != DT_OK)
        return err;
    return dt_tx_commit(&tx);
}

enum dt_err
store_is_restored(struct dt_db *db, int64_t reg, bool *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(db, "SELECT 1 FROM restored WHERE register = ?1", &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    return dt_stmt_step(st, out);
}

static enum dt_err
unmark(struct dt_relay_store *s, int64_t reg)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, "DELETE FROM restored WHERE register = ?1", &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    return dt_stmt_run(st);
}

/* The store's tree had ${root} at ${size}, which it is not smaller than? */
static enum dt_err
check_prefix(struct dt_relay_store *s, int64_t reg, uint64_t size, const struct tlog_hash *root)
{
    struct store_tile_source source = {s->w, reg};
    struct tlog_tile_reader tiles = {.fn = store_tile_in, .ctx = &source, .size = size};
    struct tlog_edge *edge = NULL;
    struct tlog_hash own;
    enum dt_err err;

    if ((err = tlog_edge_new(&edge)) == DT_OK &&
        (err = tlog_edge_load(edge, tlog_tile_node, &tiles, size)) == DT_OK &&
        (err = tlog_edge_root(edge, &own)) == DT_OK && !tlog_hash_equal(&own, root))
        err = dt_fail(DT_ERR_CONFLICT,
                      "the checkpoint of size %llu is of another history than the store",
                      (unsigned long long)size);
    tlog_tile_reader_clear(&tiles);
    tlog_edge_free(edge);
    return err;
}

/* The first entries of ${entries} are the store's: the same tree at the store's size. */
static enum dt_err
check_beginning(struct dt_view entries, const struct open_register *r)
{
    struct dt_reader in = dt_reader_init(entries);
    struct tlog_edge *edge = NULL;
    struct tlog_hash leaf, theirs, own;
    struct dt_view one;
    enum dt_err err = tlog_edge_new(&edge);

    for (uint64_t i = 0; err == DT_OK && i < r->size; i++) {
        if ((err = dt_read_view(&in, DT_REGISTER_ENTRY, &one)) == DT_OK &&
            (err = tlog_leaf_hash(one, &leaf)) == DT_OK)
            err = tlog_edge_append(edge, &leaf, NULL, NULL);
    }
    if (err == DT_OK && (err = tlog_edge_root(edge, &theirs)) == DT_OK &&
        (err = tlog_edge_root(r->edge, &own)) == DT_OK && !tlog_hash_equal(&theirs, &own))
        err = dt_fail(DT_ERR_CONFLICT, "the entries given do not begin with those of the store");
    tlog_edge_free(edge);
    return err;
}

/* Inside a transaction: append what the store lacks of ${size}, and sign that. */
static enum dt_err
catch_up(struct dt_relay_store *s, int64_t reg, uint64_t size, const struct tlog_hash *root,
         struct dt_view entries)
{
    struct open_register *r = NULL;
    struct tlog_hash got;
    enum dt_err err;

    if (entries.n / DT_REGISTER_ENTRY < size)
        return dt_fail(DT_ERR_RANGE,
                       "the register was seen with %llu entries: give them all with --entries",
                       (unsigned long long)size);
    if (root == NULL)
        return dt_fail(DT_ERR_USAGE, "entries are added to a register by its checkpoint alone:"
                                     " give it with --checkpoint");
    if ((err = store_register_open(s, reg, &r)) != DT_OK ||
        (err = check_beginning(entries, r)) != DT_OK)
        return err;
    for (uint64_t i = r->size; i < size; i++) {
        struct dt_view one = dt_view(entries.p + i * DT_REGISTER_ENTRY, DT_REGISTER_ENTRY);

        if ((err = store_entry_put(s, r, one)) != DT_OK)
            return err;
    }
    if ((err = tlog_edge_root(r->edge, &got)) != DT_OK)
        return err;
    if (!tlog_hash_equal(&got, root))
        return dt_fail(DT_ERR_CONFLICT, "the entries given are not those of the checkpoint");
    return store_register_seal(s);
}

enum dt_err
dt_relay_store_resume(struct dt_relay_store *s, int64_t reg, uint64_t known_size,
                      const struct tlog_hash *known_root, struct dt_view entries,
                      uint64_t *out_size)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    struct open_register *r = NULL;
    uint64_t size = 0;
    bool restored = false;
    enum dt_err err;

    if ((err = dt_tx_begin(s->w, &tx)) != DT_OK ||
        (err = store_is_restored(s->w, reg, &restored)) != DT_OK)
        return err;
    if (!restored)
        return dt_fail(DT_ERR_STATE, "the register is signed: nothing is to be resumed");
    if ((err = store_register_open(s, reg, &r)) != DT_OK)
        return err;
    size = r->size;
    if (known_size > size) {
        err = catch_up(s, reg, known_size, known_root, entries);
        size = known_size;
    } else if (known_root != NULL) {
        err = check_prefix(s, reg, known_size, known_root);
    }
    /* Who signs from now on was shown nothing that this contradicts, and holds the relay to it. */
    if (err == DT_OK && s->signer != NULL && (err = store_register_open(s, reg, &r)) == DT_OK)
        err = store_register_confirm_one(s, r);
    if (err == DT_OK && (err = unmark(s, reg)) == DT_OK && (err = dt_tx_commit(&tx)) == DT_OK)
        *out_size = size;
    store_register_drop_all(s); /* what a later look needs is read from the disk */
    return err;
}
