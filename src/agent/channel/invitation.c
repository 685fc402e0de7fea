/*
 * agent/channel/invitation.c - invitations that reached us, and our answers: yes with a key
 * package, or no.
 *
 * Source: docs/protocol-agent.md "Invitation"; DESIGN "Founding a channel".
 *
 *   OPEN --accept--> ACCEPTED (keys made, answer sent) --Welcome checked--> JOINED
 *     \--decline--> DECLINED
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/sync/flows.h"

#define INVITATION_MAX                                                                             \
    (DT_FOUNDING_MAX + (DT_FOUNDING_MEMBERS + 4u) * (DT_LETTER_MAX + 4u) + DT_KEY_PACKAGE_MAX)

void
dt_invitation_clear(struct dt_invitation *x)
{
    if (x == NULL)
        return;
    dt_buf_clear(&x->founding);
    dt_buf_clear(&x->letters);
    dt_buf_clear(&x->key_package);
    dt_secret_clear(&x->session_seed);
    dt_secret_clear(&x->init_priv);
    dt_secret_clear(&x->leaf_priv);
}

static void
init(struct dt_invitation *x)
{
    *x = (struct dt_invitation){0};
    dt_buf_init(&x->founding, DT_FOUNDING_MAX);
    dt_buf_init(&x->letters, INVITATION_MAX);
    dt_buf_init(&x->key_package, DT_KEY_PACKAGE_MAX);
}

static enum dt_err
encode(const struct dt_invitation *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_view(&w, dt_view_of(x->group_id));
    dt_write_u8(&w, (uint8_t)x->state);
    dt_write_optional(&w, x->founding_member);
    dt_write_optional(&w, x->rejoin);
    dt_write_vec(&w, dt_buf_view(&x->founding));
    dt_write_vec(&w, dt_buf_view(&x->letters));
    dt_write_view(&w, dt_view_of(x->from_hash));
    dt_write_vec(&w, dt_secret_view(&x->session_seed));
    dt_write_vec(&w, dt_secret_view(&x->init_priv));
    dt_write_vec(&w, dt_secret_view(&x->leaf_priv));
    dt_write_vec(&w, dt_buf_view(&x->key_package));
    return dt_writer_end(&w);
}

static enum dt_err
decode(struct dt_view v, struct dt_invitation *x)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view founding, letters, session, init_priv, leaf, kp;
    uint8_t state = 0;
    enum dt_err err;

    if ((err = dt_read_fixed(&r, x->group_id, 32)) != DT_OK ||
        (err = dt_read_u8(&r, &state)) != DT_OK ||
        (err = dt_read_optional(&r, &x->founding_member)) != DT_OK ||
        (err = dt_read_optional(&r, &x->rejoin)) != DT_OK ||
        (err = dt_read_vec(&r, DT_FOUNDING_MAX, &founding)) != DT_OK ||
        (err = dt_read_vec(&r, INVITATION_MAX, &letters)) != DT_OK ||
        (err = dt_read_fixed(&r, x->from_hash, 32)) != DT_OK ||
        (err = dt_read_vec(&r, 64, &session)) != DT_OK ||
        (err = dt_read_vec(&r, 128, &init_priv)) != DT_OK ||
        (err = dt_read_vec(&r, 128, &leaf)) != DT_OK ||
        (err = dt_read_vec(&r, DT_KEY_PACKAGE_MAX, &kp)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    x->state = (enum dt_invitation_state)state;
    if ((err = dt_buf_set(&x->founding, founding)) != DT_OK ||
        (err = dt_buf_set(&x->letters, letters)) != DT_OK ||
        (err = dt_buf_set(&x->key_package, kp)) != DT_OK ||
        (err = dt_secret_set(&x->session_seed, session)) != DT_OK ||
        (err = dt_secret_set(&x->init_priv, init_priv)) != DT_OK)
        return err;
    return dt_secret_set(&x->leaf_priv, leaf);
}

enum dt_err
dt_invitation_load(struct dt_agent *a, const uint8_t invitation_id[static 16],
                   struct dt_invitation *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(2 * INVITATION_MAX);
    enum dt_err err = dt_store_get_blob(a->store, "invitation", dt_view(invitation_id, 16), &value);

    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_NOT_FOUND, "there is no such invitation");
    if (err != DT_OK)
        return err;
    dt_invitation_clear(out);
    init(out);
    memcpy(out->invitation_id, invitation_id, 16);
    return dt_fail_context(decode(dt_buf_view(&value), out), "invitation");
}

enum dt_err
dt_invitation_save(struct dt_agent *a, const struct dt_invitation *x)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(2 * INVITATION_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf kept = DT_BUF_INIT(8);
    struct dt_writer w = dt_writer_init(&kept);
    struct dt_reader r;
    uint64_t seq = 0;
    enum dt_err err;

    if ((err = encode(x, &value)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    /* The place in the list is drawn once and kept in a row of its own. */
    err = dt_store_get_blob(a->store, "invitation_number", dt_view_of(x->invitation_id), &kept);
    if (err == DT_OK) {
        r = dt_reader_init(dt_buf_view(&kept));
        err = dt_read_u64(&r, &seq);
    } else if (err == DT_ERR_NOT_FOUND &&
               (err = dt_store_next_seq(a->store, "invitation", dt_view(NULL, 0), &seq)) == DT_OK) {
        dt_write_u64(&w, seq);
        if ((err = dt_writer_end(&w)) == DT_OK)
            err = dt_store_put_blob(a->store, "invitation_number", dt_view_of(x->invitation_id),
                                    dt_buf_view(&kept));
    }
    if (err == DT_OK)
        err = dt_store_put(a->store, "invitation", dt_view_of(x->invitation_id), dt_view(NULL, 0),
                           seq, dt_buf_view(&value));
    return dt_store_end(a->store, err);
}

/* ---- receiving ---- */

/* The founding list, its letters and who invites must fit together. */
static enum dt_err
check(struct dt_agent *a, const struct dt_inbox_message *m, const struct dt_founding *f,
      const struct dt_letter *from, bool *out_founding_member)
{
    struct dt_rules rules = {.charter = &a->charter, .forum = a->forum, .founding = f};
    size_t i = dt_founding_find(f, m->invitation_id);
    enum dt_err err = dt_founding_check(&rules, m->letters, m->n_letters);

    if (err != DT_OK)
        return err;
    if (memcmp(f->group_id, m->group_id, 32) != 0)
        return dt_fail(DT_ERR_REFUSED,
                       "an invitation names another channel than its founding list");
    *out_founding_member = i != DT_FOUNDING_MEMBERS;
    if (*out_founding_member) {
        if (memcmp(f->members[i].letter_hash, a->letter.hash, 32) != 0)
            return dt_fail(DT_ERR_REFUSED, "an invitation is for another delegate's letter");
        if (memcmp(f->members[f->founder].letter_hash, from->hash, 32) != 0 ||
            !f->members[f->founder].has_signature)
            return dt_fail(DT_ERR_REFUSED, "a founding list does not come from its founder");
    } else if (!dt_founding_complete(f)) {
        return dt_fail(DT_ERR_REFUSED,
                       "an invitation to a channel whose founding list is not signed");
    } else if (!dt_founding_has_party(f, (uint8_t)a->party)) {
        return dt_fail(DT_ERR_REFUSED, "an invitation to a channel without our party");
    }
    return DT_OK;
}

/* Is the answer that we gave still good? Then its keys stay: whoever can write to this inbox can
 * send an old invitation again, and new keys would make the Welcome to the old ones unreadable. */
static enum dt_err
answer_is_good(struct dt_agent *a, const struct dt_invitation *x, bool *out)
{
    struct mls_key_package_info info;
    struct dt_voucher v;
    struct dt_view letter;
    enum dt_err err;

    *out = false;
    if (x->key_package.n == 0)
        return DT_OK;
    if ((err = mls_key_package_open(dt_buf_view(&x->key_package), &(struct mls_time_policy){0},
                                    &info, NULL)) != DT_OK ||
        (err = dt_credential_decode(info.identity, &letter, &v)) != DT_OK)
        return err;
    /* An hour's difference of clocks is allowed for: the asker may see it expire first. */
    *out = dt_voucher_valid_at(&v, dt_agent_now(a)) &&
           dt_voucher_valid_at(&v, dt_agent_now(a) + DT_MS_HOUR);
    return DT_OK;
}

enum dt_err
dt_invitation_seats(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t since,
                    uint8_t out[static DT_INVITATION_SEATS][16], size_t *out_n)
{
    uint64_t at = since;
    size_t n = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        DT_CLEANUP(dt_invitation_clear) struct dt_invitation x = {0};
        bool good = false;

        if ((err = dt_store_next(a->store, "invitation", dt_view(NULL, 0), at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        init(&x);
        if (row.key.n != 16 || (err = decode(dt_buf_view(&row.value), &x)) != DT_OK)
            return err != DT_OK ? err : dt_fail(DT_ERR_FORMAT, "an invitation row has no id");
        if (memcmp(x.group_id, group_id, 32) != 0 || !x.rejoin ||
            (x.state != DT_INVITATION_ACCEPTED && x.state != DT_INVITATION_JOINED))
            continue;
        if ((err = answer_is_good(a, &x, &good)) != DT_OK)
            return err;
        if (good)
            continue;
        if (n == DT_INVITATION_SEATS) {
            memmove(out[0], out[1], (DT_INVITATION_SEATS - 1) * sizeof out[0]);
            n--;
        }
        memcpy(out[n++], row.key.p, 16);
    }
    *out_n = n;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_invitation_withdraw(struct dt_agent *a, const uint8_t group_id[static 32])
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        DT_CLEANUP(dt_invitation_clear) struct dt_invitation x = {0};

        if ((err = dt_store_next(a->store, "invitation", dt_view(NULL, 0), at, &row)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = row.seq + 1;
        init(&x);
        if (row.key.n != 16 || (err = decode(dt_buf_view(&row.value), &x)) != DT_OK)
            return err != DT_OK ? err : dt_fail(DT_ERR_FORMAT, "an invitation row has no id");
        if (x.state != DT_INVITATION_ACCEPTED || memcmp(x.group_id, group_id, 32) != 0)
            continue;
        memcpy(x.invitation_id, row.key.p, 16);
        x.state = DT_INVITATION_DECLINED;
        dt_secret_clear(&x.session_seed);
        dt_secret_clear(&x.init_priv);
        dt_secret_clear(&x.leaf_priv);
        dt_buf_clear(&x.key_package);
        if ((err = dt_invitation_save(a, &x)) != DT_OK)
            return err;
    }
}

enum dt_err
dt_invitation_take(struct dt_agent *a, const struct dt_inbox_message *m)
{
    DT_CLEANUP(dt_invitation_clear) struct dt_invitation x = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter from = {0};
    struct dt_founding f;
    struct dt_writer w;
    size_t party = 0;
    bool there = false, good = false;
    enum dt_err err;

    init(&x);
    w = dt_writer_init(&x.letters);
    if ((err = dt_agent_need_letter(a)) != DT_OK ||
        (err = dt_founding_decode(m->founding, &f)) != DT_OK ||
        (err = dt_letter_take(a, m->sender_letter, &from, &party)) != DT_OK ||
        (err = dt_letter_check_root(a, &from)) != DT_OK ||
        (err = check(a, m, &f, &from, &x.founding_member)) != DT_OK ||
        (err = dt_store_has(a->store, "invitation", dt_view_of(m->invitation_id), &there)) != DT_OK)
        return err;
    if (there) {
        /* Asked anew: our key package had expired on the way. A yes stays a yes. */
        if ((err = dt_invitation_load(a, m->invitation_id, &x)) != DT_OK ||
            x.state != DT_INVITATION_ACCEPTED || memcmp(x.from_hash, from.hash, 32) != 0 ||
            (err = answer_is_good(a, &x, &good)) != DT_OK || good)
            return err;
        return dt_invitation_answer(a, &x);
    }
    memcpy(x.invitation_id, m->invitation_id, 16);
    memcpy(x.group_id, m->group_id, 32);
    memcpy(x.from_hash, from.hash, 32);
    x.state = DT_INVITATION_OPEN;
    for (size_t i = 0; i < m->n_letters; i++)
        dt_write_vec(&w, m->letters[i]);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_buf_set(&x.founding, m->founding)) != DT_OK ||
        (err = dt_letter_keep(a, &from, party, m->sender_letter)) != DT_OK)
        return err;
    for (size_t i = 0; i < m->n_letters; i++) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};

        if ((err = dt_letter_take(a, m->letters[i], &l, &party)) != DT_OK ||
            (err = dt_letter_check_root(a, &l)) != DT_OK ||
            (err = dt_letter_keep(a, &l, party, m->letters[i])) != DT_OK)
            return err;
    }
    return dt_invitation_save(a, &x);
}

/* ---- answering ---- */

enum dt_err
dt_invitation_answer(struct dt_agent *a, struct dt_invitation *x)
{
    DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
    DT_CLEANUP(mls_key_bundle_clear) struct mls_key_bundle bundle = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
    struct dt_inbox_message m = {.kind = DT_INBOX_KEY_PACKAGE,
                                 .sender_letter = dt_buf_view(&a->letter_bytes)};
    struct mls_leaf_params leaf;
    enum dt_err err;

    if ((err = dt_session_new(a, x->group_id, x->invitation_id, &s)) != DT_OK)
        return err;
    leaf = dt_session_leaf(&s);
    dt_buf_clear(&x->key_package);
    if ((err = mls_key_package_new(&leaf, s.voucher.not_before_ms / 1000,
                                   s.voucher.not_after_ms / 1000, (struct mls_typed_list){0},
                                   &x->key_package, &bundle)) != DT_OK)
        return err;
    dt_secret_move(&x->session_seed, &s.seed);
    dt_secret_move(&x->init_priv, &bundle.init_priv);
    dt_secret_move(&x->leaf_priv, &bundle.leaf_priv);
    memcpy(m.group_id, x->group_id, 32);
    memcpy(m.invitation_id, x->invitation_id, 16);
    m.key_package = dt_buf_view(&x->key_package);
    if ((err = dt_letter_load(a, x->from_hash, &to, NULL, NULL)) != DT_OK ||
        (err = dt_outbox_to_inbox(a, &to, &m)) != DT_OK)
        return err;
    return dt_invitation_save(a, x);
}

static enum dt_err
sign_list(struct dt_agent *a, const struct dt_invitation *x)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
    struct dt_inbox_message m = {.kind = DT_INBOX_FOUNDING_SIGNATURE};
    struct dt_founding f;
    size_t i;
    enum dt_err err = dt_founding_decode(dt_buf_view(&x->founding), &f);

    if (err != DT_OK)
        return err;
    i = dt_founding_find(&f, x->invitation_id);
    if ((err = dt_founding_sign(&f, i, dt_secret_view(&a->delegate_seed))) != DT_OK ||
        (err = dt_letter_load(a, x->from_hash, &to, NULL, NULL)) != DT_OK)
        return err;
    memcpy(m.group_id, x->group_id, 32);
    m.member = (uint8_t)i;
    memcpy(m.signature, f.members[i].signature, 64);
    return dt_outbox_to_inbox(a, &to, &m);
}

static enum dt_err
accept(struct dt_agent *a, const uint8_t invitation_id[static 16])
{
    DT_CLEANUP(dt_invitation_clear) struct dt_invitation x = {0};
    enum dt_err err = dt_invitation_load(a, invitation_id, &x);

    if (err != DT_OK)
        return err;
    if (x.state != DT_INVITATION_OPEN)
        return dt_fail(DT_ERR_STATE, "the invitation was answered already");
    x.state = DT_INVITATION_ACCEPTED;
    if (x.founding_member && (err = sign_list(a, &x)) != DT_OK)
        return err;
    return dt_invitation_answer(a, &x);
}

enum dt_err
dt_agent_invitation_accept(struct dt_agent *a, const uint8_t invitation_id[static 16])
{
    enum dt_err err;

    if ((err = dt_agent_need_letter(a)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, accept(a, invitation_id));
}

enum dt_err
dt_agent_invitation_decline(struct dt_agent *a, const uint8_t invitation_id[static 16])
{
    DT_CLEANUP(dt_invitation_clear) struct dt_invitation x = {0};
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_invitation_load(a, invitation_id, &x)) == DT_OK) {
        if (x.state != DT_INVITATION_OPEN)
            err = dt_fail(DT_ERR_STATE, "the invitation was answered already");
        x.state = DT_INVITATION_DECLINED;
    }
    if (err == DT_OK)
        err = dt_invitation_save(a, &x);
    return dt_store_end(a->store, err);
}

/* ---- listing ---- */

static enum dt_err
describe(struct dt_agent *a, const struct dt_invitation *x, struct dt_invitation_info *out)
{
    struct dt_view letters[DT_FOUNDING_MEMBERS];
    DT_CLEANUP(dt_letter_clear) struct dt_letter from = {0};
    struct dt_founding f;
    size_t n = 0, party = 0;
    enum dt_err err;

    if ((err = dt_founding_decode(dt_buf_view(&x->founding), &f)) != DT_OK ||
        (err = dt_letters_split(dt_buf_view(&x->letters), letters, &n)) != DT_OK ||
        (err = dt_letter_load(a, x->from_hash, &from, &party, NULL)) != DT_OK)
        return err;
    *out = (struct dt_invitation_info){.state = x->state,
                                       .founding = x->founding_member,
                                       .kind = f.kind,
                                       .n_people = n,
                                       .destroy_after_ms = f.destroy_after_ms};
    memcpy(out->group_id, x->group_id, 32);
    memcpy(out->invitation_id, x->invitation_id, 16);
    memcpy(out->channel_name, f.name, sizeof out->channel_name);
    dt_person_from(a, &from, party, &out->from);
    for (size_t i = 0; i < n; i++) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};

        if ((err = dt_letter_take(a, letters[i], &l, &party)) != DT_OK)
            return err;
        dt_person_from(a, &l, party, &out->people[i]);
    }
    return DT_OK;
}

enum dt_err
dt_agent_invitations(struct dt_agent *a, struct dt_invitation_info **out, size_t *out_n)
{
    struct dt_invitation_info *v = NULL;
    size_t n = 0;
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        DT_CLEANUP(dt_invitation_clear) struct dt_invitation x;
        struct dt_invitation_info *grown;

        init(&x);
        if ((err = dt_store_next(a->store, "invitation", dt_view(NULL, 0), at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        if (row.key.n != 16 || (err = decode(dt_buf_view(&row.value), &x)) != DT_OK)
            break;
        if (x.rejoin)
            continue; /* our own request: no one invited us */
        memcpy(x.invitation_id, row.key.p, 16);
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
        return err == DT_OK ? dt_fail(DT_ERR_FORMAT, "an invitation row has no id") : err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}
