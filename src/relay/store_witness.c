/*
 * relay/store_witness.c - what the store knows of witnesses: which registers there are, who
 * cosigned how much, who was overtaken when. See store.h. Layer: relay.
 */
#include "relay/store_internal.h"

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
