/*
 * mls/tree_verify.c - the leaves of a tree that came from outside, by several threads when the
 * caller allows them: joining a large group is little else than checking their signatures.
 *
 * Source: RFC 9420 sections 7.3 and 12.4.3.1. The threads read the tree and write nothing but which
 * leaf does not hold; what is wrong with it is then found by the caller's thread, so that the
 * error is the same as with one thread. A thread that cannot be had only makes it take longer.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "mls/tree_check.h"

/* Leaves that a thread takes at once: some milliseconds of work. */
#define SHARE 32u

struct verifying {
    const struct mls_tree *t;
    struct dt_view group_id;
    const struct mls_leaf_rules *rules;
    atomic_uint_fast32_t next; /* the first leaf that nobody has taken */
    atomic_uint_fast32_t bad;  /* the first leaf that does not hold, of those that were looked at */
};

static enum dt_err
verify_leaf(const struct verifying *v, uint32_t leaf)
{
    const struct mls_leaf_node *l = mls_tree_leaf(v->t, leaf);
    enum dt_err err;

    if (l == NULL)
        return DT_OK;
    err = mls_leaf_node_check(l, 0, v->rules);
    if (err == DT_OK)
        err = mls_leaf_node_verify(v->t->suite, l, v->group_id, leaf);
    return err;
}

static void
note_bad(struct verifying *v, uint32_t leaf)
{
    uint_fast32_t before = atomic_load(&v->bad);

    while (leaf < before && !atomic_compare_exchange_weak(&v->bad, &before, leaf))
        ;
}

static void *
work(void *arg)
{
    struct verifying *v = arg;

    for (;;) {
        uint32_t from = (uint32_t)atomic_fetch_add(&v->next, SHARE);

        /* Beyond one that does not hold there is nothing to find out. */
        if (from >= v->t->n_leaves || from > atomic_load(&v->bad))
            return NULL;
        for (uint32_t i = from; i < v->t->n_leaves && i < from + SHARE; i++) {
            if (verify_leaf(v, i) != DT_OK) {
                note_bad(v, i);
                break;
            }
        }
    }
}

/* All leaves up to the returned one hold. */
static uint32_t
verify_together(struct verifying *v, uint32_t threads)
{
    pthread_t helpers[MLS_THREADS_MAX];
    sigset_t all, before;
    uint32_t n = 0;

    /* The program's signals are for the program's threads. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (n + 1 < threads && pthread_create(&helpers[n], NULL, work, v) == 0)
        n++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)work(v);
    while (n > 0)
        (void)pthread_join(helpers[--n], NULL);
    return (uint32_t)atomic_load(&v->bad);
}

enum dt_err
mls_tree_verify_leaves(const struct mls_tree *t, struct dt_view group_id,
                       const struct mls_leaf_rules *rules)
{
    struct verifying v = {.t = t, .group_id = group_id, .rules = rules};
    uint32_t threads = rules->threads < MLS_THREADS_MAX ? rules->threads : MLS_THREADS_MAX;
    uint32_t from = 0;
    enum dt_err err;

    if (threads > t->n_leaves / SHARE)
        threads = t->n_leaves / SHARE;
    atomic_init(&v.next, 0);
    atomic_init(&v.bad, t->n_leaves);
    if (threads > 1)
        from = verify_together(&v, threads);
    for (uint32_t i = from; i < t->n_leaves; i++)
        if ((err = verify_leaf(&v, i)) != DT_OK)
            return dt_fail_context(err, "leaf %u", i);
    return DT_OK;
}
