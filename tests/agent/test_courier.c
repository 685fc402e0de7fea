/*
 * tests/agent/test_courier.c - courier keys: made, carried, confirmed by everybody, committed; and
 * what the channel then says of itself.
 */
#include "agent/channel/courier.h"
#include "base/mem.h"

#include "three.h"

/* ${to} takes in what ${from} holds, in one of the carried forms. */
static void
carry(struct three *t, size_t from, size_t to, const uint8_t id[static 32],
      enum dt_courier_form form)
{
    const struct dt_courier_channel c = dt_agent_courier_channel(t->a[from], t->gid);
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0}, got = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(DT_COURIER_FILE_MAX);
    uint8_t id2[32];

    ok(dt_agent_courier_key(t->a[from], t->gid, id, &key));
    switch (form) {
    case DT_COURIER_SEALED:
        ok(dt_courier_seal(&c, dt_secret_view(&key), dt_view_str("by voice"), &text));
        ok(dt_courier_open(&c, dt_buf_view(&text), dt_view_str("by voice"), &got));
        break;
    case DT_COURIER_CODE:
        ok(dt_courier_code(dt_secret_view(&key), &text));
        ok(dt_courier_read(dt_buf_view(&text), &got));
        break;
    case DT_COURIER_WORDS:
        ok(dt_courier_words(dt_secret_view(&key), &text));
        ok(dt_courier_read(dt_buf_view(&text), &got));
        break;
    }
    is(dt_courier_form_of(dt_buf_view(&text)), form);
    ok(dt_agent_courier_take(t->a[to], t->gid, dt_secret_view(&got), id2));
    assert_memory_equal(id, id2, 32);
}

static struct dt_courier_state
state_of(struct three *t, size_t who)
{
    struct dt_courier_state s;

    ok(dt_agent_courier_state(t->a[who], t->gid, &s));
    return s;
}

static size_t
keys_of(struct three *t, size_t who)
{
    struct dt_courier_info *v = NULL;
    size_t n = 0;

    ok(dt_agent_courier_keys(t->a[who], t->gid, &v, &n));
    dt_free(v);
    return n;
}

/* Confirmations that ${who} knows of for the one key that it has. */
static size_t
confirmations(struct three *t, size_t who)
{
    struct dt_courier_info *v = NULL;
    size_t n = 0, count;

    ok(dt_agent_courier_keys(t->a[who], t->gid, &v, &n));
    is(n, 1);
    is(v[0].members, 3);
    count = v[0].confirmations;
    dt_free(v);
    return count;
}

/* Blue's key, with all. */
static void
make_and_confirm(struct three *t, uint8_t id[static 32])
{
    ok(dt_agent_courier_new(t->a[1], t->gid, id));
    carry(t, 1, 0, id, DT_COURIER_SEALED);
    carry(t, 1, 2, id, DT_COURIER_WORDS);
    for (size_t i = 0; i < 3; i++)
        ok(dt_agent_courier_confirm(t->a[i], t->gid, id));
    world_sync(t->a, 3, 3);
}

/* The whole way; every agent is opened anew before the Commit, so that nothing of it is in memory
 * alone. */
static void
carried_confirmed_committed(void **state)
{
    static const char *const names[3] = {"envoy", "blue-1", "red-1"};
    struct three *t = *state;
    struct dt_courier_seat *v = NULL;
    struct dt_clock clock = world_clock(&t->w);
    uint64_t epoch = world_channel(t->a[0], t->gid).epoch, before;
    uint8_t id[32];
    size_t n = 0;

    for (size_t i = 0; i < 3; i++) {
        is(state_of(t, i).n, 0);
        assert_false(state_of(t, i).holds);
    }
    ok(dt_agent_courier_new(t->a[1], t->gid, id));
    carry(t, 1, 0, id, DT_COURIER_CODE);
    carry(t, 1, 0, id, DT_COURIER_SEALED); /* twice is no harm */
    is(keys_of(t, 0), 1);
    carry(t, 1, 2, id, DT_COURIER_WORDS);
    ok(dt_agent_courier_confirm(t->a[1], t->gid, id));
    ok(dt_agent_courier_confirm(t->a[0], t->gid, id));
    world_sync(t->a, 3, 3);
    is(confirmations(t, 2), 2);
    is(dt_agent_courier_commit(t->a[1], t->gid, id, 1000), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "only 2 of 3 members"));
    ok(dt_agent_courier_seats(t->a[1], t->gid, id, &v, &n));
    is(n, 3);
    for (size_t i = 0; i < n; i++)
        is(v[i].confirmed, strcmp(v[i].who.name, "red-1") != 0);
    dt_free(v);
    ok(dt_agent_courier_confirm(t->a[2], t->gid, id));
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 3; i++)
        is(confirmations(t, i), 3);
    before = dt_clock_now(&clock);
    ok(dt_agent_courier_commit(t->a[1], t->gid, id, 5 * DT_MS_DAY));
    for (size_t i = 0; i < 3; i++) {
        dt_agent_close(t->a[i]);
        t->a[i] = world_open(&t->w, names[i]);
    }
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 3; i++) {
        struct dt_courier_state s = state_of(t, i);

        assert_true(world_channel(t->a[i], t->gid).epoch > epoch);
        is(world_channel(t->a[i], t->gid).epoch, world_channel(t->a[0], t->gid).epoch);
        is(s.n, 1);
        assert_true(s.holds);
        assert_memory_equal(s.id, id, 32);
        assert_true(s.since_ms >= before);
        is(s.renew_by_ms, s.since_ms + 5 * DT_MS_DAY);
        is(keys_of(t, i), 0); /* used up, everywhere */
    }
    world_say(t->a[2], t->gid, "under the key");
    world_sync(t->a, 3, 3);
    world_all_have_once(t->a, 3, t->gid, "under the key");
    three_no_alarms(t);
}

/* A key is used once, however it comes back. */
static void
never_twice(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    uint8_t id[32], id2[32];

    make_and_confirm(t, id);
    ok(dt_agent_courier_key(t->a[0], t->gid, id, &key));
    ok(dt_agent_courier_commit(t->a[1], t->gid, id, 0));
    ok(dt_agent_courier_commit(t->a[0], t->gid, id, 0)); /* both ask; one Commit counts */
    world_sync(t->a, 3, 4);
    for (size_t i = 0; i < 3; i++) {
        is(state_of(t, i).n, 1);
        is(state_of(t, i).renew_by_ms, 0);
        is(dt_agent_courier_take(t->a[i], t->gid, dt_secret_view(&key), id2), DT_ERR_REFUSED);
        is(dt_agent_courier_commit(t->a[i], t->gid, id, 0), DT_ERR_NOT_FOUND);
    }
    three_no_alarms(t);
}

/* What was not confirmed can go; what was cannot, for the others count on it. And there is a most.
 */
static void
dropped_and_bounded(void **state)
{
    struct three *t = *state;
    uint8_t id[32], first[32];

    ok(dt_agent_courier_new(t->a[0], t->gid, first));
    for (size_t i = 1; i < DT_COURIER_KEYS; i++)
        ok(dt_agent_courier_new(t->a[0], t->gid, id));
    is(dt_agent_courier_new(t->a[0], t->gid, id), DT_ERR_LIMIT);
    is(keys_of(t, 0), DT_COURIER_KEYS);
    ok(dt_agent_courier_drop(t->a[0], t->gid, first));
    is(dt_agent_courier_drop(t->a[0], t->gid, first), DT_ERR_NOT_FOUND);
    ok(dt_agent_courier_new(t->a[0], t->gid, id));
    ok(dt_agent_courier_confirm(t->a[0], t->gid, id));
    is(dt_agent_courier_drop(t->a[0], t->gid, id), DT_ERR_REFUSED);
    is(dt_agent_courier_confirm(t->a[1], t->gid, id), DT_ERR_NOT_FOUND);
    world_sync(t->a, 3, 2);
    three_no_alarms(t);
}

/* Blue's second delegate is added: the channel is classical only until a key that it holds too is
 * committed. It replays the history, with the first key in it. */
static void
added_without_a_fresh_one(void **state)
{
    struct three *t = *state;
    uint8_t id[32], next[32], hash[32], request[16];

    world_found(t->a, 3, DT_CHANNEL_PLENARY, "plenary", t->gid);
    make_and_confirm(t, id);
    ok(dt_agent_courier_commit(t->a[1], t->gid, id, 0));
    world_sync(t->a, 3, 3);
    assert_true(state_of(t, 0).holds);

    /* Confirmed by the three while they are three, and not enough when there are four. */
    ok(dt_agent_courier_new(t->a[1], t->gid, next));
    carry(t, 1, 0, next, DT_COURIER_SEALED);
    carry(t, 1, 2, next, DT_COURIER_SEALED);
    for (size_t i = 0; i < 3; i++)
        ok(dt_agent_courier_confirm(t->a[i], t->gid, next));
    world_letter_hash(t->a[3], hash);
    ok(dt_agent_request_admission(t->a[1], t->gid, hash, request));
    world_sync(t->a, 4, 3);
    ok(dt_agent_approve(t->a[0], request));
    ok(dt_agent_approve(t->a[2], request));
    world_accept(t->a[3]);
    world_sync(t->a, 4, 3);
    ok(dt_agent_commit_admission(t->a[1], request));
    world_sync(t->a, 4, 5);
    for (size_t i = 0; i < 4; i++) {
        is(world_channel(t->a[i], t->gid).epoch, world_channel(t->a[0], t->gid).epoch);
        is(state_of(t, i).n, 1);
        assert_false(state_of(t, i).holds);
    }
    is(state_of(t, 3).since_ms, 0); /* before its time */
    is(dt_agent_courier_commit(t->a[1], t->gid, next, 0), DT_ERR_REFUSED);
    carry(t, 1, 3, next, DT_COURIER_SEALED);
    ok(dt_agent_courier_confirm(t->a[3], t->gid, next));
    world_sync(t->a, 4, 3);
    ok(dt_agent_courier_commit(t->a[3], t->gid, next, 0));
    world_sync(t->a, 4, 4);
    for (size_t i = 0; i < 4; i++) {
        is(state_of(t, i).n, 2);
        assert_true(state_of(t, i).holds);
        is(world_alarms(t->a[i], 0), 0);
    }
    world_say(t->a[3], t->gid, "four under the key");
    world_sync(t->a, 4, 3);
    world_all_have_once(t->a, 4, t->gid, "four under the key");
}

/* Asked for while three had confirmed; then a fourth is there before the Commit is made: it is not
 * made, and who asked is told. */
static void
somebody_came_in_between(void **state)
{
    struct three *t = *state;
    uint8_t id[32], hash[32], request[16];

    world_found(t->a, 3, DT_CHANNEL_PLENARY, "plenary", t->gid);
    make_and_confirm(t, id);
    world_letter_hash(t->a[3], hash);
    ok(dt_agent_request_admission(t->a[1], t->gid, hash, request));
    world_sync(t->a, 4, 3);
    ok(dt_agent_approve(t->a[0], request));
    ok(dt_agent_approve(t->a[2], request));
    world_accept(t->a[3]);
    world_sync(t->a, 4, 3);
    ok(dt_agent_commit_admission(t->a[1], request));
    ok(dt_agent_courier_commit(t->a[1], t->gid, id, 0)); /* behind it */
    world_sync(t->a, 4, 5);
    for (size_t i = 0; i < 4; i++) {
        is(state_of(t, i).n, 0);
        is(world_channel(t->a[i], t->gid).epoch, world_channel(t->a[0], t->gid).epoch);
    }
    is(world_alarms(t->a[1], DT_ALARM_COMMIT), 1);
    is(world_alarms(t->a[0], 0) + world_alarms(t->a[2], 0) + world_alarms(t->a[3], 0), 0);
}

/* ---- the carried forms ---- */

static const uint8_t forum[32] = {1}, group[32] = {2}, other[32] = {3};
static const struct dt_courier_channel here = {forum, group}, elsewhere = {forum, other};

static void
sealed_file(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(DT_COURIER_FILE_MAX);
    DT_CLEANUP(dt_secret_clear) struct dt_secret got = {0};
    static const uint8_t key[DT_COURIER_KEY] = {7, 8, 9};
    struct dt_view pass = dt_view_str("told by voice");

    (void)state;
    ok(dt_courier_seal(&here, dt_view_of(key), pass, &text));
    ok(dt_courier_open(&here, dt_buf_view(&text), pass, &got));
    assert_true(dt_view_equal(dt_secret_view(&got), dt_view_of(key)));
    is(dt_courier_open(&here, dt_buf_view(&text), dt_view_str("guessed"), &got), DT_ERR_LOCKED);
    is(dt_courier_open(&elsewhere, dt_buf_view(&text), pass, &got), DT_ERR_LOCKED);
    for (size_t n = 0; n < text.n; n++) /* cut off anywhere */
        is(dt_courier_open(&here, dt_view(text.p, n), pass, &got), DT_ERR_FORMAT);
    for (size_t i = 0; i < text.n; i += 7) {
        enum dt_err err;

        text.p[i] ^= 1;
        err = dt_courier_open(&here, dt_buf_view(&text), pass, &got);
        assert_true(err == DT_ERR_LOCKED || err == DT_ERR_FORMAT || err == DT_ERR_LIMIT ||
                    err == DT_ERR_RANGE);
        text.p[i] ^= 1;
    }
}

/* Each word and sign that is another one is found: by the list, or by the sum in 255 of 256. */
static void
code_and_words(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf words = DT_BUF_INIT(DT_COURIER_FILE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf code = DT_BUF_INIT(DT_COURIER_FILE_MAX);
    DT_CLEANUP(dt_secret_clear) struct dt_secret got = {0};
    uint8_t key[DT_COURIER_KEY];
    size_t lines = 0, gaps = 0, taken = 0, tried = 0;

    (void)state;
    ok(dt_random(key, sizeof key));
    ok(dt_courier_words(dt_view_of(key), &words));
    for (size_t i = 0; i < words.n; i++) {
        lines += words.p[i] == '\n';
        gaps += words.p[i] == ' ';
    }
    is(lines, 3);
    is(gaps, 21);
    ok(dt_courier_read(dt_buf_view(&words), &got));
    assert_true(dt_view_equal(dt_secret_view(&got), dt_view_of(key)));
    is(dt_courier_read(dt_view(words.p, words.n / 2), &got), DT_ERR_FORMAT);

    ok(dt_courier_code(dt_view_of(key), &code));
    ok(dt_courier_read(dt_buf_view(&code), &got));
    assert_true(dt_view_equal(dt_secret_view(&got), dt_view_of(key)));
    for (size_t i = 0; i < code.n; i++) {
        uint8_t was = code.p[i];

        code.p[i] = was == 'A' ? 'B' : 'A';
        tried++;
        taken += dt_courier_read(dt_buf_view(&code), &got) == DT_OK;
        code.p[i] = was;
    }
    assert_true(taken <= tried / 16);
    is(dt_courier_read(dt_view(code.p, code.n - 1), &got), DT_ERR_FORMAT);
    is(dt_courier_read(dt_view_str("DETENTE-COURIER-1-"), &got), DT_ERR_FORMAT);
    is(dt_courier_read(dt_view_str(""), &got), DT_ERR_FORMAT);
}

int
main(void)
{
#define THREE(f) cmocka_unit_test_setup_teardown(f, three_set_up, three_tear_down)
#define FOUR(f)  cmocka_unit_test_setup_teardown(f, three_and_second, three_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_file),      cmocka_unit_test(code_and_words),
        THREE(carried_confirmed_committed), THREE(never_twice),
        THREE(dropped_and_bounded),         FOUR(added_without_a_fresh_one),
        FOUR(somebody_came_in_between),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
