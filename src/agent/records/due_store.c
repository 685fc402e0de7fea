/*
 * agent/records/due_store.c - see due_store.h.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/core.h"
#include "agent/records/due_store.h"

#define TABLE     "due"
#define HEAD      "head"
#define ITEMS     "items"
#define HEAD_MAX  (128 + DT_DUE_CHANNELS * 32)
#define CHUNK_MAX (DT_DUE_CHUNK * DT_DUE_ENCODED_MAX)

void
dt_due_kept_clear(struct dt_due_kept *k)
{
    dt_due_clear(&k->state);
    dt_free(k->group_ids);
    dt_free(k->changed);
    *k = (struct dt_due_kept){0};
}

/* Items hold templates by their place, and entries by their index: with other templates, or after
 * an amendment cut the register or replaced a root, they are read anew. */
static enum dt_err
basis(struct dt_agent *a, uint8_t out[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64u << 10);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_u64(&w, a->charter.n_former);
    for (size_t i = 0; i < dt_templates_count(a->templates); i++)
        dt_write_view(&w, dt_view(dt_template_hash(dt_templates_at(a->templates, i)), 32));
    err = dt_writer_end(&w);
    return err != DT_OK ? err : dt_label_hash("due", dt_buf_view(&b), out);
}

/* The head; NOT_FOUND when there is none that this program can use. */
static enum dt_err
read_head(struct dt_agent *a, struct dt_due_kept *k, uint64_t *n_items, struct dt_view *groups,
          struct dt_buf *b)
{
    uint8_t want[32], have[32];
    struct dt_reader r;
    uint16_t format = 0;
    enum dt_err err;

    if ((err = dt_store_get_blob(dt_agent_store(a), TABLE, dt_view_str(HEAD), b)) != DT_OK ||
        (err = basis(a, want)) != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(b));
    if (dt_read_u16(&r, &format) != DT_OK || format != DT_DUE_FORMAT ||
        dt_read_fixed(&r, have, sizeof have) != DT_OK || memcmp(have, want, sizeof want) != 0 ||
        dt_read_u64(&r, &k->version) != DT_OK || dt_read_u64(&r, &k->next) != DT_OK ||
        dt_read_u64(&r, n_items) != DT_OK || dt_read_vec(&r, HEAD_MAX, groups) != DT_OK ||
        dt_read_end(&r) != DT_OK || groups->n % 32 != 0 || groups->n / 32 > DT_DUE_CHANNELS)
        return DT_ERR_NOT_FOUND;
    return DT_OK;
}

static enum dt_err
read_items(struct dt_agent *a, struct dt_due_kept *k)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t at = 0;
    enum dt_err err;

    while ((err = dt_store_next(dt_agent_store(a), TABLE, dt_view_str(ITEMS), at, &row)) == DT_OK) {
        if (row.seq != at || k->state.n != at * DT_DUE_CHUNK)
            return DT_ERR_FORMAT;
        if ((err = dt_due_decode(&k->state, dt_buf_view(&row.value), a->templates)) != DT_OK)
            return err;
        at++;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
read_all(struct dt_agent *a, struct dt_due_kept *k)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(HEAD_MAX);
    struct dt_view groups = {0};
    uint64_t n_items = 0;
    enum dt_err err = read_head(a, k, &n_items, &groups, &b);

    if (err != DT_OK)
        return err;
    if ((err = read_items(a, k)) != DT_OK)
        return err;
    if (k->state.n != n_items)
        return DT_ERR_FORMAT;
    for (size_t i = 0; i < k->state.n; i++)
        if (k->state.items[i].channel >= groups.n / 32)
            return DT_ERR_FORMAT;
    k->n_channels = groups.n / 32;
    k->group_ids = dt_alloc(k->n_channels + 1, 32);
    if (k->group_ids == NULL)
        return dt_nomem();
    if (groups.n > 0)
        memcpy(k->group_ids, groups.p, groups.n);
    return DT_OK;
}

/* The version of the head that is there; 0: none that this program can use. */
static enum dt_err
head_version(struct dt_agent *a, uint64_t *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(HEAD_MAX);
    struct dt_due_kept k = {0};
    struct dt_view groups;
    uint64_t n = 0;
    enum dt_err err = read_head(a, &k, &n, &groups, &b);

    *out = err == DT_OK ? k.version : 0;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_due_kept_load(struct dt_agent *a, struct dt_due_kept *k)
{
    uint64_t version = 0;
    enum dt_err err;

    if ((err = head_version(a, &version)) != DT_OK)
        return err;
    if (k->loaded && k->version == version)
        return DT_OK;
    dt_due_kept_clear(k);
    err = version == 0 ? DT_ERR_NOT_FOUND : read_all(a, k);
    if (err == DT_ERR_NOT_FOUND || err == DT_ERR_FORMAT || err == DT_ERR_LIMIT) {
        dt_due_kept_clear(k);
        k->fresh = true; /* all of it is made anew */
        err = DT_OK;
    }
    k->loaded = err == DT_OK;
    return err;
}

enum dt_err
dt_due_kept_touch(struct dt_due_kept *k, size_t i)
{
    size_t chunk = i / DT_DUE_CHUNK;

    if (chunk >= k->n_changed) {
        uint8_t *grown = dt_realloc(k->changed, chunk + 1, 1);

        if (grown == NULL)
            return dt_nomem();
        memset(grown + k->n_changed, 0, chunk + 1 - k->n_changed);
        k->changed = grown;
        k->n_changed = chunk + 1;
    }
    k->changed[chunk] = 1;
    return DT_OK;
}

enum dt_err
dt_due_kept_channel(struct dt_due_kept *k, const uint8_t group_id[static 32], uint16_t *out)
{
    uint8_t *grown;

    for (size_t i = 0; i < k->n_channels; i++)
        if (memcmp(k->group_ids + 32 * i, group_id, 32) == 0) {
            *out = (uint16_t)i;
            return DT_OK;
        }
    if (k->n_channels == DT_DUE_CHANNELS)
        return dt_fail(DT_ERR_LIMIT, "more than %u channels", DT_DUE_CHANNELS);
    grown = dt_realloc(k->group_ids, k->n_channels + 1, 32);
    if (grown == NULL)
        return dt_nomem();
    k->group_ids = grown;
    memcpy(grown + 32 * k->n_channels, group_id, 32);
    *out = (uint16_t)k->n_channels++;
    return DT_OK;
}

static enum dt_err
write_chunk(struct dt_agent *a, const struct dt_due_kept *k, size_t chunk)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(CHUNK_MAX);
    size_t first = chunk * DT_DUE_CHUNK;
    size_t n = k->state.n - first < DT_DUE_CHUNK ? k->state.n - first : DT_DUE_CHUNK;
    uint8_t key[8];
    enum dt_err err = dt_due_encode(&k->state, first, n, a->templates, &b);

    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)((uint64_t)chunk >> (8 * (7 - i)));
    if (err == DT_OK)
        err = dt_store_put(dt_agent_store(a), TABLE, dt_view_of(key), dt_view_str(ITEMS), chunk,
                           dt_buf_view(&b));
    return err;
}

static enum dt_err
write_head(struct dt_agent *a, const struct dt_due_kept *k)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(HEAD_MAX);
    struct dt_writer w = dt_writer_init(&b);
    uint8_t hash[32];
    enum dt_err err = basis(a, hash);

    if (err != DT_OK)
        return err;
    dt_write_u16(&w, DT_DUE_FORMAT);
    dt_write_view(&w, dt_view_of(hash));
    dt_write_u64(&w, k->version);
    dt_write_u64(&w, k->next);
    dt_write_u64(&w, k->state.n);
    dt_write_vec(&w,
                 k->n_channels == 0 ? dt_view(NULL, 0) : dt_view(k->group_ids, 32 * k->n_channels));
    err = dt_writer_end(&w);
    return err != DT_OK
               ? err
               : dt_store_put_blob(dt_agent_store(a), TABLE, dt_view_str(HEAD), dt_buf_view(&b));
}

enum dt_err
dt_due_kept_save(struct dt_agent *a, struct dt_due_kept *k)
{
    enum dt_err err = DT_OK;

    if (k->fresh)
        err = dt_store_del_parent(dt_agent_store(a), TABLE, dt_view_str(ITEMS));
    for (size_t i = 0; i < k->n_changed && err == DT_OK; i++)
        if (k->changed[i] != 0)
            err = write_chunk(a, k, i);
    k->version++;
    if (err == DT_OK)
        err = write_head(a, k);
    if (err == DT_OK && k->n_changed > 0)
        memset(k->changed, 0, k->n_changed);
    k->fresh = false;
    k->loaded = err == DT_OK;
    return err;
}
