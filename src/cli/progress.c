/*
 * cli/progress.c - see progress.h.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"

#include "cli/progress.h"

#define SHOWN_AFTER_MS 1000u
#define SHOWN_EVERY_MS 250u

void
cli_progress_begin(const struct cli *c, const char *what, struct cli_progress *p)
{
    *p = (struct cli_progress){.what = what,
                               .on = cli_front() != NULL || (!c->quiet && cli_is_watched()),
                               .begun_ms = dt_monotonic_ms()};
}

bool
cli_progress_due(struct cli_progress *p)
{
    uint64_t now = dt_monotonic_ms();

    if (!p->on || now - p->begun_ms < (cli_front() != NULL ? SHOWN_EVERY_MS : SHOWN_AFTER_MS) ||
        now - p->shown_ms < SHOWN_EVERY_MS)
        return false;
    p->shown_ms = now;
    return true;
}

void
cli_progress(void *ctx, uint64_t done, uint64_t of)
{
    struct cli_progress *p = ctx;
    const struct cli_front *front = cli_front();

    if (!cli_progress_due(p))
        return;
    if (front != NULL) {
        front->progress(front->ctx, p->what, done, of);
        return;
    }
    (void)fprintf(stderr, "\r%s: %3u %%", p->what,
                  of > 0 ? (unsigned int)(done < of ? done * 100 / of : 100) : 0);
    (void)fflush(stderr);
}

bool
cli_progress_step(void *ctx, uint64_t done, uint64_t of)
{
    const struct cli_front *front = cli_front();

    cli_progress(ctx, done, of);
    return front == NULL || !front->stopped(front->ctx);
}

void
cli_progress_end(struct cli_progress *p)
{
    if (p->on && p->shown_ms != 0 && cli_front() == NULL)
        (void)fprintf(stderr, "\r\033[K");
}

enum dt_err
cli_file_passphrase(const struct cli *c, const char *option, const char *what, bool fresh,
                    struct dt_secret *out)
{
    const char *file = cli_get(c, option);
    struct cli other = *c;

    if (file == NULL)
        return cli_passphrase(c, what, fresh, out);
    /* As if it were the only way that was given. */
    other.n_options = 1;
    other.option_name[0] = "passphrase-file";
    other.option_value[0] = file;
    return cli_passphrase(&other, what, fresh, out);
}
