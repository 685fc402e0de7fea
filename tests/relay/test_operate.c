/*
 * tests/relay/test_operate.c - what an operator meets: the configuration file, check-config, and
 * the log of a serving relay, each by the real program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/log.h"
#include "relay_fixture.h"

static struct fixture fx;

static int
begin(void **state)
{
    (void)state;
    fixture_begin(&fx, NULL);
    return 0;
}

static int
finish(void **state)
{
    (void)state;
    fixture_finish(&fx);
    return 0;
}

static void
write_file(char *path, size_t size, const char *name, const char *text)
{
    (void)snprintf(path, size, "%s/%s", fx.dir, name);
    OK(dt_file_write(path, dt_view_str(text), 0600));
}

/* The file ${name} in the fixture's folder holds ${text}; times it does. */
static size_t
count_in(const char *name, const char *text)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    const uint8_t *at;
    char path[160];
    size_t n = 0, len = strlen(text);

    (void)snprintf(path, sizeof(path), "%s/%s", fx.dir, name);
    OK(dt_file_read(path, &b));
    for (size_t from = 0; (at = memmem(b.p + from, b.n - from, text, len)) != NULL; n++)
        from = (size_t)(at - b.p) + len;
    return n;
}

/* ---- configuration ---- */

/* Everything that is wrong is said, each with its file and line, and nothing is served. */
static void
all_faults_are_told(void **state)
{
    static const struct {
        const char *line, *told;
    } faults[] = {
        {"lisen = 127.0.0.1:0", ":2: there is no key lisen"},
        {"connections = many", ":3: connections: expected a number"},
        {"store", ":4: expected KEY = VALUE"},
        {"ca =", ":5: ca has no value"},
        {"require-sandbox = maybe", ":6: require-sandbox: expected yes or no"},
        {"log-level = loud", ":7: log-level: expected error"},
        {"connections = 5", ":8: connections stands in line 3 already"},
        {"config = other", ":9: there is no key config"},
        {"Log-format = json", ":10: a key is written in a-z"},
        {"log-format = x\x01y", ":11: the value of log-format is no line"},
        {"ca = /nonexistent", "/nonexistent: cannot be read"},
    };
    char text[2048] = "# a relay that is wrong in every line\n", path[160];
    const char *check[] = {"check-config", "--config", path, NULL};
    const char *json[] = {"check-config", "--config", path, "--json", NULL};
    const char *serve[] = {"serve", "--config", path, NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\n", faults[i].line);
    }
    write_file(path, sizeof(path), "conf", text);
    assert_int_equal(fixture_run(&fx, check), 1);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (count_in("out", faults[i].told) != 1)
            fail_msg("not told once: %s", faults[i].told);
    }
    assert_int_equal(count_in("out", "names no store"), 1);
    assert_int_equal(count_in("out", "says not where to listen"), 1);
    assert_int_equal(fixture_run(&fx, json), 1);
    assert_int_equal(count_in("out", "\"ok\": false"), 1);
    assert_int_equal(count_in("out", "there is no key lisen"), 1);
    assert_int_equal(fixture_run(&fx, serve), 1);
    assert_int_equal(count_in("out", ":2: there is no key lisen"), 1);
}

/* The file stands in for options, also of other commands; the command line wins. */
static void
command_line_wins(void **state)
{
    char text[512], path[160], vkey[8] = "x", out[200];
    const char *check[] = {"check-config", "--config", path, NULL};
    const char *export[] = {"export-register", out, "--config", path, NULL};
    const char *url[] = {"witness-url", "--config", path, "--vkey", vkey, NULL};
    const char *other[] = {"serve",   "--config", path, "--store", "/nonexistent/relay.db",
                           "--check", NULL};
    struct stat st;

    (void)state;
    (void)snprintf(text, sizeof(text), "store=%s\n  listen = 127.0.0.1:0  \n\n#\nlog-level=debug\n",
                   fx.store);
    write_file(path, sizeof(path), "conf", text);
    (void)snprintf(out, sizeof(out), "%s/export", fx.dir);
    assert_int_equal(fixture_run(&fx, check), 0);
    assert_int_equal(fixture_run(&fx, export), 0);
    assert_int_equal(stat(out, &st), 0);
    assert_int_equal(fixture_run(&fx, url), 2); /* the store is known, the key is wrong */
    assert_int_equal(count_in("out", "--store"), 0);
    assert_int_equal(fixture_run(&fx, other), 1);
    assert_true(count_in("out", "/nonexistent/relay.db") >= 1);
}

/* A store that others may read is no store to serve. */
static void
open_store_is_told(void **state)
{
    const char *check[] = {"check-config", "--store", fx.store, NULL};

    (void)state;
    assert_int_equal(fixture_run(&fx, check), 0);
    assert_int_equal(chmod(fx.store, 0640), 0);
    assert_int_equal(fixture_run(&fx, check), 1);
    assert_int_equal(count_in("out", "others may open it"), 1);
    assert_int_equal(chmod(fx.store, 0600), 0);
    assert_int_equal(fixture_run(&fx, check), 0);
}

/* ---- the log ---- */

static void
wait_for(const char *name, const char *text)
{
    for (int i = 0; i < 300 && count_in(name, text) == 0; i++)
        usleep(10000);
    assert_true(count_in(name, text) > 0);
}

/* SIGHUP: the log's settings are read anew, and a broken file changes nothing. */
static void
reloads_log_settings(void **state)
{
    char text[512], path[160], log[160], store[FIXTURE_STORE + 8];
    pid_t pid;
    int status = 0;

    (void)state;
    if (fixture_on_postgres())
        fixture_store(fx.dir, store);
    else
        (void)snprintf(store, sizeof(store), "%s.2", fx.store);
    (void)snprintf(text, sizeof(text),
                   "store = %s\nsigned = %s/2.signed\nlisten = 127.0.0.1:0\nlog-format = json\n",
                   store, fx.dir);
    write_file(path, sizeof(path), "conf", text);
    (void)snprintf(log, sizeof(log), "%s/hup.log", fx.dir);
    OK(dt_file_write(log, dt_view_str(""), 0600));
    pid = fork();
    if (pid == 0) {
        int fd = open(log, O_CREAT | O_APPEND | O_WRONLY, 0600);

        (void)dup2(fd, 2);
        execl(getenv("DT_RELAY_BIN"), "detente-relay", "serve", "--config", path, (char *)NULL);
        _exit(99);
    }
    wait_for("hup.log", "\"event\": \"started\"");
    assert_int_equal(count_in("hup.log", "detente-relay: "), 0);
    (void)snprintf(text, sizeof(text), "store = %s\nsigned = %s/2.signed\nlisten = 127.0.0.1:0\n",
                   store, fx.dir);
    write_file(path, sizeof(path), "conf", text);
    assert_int_equal(kill(pid, SIGHUP), 0);
    wait_for("hup.log", "detente-relay: the log's settings read again");
    write_file(path, sizeof(path), "conf", "log-format = json\nnonsense\n");
    assert_int_equal(kill(pid, SIGHUP), 0);
    wait_for("hup.log", "detente-relay: error: the log's settings stay as they are");
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(count_in("hup.log", "detente-relay: stopped"), 1);
}

/* In this process, with standard error in a file: what ${fn} logs. */
static void
capture(const char *name, void (*fn)(void))
{
    char path[160];
    int saved = dup(2), fd;

    (void)snprintf(path, sizeof(path), "%s/%s", fx.dir, name);
    fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(fd >= 0 && saved >= 0);
    (void)dup2(fd, 2);
    fn();
    (void)dup2(saved, 2);
    close(fd);
    close(saved);
}

static void
flood(void)
{
    const struct relay_log_settings text = {.level = RELAY_LOG_INFO, .priorities = true};

    relay_log_set(&text);
    for (int i = 0; i < 1000; i++)
        relay_log(RELAY_LOG_ERROR, "flood", NULL, 0, "flooded");
    relay_log(RELAY_LOG_WARNING, "calm", NULL, 0, "one\nline");
    relay_log(RELAY_LOG_DEBUG, "calm", NULL, 0, "unheard");
    usleep(1100000);
    relay_log(RELAY_LOG_ERROR, "flood", NULL, 0, "flooded");
}

static void
as_json(void)
{
    const struct relay_log_settings json = {.json = true};
    const struct relay_log_field fields[] = {{"who", "a \"b\"\\\n\xff", 0}, {"n", NULL, 7}};

    relay_log_set(&json);
    relay_log(RELAY_LOG_NOTICE, "odd", fields, 2, "two\nlines");
}

/* One event cannot fill the disk nor drown another; a line is one line. */
static void
log_is_bounded(void **state)
{
    (void)state;
    capture("flood.log", flood);
    assert_int_equal(count_in("flood.log", "\n"), 22);
    assert_int_equal(count_in("flood.log", "<3>detente-relay: flooded"), 21);
    assert_int_equal(count_in("flood.log", "(980 lines like this were left out before)"), 1);
    assert_int_equal(count_in("flood.log", "<4>detente-relay: one?line"), 1);
    capture("json.log", as_json);
    assert_int_equal(count_in("json.log", "\n"), 1);
    assert_int_equal(count_in("json.log", "\"message\": \"two\\u000alines\", \"who\": \"a "
                                          "\\\"b\\\"\\\\\\u000a\\ufffd\", \"n\": 7}\n"),
                     1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_faults_are_told),  cmocka_unit_test(command_line_wins),
        cmocka_unit_test(reloads_log_settings), cmocka_unit_test(log_is_bounded),
        cmocka_unit_test(open_store_is_told), /* of a file */
    };

    return FIXTURE_TESTS(tests, 4, begin, finish);
}
