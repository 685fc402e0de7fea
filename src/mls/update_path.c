/* mls/update_path.c - the UpdatePath structure; see treekem.h. */
#include "base/mem.h"

#include "mls/treekem.h"

/* RFC 9420 section 7.6: UpdatePathNode. Its ciphertexts are checked here and walked later. */
static enum dt_err
read_node(struct dt_reader *r, struct mls_update_path_node *out)
{
    struct mls_update_path_node node = {0};
    struct mls_hpke_ciphertext ct;
    struct dt_reader sub;
    enum dt_err err;

    if ((err = dt_read_vec(r, MLS_PUB_MAX, &node.encryption_key)) != DT_OK ||
        (err = dt_read_vec(r, MLS_UPDATE_PATH_MAX, &node.ciphertexts)) != DT_OK)
        return err;
    sub = dt_reader_init(node.ciphertexts);
    for (; sub.n > 0; node.n_ciphertexts++)
        if ((err = mls_hpke_ciphertext_read(&sub, MLS_CIPHERTEXT_MAX, &ct)) != DT_OK)
            return err;
    *out = node;
    return DT_OK;
}

static enum dt_err
read_fields(struct dt_reader *r, struct mls_update_path *p)
{
    struct dt_reader sub;
    enum dt_err err;

    if ((err = mls_leaf_node_read(r, &p->leaf)) != DT_OK ||
        (err = dt_read_sub(r, MLS_UPDATE_PATH_MAX, &sub)) != DT_OK)
        return err;
    while (sub.n > 0) {
        if (p->n_nodes == MLS_DEPTH_MAX)
            return dt_fail(DT_ERR_LIMIT, "an update path has too many nodes");
        if ((err = read_node(&sub, &p->nodes[p->n_nodes])) != DT_OK)
            return err;
        p->n_nodes++;
    }
    return DT_OK;
}

enum dt_err
mls_update_path_read(struct dt_reader *r, struct mls_update_path **out)
{
    struct dt_reader probe = *r, own;
    struct mls_update_path scratch = {0}, *p = NULL;
    struct dt_view raw;
    enum dt_err err;

    if ((err = read_fields(&probe, &scratch)) != DT_OK)
        goto done;
    if ((p = dt_alloc(1, sizeof *p)) == NULL) {
        err = dt_nomem();
        goto done;
    }
    p->refs = 1;
    dt_buf_init(&p->raw, MLS_UPDATE_PATH_MAX); /* LIMIT: no longer one than that */
    if ((err = dt_read_view(r, r->n - probe.n, &raw)) != DT_OK ||
        (err = dt_buf_set(&p->raw, raw)) != DT_OK)
        goto done;
    own = dt_reader_init(dt_buf_view(&p->raw));
    if ((err = read_fields(&own, p)) != DT_OK)
        goto done;
    *out = p;
    p = NULL;
done:
    mls_leaf_node_unref(scratch.leaf);
    mls_update_path_unref(p);
    return err;
}

void
mls_update_path_write(struct dt_writer *w, const struct mls_update_path *p)
{
    dt_write_view(w, dt_buf_view(&p->raw));
}

struct mls_update_path *
mls_update_path_ref(struct mls_update_path *p)
{
    p->refs++;
    return p;
}

void
mls_update_path_unref(struct mls_update_path *p)
{
    if (p == NULL || --p->refs > 0)
        return;
    mls_leaf_node_unref(p->leaf);
    dt_buf_clear(&p->raw);
    dt_free(p);
}

void
mls_update_path_unref_p(struct mls_update_path **p)
{
    mls_update_path_unref(*p);
    *p = NULL;
}
