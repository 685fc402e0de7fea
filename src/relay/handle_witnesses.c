/*
 * relay/handle_witnesses.c - GET .../witnesses: each side and each witness of a register's policy,
 * how much it has cosigned, since when it lags, and what came of asking it.
 *
 * Source: docs/protocol-relay.md "Registers". Layer: relay. Sizes and times are what cosignatures
 * say, which anyone can check against checkpoint?by=; "trouble" is this relay's word alone.
 */
#include <string.h>

#include "relay/handlers.h"

#define ANSWER_MAX (256u << 10)

/* ${text} as a JSON string. Names of keys are valid UTF-8 without control characters. */
static enum dt_err
put_string(struct dt_buf *b, const char *text)
{
    enum dt_err err = dt_buf_append(b, dt_view_str("\""));

    for (; err == DT_OK && *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            err = dt_buf_append(b, dt_view_str("\\"));
        if (err == DT_OK)
            err = dt_buf_append(b, dt_view((const uint8_t *)text, 1));
    }
    return err == DT_OK ? dt_buf_append(b, dt_view_str("\"")) : err;
}

/* A number, or null where it is 0. */
static enum dt_err
put_time(struct dt_buf *b, const char *name, uint64_t x)
{
    if (x == 0)
        return dt_buf_printf(b, ", \"%s\": null", name);
    return dt_buf_printf(b, ", \"%s\": %llu", name, (unsigned long long)x);
}

/* What one witness, or the best of a side, has cosigned. */
struct mark {
    uint64_t size, time_s;
};

/* "size", "time" and "behind_since" of ${m}. */
static enum dt_err
put_mark(struct dt_relay *r, const struct dt_relay_store_register *reg, const struct mark *m,
         struct dt_buf *b)
{
    uint64_t since_s = 0;
    enum dt_err err = DT_OK;

    if (m->size < reg->size)
        err = dt_relay_store_overtaken(r->store, reg->id, m->size, &since_s);
    if (err != DT_OK ||
        (err = dt_buf_printf(b, ", \"size\": %llu", (unsigned long long)m->size)) != DT_OK ||
        (err = put_time(b, "time", m->time_s)) != DT_OK ||
        (err = dt_buf_printf(b, ", \"behind\": %s", m->size < reg->size ? "true" : "false")) !=
            DT_OK)
        return err;
    return put_time(b, "behind_since", since_s);
}

static const char *
trouble_word(enum relay_trouble t)
{
    switch (t) {
    case RELAY_TROUBLE_UNREACHED:
        return "unreached";
    case RELAY_TROUBLE_REFUSED:
        return "refuses";
    case RELAY_TROUBLE_AHEAD:
        return "ahead";
    case RELAY_TROUBLE_UNSIGNED:
        return "unsigned";
    case RELAY_TROUBLE_NONE:
        break;
    }
    return "none";
}

static enum dt_err
put_asked(struct dt_relay *r, const struct dt_relay_store_register *reg, uint32_t key_id,
          struct dt_buf *b)
{
    struct relay_asked asked = {0};
    enum dt_err err;

    if (r->asker != NULL)
        relay_asker_look(r->asker, reg->id, key_id, &asked);
    if ((err = dt_buf_printf(b, ", \"asked\": %s", asked.asked ? "true" : "false")) != DT_OK)
        return err;
    if (asked.trouble == RELAY_TROUBLE_NONE)
        return dt_buf_append(b, dt_view_str(", \"trouble\": null}"));
    return dt_buf_printf(b, ", \"trouble\": {\"what\": \"%s\", \"status\": %u, \"since\": %llu}}",
                         trouble_word(asked.trouble), asked.status,
                         (unsigned long long)(asked.since_ms / 1000));
}

/* The side of witness ${node}: its place among the sides, or ${n}. */
static size_t
side_place(const struct tlog_policy *p, size_t node, const size_t *sides, size_t n)
{
    size_t side = tlog_policy_side_of(p, node), i = 0;

    while (i < n && sides[i] != side)
        i++;
    return i;
}

/* The name that a grant gave to ${node}: "g-NAME" without its mark. */
static const char *
side_name(const struct tlog_policy *p, size_t node)
{
    const char *name = p->nodes[node].name;

    return strncmp(name, "g-", 2) == 0 ? name + 2 : name;
}

static enum dt_err
put_all(struct dt_relay *r, const struct dt_relay_store_register *reg, const struct tlog_policy *p,
        struct dt_buf *b)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf each = DT_BUF_INIT(ANSWER_MAX);
    struct mark best[TLOG_POLICY_NODES_MAX];
    size_t sides[TLOG_POLICY_NODES_MAX];
    size_t n = tlog_policy_sides(p, sides, TLOG_POLICY_NODES_MAX);
    enum dt_err err = DT_OK;

    memset(best, 0, sizeof(best));
    for (size_t i = 0; i < p->n_nodes && err == DT_OK; i++) {
        const struct tlog_policy_node *node = &p->nodes[i];
        size_t place = side_place(p, i, sides, n);
        struct mark m = {0};

        if (node->is_group || place == n)
            continue;
        if ((err = dt_relay_store_cosigned(r->store, reg->id, node->key.id, &m.size, &m.time_s)) !=
                DT_OK ||
            (err = dt_buf_append(&each, dt_view_str(each.n == 0 ? "\n  {\"group\": "
                                                                : ",\n  {\"group\": "))) != DT_OK ||
            (err = put_string(&each, side_name(p, sides[place]))) != DT_OK ||
            (err = dt_buf_append(&each, dt_view_str(", \"name\": "))) != DT_OK ||
            (err = put_string(&each, node->key.name)) != DT_OK ||
            (err = dt_buf_printf(&each, ", \"key_id\": \"%08x\"", node->key.id)) != DT_OK ||
            (err = put_mark(r, reg, &m, &each)) != DT_OK ||
            (err = put_asked(r, reg, node->key.id, &each)) != DT_OK)
            return err;
        if (m.size > best[place].size ||
            (m.size == best[place].size && m.time_s != 0 &&
             (best[place].time_s == 0 || m.time_s < best[place].time_s)))
            best[place] = m;
    }
    if (err != DT_OK || (err = dt_buf_printf(b, "{\"format\": 1, \"held\": %llu, \"groups\": [",
                                             (unsigned long long)reg->size)) != DT_OK)
        return err;
    for (size_t i = 0; i < n && i < TLOG_POLICY_NODES_MAX; i++) {
        if ((err = dt_buf_append(
                 b, dt_view_str(i == 0 ? "\n  {\"group\": " : ",\n  {\"group\": "))) != DT_OK ||
            (err = put_string(b, side_name(p, sides[i]))) != DT_OK ||
            (err = put_mark(r, reg, &best[i], b)) != DT_OK ||
            (err = dt_buf_append(b, dt_view_str("}"))) != DT_OK)
            return err;
    }
    if ((err = dt_buf_append(b, dt_view_str("],\n \"witnesses\": ["))) != DT_OK ||
        (err = dt_buf_append(b, dt_buf_view(&each))) != DT_OK)
        return err;
    return dt_buf_append(b, dt_view_str("]}\n"));
}

enum dt_http_next
relay_witnesses(struct dt_relay *r, const struct dt_relay_store_register *reg,
                struct dt_http_reply *reply)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    struct dt_buf b = DT_BUF_INIT(ANSWER_MAX);
    enum dt_err err;

    if ((err = dt_relay_store_policy(r->store, reg->id, &policy)) != DT_OK ||
        (err = put_all(r, reg, &policy, &b)) != DT_OK) {
        dt_buf_clear(&b);
        (void)relay_store_error(reply, err);
    } else {
        dt_http_reply_body(reply, 200, "application/json", &b);
        reply->cache_control = reg->read_key ? NULL : "no-cache";
    }
    return DT_HTTP_REPLY;
}
