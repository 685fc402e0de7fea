/*
 * agent/keep/backup.c - see backup.h: a backup is made.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/keep/backup_form.h"
#include "agent/store/walk.h"
#include "agent/sync/flows.h"

#define TOLD_EVERY 256u
#define SAID_MAX   (1u << 21) /* pieces of talk and paraphrases */
#define GROUPS_MAX 2048u

/* What goes through the walks. */
struct making {
    struct dt_agent *a;
    struct dt_sealed_out *f;
    const struct dt_keep_progress *progress;
    struct dt_backup_report *out;
    uint64_t about;
    struct dt_buf all;       /* ids of all channels, one behind the other */
    struct dt_buf groups;    /* of those that are in it */
    struct dt_view *parents; /* all that rows can belong to */
    size_t n_parents;
};

static enum dt_err
put_row(struct making *m, const char *table, struct dt_view key, struct dt_view parent,
        uint64_t seq, struct dt_view value)
{
    struct dt_backup_row row = {.key = key, .parent = parent, .seq = seq, .value = value};
    enum dt_err err;

    memcpy(row.table, table, strlen(table) + 1);
    if ((err = dt_backup_row_put(m->f, &row)) != DT_OK)
        return err;
    m->out->rows++;
    if (m->progress != NULL && m->progress->fn != NULL && m->out->rows % TOLD_EVERY == 0)
        m->progress->fn(m->progress->ctx, m->out->rows, m->about);
    return DT_OK;
}

/* ---- channels: without what is of the group ---- */

/* Whom a restored home asks: who has a seat now. */
static enum dt_err
put_seats(struct making *m, const struct dt_channel *ch)
{
    struct dt_rules rules = dt_channel_rules(m->a, ch);
    uint32_t n = ch->group != NULL ? mls_group_n_leaves(ch->group) : 0;
    enum dt_err err;

    for (uint32_t leaf = 0; leaf < n; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
        uint8_t key[64];

        err = dt_seat_of(&rules, ch->group, leaf, &s);
        if (err == DT_ERR_NOT_FOUND)
            continue;
        if (err != DT_OK)
            return err;
        memcpy(key, ch->group_id, 32);
        memcpy(key + 32, s.letter.hash, 32);
        if ((err = put_row(m, "rejoin_ask", dt_view_of(key), dt_view_of(ch->group_id), leaf,
                           dt_view(NULL, 0))) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
put_channel(struct making *m, const uint8_t group_id[static 32], uint64_t seq)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    uint64_t rows = 0, intents = 0;
    enum dt_err err;

    if ((err = dt_channel_load(m->a, group_id, &ch)) != DT_OK ||
        (err = dt_outbox_count(m->a, group_id, &rows)) != DT_OK ||
        (err = dt_store_count(m->a->store, "intent", dt_view(group_id, 32), &intents)) != DT_OK)
        return err;
    m->out->to_send += rows + intents;
    if (ch.state == DT_CHANNEL_FOUNDING) {
        m->out->founding++;
        return DT_OK;
    }
    if ((err = dt_buf_append(&m->groups, dt_view(group_id, 32))) != DT_OK ||
        (err = dt_channel_encode_bare(&ch, &value)) != DT_OK ||
        (err = put_row(m, "channel", dt_view(group_id, 32), dt_view(NULL, 0), seq,
                       dt_buf_view(&value))) != DT_OK)
        return err;
    m->out->channels++;
    return ch.state == DT_CHANNEL_LEFT ? DT_OK : put_seats(m, &ch);
}

static enum dt_err
put_channels(struct making *m)
{
    uint64_t at = 0;
    uint8_t group_id[32];
    enum dt_err err;

    while ((err = dt_channel_next(m->a, &at, group_id)) == DT_OK)
        if ((err = put_channel(m, group_id, at - 1)) != DT_OK)
            return err;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static bool
is_group(const struct making *m, struct dt_view key)
{
    for (size_t i = 0; i < m->groups.n && key.n >= 32; i += 32)
        if (memcmp(m->groups.p + i, key.p, 32) == 0)
            return true;
    return false;
}

/* ---- what was understood: under the message that it is about, or under a paraphrase; and the
 * pieces of files, under the file ---- */

#define SAID_KEY 80u /* group id, id, delegate key */

static enum dt_err
note_key(void *ctx, const struct dt_store_walked *row)
{
    return row->key.n == SAID_KEY ? dt_buf_append(ctx, row->key) : DT_OK;
}

/* The keys of everything that was said, SAID_KEY bytes each. */
static enum dt_err
said_keys(struct making *m, struct dt_buf *out)
{
    enum dt_err err = dt_store_walk(m->a->store, "understood", NULL, 0, note_key, out);

    if (err == DT_OK)
        err = dt_store_walk(m->a->store, "file", NULL, 0, note_key, out);
    for (size_t g = 0; err == DT_OK && g < m->groups.n; g += 32) {
        DT_CLEANUP(dt_free_p) struct dt_talk_info *talk = NULL;
        size_t n = 0;

        err = dt_agent_talk_list(m->a, m->groups.p + g, 0, &talk, &n);
        for (size_t i = 0; err == DT_OK && i < n; i++)
            if ((err = dt_buf_append(out, dt_view(m->groups.p + g, 32))) == DT_OK &&
                (err = dt_buf_append(out, dt_view_of(talk[i].id))) == DT_OK)
                err = dt_buf_append(out, dt_view_of(talk[i].from.delegate_key));
    }
    return err;
}

/* ---- the other tables, row by row ---- */

struct table {
    struct making *m;
    const char *name;
};

static enum dt_err
put_walked(void *ctx, const struct dt_store_walked *row)
{
    struct table *t = ctx;
    bool is_talk = strcmp(t->name, "talk") == 0;

    if ((strcmp(t->name, "self") == 0 && !dt_backup_self(row->key)) ||
        (strcmp(t->name, "channel_number") == 0 && !is_group(t->m, row->key)))
        return DT_OK;
    t->m->out->talk += is_talk;
    t->m->out->records +=
        strcmp(t->name, "record") == 0 && dt_view_equal(row->parent, dt_view_str("all"));
    return put_row(t->m, t->name, row->key, row->parent, row->seq, row->value);
}

/* What rows of the tables that are kept may belong to: a channel, or one of these words. */
static enum dt_err
name_parents(struct making *m)
{
    static const char *const words[] = {"",    "all",  "cover",  "bundles", "urgent",   "waiting",
                                        "due", "ours", "theirs", "held",    "attested", "final"};
    size_t n_words = sizeof words / sizeof words[0];
    DT_CLEANUP(dt_free_p) struct dt_channel_info *channels = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_channels(m->a, &channels, &n);

    if (err != DT_OK)
        return err;
    m->parents = dt_alloc(n_words + n, sizeof *m->parents);
    if (m->parents == NULL || n > GROUPS_MAX)
        return dt_nomem();
    for (size_t i = 0; i < n; i++)
        if ((err = dt_buf_append(&m->all, dt_view_of(channels[i].group_id))) != DT_OK)
            return err;
    for (size_t i = 0; i < n_words; i++)
        m->parents[m->n_parents++] = dt_view_str(words[i]);
    for (size_t i = 0; i < n; i++)
        m->parents[m->n_parents++] = dt_view(m->all.p + i * 32, 32);
    return DT_OK;
}

static enum dt_err
put_below_talk(struct making *m, struct table *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf keys = DT_BUF_INIT(SAID_MAX * SAID_KEY);
    DT_CLEANUP(dt_free_p) struct dt_view *parents = NULL;
    size_t n;
    enum dt_err err = said_keys(m, &keys);

    if (err != DT_OK)
        return err;
    n = keys.n / SAID_KEY;
    parents = dt_alloc(n, sizeof *parents);
    if (parents == NULL)
        return dt_nomem();
    for (size_t i = 0; i < n; i++)
        parents[i] = dt_view(keys.p + i * SAID_KEY, SAID_KEY);
    return dt_store_walk(m->a->store, t->name, parents, n, put_walked, t);
}

static bool
below_talk(const char *table)
{
    return strcmp(table, "understood") == 0 || strcmp(table, "chunk") == 0;
}

/* Of these tables the parent of a row begins its key. */
static size_t
parent_in_key(const char *table)
{
    return strcmp(table, "gone") == 0 ? SAID_KEY : strcmp(table, "destroyed") == 0 ? 32 : 0;
}

struct prefixes {
    size_t n;
    struct dt_buf all;
};

static enum dt_err
note_prefix(void *ctx, const struct dt_store_walked *row)
{
    struct prefixes *p = ctx;

    return row->key.n > p->n ? dt_buf_append(&p->all, dt_view(row->key.p, p->n)) : DT_OK;
}

static enum dt_err
put_prefixed(struct making *m, struct table *t, size_t n)
{
    struct prefixes p = {.n = n};
    DT_CLEANUP(dt_free_p) struct dt_view *parents = NULL;
    size_t count;
    enum dt_err err;

    dt_buf_init(&p.all, SAID_MAX * SAID_KEY);
    err = dt_store_walk(m->a->store, t->name, NULL, 0, note_prefix, &p);
    count = p.all.n / n;
    if (err == DT_OK && (parents = dt_alloc(count + 1, sizeof *parents)) == NULL)
        err = dt_nomem();
    for (size_t i = 0; err == DT_OK && i < count; i++)
        parents[i] = dt_view(p.all.p + i * n, n);
    if (err == DT_OK)
        err = dt_store_walk(m->a->store, t->name, parents, count, put_walked, t);
    dt_buf_clear(&p.all);
    return err;
}

static enum dt_err
put_tables(struct making *m)
{
    char name[DT_STORE_TABLE_NAME] = "";
    enum dt_err err;

    while ((err = dt_store_table_next(m->a->store, name)) == DT_OK) {
        struct table t = {.m = m, .name = name};
        const size_t prefix = parent_in_key(name);
        bool is_kept = false;

        if ((err = dt_backup_table(name, &is_kept)) != DT_OK)
            return dt_fail_context(err, "backup");
        if (!is_kept || strcmp(name, "channel") == 0)
            continue;
        err = prefix > 0 ? put_prefixed(m, &t, prefix)
              : below_talk(name)
                  ? put_below_talk(m, &t)
                  : dt_store_walk(m->a->store, name, m->parents, m->n_parents, put_walked, &t);
        if (err != DT_OK)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
rows_about(struct making *m)
{
    char name[DT_STORE_TABLE_NAME] = "";
    enum dt_err err;

    while ((err = dt_store_table_next(m->a->store, name)) == DT_OK) {
        uint64_t n = 0;
        bool is_kept = false;

        if (dt_backup_table(name, &is_kept) != DT_OK || !is_kept)
            continue;
        if ((err = dt_store_table_count(m->a->store, name, &n)) != DT_OK)
            return err;
        m->about += n;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
put_all(struct making *m)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx view = {0};
    enum dt_err err;

    if ((err = dt_store_view_begin(m->a->store, &view)) != DT_OK ||
        (err = rows_about(m)) != DT_OK || (err = name_parents(m)) != DT_OK ||
        (err = dt_backup_head_put(m->f, m->out, m->about)) != DT_OK ||
        (err = put_channels(m)) != DT_OK || (err = put_tables(m)) != DT_OK)
        return err;
    return dt_backup_end_put(m->f, m->out->rows);
}

/* ---- public ---- */

static enum dt_err
note(struct dt_agent *a, const struct dt_backup_report *r)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_u64(&w, r->time_ms);
    err = dt_writer_end(&w);
    return err != DT_OK
               ? err
               : dt_store_put_blob(a->store, "self", dt_view_str("backup"), dt_buf_view(&b));
}

enum dt_err
dt_backup_make(struct dt_agent *a, const char *path, struct dt_view passphrase,
               const struct dt_keep_progress *progress, struct dt_backup_report *out)
{
    DT_CLEANUP(dt_sealed_drop_p) struct dt_sealed_out *f = NULL;
    struct dt_backup_report r = {.time_ms = dt_agent_now(a)};
    struct making m = {.a = a, .progress = progress, .out = &r};
    enum dt_err err;

    dt_buf_init(&m.all, GROUPS_MAX * 32u);
    dt_buf_init(&m.groups, GROUPS_MAX * 32u);
    memcpy(r.forum, a->forum, 32);
    memcpy(r.delegate_key, a->delegate_pub, 32);
    if ((err = dt_agent_refresh(a)) == DT_OK &&
        (err = dt_sealed_create(path, DT_BACKUP_MAGIC, passphrase, &f)) == DT_OK) {
        m.f = f;
        err = put_all(&m);
    }
    if (err == DT_OK && (err = dt_sealed_finish(f)) == DT_OK && (err = note(a, &r)) == DT_OK)
        *out = r;
    dt_free(m.parents);
    dt_buf_clear(&m.all);
    dt_buf_clear(&m.groups);
    return err;
}

static enum dt_err
time_row(struct dt_agent *a, const char *name, uint64_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8);
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "self", dt_view_str(name), &b);

    *out = 0;
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    r = dt_reader_init(dt_buf_view(&b));
    return dt_read_u64(&r, out);
}

enum dt_err
dt_backup_last(struct dt_agent *a, uint64_t *out_made_ms, uint64_t *out_from_ms)
{
    enum dt_err err = time_row(a, "backup", out_made_ms);

    return err != DT_OK ? err : time_row(a, "restored", out_from_ms);
}
