/*
 * cli/cmd_archive.c - detente archive export: a channel in a file that can be read without us.
 */
#include <stdio.h>
#include <string.h>

#include "agent/home/amendment.h"
#include "agent/keep/archive.h"
#include "agent/records/opening.h"
#include "agent/records/records.h"
#include "agent/store/walk.h"
#include "base/embed.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"
#include "record/amendment.h"
#include "record/charter.h"
#include "record/proof.h"
#include "record/words.h"

#include "cli/archive_io.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/record_io.h"

extern const struct dt_embedded cli_archive_files[];

#define PEOPLE_MAX  4096u
#define ENTRY_LEN   33u
#define ENTRIES_MAX ((64u << 20) / ENTRY_LEN)

struct export
{
    struct cli *c;
    struct dt_archive_out *ar;
    uint8_t group_id[32];
    struct dt_channel_info channel;
    struct dt_talk_info *talk;
    size_t n_talk;
    struct dt_record_info *records;
    size_t n_records;
    struct dt_buf people; /* letter hashes, 32 bytes each */
    size_t n_people;
    size_t n_proofs;
    struct cli_progress progress;
    uint64_t done;
    uint64_t all;
};

static enum dt_err
add(struct export *x, const char *name, struct dt_view content)
{
    cli_progress(&x->progress, ++x->done, x->all);
    return dt_archive_add(x->ar, name, content);
}

/* ${root} (its reference is taken) as text for people and programs. */
static enum dt_err
add_json(struct export *x, const char *name, json_t *root)
{
    char *text = NULL;
    json_free_t release = NULL;
    enum dt_err err = DT_OK;

    if (root != NULL && json_object_set_new(root, "format", json_integer(1)) == 0 &&
        dt_mem_failed() == 0)
        text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
    json_decref(root);
    if (text == NULL)
        return dt_nomem();
    err = add(x, name, dt_view_str(text));
    json_get_alloc_funcs(NULL, &release);
    release(text);
    return err;
}

/* ---- charter ---- */

static const char *
kind_name(uint8_t kind)
{
    return kind == DT_PARTY_MEDIATOR ? "mediator" : kind == DT_PARTY_MONITOR ? "monitor" : "party";
}

static json_t *
charter_json(const struct dt_charter *ch, const uint8_t forum[static 32])
{
    json_t *root = json_object();
    json_t *parties = json_array();

    cli_put_view(root, "title", ch->title);
    cli_put_hex(root, "forum", dt_view(forum, 32));
    cli_put_time(root, "created", ch->created_ms);
    cli_put_view(root, "register_origin", ch->register_origin);
    cli_put_view(root, "register_vkey", ch->register_vkey);
    cli_put_u64(root, "amendments", ch->n_former);
    for (size_t i = 0; i < ch->n_parties; i++) {
        json_t *o = json_object();

        cli_put_view(o, "name", ch->parties[i].name);
        cli_put(o, "kind", kind_name(ch->parties[i].kind));
        cli_put_hex(o, "root", dt_view_of(ch->parties[i].root));
        (void)json_array_append_new(parties, o);
    }
    (void)json_object_set_new(root, "parties", parties);
    return root;
}

static enum dt_err
add_amendments(struct export *x, const struct dt_charter *ch)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    struct dt_reader r;
    enum dt_err err = dt_charter_amendments(ch, &list);

    r = dt_reader_init(dt_buf_view(&list));
    for (unsigned int i = 1; err == DT_OK && r.n > 0; i++) {
        struct dt_view one;
        char name[64];

        (void)snprintf(name, sizeof name, "charter/amendment-%u", i);
        if ((err = dt_read_vec(&r, DT_AMENDMENT_MAX, &one)) == DT_OK)
            err = add(x, name, one);
    }
    return err;
}

static enum dt_err
add_charter(struct export *x)
{
    const struct dt_charter *ch = dt_agent_charter(x->c->agent);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_CHARTER_MAX);
    uint8_t forum[32];
    enum dt_err err;

    if ((err = dt_charter_forum_id(ch, forum)) != DT_OK ||
        (err = dt_charter_encode(ch, &b)) != DT_OK ||
        (err = add(x, "charter/charter", dt_buf_view(&b))) != DT_OK ||
        (err = add_amendments(x, ch)) != DT_OK)
        return err;
    return add_json(x, "charter/charter.json", charter_json(ch, forum));
}

/* ---- letters: of those who speak in it, and no others ---- */

static enum dt_err
note_person(struct export *x, const struct dt_person *p)
{
    static const uint8_t none[32];

    if (memcmp(p->letter_hash, none, 32) == 0)
        return DT_OK;
    for (size_t i = 0; i < x->people.n; i += 32)
        if (memcmp(x->people.p + i, p->letter_hash, 32) == 0)
            return DT_OK;
    return dt_buf_append(&x->people, dt_view_of(p->letter_hash));
}

static enum dt_err
find_people(struct export *x)
{
    DT_CLEANUP(dt_free_p) struct dt_roster_entry *roster = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_roster(x->c->agent, x->group_id, &roster, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = note_person(x, &roster[i].who);
    for (size_t i = 0; err == DT_OK && i < x->n_talk; i++)
        err = note_person(x, &x->talk[i].from);
    for (size_t i = 0; err == DT_OK && i < x->n_records; i++)
        err = note_person(x, &x->records[i].author);
    return err;
}

static json_t *
person_json(const struct dt_person *p)
{
    json_t *o = json_object();

    cli_put(o, "name", p->name);
    cli_put(o, "title", p->title);
    cli_put(o, "party", p->party_name);
    cli_put_hex(o, "letter", dt_view_of(p->letter_hash));
    cli_put_hex(o, "key", dt_view_of(p->delegate_key));
    cli_put_time(o, "not_before", p->letter_not_before_ms);
    cli_put_time(o, "not_after", p->letter_not_after_ms);
    cli_put_bool(o, "revoked", p->revoked);
    return o;
}

static enum dt_err
add_letters(struct export *x)
{
    DT_CLEANUP(dt_free_p) struct dt_person *people = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_people(x->c->agent, &people, &n);

    for (size_t at = 0; err == DT_OK && at < x->people.n; at += 32) {
        const uint8_t *hash = x->people.p + at;
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_LETTER_MAX);
        char hex[65], name[DT_AGENT_NAME_MAX];

        dt_hex_str(hex, dt_view(hash, 32));
        (void)snprintf(name, sizeof name, "letters/%s.letter", hex);
        if ((err = dt_agent_letter(x->c->agent, hash, &b)) != DT_OK ||
            (err = add(x, name, dt_buf_view(&b))) != DT_OK)
            break;
        (void)snprintf(name, sizeof name, "letters/%s.json", hex);
        for (size_t i = 0; err == DT_OK && i < n; i++)
            if (memcmp(people[i].letter_hash, hash, 32) == 0)
                err = add_json(x, name, person_json(&people[i]));
        x->n_people++;
    }
    return err;
}

/* ---- talk and records ---- */

static enum dt_err
add_talk(struct export *x)
{
    for (size_t i = 0; i < x->n_talk; i++) {
        const struct dt_talk_info *t = &x->talk[i];
        json_t *o = NULL;
        char name[64];
        enum dt_err err = cli_talk_json(x->c, x->group_id, t, &o);

        (void)snprintf(name, sizeof name, "talk/%08llu.json", (unsigned long long)t->seq);
        if (err != DT_OK) {
            json_decref(o);
            return err;
        }
        if ((err = add_json(x, name, o)) != DT_OK)
            return err;
        if (t->file && t->rule.destroyed_ms == 0 && !t->rule.past) {
            DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_TAR_ITEM_MAX);

            (void)snprintf(name, sizeof name, "talk/%08llu.data", (unsigned long long)t->seq);
            if ((err = dt_agent_talk_read(x->c->agent, x->group_id, t->seq, &b)) != DT_OK ||
                (err = add(x, name, dt_buf_view(&b))) != DT_OK)
                return err;
        }
    }
    return DT_OK;
}

static enum dt_err
add_records(struct export *x)
{
    for (size_t i = 0; i < x->n_records; i++) {
        const struct dt_record_info *info = &x->records[i];
        DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
        DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_TAR_ITEM_MAX);
        json_t *o = NULL;
        char name[64];
        enum dt_err err;

        (void)snprintf(name, sizeof name, "records/%08llu.record",
                       (unsigned long long)info->number);
        if ((err = dt_agent_record(x->c->agent, info->commitment, &r)) != DT_OK ||
            (err = dt_record_encode(&r, &b)) != DT_OK ||
            (err = add(x, name, dt_buf_view(&b))) != DT_OK ||
            (err = cli_record_json(x->c, info, &r, &o)) != DT_OK) {
            json_decref(o);
            return err;
        }
        cli_put(o, "title", info->title);
        cli_put_hex(o, "seal", dt_view_of(info->seal));
        (void)snprintf(name, sizeof name, "records/%08llu.json", (unsigned long long)info->number);
        if ((err = add_json(x, name, o)) != DT_OK)
            return err;
    }
    return DT_OK;
}

static uint64_t
number_of(const struct export *x, const uint8_t commitment[static 32])
{
    for (size_t i = 0; i < x->n_records; i++)
        if (memcmp(x->records[i].commitment, commitment, 32) == 0)
            return x->records[i].number;
    return 0;
}

/* The records of --proof, wholly opened. An archive is shown to nobody by being made: whoever shows
 * a proof of it answers for the consents, and a verifier says which there are. */
static enum dt_err
add_proofs(struct export *x)
{
    const char *which;
    size_t at = 0;

    while ((which = cli_next(x->c, "proof", &at)) != NULL) {
        struct dt_opening_params p = {.without_consent = true, .show_names = true};
        DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf report = DT_BUF_INIT(4u << 20);
        DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
        char name[64];
        enum dt_err err;

        if ((err = dt_agent_record_find(x->c->agent, which, p.commitment)) != DT_OK ||
            (err = dt_agent_record(x->c->agent, p.commitment, &r)) != DT_OK)
            return err;
        if (number_of(x, p.commitment) == 0)
            return dt_fail(DT_ERR_NOT_FOUND, "the record %s is none of that channel", which);
        p.slots = dt_slots_all(r.tmpl);
        (void)snprintf(name, sizeof name, "proofs/%08llu.proof",
                       (unsigned long long)number_of(x, p.commitment));
        if ((err = dt_agent_open_record(x->c->agent, &p, &report, &file)) != DT_OK ||
            (err = add(x, name, dt_buf_view(&file))) != DT_OK)
            return err;
        x->n_proofs++;
    }
    return DT_OK;
}

/* ---- the register ---- */

static enum dt_err
add_register(struct export *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf entries = DT_BUF_INIT(ENTRIES_MAX * ENTRY_LEN);
    struct dt_register_report r = {0};
    struct tlog_hash root;
    enum dt_err err = dt_agent_register_status(x->c->agent, &r);

    if (err != DT_OK || r.size == 0)
        return err;
    if ((err = dt_agent_register_note(x->c->agent, &note)) == DT_OK)
        err = add(x, "register/checkpoint.txt", dt_buf_view(&note));
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    if (err != DT_OK || r.size > ENTRIES_MAX)
        return err; /* a larger one is in register export, and its checkpoint is here */
    if ((err = dt_agent_register_good(x->c->agent, r.size, &root, &entries)) != DT_OK)
        return err;
    return add(x, "register/entries", dt_buf_view(&entries));
}

/* ---- all of it ---- */

static json_t *
about_json(struct export *x, const struct dt_agent_info *info)
{
    json_t *o = json_object();

    cli_put_hex(o, "forum", dt_view_of(info->forum));
    cli_put(o, "channel", x->channel.name);
    cli_put_hex(o, "group_id", dt_view_of(x->group_id));
    cli_put_time(o, "exported", dt_clock_now(&x->c->clock));
    (void)json_object_set_new(o, "by", person_json(&info->self));
    cli_put_u64(o, "talk", x->n_talk);
    cli_put_u64(o, "records", x->n_records);
    return o;
}

static enum dt_err
add_all(struct export *x)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx view = {0};
    struct cli *c = x->c;
    struct dt_agent_info info;
    enum dt_err err;

    if ((err = dt_agent_info(c->agent, &info)) != DT_OK ||
        (err = dt_store_view_begin(dt_agent_store(c->agent), &view)) != DT_OK ||
        (err = dt_agent_channel(c->agent, x->group_id, &x->channel)) != DT_OK ||
        (err = dt_agent_talk_list(c->agent, x->group_id, 0, &x->talk, &x->n_talk)) != DT_OK ||
        (err = dt_agent_records(c->agent, x->group_id, &x->records, &x->n_records)) != DT_OK ||
        (err = find_people(x)) != DT_OK)
        return err;
    x->all = x->n_talk + 2 * x->n_records + 2 * x->people.n / 32 + 8;
    if ((err = add(x, "readme.txt",
                   dt_view(cli_archive_files[0].data, cli_archive_files[0].len))) != DT_OK ||
        (err = add_json(x, "about.json", about_json(x, &info))) != DT_OK ||
        (err = add_charter(x)) != DT_OK || (err = add_letters(x)) != DT_OK ||
        (err = add_talk(x)) != DT_OK || (err = add_records(x)) != DT_OK ||
        (err = add_proofs(x)) != DT_OK)
        return err;
    return add_register(x);
}

enum dt_err
cmd_archive_export(struct cli *c)
{
    DT_CLEANUP(dt_archive_drop_p) struct dt_archive_out *ar = NULL;
    DT_CLEANUP(dt_secret_clear) struct dt_secret passphrase = {0};
    struct export x = {.c = c};
    struct tlog_hash root;
    uint64_t n = 0;
    enum dt_err err;

    if ((err = cli_channel(c, c->operand[0], x.group_id)) != DT_OK ||
        (err = cli_file_passphrase(c, "archive-passphrase-file", "the archive", true,
                                   &passphrase)) != DT_OK ||
        (err = dt_archive_begin(c->operand[1], dt_secret_view(&passphrase), dt_clock_now(&c->clock),
                                &ar)) != DT_OK)
        return err;
    x.ar = ar;
    dt_buf_init(&x.people, PEOPLE_MAX * 32u);
    cli_progress_begin(c, "archive", &x.progress);
    if ((err = add_all(&x)) == DT_OK)
        err = dt_archive_finish(ar, &n, &root);
    cli_progress_end(&x.progress);
    dt_free(x.talk);
    dt_free(x.records);
    dt_buf_clear(&x.people);
    if (err != DT_OK)
        return err;
    return cli_archive_told(c, &(struct cli_archive_report){.items = n,
                                                            .root = root,
                                                            .talk = x.n_talk,
                                                            .records = x.n_records,
                                                            .letters = x.n_people,
                                                            .proofs = x.n_proofs});
}
