/*
 * mls/secret_tree.c - see secret_tree.h.
 */
#include <string.h>

#include "base/mem.h"
#include "mls/group_limits.h"
#include "mls/label.h"
#include "mls/tree_math.h"

#include "mls/secret_tree.h"

static void
ratchet_clear(struct mls_ratchet *r)
{
    dt_secret_clear(&r->secret);
    for (size_t i = 0; i < r->n_kept; i++)
        dt_secret_clear(&r->kept[i].key_nonce);
    dt_free(r->kept);
    *r = (struct mls_ratchet){0};
}

void
mls_leaf_ratchets_free(struct mls_leaf_ratchets *l)
{
    if (l == NULL)
        return;
    ratchet_clear(&l->ratchet[0]);
    ratchet_clear(&l->ratchet[1]);
    dt_free(l);
}

static void
leaf_ratchets_free_p(struct mls_leaf_ratchets **l)
{
    mls_leaf_ratchets_free(*l);
}

void
mls_tree_step_clear(struct mls_tree_step *s)
{
    if (s == NULL)
        return;
    dt_secret_clear(&s->key);
    dt_secret_clear(&s->nonce);
    mls_leaf_ratchets_free(s->opened);
    mls_secret_pair_free(s->below);
    dt_secret_clear(&s->next_secret);
    if (s->new_kept != NULL)
        for (size_t i = 0; i < s->n_new; i++)
            dt_secret_clear(&s->new_kept[s->n_old + i].key_nonce);
    dt_free(s->new_kept);
    *s = (struct mls_tree_step){0};
}

enum dt_err
mls_secret_tree_alloc(struct mls_secret_tree *t, const struct dt_suite *suite, uint32_t n_leaves)
{
    if (n_leaves == 0 || n_leaves > MLS_LEAVES_MAX || (n_leaves & (n_leaves - 1)) != 0)
        return dt_fail(DT_ERR_RANGE, "a secret tree of %u leaves", n_leaves);
    t->root = dt_alloc(1, sizeof *t->root);
    if (t->root == NULL)
        return dt_nomem();
    t->suite = suite;
    t->n_leaves = n_leaves;
    return DT_OK;
}

enum dt_err
mls_secret_tree_init(struct mls_secret_tree *t, const struct dt_suite *suite, uint32_t n_leaves,
                     struct dt_secret *encryption_secret)
{
    struct mls_secret_tree fresh = {0};
    enum dt_err err = mls_secret_tree_alloc(&fresh, suite, n_leaves);

    if (err != DT_OK)
        return err;
    dt_secret_move(&fresh.root->secret, encryption_secret);
    mls_secret_tree_move(t, &fresh);
    return DT_OK;
}

void
mls_secret_tree_clear(struct mls_secret_tree *t)
{
    if (t == NULL)
        return;
    mls_secret_pair_free((struct mls_secret_node *[2]){t->root, NULL});
    *t = (struct mls_secret_tree){0};
}

void
mls_secret_tree_move(struct mls_secret_tree *to, struct mls_secret_tree *from)
{
    mls_secret_tree_clear(to);
    *to = *from;
    *from = (struct mls_secret_tree){0};
}

/* Both children of the secret ${parent}: the one towards the leaf to ${down}, the other to
 * ${aside}. */
static enum dt_err
split(const struct dt_suite *suite, const struct dt_secret *parent, bool down_is_left,
      struct dt_secret *down, struct dt_secret *aside)
{
    const struct mls_expansion both[] = {
        {"tree", dt_view_str(down_is_left ? "left" : "right"), suite->hash_len, down},
        {"tree", dt_view_str(down_is_left ? "right" : "left"), suite->hash_len, aside}};

    return mls_expand_all(suite, dt_secret_view(parent), both, 2);
}

/* Of the nodes from the root towards ${leaf} the one that holds a secret, with its level; NULL when
 * none does. */
static struct mls_secret_node *
nearest(const struct mls_secret_tree *t, uint32_t leaf, uint32_t *out_level)
{
    uint32_t level = mls_node_level(mls_node_root(t->n_leaves));
    struct mls_secret_node *at = t->root;

    for (; at != NULL && at->secret.n == 0; level--)
        at = level > 0 ? at->child[mls_secret_side(leaf, level)] : NULL;
    *out_level = level;
    return at;
}

/* Open ${leaf}: from the nearest secret above it down to its two ratchets, all into ${s}. */
static enum dt_err
open_leaf(const struct mls_secret_tree *t, uint32_t leaf, struct mls_tree_step *s)
{
    DT_CLEANUP(leaf_ratchets_free_p) struct mls_leaf_ratchets *opened = NULL;
    DT_CLEANUP(dt_secret_clear) struct dt_secret at = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret down = {0};
    const struct dt_suite *suite = t->suite;
    struct mls_secret_node **pair = s->below;
    uint32_t level;
    const struct mls_secret_node *above = nearest(t, leaf, &level);
    enum dt_err err;

    if (above == NULL)
        return dt_fail(DT_ERR_STATE, "the keys of leaf %u are gone", leaf);
    err = dt_secret_set(&at, dt_secret_view(&above->secret));
    for (; err == DT_OK && level > 0; level--) {
        unsigned int side = mls_secret_side(leaf, level);

        err = mls_secret_pair_new(pair);
        if (err == DT_OK)
            err = split(suite, &at, side == 0, &down, &pair[1 - side]->secret);
        if (err == DT_OK) {
            dt_secret_move(&at, &down);
            pair = pair[side]->child;
        }
    }
    if (err != DT_OK)
        return err;
    opened = dt_alloc(1, sizeof *opened);
    if (opened == NULL)
        return dt_nomem();
    err = mls_expand_all(
        suite, dt_secret_view(&at),
        (const struct mls_expansion[]){{"handshake",
                                        {NULL, 0},
                                        suite->hash_len,
                                        &opened->ratchet[MLS_RATCHET_HANDSHAKE].secret},
                                       {"application",
                                        {NULL, 0},
                                        suite->hash_len,
                                        &opened->ratchet[MLS_RATCHET_APPLICATION].secret}},
        2);
    if (err == DT_OK) {
        s->opened = opened;
        opened = NULL;
    }
    return err;
}

static enum dt_err
take_kept(const struct dt_suite *suite, const struct mls_ratchet *r, uint32_t generation,
          struct mls_tree_step *s)
{
    for (size_t i = 0; i < r->n_kept; i++) {
        struct dt_view v = dt_secret_view(&r->kept[i].key_nonce);
        enum dt_err err;

        if (r->kept[i].generation != generation)
            continue;
        s->from_kept = true;
        s->kept_at = i;
        err = dt_secret_set(&s->key, dt_view(v.p, suite->key_len));
        if (err == DT_OK)
            err = dt_secret_set(&s->nonce, dt_view(v.p + suite->key_len, suite->nonce_len));
        return err;
    }
    return dt_fail(DT_ERR_STATE, "generation %u was used before or is no longer kept", generation);
}

/* From the ratchet secret of ${generation} its key and nonce, and the secret of the next one. */
static enum dt_err
turn(const struct dt_suite *suite, const struct dt_secret *secret, uint32_t generation,
     struct dt_secret *key, struct dt_secret *nonce, struct dt_secret *next)
{
    const uint8_t number[4] = {(uint8_t)(generation >> 24), (uint8_t)(generation >> 16),
                               (uint8_t)(generation >> 8), (uint8_t)generation};
    const struct mls_expansion all[] = {{"key", dt_view_of(number), suite->key_len, key},
                                        {"nonce", dt_view_of(number), suite->nonce_len, nonce},
                                        {"secret", dt_view_of(number), suite->hash_len, next}};

    return mls_expand_all(suite, dt_secret_view(secret), all, 3);
}

/* The same, with key and nonce kept in ${s}. */
static enum dt_err
keep(const struct dt_suite *suite, const struct dt_secret *secret, uint32_t generation,
     struct mls_tree_step *s, struct dt_secret *next)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret nonce = {0};
    struct mls_kept_key *k = &s->new_kept[s->n_old + s->n_new];
    enum dt_err err = turn(suite, secret, generation, &key, &nonce, next);

    if (err == DT_OK)
        err = dt_secret_alloc(&k->key_nonce, suite->key_len + suite->nonce_len);
    if (err != DT_OK)
        return err;
    memcpy(k->key_nonce.p, key.p, key.n);
    memcpy(k->key_nonce.p + key.n, nonce.p, nonce.n);
    k->generation = generation;
    s->n_new++;
    return DT_OK;
}

/* Walk the ratchet from where it stands to ${generation}, keeping the last of what is skipped. */
static enum dt_err
walk(const struct dt_suite *suite, const struct mls_ratchet *r, uint32_t generation,
     struct mls_tree_step *s)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret at = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret next = {0};
    uint32_t ahead = generation - r->generation;
    size_t n_new = ahead < MLS_RATCHET_KEPT_MAX ? ahead : MLS_RATCHET_KEPT_MAX;
    uint32_t g;
    enum dt_err err;

    if (ahead > MLS_RATCHET_FORWARD_MAX)
        return dt_fail(DT_ERR_LIMIT, "generation %u is %u ahead", generation, ahead);
    s->drop_old =
        r->n_kept + n_new > MLS_RATCHET_KEPT_MAX ? r->n_kept + n_new - MLS_RATCHET_KEPT_MAX : 0;
    s->n_old = r->n_kept - s->drop_old;
    s->new_kept = dt_alloc(s->n_old + n_new, sizeof *s->new_kept);
    if (s->new_kept == NULL)
        return dt_nomem();
    err = dt_secret_set(&at, dt_secret_view(&r->secret));
    for (g = r->generation; err == DT_OK; g++) {
        if (g == generation)
            err = turn(suite, &at, g, &s->key, &s->nonce, &next);
        else if (generation - g <= n_new)
            err = keep(suite, &at, g, s, &next);
        else
            err = mls_derive_tree_secret(suite, dt_secret_view(&at), "secret", g, suite->hash_len,
                                         &next);
        if (err == DT_OK)
            dt_secret_move(&at, &next);
        if (g == generation)
            break;
    }
    if (err != DT_OK)
        return err;
    s->next_done = generation == UINT32_MAX;
    if (!s->next_done)
        dt_secret_move(&s->next_secret, &at);
    return DT_OK;
}

enum dt_err
mls_secret_tree_derive(const struct mls_secret_tree *t, uint32_t leaf, enum mls_ratchet_kind kind,
                       uint32_t generation, struct mls_tree_step *out)
{
    DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step s = {0};
    const struct mls_leaf_ratchets *l;
    const struct mls_ratchet *r;
    enum dt_err err = DT_OK;

    if (leaf >= t->n_leaves)
        return dt_fail(DT_ERR_RANGE, "leaf %u of %u", leaf, t->n_leaves);
    s.leaf = leaf;
    s.kind = kind;
    s.generation = generation;
    l = mls_secret_tree_leaf(t, leaf);
    if (l == NULL) {
        err = open_leaf(t, leaf, &s);
        l = s.opened;
    }
    if (err != DT_OK)
        return err;
    r = &l->ratchet[kind];
    if (r->done || generation < r->generation)
        err = take_kept(t->suite, r, generation, &s);
    else
        err = walk(t->suite, r, generation, &s);
    if (err != DT_OK)
        return err;
    mls_tree_step_clear(out);
    *out = s;
    s = (struct mls_tree_step){0};
    return DT_OK;
}

/* Note a change since the tree was saved; when they get too many, that all may have changed. */
static void
touch(struct mls_secret_tree *t, enum mls_touched_kind kind, uint32_t number)
{
    for (size_t i = 0; i < t->n_touched; i++)
        if (t->touched[i].kind == kind && t->touched[i].number == number)
            return;
    if (t->n_touched == MLS_TOUCHED_MAX)
        t->touched_all = true;
    else
        t->touched[t->n_touched++] = (struct mls_touched){kind, number};
}

/* RFC 9420 section 9.2: the path from the root to the leaf was consumed; its copath is what stays.
 */
static void
install_leaf(struct mls_secret_tree *t, struct mls_tree_step *s)
{
    uint32_t level;
    struct mls_secret_node *at = nearest(t, s->leaf, &level);

    if (at == NULL) /* cannot be: the step was derived from it */
        return;
    touch(t, MLS_TOUCHED_NODE, mls_leaf_ancestor(s->leaf, level));
    dt_secret_clear(&at->secret);
    at->child[0] = s->below[0];
    at->child[1] = s->below[1];
    s->below[0] = s->below[1] = NULL;
    for (; level > 0; level--) {
        touch(t, MLS_TOUCHED_NODE,
              mls_node_sibling(mls_leaf_ancestor(s->leaf, level - 1), t->n_leaves));
        at = at->child[mls_secret_side(s->leaf, level)];
    }
    at->ratchets = s->opened;
    s->opened = NULL;
}

static void
remove_kept(struct mls_ratchet *r, size_t at)
{
    dt_secret_clear(&r->kept[at].key_nonce);
    for (size_t i = at; i + 1 < r->n_kept; i++)
        r->kept[i] = r->kept[i + 1];
    r->n_kept--;
    r->kept[r->n_kept] = (struct mls_kept_key){0};
}

static void
advance(struct mls_ratchet *r, struct mls_tree_step *s)
{
    for (size_t i = 0; i < s->drop_old; i++)
        dt_secret_clear(&r->kept[i].key_nonce);
    for (size_t i = 0; i < s->n_old; i++)
        s->new_kept[i] = r->kept[s->drop_old + i];
    dt_free(r->kept);
    r->kept = s->new_kept;
    r->n_kept = s->n_old + s->n_new;
    s->new_kept = NULL;
    dt_secret_move(&r->secret, &s->next_secret);
    r->done = s->next_done;
    r->generation = s->next_done ? s->generation : s->generation + 1;
}

/* The node of ${leaf}, below ${t}->n_leaves; NULL when it was not reached. */
static struct mls_secret_node *
leaf_node(const struct mls_secret_tree *t, uint32_t leaf)
{
    return t->root == NULL ? NULL : mls_secret_find(t->root, t->n_leaves, 2 * leaf);
}

void
mls_secret_tree_apply(struct mls_secret_tree *t, struct mls_tree_step *step)
{
    struct mls_secret_node *at;
    struct mls_ratchet *r;

    if (step->opened != NULL)
        install_leaf(t, step);
    touch(t, MLS_TOUCHED_LEAF, step->leaf);
    at = leaf_node(t, step->leaf);
    if (at != NULL && at->ratchets != NULL) { /* always, as the step was derived from ${t} */
        r = &at->ratchets->ratchet[step->kind];
        if (step->from_kept)
            remove_kept(r, step->kept_at);
        else
            advance(r, step);
    }
    mls_tree_step_clear(step);
}

const struct mls_leaf_ratchets *
mls_secret_tree_leaf(const struct mls_secret_tree *t, uint32_t leaf)
{
    const struct mls_secret_node *at = leaf < t->n_leaves ? leaf_node(t, leaf) : NULL;

    return at == NULL ? NULL : at->ratchets;
}

uint32_t
mls_secret_tree_generation(const struct mls_secret_tree *t, uint32_t leaf,
                           enum mls_ratchet_kind kind)
{
    const struct mls_leaf_ratchets *l = mls_secret_tree_leaf(t, leaf);

    return l == NULL ? 0 : l->ratchet[kind].generation;
}

size_t
mls_secret_tree_skipped(const struct mls_secret_tree *t)
{
    struct mls_secret_walk w;
    size_t n = 0;

    for (mls_secret_walk_begin(&w, t->root, t->n_leaves); mls_secret_walk_next(&w);)
        if (w.node->ratchets != NULL)
            n += w.node->ratchets->ratchet[MLS_RATCHET_HANDSHAKE].n_kept +
                 w.node->ratchets->ratchet[MLS_RATCHET_APPLICATION].n_kept;
    return n;
}
