/*
 * console/server.c - what is asked over HTTP, and by whom; see console.h.
 *
 * Source: docs/console-api.md.
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/guard.h"
#include "base/mem.h"
#include "base/text.h"
#include "console/guard.h"
#include "net/json.h"

#include "console/internal.h"

#define JSON  "application/json"
#define BYTES "application/octet-stream"

/*
 * For every answer. Scripts, styles and connections are ours alone; nothing frames the page, no
 * form leaves it, and no text becomes a script (Trusted Types). Source: W3C Content Security Policy
 * Level 3, W3C Trusted Types.
 */
static const struct dt_http_field fields[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; font-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
     "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Embedder-Policy", "require-corp"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
    {NULL, NULL},
};

/* ---- answers ---- */

enum dt_err
dt_console_dump(const void *root, struct dt_buf *out)
{
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    enum dt_err err = text != NULL ? dt_buf_append(out, dt_view_str(text)) : dt_nomem();

    if (text != NULL) {
        dt_wipe(text, strlen(text));
        dt_guard_free(text);
    }
    return err;
}

void
dt_console_reply_json(struct dt_http_reply *reply, unsigned int status, void *root)
{
    struct dt_buf body = DT_BUF_INIT(DT_CONSOLE_ANSWER_MAX);

    if (dt_console_dump(root, &body) != DT_OK) {
        dt_buf_clear(&body);
        status = 500;
    }
    json_decref(root);
    dt_http_reply_body(reply, status, JSON, &body);
}

void
dt_console_reply_error(struct dt_http_reply *reply, unsigned int status, const char *code,
                       const char *message, const char *advice)
{
    dt_console_reply_json(reply, status,
                          json_pack("{s:s, s:s, s:s, s:[]}", "error", message, "advice", advice,
                                    "code", code, "notes"));
}

static enum dt_http_next
refuse(struct dt_http_reply *reply, unsigned int status, const char *code, const char *message)
{
    dt_console_reply_error(reply, status, code, message, "");
    return DT_HTTP_REPLY;
}

void
dt_console_reply_locked(struct dt_http_reply *reply)
{
    dt_console_reply_error(reply, 423, "session-locked", "this page is locked",
                           "Give the passphrase of the home to unlock it.");
}

static enum dt_http_next
failed(struct dt_http_reply *reply, enum dt_err err)
{
    const unsigned int status = err == DT_ERR_NOT_FOUND                         ? 404
                                : err == DT_ERR_LIMIT                           ? 413
                                : err == DT_ERR_IO || err == DT_ERR_NOMEM       ? 500
                                : err == DT_ERR_REFUSED || err == DT_ERR_LOCKED ? 403
                                                                                : 400;

    return refuse(reply, status, dt_err_name(err), dt_err_message());
}

static enum dt_http_next
done(struct dt_http_reply *reply)
{
    dt_console_reply_json(reply, 200, json_object());
    return DT_HTTP_REPLY;
}

/* ---- what pages are made of ---- */

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", JSON},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".txt", "text/plain; charset=utf-8"},
};

static enum dt_http_next
asset(const struct dt_console *c, const char *path, struct dt_http_reply *reply)
{
    const char *name = strcmp(path, "/") == 0 ? "index.html" : path + 1;
    struct dt_buf body = DT_BUF_INIT(DT_CONSOLE_ANSWER_MAX);

    for (size_t i = 0; i < c->config.n_assets; i++) {
        const struct dt_embedded *a = &c->config.assets[i];
        const size_t n = strlen(a->name);
        const char *type = BYTES;

        if (strcmp(a->name, name) != 0)
            continue;
        for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
            const size_t e = strlen(types[k].ending);

            if (n > e && strcmp(a->name + n - e, types[k].ending) == 0)
                type = types[k].type;
        }
        if (dt_buf_append(&body, dt_view(a->data, a->len)) != DT_OK) {
            dt_buf_clear(&body);
            return refuse(reply, 500, "nomem", "out of memory");
        }
        dt_http_reply_body(reply, 200, type, &body);
        return DT_HTTP_REPLY;
    }
    return refuse(reply, 404, "not-found", "there is no such page");
}

/* ---- small calls, answered at once ---- */

static void
json_done(json_t **j)
{
    json_decref(*j);
}

static struct dt_view
member(const json_t *root, const char *name)
{
    const json_t *j = json_object_get(root, name);

    return json_is_string(j) ? dt_view((const uint8_t *)json_string_value(j), json_string_length(j))
                             : dt_view(NULL, 0);
}

static enum dt_http_next
session(struct dt_console *c, const struct dt_http_request *req, const json_t *root,
        struct dt_http_reply *reply)
{
    char token[2 * DT_CONSOLE_TOKEN + 1];
    enum dt_err err = dt_console_session_begin(&c->sessions, member(root, "key"), token);
    bool locked;

    (void)req;
    if (err != DT_OK)
        return failed(reply, err);
    locked = dt_console_session_is(&c->sessions, dt_view_str(token)) == DT_CONSOLE_LOCKED;
    dt_console_reply_json(reply, 200,
                          json_pack("{s:s, s:b, s:I}", "token", token, "locked", locked,
                                    "lock_after", (json_int_t)(c->config.lock_after_ms / 1000)));
    dt_wipe(token, sizeof token);
    return DT_HTTP_REPLY;
}

static enum dt_http_next
resume(struct dt_console *c, const struct dt_http_request *req, const json_t *root,
       struct dt_http_reply *reply)
{
    enum dt_err err =
        dt_console_key_add(&c->sessions, req->bearer, member(root, "key"), DT_CONSOLE_RESUME_MS);

    return err != DT_OK ? failed(reply, err) : done(reply);
}

/* The files of pages are of no more use where no page is open. */
static void
forget(struct dt_console *c)
{
    if (dt_console_sessions_all_locked(&c->sessions))
        dt_console_files_drop(&c->files);
}

static enum dt_http_next
lock(struct dt_console *c, const struct dt_http_request *req, const json_t *root,
     struct dt_http_reply *reply)
{
    (void)root;
    dt_console_session_lock(&c->sessions, req->bearer, true);
    forget(c);
    /* What waits for news hears that it is locked. */
    (void)pthread_mutex_lock(&c->lock);
    dt_console_wake_polls(c);
    (void)pthread_mutex_unlock(&c->lock);
    return done(reply);
}

static enum dt_http_next
end(struct dt_console *c, const struct dt_http_request *req, const json_t *root,
    struct dt_http_reply *reply)
{
    (void)root;
    dt_console_session_end(&c->sessions, req->bearer);
    forget(c);
    return done(reply);
}

static enum dt_http_next
present(struct dt_console *c, const struct dt_http_request *req, const json_t *root,
        struct dt_http_reply *reply)
{
    (void)root;
    dt_console_session_present(&c->sessions, req->bearer);
    return done(reply);
}

static enum dt_http_next
cancel(struct dt_console *c, const struct dt_http_request *req, const json_t *root,
       struct dt_http_reply *reply)
{
    uint8_t id[DT_CONSOLE_ID];

    (void)req;
    if (dt_hex_read_fixed(id, sizeof id, member(root, "id")) != DT_OK)
        return refuse(reply, 400, "format", "the id of the call is no id");
    if (!dt_console_cancel(c, id) && !dt_console_file_drop(&c->files, member(root, "id")))
        return refuse(reply, 404, "not-found", "no such call waits or runs, nor is there a file");
    return done(reply);
}

static enum dt_http_next
upload(struct dt_console *c, const struct dt_http_request *req, const json_t *root,
       struct dt_http_reply *reply)
{
    const json_t *size = json_object_get(root, "size");
    uint8_t id[DT_CONSOLE_ID];
    char hex[2 * DT_CONSOLE_ID + 1];
    enum dt_err err;

    (void)req;
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return refuse(reply, 400, "format", "the size of the file is no number");
    err = dt_console_upload_begin(&c->files, member(root, "name"),
                                  (uint64_t)json_integer_value(size), id);
    if (err != DT_OK)
        return failed(reply, err);
    dt_hex_str(hex, dt_view_of(id));
    dt_console_reply_json(reply, 200, json_pack("{s:s}", "upload", hex));
    return DT_HTTP_REPLY;
}

static enum dt_http_next
upload_piece(struct dt_console *c, const struct dt_http_request *req, const char *id,
             struct dt_http_reply *reply)
{
    uint64_t have = 0;
    enum dt_err err = dt_console_upload_piece(&c->files, dt_view_str(id), req->body, &have);

    if (err != DT_OK)
        return failed(reply, err);
    dt_console_reply_json(reply, 200, json_pack("{s:I}", "have", (json_int_t)have));
    return DT_HTTP_REPLY;
}

static enum dt_http_next
download(struct dt_console *c, const char *id, struct dt_http_reply *reply)
{
    struct dt_buf body = DT_BUF_INIT(DT_CONSOLE_FILE_MAX);
    enum dt_err err = dt_console_download(&c->files, dt_view_str(id), &body);

    if (err != DT_OK) {
        dt_buf_wipe(&body);
        return failed(reply, err);
    }
    dt_http_reply_body(reply, 200, BYTES, &body);
    return DT_HTTP_REPLY;
}

/* ---- routes ---- */

static bool
begins(const char *path, const char *with, const char **out_rest)
{
    const size_t n = strlen(with);

    if (strncmp(path, with, n) != 0 || path[n] == '\0')
        return false;
    *out_rest = path + n;
    return true;
}

static bool
is_type(const struct dt_http_request *req, const char *type)
{
    return req->content_type.p != NULL && dt_view_equal(req->content_type, dt_view_str(type));
}

static enum dt_http_next
is_locked(struct dt_console *c, struct dt_http_reply *reply)
{
    forget(c);
    dt_console_reply_locked(reply);
    return DT_HTTP_REPLY;
}

/* A POST whose body is a small JSON object; ${locked}: by a page that is locked. */
static enum dt_http_next
post_json(struct dt_console *c, const struct dt_http_request *req, bool locked,
          struct dt_http_reply *reply)
{
    static const struct {
        const char *path;
        bool when_locked;
        enum dt_http_next (*run)(struct dt_console *, const struct dt_http_request *,
                                 const json_t *, struct dt_http_reply *);
    } routes[] = {
        {"/api/session", true, session},  {"/api/resume", true, resume},
        {"/api/lock", true, lock},        {"/api/end", true, end},
        {"/api/present", false, present}, {"/api/cancel", false, cancel},
        {"/api/upload", false, upload},
    };
    DT_CLEANUP(json_done) json_t *root = NULL;
    enum dt_err err;

    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(req->path, routes[i].path) != 0 || (locked && !routes[i].when_locked))
            continue;
        if ((err = dt_json_parse(req->body, &root)) != DT_OK)
            return failed(reply, err);
        return routes[i].run(c, req, root, reply);
    }
    return locked ? is_locked(c, reply)
                  : refuse(reply, 404, "not-found", "there is no such thing to ask for");
}

static enum dt_http_next
api(struct dt_console *c, struct dt_http_request *req, struct dt_http_reply *reply)
{
    const bool post = req->method == DT_HTTP_POST;
    enum dt_console_standing standing;
    const char *rest;

    /* Sent by fetch() alone, and by no form: it makes a page of another origin ask first, and it
     * gets no answer. */
    if (post && begins(req->path, "/api/upload/", &rest) ? !is_type(req, BYTES)
                                                         : post && !is_type(req, JSON))
        return refuse(reply, 415, "format", "the body is not of the type that is asked for here");
    /* A call that was taken is answered, also where its wrong passphrase has ended the session. */
    if (post && req->state != NULL)
        return dt_console_call_handle(c, req, reply);
    standing = dt_console_session_is(&c->sessions, req->bearer);
    if (standing == DT_CONSOLE_NONE && strcmp(req->path, "/api/session") != 0)
        return refuse(reply, 401, "session",
                      "this page has no session: take a new address from the program");
    if (!post && req->method != DT_HTTP_GET)
        return refuse(reply, 405, "usage", "GET and POST are what is asked here");
    if (post && strcmp(req->path, "/api/unlock") == 0)
        return dt_console_call_handle(c, req, reply);
    if (standing == DT_CONSOLE_LOCKED)
        return post ? post_json(c, req, true, reply) : is_locked(c, reply);
    if (post && strcmp(req->path, "/api/call") == 0)
        return dt_console_call_handle(c, req, reply);
    if (!post && strcmp(req->path, "/api/events") == 0)
        return dt_console_events_handle(c, req, reply);
    if (post && begins(req->path, "/api/upload/", &rest))
        return upload_piece(c, req, rest, reply);
    if (!post && begins(req->path, "/api/download/", &rest))
        return download(c, rest, reply);
    if (post)
        return post_json(c, req, false, reply);
    return refuse(reply, 404, "not-found", "there is no such thing to ask for");
}

static struct dt_view
header(const struct dt_http_request *req, const char *name)
{
    struct dt_view v = {NULL, 0};

    if (!dt_http_header(req, name, &v))
        v.p = NULL;
    else if (v.p == NULL)
        v.p = (const uint8_t *)"";
    return v;
}

static enum dt_http_next
handle(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct dt_console *c = ctx;
    const struct dt_console_asker asker = {.host = header(req, "Host"),
                                           .origin = header(req, "Origin"),
                                           .fetch_site = header(req, "Sec-Fetch-Site"),
                                           .fetch_mode = header(req, "Sec-Fetch-Mode"),
                                           .fetch_dest = header(req, "Sec-Fetch-Dest"),
                                           .page = req->method == DT_HTTP_GET &&
                                                   strcmp(req->path, "/") == 0};
    const char *why = "";
    const unsigned int status = dt_console_guard(&asker, c->authority, c->local, &why);

    reply->fields = fields;
    if (status != 0)
        return refuse(reply, status, "refused", why);
    if (strncmp(req->path, "/api/", 5) == 0)
        return api(c, req, reply);
    if (req->method != DT_HTTP_GET)
        return refuse(reply, 405, "usage", "pages are read with GET");
    return asset(c, req->path, reply);
}

/* ---- start and stop ---- */

/* What stands before the last colon of "127.0.0.1:0" is a loopback address. */
static bool
is_loopback(const char *listen, size_t *out_n)
{
    static const char *const hosts[] = {"127.0.0.1", "[::1]"};

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        const size_t n = strlen(hosts[i]);

        if (strncmp(listen, hosts[i], n) == 0 && listen[n] == ':') {
            *out_n = n;
            return true;
        }
    }
    return false;
}

static enum dt_err
serve(struct dt_console *c, size_t host_n)
{
    const struct dt_http_server_config config = {.listen = c->config.listen,
                                                 .body_max = DT_CONSOLE_BODY_MAX,
                                                 .header_max = DT_CONSOLE_HEADER_MAX,
                                                 .held_max = 4 * DT_CONSOLE_ANSWER_MAX,
                                                 .connections_max = 64,
                                                 .handler = handle,
                                                 .ctx = c};
    enum dt_err err;

    if ((err = dt_console_work_start(c)) != DT_OK ||
        (err = dt_http_server_start(&config, &c->http)) != DT_OK)
        return err;
    (void)snprintf(c->authority, sizeof c->authority, "%.*s:%u", (int)host_n, c->config.listen,
                   (unsigned int)dt_http_server_port(c->http));
    (void)snprintf(c->local, sizeof c->local, "localhost:%u",
                   (unsigned int)dt_http_server_port(c->http));
    return DT_OK;
}

enum dt_err
dt_console_start(const struct dt_console_config *config, struct dt_console **out)
{
    DT_CLEANUP(dt_console_stop_p) struct dt_console *c = NULL;
    size_t host_n = 0;
    enum dt_err err;

    if (!is_loopback(config->listen, &host_n))
        return dt_fail(DT_ERR_USAGE, "the console listens on 127.0.0.1:PORT or [::1]:PORT and "
                                     "nowhere else");
    if ((c = dt_alloc(1, sizeof *c)) == NULL)
        return dt_nomem();
    c->config = *config;
    c->at = 1;
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_cond_init(&c->more, NULL);
    dt_console_sessions_init(&c->sessions);
    c->sessions.lock_after_ms = config->lock_after_ms;
    if ((err = dt_console_files_init(&c->files, config->folder)) != DT_OK ||
        (err = serve(c, host_n)) != DT_OK)
        return err;
    *out = c;
    c = NULL;
    return DT_OK;
}

void
dt_console_stop(struct dt_console *c)
{
    if (c == NULL)
        return;
    if (c->http != NULL)
        dt_http_server_quiesce(c->http);
    dt_console_work_stop(c);
    dt_http_server_stop(c->http);
    dt_console_files_clear(&c->files);
    dt_console_sessions_clear(&c->sessions);
    (void)pthread_cond_destroy(&c->more);
    (void)pthread_mutex_destroy(&c->lock);
    dt_free(c);
}

void
dt_console_stop_p(struct dt_console **c)
{
    dt_console_stop(*c);
    *c = NULL;
}

enum dt_err
dt_console_address(struct dt_console *c, struct dt_buf *out)
{
    char key[2 * DT_CONSOLE_KEY + 1];
    enum dt_err err = dt_console_key_new(&c->sessions, key);

    if (err == DT_OK)
        err = dt_buf_printf(out, "http://%s/#k=%s", c->authority, key);
    dt_wipe(key, sizeof key);
    return err;
}
