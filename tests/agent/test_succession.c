/*
 * tests/agent/test_succession.c - blue's root is stolen and replaced by an amendment: what the
 * homes do not believe any more, how blue comes back into its seats, and which records count.
 */
#include "../db/countdown.h"
#include "agent/home/amendment.h"
#include "agent/records/opening.h"
#include "agent/records/records.h"
#include "agent/register/store.h"
#include "base/mem.h"
#include "db/db.h"
#include "record/amendment.h"
#include "three.h"

static const uint8_t new_root[32] = {77, 1};

static void
sync_all(struct three *t, unsigned int rounds)
{
    for (unsigned int i = 0; i < rounds; i++) {
        world_sync(t->a, 3, 1);
        for (size_t k = 0; k < 3; k++)
            ok(dt_agent_register_sync(t->a[k], NULL));
    }
}

/* Blue's root from now on is another one; the first ${size} entries that ${who} holds count under
 * the one before, with ${root} (NULL: what they have). All sign, the one before too: none was
 * announced. */
static void
amendment(struct three *t, size_t who, uint64_t size, const struct tlog_hash *root,
          struct dt_buf *out)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    const struct dt_charter *c = dt_agent_charter(t->a[who]);
    struct dt_root_change x = {.party = BLUE};
    struct dt_amendment_parts parts = {
        .changes = &x, .n_changes = 1, .author = BLUE, .last_size = size, .made_ms = 1760000000001};

    ok(dt_agent_register_good(t->a[who], size, &parts.last_root, NULL));
    if (root != NULL)
        parts.last_root = *root;
    ok(dt_ed25519_pub(dt_view(new_root, 32), x.root));
    ok(dt_amendment_draft(c, &parts, &am));
    for (size_t i = 0; i < N_PARTIES; i++)
        ok(dt_amendment_sign(&am, c, dt_view_of(t->w.root[i])));
    ok(dt_amendment_sign(&am, c, dt_view(new_root, 32)));
    ok(dt_amendment_encode(&am, out));
}

static enum dt_err
take_in(struct three *t, size_t who, const struct dt_buf *bytes, struct dt_amend_report *r)
{
    const struct dt_view one = dt_buf_view(bytes);
    const struct dt_amend_params params = {.amendments = &one, .n = 1};

    *r = (struct dt_amend_report){0};
    return dt_agent_amend(t->a[who], &params, r);
}

/* Now, with all that is held. */
static void
replace(struct three *t, struct dt_buf *bytes)
{
    struct dt_register_report r;
    struct dt_amend_report report;

    ok(dt_agent_register_status(t->a[RED], &r));
    amendment(t, RED, r.size, NULL, bytes);
    for (size_t i = 0; i < 3; i++)
        ok(take_in(t, i, bytes, &report));
}

static void
beat(struct three *t, size_t who, const char *number, uint8_t commitment[static 32])
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};

    ok(dt_agent_record_draft(t->a[who], t->gid, "heartbeat", &d));
    ok(dt_record_draft_set_text(&d, "station", dt_view_str("blue"), NULL));
    ok(dt_record_draft_set_text(&d, "number", dt_view_str(number), NULL));
    ok(dt_record_draft_set_text(&d, "status", dt_view_str("normal"), NULL));
    ok(dt_agent_record_send(t->a[who], t->gid, &d, commitment));
}

static size_t
records(struct three *t, size_t who, bool void_ones)
{
    DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
    size_t n = 0;

    ok(void_ones ? dt_agent_void_records(t->a[who], t->gid, &list, &n)
                 : dt_agent_records(t->a[who], t->gid, &list, &n));
    return n;
}

static enum dt_err
open_it(struct three *t, size_t who, const uint8_t commitment[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf report = DT_BUF_INIT(64u << 10);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    struct dt_opening_params params = {.without_consent = true};

    memcpy(params.commitment, commitment, 32);
    return dt_agent_open_record(t->a[who], &params, &report, &out);
}

static bool
root_replaced(struct three *t, size_t who, const uint8_t letter[static 32])
{
    DT_CLEANUP(dt_free_p) struct dt_person *people = NULL;
    size_t n = 0;

    ok(dt_agent_people(t->a[who], &people, &n));
    for (size_t i = 0; i < n; i++)
        if (memcmp(people[i].letter_hash, letter, 32) == 0)
            return people[i].root_replaced;
    fail_msg("no such letter");
    return false;
}

/* A letter for ${who}'s request by the root of ${seed}, in blue's name. */
static void
issue(struct three *t, struct dt_agent *who, const uint8_t seed[static 32], uint64_t now,
      struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf request = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_letter_request_clear) struct dt_letter_request q = {0};

    ok(dt_agent_letter_request(who, &request));
    ok(dt_letter_request_decode(dt_buf_view(&request), &q));
    ok(dt_letter_issue_for(dt_view(seed, 32), dt_agent_charter(t->a[RED])->parties[BLUE].root_id,
                           &q, DT_RIGHTS_ALL, now - DT_MS_DAY, now + 300 * DT_MS_DAY, now, out));
}

/* ---- the forum goes on ---- */

static void
goes_on(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    struct dt_amend_report r;
    uint8_t before[32], after[32], old[32], late[32];

    world_letter_hash(t->a[BLUE], old);
    beat(t, BLUE, "1", before);
    sync_all(t, 3);
    three_cosign(t);
    sync_all(t, 2);
    replace(t, &am);
    ok(take_in(t, BLUE, &am, &r));
    is(r.taken, 0);
    is(r.already, 1);
    for (size_t i = 0; i < 3; i++) {
        is(dt_agent_amended(t->a[i]).n_roots, 1);
        is(dt_agent_amended(t->a[i]).n_registers, 0);
        assert_true(root_replaced(t, i, old));
        assert_true(world_channel(t->a[i], t->gid).confirmed); /* no queue begins anew */
        is(records(t, i, false), 1);
        is(records(t, i, true), 0);
    }
    /* Under the old letter blue says nothing more; the others do. */
    is(dt_agent_need_letter(t->a[BLUE]), DT_ERR_EXPIRED);
    assert_non_null(strstr(dt_err_message(), "amendment 1 replaced the root"));
    world_say(t->a[RED], t->gid, "meanwhile");
    sync_all(t, 2);
    /* The new root's letter for the same request, and blue is put in anew by itself. */
    memcpy(t->w.root[BLUE], new_root, 32);
    world_accredit(&t->w, t->a[BLUE], BLUE, DT_RIGHTS_ALL);
    assert_false(world_channel(t->a[BLUE], t->gid).confirmed);
    sync_all(t, 6);
    for (size_t i = 0; i < 3; i++)
        assert_true(world_channel(t->a[i], t->gid).confirmed);
    world_say(t->a[BLUE], t->gid, "after");
    sync_all(t, 3);
    world_all_have_once(t->a, 3, t->gid, "meanwhile");
    world_all_have_once(t->a, 3, t->gid, "after");
    beat(t, BLUE, "2", after);
    sync_all(t, 3);
    three_cosign(t);
    sync_all(t, 2);
    for (size_t i = 0; i < 3; i++) {
        is(records(t, i, false), 2);
        ok(open_it(t, i, before));
        ok(open_it(t, i, after));
    }
    world_letter_hash(t->a[BLUE], late);
    assert_false(root_replaced(t, RED, late));
    three_no_alarms(t);
    /* It is so after the next start. */
    dt_agent_close_p(&t->a[BLUE]);
    t->a[BLUE] = world_open(&t->w, "blue-1");
    is(dt_agent_amended(t->a[BLUE]).n_roots, 1);
    sync_all(t, 1);
    three_no_alarms(t);
}

/* ---- the thief ---- */

/* Letters of the stolen root: by file, and for a key that is blue's own, dated after the new one.
 */
static void
thiefs_letters(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf forged = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct three *t = *state;
    struct dt_clock clock = world_clock(&t->w);
    uint8_t hash[32], stolen[32], good[32];

    memcpy(stolen, t->w.root[BLUE], 32);
    issue(t, t->a[3], stolen, dt_clock_now(&clock) + DT_MS_DAY, &forged); /* for the thief's home */
    replace(t, &am);
    for (size_t i = 0; i < 3; i++) {
        is(dt_agent_letter_import(t->a[i], dt_buf_view(&forged), hash), DT_ERR_EXPIRED);
        assert_non_null(strstr(dt_err_message(), "amendment 1 replaced the root that signed it"));
    }
    memcpy(t->w.root[BLUE], new_root, 32);
    world_accredit(&t->w, t->a[BLUE], BLUE, DT_RIGHTS_ALL);
    world_letter_hash(t->a[BLUE], good);
    forged.n = 0;
    issue(t, t->a[BLUE], stolen, dt_clock_now(&clock) + DT_MS_DAY, &forged);
    is(dt_agent_letter_import(t->a[BLUE], dt_buf_view(&forged), hash), DT_ERR_EXPIRED);
    /* Nor where it comes along with something else. */
    ok(dt_letter_take(t->a[BLUE], dt_buf_view(&forged), &l, NULL));
    ok(dt_letter_keep(t->a[BLUE], &l, BLUE, dt_buf_view(&forged)));
    ok(dt_agent_refresh(t->a[BLUE]));
    world_letter_hash(t->a[BLUE], hash);
    assert_memory_equal(hash, good, 32);
}

/* The thief, with a home and a grant, invites to a channel of its own, under a letter that the
 * others held when it still counted. */
static void
thiefs_invitation(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_free_p) struct dt_invitation_info *list = NULL;
    struct three *t = *state;
    struct dt_amend_report r;
    uint8_t hash[2][32], gid[32];
    size_t n = 0;

    amendment(t, RED, 0, NULL, &am);
    ok(take_in(t, RED, &am, &r)); /* the mediator does not know yet, and the thief will not */
    world_letter_hash(t->a[RED], hash[0]);
    world_letter_hash(t->a[MEDIATOR], hash[1]);
    ok(dt_agent_found(t->a[3], DT_CHANNEL_TRACK, "a trap", (const uint8_t(*)[32])hash, 2, gid));
    world_sync(&t->a[3], 1, 2);
    sync_all(t, 2);
    ok(dt_agent_invitations(t->a[MEDIATOR], &list, &n));
    is(n, 1);
    dt_free(list);
    ok(dt_agent_invitations(t->a[RED], &list, &n));
    is(n, 0);
    is(world_alarms(t->a[RED], ANY_ALARM), 1);
    /* And where another, who does not know, invites the thief together with red. */
    dt_free(list);
    list = NULL;
    world_letter_hash(t->a[3], hash[1]);
    ok(dt_agent_found(t->a[MEDIATOR], DT_CHANNEL_TRACK, "late", (const uint8_t(*)[32])hash, 2,
                      gid));
    sync_all(t, 2);
    ok(dt_agent_invitations(t->a[RED], &list, &n));
    is(n, 0);
    ok(take_in(t, MEDIATOR, &am, &r)); /* who does, cannot */
    is(dt_agent_found(t->a[MEDIATOR], DT_CHANNEL_TRACK, "too late", (const uint8_t(*)[32])hash, 2,
                      gid),
       DT_ERR_REFUSED);
}

/* An approval that the stolen root signs; one that it signed while it was blue's stays one. */
static void
approval_by_root(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(4096);
    struct three *t = *state;
    const struct dt_charter *c;
    struct dt_approval v = {.party = BLUE, .by_root = true};
    bool revoked = true;
    size_t party = 9;

    ok(dt_approval_sign(&v, dt_view_of(t->w.root[BLUE])));
    ok(dt_approvals_add(&list, &v));
    c = dt_agent_charter(t->a[RED]);
    ok(dt_approval_verify_root(c, &v));
    assert_false(dt_approval_by_former(c, &v));
    ok(dt_approvals_revoked(t->a[RED], dt_buf_view(&list), &revoked, &party));
    assert_false(revoked);
    replace(t, &am);
    c = dt_agent_charter(t->a[RED]);
    ok(dt_approval_verify_root(c, &v)); /* the history of a channel stays what it was */
    assert_true(dt_approval_by_former(c, &v));
    ok(dt_approvals_revoked(t->a[RED], dt_buf_view(&list), &revoked, &party));
    assert_true(revoked);
    is(party, BLUE);
    ok(dt_approval_sign(&v, dt_view(new_root, 32)));
    ok(dt_approval_verify_root(c, &v));
    assert_false(dt_approval_by_former(c, &v));
    ok(dt_approval_sign(&v, dt_view_of(t->w.root[RED])));
    is(dt_approval_verify_root(c, &v), DT_ERR_AUTH);
}

/* What stands behind the size that the amendment names does not count, whoever wrote it; and what
 * comes later under such a letter is not taken. */
static void
records_behind(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    struct dt_register_report status;
    struct dt_amend_report r;
    DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
    uint8_t good[32], behind[32], late[32], reds[32];
    size_t alarms, n = 0;

    beat(t, BLUE, "1", good);
    sync_all(t, 3);
    three_cosign(t);
    sync_all(t, 2);
    ok(dt_agent_register_status(t->a[RED], &status));
    beat(t, BLUE, "2", behind);
    beat(t, RED, "3", reds);
    sync_all(t, 3);
    is(records(t, MEDIATOR, false), 3);
    amendment(t, RED, status.size, NULL, &am);
    beat(t, BLUE, "4", late); /* of a home that does not know yet, or of a thief */
    for (size_t i = 0; i < 3; i += 2) {
        ok(take_in(t, i, &am, &r));
        is(r.void_records, 1);
        assert_true(r.compared);
        is(records(t, i, false), 2);
        is(records(t, i, true), 1);
        is(open_it(t, i, behind), DT_ERR_NOT_FOUND);
        ok(open_it(t, i, good));
    }
    alarms = world_alarms(t->a[RED], DT_ALARM_CELL);
    sync_all(t, 3);
    is(world_alarms(t->a[RED], DT_ALARM_CELL), alarms + 1);
    world_said(t->a[RED], DT_ALARM_CELL, "its author's letter is of a root that was replaced");
    is(records(t, RED, false), 2);
    ok(take_in(t, BLUE, &am, &r));
    is(r.void_records, 2); /* its own */
    is(records(t, BLUE, false), 2);
    /* Numbers stay what they were. */
    ok(dt_agent_records(t->a[MEDIATOR], t->gid, &list, &n));
    is(n, 2);
    is(list[0].number, 1);
    is(list[1].number, 3);
    ok(dt_agent_record_find(t->a[MEDIATOR], "3", late));
    assert_memory_equal(late, reds, 32);
    is(dt_agent_record_find(t->a[MEDIATOR], "2", late), DT_ERR_NOT_FOUND);
}

/* The stolen root revokes the letter under which blue's record of before was made. */
static void
thiefs_revocation(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf own = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct three *t = *state;
    struct dt_clock clock = world_clock(&t->w);
    struct dt_revocation v;
    uint8_t before[32];
    bool revoked = true, ended = false;

    beat(t, BLUE, "1", before);
    sync_all(t, 3);
    three_cosign(t);
    sync_all(t, 2);
    ok(dt_agent_own_letter(t->a[BLUE], &own));
    ok(dt_letter_decode(dt_buf_view(&own), &l));
    replace(t, &am);
    ok(dt_revocation_make(dt_view_of(t->w.root[BLUE]), &l, dt_clock_now(&clock), &v));
    ok(dt_revocation_encode(&v, &bytes));
    ok(dt_agent_revocation_import(t->a[RED], dt_buf_view(&bytes)));
    sync_all(t, 2);
    three_cosign(t);
    sync_all(t, 2);
    ok(dt_letter_revoked(t->a[RED], &l, &revoked, NULL));
    assert_false(revoked);
    ok(dt_letter_ended(t->a[RED], &l, &ended));
    assert_true(ended);
    ok(open_it(t, RED, before));
}

/* ---- taking it in ---- */

static void
refused(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    struct dt_amend_params params = {.n = 1};
    struct dt_amend_report r;
    struct dt_view one;
    struct tlog_hash root;
    uint8_t seal[32];

    memset(seal, 1, sizeof seal);
    ok(dt_agent_register_submit(t->a[RED], seal));
    ok(dt_agent_register_sync(t->a[RED], NULL));
    ok(dt_agent_register_good(t->a[RED], 1, &root, NULL));
    root.b[0] ^= 1;
    amendment(t, RED, 1, &root, &am); /* of another register than red saw */
    is(take_in(t, RED, &am, &r), DT_ERR_PROOF);
    world_said(t->a[RED], DT_ALARM_REGISTER, "an amendment names 1 entries of the register");
    is(dt_agent_amended(t->a[RED]).n, 0);
    ok(take_in(t, BLUE, &am, &r)); /* whose copy does not reach so far compares when it does */
    assert_false(r.compared);
    is(dt_agent_register_sync(t->a[BLUE], NULL), DT_ERR_PROOF);
    am.n = 0;
    amendment(t, RED, 1, NULL, &am);
    one = dt_buf_view(&am);
    params.amendments = &one;
    params.grant = dt_buf_view(&t->w.grant[RED]); /* no relay is replaced */
    is(dt_agent_amend(t->a[RED], &params, &r), DT_ERR_USAGE);
    is(dt_agent_amended(t->a[RED]).n, 0);
    ok(take_in(t, MEDIATOR, &am, &r));
    assert_false(r.compared);
    ok(dt_agent_register_sync(t->a[MEDIATOR], NULL));
    ok(take_in(t, RED, &am, &r));
    assert_true(r.compared);
}

static void
all_or_nothing(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf am = DT_BUF_INIT(DT_AMENDMENT_MAX);
    struct three *t = *state;
    bool done = false;

    amendment(t, RED, 0, NULL, &am);
    for (unsigned int i = 0; !done; i++) {
        struct countdown c = {.left = i};
        struct dt_amend_report r;
        enum dt_err err;

        dt_db_fault(at_zero, &c);
        err = take_in(t, RED, &am, &r);
        dt_db_fault(NULL, NULL);
        done = !c.hit;
        if (done)
            ok(err);
        dt_agent_close_p(&t->a[RED]);
        t->a[RED] = world_open(&t->w, "red-1");
        done = done || dt_agent_amended(t->a[RED]).n == 1;
        assert_true(i < 5000);
    }
    is(dt_agent_amended(t->a[RED]).n_roots, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_on, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(thiefs_letters, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(thiefs_invitation, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(approval_by_root, three_homes, three_tear_down),
        cmocka_unit_test_setup_teardown(records_behind, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(thiefs_revocation, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(refused, three_homes, three_tear_down),
        cmocka_unit_test_setup_teardown(all_or_nothing, three_homes, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
