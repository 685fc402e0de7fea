/*
 * cli/cmd_letter.c - detente letter ... and people: letters of credence, handed over by file.
 */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "record/charter_rules.h"
#include "record/letter.h"

#include "cli/charter_io.h"
#include "cli/commands.h"

enum dt_err
cmd_letter_request(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    const char *file = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "out", &file)) != DT_OK ||
        (err = dt_agent_letter_request(c->agent, &b)) != DT_OK ||
        (err = dt_file_write(file, dt_buf_view(&b), 0600)) != DT_OK)
        return err;
    cli_note(c, "request in %s: the party's root answers it with 'detente letter issue'", file);
    return DT_OK;
}

/* The signed charter of --charter; the request must be for its forum. */
static enum dt_err
check_forum(struct cli *c, const struct dt_letter_request *q, struct dt_charter *ch)
{
    uint8_t forum[DT_FORUM_ID];
    const char *file = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "charter", &file)) != DT_OK ||
        (err = cli_charter(c, file, ch)) != DT_OK ||
        (err = dt_charter_forum_id(ch, forum)) != DT_OK)
        return dt_fail_context(err, "charter");
    if (memcmp(forum, q->forum, sizeof forum) != 0)
        return dt_fail(DT_ERR_REFUSED, "the request is for another forum than this charter's");
    return DT_OK;
}

/* The party for which the root of ${seed} speaks: one that was replaced issues nothing any more. */
static enum dt_err
party_of_root(const struct dt_charter *ch, struct dt_view seed, const uint8_t **out)
{
    uint8_t root[32];
    struct dt_charter_root found;
    enum dt_err err = dt_ed25519_pub(seed, root);

    for (size_t i = 0; err == DT_OK && i < ch->n_parties; i++) {
        if (dt_charter_root_find(ch, i, root, &found) != DT_OK)
            continue;
        if (found.ended_by != 0)
            return dt_fail(DT_ERR_REFUSED, "no letter was issued: amendment %zu replaced this root",
                           found.ended_by);
        *out = ch->parties[i].root_id;
        return DT_OK;
    }
    return err != DT_OK ? err
                        : dt_fail(DT_ERR_AUTH, "no letter was issued: this key is no root of the "
                                               "charter with its amendments");
}

enum dt_err
cmd_letter_issue(struct cli *c)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    DT_CLEANUP(dt_letter_request_clear) struct dt_letter_request q = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter ch = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter letter = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf in = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf out = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    uint64_t now = dt_clock_now(&c->clock);
    uint64_t days = 0;
    uint64_t from = now;
    uint32_t rights = DT_RIGHTS_ALL;
    const char *request = NULL;
    const char *file = NULL;
    const uint8_t *party = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "request", &request)) != DT_OK ||
        (err = cli_need(c, "out", &file)) != DT_OK ||
        (err = cli_number(c, "days", 365, 3660, &days)) != DT_OK ||
        (cli_has(c, "from") && (err = cli_time(c, cli_get(c, "from"), &from)) != DT_OK) ||
        (cli_has(c, "rights") &&
         (err = dt_rights_read(dt_view_str(cli_get(c, "rights")), &rights)) != DT_OK) ||
        (err = cli_file(request, &in)) != DT_OK ||
        (err = dt_fail_context(dt_letter_request_decode(dt_buf_view(&in), &q), "%s", request)) !=
            DT_OK ||
        (err = check_forum(c, &q, &ch)) != DT_OK)
        return err;
    cli_note(c, "accrediting %.*s, %.*s", (int)q.name.n, (const char *)q.name.p, (int)q.title.n,
             (const char *)q.title.p);
    if ((err = cli_root_seed(c, &seed)) != DT_OK ||
        (err = party_of_root(&ch, dt_secret_view(&seed), &party)) != DT_OK ||
        (err = dt_letter_issue_for(dt_secret_view(&seed), party, &q, rights, from,
                                   from + days * DT_MS_DAY, now, &out)) != DT_OK ||
        (err = dt_letter_decode(dt_buf_view(&out), &letter)) != DT_OK ||
        (err = dt_fail_context(dt_letter_check_charter(&letter, &ch, NULL),
                               "no letter was issued")) != DT_OK)
        return err;
    return dt_file_write(file, dt_buf_view(&out), 0600);
}

enum dt_err
cmd_letter_import(struct cli *c)
{
    json_t *list = json_array();
    json_t *root;
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < c->n_operands && err == DT_OK; i++) {
        DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
        uint8_t hash[32];

        if ((err = cli_file(c->operand[i], &b)) != DT_OK)
            break;
        if (cli_has(c, "revocation")) {
            err = dt_agent_revocation_import(c->agent, dt_buf_view(&b));
            if (err == DT_OK && dt_charter_cadence(dt_agent_charter(c->agent)).period_ms != 0)
                cli_complain("detente: a revocation waits for no slot: an observer can see that "
                             "something could not wait\n");
        } else if ((err = dt_agent_letter_import(c->agent, dt_buf_view(&b), hash)) == DT_OK) {
            json_t *o = json_object();

            cli_put_hex(o, "letter", dt_view_of(hash));
            (void)json_array_append_new(list, o);
        }
        err = dt_fail_context(err, "%s", c->operand[i]);
    }
    if (err != DT_OK || !c->json) {
        json_decref(list);
        return err;
    }
    root = json_object();
    (void)json_object_set_new(root, "letters", list);
    return cli_json(root);
}

enum dt_err
cmd_letter_show(struct cli *c)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    uint8_t id[DT_ROOT_ID];
    char words[DT_KEY_WORDS_STR];
    char rights[64];
    char from[DT_TIME_STR];
    char to[DT_TIME_STR];
    char hex[65];
    enum dt_err err;

    if ((err = cli_file(c->operand[0], &b)) != DT_OK ||
        (err = dt_fail_context(dt_letter_decode(dt_buf_view(&b), &l), "%s", c->operand[0])) !=
            DT_OK ||
        (err = dt_root_id(l.root, id)) != DT_OK)
        return err;
    dt_key_words(id, words);
    dt_rights_str(l.rights, rights);
    dt_time_str(from, l.not_before_ms);
    dt_time_str(to, l.not_after_ms);
    dt_hex_str(hex, dt_view_of(l.hash));
    if (c->json) {
        json_t *o = json_object();

        cli_put_hex(o, "letter", dt_view_of(l.hash));
        cli_put_hex(o, "forum", dt_view_of(l.forum));
        cli_put_view(o, "name", l.name);
        cli_put_view(o, "title", l.title);
        cli_put(o, "rights", rights);
        cli_put(o, "root_words", words);
        cli_put_time(o, "not_before", l.not_before_ms);
        cli_put_time(o, "not_after", l.not_after_ms);
        return cli_json(o);
    }
    cli_print("%.*s, %.*s\n  letter  %s\n  valid   %s to %s\n  rights  %s\n  signed by the root "
              "with key words: %s\n",
              (int)l.name.n, (const char *)l.name.p, (int)l.title.n, (const char *)l.title.p, hex,
              from, to, rights, words);
    return DT_OK;
}

enum dt_err
cmd_letter_save(struct cli *c)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    struct dt_person p;
    const char *file = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "out", &file)) != DT_OK ||
        (err = cli_person(c, c->operand[0], &p)) != DT_OK ||
        (err = dt_agent_letter(c->agent, p.letter_hash, &b)) != DT_OK)
        return err;
    return dt_file_write(file, dt_buf_view(&b), 0600);
}

enum dt_err
cmd_letter_revoke(struct cli *c)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf in = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    struct dt_revocation v;
    const char *file = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "out", &file)) != DT_OK ||
        (err = cli_file(c->operand[0], &in)) != DT_OK ||
        (err = dt_fail_context(dt_letter_decode(dt_buf_view(&in), &l), "%s", c->operand[0])) !=
            DT_OK ||
        (err = cli_root_seed(c, &seed)) != DT_OK ||
        (err = dt_revocation_make(dt_secret_view(&seed), &l, dt_clock_now(&c->clock), &v)) !=
            DT_OK ||
        (err = dt_revocation_encode(&v, &out)) != DT_OK ||
        (err = dt_file_write(file, dt_buf_view(&out), 0644)) != DT_OK)
        return err;
    cli_note(
        c, "revocation of %.*s's letter in %s; import it with 'detente letter import --revocation'",
        (int)l.name.n, (const char *)l.name.p, file);
    return DT_OK;
}

enum dt_err
cmd_people(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_person *people = NULL;
    size_t n = 0;
    json_t *root;
    json_t *list;
    enum dt_err err = dt_agent_people(c->agent, &people, &n);

    if (err != DT_OK)
        return err;
    if (c->json) {
        root = json_object();
        list = json_array();
        for (size_t i = 0; i < n; i++) {
            json_t *o = json_object();

            cli_put_person(o, "person", &people[i]);
            cli_put_hex(o, "delegate_key", dt_view_of(people[i].delegate_key));
            (void)json_array_append_new(list, o);
        }
        (void)json_object_set_new(root, "people", list);
        return cli_json(root);
    }
    for (size_t i = 0; i < n; i++) {
        char to[DT_TIME_STR];
        char hex[13];

        cli_short(hex, dt_view_of(people[i].letter_hash));
        dt_date_str(to, people[i].letter_not_after_ms);
        cli_print("%s  %-16s %s, %s (letter to %s)%s%s\n", hex, people[i].party_name,
                  people[i].name, people[i].title, to,
                  people[i].revoked         ? " REVOKED"
                  : people[i].root_replaced ? " ROOT REPLACED"
                                            : "",
                  people[i].self ? " - you" : "");
    }
    return DT_OK;
}
