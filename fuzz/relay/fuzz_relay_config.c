/* fuzz/relay/fuzz_relay_config.c - a configuration file of detente-relay. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "relay/program/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    unsigned int line; /* the last */
    size_t pairs, wrong;
};

static enum dt_err
pair(void *ctx, const char *file, unsigned int line, struct dt_view key, struct dt_view value)
{
    struct seen *s = ctx;

    (void)file;
    if (line <= s->line || key.n == 0 || key.n > RELAY_CONFIG_KEY_MAX || value.n == 0 ||
        value.n > RELAY_CONFIG_VALUE_MAX || !dt_utf8_line(value) || value.p[0] == ' ' ||
        value.p[value.n - 1] == ' ')
        abort();
    s->line = line;
    s->pairs++;
    return DT_OK;
}

static void
wrong(void *ctx, enum dt_err err)
{
    struct seen *s = ctx;

    if (err == DT_OK || dt_err_message()[0] == '\0')
        abort(); /* nobody would be told what is wrong */
    s->wrong++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen all = {0}, first = {0};
    const struct relay_config_reader every = {pair, &all, wrong, &all};
    const struct relay_config_reader strict = {pair, &first, NULL, NULL};
    struct dt_view text = dt_view(data, size);
    enum dt_err err = relay_config_parse(text, "f", &every);

    if (size <= RELAY_CONFIG_MAX && (err == DT_OK) != (all.wrong == 0))
        abort();
    if (relay_config_parse(text, "f", &strict) != err || first.pairs > all.pairs)
        abort();
    if (err == DT_OK && all.pairs > 0 && getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
    return 0;
}
