/*
 * bench/world.c - see world.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "world.h"

static const struct dt_view group_id = {(const uint8_t *)"a group to measure", 18};
static const struct mls_group_policy policy = {.past_epochs = 3};

struct mls_time_policy
bench_clock(void)
{
    struct mls_time_policy p = {.check = true,
                                .now_ms = BENCH_NOW_S * 1000,
                                .max_total_ms = UINT64_C(4) * 86400000,
                                .skew_ms = 3600000};

    return p;
}

struct mls_leaf_params
bench_leaf(const struct bench_world *w, const struct bench_member *m)
{
    struct mls_leaf_params leaf = {.suite = w->suite->id,
                                   .signature_priv = dt_secret_view(&m->sig_priv),
                                   .signature_pub = dt_view(m->sig_pub, w->suite->sig_pub_len),
                                   .identity = dt_view_str(m->identity),
                                   .allow_malleable = true};

    return leaf;
}

struct mls_group_params
bench_group_params(const struct bench_world *w, const struct bench_member *m)
{
    struct mls_group_params p = {.leaf = bench_leaf(w, m),
                                 .group_id = group_id,
                                 .not_before_s = BENCH_NOW_S - 3600,
                                 .not_after_s = BENCH_NOW_S + 86400,
                                 .policy = policy};

    return p;
}

enum dt_err
bench_key_package(const struct bench_world *w, const struct bench_member *m, struct dt_buf *out,
                  struct mls_key_bundle *bundle)
{
    struct mls_leaf_params leaf = bench_leaf(w, m);
    struct mls_typed_list none = {NULL, 0};

    return mls_key_package_new(&leaf, BENCH_NOW_S - 3600, BENCH_NOW_S + 86400, none, out, bundle);
}

enum dt_err
bench_join(const struct bench_world *w, const struct bench_member *m, struct dt_view welcome,
           uint32_t threads, struct mls_group **out)
{
    struct mls_join_params params = {.welcome = welcome,
                                     .key_package = dt_buf_view(&m->key_package),
                                     .bundle = &m->bundle,
                                     .signature_priv = dt_secret_view(&m->sig_priv),
                                     .lifetime = bench_clock(),
                                     .allow_malleable = true,
                                     .threads = threads,
                                     .policy = policy};

    (void)w;
    return mls_group_join(&params, out, NULL);
}

enum dt_err
bench_add_all(const struct bench_world *w, struct mls_group *g, struct dt_buf *welcome,
              size_t *commit_bytes)
{
    struct dt_view *adds = dt_alloc(w->n, sizeof *adds);
    struct mls_commit_opts opts = {.adds = adds, .lifetime = bench_clock()};
    struct mls_commit_out out = {0};
    enum dt_err err = DT_OK;

    if (adds == NULL)
        return dt_nomem();
    *commit_bytes = 0;
    for (uint32_t at = 1; err == DT_OK && at < w->n; at += (uint32_t)opts.n_adds) {
        opts.n_adds = w->n - at < MLS_COMMIT_PROPOSALS_MAX ? w->n - at : MLS_COMMIT_PROPOSALS_MAX;
        for (size_t i = 0; i < opts.n_adds; i++)
            adds[i] = dt_buf_view(&w->m[at + i].key_package);
        err = mls_group_commit(g, &opts, &out);
        *commit_bytes += out.commit.n;
        if (err == DT_OK)
            err = mls_group_take_pending(g, BENCH_NOW_S * 1000);
    }
    dt_buf_move(welcome, &out.welcome);
    mls_commit_out_clear(&out);
    dt_free(adds);
    return err;
}

static enum dt_err
member_new(const struct bench_world *w, struct bench_member *m, uint32_t number)
{
    enum dt_err err;

    (void)snprintf(m->identity, sizeof m->identity, "member %u", number);
    dt_buf_init(&m->key_package, MLS_MESSAGE_MAX);
    err = dt_suite_sig_new(w->suite, &m->sig_priv, m->sig_pub);
    if (err == DT_OK)
        err = bench_key_package(w, m, &m->key_package, &m->bundle);
    return err;
}

/* ---- a full tree ---- */

/* All that a view of one member is put together from. */
struct full {
    struct mls_tree tree;
    struct dt_secret *leaf_priv; /* by leaf */
    struct dt_secret *node_priv; /* by parent: node / 2 */
    struct mls_group_context context;
    struct dt_secret joiner;
    struct dt_secret psk;
    uint8_t interim[DT_HASH_MAX];
};

static void
full_clear(struct full *f)
{
    for (uint32_t i = 0; f->leaf_priv != NULL && i < f->tree.n_leaves; i++)
        dt_secret_clear(&f->leaf_priv[i]);
    for (uint32_t i = 0; f->node_priv != NULL && i < f->tree.n_leaves; i++)
        dt_secret_clear(&f->node_priv[i]);
    dt_free(f->leaf_priv);
    dt_free(f->node_priv);
    mls_tree_clear(&f->tree);
    mls_group_context_clear(&f->context);
    dt_secret_clear(&f->joiner);
    dt_secret_clear(&f->psk);
}

/* The member at ${leaf} makes a path, as in a Commit of its own. */
static enum dt_err
one_path(const struct bench_world *w, struct full *f, uint32_t leaf)
{
    struct mls_leaf_node *old = mls_tree_leaf_ref(&f->tree, leaf);
    struct mls_leaf_fields fields;
    struct mls_path path = {0};
    enum dt_err err;

    mls_leaf_fields_from(&fields, old);
    err = mls_path_begin(&f->tree, leaf, &fields, dt_secret_view(&w->m[leaf].sig_priv), group_id,
                         &path);
    if (err == DT_OK)
        dt_secret_move(&f->leaf_priv[leaf], &path.priv.leaf_priv);
    for (uint32_t i = 0; err == DT_OK && i < path.shape.n; i++) {
        uint32_t node = path.shape.nodes[i];

        dt_secret_move(&f->node_priv[node / 2], &path.priv.node_priv[mls_node_level(node) - 1]);
    }
    mls_path_clear(&path);
    mls_leaf_node_unref(old);
    return err;
}

/* As who joins checks it. */
static enum dt_err
check(const struct bench_world *w, struct full *f)
{
    struct mls_leaf_rules rules = {.suite = w->suite};
    uint8_t hash[DT_HASH_MAX];
    enum dt_err err = mls_tree_hash(&f->tree, hash);

    return err != DT_OK
               ? err
               : mls_tree_check(&f->tree, group_id, &rules, dt_view(hash, w->suite->hash_len));
}

/* What all members share at some later epoch. */
static enum dt_err
shared_state(const struct bench_world *w, struct full *f)
{
    uint8_t hash[DT_HASH_MAX], confirmed[DT_HASH_MAX];
    size_t n = w->suite->hash_len;
    enum dt_err err;

    if ((err = dt_secret_random(&f->joiner, n)) != DT_OK ||
        (err = dt_secret_random(&f->psk, n)) != DT_OK ||
        (err = dt_random(f->interim, n)) != DT_OK || (err = dt_random(confirmed, n)) != DT_OK ||
        (err = mls_tree_hash(&f->tree, hash)) != DT_OK)
        return err;
    return mls_group_context_new(w->suite->id, group_id, w->n + 1, dt_view(hash, n),
                                 dt_view(confirmed, n), dt_view(NULL, 0), &f->context);
}

/* The group as the member at ${leaf} has it. */
static enum dt_err
view_of(const struct bench_world *w, struct full *f, uint32_t leaf, struct mls_group **out)
{
    struct mls_group *g = mls_group_new(w->suite, &policy);
    const struct mls_group_context *c = &f->context;
    uint8_t pub[MLS_PUB_MAX];
    enum dt_err err;

    if (g == NULL)
        return dt_nomem();
    g->own_leaf = g->priv.leaf_index = leaf;
    if ((err = mls_tree_copy(&f->tree, &g->tree)) != DT_OK ||
        (err = mls_group_context_new(w->suite->id, c->group_id, c->epoch, c->tree_hash,
                                     c->confirmed_transcript_hash, c->extensions.raw,
                                     &g->context)) != DT_OK ||
        (err = dt_buf_set(&g->interim, dt_view(f->interim, w->suite->hash_len))) != DT_OK ||
        (err = dt_suite_sig_ready(w->suite, dt_secret_view(&w->m[leaf].sig_priv),
                                  &g->signature_priv, pub)) != DT_OK ||
        (err =
             mls_epoch_secrets_derive(w->suite, dt_secret_view(&f->joiner), dt_secret_view(&f->psk),
                                      dt_buf_view(&c->raw), &g->secrets)) != DT_OK ||
        (err = mls_secret_tree_init(&g->keys, w->suite, g->tree.n_leaves,
                                    &g->secrets.encryption)) != DT_OK ||
        (err = dt_secret_set(&g->priv.leaf_priv, dt_secret_view(&f->leaf_priv[leaf]))) != DT_OK)
        goto done;
    for (uint32_t level = 1; err == DT_OK && (1u << level) <= g->tree.n_leaves; level++) {
        uint32_t node = mls_leaf_ancestor(leaf, level);

        if (!mls_tree_is_blank(&f->tree, node))
            err = dt_secret_set(&g->priv.node_priv[level - 1],
                                dt_secret_view(&f->node_priv[node / 2]));
    }
    if (err == DT_OK)
        err = mls_tree_priv_check(w->suite, &g->priv, &g->tree);
done:
    if (err == DT_OK)
        *out = g;
    else
        mls_group_free(g);
    return err;
}

/* From the flat group of the sender: all make a path, and the receiver sits beside the sender. */
static enum dt_err
make_full(struct bench_world *w)
{
    struct full f = {0};
    enum dt_err err;

    mls_tree_init(&f.tree, w->suite);
    if ((err = mls_tree_copy(&w->sender->tree, &f.tree)) != DT_OK)
        goto done;
    mls_group_free(w->sender);
    w->sender = NULL;
    f.leaf_priv = dt_alloc(f.tree.n_leaves, sizeof *f.leaf_priv);
    f.node_priv = dt_alloc(f.tree.n_leaves, sizeof *f.node_priv);
    if (f.leaf_priv == NULL || f.node_priv == NULL) {
        err = dt_nomem();
        goto done;
    }
    for (uint32_t i = 0; err == DT_OK && i < w->n; i++)
        err = one_path(w, &f, i);
    w->receiver_index = 1;
    if (err == DT_OK)
        err = check(w, &f);
    if (err != DT_OK || (err = shared_state(w, &f)) != DT_OK ||
        (err = view_of(w, &f, 0, &w->sender)) != DT_OK ||
        (err = view_of(w, &f, w->receiver_index, &w->receiver)) != DT_OK)
        goto done;
done:
    full_clear(&f);
    return err;
}

enum dt_err
bench_world_init(struct bench_world *w, const struct dt_suite *suite, uint32_t n, bool full)
{
    struct dt_buf welcome = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_group_params params;
    size_t bytes;
    enum dt_err err = DT_OK;

    w->suite = suite;
    w->n = n;
    w->full = full;
    w->m = dt_alloc(n + 1, sizeof *w->m);
    if (w->m == NULL)
        return dt_nomem();
    for (uint32_t i = 0; err == DT_OK && i <= n; i++)
        err = member_new(w, &w->m[i], i);
    if (err != DT_OK)
        return err;
    params = bench_group_params(w, &w->m[0]);
    if ((err = mls_group_create(&params, &w->sender)) != DT_OK ||
        (err = bench_add_all(w, w->sender, &welcome, &bytes)) != DT_OK)
        goto done;
    if (full) {
        err = make_full(w);
    } else {
        /* Of those whom the last Commit added. */
        w->receiver_index = n - 1;
        err = bench_join(w, &w->m[w->receiver_index], dt_buf_view(&welcome), 1, &w->receiver);
    }
done:
    dt_buf_clear(&welcome);
    return err;
}

void
bench_world_clear(struct bench_world *w)
{
    mls_group_free(w->sender);
    mls_group_free(w->receiver);
    for (uint32_t i = 0; w->m != NULL && i <= w->n; i++) {
        dt_secret_clear(&w->m[i].sig_priv);
        dt_buf_clear(&w->m[i].key_package);
        mls_key_bundle_clear(&w->m[i].bundle);
    }
    dt_free(w->m);
    *w = (struct bench_world){0};
}
