/*
 * tests/agent/trial.c - see trial.h.
 */
#include "trial.h"
#include "base/mem.h"

static const char *const names[4] = {"envoy", "blue-1", "red-1", "blue-2"};

void
trial_admission(struct trial *t, const uint8_t gid[static 32], uint8_t request[static 16])
{
    uint8_t hash[32];

    world_letter_hash(t->a[3], hash);
    ok(dt_agent_request_admission(EVIL(t), gid, hash, request));
    world_sync(t->a, 4, 2);
    world_accept(t->a[3]);
    ok(dt_agent_approve(t->a[0], request));
    ok(dt_agent_approve(t->a[1], request));
    world_sync(t->a, 4, 2);
}

int
trial_set_up(void **state)
{
    struct trial *t = calloc(1, sizeof *t);
    struct dt_agent *members[3];

    assert_non_null(t);
    world_start(&t->w);
    t->a[0] = world_home(&t->w, names[0], MEDIATOR, DT_RIGHTS_ALL);
    t->a[1] = world_home(&t->w, names[1], BLUE, DT_RIGHTS_ALL);
    t->a[2] = world_home(&t->w, names[2], RED, DT_RIGHTS_ALL);
    t->a[3] = world_home(&t->w, names[3], BLUE, DT_RIGHT_BIT(DT_RIGHT_TALK));
    t->members = 3;
    world_share(t->a, 4);
    /* Red sits at leaf 1: its paths reach each of the others by a ciphertext of its own. */
    members[0] = t->a[0];
    members[1] = t->a[2];
    members[2] = t->a[1];
    world_found(members, 3, DT_CHANNEL_PLENARY, "plenary", t->gid);
    t->red.a = EVIL(t);
    memcpy(t->red.gid, t->gid, 32);
    trial_admission(t, t->gid, t->request);
    ok(dt_admission_load(EVIL(t), t->request, &t->admission));
    assert_true(t->admission.key_package.n > 0);
    *state = t;
    return 0;
}

int
trial_tear_down(void **state)
{
    struct trial *t = *state;

    dt_admission_clear(&t->admission);
    mb_warrant_clear(&t->warrant);
    for (size_t i = 0; i < 4; i++)
        dt_agent_close(t->a[i]);
    world_stop(&t->w);
    free(t);
    return 0;
}

static void
text_of(const struct trial *t, const char *when, size_t who, char out[static 64])
{
    (void)snprintf(out, 64, "%s %u, %s", when, t->round, names[who]);
}

static void
all_say(struct trial *t, const char *when)
{
    for (size_t i = 0; i < t->members; i++) {
        uint8_t id[16];
        char text[64];

        text_of(t, when, i, text);
        ok(dt_agent_talk_text(t->a[i], t->gid, dt_view_str(text), id));
    }
}

static void
all_have(struct trial *t, const char *when)
{
    for (size_t to = 0; to < t->members; to++)
        for (size_t from = 0; from < t->members; from++) {
            char text[64];
            size_t n;

            text_of(t, when, from, text);
            n = world_talk_count(t->a[to], t->gid, dt_view_str(text));
            if (n != 1)
                fail_msg("%s has '%s' %zu times", names[to], text, n);
        }
}

void
trial_before(struct trial *t)
{
    t->round++;
    all_say(t, "before");
    world_sync(t->a, t->members, 2);
    t->epoch = world_channel(t->a[0], t->gid).epoch;
    for (size_t i = 0; i < t->members; i++)
        t->alarms[i] = world_alarms(t->a[i], ANY_ALARM);
}

void
trial_last_alarm(struct trial *t, size_t i, enum dt_alarm_kind kind, bool named, uint64_t position,
                 const char *why)
{
    DT_CLEANUP(dt_free_p) struct dt_alarm_info *v = NULL;
    const struct dt_alarm_info *last = NULL;
    size_t n = 0;

    ok(dt_agent_alarms(t->a[i], &v, &n));
    for (size_t k = 0; k < n; k++)
        if (v[k].kind == kind &&
            (last == NULL || v[k].last_ms > last->last_ms ||
             (v[k].last_ms == last->last_ms && v[k].last_position >= last->last_position)))
            last = &v[k];
    assert_non_null(last);
    if (last->kind != kind || last->has_who != named ||
        (position != 0 && last->last_position != position) || strstr(last->text, why) == NULL)
        fail_msg("%s: expected '%s' at %llu of kind %d, has '%s' at %llu of kind %d", names[i], why,
                 (unsigned long long)position, (int)kind, last->text,
                 (unsigned long long)last->last_position, (int)last->kind);
    if (!named)
        return;
    assert_string_equal(last->who.name, "red-1");
    assert_string_equal(last->who.party_name, "red");
}

void
trial_passed_over_as(struct trial *t, size_t n, enum dt_alarm_kind kind, bool named,
                     const char *why)
{
    all_say(t, "around");
    world_sync(t->a, t->members, 2);
    for (size_t i = 0; i < t->members; i++) {
        if (t->a[i] == EVIL(t))
            continue;
        is(world_channel(t->a[i], t->gid).epoch, t->epoch);
        is(world_alarms(t->a[i], ANY_ALARM), t->alarms[i] + n);
        trial_last_alarm(t, i, kind, named, t->red.position, why);
    }
    trial_goes_on(t);
    all_have(t, "around");
}

void
trial_passed_over(struct trial *t, const char *why)
{
    trial_passed_over_as(t, 1, DT_ALARM_COMMIT, true, why);
}

static void
all_agree(struct trial *t, uint64_t epoch)
{
    struct dt_channel_info first = world_channel(t->a[0], t->gid);

    is(first.epoch, epoch);
    for (size_t i = 0; i < t->members; i++) {
        struct dt_channel_info x = world_channel(t->a[i], t->gid);

        is(x.state, DT_CHANNEL_LIVE);
        is(x.epoch, first.epoch);
        is(x.members, t->members);
        is(x.to_send, 0);
        assert_true(x.epoch_authenticator_len > 0);
        assert_memory_equal(x.epoch_authenticator, first.epoch_authenticator,
                            first.epoch_authenticator_len);
    }
}

void
trial_goes_on(struct trial *t)
{
    uint64_t epoch = world_channel(t->a[0], t->gid).epoch;
    size_t alarms[4];

    for (size_t i = 0; i < t->members; i++)
        alarms[i] = world_alarms(t->a[i], ANY_ALARM);
    all_agree(t, epoch);
    ok(dt_agent_rotate(t->a[1], t->gid));
    world_sync(t->a, t->members, 2);
    all_agree(t, epoch + 1);
    all_say(t, "after");
    world_sync(t->a, t->members, 2);
    all_have(t, "before");
    all_have(t, "after");
    for (size_t i = 0; i < t->members; i++)
        is(world_alarms(t->a[i], ANY_ALARM), alarms[i]);
    all_agree(t, epoch + 1);
}

void
trial_read(struct trial *t, size_t i)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_sync_report report = {0};
    struct dt_wire_items items;
    struct dt_wire_item item;
    uint64_t last = 0;
    bool more = true;

    ok(dt_channel_load(t->a[i], t->gid, &ch));
    ok(dt_relay_read(t->a[i]->queue_http, t->a[i]->grant.relay, ch.queue.address,
                     dt_queue_read_token(&ch.queue), ch.position, 0, &answer));
    ok(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
    for (;;) {
        ok(dt_wire_items_next(&items, &item, &more));
        if (!more)
            break;
        ok(dt_channel_take_cell(t->a[i], t->gid, ch.queue_number, &item, NULL, &report));
    }
}

void
trial_post(struct trial *t, struct mls_commit_opts *opts)
{
    opts->lifetime = dt_mls_lifetime(EVIL(t));
    trial_before(t);
    ok(mb_commit(&t->red, opts));
}

void
trial_use_warrant(struct trial *t, const struct dt_warrant *w, struct mls_commit_opts *opts)
{
    mb_warrant_clear(&t->warrant);
    ok(mb_use_warrant(&t->red, w, &t->warrant, opts));
}
