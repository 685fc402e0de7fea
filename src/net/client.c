/*
 * net/client.c - see client.h.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/mem.h"
#include "base/text.h"

#include "net/address.h"
#include "net/client.h"

#define REASON_MAX 1024u /* an answer longer than this gives none */

struct dt_http_client {
    struct dt_http_client_config config;
    CURL *curl;
};

/* What the callbacks need: the body's buffer and why it broke off, and how long the header was. */
struct sink {
    struct dt_buf *body;
    size_t header_len; /* of all lines so far, interim answers (1xx) and trailers included */
    bool interim;      /* no status line has come yet, or the last one's status is 1xx */
    bool header_whole; /* the empty line after that of the answer itself has come */
    uint64_t retry_after_s;
    enum dt_err err;
};

static struct {
    dt_http_file_fn fn;
    void *ctx;
} files;

void
dt_http_files(dt_http_file_fn fn, void *ctx)
{
    files.fn = fn;
    files.ctx = ctx;
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready = CURLE_FAILED_INIT;

static void
curl_start(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum dt_err
dt_http_client_new(const struct dt_http_client_config *config, struct dt_http_client **out)
{
    struct dt_http_client *c;

    pthread_once(&curl_once, curl_start);
    if (curl_ready != CURLE_OK)
        return dt_fail(DT_ERR_INTERNAL, "libcurl did not start");
    c = dt_alloc(1, sizeof(*c));
    if (c == NULL)
        return dt_nomem();
    if (config != NULL)
        c->config = *config;
    if (c->config.connect_timeout_s == 0)
        c->config.connect_timeout_s = 10;
    if (c->config.silence_s == 0)
        c->config.silence_s = DT_NET_SILENCE_S;
    if (c->config.timeout_s == 0)
        c->config.timeout_s = DT_NET_TIMEOUT_S;
    if (c->config.answer_max == 0)
        c->config.answer_max = DT_NET_ANSWER_MAX;
    c->curl = curl_easy_init();
    if (c->curl == NULL) {
        dt_free(c);
        return dt_nomem();
    }
    *out = c;
    return DT_OK;
}

void
dt_http_client_free(struct dt_http_client *c)
{
    if (c == NULL)
        return;
    curl_easy_cleanup(c->curl);
    dt_free(c);
}

void
dt_http_client_trust(struct dt_http_client *c, const char *ca_file)
{
    c->config.ca_file = ca_file;
}

void
dt_http_client_read_key(struct dt_http_client *c, const uint8_t *key)
{
    c->config.read_key = key;
}

void
dt_http_client_free_p(struct dt_http_client **c)
{
    dt_http_client_free(*c);
    *c = NULL;
}

void
dt_http_answer_clear(struct dt_http_answer *a)
{
    dt_buf_wipe(&a->body);
    a->status = 0;
}

static size_t
on_data(char *p, size_t size, size_t n, void *user)
{
    struct sink *s = user;

    (void)size; /* always 1 */
    s->err = dt_buf_append(s->body, dt_view((const uint8_t *)p, n));
    return s->err == DT_OK ? n : 0;
}

/* Is the status in this status line 1xx, or none? */
static bool
is_interim(const char *p, size_t n)
{
    size_t i = 0;

    while (i < n && p[i] != ' ' && p[i] != '\t')
        i++;
    while (i < n && (p[i] == ' ' || p[i] == '\t'))
        i++;
    return i == n || p[i] == '1';
}

/* The seconds of the header line ${line} if it is a Retry-After that names some (RFC 9110 section
 * 10.2.3), else ${before}. */
static uint64_t
retry_after(struct dt_view line, uint64_t before)
{
    static const char name[] = "retry-after:";
    size_t n = sizeof(name) - 1;
    uint64_t seconds = 0;

    if (line.n < n || strncasecmp((const char *)line.p, name, n) != 0)
        return before;
    while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
        n++;
    while (line.n > n && (line.p[line.n - 1] <= ' '))
        line.n--;
    return dt_decimal_read(dt_view(line.p + n, line.n - n), UINT32_MAX, &seconds) == DT_OK ? seconds
                                                                                           : before;
}

/* A header has an end: no lines for ever, and no answer that is nothing but "100 Continue". */
static size_t
on_header(char *p, size_t size, size_t n, void *user)
{
    struct sink *s = user;

    (void)size; /* always 1 */
    s->header_len += n;
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
        /* An interim answer is none: the peer may send any number, and then anything. */
        s->interim = is_interim(p, n);
        s->header_whole = false;
        s->retry_after_s = 0;
    } else if (n > 0 && (p[0] == '\r' || p[0] == '\n')) {
        s->header_whole = !s->interim;
    } else {
        s->retry_after_s = retry_after(dt_view((const uint8_t *)p, n), s->retry_after_s);
    }
    return s->header_len <= DT_NET_HEADER_MAX ? n : 0;
}

static int
on_progress(void *user, curl_off_t dl_total, curl_off_t dl, curl_off_t ul_total, curl_off_t ul)
{
    const struct dt_http_client *c = user;

    (void)dl_total;
    (void)dl;
    (void)ul_total;
    (void)ul;
    return c->config.stop != NULL && atomic_load(c->config.stop);
}

/* "host:port" of an address, for messages; never its path or anything after it. Of a file that is
 * here all of it. */
static void
host_of(const char *base, char *out, size_t size)
{
    const char *p = strstr(base, "://");
    size_t n;

    if (dt_address_is_file(base)) {
        (void)snprintf(out, size, "%s", base);
        return;
    }
    p = p == NULL ? base : p + 3;
    n = strcspn(p, "/?#");
    if (n >= size)
        n = size - 1;
    memcpy(out, p, n);
    out[n] = '\0';
}

/* Header lines; the one with the token is overwritten before it is freed. */
static void
headers_wipe(struct curl_slist *list)
{
    for (struct curl_slist *h = list; h != NULL; h = h->next)
        dt_wipe(h->data, strlen(h->data));
    curl_slist_free_all(list);
}

static enum dt_err
header_add(struct curl_slist **list, const char *line)
{
    struct curl_slist *more = curl_slist_append(*list, line);

    if (more == NULL)
        return dt_nomem();
    *list = more;
    return DT_OK;
}

static enum dt_err
make_headers(const struct dt_http_client *c, const struct dt_http_call *call, bool post,
             struct curl_slist **out)
{
    struct dt_view bearer = call->bearer;
    char line[256];
    enum dt_err err = DT_OK;

    if (bearer.n == 0 && !post && c->config.read_key != NULL)
        bearer = dt_view(c->config.read_key, 32);
    if (bearer.n != 0) {
        char hex[65];

        if (bearer.n != 32)
            return dt_fail(DT_ERR_RANGE, "a token of %zu bytes", bearer.n);
        dt_hex_str(hex, bearer);
        (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", hex);
        err = header_add(out, line);
        dt_wipe(hex, sizeof(hex));
        dt_wipe(line, sizeof(line));
    }
    if (err == DT_OK && post) {
        (void)snprintf(line, sizeof(line), "Content-Type: %s",
                       call->content_type != NULL ? call->content_type
                                                  : "application/octet-stream");
        err = header_add(out, line);
    }
    /* libcurl would ask for a 100 before large bodies; the gate refuses Expect. */
    if (err == DT_OK)
        err = header_add(out, "Expect:");
    return err;
}

static enum dt_err
make_url(const struct dt_http_call *call, char *url, size_t size)
{
    size_t n = strlen(call->base);
    int len;

    if (!dt_address_is_http(call->base))
        return dt_fail(DT_ERR_USAGE, "expected an address that begins with http:// or https://");
    while (n > 0 && call->base[n - 1] == '/')
        n--;
    len = snprintf(url, size, "%.*s%s", (int)n, call->base, call->path);
    if (len < 0 || (size_t)len >= size)
        return dt_fail(DT_ERR_LIMIT, "an address of more than %zu characters", size - 1);
    return DT_OK;
}

/* Limits on what an answer may be. Everything in it is the other end's to choose. */
static void
set_limits(struct dt_http_client *c, const struct dt_http_call *call, struct sink *sink)
{
    long wait_s = (long)call->wait_s;

    (void)curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)c->config.connect_timeout_s * 1000);
    /* Two limits of time: one for silence and for a trickle, and one for all, so that a slow link
     * gets a large answer through and nobody holds us for ever. */
    (void)curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_LIMIT, (long)DT_NET_SPEED_MIN);
    (void)curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_TIME, (long)c->config.silence_s + wait_s);
    (void)curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS,
                           ((long)c->config.timeout_s + wait_s) * 1000);
    /* Taken as sent: never inflated, never from another host, never without a header. */
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTP09_ALLOWED, 0L);
    (void)curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(c->curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)c->config.answer_max);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, sink);
    (void)curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, sink);
}

/* Has the request gone out, so that what failed is the answer? */
static bool
was_sent(const struct dt_http_client *c)
{
    long sent = 0;

    return curl_easy_getinfo(c->curl, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK && sent > 0;
}

/* What ${code} means, in words that name the host. */
static enum dt_err
explain(const struct dt_http_client *c, const struct dt_http_call *call, const struct sink *sink,
        CURLcode code)
{
    char host[256];

    host_of(call->base, host, sizeof(host));
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return dt_fail(DT_ERR_STATE, "%s: stopped while waiting for it", host);
    /* libcurl calls a header line past its own maximum want of memory too. */
    if (code == CURLE_OUT_OF_MEMORY && !sink->header_whole && was_sent(c))
        return dt_fail(
            DT_ERR_NET,
            "%s: a line of its answer's header is too long, or there is no memory for it", host);
    if (code == CURLE_OUT_OF_MEMORY || sink->err == DT_ERR_NOMEM)
        return dt_nomem();
    if (sink->header_len > DT_NET_HEADER_MAX)
        return dt_fail(DT_ERR_LIMIT,
                       "%s: the header of its answer is longer than the %u bytes taken", host,
                       DT_NET_HEADER_MAX);
    if (code == CURLE_FILESIZE_EXCEEDED || (code == CURLE_WRITE_ERROR && sink->err != DT_OK))
        return dt_fail(sink->err != DT_OK ? sink->err : DT_ERR_LIMIT,
                       "%s: its answer is larger than the %zu bytes taken", host, sink->body->max);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return dt_fail(DT_ERR_NET,
                       "%s: no whole answer: nothing, or less than %u bytes a second for %u "
                       "seconds, or not within %u seconds; try again later",
                       host, DT_NET_SPEED_MIN, c->config.silence_s + call->wait_s,
                       c->config.timeout_s + call->wait_s);
    if (code == CURLE_SSL_CACERT_BADFILE && c->config.ca_file != NULL)
        return dt_fail(DT_ERR_IO, "%s: no certificates of authorities can be read there",
                       c->config.ca_file);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return dt_fail(DT_ERR_NET,
                       "%s: its certificate is not for this name, is out of date, or is"
                       " by an authority not trusted here",
                       host);
    return dt_fail(DT_ERR_NET, "%s: %s", host, curl_easy_strerror(code));
}

static enum dt_err
perform(struct dt_http_client *c, const struct dt_http_call *call, const char *url,
        struct curl_slist *headers, struct sink *sink, unsigned int *out_status)
{
    bool post = strcmp(call->method, "POST") == 0;
    long status = 0;
    CURLcode code;

    curl_easy_reset(c->curl); /* keeps the connection */
    /* All that libcurl copies: a handle that lost its proxy setting or its CA file for want of
     * memory would talk to someone else than it was told to. */
    if (curl_easy_setopt(c->curl, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
        curl_easy_setopt(c->curl, CURLOPT_PROXY, "") != CURLE_OK ||
        curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "detente") != CURLE_OK ||
        (c->config.ca_file != NULL &&
         (curl_easy_setopt(c->curl, CURLOPT_CAINFO, c->config.ca_file) != CURLE_OK ||
          curl_easy_setopt(c->curl, CURLOPT_CAPATH, NULL) != CURLE_OK))) /* the system's folder */
        return dt_nomem();
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, c);
    set_limits(c, call, sink);
    if (post) {
        (void)curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS,
                               call->body.n > 0 ? (const char *)call->body.p : "");
        (void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
    } else {
        (void)curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    }

    code = curl_easy_perform(c->curl);
    if (code != CURLE_OK)
        return explain(c, call, sink, code);
    /* libcurl takes a header that breaks off for a whole one, without a body: "200" and no more
     * would look like what was asked for. */
    if (!sink->header_whole) {
        char host[256];

        host_of(call->base, host, sizeof(host));
        return dt_fail(DT_ERR_NET, "%s: its answer broke off; try again later", host);
    }
    (void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    *out_status = (unsigned int)status;
    return DT_OK;
}

enum dt_err
dt_http_call(struct dt_http_client *c, const struct dt_http_call *call, struct dt_http_answer *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf body = DT_BUF_INIT(c->config.answer_max);
    struct sink sink = {.body = &body, .interim = true};
    struct curl_slist *headers = NULL;
    char url[DT_NET_URL_MAX + 1];
    unsigned int status = 0;
    enum dt_err err;

    if (dt_address_is_file(call->base)) {
        if (files.fn == NULL)
            return dt_fail(DT_ERR_UNSUPPORTED,
                           "%s: this program does not use a relay that is a file", call->base);
        return files.fn(files.ctx, &c->config, call, out);
    }
    if ((err = make_url(call, url, sizeof(url))) != DT_OK ||
        (err = make_headers(c, call, strcmp(call->method, "POST") == 0, &headers)) != DT_OK ||
        (err = perform(c, call, url, headers, &sink, &status)) != DT_OK)
        goto done;
    out->status = status;
    out->retry_after_s = sink.retry_after_s;
    dt_buf_move(&out->body, &body);

done:
    headers_wipe(headers);
    return err;
}

/*
 * Why the other end cannot, in our words; NULL when it gives no reason that is known here. Of its
 * answer nothing is shown but that: a sentence of its choice could say anything.
 */
static const char *
reason(struct dt_view body)
{
    static const struct {
        const char *code, *words;
    } known[] = {{DT_RELAY_DISK_FULL, "its disk is full"},
                 {"busy", "busy, or short of something"},
                 {"full-queues", "the forum has as many queues there as it may"},
                 {"full-queue", "the queue is full"},
                 {"full-grant-bytes", "the forum's share of its disk is used up"},
                 {"full-grant-cells", "the forum has as many messages there as it may"},
                 {"full-openings", "the party has published all that is taken of it"},
                 {"full-readers", "the queue has as many readers as it may"},
                 {"grant-rate", "the forum sends faster than it may"},
                 {"grant-polls", "the forum waits for news on as many connections as it may"},
                 {"polls", "it has as many that wait for news as it takes"}};
    static const char mark[] = "\"code\": \"";
    const uint8_t *at;
    size_t left;

    if (body.n == 0 || body.n > REASON_MAX ||
        (at = memmem(body.p, body.n, mark, sizeof(mark) - 1)) == NULL)
        return NULL;
    at += sizeof(mark) - 1;
    left = body.n - (size_t)(at - body.p);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t n = strlen(known[i].code);

        if (left > n && memcmp(at, known[i].code, n) == 0 && at[n] == '"')
            return known[i].words;
    }
    return NULL;
}

enum dt_err
dt_http_answer_err(const char *base, const char *what, const struct dt_http_answer *answer)
{
    unsigned int status = answer->status;
    const char *why;
    char host[256];

    if (status >= 200 && status < 300)
        return DT_OK;
    host_of(base, host, sizeof(host));
    switch (status) {
    case 400:
    case 411:
        return dt_fail(DT_ERR_FORMAT, "%s: did not understand the request to %s", host, what);
    case 401:
    case 403:
        return dt_fail(DT_ERR_REFUSED, "%s: refused to %s (token or key)", host, what);
    case 404:
        return dt_fail(DT_ERR_NOT_FOUND, "%s: nothing there to %s", host, what);
    case 410:
        return dt_fail(DT_ERR_EXPIRED, "%s: kept no longer, could not %s", host, what);
    case 409:
        return dt_fail(DT_ERR_CONFLICT, "%s: has something else already where we would %s", host,
                       what);
    case 413:
    case 507:
        if ((why = reason(dt_buf_view(&answer->body))) != NULL)
            return dt_fail(DT_ERR_LIMIT, "%s: %s, could not %s", host, why, what);
        return dt_fail(DT_ERR_LIMIT, "%s: too large or full, could not %s", host, what);
    case 429:
        if ((why = reason(dt_buf_view(&answer->body))) != NULL)
            return dt_fail(DT_ERR_BUSY, "%s: %s, could not %s; try again later", host, why, what);
        return dt_fail(DT_ERR_BUSY, "%s: quota reached, could not %s; try again later", host, what);
    default:
        if ((why = reason(dt_buf_view(&answer->body))) != NULL)
            return dt_fail(DT_ERR_NET, "%s: answered %u (%s) to the request to %s; try again later",
                           host, status, why, what);
        return dt_fail(DT_ERR_NET, "%s: answered %u to the request to %s", host, status, what);
    }
}
