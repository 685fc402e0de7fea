/*
 * cli/stick.c - relays that are files: what a home remembers of them; detente stick accept.
 *
 * Source: docs/protocol-carried.md. Layer: cli.
 */
#include <string.h>

#include "carried/carried.h"
#include "net/address.h"

#include "cli/commands.h"

static enum dt_err
seen(void *ctx, const uint8_t id[static DT_RELAY_MARK], struct dt_relay_store_mark *out)
{
    return dt_agent_stick_seen(ctx, id, &out->seq, out->mark);
}

static enum dt_err
see(void *ctx, const uint8_t id[static DT_RELAY_MARK], const struct dt_relay_store_mark *mark)
{
    return dt_agent_stick_see(ctx, id, mark->seq, mark->mark);
}

void
cli_stick_begin(const struct cli *c)
{
    const struct dt_carried_config config = {.clock = c->clock};

    dt_carried_begin(&config);
}

void
cli_stick_remember(struct cli *c)
{
    const struct dt_carried_memory memory = {.get = seen, .put = see, .ctx = c->agent};

    dt_carried_remember(&memory);
}

enum dt_err
cmd_stick_accept(struct cli *c)
{
    struct dt_agent_info info;
    const char *address = c->n_operands > 0 ? c->operand[0] : info.relay;
    enum dt_err err;

    if ((err = dt_agent_info(c->agent, &info)) != DT_OK ||
        (err = dt_carried_accept(address)) != DT_OK)
        return err;
    cli_note(c, "%s is taken as it is, whatever was seen before", address);
    return DT_OK;
}
