/*
 * net/server_tls.h - the server's certificate: read, checked, given to each handshake, replaced
 * while connections go on.
 *
 * Source: RFC 8446. Under it: GnuTLS, as libmicrohttpd uses it. Layer: net, internal to the server.
 *
 * A handshake that has begun keeps the pair that it was given until its connection ends, so a pair
 * that was replaced lives as long as the last connection that took it. No session tickets are
 * given: nothing is kept that could open what was said, and no key of theirs has to be changed.
 */
#ifndef DT_NET_SERVER_TLS_H
#define DT_NET_SERVER_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <pthread.h>

#include "base/bytes.h"

/* What a peer may choose from: TLS 1.3, AEADs, and groups that cost the server little. */
#define DT_TLS_PRIORITIES                                                                          \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
#define DT_TLS_FILE_MAX (256u << 10)
#define DT_TLS_CHAIN    8u /* certificates in a chain at most */

/* A chain with its key. */
struct dt_tls_pair {
    size_t n_users; /* connections that took it, and one while it is the current one */
    gnutls_pcert_st chain[DT_TLS_CHAIN];
    unsigned int n_chain;
    gnutls_privkey_t key;
};

/* All zero is one without TLS. */
struct dt_tls {
    pthread_mutex_t lock;
    char *cert_file, *key_file;
    struct dt_tls_pair *pair;
};

/**
 * dt_tls_init(tls, cert_file, key_file):
 * Read the chain (PEM, the server's own first) and its key. Errors: NOT_FOUND, IO, LIMIT (a file
 * past DT_TLS_FILE_MAX, more than DT_TLS_CHAIN certificates), FORMAT (no PEM chain or key, or the
 * key is another's), NOMEM; ${tls} is as it was.
 */
DT_MUST_CHECK enum dt_err dt_tls_init(struct dt_tls *tls, const char *cert_file,
                                      const char *key_file);
void dt_tls_clear(struct dt_tls *tls);

/* Read both files again. With an error, as above, nothing changes. From any thread. */
DT_MUST_CHECK enum dt_err dt_tls_reload(struct dt_tls *tls);

/* Which certificate? The library asks once in a handshake, in the server's thread, and keeps a
 * pointer to its connection in the session: a gnutls_certificate_retrieve_function2. */
int dt_tls_certificate(gnutls_session_t session, const gnutls_datum_t *ca, int n_ca,
                       const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
                       gnutls_pcert_st **out, unsigned int *out_n, gnutls_privkey_t *out_key);

/* Send what a handshake says at once. It comes in several records, and the second would wait for
 * the peer's word that it has the first, which the peer puts off: 40 ms a handshake. */
void dt_tls_prompt(int fd);

/* The current pair for a connection, which gives it back when it ends. NULL given back is fine. */
struct dt_tls_pair *dt_tls_take(struct dt_tls *tls);
void dt_tls_give_back(struct dt_tls *tls, struct dt_tls_pair *pair);

#endif
