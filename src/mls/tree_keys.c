/* mls/tree_keys.c - see tree_keys.h. */
#include <string.h>

#include "base/mem.h"

#include "mls/tree_keys.h"

#define BUCKET_MEAN 24u /* entries of a bucket when the index is built */
#define BUCKET_FULL 64u /* mean that makes it be spread over more */

struct mls_key_bucket {
    unsigned refs;
    uint32_t n;
    uint32_t cap;
    uint64_t v[]; /* in no order */
};

static struct mls_key_bucket *
bucket_new(uint32_t cap)
{
    struct mls_key_bucket *b = dt_alloc(1, sizeof *b + cap * sizeof b->v[0]);

    if (b != NULL) {
        b->refs = 1;
        b->cap = cap;
    }
    return b;
}

static void
bucket_unref(struct mls_key_bucket *b)
{
    if (b != NULL && --b->refs == 0)
        dt_free(b);
}

void
mls_tree_keys_clear(struct mls_tree_keys *k)
{
    for (uint32_t i = 0; i < k->n_buckets; i++)
        bucket_unref(k->buckets[i]);
    dt_free(k->buckets);
    *k = (struct mls_tree_keys){0};
}

enum dt_err
mls_tree_keys_copy(const struct mls_tree_keys *k, struct mls_tree_keys *out)
{
    struct mls_tree_keys c = *k;

    if (k->n_buckets == 0)
        return DT_OK;
    c.buckets = dt_alloc(k->n_buckets, sizeof(struct mls_key_bucket *));
    if (c.buckets == NULL)
        return dt_nomem();
    for (uint32_t i = 0; i < k->n_buckets; i++) {
        c.buckets[i] = k->buckets[i];
        if (c.buckets[i] != NULL)
            c.buckets[i]->refs++;
    }
    *out = c;
    return DT_OK;
}

enum dt_err
mls_tree_keys_init(struct mls_tree_keys *k, uint32_t n)
{
    uint32_t n_buckets = 1;

    while (n_buckets * BUCKET_MEAN < n)
        n_buckets *= 2;
    mls_tree_keys_clear(k);
    k->buckets = dt_alloc(n_buckets, sizeof(struct mls_key_bucket *));
    if (k->buckets == NULL)
        return dt_nomem();
    k->n_buckets = n_buckets;
    return DT_OK;
}

/* The bucket of ${fingerprint}, ours alone and with room for one more. */
static struct mls_key_bucket *
own(struct mls_tree_keys *k, uint64_t fingerprint)
{
    struct mls_key_bucket **slot = &k->buckets[fingerprint & (k->n_buckets - 1)], *old = *slot,
                          *fresh;
    uint32_t n = old == NULL ? 0 : old->n;

    if (old != NULL && old->refs == 1 && n < old->cap)
        return old;
    fresh = bucket_new(n + n / 2 + 8);
    if (fresh == NULL)
        return NULL;
    if (old != NULL)
        memcpy(fresh->v, old->v, n * sizeof old->v[0]);
    fresh->n = n;
    bucket_unref(old);
    *slot = fresh;
    return fresh;
}

static enum dt_err
put(struct mls_tree_keys *k, uint64_t fingerprint)
{
    struct mls_key_bucket *b = own(k, fingerprint);

    if (b == NULL) {
        mls_tree_keys_clear(k);
        return dt_nomem();
    }
    b->v[b->n++] = fingerprint;
    k->n++;
    return DT_OK;
}

/* The same keys in as many buckets as their number asks for. */
static enum dt_err
spread(struct mls_tree_keys *k)
{
    struct mls_tree_keys wide = {0};
    enum dt_err err = mls_tree_keys_init(&wide, k->n);

    for (uint32_t i = 0; err == DT_OK && i < k->n_buckets; i++)
        for (uint32_t at = 0; err == DT_OK && k->buckets[i] != NULL && at < k->buckets[i]->n; at++)
            err = put(&wide, k->buckets[i]->v[at]);
    mls_tree_keys_clear(k);
    *k = wide;
    return err;
}

enum dt_err
mls_tree_keys_add(struct mls_tree_keys *k, uint64_t fingerprint)
{
    enum dt_err err = DT_OK;

    if (k->n / k->n_buckets >= BUCKET_FULL)
        err = spread(k);
    return err == DT_OK ? put(k, fingerprint) : err;
}

enum dt_err
mls_tree_keys_remove(struct mls_tree_keys *k, uint64_t fingerprint)
{
    struct mls_key_bucket *b;

    if (mls_tree_keys_count(k, fingerprint) == 0)
        return DT_OK;
    b = own(k, fingerprint);
    if (b == NULL) {
        mls_tree_keys_clear(k);
        return dt_nomem();
    }
    for (uint32_t i = 0; i < b->n; i++) {
        if (b->v[i] == fingerprint) {
            b->v[i] = b->v[--b->n];
            k->n--;
            break;
        }
    }
    return DT_OK;
}

size_t
mls_tree_keys_count(const struct mls_tree_keys *k, uint64_t fingerprint)
{
    const struct mls_key_bucket *b =
        k->n_buckets == 0 ? NULL : k->buckets[fingerprint & (k->n_buckets - 1)];
    size_t n = 0;

    for (uint32_t i = 0; b != NULL && i < b->n; i++)
        n += b->v[i] == fingerprint;
    return n;
}
