/*
 * cli/file_io.c - files of any length into a channel and out of it, with a progress bar.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/talk/chunk.h"
#include "base/file.h"
#include "base/mem.h"
#include "crypto/crypto.h"

#include "cli/talk_io.h"

#define BAR_AFTER_MS 1000 /* what is done sooner needs no bar */
#define BAR_WIDTH    40

/* ---- the bar ---- */

struct bar {
    const char *what;
    uint64_t since_ms, last_ms;
    bool shown, on;
};

static struct bar
bar_of(const struct cli *c, const char *what)
{
    return (struct bar){
        .what = what, .since_ms = dt_monotonic_ms(), .on = !c->quiet && cli_is_watched()};
}

static bool
bar_step(void *ctx, uint64_t done, uint64_t all)
{
    struct bar *b = ctx;
    const uint64_t now = dt_monotonic_ms();
    const int full = all > 0 ? (int)(done * BAR_WIDTH / all) : BAR_WIDTH;

    if (cli_front() != NULL && (now - b->last_ms >= 250 || done >= all)) {
        b->last_ms = now;
        cli_front()->progress(cli_front()->ctx, b->what, done, all);
    }
    if (!b->on || now - b->since_ms < BAR_AFTER_MS || (now - b->last_ms < 100 && done < all))
        return cli_front() == NULL || !cli_front()->stopped(cli_front()->ctx);
    b->last_ms = now;
    b->shown = true;
    (void)fprintf(stderr, "\r%s [%.*s%*s] %3d%%", b->what, full,
                  "########################################", BAR_WIDTH - full, "",
                  (int)(all > 0 ? done * 100 / all : 100));
    return true;
}

static void
bar_end(const struct bar *b)
{
    if (b->shown)
        (void)fputs("\n", stderr);
}

/* ---- in ---- */

static enum dt_err
read_at(void *ctx, uint64_t at, size_t n, struct dt_buf *out)
{
    const int fd = *(const int *)ctx;
    uint8_t block[16384];
    enum dt_err err = DT_OK;

    for (size_t done = 0; err == DT_OK && done < n;) {
        const size_t left = n - done;
        ssize_t got =
            pread(fd, block, left < sizeof block ? left : sizeof block, (off_t)(at + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return dt_fail(DT_ERR_IO, "the file could not be read, or became shorter");
        err = dt_buf_append(out, dt_view(block, (size_t)got));
        done += (size_t)got;
    }
    dt_wipe(block, sizeof block);
    return err;
}

enum dt_err
cli_file_send(struct cli *c, const uint8_t group_id[static 32], const char *path, const char *type,
              const struct dt_item_rule *rule, uint8_t out_id[static 16],
              uint8_t out_hash[static 32])
{
    DT_CLEANUP(dt_free_p) char *name = NULL;
    const char *slash = strrchr(path, '/');
    struct bar bar = bar_of(c, "taking in");
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum dt_err err;

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            (void)close(fd);
        return dt_fail(DT_ERR_IO, "%s: no file that can be read", path);
    }
    const struct dt_file_source src = {.read = read_at, .ctx = &fd, .size = (uint64_t)st.st_size};

    if ((err = cli_nfc_str(slash != NULL ? slash + 1 : path, &name)) == DT_OK)
        err = dt_agent_file_send(c->agent, group_id, name, type, &src, rule, bar_step, &bar, out_id,
                                 out_hash);
    bar_end(&bar);
    (void)close(fd);
    return dt_fail_context(err, "%s", path);
}

enum dt_err
cli_file_hash(const char *path, uint8_t out[static 32])
{
    DT_CLEANUP(dt_sha256_free) struct dt_sha256_stream *h = NULL;
    uint8_t block[16384];
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum dt_err err;

    if (fd < 0)
        return dt_fail(DT_ERR_IO, "%s: no file that can be read", path);
    err = dt_sha256_new(&h);
    while (err == DT_OK && (got = read(fd, block, sizeof block)) != 0) {
        if (got < 0 && errno != EINTR)
            err = dt_fail(DT_ERR_IO, "%s: no file that can be read", path);
        else if (got > 0)
            err = dt_sha256_add(h, dt_view(block, (size_t)got));
    }
    (void)close(fd);
    dt_wipe(block, sizeof block);
    return err != DT_OK ? err : dt_sha256_end(h, out);
}

/* ---- out ---- */

static enum dt_err
write_all(void *ctx, struct dt_view v)
{
    const int fd = *(const int *)ctx;

    for (size_t done = 0; done < v.n;) {
        ssize_t w = write(fd, v.p + done, v.n - done);

        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return dt_fail(DT_ERR_IO, "what was to be saved could not be written");
        done += (size_t)w;
    }
    return DT_OK;
}

/* Into a file beside ${path}, which takes its place only when all is there: never half a file under
 * the name that was asked for. */
static enum dt_err
save_beside(struct cli *c, const uint8_t group_id[static 32], const struct dt_talk_info *t,
            const char *path, const char *part)
{
    struct bar bar = bar_of(c, "saving");
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum dt_err err;

    if (fd < 0)
        return dt_fail(DT_ERR_IO, "%s: no file could be made", part);
    err = dt_agent_file_save(c->agent, group_id, t, write_all, &fd, bar_step, &bar);
    bar_end(&bar);
    if (err == DT_OK && fsync(fd) != 0)
        err = dt_fail(DT_ERR_IO, "what was to be saved could not be written");
    if (close(fd) != 0 && err == DT_OK)
        err = dt_fail(DT_ERR_IO, "what was to be saved could not be written");
    if (err == DT_OK)
        err = dt_file_place(part, path);
    (void)unlink(part);
    return err;
}

enum dt_err
cli_file_save(struct cli *c, const uint8_t group_id[static 32], const struct dt_talk_info *t,
              const char *path)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf part = DT_BUF_INIT(4200);
    int fd = STDOUT_FILENO;
    enum dt_err err;

    if (strcmp(path, "-") == 0)
        return dt_agent_file_save(c->agent, group_id, t, write_all, &fd, NULL, NULL);
    if (access(path, F_OK) == 0)
        return dt_fail(DT_ERR_EXISTS, "%s is there already", path);
    if ((err = dt_buf_printf(&part, "%s.part", path)) != DT_OK ||
        (err = dt_buf_append(&part, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    return save_beside(c, group_id, t, path, (const char *)part.p);
}

enum dt_err
cli_files_print(struct cli *c, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_free_p) struct dt_file_info *list = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_files_under_way(c->agent, group_id, &list, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++)
        cli_print("under way: file '%s' of %s (%s), %llu bytes: %u of %u pieces %s\n", list[i].name,
                  list[i].from.name, list[i].from.party_name, (unsigned long long)list[i].size,
                  (unsigned int)list[i].have, (unsigned int)list[i].all,
                  list[i].from.self ? "are in the channel" : "have arrived");
    return err;
}

enum dt_err
cli_put_files(struct cli *c, json_t *root, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_free_p) struct dt_file_info *list = NULL;
    json_t *array = json_array();
    size_t n = 0;
    enum dt_err err = dt_agent_files_under_way(c->agent, group_id, &list, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++) {
        json_t *o = json_object();

        cli_put_hex(o, "id", dt_view_of(list[i].id));
        cli_put(o, "file", list[i].name);
        cli_put_person(o, "from", &list[i].from);
        cli_put_u64(o, "size", list[i].size);
        cli_put_u64(o, "pieces_here", list[i].have);
        cli_put_u64(o, "pieces", list[i].all);
        (void)json_array_append_new(array, o);
    }
    (void)json_object_set_new(root, "under_way", array);
    return err;
}
