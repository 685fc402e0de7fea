/*
 * agent/keep/archive.c - see archive.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"

#include "agent/keep/archive.h"
#include "agent/keep/sealed.h"
#include "agent/keep/tar.h"

#define END_MAX 256u

enum dt_err
dt_archive_leaf(const char *name, struct dt_view content, struct tlog_hash *out)
{
    static const uint8_t zero[1];
    const struct dt_view parts[] = {dt_view_of(zero), dt_view_str(name), dt_view_of(zero), content};

    return dt_hash(DT_HASH_SHA256, parts, sizeof parts / sizeof parts[0], out->b);
}

/* What the last member says. */
static enum dt_err
end_text(const struct tlog_frontier *tree, struct dt_buf *out, struct tlog_hash *out_root)
{
    char hex[65];
    enum dt_err err = tlog_frontier_root(tree, out_root);

    if (err != DT_OK)
        return err;
    dt_hex_str(hex, dt_view_of(out_root->b));
    return dt_buf_printf(out, "items %llu\nroot %s\n", (unsigned long long)tree->size, hex);
}

/* ---- writing ---- */

struct dt_archive_out {
    struct dt_sealed_out *f;
    struct tlog_frontier tree;
    uint64_t time_s;
};

static enum dt_err
put_member(struct dt_archive_out *ar, const char *name, struct dt_view content)
{
    static const uint8_t zeros[DT_TAR_BLOCK];
    uint8_t head[DT_TAR_BLOCK];
    size_t over = content.n % DT_TAR_BLOCK;
    enum dt_err err;

    if ((err = dt_tar_head_encode(name, content.n, ar->time_s, head)) != DT_OK ||
        (err = dt_sealed_put(ar->f, dt_view_of(head))) != DT_OK ||
        (err = dt_sealed_put(ar->f, content)) != DT_OK)
        return err;
    return over == 0 ? DT_OK : dt_sealed_put(ar->f, dt_view(zeros, DT_TAR_BLOCK - over));
}

enum dt_err
dt_archive_begin(const char *path, struct dt_view passphrase, uint64_t time_ms,
                 struct dt_archive_out **out)
{
    DT_CLEANUP(dt_archive_drop_p) struct dt_archive_out *ar = dt_alloc(1, sizeof *ar);
    enum dt_err err;

    if (ar == NULL)
        return dt_nomem();
    ar->time_s = time_ms / 1000;
    if ((err = dt_sealed_create(path, DT_ARCHIVE_MAGIC, passphrase, &ar->f)) != DT_OK)
        return err;
    *out = ar;
    ar = NULL;
    return DT_OK;
}

enum dt_err
dt_archive_add(struct dt_archive_out *ar, const char *name, struct dt_view content)
{
    struct tlog_hash leaf;
    enum dt_err err;

    if (strcmp(name, DT_ARCHIVE_END) == 0)
        return dt_fail(DT_ERR_RANGE, "an item of an archive has no fitting name or size");
    if ((err = dt_archive_leaf(name, content, &leaf)) != DT_OK ||
        (err = put_member(ar, name, content)) != DT_OK)
        return err;
    return tlog_frontier_append(&ar->tree, &leaf);
}

enum dt_err
dt_archive_finish(struct dt_archive_out *ar, uint64_t *out_n, struct tlog_hash *out_root)
{
    static const uint8_t zeros[2 * DT_TAR_BLOCK];
    DT_CLEANUP(dt_buf_clear) struct dt_buf end = DT_BUF_INIT(END_MAX);
    enum dt_err err;

    if ((err = end_text(&ar->tree, &end, out_root)) != DT_OK ||
        (err = put_member(ar, DT_ARCHIVE_END, dt_buf_view(&end))) != DT_OK ||
        (err = dt_sealed_put(ar->f, dt_view_of(zeros))) != DT_OK)
        return err;
    *out_n = ar->tree.size;
    return dt_sealed_finish(ar->f);
}

void
dt_archive_drop(struct dt_archive_out *ar)
{
    if (ar == NULL)
        return;
    dt_sealed_drop(ar->f);
    dt_free(ar);
}

void
dt_archive_drop_p(struct dt_archive_out **ar)
{
    dt_archive_drop(*ar);
    *ar = NULL;
}

/* ---- reading ---- */

struct reading {
    struct dt_sealed_in *f;
    struct tlog_frontier tree;
    char name[DT_TAR_NAME_MAX + 1];
    struct dt_buf content;
};

static enum dt_err
get_zeros(struct dt_sealed_in *f, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(2 * DT_TAR_BLOCK);
    enum dt_err err = dt_sealed_get(f, n, &b);

    for (size_t i = 0; err == DT_OK && i < n; i++)
        if (b.p[i] != 0)
            return dt_fail(DT_ERR_FORMAT, "an item of the archive does not end as it should");
    return err;
}

/* The next member into ${r}. */
static enum dt_err
get_member(struct reading *r)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf head = DT_BUF_INIT(DT_TAR_BLOCK);
    uint64_t size = 0, time_s = 0;
    size_t over;
    enum dt_err err;

    if ((err = dt_sealed_get(r->f, DT_TAR_BLOCK, &head)) != DT_OK ||
        (err = dt_tar_head_decode(head.p, r->name, &size, &time_s)) != DT_OK)
        return err;
    dt_buf_wipe(&r->content);
    r->content.max = DT_TAR_SIZE_MAX;
    if ((err = dt_sealed_get(r->f, (size_t)size, &r->content)) != DT_OK)
        return err;
    over = (size_t)size % DT_TAR_BLOCK;
    return over == 0 ? DT_OK : get_zeros(r->f, DT_TAR_BLOCK - over);
}

static enum dt_err
check_end(struct reading *r, struct tlog_hash *out_root)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf want = DT_BUF_INIT(END_MAX);
    enum dt_err err;

    if ((err = get_zeros(r->f, 2 * DT_TAR_BLOCK)) != DT_OK ||
        (err = dt_sealed_end(r->f)) != DT_OK ||
        (err = end_text(&r->tree, &want, out_root)) != DT_OK)
        return err;
    return dt_view_equal(dt_buf_view(&want), dt_buf_view(&r->content))
               ? DT_OK
               : dt_fail(DT_ERR_PROOF,
                         "the archive says another count or root than its items have");
}

static enum dt_err
read_items(struct reading *r,
           enum dt_err (*fn)(void *ctx, const char *name, struct dt_view content), void *ctx)
{
    enum dt_err err;

    while ((err = get_member(r)) == DT_OK && strcmp(r->name, DT_ARCHIVE_END) != 0) {
        struct tlog_hash leaf;

        if ((err = dt_archive_leaf(r->name, dt_buf_view(&r->content), &leaf)) != DT_OK ||
            (err = tlog_frontier_append(&r->tree, &leaf)) != DT_OK ||
            (err = fn(ctx, r->name, dt_buf_view(&r->content))) != DT_OK)
            return err;
    }
    return err;
}

enum dt_err
dt_archive_read(const char *path, struct dt_view passphrase,
                enum dt_err (*fn)(void *ctx, const char *name, struct dt_view content), void *ctx,
                uint64_t *out_n, struct tlog_hash *out_root)
{
    DT_CLEANUP(dt_sealed_close_p) struct dt_sealed_in *f = NULL;
    struct reading r = {0};
    enum dt_err err = dt_sealed_open(path, DT_ARCHIVE_MAGIC, passphrase, &f);

    if (err != DT_OK)
        return err;
    r.f = f;
    dt_buf_init(&r.content, DT_TAR_SIZE_MAX);
    if ((err = read_items(&r, fn, ctx)) == DT_OK && (err = check_end(&r, out_root)) == DT_OK)
        *out_n = r.tree.size;
    dt_buf_wipe(&r.content);
    return dt_fail_context(err, "%s", path);
}
