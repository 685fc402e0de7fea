/*
 * cli/console_url.h - how another call of the program, by the same user, gets an address of the
 * console that runs for a home: a socket in the home's folder.
 *
 * Source: docs/console-api.md "Addresses". Layer: cli.
 */
#ifndef DT_CLI_CONSOLE_URL_H
#define DT_CLI_CONSOLE_URL_H

#include "cli/cli.h"
#include "console/console.h"

/* Listen at HOME/console.sock. EXISTS: a console of this home runs. IO. */
DT_MUST_CHECK enum dt_err console_url_listen(const char *home, int *out_fd);

/* Give an address to who asks, if it is the same user. */
void console_url_answer(int fd, struct dt_console *console);

/* Open ${address} in the desktop's browser, by a file that this user alone can read: an address
 * among a program's arguments would be seen by all users. Nothing where there is no desktop; what
 * goes wrong is remarked. */
void console_url_open(const struct cli *c, struct dt_view address);

/* Remove the socket, if ${fd} is one. */
void console_url_close(const char *home, int fd);

/* detente console --url: ask, and print what came. NOT_FOUND: no console runs for the home. */
DT_MUST_CHECK enum dt_err console_url_ask(struct cli *c);

#endif
