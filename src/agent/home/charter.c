/*
 * agent/home/charter.c - the charter and the grant of a home, as they are in force: read from the
 * store, and read again when another process of ours took in an amendment.
 *
 * Source: docs/protocol-agent.md "Amendments". Layer: agent.
 */
#include <string.h>

#include "base/mem.h"
#include "record/amendment.h"

#include "agent/core.h"

enum dt_err
dt_charter_take(struct dt_view charter, struct dt_view amendments, struct dt_charter *out)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    enum dt_err err;

    if ((err = dt_charter_decode(charter, &c)) != DT_OK || (err = dt_charter_verify(&c)) != DT_OK ||
        (err = dt_charter_amend_all(&c, amendments)) != DT_OK)
        return dt_fail_context(err, "charter");
    *out = c;
    c = (struct dt_charter){0}; /* moved */
    return DT_OK;
}

/* All amendments that are kept; none is fine. */
static enum dt_err
amendments_of(struct dt_agent *a, struct dt_buf *out)
{
    enum dt_err err = dt_store_get_blob(a->store, "self", dt_view_str("amendments"), out);

    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_charter_load(struct dt_agent *a, struct dt_charter *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf charter = DT_BUF_INIT(DT_CHARTER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf amendments = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    enum dt_err err;

    if ((err = dt_store_get_blob(a->store, "self", dt_view_str("charter"), &charter)) != DT_OK ||
        (err = amendments_of(a, &amendments)) != DT_OK)
        return err;
    return dt_charter_take(dt_buf_view(&charter), dt_buf_view(&amendments), out);
}

enum dt_err
dt_grant_of_home(struct dt_agent *a, struct dt_grant *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_NET_GRANT_MAX);
    enum dt_err err = dt_store_get_blob(a->store, "self", dt_view_str("grant"), &b);

    return err != DT_OK ? err : dt_grant_read(dt_buf_view(&b), out);
}

/* Are the amendments in the store those that we go by? */
static enum dt_err
compare_kept(struct dt_agent *a, bool *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf kept = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf ours = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    enum dt_err err;

    if ((err = amendments_of(a, &kept)) != DT_OK ||
        (err = dt_charter_amendments(&a->charter, &ours)) != DT_OK)
        return err;
    *out = dt_view_equal(dt_buf_view(&kept), dt_buf_view(&ours));
    return DT_OK;
}

enum dt_err
dt_agent_is_current(struct dt_agent *a)
{
    bool same = false;
    enum dt_err err = compare_kept(a, &same);

    if (err != DT_OK || same)
        return err;
    return dt_fail(DT_ERR_STATE,
                   "another process of this home took in an amendment of the charter: begin again");
}

enum dt_err
dt_agent_charter_refresh(struct dt_agent *a)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    DT_CLEANUP(dt_grant_wipe) struct dt_grant g = {0};
    struct dt_charter was;
    bool same = false;
    enum dt_err err = compare_kept(a, &same);

    if (err != DT_OK || same)
        return err;
    if ((err = dt_charter_load(a, &c)) != DT_OK || (err = dt_grant_of_home(a, &g)) != DT_OK)
        return err;
    was = a->charter;
    a->charter = c;
    c = was; /* and is freed */
    a->grant = g;
    if ((err = dt_stick_found(a)) != DT_OK)
        return err;
    dt_http_client_read_key(a->register_http, a->grant.has_read_key ? a->grant.read_key : NULL);
    return DT_OK;
}
