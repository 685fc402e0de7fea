/*
 * tests/agent/misbehave_commits.c - Commits that break the rules; see misbehave.h.
 */
#include <string.h>

#include "base/mem.h"
#include "misbehave.h"
#include "mls/group_internal.h"
#include "mls/label.h"

/* ---- adding without the right approvals ---- */

/* Add ${x} with the approvals ${approvals}. */
static enum dt_err
add_with(struct mb *m, const struct dt_admission *x, struct dt_view approvals)
{
    DT_CLEANUP(mb_warrant_clear) struct mb_warrant warrant = {0};
    struct dt_view add = dt_buf_view(&x->key_package);
    struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};
    struct dt_warrant w = mb_add_ground(x, approvals);
    enum dt_err err;

    opts.lifetime = dt_mls_lifetime(m->a);
    err = mb_use_warrant(m, &w, &warrant, &opts);
    return err == DT_OK ? mb_commit(m, &opts) : err;
}

enum dt_err
mb_without_warrant(struct mb *m)
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    struct mls_commit_opts opts = {.n_adds = 1, .force_path = true};
    struct dt_view add;
    enum dt_err err = mb_admission(m, m->gid, 0, &x);

    add = dt_buf_view(&x.key_package);
    opts.adds = &add;
    opts.lifetime = dt_mls_lifetime(m->a);
    return err == DT_OK ? mb_commit(m, &opts) : err;
}

static enum dt_err
own_approval(struct mb *m, const struct dt_admission *x, struct dt_approval *out)
{
    struct dt_view rest = dt_buf_view(&x->approvals);
    enum dt_err err;

    while ((err = dt_approvals_next(&rest, out)) == DT_OK)
        if (out->party == m->a->party)
            return DT_OK;
    return err;
}

/* Add with our own approval, ${times} times; ${forge}: in the name of each party, ${root}: and as
 * if by its root. */
static enum dt_err
add_alone(struct mb *m, unsigned int times, bool forge, bool root)
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf approvals = DT_BUF_INIT(1u << 18);
    struct dt_approval v;
    enum dt_err err;

    if ((err = mb_admission(m, m->gid, 0, &x)) != DT_OK || (err = own_approval(m, &x, &v)) != DT_OK)
        return err;
    for (unsigned int i = 0; i < times; i++) {
        struct dt_approval one = v;

        if (forge) {
            one.party = (uint8_t)i;
            one.by_root = root && one.party != v.party;
            one.letter = one.by_root ? dt_view(NULL, 0) : v.letter;
            if ((err = dt_approval_sign(&one, dt_secret_view(&m->a->delegate_seed))) != DT_OK)
                return err;
        }
        if ((err = dt_approvals_add(&approvals, &one)) != DT_OK)
            return err;
    }
    return add_with(m, &x, dt_buf_view(&approvals));
}

enum dt_err
mb_own_approval_only(struct mb *m)
{
    return add_alone(m, 1, false, false);
}

enum dt_err
mb_one_approval_thrice(struct mb *m)
{
    return add_alone(m, 3, false, false);
}

enum dt_err
mb_forged_approvals(struct mb *m)
{
    return add_alone(m, 3, true, false);
}

enum dt_err
mb_forged_root_approvals(struct mb *m)
{
    return add_alone(m, 3, true, true);
}

enum dt_err
mb_approvals_of_another_invitation(struct mb *m)
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    DT_CLEANUP(dt_admission_clear) struct dt_admission other = {0};
    enum dt_err err;

    if ((err = mb_admission(m, m->gid, 0, &x)) != DT_OK ||
        (err = mb_admission(m, m->gid, 1, &other)) != DT_OK)
        return err;
    return add_with(m, &x, dt_buf_view(&other.approvals));
}

enum dt_err
mb_approvals_of_another_channel(struct mb *m, const uint8_t other[static 32])
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    DT_CLEANUP(dt_admission_clear) struct dt_admission y = {0};
    enum dt_err err;

    if ((err = mb_admission(m, m->gid, 0, &x)) != DT_OK ||
        (err = mb_admission(m, other, 0, &y)) != DT_OK)
        return err;
    return add_with(m, &x, dt_buf_view(&y.approvals));
}

enum dt_err
mb_approvals_as_they_are(struct mb *m)
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    DT_CLEANUP(mb_warrant_clear) struct mb_warrant warrant = {0};
    struct mls_commit_opts opts = {.n_adds = 1, .force_path = true};
    struct dt_warrant w;
    struct dt_view add;
    enum dt_err err = mb_admission(m, m->gid, 0, &x);

    if (err != DT_OK)
        return err;
    w = mb_add_ground(&x, dt_buf_view(&x.approvals));
    add = dt_buf_view(&x.key_package);
    opts.adds = &add;
    err = mb_use_warrant(m, &w, &warrant, &opts);
    return err == DT_OK ? mb_commit_follow(m, &opts, NULL) : err;
}

/* Two leaves out of one key package: mls itself would not, so the proposals are signed as they are.
 */
enum dt_err
mb_key_package_twice(struct mb *m)
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    DT_CLEANUP(mls_key_package_unref_p) struct mls_key_package *kp = NULL;
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
    DT_CLEANUP(mls_commit_clear) struct mls_commit c = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_view body;
    enum dt_err err;

    if ((err = mb_admission(m, m->gid, 0, &x)) != DT_OK ||
        (err = mls_message_body(dt_buf_view(&x.key_package), MLS_WIRE_KEY_PACKAGE, &body)) !=
            DT_OK ||
        (err = mls_key_package_parse(body, &kp)) != DT_OK ||
        (err = mls_proposal_new_add(kp, &p)) != DT_OK ||
        (err = mls_commit_add(&c, p, dt_view(NULL, 0))) != DT_OK ||
        (err = mls_commit_add(&c, p, dt_view(NULL, 0))) != DT_OK ||
        (err = mb_signed(m, &c, NULL, &out)) != DT_OK)
        return err;
    return mb_post(m, dt_buf_view(&out));
}

enum dt_err
mb_expel(struct mb *m, const char *name)
{
    DT_CLEANUP(mb_warrant_clear) struct mb_warrant warrant = {0};
    struct dt_warrant w = {.n_grounds = 1};
    struct dt_roster_entry who;
    struct mls_commit_opts opts = {.n_removes = 1, .force_path = true};
    enum dt_err err = mb_member(m, name, &who);

    if (err != DT_OK)
        return err;
    w.grounds[0].kind = DT_GROUND_OWN;
    memcpy(w.grounds[0].invitation_id, who.invitation_id, 16);
    memcpy(w.grounds[0].letter_hash, who.who.letter_hash, 32);
    opts.removes = &who.leaf;
    err = mb_use_warrant(m, &w, &warrant, &opts);
    return err == DT_OK ? mb_commit(m, &opts) : err;
}

/* ---- our own leaf ---- */

/* A session key under ${letter} of ${by}, with the serial that comes next in our seat. */
struct seat {
    uint8_t seed[32];
    uint8_t pub[32];
    struct dt_buf identity;
};

static void
seat_clear(struct seat *s)
{
    dt_buf_clear(&s->identity);
}

static enum dt_err
seat_make(struct mb *m, struct dt_agent *by, uint64_t not_before_ms, uint64_t not_after_ms,
          struct seat *out)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
    struct dt_voucher v = {.not_before_ms = not_before_ms, .not_after_ms = not_after_ms};
    enum dt_err err;

    dt_buf_init(&out->identity, DT_LETTER_MAX + DT_VOUCHER_MAX + 16u);
    if ((err = mb_own_seat(m, &own)) != DT_OK || (err = dt_random(out->seed, 32)) != DT_OK ||
        (err = dt_ed25519_pub(dt_view_of(out->seed), out->pub)) != DT_OK)
        return err;
    v.serial = own.voucher.serial + 1;
    memcpy(v.forum, by->forum, 32);
    memcpy(v.group_id, m->gid, 32);
    memcpy(v.letter_hash, by->letter.hash, 32);
    memcpy(v.session_key, out->pub, 32);
    memcpy(v.invitation_id, own.voucher.invitation_id, 16);
    err = dt_voucher_sign(&v, dt_secret_view(&by->delegate_seed));
    return err == DT_OK ? dt_credential_encode(dt_buf_view(&by->letter_bytes), &v, &out->identity)
                        : err;
}

static enum dt_err
rotate(struct mb *m, struct dt_agent *by, uint64_t not_before_ms, uint64_t not_after_ms,
       bool follow)
{
    DT_CLEANUP(seat_clear) struct seat s = {0};
    struct mls_commit_opts opts = {.force_path = true};
    enum dt_err err = seat_make(m, by, not_before_ms, not_after_ms, &s);

    if (err != DT_OK)
        return err;
    opts.new_signature_priv = dt_view_of(s.seed);
    opts.new_signature_pub = dt_view_of(s.pub);
    opts.new_identity = dt_buf_view(&s.identity);
    return follow ? mb_commit_follow(m, &opts, NULL) : mb_commit(m, &opts);
}

enum dt_err
mb_colleagues_letter(struct mb *m, struct dt_agent *colleague)
{
    uint64_t now = dt_agent_now(m->a);

    return rotate(m, colleague, now, now + DT_MS_DAY, false);
}

enum dt_err
mb_expired_voucher(struct mb *m)
{
    uint64_t now = dt_agent_now(m->a);

    return rotate(m, m->a, now - 3 * DT_MS_DAY, now - DT_MS_DAY, true);
}

/* The leaf that an Update would put in our place, under the colleague's letter. */
static enum dt_err
leaf_make(struct mb *m, struct dt_agent *by, enum mls_leaf_source source,
          struct mls_leaf_node **out, uint8_t seed[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    DT_CLEANUP(seat_clear) struct seat s = {0};
    struct mls_leaf_fields f;
    uint64_t now = dt_agent_now(m->a);
    uint8_t pub[32];
    uint32_t own;
    enum dt_err err;

    if ((err = dt_channel_load(m->a, m->gid, &ch)) != DT_OK ||
        (err = seat_make(m, by, now, now + DT_MS_DAY, &s)) != DT_OK ||
        (err = dt_x25519_new(&priv, pub)) != DT_OK)
        return err;
    own = mls_group_own_leaf(ch.group);
    mls_leaf_fields_from(&f, mls_tree_leaf(&ch.group->tree, own));
    f.encryption_key = dt_view_of(pub);
    f.signature_key = dt_view_of(s.pub);
    f.credential.identity = dt_buf_view(&s.identity);
    f.source = source;
    memcpy(seed, s.seed, 32);
    return mls_leaf_node_new(ch.group->suite, &f, dt_view_of(s.seed), ch.group->context.group_id,
                             own, out);
}

enum dt_err
mb_update_proposal(struct mb *m, struct dt_agent *colleague)
{
    DT_CLEANUP(mls_leaf_node_unref_p) struct mls_leaf_node *leaf = NULL;
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);
    uint8_t seed[32];
    enum dt_err err;

    if ((err = leaf_make(m, colleague, MLS_LEAF_UPDATE, &leaf, seed)) != DT_OK ||
        (err = mls_proposal_new_update(leaf, &p)) != DT_OK ||
        (err = mb_signed(m, NULL, p, &out)) != DT_OK)
        return err;
    return mb_post(m, dt_buf_view(&out));
}

/* ---- Commits from outside ---- */

static enum dt_err
external_init(struct mls_commit *c)
{
    static const uint8_t kem_output[] = {1, 'k'};
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
    enum dt_err err = mls_proposal_parse_body(6, dt_view_of(kem_output), &p);

    return err == DT_OK ? mls_commit_add(c, p, dt_view(NULL, 0)) : err;
}

enum dt_err
mb_external_init(struct mb *m)
{
    DT_CLEANUP(mls_commit_clear) struct mls_commit c = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);
    enum dt_err err;

    if ((err = external_init(&c)) != DT_OK || (err = mb_signed(m, &c, NULL, &out)) != DT_OK)
        return err;
    return mb_post(m, dt_buf_view(&out));
}

/* RFC 9420 section 12.4.3.2: a PublicMessage of a new member, signed by the key in its path's leaf.
 */
enum dt_err
mb_external_commit(struct mb *m)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(mls_commit_clear) struct mls_commit c = {0};
    DT_CLEANUP(mls_leaf_node_unref_p) struct mls_leaf_node *leaf = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf content = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf tbs = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf signature = DT_BUF_INIT(256);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);
    static const uint8_t tag[32];
    struct dt_writer w = dt_writer_init(&path);
    struct dt_reader r;
    uint8_t seed[32];
    enum dt_err err;

    if ((err = external_init(&c)) != DT_OK || (err = dt_channel_load(m->a, m->gid, &ch)) != DT_OK ||
        (err = leaf_make(m, m->a, MLS_LEAF_COMMIT, &leaf, seed)) != DT_OK)
        return err;
    mls_leaf_node_write(&w, leaf);
    dt_write_vec(&w, dt_view(NULL, 0));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&path));
    if ((err = mls_update_path_read(&r, &c.path)) != DT_OK)
        return err;
    w = dt_writer_init(&content);
    dt_write_vec(&w, ch.group->context.group_id);
    dt_write_u64(&w, ch.group->context.epoch);
    dt_write_u8(&w, MLS_SENDER_NEW_MEMBER_COMMIT);
    dt_write_vec(&w, dt_view(NULL, 0));
    dt_write_u8(&w, MLS_CONTENT_COMMIT);
    mls_commit_write(&w, &c);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    w = dt_writer_init(&tbs);
    dt_write_u16(&w, 1);
    dt_write_u16(&w, MLS_WIRE_PUBLIC_MESSAGE);
    dt_write_view(&w, dt_buf_view(&content));
    dt_write_view(&w, dt_buf_view(&ch.group->context.raw));
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = mls_sign_with_label(ch.group->suite, dt_view_of(seed), "FramedContentTBS",
                                   dt_buf_view(&tbs), &signature)) != DT_OK)
        return err;
    w = dt_writer_init(&out);
    mls_message_write(&w, MLS_WIRE_PUBLIC_MESSAGE);
    dt_write_view(&w, dt_buf_view(&content));
    dt_write_vec(&w, dt_buf_view(&signature));
    dt_write_vec(&w, dt_view_of(tag));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return mb_post(m, dt_buf_view(&out));
}

/* ---- much of it ---- */

/* Proposals to remove leaf ${leaf}, ${n} of them in one Commit. */
static enum dt_err
removals(struct mb *m, uint32_t leaf, unsigned int n)
{
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
    DT_CLEANUP(mls_commit_clear) struct mls_commit c = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);
    enum dt_err err = mls_proposal_new_remove(leaf, &p);

    if (err != DT_OK)
        return err;
    c.proposals = dt_alloc(n, sizeof *c.proposals); /* mls_commit_add() has a most */
    if (c.proposals == NULL)
        return dt_nomem();
    for (c.n = 0; c.n < n; c.n++)
        c.proposals[c.n] = (struct mls_proposal_or_ref){.proposal = mls_proposal_ref(p)};
    err = mb_signed(m, &c, NULL, &out);
    return err == DT_OK ? mb_post(m, dt_buf_view(&out)) : err;
}

enum dt_err
mb_garbage_commits(struct mb *m, unsigned int n)
{
    static const struct mls_psk psk = {.id = {(const uint8_t *)"k", 1},
                                       .value = {(const uint8_t *)"0123456789abcdef", 16}};
    static const uint8_t aad[] = {2};
    enum dt_err err = DT_OK;

    for (unsigned int i = 0; err == DT_OK && i < n; i++) {
        struct mls_commit_opts opts = {.force_path = true};

        switch (i % 4) {
        case 0: /* each for another reason */
            err = removals(m, 1000 + i, 1);
            break;
        case 1:
            opts.authenticated_data = dt_view_of(aad);
            err = mb_commit(m, &opts);
            break;
        case 2:
            opts.psks = (struct mls_psk_list){&psk, 1};
            err = mb_commit(m, &opts);
            break;
        default: /* no proposal and no path */
            err = removals(m, 0, 0);
        }
    }
    return err;
}

enum dt_err
mb_proposals(struct mb *m, unsigned int n)
{
    return removals(m, 0, n);
}

enum dt_err
mb_lone_proposals(struct mb *m, unsigned int n)
{
    enum dt_err err = DT_OK;

    for (unsigned int i = 0; err == DT_OK && i < n; i++) {
        DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
        DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);

        if ((err = mls_proposal_new_remove(0, &p)) == DT_OK &&
            (err = mb_signed(m, NULL, p, &out)) == DT_OK)
            err = mb_post(m, dt_buf_view(&out));
    }
    return err;
}

/* A piece of talk, "padded", with ${n} zero bytes behind it inside MLS. What no legal cell holds is
 * offered to the relay as a cell that is not legal. */
enum dt_err
mb_padding(struct mb *m, size_t n)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_payload p = {.kind = DT_PAYLOAD_TALK,
                           .media_type = dt_view_str("text/plain"),
                           .data = dt_view_str("padded")};
    enum dt_err err;

    if ((err = dt_random(p.id, sizeof p.id)) != DT_OK ||
        (err = dt_payload_encode(&p, &body)) != DT_OK ||
        (err = dt_store_begin(m->a->store)) != DT_OK)
        return err;
    err = dt_channel_load(m->a, m->gid, &ch);
    if (err == DT_OK)
        err = mls_group_protect(ch.group, dt_view(NULL, 0), dt_buf_view(&body), n, &out);
    /* What will not be taken uses no generation, or one would seem to be withheld. */
    if (err == DT_OK && out.n < DT_CELL_MAX - 64u)
        err = dt_channel_save(m->a, &ch, false);
    if ((err = dt_store_end(m->a->store, err)) != DT_OK)
        return err;
    return out.n < DT_CELL_MAX - 64u ? mb_post(m, dt_buf_view(&out))
                                     : mb_post_cell(m, dt_buf_view(&out));
}

enum dt_err
mb_path_for_all_but(struct mb *m, uint32_t leaf)
{
    struct mls_commit_opts opts = {.force_path = true};
    enum dt_err err = mb_spoil_paths(m, leaf);

    if (err == DT_OK)
        err = mb_commit_follow(m, &opts, NULL);
    dt_ignore(mb_spoil_paths(m, UINT32_MAX), "nothing can fail");
    return err;
}
