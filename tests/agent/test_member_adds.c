/*
 * tests/agent/test_member_adds.c - a hostile member adds someone without the grounds. Each test has
 * the name of the rule in the design that it breaks.
 */
#include "base/mem.h"
#include "trial.h"

#define TRIAL(f) cmocka_unit_test_setup_teardown(f, trial_set_up, trial_tear_down)

/* "a member is added only with an approval from every party in the channel" */
static void
no_ghosts_commit_without_approvals(void **state)
{
    struct trial *t = *state;

    trial_before(t);
    ok(mb_without_warrant(&t->red));
    trial_passed_over(t, "without a warrant");
    trial_before(t);
    ok(mb_own_approval_only(&t->red));
    trial_passed_over(t, "an approval is missing");
    trial_before(t);
    ok(mb_one_approval_thrice(&t->red));
    trial_passed_over(t, "two approvals of one party");
}

/* "approvals, one from every party, signed by a delegate's key ... or the root" */
static void
no_ghosts_approvals_in_the_others_names(void **state)
{
    struct trial *t = *state;

    trial_before(t);
    ok(mb_forged_approvals(&t->red));
    trial_passed_over(t, "another party");
    trial_before(t);
    ok(mb_forged_root_approvals(&t->red));
    trial_passed_over(t, "signature");
}

/* "over forum, group id, founding list, letter hash, invitation id": real approvals by all, of a
 * second request for the same delegate. */
static void
warrants_approvals_of_another_invitation(void **state)
{
    struct trial *t = *state;
    uint8_t second[16];

    trial_admission(t, t->gid, second);
    trial_before(t);
    ok(mb_approvals_of_another_invitation(&t->red));
    trial_passed_over(t, "an approval is for something else");
}

/* Real approvals by all, of another channel of the same people. */
static void
warrants_approvals_of_another_channel(void **state)
{
    struct trial *t = *state;
    uint8_t other[32], request[16];

    world_found(t->a, 3, DT_CHANNEL_TRACK, "track", other);
    trial_admission(t, other, request);
    trial_before(t);
    ok(mb_approvals_of_another_channel(&t->red, other));
    trial_passed_over(t, "an approval is for something else");
}

/* Add blue-2 with one approval of blue's changed as ${change} says, and signed anew by blue. */
static void
with_changed(struct trial *t, void (*change)(struct trial *t, struct dt_approval *v),
             struct dt_agent *by, const char *why)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf approvals = DT_BUF_INIT(1u << 18);
    struct dt_view add = dt_buf_view(&t->admission.key_package);
    struct dt_view rest = dt_buf_view(&t->admission.approvals);
    struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};
    struct dt_approval v;
    struct dt_warrant w;

    while (dt_approvals_next(&rest, &v) == DT_OK) {
        if (v.party == BLUE) {
            change(t, &v);
            ok(dt_approval_sign(&v, dt_secret_view(&by->delegate_seed)));
        }
        ok(dt_approvals_add(&approvals, &v));
    }
    w = mb_add_ground(&t->admission, dt_buf_view(&approvals));
    trial_use_warrant(t, &w, &opts);
    trial_post(t, &opts);
    trial_passed_over(t, why);
}

static void
later_epoch(struct trial *t, struct dt_approval *v)
{
    v->epoch_from = world_channel(t->a[0], t->gid).epoch + 5;
}

static void
another_founding(struct trial *t, struct dt_approval *v)
{
    (void)t;
    v->founding_hash[0] ^= 1;
}

static void
blue_second(struct trial *t, struct dt_approval *v)
{
    v->letter = dt_buf_view(&t->a[3]->letter_bytes); /* it has the right to talk only */
}

/* "the epochs n to n+64 for which they hold" */
static void
warrants_approvals_of_another_epoch(void **state)
{
    struct trial *t = *state;

    with_changed(t, later_epoch, t->a[1], "does not hold for epoch");
}

static void
warrants_approvals_of_another_founding_list(void **state)
{
    struct trial *t = *state;

    with_changed(t, another_founding, t->a[1], "for something else");
}

/* "by a delegate's key (right `admit`)" */
static void
warrants_approval_without_the_right(void **state)
{
    struct trial *t = *state;

    with_changed(t, blue_second, t->a[3], "right");
}

static void
revoke(struct trial *t, struct dt_agent *whose, int party, struct dt_buf *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct dt_revocation v;

    ok(dt_agent_letter_own(whose, &l));
    ok(dt_revocation_make(dt_view_of(t->w.root[party]), &l, 1, &v));
    ok(dt_revocation_encode(&v, out));
}

/* "Those checks depend only on the group's state and the Commit's bytes": an approval under a
 * letter that was revoked since is refused to who commits, and judged alike by all; who knows of it
 * says so. */
static void
handshakes_approval_under_a_revoked_letter_is_judged_alike(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf revocation = DT_BUF_INIT(4096);
    uint64_t epoch;

    /* The mediator approved; then its letter is revoked. Red knows, blue knows, the mediator not.
     */
    revoke(t, t->a[0], MEDIATOR, &revocation);
    ok(dt_agent_revocation_import(EVIL(t), dt_buf_view(&revocation)));
    is(dt_agent_commit_admission(EVIL(t), t->request), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "was revoked: ask anew"));
    assert_non_null(strstr(dt_err_message(), "mediator-office"));
    ok(dt_agent_revocation_import(t->a[1], dt_buf_view(&revocation)));

    trial_before(t);
    ok(mb_approvals_as_they_are(&t->red));
    world_sync(t->a, 3, 3);
    epoch = world_channel(t->a[0], t->gid).epoch;
    is(epoch, t->epoch + 3); /* the two others have replaced their session keys then */
    is(world_channel(t->a[1], t->gid).epoch, epoch);
    is(world_alarms(t->a[0], ANY_ALARM), t->alarms[0]);
    is(world_alarms(t->a[1], ANY_ALARM), t->alarms[1] + 1);
    trial_last_alarm(t, 1, DT_ALARM_COMMIT, true, t->red.position,
                     "an approval under a letter of mediator-office that was revoked");
    /* Nobody was sent a Welcome for that seat; blue takes its own delegate out again. */
    is(world_channel(t->a[1], t->gid).members, 4);
    ok(dt_agent_remove(t->a[1], t->gid, world_leaf(t->a[1], t->gid, t->admission.letter_hash)));
    world_sync(t->a, 3, 3);
    trial_goes_on(t);
}

/* The same, when the revocation comes between the wish and its Commit; and when it comes before the
 * approval does. */
static void
warrants_committer_refuses_an_approval_revoked_late(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf revocation = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    uint8_t hash[32], second[16];

    ok(dt_agent_commit_admission(EVIL(t), t->request)); /* waits for the next sync */
    revoke(t, t->a[0], MEDIATOR, &revocation);
    ok(dt_agent_revocation_import(EVIL(t), dt_buf_view(&revocation)));
    trial_before(t);
    ok(dt_admission_load(EVIL(t), t->request, &x));
    is(x.state, DT_ADMISSION_FAILED);
    is(world_channel(t->a[1], t->gid).members, 3);

    world_letter_hash(t->a[3], hash);
    ok(dt_agent_request_admission(EVIL(t), t->gid, hash, second));
    world_sync(t->a, 4, 2);
    ok(dt_agent_approve(t->a[0], second));
    world_sync(t->a, 4, 2);
    is(dt_agent_commit_admission(EVIL(t), second), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "no approval from mediator-office"));
    trial_goes_on(t);
}

/* "knows every invitation id ever used (each once, for ever)": one key package in two Adds; and
 * again, after it had its seat and lost it. */
static void
warrants_invitation_ids_are_used_once_key_package_twice(void **state)
{
    struct trial *t = *state;
    struct dt_view add = dt_buf_view(&t->admission.key_package);

    trial_before(t);
    ok(mb_key_package_twice(&t->red));
    trial_passed_over(t, "");

    ok(dt_agent_commit_admission(EVIL(t), t->request));
    world_sync(t->a, 4, 4);
    is(world_channel(t->a[3], t->gid).members, 4);
    ok(dt_agent_remove(t->a[1], t->gid, world_leaf(t->a[1], t->gid, t->admission.letter_hash)));
    world_sync(t->a, 4, 3);
    is(world_channel(t->a[3], t->gid).state, DT_CHANNEL_LEFT);
    {
        struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};
        struct dt_warrant w = mb_add_ground(&t->admission, dt_buf_view(&t->admission.approvals));

        trial_use_warrant(t, &w, &opts);
        trial_post(t, &opts);
        trial_passed_over(t, "an invitation id is used a second time");
    }
}

/* A second Welcome for a key package whose keys were used: they are gone. */
static void
warrants_invitation_ids_are_used_once_second_welcome(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf welcome = DT_BUF_INIT(DT_WELCOME_MAX);
    struct dt_inbox_message m = {.kind = DT_INBOX_WELCOME};
    struct dt_channel_info before;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_view commit, view;
    size_t sent = 0, made = 0;

    /* Red's own pending Welcome, copied before it is sent. */
    ok(dt_agent_commit_admission(EVIL(t), t->request));
    ok(dt_channel_prepare(EVIL(t), t->gid, &made));
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    assert_true(mls_group_pending(ch.group, &commit, &view));
    ok(dt_buf_set(&welcome, view));
    world_sync(t->a, 4, 4);
    before = world_channel(t->a[3], t->gid);
    is(before.members, 4);

    memcpy(m.group_id, t->gid, 32);
    memcpy(m.invitation_id, t->request, 16);
    m.welcome = dt_buf_view(&welcome);
    ok(dt_letter_load(EVIL(t), t->admission.letter_hash, &to, NULL, NULL));
    ok(dt_outbox_to_inbox(EVIL(t), &to, &m));
    ok(dt_outbox_flush(EVIL(t), NULL, &sent));
    ok(dt_agent_sync(t->a[3], NULL));
    is(world_channel(t->a[3], t->gid).epoch, before.epoch);
    is(world_channel(t->a[3], t->gid).state, DT_CHANNEL_LIVE);
    t->members = 4;
    trial_before(t);
    trial_goes_on(t);
}

/* "Expiry never makes a Commit invalid for members: committer and joiner refuse an expired voucher
 * on Add". Blue-2 answered five days ago. */
static void
credentials_expired_voucher_on_add(void **state)
{
    struct trial *t = *state;
    struct dt_channel_info none;

    t->w.offset_ms += 5 * DT_MS_DAY;
    world_sync(t->a, 4, 3); /* all have rotated, and said `here` */
    is(dt_agent_commit_admission(EVIL(t), t->request), DT_ERR_EXPIRED);
    trial_before(t);
    ok(mb_approvals_as_they_are(&t->red));
    world_sync(t->a, 4, 3);
    for (size_t i = 0; i < 2; i++) {
        is(world_channel(t->a[i], t->gid).epoch, t->epoch + 3); /* as above */
        is(world_alarms(t->a[i], ANY_ALARM), t->alarms[i] + 1);
        trial_last_alarm(t, i, DT_ALARM_COMMIT, true, t->red.position,
                         "adds a member whose voucher had run out");
    }
    is(dt_agent_channel(t->a[3], t->gid, &none), DT_ERR_NOT_FOUND);
    ok(dt_agent_remove(t->a[1], t->gid, world_leaf(t->a[1], t->gid, t->admission.letter_hash)));
    world_sync(t->a, 3, 3);
    trial_goes_on(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(no_ghosts_commit_without_approvals),
        TRIAL(no_ghosts_approvals_in_the_others_names),
        TRIAL(warrants_approvals_of_another_invitation),
        TRIAL(warrants_approvals_of_another_channel),
        TRIAL(warrants_approvals_of_another_epoch),
        TRIAL(warrants_approvals_of_another_founding_list),
        TRIAL(warrants_approval_without_the_right),
        TRIAL(handshakes_approval_under_a_revoked_letter_is_judged_alike),
        TRIAL(warrants_committer_refuses_an_approval_revoked_late),
        TRIAL(warrants_invitation_ids_are_used_once_key_package_twice),
        TRIAL(warrants_invitation_ids_are_used_once_second_welcome),
        TRIAL(credentials_expired_voucher_on_add),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
