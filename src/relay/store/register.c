/*
 * relay/store/register.c - registers in the store: tiles, checkpoints, cosignatures.
 *
 * Source: c2sp.org/tlog-tiles, c2sp.org/tlog-checkpoint. Layer: relay.
 * The last signed size and root are written in the transaction that writes the entries under them,
 * and an edge that does not give the signed root is never appended to: the register cannot
 * contradict itself.
 */
#include <string.h>

#include "base/mem.h"

#include "relay/store/internal.h"

/* ---- the writer's open registers ---- */

static void
open_free(struct open_register *r)
{
    tlog_edge_free(r->edge);
    dt_free(r);
}

void
store_register_drop_all(struct dt_relay_store *s)
{
    while (s->open != NULL) {
        struct open_register *r = s->open;

        s->open = r->next;
        open_free(r);
    }
}

void
store_register_drop_dirty(struct dt_relay_store *s)
{
    struct open_register **at = &s->open;

    while (*at != NULL) {
        struct open_register *r = *at;

        if (r->dirty) {
            *at = r->next;
            open_free(r);
        } else {
            at = &r->next;
        }
    }
}

enum dt_err
store_tile_in(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    const struct store_tile_source *from = ctx;
    struct dt_view content = {0};
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(
             from->db, "SELECT content FROM tile WHERE register = ?1 AND level = ?2 AND idx = ?3",
             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)from->reg);
    dt_bind_u64(st, 2, tile->level);
    dt_bind_u64(st, 3, tile->index);
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    if (!row)
        return dt_fail(DT_ERR_NOT_FOUND, "no such tile");
    if ((err = dt_col_blob(st, 0, TLOG_TILE_BYTES, &content)) != DT_OK)
        return err;
    if (content.n < (size_t)tile->width * TLOG_HASH)
        return dt_fail(DT_ERR_NOT_FOUND, "no such tile");
    return dt_buf_append(out, dt_view(content.p, (size_t)tile->width * TLOG_HASH));
}

enum dt_err
store_ask_register(struct dt_relay_store *s, int64_t id, struct dt_stmt **out)
{
    enum dt_err err = dt_db_prepare(
        s->w, "SELECT origin, seed, size, root, name FROM register WHERE id = ?1 FOR UPDATE", out);

    if (err == DT_OK)
        dt_bind_u64(*out, 1, (uint64_t)id);
    return err;
}

static enum dt_err
set_sealed(struct store_key *key, struct dt_view sealed)
{
    memcpy(key->sealed, sealed.p, sealed.n);
    key->sealed_len = sealed.n;
    return DT_OK;
}

/* A carried store is one file, and whoever holds it signs: its seeds lie in it as they are, and are
 * sealed for the signer of this process alone. */
static enum dt_err
seal_carried(struct dt_relay_store *s, struct dt_view seed, struct store_key *key)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(RELAY_SEALED_MAX);
    struct relay_signer *by = NULL;
    enum dt_err err;

    if ((err = store_signer(s, false, &by)) != DT_OK ||
        (err = relay_signer_seal(by, key->reg, seed, &sealed)) != DT_OK)
        return err;
    return set_sealed(key, dt_buf_view(&sealed));
}

/* Size and root of register ${id} on the writer's connection, and its sealed key unless ${key} is
 * NULL.
 */
static enum dt_err
load_row(struct dt_relay_store *s, int64_t id, struct store_key *key, uint64_t *size,
         struct tlog_hash *root)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_view origin = {0}, seed = {0};
    bool row = false;
    enum dt_err err;

    if ((err = store_ask_register(s, id, &st)) != DT_OK || (err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    if (!row)
        return dt_fail(DT_ERR_NOT_FOUND, "no such register");
    if ((err = dt_col_text(st, 0, TLOG_NAME_MAX, &origin)) != DT_OK ||
        (err = dt_col_blob(st, 1, RELAY_SEALED_MAX, &seed)) != DT_OK ||
        (err = dt_col_u64(st, 2, TLOG_SIZE_MAX, size)) != DT_OK ||
        (err = dt_col_fixed(st, 3, root->b, TLOG_HASH)) != DT_OK ||
        (key != NULL && (err = dt_col_fixed(st, 4, key->reg, sizeof(key->reg))) != DT_OK))
        return err;
    if (key == NULL)
        return DT_OK;
    memcpy(key->name, origin.p, origin.n);
    key->name[origin.n] = '\0';
    return s->carried && seed.n == DT_ED25519_SEED ? seal_carried(s, seed, key)
                                                   : set_sealed(key, seed);
}

/* The open register ${id}; *${out} is NULL when there is none. */
static struct open_register **
find_open(struct dt_relay_store *s, int64_t id)
{
    struct open_register **at = &s->open;

    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

/* Load the tree of ${r} up to ${size} and compare its root with the one that was signed. */
static enum dt_err
load_edge(struct dt_relay_store *s, struct open_register *r, uint64_t size,
          const struct tlog_hash *signed_root)
{
    struct store_tile_source source = {s->w, r->id};
    struct tlog_tile_reader tiles = {.fn = store_tile_in, .ctx = &source, .size = size};
    struct tlog_hash root;
    enum dt_err err;

    if ((err = tlog_edge_new(&r->edge)) == DT_OK &&
        (err = tlog_edge_load(r->edge, tlog_tile_node, &tiles, size)) == DT_OK &&
        (err = tlog_edge_root(r->edge, &root)) == DT_OK && !tlog_hash_equal(&root, signed_root))
        err = dt_fail(DT_ERR_CONFLICT, "%s: the tree in the store is not the one that was signed",
                      r->key.name);
    tlog_tile_reader_clear(&tiles);
    r->size = size;
    return err;
}

/* Is ${r} still what its row says? Another process may have appended; within a transaction of this
 * one nobody does. */
static enum dt_err
still_so(struct dt_relay_store *s, struct open_register *r, bool *out)
{
    struct tlog_hash signed_root, root;
    uint64_t size = 0;
    enum dt_err err;

    *out = true;
    if (r->dirty || r->compared == s->batch.number || !dt_db_shared(s->w))
        return DT_OK;
    if ((err = load_row(s, r->id, NULL, &size, &signed_root)) != DT_OK ||
        (err = tlog_edge_root(r->edge, &root)) != DT_OK)
        return err;
    *out = size == r->size && tlog_hash_equal(&root, &signed_root);
    r->compared = s->batch.number;
    return DT_OK;
}

enum dt_err
store_register_open(struct dt_relay_store *s, int64_t id, struct open_register **out)
{
    struct open_register **at = find_open(s, id), *r = *at;
    struct tlog_hash root;
    uint64_t size = 0;
    bool same = false;
    enum dt_err err;

    if (r != NULL && (err = still_so(s, r, &same)) != DT_OK)
        return err;
    if (same) {
        *out = r;
        return DT_OK;
    }
    if (r != NULL) {
        *at = r->next;
        open_free(r);
    }
    if ((r = dt_alloc(1, sizeof(*r))) == NULL)
        return dt_nomem();
    r->id = id;
    r->compared = s->batch.number;
    if ((err = load_row(s, id, &r->key, &size, &root)) != DT_OK ||
        (err = store_is_restored(s->w, id, &r->restored)) != DT_OK ||
        (err = load_edge(s, r, size, &root)) != DT_OK) {
        open_free(r);
        return err;
    }
    r->next = s->open;
    s->open = r;
    *out = r;
    return DT_OK;
}

static enum dt_err
put_tile(struct dt_db *db, int64_t reg, const struct tlog_tile *tile, struct dt_view content)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(
             db,
             "INSERT INTO tile(register, level, idx, content) VALUES (?1, ?2, ?3, ?4)"
             " ON CONFLICT(register, level, idx) DO UPDATE SET content = excluded.content",
             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    dt_bind_u64(st, 2, tile->level);
    dt_bind_u64(st, 3, tile->index);
    dt_bind_blob(st, 4, content);
    return dt_stmt_run(st);
}

enum dt_err
store_tile_out(void *ctx, const struct tlog_tile *tile, struct dt_view content)
{
    const struct store_tile_source *to = ctx;

    return put_tile(to->db, to->reg, tile, content);
}

/* ---- checkpoints ---- */

enum dt_err
store_checkpoint_put(struct dt_relay_store *s, int64_t reg, uint64_t size,
                     const struct tlog_hash *root, struct dt_view note)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *row = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(
             s->w, "INSERT INTO checkpoint(register, size, root, note) VALUES (?1, ?2, ?3, ?4)",
             &put)) != DT_OK ||
        (err = dt_db_prepare(s->w, "UPDATE register SET size = ?2, root = ?3 WHERE id = ?1",
                             &row)) != DT_OK)
        return err;
    dt_bind_u64(put, 1, (uint64_t)reg);
    dt_bind_u64(put, 2, size);
    dt_bind_blob(put, 3, tlog_hash_view(root));
    dt_bind_text(put, 4, note);
    dt_bind_u64(row, 1, (uint64_t)reg);
    dt_bind_u64(row, 2, size);
    dt_bind_blob(row, 3, tlog_hash_view(root));
    if ((err = dt_stmt_run(put)) != DT_OK)
        return err;
    return dt_stmt_run(row);
}

/*
 * Forget the checkpoints below ${size} - DT_RELAY_CHECKPOINTS_KEPT that no witness cosigned: a
 * checkpoint that nobody relied on says nothing that a later one does not say too. Those which one
 * batch moves out of that range are gone with it, so nothing is looked at twice.
 */
static enum dt_err
drop_checkpoints(struct dt_relay_store *s, int64_t reg, uint64_t before, uint64_t size)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t keep = DT_RELAY_CHECKPOINTS_KEPT;
    enum dt_err err;

    if (size <= keep)
        return DT_OK;
    if ((err = dt_db_prepare(s->w,
                             "DELETE FROM checkpoint WHERE register = ?1 AND size >= ?2"
                             " AND size < ?3 AND NOT EXISTS (SELECT 1 FROM cosignature c"
                             " WHERE c.register = ?1 AND c.size = checkpoint.size)",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    dt_bind_u64(st, 2, before > keep ? before - keep : 0);
    dt_bind_u64(st, 3, size - keep);
    return dt_stmt_run(st);
}

/* What is dirty, in order, as it is to be signed, or was. The caller frees ${out}. */
static enum dt_err
collect(struct dt_relay_store *s, struct relay_signing **out, size_t *out_n)
{
    struct relay_signing *v;
    struct tlog_hash root;
    size_t n = 0, i = 0;
    enum dt_err err;

    for (struct open_register *r = s->open; r != NULL; r = r->next)
        n += r->dirty;
    if ((v = dt_alloc(n > 0 ? n : 1, sizeof(*v))) == NULL)
        return dt_nomem();
    for (struct open_register *r = s->open; r != NULL; r = r->next) {
        if (!r->dirty)
            continue;
        if ((err = tlog_edge_root(r->edge, &root)) != DT_OK) {
            dt_free(v);
            return err;
        }
        store_signing(&r->key, tlog_edge_size(r->edge), &root, &v[i++]);
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}

/* All of a batch are signed in one go. */
static enum dt_err
seal_all(struct dt_relay_store *s, struct relay_signing *v, size_t n)
{
    struct relay_signer *signer = NULL;
    size_t i = 0;
    enum dt_err err;

    if ((err = store_signer(s, false, &signer)) != DT_OK ||
        (err = relay_signer_sign(signer, v, n)) != DT_OK)
        return err;
    for (struct open_register *r = s->open; r != NULL; r = r->next) {
        struct store_tile_source to = {s->w, r->id};

        if (!r->dirty)
            continue;
        if ((err = tlog_edge_partials(r->edge, store_tile_out, &to)) != DT_OK ||
            (err = store_checkpoint_put(s, r->id, v[i].size, &v[i].root,
                                        dt_buf_view(&v[i].note))) != DT_OK ||
            (err = drop_checkpoints(s, r->id, r->size, v[i].size)) != DT_OK)
            return err;
        i++;
    }
    return DT_OK;
}

enum dt_err
store_register_seal(struct dt_relay_store *s)
{
    struct relay_signing *v = NULL;
    size_t n = 0;
    enum dt_err err;

    if ((err = collect(s, &v, &n)) != DT_OK)
        return err;
    if (n > 0)
        err = seal_all(s, v, n);
    for (size_t i = 0; i < n; i++)
        dt_buf_clear(&v[i].note);
    dt_free(v);
    return err;
}

enum dt_err
store_register_confirm(struct dt_relay_store *s)
{
    struct relay_signing *v = NULL;
    size_t n = 0;
    enum dt_err err;

    if ((err = collect(s, &v, &n)) != DT_OK)
        return err;
    if (n > 0)
        err = relay_signer_confirm(s->signer, v, n);
    dt_free(v);
    return err;
}

/* ---- cosignatures ---- */

/* Is (size, root) of ${job} a checkpoint that was signed here? */
static enum dt_err
cosign_known(struct dt_relay_store *s, const struct dt_relay_store_job *job, bool *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(
             s->w, "SELECT 1 FROM checkpoint WHERE register = ?1 AND size = ?2 AND root = ?3",
             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)job->u.cosign.reg);
    dt_bind_u64(st, 2, job->u.cosign.size);
    dt_bind_blob(st, 3, tlog_hash_view(&job->u.cosign.root));
    return dt_stmt_step(st, out);
}

static enum dt_err
cosign_put(struct dt_relay_store *s, struct dt_relay_store_job *job,
           const struct dt_relay_store_cosignature *sig)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    /* The earliest of a witness for a size stands: it is the time of the entries below it. */
    if ((err = dt_db_prepare(s->w,
                             "INSERT INTO cosignature(register, size, key_id, side, time_s, line)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                             " ON CONFLICT(register, size, key_id) DO UPDATE"
                             " SET time_s = excluded.time_s, line = excluded.line"
                             " WHERE excluded.time_s < cosignature.time_s",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)job->u.cosign.reg);
    dt_bind_u64(st, 2, job->u.cosign.size);
    dt_bind_u64(st, 3, sig->key_id);
    dt_bind_u64(st, 4, sig->side);
    dt_bind_u64(st, 5, sig->time_s);
    dt_bind_text(st, 6, sig->line);
    if ((err = dt_stmt_run(st)) == DT_OK && dt_db_changes(s->w) > 0)
        job->u.cosign.changed = true;
    return err;
}

/* Count the sides of the size and move "attested" and "final" up to it when they are enough. */
static enum dt_err
cosign_count(struct dt_relay_store *s, int64_t reg, uint64_t size)
{
    static const char *const update[] = {
        "UPDATE register SET attested = ?2 WHERE id = ?1 AND coalesce(attested, -1) < ?2"
        " AND quorum_attested <= (SELECT count(DISTINCT side) FROM cosignature"
        " WHERE register = ?1 AND size = ?2)",
        "UPDATE register SET final = ?2 WHERE id = ?1 AND coalesce(final, -1) < ?2"
        " AND quorum_final <= (SELECT count(DISTINCT side) FROM cosignature"
        " WHERE register = ?1 AND size = ?2)",
    };
    enum dt_err err;

    for (size_t i = 0; i < 2; i++) {
        DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;

        if ((err = dt_db_prepare(s->w, update[i], &st)) != DT_OK)
            return err;
        dt_bind_u64(st, 1, (uint64_t)reg);
        dt_bind_u64(st, 2, size);
        if ((err = dt_stmt_run(st)) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
store_cosign(struct dt_relay_store *s, struct dt_relay_store_job *job)
{
    bool known = false;
    enum dt_err err;

    if ((err = cosign_known(s, job, &known)) != DT_OK)
        return err;
    if (!known) {
        job->result = DT_ERR_REFUSED;
        return DT_OK;
    }
    job->u.cosign.changed = s->batch.again; /* the first time may have done it */
    for (size_t i = 0; i < job->u.cosign.n_sigs; i++) {
        if ((err = cosign_put(s, job, &job->u.cosign.sigs[i])) != DT_OK)
            return err;
    }
    job->result = DT_OK;
    return cosign_count(s, job->u.cosign.reg, job->u.cosign.size);
}
