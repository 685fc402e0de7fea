/*
 * net/grant.c - see grant.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#include "net/address.h"
#include "net/grant.h"
#include "net/json.h"

bool
dt_grant_name_ok(const char *name)
{
    size_t n = strnlen(name, DT_GRANT_NAME_MAX + 1);

    if (n == 0 || n > DT_GRANT_NAME_MAX || name[0] == '-')
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

void
dt_grant_wipe(struct dt_grant *g)
{
    if (g != NULL)
        dt_wipe(g, sizeof(*g));
}

enum dt_err
dt_grant_register_url(const struct dt_grant *g, struct dt_buf *out)
{
    return dt_buf_printf(out, "%s/r/%s", g->relay, g->register_id);
}

/* The string member ${key} of ${o} into ${out} of ${size} bytes. */
static enum dt_err
get_string(const json_t *o, const char *key, char *out, size_t size)
{
    const json_t *v = json_object_get(o, key);
    size_t n;

    if (!json_is_string(v))
        return dt_fail(DT_ERR_FORMAT, "grant: \"%s\" is missing or not a string", key);
    n = json_string_length(v);
    if (n == 0 || n >= size)
        return dt_fail(DT_ERR_LIMIT, "grant: \"%s\" is empty or too long", key);
    if (!dt_utf8_line(dt_view((const uint8_t *)json_string_value(v), n)))
        return dt_fail(DT_ERR_FORMAT, "grant: \"%s\" is not one line of text", key);
    memcpy(out, json_string_value(v), n);
    out[n] = '\0';
    return DT_OK;
}

static enum dt_err
get_hex(const json_t *o, const char *key, uint8_t out[static 32])
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_string(v) ||
        dt_hex_read_fixed(out, 32, dt_view_str(json_string_value(v))) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "grant: \"%s\" is not 64 hex digits", key);
    return DT_OK;
}

static enum dt_err
get_number(const json_t *o, const char *key, uint64_t max, uint64_t *out)
{
    const json_t *v = json_object_get(o, key);
    json_int_t x;

    if (!json_is_integer(v) || (x = json_integer_value(v)) < 0 || (uint64_t)x > max)
        return dt_fail(DT_ERR_FORMAT, "grant: \"%s\" is not a number in its range", key);
    *out = (uint64_t)x;
    return DT_OK;
}

/* "cadence" of ${reg}, which need not be there. */
static enum dt_err
get_cadence(const json_t *reg, struct dt_cadence *out)
{
    const json_t *v = json_object_get(reg, "cadence");

    if (v == NULL)
        return DT_OK;
    if (!json_is_string(v))
        return dt_fail(DT_ERR_FORMAT, "grant: \"cadence\" is not a string");
    return dt_fail_context(dt_cadence_read(dt_view_str(json_string_value(v)), out), "grant");
}

static enum dt_err
get_witnesses(const json_t *list, struct dt_grant *g)
{
    size_t n = json_array_size(list);
    enum dt_err err;

    if (!json_is_array(list))
        return dt_fail(DT_ERR_FORMAT, "grant: \"witnesses\" is not a list");
    if (n > DT_GRANT_WITNESS_MAX)
        return dt_fail(DT_ERR_LIMIT, "grant: more than %u witnesses", DT_GRANT_WITNESS_MAX);
    for (size_t i = 0; i < n; i++) {
        struct dt_grant_witness *w = &g->witnesses[i];
        const json_t *o = json_array_get(list, i);

        if ((err = get_string(o, "group", w->group, sizeof(w->group))) != DT_OK ||
            (err = get_string(o, "vkey", w->vkey, sizeof(w->vkey))) != DT_OK)
            return err;
        if (!dt_grant_name_ok(w->group))
            return dt_fail(DT_ERR_FORMAT, "grant: a witness's group is not a name");
    }
    g->n_witnesses = n;
    return DT_OK;
}

/* All members of ${root} into ${g}. */
static enum dt_err
grant_from(const json_t *root, struct dt_grant *g)
{
    const json_t *reg = json_object_get(root, "register");
    const json_t *quorum = json_object_get(root, "quorum");
    const json_t *limits = json_object_get(root, "limits");
    char kind[32] = "", origin[64];
    uint64_t format = 0, attested = 0, final = 0, daily = 0;
    uint8_t id[DT_REGISTER_ID];
    enum dt_err err;

    if (!json_is_object(root))
        return dt_fail(DT_ERR_FORMAT, "grant: not a JSON object");
    if ((err = get_number(root, "format", 1u << 20, &format)) != DT_OK ||
        (err = get_string(root, "kind", kind, sizeof(kind))) != DT_OK)
        return err;
    if (strcmp(kind, "detente-grant") != 0)
        return dt_fail(DT_ERR_FORMAT, "not a grant file");
    if (format != 1)
        return dt_fail(DT_ERR_UNSUPPORTED, "grant of format %u", (unsigned int)format);
    if ((err = get_string(root, "party", g->party, sizeof(g->party))) != DT_OK ||
        (err = get_string(root, "relay", g->relay, sizeof(g->relay))) != DT_OK ||
        (err = get_hex(root, "queue_token", g->queue_token)) != DT_OK ||
        (err = get_hex(root, "append_key", g->append_key)) != DT_OK ||
        (err = get_string(reg, "id", g->register_id, sizeof(g->register_id))) != DT_OK ||
        (err = get_string(reg, "origin", g->origin, sizeof(g->origin))) != DT_OK ||
        (err = get_string(reg, "vkey", g->vkey, sizeof(g->vkey))) != DT_OK ||
        (json_object_get(reg, "read_key") != NULL &&
         (err = get_hex(reg, "read_key", g->read_key)) != DT_OK) ||
        (err = get_cadence(reg, &g->cadence)) != DT_OK ||
        (err = get_witnesses(json_object_get(root, "witnesses"), g)) != DT_OK ||
        (err = get_number(quorum, "attested", DT_GRANT_WITNESS_MAX, &attested)) != DT_OK ||
        (err = get_number(quorum, "final", DT_GRANT_WITNESS_MAX, &final)) != DT_OK ||
        (err = get_number(limits, "daily_entries", UINT32_MAX, &daily)) != DT_OK ||
        (err = get_number(limits, "queues", INT64_MAX, &g->queues_max)) != DT_OK ||
        (err = get_number(limits, "queue_cells", INT64_MAX, &g->queue_cells_max)) != DT_OK)
        return err;
    if (!dt_grant_name_ok(g->party))
        return dt_fail(DT_ERR_FORMAT, "grant: \"party\" is not a name");
    if (!dt_address_is_grant(g->relay))
        return dt_fail(DT_ERR_FORMAT,
                       "grant: \"relay\" is not an http or https address, or file:NAME");
    if (dt_hex_read_fixed(id, sizeof(id), dt_view_str(g->register_id)) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "grant: the register's id is not 32 hex digits");
    (void)snprintf(origin, sizeof(origin), "register.detente/%s", g->register_id);
    if (strcmp(origin, g->origin) != 0)
        return dt_fail(DT_ERR_FORMAT, "grant: the register's origin does not name its id");
    g->has_read_key = json_object_get(reg, "read_key") != NULL;
    g->quorum_attested = (uint32_t)attested;
    g->quorum_final = (uint32_t) final;
    g->daily_entries = (uint32_t)daily;
    return DT_OK;
}

enum dt_err
dt_grant_read(struct dt_view json, struct dt_grant *out)
{
    DT_CLEANUP(dt_grant_wipe) struct dt_grant g = {0};
    json_t *root = NULL;
    enum dt_err err;

    if (json.n > DT_NET_GRANT_MAX)
        return dt_fail(DT_ERR_LIMIT, "grant: more than %u bytes", DT_NET_GRANT_MAX);
    if ((err = dt_json_parse(json, &root)) != DT_OK)
        return dt_fail_context(err, "grant");
    err = grant_from(root, &g);
    if (err == DT_OK)
        *out = g;
    json_decref(root);
    return err;
}

enum dt_err
dt_grant_load(const char *path, struct dt_grant *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_NET_GRANT_MAX);
    enum dt_err err;

    if ((err = dt_file_read(path, &b)) != DT_OK)
        return err;
    if ((err = dt_grant_read(dt_buf_view(&b), out)) != DT_OK)
        return dt_fail_context(err, "%s", path);
    return DT_OK;
}

/* Every string in a grant is of [a-z0-9-] or C2SP key text or an address: none needs a JSON escape,
 * and dt_grant_read() refuses what would. */
static bool
plain(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == '"' || *s == '\\')
            return false;
    }
    return true;
}

enum dt_err
dt_grant_write(const struct dt_grant *g, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_NET_GRANT_MAX);
    char token[65], key[65], read_key[65], cadence[DT_CADENCE_STR];
    enum dt_err err;

    if (!plain(g->party) || !plain(g->relay) || !plain(g->origin) || !plain(g->vkey))
        return dt_fail(DT_ERR_FORMAT, "grant: a text that JSON would have to escape");
    dt_hex_str(token, dt_view_of(g->queue_token));
    dt_hex_str(key, dt_view_of(g->append_key));
    err = dt_buf_printf(
        &b,
        "{\n  \"format\": 1,\n  \"kind\": \"detente-grant\",\n  \"party\": \"%s\",\n"
        "  \"relay\": \"%s\",\n  \"queue_token\": \"%s\",\n  \"append_key\": \"%s\",\n"
        "  \"register\": {\n    \"id\": \"%s\",\n    \"origin\": \"%s\",\n"
        "    \"vkey\": \"%s\",\n    \"prefix\": \"/r/%s/\"",
        g->party, g->relay, token, key, g->register_id, g->origin, g->vkey, g->register_id);
    dt_wipe(token, sizeof(token));
    dt_wipe(key, sizeof(key));
    if (err == DT_OK && g->has_read_key) {
        dt_hex_str(read_key, dt_view_of(g->read_key));
        err = dt_buf_printf(&b, ",\n    \"read_key\": \"%s\"", read_key);
        dt_wipe(read_key, sizeof(read_key));
    }
    if (err == DT_OK && g->cadence.period_ms != 0) {
        dt_cadence_str(cadence, &g->cadence);
        err = dt_buf_printf(&b, ",\n    \"cadence\": \"%s\"", cadence);
    }
    if (err == DT_OK)
        err = dt_buf_printf(&b, "\n  },\n  \"witnesses\": [");
    for (size_t i = 0; err == DT_OK && i < g->n_witnesses; i++) {
        if (!plain(g->witnesses[i].group) || !plain(g->witnesses[i].vkey))
            return dt_fail(DT_ERR_FORMAT, "grant: a text that JSON would have to escape");
        err = dt_buf_printf(&b, "%s\n    {\"group\": \"%s\", \"vkey\": \"%s\"}", i == 0 ? "" : ",",
                            g->witnesses[i].group, g->witnesses[i].vkey);
    }
    if (err == DT_OK)
        err = dt_buf_printf(&b,
                            "\n  ],\n  \"quorum\": {\"attested\": %u, \"final\": %u},\n"
                            "  \"limits\": {\"daily_entries\": %u, \"queues\": %llu, "
                            "\"queue_cells\": %llu}\n}\n",
                            g->quorum_attested, g->quorum_final, g->daily_entries,
                            (unsigned long long)g->queues_max,
                            (unsigned long long)g->queue_cells_max);
    if (err == DT_OK)
        err = dt_buf_append(out, dt_buf_view(&b));
    return err;
}
