/*
 * bench/register_world.c - the store that is measured, its grant and its copies; see register.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"

#include "register.h"

static const char *const witness_names[REGISTER_WITNESSES] = {"north", "south", "envoy"};

/* One party, three witnesses of as many groups. */
static enum dt_err
make_grant(struct register_world *w, struct dt_relay_store *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf vkey = DT_BUF_INIT(DT_GRANT_VKEY_MAX);
    struct dt_grant_witness witnesses[REGISTER_WITNESSES] = {0};
    const char *party = "north";
    struct dt_grant_order order = {.url = "http://127.0.0.1",
                                   .parties = &party,
                                   .n_parties = 1,
                                   .witnesses = witnesses,
                                   .n_witnesses = REGISTER_WITNESSES,
                                   .daily_entries = UINT32_MAX,
                                   .bounds.queues = 1,
                                   .bounds.queue_cells = 1};
    enum dt_err err;

    for (size_t i = 0; i < REGISTER_WITNESSES; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "witness.%s", witness_names[i]);
        vkey.n = 0;
        if ((err = tlog_signer_new(dt_view_str(name), TLOG_KEY_COSIGNATURE, &w->witness[i])) !=
                DT_OK ||
            (err = tlog_vkey_write(&w->witness[i].vkey, &vkey)) != DT_OK)
            return err;
        (void)snprintf(witnesses[i].group, sizeof witnesses[i].group, "%s", witness_names[i]);
        (void)snprintf(witnesses[i].vkey, sizeof witnesses[i].vkey, "%.*s", (int)vkey.n,
                       (const char *)vkey.p);
    }
    return dt_relay_store_grant(s, &order, &w->grant);
}

enum dt_err
register_world_init(struct register_world *w, const char *parent)
{
    struct dt_relay_store_config config = {.path = w->store, .create = true};
    struct dt_relay_store *s = NULL;
    enum dt_err err;

    if ((size_t)snprintf(w->dir, sizeof w->dir - 32, "%s/dt-bench-XXXXXX", parent) >=
        sizeof w->dir - 32)
        return dt_fail(DT_ERR_USAGE, "--dir: too long");
    if (mkdtemp(w->dir) == NULL)
        return dt_fail(DT_ERR_IO, "%s: cannot make a folder here: %s", parent, strerror(errno));
    (void)snprintf(w->store, sizeof w->store, "%.*s/grown.db", (int)sizeof w->dir - 32, w->dir);
    (void)snprintf(w->work, sizeof w->work, "%.*s/work.db", (int)sizeof w->dir - 32, w->dir);
    (void)snprintf(w->files, sizeof w->files, "%.*s/files", (int)sizeof w->dir - 32, w->dir);
    if ((err = dt_relay_store_open(&config, &s)) == DT_OK)
        err = make_grant(w, s);
    dt_relay_store_close(s);
    if (err == DT_OK) {
        char from[REGISTER_PATH_MAX + 16], to[REGISTER_PATH_MAX + 16];

        /* The copies' seeds are sealed with the same key. */
        (void)snprintf(from, sizeof from, "%s.sealing-key", w->store);
        (void)snprintf(to, sizeof to, "%s.sealing-key", w->work);
        if (link(from, to) != 0)
            err = dt_fail(DT_ERR_IO, "%s: cannot link: %s", to, strerror(errno));
    }
    return err;
}

void
register_world_clear(struct register_world *w)
{
    for (size_t i = 0; i < REGISTER_WITNESSES; i++)
        tlog_signer_clear(&w->witness[i]);
    dt_grant_wipe(&w->grant);
    if (w->dir[0] != '\0') {
        pid_t pid = fork();

        if (pid == 0) {
            execlp("rm", "rm", "-rf", "--", w->dir, (char *)NULL);
            _exit(1);
        }
        if (pid > 0)
            (void)waitpid(pid, NULL, 0);
    }
    *w = (struct register_world){0};
}

enum dt_err
register_find(struct dt_relay_store *s, const struct register_world *w,
              struct dt_relay_store_register *out)
{
    uint8_t id[DT_REGISTER_ID];
    enum dt_err err = dt_hex_read_fixed(id, sizeof id, dt_view_str(w->grant.register_id));

    return err != DT_OK ? err : dt_relay_store_register(s, id, out);
}

enum dt_err
register_seal_new(struct register_world *w, uint8_t seal[static 32])
{
    uint8_t number[8];

    w->seals++;
    for (size_t i = 0; i < sizeof number; i++)
        number[i] = (uint8_t)(w->seals >> (8 * i));
    return dt_sha256(dt_view_of(number), seal);
}

enum dt_err
register_copy(const struct register_world *w)
{
    int from = open(w->store, O_RDONLY | O_CLOEXEC);
    int to = open(w->work, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = 1;

    while (from >= 0 && to >= 0 && n > 0)
        n = copy_file_range(from, NULL, to, NULL, 1u << 30, 0);
    if (from < 0 || to < 0 || n < 0 || fsync(to) != 0) {
        int e = errno;

        if (from >= 0)
            (void)close(from);
        if (to >= 0)
            (void)close(to);
        return dt_fail(DT_ERR_IO, "%s: cannot copy the store: %s", w->work, strerror(e));
    }
    (void)close(from);
    (void)close(to);
    return DT_OK;
}

static const char *const suffixes[] = {"", "-wal", "-shm", ".serving", ".signed"};

void
register_copy_remove(const struct register_world *w)
{
    char path[REGISTER_PATH_MAX + 16];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", w->work, suffixes[i]);
        (void)unlink(path); /* mostly not there */
    }
}

uint64_t
register_bytes(const char *path)
{
    char full[REGISTER_PATH_MAX + 16];
    uint64_t bytes = 0;
    struct stat st;

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(full, sizeof full, "%s%s", path, suffixes[i]);
        if (stat(full, &st) == 0)
            bytes += (uint64_t)st.st_size;
    }
    return bytes;
}
