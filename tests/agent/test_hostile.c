/*
 * tests/agent/test_hostile.c - a hostile relay, a hostile member, a hostile sender to an inbox:
 * what they can send stops, confirms and fills nothing.
 */
#include <unistd.h>

#include "base/mem.h"
#include "base/wire.h"
#include "net/server.h"
#include "trial.h"

/* Commits that nobody can follow, and that break the rules besides: passed over like all others.
 * Were they "what we alone cannot follow", one message would put everybody out of the channel. */
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

        trial_post(t, &opts);
        trial_passed_over(t, "pre-shared key");
    }
    /* One that every member holds: that of an epoch of the channel itself; and the end of the
     * group. */
    {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        struct mls_psk own = {.resumption = true};
        struct mls_reinit reinit = {.group_id = dt_view_str("next"), .version = 1, .suite = 1};
        struct mls_commit_opts opts = {.force_path = true, .psks = {&own, 1}};

        ok(dt_channel_load(EVIL(t), t->gid, &ch));
        own.id = mls_group_id(ch.group);
        own.epoch = mls_group_epoch(ch.group);
        trial_post(t, &opts);
        trial_passed_over(t, "pre-shared key");
        opts = (struct mls_commit_opts){.force_path = true, .reinit = &reinit};
        trial_post(t, &opts);
        trial_passed_over(t, "closes the group");
    }
    /* A proposal that was sent to nobody, by reference. */
    {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf proposal = DT_BUF_INIT(DT_CELL_MAX);
        DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
        struct mls_propose_opts propose = {.kind = MLS_PROPOSE_REMOVE};
        struct mls_commit_opts opts = {.force_path = true, .commit_cached = true};
        uint8_t hash[32];

        world_letter_hash(t->a[0], hash);
        propose.remove = world_leaf(EVIL(t), t->gid, hash);
        trial_before(t);
        ok(dt_channel_load(EVIL(t), t->gid, &ch));
        ok(mls_group_propose(ch.group, &propose, &proposal));
        ok(mls_group_commit(ch.group, &opts, &out));
        ok(mb_post(&t->red, dt_buf_view(&out.commit)));
        world_sync(t->a, 2, 2); /* not red, whose own store knows nothing of it */
        for (size_t i = 0; i < 2; i++)
            trial_last_alarm(t, i, DT_ALARM_COMMIT, true, t->red.position, "is not known");
        is(world_channel(t->a[1], t->gid).epoch, t->epoch);
    }
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("undisturbed"), id));
    world_sync(t->a, 2, 2);
    is(world_talk_count(t->a[1], t->gid, dt_view_str("undisturbed")), 1);
}

/* A channel whose queue cannot be had (a member's Welcome may name any token) keeps no other from
 * being read. */
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

/* A relay that swallows our second message and shows the first under its append id: the first is
 * confirmed by what it is, the second is not by what the relay calls it. */
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
    ok(dt_channel_take_cell(a, t->gid, ch.queue_number, &item, NULL, &report));
    is(report.passed_over, 0);
    is(world_alarms(a, DT_ALARM_CELL), 0);
    ok(dt_agent_talk_list(a, t->gid, 0, &v, &n));
    is(n, 2);
    for (size_t i = 0; i < n; i++)
        is(v[i].state, memcmp(v[i].id, id[0], 16) == 0 ? DT_TALK_CONFIRMED : DT_TALK_SENT);
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
    struct dt_http_server_config config = {
        .listen = "127.0.0.1:0", .handler = holey_relay, .ctx = &answer};
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

/* A Commit whose Welcome is too long for an inbox is not made: its author says why and goes on. */
static void
too_long_a_welcome(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    struct dt_warrant w = {.n_grounds = 1};
    uint8_t *junk = calloc(1, 100000), id[16];

    assert_non_null(junk);
    w.grounds[0].kind = DT_GROUND_OWN;
    w.grounds[0].body = dt_view(junk, 100000);
    ok(dt_store_begin(EVIL(t)->store));
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    for (uint8_t i = 0; i < 5; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf one = DT_BUF_INIT(DT_WARRANT_MAX);

        w.grounds[0].invitation_id[0] = i;
        ok(dt_warrant_encode(&w, &one));
        ok(dt_history_add(&ch.warrants, dt_buf_view(&one)));
    }
    ok(dt_channel_save(EVIL(t), &ch, false));
    ok(dt_store_commit(EVIL(t)->store));
    ok(dt_agent_commit_admission(EVIL(t), t->request));
    ok(dt_agent_sync(EVIL(t), NULL));
    ok(dt_admission_load(EVIL(t), t->request, &x));
    is(x.state, DT_ADMISSION_FAILED);
    is(world_channel(EVIL(t), t->gid).epoch, 1);
    is(world_alarms(EVIL(t), DT_ALARM_COMMIT), 1);
    ok(dt_agent_talk_text(EVIL(t), t->gid, dt_view_str("still here"), id));
    world_sync(t->a, 3, 2);
    is(world_talk_count(t->a[0], t->gid, dt_view_str("still here")), 1);
    free(junk);
}

/* A history has a most; what would pass it is refused by all members alike. */
static void
full_history(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf warrants = DT_BUF_INIT(DT_HISTORY_MAX);
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
    struct dt_view add = dt_buf_view(&t->admission.key_package);
    struct mls_commit_opts opts = {
        .adds = &add, .n_adds = 1, .force_path = true, .lifetime = dt_mls_lifetime(EVIL(t))};
    struct dt_warrant w = mb_add_ground(&t->admission, dt_buf_view(&t->admission.approvals));
    struct dt_commit_meaning meaning;
    struct dt_rules rules;

    trial_use_warrant(t, &w, &opts);
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    ok(mls_group_commit(ch.group, &opts, &out));
    rules = dt_channel_rules(EVIL(t), &ch);
    ok(dt_commit_check(&rules, ch.group, mls_group_pending_effects(ch.group), &meaning));
    for (unsigned int i = 0; i < DT_HISTORY_WARRANTS; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf one = DT_BUF_INIT(DT_WARRANT_MAX);
        struct dt_warrant own = {.n_grounds = 1};

        own.grounds[0].kind = DT_GROUND_OWN;
        memcpy(own.grounds[0].invitation_id, &i, sizeof i);
        ok(dt_warrant_encode(&own, &one));
        ok(dt_history_add(&warrants, dt_buf_view(&one)));
    }
    rules.warrants = dt_buf_view(&warrants);
    is(dt_commit_check(&rules, ch.group, mls_group_pending_effects(ch.group), &meaning),
       DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "history is full"));
}

/* One delegate, two invitations, all approvals for both: it gets one seat. */
static void
two_seats(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_admission_clear) struct dt_admission second = {0};
    struct dt_view adds[2];
    struct dt_warrant w, v;
    uint8_t hash[32], request[16];

    world_letter_hash(t->a[3], hash);
    ok(dt_agent_request_admission(EVIL(t), t->gid, hash, request));
    world_sync(t->a, 4, 2);
    world_accept(t->a[3]);
    ok(dt_agent_approve(t->a[0], request));
    ok(dt_agent_approve(t->a[1], request));
    world_sync(t->a, 4, 2);
    ok(dt_admission_load(EVIL(t), request, &second));
    w = mb_add_ground(&t->admission, dt_buf_view(&t->admission.approvals));
    adds[0] = dt_buf_view(&t->admission.key_package);
    adds[1] = dt_buf_view(&second.key_package);
    v = w;
    memcpy(v.grounds[0].invitation_id, second.request_id, 16);
    v.grounds[0].body = dt_buf_view(&second.approvals);
    w.grounds[1] = v.grounds[0];
    w.n_grounds = 2;
    {
        struct mls_commit_opts opts = {.adds = adds, .n_adds = 2, .force_path = true};

        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, "two seats");
    }
}

/* An old invitation sent again does not make us throw away the keys of our answer. */
static void
invitation_again(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_invitation_clear) struct dt_invitation before = {0};
    DT_CLEANUP(dt_invitation_clear) struct dt_invitation after = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf founding = DT_BUF_INIT(DT_FOUNDING_MAX);
    struct dt_inbox_message m = {.kind = DT_INBOX_INVITATION};
    struct dt_agent *a = t->a[3];

    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    ok(dt_founding_encode(&ch.founding, &founding));
    ok(dt_letters_split(dt_buf_view(&ch.letters), m.letters, &m.n_letters));
    m.founding = dt_buf_view(&founding);
    m.sender_letter = dt_buf_view(&EVIL(t)->letter_bytes);
    memcpy(m.group_id, t->gid, 32);
    memcpy(m.invitation_id, t->request, 16);
    ok(dt_invitation_load(a, t->request, &before));
    ok(dt_invitation_take(a, &m));
    ok(dt_invitation_load(a, t->request, &after));
    assert_true(dt_view_equal(dt_buf_view(&before.key_package), dt_buf_view(&after.key_package)));
    ok(dt_agent_commit_admission(EVIL(t), t->request));
    world_sync(t->a, 4, 4);
    is(world_channel(a, t->gid).members, 4);
}

/* Whoever says again and again that it leaves is removed once, and fills nobody's store. */
static void
leaving_often(void **state)
{
    struct trial *t = *state;
    uint64_t n = 0;

    for (int i = 0; i < 5; i++)
        ok(dt_agent_leave(EVIL(t), t->gid));
    ok(dt_agent_sync(EVIL(t), NULL));
    /* Taken in, but nothing made of it yet. */
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        struct dt_sync_report report = {0};
        struct dt_wire_items items;
        struct dt_wire_item item;
        uint64_t last = 0;
        bool more = true;

        ok(dt_channel_load(t->a[0], t->gid, &ch));
        ok(dt_relay_read(t->a[0]->queue_http, t->a[0]->grant.relay, ch.queue.address,
                         dt_queue_read_token(&ch.queue), ch.position, 0, &answer));
        ok(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
        for (;;) {
            ok(dt_wire_items_next(&items, &item, &more));
            if (!more)
                break;
            ok(dt_channel_take_cell(t->a[0], t->gid, ch.queue_number, &item, NULL, &report));
        }
        is(report.received, 5);
        ok(dt_store_count(t->a[0]->store, "intent", dt_view_of(t->gid), &n));
        is(n, 1);
    }
    world_sync(t->a, 3, 3);
    is(world_channel(t->a[0], t->gid).members, 2);
    is(world_channel(EVIL(t), t->gid).state, DT_CHANNEL_LEFT);
}

/* A root revokes its own letters, and nobody else's: red's root says that blue's letter is void. */
static void
anothers_revocation(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(1024);
    struct dt_inbox_message m = {.kind = DT_INBOX_REVOCATION};
    struct dt_roster_entry *roster = NULL;
    struct dt_sync_report report = {0};
    struct dt_revocation v;
    uint8_t root[32], party[32];
    size_t n = 0;
    bool revoked = true;

    ok(dt_agent_letter_own(t->a[1], &l));
    memcpy(root, l.root, 32);
    memcpy(party, l.party, 32);
    ok(dt_ed25519_pub(dt_view_of(t->w.root[RED]), l.root));
    ok(dt_root_id(l.root, l.party));
    ok(dt_revocation_make(dt_view_of(t->w.root[RED]), &l, 1, &v));
    memcpy(l.root, root, 32);
    memcpy(l.party, party, 32);
    ok(dt_revocation_encode(&v, &bytes));
    m.revocation = dt_buf_view(&bytes);
    ok(dt_outbox_to_inbox(EVIL(t), &t->a[0]->letter, &m));
    ok(dt_agent_sync(EVIL(t), NULL));
    ok(dt_agent_sync(t->a[0], &report));
    is(report.received, 1);
    is(report.passed_over, 0);
    ok(dt_letter_revoked(t->a[0], &l, &revoked, NULL));
    assert_false(revoked);
    ok(dt_agent_roster(t->a[0], t->gid, &roster, &n));
    for (size_t i = 0; i < n; i++)
        assert_false(roster[i].who.revoked);
    dt_free(roster);
    /* Its own root's revocation is heard beside it. */
    dt_buf_clear(&bytes);
    ok(dt_revocation_make(dt_view_of(t->w.root[BLUE]), &l, 1, &v));
    ok(dt_revocation_encode(&v, &bytes));
    ok(dt_agent_revocation_import(t->a[0], dt_buf_view(&bytes)));
    ok(dt_letter_revoked(t->a[0], &l, &revoked, NULL));
    assert_true(revoked);
}

/* A group that red made up, whose history says that all others left: signed by red. A joiner does
 * not believe it. */
static void
made_up_history(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
    DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf warrants = DT_BUF_INIT(1u << 16);
    DT_CLEANUP(dt_buf_clear) struct dt_buf forum = DT_BUF_INIT(256);
    struct dt_view letters[DT_FOUNDING_MEMBERS];
    struct dt_agent *red = EVIL(t);
    struct mls_group *g = NULL;
    struct mls_typed extension;
    struct dt_forum_ext x;
    struct dt_rules rules;
    size_t n = 0;

    ok(dt_channel_load(red, t->gid, &ch));
    ok(dt_letters_split(dt_buf_view(&ch.letters), letters, &n));
    ok(mb_own_seat(&t->red, &own));
    ok(dt_session_rotate(red, t->gid, &own, &s));
    for (int honest = 1; honest >= 0; honest--) {
        dt_buf_clear(&warrants);
        for (size_t i = 0; i < ch.founding.n_members; i++) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);
            DT_CLEANUP(dt_buf_clear) struct dt_buf one = DT_BUF_INIT(DT_WARRANT_MAX);
            const struct dt_founding_member *m = &ch.founding.members[i];
            const struct dt_agent *by = honest ? t->a[m->party] : red;
            struct dt_warrant w = {.n_grounds = 1};
            struct dt_leave l;

            if (m->party == RED)
                continue;
            memcpy(l.forum, red->forum, 32);
            memcpy(l.group_id, t->gid, 32);
            memcpy(l.invitation_id, m->invitation_id, 16);
            ok(dt_leave_sign(&l, dt_secret_view(&by->delegate_seed)));
            ok(dt_leave_encode(&l, &body));
            w.grounds[0].kind = DT_GROUND_LEAVE;
            memcpy(w.grounds[0].invitation_id, m->invitation_id, 16);
            memcpy(w.grounds[0].letter_hash, m->letter_hash, 32);
            w.grounds[0].body = dt_buf_view(&body);
            ok(dt_warrant_encode(&w, &one));
            ok(dt_history_add(&warrants, dt_buf_view(&one)));
        }
        rules = dt_channel_rules(red, &ch);
        rules.warrants = dt_buf_view(&warrants);
        memcpy(x.forum, red->forum, 32);
        ok(dt_founding_hash(&ch.founding, x.founding_hash));
        ok(dt_warrants_hash(&rules, x.warrants_hash));
        dt_buf_clear(&forum);
        ok(dt_forum_ext_encode(&x, &forum));
        extension = (struct mls_typed){DT_EXT_FORUM, dt_buf_view(&forum)};
        {
            struct mls_group_params params = {.leaf = dt_session_leaf(&s),
                                              .group_id = dt_view_of(t->gid),
                                              .extensions = {&extension, 1},
                                              .required_extensions = {dt_mls_extensions, 1},
                                              .required_proposals = {dt_mls_proposals, 1},
                                              .not_before_s = 1,
                                              .not_after_s = 1u << 30,
                                              .policy = dt_mls_past()};

            ok(mls_group_create(&params, &g));
        }
        if (honest)
            ok(dt_history_check(&rules, letters, n, g));
        else
            is(dt_history_check(&rules, letters, n, g), DT_ERR_AUTH);
        mls_group_free(g);
        g = NULL;
    }
}

/* A key package in the place of the invitee's: of another member for the same invitation, of the
 * invitee for another one, and the invitee's voucher with a key that is not its own. Who asked for
 * it takes none of them, and admits whom it asked for. */
static void
anothers_key_package(void **state)
{
    struct trial *t = *state;
    static const uint8_t other[16] = {9};
    struct dt_agent *asker = EVIL(t); /* as honest here as any */
    struct mls_time_policy lifetime = dt_mls_lifetime(asker);
    struct mls_key_package_info real;

    ok(mls_key_package_open(dt_buf_view(&t->admission.key_package), &lifetime, &real, NULL));
    for (int i = 0; i < 3; i++) {
        DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
        DT_CLEANUP(mls_key_bundle_clear) struct mls_key_bundle bundle = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf kp = DT_BUF_INIT(DT_KEY_PACKAGE_MAX);
        DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
        struct dt_inbox_message m = {.kind = DT_INBOX_KEY_PACKAGE};
        struct mls_leaf_params leaf;

        ok(dt_session_new(t->a[i == 0 ? 1 : 3], t->gid, i == 1 ? other : t->request, &s));
        leaf = dt_session_leaf(&s);
        if (i == 2)
            leaf.identity = real.identity;
        ok(mls_key_package_new(&leaf, s.voucher.not_before_ms / 1000, s.voucher.not_after_ms / 1000,
                               (struct mls_typed_list){0}, &kp, &bundle));
        memcpy(m.group_id, t->gid, 32);
        memcpy(m.invitation_id, t->request, 16);
        m.key_package = dt_buf_view(&kp);
        is(dt_key_package_take(asker, &m), i == 2 ? DT_ERR_AUTH : DT_ERR_REFUSED);
        ok(dt_admission_load(asker, t->request, &x));
        assert_true(
            dt_view_equal(dt_buf_view(&x.key_package), dt_buf_view(&t->admission.key_package)));
    }
    ok(dt_agent_commit_admission(asker, t->request));
    world_sync(t->a, 4, 4);
    is(world_channel(t->a[3], t->gid).members, 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unknown_parts, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(one_bad_channel, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(swapped_ids, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(gaps, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(too_long_a_welcome, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(full_history, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(two_seats, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(invitation_again, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(anothers_key_package, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(leaving_often, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(anothers_revocation, trial_set_up, trial_tear_down),
        cmocka_unit_test_setup_teardown(made_up_history, trial_set_up, trial_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
