/*
 * agent/home/identity.c - making and opening a home; letters and revocations; the delegate's
 * vouchers.
 *
 * Source: docs/protocol-agent.md "Identity"; DESIGN "Before the first channel".
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"
#include "net/address.h"
#include "record/charter_rules.h"

#include "agent/core.h"
#include "agent/form/cell.h"
#include "agent/home/place.h"
#include "agent/keep/destroy.h"
#include "agent/records/raw.h"
#include "agent/register/register.h"
#include "agent/store/kept.h"
#include "agent/sync/ahead.h"

#define IDENTITY_VERSION 1
#define REVOCATION_MAX   1024u

uint64_t
dt_agent_now(const struct dt_agent *a)
{
    return dt_clock_now(&a->clock);
}

struct dt_store *
dt_agent_store(struct dt_agent *a)
{
    return a->store;
}

bool
dt_err_is_local(enum dt_err err)
{
    return err == DT_ERR_NOMEM || err == DT_ERR_IO || err == DT_ERR_BUSY ||
           err == DT_ERR_INTERNAL || err == DT_ERR_NET;
}

void
dt_agent_close(struct dt_agent *a)
{
    if (a == NULL)
        return;
    dt_ahead_clear(a);
    dt_http_client_free(a->queue_http);
    dt_http_client_free(a->register_http);
    dt_templates_free(a->templates);
    dt_free(a->letters);
    dt_store_close(a->store);
    dt_charter_clear(&a->charter);
    dt_grant_wipe(&a->grant);
    dt_secret_clear(&a->delegate_seed);
    dt_secret_clear(&a->mark_key);
    dt_secret_clear(&a->x25519_priv);
    dt_secret_clear(&a->inbox_tokens);
    dt_letter_clear(&a->letter);
    dt_buf_clear(&a->letter_bytes);
    dt_free(a);
}

void
dt_agent_close_p(struct dt_agent **a)
{
    dt_agent_close(*a);
    *a = NULL;
}

/* ---- the identity row ---- */

static enum dt_err
identity_encode(const struct dt_agent *a, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u8(&w, IDENTITY_VERSION);
    dt_write_u8(&w, (uint8_t)a->party);
    dt_write_str(&w, a->name);
    dt_write_str(&w, a->title);
    dt_write_view(&w, dt_secret_view(&a->delegate_seed));
    dt_write_view(&w, dt_secret_view(&a->x25519_priv));
    dt_write_view(&w, dt_secret_view(&a->inbox_tokens));
    return dt_writer_end(&w);
}

static enum dt_err
read_name(struct dt_reader *r, char *out)
{
    struct dt_view v;
    enum dt_err err = dt_read_vec(r, DT_AGENT_NAME_MAX, &v);

    if (err != DT_OK)
        return err;
    memcpy(out, v.p, v.n);
    out[v.n] = '\0';
    return DT_OK;
}

static enum dt_err
read_secret(struct dt_reader *r, size_t n, struct dt_secret *out)
{
    struct dt_view v;
    enum dt_err err = dt_read_view(r, n, &v);

    return err != DT_OK ? err : dt_secret_set(out, v);
}

static enum dt_err
derive(struct dt_agent *a)
{
    enum dt_err err;

    if ((err = dt_ed25519_pub(dt_secret_view(&a->delegate_seed), a->delegate_pub)) != DT_OK ||
        (err = dt_hkdf_expand(DT_HASH_SHA256, dt_secret_view(&a->delegate_seed),
                              dt_view_str("detente 1 cell mark"), 32, &a->mark_key)) != DT_OK ||
        (err = dt_x25519_pub(dt_secret_view(&a->x25519_priv), a->x25519_pub)) != DT_OK)
        return err;
    return dt_queue_address(dt_view(a->inbox_tokens.p, 32), dt_view(a->inbox_tokens.p + 32, 32),
                            a->inbox_address);
}

static enum dt_err
identity_decode(struct dt_agent *a, struct dt_view v)
{
    struct dt_reader r = dt_reader_init(v);
    uint8_t version = 0, party = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK || (err = dt_read_u8(&r, &party)) != DT_OK)
        return err;
    if (version != IDENTITY_VERSION || party >= a->charter.n_parties)
        return dt_fail(DT_ERR_UNSUPPORTED, "the identity is of a version that is not known here");
    a->party = party;
    if ((err = read_name(&r, a->name)) != DT_OK || (err = read_name(&r, a->title)) != DT_OK ||
        (err = read_secret(&r, DT_ED25519_SEED, &a->delegate_seed)) != DT_OK ||
        (err = read_secret(&r, DT_X25519, &a->x25519_priv)) != DT_OK ||
        (err = read_secret(&r, 64, &a->inbox_tokens)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    return derive(a);
}

static enum dt_err
copy_name(char *out, const char *in, const char *what)
{
    size_t n = strlen(in);

    if (n == 0 || n > DT_NAME_MAX || !dt_utf8_line(dt_view_str(in)))
        return dt_fail(DT_ERR_RANGE, "the %s must be one line of 1 to %u bytes of UTF-8", what,
                       DT_NAME_MAX);
    memcpy(out, in, n + 1);
    return DT_OK;
}

static enum dt_err
draw_keys(struct dt_agent *a)
{
    enum dt_err err;

    if ((err = dt_ed25519_new(&a->delegate_seed, a->delegate_pub)) != DT_OK ||
        (err = dt_x25519_new(&a->x25519_priv, a->x25519_pub)) != DT_OK ||
        (err = dt_secret_random(&a->inbox_tokens, 64)) != DT_OK)
        return err;
    return derive(a);
}

static enum dt_err
put_identity(struct dt_agent *a, const struct dt_agent_init_params *params)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf identity = DT_BUF_INIT(2048);
    enum dt_err err;

    if ((err = identity_encode(a, &identity)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_store_put_blob(a->store, "self", dt_view_str("charter"), params->charter)) ==
            DT_OK &&
        (params->amendments.n == 0 ||
         (err = dt_store_put_blob(a->store, "self", dt_view_str("amendments"),
                                  params->amendments)) == DT_OK) &&
        (err = dt_store_put_blob(a->store, "self", dt_view_str("grant"), params->grant)) == DT_OK)
        err = dt_store_put_blob(a->store, "self", dt_view_str("identity"), dt_buf_view(&identity));
    return dt_store_end(a->store, err);
}

static enum dt_err
make_home(struct dt_agent *a, const struct dt_agent_init_params *params)
{
    struct dt_place place;
    enum dt_err err = dt_place_begin(params->home, &place);

    if (err != DT_OK)
        return err;
    if ((err = dt_store_create(place.part, params->passphrase, &a->store)) == DT_OK)
        err = put_identity(a, params);
    dt_store_close(a->store); /* with all that its -wal held */
    a->store = NULL;
    return dt_place_end(&place, err);
}

enum dt_err
dt_agent_init(const struct dt_agent_init_params *params)
{
    DT_CLEANUP(dt_agent_close_p) struct dt_agent *a = dt_alloc(1, sizeof *a);
    enum dt_err err;

    if (a == NULL)
        return dt_nomem();
    a->clock = params->clock;
    dt_buf_init(&a->letter_bytes, DT_LETTER_MAX);
    /* Everything that can be wrong with the arguments comes before the first byte on disk. */
    if ((err = dt_crypto_init()) != DT_OK ||
        (err = dt_charter_take(params->charter, params->amendments, &a->charter)) != DT_OK ||
        (err = dt_charter_forum_id(&a->charter, a->forum)) != DT_OK ||
        (err = dt_grant_read(params->grant, &a->grant)) != DT_OK ||
        (err = dt_grant_compare(&a->grant, &a->charter)) != DT_OK ||
        (err = copy_name(a->name, params->name, "name")) != DT_OK ||
        (err = copy_name(a->title, params->title, "title")) != DT_OK)
        return err;
    if ((err = dt_charter_party_by_name(&a->charter, dt_view_str(params->party), &a->party)) !=
        DT_OK)
        return dt_fail(DT_ERR_NOT_FOUND, "the charter has no party of the name given");
    return (err = draw_keys(a)) != DT_OK ? err : make_home(a, params);
}

/* Everything of an agent whose store is open. */
static enum dt_err
load(struct dt_agent *a)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(2048);
    enum dt_err err;

    if ((err = dt_charter_load(a, &a->charter)) != DT_OK ||
        (err = dt_charter_forum_id(&a->charter, a->forum)) != DT_OK ||
        (err = dt_grant_of_home(a, &a->grant)) != DT_OK || (err = dt_stick_found(a)) != DT_OK ||
        (err = dt_store_get_blob(a->store, "self", dt_view_str("identity"), &b)) != DT_OK ||
        (err = identity_decode(a, dt_buf_view(&b))) != DT_OK ||
        (err = dt_agent_refresh(a)) != DT_OK || (err = dt_templates_load(&a->templates)) != DT_OK ||
        (err = dt_templates_of_home(a)) != DT_OK ||
        (err = dt_http_client_new(NULL, &a->queue_http)) != DT_OK ||
        (err = dt_http_client_new(NULL, &a->register_http)) != DT_OK)
        return err;
    a->cadence = dt_charter_cadence(&a->charter); /* a rule, and so for ever */
    if (a->grant.has_read_key)
        dt_http_client_read_key(a->register_http, a->grant.read_key);
    return DT_OK;
}

/* By the keys of ${other}; else by the passphrase; without one by the key that the kernel keeps. */
static enum dt_err
open_home(const char *home, const struct dt_store *other, const struct dt_view *passphrase,
          const struct dt_clock *clock, struct dt_agent **out)
{
    DT_CLEANUP(dt_agent_close_p) struct dt_agent *a = dt_alloc(1, sizeof *a);
    enum dt_err err;

    if (a == NULL)
        return dt_nomem();
    a->clock = *clock;
    dt_buf_init(&a->letter_bytes, DT_LETTER_MAX);
    if ((a->letters = dt_alloc(1, sizeof *a->letters)) == NULL)
        return dt_nomem();
    if ((err = dt_crypto_init()) != DT_OK)
        return err;
    err = other != NULL        ? dt_store_open_again(other, home, &a->store)
          : passphrase != NULL ? dt_store_open(home, *passphrase, &a->store)
                               : dt_store_open_kept(home, clock, &a->store);
    if (err != DT_OK || (err = load(a)) != DT_OK)
        return err;
    dt_ignore(dt_agent_destroy(a, false, NULL),
              "the next sync does it or says why not, and until then it is not shown");
    *out = a;
    a = NULL;
    return DT_OK;
}

enum dt_err
dt_agent_open(const char *home, struct dt_view passphrase, const struct dt_clock *clock,
              struct dt_agent **out)
{
    return open_home(home, NULL, &passphrase, clock, out);
}

enum dt_err
dt_agent_open_kept(const char *home, const struct dt_clock *clock, struct dt_agent **out)
{
    return open_home(home, NULL, NULL, clock, out);
}

enum dt_err
dt_agent_open_again(const struct dt_agent *a, const char *home, struct dt_agent **out)
{
    DT_CLEANUP(dt_agent_close_p) struct dt_agent *b = NULL;
    enum dt_err err = open_home(home, a->store, NULL, &a->clock, &b);

    if (err != DT_OK)
        return err;
    if (a->ca_file != NULL)
        dt_agent_trust(b, a->ca_file);
    if (strcmp(a->grant.relay, b->grant.relay) != 0 &&
        (err = dt_agent_relay_at(b, a->grant.relay)) != DT_OK)
        return err;
    *out = b;
    b = NULL;
    return DT_OK;
}

const struct dt_charter *
dt_agent_charter(const struct dt_agent *a)
{
    return &a->charter;
}

enum dt_err
dt_agent_relay_at(struct dt_agent *a, const char *url)
{
    size_t n = strlen(url);
    enum dt_err err;

    while (n > 0 && url[n - 1] == '/')
        n--;
    if (!dt_address_is_relay(url) || n >= sizeof a->grant.relay)
        return dt_fail(DT_ERR_RANGE, "the relay's address begins with http://, https:// or file:");
    if ((err = dt_stick_is_at(a, url)) != DT_OK)
        return err;
    memcpy(a->grant.relay, url, n);
    a->grant.relay[n] = '\0';
    return DT_OK;
}

void
dt_agent_trust(struct dt_agent *a, const char *ca_file)
{
    a->ca_file = ca_file;
    dt_http_client_trust(a->queue_http, ca_file);
    dt_http_client_trust(a->register_http, ca_file);
}

/* ---- our own letter ---- */

enum dt_err
dt_agent_letter_own(struct dt_agent *a, struct dt_letter *out)
{
    enum dt_err err = dt_agent_refresh(a);

    if (err == DT_OK && !a->has_letter)
        err = dt_fail(DT_ERR_NOT_FOUND,
                      "no letter of credence yet: detente letter request, then import it");
    return err != DT_OK ? err : dt_letter_copy(&a->letter, out);
}

enum dt_err
dt_agent_letter_request(struct dt_agent *a, struct dt_buf *out)
{
    struct dt_letter_request q = {.created_ms = dt_agent_now(a),
                                  .name = dt_view_str(a->name),
                                  .title = dt_view_str(a->title),
                                  .inbox_address = dt_view_of(a->inbox_address),
                                  .inbox_token = dt_view(a->inbox_tokens.p + 32, 32)};

    memcpy(q.forum, a->forum, 32);
    memcpy(q.x25519, a->x25519_pub, 32);
    return dt_letter_request_make(&q, dt_secret_view(&a->delegate_seed), out);
}

enum dt_err
dt_agent_refresh(struct dt_agent *a)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_LETTER_MAX);
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    enum dt_err err;

    if ((err = dt_agent_charter_refresh(a)) != DT_OK)
        return err;
    err = dt_store_get_blob(a->store, "self", dt_view_str("letter"), &b);
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    if (err != DT_OK ||
        (a->has_letter && dt_view_equal(dt_buf_view(&b), dt_buf_view(&a->letter_bytes))))
        return err;
    if ((err = dt_letter_decode(dt_buf_view(&b), &l)) != DT_OK)
        return err;
    dt_letter_clear(&a->letter);
    a->letter = l;
    l = (struct dt_letter){0}; /* moved */
    dt_buf_move(&a->letter_bytes, &b);
    a->has_letter = true;
    return DT_OK;
}

enum dt_err
dt_agent_need_letter(struct dt_agent *a)
{
    enum dt_err err = dt_agent_refresh(a);

    if (err != DT_OK)
        return err;
    if (!a->has_letter)
        return dt_fail(DT_ERR_STATE,
                       "this home has no letter of credence yet: have the party's root sign "
                       "one and import it");
    return dt_fail_context(dt_letter_check_now(a, &a->letter), "our letter of credence");
}

enum dt_err
dt_agent_own_letter(struct dt_agent *a, struct dt_buf *out)
{
    enum dt_err err = dt_agent_refresh(a);

    if (err != DT_OK)
        return err;
    if (!a->has_letter)
        return dt_fail(DT_ERR_NOT_FOUND, "this home has no letter of credence yet");
    return dt_buf_append(out, dt_buf_view(&a->letter_bytes));
}

enum dt_err
dt_agent_vouch(struct dt_agent *a, const struct dt_letter *letter, struct dt_view letter_bytes,
               const uint8_t group_id[static 32], const uint8_t session_pub[static 32],
               uint64_t serial, const uint8_t invitation_id[static 16], struct dt_voucher *out,
               struct dt_buf *identity)
{
    uint64_t now = dt_agent_now(a);
    struct dt_voucher v = {
        .serial = serial, .not_before_ms = now, .not_after_ms = now + DT_VOUCHER_LIFE_MAX_MS};
    enum dt_err err = dt_letter_check_now(a, letter);

    if (err != DT_OK)
        return dt_fail_context(err, "our letter of credence");
    if (v.not_after_ms > letter->not_after_ms)
        v.not_after_ms = letter->not_after_ms;
    memcpy(v.forum, a->forum, 32);
    memcpy(v.group_id, group_id, 32);
    memcpy(v.letter_hash, letter->hash, 32);
    memcpy(v.session_key, session_pub, 32);
    memcpy(v.invitation_id, invitation_id, 16);
    if ((err = dt_voucher_sign(&v, dt_secret_view(&a->delegate_seed))) != DT_OK ||
        (err = dt_credential_encode(letter_bytes, &v, identity)) != DT_OK)
        return err;
    *out = v;
    return DT_OK;
}

/* ---- letters ---- */

enum dt_err
dt_letter_take(const struct dt_agent *a, struct dt_view bytes, struct dt_letter *out,
               size_t *out_party)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    enum dt_err err;

    if ((err = dt_letter_decode_known(bytes, a->letters, &l)) != DT_OK ||
        (err = dt_letter_check_charter(&l, &a->charter, out_party)) != DT_OK)
        return dt_fail_context(err, "letter of credence");
    dt_letter_clear(out);
    *out = l;
    l = (struct dt_letter){0}; /* moved */
    return DT_OK;
}

/* Our own letter is the one issued last by the root in force: an older one, which every member
 * holds and may send us, does not take its place. Of one whose root was replaced the date says
 * nothing. In a transaction. */
static enum dt_err
put_own_letter(struct dt_agent *a, const struct dt_letter *l, struct dt_view bytes)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf held = DT_BUF_INIT(DT_LETTER_MAX);
    DT_CLEANUP(dt_letter_clear) struct dt_letter before = {0};
    enum dt_err err = dt_store_get_blob(a->store, "self", dt_view_str("letter"), &held);

    if (err == DT_OK && (err = dt_letter_decode(dt_buf_view(&held), &before)) == DT_OK) {
        bool was = dt_letter_check_root(a, &before) == DT_OK;
        bool is = dt_letter_check_root(a, l) == DT_OK;

        if (was != is ? was : before.issued_ms > l->issued_ms)
            return DT_OK;
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    return dt_store_put_blob(a->store, "self", dt_view_str("letter"), bytes);
}

enum dt_err
dt_letter_keep(struct dt_agent *a, const struct dt_letter *l, size_t party, struct dt_view bytes)
{
    bool there = false;
    bool own = memcmp(l->key, a->delegate_pub, 32) == 0;
    uint64_t seq = 0;
    enum dt_err err;

    if (own && party != a->party)
        return dt_fail(DT_ERR_REFUSED, "a letter for our own key is by another party's root");
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err = dt_store_has(a->store, "letter", dt_view_of(l->hash), &there);
    if (err == DT_OK && !there &&
        (err = dt_store_next_seq(a->store, "letter", dt_view(NULL, 0), &seq)) == DT_OK)
        err = dt_store_put(a->store, "letter", dt_view_of(l->hash), dt_view(NULL, 0), seq, bytes);
    if (err == DT_OK && own)
        err = put_own_letter(a, l, bytes);
    return dt_store_end(a->store, err);
}

enum dt_err
dt_agent_letter_import(struct dt_agent *a, struct dt_view bytes, uint8_t out_hash[static 32])
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    size_t party = 0;
    enum dt_err err;

    if ((err = dt_letter_take(a, bytes, &l, &party)) != DT_OK ||
        (err = dt_letter_check_root(a, &l)) != DT_OK)
        return err;
    if (memcmp(l.key, a->delegate_pub, 32) == 0 &&
        (memcmp(l.x25519, a->x25519_pub, 32) != 0 ||
         !dt_view_equal(l.inbox_address, dt_view_of(a->inbox_address))))
        return dt_fail(DT_ERR_CONFLICT, "the letter is for our key, but not made from our request");
    if ((err = dt_letter_keep(a, &l, party, bytes)) != DT_OK)
        return err;
    memcpy(out_hash, l.hash, 32);
    err = dt_agent_refresh(a);
    return err != DT_OK ? err : dt_seats_renew(a);
}

enum dt_err
dt_agent_letter(struct dt_agent *a, const uint8_t hash[static 32], struct dt_buf *out)
{
    enum dt_err err = dt_store_get_blob(a->store, "letter", dt_view(hash, 32), out);

    return err == DT_ERR_NOT_FOUND
               ? dt_fail(DT_ERR_NOT_FOUND, "this home holds no such letter: import it first")
               : err;
}

enum dt_err
dt_letter_load(struct dt_agent *a, const uint8_t hash[static 32], struct dt_letter *out,
               size_t *out_party, struct dt_buf *bytes)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_LETTER_MAX);
    enum dt_err err;

    if ((err = dt_agent_letter(a, hash, &b)) != DT_OK ||
        (err = dt_letter_take(a, dt_buf_view(&b), out, out_party)) != DT_OK)
        return err;
    return bytes != NULL ? dt_buf_set(bytes, dt_buf_view(&b)) : DT_OK;
}

/* ---- revocations ---- */

/* One root cannot put its revocation into the place of another's. */
static void
revocation_key(uint8_t out[static 64], const uint8_t letter[static 32],
               const uint8_t root[static 32])
{
    memcpy(out, letter, 32);
    memcpy(out + 32, root, 32);
}

enum dt_err
dt_letter_revoked(struct dt_agent *a, const struct dt_letter *l, bool *out_revoked,
                  struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(REVOCATION_MAX);
    uint8_t key[64];
    enum dt_err err;

    revocation_key(key, l->hash, l->root);
    err = dt_store_get_blob(a->store, "revocation", dt_view_of(key), &b);

    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    *out_revoked = err == DT_OK;
    if (err == DT_OK && (err = dt_revocation_in_time(a, l, dt_buf_view(&b), out_revoked)) != DT_OK)
        return err;
    return *out_revoked && out != NULL ? dt_buf_append(out, dt_buf_view(&b)) : DT_OK;
}

enum dt_err
dt_revocation_keep(struct dt_agent *a, struct dt_view bytes)
{
    struct dt_revocation v;
    uint8_t key[64];
    enum dt_err err;

    if ((err = dt_revocation_decode(bytes, &v)) != DT_OK ||
        (err = dt_revocation_check(&v, &a->charter, NULL)) != DT_OK)
        return err;
    revocation_key(key, v.letter, v.root);
    return dt_store_put_blob(a->store, "revocation", dt_view_of(key), bytes);
}

enum dt_err
dt_agent_revocation_import(struct dt_agent *a, struct dt_view revocation)
{
    struct dt_revocation v;
    uint8_t seal[32];
    enum dt_err err;

    if ((err = dt_revocation_decode(revocation, &v)) != DT_OK ||
        (err = dt_revocation_seal(&v, seal)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    /* It counts from its entry's time; whoever takes it in sees to that, and the register takes a
     * seal once. */
    if ((err = dt_revocation_keep(a, revocation)) == DT_OK)
        err = dt_agent_register_submit_urgent(a, seal); /* it must not wait for a slot */
    return dt_store_end(a->store, err);
}

/* ---- people ---- */

void
dt_party_name(const struct dt_agent *a, size_t party, char *out)
{
    struct dt_view v = a->charter.parties[party].name;
    size_t n = v.n < DT_AGENT_NAME_MAX ? v.n : DT_AGENT_NAME_MAX;

    memcpy(out, v.p, n);
    out[n] = '\0';
}

static void
copy_view(char *out, struct dt_view v)
{
    size_t n = v.n < DT_AGENT_NAME_MAX ? v.n : DT_AGENT_NAME_MAX;

    if (n > 0)
        memcpy(out, v.p, n);
    out[n] = '\0';
}

void
dt_person_from(struct dt_agent *a, const struct dt_letter *l, size_t party, struct dt_person *p)
{
    bool revoked = false;

    *p = (struct dt_person){.party = (uint8_t)party,
                            .letter_not_before_ms = l->not_before_ms,
                            .letter_not_after_ms = l->not_after_ms};
    dt_party_name(a, party, p->party_name);
    copy_view(p->name, l->name);
    copy_view(p->title, l->title);
    memcpy(p->letter_hash, l->hash, 32);
    memcpy(p->delegate_key, l->key, 32);
    p->self = memcmp(l->key, a->delegate_pub, 32) == 0;
    dt_ignore(dt_letter_revoked(a, l, &revoked, NULL), "shown only; the rules look again");
    p->revoked = revoked;
    p->root_replaced = dt_letter_check_root(a, l) != DT_OK;
}

enum dt_err
dt_person_by_hash(struct dt_agent *a, const uint8_t letter_hash[static 32], bool *known,
                  struct dt_person *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    size_t party = 0;
    enum dt_err err = dt_letter_load(a, letter_hash, &l, &party, NULL);

    *known = err == DT_OK;
    if (err != DT_OK)
        return dt_err_is_local(err) ? err : DT_OK;
    dt_person_from(a, &l, party, out);
    return DT_OK;
}

enum dt_err
dt_agent_people(struct dt_agent *a, struct dt_person **out, size_t *out_n)
{
    struct dt_person *v = NULL;
    size_t n = 0;
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
        size_t party = 0;
        struct dt_person *grown;

        if ((err = dt_store_next(a->store, "letter", dt_view(NULL, 0), at, &row)) != DT_OK ||
            (err = dt_letter_take(a, dt_buf_view(&row.value), &l, &party)) != DT_OK)
            break;
        grown = dt_realloc(v, n + 1, sizeof *v);
        if (grown == NULL) {
            err = dt_nomem();
            break;
        }
        v = grown;
        dt_person_from(a, &l, party, &v[n++]);
        at = row.seq + 1;
    }
    if (err != DT_ERR_NOT_FOUND) {
        dt_free(v);
        return err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}
