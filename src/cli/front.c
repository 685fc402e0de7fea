/*
 * cli/front.c - where a command writes and whom it asks: the terminal, or the console; see cli.h.
 */
#include <unistd.h>

#include "cli/cli.h"

static _Thread_local const struct cli_front *front_of;

void
cli_front_set(const struct cli_front *front)
{
    front_of = front;
}

const struct cli_front *
cli_front(void)
{
    return front_of;
}

FILE *
cli_out(void)
{
    return front_of != NULL ? front_of->out : stdout;
}

FILE *
cli_err(void)
{
    return front_of != NULL ? front_of->err : stderr;
}

bool
cli_can_ask(void)
{
    return front_of == NULL && isatty(STDIN_FILENO) == 1;
}

bool
cli_is_watched(void)
{
    return front_of == NULL && isatty(STDERR_FILENO) == 1;
}
