/*
 * cli/cmd_register.c - detente register status | check: the member's view, and a stranger's.
 */
#include <string.h>

#include "agent/register/register.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "log/policy.h"
#include "log/tile.h"
#include "net/grant.h"
#include "net/relay_client.h"
#include "record/charter.h"

#include "cli/charter_io.h"
#include "net/json.h"

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/verify_io.h"

#define LAG_MAX      (256u << 10)
#define LAG_TIME_MAX ((json_int_t)1 << 38) /* seconds: year 10000 and some */

enum dt_err
cmd_register(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_group_info *groups = NULL;
    struct dt_register_report r;
    json_t *root;
    json_t *list;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_agent_register_status(c->agent, &r)) != DT_OK ||
        (err = dt_agent_register_groups(c->agent, &groups, &n)) != DT_OK)
        return err;
    if (!c->json) {
        cli_print("%llu entries: %llu attested, %llu final; %llu of ours to hand in\n",
                  (unsigned long long)r.size, (unsigned long long)r.attested_size,
                  (unsigned long long)r.final_size, (unsigned long long)r.waiting);
        if ((err = cli_print_cadence(c)) != DT_OK)
            return err;
        for (size_t i = 0; i < n; i++) {
            char when[DT_TIME_STR];
            char since[DT_TIME_STR];

            dt_time_str(when, groups[i].time_ms);
            dt_time_str(since, groups[i].behind_ms);
            cli_print("  %-16s cosigned %llu%s%s%s%s\n", groups[i].name,
                      (unsigned long long)groups[i].size, groups[i].time_ms != 0 ? ", " : "",
                      groups[i].time_ms != 0 ? when : "",
                      groups[i].behind_ms != 0 ? "; behind since " : "",
                      groups[i].behind_ms != 0 ? since : "");
        }
        cli_print_clocks(groups, n);
        return DT_OK;
    }
    root = json_object();
    list = json_array();
    cli_put_u64(root, "size", r.size);
    cli_put_u64(root, "attested", r.attested_size);
    cli_put_u64(root, "final", r.final_size);
    cli_put_u64(root, "waiting", r.waiting);
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        cli_put(o, "name", groups[i].name);
        cli_put_u64(o, "size", groups[i].size);
        cli_put_time(o, "time", groups[i].time_ms);
        cli_put_time(o, "behind_since", groups[i].behind_ms);
        cli_put_clock(o, &groups[i]);
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "groups", list);
    if ((err = cli_put_cadence(c, root)) != DT_OK) {
        json_decref(root);
        return err;
    }
    return cli_json(root);
}

enum dt_err
cmd_register_checkpoint(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_NOTE_MAX);
    const char *out = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "out", &out)) != DT_OK ||
        (err = dt_agent_register_note(c->agent, &b)) != DT_OK)
        return err;
    return dt_file_write(out, dt_buf_view(&b), 0644);
}

enum dt_err
cmd_register_compare(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_NOTE_MAX);
    uint64_t size = 0;
    uint64_t held = 0;
    enum dt_err err;

    if ((err = cli_file(c->operand[0], &b)) != DT_OK ||
        (err = dt_agent_register_compare(c->agent, dt_buf_view(&b), &size, &held)) != DT_OK)
        return dt_fail_context(err, "%s", c->operand[0]);
    if (c->json) {
        json_t *o = json_object();

        cli_put_bool(o, "same", true);
        cli_put_u64(o, "size", size);
        cli_put_u64(o, "held", held);
        return cli_json(o);
    }
    cli_print("the same register: its %llu entries are the first of our %llu\n",
              (unsigned long long)size, (unsigned long long)held);
    return DT_OK;
}

/* ---- the stranger ---- */

/* What a stranger needs to find and judge a register. */
struct stranger {
    struct dt_charter charter; /* from --charter */
    struct cli_anchor anchor;  /* from --proof, with --forum */
    struct dt_verdict verdict;
    const struct dt_charter *use;
    struct dt_http_client *http;
    uint8_t read_key[32];
    struct dt_buf url;
    json_t *lag; /* what the relay shows of its witnesses */
};

static void
stranger_clear(struct stranger *s)
{
    json_decref(s->lag);
    dt_charter_clear(&s->charter);
    dt_verdict_clear(&s->verdict);
    cli_anchor_clear(&s->anchor);
    dt_http_client_free(s->http);
    dt_wipe(s->read_key, sizeof s->read_key);
    dt_buf_clear(&s->url);
}

static enum dt_err
find_charter(struct cli *c, struct stranger *s)
{
    const char *file = cli_get(c, "charter");
    const char *proof = cli_get(c, "proof");
    uint8_t forum[DT_FORUM_ID];
    struct dt_verify_in in;
    bool own = false;
    enum dt_err err;

    if (file != NULL && proof != NULL)
        return dt_fail(DT_ERR_USAGE, "--charter and --proof exclude each other");
    if ((err = cli_verify_in(c, &s->anchor, &in)) != DT_OK)
        return err;
    if (proof != NULL) {
        if ((err = cli_verify_file(proof, &in, &s->verdict)) != DT_OK)
            return err;
        if (s->verdict.code == DT_VERDICT_REFUSED)
            return dt_fail(DT_ERR_PROOF, "%s: refused: %.*s", proof, (int)s->verdict.reason.n,
                           (const char *)s->verdict.reason.p);
        s->use = s->verdict.charter;
    } else if (file == NULL) {
        /* The home's own: its forum id needs no word from elsewhere. */
        if ((err = cli_open_home(c)) != DT_OK)
            return err == DT_ERR_NOT_FOUND
                       ? dt_fail(DT_ERR_USAGE, "detente register check needs --charter FILE or "
                                               "--proof FILE where there is no home")
                       : err;
        s->use = dt_agent_charter(c->agent);
        own = true;
    } else {
        if ((err = cli_charter(c, file, &s->charter)) != DT_OK)
            return err;
        s->use = &s->charter;
    }
    if ((err = dt_charter_forum_id(s->use, forum)) != DT_OK)
        return err;
    if (in.forum == NULL && own)
        return DT_OK;
    if (in.forum == NULL) {
        cli_note(c, "no --forum given: whose register this is was not checked");
        c->verdict = DT_EXIT_NO;
    } else if (memcmp(forum, in.forum, sizeof forum) != 0) {
        return dt_fail(DT_ERR_AUTH, "the charter is of another forum than --forum says");
    }
    return DT_OK;
}

/* A client that sends the read key, where one is given. */
static enum dt_err
reader(struct cli *c, struct stranger *s)
{
    struct dt_http_client_config http = {.ca_file = cli_ca(c)};
    const char *key = cli_get(c, "read-key");
    enum dt_err err;

    if (key != NULL) {
        if ((err = dt_read_key_load(key, s->read_key)) != DT_OK)
            return err;
        http.read_key = s->read_key;
    }
    return dt_http_client_new(&http, &s->http);
}

static enum dt_err
register_url(struct cli *c, struct stranger *s)
{
    const char *relay = cli_relay(c);
    struct dt_view base = relay != NULL ? dt_view_str(relay) : s->use->relays[0];
    enum dt_err err;

    dt_buf_init(&s->url, DT_NET_URL_MAX + 256);
    if ((err = dt_buf_append(&s->url, base)) != DT_OK ||
        (err = dt_buf_append(&s->url, s->use->register_path)) != DT_OK)
        return err;
    return dt_buf_append(&s->url, dt_view((const uint8_t *)"", 1));
}

/* The root of all entries up to ${size}, each fetched and hashed. */
static enum dt_err
walk_entries(struct stranger *s, uint64_t size, struct cli_progress *progress,
             struct tlog_hash *root)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bundle = DT_BUF_INIT(TLOG_BUNDLE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(TLOG_PATH_STR_MAX + 1);
    struct tlog_frontier f = {0};
    struct tlog_hash leaf;
    enum dt_err err;

    while (f.size < size) {
        struct tlog_tile tile = {.entries = true, .index = f.size / TLOG_TILE_WIDTH};
        struct dt_view entries[TLOG_TILE_WIDTH];
        size_t n = 0;

        if (!cli_progress_step(progress, f.size, size))
            return dt_fail(DT_ERR_STATE, "stopped; nothing was done");
        tile.width = tlog_tile_width(0, tile.index, size);
        path.n = 0;
        bundle.n = 0;
        if ((err = tlog_tile_path_write(&tile, &path)) != DT_OK ||
            (err = dt_buf_append(&path, dt_view((const uint8_t *)"", 1))) != DT_OK ||
            (err = dt_register_file(s->http, (const char *)s->url.p, (const char *)path.p,
                                    &bundle)) != DT_OK ||
            (err = tlog_bundle_parse(dt_buf_view(&bundle), entries, &n)) != DT_OK)
            return err;
        if (n < tile.width)
            return dt_fail(DT_ERR_PROOF, "the register gives %zu of the %u entries of %s", n,
                           tile.width, (const char *)path.p);
        for (size_t i = 0; i < tile.width; i++)
            if ((err = tlog_leaf_hash(entries[i], &leaf)) != DT_OK ||
                (err = tlog_frontier_append(&f, &leaf)) != DT_OK)
                return err;
    }
    return tlog_frontier_root(&f, root);
}

/* The newest checkpoint of a kind, judged by the charter's policy; size 0 when there is none. */
static enum dt_err
checkpoint(struct stranger *s, enum dt_checkpoint_kind kind, enum dt_policy_kind policy_kind,
           struct tlog_policy_state *state, bool *found)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_POLICY_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    enum dt_err err;

    *found = false;
    err = dt_register_checkpoint(s->http, (const char *)s->url.p, kind, &note);
    if (err == DT_ERR_NOT_FOUND && kind != DT_CHECKPOINT_HELD)
        return DT_OK;
    if (err != DT_OK || (err = dt_charter_policy(s->use, policy_kind, &text)) != DT_OK ||
        (err = tlog_policy_parse(dt_buf_view(&text), &policy)) != DT_OK ||
        (err = tlog_policy_evaluate(&policy, NULL, dt_buf_view(&note), state)) != DT_OK)
        return err;
    state->checkpoint.extension = dt_view(NULL, 0);
    if (kind != DT_CHECKPOINT_HELD && !state->quorum)
        return dt_fail(DT_ERR_AUTH,
                       "the relay shows a checkpoint as cosigned that too few groups cosigned");
    *found = true;
    return DT_OK;
}

/* Does the register's tree at the size of ${state} have the root that was signed? */
static enum dt_err
check_root(const struct cli *c, struct stranger *s, const struct tlog_policy_state *state)
{
    struct cli_progress progress;
    struct tlog_hash root;
    enum dt_err err;

    cli_progress_begin(c, "entries", &progress);
    err = walk_entries(s, state->checkpoint.size, &progress, &root);
    cli_progress_end(&progress);
    if (err == DT_OK && !tlog_hash_equal(&root, &state->checkpoint.root))
        err = dt_fail(DT_ERR_PROOF,
                      "the register's %llu entries do not lead to its signed checkpoint",
                      (unsigned long long)state->checkpoint.size);
    return err;
}

/* ---- who lags, by the relay's word ---- */

/* What the relay shows of its witnesses; *${out_root} stays NULL when that is nothing, or no JSON.
 * That it could not be asked or looked at is an error, or the answer would lack a part for no
 * reason that is told. Owner: json_decref(*out_root). */
static enum dt_err
lag_load(struct stranger *s, json_t **out_root)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(LAG_MAX);
    enum dt_err err = dt_register_file(s->http, (const char *)s->url.p, "witnesses", &b);

    if (err == DT_OK && (err = dt_json_parse(dt_buf_view(&b), out_root)) != DT_ERR_NOMEM)
        return DT_OK; /* what is no JSON shows nothing */
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* The list "groups" of ${root}; NULL when there is none that is one. */
static const json_t *
lag_groups(const json_t *root)
{
    const json_t *groups, *group;
    size_t i;

    groups = json_object_get(root, "groups");
    if (json_integer_value(json_object_get(root, "format")) != 1 || !json_is_array(groups))
        return NULL;
    json_array_foreach(groups, i, group)
    {
        const json_t *name = json_object_get(group, "group");
        const json_t *size = json_object_get(group, "size");

        /* Names go to a terminal. */
        if (!json_is_string(name) || !dt_grant_name_ok(json_string_value(name)) ||
            !json_is_integer(size) || json_integer_value(size) < 0)
            return NULL;
    }
    return groups;
}

/* ${field} of ${group}, seconds, in milliseconds; 0 when it is none. */
static uint64_t
lag_time(const json_t *group, const char *field)
{
    json_int_t s = json_integer_value(json_object_get(group, field));

    return s > 0 && s < LAG_TIME_MAX ? (uint64_t)s * DT_MS_SECOND : 0;
}

/* Each side, how far it is by ${root}, and since when it lags: into ${o}, or printed when that is
 * NULL. */
static void
show_lag(struct cli *c, const json_t *root, json_t *o)
{
    const json_t *groups = lag_groups(root), *group;
    json_t *list = o != NULL ? json_array() : NULL;
    size_t i;

    if (groups == NULL)
        cli_note(c, "the relay does not show how far each group has cosigned");
    json_array_foreach(groups, i, group)
    {
        const char *name = json_string_value(json_object_get(group, "group"));
        uint64_t size = (uint64_t)json_integer_value(json_object_get(group, "size"));
        uint64_t since_ms = lag_time(group, "behind_since");
        char since[DT_TIME_STR];

        if (o != NULL) {
            json_t *one = json_object();

            cli_put(one, "name", name);
            cli_put_u64(one, "size", size);
            cli_put_time(one, "time", lag_time(group, "time"));
            cli_put_time(one, "behind_since", since_ms);
            (void)json_array_append_new(list, one);
            continue;
        }
        dt_time_str(since, since_ms);
        cli_print("  %-16s cosigned %llu%s%s%s\n", name, (unsigned long long)size,
                  json_is_true(json_object_get(group, "behind")) ? ", behind" : "",
                  since_ms != 0 ? " since " : "", since_ms != 0 ? since : "");
    }
    if (o != NULL)
        (void)json_object_set_new(o, "groups", list);
}

enum dt_err
cmd_register_check(struct cli *c)
{
    DT_CLEANUP(stranger_clear) struct stranger s = {0};
    struct tlog_policy_state held;
    struct tlog_policy_state attested;
    struct tlog_policy_state final;
    bool has_held = false;
    bool has_attested = false;
    bool has_final = false;
    enum dt_err err;

    if ((err = find_charter(c, &s)) != DT_OK || (err = register_url(c, &s)) != DT_OK ||
        (err = reader(c, &s)) != DT_OK ||
        (err = checkpoint(&s, DT_CHECKPOINT_HELD, DT_POLICY_HELD, &held, &has_held)) != DT_OK ||
        (err = checkpoint(&s, DT_CHECKPOINT_ATTESTED, DT_POLICY_ATTESTED, &attested,
                          &has_attested)) != DT_OK ||
        (err = checkpoint(&s, DT_CHECKPOINT_FINAL, DT_POLICY_FINAL, &final, &has_final)) != DT_OK ||
        (err = check_root(c, &s, &held)) != DT_OK ||
        (has_attested && (err = check_root(c, &s, &attested)) != DT_OK) ||
        (has_final && (err = check_root(c, &s, &final)) != DT_OK) ||
        (err = lag_load(&s, &s.lag)) != DT_OK)
        return err;
    if (c->json) {
        json_t *o = json_object();

        cli_put_u64(o, "entries", held.checkpoint.size);
        cli_put_u64(o, "attested", has_attested ? attested.checkpoint.size : 0);
        cli_put_u64(o, "final", has_final ? final.checkpoint.size : 0);
        cli_put_time(o, "attested_time", has_attested ? attested.quorum_time * 1000 : 0);
        show_lag(c, s.lag, o);
        return cli_json(o);
    }
    cli_print(
        "%llu entries, %llu attested, %llu final; the register only grew and its roots hold\n",
        (unsigned long long)held.checkpoint.size,
        (unsigned long long)(has_attested ? attested.checkpoint.size : 0),
        (unsigned long long)(has_final ? final.checkpoint.size : 0));
    show_lag(c, s.lag, NULL);
    return DT_OK;
}
