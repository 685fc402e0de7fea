/*
 * cli/passphrase.c - where a passphrase may come from: a file, a descriptor, the terminal; never
 * argv.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#include "cli/cli.h"

#define PASSPHRASE_MAX 1024

static enum dt_err
first_line(struct dt_view text, struct dt_secret *out)
{
    size_t n = 0;

    while (n < text.n && text.p[n] != '\n')
        n++;
    if (n > 0 && text.p[n - 1] == '\r')
        n--;
    if (n == 0)
        return dt_fail(DT_ERR_LOCKED, "the passphrase is empty");
    return dt_secret_set(out, dt_view(text.p, n));
}

static enum dt_err
from_file(const char *path, struct dt_secret *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(PASSPHRASE_MAX);
    enum dt_err err = cli_file(path, &b);

    if (err == DT_OK)
        err = first_line(dt_buf_view(&b), out);
    return dt_fail_context(err, "passphrase file");
}

static enum dt_err
from_fd(const char *number, struct dt_secret *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(PASSPHRASE_MAX);
    uint64_t fd = 0;
    enum dt_err err;

    if (dt_decimal_read(dt_view_str(number), 1023, &fd) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--passphrase-fd: '%s' is no descriptor", number);
    err = dt_fd_read_line((int)fd, &b);
    if (err == DT_OK)
        err = first_line(dt_buf_view(&b), out);
    return dt_fail_context(err, "passphrase from descriptor %s", number);
}

/* One prompt with echo off; the terminal is put right again whatever is typed. */
static enum dt_err
ask(int tty, const char *prompt, const char *what, struct dt_secret *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(PASSPHRASE_MAX);
    struct termios before;
    struct termios silent;
    sigset_t block;
    sigset_t old;
    enum dt_err err;

    if (tcgetattr(tty, &before) != 0)
        return dt_fail(DT_ERR_LOCKED, "the terminal cannot be asked for a passphrase");
    /* Signals wait until echo is on again. */
    (void)sigemptyset(&block);
    (void)sigaddset(&block, SIGINT);
    (void)sigaddset(&block, SIGTSTP);
    (void)sigaddset(&block, SIGTERM);
    (void)sigaddset(&block, SIGQUIT);
    (void)sigaddset(&block, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &block, &old);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(tty, TCSAFLUSH, &silent) != 0) {
        (void)sigprocmask(SIG_SETMASK, &old, NULL);
        return dt_fail(DT_ERR_LOCKED, "the terminal's echo cannot be turned off");
    }
    (void)dprintf(tty, "%s %s: ", prompt, what);
    err = dt_fd_read_line(tty, &b);
    (void)dprintf(tty, "\n");
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    if (err != DT_OK)
        return dt_fail(DT_ERR_LOCKED, "no passphrase was typed");
    return first_line(dt_buf_view(&b), out);
}

static enum dt_err
from_tty(const char *what, bool fresh, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret again = {0};
    int tty = cli_front() != NULL ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    enum dt_err err;

    if (tty < 0)
        return dt_fail(DT_ERR_LOCKED,
                       "a passphrase for %s is needed and there is no terminal to ask on; "
                       "use --passphrase-file or --passphrase-fd",
                       what);
    err = ask(tty, fresh ? "New passphrase for" : "Passphrase for", what, out);
    if (err == DT_OK && fresh) {
        err = ask(tty, "The same again for", what, &again);
        if (err == DT_OK && !dt_ct_equal(dt_secret_view(out), dt_secret_view(&again)))
            err = dt_fail(DT_ERR_LOCKED, "the two passphrases differ; nothing was done");
    }
    (void)close(tty);
    return err;
}

enum dt_err
cli_passphrase_of(const struct cli *c, const char *option, const char *what, bool fresh,
                  struct dt_secret *out)
{
    const char *file = cli_get(c, option);

    return file != NULL ? from_file(file, out) : from_tty(what, fresh, out);
}

enum dt_err
cli_passphrase(const struct cli *c, const char *what, bool fresh, struct dt_secret *out)
{
    const char *file = cli_get(c, "passphrase-file");
    const char *fd = cli_get(c, "passphrase-fd");

    if (file != NULL && fd != NULL)
        return dt_fail(DT_ERR_USAGE, "--passphrase-file and --passphrase-fd exclude each other");
    if (fd != NULL)
        return from_fd(fd, out);
    if (file == NULL && cli_front() == NULL)
        file = getenv("DETENTE_PASSPHRASE_FILE");
    if (file != NULL && file[0] != '\0')
        return from_file(file, out);
    return from_tty(what, fresh, out);
}

/* Did the user, or the environment, say where the passphrase is? */
static bool
is_given(const struct cli *c)
{
    const char *file = getenv("DETENTE_PASSPHRASE_FILE");

    return cli_get(c, "passphrase-file") != NULL || cli_get(c, "passphrase-fd") != NULL ||
           (file != NULL && file[0] != '\0');
}

enum dt_err
cli_open_home(struct cli *c)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret passphrase = {0};
    enum dt_err err;

    if (c->agent != NULL) /* the console's, which is open */
        return DT_OK;
    if (!is_given(c)) {
        err = dt_agent_open_kept(c->home, &c->clock, &c->agent);
        if (err != DT_ERR_NOT_FOUND)
            return err;
    }
    if ((err = cli_passphrase(c, c->home, false, &passphrase)) != DT_OK)
        return err;
    return dt_agent_open(c->home, dt_secret_view(&passphrase), &c->clock, &c->agent);
}
