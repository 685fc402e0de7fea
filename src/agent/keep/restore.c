/*
 * agent/keep/restore.c - see backup.h: a backup is read, and a home made of it.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/home/place.h"
#include "agent/keep/backup_form.h"
#include "agent/sync/flows.h"

enum dt_err
dt_backup_check(const char *path, struct dt_view passphrase,
                const struct dt_keep_progress *progress, struct dt_backup_report *out)
{
    DT_CLEANUP(dt_sealed_close_p) struct dt_sealed_in *f = NULL;
    enum dt_err err = dt_sealed_open(path, DT_BACKUP_MAGIC, passphrase, &f);

    return err != DT_OK ? err
                        : dt_fail_context(dt_backup_read(f, progress, NULL, NULL, out), "%s", path);
}

static enum dt_err
take_row(void *ctx, const struct dt_backup_row *row)
{
    /* The store keeps the name's pointer for the length of the call alone. */
    return dt_store_put(ctx, row->table, row->key, row->parent, row->seq, row->value);
}

/* The rows of the backup, in one transaction. */
static enum dt_err
fill(const char *path, struct dt_view passphrase, struct dt_store *s,
     const struct dt_keep_progress *progress, struct dt_backup_report *out)
{
    DT_CLEANUP(dt_sealed_close_p) struct dt_sealed_in *f = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf from = DT_BUF_INIT(8);
    struct dt_writer w = dt_writer_init(&from);
    enum dt_err err;

    if ((err = dt_sealed_open(path, DT_BACKUP_MAGIC, passphrase, &f)) != DT_OK ||
        (err = dt_store_begin(s)) != DT_OK)
        return err;
    err = dt_fail_context(dt_backup_read(f, progress, take_row, s, out), "%s", path);
    if (err == DT_OK) {
        dt_write_u64(&w, out->time_ms);
        err = dt_writer_end(&w);
    }
    if (err == DT_OK)
        err = dt_store_put_blob(s, "self", dt_view_str("restored"), dt_buf_view(&from));
    return dt_store_end(s, err);
}

/* Every channel that was live asks to be put in anew, for the seat that it had. */
static enum dt_err
ask_for_seats(struct dt_agent *a)
{
    uint64_t at = 0;
    uint8_t group_id[32];
    enum dt_err err;

    while ((err = dt_channel_next(a, &at, group_id)) == DT_OK) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {.why = DT_LAPSE_RESTORED, .wants = true};

        if ((err = dt_channel_load(a, group_id, &ch)) != DT_OK)
            return err;
        if (ch.state == DT_CHANNEL_LEFT)
            continue;
        if (ch.state != DT_CHANNEL_BROKEN)
            return dt_fail(DT_ERR_FORMAT, "the backup holds what no backup of this program holds");
        dt_lapse_keep_sure(&x, &ch);
        if ((err = dt_lapse_save(a, group_id, &x)) != DT_OK)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* The home as it stands in ${folder}: it opens, is whose the backup says, and all rows hold. */
static enum dt_err
settle(const char *folder, struct dt_view passphrase, const struct dt_clock *clock,
       const struct dt_backup_report *r)
{
    DT_CLEANUP(dt_agent_close_p) struct dt_agent *a = NULL;
    enum dt_err err;

    if ((err = dt_agent_open(folder, passphrase, clock, &a)) != DT_OK)
        return err;
    if (memcmp(a->forum, r->forum, 32) != 0 || memcmp(a->delegate_pub, r->delegate_key, 32) != 0)
        return dt_fail(DT_ERR_FORMAT, "the backup holds what no backup of this program holds");
    if ((err = dt_store_begin(a->store)) != DT_OK ||
        (err = dt_store_end(a->store, ask_for_seats(a))) != DT_OK)
        return err;
    return dt_store_check(a->store);
}

static enum dt_err
make(const struct dt_place *place, const char *path, struct dt_view passphrase,
     struct dt_view new_passphrase, const struct dt_clock *clock,
     const struct dt_keep_progress *progress, struct dt_backup_report *out)
{
    struct dt_store *s = NULL;
    enum dt_err err = dt_store_create(place->part, new_passphrase, &s);

    if (err == DT_OK)
        err = fill(path, passphrase, s, progress, out);
    dt_store_close(s); /* with all that its -wal held */
    return err != DT_OK ? err : settle(place->part, new_passphrase, clock, out);
}

enum dt_err
dt_backup_restore(const char *path, struct dt_view passphrase, const char *home,
                  struct dt_view new_passphrase, const struct dt_clock *clock,
                  const struct dt_keep_progress *progress, struct dt_backup_report *out)
{
    struct dt_place place;
    enum dt_err err;

    if ((err = dt_crypto_init()) != DT_OK || (err = dt_place_begin(home, &place)) != DT_OK)
        return err;
    return dt_place_end(&place,
                        make(&place, path, passphrase, new_passphrase, clock, progress, out));
}
