/*
 * tests/agent/test_rules.c - Commits by hand-made members that break the rules: passed over by all,
 * and named.
 *
 * The evil member is a real one (red) whose agent is driven past its own checks.
 */
#include "agent/flows.h"
#include "base/mem.h"
#include "record/words.h"
#include "trial.h"

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
    w = trial_add_ground(t, dt_buf_view(&approvals));
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, 1, "an approval is missing");
    }
    /* The same party three times. */
    ok(dt_approvals_add(&approvals, &mine));
    ok(dt_approvals_add(&approvals, &mine));
    w = trial_add_ground(t, dt_buf_view(&approvals));
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, 1, "two approvals of one party");
    }
    /* Approvals that red wrote in the others' names. */
    dt_buf_clear(&approvals);
    for (uint8_t p = 0; p < 3; p++) {
        v = mine;
        v.party = p;
        ok(dt_approval_sign(&v, dt_secret_view(&EVIL(t)->delegate_seed)));
        ok(dt_approvals_add(&approvals, &v));
    }
    w = trial_add_ground(t, dt_buf_view(&approvals));
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, 1, "another party");
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
    w = trial_add_ground(t, dt_buf_view(&approvals));
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, 1, "approval");
    }
    /* All approvals, but no path. */
    w = trial_add_ground(t, dt_buf_view(&t->admission.approvals));
    {
        struct mls_commit_opts opts = {.removes = NULL};

        /* Without adds, removes or extensions only a private-use proposal needs no path. */
        t->private_use[0] = (struct mls_typed){DT_PROP_WARRANT, dt_view_str("x")};
        opts.private_use = (struct mls_typed_list){t->private_use, 1};
        trial_post(t, &opts);
        trial_passed_over(t, 1, "");
    }
    /* All approvals, and the forum extension not advanced. */
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        trial_use_warrant(t, &w, &opts);
        opts.set_extensions = false;
        opts.extensions = (struct mls_typed_list){0};
        trial_post(t, &opts);
        trial_passed_over(t, 1, "do not go together");
    }
    /* The extension advanced by another warrant than the one carried. */
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        trial_use_warrant(t, &w, &opts);
        t->forum.p[t->forum.n - 1] ^= 1;
        trial_post(t, &opts);
        trial_passed_over(t, 1, "not advanced as the warrant asks");
    }
    /* An add without any warrant. */
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        trial_post(t, &opts);
        trial_passed_over(t, 1, "without a warrant");
    }
    /* A warrant for nothing. (Proposals of other types are refused by MLS: no leaf's capabilities
     * list them.) */
    {
        struct mls_commit_opts opts = {.force_path = true};

        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, 1, "warrant for nothing");
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
        trial_post(t, &opts);
        trial_passed_over(t, 1, "without a warrant");
        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, 1, "another party is removed without a ground");
    }
    /* Rotations: serial + 2; another invitation id; a pre-shared data flag that is not known. */
    for (int k = 0; k < 2; k++) {
        DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
        struct mls_commit_opts opts = {.force_path = true};
        DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};

        trial_own_seat(t, &own);
        own.voucher.serial += k == 0;
        own.voucher.invitation_id[0] ^= k == 1;
        ok(dt_session_rotate(EVIL(t), t->gid, &own, &s));
        opts.new_signature_priv = dt_secret_view(&s.seed);
        opts.new_signature_pub = dt_view_of(s.pub);
        opts.new_identity = dt_buf_view(&s.identity);
        trial_post(t, &opts);
        trial_passed_over(t, 1, "a rotation changes more");
    }
    {
        struct mls_commit_opts opts = {.force_path = true, .authenticated_data = dt_view_str("\2")};

        trial_post(t, &opts);
        trial_passed_over(t, 1, "authenticated data");
    }
    /* A session key that the delegate's key did not vouch for. */
    {
        DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
        DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
        struct mls_commit_opts opts = {.force_path = true};
        uint8_t seed[32] = {9}, pub[32];

        trial_own_seat(t, &own);
        ok(dt_session_rotate(EVIL(t), t->gid, &own, &s));
        ok(dt_ed25519_pub(dt_view_of(seed), pub));
        opts.new_signature_priv = dt_view_of(seed);
        opts.new_signature_pub = dt_view_of(pub);
        opts.new_identity = dt_buf_view(&s.identity);
        trial_post(t, &opts);
        trial_passed_over(t, 1, "voucher");
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
    ok(dt_outbox_to_queue(EVIL(t), &ch, DT_OUTBOX_COMMIT, id, dt_buf_view(&message),
                          dt_view(NULL, 0), append_id));
    ok(dt_store_commit(
        EVIL(t)->store)); /* the group itself is not saved: evil goes on as if nothing was */
    ok(dt_outbox_flush(EVIL(t), t->gid, &sent));
    trial_passed_over(t, 1, "a proposal outside a Commit");
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("undisturbed"), id));
    ok(dt_agent_talk_text(t->a[1], t->gid, dt_view_str("me too"), id));
    world_sync(t->a, 2, 2);
    is(world_talk_count(t->a[1], t->gid, dt_view_str("undisturbed")), 1);
    is(world_talk_count(t->a[0], t->gid, dt_view_str("me too")), 1);
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
    ok(dt_outbox_to_queue(EVIL(t), &ch, DT_OUTBOX_HERE, append.append_id,
                          dt_view_str("no MLS message"), dt_view(NULL, 0), append_id));
    world_letter_hash(t->a[0], hash);
    ok(dt_letter_load(EVIL(t), hash, &l, NULL, NULL));
    ok(dt_outbox_to_inbox(EVIL(t), &l, &m));
    ok(dt_outbox_flush(EVIL(t), t->gid, &sent));
    ok(dt_outbox_flush(EVIL(t), NULL, &sent));
    append.append_id[0] = 1;
    ok(dt_relay_append(EVIL(t)->queue_http, EVIL(t)->grant.relay, l.inbox_address.p, l.inbox_token,
                       &append, &position));
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_alarms(t->a[0], DT_ALARM_CELL), 2);
    is(world_alarms(t->a[0], DT_ALARM_WELCOME), 2);
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("goes on"), id));
    ok(dt_agent_sync(t->a[0], NULL));
    ok(dt_agent_sync(t->a[1], NULL));
    is(world_talk_count(t->a[1], t->gid, dt_view_str("goes on")), 1);
}

/* DESIGN "Handshakes": a PublicMessage is passed over before MLS sees it, whatever it says. */
static void
public_message(void **state)
{
    static const uint8_t bytes[] = {0, 1, 0, 1, 32, 7, 7, 7}; /* version 1, wire format 1 */
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_free_p) struct dt_alarm_info *alarms = NULL;
    uint8_t id[16] = {9}, append_id[16];
    size_t sent = 0, n = 0;

    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    ok(dt_outbox_to_queue(EVIL(t), &ch, DT_OUTBOX_HERE, id, dt_view_of(bytes), dt_view(NULL, 0),
                          append_id));
    ok(dt_outbox_flush(EVIL(t), t->gid, &sent));
    ok(dt_agent_sync(t->a[0], NULL));
    ok(dt_agent_alarms(t->a[0], &alarms, &n));
    is(n, 1);
    assert_non_null(strstr(alarms[0].text, "a cell was passed over"));
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
    ok(dt_outbox_to_queue(EVIL(t), &ch, DT_OUTBOX_HERE, p.id, dt_buf_view(&message),
                          dt_view(NULL, 0), append_id));
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

/* A message that stands in the old queue behind the Commit that ended it, and one that was not even
 * sent: both arrive once, in the new queue. */
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

/* One piece of talk protected twice, as by an agent that could not know whether its first copy
 * counts: kept once. */
static void
talk_twice(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(512);
    struct dt_payload p = {.kind = DT_PAYLOAD_TALK,
                           .id = {5},
                           .media_type = dt_view_str("text/plain"),
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

/* A rightful Commit, but the new member is told another history than the members have: it does not
 * join. */
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
    struct dt_warrant w = trial_add_ground(t, dt_buf_view(&t->admission.approvals));
    struct mls_typed info[2];
    struct mls_commit_opts opts = {
        .adds = &add, .n_adds = 1, .force_path = true, .lifetime = dt_mls_lifetime(EVIL(t))};
    struct dt_channel_info none;
    size_t sent = 0;

    trial_use_warrant(t, &w, &opts);
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    ok(dt_history_ext(&ch, dt_buf_view(&ch.warrants),
                      &history)); /* without the warrant of this Commit */
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
        /* Behind it stand the receipts of the two others. */
        is(world_channel(t->a[i], t->gid).position, position + 2);
    }
}

/* Post the removal of the mediator on the one ground ${kind} with ${body}; it is passed over. */
static void
try_removal(struct trial *t, enum dt_ground_kind kind, struct dt_view body, const char *why)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint8_t hash[32];
    uint32_t leaf;
    struct mls_commit_opts opts = {.removes = &leaf, .n_removes = 1, .force_path = true};
    struct dt_warrant w = {.n_grounds = 1};

    world_letter_hash(t->a[0], hash);
    leaf = world_leaf(EVIL(t), t->gid, hash);
    ok(dt_channel_load(t->a[0], t->gid, &ch));
    w.grounds[0].kind = kind;
    memcpy(w.grounds[0].invitation_id, ch.invitation_id, 16);
    memcpy(w.grounds[0].letter_hash, hash, 32);
    w.grounds[0].body = body;
    trial_use_warrant(t, &w, &opts);
    trial_post(t, &opts);
    trial_passed_over(t, 1, why);
}

/* DESIGN "Warrants", to remove: the leaver's own leave, its own root's revocation; nobody else's,
 * and no ground that this version does not know. */
static void
removal_needs_a_ground_that_holds(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);
    struct dt_revocation v;
    struct dt_leave leave;

    ok(dt_channel_load(t->a[0], t->gid, &ch));
    memcpy(leave.forum, EVIL(t)->forum, 32);
    memcpy(leave.group_id, t->gid, 32);
    memcpy(leave.invitation_id, ch.invitation_id, 16);
    ok(dt_leave_sign(&leave, dt_secret_view(&EVIL(t)->delegate_seed)));
    ok(dt_leave_encode(&leave, &body));
    try_removal(t, DT_GROUND_LEAVE, dt_buf_view(&body), "signature");
    /* The mediator's own leave, of another channel. */
    dt_buf_clear(&body);
    leave.group_id[0] ^= 1;
    ok(dt_leave_sign(&leave, dt_secret_view(&t->a[0]->delegate_seed)));
    ok(dt_leave_encode(&leave, &body));
    try_removal(t, DT_GROUND_LEAVE, dt_buf_view(&body), "a leave is for something else");
    /* Red's root revokes the mediator's letter. */
    dt_buf_clear(&body);
    ok(dt_agent_letter_own(t->a[0], &l));
    ok(dt_ed25519_pub(dt_view_of(t->w.root[RED]), l.root));
    ok(dt_root_id(l.root, l.party));
    ok(dt_revocation_make(dt_view_of(t->w.root[RED]), &l, 1, &v));
    ok(dt_revocation_encode(&v, &body));
    try_removal(t, DT_GROUND_REVOCATION, dt_buf_view(&body), "revocation is of another letter");
    /* The mediator's root revokes another letter. */
    dt_buf_clear(&body);
    dt_letter_clear(&l);
    ok(dt_agent_letter_own(t->a[0], &l));
    l.hash[0] ^= 1;
    ok(dt_revocation_make(dt_view_of(t->w.root[MEDIATOR]), &l, 1, &v));
    ok(dt_revocation_encode(&v, &body));
    try_removal(t, DT_GROUND_REVOCATION, dt_buf_view(&body), "a revocation is of another letter");
    try_removal(t, DT_GROUND_EXPIRED, dt_view_str("note"), "not known");
}

/* DESIGN "Warrants", to re-join: a request signed by the holder of the seat; no member re-joins
 * another, and none puts someone else into the seat. */
static void
no_member_rejoins_another(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);
    struct dt_view add = dt_buf_view(&t->admission.key_package);
    struct mls_member own;
    struct dt_rejoin q;
    uint32_t leaf;

    /* Blue's first gives its seat to blue's second, whose key package is real: without approvals.
     */
    ok(dt_channel_load(t->a[1], t->gid, &ch));
    leaf = mls_group_own_leaf(ch.group);
    assert_true(mls_group_member(ch.group, leaf, &own));
    memcpy(q.forum, t->a[1]->forum, 32);
    memcpy(q.group_id, t->gid, 32);
    memcpy(q.old_session_key, own.signature_key.p, 32);
    memcpy(q.old_invitation_id, ch.invitation_id, 16);
    memcpy(q.letter_hash, t->admission.letter_hash, 32);
    memcpy(q.invitation_id, t->admission.request_id, 16);
    for (int k = 0; k < 2; k++) {
        struct mls_commit_opts opts = {
            .removes = &leaf, .n_removes = 1, .adds = &add, .n_adds = 1, .force_path = true};
        struct dt_warrant w = trial_add_ground(t, dt_view(NULL, 0));

        if (k == 1) /* bound to the seat */
            q.old_invitation_id[0] ^= 1;
        dt_buf_clear(&body);
        ok(dt_rejoin_sign(&q, dt_secret_view(&t->a[1]->delegate_seed)));
        ok(dt_rejoin_encode(&q, &body));
        w.grounds[0].kind = DT_GROUND_REJOIN;
        w.grounds[0].body = dt_buf_view(&body);
        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, 1, k == 0 ? "seat another delegate" : "does not remove");
    }
}

/* DESIGN "Warrants", to add: each approval holds for epochs n to n + 64, and is by a delegate with
 * the right. */
static void
approvals_hold_for_their_epochs_and_by_right(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf approvals = DT_BUF_INIT(1u << 16);
    struct dt_view add = dt_buf_view(&t->admission.key_package);

    for (int k = 0; k < 4; k++) {
        static const char *const why[] = {"does not hold for epoch", "right", "for something else",
                                          "for something else"};
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};
        struct dt_view rest = dt_buf_view(&t->admission.approvals);
        struct dt_approval v;
        struct dt_warrant w;

        dt_buf_clear(&approvals);
        while (dt_approvals_next(&rest, &v) == DT_OK) {
            const struct dt_agent *by = t->a[v.party];

            if (v.party == BLUE) {
                if (k == 0)
                    v.epoch_from = 2;
                if (k == 1) { /* blue's second has the right to talk only */
                    by = t->a[3];
                    v.letter = dt_buf_view(&by->letter_bytes);
                }
                if (k == 2)
                    v.founding_hash[0] ^= 1;
                if (k == 3)
                    v.invitation_id[0] ^= 1;
                ok(dt_approval_sign(&v, dt_secret_view(&by->delegate_seed)));
            }
            ok(dt_approvals_add(&approvals, &v));
        }
        w = trial_add_ground(t, dt_buf_view(&approvals));
        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, 1, why[k]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(breaking_the_rules, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(lone_proposal, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(removal_needs_a_ground_that_holds, trial_set_up,
                                        trial_tear_down),
        cmocka_unit_test_setup_teardown(no_member_rejoins_another, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(approvals_hold_for_their_epochs_and_by_right, trial_set_up,
                                        trial_tear_down),
        cmocka_unit_test_setup_teardown(garbage, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(public_message, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(fork_alarm, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(three_commits, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(behind_the_end, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(talk_twice, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(told_another_history, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(repeated_cell, trial_set_up, trial_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
