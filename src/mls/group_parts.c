/*
 * mls/group_parts.c - see saved.h: a group as parts, and back.
 *
 * The bodies are pieces of the one encoding of a whole group (group_state.c). Loading puts that
 * together and reads it by the one strict reader; then it writes the parts anew and compares, so
 * that there is one set of parts to a group.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mls/tree_math.h"

#include "mls/group_state.h"
#include "mls/saved.h"

void
mls_parts_clear(struct mls_parts *p)
{
    if (p == NULL)
        return;
    dt_free(p->v);
    dt_buf_wipe(&p->bytes);
    *p = (struct mls_parts){0};
}

/* ---- ids ---- */

static void
put_number(uint8_t *p, uint64_t x, unsigned int n)
{
    while (n-- > 0)
        *p++ = (uint8_t)(x >> (8 * n));
}

static void
id_set(uint8_t id[static MLS_PART_ID], enum mls_part_kind kind, uint64_t epoch, uint32_t index)
{
    id[0] = (uint8_t)kind;
    put_number(id + 1, epoch, 8);
    put_number(id + 9, index, 4);
}

static uint64_t
id_epoch(const uint8_t id[static MLS_PART_ID])
{
    uint64_t x = 0;

    for (unsigned int i = 1; i < 9; i++)
        x = x << 8 | id[i];
    return x;
}

static uint32_t
id_index(const uint8_t id[static MLS_PART_ID])
{
    return (uint32_t)id[9] << 24 | (uint32_t)id[10] << 16 | (uint32_t)id[11] << 8 | id[12];
}

static int
by_id(const void *a, const void *b)
{
    const struct mls_part *x = a;
    const struct mls_part *y = b;

    return memcmp(x->id, y->id, MLS_PART_ID);
}

/* ---- saving ---- */

/* Parts while they are made: bodies are views only when all bytes are there. */
struct saving {
    struct mls_parts out;
    size_t *at; /* where each body begins */
    size_t room;
    struct dt_writer w;
    enum dt_err err;
};

static void
saving_clear(struct saving *s)
{
    mls_parts_clear(&s->out);
    dt_free(s->at);
}

/* A new part; its body is what is written until the next one. */
static void
part(struct saving *s, enum mls_part_kind kind, uint64_t epoch, uint32_t index)
{
    if (s->err == DT_OK && s->out.n == s->room) {
        size_t room = s->room == 0 ? 16 : 2 * s->room;
        struct mls_part *v = dt_realloc(s->out.v, room, sizeof *v);
        size_t *at = NULL;

        if (v != NULL) {
            s->out.v = v;
            at = dt_realloc(s->at, room, sizeof *at);
        }
        if (at == NULL) {
            s->err = dt_nomem();
            return;
        }
        s->at = at;
        s->room = room;
    }
    if (s->err != DT_OK)
        return;
    s->out.v[s->out.n] = (struct mls_part){.gone = false};
    id_set(s->out.v[s->out.n].id, kind, epoch, index);
    s->at[s->out.n++] = s->out.bytes.n;
}

static void
part_gone(struct saving *s, bool gone)
{
    if (s->err == DT_OK)
        s->out.v[s->out.n - 1].gone = gone;
}

static void
save_node(struct saving *s, const struct mls_secret_tree *t, uint64_t epoch, uint32_t node)
{
    part(s, MLS_PART_NODE, epoch, node);
    part_gone(s, !mls_secret_tree_node_write(&s->w, t, node));
}

static void
save_leaf(struct saving *s, const struct mls_secret_tree *t, uint64_t epoch, uint32_t leaf)
{
    part(s, MLS_PART_RATCHETS, epoch, leaf);
    part_gone(s, !mls_secret_tree_leaf_write(&s->w, t, leaf));
}

static void
save_keys(struct saving *s, const struct mls_secret_tree *t, uint64_t epoch)
{
    struct mls_secret_walk w;

    for (mls_secret_walk_begin(&w, t->root, t->n_leaves); mls_secret_walk_next(&w);) {
        if (w.node->secret.n > 0)
            save_node(s, t, epoch, w.number);
        if (w.node->ratchets != NULL)
            save_leaf(s, t, epoch, w.number / 2);
    }
}

static void
save_touched(struct saving *s, const struct mls_secret_tree *t, uint64_t epoch)
{
    for (size_t i = 0; i < t->n_touched; i++) {
        if (t->touched[i].kind == MLS_TOUCHED_NODE)
            save_node(s, t, epoch, t->touched[i].number);
        else
            save_leaf(s, t, epoch, t->touched[i].number);
    }
}

static void
save_proposals(struct saving *s, const struct mls_group *g)
{
    part(s, MLS_PART_PROPOSALS, g->context.epoch, 0);
    part_gone(s, !mls_state_has_said(g));
    if (mls_state_has_said(g))
        mls_state_cache_write(&s->w, g);
}

static void
save_pending(struct saving *s, const struct mls_group *g)
{
    part(s, MLS_PART_PENDING, g->context.epoch, 0);
    part_gone(s, g->pending == NULL);
    if (g->pending != NULL)
        mls_state_pending_write(&s->w, g->pending);
}

static void
save_group(struct saving *s, const struct mls_group *g)
{
    size_t mark;

    part(s, MLS_PART_GROUP, g->context.epoch, 0);
    mark = dt_write_vec_begin(&s->w);
    mls_state_head_write(&s->w, g);
    dt_write_vec_end(&s->w, mark);
    mark = dt_write_vec_begin(&s->w);
    if (g->member)
        mls_state_secrets_write(&s->w, g);
    dt_write_vec_end(&s->w, mark);
    mark = dt_write_vec_begin(&s->w);
    if (g->member)
        mls_state_reinit_write(&s->w, g);
    dt_write_vec_end(&s->w, mark);
    mark = dt_write_vec_begin(&s->w);
    if (g->member)
        mls_state_kept_write(&s->w, g);
    dt_write_vec_end(&s->w, mark);
    part(s, MLS_PART_TREE, g->context.epoch, 0);
    mls_tree_write(&s->w, &g->tree);
}

static void
save_all(struct saving *s, const struct mls_group *g)
{
    const struct mls_tree *newer = &g->tree; /* of the epoch after a kept one */

    save_group(s, g);
    if (mls_state_has_said(g))
        save_proposals(s, g);
    if (g->pending != NULL)
        save_pending(s, g);
    if (g->member)
        save_keys(s, &g->keys, g->context.epoch);
    for (size_t i = 0; i < g->n_past; i++) {
        const struct mls_past_epoch *p = &g->past[i];

        part(s, MLS_PART_PAST, p->context.epoch, 0);
        mls_state_past_write(&s->w, p, newer);
        save_keys(s, &p->keys, p->context.epoch);
        newer = &p->tree;
    }
}

static void
save_changed(struct saving *s, const struct mls_group *g)
{
    if (g->changed.proposals)
        save_proposals(s, g);
    if (g->changed.pending)
        save_pending(s, g);
    save_touched(s, &g->keys, g->context.epoch);
    for (size_t i = 0; i < g->n_past; i++)
        save_touched(s, &g->past[i].keys, g->past[i].context.epoch);
}

static bool
all_changed(const struct mls_group *g)
{
    bool all = g->changed.all || g->keys.touched_all;

    for (size_t i = 0; i < g->n_past; i++)
        all = all || g->past[i].keys.touched_all;
    return all;
}

enum dt_err
mls_group_save_parts(const struct mls_group *g, bool all, struct mls_parts *out)
{
    DT_CLEANUP(saving_clear) struct saving s = {.out = {.replace = all || all_changed(g)}};
    enum dt_err err;

    dt_buf_init(&s.out.bytes, MLS_GROUP_STATE_MAX);
    s.w = dt_writer_init(&s.out.bytes);
    if (s.out.replace)
        save_all(&s, g);
    else
        save_changed(&s, g);
    err = s.err != DT_OK ? s.err : dt_writer_end(&s.w);
    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < s.out.n; i++) {
        size_t end = i + 1 < s.out.n ? s.at[i + 1] : s.out.bytes.n;

        s.out.v[i].body = dt_view(s.out.bytes.p + s.at[i], end - s.at[i]);
    }
    if (s.out.n > 1)
        qsort(s.out.v, s.out.n, sizeof *s.out.v, by_id);
    mls_parts_clear(out);
    *out = s.out;
    s.out = (struct mls_parts){0};
    return DT_OK;
}

static void
keys_saved(struct mls_secret_tree *t)
{
    t->n_touched = 0;
    t->touched_all = false;
}

void
mls_group_saved(struct mls_group *g)
{
    g->changed = (struct mls_changed){0};
    keys_saved(&g->keys);
    for (size_t i = 0; i < g->n_past; i++)
        keys_saved(&g->past[i].keys);
}

/* ---- loading: the parts, sorted, become the whole encoding ---- */

struct loading {
    const struct mls_part *v;
    size_t n;
    struct dt_writer w;
};

/* The parts of ${kind} in ${epoch} are [*${from}, the returned index). */
static size_t
range(const struct loading *l, enum mls_part_kind kind, uint64_t epoch, size_t *from)
{
    uint8_t first[MLS_PART_ID];
    size_t low = 0;
    size_t high = l->n;

    id_set(first, kind, epoch, 0);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (memcmp(l->v[middle].id, first, MLS_PART_ID) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *from = low;
    while (high < l->n && memcmp(l->v[high].id, first, 9) == 0)
        high++;
    return high;
}

/* The one part, or ${none} in its place. */
static void
put_one(struct loading *l, enum mls_part_kind kind, uint64_t epoch, uint8_t none)
{
    size_t from;

    if (range(l, kind, epoch, &from) > from)
        dt_write_view(&l->w, l->v[from].body);
    else
        dt_write_u8(&l->w, none);
}

static void
put_numbered(struct loading *l, enum mls_part_kind kind, uint64_t epoch)
{
    size_t mark = dt_write_vec_begin(&l->w);
    size_t from;
    size_t end = range(l, kind, epoch, &from);

    for (; from < end; from++) {
        dt_write_u32(&l->w, id_index(l->v[from].id));
        dt_write_view(&l->w, l->v[from].body);
    }
    dt_write_vec_end(&l->w, mark);
}

static void
put_keys(struct loading *l, uint64_t epoch)
{
    put_numbered(l, MLS_PART_NODE, epoch);
    put_numbered(l, MLS_PART_RATCHETS, epoch);
}

/* All past epochs, the newest first. */
static void
put_past(struct loading *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        n += l->v[i].id[0] == MLS_PART_PAST ? 1 : 0;
    dt_write_u8(&l->w, n < UINT8_MAX ? (uint8_t)n : UINT8_MAX);
    for (size_t i = l->n; i-- > 0;) {
        if (l->v[i].id[0] != MLS_PART_PAST)
            continue;
        dt_write_view(&l->w, l->v[i].body);
        put_keys(l, id_epoch(l->v[i].id));
    }
}

/* Part ${i}, if there is one and it is of ${kind}. */
static const struct mls_part *
part_at(const struct loading *l, size_t i, enum mls_part_kind kind)
{
    return i < l->n && l->v[i].id[0] == kind ? &l->v[i] : NULL;
}

static enum dt_err
assemble(struct loading *l)
{
    const struct mls_part *group = part_at(l, 0, MLS_PART_GROUP);
    const struct mls_part *tree = part_at(l, 1, MLS_PART_TREE);
    struct dt_reader r;
    struct dt_view head, secrets, reinit, kept;
    uint64_t epoch;
    enum dt_err err;

    if (group == NULL || tree == NULL)
        return dt_fail(DT_ERR_FORMAT, "saved parts without a group and its tree");
    epoch = id_epoch(group->id);
    r = dt_reader_init(group->body);
    if ((err = dt_read_vec(&r, MLS_GROUP_STATE_MAX, &head)) != DT_OK ||
        (err = dt_read_vec(&r, MLS_GROUP_STATE_MAX, &secrets)) != DT_OK ||
        (err = dt_read_vec(&r, MLS_GROUP_STATE_MAX, &reinit)) != DT_OK ||
        (err = dt_read_vec(&r, MLS_GROUP_STATE_MAX, &kept)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    dt_write_view(&l->w, head);
    dt_write_view(&l->w, tree->body);
    if (secrets.n > 0) { /* a member */
        dt_write_view(&l->w, secrets);
        put_keys(l, epoch);
        dt_write_view(&l->w, reinit);
        put_one(l, MLS_PART_PROPOSALS, epoch, 0);
        put_one(l, MLS_PART_PENDING, epoch, 0);
        dt_write_view(&l->w, kept);
    }
    put_past(l);
    return dt_writer_end(&l->w);
}

static enum dt_err
same_parts(const struct mls_group *g, const struct mls_part *v, size_t n)
{
    DT_CLEANUP(mls_parts_clear) struct mls_parts again = {0};
    enum dt_err err = mls_group_save_parts(g, true, &again);
    bool same = again.n == n;

    if (err != DT_OK)
        return err;
    for (size_t i = 0; same && i < n; i++)
        same = memcmp(again.v[i].id, v[i].id, MLS_PART_ID) == 0 && !v[i].gone &&
               dt_view_equal(again.v[i].body, v[i].body);
    return same ? DT_OK : dt_fail(DT_ERR_FORMAT, "saved parts are not those of one group");
}

enum dt_err
mls_group_load_parts(const struct mls_part *v, size_t n, struct mls_group **out)
{
    DT_CLEANUP(mls_group_free_p) struct mls_group *g = NULL;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf whole = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_part *sorted = dt_alloc(n, sizeof *sorted);
    struct loading l = {.v = sorted, .n = n, .w = dt_writer_init(&whole)};
    enum dt_err err;

    if (sorted == NULL)
        return dt_nomem();
    if (n > 0)
        memcpy(sorted, v, n * sizeof *sorted);
    if (n > 1)
        qsort(sorted, n, sizeof *sorted, by_id);
    if ((err = assemble(&l)) == DT_OK && (err = mls_group_load(dt_buf_view(&whole), &g)) == DT_OK)
        err = same_parts(g, sorted, n);
    dt_free(sorted);
    if (err != DT_OK)
        return err;
    mls_group_saved(g);
    *out = g;
    g = NULL;
    return DT_OK;
}
