/*
 * mls/group_psk.c - pre-shared keys: finding the value of one, the resumption PSKs of ended epochs.
 *
 * Source: RFC 9420 sections 8.4 and 8.6. The number and the age of what is kept are the policy's.
 */
#include <string.h>

#include "base/mem.h"

#include "mls/group_internal.h"

/* The value of the resumption PSK of ${epoch} that ${g} holds itself; NULL when it does not. */
static const struct dt_secret *
own_resumption(const struct mls_group *g, uint64_t epoch)
{
    if (!g->member)
        return NULL;
    if (epoch == g->context.epoch)
        return &g->secrets.resumption_psk;
    for (size_t i = 0; i < g->n_kept; i++)
        if (g->kept[i].epoch == epoch)
            return &g->kept[i].value;
    return NULL;
}

enum dt_err
mls_group_resumption_psk(const struct mls_group *g, uint64_t epoch, struct dt_secret *out)
{
    const struct dt_secret *value = own_resumption(g, epoch);

    if (value == NULL)
        return dt_fail(DT_ERR_NOT_FOUND, "no resumption PSK of that epoch is held");
    return dt_secret_set(out, dt_secret_view(value));
}

static bool
names(const struct mls_psk *psk, const struct mls_psk_id *id)
{
    if (id->type == MLS_PSK_EXTERNAL)
        return !psk->resumption && dt_view_equal(psk->id, id->id);
    /* One without a value stands in a list only to have its group look it up. */
    return psk->resumption && psk->value.n > 0 && psk->epoch == id->epoch &&
           dt_view_equal(psk->id, id->group_id);
}

enum dt_err
mls_psk_value(const struct mls_group *g, struct mls_psk_list psks, const struct mls_psk_id *id,
              struct dt_view *out)
{
    const struct dt_secret *own = NULL;

    if (g != NULL && id->type == MLS_PSK_RESUMPTION &&
        dt_view_equal(id->group_id, g->context.group_id))
        own = own_resumption(g, id->epoch);
    if (own != NULL) {
        *out = dt_secret_view(own);
        return DT_OK;
    }
    for (size_t i = 0; i < psks.n; i++) {
        if (names(&psks.v[i], id)) {
            *out = psks.v[i].value;
            return DT_OK;
        }
    }
    return dt_fail(DT_ERR_NOT_FOUND, "a pre-shared key that is needed is not held here");
}

enum dt_err
mls_group_psk_secret(const struct mls_group *g, const struct mls_proposal_list *list,
                     struct mls_psk_list psks, struct mls_psk_list more, struct dt_secret *out)
{
    struct mls_psk_input inputs[MLS_PSKS_MAX];
    size_t n = 0;
    enum dt_err err;

    for (size_t i = 0; i < list->n; i++) {
        const struct mls_proposal *p = list->v[i].proposal;

        if (p->type != MLS_PROPOSAL_PSK)
            continue;
        if (n >= MLS_PSKS_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %u PSKs", MLS_PSKS_MAX);
        if ((err = mls_psk_value(g, psks, &p->psk, &inputs[n].value)) != DT_OK &&
            (err = mls_psk_value(g, more, &p->psk, &inputs[n].value)) != DT_OK)
            return err;
        /* A proposal of type psk is its type (uint16) and the PreSharedKeyID. */
        inputs[n].id = dt_view(p->raw.p + 2, p->raw.n - 2);
        n++;
    }
    return mls_psk_secret(g->suite, inputs, n, out);
}

/* ---- ended epochs ---- */

static void
drop_last(struct mls_group *g)
{
    g->changed.all = true;
    g->n_kept--;
    dt_secret_clear(&g->kept[g->n_kept].value);
}

void
mls_group_kept_clear(struct mls_group *g)
{
    while (g->n_kept > 0)
        drop_last(g);
}

void
mls_group_kept_push(struct mls_group *g, uint64_t now_ms)
{
    if (g->policy.resumption_psks == 0)
        return;
    while (g->n_kept > 0 && g->n_kept >= g->policy.resumption_psks)
        drop_last(g);
    memmove(&g->kept[1], &g->kept[0], g->n_kept * sizeof g->kept[0]);
    g->kept[0] = (struct mls_kept_psk){.epoch = g->context.epoch, .ended_ms = now_ms};
    dt_secret_move(&g->kept[0].value, &g->secrets.resumption_psk);
    g->n_kept++;
}

void
mls_group_kept_expire(struct mls_group *g, uint64_t now_ms)
{
    if (g->policy.resumption_age_ms == 0)
        return;
    /* Newest first; a clock that went back expires nothing. */
    while (g->n_kept > 0) {
        uint64_t ended = g->kept[g->n_kept - 1].ended_ms;

        if (now_ms < ended || now_ms - ended < g->policy.resumption_age_ms)
            return;
        drop_last(g);
    }
}
