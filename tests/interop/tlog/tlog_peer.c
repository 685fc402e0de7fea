/*
 * tests/interop/tlog/tlog_peer.c - proofs that our code builds from the tiles of a running relay,
 * written down for programs that others wrote.
 *
 *   tlog-peer fill STORE REGISTER KEY COUNT BATCH      entries through the store, COUNT in batches;
 *                                                      prints the checkpoint of each batch, as
 * NOTES tlog-peer proofs URL VKEY SEED COUNT < NOTES       COUNT inclusion and COUNT consistency
 * proofs
 *
 * REGISTER and KEY are the register's id and an append key in hex, NOTES signed checkpoints with a
 * line "." after each; proofs are under their roots. tests/interop/tlog/README.md says the rest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "log/checkpoint.h"
#include "log/tile_read.h"
#include "net/relay_client.h"
#include "relay/store/store.h"

#define NOTES_MAX (64u << 20)
#define TREES_MAX 65536u

static int
failed(const char *what, enum dt_err err)
{
    fprintf(stderr, "tlog-peer: %s: %s: %s\n", what, dt_err_name(err), dt_err_message());
    return 1;
}

/* ---- fill ---- */

/* Entry ${i} of everyone's: the hash of its number, so that a reader can tell which one it is. */
static enum dt_err
seal_of(uint64_t i, uint8_t seal[static 32])
{
    char text[64];
    int n = snprintf(text, sizeof(text), "interop entry %llu", (unsigned long long)i);

    return dt_sha256(dt_view((const uint8_t *)text, (size_t)n), seal);
}

static enum dt_err
fill_batch(struct dt_relay_store *s, int64_t reg, const uint8_t key_hash[static 32], uint64_t from,
           size_t n, struct dt_relay_store_job *jobs)
{
    struct dt_relay_store_job *list[DT_RELAY_BATCH_MAX] = {NULL};
    enum dt_err err;

    for (size_t i = 0; i < n; i++) {
        memset(&jobs[i], 0, sizeof(jobs[i]));
        jobs[i].kind = DT_JOB_ENTRY;
        jobs[i].u.entry.reg = reg;
        memcpy(jobs[i].u.entry.key_hash, key_hash, 32);
        if ((err = seal_of(from + i, jobs[i].u.entry.seal)) != DT_OK)
            return err;
        list[i] = &jobs[i];
    }
    if ((err = dt_relay_store_run(s, list, n)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        if (jobs[i].result != DT_OK || jobs[i].u.entry.index != from + i)
            return dt_fail(DT_ERR_CONFLICT, "an entry was not appended in its place");
    }
    return DT_OK;
}

/* The checkpoint that the batch ended with; a relay need not keep it for long. */
static enum dt_err
print_held(struct dt_relay_store *s, int64_t reg)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    uint64_t size = 0;
    enum dt_err err;

    err = dt_relay_store_checkpoint(s, reg, DT_RELAY_STORE_HELD, 0, &note, &size);
    if (err == DT_OK)
        printf("%.*s.\n", (int)note.n, (const char *)note.p);
    return err;
}

static int
fill(char **argv)
{
    struct dt_relay_store_config config = {.path = argv[0]};
    struct dt_relay_store_register reg;
    struct dt_relay_store *s = NULL;
    struct dt_relay_store_job *jobs;
    uint8_t id[DT_REGISTER_ID], key[32], key_hash[32];
    uint64_t count = 0, batch = 0, done = 0;
    enum dt_err err;

    if ((err = dt_hex_read_fixed(id, sizeof(id), dt_view_str(argv[1]))) != DT_OK ||
        (err = dt_hex_read_fixed(key, sizeof(key), dt_view_str(argv[2]))) != DT_OK ||
        (err = dt_sha256(dt_view_of(key), key_hash)) != DT_OK ||
        (err = dt_decimal_read(dt_view_str(argv[3]), 1u << 24, &count)) != DT_OK ||
        (err = dt_decimal_read(dt_view_str(argv[4]), DT_RELAY_BATCH_MAX, &batch)) != DT_OK ||
        batch == 0)
        return failed("arguments", err);
    if ((jobs = dt_alloc((size_t)batch, sizeof(*jobs))) == NULL)
        return failed("memory", dt_nomem());
    if ((err = dt_relay_store_open(&config, &s)) == DT_OK)
        err = dt_relay_store_register(s, id, &reg);
    while (err == DT_OK && done < count) {
        size_t n = (size_t)(batch < count - done ? batch : count - done);

        if ((err = fill_batch(s, reg.id, key_hash, done, n, jobs)) == DT_OK)
            err = print_held(s, reg.id);
        done += n;
    }
    dt_relay_store_close(s);
    dt_free(jobs);
    return err == DT_OK ? 0 : failed(argv[0], err);
}

/* ---- proofs ---- */

struct peer {
    const char *url;
    struct dt_http_client *http;
    struct tlog_checkpoint *trees;
    size_t n_trees;
    uint64_t rng;
};

/* splitmix64: which proofs are made depends on the seed alone. */
static uint64_t
draw(struct peer *p, uint64_t n)
{
    uint64_t z = (p->rng += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % n;
}

static enum dt_err
fetch(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(TLOG_PATH_STR_MAX + 1);
    struct peer *p = ctx;
    enum dt_err err;

    if ((err = tlog_tile_path_write(tile, &path)) != DT_OK ||
        (err = dt_buf_append(&path, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    err = dt_register_file(p->http, p->url, (const char *)path.p, out);
    if (err == DT_ERR_NOT_FOUND && tile->width < TLOG_TILE_WIDTH) {
        struct tlog_tile full = *tile;

        /* c2sp.org/tlog-tiles: a partial tile may be gone once the full one is there. */
        full.width = TLOG_TILE_WIDTH;
        return fetch(p, &full, out);
    }
    return err;
}

static void
print_hashes(const struct tlog_path *path)
{
    printf(", \"hashes\": [");
    for (size_t i = 0; i < path->n; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(64);

        if (dt_base64_write(&text, tlog_hash_view(&path->h[i])) != DT_OK)
            exit(failed("memory", DT_ERR_NOMEM));
        printf("%s\"%.*s\"", i == 0 ? "" : ", ", (int)text.n, (const char *)text.p);
    }
    printf("]}\n");
}

/* An index: the edges of the tree as often as its inside. */
static uint64_t
draw_index(struct peer *p, uint64_t size)
{
    switch (draw(p, 4)) {
    case 0:
        return size - 1 - draw(p, size < 300 ? size : 300);
    case 1:
        return draw(p, size < 300 ? size : 300);
    default:
        return draw(p, size);
    }
}

static enum dt_err
inclusion(struct peer *p)
{
    const struct tlog_checkpoint *cp = &p->trees[draw(p, p->n_trees)];
    struct tlog_path path = {0};
    uint64_t index;
    enum dt_err err;

    if (cp->size == 0)
        return inclusion(p); /* only one of the trees is empty */
    index = draw_index(p, cp->size);
    if ((err = tlog_tiles_inclusion(fetch, p, index, cp->size, &cp->root, &path, NULL)) != DT_OK)
        return err;
    printf("{\"kind\": \"inclusion\", \"size\": %llu, \"index\": %llu",
           (unsigned long long)cp->size, (unsigned long long)index);
    print_hashes(&path);
    return DT_OK;
}

static enum dt_err
consistency(struct peer *p)
{
    const struct tlog_checkpoint *a = &p->trees[draw(p, p->n_trees)];
    const struct tlog_checkpoint *b = &p->trees[draw(p, p->n_trees)];
    const struct tlog_checkpoint *old = a->size < b->size ? a : b, *new = old == a ? b : a;
    struct tlog_path path = {0};
    enum dt_err err;

    if (old->size == 0)
        return consistency(p); /* nothing is proved about the empty tree */
    if ((err = tlog_tiles_consistency(fetch, p, old->size, &old->root, new->size, &new->root,
                                      &path)) != DT_OK)
        return err;
    printf("{\"kind\": \"consistency\", \"old\": %llu, \"size\": %llu",
           (unsigned long long)old->size, (unsigned long long)new->size);
    print_hashes(&path);
    return DT_OK;
}

/* The notes of standard input, each ended by a line ".". */
static enum dt_err
read_trees(struct peer *p, const struct tlog_vkey *log)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(NOTES_MAX);
    uint8_t chunk[65536];
    size_t n, at = 0;
    enum dt_err err;

    while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0) {
        if ((err = dt_buf_append(&text, dt_view(chunk, n))) != DT_OK)
            return err;
    }
    while (at < text.n) {
        const uint8_t *end = memmem(text.p + at, text.n - at, "\n.\n", 3);

        if (end == NULL || p->n_trees == TREES_MAX)
            return dt_fail(DT_ERR_FORMAT, "a note without its end, or too many");
        n = (size_t)(end - text.p) + 1 - at;
        if ((err = tlog_checkpoint_open(dt_view(text.p + at, n), log, &p->trees[p->n_trees])) !=
            DT_OK)
            return err;
        p->n_trees++;
        at += n + 2;
    }
    return p->n_trees < 2 ? dt_fail(DT_ERR_FORMAT, "no two checkpoints") : DT_OK;
}

static int
proofs(char **argv)
{
    struct peer p = {.url = argv[0]};
    struct tlog_vkey log;
    uint64_t count = 0;
    enum dt_err err;

    if ((err = tlog_vkey_parse(dt_view_str(argv[1]), &log)) != DT_OK ||
        (err = dt_decimal_read(dt_view_str(argv[2]), INT64_MAX, &p.rng)) != DT_OK ||
        (err = dt_decimal_read(dt_view_str(argv[3]), 1u << 20, &count)) != DT_OK)
        return failed("arguments", err);
    if ((p.trees = dt_alloc(TREES_MAX, sizeof(*p.trees))) == NULL)
        return failed("memory", dt_nomem());
    if ((err = dt_http_client_new(NULL, &p.http)) == DT_OK)
        err = read_trees(&p, &log);
    for (uint64_t i = 0; err == DT_OK && i < count; i++) {
        if ((err = inclusion(&p)) == DT_OK)
            err = consistency(&p);
    }
    dt_http_client_free(p.http);
    dt_free(p.trees);
    return err == DT_OK ? 0 : failed(p.url, err);
}

int
main(int argc, char **argv)
{
    enum dt_err err = dt_crypto_init();

    if (err != DT_OK)
        return failed("crypto", err);
    if (argc == 7 && strcmp(argv[1], "fill") == 0)
        return fill(argv + 2);
    if (argc == 6 && strcmp(argv[1], "proofs") == 0)
        return proofs(argv + 2);
    fprintf(stderr, "tlog-peer: see tests/interop/tlog/README.md\n");
    return 2;
}
