/* mls/extension.c - see extension.h. */
#include "crypto/crypto.h"

#include "mls/extension.h"

/* ---- extension lists ---- */

static enum dt_err
read_extension(struct dt_reader *r, struct mls_extension *out)
{
    struct mls_extension x;
    enum dt_err err;

    /* RFC 9420 section 7.2: ExtensionType extension_type; opaque extension_data<V>. */
    if ((err = dt_read_u16(r, &x.type)) != DT_OK ||
        (err = dt_read_vec(r, MLS_EXTENSIONS_MAX, &x.data)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

enum dt_err
mls_extensions_parse(struct dt_view raw, struct mls_extensions *out)
{
    struct dt_reader r = dt_reader_init(raw);
    uint16_t seen[MLS_EXTENSIONS_COUNT_MAX];
    struct mls_extension x;
    size_t n = 0;
    enum dt_err err;

    while (r.n > 0) {
        if (n == MLS_EXTENSIONS_COUNT_MAX)
            return dt_fail(DT_ERR_LIMIT, "too many extensions in one list");
        if ((err = read_extension(&r, &x)) != DT_OK)
            return err;
        /* RFC 9420 section 13.4: not more than one extension of any given type. */
        for (size_t i = 0; i < n; i++)
            if (seen[i] == x.type)
                return dt_fail(DT_ERR_FORMAT, "extension type %u appears twice", x.type);
        seen[n++] = x.type;
    }
    out->raw = raw;
    out->n = n;
    return DT_OK;
}

enum dt_err
mls_extensions_read(struct dt_reader *r, size_t max, struct mls_extensions *out)
{
    struct dt_view raw;
    enum dt_err err;

    if ((err = dt_read_vec(r, max, &raw)) != DT_OK)
        return err;
    return mls_extensions_parse(raw, out);
}

void
mls_extensions_write(struct dt_writer *w, const struct mls_extensions *x)
{
    dt_write_vec(w, x->raw);
}

bool
mls_extensions_next(struct dt_view *rest, struct mls_extension *out)
{
    struct dt_reader r = dt_reader_init(*rest);

    if (r.n == 0 || read_extension(&r, out) != DT_OK)
        return false;
    *rest = dt_view(r.p, r.n);
    return true;
}

bool
mls_extensions_find(const struct mls_extensions *x, uint16_t type, struct dt_view *data)
{
    struct dt_view rest = x->raw;
    struct mls_extension e;

    while (mls_extensions_next(&rest, &e)) {
        if (e.type == type) {
            *data = e.data;
            return true;
        }
    }
    return false;
}

enum dt_err
mls_extension_append(struct dt_buf *raw, uint16_t type, struct dt_view data)
{
    struct dt_writer w = dt_writer_init(raw);

    dt_write_u16(&w, type);
    dt_write_vec(&w, data);
    return dt_writer_end(&w);
}

enum dt_err
mls_extensions_check(const struct mls_extensions *x, enum mls_extension_place place)
{
    static const uint8_t places[] = {
        [MLS_EXT_APPLICATION_ID] = MLS_IN_LEAF_NODE,
        [MLS_EXT_RATCHET_TREE] = MLS_IN_GROUP_INFO,
        [MLS_EXT_REQUIRED_CAPABILITIES] = MLS_IN_GROUP_CONTEXT,
        [MLS_EXT_EXTERNAL_PUB] = MLS_IN_GROUP_INFO,
        [MLS_EXT_EXTERNAL_SENDERS] = MLS_IN_GROUP_CONTEXT,
    };
    struct dt_view rest = x->raw;
    struct mls_extension e;

    while (mls_extensions_next(&rest, &e))
        if (mls_extension_is_default(e.type) && (places[e.type] & place) == 0)
            return dt_fail(DT_ERR_REFUSED, "extension %u is not for the place that it is in",
                           e.type);
    return DT_OK;
}

/* ---- values for nobody ---- */

enum dt_err
mls_grease_pick(uint16_t *out)
{
    uint8_t r;
    enum dt_err err = dt_random(&r, 1);

    /* 0x0a0a, 0x1a1a and so on to 0xeaea. */
    if (err == DT_OK)
        *out = (uint16_t)(0x0a0au + (r % 15u) * 0x1010u);
    return err;
}

enum dt_err
mls_grease_extension(struct dt_buf *raw, uint16_t type)
{
    struct mls_extensions parsed;
    struct dt_view data;
    uint8_t r[8];
    enum dt_err err;

    if ((err = mls_extensions_parse(dt_buf_view(raw), &parsed)) != DT_OK ||
        mls_extensions_find(&parsed, type, &data))
        return err;
    err = dt_random(r, sizeof r);
    if (err == DT_OK)
        err = mls_extension_append(raw, type, dt_view(r, r[0] % (sizeof r + 1)));
    return err;
}

/* ---- lists of numbers ---- */

size_t
mls_u16s_count(struct dt_view list)
{
    return list.n / 2;
}

uint16_t
mls_u16s_at(struct dt_view list, size_t i)
{
    return (uint16_t)((list.p[2 * i] << 8) | list.p[2 * i + 1]);
}

bool
mls_u16s_have(struct dt_view list, uint16_t x)
{
    for (size_t i = 0; i < mls_u16s_count(list); i++)
        if (mls_u16s_at(list, i) == x)
            return true;
    return false;
}

enum dt_err
mls_u16s_read(struct dt_reader *r, struct dt_view *out)
{
    struct dt_view v;
    enum dt_err err;

    if ((err = dt_read_vec(r, MLS_CAPABILITIES_MAX, &v)) != DT_OK)
        return err;
    if (v.n % 2 != 0)
        return dt_fail(DT_ERR_FORMAT, "a list of uint16 has an odd length");
    *out = v;
    return DT_OK;
}

/* ---- credential ---- */

/* RFC 9420 section 5.3: each Certificate is opaque cert_data<V>. */
static enum dt_err
check_chain(struct dt_view chain)
{
    struct dt_reader r = dt_reader_init(chain);
    struct dt_view cert;
    enum dt_err err;

    while (r.n > 0)
        if ((err = dt_read_vec(&r, MLS_CREDENTIAL_MAX, &cert)) != DT_OK)
            return err;
    return DT_OK;
}

enum dt_err
mls_credential_read(struct dt_reader *r, struct mls_credential *out)
{
    struct mls_credential x = {0};
    enum dt_err err;

    if ((err = dt_read_u16(r, &x.type)) != DT_OK)
        return err;
    switch (x.type) {
    case MLS_CREDENTIAL_BASIC:
        if ((err = dt_read_vec(r, MLS_CREDENTIAL_MAX, &x.identity)) != DT_OK)
            return err;
        break;
    case MLS_CREDENTIAL_X509:
        if ((err = dt_read_vec(r, MLS_CREDENTIAL_MAX, &x.body)) != DT_OK ||
            (err = check_chain(x.body)) != DT_OK)
            return err;
        break;
    default:
        if ((err = dt_read_vec(r, MLS_CREDENTIAL_MAX, &x.body)) != DT_OK)
            return err;
        break;
    }
    *out = x;
    return DT_OK;
}

struct dt_view
mls_credential_body(const struct mls_credential *x)
{
    return x->type == MLS_CREDENTIAL_BASIC ? x->identity : x->body;
}

void
mls_credential_write(struct dt_writer *w, const struct mls_credential *x)
{
    dt_write_u16(w, x->type);
    dt_write_vec(w, mls_credential_body(x));
}

/* ---- capabilities ---- */

enum dt_err
mls_capabilities_read(struct dt_reader *r, struct mls_capabilities *out)
{
    struct mls_capabilities x;
    enum dt_err err;

    if ((err = mls_u16s_read(r, &x.versions)) != DT_OK ||
        (err = mls_u16s_read(r, &x.cipher_suites)) != DT_OK ||
        (err = mls_u16s_read(r, &x.extensions)) != DT_OK ||
        (err = mls_u16s_read(r, &x.proposals)) != DT_OK ||
        (err = mls_u16s_read(r, &x.credentials)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

void
mls_capabilities_write(struct dt_writer *w, const struct mls_capabilities *x)
{
    dt_write_vec(w, x->versions);
    dt_write_vec(w, x->cipher_suites);
    dt_write_vec(w, x->extensions);
    dt_write_vec(w, x->proposals);
    dt_write_vec(w, x->credentials);
}

bool
mls_extension_is_default(uint16_t type)
{
    return type >= MLS_EXT_APPLICATION_ID && type <= MLS_EXT_EXTERNAL_SENDERS;
}

bool
mls_proposal_is_default(uint16_t type)
{
    return type >= 1 && type <= 7;
}

enum dt_err
mls_required_capabilities_parse(struct dt_view data, struct mls_required_capabilities *out)
{
    struct dt_reader r = dt_reader_init(data);
    struct mls_required_capabilities x;
    enum dt_err err;

    if ((err = mls_u16s_read(&r, &x.extensions)) != DT_OK ||
        (err = mls_u16s_read(&r, &x.proposals)) != DT_OK ||
        (err = mls_u16s_read(&r, &x.credentials)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

void
mls_required_capabilities_write(struct dt_writer *w, const struct mls_required_capabilities *x)
{
    dt_write_vec(w, x->extensions);
    dt_write_vec(w, x->proposals);
    dt_write_vec(w, x->credentials);
}

enum dt_err
mls_capabilities_satisfy(const struct mls_capabilities *caps,
                         const struct mls_required_capabilities *required)
{
    uint16_t x;

    for (size_t i = 0; i < mls_u16s_count(required->extensions); i++) {
        x = mls_u16s_at(required->extensions, i);
        if (!mls_extension_is_default(x) && !mls_u16s_have(caps->extensions, x))
            return dt_fail(DT_ERR_UNSUPPORTED, "required extension %u is not supported", x);
    }
    for (size_t i = 0; i < mls_u16s_count(required->proposals); i++) {
        x = mls_u16s_at(required->proposals, i);
        if (!mls_proposal_is_default(x) && !mls_u16s_have(caps->proposals, x))
            return dt_fail(DT_ERR_UNSUPPORTED, "required proposal %u is not supported", x);
    }
    for (size_t i = 0; i < mls_u16s_count(required->credentials); i++) {
        x = mls_u16s_at(required->credentials, i);
        if (!mls_u16s_have(caps->credentials, x))
            return dt_fail(DT_ERR_UNSUPPORTED, "required credential type %u is not supported", x);
    }
    return DT_OK;
}

/* ---- external senders ---- */

static enum dt_err
read_external_sender(struct dt_reader *r, struct mls_external_sender *out)
{
    struct mls_external_sender x;
    enum dt_err err;

    if ((err = dt_read_vec(r, MLS_PUB_MAX, &x.signature_key)) != DT_OK ||
        (err = mls_credential_read(r, &x.credential)) != DT_OK)
        return err;
    *out = x;
    return DT_OK;
}

enum dt_err
mls_external_senders_parse(struct dt_view data, size_t *n)
{
    struct dt_reader r = dt_reader_init(data), sub;
    struct mls_external_sender x;
    size_t count = 0;
    enum dt_err err;

    if ((err = dt_read_sub(&r, MLS_EXTENSIONS_MAX, &sub)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    for (; sub.n > 0; count++)
        if ((err = read_external_sender(&sub, &x)) != DT_OK)
            return err;
    *n = count;
    return DT_OK;
}

enum dt_err
mls_external_sender_at(struct dt_view data, size_t index, struct mls_external_sender *out)
{
    struct dt_reader r = dt_reader_init(data), sub;
    struct mls_external_sender x;
    enum dt_err err;

    if ((err = dt_read_sub(&r, MLS_EXTENSIONS_MAX, &sub)) != DT_OK)
        return err;
    for (size_t i = 0; sub.n > 0; i++) {
        if ((err = read_external_sender(&sub, &x)) != DT_OK)
            return err;
        if (i == index) {
            *out = x;
            return DT_OK;
        }
    }
    return dt_fail(DT_ERR_RANGE, "there is no external sender %zu", index);
}

/* ---- lifetime ---- */

enum dt_err
mls_lifetime_check(const struct mls_lifetime *x, const struct mls_lifetime_policy *policy)
{
    uint64_t now = policy->now_s, latest, earliest;

    if (!policy->check)
        return DT_OK;
    if (x->not_after < x->not_before)
        return dt_fail(DT_ERR_REFUSED, "a lifetime ends before it begins");
    /* RFC 9420 section 7.2: applications MUST define a maximum total lifetime. */
    if (policy->max_s != 0 && x->not_after - x->not_before > policy->max_s)
        return dt_fail(DT_ERR_REFUSED, "a lifetime is longer than allowed");
    latest = now > UINT64_MAX - policy->skew_s ? UINT64_MAX : now + policy->skew_s;
    earliest = now < policy->skew_s ? 0 : now - policy->skew_s;
    if (latest < x->not_before)
        return dt_fail(DT_ERR_EXPIRED, "a lifetime has not begun yet");
    if (earliest > x->not_after)
        return dt_fail(DT_ERR_EXPIRED, "a lifetime is over");
    return DT_OK;
}
