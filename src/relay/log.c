/*
 * relay/log.c - see log.h.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"

#include "relay/log.h"

#define EVENTS_MAX 32u
#define BURST      20u
#define REFILL_MS  1000u

/* How many lines of an event may still be written, and how many were not. */
struct allowance {
    const char *event;
    uint64_t at_ms; /* when it was last refilled */
    unsigned int left;
    uint64_t left_out;
};

static struct {
    pthread_mutex_t lock;
    struct relay_log_settings settings;
    struct allowance events[EVENTS_MAX];
    size_t n;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .settings = {.level = RELAY_LOG_INFO}};

static const struct {
    const char *name;
    enum relay_log_level level;
} levels[] = {{"error", RELAY_LOG_ERROR},
              {"warning", RELAY_LOG_WARNING},
              {"notice", RELAY_LOG_NOTICE},
              {"info", RELAY_LOG_INFO},
              {"debug", RELAY_LOG_DEBUG}};
#define N_LEVELS (sizeof(levels) / sizeof(levels[0]))

bool
relay_log_level_of(const char *text, enum relay_log_level *out)
{
    for (size_t i = 0; i < N_LEVELS; i++) {
        if (strcmp(levels[i].name, text) == 0) {
            *out = levels[i].level;
            return true;
        }
    }
    return false;
}

static const char *
level_name(enum relay_log_level level)
{
    for (size_t i = 0; i < N_LEVELS; i++) {
        if (levels[i].level == level)
            return levels[i].name;
    }
    return "error";
}

void
relay_log_set(const struct relay_log_settings *settings)
{
    pthread_mutex_lock(&state.lock);
    state.settings = *settings;
    if (state.settings.level == 0)
        state.settings.level = RELAY_LOG_INFO;
    pthread_mutex_unlock(&state.lock);
}

/* ---- how much is said ---- */

static struct allowance *
allowance_of(const char *event)
{
    for (size_t i = 0; i < state.n; i++) {
        if (strcmp(state.events[i].event, event) == 0)
            return &state.events[i];
    }
    /* Events are a few words of this program; more than fit share the last place. */
    if (state.n == EVENTS_MAX)
        return &state.events[EVENTS_MAX - 1];
    state.events[state.n] =
        (struct allowance){.event = event, .at_ms = dt_monotonic_ms(), .left = BURST};
    return &state.events[state.n++];
}

/* May a line of ${event} be written now? Then *${left_out} were not since the last one. */
static bool
take(const char *event, uint64_t *left_out)
{
    struct allowance *a = allowance_of(event);
    uint64_t now = dt_monotonic_ms(), more = (now - a->at_ms) / REFILL_MS;

    if (more > 0) {
        a->left = more >= BURST - a->left ? BURST : a->left + (unsigned int)more;
        a->at_ms += more * REFILL_MS;
    }
    if (a->left == 0) {
        a->left_out++;
        return false;
    }
    a->left--;
    *left_out = a->left_out;
    a->left_out = 0;
    return true;
}

/* ---- one line ---- */

/* A line that grows in a fixed place, and is cut where it ends. */
struct line {
    char text[RELAY_LOG_LINE_MAX];
    size_t n;
};

static void add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct line *l, const char *fmt, ...)
{
    size_t room = sizeof(l->text) - l->n;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(l->text + l->n, room, fmt, ap);
    va_end(ap);
    if (n > 0)
        l->n += (size_t)n < room ? (size_t)n : room - 1;
}

static void
add_json_text(struct line *l, const char *text)
{
    char quoted[RELAY_LOG_LINE_MAX];

    dt_json_str(quoted, sizeof(quoted) / 2, dt_view_str(text));
    add(l, "%s", quoted);
}

static void
json_line(struct line *l, enum relay_log_level level, const char *event,
          const struct relay_log_field *fields, size_t n, const char *message, uint64_t left_out)
{
    struct timespec now;
    struct tm utc;
    char at[32];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc) == NULL || strftime(at, sizeof(at), "%FT%T", &utc) == 0)
        at[0] = '\0';
    add(l, "{\"time\": \"%s.%03ldZ\", \"level\": \"%s\", \"event\": \"%s\", \"message\": ", at,
        now.tv_nsec / 1000000, level_name(level), event);
    add_json_text(l, message);
    for (size_t i = 0; i < n && i < RELAY_LOG_FIELDS_MAX && l->n < sizeof(l->text) / 4 * 3; i++) {
        add(l, ", \"%s\": ", fields[i].key);
        if (fields[i].text != NULL)
            add_json_text(l, fields[i].text);
        else
            add(l, "%llu", (unsigned long long)fields[i].number);
    }
    if (left_out > 0)
        add(l, ", \"left_out\": %llu", (unsigned long long)left_out);
    add(l, "}");
}

/* Control characters, a line feed above all, would make a second line that says something else. */
static void
text_line(struct line *l, enum relay_log_level level, bool priorities, const char *message,
          uint64_t left_out)
{
    size_t at;

    if (priorities)
        add(l, "<%d>", (int)level);
    add(l, "detente-relay: ");
    at = l->n;
    add(l, "%s", message);
    for (; at < l->n; at++) {
        if ((unsigned char)l->text[at] < 0x20 || l->text[at] == 0x7f)
            l->text[at] = '?';
    }
    if (left_out > 0)
        add(l, " (%llu lines like this were left out before)", (unsigned long long)left_out);
}

static void
write_line(struct line *l)
{
    size_t done = 0;

    if (l->n > sizeof(l->text) - 2)
        l->n = sizeof(l->text) - 2;
    l->text[l->n++] = '\n';
    while (done < l->n) {
        ssize_t n = write(STDERR_FILENO, l->text + done, l->n - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nowhere to say it */
        done += (size_t)n;
    }
}

void
relay_log(enum relay_log_level level, const char *event, const struct relay_log_field *fields,
          size_t n, const char *fmt, ...)
{
    struct line line = {.n = 0};
    char message[400];
    uint64_t left_out = 0;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&state.lock);
    if (level <= state.settings.level && take(event, &left_out)) {
        if (state.settings.json)
            json_line(&line, level, event, fields, n, message, left_out);
        else
            text_line(&line, level, state.settings.priorities, message, left_out);
        write_line(&line);
    }
    pthread_mutex_unlock(&state.lock);
}

void
relay_log_peer(enum relay_log_level level, const char *event, const char *address, const char *what)
{
    const struct relay_log_field fields[] = {{"address", address, 0}};
    bool say;

    pthread_mutex_lock(&state.lock);
    say = state.settings.addresses && address[0] != '\0';
    pthread_mutex_unlock(&state.lock);
    relay_log(level, event, fields, say ? 1 : 0, "%s%s%s", what, say ? ": " : "",
              say ? address : "");
}

void
relay_log_err(const char *event, const char *what, enum dt_err err)
{
    const struct relay_log_field fields[] = {{"class", dt_err_name(err), 0}};

    relay_log(RELAY_LOG_ERROR, event, fields, 1, "error: %s%s%s: %s", what == NULL ? "" : what,
              what == NULL ? "" : ": ", dt_err_name(err), dt_err_message());
}
