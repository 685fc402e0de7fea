/*
 * tests/agent/test_files.c - files in pieces: they come out as they went in; pieces that are no
 * file are not taken, and who sent them is named.
 */
#include "agent/channel/channel.h"
#include "agent/form/payload.h"
#include "agent/talk/chunk.h"
#include "base/mem.h"

#include "three.h"

#define SIZE (DT_CHUNK + 1000u)

static uint8_t content[SIZE];

static enum dt_err
read_content(void *ctx, uint64_t at, size_t n, struct dt_buf *out)
{
    (void)ctx;
    return dt_buf_append(out, dt_view(content + at, n));
}

/* Another byte each time it is read. */
static enum dt_err
read_changing(void *ctx, uint64_t at, size_t n, struct dt_buf *out)
{
    content[7]++;
    return read_content(ctx, at, n, out);
}

static enum dt_err
collect(void *ctx, struct dt_view v)
{
    return dt_buf_append(ctx, v);
}

/* Files among the talk of ${who}; the last one in ${out}. */
static size_t
files_of(struct three *t, size_t who, struct dt_talk_info *out)
{
    DT_CLEANUP(dt_free_p) struct dt_talk_info *list = NULL;
    size_t n = 0, files = 0;

    ok(dt_agent_talk_list(t->a[who], t->gid, 0, &list, &n));
    for (size_t i = 0; i < n; i++)
        if (list[i].file) {
            *out = list[i];
            files++;
        }
    return files;
}

static size_t
under_way(struct three *t, size_t who)
{
    DT_CLEANUP(dt_free_p) struct dt_file_info *list = NULL;
    size_t n = 0;

    ok(dt_agent_files_under_way(t->a[who], t->gid, &list, &n));
    return n;
}

static void
a_file_comes_out_as_it_went_in(void **state)
{
    struct three *t = *state;
    struct dt_file_source src = {.read = read_content, .size = SIZE};
    struct dt_talk_info file = {0};
    uint8_t id[16], hash[32];

    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i * 31 + i / 251);
    ok(dt_agent_file_send(t->a[1], t->gid, "map.pdf", "application/pdf", &src,
                          &(struct dt_item_rule){0}, NULL, NULL, id, hash));
    assert_int_equal(under_way(t, 1), 1);
    world_sync(t->a, 3, 3);
    for (size_t who = 0; who < 3; who++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(2 * SIZE);

        assert_int_equal(files_of(t, who, &file), 1);
        assert_int_equal(under_way(t, who), 0);
        assert_int_equal(file.size, SIZE);
        assert_string_equal(file.name, "map.pdf");
        assert_int_equal(file.state, who == 1 ? DT_TALK_CONFIRMED : DT_TALK_RECEIVED);
        assert_memory_equal(file.id, id, 16);
        ok(dt_agent_file_save(t->a[who], t->gid, &file, collect, &b, NULL, NULL));
        assert_true(dt_view_equal(dt_buf_view(&b), dt_view(content, SIZE)));
    }
    assert_int_equal(three_arrived(t, 1, id), 2);
    three_no_alarms(t);

    /* One that changes while it is read, or has no size that a file may have, is not sent at all.
     */
    src.read = read_changing;
    assert_int_equal(dt_agent_file_send(t->a[1], t->gid, "map.pdf", "application/pdf", &src,
                                        &(struct dt_item_rule){0}, NULL, NULL, id, hash),
                     DT_ERR_CONFLICT);
    src.size = DT_FILE_MAX + 1u;
    assert_int_equal(dt_agent_file_send(t->a[1], t->gid, "map.pdf", "application/pdf", &src,
                                        &(struct dt_item_rule){0}, NULL, NULL, id, hash),
                     DT_ERR_LIMIT);
    assert_int_equal(files_of(t, 1, &file), 1);
    assert_int_equal(under_way(t, 1), 0);
}

/* Stopped in its middle. */
static bool
stop_half_way(void *ctx, uint64_t done, uint64_t all)
{
    uint64_t *seen = ctx;

    *seen = done;
    return done < all / 2;
}

static void
a_stopped_one_leaves_nothing(void **state)
{
    struct three *t = *state;
    struct dt_file_source src = {.read = read_content, .size = SIZE};
    struct dt_talk_info file = {0};
    uint64_t seen = 0, before = 0, after = 0;
    uint8_t id[16], hash[32];
    const struct dt_item_rule rule = {0};

    ok(dt_store_number(dt_agent_store(t->a[1]), &before));
    assert_int_equal(dt_agent_file_send(t->a[1], t->gid, "map.pdf", "application/pdf", &src, &rule,
                                        stop_half_way, &seen, id, hash),
                     DT_ERR_STATE);
    assert_true(seen > 0 && seen < SIZE);
    ok(dt_store_number(dt_agent_store(t->a[1]), &after));
    assert_int_equal(after, before);
    assert_int_equal(under_way(t, 1), 0);
    world_sync(t->a, 3, 3);
    for (size_t who = 0; who < 3; who++)
        assert_int_equal(files_of(t, who, &file), 0);
    /* The channel is as it was: the next one goes. */
    ok(dt_agent_file_send(t->a[1], t->gid, "map.pdf", "application/pdf", &src, &rule, NULL, NULL,
                          id, hash));
    world_sync(t->a, 3, 3);
    for (size_t who = 0; who < 3; who++)
        assert_int_equal(files_of(t, who, &file), 1);
    three_no_alarms(t);
}

/* A piece as only a program of their own sends it. */
static void
piece(struct three *t, uint32_t index, uint64_t size, uint8_t hash)
{
    struct dt_payload p = {.kind = DT_PAYLOAD_CHUNK,
                           .sent_ms = 1,
                           .size = size,
                           .index = index,
                           .media_type = dt_view_str("text/plain"),
                           .name = dt_view_str("a"),
                           .data = dt_view(content, dt_chunk_length(size, index))};

    memset(p.file, 0x77, sizeof p.file);
    memset(p.hash, hash, sizeof p.hash);
    memset(p.id, (int)(16 * hash + index + 1), sizeof p.id);
    ok(dt_channel_send(t->a[1], t->gid, &p));
    world_sync(t->a, 3, 3);
}

static void
pieces_that_are_no_file_are_not_taken(void **state)
{
    struct three *t = *state;
    struct dt_talk_info file = {0};

    piece(t, 0, SIZE, 1);
    assert_int_equal(under_way(t, 2), 1);
    piece(t, 1, SIZE, 2); /* of another whole */
    assert_int_equal(three_alarms(t, 2, DT_ALARM_CELL, 1, "does not fit the ones before it"), 1);
    assert_int_equal(under_way(t, 2), 1);
    piece(t, 1, SIZE, 1); /* whole, and not what it said */
    assert_int_equal(three_alarms(t, 2, DT_ALARM_CELL, 1, "do not have the hash"), 1);
    assert_int_equal(under_way(t, 2), 0);
    assert_int_equal(files_of(t, 2, &file), 0);
}

static int
set_up_with_limit(void **state)
{
    int rc;

    world_file_max = "1";
    rc = three_set_up(state);
    world_file_max = NULL;
    return rc;
}

static void
a_forum_has_a_limit_of_its_own(void **state)
{
    struct three *t = *state;
    const struct dt_file_source src = {.size = (1u << 20) + 1, .read = read_content};
    struct dt_talk_info file = {0};
    uint8_t id[16], hash[32];

    assert_int_equal(dt_agent_file_send(t->a[1], t->gid, "map.pdf", "application/pdf", &src,
                                        &(struct dt_item_rule){0}, NULL, NULL, id, hash),
                     DT_ERR_LIMIT);

    /* Nor is it taken from whoever sends it all the same. */
    piece(t, 0, 1u << 20, 1);
    assert_int_equal(under_way(t, 2), 1);
    piece(t, 0, (1u << 20) + 1, 2);
    for (size_t i = 0; i < 3; i += 2)
        assert_int_equal(three_alarms(t, i, DT_ALARM_CELL, 1, "longer than the charter allows"), 1);
    assert_int_equal(under_way(t, 2), 1);
    assert_int_equal(files_of(t, 2, &file), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stopped_one_leaves_nothing, three_set_up,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(a_file_comes_out_as_it_went_in, three_set_up,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(pieces_that_are_no_file_are_not_taken, three_set_up,
                                        three_tear_down),
        cmocka_unit_test_setup_teardown(a_forum_has_a_limit_of_its_own, set_up_with_limit,
                                        three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
