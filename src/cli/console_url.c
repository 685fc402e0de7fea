/*
 * cli/console_url.c - see console_url.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"

#include "cli/console_url.h"

#define SOCKET_NAME "console.sock"
#define ADDRESS_MAX 256u
#define OPEN_S      5u

/* A socket's name has 107 bytes, and a home's may be longer: it is named by way of the folder's
 * descriptor. */
static enum dt_err
name_of(const char *home, int *out_folder, struct sockaddr_un *out)
{
    *out_folder = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out_folder < 0)
        return dt_fail(DT_ERR_IO, "%s: cannot be opened: %s", home, strerror(errno));
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/" SOCKET_NAME,
                   *out_folder);
    return DT_OK;
}

static bool
answers(const struct sockaddr_un *name)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is = fd >= 0 && connect(fd, (const struct sockaddr *)name, sizeof *name) == 0;

    if (fd >= 0)
        (void)close(fd);
    return is;
}

enum dt_err
console_url_listen(const char *home, int *out_fd)
{
    struct sockaddr_un name;
    int folder = -1, fd = -1;
    enum dt_err err = name_of(home, &folder, &name);

    if (err != DT_OK)
        return err;
    if (answers(&name)) {
        err = dt_fail(DT_ERR_EXISTS,
                      "a console of this home runs already: detente console --url prints an "
                      "address of it");
    } else {
        (void)unlinkat(folder, SOCKET_NAME, 0); /* what a console that was killed left */
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof name) != 0 ||
            chmod(name.sun_path, 0600) != 0 || listen(fd, 4) != 0)
            err = dt_fail(DT_ERR_IO, "%s: the console's socket cannot be made: %s", home,
                          strerror(errno));
    }
    (void)close(folder);
    if (err == DT_OK)
        *out_fd = fd;
    else if (fd >= 0)
        (void)close(fd);
    return err;
}

void
console_url_answer(int fd, struct dt_console *console)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(ADDRESS_MAX);
    const int to = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    struct ucred who = {0};
    socklen_t n = sizeof who;

    if (to < 0)
        return;
    if (getsockopt(to, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 && who.uid == geteuid() &&
        dt_console_address(console, &b) == DT_OK)
        (void)send(to, b.p, b.n, MSG_NOSIGNAL); /* fits the socket's buffer */
    (void)close(to);
}

/* Run xdg-open on ${path}, and wait until it has handed it on. */
static bool
open_file(char *path)
{
    char program[] = "xdg-open";
    char *const argv[] = {program, path, NULL};
    int status = 0;
    const pid_t pid = fork();

    if (pid == 0) {
        const int null = open("/dev/null", O_RDWR);

        if (null >= 0) {
            (void)dup2(null, STDIN_FILENO);
            (void)dup2(null, STDOUT_FILENO);
            (void)dup2(null, STDERR_FILENO);
        }
        (void)execvp(program, argv);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

void
console_url_open(const struct cli *c, struct dt_view address)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf page = DT_BUF_INIT(1024);
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(8192);

    if (getenv("DISPLAY") == NULL && getenv("WAYLAND_DISPLAY") == NULL) {
        cli_note(c, "there is no desktop here: open the address yourself");
        return;
    }
    if (dt_buf_printf(&page,
                      "<!doctype html><meta charset=\"utf-8\"><title>detente</title>"
                      "<meta http-equiv=\"refresh\" content=\"0;url=%.*s\">\n",
                      (int)address.n, (const char *)address.p) != DT_OK ||
        dt_buf_printf(&path, "%s/console-open.html%c", c->home, '\0') != DT_OK ||
        dt_file_write((const char *)path.p, dt_buf_view(&page), 0600) != DT_OK ||
        !open_file((char *)path.p))
        cli_note(c, "the browser could not be opened (xdg-open): open the address yourself");
    else
        (void)sleep(OPEN_S); /* the browser reads it; the key in it opens once */
    if (path.p != NULL)
        (void)unlink((const char *)path.p);
}

void
console_url_close(const char *home, int fd)
{
    struct sockaddr_un name;
    int folder = -1;

    if (fd < 0)
        return;
    (void)close(fd);
    if (name_of(home, &folder, &name) == DT_OK) {
        (void)unlinkat(folder, SOCKET_NAME, 0);
        (void)close(folder);
    }
}

enum dt_err
console_url_ask(struct cli *c)
{
    const struct timeval patience = {.tv_sec = 10};
    struct sockaddr_un name;
    char address[ADDRESS_MAX + 1];
    int folder = -1, fd;
    size_t have = 0;
    ssize_t n = 0;
    enum dt_err err = name_of(c->home, &folder, &name);

    if (err != DT_OK)
        return err;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&name, sizeof name) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0)
        while (have < ADDRESS_MAX && (n = read(fd, address + have, ADDRESS_MAX - have)) > 0)
            have += (size_t)n;
    if (fd >= 0)
        (void)close(fd);
    (void)close(folder);
    if (have == 0)
        return dt_fail(DT_ERR_NOT_FOUND,
                       "no console runs for this home: start one with detente console");
    if (c->json) {
        json_t *o = json_object();

        cli_put_view(o, "url", dt_view((const uint8_t *)address, have));
        err = cli_json(o);
    } else {
        cli_print("%.*s\n", (int)have, address);
    }
    if (err == DT_OK && cli_has(c, "browser"))
        console_url_open(c, dt_view((const uint8_t *)address, have));
    dt_wipe(address, sizeof address);
    return err;
}
