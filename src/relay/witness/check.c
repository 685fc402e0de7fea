/*
 * relay/witness/check.c - is a witness for other logs ready to start: its key, and what it cosigned
 * last. See server.h. Layer: relay.
 *
 * It may run meanwhile: nothing is written, and its lock is not asked for.
 */
#include <string.h>

#include "db/db.h"
#include "log/checkpoint.h"

#include "relay/witness/server.h"
#include "relay/witness/state.h"

static enum dt_err
as_it_is(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)from;
    (void)ctx;
    return dt_fail(DT_ERR_STATE, "%s: is of an earlier version: start the witness once",
                   dt_db_path(db));
}

/* It is of this key, if of any yet. */
static enum dt_err
check_key(struct dt_db *db, const struct tlog_vkey *key)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint8_t pub[DT_ED25519_PUB];
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(db, "SELECT pub FROM witness", &st)) != DT_OK ||
        (err = dt_stmt_step(st, &row)) != DT_OK || !row ||
        (err = dt_col_fixed(st, 0, pub, sizeof(pub))) != DT_OK)
        return err;
    return memcmp(pub, key->pub, sizeof(pub)) == 0
               ? DT_OK
               : dt_fail(DT_ERR_CONFLICT, "%s: is the state of another witness's key",
                         dt_db_path(db));
}

/* A row: the note that was cosigned is of that origin, size and root, and our line on it holds. */
static enum dt_err
check_tree(struct dt_stmt *st, const struct tlog_vkey *key)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct dt_view origin = {0}, text = {0};
    struct tlog_checkpoint cp;
    uint8_t root[TLOG_HASH];
    uint64_t size = 0, time_s = 0;
    bool ours = false;
    enum dt_err err;

    if ((err = dt_col_text(st, 0, TLOG_NAME_MAX, &origin)) != DT_OK ||
        (err = dt_col_u64(st, 1, TLOG_SIZE_MAX, &size)) != DT_OK ||
        (err = dt_col_fixed(st, 2, root, sizeof(root))) != DT_OK ||
        (err = dt_col_text(st, 3, TLOG_NOTE_MAX, &text)) != DT_OK ||
        (err = tlog_note_parse(text, &note)) != DT_OK ||
        (err = tlog_checkpoint_parse(note.text, &cp)) != DT_OK)
        return err;
    for (size_t i = 0; i < note.n_sigs && !ours; i++)
        ours = note.sigs[i].id == key->id &&
               tlog_cosignature_verify(key, note.text, note.sigs[i].sig, &time_s) == DT_OK;
    if (!ours || cp.size != size || memcmp(cp.root.b, root, sizeof(root)) != 0 ||
        !dt_view_equal(dt_view_str(cp.origin), origin))
        return dt_fail(DT_ERR_CONFLICT, "a checkpoint in it is not the one that was cosigned");
    return DT_OK;
}

static enum dt_err
check_trees(struct dt_db *db, const struct tlog_vkey *key, size_t *out_n)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = false;
    enum dt_err err = dt_db_prepare(db, "SELECT origin, size, root, note FROM tree", &st);

    while (err == DT_OK && (err = dt_stmt_step(st, &row)) == DT_OK && row) {
        if ((err = check_tree(st, key)) == DT_OK)
            (*out_n)++;
    }
    return dt_fail_context(err, "%s", dt_db_path(db));
}

enum dt_err
relay_witness_check(const struct relay_witness_config *config, size_t *out_trees)
{
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer signer = {0};
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = NULL;
    const struct dt_db_config state = {.path = config->state_path,
                                       .app_id = RELAY_WITNESS_STATE_APP,
                                       .version = RELAY_WITNESS_STATE_VERSION,
                                       .migrate = as_it_is};
    size_t n = 0;
    enum dt_err err;

    if (config->n_logs == 0)
        return dt_fail(DT_ERR_USAGE, "1 to %u logs are needed", RELAY_WITNESS_LOGS_MAX);
    if ((err = relay_witness_key_read(config->key_path, &signer)) != DT_OK)
        return err;
    err = dt_db_open(&state, &db);
    if (err == DT_OK)
        err = dt_db_check(db);
    if (err == DT_OK)
        err = check_key(db, &signer.vkey);
    if (err == DT_OK)
        err = check_trees(db, &signer.vkey, &n);
    if (err == DT_ERR_NOT_FOUND) /* a start makes it */
        err = DT_OK;
    if (err == DT_OK)
        *out_trees = n;
    return err;
}
