/*
 * cli/cmd_admit.c - detente admit ask | list | approve | commit: adding a member needs every party.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "cli/commands.h"

enum dt_err
cmd_admit_ask(struct cli *c)
{
    uint8_t group_id[32];
    uint8_t id[16];
    char hex[33];
    struct dt_person p;
    enum dt_err err;

    if ((err = cli_channel(c, c->operand[0], group_id)) != DT_OK ||
        (err = cli_person(c, c->operand[1], &p)) != DT_OK ||
        (err = dt_agent_request_admission(c->agent, group_id, p.letter_hash, id)) != DT_OK)
        return err;
    dt_hex_str(hex, dt_view_of(id));
    if (c->json) {
        json_t *o = json_object();

        cli_put(o, "request_id", hex);
        return cli_json(o);
    }
    cli_print("%.8s\n", hex);
    cli_note(c, "every other party is asked to approve %s, %s (%s), with the next sync", p.name,
             p.title, p.party_name);
    return DT_OK;
}

static enum dt_err
list_json(const struct dt_admission_info *list, size_t n)
{
    static const char *const states[] = {"", "asked", "committing", "done", "failed"};
    json_t *root = json_object();
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        cli_put_hex(o, "request_id", dt_view_of(list[i].request_id));
        cli_put_hex(o, "group_id", dt_view_of(list[i].group_id));
        cli_put(o, "state", states[list[i].state]);
        cli_put_bool(o, "ours", list[i].ours);
        cli_put_bool(o, "approved_by_us", list[i].approved_by_us);
        cli_put_bool(o, "key_package", list[i].key_package);
        cli_put_u64(o, "approved", list[i].approved);
        cli_put_u64(o, "wanted", list[i].wanted);
        cli_put_person(o, "who", &list[i].who);
        cli_put_person(o, "from", &list[i].from);
        (void)json_array_append_new(array, o);
    }
    (void)json_object_set_new(root, "admissions", array);
    return cli_json(root);
}

enum dt_err
cmd_admit_list(struct cli *c)
{
    static const char *const states[] = {"", "asked", "committing", "done", "failed"};
    DT_CLEANUP(dt_free_p) struct dt_admission_info *list = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_admissions(c->agent, &list, &n);

    if (err != DT_OK)
        return err;
    if (c->json)
        return list_json(list, n);
    for (size_t i = 0; i < n; i++) {
        char hex[33];
        char letter[13];

        dt_hex_str(hex, dt_view_of(list[i].request_id));
        cli_short(letter, dt_view_of(list[i].who.letter_hash));
        cli_print("%.8s  %s, %s, for %s (letter %s)\n          asked by %s (%s); %s%s%s\n", hex,
                  list[i].who.name, list[i].who.title, list[i].who.party_name, letter,
                  list[i].from.name, list[i].from.party_name, states[list[i].state],
                  list[i].ours && !list[i].key_package ? "; has not answered yet" : "",
                  !list[i].ours && !list[i].approved_by_us ? "; waits for your approval" : "");
    }
    return DT_OK;
}

static enum dt_err
find_request(struct cli *c, bool ours, uint8_t out[static 16])
{
    DT_CLEANUP(dt_free_p) struct dt_admission_info *list = NULL;
    size_t n = 0;
    size_t at = 0;
    enum dt_err err = dt_agent_admissions(c->agent, &list, &n);

    if (err != DT_OK)
        return err;
    if (n == 0)
        return dt_fail(DT_ERR_NOT_FOUND,
                       "nobody has asked to admit anyone; sync, then see detente admit "
                       "list");
    if ((err = cli_pick("request", c->operand[0], list[0].request_id, n, sizeof list[0], &at)) !=
        DT_OK)
        return err;
    if (list[at].ours != ours)
        return dt_fail(DT_ERR_STATE,
                       ours ? "that request is someone else's: 'detente admit approve' it"
                            : "that request is our own: our party approved it by asking");
    memcpy(out, list[at].request_id, 16);
    return DT_OK;
}

enum dt_err
cmd_admit_approve(struct cli *c)
{
    uint8_t id[16];
    enum dt_err err = find_request(c, false, id);

    if (err == DT_OK && (err = dt_agent_approve(c->agent, id)) == DT_OK)
        cli_note(c, "approved; the approval goes out with the next sync");
    return err;
}

enum dt_err
cmd_admit_commit(struct cli *c)
{
    uint8_t id[16];
    enum dt_err err = find_request(c, true, id);

    if (err == DT_OK && (err = dt_agent_commit_admission(c->agent, id)) == DT_OK)
        cli_note(c, "all parties approved; the next sync adds the new member");
    return err;
}
