/*
 * tests/agent/test_destroy.c - keep or destroy: what is past its time is gone from every home, and
 * nothing else is; who says what of it; clocks that are wrong. Real homes over a real relay.
 *
 * Source: docs/protocol-channel.md "Keep or destroy".
 */
#include "agent/core.h"
#include "agent/keep/backup.h"
#include "agent/keep/destroy.h"
#include "agent/store/walk.h"
#include "agent/sync/flows.h"
#include "agent/talk/chunk.h"
#include "agent/talk/understood.h"
#include "base/mem.h"

#include "search.h"
#include "three.h"

#define SECRET   "the bridge at Aster is open for us"
#define READ_AS  "they leave the crossing at Aster unguarded"
#define AFTER_MS (2 * DT_MS_DAY)
#define MINUTE   (UINT64_C(60) * 1000)

static const char *const homes[3] = {"envoy", "blue-1", "red-1"};

/* A plenary in which talk is destroyed after two days. */
static int
destroys(void **state)
{
    uint8_t letters[3][32];
    struct three *t;

    is(three_homes(state), 0);
    t = *state;
    for (size_t i = 0; i < 3; i++)
        world_letter_hash(t->a[i], letters[i]);
    ok(dt_agent_found_as(t->a[0], DT_CHANNEL_PLENARY, "plenary", (const uint8_t(*)[32])letters, 3,
                         AFTER_MS, t->gid));
    world_sync(t->a, 3, 2);
    for (size_t i = 1; i < 3; i++) {
        DT_CLEANUP(dt_free_p) struct dt_invitation_info *list = NULL;
        size_t n = 0;

        ok(dt_agent_invitations(t->a[i], &list, &n)); /* before they agree to it */
        is(n, 1);
        is(list[0].destroy_after_ms, AFTER_MS);
        world_accept(t->a[i]);
    }
    world_sync(t->a, 3, 6);
    for (size_t i = 0; i < 3; i++) {
        assert_true(world_channel(t->a[i], t->gid).confirmed);
        is(world_channel(t->a[i], t->gid).destroy_after_ms, AFTER_MS);
    }
    return 0;
}

/* ${who} says that it destroyed that. */
static void
send_destroyed(struct three *t, size_t who, const uint8_t id[static 16],
               const uint8_t key[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(256);
    struct dt_destroyed_item item = {.after_ms = AFTER_MS};
    struct dt_payload p = {.kind = DT_PAYLOAD_DESTROYED,
                           .sent_ms = dt_agent_now(t->a[who]),
                           .destroyed_ms = dt_agent_now(t->a[who])};
    struct dt_writer w = dt_writer_init(&list);

    memcpy(item.id, id, 16);
    memcpy(item.key, key, 32);
    dt_destroyed_write(&w, &item);
    ok(dt_writer_end(&w));
    p.destroyed_list = dt_buf_view(&list);
    ok(dt_random(p.id, sizeof p.id));
    ok(dt_channel_send(t->a[who], t->gid, &p));
    world_sync(t->a, 3, 3);
}

/* Time goes on, and each of them says in a way that leaves nothing what time it is. */
static void
pass(struct three *t, uint64_t ms)
{
    static const uint8_t nothing[32];

    t->w.offset_ms += ms;
    world_sync(t->a, 3, 2);
    for (size_t i = 0; i < 3; i++)
        send_destroyed(t, i, nothing, nothing);
}

static struct dt_talk_info
talk_of(struct three *t, size_t who, const uint8_t id[static 16])
{
    DT_CLEANUP(dt_free_p) struct dt_talk_info *list = NULL;
    size_t n = 0;

    ok(dt_agent_talk_list(t->a[who], t->gid, 0, &list, &n));
    for (size_t i = 0; i < n; i++)
        if (memcmp(list[i].id, id, 16) == 0)
            return list[i];
    fail_msg("no such talk");
    return (struct dt_talk_info){0};
}

static void
say_as(struct three *t, size_t who, const char *text, enum dt_item_rule_what what,
       uint64_t after_ms, uint8_t id[static 16])
{
    const struct dt_item_rule rule = {what, after_ms};

    ok(dt_agent_talk_text_as(t->a[who], t->gid, dt_view_str(text), &rule, id));
}

static size_t
kept(struct three *t, size_t who)
{
    DT_CLEANUP(dt_free_p) struct dt_kept_info *list = NULL;
    size_t n = 0;

    ok(dt_agent_kept(t->a[who], NULL, &list, &n));
    for (size_t i = 1; i < n; i++)
        assert_true(list[i - 1].due_ms <= list[i].due_ms + MINUTE);
    return n;
}

static size_t
others_say(struct three *t, size_t who, const uint8_t id[static 16])
{
    DT_CLEANUP(dt_free_p) struct dt_destroyed_by *list = NULL;
    const struct dt_talk_info x = talk_of(t, who, id);
    size_t n = 0;

    ok(dt_agent_destroyed_by(t->a[who], t->gid, &x, &list, &n));
    return n;
}

static bool
reads(struct three *t, size_t who, const uint8_t id[static 16])
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);
    enum dt_err err = dt_agent_talk_read(t->a[who], t->gid, talk_of(t, who, id).seq, &b);

    assert_true(err == DT_OK || err == DT_ERR_EXPIRED);
    return err == DT_OK;
}

/* Everywhere gone: from what is read, from every row, and as sealed bytes from the file. */
static void
is_gone_everywhere_and_only_that(void **state)
{
    struct three *t = *state;
    struct values sealed[3] = {0};
    struct dt_talk_info about;
    struct dt_understood *list = NULL;
    uint8_t id[16], as[16], kept_id[16], long_id[16];
    size_t n = 0;

    three_say(t, 1, SECRET, id);
    say_as(t, 1, "to be kept", DT_ITEM_KEEP, 0, kept_id);
    say_as(t, 2, "for ten days", DT_ITEM_DESTROY, 10 * DT_MS_DAY, long_id);
    world_sync(t->a, 3, 3);
    about = talk_of(t, 2, id);
    ok(dt_agent_understood_send(t->a[2], t->gid, &about, dt_view_str(READ_AS), as));
    world_sync(t->a, 3, 3);
    about = talk_of(t, 1, id);
    ok(dt_agent_understood(t->a[1], t->gid, &about, &list, &n));
    is(n, 1);
    ok(dt_agent_understood_judge(t->a[1], t->gid, &about, &list[0], true, dt_view_str(SECRET)));
    dt_understood_free(list, n);
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(rows_with(t->a[i], dt_view_str(SECRET)) >= 2);
        assert_true(rows_with(t->a[i], dt_view_str(READ_AS)) >= 1);
        is(kept(t, i), 2);
        values_of(&t->w, homes[i], "talk_data", &sealed[i]);
        values_of(&t->w, homes[i], "understood", &sealed[i]);
        is(sealed[i].n, 5);
        is(values_left(&t->w, homes[i], &sealed[i]) >= 5, true);
    }

    pass(t, AFTER_MS - MINUTE); /* not before its time */
    for (size_t i = 0; i < 3; i++)
        assert_true(reads(t, i, id));
    pass(t, 10 * MINUTE);
    for (size_t i = 0; i < 3; i++) {
        const struct dt_talk_info x = talk_of(t, i, id);

        assert_true(x.rule.destroyed_ms >= x.rule.due_ms);
        assert_false(x.rule.own);
        is(x.rule.after_ms, AFTER_MS);
        is(x.size, 0);
        assert_false(reads(t, i, id));
        is(rows_with(t->a[i], dt_view_str(SECRET)), 0);
        is(rows_with(t->a[i], dt_view_str(READ_AS)), 0);
        /* Of five there are left those two that are kept longer. */
        is(values_left(&t->w, homes[i], &sealed[i]), 2);
        assert_true(reads(t, i, kept_id));
        assert_true(reads(t, i, long_id));
        is(others_say(t, i, id), 2);
        is(others_say(t, i, kept_id), 0);
        values_clear(&sealed[i]);
        ok(dt_store_check(t->a[i]->store));
    }
    pass(t, 9 * DT_MS_DAY);
    for (size_t i = 0; i < 3; i++) {
        assert_true(talk_of(t, i, long_id).rule.own);
        assert_false(reads(t, i, long_id));
        assert_true(reads(t, i, kept_id));
        is(kept(t, i), 0);
    }
    three_no_alarms(t);
}

/* In a channel that keeps, an item's own rule alone. */
static void
an_item_goes_by_its_own_rule(void **state)
{
    struct three *t = *state;
    uint8_t id[16], other[16];

    say_as(t, 0, SECRET, DT_ITEM_DESTROY, DT_DESTROY_AFTER_MIN_MS, id);
    three_say(t, 0, "stays", other);
    world_sync(t->a, 3, 3);
    is(dt_agent_talk_text_as(t->a[0], t->gid, dt_view_str("x"),
                             &(struct dt_item_rule){DT_ITEM_DESTROY, 1}, other),
       DT_ERR_RANGE);
    t->w.offset_ms += DT_MS_HOUR + 5 * MINUTE;
    world_sync(t->a, 3, 3); /* nobody has said since what time it is */
    for (size_t i = 0; i < 3; i++) {
        assert_true(talk_of(t, i, id).rule.past);
        assert_false(reads(t, i, id));
        assert_true(rows_with(t->a[i], dt_view_str(SECRET)) > 0);
    }
    pass(t, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_true(talk_of(t, i, id).rule.destroyed_ms != 0);
        assert_true(reads(t, i, other));
        is(rows_with(t->a[i], dt_view_str(SECRET)), 0);
    }
    three_no_alarms(t);
}

/* ---- files in pieces ---- */

#define SIZE (DT_CHUNK + 1000u)
static uint8_t content[SIZE];

static enum dt_err
read_content(void *ctx, uint64_t at, size_t n, struct dt_buf *out)
{
    (void)ctx;
    return dt_buf_append(out, dt_view(content + at, n));
}

static void
files_go_with_all_their_pieces(void **state)
{
    struct three *t = *state;
    const struct dt_file_source src = {.read = read_content, .size = SIZE};
    const struct dt_view piece = dt_view(content + 4096, 64);
    uint8_t id[16], hash[32];

    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i * 7 + i / 251 + i / 65536 * 3);
    ok(dt_agent_file_send(t->a[1], t->gid, "Aster.pdf", "application/pdf", &src,
                          &(struct dt_item_rule){0}, NULL, NULL, id, hash));
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(rows_with(t->a[i], piece) >= 1);
        assert_true(rows_with(t->a[i], dt_view_str("Aster.pdf")) >= 1);
    }
    pass(t, AFTER_MS + 5 * MINUTE);
    for (size_t i = 0; i < 3; i++) {
        assert_true(talk_of(t, i, id).rule.destroyed_ms != 0);
        is(rows_with(t->a[i], piece), 0);
        is(rows_with(t->a[i], dt_view_str("Aster.pdf")), 0);
        is(rows_with(t->a[i], dt_view_of(hash)), 0);
    }
    three_no_alarms(t);
}

/* A file of which the rest never comes goes as well, and a piece that comes then brings nothing
 * back. */
static void
half_a_file_goes_too(void **state)
{
    struct three *t = *state;
    struct dt_payload p = {.kind = DT_PAYLOAD_CHUNK,
                           .size = SIZE,
                           .sent_ms = dt_agent_now(t->a[1]),
                           .media_type = dt_view_str("application/pdf"),
                           .name = dt_view_str("half.pdf")};
    const struct dt_view piece = dt_view(content + 4096, 64);

    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i * 7 + i / 251 + i / 65536 * 3);
    ok(dt_random(p.file, sizeof p.file));
    ok(dt_sha256(dt_view(content, SIZE), p.hash));
    p.data = dt_view(content, DT_CHUNK);
    ok(dt_random(p.id, sizeof p.id));
    ok(dt_channel_send(t->a[1], t->gid, &p));
    world_sync(t->a, 3, 3);
    assert_true(rows_with(t->a[2], piece) >= 1);
    pass(t, AFTER_MS + 5 * MINUTE);
    assert_true(talk_of(t, 2, p.file).rule.destroyed_ms != 0);
    is(rows_with(t->a[2], piece), 0);
    p.index = 1;
    p.data = dt_view(content + DT_CHUNK, SIZE - DT_CHUNK);
    ok(dt_random(p.id, sizeof p.id));
    ok(dt_channel_send(t->a[1], t->gid, &p));
    world_sync(t->a, 3, 3);
    is(rows_with(t->a[2], dt_view(content + DT_CHUNK, 64)), 0);
    is(rows_with(t->a[2], dt_view_str("half.pdf")), 0);
    three_no_alarms(t);
}

/* ---- hostile members ---- */

/* That a member says it has destroyed something destroys nothing elsewhere; of what nobody has
 * nothing is kept. */
static void
anothers_word_destroys_nothing(void **state)
{
    struct three *t = *state;
    static const uint8_t nothing[32];
    uint64_t before = 0, after = 0;
    uint8_t id[16];

    three_say(t, 1, SECRET, id);
    world_sync(t->a, 3, 3);
    send_destroyed(t, 2, id, t->a[1]->delegate_pub);
    for (size_t i = 0; i < 2; i++) {
        assert_true(reads(t, i, id));
        is(talk_of(t, i, id).rule.destroyed_ms, 0);
        is(others_say(t, i, id), 1);
    }
    send_destroyed(t, 2, id, t->a[1]->delegate_pub); /* said twice, kept once */
    is(others_say(t, 0, id), 1);
    ok(dt_store_table_count(t->a[0]->store, "gone", &before));
    send_destroyed(t, 2, nothing, t->a[1]->delegate_pub);
    send_destroyed(t, 2, id, nothing);
    ok(dt_store_table_count(t->a[0]->store, "gone", &after));
    is(after, before);
    three_no_alarms(t);
}

/* A message that brings a rule of less than an hour would be gone before anybody could read it: it
 * is not taken, and its sender is named. So is not one that says its time is the year 9999. */
static void
rules_that_cannot_be(void **state)
{
    struct three *t = *state;
    struct dt_payload p = {.kind = DT_PAYLOAD_TALK,
                           .sent_ms = UINT64_C(253370764800000), /* the year 9999 */
                           .media_type = dt_view_str("text/plain"),
                           .data = dt_view_str("from the end of time"),
                           .rule = {DT_ITEM_DESTROY, DT_DESTROY_AFTER_MAX_MS}};
    uint64_t heard = 0;
    uint8_t id[16];

    ok(dt_random(p.id, sizeof p.id));
    memcpy(id, p.id, 16);
    ok(dt_channel_send(t->a[2], t->gid, &p));
    world_sync(t->a, 3, 3);
    is(world_talk_count(t->a[0], t->gid, p.data), 1);
    is(kept(t, 0), 1);
    ok(dt_agent_time_heard(t->a[0], &heard)); /* nobody's clock is put forward by it */
    assert_true(heard <= dt_agent_now(t->a[0]) + DT_MS_DAY);

    p.data = dt_view_str("gone before it is read");
    p.rule.after_ms = 1000;
    ok(dt_random(p.id, sizeof p.id));
    ok(dt_channel_send(t->a[2], t->gid, &p));
    world_sync(t->a, 3, 1);
    is(world_talk_count(t->a[0], t->gid, p.data), 0);
    world_sync(t->a, 2, 2);
    is(world_talk_count(t->a[0], t->gid, p.data), 0);
    assert_true(three_alarms(t, 0, DT_ALARM_CELL, 2, "kept for an hour at least") > 0);
    t->w.offset_ms += AFTER_MS + 5 * MINUTE;
    assert_true(reads(t, 0, id));
}

/* ---- clocks ---- */

/* A clock that is years ahead destroys nothing by itself: what is past by it is not shown, and is
 * there again when the clock is right. A person may say that it is right. */
static void
a_clock_far_ahead_destroys_nothing(void **state)
{
    struct three *t = *state;
    uint8_t id[16];
    size_t n = 0;

    three_say(t, 1, SECRET, id);
    world_sync(t->a, 3, 3);
    t->w.offset_ms += 3650 * DT_MS_DAY;
    ok(dt_agent_destroy(t->a[0], false, &n));
    is(n, 0);
    dt_agent_close_p(&t->a[0]);
    t->a[0] = world_open(&t->w, homes[0]);
    assert_true(talk_of(t, 0, id).rule.past);
    assert_false(reads(t, 0, id));
    t->w.offset_ms -= 3650 * DT_MS_DAY;
    assert_true(reads(t, 0, id));

    t->w.offset_ms += AFTER_MS + MINUTE;
    ok(dt_agent_destroy(t->a[0], false, &n));
    is(n, 0);
    ok(dt_agent_destroy(t->a[0], true, &n));
    is(n, 1);
    t->w.offset_ms -= AFTER_MS;
    assert_false(reads(t, 0, id));
    is(rows_with(t->a[0], dt_view_str(SECRET)), 0);
    is(rows_with(t->a[1], dt_view_str(SECRET)) > 0, true);
}

/* What waits to be sent, when its time is over, is not sent; as it was said, or sealed already. */
static void
never_sent(struct three *t, bool sealed)
{
    uint8_t id[16];
    size_t n = 0, made = 0;

    ok(dt_agent_talk_text(t->a[1], t->gid, dt_view_str(SECRET), id));
    if (sealed)
        ok(dt_channel_prepare(t->a[1], t->gid, &made));
    is(made > 0, sealed);
    assert_true(rows_with(t->a[1], dt_view_str(SECRET)) >= 2); /* to be sent, and kept */
    t->w.offset_ms += AFTER_MS + MINUTE;
    ok(dt_agent_destroy(t->a[1], true, &n));
    is(n, 1);
    is(rows_with(t->a[1], dt_view_str(SECRET)), 0);
    world_sync(t->a, 3, 4);
    is(world_talk_count(t->a[0], t->gid, dt_view_str(SECRET)), 0);
    three_no_alarms(t);
}

static void
what_was_never_sent_goes_too(void **state)
{
    never_sent(*state, false);
}

static void
what_was_sealed_and_not_sent_goes_too(void **state)
{
    never_sent(*state, true);
}

/* ---- a crash ---- */

static unsigned int writes_left;

static bool
write_fails(void *ctx, enum dt_db_point at)
{
    (void)ctx;
    (void)at;
    return writes_left > 0 && --writes_left == 0;
}

/* Cut off at any call of the database: all of it is there, or nothing but that it was. */
static void
all_or_nothing(void **state)
{
    struct three *t = *state;
    uint8_t id[2][16];
    unsigned int cut = 0;
    size_t n = 0;

    three_say(t, 1, SECRET, id[0]);
    three_say(t, 1, READ_AS, id[1]);
    world_sync(t->a, 3, 3);
    t->w.offset_ms += AFTER_MS + MINUTE;
    for (unsigned int at = 1; n == 0; at++) {
        bool there;
        enum dt_err err;

        writes_left = at;
        dt_db_fault(write_fails, NULL);
        err = dt_agent_destroy(t->a[0], true, &n);
        dt_db_fault(NULL, NULL);
        dt_agent_close_p(&t->a[0]);
        t->w.offset_ms -= AFTER_MS; /* or what is past were not read */
        t->a[0] = world_open(&t->w, homes[0]);
        there = rows_with(t->a[0], dt_view_str(SECRET)) > 0;
        is(rows_with(t->a[0], dt_view_str(READ_AS)) > 0, there);
        for (size_t i = 0; i < 2; i++) {
            is(talk_of(t, 0, id[i]).rule.destroyed_ms == 0, there);
            is(reads(t, 0, id[i]), there);
        }
        is(kept(t, 0), there ? 2 : 0);
        ok(dt_store_check(t->a[0]->store));
        t->w.offset_ms += AFTER_MS;
        if (err == DT_OK || !there)
            break;
        n = 0;
        cut++;
    }
    assert_true(cut > 20);
    world_sync(t->a, 3, 4);
    is(others_say(t, 1, id[0]), 2);
}

/* ---- backups ---- */

/* What a backup of before holds is not shown by the home that is made of it, and goes at its first
 * sync. */
static void
a_backup_brings_nothing_back(void **state)
{
    struct three *t = *state;
    struct dt_clock clock = world_clock(&t->w);
    struct dt_backup_report r = {0};
    char file[128], home[128];
    uint8_t id[16], kept_id[16];

    three_say(t, 1, SECRET, id);
    say_as(t, 1, "to be kept", DT_ITEM_KEEP, 0, kept_id);
    world_sync(t->a, 3, 3);
    world_path(&t->w, "backup", file);
    world_path(&t->w, "red-again", home);
    ok(dt_backup_make(t->a[2], file, dt_view_str("another"), NULL, &r));
    pass(t, AFTER_MS + 5 * MINUTE);
    dt_agent_close_p(&t->a[2]);
    ok(dt_backup_restore(file, dt_view_str("another"), home, dt_view_str(PASSPHRASE), &clock, NULL,
                         &r));
    t->a[2] = world_open(&t->w, "red-again");
    assert_false(reads(t, 2, id));
    assert_true(reads(t, 2, kept_id));
    world_sync(t->a, 3, 8);
    is(rows_with(t->a[2], dt_view_str(SECRET)), 0);
    assert_true(talk_of(t, 2, id).rule.destroyed_ms != 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_gone_everywhere_and_only_that, destroys,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(an_item_goes_by_its_own_rule, three_set_up,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(files_go_with_all_their_pieces, destroys, three_tear_down),
        cmocka_unit_test_setup_teardown(half_a_file_goes_too, destroys, three_tear_down),
        cmocka_unit_test_setup_teardown(anothers_word_destroys_nothing, destroys, three_tear_down),
        cmocka_unit_test_setup_teardown(rules_that_cannot_be, destroys, three_tear_down),
        cmocka_unit_test_setup_teardown(a_clock_far_ahead_destroys_nothing, destroys,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(what_was_never_sent_goes_too, destroys, three_tear_down),
        cmocka_unit_test_setup_teardown(what_was_sealed_and_not_sent_goes_too, destroys,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(all_or_nothing, destroys, three_tear_down),
        cmocka_unit_test_setup_teardown(a_backup_brings_nothing_back, destroys, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
