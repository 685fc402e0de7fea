/*
 * agent/records/raw.c - see raw.h.
 *
 * Table "template": id, parent "all" -> the template's JSON. Table "raw": SHA-256 of the record,
 * parent "all", seq -> group id, letter hash of the sender, position, received, record.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"
#include "crypto/crypto.h"
#include "record/charter_rules.h"

#include "agent/core.h"
#include "agent/keep/destroy.h"
#include "agent/records/raw.h"

#define ALL     "all"
#define RAW_MAX 1024u /* records kept raw */
#define ROW_MAX (DT_RECORD_MAX + 256u)

/* ---- templates ---- */

enum dt_err
dt_templates_of_home(struct dt_agent *a)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct dt_template *t = NULL;
    uint64_t at = 0;
    enum dt_err err;

    while ((err = dt_store_next(a->store, "template", dt_view_str(ALL), at, &row)) == DT_OK) {
        at = row.seq + 1;
        if ((err = dt_template_from_json(dt_buf_view(&row.value), &t)) != DT_OK)
            return dt_fail_context(err, "a template in the store");
        if (dt_templates_get(a->templates, dt_template_id(t)) != NULL) {
            dt_template_free(t); /* this process has it already */
            continue;
        }
        if ((err = dt_templates_add(a->templates, t)) != DT_OK)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
check_charter(struct dt_agent *a, const struct dt_template *t)
{
    uint8_t hash[32];

    if (dt_templates_get(a->templates, dt_template_id(t)) != NULL)
        return dt_fail(DT_ERR_EXISTS, "a template of this id is there");
    if (!dt_charter_template(&a->charter, dt_template_id(t), hash))
        return dt_fail(DT_ERR_REFUSED, "the charter names no template of this id");
    if (memcmp(hash, dt_template_hash(t), 32) != 0)
        return dt_fail(DT_ERR_REFUSED,
                       "it is not the template that the charter names: another hash");
    return DT_OK;
}

/* ---- records of kinds that were not known ---- */

/* A row of the table; record borrows from it. */
struct raw {
    uint8_t group_id[32], letter_hash[32];
    uint64_t position, received_ms;
    struct dt_view record;
};

static enum dt_err
raw_read(struct dt_view row, struct raw *out)
{
    struct dt_reader r = dt_reader_init(row);
    enum dt_err err;

    if ((err = dt_read_fixed(&r, out->group_id, 32)) == DT_OK &&
        (err = dt_read_fixed(&r, out->letter_hash, 32)) == DT_OK &&
        (err = dt_read_u64(&r, &out->position)) == DT_OK &&
        (err = dt_read_u64(&r, &out->received_ms)) == DT_OK &&
        (err = dt_read_vec(&r, DT_RECORD_MAX, &out->record)) == DT_OK)
        err = dt_read_end(&r);
    return dt_fail_context(err, "a raw record in the store");
}

/* Its rule stands in the envelope, which is the same in all kinds. */
static enum dt_err
plan(struct dt_agent *a, const struct dt_incoming *in, const struct dt_record_raw *raw,
     const uint8_t id[static 32])
{
    uint64_t after_ms = 0;

    if (raw->kind[DT_SLOT_DESTROY] != DT_SLOT_VALUE ||
        dt_value_u64(raw->value[DT_SLOT_DESTROY], &after_ms) != DT_OK ||
        dt_destroy_after_check(after_ms) != DT_OK)
        return DT_OK; /* none, or none that can be: it will not be taken in */
    after_ms = dt_destroy_due(dt_agent_now(a), in->payload->sent_ms, after_ms);
    return dt_destroy_plan(a, DT_KEPT_RAW, in->group_id, dt_view(id, 32), after_ms, after_ms);
}

enum dt_err
dt_raw_keep(struct dt_agent *a, const struct dt_incoming *in, bool *out_known)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf row = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&row);
    struct dt_record_raw raw;
    uint8_t id[32];
    uint64_t n = 0, seq = 0;
    bool there = false;
    enum dt_err err;

    *out_known = false;
    if ((err = dt_record_raw_read(in->payload->record, &raw)) != DT_OK ||
        (err = dt_templates_of_home(a)) != DT_OK)
        return err;
    const struct dt_template *t = dt_templates_get(a->templates, raw.header.template_id);

    if (t != NULL && memcmp(dt_template_hash(t), raw.header.template_hash, 32) == 0) {
        *out_known = true;
        return DT_OK;
    }
    if ((err = dt_sha256(in->payload->record, id)) != DT_OK ||
        (err = dt_store_has(a->store, "raw", dt_view_of(id), &there)) != DT_OK || there)
        return err;
    if ((err = dt_store_count(a->store, "raw", dt_view_str(ALL), &n)) != DT_OK)
        return err;
    if (n >= RAW_MAX)
        return dt_fail(DT_ERR_LIMIT, "%u records of kinds not known here are kept already",
                       RAW_MAX);
    dt_write_view(&w, dt_view(in->group_id, 32));
    dt_write_view(&w, dt_view_of(in->letter->hash));
    dt_write_u64(&w, in->position);
    dt_write_u64(&w, dt_agent_now(a));
    dt_write_vec(&w, in->payload->record);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_letter_keep(a, in->letter, in->party, in->letter_bytes)) != DT_OK ||
        (err = dt_store_next_seq(a->store, "raw", dt_view_str(ALL), &seq)) != DT_OK ||
        (err = plan(a, in, &raw, id)) != DT_OK)
        return err;
    return dt_store_put(a->store, "raw", dt_view_of(id), dt_view_str(ALL), seq, dt_buf_view(&row));
}

/* As if it came now, from who sent it then. */
static enum dt_err
take_again(struct dt_agent *a, const struct raw *raw)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter letter = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf letter_bytes = DT_BUF_INIT(DT_LETTER_MAX);
    struct dt_payload p = {.kind = DT_PAYLOAD_RECORD, .record = raw->record};
    struct dt_incoming in = {
        .group_id = raw->group_id, .position = raw->position, .letter = &letter, .payload = &p};
    enum dt_err err = dt_letter_load(a, raw->letter_hash, &letter, &in.party, &letter_bytes);

    if (err != DT_OK)
        return err;
    in.letter_bytes = dt_buf_view(&letter_bytes);
    return dt_record_receive(a, &in);
}

/* Those of ${t} are taken in as records. */
static enum dt_err
take_all(struct dt_agent *a, const struct dt_template *t, size_t *out_taken)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct dt_record_raw parts;
    struct raw raw;
    uint64_t at = 0;
    enum dt_err err;

    while ((err = dt_store_next(a->store, "raw", dt_view_str(ALL), at, &row)) == DT_OK) {
        at = row.seq + 1;
        if ((err = raw_read(dt_buf_view(&row.value), &raw)) != DT_OK ||
            (err = dt_record_raw_read(raw.record, &parts)) != DT_OK)
            return err;
        if (memcmp(parts.header.template_hash, dt_template_hash(t), 32) != 0)
            continue;
        if ((err = take_again(a, &raw)) != DT_OK ||
            (err = dt_store_del(a->store, "raw", dt_buf_view(&row.key))) != DT_OK)
            return err;
        ++*out_taken;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_agent_template_add(struct dt_agent *a, struct dt_view json, size_t *out_taken)
{
    struct dt_template *t = NULL;
    const struct dt_template *mine;
    uint64_t seq = 0;
    size_t taken = 0;
    enum dt_err err;

    if ((err = dt_agent_refresh(a)) != DT_OK || (err = dt_templates_of_home(a)) != DT_OK ||
        (err = dt_template_from_json(json, &t)) != DT_OK)
        return err;
    if ((err = check_charter(a, t)) != DT_OK) {
        dt_template_free(t);
        return err;
    }
    mine = t;
    if ((err = dt_templates_add(a->templates, t)) != DT_OK ||
        (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_store_next_seq(a->store, "template", dt_view_str(ALL), &seq)) == DT_OK &&
        (err = dt_store_put(a->store, "template", dt_template_id(mine), dt_view_str(ALL), seq,
                            json)) == DT_OK)
        err = take_all(a, mine, &taken);
    err = dt_store_end(a->store, err);
    if (err == DT_OK)
        *out_taken = taken;
    return err;
}

/* ---- listing ---- */

enum dt_err
dt_agent_raw_record(struct dt_agent *a, const uint8_t id[static 32], struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf row = DT_BUF_INIT(ROW_MAX);
    struct raw raw;
    enum dt_err err = dt_store_get_blob(a->store, "raw", dt_view(id, 32), &row);

    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(err, "no such record here");
    if (err != DT_OK || (err = raw_read(dt_buf_view(&row), &raw)) != DT_OK)
        return err;
    return dt_buf_append(out, raw.record);
}

static enum dt_err
describe(struct dt_agent *a, const struct raw *raw, struct dt_raw_info *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter letter = {0};
    struct dt_record_raw parts;
    size_t party = 0;
    enum dt_err err;

    if ((err = dt_record_raw_read(raw->record, &parts)) != DT_OK ||
        (err = dt_letter_load(a, raw->letter_hash, &letter, &party, NULL)) != DT_OK)
        return err;
    *out = (struct dt_raw_info){.received_ms = raw->received_ms, .size = raw->record.n};
    memcpy(out->group_id, raw->group_id, 32);
    memcpy(out->kind, parts.header.template_id.p, parts.header.template_id.n);
    memcpy(out->template_hash, parts.header.template_hash, 32);
    dt_person_from(a, &letter, party, &out->from);
    return dt_sha256(raw->record, out->id);
}

enum dt_err
dt_agent_raw_records(struct dt_agent *a, const uint8_t *group_id, struct dt_raw_info **out,
                     size_t *out_n)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    DT_CLEANUP(dt_free_p) struct dt_raw_info *list = NULL;
    struct raw raw;
    uint64_t count = 0, at = 0;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_store_count(a->store, "raw", dt_view_str(ALL), &count)) != DT_OK)
        return err;
    list = dt_alloc((size_t)count + 1, sizeof *list);
    if (list == NULL)
        return dt_nomem();
    while (n < count &&
           (err = dt_store_next(a->store, "raw", dt_view_str(ALL), at, &row)) == DT_OK) {
        at = row.seq + 1;
        if ((err = raw_read(dt_buf_view(&row.value), &raw)) != DT_OK)
            return err;
        if (group_id != NULL && memcmp(group_id, raw.group_id, 32) != 0)
            continue;
        if ((err = describe(a, &raw, &list[n])) != DT_OK)
            return err;
        n++;
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    *out = list;
    *out_n = n;
    list = NULL;
    return DT_OK;
}
