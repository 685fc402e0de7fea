/*
 * tests/agent/test_member_commits.c - a hostile member's Commits: of its own leaf, from outside,
 * too many, too big, and such as not everyone can follow. Each test has the name of the rule in the
 * design that it breaks.
 */
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "trial.h"

#define TRIAL(f) cmocka_unit_test_setup_teardown(f, trial_set_up, trial_tear_down)

/* ---- its own leaf ---- */

/* "it may change session key, voucher and encryption key, never letter or delegate key": red takes
 * its seat under a colleague's letter, with that colleague's real voucher. */
static void
credentials_colleagues_letter_in_an_update(void **state)
{
    struct trial *t = *state;
    struct dt_agent *colleague = world_home(&t->w, "red-2", RED, DT_RIGHTS_ALL);

    trial_before(t);
    ok(mb_colleagues_letter(&t->red, colleague));
    trial_passed_over(t, "a rotation changes more than session key and voucher");
    /* "all proposals are by value", and an Update is never one's own. */
    trial_before(t);
    ok(mb_update_proposal(&t->red, colleague));
    trial_passed_over(t, "a proposal outside a Commit");
    dt_agent_close(colleague);
}

/* "serial + 1": and a key that the delegate's key did not vouch for. */
static void
credentials_rotation_by_the_voucher_alone(void **state)
{
    struct trial *t = *state;

    for (int k = 0; k < 3; k++) {
        DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
        DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
        struct mls_commit_opts opts = {.force_path = true};
        uint8_t seed[32] = {9}, pub[32];

        ok(mb_own_seat(&t->red, &own));
        own.voucher.serial += k == 0;
        own.voucher.invitation_id[0] ^= k == 1;
        ok(dt_session_rotate(EVIL(t), t->gid, &own, &s));
        ok(dt_ed25519_pub(dt_view_of(seed), pub));
        opts.new_signature_priv = k == 2 ? dt_view_of(seed) : dt_secret_view(&s.seed);
        opts.new_signature_pub = k == 2 ? dt_view_of(pub) : dt_view_of(s.pub);
        opts.new_identity = dt_buf_view(&s.identity);
        trial_post(t, &opts);
        trial_passed_over(t, k == 2 ? "voucher" : "a rotation changes more");
    }
}

/* "what an expired leaf sends is shown as unconfirmed": red rotates to a voucher that had run out.
 * A Commit is judged without a clock; all go along, and say who it was. */
static void
credentials_expired_voucher_in_a_rotation(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_free_p) struct dt_talk_info *talk = NULL;
    bool shown = false;
    size_t n = 0;

    trial_before(t);
    ok(mb_expired_voucher(&t->red));
    trial_read(t, 2); /* and no more: its agent would see to its voucher first */
    {
        struct dt_payload p = {.kind = DT_PAYLOAD_TALK,
                               .id = {7},
                               .media_type = dt_view_str("text/plain"),
                               .data = dt_view_str("believe me")};

        ok(mb_payload(&t->red, &p));
    }
    world_sync(t->a, 2, 2);
    for (size_t i = 0; i < 2; i++) {
        is(world_channel(t->a[i], t->gid).epoch, t->epoch + 1);
        is(world_alarms(t->a[i], ANY_ALARM), t->alarms[i] + 1);
        trial_last_alarm(t, i, DT_ALARM_COMMIT, true, t->red.position - 1,
                         "a voucher that had run out");
    }
    ok(dt_agent_talk_list(t->a[0], t->gid, 0, &talk, &n));
    for (size_t i = 0; i < n; i++)
        if (talk[i].id[0] == 7 && talk[i].id[1] == 0 && talk[i].id[15] == 0) {
            assert_true(talk[i].unconfirmed);
            shown = true;
        }
    assert_true(shown);
    world_sync(t->a, 3, 2); /* red's agent rotates */
    trial_goes_on(t);
}

/* ---- the forms ---- */

/* "In live channels all proposals are by value", a warrant exactly when it adds or removes, the
 * `forum` extension advanced by it and by nothing else. */
static void
warrants_forum_extension_and_warrant_go_together(void **state)
{
    struct trial *t = *state;
    struct dt_view add = dt_buf_view(&t->admission.key_package);
    struct dt_warrant w = mb_add_ground(&t->admission, dt_buf_view(&t->admission.approvals));

    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        trial_use_warrant(t, &w, &opts);
        opts.set_extensions = false;
        opts.extensions = (struct mls_typed_list){0};
        trial_post(t, &opts);
        trial_passed_over(t, "do not go together");
    }
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};

        trial_use_warrant(t, &w, &opts);
        t->warrant.forum.p[t->warrant.forum.n - 1] ^= 1;
        trial_post(t, &opts);
        trial_passed_over(t, "not advanced as the warrant asks");
    }
    {
        struct mls_commit_opts opts = {.force_path = true};

        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, "warrant for nothing");
    }
    {
        struct mls_commit_opts opts = {.force_path = true, .authenticated_data = dt_view_str("\2")};

        trial_post(t, &opts);
        trial_passed_over(t, "authenticated data");
    }
}

/* "No one else can remove, the mediator included": as if it were of our own party, and without a
 * word. */
static void
warrants_no_member_removes_another_partys(void **state)
{
    struct trial *t = *state;
    struct dt_roster_entry who;

    trial_before(t);
    ok(mb_expel(&t->red, "envoy"));
    trial_passed_over(t, "another party is removed without a ground");
    ok(mb_member(&t->red, "envoy", &who));
    {
        struct mls_commit_opts opts = {.removes = &who.leaf, .n_removes = 1, .force_path = true};

        trial_post(t, &opts);
        trial_passed_over(t, "without a warrant");
    }
}

/* "External commits and external senders are off": as a PublicMessage of someone new, which red
 * signs with the key in its path; and as a proposal in a member's Commit. */
static void
warrants_external_commits_are_off(void **state)
{
    struct trial *t = *state;

    trial_before(t);
    ok(mb_external_commit(&t->red));
    trial_passed_over(t, "it is an external Commit");
    trial_before(t);
    ok(mb_external_init(&t->red));
    trial_passed_over(t, "ExternalInit in a member's Commit");
}

/* ---- much of it ---- */

static double
cpu_s(void)
{
    struct timespec x;

    is(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &x), 0);
    return (double)x.tv_sec + (double)x.tv_nsec / 1e9;
}

static long
peak_kib(void)
{
    struct rusage u;

    is(getrusage(RUSAGE_SELF, &u), 0);
    return u.ru_maxrss;
}

static size_t
alarm_rows(struct dt_agent *a)
{
    struct dt_alarm_info *v = NULL;
    size_t n = 0;

    ok(dt_agent_alarms(a, &v, &n));
    dt_free(v);
    return n;
}

/* What one honest agent takes for all that red posted, measured. */
static double
take_in(struct trial *t, size_t i, const char *what, size_t n)
{
    double began = cpu_s(), took;
    long peak = peak_kib();

    ok(dt_agent_sync(t->a[i], NULL));
    took = cpu_s() - began;
    print_message("%s: %zu cells, %.0f ms in all, %.2f ms each, peak memory +%ld KiB\n", what, n,
                  took * 1e3, took * 1e3 / (double)n, peak_kib() - peak);
    return took;
}

/* "The first Commit for the current epoch, in queue order, that passes the checks ... is the one;
 * all others are passed over": a hundred that do not, and then red's good one counts. */
static void
handshakes_a_hundred_garbage_commits_before_a_good_one(void **state)
{
    struct trial *t = *state;
    struct mls_commit_opts opts = {.force_path = true};
    size_t rows[2];

    trial_before(t);
    for (size_t i = 0; i < 2; i++)
        rows[i] = alarm_rows(t->a[i]);
    ok(mb_garbage_commits(&t->red, 100));
    ok(mb_commit_follow(&t->red, &opts, NULL));
    assert_true(take_in(t, 0, "a hundred garbage Commits", 100) < 60);
    world_sync(t->a, 3, 2);
    for (size_t i = 0; i < 2; i++) {
        is(world_channel(t->a[i], t->gid).epoch, t->epoch + 1);
        is(world_alarms(t->a[i], ANY_ALARM), t->alarms[i] + 100);
        is(alarm_rows(t->a[i]), rows[i] + 4); /* one for each kind of garbage */
        trial_last_alarm(t, i, DT_ALARM_COMMIT, true, t->red.position - 1, "");
    }
    trial_goes_on(t);
}

/* "never allocates by a number that it has not checked": ten thousand proposals in one Commit. */
static void
bad_input_ten_thousand_proposals(void **state)
{
    struct trial *t = *state;

    trial_before(t);
    ok(mb_proposals(&t->red, 10000));
    assert_true(take_in(t, 0, "ten thousand proposals", 1) < 5);
    trial_passed_over(t, "more than 2048 proposals in a Commit");
}

/* "all proposals are by value": one by one, and no one's sending is stopped by them. DT_PROPOSALS
 * of them. */
static void
warrants_proposals_are_by_value(void **state)
{
    struct trial *t = *state;
    const char *much = getenv("DT_PROPOSALS");
    unsigned int n = much != NULL ? (unsigned int)strtoul(much, NULL, 10) : 300;
    size_t rows = alarm_rows(t->a[0]);

    trial_before(t);
    ok(mb_lone_proposals(&t->red, n));
    assert_true(take_in(t, 0, "lone proposals", n) < 0.5 * n);
    assert_true(alarm_rows(t->a[0]) <= rows + 1);
    trial_passed_over_as(t, n, DT_ALARM_COMMIT, true, "a proposal outside a Commit");
}

/* "Cells. 512 bytes ... larger ones in steps": padding inside MLS. What a cell can hold is taken,
 * and its sender named; a MiB of it is taken by no relay, and refused from one that passes it on.
 */
static void
cells_pad_and_nothing_else_one_mib_of_padding(void **state)
{
    struct trial *t = *state;
    struct dt_sync_report report = {0};
    struct dt_wire_item item = {0};
    struct dt_channel_info info;
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(2u << 20);

    trial_before(t);
    is(mb_padding(&t->red, 1u << 20), DT_ERR_LIMIT);
    ok(mb_padding(&t->red, 500000));
    assert_true(take_in(t, 0, "500,000 bytes of padding", 1) < 5);
    trial_passed_over_as(t, 1, DT_ALARM_CELL, true, "padding of its own");
    for (size_t i = 0; i < 2; i++)
        is(world_talk_count(t->a[i], t->gid, dt_view_str("padded")), 1);

    ok(dt_buf_reserve(&cell, 1u << 20));
    memset(cell.p, 0x55, 1u << 20);
    cell.n = 1u << 20;
    info = world_channel(t->a[0], t->gid);
    item.position = info.position + 1;
    item.cell = dt_buf_view(&cell);
    ok(dt_channel_take_cell(t->a[0], t->gid, info.queue_number, &item, NULL, &report));
    is(report.passed_over, 1);
    trial_last_alarm(t, 0, DT_ALARM_CELL, false, item.position, "no legal size");
}

/* ---- what not everyone can follow ---- */

/* "Who alone cannot follow a path says so and re-joins." */
static void
handshakes_path_that_one_member_cannot_follow(void **state)
{
    struct trial *t = *state;
    uint8_t hash[32], id[16];
    uint32_t leaf;

    world_letter_hash(t->a[1], hash);
    leaf = world_leaf(EVIL(t), t->gid, hash);
    trial_before(t);
    ok(mb_path_for_all_but(&t->red, leaf));
    ok(dt_agent_sync(t->a[0], NULL));
    is(world_channel(t->a[0], t->gid).epoch, t->epoch + 1);
    /* The mediator says something meanwhile, and blue what it has to say. */
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("meanwhile"), id));
    ok(dt_agent_talk_text(t->a[1], t->gid, dt_view_str("from blue"), id));
    ok(dt_agent_sync(t->a[0], NULL));
    ok(dt_agent_sync(t->a[1], NULL));
    is(world_alarms(t->a[1], DT_ALARM_COMMIT), 1);
    trial_last_alarm(t, 1, DT_ALARM_COMMIT, true, t->red.position, "cannot be followed");
    world_sync(t->a, 3, 6);
    is(world_alarms(t->a[0], DT_ALARM_COMMIT), 0);
    trial_goes_on(t);
    is(world_talk_count(EVIL(t), t->gid, dt_view_str("meanwhile")), 1);
    is(world_talk_count(t->a[0], t->gid, dt_view_str("from blue")), 1);
    is(world_talk_count(EVIL(t), t->gid, dt_view_str("from blue")), 1);
}

/* The same for everybody: the channel is over, all know through whom, what was said is there, and
 * the honest found another without red. */
static void
handshakes_path_that_nobody_can_follow(void **state)
{
    struct trial *t = *state;
    uint8_t again[32];

    trial_before(t);
    ok(mb_path_for_all_but(&t->red, MB_ALL));
    world_sync(t->a, 2, 2);
    for (size_t i = 0; i < 2; i++) {
        is(world_channel(t->a[i], t->gid).state, DT_CHANNEL_BROKEN);
        trial_last_alarm(t, i, DT_ALARM_COMMIT, true, t->red.position, "cannot be followed");
        is(world_talk_count(t->a[i], t->gid, dt_view_str("before 1, red-1")), 1);
    }
    world_found(t->a, 2, DT_CHANNEL_CAUCUS, "anew", again);
}

/* "Nothing is ... forked without being noticed": together with the relay, red shows one Commit to
 * the mediator and another to blue, both good. */
static void
nothing_is_forked_two_commits_to_two_members(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf other = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct mls_commit_opts opts = {.force_path = true};
    struct dt_sync_report report = {0};
    struct dt_wire_item item = {0};
    struct dt_channel_info a, b;
    uint8_t id[16];

    trial_before(t);
    ok(mb_commit_make(&t->red, &opts, &other));
    ok(dt_channel_load(t->a[1], t->gid, &ch));
    ok(dt_cell_seal(&ch.queue, dt_secret_view(&EVIL(t)->mark_key), dt_buf_view(&other), &cell));
    ok(mb_commit_follow(&t->red, &opts, NULL));
    item.position = t->red.position;
    item.cell = dt_buf_view(&cell);
    ok(dt_channel_take_cell(t->a[1], t->gid, ch.queue_number, &item, NULL, &report));
    ok(dt_agent_sync(t->a[0], NULL));
    a = world_channel(t->a[0], t->gid);
    b = world_channel(t->a[1], t->gid);
    is(a.epoch, t->epoch + 1);
    is(b.epoch, t->epoch + 1);
    assert_memory_not_equal(a.epoch_authenticator, b.epoch_authenticator, 32);

    /* The first word that crosses over is a fork to blue. It looks at the queue again, and the
     * relay now shows it what it showed the mediator. */
    ok(dt_agent_talk_text(t->a[0], t->gid, dt_view_str("on one side"), id));
    ok(dt_agent_talk_text(t->a[1], t->gid, dt_view_str("on the other"), id));
    world_sync(t->a, 2, 3);
    assert_true(world_alarms(t->a[1], DT_ALARM_FORK) >= 1);
    /* They compare by voice, and blue comes back to where the mediator is. */
    ok(dt_agent_rejoin(t->a[1], t->gid));
    world_sync(t->a, 3, 6);
    trial_goes_on(t);
    is(world_talk_count(EVIL(t), t->gid, dt_view_str("on one side")), 1);
    is(world_talk_count(t->a[0], t->gid, dt_view_str("on the other")), 1);
}

/* What cannot be opened with the keys of an epoch that we know was sealed in another one of that
 * number, or is garbage: it names nobody, and everybody is told to compare. */
static void
nothing_is_forked_a_message_of_another_epoch(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf commit = DT_BUF_INIT(DT_CELL_MAX);
    struct mls_commit_opts opts = {.force_path = true};

    trial_before(t);
    ok(mb_commit_make(&t->red, &opts, &commit));
    commit.p[52] ^= 1; /* in the encrypted sender data */
    ok(mb_post(&t->red, dt_buf_view(&commit)));
    trial_passed_over_as(t, 1, DT_ALARM_FORK, false, "of another epoch");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(credentials_colleagues_letter_in_an_update),
        TRIAL(credentials_rotation_by_the_voucher_alone),
        TRIAL(credentials_expired_voucher_in_a_rotation),
        TRIAL(warrants_forum_extension_and_warrant_go_together),
        TRIAL(warrants_no_member_removes_another_partys),
        TRIAL(warrants_external_commits_are_off),
        TRIAL(handshakes_a_hundred_garbage_commits_before_a_good_one),
        TRIAL(bad_input_ten_thousand_proposals),
        TRIAL(warrants_proposals_are_by_value),
        TRIAL(cells_pad_and_nothing_else_one_mib_of_padding),
        TRIAL(handshakes_path_that_one_member_cannot_follow),
        TRIAL(handshakes_path_that_nobody_can_follow),
        TRIAL(nothing_is_forked_two_commits_to_two_members),
        TRIAL(nothing_is_forked_a_message_of_another_epoch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
