/*
 * tests/agent/test_rules.c - Commits by hand-made members that break the rules: passed over by all, and named.
 *
 * The evil member is a real one (red) whose agent is driven past its own checks.
 */
#include <unistd.h>

#include "agent/flows.h"
#include "base/mem.h"
#include "base/wire.h"
#include "net/server.h"
#include "world.h"

struct trial {
    struct world w;
    struct dt_agent *a[4]; /* mediator, blue, red (evil), and blue's second */
    uint8_t gid[32];
    uint8_t request[16];   /* red's request to admit blue-2; all have approved */
    struct dt_admission admission;
    struct dt_buf forum;
    struct dt_buf warrant;
    struct mls_typed extensions[2];
    struct mls_typed private_use[1];
    size_t passed_over;    /* Commits that the others had to pass over so far */
};

#define EVIL(t) ((t)->a[2])

static int
set_up(void **state)
{
    struct trial *t = calloc(1, sizeof *t);
    uint8_t hash[32];

    assert_non_null(t);
    world_start(&t->w);
    t->a[0] = world_home(&t->w, "envoy", MEDIATOR, DT_RIGHTS_ALL);
    t->a[1] = world_home(&t->w, "blue-1", BLUE, DT_RIGHTS_ALL);
    t->a[2] = world_home(&t->w, "red-1", RED, DT_RIGHTS_ALL);
    t->a[3] = world_home(&t->w, "blue-2", BLUE, DT_RIGHT_BIT(DT_RIGHT_TALK));
    world_share(t->a, 4);
    world_found(t->a, 3, DT_CHANNEL_PLENARY, "plenary", t->gid);
    world_letter_hash(t->a[3], hash);
    ok(dt_agent_request_admission(EVIL(t), t->gid, hash, t->request));
    world_sync(t->a, 4, 2);
    world_accept(t->a[3]);
    ok(dt_agent_approve(t->a[0], t->request));
    ok(dt_agent_approve(t->a[1], t->request));
    world_sync(t->a, 4, 2);
    ok(dt_admission_load(EVIL(t), t->request, &t->admission));
    assert_true(t->admission.key_package.n > 0);
    dt_buf_init(&t->forum, 256);
    dt_buf_init(&t->warrant, DT_WARRANT_MAX);
    *state = t;
    return 0;
}

static int
tear_down(void **state)
{
    struct trial *t = *state;

    dt_admission_clear(&t->admission);
    dt_buf_clear(&t->forum);
    dt_buf_clear(&t->warrant);
    for (size_t i = 0; i < 4; i++)
        dt_agent_close(t->a[i]);
    world_stop(&t->w);
    free(t);
    return 0;
}

/* Make a Commit with ${opts}, past all checks of ours, and post it. */
static void
post(struct trial *t, struct mls_commit_opts *opts)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
    uint8_t id[16] = {1}, append_id[16];
    size_t sent = 0;

    opts->lifetime = dt_mls_lifetime(EVIL(t));
    ok(dt_store_begin(EVIL(t)->store));
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    ok(mls_group_commit(ch.group, opts, &out));
    mls_group_drop_pending(ch.group);
    ok(dt_outbox_to_queue(EVIL(t), &ch, DT_OUTBOX_COMMIT, id, dt_buf_view(&out.commit), dt_view(NULL, 0),
                          append_id));
    ok(dt_channel_save(EVIL(t), &ch, false));
    ok(dt_store_commit(EVIL(t)->store));
    ok(dt_outbox_flush(EVIL(t), t->gid, &sent));
    is(sent, 1);
}

/* A warrant goes with the `forum` extension advanced by it. */
static void
use_warrant(struct trial *t, const struct dt_warrant *w, struct mls_commit_opts *opts)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_forum_ext x;
    struct dt_view caps, forum;
    static uint8_t caps_bytes[256];

    dt_buf_clear(&t->warrant);
    dt_buf_clear(&t->forum);
    ok(dt_warrant_encode(w, &t->warrant));
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    assert_true(mls_group_extension(ch.group, 3, &caps));
    assert_true(mls_group_extension(ch.group, DT_EXT_FORUM, &forum));
    assert_true(caps.n <= sizeof caps_bytes);
    memcpy(caps_bytes, caps.p, caps.n);
    ok(dt_forum_ext_decode(forum, &x));
    ok(dt_warrants_next(x.warrants_hash, dt_buf_view(&t->warrant), x.warrants_hash));
    ok(dt_forum_ext_encode(&x, &t->forum));
    t->extensions[0] = (struct mls_typed){3, dt_view(caps_bytes, caps.n)};
    t->extensions[1] = (struct mls_typed){DT_EXT_FORUM, dt_buf_view(&t->forum)};
    t->private_use[0] = (struct mls_typed){DT_PROP_WARRANT, dt_buf_view(&t->warrant)};
    opts->set_extensions = true;
    opts->extensions = (struct mls_typed_list){t->extensions, 2};
    opts->private_use = (struct mls_typed_list){t->private_use, 1};
}

/* Red's own seat; its letter's bytes are the agent's copy, so that they outlive the group. */
static void
own_seat(struct trial *t, struct dt_seat *out)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_rules rules;

    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    rules = dt_channel_rules(EVIL(t), &ch);
    ok(dt_seat_of(&rules, ch.group, mls_group_own_leaf(ch.group), out));
    out->letter_bytes = dt_buf_view(&EVIL(t)->letter_bytes);
}

static struct dt_warrant
add_ground(const struct trial *t, struct dt_view approvals)
{
    struct dt_warrant w = {.n_grounds = 1};

    w.grounds[0].kind = DT_GROUND_ADD;
    memcpy(w.grounds[0].invitation_id, t->admission.request_id, 16);
    memcpy(w.grounds[0].letter_hash, t->admission.letter_hash, 32);
    w.grounds[0].body = approvals;
    return w;
}

/* The two honest agents pass it over with an alarm of ${kind} that says ${why}; nothing else changes. A Commit
 * whose sender was authenticated is an alarm that names red. */
static void
passed_over_as(struct trial *t, uint64_t epoch, enum dt_alarm_kind kind, const char *why)
{
    t->passed_over++;
    for (size_t i = 0; i < 2; i++) {
        struct dt_alarm_info *v = NULL;
        struct dt_channel_info info;
        size_t n = 0, count = 0;
        const struct dt_alarm_info *last = NULL;

        ok(dt_agent_sync(t->a[i], NULL));
        info = world_channel(t->a[i], t->gid);
        is(info.epoch, epoch);
        is(info.members, 3);
        ok(dt_agent_alarms(t->a[i], &v, &n));
        for (size_t k = 0; k < n; k++)
            if (v[k].kind == kind) {
                count++;
                last = &v[k];
            }
        is(count, t->passed_over);
        assert_non_null(last);
        if (kind == DT_ALARM_COMMIT) {
            assert_true(last->has_who);
            assert_string_equal(last->who.name, "red-1");
        }
        if (strstr(last->text, why) == NULL)
            print_error("expected '%s' in '%s'\n", why, last->text);
        assert_non_null(strstr(last->text, why));
        dt_free(v);
    }
}

static void
passed_over(struct trial *t, uint64_t epoch, const char *why)
{
    passed_over_as(t, epoch, DT_ALARM_COMMIT, why);
}

static void
breaking_the_rules(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf approvals = DT_BUF_INIT(1u << 16);
    struct dt_view add = dt_buf_view(&t->admission.key_package);
    struct dt_view rest = dt_buf_view(&t->admission.approvals);
    struct dt_approval mine = {0}, v;
    struct dt_warrant w;
    uint8_t hash[32], id[16];
    uint32_t leaf;
    size_t n_all = 0;

    while (dt_approvals_next(&rest, &v) == DT_OK) {
        n_all++;
        if (v.party == RED)
            mine = v;
    }
    is(n_all, 3);

    /* Only the committer's own approval. */
    ok(dt_approvals_add(&approvals, &mine));
    w = add_ground(t, dt_buf_view(&approvals));
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        use_warrant(t, &w, &opts);
        post(t, &opts);
        passed_over(t, 1, "an approval is missing");
    }
    /* The same party three times. */
    ok(dt_approvals_add(&approvals, &mine));
    ok(dt_approvals_add(&approvals, &mine));
    w = add_ground(t, dt_buf_view(&approvals));
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        use_warrant(t, &w, &opts);
        post(t, &opts);
        passed_over(t, 1, "two approvals of one party");
    }
    /* Approvals that red wrote in the others' names. */
    dt_buf_clear(&approvals);
    for (uint8_t p = 0; p < 3; p++) {
        v = mine;
        v.party = p;
        ok(dt_approval_sign(&v, dt_secret_view(&EVIL(t)->delegate_seed)));
        ok(dt_approvals_add(&approvals, &v));
    }
    w = add_ground(t, dt_buf_view(&approvals));
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        use_warrant(t, &w, &opts);
        post(t, &opts);
        passed_over(t, 1, "another party");
    }
    /* ... and with the others' roots claimed. */
    dt_buf_clear(&approvals);
    ok(dt_approvals_add(&approvals, &mine));
    for (uint8_t p = 0; p < 2; p++) {
        v = mine;
        v.party = p;
        v.by_root = true;
        v.letter = dt_view(NULL, 0);
        ok(dt_approval_sign(&v, dt_secret_view(&EVIL(t)->delegate_seed)));
        ok(dt_approvals_add(&approvals, &v));
    }
    w = add_ground(t, dt_buf_view(&approvals));
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        use_warrant(t, &w, &opts);
        post(t, &opts);
        passed_over(t, 1, "approval");
    }
    /* All approvals, but no path. */
    w = add_ground(t, dt_buf_view(&t->admission.approvals));
    {
        struct mls_commit_opts opts = {.removes = NULL};

        /* Without adds, removes or extensions only a private-use proposal needs no path. */
        t->private_use[0] = (struct mls_typed){DT_PROP_WARRANT, dt_view_str("x")};
        opts.private_use = (struct mls_typed_list){t->private_use, 1};
        post(t, &opts);
        passed_over(t, 1, "");
    }
    /* All approvals, and the forum extension not advanced. */
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        use_warrant(t, &w, &opts);
        opts.set_extensions = false;
        opts.extensions = (struct mls_typed_list){0};
        post(t, &opts);
        passed_over(t, 1, "do not go together");
    }
    /* The extension advanced by another warrant than the one carried. */
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        use_warrant(t, &w, &opts);
        t->forum.p[t->forum.n - 1] ^= 1;
        post(t, &opts);
        passed_over(t, 1, "not advanced as the warrant asks");
    }
    /* An add without any warrant. */
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        post(t, &opts);
        passed_over(t, 1, "without a warrant");
    }
    /* A warrant for nothing. (Proposals of other types are refused by MLS: no leaf's capabilities list them.) */
    {
        struct mls_commit_opts opts = {.force_path = true};

        use_warrant(t, &w, &opts);
        post(t, &opts);
        passed_over(t, 1, "warrant for nothing");
    }
    /* The mediator is thrown out: as if it were of our own party, and without a word. */
    world_letter_hash(t->a[0], hash);
    leaf = world_leaf(EVIL(t), t->gid, hash);
    {
        struct mls_commit_opts opts = {.removes = &leaf, .n_removes = 1, .force_path = true};
        struct dt_roster_entry *roster = NULL;
        size_t n = 0;

        ok(dt_agent_roster(EVIL(t), t->gid, &roster, &n));
        memset(&w, 0, sizeof w);
        w.n_grounds = 1;
        w.grounds[0].kind = DT_GROUND_OWN;
        for (size_t i = 0; i < n; i++)
            if (roster[i].leaf == leaf)
                memcpy(w.grounds[0].invitation_id, roster[i].invitation_id, 16);
        memcpy(w.grounds[0].letter_hash, hash, 32);
        dt_free(roster);
        post(t, &opts);
        passed_over(t, 1, "without a warrant");
        use_warrant(t, &w, &opts);
        post(t, &opts);
        passed_over(t, 1, "another party is removed without a ground");
    }
    /* Rotations: serial + 2; another invitation id; a pre-shared data flag that is not known. */
    for (int k = 0; k < 2; k++) {
        DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
        struct mls_commit_opts opts = {.force_path = true};
        DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};

        own_seat(t, &own);
        own.voucher.serial += k == 0;
        own.voucher.invitation_id[0] ^= k == 1;
        ok(dt_session_rotate(EVIL(t), t->gid, &own, &s));
        opts.new_signature_priv = dt_secret_view(&s.seed);
        opts.new_signature_pub = dt_view_of(s.pub);
        opts.new_identity = dt_buf_view(&s.identity);
        post(t, &opts);
        passed_over(t, 1, "a rotation changes more");
    }
    {
        struct mls_commit_opts opts = {.force_path = true, .authenticated_data = dt_view_str("\2")};

        post(t, &opts);
        passed_over(t, 1, "authenticated data");
    }
    /* A session key that the delegate's key did not vouch for. */
    {
        DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
        DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
        struct mls_commit_opts opts = {.force_path = true};
        uint8_t seed[32] = {9}, pub[32];

        own_seat(t, &own);
        ok(dt_session_rotate(EVIL(t), t->gid, &own, &s));
        ok(dt_ed25519_pub(dt_view_of(seed), pub));
        opts.new_signature_priv = dt_view_of(seed);
        opts.new_signature_pub = dt_view_of(pub);
        opts.new_identity = dt_buf_view(&s.identity);
        post(t, &opts);
        passed_over(t, 1, "voucher");
    }

    /* After all this the channel is as it was, and the rightful admission is done. */
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("still here"), id));
    ok(dt_agent_sync(t->a[0], NULL));
    ok(dt_agent_sync(t->a[1], NULL));
    is(world_talk_count(t->a[1], t->gid, dt_view_str("still here")), 1);
    ok(dt_agent_commit_admission(EVIL(t), t->request));
    world_sync(t->a, 4, 4);
    for (size_t i = 0; i < 4; i++) {
        is(world_channel(t->a[i], t->gid).epoch, 2);
        is(world_channel(t->a[i], t->gid).members, 4);
    }
}

/* A proposal outside a Commit is passed over, and nobody's sending is stopped by it. */
static void
lone_proposal(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    struct mls_propose_opts opts = {.kind = MLS_PROPOSE_REMOVE};
    uint8_t hash[32], id[16] = {1}, append_id[16];
    size_t sent = 0;

    world_letter_hash(t->a[0], hash);
    opts.remove = world_leaf(EVIL(t), t->gid, hash);
    ok(dt_store_begin(EVIL(t)->store));
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    ok(mls_group_propose(ch.group, &opts, &message));
    ok(dt_outbox_to_queue(EVIL(t), &ch, DT_OUTBOX_COMMIT, id, dt_buf_view(&message), dt_view(NULL, 0),
                          append_id));
    ok(dt_store_commit(EVIL(t)->store)); /* the group itself is not saved: evil goes on as if nothing was */
    ok(dt_outbox_flush(EVIL(t), t->gid, &sent));
    passed_over(t, 1, "a proposal outside a Commit");
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("undisturbed"), id));
    ok(dt_agent_talk_text(t->a[1], t->gid, dt_view_str("me too"), id));
    world_sync(t->a, 2, 2);
    is(world_talk_count(t->a[1], t->gid, dt_view_str("undisturbed")), 1);
    is(world_talk_count(t->a[0], t->gid, dt_view_str("me too")), 1);
}

/* Commits that nobody can follow, and that break the rules besides: passed over like all others. Were they "what
 * we alone cannot follow", one message would put everybody out of the channel. */
static void
unknown_parts(void **state)
{
    struct trial *t = *state;
    uint8_t id[16];

    /* A pre-shared key that nobody has. */
    {
        static const struct mls_psk psk = {.id = {(const uint8_t *)"k", 1},
                                           .value = {(const uint8_t *)"0123456789abcdef", 16}};
        struct mls_commit_opts opts = {.force_path = true, .psks = {&psk, 1}};

        post(t, &opts);
        passed_over_as(t, 1, DT_ALARM_CELL, "pre-shared key");
    }
    /* A proposal that was sent to nobody, by reference. */
    {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf proposal = DT_BUF_INIT(DT_CELL_MAX);
        DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
        struct mls_propose_opts propose = {.kind = MLS_PROPOSE_REMOVE};
        struct mls_commit_opts opts = {.force_path = true, .commit_cached = true};
        uint8_t hash[32], append_id[16];
        size_t sent = 0;

        memset(id, 1, sizeof id);
        world_letter_hash(t->a[0], hash);
        propose.remove = world_leaf(EVIL(t), t->gid, hash);
        ok(dt_store_begin(EVIL(t)->store));
        ok(dt_channel_load(EVIL(t), t->gid, &ch));
        ok(mls_group_propose(ch.group, &propose, &proposal));
        ok(mls_group_commit(ch.group, &opts, &out));
        ok(dt_outbox_to_queue(EVIL(t), &ch, DT_OUTBOX_COMMIT, id, dt_buf_view(&out.commit),
                              dt_view(NULL, 0), append_id));
        ok(dt_store_commit(EVIL(t)->store));
        ok(dt_outbox_flush(EVIL(t), t->gid, &sent));
        passed_over_as(t, 1, DT_ALARM_CELL, "is not known");
    }
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("undisturbed"), id));
    world_sync(t->a, 2, 2);
    is(world_talk_count(t->a[1], t->gid, dt_view_str("undisturbed")), 1);
}

/* Garbage in queue and inbox: alarms, and everything goes on. */
static void
garbage(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct dt_inbox_message m = {.kind = DT_INBOX_WELCOME, .welcome = dt_view_str("no welcome")};
    struct dt_wire_append append = {0};
    uint8_t junk[512], hash[32], id[16], append_id[16];
    uint64_t position = 0;
    size_t sent = 0;

    memset(junk, 0x55, sizeof junk);
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    append.cell = dt_view_of(junk); /* not sealed at all */
    ok(dt_relay_append(EVIL(t)->queue_http, EVIL(t)->grant.relay, ch.queue.address,
                       dt_queue_write_token(&ch.queue), &append, &position));
    ok(dt_outbox_to_queue(EVIL(t), &ch, DT_OUTBOX_HERE, append.append_id, dt_view_str("no MLS message"),
                          dt_view(NULL, 0), append_id));
    world_letter_hash(t->a[0], hash);
    ok(dt_letter_load(EVIL(t), hash, &l, NULL, NULL));
    ok(dt_outbox_to_inbox(EVIL(t), &l, &m));
    ok(dt_outbox_flush(EVIL(t), t->gid, &sent));
    ok(dt_outbox_flush(EVIL(t), NULL, &sent));
    append.append_id[0] = 1;
    ok(dt_relay_append(EVIL(t)->queue_http, EVIL(t)->grant.relay, l.inbox_address.p, l.inbox_token, &append,
                       &position));
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_alarms(t->a[0], DT_ALARM_CELL), 2);
    is(world_alarms(t->a[0], DT_ALARM_WELCOME), 2);
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("goes on"), id));
    ok(dt_agent_sync(t->a[0], NULL));
    ok(dt_agent_sync(t->a[1], NULL));
    is(world_talk_count(t->a[1], t->gid, dt_view_str("goes on")), 1);
}

/* Another authenticator than ours in a `here` is a fork, and is shown as one. */
static void
fork_alarm(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(512);
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    uint8_t other[32] = {1}, append_id[16];
    struct dt_payload p = {.kind = DT_PAYLOAD_HERE, .epoch = 1, .authenticator = dt_view_of(other)};
    size_t sent = 0;

    ok(dt_payload_encode(&p, &body));
    ok(dt_store_begin(EVIL(t)->store));
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    ok(mls_group_protect(ch.group, dt_view(NULL, 0), dt_buf_view(&body), 0, &message));
    ok(dt_outbox_to_queue(EVIL(t), &ch, DT_OUTBOX_HERE, p.id, dt_buf_view(&message), dt_view(NULL, 0),
                          append_id));
    ok(dt_channel_save(EVIL(t), &ch, false));
    ok(dt_store_commit(EVIL(t)->store));
    ok(dt_outbox_flush(EVIL(t), t->gid, &sent));
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_alarms(t->a[0], DT_ALARM_FORK), 1);
}

static size_t
prepare(struct trial *t, size_t i)
{
    size_t made = 0;

    ok(dt_channel_prepare(t->a[i], t->gid, &made));
    return made;
}

static void
flush(struct trial *t, size_t i)
{
    size_t sent = 0;

    ok(dt_outbox_flush(t->a[i], t->gid, &sent));
    is(sent, 1);
}

static void
all_at(struct trial *t, uint64_t epoch, const char *text, size_t copies)
{
    for (size_t i = 0; i < 3; i++) {
        is(world_channel(t->a[i], t->gid).epoch, epoch);
        is(world_channel(t->a[i], t->gid).to_send, 0);
        is(world_talk_count(t->a[i], t->gid, dt_view_str(text)), copies);
        is(world_alarms(t->a[i], DT_ALARM_COMMIT), 0);
    }
}

/* Three Commits on one epoch stand in the queue: the first counts, the others are done anew. */
static void
three_commits(void **state)
{
    struct trial *t = *state;

    for (size_t i = 0; i < 3; i++) {
        ok(dt_agent_rotate(t->a[i], t->gid));
        is(prepare(t, i), 1);
        assert_true(world_channel(t->a[i], t->gid).commit_pending);
    }
    flush(t, 1);
    flush(t, 0);
    flush(t, 2);
    ok(dt_agent_sync(t->a[2], NULL)); /* blue's counted; red's own came third, and is made anew */
    is(world_channel(t->a[2], t->gid).epoch, 3);
    world_sync(t->a, 3, 3);
    all_at(t, 4, "", 0);
}

/* A message that stands in the old queue behind the Commit that ended it, and one that was not even sent: both
 * arrive once, in the new queue. */
static void
behind_the_end(void **state)
{
    struct trial *t = *state;
    uint8_t id[16];

    ok(dt_agent_commit_admission(EVIL(t), t->request));
    world_sync(t->a, 4, 4);
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("behind the end"), id));
    ok(dt_agent_talk_text(EVIL(t), t->gid, dt_view_str("not sent at all"), id));
    is(prepare(t, 0), 1);
    is(prepare(t, 2), 1);
    ok(dt_agent_remove(t->a[1], t->gid, world_leaf(t->a[1], t->gid, t->admission.letter_hash)));
    is(prepare(t, 1), 1);
    flush(t, 1);
    flush(t, 0);
    ok(dt_agent_sync(t->a[1], NULL));
    is(world_channel(t->a[1], t->gid).queue_number, 2);
    is(world_talk_count(t->a[1], t->gid, dt_view_str("behind the end")), 0);
    world_sync(t->a, 4, 3);
    all_at(t, 3, "behind the end", 1);
    all_at(t, 3, "not sent at all", 1);
}

/* One piece of talk protected twice, as by an agent that could not know whether its first copy counts: kept once. */
static void
talk_twice(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(512);
    struct dt_payload p = {.kind = DT_PAYLOAD_TALK, .id = {5}, .media_type = dt_view_str("text/plain"),
                           .data = dt_view_str("twice")};
    uint8_t append_id[16];
    size_t sent = 0;

    ok(dt_payload_encode(&p, &body));
    for (int i = 0; i < 2; i++) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);

        ok(dt_store_begin(EVIL(t)->store));
        ok(dt_channel_load(EVIL(t), t->gid, &ch));
        ok(mls_group_protect(ch.group, dt_view(NULL, 0), dt_buf_view(&body), 0, &message));
        ok(dt_outbox_to_queue(EVIL(t), &ch, DT_OUTBOX_PAYLOAD, p.id, dt_buf_view(&message),
                              dt_buf_view(&body), append_id));
        ok(dt_channel_save(EVIL(t), &ch, false));
        ok(dt_store_commit(EVIL(t)->store));
    }
    ok(dt_outbox_flush(EVIL(t), t->gid, &sent));
    is(sent, 2);
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_talk_count(t->a[0], t->gid, dt_view_str("twice")), 1);
    is(world_alarms(t->a[0], 0), 0);
}

/* A rightful Commit, but the new member is told another history than the members have: it does not join. */
static void
told_another_history(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf history = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf queue = DT_BUF_INIT(512);
    struct dt_queue_ext q = {.begins_here = true};
    struct dt_inbox_message m = {.kind = DT_INBOX_WELCOME};
    struct dt_view add = dt_buf_view(&t->admission.key_package);
    struct dt_warrant w = add_ground(t, dt_buf_view(&t->admission.approvals));
    struct mls_typed info[2];
    struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true,
                                   .lifetime = dt_mls_lifetime(EVIL(t))};
    struct dt_channel_info none;
    size_t sent = 0;

    use_warrant(t, &w, &opts);
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    ok(dt_history_ext(&ch, dt_buf_view(&ch.warrants), &history)); /* without the warrant of this Commit */
    ok(dt_queue_ext_encode(&q, &queue));
    info[0] = (struct mls_typed){DT_EXT_HISTORY, dt_buf_view(&history)};
    info[1] = (struct mls_typed){DT_EXT_QUEUE, dt_buf_view(&queue)};
    opts.group_info_extensions = (struct mls_typed_list){info, 2};
    ok(mls_group_commit(ch.group, &opts, &out));
    memcpy(m.group_id, t->gid, 32);
    memcpy(m.invitation_id, t->request, 16);
    m.welcome = dt_buf_view(&out.welcome);
    ok(dt_letter_load(EVIL(t), t->admission.letter_hash, &to, NULL, NULL));
    ok(dt_outbox_to_inbox(EVIL(t), &to, &m));
    ok(dt_outbox_flush(EVIL(t), NULL, &sent));
    ok(dt_agent_sync(t->a[3], NULL));
    is(dt_agent_channel(t->a[3], t->gid, &none), DT_ERR_NOT_FOUND);
    is(world_alarms(t->a[3], DT_ALARM_WELCOME), 1);
}

/* The relay keeps a cell twice (another append id): it is taken in once. */
static void
repeated_cell(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_wire_append append = {.append_id = {1, 2, 3}};
    struct dt_wire_items items;
    struct dt_wire_item item;
    uint64_t position = 0, last = 0;
    bool more = true;
    uint8_t id[16];

    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("once"), id));
    ok(dt_agent_sync(t->a[0], NULL));
    ok(dt_channel_load(t->a[0], t->gid, &ch));
    ok(dt_relay_read(t->a[0]->queue_http, t->a[0]->grant.relay, ch.queue.address,
                     dt_queue_read_token(&ch.queue), ch.position - 1, 0, &answer));
    ok(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
    ok(dt_wire_items_next(&items, &item, &more));
    assert_true(more);
    append.cell = item.cell;
    ok(dt_relay_append(t->a[0]->queue_http, t->a[0]->grant.relay, ch.queue.address,
                       dt_queue_write_token(&ch.queue), &append, &position));
    is(position, item.position + 1);
    world_sync(t->a, 3, 2);
    for (size_t i = 0; i < 3; i++) {
        is(world_talk_count(t->a[i], t->gid, dt_view_str("once")), 1);
        is(world_channel(t->a[i], t->gid).state, DT_CHANNEL_LIVE);
        is(world_channel(t->a[i], t->gid).position, position);
    }
}

/* A channel whose queue cannot be had (a member's Welcome may name any token) keeps no other from being read. */
static void
one_bad_channel(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint8_t other[32], id[16];

    world_found(t->a, 3, DT_CHANNEL_TRACK, "track", other);
    ok(dt_store_begin(t->a[1]->store));
    ok(dt_channel_load(t->a[1], t->gid, &ch));
    ch.queue_made = false;
    ch.queue_token[0] ^= 1;
    ok(dt_channel_save(t->a[1], &ch, false));
    ok(dt_store_commit(t->a[1]->store));
    ok(dt_agent_talk_text(t->a[0], other, dt_view_str("on the track"), id));
    ok(dt_agent_sync(t->a[0], NULL));
    assert_int_not_equal(dt_agent_sync(t->a[1], NULL), DT_OK);
    is(world_talk_count(t->a[1], other, dt_view_str("on the track")), 1);
}

/* A relay that swallows our second message and shows the first in its place: nothing is confirmed by it. */
static void
swapped_ids(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_agent *a = t->a[0];
    struct dt_sync_report report = {0};
    struct dt_talk_info *v = NULL;
    struct dt_outbox_row rows[2] = {{0}};
    struct dt_wire_item item = {0};
    uint8_t id[2][16];
    uint64_t at = 0;
    size_t made = 0, n = 0;

    ok(dt_agent_talk_text(a, t->gid, dt_view_str("one"), id[0]));
    ok(dt_agent_talk_text(a, t->gid, dt_view_str("two"), id[1]));
    ok(dt_channel_prepare(a, t->gid, &made));
    is(made, 2);
    for (size_t i = 0; i < 2; i++) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};

        ok(dt_store_next(a->store, "outbox", dt_view_of(t->gid), at, &row));
        at = row.seq + 1;
        ok(dt_outbox_get(a, row.key.p, &rows[i]));
    }
    ok(dt_channel_load(a, t->gid, &ch));
    item.position = ch.position + 1;
    item.cell = dt_buf_view(&rows[0].cell);
    memcpy(item.append_id, rows[1].append_id, 16);
    ok(dt_channel_take_cell(a, t->gid, ch.queue_number, &item, &report));
    is(report.passed_over, 1);
    is(world_alarms(a, DT_ALARM_CELL), 1);
    ok(dt_agent_talk_list(a, t->gid, 0, &v, &n));
    for (size_t i = 0; i < n; i++)
        is(v[i].state, DT_TALK_SENT);
    dt_free(v);
    dt_outbox_row_clear(&rows[0]);
    dt_outbox_row_clear(&rows[1]);
}

/* A relay that says there is more and shows nothing, or leaves positions out. */
static enum dt_http_next
holey_relay(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    const struct dt_buf *answer = ctx;
    struct dt_buf body;

    (void)req;
    dt_buf_init(&body, DT_NET_ANSWER_MAX);
    if (dt_buf_set(&body, dt_buf_view(answer)) == DT_OK)
        dt_http_reply_body(reply, 200, "application/octet-stream", &body);
    return DT_HTTP_REPLY;
}

static void
gaps(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(4096);
    static const uint8_t cell[512];
    struct dt_http_server_config config = {.listen = "127.0.0.1:0", .handler = holey_relay, .ctx = &answer};
    struct dt_http_server *server = NULL;
    struct dt_writer w;
    size_t mark;

    ok(dt_http_server_start(&config, &server));
    (void)snprintf(t->a[1]->grant.relay, sizeof t->a[1]->grant.relay, "http://127.0.0.1:%u",
                   dt_http_server_port(server));
    for (int k = 0; k < 2; k++) {
        dt_buf_clear(&answer);
        w = dt_writer_init(&answer);
        dt_write_u64(&w, 1000);
        mark = dt_write_vec_begin(&w);
        if (k == 1) {
            dt_write_u64(&w, 900);
            dt_write_view(&w, dt_view(cell, 16));
            dt_write_vec(&w, dt_view_of(cell));
        }
        dt_write_vec_end(&w, mark);
        ok(dt_writer_end(&w));
        (void)alarm(20); /* it must not ask for ever */
        is(dt_agent_sync(t->a[1], NULL), DT_ERR_PROOF);
        (void)alarm(0);
    }
    dt_http_server_stop(server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(breaking_the_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lone_proposal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(garbage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fork_alarm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_bad_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(swapped_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gaps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(three_commits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(behind_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(talk_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(told_another_history, set_up, tear_down),
        cmocka_unit_test_setup_teardown(repeated_cell, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
