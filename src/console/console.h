/*
 * console/console.h - the local web console: pages and calls over HTTP on loopback, for the one
 * user who started it.
 *
 * Source: docs/console-api.md. Layer: console (net, crypto). What a call does is not known here: a
 * backend is given, which runs commands; the program detente's is its table of commands.
 *
 *     browser --HTTP--> guards --> session --> call --queue--> the backend's thread
 *                (server.c)  (session.c) (call.c)  (work.c)        |
 *     browser <-------------- events.c <--- dt_console_changed() --+-- sync, other programs
 *
 * Whoever can open a socket on this machine can send anything: a page from elsewhere, another user,
 * a name that an attacker's DNS points here. Nothing but the pages themselves is given without a
 * token, and a token only for a key that was shown to the user.
 */
#ifndef DT_CONSOLE_CONSOLE_H
#define DT_CONSOLE_CONSOLE_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/embed.h"
#include "console/call.h"

struct dt_console;

/* How far a call is. ${console} carries it to the page, and back that it should stop. */
struct dt_console_work;
void dt_console_progress(struct dt_console_work *work, const char *what, uint64_t done,
                         uint64_t of);
bool dt_console_stopped(const struct dt_console_work *work);

/* What came of a call; the backend fills it. All zero is an empty answer. */
struct dt_console_answer {
    enum dt_err err;     /* not DT_OK: message and advice say what and what to do */
    bool passphrase;     /* refused for want of the passphrase, which this act asks for again */
    bool wrong;          /* the passphrase that came with it is wrong */
    int status;          /* what the command would exit with: 0, or 1 for a "no" */
    struct dt_buf out;   /* what it printed */
    struct dt_buf notes; /* what it remarked */
    struct dt_buf message, advice;
};
void dt_console_answer_clear(struct dt_console_answer *answer);

struct dt_console_backend {
    /* Run ${call}; ${answer} is empty and owned by the caller. In the one thread that runs calls.
     */
    void (*run)(void *ctx, const struct dt_console_call *call, struct dt_console_work *work,
                struct dt_console_answer *answer);
    /* Is it the home's? LOCKED: it is not. In the same thread. */
    enum dt_err (*passphrase)(void *ctx, const struct dt_secret *passphrase);
    void *ctx;
};

struct dt_console_config {
    const char *listen; /* a loopback address with a port: "127.0.0.1:0", "[::1]:8471" */
    const char *folder; /* a folder of ours, 0700, where files of pages lie while they are needed */
    const struct dt_embedded *assets; /* the pages; one named index.html among them */
    size_t n_assets;
    uint64_t lock_after_ms; /* a page is locked when nobody was at it for so long; 0: never */
    struct dt_console_backend backend;
};

/**
 * dt_console_start(config, out):
 * Serve until dt_console_stop(). The config is copied, but not what it points to. Errors: USAGE
 * (not a loopback address), IO (port taken, folder), NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_console_start(const struct dt_console_config *config,
                                           struct dt_console **out);
void dt_console_stop(struct dt_console *c);
void dt_console_stop_p(struct dt_console **c);

/* Append the address to open once, with a new key in its fragment: "http://127.0.0.1:40213/#k=..."
 * Keys are forgotten when they were used, after DT_CONSOLE_KEY_MS, or when many newer ones are
 * made. From any thread. */
DT_MUST_CHECK enum dt_err dt_console_address(struct dt_console *c, struct dt_buf *out);

/* Something in the home may be different now: pages that wait for news are answered. From any
 * thread. */
void dt_console_changed(struct dt_console *c);

/* How it stands with the relay: was it reached, when that was tried last, and what is wrong, "" if
 * nothing is. From any thread. */
void dt_console_line(struct dt_console *c, bool online, uint64_t when_ms, const char *trouble);

#endif
