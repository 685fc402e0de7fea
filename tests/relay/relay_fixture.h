/*
 * tests/relay/relay_fixture.h - a real relay process on loopback with a grant for three parties.
 *
 * For cmocka tests: include after cmocka.h. DT_RELAY_BIN names the program. With DT_PG_HOST
 * (tests/tools/postgres) each store is a new database of that server.
 */
#ifndef DT_TESTS_RELAY_FIXTURE_H
#define DT_TESTS_RELAY_FIXTURE_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "log/cosignature.h"
#include "net/grant.h"
#include "net/relay_client.h"

#include "../base/folder.h"

#define FIXTURE_PARTIES 3
#define OK(expr)        assert_int_equal((expr), DT_OK)

#define FIXTURE_STORE 192

static const char *const fixture_names[FIXTURE_PARTIES] = {"north", "south", "envoy"};

struct fixture {
    char dir[64], store[FIXTURE_STORE], listen[64], url[64], register_url[256];
    pid_t pid;
    unsigned int port;
    struct tlog_signer witness[FIXTURE_PARTIES];
    char vkey[FIXTURE_PARTIES][DT_GRANT_VKEY_MAX + 1];
    struct dt_grant grant[FIXTURE_PARTIES];
    struct dt_http_client *http;
};

/* Are stores databases of a server? Then what a test does to the file itself is left out: main()
 * names those tests last, and runs the first ${n_everywhere} of them. */
static inline bool
fixture_on_postgres(void)
{
    return getenv("DT_PG_HOST") != NULL;
}

#define FIXTURE_TESTS(tests, n_everywhere, up, down)                                               \
    _cmocka_run_group_tests(                                                                       \
        #tests, (tests),                                                                           \
        fixture_on_postgres() ? (n_everywhere) : sizeof(tests) / sizeof((tests)[0]), (up), (down))

/* Of the server: run ${sql} on the database at ${url}. */
static inline void
fixture_psql(const char *url, const char *sql)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        execlp("psql", "psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-c", sql, url, (char *)NULL);
        _exit(99);
    }
    (void)waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

/* Where a new store of ${dir} is to be: relay.db there, or an empty database. */
static inline void
fixture_store(const char *dir, char out[static FIXTURE_STORE])
{
    static unsigned int n;
    char name[64], command[160];

    if (!fixture_on_postgres()) {
        (void)snprintf(out, FIXTURE_STORE, "%s/relay.db", dir);
        return;
    }
    (void)snprintf(name, sizeof(name), "t%d_%u", (int)getpid(), ++n);
    (void)snprintf(command, sizeof(command), "CREATE DATABASE %s", name);
    (void)snprintf(out, FIXTURE_STORE, "postgresql://detente@/%s?host=%s", name,
                   getenv("DT_PG_HOST"));
    fixture_psql(getenv("DT_PG_URL"), command);
}

/* Run the program and wait: its exit code. Output goes to dir/out. */
static inline int
fixture_run(const struct fixture *f, const char *const *args)
{
    const char *argv[64] = {getenv("DT_RELAY_BIN")};
    char out[128];
    int status = 0, n = 1;
    pid_t pid;

    while (args[n - 1] != NULL && n < 63) {
        argv[n] = args[n - 1];
        n++;
    }
    assert_non_null(argv[0]);
    (void)snprintf(out, sizeof(out), "%s/out", f->dir);
    pid = fork();
    if (pid == 0) {
        union {
            const char *const *in;
            char *const *out;
        } cast = {.in = argv};
        int fd = open(out, O_CREAT | O_TRUNC | O_WRONLY, 0600);

        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
        execv(argv[0], cast.out);
        _exit(99);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* More options of serve, up to NULL; NULL: none. */
static const char *const *fixture_serve_more;

static inline void
fixture_exec_serve(const struct fixture *f, const char *port_file, const char *signed_file)
{
    const char *argv[48] = {"detente-relay", "serve",   "--store",     f->store,
                            "--listen",      f->listen, "--port-file", port_file};
    union {
        const char *const *in;
        char *const *out;
    } cast = {.in = argv};
    size_t n = 8;

    /* The key of a store in a database is where tests/relay/on_postgres.py has put it. */
    if (fixture_on_postgres()) {
        argv[n++] = "--signed";
        argv[n++] = signed_file;
    }
    for (const char *const *more = fixture_serve_more; more != NULL && *more != NULL && n < 47;)
        argv[n++] = *more++;
    execv(getenv("DT_RELAY_BIN"), cast.out);
    _exit(99);
}

/* Start serving on f->listen and wait until it does. */
static inline void
fixture_serve(struct fixture *f)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(64);
    char port_file[128], log[128], signed_file[128];
    uint64_t port = 0;

    (void)snprintf(port_file, sizeof(port_file), "%s/port", f->dir);
    (void)snprintf(log, sizeof(log), "%s/serve.log", f->dir);
    (void)snprintf(signed_file, sizeof(signed_file), "%s/signed", f->dir);
    (void)unlink(port_file);
    f->pid = fork();
    if (f->pid == 0) {
        int fd = open(log, O_CREAT | O_APPEND | O_WRONLY, 0600);

        (void)dup2(fd, 2);
        fixture_exec_serve(f, port_file, signed_file);
    }
    for (int i = 0; i < 1000 && !dt_file_exists(port_file); i++)
        usleep(10000);
    OK(dt_file_read(port_file, &text));
    assert_true(text.n > 1);
    OK(dt_decimal_read(dt_view(text.p, text.n - 1), 65535, &port));
    f->port = (unsigned int)port;
    (void)snprintf(f->listen, sizeof(f->listen), "127.0.0.1:%u", f->port);
    (void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u", f->port);
}

/* Stop it with ${sig}; its exit code, or -1 when a signal ended it. */
static inline int
fixture_end(struct fixture *f, int sig)
{
    int status = 0;

    if (f->pid <= 0)
        return 0;
    (void)kill(f->pid, sig);
    (void)waitpid(f->pid, &status, 0);
    f->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void
fixture_load_grants(struct fixture *f)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf url = DT_BUF_INIT(256);

    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        char path[160];

        (void)snprintf(path, sizeof(path), "%s/grants/%s.grant", f->dir, fixture_names[i]);
        OK(dt_grant_load(path, &f->grant[i]));
    }
    OK(dt_grant_register_url(&f->grant[0], &url));
    (void)snprintf(f->register_url, sizeof(f->register_url), "%.*s", (int)url.n,
                   (const char *)url.p);
}

/* The three parties' grant; ${limits} is more arguments up to NULL (may be NULL). */
static inline int
fixture_grant(struct fixture *f, const char *const *limits)
{
    char witness[FIXTURE_PARTIES][400], out[96];
    const char *args[48] = {"grant", "--store", f->store, "--url", f->url, "--out", out};
    int n = 7;

    (void)snprintf(out, sizeof(out), "%s/grants", f->dir);
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        args[n++] = "--party";
        args[n++] = fixture_names[i];
        (void)snprintf(witness[i], sizeof(witness[i]), "%s=%s", fixture_names[i], f->vkey[i]);
        args[n++] = "--witness";
        args[n++] = witness[i];
    }
    for (; limits != NULL && *limits != NULL; limits++)
        args[n++] = *limits;
    args[n] = NULL;
    return fixture_run(f, args);
}

static inline void
fixture_witness_key(struct fixture *f, size_t i, const struct tlog_vkey *key)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_GRANT_VKEY_MAX);

    OK(tlog_vkey_write(key, &b));
    (void)snprintf(f->vkey[i], sizeof(f->vkey[i]), "%.*s", (int)b.n, (const char *)b.p);
}

/* Folder, store, serving relay, witness keys, grants, client. */
static inline void
fixture_begin(struct fixture *f, const char *const *limits)
{
    memset(f, 0, sizeof(*f));
    OK(dt_crypto_init());
    assert_true(test_folder(f->dir, sizeof(f->dir), "relay"));
    fixture_store(f->dir, f->store);
    (void)snprintf(f->listen, sizeof(f->listen), "127.0.0.1:0");
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "witness.%s", fixture_names[i]);
        OK(tlog_signer_new(dt_view_str(name), TLOG_KEY_COSIGNATURE, &f->witness[i]));
        fixture_witness_key(f, i, &f->witness[i].vkey);
    }
    fixture_serve(f);
    assert_int_equal(fixture_grant(f, limits), 0);
    fixture_load_grants(f);
    OK(dt_http_client_new(NULL, &f->http));
}

static inline void
fixture_remove_dir(const char *dir)
{
    pid_t pid = fork();

    if (pid == 0) {
        execlp("rm", "rm", "-rf", dir, (char *)NULL);
        _exit(99);
    }
    (void)waitpid(pid, NULL, 0);
}

static inline void
fixture_finish(struct fixture *f)
{
    dt_http_client_free(f->http);
    (void)fixture_end(f, SIGKILL);
    for (size_t i = 0; i < FIXTURE_PARTIES; i++)
        tlog_signer_clear(&f->witness[i]);
    if (f->dir[0] != '\0' && getenv("DT_KEEP") == NULL)
        fixture_remove_dir(f->dir);
}

/* A queue with random tokens. */
struct fixture_queue {
    uint8_t read[32], write[32], address[32];
};

static inline enum dt_err
fixture_queue_make(struct fixture *f, struct fixture_queue *q)
{
    struct dt_wire_create c;

    memcpy(c.queue_token, f->grant[0].queue_token, 32);
    OK(dt_sha256(dt_view_of(q->read), c.read_hash));
    OK(dt_sha256(dt_view_of(q->write), c.write_hash));
    return dt_relay_queue_create(f->http, f->url, &c, q->address);
}

static inline void
fixture_queue_new(struct fixture *f, struct fixture_queue *q)
{
    OK(dt_random(q->read, 32));
    OK(dt_random(q->write, 32));
    OK(fixture_queue_make(f, q));
}

#endif
