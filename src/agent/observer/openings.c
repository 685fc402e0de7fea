/*
 * agent/observer/openings.c - what is published in a register's "openings/": proof files that
 * anyone may read. See observer.h.
 *
 * Source: docs/protocol-register.md, "Openings". Layer: agent.
 *
 * "openings/index" names them, one a line, by the SHA-256 of the file; each is
 * "openings/{hash}.proof". A folder without an index holds whatever *.proof lies in it. An opening
 * counts when it verifies and what it opens stands in this register, as this observer saw it.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "agent/core.h"
#include "base/mem.h"
#include "base/text.h"
#include "log/tile_read.h"

#include "agent/observer/internal.h"

#define NAME_HEX 64u
/* Files fetched by one pass: a bound on what a server can make us read, and all that a relay takes
 * beside a register, or one party's share of it could stand before what another opened. */
#define NEW_MAX   DT_OBSERVER_OPENINGS_MAX
#define INDEX_MAX ((NAME_HEX + 1) * 2 * DT_OBSERVER_OPENINGS_MAX)

/* What is published now. */
struct published {
    struct dt_observer *o;
    bool *there; /* of each opening known before */
    size_t n_known;
    size_t n_new; /* files that were not known before, fetched by this pass */
};

void
observer_refused_clear(struct dt_observer *o)
{
    for (size_t i = 0; i < DT_OBSERVER_REFUSED_MAX; i++) {
        dt_free(o->refused[i]);
        o->refused[i] = NULL;
    }
    o->n_refused = 0;
}

/* ${name} is none, because of ${why}. */
static enum dt_err
refuse(struct dt_observer *o, const char *name, struct dt_view why)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(1024);
    size_t i = o->n_refused++;
    enum dt_err err;

    if (i >= DT_OBSERVER_REFUSED_MAX)
        return DT_OK;
    if (why.n > 512)
        why.n = 512;
    if ((err = dt_buf_printf(&line, "%.80s: ", name)) != DT_OK ||
        (err = dt_buf_append(&line, why)) != DT_OK)
        return err;
    /* A file's name may hold any bytes, and what is cut may be cut within a letter. */
    for (size_t k = 0; k < line.n && !dt_utf8_valid(dt_buf_view(&line)); k++)
        if (line.p[k] >= 0x80)
            line.p[k] = '?';
    o->refused[i] = dt_strndup((const char *)line.p, line.n);
    return o->refused[i] != NULL ? DT_OK : dt_nomem();
}

/* Does entry ${r} stand where it says, in the tree as we saw it? */
static enum dt_err
check_place(struct dt_observer *o, const struct dt_proof_record *r)
{
    const struct observer_state *s = &o->state;
    uint8_t entry[DT_REGISTER_ENTRY];
    struct tlog_path path;
    struct tlog_hash want, leaf;
    enum dt_err err;

    if (r->state == DT_ENTRY_NONE)
        return dt_fail(DT_ERR_PROOF, "it shows no entry in the register");
    if (r->entry >= s->size)
        return dt_fail(DT_ERR_STATE, "its entry %llu is not in the register yet",
                       (unsigned long long)r->entry);
    if (o->tiles == NULL && (err = tlog_tile_cache_new(OBSERVER_KEPT_TILES, &o->tiles)) != DT_OK)
        return err;
    dt_register_entry(r->seal, entry);
    if ((err = tlog_leaf_hash(dt_view_of(entry), &want)) != DT_OK)
        return err;
    err = tlog_tiles_inclusion_kept(o->tiles, 0, dt_register_source_tile, &o->src, r->entry,
                                    s->size, &s->root, &path, &leaf);
    if (err == DT_ERR_PROOF) /* of tiles that lied nothing is kept */
        tlog_tile_cache_clear(o->tiles);
    if (err != DT_OK)
        return err;
    if (!tlog_hash_equal(&want, &leaf))
        return dt_fail(DT_ERR_PROOF,
                       "the register has something else at its entry %llu: the proof "
                       "is of another register, signed by the same key",
                       (unsigned long long)r->entry);
    return DT_OK;
}

/* Is ${file} an opening of this register? An error that is not local says why not. */
static enum dt_err
judge(struct dt_observer *o, struct dt_view file)
{
    DT_CLEANUP(dt_verdict_clear) struct dt_verdict v = {0};
    struct dt_verify_in in = *o->config.proofs;
    struct tlog_vkey key;
    enum dt_err err;

    in.now_ms = o->now_ms;
    in.audience = DT_AUDIENCE_PUBLIC; /* it is published: a consent to one person is none */
    if ((err = dt_proof_verify(file, &in, &v)) != DT_OK)
        return err;
    if (v.code == DT_VERDICT_REFUSED)
        return dt_fail(DT_ERR_PROOF, "refused: %.*s", (int)v.reason.n, (const char *)v.reason.p);
    if ((err = tlog_vkey_parse(v.charter->register_vkey, &key)) != DT_OK)
        return err;
    if (!tlog_vkey_equal(&key, &o->log))
        return dt_fail(DT_ERR_CONFLICT, "it is about another register");
    return check_place(o, &v.records[0]);
}

/* A file that is published under ${name}. */
static enum dt_err
take(struct published *p, const char *name, struct dt_buf *file, const uint8_t hash[static 32])
{
    struct dt_observer *o = p->o;
    enum dt_err err;

    for (size_t i = p->n_known; i < o->state.n_openings; i++)
        if (memcmp(o->state.openings[i].info.hash, hash, 32) == 0)
            return DT_OK; /* twice */
    err = judge(o, dt_buf_view(file));
    if (err != DT_OK)
        return dt_err_is_local(err) ? err : refuse(o, name, dt_view_str(dt_err_message()));
    if (o->state.n_openings == DT_OBSERVER_OPENINGS_MAX)
        return refuse(o, name, dt_view_str("more openings than are kept"));
    return observer_state_opening(&o->state, hash, o->now_ms, file);
}

/* Is it known? Then it is there still. */
static bool
known(struct published *p, const uint8_t hash[static 32])
{
    for (size_t i = 0; i < p->n_known; i++)
        if (memcmp(p->o->state.openings[i].info.hash, hash, 32) == 0) {
            p->there[i] = true;
            return true;
        }
    return false;
}

/* ---- by the index ---- */

static enum dt_err
take_named(struct published *p, struct dt_view line)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_OBSERVER_OPENING_MAX);
    uint8_t hash[32], got[32];
    char name[NAME_HEX + 1], path[NAME_HEX + 32];
    enum dt_err err;

    if (line.n != NAME_HEX || dt_hex_read_fixed(hash, sizeof hash, line) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "openings/index: a line that is no hash");
    if (known(p, hash) || p->n_new++ >= NEW_MAX)
        return DT_OK;
    dt_hex_str(name, dt_view_of(hash));
    (void)snprintf(path, sizeof path, "openings/%s.proof", name);
    err = dt_register_source_file(&p->o->src, path, &file);
    if (err == DT_OK)
        err = dt_sha256(dt_buf_view(&file), got);
    if (err != DT_OK)
        return dt_err_is_local(err) ? err : refuse(p->o, name, dt_view_str(dt_err_message()));
    if (memcmp(got, hash, sizeof got) != 0)
        return refuse(p->o, name, dt_view_str("not the file that its name says"));
    return take(p, name, &file, hash);
}

static enum dt_err
by_index(struct published *p, struct dt_view index)
{
    struct dt_view rest = index, line = {0};
    enum dt_err err = DT_OK;

    if (index.n == 0)
        return DT_OK;
    if (index.p[index.n - 1] != '\n')
        return dt_fail(DT_ERR_FORMAT, "openings/index: cut off");
    rest.n--;
    while (err == DT_OK && dt_text_split(&rest, '\n', &line))
        err = take_named(p, line);
    return err;
}

/* ---- by what lies in the folder ---- */

static enum dt_err
take_file(struct published *p, const char *name)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_OBSERVER_OPENING_MAX);
    char path[NAME_MAX + 32];
    uint8_t hash[32];
    enum dt_err err;

    if (p->n_new++ >= NEW_MAX + DT_OBSERVER_OPENINGS_MAX)
        return DT_OK;
    (void)snprintf(path, sizeof path, "openings/%s", name);
    err = dt_register_source_file(&p->o->src, path, &file);
    if (err == DT_OK)
        err = dt_sha256(dt_buf_view(&file), hash);
    if (err != DT_OK)
        return err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL
                   ? err
                   : refuse(p->o, name, dt_view_str(dt_err_message()));
    return known(p, hash) ? DT_OK : take(p, name, &file, hash);
}

static enum dt_err
by_folder(struct published *p)
{
    char path[OBSERVER_PATH_MAX];
    const struct dirent *d;
    enum dt_err err = DT_OK;
    DIR *dir;
    int n = snprintf(path, sizeof path, "%s/openings", p->o->src.dir);

    if (n < 0 || (size_t)n >= sizeof path || (dir = opendir(path)) == NULL)
        return DT_OK; /* nothing is published */
    /* Only this thread reads this stream. */
    while (err == DT_OK && (d = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        size_t len = strlen(d->d_name);

        if (len > 6 && d->d_name[0] != '.' && strcmp(d->d_name + len - 6, ".proof") == 0)
            err = take_file(p, d->d_name);
    }
    (void)closedir(dir);
    return err;
}

enum dt_err
observer_openings(struct dt_observer *o)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf index = DT_BUF_INIT(INDEX_MAX);
    DT_CLEANUP(dt_free_p) bool *there = dt_alloc(o->state.n_openings + 1, sizeof *there);
    struct published p = {.o = o, .there = there, .n_known = o->state.n_openings};
    enum dt_err err;

    if (there == NULL)
        return dt_nomem();
    observer_refused_clear(o);
    tlog_tile_cache_clear(o->tiles);
    err = dt_register_source_file(&o->src, "openings/index", &index);
    if (err == DT_OK)
        err = by_index(&p, dt_buf_view(&index));
    else if (err == DT_ERR_NOT_FOUND)
        err = o->src.dir != NULL ? by_folder(&p) : DT_OK;
    /* An index that is none hides openings; it does not stop whoever counts entries. */
    if (err != DT_OK && !dt_err_is_local(err))
        return refuse(o, "openings/index", dt_view_str(dt_err_message()));
    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < p.n_known; i++) {
        uint64_t *gone = &o->state.openings[i].info.gone_ms;

        *gone = there[i] ? 0 : *gone != 0 ? *gone : o->now_ms;
    }
    return DT_OK;
}

/* ---- for others ---- */

size_t
dt_observer_openings(const struct dt_observer *o)
{
    return o->state.n_openings;
}

enum dt_err
dt_observer_opening(struct dt_observer *o, size_t i, struct dt_observer_opening *out,
                    struct dt_verdict *verdict)
{
    struct dt_verify_in in = {0};

    if (o->config.proofs != NULL)
        in = *o->config.proofs;
    in.now_ms = dt_clock_now(&o->config.clock);
    in.audience = DT_AUDIENCE_PUBLIC;
    *out = o->state.openings[i].info;
    return dt_proof_verify(dt_buf_view(&o->state.openings[i].file), &in, verdict);
}

size_t
dt_observer_refused(const struct dt_observer *o)
{
    return o->n_refused;
}

const char *
dt_observer_refusal(const struct dt_observer *o, size_t i)
{
    return i < DT_OBSERVER_REFUSED_MAX ? o->refused[i] : NULL;
}
