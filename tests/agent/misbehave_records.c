/*
 * tests/agent/misbehave_records.c - records, answers and proof files that do not hold; see
 * misbehave.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent/records/records.h"
#include "base/mem.h"
#include "base/wire.h"
#include "misbehave.h"
#include "record/proof.h"

/* ---- proof files, unverified ---- */

/* Linked with --wrap: dt_proof_build() looks at what it built, unless told that all is well. */
enum dt_err __real_dt_proof_verify(struct dt_view file, const struct dt_verify_in *in,
                                   struct dt_verdict *out);
enum dt_err __wrap_dt_proof_verify(struct dt_view file, const struct dt_verify_in *in,
                                   struct dt_verdict *out);

static bool blind;

enum dt_err
__wrap_dt_proof_verify(struct dt_view file, const struct dt_verify_in *in, struct dt_verdict *out)
{
    if (!blind)
        return __real_dt_proof_verify(file, in, out);
    *out = (struct dt_verdict){.code = DT_VERDICT_VERIFIED};
    return DT_OK;
}

enum dt_err
mb_proof(struct mb *m, const struct dt_record *const *items, size_t n_items, uint64_t slots,
         struct dt_buf *out)
{
    struct dt_letter letters[8] = {{.store = {0}}};
    struct dt_proof_letter shown[8] = {{0}};
    struct dt_proof_item parts[8] = {{0}};
    struct dt_proof_in in = {
        .charter = &m->a->charter, .letters = shown, .items = parts, .n_items = n_items};
    enum dt_err err = n_items <= 8 ? DT_OK : dt_fail(DT_ERR_LIMIT, "at most 8 items");

    for (size_t i = 0; err == DT_OK && i < n_items; i++) {
        bool there = false;

        parts[i].record = items[i];
        parts[i].slots = i == 0 ? slots : 0;
        for (size_t k = 0; k < in.n_letters; k++)
            there = there || memcmp(letters[k].hash, items[i]->author.letter, 32) == 0;
        if (there)
            continue;
        err = dt_letter_load(m->a, items[i]->author.letter, &letters[in.n_letters], NULL, NULL);
        if (err == DT_OK) {
            shown[in.n_letters].letter = &letters[in.n_letters];
            in.n_letters++;
        }
    }
    if (err == DT_OK) {
        blind = true;
        err = dt_proof_build(&in, out);
        blind = false;
    }
    for (size_t k = 0; k < in.n_letters; k++)
        dt_letter_clear(&letters[k]);
    return err;
}

/* ---- records ---- */

/* As dt_record_make(), but for the checks at its beginning and its end. */
enum dt_err
mb_record_make(struct mb *m, const struct dt_record_draft *d, const struct mb_record *how,
               struct dt_record *out)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    uint8_t both[64];
    size_t at[DT_SLOTS_MAX] = {0};
    enum dt_err err = dt_ed25519_pub(dt_secret_view(&m->a->delegate_seed), r.author_key);

    dt_buf_init(&r.store, DT_RECORD_MAX);
    memcpy(r.header.forum, d->forum, 32);
    r.header.template_id = dt_template_id(d->tmpl);
    memcpy(r.header.template_hash, dt_template_hash(d->tmpl), 32);
    r.header.n_slots = dt_template_slots(d->tmpl);
    r.tmpl = d->tmpl;
    for (size_t i = 0; err == DT_OK && i < r.header.n_slots; i++) {
        at[i] = r.store.n;
        if (d->has[i])
            err = dt_buf_append(&r.store, dt_buf_view(&d->value[i]));
    }
    if (err != DT_OK || (err = dt_random(r.header.record_id, sizeof r.header.record_id)) != DT_OK ||
        (err = dt_secret_random(&r.secret, 32)) != DT_OK)
        return err;
    for (size_t i = 0; i < r.header.n_slots; i++) {
        struct dt_field f;

        dt_template_slot(d->tmpl, i, &f);
        r.slots[i].name = f.name;
        r.slots[i].type = f.type;
        r.slots[i].kind = d->has[i] ? DT_SLOT_VALUE : DT_SLOT_PAD;
        r.slots[i].value = dt_view(r.store.p + at[i], d->has[i] ? d->value[i].n : 0);
    }
    if ((err = dt_author_read(r.slots[DT_SLOT_AUTHOR].value, &r.author)) != DT_OK ||
        (err = dt_fields_commit(&r.header, r.slots, dt_secret_view(&r.secret), r.commitment)) !=
            DT_OK)
        return err;
    memcpy(r.channel, r.slots[DT_SLOT_CHANNEL].value.p, 32);
    memcpy(both, r.header.forum, 32);
    memcpy(both + 32, r.commitment, 32);
    if ((err = dt_label_sign(dt_secret_view(&m->a->delegate_seed), "record", dt_view_of(both),
                             r.signature)) != DT_OK)
        return err;
    if (how->author != NULL) /* the key that it should have been signed with */
        memcpy(r.author_key, how->author->key, 32);
    if (how->bad_signature)
        r.signature[0] ^= 1;
    if ((err = dt_value_u64(r.slots[DT_SLOT_TIME].value, &r.time_ms)) != DT_OK ||
        (err = dt_seal(r.commitment, r.author_key, r.signature, r.seal)) != DT_OK)
        return err;
    *out = r;
    memset(&r, 0, sizeof r);
    return DT_OK;
}

/* The envelope's author and channel, as ${how} wants them. */
static enum dt_err
envelope(struct mb *m, struct dt_record_draft *d, const struct mb_record *how)
{
    uint8_t author[96];
    enum dt_err err;

    (void)m;
    if (how->author != NULL) {
        memcpy(author, how->author->party, 32);
        memcpy(author + 32, how->author->key, 32);
        memcpy(author + 64, how->author->hash, 32);
        if ((err = dt_record_draft_set(d, DT_SLOT_AUTHOR, dt_view_of(author))) != DT_OK)
            return err;
    }
    return how->channel != NULL ? dt_record_draft_set(d, DT_SLOT_CHANNEL, dt_view(how->channel, 32))
                                : DT_OK;
}

enum dt_err
mb_record_send(struct mb *m, const struct dt_record *r)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf bytes = DT_BUF_INIT(DT_RECORD_MAX);
    struct dt_payload p = {.kind = DT_PAYLOAD_RECORD};
    enum dt_err err;

    if ((err = dt_record_encode(r, &bytes)) != DT_OK ||
        (err = dt_random(p.id, sizeof p.id)) != DT_OK)
        return err;
    p.sent_ms = dt_agent_now(m->a);
    p.record = dt_buf_view(&bytes);
    return mb_payload(m, &p);
}

enum dt_err
mb_contact(struct mb *m, const struct mb_record *how, struct dt_record *out)
{
    static const char *const fields[][2] = {
        {"mode", "call"},
        {"initiated_by", "both"},
        {"started_at", "2026-11-20T10:00:00Z"},
        {"ended_at", "2026-11-20T10:30:00Z"},
        {"time_precision", "exact"},
        {"level", "envoy"},
        {"participants", "two envoys"},
    };
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    char parties[2 * DT_AGENT_NAME_MAX + 4], name[DT_AGENT_NAME_MAX + 1];
    size_t n = 0;
    enum dt_err err = dt_agent_record_draft(m->a, m->gid, "contact", &d);

    parties[0] = '\0';
    for (size_t p = 0; err == DT_OK && p < m->a->charter.n_parties && n < 2; p++) {
        if (m->a->charter.parties[p].kind != DT_PARTY_PARTY)
            continue;
        dt_party_name(m->a, p, name);
        (void)snprintf(parties + strlen(parties), sizeof parties - strlen(parties), "%s%s",
                       n++ > 0 ? ";" : "", name);
    }
    for (size_t i = 0; err == DT_OK && i < sizeof fields / sizeof fields[0]; i++)
        err = dt_record_draft_set_text(&d, fields[i][0], dt_view_str(fields[i][1]), &m->a->charter);
    if (err != DT_OK ||
        (err = dt_record_draft_set_text(&d, "parties", dt_view_str(parties), &m->a->charter)) !=
            DT_OK ||
        (err = envelope(m, &d, how)) != DT_OK)
        return err;
    return mb_record_make(m, &d, how, out);
}

enum dt_err
mb_replay(struct mb *m, const uint8_t commitment[static 32])
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    enum dt_err err = dt_agent_record(m->a, commitment, &r);

    return err == DT_OK ? mb_record_send(m, &r) : err;
}

enum dt_err
mb_consent(struct mb *m, const struct dt_record *subject, uint64_t slots, bool not_a_list,
           const struct mb_record *how, struct dt_record *out)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter own = {0};
    uint64_t now = dt_agent_now(m->a);
    enum dt_err err;

    if ((err = dt_agent_letter_own(m->a, &own)) != DT_OK ||
        (err = dt_answer_draft(&d, m->a->templates, DT_ANSWER_CONSENT, subject, &own, now)) !=
            DT_OK ||
        (err = dt_consent_set(&d, slots, dt_view_str("public"), now + DT_MS_DAY,
                              DT_CONSENT_NONE)) != DT_OK)
        return err;
    if (not_a_list) {
        /* The last slot twice: an int is the last bytes of its item. */
        struct dt_buf *v = &d.value[DT_ENVELOPE_SLOTS + 1];
        DT_CLEANUP(dt_buf_clear) struct dt_buf twice = DT_BUF_INIT(DT_VALUE_MAX);

        if ((err = dt_buf_set(&twice, dt_buf_view(v))) != DT_OK ||
            (err = dt_buf_append(&twice, dt_buf_view(v))) != DT_OK ||
            (err = dt_buf_set(v, dt_buf_view(&twice))) != DT_OK)
            return err;
    }
    if ((err = envelope(m, &d, how)) != DT_OK)
        return err;
    return mb_record_make(m, &d, how, out);
}
