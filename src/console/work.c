/*
 * console/work.c - calls one after the other in a thread of their own, so that the server's thread
 * never waits for a disk, a relay or a passphrase's hash.
 *
 * Source: docs/console-api.md "Calls".
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/text.h"

#include "console/internal.h"

void
dt_console_answer_clear(struct dt_console_answer *answer)
{
    dt_buf_wipe(&answer->out);
    dt_buf_wipe(&answer->notes);
    dt_buf_clear(&answer->message);
    dt_buf_clear(&answer->advice);
}

static void
answer_init(struct dt_console_answer *answer)
{
    *answer = (struct dt_console_answer){0};
    dt_buf_init(&answer->out, DT_CONSOLE_ANSWER_MAX);
    dt_buf_init(&answer->notes, DT_CONSOLE_NOTES_MAX);
    dt_buf_init(&answer->message, 4096);
    dt_buf_init(&answer->advice, 8192);
}

/* ---- how far it is ---- */

void
dt_console_progress(struct dt_console_work *work, const char *what, uint64_t done, uint64_t of)
{
    struct dt_console *c = work->console;

    (void)pthread_mutex_lock(&c->lock);
    (void)snprintf(work->what, sizeof work->what, "%s", what);
    work->so_far = done;
    work->of = of;
    c->at++;
    dt_console_wake_polls(c);
    (void)pthread_mutex_unlock(&c->lock);
}

bool
dt_console_stopped(const struct dt_console_work *work)
{
    return atomic_load(&work->stopped);
}

static bool
has_id(const struct dt_console_work *work, const uint8_t id[static DT_CONSOLE_ID])
{
    return work->has_id && memcmp(work->id, id, DT_CONSOLE_ID) == 0;
}

bool
dt_console_cancel(struct dt_console *c, const uint8_t id[static DT_CONSOLE_ID])
{
    bool found = false;

    (void)pthread_mutex_lock(&c->lock);
    for (struct dt_console_work *w = c->first; w != NULL; w = w->next) {
        if (has_id(w, id)) {
            atomic_store(&w->stopped, true);
            found = true;
        }
    }
    if (c->now != NULL && has_id(c->now, id)) {
        atomic_store(&c->now->stopped, true);
        found = true;
    }
    (void)pthread_mutex_unlock(&c->lock);
    return found;
}

/* ---- the answer as JSON ---- */

static json_t *
text_json(const struct dt_buf *b)
{
    json_t *j = json_stringn(b->n > 0 ? (const char *)b->p : "", b->n);

    return j != NULL ? j : json_string(""); /* not UTF-8: nothing of it is for people */
}

static json_t *
files_json(struct dt_console *c, const struct dt_console_call *call)
{
    json_t *list = json_array();

    for (size_t i = 0; i < call->n_operands + call->n_options; i++) {
        const struct dt_console_value *v =
            i < call->n_operands ? &call->operands[i] : &call->options[i - call->n_operands];
        char hex[2 * DT_CONSOLE_ID + 1];
        uint64_t size = 0;

        if (!dt_console_file_written(&c->files, v, &size))
            continue;
        dt_hex_str(hex, dt_view_of(v->id));
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I}", "option",
                                                    v->name != NULL ? v->name : "", "name", v->file,
                                                    "download", hex, "size", (json_int_t)size));
    }
    return list;
}

/* The remarks, a line each. */
static json_t *
notes_json(const struct dt_buf *notes)
{
    json_t *list = json_array();

    for (size_t at = 0; at < notes->n;) {
        const uint8_t *end = memchr(notes->p + at, '\n', notes->n - at);
        const size_t n = end != NULL ? (size_t)(end - notes->p) - at : notes->n - at;
        json_t *line = json_stringn((const char *)notes->p + at, n);

        if (line != NULL && n > 0)
            (void)json_array_append_new(list, line);
        else
            json_decref(line);
        at += n + 1;
    }
    return list;
}

/* HTTP's number and our word for a class of errors. */
static unsigned int
status_of(enum dt_err err)
{
    switch (err) {
    case DT_ERR_NOT_FOUND:
        return 404;
    case DT_ERR_NOMEM:
    case DT_ERR_IO:
    case DT_ERR_INTERNAL:
        return 500;
    case DT_ERR_NET:
        return 502;
    case DT_ERR_BUSY:
        return 503;
    case DT_ERR_LOCKED:
    case DT_ERR_REFUSED:
        return 403;
    case DT_ERR_CONFLICT:
    case DT_ERR_EXISTS:
    case DT_ERR_STATE:
        return 409;
    case DT_OK:
    case DT_ERR_FORMAT:
    case DT_ERR_LIMIT:
    case DT_ERR_AUTH:
    case DT_ERR_PROOF:
    case DT_ERR_RANGE:
    case DT_ERR_EXPIRED:
    case DT_ERR_UNSUPPORTED:
    case DT_ERR_USAGE:
        break;
    }
    return 400;
}

static json_t *
error_json(const struct dt_console_answer *a, bool ended)
{
    return json_pack("{s:o, s:o, s:s, s:o}", "error", text_json(&a->message), "advice",
                     text_json(&a->advice), "code",
                     ended           ? "session"
                     : a->wrong      ? "wrong-passphrase"
                     : a->passphrase ? "passphrase"
                                     : dt_err_name(a->err),
                     "notes", notes_json(&a->notes));
}

/* What a command printed is a JSON document as a rule, and goes into the answer as it is. */
static enum dt_err
result_dump(struct dt_console_work *w, struct dt_buf *out)
{
    const struct dt_buf *printed = &w->answer.out;
    const bool is_json = printed->n > 0 && printed->p[0] == '{';
    DT_CLEANUP(dt_buf_wipe) struct dt_buf rest = DT_BUF_INIT(DT_CONSOLE_ANSWER_MAX);
    json_t *root =
        json_pack("{s:i, s:o, s:o, s:o}", "status", w->answer.status, "text",
                  is_json ? json_string("") : text_json(printed), "notes",
                  notes_json(&w->answer.notes), "files", files_json(w->console, &w->call));
    enum dt_err err = dt_console_dump(root, &rest);

    json_decref(root);
    if (err == DT_OK && (err = dt_buf_append(out, dt_view_str("{\"result\":"))) == DT_OK)
        err = dt_buf_append(out, is_json ? dt_buf_view(printed) : dt_view_str("null"));
    if (err == DT_OK && (err = dt_buf_append(out, dt_view_str(","))) == DT_OK)
        err = dt_buf_append(out, dt_view(rest.p + 1, rest.n - 1)); /* behind its bracket */
    return err;
}

static void
compose(struct dt_console_work *w)
{
    json_t *error;
    enum dt_err err;

    dt_buf_init(&w->reply, 2 * DT_CONSOLE_ANSWER_MAX);
    if (w->answer.err == DT_OK && !w->answer.passphrase) {
        w->status = 200;
        if ((err = result_dump(w, &w->reply)) == DT_OK)
            return;
        w->answer.err = err;
        dt_ignore(dt_buf_append(&w->answer.message, dt_view_str(dt_err_message())),
                  "the class of the error says it, too");
    }
    dt_buf_wipe(&w->reply);
    w->status = w->ended ? 401 : w->answer.passphrase ? 403 : status_of(w->answer.err);
    error = error_json(&w->answer, w->ended);
    dt_ignore(dt_console_dump(error, &w->reply),
              "an answer without a body is an error all the same");
    json_decref(error);
}

/* ---- the thread ---- */

/* Is the passphrase that came the home's? */
static void
try_unlock(const struct dt_console *c, struct dt_console_work *w)
{
    enum dt_err err = c->config.backend.passphrase(c->config.backend.ctx, &w->call.passphrase);

    if (err == DT_OK)
        return;
    w->answer.err = err;
    w->answer.passphrase = w->answer.wrong = err == DT_ERR_LOCKED;
    dt_ignore(dt_buf_append(&w->answer.message, dt_view_str(dt_err_message())),
              "the class of the error says it, too");
}

static void
run_one(struct dt_console *c, struct dt_console_work *w)
{
    enum dt_err err = atomic_load(&w->stopped)
                          ? dt_fail(DT_ERR_STATE, "stopped before it began; nothing was done")
                          : dt_console_files_lend(&c->files, &w->call);

    if (err != DT_OK) {
        w->answer.err = err;
        dt_ignore(dt_buf_append(&w->answer.message, dt_view_str(dt_err_message())),
                  "the class of the error says it, too");
    } else {
        if (w->unlock)
            try_unlock(c, w);
        else
            c->config.backend.run(c->config.backend.ctx, &w->call, w, &w->answer);
        dt_console_files_return(&c->files, &w->call);
        if (w->call.passphrase.n > 0 && dt_console_passphrase_was(&c->sessions, !w->answer.wrong)) {
            w->ended = true;
            dt_buf_clear(&w->answer.message);
            dt_ignore(dt_buf_append(&w->answer.message,
                                    dt_view_str("the passphrase was wrong too often: the console "
                                                "is locked; take a new address from the program")),
                      "the code says it, too");
        }
    }
    compose(w);
    dt_console_call_clear(&w->call);
    dt_console_answer_clear(&w->answer);
}

static void *
work(void *ctx)
{
    struct dt_console *c = ctx;

    (void)pthread_mutex_lock(&c->lock);
    for (;;) {
        struct dt_console_work *w = c->first;

        if (w == NULL && c->closing)
            break;
        if (w == NULL) {
            (void)pthread_cond_wait(&c->more, &c->lock);
            continue;
        }
        c->first = w->next;
        if (c->first == NULL)
            c->last = NULL;
        c->now = w;
        if (c->closing)
            atomic_store(&w->stopped, true);
        (void)pthread_mutex_unlock(&c->lock);
        run_one(c, w);
        (void)pthread_mutex_lock(&c->lock);
        c->now = NULL;
        c->n_waiting--;
        w->done = true;
        /* That it is at its end is news where it was seen to go on; what it changed is told by who
         * looks whether the home is as before. */
        if (w->what[0] != '\0') {
            c->at++;
            dt_console_wake_polls(c);
        }
        dt_http_wake(w->req);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

enum dt_err
dt_console_work_start(struct dt_console *c)
{
    if (pthread_create(&c->thread, NULL, work, c) != 0)
        return dt_fail(DT_ERR_NOMEM, "a thread cannot be had");
    c->running = true;
    return DT_OK;
}

void
dt_console_work_stop(struct dt_console *c)
{
    if (!c->running)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->closing = true;
    if (c->now != NULL)
        atomic_store(&c->now->stopped, true);
    (void)pthread_cond_signal(&c->more);
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_join(c->thread, NULL);
    c->running = false;
}

/* ---- requests ---- */

static void
work_free(void *state)
{
    struct dt_console_work *w = state;

    dt_console_call_clear(&w->call);
    dt_console_answer_clear(&w->answer);
    dt_buf_wipe(&w->reply);
    dt_free(w);
}

static enum dt_http_next
refuse(struct dt_http_reply *reply, enum dt_err err)
{
    dt_console_reply_error(reply, status_of(err), dt_err_name(err), dt_err_message(), "");
    return DT_HTTP_REPLY;
}

static enum dt_http_next
begin(struct dt_console *c, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct dt_console_work *w = dt_alloc(1, sizeof *w);
    enum dt_err err;
    bool taken;

    if (w == NULL)
        return refuse(reply, dt_nomem());
    w->console = c;
    w->req = req;
    atomic_init(&w->stopped, false);
    answer_init(&w->answer);
    req->state = w;
    req->state_free = work_free;
    w->unlock = strcmp(req->path, "/api/unlock") == 0;
    err = w->unlock ? dt_console_unlock_parse(req->body, &w->call)
                    : dt_console_call_parse(req->body, &w->call);
    if (err != DT_OK)
        return refuse(reply, err);
    w->has_id = w->call.has_id;
    memcpy(w->id, w->call.id, sizeof w->id);
    (void)pthread_mutex_lock(&c->lock);
    taken = !c->closing && c->n_waiting < DT_CONSOLE_CALLS;
    if (taken) {
        if (c->last != NULL)
            c->last->next = w;
        else
            c->first = w;
        c->last = w;
        c->n_waiting++;
        (void)pthread_cond_signal(&c->more);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return taken ? DT_HTTP_WAIT
                 : refuse(reply, dt_fail(DT_ERR_BUSY, "too many calls wait for their turn"));
}

enum dt_http_next
dt_console_call_handle(struct dt_console *c, struct dt_http_request *req,
                       struct dt_http_reply *reply)
{
    struct dt_console_work *w = req->state;
    bool done;

    if (w == NULL)
        return begin(c, req, reply);
    (void)pthread_mutex_lock(&c->lock);
    done = w->done;
    (void)pthread_mutex_unlock(&c->lock);
    if (!done)
        return DT_HTTP_WAIT;
    if (w->unlock && w->status == 200)
        dt_console_session_lock(&c->sessions, req->bearer, false);
    /* The page was locked meanwhile: what came of the call stays here. */
    if (!w->unlock && dt_console_session_is(&c->sessions, req->bearer) == DT_CONSOLE_LOCKED) {
        dt_console_reply_locked(reply);
        return DT_HTTP_REPLY;
    }
    dt_http_reply_body(reply, w->status, "application/json", &w->reply);
    return DT_HTTP_REPLY;
}
