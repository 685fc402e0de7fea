/*
 * relay/program/config.c - see config.h.
 */
#include <string.h>

#include "base/text.h"

#include "relay/program/config.h"

static bool
is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct dt_view
trim(struct dt_view v)
{
    while (v.n > 0 && is_space(v.p[0])) {
        v.p++;
        v.n--;
    }
    while (v.n > 0 && is_space(v.p[v.n - 1]))
        v.n--;
    return v;
}

static bool
key_ok(struct dt_view key)
{
    if (key.n == 0 || key.n > RELAY_CONFIG_KEY_MAX || key.p[0] < 'a' || key.p[0] > 'z')
        return false;
    for (size_t i = 1; i < key.n; i++) {
        uint8_t c = key.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

static enum dt_err
parse_line(struct dt_view line, const char *file, unsigned int number,
           const struct relay_config_reader *reader)
{
    const uint8_t *equals;
    struct dt_view key, value;

    line = trim(line);
    if (line.n == 0 || line.p[0] == '#')
        return DT_OK;
    equals = memchr(line.p, '=', line.n);
    if (equals == NULL)
        return dt_fail(DT_ERR_FORMAT, "%s:%u: expected KEY = VALUE", file, number);
    key = trim(dt_view(line.p, (size_t)(equals - line.p)));
    value = trim(dt_view(equals + 1, line.n - (size_t)(equals - line.p) - 1));
    if (!key_ok(key))
        return dt_fail(DT_ERR_FORMAT, "%s:%u: a key is written in a-z, 0-9 and -", file, number);
    if (value.n == 0)
        return dt_fail(DT_ERR_FORMAT, "%s:%u: %.*s has no value", file, number, (int)key.n,
                       (const char *)key.p);
    if (value.n > RELAY_CONFIG_VALUE_MAX)
        return dt_fail(DT_ERR_LIMIT, "%s:%u: the value of %.*s is too long", file, number,
                       (int)key.n, (const char *)key.p);
    if (!dt_utf8_line(value))
        return dt_fail(DT_ERR_FORMAT, "%s:%u: the value of %.*s is no line of text", file, number,
                       (int)key.n, (const char *)key.p);
    return reader->pair(reader->ctx, file, number, key, value);
}

enum dt_err
relay_config_parse(struct dt_view text, const char *file, const struct relay_config_reader *reader)
{
    enum dt_err first = DT_OK;
    struct dt_view line;
    unsigned int number = 0;

    if (text.n > RELAY_CONFIG_MAX)
        return dt_fail(DT_ERR_LIMIT, "%s: too long for a configuration file", file);
    while (dt_text_split(&text, '\n', &line)) {
        enum dt_err err = parse_line(line, file, ++number, reader);

        if (err == DT_OK)
            continue;
        if (reader->wrong == NULL)
            return err;
        if (first == DT_OK)
            first = err;
        reader->wrong(reader->wrong_ctx, err);
    }
    return first;
}
