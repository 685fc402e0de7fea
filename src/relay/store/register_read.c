/*
 * relay/store/register_read.c - what is read of the registers in the store, and whether what they
 * hold is what was signed.
 *
 * Source: c2sp.org/tlog-tiles, c2sp.org/tlog-checkpoint. Layer: relay.
 */
#include <string.h>

#include "base/mem.h"

#include "relay/store/internal.h"

#define LOOKS_MAX 20u

enum dt_err
dt_relay_store_register(struct dt_relay_store *s, const uint8_t id[static DT_REGISTER_ID],
                        struct dt_relay_store_register *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t row_id = 0, size = 0;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, "SELECT id, size, read_hash FROM register WHERE name = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view(id, DT_REGISTER_ID));
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    if (!row)
        return dt_fail(DT_ERR_NOT_FOUND, "no such register");
    if ((err = dt_col_u64(st, 0, INT64_MAX, &row_id)) != DT_OK ||
        (err = dt_col_u64(st, 1, TLOG_SIZE_MAX, &size)) != DT_OK ||
        (!dt_col_is_null(st, 2) &&
         (err = dt_col_fixed(st, 2, out->read_hash, sizeof(out->read_hash))) != DT_OK))
        return err;
    out->read_key = !dt_col_is_null(st, 2);
    out->id = (int64_t)row_id;
    out->size = size;
    return DT_OK;
}

enum dt_err
dt_relay_store_register_id(struct dt_relay_store *s, int64_t reg, uint8_t id[static DT_REGISTER_ID])
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, "SELECT name FROM register WHERE id = ?1", &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    return (err = dt_stmt_row(st)) != DT_OK ? err : dt_col_fixed(st, 0, id, DT_REGISTER_ID);
}

enum dt_err
dt_relay_store_append_key(struct dt_relay_store *s, int64_t reg, const uint8_t key_hash[static 32])
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, "SELECT 1 FROM append_key WHERE hash = ?1 AND register = ?2",
                             &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view(key_hash, 32));
    dt_bind_u64(st, 2, (uint64_t)reg);
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    return row ? DT_OK : dt_fail(DT_ERR_REFUSED, "not an append key of this register");
}

enum dt_err
dt_relay_store_policy(struct dt_relay_store *s, int64_t reg, struct tlog_policy *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_view text = {0};
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, "SELECT policy FROM register WHERE id = ?1", &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    if ((err = dt_stmt_row(st)) != DT_OK ||
        (err = dt_col_text(st, 0, TLOG_POLICY_MAX, &text)) != DT_OK)
        return err;
    return tlog_policy_parse(text, out);
}

static const char *
checkpoint_sql(enum dt_relay_store_which which)
{
    switch (which) {
    case DT_RELAY_STORE_HELD:
        return "SELECT c.size, c.note FROM register r JOIN checkpoint c"
               " ON c.register = r.id AND c.size = r.size WHERE r.id = ?1 AND ?2 >= 0";
    case DT_RELAY_STORE_ATTESTED:
        return "SELECT c.size, c.note FROM register r JOIN checkpoint c"
               " ON c.register = r.id AND c.size = r.attested WHERE r.id = ?1 AND ?2 >= 0";
    case DT_RELAY_STORE_FINAL:
        return "SELECT c.size, c.note FROM register r JOIN checkpoint c"
               " ON c.register = r.id AND c.size = r.final WHERE r.id = ?1 AND ?2 >= 0";
    case DT_RELAY_STORE_SIZE:
        return "SELECT size, note FROM checkpoint WHERE register = ?1 AND size = ?2";
    case DT_RELAY_STORE_BY:
        break;
    }
    return "SELECT c.size, c.note FROM checkpoint c WHERE c.register = ?1 AND c.size ="
           " (SELECT max(size) FROM cosignature WHERE register = ?1 AND key_id = ?2)";
}

enum dt_err
dt_relay_store_checkpoint(struct dt_relay_store *s, int64_t reg, enum dt_relay_store_which which,
                          uint64_t arg, struct dt_buf *out, uint64_t *out_size)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *lines = NULL;
    struct dt_view text = {0};
    uint64_t size = 0;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, checkpoint_sql(which), &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    dt_bind_u64(st, 2, arg);
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    if (!row)
        return dt_fail(DT_ERR_NOT_FOUND, "no such checkpoint");
    if ((err = dt_col_u64(st, 0, TLOG_SIZE_MAX, &size)) != DT_OK ||
        (err = dt_col_text(st, 1, DT_REGISTER_NOTE_MAX, &text)) != DT_OK ||
        (err = dt_buf_append(out, text)) != DT_OK ||
        (err = dt_db_prepare(s->r,
                             "SELECT line FROM cosignature WHERE register = ?1 AND size = ?2"
                             " ORDER BY time_s, key_id",
                             &lines)) != DT_OK)
        return err;
    dt_bind_u64(lines, 1, (uint64_t)reg);
    dt_bind_u64(lines, 2, size);
    for (;;) {
        if ((err = dt_stmt_step(lines, &row)) != DT_OK)
            return err;
        if (!row)
            break;
        if ((err = dt_col_text(lines, 0, DT_REGISTER_NOTE_MAX, &text)) != DT_OK ||
            (err = dt_buf_append(out, text)) != DT_OK)
            return err;
    }
    *out_size = size;
    return DT_OK;
}

/* The entries of a bundle; NOT_FOUND unless all ${tile}->width of them are there. */
static enum dt_err
read_bundle(struct dt_relay_store *s, int64_t reg, const struct tlog_tile *tile, struct dt_buf *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_view entry = {0};
    bool row = false;
    uint64_t n = 0;
    enum dt_err err;

    if (tile->index > TLOG_SIZE_MAX / TLOG_TILE_WIDTH - 1)
        return dt_fail(DT_ERR_NOT_FOUND, "no such bundle");
    if ((err =
             dt_db_prepare(s->r,
                           "SELECT entry FROM entry WHERE register = ?1 AND idx >= ?2 AND idx < ?3"
                           " ORDER BY idx",
                           &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    dt_bind_u64(st, 2, tile->index * TLOG_TILE_WIDTH);
    dt_bind_u64(st, 3, tile->index * TLOG_TILE_WIDTH + tile->width);
    for (;;) {
        if ((err = dt_stmt_step(st, &row)) != DT_OK)
            return err;
        if (!row)
            break;
        if ((err = dt_col_blob(st, 0, TLOG_ENTRY_MAX, &entry)) != DT_OK ||
            (err = tlog_bundle_append(out, entry)) != DT_OK)
            return err;
        n++;
    }
    return n == tile->width ? DT_OK : dt_fail(DT_ERR_NOT_FOUND, "no such bundle");
}

/* As read_bundle(); the hashes of its entries are those in the tile, which leads to what was
 * signed.
 */
static enum dt_err
true_bundle(struct dt_relay_store *s, int64_t reg, const struct tlog_tile *tile, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bundle = DT_BUF_INIT(TLOG_BUNDLE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf hashes = DT_BUF_INIT(TLOG_TILE_BYTES);
    const struct tlog_tile level0 = {.index = tile->index, .width = tile->width};
    struct store_tile_source source = {s->r, reg};
    struct dt_view entries[TLOG_TILE_WIDTH];
    struct tlog_hash leaf;
    size_t n = 0;
    enum dt_err err;

    if ((err = read_bundle(s, reg, tile, &bundle)) != DT_OK ||
        (err = store_tile_in(&source, &level0, &hashes)) != DT_OK ||
        (err = tlog_bundle_parse(dt_buf_view(&bundle), entries, &n)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        if ((err = tlog_leaf_hash(entries[i], &leaf)) != DT_OK)
            return err;
        if (memcmp(leaf.b, hashes.p + i * TLOG_HASH, TLOG_HASH) != 0)
            return dt_fail(DT_ERR_CONFLICT, "an entry in the store is not the one that was signed");
    }
    return dt_buf_append(out, dt_buf_view(&bundle));
}

enum dt_err
dt_relay_store_tile(struct dt_relay_store *s, int64_t reg, const struct tlog_tile *tile,
                    struct dt_buf *out)
{
    struct store_tile_source source = {s->r, reg};

    if (tile->entries)
        return true_bundle(s, reg, tile, out);
    if (tile->index > TLOG_SIZE_MAX)
        return dt_fail(DT_ERR_NOT_FOUND, "no such tile");
    return store_tile_in(&source, tile, out);
}

/* The checkpoint that is given out as the newest is of the tree of ${r}, and its signature holds.
 * *${out_moved}: it is of a larger one. */
static enum dt_err
check_held(struct dt_relay_store *s, const struct open_register *r, bool *out_moved)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    struct tlog_checkpoint cp = {0};
    struct tlog_hash root;
    uint64_t size = 0;
    enum dt_err err;

    if ((err = tlog_edge_root(r->edge, &root)) != DT_OK ||
        (err = dt_relay_store_policy(s, r->id, &policy)) != DT_OK)
        return err;
    err = dt_relay_store_checkpoint(s, r->id, DT_RELAY_STORE_HELD, 0, &note, &size);
    if (err == DT_ERR_NOMEM || err == DT_ERR_IO || err == DT_ERR_BUSY)
        return err;
    if (err == DT_OK && policy.n_logs == 1)
        err = tlog_checkpoint_open(dt_buf_view(&note), &policy.logs[0].key, &cp);
    if (err == DT_ERR_NOMEM)
        return err;
    *out_moved = err == DT_OK && cp.size > r->size;
    if (err != DT_OK || policy.n_logs != 1 || cp.size != r->size ||
        !tlog_hash_equal(&cp.root, &root))
        return dt_fail(DT_ERR_CONFLICT, "%s: the tree in the store is not the one that was signed",
                       r->key.name);
    return DT_OK;
}

/* What the store holds is what was signed, or more. Of one that was put back it is said by who
 * resumes it, and nothing is signed before. */
enum dt_err
store_register_confirm_one(struct dt_relay_store *s, struct open_register *r)
{
    struct relay_signing v;
    struct tlog_hash root;
    enum dt_err err = tlog_edge_root(r->edge, &root);

    if (err != DT_OK)
        return err;
    store_signing(&r->key, tlog_edge_size(r->edge), &root, &v);
    return relay_signer_confirm(s->signer, &v, 1);
}

/* Register ${id}, checked. Tree and checkpoint are two looks: where another process may have
 * appended between them, both are taken again. */
static enum dt_err
open_checked(struct dt_relay_store *s, int64_t id, struct open_register **out)
{
    enum dt_err err = DT_OK;

    for (unsigned int i = 0; i < LOOKS_MAX; i++) {
        bool moved = false;

        if ((err = store_register_open(s, id, out)) != DT_OK ||
            (err = check_held(s, *out, &moved)) == DT_OK || !moved || !dt_db_shared(s->w))
            return err;
        (*out)->compared = s->batch.number - 1; /* in none that comes */
    }
    return err;
}

enum dt_err
dt_relay_store_check(struct dt_relay_store *s, size_t *out_registers)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, "SELECT id FROM register ORDER BY id", &st)) != DT_OK)
        return err;
    for (;;) {
        struct open_register *r = NULL;
        uint64_t id = 0;
        bool row = false;

        if ((err = dt_stmt_step(st, &row)) != DT_OK)
            return err;
        if (!row)
            break;
        if ((err = dt_col_u64(st, 0, INT64_MAX, &id)) != DT_OK ||
            (err = open_checked(s, (int64_t)id, &r)) != DT_OK ||
            (s->signer != NULL && !r->restored &&
             (err = store_register_confirm_one(s, r)) != DT_OK))
            return err;
        n++;
    }
    *out_registers = n;
    return DT_OK;
}
