/*
 * net/server_tls.c - see server_tls.h.
 */
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "base/file.h"
#include "base/mem.h"

#include "net/server_conn.h"
#include "net/server_tls.h"

static void
pair_free(struct dt_tls_pair *p)
{
    if (p == NULL)
        return;
    for (unsigned int i = 0; i < p->n_chain; i++)
        gnutls_pcert_deinit(&p->chain[i]);
    if (p->key != NULL)
        gnutls_privkey_deinit(p->key);
    dt_free(p);
}

/* Is ${key} that of the first certificate in ${chain}? The library says so of a set of credentials,
 * which is thrown away. */
static enum dt_err
check_pair(const struct dt_tls *tls, const gnutls_datum_t *chain, const gnutls_datum_t *key)
{
    gnutls_certificate_credentials_t both = NULL;
    int rc;

    if (gnutls_certificate_allocate_credentials(&both) != GNUTLS_E_SUCCESS)
        return dt_nomem();
    rc = gnutls_certificate_set_x509_key_mem(both, chain, key, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(both);
    if (rc < 0)
        return dt_fail(DT_ERR_FORMAT, "%s and %s: not a certificate with its key: %s",
                       tls->cert_file, tls->key_file, gnutls_strerror(rc));
    return DT_OK;
}

static enum dt_err
pair_read(const struct dt_tls *tls, struct dt_tls_pair **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf cert = DT_BUF_INIT(DT_TLS_FILE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf key = DT_BUF_INIT(DT_TLS_FILE_MAX);
    struct dt_tls_pair *p = NULL;
    gnutls_datum_t c, k;
    enum dt_err err;
    int rc;

    if ((err = dt_file_read(tls->cert_file, &cert)) != DT_OK ||
        (err = dt_file_read(tls->key_file, &key)) != DT_OK)
        return err;
    c.data = cert.p;
    c.size = (unsigned int)cert.n;
    k.data = key.p;
    k.size = (unsigned int)key.n;
    if ((err = check_pair(tls, &c, &k)) != DT_OK)
        return err;
    if ((p = dt_alloc(1, sizeof(*p))) == NULL)
        return dt_nomem();
    p->n_users = 1;
    p->n_chain = DT_TLS_CHAIN;
    rc = gnutls_pcert_list_import_x509_raw(p->chain, &p->n_chain, &c, GNUTLS_X509_FMT_PEM,
                                           GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (rc < 0) {
        p->n_chain = 0;
        err = rc == GNUTLS_E_SHORT_MEMORY_BUFFER
                  ? dt_fail(DT_ERR_LIMIT, "%s: more than %u certificates in a chain",
                            tls->cert_file, DT_TLS_CHAIN)
                  : dt_fail(DT_ERR_FORMAT, "%s: not a chain of certificates in PEM: %s",
                            tls->cert_file, gnutls_strerror(rc));
        goto fail;
    }
    if (gnutls_privkey_init(&p->key) != GNUTLS_E_SUCCESS) {
        err = dt_nomem();
        goto fail;
    }
    rc = gnutls_privkey_import_x509_raw(p->key, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc < 0) {
        err = dt_fail(DT_ERR_FORMAT, "%s: not a private key in PEM: %s", tls->key_file,
                      gnutls_strerror(rc));
        goto fail;
    }
    *out = p;
    return DT_OK;

fail:
    pair_free(p);
    return err;
}

enum dt_err
dt_tls_init(struct dt_tls *tls, const char *cert_file, const char *key_file)
{
    struct dt_tls made = {.cert_file = dt_strndup(cert_file, strlen(cert_file)),
                          .key_file = dt_strndup(key_file, strlen(key_file))};
    enum dt_err err;

    if (made.cert_file == NULL || made.key_file == NULL)
        err = dt_nomem();
    else
        err = pair_read(&made, &made.pair);
    if (err != DT_OK) {
        dt_free(made.cert_file);
        dt_free(made.key_file);
        return err;
    }
    pthread_mutex_init(&made.lock, NULL);
    *tls = made;
    return DT_OK;
}

void
dt_tls_clear(struct dt_tls *tls)
{
    if (tls->pair == NULL)
        return;
    dt_tls_give_back(tls, tls->pair);
    pthread_mutex_destroy(&tls->lock);
    dt_free(tls->cert_file);
    dt_free(tls->key_file);
    *tls = (struct dt_tls){0};
}

enum dt_err
dt_tls_reload(struct dt_tls *tls)
{
    struct dt_tls_pair *fresh = NULL, *old;
    enum dt_err err;

    if ((err = pair_read(tls, &fresh)) != DT_OK)
        return err;
    pthread_mutex_lock(&tls->lock);
    old = tls->pair;
    tls->pair = fresh;
    pthread_mutex_unlock(&tls->lock);
    dt_tls_give_back(tls, old);
    return DT_OK;
}

void
dt_tls_prompt(int fd)
{
    static const int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

struct dt_tls_pair *
dt_tls_take(struct dt_tls *tls)
{
    struct dt_tls_pair *p;

    pthread_mutex_lock(&tls->lock);
    p = tls->pair;
    p->n_users++;
    pthread_mutex_unlock(&tls->lock);
    return p;
}

void
dt_tls_give_back(struct dt_tls *tls, struct dt_tls_pair *pair)
{
    size_t left;

    if (pair == NULL)
        return;
    pthread_mutex_lock(&tls->lock);
    left = --pair->n_users;
    pthread_mutex_unlock(&tls->lock);
    if (left == 0)
        pair_free(pair);
}

int
dt_tls_certificate(gnutls_session_t session, const gnutls_datum_t *ca, int n_ca,
                   const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **out,
                   unsigned int *out_n, gnutls_privkey_t *out_key)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        gnutls_session_get_ptr(session), MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct dt_conn *c = info == NULL ? NULL : info->socket_context;

    (void)ca;
    (void)n_ca;
    (void)algorithms;
    (void)n_algorithms;
    if (c == NULL || c->pair == NULL)
        return -1;
    *out = c->pair->chain;
    *out_n = c->pair->n_chain;
    *out_key = c->pair->key;
    return 0;
}
