/*
 * tests/interop/mls/mls_outside.c - the commands of mls-peer for those outside a group, and the
 * tree that goes to them by itself.
 */
#include "base/text.h"

#include "mls_peer.h"

/* gi [apart]: a GroupInfo that others can join by; apart: without the tree. */
enum dt_err
do_gi(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf made = DT_BUF_INIT(MLS_MESSAGE_MAX);
    const struct mls_group_info_opts opts = {.external_pub = true, .ratchet_tree = a->n == 0};
    enum dt_err err;

    if ((err = need(a, 0, true)) != DT_OK ||
        (err = mls_group_info_export(me.group, &opts, &made)) != DT_OK)
        return err;
    return dt_hex_write(out, dt_buf_view(&made));
}

/* extjoin GROUPINFO [again] [psk:ID] [tree:TREE]: by an external Commit; again: in the place of our
 * leaf. */
enum dt_err
do_extjoin(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(LINE_MAX_BYTES);
    DT_CLEANUP(dt_buf_clear) struct dt_buf tree = DT_BUF_INIT(LINE_MAX_BYTES);
    DT_CLEANUP(dt_buf_clear) struct dt_buf commit = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_external_join_params params = {.policy = policy()};
    struct mls_psk psk = {0};
    struct dt_view rest;
    struct mls_group *group = NULL;
    enum dt_err err;

    if ((err = need(a, 1, false)) != DT_OK || (err = dt_hex_read(&info, a->v[0])) != DT_OK)
        return err;
    params.leaf = leaf(&me.now);
    params.group_info = dt_buf_view(&info);
    for (size_t i = 1; i < a->n; i++) {
        if (word_after(a->v[i], "psk:", &rest)) {
            if ((err = psk_named(&me.psks, rest, &psk)) != DT_OK)
                return err;
            params.psks = (struct mls_psk_list){&psk, 1};
        } else if (word_after(a->v[i], "tree:", &rest)) {
            if ((err = dt_hex_read(&tree, rest)) != DT_OK)
                return err;
        } else {
            params.replace = true;
        }
    }
    params.ratchet_tree = dt_buf_view(&tree);
    if (params.replace && me.group == NULL)
        return dt_fail(DT_ERR_USAGE, "no group yet");
    if (params.replace)
        params.replaces = mls_group_own_leaf(me.group);
    if ((err = mls_group_join_external(&params, &group, &commit, NULL)) != DT_OK)
        return err;
    become(group);
    return dt_hex_write(out, dt_buf_view(&commit));
}

/* tree: that of the epoch which the pending Commit begins, or else of the present one. */
enum dt_err
do_tree(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf tree = DT_BUF_INIT(LINE_MAX_BYTES);
    const struct mls_group *next;
    enum dt_err err;

    if ((err = need(a, 0, true)) != DT_OK)
        return err;
    next = mls_group_pending_next(me.group);
    if ((err = mls_group_ratchet_tree(next != NULL ? next : me.group, &tree)) != DT_OK)
        return err;
    return dt_hex_write(out, dt_buf_view(&tree));
}

/* addself GROUPINFO: a proposal from outside to add our own key package. */
enum dt_err
do_addself(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(LINE_MAX_BYTES);
    DT_CLEANUP(dt_buf_clear) struct dt_buf made = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_group_info_peeked peeked;
    struct mls_external_propose_params params = {.allow_malleable = true, .new_member = true};
    enum dt_err err;

    if ((err = need(a, 1, false)) != DT_OK || (err = dt_hex_read(&info, a->v[0])) != DT_OK ||
        (err = mls_group_info_peek(dt_buf_view(&info), &peeked)) != DT_OK)
        return err;
    params.suite = peeked.suite;
    params.group_id = peeked.group_id;
    params.epoch = peeked.epoch;
    params.signature_priv = dt_secret_view(&me.now.seed);
    params.what.kind = MLS_PROPOSE_ADD;
    params.what.add = dt_buf_view(&me.now.key_package);
    params.what.lifetime = lifetime();
    if ((err = mls_external_propose(&params, &made)) != DT_OK)
        return err;
    return dt_hex_write(out, dt_buf_view(&made));
}
