/*
 * agent/store/spans_write.c - the digest in parts: what a transaction changes in it; see spans.h.
 *
 * Source: docs/protocol-agent.md "Spans". A span is read once: what was read is held against the
 * hash that the span above it has, and is what the new hash is made of. So nothing that was altered
 * in the file comes under a new hash.
 */
#include <string.h>

#include "base/mem.h"

#include "agent/store/internal.h"
#include "agent/store/spans.h"

/* ---- noting ---- */

/* The index of the change at ${lo}, or of the first one behind it. */
static size_t
place_of(const struct dt_spans *p, const struct dt_span_key *lo)
{
    size_t from = 0, to = p->n_changes;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (dt_span_key_cmp(&p->changes[mid]->lo, lo) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

const struct dt_span_change *
dt_span_change_of(const struct dt_store *s, const struct dt_span_key *lo)
{
    size_t at = place_of(&s->spans, lo);

    return at < s->spans.n_changes && dt_span_key_cmp(&s->spans.changes[at]->lo, lo) == 0
               ? s->spans.changes[at]
               : NULL;
}

static enum dt_err
change_at(struct dt_spans *p, const struct dt_span_key *lo, struct dt_span_change **out)
{
    size_t at = place_of(p, lo);
    struct dt_span_change *x;

    if (at < p->n_changes && dt_span_key_cmp(&p->changes[at]->lo, lo) == 0) {
        *out = p->changes[at];
        return DT_OK;
    }
    if (p->n_changes == p->changes_room) {
        size_t room = p->changes_room == 0 ? 16 : 2 * p->changes_room;
        struct dt_span_change **v = dt_realloc(p->changes, room, sizeof(struct dt_span_change *));

        if (v == NULL)
            return dt_nomem();
        p->changes = v;
        p->changes_room = room;
    }
    x = dt_alloc(1, sizeof *x);
    if (x == NULL)
        return dt_nomem();
    x->lo = *lo;
    memmove(p->changes + at + 1, p->changes + at,
            (p->n_changes - at) * sizeof(struct dt_span_change *));
    p->changes[at] = x;
    p->n_changes++;
    *out = x;
    return DT_OK;
}

enum dt_err
dt_spans_note(struct dt_store *s, const struct dt_span_key *key, uint64_t version, bool there)
{
    struct dt_span_change *x = NULL;
    struct dt_span leaf;
    enum dt_err err;

    if ((err = dt_span_find(s, 1, key, &leaf)) != DT_OK ||
        (err = change_at(&s->spans, &leaf.lo, &x)) != DT_OK)
        return err;
    x->more += there ? 1 : -1;
    return dt_span_flip(s, key, version, x->flips);
}

void
dt_spans_drop(struct dt_store *s)
{
    for (size_t i = 0; i < s->spans.n_changes; i++)
        dt_free(s->spans.changes[i]);
    s->spans.n_changes = 0;
}

/* ---- writing ---- */

static enum dt_err
put_span(struct dt_store *s, unsigned int level, const struct dt_span *x)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = dt_db_prepare(s->db,
                                    "INSERT INTO span(level, lo, blob) VALUES (?1, ?2, ?3)"
                                    " ON CONFLICT (level, lo) DO UPDATE SET blob = ?3",
                                    &st);

    if (err != DT_OK)
        return err;
    dt_bind_u64(st, 1, level);
    dt_bind_blob(st, 2, dt_span_key_view(&x->lo));
    dt_bind_blob(st, 3, dt_view(x->blob, x->blob_n));
    return dt_stmt_run(st);
}

/* With those at its first key below it: it has no others any more. */
static enum dt_err
del_span(struct dt_store *s, unsigned int level, const struct dt_span *x)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = dt_db_prepare(s->db, "DELETE FROM span WHERE level = ?1 AND lo = ?2", &st);

    for (; err == DT_OK && level >= 1; level--) {
        dt_stmt_reset(st);
        dt_bind_u64(st, 1, level);
        dt_bind_blob(st, 2, dt_span_key_view(&x->lo));
        err = dt_stmt_run(st);
    }
    return err;
}

static bool
same_blob(const struct dt_span *a, const struct dt_span *b)
{
    return dt_view_equal(dt_view(a->blob, a->blob_n), dt_view(b->blob, b->blob_n));
}

/* In the file ${was} becomes ${is}; both are in the order of their keys. */
static enum dt_err
replace(struct dt_store *s, unsigned int level, const struct dt_span_list *was,
        const struct dt_span_list *is)
{
    enum dt_err err = DT_OK;
    size_t i = 0, j = 0;

    while (err == DT_OK && (i < was->n || j < is->n)) {
        const struct dt_span *a = i < was->n ? &was->v[i] : NULL;
        const struct dt_span *b = j < is->n ? &is->v[j] : NULL;
        const int c = a == NULL ? 1 : b == NULL ? -1 : dt_span_key_cmp(&a->lo, &b->lo);

        if (a != NULL && c < 0)
            err = del_span(s, level, a);
        else if (b != NULL && (a == NULL || c > 0 || !same_blob(a, b)))
            err = put_span(s, level, b);
        i += c <= 0;
        j += c >= 0;
    }
    return err;
}

/* Too many rows for one leaf: those in the file, which must be those that it should hold, in parts
 * of three quarters of the most, so that what is added to an end leaves full ones behind. */
static enum dt_err
cut_leaf(struct dt_store *s, const struct dt_span_key *lo, const struct dt_span_key *hi,
         const struct dt_span_rows *want, struct dt_span_list *out)
{
    DT_CLEANUP(dt_span_scan_end) struct dt_span_scan scan = {0};
    const uint64_t part = s->spans.leaf_max - s->spans.leaf_max / 4;
    struct dt_span_rows all = {0}, rows = {0};
    struct dt_span leaf = {.lo = *lo};
    bool more = false;
    enum dt_err err = dt_span_scan_begin(s, lo, &scan);

    while (err == DT_OK && (err = dt_span_scan_next(s, &scan, hi, &more)) == DT_OK && more) {
        if (all.n++ == want->n)
            return dt_span_altered(s);
        if (rows.n == part) {
            if ((err = dt_span_leaf_seal(s, &rows, &leaf)) != DT_OK ||
                (err = dt_span_list_add(out, &leaf)) != DT_OK)
                return err;
            rows = (struct dt_span_rows){0};
            leaf.lo = scan.key;
        }
        rows.n++;
        if ((err = dt_span_flip(s, &scan.key, scan.version, rows.digest)) == DT_OK)
            err = dt_span_flip(s, &scan.key, scan.version, all.digest);
    }
    if (err != DT_OK)
        return err;
    if (all.n != want->n || memcmp(all.digest, want->digest, sizeof all.digest) != 0)
        return dt_span_altered(s);
    return (err = dt_span_leaf_seal(s, &rows, &leaf)) != DT_OK ? err : dt_span_list_add(out, &leaf);
}

/* What takes the place of ${leaf}: nothing, if no row is left and it need not be kept. */
static enum dt_err
update_leaf(struct dt_store *s, const struct dt_span *leaf, const struct dt_span_key *hi,
            const struct dt_span_change *change, bool keep, struct dt_span_list *out)
{
    static const uint8_t no_rows[DT_SHA256];
    struct dt_span_rows rows = {0};
    struct dt_span now = *leaf;
    enum dt_err err;

    if ((err = dt_span_leaf_open(s, leaf, &rows)) != DT_OK)
        return err;
    rows.n += (uint64_t)change->more;
    if (rows.n > INT64_MAX) /* more were taken away than there were */
        return dt_span_altered(s);
    for (size_t i = 0; i < sizeof rows.digest; i++)
        rows.digest[i] ^= change->flips[i];
    if (rows.n == 0 && memcmp(rows.digest, no_rows, sizeof no_rows) != 0)
        return dt_span_altered(s);
    if (rows.n == 0 && !keep)
        return DT_OK;
    if (rows.n > s->spans.leaf_max)
        return cut_leaf(s, &leaf->lo, hi, &rows, out);
    return (err = dt_span_leaf_seal(s, &rows, &now)) != DT_OK ? err : dt_span_list_add(out, &now);
}

/* A part of the changes. */
struct part {
    struct dt_span_change *const *v;
    size_t n;
};

static enum dt_err update(struct dt_store *s, unsigned int level, const struct dt_span *span,
                          const struct dt_span_key *hi, struct part part, bool keep,
                          struct dt_span_list *out);

/* The spans below ${span}, which names their hash. */
static enum dt_err
read_below(struct dt_store *s, unsigned int level, const struct dt_span *span,
           const struct dt_span_key *hi, struct dt_span_list *out)
{
    uint8_t hash[DT_SHA256];
    enum dt_err err;

    if ((err = dt_span_children(s, level - 1, &span->lo, hi, out)) != DT_OK ||
        (err = dt_span_hash(level - 1, out->v, out->n, hash)) != DT_OK)
        return err;
    return dt_view_equal(dt_view_of(hash), dt_view(span->blob, span->blob_n)) ? DT_OK
                                                                              : dt_span_altered(s);
}

/* The spans below one, with what the changes make of them. The first of all and the first of each
 * span stay, though empty: theirs is the first key of the span above. */
static enum dt_err
update_each(struct dt_store *s, unsigned int level, const struct dt_span_list *was,
            const struct dt_span_key *hi, struct part part, struct dt_span_list *is)
{
    enum dt_err err = DT_OK;

    if (was->n == 0 || was->v == NULL) /* the one at the first key is always there */
        return dt_span_altered(s);
    for (size_t i = 0; err == DT_OK && i < was->n; i++) {
        const struct dt_span_key *end = i + 1 < was->n ? &was->v[i + 1].lo : hi;
        struct part its = {.v = part.v};

        while (its.n < part.n && (end == NULL || dt_span_key_cmp(&part.v[its.n]->lo, end) < 0))
            its.n++;
        part.v += its.n;
        part.n -= its.n;
        err = its.n == 0
                  ? dt_span_list_add(is, &was->v[i])
                  : update(s, level, &was->v[i], end, its, i == 0 || was->v[i].lo.n == 1, is);
    }
    return err == DT_OK && part.n != 0 ? dt_span_altered(s) : err;
}

/* Is ${list}, of ${level}, one span alone that has no rows? What is below it in the file has been
 * brought up to this transaction before. */
static enum dt_err
is_empty(struct dt_store *s, unsigned int level, const struct dt_span_list *list,
         const struct dt_span_key *hi, bool *out)
{
    DT_CLEANUP(dt_span_list_clear) struct dt_span_list below = {0};
    struct dt_span_rows rows = {0};
    enum dt_err err;

    *out = false;
    if (list->n != 1 || list->v == NULL)
        return DT_OK;
    if (level == 1) {
        if ((err = dt_span_leaf_open(s, &list->v[0], &rows)) == DT_OK)
            *out = rows.n == 0;
        return err;
    }
    if ((err = read_below(s, level, &list->v[0], hi, &below)) != DT_OK)
        return err;
    return is_empty(s, level - 1, &below, hi, out);
}

static enum dt_err
update(struct dt_store *s, unsigned int level, const struct dt_span *span,
       const struct dt_span_key *hi, struct part part, bool keep, struct dt_span_list *out)
{
    DT_CLEANUP(dt_span_list_clear) struct dt_span_list was = {0};
    DT_CLEANUP(dt_span_list_clear) struct dt_span_list is = {0};
    const size_t part_max =
        level > DT_SPAN_LEVELS ? SIZE_MAX : s->spans.node_max - s->spans.node_max / 4;
    bool empty = false;
    enum dt_err err;

    if (level == 1) /* one change to a leaf, at its first key: else it is not one of those noted */
        return part.n == 1 && dt_span_key_cmp(&part.v[0]->lo, &span->lo) == 0
                   ? update_leaf(s, span, hi, part.v[0], keep, out)
                   : dt_span_altered(s);
    if ((err = read_below(s, level, span, hi, &was)) != DT_OK ||
        (err = update_each(s, level - 1, &was, hi, part, &is)) != DT_OK ||
        (!keep && (err = is_empty(s, level - 1, &is, hi, &empty)) != DT_OK))
        return err;
    if (empty)
        is.n = 0;
    if ((err = replace(s, level - 1, &was, &is)) != DT_OK)
        return err;
    for (size_t at = 0, n; err == DT_OK && at < is.n; at += n) {
        struct dt_span now = {.blob_n = DT_SHA256};

        n = is.n <= s->spans.node_max || is.n - at < part_max ? is.n - at : part_max;
        now.lo = at == 0 ? span->lo : is.v[at].lo;
        if ((err = dt_span_hash(level - 1, is.v + at, n, now.blob)) == DT_OK)
            err = dt_span_list_add(out, &now);
    }
    return err;
}

enum dt_err
dt_spans_write(struct dt_store *s)
{
    DT_CLEANUP(dt_span_list_clear) struct dt_span_list top = {0};
    const struct part all = {.v = s->spans.changes, .n = s->spans.n_changes};
    struct dt_span head = {.blob_n = DT_SHA256};
    enum dt_err err;

    if (all.n == 0)
        return DT_OK;
    memcpy(head.blob, s->digest, DT_SHA256);
    if ((err = update(s, DT_SPAN_LEVELS + 1, &head, NULL, all, true, &top)) != DT_OK)
        return err;
    if (top.n != 1)
        return dt_span_altered(s);
    memcpy(s->digest, top.v[0].blob, DT_SHA256);
    dt_spans_drop(s);
    return DT_OK;
}

enum dt_err
dt_spans_make(struct dt_store *s)
{
    static const char orders[] = "ln"; /* in the order of their bytes */
    struct dt_span below[2] = {0};
    const struct dt_span_rows none = {0};
    enum dt_err err = DT_OK;

    for (unsigned int level = 1; err == DT_OK && level <= DT_SPAN_LEVELS; level++) {
        for (size_t i = 0; err == DT_OK && i < 2; i++) {
            struct dt_span x = {.lo = {.n = 1}, .blob_n = DT_SHA256};

            x.lo.p[0] = (uint8_t)orders[i];
            err = level == 1 ? dt_span_leaf_seal(s, &none, &x)
                             : dt_span_hash(level - 1, &below[i], 1, x.blob);
            if (err == DT_OK)
                err = put_span(s, level, &x);
            below[i] = x;
        }
    }
    return err != DT_OK ? err : dt_span_hash(DT_SPAN_LEVELS, below, 2, s->digest);
}
