/*
 * relay/program/program.c - see program.h.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"
#include "relay/program/program.h"

static int
exit_code(enum dt_err err)
{
    switch (err) {
    case DT_OK:
        return 0;
    case DT_ERR_USAGE:
        return 2;
    case DT_ERR_IO:
    case DT_ERR_NET:
    case DT_ERR_NOT_FOUND:
    case DT_ERR_NOMEM:
    case DT_ERR_INTERNAL:
        return 3;
    case DT_ERR_REFUSED:
    case DT_ERR_LOCKED:
    case DT_ERR_BUSY:
    case DT_ERR_EXISTS:
        return 4;
    default:
        return 1;
    }
}

int
program_finish(enum dt_err err)
{
    if (err != DT_OK)
        fprintf(stderr, "detente-relay: %s\n", dt_err_message());
    return exit_code(err);
}

enum dt_err
program_number(const struct options *o, const char *name, uint64_t max, uint64_t none,
               uint64_t *out)
{
    const char *text = option_value(o, name, 0);

    if (text == NULL) {
        *out = none;
        return DT_OK;
    }
    if (dt_decimal_read(dt_view_str(text), max, out) != DT_OK || *out == 0)
        return dt_fail(DT_ERR_USAGE, "%s: expected a number from 1 to %llu",
                       option_where(o, name, 0), (unsigned long long)max);
    return DT_OK;
}

#define FILES_BESIDE 64u /* descriptors for all but connections */

/* As many open files as the system allows this process, and no more connections than those
 * suffice for. */
enum dt_err
program_limits(bool chosen, uint64_t *connections)
{
    struct rlimit files = {0, 0}, core = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &core);
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return dt_fail(DT_ERR_IO, "the limit of open files is not known");
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur >= *connections + FILES_BESIDE)
        return DT_OK;
    if (chosen || files.rlim_cur <= 2 * FILES_BESIDE)
        return dt_fail(DT_ERR_USAGE,
                       "%llu connections need %llu open files; raise the limit of %llu (ulimit -n)",
                       (unsigned long long)*connections,
                       (unsigned long long)*connections + FILES_BESIDE,
                       (unsigned long long)files.rlim_cur);
    *connections = files.rlim_cur - FILES_BESIDE;
    relay_log(RELAY_LOG_WARNING, "limits", NULL, 0,
              "at most %llu connections, for want of open files (ulimit -n)",
              (unsigned long long)*connections);
    return DT_OK;
}

bool
program_on_loopback(const char *listen)
{
    return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]:", 6) == 0;
}

enum dt_err
program_write_port(const char *path, uint16_t port)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%u\n", port);

    return dt_file_write(path, dt_view((const uint8_t *)text, (size_t)n), 0644);
}

static sigset_t stop_signals;

void
program_block_signals(bool reload)
{
    /* Before any thread is there, so that all inherit it and only sigwait() below takes them. */
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGTERM);
    sigaddset(&stop_signals, SIGINT);
    if (reload)
        sigaddset(&stop_signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &stop_signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

int
program_wait_signal(uint64_t ms)
{
    struct timespec at = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    int got;

    do {
        got = ms == 0 ? sigwaitinfo(&stop_signals, NULL) : sigtimedwait(&stop_signals, NULL, &at);
    } while (got < 0 && errno == EINTR);
    return got > 0 ? got : 0;
}

enum dt_err
program_log_settings(const struct options *o, struct relay_log_settings *out)
{
    const char *format = option_value(o, "--log-format", 0);
    const char *level = option_value(o, "--log-level", 0);
    struct relay_log_settings got = {.level = RELAY_LOG_INFO};

    if (format != NULL && strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return dt_fail(DT_ERR_USAGE, "%s: expected text or json",
                       option_where(o, "--log-format", 0));
    if (level != NULL && !relay_log_level_of(level, &got.level))
        return dt_fail(DT_ERR_USAGE, "%s: expected error, warning, notice, info or debug",
                       option_where(o, "--log-level", 0));
    got.addresses = option_value(o, "--log-addresses", 0) != NULL;
    got.json = format != NULL && strcmp(format, "json") == 0;
    /* systemd sets it where standard error goes to its journal (systemd.exec(5)). */
    got.priorities = getenv("JOURNAL_STREAM") != NULL;
    *out = got;
    return DT_OK;
}
