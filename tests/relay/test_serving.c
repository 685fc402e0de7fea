/*
 * tests/relay/test_serving.c - a serving relay towards its operator: metrics that a collector can
 * read and the docs name, systemd told how it is, and an end within two seconds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/mem.h"
#include "relay_fixture.h"

static struct fixture fx;
static struct fixture_queue queue;
static char log_path[128];
static int notify_fd = -1;

static bool
log_has(const char *text)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);

    return dt_file_read(log_path, &b) == DT_OK && b.n > 0 &&
           memmem(b.p, b.n, text, strlen(text)) != NULL;
}

/* The number behind ${text} in the log. */
static unsigned int
log_number(const char *text)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    const char *at;

    OK(dt_file_read(log_path, &b));
    OK(dt_buf_append(&b, dt_view((const uint8_t *)"", 1)));
    at = strstr((const char *)b.p, text);
    assert_non_null(at);
    return (unsigned int)strtoul(at + strlen(text), NULL, 10);
}

/* The next message to systemd, within ${ms}; "" when none came. */
static const char *
notified(int ms)
{
    static char message[512];
    struct timeval limit = {ms / 1000, (ms % 1000) * 1000};
    ssize_t n;

    assert_int_equal(setsockopt(notify_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    n = recv(notify_fd, message, sizeof(message) - 1, 0);
    message[n < 0 ? 0 : n] = '\0';
    return message;
}

static void
serve(const char *metrics)
{
    char signed_file[128];

    (void)snprintf(signed_file, sizeof(signed_file), "%s/signed", fx.dir);
    fx.pid = fork();
    if (fx.pid == 0) {
        int fd = open(log_path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

        (void)dup2(fd, 2);
        (void)setenv("WATCHDOG_USEC", "1000000", 1);
        (void)unsetenv("WATCHDOG_PID");
        execl(getenv("DT_RELAY_BIN"), "detente-relay", "serve", "--store", fx.store, "--listen",
              fx.listen, "--metrics", metrics, fixture_on_postgres() ? "--signed" : (char *)NULL,
              signed_file, (char *)NULL);
        _exit(99);
    }
}

static int
begin(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    (void)state;
    fixture_begin(&fx, NULL);
    fixture_queue_new(&fx, &queue);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    (void)snprintf(log_path, sizeof(log_path), "%s/serving.log", fx.dir);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", fx.dir);
    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(notify_fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", at.sun_path, 1), 0);
    serve("127.0.0.1:0");
    return 0;
}

static int
finish(void **state)
{
    (void)state;
    close(notify_fd);
    fixture_finish(&fx);
    return 0;
}

/* Ready when it serves, alive each half of the time allowed, and a reload is told. */
static void
systemd_is_told(void **state)
{
    (void)state;
    assert_string_equal(notified(20000), "READY=1\nSTATUS=serving");
    assert_true(log_has("started, port "));
    assert_string_equal(notified(2000), "WATCHDOG=1");
    assert_int_equal(kill(fx.pid, SIGHUP), 0);
    for (const char *m = notified(2000);; m = notified(2000)) {
        if (strcmp(m, "WATCHDOG=1") == 0)
            continue;
        assert_int_equal(strncmp(m, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
        break;
    }
    assert_string_equal(notified(2000), "READY=1");
}

/* ---- metrics ---- */

static void
get_metrics(struct dt_buf *out)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer answer = {0};
    char url[64];
    struct dt_http_call call = {.method = "GET", .base = url, .path = "/metrics"};

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", log_number("metrics on port "));
    OK(dt_http_call(fx.http, &call, &answer));
    assert_int_equal(answer.status, 200);
    OK(dt_buf_append(out, dt_buf_view(&answer.body)));
    OK(dt_buf_append(out, dt_view((const uint8_t *)"", 1)));
}

static void
read_source(const char *name, struct dt_buf *out)
{
    char path[512];

    assert_non_null(getenv("DT_TOP"));
    (void)snprintf(path, sizeof(path), "%s/%s", getenv("DT_TOP"), name);
    OK(dt_file_read(path, out));
    OK(dt_buf_append(out, dt_view((const uint8_t *)"", 1)));
}

/* One line of samples: of the family announced last, with a number at its end. */
static void
check_sample(const char *line, const char *family, const char *type)
{
    static const char *const ends[] = {"_total", "_bucket", "_sum", "_count", ""};
    size_t len = strcspn(line, "{ "), n = strlen(family);
    const char *value = strrchr(line, ' ');
    char *end = NULL;
    bool known = false;

    assert_true(strncmp(line, family, n) == 0);
    for (size_t i = 0; i < 5; i++) {
        if (len == n + strlen(ends[i]) && strncmp(line + n, ends[i], strlen(ends[i])) == 0)
            known = (strcmp(type, "gauge") == 0 && i == 4) ||
                    (strcmp(type, "counter") == 0 && i == 0) ||
                    (strcmp(type, "histogram") == 0 && i >= 1 && i <= 3);
    }
    if (!known)
        fail_msg("no sample of the %s %s: %s", type, family, line);
    assert_non_null(value);
    (void)strtod(value + 1, &end);
    assert_true(end != value + 1 && *end == '\0');
}

/* The text is OpenMetrics; every family is in the docs, every name in docs and alerts a family. */
static void
metrics_are_as_documented(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf docs = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf rules = DT_BUF_INIT(1u << 20);
    const struct dt_buf *const named[] = {&docs, &rules};
    char *families[64], *save = NULL, type[16] = "";
    size_t n = 0;

    (void)state;
    (void)snprintf(fx.url, sizeof(fx.url), "http://127.0.0.1:%u", log_number("started, port "));
    for (unsigned int i = 0; i < 3; i++) {
        uint8_t cell[512] = {1}, seal[32] = {(uint8_t)i};
        struct dt_wire_append a = {.append_id = {(uint8_t)i}, .cell = dt_view_of(cell)};
        uint64_t at = 0;

        OK(dt_relay_append(fx.http, fx.url, queue.address, dt_view_of(queue.write), &a, &at));
        OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[0].append_key), seal,
                              &at));
    }
    get_metrics(&text);
    read_source("docs/operating.md", &docs);
    read_source("packaging/prometheus/detente-relay.rules.yml", &rules);
    assert_non_null(strstr((const char *)text.p, "acknowledged_total{kind=\"cell\"} 3\n"));
    assert_non_null(strstr((const char *)text.p, "acknowledged_total{kind=\"entry\"} 3\n"));
    assert_non_null(
        strstr((const char *)text.p, "requests_total{route=\"append\",status=\"200\"} 3\n"));
    assert_non_null(strstr((const char *)text.p, "\ndetente_relay_cells 3\n"));
    assert_non_null(strstr((const char *)text.p, "register_unattested_entries{register=\""));
    assert_true(text.n > 7 && strcmp((const char *)text.p + text.n - 7, "# EOF\n") == 0);
    for (char *line = strtok_r((char *)text.p, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char name[80];

        if (sscanf(line, "# TYPE %79s %15s", name, type) == 2) {
            assert_true(n < 64);
            families[n] = strchr(line + 7, ' ');
            *families[n] = '\0';
            families[n++] = line + 7;
            for (size_t i = 0; i + 1 < n; i++)
                assert_string_not_equal(families[i], families[n - 1]);
            if (strstr((const char *)docs.p, families[n - 1]) == NULL)
                fail_msg("docs/operating.md does not name %s", families[n - 1]);
        } else if (line[0] != '#') {
            assert_true(n > 0);
            check_sample(line, families[n - 1], type);
        }
    }
    for (size_t k = 0; k < 2; k++) {
        for (const char *at = (const char *)named[k]->p;
             (at = strstr(at, "detente_relay_")) != NULL;) {
            size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
            bool known = false;

            /* The sizes of a database and of its disk are not for the relay to see. */
            known = fixture_on_postgres() && (strncmp(at, "detente_relay_store_", 20) == 0 ||
                                              strncmp(at, "detente_relay_disk_", 19) == 0);
            for (size_t i = 0; i < n; i++)
                known = known || strncmp(at, families[i], strlen(families[i])) == 0;
            if (!known)
                fail_msg("there is no %.*s", (int)len, at);
            at += len;
        }
    }
}

static void
metrics_stay_on_loopback(void **state)
{
    const char *open[] = {"serve",       "--store",   fx.store,    "--listen",
                          "127.0.0.1:0", "--metrics", "0.0.0.0:0", NULL};

    (void)state;
    assert_int_equal(fixture_run(&fx, open), 2);
}

/* ---- the words of the program ---- */

static void
help_text(const char *command, struct dt_buf *out)
{
    const char *args[] = {command != NULL ? command : "--help", command != NULL ? "--help" : NULL,
                          NULL};
    char path[128];

    assert_int_equal(fixture_run(&fx, args), 0);
    (void)snprintf(path, sizeof(path), "%s/out", fx.dir);
    OK(dt_file_read(path, out));
    OK(dt_buf_append(out, dt_view((const uint8_t *)"", 1)));
}

/* A command's help has its own options and no other's; the program's has a line a command. */
static void
help_is_of_one_command(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf all = DT_BUF_INIT(65536), one = DT_BUF_INIT(65536);
    size_t lines = 0;

    (void)state;
    help_text(NULL, &all);
    help_text("revoke", &one);
    for (const uint8_t *at = all.p; *at != '\0'; at++)
        lines += *at == '\n';
    assert_true(lines >= 14 && lines <= 24);
    assert_non_null(strstr((const char *)all.p, "\n  revoke  "));
    assert_non_null(strstr((const char *)all.p, "\n  export-register DIR  "));
    assert_null(strstr((const char *)all.p, "--store"));
    assert_non_null(strstr((const char *)one.p, "\n  --register ID"));
    assert_null(strstr((const char *)one.p, "--listen"));
    assert_null(strstr((const char *)one.p, "check-config"));
}

/* ---- the end ---- */

static void *
poll_long(void *arg)
{
    struct dt_http_client *http = NULL;
    struct dt_wire_news news[DT_RELAY_POLL_MAX];
    struct dt_wire_poll wanted = {.after = 1000};
    size_t n = 1;

    (void)arg;
    memcpy(wanted.address, queue.address, 32);
    memcpy(wanted.read_token, queue.read, 32);
    if (dt_http_client_new(NULL, &http) == DT_OK &&
        dt_relay_poll(http, fx.url, &wanted, 1, 60, news, &n) != DT_OK)
        n = 2;
    dt_http_client_free(http);
    return n == 0 ? NULL : arg; /* answered, with no news */
}

/* Long polls, an idle connection and one in the middle of a body do not hold it up. */
static void
stops_within_two_seconds(void **state)
{
    static const char half[] = "POST /v1/poll HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\nx";
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000001)}};
    uint64_t begin_ms;
    pthread_t polls[4];
    int fds[2];

    (void)state;
    at.sin_port = htons((uint16_t)log_number("started, port "));
    for (size_t i = 0; i < 2; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], (const struct sockaddr *)&at, sizeof(at)), 0);
    }
    assert_int_equal(write(fds[1], half, sizeof(half) - 1), (ssize_t)sizeof(half) - 1);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&polls[i], NULL, poll_long, &fx), 0);
    usleep(500000);
    begin_ms = dt_monotonic_ms();
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    assert_true(dt_monotonic_ms() - begin_ms < 2000);
    for (size_t i = 0; i < 4; i++) {
        void *bad = &fx;

        assert_int_equal(pthread_join(polls[i], &bad), 0);
        assert_null(bad);
    }
    for (size_t i = 0; i < 2; i++)
        close(fds[i]);
    for (const char *m = notified(100);; m = notified(100)) {
        assert_string_not_equal(m, ""); /* nothing was said of the end */
        if (strncmp(m, "STOPPING=1\n", 11) == 0)
            break;
    }
    assert_true(log_has("stopped, "));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(systemd_is_told),          cmocka_unit_test(metrics_are_as_documented),
        cmocka_unit_test(metrics_stay_on_loopback), cmocka_unit_test(help_is_of_one_command),
        cmocka_unit_test(stops_within_two_seconds),
    };

    return cmocka_run_group_tests_name("relay/serving", tests, begin, finish);
}
