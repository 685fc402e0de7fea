/*
 * cli/cmd_channel.c - detente found | channels | roster | invitations | accept | decline | remove |
 * leave | rotate | rejoin.
 */
#include <string.h>

#include "agent/talk/session.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/commands.h"

enum dt_err
cmd_found(struct cli *c)
{
    uint8_t letters[DT_FOUNDING_MEMBERS][32];
    uint8_t group_id[32];
    enum dt_channel_kind kind = DT_CHANNEL_PLENARY;
    DT_CLEANUP(dt_free_p) char *name = NULL;
    const char *word = cli_get(c, "kind");
    const char *after = cli_get(c, "destroy-after");
    const char *with;
    uint64_t after_ms = 0;
    size_t at = 0;
    size_t n = 0;
    char hex[65];
    enum dt_err err;

    if (word != NULL && strcmp(word, "caucus") == 0)
        kind = DT_CHANNEL_CAUCUS;
    else if (word != NULL && strcmp(word, "track") == 0)
        kind = DT_CHANNEL_TRACK;
    else if (word != NULL && strcmp(word, "plenary") != 0)
        return dt_fail(DT_ERR_USAGE, "--kind is plenary, caucus or track, not '%s'", word);
    if ((err = cli_nfc_str(c->operand[0], &name)) != DT_OK)
        return err;
    while ((with = cli_next(c, "with", &at)) != NULL) {
        struct dt_person p;

        if (n == DT_FOUNDING_MEMBERS)
            return dt_fail(DT_ERR_LIMIT, "a channel has at most %u first delegates",
                           DT_FOUNDING_MEMBERS);
        if ((err = cli_person(c, with, &p)) != DT_OK)
            return err;
        memcpy(letters[n++], p.letter_hash, 32);
    }
    if (n == 0)
        return dt_fail(DT_ERR_USAGE,
                       "detente found needs --with PERSON, once for each first delegate");
    if ((after != NULL && (err = cli_span(after, &after_ms)) != DT_OK) ||
        (err = dt_agent_found_as(c->agent, kind, name, (const uint8_t(*)[32])letters, n, after_ms,
                                 group_id)) != DT_OK)
        return err;
    dt_hex_str(hex, dt_view_of(group_id));
    if (c->json) {
        json_t *o = json_object();

        cli_put(o, "group_id", hex);
        return cli_json(o);
    }
    cli_note(c, "'%s' is proposed; invitations go out with the next sync", name);
    return DT_OK;
}

static const char *
kind_name(enum dt_channel_kind kind)
{
    return kind == DT_CHANNEL_PLENARY ? "plenary" : kind == DT_CHANNEL_CAUCUS ? "caucus" : "track";
}

static const char *
lapse_name(enum dt_lapse_why why)
{
    static const char *const names[] = {"none", "asked",  "restored", "lost",
                                        "copy", "parted", "late"};

    return (size_t)why < sizeof names / sizeof names[0] ? names[why] : "?";
}

/* Why a channel is broken and who is to do something about it, in a line of its own. */
static void
print_lapse(const struct dt_channel_info *x)
{
    static const char *const why[] = {"",
                                      "you asked to be put in anew",
                                      "this home is a restored copy",
                                      "a change cannot be followed from this home's state",
                                      "another copy of this home holds the seat",
                                      "others may have followed a Commit that was not shown here",
                                      "the Welcome came too late to be used"};
    char when[DT_TIME_STR];

    cli_print("              %s",
              (size_t)x->lapse < sizeof why / sizeof why[0] ? why[x->lapse] : "");
    if (x->rejoin_wanted) {
        cli_print("; it asks to be put in anew with the next sync\n");
    } else if (x->rejoin_asked_ms != 0) {
        dt_time_str(when, x->rejoin_asked_ms);
        cli_print("; it asked to be put in anew at %s, another member must sync\n", when);
    } else {
        cli_print("; to take the seat: detente rejoin %s\n", x->name);
    }
}

enum dt_err
cmd_channels(struct cli *c)
{
    static const char *const states[] = {"", "founding", "live", "left", "broken"};
    DT_CLEANUP(dt_free_p) struct dt_channel_info *list = NULL;
    json_t *root;
    json_t *array;
    uint64_t last = 0;
    size_t n = 0;
    enum dt_err err = dt_agent_channels(c->agent, &list, &n);

    if (err != DT_OK)
        return err;
    if (!c->json) {
        for (size_t i = 0; i < n; i++) {
            char hex[13];

            cli_short(hex, dt_view_of(list[i].group_id));
            cli_print("%s  %-20s %-8s %-9s%s %zu members\n", hex, list[i].name,
                      kind_name(list[i].kind), states[list[i].state],
                      list[i].state == DT_CHANNEL_LIVE && !list[i].confirmed ? "unconfirmed" : "",
                      list[i].members);
            if (list[i].state == DT_CHANNEL_BROKEN)
                print_lapse(&list[i]);
        }
        return DT_OK;
    }
    root = json_object();
    array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        cli_put_hex(o, "group_id", dt_view_of(list[i].group_id));
        cli_put(o, "name", list[i].name);
        cli_put(o, "kind", kind_name(list[i].kind));
        cli_put(o, "state", states[list[i].state]);
        cli_put_bool(o, "confirmed", list[i].confirmed);
        cli_put_u64(o, "destroy_after_ms", list[i].destroy_after_ms);
        if (list[i].state == DT_CHANNEL_BROKEN) {
            cli_put(o, "lapse", lapse_name(list[i].lapse));
            cli_put_bool(o, "rejoin_wanted", list[i].rejoin_wanted);
            if (list[i].rejoin_asked_ms != 0)
                cli_put_time(o, "rejoin_asked", list[i].rejoin_asked_ms);
        }
        cli_put_u64(o, "epoch", list[i].epoch);
        cli_put_hex(o, "epoch_authenticator",
                    dt_view(list[i].epoch_authenticator, list[i].epoch_authenticator_len));
        cli_put_u64(o, "members", list[i].members);
        cli_put_hex(o, "queue", dt_view_of(list[i].queue));
        cli_put_u64(o, "queue_number", list[i].queue_number);
        cli_put_u64(o, "position", list[i].position);
        cli_put_u64(o, "to_send", list[i].to_send);
        cli_put_u64(o, "own_leaf", list[i].own_leaf);
        if (err == DT_OK &&
            (err = dt_agent_talk_last_number(c->agent, list[i].group_id, &last)) == DT_OK)
            cli_put_u64(o, "last_talk", last);
        if (err == DT_OK)
            err = cli_put_receipts(c, o, list[i].group_id);
        (void)json_array_append_new(array, o);
    }
    (void)json_object_set_new(root, "channels", array);
    if (err != DT_OK) {
        json_decref(root);
        return err;
    }
    return cli_json(root);
}

enum dt_err
cmd_roster(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_roster_entry *list = NULL;
    uint8_t group_id[32];
    json_t *root;
    json_t *array;
    size_t n = 0;
    enum dt_err err;

    if ((err = cli_channel(c, c->operand[0], group_id)) != DT_OK ||
        (err = dt_agent_roster(c->agent, group_id, &list, &n)) != DT_OK)
        return err;
    if (!c->json) {
        for (size_t i = 0; i < n; i++)
            cli_print("%3u  %-16s %s, %s%s%s\n", list[i].leaf, list[i].who.party_name,
                      list[i].who.name, list[i].who.title,
                      list[i].who.self ? " - you"
                      : list[i].here   ? ""
                                       : " (unconfirmed)",
                      list[i].expired ? " EXPIRED" : "");
        return DT_OK;
    }
    root = json_object();
    array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        cli_put_u64(o, "leaf", list[i].leaf);
        cli_put_person(o, "who", &list[i].who);
        cli_put_hex(o, "invitation_id", dt_view_of(list[i].invitation_id));
        cli_put_u64(o, "serial", list[i].serial);
        cli_put_time(o, "voucher_not_after", list[i].voucher_not_after_ms);
        cli_put_bool(o, "expired", list[i].expired);
        cli_put_bool(o, "here", list[i].here);
        (void)json_array_append_new(array, o);
    }
    (void)json_object_set_new(root, "members", array);
    return cli_json(root);
}

/* ---- invitations ---- */

static const char *
invitation_state(enum dt_invitation_state s)
{
    static const char *const names[] = {"", "open", "accepted", "joined", "declined"};

    return (size_t)s < sizeof names / sizeof names[0] ? names[s] : "?";
}

enum dt_err
cmd_invitations(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_invitation_info *list = NULL;
    json_t *root;
    json_t *array;
    json_t *people;
    size_t n = 0;
    enum dt_err err = dt_agent_invitations(c->agent, &list, &n);

    if (err != DT_OK)
        return err;
    if (!c->json) {
        for (size_t i = 0; i < n; i++) {
            char hex[33];

            dt_hex_str(hex, dt_view_of(list[i].invitation_id));
            cli_print("%.8s  %-9s %s '%s', from %s, %s (%s); first delegates:\n", hex,
                      invitation_state(list[i].state), kind_name(list[i].kind),
                      list[i].channel_name, list[i].from.name, list[i].from.title,
                      list[i].from.party_name);
            if (list[i].destroy_after_ms != 0) {
                char span[DT_TIME_STR];

                dt_span_str(span, list[i].destroy_after_ms);
                cli_print("            what is said there is destroyed after %s\n", span);
            }
            for (size_t k = 0; k < list[i].n_people; k++)
                cli_print("            %-16s %s, %s\n", list[i].people[k].party_name,
                          list[i].people[k].name, list[i].people[k].title);
        }
        return DT_OK;
    }
    root = json_object();
    array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        cli_put_hex(o, "invitation_id", dt_view_of(list[i].invitation_id));
        cli_put_hex(o, "group_id", dt_view_of(list[i].group_id));
        cli_put(o, "state", invitation_state(list[i].state));
        cli_put(o, "channel", list[i].channel_name);
        cli_put_u64(o, "destroy_after_ms", list[i].destroy_after_ms);
        cli_put_bool(o, "founding", list[i].founding);
        cli_put(o, "kind", kind_name(list[i].kind));
        cli_put_person(o, "from", &list[i].from);
        people = json_array();
        for (size_t k = 0; k < list[i].n_people; k++) {
            json_t *one = json_object();

            cli_put_person(one, "who", &list[i].people[k]);
            (void)json_array_append_new(people, one);
        }
        (void)json_object_set_new(o, "people", people);
        (void)json_array_append_new(array, o);
    }
    (void)json_object_set_new(root, "invitations", array);
    return cli_json(root);
}

/* By the channel's name or a hex prefix; without an operand the only open one. */
static enum dt_err
find_invitation(struct cli *c, uint8_t out[static 16])
{
    DT_CLEANUP(dt_free_p) struct dt_invitation_info *list = NULL;
    const char *text = c->n_operands > 0 ? c->operand[0] : NULL;
    size_t n = 0;
    size_t found = 0;
    enum dt_err err = dt_agent_invitations(c->agent, &list, &n);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        char hex[33];

        dt_hex_str(hex, dt_view_of(list[i].invitation_id));
        if (list[i].state != DT_INVITATION_OPEN)
            continue;
        if (text == NULL || strcmp(list[i].channel_name, text) == 0 ||
            (strlen(text) >= 4 && strncmp(hex, text, strlen(text)) == 0)) {
            memcpy(out, list[i].invitation_id, 16);
            found++;
        }
    }
    if (found == 0)
        return dt_fail(DT_ERR_NOT_FOUND, "there is no such open invitation; sync, then see detente "
                                         "invitations");
    if (found > 1)
        return dt_fail(DT_ERR_CONFLICT,
                       "%zu open invitations match; say which (see detente invitations)", found);
    return DT_OK;
}

enum dt_err
cmd_accept(struct cli *c)
{
    uint8_t id[16];
    enum dt_err err = find_invitation(c, id);

    if (err == DT_OK)
        err = dt_agent_invitation_accept(c->agent, id);
    if (err == DT_OK)
        cli_note(c, "accepted; the answer goes out with the next sync");
    return err;
}

enum dt_err
cmd_decline(struct cli *c)
{
    uint8_t id[16];
    enum dt_err err = find_invitation(c, id);

    return err != DT_OK ? err : dt_agent_invitation_decline(c->agent, id);
}

/* ---- members go, keys turn ---- */

enum dt_err
cmd_remove(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_roster_entry *list = NULL;
    uint8_t group_id[32];
    struct dt_person p;
    size_t n = 0;
    enum dt_err err;

    if ((err = cli_channel(c, c->operand[0], group_id)) != DT_OK ||
        (err = cli_person(c, c->operand[1], &p)) != DT_OK ||
        (err = dt_agent_roster(c->agent, group_id, &list, &n)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++)
        if (memcmp(list[i].who.delegate_key, p.delegate_key, 32) == 0) {
            if ((err = dt_agent_remove(c->agent, group_id, list[i].leaf)) == DT_OK)
                cli_note(c, "the next sync removes %s; a new queue begins with it", p.name);
            return err;
        }
    return dt_fail(DT_ERR_NOT_FOUND, "%s is not a member of that channel", p.name);
}

static enum dt_err
on_channel(struct cli *c, enum dt_err (*act)(struct dt_agent *a, const uint8_t group_id[static 32]),
           const char *said)
{
    uint8_t group_id[32];
    enum dt_err err;

    if ((err = cli_channel(c, c->operand[0], group_id)) != DT_OK ||
        (err = act(c->agent, group_id)) != DT_OK)
        return err;
    cli_note(c, "%s with the next sync", said);
    return DT_OK;
}

enum dt_err
cmd_leave(struct cli *c)
{
    struct dt_channel_info info;
    uint8_t group_id[32];
    enum dt_err err;

    if ((err = cli_channel(c, c->operand[0], group_id)) != DT_OK ||
        (err = dt_agent_channel(c->agent, group_id, &info)) != DT_OK ||
        (err = dt_agent_leave(c->agent, group_id)) != DT_OK)
        return err;
    if (info.state == DT_CHANNEL_BROKEN)
        cli_note(c, "it is over here, and nothing more is asked; the others are not told: if they "
                    "still count you as a member, your party's other delegates can remove you");
    else
        cli_note(c, "the others are told that you leave with the next sync");
    return DT_OK;
}

enum dt_err
cmd_rotate(struct cli *c)
{
    const char *every = cli_get(c, "every");
    uint64_t ms = 0;
    enum dt_err err;

    if (every == NULL && c->n_operands == 0)
        return dt_fail(DT_ERR_USAGE, "name a channel, or say --every SPAN");
    if (every != NULL && ((err = cli_span(every, &ms)) != DT_OK ||
                          (err = dt_agent_rotate_every(c->agent, ms)) != DT_OK))
        return err;
    if (every != NULL)
        cli_note(c, "this home replaces its session keys every %s", every);
    return c->n_operands == 0 ? DT_OK
                              : on_channel(c, dt_agent_rotate, "your session key is replaced");
}

enum dt_err
cmd_rejoin(struct cli *c)
{
    return on_channel(c, dt_agent_rejoin, "you ask to be put in anew");
}
