/*
 * relay/program/cmd_stats.c - `detente-relay stats`: what a store holds, and how far its witnesses
 * are.
 *
 * Layer: relay. The store knows no party by name, so neither does this.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/text.h"
#include "relay/program/program.h"
#include "relay/store/operate.h"

const struct option program_stats_options[] = {PROGRAM_STORE, PROGRAM_CONFIG, PROGRAM_JSON,
                                               PROGRAM_QUIET, PROGRAM_END};

enum dt_err
program_open_store(const struct options *o, struct dt_relay_store **out)
{
    struct dt_relay_store_config config = {.path = option_value(o, "--store", 0)};

    return dt_relay_store_open(&config, out);
}

enum dt_err
program_register(const struct options *o, struct dt_relay_store *s, int64_t *out)
{
    const char *text = option_value(o, "--register", 0);
    struct dt_relay_store_register reg = {0};
    uint8_t id[DT_REGISTER_ID];
    enum dt_err err;

    if (text == NULL || dt_hex_read_fixed(id, sizeof(id), dt_view_str(text)) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--register: expected 32 hex digits");
    if ((err = dt_relay_store_register(s, id, &reg)) != DT_OK)
        return err;
    *out = reg.id;
    return DT_OK;
}

static unsigned long long
ull(uint64_t x)
{
    return (unsigned long long)x;
}

/* ---- grants ---- */

static enum dt_err
grants(struct dt_relay_store *s, bool json)
{
    struct dt_stats_grant g = {0};
    enum dt_err err;

    while ((err = dt_relay_store_stats_grant(s, g.id, &g)) == DT_OK) {
        if (json)
            printf("%s\n  {\"grant\": %llu, \"created\": %llu, \"queues\": %llu, \"queues_max\": "
                   "%llu, \"cells\": %llu, \"bytes\": %llu, \"revoked\": %s}",
                   g.id == 1 ? "" : ",", ull(g.id), ull(g.created_ms / 1000), ull(g.queues),
                   ull(g.queues_max), ull(g.cells), ull(g.bytes), g.revoked ? "true" : "false");
        else
            printf("grant %llu: %llu of %llu queues, %llu cells, %llu bytes%s\n", ull(g.id),
                   ull(g.queues), ull(g.queues_max), ull(g.cells), ull(g.bytes),
                   g.revoked ? ", revoked" : "");
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- registers ---- */

static enum dt_err
witnesses(struct dt_relay_store *s, int64_t reg, uint64_t size, bool json)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    bool first = true;
    enum dt_err err;

    if ((err = dt_relay_store_policy(s, reg, &policy)) != DT_OK)
        return err;
    for (size_t i = 0; i < policy.n_nodes; i++) {
        const struct tlog_policy_node *node = &policy.nodes[i];
        uint64_t cosigned = 0, time_s = 0;
        char name[6 * TLOG_NAME_MAX + 3];

        if (node->is_group)
            continue;
        if ((err = dt_relay_store_cosigned(s, reg, node->key.id, &cosigned, &time_s)) != DT_OK)
            return err;
        (void)dt_json_str(name, sizeof(name), dt_view_str(node->key.name));
        if (json)
            printf("%s{\"name\": %s, \"key_id\": \"%08x\", \"size\": %llu, \"time\": %llu, "
                   "\"behind\": %llu}",
                   first ? "" : ", ", name, node->key.id, ull(cosigned), ull(time_s),
                   ull(size - cosigned));
        else
            printf("  witness %s: %llu entries, %llu behind\n", node->key.name, ull(cosigned),
                   ull(size - cosigned));
        first = false;
    }
    return DT_OK;
}

static void
print_size(const char *name, bool there, uint64_t size)
{
    if (there)
        printf("\"%s\": %llu, ", name, ull(size));
    else
        printf("\"%s\": null, ", name);
}

static enum dt_err
one_register(struct dt_relay_store *s, int64_t reg, bool json, bool first)
{
    struct dt_stats_register r = {0};
    char id[2 * DT_REGISTER_ID + 1];
    uint8_t name[DT_REGISTER_ID];
    enum dt_err err;

    if ((err = dt_relay_store_register_id(s, reg, name)) != DT_OK ||
        (err = dt_relay_store_stats_register(s, reg, &r)) != DT_OK)
        return err;
    dt_hex_str(id, dt_view_of(name));
    if (!json) {
        printf("register %s (grant %llu): %llu entries, %llu attested, %llu final, %llu openings; "
               "%llu append keys, %llu revoked%s\n",
               id, ull(r.grant), ull(r.size), ull(r.attested_size), ull(r.final_size),
               ull(r.openings), ull(r.keys), ull(r.keys_revoked),
               r.restored ? "; restored: not signed until detente-relay resume" : "");
        return witnesses(s, reg, r.size, json);
    }
    printf("%s\n  {\"register\": \"%s\", \"grant\": %llu, \"size\": %llu, ", first ? "" : ",", id,
           ull(r.grant), ull(r.size));
    print_size("attested", r.attested, r.attested_size);
    print_size("final", r.final, r.final_size);
    printf(
        "\"openings\": %llu, \"append_keys\": %llu, \"append_keys_revoked\": %llu, \"restored\": "
        "%s, \"witnesses\": [",
        ull(r.openings), ull(r.keys), ull(r.keys_revoked), r.restored ? "true" : "false");
    err = witnesses(s, reg, r.size, json);
    printf("]}");
    return err;
}

static enum dt_err
registers(struct dt_relay_store *s, bool json)
{
    int64_t reg = 0;
    bool first = true;
    enum dt_err err;

    while ((err = dt_relay_store_next_register(s, reg, &reg)) == DT_OK) {
        if ((err = one_register(s, reg, json, first)) != DT_OK)
            return err;
        first = false;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- files ---- */

static uint64_t
size_of(const char *path, const char *end)
{
    struct stat st;
    char name[4200];

    (void)snprintf(name, sizeof(name), "%s%s", path, end);
    return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void
files(const char *path, bool json)
{
    struct statvfs fs;
    uint64_t left = statvfs(path, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
    uint64_t file = size_of(path, ""), wal = size_of(path, "-wal");

    if (strstr(path, "://") != NULL) {
        if (json)
            printf("\"files\": null");
        return;
    }
    if (json)
        printf("\"files\": {\"store\": %llu, \"wal\": %llu, \"disk_free\": %llu}", ull(file),
               ull(wal), ull(left));
    else
        printf(
            "store: %llu bytes, and %llu not yet moved into it; %llu bytes are free on its disk\n",
            ull(file), ull(wal), ull(left));
}

int
program_stats(const struct options *o)
{
    bool json = option_value(o, "--json", 0) != NULL;
    struct dt_relay_store *s = NULL;
    enum dt_err err = program_open_store(o, &s);

    if (err != DT_OK)
        return program_finish(err);
    if (json)
        printf("{\"format\": 1, \"grants\": [");
    err = grants(s, json);
    if (json)
        printf("], \"registers\": [");
    if (err == DT_OK)
        err = registers(s, json);
    if (json)
        printf("], ");
    files(option_value(o, "--store", 0), json);
    if (json)
        printf("}\n");
    dt_relay_store_close(s);
    return program_finish(err);
}
