/*
 * tests/record/amended.h - what the tests of amendments and of successions share: copies of a
 * charter, a register of so many entries, and a contact that is shown under it.
 */
#ifndef DT_TESTS_RECORD_AMENDED_H
#define DT_TESTS_RECORD_AMENDED_H

#include "fixture.h"

#include "record/amendment.h"

#define NOW (WORLD_START + 10 * DAY)

/* The sanitizers make it slow. */
#ifdef __SANITIZE_ADDRESS__
#define EVERY_BIT 13
#else
#define EVERY_BIT 1
#endif

static inline void
copy_of(const struct dt_charter *c, struct dt_charter *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_CHARTER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(DT_AMENDMENTS_MAX);

    ok(dt_charter_encode(c, &b));
    ok(dt_charter_amendments(c, &list));
    ok(dt_charter_decode(dt_buf_view(&b), out));
    ok(dt_charter_amend_all(out, dt_buf_view(&list)));
}

/* The root of the world's entries. */
static inline struct tlog_hash
root_of_entries(const struct world *w)
{
    struct tlog_leaves source = {w->leaves, w->n_entries};
    struct tlog_hash root;

    ok(tlog_root_make(tlog_leaves_node, &source, w->n_entries, &root));
    return root;
}

/* A register of ${n} entries. */
static inline void
enter(struct world *w, size_t n)
{
    uint8_t seal[32];

    w->n_entries = 0;
    for (size_t i = 0; i < n; i++) {
        memset(seal, (int)(i + 1), sizeof seal);
        (void)world_enter(w, seal);
    }
}

/* ---- a contact of the United States, and its proof ---- */

struct proving {
    struct world *w;
    struct dt_record contact;
    struct dt_buf tlog_proof, file;
    struct dt_charter charter;
    struct dt_verdict v;
    struct dt_proof_revocation revocation;
    bool revoked;
};

static inline void
proving_clear(struct proving *p)
{
    dt_record_clear(&p->contact);
    dt_buf_clear(&p->tlog_proof);
    dt_buf_clear(&p->file);
    dt_charter_clear(&p->charter);
    dt_verdict_clear(&p->v);
}

static inline void
proving_init(struct proving *p, struct world *w)
{
    memset(p, 0, sizeof *p);
    p->w = w;
    dt_buf_init(&p->tlog_proof, DT_TLOG_PROOF_MAX);
    dt_buf_init(&p->file, DT_PROOF_FILE_MAX);
    copy_of(&w->charter, &p->charter);
    make_contact(w, US, "2025-11-20T15:00:00Z", "2025-11-20T16:30:00Z", "exact", &p->contact);
}

static inline enum dt_err
build(struct proving *p)
{
    struct dt_proof_letter letter = {&p->w->letter[US], true};
    struct dt_proof_item item = {&p->contact, 0, dt_buf_view(&p->tlog_proof), true};
    const struct dt_proof_in in = {.charter = &p->charter,
                                   .letters = &letter,
                                   .n_letters = 1,
                                   .items = &item,
                                   .n_items = 1,
                                   .revocations = &p->revocation,
                                   .n_revocations = p->revoked ? 1 : 0};

    p->file.n = 0;
    return dt_proof_build(&in, &p->file);
}

static inline void
says(const struct proving *p, const char *text)
{
    if (memmem(p->v.findings.p, p->v.findings.n, text, strlen(text)) == NULL)
        fail_msg("'%s' is not in:\n%.*s%.*s", text, (int)p->v.findings.n,
                 (const char *)p->v.findings.p, (int)p->v.reason.n, (const char *)p->v.reason.p);
}

#endif
