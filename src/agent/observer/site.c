/*
 * agent/observer/site.c - see site.h.
 *
 * What is below was made from the entries alone: a tile that someone served wrong is not handed on.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/core.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include "agent/observer/internal.h"
#include "agent/observer/site.h"

#define ORIGIN        "register.detente/"
#define CHECKS        3u /* checkpoint.held, checkpoint, checkpoint.final */
#define SITE_FILE_MAX 4096u

static const char *const names[CHECKS] = {"checkpoint.held", "checkpoint", "checkpoint.final"};

struct site {
    struct dt_observer *o;
    char top[SITE_FILE_MAX];
    struct dt_buf entries; /* all of them, one behind the other */
    struct tlog_hash *row; /* hashes of the level that is written */
    struct dt_buf note[CHECKS];
    uint64_t size[CHECKS]; /* 0: no such checkpoint */
};

static void
site_clear(struct site *s)
{
    dt_buf_clear(&s->entries);
    dt_free(s->row);
    for (size_t i = 0; i < CHECKS; i++)
        dt_buf_clear(&s->note[i]);
}

void
dt_observer_site_path(const struct dt_observer *o, char out[static DT_OBSERVER_SITE_PATH])
{
    const char *origin = dt_observer_origin(o);
    uint8_t id[DT_REGISTER_ID];

    if (strncmp(origin, ORIGIN, strlen(ORIGIN)) == 0 &&
        dt_hex_read_fixed(id, sizeof id, dt_view_str(origin + strlen(ORIGIN))) == DT_OK)
        (void)snprintf(out, DT_OBSERVER_SITE_PATH, "r/%.32s", origin + strlen(ORIGIN));
    else
        (void)snprintf(out, DT_OBSERVER_SITE_PATH, "register");
}

/* ---- files ---- */

static enum dt_err
path_of(const struct site *s, const char *name, char out[static SITE_FILE_MAX])
{
    const int n = snprintf(out, SITE_FILE_MAX, "%s/%s", s->top, name);

    return n > 0 && (unsigned int)n < SITE_FILE_MAX ? DT_OK : dt_fail(DT_ERR_IO, "path too long");
}

/* Does ${path} hold just ${v}? */
static bool
holds(const char *path, struct dt_view v)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(v.n);
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == v.n &&
           dt_file_read(path, &b) == DT_OK && dt_view_equal(dt_buf_view(&b), v);
}

static enum dt_err
put(const struct site *s, const char *name, struct dt_view v)
{
    char path[SITE_FILE_MAX], *slash;
    enum dt_err err = path_of(s, name, path);

    if (err != DT_OK || holds(path, v))
        return err;
    slash = strrchr(path, '/');
    *slash = '\0';
    if ((err = dt_dir_make(path, 0755)) != DT_OK)
        return err;
    *slash = '/';
    return dt_file_write(path, v, 0644);
}

/* ---- what is to be there ---- */

/* A further checkpoint of the source, where it has one: of this register and no larger than what
 * was seen. That it is of the same tree is seen when the entries are read. */
static enum dt_err
fetch_check(struct site *s, size_t i)
{
    const struct dt_observer *o = s->o;
    struct tlog_policy_state st;
    enum dt_err err = dt_register_source_file(&o->src, names[i], &s->note[i]);

    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    if (err != DT_OK || (err = tlog_policy_evaluate(o->config.policy, &o->log,
                                                    dt_buf_view(&s->note[i]), &st)) != DT_OK)
        return err;
    /* It grew while we looked: the next time has it. */
    if (st.checkpoint.size <= o->state.size)
        s->size[i] = st.checkpoint.size;
    return DT_OK;
}

/* The root at ${size} must be what checkpoint ${i} says. */
static enum dt_err
check_root(const struct site *s, size_t i, const struct tlog_frontier *f)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_checkpoint cp;
    struct tlog_hash root;
    enum dt_err err;

    if ((err = tlog_note_parse(dt_buf_view(&s->note[i]), &note)) != DT_OK ||
        (err = tlog_checkpoint_parse(note.text, &cp)) != DT_OK ||
        (err = tlog_frontier_root(f, &root)) != DT_OK)
        return err;
    if (!tlog_hash_equal(&root, &cp.root))
        return dt_fail(DT_ERR_PROOF, "the register's entries do not lead to its %s", names[i]);
    return DT_OK;
}

/* All entries, their hashes, and that each checkpoint is of them. */
static enum dt_err
read_entries(struct site *s)
{
    const uint64_t size = s->size[0];
    struct tlog_frontier f = {0}, again = {0};
    enum dt_err err = dt_register_source_entries(&s->o->src, size, &f, &s->entries);

    if (err != DT_OK)
        return err;
    s->row = dt_alloc((size_t)size + 1, sizeof *s->row);
    if (s->row == NULL)
        return dt_nomem();
    for (uint64_t at = 0;; at++) {
        for (size_t i = 0; i < CHECKS; i++)
            if (s->note[i].n > 0 && s->size[i] == at && (i == 0 || at > 0) &&
                (err = check_root(s, i, &again)) != DT_OK)
                return err;
        if (at == size)
            return DT_OK;
        if ((err = tlog_leaf_hash(dt_view(s->entries.p + at * DT_REGISTER_ENTRY, DT_REGISTER_ENTRY),
                                  &s->row[at])) != DT_OK ||
            (err = tlog_frontier_append(&again, &s->row[at])) != DT_OK)
            return err;
    }
}

/* ---- tiles ---- */

/* Tile ${t}, of the row in memory; and at level 0 its entries. */
static enum dt_err
put_tile(const struct site *s, struct tlog_tile t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf name = DT_BUF_INIT(TLOG_PATH_STR_MAX + 1);
    DT_CLEANUP(dt_buf_clear) struct dt_buf bundle = DT_BUF_INIT(TLOG_BUNDLE_MAX);
    const uint64_t first = t.index * TLOG_TILE_WIDTH;
    enum dt_err err;

    if ((err = tlog_tile_path_write(&t, &name)) != DT_OK ||
        (err = dt_buf_append(&name, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    if (!t.entries)
        return put(s, (const char *)name.p, dt_view(s->row[first].b, (size_t)t.width * TLOG_HASH));
    for (uint64_t i = first; i < first + t.width; i++)
        if ((err = tlog_bundle_append(&bundle, dt_view(s->entries.p + i * DT_REGISTER_ENTRY,
                                                       DT_REGISTER_ENTRY))) != DT_OK)
            return err;
    return put(s, (const char *)name.p, dt_buf_view(&bundle));
}

/* The tiles of a level, for each of the checkpoints. */
static enum dt_err
put_level(const struct site *s, unsigned int level, bool entries)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < CHECKS && err == DT_OK; i++) {
        uint64_t full = 0;
        uint16_t width = 0;
        struct tlog_tile t = {
            .level = (uint8_t)level, .entries = entries, .width = TLOG_TILE_WIDTH};

        tlog_tiles_of_level(level, s->size[i], &full, &width);
        /* The full tiles of a smaller tree are among those of the largest. */
        for (t.index = 0; i == 0 && t.index < full && err == DT_OK; t.index++)
            err = put_tile(s, t);
        if (err != DT_OK || width == 0)
            continue;
        t.index = full;
        t.width = width;
        err = put_tile(s, t);
    }
    return err;
}

/* The roots of the full tiles of this row are the next one. */
static enum dt_err
next_row(struct site *s, uint64_t *n)
{
    *n /= TLOG_TILE_WIDTH;
    for (uint64_t i = 0; i < *n; i++) {
        struct tlog_frontier f = {0};
        enum dt_err err;

        for (uint64_t k = 0; k < TLOG_TILE_WIDTH; k++)
            if ((err = tlog_frontier_append(&f, &s->row[i * TLOG_TILE_WIDTH + k])) != DT_OK)
                return err;
        if ((err = tlog_frontier_root(&f, &s->row[i])) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
put_tiles(struct site *s)
{
    uint64_t n = s->size[0];
    enum dt_err err = put_level(s, 0, true);

    for (unsigned int level = 0; err == DT_OK && n > 0; level++) {
        if ((err = put_level(s, level, false)) == DT_OK)
            err = next_row(s, &n);
    }
    return err;
}

/* ---- openings ---- */

static enum dt_err
put_openings(const struct site *s)
{
    const struct observer_state *state = &s->o->state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf index = DT_BUF_INIT(65u * DT_OBSERVER_OPENINGS_MAX);
    enum dt_err err;

    for (size_t i = 0; i < state->n_openings; i++) {
        char hex[65], name[96];

        if (state->openings[i].info.gone_ms != 0)
            continue;
        dt_hex_str(hex, dt_view_of(state->openings[i].info.hash));
        (void)snprintf(name, sizeof name, "openings/%s.proof", hex);
        if ((err = put(s, name, dt_buf_view(&state->openings[i].file))) != DT_OK ||
            (err = dt_buf_printf(&index, "%s\n", hex)) != DT_OK)
            return err;
    }
    return put(s, "openings/index", dt_buf_view(&index));
}

/* ---- all of it ---- */

static enum dt_err
write_site(struct site *s)
{
    enum dt_err err;

    if ((err = dt_buf_append(&s->note[0], dt_buf_view(&s->o->state.note))) != DT_OK ||
        (err = fetch_check(s, 1)) != DT_OK || (err = fetch_check(s, 2)) != DT_OK ||
        (err = read_entries(s)) != DT_OK || (err = put_tiles(s)) != DT_OK)
        return err;
    for (size_t i = 0; i < CHECKS; i++)
        if ((i == 0 || s->size[i] > 0) &&
            (err = put(s, names[i], dt_buf_view(&s->note[i]))) != DT_OK)
            return err;
    return put_openings(s);
}

enum dt_err
dt_observer_site(struct dt_observer *o, const char *dir)
{
    DT_CLEANUP(site_clear) struct site s = {.o = o};
    char below[DT_OBSERVER_SITE_PATH];
    int n;

    if (o->state.note.n == 0 || o->state.split_ms != 0 || o->state.behind_since_ms != 0)
        return dt_fail(DT_ERR_STATE,
                       "what this register shows now is not what it showed before: it is not "
                       "handed on as a site");
    if (o->state.size > DT_OBSERVER_SITE_ENTRIES)
        return dt_fail(DT_ERR_LIMIT, "a register of more than %llu entries is not made a site of",
                       (unsigned long long)DT_OBSERVER_SITE_ENTRIES);
    dt_observer_site_path(o, below);
    n = snprintf(s.top, sizeof s.top, "%s/%s", dir, below);
    if (n < 0 || (size_t)n >= sizeof s.top)
        return dt_fail(DT_ERR_IO, "path too long");
    dt_buf_init(&s.entries, (size_t)o->state.size * DT_REGISTER_ENTRY);
    for (size_t i = 0; i < CHECKS; i++)
        dt_buf_init(&s.note[i], TLOG_NOTE_MAX);
    s.size[0] = o->state.size;
    return write_site(&s);
}
