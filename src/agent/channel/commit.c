/*
 * agent/channel/commit.c - making our own Commits, and what follows every Commit that counts.
 *
 * Source: DESIGN "Credentials and vouchers", "Warrants", "Queues"; RFC 9420 section 12.4.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/channel/courier.h"
#include "agent/sync/flows.h"
#include "agent/talk/session_internal.h"

#define KEY_PACKAGE_LIFE (DT_VOUCHER_LIFE_MAX_MS + DT_MS_DAY)
#define EXT_REQUIRED     3u

const uint16_t dt_mls_extensions[1] = {DT_EXT_FORUM};
const uint16_t dt_mls_proposals[1] = {DT_PROP_WARRANT};

struct mls_time_policy
dt_mls_lifetime(const struct dt_agent *a)
{
    return (struct mls_time_policy){.check = true,
                                    .now_ms = dt_agent_now(a),
                                    .max_total_ms = KEY_PACKAGE_LIFE,
                                    .skew_ms = DT_CLOCK_SKEW_MS};
}

struct mls_group_policy
dt_mls_past(void)
{
    return (struct mls_group_policy){.past_epochs = MLS_PAST_EPOCHS_DEFAULT,
                                     .past_age_ms = MLS_PAST_AGE_DEFAULT_MS};
}

void
dt_session_clear(struct dt_session *s)
{
    if (s == NULL)
        return;
    dt_secret_clear(&s->seed);
    dt_buf_clear(&s->identity);
}

enum dt_err
dt_session_new(struct dt_agent *a, const uint8_t group_id[static 32],
               const uint8_t invitation_id[static 16], struct dt_session *out)
{
    enum dt_err err;

    out->identity.max = DT_LETTER_MAX + DT_VOUCHER_MAX + 16u;
    if ((err = dt_agent_need_letter(a)) != DT_OK ||
        (err = dt_ed25519_new(&out->seed, out->pub)) != DT_OK)
        return err;
    return dt_agent_vouch(a, &a->letter, dt_buf_view(&a->letter_bytes), group_id, out->pub, 0,
                          invitation_id, &out->voucher, &out->identity);
}

/* A renewed letter takes a seat only by a re-join: what a rotation may change is the same for all
 * members. */
enum dt_err
dt_session_rotate(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_seat *own,
                  struct dt_session *out)
{
    enum dt_err err;

    out->identity.max = DT_LETTER_MAX + DT_VOUCHER_MAX + 16u;
    if ((err = dt_ed25519_new(&out->seed, out->pub)) != DT_OK)
        return err;
    return dt_agent_vouch(a, &own->letter, own->letter_bytes, group_id, out->pub,
                          own->voucher.serial + 1, own->voucher.invitation_id, &out->voucher,
                          &out->identity);
}

struct mls_leaf_params
dt_session_leaf(const struct dt_session *s)
{
    return (struct mls_leaf_params){.suite = DT_MLS_SUITE,
                                    .signature_priv = dt_secret_view(&s->seed),
                                    .signature_pub = dt_view_of(s->pub),
                                    .identity = dt_buf_view(&s->identity),
                                    .extension_types = {dt_mls_extensions, 1},
                                    .proposal_types = {dt_mls_proposals, 1}};
}

enum dt_err
dt_key_package_check(struct dt_agent *a, const struct dt_rules *rules, struct dt_view key_package,
                     const uint8_t letter_hash[static 32], const uint8_t invitation_id[static 16])
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    struct mls_time_policy lifetime = dt_mls_lifetime(a);
    struct mls_key_package_info info;
    bool revoked = false, released = false;
    enum dt_err err;

    if ((err = mls_key_package_open(key_package, &lifetime, &info, NULL)) != DT_OK ||
        (err = dt_seat_check(rules, info.identity, info.signature_key, &s)) != DT_OK)
        return dt_fail_context(err, "key package");
    if ((err = dt_released_has(a, rules->founding->group_id, info.signature_key, &released)) !=
        DT_OK)
        return err;
    if (released)
        return dt_fail(DT_ERR_REFUSED, "a key package is of a session key that was released");
    if (info.suite != DT_MLS_SUITE)
        return dt_fail(DT_ERR_REFUSED, "a key package is for suite %u", info.suite);
    if (memcmp(s.letter.hash, letter_hash, 32) != 0 ||
        memcmp(s.voucher.invitation_id, invitation_id, 16) != 0 || s.voucher.serial != 0)
        return dt_fail(DT_ERR_REFUSED, "a key package is for another letter or invitation");
    if (!dt_voucher_valid_at(&s.voucher, dt_agent_now(a)))
        return dt_fail(DT_ERR_EXPIRED,
                       "the voucher in a key package has expired: ask for a new answer");
    if ((err = dt_letter_check_time(&s.letter, dt_agent_now(a))) != DT_OK ||
        (err = dt_letter_ended(a, &s.letter, &revoked)) != DT_OK)
        return err;
    return revoked ? dt_fail(DT_ERR_REFUSED,
                             "the letter in a key package was revoked, or its root replaced")
                   : DT_OK;
}

enum dt_err
dt_history_ext(const struct dt_channel *ch, struct dt_view warrants, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf founding = DT_BUF_INIT(DT_FOUNDING_MAX);
    struct dt_history h = {.warrants = warrants};
    enum dt_err err;

    if ((err = dt_founding_encode(&ch->founding, &founding)) != DT_OK ||
        (err = dt_letters_split(dt_buf_view(&ch->letters), h.letters, &h.n_letters)) != DT_OK)
        return err;
    h.founding = dt_buf_view(&founding);
    return dt_history_encode(&h, out);
}

enum dt_err
dt_commit_follow(struct dt_agent *a, struct dt_channel *ch, const struct dt_commit_meaning *meaning)
{
    enum dt_err err;

    if (meaning->warrant.n > 0 &&
        ((err = dt_history_add(&ch->warrants, meaning->warrant)) != DT_OK ||
         (err = dt_courier_committed(a, ch, meaning->warrant)) != DT_OK ||
         (err = dt_admissions_came(a, ch->group_id, meaning->warrant)) != DT_OK))
        return err;
    if ((err = dt_channel_note_epoch(a, ch)) != DT_OK)
        return err;
    if (meaning->adds) {
        ch->here_due = true;
        if ((err = dt_courier_again(a, ch)) != DT_OK)
            return err;
    }
    if (!meaning->new_queue)
        return DT_OK;
    /* What of ours was not read back before this Commit does not count any more, wherever it
     * stands. */
    if ((err = dt_outbox_restage(a, ch->group_id, &ch->here_due)) != DT_OK ||
        (err = dt_outbox_forget_made(a, ch->group_id)) != DT_OK)
        return err;
    return dt_channel_new_queue(a, ch);
}

/* ---- the parts of an own Commit ---- */

/* All that a Commit's options borrow from. */
struct making {
    struct dt_session session;
    struct dt_buf warrant;
    struct dt_buf history;
    struct dt_buf queue;
    struct dt_buf warrants; /* with the new one */
    struct dt_buf forum;
    struct mls_typed extensions[2];
    struct mls_typed private_use[1];
    struct mls_typed info[2];
    struct dt_view add;
    uint32_t remove;
    struct dt_admission admission;
    struct dt_rejoin_row rejoin;
    struct dt_secret courier;
    uint8_t courier_id[DT_COURIER_ID];
    struct mls_psk psk;
};

static void
making_clear(struct making *m)
{
    dt_session_clear(&m->session);
    dt_buf_clear(&m->warrant);
    dt_buf_clear(&m->history);
    dt_buf_wipe(&m->queue);
    dt_buf_clear(&m->warrants);
    dt_buf_clear(&m->forum);
    dt_admission_clear(&m->admission);
    dt_rejoin_row_clear(&m->rejoin);
    dt_secret_clear(&m->courier);
}

static void
making_init(struct making *m)
{
    *m = (struct making){0};
    dt_buf_init(&m->warrant, DT_WARRANT_MAX);
    dt_buf_init(&m->history, DT_HISTORY_MAX + DT_FOUNDING_MAX + (1u << 20));
    dt_buf_init(&m->queue, 512);
    dt_buf_init(&m->warrants, DT_HISTORY_MAX);
    dt_buf_init(&m->forum, 128);
}

/* A new session key and voucher for our own leaf. */
static enum dt_err
part_rotation(struct dt_agent *a, const struct dt_channel *ch, struct making *m,
              struct mls_commit_opts *opts)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
    struct dt_rules rules = dt_channel_rules(a, ch);
    enum dt_err err;

    if ((err = dt_seat_of(&rules, ch->group, mls_group_own_leaf(ch->group), &own)) != DT_OK ||
        (err = dt_session_rotate(a, ch->group_id, &own, &m->session)) != DT_OK)
        return err;
    opts->new_signature_priv = dt_secret_view(&m->session.seed);
    opts->new_signature_pub = dt_view_of(m->session.pub);
    opts->new_identity = dt_buf_view(&m->session.identity);
    return DT_OK;
}

/* A membership change is the end of a session key: what it signed has one audience. Without a
 * letter that holds there is nothing to vouch by, and the old one stays. */
static enum dt_err
part_rotation_too(struct dt_agent *a, const struct dt_channel *ch, struct making *m,
                  struct mls_commit_opts *opts)
{
    enum dt_err err = part_rotation(a, ch, m, opts);

    return err == DT_ERR_EXPIRED ? DT_OK : err;
}

/* The warrant in m->warrant becomes a proposal, and the `forum` extension advances with it. */
static enum dt_err
part_warrant(struct dt_agent *a, const struct dt_channel *ch, struct making *m,
             struct mls_commit_opts *opts)
{
    struct dt_forum_ext x;
    struct dt_view caps, forum;
    enum dt_err err;

    (void)a;
    if (!mls_group_extension(ch->group, EXT_REQUIRED, &caps) ||
        !mls_group_extension(ch->group, DT_EXT_FORUM, &forum))
        return dt_fail(DT_ERR_INTERNAL, "a group of ours has no forum extension");
    if ((err = dt_forum_ext_decode(forum, &x)) != DT_OK ||
        (err = dt_warrants_next(x.warrants_hash, dt_buf_view(&m->warrant), x.warrants_hash)) !=
            DT_OK ||
        (err = dt_forum_ext_encode(&x, &m->forum)) != DT_OK ||
        (err = dt_buf_set(&m->warrants, dt_buf_view(&ch->warrants))) != DT_OK ||
        (err = dt_history_add(&m->warrants, dt_buf_view(&m->warrant))) != DT_OK)
        return err;
    m->extensions[0] = (struct mls_typed){EXT_REQUIRED, caps};
    m->extensions[1] = (struct mls_typed){DT_EXT_FORUM, dt_buf_view(&m->forum)};
    m->private_use[0] = (struct mls_typed){DT_PROP_WARRANT, dt_buf_view(&m->warrant)};
    opts->set_extensions = true;
    opts->extensions = (struct mls_typed_list){m->extensions, 2};
    opts->private_use = (struct mls_typed_list){m->private_use, 1};
    return DT_OK;
}

/* What a new member is told besides the tree: history, and the keys of the queue. */
static enum dt_err
part_group_info(struct dt_agent *a, const struct dt_channel *ch, bool new_queue, struct making *m,
                struct mls_commit_opts *opts)
{
    DT_CLEANUP(dt_queue_ext_clear)
    struct dt_queue_ext q = {.begun_ms = ch->queue_begun_ms, .begins_here = new_queue};
    enum dt_err err;

    memcpy(q.queue_token, ch->queue_token, 32);
    if (new_queue)
        q.begun_ms = dt_agent_now(a);
    else if ((err = dt_queue_keys_set(&q.keys, dt_secret_view(&ch->queue.bytes))) != DT_OK)
        return err;
    if ((err = dt_history_ext(ch, dt_buf_view(&m->warrants), &m->history)) != DT_OK ||
        (err = dt_queue_ext_encode(&q, &m->queue)) != DT_OK)
        return err;
    m->info[0] = (struct mls_typed){DT_EXT_HISTORY, dt_buf_view(&m->history)};
    m->info[1] = (struct mls_typed){DT_EXT_QUEUE, dt_buf_view(&m->queue)};
    opts->group_info_extensions = (struct mls_typed_list){m->info, 2};
    return DT_OK;
}

static enum dt_err
part_add(struct dt_agent *a, const struct dt_channel *ch, const struct dt_intent *intent,
         struct making *m, struct mls_commit_opts *opts)
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    struct dt_warrant w = {.n_grounds = 1};
    uint32_t leaf = 0;
    enum dt_err err = dt_admission_load(a, intent->id, &m->admission);

    if (err != DT_OK)
        return dt_fail_context(dt_err_is_local(err) ? err : DT_ERR_STATE, "admission");
    if (dt_seat_find(ch->group, m->admission.request_id, &leaf))
        return dt_fail(DT_ERR_STATE, "the admission is done already");
    w.grounds[0].kind = DT_GROUND_ADD;
    memcpy(w.grounds[0].invitation_id, m->admission.request_id, 16);
    memcpy(w.grounds[0].letter_hash, m->admission.letter_hash, 32);
    w.grounds[0].body = dt_buf_view(&m->admission.approvals);
    m->add = dt_buf_view(&m->admission.key_package);
    if ((err = dt_key_package_check(a, &rules, m->add, m->admission.letter_hash,
                                    m->admission.request_id)) != DT_OK ||
        (err = dt_approvals_stand(a, w.grounds[0].body)) != DT_OK ||
        (err = dt_warrant_encode(&w, &m->warrant)) != DT_OK ||
        (err = part_warrant(a, ch, m, opts)) != DT_OK ||
        (err = part_group_info(a, ch, false, m, opts)) != DT_OK)
        return err;
    opts->adds = &m->add;
    opts->n_adds = 1;
    opts->lifetime = dt_mls_lifetime(a);
    return DT_OK;
}

static enum dt_err
part_remove(struct dt_agent *a, const struct dt_channel *ch, const struct dt_intent *intent,
            struct making *m, struct mls_commit_opts *opts)
{
    struct dt_warrant w;
    enum dt_err err;

    if ((err = dt_warrant_decode(dt_buf_view(&intent->body), &w)) != DT_OK)
        return err;
    if (!dt_seat_find(ch->group, w.grounds[0].invitation_id, &m->remove))
        return dt_fail(DT_ERR_STATE, "the member is removed already");
    if ((err = dt_buf_set(&m->warrant, dt_buf_view(&intent->body))) != DT_OK ||
        (err = part_warrant(a, ch, m, opts)) != DT_OK)
        return err;
    opts->removes = &m->remove;
    opts->n_removes = 1;
    return DT_OK;
}

static enum dt_err
part_rejoin(struct dt_agent *a, const struct dt_channel *ch, const struct dt_intent *intent,
            struct making *m, struct mls_commit_opts *opts)
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    struct dt_warrant w = {.n_grounds = 1};
    struct dt_rejoin q;
    enum dt_err err = dt_rejoin_row_load(a, intent->id, &m->rejoin);

    if (err != DT_OK || (err = dt_rejoin_decode(dt_buf_view(&m->rejoin.request), &q)) != DT_OK)
        return dt_fail_context(dt_err_is_local(err) ? err : DT_ERR_STATE, "re-join");
    if (!dt_seat_find(ch->group, q.old_invitation_id, &m->remove))
        return dt_fail(DT_ERR_STATE, "the member has re-joined already");
    w.grounds[0].kind = DT_GROUND_REJOIN;
    memcpy(w.grounds[0].invitation_id, q.invitation_id, 16);
    memcpy(w.grounds[0].letter_hash, q.letter_hash, 32);
    w.grounds[0].body = dt_buf_view(&m->rejoin.request);
    m->add = dt_buf_view(&m->rejoin.key_package);
    if ((err = dt_key_package_check(a, &rules, m->add, q.letter_hash, q.invitation_id)) != DT_OK ||
        (err = dt_warrant_encode(&w, &m->warrant)) != DT_OK ||
        (err = part_warrant(a, ch, m, opts)) != DT_OK ||
        (err = part_group_info(a, ch, true, m, opts)) != DT_OK)
        return err;
    opts->removes = &m->remove;
    opts->n_removes = 1;
    opts->adds = &m->add;
    opts->n_adds = 1;
    opts->lifetime = dt_mls_lifetime(a);
    return DT_OK;
}

/* The key goes in with a new session key of ours, as every path of ours could. */
static enum dt_err
part_courier(struct dt_agent *a, const struct dt_channel *ch, const struct dt_intent *intent,
             struct making *m, struct mls_commit_opts *opts)
{
    enum dt_err err;

    if ((err = dt_courier_warrant(a, ch, intent, m->courier_id, &m->warrant)) != DT_OK ||
        (err = dt_agent_courier_key(a, ch->group_id, m->courier_id, &m->courier)) != DT_OK ||
        (err = part_warrant(a, ch, m, opts)) != DT_OK)
        return err;
    m->psk =
        (struct mls_psk){.id = dt_view_of(m->courier_id), .value = dt_secret_view(&m->courier)};
    opts->psks = (struct mls_psk_list){&m->psk, 1};
    return part_rotation(a, ch, m, opts);
}

enum dt_err
dt_commit_make(struct dt_agent *a, struct dt_channel *ch, const struct dt_intent *intent)
{
    static const uint8_t new_queue[1] = {DT_COMMIT_NEW_QUEUE};
    struct making m DT_CLEANUP(making_clear);
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
    struct dt_rules rules = dt_channel_rules(a, ch);
    struct mls_commit_opts opts = {.force_path = true};
    struct dt_commit_meaning meaning;
    enum dt_err err = DT_ERR_INTERNAL;

    making_init(&m);
    switch (intent->kind) {
    case DT_INTENT_QUEUE:
        /* Every member wanted one on the same day; whose Commit came first has seen to it. */
        if (dt_agent_now(a) < ch->queue_begun_ms + DT_QUEUE_LIFE_MS)
            return dt_fail(DT_ERR_STATE, "the queue is new already");
        opts.authenticated_data = dt_view_of(new_queue);
        err = part_rotation(a, ch, &m, &opts);
        break;
    case DT_INTENT_ROTATE:
        err = part_rotation(a, ch, &m, &opts);
        break;
    case DT_INTENT_ADD:
        if ((err = part_add(a, ch, intent, &m, &opts)) == DT_OK)
            err = part_rotation_too(a, ch, &m, &opts);
        break;
    case DT_INTENT_REMOVE:
        if ((err = part_remove(a, ch, intent, &m, &opts)) == DT_OK)
            err = part_rotation_too(a, ch, &m, &opts);
        break;
    case DT_INTENT_REJOIN:
        if ((err = part_rejoin(a, ch, intent, &m, &opts)) == DT_OK)
            err = part_rotation_too(a, ch, &m, &opts);
        break;
    case DT_INTENT_COURIER:
        err = part_courier(a, ch, intent, &m, &opts);
        break;
    case DT_INTENT_PAYLOAD:
        break;
    }
    if (err != DT_OK || (err = mls_group_commit(ch->group, &opts, &out)) != DT_OK)
        return err;
    /* A Welcome that is too long for an inbox would leave its addressee with a seat and no way in.
     */
    if (opts.n_adds > 0 && out.welcome.n > DT_WELCOME_MAX)
        return dt_fail(DT_ERR_LIMIT,
                       "a Welcome of %zu bytes: the channel's history is too long to add anyone; "
                       "found it anew",
                       out.welcome.n);
    /* What others would pass over is not sent. */
    err = dt_commit_check(&rules, ch->group, mls_group_pending_effects(ch->group), &meaning);
    if (err == DT_OK)
        err = dt_outbox_to_queue(a, ch, DT_OUTBOX_COMMIT, intent->id, dt_buf_view(&out.commit),
                                 dt_view(NULL, 0), ch->pending_append);
    if (err != DT_OK)
        return err;
    ch->pending = true;
    ch->pending_kind = intent->kind;
    memcpy(ch->pending_intent, intent->id, 16);
    return DT_OK;
}
