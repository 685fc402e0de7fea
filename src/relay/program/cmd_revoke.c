/*
 * relay/program/cmd_revoke.c - `detente-relay revoke`: nothing more is taken under a grant, or of
 * one append key. What is stored stays.
 *
 * Layer: relay.
 */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "net/grant.h"
#include "relay/program/program.h"
#include "relay/store/operate.h"

const struct option program_revoke_options[] = {
    PROGRAM_STORE,
    PROGRAM_CONFIG,
    {"--register", "ID",
     "the grant of this register: its queue token, its queues' write tokens, all append keys",
     false, false},
    {"--grant", "FILE", "the append key of this one party's grant file alone", false, false},
    PROGRAM_JSON,
    PROGRAM_QUIET,
    PROGRAM_END,
};

static enum dt_err
revoke_party(struct dt_relay_store *s, const char *file, struct dt_revoked *out)
{
    DT_CLEANUP(dt_grant_wipe) struct dt_grant g = {0};
    struct dt_relay_store_register reg = {0};
    uint8_t id[DT_REGISTER_ID], hash[32];
    enum dt_err err;

    if ((err = dt_grant_load(file, &g)) != DT_OK ||
        (err = dt_hex_read_fixed(id, sizeof(id), dt_view_str(g.register_id))) != DT_OK ||
        (err = dt_relay_store_register(s, id, &reg)) != DT_OK ||
        (err = dt_sha256(dt_view_of(g.append_key), hash)) != DT_OK)
        return err;
    return dt_relay_store_revoke_key(s, reg.id, hash, out);
}

int
program_revoke(const struct options *o)
{
    const char *file = option_value(o, "--grant", 0);
    struct dt_relay_store *s = NULL;
    struct dt_revoked done = {0};
    int64_t reg = 0;
    enum dt_err err;

    if ((file == NULL) == (option_value(o, "--register", 0) == NULL))
        return program_finish(
            dt_fail(DT_ERR_USAGE, "revoke needs --register ID, or --grant FILE for one party"));
    if ((err = program_open_store(o, &s)) == DT_OK) {
        if (file != NULL)
            err = revoke_party(s, file, &done);
        else if ((err = program_register(o, s, &reg)) == DT_OK)
            err = dt_relay_store_revoke_grant(s, reg, &done);
    }
    dt_relay_store_close(s);
    if (err != DT_OK)
        return program_finish(err);
    if (option_value(o, "--json", 0) != NULL)
        printf("{\"format\": 1, \"append_keys\": %llu, \"queues\": %llu}\n",
               (unsigned long long)done.keys, (unsigned long long)done.queues);
    else if (option_value(o, "--quiet", 0) == NULL)
        printf("revoked: append keys %llu, write tokens of queues %llu\n",
               (unsigned long long)done.keys, (unsigned long long)done.queues);
    return 0;
}
