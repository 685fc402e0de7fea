/*
 * agent/store/spans.c - the digest in parts: keys, rows in order, and checking; see spans.h.
 *
 * Source: docs/protocol-agent.md "Spans". What stands in the file is hostile: a span is believed
 * when the one above it, in the end the head, names its hash.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/core.h"
#include "agent/store/internal.h"
#include "agent/store/spans.h"

#define CHILDREN_MAX (1u << 16) /* of one span, that are read */

static const uint8_t ends[DT_SPAN_NAME] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t zeros[DT_SPAN_NAME];

void
dt_spans_init(struct dt_spans *p)
{
    p->leaf_max = DT_SPAN_LEAF_MAX;
    p->node_max = DT_SPAN_NODE_MAX;
}

void
dt_spans_clear(struct dt_spans *p)
{
    for (size_t i = 0; i < p->n_changes; i++)
        dt_free(p->changes[i]);
    dt_free(p->changes);
    dt_free(p->seen);
    memset(p, 0, sizeof *p);
}

enum dt_err
dt_span_altered(const struct dt_store *s)
{
    return dt_fail(DT_ERR_AUTH,
                   "%s: rows were altered, removed or put back to older copies: "
                   "restore a backup",
                   s->path);
}

/* ---- keys ---- */

static void
add(struct dt_span_key *k, const void *p, size_t n)
{
    memcpy(k->p + k->n, p, n);
    k->n += n;
}

static void
begin(struct dt_span_key *k, char order, const char *tab)
{
    size_t n = strlen(tab);

    k->n = 0;
    add(k, &order, 1);
    add(k, tab, (n < DT_SPAN_TABLE_MAX ? n : DT_SPAN_TABLE_MAX));
    add(k, zeros, 1);
}

static void
add_seq(struct dt_span_key *k, uint64_t seq)
{
    for (int shift = 56; shift >= 0; shift -= 8) {
        uint8_t byte = (uint8_t)(seq >> shift);

        add(k, &byte, 1);
    }
}

void
dt_span_name_key(const char *tab, const uint8_t *name, struct dt_span_key *out)
{
    begin(out, 'n', tab);
    add(out, name != NULL ? name : zeros, DT_SPAN_NAME);
}

void
dt_span_list_key(const char *tab, const uint8_t *parent, uint64_t seq, const uint8_t *name,
                 struct dt_span_key *out)
{
    begin(out, 'l', tab);
    add(out, parent != NULL ? parent : zeros, DT_SPAN_NAME);
    add_seq(out, seq);
    add(out, name != NULL ? name : zeros, DT_SPAN_NAME);
}

void
dt_span_name_last(const char *tab, struct dt_span_key *out)
{
    dt_span_name_key(tab, ends, out);
}

void
dt_span_list_last(const char *tab, const uint8_t *parent, struct dt_span_key *out)
{
    dt_span_list_key(tab, parent != NULL ? parent : ends, UINT64_MAX, ends, out);
}

int
dt_span_key_cmp(const struct dt_span_key *a, const struct dt_span_key *b)
{
    return dt_view_cmp(dt_span_key_view(a), dt_span_key_view(b));
}

/* ---- rows in order ---- */

/* Columns of the key at which a scan begins; those of the first key of an order are empty. */
struct columns {
    struct dt_view tab, parent, name;
    uint64_t seq;
};

static enum dt_err
split(const struct dt_store *s, const struct dt_span_key *k, struct columns *out)
{
    struct dt_reader r = dt_reader_init(dt_span_key_view(k));
    const uint8_t *end;
    uint8_t order = 0, zero = 1;

    *out = (struct columns){0};
    if (dt_read_u8(&r, &order) != DT_OK || (order != 'n' && order != 'l'))
        return dt_span_altered(s);
    if (r.n == 0)
        return DT_OK;
    end = memchr(r.p, 0, r.n);
    if (end == NULL || dt_read_view(&r, (size_t)(end - r.p), &out->tab) != DT_OK ||
        dt_read_u8(&r, &zero) != DT_OK ||
        (order == 'l' && (dt_read_view(&r, DT_SPAN_NAME, &out->parent) != DT_OK ||
                          dt_read_u64(&r, &out->seq) != DT_OK)) ||
        dt_read_view(&r, DT_SPAN_NAME, &out->name) != DT_OK || dt_read_end(&r) != DT_OK)
        return dt_span_altered(s);
    return DT_OK;
}

/* Both orders are SQLite's own, of an index that has all of these columns: no row is looked up. */
enum dt_err
dt_span_scan_begin(struct dt_store *s, const struct dt_span_key *lo, struct dt_span_scan *out)
{
    struct columns from;
    int at = 1;
    enum dt_err err;

    *out = (struct dt_span_scan){0};
    if ((err = split(s, lo, &from)) != DT_OK)
        return err;
    err = lo->p[0] == 'n'
              ? dt_db_prepare(s->db,
                              "SELECT tab, name FROM row WHERE (tab, name) >= (?1, ?2)"
                              " ORDER BY tab, name",
                              &out->st)
              : dt_db_prepare(s->db,
                              "SELECT tab, name, parent, seq, version FROM row INDEXED BY row_list"
                              " WHERE (tab, parent, seq, name) >= (?1, ?2, ?3, ?4)"
                              " ORDER BY tab, parent, seq, name",
                              &out->st);
    if (err != DT_OK)
        return err;
    dt_bind_text(out->st, at++, from.tab);
    if (lo->p[0] == 'l') {
        dt_bind_blob(out->st, at++, from.parent);
        dt_bind_u64(out->st, at++, from.seq);
    }
    dt_bind_blob(out->st, at, from.name);
    out->key = *lo;
    return DT_OK;
}

enum dt_err
dt_span_scan_next(struct dt_store *s, struct dt_span_scan *x, const struct dt_span_key *hi,
                  bool *more)
{
    uint8_t name[DT_SPAN_NAME], parent[DT_SPAN_NAME];
    char tab[DT_SPAN_TABLE_MAX + 1];
    char order = (char)x->key.p[0];
    struct dt_view text;
    uint64_t seq = 0;
    enum dt_err err = dt_stmt_step(x->st, more);

    if (err != DT_OK || !*more)
        return err;
    if (dt_col_text(x->st, 0, DT_SPAN_TABLE_MAX, &text) != DT_OK ||
        (text.n > 0 && memchr(text.p, 0, text.n) != NULL) ||
        dt_col_fixed(x->st, 1, name, sizeof name) != DT_OK ||
        (order == 'l' && (dt_col_fixed(x->st, 2, parent, sizeof parent) != DT_OK ||
                          dt_col_u64(x->st, 3, INT64_MAX, &seq) != DT_OK ||
                          dt_col_u64(x->st, 4, INT64_MAX, &x->version) != DT_OK)))
        return dt_span_altered(s);
    if (text.n > 0)
        memcpy(tab, text.p, text.n);
    tab[text.n] = '\0';
    if (order == 'n')
        dt_span_name_key(tab, name, &x->key);
    else
        dt_span_list_key(tab, parent, seq, name, &x->key);
    *more = hi == NULL || dt_span_key_cmp(&x->key, hi) < 0;
    return DT_OK;
}

void
dt_span_scan_end(struct dt_span_scan *x)
{
    dt_stmt_done(&x->st);
}

enum dt_err
dt_span_flip(struct dt_store *s, const struct dt_span_key *key, uint64_t version,
             uint8_t digest[static DT_SHA256])
{
    uint8_t text[DT_SPAN_KEY_MAX + 8], tag[DT_SHA256];
    size_t n = key->n;
    enum dt_err err;

    memcpy(text, key->p, n);
    if (key->p[0] == 'l')
        for (int shift = 56; shift >= 0; shift -= 8)
            text[n++] = (uint8_t)(version >> shift);
    if ((err = dt_keyed_tag(&s->name_key, dt_view(text, n), tag)) != DT_OK)
        return err;
    for (size_t i = 0; i < sizeof tag; i++)
        digest[i] ^= tag[i];
    return DT_OK;
}

/* ---- spans in the file ---- */

void
dt_span_list_clear(struct dt_span_list *l)
{
    dt_free(l->v);
    *l = (struct dt_span_list){0};
}

enum dt_err
dt_span_list_add(struct dt_span_list *l, const struct dt_span *x)
{
    if (l->n == l->room) {
        size_t room = l->room == 0 ? 32 : 2 * l->room;
        struct dt_span *v = dt_realloc(l->v, room, sizeof *v);

        if (v == NULL)
            return dt_nomem();
        l->v = v;
        l->room = room;
    }
    l->v[l->n++] = *x;
    return DT_OK;
}

/* Columns lo, blob. */
static enum dt_err
read_span(const struct dt_store *s, struct dt_stmt *st, struct dt_span *out)
{
    struct dt_view lo, blob;

    if (dt_col_blob(st, 0, sizeof out->lo.p, &lo) != DT_OK ||
        dt_col_blob(st, 1, sizeof out->blob, &blob) != DT_OK || lo.n == 0 || blob.n == 0)
        return dt_span_altered(s);
    memcpy(out->lo.p, lo.p, lo.n);
    out->lo.n = lo.n;
    memcpy(out->blob, blob.p, blob.n);
    out->blob_n = blob.n;
    return DT_OK;
}

enum dt_err
dt_span_find(struct dt_store *s, unsigned int level, const struct dt_span_key *key,
             struct dt_span *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = dt_db_prepare(s->db,
                                    "SELECT lo, blob FROM span WHERE level = ?1 AND lo <= ?2"
                                    " ORDER BY lo DESC LIMIT 1",
                                    &st);

    if (err != DT_OK)
        return err;
    dt_bind_u64(st, 1, level);
    dt_bind_blob(st, 2, dt_span_key_view(key));
    err = dt_stmt_row(st);
    if (err == DT_ERR_NOT_FOUND)
        return dt_span_altered(s);
    return err != DT_OK ? err : read_span(s, st, out);
}

enum dt_err
dt_span_children(struct dt_store *s, unsigned int level, const struct dt_span_key *lo,
                 const struct dt_span_key *hi, struct dt_span_list *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_span x;
    bool more = false;
    enum dt_err err = dt_db_prepare(
        s->db, "SELECT lo, blob FROM span WHERE level = ?1 AND lo >= ?2 ORDER BY lo", &st);

    if (err != DT_OK)
        return err;
    dt_bind_u64(st, 1, level);
    dt_bind_blob(st, 2, dt_span_key_view(lo));
    while ((err = dt_stmt_step(st, &more)) == DT_OK && more) {
        if ((err = read_span(s, st, &x)) != DT_OK)
            return err;
        if (hi != NULL && dt_span_key_cmp(&x.lo, hi) >= 0)
            break;
        if (out->n == CHILDREN_MAX)
            return dt_span_altered(s);
        if ((err = dt_span_list_add(out, &x)) != DT_OK)
            return err;
    }
    return err;
}

enum dt_err
dt_span_hash(unsigned int level, const struct dt_span *v, size_t n, uint8_t out[static DT_SHA256])
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf content = DT_BUF_INIT(CHILDREN_MAX * sizeof(struct dt_span));
    struct dt_writer w = dt_writer_init(&content);
    enum dt_err err;

    dt_write_u8(&w, (uint8_t)level);
    for (size_t i = 0; i < n; i++) {
        dt_write_vec(&w, dt_span_key_view(&v[i].lo));
        dt_write_vec(&w, dt_view(v[i].blob, v[i].blob_n));
    }
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_label_hash("store spans", dt_buf_view(&content), out);
}

/* ---- leaves: sealed, since who knew these digests could put old rows together to one of them ----
 */

static enum dt_err
leaf_aad(const struct dt_span *leaf, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_str(&w, "detente 1 store span");
    dt_write_view(&w, dt_span_key_view(&leaf->lo));
    return dt_writer_end(&w);
}

enum dt_err
dt_span_leaf_open(const struct dt_store *s, const struct dt_span *leaf, struct dt_span_rows *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(256);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_SPAN_BLOB);
    struct dt_reader r;
    enum dt_err err;

    if ((err = leaf_aad(leaf, &aad)) != DT_OK)
        return err;
    err = dt_box_open(dt_secret_view(&s->value_key), dt_buf_view(&aad),
                      dt_view(leaf->blob, leaf->blob_n), &plain);
    if (dt_err_is_local(err))
        return err;
    r = dt_reader_init(dt_buf_view(&plain));
    if (err != DT_OK || dt_read_fixed(&r, out->digest, sizeof out->digest) != DT_OK ||
        dt_read_u64(&r, &out->n) != DT_OK || dt_read_end(&r) != DT_OK)
        return dt_span_altered(s);
    return DT_OK;
}

enum dt_err
dt_span_leaf_seal(const struct dt_store *s, const struct dt_span_rows *rows, struct dt_span *leaf)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(256);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_SPAN_BLOB);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(DT_SPAN_BLOB);
    struct dt_writer w = dt_writer_init(&plain);
    enum dt_err err;

    dt_write_view(&w, dt_view_of(rows->digest));
    dt_write_u64(&w, rows->n);
    if ((err = dt_writer_end(&w)) != DT_OK || (err = leaf_aad(leaf, &aad)) != DT_OK ||
        (err = dt_box_seal(dt_secret_view(&s->value_key), dt_buf_view(&aad), dt_buf_view(&plain),
                           &sealed)) != DT_OK)
        return err;
    memcpy(leaf->blob, sealed.p, sealed.n);
    leaf->blob_n = sealed.n;
    return DT_OK;
}

/* ---- what was checked ---- */

static uint64_t
mark_of(unsigned int level, const struct dt_span_key *lo)
{
    uint8_t text[DT_SPAN_KEY_MAX + 1];
    uint64_t mark;

    text[0] = (uint8_t)level;
    memcpy(text + 1, lo->p, lo->n);
    mark = dt_fingerprint(dt_view(text, lo->n + 1));
    return mark != 0 ? mark : 1;
}

/* The place of ${mark}, or the free one where it belongs; the table is never full. */
static size_t
place_of(const struct dt_spans *p, uint64_t mark)
{
    size_t at = (size_t)mark & (p->room - 1);

    while (p->seen[at] != 0 && p->seen[at] != mark)
        at = (at + 1) & (p->room - 1);
    return at;
}

static bool
was_seen(const struct dt_store *s, uint64_t mark)
{
    return s->spans.room > 0 && s->spans.seen[place_of(&s->spans, mark)] == mark;
}

static enum dt_err
grow(struct dt_spans *p)
{
    struct dt_spans bigger = {.room = p->room == 0 ? 64 : 2 * p->room};

    bigger.seen = dt_alloc(bigger.room, sizeof *bigger.seen);
    if (bigger.seen == NULL)
        return dt_nomem();
    for (size_t i = 0; i < p->room; i++)
        if (p->seen[i] != 0)
            bigger.seen[place_of(&bigger, p->seen[i])] = p->seen[i];
    dt_free(p->seen);
    p->seen = bigger.seen;
    p->room = bigger.room;
    return DT_OK;
}

static enum dt_err
mark_seen(struct dt_store *s, uint64_t mark)
{
    struct dt_spans *p = &s->spans;
    enum dt_err err;
    size_t at;

    if (2 * p->n_seen >= p->room && (err = grow(p)) != DT_OK)
        return err;
    at = place_of(p, mark);
    if (p->seen[at] == 0)
        p->n_seen++;
    p->seen[at] = mark;
    return DT_OK;
}

static void
forget_marks(struct dt_spans *p)
{
    if (p->n_seen > 0)
        memset(p->seen, 0, p->room * sizeof *p->seen);
    p->n_seen = 0;
}

void
dt_spans_forget(struct dt_store *s)
{
    forget_marks(&s->spans);
    s->spans.known = false;
}

enum dt_err
dt_spans_renew(struct dt_store *s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t version = 0;
    enum dt_err err;

    /* Reading it takes the view of the transaction, if it has none yet. */
    if ((err = dt_db_prepare(s->db, "PRAGMA data_version", &st)) != DT_OK ||
        (err = dt_stmt_row(st)) != DT_OK || (err = dt_col_u64(st, 0, INT64_MAX, &version)) != DT_OK)
        return err;
    if (s->spans.known && s->spans.data_version == version)
        return DT_OK;
    dt_spans_forget(s);
    if ((err = dt_store_head_read(s, &s->number, s->digest)) != DT_OK)
        return err;
    s->spans.data_version = version;
    s->spans.known = true;
    return DT_OK;
}

/* ---- checking ---- */

/*
 * Where the span of ${level} at ${lo} ends: where the next one begins, of its own level or of one
 * above. That of a level above is the first key of a span below it, too; were that one taken away,
 * the span before it would seem to reach further than it is vouched for.
 */
static enum dt_err
end_of(struct dt_store *s, unsigned int level, const struct dt_span_key *lo, struct dt_span_key *hi,
       bool *has_end)
{
    *has_end = false;
    for (; level <= DT_SPAN_LEVELS; level++) {
        DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
        struct dt_view next;
        enum dt_err err = dt_db_prepare(
            s->db, "SELECT lo FROM span WHERE level = ?1 AND lo > ?2 ORDER BY lo LIMIT 1", &st);

        if (err != DT_OK)
            return err;
        dt_bind_u64(st, 1, level);
        dt_bind_blob(st, 2, dt_span_key_view(lo));
        err = dt_stmt_row(st);
        if (err == DT_ERR_NOT_FOUND)
            continue;
        if (err != DT_OK)
            return err;
        if (dt_col_blob(st, 0, sizeof hi->p, &next) != DT_OK || next.n == 0)
            return dt_span_altered(s);
        if (*has_end && dt_view_cmp(next, dt_span_key_view(hi)) >= 0)
            continue;
        memcpy(hi->p, next.p, next.n);
        hi->n = next.n;
        *has_end = true;
    }
    return DT_OK;
}

static enum dt_err
check_leaf(struct dt_store *s, const struct dt_span *leaf, const struct dt_span_key *hi)
{
    DT_CLEANUP(dt_span_scan_end) struct dt_span_scan scan = {0};
    const struct dt_span_change *change = dt_span_change_of(s, &leaf->lo);
    struct dt_span_rows want = {0}, have = {0};
    bool more = false;
    enum dt_err err;

    if ((err = dt_span_leaf_open(s, leaf, &want)) != DT_OK)
        return err;
    if (change != NULL) {
        want.n += (uint64_t)change->more;
        for (size_t i = 0; i < sizeof want.digest; i++)
            want.digest[i] ^= change->flips[i];
    }
    if ((err = dt_span_scan_begin(s, &leaf->lo, &scan)) != DT_OK)
        return err;
    while ((err = dt_span_scan_next(s, &scan, hi, &more)) == DT_OK && more) {
        if (have.n == want.n)
            return dt_span_altered(s);
        have.n++;
        if ((err = dt_span_flip(s, &scan.key, scan.version, have.digest)) != DT_OK)
            return err;
    }
    if (err != DT_OK)
        return err;
    return have.n == want.n && memcmp(have.digest, want.digest, sizeof have.digest) == 0
               ? DT_OK
               : dt_span_altered(s);
}

static enum dt_err
check_children(struct dt_store *s, unsigned int level, const struct dt_span_key *lo,
               const struct dt_span_key *hi, struct dt_view want)
{
    DT_CLEANUP(dt_span_list_clear) struct dt_span_list list = {0};
    uint8_t hash[DT_SHA256];
    enum dt_err err;

    if ((err = dt_span_children(s, level, lo, hi, &list)) != DT_OK ||
        (err = dt_span_hash(level, list.v, list.n, hash)) != DT_OK)
        return err;
    return dt_view_equal(dt_view_of(hash), want) ? DT_OK : dt_span_altered(s);
}

static enum dt_err
check_top(struct dt_store *s)
{
    static const struct dt_span_key first = {.n = 0};
    uint64_t mark = mark_of(DT_SPAN_LEVELS + 1, &first);
    enum dt_err err;

    if (was_seen(s, mark))
        return DT_OK;
    err = check_children(s, DT_SPAN_LEVELS, &first, NULL, dt_view_of(s->digest));
    return err != DT_OK ? err : mark_seen(s, mark);
}

/* All that ${key} stands in, from the head down to its leaf; *${at} is the first key of that. What
 * is found for ${key} at a level is its span, since the one above it was checked against all that
 * are below it. */
static enum dt_err
check_key(struct dt_store *s, const struct dt_span_key *key, struct dt_span_key *at)
{
    enum dt_err err = check_top(s);

    for (unsigned int level = DT_SPAN_LEVELS; err == DT_OK && level >= 1; level--) {
        struct dt_span span;
        struct dt_span_key hi;
        bool has_end = false;
        uint64_t mark;

        if ((err = dt_span_find(s, level, key, &span)) != DT_OK)
            return err;
        *at = span.lo;
        mark = mark_of(level, &span.lo);
        if (was_seen(s, mark))
            continue;
        if ((err = end_of(s, level, &span.lo, &hi, &has_end)) != DT_OK)
            return err;
        err = level == 1 ? check_leaf(s, &span, has_end ? &hi : NULL)
                         : check_children(s, level - 1, &span.lo, has_end ? &hi : NULL,
                                          dt_view(span.blob, span.blob_n));
        if (err == DT_OK)
            err = mark_seen(s, mark);
    }
    return err;
}

enum dt_err
dt_spans_check(struct dt_store *s, const struct dt_span_key *from, const struct dt_span_key *to)
{
    struct dt_span_key key = *from;

    for (;;) {
        struct dt_span_key lo, hi;
        bool has_end = false;
        enum dt_err err = check_key(s, &key, &lo);

        if (err != DT_OK || from == to)
            return err;
        if ((err = end_of(s, 1, &lo, &hi, &has_end)) != DT_OK)
            return err;
        if (!has_end || dt_span_key_cmp(&hi, to) > 0)
            return DT_OK;
        key = hi;
    }
}

enum dt_err
dt_spans_check_all(struct dt_store *s)
{
    static const struct dt_span_key first = {.p = {'l'}, .n = 1};
    static const struct dt_span_key last = {.p = {0xff}, .n = 1};
    enum dt_err err;

    dt_spans_forget(s);
    if ((err = dt_spans_renew(s)) != DT_OK)
        return err;
    return dt_spans_check(s, &first, &last);
}
