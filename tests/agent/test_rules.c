/*
 * tests/agent/test_rules.c - the rules of removing and re-joining, and of the order of a queue:
 * what a hostile member (test_member_*.c has the rest) or the queue itself puts in the way.
 */
#include "agent/sync/flows.h"
#include "base/mem.h"
#include "record/words.h"
#include "trial.h"

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
    /* Both membership changes have replaced the session keys of the others, too. */
    all_at(t, 7, "behind the end", 1);
    all_at(t, 7, "not sent at all", 1);
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
    struct dt_warrant w = mb_add_ground(&t->admission, dt_buf_view(&t->admission.approvals));
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
    trial_passed_over(t, why);
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
        struct dt_warrant w = mb_add_ground(&t->admission, dt_view(NULL, 0));

        if (k == 1) /* bound to the seat */
            q.old_invitation_id[0] ^= 1;
        dt_buf_clear(&body);
        ok(dt_rejoin_sign(&q, dt_secret_view(&t->a[1]->delegate_seed)));
        ok(dt_rejoin_encode(&q, &body));
        w.grounds[0].kind = DT_GROUND_REJOIN;
        w.grounds[0].body = dt_buf_view(&body);
        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, k == 0 ? "seat another delegate" : "does not remove");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(removal_needs_a_ground_that_holds, trial_set_up,
                                        trial_tear_down),
        cmocka_unit_test_setup_teardown(no_member_rejoins_another, trial_set_up, trial_tear_down),
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
