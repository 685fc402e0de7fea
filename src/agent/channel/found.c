/*
 * agent/channel/found.c - founding a channel: the list, the answers, epoch 0 and epoch 1.
 *
 * Source: DESIGN "Founding a channel"; docs/protocol-agent.md "Founding".
 *
 *   dt_agent_found: list with our signature -> invitations -> (each) signature + key package -> all
 * there: epoch 0 alone, Adds to epoch 1 (posted nowhere), queue of epoch 1, Welcomes at queue
 * position 0
 */
#include <string.h>

#include "base/text.h"
#include "base/wire.h"

#include "agent/talk/receipt_internal.h"
#include "agent/talk/session_internal.h"

/* ---- proposing ---- */

/* Put ${hash}'s holder on the list, with a new invitation id; and its letter behind the letters. */
static enum dt_err
add_member(struct dt_agent *a, struct dt_channel *ch, const uint8_t hash[static 32])
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_LETTER_MAX);
    struct dt_founding_member *m;
    struct dt_writer w;
    size_t party = 0;
    bool revoked = false;
    enum dt_err err;

    for (size_t i = 0; i < ch->founding.n_members; i++)
        if (memcmp(ch->founding.members[i].letter_hash, hash, 32) == 0)
            return DT_OK; /* named twice, or ourselves */
    if (ch->founding.n_members == DT_FOUNDING_MEMBERS)
        return dt_fail(DT_ERR_LIMIT, "a channel has at most %u first delegates",
                       DT_FOUNDING_MEMBERS);
    if ((err = dt_letter_load(a, hash, &l, &party, &bytes)) != DT_OK ||
        (err = dt_letter_check_time(&l, dt_agent_now(a))) != DT_OK ||
        (err = dt_letter_ended(a, &l, &revoked)) != DT_OK)
        return err;
    if (revoked)
        return dt_fail(DT_ERR_REFUSED,
                       "the letter of a first delegate was revoked, or its root replaced");
    m = &ch->founding.members[ch->founding.n_members];
    m->party = (uint8_t)party;
    memcpy(m->letter_hash, hash, 32);
    if ((err = dt_random(m->invitation_id, sizeof m->invitation_id)) != DT_OK)
        return err;
    w = dt_writer_init(&ch->letters);
    dt_write_vec(&w, dt_buf_view(&bytes));
    ch->founding.n_members++;
    return dt_writer_end(&w);
}

/* Send the invitation to first delegate ${i}. */
static enum dt_err
invite(struct dt_agent *a, const struct dt_channel *ch, size_t i, struct dt_view founding)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
    struct dt_inbox_message m = {.kind = DT_INBOX_INVITATION,
                                 .founding = founding,
                                 .sender_letter = dt_buf_view(&a->letter_bytes)};
    enum dt_err err;

    memcpy(m.group_id, ch->group_id, 32);
    memcpy(m.invitation_id, ch->founding.members[i].invitation_id, 16);
    if ((err = dt_letters_split(dt_buf_view(&ch->letters), m.letters, &m.n_letters)) != DT_OK ||
        (err = dt_letter_decode(m.letters[i], &to)) != DT_OK)
        return err;
    return dt_outbox_to_inbox(a, &to, &m);
}

/* A plenary is of all parties; a caucus of a mediator and one party; a track of whoever it is
 * about. */
static enum dt_err
check_kind(const struct dt_agent *a, const struct dt_channel *ch)
{
    size_t n = 0, n_mediators = 0;

    for (size_t p = 0; p < a->charter.n_parties; p++) {
        if (!dt_founding_has_party(&ch->founding, (uint8_t)p))
            continue;
        n++;
        n_mediators += a->charter.parties[p].kind == DT_PARTY_MEDIATOR;
    }
    if (ch->founding.kind == DT_CHANNEL_PLENARY && n != a->charter.n_parties)
        return dt_fail(DT_ERR_RANGE,
                       "a plenary has a first delegate of every party of the charter");
    if (ch->founding.kind == DT_CHANNEL_CAUCUS && (n != 2 || n_mediators != 1))
        return dt_fail(DT_ERR_RANGE, "a caucus is of a mediator and one party");
    return DT_OK;
}

static enum dt_err
propose(struct dt_agent *a, struct dt_channel *ch, const uint8_t (*letters)[32], size_t n_letters)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf founding = DT_BUF_INIT(DT_FOUNDING_MAX);
    enum dt_err err;

    if ((err = add_member(a, ch, a->letter.hash)) != DT_OK)
        return err;
    for (size_t i = 0; i < n_letters; i++)
        if ((err = add_member(a, ch, letters[i])) != DT_OK)
            return err;
    if (ch->founding.n_members < 2)
        return dt_fail(DT_ERR_RANGE, "a channel needs at least one other first delegate");
    if ((err = check_kind(a, ch)) != DT_OK)
        return err;
    memcpy(ch->invitation_id, ch->founding.members[0].invitation_id, 16);
    if ((err = dt_founding_sign(&ch->founding, 0, dt_secret_view(&a->delegate_seed))) != DT_OK ||
        (err = dt_founding_encode(&ch->founding, &founding)) != DT_OK)
        return err;
    for (size_t i = 1; i < ch->founding.n_members; i++)
        if ((err = invite(a, ch, i, dt_buf_view(&founding))) != DT_OK)
            return err;
    return dt_channel_add(a, ch);
}

enum dt_err
dt_agent_found(struct dt_agent *a, enum dt_channel_kind kind, const char *name,
               const uint8_t (*letters)[32], size_t n_letters, uint8_t out_group_id[static 32])
{
    return dt_agent_found_as(a, kind, name, letters, n_letters, 0, out_group_id);
}

enum dt_err
dt_agent_found_as(struct dt_agent *a, enum dt_channel_kind kind, const char *name,
                  const uint8_t (*letters)[32], size_t n_letters, uint64_t destroy_after_ms,
                  uint8_t out_group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {.state = DT_CHANNEL_FOUNDING};
    size_t n = strlen(name);
    enum dt_err err;

    if (n == 0 || n > DT_CHANNEL_NAME_MAX || !dt_utf8_line(dt_view_str(name)))
        return dt_fail(DT_ERR_RANGE, "a channel's name is one line of 1 to %u bytes of UTF-8",
                       DT_CHANNEL_NAME_MAX);
    if ((destroy_after_ms != 0 && (err = dt_destroy_after_check(destroy_after_ms)) != DT_OK) ||
        (err = dt_agent_need_letter(a)) != DT_OK ||
        (err = dt_letter_check_rights(&a->letter, DT_RIGHT_BIT(DT_RIGHT_FOUND))) != DT_OK ||
        (err = dt_random(ch.group_id, sizeof ch.group_id)) != DT_OK)
        return err;
    dt_buf_init(&ch.letters, DT_FOUNDING_MEMBERS * (DT_LETTER_MAX + 4u));
    dt_buf_init(&ch.warrants, DT_HISTORY_MAX);
    memcpy(ch.founding.forum, a->forum, 32);
    memcpy(ch.founding.group_id, ch.group_id, 32);
    memcpy(ch.founding.name, name, n + 1);
    ch.founding.kind = kind;
    ch.founding.created_ms = dt_agent_now(a);
    ch.founding.destroy_after_ms = destroy_after_ms;
    memcpy(ch.queue_token, a->grant.queue_token, 32);
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err = dt_store_end(a->store, propose(a, &ch, letters, n_letters));
    if (err == DT_OK)
        memcpy(out_group_id, ch.group_id, 32);
    return err;
}

/* ---- the answers ---- */

static enum dt_err
load_founding(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_channel *ch)
{
    enum dt_err err = dt_channel_load(a, group_id, ch);

    if (err == DT_OK && ch->state != DT_CHANNEL_FOUNDING)
        err = dt_fail(DT_ERR_STATE, "an answer to a founding that is over");
    return err;
}

enum dt_err
dt_founding_signature_take(struct dt_agent *a, const struct dt_inbox_message *m)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct dt_view letters[DT_FOUNDING_MEMBERS];
    size_t n = 0;
    enum dt_err err;

    if ((err = load_founding(a, m->group_id, &ch)) != DT_OK ||
        (err = dt_letters_split(dt_buf_view(&ch.letters), letters, &n)) != DT_OK)
        return err;
    if (m->member >= n || m->member >= ch.founding.n_members)
        return dt_fail(DT_ERR_REFUSED, "a founding signature by someone who is not on the list");
    if ((err = dt_letter_decode(letters[m->member], &l)) != DT_OK)
        return err;
    ch.founding.members[m->member].has_signature = true;
    memcpy(ch.founding.members[m->member].signature, m->signature, 64);
    if ((err = dt_founding_verify(&ch.founding, m->member, dt_view_of(l.key))) != DT_OK)
        return err;
    return dt_channel_save(a, &ch, false);
}

enum dt_err
dt_key_package_take(struct dt_agent *a, const struct dt_inbox_message *m)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_rules rules;
    size_t i;
    enum dt_err err = dt_channel_load(a, m->group_id, &ch);

    if (err != DT_OK)
        return err;
    if (ch.state != DT_CHANNEL_FOUNDING) {
        bool ours = false;

        if ((err = dt_store_has(a->store, "admission", dt_view_of(m->invitation_id), &ours)) !=
            DT_OK)
            return err;
        return ours ? dt_admission_key_package(a, m) : dt_rejoin_key_package(a, m);
    }
    i = dt_founding_find(&ch.founding, m->invitation_id);
    if (i == DT_FOUNDING_MEMBERS)
        return dt_fail(DT_ERR_REFUSED,
                       "a key package from someone who is not on the founding list");
    rules = dt_channel_rules(a, &ch);
    if ((err = dt_key_package_check(a, &rules, m->key_package, ch.founding.members[i].letter_hash,
                                    m->invitation_id)) != DT_OK)
        return err;
    return dt_store_put(a->store, "answer", dt_view_of(m->invitation_id), dt_view_of(m->group_id),
                        i, m->key_package);
}

/* ---- all answers are in ---- */

struct answers {
    struct dt_buf bytes[DT_FOUNDING_MEMBERS];
    struct dt_view views[DT_FOUNDING_MEMBERS];
    size_t n;
};

static void
answers_clear(struct answers *x)
{
    for (size_t i = 0; i < DT_FOUNDING_MEMBERS; i++)
        dt_buf_clear(&x->bytes[i]);
}

/* The key packages of all but ourselves. An expired one is dropped, and asked for anew. */
static enum dt_err
collect(struct dt_agent *a, struct dt_channel *ch, struct answers *x, bool *out_all)
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    DT_CLEANUP(dt_buf_clear) struct dt_buf founding = DT_BUF_INIT(DT_FOUNDING_MAX);
    enum dt_err err;

    *out_all = false;
    if (!dt_founding_complete(&ch->founding))
        return DT_OK;
    for (size_t i = 1; i < ch->founding.n_members; i++) {
        const struct dt_founding_member *m = &ch->founding.members[i];

        x->bytes[x->n].max = DT_KEY_PACKAGE_MAX + DT_LETTER_MAX;
        err = dt_store_get_blob(a->store, "answer", dt_view_of(m->invitation_id), &x->bytes[x->n]);
        if (err == DT_ERR_NOT_FOUND)
            return DT_OK;
        if (err != DT_OK)
            return err;
        err = dt_key_package_check(a, &rules, dt_buf_view(&x->bytes[x->n]), m->letter_hash,
                                   m->invitation_id);
        if (err == DT_ERR_EXPIRED) {
            if ((err = dt_store_del(a->store, "answer", dt_view_of(m->invitation_id))) != DT_OK ||
                (err = dt_founding_encode(&ch->founding, &founding)) != DT_OK)
                return err;
            return invite(a, ch, i, dt_buf_view(&founding));
        }
        if (err != DT_OK)
            return err;
        x->views[x->n] = dt_buf_view(&x->bytes[x->n]);
        x->n++;
    }
    *out_all = true;
    return DT_OK;
}

static enum dt_err
epoch_zero(struct dt_agent *a, struct dt_channel *ch, const struct dt_session *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf forum = DT_BUF_INIT(128);
    struct dt_forum_ext x;
    struct mls_typed extension;
    struct mls_group_params params = {.leaf = dt_session_leaf(s),
                                      .group_id = dt_view_of(ch->group_id),
                                      .required_extensions = {dt_mls_extensions, 1},
                                      .required_proposals = {dt_mls_proposals, 1},
                                      .not_before_s = s->voucher.not_before_ms / 1000,
                                      .not_after_s = s->voucher.not_after_ms / 1000,
                                      .policy = dt_mls_past()};
    enum dt_err err;

    memcpy(x.forum, a->forum, 32);
    if ((err = dt_founding_hash(&ch->founding, x.founding_hash)) != DT_OK ||
        (err = dt_warrants_first(x.founding_hash, x.warrants_hash)) != DT_OK ||
        (err = dt_forum_ext_encode(&x, &forum)) != DT_OK)
        return err;
    extension = (struct mls_typed){DT_EXT_FORUM, dt_buf_view(&forum)};
    params.extensions = (struct mls_typed_list){&extension, 1};
    return mls_group_create(&params, &ch->group);
}

static enum dt_err
send_welcomes(struct dt_agent *a, const struct dt_channel *ch, struct dt_view welcome)
{
    struct dt_view letters[DT_FOUNDING_MEMBERS];
    size_t n = 0;
    enum dt_err err = dt_letters_split(dt_buf_view(&ch->letters), letters, &n);

    for (size_t i = 1; err == DT_OK && i < n; i++) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
        struct dt_inbox_message m = {.kind = DT_INBOX_WELCOME, .welcome = welcome};

        memcpy(m.group_id, ch->group_id, 32);
        memcpy(m.invitation_id, ch->founding.members[i].invitation_id, 16);
        if ((err = dt_letter_decode(letters[i], &to)) == DT_OK)
            err = dt_outbox_to_inbox(a, &to, &m);
    }
    return err;
}

static enum dt_err
found_now(struct dt_agent *a, struct dt_channel *ch, const struct answers *x)
{
    DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf history = DT_BUF_INIT(DT_HISTORY_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf queue = DT_BUF_INIT(512);
    struct dt_queue_ext q = {.begun_ms = dt_agent_now(a), .begins_here = true};
    struct mls_typed info[2];
    struct mls_commit_opts opts = {
        .adds = x->views, .n_adds = x->n, .force_path = true, .lifetime = dt_mls_lifetime(a)};
    enum dt_err err;

    memcpy(q.queue_token, ch->queue_token, 32);
    if ((err = dt_session_new(a, ch->group_id, ch->invitation_id, &s)) != DT_OK ||
        (err = epoch_zero(a, ch, &s)) != DT_OK ||
        (err = dt_history_ext(ch, dt_buf_view(&ch->warrants), &history)) != DT_OK ||
        (err = dt_queue_ext_encode(&q, &queue)) != DT_OK)
        return err;
    info[0] = (struct mls_typed){DT_EXT_HISTORY, dt_buf_view(&history)};
    info[1] = (struct mls_typed){DT_EXT_QUEUE, dt_buf_view(&queue)};
    opts.group_info_extensions = (struct mls_typed_list){info, 2};
    if ((err = mls_group_commit(ch->group, &opts, &out)) != DT_OK ||
        (err = mls_group_take_pending(ch->group, dt_agent_now(a))) != DT_OK ||
        (err = dt_channel_new_queue(a, ch)) != DT_OK)
        return err;
    ch->state = DT_CHANNEL_LIVE;
    ch->here_due = true;
    ch->last_read_ms = dt_agent_now(a);
    ch->confirmed = dt_channel_all_here(a, ch);
    if ((err = dt_channel_note_epoch(a, ch)) != DT_OK || (err = dt_receipt_join(a, ch)) != DT_OK ||
        (err = dt_closing_begin(a, ch)) != DT_OK ||
        (err = dt_store_del_parent(a->store, "answer", dt_view_of(ch->group_id))) != DT_OK ||
        (err = send_welcomes(a, ch, dt_buf_view(&out.welcome))) != DT_OK)
        return err;
    return dt_channel_save(a, ch, true);
}

enum dt_err
dt_founding_try(struct dt_agent *a, const uint8_t group_id[static 32], bool *out_founded)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(answers_clear) struct answers x = {0};
    bool all = false;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_row(a, group_id, &ch)) == DT_OK && ch.state == DT_CHANNEL_FOUNDING &&
        (err = collect(a, &ch, &x, &all)) == DT_OK && all)
        err = found_now(a, &ch, &x);
    err = dt_store_end(a->store, err);
    if (err == DT_OK)
        *out_founded = all;
    return err;
}
