/*
 * console/events.c - pages wait for news with a long poll; what is news is that something may be
 * different, never what.
 *
 * Source: docs/console-api.md "News".
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include "console/internal.h"

/* A request that waits. In dt_http_request.state. */
struct dt_console_poll {
    struct dt_console *console;
    struct dt_http_request *req;
    uint64_t until_ms;
    struct dt_console_poll *next;
};

static void
poll_free(void *state)
{
    struct dt_console_poll *p = state;
    struct dt_console *c = p->console;

    (void)pthread_mutex_lock(&c->lock);
    for (struct dt_console_poll **at = &c->polls; *at != NULL; at = &(*at)->next) {
        if (*at == p) {
            *at = p->next;
            break;
        }
    }
    (void)pthread_mutex_unlock(&c->lock);
    dt_free(p);
}

void
dt_console_wake_polls(struct dt_console *c)
{
    for (struct dt_console_poll *p = c->polls; p != NULL; p = p->next)
        dt_http_wake(p->req);
}

void
dt_console_changed(struct dt_console *c)
{
    (void)pthread_mutex_lock(&c->lock);
    c->at++;
    dt_console_wake_polls(c);
    (void)pthread_mutex_unlock(&c->lock);
}

void
dt_console_line(struct dt_console *c, bool online, uint64_t when_ms, const char *trouble)
{
    (void)pthread_mutex_lock(&c->lock);
    if (c->online != online || strncmp(c->trouble, trouble, sizeof c->trouble - 1) != 0) {
        c->at++;
        dt_console_wake_polls(c);
    }
    if (online) {
        c->line_ms = when_ms;
        c->off_ms = 0;
    } else if (c->off_ms == 0) {
        c->off_ms = when_ms;
    }
    c->online = online;
    (void)snprintf(c->trouble, sizeof c->trouble, "%s", trouble);
    (void)pthread_mutex_unlock(&c->lock);
}

/* Under the lock. */
static json_t *
work_json(const struct dt_console *c)
{
    json_t *list = json_array();

    if (c->now != NULL && c->now->has_id && c->now->what[0] != '\0') {
        char hex[2 * DT_CONSOLE_ID + 1];

        dt_hex_str(hex, dt_view_of(c->now->id));
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:I, s:I}", "id", hex, "what", c->now->what, "done",
                            (json_int_t)c->now->so_far, "of", (json_int_t)c->now->of));
    }
    return list;
}

static json_t *
news(struct dt_console *c, uint64_t after, bool always)
{
    json_t *root = NULL;

    (void)pthread_mutex_lock(&c->lock);
    if (always || c->at > after) {
        char when[DT_TIME_STR] = "", off[DT_TIME_STR] = "";

        if (c->line_ms != 0)
            dt_time_str(when, c->line_ms);
        if (c->off_ms != 0)
            dt_time_str(off, c->off_ms);
        root = json_pack("{s:I, s:b, s:s, s:s, s:s, s:o}", "at", (json_int_t)c->at, "online",
                         c->online, "last_sync", when, "offline_since", off, "trouble", c->trouble,
                         "work", work_json(c));
        if (root == NULL)
            root = json_null();
    }
    (void)pthread_mutex_unlock(&c->lock);
    return root;
}

enum dt_http_next
dt_console_events_handle(struct dt_console *c, struct dt_http_request *req,
                         struct dt_http_reply *reply)
{
    struct dt_console_poll *p = req->state;
    struct dt_view text;
    uint64_t after = 0;
    json_t *root;

    if (dt_http_query(req, "after", &text) && dt_decimal_read(text, INT64_MAX, &after) != DT_OK) {
        dt_console_reply_error(reply, 400, "format", "after= is no number", "");
        return DT_HTTP_REPLY;
    }
    if (p == NULL) {
        if ((p = dt_alloc(1, sizeof *p)) == NULL) {
            dt_console_reply_error(reply, 500, "nomem", "out of memory", "");
            return DT_HTTP_REPLY;
        }
        p->console = c;
        p->req = req;
        p->until_ms = dt_monotonic_ms() + DT_CONSOLE_POLL_MS;
        req->state = p;
        req->state_free = poll_free;
        (void)pthread_mutex_lock(&c->lock);
        p->next = c->polls;
        c->polls = p;
        (void)pthread_mutex_unlock(&c->lock);
    }
    root = news(c, after, req->timed_out || req->stopping || dt_monotonic_ms() >= p->until_ms);
    if (root == NULL) {
        req->deadline_ms = p->until_ms;
        return DT_HTTP_WAIT;
    }
    dt_console_reply_json(reply, 200, root);
    return DT_HTTP_REPLY;
}
