/*
 * cli/cmd_unlock.c - detente unlock | lock: the home's key with the kernel for a shift; and the
 * agent that ends when it is locked.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/store/kept.h"
#include "base/mem.h"

#include "cli/commands.h"
#include "cli/watch.h"

#define SHIFT_MS (8 * DT_MS_HOUR)

static enum dt_err
said(bool unlocked, uint64_t until_ms, bool was)
{
    json_t *o = json_object();

    cli_put_bool(o, "unlocked", unlocked);
    cli_put_time(o, "until", until_ms);
    if (!unlocked)
        cli_put_bool(o, "was_unlocked", was);
    return cli_json(o);
}

enum dt_err
cmd_unlock(struct cli *c)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret passphrase = {0};
    bool session = cli_has(c, "session");
    uint64_t span = SHIFT_MS, until = 0;
    char when[DT_TIME_STR];
    enum dt_err err;

    if ((cli_has(c, "for") && (err = cli_span(cli_get(c, "for"), &span)) != DT_OK) ||
        (err = cli_passphrase(c, c->home, false, &passphrase)) != DT_OK ||
        (err = dt_store_keep(c->home, dt_secret_view(&passphrase), &c->clock, span,
                             session ? DT_KEYRING_SESSION : DT_KEYRING_USER, &until)) != DT_OK)
        return err;
    if (c->json)
        return said(true, until, false);
    dt_time_str(when, until - until % DT_MS_SECOND);
    cli_print("unlocked until %s, %s; sooner: detente lock\n", when,
              session ? "for this login session" : "for every program of this user");
    return DT_OK;
}

enum dt_err
cmd_lock(struct cli *c)
{
    bool was = false;
    enum dt_err err = dt_store_forget(c->home, &was);

    if (err != DT_OK)
        return err;
    if (c->json)
        return said(false, 0, was);
    cli_print(was ? "locked; an agent that runs by the kept key ends now\n"
                  : "locked: no key was kept\n");
    return DT_OK;
}

/* ---- the agent ---- */

/* Looks once a second whether the key is still kept: a call of the kernel, and of nothing else, so
 * that it needs no lock. Twice not there, for unlocking anew gives it up for a moment. */
static void *
watch(void *p)
{
    struct cli_watch *w = p;
    unsigned int missed = 0;

    while (!atomic_load(&w->end)) {
        struct timespec t = {.tv_nsec = 200 * 1000 * 1000};

        missed = dt_keyring_holds(w->name) ? 0 : missed + 1;
        if (missed > 1) {
            atomic_store(&w->locked, true);
            atomic_store(w->stop, true);
            break;
        }
        for (int i = 0; i < 5 && !atomic_load(&w->end); i++)
            (void)nanosleep(&t, NULL);
    }
    return NULL;
}

enum dt_err
cli_watch_begin(struct cli_watch *w, struct dt_agent *a, atomic_bool *stop)
{
    *w = (struct cli_watch){.name = dt_store_kept_name(dt_agent_store(a)), .stop = stop};
    if (w->name[0] == '\0')
        return DT_OK;
    if (pthread_create(&w->thread, NULL, watch, w) != 0) {
        w->name = "";
        return dt_fail(DT_ERR_NOMEM, "a thread cannot be had");
    }
    return DT_OK;
}

enum dt_err
cli_watch_end(struct cli_watch *w, enum dt_err err)
{
    if (w->name[0] == '\0')
        return err;
    atomic_store(&w->end, true);
    (void)pthread_join(w->thread, NULL);
    if (err == DT_OK && atomic_load(&w->locked))
        return dt_fail(DT_ERR_LOCKED, "the home was locked, or the time is over for which it was "
                                      "unlocked: the agent has ended");
    return err;
}
