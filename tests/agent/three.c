/*
 * tests/agent/three.c - see three.h.
 */
#include "base/mem.h"
#include "log/cosignature.h"

#include "three.h"

static const char *const names[3] = {"envoy", "blue-1", "red-1"};

int
three_homes(void **state)
{
    struct three *t = calloc(1, sizeof *t);

    assert_non_null(t);
    world_start(&t->w);
    for (int i = 0; i < 3; i++)
        t->a[i] = world_home(&t->w, names[i], i, DT_RIGHTS_ALL);
    world_share(t->a, 3);
    *state = t;
    return 0;
}

int
three_and_second(void **state)
{
    struct three *t;

    is(three_homes(state), 0);
    t = *state;
    t->a[3] = world_home(&t->w, "blue-2", BLUE, DT_RIGHTS_ALL);
    world_share(t->a, 4);
    return 0;
}

int
three_set_up(void **state)
{
    struct three *t;

    is(three_homes(state), 0);
    t = *state;
    world_found(t->a, 3, DT_CHANNEL_PLENARY, "plenary", t->gid);
    return 0;
}

int
three_tear_down(void **state)
{
    struct three *t = *state;

    for (size_t i = 0; i < 4; i++)
        dt_agent_close(t->a[i]);
    world_stop(&t->w);
    free(t);
    return 0;
}

/* ---- the register ---- */

void
three_cosign(struct three *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf url = DT_BUF_INIT(512);
    DT_CLEANUP(dt_buf_clear) struct dt_buf held = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    DT_CLEANUP(dt_http_client_free_p) struct dt_http_client *c = NULL;
    char text[512];
    struct dt_clock clock = world_clock(&t->w);

    ok(dt_grant_register_url(&t->a[0]->grant, &url));
    (void)snprintf(text, sizeof text, "%.*s", (int)url.n, (const char *)url.p);
    ok(dt_http_client_new(NULL, &c));
    ok(dt_register_checkpoint(c, text, DT_CHECKPOINT_HELD, &held));
    ok(tlog_note_parse(dt_buf_view(&held), &note));
    for (size_t i = 0; i < N_PARTIES; i++) {
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer signer = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);

        world_witness(i, &signer);
        ok(dt_buf_append(&out, dt_buf_view(&held)));
        ok(tlog_cosign(&signer, note.text, dt_clock_now(&clock) / 1000, &out));
        ok(dt_register_cosign(c, text, dt_buf_view(&out)));
    }
}

/* ---- copies ---- */

void
three_keep(struct three *t, const char *name)
{
    char home[128], copy[128], command[300];

    world_path(&t->w, names[2], home);
    world_path(&t->w, name, copy);
    dt_agent_close_p(&t->a[2]);
    (void)snprintf(command, sizeof command, "cp -r %s %s", home, copy);
    is(system(command), 0);
    t->a[2] = world_open(&t->w, names[2]);
}

void
three_put_back(struct three *t, const char *name)
{
    char home[128], copy[128], command[400];

    world_path(&t->w, names[2], home);
    world_path(&t->w, name, copy);
    dt_agent_close_p(&t->a[2]);
    (void)snprintf(command, sizeof command, "rm -r %s && cp -r %s %s", home, copy, home);
    is(system(command), 0);
    t->a[2] = world_open(&t->w, names[2]);
}

void
three_is_back(struct dt_agent *a, const uint8_t gid[static 32])
{
    struct dt_channel_info info = world_channel(a, gid);

    is(info.state, DT_CHANNEL_LIVE);
    assert_true(info.confirmed);
    is(info.members, 3);
    is(info.to_send, 0);
    is(info.lapse, DT_LAPSE_NONE);
}

/* ---- talk, receipts, alarms ---- */

void
three_say(struct three *t, size_t who, const char *text, uint8_t id[static 16])
{
    ok(dt_agent_talk_text(t->a[who], t->gid, dt_view_str(text), id));
    ok(dt_agent_sync(t->a[who], NULL));
}

int
three_arrived(struct three *t, size_t who, const uint8_t id[static 16])
{
    struct dt_arrival *v = NULL;
    size_t n = 0;
    int there = 0;
    enum dt_err err = dt_agent_arrivals(t->a[who], t->gid, dt_view(id, 16), &v, &n);

    if (err == DT_ERR_NOT_FOUND)
        return -1;
    ok(err);
    for (size_t i = 0; i < n; i++)
        there += v[i].arrived;
    dt_free(v);
    return there;
}

struct dt_receipt_info
three_receipts(struct three *t, size_t who, size_t other)
{
    struct dt_receipt_info *v = NULL;
    struct dt_receipt_info found = {0};
    size_t n = 0, count = 0;

    ok(dt_agent_receipts(t->a[who], t->gid, &v, &n));
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].who.name, names[other]) == 0) {
            found = v[i];
            count++;
        }
    dt_free(v);
    is(count, 1);
    return found;
}

size_t
three_alarms(struct three *t, size_t who, enum dt_alarm_kind kind, size_t other, const char *text)
{
    struct dt_alarm_info *v = NULL;
    size_t n = 0, count = 0;

    ok(dt_agent_alarms(t->a[who], &v, &n));
    for (size_t i = 0; i < n; i++) {
        bool about =
            other < 3 ? v[i].has_who && strcmp(v[i].who.name, names[other]) == 0 : !v[i].has_who;

        if (v[i].kind == kind && about && strstr(v[i].text, text) != NULL)
            count += (size_t)v[i].count;
    }
    dt_free(v);
    return count;
}

void
three_no_alarms(struct three *t)
{
    for (size_t i = 0; i < 3; i++)
        is(world_alarms(t->a[i], 0), 0);
}
