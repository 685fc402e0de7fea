/*
 * relay/program/options.c - see options.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "relay/program/config.h"
#include "relay/program/options.h"

const char *
option_value(const struct options *o, const char *name, size_t i)
{
    for (size_t k = 0; k < o->n; k++) {
        if (strcmp(o->given[k].option->name, name) == 0 && i-- == 0)
            return o->given[k].value;
    }
    return NULL;
}

const char *
option_where(const struct options *o, const char *name, size_t i)
{
    static _Thread_local char where[512];

    for (size_t k = 0; k < o->n; k++) {
        if (strcmp(o->given[k].option->name, name) != 0 || i-- != 0)
            continue;
        if (o->given[k].line == 0)
            break;
        (void)snprintf(where, sizeof(where), "%s:%u: %s", o->file, o->given[k].line, name + 2);
        return where;
    }
    return name;
}

static const struct option *
find(const struct option *table, const char *name)
{
    for (const struct option *o = table; o->name != NULL; o++) {
        if (strcmp(o->name, name) == 0)
            return o;
    }
    return NULL;
}

/* ---- the configuration file ---- */

/* What says how one run of a program goes, and not how a relay is. */
static bool
of_a_run(const char *name)
{
    static const char *const names[] = {"--config", "--check", "--json", "--quiet"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

void
options_clear(struct options *o)
{
    dt_free(o->text);
    *o = (struct options){.command = o->command};
}

struct reading {
    const struct option *keys;
    const struct options *before; /* what the command line gave */
    struct options *o;
    unsigned int seen[OPTION_VALUES_MAX]; /* the line of each of ${keys}; 0: none */
};

/* The place of the option that ${key} is; ${out} its name. FORMAT. */
static enum dt_err
find_key(const struct option *keys, const char *file, unsigned int line, struct dt_view key,
         size_t *out)
{
    char name[RELAY_CONFIG_KEY_MAX + 3];

    (void)snprintf(name, sizeof(name), "--%.*s", (int)key.n, (const char *)key.p);
    for (size_t i = 0; i < OPTION_VALUES_MAX && keys[i].name != NULL; i++) {
        if (strcmp(keys[i].name, name) == 0 && !of_a_run(name)) {
            *out = i;
            return DT_OK;
        }
    }
    return dt_fail(DT_ERR_FORMAT, "%s:%u: there is no key %.*s (see detente-relay.conf(5))", file,
                   line, (int)key.n, (const char *)key.p);
}

static enum dt_err
take_pair(void *ctx, const char *file, unsigned int line, struct dt_view key, struct dt_view value)
{
    struct reading *r = ctx;
    struct options *o = r->o;
    const struct option *mine;
    size_t at = 0;
    bool yes = dt_view_equal(value, dt_view_str("yes"));
    enum dt_err err = find_key(r->keys, file, line, key, &at);

    if (err != DT_OK)
        return err;
    if (r->seen[at] != 0 && !r->keys[at].repeat)
        return dt_fail(DT_ERR_FORMAT, "%s:%u: %.*s stands in line %u already", file, line,
                       (int)key.n, (const char *)key.p, r->seen[at]);
    r->seen[at] = line;
    if (r->keys[at].arg == NULL && !yes && !dt_view_equal(value, dt_view_str("no")))
        return dt_fail(DT_ERR_FORMAT, "%s:%u: %.*s: expected yes or no", file, line, (int)key.n,
                       (const char *)key.p);
    mine = find(o->command->options, r->keys[at].name);
    if (mine == NULL || option_value(r->before, mine->name, 0) != NULL ||
        (r->keys[at].arg == NULL && !yes))
        return DT_OK;
    if (o->n == OPTION_VALUES_MAX)
        return dt_fail(DT_ERR_LIMIT, "%s:%u: too many options", file, line);
    o->given[o->n].option = mine;
    o->given[o->n].line = line;
    o->given[o->n].value = "";
    if (r->keys[at].arg != NULL) {
        char *text = o->text + ((const char *)value.p - o->text);

        text[value.n] = '\0'; /* over the line's end, or a space before it */
        o->given[o->n].value = text;
    }
    o->n++;
    return DT_OK;
}

enum dt_err
options_config(const struct option *keys, const char *path, struct options *o,
               void (*wrong)(void *ctx, enum dt_err), void *ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(RELAY_CONFIG_MAX);
    const struct options before = *o;
    struct reading r = {.keys = keys, .before = &before, .o = o};
    struct relay_config_reader reader = {take_pair, &r, wrong, ctx};
    enum dt_err err = dt_file_read(path, &text);

    if (err != DT_OK) {
        if (wrong != NULL)
            wrong(ctx, err);
        return err;
    }
    /* Zeros are put behind the values in it, over the ends of lines: one more byte for the last. */
    if ((o->text = dt_strndup(text.n > 0 ? (const char *)text.p : "", text.n)) == NULL)
        return dt_nomem();
    o->file = path;
    return relay_config_parse(dt_view((const uint8_t *)o->text, text.n), path, &reader);
}

/* ---- the command line ---- */

enum dt_err
options_parse(const struct command *command, int argc, char **argv, struct options *out)
{
    struct options got = {.command = command};

    for (int i = 0; i < argc; i++) {
        const struct option *o = find(command->options, argv[i]);

        if (o == NULL && argv[i][0] != '-' && command->operand != NULL && got.operand == NULL) {
            got.operand = argv[i];
            continue;
        }
        if (o == NULL)
            return dt_fail(DT_ERR_USAGE, "%s: no such option (see --help)", argv[i]);
        if (!o->repeat && option_value(&got, o->name, 0) != NULL)
            return dt_fail(DT_ERR_USAGE, "%s is given twice", o->name);
        if (got.n == OPTION_VALUES_MAX)
            return dt_fail(DT_ERR_USAGE, "too many options");
        got.given[got.n].option = o;
        got.given[got.n].value = "";
        got.given[got.n].line = 0;
        if (o->arg != NULL) {
            if (i + 1 == argc)
                return dt_fail(DT_ERR_USAGE, "%s: expected %s after it", o->name, o->arg);
            got.given[got.n].value = argv[++i];
        }
        got.n++;
    }
    if (command->keys != NULL && option_value(&got, "--config", 0) != NULL) {
        enum dt_err err =
            options_config(command->keys, option_value(&got, "--config", 0), &got, NULL, NULL);

        if (err != DT_OK) {
            options_clear(&got);
            return err;
        }
    }
    if (command->operand != NULL && got.operand == NULL) {
        options_clear(&got);
        return dt_fail(DT_ERR_USAGE, "%s is needed (see --help)", command->operand);
    }
    for (const struct option *o = command->options; o->name != NULL; o++) {
        if (o->required && option_value(&got, o->name, 0) == NULL) {
            options_clear(&got);
            return dt_fail(DT_ERR_USAGE, "%s %s is needed (see --help)", o->name, o->arg);
        }
    }
    *out = got;
    return DT_OK;
}
