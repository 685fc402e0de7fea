/*
 * cli/cmd_console.c - detente console: the home in a browser, and in touch with the relay
 * meanwhile.
 *
 *     main thread     prints addresses: at the start, for Enter, for detente console --url
 *     server          (console room) guards, sessions, pages
 *     calls           one after the other, on the agent of main
 *     line            dt_agent_run(): long polls, receipts, line tests
 *     sender          what a call has left to be sent, at once; and a look whether another program
 *                     has changed the home
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/register/register.h"
#include "base/mem.h"
#include "base/time.h"

#include "cli/commands.h"
#include "cli/console_run.h"
#include "cli/console_url.h"
#include "cli/watch.h"

#define LOOK_MS 1000u

extern const struct dt_embedded console_pages[];
extern const size_t console_pages_count;

struct console_program {
    struct cli *c;
    struct dt_console *console;
    struct console_home home;
    struct dt_buf folder; /* of the files of pages; ends with a NUL */
    struct dt_agent *line_agent, *send_agent;
    pthread_t line, sender;
    bool line_runs, sender_runs;
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool to_send;
    int door; /* where other calls of this program ask for an address */
};

static atomic_bool stop_console;

static void
on_signal(int sig)
{
    (void)sig;
    atomic_store(&stop_console, true);
}

/* ---- the threads ---- */

static void
on_line(void *ctx, enum dt_err err, const struct dt_sync_report *report)
{
    struct console_program *p = ctx;

    dt_console_line(p->console, err == DT_OK, dt_clock_now(&p->home.clock),
                    err == DT_OK ? "" : dt_err_message());
    if (report->received + report->sent + report->passed_over + report->destroyed > 0)
        dt_console_changed(p->console);
}

static void *
keep_line(void *ctx)
{
    struct console_program *p = ctx;
    enum dt_err err = dt_agent_run(p->line_agent, &stop_console, on_line, p);

    if (err != DT_OK) {
        dt_console_line(p->console, false, dt_clock_now(&p->home.clock), dt_err_message());
        cli_complain("detente: %s; the console is no more in touch with the relay\n",
                     dt_err_message());
    }
    return NULL;
}

static void
changed(void *ctx)
{
    struct console_program *p = ctx;

    dt_console_changed(p->console);
    (void)pthread_mutex_lock(&p->lock);
    p->to_send = true;
    (void)pthread_cond_signal(&p->more);
    (void)pthread_mutex_unlock(&p->lock);
}

/* Whatever waits goes out now, not with the line's next turn. */
static void
send_now(struct console_program *p)
{
    enum dt_err err = dt_agent_sync(p->send_agent, NULL);

    if (err == DT_OK)
        err = dt_agent_register_sync(p->send_agent, NULL);
    if (err != DT_OK && err != DT_ERR_LIMIT)
        dt_console_line(p->console, false, dt_clock_now(&p->home.clock), dt_err_message());
}

static void *
keep_sending(void *ctx)
{
    struct console_program *p = ctx;
    struct dt_store *store = dt_agent_store(p->send_agent);
    uint64_t seen = 0, number = 0;

    while (!atomic_load(&stop_console)) {
        const struct timespec until = dt_monotonic_after(LOOK_MS);
        bool to_send;

        (void)pthread_mutex_lock(&p->lock);
        while (!p->to_send && !atomic_load(&stop_console) &&
               pthread_cond_timedwait(&p->more, &p->lock, &until) != ETIMEDOUT)
            continue;
        to_send = p->to_send;
        p->to_send = false;
        (void)pthread_mutex_unlock(&p->lock);
        if (to_send && !atomic_load(&stop_console))
            send_now(p);
        if (dt_store_number(store, &number) == DT_OK && number != seen) {
            seen = number;
            dt_console_changed(p->console);
        }
    }
    return NULL;
}

/* ---- addresses ---- */

static enum dt_err
print_address(struct console_program *p)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(256);
    enum dt_err err = dt_console_address(p->console, &b);

    if (err != DT_OK)
        return err;
    if (p->c->json) {
        json_t *o = json_object();

        cli_put_view(o, "url", dt_buf_view(&b));
        if ((err = cli_json(o)) != DT_OK)
            return err;
    } else {
        cli_print("%.*s\n", (int)b.n, (const char *)b.p);
    }
    (void)fflush(stdout);
    if (cli_has(p->c, "browser"))
        console_url_open(p->c, dt_buf_view(&b));
    return DT_OK;
}

/* Enter on the terminal: another address. The terminal is gone: go on without. */
static bool
answer_enter(struct console_program *p)
{
    char line[256];
    const ssize_t n = read(STDIN_FILENO, line, sizeof line);

    if (n <= 0)
        return false;
    dt_ignore(print_address(p), "the next Enter tries again");
    return true;
}

static enum dt_err
serve(struct console_program *p)
{
    struct pollfd fds[2] = {
        {.fd = p->door, .events = POLLIN},
        {.fd = isatty(STDIN_FILENO) == 1 ? STDIN_FILENO : -1, .events = POLLIN}};

    while (!atomic_load(&stop_console)) {
        if (poll(fds, 2, (int)LOOK_MS) <= 0)
            continue;
        if ((fds[0].revents & POLLIN) != 0)
            console_url_answer(p->door, p->console);
        if ((fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !answer_enter(p))
            fds[1].fd = -1;
    }
    return DT_OK;
}

/* ---- begin and end ---- */

static enum dt_err
begin_threads(struct console_program *p)
{
    pthread_condattr_t attr;
    enum dt_err err;

    if ((err = dt_agent_open_again(p->c->agent, p->c->home, &p->line_agent)) != DT_OK ||
        (err = dt_agent_open_again(p->c->agent, p->c->home, &p->send_agent)) != DT_OK)
        return err;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&p->more, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&p->lock, NULL);
    p->line_runs = pthread_create(&p->line, NULL, keep_line, p) == 0;
    p->sender_runs = p->line_runs && pthread_create(&p->sender, NULL, keep_sending, p) == 0;
    return p->sender_runs ? DT_OK : dt_fail(DT_ERR_NOMEM, "a thread cannot be had");
}

static void
end_threads(struct console_program *p)
{
    atomic_store(&stop_console, true);
    if (p->sender_runs) {
        (void)pthread_mutex_lock(&p->lock);
        (void)pthread_cond_signal(&p->more);
        (void)pthread_mutex_unlock(&p->lock);
        (void)pthread_join(p->sender, NULL);
    }
    if (p->line_runs)
        (void)pthread_join(p->line, NULL);
    dt_agent_close(p->line_agent);
    dt_agent_close(p->send_agent);
}

/* Files of pages lie in memory where the login session has such a folder, else in the home. There
 * it is named by the home, of which one console runs at a time: the next one removes what one that
 * was killed has left. */
static enum dt_err
folder_of(const struct cli *c, struct dt_buf *out)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct stat st;
    enum dt_err err;

    if (runtime != NULL && runtime[0] == '/' && access(runtime, W_OK) == 0 &&
        stat(c->home, &st) == 0)
        err = dt_buf_printf(out, "%s/detente-console-%llx-%llx", runtime,
                            (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    else
        err = dt_buf_printf(out, "%s/console", c->home);
    return err != DT_OK ? err : dt_buf_append(out, dt_view((const uint8_t *)"", 1));
}

static enum dt_err
start(struct console_program *p)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf listen = DT_BUF_INIT(64);
    struct dt_console_config config = {
        .folder = (const char *)p->folder.p,
        .assets = console_pages,
        .n_assets = console_pages_count,
        .backend = {.run = console_run, .passphrase = console_passphrase, .ctx = &p->home}};
    uint64_t port = 0, minutes = 0;
    enum dt_err err;

    if (console_pages_count == 0)
        return dt_fail(DT_ERR_UNSUPPORTED, "this program was built without the console's pages: "
                                           "see README.md, Console");
    if ((err = cli_number(p->c, "port", 0, 65535, &port)) != DT_OK ||
        (err = dt_buf_printf(&listen, "%s:%u%c", cli_has(p->c, "ipv6") ? "[::1]" : "127.0.0.1",
                             (unsigned int)port, '\0')) != DT_OK)
        return err;
    if ((err = cli_number(p->c, "lock-after", DT_CONSOLE_LOCK_MIN, 1440, &minutes)) != DT_OK)
        return err;
    config.lock_after_ms = minutes * 60000;
    config.listen = (const char *)listen.p;
    return dt_console_start(&config, &p->console);
}

static enum dt_err
run_console(struct console_program *p)
{
    struct sigaction sa = {.sa_handler = on_signal};
    struct cli_watch w;
    enum dt_err err;

    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    (void)sigaction(SIGHUP, &sa, NULL);
    if ((err = folder_of(p->c, &p->folder)) != DT_OK ||
        (err = console_url_listen(p->c->home, &p->door)) != DT_OK || (err = start(p)) != DT_OK)
        return err;
    if ((err = cli_watch_begin(&w, p->c->agent, &stop_console)) != DT_OK)
        return err;
    if ((err = begin_threads(p)) == DT_OK && (err = print_address(p)) == DT_OK) {
        cli_note(p->c,
                 "open it in a browser on this machine; it opens once. Another one: Enter, or "
                 "detente console --url. The end: Ctrl-C");
        err = serve(p);
    }
    /* Before the agents, whose threads tell it news. */
    end_threads(p);
    err = cli_watch_end(&w, err);
    return err;
}

enum dt_err
cmd_console(struct cli *c)
{
    struct console_program p = {.c = c, .folder = DT_BUF_INIT(4096), .door = -1};
    enum dt_err err;

    if (cli_has(c, "url"))
        return console_url_ask(c);
    if ((err = cli_open_home(c)) != DT_OK)
        return err;
    if (cli_relay(c) != NULL && (err = dt_agent_relay_at(c->agent, cli_relay(c))) != DT_OK)
        return err;
    if (cli_ca(c) != NULL)
        dt_agent_trust(c->agent, cli_ca(c));
    p.home = (struct console_home){
        .home = c->home, .agent = c->agent, .clock = c->clock, .changed = changed, .ctx = &p};
    err = run_console(&p);
    dt_console_stop(p.console);
    console_url_close(c->home, p.door);
    dt_buf_clear(&p.folder);
    return err;
}
