/*
 * What test_killshim runs under the shim. `killshim_child lines FILE N` appends N lines to FILE, a
 * write and an fdatasync each; `killshim_child sqlite FILE N` makes a table with synchronous=FULL
 * and inserts N rows, a transaction each, and prints on standard output each row that was
 * acknowledged. `killshim_child answer FILE N` takes one request (N not 0: one that asks to wait),
 * writes a line to FILE, answers, and writes another line.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int
lines(const char *path, long n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0)
        return 1;
    for (long i = 0; i < n; i++) {
        if (write(fd, "line\n", 5) != 5 || fdatasync(fd) != 0)
            return 1;
    }
    return close(fd) == 0 ? 0 : 1;
}

static int
rows(const char *path, long n)
{
    sqlite3 *db = NULL;
    int bad = sqlite3_open(path, &db);

    bad = bad || sqlite3_exec(db,
                              "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                              "CREATE TABLE IF NOT EXISTS t(i INTEGER)",
                              NULL, NULL, NULL);
    for (long i = 0; !bad && i < n; i++) {
        bad = sqlite3_exec(db, "INSERT INTO t VALUES(1)", NULL, NULL, NULL);
        if (!bad && write(STDOUT_FILENO, ".", 1) != 1)
            bad = 1;
    }
    sqlite3_close(db);
    return bad != 0;
}

/* In a process of its own, and past the shim: a client that asks and reads to the end. */
static void
ask(const struct sockaddr_in *where, long wait)
{
    const char *line = wait != 0 ? "GET /x?wait=9 HTTP/1.1\r\n\r\n" : "GET /x HTTP/1.1\r\n\r\n";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char c[64];

    if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)where, sizeof *where) == 0 &&
        syscall(SYS_write, fd, line, strlen(line)) > 0)
        while (syscall(SYS_read, fd, c, sizeof c) > 0)
            ;
    syscall(SYS_exit_group, 0);
}

static int
answer(const char *path, long wait)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    char request[256];
    pid_t client;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd;

    if (file < 0 || listener < 0 || bind(listener, (struct sockaddr *)(void *)&a, sizeof a) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)(void *)&a, &len) != 0 || (client = fork()) < 0)
        return 1;
    if (client == 0)
        ask(&a, wait);
    fd = accept(listener, NULL, NULL);
    if (fd < 0 || recv(fd, request, sizeof request, 0) <= 0 || write(file, "line\n", 5) != 5 ||
        send(fd, "answer", 6, MSG_NOSIGNAL) != 6 || write(file, "line\n", 5) != 5)
        return 1;
    return close(fd) == 0 && waitpid(client, NULL, 0) == client ? 0 : 1;
}

int
main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    if (strcmp(argv[1], "lines") == 0)
        return lines(argv[2], strtol(argv[3], NULL, 10));
    if (strcmp(argv[1], "sqlite") == 0)
        return rows(argv[2], strtol(argv[3], NULL, 10));
    if (strcmp(argv[1], "answer") == 0)
        return answer(argv[2], strtol(argv[3], NULL, 10));
    return 2;
}
