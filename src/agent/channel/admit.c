/*
 * agent/channel/admit.c - asking to admit someone, approving, collecting approvals and key package.
 *
 * Source: DESIGN "Warrants"; docs/protocol-agent.md "Admission".
 *
 *   ours:   ASKED --dt_agent_commit_admission--> COMMITTING --Commit read back--> DONE | FAILED
 *   theirs: ASKED, also when dt_agent_approve() has signed --Commit taken--> DONE
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/sync/flows.h"

#define APPROVALS_BYTES (DT_APPROVALS_MAX * (DT_LETTER_MAX + 512u))
#define ADMISSION_MAX   (APPROVALS_BYTES + DT_KEY_PACKAGE_MAX + 512u)

void
dt_admission_clear(struct dt_admission *x)
{
    if (x == NULL)
        return;
    dt_buf_clear(&x->approvals);
    dt_buf_clear(&x->key_package);
}

static void
init(struct dt_admission *x)
{
    *x = (struct dt_admission){0};
    dt_buf_init(&x->approvals, APPROVALS_BYTES);
    dt_buf_init(&x->key_package, DT_KEY_PACKAGE_MAX);
}

static enum dt_err
decode(struct dt_view v, struct dt_admission *x, uint64_t *seq)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view approvals, kp;
    uint8_t state = 0;
    enum dt_err err;

    if ((err = dt_read_u64(&r, seq)) != DT_OK ||
        (err = dt_read_fixed(&r, x->request_id, 16)) != DT_OK ||
        (err = dt_read_fixed(&r, x->group_id, 32)) != DT_OK ||
        (err = dt_read_optional(&r, &x->ours)) != DT_OK ||
        (err = dt_read_optional(&r, &x->approved_by_us)) != DT_OK ||
        (err = dt_read_u8(&r, &state)) != DT_OK ||
        (err = dt_read_fixed(&r, x->letter_hash, 32)) != DT_OK ||
        (err = dt_read_fixed(&r, x->from_hash, 32)) != DT_OK ||
        (err = dt_read_u64(&r, &x->epoch)) != DT_OK ||
        (err = dt_read_vec(&r, APPROVALS_BYTES, &approvals)) != DT_OK ||
        (err = dt_read_vec(&r, DT_KEY_PACKAGE_MAX, &kp)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    x->state = (enum dt_admission_state)state;
    err = dt_buf_set(&x->approvals, approvals);
    return err != DT_OK ? err : dt_buf_set(&x->key_package, kp);
}

static enum dt_err
load(struct dt_agent *a, const uint8_t request_id[static 16], struct dt_admission *out,
     uint64_t *seq)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(ADMISSION_MAX);
    enum dt_err err = dt_store_get_blob(a->store, "admission", dt_view(request_id, 16), &value);

    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_NOT_FOUND, "there is no such request for an admission");
    if (err != DT_OK)
        return err;
    dt_admission_clear(out);
    init(out);
    return dt_fail_context(decode(dt_buf_view(&value), out, seq), "admission");
}

enum dt_err
dt_admission_load(struct dt_agent *a, const uint8_t request_id[static 16], struct dt_admission *out)
{
    uint64_t seq = 0;

    return load(a, request_id, out, &seq);
}

enum dt_err
dt_admission_save(struct dt_agent *a, const struct dt_admission *x)
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission old = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(ADMISSION_MAX);
    struct dt_writer w = dt_writer_init(&value);
    uint64_t seq = 0;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err = load(a, x->request_id, &old, &seq);
    if (err == DT_ERR_NOT_FOUND)
        err = dt_store_next_seq(a->store, "admission", dt_view(NULL, 0), &seq);
    if (err == DT_OK) {
        dt_write_u64(&w, seq);
        dt_write_view(&w, dt_view_of(x->request_id));
        dt_write_view(&w, dt_view_of(x->group_id));
        dt_write_optional(&w, x->ours);
        dt_write_optional(&w, x->approved_by_us);
        dt_write_u8(&w, (uint8_t)x->state);
        dt_write_view(&w, dt_view_of(x->letter_hash));
        dt_write_view(&w, dt_view_of(x->from_hash));
        dt_write_u64(&w, x->epoch);
        dt_write_vec(&w, dt_buf_view(&x->approvals));
        dt_write_vec(&w, dt_buf_view(&x->key_package));
        err = dt_writer_end(&w);
    }
    if (err == DT_OK)
        err = dt_store_put(a->store, "admission", dt_view_of(x->request_id), dt_view(NULL, 0), seq,
                           dt_buf_view(&value));
    return dt_store_end(a->store, err);
}

/* ---- approvals ---- */

/* Our party's approval of ${x}, signed with the delegate's key. */
static enum dt_err
sign_approval(struct dt_agent *a, const struct dt_channel *ch, const struct dt_admission *x,
              struct dt_approval *out)
{
    struct dt_approval v = {.epoch_from = x->epoch,
                            .party = (uint8_t)a->party,
                            .letter = dt_buf_view(&a->letter_bytes)};
    enum dt_err err = dt_letter_check_rights(&a->letter, DT_RIGHT_BIT(DT_RIGHT_ADMIT));

    if (err != DT_OK)
        return dt_fail_context(err, "our letter of credence");
    memcpy(v.forum, a->forum, 32);
    memcpy(v.group_id, ch->group_id, 32);
    memcpy(v.letter_hash, x->letter_hash, 32);
    memcpy(v.invitation_id, x->request_id, 16);
    if ((err = dt_founding_hash(&ch->founding, v.founding_hash)) != DT_OK ||
        (err = dt_approval_sign(&v, dt_secret_view(&a->delegate_seed))) != DT_OK)
        return err;
    *out = v;
    return DT_OK;
}

static uint32_t
approved_bits(const struct dt_admission *x)
{
    struct dt_view rest = dt_buf_view(&x->approvals);
    struct dt_approval v;
    uint32_t bits = 0;

    while (dt_approvals_next(&rest, &v) == DT_OK)
        bits |= UINT32_C(1) << v.party;
    return bits;
}

enum dt_err
dt_approvals_stand(struct dt_agent *a, struct dt_view approvals)
{
    char name[DT_AGENT_NAME_MAX + 1];
    bool revoked = false;
    size_t party = 0;
    enum dt_err err = dt_approvals_revoked(a, approvals, &revoked, &party);

    if (err != DT_OK || !revoked)
        return err;
    dt_party_name(a, party, name);
    return dt_fail(DT_ERR_REFUSED, "the letter under which %s approved was revoked: ask anew",
                   name);
}

/* ---- asking ---- */

/* The letter to be admitted: held, valid, not revoked, of a party of the channel, not seated yet.
 */
static enum dt_err
check_candidate(struct dt_agent *a, const struct dt_channel *ch, const uint8_t hash[static 32],
                struct dt_letter *out, struct dt_buf *bytes)
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    uint32_t n = mls_group_n_leaves(ch->group);
    size_t party = 0;
    bool revoked = false;
    enum dt_err err;

    if ((err = dt_letter_load(a, hash, out, &party, bytes)) != DT_OK ||
        (err = dt_letter_check_time(out, dt_agent_now(a))) != DT_OK ||
        (err = dt_letter_ended(a, out, &revoked)) != DT_OK)
        return err;
    if (revoked)
        return dt_fail(DT_ERR_REFUSED, "the letter was revoked by its root, or its root replaced");
    if (!dt_founding_has_party(&ch->founding, (uint8_t)party))
        return dt_fail(DT_ERR_REFUSED, "the letter is of a party that is not of this channel");
    for (uint32_t leaf = 0; leaf < n; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};

        err = dt_seat_of(&rules, ch->group, leaf, &s);
        if (dt_err_is_local(err))
            return err;
        if (err == DT_OK && memcmp(s.letter.key, out->key, 32) == 0)
            return dt_fail(DT_ERR_EXISTS, "the holder of the letter is a member already");
    }
    return DT_OK;
}

/* A delegate of ${party} that may approve: a member, or else anyone whose letter we hold. */
static enum dt_err
find_approver(struct dt_agent *a, const struct dt_channel *ch, size_t party, struct dt_letter *out)
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    uint32_t n = mls_group_n_leaves(ch->group);
    uint64_t at = 0;
    enum dt_err err;

    for (uint32_t leaf = 0; leaf < n; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};

        err = dt_seat_of(&rules, ch->group, leaf, &s);
        if (dt_err_is_local(err))
            return err;
        if (err == DT_OK && s.party == party &&
            dt_letter_check_rights(&s.letter, DT_RIGHT_BIT(DT_RIGHT_ADMIT)) == DT_OK &&
            dt_letter_check_now(a, &s.letter) == DT_OK)
            return dt_letter_decode(s.letter_bytes, out);
    }
    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
        size_t p = 0;

        if ((err = dt_store_next(a->store, "letter", dt_view(NULL, 0), at, &row)) != DT_OK)
            return err;
        at = row.seq + 1;
        err = dt_letter_take(a, dt_buf_view(&row.value), &l, &p);
        if (dt_err_is_local(err))
            return err;
        if (err == DT_OK && p == party &&
            dt_letter_check_rights(&l, DT_RIGHT_BIT(DT_RIGHT_ADMIT)) == DT_OK &&
            dt_letter_check_now(a, &l) == DT_OK)
            return dt_letter_decode(dt_buf_view(&row.value), out);
    }
}

static enum dt_err
ask_parties(struct dt_agent *a, const struct dt_channel *ch, const struct dt_admission *x,
            struct dt_view letter)
{
    struct dt_inbox_message m = {.kind = DT_INBOX_APPROVAL_REQUEST,
                                 .letter = letter,
                                 .sender_letter = dt_buf_view(&a->letter_bytes),
                                 .epoch_from = x->epoch};
    enum dt_err err;

    memcpy(m.group_id, ch->group_id, 32);
    memcpy(m.invitation_id, x->request_id, 16);
    if ((err = dt_inbox_request_sign(&m, dt_secret_view(&a->delegate_seed))) != DT_OK)
        return err;
    for (size_t p = 0; p < a->charter.n_parties; p++) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};

        if (p == a->party || !dt_founding_has_party(&ch->founding, (uint8_t)p))
            continue;
        err = find_approver(a, ch, p, &to);
        if (err == DT_ERR_NOT_FOUND)
            continue; /* dt_agent_commit_admission() will name the party */
        if (err != DT_OK || (err = dt_outbox_to_inbox(a, &to, &m)) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
ask_invitee(struct dt_agent *a, const struct dt_channel *ch, const struct dt_admission *x,
            const struct dt_letter *to)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf founding = DT_BUF_INIT(DT_FOUNDING_MAX);
    struct dt_inbox_message m = {.kind = DT_INBOX_INVITATION,
                                 .sender_letter = dt_buf_view(&a->letter_bytes)};
    enum dt_err err;

    if ((err = dt_founding_encode(&ch->founding, &founding)) != DT_OK ||
        (err = dt_letters_split(dt_buf_view(&ch->letters), m.letters, &m.n_letters)) != DT_OK)
        return err;
    m.founding = dt_buf_view(&founding);
    memcpy(m.group_id, ch->group_id, 32);
    memcpy(m.invitation_id, x->request_id, 16);
    return dt_outbox_to_inbox(a, to, &m);
}

static enum dt_err
request(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t letter_hash[static 32],
        struct dt_admission *x)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter who = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_LETTER_MAX);
    struct dt_approval approval;
    enum dt_err err;

    if ((err = dt_channel_load_live(a, group_id, &ch)) != DT_OK ||
        (err = check_candidate(a, &ch, letter_hash, &who, &bytes)) != DT_OK ||
        (err = dt_random(x->request_id, sizeof x->request_id)) != DT_OK)
        return err;
    memcpy(x->group_id, group_id, 32);
    memcpy(x->letter_hash, letter_hash, 32);
    memcpy(x->from_hash, a->letter.hash, 32);
    x->ours = x->approved_by_us = true;
    x->state = DT_ADMISSION_ASKED;
    x->epoch = mls_group_epoch(ch.group);
    if ((err = sign_approval(a, &ch, x, &approval)) != DT_OK ||
        (err = dt_approvals_add(&x->approvals, &approval)) != DT_OK ||
        (err = ask_parties(a, &ch, x, dt_buf_view(&bytes))) != DT_OK ||
        (err = ask_invitee(a, &ch, x, &who)) != DT_OK)
        return err;
    return dt_admission_save(a, x);
}

enum dt_err
dt_agent_request_admission(struct dt_agent *a, const uint8_t group_id[static 32],
                           const uint8_t letter_hash[static 32], uint8_t out_request_id[static 16])
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x;
    enum dt_err err;

    init(&x);
    if ((err = dt_agent_need_letter(a)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err = dt_store_end(a->store, request(a, group_id, letter_hash, &x));
    if (err == DT_OK)
        memcpy(out_request_id, x.request_id, 16);
    return err;
}

/* ---- others' requests ---- */

enum dt_err
dt_approval_request_take(struct dt_agent *a, const struct dt_inbox_message *m)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter from = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter who = {0};
    DT_CLEANUP(dt_admission_clear) struct dt_admission x;
    size_t from_party = 0, who_party = 0;
    bool there = false;
    enum dt_err err;

    init(&x);
    if ((err = dt_channel_load_live(a, m->group_id, &ch)) != DT_OK ||
        (err = dt_letter_take(a, m->sender_letter, &from, &from_party)) != DT_OK ||
        (err = dt_inbox_request_verify(m, dt_view_of(from.key))) != DT_OK ||
        (err = dt_letter_take(a, m->letter, &who, &who_party)) != DT_OK ||
        (err = dt_store_has(a->store, "admission", dt_view_of(m->invitation_id), &there)) !=
            DT_OK ||
        there)
        return err;
    if ((err = dt_letter_check_root(a, &from)) != DT_OK ||
        (err = dt_letter_check_root(a, &who)) != DT_OK)
        return err;
    if (!dt_founding_has_party(&ch.founding, (uint8_t)from_party))
        return dt_fail(DT_ERR_REFUSED,
                       "a request to admit someone by a party that is not of the channel");
    memcpy(x.request_id, m->invitation_id, 16);
    memcpy(x.group_id, m->group_id, 32);
    memcpy(x.letter_hash, who.hash, 32);
    memcpy(x.from_hash, from.hash, 32);
    x.state = DT_ADMISSION_ASKED;
    x.epoch = m->epoch_from;
    if ((err = dt_letter_keep(a, &from, from_party, m->sender_letter)) != DT_OK ||
        (err = dt_letter_keep(a, &who, who_party, m->letter)) != DT_OK)
        return err;
    return dt_admission_save(a, &x);
}

static enum dt_err
approve(struct dt_agent *a, const uint8_t request_id[static 16])
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter who = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_LETTER_MAX + 512u);
    struct dt_inbox_message m = {.kind = DT_INBOX_APPROVAL};
    struct dt_approval approval;
    uint64_t epoch;
    enum dt_err err;

    if ((err = dt_admission_load(a, request_id, &x)) != DT_OK)
        return err;
    if (x.ours || x.approved_by_us)
        return dt_fail(DT_ERR_STATE, "the request has our approval already");
    if ((err = dt_channel_load_live(a, x.group_id, &ch)) != DT_OK ||
        (err = check_candidate(a, &ch, x.letter_hash, &who, NULL)) != DT_OK)
        return err;
    /* n to n + 64 is what the asker chose; it must hold now, or soon if we are behind. */
    epoch = mls_group_epoch(ch.group);
    if ((epoch > x.epoch && epoch - x.epoch > DT_APPROVAL_EPOCHS) ||
        (x.epoch > epoch && x.epoch - epoch > DT_APPROVAL_EPOCHS))
        return dt_fail(DT_ERR_STATE,
                       "the request is for another time of the channel: sync, or have it "
                       "asked anew");
    if ((err = sign_approval(a, &ch, &x, &approval)) != DT_OK ||
        (err = dt_approval_encode(&approval, &body)) != DT_OK ||
        (err = dt_letter_load(a, x.from_hash, &to, NULL, NULL)) != DT_OK)
        return err;
    memcpy(m.group_id, x.group_id, 32);
    m.approval = dt_buf_view(&body);
    x.approved_by_us = true;
    if ((err = dt_outbox_to_inbox(a, &to, &m)) != DT_OK)
        return err;
    return dt_admission_save(a, &x);
}

enum dt_err
dt_agent_approve(struct dt_agent *a, const uint8_t request_id[static 16])
{
    enum dt_err err;

    if ((err = dt_agent_need_letter(a)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, approve(a, request_id));
}

/* ---- collecting ---- */

enum dt_err
dt_approval_take(struct dt_agent *a, const struct dt_inbox_message *m)
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_approval v;
    struct dt_rules rules;
    enum dt_err err;

    if ((err = dt_approval_decode(m->approval, &v)) != DT_OK ||
        (err = dt_admission_load(a, v.invitation_id, &x)) != DT_OK ||
        (err = dt_channel_load_live(a, x.group_id, &ch)) != DT_OK)
        return err;
    rules = dt_channel_rules(a, &ch);
    if (!x.ours || v.epoch_from != x.epoch)
        return dt_fail(DT_ERR_REFUSED, "an approval that we did not ask for");
    if ((err = dt_approval_check(&rules, &v, x.letter_hash, x.request_id)) != DT_OK)
        return err;
    if (dt_approval_by_former(&a->charter, &v))
        return dt_fail(DT_ERR_REFUSED, "an approval is by a root that was replaced");
    if (!v.by_root) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter by = {0};
        bool revoked = false;

        if ((err = dt_letter_decode(v.letter, &by)) != DT_OK ||
            (err = dt_letter_ended(a, &by, &revoked)) != DT_OK)
            return err;
        if (revoked)
            return dt_fail(
                DT_ERR_REFUSED,
                "an approval is under a letter that was revoked, or whose root was replaced");
    }
    if ((approved_bits(&x) >> v.party & 1) != 0)
        return DT_OK; /* a second one of that party */
    if ((err = dt_approvals_add(&x.approvals, &v)) != DT_OK)
        return err;
    return dt_admission_save(a, &x);
}

enum dt_err
dt_admission_key_package(struct dt_agent *a, const struct dt_inbox_message *m)
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_rules rules;
    enum dt_err err;

    if ((err = dt_admission_load(a, m->invitation_id, &x)) != DT_OK ||
        (err = dt_channel_load_live(a, x.group_id, &ch)) != DT_OK)
        return err;
    if (!x.ours || x.state != DT_ADMISSION_ASKED)
        return dt_fail(DT_ERR_REFUSED, "a key package that we did not ask for");
    rules = dt_channel_rules(a, &ch);
    if ((err = dt_key_package_check(a, &rules, m->key_package, x.letter_hash, x.request_id)) !=
            DT_OK ||
        (err = dt_buf_set(&x.key_package, m->key_package)) != DT_OK)
        return err;
    return dt_admission_save(a, &x);
}

static enum dt_err
commit_admission(struct dt_agent *a, const uint8_t request_id[static 16])
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_rules rules;
    uint32_t missing;
    char name[DT_AGENT_NAME_MAX + 1];
    enum dt_err err;

    if ((err = dt_admission_load(a, request_id, &x)) != DT_OK ||
        (err = dt_channel_load_live(a, x.group_id, &ch)) != DT_OK)
        return err;
    if (!x.ours)
        return dt_fail(DT_ERR_STATE, "the request is someone else's: who asked commits it");
    if (x.state != DT_ADMISSION_ASKED)
        return dt_fail(DT_ERR_STATE, "the admission is on its way or over");
    missing = dt_channel_parties(&ch) & ~approved_bits(&x);
    for (size_t p = 0; p < a->charter.n_parties; p++) {
        if ((missing >> p & 1) == 0)
            continue;
        dt_party_name(a, p, name);
        return dt_fail(DT_ERR_REFUSED, "no approval from %s", name);
    }
    if (x.key_package.n == 0)
        return dt_fail(DT_ERR_STATE,
                       "the invited delegate has not answered yet: its agent must accept "
                       "and sync");
    rules = dt_channel_rules(a, &ch);
    if ((err = dt_approvals_check(&rules, dt_buf_view(&x.approvals), x.letter_hash, x.request_id,
                                  mls_group_epoch(ch.group), NULL)) != DT_OK)
        return dt_fail(DT_ERR_STATE, "the approvals have lapsed: ask anew");
    if ((err = dt_approvals_stand(a, dt_buf_view(&x.approvals))) != DT_OK)
        return err;
    if ((err = dt_key_package_check(a, &rules, dt_buf_view(&x.key_package), x.letter_hash,
                                    x.request_id)) != DT_OK)
        return err;
    x.state = DT_ADMISSION_COMMITTING;
    if ((err = dt_intent_add(a, x.group_id, DT_INTENT_ADD, request_id, dt_view(NULL, 0))) != DT_OK)
        return err;
    return dt_admission_save(a, &x);
}

enum dt_err
dt_agent_commit_admission(struct dt_agent *a, const uint8_t request_id[static 16])
{
    enum dt_err err = dt_store_begin(a->store);

    return err != DT_OK ? err : dt_store_end(a->store, commit_admission(a, request_id));
}

/* Those of others that a Commit has brought in wait for nobody any more. */
enum dt_err
dt_admissions_came(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view warrant)
{
    struct dt_warrant w;
    enum dt_err err = dt_warrant_decode(warrant, &w);

    for (size_t i = 0; err == DT_OK && i < w.n_grounds; i++) {
        DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};

        if (w.grounds[i].kind != DT_GROUND_ADD)
            continue;
        err = dt_admission_load(a, w.grounds[i].invitation_id, &x);
        if (err == DT_ERR_NOT_FOUND) {
            err = DT_OK; /* we were not asked */
        } else if (err == DT_OK && !x.ours && x.state == DT_ADMISSION_ASKED &&
                   memcmp(x.group_id, group_id, 32) == 0) {
            x.state = DT_ADMISSION_DONE;
            err = dt_admission_save(a, &x);
        }
    }
    return err;
}

/* ---- listing ---- */

static enum dt_err
describe(struct dt_agent *a, const struct dt_admission *x, struct dt_admission_info *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    size_t party = 0;
    enum dt_err err;

    *out = (struct dt_admission_info){.ours = x->ours,
                                      .approved_by_us = x->approved_by_us,
                                      .state = x->state,
                                      .epoch = x->epoch,
                                      .key_package =
                                          x->key_package.n > 0 || x->state == DT_ADMISSION_DONE,
                                      .approved = approved_bits(x)};
    memcpy(out->request_id, x->request_id, 16);
    memcpy(out->group_id, x->group_id, 32);
    if ((err = dt_letter_load(a, x->letter_hash, &l, &party, NULL)) != DT_OK)
        return err;
    dt_person_from(a, &l, party, &out->who);
    if ((err = dt_letter_load(a, x->from_hash, &l, &party, NULL)) != DT_OK ||
        (err = dt_channel_load(a, x->group_id, &ch)) != DT_OK)
        return err;
    dt_person_from(a, &l, party, &out->from);
    out->wanted = dt_channel_parties(&ch);
    return DT_OK;
}

enum dt_err
dt_agent_admissions(struct dt_agent *a, struct dt_admission_info **out, size_t *out_n)
{
    struct dt_admission_info *v = NULL;
    size_t n = 0;
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        DT_CLEANUP(dt_admission_clear) struct dt_admission x;
        struct dt_admission_info *grown;
        uint64_t seq = 0;

        init(&x);
        if ((err = dt_store_next(a->store, "admission", dt_view(NULL, 0), at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        if ((err = decode(dt_buf_view(&row.value), &x, &seq)) != DT_OK)
            break;
        grown = dt_realloc(v, n + 1, sizeof *v);
        if (grown == NULL) {
            err = dt_nomem();
            break;
        }
        v = grown;
        if ((err = describe(a, &x, &v[n])) != DT_OK)
            break;
        n++;
    }
    if (err != DT_ERR_NOT_FOUND) {
        dt_free(v);
        return err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}
