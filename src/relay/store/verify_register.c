/*
 * relay/store/verify_register.c - verifying registers: the whole tree is built again from the
 * entries, and all that was signed and kept is held against it. See verify.h.
 *
 * Source: c2sp.org/tlog-tiles, c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature. Layer: relay.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "log/cosignature.h"

#include "relay/store/verify_internal.h"

/* A register that is looked at. */
struct look {
    struct verify *v;
    uint64_t id, size, quorum_attested, quorum_final;
    struct tlog_hash root;
    struct tlog_policy policy;
    struct dt_stmt *checkpoints; /* in order of size */
    uint64_t next_size;          /* of the next checkpoint; UINT64_MAX: none */
    bool held;                   /* one of the register's size was seen */
    struct tlog_edge *edge;
    uint64_t tiles, best_attested, best_final; /* best: plus one; 0: none */
};

/* ---- tiles ---- */

static enum dt_err
tile_is_kept(void *ctx, const struct tlog_tile *tile, struct dt_view content)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct look *l = ctx;
    struct dt_view kept = {0};
    bool row = false;
    enum dt_err err;

    l->tiles++;
    if ((err = dt_db_prepare(l->v->s->r,
                             "SELECT content FROM tile WHERE register = ?1 AND level = ?2"
                             " AND idx = ?3",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, l->id);
    dt_bind_u64(st, 2, tile->level);
    dt_bind_u64(st, 3, tile->index);
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    if (row && (err = dt_col_blob(st, 0, TLOG_TILE_BYTES, &kept)) != DT_OK)
        return verify_judge(l->v, err, "a tile");
    if (!row)
        verify_fault(l->v, "tile %u/%llu is not there", tile->level,
                     (unsigned long long)tile->index);
    else if (!dt_view_equal(kept, content))
        verify_fault(l->v, "tile %u/%llu is not that of the entries", tile->level,
                     (unsigned long long)tile->index);
    return DT_OK;
}

/* ---- cosignatures ---- */

static const struct tlog_policy_node *
witness_of(const struct tlog_policy *p, uint64_t key_id, uint64_t *out_side)
{
    size_t sides[TLOG_POLICY_NODES_MAX], n = tlog_policy_sides(p, sides, TLOG_POLICY_NODES_MAX);

    for (size_t i = 0; i < p->n_nodes; i++) {
        size_t side;

        if (p->nodes[i].is_group || p->nodes[i].key.id != key_id)
            continue;
        side = tlog_policy_side_of(p, i);
        for (size_t k = 0; k < n && k < TLOG_POLICY_NODES_MAX; k++) {
            if (sides[k] == side)
                *out_side = k;
        }
        return &p->nodes[i];
    }
    return NULL;
}

static enum dt_err
cosignature(struct look *l, struct dt_stmt *st, uint64_t size, struct dt_view text)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    const struct tlog_policy_node *node;
    uint64_t key_id = 0, side = 0, time_s = 0, real_side = UINT64_MAX, signed_s = 0;
    struct dt_view line = {0};
    enum dt_err err;

    l->v->report.cosignatures++;
    if ((err = dt_col_u64(st, 0, UINT32_MAX, &key_id)) != DT_OK ||
        (err = dt_col_u64(st, 1, INT64_MAX, &side)) != DT_OK ||
        (err = dt_col_u64(st, 2, INT64_MAX, &time_s)) != DT_OK ||
        (err = dt_col_text(st, 3, DT_REGISTER_NOTE_MAX, &line)) != DT_OK)
        return verify_judge(l->v, err, "a cosignature");
    if ((node = witness_of(&l->policy, key_id, &real_side)) == NULL) {
        verify_fault(l->v, "size %llu is cosigned by a key that is no witness's",
                     (unsigned long long)size);
        return DT_OK;
    }
    if ((err = tlog_note_parse_lines(line, &note)) != DT_OK ||
        (err = note.n_sigs == 1
                   ? tlog_cosignature_verify(&node->key, text, note.sigs[0].sig, &signed_s)
                   : dt_fail(DT_ERR_FORMAT, "not one line")) != DT_OK) {
        if ((err = verify_judge(l->v, err, "a cosignature")) == DT_OK)
            verify_fault(l->v, "the cosignature of size %llu by %s does not verify",
                         (unsigned long long)size, node->key.name);
        return err;
    }
    if (signed_s != time_s || side != real_side)
        verify_fault(l->v, "the cosignature of size %llu by %s has another time or side",
                     (unsigned long long)size, node->key.name);
    return DT_OK;
}

/* Those of ${size} over the checkpoint's ${text}. */
static enum dt_err
cosignatures(struct look *l, uint64_t size, struct dt_view text)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool sides[TLOG_POLICY_NODES_MAX] = {false}, row = false;
    uint64_t n = 0, side = 0;
    enum dt_err err;

    if ((err = dt_db_prepare(l->v->s->r,
                             "SELECT key_id, side, time_s, line FROM cosignature"
                             " WHERE register = ?1 AND size = ?2",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, l->id);
    dt_bind_u64(st, 2, size);
    for (;;) {
        if ((err = dt_stmt_step(st, &row)) != DT_OK)
            return err;
        if (!row)
            break;
        if ((err = cosignature(l, st, size, text)) != DT_OK)
            return err;
        if (dt_col_u64(st, 1, TLOG_POLICY_NODES_MAX - 1, &side) == DT_OK && !sides[side]) {
            sides[side] = true;
            n++;
        }
    }
    if (n >= l->quorum_attested)
        l->best_attested = size + 1;
    if (n >= l->quorum_final)
        l->best_final = size + 1;
    return DT_OK;
}

/* ---- checkpoints ---- */

static enum dt_err
next_checkpoint(struct look *l)
{
    bool row = false;
    enum dt_err err = dt_stmt_step(l->checkpoints, &row);

    l->next_size = UINT64_MAX;
    if (err != DT_OK || !row)
        return err;
    return dt_col_u64(l->checkpoints, 0, TLOG_SIZE_MAX, &l->next_size);
}

/* The edge has reached the size of the next checkpoint: it is signed, over this root. */
static enum dt_err
checkpoint(struct look *l)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_hash root, row_root;
    struct tlog_checkpoint cp;
    struct dt_view text = {0};
    uint64_t size = l->next_size;
    enum dt_err err;

    l->v->report.checkpoints++;
    l->held = l->held || size == l->size;
    if ((err = tlog_edge_root(l->edge, &root)) != DT_OK)
        return err;
    if ((err = dt_col_fixed(l->checkpoints, 1, row_root.b, TLOG_HASH)) != DT_OK ||
        (err = dt_col_text(l->checkpoints, 2, DT_REGISTER_NOTE_MAX, &text)) != DT_OK ||
        (err = tlog_checkpoint_open(text, &l->policy.logs[0].key, &cp)) != DT_OK ||
        (err = tlog_note_parse(text, &note)) != DT_OK) {
        if ((err = verify_judge(l->v, err, "a checkpoint")) == DT_OK)
            verify_fault(l->v, "the checkpoint of size %llu is not signed by the register's key",
                         (unsigned long long)size);
        return err;
    }
    if (cp.size != size || !tlog_hash_equal(&cp.root, &row_root))
        verify_fault(l->v, "the checkpoint of size %llu says another size or root than its row",
                     (unsigned long long)size);
    if (!tlog_hash_equal(&row_root, &root))
        verify_fault(l->v, "the checkpoint of size %llu is not of the entries' tree",
                     (unsigned long long)size);
    return cosignatures(l, size, note.text);
}

static enum dt_err
checkpoints_at(struct look *l, uint64_t size)
{
    enum dt_err err;

    while (l->next_size <= size) {
        if (l->next_size == size)
            err = checkpoint(l);
        else
            err = DT_OK; /* passed over after a gap in the entries, which was told */
        if (err != DT_OK || (err = next_checkpoint(l)) != DT_OK)
            return err;
    }
    return DT_OK;
}

/* ---- entries ---- */

static enum dt_err
entry_is_seen(struct look *l, const struct tlog_hash *leaf, uint64_t index)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(l->v->s->r,
                             "SELECT 1 FROM seen WHERE register = ?1 AND mark = ?2 AND idx = ?3",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, l->id);
    dt_bind_u64(st, 2, store_mark_of(leaf));
    dt_bind_u64(st, 3, index);
    if ((err = dt_stmt_step(st, &row)) == DT_OK && !row)
        verify_fault(l->v, "entry %llu is not in the index of what is held",
                     (unsigned long long)index);
    return err;
}

static enum dt_err
one_entry(struct look *l, struct dt_stmt *st, uint64_t expected)
{
    struct dt_view entry = {0};
    struct tlog_hash leaf;
    uint64_t index = 0;
    enum dt_err err;

    l->v->report.entries++;
    if ((err = dt_col_u64(st, 0, TLOG_SIZE_MAX, &index)) != DT_OK ||
        (err = dt_col_blob(st, 1, TLOG_ENTRY_MAX, &entry)) != DT_OK)
        return err;
    if (index != expected)
        verify_fault(l->v, "entry %llu stands where %llu is due", (unsigned long long)index,
                     (unsigned long long)expected);
    if (entry.n != DT_REGISTER_ENTRY || entry.p[0] != 1)
        verify_fault(l->v, "entry %llu is no register entry", (unsigned long long)index);
    if ((err = tlog_leaf_hash(entry, &leaf)) != DT_OK ||
        (err = entry_is_seen(l, &leaf, index)) != DT_OK)
        return err;
    return tlog_edge_append(l->edge, &leaf, tile_is_kept, l);
}

static enum dt_err
entries(struct look *l)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(l->v->s->r,
                             "SELECT idx, entry FROM entry WHERE register = ?1 ORDER BY idx",
                             &st)) != DT_OK ||
        (err = checkpoints_at(l, 0)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, l->id);
    for (uint64_t n = 0;; n++) {
        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            return err;
        if ((err = one_entry(l, st, n)) != DT_OK || (err = checkpoints_at(l, n + 1)) != DT_OK)
            return err;
    }
}

/* ---- a register ---- */

static enum dt_err
count_rows(struct look *l, const char *sql, uint64_t *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(l->v->s->r, sql, &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, l->id);
    return (err = dt_stmt_row(st)) != DT_OK ? err : dt_col_u64(st, 0, INT64_MAX, out);
}

/* What the row says against what was found. */
static enum dt_err
sums(struct look *l, uint64_t attested, uint64_t final)
{
    struct tlog_hash root;
    uint64_t seen = 0, tiles = 0, loose = 0;
    enum dt_err err;

    if ((err = tlog_edge_partials(l->edge, tile_is_kept, l)) != DT_OK ||
        (err = tlog_edge_root(l->edge, &root)) != DT_OK ||
        (err = count_rows(l, "SELECT count(*) FROM seen WHERE register = ?1", &seen)) != DT_OK ||
        (err = count_rows(l, "SELECT count(*) FROM tile WHERE register = ?1", &tiles)) != DT_OK ||
        (err = count_rows(l,
                          "SELECT count(*) FROM cosignature c WHERE c.register = ?1 AND NOT EXISTS"
                          " (SELECT 1 FROM checkpoint p WHERE p.register = c.register"
                          " AND p.size = c.size)",
                          &loose)) != DT_OK)
        return err;
    if (tlog_edge_size(l->edge) != l->size)
        verify_fault(l->v, "its size is %llu, and it has %llu entries", (unsigned long long)l->size,
                     (unsigned long long)tlog_edge_size(l->edge));
    else if (!tlog_hash_equal(&root, &l->root))
        verify_fault(l->v, "its entries do not have the root that was signed");
    if (!l->held)
        verify_fault(l->v, "there is no checkpoint of its size %llu", (unsigned long long)l->size);
    if (l->next_size != UINT64_MAX)
        verify_fault(l->v, "a checkpoint of size %llu was signed, and it has %llu entries",
                     (unsigned long long)l->next_size, (unsigned long long)tlog_edge_size(l->edge));
    if (seen != tlog_edge_size(l->edge))
        verify_fault(l->v, "the index of what is held has %llu rows for %llu entries",
                     (unsigned long long)seen, (unsigned long long)tlog_edge_size(l->edge));
    if (tiles != l->tiles)
        verify_fault(l->v, "it has %llu tiles, and needs %llu", (unsigned long long)tiles,
                     (unsigned long long)l->tiles);
    if (loose > 0)
        verify_fault(l->v, "%llu cosignatures are of no checkpoint", (unsigned long long)loose);
    if (attested != l->best_attested || final != l->best_final)
        verify_fault(l->v, "its cosignatures attest another size than its row says");
    return DT_OK;
}

static enum dt_err
look_at(struct look *l, uint64_t attested, uint64_t final)
{
    enum dt_err err;

    if (l->policy.n_logs != 1) {
        verify_fault(l->v, "its policy names %zu registers", l->policy.n_logs);
        return DT_OK;
    }
    if ((err = dt_db_prepare(l->v->s->r,
                             "SELECT size, root, note FROM checkpoint WHERE register = ?1"
                             " ORDER BY size",
                             &l->checkpoints)) != DT_OK)
        return err;
    dt_bind_u64(l->checkpoints, 1, l->id);
    if ((err = tlog_edge_new(&l->edge)) != DT_OK || (err = next_checkpoint(l)) != DT_OK ||
        (err = entries(l)) != DT_OK)
        return err;
    return sums(l, attested, final);
}

/* A column that may be NULL: its value plus one, or 0. */
static enum dt_err
maybe(struct dt_stmt *st, int i, uint64_t *out)
{
    enum dt_err err;

    *out = 0;
    if (dt_col_is_null(st, i))
        return DT_OK;
    if ((err = dt_col_u64(st, i, TLOG_SIZE_MAX, out)) == DT_OK)
        (*out)++;
    return err;
}

/* Whether it can be opened is for who has the sealing key. */
static void
look_at_seed(struct verify *v, uint64_t len)
{
    if (len == DT_ED25519_SEED && !v->s->carried)
        v->report.plain++;
    else if (len != DT_ED25519_SEED && len != RELAY_SEALED_MAX)
        verify_fault(v, "its sealed seed has %llu bytes", (unsigned long long)len);
}

static enum dt_err
one_register(struct verify *v, struct dt_stmt *st)
{
    struct look l = {.v = v, .next_size = UINT64_MAX};
    char name[2 * DT_REGISTER_ID + 1];
    uint64_t attested = 0, final = 0, seed = 0;
    uint8_t id[DT_REGISTER_ID];
    struct dt_view policy = {0};
    enum dt_err err;

    v->report.registers++;
    if ((err = dt_col_u64(st, 0, INT64_MAX, &l.id)) != DT_OK)
        return err;
    (void)snprintf(v->where, sizeof(v->where), "register %llu", (unsigned long long)l.id);
    if ((err = dt_col_fixed(st, 1, id, sizeof(id))) != DT_OK)
        return verify_judge(v, err, "its id");
    dt_hex_str(name, dt_view_of(id));
    (void)snprintf(v->where, sizeof(v->where), "register %s", name);
    if ((err = dt_col_u64(st, 2, TLOG_SIZE_MAX, &l.size)) != DT_OK ||
        (err = dt_col_fixed(st, 3, l.root.b, TLOG_HASH)) != DT_OK ||
        (err = dt_col_text(st, 4, TLOG_POLICY_MAX, &policy)) != DT_OK ||
        (err = dt_col_u64(st, 5, INT64_MAX, &l.quorum_attested)) != DT_OK ||
        (err = dt_col_u64(st, 6, INT64_MAX, &l.quorum_final)) != DT_OK ||
        (err = maybe(st, 7, &attested)) != DT_OK || (err = maybe(st, 8, &final)) != DT_OK ||
        (err = dt_col_u64(st, 9, INT64_MAX, &seed)) != DT_OK ||
        (err = tlog_policy_parse(policy, &l.policy)) != DT_OK)
        err = verify_judge(v, err, "its row");
    else
        err = verify_judge(v, look_at(&l, attested, final), "its tree");
    look_at_seed(v, seed);
    dt_stmt_done(&l.checkpoints);
    tlog_edge_free(l.edge);
    tlog_policy_clear(&l.policy);
    return err;
}

enum dt_err
verify_registers(struct verify *v)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(v->s->r,
                             "SELECT id, name, size, root, policy, quorum_attested, quorum_final,"
                             " attested, final, length(seed) FROM register ORDER BY id",
                             &st)) != DT_OK)
        return err;
    for (;;) {
        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            return err;
        if ((err = one_register(v, st)) != DT_OK)
            return err;
    }
}
