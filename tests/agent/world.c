/*
 * tests/agent/world.c - see world.h.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/sync/flows.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/wire.h"
#include "log/cosignature.h"
#include "net/grant.h"

#include "world.h"

const char *const party_names[N_PARTIES] = {"mediator-office", "blue", "red"};
const char *world_file_max, *world_line_test;
static const uint8_t kinds[N_PARTIES] = {DT_PARTY_MEDIATOR, DT_PARTY_PARTY, DT_PARTY_PARTY};

static unsigned int
free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    is(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    is(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    is(close(fd), 0);
    return ntohs(sa.sin_port);
}

void
world_path(const struct world *w, const char *name, char out[static 128])
{
    assert_true(snprintf(out, 128, "%s/%s", w->dir, name) < 128);
}

static pid_t
spawn(const char *const argv[])
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        char *copy[64] = {NULL};

        for (size_t i = 0; i < 63 && argv[i] != NULL; i++)
            copy[i] = strdup(argv[i]);
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(126);
        execv(copy[0], copy);
        _exit(127);
    }
    return pid;
}

static const char *
relay_program(void)
{
    const char *p = getenv("DT_RELAY");

    assert_non_null(p);
    return p;
}

void
world_witness(size_t party, struct tlog_signer *out)
{
    char name[64];
    uint8_t seed[32];

    memset(seed, 40 + (int)party, sizeof seed);
    (void)snprintf(name, sizeof name, "%s.example/witness", party_names[party]);
    ok(tlog_signer_from_seed(dt_view_str(name), TLOG_KEY_COSIGNATURE, dt_view_of(seed), out));
}

static void
make_grants(struct world *w, const char *folder, const char *continued)
{
    char store[128], out[128], witness[3][400];
    const char *argv[32];
    size_t n = 0;
    int status = 0;

    world_path(w, "relay.db", store);
    world_path(w, folder, out);
    argv[n++] = relay_program();
    argv[n++] = "grant";
    argv[n++] = "--store";
    argv[n++] = store;
    argv[n++] = "--url";
    argv[n++] = w->url;
    argv[n++] = "--out";
    argv[n++] = out;
    for (size_t i = 0; i < N_PARTIES; i++) {
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer signer = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf vkey = DT_BUF_INIT(512);

        world_witness(i, &signer);
        ok(tlog_vkey_write(&signer.vkey, &vkey));
        (void)snprintf(witness[i], sizeof witness[i], "%s=%.*s", party_names[i], (int)vkey.n,
                       (const char *)vkey.p);
        argv[n++] = "--party";
        argv[n++] = party_names[i];
        argv[n++] = "--witness";
        argv[n++] = witness[i];
    }
    if (w->cadence != NULL) {
        argv[n++] = "--cadence";
        argv[n++] = w->cadence;
    }
    if (continued != NULL) {
        argv[n++] = "--continue";
        argv[n++] = continued;
    }
    argv[n] = NULL;
    is(waitpid(spawn(argv), &status, 0) > 0, 1);
    is(status, 0);
    for (size_t i = 0; i < N_PARTIES; i++) {
        char path[192];

        (void)snprintf(path, sizeof path, "%s/%s.grant", out, party_names[i]);
        dt_buf_clear(&w->grant[i]);
        dt_buf_init(&w->grant[i], DT_NET_GRANT_MAX);
        ok(dt_file_read(path, &w->grant[i]));
    }
}

void
world_relay_start(struct world *w)
{
    char store[128], port_file[128];
    const char *argv[] = {relay_program(), "serve",       "--store", store, "--listen",
                          w->address,      "--port-file", port_file, NULL};

    world_path(w, "relay.db", store);
    world_path(w, "port", port_file);
    (void)unlink(port_file);
    w->relay = spawn(argv);
    for (int i = 0; i < 400 && !dt_file_exists(port_file); i++) {
        struct timespec t = {.tv_nsec = 25 * 1000 * 1000};

        (void)nanosleep(&t, NULL);
    }
    assert_true(dt_file_exists(port_file));
}

void
world_relay_stop(struct world *w)
{
    int status = 0;

    if (w->relay <= 0)
        return;
    (void)kill(w->relay, SIGTERM);
    (void)waitpid(w->relay, &status, 0);
    w->relay = 0;
}

void
world_relay_replace(struct world *w, struct dt_view entries)
{
    static const char *const files[] = {"relay.db", "relay.db-wal", "relay.db-shm"};
    char path[128], continued[128], folder[32];

    world_relay_stop(w);
    for (size_t i = 0; i < 3; i++) {
        world_path(w, files[i], path);
        (void)unlink(path);
    }
    world_path(w, "entries", continued);
    ok(dt_file_write(continued, entries, 0600));
    (void)snprintf(folder, sizeof folder, "grants-%u", ++w->replaced);
    make_grants(w, folder, continued);
    world_relay_start(w);
}

static void
make_charter(struct world *w)
{
    struct dt_charter c = {
        .title = dt_view_str("Test forum"), .created_ms = 1760000000000, .quorum_attested = 2};
    struct dt_grant g;

    ok(dt_grant_read(dt_buf_view(&w->grant[0]), &g));
    ok(dt_random(c.nonce, sizeof c.nonce));
    for (size_t i = 0; i < N_PARTIES; i++) {
        memset(w->root[i], 10 + (int)i, 32);
        ok(dt_ed25519_pub(dt_view_of(w->root[i]), c.parties[i].root));
        c.parties[i].kind = kinds[i];
        c.parties[i].name = dt_view_str(party_names[i]);
        c.witnesses[i].party = (uint8_t)i;
        c.witnesses[i].vkey = dt_view_str(g.witnesses[i].vkey);
    }
    c.n_parties = c.n_witnesses = N_PARTIES;
    c.relays[0] = dt_view_str(w->url);
    c.n_relays = 1;
    c.register_origin = dt_view_str(g.origin);
    c.register_vkey = dt_view_str(g.vkey);
    c.register_path = dt_view_str("/r/x");
    if (w->cadence != NULL) {
        c.rules[c.n_rules].name = dt_view_str("cadence");
        c.rules[c.n_rules++].value = dt_view_str(w->cadence);
    }
    if (world_file_max != NULL) {
        c.rules[c.n_rules].name = dt_view_str("file_max");
        c.rules[c.n_rules++].value = dt_view_str(world_file_max);
    }
    if (world_line_test != NULL) {
        c.rules[c.n_rules].name = dt_view_str("line_test");
        c.rules[c.n_rules++].value = dt_view_str(world_line_test);
    }
    for (size_t i = 0; i < N_PARTIES; i++)
        ok(dt_charter_sign(&c, dt_view_of(w->root[i])));
    dt_buf_init(&w->charter, DT_CHARTER_MAX);
    ok(dt_charter_encode(&c, &w->charter));
}

void
world_prepare(struct world *w, const char *cadence)
{
    const char *in = getenv("TMPDIR");
    unsigned int port = free_port();

    *w = (struct world){.cadence = cadence};
    ok(dt_crypto_init());
    (void)snprintf(w->dir, sizeof w->dir, "%s/dt-agent-XXXXXX", in != NULL ? in : "/tmp");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->address, sizeof w->address, "127.0.0.1:%u", port);
    (void)snprintf(w->url, sizeof w->url, "http://%s", w->address);
    make_grants(w, "grants", NULL);
    make_charter(w);
}

void
world_start(struct world *w)
{
    world_prepare(w, NULL);
    world_relay_start(w);
}

void
world_stop(struct world *w)
{
    char command[128];

    world_relay_stop(w);
    dt_buf_clear(&w->charter);
    for (size_t i = 0; i < N_PARTIES; i++)
        dt_buf_clear(&w->grant[i]);
    (void)snprintf(command, sizeof command, "rm -rf %s", w->dir);
    if (getenv("DT_KEEP") == NULL)
        is(system(command), 0);
}

static uint64_t
now_ms(void *ctx)
{
    const struct world *w = ctx;
    struct dt_clock real = dt_clock_system();

    return w->frozen_ms != 0 ? w->frozen_ms : dt_clock_now(&real) + w->offset_ms;
}

struct dt_clock
world_clock(struct world *w)
{
    return (struct dt_clock){.now_ms = now_ms, .ctx = w};
}

struct dt_agent *
world_open(struct world *w, const char *name)
{
    struct dt_clock clock = world_clock(w);
    struct dt_agent *a = NULL;
    char home[128];

    world_path(w, name, home);
    ok(dt_agent_open(home, dt_view_str(PASSPHRASE), &clock, &a));
    return a;
}

void
world_accredit(struct world *w, struct dt_agent *a, int party, uint32_t rights)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf request = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_buf_clear) struct dt_buf letter = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_letter_request_clear) struct dt_letter_request q = {0};
    uint64_t now = now_ms(w);
    uint8_t hash[32];

    ok(dt_agent_letter_request(a, &request));
    ok(dt_letter_request_decode(dt_buf_view(&request), &q));
    ok(dt_letter_issue_for(dt_view_of(w->root[party]), dt_agent_charter(a)->parties[party].root_id,
                           &q, rights, now - DT_MS_DAY, now + 300 * DT_MS_DAY, now, &letter));
    ok(dt_agent_letter_import(a, dt_buf_view(&letter), hash));
}

struct dt_agent *
world_home(struct world *w, const char *name, int party, uint32_t rights)
{
    struct dt_agent_init_params params = {.passphrase = dt_view_str(PASSPHRASE),
                                          .charter = dt_buf_view(&w->charter),
                                          .grant = dt_buf_view(&w->grant[party]),
                                          .party = party_names[party],
                                          .name = name,
                                          .title = "delegate",
                                          .clock = world_clock(w)};
    struct dt_agent *a;
    char home[128];

    world_path(w, name, home);
    params.home = home;
    ok(dt_agent_init(&params));
    a = world_open(w, name);
    world_accredit(w, a, party, rights);
    ok(dt_agent_sync(a, NULL));
    return a;
}

void
world_letter_hash(struct dt_agent *a, uint8_t out[static 32])
{
    struct dt_agent_info info;

    ok(dt_agent_info(a, &info));
    assert_true(info.has_letter);
    memcpy(out, info.self.letter_hash, 32);
}

void
world_share(struct dt_agent **agents, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf letter = DT_BUF_INIT(8192);
        uint8_t hash[32];

        ok(dt_agent_own_letter(agents[i], &letter));
        for (size_t k = 0; k < n; k++)
            ok(dt_agent_letter_import(agents[k], dt_buf_view(&letter), hash));
    }
}

void
world_sync(struct dt_agent **agents, size_t n, unsigned int rounds)
{
    for (unsigned int r = 0; r < rounds; r++)
        for (size_t i = 0; i < n; i++)
            ok(dt_agent_sync(agents[i], NULL));
}

void
world_accept(struct dt_agent *a)
{
    struct dt_invitation_info *v = NULL;
    size_t n = 0;

    ok(dt_agent_invitations(a, &v, &n));
    for (size_t i = 0; i < n; i++)
        if (v[i].state == DT_INVITATION_OPEN)
            ok(dt_agent_invitation_accept(a, v[i].invitation_id));
    dt_free(v);
}

struct dt_channel_info
world_channel(struct dt_agent *a, const uint8_t group_id[static 32])
{
    struct dt_channel_info info;

    ok(dt_agent_channel(a, group_id, &info));
    return info;
}

void
world_found(struct dt_agent **agents, size_t n, enum dt_channel_kind kind, const char *name,
            uint8_t group_id[static 32])
{
    uint8_t letters[8][32];

    assert_true(n <= 8);
    for (size_t i = 0; i < n; i++)
        world_letter_hash(agents[i], letters[i]);
    ok(dt_agent_found(agents[0], kind, name, (const uint8_t(*)[32])letters, n, group_id));
    world_sync(agents, n, 1);
    for (size_t i = 1; i < n; i++)
        world_accept(agents[i]);
    world_sync(agents, n, 4);
    for (size_t i = 0; i < n; i++) {
        struct dt_channel_info info = world_channel(agents[i], group_id);

        is(info.state, DT_CHANNEL_LIVE);
        is(info.epoch, 1);
        is(info.members, n);
        assert_true(info.confirmed);
        is(info.to_send, 0);
        is(info.alarms, 0);
    }
}

size_t
world_talk_count(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view data)
{
    struct dt_talk_info *v = NULL;
    size_t n = 0, count = 0;

    ok(dt_agent_talk_list(a, group_id, 0, &v, &n));
    for (size_t i = 0; i < n; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);

        ok(dt_agent_talk_read(a, group_id, v[i].seq, &b));
        count += dt_view_equal(dt_buf_view(&b), data);
    }
    dt_free(v);
    return count;
}

void
world_say(struct dt_agent *a, const uint8_t group_id[static 32], const char *text)
{
    uint8_t id[16];

    ok(dt_agent_talk_text(a, group_id, dt_view_str(text), id));
}

void
world_all_have_once(struct dt_agent **agents, size_t n, const uint8_t group_id[static 32],
                    const char *text)
{
    for (size_t i = 0; i < n; i++) {
        size_t count = world_talk_count(agents[i], group_id, dt_view_str(text));

        if (count != 1)
            fail_msg("agent %zu has '%s' %zu times", i, text, count);
    }
}

static uint64_t
cells_in(struct dt_agent *a, const uint8_t address[static 32], struct dt_view read_token)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_wire_items items;
    uint64_t last = 0;

    ok(dt_relay_read(a->queue_http, a->grant.relay, address, read_token, 0, 1, &answer));
    ok(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
    return last;
}

uint64_t
world_cells_in_channel(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

    ok(dt_channel_load(a, group_id, &ch));
    return cells_in(a, ch.queue.address, dt_queue_read_token(&ch.queue));
}

uint64_t
world_cells_in_inbox(struct dt_agent *a)
{
    return cells_in(a, a->inbox_address, dt_view(a->inbox_tokens.p, 32));
}

uint32_t
world_leaf(struct dt_agent *a, const uint8_t group_id[static 32],
           const uint8_t letter_hash[static 32])
{
    struct dt_roster_entry *v = NULL;
    uint32_t leaf = UINT32_MAX;
    size_t n = 0;

    ok(dt_agent_roster(a, group_id, &v, &n));
    for (size_t i = 0; i < n; i++)
        if (memcmp(v[i].who.letter_hash, letter_hash, 32) == 0)
            leaf = v[i].leaf;
    dt_free(v);
    return leaf;
}

size_t
world_alarms(struct dt_agent *a, int kind)
{
    struct dt_alarm_info *v = NULL;
    size_t n = 0, count = 0;

    ok(dt_agent_alarms(a, &v, &n));
    for (size_t i = 0; i < n; i++) {
        if (kind == 0)
            print_message("alarm: %s\n", v[i].text);
        if (kind <= 0 || (int)v[i].kind == kind)
            count += (size_t)v[i].count;
    }
    dt_free(v);
    return count;
}

void
world_said(struct dt_agent *a, enum dt_alarm_kind kind, const char *text)
{
    struct dt_alarm_info *v = NULL;
    const char *last = "(no alarm)";
    size_t n = 0;

    ok(dt_agent_alarms(a, &v, &n));
    for (size_t i = 0; i < n; i++)
        if (v[i].kind == kind)
            last = v[i].text;
    if (strstr(last, text) == NULL)
        fail_msg("expected '%s' in '%s'", text, last);
    dt_free(v);
}
