/*
 * tests/vectors/kind_tlog_tile.c - tiles: paths, geometry, contents, and two whole logs on disk.
 */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "log/checkpoint.h"
#include "log/tile_read.h"

#include "kind_tlog.h"

static void
check_tile_path(struct vector_run *run, const json_t *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = VEC_BUF;
    struct dt_view path = {NULL, 0};
    struct tlog_tile tile;
    uint64_t level = 0, index = 0, width = 0;
    bool want = false, entries = false;
    enum dt_err err;

    if (!vec_str(run, c, "path", &path) || !vec_bool(run, c, "spec_ok", &want))
        return;
    err = tlog_tile_path_parse(path, &tile);
    if (!vec_check(run, (err == DT_OK) == want, "%s", err == DT_OK ? "accepted" : "refused") ||
        err != DT_OK)
        return;
    if (vec_u64(run, c, "level", &level) && vec_u64(run, c, "index", &index) &&
        vec_u64(run, c, "width", &width) && vec_bool(run, c, "entries", &entries))
        (void)vec_check(run,
                        tile.level == level && tile.index == index && tile.width == width &&
                            tile.entries == entries,
                        "read as another tile");
    if (vec_ok(run, tlog_tile_path_write(&tile, &again), "write"))
        (void)vec_equal(run, "written again", dt_buf_view(&again), path);
}

void
vec_tile_paths(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        vec_case(run, "%zu", i);
        check_tile_path(run, c);
        vec_end(run);
    }
}

/* Every level: as many full tiles as listed (none listed: none), and the partial one that is
 * listed. */
static void
check_geometry(struct vector_run *run, const json_t *c, uint64_t size)
{
    const json_t *full = json_object_get(c, "full");
    const json_t *partial = json_object_get(c, "partial");
    const json_t *v;
    size_t i;

    for (unsigned int level = 0; level < 64; level++) {
        uint64_t n_full, want_full = 0, at = 0, want_level = 0;
        uint16_t width;
        bool listed = false;

        tlog_tiles_of_level(level, size, &n_full, &width);
        json_array_foreach(full, i, v) if (vec_u64(run, v, "level", &want_level) &&
                                           want_level == level)(void)
            vec_u64(run, v, "full_tiles", &want_full);
        (void)vec_check(run, n_full == want_full, "level %u has other full tiles", level);
        json_array_foreach(partial, i, v)
        {
            DT_CLEANUP(dt_buf_clear) struct dt_buf text = VEC_BUF;
            struct tlog_tile tile = {.level = (uint8_t)level, .width = width};
            struct dt_view path = {NULL, 0};

            if (!vec_u64(run, v, "level", &want_level) || want_level != level)
                continue;
            listed = true;
            if (!vec_u64(run, v, "index", &tile.index) || !vec_u64(run, v, "width", &at) ||
                !vec_str(run, v, "path", &path))
                return;
            (void)vec_check(run,
                            at == width && tile.index == n_full &&
                                tlog_tile_width(level, tile.index, size) == width,
                            "level %u has another partial tile", level);
            if (vec_ok(run, tlog_tile_path_write(&tile, &text), "path"))
                (void)vec_equal(run, "path", dt_buf_view(&text), path);
        }
        (void)vec_check(run, listed == (width > 0), "level %u: partial tile listed or not", level);
    }
}

void
vec_tiles_for_size(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        uint64_t size = 0;

        vec_case(run, "%zu", i);
        if (vec_u64(run, c, "size", &size))
            check_geometry(run, c, size);
        vec_end(run);
    }
}

static void
check_digest(struct vector_run *run, const json_t *c, struct gen_tree *tree)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf want = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf content = VEC_BUF;
    struct dt_view path = {NULL, 0};
    struct tlog_tile tile;
    uint8_t digest[DT_SHA256];
    uint64_t size = 0, bytes = 0;

    if (!vec_str(run, c, "path", &path) || !vec_u64(run, c, "size", &size) ||
        !vec_u64(run, c, "bytes", &bytes) || !vec_hex(run, c, "sha256", &want) ||
        !vec_ok(run, tlog_tile_path_parse(path, &tile), "path"))
        return;
    tree->n = size; /* the tree as it was then: nodes beyond are not there */
    (void)vec_check(run, tlog_tile_width(tile.level, tile.index, size) == tile.width, "width");
    if (vec_ok(run, tlog_tile_make(gen_tree_node, tree, &tile, &content), "make") &&
        vec_check(run, content.n == bytes, "length") &&
        vec_ok(run, dt_sha256(dt_buf_view(&content), digest), "hash"))
        (void)vec_equal(run, "content", dt_view_of(digest), dt_buf_view(&want));
}

void
vec_tile_digests(struct vector_run *run, const char *path, const json_t *cases)
{
    DT_CLEANUP(gen_tree_clear) struct gen_tree tree = {0};
    const json_t *c;
    size_t i;

    json_array_foreach(cases, i, c)
    {
        vec_case(run, "%zu", i);
        if (i == 0 && !gen_tree_make(run, path, vec_largest(cases, "size"), &tree))
            return;
        check_digest(run, c, &tree);
        vec_end(run);
    }
}

static void
check_bundle(struct vector_run *run, const json_t *c, struct dt_view bundle, bool want)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = VEC_BUF;
    struct dt_view entries[TLOG_TILE_WIDTH];
    const json_t *list = NULL, *hashes = NULL;
    size_t i, n = 0;
    enum dt_err err = tlog_bundle_parse(bundle, entries, &n);

    (void)vec_check(run, err == DT_OK || err == DT_ERR_FORMAT || err == DT_ERR_LIMIT, "error %s",
                    dt_err_name(err));
    if (!vec_check(run, (err == DT_OK) == want, "%s", err == DT_OK ? "accepted" : "refused") ||
        err != DT_OK || !vec_array(run, c, "entries", &list) ||
        !vec_array(run, c, "leaf_hashes", &hashes) ||
        !vec_check(run, n == json_array_size(list) && n == json_array_size(hashes), "count"))
        return;
    for (i = 0; i < n; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf entry = VEC_BUF;
        DT_CLEANUP(dt_buf_clear) struct dt_buf hash = VEC_BUF;
        struct tlog_hash leaf;
        const json_t *h = json_array_get(hashes, i);

        if (!vec_hex_value(run, json_array_get(list, i), "entry", &entry) ||
            !vec_ok(run, tlog_leaf_hash(entries[i], &leaf), "leaf") ||
            !vec_ok(run, tlog_bundle_append(&again, dt_buf_view(&entry)), "append") ||
            !vec_ok(run,
                    dt_base64_read(&hash, dt_view((const uint8_t *)json_string_value(h),
                                                  json_string_length(h))),
                    "leaf hash"))
            return;
        (void)vec_equal(run, "entry", entries[i], dt_buf_view(&entry));
        (void)vec_equal(run, "leaf hash", tlog_hash_view(&leaf), dt_buf_view(&hash));
    }
    (void)vec_equal(run, "written again", dt_buf_view(&again), bundle);
}

void
vec_entry_bundles(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf bundle = VEC_BUF;
        DT_CLEANUP(dt_buf_clear) struct dt_buf want = VEC_BUF;
        uint8_t digest[DT_SHA256];
        bool ok = false;

        vec_case(run, "%zu", i);
        if (json_object_get(c, "hex") == NULL) {
            /* The line about bundle_000.bin; its content is a case of that file. */
            if (vec_file(run, path, "bundle_000.bin", &bundle) &&
                vec_hex(run, c, "sha256", &want) &&
                vec_ok(run, dt_sha256(dt_buf_view(&bundle), digest), "hash"))
                (void)vec_equal(run, "digest", dt_view_of(digest), dt_buf_view(&want));
        } else if (vec_hex(run, c, "hex", &bundle) && vec_bool(run, c, "ok", &ok)) {
            check_bundle(run, c, dt_buf_view(&bundle), ok);
        }
        vec_end(run);
    }
}

/* Leaves 0 to 255 of the generated tree, one case: our own bundle is the same bytes. */
void
vec_bundle_000(struct vector_run *run, const char *path, const json_t *cases)
{
    DT_CLEANUP(gen_tree_clear) struct gen_tree tree = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf bundle = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = VEC_BUF;
    struct dt_view entries[TLOG_TILE_WIDTH];
    struct tlog_hash leaf;
    size_t i, n = 0;

    (void)cases;
    vec_case(run, "bundle");
    if (vec_file(run, path, NULL, &bundle) && gen_tree_make(run, path, TLOG_TILE_WIDTH, &tree) &&
        vec_ok(run, tlog_bundle_parse(dt_buf_view(&bundle), entries, &n), "parse") &&
        vec_check(run, n == TLOG_TILE_WIDTH, "count")) {
        for (i = 0; i < n; i++)
            if (vec_ok(run, tlog_leaf_hash(entries[i], &leaf), "leaf") &&
                vec_ok(run, tlog_bundle_append(&again, entries[i]), "append"))
                (void)vec_equal(run, "leaf", tlog_hash_view(&leaf),
                                tlog_hash_view(&tree.level[0][i]));
        (void)vec_equal(run, "written again", dt_buf_view(&again), dt_buf_view(&bundle));
    }
    vec_end(run);
}

/* ---- whole logs on disk ---- */

/* A tlog_tile_fn over the folder whose name is ${ctx}. */
static enum dt_err
disk_tile(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = VEC_BUF;
    const char *const *folder = ctx;
    enum dt_err err;

    if ((err = dt_buf_printf(&path, "%s/", *folder)) != DT_OK ||
        (err = tlog_tile_path_write(tile, &path)) != DT_OK ||
        (err = dt_buf_append(&path, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    return dt_file_read((const char *)path.p, out);
}

static bool
disk_file(struct vector_run *run, const char *folder, const char *name, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = VEC_BUF;

    out->n = 0;
    if (!vec_ok(run, dt_buf_printf(&path, "%s/%s", folder, name), "path") ||
        !vec_ok(run, dt_buf_append(&path, dt_view((const uint8_t *)"", 1)), "path"))
        return false;
    return vec_ok(run, dt_file_read((const char *)path.p, out), name);
}

#define TESSERA_KEY  "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
#define TESSERA_SIZE 15

/* The entries of the bundle of ${size} hash to the leaves of the tree. */
static void
check_log_entries(struct vector_run *run, const char *folder, const struct tlog_checkpoint *cp)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bundle = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf name = VEC_BUF;
    struct tlog_tile tile = {.entries = true, .width = (uint16_t)cp->size};
    struct dt_view entries[TLOG_TILE_WIDTH];
    struct tlog_hash leaf, want;
    struct tlog_path proof;
    size_t i, n = 0;

    if (!vec_ok(run, tlog_tile_path_write(&tile, &name), "path") ||
        !vec_ok(run, dt_buf_append(&name, dt_view((const uint8_t *)"", 1)), "path") ||
        !disk_file(run, folder, (const char *)name.p, &bundle) ||
        !vec_ok(run, tlog_bundle_parse(dt_buf_view(&bundle), entries, &n), "bundle") ||
        !vec_check(run, n == cp->size, "count"))
        return;
    for (i = 0; i < n; i++)
        if (vec_ok(run,
                   tlog_tiles_inclusion(disk_tile, &folder, i, cp->size, &cp->root, &proof, &want),
                   "inclusion") &&
            vec_ok(run, tlog_leaf_hash(entries[i], &leaf), "leaf"))
            (void)vec_equal(run, "leaf", tlog_hash_view(&leaf), tlog_hash_view(&want));
}

void
vec_tessera_log(struct vector_run *run, const char *path, const json_t *cases)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = VEC_BUF;
    struct tlog_checkpoint cp[TESSERA_SIZE + 1];
    struct tlog_vkey key;

    (void)cases;
    for (uint64_t size = 0; size <= TESSERA_SIZE; size++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf name = VEC_BUF;
        struct tlog_frontier f;

        vec_case(run, "size %u", (unsigned int)size);
        if (!vec_ok(run, tlog_vkey_parse(dt_view_str(TESSERA_KEY), &key), "key") ||
            !vec_ok(run, dt_buf_printf(&name, "checkpoint.%u", (unsigned int)size), "name") ||
            !vec_ok(run, dt_buf_append(&name, dt_view((const uint8_t *)"", 1)), "name") ||
            !disk_file(run, path, (const char *)name.p, &note) ||
            !vec_ok(run, tlog_checkpoint_open(dt_buf_view(&note), &key, &cp[size]), "checkpoint"))
            return;
        (void)vec_check(run, cp[size].size == size, "size");
        (void)vec_ok(run, tlog_tiles_frontier(disk_tile, &path, size, &cp[size].root, &f), "root");
        if (size > 0)
            check_log_entries(run, path, &cp[size]);
        for (uint64_t old = 0; old <= size; old++) {
            struct tlog_path proof;

            (void)vec_ok(run,
                         tlog_tiles_consistency(disk_tile, &path, old, &cp[old].root, size,
                                                &cp[size].root, &proof),
                         "consistency");
        }
        vec_end(run);
    }
}

#define MIRROR_FOLDER "000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706"

void
vec_sunlight_mirror(struct vector_run *run, const char *path, const json_t *cases)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf folder = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = VEC_BUF;
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_checkpoint cp;
    struct tlog_vkey key;
    json_t *mirror = NULL;
    const char *dir, *vkey;
    struct tlog_frontier f;

    (void)cases;
    vec_case(run, "mirror");
    if (!disk_file(run, path, "mirror.v0.json", &info) ||
        !vec_ok(run, dt_buf_printf(&folder, "%s/%s", path, MIRROR_FOLDER), "path") ||
        !vec_ok(run, dt_buf_append(&folder, dt_view((const uint8_t *)"", 1)), "path"))
        return;
    dir = (const char *)folder.p;
    mirror = json_loadb((const char *)info.p, info.n, 0, NULL);
    vkey = json_string_value(json_array_get(json_object_get(mirror, "verifier_keys"), 0));
    if (vec_check(run, vkey != NULL, "no key") &&
        vec_ok(run, tlog_vkey_parse(dt_view_str(vkey), &key), "key") &&
        disk_file(run, dir, "checkpoint", &bytes) &&
        vec_ok(run, tlog_note_parse(dt_buf_view(&bytes), &note), "note") &&
        vec_ok(run, tlog_note_verify(&note, &key, 1, NULL), "cosignature") &&
        vec_ok(run, tlog_checkpoint_parse(note.text, &cp), "checkpoint"))
        (void)vec_ok(run, tlog_tiles_frontier(disk_tile, &dir, cp.size, &cp.root, &f), "root");
    json_decref(mirror);
    vec_end(run);
}
