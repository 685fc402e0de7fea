/*
 * log/policy_eval.c - what a checkpoint note is worth under a policy; see policy.h.
 */
#include <string.h>

#include "log/policy.h"

/* Put ${x} into the sorted ${list} of *${n}. */
static void
insert_sorted(uint64_t *list, size_t *n, uint64_t x)
{
    size_t i = (*n)++;

    for (; i > 0 && list[i - 1] > x; i--)
        list[i] = list[i - 1];
    list[i] = x;
}

/* The ${k}-th smallest time among the satisfied of ${n} nodes. */
static struct tlog_node_state
threshold(const struct tlog_policy_state *state, const size_t *nodes, size_t n, size_t k)
{
    uint64_t times[TLOG_POLICY_NODES_MAX];
    struct tlog_node_state out = {false, 0};
    size_t i, n_times = 0;

    for (i = 0; i < n; i++) {
        const struct tlog_node_state *member = &state->nodes[nodes[i]];

        if (member->satisfied)
            insert_sorted(times, &n_times, member->time);
    }
    if (k >= 1 && n_times >= k) {
        out.satisfied = true;
        out.time = times[k - 1];
    }
    return out;
}

/* Does a cosignature of ${time_s} vouch for anything? A witness must not write 0
 * (c2sp.org/tlog-witness), and what lies past all calendars is no time either: else whoever owns
 * one witness could give every entry a time that nobody can take. */
bool
tlog_time_counts(uint64_t time_s)
{
    return time_s > 0 && time_s <= TLOG_TIME_COUNTS_MAX;
}

/* A log of the policy, or the given one, that signed and is named like the origin. */
static enum dt_err
find_log(const struct tlog_policy *p, const struct tlog_vkey *log, const struct tlog_note *note,
         struct tlog_policy_state *state)
{
    size_t i, n = log != NULL ? 1 : p->n_logs;
    bool found = false;
    enum dt_err err;

    for (i = 0; i < n; i++) {
        const struct tlog_vkey *key = log != NULL ? log : &p->logs[i].key;
        struct tlog_verified v;

        err = tlog_note_check(note, note->text, key, &v);
        if (err != DT_OK)
            return err;
        if (!v.ok || found || key->type != TLOG_KEY_ED25519 ||
            strcmp(key->name, state->checkpoint.origin) != 0)
            continue;
        state->log = *key;
        found = true;
    }
    return found ? DT_OK : dt_fail(DT_ERR_AUTH, "no trusted log signed this checkpoint");
}

enum dt_err
tlog_policy_evaluate(const struct tlog_policy *p, const struct tlog_vkey *log, struct dt_view note,
                     struct tlog_policy_state *out)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note n = {0};
    struct tlog_policy_state state;
    enum dt_err err;
    size_t i;

    memset(&state, 0, sizeof(state));
    if ((err = tlog_note_parse(note, &n)) != DT_OK ||
        (err = tlog_checkpoint_parse(n.text, &state.checkpoint)) != DT_OK ||
        (err = find_log(p, log, &n, &state)) != DT_OK)
        return err;
    state.n_nodes = p->n_nodes;
    /* Members stand before their group, so one pass is enough. */
    for (i = 0; i < p->n_nodes; i++) {
        const struct tlog_policy_node *node = &p->nodes[i];
        struct tlog_verified v;

        if (node->is_group) {
            state.nodes[i] = threshold(&state, node->members, node->n_members, node->k);
            continue;
        }
        err = tlog_note_check(&n, n.text, &node->key, &v);
        if (err != DT_OK)
            return err;
        state.nodes[i].satisfied = v.ok && tlog_time_counts(v.time);
        state.nodes[i].time = state.nodes[i].satisfied ? v.time : 0;
    }
    if (!p->has_quorum)
        return dt_fail(DT_ERR_STATE, "a policy has no quorum yet");
    if (p->quorum == TLOG_POLICY_NO_NODE) {
        state.quorum = true;
    } else {
        state.quorum = state.nodes[p->quorum].satisfied;
        state.quorum_time = state.nodes[p->quorum].time;
    }
    *out = state;
    return DT_OK;
}

size_t
tlog_policy_sides(const struct tlog_policy *p, size_t *out, size_t max)
{
    size_t i, n = 0;

    if (p->has_quorum && p->quorum != TLOG_POLICY_NO_NODE) {
        const struct tlog_policy_node *node = &p->nodes[p->quorum];

        for (i = 0; i < node->n_members; i++) {
            if (i < max)
                out[i] = node->members[i];
        }
        if (node->is_group)
            return node->n_members;
        if (max > 0)
            out[0] = p->quorum;
        return 1;
    }
    for (i = 0; i < p->n_nodes; i++) {
        if (!p->nodes[i].is_group || p->nodes[i].parent != TLOG_POLICY_NO_NODE)
            continue;
        if (n < max)
            out[n] = i;
        n++;
    }
    return n;
}

size_t
tlog_policy_side_of(const struct tlog_policy *p, size_t node)
{
    size_t sides[TLOG_POLICY_NODES_MAX];
    size_t i, n = tlog_policy_sides(p, sides, TLOG_POLICY_NODES_MAX);

    /* A parent stands after its members, so this ends. */
    for (; node < p->n_nodes; node = p->nodes[node].parent) {
        for (i = 0; i < n; i++) {
            if (sides[i] == node)
                return node;
        }
    }
    return TLOG_POLICY_NO_NODE;
}

void
tlog_attestation(const struct tlog_policy *p, const struct tlog_policy_state *state, size_t k,
                 struct tlog_attestation *out)
{
    size_t sides[TLOG_POLICY_NODES_MAX];
    size_t i, n = tlog_policy_sides(p, sides, TLOG_POLICY_NODES_MAX);
    struct tlog_node_state t;

    memset(out, 0, sizeof(*out));
    out->n_sides = n;
    for (i = 0; i < n; i++)
        out->n_satisfied += state->nodes[sides[i]].satisfied;
    if (k == 0) {
        k = n;
        if (p->has_quorum && p->quorum != TLOG_POLICY_NO_NODE)
            k = p->nodes[p->quorum].is_group ? p->nodes[p->quorum].k : 1;
    }
    t = threshold(state, sides, n, k);
    out->attested = t.satisfied;
    out->attested_time = t.time;
    t = threshold(state, sides, n, n);
    out->final = t.satisfied;
    out->final_time = t.time;
}

bool
tlog_times_of_others(const struct tlog_policy *p, const struct tlog_policy_state *state,
                     size_t not_side, uint64_t *out_first_s, uint64_t *out_last_s)
{
    size_t sides[TLOG_POLICY_NODES_MAX];
    size_t i, n = tlog_policy_sides(p, sides, TLOG_POLICY_NODES_MAX);
    uint64_t first = 0, last = 0;
    bool found = false;

    for (i = 0; i < n; i++) {
        const struct tlog_node_state *side = &state->nodes[sides[i]];

        if (sides[i] == not_side || !side->satisfied)
            continue;
        if (!found || side->time < first)
            first = side->time;
        if (!found || side->time > last)
            last = side->time;
        found = true;
    }
    if (found) {
        *out_first_s = first;
        *out_last_s = last;
    }
    return found;
}
