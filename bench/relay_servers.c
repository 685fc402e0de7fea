/*
 * bench/relay_servers.c - the servers under load: our relay and those of Debian, each in a folder
 * of its own, on a free port of this machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#include "relay_bench.h"

#define ARGS_MAX 32u
#define START_MS 10000u

/* ---- processes ---- */

/* What the server said, since its folder goes. */
void
bench_show_log(const struct load_target *t)
{
    char path[300], line[512];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/log", t->dir);
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        (void)fputs(line, stderr);
    if (f != NULL)
        (void)fclose(f);
}

uint16_t
bench_free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
              getsockname(fd, (struct sockaddr *)&a, &n) == 0;

    if (fd >= 0)
        (void)close(fd);
    return ok ? ntohs(a.sin_port) : 0;
}

enum dt_err
bench_make_dir(const struct bench_options *o, struct load_target *t)
{
    (void)snprintf(t->dir, sizeof(t->dir), "%s/dt-bench-relay-XXXXXX", o->dir);
    if (mkdtemp(t->dir) == NULL)
        return dt_fail(DT_ERR_IO, "%s: cannot make a folder here: %s", o->dir, strerror(errno));
    (void)snprintf(t->host, sizeof(t->host), "127.0.0.1");
    t->port = bench_free_port();
    return DT_OK;
}

enum dt_err
bench_spawn(struct load_target *t, const char *const argv[])
{
    /* execvp() takes what it does not change as if it did. */
    union {
        const char *const *in;
        char *const *out;
    } cast = {.in = argv};
    char log[300];
    pid_t pid;

    (void)snprintf(log, sizeof(log), "%s/log", t->dir);
    pid = fork();
    if (pid == 0) {
        int fd = open(log, O_CREAT | O_APPEND | O_WRONLY, 0600), null = open("/dev/null", O_RDONLY);

        (void)dup2(null, 0);
        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
        execvp(argv[0], cast.out);
        _exit(127);
    }
    if (pid < 0)
        return dt_fail(DT_ERR_IO, "cannot start %s: %s", argv[0], strerror(errno));
    t->pid = pid;
    return DT_OK;
}

enum dt_err
bench_wait_serving(struct load_target *t)
{
    for (unsigned int ms = 0; ms < START_MS; ms += 10) {
        int fd = load_connect(t);

        if (fd >= 0) {
            (void)close(fd);
            return DT_OK;
        }
        if (waitpid(t->pid, NULL, WNOHANG) == t->pid) {
            t->pid = 0;
            break;
        }
        usleep(10000);
    }
    bench_show_log(t);
    return dt_fail(DT_ERR_STATE, "%s does not serve", t->name);
}

void
bench_server_end(struct load_target *t)
{
    if (t->pid <= 0)
        return;
    /* At once; of PostgreSQL SIGTERM would wait for those connected. */
    (void)kill(t->pid, t->protocol == &load_postgres ? SIGINT : SIGTERM);
    (void)waitpid(t->pid, NULL, 0);
    t->pid = 0;
    if (t->database > 0) {
        (void)kill(t->database, SIGINT);
        (void)waitpid(t->database, NULL, 0);
        t->database = 0;
    }
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void
bench_server_remove(struct load_target *t)
{
    bench_server_end(t);
    if (t->dir[0] != '\0')
        (void)nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    t->dir[0] = '\0';
}

/* ${of}(pid) of ${pid} and its children: a server may be several processes. */
static double
of_family(pid_t pid, double (*of)(pid_t pid))
{
    double sum = of(pid);
    char path[64];
    int child;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    f = fopen(path, "re");
    while (f != NULL && fscanf(f, "%d", &child) == 1)
        sum += of_family(child, of);
    if (f != NULL)
        (void)fclose(f);
    return sum;
}

static double
pss_of(pid_t pid)
{
    char path[64], line[256];
    double kib = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, "Pss:", 4) == 0)
            kib = strtod(line + 4, NULL);
    if (f != NULL)
        (void)fclose(f);
    return kib;
}

/* Of its children that ended, too. */
static double
cpu_of(pid_t pid)
{
    unsigned long long t[4] = {0};
    char path[64], line[1024], *at = NULL;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (f != NULL && fgets(line, sizeof(line), f) != NULL)
        at = strrchr(line, ')');
    if (f != NULL)
        (void)fclose(f);
    if (at == NULL ||
        sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &t[0],
               &t[1], &t[2], &t[3]) != 4)
        return 0;
    return (double)(t[0] + t[1] + t[2] + t[3]) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

uint64_t
bench_pss_kib(pid_t pid)
{
    return (uint64_t)of_family(pid, pss_of);
}

double
bench_cpu_us(pid_t pid)
{
    return of_family(pid, cpu_of);
}

static uint64_t bytes_seen;

static int
count_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)path;
    (void)ftw;
    if (flag == FTW_F)
        bytes_seen += (uint64_t)st->st_size;
    return 0;
}

uint64_t
bench_dir_bytes(const char *dir)
{
    bytes_seen = 0;
    (void)nftw(dir, count_one, 16, FTW_PHYS);
    return bytes_seen;
}

/* ---- others ---- */

static enum dt_err
write_file(const struct load_target *t, const char *name, const char *text)
{
    char path[300];

    (void)snprintf(path, sizeof(path), "%s/%s", t->dir, name);
    return dt_file_write(path, dt_view_str(text), 0600);
}

/* Say ${text} to the server and wait until ${n} times ${want} came back. */
static enum dt_err
talk(struct load_target *t, const char *text, const char *want, size_t n)
{
    char in[65536];
    size_t got = 0, len = strlen(text);
    int fd = load_connect(t);
    bool ok = fd >= 0 && send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;

    for (int i = 0; ok && i < 1000; i++) {
        ssize_t k = recv(fd, in + got, sizeof(in) - 1 - got, 0);
        size_t found = 0;

        got += k > 0 ? (size_t)k : 0;
        in[got] = '\0';
        for (const char *at = in; (at = strstr(at, want)) != NULL; at += strlen(want))
            found++;
        if (found >= n) {
            (void)close(fd);
            return DT_OK;
        }
        usleep(10000);
    }
    if (fd >= 0)
        (void)close(fd);
    return dt_fail(DT_ERR_STATE, "%s cannot be set up: %.*s", t->name, (int)(got > 200 ? 200 : got),
                   in);
}

static enum dt_err
start_redis(const struct bench_options *o, struct load_target *t)
{
    char port[16];
    const char *argv[] = {"redis-server",
                          "--port",
                          port,
                          "--bind",
                          "127.0.0.1",
                          "--dir",
                          t->dir,
                          "--appendonly",
                          "yes",
                          "--appendfsync",
                          "always",
                          "--save",
                          "",
                          "--daemonize",
                          "no",
                          NULL};
    enum dt_err err;

    (void)o;
    t->durability = "appendonly, fsync always";
    t->protocol = &load_redis;
    (void)snprintf(port, sizeof(port), "%u", t->port);
    if ((err = bench_spawn(t, argv)) != DT_OK || (err = bench_wait_serving(t)) != DT_OK)
        return err;
    return talk(t,
                "XGROUP CREATE q0 g 0 MKSTREAM\r\nXGROUP CREATE q1 g 0 MKSTREAM\r\n"
                "XGROUP CREATE q2 g 0 MKSTREAM\r\nXGROUP CREATE q3 g 0 MKSTREAM\r\n",
                "+OK", LOAD_QUEUES);
}

static enum dt_err
start_nats(const struct bench_options *o, struct load_target *t)
{
    char port[16], store[300], text[4096];
    const char *argv[] = {"nats-server", "-a", "127.0.0.1", "-p", port, "-js", "-sd", store, NULL};
    size_t n;
    enum dt_err err;

    (void)o;
    t->durability = "JetStream file, page cache";
    t->protocol = &load_nats;
    (void)snprintf(port, sizeof(port), "%u", t->port);
    (void)snprintf(store, sizeof(store), "%s/store", t->dir);
    if ((err = bench_spawn(t, argv)) != DT_OK || (err = bench_wait_serving(t)) != DT_OK)
        return err;
    n = (size_t)snprintf(text, sizeof(text), "CONNECT {\"verbose\":false}\r\nSUB _INBOX.x 1\r\n");
    for (unsigned int i = 0; i < LOAD_QUEUES; i++) {
        char body[256];
        int len = snprintf(body, sizeof(body),
                           "{\"name\":\"Q%u\",\"subjects\":[\"q%u\"],\"retention\":\"limits\","
                           "\"storage\":\"file\",\"num_replicas\":1}",
                           i, i);

        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              "PUB $JS.API.STREAM.CREATE.Q%u _INBOX.x %d\r\n%s\r\n", i, len, body);
        len = snprintf(body, sizeof(body),
                       "{\"stream_name\":\"Q%u\",\"config\":{\"durable_name\":\"c\","
                       "\"ack_policy\":\"explicit\",\"max_ack_pending\":20000}}",
                       i);
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              "PUB $JS.API.CONSUMER.DURABLE.CREATE.Q%u.c _INBOX.x %d\r\n%s\r\n", i,
                              len, body);
    }
    return talk(t, text, "\"created\":", 2 * LOAD_QUEUES);
}

static enum dt_err
start_mosquitto(const struct bench_options *o, struct load_target *t)
{
    char conf[600], path[300];
    const char *argv[] = {"mosquitto", "-c", path, NULL};
    const char *bin =
        access("/usr/sbin/mosquitto", X_OK) == 0 ? "/usr/sbin/mosquitto" : "mosquitto";
    enum dt_err err;

    argv[0] = bin;
    (void)o;
    t->durability = "memory";
    t->protocol = &load_mqtt;
    (void)snprintf(path, sizeof(path), "%s/conf", t->dir);
    (void)snprintf(conf, sizeof(conf),
                   "listener %u 127.0.0.1\nallow_anonymous true\npersistence true\n"
                   "persistence_location %s/\nmax_queued_messages 0\nmax_inflight_messages 1000\n"
                   "set_tcp_nodelay true\n%s",
                   t->port, t->dir, geteuid() == 0 ? "user root\n" : "");
    if ((err = write_file(t, "conf", conf)) != DT_OK || (err = bench_spawn(t, argv)) != DT_OK)
        return err;
    return bench_wait_serving(t);
}

/* Run ${argv} to its end; as nobody when we are root, as PostgreSQL wants it. */
static enum dt_err
run_as_nobody(const struct load_target *t, const char *const argv[], bool wait_for_it, int *out_pid)
{
    static const char *const drop[] = {"setpriv", "--reuid", "65534",
                                       "--regid", "65534",   "--clear-groups"};
    const char *all[ARGS_MAX] = {NULL};
    struct load_target p = {.name = argv[0]};
    size_t n = 0;
    int status = 1;
    enum dt_err err;

    for (size_t i = 0; geteuid() == 0 && i < sizeof(drop) / sizeof(drop[0]); i++)
        all[n++] = drop[i];
    for (size_t i = 0; argv[i] != NULL && n < ARGS_MAX - 1; i++)
        all[n++] = argv[i];
    memcpy(p.dir, t->dir, sizeof(p.dir));
    if ((err = bench_spawn(&p, all)) != DT_OK)
        return err;
    *out_pid = p.pid;
    if (wait_for_it && (waitpid(p.pid, &status, 0) != p.pid || status != 0))
        return dt_fail(DT_ERR_STATE, "%s failed", argv[0]);
    return DT_OK;
}

#define POSTGRES_BIN "/usr/lib/postgresql/15/bin/"

enum dt_err
bench_postgres_serve(struct load_target *t, const char *schema)
{
    char data[300], port[16], sockets[300];
    const char *const init[] = {POSTGRES_BIN "initdb", "-D",          data, "-U",   "postgres",
                                "--auth=trust",        "--no-locale", "-E", "UTF8", NULL};
    const char *const serve[] = {POSTGRES_BIN "postgres",      "-D", data,    "-p", port, "-c",
                                 "listen_addresses=127.0.0.1", "-c", sockets, NULL};
    const char *const make[] = {"psql", "-q",       "-h", "127.0.0.1", "-p", port,
                                "-U",   "postgres", "-c", schema,      NULL};
    int pid = 0;
    enum dt_err err;

    t->protocol = &load_postgres; /* which says how it is ended */
    (void)snprintf(data, sizeof(data), "%s/data", t->dir);
    (void)snprintf(port, sizeof(port), "%u", t->port);
    (void)snprintf(sockets, sizeof(sockets), "unix_socket_directories=%s", t->dir);
    if (geteuid() == 0 && chown(t->dir, 65534, 65534) != 0)
        return dt_fail(DT_ERR_IO, "%s: cannot be given away", t->dir);
    if ((err = run_as_nobody(t, init, true, &pid)) == DT_OK &&
        (err = run_as_nobody(t, serve, false, &t->pid)) == DT_OK)
        err = bench_wait_serving(t);
    for (int i = 0; err == DT_OK && i < 100; i++) {
        if (run_as_nobody(t, make, true, &pid) == DT_OK)
            return DT_OK;
        usleep(100000);
    }
    bench_show_log(t);
    return err != DT_OK ? err : dt_fail(DT_ERR_STATE, "PostgreSQL does not serve");
}

static enum dt_err
start_postgres(const struct bench_options *o, struct load_target *t)
{
    (void)o;
    t->durability = "synchronous_commit, a commit each; polled every 5 ms";
    return bench_postgres_serve(
        t, "CREATE TABLE m(id bigserial PRIMARY KEY, queue int NOT NULL, cell bytea NOT NULL);"
           "CREATE INDEX m_queue ON m(queue, id)");
}

static const struct {
    const char *name, *program[2];
    enum dt_err (*start)(const struct bench_options *o, struct load_target *t);
} peers[] = {
    {"redis", {"/usr/bin/redis-server", NULL}, start_redis},
    {"nats", {"/usr/sbin/nats-server", "/usr/bin/nats-server"}, start_nats},
    {"mosquitto", {"/usr/sbin/mosquitto", NULL}, start_mosquitto},
    {"postgres", {POSTGRES_BIN "postgres", NULL}, start_postgres},
    {"detente-on-postgres", {POSTGRES_BIN "postgres", NULL}, bench_relay_on_postgres},
};

bool
bench_peer_known(const char *name)
{
    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
        if (strcmp(peers[i].name, name) == 0)
            return true;
    return false;
}

enum dt_err
bench_peer_start(const struct bench_options *o, const char *name, struct load_target *t)
{
    enum dt_err err;

    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
        if (strcmp(peers[i].name, name) != 0)
            continue;
        if (access(peers[i].program[0], X_OK) != 0 &&
            (peers[i].program[1] == NULL || access(peers[i].program[1], X_OK) != 0))
            return dt_fail(DT_ERR_NOT_FOUND, "%s is not installed", name);
        t->name = name;
        return (err = bench_make_dir(o, t)) != DT_OK ? err : peers[i].start(o, t);
    }
    return dt_fail(DT_ERR_USAGE, "--peer: %s is not known", name);
}
