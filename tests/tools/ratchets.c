/*
 * The generation counters of a home, for tests: `ratchets HOME PASSPHRASE-FILE` prints for each
 * channel and each epoch whose keys are still held, own leaf first in the line,
 *
 *   ratchet GROUP EPOCH OWN LEAF KIND NEXT KEPT
 *
 * KIND is application or handshake, NEXT the next generation that is unused, KEPT how many below it
 * were skipped and may still come. Of the own leaf it is what this member sent, of others what it
 * took in. The store is opened as the program opens it, and nothing is written.
 */
#include <stdio.h>
#include <string.h>

#include "agent/channel/channel.h"
#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "mls/group_internal.h"

static void
print_keys(const char *group, uint64_t epoch, uint32_t own, const struct mls_secret_tree *keys)
{
    static const char *const kinds[] = {"handshake", "application"};

    for (uint32_t leaf = 0; leaf < keys->n_leaves; leaf++) {
        const struct mls_leaf_ratchets *l = mls_secret_tree_leaf(keys, leaf);

        for (int kind = 0; l != NULL && kind < 2; kind++) {
            const struct mls_ratchet *r = &l->ratchet[kind];

            printf("ratchet %s %llu %u %u %s %u %zu\n", group, (unsigned long long)epoch, own, leaf,
                   kinds[kind], r->generation, r->n_kept);
        }
    }
}

static enum dt_err
print_channels(struct dt_agent *a)
{
    uint64_t at = 0;
    uint8_t group_id[32];
    enum dt_err err;

    while ((err = dt_channel_next(a, &at, group_id)) == DT_OK) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        const struct mls_group *g;
        char hex[65];

        if ((err = dt_channel_load(a, group_id, &ch)) != DT_OK)
            return err;
        if ((g = ch.group) == NULL)
            continue;
        dt_hex_str(hex, dt_view_of(group_id));
        print_keys(hex, g->context.epoch, g->own_leaf, &g->keys);
        for (size_t i = 0; i < g->n_past; i++)
            print_keys(hex, g->past[i].context.epoch, g->own_leaf, &g->past[i].keys);
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

int
main(int argc, char **argv)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf passphrase = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_agent_close_p) struct dt_agent *a = NULL;
    struct dt_clock clock = dt_clock_system();
    enum dt_err err;

    if (argc != 3)
        return 2;
    if ((err = dt_crypto_init()) == DT_OK && (err = dt_file_read(argv[2], &passphrase)) == DT_OK) {
        while (passphrase.n > 0 && passphrase.p[passphrase.n - 1] == '\n')
            passphrase.n--;
        if ((err = dt_agent_open(argv[1], dt_buf_view(&passphrase), &clock, &a)) == DT_OK)
            err = print_channels(a);
    }
    if (err != DT_OK) {
        fprintf(stderr, "ratchets: %s\n", dt_err_message());
        return 1;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
