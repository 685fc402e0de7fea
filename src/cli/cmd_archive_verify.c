/*
 * cli/cmd_archive_verify.c - detente archive verify | extract: with no home, and no network.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "record/charter.h"
#include "record/letter.h"
#include "record/proof.h"

#include "cli/archive_io.h"
#include "cli/commands.h"
#include "cli/progress.h"

#define LETTERS_MAX 4096u

enum dt_err
cli_archive_told(const struct cli *c, const struct cli_archive_report *r)
{
    char hex[65];

    dt_hex_str(hex, dt_view_of(r->root.b));
    if (c->json) {
        json_t *o = json_object();

        cli_put_u64(o, "items", r->items);
        cli_put_hex(o, "root", dt_view_of(r->root.b));
        cli_put_u64(o, "talk", r->talk);
        cli_put_u64(o, "records", r->records);
        cli_put_u64(o, "records_of_unknown_kind", r->unknown);
        cli_put_u64(o, "letters", r->letters);
        cli_put_u64(o, "proofs", r->proofs);
        cli_put_u64(o, "proofs_without_consent", r->without_consent);
        if (r->has_forum)
            cli_put_hex(o, "forum", dt_view_of(r->forum));
        return cli_json(o);
    }
    cli_print("%llu items, root %s\n", (unsigned long long)r->items, hex);
    cli_print("  %llu pieces of talk, %llu records and answers, %llu letters, %llu proofs\n",
              (unsigned long long)r->talk, (unsigned long long)r->records,
              (unsigned long long)r->letters, (unsigned long long)r->proofs);
    if (r->without_consent > 0)
        cli_print("  %llu of the proofs are opened without the consents that the charter asks for: "
                  "who shows them says so\n",
                  (unsigned long long)r->without_consent);
    if (r->unknown > 0)
        cli_print("  %llu records are of kinds that this program does not know: not checked\n",
                  (unsigned long long)r->unknown);
    if (r->has_forum) {
        dt_hex_str(hex, dt_view_of(r->forum));
        cli_print("  of the forum %s\n", hex);
    }
    return DT_OK;
}

/* What the items are held against on the way. */
struct checking {
    struct cli_archive_report *r;
    struct dt_charter charter;
    struct dt_templates *templates;
    struct dt_letter *letters;
    size_t n_letters;
    uint64_t now_ms;
};

static bool
has_ending(const char *name, const char *folder, const char *ending)
{
    size_t n = strlen(name), f = strlen(folder), e = strlen(ending);

    return n > f + e && strncmp(name, folder, f) == 0 && strcmp(name + n - e, ending) == 0;
}

static enum dt_err
take_charter(struct checking *k, struct dt_view content)
{
    enum dt_err err;

    if (k->r->has_forum)
        return dt_fail(DT_ERR_FORMAT, "the archive has two charters");
    if ((err = dt_charter_decode(content, &k->charter)) != DT_OK ||
        (err = dt_charter_verify(&k->charter)) != DT_OK ||
        (err = dt_charter_forum_id(&k->charter, k->r->forum)) != DT_OK)
        return err;
    k->r->has_forum = true;
    return DT_OK;
}

static enum dt_err
take_letter(struct checking *k, struct dt_view content)
{
    struct dt_letter *grown;
    enum dt_err err;

    if (k->n_letters == LETTERS_MAX)
        return dt_fail(DT_ERR_LIMIT, "the archive has more letters than a channel");
    grown = dt_realloc(k->letters, k->n_letters + 1, sizeof *grown);
    if (grown == NULL)
        return dt_nomem();
    k->letters = grown;
    k->letters[k->n_letters] = (struct dt_letter){0};
    if ((err = dt_letter_decode(content, &k->letters[k->n_letters])) != DT_OK)
        return err;
    k->n_letters++;
    k->r->letters++;
    return DT_OK;
}

/* Signed by the delegate of a letter that a root of the charter signed. */
static enum dt_err
take_record(struct checking *k, struct dt_view content)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    enum dt_err err = dt_record_decode(content, k->templates, &r);

    k->r->records++;
    if (err == DT_ERR_UNSUPPORTED) {
        k->r->unknown++;
        return DT_OK;
    }
    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < k->n_letters; i++)
        if (memcmp(k->letters[i].hash, r.author.letter, 32) == 0)
            return dt_record_check_author(&r, &k->charter, &k->letters[i], 0);
    return dt_fail(DT_ERR_AUTH, "the letter of its author is not in the archive");
}

static enum dt_err
take_proof(struct checking *k, struct dt_view content)
{
    DT_CLEANUP(dt_verdict_clear) struct dt_verdict v = {0};
    struct dt_verify_in in = {.forum = k->r->forum, .now_ms = k->now_ms, .templates = k->templates};
    enum dt_err err = dt_proof_verify(content, &in, &v);

    if (err != DT_OK)
        return err;
    k->r->without_consent += v.code == DT_VERDICT_WITHOUT_CONSENT;
    if (v.code != DT_VERDICT_VERIFIED && v.code != DT_VERDICT_WITHOUT_CONSENT)
        return dt_fail(DT_ERR_PROOF, "the proof is not one of this forum, or does not hold");
    k->r->proofs++;
    return DT_OK;
}

static enum dt_err
take_item(void *ctx, const char *name, struct dt_view content)
{
    struct checking *k = ctx;
    enum dt_err err = DT_OK;

    if (strcmp(name, "charter/charter") == 0)
        err = take_charter(k, content);
    else if (has_ending(name, "letters/", ".letter"))
        err = take_letter(k, content);
    else if (has_ending(name, "records/", ".record"))
        err = take_record(k, content);
    else if (has_ending(name, "proofs/", ".proof"))
        err = take_proof(k, content);
    else if (has_ending(name, "talk/", ".json"))
        k->r->talk++;
    return dt_fail_context(err, "%s", name);
}

static enum dt_err
check(struct cli *c, struct dt_view passphrase, struct cli_archive_report *r)
{
    struct checking k = {.r = r, .now_ms = dt_clock_now(&c->clock)};
    enum dt_err err = dt_templates_load(&k.templates);

    if (err == DT_OK)
        err = dt_archive_read(c->operand[0], passphrase, take_item, &k, &r->items, &r->root);
    if (err == DT_OK && !r->has_forum)
        err = dt_fail(DT_ERR_FORMAT, "%s: the archive has no charter", c->operand[0]);
    for (size_t i = 0; i < k.n_letters; i++)
        dt_letter_clear(&k.letters[i]);
    dt_free(k.letters);
    dt_charter_clear(&k.charter);
    dt_templates_free(k.templates);
    return err;
}

/* Is it what the exporter said? */
static enum dt_err
compare(struct cli *c, const struct cli_archive_report *r)
{
    const char *root = cli_get(c, "root");
    uint64_t count = r->items;
    uint8_t want[32];
    enum dt_err err = cli_number(c, "count", r->items, INT64_MAX, &count);

    if (err != DT_OK)
        return err;
    if (root != NULL && dt_hex_read_fixed(want, sizeof want, dt_view_str(root)) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--root: the root of an archive is 64 hex digits");
    if (count != r->items || (root != NULL && memcmp(want, r->root.b, 32) != 0)) {
        cli_complain("it is NOT the archive of that count and root\n");
        c->verdict = DT_EXIT_NO;
    } else if (root == NULL) {
        cli_note(c,
                 "whole in itself; that nothing was left out or changed by who made it shows only "
                 "when count and root are compared: --root HEX");
    }
    return DT_OK;
}

static enum dt_err
begin(struct cli *c, struct dt_secret *passphrase, struct cli_archive_report *r)
{
    enum dt_err err = dt_crypto_init();

    if (err != DT_OK || (err = cli_file_passphrase(c, "archive-passphrase-file", "the archive",
                                                   false, passphrase)) != DT_OK)
        return err;
    return check(c, dt_secret_view(passphrase), r);
}

enum dt_err
cmd_archive_verify(struct cli *c)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret passphrase = {0};
    struct cli_archive_report r = {0};
    enum dt_err err;

    if ((err = begin(c, &passphrase, &r)) != DT_OK || (err = compare(c, &r)) != DT_OK)
        return err;
    return cli_archive_told(c, &r);
}

/* ---- extract ---- */

/* Names of items stay below the folder (agent/keep/tar.h), and no file is put over another. */
static enum dt_err
write_item(void *ctx, const char *name, struct dt_view content)
{
    const char *folder = ctx;
    char path[4096], *slash;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    enum dt_err err;

    if (n < 0 || (size_t)n >= sizeof path)
        return dt_fail(DT_ERR_LIMIT, "the folder's path is too long");
    slash = strrchr(path, '/');
    *slash = '\0';
    err = dt_dir_make(path, 0700);
    *slash = '/';
    return err != DT_OK ? err : dt_file_create(path, content, 0600);
}

enum dt_err
cmd_archive_extract(struct cli *c)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret passphrase = {0};
    struct cli_archive_report r = {0};
    char folder[4000];
    int n = snprintf(folder, sizeof folder, "%s", c->operand[1]);
    enum dt_err err;

    if (n < 0 || (size_t)n >= sizeof folder)
        return dt_fail(DT_ERR_LIMIT, "the folder's path is too long");
    if (dt_file_exists(folder))
        return dt_fail(DT_ERR_EXISTS, "%s: exists already", folder);
    if ((err = begin(c, &passphrase, &r)) != DT_OK || (err = compare(c, &r)) != DT_OK)
        return err;
    if (c->verdict != DT_EXIT_OK)
        return DT_OK; /* said: it is another one */
    if ((err = dt_dir_make(folder, 0700)) != DT_OK ||
        (err = dt_archive_read(c->operand[0], dt_secret_view(&passphrase), write_item, folder,
                               &r.items, &r.root)) != DT_OK)
        return err;
    return cli_archive_told(c, &r);
}
