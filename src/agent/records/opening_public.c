/*
 * agent/records/opening_public.c - is a record open in public, and which are? See opening.h.
 *
 * Table "opened": name of an opening that was seen published and held, parent "all", seq running ->
 * commitment. It stays: what was published cannot be taken back.
 *
 * Source: docs/protocol-register.md "Openings"; docs/protocol-record.md "Right of reply". Layer:
 * agent. What lies beside a register is hostile: only what verifies, under our own forum id and
 * with consents to everyone, counts.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "record/amendment.h"

#include "agent/core.h"
#include "agent/records/opening.h"
#include "agent/register/source.h"

#define FILES_MAX 1024u /* named by an index: a bound on what a relay can make us read */
#define NAME_HEX  64u
#define OPENED    "opened"
#define ALL       "all"

struct search {
    struct dt_agent *a;
    struct dt_register_source src;
    const uint8_t *commitment; /* NULL: whatever is there and is not known yet */
    size_t n_new;
    uint64_t slots;
    uint8_t name[32];
    bool found;
};

static unsigned int
bits(uint64_t mask)
{
    unsigned int n = 0;

    for (; mask != 0; mask &= mask - 1)
        n++;
    return n;
}

static enum dt_err
mark(struct dt_agent *a, const uint8_t name[static 32], const struct dt_verdict *v, size_t *n_new)
{
    struct dt_store *s = dt_agent_store(a);
    bool there = false;
    uint64_t seq = 0;
    enum dt_err err;

    if (v->code != DT_VERDICT_VERIFIED || v->records[0].state == DT_ENTRY_NONE)
        return DT_OK;
    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    if ((err = dt_store_has(s, OPENED, dt_view(name, 32), &there)) == DT_OK && !there &&
        (err = dt_store_next_seq(s, OPENED, dt_view_str(ALL), &seq)) == DT_OK) {
        err = dt_store_put(s, OPENED, dt_view(name, 32), dt_view_str(ALL), seq,
                           dt_view_of(v->records[0].commitment));
        *n_new += err == DT_OK;
    }
    return dt_store_end(s, err);
}

/* See a file that is open to everyone, with the amendments that we know: it may leave them out. */
static enum dt_err
verify_public(struct dt_agent *a, struct dt_view file, struct dt_verdict *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf amendments = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    struct dt_verify_in in = {.forum = a->forum,
                              .now_ms = dt_agent_now(a),
                              .audience = DT_AUDIENCE_PUBLIC,
                              .templates = a->templates};
    enum dt_err err = dt_charter_amendments(&a->charter, &amendments);

    if (err != DT_OK)
        return err;
    in.amendments = dt_buf_view(&amendments);
    return dt_proof_verify(file, &in, out);
}

enum dt_err
dt_opening_mark(struct dt_agent *a, struct dt_view file, const uint8_t name[static 32])
{
    DT_CLEANUP(dt_verdict_clear) struct dt_verdict v = {0};
    size_t n = 0;
    enum dt_err err = verify_public(a, file, &v);

    return err != DT_OK ? err : mark(a, name, &v, &n);
}

enum dt_err
dt_agent_opened(struct dt_agent *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t at = 0;
    enum dt_err err;

    while ((err = dt_store_next(dt_agent_store(a), OPENED, dt_view_str(ALL), at, &row)) == DT_OK) {
        if (row.value.n != 32)
            return dt_fail(DT_ERR_FORMAT, "an opening in the store");
        if ((err = dt_buf_append(out, dt_buf_view(&row.value))) != DT_OK)
            return err;
        at = row.seq + 1;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
look(struct search *s, struct dt_view file, const uint8_t hash[static 32])
{
    DT_CLEANUP(dt_verdict_clear) struct dt_verdict v = {0};
    enum dt_err err = verify_public(s->a, file, &v);

    if (err == DT_OK && s->commitment == NULL)
        return mark(s->a, hash, &v, &s->n_new);
    if (err != DT_OK || v.code != DT_VERDICT_VERIFIED ||
        memcmp(v.records[0].commitment, s->commitment, 32) != 0 ||
        v.records[0].state == DT_ENTRY_NONE)
        return err;
    if (s->found && bits(v.records[0].opened) <= bits(s->slots))
        return DT_OK;
    s->found = true;
    s->slots = v.records[0].opened;
    memcpy(s->name, hash, sizeof s->name);
    return DT_OK;
}

/* The opening that a line of the index names. One that cannot be had hides no other. */
static enum dt_err
take(struct search *s, struct dt_view line)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_NET_OPENING_MAX);
    uint8_t hash[32];
    uint8_t got[32];
    char path[NAME_HEX + 32];
    bool there = false;
    enum dt_err err;

    if (line.n != NAME_HEX || dt_hex_read_fixed(hash, sizeof hash, line) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "openings/index: a line that is no hash");
    if (s->commitment == NULL) {
        err = dt_store_has(dt_agent_store(s->a), OPENED, dt_view_of(hash), &there);
        if (err != DT_OK || there)
            return err;
    }
    (void)snprintf(path, sizeof path, "openings/%.64s.proof", (const char *)line.p);
    err = dt_register_source_file(&s->src, path, &file);
    if (err == DT_ERR_NOT_FOUND || err == DT_ERR_LIMIT)
        return DT_OK;
    if (err != DT_OK || (err = dt_sha256(dt_buf_view(&file), got)) != DT_OK)
        return err;
    return memcmp(got, hash, sizeof got) == 0 ? look(s, dt_buf_view(&file), hash) : DT_OK;
}

/* Every opening that the register's index names. */
static enum dt_err
walk(struct search *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf url = DT_BUF_INIT(DT_NET_URL_MAX + 128);
    DT_CLEANUP(dt_buf_clear) struct dt_buf index = DT_BUF_INIT((NAME_HEX + 1) * FILES_MAX);
    struct dt_view rest;
    struct dt_view line = {0};
    enum dt_err err;

    if ((err = dt_grant_register_url(&s->a->grant, &url)) != DT_OK ||
        (err = dt_buf_append(&url, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    s->src = (struct dt_register_source){.http = s->a->register_http, .url = (const char *)url.p};
    err = dt_register_source_file(&s->src, "openings/index", &index);
    if (err == DT_OK && index.n > 0) {
        if (index.p[index.n - 1] != '\n')
            return dt_fail(DT_ERR_FORMAT, "openings/index: cut off");
        rest = dt_view(index.p, index.n - 1);
        while (err == DT_OK && dt_text_split(&rest, '\n', &line))
            err = take(s, line);
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_opening_public(struct dt_agent *a, const uint8_t commitment[static 32], uint64_t *out_slots,
                  uint8_t out_name[static 32])
{
    struct search s = {.a = a, .commitment = commitment};
    enum dt_err err = walk(&s);

    if (err != DT_OK)
        return err;
    if (!s.found)
        return dt_fail(DT_ERR_REFUSED,
                       "this record is not open in public: no opening beside the register shows it "
                       "with the consents that the charter asks for, to everyone");
    *out_slots = s.slots;
    memcpy(out_name, s.name, sizeof s.name);
    return DT_OK;
}

enum dt_err
dt_agent_openings_look(struct dt_agent *a, size_t *out_new)
{
    struct search s = {.a = a};
    enum dt_err err = walk(&s);

    if (err == DT_OK)
        *out_new = s.n_new;
    return err;
}
