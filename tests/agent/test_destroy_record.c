/*
 * tests/agent/test_destroy_record.c - records that are destroyed by their rule: gone from every
 * home with what was answered to them, but for what shows to anybody that there was one.
 *
 * Source: docs/protocol-record.md "Destroyed by rule". Real homes over a real relay.
 */
#include "agent/core.h"
#include "agent/keep/backup.h"
#include "agent/keep/destroy.h"
#include "agent/records/due.h"
#include "agent/records/opening.h"
#include "agent/records/trace.h"
#include "agent/store/walk.h"
#include "agent/sync/flows.h"
#include "base/mem.h"
#include "record/trace_proof.h"

#include "search.h"
#include "three.h"

#define AFTER_MS (2 * DT_MS_DAY)
#define MINUTE   (UINT64_C(60) * 1000)
#define ISSUE    "shelling of the bridge at Aster"
#define ANSWER   "what stood at Aster was not ours"

static const char *const homes[3] = {"envoy", "blue-1", "red-1"};

static void
rest(struct three *t)
{
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++)
            ok(dt_agent_register_sync(t->a[i], NULL));
        world_sync(t->a, 3, 2);
    }
}

static void
enter(struct three *t)
{
    rest(t);
    three_cosign(t);
    rest(t);
}

/* Time goes on; what is cosigned then, and said, tells all what time it is. */
static void
pass(struct three *t, uint64_t ms)
{
    t->w.offset_ms += ms;
    for (size_t i = 0; i < 3; i++)
        world_say(t->a[i], t->gid, "good morning");
    enter(t);
}

static void
set(struct dt_record_draft *d, const char *name, const char *text, struct dt_agent *a)
{
    ok(dt_record_draft_set_text(d, name, dt_view_str(text), dt_agent_charter(a)));
}

static void
concern(struct three *t, size_t who, uint64_t after_ms, uint8_t out[static 32])
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    struct dt_agent *a = t->a[who];

    ok(dt_agent_record_draft(a, t->gid, "concern", &d));
    set(&d, "title", "The bridge", a);
    set(&d, "raised_by", "blue", a);
    set(&d, "issue", ISSUE, a);
    set(&d, "severity", "serious", a);
    set(&d, "wanted", "That it stops.", a);
    set(&d, "answer_due", "2030-01-01", a);
    set(&d, "state", "open", a);
    ok(dt_record_draft_destroy(&d, after_ms));
    ok(dt_agent_record_send(a, t->gid, &d, out));
}

static enum dt_err
answer(struct three *t, size_t who, const uint8_t about[static 32], bool with_rule,
       uint8_t out[static 32])
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};

    ok(dt_agent_answer_draft(t->a[who], about, DT_ANSWER_ANSWER, &d, &subject));
    set(&d, "text", ANSWER, t->a[who]);
    assert_int_equal(d.has[DT_SLOT_DESTROY], subject.destroy_after_ms != 0);
    if (!with_rule)
        ok(dt_record_draft_destroy(&d, 0));
    return dt_agent_record_send(t->a[who], t->gid, &d, out);
}

static size_t
traces(struct three *t, size_t who)
{
    DT_CLEANUP(dt_free_p) struct dt_trace_info *list = NULL;
    size_t n = 0;

    ok(dt_agent_traces(t->a[who], t->gid, &list, &n));
    return n;
}

static size_t
words(struct three *t, size_t who, const uint8_t commitment[static 32])
{
    DT_CLEANUP(dt_free_p) struct dt_trace_word *list = NULL;
    size_t n = 0;

    ok(dt_agent_trace_words(t->a[who], commitment, &list, &n));
    return n;
}

static enum dt_verdict_code
verdict(struct dt_view file, const uint8_t *forum, struct dt_trace_verdict *v)
{
    ok(dt_trace_proof_verify(file, forum, dt_view(NULL, 0), v));
    return v->code;
}

/* An entry's number is the same in every home, and finds what stays and, among what is gone, that.
 */
static void
named_by_entry(struct three *t, size_t i, const struct dt_record_info *left)
{
    DT_CLEANUP(dt_free_p) struct dt_trace_info *gone = NULL;
    char name[40];
    uint8_t found[32], other[32];
    size_t n = 0;

    (void)snprintf(name, sizeof name, "entry:%llu", (unsigned long long)left->entry.index);
    ok(dt_agent_record_find(t->a[i], name, found));
    assert_memory_equal(found, left->commitment, 32);
    is(dt_agent_trace_find(t->a[i], name, found), DT_ERR_NOT_FOUND);
    ok(dt_agent_record_find(t->a[(i + 1) % 3], name, other));
    assert_memory_equal(other, left->commitment, 32);
    is(dt_agent_record_find(t->a[i], "entry:99", found), DT_ERR_NOT_FOUND);
    is(dt_agent_record_find(t->a[i], "entry:", found), DT_ERR_USAGE);
    is(dt_agent_record_find(t->a[i], "entry:1x", found), DT_ERR_USAGE);
    ok(dt_agent_traces(t->a[i], t->gid, &gone, &n));
    is(n, 2);
    for (size_t k = 0; k < n; k++) {
        (void)snprintf(name, sizeof name, "entry:%llu", (unsigned long long)gone[k].entry.index);
        is(dt_agent_record_find(t->a[i], name, found), DT_ERR_NOT_FOUND);
        ok(dt_agent_trace_find(t->a[i], name, found));
        assert_memory_equal(found, gone[k].trace.commitment, 32);
    }
}

/* The whole way, with an answer, and a record beside it that stays. */
static void
goes_with_its_answers_and_leaves_a_trace(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    DT_CLEANUP(dt_trace_verdict_clear) struct dt_trace_verdict v = {0};
    struct values sealed[3] = {0};
    uint8_t id[32], answered[32], stays[32], found[32], other[32] = {1};
    struct dt_entry_info entry;

    concern(t, 1, AFTER_MS, id);
    enter(t);
    ok(answer(t, 2, id, true, answered));
    concern(t, 1, 0, stays);
    enter(t);
    ok(dt_agent_record(t->a[1], id, &r));
    is(r.destroy_after_ms, AFTER_MS);
    for (size_t i = 0; i < 3; i++) {
        assert_true(rows_with(t->a[i], dt_view_str(ISSUE)) >= 2);
        assert_true(rows_with(t->a[i], dt_view_str(ANSWER)) >= 1);
        assert_true(rows_with(t->a[i], dt_secret_view(&r.secret)) >= 1);
        values_of(&t->w, homes[i], "record", &sealed[i]);
        is(sealed[i].n, 3);
    }
    pass(t, AFTER_MS - MINUTE);
    ok(dt_agent_record_find(t->a[0], "1", found));
    is(traces(t, 0), 0);
    pass(t, 20 * MINUTE);
    for (size_t i = 0; i < 3; i++) {
        DT_CLEANUP(dt_record_clear) struct dt_record gone = {0};
        DT_CLEANUP(dt_free_p) struct dt_record_info *left = NULL;
        char number[16];
        size_t n = 0;

        is(traces(t, i), 2);
        is(dt_agent_record(t->a[i], id, &gone), DT_ERR_NOT_FOUND);
        is(rows_with(t->a[i], dt_view_str(ANSWER)), 0);
        is(rows_with(t->a[i], dt_view_str(ISSUE)), 1); /* of the one that stays */
        is(rows_with(t->a[i], dt_secret_view(&r.secret)), 0);
        is(rows_with(t->a[i], dt_view_of(r.header.record_id)), 0);
        is(values_left(&t->w, homes[i], &sealed[i]), 1);
        is(words(t, i, id), 3);
        is(words(t, i, stays), 0);
        ok(dt_agent_records(t->a[i], t->gid, &left, &n)); /* its number stays its own */
        is(n, 1);
        assert_true(left[0].number >= 2);
        (void)snprintf(number, sizeof number, "%u", (unsigned int)left[0].number);
        ok(dt_agent_record_find(t->a[i], number, found));
        assert_memory_equal(found, stays, 32);
        is(dt_agent_record_find(t->a[i], "1", found), DT_ERR_NOT_FOUND);
        named_by_entry(t, i, &left[0]);
        values_clear(&sealed[i]);
        ok(dt_store_check(t->a[i]->store));
    }
    /* The next number is new. */
    concern(t, 0, 0, other);
    ok(dt_agent_record_find(t->a[0], "4", found));
    assert_memory_equal(found, other, 32);

    /* A stranger, with the forum id alone. */
    ok(dt_agent_entry(t->a[2], r.seal, &entry));
    ok(dt_agent_trace_proof(t->a[2], id, &file));
    is(verdict(dt_buf_view(&file), t->a[2]->forum, &v), DT_VERDICT_VERIFIED);
    is(v.trace.after_ms, AFTER_MS);
    assert_memory_equal(v.trace.commitment, id, 32);
    is(v.party, BLUE);
    is(v.state, DT_ENTRY_ATTESTED);
    is(v.entry, entry.index);
    is(v.n_words, 3);
    assert_null(memmem(v.findings.p, v.findings.n, "concern", 7));
    assert_null(memmem(v.store.p, v.store.n, ISSUE, strlen(ISSUE)));
    assert_null(memmem(v.store.p, v.store.n, "concern", 7));
    dt_trace_verdict_clear(&v);
    is(verdict(dt_buf_view(&file), NULL, &v), DT_VERDICT_WHOSE);
    dt_trace_verdict_clear(&v);
    is(verdict(dt_buf_view(&file), other, &v), DT_VERDICT_REFUSED);
    dt_trace_verdict_clear(&v);
    for (size_t at = 24; at < file.n; at += 41) {
        const uint8_t was = file.p[at];

        file.p[at] = was == 'A' ? 'B' : 'A';
        if (was != 'A' && was != '\n' && was != '=')
            is(verdict(dt_buf_view(&file), t->a[2]->forum, &v), DT_VERDICT_REFUSED);
        dt_trace_verdict_clear(&v);
        file.p[at] = was;
    }
    three_no_alarms(t);
}

/* While an answer is owed it waits, and no longer than as long again. */
static void
waits_while_something_is_owed(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_free_p) struct dt_kept_info *list = NULL;
    uint8_t id[32];
    size_t n = 0;

    concern(t, 1, AFTER_MS, id);
    enter(t);
    pass(t, AFTER_MS + 20 * MINUTE);
    for (size_t i = 0; i < 3; i++) {
        is(traces(t, i), 0);
        assert_true(rows_with(t->a[i], dt_view_str(ISSUE)) > 0);
    }
    ok(dt_agent_kept(t->a[0], t->gid, &list, &n));
    is(n, 1);
    is(list[0].what, DT_KEPT_RECORD);
    is(list[0].number, 1);
    assert_true(list[0].waits);
    /* An answer would still meet it, but the record is shown no more: it waits out its time. */
    pass(t, DT_MS_DAY);
    is(traces(t, 0), 0);
    pass(t, DT_MS_DAY + DT_MS_HOUR);
    for (size_t i = 0; i < 3; i++) {
        is(traces(t, i), 1);
        is(rows_with(t->a[i], dt_view_str(ISSUE)), 0);
    }
}

/* One that was never sent goes as well, whether it waits as it is or is sealed already. */
static void
never_sent(struct three *t, bool sealed)
{
    uint8_t id[32];
    size_t n = 0, made = 0;

    concern(t, 1, AFTER_MS, id);
    if (sealed)
        ok(dt_channel_prepare(t->a[1], t->gid, &made));
    is(made > 0, sealed);
    assert_true(rows_with(t->a[1], dt_view_str(ISSUE)) >= 2); /* to be sent, and kept */
    t->w.offset_ms += 2 * AFTER_MS + DT_MS_HOUR;
    ok(dt_agent_destroy(t->a[1], true, &n));
    is(traces(t, 1), 1);
    is(rows_with(t->a[1], dt_view_str(ISSUE)), 0);
    world_sync(t->a, 3, 4);
    is(rows_with(t->a[0], dt_view_str(ISSUE)), 0);
    is(traces(t, 0), 0);
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

/* An answer that would outlive what it is about is taken by nobody. */
static void
no_answer_outlives_its_subject(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0}, r = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_RECORD_MAX);
    struct dt_payload p = {.kind = DT_PAYLOAD_RECORD, .sent_ms = dt_agent_now(t->a[2])};
    uint8_t id[32], answered[32];

    concern(t, 1, AFTER_MS, id);
    enter(t);
    is(answer(t, 2, id, false, answered), DT_ERR_REFUSED);
    is(rows_with(t->a[2], dt_view_str(ANSWER)), 0);

    /* A program of red's own sends one. */
    ok(dt_agent_answer_draft(t->a[2], id, DT_ANSWER_ANSWER, &d, &subject));
    set(&d, "text", ANSWER, t->a[2]);
    ok(dt_record_draft_destroy(&d, 2 * AFTER_MS));
    ok(dt_record_make(&d, dt_secret_view(&t->a[2]->delegate_seed), &r));
    ok(dt_record_encode(&r, &b));
    p.record = dt_buf_view(&b);
    ok(dt_random(p.id, sizeof p.id));
    ok(dt_channel_send(t->a[2], t->gid, &p));
    world_sync(t->a, 3, 2);
    for (size_t i = 0; i < 2; i++) {
        is(rows_with(t->a[i], dt_view_str(ANSWER)), 0);
        assert_true(three_alarms(t, i, DT_ALARM_CELL, 2, "kept no longer than the record") > 0);
    }
}

static void
send_word(struct three *t, size_t who, const struct dt_destroyed *d)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_DESTROYED_LEN);
    struct dt_payload p = {.kind = DT_PAYLOAD_RECORD_DESTROYED, .sent_ms = dt_agent_now(t->a[who])};

    ok(dt_destroyed_encode(d, &b));
    p.destroyed = dt_buf_view(&b);
    ok(dt_random(p.id, sizeof p.id));
    ok(dt_channel_send(t->a[who], t->gid, &p));
    world_sync(t->a, 3, 3);
}

/* Nobody's word destroys anything; one in another's name is not taken; of what is not here nothing
 * is kept. */
static void
words_that_do_not_count(void **state)
{
    struct three *t = *state;
    struct dt_destroyed d = {.when_ms = dt_agent_now(t->a[2])};
    uint8_t id[32];
    uint64_t n = 0;

    concern(t, 1, AFTER_MS, id);
    enter(t);
    memcpy(d.forum, t->a[2]->forum, 32);
    memcpy(d.commitment, id, 32);
    memcpy(d.letter, t->a[2]->letter.hash, 32);
    ok(dt_destroyed_sign(&d, dt_secret_view(&t->a[2]->delegate_seed)));
    send_word(t, 1, &d); /* blue hands on what red says */
    is(words(t, 0, id), 0);
    send_word(t, 2, &d);
    is(words(t, 0, id), 1);
    is(traces(t, 0), 0);
    assert_true(rows_with(t->a[0], dt_view_str(ISSUE)) > 0);
    memset(d.commitment, 7, 32);
    ok(dt_destroyed_sign(&d, dt_secret_view(&t->a[2]->delegate_seed)));
    send_word(t, 2, &d);
    ok(dt_store_table_count(t->a[0]->store, "destroyed", &n));
    is(n, 1);
    d.signature[0] ^= 1;
    memcpy(d.commitment, id, 32);
    send_word(t, 2, &d);
    ok(dt_store_table_count(t->a[0]->store, "destroyed", &n));
    is(n, 1);
}

/* A backup of before shows nothing of it, and what was said of it is in one of after. */
static void
backups(void **state)
{
    struct three *t = *state;
    struct dt_clock clock = world_clock(&t->w);
    struct dt_backup_report r = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record gone = {0};
    char file[128], home[128];
    uint8_t id[32];

    concern(t, 1, AFTER_MS, id);
    enter(t);
    world_path(&t->w, "backup", file);
    world_path(&t->w, "red-again", home);
    ok(dt_backup_make(t->a[2], file, dt_view_str("another"), NULL, &r));
    pass(t, 2 * AFTER_MS + DT_MS_HOUR);
    is(traces(t, 2), 1);
    dt_agent_close_p(&t->a[2]);
    ok(dt_backup_restore(file, dt_view_str("another"), home, dt_view_str(PASSPHRASE), &clock, NULL,
                         &r));
    t->a[2] = world_open(&t->w, "red-again");
    is(dt_agent_record(t->a[2], id, &gone), DT_ERR_EXPIRED);
    world_sync(t->a, 3, 8);
    is(traces(t, 2), 1);
    is(rows_with(t->a[2], dt_view_str(ISSUE)), 0);

    world_path(&t->w, "backup-2", file);
    ok(dt_backup_make(t->a[0], file, dt_view_str("another"), NULL, &r));
    dt_agent_close_p(&t->a[0]);
    world_path(&t->w, "envoy-again", home);
    ok(dt_backup_restore(file, dt_view_str("another"), home, dt_view_str(PASSPHRASE), &clock, NULL,
                         &r));
    t->a[0] = world_open(&t->w, "envoy-again");
    is(traces(t, 0), 1);
    assert_true(words(t, 0, id) >= 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_with_its_answers_and_leaves_a_trace, three_set_up,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(waits_while_something_is_owed, three_set_up,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(what_was_never_sent_goes_too, three_set_up,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(what_was_sealed_and_not_sent_goes_too, three_set_up,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(no_answer_outlives_its_subject, three_set_up,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(words_that_do_not_count, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(backups, three_set_up, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
