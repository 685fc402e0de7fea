/*
 * relay/program/cmd_check.c - `detente-relay check-config`, and `serve --check`: everything that
 * would keep a relay from starting, or that an operator should not leave as it is; all of it, not
 * the first.
 *
 * Layer: relay.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "relay/program/program.h"
#include "relay/relay.h"
#include "relay/store/store.h"

const struct option program_check_options[] = {
    {"--store", "FILE", "the relay's store, one SQLite file", false, false},
    {"--config", "FILE", "check this configuration file, and the store that it names", false,
     false},
    PROGRAM_JSON,
    PROGRAM_QUIET,
    PROGRAM_END,
};

/* What is wrong is told as it is found: on standard error, or gathered for JSON. */
struct findings {
    bool json;
    size_t n;
    struct dt_buf list;
};

static void
tell(struct findings *f, const char *message)
{
    char text[2048];

    if (!f->json) {
        fprintf(stderr, "detente-relay: %s\n", message);
    } else {
        (void)dt_json_str(text, sizeof(text), dt_view_str(message));
        dt_ignore(dt_buf_printf(&f->list, "%s%s", f->n > 0 ? ", " : "", text),
                  "their number is told in any case");
    }
    f->n++;
}

static void
tell_last(void *ctx, enum dt_err err)
{
    (void)err;
    tell(ctx, dt_err_message());
}

static void
tell_if(struct findings *f, enum dt_err err)
{
    if (err != DT_OK)
        tell_last(f, err);
}

/* A file that holds secrets, as ${what} does, is for its owner alone. */
static enum dt_err
check_private(const char *path, const char *what)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return errno == ENOENT
                   ? DT_OK /* whoever opens it says so */
                   : dt_fail(DT_ERR_IO, "%s: cannot look at it: %s", path, strerrordesc_np(errno));
    if (!S_ISREG(st.st_mode))
        return dt_fail(DT_ERR_FORMAT, "%s: is no file", path);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return dt_fail(DT_ERR_REFUSED, "%s: %s, and others may open it: chmod 600 it", path, what);
    if (st.st_uid != geteuid() && geteuid() != 0)
        return dt_fail(DT_ERR_REFUSED, "%s: belongs to another user", path);
    return DT_OK;
}

static bool
ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Every option whose value is a file that has to be there: it can be read. */
static void
check_files(struct findings *f, const struct options *o)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct option *option = o->given[i].option;
        const char *path = o->given[i].value;

        if (option->arg == NULL || strcmp(option->arg, "FILE") != 0 ||
            strcmp(option->name, "--store") == 0 || strcmp(option->name, "--config") == 0 ||
            strcmp(option->name, "--port-file") == 0)
            continue;
        if (access(path, R_OK) != 0)
            tell_if(f, dt_fail(DT_ERR_IO, "%s: %s: cannot be read: %s", option->name, path,
                               strerrordesc_np(errno)));
        else if (ends_with(option->name, "-key"))
            tell_if(f, check_private(path, "it holds a key"));
    }
}

/* The name of a database may hold a password. */
static void
check_config_mode(struct findings *f, const struct options *o, const char *store)
{
    struct stat st;

    if (o->file == NULL || store == NULL || strstr(store, "://") == NULL ||
        strchr(store, '@') == NULL || stat(o->file, &st) != 0)
        return;
    if ((st.st_mode & S_IRWXO) != 0)
        tell_if(f,
                dt_fail(DT_ERR_REFUSED,
                        "%s: names a database with a user, and everyone may read it: chmod 640 it",
                        o->file));
}

static void
check_store(struct findings *f, const char *path, size_t *out_registers)
{
    struct dt_relay_store_config config = {.path = path};
    struct dt_relay_store_mark first, last;
    struct dt_relay_store *store = NULL;
    enum dt_err err, opened = dt_relay_store_open(&config, &store);

    /* A stick is whose hand it is in, and its file system mostly has no modes. */
    if (strstr(path, "://") == NULL &&
        (opened != DT_OK || dt_relay_store_carried(store, &first, &last) != DT_OK))
        tell_if(f, check_private(path, "it holds the registers' keys"));
    if ((err = opened) == DT_OK)
        err = dt_relay_store_check(store, out_registers);
    tell_if(f, err);
    dt_relay_store_close(store);
}

/* ${o} with all that the configuration file says of serve. */
static void
read_config(struct findings *f, const struct options *o, struct options *out)
{
    static const struct command serve = {"serve", NULL, "", program_serve_options, NULL, NULL};
    const char *file = option_value(o, "--config", 0);

    *out = *o;
    if (strcmp(o->command->name, "check-config") != 0)
        return; /* serve --check: it was read */
    out->command = &serve;
    if (file == NULL)
        return;
    dt_ignore(options_config(program_serve_options, file, out, tell_last, f), "it is told there");
    if (option_value(out, "--listen", 0) == NULL)
        tell_if(
            f, dt_fail(DT_ERR_FORMAT, "%s: says not where to listen: listen = ADDRESS:PORT", file));
    if (option_value(out, "--store", 0) == NULL)
        tell_if(f, dt_fail(DT_ERR_FORMAT, "%s: names no store: store = FILE", file));
}

int
program_check(const struct options *o)
{
    struct findings f = {.json = option_value(o, "--json", 0) != NULL,
                         .list = DT_BUF_INIT(1u << 20)};
    bool quiet = option_value(o, "--quiet", 0) != NULL;
    struct dt_relay_config config;
    struct relay_log_settings log;
    struct options all;
    const char *store;
    size_t n = 0;

    if (option_value(o, "--config", 0) == NULL && option_value(o, "--store", 0) == NULL)
        return program_finish(
            dt_fail(DT_ERR_USAGE, "check-config needs --config FILE or --store FILE"));
    read_config(&f, o, &all);
    tell_if(&f, program_log_settings(&all, &log));
    tell_if(&f, program_serve_settings(&all, &config));
    check_files(&f, &all);
    store = option_value(&all, "--store", 0);
    check_config_mode(&f, &all, store);
    if (store != NULL)
        check_store(&f, store, &n);
    if (f.json)
        printf("{\"format\": 1, \"ok\": %s, \"registers\": %zu, \"problems\": [%.*s]}\n",
               f.n == 0 ? "true" : "false", n, (int)f.list.n,
               f.list.n > 0 ? (const char *)f.list.p : "");
    else if (f.n == 0 && !quiet)
        printf("the store is sound; registers: %zu\n", n);
    dt_buf_clear(&f.list);
    if (all.text != o->text)
        options_clear(&all);
    return f.n == 0 ? 0 : 1;
}
