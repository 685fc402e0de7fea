/*
 * agent/register/evidence.c - when the register contradicts itself: telling that from a relay that
 * gives wrong entries, and keeping evidence that anyone can check.
 *
 * Source: docs/protocol-register.md, "Evidence of a split view". Layer: agent.
 */
#include <string.h>

#include "base/mem.h"
#include "log/tile_read.h"
#include "log/witness.h"

#include "agent/register/source.h"
#include "agent/register/store.h"

static enum dt_err
keep(struct dt_agent *a, const struct tlog_evidence *e)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    struct dt_store *s = a->store;
    uint8_t key[DT_SHA256];
    uint64_t seq = 0;
    bool there = false;
    enum dt_err err;

    if ((err = tlog_evidence_write(e, &file)) != DT_OK ||
        (err = dt_sha256(dt_buf_view(&file), key)) != DT_OK || (err = dt_store_begin(s)) != DT_OK)
        return err;
    err = dt_store_has(s, "register_evidence", dt_view_of(key), &there);
    if (err == DT_OK && !there) {
        if ((err = dt_store_next_seq(s, "register_evidence", dt_view_str(""), &seq)) == DT_OK &&
            (err = dt_store_put(s, "register_evidence", dt_view_of(key), dt_view_str(""), seq,
                                dt_buf_view(&file))) == DT_OK)
            err = dt_alarm_add(
                a, DT_ALARM_FORK, NULL, 0, NULL,
                "the register's key signed two trees that cannot both be true; evidence is "
                "kept: detente evidence export");
    }
    return dt_store_end(s, err);
}

/* ${theirs} is no larger than what we hold: our own entries show what the tree was. */
static enum dt_err
from_ours(struct dt_agent *a, const struct tlog_vkey *log, struct dt_view theirs,
          const struct tlog_checkpoint *their, struct dt_view ours,
          const struct tlog_checkpoint *our, struct tlog_evidence *out)
{
    DT_CLEANUP(dt_free_p) struct tlog_hash *h = NULL;
    struct tlog_leaves leaves;
    struct tlog_path path;
    struct tlog_hash root;
    enum dt_err err;

    if (their->size == our->size)
        return tlog_evidence_make(log, theirs, ours, NULL, NULL, out);
    if ((err = dt_register_leaves(a, our->size, &h)) != DT_OK)
        return err;
    leaves = (struct tlog_leaves){h, our->size};
    if ((err = tlog_root_make(tlog_leaves_node, &leaves, their->size, &root)) != DT_OK ||
        (err = tlog_consistency_make(tlog_leaves_node, &leaves, their->size, our->size, &path)) !=
            DT_OK)
        return err;
    return tlog_evidence_make(log, theirs, ours, &root, &path, out);
}

/* ${theirs} is larger: its own tiles show what it had where ours ends. */
static enum dt_err
from_theirs(const struct dt_register_source *src, const struct tlog_vkey *log,
            struct dt_view theirs, const struct tlog_checkpoint *their, struct dt_view ours,
            const struct tlog_checkpoint *our, struct tlog_evidence *out)
{
    struct dt_register_source copy = *src;
    struct tlog_path path;
    struct tlog_hash root;
    enum dt_err err;

    if (our->size == 0)
        return dt_fail(DT_ERR_PROOF, "an empty tree contradicts nothing");
    err = tlog_tiles_prefix(dt_register_source_tile, &copy, our->size, their->size, &their->root,
                            &root, &path);
    return err != DT_OK ? err : tlog_evidence_make(log, ours, theirs, &root, &path, out);
}

enum dt_err
dt_register_contradiction(struct dt_agent *a, struct dt_http_client *http, const char *url,
                          struct dt_view theirs)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf ours = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    const struct dt_register_source src = {.http = http, .url = url};
    struct tlog_checkpoint our;
    struct tlog_checkpoint their;
    const struct tlog_vkey *log;
    uint64_t size = 0;
    enum dt_err err = dt_register_policy(a, DT_POLICY_HELD, &policy);

    if (err != DT_OK)
        return err;
    log = &policy.logs[0].key;
    if ((err = tlog_checkpoint_open(theirs, log, &their)) != DT_OK)
        return err;
    err = dt_register_note_last(a, "held", &size, &ours);
    if (err == DT_OK && (err = tlog_checkpoint_open(dt_buf_view(&ours), log, &our)) == DT_OK)
        err = their.size <= our.size
                  ? from_ours(a, log, theirs, &their, dt_buf_view(&ours), &our, &e)
                  : from_theirs(&src, log, theirs, &their, dt_buf_view(&ours), &our, &e);
    if (err != DT_OK && dt_err_is_local(err))
        return err;
    /* Without evidence it is the relay's word against its own: wrong entries, which anyone could
     * make up. */
    if (err != DT_OK)
        return dt_fail(DT_ERR_PROOF,
                       "the relay gives entries that do not lead to the register's checkpoint of "
                       "size %llu; nothing was taken in",
                       (unsigned long long)their.size);
    if ((err = keep(a, &e)) != DT_OK)
        return err;
    return dt_fail(DT_ERR_PROOF,
                   "the register contradicts itself: its key signed two trees; detente evidence "
                   "export shows it to others");
}

enum dt_err
dt_agent_evidence(struct dt_agent *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_last(a->store, "register_evidence", dt_view_str(""), &row);

    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(err, "there is no evidence: the register has not contradicted itself here");
    return err != DT_OK ? err : dt_buf_append(out, dt_buf_view(&row.value));
}
