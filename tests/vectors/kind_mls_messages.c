/*
 * tests/vectors/kind_mls_messages.c - messages.json: every structure, decoded and encoded again.
 *
 * Syntax only: the values inside are random, so nothing is verified.
 */
#include "mls/private_message.h"
#include "mls/treekem.h"
#include "mls/welcome.h"

#include "kind_mls.h"

/* Read one ${v} and write it to ${w}. */
typedef enum dt_err (*codec)(struct dt_view v, struct dt_writer *w);

static enum dt_err
welcome(struct dt_view v, struct dt_writer *w)
{
    struct mls_welcome x;
    struct dt_view body;
    enum dt_err err = mls_message_body(v, MLS_WIRE_WELCOME, &body);

    if (err == DT_OK)
        err = mls_welcome_parse(body, &x);
    if (err != DT_OK)
        return err;
    mls_message_write(w, MLS_WIRE_WELCOME);
    dt_write_u16(w, x.cipher_suite);
    dt_write_vec(w, x.secrets);
    dt_write_vec(w, x.encrypted_group_info);
    return DT_OK;
}

static enum dt_err
group_info(struct dt_view v, struct dt_writer *w)
{
    DT_CLEANUP(mls_group_info_clear) struct mls_group_info g = {0};
    struct dt_view body;
    enum dt_err err = mls_message_body(v, MLS_WIRE_GROUP_INFO, &body);

    if (err == DT_OK)
        err = mls_group_info_parse(body, &g);
    if (err != DT_OK)
        return err;
    mls_message_write(w, MLS_WIRE_GROUP_INFO);
    dt_write_view(w, dt_buf_view(&g.context.raw));
    mls_extensions_write(w, &g.extensions);
    dt_write_vec(w, g.confirmation_tag);
    dt_write_u32(w, g.signer);
    dt_write_vec(w, g.signature);
    return DT_OK;
}

static enum dt_err
key_package(struct dt_view v, struct dt_writer *w)
{
    DT_CLEANUP(mls_key_package_unref_p) struct mls_key_package *kp = NULL;
    struct dt_view body;
    enum dt_err err = mls_message_body(v, MLS_WIRE_KEY_PACKAGE, &body);

    if (err == DT_OK)
        err = mls_key_package_parse(body, &kp);
    if (err != DT_OK)
        return err;
    mls_message_write(w, MLS_WIRE_KEY_PACKAGE);
    mls_key_package_write(w, kp);
    return DT_OK;
}

static enum dt_err
ratchet_tree(struct dt_view v, struct dt_writer *w)
{
    DT_CLEANUP(mls_tree_clear) struct mls_tree t = {0};
    enum dt_err err;

    mls_tree_init(&t, dt_suite_get(1));
    err = mls_tree_parse(v, dt_suite_get(1), &t);
    if (err == DT_OK)
        mls_tree_write(w, &t);
    return err;
}

static enum dt_err
group_secrets(struct dt_view v, struct dt_writer *w)
{
    DT_CLEANUP(mls_group_secrets_clear) struct mls_group_secrets s = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf psks = VEC_BUF;
    struct dt_writer pw = dt_writer_init(&psks);
    enum dt_err err = dt_buf_set(&raw, v);

    if (err == DT_OK)
        err = mls_group_secrets_parse(&raw, &s);
    for (size_t i = 0; err == DT_OK && i < s.n_psks; i++)
        mls_psk_id_write(&pw, &s.psks[i]);
    if (err == DT_OK)
        err = dt_writer_end(&pw);
    if (err == DT_OK)
        mls_group_secrets_write(w, s.joiner_secret, s.path_secret, dt_buf_view(&psks));
    return err;
}

static enum dt_err
commit(struct dt_view v, struct dt_writer *w)
{
    DT_CLEANUP(mls_commit_clear) struct mls_commit c = {0};
    struct dt_reader r = dt_reader_init(v);
    enum dt_err err = mls_commit_read(&r, &c);

    if (err == DT_OK)
        err = dt_read_end(&r);
    if (err == DT_OK)
        mls_commit_write(w, &c);
    return err;
}

static enum dt_err
public_message(struct dt_view v, struct dt_writer *w)
{
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    struct dt_view body;
    struct dt_view tag;
    enum dt_err err = mls_message_body(v, MLS_WIRE_PUBLIC_MESSAGE, &body);

    if (err == DT_OK)
        err = mls_public_message_parse(body, &c, &tag);
    if (err != DT_OK)
        return err;
    mls_message_write(w, MLS_WIRE_PUBLIC_MESSAGE);
    dt_write_view(w, dt_view(c.raw.p + 2, c.raw.n - 2));
    if (c.sender_type == MLS_SENDER_MEMBER)
        dt_write_vec(w, tag);
    return DT_OK;
}

/* RFC 9420 section 6: application data is not taken from a PublicMessage, well-formed or not. */
static enum dt_err
public_application(struct dt_view v, struct dt_writer *w)
{
    enum dt_err err = public_message(v, w);

    if (err == DT_OK)
        return dt_fail(DT_ERR_INTERNAL, "application data was taken from a PublicMessage");
    if (err != DT_ERR_FORMAT)
        return err;
    dt_write_view(w, v);
    return DT_OK;
}

static enum dt_err
private_message(struct dt_view v, struct dt_writer *w)
{
    struct mls_private_message m;
    struct dt_view body;
    enum dt_err err = mls_message_body(v, MLS_WIRE_PRIVATE_MESSAGE, &body);

    if (err == DT_OK)
        err = mls_private_message_parse(body, &m);
    if (err != DT_OK)
        return err;
    mls_message_write(w, MLS_WIRE_PRIVATE_MESSAGE);
    mls_private_message_write(w, &m);
    return DT_OK;
}

static const struct {
    const char *field;
    codec fn;
} structures[] = {
    {"mls_welcome", welcome},
    {"mls_group_info", group_info},
    {"mls_key_package", key_package},
    {"ratchet_tree", ratchet_tree},
    {"group_secrets", group_secrets},
    {"commit", commit},
    {"public_message_application", public_application},
    {"public_message_proposal", public_message},
    {"public_message_commit", public_message},
    {"private_message", private_message},
};

static const struct {
    const char *field;
    uint16_t type;
} proposals[] = {
    {"add_proposal", MLS_PROPOSAL_ADD},
    {"update_proposal", MLS_PROPOSAL_UPDATE},
    {"remove_proposal", MLS_PROPOSAL_REMOVE},
    {"pre_shared_key_proposal", MLS_PROPOSAL_PSK},
    {"re_init_proposal", MLS_PROPOSAL_REINIT},
    {"external_init_proposal", MLS_PROPOSAL_EXTERNAL_INIT},
    {"group_context_extensions_proposal", MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS},
};

static bool
proposal_check(struct vector_run *run, const json_t *c, const char *field, uint16_t type)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf in = VEC_BUF;
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;

    return vec_hex(run, c, field, &in) &&
           vec_ok(run, mls_proposal_parse_body(type, dt_buf_view(&in), &p), field) &&
           vec_equal(run, field, dt_view(p->raw.p + 2, p->raw.n - 2), dt_buf_view(&in));
}

static void
messages_case(struct vector_run *run, const json_t *c)
{
    for (size_t i = 0; i < sizeof structures / sizeof structures[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf in = VEC_BUF;
        DT_CLEANUP(dt_buf_clear) struct dt_buf out = VEC_BUF;
        struct dt_writer w = dt_writer_init(&out);

        if (!vec_hex(run, c, structures[i].field, &in) ||
            !vec_ok(run, structures[i].fn(dt_buf_view(&in), &w), structures[i].field) ||
            !vec_ok(run, dt_writer_end(&w), "write") ||
            !vec_equal(run, structures[i].field, dt_buf_view(&out), dt_buf_view(&in)))
            return;
    }
    for (size_t i = 0; i < sizeof proposals / sizeof proposals[0]; i++)
        if (!proposal_check(run, c, proposals[i].field, proposals[i].type))
            return;
}

void
vec_mls_messages(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        vec_case(run, "%zu", i);
        messages_case(run, c);
        vec_end(run);
    }
}
