/*
 * tests/record/fixture.h - a forum for tests: three roots, their witnesses, a register, delegates
 * with letters.
 *
 * Keys come from fixed seeds; record ids and secrets are random, as in life. The register is a real
 * tree with real checkpoints and cosignatures, kept in memory.
 */
#ifndef DT_TESTS_RECORD_FIXTURE_H
#define DT_TESTS_RECORD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/time.h"
#include "base/wire.h"
#include "log/checkpoint.h"
#include "log/cosignature.h"
#include "log/proof.h"
#include "record/proof.h"

#define ok(expr)                                                                                   \
    do {                                                                                           \
        enum dt_err ok_err_ = (expr);                                                              \
        if (ok_err_ != DT_OK)                                                                      \
            print_error("%s: %s (%s)\n", #expr, dt_err_message(), dt_err_place());                 \
        assert_int_equal(ok_err_, DT_OK);                                                          \
    } while (0)

enum { US, RUSSIA, MEDIATOR, N_WORLD_PARTIES };

#define ORIGIN      "register.example/4b1d"
#define WORLD_START UINT64_C(1763800000000) /* 2025-11-22 */
#define DAY         DT_MS_DAY
#define ENTRIES_MAX 64

struct world {
    uint8_t root_seed[N_WORLD_PARTIES][32], delegate_seed[N_WORLD_PARTIES][32];
    struct tlog_signer log, witness[N_WORLD_PARTIES];
    struct dt_charter charter;
    uint8_t forum[32];
    struct dt_letter letter[N_WORLD_PARTIES];
    struct dt_templates *templates;
    uint8_t channel[32];
    struct tlog_hash leaves[ENTRIES_MAX];
    uint64_t n_entries;
    uint64_t behind_s[N_WORLD_PARTIES]; /* so much later does this party's witness cosign */
};

static inline struct dt_view
str(const char *s)
{
    return dt_view_str(s);
}

static inline struct dt_view
seed_view(const uint8_t seed[static 32])
{
    return dt_view(seed, 32);
}

static inline void
make_signer(const char *name, enum tlog_key_type type, uint8_t n, struct tlog_signer *out)
{
    uint8_t seed[32];

    memset(seed, n, sizeof seed);
    ok(tlog_signer_from_seed(str(name), type, dt_view_of(seed), out));
}

/* A letter of ${party}'s root for its delegate, valid between the two times. */
static inline void
issue_letter(struct world *w, size_t party, uint32_t rights, uint64_t from_ms, uint64_t to_ms,
             struct dt_letter *out)
{
    struct dt_letter_request q = {.created_ms = WORLD_START,
                                  .name = str("A. Delegate"),
                                  .title = str("Envoy"),
                                  .inbox_address = str("https://relay.example/q/inbox"),
                                  .inbox_token = str("write token: never shown")};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf request = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf bytes = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    DT_CLEANUP(dt_letter_request_clear) struct dt_letter_request got = {0};

    memcpy(q.forum, w->forum, 32);
    memset(q.x25519, 9, 32);
    ok(dt_letter_request_make(&q, seed_view(w->delegate_seed[party]), &request));
    ok(dt_letter_request_decode(dt_buf_view(&request), &got));
    ok(dt_letter_issue(seed_view(w->root_seed[party]), &got, rights, from_ms, to_ms, WORLD_START,
                       &bytes));
    ok(dt_letter_decode(dt_buf_view(&bytes), out));
}

/* The charter's contents; views point to static text and to ${vkeys}. */
static inline void
fill_charter(struct world *w, struct dt_buf *vkeys, struct dt_charter *c)
{
    static const char *const names[] = {"United States", "Russia", "Swiss Mediation"};
    size_t at[N_WORLD_PARTIES + 2];

    memset(c, 0, sizeof *c);
    c->title = str("Contacts");
    memset(c->nonce, 7, sizeof c->nonce);
    c->created_ms = WORLD_START;
    c->n_parties = N_WORLD_PARTIES;
    for (size_t i = 0; i < N_WORLD_PARTIES; i++) {
        ok(dt_ed25519_pub(seed_view(w->root_seed[i]), c->parties[i].root));
        c->parties[i].kind = i == MEDIATOR ? DT_PARTY_MEDIATOR : DT_PARTY_PARTY;
        c->parties[i].name = str(names[i]);
    }
    c->relays[0] = str("https://relay.example");
    c->n_relays = 1;
    c->register_origin = str(ORIGIN);
    c->register_path = str("/r/4b1d");
    at[0] = vkeys->n;
    ok(tlog_vkey_write(&w->log.vkey, vkeys));
    at[1] = vkeys->n;
    for (size_t i = 0; i < N_WORLD_PARTIES; i++) {
        ok(tlog_vkey_write(&w->witness[i].vkey, vkeys));
        at[i + 2] = vkeys->n;
    }
    c->register_vkey = dt_view(vkeys->p + at[0], at[1] - at[0]);
    for (size_t i = 0; i < N_WORLD_PARTIES; i++) {
        c->witnesses[i].party = (uint8_t)i;
        c->witnesses[i].vkey = dt_view(vkeys->p + at[i + 1], at[i + 2] - at[i + 1]);
    }
    c->n_witnesses = N_WORLD_PARTIES;
    c->quorum_attested = 2;
}

/* With ${rules} in its charter. */
static inline void
world_init_ruled(struct world *w, const struct dt_charter_rule *rules, size_t n_rules)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf vkeys = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_CHARTER_MAX);
    static const char *const witness_names[] = {"w.us.example", "w.ru.example", "w.ch.example"};
    struct dt_charter draft;

    memset(w, 0, sizeof *w);
    ok(dt_crypto_init());
    for (size_t i = 0; i < N_WORLD_PARTIES; i++) {
        memset(w->root_seed[i], (int)(0x10 + i), 32);
        memset(w->delegate_seed[i], (int)(0x20 + i), 32);
        make_signer(witness_names[i], TLOG_KEY_COSIGNATURE, (uint8_t)(0x40 + i), &w->witness[i]);
    }
    make_signer(ORIGIN, TLOG_KEY_ED25519, 0x30, &w->log);
    memset(w->channel, 0x77, 32);
    fill_charter(w, &vkeys, &draft);
    for (size_t i = 0; i < n_rules; i++)
        draft.rules[draft.n_rules++] = rules[i];
    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        ok(dt_charter_sign(&draft, seed_view(w->root_seed[i])));
    ok(dt_charter_encode(&draft, &bytes));
    ok(dt_charter_decode(dt_buf_view(&bytes), &w->charter));
    ok(dt_charter_verify(&w->charter));
    ok(dt_charter_forum_id(&w->charter, w->forum));
    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        issue_letter(w, i, DT_RIGHTS_ALL, WORLD_START, WORLD_START + 365 * DAY, &w->letter[i]);
    ok(dt_templates_load(&w->templates));
}

static inline void
world_init(struct world *w)
{
    world_init_ruled(w, NULL, 0);
}

static inline void
world_clear(struct world *w)
{
    for (size_t i = 0; i < N_WORLD_PARTIES; i++) {
        dt_letter_clear(&w->letter[i]);
        tlog_signer_clear(&w->witness[i]);
    }
    tlog_signer_clear(&w->log);
    dt_charter_clear(&w->charter);
    dt_templates_free(w->templates);
}

/* Register ${seal}; its index. */
static inline uint64_t
world_enter(struct world *w, const uint8_t seal[static 32])
{
    uint8_t entry[DT_REGISTER_ENTRY];

    assert_true(w->n_entries < ENTRIES_MAX);
    dt_register_entry(seal, entry);
    ok(tlog_leaf_hash(dt_view_of(entry), &w->leaves[w->n_entries]));
    return w->n_entries++;
}

/* The tlog-proof of entry ${index} under the checkpoint of all entries, cosigned by the witnesses
 * in ${mask} (bit per party), party p's at ${at_ms} + p seconds. */
static inline void
world_prove(struct world *w, uint64_t index, unsigned int mask, uint64_t at_ms, struct dt_buf *out)
{
    struct tlog_leaves source = {w->leaves, w->n_entries};
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof proof = {0};
    struct tlog_checkpoint cp;
    struct tlog_hash root;
    struct tlog_path path = {0};

    ok(tlog_root_make(tlog_leaves_node, &source, w->n_entries, &root));
    ok(tlog_inclusion_make(tlog_leaves_node, &source, index, w->n_entries, &path));
    ok(tlog_checkpoint_init(&cp, str(w->log.vkey.name), w->n_entries, &root));
    ok(tlog_checkpoint_write(&cp, &text));
    ok(tlog_note_sign(&w->log, dt_buf_view(&text), &note));
    for (size_t p = 0; p < N_WORLD_PARTIES; p++)
        if ((mask >> p & 1) != 0)
            ok(tlog_cosign(&w->witness[p], dt_buf_view(&text), at_ms / 1000 + p + w->behind_s[p],
                           &note));
    ok(tlog_proof_init(&proof, NULL, index, &path, dt_buf_view(&note)));
    ok(tlog_proof_write(&proof, out));
}

/* A contact as the delegate of ${party} writes it. */
static inline void
make_contact(struct world *w, size_t party, const char *started, const char *ended,
             const char *precision, struct dt_record *out)
{
    struct dt_record_draft d;

    ok(dt_record_draft_init(&d, dt_templates_get_str(w->templates, "contact"), &w->letter[party],
                            w->channel, WORLD_START + DAY));
    ok(dt_record_draft_set_text(&d, "mode", str("call"), &w->charter));
    ok(dt_record_draft_set_text(&d, "initiated_by", str("United States"), &w->charter));
    ok(dt_record_draft_set_text(&d, "parties", str("United States; Russia"), &w->charter));
    ok(dt_record_draft_set_text(&d, "started_at", str(started), &w->charter));
    ok(dt_record_draft_set_text(&d, "ended_at", str(ended), &w->charter));
    ok(dt_record_draft_set_text(&d, "time_precision", str(precision), &w->charter));
    ok(dt_record_draft_set_text(&d, "level", str("head"), &w->charter));
    ok(dt_record_draft_set_text(&d, "participants", str("head of state;head of state"),
                                &w->charter));
    ok(dt_record_make(&d, seed_view(w->delegate_seed[party]), out));
    dt_record_draft_clear(&d);
}

/* A plain answer (receipt, countersign, withdraw) by ${party}'s delegate. */
static inline void
make_answer(struct world *w, size_t party, enum dt_answer answer, const struct dt_record *subject,
            struct dt_record *out)
{
    struct dt_record_draft d;

    ok(dt_answer_draft(&d, w->templates, answer, subject, &w->letter[party],
                       WORLD_START + 2 * DAY));
    ok(dt_record_make(&d, seed_view(w->delegate_seed[party]), out));
    dt_record_draft_clear(&d);
}

/* A dispute of one field. */
static inline void
make_dispute(struct world *w, size_t party, const struct dt_record *subject, const char *field,
             const char *value, struct dt_record *out)
{
    DT_CLEANUP(dt_dispute_clear) struct dt_dispute dispute = {0};
    struct dt_record_draft d;

    ok(dt_answer_draft(&d, w->templates, DT_ANSWER_DISPUTE, subject, &w->letter[party],
                       WORLD_START + 2 * DAY));
    ok(dt_dispute_set_text(&dispute, subject, field, str(value), &w->charter));
    ok(dt_dispute_end(&dispute, subject, &d));
    ok(dt_record_make(&d, seed_view(w->delegate_seed[party]), out));
    dt_record_draft_clear(&d);
}

static inline void
make_consent_to(struct world *w, size_t party, const struct dt_record *subject, const char *fields,
                const char *audience, uint64_t expires_ms, enum dt_consent_standing standing,
                struct dt_record *out)
{
    struct dt_record_draft d;
    uint64_t slots = 0;

    ok(dt_slots_from_names(subject->tmpl, str(fields), &slots));
    ok(dt_answer_draft(&d, w->templates, DT_ANSWER_CONSENT, subject, &w->letter[party],
                       WORLD_START + 2 * DAY));
    ok(dt_consent_set(&d, slots, str(audience), expires_ms, standing));
    ok(dt_record_make(&d, seed_view(w->delegate_seed[party]), out));
    dt_record_draft_clear(&d);
}

static inline void
make_consent(struct world *w, size_t party, const struct dt_record *subject, const char *fields,
             uint64_t expires_ms, enum dt_consent_standing standing, struct dt_record *out)
{
    make_consent_to(w, party, subject, fields, "public", expires_ms, standing, out);
}

#endif
