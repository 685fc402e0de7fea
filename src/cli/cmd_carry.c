/*
 * cli/cmd_carry.c - detente carry id | leave | send: what was recorded in one channel, told word
 * for word in another, with leave of its author.
 */
#include <string.h>

#include "agent/records/carry.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/commands.h"
#include "cli/record_io.h"
#include "cli/verify_io.h"

enum dt_err
cmd_carry_id(struct cli *c)
{
    uint8_t group_id[32];
    char hex[65];
    json_t *o;
    enum dt_err err = cli_channel(c, c->operand[0], group_id);

    if (err != DT_OK)
        return err;
    dt_hex_str(hex, dt_view_of(group_id));
    if (!c->json) {
        cli_print("%s\n", hex);
        return DT_OK;
    }
    o = json_object();
    cli_put(o, "group_id", hex);
    return cli_json(o);
}

enum dt_err
cmd_carry_leave(struct cli *c)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter own = {0};
    uint64_t now = dt_clock_now(&c->clock);
    uint64_t expires = now - now % 1000 + 30 * DT_MS_DAY; /* whole seconds: people read it */
    char audience[DT_CARRY_AUDIENCE];
    uint8_t commitment[32], to[32];
    const char *channel = NULL;
    uint64_t slots = 0;
    enum dt_err err;

    if ((err = cli_need(c, "to", &channel)) != DT_OK ||
        (cli_has(c, "expires") && (err = cli_time(c, cli_get(c, "expires"), &expires)) != DT_OK))
        return err;
    /* The author is not in that channel as a rule: whoever carries it tells its id. */
    if (dt_hex_read_fixed(to, sizeof to, dt_view_str(channel)) != DT_OK &&
        (err = cli_channel(c, channel, to)) != DT_OK)
        return err;
    if ((err = dt_agent_record_find(c->agent, c->operand[0], commitment)) != DT_OK ||
        (err = dt_agent_answer_draft(c->agent, commitment, DT_ANSWER_CONSENT, &d, &subject)) !=
            DT_OK ||
        (err = dt_agent_letter_own(c->agent, &own)) != DT_OK)
        return err;
    if (memcmp(own.party, subject.author.party, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "leave to tell a record elsewhere is its author's party's");
    dt_carry_audience(to, audience);
    if ((err = cli_slots(c, subject.tmpl, &slots)) != DT_OK ||
        (err = dt_consent_set(&d, slots, dt_view_str(audience), expires, DT_CONSENT_NONE)) != DT_OK)
        return err;
    cli_complain("leave: These fields may be told, word for word and with your signature, in that "
                 "one channel. It is no consent to open them to anyone else.\n");
    return cli_send_record(c, subject.channel, &d);
}

enum dt_err
cmd_carry_send(struct cli *c)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    uint8_t commitment[32], group_id[32];
    enum dt_err err;

    if ((err = dt_agent_record_find(c->agent, c->operand[0], commitment)) != DT_OK ||
        (err = cli_channel(c, c->operand[1], group_id)) != DT_OK ||
        (err = dt_agent_carry_draft(c->agent, commitment, group_id, &d)) != DT_OK)
        return err;
    cli_complain("carry: The fields that its author gave leave for, with the author's signature. "
                 "That you carry it says nothing of what you think of it.\n");
    return cli_send_record(c, group_id, &d);
}

/* ---- showing ---- */

/* "carried by neutral with leave of north"; without leave it says so, and why. */
static void
print_leave(const struct dt_carried *x)
{
    switch (x->leave) {
    case DT_LEAVE_GIVEN:
        cli_print("  carried by %s with leave of %s\n", x->by, x->of);
        break;
    case DT_LEAVE_MISSING:
        cli_print("  carried by %s WITHOUT LEAVE of %s: %s\n", x->by, x->of, x->why);
        break;
    case DT_LEAVE_BROKEN:
    default:
        cli_print("  carried by %s, and NOTHING SHOWS WHOSE IT IS: %s\n", x->by, x->why);
        break;
    }
}

static const char *
leave_name(enum dt_carry_leave leave)
{
    return leave == DT_LEAVE_GIVEN     ? "given"
           : leave == DT_LEAVE_MISSING ? "missing"
                                       : "nothing shows whose it is";
}

const char *
cli_carried_kind(struct cli *c, const uint8_t commitment[static 32])
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    DT_CLEANUP(dt_carried_clear) struct dt_carried x = {0};

    if (dt_agent_record(c->agent, commitment, &r) != DT_OK ||
        dt_agent_carried(c->agent, &r, &x) != DT_OK || x.leave == DT_LEAVE_BROKEN)
        return "carried, of nobody";
    return x.leave == DT_LEAVE_GIVEN ? "carried" : "carried, without leave";
}

/* What was told: kind, entry, fields. */
static enum dt_err
show_told(const struct dt_carried *x, json_t *root)
{
    const struct dt_proof_record *r = &x->verdict.records[0];
    json_t *fields = json_object();
    struct dt_view kind = dt_template_id(r->tmpl);
    enum dt_err err = DT_OK;

    if (root == NULL)
        cli_print("  told: %.*s, signed by %s, entry %llu\n", (int)kind.n, (const char *)kind.p,
                  x->of, (unsigned long long)r->entry);
    for (size_t i = DT_ENVELOPE_SLOTS; i < r->header.n_slots && err == DT_OK; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4u << 20);
        DT_CLEANUP(dt_free_p) char *name = NULL;

        if ((r->opened >> i & 1) == 0 || r->slots[i].kind != DT_SLOT_VALUE)
            continue;
        name = dt_strndup((const char *)r->slots[i].name.p, r->slots[i].name.n);
        if (name == NULL)
            err = dt_nomem();
        else if ((err = cli_slot_text(&x->verdict, i, &text)) == DT_OK && root != NULL)
            cli_put_view(fields, name, dt_buf_view(&text));
        else if (err == DT_OK)
            cli_print_field(r->slots[i].name, dt_buf_view(&text));
    }
    if (root != NULL) {
        cli_put_view(root, "kind", kind);
        cli_put_hex(root, "commitment", dt_view_of(r->commitment));
        cli_put_u64(root, "entry", r->entry);
        (void)json_object_set_new(root, "fields", fields);
    } else {
        json_decref(fields);
    }
    return err;
}

enum dt_err
cli_show_carried(struct cli *c, const struct dt_record *r, json_t *root)
{
    DT_CLEANUP(dt_carried_clear) struct dt_carried x = {0};
    json_t *o;
    enum dt_err err = dt_agent_carried(c->agent, r, &x);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    if (root == NULL) {
        print_leave(&x);
        return x.leave == DT_LEAVE_BROKEN ? DT_OK : show_told(&x, NULL);
    }
    o = json_object();
    cli_put(o, "leave", leave_name(x.leave));
    cli_put(o, "by", x.by);
    cli_put(o, "of", x.of);
    cli_put(o, "why", x.why);
    if (x.leave != DT_LEAVE_BROKEN)
        err = show_told(&x, o);
    (void)json_object_set_new(root, "carried", o);
    return err;
}
