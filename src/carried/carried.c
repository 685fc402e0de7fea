/*
 * carried/carried.c - see carried.h.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/address.h"
#include "relay/direct.h"

#include "carried/carried.h"

#define WAIT_MS      10000u
#define LOOK_MS      1000u /* how often a call that waits looks at the file */
#define LOOK_STEP_MS 100u  /* and how often at whether it is to stop */

static struct {
    pthread_mutex_t lock; /* calls of this process, one after another */
    struct dt_carried_config config;
    struct dt_carried_memory memory;
} carried = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Where the file is, and where in the relay the path of a call begins. */
struct place {
    char path[PATH_MAX];
    char target[DT_NET_URL_MAX + 1];
};

/* "/r/" and 32 hex digits, at the end of ${s}? */
static const char *
register_of(const char *s)
{
    static const char mark[] = "/r/";
    size_t n = strlen(s), want = sizeof(mark) - 1 + 2 * (size_t)DT_REGISTER_ID;
    uint8_t id[DT_REGISTER_ID];

    if (n <= want || strncmp(s + n - want, mark, sizeof(mark) - 1) != 0 ||
        dt_hex_read_fixed(
            id, sizeof(id),
            dt_view((const uint8_t *)s + n - 2 * DT_REGISTER_ID, 2 * DT_REGISTER_ID)) != DT_OK)
        return NULL;
    return s + n - want;
}

static enum dt_err
place_of(const char *base, const char *path, struct place *out)
{
    const char *at = base + strlen("file:"), *in;
    size_t n;
    int len;

    if (strncmp(at, "//", 2) == 0) /* file:///PATH is the same to many */
        at += 2;
    n = strlen(at);
    while (n > 1 && at[n - 1] == '/')
        n--;
    if (n == 0 || n >= sizeof(out->path))
        return dt_fail(DT_ERR_USAGE, "%s: names no file", base);
    memcpy(out->path, at, n);
    out->path[n] = '\0';
    in = register_of(out->path);
    len = snprintf(out->target, sizeof(out->target), "%s%s", in != NULL ? in : "", path);
    if (len < 0 || (size_t)len >= sizeof(out->target))
        return dt_fail(DT_ERR_LIMIT, "an address of more than %u characters", DT_NET_URL_MAX);
    if (in != NULL)
        out->path[in - out->path] = '\0';
    return DT_OK;
}

/* What is wrong with the stick now may be well in a moment, as with a relay that is not reached:
 * nobody who uses one ends for that. Another process that has it, and damage, are told as such. */
static enum dt_err
as_of_a_relay(enum dt_err err, const char *path)
{
    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_NET, "%s: there is no such file; is the stick in its place?", path);
    return err == DT_ERR_IO ? DT_ERR_NET : err; /* its message says what it was */
}

/* ---- copies ---- */

static enum dt_err
compare(struct dt_relay_store *s, const char *path, bool accept)
{
    struct dt_relay_store_mark first, last, seen;
    bool there = false;
    enum dt_err err;

    if (carried.memory.get == NULL)
        return DT_OK;
    if ((err = dt_relay_store_carried(s, &first, &last)) != DT_OK)
        return err;
    err = carried.memory.get(carried.memory.ctx, first.mark, &seen);
    if (err == DT_OK && !accept) {
        if (seen.seq == last.seq && memcmp(seen.mark, last.mark, sizeof(last.mark)) == 0)
            return DT_OK;
        if ((err = dt_relay_store_has_mark(s, &seen, &there)) != DT_OK)
            return err;
        if (!there)
            return dt_fail(DT_ERR_CONFLICT,
                           "%s: not the stick that was used here last, but %s: it is not used",
                           path,
                           last.seq < seen.seq ? "an older state of it"
                                               : "a copy that went on without what was there then");
    } else if (err != DT_OK && err != DT_ERR_NOT_FOUND) {
        return err;
    }
    return carried.memory.put(carried.memory.ctx, first.mark, &last);
}

/* What was written is remembered at once, so that the copy without it is found out. */
static enum dt_err
remember(struct dt_relay_store *s)
{
    struct dt_relay_store_mark first, last;
    enum dt_err err;

    if (carried.memory.put == NULL)
        return DT_OK;
    if ((err = dt_relay_store_carried(s, &first, &last)) != DT_OK)
        return err;
    return carried.memory.put(carried.memory.ctx, first.mark, &last);
}

/* ---- calls ---- */

/* One visit: open, ask, close. */
static enum dt_err
visit(const struct place *at, const struct dt_relay_direct_request *req,
      struct dt_http_reply *reply)
{
    unsigned int wait_ms = carried.config.wait_ms != 0 ? carried.config.wait_ms : WAIT_MS;
    struct dt_relay *relay = NULL;
    struct dt_http_reply got = {0};
    enum dt_err err;

    (void)pthread_mutex_lock(&carried.lock);
    if ((err = dt_relay_direct_open(at->path, carried.config.clock, wait_ms, &relay)) == DT_OK &&
        (err = compare(dt_relay_direct_store(relay), at->path, false)) == DT_OK &&
        (err = dt_relay_direct_call(relay, req, &got)) == DT_OK && req->method == DT_HTTP_POST)
        err = remember(dt_relay_direct_store(relay));
    dt_relay_direct_close(relay);
    (void)pthread_mutex_unlock(&carried.lock);
    if (err == DT_OK)
        *reply = got;
    else
        dt_buf_clear(&got.body);
    return as_of_a_relay(err, at->path);
}

/* Does ${reply} to a call that may wait say that there is no news? A poll's empty list, or no
 * larger checkpoint. */
static bool
no_news(const struct dt_http_reply *reply)
{
    return reply->status == 404 ||
           (reply->status == 200 && reply->body.n == 1 && reply->body.p[0] == 0);
}

/* The stick as it is now: another one, gone, or written to since? */
struct look {
    bool there;
    struct stat st;
};

static struct look
look_at(const char *path)
{
    struct look l = {0};

    l.there = stat(path, &l.st) == 0;
    return l;
}

static bool
same(const struct look *a, const struct look *b)
{
    return a->there == b->there &&
           (!a->there ||
            (a->st.st_dev == b->st.st_dev && a->st.st_ino == b->st.st_ino &&
             a->st.st_size == b->st.st_size && a->st.st_mtim.tv_sec == b->st.st_mtim.tv_sec &&
             a->st.st_mtim.tv_nsec == b->st.st_mtim.tv_nsec));
}

/* Wait until the file has changed or ${until_ms}; STATE when told to stop. */
static enum dt_err
wait_for_change(const char *path, const struct look *before, uint64_t until_ms,
                const atomic_bool *stop)
{
    const struct timespec step = {.tv_nsec = (long)LOOK_STEP_MS * 1000 * 1000};
    unsigned int waited = 0;

    while (dt_monotonic_ms() < until_ms) {
        struct look now;

        if (stop != NULL && atomic_load(stop))
            return dt_fail(DT_ERR_STATE, "%s: stopped while waiting for it", path);
        (void)nanosleep(&step, NULL);
        waited += LOOK_STEP_MS;
        if (waited % LOOK_MS != 0)
            continue;
        now = look_at(path);
        if (!same(&now, before))
            return DT_OK;
    }
    return DT_OK;
}

static enum dt_err
call_file(void *ctx, const struct dt_http_client_config *config, const struct dt_http_call *call,
          struct dt_http_answer *out)
{
    bool post = strcmp(call->method, "POST") == 0;
    struct dt_relay_direct_request req = {.method = post ? DT_HTTP_POST : DT_HTTP_GET,
                                          .bearer = call->bearer,
                                          .body = post ? call->body : dt_view(NULL, 0)};
    uint64_t until_ms = dt_monotonic_ms() + (uint64_t)call->wait_s * DT_MS_SECOND;
    struct dt_http_reply reply = {0};
    struct place at;
    enum dt_err err;

    (void)ctx;
    if ((err = place_of(call->base, call->path, &at)) != DT_OK)
        return err;
    req.target = at.target;
    if (req.bearer.n == 0 && !post && config->read_key != NULL)
        req.bearer = dt_view(config->read_key, 32);
    for (;;) {
        struct look before = look_at(at.path);

        if ((err = visit(&at, &req, &reply)) != DT_OK)
            return err;
        if (call->wait_s == 0 || dt_monotonic_ms() >= until_ms || !no_news(&reply))
            break;
        dt_buf_clear(&reply.body);
        if ((err = wait_for_change(at.path, &before, until_ms, config->stop)) != DT_OK)
            return err;
    }
    if (reply.body.n > config->answer_max) {
        dt_buf_clear(&reply.body);
        return dt_fail(DT_ERR_LIMIT, "%s: its answer is larger than the %zu bytes taken", at.path,
                       config->answer_max);
    }
    out->status = reply.status;
    out->retry_after_s = reply.retry_after_s;
    dt_buf_move(&out->body, &reply.body);
    return DT_OK;
}

/* ---- for programs ---- */

void
dt_carried_begin(const struct dt_carried_config *config)
{
    if (config != NULL)
        carried.config = *config;
    dt_http_files(call_file, NULL);
}

void
dt_carried_remember(const struct dt_carried_memory *memory)
{
    carried.memory = memory != NULL ? *memory : (struct dt_carried_memory){0};
}

enum dt_err
dt_carried_accept(const char *address)
{
    unsigned int wait_ms = carried.config.wait_ms != 0 ? carried.config.wait_ms : WAIT_MS;
    struct dt_relay *relay = NULL;
    struct place at;
    enum dt_err err;

    if (!dt_address_is_file(address))
        return dt_fail(DT_ERR_USAGE, "%s: not a relay that is a file", address);
    if (carried.memory.put == NULL)
        return dt_fail(DT_ERR_STATE, "nothing is remembered of any stick here");
    if ((err = place_of(address, "", &at)) != DT_OK)
        return err;
    (void)pthread_mutex_lock(&carried.lock);
    if ((err = dt_relay_direct_open(at.path, carried.config.clock, wait_ms, &relay)) == DT_OK)
        err = compare(dt_relay_direct_store(relay), at.path, true);
    dt_relay_direct_close(relay);
    (void)pthread_mutex_unlock(&carried.lock);
    return as_of_a_relay(err, at.path);
}
