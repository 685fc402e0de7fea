/*
 * relay/program/cmd_verify.c - `detente-relay verify`: every invariant of a store, and all that is
 * wrong.
 *
 * Layer: relay.
 */
#include <stdio.h>

#include "base/text.h"
#include "relay/program/program.h"
#include "relay/store/verify.h"

const struct option program_verify_options[] = {PROGRAM_STORE, PROGRAM_CONFIG, PROGRAM_JSON,
                                                PROGRAM_QUIET, PROGRAM_END};

static void
tell(void *ctx, const char *where, const char *what)
{
    char place[200], text[1000];
    struct dt_buf *json = ctx;

    if (json == NULL) {
        fprintf(stderr, "detente-relay: %s: %s\n", where, what);
        return;
    }
    (void)dt_json_str(place, sizeof(place), dt_view_str(where));
    (void)dt_json_str(text, sizeof(text), dt_view_str(what));
    dt_ignore(dt_buf_printf(json, "%s{\"where\": %s, \"what\": %s}", json->n > 0 ? ", " : "", place,
                            text),
              "their number is told in any case");
}

enum dt_err
program_verify_store(struct dt_relay_store *s, struct dt_buf *json, struct dt_verify_report *out)
{
    enum dt_err err = dt_relay_store_verify(s, tell, json, out);

    if (err == DT_OK && out->faults > 0)
        return dt_fail(DT_ERR_FORMAT, "the store has %llu faults", (unsigned long long)out->faults);
    return err;
}

int
program_verify(const struct options *o)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(4u << 20);
    bool json = option_value(o, "--json", 0) != NULL;
    struct dt_verify_report r = {0};
    struct dt_relay_store *s = NULL;
    enum dt_err err;

    if ((err = program_open_store(o, &s)) == DT_OK)
        err = program_verify_store(s, json ? &list : NULL, &r);
    dt_relay_store_close(s);
    if (json && (err == DT_OK || r.faults > 0)) {
        printf("{\"format\": 1, \"ok\": %s, \"grants\": %llu, \"queues\": %llu, \"cells\": %llu, "
               "\"registers\": %llu, \"entries\": %llu, \"checkpoints\": %llu, \"cosignatures\": "
               "%llu, \"openings\": %llu, \"unsealed\": %llu, \"faults\": %llu, \"problems\": "
               "[%.*s]}\n",
               err == DT_OK ? "true" : "false", (unsigned long long)r.grants,
               (unsigned long long)r.queues, (unsigned long long)r.cells,
               (unsigned long long)r.registers, (unsigned long long)r.entries,
               (unsigned long long)r.checkpoints, (unsigned long long)r.cosignatures,
               (unsigned long long)r.openings, (unsigned long long)r.plain,
               (unsigned long long)r.faults, (int)list.n, list.n > 0 ? (const char *)list.p : "");
        return err == DT_OK ? 0 : 1;
    }
    if (err == DT_OK && option_value(o, "--quiet", 0) == NULL)
        printf("the store is whole: %llu cells in %llu queues; %llu entries, %llu checkpoints and "
               "%llu cosignatures in %llu registers; %llu openings\n",
               (unsigned long long)r.cells, (unsigned long long)r.queues,
               (unsigned long long)r.entries, (unsigned long long)r.checkpoints,
               (unsigned long long)r.cosignatures, (unsigned long long)r.registers,
               (unsigned long long)r.openings);
    if (err == DT_OK && r.plain > 0 && option_value(o, "--quiet", 0) == NULL)
        printf(
            "the keys of %llu registers are not sealed: the next start of the relay seals them\n",
            (unsigned long long)r.plain);
    return program_finish(err);
}
