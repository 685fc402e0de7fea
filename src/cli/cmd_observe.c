/*
 * cli/cmd_observe.c - detente observe: a register seen by who has no key. What is seen is
 * agent/observer/observer.h's, what is made of it instrument/observe.h's, how it is shown
 * observe_out.h's.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/grant.h"
#include "record/charter_rules.h"

#include "cli/charter_io.h"
#include "cli/commands.h"
#include "cli/observe_out.h"
#include "cli/observe_site.h"
#include "cli/verify_io.h"

#define LATE_AFTER_MS DT_MS_HOUR
#define WAIT_S        30u /* of a long poll */
#define WAIT_SOON_S   5u  /* while cosignatures are awaited */
#define PAUSE_MAX_S   30u /* after what failed again and again */

/* One run of the command. */
struct run {
    struct cli *c;
    struct cli_anchor anchor;
    struct dt_verify_in in;
    struct dt_charter charter; /* where --charter names one */
    bool has_charter;
    struct tlog_policy policy;
    struct dt_observer *observer;
    struct observe_rules rules;
    uint64_t told_entries, told_attested; /* as said last with --follow */
    bool told;
    char error[512];    /* said last, until all is well again */
    enum dt_err failed; /* what the last pass failed with */
    bool split;
    uint8_t read_key[32];
};

static void
run_clear(struct run *r)
{
    dt_observer_close(r->observer);
    dt_wipe(r->read_key, sizeof r->read_key);
    tlog_policy_clear(&r->policy);
    dt_charter_clear(&r->charter);
    cli_anchor_clear(&r->anchor);
}

static atomic_bool stop_observing;

static void
on_signal(int sig)
{
    (void)sig;
    atomic_store(&stop_observing, true);
}

/* ---- whose register ---- */

/* The groups of a charter's policy as people know them: by their party's name. */
static enum dt_err
name_groups(const struct dt_charter *charter, struct tlog_policy *policy)
{
    for (size_t i = 0; i < charter->n_parties; i++) {
        char place[32];

        (void)snprintf(place, sizeof place, "g%zu-", i + 1);
        for (size_t k = 0; k < policy->n_nodes; k++) {
            struct tlog_policy_node *node = &policy->nodes[k];
            char *name;

            if (!node->is_group || strncmp(node->name, place, strlen(place)) != 0)
                continue;
            name = dt_strndup((const char *)charter->parties[i].name.p, charter->parties[i].name.n);
            if (name == NULL)
                return dt_nomem();
            dt_free(node->name);
            node->name = name;
        }
    }
    return DT_OK;
}

static enum dt_err
from_charter(struct run *r, const char *file)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_POLICY_MAX);
    struct dt_charter *charter = &r->charter;
    uint8_t forum[DT_FORUM_ID];
    enum dt_err err;

    if ((err = cli_charter(r->c, file, charter)) != DT_OK ||
        (err = dt_charter_forum_id(charter, forum)) != DT_OK)
        return err;
    if (r->in.forum != NULL && memcmp(forum, r->in.forum, sizeof forum) != 0)
        return dt_fail(DT_ERR_AUTH, "the charter is of another forum than --forum says");
    if (r->in.forum == NULL)
        cli_note(r->c, "no --forum given: whose charter this is was not checked");
    r->has_charter = true;
    /* Of each party, and a register shows all of them. */
    r->rules.cadence = dt_charter_cadence(charter);
    r->rules.cadence.k *= charter->n_parties;
    if ((err = dt_charter_policy(charter, DT_POLICY_ATTESTED, &text)) != DT_OK ||
        (err = tlog_policy_parse(dt_buf_view(&text), &r->policy)) != DT_OK)
        return err;
    return name_groups(charter, &r->policy);
}

static enum dt_err
find_policy(struct run *r)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_POLICY_MAX);
    const char *policy = cli_get(r->c, "policy"), *charter = cli_get(r->c, "charter");
    const char *vkey = cli_get(r->c, "vkey");
    struct tlog_vkey key;
    enum dt_err err;

    if ((policy != NULL) + (charter != NULL) + (vkey != NULL) != 1)
        return dt_fail(DT_ERR_USAGE,
                       "detente observe needs one of --policy FILE, --charter FILE and "
                       "--vkey VKEY");
    if ((err = cli_verify_in(r->c, &r->anchor, &r->in)) != DT_OK)
        return err;
    if (charter != NULL)
        return from_charter(r, charter);
    if (policy != NULL) {
        if ((err = cli_file(policy, &b)) != DT_OK)
            return err;
        return dt_fail_context(tlog_policy_parse(dt_buf_view(&b), &r->policy), "%s", policy);
    }
    if ((err = tlog_vkey_parse(dt_view_str(vkey), &key)) != DT_OK ||
        (err = tlog_policy_add_log(&r->policy, &key, dt_view(NULL, 0))) != DT_OK)
        return dt_fail_context(err, "--vkey");
    return tlog_policy_set_quorum(&r->policy, dt_view_str("none"));
}

static enum dt_err
begin(struct run *r)
{
    struct cli *c = r->c;
    const char *cadence = cli_get(c, "cadence"), *late = cli_get(c, "late-after");
    const char *read_key = cli_get(c, "read-key"), *tests = cli_get(c, "line-tests");
    struct dt_observer_config config = {.where = c->operand[0],
                                        .ca_file = cli_ca(c),
                                        .state_path = cli_get(c, "state"),
                                        .evidence_dir = cli_get(c, "evidence"),
                                        .policy = &r->policy,
                                        .proofs = &r->in,
                                        .clock = c->clock,
                                        .stop = &stop_observing};
    enum dt_err err;

    r->rules.late_after_ms = LATE_AFTER_MS;
    if ((late != NULL && (err = cli_span(late, &r->rules.late_after_ms)) != DT_OK) ||
        (tests != NULL && (err = cli_span(tests, &r->rules.line_tests_ms)) != DT_OK) ||
        (err = find_policy(r)) != DT_OK)
        return err;
    if (cadence != NULL && dt_cadence_read(dt_view_str(cadence), &r->rules.cadence) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--cadence: entries a period, as 4/1d, 10/1w, 1/12h or 1/30m");
    if (read_key != NULL) {
        if ((err = dt_read_key_load(read_key, r->read_key)) != DT_OK)
            return err;
        config.read_key = r->read_key;
    }
    if (config.state_path == NULL)
        cli_note(c, "no --state given: nothing is kept, so what is seen now cannot be held against "
                    "what is shown later");
    if ((err = dt_observer_open(&config, &r->observer)) == DT_OK &&
        strcmp(dt_observer_where(r->observer), config.where) != 0)
        cli_note(c, "looking at %s", dt_observer_where(r->observer));
    return err;
}

/* ---- what was seen ---- */

/* Something that may be over the next time: the network, or what the register shows. */
static bool
may_pass(enum dt_err err)
{
    return err == DT_ERR_NET || err == DT_ERR_NOT_FOUND || err == DT_ERR_FORMAT ||
           err == DT_ERR_AUTH || err == DT_ERR_PROOF || err == DT_ERR_LIMIT || err == DT_ERR_BUSY ||
           err == DT_ERR_REFUSED || err == DT_ERR_UNSUPPORTED;
}

/* The picture and the site, where they are asked for. */
static enum dt_err
write_files(struct run *r, const struct observe_view *v)
{
    const char *svg = cli_get(r->c, "svg"), *html = cli_get(r->c, "html");
    enum dt_err err = svg != NULL ? observe_draw(v, svg) : DT_OK;

    /* A register that is away, or shows less than before, leaves the site as it is. */
    if (err != DT_OK || html == NULL || r->failed != DT_OK || r->split ||
        v->seen.behind_since_ms != 0)
        return err;
    return observe_site(r->observer, r->has_charter ? &r->charter : NULL, html);
}

static enum dt_err
report(struct run *r)
{
    DT_CLEANUP(observe_view_clear) struct observe_view v = {0};
    enum dt_err err;

    if ((err = observe_view_make(r->observer, &r->rules, &v)) != DT_OK ||
        (err = write_files(r, &v)) != DT_OK)
        return err;
    if (r->split)
        r->c->verdict = DT_EXIT_SPLIT;
    else if (v.timeline.n_flags > 0)
        r->c->verdict = DT_EXIT_NO;
    else if (r->failed != DT_OK && may_pass(r->failed))
        r->c->verdict = cli_exit(r->failed);
    return r->c->json ? observe_json(&v) : observe_print(&v);
}

/* With --follow: a line when there is news, and the picture anew. */
static enum dt_err
tell_news(struct run *r)
{
    DT_CLEANUP(observe_view_clear) struct observe_view v = {0};
    char now[DT_TIME_STR];
    enum dt_err err = observe_view_make(r->observer, &r->rules, &v);

    if (err != DT_OK)
        return err;
    if (r->told && r->told_entries == v.timeline.entries &&
        r->told_attested == v.timeline.attested && r->error[0] == '\0')
        return DT_OK;
    r->told = true;
    r->told_entries = v.timeline.entries;
    r->told_attested = v.timeline.attested;
    dt_time_str(now, v.seen.now_ms / DT_MS_SECOND * DT_MS_SECOND);
    cli_note(r->c, "%s: %llu entries, not contacts; %llu attested", now,
             (unsigned long long)v.timeline.entries, (unsigned long long)v.timeline.attested);
    return write_files(r, &v);
}

/* ---- going on ---- */

static void
tell_error(struct run *r)
{
    if (strncmp(r->error, dt_err_message(), sizeof r->error - 1) == 0)
        return;
    (void)snprintf(r->error, sizeof r->error, "%s", dt_err_message());
    cli_note(r->c, "%s", r->error);
}

static void
rest(unsigned int s)
{
    const struct timespec step = {.tv_nsec = 200000000};

    for (unsigned int i = 0; i < 5 * s && !atomic_load(&stop_observing); i++)
        (void)nanosleep(&step, NULL);
}

/* Until Ctrl-C, or a split view, or something of our own fails. */
static enum dt_err
follow(struct run *r)
{
    unsigned int pause = 1;
    enum dt_err err;

    do {
        struct dt_observed seen;

        err = dt_observer_pass(r->observer);
        if (err == DT_OK) {
            dt_observer_seen(r->observer, &seen);
            if ((err = tell_news(r)) != DT_OK)
                return err;
            r->error[0] = '\0';
            pause = 1;
            err = dt_observer_wait(r->observer,
                                   seen.n_groups > 0 && (seen.n_attested == 0 ||
                                                         seen.attested[seen.n_attested - 1].size <
                                                             seen.shown[seen.n_shown - 1].size)
                                       ? WAIT_SOON_S
                                       : WAIT_S);
        }
        r->failed = err;
        if (err != DT_OK && may_pass(err)) {
            tell_error(r);
            rest(pause);
            pause = 2 * pause < PAUSE_MAX_S ? 2 * pause : PAUSE_MAX_S;
            err = DT_OK;
        }
    } while (err == DT_OK && !atomic_load(&stop_observing));
    return err;
}

enum dt_err
cmd_observe(struct cli *c)
{
    DT_CLEANUP(run_clear) struct run r = {.c = c};
    struct sigaction sa = {0};
    enum dt_err err;

    if ((err = begin(&r)) != DT_OK)
        return err;
    sa.sa_handler = on_signal;
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    err = cli_has(c, "follow") ? follow(&r) : dt_observer_pass(r.observer);
    if (err == DT_ERR_CONFLICT && dt_observer_evidence(r.observer) != NULL) {
        cli_complain("detente: %s\n", dt_err_message());
        r.split = true;
    } else if (err != DT_OK && !(cli_has(c, "follow") && atomic_load(&stop_observing))) {
        return err;
    }
    return report(&r);
}
