/*
 * tests/tools/hostile_member.c - a delegate who misbehaves: our own libraries with the checks taken
 * out (tests/agent/misbehave.h), over a real relay, with a real home.
 *
 *     hostile_member HOME CHANNEL MODE [ARGUMENT...]
 *
 * The passphrase is the first line of the file that $DETENTE_PASSPHRASE_FILE names. HOME has joined
 * CHANNEL with detente. What was posted last stands at the position that is printed; a record's
 * commitment is printed behind it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/records/records.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "misbehave.h"

struct call {
    struct mb m;
    struct dt_view passphrase;
    char **args;
    int n_args;
};

static enum dt_err
open_home(const struct call *c, const char *home, struct dt_agent **out)
{
    struct dt_clock clock = dt_clock_system();

    return dt_agent_open(home, c->passphrase, &clock, out);
}

/* ---- Commits that need nothing but the home ---- */

#define PLAIN(name, what)                                                                          \
    static enum dt_err name(struct call *c)                                                        \
    {                                                                                              \
        return what;                                                                               \
    }

PLAIN(without_warrant, mb_without_warrant(&c->m))
PLAIN(own_approval_only, mb_own_approval_only(&c->m))
PLAIN(one_approval_thrice, mb_one_approval_thrice(&c->m))
PLAIN(forged_approvals, mb_forged_approvals(&c->m))
PLAIN(forged_root_approvals, mb_forged_root_approvals(&c->m))
PLAIN(another_invitation, mb_approvals_of_another_invitation(&c->m))
PLAIN(as_they_are, mb_approvals_as_they_are(&c->m))
PLAIN(key_package_twice, mb_key_package_twice(&c->m))
PLAIN(expel, mb_expel(&c->m, c->args[0]))
PLAIN(expired_voucher, mb_expired_voucher(&c->m))
PLAIN(external_init, mb_external_init(&c->m))
PLAIN(external_commit, mb_external_commit(&c->m))
PLAIN(garbage_commits, mb_garbage_commits(&c->m, (unsigned int)strtoul(c->args[0], NULL, 10)))
PLAIN(proposals, mb_proposals(&c->m, (unsigned int)strtoul(c->args[0], NULL, 10)))
PLAIN(lone_proposals, mb_lone_proposals(&c->m, (unsigned int)strtoul(c->args[0], NULL, 10)))
PLAIN(padding, mb_padding(&c->m, (size_t)strtoul(c->args[0], NULL, 10)))

static enum dt_err
another_channel(struct call *c)
{
    uint8_t other[32];
    enum dt_err err = dt_agent_channel_find(c->m.a, c->args[0], other);

    return err == DT_OK ? mb_approvals_of_another_channel(&c->m, other) : err;
}

static enum dt_err
with_colleague(struct call *c, enum dt_err (*what)(struct mb *m, struct dt_agent *colleague))
{
    struct dt_agent *colleague = NULL;
    enum dt_err err = open_home(c, c->args[0], &colleague);

    if (err == DT_OK)
        err = what(&c->m, colleague);
    dt_agent_close(colleague);
    return err;
}

PLAIN(colleagues_letter, with_colleague(c, mb_colleagues_letter))
PLAIN(update_proposal, with_colleague(c, mb_update_proposal))

static enum dt_err
path_without(struct call *c)
{
    struct dt_roster_entry who;
    enum dt_err err = mb_member(&c->m, c->args[0], &who);

    return err == DT_OK ? mb_path_for_all_but(&c->m, who.leaf) : err;
}

/* ---- records, and proof files of them ---- */

static enum dt_err
say(const struct dt_record *r)
{
    char hex[65];

    dt_hex_str(hex, dt_view_of(r->commitment));
    return printf("%s\n", hex) > 0 ? DT_OK : dt_fail(DT_ERR_IO, "standard output");
}

/* Send ${r}, and write a proof that opens ${slots} of it. */
static enum dt_err
send_and_prove(struct call *c, const struct dt_record *r, const char *file)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf proof = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    uint64_t slots = 0;
    enum dt_err err;

    if ((err = mb_record_send(&c->m, r)) != DT_OK || (err = say(r)) != DT_OK ||
        (err = dt_slots_from_names(r->tmpl, dt_view_str("mode,started_at"), &slots)) != DT_OK ||
        (err = mb_proof(&c->m, &r, 1, slots, &proof)) != DT_OK)
        return err;
    return dt_file_create(file, dt_buf_view(&proof), 0600);
}

static enum dt_err
contact(struct call *c, const struct mb_record *how, const char *file)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    enum dt_err err = mb_contact(&c->m, how, &r);

    return err == DT_OK ? send_and_prove(c, &r, file) : err;
}

static enum dt_err
bad_signature(struct call *c)
{
    const struct mb_record how = {.bad_signature = true};

    return contact(c, &how, c->args[0]);
}

static enum dt_err
other_author(struct call *c)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    const struct mb_record how = {.author = &l};
    struct dt_roster_entry who;
    enum dt_err err;

    if ((err = mb_member(&c->m, c->args[1], &who)) != DT_OK ||
        (err = dt_letter_load(c->m.a, who.who.letter_hash, &l, NULL, NULL)) != DT_OK)
        return err;
    return contact(c, &how, c->args[0]);
}

static enum dt_err
commitment_of(const char *hex, uint8_t out[static 32])
{
    return dt_hex_read_fixed(out, 32, dt_view_str(hex));
}

static enum dt_err
replay(struct call *c)
{
    uint8_t commitment[32];
    enum dt_err err = commitment_of(c->args[0], commitment);

    return err == DT_OK ? mb_replay(&c->m, commitment) : err;
}

/* Consent to every field there can be. */
static enum dt_err
consent_beyond(struct call *c)
{
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    static const struct mb_record honest;
    uint8_t commitment[32];
    enum dt_err err;

    if ((err = commitment_of(c->args[0], commitment)) != DT_OK ||
        (err = dt_agent_record(c->m.a, commitment, &subject)) != DT_OK ||
        (err = mb_consent(&c->m, &subject, UINT64_MAX, false, &honest, &r)) != DT_OK ||
        (err = mb_record_send(&c->m, &r)) != DT_OK)
        return err;
    return say(&r);
}

/* A proof that opens more of a record than the other side's consent (a commitment) allows. */
static enum dt_err
open_beyond(struct call *c)
{
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record theirs = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record own = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf proof = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    const struct dt_record *items[3] = {&subject, &theirs, &own};
    static const struct mb_record honest;
    uint8_t commitment[32], consent[32];
    uint64_t slots = 0;
    enum dt_err err;

    if ((err = commitment_of(c->args[0], commitment)) != DT_OK ||
        (err = commitment_of(c->args[1], consent)) != DT_OK ||
        (err = dt_agent_record(c->m.a, commitment, &subject)) != DT_OK ||
        (err = dt_agent_record(c->m.a, consent, &theirs)) != DT_OK ||
        (err = dt_slots_from_names(subject.tmpl, dt_view_str("mode,started_at"), &slots)) !=
            DT_OK ||
        (err = mb_consent(&c->m, &subject, slots, false, &honest, &own)) != DT_OK ||
        (err = mb_proof(&c->m, items, 3, slots, &proof)) != DT_OK)
        return err;
    return dt_file_create(c->args[2], dt_buf_view(&proof), 0600);
}

/* ---- the program ---- */

static const struct mode {
    const char *name;
    int n_args;
    enum dt_err (*run)(struct call *c);
    const char *args;
} modes[] = {
    {"commit-without-warrant", 0, without_warrant, ""},
    {"commit-without-approvals", 0, own_approval_only, ""},
    {"commit-one-approval-thrice", 0, one_approval_thrice, ""},
    {"commit-forged-approvals", 0, forged_approvals, ""},
    {"commit-forged-root-approvals", 0, forged_root_approvals, ""},
    {"commit-approvals-of-another-invitation", 0, another_invitation, ""},
    {"commit-approvals-of-another-channel", 1, another_channel, "CHANNEL"},
    {"commit-approvals-as-they-are", 0, as_they_are, ""},
    {"commit-key-package-twice", 0, key_package_twice, ""},
    {"commit-expel", 1, expel, "NAME"},
    {"commit-colleagues-letter", 1, colleagues_letter, "HOME"},
    {"update-proposal", 1, update_proposal, "HOME"},
    {"commit-expired-voucher", 0, expired_voucher, ""},
    {"commit-external-init", 0, external_init, ""},
    {"external-commit", 0, external_commit, ""},
    {"garbage-commits", 1, garbage_commits, "N"},
    {"commit-proposals", 1, proposals, "N"},
    {"lone-proposals", 1, lone_proposals, "N"},
    {"padding", 1, padding, "BYTES"},
    {"commit-path-without", 1, path_without, "NAME"},
    {"record-bad-signature", 1, bad_signature, "PROOF"},
    {"record-other-author", 2, other_author, "PROOF NAME"},
    {"record-replay", 1, replay, "COMMITMENT"},
    {"consent-beyond", 1, consent_beyond, "COMMITMENT"},
    {"open-beyond", 3, open_beyond, "COMMITMENT CONSENT PROOF"},
};

static enum dt_err
read_passphrase(struct dt_buf *out)
{
    const char *path = getenv("DETENTE_PASSPHRASE_FILE");
    enum dt_err err = path != NULL ? dt_file_read(path, out)
                                   : dt_fail(DT_ERR_USAGE, "DETENTE_PASSPHRASE_FILE is not set");

    if (err == DT_OK && out->n > 0 && out->p[out->n - 1] == '\n')
        out->n--;
    return err;
}

static enum dt_err
run(struct call *c, const struct mode *mode, const char *home, const char *channel)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf passphrase = DT_BUF_INIT(1024);
    enum dt_err err;

    if ((err = dt_crypto_init()) != DT_OK || (err = read_passphrase(&passphrase)) != DT_OK)
        return err;
    c->passphrase = dt_buf_view(&passphrase);
    if ((err = open_home(c, home, &c->m.a)) == DT_OK &&
        (err = dt_agent_channel_find(c->m.a, channel, c->m.gid)) == DT_OK &&
        (err = mode->run(c)) == DT_OK && printf("%llu\n", (unsigned long long)c->m.position) < 0)
        err = dt_fail(DT_ERR_IO, "standard output");
    dt_agent_close(c->m.a);
    return err;
}

int
main(int argc, char **argv)
{
    struct call c = {.args = argv + 4, .n_args = argc - 4};
    const size_t n = sizeof modes / sizeof modes[0];

    for (size_t i = 0; argc >= 4 && i < n; i++) {
        if (strcmp(argv[3], modes[i].name) != 0 || c.n_args != modes[i].n_args)
            continue;
        if (run(&c, &modes[i], argv[1], argv[2]) == DT_OK)
            return 0;
        (void)fprintf(stderr, "hostile_member: %s\n", dt_err_message());
        return 1;
    }
    (void)fprintf(stderr, "use: hostile_member HOME CHANNEL MODE [ARGUMENT...]\n");
    for (size_t i = 0; i < n; i++)
        (void)fprintf(stderr, "    %s %s\n", modes[i].name, modes[i].args);
    return 2;
}
