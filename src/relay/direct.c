/*
 * relay/direct.c - see direct.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "relay/handlers.h"

#include "relay/direct.h"

#define LOCK_LOOK_MS 20u

/* What the operator of a server would read in its log. */
struct trouble {
    enum dt_err err;
    char text[320];
};

static void
on_trouble(void *ctx, enum dt_err err)
{
    struct trouble *t = ctx;

    t->err = err;
    (void)snprintf(t->text, sizeof(t->text), "%s", dt_err_message());
}

/*
 * One process at a time: a register's edge is in the memory of who writes to it. The lock is on the
 * file itself, as nothing else is to stand on the stick; SQLite's own locks are of another kind
 * (fcntl(2)), and end when any descriptor of the file is closed, so this one is opened before
 * SQLite's and closed after them.
 */
static enum dt_err
lock_file(const char *path, unsigned int wait_ms, int *out_fd)
{
    const struct timespec look = {.tv_nsec = (long)LOCK_LOOK_MS * 1000 * 1000};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return dt_fail(errno == ENOENT ? DT_ERR_NOT_FOUND : DT_ERR_IO, "%s: cannot open: %s", path,
                       strerrordesc_np(errno));
    for (unsigned int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_LOOK_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            enum dt_err err =
                dt_fail(DT_ERR_IO, "%s: cannot be locked: %s", path, strerrordesc_np(errno));

            (void)close(fd);
            return err;
        }
        if (waited >= wait_ms) {
            (void)close(fd);
            return dt_fail(DT_ERR_BUSY, "%s: in use by another process", path);
        }
        (void)nanosleep(&look, NULL);
    }
    *out_fd = fd;
    return DT_OK;
}

enum dt_err
dt_relay_direct_open(const char *path, struct dt_clock clock, unsigned int wait_ms,
                     struct dt_relay **out)
{
    const struct dt_relay_store_config config = {.path = path, .clock = clock, .carried = true};
    struct dt_relay *r = dt_alloc(1, sizeof(*r));
    enum dt_err err;

    if (r == NULL)
        return dt_nomem();
    r->lock_fd = -1;
    pthread_mutex_init(&r->done_lock, NULL);
    if ((err = lock_file(path, wait_ms, &r->lock_fd)) != DT_OK ||
        (err = dt_relay_store_open(&config, &r->store)) != DT_OK ||
        (err = dt_hub_new(&r->hub)) != DT_OK) {
        dt_relay_direct_close(r);
        return err;
    }
    *out = r;
    return DT_OK;
}

void
dt_relay_direct_close(struct dt_relay *r)
{
    if (r == NULL)
        return;
    dt_hub_free(r->hub);
    dt_relay_store_close(r->store);
    if (r->lock_fd >= 0)
        (void)close(r->lock_fd);
    pthread_mutex_destroy(&r->done_lock);
    dt_free(r);
}

struct dt_relay_store *
dt_relay_direct_store(struct dt_relay *r)
{
    return r->store;
}

/* The handlers of a request that brought a job are called again once it is done, which is at once
 * here; and none waits for news. */
static enum dt_err
run_handlers(struct dt_relay *r, struct dt_http_request *req, struct dt_http_reply *reply)
{
    for (; req->calls < 4; req->calls++) {
        if (relay_route(r, req, reply) == DT_HTTP_REPLY)
            return DT_OK;
    }
    return dt_fail(DT_ERR_INTERNAL, "a request of this process waits for nothing");
}

enum dt_err
dt_relay_direct_call(struct dt_relay *r, const struct dt_relay_direct_request *req,
                     struct dt_http_reply *reply)
{
    struct dt_http_request request = {.method = req->method, .body = req->body, .timed_out = true};
    struct trouble trouble = {DT_OK, ""};
    struct dt_http_reply got = {0};
    char target[DT_NET_URL_MAX + 1], bearer[2 * DT_RELAY_TOKEN + 1];
    char *query;
    enum dt_err err;

    if (strlen(req->target) > DT_NET_URL_MAX || req->body.n > DT_NET_BODY_MAX ||
        (req->bearer.n != 0 && req->bearer.n != DT_RELAY_TOKEN))
        return dt_fail(DT_ERR_RANGE, "a request that no relay takes");
    (void)snprintf(target, sizeof(target), "%s", req->target);
    if ((query = strchr(target, '?')) != NULL)
        *query++ = '\0';
    request.path = target;
    request.query = query;
    if (req->bearer.n != 0) {
        dt_hex_str(bearer, req->bearer);
        request.bearer = dt_view((const uint8_t *)bearer, 2 * DT_RELAY_TOKEN);
    }
    relay_log_to(on_trouble, &trouble);
    err = run_handlers(r, &request, &got);
    relay_log_to(NULL, NULL);
    if (request.state != NULL && request.state_free != NULL)
        request.state_free(request.state);
    dt_wipe(bearer, sizeof(bearer));
    if (err == DT_OK && trouble.err != DT_OK)
        err = dt_fail(trouble.err, "%s", trouble.text);
    if (err == DT_OK)
        *reply = got;
    else
        dt_buf_clear(&got.body);
    return err;
}
