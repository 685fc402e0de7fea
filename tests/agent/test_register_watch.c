/*
 * tests/agent/test_register_watch.c - a register that stands still, shows an old tree, puts another
 * entry in the place of ours, or shows two members two trees: each is told, and two trees are
 * evidence.
 */
#include "agent/register/heard.h"
#include "agent/register/store.h"
#include "base/mem.h"
#include "log/proof.h"
#include "log/witness.h"
#include "net/server.h"
#include "world.h"

/* A relay in front of the real one: reads go there, or are answered from what was kept. */
struct between {
    struct world w;
    struct dt_agent *a[2];
    struct dt_http_server *server;
    struct dt_buf held; /* the checkpoint to show, when not empty */
    bool swallow;       /* appends are acknowledged and not done */
    bool stranger;      /* checkpoints bear a line that is nobody's */
    uint64_t index;     /* as what */
    char real[64];
};

/* Hand an entry on to the real register. */
static enum dt_err
hand_on(struct between *b, struct dt_http_client *http, const struct dt_grant *g,
        const struct dt_http_request *req, uint64_t *out_index)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer answer = {0};
    struct dt_http_call call = {.method = "POST",
                                .base = b->real,
                                .path = req->path,
                                .bearer = dt_view_of(g->append_key),
                                .body = req->body};
    enum dt_err err = dt_http_call(http, &call, &answer);

    return err != DT_OK ? err : dt_wire_u64_decode(dt_buf_view(&answer.body), out_index);
}

static enum dt_http_next
handle(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    DT_CLEANUP(dt_http_client_free_p) struct dt_http_client *http = NULL;
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer answer = {0};
    struct between *b = ctx;
    struct dt_http_call call = {.method = "GET", .base = b->real, .path = req->path};
    struct dt_buf body = DT_BUF_INIT(DT_NET_ANSWER_MAX);

    if (req->method == DT_HTTP_POST && !b->swallow) {
        /* Handed on with the key of whoever asks; the tests below have one asker. */
        struct dt_grant g;
        uint64_t index = 0;

        if (dt_grant_read(dt_buf_view(&b->w.grant[BLUE]), &g) != DT_OK ||
            dt_http_client_new(NULL, &http) != DT_OK ||
            hand_on(b, http, &g, req, &index) != DT_OK || dt_wire_u64_encode(index, &body) != DT_OK)
            return DT_HTTP_REPLY;
        dt_http_reply_body(reply, 200, "application/octet-stream", &body);
        return DT_HTTP_REPLY;
    }
    if (strstr(req->path, "/append") != NULL && b->swallow) {
        if (dt_wire_u64_encode(b->index, &body) == DT_OK)
            dt_http_reply_body(reply, 200, "application/octet-stream", &body);
        return DT_HTTP_REPLY;
    }
    if (strstr(req->path, "/checkpoint.held") != NULL && b->held.n > 0) {
        if (dt_buf_set(&body, dt_buf_view(&b->held)) == DT_OK)
            dt_http_reply_body(reply, 200, "text/plain", &body);
        return DT_HTTP_REPLY;
    }
    if (dt_http_client_new(NULL, &http) == DT_OK && dt_http_call(http, &call, &answer) == DT_OK &&
        dt_buf_set(&body, dt_buf_view(&answer.body)) == DT_OK &&
        (!b->stranger || strstr(req->path, "/checkpoint") == NULL || answer.status != 200 ||
         dt_buf_append(&body, dt_view_str("\xe2\x80\x94 nobody AAAAAAAA\n")) == DT_OK))
        dt_http_reply_body(reply, answer.status, "application/octet-stream", &body);
    return DT_HTTP_REPLY;
}

static int
set_up(void **state)
{
    struct between *b = calloc(1, sizeof *b);
    struct dt_http_server_config config = {.listen = "127.0.0.1:0", .handler = handle, .ctx = b};

    assert_non_null(b);
    world_start(&b->w);
    b->a[0] = world_home(&b->w, "blue-1", BLUE, DT_RIGHTS_ALL);
    b->a[1] = world_home(&b->w, "red-1", RED, DT_RIGHTS_ALL);
    dt_buf_init(&b->held, TLOG_NOTE_MAX);
    (void)snprintf(b->real, sizeof b->real, "%s", b->w.url);
    ok(dt_http_server_start(&config, &b->server));
    *state = b;
    return 0;
}

static int
tear_down(void **state)
{
    struct between *b = *state;

    dt_http_server_stop(b->server);
    dt_buf_clear(&b->held);
    for (size_t i = 0; i < 2; i++)
        dt_agent_close(b->a[i]);
    world_stop(&b->w);
    free(b);
    return 0;
}

/* From now on the agent reaches the register through us. */
static void
go_between(struct between *b, size_t i)
{
    char url[64];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", dt_http_server_port(b->server));
    ok(dt_agent_relay_at(b->a[i], url));
}

static void
submit(struct dt_agent *a, uint8_t first)
{
    uint8_t seal[32] = {first};

    ok(dt_agent_register_submit(a, seal));
    ok(dt_agent_register_sync(a, NULL));
}

static size_t
told(struct dt_agent *a, const char *what)
{
    struct dt_alarm_info *v = NULL;
    size_t n = 0, count = 0;

    ok(dt_agent_alarms(a, &v, &n));
    for (size_t i = 0; i < n; i++)
        count += v[i].kind == DT_ALARM_REGISTER && strstr(v[i].text, what) != NULL;
    dt_free(v);
    return count;
}

/* An honest register raises nothing, however late one looks. */
static void
honest(void **state)
{
    struct between *b = *state;

    go_between(b, 0);
    for (uint8_t i = 1; i <= 3; i++) {
        submit(b->a[0], i);
        b->w.offset_ms += DT_MS_HOUR;
        ok(dt_agent_register_sync(b->a[0], NULL));
    }
    is(world_alarms(b->a[0], 0), 0);
}

/* A line of nobody's that the relay adds is not in the proofs made of what it showed: whoever
 * verifies one wants each line to be by a key of the charter. */
static void
strangers_line(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf proof = DT_BUF_INIT(TLOG_PROOF_FILE_MAX);
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof p = {0};
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    const uint8_t seal[32] = {1};
    struct between *b = *state;
    bool first = false;

    go_between(b, 0);
    b->stranger = true;
    submit(b->a[0], 1);
    ok(dt_agent_entry_proof(b->a[0], seal, &proof, &first));
    ok(tlog_proof_parse(dt_buf_view(&proof), &p));
    ok(tlog_note_parse(dt_buf_view(&p.note), &note));
    is(note.n_sigs, 1);
    assert_true(dt_view_equal(note.sigs[0].name, dt_view_str(b->a[0]->grant.origin)));
}

static void
freezes(void **state)
{
    struct between *b = *state;

    go_between(b, 0);
    submit(b->a[0], 1);
    ok(dt_agent_register_note(b->a[0], &b->held));
    submit(b->a[0], 2); /* acknowledged by the real one; shown is the old checkpoint */
    is(told(b->a[0], "stands still"), 0);
    b->w.offset_ms += DT_REGISTER_LAG_MS + 1000;
    ok(dt_agent_register_sync(b->a[0], NULL));
    is(told(b->a[0], "stands still"), 1);
    /* Shown again, it is taken in, and nothing is owed any more. */
    dt_buf_clear(&b->held);
    ok(dt_agent_register_sync(b->a[0], NULL));
    b->w.offset_ms += DT_MS_HOUR;
    ok(dt_agent_register_sync(b->a[0], NULL));
    is(world_alarms(b->a[0], DT_ALARM_REGISTER), 1);
}

static void
goes_back(void **state)
{
    struct between *b = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf old = DT_BUF_INIT(TLOG_NOTE_MAX);

    go_between(b, 0);
    submit(b->a[0], 1);
    ok(dt_agent_register_note(b->a[0], &old));
    submit(b->a[0], 2);
    ok(dt_buf_set(&b->held, dt_buf_view(&old)));
    ok(dt_agent_register_sync(b->a[0], NULL)); /* the new one may be on its way */
    is(world_alarms(b->a[0], 0), 0);
    b->w.offset_ms += DT_REGISTER_LAG_MS + 1000;
    ok(dt_agent_register_sync(b->a[0], NULL));
    is(told(b->a[0], "shows an old one"), 1);
}

/* Acknowledged at a place that has another entry. */
static void
another_in_its_place(void **state)
{
    struct between *b = *state;

    submit(b->a[1], 9);
    go_between(b, 0);
    b->swallow = true;
    b->index = 0;
    submit(b->a[0], 1);
    is(told(b->a[0], "another in its place"), 1);
}

/* Another's record whose seal never comes. */
static void
never_handed_in(void **state)
{
    struct between *b = *state;
    uint8_t seal[32] = {7}, hash[32];

    world_letter_hash(b->a[1], hash);
    world_share(b->a, 2);
    ok(dt_register_await(b->a[0], seal, hash));
    b->w.offset_ms += DT_REGISTER_RECORD_MS / 2;
    ok(dt_agent_register_sync(b->a[0], NULL));
    is(world_alarms(b->a[0], 0), 0);
    b->w.offset_ms += DT_REGISTER_RECORD_MS;
    ok(dt_agent_register_sync(b->a[0], NULL));
    is(told(b->a[0], "a record of this member is not in the register"), 1);
    submit(b->a[1], 7);
    ok(dt_agent_register_sync(b->a[0], NULL));
    ok(dt_agent_register_sync(b->a[0], NULL));
    is(world_alarms(b->a[0], DT_ALARM_REGISTER), 1);
}

/* The operator keeps a copy of the register, lets blue enter ${blue}, and shows red what follows
 * from the copy: ${red}, twice when ${longer}. Neither can know alone. */
static void
split_view(struct between *b, uint8_t blue, uint8_t red, bool longer)
{
    char command[256];

    world_relay_stop(&b->w);
    (void)snprintf(command, sizeof command, "cp -r %s/relay.db %s/fork.db", b->w.dir, b->w.dir);
    is(system(command), 0);
    world_relay_start(&b->w);
    submit(b->a[0], blue);
    world_relay_stop(&b->w);
    (void)snprintf(command, sizeof command,
                   "rm -f %s/relay.db-wal %s/relay.db-shm && mv %s/fork.db %s/relay.db", b->w.dir,
                   b->w.dir, b->w.dir, b->w.dir);
    is(system(command), 0);
    /* Nor does the one who does this leave the signer what it remembers. */
    (void)snprintf(command, sizeof command, "rm -f %s/relay.db.signed", b->w.dir);
    is(system(command), 0);
    world_relay_start(&b->w);
    submit(b->a[1], red);
    if (longer)
        submit(b->a[1], red + 1);
    is(world_alarms(b->a[0], 0) + world_alarms(b->a[1], 0), 0);
}

/* Each has another tree under the register's signature: a checkpoint handed over by any other way
 * shows it, to whoever holds at least as much. */
static void
compared(void **state)
{
    struct between *b = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    uint64_t size = 0, held = 0;

    submit(b->a[0], 1);
    ok(dt_agent_register_note(b->a[0], &note));
    ok(dt_agent_register_sync(b->a[1], NULL));
    ok(dt_agent_register_compare(b->a[1], dt_buf_view(&note), &size, &held));
    is(size, 1);
    is(held, 1);
    split_view(b, 2, 3, true);

    dt_buf_clear(&note);
    ok(dt_agent_register_note(b->a[1], &note));
    is(dt_agent_register_compare(b->a[0], dt_buf_view(&note), &size, &held), DT_ERR_STATE);
    is(size, 3);
    is(held, 2);
    dt_buf_clear(&note);
    ok(dt_agent_register_note(b->a[0], &note));
    is(dt_agent_register_compare(b->a[1], dt_buf_view(&note), &size, &held), DT_ERR_PROOF);
    is(world_alarms(b->a[1], DT_ALARM_FORK), 1);
    ok(dt_agent_evidence(b->a[1], &file));
    ok(tlog_evidence_read(dt_buf_view(&file), &e));
    ok(tlog_evidence_verify(&e, NULL, NULL));
    assert_true(e.has_prefix);
    /* What is not signed by the register compares with nothing. */
    note.p[note.n / 2] ^= 1;
    assert_int_not_equal(dt_agent_register_compare(b->a[1], dt_buf_view(&note), &size, &held),
                         DT_OK);
    is(world_alarms(b->a[1], DT_ALARM_FORK), 1);
}

/* What one is shown, taken by the other as from a receipt; both know each other. */
static void
hears(struct between *b, size_t to, size_t from)
{
    uint8_t hash[32];
    struct dt_heard h;

    world_letter_hash(b->a[from], hash);
    ok(dt_heard_say(b->a[from], &h));
    ok(dt_heard_take(b->a[to], hash, &h));
}

/* Two members' receipts name two trees. */
static void
heard(void **state)
{
    struct between *b = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    struct dt_heard h;
    uint8_t hash[32];

    assert_int_equal(dt_heard_say(b->a[0], &h), DT_ERR_NOT_FOUND); /* nothing is held yet */
    world_share(b->a, 2);
    submit(b->a[0], 1);
    ok(dt_agent_register_sync(b->a[1], NULL));
    hears(b, 1, 0);
    ok(dt_heard_judge(b->a[1], true));
    is(world_alarms(b->a[1], 0), 0);
    split_view(b, 2, 3, false);
    hears(b, 0, 1);
    ok(dt_heard_judge(b->a[0], true));
    ok(dt_heard_judge(b->a[0], true)); /* once */
    is(world_alarms(b->a[0], DT_ALARM_FORK), 2);
    world_said(b->a[0], DT_ALARM_FORK, "this member was shown another register than we");
    ok(dt_agent_evidence(b->a[0], &file));
    ok(tlog_evidence_read(dt_buf_view(&file), &e));
    ok(tlog_evidence_verify(&e, NULL, NULL));
    /* What the register did not sign is refused, whatever it says. */
    world_letter_hash(b->a[1], hash);
    ok(dt_heard_say(b->a[1], &h));
    h.root[0] ^= 1;
    is(dt_heard_take(b->a[0], hash, &h), DT_ERR_REFUSED);
    h.root[0] ^= 1;
    h.size += 7;
    is(dt_heard_take(b->a[0], hash, &h), DT_ERR_REFUSED);
    h.size = UINT64_MAX;
    is(dt_heard_take(b->a[0], hash, &h), DT_ERR_REFUSED);
}

/* A smaller one is compared at the next sync: an earlier state of ours is nothing, another is
 * evidence. */
static void
heard_older(void **state)
{
    struct between *b = *state;

    world_share(b->a, 2);
    submit(b->a[0], 1);
    ok(dt_agent_register_sync(b->a[1], NULL));
    submit(b->a[0], 2);
    hears(b, 0, 1);
    ok(dt_heard_judge(b->a[0], true));
    is(world_alarms(b->a[0], 0), 0);
    ok(dt_agent_register_sync(b->a[1], NULL));
    split_view(b, 3, 4, true);
    hears(b, 1, 0); /* three entries, and red holds four others */
    is(world_alarms(b->a[1], 0), 0);
    ok(dt_heard_judge(b->a[1], true));
    ok(dt_heard_judge(b->a[1], true)); /* once */
    is(world_alarms(b->a[1], DT_ALARM_FORK), 2);
}

/* What one member says does not hide what another said before or after it in the same sync, though
 * that be larger and fit: who is shown another tree is found. */
static void
heard_beside_others(void **state)
{
    static const uint8_t third[32] = {3};
    struct between *b = *state;
    struct dt_heard blue, fits, ahead;
    uint8_t hash[32];

    world_letter_hash(b->a[0], hash);
    world_share(b->a, 2);
    submit(b->a[0], 1);
    ok(dt_agent_register_sync(b->a[1], NULL));
    split_view(b, 2, 3, false);
    ok(dt_heard_say(b->a[0], &blue)); /* two entries, of another tree */
    submit(b->a[1], 4);
    ok(dt_heard_say(b->a[1], &fits)); /* three, of ours */
    submit(b->a[1], 5);
    ok(dt_heard_take(b->a[1], hash, &blue));
    ok(dt_heard_take(b->a[1], third, &fits));
    ok(dt_heard_judge(b->a[1], true));
    ok(dt_heard_judge(b->a[1], true)); /* once */
    is(world_alarms(b->a[1], DT_ALARM_FORK), 2);
    world_said(b->a[1], DT_ALARM_FORK, "this member was shown another register than we");
    /* In the other order, and to one who hears of more than it holds: blue, of red's two. */
    ok(dt_heard_say(b->a[1], &ahead)); /* four */
    world_letter_hash(b->a[1], hash);
    ok(dt_heard_take(b->a[0], third, &ahead));
    ok(dt_heard_take(b->a[0], hash, &fits));
    is(world_alarms(b->a[0], 0), 0);
    b->w.offset_ms += DT_REGISTER_LAG_MS + 1000;
    ok(dt_heard_judge(b->a[0], true));
    is(told(b->a[0], "this member was shown a register of 4 entries, and we are shown 2"), 1);
    is(world_alarms(b->a[0], DT_ALARM_REGISTER), 1); /* of several that are ahead, the largest */
}

/* A larger tree than ours waits: it is told when it stays so, and judged when ours has grown. */
static void
heard_ahead(void **state)
{
    struct between *b = *state;
    size_t before;

    world_share(b->a, 2);
    submit(b->a[0], 1);
    ok(dt_agent_register_sync(b->a[1], NULL));
    submit(b->a[0], 2);
    hears(b, 1, 0); /* honest: news of it is on its way */
    ok(dt_heard_judge(b->a[1], true));
    b->w.offset_ms += DT_REGISTER_LAG_MS + 1000;
    is(world_alarms(b->a[1], 0), 0);
    ok(dt_heard_judge(b->a[1], false)); /* a relay that is down is no lie */
    is(world_alarms(b->a[1], 0), 0);
    ok(dt_heard_judge(b->a[1], true));
    is(told(b->a[1], "this member was shown a register of 2 entries, and we are shown 1"), 1);
    ok(dt_agent_register_sync(b->a[1], NULL));
    before = world_alarms(b->a[1], DT_ALARM_REGISTER);
    b->w.offset_ms += DT_MS_HOUR;
    ok(dt_heard_judge(b->a[1], true));
    is(world_alarms(b->a[1], DT_ALARM_REGISTER), before);
    is(world_alarms(b->a[1], DT_ALARM_FORK), 0);
}

/* The same of a register that gives us no answer: later, but not never. */
static void
heard_ahead_in_silence(void **state)
{
    struct between *b = *state;

    world_share(b->a, 2);
    submit(b->a[0], 1);
    ok(dt_agent_register_sync(b->a[1], NULL));
    submit(b->a[0], 2);
    hears(b, 1, 0);
    b->w.offset_ms += DT_REGISTER_SILENT_MS - 1000;
    ok(dt_heard_judge(b->a[1], false));
    is(world_alarms(b->a[1], 0), 0);
    b->w.offset_ms += 2000;
    ok(dt_heard_judge(b->a[1], false));
    is(told(b->a[1], "this member was shown a register of 2 entries, and we are shown 1"), 1);
}

/* The same when the larger one turns out to be another tree. */
static void
heard_ahead_of_another(void **state)
{
    struct between *b = *state;

    world_share(b->a, 2);
    submit(b->a[0], 1);
    ok(dt_agent_register_sync(b->a[1], NULL));
    split_view(b, 2, 3, true);
    hears(b, 0, 1);
    ok(dt_heard_judge(b->a[0], true));
    is(world_alarms(b->a[0], 0), 0); /* three entries, and ours has two */
    hears(b, 1, 0);
    ok(dt_agent_register_sync(b->a[1], NULL)); /* judges, too */
    is(world_alarms(b->a[1], DT_ALARM_FORK), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(honest),
        TEST(freezes),
        TEST(strangers_line),
        TEST(goes_back),
        TEST(another_in_its_place),
        TEST(never_handed_in),
        TEST(compared),
        TEST(heard),
        TEST(heard_older),
        TEST(heard_ahead),
        TEST(heard_ahead_in_silence),
        TEST(heard_ahead_of_another),
        TEST(heard_beside_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
