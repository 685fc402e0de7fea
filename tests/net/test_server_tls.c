/*
 * tests/net/test_server_tls.c - the HTTP server in TLS, over real sockets: what is refused, that
 * the gate and the time-outs are the same, and a certificate replaced while connections go on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/time.h"
#include "net/client.h"
#include "net/server.h"
#include "net/server_tls.h"

#define OK(expr) assert_int_equal((expr), DT_OK)

static struct {
    struct dt_http_server *server;
    pthread_mutex_t lock;
    struct dt_http_request *waiting;
    unsigned int handled;
    char dir[64], cert[96], key[96], url[64];
} fx;

/* ---- certificates: each its own authority ---- */

static void
write_pair(const char *cert, const char *key, const char *name)
{
    gnutls_x509_privkey_t k;
    gnutls_x509_crt_t c;
    gnutls_datum_t out;
    uint8_t serial[4] = {1, 2, 3, 4};

    assert_int_equal(gnutls_x509_privkey_init(&k), 0);
    assert_int_equal(gnutls_x509_privkey_generate(
                         k, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&c), 0);
    assert_int_equal(gnutls_x509_crt_set_version(c, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_key(c, k), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(c, serial, sizeof(serial)), 0);
    assert_int_equal(gnutls_x509_crt_set_activation_time(c, time(NULL) - 3600), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(c, time(NULL) + 3600), 0);
    assert_int_equal(gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                                   (unsigned int)strlen(name)),
                     0);
    assert_int_equal(gnutls_x509_crt_set_subject_alt_name(c, GNUTLS_SAN_DNSNAME, "localhost", 9, 0),
                     0);
    assert_int_equal(gnutls_x509_crt_set_basic_constraints(c, 1, -1), 0);
    assert_int_equal(gnutls_x509_crt_sign2(c, c, k, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_PEM, &out), 0);
    OK(dt_file_write(cert, dt_view(out.data, out.size), 0644));
    gnutls_free(out.data);
    assert_int_equal(gnutls_x509_privkey_export2(k, GNUTLS_X509_FMT_PEM, &out), 0);
    OK(dt_file_write(key, dt_view(out.data, out.size), 0600));
    gnutls_free(out.data);
    gnutls_x509_crt_deinit(c);
    gnutls_x509_privkey_deinit(k);
}

/* ---- the server ---- */

static void
not_waiting(void *state)
{
    (void)state;
    pthread_mutex_lock(&fx.lock);
    fx.waiting = NULL;
    pthread_mutex_unlock(&fx.lock);
}

static enum dt_http_next
handler(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    (void)ctx;
    pthread_mutex_lock(&fx.lock);
    fx.handled++;
    pthread_mutex_unlock(&fx.lock);
    reply->status = 200;
    dt_buf_init(&reply->body, DT_NET_BODY_MAX + 64);
    if (strcmp(req->path, "/wait") == 0 && req->calls == 0) {
        req->state = &fx;
        req->state_free = not_waiting;
        req->deadline_ms = dt_monotonic_ms() + 30000;
        pthread_mutex_lock(&fx.lock);
        fx.waiting = req;
        pthread_mutex_unlock(&fx.lock);
        return DT_HTTP_WAIT;
    }
    if (strcmp(req->path, "/echo") == 0)
        OK(dt_buf_append(&reply->body, req->body));
    return DT_HTTP_REPLY;
}

static int
start(void **state)
{
    struct dt_http_server_config config = {.listen = "127.0.0.1:0",
                                           .header_timeout_s = 1,
                                           .idle_timeout_s = 5,
                                           .handler = handler,
                                           .tls_cert = fx.cert,
                                           .tls_key = fx.key};

    memset(&fx, 0, sizeof(fx));
    pthread_mutex_init(&fx.lock, NULL);
    (void)snprintf(fx.dir, sizeof(fx.dir), "/tmp/dt-tls-XXXXXX");
    assert_non_null(mkdtemp(fx.dir));
    (void)snprintf(fx.cert, sizeof(fx.cert), "%s/cert", fx.dir);
    (void)snprintf(fx.key, sizeof(fx.key), "%s/key", fx.dir);
    write_pair(fx.cert, fx.key, "first");
    if (dt_http_server_start(&config, &fx.server) != DT_OK)
        return -1;
    (void)snprintf(fx.url, sizeof(fx.url), "https://localhost:%u", dt_http_server_port(fx.server));
    *state = &fx;
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    dt_http_server_stop(fx.server);
    pthread_mutex_destroy(&fx.lock);
    (void)unlink(fx.cert);
    (void)unlink(fx.key);
    (void)rmdir(fx.dir);
    return 0;
}

/* ---- a peer that does as it likes ---- */

struct peer {
    int fd;
    gnutls_session_t session;
    gnutls_certificate_credentials_t trust;
};

static int
dial(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    struct timeval patience = {5, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_port = htons(dt_http_server_port(fx.server));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

/* Handshake with ${priorities}, whatever the certificate: its result. */
static int
peer_open(struct peer *p, const char *priorities)
{
    int rc;

    p->fd = dial();
    assert_int_equal(gnutls_certificate_allocate_credentials(&p->trust), 0);
    assert_int_equal(gnutls_init(&p->session, GNUTLS_CLIENT), 0);
    assert_int_equal(gnutls_priority_set_direct(p->session, priorities, NULL), 0);
    assert_int_equal(gnutls_credentials_set(p->session, GNUTLS_CRD_CERTIFICATE, p->trust), 0);
    gnutls_transport_set_int(p->session, p->fd);
    do {
        rc = gnutls_handshake(p->session);
    } while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
    return rc;
}

static void
peer_close(struct peer *p)
{
    gnutls_deinit(p->session);
    gnutls_certificate_free_credentials(p->trust);
    close(p->fd);
}

/* The status of the next answer with an empty or small body; 0 when the connection ended. */
static unsigned int
peer_status(struct peer *p)
{
    char answer[2048] = "";
    size_t n = 0;

    while (n < sizeof(answer) - 1 && strstr(answer, "\r\n\r\n") == NULL) {
        ssize_t got = gnutls_record_recv(p->session, answer + n, sizeof(answer) - 1 - n);

        if (got == 0 || (got < 0 && gnutls_error_is_fatal((int)got) != 0))
            return 0;
        n += got > 0 ? (size_t)got : 0;
    }
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (unsigned int)strtoul(answer + 9, NULL, 10) : 0;
}

static unsigned int
peer_ask(struct peer *p, const char *bytes, size_t n)
{
    assert_int_equal(gnutls_record_send(p->session, bytes, n), n);
    return peer_status(p);
}

#define ASK(p, text) peer_ask((p), (text), sizeof(text) - 1)
#define PLAIN        "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
#define TLS13        "NORMAL:-VERS-ALL:+VERS-TLS1.3"

/* The name in the certificate that a new connection is shown. */
static void
assert_shown(struct peer *p, const char *name)
{
    const gnutls_datum_t *list;
    gnutls_x509_crt_t c;
    char got[64] = "";
    size_t size = sizeof(got);
    unsigned int n = 0;

    list = gnutls_certificate_get_peers(p->session, &n);
    assert_int_equal(n, 1);
    assert_int_equal(gnutls_x509_crt_init(&c), 0);
    assert_int_equal(gnutls_x509_crt_import(c, &list[0], GNUTLS_X509_FMT_DER), 0);
    assert_int_equal(
        gnutls_x509_crt_get_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, 0, got, &size), 0);
    gnutls_x509_crt_deinit(c);
    assert_string_equal(got, name);
}

/* ---- tests ---- */

static void
client_calls(void **state)
{
    struct dt_http_client_config config = {.ca_file = fx.cert};
    struct dt_http_client *c = NULL, *stranger = NULL;
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    static uint8_t body[1u << 20], larger[(1u << 20) + 1];
    struct dt_http_call call = {.method = "POST", .base = fx.url, .path = "/echo"};

    (void)state;
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)(i * 7);
    OK(dt_http_client_new(&config, &c));
    for (int i = 0; i < 5; i++) {
        call.body = dt_view_of(body);
        OK(dt_http_call(c, &call, &a));
        assert_int_equal(a.status, 200);
        assert_true(dt_view_equal(dt_buf_view(&a.body), dt_view_of(body)));
        call.body = dt_view_of(larger);
        OK(dt_http_call(c, &call, &a));
        assert_int_equal(a.status, 413);
    }
    dt_http_client_free(c);
    /* The system's authorities do not know this one. */
    OK(dt_http_client_new(NULL, &stranger));
    assert_int_equal(dt_http_call(stranger, &call, &a), DT_ERR_NET);
    dt_http_client_free(stranger);
}

/* The gate sees the same bytes, whatever records they come in. */
static void
gate(void **state)
{
    static const char *const bad[] = {
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
        "GET /x HTTP/1.1\r\n\r\n",
        "GET /x HTTP/1.1\nHost: a\n\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\nX:  b\r\n\r\n",
        "GET /%62 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.0\r\nHost: a\r\n\r\n",
    };
    static const char plain[] = PLAIN;
    struct peer p;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        unsigned int status;

        assert_int_equal(peer_open(&p, TLS13), 0);
        status = peer_ask(&p, bad[i], strlen(bad[i]));
        if (status < 400)
            fail_msg("answered %u: %s", status, bad[i]);
        peer_close(&p);
    }
    assert_int_equal(fx.handled, 0);

    /* A byte a record; then two requests in one, each answered. */
    assert_int_equal(peer_open(&p, TLS13), 0);
    for (size_t i = 0; i < sizeof(plain) - 2; i++)
        assert_int_equal(gnutls_record_send(p.session, &plain[i], 1), 1);
    assert_int_equal(peer_ask(&p, "\n", 1), 200);
    assert_int_equal(ASK(&p, PLAIN PLAIN), 200);
    assert_int_equal(peer_status(&p), 200);
    assert_int_equal(fx.handled, 3);
    peer_close(&p);
}

static void
only_tls13(void **state)
{
    static const char *const old[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                      "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0",
                                      TLS13 ":-GROUP-ALL:+GROUP-FFDHE2048"};
    struct peer p;
    char answer[256];
    ssize_t got;
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
        assert_int_not_equal(peer_open(&p, old[i]), 0);
        peer_close(&p);
    }
    /* HTTP as it is: no word of HTTP comes back. */
    fd = dial();
    assert_int_equal(send(fd, PLAIN, sizeof(PLAIN) - 1, MSG_NOSIGNAL), sizeof(PLAIN) - 1);
    got = recv(fd, answer, sizeof(answer), 0);
    assert_true(got <= 0 || answer[0] == 21 /* an alert, RFC 8446 section 5.1 */);
    close(fd);
    assert_int_equal(fx.handled, 0);

    /* Nobody asks to go on with what was agreed before: no ticket was given. */
    assert_int_equal(peer_open(&p, TLS13), 0);
    assert_int_equal(ASK(&p, PLAIN), 200);
    assert_int_equal(gnutls_session_get_flags(p.session) & GNUTLS_SFLAGS_SESSION_TICKET, 0);
    /* RFC 8446 section 4.6.3: new keys for what follows. There is no renegotiation. */
    assert_int_equal(gnutls_session_key_update(p.session, GNUTLS_KU_PEER), 0);
    assert_int_equal(ASK(&p, PLAIN), 200);
    peer_close(&p);
}

/* How long until the server ends ${fd}, to which ${n} bytes are sent one by one; for 6 s. */
static uint64_t
ended_after(int fd, const uint8_t *bytes, size_t n)
{
    uint64_t began = dt_monotonic_ms();

    for (size_t i = 0; dt_monotonic_ms() - began < 6000; i++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char c[64];

        if (i < n)
            (void)send(fd, bytes + i, 1, MSG_NOSIGNAL);
        if (poll(&p, 1, 100) > 0 && recv(fd, c, sizeof(c), 0) <= 0)
            return dt_monotonic_ms() - began;
    }
    return UINT64_MAX;
}

/* The time for a whole header counts from the connection, handshake and all. */
static void
slow_handshake(void **state)
{
    /* A record that promises 512 bytes of a ClientHello. */
    static const uint8_t hello[100] = {22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3};
    struct peer p;
    uint64_t took;
    int fd;

    (void)state;
    fd = dial();
    took = ended_after(fd, NULL, 0);
    assert_true(took >= 900 && took < 4000);
    close(fd);
    fd = dial();
    took = ended_after(fd, hello, sizeof(hello));
    assert_true(took >= 900 && took < 4000);
    close(fd);

    /* A handshake, and then silence; half a record, and then the end. */
    assert_int_equal(peer_open(&p, TLS13), 0);
    took = ended_after(p.fd, NULL, 0);
    assert_true(took < 4000);
    peer_close(&p);
    assert_int_equal(peer_open(&p, TLS13), 0);
    assert_int_equal(send(p.fd, "\x17\x03\x03\x01\x00half", 9, MSG_NOSIGNAL), 9);
    assert_int_equal(shutdown(p.fd, SHUT_WR), 0);
    took = ended_after(p.fd, NULL, 0);
    assert_true(took < 4000);
    peer_close(&p);
    /* What no key made. */
    assert_int_equal(peer_open(&p, TLS13), 0);
    assert_int_equal(send(p.fd, "\x17\x03\x03\x00\x13nineteen bytes here", 24, MSG_NOSIGNAL), 24);
    took = ended_after(p.fd, NULL, 0);
    assert_true(took < 4000);
    peer_close(&p);
    assert_int_equal(fx.handled, 0);
    assert_int_equal(peer_open(&p, TLS13), 0);
    assert_int_equal(ASK(&p, PLAIN), 200);
    peer_close(&p);
}

static void *
wait_thread(void *arg)
{
    struct peer *p = arg;

    return ASK(p, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n") == 200 ? p : NULL;
}

static void
assert_new_shown(const char *name)
{
    struct peer p;

    assert_int_equal(peer_open(&p, TLS13), 0);
    assert_shown(&p, name);
    assert_int_equal(ASK(&p, PLAIN), 200);
    peer_close(&p);
}

/* A new pair is for new connections; those that are there go on, and one that is broken is not
 * taken. */
static void
reload(void **state)
{
    struct peer kept, waiting;
    void *answered = NULL;
    pthread_t t;

    (void)state;
    assert_int_equal(peer_open(&kept, TLS13), 0);
    assert_shown(&kept, "first");
    assert_int_equal(ASK(&kept, PLAIN), 200);
    assert_int_equal(peer_open(&waiting, TLS13), 0);
    assert_int_equal(pthread_create(&t, NULL, wait_thread, &waiting), 0);
    for (int i = 0; i < 500; i++) {
        bool there;

        pthread_mutex_lock(&fx.lock);
        there = fx.waiting != NULL;
        pthread_mutex_unlock(&fx.lock);
        if (there)
            break;
        usleep(10000);
    }

    OK(dt_file_write(fx.cert, dt_view_str("no certificate"), 0644));
    assert_int_equal(dt_http_server_reload(fx.server), DT_ERR_FORMAT);
    assert_non_null(strstr(dt_err_message(), fx.cert));
    assert_new_shown("first");
    (void)unlink(fx.cert);
    assert_int_equal(dt_http_server_reload(fx.server), DT_ERR_NOT_FOUND);
    assert_new_shown("first");
    write_pair(fx.cert, fx.key, "second");
    OK(dt_http_server_reload(fx.server));
    assert_new_shown("second");
    write_pair(fx.cert, fx.key, "third");
    OK(dt_http_server_reload(fx.server));
    assert_new_shown("third");

    assert_int_equal(ASK(&kept, PLAIN), 200);
    pthread_mutex_lock(&fx.lock);
    assert_non_null(fx.waiting);
    dt_http_wake(fx.waiting);
    pthread_mutex_unlock(&fx.lock);
    pthread_join(t, &answered);
    assert_ptr_equal(answered, &waiting);
    peer_close(&kept);
    peer_close(&waiting);
}

static void
wrong_files(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf chain = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf one = DT_BUF_INIT(1u << 16);
    struct dt_http_server_config config = {
        .listen = "127.0.0.1:0", .handler = handler, .tls_cert = fx.cert, .tls_key = fx.key};
    struct dt_http_server *s = NULL;
    char other[128];

    (void)state;
    /* Another's key. */
    (void)snprintf(other, sizeof(other), "%s/other", fx.dir);
    write_pair(other, fx.key, "other");
    assert_int_equal(dt_http_server_start(&config, &s), DT_ERR_FORMAT);
    OK(dt_file_read(other, &one));
    (void)unlink(other);
    for (unsigned int i = 0; i < DT_TLS_CHAIN; i++)
        OK(dt_buf_append(&chain, dt_buf_view(&one)));
    OK(dt_file_write(fx.cert, dt_buf_view(&chain), 0644));
    OK(dt_http_server_start(&config, &s));
    dt_http_server_stop(s);
    s = NULL;
    OK(dt_buf_append(&chain, dt_buf_view(&one)));
    OK(dt_file_write(fx.cert, dt_buf_view(&chain), 0644));
    assert_int_equal(dt_http_server_start(&config, &s), DT_ERR_LIMIT);
    (void)unlink(fx.key);
    assert_int_equal(dt_http_server_start(&config, &s), DT_ERR_NOT_FOUND);
    assert_null(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(client_calls, start, stop),
        cmocka_unit_test_setup_teardown(gate, start, stop),
        cmocka_unit_test_setup_teardown(only_tls13, start, stop),
        cmocka_unit_test_setup_teardown(slow_handshake, start, stop),
        cmocka_unit_test_setup_teardown(reload, start, stop),
        cmocka_unit_test_setup_teardown(wrong_files, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
