/*
 * tests/agent/trial.c - see trial.h.
 */
#include "trial.h"
#include "base/mem.h"

int
trial_set_up(void **state)
{
    struct trial *t = calloc(1, sizeof *t);
    uint8_t hash[32];

    assert_non_null(t);
    world_start(&t->w);
    t->a[0] = world_home(&t->w, "envoy", MEDIATOR, DT_RIGHTS_ALL);
    t->a[1] = world_home(&t->w, "blue-1", BLUE, DT_RIGHTS_ALL);
    t->a[2] = world_home(&t->w, "red-1", RED, DT_RIGHTS_ALL);
    t->a[3] = world_home(&t->w, "blue-2", BLUE, DT_RIGHT_BIT(DT_RIGHT_TALK));
    world_share(t->a, 4);
    world_found(t->a, 3, DT_CHANNEL_PLENARY, "plenary", t->gid);
    world_letter_hash(t->a[3], hash);
    ok(dt_agent_request_admission(EVIL(t), t->gid, hash, t->request));
    world_sync(t->a, 4, 2);
    world_accept(t->a[3]);
    ok(dt_agent_approve(t->a[0], t->request));
    ok(dt_agent_approve(t->a[1], t->request));
    world_sync(t->a, 4, 2);
    ok(dt_admission_load(EVIL(t), t->request, &t->admission));
    assert_true(t->admission.key_package.n > 0);
    dt_buf_init(&t->forum, 256);
    dt_buf_init(&t->warrant, DT_WARRANT_MAX);
    *state = t;
    return 0;
}

int
trial_tear_down(void **state)
{
    struct trial *t = *state;

    dt_admission_clear(&t->admission);
    dt_buf_clear(&t->forum);
    dt_buf_clear(&t->warrant);
    for (size_t i = 0; i < 4; i++)
        dt_agent_close(t->a[i]);
    world_stop(&t->w);
    free(t);
    return 0;
}

void
trial_post(struct trial *t, struct mls_commit_opts *opts)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
    uint8_t id[16] = {1}, append_id[16];
    size_t sent = 0;

    opts->lifetime = dt_mls_lifetime(EVIL(t));
    ok(dt_store_begin(EVIL(t)->store));
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    ok(mls_group_commit(ch.group, opts, &out));
    mls_group_drop_pending(ch.group);
    ok(dt_outbox_to_queue(EVIL(t), &ch, DT_OUTBOX_COMMIT, id, dt_buf_view(&out.commit),
                          dt_view(NULL, 0), append_id));
    ok(dt_channel_save(EVIL(t), &ch, false));
    ok(dt_store_commit(EVIL(t)->store));
    ok(dt_outbox_flush(EVIL(t), t->gid, &sent));
    is(sent, 1);
}

void
trial_use_warrant(struct trial *t, const struct dt_warrant *w, struct mls_commit_opts *opts)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_forum_ext x;
    struct dt_view caps, forum;
    static uint8_t caps_bytes[256];

    dt_buf_clear(&t->warrant);
    dt_buf_clear(&t->forum);
    ok(dt_warrant_encode(w, &t->warrant));
    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    assert_true(mls_group_extension(ch.group, 3, &caps));
    assert_true(mls_group_extension(ch.group, DT_EXT_FORUM, &forum));
    assert_true(caps.n <= sizeof caps_bytes);
    memcpy(caps_bytes, caps.p, caps.n);
    ok(dt_forum_ext_decode(forum, &x));
    ok(dt_warrants_next(x.warrants_hash, dt_buf_view(&t->warrant), x.warrants_hash));
    ok(dt_forum_ext_encode(&x, &t->forum));
    t->extensions[0] = (struct mls_typed){3, dt_view(caps_bytes, caps.n)};
    t->extensions[1] = (struct mls_typed){DT_EXT_FORUM, dt_buf_view(&t->forum)};
    t->private_use[0] = (struct mls_typed){DT_PROP_WARRANT, dt_buf_view(&t->warrant)};
    opts->set_extensions = true;
    opts->extensions = (struct mls_typed_list){t->extensions, 2};
    opts->private_use = (struct mls_typed_list){t->private_use, 1};
}

void
trial_own_seat(struct trial *t, struct dt_seat *out)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_rules rules;

    ok(dt_channel_load(EVIL(t), t->gid, &ch));
    rules = dt_channel_rules(EVIL(t), &ch);
    ok(dt_seat_of(&rules, ch.group, mls_group_own_leaf(ch.group), out));
    out->letter_bytes = dt_buf_view(&EVIL(t)->letter_bytes);
}

struct dt_warrant
trial_add_ground(const struct trial *t, struct dt_view approvals)
{
    struct dt_warrant w = {.n_grounds = 1};

    w.grounds[0].kind = DT_GROUND_ADD;
    memcpy(w.grounds[0].invitation_id, t->admission.request_id, 16);
    memcpy(w.grounds[0].letter_hash, t->admission.letter_hash, 32);
    w.grounds[0].body = approvals;
    return w;
}

void
trial_passed_over_as(struct trial *t, uint64_t epoch, enum dt_alarm_kind kind, const char *why)
{
    t->passed_over++;
    for (size_t i = 0; i < 2; i++) {
        struct dt_alarm_info *v = NULL;
        struct dt_channel_info info;
        size_t n = 0, count = 0;
        const struct dt_alarm_info *last = NULL;

        ok(dt_agent_sync(t->a[i], NULL));
        info = world_channel(t->a[i], t->gid);
        is(info.epoch, epoch);
        is(info.members, 3);
        ok(dt_agent_alarms(t->a[i], &v, &n));
        for (size_t k = 0; k < n; k++)
            if (v[k].kind == kind) {
                count += (size_t)v[k].count;
                if (last == NULL || v[k].last_position > last->last_position)
                    last = &v[k];
            }
        is(count, t->passed_over);
        assert_non_null(last);
        if (kind == DT_ALARM_COMMIT) {
            assert_true(last->has_who);
            assert_string_equal(last->who.name, "red-1");
        }
        if (strstr(last->text, why) == NULL)
            fail_msg("expected '%s' in '%s'", why, last->text);
        dt_free(v);
    }
}

void
trial_passed_over(struct trial *t, uint64_t epoch, const char *why)
{
    trial_passed_over_as(t, epoch, DT_ALARM_COMMIT, why);
}
