/*
 * agent/observer/observer.c - see observer.h: opening and closing, one pass, waiting.
 */
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "net/address.h"

#include "agent/observer/internal.h"

#define TRIES      3 /* of a look that a growing register outran */
#define REST_S     2 /* between looks at what does not tell when there is news */
#define STOP_MS    200
#define POLICY_LOG 1

static bool
stopped(const struct dt_observer *o)
{
    return o->config.stop != NULL && atomic_load(o->config.stop);
}

/* ---- opening ---- */

static enum dt_err
find_source(struct dt_observer *o)
{
    const char *where = o->config.where;
    struct dt_http_client_config http = {
        .ca_file = o->config.ca_file, .read_key = o->config.read_key, .stop = o->config.stop};
    enum dt_err err;

    if (where == NULL || where[0] == '\0')
        return dt_fail(DT_ERR_USAGE, "which register? its URL, or a folder with its files");
    if (!dt_address_is_relay(where)) {
        if ((err = dt_register_source_folder(where, o->log.name, o->folder)) == DT_OK)
            o->src.dir = o->folder;
        return err;
    }
    o->src.url = where;
    return dt_http_client_new(&http, &o->http);
}

/* The policy's sides, each with its place in the state. */
static enum dt_err
find_sides(struct dt_observer *o)
{
    const struct tlog_policy *p = o->config.policy;
    enum dt_err err;

    o->n_sides = tlog_policy_sides(p, o->sides, TLOG_POLICY_NODES_MAX);
    o->view = dt_alloc(o->n_sides + 1, sizeof *o->view);
    if (o->view == NULL)
        return dt_nomem();
    for (size_t i = 0; i < o->n_sides; i++)
        if ((err = observer_state_group(&o->state, p->nodes[o->sides[i]].name, &o->groups[i])) !=
            DT_OK)
            return err;
    return DT_OK;
}

enum dt_err
dt_observer_open(const struct dt_observer_config *config, struct dt_observer **out)
{
    DT_CLEANUP(dt_observer_close_p) struct dt_observer *o = dt_alloc(1, sizeof *o);
    enum dt_err err;

    if (o == NULL)
        return dt_nomem();
    o->config = *config;
    if (config->policy->n_logs != POLICY_LOG)
        return dt_fail(DT_ERR_USAGE, "the policy names %zu logs: an observer follows one",
                       config->policy->n_logs);
    o->log = config->policy->logs[0].key;
    if ((err = find_source(o)) != DT_OK ||
        (err = observer_state_load(config->state_path, &o->log, &o->state)) != DT_OK ||
        (err = find_sides(o)) != DT_OK)
        return err;
    o->src.http = o->http;
    *out = o;
    o = NULL;
    return DT_OK;
}

enum dt_err
dt_observer_recall(const char *state_path, struct dt_observer **out)
{
    DT_CLEANUP(dt_observer_close_p) struct dt_observer *o = dt_alloc(1, sizeof *o);
    enum dt_err err;

    if (o == NULL)
        return dt_nomem();
    o->config.clock = dt_clock_system();
    if ((err = observer_state_load(state_path, NULL, &o->state)) != DT_OK)
        return err;
    o->log = o->state.log;
    *out = o;
    o = NULL;
    return DT_OK;
}

void
dt_observer_close(struct dt_observer *o)
{
    if (o == NULL)
        return;
    observer_state_close(&o->state);
    observer_refused_clear(o);
    tlog_tile_cache_free(o->tiles);
    dt_http_client_free(o->http);
    dt_free(o->view);
    dt_free(o);
}

void
dt_observer_close_p(struct dt_observer **o)
{
    dt_observer_close(*o);
    *o = NULL;
}

/* ---- a pass ---- */

/* Now, by a clock that someone may have put back: never before the last look. */
static void
set_time(struct dt_observer *o)
{
    const struct observer_state *s = &o->state;

    o->now_ms = dt_clock_now(&o->config.clock);
    if (o->now_ms > DT_TIME_MAX_MS)
        o->now_ms = DT_TIME_MAX_MS;
    if (s->n_shown > 0 && s->shown[s->n_shown - 1].last_ms > o->now_ms)
        o->now_ms = s->shown[s->n_shown - 1].last_ms;
}

enum dt_err
dt_observer_pass(struct dt_observer *o)
{
    struct observer_state *s = &o->state;
    enum dt_err err = DT_ERR_NOT_FOUND, kept;

    set_time(o);
    if (s->split_ms == 0) {
        /* What a checkpoint needs may be gone when a newer one is there. */
        for (int i = 0; i < TRIES && err == DT_ERR_NOT_FOUND && !stopped(o); i++)
            err = observer_look(o);
        if (err == DT_ERR_NOT_FOUND)
            return dt_fail_context(err, "a part of the register is missing");
        if (err == DT_OK && s->behind_since_ms == 0)
            err = observer_openings(o);
        if (err == DT_OK)
            err = observer_word(o);
        if (err != DT_OK && err != DT_ERR_CONFLICT)
            return err;
        /* CONFLICT without a split view: an opening or a state of something else. */
        if (err == DT_ERR_CONFLICT && s->split_ms == 0)
            return err;
        if ((kept = observer_state_save(s)) != DT_OK)
            return kept;
    }
    if (s->split_ms == 0)
        return DT_OK;
    if ((err = observer_evidence_write(o)) != DT_OK)
        return err;
    return dt_fail(DT_ERR_CONFLICT,
                   "split view: the register's key signed two registers that cannot "
                   "both be true");
}

/* Is ${note} of a larger tree than was seen? */
static bool
larger(const struct dt_observer *o, struct dt_view note)
{
    struct tlog_checkpoint cp;

    return tlog_checkpoint_open(note, &o->log, &cp) == DT_OK && cp.size > o->state.size;
}

enum dt_err
dt_observer_wait(struct dt_observer *o, unsigned int wait_s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    const struct timespec step = {.tv_nsec = STOP_MS * 1000000L};
    uint64_t end = dt_monotonic_ms() + REST_S * DT_MS_SECOND;
    enum dt_err err = DT_OK;

    if (wait_s > DT_NET_WAIT_MAX_S)
        wait_s = DT_NET_WAIT_MAX_S;
    if (o->http != NULL)
        err = dt_register_checkpoint_after(o->http, o->src.url, DT_CHECKPOINT_HELD, o->state.size,
                                           wait_s, &note);
    if (o->http != NULL && err == DT_OK && larger(o, dt_buf_view(&note)))
        return DT_OK;
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    /* A folder is looked at now and then; so is a server that does not hold the question back. */
    while (!stopped(o) && dt_monotonic_ms() < end)
        (void)nanosleep(&step, NULL);
    return DT_OK;
}

/* ---- what was seen ---- */

void
dt_observer_seen(const struct dt_observer *o, struct dt_observed *out)
{
    const struct observer_state *s = &o->state;

    *out = (struct dt_observed){.shown = s->shown,
                                .n_shown = s->n_shown,
                                .attested = s->attested,
                                .n_attested = s->n_attested,
                                .groups = o->view != NULL ? o->view : s->groups,
                                .n_groups = o->view != NULL ? o->n_sides : s->n_groups,
                                .now_ms = dt_clock_now(&o->config.clock),
                                .behind_size = s->behind_size,
                                .behind_since_ms = s->behind_since_ms,
                                .split_ms = s->split_ms};
    for (size_t i = 0; i < o->n_sides; i++)
        o->view[i] = s->groups[o->groups[i]];
}

const char *
dt_observer_where(const struct dt_observer *o)
{
    return o->src.dir != NULL ? o->src.dir : o->config.where;
}

const char *
dt_observer_origin(const struct dt_observer *o)
{
    return o->log.name;
}

void
dt_observer_root(const struct dt_observer *o, struct tlog_hash *out)
{
    *out = o->state.root;
}

const char *
dt_observer_evidence(const struct dt_observer *o)
{
    return o->evidence_there ? o->evidence : NULL;
}
