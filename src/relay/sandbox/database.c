/*
 * relay/sandbox/database.c - see sandbox.h: what libpq reads when it connects, and connects again.
 *
 * Source: PostgreSQL 15, sections 34.1.2 (parameters), 34.15 (environment), 34.16 (the password
 * file), 34.19 (certificates). Layer: relay. Sockets need no permission here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/sandbox/sandbox.h"

/* Parameters of the address that name a file, and what stands for them in the environment. */
static const struct {
    const char *parameter, *variable;
} named[] = {{"sslcert", "PGSSLCERT"}, {"sslkey", "PGSSLKEY"},     {"sslrootcert", "PGSSLROOTCERT"},
             {"sslcrl", "PGSSLCRL"},   {"passfile", "PGPASSFILE"}, {"sslcrldir", "PGSSLCRLDIR"}};

/* What libpq looks for where nothing names it. */
static const char *const at_home[] = {".postgresql", ".pgpass"};
static const char *const of_system[] = {"/etc/passwd", "/etc/krb5.conf", "/etc/krb5.conf.d"};

static void
add(struct relay_sandbox *s, const char *path)
{
    for (size_t i = 0; i < SANDBOX_PATHS_MAX; i++) {
        if (s->exact[i] == NULL) {
            s->exact[i] = path;
            return;
        }
    }
}

/* The value of ${name} in ${url} into ${out}, an array of ${size}; false when it is not there, or
 * written with escapes, which a path seldom needs. */
static bool
parameter(const char *url, const char *name, char *out, size_t size)
{
    const char *at = strchr(url, '?');
    size_t len = strlen(name);

    while (at != NULL) {
        at++;
        if (strncmp(at, name, len) == 0 && at[len] == '=') {
            size_t n = strcspn(at + len + 1, "&");

            if (n == 0 || n >= size)
                return false;
            memcpy(out, at + len + 1, n);
            out[n] = '\0';
            return strchr(out, '%') == NULL;
        }
        at = strchr(at, '&');
    }
    return false;
}

void
relay_sandbox_database(struct relay_sandbox *s, const char *url)
{
    static char of_url[sizeof(named) / sizeof(named[0])][1024];
    static char of_home[sizeof(at_home) / sizeof(at_home[0])][1024];
    const char *home = getenv("HOME");

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        const char *value = getenv(named[i].variable);

        if (parameter(url, named[i].parameter, of_url[i], sizeof(of_url[i])))
            add(s, of_url[i]);
        else if (value != NULL && value[0] != '\0')
            add(s, value);
    }
    for (size_t i = 0; home != NULL && i < sizeof(at_home) / sizeof(at_home[0]); i++) {
        int n = snprintf(of_home[i], sizeof(of_home[i]), "%s/%s", home, at_home[i]);

        if (n > 0 && (size_t)n < sizeof(of_home[i]))
            add(s, of_home[i]);
    }
    for (size_t i = 0; i < sizeof(of_system) / sizeof(of_system[0]); i++)
        add(s, of_system[i]);
}
