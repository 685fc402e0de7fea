/*
 * tests/record/scene.h - a proof file under construction, and what a verifier makes of it.
 *
 * Included once, by a test program that has a `static struct world w`.
 */
#ifndef DT_TESTS_RECORD_SCENE_H
#define DT_TESTS_RECORD_SCENE_H

#include "fixture.h"

static struct world w;

#define ENTERED   (WORLD_START + 3 * DAY)
#define NOW       (WORLD_START + 10 * DAY)
#define EXPIRES   (WORLD_START + 100 * DAY)
#define OPENED    "mode,parties,started_at,time_precision"
#define ALL_SIDES 7u

/* A case under construction. */
struct scene {
    struct dt_record records[6];
    struct dt_buf proofs[6];
    struct dt_proof_item items[6];
    size_t n;
    struct dt_proof_letter letters[N_WORLD_PARTIES + 1];
    size_t n_letters;
    struct dt_proof_revocation revocation;
    struct dt_buf revocation_bytes, revocation_proof;
    struct dt_buf file;
    struct dt_verdict v;
};

static inline void
scene_init(struct scene *s)
{
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < 6; i++)
        dt_buf_init(&s->proofs[i], DT_TLOG_PROOF_MAX);
    dt_buf_init(&s->file, DT_PROOF_FILE_MAX);
    dt_buf_init(&s->revocation_bytes, 1024);
    dt_buf_init(&s->revocation_proof, DT_TLOG_PROOF_MAX);
    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        s->letters[i] = (struct dt_proof_letter){&w.letter[i], i == US};
    s->n_letters = N_WORLD_PARTIES;
    w.n_entries = 0;
}

static inline void
scene_clear(struct scene *s)
{
    for (size_t i = 0; i < 6; i++) {
        dt_record_clear(&s->records[i]);
        dt_buf_clear(&s->proofs[i]);
    }
    dt_buf_clear(&s->file);
    dt_buf_clear(&s->revocation_bytes);
    dt_buf_clear(&s->revocation_proof);
    dt_verdict_clear(&s->v);
}

/* The next record of the scene; it is entered in the register at once. */
static inline struct dt_record *
next(struct scene *s)
{
    return &s->records[s->n++];
}

/* Prove all records under one checkpoint, cosigned by ${mask} at ${at_ms}. */
static inline void
prove_all(struct scene *s, unsigned int mask, uint64_t at_ms)
{
    for (size_t i = 0; i < s->n; i++)
        (void)world_enter(&w, s->records[i].seal);
    for (size_t i = 0; i < s->n; i++) {
        world_prove(&w, i, mask, at_ms, &s->proofs[i]);
        s->items[i] = (struct dt_proof_item){&s->records[i], 0, dt_buf_view(&s->proofs[i]), true};
    }
    ok(dt_slots_from_names(s->records[0].tmpl, str(OPENED), &s->items[0].slots));
}

static inline enum dt_err
build(struct scene *s)
{
    const struct dt_proof_in in = {.charter = &w.charter,
                                   .letters = s->letters,
                                   .n_letters = s->n_letters,
                                   .items = s->items,
                                   .n_items = s->n,
                                   .revocations = &s->revocation,
                                   .n_revocations = s->revocation.revocation.n > 0};

    dt_buf_clear(&s->file);
    return dt_proof_build(&in, &s->file);
}

static inline void
verify_as(struct scene *s, const uint8_t *forum, const uint8_t (*words)[11], size_t n_words,
          uint64_t now_ms)
{
    const struct dt_verify_in in = {.forum = forum,
                                    .root_words = words,
                                    .n_root_words = n_words,
                                    .now_ms = now_ms,
                                    .templates = w.templates};

    dt_verdict_clear(&s->v);
    ok(dt_proof_verify(dt_buf_view(&s->file), &in, &s->v));
}

static inline void
verify(struct scene *s)
{
    verify_as(s, w.forum, NULL, 0, NOW);
}

static inline bool
contains(const struct dt_buf *b, const char *text)
{
    return memmem(b->p, b->n, text, strlen(text)) != NULL;
}

#define says(s, text)                                                                              \
    do {                                                                                           \
        if (!contains(&(s)->v.findings, text))                                                     \
            fail_msg("'%s' is not in:\n%.*s%.*s", text, (int)(s)->v.findings.n,                    \
                     (const char *)(s)->v.findings.p, (int)(s)->v.reason.n,                        \
                     (const char *)(s)->v.reason.p);                                               \
    } while (0)

static inline void
code_is(struct scene *s, enum dt_verdict_code code)
{
    if (s->v.code != code)
        fail_msg("'%s' and not '%s': %.*s\n%.*s", dt_verdict_name(s->v.code), dt_verdict_name(code),
                 (int)s->v.reason.n, (const char *)s->v.reason.p, (int)s->v.findings.n,
                 (const char *)s->v.findings.p);
}

static inline void
refused(struct scene *s, const char *reason)
{
    code_is(s, DT_VERDICT_REFUSED);
    if (!contains(&s->v.reason, reason))
        fail_msg("the reason is '%.*s' and not '%s'", (int)s->v.reason.n,
                 (const char *)s->v.reason.p, reason);
    assert_int_equal(s->v.findings.n, 0);
    assert_int_equal(s->v.n_records, 0);
}

/* A contact of a day by the US, countersigned by Russia, opened with the consent of both. */
static inline void
countersigned(struct scene *s)
{
    scene_init(s);
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", next(s));
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &s->records[0], next(s));
    make_consent(&w, US, &s->records[0], OPENED, EXPIRES, DT_CONSENT_NONE, next(s));
    make_consent(&w, RUSSIA, &s->records[0], OPENED, EXPIRES, DT_CONSENT_COUNTERSIGNED, next(s));
    prove_all(s, ALL_SIDES, ENTERED);
}

#endif
