/*
 * What test_killshim runs under the shim. `killshim_child lines FILE N` appends N lines to FILE, a
 * write and an fdatasync each; `killshim_child sqlite FILE N` makes a table with synchronous=FULL
 * and inserts N rows, a transaction each, and prints on standard output each row that was
 * acknowledged.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int
main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    if (strcmp(argv[1], "lines") == 0)
        return lines(argv[2], strtol(argv[3], NULL, 10));
    if (strcmp(argv[1], "sqlite") == 0)
        return rows(argv[2], strtol(argv[3], NULL, 10));
    return 2;
}
