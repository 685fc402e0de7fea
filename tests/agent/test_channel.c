/*
 * tests/agent/test_channel.c - real homes over a real relay: founding, talk, admission, removal,
 * rotation.
 */
#include "base/file.h"
#include "base/mem.h"
#include "db/db.h"

#include "three.h"

static void
same_epoch(struct dt_agent **a, size_t n, const uint8_t gid[static 32], uint64_t epoch)
{
    struct dt_channel_info first = world_channel(a[0], gid);

    is(first.epoch, epoch);
    for (size_t i = 1; i < n; i++) {
        struct dt_channel_info x = world_channel(a[i], gid);

        is(x.epoch, epoch);
        is(x.epoch_authenticator_len, first.epoch_authenticator_len);
        assert_memory_equal(x.epoch_authenticator, first.epoch_authenticator,
                            x.epoch_authenticator_len);
        assert_memory_equal(x.queue, first.queue, 32);
        is(x.to_send, 0);
    }
}

static void
founding_and_talk(void **state)
{
    struct three *f = *state;
    struct dt_roster_entry *roster = NULL;
    uint8_t plenary[32], caucus[32], id[16];
    struct dt_agent *pair[2] = {f->a[0], f->a[1]};
    uint8_t *big = malloc(300 * 1024);
    size_t n = 0;

    assert_non_null(big);
    for (size_t i = 0; i < 300 * 1024; i++)
        big[i] = (uint8_t)(i * 7 + i / 251);
    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", plenary);
    world_found(pair, 2, DT_CHANNEL_CAUCUS, "blue caucus", caucus);
    same_epoch(f->a, 3, plenary, 1);
    ok(dt_agent_roster(f->a[2], plenary, &roster, &n));
    is(n, 3);
    for (size_t i = 0; i < n; i++) {
        assert_true(roster[i].here);
        assert_false(roster[i].expired);
        is(roster[i].serial, 0);
    }
    dt_free(roster);

    world_say(f->a[0], plenary, "good morning");
    world_say(f->a[1], plenary, "blue is here");
    world_say(f->a[2], plenary, "so is red");
    world_say(f->a[1], caucus, "between us");
    ok(dt_agent_talk_file(f->a[2], plenary, "map.bin", "application/octet-stream",
                          dt_view(big, 300 * 1024), id));
    world_sync(f->a, 3, 2);
    for (size_t i = 0; i < 3; i++) {
        is(world_talk_count(f->a[i], plenary, dt_view_str("good morning")), 1);
        is(world_talk_count(f->a[i], plenary, dt_view_str("blue is here")), 1);
        is(world_talk_count(f->a[i], plenary, dt_view_str("so is red")), 1);
        is(world_talk_count(f->a[i], plenary, dt_view(big, 300 * 1024)), 1);
        is(world_alarms(f->a[i], 0), 0);
    }
    is(world_talk_count(f->a[0], caucus, dt_view_str("between us")), 1);
    is(dt_agent_talk_text(f->a[2], caucus, dt_view_str("let me in"), id), DT_ERR_NOT_FOUND);
    same_epoch(f->a, 3, plenary, 1);
    free(big);
}

/* Until a delegate of every other party said `here`, what one says waits, and is shown as waiting.
 */
static void
unconfirmed_waits(void **state)
{
    struct three *f = *state;
    struct dt_talk_info *v = NULL;
    uint8_t gid[32], letters[2][32];
    size_t n = 0;

    for (size_t i = 0; i < 2; i++)
        world_letter_hash(f->a[i + 1], letters[i]);
    ok(dt_agent_found(f->a[0], DT_CHANNEL_PLENARY, "plenary", (const uint8_t(*)[32])letters, 2,
                      gid));
    world_sync(f->a, 3, 1);
    world_accept(f->a[1]);
    world_accept(f->a[2]);
    ok(dt_agent_sync(f->a[1], NULL));
    ok(dt_agent_sync(f->a[0], NULL));
    is(world_channel(f->a[0], gid).state, DT_CHANNEL_FOUNDING); /* red has not answered */
    ok(dt_agent_sync(f->a[2], NULL));
    ok(dt_agent_sync(f->a[0], NULL));
    is(world_channel(f->a[0], gid).state, DT_CHANNEL_LIVE);
    assert_false(world_channel(f->a[0], gid).confirmed);
    world_say(f->a[0], gid, "waiting");
    ok(dt_agent_sync(f->a[0], NULL));
    ok(dt_agent_sync(f->a[1], NULL));
    assert_false(
        world_channel(f->a[1], gid).confirmed); /* joined, and has heard the founder alone */
    is(world_channel(f->a[1], gid).here, 1u << MEDIATOR);
    ok(dt_agent_sync(f->a[0], NULL)); /* blue is here, red is not */
    assert_false(world_channel(f->a[0], gid).confirmed);
    is(world_channel(f->a[0], gid).here, 1u << BLUE);
    is(world_talk_count(f->a[1], gid, dt_view_str("waiting")), 0);
    ok(dt_agent_talk_list(f->a[0], gid, 0, &v, &n));
    is(n, 1);
    is(v[0].state, DT_TALK_WAITING);
    dt_free(v);
    world_sync(f->a + 1, 2, 1);
    world_sync(f->a, 3, 2);
    assert_true(world_channel(f->a[0], gid).confirmed);
    is(world_talk_count(f->a[1], gid, dt_view_str("waiting")), 1);
    ok(dt_agent_talk_list(f->a[0], gid, 0, &v, &n));
    is(v[0].state, DT_TALK_CONFIRMED);
    dt_free(v);
}

/* Ask, be refused, collect the approvals, commit: then the second delegate is in and can talk. */
static void
admit_second(struct three *f, const uint8_t gid[static 32], uint8_t hash[static 32])
{
    uint8_t request[16];
    struct dt_admission_info *v = NULL;
    size_t n = 0;

    world_letter_hash(f->a[3], hash);
    ok(dt_agent_request_admission(f->a[1], gid, hash, request));
    world_sync(f->a, 4, 1);
    world_accept(f->a[3]);
    world_sync(f->a, 4, 2);
    is(dt_agent_commit_admission(f->a[1], request), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "no approval from mediator-office"));

    ok(dt_agent_admissions(f->a[0], &v, &n));
    is(n, 1);
    assert_false(v[0].ours);
    assert_string_equal(v[0].who.name, "blue-2");
    dt_free(v);
    ok(dt_agent_approve(f->a[0], request));
    is(dt_agent_approve(f->a[0], request), DT_ERR_STATE);
    world_sync(f->a, 4, 1);
    is(dt_agent_commit_admission(f->a[1], request), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "no approval from red"));

    ok(dt_agent_approve(f->a[2], request));
    world_sync(f->a, 4, 2); /* red's agent sends after blue's has read: a second round */
    ok(dt_agent_commit_admission(f->a[1], request));
    world_sync(f->a, 4, 4);
    for (size_t i = 0; i < 3; i++) { /* who asked, and who were asked */
        ok(dt_agent_admissions(f->a[i], &v, &n));
        is(n, 1);
        is(v[0].state, DT_ADMISSION_DONE);
        dt_free(v);
    }
}

static void
admission_and_removal(void **state)
{
    struct three *f = *state;
    uint8_t gid[32], hash[32], old_queue[32];
    struct dt_channel_info info;

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    world_say(f->a[0], gid, "before blue-2 came");
    world_sync(f->a, 3, 2);
    admit_second(f, gid, hash);
    same_epoch(f->a, 4, gid, 4); /* the two others have replaced their session keys, too */
    info = world_channel(f->a[3], gid);
    is(info.members, 4);
    assert_true(info.confirmed);
    is(info.alarms, 0);
    world_say(f->a[3], gid, "blue-2 speaking");
    world_sync(f->a, 4, 2);
    for (size_t i = 0; i < 4; i++)
        is(world_talk_count(f->a[i], gid, dt_view_str("blue-2 speaking")), 1);
    is(world_talk_count(f->a[3], gid, dt_view_str("before blue-2 came")), 0);

    /* Only its own party may remove it, and then a new queue begins. */
    is(dt_agent_remove(f->a[2], gid, world_leaf(f->a[2], gid, hash)), DT_ERR_REFUSED);
    is(dt_agent_remove(f->a[0], gid, world_leaf(f->a[0], gid, hash)), DT_ERR_REFUSED);
    memcpy(old_queue, info.queue, 32);
    ok(dt_agent_remove(f->a[1], gid, world_leaf(f->a[1], gid, hash)));
    world_say(f->a[2], gid, "said while the queue ends");
    world_sync(f->a, 4, 4);
    same_epoch(f->a, 3, gid, 7);
    info = world_channel(f->a[0], gid);
    is(info.members, 3);
    is(info.queue_number, 2);
    assert_memory_not_equal(info.queue, old_queue, 32);
    is(world_channel(f->a[3], gid).state, DT_CHANNEL_LEFT);
    world_say(f->a[0], gid, "in the new queue");
    world_sync(f->a, 4, 2);
    for (size_t i = 0; i < 3; i++) {
        is(world_talk_count(f->a[i], gid, dt_view_str("in the new queue")), 1);
        is(world_talk_count(f->a[i], gid, dt_view_str("said while the queue ends")), 1);
        is(world_alarms(f->a[i], 0), 0);
    }
    is(world_talk_count(f->a[3], gid, dt_view_str("in the new queue")), 0);
}

static void
two_commits_at_once(void **state)
{
    struct three *f = *state;
    uint8_t gid[32];

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    /* All three want a new epoch before any has read the others' Commit: the relay orders them. */
    for (size_t i = 0; i < 3; i++) {
        ok(dt_agent_rotate(f->a[i], gid));
        world_say(f->a[i], gid, i == 0 ? "from one" : i == 1 ? "from two" : "from three");
    }
    world_relay_stop(&f->w);
    for (size_t i = 0; i < 3; i++)
        is(dt_agent_sync(f->a[i], NULL), DT_ERR_NET);
    world_relay_start(&f->w);
    world_sync(f->a, 3, 4);
    same_epoch(f->a, 3, gid, 4); /* each was done, one after the other */
    for (size_t i = 0; i < 3; i++) {
        is(world_talk_count(f->a[i], gid, dt_view_str("from one")), 1);
        is(world_talk_count(f->a[i], gid, dt_view_str("from two")), 1);
        is(world_talk_count(f->a[i], gid, dt_view_str("from three")), 1);
        is(world_alarms(f->a[i], 0), 0);
    }
}

static void
leaving(void **state)
{
    struct three *f = *state;
    uint8_t gid[32];

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    ok(dt_agent_leave(f->a[2], gid));
    world_sync(f->a, 3, 4);
    is(world_channel(f->a[2], gid).state, DT_CHANNEL_LEFT);
    same_epoch(f->a, 2, gid, 3);
    is(world_channel(f->a[0], gid).members, 2);
    is(world_channel(f->a[0], gid).queue_number, 2);
    world_say(f->a[0], gid, "without red");
    world_sync(f->a, 3, 2);
    is(world_talk_count(f->a[1], gid, dt_view_str("without red")), 1);
    is(world_talk_count(f->a[2], gid, dt_view_str("without red")), 0);
}

static void
rotation_and_absence(void **state)
{
    struct three *f = *state;
    uint8_t gid[32];
    struct dt_roster_entry *v = NULL;
    size_t n = 0;

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    /* Less than a day is left: everyone rotates by itself. */
    f->w.offset_ms += 3 * DT_MS_DAY + DT_MS_HOUR;
    world_sync(f->a, 3, 4);
    ok(dt_agent_roster(f->a[0], gid, &v, &n));
    is(n, 3);
    for (size_t i = 0; i < n; i++)
        is(v[i].serial, 1);
    dt_free(v);
    same_epoch(f->a, 3, gid, 4);
    /* All were away for longer than a voucher lives: roster and backlog are unconfirmed until all
     * said here. */
    f->w.offset_ms += 6 * DT_MS_DAY;
    world_say(f->a[0], gid, "after the holidays");
    ok(dt_agent_sync(f->a[0], NULL));
    assert_false(world_channel(f->a[0], gid).confirmed);
    world_sync(f->a, 3, 5);
    for (size_t i = 0; i < 3; i++) {
        assert_true(world_channel(f->a[i], gid).confirmed);
        is(world_talk_count(f->a[i], gid, dt_view_str("after the holidays")), 1);
        is(world_alarms(f->a[i], 0), 0);
    }
}

/* Who was away accuses nobody of what the others did meanwhile, under vouchers that have run out
 * since. */
static void
rotated_while_away(void **state)
{
    struct three *f = *state;
    uint8_t gid[32];

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    for (unsigned int day = 0; day < 6; day++) {
        f->w.offset_ms += DT_MS_DAY;
        ok(dt_agent_rotate(f->a[1], gid));
        world_sync(f->a + 1, 2, 3);
    }
    world_sync(f->a, 3, 5);
    for (size_t i = 0; i < 3; i++) {
        assert_true(world_channel(f->a[i], gid).confirmed);
        is(world_alarms(f->a[i], 0), 0);
    }
}

static void
expired_answer(void **state)
{
    struct three *f = *state;
    uint8_t gid[32], hash[32], request[16];

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    world_letter_hash(f->a[3], hash);
    ok(dt_agent_request_admission(f->a[1], gid, hash, request));
    world_sync(f->a, 4, 1);
    world_accept(f->a[3]);
    world_sync(f->a, 4, 1);
    ok(dt_agent_approve(f->a[0], request));
    ok(dt_agent_approve(f->a[2], request));
    world_sync(f->a, 4, 2);
    f->w.offset_ms += 5 * DT_MS_DAY;
    is(dt_agent_commit_admission(f->a[1], request), DT_ERR_EXPIRED);
}

/* A renewed letter: the seat keeps the old one, rotations too, until its holder re-joins under the
 * new one. */
static void
renewed_letter(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf before = DT_BUF_INIT(8192);
    uint8_t gid[32], old[32], renewed[32], kept[32];

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    world_letter_hash(f->a[2], old);
    ok(dt_agent_own_letter(f->a[2], &before));
    f->w.offset_ms += DT_MS_HOUR;
    world_accredit(&f->w, f->a[2], RED, DT_RIGHT_BIT(DT_RIGHT_TALK));
    world_letter_hash(f->a[2], renewed);
    assert_memory_not_equal(old, renewed, 32);
    /* The old one, which all the others hold and may send, does not come back. */
    ok(dt_agent_letter_import(f->a[2], dt_buf_view(&before), kept));
    world_letter_hash(f->a[2], kept);
    assert_memory_equal(kept, renewed, 32);
    ok(dt_agent_rotate(f->a[2], gid));
    world_sync(f->a, 3, 3);
    same_epoch(f->a, 3, gid, 2);
    assert_int_not_equal(world_leaf(f->a[0], gid, old), UINT32_MAX);
    ok(dt_agent_rejoin(f->a[2], gid));
    world_sync(f->a, 3, 5);
    assert_int_equal(world_leaf(f->a[0], gid, old), UINT32_MAX);
    assert_int_not_equal(world_leaf(f->a[0], gid, renewed), UINT32_MAX);
    world_say(f->a[2], gid, "under a new letter");
    world_sync(f->a, 3, 2);
    is(world_talk_count(f->a[0], gid, dt_view_str("under a new letter")), 1);
    for (size_t i = 0; i < 3; i++)
        is(world_alarms(f->a[i], 0), 0);
}

/* A root's revocation is a ground for anyone to remove the holder of the letter. */
static void
revocation(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf letter = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(1024);
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct dt_revocation v;
    uint8_t gid[32], hash[32];

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    world_letter_hash(f->a[2], hash);
    is(dt_agent_remove(f->a[0], gid, world_leaf(f->a[0], gid, hash)), DT_ERR_REFUSED);
    ok(dt_agent_own_letter(f->a[2], &letter));
    ok(dt_letter_decode(dt_buf_view(&letter), &l));
    ok(dt_revocation_make(dt_view_of(f->w.root[RED]), &l, 1, &v));
    ok(dt_revocation_encode(&v, &bytes));
    bytes.p[bytes.n - 1] ^= 1;
    is(dt_agent_revocation_import(f->a[0], dt_buf_view(&bytes)), DT_ERR_AUTH);
    bytes.p[bytes.n - 1] ^= 1;
    ok(dt_agent_revocation_import(f->a[0], dt_buf_view(&bytes)));
    ok(dt_agent_remove(f->a[0], gid, world_leaf(f->a[0], gid, hash)));
    world_sync(f->a, 3, 3);
    same_epoch(f->a, 2, gid, 3);
    is(world_channel(f->a[1], gid).members, 2);
    is(world_channel(f->a[2], gid).state, DT_CHANNEL_LEFT);
}

/* After 30 days the queue is replaced, and the vouchers with it. */
static void
old_queue(void **state)
{
    struct three *f = *state;
    uint8_t gid[32];
    struct dt_channel_info before;

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    before = world_channel(f->a[0], gid);
    for (unsigned int i = 0; i < 10; i++) {
        f->w.offset_ms += 3 * DT_MS_DAY + DT_MS_HOUR;
        world_sync(f->a, 3, 4);
    }
    is(world_channel(f->a[0], gid).queue_number, 2);
    assert_memory_not_equal(world_channel(f->a[0], gid).queue, before.queue, 32);
    same_epoch(f->a, 3, gid, world_channel(f->a[0], gid).epoch);
    world_say(f->a[1], gid, "a month later");
    world_sync(f->a, 3, 2);
    for (size_t i = 0; i < 3; i++) {
        is(world_talk_count(f->a[i], gid, dt_view_str("a month later")), 1);
        is(world_alarms(f->a[i], 0), 0);
    }
}

/* Both were away for a month: whoever hears the other under a fresh voucher before its own is fresh
 * says `here` once more when it is, or the other would wait for ever. */
static void
both_away(void **state)
{
    struct three *f = *state;
    uint8_t gid[32];

    world_found(f->a, 2, DT_CHANNEL_CAUCUS, "caucus", gid);
    f->w.offset_ms += 31 * DT_MS_DAY;
    world_say(f->a[0], gid, "a month later");
    ok(dt_agent_sync(f->a[0], NULL));
    is(world_channel(f->a[0], gid).to_send, 1);
    ok(dt_agent_sync(f->a[1], NULL));
    world_say(f->a[1], gid, "so it is");
    world_sync(f->a, 2, 3);
    same_epoch(f->a, 2, gid, world_channel(f->a[0], gid).epoch);
    for (size_t i = 0; i < 2; i++) {
        assert_true(world_channel(f->a[i], gid).confirmed);
        is(world_talk_count(f->a[i], gid, dt_view_str("a month later")), 1);
        is(world_talk_count(f->a[i], gid, dt_view_str("so it is")), 1);
        is(world_alarms(f->a[i], 0), 0);
    }
}

/* A home is made whole or not at all, and never over another. */
static void
making_homes(void **state)
{
    struct three *f = *state;
    struct dt_clock clock = world_clock(&f->w);
    struct dt_agent_init_params params = {.passphrase = dt_view_str(PASSPHRASE),
                                          .charter = dt_buf_view(&f->w.charter),
                                          .grant = dt_buf_view(&f->w.grant[BLUE]),
                                          .party = "green",
                                          .name = "N",
                                          .title = "T",
                                          .clock = clock};
    struct dt_agent *a = NULL;
    char home[128], part[160];

    world_path(&f->w, "new", home);
    (void)snprintf(part, sizeof part, "%s.part", home);
    params.home = home;
    is(dt_agent_init(&params), DT_ERR_NOT_FOUND);
    params.party = "blue";
    params.name = "";
    is(dt_agent_init(&params), DT_ERR_RANGE);
    params.name = "N";
    params.passphrase = dt_view_str("");
    is(dt_agent_init(&params), DT_ERR_RANGE);
    params.passphrase = dt_view_str(PASSPHRASE);
    params.grant.n -= 10;
    assert_int_not_equal(dt_agent_init(&params), DT_OK);
    params.grant.n += 10;
    assert_false(dt_file_exists(home));
    assert_false(dt_file_exists(part));
    is(dt_agent_open(home, dt_view_str(PASSPHRASE), &clock, &a), DT_ERR_NOT_FOUND);
    ok(dt_dir_make(part, 0700)); /* as a killed attempt leaves it */
    ok(dt_agent_init(&params));
    assert_false(dt_file_exists(part));
    is(dt_agent_init(&params), DT_ERR_EXISTS);
    is(dt_agent_open(home, dt_view_str("wrong"), &clock, &a), DT_ERR_LOCKED);
    ok(dt_agent_open(home, dt_view_str(PASSPHRASE), &clock, &a));
    is(dt_agent_found(a, DT_CHANNEL_TRACK, "t", NULL, 0, (uint8_t[32]){0}),
       DT_ERR_STATE); /* no letter */
    dt_agent_close(a);
}

/* A caucus without all answers is not begun; a no is a no. */
static void
declined(void **state)
{
    struct three *f = *state;
    struct dt_invitation_info *v = NULL;
    uint8_t gid[32], hash[32], none[16] = {0};
    size_t n = 0;

    world_letter_hash(f->a[1], hash);
    is(dt_agent_found(f->a[0], DT_CHANNEL_CAUCUS, "", (const uint8_t(*)[32]) & hash, 1, gid),
       DT_ERR_RANGE);
    is(dt_agent_found(f->a[0], DT_CHANNEL_PLENARY, "two of three", (const uint8_t(*)[32]) & hash, 1,
                      gid),
       DT_ERR_RANGE);
    is(dt_agent_found(f->a[2], DT_CHANNEL_CAUCUS, "no mediator", (const uint8_t(*)[32]) & hash, 1,
                      gid),
       DT_ERR_RANGE);
    is(dt_agent_invitation_accept(f->a[1], none), DT_ERR_NOT_FOUND);
    ok(dt_agent_found(f->a[0], DT_CHANNEL_CAUCUS, "caucus", (const uint8_t(*)[32]) & hash, 1, gid));
    world_sync(f->a, 2, 2);
    ok(dt_agent_invitations(f->a[1], &v, &n));
    is(n, 1);
    is(v[0].state, DT_INVITATION_OPEN);
    assert_true(v[0].founding);
    assert_string_equal(v[0].channel_name, "caucus");
    assert_string_equal(v[0].from.name, "envoy");
    is(v[0].n_people, 2);
    ok(dt_agent_invitation_decline(f->a[1], v[0].invitation_id));
    is(dt_agent_invitation_accept(f->a[1], v[0].invitation_id), DT_ERR_STATE);
    dt_free(v);
    world_sync(f->a, 2, 2);
    is(world_channel(f->a[0], gid).state, DT_CHANNEL_FOUNDING);
    is(world_channel(f->a[0], gid).answers_missing, 1);
    is(dt_agent_talk_text(f->a[0], gid, dt_view_str("hello?"), none), DT_ERR_STATE);
}

/* The place of ${text} in what ${a} lists, from the queue; 0 when it is not there. */
static uint64_t
position_of(struct dt_agent *a, const uint8_t gid[static 32], const char *text)
{
    struct dt_talk_info *v = NULL;
    uint64_t position = 0;
    size_t n = 0;

    ok(dt_agent_talk_list(a, gid, 0, &v, &n));
    for (size_t i = 0; i < n; i++) {
        struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);

        ok(dt_agent_talk_read(a, gid, v[i].seq, &b));
        if (dt_view_equal(dt_buf_view(&b), dt_view_str(text)))
            position = v[i].position;
        dt_buf_clear(&b);
    }
    dt_free(v);
    return position;
}

/* ${n} rotations by the first two, who tell each other. */
static void
rotate(struct three *f, const uint8_t gid[static 32], unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        ok(dt_agent_rotate(f->a[i % 2], gid));
        world_sync(f->a, 2, 2);
    }
}

/* Take in what is in the queue, and send nothing: the relay is gone again after that. */
static void
only_read(struct dt_agent *a, const uint8_t gid[static 32])
{
    struct dt_channel ch = {0};
    struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_sync_report report = {0};
    struct dt_wire_items items;
    struct dt_wire_item item;
    uint64_t last = 0;
    bool more = true;

    ok(dt_channel_load(a, gid, &ch));
    ok(dt_relay_read(a->queue_http, a->grant.relay, ch.queue.address,
                     dt_queue_read_token(&ch.queue), ch.position, 0, &answer));
    ok(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
    ok(dt_wire_items_next(&items, &item, &more));
    while (more) {
        ok(dt_channel_take_cell(a, gid, ch.queue_number, &item, NULL, &report));
        ok(dt_wire_items_next(&items, &item, &more));
    }
    dt_channel_clear(&ch);
    dt_buf_clear(&answer);
}

/* What was protected and did not get out, while the others went on for so many epochs that nobody
 * holds its keys any more, is protected anew, in its order, and nobody sees anything amiss. */
static void
late_to_leave(void **state)
{
    struct three *f = *state;
    uint8_t gid[32];
    size_t made = 0;

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    world_say(f->a[2], gid, "first");
    world_say(f->a[2], gid, "second");
    ok(dt_channel_prepare(f->a[2], gid, &made)); /* and the relay is gone before it is sent */
    is(made, 2);
    rotate(f, gid, 5);
    world_say(f->a[2], gid, "third");
    world_sync(f->a, 3, 3);
    for (size_t i = 0; i < 3; i++) {
        is(world_talk_count(f->a[i], gid, dt_view_str("first")), 1);
        is(world_talk_count(f->a[i], gid, dt_view_str("second")), 1);
        assert_true(position_of(f->a[i], gid, "first") < position_of(f->a[i], gid, "second"));
        assert_true(position_of(f->a[i], gid, "second") < position_of(f->a[i], gid, "third"));
        is(position_of(f->a[i], gid, "first"), position_of(f->a[0], gid, "first"));
        is(world_alarms(f->a[i], 0), 0);
    }
    same_epoch(f->a, 3, gid, 6);
}

/* What was protected an epoch later, and is not late itself, does not overtake what is. */
static void
late_in_order(void **state)
{
    struct three *f = *state;
    uint8_t gid[32];
    size_t made = 0;

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    world_say(f->a[2], gid, "first");
    ok(dt_channel_prepare(f->a[2], gid, &made));
    rotate(f, gid, 1);
    only_read(f->a[2], gid);
    world_say(f->a[2], gid, "second");
    ok(dt_channel_prepare(f->a[2], gid, &made));
    is(made, 2);
    rotate(f, gid, 1);
    world_say(f->a[2], gid, "third");
    world_sync(f->a, 3, 3);
    for (size_t i = 0; i < 3; i++) {
        is(world_talk_count(f->a[i], gid, dt_view_str("first")), 1);
        assert_true(position_of(f->a[i], gid, "first") < position_of(f->a[i], gid, "second"));
        assert_true(position_of(f->a[i], gid, "second") < position_of(f->a[i], gid, "third"));
        is(world_alarms(f->a[i], 0), 0);
    }
    same_epoch(f->a, 3, gid, 3);
}

/* It got out, and came too late: the others say that they passed something over; it is said again.
 */
static void
late_to_arrive(void **state)
{
    struct three *f = *state;
    uint8_t gid[32];
    size_t made = 0, sent = 0;

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", gid);
    world_say(f->a[2], gid, "first");
    ok(dt_channel_prepare(f->a[2], gid, &made));
    rotate(f, gid, 5);
    ok(dt_outbox_flush(f->a[2], gid, &sent)); /* the others were quicker while it was on its way */
    is(sent, 1);
    world_say(f->a[2], gid, "second");
    world_sync(f->a, 3, 3);
    for (size_t i = 0; i < 3; i++) {
        is(world_talk_count(f->a[i], gid, dt_view_str("first")), 1);
        assert_true(position_of(f->a[i], gid, "first") < position_of(f->a[i], gid, "second"));
        is(world_alarms(f->a[i], 0), i == 2 ? 0 : 1);
    }
    same_epoch(f->a, 3, gid, 6);
}

static enum dt_err
no_migration(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)db;
    (void)from;
    (void)ctx;
    return DT_OK;
}

/* A row that nobody reads is put back while the agent has the store: a sync does not meet it, the
 * background agent looks at all of them. */
static void
agent_looks_at_all(void **state)
{
    struct three *f = *state;
    struct dt_agent *a = f->a[1];
    char home[128], path[192];
    struct dt_db_config config = {
        .path = path, .app_id = 0x64744147u, .version = DT_STORE_SCHEMA, .migrate = no_migration};
    struct dt_db *disk = NULL;
    atomic_bool stop = false;

    world_path(&f->w, "blue-1", home);
    (void)snprintf(path, sizeof path, "%s/store.db", home);
    ok(dt_store_begin(a->store));
    for (uint8_t i = 0; i < 200; i++)
        ok(dt_store_put(a->store, "unread", dt_view(&i, 1), dt_view_str(""), i, dt_view_str("x")));
    ok(dt_store_commit(a->store));
    ok(dt_store_verify(a->store));
    ok(dt_db_open(&config, &disk));
    ok(dt_db_exec(disk, "UPDATE row SET version = version - 1 WHERE tab = 'unread' AND seq = 100"));
    dt_db_close(disk);
    ok(dt_agent_sync(a, NULL));
    is(dt_agent_run(a, &stop, NULL, NULL), DT_ERR_AUTH);
    assert_non_null(strstr(dt_err_message(), "older copies"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(founding_and_talk, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(unconfirmed_waits, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(admission_and_removal, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(two_commits_at_once, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(leaving, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(rotation_and_absence, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(rotated_while_away, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(expired_answer, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(late_to_leave, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(late_in_order, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(late_to_arrive, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(renewed_letter, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(revocation, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(declined, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(old_queue, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(both_away, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(agent_looks_at_all, three_and_second, three_tear_down),
        cmocka_unit_test_setup_teardown(making_homes, three_and_second, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
