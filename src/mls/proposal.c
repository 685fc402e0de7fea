/* mls/proposal.c - see proposal.h. */
#include "base/mem.h"

#include "mls/group_limits.h"
#include "mls/proposal.h"

/* ---- PreSharedKeyID, RFC 9420 section 8.4 ---- */

enum dt_err
mls_psk_id_read(struct dt_reader *r, struct mls_psk_id *out)
{
    struct mls_psk_id x = {0};
    enum dt_err err;

    if ((err = dt_read_u8(r, &x.type)) != DT_OK)
        return err;
    switch (x.type) {
    case MLS_PSK_EXTERNAL:
        if ((err = dt_read_vec(r, MLS_PSK_ID_MAX, &x.id)) != DT_OK)
            return err;
        break;
    case MLS_PSK_RESUMPTION:
        if ((err = dt_read_u8(r, &x.usage)) != DT_OK)
            return err;
        if (x.usage < MLS_PSK_APPLICATION || x.usage > MLS_PSK_BRANCH)
            return dt_fail(DT_ERR_FORMAT, "resumption PSK usage %u is not known", x.usage);
        if ((err = dt_read_vec(r, MLS_GROUP_ID_MAX, &x.group_id)) != DT_OK ||
            (err = dt_read_u64(r, &x.epoch)) != DT_OK)
            return err;
        break;
    default:
        return dt_fail(DT_ERR_FORMAT, "PSK type %u is not known", x.type);
    }
    if ((err = dt_read_vec(r, MLS_HASH_MAX, &x.nonce)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

void
mls_psk_id_write(struct dt_writer *w, const struct mls_psk_id *x)
{
    dt_write_u8(w, x->type);
    if (x->type == MLS_PSK_EXTERNAL) {
        dt_write_vec(w, x->id);
    } else {
        dt_write_u8(w, x->usage);
        dt_write_vec(w, x->group_id);
        dt_write_u64(w, x->epoch);
    }
    dt_write_vec(w, x->nonce);
}

/* ---- decode, RFC 9420 section 12.1 ---- */

static enum dt_err
read_reinit(struct dt_reader *r, struct mls_proposal *p)
{
    enum dt_err err;

    if ((err = dt_read_vec(r, MLS_GROUP_ID_MAX, &p->reinit.group_id)) != DT_OK ||
        (err = dt_read_u16(r, &p->reinit.version)) != DT_OK ||
        (err = dt_read_u16(r, &p->reinit.cipher_suite)) != DT_OK)
        return err;
    return mls_extensions_read(r, MLS_PROPOSAL_MAX, &p->reinit.extensions);
}

/* The fields after the type; views point into what ${r} reads. */
static enum dt_err
read_body(struct dt_reader *r, struct mls_proposal *p)
{
    switch (p->type) {
    case MLS_PROPOSAL_ADD:
        return mls_key_package_read(r, &p->add);
    case MLS_PROPOSAL_UPDATE:
        return mls_leaf_node_read(r, &p->update);
    case MLS_PROPOSAL_REMOVE:
        return dt_read_u32(r, &p->remove);
    case MLS_PROPOSAL_PSK:
        return mls_psk_id_read(r, &p->psk);
    case MLS_PROPOSAL_REINIT:
        return read_reinit(r, p);
    case MLS_PROPOSAL_EXTERNAL_INIT:
        return dt_read_vec(r, MLS_PUB_MAX, &p->kem_output);
    case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
        return mls_extensions_read(r, MLS_PROPOSAL_MAX, &p->extensions);
    default:
        if (p->type < MLS_PROPOSAL_PRIVATE_MIN)
            return dt_fail(DT_ERR_UNSUPPORTED, "proposal type %u is not known", p->type);
        return dt_read_vec(r, MLS_PROPOSAL_MAX, &p->body);
    }
}

static enum dt_err
read_fields(struct dt_reader *r, struct mls_proposal *p)
{
    enum dt_err err;

    if ((err = dt_read_u16(r, &p->type)) != DT_OK)
        return err;
    return read_body(r, p);
}

enum dt_err
mls_proposal_read(struct dt_reader *r, struct mls_proposal **out)
{
    struct dt_reader probe = *r, own;
    struct mls_proposal scratch = {0}, *p = NULL;
    struct dt_view raw;
    enum dt_err err;

    if ((err = read_fields(&probe, &scratch)) != DT_OK)
        goto done;
    if ((p = dt_alloc(1, sizeof *p)) == NULL) {
        err = dt_nomem();
        goto done;
    }
    p->refs = 1;
    dt_buf_init(&p->raw, MLS_PROPOSAL_MAX); /* LIMIT: no longer one than that */
    if ((err = dt_read_view(r, r->n - probe.n, &raw)) != DT_OK ||
        (err = dt_buf_set(&p->raw, raw)) != DT_OK)
        goto done;
    own = dt_reader_init(dt_buf_view(&p->raw));
    if ((err = read_fields(&own, p)) != DT_OK)
        goto done;
    *out = p;
    p = NULL;
done:
    mls_key_package_unref(scratch.add);
    mls_leaf_node_unref(scratch.update);
    mls_proposal_unref(p);
    return err;
}

enum dt_err
mls_proposal_parse_body(uint16_t type, struct dt_view body, struct mls_proposal **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_PROPOSAL_MAX);
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
    struct dt_writer w = dt_writer_init(&raw);
    struct dt_reader r;
    enum dt_err err;

    dt_write_u16(&w, type);
    dt_write_view(&w, body);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&raw));
    if ((err = mls_proposal_read(&r, &p)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = p;
    p = NULL;
    return DT_OK;
}

void
mls_proposal_write(struct dt_writer *w, const struct mls_proposal *p)
{
    dt_write_view(w, dt_buf_view(&p->raw));
}

struct mls_proposal *
mls_proposal_ref(struct mls_proposal *p)
{
    p->refs++;
    return p;
}

void
mls_proposal_unref(struct mls_proposal *p)
{
    if (p == NULL || --p->refs > 0)
        return;
    mls_key_package_unref(p->add);
    mls_leaf_node_unref(p->update);
    dt_buf_clear(&p->raw);
    dt_free(p);
}

void
mls_proposal_unref_p(struct mls_proposal **p)
{
    mls_proposal_unref(*p);
    *p = NULL;
}

/* ---- our own ---- */

enum dt_err
mls_proposal_new_add(struct mls_key_package *kp, struct mls_proposal **out)
{
    return mls_proposal_parse_body(MLS_PROPOSAL_ADD, dt_buf_view(&kp->raw), out);
}

enum dt_err
mls_proposal_new_update(struct mls_leaf_node *leaf, struct mls_proposal **out)
{
    return mls_proposal_parse_body(MLS_PROPOSAL_UPDATE, dt_buf_view(&leaf->raw), out);
}

enum dt_err
mls_proposal_new_remove(uint32_t leaf_index, struct mls_proposal **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(4);
    struct dt_writer w = dt_writer_init(&body);
    enum dt_err err;

    dt_write_u32(&w, leaf_index);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return mls_proposal_parse_body(MLS_PROPOSAL_REMOVE, dt_buf_view(&body), out);
}

enum dt_err
mls_proposal_new_psk(const struct mls_psk_id *id, struct mls_proposal **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(MLS_PROPOSAL_MAX);
    struct dt_writer w = dt_writer_init(&body);
    enum dt_err err;

    mls_psk_id_write(&w, id);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return mls_proposal_parse_body(MLS_PROPOSAL_PSK, dt_buf_view(&body), out);
}

enum dt_err
mls_proposal_new_group_context_extensions(const struct mls_extensions *x, struct mls_proposal **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(MLS_PROPOSAL_MAX);
    struct dt_writer w = dt_writer_init(&body);
    enum dt_err err;

    mls_extensions_write(&w, x);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return mls_proposal_parse_body(MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, dt_buf_view(&body), out);
}

enum dt_err
mls_proposal_new_reinit(struct dt_view group_id, uint16_t version, uint16_t cipher_suite,
                        const struct mls_extensions *x, struct mls_proposal **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(MLS_PROPOSAL_MAX);
    struct dt_writer w = dt_writer_init(&body);
    enum dt_err err;

    dt_write_vec(&w, group_id);
    dt_write_u16(&w, version);
    dt_write_u16(&w, cipher_suite);
    mls_extensions_write(&w, x);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return mls_proposal_parse_body(MLS_PROPOSAL_REINIT, dt_buf_view(&body), out);
}

enum dt_err
mls_proposal_new_external_init(struct dt_view kem_output, struct mls_proposal **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(MLS_PUB_MAX + 8);
    struct dt_writer w = dt_writer_init(&body);
    enum dt_err err;

    dt_write_vec(&w, kem_output);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return mls_proposal_parse_body(MLS_PROPOSAL_EXTERNAL_INIT, dt_buf_view(&body), out);
}

enum dt_err
mls_proposal_new_private(uint16_t type, struct dt_view body, struct mls_proposal **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_PROPOSAL_MAX);
    struct dt_writer w = dt_writer_init(&raw);
    enum dt_err err;

    if (type < MLS_PROPOSAL_PRIVATE_MIN)
        return dt_fail(DT_ERR_RANGE, "proposal type %u is not for private use", type);
    dt_write_vec(&w, body);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return mls_proposal_parse_body(type, dt_buf_view(&raw), out);
}
