/*
 * relay/store/verify.c - see verify.h: pages, grants, queues and openings.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "crypto/crypto.h"

#include "relay/store/verify_internal.h"

#define FAULTS_TOLD   1000u
#define POSITION_BITS 32
#define POSITION_MASK UINT32_MAX

void
verify_fault(struct verify *v, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    if (v->report.faults++ >= FAULTS_TOLD || v->found == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    v->found(v->ctx, v->where, text);
}

enum dt_err
verify_judge(struct verify *v, enum dt_err err, const char *what)
{
    if (err == DT_ERR_FORMAT || err == DT_ERR_LIMIT || err == DT_ERR_RANGE || err == DT_ERR_AUTH ||
        err == DT_ERR_PROOF || err == DT_ERR_UNSUPPORTED) {
        verify_fault(v, "%s: %s", what, dt_err_message());
        return DT_OK;
    }
    return err;
}

/* One number by a statement with one parameter. */
static enum dt_err
number_of(struct verify *v, const char *sql, uint64_t arg, uint64_t *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(v->s->r, sql, &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, arg);
    return (err = dt_stmt_row(st)) != DT_OK ? err : dt_col_u64(st, 0, INT64_MAX, out);
}

/* ---- grants ---- */

static enum dt_err
verify_grants(struct verify *v)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(v->s->r,
                             "SELECT g.id, g.queues, (SELECT count(*) FROM queue q"
                             " WHERE q.grant_id = g.id), length(g.token_hash), g.bytes,"
                             " (SELECT CAST(coalesce(sum(q.bytes), 0) AS BIGINT) FROM queue q"
                             " WHERE q.grant_id = g.id), g.cells,"
                             " (SELECT CAST(coalesce(sum(q.last - q.expired), 0) AS BIGINT)"
                             " FROM queue q WHERE q.grant_id = g.id) FROM grants g ORDER BY g.id",
                             &st)) != DT_OK)
        return err;
    for (;;) {
        uint64_t id = 0, queues = 0, there = 0, len = 0;
        uint64_t bytes = 0, bytes_there = 0, cells = 0, cells_there = 0;
        bool row = false;

        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            return err;
        if ((err = dt_col_u64(st, 0, INT64_MAX, &id)) != DT_OK)
            return err;
        (void)snprintf(v->where, sizeof(v->where), "grant %llu", (unsigned long long)id);
        v->report.grants++;
        if ((err = dt_col_u64(st, 1, INT64_MAX, &queues)) != DT_OK ||
            (err = dt_col_u64(st, 2, INT64_MAX, &there)) != DT_OK ||
            (err = dt_col_u64(st, 3, INT64_MAX, &len)) != DT_OK ||
            (err = dt_col_u64(st, 4, INT64_MAX, &bytes)) != DT_OK ||
            (err = dt_col_u64(st, 5, INT64_MAX, &bytes_there)) != DT_OK ||
            (err = dt_col_u64(st, 6, INT64_MAX, &cells)) != DT_OK ||
            (err = dt_col_u64(st, 7, INT64_MAX, &cells_there)) != DT_OK) {
            if ((err = verify_judge(v, err, "its row")) != DT_OK)
                return err;
            continue;
        }
        if (queues != there)
            verify_fault(v, "counts %llu queues, and has %llu", (unsigned long long)queues,
                         (unsigned long long)there);
        if (bytes != bytes_there || cells != cells_there)
            verify_fault(v, "counts %llu cells of %llu bytes, and its queues hold %llu of %llu",
                         (unsigned long long)cells, (unsigned long long)bytes,
                         (unsigned long long)cells_there, (unsigned long long)bytes_there);
        if (len != DT_SHA256)
            verify_fault(v, "the hash of its token has %llu bytes", (unsigned long long)len);
    }
}

/* ---- queues ---- */

/* The next cell: its queue, position, length, and the position of its append id. */
struct cell {
    bool there;
    uint64_t queue, position, len, noted;
    bool is_noted;
};

static enum dt_err
next_cell(struct verify *v, struct dt_stmt *st, struct cell *out)
{
    struct cell c = {0};
    uint64_t id = 0;
    enum dt_err err;

    if ((err = dt_stmt_step(st, &c.there)) != DT_OK)
        return err;
    if (c.there) {
        if ((err = dt_col_u64(st, 0, INT64_MAX, &id)) != DT_OK ||
            (err = dt_col_u64(st, 1, INT64_MAX, &c.len)) != DT_OK)
            return err;
        c.is_noted = !dt_col_is_null(st, 2);
        if (c.is_noted && (err = dt_col_u64(st, 2, INT64_MAX, &c.noted)) != DT_OK)
            return err;
        c.queue = id >> POSITION_BITS;
        c.position = id & POSITION_MASK;
        v->report.cells++;
    }
    *out = c;
    return DT_OK;
}

/* The cells of ${queue}: without gaps up to ${last}, their sum ${bytes}, each with its append id.
 */
static enum dt_err
queue_cells(struct verify *v, struct dt_stmt *cells, struct cell *c, uint64_t queue, uint64_t first,
            uint64_t last, uint64_t bytes)
{
    uint64_t expected = first, sum = 0;
    enum dt_err err = DT_OK;

    while (c->there && c->queue == queue) {
        if (c->position != expected)
            verify_fault(v, "position %llu follows %llu", (unsigned long long)c->position,
                         (unsigned long long)expected - 1);
        if (!c->is_noted || c->noted != c->position)
            verify_fault(v, "the append id of position %llu is not the one that is noted",
                         (unsigned long long)c->position);
        expected = c->position + 1;
        sum += c->len;
        if ((err = next_cell(v, cells, c)) != DT_OK)
            return err;
    }
    if (expected != last + 1)
        verify_fault(v, "its last position is %llu, and its cells end at %llu",
                     (unsigned long long)last, (unsigned long long)expected - 1);
    if (sum != bytes)
        verify_fault(v, "counts %llu bytes, and holds %llu", (unsigned long long)bytes,
                     (unsigned long long)sum);
    return DT_OK;
}

static enum dt_err
queue_row(struct verify *v, struct dt_stmt *st, struct dt_stmt *cells, struct cell *c)
{
    uint64_t id = 0, last = 0, bytes = 0, cells_max = 0, expired = 0, forgotten = 0;
    uint64_t gone_between = 0, gone = 0, ahead = 0;
    uint8_t address[32], both[64], computed[32];
    bool revoked = false;
    enum dt_err err;

    if ((err = dt_col_u64(st, 0, INT64_MAX, &id)) != DT_OK)
        return err;
    (void)snprintf(v->where, sizeof(v->where), "queue %llu", (unsigned long long)id);
    v->report.queues++;
    while (c->there && c->queue < id) {
        verify_fault(v, "cells of queue %llu, which is not there, before it",
                     (unsigned long long)c->queue);
        if ((err = next_cell(v, cells, c)) != DT_OK)
            return err;
    }
    if ((err = dt_col_fixed(st, 1, address, sizeof(address))) != DT_OK ||
        (err = dt_col_fixed(st, 2, both, 32)) != DT_OK ||
        (err = dt_col_fixed(st, 3, both + 32, 32)) != DT_OK ||
        (err = dt_col_u64(st, 4, INT64_MAX, &cells_max)) != DT_OK ||
        (err = dt_col_u64(st, 5, UINT32_MAX, &last)) != DT_OK ||
        (err = dt_col_u64(st, 6, INT64_MAX, &bytes)) != DT_OK ||
        (err = dt_col_u64(st, 8, UINT32_MAX, &expired)) != DT_OK ||
        (err = dt_col_u64(st, 9, UINT32_MAX, &forgotten)) != DT_OK ||
        (err = dt_col_u64(st, 10, INT64_MAX, &gone_between)) != DT_OK ||
        (err = dt_col_u64(st, 11, INT64_MAX, &gone)) != DT_OK ||
        (err = dt_col_u64(st, 12, INT64_MAX, &ahead)) != DT_OK)
        return verify_judge(v, err, "its row");
    revoked = !dt_col_is_null(st, 7);
    if (revoked && (err = dt_col_fixed(st, 7, both + 32, 32)) != DT_OK)
        return verify_judge(v, err, "its revocation");
    if ((err = dt_label_hash("queue", dt_view_of(both), computed)) != DT_OK)
        return err;
    if (memcmp(address, computed, sizeof(address)) != 0)
        verify_fault(v, "its address is not that of its tokens");
    if (expired > last)
        verify_fault(v, "%llu cells are expired of %llu", (unsigned long long)expired,
                     (unsigned long long)last);
    if (forgotten > expired)
        verify_fault(v, "%llu append ids are forgotten of %llu expired cells",
                     (unsigned long long)forgotten, (unsigned long long)expired);
    else if (gone != expired - forgotten || gone_between != gone)
        verify_fault(v, "remembers %llu expired cells, and should %llu", (unsigned long long)gone,
                     (unsigned long long)(expired - forgotten));
    if (ahead > 0)
        verify_fault(v, "%llu readers have read past its last position", (unsigned long long)ahead);
    return queue_cells(v, cells, c, id, expired + 1, last, bytes);
}

static enum dt_err
verify_queues(struct verify *v)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *cells = NULL;
    struct cell c = {0};
    uint64_t loose = 0;
    enum dt_err err;

    if ((err = dt_db_prepare(v->s->r,
                             "SELECT c.id, length(c.cell), a.position FROM cell c"
                             " LEFT JOIN appended a ON a.queue = (c.id >> 32)"
                             " AND a.append_id = c.append_id ORDER BY c.id",
                             &cells)) != DT_OK ||
        (err =
             dt_db_prepare(v->s->r,
                           "SELECT q.id, q.address, q.read_hash, q.write_hash, q.cells_max, q.last,"
                           " q.bytes, x.was, q.expired, q.forgotten,"
                           " (SELECT count(*) FROM gone g WHERE g.queue = q.id AND"
                           " g.position > q.forgotten AND g.position <= q.expired),"
                           " (SELECT count(*) FROM gone g WHERE g.queue = q.id),"
                           " (SELECT count(*) FROM reader r WHERE r.queue = q.id AND"
                           " r.position > q.last)"
                           " FROM queue q LEFT JOIN revoked x ON x.hash = q.write_hash"
                           " ORDER BY q.id",
                           &st)) != DT_OK ||
        (err = next_cell(v, cells, &c)) != DT_OK)
        return err;
    for (;;) {
        bool row = false;

        if ((err = dt_stmt_step(st, &row)) != DT_OK)
            return err;
        if (!row)
            break;
        if ((err = queue_row(v, st, cells, &c)) != DT_OK)
            return err;
    }
    (void)snprintf(v->where, sizeof(v->where), "queues");
    if (c.there)
        verify_fault(v, "cells of queue %llu, which is not there", (unsigned long long)c.queue);
    if ((err = number_of(v,
                         "SELECT count(*) FROM appended a WHERE a.position > ?1 AND NOT EXISTS"
                         " (SELECT 1 FROM cell c WHERE c.id = ((a.queue << 32) | a.position)"
                         " AND c.append_id = a.append_id) AND NOT EXISTS"
                         " (SELECT 1 FROM gone g WHERE g.queue = a.queue"
                         " AND g.position = a.position AND g.append_id = a.append_id)",
                         0, &loose)) != DT_OK)
        return err;
    if (loose > 0)
        verify_fault(v, "%llu append ids are noted for cells that are not there",
                     (unsigned long long)loose);
    return DT_OK;
}

/* ---- openings ---- */

static enum dt_err
verify_openings(struct verify *v)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(v->s->r, "SELECT id, name, file FROM opening ORDER BY id", &st)) !=
        DT_OK)
        return err;
    for (;;) {
        uint8_t name[DT_SHA256], hash[DT_SHA256];
        struct dt_view file = {0};
        uint64_t id = 0;
        bool row = false;

        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            return err;
        if ((err = dt_col_u64(st, 0, INT64_MAX, &id)) != DT_OK)
            return err;
        (void)snprintf(v->where, sizeof(v->where), "opening %llu", (unsigned long long)id);
        v->report.openings++;
        if ((err = dt_col_fixed(st, 1, name, sizeof(name))) != DT_OK ||
            (err = dt_col_blob(st, 2, DT_NET_OPENING_MAX, &file)) != DT_OK) {
            if ((err = verify_judge(v, err, "its row")) != DT_OK)
                return err;
            continue;
        }
        if ((err = dt_sha256(file, hash)) != DT_OK)
            return err;
        if (memcmp(name, hash, sizeof(name)) != 0)
            verify_fault(v, "its name is not the hash of the file");
    }
}

/* ---- all ---- */

enum dt_err
dt_relay_store_verify(struct dt_relay_store *s,
                      void (*found)(void *ctx, const char *where, const char *what), void *ctx,
                      struct dt_verify_report *out)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    struct verify v = {.s = s, .found = found, .ctx = ctx};
    enum dt_err err;

    (void)snprintf(v.where, sizeof(v.where), "pages");
    if ((err = verify_judge(&v, dt_db_check(s->r), "the database")) != DT_OK ||
        (err = dt_tx_begin_read(s->r, &tx)) != DT_OK || (err = verify_grants(&v)) != DT_OK ||
        (err = verify_queues(&v)) != DT_OK || (err = verify_registers(&v)) != DT_OK ||
        (err = verify_openings(&v)) != DT_OK)
        return dt_fail_context(err, "%s", v.where);
    *out = v.report;
    return DT_OK;
}
