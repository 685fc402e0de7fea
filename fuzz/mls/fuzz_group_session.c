/*
 * fuzz/mls/fuzz_group_session.c - three members of a group from a saved state, and two outsiders: a
 * program of messages, Commits, joins and Commits whose content was altered before it was signed.
 * Who is not in, or lost the thread, comes in by an external Commit or proposes from outside.
 *
 * A step is four bytes: what and by whom, and three that say how. What one member takes in, the
 * others take in or know that they lost it: nobody is led to another epoch. What is refused changes
 * nothing; what was taken saves, loads and saves as the same bytes. No key
 * of a ratchet is used for two messages.
 */
#include <string.h>

#include "craft.h"

#define MEMBERS   3
#define PEOPLE    5
#define STEPS_MAX 12
#define EXT       0xf7a0u
#define PRIVATE   0xf7a1u

struct person {
    struct dt_secret sig;
    uint8_t pub[32];
    struct dt_buf kp;
    struct mls_key_bundle bundle;
    struct dt_buf saved; /* of a member, in the beginning */
};

enum step {
    TALK,
    PROPOSE,
    COMMIT,
    COMMIT_TWO, /* two members commit; the first counts */
    ALTERED,    /* a Commit whose content is altered before it is signed */
    ALTERED_TALK,
    FORGOTTEN, /* a Commit is made and not sent */
    AGAIN,     /* the last message comes once more */
    RELOAD,
    N_STEPS
};

/* A key of a sender's ratchet that something was sealed under. */
struct used {
    uint64_t epoch;
    size_t by;
    bool application;
    uint32_t generation;
};

struct session {
    struct mls_group *g[PEOPLE]; /* NULL: not in it */
    bool late[PEOPLE];           /* could not follow a Commit: it takes no part any more */
    struct dt_buf last;
    struct used used[8 * STEPS_MAX]; /* by messages that others took in */
    size_t n_used;
};

static struct person people[PEOPLE];
static const char *const names[PEOPLE] = {"ada", "bob", "cyd", "dan", "eva"};
static const uint16_t ext_types[] = {EXT};
static const uint16_t prop_types[] = {PRIVATE};
static const struct mls_psk psk = {.id = {(const uint8_t *)"psk", 3},
                                   .value = {(const uint8_t *)"value", 5}};

static void
must(bool good)
{
    if (!good) {
        (void)fprintf(stderr, "%s: %s\n", dt_err_place(), dt_err_message());
        abort();
    }
}

/* ---- the beginning ---- */

static struct mls_leaf_params
leaf_of(const struct person *p, const char *name)
{
    return (struct mls_leaf_params){.suite = 1,
                                    .signature_priv = dt_secret_view(&p->sig),
                                    .signature_pub = dt_view_of(p->pub),
                                    .identity = dt_view_str(name),
                                    .extension_types = {ext_types, 1},
                                    .proposal_types = {prop_types, 1}};
}

static void
follow(struct mls_group *g, struct dt_view commit)
{
    struct mls_event e = {0};

    must(mls_group_process(g, (struct mls_psk_list){0}, commit, &e) == DT_OK);
    must(mls_group_take(g, e.staged, 1) == DT_OK);
    e.staged = NULL;
    mls_event_clear(&e);
}

static enum dt_err
join(size_t who, struct dt_view welcome, struct mls_group **out)
{
    struct mls_join_params j = {.welcome = welcome,
                                .key_package = dt_buf_view(&people[who].kp),
                                .bundle = &people[who].bundle,
                                .signature_priv = dt_secret_view(&people[who].sig),
                                .psks = {&psk, 1},
                                .policy = {.past_epochs = 2, .outside = MLS_OUTSIDE_ALL}};

    return mls_group_join(&j, out, NULL);
}

/* external_senders with the last of the people. */
static struct dt_view
external_senders(uint8_t out[static 64])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64);
    struct dt_writer w = dt_writer_init(&b);
    size_t mark = dt_write_vec_begin(&w);

    dt_write_vec(&w, dt_view_of(people[PEOPLE - 1].pub));
    dt_write_u16(&w, MLS_CREDENTIAL_BASIC);
    dt_write_vec(&w, dt_view_str(names[PEOPLE - 1]));
    dt_write_vec_end(&w, mark);
    must(dt_writer_end(&w) == DT_OK);
    memcpy(out, b.p, b.n);
    return dt_view(out, b.n);
}

static void
set_up(void)
{
    struct mls_typed extensions[] = {{EXT, dt_view_str("forum")}, {MLS_EXT_EXTERNAL_SENDERS, {0}}};
    uint8_t senders[64];
    struct mls_group_params params = {.group_id = dt_view_str("session"),
                                      .extensions = {extensions, 2},
                                      .required_extensions = {ext_types, 1},
                                      .required_proposals = {prop_types, 1},
                                      .not_after_s = 4000000000u,
                                      .policy = {.past_epochs = 2, .outside = MLS_OUTSIDE_ALL}};
    struct mls_group *g[MEMBERS] = {NULL};

    for (size_t i = 0; i < PEOPLE; i++) {
        struct mls_leaf_params leaf;

        must(dt_ed25519_new(&people[i].sig, people[i].pub) == DT_OK);
        dt_buf_init(&people[i].kp, MLS_MESSAGE_MAX);
        leaf = leaf_of(&people[i], names[i]);
        must(mls_key_package_new(&leaf, 0, 4000000000u, (struct mls_typed_list){NULL, 0},
                                 &people[i].kp, &people[i].bundle) == DT_OK);
    }
    extensions[1].body = external_senders(senders);
    params.leaf = leaf_of(&people[0], names[0]);
    must(mls_group_create(&params, &g[0]) == DT_OK);
    for (size_t i = 1; i < MEMBERS; i++) {
        DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
        struct dt_view add = dt_buf_view(&people[i].kp);
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        must(mls_group_commit(g[0], &opts, &out) == DT_OK);
        must(mls_group_take_pending(g[0], 1) == DT_OK);
        for (size_t k = 1; k < i; k++)
            follow(g[k], dt_buf_view(&out.commit));
        must(join(i, dt_buf_view(&out.welcome), &g[i]) == DT_OK);
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        dt_buf_init(&people[i].saved, MLS_GROUP_STATE_MAX);
        must(mls_group_save(g[i], &people[i].saved) == DT_OK);
        mls_group_free(g[i]);
    }
}

/* ---- what holds ---- */

static void
save(const struct mls_group *g, struct dt_buf *out)
{
    must(mls_group_save(g, out) == DT_OK);
}

/* Saved, loaded and saved again it is the same. */
static void
reload(struct mls_group **g)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf one = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf two = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *back = NULL;

    save(*g, &one);
    must(mls_group_load(dt_buf_view(&one), &back) == DT_OK);
    save(back, &two);
    must(dt_view_equal(dt_buf_view(&one), dt_buf_view(&two)));
    mls_group_free(*g);
    *g = back;
}

static bool
in(const struct session *s, size_t who)
{
    return s->g[who] != NULL && !s->late[who];
}

/* All that are in are in the same place. */
static void
check_same(const struct session *s)
{
    const struct mls_group *first = NULL;

    for (size_t i = 0; i < PEOPLE; i++) {
        DT_CLEANUP(dt_secret_clear) struct dt_secret x = {0}, y = {0};

        if (!in(s, i))
            continue;
        if (first == NULL) {
            first = s->g[i];
            continue;
        }
        must(mls_group_epoch(first) == mls_group_epoch(s->g[i]));
        must(dt_view_equal(mls_group_epoch_authenticator(first),
                           mls_group_epoch_authenticator(s->g[i])));
        must(dt_view_equal(mls_group_tree_hash(first), mls_group_tree_hash(s->g[i])));
        must(mls_group_n_members(first) == mls_group_n_members(s->g[i]));
        must(mls_group_export(first, "fuzz", dt_view(NULL, 0), 32, &x) == DT_OK);
        must(mls_group_export(s->g[i], "fuzz", dt_view(NULL, 0), 32, &y) == DT_OK);
        must(dt_ct_equal(dt_secret_view(&x), dt_secret_view(&y)));
    }
}

/* ${message} is refused by ${g}, which stays as it was; or it is not, and this says so. */
static bool
take_in(struct mls_group *g, struct dt_view message, struct mls_event *e)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf before = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf after = DT_BUF_INIT(MLS_GROUP_STATE_MAX);

    save(g, &before);
    if (mls_group_process(g, (struct mls_psk_list){&psk, 1}, message, e) == DT_OK)
        return true;
    save(g, &after);
    must(dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)));
    mls_event_clear(e);
    return false;
}

/* ---- steps ---- */

/* RFC 9420 section 6: version and wire format. */
static bool
is_private(struct dt_view message)
{
    return message.n > 4 && message.p[3] == MLS_WIRE_PRIVATE_MESSAGE;
}

/* ${e}, of a PrivateMessage by ${from}: its key was never used before by an honest member. */
static void
fresh_key(struct session *s, size_t from, const struct mls_event *e)
{
    const struct used u = {e->epoch, from, e->kind == MLS_EVENT_APPLICATION, e->generation};

    for (size_t i = 0; i < s->n_used; i++)
        must(s->used[i].epoch != u.epoch || s->used[i].by != u.by ||
             s->used[i].application != u.application || s->used[i].generation != u.generation);
    must(s->n_used < sizeof s->used / sizeof s->used[0]);
    s->used[s->n_used++] = u;
}

/* ${message} by ${from} reaches everybody else: all take it in or all refuse it. Commits are
 * followed. Returns whether it was taken in. */
static bool
deliver(struct session *s, size_t from, struct dt_view message, struct dt_view plaintext)
{
    bool taken = false, refused = false, recorded = false;

    must(dt_buf_set(&s->last, message) == DT_OK);
    for (size_t i = 0; i < PEOPLE; i++) {
        struct mls_event e = {0};

        if (i == from || !in(s, i))
            continue;
        if (!take_in(s->g[i], message, &e)) {
            refused = true;
            continue;
        }
        must(e.kind != MLS_EVENT_OWN_UNKNOWN && e.kind != MLS_EVENT_FUTURE);
        if (plaintext.p != NULL)
            must(e.kind == MLS_EVENT_APPLICATION &&
                 dt_view_equal(dt_buf_view(&e.plaintext), plaintext));
        /* Who cannot open its part of the path cannot see a wrong tag, for which others refuse it.
         */
        if (!recorded && is_private(message) &&
            (e.kind == MLS_EVENT_APPLICATION || e.kind == MLS_EVENT_PROPOSAL ||
             e.kind == MLS_EVENT_COMMIT)) {
            fresh_key(s, from, &e);
            recorded = true;
        }
        if (e.kind == MLS_EVENT_COMMIT_LOST)
            s->late[i] = true;
        else
            taken = true;
        if (e.kind == MLS_EVENT_COMMIT) {
            must(mls_group_take(s->g[i], e.staged, 1) == DT_OK);
            e.staged = NULL;
            reload(&s->g[i]);
            if (!mls_group_is_member(s->g[i])) {
                mls_group_free(s->g[i]);
                s->g[i] = NULL;
            }
        }
        mls_event_clear(&e);
    }
    must(!taken || !refused);
    return taken;
}

static void
talk(struct session *s, size_t who, const uint8_t how[static 3])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    uint8_t text[256];

    memset(text, how[0], sizeof text);
    if (mls_group_protect(s->g[who], dt_view(how, how[2] % 4), dt_view(text, how[0]), how[1], &m) ==
        DT_OK)
        (void)deliver(s, who, dt_buf_view(&m), dt_view(text, how[0]));
}

static void
propose(struct session *s, size_t who, const uint8_t how[static 3])
{
    static const struct mls_typed forum = {EXT, {(const uint8_t *)"next", 4}};
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_propose_opts o = {
        .kind = (enum mls_proposal_kind)(1 + how[0] % 7),
        .remove = how[1] % 6,
        .add = dt_buf_view(&people[how[1] % PEOPLE].kp),
        .psk = psk,
        .private_use = {how[1] % 8 == 0 ? 0xf7a2u : PRIVATE, dt_view(how, 3)},
        .extensions = {&forum, how[1] % 2},
        .reinit = {dt_view(how, 3), 1, 1, {&forum, 1}},
        .as_public = how[0] >= 128,
        .padding = how[0] >= 128 ? 0 : how[2]};

    if (mls_group_propose(s->g[who], &o, &m) == DT_OK)
        (void)deliver(s, who, dt_buf_view(&m), dt_view(NULL, 0));
}

/* What the bits of ${how} say; what the options point to is static. */
static void
choose(const struct session *s, size_t who, const uint8_t how[static 3], struct mls_commit_opts *o)
{
    static const uint8_t caps[] = {2, 0xf7, 0xa0, 2, 0xf7, 0xa1, 2, 0, 1};
    static struct mls_typed private_use, extensions[2];
    static struct dt_view adds[2];
    static uint32_t removes[2];
    static struct mls_psk psks[2]; /* the second: of the present epoch, which all members hold */

    o->removes = removes;
    o->n_removes = how[0] & 3u;
    o->adds = adds;
    o->n_adds = how[0] >> 2 & 3u;
    if (o->n_removes > 2 || o->n_adds > 2)
        o->n_removes = o->n_adds = 0;
    for (size_t i = 0; i < 2; i++) {
        removes[i] = (how[1] >> 3 * i) % 6;
        adds[i] = dt_buf_view(&people[MEMBERS + (how[1] / 64 + i) % 2].kp);
    }
    private_use = (struct mls_typed){PRIVATE, dt_view_str("w")};
    extensions[0] = (struct mls_typed){3, dt_view_of(caps)};
    extensions[1] = (struct mls_typed){EXT, dt_view_str("more")};
    o->private_use = (struct mls_typed_list){&private_use, how[0] >> 4 & 1};
    o->force_path = (how[0] & 0x20) != 0;
    o->commit_cached = (how[0] & 0x40) != 0;
    if ((how[0] & 0x80) != 0) {
        o->set_extensions = true;
        o->extensions = (struct mls_typed_list){extensions, 2};
    }
    psks[0] = psk;
    psks[1] = (struct mls_psk){
        .id = dt_view_str("session"), .resumption = true, .epoch = mls_group_epoch(s->g[who])};
    if ((how[2] & 1) != 0)
        o->psks = (struct mls_psk_list){psks, how[2] >> 7 != 0 ? 2 : 1};
    o->as_public = how[2] >= 128;
    o->padding = o->as_public ? 0 : how[2] >> 1;
}

/* The author takes its own Commit, and those it added join. */
static void
settle(struct session *s, size_t who, struct dt_view welcome)
{
    struct mls_event e = {0};

    must(mls_group_process(s->g[who], (struct mls_psk_list){&psk, 1}, dt_buf_view(&s->last), &e) ==
             DT_OK &&
         e.kind == MLS_EVENT_OWN_COMMIT);
    mls_event_clear(&e);
    must(mls_group_take_pending(s->g[who], 1) == DT_OK);
    reload(&s->g[who]);
    for (size_t i = MEMBERS; i < PEOPLE && welcome.n > 0; i++)
        if (s->g[i] == NULL && join(i, welcome, &s->g[i]) == DT_OK)
            s->late[i] = false;
}

static void
commit(struct session *s, size_t who, const uint8_t how[static 3], bool send)
{
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
    struct mls_commit_opts o = {0};
    size_t others = 0;

    choose(s, who, how, &o);
    if (mls_group_commit(s->g[who], &o, &out) != DT_OK)
        return;
    if (!send) {
        reload(&s->g[who]);
        mls_group_drop_pending(s->g[who]);
        return;
    }
    for (size_t i = 0; i < PEOPLE; i++)
        others += i != who && in(s, i);
    /* What our own code made, all others follow. */
    must(deliver(s, who, dt_buf_view(&out.commit), dt_view(NULL, 0)) || others == 0);
    settle(s, who, dt_buf_view(&out.welcome));
}

/* Two at once: ${who}'s is ordered first; the other's comes second and means nothing. */
static void
commit_two(struct session *s, size_t who, size_t other, const uint8_t how[static 3])
{
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out second = {0};
    struct mls_commit_opts o = {.force_path = true};
    uint64_t epoch = mls_group_epoch(s->g[who]);

    if (other == who || !in(s, other) || mls_group_commit(s->g[other], &o, &second) != DT_OK)
        return;
    commit(s, who, how, true);
    for (size_t i = 0; i < PEOPLE && mls_group_epoch(s->g[who]) > epoch; i++) {
        struct mls_event e = {0};

        if (i == other || !in(s, i) || !take_in(s->g[i], dt_buf_view(&second.commit), &e))
            continue;
        must(e.kind == MLS_EVENT_STALE);
        mls_event_clear(&e);
    }
    if (s->g[other] != NULL)
        mls_group_drop_pending(s->g[other]);
}

/* Alter ${b} at ${at}: a bit, a byte taken out, a byte twice, or the rest cut off. */
static void
alter(struct dt_buf *b, size_t at, uint8_t how)
{
    at %= b->n;
    if (how % 8 < 4) {
        b->p[at] ^= (uint8_t)(1u << (how >> 3) % 8);
    } else if (how % 8 < 6) {
        memmove(b->p + at, b->p + at + 1, b->n - at - 1);
        b->n--;
    } else if (how % 8 == 6) {
        must(dt_buf_append(b, dt_view((const uint8_t *)"", 1)) == DT_OK);
        memmove(b->p + at + 1, b->p + at, b->n - 1 - at);
    } else {
        b->n = at;
    }
}

/* A good Commit is made, its content altered, and then signed and tagged. Its author does not
 * follow it, whoever takes it in: it takes no part any more. */
static void
altered(struct session *s, size_t who, const uint8_t how[static 3])
{
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf inner = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    const uint8_t small[3] = {how[2] & 0xbf, 0, 0};
    struct mls_commit_opts o = {0};
    struct dt_writer w = dt_writer_init(&inner);
    size_t to = 0;

    while (to < PEOPLE && (to == who || !in(s, to)))
        to++;
    choose(s, who, small, &o);
    o.force_path = true;
    if (to == PEOPLE || mls_group_commit(s->g[who], &o, &out) != DT_OK)
        return;
    must(dt_buf_set(&raw, dt_buf_view(&s->g[who]->pending->content)) == DT_OK);
    must(mls_auth_content_parse(&raw, &c, NULL) == DT_OK);
    mls_commit_write(&w, &c.commit);
    must(dt_writer_end(&w) == DT_OK);
    alter(&inner, (size_t)how[0] * 5 + how[1] / 32, how[1]);
    mls_group_drop_pending(s->g[who]);
    if (craft_message(s->g[who], s->g[to], MLS_WIRE_PRIVATE_MESSAGE, MLS_CONTENT_COMMIT,
                      dt_buf_view(&inner), &m) &&
        deliver(s, who, dt_buf_view(&m), dt_view(NULL, 0)))
        s->late[who] = true;
}

/* Any content of any type, by hand. */
static void
altered_talk(struct session *s, size_t who, const uint8_t how[static 3])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    size_t to = (who + 1) % MEMBERS;

    if (!in(s, to))
        return;
    if (craft_message(s->g[who], s->g[to],
                      how[0] % 2 == 0 ? MLS_WIRE_PRIVATE_MESSAGE : MLS_WIRE_PUBLIC_MESSAGE,
                      how[0] >> 1 & 3, dt_view(how + 1, 2), &m))
        (void)deliver(s, who, dt_buf_view(&m), dt_view(NULL, 0));
}

/* What was decrypted once is not decrypted again; and a member's own message is known as its own.
 */
static void
again(struct session *s, size_t who)
{
    struct mls_event e = {0};

    if (s->last.n == 0 || !take_in(s->g[who], dt_buf_view(&s->last), &e))
        return;
    must(e.kind != MLS_EVENT_APPLICATION && e.kind != MLS_EVENT_COMMIT);
    mls_event_clear(&e);
}

/* ---- from outside ---- */

/* The leaf under ${who}'s signature key, if there is one. */
static bool
old_leaf(const struct mls_group *g, size_t who, uint32_t *out)
{
    struct mls_member m;

    for (uint32_t i = 0; i < mls_group_n_leaves(g); i++) {
        if (mls_group_member(g, i, &m) &&
            dt_view_equal(m.signature_key, dt_view_of(people[who].pub))) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* ${commit}, an external one, with its content altered and signed again. Nobody takes it. */
static void
altered_entry(struct session *s, const struct mls_group *of, size_t who,
              const struct dt_buf *commit, const uint8_t how[static 3])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf inner = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    const struct mls_sender by = {.type = MLS_SENDER_NEW_MEMBER_COMMIT};
    struct dt_writer w = dt_writer_init(&inner);
    struct dt_view body, tag;
    uint64_t epoch = mls_group_epoch(of);

    must(mls_message_body(dt_buf_view(commit), MLS_WIRE_PUBLIC_MESSAGE, &body) == DT_OK);
    must(mls_public_message_parse(body, &c, &tag) == DT_OK);
    mls_commit_write(&w, &c.commit);
    must(dt_writer_end(&w) == DT_OK);
    alter(&inner, (size_t)how[0] * 5 + how[2] / 32, how[2]);
    if (craft_outside(of, dt_secret_view(&people[who].sig), by, MLS_CONTENT_COMMIT,
                      dt_buf_view(&inner), &m))
        (void)deliver(s, who, dt_buf_view(&m), dt_view(NULL, 0));
    must(mls_group_epoch(of) == epoch);
}

/* ${who} comes in by an external Commit on what the member ${g} says of the group. */
static void
enter(struct session *s, size_t who, const struct mls_group *g, const uint8_t how[static 3])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf commit = DT_BUF_INIT(MLS_MESSAGE_MAX);
    const struct mls_typed private_use = {PRIVATE, dt_view_str("w")};
    struct mls_group_info_opts opts = {.external_pub = true, .ratchet_tree = true};
    struct mls_external_join_params x = {.psks = {&psk, how[1] & 1},
                                         .private_use = {&private_use, how[1] >> 1 & 1},
                                         .policy = {.past_epochs = 2, .outside = MLS_OUTSIDE_ALL}};
    struct mls_group *entered = NULL;
    struct mls_reinit_info reinit;

    /* Nobody comes into a group that a ReInit closed. */
    if (mls_group_closed(g, &reinit)) {
        must(mls_group_info_export(g, &opts, &info) == DT_ERR_STATE);
        return;
    }
    must(mls_group_info_export(g, &opts, &info) == DT_OK);
    x.group_info = dt_buf_view(&info);
    x.leaf = leaf_of(&people[who], names[who]);
    x.replace = old_leaf(g, who, &x.replaces);
    must(mls_group_join_external(&x, &entered, &commit, NULL) == DT_OK);
    if ((how[1] & 4) != 0) {
        altered_entry(s, g, who, &commit, how);
        mls_group_free(entered);
        return;
    }
    must(deliver(s, who, dt_buf_view(&commit), dt_view(NULL, 0)));
    mls_group_free(s->g[who]);
    s->g[who] = entered;
    s->late[who] = false;
    reload(&s->g[who]);
}

static void
propose_outside(struct session *s, size_t who, const struct mls_group *g,
                const uint8_t how[static 3])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    const enum mls_proposal_kind kinds[] = {MLS_PROPOSE_ADD, MLS_PROPOSE_REMOVE, MLS_PROPOSE_PSK,
                                            MLS_PROPOSE_EXTENSIONS};
    struct mls_external_propose_params x = {.suite = 1,
                                            .group_id = mls_group_id(g),
                                            .epoch = mls_group_epoch(g),
                                            .new_member = (how[0] & 1) != 0,
                                            .sender_index = how[2] % 2,
                                            .signature_priv = dt_secret_view(&people[who].sig),
                                            .what = {.kind = kinds[how[0] >> 1 & 3],
                                                     .add = dt_buf_view(&people[who].kp),
                                                     .remove = how[1] % 6,
                                                     .psk = psk}};

    if (mls_external_propose(&x, &m) == DT_OK)
        (void)deliver(s, who, dt_buf_view(&m), dt_view(NULL, 0));
}

static void
outsider_step(struct session *s, size_t who, unsigned int step, const uint8_t how[static 3])
{
    for (size_t i = 0; i < PEOPLE; i++) {
        if (i == who || !in(s, i))
            continue;
        if (step % 2 == 0)
            enter(s, who, s->g[i], how);
        else
            propose_outside(s, who, s->g[i], how);
        check_same(s);
        return;
    }
}

static void
step(struct session *s, uint8_t what, const uint8_t how[static 3])
{
    size_t who = what % PEOPLE;

    if (!in(s, who)) {
        outsider_step(s, who, what / PEOPLE, how);
        return;
    }
    switch ((enum step)(what / PEOPLE % N_STEPS)) {
    case TALK:
        talk(s, who, how);
        break;
    case PROPOSE:
        propose(s, who, how);
        break;
    case COMMIT:
        commit(s, who, how, true);
        break;
    case COMMIT_TWO:
        commit_two(s, who, how[2] % PEOPLE, how);
        break;
    case ALTERED:
        altered(s, who, how);
        break;
    case ALTERED_TALK:
        altered_talk(s, who, how);
        break;
    case FORGOTTEN:
        commit(s, who, how, false);
        break;
    case AGAIN:
        again(s, who);
        break;
    case RELOAD:
        reload(&s->g[who]);
        break;
    case N_STEPS:
        break;
    }
    check_same(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session s = {.last = DT_BUF_INIT(MLS_MESSAGE_MAX)};

    (void)fuzz_suite();
    if (people[0].saved.n == 0)
        set_up();
    for (size_t i = 0; i < MEMBERS; i++)
        must(mls_group_load(dt_buf_view(&people[i].saved), &s.g[i]) == DT_OK);
    for (size_t i = 0; i + 3 < size && i < 4 * STEPS_MAX; i += 4)
        step(&s, data[i], data + i + 1);
    for (size_t i = 0; i < PEOPLE; i++)
        mls_group_free(s.g[i]);
    dt_buf_clear(&s.last);
    if (size >= 4)
        fuzz_accepted();
    return 0;
}
