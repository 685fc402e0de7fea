/* fuzz/mls/fuzz_mls_message.c - MLSMessage of every wire format, as far as it is read without a
 * key. */
#include "mls/group_limits.h"
#include "mls/private_message.h"
#include "mls/welcome.h"

#include "fuzz_mls.h"

static bool
public_message(struct dt_view body, struct dt_writer *w)
{
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    struct dt_view tag;

    if (mls_public_message_parse(body, &c, &tag) != DT_OK)
        return false;
    dt_write_view(w, dt_view(c.raw.p + 2, c.raw.n - 2));
    if (c.sender_type == MLS_SENDER_MEMBER)
        dt_write_vec(w, tag);
    return true;
}

static bool
private_message(struct dt_view body, struct dt_writer *w)
{
    struct mls_private_message m;

    if (mls_private_message_parse(body, &m) != DT_OK)
        return false;
    mls_private_message_write(w, &m);
    return true;
}

static bool
welcome(struct dt_view body, struct dt_writer *w)
{
    struct mls_welcome x;
    struct mls_encrypted_group_secrets entry;

    if (mls_welcome_parse(body, &x) != DT_OK)
        return false;
    (void)mls_welcome_find(&x, dt_view(body.p, body.n < 32 ? body.n : 32), &entry);
    dt_write_u16(w, x.cipher_suite);
    dt_write_vec(w, x.secrets);
    dt_write_vec(w, x.encrypted_group_info);
    return true;
}

static bool
group_info(struct dt_view body, struct dt_writer *w)
{
    DT_CLEANUP(mls_group_info_clear) struct mls_group_info g = {0};

    if (mls_group_info_parse(body, &g) != DT_OK)
        return false;
    dt_write_view(w, dt_buf_view(&g.context.raw));
    mls_extensions_write(w, &g.extensions);
    dt_write_vec(w, g.confirmation_tag);
    dt_write_u32(w, g.signer);
    dt_write_vec(w, g.signature);
    return true;
}

static bool
key_package(struct dt_view body, struct dt_writer *w)
{
    DT_CLEANUP(mls_key_package_unref_p) struct mls_key_package *kp = NULL;

    if (mls_key_package_parse(body, &kp) != DT_OK)
        return false;
    mls_key_package_write(w, kp);
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const readers[])(struct dt_view, struct dt_writer *) = {
        [MLS_WIRE_PUBLIC_MESSAGE] = public_message,
        [MLS_WIRE_PRIVATE_MESSAGE] = private_message,
        [MLS_WIRE_WELCOME] = welcome,
        [MLS_WIRE_GROUP_INFO] = group_info,
        [MLS_WIRE_KEY_PACKAGE] = key_package,
    };
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_reader r = dt_reader_init(dt_view(data, size));
    struct dt_writer w = dt_writer_init(&again);
    enum mls_wire_format format;

    (void)fuzz_suite();
    if (mls_message_read(&r, &format) != DT_OK)
        return 0;
    mls_message_write(&w, format);
    if (!readers[format](dt_view(r.p, r.n), &w))
        return 0;
    if (dt_writer_end(&w) != DT_OK)
        abort();
    fuzz_same(dt_buf_view(&again), data, size);
    fuzz_accepted();
    return 0;
}
