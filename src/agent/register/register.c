/*
 * agent/register/register.c - one sync with the register: what waits is handed in, what it has
 * grown by is taken in; see register.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"
#include "log/witness.h"

#include "agent/register/heard.h"
#include "agent/register/source.h"
#include "agent/register/submit.h"

/* ---- taking in ---- */

/* Keep fetched entries from index ${at} on; inside a transaction. */
static enum dt_err
put_entries(struct dt_agent *a, uint64_t at, struct dt_view entries)
{
    struct dt_reader r = dt_reader_init(entries);
    struct dt_view one;
    enum dt_err err = DT_OK;

    while (r.n > 0 && err == DT_OK)
        if ((err = dt_read_view(&r, DT_REGISTER_ENTRY, &one)) == DT_OK)
            err = dt_register_entry_put(a, at++, one);
    return err;
}

static enum dt_err
keep_note(struct dt_agent *a, const char *which, uint64_t size, struct dt_view note,
          bool only_newest)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf key = DT_BUF_INIT(64);
    struct dt_store *s = dt_agent_store(a);
    enum dt_err err = DT_OK;

    if (only_newest)
        err = dt_store_del_parent(s, "register_note", dt_view_str(which));
    if (err == DT_OK)
        err = dt_buf_printf(&key, "%s %llu", which, (unsigned long long)size);
    if (err == DT_OK)
        err = dt_store_put(s, "register_note", dt_buf_view(&key), dt_view_str(which), size, note);
    return err;
}

/* Of ${note} only the lines by keys of ${policy}: a stranger's, which anyone between can add, would
 * spoil every proof that is made from it. */
static enum dt_err
keep_known_lines(const struct tlog_policy *policy, struct dt_buf *note)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf kept = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_free_p) struct tlog_vkey *keys = dt_alloc(1 + policy->n_nodes, sizeof *keys);
    size_t n = 0;
    enum dt_err err;

    if (keys == NULL)
        return dt_nomem();
    keys[n++] = policy->logs[0].key;
    for (size_t i = 0; i < policy->n_nodes; i++)
        if (!policy->nodes[i].is_group)
            keys[n++] = policy->nodes[i].key;
    if ((err = tlog_note_keep(dt_buf_view(note), keys, n, &kept)) == DT_OK)
        dt_buf_move(note, &kept);
    return err;
}

/* The newest checkpoint of ${kind}: NOT_FOUND when the register has none yet. */
static enum dt_err
fetch_note(struct dt_agent *a, struct dt_http_client *http, const char *url,
           enum dt_checkpoint_kind kind, enum dt_policy_kind policy_kind, struct dt_buf *note,
           struct tlog_policy *policy, struct tlog_policy_state *state)
{
    enum dt_err err = dt_register_checkpoint(http, url, kind, note);

    if (err != DT_OK)
        return err;
    if ((err = dt_register_policy(a, policy_kind, policy)) != DT_OK ||
        (err = tlog_policy_evaluate(policy, NULL, dt_buf_view(note), state)) != DT_OK ||
        (err = keep_known_lines(policy, note)) != DT_OK ||
        (err = tlog_policy_evaluate(policy, NULL, dt_buf_view(note), state)) != DT_OK)
        return dt_fail_context(err, "checkpoint of the register");
    return DT_OK;
}

/* The entries that ${f} lacks up to ${size}, into ${f} and ${entries}. Where a register that ended
 * lies on the way, they must have the root that the amendment names. */
static enum dt_err
fetch_entries(struct dt_agent *a, const struct dt_register_source *src, uint64_t size,
              struct tlog_frontier *f, struct dt_buf *entries)
{
    struct tlog_hash root;
    enum dt_err err;

    for (size_t i = 0; i < a->charter.n_former; i++) {
        const struct dt_charter_former *end = &a->charter.former[i];

        if (end->last_size < f->size || end->last_size > size)
            continue;
        if ((err = dt_register_source_entries(src, end->last_size, f, entries)) != DT_OK ||
            (err = tlog_frontier_root(f, &root)) != DT_OK)
            return err;
        if (!tlog_hash_equal(&root, &end->last_root))
            return dt_fail(DT_ERR_PROOF,
                           "the register does not begin with the %llu entries that amendment %zu "
                           "names: nothing of it was taken in",
                           (unsigned long long)end->last_size, i + 1);
    }
    return dt_register_source_entries(src, size, f, entries);
}

static enum dt_err
take_held(struct dt_agent *a, struct dt_http_client *http, const char *url)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf entries = DT_BUF_INIT((size_t)DT_REGISTER_ENTRIES_MAX * DT_REGISTER_ENTRY);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    const struct dt_register_source src = {.http = http, .url = url};
    struct dt_store *s = dt_agent_store(a);
    struct tlog_policy_state state = {0};
    struct tlog_frontier before;
    struct tlog_frontier now;
    struct tlog_frontier f;
    struct tlog_hash root;
    enum dt_err err;

    if ((err = fetch_note(a, http, url, DT_CHECKPOINT_HELD, DT_POLICY_HELD, &note, &policy,
                          &state)) != DT_OK ||
        (err = dt_register_tree(a, &before)) != DT_OK)
        return err;
    f = before;
    /* An older checkpoint is honest while a newer one is on its way; it may not contradict ours. */
    if (state.checkpoint.size < before.size)
        err = dt_register_root_at(a, state.checkpoint.size, &root);
    else if ((err = fetch_entries(a, &src, state.checkpoint.size, &f, &entries)) == DT_OK)
        err = tlog_frontier_root(&f, &root);
    if (err != DT_OK)
        return err;
    if (!tlog_hash_equal(&root, &state.checkpoint.root))
        return dt_register_contradiction(a, http, url, dt_buf_view(&note));

    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    if ((err = dt_agent_is_current(a)) == DT_OK && (err = dt_register_tree(a, &now)) == DT_OK &&
        now.size == before.size) {
        if ((err = put_entries(a, before.size, dt_buf_view(&entries))) == DT_OK &&
            (err = dt_register_seen(a, state.checkpoint.size)) == DT_OK &&
            (err = dt_register_note_groups(a, &policy, &state)) == DT_OK &&
            state.checkpoint.size >= before.size && (err = dt_register_tree_put(a, &f)) == DT_OK)
            err = keep_note(a, "held", state.checkpoint.size, dt_buf_view(&note), true);
    } /* else another process of ours was quicker; the next sync goes on from there */
    if ((err = dt_store_end(s, err)) != DT_OK)
        return err;
    return dt_register_watch(a, state.checkpoint.size, f.size);
}

/* Attested and final checkpoints; one that is larger than what we hold waits for the next sync. */
static enum dt_err
take_cosigned(struct dt_agent *a, struct dt_http_client *http, const char *url, bool final)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    const char *which = final ? "final" : "attested";
    struct dt_store *s = dt_agent_store(a);
    struct tlog_policy_state state = {0};
    struct tlog_frontier f;
    struct tlog_hash root;
    uint64_t have = 0;
    enum dt_err err;

    err = fetch_note(a, http, url, final ? DT_CHECKPOINT_FINAL : DT_CHECKPOINT_ATTESTED,
                     final ? DT_POLICY_FINAL : DT_POLICY_ATTESTED, &note, &policy, &state);
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    if (err != DT_OK)
        return err;
    if (!state.quorum)
        return dt_fail(DT_ERR_AUTH, "the relay calls a checkpoint %s that too few groups cosigned",
                       which);
    if ((err = dt_store_begin(s)) != DT_OK)
        return err;
    if ((err = dt_agent_is_current(a)) == DT_OK)
        err = dt_register_note_last(a, which, &have, NULL);
    if (err == DT_OK || err == DT_ERR_NOT_FOUND)
        err = dt_register_tree(a, &f);
    if (err != DT_OK || state.checkpoint.size > f.size)
        return dt_store_end(s, err);
    if ((err = dt_register_root_at(a, state.checkpoint.size, &root)) != DT_OK)
        return dt_store_end(s, err);
    if (!tlog_hash_equal(&root, &state.checkpoint.root)) {
        dt_store_rollback(s);
        return dt_register_contradiction(a, http, url, dt_buf_view(&note));
    }
    err = dt_register_note_groups(a, &policy, &state);
    if (err == DT_OK && state.checkpoint.size > have)
        err = keep_note(a, which, state.checkpoint.size, dt_buf_view(&note), final);
    return dt_store_end(s, err);
}

enum dt_err
dt_agent_register_sync(struct dt_agent *a, struct dt_register_report *report)
{
    struct dt_http_client *http = a->register_http;
    DT_CLEANUP(dt_buf_clear) struct dt_buf url = DT_BUF_INIT(DT_NET_URL_MAX + 128);
    struct dt_register_report done = {0};
    enum dt_err sent;
    enum dt_err err;
    bool look = false;

    /* Before the network may fail: what members said needs none. */
    if ((err = dt_heard_judge(a, false)) != DT_OK ||
        (err = dt_grant_register_url(&a->grant, &url)) != DT_OK ||
        (err = dt_buf_append(&url, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    /* A full quota does not keep us from reading. */
    sent = dt_register_hand_in(a, http, (const char *)url.p, false, &look, &done);
    if (look) {
        if ((err = take_held(a, http, (const char *)url.p)) != DT_OK)
            return err;
        sent = dt_register_hand_in(a, http, (const char *)url.p, true, &look, &done);
    }
    if (sent != DT_OK && sent != DT_ERR_BUSY)
        return sent;
    if ((err = take_held(a, http, (const char *)url.p)) != DT_OK ||
        (err = take_cosigned(a, http, (const char *)url.p, false)) != DT_OK ||
        (err = take_cosigned(a, http, (const char *)url.p, true)) != DT_OK ||
        (err = dt_register_note_behind(a)) != DT_OK || (err = dt_heard_judge(a, true)) != DT_OK)
        return err;
    if (report != NULL) {
        if ((err = dt_agent_register_status(a, report)) != DT_OK)
            return err;
        report->submitted = done.submitted;
    }
    return sent != DT_OK
               ? dt_fail(DT_ERR_LIMIT, "the register's daily quota of this party is used up; "
                                       "what waits is handed in later")
               : DT_OK;
}

enum dt_err
dt_agent_register_status(struct dt_agent *a, struct dt_register_report *out)
{
    struct dt_register_report r = {0};
    struct tlog_frontier f;
    enum dt_err err = dt_register_tree(a, &f);

    if (err != DT_OK)
        return err;
    r.size = f.size;
    err = dt_register_note_last(a, "attested", &r.attested_size, NULL);
    if (err == DT_OK || err == DT_ERR_NOT_FOUND)
        err = dt_register_note_last(a, "final", &r.final_size, NULL);
    if (err == DT_OK || err == DT_ERR_NOT_FOUND)
        err = dt_register_count_waiting(a, &r.waiting);
    if (err == DT_OK)
        *out = r;
    return err;
}
