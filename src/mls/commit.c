/*
 * mls/commit.c - see commit.h.
 */
#include "base/mem.h"
#include "mls/group_limits.h"

#include "mls/commit.h"

enum { BY_VALUE = 1, BY_REFERENCE = 2 };

void
mls_commit_clear(struct mls_commit *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n; i++)
        mls_proposal_unref(c->proposals[i].proposal);
    dt_free(c->proposals);
    mls_update_path_unref(c->path);
    *c = (struct mls_commit){0};
}

enum dt_err
mls_commit_add(struct mls_commit *c, struct mls_proposal *p, struct dt_view reference)
{
    if (c->n >= MLS_COMMIT_PROPOSALS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %u proposals in a Commit",
                       MLS_COMMIT_PROPOSALS_MAX);
    /* Grown at powers of two, so that the size follows from n alone. */
    if ((c->n & (c->n - 1)) == 0) {
        size_t cap = c->n == 0 ? 1 : 2 * c->n;
        struct mls_proposal_or_ref *more = dt_realloc(c->proposals, cap, sizeof *more);

        if (more == NULL)
            return dt_nomem();
        c->proposals = more;
    }
    c->proposals[c->n].proposal = p == NULL ? NULL : mls_proposal_ref(p);
    c->proposals[c->n].reference = reference;
    c->n++;
    return DT_OK;
}

static enum dt_err
proposal_or_ref_read(struct dt_reader *r, struct mls_commit *c)
{
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
    struct dt_view reference = {0};
    uint8_t type;
    enum dt_err err = dt_read_u8(r, &type);

    if (err != DT_OK)
        return err;
    if (type == BY_VALUE)
        err = mls_proposal_read(r, &p);
    else if (type == BY_REFERENCE)
        err = dt_read_vec(r, MLS_HASH_MAX, &reference);
    else
        err = dt_fail(DT_ERR_FORMAT, "a proposal is neither by value nor by reference");
    if (err == DT_OK)
        err = mls_commit_add(c, p, reference);
    return err;
}

enum dt_err
mls_commit_read(struct dt_reader *r, struct mls_commit *out)
{
    DT_CLEANUP(mls_commit_clear) struct mls_commit c = {0};
    struct dt_reader list;
    bool has_path = false;
    enum dt_err err = dt_read_sub(r, MLS_MESSAGE_MAX, &list);

    while (err == DT_OK && list.n > 0 && !c.too_many) {
        c.too_many = c.n == MLS_COMMIT_PROPOSALS_MAX;
        if (!c.too_many)
            err = proposal_or_ref_read(&list, &c);
    }
    if (err == DT_OK)
        err = dt_read_optional(r, &has_path);
    if (err == DT_OK && has_path)
        err = mls_update_path_read(r, &c.path);
    if (err != DT_OK)
        return err;
    *out = c;
    c = (struct mls_commit){0};
    return DT_OK;
}

void
mls_commit_write(struct dt_writer *w, const struct mls_commit *c)
{
    size_t mark = dt_write_vec_begin(w);

    for (size_t i = 0; i < c->n; i++) {
        if (c->proposals[i].proposal != NULL) {
            dt_write_u8(w, BY_VALUE);
            mls_proposal_write(w, c->proposals[i].proposal);
        } else {
            dt_write_u8(w, BY_REFERENCE);
            dt_write_vec(w, c->proposals[i].reference);
        }
    }
    dt_write_vec_end(w, mark);
    dt_write_optional(w, c->path != NULL);
    if (c->path != NULL)
        mls_update_path_write(w, c->path);
}
