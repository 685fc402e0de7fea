/*
 * mls/saved.h - a group saved in parts, so that a message writes a few hundred bytes and not the
 * whole tree.
 *
 * Source: RFC 9420 section 9.2 (what is consumed must be gone from what is kept). Layer: mls.
 *
 * For a database: one row a part, under the part's id. The group knows what changed since it was
 * last saved. A message that is sent or read changes the ratchets of its sender and, the first time
 * in an epoch, the secrets of the nodes beside its path: a logarithm of the members. A Commit that
 * is taken changes everything, and says so.
 *
 *     mls_group_protect(g, ...)
 *     mls_group_save_parts(g, false, &parts)
 *     in one transaction: if parts.replace, delete all rows of the group;
 *                         put or delete the row of each part; keep the message
 *     mls_group_saved(g)
 *
 * The bodies hold secrets in clear, as mls_group_save() does: seal them.
 *
 *   id   = uint8 kind; uint64 epoch; uint32 index       big endian: ids sort as bytes
 *   kind   1 group      what comes before the tree in mls_group_save()<V>, secrets<V>, ReInit<V>,
 *                       kept PSKs<V>
 *          2 tree       RFC 9420 section 12.4.3.3
 *          3 proposals  those that may be committed by reference; what was sent in the open
 *          4 pending    the own Commit that is not ordered yet
 *          5 past       an ended epoch, without its keys
 *          6 node       the secret of node index in an epoch's secret tree
 *          7 ratchets   the two ratchets of leaf index in an epoch
 */
#ifndef DT_MLS_SAVED_H
#define DT_MLS_SAVED_H

#include "mls/group.h"

#define MLS_PART_ID 13

enum mls_part_kind {
    MLS_PART_GROUP = 1,
    MLS_PART_TREE,
    MLS_PART_PROPOSALS,
    MLS_PART_PENDING,
    MLS_PART_PAST,
    MLS_PART_NODE,
    MLS_PART_RATCHETS
};

struct mls_part {
    uint8_t id[MLS_PART_ID];
    bool gone; /* no longer there: delete its row, if there is one. No body */
    struct dt_view body;
};

/* Owned; release with mls_parts_clear(), which wipes. All zero is empty. */
struct mls_parts {
    bool replace; /* these are all the parts: delete every row of the group first */
    struct mls_part *v;
    size_t n;
    struct dt_buf bytes; /* what the bodies point into */
};
void mls_parts_clear(struct mls_parts *p);

/**
 * mls_group_save_parts(g, all, out):
 * The parts of ${g} that changed since mls_group_saved() or, with ${all} or when that was never,
 * every part. By rising id. ${out} is overwritten. Errors: LIMIT, NOMEM.
 */
DT_MUST_CHECK enum dt_err mls_group_save_parts(const struct mls_group *g, bool all,
                                               struct mls_parts *out);

/* What mls_group_save_parts() gave is on disk: changes count from here. Not before: a part that was
 * given and not stored would be missing for ever. */
void mls_group_saved(struct mls_group *g);

/**
 * mls_group_load_parts(v, n, out):
 * The group of these ${n} parts, in any order, as if mls_group_saved() had been called. Strict, and
 * treats the parts as hostile: they must be what mls_group_save_parts() gives for the group that
 * they are. Errors: FORMAT (one is missing, twice, altered or of another epoch), LIMIT, NOMEM, and
 * those of mls_group_load().
 */
DT_MUST_CHECK enum dt_err mls_group_load_parts(const struct mls_part *v, size_t n,
                                               struct mls_group **out);

#endif
