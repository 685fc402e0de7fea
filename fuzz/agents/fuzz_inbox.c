/*
 * fuzz/agents/fuzz_inbox.c - what reaches the inbox of an agent with channels: a real message by
 * another delegate, altered, sealed for the agent and taken in.
 *
 * First byte: which message ('0' to '9'; those that set_up() caught), or 'r': the rest is the
 * message. Then edits of four bytes: place, kind, value. Whatever it says, the live channel stands
 * as before.
 */
#include "agent/channel/channel.h"
#include "agent/sync/flows.h"
#include "base/mem.h"
#include "base/text.h"

#include "../edits.h"
#include "line.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGES_MAX 10

static struct world w;
static struct dt_buf messages[MESSAGES_MAX];
static size_t n_messages;

/* Cells on their way to agent 0's inbox, opened. */
static enum dt_err
catch_cell(void *ctx, const struct dt_http_call *call)
{
    static struct dt_wire_append append[DT_RELAY_APPEND_MAX];
    struct dt_agent *a = w.a[0];
    char path[96], batch[96], hex[65];
    size_t n = 1;

    (void)ctx;
    dt_hex_str(hex, dt_view_of(a->inbox_address));
    (void)snprintf(path, sizeof path, "/v1/queues/%s/cells", hex);
    (void)snprintf(batch, sizeof batch, "/v1/queues/%s/cells/batch", hex);
    if (strcmp(call->path, batch) == 0)
        must(dt_wire_appends_decode(call->body, append, &n) == DT_OK);
    else if (strcmp(call->path, path) == 0)
        must(dt_wire_append_decode(call->body, append) == DT_OK);
    else
        return DT_OK;
    for (size_t i = 0; i < n; i++) {
        must(n_messages < MESSAGES_MAX);
        dt_buf_init(&messages[n_messages], DT_CELL_MAX);
        must(dt_inbox_open(dt_secret_view(&a->x25519_priv), a->inbox_address, append[i].cell,
                           &messages[n_messages++]) == DT_OK);
    }
    return DT_OK;
}

static void
sync_one(size_t i)
{
    must(dt_agent_sync(w.a[i], NULL) == DT_OK);
}

/* Agent ${from} founds a caucus with agent ${with}. */
static void
found(size_t from, size_t with)
{
    uint8_t group_id[32];

    must(dt_agent_found(w.a[from], DT_CHANNEL_CAUCUS, "another",
                        (const uint8_t(*)[32])w.letter[with], 1, group_id) == DT_OK);
    sync_one(from);
    sync_one(with);
}

static void
accept_all(size_t who)
{
    struct dt_invitation_info *v = NULL;
    size_t n = 0;

    must(dt_agent_invitations(w.a[who], &v, &n) == DT_OK);
    for (size_t i = 0; i < n; i++)
        if (v[i].state == DT_INVITATION_OPEN)
            must(dt_agent_invitation_accept(w.a[who], v[i].invitation_id) == DT_OK);
    dt_free(v);
}

/* Agent 0 has founded one channel and been invited to another, and says no more; what agent 1 then
 * says to it is caught: signature and key package, Welcome, an invitation, a request to re-join. */
static void
set_up(void)
{
    const struct line_watch watch = {catch_cell, NULL, NULL};
    uint8_t group_id[32];

    world_make(&w);
    found(0, 1);
    found(1, 0);
    accept_all(0);
    sync_one(0);
    world_keep(&w);
    line_set(&watch);
    accept_all(1);
    sync_one(1);
    must(dt_agent_found(w.a[1], DT_CHANNEL_CAUCUS, "a third", (const uint8_t(*)[32])w.letter[0], 1,
                        group_id) == DT_OK);
    must(dt_agent_rejoin(w.a[1], w.group_id) == DT_OK);
    sync_one(1);
    line_set(&(const struct line_watch){0});
    world_reset(&w);
}

static void
take(struct dt_view message)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_agent *a = w.a[0];
    struct dt_sync_report report = {0};
    struct dt_wire_item item = {0};
    uint64_t position = 0, after = 0;
    bool ready = false;

    must(dt_inbox_state(a, &ready, &position) == DT_OK);
    if (dt_inbox_seal(dt_view_of(a->x25519_pub), a->inbox_address, message, &cell) != DT_OK)
        return;
    item.position = position + 1;
    item.cell = dt_buf_view(&cell);
    must(dt_inbox_take_cell(a, &item, &report) == DT_OK);
    must(report.received + report.passed_over == 1);
    must(dt_inbox_state(a, &ready, &after) == DT_OK && after == position + 1);
    if (report.received == 1 && getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_channel_clear) struct dt_channel before = {0}, after = {0};

    if (w.relay == NULL)
        set_up();
    else
        world_reset(&w);
    if (size == 0 || size > 4096)
        return 0;
    if (data[0] == 'r') {
        must(dt_buf_set(&message, dt_view(data + 1, size - 1)) == DT_OK);
    } else if (data[0] >= '0' && data[0] < '0' + (int)n_messages) {
        must(dt_buf_set(&message, dt_buf_view(&messages[data[0] - '0'])) == DT_OK);
        edit(&message, data + 1, size - 1);
    } else {
        return 0;
    }
    must(dt_channel_load(w.a[0], w.group_id, &before) == DT_OK);
    take(dt_buf_view(&message));
    must(dt_channel_load(w.a[0], w.group_id, &after) == DT_OK);
    must(after.state == before.state && after.confirmed == before.confirmed &&
         after.position == before.position &&
         mls_group_epoch(after.group) == mls_group_epoch(before.group));
    return 0;
}
