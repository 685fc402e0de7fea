/*
 * agent/register/store.c - see store.h.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"
#include "log/checkpoint.h"
#include "log/note.h"

#include "agent/register/store.h"

#define ENTRY        DT_REGISTER_ENTRY
#define BUNDLE_BYTES (TLOG_TILE_WIDTH * ENTRY)
#define TREE_MAX     (16 + 64 * TLOG_HASH)

static const char BUNDLES[] = "bundles";

static struct dt_view
parent_of(const char *name)
{
    return dt_view_str(name);
}

static enum dt_err
policy_of(const struct dt_charter *c, enum dt_policy_kind kind, struct tlog_policy *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_POLICY_MAX);
    enum dt_err err = dt_charter_policy(c, kind, &text);

    if (err == DT_OK)
        err = tlog_policy_parse(dt_buf_view(&text), out);
    return dt_fail_context(err, "the charter's witness policy");
}

enum dt_err
dt_register_policy(struct dt_agent *a, enum dt_policy_kind kind, struct tlog_policy *out)
{
    return policy_of(&a->charter, kind, out);
}

enum dt_err
dt_register_charter_of(struct dt_agent *a, struct dt_view note, const struct dt_charter **out)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note n = {0};
    const struct dt_charter *c = &a->charter;
    struct tlog_checkpoint cp;
    enum dt_err err;

    if ((err = tlog_note_parse(note, &n)) != DT_OK ||
        (err = tlog_checkpoint_parse(n.text, &cp)) != DT_OK)
        return err;
    for (size_t i = 0; i < a->charter.n_former; i++)
        if (!a->charter.former[i].roots &&
            dt_view_equal(a->charter.former[i].was.register_origin, dt_view_str(cp.origin)))
            c = &a->charter.former[i].was;
    *out = c;
    return DT_OK;
}

enum dt_err
dt_register_policy_of(struct dt_agent *a, enum dt_policy_kind kind, struct dt_view note,
                      struct tlog_policy *out)
{
    const struct dt_charter *c = NULL;
    enum dt_err err = dt_register_charter_of(a, note, &c);

    return err != DT_OK ? err : policy_of(c, kind, out);
}

enum dt_err
dt_register_tree(struct dt_agent *a, struct tlog_frontier *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TREE_MAX);
    struct tlog_frontier f = {0};
    struct dt_reader r;
    enum dt_err err;

    err = dt_store_get_blob(dt_agent_store(a), "register", dt_view_str("tree"), &b);
    if (err == DT_ERR_NOT_FOUND) {
        *out = f;
        return DT_OK;
    }
    if (err != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&b));
    if ((err = dt_read_u64(&r, &f.size)) != DT_OK)
        return err;
    for (; r.n > 0; f.n++) {
        if (f.n == 64)
            return dt_fail(DT_ERR_FORMAT, "the register's tree in the store is damaged");
        if ((err = dt_read_fixed(&r, f.h[f.n].b, TLOG_HASH)) != DT_OK)
            return err;
    }
    *out = f;
    return DT_OK;
}

enum dt_err
dt_register_tree_put(struct dt_agent *a, const struct tlog_frontier *f)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TREE_MAX);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_u64(&w, f->size);
    for (size_t i = 0; i < f->n; i++)
        dt_write_view(&w, tlog_hash_view(&f->h[i]));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(dt_agent_store(a), "register", dt_view_str("tree"), dt_buf_view(&b));
}

static void
bundle_key(uint64_t n, uint8_t key[static 8])
{
    for (size_t i = 0; i < 8; i++)
        key[i] = (uint8_t)(n >> (8 * (7 - i)));
}

static enum dt_err
bundle_get(struct dt_agent *a, uint64_t n, struct dt_buf *out)
{
    uint8_t key[8];

    bundle_key(n, key);
    return dt_store_get_blob(dt_agent_store(a), "register", dt_view_of(key), out);
}

enum dt_err
dt_register_bundle_next(struct dt_agent *a, uint64_t n, struct dt_store_row *out)
{
    return dt_store_next(dt_agent_store(a), "register", parent_of(BUNDLES), n, out);
}

enum dt_err
dt_register_bundle_put(struct dt_agent *a, uint64_t n, struct dt_view entries)
{
    uint8_t key[8];

    bundle_key(n, key);
    if (entries.n == 0)
        return dt_store_del(dt_agent_store(a), "register", dt_view_of(key));
    return dt_store_put(dt_agent_store(a), "register", dt_view_of(key), parent_of(BUNDLES), n,
                        entries);
}

enum dt_err
dt_register_entries(struct dt_agent *a, uint64_t n, struct dt_buf *out)
{
    enum dt_err err = DT_OK;

    for (uint64_t i = 0; err == DT_OK && i < n; i += TLOG_TILE_WIDTH) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(BUNDLE_BYTES);
        size_t want = (size_t)(n - i < TLOG_TILE_WIDTH ? n - i : TLOG_TILE_WIDTH) * ENTRY;

        if ((err = bundle_get(a, i / TLOG_TILE_WIDTH, &b)) != DT_OK)
            break;
        err = b.n < want ? dt_fail(DT_ERR_FORMAT, "entry %llu is missing from the store's register",
                                   (unsigned long long)(i + b.n / ENTRY))
                         : dt_buf_append(out, dt_view(b.p, want));
    }
    return err;
}

enum dt_err
dt_register_leaves(struct dt_agent *a, uint64_t n, struct tlog_hash **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(BUNDLE_BYTES);
    struct tlog_hash *leaves;
    enum dt_err err = DT_OK;

    if (n > DT_REGISTER_ENTRIES_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %llu register entries",
                       (unsigned long long)DT_REGISTER_ENTRIES_MAX);
    leaves = dt_alloc((size_t)n, sizeof *leaves);
    if (leaves == NULL)
        return dt_nomem();
    for (uint64_t i = 0; i < n; i++) {
        size_t at = (size_t)(i % TLOG_TILE_WIDTH) * ENTRY;

        if (at == 0) {
            b.n = 0;
            if ((err = bundle_get(a, i / TLOG_TILE_WIDTH, &b)) != DT_OK)
                goto done;
        }
        if (at + ENTRY > b.n) {
            err = dt_fail(DT_ERR_FORMAT, "entry %llu is missing from the store's register",
                          (unsigned long long)i);
            goto done;
        }
        if ((err = tlog_leaf_hash(dt_view(b.p + at, ENTRY), &leaves[i])) != DT_OK)
            goto done;
    }
    *out = leaves;
    leaves = NULL;

done:
    dt_free(leaves);
    return err;
}

enum dt_err
dt_register_entry_put(struct dt_agent *a, uint64_t index, struct dt_view entry)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(BUNDLE_BYTES);
    struct dt_store *s = dt_agent_store(a);
    uint64_t n = index / TLOG_TILE_WIDTH;
    uint8_t key[8];
    uint8_t where[8];
    enum dt_err err;

    if (entry.n != ENTRY || entry.p[0] != 1)
        return dt_fail(DT_ERR_UNSUPPORTED, "register entry %llu is of no kind known here",
                       (unsigned long long)index);
    bundle_key(n, key);
    bundle_key(index, where);
    err = index % TLOG_TILE_WIDTH == 0 ? DT_OK : bundle_get(a, n, &b);
    if (err == DT_OK && b.n != (size_t)(index % TLOG_TILE_WIDTH) * ENTRY)
        err = dt_fail(DT_ERR_INTERNAL, "register entry %llu is not the next one",
                      (unsigned long long)index);
    if (err == DT_OK)
        err = dt_buf_append(&b, entry);
    if (err == DT_OK)
        err = dt_store_put(s, "register", dt_view_of(key), parent_of(BUNDLES), n, dt_buf_view(&b));
    if (err == DT_OK)
        err = dt_store_put_blob(s, "register_seal", dt_view(entry.p + 1, 32), dt_view_of(where));
    if (err == DT_OK)
        err = dt_register_arrived(a, dt_view(entry.p + 1, 32));
    return err;
}

enum dt_err
dt_register_note_last(struct dt_agent *a, const char *which, uint64_t *out_size, struct dt_buf *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_last(dt_agent_store(a), "register_note", parent_of(which), &row);

    if (err == DT_OK && out != NULL)
        err = dt_buf_append(out, dt_buf_view(&row.value));
    if (err == DT_OK)
        *out_size = row.seq;
    return err;
}

enum dt_err
dt_register_note_first(struct dt_agent *a, uint64_t index, uint64_t *out_size, struct dt_buf *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err =
        dt_store_next(dt_agent_store(a), "register_note", parent_of("attested"), index + 1, &row);

    if (err == DT_OK && out != NULL)
        err = dt_buf_append(out, dt_buf_view(&row.value));
    if (err == DT_OK)
        *out_size = row.seq;
    return err;
}

enum dt_err
dt_register_root_at(struct dt_agent *a, uint64_t size, struct tlog_hash *out)
{
    DT_CLEANUP(dt_free_p) struct tlog_hash *h = NULL;
    struct tlog_leaves leaves;
    enum dt_err err = dt_register_leaves(a, size, &h);

    if (err != DT_OK)
        return err;
    leaves = (struct tlog_leaves){h, size};
    return tlog_root_make(tlog_leaves_node, &leaves, size, out);
}
