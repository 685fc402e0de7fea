/*
 * relay/store/witness.c - what the store knows of witnesses: which registers there are, who
 * cosigned how much, who was overtaken when. See store.h. Layer: relay.
 */
#include <string.h>

#include "base/mem.h"

#include "relay/store/internal.h"

enum dt_err
dt_relay_store_next_register(struct dt_relay_store *s, int64_t after, int64_t *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t id = 0;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, "SELECT id FROM register WHERE id > ?1 ORDER BY id LIMIT 1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)after);
    if ((err = dt_stmt_row(st)) != DT_OK || (err = dt_col_u64(st, 0, INT64_MAX, &id)) != DT_OK)
        return err;
    *out = (int64_t)id;
    return DT_OK;
}

enum dt_err
dt_relay_store_cosigned(struct dt_relay_store *s, int64_t reg, uint32_t key_id, uint64_t *out_size,
                        uint64_t *out_time_s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t size = 0, time_s = 0;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r,
                             "SELECT size, time_s FROM cosignature WHERE register = ?1"
                             " AND key_id = ?2 ORDER BY size DESC LIMIT 1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    dt_bind_u64(st, 2, key_id);
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    if (row && ((err = dt_col_u64(st, 0, TLOG_SIZE_MAX, &size)) != DT_OK ||
                (err = dt_col_u64(st, 1, TLOG_TIME_MAX, &time_s)) != DT_OK))
        return err;
    *out_size = size;
    *out_time_s = time_s;
    return DT_OK;
}

enum dt_err
dt_relay_store_overtaken(struct dt_relay_store *s, int64_t reg, uint64_t size, uint64_t *out_time_s)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t time_s = 0;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r,
                             "SELECT coalesce(min(time_s), 0) FROM cosignature WHERE register = ?1"
                             " AND size = (SELECT min(size) FROM cosignature WHERE register = ?1"
                             " AND size > ?2)",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    dt_bind_u64(st, 2, size);
    if ((err = dt_stmt_row(st)) != DT_OK ||
        (err = dt_col_u64(st, 0, TLOG_TIME_MAX, &time_s)) != DT_OK)
        return err;
    *out_time_s = time_s;
    return DT_OK;
}

/* ---- where a witness is asked ---- */

/* Change the URL of ${key} in ${policy}; *${out_there} says whether it is a witness of it. */
static enum dt_err
policy_set_url(struct tlog_policy *policy, const struct tlog_vkey *key, const char *url,
               bool *out_there)
{
    size_t at = tlog_policy_find_key(policy, key);
    char *copy = NULL;

    *out_there = at != TLOG_POLICY_NO_NODE && tlog_vkey_equal(&policy->nodes[at].key, key);
    if (!*out_there)
        return DT_OK;
    if (url[0] != '\0' && (copy = dt_strndup(url, strlen(url))) == NULL)
        return dt_nomem();
    dt_free(policy->nodes[at].url);
    policy->nodes[at].url = copy;
    return DT_OK;
}

/* The same in register ${reg}, within a transaction. What is written can be read again. */
static enum dt_err
register_set_url(struct dt_relay_store *s, int64_t reg, const struct tlog_vkey *key,
                 const char *url, size_t *n)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy again = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_POLICY_MAX);
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool there = false;
    size_t at;
    enum dt_err err;

    if ((err = dt_relay_store_policy(s, reg, &policy)) != DT_OK ||
        (err = policy_set_url(&policy, key, url, &there)) != DT_OK || !there)
        return err;
    if ((err = tlog_policy_write(&policy, &text)) != DT_OK)
        return err;
    at = tlog_policy_parse(dt_buf_view(&text), &again) == DT_OK ? tlog_policy_find_key(&again, key)
                                                                : TLOG_POLICY_NO_NODE;
    if (at == TLOG_POLICY_NO_NODE || again.n_nodes != policy.n_nodes ||
        strcmp(again.nodes[at].url == NULL ? "" : again.nodes[at].url, url) != 0)
        return dt_fail(DT_ERR_USAGE, "not a URL that a policy can hold");
    if ((err = dt_db_prepare(s->w, "UPDATE register SET policy = ?2 WHERE id = ?1", &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    dt_bind_text(st, 2, dt_buf_view(&text));
    (*n)++;
    return dt_stmt_run(st);
}

enum dt_err
dt_relay_store_set_url(struct dt_relay_store *s, const struct tlog_vkey *key, const char *url,
                       size_t *out_n)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    int64_t reg = 0;
    size_t n = 0;
    enum dt_err err = dt_tx_begin(s->w, &tx);

    if (err != DT_OK)
        return err;
    while ((err = dt_relay_store_next_register(s, reg, &reg)) == DT_OK) {
        if ((err = register_set_url(s, reg, key, url, &n)) != DT_OK)
            return err;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    if (n == 0)
        return dt_fail(DT_ERR_NOT_FOUND, "%s: no register here has this witness", key->name);
    if ((err = dt_tx_commit(&tx)) == DT_OK)
        *out_n = n;
    return err;
}
