/*
 * agent/form/warrant.c - see warrant.h.
 */
#include <string.h>

#include "base/wire.h"
#include "crypto/crypto.h"

#include "agent/form/warrant.h"

#define SMALL_MAX    512u
#define APPROVAL_MAX (DT_LETTER_MAX + SMALL_MAX)

/* ---- approval ---- */

static void
write_approval(struct dt_writer *w, const struct dt_approval *a)
{
    dt_write_view(w, dt_view_of(a->forum));
    dt_write_view(w, dt_view_of(a->group_id));
    dt_write_view(w, dt_view_of(a->founding_hash));
    dt_write_view(w, dt_view_of(a->letter_hash));
    dt_write_view(w, dt_view_of(a->invitation_id));
    dt_write_u64(w, a->epoch_from);
    dt_write_u8(w, a->party);
    dt_write_optional(w, !a->by_root);
    if (!a->by_root)
        dt_write_vec(w, a->letter);
}

static enum dt_err
approval_body(const struct dt_approval *a, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    write_approval(&w, a);
    return dt_writer_end(&w);
}

enum dt_err
dt_approval_sign(struct dt_approval *a, struct dt_view seed)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(APPROVAL_MAX);
    enum dt_err err = approval_body(a, &b);

    if (err == DT_OK)
        err = dt_label_sign(seed, "approval", dt_buf_view(&b), a->signature);
    return err;
}

enum dt_err
dt_approval_verify(const struct dt_approval *a, struct dt_view pub)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(APPROVAL_MAX);
    enum dt_err err = approval_body(a, &b);

    if (err == DT_OK)
        err = dt_label_verify(pub, "approval", dt_buf_view(&b), dt_view_of(a->signature));
    return dt_fail_context(err, "approval");
}

bool
dt_approval_holds(const struct dt_approval *a, uint64_t epoch)
{
    return epoch >= a->epoch_from && epoch - a->epoch_from <= DT_APPROVAL_EPOCHS;
}

enum dt_err
dt_approval_encode(const struct dt_approval *a, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    write_approval(&w, a);
    dt_write_view(&w, dt_view_of(a->signature));
    return dt_writer_end(&w);
}

enum dt_err
dt_approval_decode(struct dt_view bytes, struct dt_approval *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_approval a = {0};
    bool has_letter = false;
    enum dt_err err;

    if ((err = dt_read_fixed(&r, a.forum, sizeof a.forum)) != DT_OK ||
        (err = dt_read_fixed(&r, a.group_id, sizeof a.group_id)) != DT_OK ||
        (err = dt_read_fixed(&r, a.founding_hash, sizeof a.founding_hash)) != DT_OK ||
        (err = dt_read_fixed(&r, a.letter_hash, sizeof a.letter_hash)) != DT_OK ||
        (err = dt_read_fixed(&r, a.invitation_id, sizeof a.invitation_id)) != DT_OK ||
        (err = dt_read_u64(&r, &a.epoch_from)) != DT_OK ||
        (err = dt_read_u8(&r, &a.party)) != DT_OK ||
        (err = dt_read_optional(&r, &has_letter)) != DT_OK ||
        (has_letter && (err = dt_read_vec(&r, DT_LETTER_MAX, &a.letter)) != DT_OK) ||
        (err = dt_read_fixed(&r, a.signature, sizeof a.signature)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        goto done;
    a.by_root = !has_letter;
    *out = a;

done:
    return dt_fail_context(err, "approval");
}

/* ---- leave ---- */

static enum dt_err
leave_body(const struct dt_leave *l, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_view(&w, dt_view_of(l->forum));
    dt_write_view(&w, dt_view_of(l->group_id));
    dt_write_view(&w, dt_view_of(l->invitation_id));
    return dt_writer_end(&w);
}

enum dt_err
dt_leave_sign(struct dt_leave *l, struct dt_view seed)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(SMALL_MAX);
    enum dt_err err = leave_body(l, &b);

    return err != DT_OK ? err : dt_label_sign(seed, "leave", dt_buf_view(&b), l->signature);
}

enum dt_err
dt_leave_verify(const struct dt_leave *l, struct dt_view pub)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(SMALL_MAX);
    enum dt_err err = leave_body(l, &b);

    if (err == DT_OK)
        err = dt_label_verify(pub, "leave", dt_buf_view(&b), dt_view_of(l->signature));
    return dt_fail_context(err, "leave");
}

enum dt_err
dt_leave_encode(const struct dt_leave *l, struct dt_buf *out)
{
    enum dt_err err = leave_body(l, out);

    return err != DT_OK ? err : dt_buf_append(out, dt_view_of(l->signature));
}

enum dt_err
dt_leave_decode(struct dt_view bytes, struct dt_leave *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_leave l = {0};
    enum dt_err err;

    if ((err = dt_read_fixed(&r, l.forum, sizeof l.forum)) == DT_OK &&
        (err = dt_read_fixed(&r, l.group_id, sizeof l.group_id)) == DT_OK &&
        (err = dt_read_fixed(&r, l.invitation_id, sizeof l.invitation_id)) == DT_OK &&
        (err = dt_read_fixed(&r, l.signature, sizeof l.signature)) == DT_OK &&
        (err = dt_read_end(&r)) == DT_OK)
        *out = l;
    return dt_fail_context(err, "leave");
}

/* ---- re-join ---- */

static enum dt_err
rejoin_body(const struct dt_rejoin *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_view(&w, dt_view_of(x->forum));
    dt_write_view(&w, dt_view_of(x->group_id));
    dt_write_view(&w, dt_view_of(x->old_session_key));
    dt_write_view(&w, dt_view_of(x->old_invitation_id));
    dt_write_view(&w, dt_view_of(x->invitation_id));
    dt_write_view(&w, dt_view_of(x->letter_hash));
    return dt_writer_end(&w);
}

enum dt_err
dt_rejoin_sign(struct dt_rejoin *x, struct dt_view seed)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(SMALL_MAX);
    enum dt_err err = rejoin_body(x, &b);

    return err != DT_OK ? err : dt_label_sign(seed, "rejoin", dt_buf_view(&b), x->signature);
}

enum dt_err
dt_rejoin_verify(const struct dt_rejoin *x, struct dt_view pub)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(SMALL_MAX);
    enum dt_err err = rejoin_body(x, &b);

    if (err == DT_OK)
        err = dt_label_verify(pub, "rejoin", dt_buf_view(&b), dt_view_of(x->signature));
    return dt_fail_context(err, "re-join request");
}

enum dt_err
dt_rejoin_encode(const struct dt_rejoin *x, struct dt_buf *out)
{
    enum dt_err err = rejoin_body(x, out);

    return err != DT_OK ? err : dt_buf_append(out, dt_view_of(x->signature));
}

enum dt_err
dt_rejoin_decode(struct dt_view bytes, struct dt_rejoin *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_rejoin x = {0};
    enum dt_err err;

    if ((err = dt_read_fixed(&r, x.forum, sizeof x.forum)) == DT_OK &&
        (err = dt_read_fixed(&r, x.group_id, sizeof x.group_id)) == DT_OK &&
        (err = dt_read_fixed(&r, x.old_session_key, sizeof x.old_session_key)) == DT_OK &&
        (err = dt_read_fixed(&r, x.old_invitation_id, sizeof x.old_invitation_id)) == DT_OK &&
        (err = dt_read_fixed(&r, x.invitation_id, sizeof x.invitation_id)) == DT_OK &&
        (err = dt_read_fixed(&r, x.letter_hash, sizeof x.letter_hash)) == DT_OK &&
        (err = dt_read_fixed(&r, x.signature, sizeof x.signature)) == DT_OK &&
        (err = dt_read_end(&r)) == DT_OK)
        *out = x;
    return dt_fail_context(err, "re-join request");
}

/* ---- warrant ---- */

enum dt_err
dt_warrant_encode(const struct dt_warrant *wt, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark = dt_write_vec_begin(&w);

    for (size_t i = 0; i < wt->n_grounds; i++) {
        dt_write_u8(&w, (uint8_t)wt->grounds[i].kind);
        dt_write_view(&w, dt_view_of(wt->grounds[i].invitation_id));
        dt_write_view(&w, dt_view_of(wt->grounds[i].letter_hash));
        dt_write_vec(&w, wt->grounds[i].body);
    }
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

static enum dt_err
read_ground(struct dt_reader *r, struct dt_warrant *wt)
{
    struct dt_ground *g = &wt->grounds[wt->n_grounds];
    uint8_t kind = 0;
    enum dt_err err;

    if (wt->n_grounds == DT_GROUNDS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %u grounds", DT_GROUNDS_MAX);
    if ((err = dt_read_u8(r, &kind)) != DT_OK ||
        (err = dt_read_fixed(r, g->invitation_id, sizeof g->invitation_id)) != DT_OK ||
        (err = dt_read_fixed(r, g->letter_hash, sizeof g->letter_hash)) != DT_OK ||
        (err = dt_read_vec(r, DT_WARRANT_MAX, &g->body)) != DT_OK)
        return err;
    if (kind < DT_GROUND_ADD || kind > DT_GROUND_COURIER)
        return dt_fail(DT_ERR_UNSUPPORTED, "ground %u is not known here", kind);
    g->kind = (enum dt_ground_kind)kind;
    for (size_t i = 0; i < wt->n_grounds; i++)
        if (memcmp(wt->grounds[i].invitation_id, g->invitation_id, 16) == 0)
            return dt_fail(DT_ERR_FORMAT, "two grounds for one leaf");
    wt->n_grounds++;
    return DT_OK;
}

enum dt_err
dt_warrant_decode(struct dt_view bytes, struct dt_warrant *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_reader sub;
    struct dt_warrant wt = {0};
    enum dt_err err;

    /* The whole, its length header too: what is accepted here must fit a history
     * (dt_history_next()). */
    if (bytes.n > DT_WARRANT_MAX) {
        err = dt_fail(DT_ERR_LIMIT, "%zu bytes, more than %u", bytes.n, DT_WARRANT_MAX);
        goto done;
    }
    if ((err = dt_read_sub(&r, DT_WARRANT_MAX, &sub)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        goto done;
    while (sub.n > 0)
        if ((err = read_ground(&sub, &wt)) != DT_OK)
            goto done;
    if (wt.n_grounds == 0) {
        err = dt_fail(DT_ERR_FORMAT, "a warrant without any ground");
        goto done;
    }
    *out = wt;

done:
    return dt_fail_context(err, "warrant");
}

enum dt_err
dt_approvals_add(struct dt_buf *body, const struct dt_approval *a)
{
    struct dt_writer w = dt_writer_init(body);
    size_t mark = dt_write_vec_begin(&w);

    if (w.err == DT_OK)
        w.err = dt_approval_encode(a, body);
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

enum dt_err
dt_approvals_next(struct dt_view *rest, struct dt_approval *out)
{
    struct dt_reader r = dt_reader_init(*rest);
    struct dt_view one;
    enum dt_err err;

    if (rest->n == 0)
        return dt_fail(DT_ERR_NOT_FOUND, "no further approval");
    if ((err = dt_read_vec(&r, APPROVAL_MAX, &one)) != DT_OK ||
        (err = dt_approval_decode(one, out)) != DT_OK)
        return err;
    *rest = dt_view(r.p, r.n);
    return DT_OK;
}
