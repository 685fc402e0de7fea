/*
 * tests/vectors/kind_mls_group.c - the key schedule, PSKs, the secret tree, transcripts, message
 * protection and Welcome; each in both directions where there are two.
 *
 * RFC 9420 sections 6.1, 6.2, 6.3.1, 6.3.2, 8, 8.2, 8.4, 8.5, 8.7, 9, 9.1, 12.4.3.1.
 */
#include "crypto/hpke.h"
#include "mls/key_schedule.h"
#include "mls/private_message.h"
#include "mls/welcome.h"

#include "kind_mls.h"

/* A hex field into a secret. */
static bool
secret_field(struct vector_run *run, const json_t *c, const char *field, struct dt_secret *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = VEC_BUF;

    return vec_hex(run, c, field, &b) && vec_ok(run, dt_secret_set(out, dt_buf_view(&b)), field);
}

/* ${got} against the hex field ${field}. */
static bool
field_equal(struct vector_run *run, const json_t *c, const char *field, struct dt_view got)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf want = VEC_BUF;

    return vec_hex(run, c, field, &want) && vec_equal(run, field, got, dt_buf_view(&want));
}

/* ---- psk_secret.json ---- */

static void
psk_case(struct vector_run *run, const json_t *c)
{
    struct dt_buf ids[16] = {{0}};
    struct dt_buf values[16] = {{0}};
    struct mls_psk_input inputs[16];
    DT_CLEANUP(dt_secret_clear) struct dt_secret got = {0};
    const struct dt_suite *suite = vec_mls_suite(run, c);
    const json_t *psks;
    const json_t *p;
    size_t i;
    size_t n = 0;

    if (suite == NULL || !vec_array(run, c, "psks", &psks) ||
        !vec_check(run, json_array_size(psks) <= 16, "too many PSKs"))
        return;
    json_array_foreach(psks, i, p)
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf id = VEC_BUF;
        DT_CLEANUP(dt_buf_clear) struct dt_buf nonce = VEC_BUF;
        struct mls_psk_id x = {.type = MLS_PSK_EXTERNAL};
        struct dt_writer w;

        dt_buf_init(&ids[i], VEC_MAX);
        dt_buf_init(&values[i], VEC_MAX);
        n = i + 1;
        if (!vec_hex(run, p, "psk_id", &id) || !vec_hex(run, p, "psk_nonce", &nonce) ||
            !vec_hex(run, p, "psk", &values[i]))
            break;
        x.id = dt_buf_view(&id);
        x.nonce = dt_buf_view(&nonce);
        w = dt_writer_init(&ids[i]);
        mls_psk_id_write(&w, &x);
        if (!vec_ok(run, dt_writer_end(&w), "PreSharedKeyID"))
            break;
        inputs[i].id = dt_buf_view(&ids[i]);
        inputs[i].value = dt_buf_view(&values[i]);
    }
    if (!vec_bad(run) && vec_ok(run, mls_psk_secret(suite, inputs, n, &got), "psk_secret"))
        (void)field_equal(run, c, "psk_secret", dt_secret_view(&got));
    for (i = 0; i < n; i++) {
        dt_buf_clear(&ids[i]);
        dt_buf_clear(&values[i]);
    }
}

void
vec_mls_psk_secret(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        vec_case(run, "%zu", i);
        psk_case(run, c);
        vec_end(run);
    }
}

/* ---- key-schedule.json ---- */

static bool
exporter_check(struct vector_run *run, const struct dt_suite *suite,
               const struct mls_epoch_secrets *s, const json_t *e)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf context = VEC_BUF;
    DT_CLEANUP(dt_secret_clear) struct dt_secret got = {0};
    const json_t *x = vec_get(run, e, "exporter");
    const json_t *label = x == NULL ? NULL : vec_get(run, x, "label");
    uint64_t len = 0;

    if (label == NULL || !vec_hex(run, x, "context", &context) || !vec_u64(run, x, "length", &len))
        return false;
    return vec_ok(run,
                  mls_exporter(suite, dt_secret_view(&s->exporter), json_string_value(label),
                               dt_buf_view(&context), (size_t)len, &got),
                  "exporter") &&
           field_equal(run, x, "secret", dt_secret_view(&got));
}

static bool
epoch_check(struct vector_run *run, const struct dt_suite *suite, struct dt_view group_id,
            uint64_t epoch, const json_t *e, struct dt_secret *init)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf tree_hash = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf transcript = VEC_BUF;
    DT_CLEANUP(dt_secret_clear) struct dt_secret commit = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret psk = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret joiner = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret welcome = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    DT_CLEANUP(mls_epoch_secrets_clear) struct mls_epoch_secrets s = {0};
    DT_CLEANUP(mls_group_context_clear) struct mls_group_context context = {0};
    uint8_t pub[DT_HPKE_PUB_MAX];

    if (!vec_hex(run, e, "tree_hash", &tree_hash) ||
        !vec_hex(run, e, "confirmed_transcript_hash", &transcript) ||
        !secret_field(run, e, "commit_secret", &commit) ||
        !secret_field(run, e, "psk_secret", &psk) ||
        !vec_ok(run,
                mls_group_context_new(suite->id, group_id, epoch, dt_buf_view(&tree_hash),
                                      dt_buf_view(&transcript), dt_view(NULL, 0), &context),
                "group context") ||
        !field_equal(run, e, "group_context", dt_buf_view(&context.raw)) ||
        !vec_ok(run,
                mls_joiner_secret(suite, dt_secret_view(init), dt_secret_view(&commit),
                                  dt_buf_view(&context.raw), &joiner),
                "joiner") ||
        !field_equal(run, e, "joiner_secret", dt_secret_view(&joiner)) ||
        !vec_ok(run,
                mls_welcome_secret(suite, dt_secret_view(&joiner), dt_secret_view(&psk), &welcome),
                "welcome") ||
        !field_equal(run, e, "welcome_secret", dt_secret_view(&welcome)) ||
        !vec_ok(run,
                mls_epoch_secrets_derive(suite, dt_secret_view(&joiner), dt_secret_view(&psk),
                                         dt_buf_view(&context.raw), &s),
                "epoch secrets"))
        return false;
    if (!field_equal(run, e, "init_secret", dt_secret_view(&s.init)) ||
        !field_equal(run, e, "sender_data_secret", dt_secret_view(&s.sender_data)) ||
        !field_equal(run, e, "encryption_secret", dt_secret_view(&s.encryption)) ||
        !field_equal(run, e, "exporter_secret", dt_secret_view(&s.exporter)) ||
        !field_equal(run, e, "epoch_authenticator", dt_secret_view(&s.epoch_authenticator)) ||
        !field_equal(run, e, "external_secret", dt_secret_view(&s.external)) ||
        !field_equal(run, e, "confirmation_key", dt_secret_view(&s.confirmation_key)) ||
        !field_equal(run, e, "membership_key", dt_secret_view(&s.membership_key)) ||
        !field_equal(run, e, "resumption_psk", dt_secret_view(&s.resumption_psk)) ||
        !vec_ok(run, dt_hpke_derive_key_pair(suite, dt_secret_view(&s.external), &priv, pub),
                "external key") ||
        !field_equal(run, e, "external_pub", dt_view(pub, suite->kem_pub_len)) ||
        !exporter_check(run, suite, &s, e))
        return false;
    dt_secret_move(init, &s.init);
    return true;
}

void
vec_mls_key_schedule(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf group_id = VEC_BUF;
        DT_CLEANUP(dt_secret_clear) struct dt_secret init = {0};
        const struct dt_suite *suite;
        const json_t *epochs;
        const json_t *e;
        size_t k;

        vec_case(run, "%zu", i);
        suite = vec_mls_suite(run, c);
        if (suite != NULL && vec_hex(run, c, "group_id", &group_id) &&
            secret_field(run, c, "initial_init_secret", &init) &&
            vec_array(run, c, "epochs", &epochs)) {
            json_array_foreach(epochs, k, e)
            {
                if (!epoch_check(run, suite, dt_buf_view(&group_id), k, e, &init))
                    break;
            }
        }
        vec_end(run);
    }
}

/* ---- secret-tree.json ---- */

static bool
generation_check(struct vector_run *run, struct mls_secret_tree *t, uint32_t leaf, const json_t *g)
{
    static const struct {
        enum mls_ratchet_kind kind;
        const char *key;
        const char *nonce;
    } ratchets[] = {
        {MLS_RATCHET_HANDSHAKE, "handshake_key", "handshake_nonce"},
        {MLS_RATCHET_APPLICATION, "application_key", "application_nonce"},
    };
    uint64_t generation = 0;

    if (!vec_u64(run, g, "generation", &generation))
        return false;
    for (size_t i = 0; i < 2; i++) {
        DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step step = {0};
        DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step again = {0};

        if (!vec_ok(run,
                    mls_secret_tree_derive(t, leaf, ratchets[i].kind, (uint32_t)generation, &step),
                    "derive") ||
            !field_equal(run, g, ratchets[i].key, dt_secret_view(&step.key)) ||
            !field_equal(run, g, ratchets[i].nonce, dt_secret_view(&step.nonce)))
            return false;
        mls_secret_tree_apply(t, &step);
        if (!vec_check(run,
                       mls_secret_tree_derive(t, leaf, ratchets[i].kind, (uint32_t)generation,
                                              &again) == DT_ERR_STATE,
                       "a consumed generation can be derived again"))
            return false;
    }
    return true;
}

static void
secret_tree_case(struct vector_run *run, const json_t *c)
{
    DT_CLEANUP(mls_secret_tree_clear) struct mls_secret_tree t = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret encryption = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret sender_data = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret nonce = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf ciphertext = VEC_BUF;
    const struct dt_suite *suite = vec_mls_suite(run, c);
    const json_t *sd;
    const json_t *leaves;
    const json_t *leaf;
    const json_t *g;
    size_t i;
    size_t k;

    if (suite == NULL || (sd = vec_get(run, c, "sender_data")) == NULL ||
        !secret_field(run, sd, "sender_data_secret", &sender_data) ||
        !vec_hex(run, sd, "ciphertext", &ciphertext) ||
        !vec_ok(run,
                mls_sender_data_keys(suite, dt_secret_view(&sender_data), dt_buf_view(&ciphertext),
                                     &key, &nonce),
                "sender data keys") ||
        !field_equal(run, sd, "key", dt_secret_view(&key)) ||
        !field_equal(run, sd, "nonce", dt_secret_view(&nonce)) ||
        !secret_field(run, c, "encryption_secret", &encryption) ||
        !vec_array(run, c, "leaves", &leaves) ||
        !vec_ok(run,
                mls_secret_tree_init(&t, suite, (uint32_t)json_array_size(leaves), &encryption),
                "secret tree"))
        return;
    json_array_foreach(leaves, i, leaf)
    {
        json_array_foreach(leaf, k, g)
        {
            if (!generation_check(run, &t, (uint32_t)i, g))
                return;
        }
    }
}

void
vec_mls_secret_tree(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        vec_case(run, "%zu", i);
        secret_tree_case(run, c);
        vec_end(run);
    }
}

/* ---- transcript-hashes.json ---- */

static void
transcript_case(struct vector_run *run, const json_t *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf before = VEC_BUF;
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content content = {0};
    const struct dt_suite *suite = vec_mls_suite(run, c);
    uint8_t confirmed[DT_HASH_MAX];
    uint8_t interim[DT_HASH_MAX];

    if (suite == NULL || !vec_hex(run, c, "authenticated_content", &raw) ||
        !vec_hex(run, c, "interim_transcript_hash_before", &before) ||
        !secret_field(run, c, "confirmation_key", &key) ||
        !vec_ok(run, mls_auth_content_parse(&raw, &content, NULL), "AuthenticatedContent") ||
        !vec_ok(run,
                mls_confirmed_transcript_hash(suite, dt_buf_view(&before),
                                              mls_auth_content_transcript_input(&content),
                                              confirmed),
                "confirmed") ||
        !field_equal(run, c, "confirmed_transcript_hash_after",
                     dt_view(confirmed, suite->hash_len)) ||
        !vec_ok(run,
                mls_interim_transcript_hash(suite, dt_view(confirmed, suite->hash_len),
                                            content.confirmation_tag, interim),
                "interim") ||
        !field_equal(run, c, "interim_transcript_hash_after", dt_view(interim, suite->hash_len)))
        return;
    (void)vec_ok(run,
                 mls_mac_check(suite, dt_secret_view(&key), dt_view(confirmed, suite->hash_len),
                               content.confirmation_tag, "confirmation tag"),
                 "confirmation tag");
}

void
vec_mls_transcript_hashes(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        vec_case(run, "%zu", i);
        transcript_case(run, c);
        vec_end(run);
    }
}

/* ---- message-protection.json ---- */

struct protection {
    const struct dt_suite *suite;
    struct mls_group_context context;
    struct dt_secret sig_priv;
    struct dt_buf sig_pub;
    struct dt_secret encryption;
    struct dt_secret sender_data;
    struct dt_secret membership_key;
};

static void
protection_clear(struct protection *p)
{
    mls_group_context_clear(&p->context);
    dt_secret_clear(&p->sig_priv);
    dt_buf_clear(&p->sig_pub);
    dt_secret_clear(&p->encryption);
    dt_secret_clear(&p->sender_data);
    dt_secret_clear(&p->membership_key);
}

static bool
fresh_tree(struct vector_run *run, const struct protection *p, struct mls_secret_tree *t)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret copy = {0};

    return vec_ok(run, dt_secret_set(&copy, dt_secret_view(&p->encryption)), "copy") &&
           vec_ok(run, mls_secret_tree_init(t, p->suite, 2, &copy), "secret tree");
}

/* The encoding of what ${c} holds, as the vector gives it. */
static bool
inner_equal(struct vector_run *run, const struct mls_auth_content *c, struct dt_view want)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf got = VEC_BUF;
    struct dt_writer w = dt_writer_init(&got);

    if (c->content_type == MLS_CONTENT_APPLICATION)
        dt_write_view(&w, c->application_data);
    else if (c->content_type == MLS_CONTENT_PROPOSAL)
        mls_proposal_write(&w, c->proposal);
    else
        mls_commit_write(&w, &c->commit);
    return vec_ok(run, dt_writer_end(&w), "encode") &&
           vec_equal(run, "content", dt_buf_view(&got), want);
}

static bool
open_private(struct vector_run *run, const struct protection *p, struct dt_view message,
             struct dt_view want)
{
    DT_CLEANUP(mls_secret_tree_clear) struct mls_secret_tree t = {0};
    DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step step = {0};
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    struct mls_private_message m;
    struct mls_sender_data s;
    struct dt_view body;

    return fresh_tree(run, p, &t) &&
           vec_ok(run, mls_message_body(message, MLS_WIRE_PRIVATE_MESSAGE, &body), "MLSMessage") &&
           vec_ok(run, mls_private_message_parse(body, &m), "PrivateMessage") &&
           vec_ok(run, mls_sender_data_open(p->suite, dt_secret_view(&p->sender_data), &m, &s),
                  "sender data") &&
           vec_check(run, s.leaf_index == 1, "the sender is leaf %u", s.leaf_index) &&
           vec_ok(
               run,
               mls_secret_tree_derive(&t, 1, mls_ratchet_of(m.content_type), s.generation, &step),
               "derive") &&
           vec_ok(run, mls_private_message_open(p->suite, &m, &s, &step, &c), "open") &&
           vec_ok(run,
                  mls_auth_content_verify(p->suite, &c, dt_buf_view(&p->context.raw),
                                          dt_buf_view(&p->sig_pub)),
                  "signature") &&
           inner_equal(run, &c, want);
}

static bool
open_public(struct vector_run *run, const struct protection *p, struct dt_view message,
            struct dt_view want)
{
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    struct dt_view body;
    struct dt_view tag;

    return vec_ok(run, mls_message_body(message, MLS_WIRE_PUBLIC_MESSAGE, &body), "MLSMessage") &&
           vec_ok(run, mls_public_message_parse(body, &c, &tag), "PublicMessage") &&
           vec_check(run, c.sender == 1 && c.sender_type == MLS_SENDER_MEMBER, "sender") &&
           vec_ok(run,
                  mls_public_message_check(p->suite, &c, dt_buf_view(&p->context.raw),
                                           dt_secret_view(&p->membership_key), tag),
                  "membership tag") &&
           vec_ok(run,
                  mls_auth_content_verify(p->suite, &c, dt_buf_view(&p->context.raw),
                                          dt_buf_view(&p->sig_pub)),
                  "signature") &&
           inner_equal(run, &c, want);
}

/* Protect ${raw} ourselves in both ways and open it again. */
static bool
protect_ours(struct vector_run *run, const struct protection *p, enum mls_content_type type,
             struct dt_view raw)
{
    static const uint8_t tag[DT_HASH_MAX] = {1, 2, 3};
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *proposal = NULL;
    DT_CLEANUP(mls_commit_clear) struct mls_commit commit = {0};
    struct mls_content_fields f = {.group_id = p->context.group_id,
                                   .epoch = p->context.epoch,
                                   .sender = 1,
                                   .content_type = type,
                                   .application_data = raw};
    struct dt_reader r = dt_reader_init(raw);

    if (type == MLS_CONTENT_PROPOSAL && !vec_ok(run, mls_proposal_read(&r, &proposal), "proposal"))
        return false;
    if (type == MLS_CONTENT_COMMIT && !vec_ok(run, mls_commit_read(&r, &commit), "commit"))
        return false;
    f.proposal = proposal;
    f.commit = &commit;
    for (int format = MLS_WIRE_PUBLIC_MESSAGE; format <= MLS_WIRE_PRIVATE_MESSAGE; format++) {
        DT_CLEANUP(mls_secret_tree_clear) struct mls_secret_tree t = {0};
        DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step step = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf content = VEC_BUF;
        DT_CLEANUP(dt_buf_clear) struct dt_buf message = VEC_BUF;
        struct dt_writer w = dt_writer_init(&content);
        size_t end;

        f.wire_format = (enum mls_wire_format)format;
        if (!vec_ok(run,
                    mls_content_sign(p->suite, &f, dt_buf_view(&p->context.raw),
                                     dt_secret_view(&p->sig_priv), &content, &end),
                    "sign"))
            return false;
        if (type == MLS_CONTENT_COMMIT)
            dt_write_vec(&w, dt_view(tag, p->suite->hash_len));
        if (!vec_ok(run, dt_writer_end(&w), "tag"))
            return false;
        if (format == MLS_WIRE_PUBLIC_MESSAGE) {
            bool is_app = type == MLS_CONTENT_APPLICATION;
            DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
            struct dt_view body;
            struct dt_view got_tag;

            if (!vec_ok(run,
                        mls_public_message_write(p->suite, dt_buf_view(&content),
                                                 dt_buf_view(&p->context.raw),
                                                 dt_secret_view(&p->membership_key), &message),
                        "public"))
                return false;
            if (!is_app && !open_public(run, p, dt_buf_view(&message), raw))
                return false;
            /* RFC 9420 section 6: never application data in the open. */
            if (is_app &&
                (!vec_ok(run,
                         mls_message_body(dt_buf_view(&message), MLS_WIRE_PUBLIC_MESSAGE, &body),
                         "body") ||
                 !vec_check(run, mls_public_message_parse(body, &c, &got_tag) == DT_ERR_FORMAT,
                            "application data is taken from a PublicMessage")))
                return false;
            continue;
        }
        if (!fresh_tree(run, p, &t) ||
            !vec_ok(run, mls_secret_tree_derive(&t, 1, mls_ratchet_of((uint8_t)type), 3, &step),
                    "derive") ||
            !vec_ok(run,
                    mls_private_message_seal(p->suite, dt_buf_view(&content),
                                             dt_secret_view(&p->sender_data), &step, 13, &message),
                    "seal") ||
            !open_private(run, p, dt_buf_view(&message), raw))
            return false;
    }
    return true;
}

static bool
protection_read(struct vector_run *run, const json_t *c, struct protection *p)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf group_id = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf tree_hash = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf transcript = VEC_BUF;
    uint64_t epoch = 0;

    dt_buf_init(&p->sig_pub, VEC_MAX);
    return vec_hex(run, c, "group_id", &group_id) && vec_u64(run, c, "epoch", &epoch) &&
           vec_hex(run, c, "tree_hash", &tree_hash) &&
           vec_hex(run, c, "confirmed_transcript_hash", &transcript) &&
           secret_field(run, c, "signature_priv", &p->sig_priv) &&
           vec_hex(run, c, "signature_pub", &p->sig_pub) &&
           secret_field(run, c, "encryption_secret", &p->encryption) &&
           secret_field(run, c, "sender_data_secret", &p->sender_data) &&
           secret_field(run, c, "membership_key", &p->membership_key) &&
           vec_ok(run,
                  mls_group_context_new(p->suite->id, dt_buf_view(&group_id), epoch,
                                        dt_buf_view(&tree_hash), dt_buf_view(&transcript),
                                        dt_view(NULL, 0), &p->context),
                  "group context");
}

static void
protection_case(struct vector_run *run, const json_t *c)
{
    static const struct {
        enum mls_content_type type;
        const char *raw;
        const char *priv;
        const char *pub;
    } kinds[] = {
        {MLS_CONTENT_PROPOSAL, "proposal", "proposal_priv", "proposal_pub"},
        {MLS_CONTENT_COMMIT, "commit", "commit_priv", "commit_pub"},
        {MLS_CONTENT_APPLICATION, "application", "application_priv", NULL},
    };
    DT_CLEANUP(protection_clear) struct protection p = {.suite = vec_mls_suite(run, c)};

    if (p.suite == NULL || !protection_read(run, c, &p))
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf raw = VEC_BUF;
        DT_CLEANUP(dt_buf_clear) struct dt_buf message = VEC_BUF;

        if (!vec_hex(run, c, kinds[i].raw, &raw) || !vec_hex(run, c, kinds[i].priv, &message) ||
            !open_private(run, &p, dt_buf_view(&message), dt_buf_view(&raw)))
            return;
        if (kinds[i].pub != NULL &&
            (!vec_hex(run, c, kinds[i].pub, &message) ||
             !open_public(run, &p, dt_buf_view(&message), dt_buf_view(&raw))))
            return;
        if (!protect_ours(run, &p, kinds[i].type, dt_buf_view(&raw)))
            return;
    }
}

void
vec_mls_message_protection(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        vec_case(run, "%zu", i);
        protection_case(run, c);
        vec_end(run);
    }
}

/* ---- welcome.json ---- */

static bool
welcome_secrets(struct vector_run *run, const struct dt_suite *suite, const struct mls_welcome *w,
                struct dt_view kp_message, struct dt_view init_priv, struct mls_group_secrets *out)
{
    DT_CLEANUP(mls_key_package_unref_p) struct mls_key_package *kp = NULL;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = VEC_BUF;
    struct mls_encrypted_group_secrets entry;
    struct dt_view body;
    uint8_t ref[DT_HASH_MAX];

    return vec_ok(run, mls_message_body(kp_message, MLS_WIRE_KEY_PACKAGE, &body), "key package") &&
           vec_ok(run, mls_key_package_parse(body, &kp), "key package") &&
           vec_ok(run, mls_key_package_hash(suite, kp, ref), "ref") &&
           vec_check(run, mls_welcome_find(w, dt_view(ref, suite->hash_len), &entry), "no entry") &&
           vec_ok(run,
                  mls_decrypt_with_label(suite, init_priv, "Welcome", w->encrypted_group_info,
                                         &entry.sealed, &plain),
                  "group secrets") &&
           vec_ok(run, mls_group_secrets_parse(&plain, out), "group secrets");
}

static void
welcome_case(struct vector_run *run, const json_t *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf init_priv = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf signer_pub = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf key_package = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf welcome = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = VEC_BUF;
    DT_CLEANUP(mls_group_secrets_clear) struct mls_group_secrets gs = {0};
    DT_CLEANUP(mls_group_info_clear) struct mls_group_info gi = {0};
    DT_CLEANUP(mls_epoch_secrets_clear) struct mls_epoch_secrets s = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret psk = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret welcome_secret = {0};
    const struct dt_suite *suite = vec_mls_suite(run, c);
    struct mls_welcome w;
    struct dt_view body;

    if (suite == NULL || !vec_hex(run, c, "init_priv", &init_priv) ||
        !vec_hex(run, c, "signer_pub", &signer_pub) ||
        !vec_hex(run, c, "key_package", &key_package) || !vec_hex(run, c, "welcome", &welcome) ||
        !vec_ok(run, mls_message_body(dt_buf_view(&welcome), MLS_WIRE_WELCOME, &body), "welcome") ||
        !vec_ok(run, mls_welcome_parse(body, &w), "welcome") ||
        !welcome_secrets(run, suite, &w, dt_buf_view(&key_package), dt_buf_view(&init_priv), &gs) ||
        !vec_ok(run, mls_psk_secret(suite, NULL, 0, &psk), "psk_secret") ||
        !vec_ok(run,
                mls_welcome_secret(suite, gs.joiner_secret, dt_secret_view(&psk), &welcome_secret),
                "welcome secret") ||
        !vec_ok(run,
                mls_welcome_open_info(suite, dt_secret_view(&welcome_secret),
                                      w.encrypted_group_info, &info),
                "group info") ||
        !vec_ok(run, mls_group_info_parse(dt_buf_view(&info), &gi), "group info") ||
        !vec_ok(run, mls_group_info_verify(suite, &gi, dt_buf_view(&signer_pub)), "signature") ||
        !vec_ok(run,
                mls_epoch_secrets_derive(suite, gs.joiner_secret, dt_secret_view(&psk),
                                         dt_buf_view(&gi.context.raw), &s),
                "epoch") ||
        !vec_ok(run,
                mls_mac_check(suite, dt_secret_view(&s.confirmation_key),
                              gi.context.confirmed_transcript_hash, gi.confirmation_tag,
                              "confirmation tag"),
                "confirmation tag"))
        return;
    /* Sealing it anew gives the same bytes: key and nonce are fixed by the secret. */
    if (vec_ok(run,
               mls_welcome_seal_info(suite, dt_secret_view(&welcome_secret), dt_buf_view(&info),
                                     &sealed),
               "seal"))
        (void)vec_equal(run, "encrypted_group_info", dt_buf_view(&sealed), w.encrypted_group_info);
}

void
vec_mls_welcome(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        vec_case(run, "%zu", i);
        welcome_case(run, c);
        vec_end(run);
    }
}
