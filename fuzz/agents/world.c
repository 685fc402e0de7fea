/*
 * fuzz/agents/world.c - see world.h.
 */
#include <unistd.h>

#include "agent/core.h"
#include "agent/register/register.h"
#include "agent/store/internal.h"
#include "base/file.h"
#include "base/mem.h"
#include "log/cosignature.h"
#include "relay/handlers.h"
#include "relay/store/internal.h"

#include "snapshot.h"
#include "world.h"

#define PASSPHRASE "correct horse"
#define BEGIN_MS   UINT64_C(1780000000000)
#define FILE_MAX   (16u << 20)

static const char *const party_names[PARTIES] = {"mediator-office", "blue"};
static const uint8_t party_kinds[PARTIES] = {DT_PARTY_MEDIATOR, DT_PARTY_PARTY};
static const char *const names[AGENTS] = {"envoy", "blue-1", "blue-2"};
static const size_t party_of[AGENTS] = {0, 1, 1};

static struct snapshot relay_snapshot, snapshot[AGENTS];
static const char *dir_to_remove;

/* ---- files ---- */

static void
path_of(const struct world *w, const char *name, const char *end, char out[static 192])
{
    must(snprintf(out, 192, "%s/%s%s", w->dir, name, end) < 192);
}

static void
store_path(const struct world *w, size_t i, char out[static 192])
{
    path_of(w, names[i], "/store.db", out);
}

static void
read_file(const char *path, struct dt_buf *out)
{
    dt_buf_clear(out);
    dt_buf_init(out, FILE_MAX);
    must(dt_file_read(path, out) == DT_OK);
}

/* Put ${content} in the place of the store ${path}, which nobody has open. */
static void
put_file(const char *path, const struct dt_buf *content)
{
    char beside[200];

    (void)snprintf(beside, sizeof beside, "%s-wal", path);
    (void)unlink(beside);
    (void)snprintf(beside, sizeof beside, "%s-shm", path);
    (void)unlink(beside);
    (void)unlink(path);
    must(dt_file_create(path, dt_buf_view(content), 0600) == DT_OK);
}

static void
remove_dir(void)
{
    char command[160];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir_to_remove);
    if (system(command) != 0)
        (void)fputs("the world's files could not be removed\n", stderr);
}

/* ---- clock, relay, agents ---- */

static uint64_t
now_ms(void *ctx)
{
    return ((const struct world *)ctx)->now_ms;
}

static struct dt_clock
clock_of(struct world *w)
{
    return (struct dt_clock){now_ms, w};
}

void
world_relay_start(struct world *w)
{
    char path[192];
    struct dt_relay_config config = {.store = path, .listen = "", .clock = clock_of(w)};

    path_of(w, "relay.db", "", path);
    must(dt_relay_start(&config, &w->relay) == DT_OK);
    relay_snapshot.changes = -1;
}

void
world_relay_stop(struct world *w)
{
    dt_relay_stop(w->relay, NULL, NULL);
    w->relay = NULL;
}

static void
open_agent(struct world *w, size_t i)
{
    struct dt_clock clock = clock_of(w);
    char home[192];

    path_of(w, names[i], "", home);
    must(dt_agent_open(home, dt_view_str(PASSPHRASE), &clock, &w->a[i]) == DT_OK);
}

void
world_kill(struct world *w, size_t i)
{
    dt_agent_close(w->a[i]);
    open_agent(w, i);
    snapshot[i].changes = -1;
}

void
world_copy(struct world *w, size_t i, struct dt_buf *out)
{
    char to[192];

    path_of(w, names[i], "/copy", to);
    must(dt_db_copy(dt_agent_store(w->a[i])->db, to) == DT_OK);
    read_file(to, out);
    (void)unlink(to);
}

void
world_restore(struct world *w, size_t i, const struct dt_buf *copy)
{
    char path[192];

    store_path(w, i, path);
    dt_agent_close(w->a[i]);
    put_file(path, copy);
    open_agent(w, i);
    snapshot[i].changes = -1;
}

/* ---- the register ---- */

void
world_witness(size_t party, struct tlog_signer *out)
{
    char name[64];
    uint8_t seed[32];

    memset(seed, 40 + (int)party, sizeof seed);
    (void)snprintf(name, sizeof name, "%s.example/witness", party_names[party]);
    must(tlog_signer_from_seed(dt_view_str(name), TLOG_KEY_COSIGNATURE, dt_view_of(seed), out) ==
         DT_OK);
}

void
world_seal(struct world *w, size_t i, uint8_t b)
{
    struct dt_store *s = dt_agent_store(w->a[i]);
    uint8_t seal[32];

    memset(seal, b, sizeof seal);
    must(dt_store_begin(s) == DT_OK);
    must(dt_store_end(s, dt_agent_register_submit(w->a[i], seal)) == DT_OK);
    must(dt_agent_register_sync(w->a[i], NULL) == DT_OK);
}

void
world_cosign(struct world *w)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf held = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    DT_CLEANUP(dt_http_client_free_p) struct dt_http_client *c = NULL;

    must(dt_http_client_new(NULL, &c) == DT_OK);
    must(dt_register_checkpoint(c, w->register_url, DT_CHECKPOINT_HELD, &held) == DT_OK);
    must(tlog_note_parse(dt_buf_view(&held), &note) == DT_OK);
    for (size_t i = 0; i < PARTIES; i++) {
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer signer = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);

        world_witness(i, &signer);
        must(dt_buf_append(&out, dt_buf_view(&held)) == DT_OK);
        must(tlog_cosign(&signer, note.text, w->now_ms / 1000, &out) == DT_OK);
        must(dt_register_cosign(c, w->register_url, dt_buf_view(&out)) == DT_OK);
    }
}

/* ---- the beginning ---- */

static void
make_grants(struct world *w, struct dt_grant out[static PARTIES])
{
    struct dt_relay_store_config config = {.create = true, .clock = clock_of(w)};
    struct dt_grant_witness *witnesses = calloc(PARTIES, sizeof *witnesses);
    struct dt_grant_order order = {.url = "http://relay.example",
                                   .parties = party_names,
                                   .n_parties = PARTIES,
                                   .witnesses = witnesses,
                                   .n_witnesses = PARTIES,
                                   .daily_entries = 1000,
                                   .bounds.queues = 1000,
                                   .bounds.queue_cells = 100000};
    struct dt_relay_store *s = NULL;
    char path[192];

    must(witnesses != NULL);
    for (size_t i = 0; i < PARTIES; i++) {
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer signer = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf vkey = DT_BUF_INIT(512);

        world_witness(i, &signer);
        must(tlog_vkey_write(&signer.vkey, &vkey) == DT_OK);
        (void)snprintf(witnesses[i].vkey, sizeof witnesses[i].vkey, "%.*s", (int)vkey.n,
                       (const char *)vkey.p);
        (void)snprintf(witnesses[i].group, sizeof witnesses[i].group, "%s", party_names[i]);
    }
    path_of(w, "relay.db", "", path);
    config.path = path;
    must(dt_relay_store_open(&config, &s) == DT_OK);
    must(dt_relay_store_grant(s, &order, out) == DT_OK);
    dt_relay_store_close(s);
    free(witnesses);
}

static void
make_charter(struct world *w, const struct dt_grant *g, uint8_t roots[PARTIES][32],
             struct dt_buf *out)
{
    struct dt_charter c = {
        .title = dt_view_str("Fuzzing"), .created_ms = w->now_ms, .quorum_attested = 2};

    for (size_t i = 0; i < PARTIES; i++) {
        memset(roots[i], 10 + (int)i, 32);
        must(dt_ed25519_pub(dt_view(roots[i], 32), c.parties[i].root) == DT_OK);
        c.parties[i].kind = party_kinds[i];
        c.parties[i].name = dt_view_str(party_names[i]);
        c.witnesses[i].party = (uint8_t)i;
        c.witnesses[i].vkey = dt_view_str(g->witnesses[i].vkey);
    }
    c.n_parties = c.n_witnesses = PARTIES;
    c.relays[0] = dt_view_str(g->relay);
    c.n_relays = 1;
    c.register_origin = dt_view_str(g->origin);
    c.register_vkey = dt_view_str(g->vkey);
    c.register_path = dt_view_str("/r/x");
    for (size_t i = 0; i < PARTIES; i++)
        must(dt_charter_sign(&c, dt_view(roots[i], 32)) == DT_OK);
    must(dt_charter_encode(&c, out) == DT_OK);
}

static void
make_agent(struct world *w, size_t i, const struct dt_grant *grant, struct dt_view charter,
           const uint8_t root[static 32])
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf json = DT_BUF_INIT(DT_NET_GRANT_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf request = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_buf_clear) struct dt_buf letter = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_letter_request_clear) struct dt_letter_request q = {0};
    struct dt_agent_init_params params = {.passphrase = dt_view_str(PASSPHRASE),
                                          .charter = charter,
                                          .party = party_names[party_of[i]],
                                          .name = names[i],
                                          .title = "delegate",
                                          .clock = clock_of(w)};
    uint8_t hash[32];
    char home[192];

    path_of(w, names[i], "", home);
    must(dt_grant_write(grant, &json) == DT_OK);
    params.home = home;
    params.grant = dt_buf_view(&json);
    must(dt_agent_init(&params) == DT_OK);
    open_agent(w, i);
    must(dt_agent_letter_request(w->a[i], &request) == DT_OK);
    must(dt_letter_request_decode(dt_buf_view(&request), &q) == DT_OK);
    must(dt_letter_issue(dt_view(root, 32), &q, DT_RIGHTS_ALL, w->now_ms - 100 * DT_MS_DAY,
                         w->now_ms + 3000 * DT_MS_DAY, w->now_ms, &letter) == DT_OK);
    must(dt_agent_letter_import(w->a[i], dt_buf_view(&letter), hash) == DT_OK);
    must(dt_agent_sync(w->a[i], NULL) == DT_OK);
}

static void
sync_all(struct world *w, unsigned int rounds)
{
    for (unsigned int r = 0; r < rounds; r++)
        for (size_t i = 0; i < AGENTS; i++)
            must(dt_agent_sync(w->a[i], NULL) == DT_OK);
}

static void
found(struct world *w)
{
    uint8_t hash[32];

    for (size_t i = 0; i < AGENTS; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf letter = DT_BUF_INIT(8192);
        struct dt_agent_info info;

        must(dt_agent_own_letter(w->a[i], &letter) == DT_OK);
        for (size_t k = 0; k < AGENTS; k++)
            must(dt_agent_letter_import(w->a[k], dt_buf_view(&letter), hash) == DT_OK);
        must(dt_agent_info(w->a[i], &info) == DT_OK);
        memcpy(w->letter[i], info.self.letter_hash, 32);
    }
    must(dt_agent_found(w->a[0], DT_CHANNEL_CAUCUS, "caucus", (const uint8_t(*)[32])w->letter,
                        AGENTS, w->group_id) == DT_OK);
    sync_all(w, 1);
    for (size_t i = 1; i < AGENTS; i++) {
        struct dt_invitation_info *v = NULL;
        size_t n = 0;

        must(dt_agent_invitations(w->a[i], &v, &n) == DT_OK && n == 1);
        must(dt_agent_invitation_accept(w->a[i], v[0].invitation_id) == DT_OK);
        dt_free(v);
    }
    sync_all(w, 4);
}

/* ---- back to the beginning ---- */

static struct dt_db *
db_of(const struct world *w, size_t i)
{
    return dt_agent_store(w->a[i])->db;
}

void
world_reset(struct world *w)
{
    w->now_ms = BEGIN_MS;
    if (snapshot_put_back(&relay_snapshot, w->relay->store->w)) {
        store_register_drop_all(w->relay->store);
        dt_recent_forget_all(w->relay->recent);
    }
    for (size_t i = 0; i < AGENTS; i++)
        if (snapshot_put_back(&snapshot[i], db_of(w, i)))
            dt_agent_store(w->a[i])->seen = 0;
}

void
world_make(struct world *w)
{
    struct dt_grant *grants = calloc(PARTIES, sizeof *grants);
    DT_CLEANUP(dt_buf_clear) struct dt_buf charter = DT_BUF_INIT(DT_CHARTER_MAX);
    const char *tmp = getenv("DT_FUZZ_DIR");
    uint8_t roots[PARTIES][32];

    *w = (struct world){.now_ms = BEGIN_MS};
    must(grants != NULL && dt_crypto_init() == DT_OK);
    must(snprintf(w->dir, sizeof w->dir, "%s/detente-fuzz-XXXXXX", tmp != NULL ? tmp : "/dev/shm") <
         (int)sizeof w->dir);
    must(mkdtemp(w->dir) != NULL);
    dir_to_remove = w->dir;
    must(atexit(remove_dir) == 0);
    make_grants(w, grants);
    make_charter(w, &grants[0], roots, &charter);
    world_relay_start(w);
    for (size_t i = 0; i < AGENTS; i++)
        make_agent(w, i, &grants[party_of[i]], dt_buf_view(&charter), roots[party_of[i]]);
    found(w);
    for (size_t i = 0; i < AGENTS; i++) {
        struct dt_channel_info info;

        must(dt_agent_channel(w->a[i], w->group_id, &info) == DT_OK);
        must(info.state == DT_CHANNEL_LIVE && info.confirmed && info.to_send == 0 &&
             info.alarms == 0);
    }
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf url = DT_BUF_INIT(sizeof w->register_url);

        must(dt_grant_register_url(&grants[0], &url) == DT_OK);
        (void)snprintf(w->register_url, sizeof w->register_url, "%.*s", (int)url.n,
                       (const char *)url.p);
        memcpy(w->register_vkey, grants[0].vkey, sizeof w->register_vkey);
    }
    free(grants);
    world_keep(w);
}

void
world_keep(struct world *w)
{
    for (size_t i = 0; i < AGENTS; i++)
        snapshot_take(&snapshot[i], db_of(w, i));
    snapshot_take(&relay_snapshot, w->relay->store->w);
}
