/*
 * agent/form/founding.c - see founding.h.
 */
#include <string.h>

#include "base/text.h"
#include "base/wire.h"
#include "crypto/crypto.h"

#include "agent/form/founding.h"
#include "agent/form/item_rule.h"

#define FOUNDING_VERSION  1
#define FOUNDING_DESTROYS 2 /* as 1, with the time after which talk is destroyed */

static void
write_body(struct dt_writer *w, const struct dt_founding *f)
{
    size_t mark;

    /* One form for each: a channel whose talk is kept is as ever. */
    dt_write_u8(w, f->destroy_after_ms != 0 ? FOUNDING_DESTROYS : FOUNDING_VERSION);
    dt_write_view(w, dt_view_of(f->forum));
    dt_write_view(w, dt_view_of(f->group_id));
    dt_write_u8(w, (uint8_t)f->kind);
    dt_write_str(w, f->name);
    dt_write_u64(w, f->created_ms);
    dt_write_u8(w, f->founder);
    mark = dt_write_vec_begin(w);
    for (size_t i = 0; i < f->n_members; i++) {
        dt_write_u8(w, f->members[i].party);
        dt_write_view(w, dt_view_of(f->members[i].letter_hash));
        dt_write_view(w, dt_view_of(f->members[i].invitation_id));
    }
    dt_write_vec_end(w, mark);
    if (f->destroy_after_ms != 0)
        dt_write_u64(w, f->destroy_after_ms);
}

enum dt_err
dt_founding_hash(const struct dt_founding *f, uint8_t out[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_FOUNDING_MAX);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    write_body(&w, f);
    err = dt_writer_end(&w);
    if (err == DT_OK)
        err = dt_label_hash("founding list", dt_buf_view(&b), out);
    return err;
}

enum dt_err
dt_founding_sign(struct dt_founding *f, size_t i, struct dt_view seed)
{
    uint8_t hash[32];
    enum dt_err err;

    if (i >= f->n_members)
        return dt_fail(DT_ERR_RANGE, "the founding list has no member %zu", i);
    err = dt_founding_hash(f, hash);
    if (err == DT_OK)
        err = dt_label_sign(seed, "founding", dt_view_of(hash), f->members[i].signature);
    if (err == DT_OK)
        f->members[i].has_signature = true;
    return err;
}

enum dt_err
dt_founding_verify(const struct dt_founding *f, size_t i, struct dt_view pub)
{
    uint8_t hash[32];
    enum dt_err err;

    if (i >= f->n_members || !f->members[i].has_signature)
        return dt_fail(DT_ERR_AUTH, "member %zu has not signed the founding list", i);
    err = dt_founding_hash(f, hash);
    if (err == DT_OK)
        err =
            dt_label_verify(pub, "founding", dt_view_of(hash), dt_view_of(f->members[i].signature));
    return dt_fail_context(err, "founding list, signature of member %zu", i);
}

bool
dt_founding_has_party(const struct dt_founding *f, uint8_t party)
{
    for (size_t i = 0; i < f->n_members; i++)
        if (f->members[i].party == party)
            return true;
    return false;
}

bool
dt_founding_party_signed(const struct dt_founding *f, uint8_t party)
{
    for (size_t i = 0; i < f->n_members; i++)
        if (f->members[i].party == party && f->members[i].has_signature)
            return true;
    return false;
}

bool
dt_founding_complete(const struct dt_founding *f)
{
    for (size_t i = 0; i < f->n_members; i++)
        if (!dt_founding_party_signed(f, f->members[i].party))
            return false;
    return f->n_members > 0;
}

size_t
dt_founding_find(const struct dt_founding *f, const uint8_t invitation_id[static 16])
{
    for (size_t i = 0; i < f->n_members; i++)
        if (memcmp(f->members[i].invitation_id, invitation_id, 16) == 0)
            return i;
    return DT_FOUNDING_MEMBERS;
}

enum dt_err
dt_founding_encode(const struct dt_founding *f, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    write_body(&w, f);
    for (size_t i = 0; i < f->n_members; i++) {
        dt_write_optional(&w, f->members[i].has_signature);
        if (f->members[i].has_signature)
            dt_write_view(&w, dt_view_of(f->members[i].signature));
    }
    return dt_writer_end(&w);
}

static enum dt_err
read_members(struct dt_reader *r, struct dt_founding *f)
{
    enum dt_err err;

    while (r->n > 0) {
        struct dt_founding_member *m = &f->members[f->n_members];

        if (f->n_members == DT_FOUNDING_MEMBERS)
            return dt_fail(DT_ERR_LIMIT, "more than %u first delegates", DT_FOUNDING_MEMBERS);
        if ((err = dt_read_u8(r, &m->party)) != DT_OK ||
            (err = dt_read_fixed(r, m->letter_hash, sizeof m->letter_hash)) != DT_OK ||
            (err = dt_read_fixed(r, m->invitation_id, sizeof m->invitation_id)) != DT_OK)
            return err;
        if (m->party >= DT_FOUNDING_PARTIES)
            return dt_fail(DT_ERR_RANGE, "party %u is past the most a channel can have", m->party);
        for (size_t i = 0; i < f->n_members; i++)
            if (memcmp(f->members[i].letter_hash, m->letter_hash, sizeof m->letter_hash) == 0 ||
                memcmp(f->members[i].invitation_id, m->invitation_id, sizeof m->invitation_id) == 0)
                return dt_fail(DT_ERR_FORMAT,
                               "first delegates %zu and %zu share a letter or an "
                               "invitation",
                               i, f->n_members);
        f->n_members++;
    }
    return DT_OK;
}

enum dt_err
dt_founding_decode(struct dt_view bytes, struct dt_founding *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_reader sub;
    struct dt_founding f = {0};
    struct dt_view name;
    uint8_t version = 0;
    uint8_t kind = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK)
        goto done;
    if (version != FOUNDING_VERSION && version != FOUNDING_DESTROYS) {
        err = dt_fail(DT_ERR_UNSUPPORTED, "version %u is not known here", version);
        goto done;
    }
    if ((err = dt_read_fixed(&r, f.forum, sizeof f.forum)) != DT_OK ||
        (err = dt_read_fixed(&r, f.group_id, sizeof f.group_id)) != DT_OK ||
        (err = dt_read_u8(&r, &kind)) != DT_OK ||
        (err = dt_read_vec(&r, DT_CHANNEL_NAME_MAX, &name)) != DT_OK ||
        (err = dt_read_u64(&r, &f.created_ms)) != DT_OK ||
        (err = dt_read_u8(&r, &f.founder)) != DT_OK ||
        (err = dt_read_sub(&r, DT_FOUNDING_MAX, &sub)) != DT_OK ||
        (err = read_members(&sub, &f)) != DT_OK ||
        (version == FOUNDING_DESTROYS &&
         ((err = dt_read_u64(&r, &f.destroy_after_ms)) != DT_OK ||
          (err = dt_destroy_after_check(f.destroy_after_ms)) != DT_OK)))
        goto done;
    if (kind < DT_CHANNEL_PLENARY || kind > DT_CHANNEL_TRACK) {
        err = dt_fail(DT_ERR_FORMAT, "channel kind %u is not known", kind);
        goto done;
    }
    f.kind = (enum dt_channel_kind)kind;
    if (name.n == 0 || !dt_utf8_line(name)) {
        err = dt_fail(DT_ERR_FORMAT, "the channel's name is empty or not one line of UTF-8");
        goto done;
    }
    memcpy(f.name, name.p, name.n);
    if (f.founder >= f.n_members) {
        err = dt_fail(DT_ERR_FORMAT, "the founder is not among the first delegates");
        goto done;
    }
    for (size_t i = 0; i < f.n_members; i++) {
        if ((err = dt_read_optional(&r, &f.members[i].has_signature)) != DT_OK ||
            (f.members[i].has_signature &&
             (err = dt_read_fixed(&r, f.members[i].signature, 64)) != DT_OK))
            goto done;
    }
    if ((err = dt_read_end(&r)) == DT_OK)
        *out = f;

done:
    return dt_fail_context(err, "founding list");
}

enum dt_err
dt_forum_ext_encode(const struct dt_forum_ext *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_view(&w, dt_view_of(x->forum));
    dt_write_view(&w, dt_view_of(x->founding_hash));
    dt_write_view(&w, dt_view_of(x->warrants_hash));
    return dt_writer_end(&w);
}

enum dt_err
dt_forum_ext_decode(struct dt_view bytes, struct dt_forum_ext *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_forum_ext x = {0};
    enum dt_err err;

    if ((err = dt_read_fixed(&r, x.forum, sizeof x.forum)) == DT_OK &&
        (err = dt_read_fixed(&r, x.founding_hash, sizeof x.founding_hash)) == DT_OK &&
        (err = dt_read_fixed(&r, x.warrants_hash, sizeof x.warrants_hash)) == DT_OK &&
        (err = dt_read_end(&r)) == DT_OK)
        *out = x;
    return dt_fail_context(err, "forum extension");
}

enum dt_err
dt_warrants_first(const uint8_t founding_hash[static 32], uint8_t out[static 32])
{
    return dt_label_hash("warrants", dt_view(founding_hash, 32), out);
}

enum dt_err
dt_warrants_next(const uint8_t prev[static 32], struct dt_view warrant, uint8_t out[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_WARRANT_MAX + 64u);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_view(&w, dt_view(prev, 32));
    dt_write_vec(&w, warrant);
    err = dt_writer_end(&w);
    if (err == DT_OK)
        err = dt_label_hash("warrants", dt_buf_view(&b), out);
    return err;
}

enum dt_err
dt_history_encode(const struct dt_history *h, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark;

    dt_write_vec(&w, h->founding);
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < h->n_letters; i++)
        dt_write_vec(&w, h->letters[i]);
    dt_write_vec_end(&w, mark);
    dt_write_vec(&w, h->warrants);
    return dt_writer_end(&w);
}

enum dt_err
dt_letters_split(struct dt_view v, struct dt_view out[static DT_FOUNDING_MEMBERS], size_t *out_n)
{
    struct dt_reader r = dt_reader_init(v);
    size_t n = 0;

    while (r.n > 0) {
        enum dt_err err;

        if (n == DT_FOUNDING_MEMBERS)
            return dt_fail(DT_ERR_LIMIT, "more than %u letters", DT_FOUNDING_MEMBERS);
        if ((err = dt_read_vec(&r, DT_LETTER_MAX, &out[n])) != DT_OK)
            return err;
        n++;
    }
    *out_n = n;
    return DT_OK;
}

enum dt_err
dt_history_decode(struct dt_view bytes, struct dt_history *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_view letters;
    struct dt_history h = {0};
    struct dt_view walk;
    struct dt_view one;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_read_vec(&r, DT_FOUNDING_MAX, &h.founding)) != DT_OK ||
        (err = dt_read_vec(&r, DT_FOUNDING_MEMBERS * (DT_LETTER_MAX + 4), &letters)) != DT_OK ||
        (err = dt_letters_split(letters, h.letters, &h.n_letters)) != DT_OK)
        goto done;
    if ((err = dt_read_vec(&r, DT_HISTORY_MAX, &h.warrants)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        goto done;
    /* Walk it once, so that a user of the list meets no bad element later. */
    walk = h.warrants;
    while ((err = dt_history_next(&walk, &one)) == DT_OK)
        if (++n > DT_HISTORY_WARRANTS) {
            err = dt_fail(DT_ERR_LIMIT, "more than %u warrants", DT_HISTORY_WARRANTS);
            goto done;
        }
    if (err == DT_ERR_NOT_FOUND) {
        err = DT_OK;
        *out = h;
    }

done:
    return dt_fail_context(err, "history");
}

enum dt_err
dt_history_add(struct dt_buf *warrants, struct dt_view warrant)
{
    struct dt_writer w = dt_writer_init(warrants);

    dt_write_vec(&w, warrant);
    return dt_writer_end(&w);
}

enum dt_err
dt_history_next(struct dt_view *rest, struct dt_view *out)
{
    struct dt_reader r = dt_reader_init(*rest);
    enum dt_err err;

    if (rest->n == 0)
        return dt_fail(DT_ERR_NOT_FOUND, "no further warrant");
    err = dt_read_vec(&r, DT_WARRANT_MAX, out);
    if (err == DT_OK)
        *rest = dt_view(r.p, r.n);
    return err;
}
