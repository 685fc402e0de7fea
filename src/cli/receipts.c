/*
 * cli/receipts.c - what receipts say of a channel, for status, channels and read; see cli.h.
 */
#include <string.h>

#include "agent/talk/receipt.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/cli.h"

enum dt_err
cli_receipt_within(struct cli *c)
{
    const char *text = cli_get(c, "receipt-within");
    uint64_t ms = 0;
    enum dt_err err;

    if (text == NULL)
        return DT_OK;
    if ((err = cli_span(text, &ms)) == DT_OK)
        dt_agent_receipt_within(c->agent, ms);
    return err;
}

static uint64_t
ago(const struct cli *c, uint64_t then_ms)
{
    uint64_t now = dt_clock_now(&c->clock);

    return now > then_ms ? now - then_ms : 0;
}

/* Is it overdue, by what the user said or the default? */
static bool
overdue(const struct cli *c, uint64_t since_ms)
{
    return ago(c, since_ms) > dt_agent_receipt_limit(c->agent);
}

static bool
print_one(const struct cli *c, const struct dt_receipt_info *r)
{
    bool said = false;
    char span[DT_TIME_STR];

    if (r->differs) {
        cli_print("      %s (%s): was shown other messages than we: compare by voice\n",
                  r->who.name, r->who.party_name);
        said = true;
    }
    if (r->ahead) {
        dt_span_str(span, ago(c, r->ahead_since_ms));
        cli_print("      %s (%s): has read up to position %llu, the relay does not show us that "
                  "(for %s)\n",
                  r->who.name, r->who.party_name, (unsigned long long)r->ahead_position, span);
        said = true;
    }
    if (r->missing && overdue(c, r->missing_since_ms)) {
        dt_span_str(span, ago(c, r->missing_since_ms));
        cli_print("      %s (%s): no receipt for position %llu, sent %s ago\n", r->who.name,
                  r->who.party_name, (unsigned long long)r->missing_position, span);
        said = true;
    }
    return said;
}

enum dt_err
cli_receipts_print(struct cli *c, const uint8_t group_id[static 32], bool *out_said)
{
    DT_CLEANUP(dt_free_p) struct dt_receipt_info *r = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_receipts(c->agent, group_id, &r, &n);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++)
        *out_said = print_one(c, &r[i]) || *out_said;
    return DT_OK;
}

void
cli_receipts_meaning(void)
{
    cli_print("      (a receipt says that it arrived; not that a person read it or agrees)\n");
}

enum dt_err
cli_missing_print(struct cli *c, const uint8_t group_id[static 32], const char *channel)
{
    DT_CLEANUP(dt_free_p) struct dt_receipt_info *r = NULL;
    char span[DT_TIME_STR];
    size_t n = 0;
    enum dt_err err = dt_agent_receipts(c->agent, group_id, &r, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++) {
        if (!r[i].missing || !overdue(c, r[i].missing_since_ms))
            continue;
        dt_span_str(span, ago(c, r[i].missing_since_ms));
        cli_print("%s: NO RECEIPT of %s (%s) for our message at position %llu, sent %s ago\n",
                  channel, r[i].who.name, r[i].who.party_name,
                  (unsigned long long)r[i].missing_position, span);
    }
    return err;
}

enum dt_err
cli_missing_put(struct cli *c, const uint8_t group_id[static 32], const char *channel, json_t *list)
{
    DT_CLEANUP(dt_free_p) struct dt_receipt_info *r = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_receipts(c->agent, group_id, &r, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++) {
        json_t *o;

        if (!r[i].missing || !overdue(c, r[i].missing_since_ms))
            continue;
        o = json_object();
        cli_put(o, "channel", channel);
        cli_put_hex(o, "group_id", dt_view(group_id, 32));
        cli_put_person(o, "who", &r[i].who);
        cli_put_u64(o, "position", r[i].missing_position);
        cli_put_time(o, "since", r[i].missing_since_ms);
        (void)json_array_append_new(list, o);
    }
    return err;
}

static json_t *
one_json(const struct cli *c, const struct dt_receipt_info *r)
{
    json_t *o = json_object();

    cli_put_person(o, "who", &r->who);
    cli_put_u64(o, "queue_number", r->queue_number);
    cli_put_u64(o, "position", r->position);
    cli_put_time(o, "time", r->any ? r->time_ms : 0);
    cli_put_bool(o, "missing", r->missing);
    if (r->missing) {
        cli_put_u64(o, "missing_position", r->missing_position);
        cli_put_time(o, "missing_since", r->missing_since_ms);
    }
    cli_put_bool(o, "overdue", r->missing && overdue(c, r->missing_since_ms));
    cli_put_bool(o, "ahead", r->ahead);
    if (r->ahead) {
        cli_put_u64(o, "ahead_position", r->ahead_position);
        cli_put_time(o, "ahead_since", r->ahead_since_ms);
    }
    cli_put_bool(o, "differs", r->differs);
    return o;
}

enum dt_err
cli_put_receipts(struct cli *c, json_t *o, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_free_p) struct dt_receipt_info *r = NULL;
    size_t n = 0;
    json_t *seats;
    enum dt_err err = dt_agent_receipts(c->agent, group_id, &r, &n);

    if (err != DT_OK)
        return err;
    seats = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(seats, one_json(c, &r[i]));
    (void)json_object_set_new(o, "receipts", seats);
    return DT_OK;
}

/* Where it has not arrived, and should have. */
static bool
lacks(const struct cli *c, const struct dt_arrival *v)
{
    return !v->arrived && overdue(c, v->since_ms);
}

enum dt_err
cli_arrivals(struct cli *c, const uint8_t group_id[static 32], struct dt_view id,
             struct dt_buf *out)
{
    DT_CLEANUP(dt_free_p) struct dt_arrival *v = NULL;
    size_t there = 0, all = 0;
    char span[DT_TIME_STR];
    enum dt_err err = dt_agent_arrivals(c->agent, group_id, id, &v, &all);

    if (err == DT_ERR_NOT_FOUND || (err == DT_OK && all == 0))
        return DT_OK;
    for (size_t i = 0; err == DT_OK && i < all; i++)
        there += v[i].arrived;
    if (err == DT_OK)
        err = dt_buf_printf(out, ", arrived at %zu of %zu", there, all);
    for (size_t i = 0; err == DT_OK && i < all; i++) {
        if (!lacks(c, &v[i]))
            continue;
        dt_span_str(span, ago(c, v[i].since_ms));
        err = dt_buf_printf(out, "; NO RECEIPT of %s (%s) for %s", v[i].who.name,
                            v[i].who.party_name, span);
    }
    return err;
}

enum dt_err
cli_put_arrivals(struct cli *c, json_t *o, const uint8_t group_id[static 32], struct dt_view id)
{
    DT_CLEANUP(dt_free_p) struct dt_arrival *v = NULL;
    json_t *array;
    size_t n = 0;
    enum dt_err err = dt_agent_arrivals(c->agent, group_id, id, &v, &n);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *x = json_object();

        cli_put_person(x, "who", &v[i].who);
        cli_put_bool(x, "arrived", v[i].arrived);
        cli_put_time(x, "since", v[i].since_ms);
        cli_put_bool(x, "overdue", lacks(c, &v[i]));
        (void)json_array_append_new(array, x);
    }
    (void)json_object_set_new(o, "arrivals", array);
    return DT_OK;
}
