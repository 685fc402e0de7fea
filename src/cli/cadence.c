/*
 * cli/cadence.c - detente register cadence: the promised rhythm of entries, as this home keeps it;
 * and the lines on it in status and register status.
 */
#include <string.h>

#include "agent/register/register.h"
#include "base/text.h"

#include "cli/commands.h"

static unsigned long long
ull(uint64_t x)
{
    return (unsigned long long)x;
}

static enum dt_err
read_share(struct cli *c, uint64_t *out_share, uint64_t *out_shares)
{
    struct dt_view rest = dt_view_str(cli_get(c, "share")), part = {0};

    if (!dt_text_split(&rest, '/', &part) || rest.p == NULL ||
        dt_decimal_read(part, UINT32_MAX, out_share) != DT_OK ||
        dt_decimal_read(rest, UINT32_MAX, out_shares) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--share: write I/N, as 1/2 and 2/2 in two homes of a party");
    return DT_OK;
}

static void
print(const struct cli *c, const struct dt_cadence_info *i, const char *indent)
{
    char when[DT_TIME_STR], text[DT_CADENCE_STR];

    dt_cadence_str(text, &i->cadence);
    dt_time_str(when, i->next_ms);
    cli_print("%scadence %s", indent, text);
    if (i->shares > 1)
        cli_print(" (share %llu/%llu)", ull(i->share), ull(i->shares));
    if (i->next_ms <= dt_clock_now(&c->clock))
        cli_print(": a slot is due, the next sync fills it; ");
    else
        cli_print(": next slot %s, ", when);
    cli_print("%llu %s\n", ull(i->waiting), i->waiting == 1 ? "waits" : "wait");
    if (!i->makes_cover)
        cli_print("%s  no cover is made here: that takes a letter that is valid, with the right to "
                  "record\n",
                  indent);
    if (i->gaps > 0) {
        dt_time_str(when, i->gap_ms);
        cli_print("%s  NOT KEPT in %llu %s, last in that of %s: %llu of our slots stayed empty, "
                  "which shows\n",
                  indent, ull(i->gaps), i->gaps == 1 ? "period" : "periods", when, ull(i->gap_n));
    }
    if (i->taken > 0) {
        dt_time_str(when, i->taken_ms);
        cli_print(
            "%s  %llu of our slots held another entry of our party, last at %s: what is urgent "
            "takes a slot;\n%s  homes of one party share theirs: detente register cadence "
            "--share\n",
            indent, ull(i->taken), when, indent);
    }
}

enum dt_err
cli_print_cadence(struct cli *c)
{
    struct dt_cadence_info info;
    enum dt_err err = dt_agent_cadence(c->agent, &info);

    if (err == DT_OK && info.cadence.period_ms != 0)
        print(c, &info, "  ");
    return err;
}

static json_t *
info_json(const struct dt_cadence_info *i)
{
    json_t *o = json_object();

    cli_put_u64(o, "entries", i->cadence.k);
    cli_put_u64(o, "period_s", i->cadence.period_ms / DT_MS_SECOND);
    cli_put_u64(o, "share", i->share);
    cli_put_u64(o, "shares", i->shares);
    cli_put_u64(o, "waiting", i->waiting);
    cli_put_time(o, "next_slot", i->next_ms);
    cli_put_bool(o, "makes_cover", i->makes_cover);
    cli_put_u64(o, "periods_not_kept", i->gaps);
    cli_put_time(o, "last_not_kept", i->gap_ms);
    cli_put_u64(o, "slots_empty_in_it", i->gap_n);
    cli_put_u64(o, "slots_taken", i->taken);
    cli_put_time(o, "last_taken", i->taken_ms);
    return o;
}

enum dt_err
cli_put_cadence(struct cli *c, json_t *o)
{
    struct dt_cadence_info info;
    enum dt_err err = dt_agent_cadence(c->agent, &info);

    if (err == DT_OK && info.cadence.period_ms != 0)
        (void)json_object_set_new(o, "cadence", info_json(&info));
    return err;
}

enum dt_err
cmd_register_cadence(struct cli *c)
{
    struct dt_cadence_info info;
    uint64_t share = 0, shares = 0;
    enum dt_err err;

    if (cli_has(c, "share") && ((err = read_share(c, &share, &shares)) != DT_OK ||
                                (err = dt_agent_cadence_share(c->agent, share, shares)) != DT_OK))
        return err;
    if ((err = dt_agent_cadence(c->agent, &info)) != DT_OK)
        return err;
    if (info.cadence.period_ms == 0) {
        c->verdict = DT_EXIT_NO;
        if (!c->json)
            cli_print("no cadence: entries are made as they come\n");
        return c->json ? cli_json(json_object()) : DT_OK;
    }
    if (c->json)
        return cli_json(info_json(&info));
    print(c, &info, "");
    return DT_OK;
}
