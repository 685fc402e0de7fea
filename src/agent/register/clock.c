/*
 * agent/register/clock.c - how far each group has cosigned, and whether its clock can be right.
 *
 * Source: DESIGN "Register": a cosignature time off by more than 5 minutes is flagged;
 * docs/protocol-agent.md. Layer: agent.
 *
 * A cosignature of N entries cannot be made before the last time at which fewer than N were all
 * there was, nor after now, nor before an earlier one of the same group. Both bounds are by our own
 * clock: what is flagged is a difference, and whose clock is wrong the user has to find out.
 */
#include <stdio.h>
#include <string.h>

#include "base/wire.h"

#include "agent/keep/destroy.h"
#include "agent/register/store.h"

#define SEEN "seen"

/* The newest held checkpoint as we know it by our clock. */
struct seen {
    uint64_t size;    /* the largest that was shown to us */
    uint64_t last_ms; /* when it was still the largest */
    uint64_t below;   /* the largest before it */
    uint64_t below_ms;
};

static enum dt_err
seen_get(struct dt_agent *a, struct seen *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(32);
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(dt_agent_store(a), "register", dt_view_str(SEEN), &b);

    *out = (struct seen){0};
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    r = dt_reader_init(dt_buf_view(&b));
    if (err != DT_OK || (err = dt_read_u64(&r, &out->size)) != DT_OK ||
        (err = dt_read_u64(&r, &out->last_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &out->below)) != DT_OK ||
        (err = dt_read_u64(&r, &out->below_ms)) != DT_OK)
        return err;
    return dt_read_end(&r);
}

enum dt_err
dt_register_seen(struct dt_agent *a, uint64_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(32);
    struct dt_writer w = dt_writer_init(&b);
    uint64_t now = dt_agent_now(a);
    struct seen s;
    enum dt_err err = seen_get(a, &s);

    if (err != DT_OK || size < s.size)
        return err;
    if (size > s.size) {
        s.below = s.size;
        s.below_ms = s.last_ms < now ? s.last_ms : now; /* ours may have been set back */
        s.size = size;
    }
    s.last_ms = now;
    dt_write_u64(&w, s.size);
    dt_write_u64(&w, s.last_ms);
    dt_write_u64(&w, s.below);
    dt_write_u64(&w, s.below_ms);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(dt_agent_store(a), "register", dt_view_str(SEEN), dt_buf_view(&b));
}

/* By how much ${g}'s time, seen for the first time now, cannot be; ${before} is what we knew of it.
 */
static void
judge(const struct seen *s, uint64_t now, const struct dt_group_mark *before,
      struct dt_group_mark *g)
{
    uint64_t earliest = g->size > s->below ? s->below_ms : 0;

    if (before->time_ms > earliest)
        earliest = before->time_ms;
    if (g->time_ms > now + DT_CLOCK_TOLERANCE_MS) {
        g->off_ms = g->time_ms - now;
        g->ahead = true;
    } else if (g->time_ms + DT_CLOCK_TOLERANCE_MS < earliest) {
        g->off_ms = earliest - g->time_ms;
    }
}

enum dt_err
dt_group_mark_get(struct dt_agent *a, const char *group, struct dt_group_mark *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(48);
    struct dt_reader r;
    uint8_t ahead = 0;
    enum dt_err err =
        dt_store_get_blob(dt_agent_store(a), "register_group", dt_view_str(group), &b);

    if (err != DT_OK)
        return err;
    *out = (struct dt_group_mark){0};
    r = dt_reader_init(dt_buf_view(&b));
    if ((err = dt_read_u64(&r, &out->size)) != DT_OK ||
        (err = dt_read_u64(&r, &out->time_ms)) != DT_OK ||
        r.n == 0) /* written before clocks were */
        return err;
    if ((err = dt_read_u64(&r, &out->off_ms)) != DT_OK || (err = dt_read_u8(&r, &ahead)) != DT_OK)
        return err;
    out->ahead = ahead != 0;
    if (r.n == 0) /* written before lagging was */
        return DT_OK;
    if ((err = dt_read_u64(&r, &out->behind_ms)) != DT_OK)
        return err;
    return dt_read_end(&r);
}

static enum dt_err
mark_put(struct dt_agent *a, const char *group, const struct dt_group_mark *g)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(48);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_u64(&w, g->size);
    dt_write_u64(&w, g->time_ms);
    dt_write_u64(&w, g->off_ms);
    dt_write_u8(&w, g->ahead ? 1 : 0);
    dt_write_u64(&w, g->behind_ms);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(dt_agent_store(a), "register_group", dt_view_str(group),
                             dt_buf_view(&b));
}

/* Is it our own party's group? It may go by the clock that we go by. */
static bool
is_ours(const struct dt_agent *a, const char *group)
{
    char name[24];
    int n = snprintf(name, sizeof name, "g%zu-", a->party + 1);

    return n > 0 && strncmp(group, name, (size_t)n) == 0;
}

enum dt_err
dt_register_note_groups(struct dt_agent *a, const struct tlog_policy *p,
                        const struct tlog_policy_state *state)
{
    size_t sides[TLOG_POLICY_NODES_MAX];
    size_t n = tlog_policy_sides(p, sides, TLOG_POLICY_NODES_MAX);
    struct seen s;
    enum dt_err err = seen_get(a, &s);

    for (size_t i = 0; i < n && err == DT_OK; i++) {
        const char *group = p->nodes[sides[i]].name;
        struct dt_group_mark before = {0};
        struct dt_group_mark g = {.size = state->checkpoint.size};
        bool there;

        if (!state->nodes[sides[i]].satisfied)
            continue;
        err = dt_group_mark_get(a, group, &before);
        there = err == DT_OK;
        if (err == DT_ERR_NOT_FOUND)
            err = DT_OK;
        if (err != DT_OK || (there && before.size >= g.size))
            continue;
        g.time_ms = state->nodes[sides[i]].time * 1000;
        judge(&s, dt_agent_now(a), &before, &g);
        if ((err = mark_put(a, group, &g)) == DT_OK && g.off_ms == 0 && !is_ours(a, group))
            err = dt_time_note(a, g.time_ms);
    }
    return err;
}

/* The mark of ${group}, and whether it lags: written when that has changed. */
static enum dt_err
note_behind(struct dt_agent *a, const char *group, uint64_t shown)
{
    struct dt_group_mark g = {0};
    enum dt_err err = dt_group_mark_get(a, group, &g);
    bool behind;

    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    behind = g.size < shown;
    if (behind == (g.behind_ms != 0))
        return DT_OK;
    g.behind_ms = behind ? dt_agent_now(a) : 0;
    return mark_put(a, group, &g);
}

enum dt_err
dt_register_note_behind(struct dt_agent *a)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    size_t sides[TLOG_POLICY_NODES_MAX];
    struct dt_store *store = dt_agent_store(a);
    struct seen s;
    size_t n;
    enum dt_err err = dt_register_policy(a, DT_POLICY_FINAL, &policy);

    if (err != DT_OK || (err = dt_store_begin(store)) != DT_OK)
        return err;
    n = tlog_policy_sides(&policy, sides, TLOG_POLICY_NODES_MAX);
    err = seen_get(a, &s);
    for (size_t i = 0; i < n && err == DT_OK; i++)
        err = note_behind(a, policy.nodes[sides[i]].name, s.size);
    return dt_store_end(store, err);
}
