/*
 * agent/observer/word.c - what the relay that serves the register says of the witnesses it asks.
 * See observer.h.
 *
 * Source: docs/protocol-relay.md "Registers", GET witnesses. Layer: agent. It explains a
 * cosignature that is missing, and no more: nothing that is counted or flagged rests on it. What it
 * says of witnesses that the policy does not know is left out.
 */
#include "net/trouble.h"

#include "agent/core.h"
#include "agent/observer/internal.h"

/* The witness of the policy with that id, or n_nodes. */
static size_t
find_witness(const struct tlog_policy *p, uint32_t key_id)
{
    for (size_t i = 0; i < p->n_nodes; i++)
        if (!p->nodes[i].is_group && p->nodes[i].key.id == key_id)
            return i;
    return p->n_nodes;
}

enum dt_err
observer_word(struct dt_observer *o)
{
    struct dt_relay_troubles t = {.n = 0};
    enum dt_err err;

    o->word = DT_OBSERVER_WORD_NONE;
    o->n_troubles = 0;
    if (o->http == NULL)
        return DT_OK;
    err = dt_register_troubles(o->http, o->src.url, &t);
    if (err == DT_ERR_FORMAT || err == DT_ERR_LIMIT || err == DT_ERR_UNSUPPORTED)
        o->word = DT_OBSERVER_WORD_UNREADABLE;
    if (err != DT_OK) /* a server of files has no word */
        return dt_err_is_local(err) ? err : DT_OK;
    o->word = DT_OBSERVER_WORD_READ;
    for (size_t i = 0; i < t.n; i++) {
        size_t node = find_witness(o->config.policy, t.v[i].key_id);

        if (node == o->config.policy->n_nodes || o->n_troubles == TLOG_POLICY_NODES_MAX)
            continue;
        o->troubles[o->n_troubles].node = node;
        o->troubles[o->n_troubles++].trouble = t.v[i];
    }
    return DT_OK;
}

enum dt_observer_word
dt_observer_word(const struct dt_observer *o, size_t *out_n)
{
    *out_n = o->n_troubles;
    return o->word;
}

void
dt_observer_trouble(const struct dt_observer *o, size_t i, struct dt_observer_trouble *out)
{
    const struct tlog_policy *p = o->config.policy;
    const struct observer_trouble *t = &o->troubles[i];
    size_t side = tlog_policy_side_of(p, t->node);

    *out = (struct dt_observer_trouble){
        .name = p->nodes[t->node].key.name,
        .group = side == TLOG_POLICY_NO_NODE ? p->nodes[t->node].name : p->nodes[side].name,
        .key_id = t->trouble.key_id,
        .what = dt_trouble_name(t->trouble.what),
        .status = t->trouble.status,
        .since_ms = t->trouble.since_s * DT_MS_SECOND};
}
