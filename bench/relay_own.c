/*
 * bench/relay_own.c - our relay under load: on a file of its own, on a PostgreSQL of its own, or
 * one that somebody else started.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "net/relay_client.h"
#include "relay/store/store.h"

#include "relay_bench.h"

enum dt_err
bench_queue_make(const struct load_target *t, uint8_t address[static 32], uint8_t read[static 32],
                 uint8_t write[static 32])
{
    static struct dt_http_client *http;
    struct dt_wire_create create;
    enum dt_err err;

    memcpy(create.queue_token, t->grant.queue_token, sizeof(create.queue_token));
    if ((http == NULL && (err = dt_http_client_new(NULL, &http)) != DT_OK) ||
        (err = dt_random(read, 32)) != DT_OK || (err = dt_random(write, 32)) != DT_OK ||
        (err = dt_sha256(dt_view(read, 32), create.read_hash)) != DT_OK ||
        (err = dt_sha256(dt_view(write, 32), create.write_hash)) != DT_OK)
        return err;
    return dt_relay_queue_create(http, t->base_url, &create, address);
}

enum dt_err
bench_witness(const char *group, char out[static 512])
{
    char name[64];
    DT_CLEANUP(dt_buf_clear) struct dt_buf vkey = DT_BUF_INIT(DT_GRANT_VKEY_MAX);
    struct tlog_signer signer = {0};
    enum dt_err err;

    (void)snprintf(name, sizeof(name), "witness.%s", group);
    err = tlog_signer_new(dt_view_str(name), TLOG_KEY_COSIGNATURE, &signer);
    if (err == DT_OK)
        err = tlog_vkey_write(&signer.vkey, &vkey);
    tlog_signer_clear(&signer);
    (void)snprintf(out, 512, "%s=%.*s", group, (int)vkey.n, (const char *)vkey.p);
    return err;
}

static enum dt_err
grant_to(const struct bench_options *o, struct load_target *to, const char *store)
{
    char grants[300], path[320], key[300], witness[2][512];
    struct load_target t = {.name = "detente-relay grant"};
    const char *argv[] = {o->relay,
                          "grant",
                          "--store",
                          store,
                          "--url",
                          "http://127.0.0.1",
                          "--out",
                          grants,
                          "--party",
                          "north",
                          "--witness",
                          witness[0],
                          "--witness",
                          witness[1],
                          "--queues",
                          "100000",
                          "--queue-cells",
                          "4000000000",
                          "--append-rate",
                          "none",
                          NULL,
                          NULL,
                          NULL};
    int status = 1;
    enum dt_err err;

    (void)snprintf(grants, sizeof(grants), "%s/grants", to->dir);
    (void)snprintf(key, sizeof(key), "%s/sealing-key", to->dir);
    if (to->database > 0) {
        argv[20] = "--sealing-key";
        argv[21] = key;
    }
    (void)snprintf(t.dir, sizeof(t.dir), "%s", to->dir);
    if ((err = bench_witness("north", witness[0])) != DT_OK ||
        (err = bench_witness("south", witness[1])) != DT_OK ||
        (err = bench_spawn(&t, argv)) != DT_OK)
        return err;
    if (waitpid(t.pid, &status, 0) != t.pid || status != 0) {
        bench_show_log(&t);
        return dt_fail(DT_ERR_STATE, "%s grant failed", o->relay);
    }
    (void)snprintf(path, sizeof(path), "%s/north.grant", grants);
    return dt_grant_load(path, &to->grant);
}

/* "http://127.0.0.1:8080": address and port alone are taken apart here; a name or https go through
 * a front that stands beside the load. */
static enum dt_err
take_url(const char *url, struct load_target *t)
{
    unsigned int port = 0;
    char end;

    if (sscanf(url, "http://%63[0-9.]:%u%c", t->host, &port, &end) != 2 || port == 0 ||
        port > 65535)
        return dt_fail(DT_ERR_USAGE, "--url: expected http://ADDRESS:PORT, with an IPv4 address");
    t->port = (uint16_t)port;
    return DT_OK;
}

/* Serve ${store}. What is in a database is sealed with a key that is not. The bound on one
 * connection's requests is far above what is measured: on a fast machine its reader meets it. */
static enum dt_err
serve(const struct bench_options *o, struct load_target *t, const char *store)
{
    char listen[64], connections[16], key[300], signed_by[300];
    const char *argv[] = {
        o->relay,    "serve",   "--store",    store,    "--listen", listen, "--connections",
        connections, "--quiet", "--requests", "100000", NULL,       NULL,   NULL,
        NULL,        NULL};
    enum dt_err err;

    (void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", t->port);
    (void)snprintf(connections, sizeof(connections), "%u", o->connections * 5 / 4 + 100);
    (void)snprintf(key, sizeof(key), "%s/sealing-key", t->dir);
    (void)snprintf(signed_by, sizeof(signed_by), "%s/signed", t->dir);
    if (t->database > 0) {
        argv[11] = "--sealing-key";
        argv[12] = key;
        argv[13] = "--signed";
        argv[14] = signed_by;
    }
    if ((err = grant_to(o, t, store)) != DT_OK || (err = bench_spawn(t, argv)) != DT_OK)
        return err;
    return bench_wait_serving(t);
}

static enum dt_err
make_queues(struct load_target *t)
{
    enum dt_err err = DT_OK;

    (void)snprintf(t->base_url, sizeof(t->base_url), "http://%s:%u", t->host, t->port);
    for (size_t i = 0; err == DT_OK && i < LOAD_QUEUES; i++)
        err = bench_queue_make(t, t->address[i], t->read[i], t->write[i]);
    return err;
}

enum dt_err
bench_relay_start(const struct bench_options *o, struct load_target *t)
{
    char store[300];
    enum dt_err err;

    t->name = "detente";
    t->durability = "synced before the answer";
    t->protocol = &load_detente;
    if (o->url != NULL) {
        err = o->grant == NULL                       ? dt_fail(DT_ERR_USAGE, "--url needs --grant")
              : (err = take_url(o->url, t)) != DT_OK ? err
                                                     : dt_grant_load(o->grant, &t->grant);
    } else if ((err = bench_make_dir(o, t)) == DT_OK) {
        (void)snprintf(store, sizeof(store), "%s/relay.db", t->dir);
        err = serve(o, t, store);
    }
    return err == DT_OK ? make_queues(t) : err;
}

static enum dt_err
write_key(const struct load_target *t)
{
    char path[300], hex[2 * 32 + 1];
    uint8_t key[32];
    enum dt_err err = dt_random(key, sizeof(key));

    (void)snprintf(path, sizeof(path), "%s/sealing-key", t->dir);
    if (err != DT_OK)
        return err;
    dt_hex_str(hex, dt_view_of(key));
    return dt_file_write(path, dt_view_str(hex), 0600);
}

enum dt_err
bench_relay_on_postgres(const struct bench_options *o, struct load_target *t)
{
    struct load_target database = {.name = "PostgreSQL", .port = t->port};
    char store[300];
    enum dt_err err;

    t->durability = "committed (synchronous_commit) before the answer";
    memcpy(database.dir, t->dir, sizeof(database.dir));
    memcpy(database.host, t->host, sizeof(database.host));
    err = bench_postgres_serve(&database, "CREATE DATABASE relay");
    t->database = database.pid;
    t->protocol = &load_detente;
    if (err != DT_OK || (err = write_key(t)) != DT_OK)
        return err;
    (void)snprintf(store, sizeof(store), "postgresql://postgres@127.0.0.1:%u/relay", t->port);
    t->port = bench_free_port();
    if ((err = serve(o, t, store)) == DT_OK)
        err = make_queues(t);
    return err;
}
