/*
 * agent/store/group.c - the state of a channel's group, sealed under an epoch key of its own; see
 * store.h.
 *
 * Source: docs/protocol-agent.md "Store".
 */
#include "agent/store/internal.h"

#define GROUP_KEY 32u

enum dt_err
dt_store_put_group(struct dt_store *s, struct dt_view group_id, struct dt_view state,
                   bool new_epoch)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf kept = DT_BUF_INIT(GROUP_KEY);
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    enum dt_err err;

    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    err = dt_store_get_blob(s, "group_key", group_id, &kept);
    if (new_epoch || err == DT_ERR_NOT_FOUND) {
        if ((err = dt_secret_random(&key, GROUP_KEY)) == DT_OK)
            err = dt_store_put_blob(s, "group_key", group_id, dt_secret_view(&key));
        s->rekeyed = true;
    } else if (err == DT_OK) {
        err = dt_secret_set(&key, dt_buf_view(&kept));
    }
    if (err == DT_OK &&
        (err = dt_box_seal(dt_secret_view(&key), group_id, state, &sealed)) == DT_OK)
        err = dt_store_put_blob(s, "group_state", group_id, dt_buf_view(&sealed));
    return dt_store_end(s, err);
}

enum dt_err
dt_store_get_group(struct dt_store *s, struct dt_view group_id, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf key = DT_BUF_INIT(GROUP_KEY);
    enum dt_err err;

    if ((err = dt_store_get_blob(s, "group_key", group_id, &key)) != DT_OK ||
        (err = dt_store_get_blob(s, "group_state", group_id, &sealed)) != DT_OK)
        return err;
    err = dt_box_open(dt_buf_view(&key), group_id, dt_buf_view(&sealed), out);
    return err == DT_ERR_AUTH || err == DT_ERR_FORMAT ? dt_store_altered(s, "group_state") : err;
}

enum dt_err
dt_store_del_group(struct dt_store *s, struct dt_view group_id)
{
    enum dt_err err;

    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    err = dt_store_del(s, "group_key", group_id);
    if (err == DT_OK || err == DT_ERR_NOT_FOUND)
        err = dt_store_del(s, "group_state", group_id);
    s->rekeyed = true;
    return dt_store_end(s, err == DT_ERR_NOT_FOUND ? DT_OK : err);
}
