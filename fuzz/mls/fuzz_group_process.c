/*
 * fuzz/mls/fuzz_group_process.c - one message to a member of a group of three with fixed keys.
 *
 * The first byte says how it comes: 0 the rest is the message as it is; 1 and 2 the rest is a
 * content type and a content, which another member signs and sends as PrivateMessage (1) or
 * PublicMessage (2), so that what lies behind the decryption and the signature is reached. Whatever
 * fails changes nothing.
 */
#include "mls/group_internal.h"
#include "mls/label.h"

#include "fuzz_mls.h"
#include "group_fixture.h"

static struct mls_group *victim;
static struct mls_group *attacker;

static struct mls_group *
load(const uint8_t *p, size_t n)
{
    struct mls_group *g = NULL;

    if (mls_group_load(dt_view(p, n), &g) != DT_OK)
        abort();
    return g;
}

/* An AuthenticatedContent by the attacker of ${type} and the bytes ${inner}, good or bad. */
static bool
content(uint16_t wire_format, uint8_t type, struct dt_view inner, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf tbs = DT_BUF_INIT(2 * MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(MLS_SIG_MAX);
    static const uint8_t tag[32] = {0};
    const struct mls_group *g = attacker;
    struct dt_writer w = dt_writer_init(out);
    struct dt_writer tw = dt_writer_init(&tbs);

    dt_write_u16(&w, wire_format);
    dt_write_vec(&w, g->context.group_id);
    dt_write_u64(&w, g->context.epoch);
    dt_write_u8(&w, MLS_SENDER_MEMBER);
    dt_write_u32(&w, g->own_leaf);
    dt_write_vec(&w, dt_view(NULL, 0));
    dt_write_u8(&w, type);
    dt_write_view(&w, inner);
    dt_write_u16(&tw, MLS_VERSION_10);
    dt_write_view(&tw, dt_buf_view(out));
    dt_write_view(&tw, dt_buf_view(&g->context.raw));
    if (dt_writer_end(&tw) != DT_OK ||
        mls_sign_with_label(g->suite, dt_secret_view(&g->signature_priv), "FramedContentTBS",
                            dt_buf_view(&tbs), &sig) != DT_OK)
        return false;
    dt_write_vec(&w, dt_buf_view(&sig));
    if (type == MLS_CONTENT_COMMIT)
        dt_write_vec(&w, dt_view_of(tag));
    return dt_writer_end(&w) == DT_OK;
}

static bool
craft(uint8_t how, struct dt_view rest, struct dt_buf *message)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step step = {0};
    struct mls_group *g = attacker;
    enum mls_ratchet_kind kind;

    if (rest.n == 0 || !content(how == 2 ? MLS_WIRE_PUBLIC_MESSAGE : MLS_WIRE_PRIVATE_MESSAGE,
                                rest.p[0], dt_view(rest.p + 1, rest.n - 1), &raw))
        return false;
    if (how == 2)
        return mls_public_message_write(g->suite, dt_buf_view(&raw), dt_buf_view(&g->context.raw),
                                        dt_secret_view(&g->secrets.membership_key),
                                        message) == DT_OK;
    kind = mls_ratchet_of(rest.p[0]);
    if (mls_secret_tree_derive(&g->keys, g->own_leaf, kind,
                               mls_secret_tree_generation(&g->keys, g->own_leaf, kind),
                               &step) != DT_OK)
        abort();
    return mls_private_message_seal(g->suite, dt_buf_view(&raw),
                                    dt_secret_view(&g->secrets.sender_data), &step, 0,
                                    message) == DT_OK;
}

static void
unchanged(void)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf now = DT_BUF_INIT(MLS_GROUP_STATE_MAX);

    if (mls_group_save(victim, &now) != DT_OK)
        abort();
    fuzz_same(dt_buf_view(&now), fixture_victim, sizeof fixture_victim);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(MLS_MESSAGE_MAX);
    static const struct mls_psk psk = {{(const uint8_t *)"psk", 3}, {(const uint8_t *)"value", 5}};
    const struct mls_psk_list psks = {&psk, 1};
    struct mls_event e = {0};

    (void)fuzz_suite();
    if (victim == NULL)
        victim = load(fixture_victim, sizeof fixture_victim);
    if (attacker == NULL)
        attacker = load(fixture_attacker, sizeof fixture_attacker);
    if (size == 0 || data[0] > 2)
        return 0;
    if (data[0] == 0) {
        if (dt_buf_set(&message, dt_view(data + 1, size - 1)) != DT_OK)
            return 0;
    } else if (!craft(data[0], dt_view(data + 1, size - 1), &message)) {
        return 0;
    }
    if (mls_group_process(victim, psks, dt_buf_view(&message), &e) != DT_OK) {
        unchanged();
        return 0;
    }
    if (e.kind == MLS_EVENT_REFUSED)
        unchanged();
    if (e.kind == MLS_EVENT_COMMIT && mls_group_take(victim, e.staged, 1) == DT_OK)
        e.staged = NULL;
    mls_event_clear(&e);
    /* What it has become can be saved and loaded. */
    {
        DT_CLEANUP(dt_buf_wipe) struct dt_buf now = DT_BUF_INIT(MLS_GROUP_STATE_MAX);

        if (mls_group_save(victim, &now) != DT_OK)
            abort();
        mls_group_free(victim);
        victim = load(now.p, now.n);
    }
    mls_group_free(victim);
    victim = NULL;
    fuzz_accepted();
    return 0;
}
